/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Many patterns over a stream: which pairs of brackets a record could meet is found by keyed hashes
 * (set_cover.c says which, set.c looks them up); those are judged on the record as observables;
 * what a pattern of several observations has seen is kept (set_state.c).
 */
#ifndef SET_H
#define SET_H

#include "compiled.h"

/* One pair of brackets of one pattern. */
struct set_leaf {
	const struct test *test;
	uint32_t pattern;
	uint32_t at;    /* among the leaves of its pattern */
	uint64_t stamp; /* the record that it was last a candidate for */
	uint64_t tried; /* the value that its LIKE or MATCHES was last tried on */
};

struct state;

struct set_pattern {
	struct pattern compiled;
	uint32_t number;
	bool single; /* one observation is enough, whatever way is taken */
	uint64_t stamp;
	struct state *state; /* NULL until something was seen */
};

/* What must be in a record before a leaf can be met: a hash of a value in one of some roles. */
struct atom {
	uint64_t hash, roles;
	const struct comparison *comparison; /* of a gram: tried on the value at once */
	uint32_t leaf;
};

/* A LIKE or MATCHES whose gram is chosen when all are known: the one that the fewest have. */
struct wish {
	const struct comparison *comparison;
	uint64_t roles;
	uint32_t leaf;
};

/* A test that is made on every value of a role. comparison NULL: the role is enough. */
struct side {
	const struct comparison *comparison;
	uint64_t roles;
	uint32_t leaf;
	bool number;
};

enum atom_kind { ATOM_EQUAL = 'E', ATOM_NETWORK = 'N', ATOM_GRAM = 'G', ATOM_WIDE = 'W' };

#define GRAM_LEN 4 /* bytes of a literal that LIKE or MATCHES needs */
#define WIDE_LEN 8 /* taken when the literal has as many: fewer values hold it by chance */

struct slot {
	uint64_t hash;
	uint32_t first, count; /* in atoms; count 0: free */
};

struct pattern_set {
	uint8_t key[16];
	uint64_t multiplier; /* odd: for the bitmap of grams */
	size_t memory_max;
	struct arena *arena; /* patterns */
	struct buf patterns, leaves, atoms, sides, wishes;
	/* ready */
	struct slot *slots;
	size_t slots_mask;
	uint64_t *grams, *wides; /* bitmaps */
	unsigned gram_shift;
	uint64_t roles, equal_roles, network_roles, gram_roles, wide_roles, side_roles;
	uint64_t v4_lengths, v6_lengths[3]; /* bit per prefix length that some network has */
	bool is_ready;
	/* working */
	struct arena *scratch;
	struct json_parser *parser;
	struct buf pending, said, normal, json, objects, text;
	struct judge judge;
	struct binding binding;
	uint64_t stamp, value_stamp;
	/* the last record, should it go on in the next batch */
	bool goes_on;
	uint64_t last_number, last_offset;
	struct buf last_leaves;
	/* temporal patterns */
	size_t memory;
	size_t states;
	struct pattern_counts counts;
};

static inline struct set_pattern *set_patterns(const struct pattern_set *s)
{
	return (struct set_pattern *)(void *)s->patterns.data;
}
static inline struct set_leaf *set_leaves(const struct pattern_set *s)
{
	return (struct set_leaf *)(void *)s->leaves.data;
}

/* Bit of a gram in its bitmap. */
static inline uint64_t set_gram_bit(const struct pattern_set *s, uint64_t word)
{
	return (word * s->multiplier) >> s->gram_shift;
}
uint64_t set_hash(const struct pattern_set *s, enum atom_kind kind, struct slice value);
/* Where the hash is, or where it would be: count 0. At most half of the slots are taken. */
static inline struct slot *set_slot(const struct pattern_set *s, uint64_t hash)
{
	size_t at = hash & s->slots_mask;

	while (s->slots[at].count != 0 && s->slots[at].hash != hash)
		at = (at + 1) & s->slots_mask;
	return &s->slots[at];
}
/* A network of so many bits (of 128) as bytes to hash. */
void set_network_key(const uint8_t address[16], unsigned bits, char ret_key[17]);
/* set_cover.c: is there any way to meet the test on a stream? Fills the costs. */
bool cover_cost(const struct pattern_set *s, struct test *t, const char **why);
/* The atoms and sides of the cheapest cover. ERR_LIMIT past PATTERN_SIDE_MAX. */
enum err_kind cover_write(
	struct pattern_set *s, const struct test *t, uint32_t leaf, struct err *e) MUST_USE;

/* The wishes become atoms, and their grams bits. */
enum err_kind cover_grams(struct pattern_set *s, struct err *e) MUST_USE;

/* set_state.c: a leaf has matched; *ret_hit says whether that completed the pattern, which then
 * forgets what it used. evidence is in *text. False: out of memory. */
struct place {
	int64_t time_us;
	uint64_t number;
	bool frame;
};
bool state_see(struct pattern_set *s, struct set_pattern *p, const uint32_t *leaves, size_t count,
	const struct place *place, bool *ret_hit, struct pattern_hit *hit);
void state_free(struct pattern_set *s, struct set_pattern *p);

#endif
