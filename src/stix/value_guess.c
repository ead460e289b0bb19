/* SPDX-License-Identifier: MPL-2.0 */
/* What a person typed or a list holds: undo what makes it harmless to click, and say what it is. */
#include "value.h"

/* ---- refanging ------------------------------------------------------------------------------ */

/* What stands for one mark between two parts of a value. Longest first where one begins another. */
static const struct {
	const char *from; /* lower case */
	const char *to;
} marks[] = {
	{"[://]", "://"},
	{"(://)", "://"},
	{"[dot]", "."  },
	{"(dot)", "."  },
	{"{dot}", "."  },
	{"[at]",  "@"  },
	{"(at)",  "@"  },
	{"{at}",  "@"  },
	{"[.]",   "."  },
	{"(.)",   "."  },
	{"{.}",   "."  },
	{"[@]",   "@"  },
	{"(@)",   "@"  },
	{"{@}",   "@"  },
	{"[:]",   ":"  },
	{"(:)",   ":"  },
	{"[/]",   "/"  },
	{"\\.",   "."  },
	{"[.",    "."  },
	{".]",    "."  },
};

static const struct {
	const char *from; /* lower case */
	const char *to;
} schemes[] = {
	{"hxxp", "http"},
	{"hxtp", "http"},
	{"htxp", "http"},
	{"h**p", "http"},
	{"fxp",  "ftp" },
	{"f*p",  "ftp" },
};

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (unsigned char)c >= 0x80;
}

static bool starts_nocase(struct slice text, size_t at, const char *what)
{
	return slice_equal_nocase(slice_cut(text, at, at + strlen(what)), slice_of(what));
}

/*
 * A mark stands between two parts of a value: something that is no blank on both sides, and for the
 * marks with one bracket or a backslash a letter or digit, so that "[::1]", "C:\.ssh" and a
 * sentence in brackets stay as they are.
 */
static bool mark_fits(struct slice text, size_t at, const char *mark)
{
	size_t len = strlen(mark);
	bool half = len == 2;
	char before, behind;

	if (at == 0 || at + len >= text.len)
		return false;
	before = text.data[at - 1];
	behind = text.data[at + len];
	if (half)
		return is_word(before) && is_word(behind);
	return (unsigned char)before > ' ' && (unsigned char)behind > ' ';
}

/* "hxxp" or "hxxps" at the beginning of a word, with a ':' of some kind behind. */
static bool scheme_fits(struct slice text, size_t at, const char *scheme)
{
	size_t end = at + strlen(scheme);

	if (at > 0 && is_word(text.data[at - 1]))
		return false;
	if (end < text.len && (text.data[end] | 0x20) == 's')
		end++;
	return end < text.len && strchr(":[({", text.data[end]) != NULL && text.data[end] != '\0';
}

/* What begins at `at` and is to be replaced; NULL when nothing is. */
static const char *replacement(struct slice text, size_t at, size_t *ret_len)
{
	char c = (char)(text.data[at] | 0x20);

	if (c == 'h' || c == 'f') {
		for (size_t k = 0; k < COUNT_OF(schemes); k++) {
			if (starts_nocase(text, at, schemes[k].from) &&
				scheme_fits(text, at, schemes[k].from)) {
				*ret_len = strlen(schemes[k].from);
				return schemes[k].to;
			}
		}
		return NULL;
	}
	for (size_t k = 0; k < COUNT_OF(marks); k++) {
		if (text.data[at] == marks[k].from[0] && starts_nocase(text, at, marks[k].from) &&
			mark_fits(text, at, marks[k].from)) {
			*ret_len = strlen(marks[k].from);
			return marks[k].to;
		}
	}
	return NULL;
}

struct slice stix_refang(struct slice text, struct arena *a)
{
	size_t len = 0, at = 0, taken;
	char *to = NULL;
	const char *put;

	while (at < text.len) {
		put = strchr("[({\\.hHfF", text.data[at]) != NULL && text.data[at] != '\0'
			      ? replacement(text, at, &taken)
			      : NULL;
		if (put != NULL && to == NULL) {
			to = arena_alloc(a, text.len + 1);
			if (to == NULL)
				return text;
			memcpy(to, text.data, at);
			len = at;
		}
		if (put != NULL) {
			memcpy(to + len, put, strlen(put));
			len += strlen(put);
			at += taken;
		} else {
			if (to != NULL)
				to[len++] = text.data[at];
			at++;
		}
	}
	return to == NULL ? text : (struct slice){to, len};
}

