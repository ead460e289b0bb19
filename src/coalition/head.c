/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Signed heads of logs: a checkpoint is kept with those signature lines that we verified and no
 * others, so that a stranger's line never travels under our name.
 */
#include <stdlib.h>

#include "inside.h"

#define HEAD_KEYS_MAX  (1 + 4 * COALITION_MEMBERS_MAX)
#define CLOCKS_APART_S (2 * COALITION_STALE_S) /* two clocks, each a day wrong */

struct head_keys {
	/* The log's, then witnesses, then mirrors; then of both those that only the charter before
	 * names: their lines do not count any more, but whoever has not taken this charter yet
	 * needs them to believe in it. */
	struct note_key keys[HEAD_KEYS_MAX];
	size_t count, mirrors_from, former_from;
};

/* A member's word for its own log is worth nothing. */
static void former_add(struct head_keys *k, const struct note_key *key)
{
	for (size_t i = 0; i < k->former_from; i++) {
		if (note_key_equal(&k->keys[i], key))
			return;
	}
	k->keys[k->count++] = *key;
}

static void keys_of(const struct coalition *c, const struct origin *o, struct head_keys *k)
{
	const struct charter *charter = c->charter, *former = c->former;

	k->keys[0] = o->key;
	k->count = 1;
	for (size_t i = 0; i < charter->members_count; i++) {
		if (strcmp(charter->members[i].name, o->member) != 0)
			k->keys[k->count++] = charter->members[i].witness;
	}
	k->mirrors_from = k->count;
	for (size_t i = 0; i < charter->members_count; i++) {
		if (strcmp(charter->members[i].name, o->member) != 0)
			k->keys[k->count++] = charter->members[i].mirror;
	}
	k->former_from = k->count;
	for (size_t i = 0; former != NULL && i < former->members_count; i++) {
		if (strcmp(former->members[i].name, o->member) == 0)
			continue;
		former_add(k, &former->members[i].witness);
		former_add(k, &former->members[i].mirror);
	}
}

void head_fini(struct signed_head *h)
{
	buf_fini(&h->note);
	*h = (struct signed_head){0};
}

/* What one signature line of one key under one text is called in the table of verified ones. */
static void line_name(const struct note *note, const struct note_key *key, struct slice line,
	uint8_t ret_name[SHA256_LEN])
{
	uint8_t parts[2 * SHA256_LEN + NOTE_PUBLIC_LEN + 1];

	hash_sha256(note->text, parts);
	hash_sha256(line, parts + SHA256_LEN);
	memcpy(parts + 2 * (size_t)SHA256_LEN, key->public, NOTE_PUBLIC_LEN);
	parts[sizeof(parts) - 1] = (uint8_t)key->type;
	hash_sha256((struct slice){(const char *)parts, sizeof(parts)}, ret_name);
}

static uint8_t *verified_slot(struct coalition *c, const uint8_t name[SHA256_LEN])
{
	return c->verified[(name[0] | (size_t)name[1] << 8) % VERIFIED_LINES];
}

static size_t key_of(const struct head_keys *keys, const struct note_signature *s)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (slice_is(s->name, keys->keys[i].name) &&
			memcmp(s->id, keys->keys[i].id, NOTE_KEY_ID_LEN) == 0)
			return i;
	}
	return keys->count;
}

/* Which lines of known keys there are, the first of each key, and that each of them verifies. */
struct head_lines {
	const struct note_signature *of[HEAD_KEYS_MAX];
};

static enum err_kind fresh_verify(struct coalition *c, const struct note *note,
	const struct head_keys *keys, const struct head_lines *lines, struct arena *a,
	struct err *e)
{
	struct buf fresh = BUF_MAX(NOTE_BYTES_MAX), whole = BUF_MAX(NOTE_BYTES_MAX);
	struct note_verdict verdict;
	struct note only;
	enum err_kind kind = OK;

	for (size_t i = 0; i < keys->count; i++) {
		uint8_t name[SHA256_LEN];

		if (lines->of[i] == NULL)
			continue;
		line_name(note, &keys->keys[i], lines->of[i]->line, name);
		if (memcmp(verified_slot(c, name), name, SHA256_LEN) != 0)
			buf_slice_append(&fresh, lines->of[i]->line);
	}
	if (fresh.len > 0) {
		note_write(note->text, buf_slice(&fresh), &whole);
		kind = fresh.bad || whole.bad ? err_set(e, ERR_LIMIT, "too many signatures")
					      : note_parse(buf_slice(&whole), a, &only, e);
		if (kind == OK)
			kind = note_verify(&only, keys->keys, keys->count, a, &verdict, e);
		for (size_t i = 0; i < keys->count && kind == OK; i++) {
			uint8_t name[SHA256_LEN];

			if (lines->of[i] == NULL || !verdict.signed_by[i])
				continue;
			line_name(note, &keys->keys[i], lines->of[i]->line, name);
			memcpy(verified_slot(c, name), name, SHA256_LEN);
		}
	}
	buf_fini(&fresh);
	buf_fini(&whole);
	return kind;
}

