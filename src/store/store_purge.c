/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What was taken out leaves the files. SQLite overwrites what it lets go (secure_delete), but that
 * is not all: the text index keeps the words of a removed object until it merges them; moving rows
 * between pages leaves copies in the space that no page says is used (rebuildPage in btree.c
 * empties nothing); and the logs hold older states of pages.
 *
 * So: merge the text index; then, of either database, move the log away and look through all pages
 * for bytes outside of any cell, and zero them. These bytes belong to nobody, so they are zeroed in
 * the file itself, beneath SQLite, while its own locks keep everybody else from writing: the
 * writer's, and the one of whoever moves the log. Both, and that the log is empty, say that the
 * file is the database, and stays so. Readers go on; to them these bytes are nothing. A page that
 * is cut short by a power failure has the same cells before and behind the cut.
 *
 * A connection might still have such a page in its cache, and write it back as it was. Each step
 * ends with a commit, which makes all others forget their caches; our own forgets before.
 *
 * SQLite's file format document, sections 1.5 (freelist) and 1.6 (pages); WAL-mode file format,
 * section 2.3 (locks).
 */
#include <stdlib.h>

#include "inside.h"

#define PURGE_WAIT_US  US_PER_SECOND       /* from the first removal on: others may come with it */
#define PURGE_SLICE_US (2 * US_PER_SECOND) /* of one idle call, so that other care has its turn */
#define STEP_PAGES     4096       /* looked through under the lock: 32 MiB, 25 ms when in memory */
#define LOCK_LOG_MOVE  1          /* WAL_CKPT_LOCK */
#define PAGE_LOCKS     0x40000000 /* the page with this byte is never used */
/* Past so many, the number of an overflow page could look like the kind of a page. 256 GiB. */
#define PAGES_MAX 0x02000000

#define HEADER_PAGE_SIZE 16
#define HEADER_RESERVED  20
#define HEADER_FREELIST  32
#define HEADER_VACUUM    52
#define HEADER_BYTES     100

enum page_kind {
	PAGE_INDEX_TREE = 2,
	PAGE_TABLE_TREE = 5,
	PAGE_INDEX_LEAF = 10,
	PAGE_TABLE_LEAF = 13
};

/* ---- one page -------------------------------------------------------------------------------- */

static unsigned u16_at(const uint8_t *page, size_t at)
{
	return (unsigned)page[at] << 8 | page[at + 1];
}

static uint32_t u32_at(const uint8_t *page, size_t at)
{
	return (uint32_t)u16_at(page, at) << 16 | u16_at(page, at + 2);
}

/* Zeros from `from` up to `to`; were they all zero already? */
static bool zero(uint8_t *page, size_t from, size_t to)
{
	bool was = true;

	for (size_t i = from; i < to; i++) {
		was = was && page[i] == 0;
		page[i] = 0;
	}
	return was;
}

/*
 * Empty what is in no cell of a tree's page: between the list of cells and the first of them, and
 * inside of the free blocks. *ret_clean: nothing was there. False: it is no such page, or damaged;
 * then it is left alone, and store_verify tells.
 */
static bool page_empty(uint8_t page[PAGE_BYTES], bool *ret_clean)
{
	bool inner = page[0] == PAGE_INDEX_TREE || page[0] == PAGE_TABLE_TREE;
	size_t cells = (inner ? 12U : 8U) + 2U * u16_at(page, 3);
	size_t content = u16_at(page, 5), block = u16_at(page, 1);

	if (!inner && page[0] != PAGE_INDEX_LEAF && page[0] != PAGE_TABLE_LEAF)
		return false;
	content = content == 0 ? 65536 : content;
	if (cells > content || content > PAGE_BYTES)
		return false;
	for (size_t at = block, last = content; at != 0; last = at + 4, at = u16_at(page, at))
		if (at < last || at + 4 > PAGE_BYTES || u16_at(page, at + 2) < 4 ||
			at + u16_at(page, at + 2) > PAGE_BYTES)
			return false;
	*ret_clean = zero(page, cells, content);
	for (size_t at = block; at != 0; at = u16_at(page, at))
		*ret_clean &= zero(page, at + 4, at + u16_at(page, at + 2));
	return true;
}

/* ---- pages of a file ------------------------------------------------------------------------- */

struct scrub {
	struct conn *c;
	sqlite3_file *file;
	uint8_t page[PAGE_BYTES];
	int64_t pages; /* in the file */
	bool wrote;
};

static enum err_kind page_read(struct scrub *s, int64_t number, struct err *e)
{
	int code =
		s->file->pMethods->xRead(s->file, s->page, PAGE_BYTES, (number - 1) * PAGE_BYTES);

	return code == SQLITE_OK ? OK
				 : err_set(e, ERR_IO, "store \"%s\": could not read page %lld",
					   s->c->path, (long long)number);
}