/* ---- guessing ------------------------------------------------------------------------------- */

static bool guess_address(struct slice text, struct stix_value *v)
{
	uint8_t range[VALUE_RANGE_LEN];

	if (text.len > 2 && text.data[0] == '[' && text.data[text.len - 1] == ']')
		text = slice_cut(text, 1, text.len - 1);
	if (!value_address(text, range))
		return false;
	v->text = text;
	v->object_type =
		slice_find(text, ':', 0) < text.len ? SLICE("ipv6-addr") : SLICE("ipv4-addr");
	return true;
}

static bool guess_hash(struct slice text, struct stix_value *v)
{
	static const struct {
		size_t digits;
		const char *algorithm;
	} lengths[] = {
		{32,  "MD5"    },
		{40,  "SHA-1"  },
		{56,  "SHA-224"},
		{64,  "SHA-256"},
		{96,  "SHA-384"},
		{128, "SHA-512"},
	};
	uint8_t bytes[64];

	for (size_t k = 0; k < COUNT_OF(lengths); k++) {
		if (text.len == lengths[k].digits && hex_decode(text, bytes, text.len / 2)) {
			v->object_type = SLICE("file");
			v->property = slice_of(lengths[k].algorithm);
			return true;
		}
	}
	return false;
}

static bool has_blank(struct slice text)
{
	for (size_t k = 0; k < text.len; k++) {
		if ((unsigned char)text.data[k] <= ' ')
			return true;
	}
	return false;
}

static bool guess_url(struct slice text, struct stix_value *v)
{
	size_t slash = slice_find(text, '/', 0);
	size_t colon = slice_find(text, ':', 0);

	v->object_type = SLICE("url");
	if (slice_find_text(text, SLICE("://")) < text.len)
		return true;
	/* host/path or host:port/path without a scheme */
	return slash < text.len &&
	       value_name_likely(slice_cut(text, 0, colon < slash ? colon : slash));
}

static bool guess_email(struct slice text, struct stix_value *v)
{
	size_t at = slice_find(text, '@', 0);

	v->object_type = SLICE("email-addr");
	return at > 0 && at < text.len && value_name_likely(slice_cut(text, at + 1, text.len));
}

static bool guess_mac(struct slice text, struct stix_value *v)
{
	uint8_t bytes[6];

	v->object_type = SLICE("mac-addr");
	return text.len > 12 && value_mac(text, bytes);
}

static bool guess_asn(struct slice text, struct stix_value *v)
{
	uint64_t number;

	v->object_type = SLICE("autonomous-system");
	v->property = SLICE("number");
	if (!slice_equal_nocase(slice_cut(text, 0, 2), SLICE("AS")))
		return false;
	v->text = slice_cut(text, 2, text.len);
	return slice_to_u64(v->text, &number);
}

static bool guess_name(struct slice text, struct stix_value *v)
{
	if (slice_starts(text, SLICE("*.")))
		text = slice_cut(text, 2, text.len);
	else if (slice_starts(text, SLICE(".")))
		text = slice_cut(text, 1, text.len);
	if (slice_ends(text, SLICE(".")))
		text.len--;
	v->text = text;
	v->object_type = SLICE("domain-name");
	return value_name_likely(text);
}

/* In this order: what is more exact comes first. */
static const struct {
	enum stix_value_kind kind;
	bool (*guess)(struct slice text, struct stix_value *v);
} guesses[] = {
	{STIX_VALUE_ADDRESS, guess_address},
	{STIX_VALUE_HASH,    guess_hash   },
	{STIX_VALUE_MAC,     guess_mac    },
	{STIX_VALUE_ASN,     guess_asn    },
	{STIX_VALUE_URL,     guess_url    },
	{STIX_VALUE_EMAIL,   guess_email  },
	{STIX_VALUE_NAME,    guess_name   },
};

bool value_guess(struct slice text, struct arena *a, struct stix_value *ret_value)
{
	if (text.len == 0 || has_blank(text))
		return false;
	for (size_t k = 0; k < COUNT_OF(guesses); k++) {
		struct stix_value v = {
			.kind = guesses[k].kind, .text = text, .property = SLICE("value")};

		if (guesses[k].guess(text, &v) && stix_value_key(v.kind, v.text, a, &v.key)) {
			*ret_value = v;
			return true;
		}
	}
	return false;
}

bool stix_value_guess(struct slice text, struct arena *a, struct stix_value *ret_value)
{
	return value_guess(stix_refang(slice_trim(text), a), a, ret_value);
}
