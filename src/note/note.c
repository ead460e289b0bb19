/* SPDX-License-Identifier: MPL-2.0 */
/* Notes taken apart, verified and written (c2sp.org/signed-note, c2sp.org/tlog-cosignature). */
#include <assert.h>

#include "parts.h"

#define DASH            "\xe2\x80\x94 " /* U+2014 and a space begin a signature line */
#define COSIGNED_HEAD   "cosignature/v1\ntime "
#define COSIGNED_MAX    (sizeof(COSIGNED_HEAD) + 20) /* with 20 digits and a newline */
#define COSIGNATURE_LEN (8 + NOTE_ED_LEN)            /* time u64be, signature */

/* base64 of the longest signature and its key id, which fills whole groups. */
#define LINE_BYTES_MAX (NOTE_KEY_ID_LEN + NOTE_SIGNATURE_MAX)
#define LINE_TEXT_MAX  (LINE_BYTES_MAX / 3 * 4)
_Static_assert(LINE_BYTES_MAX % 3 == 0, "else the length of the text would not tell the limit");

/* ---- taking apart ---------------------------------------------------------------------------- */

/* Index of the newline that ends the text; false: no empty line. */
static bool last_empty_line(struct slice bytes, size_t *ret_at)
{
	for (size_t i = bytes.len; i-- > 1;) {
		if (bytes.data[i] == '\n' && bytes.data[i - 1] == '\n') {
			*ret_at = i - 1;
			return true;
		}
	}
	return false;
}

/* number: of the line, for people; from 1. */
static enum err_kind line_parse(struct slice line, size_t number, struct arena *a,
	struct note_signature *ret, struct err *e)
{
	struct slice body = slice_cut(line, sizeof(DASH) - 1, line.len - 1);
	size_t space = slice_find(body, ' ', 0);
	struct slice name = slice_cut(body, 0, space);
	struct slice text = slice_cut(body, space + 1, body.len);
	size_t room = text.len / 4 * 3;
	struct buf bytes = {.capacity = room, .bytes_max = room};

	if (!slice_starts(line, SLICE(DASH)))
		return err_set(e, ERR_PARSE,
			"note: signature line %zu does not begin with U+2014 and a space", number);
	if (!note_name_valid(name))
		return err_set(e, ERR_PARSE,
			"note: signature line %zu: a name is 1 to %d bytes without spaces and '+'",
			number, NOTE_NAME_MAX);
	if (text.len > LINE_TEXT_MAX)
		return err_set(e, ERR_LIMIT, "note: signature line %zu is longer than %d bytes",
			number, NOTE_SIGNATURE_MAX);
	bytes.data = arena_alloc(a, room + 1);
	if (bytes.data == NULL)
		return err_set(e, ERR_NOMEM, "note: out of memory");
	if (!base64_decode(text, &bytes) || bytes.len <= NOTE_KEY_ID_LEN)
		return err_set(e, ERR_PARSE,
			"note: signature line %zu: expected canonical base64 of more than %d bytes",
			number, NOTE_KEY_ID_LEN);
	*ret = (struct note_signature){
		.name = name,
		.line = line,
		.bytes = (const uint8_t *)bytes.data + NOTE_KEY_ID_LEN,
		.bytes_len = bytes.len - NOTE_KEY_ID_LEN,
	};
	memcpy(ret->id, bytes.data, NOTE_KEY_ID_LEN);
	return OK;
}

/* lines: not empty, ends in a newline. */
static enum err_kind lines_parse(struct slice lines, struct arena *a, struct note *n, struct err *e)
{
	size_t count = 0;
	enum err_kind kind = OK;

