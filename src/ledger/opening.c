/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Openings: what makes a leaf's commitment again, and its erasure. These files are changed in
 * place, so they follow an order instead of the state: a place stands only when its salt does, and
 * an erased place before its bytes are gone.
 */
#include <stdlib.h>

#include "inside.h"

/*
 * offset  bytes
 *      0  1   where
 *      1  3   SHA-256(index u64be || the other 13 bytes || salt)[0:3]
 *      4  4   bytes, u32be
 *      8  8   serial, u64be
 * All zeros: nowhere.
 */
static void place_check(uint64_t index, const uint8_t salt[LEDGER_SALT_LEN],
	const uint8_t bytes[PLACE_BYTES], uint8_t ret_check[3])
{
	uint8_t whole[8 + PLACE_BYTES + LEDGER_SALT_LEN], digest[HASH_LEN];

	put_u64(whole, index);
	memcpy(whole + 8, bytes, PLACE_BYTES);
	memset(whole + 9, 0, 3);
	memcpy(whole + 8 + PLACE_BYTES, salt, LEDGER_SALT_LEN);
	hash_sha256((struct slice){(char *)whole, sizeof(whole)}, digest);
	memcpy(ret_check, digest, 3);
	secret_wipe(whole, sizeof(whole));
}

void place_write(uint64_t index, const uint8_t salt[LEDGER_SALT_LEN], const struct ledger_place *p,
	uint8_t ret_bytes[PLACE_BYTES])
{
	static const uint8_t no_salt[LEDGER_SALT_LEN];

	memset(ret_bytes, 0, PLACE_BYTES);
	if (p->where == LEDGER_NOWHERE)
		return;
	ret_bytes[0] = (uint8_t)p->where;
	put_u32(ret_bytes + 4, p->bytes);
	put_u64(ret_bytes + 8, p->serial);
	place_check(index, p->where == LEDGER_ERASED ? no_salt : salt, ret_bytes, ret_bytes + 1);
}

bool place_parse(const uint8_t bytes[PLACE_BYTES], uint64_t index,
	const uint8_t salt[LEDGER_SALT_LEN], struct ledger_place *ret_place)
{
	static const uint8_t nowhere[PLACE_BYTES], no_salt[LEDGER_SALT_LEN];
	struct reader r = {
		.rest = {(const char *)bytes + 4, PLACE_BYTES - 4}
        };
	uint8_t check[3];

	*ret_place = (struct ledger_place){.where = LEDGER_NOWHERE};
	if (memcmp(bytes, nowhere, PLACE_BYTES) == 0)
		return true;
	if (bytes[0] == LEDGER_NOWHERE || bytes[0] > LEDGER_ERASED)
		return false;
	place_check(index, bytes[0] == LEDGER_ERASED ? no_salt : salt, bytes, check);
	if (memcmp(check, bytes + 1, sizeof(check)) != 0)
		return false;
	ret_place->where = (enum ledger_where)bytes[0];
	ret_place->bytes = read_u32(&r);
	ret_place->serial = read_u64(&r);
	return true;
}

/* ---- reading --------------------------------------------------------------------------------- */

static enum err_kind past_end(const struct ledger *l, uint64_t index, struct err *e)
{
	return err_set(e, ERR_USAGE, "log \"%s\": there is no leaf %llu of %llu", l->folder,
		(unsigned long long)index, (unsigned long long)ledger_size(l));
}

static enum err_kind damaged(const struct ledger *l, uint64_t index, struct err *e)
{
	return err_set(e, ERR_CORRUPT,
		"log \"%s\": the opening of leaf %llu is damaged (\"salts\" at %llu, \"places\" at "
		"%llu)",
		l->folder, (unsigned long long)index, offset_of(index, LEDGER_SALT_LEN),
		offset_of(index, PLACE_BYTES));
}

