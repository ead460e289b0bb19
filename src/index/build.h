/* SPDX-License-Identifier: MPL-2.0 */
/*
 * An index being built: values are hashed and put aside by the first byte of their hash as they
 * come, so that writing sorts pieces that fit the second cache level.
 */
#ifndef INDEX_BUILD_H
#define INDEX_BUILD_H

#include "inside.h"

#define PARTS_BITS  8
#define PARTS_COUNT (1 << PARTS_BITS)

/* ---- memory that is only given back as a whole (stage.c) ----------------------------------- */

struct slab {
	struct slab *next;
	size_t bytes;
};

struct pool {
	struct slab *slabs;
	char *at, *end;
	size_t next_bytes;
};
void pool_fini(struct pool *p);
void *pool_take(struct pool *p, size_t bytes); /* 16-aligned; NULL out of memory */

/* Bytes in pieces that grow. */
struct piece {
	struct piece *next;
	uint32_t len, room;
	uint8_t data[];
};
struct pile {
	struct piece *first, *last;
	uint64_t records;
};
/* Bytes behind every piece that may be read and overwritten: short texts are copied in whole
 * registers. */
#define PIECE_SLACK 64
/* Room for `bytes`, counted as one record; NULL out of memory. */
uint8_t *pile_take_slow(struct pool *p, struct pile *q, size_t bytes);
static inline uint8_t *pile_take(struct pool *p, struct pile *q, size_t bytes)
{
	struct piece *last = q->last;

	if (last == NULL || last->room - last->len < bytes)
		return pile_take_slow(p, q, bytes);
	last->len += (uint32_t)bytes;
	q->records++;
	return last->data + last->len - bytes;
}

/* ---- equal things once (intern.c) ---------------------------------------------------------- */

/* Keyed: foreign bytes cannot make it slow. Ids count up from 0. */
struct intern {
	uint8_t key[16];
	uint32_t *slots;  /* id + 1; 0 empty */
	uint64_t *hashes; /* by id */
	uint32_t count, capacity;
	uint32_t mask;
};
void intern_fini(struct intern *t);
/*
 * The id of bytes with this hash that `same` confirms; UINT32_MAX and *ret_id the new id when there
 * are none, after room was made; false when out of memory.
 */
bool intern_find(struct intern *t, struct slice bytes,
	bool (*same)(const void *context, uint32_t id, struct slice bytes), const void *context,
	uint32_t *ret_id, bool *ret_new);

/* ---- staged values ------------------------------------------------------------------------- */

/* u64 hash, u32 entry, u16 length, u8 where a name's last two labels begin, the value */
#define STAGED_HEAD 15
#define STAGED_FAR  255 /* they begin behind what a byte holds */

struct network {
	uint8_t first[16];
	uint8_t prefix;
	uint32_t entry;
};

struct entry_row {
	uint8_t bytes[ENTRY_BYTES];
};

struct index_builder {
	const struct world *world;
	struct hash_key key;
	uint8_t key_bytes[HASH_KEY_BYTES];
	struct pool pool;
	struct pile tables[TABLES][PARTS_COUNT];
	uint64_t staged[TABLES];
	struct pile ipv4[PARTS_COUNT]; /* u32 address, u32 entry */
	uint64_t ipv4_count;
	struct buf networks; /* struct network */
	uint32_t *crowds;    /* names of three and more labels by hash of their last two */
	uint32_t longest[TABLES];
	/* entries */
	struct intern entries_seen, strings_seen;
	struct buf entries; /* struct entry_row */
	struct buf strings;
	struct buf string_rows; /* u32 offset, u32 length by id */
	struct buf patterns;    /* rows as in the file */
	struct buf texts;
	bool has_entry;
	uint32_t entry; /* that values belong to */
	struct index_counts counts;
	struct arena *arena; /* of one line */
	struct normal normal;
};

#define CROWD_BITS 17

/* A normal value that is known to be good. False: out of memory. */
bool stage_value(struct index_builder *b, unsigned table, uint64_t hash, size_t two,
	const char *value, size_t len);
bool stage_name(struct index_builder *b, const char *name, size_t len);
bool stage_ipv4(struct index_builder *b, uint32_t address);

#endif
