/* SPDX-License-Identifier: MPL-2.0 */
/* A disk as the one in memory, that remembers what files there are, so that they can be searched.
 */
#include "coalition_testing.h"

static void path_note(struct node *n, const char *path)
{
	for (size_t i = 0; i < n->paths_count; i++) {
		if (strcmp(n->paths[i], path) == 0)
			return;
	}
	assert_true(n->paths_count < BENCH_PATHS);
	n->paths[n->paths_count++] = strdup(path);
}

static enum err_kind disk_size(void *context, const char *path, uint64_t *ret_bytes, struct err *e)
{
	struct node *n = context;

	return n->real.size(n->real.context, path, ret_bytes, e);
}

static enum err_kind disk_read(
	void *context, const char *path, uint64_t offset, void *to, size_t len, struct err *e)
{
	struct node *n = context;

	return n->real.read(n->real.context, path, offset, to, len, e);
}

static enum err_kind disk_write(
	void *context, const char *path, uint64_t offset, struct slice bytes, struct err *e)
{
	struct node *n = context;

	path_note(n, path);
	return n->real.write(n->real.context, path, offset, bytes, e);
}

static enum err_kind disk_truncate(void *context, const char *path, uint64_t bytes, struct err *e)
{
	struct node *n = context;

	return n->real.truncate(n->real.context, path, bytes, e);
}

static enum err_kind disk_sync(void *context, const char *path, struct err *e)
{
	struct node *n = context;

	return n->real.sync(n->real.context, path, e);
}

static enum err_kind disk_replace(
	void *context, const char *path, struct slice content, struct err *e)
{
	struct node *n = context;

	path_note(n, path);
	return n->real.replace(n->real.context, path, content, e);
}

static enum err_kind disk_make_folder(void *context, const char *path, struct err *e)
{
	struct node *n = context;

	return n->real.make_folder(n->real.context, path, e);
}

void node_file(struct node *n, const char *path, struct buf *out)
{
	uint64_t bytes = 0;

	buf_clear(out);
	MUST(n->real.size(n->real.context, path, &bytes, &e));
	if (bytes == 0)
		return;
	assert_non_null(buf_reserve(out, (size_t)bytes));
	MUST(n->real.read(n->real.context, path, 0, out->data, (size_t)bytes, &e));
	out->len = (size_t)bytes;
}

bool node_disk_has(struct node *n, struct slice bytes)
{
	struct buf file = BUF_INIT;
	bool has = false;

	for (size_t i = 0; i < n->paths_count && !has; i++) {
		node_file(n, n->paths[i], &file);
		has = file.len >= bytes.len &&
		      memmem(file.data, file.len, bytes.data, bytes.len) != NULL;
	}
	buf_fini(&file);
	return has;
}

struct ledger_disk node_disk_of(struct node *n)
{
	return (struct ledger_disk){disk_size, disk_read, disk_write, disk_truncate, disk_sync,
		disk_replace, disk_make_folder, n};
}
