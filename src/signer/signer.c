/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the keys may be used for. Each operation decodes its frame, asks the rules, makes the mark
 * durable, and only then signs.
 */
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "parts.h"

struct signer {
	struct signer_secrets *secrets; /* locked memory, read-only */
	const struct world *world;
	enum err_kind (*charter)(void *context, struct slice note, unsigned *ret_needed,
		uint64_t *ret_version, struct err *e);
	void (*charter_free)(void *context);
	void *charter_context;
	pthread_mutex_t mutex; /* over what follows */
	unsigned answers_needed;
	struct marks marks[SIGNER_KEYS];
	uint8_t members[SIGNER_ORIGINS_MAX][SHA256_LEN]; /* hashes of names: who answered */
	size_t members_count;
};

/* ---- rules: the own log ---------------------------------------------------------------------- */

static struct slice name_of(const struct note_key *k)
{
	return (struct slice){k->name, strlen(k->name)};
}

/* The mark of a log, whose name is its origin; of one that is new: nothing signed yet. */
static struct mark mark_get(const struct marks *m, size_t index, const struct note_key *log)
{
	struct mark k = {0};

	if (index < m->count)
		return m->items[index];
	memcpy(k.origin, log->name, sizeof(k.origin));
	memcpy(k.log, log->public, sizeof(k.log));
	ledger_hash_empty(k.root);
	return k;
}

static struct mark own_mark(const struct signer *s)
{
	return mark_get(&s->marks[SIGNER_LOG], 0, &s->secrets->notes[SIGNER_LOG].key);
}

static enum err_kind checkpoint_allowed(const struct signer *s, const struct mark *signed_last,
	const struct mark *asked, const struct ledger_path *path, struct err *e)
{
	if (signed_last->forked)
		return err_set(e, ERR_CONFLICT,
			"\"%s\": two histories carry the signature of this key; it signs no more",
			asked->origin);
	if (s->members_count < s->answers_needed)
		return err_set(e, ERR_DENIED,
			"\"%s\": %zu of %u members have told what they last saw", asked->origin,
			s->members_count, s->answers_needed);
	if (asked->size > LEDGER_SIZE_MAX)
		return err_set(e, ERR_LIMIT, "\"%s\": %llu leaves, at most %llu", asked->origin,
			(unsigned long long)asked->size, (unsigned long long)LEDGER_SIZE_MAX);
	if (asked->size < signed_last->size)
		return err_set(e, ERR_DENIED, "\"%s\": %llu leaves, but %llu were signed or seen",
			asked->origin, (unsigned long long)asked->size,
			(unsigned long long)signed_last->size);
	if (asked->size == signed_last->size &&
		memcmp(asked->root, signed_last->root, sizeof(asked->root)) != 0)
		return err_set(e, ERR_CONFLICT,
			"\"%s\": another root of %llu leaves was signed or seen", asked->origin,
			(unsigned long long)asked->size);
	if (!ledger_consistency_verify(
		    signed_last->size, asked->size, path, signed_last->root, asked->root))
		return err_set(e, ERR_INVALID,
			"\"%s\": no proof that %llu leaves continue the %llu that were signed",
			asked->origin, (unsigned long long)asked->size,
			(unsigned long long)signed_last->size);
	return OK;
}

static enum err_kind frame_end(const struct reader *r, struct err *e)
{
	if (r->bad || r->rest.len != 0)
		return err_set(e, ERR_PARSE, "signer: the request does not fit its layout");
	return OK;
}

static void checkpoint_text(const struct mark *k, struct buf *out)
{
	struct note_checkpoint c = {.origin = slice_of(k->origin), .size = k->size};

	memcpy(c.root, k->root, sizeof(c.root));
	note_checkpoint_format(&c, out);
}

/* u64 size, root, path -> signature line */
static enum err_kind op_checkpoint(
	struct signer *s, struct reader *r, struct buf *out, uint64_t *ret_size, struct err *e)
{
	struct mark last = own_mark(s), asked = last;
	struct ledger_path path;
	char room[NOTE_NAME_MAX + 80]; /* a checkpoint: name, 20 digits, 44 of base64 */
	struct buf text = {.data = room, .capacity = sizeof(room), .bytes_max = sizeof(room)};
	enum err_kind kind;

	(void)ret_size;
	asked.size = read_u64(r);
	hash_read(r, asked.root, sizeof(asked.root));
	path_read(r, &path);
	kind = frame_end(r, e);
	if (kind == OK)
		kind = checkpoint_allowed(s, &last, &asked, &path, e);
	if (kind == OK && asked.size > last.size)
		kind = marks_put(&s->marks[SIGNER_LOG], 0, &asked, e);
	if (kind == OK) {
		checkpoint_text(&asked, &text);
		note_sign(&s->secrets->notes[SIGNER_LOG], buf_slice(&text), out);
	}
	return kind;
}

