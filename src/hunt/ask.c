/* SPDX-License-Identifier: MPL-2.0 */
/* Asking a folder of filters: each file is read once, from its beginning to its end. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "question.h"

#define PROBES         64     /* keys whose cells are fetched at once */
#define NEIGHBOURS_MAX 100000 /* files beside a log that are looked at for its new name */
#define READ_STEP      MIB(1) /* bytes asked of the kernel at a time */
#define FILE_BYTES_MAX (UINT64_C(1) << 28) /* of a filter; HUNT_KEYS_MAX make 10 MB */

struct hunt {
	const char *folder;
	struct keyer key;
	struct asked asked;
	struct buf file;
	/* where a log that was renamed is now: of the log looked for last */
	uint64_t device, inode;
	char *moved;
};

/* ---- probing ------------------------------------------------------------------------------------
 */

struct probe {
	uint32_t at[3];
	uint16_t print;
};

/* Values of the question that the filter can hold. */
static size_t filter_probe(const struct asked *a, const struct fuse *f)
{
	uint64_t last = UINT64_MAX;
	size_t values = 0;

	for (size_t from = 0; from < a->count; from += PROBES) {
		size_t count = a->count - from < PROBES ? a->count - from : PROBES;
		struct probe probes[PROBES];

		for (size_t i = 0; i < count; i++) {
			struct probe *p = &probes[i];

			fuse_cells(f, a->key[from + i].key, p->at, &p->print);
			for (unsigned k = 0; k < 3; k++)
				__builtin_prefetch(&f->cell[p->at[k]]);
		}
		for (size_t i = 0; i < count; i++) {
			const struct probe *p = &probes[i];
			uint16_t sum = f->cell[p->at[0]] ^ f->cell[p->at[1]] ^ f->cell[p->at[2]];

			if (le16toh(sum) != p->print || a->key[from + i].value == last)
				continue;
			last = a->key[from + i].value;
			values++;
		}
	}
	return values + a->everywhere;
}

/* ---- reading ------------------------------------------------------------------------------------
 */

