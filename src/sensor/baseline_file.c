/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The baseline as a file: text in canonical order, with a sum against damage. An engineer who edits
 * it says so by putting "-" for the sum, and the next save sums it again.
 */
#include <stdlib.h>

#include "baseline.h"
#include "baseline_inside.h"

#define HEAD "serai-baseline\t1\n"

static const char advice[] = "# Who normally does what. Set a line's first word to \"known\" to "
			     "accept it, remove the line\n"
			     "# to forget it, put your name behind \"reviewed\", and \"-\" behind "
			     "\"sha256\" in the last "
			     "line.\n";

#define LINE_MAX_BYTES 1024
#define TUPLE_FIELDS   11 /* verdict, seven of the key, count, first, last */
#define KEY_FIELDS     7

/* ---- writing --------------------------------------------------------------------------------- */

static void put_time(struct buf *b, int64_t us)
{
	char text[TIME_TEXT_MAX];

	time_format(us, 6, text);
	buf_text(b, text);
}

static void put_or_dash(struct buf *b, struct slice field)
{
	if (field.len == 0)
		buf_char(b, '-');
	else
		buf_slice_append(b, field);
	buf_char(b, '\t');
}

static bool put_tuple(void *context, const struct baseline_tuple *t)
{
	struct buf *b = context;

	buf_printf(b, "%s\t", baseline_verdict_name(t->verdict));
	put_or_dash(b, t->source);
	put_or_dash(b, t->destination);
	buf_printf(b, "%s\t%s\t", plant_protocol_name(t->protocol),
		plant_operation_name(t->operation));
	put_or_dash(b, t->function);
	put_or_dash(b, t->unit);
	put_or_dash(b, t->object);
	buf_u64(b, t->count);
	buf_char(b, '\t');
	put_time(b, t->first_us);
	buf_char(b, '\t');
	put_time(b, t->last_us);
	buf_char(b, '\n');
	return !b->bad;
}

enum err_kind baseline_write(const struct baseline *b, struct buf *ret_text, struct err *e)
{
	struct buf text = BUF_INIT;
	uint8_t digest[SHA256_LEN];

	buf_text(&text, HEAD);
	buf_text(&text, advice);
	buf_printf(&text, "learning\t%s\t", b->learning ? "yes" : "no");
	put_time(&text, b->first_us);
	buf_char(&text, '\t');
	put_time(&text, b->last_us);
	buf_printf(&text, "\t%u\n", b->days);
	buf_printf(&text, "reviewed\t%s\n", b->reviewed[0] == '\0' ? "-" : b->reviewed);
	if (!baseline_each(b, put_tuple, &text) || text.bad) {
		buf_fini(&text);
		return err_set(e, ERR_NOMEM, "baseline: out of memory");
	}
	hash_sha256(buf_slice(&text), digest);
	buf_text(&text, "sha256\t");
	hex_append(&text, digest, sizeof(digest));
	buf_char(&text, '\n');
	buf_slice_append(ret_text, buf_slice(&text));
	buf_fini(&text);
	return ret_text->bad ? err_set(e, ERR_NOMEM, "baseline: out of memory") : OK;
}

enum err_kind baseline_save(const struct baseline *b, const char *path, struct err *e)
{
	struct buf text = BUF_INIT;
	enum err_kind kind = baseline_write(b, &text, e);

	/* readable by the group: those who review it */
	if (kind == OK)
		kind = file_write_atomic(path, buf_slice(&text), 0640, e);
	buf_fini(&text);
	return kind;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct parse {
	struct baseline *b;
	unsigned line;
	struct err *e;
};

static bool time_read(struct slice text, int64_t *ret_us)
{
	unsigned digits;

	return time_parse(text, ret_us, &digits) && *ret_us >= 0;
}

static bool plain(struct slice field, size_t bytes_max)
{
	if (field.len == 0 || field.len > bytes_max || !utf8_valid(field))
		return false;
	for (size_t i = 0; i < field.len; i++) {
		if ((uint8_t)field.data[i] < 0x20 || field.data[i] == 0x7f)
			return false;
	}
	return true;
}

static enum err_kind tuple_line(struct parse *p, struct slice line)
{
	static const size_t bytes_max[KEY_FIELDS] = {BASELINE_ADDRESS_MAX, BASELINE_ADDRESS_MAX, 16,
		16, BASELINE_NAME_MAX, PLANT_TEXT_MAX, BASELINE_CLASS_MAX};
	struct slice rest = line, f[TUPLE_FIELDS] = {0}, key;
	size_t count = 0, limit = p->b->options.tuples_max;
	unsigned verdict, protocol, operation;
	uint64_t times;
	int64_t first_us, last_us;
	struct entry *t;

