/* SPDX-License-Identifier: MPL-2.0 */
/* Opening and closing a log, its state, and its files by name. */
#include <stdlib.h>

#include "inside.h"

#define STATE_MAGIC "SLstate1"

/* ---- state ----------------------------------------------------------------------------------- */

/*
 * offset  bytes
 *      0  8   "SLstate1"
 *      8  8   sequence, u64be: the higher of two slots is the newer
 *     16  8   leaves, u64be
 *     24  8   bytes of `contents`, u64be
 *     32  8   note, u64be
 *     40  32  root of the leaves
 *     72  2   length of the origin, u16be
 *     74  n   origin
 *          .. zeros
 *    480  32  SHA-256 of the 480 bytes before
 */
#define STATE_SUMMED (STATE_SLOT_BYTES - HASH_LEN)

void state_write(const struct state *s, struct slice origin, uint8_t ret_slot[STATE_SLOT_BYTES])
{
	memset(ret_slot, 0, STATE_SLOT_BYTES);
	memcpy(ret_slot, STATE_MAGIC, sizeof(STATE_MAGIC) - 1);
	put_u64(ret_slot + 8, s->sequence);
	put_u64(ret_slot + 16, s->size);
	put_u64(ret_slot + 24, s->contents);
	put_u64(ret_slot + 32, s->note);
	memcpy(ret_slot + 40, s->root, HASH_LEN);
	put_u16(ret_slot + 72, (uint16_t)origin.len);
	memcpy(ret_slot + 74, origin.data, origin.len);
	hash_sha256((struct slice){(char *)ret_slot, STATE_SUMMED}, ret_slot + STATE_SUMMED);
}

bool state_parse(
	const uint8_t slot[STATE_SLOT_BYTES], struct state *ret_state, struct slice *ret_origin)
{
	struct reader r = {
		.rest = {(const char *)slot, STATE_SUMMED}
        };
	uint8_t sum[HASH_LEN];

	hash_sha256(r.rest, sum);
	if (memcmp(sum, slot + STATE_SUMMED, HASH_LEN) != 0 ||
		!slice_is(read_bytes(&r, 8), STATE_MAGIC))
		return false;
	ret_state->sequence = read_u64(&r);
	ret_state->size = read_u64(&r);
	ret_state->contents = read_u64(&r);
	ret_state->note = read_u64(&r);
	memcpy(ret_state->root, read_bytes(&r, HASH_LEN).data, HASH_LEN);
	*ret_origin = read_bytes(&r, read_u16(&r));
	return !r.bad && ret_origin->len <= NOTE_NAME_MAX && ret_state->size <= LEDGER_SIZE_MAX;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* "FOLDER/NAME"; NULL without memory. Free it. */
static char *path_of(const struct ledger *l, const char *name)
{
	char *path;

	return asprintf(&path, "%s%s%s", l->folder, *l->folder == '\0' ? "" : "/", name) < 0 ? NULL
											     : path;
}

static enum err_kind no_memory(const struct ledger *l, struct err *e)
{
	return err_set(e, ERR_NOMEM, "log \"%s\": out of memory", l->folder);
}

enum err_kind log_read(
	struct ledger *l, const char *name, uint64_t offset, void *to, size_t len, struct err *e)
{
	char *path = path_of(l, name);
	enum err_kind kind = path == NULL ? no_memory(l, e)
					  : l->disk.read(l->disk.context, path, offset, to, len, e);

	free(path);
	return kind;
}

enum err_kind log_write(
	struct ledger *l, const char *name, uint64_t offset, struct slice bytes, struct err *e)
{
	char *path;
	enum err_kind kind;

	if (bytes.len == 0)
		return OK;
	path = path_of(l, name);
	kind = path == NULL ? no_memory(l, e)
			    : l->disk.write(l->disk.context, path, offset, bytes, e);
	free(path);
	return kind;
}

enum err_kind log_sync(struct ledger *l, const char *name, struct err *e)
{
	char *path = path_of(l, name);
	enum err_kind kind =
		path == NULL ? no_memory(l, e) : l->disk.sync(l->disk.context, path, e);

	free(path);
	return kind;
}

enum err_kind log_replace(struct ledger *l, const char *name, struct slice content, struct err *e)
{
	char *path = path_of(l, name);
	enum err_kind kind =
		path == NULL ? no_memory(l, e) : l->disk.replace(l->disk.context, path, content, e);

	free(path);
	return kind;
}

enum err_kind log_file_size(struct ledger *l, const char *name, uint64_t *ret_bytes, struct err *e)
{
	char *path = path_of(l, name);
	enum err_kind kind =
		path == NULL ? no_memory(l, e) : l->disk.size(l->disk.context, path, ret_bytes, e);

	free(path);
	return kind;
}

enum err_kind log_read_sparse(
	struct ledger *l, const char *name, uint64_t offset, void *to, size_t len, struct err *e)
{
	uint64_t bytes = 0;
	enum err_kind kind = log_file_size(l, name, &bytes, e);
	size_t there = 0;

	if (kind != OK)
		return kind;
	if (bytes > offset)
		there = bytes - offset < len ? (size_t)(bytes - offset) : len;
	if (there > 0)
		kind = log_read(l, name, offset, to, there, e);
	if (kind == OK && there < len)
		memset((char *)to + there, 0, len - there);
	return kind;
}

enum err_kind log_zeros_write(
	struct ledger *l, const char *name, uint64_t offset, uint64_t len, struct err *e)
{
	static const char zeros[KIB(4)];
	enum err_kind kind = OK;

	while (kind == OK && len > 0) {
		size_t some = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);

		kind = log_write(l, name, offset, (struct slice){zeros, some}, e);
		offset += some;
		len -= some;
	}
	return kind;
}