static int64_t cosigned_at(const struct note_signature *s)
{
	struct reader r = {
		.rest = {(const char *)s->bytes, s->bytes_len}
        };

	return (int64_t)read_u64(&r);
}

/* When each member last cosigned, newest first. */
struct cosigned {
	int64_t at[COALITION_MEMBERS_MAX];
	size_t count;
};

static void cosigned_add(struct cosigned *times, int64_t at)
{
	size_t i = times->count++;

	for (; i > 0 && times->at[i - 1] < at; i--)
		times->at[i] = times->at[i - 1];
	times->at[i] = at;
}

/* The newest time that does not rest on the word of those who may collude with the log. A time that
 * no clock can have is no news of it. */
static int64_t cosigned_believed(
	const struct coalition *c, const struct head_keys *keys, const struct head_lines *all)
{
	int64_t latest_s = world_now(c->world) / US_PER_SECOND + CLOCKS_APART_S;
	size_t others = keys->mirrors_from - 1, colluders = charter_faulty(c->charter);
	struct cosigned times = {.count = 0};

	for (size_t i = 1; i <= others; i++) {
		int64_t newest = 0;

		for (size_t k = i; k < keys->former_from; k += others) {
			int64_t at = all->of[k] == NULL ? 0 : cosigned_at(all->of[k]);

			if (at > newest && at <= latest_s)
				newest = at;
		}
		cosigned_add(&times, newest);
	}
	return times.count > colluders ? times.at[colluders] : 0;
}