	while (count < TUPLE_FIELDS && slice_next(&rest, '\t', &f[count]))
		count++;
	if (count != TUPLE_FIELDS || rest.len != 0)
		return err_set(p->e, ERR_PARSE, "baseline line %u: expected %d fields", p->line,
			TUPLE_FIELDS);
	for (size_t i = 0; i < KEY_FIELDS; i++) {
		if (!plain(f[1 + i], bytes_max[i]))
			return err_set(p->e, ERR_INVALID, "baseline line %u: field %zu \"%.*s\"",
				p->line, i + 2, SLICE_ARG(f[1 + i]));
	}
	for (verdict = 0; verdict < BASELINE_VERDICTS; verdict++) {
		if (slice_is(f[0], baseline_verdict_name((enum baseline_verdict)verdict)))
			break;
	}
	if (verdict >= BASELINE_VERDICTS || verdict == BASELINE_LEARNING ||
		verdict == BASELINE_ANSWER)
		return err_set(p->e, ERR_INVALID, "baseline line %u: verdict \"%.*s\"", p->line,
			SLICE_ARG(f[0]));
	for (protocol = PLANT_NONE + 1; protocol < PLANT_PROTOCOLS; protocol++) {
		if (slice_is(f[3], plant_protocol_name((enum plant_protocol)protocol)))
			break;
	}
	for (operation = 0; operation < PLANT_OPERATIONS; operation++) {
		if (slice_is(f[4], plant_operation_name((enum plant_operation)operation)))
			break;
	}
	if (protocol >= PLANT_PROTOCOLS || operation >= PLANT_OPERATIONS)
		return err_set(p->e, ERR_INVALID,
			"baseline line %u: protocol \"%.*s\", operation \"%.*s\"", p->line,
			SLICE_ARG(f[3]), SLICE_ARG(f[4]));
	if (!slice_to_u64(f[8], &times) || !time_read(f[9], &first_us) ||
		!time_read(f[10], &last_us))
		return err_set(p->e, ERR_INVALID, "baseline line %u: count and times", p->line);
	key = (struct slice){f[1].data, (size_t)(f[7].data - f[1].data) + f[7].len};
	if (baseline_tuple_there(p->b, key))
		return err_set(p->e, ERR_INVALID, "baseline line %u: stands twice", p->line);
	if (verdict == BASELINE_KNOWN ? p->b->known.count >= limit
				      : p->b->fresh.count >= BASELINE_NEW_MAX)
		return err_set(p->e, ERR_LIMIT, "baseline line %u: more than %zu tuples", p->line,
			verdict == BASELINE_KNOWN ? limit : (size_t)BASELINE_NEW_MAX);
	t = baseline_tuple_add(p->b, key, (enum plant_protocol)protocol,
		(enum plant_operation)operation, (enum baseline_verdict)verdict);
	if (t == NULL)
		return err_set(p->e, ERR_NOMEM, "baseline: out of memory");
	t->count = times;
	t->first_us = first_us;
	t->last_us = last_us;
	return OK;
}

static enum err_kind learning_line(struct parse *p, struct slice rest)
{
	struct slice yes, first, last, days;
	uint64_t number;

	if (!slice_next(&rest, '\t', &yes) || !slice_next(&rest, '\t', &first) ||
		!slice_next(&rest, '\t', &last) || !slice_next(&rest, '\t', &days) ||
		rest.len != 0 || !(slice_is(yes, "yes") || slice_is(yes, "no")) ||
		!time_read(first, &p->b->first_us) || !time_read(last, &p->b->last_us) ||
		!slice_to_u64(days, &number) || number > UINT32_MAX)
		return err_set(p->e, ERR_PARSE, "baseline line %u: learning", p->line);
	p->b->learning = slice_is(yes, "yes");
	p->b->days = (uint32_t)number;
	return OK;
}

/* The sum stands in the last line, over everything before it. */
static enum err_kind sum_check(struct slice *text, struct err *e)
{
	struct slice sum;
	uint8_t digest[SHA256_LEN], stated[SHA256_LEN];
	size_t at = text->len;