static enum err_kind page_write(struct scrub *s, int64_t number, struct err *e)
{
	int code =
		s->file->pMethods->xWrite(s->file, s->page, PAGE_BYTES, (number - 1) * PAGE_BYTES);

	s->wrote = true;
	return code == SQLITE_OK ? OK
				 : err_set(e, ERR_IO, "store \"%s\": could not write page %lld",
					   s->c->path, (long long)number);
}

/* The pages that nobody uses hang on a chain of pages that name them. */
static enum err_kind free_pages_empty(struct scrub *s, int64_t trunk, struct err *e)
{
	uint8_t names[PAGE_BYTES];
	enum err_kind kind = OK;

	for (int64_t seen = 0; kind == OK && trunk != 0; seen++) {
		size_t count;

		if (trunk < 2 || trunk > s->pages || seen > s->pages)
			return err_set(e, ERR_CORRUPT, "store \"%s\": its free pages are damaged",
				s->c->path);
		kind = page_read(s, trunk, e);
		if (kind != OK)
			return kind;
		memcpy(names, s->page, sizeof(names));
		count = u32_at(names, 4);
		if (count > PAGE_BYTES / 4 - 2)
			return err_set(e, ERR_CORRUPT, "store \"%s\": its free pages are damaged",
				s->c->path);
		if (!zero(s->page, 8 + 4 * count, PAGE_BYTES))
			kind = page_write(s, trunk, e);
		for (size_t i = 0; kind == OK && i < count; i++) {
			int64_t number = u32_at(names, 8 + 4 * i);

			if (number < 2 || number > s->pages)
				return err_set(e, ERR_CORRUPT,
					"store \"%s\": its free pages are damaged", s->c->path);
			kind = page_read(s, number, e);
			if (kind == OK && !zero(s->page, 0, PAGE_BYTES))
				kind = page_write(s, number, e);
		}
		trunk = u32_at(names, 0);
	}
	return kind;
}

/* Pages from `from` on, at most STEP_PAGES; *ret_next 0: that was the last. Page 1 holds no more
 * than the schema beside its cells. */
static enum err_kind pages_empty(struct scrub *s, int64_t from, int64_t *ret_next, struct err *e)
{
	sqlite3_int64 bytes;
	enum err_kind kind;
	int64_t number = from < 2 ? 2 : from, to = number + STEP_PAGES;
	bool clean;

	if (s->file->pMethods->xFileSize(s->file, &bytes) != SQLITE_OK)
		return err_set(e, ERR_IO, "store \"%s\": could not ask for its size", s->c->path);
	*ret_next = 0;
	s->pages = bytes / PAGE_BYTES;
	if (s->pages == 0)
		return OK;
	kind = page_read(s, 1, e);
	if (kind != OK)
		return kind;
	if (u16_at(s->page, HEADER_PAGE_SIZE) != PAGE_BYTES || s->page[HEADER_RESERVED] != 0 ||
		u32_at(s->page, HEADER_VACUUM) != 0 || s->pages > PAGES_MAX)
		return err_set(e, ERR_LIMIT,
			"store \"%s\": pages of another kind, or more than %d: what was removed "
			"cannot be looked for in them",
			s->c->path, PAGES_MAX);
	if (from < 2)
		kind = free_pages_empty(s, u32_at(s->page, HEADER_FREELIST), e);
	for (; kind == OK && number <= s->pages && number < to; number++) {
		if (number == PAGE_LOCKS / PAGE_BYTES + 1)
			continue;
		kind = page_read(s, number, e);
		if (kind == OK && page_empty(s->page, &clean) && !clean)
			kind = page_write(s, number, e);
	}
	*ret_next = number <= s->pages ? number : 0;
	if (kind == OK && s->wrote &&
		s->file->pMethods->xSync(s->file, SQLITE_SYNC_NORMAL) != SQLITE_OK)
		kind = err_set(e, ERR_IO, "store \"%s\": could not sync", s->c->path);
	return kind;
}

/* ---- alone with a file ----------------------------------------------------------------------- */

static enum err_kind in_the_way(const struct conn *c, struct err *e)
{
	return err_set(e, ERR_BUSY,
		"store \"%s\": somebody still reads an older state of it, or writes", c->path);
}

/* The log goes into the database and is cut to nothing; then nobody else may write or move. */
static enum err_kind alone_begin(struct conn *c, sqlite3_file **ret_file, struct err *e)
{
	sqlite3_file *log = NULL;
	sqlite3_int64 bytes = 0;
	enum err_kind kind;
	int code;

