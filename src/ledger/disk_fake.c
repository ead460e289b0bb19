/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The disk of a log in memory, as bad as a disk may be: until a file is synced, a crash keeps of
 * each 512-byte block the old bytes or the new, and of the lengths anything between. Everything
 * follows from the seed.
 */
#include <pthread.h>
#include <stdlib.h>

#include "inside.h"
#include "ledger_testing.h"

#define BLOCK 512

struct fake_file {
	char *path;
	struct buf now;              /* what reads see */
	struct buf durable;          /* what a crash leaves at the least */
	bool is_durable;             /* its name is */
	size_t dirty_from, dirty_to; /* where `now` may differ from `durable` */
};

struct ledger_disk_fake {
	pthread_mutex_t mutex;
	struct fake_file *files;
	size_t count, capacity;
	uint64_t random;
	uint64_t calls, fail_at;
};

/* splitmix64 (Vigna, 2015) */
static uint64_t random_next(struct ledger_disk_fake *f)
{
	uint64_t z = f->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static struct fake_file *find(const struct ledger_disk_fake *f, const char *path)
{
	for (size_t i = 0; i < f->count; i++) {
		if (strcmp(f->files[i].path, path) == 0)
			return &f->files[i];
	}
	return NULL;
}

static struct fake_file *make(struct ledger_disk_fake *f, const char *path)
{
	struct fake_file *file = find(f, path);

	if (file != NULL)
		return file;
	if (f->count == f->capacity) {
		size_t capacity = f->capacity * 2 + 16;
		struct fake_file *grown = realloc(f->files, capacity * sizeof(*grown));

		if (grown == NULL)
			return NULL;
		f->files = grown;
		f->capacity = capacity;
	}
	file = &f->files[f->count];
	*file = (struct fake_file){.path = strdup(path)};
	if (file->path == NULL)
		return NULL;
	f->count++;
	return file;
}

/* Zeros behind the end. */
static bool buf_length(struct buf *b, size_t len)
{
	if (len > b->len) {
		char *to = buf_reserve(b, len - b->len);

		if (to == NULL)
			return false;
		memset(to, 0, len - b->len);
	}
	b->len = len;
	return true;
}

static bool buf_put(struct buf *b, size_t offset, struct slice bytes)
{
	if (offset + bytes.len > b->len && !buf_length(b, offset + bytes.len))
		return false;
	if (bytes.len != 0 && b->data != NULL)
		memcpy(b->data + offset, bytes.data, bytes.len);
	return true;
}

static void dirty(struct fake_file *file, size_t from, size_t to)
{
	if (file->dirty_from == file->dirty_to) {
		file->dirty_from = from;
		file->dirty_to = to;
		return;
	}
	if (from < file->dirty_from)
		file->dirty_from = from;
	if (to > file->dirty_to)
		file->dirty_to = to;
}

static enum err_kind no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory");
}

static bool failing(const struct ledger_disk_fake *f)
{
	return f->fail_at != 0 && f->calls >= f->fail_at;
}

static enum err_kind failed(const char *path, struct err *e)
{
	return err_set(e, ERR_IO, "could not reach \"%s\": the disk fails as it was told", path);
}

/* One more changing call. *ret_last: it is the first that fails, and may do half of its work. */
static bool counts(struct ledger_disk_fake *f, bool *ret_last)
{
	bool before = failing(f);

	f->calls++;
	*ret_last = !before && failing(f);
	return !failing(f);
}

static enum err_kind fake_size(void *context, const char *path, uint64_t *ret_bytes, struct err *e)
{
	struct ledger_disk_fake *f = context;
	struct fake_file *file;
	bool fails;

	(void)pthread_mutex_lock(&f->mutex);
	fails = failing(f);
	file = find(f, path);
	*ret_bytes = file == NULL ? 0 : file->now.len;
	(void)pthread_mutex_unlock(&f->mutex);
	return fails ? failed(path, e) : OK;
}