/* nothing -> u64 size */
static enum err_kind op_size(
	struct signer *s, struct reader *r, struct buf *out, uint64_t *ret_size, struct err *e)
{
	(void)ret_size;
	u64_put(out, own_mark(s).size);
	return frame_end(r, e);
}

/* ---- rules: what others saw of the own log --------------------------------------------------- */

/* A note by one key, taken apart. */
static enum err_kind signed_checkpoint(struct slice bytes, const struct note_key *key,
	struct arena *a, struct note *ret_note, struct note_checkpoint *ret, struct err *e)
{
	struct note_verdict v;
	enum err_kind kind = note_parse(bytes, a, ret_note, e);

	if (kind == OK)
		kind = note_verify(ret_note, key, 1, a, &v, e);
	if (kind == OK && !v.signed_by[0])
		kind = err_set(e, ERR_INVALID, "note: not signed by \"%s\"", key->name);
	if (kind == OK)
		kind = note_checkpoint_parse(ret_note->text, ret, e);
	if (kind == OK && !slice_equal(ret->origin, name_of(key)))
		kind = err_set(e, ERR_INVALID, "checkpoint: of \"%.*s\", but signed by \"%s\"",
			SLICE_ARG(ret->origin), key->name);
	return kind;
}

/* Our own signature is proof enough that we signed it once, whatever this folder remembers. */
static enum err_kind seen_apply(struct signer *s, const struct note_checkpoint *c, struct err *e)
{
	struct mark k = own_mark(s);

	if (c->size < k.size)
		return OK; /* older: whether it is of one history is found by those who hold both */
	if (c->size == k.size) {
		enum err_kind kind;

		if (memcmp(c->root, k.root, sizeof(k.root)) == 0)
			return OK;
		k.forked = true;
		kind = marks_put(&s->marks[SIGNER_LOG], 0, &k, e);
		return kind != OK ? kind
				  : err_set(e, ERR_CONFLICT,
					    "\"%s\": two roots of %llu leaves carry our signature",
					    k.origin, (unsigned long long)k.size);
	}
	k.size = c->size;
	memcpy(k.root, c->root, sizeof(k.root));
	return marks_put(&s->marks[SIGNER_LOG], 0, &k, e);
}

static enum err_kind member_count(struct signer *s, struct slice member, struct err *e)
{
	uint8_t hash[SHA256_LEN];

	hash_sha256(member, hash);
	for (size_t i = 0; i < s->members_count; i++)
		if (memcmp(s->members[i], hash, sizeof(hash)) == 0)
			return OK;
	if (s->members_count == SIGNER_ORIGINS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d members told what they saw",
			SIGNER_ORIGINS_MAX);
	memcpy(s->members[s->members_count++], hash, sizeof(hash));
	return OK;
}

/* u16 length, member's name, u32 length, note -> nothing */
static enum err_kind op_seen(
	struct signer *s, struct reader *r, struct buf *out, uint64_t *ret_size, struct err *e)
{
	struct slice member = slice16_read(r), bytes = slice32_read(r);
	struct arena *a;
	struct note n;
	struct note_checkpoint c;
	enum err_kind kind = frame_end(r, e);

	(void)out;
	(void)ret_size;
	if (kind != OK)
		return kind;
	if (!note_name_valid(member) ||
		slice_equal(member, name_of(&s->secrets->notes[SIGNER_WITNESS].key)))
		return err_set(e, ERR_INVALID, "\"%.*s\" is no other member", SLICE_ARG(member));
	if (bytes.len == 0)
		return member_count(s, member, e);
	a = arena_new(MIB(1));
	if (a == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = signed_checkpoint(bytes, &s->secrets->notes[SIGNER_LOG].key, a, &n, &c, e);
	if (kind == OK)
		kind = seen_apply(s, &c, e);
	arena_free(a);
	return kind == OK ? member_count(s, member, e) : kind;
}

/* ---- rules: the logs of others --------------------------------------------------------------- */

struct cosign {
	enum signer_key as;
	struct note_key log;
	uint64_t old_size;
	struct ledger_path path;
	struct slice bytes; /* the note */
};

/* u8 key, u16 length, the log's name, its public key, u64 old size, path, u32 length, note */
static enum err_kind cosign_read(struct reader *r, struct cosign *ret, struct err *e)
{
	struct slice name;
	uint8_t public[NOTE_PUBLIC_LEN];
	unsigned as = read_u8(r);
	enum err_kind kind;

