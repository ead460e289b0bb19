/* SPDX-License-Identifier: MPL-2.0 */
/* Everything read again: what does not follow from the rest is told, place by place. */
#include <stdlib.h>

#include "inside.h"

struct verifying {
	struct ledger *l;
	struct state state; /* when it began */
	void (*fault)(void *context, const char *text);
	void *context;
	uint64_t faults;
};

static void fault(struct verifying *v, const char *format, ...) PRINTF(2, 3);
static void fault(struct verifying *v, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	v->faults++;
	if (v->fault != NULL)
		v->fault(v->context, text);
}

/* A file that cannot be read where it should be is a fault; a disk that fails is an error. */
static enum err_kind chunk_read(struct verifying *v, const char *name, uint64_t offset, void *to,
	size_t len, bool *ret_whole, struct err *e)
{
	struct err why;
	enum err_kind kind = log_read(v->l, name, offset, to, len, &why);

	*ret_whole = kind == OK;
	if (kind == OK || kind == ERR_CORRUPT) {
		if (kind != OK)
			fault(v, "%s", why.text);
		return OK;
	}
	return err_set(e, kind, "%s", why.text);
}

/* Leaves [from, from + count), count at most a tile, beside their stored hashes. */
static enum err_kind bundle_verify(struct verifying *v, uint64_t from, size_t count, struct err *e)
{
	uint8_t entries[LEDGER_TILE * ENTRY_BYTES], hashes[LEDGER_TILE][HASH_LEN];
	bool entries_whole = false, hashes_whole = false;
	enum err_kind kind = chunk_read(
		v, "entries", from * ENTRY_BYTES, entries, count * ENTRY_BYTES, &entries_whole, e);

	if (kind == OK)
		kind = chunk_read(
			v, "hashes.0", from * HASH_LEN, hashes, count * HASH_LEN, &hashes_whole, e);
	if (kind != OK || !entries_whole || !hashes_whole)
		return kind;
	for (size_t i = 0; i < count; i++) {
		struct slice bytes = entry_leaf(entries + i * ENTRY_BYTES);
		uint64_t index = from + i;
		struct ledger_leaf leaf;
		uint8_t hash[HASH_LEN];

		ledger_hash_leaf(bytes, hash);
		if (ledger_leaf_parse(bytes, &leaf, NULL) != OK)
			fault(v, "leaf %llu: no leaf at %llu of \"entries\"",
				(unsigned long long)index, offset_of(index, ENTRY_BYTES));
		else if (memcmp(hash, hashes[i], HASH_LEN) != 0)
			fault(v,
				"leaf %llu: \"entries\" at %llu and \"hashes.0\" at %llu do not "
				"fit "
				"each other",
				(unsigned long long)index, offset_of(index, ENTRY_BYTES),
				offset_of(index, HASH_LEN));
	}
	return OK;
}

/* Hash n of a level beside the tile below that it is made of. */
static enum err_kind tile_verify(struct verifying *v, unsigned level, uint64_t n, struct err *e)
{
	uint8_t below[LEDGER_TILE][HASH_LEN], stored[HASH_LEN], hash[HASH_LEN];
	char name[FILE_NAME_MAX], name_below[FILE_NAME_MAX];
	bool below_whole = false, whole = false;
	enum err_kind kind;

	hashes_name(level, name);
	hashes_name(level - 1, name_below);
	kind = chunk_read(v, name_below, n * sizeof(below), below, sizeof(below), &below_whole, e);
	if (kind == OK)
		kind = chunk_read(v, name, n * HASH_LEN, stored, HASH_LEN, &whole, e);
	if (kind != OK || !below_whole || !whole)
		return kind;
	tree_fold(below[0], TILE_HEIGHT, hash);
	if (memcmp(hash, stored, HASH_LEN) != 0)
		fault(v, "\"%s\" at %llu is not the hash of tile %llu of \"%s\"", name,
			offset_of(n, HASH_LEN), (unsigned long long)n, name_below);
	return OK;
}

static enum err_kind tree_verify(struct verifying *v, struct err *e)
{
	uint64_t size = v->state.size;
	uint8_t root[HASH_LEN];
	enum err_kind kind = OK;
	struct err why;

	for (uint64_t from = 0; kind == OK && from < size; from += LEDGER_TILE)
		kind = bundle_verify(v, from,
			size - from < LEDGER_TILE ? (size_t)(size - from) : LEDGER_TILE, e);
	for (unsigned level = 1; kind == OK && level < TILE_LEVELS; level++) {
		for (uint64_t n = 0; kind == OK && n < hashes_count(size, level); n++)
			kind = tile_verify(v, level, n, e);
	}
	if (kind != OK)
		return kind;
	kind = log_range_hash(v->l, 0, size, root, &why);
	if (kind == ERR_CORRUPT)
		return OK; /* told above */
	if (kind != OK)
		return err_set(e, kind, "%s", why.text);
	if (memcmp(root, v->state.root, HASH_LEN) != 0)
		fault(v, "the hashes do not lead to the root in \"state\"");
	return OK;
}

