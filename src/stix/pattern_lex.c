/* SPDX-License-Identifier: MPL-2.0 */
/* The tokens of a STIX pattern, and the constants of section 9.2. */
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "pattern.h"

#define INTEGER_MAX INT64_C(9007199254740991) /* section 2.10: 54 bits with the sign */

static const struct {
	const char *name;
	enum token_kind kind;
} keywords[] = {
	{"AND",        TOKEN_AND       },
	{"OR",         TOKEN_OR        },
	{"NOT",        TOKEN_NOT       },
	{"FOLLOWEDBY", TOKEN_FOLLOWEDBY},
	{"LIKE",       TOKEN_LIKE      },
	{"MATCHES",    TOKEN_MATCHES   },
	{"ISSUPERSET", TOKEN_ISSUPERSET},
	{"ISSUBSET",   TOKEN_ISSUBSET  },
	{"EXISTS",     TOKEN_EXISTS    },
	{"LAST",       TOKEN_LAST      },
	{"IN",         TOKEN_IN        },
	{"START",      TOKEN_START     },
	{"STOP",       TOKEN_STOP      },
	{"SECONDS",    TOKEN_SECONDS   },
	{"WITHIN",     TOKEN_WITHIN    },
	{"REPEATS",    TOKEN_REPEATS   },
	{"TIMES",      TOKEN_TIMES     },
	{"true",       TOKEN_TRUE      },
	{"false",      TOKEN_FALSE     },
};

bool fault_set(struct pattern_fault *fault, struct arena *a, size_t offset, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fault->offset = offset;
	fault->message = arena_vprintf(a, format, args);
	va_end(args);
	return fault->message.data != NULL ? false : fault_no_memory(fault);
}