	for (size_t i = 0; i < lines.len; i++)
		count += lines.data[i] == '\n';
	if (count > NOTE_SIGNATURES_MAX)
		return err_set(e, ERR_LIMIT, "note: %zu signature lines, at most %d", count,
			NOTE_SIGNATURES_MAX);
	n->signatures = ARENA_ARRAY(a, struct note_signature, count);
	if (n->signatures == NULL)
		return err_set(e, ERR_NOMEM, "note: out of memory");
	while (kind == OK && n->signatures_count < count) {
		size_t end = slice_find(lines, '\n', 0) + 1;

		kind = line_parse(slice_cut(lines, 0, end), n->signatures_count + 1, a,
			&n->signatures[n->signatures_count], e);
		n->signatures_count++;
		lines = slice_cut(lines, end, lines.len);
	}
	return kind;
}

enum err_kind note_parse(struct slice bytes, struct arena *a, struct note *ret_note, struct err *e)
{
	struct note n = {0};
	size_t at;
	enum err_kind kind;

	if (bytes.len > NOTE_BYTES_MAX)
		return err_set(
			e, ERR_LIMIT, "note: %zu bytes, at most %zu", bytes.len, NOTE_BYTES_MAX);
	if (!text_clean(bytes))
		return err_set(
			e, ERR_PARSE, "note: not UTF-8, or a control byte that is no newline");
	if (!last_empty_line(bytes, &at))
		return err_set(e, ERR_PARSE, "note: no empty line between text and signatures");
	if (at + 2 == bytes.len)
		return err_set(e, ERR_PARSE, "note: no signature behind the empty line");
	if (bytes.data[bytes.len - 1] != '\n')
		return err_set(e, ERR_PARSE, "note: the last line does not end in a newline");
	n.text = slice_cut(bytes, 0, at + 1);
	kind = lines_parse(slice_cut(bytes, at + 2, bytes.len), a, &n, e);
	if (kind == OK)
		*ret_note = n;
	return kind;
}

/* ---- verifying ------------------------------------------------------------------------------- */

/* "cosignature/v1\ntime T\n" */
static void cosigned_head(uint64_t time_s, struct buf *out)
{
	buf_text(out, COSIGNED_HEAD);
	buf_u64(out, time_s);
	buf_char(out, '\n');
}

/* The text with room in front for any head, so that it is copied once for all cosignatures. */
struct cosigned {
	char *room; /* [COSIGNED_MAX + text] */
	size_t text_len;
};

/* The message of one cosignature; borrowed from c until the next call. */
static struct slice cosigned_message(const struct cosigned *c, uint64_t time_s)
{
	char array[COSIGNED_MAX];
	struct buf head = BUF_OVER(array);
	char *at;

	cosigned_head(time_s, &head);
	at = c->room + COSIGNED_MAX - head.len;
	memcpy(at, head.data, head.len);
	return (struct slice){at, head.len + c->text_len};
}

static uint64_t u64_read(const uint8_t *bytes)
{
	struct reader r = {
		{(const char *)bytes, 8},
                false
        };

	return read_u64(&r);
}

static bool signature_good(const struct note *n, const struct note_signature *s,
	const struct note_key *k, const struct cosigned *c, int64_t *ret_time_s)
{
	uint64_t time_s;

	*ret_time_s = 0;
	if (k->type == NOTE_ED25519)
		return s->bytes_len == NOTE_ED_LEN && note_verify_raw(k->public, n->text, s->bytes);
	if (s->bytes_len != COSIGNATURE_LEN)
		return false;
	time_s = u64_read(s->bytes);
	if (time_s > INT64_MAX)
		return false;
	*ret_time_s = (int64_t)time_s;
	return note_verify_raw(k->public, cosigned_message(c, time_s), s->bytes + 8);
}

static bool is_of(const struct note_signature *s, const struct note_key *k)
{
	return memcmp(s->id, k->id, NOTE_KEY_ID_LEN) == 0 && slice_is(s->name, k->name);
}