/* Under l->openings. */
static enum err_kind opening_read(struct ledger *l, uint64_t index,
	uint8_t ret_salt[LEDGER_SALT_LEN], struct ledger_place *ret_place, struct err *e)
{
	uint8_t record[PLACE_BYTES];
	enum err_kind kind =
		log_read_sparse(l, "salts", index * LEDGER_SALT_LEN, ret_salt, LEDGER_SALT_LEN, e);

	if (kind == OK)
		kind = log_read_sparse(l, "places", index * PLACE_BYTES, record, sizeof(record), e);
	if (kind == OK && !place_parse(record, index, ret_salt, ret_place))
		kind = damaged(l, index, e);
	return kind;
}

static enum err_kind content_read(
	struct ledger *l, const struct ledger_place *p, struct buf *out, struct err *e)
{
	enum err_kind kind;
	char *to;

	if (p->bytes == 0)
		return OK;
	to = buf_reserve(out, p->bytes);
	if (to == NULL)
		return err_set(e, ERR_NOMEM, "log \"%s\": no room for a content of %u bytes",
			l->folder, p->bytes);
	kind = log_read(l, "contents", p->serial, to, p->bytes, e);
	if (kind == OK)
		out->len += p->bytes;
	return kind;
}

enum err_kind ledger_opening_get(struct ledger *l, uint64_t index,
	uint8_t ret_salt[LEDGER_SALT_LEN], struct ledger_place *ret_place, struct buf *content,
	struct err *e)
{
	enum err_kind kind;

	if (index >= ledger_size(l))
		return past_end(l, index, e);
	(void)pthread_rwlock_rdlock(&l->openings);
	kind = opening_read(l, index, ret_salt, ret_place, e);
	if (kind == OK && content != NULL && ret_place->where == LEDGER_HELD)
		kind = content_read(l, ret_place, content, e);
	(void)pthread_rwlock_unlock(&l->openings);
	if (kind == OK &&
		(ret_place->where == LEDGER_NOWHERE || ret_place->where == LEDGER_ERASED)) {
		/* What an unfinished call left is nobody's. */
		memset(ret_salt, 0, LEDGER_SALT_LEN);
		*ret_place = (struct ledger_place){.where = ret_place->where};
	}
	return kind;
}

enum err_kind ledger_places(struct ledger *l, uint64_t from, uint64_t count,
	struct ledger_place *ret_places, struct err *e)
{
	uint8_t salts[64][LEDGER_SALT_LEN], records[64][PLACE_BYTES];
	uint64_t size = ledger_size(l);
	enum err_kind kind = OK;

	if (from > size || count > size - from)
		return past_end(l, from + count, e);
	(void)pthread_rwlock_rdlock(&l->openings);
	while (kind == OK && count > 0) {
		size_t some = count < COUNT_OF(salts) ? (size_t)count : COUNT_OF(salts);

		kind = log_read_sparse(
			l, "salts", from * LEDGER_SALT_LEN, salts, some * LEDGER_SALT_LEN, e);
		if (kind == OK)
			kind = log_read_sparse(
				l, "places", from * PLACE_BYTES, records, some * PLACE_BYTES, e);
		for (size_t i = 0; kind == OK && i < some; i++) {
			if (!place_parse(records[i], from + i, salts[i], ret_places++))
				kind = damaged(l, from + i, e);
		}
		from += some;
		count -= some;
	}
	(void)pthread_rwlock_unlock(&l->openings);
	secret_wipe(salts, sizeof(salts));
	return kind;
}

enum err_kind ledger_opening_check(struct ledger *l, const struct ledger_opening *o, struct err *e)
{
	struct ledger_leaf leaf;
	uint8_t commitment[HASH_LEN];
	enum err_kind kind = ledger_leaf_get(l, o->index, &leaf, e);

	if (kind != OK)
		return kind;
	ledger_commit(ledger_origin(l), o->salt, o->content, commitment);
	if (memcmp(commitment, leaf.commitment, HASH_LEN) != 0)
		return err_set(e, ERR_INVALID, "log \"%s\": these %zu bytes do not open leaf %llu",
			l->folder, o->content.len, (unsigned long long)o->index);
	return OK;
}

