/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Runs while building: reads the tables of types.h and writes types_index.c, a perfect hash from
 * the names of each shape's properties to their rows, and one from the names of shapes to their
 * numbers. Which multiplier makes a hash perfect is found by trying.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "types.h"

#define SLOTS_LOG_MAX 9       /* slots of a hash: at most 512 */
#define TRIES_MAX     1000000 /* multipliers, before a hash twice as large is tried */

struct names {
	const char *name[ROWS_MAX * 2];
	size_t count;
};

/* As json_head, and the same of the last eight bytes; padded as the strings of a parsed text are.
 */
static struct name_key key_of(const char *name)
{
	struct name_key key = {.name = name, .len = (uint32_t)strlen(name)};
	char head[16] = {0};

	memcpy(head, name, key.len < 8 ? key.len : 8);
	for (int i = 7; i >= 0; i--)
		key.head = key.head << 8 | (unsigned char)head[i];
	key.tail = key.head;
	if (key.len > 8) {
		key.tail = 0;
		for (int i = 7; i >= 0; i--)
			key.tail = key.tail << 8 | (unsigned char)name[key.len - 8 + (unsigned)i];
	}
	return key;
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*state ^ *state >> 31) | 1;
}

static bool place(const struct name_index *index, const struct name_key *keys, size_t count,
	uint8_t *slots, size_t slots_count)
{
	memset(slots, 0, slots_count);
	for (size_t i = 0; i < count; i++) {
		uint64_t slot = name_hash(index, keys[i].head, keys[i].tail, keys[i].len);

		if (slots[slot] != 0)
			return false;
		slots[slot] = (uint8_t)(i + 1);
	}
	return true;
}

static void write_index(const char *label, const struct names *names, struct name_index *ret_index)
{
	struct name_key keys[ROWS_MAX * 2];
	uint8_t slots[1 << SLOTS_LOG_MAX];
	uint64_t state = 2021;
	unsigned slots_log = 1;
	bool placed = false;

	for (size_t i = 0; i < names->count; i++)
		keys[i] = key_of(names->name[i]);
	while ((1u << slots_log) < names->count * 2)
		slots_log++;
	for (; slots_log <= SLOTS_LOG_MAX && !placed; slots_log++) {
		ret_index->shift = 64 - slots_log;
		for (int i = 0; i < TRIES_MAX && !placed; i++) {
			ret_index->multiplier = next_random(&state);
			placed =
				place(ret_index, keys, names->count, slots, (size_t)1 << slots_log);
		}
		if (placed)
			break;
	}
	if (!placed) {
		fprintf(stderr, "no perfect hash for %s: two rows of one name?\n", label);
		exit(1);
	}
	printf("static const uint8_t slots_%s[] = {", label);
	for (size_t i = 0; i < (size_t)1 << slots_log; i++)
		printf("%u,", slots[i]);
	printf("};\nstatic const struct name_key keys_%s[] = {\n", label);
	for (size_t i = 0; i < names->count; i++)
		printf("\t{UINT64_C(%" PRIu64 "), UINT64_C(%" PRIu64 "), %u, \"%s\"},\n",
			keys[i].head, keys[i].tail, keys[i].len, keys[i].name);
	printf("};\n");
}

static void write_entry(const char *label, const struct name_index *index)
{
	printf("{UINT64_C(%" PRIu64 "), %u, slots_%s, keys_%s, UINT64_C(%" PRIu64
	       "), UINT64_C(%" PRIu64 ")}",
		index->multiplier, index->shift, label, label, index->required, index->required_20);
}

int main(void)
{
	struct name_index rows[SHAPE_COUNT] = {0}, shapes = {0};
	struct names names;
	char label[32];

	printf("/* Written by index_gen.c. */\n#include \"types.h\"\n\n");
	for (size_t n = 0; n < SHAPE_COUNT; n++) {
		const struct shape *s = stix_shapes[n];

		if (s == NULL || s->number != (enum shape_number)n) {
			fprintf(stderr, "shape %zu has not this number\n", n);
			return 1;
		}
		names.count = s->common_count + s->own_count;
		if (names.count > ROWS_MAX) {
			fprintf(stderr, "%s has more than %d rows\n", s->name, ROWS_MAX);
			return 1;
		}
		for (size_t row = 0; row < names.count; row++) {
			const struct property *p = shape_row(s, row);

			names.name[row] = p->name;
			if (p->flags & (REQUIRED | REQUIRED_21))
				rows[n].required |= BIT(row);
			if (p->flags & REQUIRED)
				rows[n].required_20 |= BIT(row);
		}
		snprintf(label, sizeof(label), "%zu", n);
		write_index(label, &names, &rows[n]);
	}
	names.count = SHAPE_COUNT;
	for (size_t n = 0; n < SHAPE_COUNT; n++)
		names.name[n] = stix_shapes[n]->name;
	write_index("shapes", &names, &shapes);
	printf("\nconst struct name_index stix_row_index[SHAPE_COUNT] = {\n");
	for (size_t n = 0; n < SHAPE_COUNT; n++) {
		snprintf(label, sizeof(label), "%zu", n);
		printf("\t");
		write_entry(label, &rows[n]);
		printf(",\n");
	}
	printf("};\nconst struct name_index stix_shape_index = ");
	write_entry("shapes", &shapes);
	printf(";\n");
	return 0;
}
