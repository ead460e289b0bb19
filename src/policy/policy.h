/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The policy: rules as boxes. A rule is one set per attribute over finite domains; a policy permits
 * what lies in some permit and in no forbid. Parsed strictly from JSON, decided without memory,
 * explained, analysed, compared. Does not know where objects come from.
 */
#ifndef POLICY_H
#define POLICY_H

#include "base/base.h"
#include "stix/stix.h"
#include "json/json.h"

/* ---- limits ---------------------------------------------------------------------------------- */

#define POLICY_BYTES_MAX   MIB(1) /* of a policy's text */
#define POLICY_RULES_MAX   1024   /* rules in one policy: 200 permits and 80 forbids are many */
#define POLICY_MEMBERS_MAX 62     /* members; with "public" and "unknown" a set is one word */
#define POLICY_GROUPS_MAX  64
#define POLICY_NAME_MAX    64 /* bytes of a rule id, a member, a group */
#define POLICY_VALUES_MAX  64 /* values of one domain, "unknown" among them: one word */
#define POLICY_STEPS       UINT64_C(20000000) /* default budget of one question: about 250 ms */

/* ---- domains --------------------------------------------------------------------------------- */

enum policy_family { POLICY_EXCHANGE, POLICY_MEASURE, POLICY_DUTY, POLICY_FAMILIES };
enum policy_effect { POLICY_PERMIT, POLICY_FORBID, POLICY_REQUIRE, POLICY_NEVER, POLICY_EFFECTS };
const char *policy_family_name(enum policy_family f);
const char *policy_effect_name(enum policy_effect f);

/* How the values of an attribute are written and compared. */
enum policy_domain {
	POLICY_NAMED,   /* a fixed list: "kind", "content" */
	POLICY_ORDERED, /* a fixed list in order of strictness, {"le":..}, {"ge":..}: "tlp",
			   "severity" */
	POLICY_NUMBER,  /* whole numbers, cut into intervals by the constants used: "confidence" */
	POLICY_FLAG,    /* true, false */
	POLICY_PARTY,   /* members of the charter, "@members", "@group", "public" */
};

/* Of the exchange family; others in policy_attribute_get. The numbers are used in stored vectors.
 */
enum policy_exchange {
	POLICY_ACT,    /* share, reshare, publish */
	POLICY_FROM,   /* member that sends */
	POLICY_TO,     /* member, or public */
	POLICY_KIND,   /* STIX type; "other" for custom ones; measure-stats, sighting-stats */
	POLICY_TLP,    /* none, clear, green, amber, amber+strict, red */
	POLICY_SECTOR, /* energy, transport, ...; an object may touch several: see policy_case */
	POLICY_CONFIDENCE,   /* 0..100 */
	POLICY_AGE_DAYS,     /* whole days since modified, else created */
	POLICY_PII,          /* none, pseudonymous, personal */
	POLICY_ORIGIN,       /* own, received */
	POLICY_PURPOSE,      /* none, defence, law-enforcement, research, statistics */
	POLICY_REQUEST_OPEN, /* flag: the recipient has an open request that this answers */
	POLICY_TO_AFFECTED,  /* flag: the object says that the recipient is affected */
	POLICY_CONTENT,      /* technical, expression, mixed */
	POLICY_PAP,          /* none, clear, green, amber, red: PAP and IEP markings map into it */
	POLICY_EXCHANGE_ATTRIBUTES
};

#define POLICY_ATTRIBUTES_MAX 24        /* of the largest family */
#define POLICY_UNKNOWN        INT32_MIN /* a value that nobody could find out, in every domain */

