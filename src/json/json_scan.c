/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Why was a text refused, and where? simdjson does not say, so this scanner reads the text again,
 * byte by byte, and finds the first offence with its line, column and property path. It is also the
 * second opinion: the fuzz target asserts that it and simdjson accept the same texts.
 */
#include "json_scan.h"

struct frame {
	bool is_object;
	uint32_t index;    /* of the element of an array */
	struct slice name; /* of the member, as it stands between its quotes */
};

struct scan {
	struct slice text;
	size_t at;
	uint32_t tape; /* index the next value gets on simdjson's tape */
	uint32_t stop_at;
	unsigned depth;
	struct frame frames[JSON_DEPTH_MAX];
	struct json_scan *ret;
};

/* Every scan_ function returns false to stop, at an offence or at stop_at. */

static int peek(const struct scan *s)
{
	return s->at < s->text.len ? (unsigned char)s->text.data[s->at] : -1;
}

static void path_write(const struct scan *s, char path[JSON_PATH_MAX])
{
	size_t len = 0;

	path[0] = '\0';
	for (unsigned i = 0; i < s->depth && len < JSON_PATH_MAX; i++) {
		const struct frame *f = &s->frames[i];
		int wrote = 0;

		if (!f->is_object)
			wrote = snprintf(path + len, JSON_PATH_MAX - len, "[%u]", f->index);
		else if (f->name.data != NULL)
			wrote = snprintf(path + len, JSON_PATH_MAX - len, "%s%.*s",
				i == 0 ? "" : ".", SLICE_ARG(f->name));
		len += (size_t)(wrote < 0 ? 0 : wrote);
	}
}

static bool stop(struct scan *s, enum err_kind kind, size_t offset)
{
	s->ret->kind = kind;
	s->ret->offset = offset;
	path_write(s, s->ret->path);
	return false;
}

static bool offence(struct scan *s, size_t offset, const char *what)
{
	snprintf(s->ret->what, sizeof(s->ret->what), "%s", what);
	return stop(s, ERR_PARSE, offset);
}

/* "found X, expected Y" at the next byte. */
static bool unexpected(struct scan *s, const char *expected)
{
	char *what = s->ret->what;
	size_t size = sizeof(s->ret->what);
	int c = peek(s);

	if (c < 0)
		snprintf(what, size, "the text ends, expected %s", expected);
	else if (c > 0x20 && c < 0x7f)
		snprintf(what, size, "found %c, expected %s", c, expected);
	else
		snprintf(what, size, "found byte 0x%02x, expected %s", (unsigned)c, expected);
	return stop(s, ERR_PARSE, s->at);
}

