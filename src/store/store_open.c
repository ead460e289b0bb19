/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Opening and closing. A store is a folder of three files: store.db, text.db (an index that can be
 * made again from the first), and lock, which the one writing process holds and has its pid in.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inside.h"

#define FOLDER_MODE 0700
#define FILE_MODE   0600
#define PID_MAX     24 /* bytes of a pid's text */

enum err_kind need_writer(const struct store *s, struct err *e)
{
	if (s->mode == STORE_READ)
		return err_set(e, ERR_USAGE, "store \"%s\" is open for reading only", s->folder);
	if (s->mode == STORE_ACCESS)
		return err_set(e, ERR_USAGE,
			"store \"%s\" is open for accounts and collections only", s->folder);
	return OK;
}

bool store_is_writer(const struct store *s)
{
	return is_writer(s);
}

int64_t time_after(const struct store *s, int64_t last_us)
{
	int64_t now = world_now(s->world);

	return now > last_us ? now : last_us + 1;
}

/* ---- the lock -------------------------------------------------------------------------------- */

/* The lock dies with the process, so a pid left behind by a crash does no harm. */
static enum err_kind lock_take(struct store *s, struct err *e)
{
	struct buf path = BUF_INIT;
	char pid[PID_MAX];
	ssize_t len;

	buf_printf(&path, "%s/lock", s->folder);
	buf_char(&path, '\0');
	if (path.bad)
		return err_set(e, ERR_NOMEM, "store \"%s\": out of memory", s->folder);
	s->lock_fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
	buf_fini(&path);
	if (s->lock_fd < 0)
		return err_set(e, err_kind_of_errno(errno),
			"store \"%s\": could not open its lock: %s", s->folder, strerror(errno));
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			return err_set(e, err_kind_of_errno(errno),
				"store \"%s\": could not lock: %s", s->folder, strerror(errno));
		len = pread(s->lock_fd, pid, sizeof(pid) - 1, 0);
		pid[len > 0 ? len : 0] = '\0';
		return err_set(e, ERR_BUSY, "store \"%s\" is in use by process %.*s", s->folder,
			SLICE_ARG(slice_trim(slice_of(pid))));
	}
	len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(s->lock_fd, 0) != 0 || pwrite(s->lock_fd, pid, (size_t)len, 0) != len)
		return err_set(e, err_kind_of_errno(errno),
			"store \"%s\": could not write its lock: %s", s->folder, strerror(errno));
	return OK;
}

/* ---- connections ----------------------------------------------------------------------------- */

/* type_among(number, set): is the number in the bound set? So that a page over many entries does
 * not fetch the objects that it does not want. */
static void type_among(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct type_set *set = sqlite3_value_pointer(values[1], "type_set");

	(void)count;
	sqlite3_result_int(
		context, set != NULL && type_set_has(set, sqlite3_value_int64(values[0])));
}

/* SQLite gives the log and the shared memory the rights of the database. */
enum err_kind file_create(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);

	if (fd < 0)
		return err_set(e, err_kind_of_errno(errno), "could not create \"%s\": %s", path,
			strerror(errno));
	close(fd);
	return OK;
}

