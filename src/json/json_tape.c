/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One pass over the tape for what RFC 7493 asks and simdjson does not check: no duplicate names
 * (section 2.3), no noncharacters (2.1), and our limit of depth. It runs on every object that
 * enters, so it touches each tape word once and each name with two loads and one multiplication.
 */
#include <stdlib.h>

#include "json_block.h"
#include "json_tape.h"

#define PAYLOAD UINT64_C(0x00ffffffffffffff)

/*
 * Names of the open objects: one open-addressing table per depth, so that the names of an inner
 * object do not push out those of the outer one. A slot is  stamp << 32 | tape index  and counts
 * only when the stamp is that of the object: tables are never cleared.
 */
struct tape_names {
	const struct block_ops *ops;
	uint64_t slots[JSON_DEPTH_MAX + 1][TAPE_NAME_SLOTS];
	uint32_t stamp;
	uint32_t *sorted; /* names of one large object */
	size_t sorted_capacity;
};

struct tape_names *tape_names_new(void)
{
	struct tape_names *n = calloc(1, sizeof(*n));

	if (n != NULL)
		n->ops = block_ops_best();
	return n;
}

void tape_names_free(struct tape_names *n)
{
	if (n == NULL)
		return;
	free(n->sorted);
	free(n);
}

static inline uint64_t load_u64(const void *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	return word;
}

static inline struct slice name_at(const struct json_doc *doc, uint32_t at)
{
	return json_string((struct json_value){doc, at});
}

/* First and last eight bytes and the length: STIX names differ there. Equal names agree. */
static inline unsigned name_slot(struct slice name)
{
	uint64_t mask = name.len >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * name.len)) - 1;
	uint64_t head = load_u64(name.data) & mask;
	uint64_t tail = load_u64(name.data + (name.len > 8 ? name.len - 8 : 0)) & mask;

	head = (head ^ (tail << 29 | tail >> 35) ^ name.len) * UINT64_C(0x9e3779b97f4a7c15);
	return (unsigned)(head >> 56) % TAPE_NAME_SLOTS;
}

/* True when the object already has a name like the one at `at`. */
static inline bool name_add(
	const struct json_doc *doc, uint64_t *slots, uint32_t stamp, uint32_t at)
{
	struct slice name = name_at(doc, at);
	unsigned slot = name_slot(name);

	while (slots[slot] >> 32 == stamp) {
		if (slice_equal(name, name_at(doc, (uint32_t)slots[slot])))
			return true;
		slot = (slot + 1) % TAPE_NAME_SLOTS;
	}
	slots[slot] = (uint64_t)stamp << 32 | at;
	return false;
}

/* Shorter first, then bytes, then as they stand. */
static int name_order(const void *a, const void *b, void *doc)
{
	uint32_t at_a = *(const uint32_t *)a, at_b = *(const uint32_t *)b;
	struct slice name_a = name_at(doc, at_a), name_b = name_at(doc, at_b);
	int order;

	if (name_a.len != name_b.len)
		return name_a.len < name_b.len ? -1 : 1;
	order = memcmp(name_a.data, name_b.data, name_a.len);
	if (order != 0)
		return order;
	return at_a < at_b ? -1 : 1;
}

/* An object with too many members for the table: sort the names; equal ones are neighbours. */
static enum tape_verdict names_check_large(
	struct tape_names *n, const struct json_doc *doc, uint32_t object_at, uint32_t *ret_at)
{
	struct json_iter it = json_iter((struct json_value){doc, object_at});
	struct json_doc lent = *doc;
	struct json_value value;
	struct slice name;
	uint32_t first = UINT32_MAX;
	size_t count = 0;

	for (uint32_t at = it.next.at; json_object_next(&it, &name, &value); at = it.next.at) {
		if (count == n->sorted_capacity) {
			size_t capacity = count == 0 ? TAPE_NAME_SLOTS * 2 : count * 2;
			uint32_t *grown = realloc(n->sorted, capacity * sizeof(*grown));

			if (grown == NULL)
				return TAPE_NOMEM;
			n->sorted = grown;
			n->sorted_capacity = capacity;
		}
		n->sorted[count++] = at;
	}
	qsort_r(n->sorted, count, sizeof(*n->sorted), name_order, &lent);
	for (size_t i = 1; i < count; i++) {
		if (n->sorted[i] < first &&
			slice_equal(name_at(doc, n->sorted[i - 1]), name_at(doc, n->sorted[i])))
			first = n->sorted[i];
	}
	if (first == UINT32_MAX)
		return TAPE_GOOD;
	*ret_at = first;
	return TAPE_DUPLICATE;
}

