/* SPDX-License-Identifier: MPL-2.0 */
/* Lines that C2SP's texts share, and the body of add-checkpoint, which is made of them. */
#include "inside.h"

bool line_take(struct slice *rest, struct slice *ret_line)
{
	size_t end = slice_find(*rest, '\n', 0);

	if (end == rest->len)
		return false;
	*ret_line = slice_cut(*rest, 0, end);
	*rest = slice_cut(*rest, end + 1, rest->len);
	return true;
}

bool line_number(struct slice line, const char *word, uint64_t *ret_value)
{
	struct slice head = slice_of(word);

	return slice_starts(line, head) && line.len > head.len && line.data[head.len] == ' ' &&
	       slice_to_u64(slice_cut(line, head.len + 1, line.len), ret_value);
}

static bool hash_parse(struct slice line, uint8_t ret_hash[HASH_LEN])
{
	struct buf bytes = BUF_MAX(HASH_LEN);
	bool fits = base64_decode(line, &bytes) && !bytes.bad && bytes.len == HASH_LEN;

	if (fits)
		memcpy(ret_hash, bytes.data, HASH_LEN);
	buf_fini(&bytes);
	return fits;
}

enum err_kind path_parse(
	struct slice *rest, const char *what, struct ledger_path *ret_path, struct err *e)
{
	struct slice line;

	ret_path->count = 0;
	while (line_take(rest, &line)) {
		if (line.len == 0)
			return OK;
		if (ret_path->count == LEDGER_PATH_MAX)
			return err_set(
				e, ERR_LIMIT, "%s: more than %d hashes", what, LEDGER_PATH_MAX);
		if (!hash_parse(line, ret_path->hashes[ret_path->count]))
			return err_set(e, ERR_PARSE, "%s: hash %u is no strict base64 of %d bytes",
				what, ret_path->count + 1, HASH_LEN);
		ret_path->count++;
	}
	return err_set(e, ERR_PARSE, "%s: ends before the empty line", what);
}

void path_write(const struct ledger_path *path, struct buf *out)
{
	for (unsigned i = 0; i < path->count; i++) {
		base64_append(out, path->hashes[i], HASH_LEN);
		buf_char(out, '\n');
	}
}

/* ---- add-checkpoint (tlog-witness) ----------------------------------------------------------- */

enum err_kind ledger_add_parse(struct slice body, struct ledger_add *ret_add, struct err *e)
{
	struct slice rest = body, line;
	enum err_kind kind;

	if (!line_take(&rest, &line) || !line_number(line, "old", &ret_add->old_size))
		return err_set(e, ERR_PARSE,
			"add-checkpoint: the first line is not \"old\" and a decimal number");
	kind = path_parse(&rest, "add-checkpoint", &ret_add->path, e);
	if (kind != OK)
		return kind;
	if (rest.len == 0)
		return err_set(e, ERR_PARSE, "add-checkpoint: no checkpoint");
	ret_add->checkpoint = rest;
	return OK;
}

void ledger_add_write(const struct ledger_add *add, struct buf *out)
{
	buf_text(out, "old ");
	buf_u64(out, add->old_size);
	buf_char(out, '\n');
	path_write(&add->path, out);
	buf_char(out, '\n');
	buf_slice_append(out, add->checkpoint);
}