/* ---- turns ----------------------------------------------------------------------------------- */

void log_turn(struct ledger *l)
{
	(void)pthread_mutex_lock(&l->mutex);
	while (l->busy)
		(void)pthread_cond_wait(&l->changed, &l->mutex);
	l->busy = true;
	(void)pthread_mutex_unlock(&l->mutex);
}

void log_turn_end(struct ledger *l)
{
	(void)pthread_mutex_lock(&l->mutex);
	l->busy = false;
	(void)pthread_cond_broadcast(&l->changed);
	(void)pthread_mutex_unlock(&l->mutex);
}

void log_state_set(struct ledger *l, const struct state *next, const struct ledger_edge *edge)
{
	(void)pthread_mutex_lock(&l->mutex);
	if (next != &l->state)
		l->state = *next;
	if (edge != &l->edge)
		l->edge = *edge;
	(void)pthread_mutex_unlock(&l->mutex);
}

enum err_kind log_files_sync(struct ledger *l, struct err *e)
{
	enum err_kind kind = OK;

	for (unsigned file = 0; kind == OK && file < FILES; file++) {
		char name[FILE_NAME_MAX];

		if ((l->dirty & 1U << file) == 0)
			continue;
		log_file_name(file, name);
		kind = log_sync(l, name, e);
		if (kind == OK)
			l->dirty &= ~(1U << file);
	}
	return kind;
}

enum err_kind log_state_put(
	struct ledger *l, const struct state *next, const struct ledger_edge *edge, struct err *e)
{
	struct state s = *next;
	struct slice slot;
	uint8_t bytes[STATE_SLOT_BYTES];
	enum err_kind kind;

	/* A number is used once, also by what fails: a slot that was half written may be whole. */
	(void)pthread_mutex_lock(&l->mutex);
	s.sequence = ++l->state.sequence;
	(void)pthread_mutex_unlock(&l->mutex);
	state_write(&s, ledger_origin(l), bytes);
	slot = (struct slice){(char *)bytes, sizeof(bytes)};
	kind = log_write(l, "state", (uint64_t)(1 - l->slot) * STATE_SLOT_OFFSET, slot, e);
	if (kind == OK)
		kind = log_sync(l, "state", e);
	if (kind != OK) {
		l->unsure = true;
		return kind;
	}
	log_state_set(l, &s, edge);
	l->journal = 0;
	/* The other slot is a copy against decay, not against a crash: it need not be synced. */
	if (log_write(l, "state", (uint64_t)l->slot * STATE_SLOT_OFFSET, slot, NULL) != OK)
		l->unsure = true;
	l->slot = 1 - l->slot;
	return OK;
}