/* ---- noncharacters ---- */

/*
 * U+FDD0..U+FDEF and the last two of each plane, at a byte of 0xEF or more. p[0..3] are readable.
 * The lengths between the strings are looked at too; what they could fake, the scanner rules out.
 */
static bool noncharacter_at(const uint8_t *p)
{
	if (p[0] == 0xef)
		return (p[1] == 0xb7 && p[2] >= 0x90 && p[2] <= 0xaf) ||
		       (p[1] == 0xbf && p[2] >= 0xbe);
	return (p[1] & 0x0f) == 0x0f && p[2] == 0xbf && p[3] >= 0xbe;
}

/* Over all strings in one go. */
static bool noncharacter_perhaps(const struct block_ops *ops, struct slice strings)
{
	for (size_t at = 0; (at = ops->find_high(strings, at)) < strings.len; at++) {
		if (noncharacter_at((const uint8_t *)strings.data + at))
			return true;
	}
	return false;
}

/* ---- the walk ---- */

/* An object or array that is open. */
struct level {
	bool is_object;
	uint32_t stamp; /* of its names in the table; 0: no names, or checked already */
};

static enum tape_verdict level_open(struct tape_names *n, const struct json_doc *doc, uint32_t at,
	struct level *ret_level, uint32_t *ret_at)
{
	uint64_t word = doc->tape[at];

	*ret_level = (struct level){.is_object = (char)(word >> 56) == '{'};
	if (!ret_level->is_object)
		return TAPE_GOOD;
	if ((word >> 32 & 0xffffff) > TAPE_NAME_SLOTS / 2)
		return names_check_large(n, doc, at, ret_at);
	if (++n->stamp == 0) {
		memset(n->slots, 0, sizeof(n->slots));
		n->stamp = 1;
	}
	ret_level->stamp = n->stamp;
	return TAPE_GOOD;
}

enum tape_verdict tape_check(struct tape_names *n, const struct json_doc *doc, uint32_t *ret_at)
{
	const uint64_t *tape = doc->tape;
	uint32_t end = (uint32_t)(tape[0] & PAYLOAD) - 1;
	struct level outer[JSON_DEPTH_MAX];
	struct level level = {0};
	unsigned depth = 0;
	uint64_t last_string = UINT64_MAX;

	for (uint32_t at = 1; at < end; at++) {
		uint64_t word = tape[at];
		enum tape_verdict verdict;

		if (level.is_object && (char)(word >> 56) == '"') {
			/* a name, and behind it the value */
			if (level.stamp != 0 && name_add(doc, n->slots[depth], level.stamp, at)) {
				*ret_at = at;
				return TAPE_DUPLICATE;
			}
			last_string = word;
			word = tape[++at];
		}
		switch ((char)(word >> 56)) {
		case '"':
			last_string = word;
			break;
		case 'l':
		case 'u':
		case 'd':
			at++;
			break;
		case '{':
		case '[':
			if (depth == JSON_DEPTH_MAX)
				return TAPE_DEPTH;
			outer[depth++] = level;
			verdict = level_open(n, doc, at, &level, ret_at);
			if (verdict != TAPE_GOOD)
				return verdict;
			break;
		case '}':
		case ']':
			level = outer[--depth];
			break;
		default:
			break;
		}
	}
	if (last_string != UINT64_MAX) {
		uint32_t len;

		last_string &= PAYLOAD;
		memcpy(&len, doc->strings + last_string, sizeof(len));
		if (noncharacter_perhaps(n->ops, (struct slice){(const char *)doc->strings,
							 last_string + sizeof(len) + len}))
			return TAPE_SUSPECT;
	}
	return TAPE_GOOD;
}
