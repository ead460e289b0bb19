/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Files between members: the answers that the network would have given, one after the other, sealed
 * to the recipient. Every byte is verified from its origin when it is taken, as if it had come over
 * a socket; the manifest only says from whom the file is and binds its key.
 *
 *   "SERAIB1" 0A | u32 length, manifest (a signed note) | sealed box of the key[80]
 *   | header of libsodium's secretstream[24] | records: u32 length, one message of the stream
 *
 * Plain record: u8 kind, then
 *   1 charter   the note                       2 heads     as answered, of all logs
 *   3 leaves    text origin, u64 from, u64 size of the head, as answered
 *   4 openings  text origin, as answered
 *   9 end       nothing; the last message carries the stream's final tag
 */
#include <sodium.h>
#include <stdlib.h>

#include "inside.h"

#define RECORD_CHARTER  1
#define RECORD_HEADS    2
#define RECORD_LEAVES   3
#define RECORD_OPENINGS 4
#define RECORD_END      9
#define RECORD_MAX      (COALITION_ANSWER_MAX + KIB(64))
#define REPEAT_US       (INT64_C(30) * 86400 * US_PER_SECOND) /* a one-way sender repeats these days */
/* Older than our start by more than clocks may differ, a file does not tell what its sender has seen
 * of our log: who keeps files could have an old backup of us believe that all is well. */
#define SEEN_US       (INT64_C(86400) * US_PER_SECOND)
#define STREAM_EXTRA  crypto_secretstream_xchacha20poly1305_ABYTES
#define STREAM_HEADER crypto_secretstream_xchacha20poly1305_HEADERBYTES

static const char file_magic[8] = {'S', 'E', 'R', 'A', 'I', 'B', '1', '\n'};

/* ---- what was sent before -------------------------------------------------------------------- */

struct sent {
	uint64_t number;
	uint64_t leaves[ORIGINS_MAX]; /* by number of the origin */
};

static enum err_kind sent_read(
	struct coalition *c, const char *member, struct sent *ret_sent, struct err *e)
{
	struct buf bytes = BUF_INIT;
	struct reader r;
	char path[PATH_MAX_BYTES];
	unsigned count;
	enum err_kind kind = path_make(path, "%s/exports/%s", c->folder, member)
				     ? kept_get(c, path, &bytes, e)
				     : err_set(e, ERR_LIMIT, "path too long");

	if (kind == OK && bytes.len != 0) {
		r = (struct reader){.rest = buf_slice(&bytes)};
		ret_sent->number = read_u64(&r);
		count = read_u16(&r);
		for (unsigned i = 0; i < count && !r.bad; i++) {
			struct origin *o = origin_find(c, wire_read_text(&r));
			uint64_t leaves = read_u64(&r);

			if (o != NULL)
				ret_sent->leaves[origin_number(c, o)] = leaves;
		}
		if (r.bad)
			kind = err_set(e, ERR_CORRUPT, "%s is cut off", path);
	}
	buf_fini(&bytes);
	return kind;
}

static enum err_kind sent_write(
	struct coalition *c, const char *member, const struct sent *sent, struct err *e)
{
	struct buf bytes = BUF_INIT;
	char path[PATH_MAX_BYTES];
	enum err_kind kind;

	wire_u64(&bytes, sent->number);
	wire_u16(&bytes, (uint16_t)c->origins_count);
	for (size_t i = 0; i < c->origins_count; i++) {
		wire_text(&bytes, slice_of(c->origins[i]->key.name));
		wire_u64(&bytes, sent->leaves[i]);
	}
	kind = bytes.bad || !path_make(path, "%s/exports/%s", c->folder, member)
		       ? err_set(e, ERR_NOMEM, "out of memory")
		       : kept_put(c, path, buf_slice(&bytes), e);
	buf_fini(&bytes);
	return kind;
}

/* ---- writing --------------------------------------------------------------------------------- */

struct writing {
	struct coalition *c;
	const struct coalition_export *export;
	crypto_secretstream_xchacha20poly1305_state stream;
	struct buf sealed;
	uint64_t sizes[ORIGINS_MAX]; /* of the heads in the file: the logs go on meanwhile */
};

/* A slow reader keeps nobody else waiting. Who leaves meanwhile gets no more. */
static enum err_kind hand_out(struct writing *w, struct slice bytes, struct err *e)
{
	struct coalition *c = w->c;
	enum err_kind kind;

