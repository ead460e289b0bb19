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
#define AHEAD_FILES    4      /* that the kernel is asked for while another one is looked at */
#define AHEAD_BYTES    MIB(1) /* of each, until one was read */
#define FILE_BYTES_MAX (UINT64_C(1) << 28) /* of a filter; HUNT_KEYS_MAX make 10 MB */

struct hunt {
	const char *folder;
	struct keyer key;
	struct asked asked;
	struct buf file;
	/* where a log that was renamed is now: of the log looked for last */
	uint64_t device, inode;
	char *moved;
	size_t ahead;  /* bytes that were needed of the last file, and probably of the next */
	uint64_t size; /* of the file at hand */
};

/* ---- reading --------------------------------------------------------------------------------- */

/* A filter's file as far as it was read. */
struct filter {
	int fd;
	struct buf *file;
	struct segment_facts facts;
	struct segment_filters filters;
};

static enum err_kind filter_open(const char *path, int *ret_fd, uint64_t *ret_size, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0) {
		enum err_kind kind = err_set(
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
	*ret_fd = fd;
	*ret_size = (uint64_t)st.st_size;
	return OK;
}

/* On from where reading stopped up to `to`, or the file's end. */
static enum err_kind filter_read(int fd, size_t to, struct buf *b, struct err *e)
{
	if (buf_reserve(b, to > b->len ? to - b->len : 1) == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	while (b->len < to) {
		ssize_t got = pread(fd, b->data + b->len, to - b->len, (off_t)b->len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(e, err_kind_of_errno(errno), "could not read it: %s",
				strerror(errno));
		if (got == 0)
			break;
		b->len += (size_t)got;
	}
	return OK;
}

/* Head and strong part; what more is needed, filter_weak reads. */
static enum err_kind filter_begin(struct hunt *h, uint64_t size, struct filter *f, struct err *e)
{
	enum err_kind kind;

	buf_clear(f->file);
	(void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_RANDOM); /* nothing behind what is asked for */
	kind = filter_read(f->fd, h->ahead < size ? h->ahead : size, f->file, e);
	if (kind == OK)
		kind = segment_head(slice_cut(buf_slice(f->file), 0, SEGMENT_HEAD_MAX), size,
			&f->facts, &f->filters, e);
	if (kind != OK)
		return kind;
	if (f->facts.key_id != h->key.id)
		return err_set(e, ERR_CORRUPT, "it was written under another key");
	kind = filter_read(f->fd, f->filters.weak_at, f->file, e);
	if (kind == OK)
		kind = segment_part(buf_slice(f->file), TIER_STRONG, &f->filters, e);
	/* The names are in memory that may have moved. */
	f->facts.path = f->file->data + SEGMENT_HEADER;
	f->facts.format = f->facts.path + strlen(f->facts.path) + 1;
	h->ahead = f->filters.weak_at > SEGMENT_HEAD_MAX ? f->filters.weak_at : SEGMENT_HEAD_MAX;
	return kind;
}

static enum err_kind filter_weak(struct filter *f, struct err *e)
{
	enum err_kind kind = filter_read(f->fd, f->filters.weak_end, f->file, e);

	f->facts.path = f->file->data + SEGMENT_HEADER;
	f->facts.format = f->facts.path + strlen(f->facts.path) + 1;
	if (kind == OK) /* both: the bytes may have moved */
		kind = segment_part(buf_slice(f->file), TIER_STRONG, &f->filters, e);
	return kind == OK ? segment_part(buf_slice(f->file), TIER_WEAK, &f->filters, e) : kind;
}

/* The next files come from the disk while this one is looked at. */
static void filter_ahead(const struct hunt *h, const char *name)
{
	char *path = folder_path(h->folder, name);
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)posix_fadvise(fd, 0, (off_t)h->ahead, POSIX_FADV_WILLNEED);
		(void)close(fd);
	}
	free(path);
}

/* ---- probing --------------------------------------------------------------------------------- */

/* Can the strong part alone hold it? p: of its key. */
static bool strong_holds(
	const struct segment_filters *s, const struct asked_key *a, const struct fuse_probe *p)
{
	if (s->networks != NULL && a->in_network) {
		if ((s->networks[a->network >> 3] >> (a->network & 7) & 1) == 0)
			return false;
		if (a->only_network)
			return true;
	}
	return s->tier[TIER_STRONG].cells > 0 && fuse_holds(&s->tier[TIER_STRONG], p);
}

/* And the names below? The weak part is read when it is needed. */
static enum err_kind below_holds(struct filter *f, const struct asked *asked,
	const struct asked_key *a, bool *ret_holds, struct err *e)
{
	enum err_kind kind = OK;

	*ret_holds = true;
	for (unsigned i = 0; i < a->below_count && *ret_holds && kind == OK; i++) {
		const struct asked_below *b = &asked->below[a->below + i];

		if (b->tier == TIER_WEAK && f->filters.tier[TIER_WEAK].cell == NULL)
			kind = filter_weak(f, e);
		*ret_holds = kind == OK && f->filters.tier[b->tier].cells > 0 &&
			     fuse_has(&f->filters.tier[b->tier], b->key);
	}
	return kind;
}

/* Values of the question that the filters can hold. */
static enum err_kind filter_probe(
	struct filter *f, const struct asked *a, size_t *ret_values, struct err *e)
{
	const struct fuse *strong = &f->filters.tier[TIER_STRONG];
	uint64_t last = UINT64_MAX;
	size_t values = 0;

