/* SPDX-License-Identifier: MPL-2.0 */
/* Looking after a folder of filters: how much there is, and forgetting what is old. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"

/* What the head of a file says; `head` lends the names. */
static enum err_kind head_read(const char *path, char head[SEGMENT_HEAD_MAX], struct stat *ret_stat,
	struct segment_facts *ret_facts, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err_kind kind = OK;
	struct segment_filters filters;
	ssize_t got = -1;

	if (fd < 0 || fstat(fd, ret_stat) != 0 || (got = pread(fd, head, SEGMENT_HEAD_MAX, 0)) < 0)
		kind = err_set(e, err_kind_of_errno(errno), "could not read \"%s\": %s", path,
			strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return kind != OK ? kind
			  : segment_head((struct slice){head, (size_t)got},
				    (uint64_t)ret_stat->st_size, ret_facts, &filters, e);
}

static void totals_add(struct hunt_totals *t, const struct segment_facts *f, const struct stat *st)
{
	t->segments++;
	t->records += f->records;
	t->log_bytes += f->bytes;
	t->filter_bytes += (uint64_t)st->st_size;
	if (f->first_us != TIME_UNKNOWN &&
		(t->first_us == TIME_UNKNOWN || f->first_us < t->first_us))
		t->first_us = f->first_us;
	if (f->last_us != TIME_UNKNOWN && f->last_us > t->last_us) /* TIME_UNKNOWN is the least */
		t->last_us = f->last_us;
}

enum err_kind hunt_totals(const char *folder, struct hunt_totals *ret_totals, struct err *e)
{
	struct hunt_totals t = {.first_us = TIME_UNKNOWN, .last_us = TIME_UNKNOWN};
	struct folder_names names;
	struct keyer key;
	enum err_kind kind = folder_list(folder, false, &names, e);

	if (kind != OK)
		return kind;
	if (names.count > 0)
		kind = folder_key(folder, NULL, &key, e);
	for (size_t i = 0; i < names.count && kind == OK; i++) {
		char head[SEGMENT_HEAD_MAX];
		char *path = folder_path(folder, names.name[i]);
		struct segment_facts facts;
		struct stat st;

		if (path == NULL)
			kind = err_set(e, ERR_NOMEM, "folder \"%s\": out of memory", folder);
		else if (head_read(path, head, &st, &facts, NULL) == OK && facts.key_id == key.id)
			totals_add(&t, &facts, &st);
		else if (access(path, F_OK) == 0) /* else pruned meanwhile */
			t.damaged++;
		free(path);
	}
	folder_names_free(&names);
	if (kind == OK)
		*ret_totals = t;
	return kind;
}

static bool ended_before(const char *path, int64_t before_us)
{
	char head[SEGMENT_HEAD_MAX];
	struct segment_facts facts;
	struct stat st;

	if (head_read(path, head, &st, &facts, NULL) == OK && facts.last_us != TIME_UNKNOWN)
		return facts.last_us < before_us;
	/* A file is written when its segment has ended. */
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       (int64_t)st.st_mtim.tv_sec < before_us / US_PER_SECOND;
}

static enum err_kind prune(
	const char *folder, bool leftovers, int64_t before_us, uint64_t *ret_removed, struct err *e)
{
	struct folder_names names;
	uint64_t removed = 0;
	enum err_kind kind = folder_list(folder, leftovers, &names, e);

	if (kind != OK)
		return kind;
	for (size_t i = 0; i < names.count && kind == OK; i++) {
		char *path = folder_path(folder, names.name[i]);
		bool old = path != NULL && ended_before(path, before_us);

		if (path == NULL)
			kind = err_set(e, ERR_NOMEM, "folder \"%s\": out of memory", folder);
		else if (old && unlink(path) == 0)
			removed++;
		else if (old && errno != ENOENT) /* another one may have been quicker */
			kind = err_set(e, err_kind_of_errno(errno), "could not remove \"%s\": %s",
				path, strerror(errno));
		free(path);
	}
	folder_names_free(&names);
	*ret_removed = removed;
	return kind;
}

enum err_kind hunt_prune(
	const char *folder, int64_t before_us, uint64_t *ret_removed, struct err *e)
{
	uint64_t removed = 0, leftovers = 0;
	enum err_kind kind = prune(folder, false, before_us, &removed, e);

	if (kind == OK)
		kind = prune(folder, true, before_us, &leftovers, e);
	if (kind == OK)
		*ret_removed = removed;
	return kind;
}