bool fault_no_memory(struct pattern_fault *fault)
{
	fault->message = SLICE("out of memory");
	fault->no_memory = true;
	return false;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name(char c)
{
	return is_name_start(c) || is_digit(c);
}

static enum token_kind keyword_of(struct slice text)
{
	for (size_t k = 0; k < COUNT_OF(keywords); k++) {
		if (text.data[0] == keywords[k].name[0] && slice_is(text, keywords[k].name))
			return keywords[k].kind;
	}
	return TOKEN_NAME;
}

bool lexer_plain_name(struct slice name)
{
	if (name.len == 0 || !is_name_start(name.data[0]))
		return false;
	for (size_t k = 1; k < name.len; k++) {
		if (!is_name(name.data[k]))
			return false;
	}
	return keyword_of(name) == TOKEN_NAME;
}

/* The code points with White_Space=Y that are no ASCII, section 9.4. */
static size_t wide_space(struct slice rest)
{
	size_t before = rest.len;
	uint32_t c = utf8_next(&rest);

	if (c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
		c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000)
		return before - rest.len;
	return 0;
}

/* White space, and the two kinds of comment of the published grammar. */
static bool lexer_skip(struct lexer *l)
{
	const char *s = l->text.data;
	size_t len = l->text.len;
	size_t wide;

	while (l->at < len) {
		char c = s[l->at];

		if (c == ' ' || (c >= '\t' && c <= '\r')) {
			l->at++;
		} else if ((unsigned char)c >= 0x80) {
			wide = wide_space(slice_cut(l->text, l->at, len));
			if (wide == 0)
				return true;
			l->at += wide;
		} else if (c == '/' && l->at + 1 < len && s[l->at + 1] == '/') {
			while (l->at < len && s[l->at] != '\r' && s[l->at] != '\n')
				l->at++;
		} else if (c == '/' && l->at + 1 < len && s[l->at + 1] == '*') {
			size_t from = l->at + 2;
			size_t end = slice_find_text(slice_cut(l->text, from, len), SLICE("*/"));

			if (end == len - from)
				return fault_set(
					l->fault, l->arena, l->at, "a comment has no end \"*/\"");
			l->at = from + end + 2;
		} else {
			return true;
		}
	}
	return true;
}

/* From the opening quote at l->at; `literal` has a prefix letter and knows no escapes. */
static bool lex_quoted(struct lexer *l, struct token *t, bool literal)
{
	const char *s = l->text.data;
	size_t from = ++l->at;

	while (l->at < l->text.len && s[l->at] != '\'') {
		if (s[l->at] == '\\' && !literal) {
			/* section 9.2, string: only an apostrophe or a backslash may follow */
			if (l->at + 1 < l->text.len && s[l->at + 1] != '\'' && s[l->at + 1] != '\\')
				return fault_set(l->fault, l->arena, l->at,
					"a backslash in a string must be written twice");
			t->escaped = true;
			l->at++;
		}
		l->at++;
	}
	if (l->at >= l->text.len) {
		l->at = l->text.len;
		return fault_set(
			l->fault, l->arena, t->offset, "a string has no closing apostrophe");
	}
	t->body = slice_cut(l->text, from, l->at);
	l->at++;
	return true;
}

static bool lex_name(struct lexer *l, struct token *t)
{
	const char *s = l->text.data;
	bool hyphen = false;

	while (l->at < l->text.len && (is_name(s[l->at]) || s[l->at] == '-'))
		hyphen |= s[l->at++] == '-';
	t->text = slice_cut(l->text, t->offset, l->at);
	if (t->text.len == 1 && l->at < l->text.len && s[l->at] == '\'') {
		t->kind = s[t->offset] == 't'   ? TOKEN_TIMESTAMP
			  : s[t->offset] == 'h' ? TOKEN_HEX
			  : s[t->offset] == 'b' ? TOKEN_BINARY
						: TOKEN_NAME;
		return t->kind == TOKEN_NAME || lex_quoted(l, t, true);
	}
	t->kind = hyphen ? TOKEN_NAME_HYPHEN : keyword_of(t->text);
	return true;
}

static void lex_number(struct lexer *l, struct token *t)
{
	const char *s = l->text.data;
	size_t len = l->text.len;

	if (s[l->at] == '-' || s[l->at] == '+')
		l->at++;
	while (l->at < len && is_digit(s[l->at]))
		l->at++;
	t->kind = TOKEN_INTEGER;
	if (l->at + 1 < len && s[l->at] == '.' && is_digit(s[l->at + 1])) {
		t->kind = TOKEN_FLOAT;
		l->at++;
		while (l->at < len && is_digit(s[l->at]))
			l->at++;
	}
}

/* A sign, digits, or a point before a digit. */
static bool starts_number(struct slice rest)
{
	size_t k = rest.data[0] == '-' || rest.data[0] == '+' ? 1 : 0;

	if (k < rest.len && rest.data[k] == '.')
		k++;
	return k < rest.len && is_digit(rest.data[k]);
}

static void lex_mark(struct lexer *l, struct token *t)
{
	static const struct {
		char text[3];
		enum token_kind kind;
	} marks[] = {
		{"==", TOKEN_EQUAL        }, /* the published grammar's other spellings */
		{"<>", TOKEN_NOT_EQUAL    },
		{"!=", TOKEN_NOT_EQUAL    },
		{"<=", TOKEN_LESS_EQUAL   },
		{">=", TOKEN_GREATER_EQUAL},
		{"=",  TOKEN_EQUAL        },
		{"<",  TOKEN_LESS         },
		{">",  TOKEN_GREATER      },
		{":",  TOKEN_COLON        },
		{".",  TOKEN_DOT          },
		{",",  TOKEN_COMMA        },
		{"(",  TOKEN_OPEN         },
		{")",  TOKEN_CLOSE        },
		{"[",  TOKEN_BRACKET      },
		{"]",  TOKEN_BRACKET_CLOSE},
		{"*",  TOKEN_STAR         },
	};
	struct slice rest = slice_cut(l->text, l->at, l->text.len);
	size_t before = rest.len;

	for (size_t k = 0; k < COUNT_OF(marks); k++) {
		if (rest.data[0] == marks[k].text[0] &&
			slice_starts(rest, slice_of(marks[k].text))) {
			t->kind = marks[k].kind;
			l->at += strlen(marks[k].text);
			return;
		}
	}
	t->kind = TOKEN_STRAY;
	utf8_next(&rest);
	l->at += before - rest.len;
}

bool lexer_next(struct lexer *l, struct token *ret_token)
{
	struct token t = {.kind = TOKEN_END};
	bool good = true;
	char c;

	if (!lexer_skip(l))
		return false;
	t.offset = l->at;
	if (l->at < l->text.len) {
		c = l->text.data[l->at];
		if (is_name_start(c)) {
			good = lex_name(l, &t);
		} else if (c == '\'') {
			t.kind = TOKEN_STRING;
			good = lex_quoted(l, &t, false);
		} else if (starts_number(slice_cut(l->text, l->at, l->text.len))) {
			lex_number(l, &t);
		} else {
			lex_mark(l, &t);
		}
	}
	t.text = slice_cut(l->text, t.offset, l->at);
	if (good)
		*ret_token = t;
	return good;
}

/* ---- constants ------------------------------------------------------------------------------ */

bool lexer_string(struct lexer *l, const struct token *t, struct slice *ret_text)
{
	char *to;
	size_t len = 0;

	if (!t->escaped) {
		*ret_text = t->body;
		return true;
	}
	to = arena_alloc(l->arena, t->body.len);
	if (to == NULL)
		return fault_no_memory(l->fault);
	for (size_t k = 0; k < t->body.len; k++) {
		if (t->body.data[k] == '\\')
			k++;
		to[len++] = t->body.data[k];
	}
	*ret_text = (struct slice){to, len};
	return true;
}

/* Section 9.2: a positive number omits the plus sign. */
static bool number_form(struct lexer *l, const struct token *t)
{
	struct slice digits = t->text;

	if (digits.data[0] == '+')
		return fault_set(
			l->fault, l->arena, t->offset, "a positive number has no plus sign");
	if (digits.data[0] == '-')
		digits = slice_cut(digits, 1, digits.len);
	if (t->kind == TOKEN_INTEGER && digits.len > 1 && digits.data[0] == '0')
		return fault_set(l->fault, l->arena, t->offset, "an integer has no leading zeros");
	return true;
}

static bool constant_integer(struct lexer *l, const struct token *t, struct stix_constant *c)
{
	int64_t value = 0;
	bool minus = t->text.data[0] == '-';

	if (!number_form(l, t))
		return false;
	for (size_t k = minus ? 1 : 0; k < t->text.len; k++) {
		value = value * 10 + (t->text.data[k] - '0');
		if (value > INTEGER_MAX)
			return fault_set(l->fault, l->arena, t->offset,
				"an integer lies within +-9007199254740991");
	}
	c->integer = minus ? -value : value;
	c->number = (double)c->integer;
	return true;
}

/* Free of the process's locale, in which the decimal point may be a comma. */
static bool decimal_to_double(const char *text, double *ret_value)
{
	locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);

	if (plain == (locale_t)0)
		return false;
	*ret_value = strtod_l(text, NULL, plain);
	freelocale(plain);
	return true;
}