static void skip_blanks(struct scan *s)
{
	int c;

	while ((c = peek(s)) == ' ' || c == '\t' || c == '\n' || c == '\r')
		s->at++;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

/* ---- strings ---- */

static bool is_noncharacter(uint32_t c)
{
	return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

/* Four hex digits behind \u at s->at - 2. */
static bool scan_hex4(struct scan *s, uint32_t *ret_unit)
{
	uint8_t bytes[2];

	if (!hex_decode(slice_cut(s->text, s->at, s->at + 4), bytes, sizeof(bytes)))
		return offence(s, s->at - 2, "\\u without four hexadecimal digits");
	*ret_unit = (uint32_t)bytes[0] << 8 | bytes[1];
	s->at += 4;
	return true;
}

static bool scan_escape(struct scan *s)
{
	size_t from = s->at++;
	uint32_t unit, low;
	int c = peek(s);

	if (c < 0 || strchr("\"\\/bfnrtu", c) == NULL || c == 0)
		return offence(s, from, "no such escape in a string");
	s->at++;
	if (c != 'u')
		return true;
	if (!scan_hex4(s, &unit))
		return false;
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return offence(s, from, "low surrogate without a high one");
	if (unit >= 0xd800 && unit <= 0xdbff) {
		if (!slice_starts(slice_cut(s->text, s->at, s->text.len), SLICE("\\u")))
			return offence(s, from, "high surrogate without a low one");
		s->at += 2;
		if (!scan_hex4(s, &low))
			return false;
		if (low < 0xdc00 || low > 0xdfff)
			return offence(s, from, "high surrogate without a low one");
		unit = 0x10000 + ((unit & 0x3ff) << 10 | (low & 0x3ff));
	}
	if (is_noncharacter(unit))
		return offence(s, from, "Unicode noncharacter (RFC 7493 section 2.1)");
	return true;
}

static bool scan_string(struct scan *s)
{
	size_t from = s->at++;

	for (;;) {
		int c = peek(s);

		if (c < 0)
			return offence(s, from, "string without its closing quote");
		if (c == '"') {
			s->at++;
			return true;
		}
		if (c == '\\') {
			if (!scan_escape(s))
				return false;
		} else if (c < 0x20) {
			return offence(
				s, s->at, "control character in a string, expected an escape");
		} else if (c < 0x80) {
			s->at++;
		} else {
			struct slice rest = slice_cut(s->text, s->at, s->text.len);
			size_t len = rest.len;
			uint32_t code_point = utf8_next(&rest);

			len -= rest.len;
			if (code_point == 0xfffd && len == 1)
				return offence(s, s->at, "no valid UTF-8");
			if (is_noncharacter(code_point))
				return offence(
					s, s->at, "Unicode noncharacter (RFC 7493 section 2.1)");
			s->at += len;
		}
	}
}

/* ---- numbers ---- */

/*
 * 2^1024 - 2^970, halfway between the largest double and the next power of two: from here on a
 * number rounds to infinity (IEEE 754 section 4.3.1). 309 digits.
 */
static const char overflow_digits[] =
	"1797693134862315807937289714053034150799341327100378269361737789804449682927647509466"
	"4901797758720709633028641669288791094655554785194040263065748867150582068190890200070"
	"8383676273854845817711531764475730270069855571366959622842914819860834936475292719074"
	"168444365510704342711559699508093042880177904174497792";

struct number {
	struct slice whole, fraction;
	int64_t exponent; /* kept within ±EXPONENT_MAX */
	bool is_integer;
};

/* Far past what digits in a text of JSON_DOCUMENT_MAX could make up for. */
#define EXPONENT_MAX INT64_C(1000000000000)

/* Digit i of whole and fraction together. */
static char number_digit(const struct number *n, size_t i)
{
	if (i < n->whole.len)
		return n->whole.data[i];
	i -= n->whole.len;
	return i < n->fraction.len ? n->fraction.data[i] : '0';
}

static bool number_overflows(const struct number *n)
{
	size_t digits = n->whole.len + n->fraction.len;
	size_t zeros = 0;
	int64_t magnitude;

	while (zeros < digits && number_digit(n, zeros) == '0')
		zeros++;
	if (zeros == digits)
		return false;
	/* the number is 0.ddd x 10^magnitude */
	magnitude = (int64_t)n->whole.len - (int64_t)zeros + n->exponent;
	if (magnitude != (int64_t)sizeof(overflow_digits) - 1)
		return magnitude > (int64_t)sizeof(overflow_digits) - 1;
	for (size_t i = 0; i < sizeof(overflow_digits) - 1; i++) {
		char digit = number_digit(n, zeros + i);

		if (digit != overflow_digits[i])
			return digit > overflow_digits[i];
	}
	return true; /* a tie goes to the even neighbour, which is infinity */
}

static bool integer_is_big(struct slice digits, bool negative)
{
	struct slice largest =
		negative ? SLICE("9223372036854775808") : SLICE("18446744073709551615");

	if (digits.len != largest.len)
		return digits.len > largest.len;
	return slice_compare(digits, largest) > 0;
}

static struct slice scan_digits(struct scan *s)
{
	size_t from = s->at;

	while (is_digit(peek(s)))
		s->at++;
	return slice_cut(s->text, from, s->at);
}

static bool scan_number(struct scan *s)
{
	struct number n = {.is_integer = true};
	size_t from = s->at;
	bool negative = peek(s) == '-';

	if (negative)
		s->at++;
	n.whole = scan_digits(s);
	if (n.whole.len == 0)
		return unexpected(s, "a digit");
	if (n.whole.len > 1 && n.whole.data[0] == '0')
		return offence(s, from, "number with a leading zero");
	if (peek(s) == '.') {
		n.is_integer = false;
		s->at++;
		n.fraction = scan_digits(s);
		if (n.fraction.len == 0)
			return unexpected(s, "a digit behind the point");
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		bool minus;
		struct slice digits;

		n.is_integer = false;
		s->at++;
		minus = peek(s) == '-';
		if (minus || peek(s) == '+')
			s->at++;
		digits = scan_digits(s);
		if (digits.len == 0)
			return unexpected(s, "a digit of the exponent");
		for (size_t i = 0; i < digits.len && n.exponent < EXPONENT_MAX; i++)
			n.exponent = n.exponent * 10 + (digits.data[i] - '0');
		if (minus)
			n.exponent = -n.exponent;
	}
	if (number_overflows(&n))
		return offence(s, from, "number too large for a double (RFC 7493 section 2.2)");
	if (n.is_integer && integer_is_big(n.whole, negative))
		s->ret->has_big_integer = true;
	return true;
}

/* ---- values ---- */

static bool scan_value(struct scan *s);

static bool scan_word(struct scan *s, struct slice word)
{
	if (!slice_starts(slice_cut(s->text, s->at, s->text.len), word))
		return unexpected(s, "a value");
	s->at += word.len;
	return true;
}

/* Before each value and each name: does it stand where we are asked to stop? */
static bool scan_tape(struct scan *s, uint32_t words)
{
	if (s->tape == s->stop_at)
		return stop(s, OK, s->at);
	s->tape += words;
	return true;
}

static bool scan_members(struct scan *s)
{
	struct frame *f = &s->frames[s->depth - 1];

	skip_blanks(s);
	if (peek(s) == '}') {
		s->at++;
		return true;
	}
	for (;;) {
		size_t from = s->at;

		f->name = (struct slice){0};
		if (peek(s) != '"')
			return unexpected(s, "a name in quotes");
		if (!scan_string(s))
			return false;
		f->name = slice_cut(s->text, from + 1, s->at - 1);
		if (f->name.data == NULL)
			f->name = SLICE("");
		if (s->tape == s->stop_at)
			s->at = from;
		if (!scan_tape(s, 1))
			return false;
		skip_blanks(s);
		if (peek(s) != ':')
			return unexpected(s, ": behind the name");
		s->at++;
		if (!scan_value(s))
			return false;
		skip_blanks(s);
		if (peek(s) == '}') {
			s->at++;
			return true;
		}
		if (peek(s) != ',')
			return unexpected(s, ", or } behind the value");
		s->at++;
		skip_blanks(s);
	}
}

static bool scan_elements(struct scan *s)
{
	struct frame *f = &s->frames[s->depth - 1];

	skip_blanks(s);
	if (peek(s) == ']') {
		s->at++;
		return true;
	}
	for (;;) {
		if (!scan_value(s))
			return false;
		skip_blanks(s);
		if (peek(s) == ']') {
			s->at++;
			return true;
		}
		if (peek(s) != ',')
			return unexpected(s, ", or ] behind the element");
		s->at++;
		f->index++;
	}
}

/* Recursion is bounded by JSON_DEPTH_MAX. */
static bool scan_container(struct scan *s)
{
	bool is_object = peek(s) == '{';

	if (s->depth == JSON_DEPTH_MAX) {
		snprintf(s->ret->what, sizeof(s->ret->what), "more than %d levels of nesting",
			JSON_DEPTH_MAX);
		return stop(s, ERR_LIMIT, s->at);
	}
	s->at++;
	s->frames[s->depth++] = (struct frame){.is_object = is_object};
	if (!(is_object ? scan_members(s) : scan_elements(s)))
		return false;
	s->depth--;
	s->tape++; /* the closing word */
	return true;
}

static bool scan_value(struct scan *s)
{
	int c;

	skip_blanks(s);
	c = peek(s);
	if (!scan_tape(s, c == '-' || is_digit(c) ? 2 : 1))
		return false;
	switch (c) {
	case '{':
	case '[':
		return scan_container(s);
	case '"':
		return scan_string(s);
	case 't':
		return scan_word(s, SLICE("true"));
	case 'f':
		return scan_word(s, SLICE("false"));
	case 'n':
		return scan_word(s, SLICE("null"));
	default:
		if (c == '-' || is_digit(c))
			return scan_number(s);
		return unexpected(s, "a value");
	}
}

void json_scan(struct slice text, uint32_t stop_at, struct json_scan *ret_scan)
{
	struct scan s = {.text = text, .tape = 1, .stop_at = stop_at, .ret = ret_scan};

	*ret_scan = (struct json_scan){.kind = OK};
	if (slice_starts(text, SLICE("\xef\xbb\xbf"))) {
		offence(&s, 0, "byte order mark, expected UTF-8 without one");
		return;
	}
	if (!scan_value(&s))
		return;
	skip_blanks(&s);
	if (s.at < text.len)
		unexpected(&s, "nothing behind the value");
}

void json_scan_widen(struct slice text, struct buf *out)
{
	size_t at = 0;

	while (at < text.len) {
		size_t from = at;
		char c = text.data[at++];

		if (c == '"') {
			while (text.data[at] != '"')
				at += text.data[at] == '\\' ? 2 : 1;
			at++;
		} else if (c == '-' || is_digit(c)) {
			size_t digits = c == '-' ? at : from;

			while (at < text.len && is_digit((unsigned char)text.data[at]))
				at++;
			if (integer_is_big(slice_cut(text, digits, at), c == '-') &&
				(at == text.len || strchr(".eE", text.data[at]) == NULL)) {
				buf_append(out, text.data + from, at - from);
				buf_text(out, "e0");
				continue;
			}
			while (at < text.len && (is_digit((unsigned char)text.data[at]) ||
							strchr(".eE+-", text.data[at]) != NULL))
				at++;
		}
		buf_append(out, text.data + from, at - from);
	}
}

void json_position(struct slice text, size_t offset, uint64_t *ret_line, uint64_t *ret_column)
{
	uint64_t line = 1;
	size_t line_from = 0;

	if (offset > text.len)
		offset = text.len;
	for (size_t at; (at = slice_find(text, '\n', line_from)) < offset; line_from = at + 1)
		line++;
	*ret_line = line;
	*ret_column = offset - line_from + 1;
}

enum err_kind json_scan_report(struct slice text, const struct json_scan *scan, struct err *e)
{
	uint64_t line, column;

	json_position(text, scan->offset, &line, &column);
	return err_set(e, scan->kind, "line %llu, column %llu%s%s: %s", (unsigned long long)line,
		(unsigned long long)column, scan->path[0] == '\0' ? "" : ", at ", scan->path,
		scan->what);
}
