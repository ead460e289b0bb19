/* SPDX-License-Identifier: MPL-2.0 */
/* Tiles: slices of the log's own files under the names of C2SP tlog-tiles. */
#include <stdlib.h>

#include "inside.h"

#define TILE_LEVEL_MAX  63                  /* tlog-tiles, "Merkle Tree" */
#define TILE_NUMBER_MAX (UINT64_C(1) << 56) /* of tiles of 2^8 below 2^64 leaves */

/* ---- names ----------------------------------------------------------------------------------- */

void ledger_tile_path(int level, uint64_t number, unsigned width, struct buf *out)
{
	uint64_t group = 1;

	if (level < 0)
		buf_text(out, "tile/entries/");
	else
		buf_printf(out, "tile/%d/", level);
	while (number / group >= 1000)
		group *= 1000;
	for (; group > 1; group /= 1000)
		buf_printf(out, "x%03u/", (unsigned)(number / group % 1000));
	buf_printf(out, "%03u", (unsigned)(number % 1000));
	if (width != LEDGER_TILE)
		buf_printf(out, ".p/%u", width);
}

static enum err_kind no_tile(struct slice path, struct err *e)
{
	return err_set(e, ERR_PARSE, "\"%.*s\" is no path of a tile", SLICE_ARG(path));
}

/* Three digits. */
static bool group_parse(struct slice text, uint64_t *number)
{
	if (text.len != 3)
		return false;
	*number *= 1000;
	for (unsigned i = 0, place = 100; i < 3; i++, place /= 10) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		*number += (uint64_t)(text.data[i] - '0') * place;
	}
	return true;
}

static bool number_parse(struct slice *rest, uint64_t *ret_number)
{
	struct slice part;

	*ret_number = 0;
	while (slice_next(rest, '/', &part)) {
		if (part.len == 0 || part.data[0] != 'x') {
			/* The last group; what follows it is a width. */
			if (slice_ends(part, SLICE(".p"))) {
				part.len -= 2;
				return rest->len != 0 && group_parse(part, ret_number);
			}
			return rest->data == NULL && group_parse(part, ret_number);
		}
		if (*ret_number > TILE_NUMBER_MAX / 1000 ||
			!group_parse(slice_cut(part, 1, part.len), ret_number))
			return false;
	}
	return false;
}

enum err_kind ledger_tile_parse(
	struct slice path, int *ret_level, uint64_t *ret_number, unsigned *ret_width, struct err *e)
{
	struct slice rest = path, part;
	uint64_t level = 0, number, width = LEDGER_TILE;
	struct buf again = BUF_INIT;
	bool same;

	if (!slice_next(&rest, '/', &part) || !slice_is(part, "tile") ||
		!slice_next(&rest, '/', &part))
		return no_tile(path, e);
	if (!slice_is(part, "entries") && (!slice_to_u64(part, &level) || level > TILE_LEVEL_MAX))
		return no_tile(path, e);
	*ret_level = slice_is(part, "entries") ? -1 : (int)level;
	if (!number_parse(&rest, &number))
		return no_tile(path, e);
	if (rest.len != 0 && (!slice_to_u64(rest, &width) || width == 0 || width >= LEDGER_TILE))
		return no_tile(path, e);
	/* One name a tile: whatever was read is what is written. */
	ledger_tile_path(*ret_level, number, (unsigned)width, &again);
	same = !again.bad && slice_equal(buf_slice(&again), path);
	buf_fini(&again);
	if (!same)
		return no_tile(path, e);
	*ret_number = number;
	*ret_width = (unsigned)width;
	return OK;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static enum err_kind tile_read(struct ledger *l, int level, uint64_t number, unsigned width,
	struct buf *out, struct err *e)
{
	size_t record = level < 0 ? ENTRY_BYTES : HASH_LEN;
	char name[FILE_NAME_MAX] = "entries";
	char *to = buf_reserve(out, width * record);
	enum err_kind kind;