	sqlite3_db_release_memory(c->db);
	code = sqlite3_wal_checkpoint_v2(c->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED)
		return in_the_way(c, e);
	if (code != SQLITE_OK)
		return conn_fail(c, e, "could not move the log into the database");
	kind = conn_run(c, SQL_BEGIN_WRITE, e);
	if (kind != OK)
		return kind;
	if (sqlite3_file_control(c->db, "main", SQLITE_FCNTL_FILE_POINTER, ret_file) != SQLITE_OK ||
		sqlite3_file_control(c->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) !=
			SQLITE_OK ||
		(*ret_file)->pMethods == NULL || (*ret_file)->pMethods->iVersion < 2)
		kind = conn_fail(c, e, "could not reach its file");
	else if (log->pMethods != NULL &&
		 (log->pMethods->xFileSize(log, &bytes) != SQLITE_OK || bytes > 0))
		kind = in_the_way(c, e); /* another process wrote meanwhile */
	else if ((*ret_file)->pMethods->xShmLock(*ret_file, LOCK_LOG_MOVE, 1,
			 SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE) != SQLITE_OK)
		kind = in_the_way(c, e);
	return kind;
}

/* `touch` is committed, for others to forget what they have read; it takes the page that comes
 * next, and the target. */
static enum err_kind alone_end(struct conn *c, sqlite3_file *file, enum sql_id touch,
	int64_t target, int64_t next, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind;

	file->pMethods->xShmLock(file, LOCK_LOG_MOVE, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
	sqlite3_db_release_memory(c->db);
	kind = conn_statement(c, touch, &st, e);
	if (kind != OK)
		return kind;
	if (sqlite3_bind_parameter_count(st) > 0) {
		bind_int(st, 1, next);
		bind_int(st, 2, target);
	}
	kind = conn_done(c, st, e);
	return kind == OK ? conn_run(c, SQL_COMMIT, e) : kind;
}

/* One step through a file, from a page to the next that is to be looked at; 0: it is through. */
static enum err_kind scrub_step(struct conn *c, enum sql_id touch, int64_t target, int64_t from,
	int64_t *ret_next, struct err *e)
{
	struct scrub *s = calloc(1, sizeof(*s));
	enum err_kind kind, ended;
	int64_t next = 0;

	if (s == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	s->c = c;
	sqlite3_busy_timeout(c->db, 0); /* who reads is not waited for under the writer's lock */
	kind = alone_begin(c, &s->file, e);
	if (kind == OK) {
		kind = pages_empty(s, from, &next, e);
		ended = alone_end(
			c, s->file, touch, target, kind == OK ? next : from, kind == OK ? e : NULL);
		kind = kind == OK ? ended : kind;
	}
	if (sqlite3_get_autocommit(c->db) == 0)
		sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_busy_timeout(c->db, BUSY_MS);
	free(s);
	if (kind == OK)
		*ret_next = next;
	return kind;
}

/* ---- the stages ------------------------------------------------------------------------------ */

struct purge_state {
	int64_t erased, purged;
	int64_t page, target; /* how far whoever was killed came, and with what */
};

static enum err_kind state_get(struct store *s, struct purge_state *ret_state, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind;
	bool row = false;

	pthread_mutex_lock(&s->access_mutex);
	kind = conn_statement(&s->access, SQL_PURGE_GET, &st, e);
	if (kind == OK)
		kind = conn_row(&s->access, st, &row, e);
	if (kind == OK && row) {
		*ret_state = (struct purge_state){sqlite3_column_int64(st, 0),
			sqlite3_column_int64(st, 1), sqlite3_column_int64(st, 2),
			sqlite3_column_int64(st, 3)};
		sqlite3_reset(st);
	}
	pthread_mutex_unlock(&s->access_mutex);
	return kind;
}

static enum err_kind text_step(struct store *s, struct err *e)
{
	struct purge *p = &s->purge;
	enum err_kind kind = OK;
	bool more;

	if (!p->merging)
		kind = text_catch_up(s, INT64_MAX, true, e);
	if (kind == OK)
		kind = text_merge(s, !p->merging, &more, e);
	if (kind != OK)
		return kind;
	/* The first call may say that there is nothing and still have made it ready for the next.
	 */
	if (p->merging && !more)
		p->stage = PURGE_TEXT_PAGES;
	p->merging = true;
	return OK;
}

static enum err_kind text_pages_step(struct store *s, struct err *e)
{
	struct purge *p = &s->purge;
	enum err_kind kind = OK;

	pthread_mutex_lock(&s->text.mutex);
	if (s->text.ready)
		kind = scrub_step(
			&s->text.index, SQL_TEXT_TOUCH, 0, p->text_page, &p->text_page, e);
	else
		p->stage = PURGE_TEXT; /* it was closed meanwhile, since it is damaged */
	pthread_mutex_unlock(&s->text.mutex);
	if (kind == OK && p->stage == PURGE_TEXT_PAGES && p->text_page == 0)
		p->stage = PURGE_PAGES;
	return kind;
}

static enum err_kind pages_step(struct store *s, struct err *e)
{
	struct purge *p = &s->purge;
	enum err_kind kind = OK;

	pthread_mutex_lock(&s->writer.mutex);
	pthread_mutex_lock(&s->care_mutex);
	if (s->care.db == NULL)
		kind = conn_open(s, s->path, CARE_CACHE_BYTES, true, &s->care, e);
	if (kind == OK)
		kind = scrub_step(&s->care, SQL_PURGE_PAGE, p->target, p->page, &p->page, e);
	pthread_mutex_unlock(&s->care_mutex);
	pthread_mutex_unlock(&s->writer.mutex);
	if (kind == OK && p->page == 0)
		p->stage = PURGE_STAGES;
	return kind;
}

/* The last step of the pages left one page in the log, with a number in it. */
static enum err_kind done(struct store *s, struct err *e)
{
	struct purge *p = &s->purge;
	sqlite3_stmt *st;
	enum err_kind kind = writer_begin(s, e);

	if (kind != OK)
		return kind;
	kind = conn_statement(&s->writer.conn, SQL_PURGE_DONE, &st, e);
	if (kind == OK) {
		bind_int(st, 1, p->target);
		kind = conn_done(&s->writer.conn, st, e);
	}
	if (kind == OK)
		p->under_way = false;
	return writer_end(s, kind, e);
}

static void begin(struct store *s, const struct purge_state *state)
{
	struct purge *p = &s->purge;

	p->under_way = true;
	p->stage = PURGE_TEXT;
	p->merging = false;
	p->target = state->erased;
	p->text_page = 0;
	p->page = state->target == state->erased ? state->page : 0;
	p->spent_us = 0;
}

/* Under p->mutex, until it is done, or the time is over. */
static enum err_kind run(struct store *s, int64_t time_us, struct err *e)
{
	struct purge *p = &s->purge;
	int64_t began = world_monotonic(s->world), now = began;
	enum err_kind kind = OK;

	while (kind == OK && p->under_way && now - began < time_us) {
		switch (p->stage) {
		case PURGE_TEXT:
			kind = text_step(s, e);
			break;
		case PURGE_TEXT_PAGES:
			kind = text_pages_step(s, e);
			break;
		case PURGE_PAGES:
			kind = pages_step(s, e);
			break;
		case PURGE_STAGES:
			kind = done(s, e);
			break;
		}
		now = world_monotonic(s->world);
	}
	p->spent_us += now - began;
	if (kind == OK && !p->under_way) {
		p->took_us = p->spent_us;
		p->ended_us = now;
		p->seen_us = 0;
	}
	return kind;
}

/* Is it time? Others that are removed while the first waits go with it. */
static bool is_time(struct store *s)
{
	struct purge *p = &s->purge;
	int64_t now = world_monotonic(s->world);

	if (p->seen_us == 0)
		p->seen_us = now == 0 ? 1 : now;
	return now - p->seen_us >= PURGE_WAIT_US &&
	       (p->ended_us == 0 || now - p->ended_us >= STORE_PURGE_REST * p->took_us);
}

enum err_kind purge_idle(struct store *s, struct err *e)
{
	struct purge *p = &s->purge;
	struct purge_state state = {0};
	enum err_kind kind;

	if (pthread_mutex_trylock(&p->mutex) != 0)
		return OK;
	kind = state_get(s, &state, e);
	if (kind == OK && !p->under_way && state.erased != state.purged && is_time(s))
		begin(s, &state);
	if (kind == OK && p->under_way)
		kind = run(s, PURGE_SLICE_US, e);
	pthread_mutex_unlock(&p->mutex);
	return kind == ERR_BUSY ? OK : kind; /* next time */
}

enum err_kind store_purge(struct store *s, struct err *e)
{
	struct purge *p = &s->purge;
	struct purge_state state = {0};
	enum err_kind kind = need_writer(s, e);

	if (kind != OK)
		return kind;
	pthread_mutex_lock(&p->mutex);
	kind = state_get(s, &state, e);
	/* one that is under way may have begun before the last removal */
	if (kind == OK && state.erased != state.purged &&
		!(p->under_way && p->target == state.erased))
		begin(s, &state);
	if (kind == OK)
		kind = run(s, INT64_MAX, e);
	pthread_mutex_unlock(&p->mutex);
	return kind;
}

enum err_kind store_purged(struct store *s, bool *ret_purged, struct err *e)
{
	struct purge_state state = {0};
	enum err_kind kind = state_get(s, &state, e);

	if (kind == OK)
		*ret_purged = state.erased == state.purged;
	return kind;
}
