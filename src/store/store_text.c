/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The full-text index: which words are in which object. It has a file of its own, is written in
 * transactions of its own, and may lag behind; it can always be made again from the bodies. It
 * keeps words only, not where they stand: that makes it small and quick to write.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inside.h"

#define TEXT_CHUNK 8000 /* objects in one transaction; 2000 take an eighth longer */
#define TEXT_BYTES                                                                                 \
	KIB(64)           /* of one object's text; the rest of a longer one is not found by words */
#define MERGE_PAGES  2000 /* of 4 KB, merged in one transaction: 40 ms */
#define TOKENS_MAX   64   /* in one question */
#define PREFIX_MIN   3    /* bytes; shorter ones begin too many words to put together */
#define INDEX_CACHE  MIB(4)
#define SOURCE_CACHE KIB(512)
#define TYPE_MARK    "\xee\x80\x80" /* U+E000 before a type's number: a word that nobody types */

/* ---- what is text in an object --------------------------------------------------------------- */

/* Properties whose text people look for; lists of strings too. In STIX 2.1 and ATT&CK. */
static const char *const text_properties[] = {"name", "description", "value", "aliases", "labels",
	"x_mitre_aliases", "abstract", "content", "explanation", "display_name", "subject",
	"user_id", "roles", "goals"};

static void text_add(struct buf *out, struct slice text)
{
	if (out->len < TEXT_BYTES) {
		buf_slice_append(out, slice_cut(text, 0, TEXT_BYTES - out->len));
		buf_char(out, '\n');
	}
}

static void value_add(struct buf *out, struct json_value v)
{
	struct json_iter it = json_iter(v);
	struct json_value item;

	if (json_is_string(v))
		text_add(out, json_string(v));
	else if (json_is_array(v))
		while (json_array_next(&it, &item))
			if (json_is_string(item))
				text_add(out, json_string(item));
}

/* T1059, CVE-2021-44228: what others call it. */
static void external_ids_add(struct buf *out, struct json_value references)
{
	struct json_iter it = json_iter(references);
	struct json_value reference;

	if (json_is_array(references))
		while (json_array_next(&it, &reference))
			text_add(out, json_get_string(reference, "external_id"));
}

/* The text of an object, for index and search alike. One that cannot be parsed has none. */
static enum err_kind text_extract(
	struct json_parser *parser, struct slice body, struct buf *out, struct err *e)
{
	struct json_doc doc;
	struct json_iter it;
	struct json_value v;
	struct slice name;
	enum err_kind kind = json_parse(parser, body, &doc, e);

	if (kind != OK)
		return kind == ERR_NOMEM ? kind : OK;
	it = json_iter(json_root(&doc));
	if (!json_is_object(json_root(&doc)))
		return OK;
	while (json_object_next(&it, &name, &v)) {
		if (slice_is(name, "external_references"))
			external_ids_add(out, v);
		for (size_t i = 0; i < COUNT_OF(text_properties); i++)
			if (slice_is(name, text_properties[i])) {
				value_add(out, v);
				break;
			}
	}
	return out->bad ? err_set(e, ERR_NOMEM, "out of memory for text") : OK;
}

enum err_kind text_parser(struct json_parser **parser, struct err *e)
{
	if (*parser == NULL)
		*parser = json_parser_new(JSON_OBJECT_MAX);
	return *parser != NULL ? OK : err_set(e, ERR_NOMEM, "out of memory for a parser");
}

/* ---- opening --------------------------------------------------------------------------------- */

static void index_close(struct text_index *t)
{
	conn_close(&t->index);
	conn_close(&t->source);
	t->ready = false;
}

void text_close(struct store *s)
{
	index_close(&s->text);
	ZSTD_freeDCtx(s->text.zstd);
	json_parser_free(s->text.parser);
}