	if (to == NULL)
		return err_set(e, ERR_NOMEM, "log \"%s\": no room for a tile", l->folder);
	if (level >= 0)
		hashes_name((unsigned)level, name);
	kind = log_read(l, name, number * LEDGER_TILE * record, to, width * record, e);
	if (kind == OK)
		out->len += width * record;
	return kind;
}

enum err_kind ledger_tile_get(struct ledger *l, uint64_t size, int level, uint64_t number,
	unsigned width, struct buf *out, bool *ret_found, struct err *e)
{
	uint64_t count;

	*ret_found = false;
	if (size > ledger_size(l))
		return err_set(e, ERR_USAGE, "log \"%s\": tiles of %llu leaves, it has %llu",
			l->folder, (unsigned long long)size, (unsigned long long)ledger_size(l));
	if (level < -1 || level >= TILE_LEVELS || width == 0 || width > LEDGER_TILE)
		return OK;
	count = hashes_count(size, level < 0 ? 0 : (unsigned)level);
	/* Narrower ones are those of smaller trees; they are the beginning of the same bytes. */
	if (number > count / LEDGER_TILE || count - number * LEDGER_TILE < width)
		return OK;
	*ret_found = true;
	return tile_read(l, level, number, width, out, e);
}

/* ---- static files ---------------------------------------------------------------------------- */

struct export
{
	struct ledger *l;
	const struct ledger_disk *to;
	const char *folder;
};

static char *export_path(const struct export *x, struct slice name)
{
	char *path;

	return asprintf(&path, "%s%s%.*s", x->folder, *x->folder == '\0' ? "" : "/",
		       SLICE_ARG(name)) < 0
		       ? NULL
		       : path;
}

static enum err_kind tile_export(const struct export *x, int level, uint64_t number, unsigned width,
	struct buf *bytes, struct err *e)
{
	struct buf name = BUF_INIT;
	enum err_kind kind;
	uint64_t there = 0;
	char *path;

	ledger_tile_path(level, number, width, &name);
	path = name.bad ? NULL : export_path(x, buf_slice(&name));
	buf_fini(&name);
	if (path == NULL)
		return err_set(e, ERR_NOMEM, "log \"%s\": out of memory", x->l->folder);
	kind = x->to->size(x->to->context, path, &there, e);
	if (kind == OK && there != width * (level < 0 ? ENTRY_BYTES : HASH_LEN)) {
		buf_clear(bytes);
		kind = tile_read(x->l, level, number, width, bytes, e);
		if (kind == OK)
			kind = x->to->replace(x->to->context, path, buf_slice(bytes), e);
	}
	free(path);
	return kind;
}

static enum err_kind level_export(const struct export *x, int level, uint64_t count, struct err *e)
{
	struct buf bytes = BUF_INIT;
	enum err_kind kind = OK;

	for (uint64_t n = 0; kind == OK && n < count / LEDGER_TILE; n++)
		kind = tile_export(x, level, n, LEDGER_TILE, &bytes, e);
	if (kind == OK && count % LEDGER_TILE != 0)
		kind = tile_export(
			x, level, count / LEDGER_TILE, (unsigned)(count % LEDGER_TILE), &bytes, e);
	buf_fini(&bytes);
	return kind;
}

/* The checkpoint last: whoever sees it finds its tiles. */
static enum err_kind tiles_export(
	const struct export *x, uint64_t size, struct slice note, struct err *e)
{
	enum err_kind kind = level_export(x, -1, size, e);
	char *path;

	for (unsigned level = 0; kind == OK && level < TILE_LEVELS; level++)
		kind = level_export(x, (int)level, hashes_count(size, level), e);
	if (kind != OK || note.len == 0)
		return kind;
	path = export_path(x, SLICE("checkpoint"));
	if (path == NULL)
		return err_set(e, ERR_NOMEM, "log \"%s\": out of memory", x->l->folder);
	kind = x->to->replace(x->to->context, path, note, e);
	free(path);
	return kind;
}

enum err_kind ledger_tiles_export(
	struct ledger *l, const struct ledger_disk *to, const char *folder, struct err *e)
{
	struct export x = {l, to, folder};
	struct note_checkpoint checkpoint = {0};
	struct buf note = BUF_INIT;
	uint64_t size = ledger_size(l);
	enum err_kind kind = ledger_checkpoint_get(l, &note, e);