static enum err_kind head_fill(const struct note *note, const struct head_keys *keys,
	const struct head_lines *all, struct signed_head *h, struct err *e)
{
	struct buf lines = BUF_MAX(NOTE_BYTES_MAX);
	uint8_t digest[SHA256_LEN];
	size_t kept = 0;

	for (size_t i = 0; i < keys->count; i++) {
		if (all->of[i] == NULL || (i >= keys->former_from && kept == NOTE_SIGNATURES_MAX))
			continue;
		buf_slice_append(&lines, all->of[i]->line);
		kept++;
		if (i >= keys->former_from)
			continue;
		if (i >= keys->mirrors_from)
			h->mirrors++;
		else if (i > 0)
			h->witnesses++;
	}
	note_write(note->text, buf_slice(&lines), &h->note);
	if (lines.bad || h->note.bad) {
		buf_fini(&lines);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	buf_fini(&lines);
	hash_sha256(buf_slice(&h->note), digest);
	memcpy(h->digest, digest, sizeof(h->digest));
	return OK;
}

static enum err_kind head_verify(struct coalition *c, const struct origin *o, struct slice bytes,
	struct arena *a, struct signed_head *h, struct err *e)
{
	struct head_keys *keys = ARENA_NEW(a, struct head_keys);
	struct head_lines lines = {.of = {NULL}};
	struct note_checkpoint checkpoint;
	struct note note;
	enum err_kind kind;

	if (keys == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	keys_of(c, o, keys);
	kind = note_parse(bytes, a, &note, e);
	if (kind == OK)
		kind = note_checkpoint_parse(note.text, &checkpoint, e);
	if (kind != OK)
		return kind;
	if (!slice_is(checkpoint.origin, o->key.name))
		return err_set(e, ERR_INVALID, "checkpoint of \"%.*s\", expected \"%s\"",
			SLICE_ARG(checkpoint.origin), o->key.name);
	if (checkpoint.size > LEDGER_SIZE_MAX)
		return err_set(e, ERR_LIMIT, "checkpoint of \"%s\": size %llu is past the limit",
			o->key.name, (unsigned long long)checkpoint.size);
	for (size_t i = 0; i < note.signatures_count; i++) {
		size_t k = key_of(keys, &note.signatures[i]);

		/* Of one key the newest: a log that rests is cosigned again. */
		if (k < keys->count &&
			(lines.of[k] == NULL || (k > 0 && cosigned_at(&note.signatures[i]) >
								  cosigned_at(lines.of[k]))))
			lines.of[k] = &note.signatures[i];
	}
	if (lines.of[0] == NULL)
		return err_set(e, ERR_INVALID, "checkpoint of \"%s\" is not signed by its key",
			o->key.name);
	kind = fresh_verify(c, &note, keys, &lines, a, e);
	if (kind != OK)
		return kind;
	h->size = checkpoint.size;
	memcpy(h->root, checkpoint.root, LEDGER_HASH_LEN);
	h->cosigned_s = cosigned_believed(c, keys, &lines);
	return head_fill(&note, keys, &lines, h, e);
}

enum err_kind head_read(struct coalition *c, const struct origin *o, struct slice bytes,
	struct signed_head *ret_head, struct err *e)
{
	struct arena *a = arena_new(NOTE_ARENA_MAX);
	struct signed_head h = {0};
	enum err_kind kind;

	if (a == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = head_verify(c, o, bytes, a, &h, e);
	arena_free(a);
	if (kind != OK) {
		head_fini(&h);
		return kind;
	}
	head_fini(ret_head);
	*ret_head = h;
	return OK;
}

enum err_kind head_copy(struct signed_head *to, const struct signed_head *from, struct err *e)
{
	struct signed_head copy = *from;

	copy.note = BUF_INIT;
	buf_slice_append(&copy.note, buf_slice(&from->note));
	if (copy.note.bad) {
		buf_fini(&copy.note);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	head_fini(to);
	*to = copy;
	return OK;
}

/* Lines of both, those of `from` behind; head_read then keeps one of each key. */
enum err_kind head_merge(struct coalition *c, const struct origin *o, struct signed_head *to,
	const struct signed_head *from, struct err *e)
{
	struct arena *a;
	struct buf lines = BUF_MAX(NOTE_BYTES_MAX), both = BUF_MAX(NOTE_BYTES_MAX);
	const struct signed_head *parts[] = {to, from};
	struct note note;
	enum err_kind kind = OK;

	if (to->size != from->size || memcmp(to->root, from->root, LEDGER_HASH_LEN) != 0)
		return err_set(
			e, ERR_INVALID, "checkpoints of \"%s\" are not the same", o->key.name);
	if (memcmp(to->digest, from->digest, sizeof(to->digest)) == 0)
		return OK;
	a = arena_new(NOTE_ARENA_MAX);
	if (a == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < COUNT_OF(parts) && kind == OK; i++) {
		kind = note_parse(buf_slice(&parts[i]->note), a, &note, e);
		for (size_t k = 0; kind == OK && k < note.signatures_count; k++) {
			struct slice line = note.signatures[k].line;

			if (slice_find_text(buf_slice(&lines), line) == lines.len)
				buf_slice_append(&lines, line);
		}
	}
	if (kind == OK) {
		note_write(note.text, buf_slice(&lines), &both);
		kind = lines.bad || both.bad ? err_set(e, ERR_LIMIT, "too many signatures")
					     : head_read(c, o, buf_slice(&both), to, e);
	}
	buf_fini(&lines);
	buf_fini(&both);
	arena_free(a);
	return kind;
}

static enum err_kind quorum_keep(
	struct coalition *c, struct origin *o, const struct signed_head *h, struct err *e)
{
	char path[PATH_MAX_BYTES];
	enum err_kind kind;

	if (h->mirrors < charter_quorum(c->charter) || h->size < o->quorum.size)
		return OK;
	if (h->size == o->quorum.size && h->mirrors <= o->quorum.mirrors)
		return OK;
	if (!path_make(path, "%s/quorum", o->folder))
		return err_set(e, ERR_LIMIT, "path too long");
	kind = c->disk.replace(c->disk.context, path, buf_slice(&h->note), e);
	if (kind == OK)
		kind = head_copy(&o->quorum, h, e);
	if (kind == OK)
		c->news++;
	return kind;
}

enum err_kind head_keep(
	struct coalition *c, struct origin *o, const struct signed_head *h, struct err *e)
{
	enum err_kind kind = OK;

	if (h->size == o->head.size && o->head.note.len != 0) {
		uint8_t before[sizeof(h->digest)];

		memcpy(before, o->head.digest, sizeof(before));
		kind = head_merge(c, o, &o->head, h, e);
		if (kind != OK || memcmp(before, o->head.digest, sizeof(before)) == 0)
			return kind;
	} else if (h->size > o->head.size || o->head.note.len == 0) {
		kind = head_copy(&o->head, h, e);
		c->news++;
	} else {
		return quorum_keep(c, o, h, e);
	}
	if (kind == OK)
		kind = ledger_checkpoint_put(o->log, buf_slice(&o->head.note), e);
	return kind == OK ? quorum_keep(c, o, &o->head, e) : kind;
}
