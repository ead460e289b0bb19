/* SPDX-License-Identifier: MPL-2.0 */
/* Inside intel: decisions on labels and traits, remembered. */
#ifndef RELEASE_H
#define RELEASE_H

#include <pthread.h>
#include <stdatomic.h>

#include "intel.h"
#include "traits.h"

#define RELEASE_CHUNK 16384 /* labels in one piece of the table */
#define RELEASE_CHUNKS                                                                             \
	1024                  /* pieces: 16 million labels; any past that are worked out each time \
			       */
#define RELEASE_CONTEXTS 1024 /* readers times recipients that are ever in use; 40 KB each */
#define RELEASE_SLOTS                                                                              \
	1024 /* decisions remembered per context; a store has thousands of pairs, and one costs    \
	      * under a microsecond to make again */
#define RELEASE_CUTS    POLICY_VALUES_MAX /* intervals of ages that a policy can tell apart */
#define RELEASE_MEMBERS 16                /* origins remembered per context */
#define RELEASE_PASSED  256 /* versions handed on that wait in a context for the log */

/* Above every TLP: a marking that we do not understand, or could not look up. */
#define LEVEL_UNKNOWN INTEL_TLP_UNKNOWN

#define DAY_US  INT64_C(86400000000)
#define HOUR_US INT64_C(3600000000)

/* ---- a policy made ready (release_policy.c) -------------------------------------------------- */

/* The ages that a policy tells apart: where intervals end, ascending. */
struct release_ages {
	int32_t end[RELEASE_CUTS];
	size_t count;
};

/* The numbers that a policy has for words. */
struct release_words {
	int32_t share, reshare, publish, own, received, yes, no, purpose_none;
	int32_t tlp[STIX_TLP_RED + 1], pii[PII_KINDS], content[CONTENT_KINDS];
	uint64_t sector[32]; /* bits, by traits_sector number */
	struct release_ages ages;
};

struct release_policy {
	const struct policy *policy;
	struct policy_facts facts;
	struct slice self;
	int32_t self_number;
	struct release_words words;
};

/* Borrows the policy and self. ERR_INVALID: self is none of its members. */
enum err_kind release_policy_init(struct release_policy *p, const struct policy *policy,
	struct slice self, struct err *e) MUST_USE;

/* Who asks, as a policy sees it. */
struct release_asker {
	int32_t to;     /* member's number, POLICY_PUBLIC, POLICY_UNKNOWN */
	bool everybody; /* all members but ourselves */
	struct slice purpose;
	bool request_open, legal_basis, plain; /* plain: nothing encrypts on the way */
	unsigned approvals;
};
struct release_asker release_asker_of(
	const struct release_policy *p, const struct intel_recipient *to);

/* What a label's markings say (release_marking.c). */
struct release_marking {
	uint8_t level;  /* under a policy: enum stix_tlp, or LEVEL_UNKNOWN */
	bool by_policy; /* without a policy the level is LEVEL_UNKNOWN */
	struct policy_marking says;
};

/* What is known of the row. */
struct release_facts {
	const struct release_marking *marking;
	const struct traits *traits; /* NULL: not worked out */
	bool own;
	int32_t age_days; /* POLICY_UNKNOWN: it has no time */
};

struct release_decision {
	bool allowed;
	int16_t rule;
	int32_t delay_hours;
	const char *because;         /* why not, when it was no rule; else NULL */
	struct policy_decision last; /* of the one asked for last */
	struct policy_case question;
};
void release_decide(const struct release_policy *p, const struct release_asker *asker,
	const struct release_facts *facts, struct release_decision *ret_decision);
/* The obligations under which the policy lets a member's object come to us, and the rule. False: it
 * does not. */
bool release_retention(const struct release_policy *p, struct slice sender,
	const struct release_facts *facts, struct policy_duties *ret_duties,
	struct slice *ret_rule);
/* Deadlines for some more rows; what is due goes (retain.c). */
enum err_kind release_retain_step(struct intel *i, struct err *e) MUST_USE;
enum err_kind release_expire_step(struct intel *i, struct err *e) MUST_USE;
/* Whole days since the version's time, else since it was made. */
int32_t release_age_days(const struct store_row *row, int64_t now_us);
unsigned release_age_interval(const struct release_ages *ages, int32_t age_days);
/* Has the delay passed that a decision asks for? Counted from the arrival here. */
bool release_is_due(const struct store_row *row, int64_t now_us, int32_t delay_hours);