	if (kind == OK && note.len > 0) {
		kind = checkpoint_of_note(buf_slice(&note), &checkpoint, e);
		if (kind == OK && checkpoint.size > size)
			kind = err_set(e, ERR_CORRUPT,
				"log \"%s\": \"checkpoint\" is of %llu leaves, there are %llu",
				l->folder, (unsigned long long)checkpoint.size,
				(unsigned long long)size);
		else if (kind == OK)
			size = checkpoint.size;
	}
	if (kind == OK)
		kind = tiles_export(&x, size, buf_slice(&note), e);
	buf_fini(&note);
	return kind;
}

enum err_kind ledger_tiles_write(struct ledger *l, const char *folder, struct err *e)
{
	return ledger_tiles_export(l, &l->disk, folder, e);
}

/* ---- the signed checkpoint ------------------------------------------------------------------- */

/* The text of a note up to its empty line is a checkpoint; signatures are the caller's matter. */
enum err_kind checkpoint_of_note(
	struct slice bytes, struct note_checkpoint *ret_checkpoint, struct err *e)
{
	struct arena *a = arena_new(NOTE_ARENA_BYTES);
	struct note note;
	enum err_kind kind;

	if (a == NULL)
		return err_set(e, ERR_NOMEM, "checkpoint: out of memory");
	kind = note_parse(bytes, a, &note, e);
	if (kind == OK)
		kind = note_checkpoint_parse(note.text, ret_checkpoint, e);
	arena_free(a);
	return kind;
}

/* Under l->openings, so that length and bytes are of one file. */
static enum err_kind checkpoint_read(struct ledger *l, struct buf *out, struct err *e)
{
	uint64_t bytes = 0;
	enum err_kind kind = log_file_size(l, "checkpoint", &bytes, e);
	char *to;

	if (kind != OK || bytes == 0)
		return kind;
	if (bytes > NOTE_BYTES_MAX)
		return err_set(e, ERR_CORRUPT, "log \"%s\": \"checkpoint\" has %llu bytes",
			l->folder, (unsigned long long)bytes);
	to = buf_reserve(out, (size_t)bytes);
	if (to == NULL)
		return err_set(e, ERR_NOMEM, "log \"%s\": out of memory", l->folder);
	kind = log_read(l, "checkpoint", 0, to, (size_t)bytes, e);
	if (kind == OK)
		out->len += (size_t)bytes;
	return kind;
}

enum err_kind ledger_checkpoint_get(struct ledger *l, struct buf *out, struct err *e)
{
	enum err_kind kind;

	(void)pthread_rwlock_rdlock(&l->openings);
	kind = checkpoint_read(l, out, e);
	(void)pthread_rwlock_unlock(&l->openings);
	return kind;
}

enum err_kind ledger_checkpoint_put(struct ledger *l, struct slice note, struct err *e)
{
	struct note_checkpoint checkpoint = {0};
	uint8_t root[HASH_LEN];
	enum err_kind kind = checkpoint_of_note(note, &checkpoint, e);

	if (kind != OK)
		return kind;
	if (!slice_equal(checkpoint.origin, ledger_origin(l)))
		return err_set(e, ERR_INVALID, "log \"%s\": the checkpoint is that of \"%.*s\"",
			l->folder, SLICE_ARG(checkpoint.origin));
	kind = ledger_root(l, checkpoint.size, root, e);
	if (kind == OK && memcmp(root, checkpoint.root, HASH_LEN) != 0)
		kind = err_set(e, ERR_CONFLICT,
			"log \"%s\": the checkpoint of %llu leaves has another root than they",
			l->folder, (unsigned long long)checkpoint.size);
	if (kind != OK)
		return kind;
	log_turn(l);
	kind = log_tidy(l, e);
	if (kind == OK) {
		(void)pthread_rwlock_wrlock(&l->openings);
		kind = log_replace(l, "checkpoint", note, e);
		(void)pthread_rwlock_unlock(&l->openings);
	}
	log_turn_end(l);
	return kind;
}
