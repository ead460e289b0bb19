/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Bodies packed and unpacked. Objects of one store are much alike, and small: a dictionary trained
 * from them makes them a third of what plain zstd does. A dictionary is never deleted, as old
 * bodies need it for ever. Every frame has a checksum: a body is exact or an error.
 */
#include <stdlib.h>

#include <zdict.h>

#include "inside.h"

enum err_kind packer_take(struct packing *p, struct packer **ret_packer, struct err *e)
{
	struct packer *k;

	pthread_mutex_lock(&p->mutex);
	k = p->idle;
	if (k != NULL)
		p->idle = k->next;
	pthread_mutex_unlock(&p->mutex);
	if (k == NULL) {
		k = calloc(1, sizeof(*k));
		if (k == NULL)
			return err_set(e, ERR_NOMEM, "could not pack: out of memory");
		k->zstd = ZSTD_createCCtx();
		if (k->zstd == NULL) {
			free(k);
			return err_set(e, ERR_NOMEM, "could not pack: out of memory");
		}
	}
	ZSTD_CCtx_reset(k->zstd, ZSTD_reset_session_and_parameters);
	ZSTD_CCtx_setParameter(k->zstd, ZSTD_c_compressionLevel, PACK_LEVEL);
	ZSTD_CCtx_setParameter(k->zstd, ZSTD_c_checksumFlag, 1);
	ZSTD_CCtx_setParameter(k->zstd, ZSTD_c_dictIDFlag, 0); /* the row has it */
	*ret_packer = k;
	return OK;
}

void packer_give(struct packing *p, struct packer *k)
{
	if (k == NULL)
		return;
	pthread_mutex_lock(&p->mutex);
	k->next = p->idle;
	p->idle = k;
	pthread_mutex_unlock(&p->mutex);
}

/* The newest dictionary; number 0 when there is none. */
static struct dictionary newest(struct packing *p)
{
	struct dictionary d = {0};

	pthread_mutex_lock(&p->mutex);
	if (p->count > 0)
		d = p->all[p->count - 1];
	pthread_mutex_unlock(&p->mutex);
	return d;
}

enum err_kind body_pack(struct packing *p, struct packer *k, bool plain, struct slice body,
	struct buf *out, int64_t *ret_dictionary, struct err *e)
{
	struct dictionary d = plain ? (struct dictionary){0} : newest(p);
	size_t bound = ZSTD_compressBound(body.len);
	char *to = buf_reserve(out, bound);
	size_t len;

	if (to == NULL)
		return err_set(e, ERR_NOMEM, "could not pack %zu bytes: out of memory", body.len);
	ZSTD_CCtx_refCDict(k->zstd, d.pack); /* NULL: none */
	len = ZSTD_compress2(k->zstd, to, bound, body.data, body.len);
	if (ZSTD_isError(len))
		return err_set(e, ERR_NOMEM, "could not pack %zu bytes: %s", body.len,
			ZSTD_getErrorName(len));
	out->len += len;
	*ret_dictionary = d.number;
	return OK;
}

enum err_kind dictionaries_load(struct packing *p, struct conn *c, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind;
	bool row;

	kind = conn_statement(c, SQL_DICTIONARIES, &st, e);
	if (kind != OK)
		return kind;
	pthread_mutex_lock(&p->mutex);
	bind_int(st, 1, (int64_t)p->count);
	while ((kind = conn_row(c, st, &row, e)) == OK && row) {
		struct slice bytes = column_slice(st, 1);
		struct dictionary d = {.number = sqlite3_column_int64(st, 0)};

		if (p->count == DICTIONARIES_MAX || d.number != (int64_t)p->count + 1) {
			kind = err_set(e, ERR_CORRUPT, "store \"%s\": dictionary %lld out of turn",
				c->path, (long long)d.number);
			break;
		}
		d.pack = ZSTD_createCDict(bytes.data, bytes.len, PACK_LEVEL);
		d.unpack = ZSTD_createDDict(bytes.data, bytes.len);
		if (d.pack == NULL || d.unpack == NULL) {
			ZSTD_freeCDict(d.pack);
			ZSTD_freeDDict(d.unpack);
			kind = err_set(e, ERR_CORRUPT,
				"store \"%s\": dictionary %lld cannot be used", c->path,
				(long long)d.number);
			break;
		}
		p->all[p->count++] = d;
	}
	sqlite3_reset(st);
	pthread_mutex_unlock(&p->mutex);
	return kind;
}