/* ---- keeping --------------------------------------------------------------------------------- */

#define RUN_MAX 64 /* openings: 3 kB on the stack */

/* Which of the openings are kept, and where. */
struct keeping {
	const struct ledger_opening *openings;
	const uint64_t *serials;
	size_t count;
	bool *left_out;    /* erased once: never again */
	uint64_t *offsets; /* of contents that are held */
	struct buf contents;
};

/* How many openings from `at` on have leaves side by side: read and written at once. */
static size_t run_of(const struct keeping *k, size_t at)
{
	size_t count = 1;

	while (count < RUN_MAX && at + count < k->count && !k->left_out[at + count] &&
		k->openings[at + count].index == k->openings[at].index + count)
		count++;
	return count;
}

static enum err_kind plan_check(const struct keeping *k, struct ledger *l, struct err *e)
{
	for (size_t i = 0; i < k->count; i++) {
		const struct ledger_opening *o = &k->openings[i];

		if (o->index >= l->state.size)
			return past_end(l, o->index, e);
		if (o->content.len > LEDGER_CONTENT_MAX)
			return err_set(e, ERR_LIMIT,
				"log \"%s\": a content of %zu bytes, expected "
				"at most %zu",
				l->folder, o->content.len, LEDGER_CONTENT_MAX);
	}
	return OK;
}

/* `place` is what is there now. */
static void plan_one(
	struct keeping *k, const struct ledger *l, size_t i, const struct ledger_place *place)
{
	k->left_out[i] = place->where == LEDGER_ERASED;
	if (k->left_out[i] || k->serials[i] != 0)
		return;
	/* Doubled deliveries do not grow the file. */
	if (place->where == LEDGER_HELD) {
		k->offsets[i] = place->serial;
		return;
	}
	k->offsets[i] = l->state.contents + k->contents.len;
	buf_slice_append(&k->contents, k->openings[i].content);
}

static enum err_kind keeping_plan(struct keeping *k, struct ledger *l, struct err *e)
{
	uint8_t salts[RUN_MAX][LEDGER_SALT_LEN], records[RUN_MAX][PLACE_BYTES];
	enum err_kind kind = plan_check(k, l, e);

	for (size_t at = 0, run; kind == OK && at < k->count; at += run) {
		uint64_t index = k->openings[at].index;

		run = run_of(k, at);
		kind = log_read_sparse(
			l, "salts", index * LEDGER_SALT_LEN, salts, run * LEDGER_SALT_LEN, e);
		if (kind == OK)
			kind = log_read_sparse(
				l, "places", index * PLACE_BYTES, records, run * PLACE_BYTES, e);
		for (size_t i = 0; kind == OK && i < run; i++) {
			struct ledger_place place;

			if (!place_parse(records[i], index + i, salts[i], &place))
				place.where = LEDGER_NOWHERE; /* what is damaged is replaced */
			plan_one(k, l, at + i, &place);
		}
	}
	secret_wipe(salts, sizeof(salts));
	if (kind == OK && k->contents.bad)
		kind = err_set(e, ERR_NOMEM, "log \"%s\": out of memory", l->folder);
	return kind;
}

static enum err_kind keeping_write(struct keeping *k, struct ledger *l, struct err *e)
{
	uint8_t salts[RUN_MAX][LEDGER_SALT_LEN];
	struct state next = l->state;
	enum err_kind kind = OK;