static enum err_kind filter_read(const char *path, struct buf *b, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err_kind kind = OK;
	struct stat st;

	buf_clear(b);
	if (fd < 0 || fstat(fd, &st) != 0) {
		kind = err_set(
			e, err_kind_of_errno(errno), "could not open it: %s", strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return kind;
	}
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > FILE_BYTES_MAX) {
		(void)close(fd);
		return err_set(e, ERR_CORRUPT, "no file of at most %llu bytes",
			(unsigned long long)FILE_BYTES_MAX);
	}
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (buf_reserve(b, (size_t)st.st_size + 1) == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	while (kind == OK && b->len < (size_t)st.st_size) {
		size_t want = (size_t)st.st_size - b->len;
		ssize_t got = read(fd, b->data + b->len, want < READ_STEP ? want : READ_STEP);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			kind = err_set(e, err_kind_of_errno(errno), "could not read it: %s",
				strerror(errno));
		if (got <= 0)
			break;
		b->len += (size_t)got;
	}
	(void)close(fd);
	return kind;
}

/* ---- where the log is now -----------------------------------------------------------------------
 */

/* Rotation renames within the folder: the file there that is the same one; NULL: none. */
static char *neighbour_find(const struct keyer *k, const char *path, const struct segment_log *log)
{
	const char *slash = strrchr(path, '/');
	char *folder, *found = NULL;
	DIR *d;

	if (slash == NULL)
		return NULL;
	folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	d = folder == NULL ? NULL : opendir(folder);
	for (unsigned i = 0; d != NULL && found == NULL && i < NEIGHBOURS_MAX; i++) {
		struct dirent *entry = readdir(d);

		if (entry == NULL)
			break;
		if ((uint64_t)entry->d_ino != log->inode)
			continue;
		found = folder_path(folder, entry->d_name);
		if (found != NULL && !folder_log_same(k, found, log)) {
			free(found);
			found = NULL;
		}
	}
	if (d != NULL)
		(void)closedir(d);
	free(folder);
	return found;
}

/* NULL: gone. */
static const char *log_find(struct hunt *h, const struct segment_facts *facts)
{
	if (facts->log.inode == 0)
		return NULL;
	if (folder_log_same(&h->key, facts->path, &facts->log))
		return facts->path;
	if (h->moved == NULL || h->device != facts->log.device || h->inode != facts->log.inode ||
		!folder_log_same(&h->key, h->moved, &facts->log)) {
		free(h->moved);
		h->device = facts->log.device;
		h->inode = facts->log.inode;
		h->moved = neighbour_find(&h->key, facts->path, &facts->log);
	}
	return h->moved;
}

/* ---- one segment --------------------------------------------------------------------------------
 */

/* False: nothing to tell. A file that went away meanwhile was pruned. */
static bool segment_ask(struct hunt *h, const char *name, struct hunt_segment *ret_segment,
	size_t *ret_values, struct err *why)
{
	struct segment_facts facts = {
		.path = "", .format = "", .first_us = TIME_UNKNOWN, .last_us = TIME_UNKNOWN};
	char *path = folder_path(h->folder, name);
	struct fuse f;
	enum err_kind kind;
	const char *now;
	bool missing;

	kind = path == NULL ? err_set(why, ERR_NOMEM, "out of memory")
			    : filter_read(path, &h->file, why);
	missing = path != NULL && kind != OK && access(path, F_OK) != 0 && errno == ENOENT;
	free(path);
	if (missing)
		return false;
	if (kind == OK)
		kind = segment_parse(buf_slice(&h->file), &facts, &f, why);
	if (kind == OK && facts.key_id != h->key.id)
		kind = err_set(why, ERR_CORRUPT, "it was written under another key");
	*ret_values = kind == OK ? filter_probe(&h->asked, &f) : 0;
	if (kind == OK && *ret_values == 0)
		return false;
	now = kind == OK ? log_find(h, &facts) : NULL;
	*ret_segment = (struct hunt_segment){
		.path = now != NULL ? now : facts.path,
		.format = facts.format,
		.first_record = facts.first_record,
		.records = facts.records,
		.offset = facts.offset,
		.bytes = facts.bytes,
		.first_us = facts.first_us,
		.last_us = facts.last_us,
		.gone = now == NULL,
		.damaged = kind != OK,
		.why = kind != OK ? why->text : "",
		.filter = name,
	};
	return true;
}

static uint64_t bytes_of(const char *folder, const struct folder_names *n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n->count; i++) {
		char *path = folder_path(folder, n->name[i]);
		struct stat st;

		if (path != NULL && stat(path, &st) == 0)
			total += (uint64_t)st.st_size;
		free(path);
	}
	return total;
}

enum err_kind hunt_ask(const char *folder, const struct hunt_question *q,
	bool (*found)(void *context, const struct hunt_segment *segment, size_t values),
	void (*progress)(void *context, uint64_t done, uint64_t total), void *context,
	struct err *e)
{
	struct hunt h = {.folder = folder};
	struct folder_names names;
	uint64_t done = 0, total;
	enum err_kind kind = folder_list(folder, false, &names, e);

	if (kind != OK)
		return kind;
	if (names.count > 0)
		kind = folder_key(folder, NULL, &h.key, e);
	if (kind == OK)
		kind = asked_of(q, &h.key, &h.asked, e);
	total = kind == OK && progress != NULL ? bytes_of(folder, &names) : 0;
	for (size_t i = 0; i < names.count && kind == OK; i++) {
		struct hunt_segment segment;
		struct err why;
		size_t values;

		if (segment_ask(&h, names.name[i], &segment, &values, &why) &&
			!found(context, &segment, values))
			break;
		done += h.file.len;
		if (progress != NULL)
			progress(context, done < total ? done : total, total);
	}
	secret_wipe(&h.key, sizeof(h.key));
	asked_fini(&h.asked);
	buf_fini(&h.file);
	free(h.moved);
	folder_names_free(&names);
	return kind;
}