static bool constant_float(struct lexer *l, const struct token *t, struct stix_constant *c)
{
	/* Up to 15 digits over a power of ten up to 22 divide exactly as IEEE 754 rounds. */
	static const double tens[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15};
	bool minus = t->text.data[0] == '-';
	uint64_t digits = 0;
	size_t point = 0;

	if (!number_form(l, t))
		return false;
	if (t->text.len <= 16) {
		for (size_t k = minus ? 1 : 0; k < t->text.len; k++) {
			if (t->text.data[k] == '.')
				point = k;
			else
				digits = digits * 10 + (uint64_t)(t->text.data[k] - '0');
		}
		c->number = (double)digits / tens[t->text.len - 1 - point];
		if (minus)
			c->number = -c->number;
		return true;
	}
	{
		char *text = arena_string(l->arena, t->text);

		if (text == NULL || !decimal_to_double(text, &c->number))
			return fault_no_memory(l->fault);
	}
	if (!isfinite(c->number))
		return fault_set(l->fault, l->arena, t->offset, "a number does not fit a double");
	return true;
}

static bool constant_hex(struct lexer *l, const struct token *t, struct stix_constant *c)
{
	char *bytes;

	/* section 9.2, hex: an even number of 0-9 and a-f, lower case */
	for (size_t k = 0; k < t->body.len; k++) {
		char h = t->body.data[k];

		if (!is_digit(h) && !(h >= 'a' && h <= 'f'))
			return fault_set(l->fault, l->arena, t->offset + 2 + k,
				"a hex constant holds only 0-9 and a-f");
	}
	if (t->body.len % 2 != 0)
		return fault_set(l->fault, l->arena, t->offset,
			"a hex constant has an even number of digits");
	bytes = arena_alloc(l->arena, t->body.len / 2 + 1);
	if (bytes == NULL)
		return fault_no_memory(l->fault);
	if (!hex_decode(t->body, bytes, t->body.len / 2))
		return fault_set(l->fault, l->arena, t->offset, "a hex constant does not decode");
	c->text = (struct slice){bytes, t->body.len / 2};
	return true;
}