struct policy_attribute {
	const char *name; /* as in rules: "to_affected" */
	enum policy_domain domain;
	const char *const *values; /* NAMED and ORDERED: without "unknown"; by number */
	size_t values_count;
	int32_t least, most; /* NUMBER; what lies outside counts as unknown */
	const char *says;    /* one line */
	/* A permit that leaves the attribute out permits every value that is known, and not
	 * "unknown" (nor "public", nor, with none_guarded, "none"). Others that are left out are
	 * not asked about at all. */
	bool guarded;
	bool none_apart;   /* value 0 is "none" and stands outside the order, like "unknown" */
	bool none_guarded; /* and must be written in a permit, like "unknown" */
};
/* By family and number; NULL past the last. */
const struct policy_attribute *policy_attribute_get(enum policy_family f, unsigned number);
/* Its number by name; -1: none. */
int policy_attribute_find(enum policy_family f, struct slice name);
/* The number of a value by its name in a NAMED, ORDERED or FLAG domain; POLICY_UNKNOWN for
 * "unknown". False: no such value. */
bool policy_value_find(
	enum policy_family f, unsigned attribute, struct slice name, int32_t *ret_value);

/* ---- parties --------------------------------------------------------------------------------- */

/* Who there is: from the charter, or from a file. Order gives the numbers in cases; a policy keeps
 * a copy. */
struct policy_parties {
	const struct slice *members;
	size_t members_count;
};
#define POLICY_PUBLIC INT32_C(1000) /* value of "to": anybody */

/* ---- policies -------------------------------------------------------------------------------- */

struct policy; /* immutable; any thread may read it */

struct policy_finding {
	bool error;
	struct slice path;    /* "rules[3].when.tlp" */
	struct slice rule;    /* its id, or empty */
	struct slice message; /* what was wrong, what was expected */
};
struct policy_report { /* lives in the arena handed in */
	struct arena *arena;
	struct policy_finding *findings;
	size_t count, errors;
};

enum policy_layer {
	POLICY_UNIFIED,     /* "type": "policy" */
	POLICY_OVERLAY,     /* "type": "overlay": only forbid and require */
	POLICY_RESERVATION, /* "type": "reservation": of one member; only forbid and require */
};

/*
 * Strict: unknown properties, attributes, values, effects are errors; every error is in the report.
 * ERR_INVALID when there was one; *e then has the first and how many more. ERR_LIMIT for size,
 * depth, more than 31 bounds of one number, too many contradictions. Top level: type, name, version
 * (whole number from 1), expires (RFC 3339), base (digest of what it changes; "" at first), member
 * (of layers), groups {name: [member...]}, rules [...], text. The grammar is in docs/policy.md.
 * report may be NULL. A permit that meets a never is read, denied in every decision, told by
 * policy_analyse, and refused by policy_tabling.
 */
enum err_kind policy_parse(struct slice text, const struct policy_parties *parties,
	struct policy_report *report, struct policy **ret_policy, struct err *e) MUST_USE;
void policy_free(struct policy *p); /* accepts NULL */

struct policy_facts {
	struct slice name;
	enum policy_layer layer;
	uint64_t version;
	int64_t expires_us;
	uint8_t digest[SHA256_LEN]; /* of the text's bytes */
	size_t rules[POLICY_FAMILIES][POLICY_EFFECTS];
	const struct policy_parties *parties;
};
struct policy_facts policy_facts(const struct policy *p);
/* unified AND overlays: a new policy whose decisions are those that all layers allow. Rules keep
 * their ids, with "overlay:" or "reservation-of-X:" before those of the layers. ERR_INVALID with a
 * witness when an overlay would loosen. Layers that have ended are the caller's to leave out: only
 * the unified policy's `expires` counts. */
enum err_kind policy_join(const struct policy *unified, const struct policy *const *layers,
	size_t layers_count, struct policy **ret_policy, struct err *e) MUST_USE;

/* ---- deciding -------------------------------------------------------------------------------- */

/*
 * One question: a value per attribute. PARTY: number of the member, POLICY_PUBLIC, or UNKNOWN.
 * Sectors are a set (bit n: value n; none set: what stands in values, which is unknown at first):
 * the question is asked for each of them, and all must be permitted; obligations join.
 */
struct policy_case {
	enum policy_family family;
	int32_t values[POLICY_ATTRIBUTES_MAX];
	uint64_t sectors;
	int64_t now_us; /* an expired policy permits nothing; 0: not asked */
};
/* Everything unknown. */
void policy_case_init(struct policy_case *c, enum policy_family family);