/* Which key is meant; keys_count: none. ERR_INVALID: more than one. */
static enum err_kind key_of(const struct note_signature *s, const struct note_key *keys,
	size_t keys_count, size_t *ret_key, struct err *e)
{
	*ret_key = keys_count;
	for (size_t i = 0; i < keys_count; i++) {
		if (!is_of(s, &keys[i]))
			continue;
		if (*ret_key != keys_count)
			return err_set(e, ERR_INVALID,
				"note: the line of \"%.*s\" fits more than one of the keys",
				SLICE_ARG(s->name));
		*ret_key = i;
	}
	return OK;
}

enum err_kind note_verify(const struct note *n, const struct note_key *keys, size_t keys_count,
	struct arena *a, struct note_verdict *ret_verdict, struct err *e)
{
	struct note_verdict v = {
		.signed_by = ARENA_ARRAY(a, bool, keys_count + 1),
		.time_s = ARENA_ARRAY(a, int64_t, keys_count + 1),
	};
	struct cosigned c = {arena_alloc(a, COSIGNED_MAX + n->text.len), n->text.len};

	if (v.signed_by == NULL || v.time_s == NULL || c.room == NULL)
		return err_set(e, ERR_NOMEM, "note: out of memory");
	memcpy(c.room + COSIGNED_MAX, n->text.data, n->text.len);
	for (size_t i = 0; i < n->signatures_count; i++) {
		const struct note_signature *s = &n->signatures[i];
		int64_t time_s;
		size_t at;
		enum err_kind kind = key_of(s, keys, keys_count, &at, e);

		if (kind != OK)
			return kind;
		if (at == keys_count)
			continue;
		if (!signature_good(n, s, &keys[at], &c, &time_s))
			return err_set(e, ERR_INVALID, "note: the signature of \"%.*s\" is wrong",
				SLICE_ARG(s->name));
		v.signed_count += !v.signed_by[at];
		v.signed_by[at] = true;
		if (time_s > v.time_s[at])
			v.time_s[at] = time_s;
	}
	*ret_verdict = v;
	return OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void line_write(
	const struct note_key *k, struct slice time, struct slice signature, struct buf *out)
{
	char array[LINE_BYTES_MAX];
	struct buf bytes = BUF_OVER(array);

	buf_append(&bytes, k->id, NOTE_KEY_ID_LEN);
	buf_slice_append(&bytes, time);
	buf_slice_append(&bytes, signature);
	assert(!bytes.bad);
	buf_text(out, DASH);
	buf_text(out, k->name);
	buf_char(out, ' ');
	base64_append(out, bytes.data, bytes.len);
	buf_char(out, '\n');
}

void note_line(const struct note_key *k, struct slice signature, struct buf *out)
{
	line_write(k, (struct slice){0}, signature, out);
}

void note_sign(const struct note_secret *s, struct slice text, struct buf *out)
{
	uint8_t signature[NOTE_ED_LEN];

	assert(s->key.type == NOTE_ED25519 && slice_ends(text, SLICE("\n")));
	note_sign_raw(s, text, signature);
	note_line(&s->key, (struct slice){(const char *)signature, sizeof(signature)}, out);
}

void note_cosign(const struct note_secret *s, struct slice text, uint64_t time_s, struct buf *out)
{
	uint8_t signature[NOTE_ED_LEN];
	char time[8];
	struct buf message = BUF_INIT;

	assert(s->key.type == NOTE_COSIGNATURE && slice_ends(text, SLICE("\n")));
	cosigned_head(time_s, &message);
	buf_slice_append(&message, text);
	if (message.bad) {
		out->bad = true;
	} else {
		put_u64(time, time_s);
		note_sign_raw(s, buf_slice(&message), signature);
		line_write(&s->key, (struct slice){time, sizeof(time)},
			(struct slice){(const char *)signature, sizeof(signature)}, out);
	}
	buf_fini(&message);
}

void note_write(struct slice text, struct slice lines, struct buf *out)
{
	assert(slice_ends(text, SLICE("\n")) && slice_ends(lines, SLICE("\n")));
	buf_slice_append(out, text);
	buf_char(out, '\n');
	buf_slice_append(out, lines);
}