	if (k->contents.len > 0) {
		kind = log_write(l, "contents", next.contents, buf_slice(&k->contents), e);
		if (kind == OK)
			kind = log_sync(l, "contents", e);
		next.contents += k->contents.len;
		if (kind == OK)
			kind = log_state_put(l, &next, &l->edge, e);
	}
	for (size_t at = 0, run; kind == OK && at < k->count; at += run) {
		run = 1;
		if (k->left_out[at])
			continue;
		run = run_of(k, at);
		for (size_t i = 0; i < run; i++)
			memcpy(salts[i], k->openings[at + i].salt, LEDGER_SALT_LEN);
		kind = log_write(l, "salts", k->openings[at].index * LEDGER_SALT_LEN,
			(struct slice){(const char *)salts, run * LEDGER_SALT_LEN}, e);
	}
	secret_wipe(salts, sizeof(salts));
	return kind == OK ? log_sync(l, "salts", e) : kind;
}

static void place_of(const struct keeping *k, size_t i, uint8_t ret_record[PLACE_BYTES])
{
	const struct ledger_opening *o = &k->openings[i];
	struct ledger_place place = {.where = LEDGER_STORED, .serial = k->serials[i]};

	if (place.serial == 0)
		place = (struct ledger_place){.where = LEDGER_HELD,
			.serial = k->offsets[i],
			.bytes = (uint32_t)o->content.len};
	place_write(o->index, o->salt, &place, ret_record);
}

static enum err_kind keeping_place(struct keeping *k, struct ledger *l, struct err *e)
{
	uint8_t records[RUN_MAX][PLACE_BYTES];
	enum err_kind kind = OK;

	for (size_t at = 0, run; kind == OK && at < k->count; at += run) {
		run = 1;
		if (k->left_out[at])
			continue;
		run = run_of(k, at);
		for (size_t i = 0; i < run; i++)
			place_of(k, at + i, records[i]);
		kind = log_write(l, "places", k->openings[at].index * PLACE_BYTES,
			(struct slice){(const char *)records, run * PLACE_BYTES}, e);
	}
	return kind == OK ? log_sync(l, "places", e) : kind;
}

enum err_kind ledger_openings_put(struct ledger *l, const struct ledger_opening *openings,
	const uint64_t *serials, size_t count, struct err *e)
{
	struct keeping k = {.openings = openings, .serials = serials, .count = count};
	enum err_kind kind;

	if (count == 0)
		return OK;
	k.left_out = calloc(count, sizeof(*k.left_out));
	k.offsets = calloc(count, sizeof(*k.offsets));
	if (k.left_out == NULL || k.offsets == NULL) {
		free(k.left_out);
		free(k.offsets);
		return err_set(e, ERR_NOMEM, "log \"%s\": out of memory", l->folder);
	}
	log_turn(l);
	kind = log_tidy(l, e);
	if (kind == OK)
		kind = keeping_plan(&k, l, e);
	if (kind == OK) {
		(void)pthread_rwlock_wrlock(&l->openings);
		kind = keeping_write(&k, l, e);
		if (kind == OK)
			kind = keeping_place(&k, l, e);
		(void)pthread_rwlock_unlock(&l->openings);
		if (kind != OK)
			l->unsure = true;
	}
	log_turn_end(l);
	buf_fini(&k.contents);
	free(k.left_out);
	free(k.offsets);
	return kind;
}

/* ---- erasing --------------------------------------------------------------------------------- */

struct erasing {
	uint64_t index;
	struct ledger_place place; /* while it goes on: of a content that is held, where it is */
};

/* What is erased whole already is left out; but after a failure nobody knows whether that is on the
 * disk. In turn. */
static enum err_kind erasing_plan(struct ledger *l, const uint64_t *indices, size_t count,
	struct erasing *list, size_t *ret_count, struct err *e)
{
	static const uint8_t none[LEDGER_SALT_LEN];
	uint8_t salt[LEDGER_SALT_LEN];
	enum err_kind kind = OK;