/* Cut a file to what the state vouches for, if it is longer. */
static enum err_kind file_cut(struct ledger *l, const char *name, uint64_t most, struct err *e)
{
	uint64_t bytes = 0;
	enum err_kind kind = log_file_size(l, name, &bytes, e);
	char *path;

	if (kind != OK || bytes <= most)
		return kind;
	path = path_of(l, name);
	kind = path == NULL ? no_memory(l, e) : l->disk.truncate(l->disk.context, path, most, e);
	free(path);
	return kind == OK ? log_sync(l, name, e) : kind;
}

enum err_kind log_tidy(struct ledger *l, struct err *e)
{
	uint64_t size = l->state.size;
	enum err_kind kind;

	if (!l->unsure && l->journal == 0)
		return OK;
	kind = *l->folder == '\0' ? OK : l->disk.make_folder(l->disk.context, l->folder, e);
	/* The state first: a slot, or a record, of a batch that failed must not outlive its bytes.
	 */
	if (kind == OK)
		kind = log_files_sync(l, e);
	if (kind == OK)
		kind = log_state_put(l, &l->state, &l->edge, e);
	if (kind != OK || !l->unsure)
		return kind;
	for (unsigned file = 0; kind == OK && file < FILES; file++) {
		uint64_t most = file == FILE_ENTRIES  ? size * ENTRY_BYTES
				: file == FILE_SALTS  ? size * LEDGER_SALT_LEN
				: file == FILE_PLACES ? size * PLACE_BYTES
				: file == FILE_CONTENTS
					? l->state.contents
					: hashes_count(size, file - FILE_HASHES) * HASH_LEN;
		char name[FILE_NAME_MAX];

		log_file_name(file, name);
		kind = file_cut(l, name, most, e);
	}
	if (kind == OK)
		l->unsure = false;
	return kind;
}

/* ---- open ------------------------------------------------------------------------------------ */

/* The newer whole slot. *ret_found false: none. */
static enum err_kind state_read(
	struct ledger *l, char ret_origin[NOTE_NAME_MAX + 1], bool *ret_found, struct err *e)
{
	*ret_found = false;
	for (unsigned i = 0; i < 2; i++) {
		uint8_t bytes[STATE_SLOT_BYTES];
		struct slice origin;
		struct state s;
		enum err_kind kind = log_read_sparse(
			l, "state", (uint64_t)i * STATE_SLOT_OFFSET, bytes, sizeof(bytes), e);

		if (kind != OK)
			return kind;
		if (!state_parse(bytes, &s, &origin) ||
			(*ret_found && s.sequence <= l->state.sequence))
			continue;
		l->state = s;
		l->slot = i;
		memcpy(ret_origin, origin.data, origin.len);
		ret_origin[origin.len] = '\0';
		*ret_found = true;
	}
	return OK;
}

/* Nothing was ever acknowledged here, or all that was is lost. */
static enum err_kind open_fresh(struct ledger *l, struct err *e)
{
	uint64_t bytes = 0;
	enum err_kind kind = log_file_size(l, "entries", &bytes, e);

	if (kind != OK)
		return kind;
	/* The state is written before the first entry. */
	if (bytes != 0)
		return err_set(e, ERR_CORRUPT,
			"log \"%s\": \"state\" has no whole slot, but \"entries\" has %llu bytes",
			l->folder, (unsigned long long)bytes);
	if (*l->origin == '\0')
		return err_set(e, ERR_USAGE, "log \"%s\": there is none, and no name for a new one",
			l->folder);
	ledger_hash_empty(l->state.root);
	return OK;
}

static enum err_kind file_reaches(struct ledger *l, const char *name, uint64_t bytes, struct err *e)
{
	uint64_t there = 0;
	enum err_kind kind = log_file_size(l, name, &there, e);