	pthread_mutex_unlock(&c->lock);
	kind = w->export->write(w->export->context, bytes, e);
	pthread_mutex_lock(&c->lock);
	if (kind == OK && charter_member_find(c->charter, w->export->to) == NULL)
		kind = err_set(
			e, ERR_DENIED, "\"%.*s\" is no member any more", SLICE_ARG(w->export->to));
	return kind;
}

static enum err_kind record_write(
	struct writing *w, uint8_t kind_of, struct slice body, struct err *e)
{
	struct buf plain = BUF_MAX(RECORD_MAX);
	uint8_t length[4];
	unsigned char tag = kind_of == RECORD_END
				    ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
				    : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
	unsigned long long sealed_len;
	enum err_kind kind;

	wire_u8(&plain, kind_of);
	buf_slice_append(&plain, body);
	buf_clear(&w->sealed);
	if (plain.bad || buf_reserve(&w->sealed, plain.len + STREAM_EXTRA) == NULL) {
		buf_fini(&plain);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	crypto_secretstream_xchacha20poly1305_push(&w->stream, (unsigned char *)w->sealed.data,
		&sealed_len, (const unsigned char *)plain.data, plain.len, NULL, 0, tag);
	buf_fini(&plain);
	put_u32(length, (uint32_t)sealed_len);
	kind = hand_out(w, (struct slice){(const char *)length, sizeof(length)}, e);
	return kind == OK ? hand_out(w, (struct slice){w->sealed.data, (size_t)sealed_len}, e)
			  : kind;
}

static enum err_kind head_write(
	struct writing *w, const struct charter_member *to, uint64_t number, struct err *e)
{
	struct coalition *c = w->c;
	uint8_t key[crypto_secretstream_xchacha20poly1305_KEYBYTES], digest[SHA256_LEN];
	uint8_t opened[SIGNER_SEALED_LEN + STREAM_HEADER];
	struct buf text = BUF_INIT, line = BUF_INIT, out = BUF_INIT, note = BUF_INIT;
	enum err_kind kind;