/* NULL: unknown, or 0. */
static const ZSTD_DDict *dictionary_find(struct packing *p, int64_t number)
{
	const ZSTD_DDict *d = NULL;

	pthread_mutex_lock(&p->mutex);
	if (number > 0 && (uint64_t)number <= p->count)
		d = p->all[number - 1].unpack;
	pthread_mutex_unlock(&p->mutex);
	return d;
}

enum err_kind body_unpack(struct packing *p, struct conn *c, ZSTD_DCtx *zstd, struct slice packed,
	int64_t dictionary, uint64_t body_bytes, struct buf *out, struct err *e)
{
	const ZSTD_DDict *d = dictionary_find(p, dictionary);
	size_t len;
	char *to;

	/* A damaged size must not ask for all memory: nothing packs better than this. */
	if (body_bytes > JSON_DOCUMENT_MAX)
		return err_set(e, ERR_CORRUPT, "damaged: a body of %llu bytes",
			(unsigned long long)body_bytes);
	if (packed.len == 0) /* what is packed is never empty; zstd would take it for nothing */
		return err_set(e, ERR_CORRUPT, "damaged: its body is missing");
	if (d == NULL && dictionary != DICTIONARY_PLAIN) {
		enum err_kind kind = dictionaries_load(p, c, e);

		if (kind != OK)
			return kind;
		d = dictionary_find(p, dictionary);
		if (d == NULL)
			return err_set(e, ERR_CORRUPT, "damaged: its dictionary %lld is missing",
				(long long)dictionary);
	}
	to = buf_reserve(out, body_bytes == 0 ? 1 : body_bytes);
	if (to == NULL)
		return err_set(e, out->bytes_max != 0 ? ERR_LIMIT : ERR_NOMEM,
			"no room for a body of %llu bytes", (unsigned long long)body_bytes);
	if (d != NULL)
		len = ZSTD_decompress_usingDDict(zstd, to, body_bytes, packed.data, packed.len, d);
	else
		len = ZSTD_decompressDCtx(zstd, to, body_bytes, packed.data, packed.len);
	if (ZSTD_isError(len))
		return err_set(e, ERR_CORRUPT, "damaged: %s", ZSTD_getErrorName(len));
	if (len != body_bytes)
		return err_set(e, ERR_CORRUPT, "damaged: %zu bytes instead of %llu", len,
			(unsigned long long)body_bytes);
	out->len += len;
	return OK;
}

void packing_fini(struct packing *p)
{
	while (p->idle != NULL) {
		struct packer *k = p->idle;

		p->idle = k->next;
		ZSTD_freeCCtx(k->zstd);
		free(k);
	}
	for (size_t i = 0; i < p->count; i++) {
		ZSTD_freeCDict(p->all[i].pack);
		ZSTD_freeDDict(p->all[i].unpack);
	}
	p->count = 0;
	pthread_mutex_destroy(&p->mutex);
}

/* ---- training -------------------------------------------------------------------------------- */

/* When the store has so many objects, the next dictionary is trained: one soon, so that little is
 * packed without (it takes 25 ms); one when it is known what sort of objects come here (60 ms).
 * Measured on ATT&CK: 32 KiB of dictionary pack to 32.6 %, 64 KiB to 31.5 %, without 56 %. */
static const struct {
	int64_t objects;
	size_t samples_max;
	size_t samples_bytes;
	size_t bytes_max; /* of the dictionary */
} trainings[] = {
	{1000,  1000, KIB(256), KIB(32)},
	{50000, 4000, MIB(1),   KIB(64)},
};

#define SAMPLE_MAX KIB(4) /* of one object: what is common stands at the front */

/*
 * A dictionary holds pieces of its samples as they are, and stays when an object goes. So only what
 * many things have in common is trained: of each text in a sample its longest beginning, up to some
 * mark or its end, with which a text begins in at least SHARED_MIN different things. What one thing
 * alone says, or its versions, is never seen by the training.
 */