	name = slice16_read(r);
	hash_read(r, public, sizeof(public));
	ret->old_size = read_u64(r);
	path_read(r, &ret->path);
	ret->bytes = slice32_read(r);
	kind = frame_end(r, e);
	if (kind != OK)
		return kind;
	if (as != SIGNER_WITNESS && as != SIGNER_MIRROR)
		return err_set(e, ERR_USAGE, "key %u does not cosign", as);
	ret->as = (enum signer_key)as;
	return note_key_make(name, NOTE_ED25519, public, &ret->log, e);
}

/* tlog-witness, "add-checkpoint", in its order. *ret_size as in signer_cosign. */
static enum err_kind cosign_allowed(const struct cosign *c, const struct mark *last,
	const struct mark *asked, uint64_t *ret_size, struct err *e)
{
	if (memcmp(last->log, c->log.public, sizeof(last->log)) != 0)
		return err_set(e, ERR_INVALID,
			"\"%s\": another key than the one that this log began with", asked->origin);
	if (c->old_size > asked->size)
		return err_set(e, ERR_INVALID, "\"%s\": from %llu leaves back to %llu",
			asked->origin, (unsigned long long)c->old_size,
			(unsigned long long)asked->size);
	if (asked->size > LEDGER_SIZE_MAX)
		return err_set(e, ERR_LIMIT, "\"%s\": %llu leaves, at most %llu", asked->origin,
			(unsigned long long)asked->size, (unsigned long long)LEDGER_SIZE_MAX);
	if (c->old_size != last->size) {
		*ret_size = last->size;
		return err_set(e, ERR_CONFLICT, "\"%s\": cosigned up to %llu leaves, not %llu",
			asked->origin, (unsigned long long)last->size,
			(unsigned long long)c->old_size);
	}
	if (!ledger_consistency_verify(last->size, asked->size, &c->path, last->root, asked->root))
		return err_set(e, ERR_INVALID,
			"\"%s\": no proof that %llu leaves continue the %llu that were cosigned",
			asked->origin, (unsigned long long)asked->size,
			(unsigned long long)last->size);
	return OK;
}

static uint64_t now_s(const struct signer *s)
{
	int64_t us = world_now(s->world);

	return us < 0 ? 0 : (uint64_t)us / (uint64_t)US_PER_SECOND;
}

static enum err_kind cosign_do(struct signer *s, const struct cosign *c, struct arena *a,
	struct buf *out, uint64_t *ret_size, struct err *e)
{
	struct marks *m = &s->marks[c->as];
	struct slice origin = name_of(&c->log);
	size_t index = marks_find(m, origin);
	bool is_new = index == m->count;
	struct mark last = mark_get(m, index, &c->log), asked = last;
	struct note n;
	struct note_checkpoint checkpoint;
	enum err_kind kind = signed_checkpoint(c->bytes, &c->log, a, &n, &checkpoint, e);

	if (kind != OK)
		return kind;
	if (slice_equal(origin, name_of(&s->secrets->notes[SIGNER_LOG].key)))
		return err_set(e, ERR_DENIED, "\"%s\": a member is no witness of its own log",
			c->log.name);
	asked.size = checkpoint.size;
	memcpy(asked.root, checkpoint.root, sizeof(asked.root));
	kind = cosign_allowed(c, &last, &asked, ret_size, e);
	if (kind == OK && (is_new || asked.size > last.size))
		kind = marks_put(m, index, &asked, e);
	if (kind == OK)
		note_cosign(&s->secrets->notes[c->as], n.text, now_s(s), out);
	return kind;
}

/* as cosign_read -> signature line */
static enum err_kind op_cosign(
	struct signer *s, struct reader *r, struct buf *out, uint64_t *ret_size, struct err *e)
{
	struct cosign c;
	struct arena *a;
	enum err_kind kind = cosign_read(r, &c, e);