	*ret_count = 0;
	for (size_t i = 0; i < count && kind == OK; i++) {
		struct erasing *x = &list[*ret_count];

		x->index = indices[i];
		kind = x->index >= l->state.size ? past_end(l, x->index, e)
						 : opening_read(l, x->index, salt, &x->place, e);
		if (kind != OK ||
			(!l->half_erased && x->place.where == LEDGER_ERASED &&
				x->place.bytes == 0 && memcmp(salt, none, sizeof(salt)) == 0))
			continue;
		if (x->place.where == LEDGER_STORED || x->place.where == LEDGER_NOWHERE)
			x->place = (struct ledger_place){0};
		x->place.where = LEDGER_ERASED;
		(*ret_count)++;
	}
	secret_wipe(salt, sizeof(salt));
	return kind;
}

/* `last`: only of those that told where their content was, and it is nowhere now. */
static enum err_kind erasing_places(
	struct ledger *l, const struct erasing *list, size_t count, bool last, struct err *e)
{
	static const struct ledger_place erased = {.where = LEDGER_ERASED};
	static const uint8_t no_salt[LEDGER_SALT_LEN];
	enum err_kind kind = OK;
	bool any = false;

	for (size_t i = 0; i < count && kind == OK; i++) {
		uint8_t record[PLACE_BYTES];

		if (last && list[i].place.bytes == 0)
			continue;
		any = true;
		place_write(list[i].index, no_salt, last ? &erased : &list[i].place, record);
		kind = log_write(l, "places", list[i].index * PLACE_BYTES,
			(struct slice){(char *)record, PLACE_BYTES}, e);
	}
	return kind == OK && any ? log_sync(l, "places", e) : kind;
}

static enum err_kind erasing_salts(
	struct ledger *l, const struct erasing *list, size_t count, struct err *e)
{
	enum err_kind kind = OK;

	for (size_t i = 0; i < count && kind == OK; i++)
		kind = log_zeros_write(
			l, "salts", list[i].index * LEDGER_SALT_LEN, LEDGER_SALT_LEN, e);
	return kind == OK ? log_sync(l, "salts", e) : kind;
}

static enum err_kind erasing_contents(
	struct ledger *l, const struct erasing *list, size_t count, struct err *e)
{
	enum err_kind kind = OK;
	bool any = false;

	for (size_t i = 0; i < count && kind == OK; i++) {
		if (list[i].place.bytes == 0)
			continue;
		any = true;
		kind = log_zeros_write(l, "contents", list[i].place.serial, list[i].place.bytes, e);
	}
	return kind == OK && any ? log_sync(l, "contents", e) : kind;
}

/* Under l->openings, in turn. Each step is on the disk before the next begins: a crash in between
 * leaves places that say where to go on. */
static enum err_kind erase(
	struct ledger *l, const struct erasing *list, size_t count, struct err *e)
{
	enum err_kind kind = erasing_places(l, list, count, false, e);

	if (kind == OK)
		kind = erasing_salts(l, list, count, e);
	if (kind == OK)
		kind = erasing_contents(l, list, count, e);
	if (kind == OK)
		kind = log_journal_wipe(l, e);
	if (kind == OK)
		kind = erasing_places(l, list, count, true, e);
	return kind;
}

enum err_kind ledger_erase_many(
	struct ledger *l, const uint64_t *indices, size_t count, struct err *e)
{
	struct erasing *list = calloc(count + 1, sizeof(*list));
	size_t some = 0;
	enum err_kind kind;

	if (list == NULL)
		return err_set(e, ERR_NOMEM, "log \"%s\": out of memory", l->folder);
	log_turn(l);
	kind = erasing_plan(l, indices, count, list, &some, e);
	if (kind == OK && some > 0)
		kind = log_tidy(l, e);
	if (kind == OK && some > 0) {
		(void)pthread_rwlock_wrlock(&l->openings);
		kind = erase(l, list, some, e);
		(void)pthread_rwlock_unlock(&l->openings);
		l->half_erased = l->half_erased || kind != OK;
	}
	log_turn_end(l);
	free(list);
	return kind;
}

enum err_kind ledger_erase(struct ledger *l, uint64_t index, struct err *e)
{
	return ledger_erase_many(l, &index, 1, e);
}