#define SHARED_MIN   8          /* things */
#define BEGINS_MAX   16         /* of one text, and the whole of it */
#define SHARED_SLOTS (1U << 18) /* beginnings that are counted: 4 MiB while it lasts */

struct shared {
	uint64_t hash; /* 0: free */
	int64_t thing; /* that it was last met in */
	uint32_t things;
};

struct samples {
	struct buf bytes;
	size_t *sizes;
	int64_t *things;
	size_t count;
	struct shared *shared; /* [SHARED_SLOTS] */
	size_t shared_count;
	uint8_t key[16];
};

/* Where the beginnings of a text end. */
static size_t begins_of(struct slice text, size_t ret_ends[BEGINS_MAX + 1])
{
	size_t count = 0;

	for (size_t i = 0; i < text.len && count < BEGINS_MAX; i++)
		if (strchr(" /-:.='[", text.data[i]) != NULL)
			ret_ends[count++] = i + 1;
	if (count == 0 || ret_ends[count - 1] != text.len)
		ret_ends[count++] = text.len;
	return count;
}

/* NULL: not there, and `add` is false or there is no room. */
static struct shared *shared_find(struct samples *t, struct slice text, bool add)
{
	uint64_t hash = hash_table(t->key, text) | 1;
	size_t at = (size_t)(hash >> 20) & (SHARED_SLOTS - 1);

	while (t->shared[at].hash != 0 && t->shared[at].hash != hash)
		at = (at + 1) & (SHARED_SLOTS - 1);
	if (t->shared[at].hash != 0)
		return &t->shared[at];
	if (!add || t->shared_count >= SHARED_SLOTS / 2)
		return NULL;
	t->shared_count++;
	t->shared[at].hash = hash;
	return &t->shared[at];
}

/* The next text between quotes, or what stands between two such: a number there is as telling. */
static struct slice piece_next(struct slice *rest)
{
	size_t len = 0;
	bool quoted = rest->data[0] == '"';
	struct slice piece;

	for (len = quoted ? 1 : 0; len < rest->len; len++) {
		if (quoted && rest->data[len] == '\\')
			len++;
		else if (rest->data[len] == '"')
			break;
	}
	len = len < rest->len ? len + (quoted ? 1 : 0) : rest->len;
	piece = slice_cut(*rest, 0, len);
	*rest = slice_cut(*rest, len, rest->len);
	return piece;
}

static void shared_count(struct samples *t, struct slice sample, int64_t thing)
{
	size_t ends[BEGINS_MAX + 1];

	while (sample.len > 0) {
		struct slice piece = piece_next(&sample);
		size_t count = begins_of(piece, ends);

		for (size_t i = 0; i < count; i++) {
			struct shared *s = shared_find(t, slice_cut(piece, 0, ends[i]), true);

			if (s == NULL || s->thing == thing)
				continue;
			s->thing = thing;
			s->things++;
		}
	}
}

static void shared_append(struct samples *t, struct slice sample, struct buf *out)
{
	size_t ends[BEGINS_MAX + 1];

	while (sample.len > 0) {
		struct slice piece = piece_next(&sample);
		size_t count = begins_of(piece, ends);

		while (count > 0) {
			struct slice begin = slice_cut(piece, 0, ends[--count]);
			const struct shared *s = shared_find(t, begin, false);

			if (s == NULL || s->things < SHARED_MIN)
				continue;
			buf_slice_append(out, begin);
			break;
		}
	}
}

/* In place of the samples what of them is shared. */
static enum err_kind samples_share(struct samples *t, const struct world *world, struct err *e)
{
	struct buf out = BUF_INIT;
	size_t at = 0;