static enum err_kind fake_read(
	void *context, const char *path, uint64_t offset, void *to, size_t len, struct err *e)
{
	struct ledger_disk_fake *f = context;
	enum err_kind kind = OK;
	struct fake_file *file;

	(void)pthread_mutex_lock(&f->mutex);
	file = find(f, path);
	if (failing(f))
		kind = failed(path, e);
	else if (file == NULL)
		kind = err_set(e, ERR_IO, "could not open \"%s\": not there", path);
	else if (offset > file->now.len || len > file->now.len - offset)
		kind = err_set(e, ERR_CORRUPT, "\"%s\" ends at %zu, before %llu", path,
			file->now.len, offset_of(offset + len, 1));
	else if (len != 0)
		memcpy(to, file->now.data + offset, len);
	(void)pthread_mutex_unlock(&f->mutex);
	return kind;
}

/* How much of a write that fails comes to pass: a block whole or not at all. */
static size_t part_of(struct ledger_disk_fake *f, uint64_t offset, size_t len)
{
	uint64_t end = offset + random_next(f) % (len + 1);

	if ((random_next(f) & 1) != 0)
		return len;
	end -= end % BLOCK;
	return end > offset ? (size_t)(end - offset) : 0;
}

static enum err_kind fake_write(
	void *context, const char *path, uint64_t offset, struct slice bytes, struct err *e)
{
	struct ledger_disk_fake *f = context;
	enum err_kind kind = OK;
	struct fake_file *file;
	bool last;

	(void)pthread_mutex_lock(&f->mutex);
	if (!counts(f, &last)) {
		kind = failed(path, e);
		bytes.len = last ? part_of(f, offset, bytes.len) : 0;
	}
	file = kind == OK || last ? make(f, path) : NULL;
	if (file != NULL && buf_put(&file->now, offset, bytes))
		dirty(file, offset, offset + bytes.len);
	else if (kind == OK)
		kind = no_memory(e);
	(void)pthread_mutex_unlock(&f->mutex);
	return kind;
}

static enum err_kind fake_truncate(void *context, const char *path, uint64_t bytes, struct err *e)
{
	struct ledger_disk_fake *f = context;
	enum err_kind kind = OK;
	struct fake_file *file;
	bool last;

	(void)pthread_mutex_lock(&f->mutex);
	if (!counts(f, &last)) {
		kind = failed(path, e);
	} else {
		file = make(f, path);
		if (file == NULL)
			kind = no_memory(e);
		else {
			size_t before = file->now.len;

			if (!buf_length(&file->now, bytes))
				kind = no_memory(e);
			dirty(file, before < bytes ? before : bytes,
				before < bytes ? bytes : before);
		}
	}
	(void)pthread_mutex_unlock(&f->mutex);
	return kind;
}

static bool make_durable(struct fake_file *file)
{
	size_t from = file->dirty_from, to = file->dirty_to;

	if (to > file->now.len)
		to = file->now.len;
	if (!buf_length(&file->durable, file->now.len))
		return false;
	if (from < to)
		memcpy(file->durable.data + from, file->now.data + from, to - from);
	file->dirty_from = file->dirty_to = 0;
	file->is_durable = true;
	return true;
}

static enum err_kind fake_sync(void *context, const char *path, struct err *e)
{
	struct ledger_disk_fake *f = context;
	enum err_kind kind = OK;
	struct fake_file *file;
	bool last;

	(void)pthread_mutex_lock(&f->mutex);
	if (!counts(f, &last)) {
		kind = failed(path, e);
	} else {
		file = make(f, path);
		if (file == NULL || !make_durable(file))
			kind = no_memory(e);
	}
	(void)pthread_mutex_unlock(&f->mutex);
	return kind;
}

static enum err_kind fake_replace(
	void *context, const char *path, struct slice content, struct err *e)
{
	struct ledger_disk_fake *f = context;
	enum err_kind kind = OK;
	struct fake_file *file;
	bool last;

	(void)pthread_mutex_lock(&f->mutex);
	if (!counts(f, &last))
		kind = failed(path, e);
	/* A failing replace may have come to its end all the same. */
	if (kind == OK || (last && (random_next(f) & 1) != 0)) {
		file = make(f, path);
		if (file == NULL || !buf_length(&file->now, 0) ||
			!buf_put(&file->now, 0, content)) {
			kind = no_memory(e);
		} else {
			dirty(file, 0, content.len);
			if (!make_durable(file))
				kind = no_memory(e);
		}
	}
	(void)pthread_mutex_unlock(&f->mutex);
	return kind;
}

static enum err_kind fake_make_folder(void *context, const char *path, struct err *e)
{
	struct ledger_disk_fake *f = context;
	bool last, works;