/* Is this the index of this store, and how far does it reach? */
static enum err_kind state_read(struct store *s, struct conn *c, int64_t *ret_serial_last,
	int64_t *ret_gone_last, bool *ret_ours, struct err *e)
{
	sqlite3_stmt *st;
	struct uuid id;
	enum err_kind kind = conn_statement(c, SQL_TEXT_STATE_GET, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	kind = conn_row(c, st, &row, e);
	if (kind != OK)
		return kind;
	*ret_ours = row && sqlite3_column_int(st, 2) == TEXT_EXTRACTION &&
		    column_uuid(st, 3, &id) && uuid_equal(&id, &s->id);
	if (row) {
		*ret_serial_last = sqlite3_column_int64(st, 0);
		*ret_gone_last = sqlite3_column_int64(st, 1);
		sqlite3_reset(st);
	}
	return OK;
}

static enum err_kind index_connect(struct store *s, struct err *e)
{
	struct text_index *t = &s->text;
	enum err_kind kind = file_create(s->text_path, e);

	if (kind == OK)
		kind = conn_open(s, s->text_path, INDEX_CACHE, true, &t->index, e);
	/* It can be made again, so it need not be on the disk at once. */
	if (kind == OK)
		kind = conn_exec(&t->index,
			"PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000", e);
	return kind;
}

static enum err_kind index_create(struct store *s, struct err *e)
{
	static const char *const parts[] = {"", "-wal", "-shm"};
	struct text_index *t = &s->text;
	int64_t gone_last = 0;
	enum err_kind kind;
	sqlite3_stmt *st;
	char *path;
	bool row;

	conn_close(&t->index);
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if (asprintf(&path, "%s%s", s->text_path, parts[i]) < 0)
			return err_set(e, ERR_NOMEM, "out of memory");
		unlink(path);
		free(path);
	}
	/* What is gone by now never comes in. */
	kind = conn_statement(&t->source, SQL_TEXT_GONE_LAST, &st, e);
	if (kind == OK)
		kind = conn_row(&t->source, st, &row, e);
	if (kind == OK && row) {
		gone_last = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
	}
	if (kind == OK)
		kind = index_connect(s, e);
	if (kind == OK)
		kind = conn_exec(&t->index, "BEGIN IMMEDIATE", e);
	if (kind == OK)
		kind = conn_exec(&t->index, text_schema, e);
	if (kind == OK)
		kind = conn_statement(&t->index, SQL_TEXT_STATE_ADD, &st, e);
	if (kind == OK) {
		bind_uuid(st, 1, &s->id);
		bind_int(st, 2, TEXT_EXTRACTION);
		bind_int(st, 3, gone_last);
		kind = conn_done(&t->index, st, e);
	}
	if (kind == OK)
		kind = conn_run(&t->index, SQL_COMMIT, e);
	t->serial_last = 0;
	t->gone_last = gone_last;
	t->generation++;
	return kind;
}

/* Are the bodies of all that it has yet to forget still here? They are not behind an index that was
 * taken back from a copy. */
static enum err_kind gone_known(struct store *s, bool *ret_known, struct err *e)
{
	struct text_index *t = &s->text;
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&t->source, SQL_TEXT_GONE_KNOWN, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_int(st, 1, t->gone_last);
	kind = conn_row(&t->source, st, &row, e);
	*ret_known = kind == OK && row && sqlite3_column_int(st, 0) != 0;
	if (kind == OK)
		sqlite3_reset(st);
	return kind;
}

static enum err_kind index_open(struct store *s, struct err *e)
{
	struct text_index *t = &s->text;
	bool ours = false, known = true, damaged = t->damaged;
	int64_t serial_last = 0;
	enum err_kind kind = text_parser(&t->parser, e);

