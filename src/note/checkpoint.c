/* SPDX-License-Identifier: MPL-2.0 */
/* The text of a checkpoint (c2sp.org/tlog-checkpoint), without extension lines. */
#include "parts.h"

enum err_kind note_checkpoint_parse(
	struct slice text, struct note_checkpoint *ret_checkpoint, struct err *e)
{
	size_t first = slice_find(text, '\n', 0);
	size_t second = slice_find(text, '\n', first + 1);
	size_t third = slice_find(text, '\n', second + 1);
	struct slice size = slice_cut(text, first + 1, second);
	struct note_checkpoint c = {.origin = slice_cut(text, 0, first)};

	if (third + 1 != text.len)
		return err_set(e, ERR_PARSE, "checkpoint: not three lines, each with its newline");
	if (c.origin.len == 0 || !text_clean(c.origin))
		return err_set(e, ERR_PARSE,
			"checkpoint: its origin is empty, not UTF-8, or has control bytes");
	if (!slice_to_u64(size, &c.size))
		return err_set(e, ERR_PARSE,
			"checkpoint: its size is \"%.*s\", expected a decimal "
			"number below 2^64",
			SLICE_ARG(size));
	if (!base64_exact(slice_cut(text, second + 1, third), c.root, sizeof(c.root)))
		return err_set(e, ERR_PARSE,
			"checkpoint: its root is not canonical base64 of %d bytes", NOTE_HASH_LEN);
	*ret_checkpoint = c;
	return OK;
}

void note_checkpoint_format(const struct note_checkpoint *c, struct buf *out)
{
	buf_slice_append(out, c->origin);
	buf_char(out, '\n');
	buf_u64(out, c->size);
	buf_char(out, '\n');
	base64_append(out, c->root, sizeof(c->root));
	buf_char(out, '\n');
}