	if (kind == OK && there < bytes)
		return err_set(e, ERR_CORRUPT, "log \"%s\": \"%s\" ends at %llu, expected %llu",
			l->folder, name, (unsigned long long)there, (unsigned long long)bytes);
	return kind;
}

static enum err_kind open_existing(struct ledger *l, const char *origin, struct err *e)
{
	uint8_t root[HASH_LEN];
	enum err_kind kind;

	if (*l->origin != '\0' && strcmp(l->origin, origin) != 0)
		return err_set(e, ERR_CONFLICT, "log \"%s\" is that of \"%s\", not of \"%s\"",
			l->folder, origin, l->origin);
	(void)snprintf(l->origin, sizeof(l->origin), "%s", origin);
	kind = file_reaches(l, "entries", l->state.size * ENTRY_BYTES, e);
	for (unsigned level = 0; kind == OK && level < TILE_LEVELS; level++) {
		char name[FILE_NAME_MAX];

		hashes_name(level, name);
		kind = file_reaches(l, name, hashes_count(l->state.size, level) * HASH_LEN, e);
	}
	if (kind == OK)
		kind = file_reaches(l, "contents", l->state.contents, e);
	if (kind == OK)
		kind = log_edge(l, l->state.size, &l->edge, e);
	if (kind != OK)
		return kind;
	ledger_edge_root(&l->edge, root);
	if (memcmp(root, l->state.root, HASH_LEN) != 0)
		return err_set(e, ERR_CORRUPT,
			"log \"%s\": the hashes of %llu leaves do not lead to the root in "
			"\"state\"",
			l->folder, (unsigned long long)l->state.size);
	return log_journal_replay(l, e);
}

enum err_kind ledger_open(
	const struct ledger_options *options, struct ledger **ret_log, struct err *e)
{
	char origin[NOTE_NAME_MAX + 1];
	struct ledger *l;
	enum err_kind kind;
	bool found;

	if (options->origin.len > NOTE_NAME_MAX ||
		slice_find(options->origin, '\n', 0) != options->origin.len ||
		slice_find(options->origin, '\0', 0) != options->origin.len)
		return err_set(e, ERR_USAGE,
			"log \"%s\": its name must be one line of at most %d "
			"bytes",
			options->folder, NOTE_NAME_MAX);
	l = calloc(1, sizeof(*l));
	if (l == NULL || (l->folder = strdup(options->folder)) == NULL) {
		free(l);
		return err_set(e, ERR_NOMEM, "log \"%s\": out of memory", options->folder);
	}
	l->disk = *options->disk;
	l->world = options->world;
	l->last = &l->first;
	l->unsure = true;
	if (options->origin.len != 0)
		memcpy(l->origin, options->origin.data, options->origin.len);
	(void)pthread_mutex_init(&l->mutex, NULL);
	(void)pthread_cond_init(&l->changed, NULL);
	(void)pthread_rwlock_init(&l->openings, NULL);

	kind = state_read(l, origin, &found, e);
	if (kind == OK)
		kind = found ? open_existing(l, origin, e) : open_fresh(l, e);
	if (kind != OK) {
		ledger_close(l);
		return kind;
	}
	*ret_log = l;
	return OK;
}

void ledger_close(struct ledger *l)
{
	if (l == NULL)
		return;
	(void)pthread_rwlock_destroy(&l->openings);
	(void)pthread_cond_destroy(&l->changed);
	(void)pthread_mutex_destroy(&l->mutex);
	free(l->folder);
	free(l);
}

struct slice ledger_origin(const struct ledger *l)
{
	return slice_of(l->origin);
}

/* Reading takes the lock of a log that is const to the caller. */
static struct state state_now(const struct ledger *l)
{
	pthread_mutex_t *mutex = (pthread_mutex_t *)(uintptr_t)&l->mutex;
	struct state s;

	(void)pthread_mutex_lock(mutex);
	s = l->state;
	(void)pthread_mutex_unlock(mutex);
	return s;
}

uint64_t ledger_size(const struct ledger *l)
{
	return state_now(l).size;
}

uint64_t ledger_note(const struct ledger *l)
{
	return state_now(l).note;
}