	if (kind == OK && t->zstd == NULL) {
		t->zstd = ZSTD_createDCtx();
		if (t->zstd == NULL)
			kind = err_set(e, ERR_NOMEM, "out of memory");
	}
	if (kind == OK)
		kind = conn_open(s, s->path, SOURCE_CACHE, false, &t->source, e);
	pthread_mutex_lock(&t->files);
	if (kind == OK)
		kind = index_connect(s, e);
	if (kind == OK)
		kind = state_read(s, &t->index, &serial_last, &t->gone_last, &ours, e);
	/* One that is damaged, of another store or of a later state of this one (which was taken
	 * back from a copy) is of no use. */
	t->serial_last = serial_last;
	if (kind == OK && ours)
		kind = gone_known(s, &known, e);
	if (kind == ERR_CORRUPT ||
		(kind == OK && (damaged || !ours || !known || serial_last > s->serial_last)))
		kind = index_create(s, e);
	pthread_mutex_unlock(&t->files);
	if (kind != OK) {
		index_close(t);
		return kind;
	}
	t->damaged = false;
	t->ready = true;
	return OK;
}

/* ---- catching up ----------------------------------------------------------------------------- */

/* Put the text of the row at hand in, or take it out. */
static enum err_kind words_write(struct store *s, sqlite3_stmt *row, enum sql_id id,
	struct buf *body, struct buf *text, struct err *e)
{
	struct text_index *t = &s->text;
	sqlite3_stmt *st;
	enum err_kind kind;

	buf_clear(body);
	buf_clear(text);
	kind = body_unpack(&s->packing, &t->source, t->zstd, column_slice(row, 4),
		sqlite3_column_int64(row, 3), (uint64_t)sqlite3_column_int64(row, 2), body, e);
	if (kind == ERR_CORRUPT)
		return OK; /* store_verify tells; the others must still be found */
	if (kind != OK)
		return kind;
	buf_printf(text, TYPE_MARK "%lld\n", (long long)sqlite3_column_int64(row, 1));
	kind = text_extract(t->parser, buf_slice(body), text, e);
	if (kind == OK)
		kind = conn_statement(&t->index, id, &st, e);
	if (kind != OK)
		return kind;
	bind_int(st, 1, sqlite3_column_int64(row, 0));
	bind_text(st, 2, buf_slice(text));
	return conn_done(&t->index, st, e);
}

struct step {
	int64_t objects;     /* at most; then how many */
	int64_t serial_last; /* reached */
	int64_t gone_last;
	bool more;
};

/* Removals first. In one snapshot of the store an object is either there or among the removed, so
 * none is put in and then forgotten, or taken out without having been in. */
static enum err_kind step_gone(
	struct store *s, struct step *step, struct buf *body, struct buf *text, struct err *e)
{
	struct text_index *t = &s->text;
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&t->source, SQL_TEXT_GONE_SOME, &st, e);
	int64_t count = 0;
	bool row;

	if (kind != OK)
		return kind;
	bind_int(st, 1, step->gone_last);
	bind_int(st, 2, TEXT_CHUNK);
	while ((kind = conn_row(&t->source, st, &row, e)) == OK && row) {
		if (sqlite3_column_int64(st, 0) <= step->serial_last)
			kind = words_write(s, st, SQL_TEXT_DELETE, body, text, e);
		if (kind != OK)
			break;
		step->gone_last = sqlite3_column_int64(st, 5);
		count++;
	}
	sqlite3_reset(st);
	step->more = count == TEXT_CHUNK;
	return kind;
}

static enum err_kind step_objects(
	struct store *s, struct step *step, struct buf *body, struct buf *text, struct err *e)
{
	struct text_index *t = &s->text;
	int64_t limit = step->objects < TEXT_CHUNK ? step->objects : TEXT_CHUNK;
	sqlite3_stmt *st, *state;
	enum err_kind kind = conn_statement(&t->source, SQL_TEXT_SOURCE, &st, e);
	int64_t count = 0;
	bool row;

	if (kind != OK)
		return kind;
	bind_int(st, 1, step->serial_last);
	bind_int(st, 2, limit);
	while ((kind = conn_row(&t->source, st, &row, e)) == OK && row) {
		kind = words_write(s, st, SQL_TEXT_ADD, body, text, e);
		if (kind != OK)
			break;
		step->serial_last = sqlite3_column_int64(st, 0);
		count++;
	}
	sqlite3_reset(st);
	step->objects -= count;
	step->more = count == limit;
	if (kind != OK || step->more)
		return kind;
	/* the newest may have been removed: there is nothing to index up to the last serial */
	kind = conn_statement(&t->source, SQL_STATE_GET, &state, e);
	if (kind == OK)
		kind = conn_row(&t->source, state, &row, e);
	if (kind == OK && row && sqlite3_column_int64(state, STATE_SERIAL_LAST) > step->serial_last)
		step->serial_last = sqlite3_column_int64(state, STATE_SERIAL_LAST);
	if (kind == OK)
		sqlite3_reset(state);
	return kind;
}