	if (text->len == 0 || text->data[text->len - 1] != '\n')
		return err_set(e, ERR_CORRUPT, "baseline: cut short");
	for (at--; at > 0 && text->data[at - 1] != '\n'; at--)
		continue;
	sum = slice_cut(*text, at, text->len - 1);
	if (!slice_starts(sum, SLICE("sha256\t")))
		return err_set(e, ERR_CORRUPT, "baseline: cut short, the last line is no sum");
	sum = slice_cut(sum, sizeof("sha256\t") - 1, sum.len);
	*text = slice_cut(*text, 0, at);
	if (slice_is(sum, "-"))
		return OK;
	hash_sha256(*text, digest);
	if (!hex_decode(sum, stated, sizeof(stated)) || memcmp(digest, stated, sizeof(digest)) != 0)
		return err_set(e, ERR_CORRUPT,
			"baseline: the sum does not fit; after an edit, put \"-\" in its place");
	return OK;
}

enum err_kind baseline_read(struct slice text, const struct baseline_options *options,
	struct baseline **ret_baseline, struct err *e)
{
	struct parse p = {.e = e};
	struct slice line;
	enum err_kind kind;
	bool learning_seen = false, reviewed_seen = false;

	if (text.len > BASELINE_FILE_MAX)
		return err_set(e, ERR_LIMIT, "baseline: %zu bytes, at most %zu", text.len,
			BASELINE_FILE_MAX);
	if (!slice_starts(text, SLICE("serai-baseline\t")))
		return err_set(e, ERR_PARSE, "not a baseline file");
	if (!slice_starts(text, SLICE(HEAD)))
		return err_set(e, ERR_PARSE, "baseline: version \"%.*s\", this program reads 1",
			SLICE_ARG(
				slice_cut(text, 15, slice_find(slice_cut(text, 0, 32), '\n', 0))));
	kind = sum_check(&text, e);
	if (kind != OK)
		return kind;
	kind = baseline_new(options, &p.b, e);
	if (kind != OK)
		return kind;
	while (kind == OK && slice_next(&text, '\n', &line)) {
		p.line++;
		if (p.line == 1 || line.len == 0 || line.data[0] == '#')
			continue;
		if (line.len > LINE_MAX_BYTES) {
			kind = err_set(e, ERR_LIMIT, "baseline line %u: longer than %d bytes",
				p.line, LINE_MAX_BYTES);
		} else if (slice_starts(line, SLICE("learning\t")) && !learning_seen) {
			learning_seen = true;
			kind = learning_line(&p, slice_cut(line, 9, line.len));
		} else if (slice_starts(line, SLICE("reviewed\t")) && !reviewed_seen) {
			line = slice_cut(line, 9, line.len);
			reviewed_seen = true;
			if (!plain(line, BASELINE_NAME_MAX))
				kind = err_set(
					e, ERR_INVALID, "baseline line %u: reviewer", p.line);
			else if (!slice_is(line, "-"))
				memcpy(p.b->reviewed, line.data, line.len);
		} else {
			kind = tuple_line(&p, line);
		}
	}
	if (kind == OK && !learning_seen)
		kind = err_set(e, ERR_PARSE, "baseline: no line says whether it is learning");
	if (kind != OK) {
		baseline_free(p.b);
		return kind;
	}
	*ret_baseline = p.b;
	return OK;
}

enum err_kind baseline_load(const char *path, const struct baseline_options *options,
	struct baseline **ret_baseline, struct err *e)
{
	struct buf text = BUF_INIT;
	enum err_kind kind = file_read(path, BASELINE_FILE_MAX, &text, e);

	if (kind == OK) {
		kind = baseline_read(buf_slice(&text), options, ret_baseline, e);
		if (kind != OK)
			err_wrap(e, "\"%s\"", path);
	}
	buf_fini(&text);
	return kind;
}