/* RFC 4648 with line feeds allowed (section 9.2, binary). */
static bool constant_binary(struct lexer *l, const struct token *t, struct stix_constant *c)
{
	struct buf bytes = BUF_INIT;
	char *packed = arena_alloc(l->arena, t->body.len + 1);
	size_t len = 0;
	bool good;

	if (packed == NULL)
		return fault_no_memory(l->fault);
	for (size_t k = 0; k < t->body.len; k++) {
		if (t->body.data[k] != '\n' && t->body.data[k] != '\r')
			packed[len++] = t->body.data[k];
	}
	good = base64_decode((struct slice){packed, len}, &bytes) && !bytes.bad;
	if (good)
		c->text = arena_copy(l->arena, buf_slice(&bytes));
	buf_fini(&bytes);
	if (!good)
		return fault_set(
			l->fault, l->arena, t->offset, "a binary constant is no base64 text");
	if (c->text.data == NULL)
		return fault_no_memory(l->fault);
	return true;
}

bool lexer_constant(struct lexer *l, const struct token *t, struct stix_constant *ret_constant)
{
	struct stix_constant c = {0};
	bool good = true;

	switch (t->kind) {
	case TOKEN_STRING:
		c.kind = STIX_CONSTANT_STRING;
		good = lexer_string(l, t, &c.text);
		break;
	case TOKEN_INTEGER:
		c.kind = STIX_CONSTANT_INTEGER;
		good = constant_integer(l, t, &c);
		break;
	case TOKEN_FLOAT:
		c.kind = STIX_CONSTANT_FLOAT;
		good = constant_float(l, t, &c);
		break;
	case TOKEN_TRUE:
	case TOKEN_FALSE:
		c.kind = STIX_CONSTANT_BOOLEAN;
		c.boolean = t->kind == TOKEN_TRUE;
		break;
	case TOKEN_TIMESTAMP:
		c.kind = STIX_CONSTANT_TIMESTAMP;
		c.text = t->body;
		if (!time_parse(t->body, &c.time_us, NULL))
			good = fault_set(l->fault, l->arena, t->offset,
				"a timestamp looks like t'2014-01-13T07:03:17.000Z'");
		break;
	case TOKEN_HEX:
		c.kind = STIX_CONSTANT_HEX;
		good = constant_hex(l, t, &c);
		break;
	default:
		c.kind = STIX_CONSTANT_BINARY;
		good = constant_binary(l, t, &c);
		break;
	}
	if (good)
		*ret_constant = c;
	return good;
}