static enum err_kind step_run(struct store *s, struct step *step, struct err *e)
{
	struct text_index *t = &s->text;
	struct buf body = BUF_INIT, text = BUF_INIT;
	sqlite3_stmt *st;
	enum err_kind kind = conn_run(&t->source, SQL_BEGIN_READ, e);

	if (kind == OK)
		kind = conn_run(&t->index, SQL_BEGIN_WRITE, e);
	if (kind == OK)
		kind = step_gone(s, step, &body, &text, e);
	if (kind == OK && !step->more)
		kind = step_objects(s, step, &body, &text, e);
	if (kind == OK)
		kind = conn_statement(&t->index, SQL_TEXT_STATE_PUT, &st, e);
	if (kind == OK) {
		bind_int(st, 1, step->serial_last);
		bind_int(st, 2, step->gone_last);
		kind = conn_done(&t->index, st, e);
	}
	if (kind == OK)
		kind = conn_run(&t->index, SQL_COMMIT, e);
	if (sqlite3_get_autocommit(t->index.db) == 0)
		sqlite3_exec(t->index.db, "ROLLBACK", NULL, NULL, NULL);
	if (sqlite3_get_autocommit(t->source.db) == 0)
		sqlite3_exec(t->source.db, "ROLLBACK", NULL, NULL, NULL);
	buf_fini(&body);
	buf_fini(&text);
	return kind;
}

/* The words are out: the bodies of what was removed may go. They are needed again unless what took
 * the words out is on the disk, and only moving the index's log syncs it. */
static enum err_kind gone_delete(struct store *s, int64_t number, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind;

	if (sqlite3_wal_checkpoint_v2(
		    s->text.index.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) != SQLITE_OK)
		return conn_fail(&s->text.index, e, "could not move the text index's log");
	kind = writer_begin(s, e);
	if (kind != OK)
		return kind;
	kind = conn_statement(&s->writer.conn, SQL_TEXT_GONE_DELETE, &st, e);
	if (kind == OK) {
		bind_int(st, 1, number);
		kind = conn_done(&s->writer.conn, st, e);
	}
	return writer_end(s, kind, e);
}

enum err_kind text_catch_up(struct store *s, int64_t objects, bool wait, struct err *e)
{
	struct text_index *t = &s->text;
	struct step step = {.objects = objects, .more = true};
	enum err_kind kind = need_writer(s, e);
	int64_t gone_before;
	int generation = t->generation;

	if (kind != OK)
		return kind;
	if (wait)
		pthread_mutex_lock(&t->mutex);
	else if (pthread_mutex_trylock(&t->mutex) != 0)
		return OK;
	if (t->damaged)
		index_close(t);
	if (!t->ready)
		kind = index_open(s, e);
	gone_before = t->gone_last;
	while (kind == OK && step.more && step.objects > 0) {
		step.serial_last = t->serial_last;
		step.gone_last = t->gone_last;
		kind = step_run(s, &step, e);
		if (kind == OK) {
			t->serial_last = step.serial_last;
			t->gone_last = step.gone_last;
		} else if (kind == ERR_CORRUPT) {
			t->damaged = true; /* made again next time */
		}
	}
	if (kind == OK &&
		(t->gone_last != gone_before || (t->generation != generation && t->gone_last > 0)))
		kind = gone_delete(s, t->gone_last, e);
	pthread_mutex_unlock(&t->mutex);
	return kind;
}

enum err_kind text_merge(struct store *s, bool first, bool *ret_more, struct err *e)
{
	struct text_index *t = &s->text;
	sqlite3_stmt *st;
	enum err_kind kind = OK;
	int before;