	t->shared = calloc(SHARED_SLOTS, sizeof(*t->shared));
	if (t->shared == NULL)
		return err_set(e, ERR_NOMEM, "out of memory for a dictionary");
	world->random(world->context, t->key, sizeof(t->key));
	for (size_t i = 0; i < t->count; at += t->sizes[i++])
		shared_count(
			t, slice_cut(buf_slice(&t->bytes), at, at + t->sizes[i]), t->things[i]);
	at = 0;
	for (size_t i = 0; i < t->count; i++) {
		size_t before = out.len;
		struct slice sample = slice_cut(buf_slice(&t->bytes), at, at + t->sizes[i]);

		at += t->sizes[i];
		shared_append(t, sample, &out);
		t->sizes[i] = out.len - before;
	}
	buf_fini(&t->bytes);
	t->bytes = out;
	return out.bad ? err_set(e, ERR_NOMEM, "out of memory for samples") : OK;
}

static enum err_kind samples_read(struct writer *w, size_t samples_max, size_t bytes_max,
	struct samples *ret_samples, struct err *e)
{
	struct samples *t = ret_samples;
	int64_t step = w->counters.serial_last / (int64_t)samples_max;
	int64_t serial = 1;
	struct buf body = BUF_INIT;
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_OBJECT_SAMPLE, &st, e);

	while (kind == OK && t->count < samples_max && t->bytes.len < bytes_max) {
		bool row;

		bind_int(st, 1, serial);
		kind = conn_row(&w->conn, st, &row, e);
		if (kind != OK || !row)
			break;
		buf_clear(&body);
		kind = body_unpack(&w->s->packing, &w->conn, w->zstd, column_slice(st, 3),
			sqlite3_column_int64(st, 2), (uint64_t)sqlite3_column_int64(st, 1), &body,
			e);
		serial = sqlite3_column_int64(st, 0) + (step > 0 ? step : 1);
		t->things[t->count] = sqlite3_column_int64(st, 4);
		sqlite3_reset(st);
		if (kind != OK)
			break;
		t->sizes[t->count] = body.len < SAMPLE_MAX ? body.len : SAMPLE_MAX;
		buf_append(&t->bytes, body.data, t->sizes[t->count++]);
		if (t->bytes.bad || body.bad)
			kind = err_set(e, ERR_NOMEM, "out of memory for samples");
	}
	buf_fini(&body);
	return kind;
}

static enum err_kind dictionary_keep(struct writer *w, struct slice bytes, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = writer_begin_locked(w, e);

	if (kind != OK)
		return kind;
	kind = conn_statement(&w->conn, SQL_DICTIONARY_ADD, &st, e);
	if (kind == OK) {
		bind_int(st, 1, (int64_t)w->s->packing.count + 1);
		bind_int(st, 2, world_now(w->s->world));
		bind_blob(st, 3, bytes);
		kind = conn_done(&w->conn, st, e);
	}
	if (kind != OK) {
		writer_rollback_locked(w);
		return kind;
	}
	kind = writer_commit_locked(w, e);
	return kind == OK ? dictionaries_load(&w->s->packing, &w->conn, e) : kind;
}

/* Objects that are too much alike, or too little, give no dictionary; that is no failure. */
enum err_kind dictionary_train(struct writer *w, struct err *e)
{
	struct packing *p = &w->s->packing;
	struct samples t = {0};
	enum err_kind kind;
	char *bytes;
	size_t len;

	if (p->no_training || p->count >= COUNT_OF(trainings) ||
		w->counters.objects < trainings[p->count].objects)
		return OK;
	bytes = malloc(trainings[p->count].bytes_max);
	t.sizes = calloc(trainings[p->count].samples_max, sizeof(*t.sizes));
	t.things = calloc(trainings[p->count].samples_max, sizeof(*t.things));
	if (bytes == NULL || t.sizes == NULL || t.things == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory for a dictionary");
	else
		kind = samples_read(w, trainings[p->count].samples_max,
			trainings[p->count].samples_bytes, &t, e);
	if (kind == OK)
		kind = samples_share(&t, w->s->world, e);
	if (kind == OK) {
		len = ZDICT_trainFromBuffer(bytes, trainings[p->count].bytes_max, t.bytes.data,
			t.sizes, (unsigned)t.count);
		if (ZDICT_isError(len))
			p->no_training = true;
		else
			kind = dictionary_keep(w, (struct slice){bytes, len}, e);
	}
	free(bytes);
	free(t.sizes);
	free(t.things);
	free(t.shared);
	buf_fini(&t.bytes);
	return kind;
}