/* The strictest of what all matching permits and requires demand. Absent: -1, false, 0. What a
 * decision that denies would have demanded is not told. */
struct policy_duties {
	int32_t retain_days, min_count, delay_hours; /* retain: least; others: most */
	int32_t max_hours, review_hours, approvals; /* of measures; approvals: most, others least */
	int32_t within_hours;                       /* of duties: the first step's, least */
	bool anonymous; /* the source is withheld; contradicts attribution */
	bool encrypt, attribution, no_onward, appeal, public_record, collateral_check, legal_basis,
		method_note;
	/* Bits, policy_redact_name; deciding leaves it to the caller, who has exact bytes only and
	 * withholds the whole object when any bit is set. */
	uint32_t redact;
};
const char *policy_redact_name(unsigned bit); /* "identity"; NULL past the last */
struct policy_decision {
	bool allowed;
	bool expired;
	bool contradiction; /* obligations that cannot all be kept: denied */
	bool by_marking;    /* policy_decide_marked: denied by a marking, and no rule */
	int16_t rule;       /* permit that allowed it (the first), forbid or never that stopped it,
			       or -1. DUTY: the first that applies, and then `allowed` */
	struct policy_duties duties;
};
/* No memory, no locks. */
void policy_decide(
	const struct policy *p, const struct policy_case *c, struct policy_decision *ret_decision);
/* The least retain_days that any exchange permit or require can demand of a recipient, whatever it
 * is that it receives, and the rule: for what no question can be asked about. -1: none does. */
int32_t policy_retain_least(const struct policy *p, int32_t to, int *ret_rule);
/* Id of a rule by number, and the clause that it cites. */
struct slice policy_rule_id(const struct policy *p, int rule);
struct slice policy_rule_clause(const struct policy *p, int rule);
/* Which interval of a NUMBER attribute a value falls into, and where the interval ends (exclusive;
 * INT32_MAX: open): what a decision depends on, for whoever remembers decisions. */
unsigned policy_interval(const struct policy *p, enum policy_family f, unsigned attribute,
	int32_t value, int32_t *ret_end);

/* Decision, digest, matching rules, obligations with the rule that set each, and the nearest
 * permits with the attributes that failed. JSON, or text for people. */
enum err_kind policy_explain(const struct policy *p, const struct policy_case *c, bool json,
	struct buf *out, struct err *e) MUST_USE;

/* ---- markings: the originator's layer -------------------------------------------------------- */

/*
 * What markings restrict. TLP and PAP are attributes that rules look at; the rest of FIRST's
 * Information Exchange Policy 2.0 is obligations and one forbid, which policy_decide_marked adds.
 */
struct policy_marking {
	int32_t tlp, pap; /* as in a case; 0: says nothing; POLICY_UNKNOWN: cannot be read */
	/* What was received goes only to whom it says is not affected: if it says nothing, to
	 * nobody. */
	bool no_affected;
	struct policy_duties duties; /* encrypt, attribution, anonymous */
	int64_t changes_us;          /* from then on it says something else; INT64_MAX: never */
};
void policy_marking_init(struct policy_marking *m); /* says nothing */
/*
 * One marking-definition: the standard TLP ones, statements (which say nothing to a program), and
 * the extensions for PAP and IEP 2.0. docs/policy.md says what becomes of each property. Anything
 * else in it, another version, a date that has not come or has passed: tlp and pap are unknown.
 */
void policy_marking_read(
	struct json_value marking_definition, int64_t now_us, struct policy_marking *ret_marking);
/* The strictest of both. */
void policy_marking_join(struct policy_marking *m, const struct policy_marking *with);
/* policy_decide with the stricter of the case's and the markings' TLP and PAP, then what else the
 * markings demand. */
void policy_decide_marked(const struct policy *p, const struct policy_marking *m,
	const struct policy_case *c, struct policy_decision *ret_decision);

/* ---- asking about all cases ------------------------------------------------------------------ */

enum policy_answer { POLICY_NO, POLICY_YES, POLICY_UNDECIDED };

