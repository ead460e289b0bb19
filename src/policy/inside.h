/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the files of this folder share: rules, domains as words of bits, the tables that deciding
 * reads, and the algebra of boxes.
 */
#ifndef POLICY_INSIDE_H
#define POLICY_INSIDE_H

#include "policy.h"

/* ---- domains as bits ------------------------------------------------------------------------ */

/* A set of values of one attribute is one word: bit n is value n, member n or interval n. */
#define BIT_UNKNOWN 63
#define BIT_PUBLIC  62
#define BIT(n)      (UINT64_C(1) << (n))
#define ARENA_MAX   MIB(32) /* of one policy: rules, boxes and tables of the largest are 5 MiB */

/* Where a NUMBER attribute is cut: interval k begins at start[k]. */
struct cuts {
	int32_t start[POLICY_VALUES_MAX];
	unsigned count;
};

/* Everything that words of bits are relative to: attributes, members, cuts. */
struct space {
	size_t members;
	struct cuts cuts[POLICY_FAMILIES][POLICY_ATTRIBUTES_MAX];
};

unsigned attributes_count(enum policy_family f);
/* Number of the sector attribute of a family, or -1. */

int attribute_sector(enum policy_family f);
/* Bits of all values but unknown. */
uint64_t domain_known(const struct space *s, enum policy_family f, unsigned attribute);
/* Bits that a permit has only where they are written: see docs/policy.md, "unknown". */
uint64_t domain_apart(enum policy_family f, unsigned attribute);
/* Bits of a permit (or another rule) that leaves the attribute out. */
uint64_t domain_left_out(
	const struct space *s, enum policy_family f, unsigned attribute, enum policy_effect effect);
unsigned value_bit(const struct space *s, enum policy_family f, unsigned attribute, int32_t value);
/* The least value that falls into a bit. */
int32_t bit_value(const struct space *s, enum policy_family f, unsigned attribute, unsigned bit);
void cuts_init(struct cuts *c, int32_t least);
/* Begin an interval at start; false: no room. */
bool cuts_add(struct cuts *c, int32_t start, int32_t least, int32_t most, unsigned count_max);
/* Constants of one policy in one attribute; two policies together still fit a word. */
#define CUTS_MAX 31

/* ---- obligations ---------------------------------------------------------------------------- */

enum duty_kind {
	DUTY_LEAST, /* a number: the least is the strictest */
	DUTY_MOST,
	DUTY_FLAG,
	DUTY_BIT, /* one bit of `redact` */
};
struct duty {
	const char *name;     /* as in "must", and in differences */
	const char *property; /* of "must"; NULL: the name */
	const char *word;     /* the text that sets it; NULL: a number or true */
	enum duty_kind kind;
	size_t offset; /* in struct policy_duties */
	uint32_t bit;
	unsigned families; /* bits */
	int32_t most;      /* of a number; the least is 1 */
	const char *says;
};
extern const struct duty duties[];
extern const unsigned duties_count;
#define DUTIES_MAX 32

void duties_init(struct policy_duties *d);
void duties_join(struct policy_duties *d, const struct policy_duties *with);
/* Why these cannot all be kept; NULL: they can. */
const char *duties_contradiction(const struct policy_duties *d);
/* Higher is stricter; INT64_MIN: not demanded. */
int64_t duty_strictness(const struct policy_duties *d, unsigned duty);
int32_t duty_value(const struct policy_duties *d, unsigned duty); /* -1, or 0 for flags: absent */
void duty_set(struct policy_duties *d, unsigned duty, int32_t value);

/* ---- rules ---------------------------------------------------------------------------------- */

/* A NUMBER attribute as it was written, from which bits are made for any cuts. */
struct range {
	int32_t least, most; /* least > most: no number */
	bool unknown;
};

struct box {
	uint64_t set[POLICY_ATTRIBUTES_MAX];
	uint32_t care; /* of a side's boxes: attributes of which it has not every value */
};

/* A step of a duty: what is to be done within how many hours. */
struct step {
	struct slice act;
	int32_t within_hours;
};
#define STEPS_MAX 8

struct rule {
	struct slice id, clause;
	enum policy_family family;
	enum policy_effect effect;
	struct box box;
	struct range range[POLICY_ATTRIBUTES_MAX]; /* of NUMBER attributes */
	struct policy_duties duties;
	struct step steps[STEPS_MAX]; /* of a duty */
	unsigned steps_count;
	uint64_t to; /* whom a duty speaks to: members */
	bool to_affected;
};

/* Two rules whose obligations cannot both be kept; either may be the same rule's. */
struct conflict {
	uint16_t a, b; /* numbers in the family's table */
	struct box box;
};
#define CONFLICTS_MAX 4096 /* pairs in one family: more are a mistake, and slow every question */

/* How a value of an attribute becomes a bit, without looking at the schema. */
struct lane {
	uint32_t values; /* 0 to values - 1 are bits; a NUMBER has none */
	bool party;
	bool number;
	int32_t most;
	const struct cuts *cuts;
};

/* What deciding reads of one family. Rule numbers here are places in `rules`. */
struct table {
	uint16_t *rules; /* number in the policy */
	unsigned count, words, attributes;
	int sector; /* its attribute, or -1 */
	struct lane lanes[POLICY_ATTRIBUTES_MAX];
	/* words each: by attribute and value, the rules that have it */
	uint64_t *has; /* [attribute][POLICY_VALUES_MAX][words] */
	uint64_t *permits, *denies, *duties;
	struct conflict *conflicts;
	unsigned conflicts_count;
};
#define TABLE_WORDS_MAX (POLICY_RULES_MAX / 64)

struct policy {
	struct arena *arena;
	struct slice name;
	struct slice member; /* of a reservation */
	enum policy_layer layer;
	uint64_t version;
	int64_t expires_us;
	uint8_t digest[SHA256_LEN];
	struct policy_parties parties;
	struct space space;
	struct rule *rules;
	unsigned rules_count;
	struct table tables[POLICY_FAMILIES];
};

/* A policy without rules that knows its parties; NULL: no memory. */
struct policy *policy_new(const struct policy_parties *parties);
/* After the rules are there: cuts, boxes, tables, conflicts. ERR_LIMIT, ERR_NOMEM. */
enum err_kind policy_finish(struct policy *p, struct err *e) MUST_USE;
/* Bits of a range under given cuts. */
uint64_t range_bits(const struct range *r, const struct cuts *c, int32_t most);
/* The rule's box in another space (the same attributes, other cuts). */
void rule_box(const struct rule *r, const struct space *s, struct box *ret_box);

/* ---- sets as JSON --------------------------------------------------------------------------- */

struct group {
	struct slice name;
	uint64_t members;
};
/* Whom names in sets mean. */
struct naming {
	const struct policy_parties *parties;
	const struct group *groups;
	size_t groups_count;
};
/* Reads one attribute's set. Literal: as written, without what a forbid adds. On false the message
 * says why, in the arena; ret_at is the place below the attribute ("[2]", ".ge"). */
struct set_reading {
	const struct naming *naming;
	const struct space *space;
	enum policy_family family;
	enum policy_effect effect;
	bool literal;
	struct arena *arena;
	struct slice at, message;
};
bool set_read(struct set_reading *r, unsigned attribute, struct json_value v, uint64_t *ret_bits,
	struct range *ret_range);
int member_find(const struct policy_parties *parties, struct slice name); /* or -1 */
/* A value as in rules: "amber", "kz", "public", "unknown", "57". */
void value_write(const struct policy *p, enum policy_family f, unsigned attribute, int32_t value,
	struct buf *out);

#endif
