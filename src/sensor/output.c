/* SPDX-License-Identifier: MPL-2.0 */
/* The file of findings: appended to whole lines at a time, synced before a place is kept. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inside.h"

#define PENDING_BYTES KIB(64)
#define KNOWN_MAX     100000 /* findings between two checkpoints; more are told twice */
#define TAIL_BYTES    MIB(64)

static int id_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct uuid));
}

bool output_line_id(struct slice line, struct uuid *ret_id)
{
	static const struct slice marks[] = {
		{"\"id\":\"",   6 },
                {"externalId=", 11}
        };

	for (size_t k = 0; k < COUNT_OF(marks); k++) {
		size_t at = slice_find_text(line, marks[k]);

		if (at < line.len && uuid_parse(slice_cut(line, at + marks[k].len,
							at + marks[k].len + UUID_TEXT_LEN),
					     ret_id))
			return true;
	}
	return false;
}

/* What stands behind the last checkpoint, and no half line at the end. */
static enum err_kind tail_read(
	struct output *o, uint64_t from, uint64_t size, bool known, struct err *e)
{
	struct buf tail = BUF_MAX(TAIL_BYTES);
	size_t want = size - from > TAIL_BYTES ? TAIL_BYTES : (size_t)(size - from);
	uint64_t start = size - want;
	char *to = buf_reserve(&tail, want + 1);
	struct slice rest, line;
	size_t got = 0;
	enum err_kind kind = OK;

	if (to == NULL)
		return err_set(e, ERR_NOMEM, "findings \"%s\": out of memory", o->path);
	while (got < want) {
		ssize_t n = pread(o->fd, to + got, want - got, (off_t)(start + got));

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	rest = (struct slice){to, got};
	while (got > 0 && to[got - 1] != '\n')
		got--;
	if (got < rest.len && ftruncate(o->fd, (off_t)(start + got)) != 0)
		kind = err_set(e, err_kind_of_errno(errno),
			"findings \"%s\": could not remove a half line: %s", o->path,
			strerror(errno));
	rest.len = got;
	if (known)
		o->known = calloc(KNOWN_MAX, sizeof(*o->known));
	while (o->known != NULL && o->known_count < KNOWN_MAX && slice_next(&rest, '\n', &line)) {
		/* what was told again (an update) is never asked about */
		if (slice_find_text(line, SLICE("\"update\":true")) == line.len &&
			output_line_id(line, &o->known[o->known_count]))
			o->known_count++;
	}
	if (o->known_count > 0)
		qsort(o->known, o->known_count, sizeof(*o->known), id_compare);
	buf_fini(&tail);
	return kind;
}

static enum err_kind file_open(struct output *o, struct err *e)
{
	if (o->path == NULL) {
		o->fd = STDOUT_FILENO;
		return OK;
	}
	o->fd = open(o->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (o->fd < 0)
		return err_set(e, err_kind_of_errno(errno), "could not open findings \"%s\": %s",
			o->path, strerror(errno));
	return OK;
}

enum err_kind output_open(struct output *o, const char *path, enum sensor_output form,
	const struct output_mark *synced, struct err *e)
{
	struct stat st;
	enum err_kind kind;

	*o = (struct output){.path = path == NULL || strcmp(path, "-") == 0 ? NULL : path,
		.fd = -1,
		.form = form};
	kind = file_open(o, e);
	if (kind != OK || o->path == NULL || fstat(o->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return kind;
	if (synced != NULL && st.st_dev == synced->device && st.st_ino == synced->inode &&
		(uint64_t)st.st_size >= synced->size) {
		o->catching_up = true;
		o->mark_device = synced->device;
		o->mark_inode = synced->inode;
		o->mark_size = synced->size;
		return tail_read(o, synced->size, (uint64_t)st.st_size, true, e);
	}
	return tail_read(o, (uint64_t)st.st_size > KIB(64) ? (uint64_t)st.st_size - KIB(64) : 0,
		(uint64_t)st.st_size, false, e);
}

enum err_kind output_reopen(struct output *o, struct err *e)
{
	int old = o->fd;
	enum err_kind kind;

	if (o->path == NULL)
		return OK;
	kind = output_flush(o, e);
	if (kind != OK)
		return kind;
	kind = file_open(o, e);
	if (kind == OK)
		close(old);
	else
		o->fd = old;
	return kind;
}

enum err_kind output_flush(struct output *o, struct err *e)
{
	size_t at = 0;

	while (at < o->pending.len) {
		ssize_t n = write(o->fd, o->pending.data + at, o->pending.len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int number = errno;

			/* What was written stays written: the rest is tried again. */
			memmove(o->pending.data, o->pending.data + at, o->pending.len - at);
			o->pending.len -= at;
			return err_set(e, err_kind_of_errno(number),
				"could not write findings%s%s: %s", o->path == NULL ? "" : " to ",
				o->path == NULL ? "" : o->path, strerror(number));
		}
		at += (size_t)n;
	}
	buf_clear(&o->pending);
	return OK;
}

enum err_kind output_finding(struct output *o, const struct finding *f, struct err *e)
{
	if (o->known_count > 0 && !f->update &&
		bsearch(&f->id, o->known, o->known_count, sizeof(f->id), id_compare) != NULL)
		return OK;
	finding_write(o->form, f, &o->pending);
	if (o->pending.bad)
		return err_set(e, ERR_NOMEM, "out of memory for a finding");
	o->written++;
	o->changed = true;
	return o->pending.len >= PENDING_BYTES ? output_flush(o, e) : OK;
}

enum err_kind output_line(struct output *o, struct slice line, bool *ret_told, struct err *e)
{
	struct uuid id;

	*ret_told = o->known_count == 0 || !output_line_id(line, &id) ||
		    bsearch(&id, o->known, o->known_count, sizeof(id), id_compare) == NULL;
	if (!*ret_told)
		return OK;
	buf_slice_append(&o->pending, line);
	buf_char(&o->pending, '\n');
	if (o->pending.bad)
		return err_set(e, ERR_NOMEM, "out of memory for a finding");
	o->written++;
	o->changed = true;
	return o->pending.len >= PENDING_BYTES ? output_flush(o, e) : OK;
}

enum err_kind output_sync(struct output *o, struct output_mark *ret_mark, struct err *e)
{
	struct stat st;
	enum err_kind kind = output_flush(o, e);

	if (kind != OK)
		return kind;
	*ret_mark = (struct output_mark){0};
	if (o->path == NULL || fstat(o->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return OK;
	if (o->changed && fdatasync(o->fd) != 0)
		return err_set(e, err_kind_of_errno(errno), "could not sync findings \"%s\": %s",
			o->path, strerror(errno));
	o->changed = false;
	*ret_mark = (struct output_mark){st.st_dev, st.st_ino, (uint64_t)st.st_size};
	if (o->catching_up && st.st_dev == o->mark_device && st.st_ino == o->mark_inode)
		ret_mark->size = o->mark_size;
	return OK;
}

void output_close(struct output *o)
{
	if (o->path != NULL && o->fd >= 0)
		close(o->fd);
	buf_fini(&o->pending);
	free(o->known);
	*o = (struct output){.fd = -1};
}
