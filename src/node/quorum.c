/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How many other members must have told what they saw of our log before the signer signs it: the
 * quorum of the charter. Part of the signer's process, which knows no charter itself; here they are
 * verified, so that the number is that of a charter which its members signed, however it came.
 */
#include <stdlib.h>
#include <unistd.h>

#include "parts.h"

#define CHARTER_ARENA MIB(8)

struct quorum {
	struct note_key log;     /* our own */
	struct arena *arena;     /* of what follows; NULL: there is none yet */
	struct charter *charter; /* the last that was verified */
};

/* Parsed into an arena of its own, and carried by its own members; as its successor when there is
 * one before. */
static enum err_kind charter_read(struct quorum *q, struct slice note, struct arena **ret_arena,
	struct charter **ret_charter, struct err *e)
{
	struct arena *a = arena_new(CHARTER_ARENA);
	struct charter *c = a == NULL ? NULL : ARENA_NEW(a, struct charter);
	struct slice copy = a == NULL ? (struct slice){0} : arena_copy(a, note);
	enum err_kind kind = c == NULL || copy.data == NULL ? err_set(e, ERR_NOMEM, "out of memory")
							    : charter_parse(copy, a, c, e);
	bool ours = false;

	for (size_t i = 0; kind == OK && i < c->members_count && !ours; i++)
		ours = strcmp(c->members[i].log.name, q->log.name) == 0 &&
		       memcmp(c->members[i].log.public, q->log.public, NOTE_PUBLIC_LEN) == 0;
	if (kind == OK && !ours)
		kind = err_set(e, ERR_INVALID, "charter: no member has the log \"%s\" with our key",
			q->log.name);
	if (kind == OK)
		kind = charter_verify(c, q->charter, 0, e);
	if (kind != OK) {
		arena_free(a);
		return kind;
	}
	*ret_arena = a;
	*ret_charter = c;
	return OK;
}

enum err_kind quorum_take(void *context, struct slice note, unsigned *ret_needed,
	uint64_t *ret_version, struct err *e)
{
	struct quorum *q = context;
	struct arena *a = NULL;
	struct charter *c = NULL;
	enum err_kind kind = charter_read(q, note, &a, &c, e);

	/* Which one is expected is told in any case: versions are taken one by one. */
	*ret_version = q->charter == NULL ? 0 : q->charter->version;
	if (kind != OK)
		return *ret_version == 0 ? kind : ERR_CONFLICT;
	arena_free(q->arena);
	q->arena = a;
	q->charter = c;
	*ret_version = c->version;
	*ret_needed = charter_quorum(c);
	return OK;
}

/* The stored charter, if there is one. */
static enum err_kind stored_read(const char *folder, struct buf *ret_note, struct err *e)
{
	struct buf number = BUF_INIT;
	struct reader r;
	char path[4096];
	enum err_kind kind;
	int len = snprintf(path, sizeof(path), "%s/" SEAT_FOLDER "/charters", folder);

	if (len <= 0 || len >= (int)sizeof(path))
		return err_set(e, ERR_LIMIT, "\"%s\": path too long", folder);
	if (access(path, F_OK) != 0)
		return OK;
	kind = file_read(path, 64, &number, e);
	/* The number stands at the end, behind the digest of the file. */
	r = (struct reader){.rest = slice_cut(buf_slice(&number),
				    number.len < 8 ? 0 : number.len - 8, number.len)};
	if (kind == OK)
		kind = quorum_stored(folder, read_u64(&r), ret_note, e);
	buf_fini(&number);
	return kind;
}

enum err_kind quorum_stored(
	const char *folder, uint64_t version, struct buf *ret_note, struct err *e)
{
	char path[4096];
	int len = snprintf(path, sizeof(path), "%s/" SEAT_FOLDER "/charter/%llu", folder,
		(unsigned long long)version);

	return len > 0 && len < (int)sizeof(path)
		       ? file_read(path, COALITION_CHARTER_MAX, ret_note, e)
		       : err_set(e, ERR_LIMIT, "\"%s\": path too long", folder);
}

enum err_kind quorum_open(const char *folder, const struct note_key *log,
	struct quorum **ret_quorum, unsigned *ret_needed, struct err *e)
{
	struct quorum *q = calloc(1, sizeof(*q));
	struct buf note = BUF_INIT;
	uint64_t version;
	enum err_kind kind;

	if (q == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	q->log = *log;
	*ret_needed = 0;
	kind = stored_read(folder, &note, e);
	if (kind == OK && note.len > 0)
		kind = quorum_take(q, buf_slice(&note), ret_needed, &version, e);
	buf_fini(&note);
	if (kind != OK) {
		quorum_free(q);
		return kind;
	}
	*ret_quorum = q;
	return OK;
}

void quorum_free(void *context)
{
	struct quorum *q = context;

	if (q == NULL)
		return;
	arena_free(q->arena);
	free(q);
}

void quorum_tell(const struct seat *s, const struct charter *charter)
{
	const char *folder = s->node->config.folder;
	uint64_t version = charter->version, known = 0;
	enum err_kind kind = ERR_CONFLICT;
	struct err e = {0};

	/* The newest first: usually it is the next. Else from the one after what it knows. */
	for (uint64_t tries = 0; tries <= charter->version && known < charter->version; tries++) {
		struct buf note = BUF_INIT;

		kind = quorum_stored(folder, version, &note, &e);
		if (kind == OK)
			kind = signer_charter(&s->link, buf_slice(&note), &known, &e);
		buf_fini(&note);
		if (kind == OK)
			known = version;
		else if (kind != ERR_CONFLICT || version == known + 1)
			break; /* not for want of those before */
		version = known + 1;
	}
	if (known < charter->version)
		log_line(
			s->log, LOG_ERROR, "signer", "charter", "not taken", "error", e.text, NULL);
}