	(void)pthread_mutex_lock(&f->mutex);
	works = counts(f, &last); /* folders are but part of a name here */
	(void)pthread_mutex_unlock(&f->mutex);
	return works ? OK : failed(path, e);
}

struct ledger_disk_fake *ledger_disk_fake_new(uint64_t seed)
{
	struct ledger_disk_fake *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	(void)pthread_mutex_init(&f->mutex, NULL);
	f->random = seed;
	return f;
}

static void file_fini(struct fake_file *file)
{
	free(file->path);
	buf_fini(&file->now);
	buf_fini(&file->durable);
}

void ledger_disk_fake_free(struct ledger_disk_fake *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->count; i++)
		file_fini(&f->files[i]);
	free(f->files);
	(void)pthread_mutex_destroy(&f->mutex);
	free(f);
}

struct ledger_disk ledger_disk_of_fake(struct ledger_disk_fake *f)
{
	return (struct ledger_disk){.size = fake_size,
		.read = fake_read,
		.write = fake_write,
		.truncate = fake_truncate,
		.sync = fake_sync,
		.replace = fake_replace,
		.make_folder = fake_make_folder,
		.context = f};
}

void ledger_disk_fake_fail_at(struct ledger_disk_fake *f, uint64_t n)
{
	f->calls = 0;
	f->fail_at = n;
}

uint64_t ledger_disk_fake_calls(const struct ledger_disk_fake *f)
{
	return f->calls;
}

static void file_crash(struct ledger_disk_fake *f, struct fake_file *file)
{
	size_t least = file->now.len < file->durable.len ? file->now.len : file->durable.len;
	size_t most = file->now.len < file->durable.len ? file->durable.len : file->now.len;
	size_t len;

	/* Old length, new length, or the end of a block between. */
	switch (random_next(f) % 3) {
	case 0:
		len = file->now.len;
		break;
	case 1:
		len = file->durable.len;
		break;
	default:
		len = least + random_next(f) % (most - least + 1) / BLOCK * BLOCK;
	}
	for (size_t at = file->dirty_from / BLOCK * BLOCK; at < file->dirty_to; at += BLOCK) {
		size_t end = at + BLOCK < file->now.len ? at + BLOCK : file->now.len;

		if ((random_next(f) & 1) != 0 || at >= end)
			continue;
		if (buf_length(&file->durable, file->durable.len < end ? end : file->durable.len))
			memcpy(file->durable.data + at, file->now.data + at, end - at);
	}
	(void)buf_length(&file->durable, len);
	file->now.len = 0;
	(void)buf_put(&file->now, 0, buf_slice(&file->durable));
	file->dirty_from = file->dirty_to = 0;
}

void ledger_disk_fake_crash(struct ledger_disk_fake *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->count; i++) {
		struct fake_file *file = &f->files[i];

		if (!file->is_durable && (random_next(f) & 1) != 0) {
			file_fini(file);
			continue;
		}
		file_crash(f, file);
		file->is_durable = true;
		f->files[kept++] = *file;
	}
	f->count = kept;
	f->fail_at = 0;
	f->calls = 0;
}

struct ledger_disk_fake *ledger_disk_fake_copy(const struct ledger_disk_fake *f)
{
	struct ledger_disk_fake *copy = ledger_disk_fake_new(f->random);

	for (size_t i = 0; copy != NULL && i < f->count; i++) {
		const struct fake_file *from = &f->files[i];
		struct fake_file *to = make(copy, from->path);

		if (to == NULL || !buf_put(&to->now, 0, buf_slice(&from->now)) ||
			!buf_put(&to->durable, 0, buf_slice(&from->durable))) {
			ledger_disk_fake_free(copy);
			return NULL;
		}
		to->is_durable = from->is_durable;
		to->dirty_from = from->dirty_from;
		to->dirty_to = from->dirty_to;
	}
	return copy;
}

bool ledger_disk_fake_flip(struct ledger_disk_fake *f, const char *path, uint64_t bit)
{
	struct fake_file *file = find(f, path);

	if (file == NULL || bit / 8 >= file->now.len)
		return false;
	file->now.data[bit / 8] ^= (char)(1 << bit % 8);
	if (bit / 8 < file->durable.len)
		file->durable.data[bit / 8] ^= (char)(1 << bit % 8);
	return true;
}