	if (kind != OK)
		return kind;
	a = arena_new(MIB(1));
	if (a == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = cosign_do(s, &c, a, out, ret_size, e);
	arena_free(a);
	return kind;
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* sealed box -> the key in it */
static enum err_kind op_unseal(
	struct signer *s, struct reader *r, struct buf *out, uint64_t *ret_size, struct err *e)
{
	struct slice sealed = read_bytes(r, SIGNER_SEALED_LEN);
	uint8_t key[SIGNER_UNSEALED_LEN];
	enum err_kind kind = frame_end(r, e);

	(void)ret_size;
	if (kind != OK)
		return kind;
	if (crypto_box_seal_open(key, (const unsigned char *)sealed.data, sealed.len,
		    s->secrets->box_public, s->secrets->box_secret) != 0)
		return err_set(e, ERR_INVALID, "the sealed key is not for us, or damaged");
	buf_append(out, key, sizeof(key));
	secret_wipe(key, sizeof(key));
	return OK;
}

/* What a note's text may hold: UTF-8 in lines, no control bytes. */
static bool lines_clean(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] < 0x20 && text.data[i] != '\n')
			return false;
	return utf8_valid(text) && slice_ends(text, SLICE("\n"));
}

/* u32 length, text -> signature line */
static enum err_kind op_manifest(
	struct signer *s, struct reader *r, struct buf *out, uint64_t *ret_size, struct err *e)
{
	struct slice text = slice32_read(r);
	enum err_kind kind = frame_end(r, e);

	(void)ret_size;
	if (kind != OK)
		return kind;
	if (!slice_starts(text, SLICE(SIGNER_MANIFEST_HEAD)))
		return err_set(e, ERR_DENIED, "a manifest begins with \"serai bundle v1\"");
	if (text.len > SIGNER_MANIFEST_MAX)
		return err_set(e, ERR_LIMIT, "a manifest of %zu bytes, at most %zu", text.len,
			SIGNER_MANIFEST_MAX);
	if (!lines_clean(text))
		return err_set(e, ERR_PARSE, "a manifest is lines of UTF-8 without control bytes");
	note_sign(&s->secrets->notes[SIGNER_LOG], text, out);
	return OK;
}

/* u32 length, note -> nothing; a refusal carries the version that counts */
static enum err_kind op_charter(
	struct signer *s, struct reader *r, struct buf *out, uint64_t *ret_size, struct err *e)
{
	struct slice note = slice32_read(r);
	unsigned needed = 0;
	enum err_kind kind;

	(void)out;
	if (s->charter == NULL)
		return err_set(e, ERR_USAGE, "this signer asks no charter");
	kind = frame_end(r, e);
	if (kind == OK)
		kind = s->charter(s->charter_context, note, &needed, ret_size, e);
	if (kind == OK)
		s->answers_needed = needed;
	return kind;
}

/* nothing -> three times (u16 length, vkey), box key */
static enum err_kind op_public(
	struct signer *s, struct reader *r, struct buf *out, uint64_t *ret_size, struct err *e)
{
	(void)ret_size;
	for (size_t i = 0; i < SIGNER_KEYS; i++) {
		struct buf vkey = BUF_INIT;

		note_key_format(&s->secrets->notes[i].key, &vkey);
		slice16_put(out, buf_slice(&vkey));
		out->bad = out->bad || vkey.bad;
		buf_fini(&vkey);
	}
	buf_append(out, s->secrets->box_public, SIGNER_BOX_LEN);
	return frame_end(r, e);
}

/* ---- frames ---------------------------------------------------------------------------------- */

typedef enum err_kind op_run(
	struct signer *s, struct reader *r, struct buf *out, uint64_t *ret_size, struct err *e);
static op_run *const ops[] = {
	[OP_PUBLIC] = op_public,
	[OP_SIZE] = op_size,
	[OP_CHECKPOINT] = op_checkpoint,
	[OP_SEEN] = op_seen,
	[OP_COSIGN] = op_cosign,
	[OP_UNSEAL] = op_unseal,
	[OP_MANIFEST] = op_manifest,
	[OP_CHARTER] = op_charter,
};

static enum err_kind frame_run(struct signer *s, struct slice frame, uint8_t *ret_op,
	struct buf *out, uint64_t *ret_size, struct err *e)
{
	struct reader r = {frame, false};
	struct slice magic, filling;
	uint8_t op;