/* Both slots; the older may be one behind. */
static enum err_kind state_verify(struct verifying *v, struct err *e)
{
	for (unsigned i = 0; i < 2; i++) {
		uint8_t bytes[STATE_SLOT_BYTES];
		struct slice origin;
		struct state s;
		enum err_kind kind = log_read_sparse(
			v->l, "state", (uint64_t)i * STATE_SLOT_OFFSET, bytes, sizeof(bytes), e);

		if (kind != OK)
			return kind;
		if (!state_parse(bytes, &s, &origin) || !slice_equal(origin, ledger_origin(v->l)))
			fault(v, "\"state\": slot %u, at %u, is damaged", i, i * STATE_SLOT_OFFSET);
	}
	return OK;
}

static enum err_kind checkpoint_verify(struct verifying *v, struct err *e)
{
	struct note_checkpoint checkpoint;
	struct buf note = BUF_INIT;
	uint8_t root[HASH_LEN];
	struct err why;
	enum err_kind kind = ledger_checkpoint_get(v->l, &note, &why);

	if (kind == OK && note.len != 0) {
		kind = checkpoint_of_note(buf_slice(&note), &checkpoint, &why);
		if (kind == OK && slice_equal(checkpoint.origin, ledger_origin(v->l)))
			kind = ledger_root(v->l, checkpoint.size, root, &why);
		else if (kind == OK)
			kind = err_set(&why, ERR_CORRUPT, "it is of another log");
		if (kind == OK && memcmp(root, checkpoint.root, HASH_LEN) != 0)
			kind = err_set(&why, ERR_CORRUPT, "its root is not that of the leaves");
	}
	buf_fini(&note);
	if (kind == ERR_IO || kind == ERR_NOMEM)
		return err_set(e, kind, "%s", why.text);
	if (kind != OK)
		fault(v, "\"checkpoint\": %s", why.text);
	return OK;
}

static enum err_kind opening_verify(
	struct verifying *v, uint64_t index, const struct ledger_place *hint, struct err *e)
{
	struct ledger_opening o = {.index = index};
	struct buf content = BUF_INIT;
	struct ledger_place place = *hint;
	struct err why;
	enum err_kind kind = ledger_opening_get(v->l, index, o.salt, &place, &content, &why);

	o.content = buf_slice(&content);
	if (kind == OK && place.where == LEDGER_HELD)
		kind = ledger_opening_check(v->l, &o, &why);
	buf_fini(&content);
	if (kind == ERR_IO || kind == ERR_NOMEM)
		return err_set(e, kind, "%s", why.text);
	if (kind != OK)
		fault(v, "leaf %llu: %s", (unsigned long long)index, why.text);
	return OK;
}

/* An erasure that did not come to its end leaves bytes that should be gone. */
static enum err_kind openings_verify(struct verifying *v, struct err *e)
{
	uint8_t salts[64][LEDGER_SALT_LEN], records[64][PLACE_BYTES];
	static const uint8_t no_salt[LEDGER_SALT_LEN];
	enum err_kind kind = OK;

	for (uint64_t from = 0; kind == OK && from < v->state.size; from += COUNT_OF(salts)) {
		uint64_t rest = v->state.size - from;
		size_t some = rest < COUNT_OF(salts) ? (size_t)rest : COUNT_OF(salts);

		kind = log_read_sparse(
			v->l, "salts", from * LEDGER_SALT_LEN, salts, some * LEDGER_SALT_LEN, e);
		if (kind == OK)
			kind = log_read_sparse(
				v->l, "places", from * PLACE_BYTES, records, some * PLACE_BYTES, e);
		for (size_t i = 0; kind == OK && i < some; i++) {
			uint64_t index = from + i;
			struct ledger_place place;
			bool whole = place_parse(records[i], index, salts[i], &place);

			if (whole && place.where == LEDGER_ERASED &&
				(place.bytes != 0 ||
					memcmp(salts[i], no_salt, sizeof(no_salt)) != 0))
				fault(v, "leaf %llu: its erasure was cut short: erase it again",
					(unsigned long long)index);
			else if (!whole || place.where == LEDGER_HELD)
				kind = opening_verify(v, index, &place, e);
		}
	}
	secret_wipe(salts, sizeof(salts));
	return kind;
}

enum err_kind ledger_verify(struct ledger *l, void (*fault_say)(void *context, const char *text),
	void *context, struct err *e)
{
	struct verifying v = {.l = l, .fault = fault_say, .context = context};
	enum err_kind kind = OK;

	(void)pthread_mutex_lock(&l->mutex);
	v.state = l->state;
	(void)pthread_mutex_unlock(&l->mutex);
	if (v.state.sequence != 0)
		kind = state_verify(&v, e);
	if (kind == OK)
		kind = tree_verify(&v, e);
	if (kind == OK)
		kind = checkpoint_verify(&v, e);
	if (kind == OK)
		kind = openings_verify(&v, e);
	if (kind == OK && v.faults > 0)
		return err_set(e, ERR_CORRUPT, "log \"%s\": %llu damaged places", l->folder,
			(unsigned long long)v.faults);
	return kind;
}
