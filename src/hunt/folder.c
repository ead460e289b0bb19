/* SPDX-License-Identifier: MPL-2.0 */
/* The folder of filters: listing it, its key, the logs that it speaks of. */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".hunt"

/* ---- listing --------------------------------------------------------------------------------- */

/* TIME-RANDOM.hunt, and with six more characters behind a dot while it is being written. */
static bool name_is(const char *name, bool leftover)
{
	size_t digits = strspn(name, "0123456789");
	size_t len = strlen(name), whole = FOLDER_TIME_DIGITS + 1 + 16 + sizeof(SUFFIX) - 1;

	return digits == FOLDER_TIME_DIGITS && name[digits] == '-' &&
	       len == whole + (leftover ? 7 : 0) &&
	       strspn(name + digits + 1, "0123456789abcdef") == 16 &&
	       memcmp(name + whole - (sizeof(SUFFIX) - 1), SUFFIX, sizeof(SUFFIX) - 1) == 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool names_add(struct folder_names *n, const char *name)
{
	if (n->count == n->capacity) {
		size_t capacity = n->capacity == 0 ? 256 : 2 * n->capacity;
		char **grown = realloc(n->name, capacity * sizeof(*grown));

		if (grown == NULL)
			return false;
		n->name = grown;
		n->capacity = capacity;
	}
	n->name[n->count] = strdup(name);
	return n->name[n->count] != NULL && ++n->count > 0;
}

void folder_names_free(struct folder_names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->name[i]);
	free(n->name);
	*n = (struct folder_names){0};
}

enum err_kind folder_list(
	const char *folder, bool leftovers, struct folder_names *ret_names, struct err *e)
{
	struct folder_names n = {0};
	enum err_kind kind = OK;
	DIR *d = opendir(folder);

	if (d == NULL)
		return err_set(e, err_kind_of_errno(errno), "could not open folder \"%s\": %s",
			folder, strerror(errno));
	for (;;) {
		struct dirent *entry;

		errno = 0;
		entry = readdir(d);
		if (entry == NULL && errno != 0)
			kind = err_set(e, err_kind_of_errno(errno),
				"could not read folder \"%s\": %s", folder, strerror(errno));
		if (entry == NULL)
			break;
		if (!name_is(entry->d_name, leftovers))
			continue;
		if (n.count == FOLDER_SEGMENTS_MAX)
			kind = err_set(e, ERR_LIMIT, "folder \"%s\" has more than %d filters",
				folder, FOLDER_SEGMENTS_MAX);
		else if (!names_add(&n, entry->d_name))
			kind = err_set(e, ERR_NOMEM, "folder \"%s\": out of memory", folder);
		if (kind != OK)
			break;
	}
	(void)closedir(d);
	if (kind != OK) {
		folder_names_free(&n);
		return kind;
	}
	if (n.count > 1)
		qsort(n.name, n.count, sizeof(*n.name), by_name);
	*ret_names = n;
	return OK;
}

int64_t folder_name_time(const char *name)
{
	return (int64_t)strtoll(name, NULL, 10); /* clamps what no writer writes */
}

char *folder_path(const char *folder, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

/* ---- the key --------------------------------------------------------------------------------- */

static enum err_kind key_read(const char *path, struct keyer *ret_key, struct err *e)
{
	struct buf b = BUF_INIT;
	enum err_kind kind = file_read(path, KIB(1), &b, e);

	if (kind == OK && b.len != KEYER_BYTES)
		kind = err_set(e, ERR_CORRUPT, "key \"%s\" has %zu bytes, expected %d", path, b.len,
			KEYER_BYTES);
	if (kind == OK)
		keyer_init(ret_key, (const uint8_t *)b.data);
	if (b.data != NULL)
		secret_wipe(b.data, b.capacity);
	buf_fini(&b);
	return kind;
}

/* Beside it and linked: of two writers that begin at once the first one's key is everybody's. */
static enum err_kind key_make(
	const char *path, const struct world *world, struct keyer *ret_key, struct err *e)
{
	uint8_t secret[KEYER_BYTES];
	uint64_t number;
	enum err_kind kind;
	char *beside;

	world->random(world->context, secret, sizeof(secret));
	world->random(world->context, &number, sizeof(number));
	if (asprintf(&beside, "%s.%ld.%016llx", path, (long)getpid(), (unsigned long long)number) <
		0)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = file_write_atomic(
		beside, (struct slice){(const char *)secret, sizeof(secret)}, 0600, e);
	secret_wipe(secret, sizeof(secret));
	if (kind == OK) {
		if (link(beside, path) != 0 && errno != EEXIST)
			kind = err_set(e, err_kind_of_errno(errno), "could not make key \"%s\": %s",
				path, strerror(errno));
		(void)unlink(beside);
	}
	free(beside);
	return kind == OK ? key_read(path, ret_key, e) : kind;
}

enum err_kind folder_key(
	const char *folder, const struct world *world, struct keyer *ret_key, struct err *e)
{
	char *path = folder_path(folder, "key");
	enum err_kind kind;

	if (path == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (access(path, F_OK) == 0)
		kind = key_read(path, ret_key, e);
	else if (world != NULL)
		kind = key_make(path, world, ret_key, e);
	else
		kind = err_set(e, ERR_CORRUPT,
			"the filters of \"%s\" cannot be asked: their key \"%s\" is missing",
			folder, path);
	free(path);
	return kind;
}

/* ---- logs ------------------------------------------------------------------------------------ */

static bool look(
	const struct keyer *k, const char *path, uint32_t head_max, struct segment_log *ret_log)
{
	char head[SEGMENT_LOG_HEAD_MAX];
	struct stat st;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return false;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return false;
	}
	got = pread(fd, head, head_max, 0);
	(void)close(fd);
	if (got < 0)
		return false;
	*ret_log = (struct segment_log){
		.device = (uint64_t)st.st_dev,
		.inode = (uint64_t)st.st_ino,
		.size = (uint64_t)st.st_size,
		.head_len = (uint32_t)got,
		.head_hash = keyer_hash(k, FIELD_NONE, head, (size_t)got, false),
	};
	return true;
}

bool folder_log_look(const struct keyer *k, const char *path, struct segment_log *ret_log)
{
	return look(k, path, SEGMENT_LOG_HEAD_MAX, ret_log);
}

bool folder_log_same(const struct keyer *k, const char *path, const struct segment_log *then)
{
	struct segment_log now;

	return then->head_len <= SEGMENT_LOG_HEAD_MAX && look(k, path, then->head_len, &now) &&
	       now.device == then->device && now.inode == then->inode && now.size >= then->size &&
	       now.head_len == then->head_len && now.head_hash == then->head_hash;
}