enum err_kind conn_open(struct store *s, const char *path, size_t cache_bytes, bool write,
	struct conn *ret_conn, struct err *e)
{
	struct conn c = {.path = s->folder};
	char setup[512];
	enum err_kind kind;
	int code = sqlite3_open_v2(path, &c.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (code == SQLITE_CANTOPEN && !write) {
		sqlite3_close(c.db);
		code = sqlite3_open_v2(
			path, &c.db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	}
	if (code != SQLITE_OK) {
		kind = conn_fail(&c, e, "could not open");
		sqlite3_close(c.db);
		return kind;
	}
	sqlite3_extended_result_codes(c.db, 1);
	sqlite3_busy_timeout(c.db, BUSY_MS);
	sqlite3_db_config(c.db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (sqlite3_create_function_v2(c.db, "type_among", 2,
		    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL, type_among, NULL,
		    NULL, NULL) != SQLITE_OK) {
		kind = conn_fail(&c, e, "could not set up");
		goto fail;
	}
	/* Page size before the first table, and before the log. FULL: a commit returns when it is
	 * on the disk. No memory map: its pages would count as ours. What is let go is overwritten
	 * at once; store_purge.c has the rest. */
	snprintf(setup, sizeof(setup),
		"PRAGMA page_size = %d; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
		"PRAGMA foreign_keys = ON; PRAGMA cache_size = -%zu; PRAGMA mmap_size = 0;"
		"PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 0;"
		"PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; %s",
		PAGE_BYTES, cache_bytes / 1024,
		write ? "PRAGMA journal_mode = WAL" : "PRAGMA query_only = ON");
	kind = conn_exec(&c, setup, e);
	if (kind != OK)
		goto fail;
	if (write) {
		snprintf(setup, sizeof(setup), "PRAGMA journal_size_limit = %zu", LOG_BYTES_KEPT);
		kind = conn_exec(&c, setup, e);
		if (kind != OK)
			goto fail;
	}
	*ret_conn = c;
	return OK;

fail:
	conn_close(&c);
	return kind;
}

static enum err_kind load(struct store *s, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&s->access, SQL_STATE_GET, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	kind = conn_row(&s->access, st, &row, e);
	if (kind != OK)
		return kind;
	if (!row || !column_uuid(st, STATE_STORE, &s->id))
		kind = err_set(e, ERR_CORRUPT, "store \"%s\": its state is missing", s->folder);
	s->serial_last = sqlite3_column_int64(st, STATE_SERIAL_LAST);
	s->label_epoch = sqlite3_column_int64(st, STATE_LABEL_EPOCH);
	s->access_epoch = sqlite3_column_int64(st, STATE_ACCESS_EPOCH);
	sqlite3_reset(st);
	if (kind == OK)
		kind = names_load(&s->types, &s->access, e);
	if (kind == OK)
		kind = names_load(&s->properties, &s->access, e);
	if (kind == OK)
		kind = names_load(&s->traits, &s->access, e);
	if (kind == OK)
		kind = dictionaries_load(&s->packing, &s->access, e);
	return kind;
}

/* ---- opening --------------------------------------------------------------------------------- */

static char *path_of(const char *folder, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static enum err_kind store_new(const char *folder, const struct store_options *options,
	struct store **ret_store, struct err *e)
{
	struct store *s = calloc(1, sizeof(*s));
	enum err_kind kind;

	if (s == NULL)
		return err_set(e, ERR_NOMEM, "store \"%s\": out of memory", folder);
	s->lock_fd = -1;
	s->mode = options->mode;
	s->world = options->world != NULL ? options->world : world_real();
	s->readers_max = options->readers_max != 0 ? options->readers_max : READERS_MAX;
	s->cache_bytes = options->cache_bytes != 0 ? options->cache_bytes : WRITER_CACHE_BYTES;
	s->queue_end = &s->queue;
	pthread_mutex_init(&s->packing.mutex, NULL);
	pthread_mutex_init(&s->types.mutex, NULL);
	pthread_mutex_init(&s->properties.mutex, NULL);
	pthread_mutex_init(&s->traits.mutex, NULL);
	pthread_mutex_init(&s->queue_mutex, NULL);
	pthread_cond_init(&s->queue_moved, NULL);
	pthread_mutex_init(&s->writer.mutex, NULL);
	pthread_mutex_init(&s->tail.mutex, NULL);
	pthread_mutex_init(&s->pool_mutex, NULL);
	pthread_cond_init(&s->pool_moved, NULL);
	pthread_mutex_init(&s->access_mutex, NULL);
	pthread_mutex_init(&s->care_mutex, NULL);
	pthread_mutex_init(&s->text.mutex, NULL);
	pthread_mutex_init(&s->text.files, NULL);
	pthread_mutex_init(&s->purge.mutex, NULL);
	s->folder = strdup(folder);
	s->path = path_of(folder, "store.db");
	s->text_path = path_of(folder, "text.db");
	if (s->folder == NULL || s->path == NULL || s->text_path == NULL)
		kind = err_set(e, ERR_NOMEM, "store \"%s\": out of memory", folder);
	else
		kind = names_init(&s->types, s->world, TYPES_MAX, SQL_TYPES_GET, SQL_TYPE_ADD, e);
	if (kind == OK)
		kind = names_init(&s->properties, s->world, PROPERTIES_MAX, SQL_PROPERTIES_GET,
			SQL_PROPERTY_ADD, e);
	if (kind == OK)
		kind = names_init(
			&s->traits, s->world, STORE_TRAITS_MAX, SQL_TRAITS_GET, SQL_TRAITS_ADD, e);
	if (kind != OK) {
		store_close(s);
		return kind;
	}
	*ret_store = s;
	return OK;
}

static enum err_kind files_make(struct store *s, struct err *e)
{
	struct stat st;

	if (s->mode == STORE_CREATE) {
		enum err_kind kind = folder_make(s->folder, FOLDER_MODE, e);

		if (kind != OK)
			return kind;
	}
	if (stat(s->folder, &st) == 0 && !S_ISDIR(st.st_mode))
		return err_set(e, ERR_INVALID, "\"%s\" is no store: not a folder", s->folder);
	if (stat(s->path, &st) != 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return err_set(e, err_kind_of_errno(errno),
				"could not open store \"%s\": %s", s->folder, strerror(errno));
		if (s->mode != STORE_CREATE)
			return err_set(e, ERR_USAGE, "there is no store in \"%s\"", s->folder);
	} else if (!S_ISREG(st.st_mode)) {
		return err_set(
			e, ERR_INVALID, "\"%s\" is no store: %s is no file", s->folder, s->path);
	}
	return OK;
}

enum err_kind store_open(const char *folder, const struct store_options *options,
	struct store **ret_store, struct err *e)
{
	struct store *s;
	enum err_kind kind = store_new(folder, options, &s, e);
	int version;

	if (kind != OK)
		return kind;
	kind = files_make(s, e);
	if (kind == OK && is_writer(s)) {
		kind = lock_take(s, e);
		if (kind == OK)
			kind = file_create(s->path, e);
	}
	if (kind == OK)
		kind = conn_open(
			s, s->path, ACCESS_CACHE_BYTES, s->mode != STORE_READ, &s->access, e);
	if (kind == OK)
		kind = schema_version(&s->access, &version, e);
	if (kind == OK && is_writer(s))
		kind = schema_move(&s->access, store_schema, STORE_SCHEMA, STORE_SCHEMA, e);
	else if (kind == OK && version != STORE_SCHEMA)
		kind = err_set(e, ERR_INVALID,
			"store \"%s\" has schema %d, this program reads %d%s", s->folder, version,
			STORE_SCHEMA, version < STORE_SCHEMA ? ": open it for writing once" : "");
	if (kind == OK)
		kind = load(s, e);
	if (kind == OK && s->mode != STORE_READ)
		kind = writer_open(s, e);
	if (kind == OK && is_writer(s))
		kind = sweep_all(s, e); /* a deletion that was killed goes on */
	if (kind != OK) {
		store_close(s);
		return kind;
	}
	*ret_store = s;
	return OK;
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	text_close(s);
	while (s->pool != NULL) {
		struct store_reader *r = s->pool;

		s->pool = r->next;
		reader_close(r);
	}
	conn_close(&s->access);
	conn_close(&s->care);
	writer_close(s);
	tail_fini(&s->tail);
	packing_fini(&s->packing);
	names_fini(&s->types);
	names_fini(&s->properties);
	names_fini(&s->traits);
	pthread_mutex_destroy(&s->queue_mutex);
	pthread_cond_destroy(&s->queue_moved);
	pthread_mutex_destroy(&s->pool_mutex);
	pthread_cond_destroy(&s->pool_moved);
	pthread_mutex_destroy(&s->access_mutex);
	pthread_mutex_destroy(&s->care_mutex);
	pthread_mutex_destroy(&s->text.mutex);
	pthread_mutex_destroy(&s->text.files);
	pthread_mutex_destroy(&s->purge.mutex);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->folder);
	free(s->path);
	free(s->text_path);
	free(s);
}

enum err_kind store_migrate(const char *folder, int to_schema, struct err *e)
{
	const struct store_options options = {.mode = STORE_WRITE};
	struct store *s;
	struct conn c = {0};
	enum err_kind kind = store_new(folder, &options, &s, e);

	if (kind != OK)
		return kind;
	kind = files_make(s, e);
	if (kind == OK)
		kind = lock_take(s, e);
	if (kind == OK)
		kind = conn_open(s, s->path, READER_CACHE_BYTES, true, &c, e);
	if (kind == OK) {
		kind = schema_move(&c, store_schema, STORE_SCHEMA, to_schema, e);
		conn_close(&c);
	}
	store_close(s);
	return kind;
}

/* What another process changed in accounts, rights or collections. */
void access_look(struct store *s)
{
	sqlite3_stmt *st;
	bool row;

	pthread_mutex_lock(&s->access_mutex);
	if (conn_statement(&s->access, SQL_STATE_GET, &st, NULL) == OK &&
		conn_row(&s->access, st, &row, NULL) == OK && row) {
		s->access_epoch = sqlite3_column_int64(st, STATE_ACCESS_EPOCH);
		sqlite3_reset(st);
	}
	pthread_mutex_unlock(&s->access_mutex);
}

/* A writer knows by itself, and looks when idle; a reader asks, as another process may write. */
static uint64_t epoch_get(struct store *s, _Atomic int64_t *known, int column)
{
	sqlite3_stmt *st;
	bool row;

	if (s->mode == STORE_READ) {
		pthread_mutex_lock(&s->access_mutex);
		if (conn_statement(&s->access, SQL_STATE_GET, &st, NULL) == OK &&
			conn_row(&s->access, st, &row, NULL) == OK && row) {
			*known = sqlite3_column_int64(st, column);
			sqlite3_reset(st);
		}
		pthread_mutex_unlock(&s->access_mutex);
	}
	return (uint64_t)*known;
}

uint64_t store_label_epoch(struct store *s)
{
	return epoch_get(s, &s->label_epoch, STATE_LABEL_EPOCH);
}

uint64_t store_access_epoch(struct store *s)
{
	return epoch_get(s, &s->access_epoch, STATE_ACCESS_EPOCH);
}