	c->world->random(c->world->context, key, sizeof(key));
	if (crypto_box_seal(opened, key, sizeof(key), to->box) != 0 ||
		crypto_secretstream_xchacha20poly1305_init_push(
			&w->stream, opened + SIGNER_SEALED_LEN, key) != 0)
		return err_set(e, ERR_INVALID, "\"%s\" has no good box key", to->name);
	secret_wipe(key, sizeof(key));
	hash_sha256((struct slice){(const char *)opened, sizeof(opened)}, digest);
	buf_printf(&text, SIGNER_MANIFEST_HEAD "from %s\nto %s\nnumber %llu\ntime %lld\nkey ",
		c->self, to->name, (unsigned long long)number,
		(long long)(world_now(c->world) / US_PER_SECOND));
	base64_append(&text, digest, sizeof(digest));
	buf_char(&text, '\n');
	kind = signer_manifest(&c->signer, buf_slice(&text), &line, e);
	if (kind == OK) {
		note_write(buf_slice(&text), buf_slice(&line), &note);
		buf_append(&out, file_magic, sizeof(file_magic));
		wire_bytes(&out, buf_slice(&note));
		buf_append(&out, opened, sizeof(opened));
		kind = out.bad || note.bad ? err_set(e, ERR_NOMEM, "out of memory")
					   : hand_out(w, buf_slice(&out), e);
	}
	buf_fini(&text);
	buf_fini(&line);
	buf_fini(&note);
	buf_fini(&out);
	return kind;
}

/* The first leaf that is not older than REPEAT_US; times of a log mostly ascend. */
static uint64_t recent_from(const struct coalition *c, struct origin *o, uint64_t size)
{
	int64_t since = world_now(c->world) - REPEAT_US;
	uint64_t low = 0, high = size;
	struct ledger_leaf leaf;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (ledger_leaf_get(o->log, middle, &leaf, NULL) != OK)
			return 0;
		if (leaf.time_us < since)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static enum err_kind leaves_write(
	struct writing *w, struct origin *o, uint64_t from, uint64_t size, struct err *e)
{
	enum err_kind kind = OK;

	while (from < size && kind == OK) {
		struct buf request = BUF_INIT, body = BUF_MAX(RECORD_MAX);

		wire_text(&body, slice_of(o->key.name));
		wire_u64(&body, from);
		wire_u64(&body, size);
		leaves_ask(o, from, size, &request);
		kind = leaves_answer(w->c, NULL, buf_slice(&request), &body, e);
		if (kind == OK)
			kind = record_write(w, RECORD_LEAVES, buf_slice(&body), e);
		from += size - from < COALITION_LEAVES_MAX ? size - from : COALITION_LEAVES_MAX;
		buf_fini(&request);
		buf_fini(&body);
	}
	return kind;
}

static enum err_kind openings_write(struct writing *w, struct origin *o, struct slice to,
	uint64_t from, uint64_t size, bool specials, struct err *e)
{
	enum err_kind kind = OK;

	while (from < size && kind == OK) {
		struct buf body = BUF_MAX(RECORD_MAX), openings = BUF_MAX(RECORD_MAX);
		uint64_t next, withheld = 0;
		size_t given = 0;

		kind = openings_give(w->c, o, to, from, size, specials, COALITION_OPENINGS_MAX,
			MIB(6), &openings, &next, &given, &withheld, e);
		if (kind == OK && given > 0) {
			wire_text(&body, slice_of(o->key.name));
			wire_u64(&body, 0);
			wire_u64(&body, next);
			wire_u32(&body, (uint32_t)withheld);
			wire_u32(&body, (uint32_t)given);
			buf_slice_append(&body, buf_slice(&openings));
			kind = body.bad ? err_set(e, ERR_NOMEM, "out of memory")
					: record_write(w, RECORD_OPENINGS, buf_slice(&body), e);
		}
		from = next;
		buf_fini(&body);
		buf_fini(&openings);
	}
	return kind;
}

static enum err_kind log_write(
	struct writing *w, struct origin *o, const struct sent *sent, struct err *e)
{
	const struct coalition_export *export = w->export;
	uint64_t size = w->sizes[origin_number(w->c, o)], from = 0, recent;
	enum err_kind kind;

	if (size == 0 || o->guilty)
		return OK;
	if (size > ledger_size(o->log))
		size = ledger_size(o->log);
	if (!export->everything) {
		from = sent->leaves[origin_number(w->c, o)];
		recent = recent_from(w->c, o, size);
		if (recent < from)
			from = recent;
	}
	kind = leaves_write(w, o, from, size, e);
	if (kind == OK)
		kind = openings_write(w, o, export->to, from, size, true, e);
	return kind == OK ? openings_write(w, o, export->to, from, size, false, e) : kind;
}

static enum err_kind export_write(struct writing *w, const struct charter_member *to, struct err *e)
{
	struct coalition *c = w->c;
	struct sent sent = {0};
	struct buf heads = BUF_MAX(RECORD_MAX);
	enum err_kind kind = sent_read(c, to->name, &sent, e);

	sent.number++;
	if (kind == OK)
		kind = head_write(w, to, sent.number, e);
	if (kind == OK)
		kind = record_write(w, RECORD_CHARTER, c->charter->bytes, e);
	if (kind == OK) {
		heads_all(c, &heads);
		for (size_t i = 0; i < c->origins_count; i++)
			w->sizes[i] = c->origins[i]->head.size;
		kind = heads.bad ? err_set(e, ERR_NOMEM, "out of memory")
				 : record_write(w, RECORD_HEADS, buf_slice(&heads), e);
	}
	for (size_t i = 0; i < c->origins_count && kind == OK; i++) {
		kind = log_write(w, c->origins[i], &sent, e);
		sent.leaves[i] = w->sizes[i];
	}
	if (kind == OK)
		kind = record_write(w, RECORD_END, (struct slice){0}, e);
	if (kind == OK)
		kind = sent_write(c, to->name, &sent, e);
	buf_fini(&heads);
	return kind;
}

enum err_kind coalition_bundle_export(
	struct coalition *c, const struct coalition_export *export, struct err *e)
{
	struct writing w = {.c = c, .export = export, .sealed = BUF_MAX(2 * RECORD_MAX)};
	const struct charter_member *to;
	enum err_kind kind;

	pthread_mutex_lock(&c->lock);
	to = c->charter == NULL ? NULL : charter_member_find(c->charter, export->to);
	if (to == NULL || slice_is(export->to, c->self))
		kind = err_set(e, ERR_USAGE, "no other member \"%.*s\"", SLICE_ARG(export->to));
	else if (c->exporting)
		kind = err_set(e, ERR_BUSY, "another file is being written");
	else {
		c->exporting = true;
		kind = export_write(&w, to, e);
		c->exporting = false;
	}
	pthread_mutex_unlock(&c->lock);
	buf_fini(&w.sealed);
	secret_wipe(&w.stream, sizeof(w.stream));
	return kind;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct reading {
	struct coalition *c;
	struct input *in;
	struct peer *from;
	crypto_secretstream_xchacha20poly1305_state stream;
	struct buf sealed, plain;
	bool recent; /* it counts as what its sender has seen of our log */
	struct coalition_imported *imported;
};

static enum err_kind exactly(struct reading *g, void *to, size_t bytes, struct err *e)
{
	size_t at = 0, len;

	while (at < bytes) {
		enum err_kind kind = input_read(g->in, (char *)to + at, bytes - at, &len, e);

		if (kind != OK)
			return kind;
		if (len == 0)
			return err_set(e, ERR_PARSE, "%s: the file is cut off", input_name(g->in));
		at += len;
	}
	return OK;
}

static bool manifest_line(struct slice *rest, const char *name, struct slice *ret_value)
{
	struct slice line;

	if (!slice_next(rest, '\n', &line) || !slice_starts(line, slice_of(name)))
		return false;
	*ret_value = slice_cut(line, strlen(name), line.len);
	return true;
}

static enum err_kind manifest_take(struct reading *g, struct slice bytes,
	const uint8_t digest[SHA256_LEN], struct arena *a, struct err *e)
{
	struct coalition *c = g->c;
	const struct charter_member *m;
	struct slice rest, from, to, number, time, key;
	struct buf expected = BUF_INIT;
	struct note_verdict verdict;
	struct note note;
	uint64_t written_s;
	bool good;
	enum err_kind kind = note_parse(bytes, a, &note, e);

	if (kind != OK)
		return err_wrap(e, "manifest");
	rest = note.text;
	good = manifest_line(&rest, "serai bundle v1", &from) && from.len == 0 &&
	       manifest_line(&rest, "from ", &from) && manifest_line(&rest, "to ", &to) &&
	       manifest_line(&rest, "number ", &number) &&
	       slice_to_u64(number, &g->imported->number) && manifest_line(&rest, "time ", &time) &&
	       slice_to_u64(time, &written_s) && written_s < INT64_MAX / US_PER_SECOND &&
	       manifest_line(&rest, "key ", &key) && rest.len == 0;
	if (!good)
		return err_set(e, ERR_PARSE, "manifest: its lines are wrong");
	if (!slice_is(to, c->self))
		return err_set(e, ERR_DENIED, "the file is for \"%.*s\", not for \"%s\"",
			SLICE_ARG(to), c->self);
	g->recent = (int64_t)written_s * US_PER_SECOND >= c->started_us - SEEN_US;
	m = charter_member_find(c->charter, from);
	g->from = peer_find(c, from);
	if (m == NULL || g->from == NULL)
		return err_set(e, ERR_DENIED, "the file is from \"%.*s\", who is no other member",
			SLICE_ARG(from));
	kind = note_verify(&note, &m->log, 1, a, &verdict, e);
	if (kind == OK && !verdict.signed_by[0])
		kind = err_set(e, ERR_INVALID, "manifest: not signed by \"%s\"", m->log.name);
	base64_append(&expected, digest, SHA256_LEN);
	if (kind == OK && !slice_equal(key, buf_slice(&expected)))
		kind = err_set(e, ERR_INVALID, "manifest: the key is not the one it binds");
	buf_fini(&expected);
	g->imported->from = arena_copy(a, from);
	return kind;
}

static enum err_kind head_begin(struct reading *g, struct arena *a, struct err *e)
{
	uint8_t start[sizeof(file_magic) + 4], opened[SIGNER_SEALED_LEN + STREAM_HEADER];
	uint8_t digest[SHA256_LEN], key[crypto_secretstream_xchacha20poly1305_KEYBYTES];
	struct reader r = {
		.rest = {(const char *)start + sizeof(file_magic), 4}
        };
	char *manifest;
	uint32_t len;
	enum err_kind kind = exactly(g, start, sizeof(start), e);

	if (kind != OK)
		return kind;
	len = read_u32(&r);
	if (memcmp(start, file_magic, sizeof(file_magic)) != 0 || len > NOTE_BYTES_MAX)
		return err_set(e, ERR_PARSE, "%s: no bundle", input_name(g->in));
	manifest = arena_alloc(a, len + 1);
	if (manifest == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = exactly(g, manifest, len, e);
	if (kind == OK)
		kind = exactly(g, opened, sizeof(opened), e);
	if (kind != OK)
		return kind;
	hash_sha256((struct slice){(const char *)opened, sizeof(opened)}, digest);
	kind = manifest_take(g, (struct slice){manifest, len}, digest, a, e);
	if (kind == OK)
		kind = signer_unseal(&g->c->signer, opened, key, e);
	if (kind == OK && crypto_secretstream_xchacha20poly1305_init_pull(
				  &g->stream, opened + SIGNER_SEALED_LEN, key) != 0)
		kind = err_set(e, ERR_PARSE, "%s: the stream's header is wrong", input_name(g->in));
	secret_wipe(key, sizeof(key));
	return kind;
}

/* One message of the stream in g->plain; *ret_last: it was the final one. */
static enum err_kind record_read(struct reading *g, bool *ret_last, struct err *e)
{
	uint8_t length[4];
	struct reader r = {
		.rest = {(const char *)length, sizeof(length)}
        };
	unsigned long long plain_len;
	unsigned char tag;
	uint32_t len;
	enum err_kind kind = exactly(g, length, sizeof(length), e);

	if (kind != OK)
		return kind;
	len = read_u32(&r);
	if (len <= STREAM_EXTRA || len > RECORD_MAX + STREAM_EXTRA)
		return err_set(e, ERR_PARSE, "%s: a record of %u bytes", input_name(g->in), len);
	buf_clear(&g->sealed);
	buf_clear(&g->plain);
	if (buf_reserve(&g->sealed, len) == NULL || buf_reserve(&g->plain, len) == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = exactly(g, g->sealed.data, len, e);
	if (kind != OK)
		return kind;
	if (crypto_secretstream_xchacha20poly1305_pull(&g->stream, (unsigned char *)g->plain.data,
		    &plain_len, &tag, (const unsigned char *)g->sealed.data, len, NULL, 0) != 0)
		return err_set(e, ERR_PARSE, "%s: a record was altered", input_name(g->in));
	g->plain.len = (size_t)plain_len;
	*ret_last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
	return OK;
}

/* A stretch that overlaps what is here is cut; one behind a gap waits for another file. */
static enum err_kind leaves_record(struct reading *g, struct reader *r, struct err *e)
{
	struct slice name = wire_read_text(r);
	uint64_t from = read_u64(r), size = read_u64(r), held, count = 0;
	struct origin *o = origin_find(g->c, name);
	struct reader inner = *r;
	uint32_t leaves = read_u32(&inner);
	struct ledger_path path;
	struct signed_head *head;
	struct buf answer = BUF_MAX(RECORD_MAX);
	enum err_kind kind = OK;

	wire_read_path(&inner, &path);
	if (inner.bad || inner.rest.len != (size_t)leaves * LEDGER_LEAF_LEN)
		return err_set(e, ERR_PARSE, "%s: a record of leaves does not fit its layout",
			input_name(g->in));
	if (o == NULL || o->guilty)
		return OK;
	head = &g->from->offers[origin_number(g->c, o)].head;
	held = ledger_size(o->log);
	if (from + leaves <= held || head->size != size)
		return OK;
	if (from > held) {
		g->imported->refused += leaves;
		return OK;
	}
	wire_u32(&answer, (uint32_t)(leaves - (held - from)));
	wire_path(&answer, &path);
	buf_slice_append(&answer,
		slice_cut(inner.rest, (size_t)(held - from) * LEDGER_LEAF_LEN, inner.rest.len));
	kind = answer.bad ? err_set(e, ERR_NOMEM, "out of memory")
			  : leaves_take(g->c, o, head, buf_slice(&answer), &count, e);
	g->imported->leaves += count;
	buf_fini(&answer);
	return kind;
}

static enum err_kind openings_record(struct reading *g, struct reader *r, struct err *e)
{
	struct slice name = wire_read_text(r);
	struct origin *o = origin_find(g->c, name);
	struct ledger_opening *openings;
	uint32_t count;
	uint64_t kept = 0;
	enum err_kind kind = OK;

	read_u64(r);
	read_u64(r);
	read_u32(r);
	count = read_u32(r);
	if (r->bad || count > COALITION_OPENINGS_MAX)
		return err_set(e, ERR_PARSE, "%s: a record of openings does not fit its layout",
			input_name(g->in));
	if (o == NULL || o->guilty)
		return OK;
	openings = calloc(count + 1, sizeof(*openings));
	if (openings == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (uint32_t i = 0; i < count; i++) {
		openings[i].index = read_u64(r);
		wire_read_hash(r, openings[i].salt);
		openings[i].content = wire_read_bytes(r);
		/* One twice would be kept twice, and erased once. */
		if (i > 0 && openings[i].index <= openings[i - 1].index)
			r->bad = true;
	}
	if (r->bad || r->rest.len != 0)
		kind = err_set(e, ERR_PARSE, "%s: a record of openings does not fit its layout",
			input_name(g->in));
	if (kind == OK)
		kind = openings_take(g->c, o, openings, count, &kept, &g->imported->refused, e);
	g->imported->openings += kept;
	free(openings);
	return kind;
}

static enum err_kind record_take(struct reading *g, struct err *e)
{
	struct reader r = {.rest = buf_slice(&g->plain)};
	uint8_t kind_of = read_u8(&r);
	struct err why = {0};
	enum err_kind kind;

	/* A charter that the record before brought into force may have removed it. */
	g->from = peer_find(g->c, g->imported->from);
	if (g->from == NULL)
		return err_set(e, ERR_DENIED, "\"%.*s\" is no member any more",
			SLICE_ARG(g->imported->from));
	switch (kind_of) {
	case RECORD_CHARTER:
		/* The same, older, or the next one; more than one ahead comes through the logs. */
		if (charter_take(g->c, r.rest, &why) == ERR_NOMEM)
			return err_set(e, ERR_NOMEM, "out of memory");
		return OK;
	case RECORD_HEADS:
		g->from->of_old = !g->recent;
		kind = heads_take(g->c, g->from, r.rest, e);
		g->from = peer_find(g->c, g->imported->from); /* what came may have removed it */
		if (g->from != NULL)
			g->from->of_old = false;
		return kind;
	case RECORD_LEAVES:
		return leaves_record(g, &r, e);
	case RECORD_OPENINGS:
		return openings_record(g, &r, e);
	case RECORD_END:
		return OK;
	default:
		return err_set(e, ERR_PARSE, "%s: unknown record %u", input_name(g->in), kind_of);
	}
}

enum err_kind bundle_record_take(struct coalition *c, struct slice from, struct slice plain,
	struct coalition_imported *imported, struct err *e)
{
	struct input *in;
	struct reading g = {.c = c, .imported = imported};
	enum err_kind kind = input_of_memory(plain, "a record", &in, e);

	if (kind != OK)
		return kind;
	g.in = in;
	g.plain = BUF_MAX(2 * RECORD_MAX);
	imported->from = from;
	buf_slice_append(&g.plain, plain);
	kind = g.plain.bad ? err_set(e, ERR_NOMEM, "out of memory") : record_take(&g, e);
	buf_fini(&g.plain);
	input_free(in);
	return kind;
}

enum err_kind coalition_bundle_import(struct coalition *c, struct input *in, struct arena *a,
	struct coalition_imported *ret_imported, struct err *e)
{
	struct reading g = {.c = c, .in = in, .imported = ret_imported};
	bool last = false;
	enum err_kind kind;

	*ret_imported = (struct coalition_imported){0};
	g.sealed = g.plain = BUF_MAX(2 * RECORD_MAX);
	pthread_mutex_lock(&c->lock);
	kind = c->charter == NULL ? err_set(e, ERR_USAGE, "there is no charter yet")
				  : head_begin(&g, a, e);
	while (kind == OK && !last) {
		kind = record_read(&g, &last, e);
		if (kind == OK)
			kind = record_take(&g, e);
	}
	if (kind == OK)
		kind = acknowledge_rest(c, e);
	pthread_mutex_unlock(&c->lock);
	buf_fini(&g.sealed);
	buf_fini(&g.plain);
	secret_wipe(&g.stream, sizeof(g.stream));
	return kind;
}