/* ---- what is remembered ---------------------------------------------------------------------- */

struct release_slot {
	uint32_t label, traits;
	uint32_t epoch; /* of labels, cut */
	bool used, own, allowed;
	uint8_t interval;
	int16_t rule;
	int32_t delay_hours;
	int64_t changes_us; /* the markings say something else from then on */
};

struct release_origin {
	int64_t member; /* 0: free */
	uint64_t epoch; /* of accounts, when it was found */
	bool own;
};

/* What an audience is handed: who asks, through which connection. Lives as long as intel; one
 * thread at a time uses a reader, and so this. */
struct release_context {
	struct intel *intel;
	struct store_reader *reader;
	struct intel_recipient to; /* its texts are in `texts` */
	char texts[2 * POLICY_NAME_MAX];
	uint8_t limit;         /* strictest level that may pass */
	bool asks;             /* the policy is asked */
	uint64_t access_epoch; /* of accounts, when last opened */
	uint64_t withheld;     /* rows held back since the last open */
	uint64_t generation;   /* of the policy that the slots are about */
	bool ours;             /* the account is that of our own member */
	struct release_ages ages;
	struct release_slot *slots;
	struct release_origin origins[RELEASE_MEMBERS];

	pthread_mutex_t passed_lock; /* guards what follows: whoever is idle empties it */
	struct intel_note passed[RELEASE_PASSED];
	size_t passed_count;
	int64_t passed_account;
};

struct release_log;      /* release_log.c */
struct release_markings; /* release_marking.c */

struct intel {
	struct store *store;
	const struct world *world;
	/* One word per label: the epoch in which it was decided and its level; 0 is undecided. */
	_Atomic(_Atomic uint32_t *) levels[RELEASE_CHUNKS];
	pthread_mutex_t lock; /* guards what follows, and the making of chunks */
	struct release_context *contexts[2 * RELEASE_CONTEXTS]; /* open addressing */
	size_t contexts_count;

	pthread_rwlock_t policy_lock; /* guards the policy; taken only when a slot does not know */
	struct policy *policy;        /* NULL: none in force */
	char self[POLICY_NAME_MAX + 1];
	struct release_policy ready;
	_Atomic uint64_t generation; /* 1: never set; odd and even mean nothing */
	_Atomic int64_t expires_us;  /* INT64_MAX: no policy */
	_Atomic bool in_force;
	_Atomic bool by_time; /* decisions change as time passes */

	struct release_markings *markings;
	_Atomic bool markings_by_time; /* dates in markings have been met */
	struct release_log *log;
	bool traits_done; /* all rows have traits of these rules */
};

/* The strictest level that a recipient may have, whatever a policy says. */
uint8_t release_limit_of(const struct intel_recipient *to);
/* Did our own people bring in what has this member's number? self: our name, or empty. */
bool release_is_own(struct intel *i, struct store_reader *r, int64_t member, struct slice self);
/* False: not worked out. */
bool release_traits_of(struct store_reader *r, uint32_t number, struct traits *ret_traits);
struct release_markings *release_markings_new(void) MUST_USE;
void release_markings_free(struct release_markings *m); /* accepts NULL */
void release_marking_of(struct intel *i, struct store_reader *r, uint32_t label,
	struct release_marking *ret_marking);
/* The level that counts now: with a policy in force, or without one. */
uint8_t release_level(struct intel *i, struct store_reader *r, uint32_t label);
/* The level without a policy. */
uint8_t release_level_alone(struct intel *i, struct store_reader *r, uint32_t label);
/* NULL: no room. */
struct release_context *release_context_get(
	struct intel *i, struct store_reader *r, const struct intel_recipient *to);
void release_context_free(struct release_context *c); /* accepts NULL */
/* The rule that allowed a row to pass, -1 when none was asked; and of which policy. */
int16_t release_rule_of(
	struct release_context *c, const struct store_row *row, uint64_t *ret_generation);
/* Put in force what is kept in the store; nothing leaves when that cannot be understood. */
void release_policy_load(struct intel *i);
struct release_log *release_log_new(void) MUST_USE;
void release_log_free(struct release_log *l);
/* From all contexts into the log. */
void release_log_drain(struct intel *i);

#endif
