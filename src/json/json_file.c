/* SPDX-License-Identifier: MPL-2.0 */
/* A file's objects one after the other: what base reads, fed to the splitter as it wants more. */
#include <stdlib.h>

#include "json.h"

#define READ_BYTES KIB(512) /* at once; of unpacked text */

struct json_file {
	struct json_split *split;
	struct input *in;
	bool waits; /* the splitter wants more before it hands out anything */
	char bytes[READ_BYTES];
};

enum err_kind json_file_open(const char *path, struct json_file **ret_file, struct err *e)
{
	struct json_file *f = malloc(sizeof(*f)); /* not zeroed: mostly the room for what is read */
	enum err_kind kind;

	if (f == NULL)
		return err_set(e, ERR_NOMEM, "\"%s\": out of memory", path);
	f->in = NULL;
	f->waits = true;
	f->split = json_split_new(JSON_OBJECT_MAX);
	kind = f->split == NULL ? err_set(e, ERR_NOMEM, "\"%s\": out of memory", path)
				: input_open(path, &f->in, e);
	if (kind != OK) {
		json_file_close(f);
		return kind;
	}
	*ret_file = f;
	return OK;
}

void json_file_close(struct json_file *f)
{
	if (f == NULL)
		return;
	input_free(f->in);
	json_split_free(f->split);
	free(f);
}

enum err_kind json_file_next(struct json_file *f, enum json_split_kind *ret_kind,
	struct json_item *ret_item, struct err *e)
{
	for (;;) {
		enum err_kind kind;
		size_t got;

		if (f->waits) {
			kind = input_read(f->in, f->bytes, READ_BYTES, &got, e);
			if (kind != OK)
				return kind;
			if (got > 0)
				json_split_feed(f->split, (struct slice){f->bytes, got});
			else
				json_split_finish(f->split);
		}
		kind = json_split_next(f->split, ret_kind, ret_item, e);
		if (kind != OK)
			return kind;
		f->waits = *ret_kind == JSON_SPLIT_MORE;
		if (!f->waits)
			return OK;
	}
}

const struct input *json_file_input(const struct json_file *f)
{
	return f->in;
}

struct slice json_file_envelope(const struct json_file *f)
{
	return json_split_envelope(f->split);
}