	*ret_more = false;
	pthread_mutex_lock(&t->mutex);
	if (t->damaged)
		index_close(t);
	if (!t->ready)
		kind = index_open(s, e);
	if (kind == OK)
		kind = conn_statement(&t->index, SQL_TEXT_MERGE, &st, e);
	if (kind == OK) {
		before = sqlite3_total_changes(t->index.db);
		/* negative: all segments of all levels, as "optimize" would */
		bind_int(st, 1, first ? -MERGE_PAGES : MERGE_PAGES);
		kind = conn_done(&t->index, st, e);
		/* SQLite's own sign that there was nothing to merge (FTS5, section 6.8) */
		*ret_more = kind == OK && sqlite3_total_changes(t->index.db) - before >= 2;
	}
	t->damaged = t->damaged || kind == ERR_CORRUPT;
	pthread_mutex_unlock(&t->mutex);
	return kind;
}

enum err_kind store_index_text(struct store *s, struct err *e)
{
	return text_catch_up(s, INT64_MAX, true, e);
}

enum err_kind text_check(struct store *s, bool *ret_sound, struct err *e)
{
	struct text_index *t = &s->text;
	enum err_kind kind = OK;

	pthread_mutex_lock(&t->mutex);
	if (!t->ready)
		kind = index_open(s, e);
	if (kind == OK)
		kind = conn_run(&t->index, SQL_CHECK_TEXT, e);
	*ret_sound = kind != ERR_CORRUPT;
	if (kind == ERR_CORRUPT) {
		t->damaged = true;
		kind = OK;
	}
	pthread_mutex_unlock(&t->mutex);
	return kind;
}

/* ---- a reader's snapshot --------------------------------------------------------------------- */

/* *ret_ours false: of another store, or of none yet. */
static enum err_kind index_begin(
	struct store_reader *r, int64_t *ret_serial_last, bool *ret_ours, struct err *e)
{
	struct store *s = r->s;
	int64_t gone_last;
	enum err_kind kind = OK;

	*ret_ours = false;
	if (r->text.db == NULL) {
		struct stat file;

		if (stat(s->text_path, &file) != 0 || file.st_size == 0)
			return OK;
		r->text_generation = s->text.generation;
		kind = conn_open(s, s->text_path, TEXT_CACHE_BYTES, false, &r->text, e);
	}
	if (kind == OK)
		kind = conn_run(&r->text, SQL_BEGIN_READ, e);
	if (kind == OK)
		kind = state_read(s, &r->text, ret_serial_last, &gone_last, ret_ours, e);
	return kind;
}

/*
 * An index that is missing, damaged, not ours or not to be opened (another process may be making it
 * at this moment) is no reason to fail: what it does not tell is looked up in the bodies, only
 * slower, and the writer makes it again, or says why it cannot.
 */
enum err_kind text_snapshot(struct store_reader *r, int64_t *ret_serial_last, struct err *e)
{
	struct store *s = r->s;
	int64_t serial_last = 0;
	bool ours, opens;
	enum err_kind kind;

	*ret_serial_last = 0;
	if (r->text.db != NULL && sqlite3_get_autocommit(r->text.db) == 0) {
		*ret_serial_last = r->text_serial_last; /* within the same take */
		return OK;
	}
	if (r->text.db != NULL && r->text_generation != s->text.generation)
		conn_close(&r->text);
	opens = r->text.db == NULL;
	if (opens)
		pthread_mutex_lock(&s->text.files);
	kind = index_begin(r, &serial_last, &ours, e);
	if (opens)
		pthread_mutex_unlock(&s->text.files);
	if (kind == OK && ours) {
		*ret_serial_last = r->text_serial_last = serial_last;
		return OK;
	}
	s->text.damaged = s->text.damaged || kind == ERR_CORRUPT;
	conn_close(&r->text);
	return kind == ERR_NOMEM ? kind : OK;
}

/* ---- questions ------------------------------------------------------------------------------- */

