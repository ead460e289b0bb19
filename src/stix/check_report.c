/* SPDX-License-Identifier: MPL-2.0 */
/* Findings: the only part of a check that formats and copies. */
#include "check.h"

#define PATH_MAX_BYTES JSON_PATH_MAX
#define FINDINGS_FIRST 8 /* room that a report starts with; most objects have fewer */

void stix_report_reset(struct stix_report *report)
{
	arena_reset(report->arena);
	report->findings = NULL;
	report->count = 0;
	report->errors = 0;
	report->warnings = 0;
	report->dropped = 0;
}

/* ---- foreign text ---------------------------------------------------------------------------- */

/* What may draw on a terminal or turn the direction of a line is shown as '?'. */
static bool harmless(uint32_t code_point)
{
	return code_point >= 0x20 && (code_point < 0x7f || code_point > 0x9f) &&
	       code_point != 0x200e && code_point != 0x200f &&
	       (code_point < 0x2028 || code_point > 0x202e) &&
	       (code_point < 0x2066 || code_point > 0x2069) && code_point != 0xfeff;
}

/* Copies at most `room` bytes of s, whole code points only; returns how many. *ret_cut: not all. */
static size_t copy_harmless(char *to, size_t room, struct slice s, bool *ret_cut)
{
	struct slice rest = s;
	size_t len = 0;

	while (rest.len != 0) {
		const char *from = rest.data;
		uint32_t code_point = utf8_next(&rest);
		size_t bytes = (size_t)(rest.data - from);

		if (!harmless(code_point)) {
			from = "?";
			bytes = 1;
		}
		if (bytes > room - len) {
			*ret_cut = true;
			return len;
		}
		memcpy(to + len, from, bytes);
		len += bytes;
	}
	*ret_cut = false;
	return len;
}

const char *check_quote(struct slice s, char ret_text[QUOTE_MAX])
{
	bool cut;
	size_t len = copy_harmless(ret_text + 1, QUOTE_MAX - 6, s, &cut);

	ret_text[0] = '"';
	memcpy(ret_text + 1 + len, cut ? "...\"" : "\"", cut ? 5 : 2);
	return ret_text;
}

const char *check_clean(struct slice s, char ret_text[CLEAN_MAX])
{
	bool cut;

	ret_text[copy_harmless(ret_text, CLEAN_MAX - 1, s, &cut)] = '\0';
	return ret_text;
}

const char *check_kind_name(struct json_value v)
{
	switch (json_type(v)) {
	case JSON_NULL:
		return "null";
	case JSON_BOOL:
		return "true or false";
	case JSON_INTEGER:
		return "an integer";
	case JSON_DOUBLE:
		return "a number with a fraction";
	case JSON_STRING:
		return "a string";
	case JSON_ARRAY:
		return "a list";
	default:
		return "an object";
	}
}

/* ---- paths ----------------------------------------------------------------------------------- */

static void path_append(struct buf *out, const struct place *at)
{
	char name[JSON_NAME_SHOWN_MAX];
	bool cut;

	if (at == NULL)
		return;
	path_append(out, at->up);
	if (at->name.data == NULL) {
		buf_char(out, '[');
		buf_u64(out, at->index);
		buf_char(out, ']');
		return;
	}
	if (out->len != 0)
		buf_char(out, '.');
	buf_append(out, name, copy_harmless(name, sizeof(name), at->name, &cut));
	if (cut)
		buf_text(out, "...");
}

static struct slice path_of(struct check *c, const struct place *at)
{
	struct buf out = BUF_MAX(PATH_MAX_BYTES);
	struct slice path;

	if (at == NULL)
		return (struct slice){0};
	path_append(&out, at);
	path = arena_copy(c->report->arena, buf_slice(&out));
	if (path.data == NULL)
		c->no_memory = true;
	buf_fini(&out);
	return path;
}

/* ---- findings -------------------------------------------------------------------------------- */

static bool room_for_finding(struct check *c, enum stix_level level)
{
	struct stix_report *r = c->report;

	if (level == STIX_ERROR)
		r->errors++;
	else
		r->warnings++;
	if (r->count >= STIX_FINDINGS_MAX) {
		r->dropped++;
		return false;
	}
	/* Room is doubled whenever it is full: at 8, 16, 32, ... findings. */
	if (r->findings == NULL ||
		(r->count >= FINDINGS_FIRST && (r->count & (r->count - 1)) == 0)) {
		size_t room = r->count < FINDINGS_FIRST ? FINDINGS_FIRST : r->count * 2;
		struct stix_finding *grown = arena_alloc(r->arena, room * sizeof(*grown));

		if (grown == NULL) {
			c->no_memory = true;
			return false;
		}
		if (r->count != 0)
			memcpy(grown, r->findings, r->count * sizeof(*grown));
		r->findings = grown;
	}
	return true;
}

PRINTF(5, 0)
static void add(struct check *c, enum stix_level level, const char *clause, const struct place *at,
	const char *format, va_list args)
{
	struct stix_finding finding = {.level = level, .clause = clause};

	if (!room_for_finding(c, level))
		return;
	finding.path = path_of(c, at);
	finding.message = arena_vprintf(c->report->arena, format, args);
	if (finding.message.data == NULL)
		c->no_memory = true;
	c->report->findings[c->report->count++] = finding;
}

void check_error(
	struct check *c, const char *clause, const struct place *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(c, STIX_ERROR, clause, at, format, args);
	va_end(args);
}

void check_warning(
	struct check *c, const char *clause, const struct place *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(c, STIX_WARNING, clause, at, format, args);
	va_end(args);
}

void check_expected(struct check *c, enum stix_level level, const char *clause,
	const struct place *at, const char *expected, struct slice found)
{
	char quoted[QUOTE_MAX];

	check_quote(found, quoted);
	if (level == STIX_ERROR)
		check_error(c, clause, at, "expected %s, found %s", expected, quoted);
	else
		check_warning(c, clause, at, "expected %s, found %s", expected, quoted);
}

void check_remark(struct check *c, const char *clause, const struct place *at, const char *message)
{
	struct stix_finding finding = {STIX_WARNING, clause, {0}, slice_of(message)};

	if (!room_for_finding(c, STIX_WARNING))
		return;
	finding.path = at != NULL && at->up == NULL ? at->name : path_of(c, at);
	c->report->findings[c->report->count++] = finding;
}