	for (size_t from = 0; from < a->count; from += PROBES) {
		size_t count = a->count - from < PROBES ? a->count - from : PROBES;
		struct fuse_probe probes[PROBES];

		for (size_t i = 0; i < count && strong->cells > 0; i++) {
			probes[i] = fuse_probe(strong, a->key[from + i].key);
			fuse_fetch(strong, &probes[i]);
		}
		for (size_t i = 0; i < count; i++) {
			const struct asked_key *k = &a->key[from + i];
			enum err_kind kind;
			bool holds;

			if (k->value == last || !strong_holds(&f->filters, k, &probes[i]))
				continue;
			kind = below_holds(f, a, k, &holds, e);
			if (kind != OK)
				return kind;
			if (!holds)
				continue;
			last = k->value;
			values++;
		}
	}
	*ret_values = values + a->everywhere;
	return OK;
}

/* ---- where the log is now -------------------------------------------------------------------- */

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

/* ---- one segment ----------------------------------------------------------------------------- */

/* False: nothing to tell. A file that went away meanwhile was pruned. */
static bool segment_ask(struct hunt *h, const char *name, struct hunt_segment *ret_segment,
	size_t *ret_values, struct err *why)
{
	struct filter f = {.fd = -1, .file = &h->file};
	char *path = folder_path(h->folder, name);
	enum err_kind kind;
	const char *now;
	bool missing;

	f.facts = (struct segment_facts){
		.path = "", .format = "", .first_us = TIME_UNKNOWN, .last_us = TIME_UNKNOWN};
	kind = path == NULL ? err_set(why, ERR_NOMEM, "out of memory")
			    : filter_open(path, &f.fd, &h->size, why);
	if (kind == OK)
		kind = filter_begin(h, h->size, &f, why);
	missing = path != NULL && kind != OK && access(path, F_OK) != 0 && errno == ENOENT;
	free(path);
	if (kind == OK)
		kind = filter_probe(&f, &h->asked, ret_values, why);
	if (f.fd >= 0)
		(void)close(f.fd);
	if (missing || (kind == OK && *ret_values == 0))
		return false;
	if (kind != OK)
		*ret_values = 0;
	now = kind == OK ? log_find(h, &f.facts) : NULL;
	*ret_segment = (struct hunt_segment){
		.path = now != NULL ? now : f.facts.path,
		.format = f.facts.format,
		.first_record = f.facts.first_record,
		.records = f.facts.records,
		.offset = f.facts.offset,
		.bytes = f.facts.bytes,
		.first_us = f.facts.first_us,
		.last_us = f.facts.last_us,
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
	struct hunt h = {.folder = folder, .ahead = AHEAD_BYTES};
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
		size_t values = 0;

		for (size_t k = i == 0 ? 1 : AHEAD_FILES; k <= AHEAD_FILES; k++) {
			if (i + k < names.count)
				filter_ahead(&h, names.name[i + k]);
		}
		if (segment_ask(&h, names.name[i], &segment, &values, &why) &&
			!found(context, &segment, values))
			break;
		done += h.size;
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