struct token {
	struct slice text; /* in q->texts */
	bool with_next;    /* the next stands right behind it: both come from one word */
	bool prefix;
};

struct text_query {
	struct store_reader *r;
	fts5_tokenizer how;
	Fts5Tokenizer *tokenizer;
	struct token tokens[TOKENS_MAX];
	size_t count;
	struct arena *arena; /* of the tokens */
	struct buf text;
	struct buf words; /* of an object at hand, each with a 0 behind */
	bool too_many;
};

/* The tokenizer of the index itself, so that both cut words alike. */
static enum err_kind tokenizer_get(struct text_query *q, struct err *e)
{
	static const char *arguments[] = {"remove_diacritics", "2"};
	struct conn *c = &q->r->conn;
	fts5_api *api = NULL;
	sqlite3_stmt *st;
	void *user;

	if (sqlite3_prepare_v2(c->db, "SELECT fts5(?1)", -1, &st, NULL) != SQLITE_OK)
		return conn_fail(c, e, "SQLite has no FTS5");
	sqlite3_bind_pointer(st, 1, &api, "fts5_api_ptr", NULL);
	sqlite3_step(st);
	sqlite3_finalize(st);
	if (api == NULL || api->xFindTokenizer(api, "unicode61", &user, &q->how) != SQLITE_OK ||
		q->how.xCreate(user, arguments, 2, &q->tokenizer) != SQLITE_OK)
		return err_set(e, ERR_NOMEM, "could not set up the tokenizer");
	return OK;
}

static int token_add(void *context, int flags, const char *token, int len, int start, int end)
{
	struct text_query *q = context;
	struct token *t = &q->tokens[q->count];

	(void)flags;
	(void)start;
	(void)end;
	if (q->count == TOKENS_MAX) {
		q->too_many = true;
		return SQLITE_DONE;
	}
	*t = (struct token){.text = arena_copy(q->arena, (struct slice){token, (size_t)len}),
		.with_next = true};
	if (t->text.data == NULL)
		return SQLITE_NOMEM;
	q->count++;
	return SQLITE_OK;
}

/* One word as typed: "evil.example" is two tokens side by side, "mal*" the beginning of one. */
static enum err_kind word_add(struct text_query *q, struct slice word, struct err *e)
{
	bool prefix = slice_ends(word, SLICE("*"));
	size_t before = q->count;
	int code;

	if (prefix)
		word = slice_cut(word, 0, word.len - 1);
	code = q->how.xTokenize(
		q->tokenizer, q, FTS5_TOKENIZE_QUERY, word.data, (int)word.len, token_add);
	if (q->too_many)
		return err_set(e, ERR_LIMIT, "more than %d words to search for", TOKENS_MAX);
	if (code != SQLITE_OK)
		return err_set(e, ERR_NOMEM, "out of memory for words");
	if (q->count == before)
		return OK;
	q->tokens[q->count - 1].with_next = false;
	q->tokens[q->count - 1].prefix = prefix;
	if (prefix && q->count - before == 1 && q->tokens[before].text.len < PREFIX_MIN)
		return err_set(e, ERR_USAGE, "\"%.*s*\": expected at least %d letters before *",
			SLICE_ARG(word), PREFIX_MIN);
	return OK;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool word_next(struct slice *rest, struct slice *ret_word)
{
	size_t from = 0, to;

	while (from < rest->len && is_space(rest->data[from]))
		from++;
	for (to = from; to < rest->len && !is_space(rest->data[to]);)
		to++;
	*ret_word = slice_cut(*rest, from, to);
	*rest = slice_cut(*rest, to, rest->len);
	return ret_word->len > 0;
}

enum err_kind text_query_new(
	struct store_reader *r, struct slice text, struct text_query **ret_query, struct err *e)
{
	struct text_query *q = calloc(1, sizeof(*q));
	struct slice whole = text, word;
	enum err_kind kind;

