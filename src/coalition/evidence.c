/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Two histories, proved to anybody: one origin, one size, two different roots, and for each a head
 * that the origin signed and that grew from it.
 *
 *   "SE1" 00 | text origin | u64 size | 2 x branch (branch.c)
 */
#include "inside.h"

static const char magic[4] = {'S', 'E', '1', '\0'};

/* ---- checking -------------------------------------------------------------------------------- */

struct evidence {
	struct slice origin;
	uint64_t size;
	struct branch branches[2];
};

static enum err_kind evidence_read(struct slice bytes, struct evidence *ev, struct err *e)
{
	struct reader r = {.rest = bytes};
	struct slice head = read_bytes(&r, sizeof(magic));

	ev->origin = wire_read_text(&r);
	ev->size = read_u64(&r);
	for (unsigned i = 0; i < 2; i++)
		branch_read(&r, &ev->branches[i]);
	if (r.bad || r.rest.len != 0 || memcmp(head.data, magic, sizeof(magic)) != 0)
		return err_set(e, ERR_PARSE, "evidence does not fit its layout");
	return OK;
}

static enum err_kind branch_check(const struct evidence *ev, const struct branch *b,
	const struct note_key *key, struct err *e)
{
	struct arena *a = arena_new(NOTE_ARENA_MAX);
	struct note_checkpoint head;
	struct note_verdict verdict;
	struct note note;
	enum err_kind kind;

	if (a == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = note_parse(b->note, a, &note, e);
	if (kind == OK)
		kind = note_checkpoint_parse(note.text, &head, e);
	if (kind == OK)
		kind = note_verify(&note, key, 1, a, &verdict, e);
	if (kind == OK && (!verdict.signed_by[0] || !slice_equal(head.origin, ev->origin)))
		kind = err_set(e, ERR_INVALID, "evidence: a checkpoint is not signed by \"%s\"",
			key->name);
	/* Others' lines would be bytes that nobody checks. */
	if (kind == OK && note.signatures_count != 1)
		kind = err_set(e, ERR_INVALID,
			"evidence: a checkpoint with other lines than \"%s\"'s", key->name);
	if (kind == OK && !branch_grew(b, ev->size, head.size, head.root))
		kind = err_set(e, ERR_INVALID, "evidence: a checkpoint did not grow from its root");
	arena_free(a);
	return kind;
}

static enum err_kind evidence_check(
	const struct evidence *ev, const struct note_key *key, struct err *e)
{
	enum err_kind kind;

	if (ev->size == 0 ||
		memcmp(ev->branches[0].root, ev->branches[1].root, LEDGER_HASH_LEN) == 0)
		return err_set(e, ERR_INVALID, "evidence: both histories are the same");
	kind = branch_check(ev, &ev->branches[0], key, e);
	return kind == OK ? branch_check(ev, &ev->branches[1], key, e) : kind;
}

enum err_kind coalition_evidence_verify(
	const struct charter *charter, struct slice bytes, struct slice *ret_member, struct err *e)
{
	struct evidence ev;
	enum err_kind kind = evidence_read(bytes, &ev, e);

	if (kind != OK)
		return kind;
	for (size_t i = 0; i < charter->members_count; i++) {
		const struct charter_member *m = &charter->members[i];

		if (!slice_is(ev.origin, m->log.name))
			continue;
		kind = evidence_check(&ev, &m->log, e);
		if (kind == OK)
			*ret_member = slice_of(m->name);
		return kind;
	}
	return err_set(
		e, ERR_INVALID, "evidence: no member has a log \"%.*s\"", SLICE_ARG(ev.origin));
}

/* ---- keeping --------------------------------------------------------------------------------- */

void own_forked(struct coalition *c, const char *why)
{
	if (!c->forked)
		log_line(c->log, LOG_ERROR, "forked", "error", why, "member", c->self, NULL);
	c->forked = true;
}

static enum err_kind evidence_keep(
	struct coalition *c, struct origin *o, struct slice bytes, struct err *e)
{
	char path[PATH_MAX_BYTES];
	enum err_kind kind;

	if (!path_make(path, "%s/guilty", o->folder))
		return err_set(e, ERR_LIMIT, "path too long");
	kind = c->disk.replace(c->disk.context, path, bytes, e);
	if (kind != OK)
		return kind;
	o->guilty = true;
	c->evidence++;
	c->news++;
	log_line(c->log, LOG_ERROR, "two histories", "log", o->key.name, NULL);
	if (o == c->own)
		own_forked(c, "our log was signed in two ways");
	return OK;
}

enum err_kind evidence_publish_rest(struct coalition *c, struct err *e)
{
	struct buf bytes = BUF_INIT;
	enum err_kind kind = OK;

	for (size_t i = 0; i < c->origins_count && kind == OK; i++) {
		struct origin *o = c->origins[i];
		char path[PATH_MAX_BYTES];
		uint64_t index;

		if (!o->unpublished || o == c->own || own_waiting(c))
			continue;
		kind = path_make(path, "%s/guilty", o->folder)
			       ? file_get(c, path, &bytes, e)
			       : err_set(e, ERR_LIMIT, "path too long");
		if (kind == OK)
			kind = own_append(c, LEDGER_EVIDENCE, buf_slice(&bytes), &index, e);
		if (kind == OK)
			o->unpublished = false;
	}
	buf_fini(&bytes);
	return kind;
}

enum err_kind evidence_take(struct coalition *c, struct slice bytes, bool publish, struct err *e)
{
	struct evidence ev;
	struct origin *o;
	enum err_kind kind = evidence_read(bytes, &ev, e);

	if (kind != OK)
		return kind;
	o = origin_find(c, ev.origin);
	if (o == NULL)
		return err_set(e, ERR_INVALID, "evidence: no log \"%.*s\"", SLICE_ARG(ev.origin));
	if (o->guilty)
		return OK;
	kind = evidence_check(&ev, &o->key, e);
	if (kind == OK)
		kind = evidence_keep(c, o, bytes, e);
	if (kind == OK && publish) {
		o->unpublished = true;
		kind = evidence_publish_rest(c, e);
	}
	return kind;
}

/* The note with the origin's own line alone. */
static enum err_kind only_signed(
	struct slice bytes, const struct note_key *key, struct buf *ret_note, struct err *e)
{
	struct arena *a = arena_new(NOTE_ARENA_MAX);
	struct slice line = {0};
	struct note note;
	enum err_kind kind;

	if (a == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	buf_clear(ret_note);
	kind = note_parse(bytes, a, &note, e);
	for (size_t i = 0; kind == OK && i < note.signatures_count && line.len == 0; i++) {
		if (slice_is(note.signatures[i].name, key->name) &&
			memcmp(note.signatures[i].id, key->id, NOTE_KEY_ID_LEN) == 0)
			line = note.signatures[i].line;
	}
	if (kind == OK)
		note_write(note.text, line, ret_note);
	arena_free(a);
	return kind == OK && ret_note->bad ? err_set(e, ERR_NOMEM, "out of memory") : kind;
}

enum err_kind evidence_make(struct coalition *c, struct origin *o, uint64_t size,
	const struct branch *a, const struct branch *b, struct err *e)
{
	const struct branch *both[] = {a, b};
	struct buf bytes = BUF_MAX(2 * NOTE_BYTES_MAX + KIB(8)), note = BUF_MAX(NOTE_BYTES_MAX);
	enum err_kind kind = OK;

	buf_append(&bytes, magic, sizeof(magic));
	wire_text(&bytes, slice_of(o->key.name));
	wire_u64(&bytes, size);
	for (unsigned i = 0; i < 2 && kind == OK; i++) {
		struct branch signed_alone = *both[i];

		kind = only_signed(both[i]->note, &o->key, &note, e);
		signed_alone.note = buf_slice(&note);
		branch_write(&signed_alone, &bytes);
	}
	if (kind == OK)
		kind = bytes.bad ? err_set(e, ERR_NOMEM, "out of memory")
				 : evidence_take(c, buf_slice(&bytes), true, e);
	buf_fini(&bytes);
	buf_fini(&note);
	return kind;
}

/* ---- asking how another branch came to be ---------------------------------------------------- */

/*
 *   request   text origin | u64 size
 *   answer    branch
 */
void conflict_ask(const struct origin *o, uint64_t size, struct buf *out)
{
	wire_text(out, slice_of(o->key.name));
	wire_u64(out, size);
}

enum err_kind conflict_answer(
	struct coalition *c, struct slice request, struct buf *out, struct err *e)
{
	struct reader r = {.rest = request};
	struct slice name = wire_read_text(&r);
	uint64_t size = read_u64(&r);
	struct origin *o = origin_find(c, name);
	struct branch mine;

	if (r.bad || r.rest.len != 0)
		return err_set(e, ERR_PARSE, "request about a conflict does not fit its layout");
	if (o == NULL || !branch_at(o, size, &mine))
		return err_set(
			e, ERR_INVALID, "no log \"%.*s\" of that size here", SLICE_ARG(name));
	branch_write(&mine, out);
	return out->bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

enum err_kind conflict_take(
	struct coalition *c, struct origin *o, struct slice answer, struct err *e)
{
	struct reader r = {.rest = answer};
	struct branch mine, theirs;
	struct signed_head head = {0};
	uint64_t size;
	bool grew;
	enum err_kind kind;

	branch_read(&r, &theirs);
	if (r.bad || r.rest.len != 0)
		return err_set(e, ERR_PARSE, "answer about a conflict does not fit its layout");
	if (!branch_own(o, &size, &mine))
		return OK; /* nothing here that could conflict */
	kind = head_read(c, o, theirs.note, &head, e);
	if (kind != OK)
		return kind;
	grew = branch_grew(&theirs, size, head.size, head.root);
	head_fini(&head);
	if (!grew)
		return err_set(e, ERR_INVALID, "\"%s\": the branch shown does not lead to its head",
			o->key.name);
	if (memcmp(mine.root, theirs.root, LEDGER_HASH_LEN) == 0)
		return err_set(e, ERR_INVALID,
			"\"%s\": the leaves handed on are not those of the log", o->key.name);
	return evidence_make(c, o, size, &mine, &theirs, e);
}
