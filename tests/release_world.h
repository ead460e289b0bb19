/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Worlds of random objects, references, markings and policies, and a reading of them by hand that
 * knows neither store nor policy engine: it keeps what was made as plain structs and tries every
 * rule on every object. Shared by the tests that nothing leaves which that reading would not allow.
 */
#ifndef RELEASE_WORLD_H
#define RELEASE_WORLD_H

#include "intel/intel.h"

#define THINGS_MAX   40 /* ids in a world */
#define VERSIONS_MAX 3  /* of each, at most */
#define REFS         3
#define MARKS        2
#define RULES        8 /* of a policy one less, and one of an overlay */
#define CONDS        5
#define MEMBERS      4
#define NOW_US       INT64_C(1767225600000000) /* 2026-01-01, where the tests' clock starts */
#define DAY_US       INT64_C(86400000000)
#define UNKNOWN      (-1)
#define PUBLIC       1000
#define STRANGER     (-2) /* a member that the policy does not know */

/* ---- chance, and what must not happen: each ends the program --------------------------------- */

void random_begin(uint64_t seed);
unsigned pick(unsigned n);
bool chance(unsigned percent);
_Noreturn void broken(const char *what);
void must_be(enum err_kind kind, const struct err *e, const char *doing);

/* ---- what there is --------------------------------------------------------------------------- */

extern const char *const members[MEMBERS];

/* TLP, each with its id; then a statement, a definition that is never here, an extension that
 * nobody knows, and definitions of PAP and IEP 2.0 that are made up for each world. */
enum { NONE, CLEAR, GREEN, AMBER, STRICT, RED, LEVELS };
#define DEFINITIONS 6
enum {
	MARK_STATEMENT = LEVELS,
	MARK_MISSING,
	MARK_EXTENSION,
	MARK_DEFINED,
	MARK_KINDS = MARK_DEFINED + DEFINITIONS
};

#define FLAVOURS           10 /* kinds of things that are made */
#define FLAVOUR_DEFINITION FLAVOURS

struct version {
	bool here; /* false: forgotten; its markings stay on what refers to it */
	int64_t modified_us;
	bool marked[MARK_KINDS];
	int refs[REFS]; /* things; -1: none */
	int confidence; /* UNKNOWN */
	unsigned sectors;
	int affected; /* member; UNKNOWN: not stated */
	bool own;
	int64_t added_us;
	int64_t serial;
	unsigned item; /* for whoever uses these worlds */
};

struct thing {
	unsigned flavour;
	char id[64];
	struct version versions[VERSIONS_MAX];
	unsigned count;
};

enum attribute {
	ACT,
	TO,
	KIND,
	TLP,
	SECTOR,
	CONFIDENCE,
	AGE,
	PII,
	ORIGIN,
	AFFECTED,
	CONTENT,
	PAP,
	ATTRIBUTES
};
enum form { LIST, NOT, LE, GE };
struct cond {
	enum attribute attribute;
	enum form form;
	uint64_t values; /* bits; bit 63: unknown; of TO bit 62: public */
	int bound;
};
struct rule {
	bool permit;
	struct cond conds[CONDS];
	unsigned count;
	int delay_hours;
	bool encrypt;
};

/* What markings ask for, one or several of them. */
struct says {
	bool unknown; /* nobody could say */
	int tlp, pap; /* NONE: nothing */
	bool encrypt, no_source, not_to_affected;
	bool defined; /* a definition is among them */
};

/* A definition of PAP or IEP 2.0 as it was made up, and what has become of it. */
struct definition {
	struct says says;
	int64_t start_us, end_us; /* 0: none */
	bool here, doubted;       /* doubted: there was another of the same id */
};

/* What one store holds, and under what policy. */
struct world_of {
	struct thing things[THINGS_MAX];
	unsigned things_count;
	struct definition definitions[DEFINITIONS];
	bool statement_here, extension_here;
	struct rule rules[RULES];
	unsigned rules_count;
	bool policy, expired;
};

/* ---- making ---------------------------------------------------------------------------------- */

/* A random policy in w, and its text. */
void make_policy(struct world_of *w, struct buf *text);
/* A rule that forbids, and the text of an overlay with it. */
void make_overlay(struct rule *r, struct buf *text);
/* Ids and kinds of w->things_count things. */
void make_things(struct world_of *w);
/* A random version of a thing, later than its first when there is one. */
void make_version(const struct world_of *w, const struct thing *thing, struct version *v);
void version_text(
	const struct world_of *w, const struct thing *thing, struct version *v, struct buf *text);
/* "marking-definition--...", MARK_STATEMENT on. */
void definition_id(unsigned mark, char ret_id[64]);
/* A random definition of PAP or IEP; its year makes the version. */
void make_definition(struct definition *d, unsigned mark, unsigned year, struct buf *text);
/* A statement, or an extension that nobody knows. */
void plain_definition(unsigned mark, struct buf *text);

/* ---- the reading by hand --------------------------------------------------------------------- */

/* Whether references and definitions are looked at: a leak forgets one of them. */
enum { WITH_REFERENCES = 1, WITH_DEFINITIONS = 2, WITH_ALL = 3 };

/* What the markings of a version say together: its own, and those of all versions that are here, or
 * were, of whatever it refers to. */
struct says says_of(
	const struct world_of *w, const struct version *v, unsigned with, int64_t now_us);

enum { AS_PEER, AS_MEMBER, AS_PUBLIC, AS_OPERATOR, AS_ACCOUNT, AS_NOBODY };
struct recipient {
	int as;
	int member; /* AS_PEER, AS_ACCOUNT: of whom; PUBLIC; UNKNOWN: nobody's */
	bool administrator;
	int tlp_max; /* AS_ACCOUNT, AS_NOBODY: of the collection */
	const char *account;
	struct intel_recipient to;
};

bool allowed_at(const struct world_of *w, const struct recipient *r, const struct thing *thing,
	const struct version *v, const struct says *says, int64_t now_us);
bool allowed(const struct world_of *w, const struct recipient *r, const struct thing *thing,
	const struct version *v, int64_t now_us);

#endif