	if (frame.len > SIGNER_FRAME_MAX)
		return err_set(e, ERR_LIMIT, "signer: a request of %zu bytes, at most %zu",
			frame.len, SIGNER_FRAME_MAX);
	magic = read_bytes(&r, 4);
	op = read_u8(&r);
	filling = read_bytes(&r, FRAME_HEAD - 5);
	if (r.bad || !slice_is(magic, ASK_MAGIC) ||
		!slice_equal(filling, (struct slice){"\0\0\0", FRAME_HEAD - 5}))
		return err_set(e, ERR_PARSE, "signer: no request");
	*ret_op = op;
	if (op >= COUNT_OF(ops) || ops[op] == NULL)
		return err_set(e, ERR_USAGE, "signer: unknown operation %u", op);
	return ops[op](s, &r, out, ret_size, e);
}

void signer_handle(struct signer *s, struct slice frame, struct buf *ret_answer)
{
	char head[FRAME_HEAD] = TELL_MAGIC;
	struct buf body = BUF_INIT;
	struct err e = {0};
	uint64_t size = 0;
	uint8_t op = 0;
	enum err_kind kind;

	(void)pthread_mutex_lock(&s->mutex);
	kind = frame_run(s, frame, &op, &body, &size, &e);
	(void)pthread_mutex_unlock(&s->mutex);
	if (kind == OK && body.bad)
		kind = err_set(&e, ERR_NOMEM, "signer: out of memory");
	head[4] = (char)op;
	head[5] = (char)kind;
	buf_append(ret_answer, head, sizeof(head));
	if (kind == OK) {
		buf_slice_append(ret_answer, buf_slice(&body));
	} else {
		u64_put(ret_answer, size);
		slice16_put(ret_answer, slice_of(e.text));
	}
	if (body.len != 0)
		secret_wipe(body.data, body.len);
	buf_fini(&body);
}

/* ---- opening --------------------------------------------------------------------------------- */

enum err_kind signer_open(
	const struct signer_options *options, struct signer **ret_signer, struct err *e)
{
	struct signer *s;
	enum err_kind kind = OK;

	if (sodium_init() < 0)
		return err_set(e, ERR_IO, "signer: no randomness");
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	s->secrets = sodium_malloc(sizeof(*s->secrets));
	if (s->secrets == NULL) {
		free(s);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	(void)pthread_mutex_init(&s->mutex, NULL);
	*s->secrets = *options->secrets;
	(void)sodium_mprotect_readonly(s->secrets);
	s->world = options->world;
	s->answers_needed = options->answers_needed;
	s->charter = options->charter;
	s->charter_context = options->charter_context;
	for (size_t i = 0; i < SIGNER_KEYS && kind == OK; i++)
		kind = marks_open(&s->marks[i], options->disk, (enum signer_key)i,
			&s->secrets->notes[i].key, e);
	if (kind != OK) {
		signer_close(s);
		return kind;
	}
	s->charter_free = options->charter_free; /* from now on it is ours */
	*ret_signer = s;
	return OK;
}

void signer_close(struct signer *s)
{
	if (s == NULL)
		return;
	sodium_free(s->secrets); /* wipes */
	if (s->charter_free != NULL)
		s->charter_free(s->charter_context);
	(void)pthread_mutex_destroy(&s->mutex);
	free(s);
}

/* ---- serving --------------------------------------------------------------------------------- */

/* One frame taken and answered; *ret_end: the stream ended before it. */
static enum err_kind frame_serve(struct signer *s, int fd, struct buf *frame, struct buf *answer,
	bool *ret_end, struct err *e)
{
	char length[FRAME_LENGTH];
	struct reader r = {
		{length, sizeof(length)},
                false
        };
	bool too_long;
	size_t len;
	enum err_kind kind = stream_read(fd, length, sizeof(length), ret_end, e);

	if (kind != OK || *ret_end)
		return kind;
	len = read_u32(&r);
	too_long = len > SIGNER_FRAME_MAX;
	buf_clear(frame);
	buf_clear(answer);
	if (!too_long) {
		if (buf_reserve(frame, len + 1) == NULL)
			return err_set(e, ERR_NOMEM, "signer: out of memory");
		kind = stream_read(fd, frame->data, len, NULL, e);
		if (kind != OK)
			return kind;
		frame->len = len;
	}
	buf_append(answer, length, sizeof(length));
	/* What is too long is not read, but told as any frame of that length would be. */
	signer_handle(s, too_long ? (struct slice){NULL, len} : buf_slice(frame), answer);
	if (answer->bad)
		return err_set(e, ERR_NOMEM, "signer: out of memory");
	put_u32(answer->data, (uint32_t)(answer->len - FRAME_LENGTH));
	kind = stream_write(fd, buf_slice(answer), e);
	secret_wipe(answer->data, answer->len);
	if (kind == OK && too_long)
		kind = err_set(e, ERR_LIMIT, "signer: a request of %zu bytes, at most %zu", len,
			SIGNER_FRAME_MAX);
	return kind;
}

enum err_kind signer_run(struct signer *s, int fd, struct err *e)
{
	struct buf frame = BUF_INIT, answer = BUF_INIT;
	bool end = false;
	enum err_kind kind = OK;

	while (kind == OK && !end)
		kind = frame_serve(s, fd, &frame, &answer, &end, e);
	buf_fini(&frame);
	buf_fini(&answer);
	return kind;
}