/* A set of cases: per attribute a set of values (bits; NUMBER: intervals of this policy). */
struct policy_box;
/* Like a rule's "when": {"kind":["indicator"],"tlp":{"le":"amber"}}; absent: everything. */
enum err_kind policy_box_parse(const struct policy *p, enum policy_family f, struct json_value when,
	struct arena *a, struct policy_box **ret_box, struct err *e) MUST_USE;
/* Is any case in the box permitted? YES comes with one. steps: budget, counted down. */
enum policy_answer policy_any(const struct policy *p, const struct policy_box *box, uint64_t *steps,
	struct policy_case *ret_witness);
/* For each recipient (members in order, then public: [members_count + 1] both): can it ever receive
 * something of the box? ret_witnesses may be NULL. */
enum err_kind policy_who(const struct policy *p, const struct policy_box *box, uint64_t *steps,
	enum policy_answer *ret_answers, struct policy_case *ret_witnesses, struct err *e) MUST_USE;

enum policy_trouble {
	POLICY_DEAD,          /* a permit that permits nothing */
	POLICY_SHADOWED,      /* a rule without which nothing changes */
	POLICY_OVERLAP,       /* a permit and a forbid that meet: is it meant? */
	POLICY_BREACH,        /* a permit that meets a never: cannot be tabled */
	POLICY_UNKNOWN_FLOWS, /* something unknown can flow, attribute by attribute */
	POLICY_CONTRADICTORY, /* rules whose obligations cannot all be kept, for some case */
	POLICY_PII_PUBLIC,    /* personal data can reach the public */
	POLICY_ENDLESS,       /* a measure without end, review or appeal */
	POLICY_TROUBLES
};
struct policy_result {
	enum policy_trouble trouble;
	enum policy_answer answer; /* YES: the trouble is there; UNDECIDED: the budget ended */
	enum policy_family family;
	int rule, other; /* -1: none */
	int attribute;   /* UNKNOWN_FLOWS; else -1 */
	bool has_witness;
	struct policy_case witness;
};
/* Calls each for every YES and UNDECIDED. Each single question has the budget. */
enum err_kind policy_analyse(const struct policy *p, uint64_t steps,
	void (*each)(void *context, const struct policy_result *result), void *context,
	struct err *e) MUST_USE;

const char *policy_trouble_name(enum policy_trouble t); /* "dead", "shadowed", ... */
/*
 * May it be put on the table? ERR_INVALID when a permit meets a never, with both and a case;
 * ERR_LIMIT when any question could not be decided within the budget.
 */
enum err_kind policy_tabling(const struct policy *p, uint64_t steps, struct err *e) MUST_USE;

enum policy_change { POLICY_GAINED, POLICY_LOST, POLICY_LOOSENED, POLICY_TIGHTENED };
const char *policy_change_name(enum policy_change change); /* "gained", ... */
struct policy_difference {
	enum policy_change change;
	enum policy_answer answer;
	int32_t to;                 /* the recipient for whom */
	int rule;                   /* in the policy where it is permitted */
	struct policy_case witness; /* in the numbering of `after` */
	const char *duty;           /* LOOSENED, TIGHTENED: which obligation */
	int32_t was, is;
};
/* What changes from before to after, per recipient, with witnesses. Both must have the same parties
 * or the same names among them. */
enum err_kind policy_compare(const struct policy *before, const struct policy *after,
	uint64_t steps, void (*each)(void *context, const struct policy_difference *difference),
	void *context, struct err *e) MUST_USE;

/* Print a case as the JSON of a question; and read one. */
void policy_case_write(const struct policy *p, const struct policy_case *c, struct buf *out);
/* The same for people: "act share, from north, to south, kind indicator, ...". */
void policy_case_text(const struct policy *p, const struct policy_case *c, struct buf *out);
/* The name of a recipient, a value of "to": "south", "public", "unknown". */
struct slice policy_recipient_name(const struct policy *p, int32_t to);
enum err_kind policy_case_parse(const struct policy *p, struct slice text,
	struct policy_case *ret_case, struct err *e) MUST_USE;

#endif