	if (q == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (text.len > TEXT_BYTES) {
		free(q);
		return err_set(e, ERR_LIMIT, "%zu bytes to search for, expected at most %zu",
			text.len, TEXT_BYTES);
	}
	q->r = r;
	q->arena = arena_new(2 * TEXT_BYTES + KIB(4) + TOKENS_MAX * sizeof(max_align_t));
	kind = q->arena != NULL ? text_parser(&r->parser, e)
				: err_set(e, ERR_NOMEM, "out of memory");
	if (kind == OK)
		kind = tokenizer_get(q, e);
	while (kind == OK && word_next(&text, &word))
		kind = word_add(q, word, e);
	if (kind == OK && q->count == 0)
		kind = err_set(
			e, ERR_USAGE, "\"%.*s\" has no words to search for", SLICE_ARG(whole));
	if (kind != OK) {
		text_query_free(q);
		return kind;
	}
	*ret_query = q;
	return OK;
}

void text_query_free(struct text_query *q)
{
	if (q == NULL)
		return;
	if (q->tokenizer != NULL)
		q->how.xDelete(q->tokenizer);
	arena_free(q->arena);
	buf_fini(&q->text);
	buf_fini(&q->words);
	free(q);
}

void text_query_match(const struct text_query *q, const struct type_set *types, struct buf *out)
{
	bool first = true;

	for (size_t i = 0; i < q->count; i++) {
		/* after another token it is looked at in the bodies of what that one finds */
		if (q->tokens[i].prefix && q->tokens[i].text.len < PREFIX_MIN)
			continue;
		buf_text(out, i == 0 ? "\"" : " AND \"");
		buf_slice_append(out, q->tokens[i].text); /* tokens hold no quotes */
		buf_text(out, q->tokens[i].prefix ? "\" *" : "\"");
	}
	if (types == NULL)
		return;
	buf_text(out, " AND (");
	for (size_t i = 0; i < types->len; i++)
		if (types->bits[i] != 0) {
			buf_printf(out, "%s\"" TYPE_MARK "%zu\"", first ? "" : " OR ", i);
			first = false;
		}
	buf_char(out, ')');
}

bool text_query_needs_body(const struct text_query *q)
{
	for (size_t i = 0; i < q->count; i++)
		if (q->tokens[i].with_next)
			return true;
	return false;
}

static int word_keep(void *context, int flags, const char *token, int len, int start, int end)
{
	struct buf *words = &((struct text_query *)context)->words;

	(void)flags;
	(void)start;
	(void)end;
	buf_append(words, token, (size_t)len);
	buf_char(words, '\0');
	return words->bad ? SQLITE_NOMEM : SQLITE_OK;
}

/* Do the tokens from `t` on, as far as they belong together, stand at the front of `words`? */
static bool stands_here(const struct token *t, struct slice words)
{
	struct slice word;

	for (;; t++) {
		if (!slice_next(&words, '\0', &word))
			return false;
		if (t->prefix ? !slice_starts(word, t->text) : !slice_equal(word, t->text))
			return false;
		if (!t->with_next)
			return true;
	}
}

static bool stands_somewhere(const struct token *t, struct slice words)
{
	struct slice word;

	do
		if (stands_here(t, words))
			return true;
	while (slice_next(&words, '\0', &word));
	return false;
}

enum err_kind text_query_test(
	struct text_query *q, struct slice body, bool *ret_match, struct err *e)
{
	enum err_kind kind;
	bool match = true;

	buf_clear(&q->text);
	buf_clear(&q->words);
	kind = text_extract(q->r->parser, body, &q->text, e);
	if (kind != OK)
		return kind;
	if (q->text.len > 0 && q->how.xTokenize(q->tokenizer, q, FTS5_TOKENIZE_DOCUMENT,
				       q->text.data, (int)q->text.len, word_keep) != SQLITE_OK)
		return err_set(e, ERR_NOMEM, "out of memory for words");
	for (size_t i = 0; match && i < q->count; i++)
		if (i == 0 || !q->tokens[i - 1].with_next)
			match = stands_somewhere(&q->tokens[i], buf_slice(&q->words));
	*ret_match = match;
	return OK;
}
