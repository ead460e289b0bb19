/* SPDX-License-Identifier: MPL-2.0 */
/* Strings whose format some standard gives. */
#include "check.h"
#include "value.h"

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	return is_lower((char)(c | 0x20));
}

static bool is_alnum(char c)
{
	return is_alpha(c) || is_digit(c);
}

static bool is_hex_digit(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool all_of(struct slice s, bool (*is)(char c))
{
	for (size_t i = 0; i < s.len; i++)
		if (!is(s.data[i]))
			return false;
	return true;
}

/* ---- binary ---------------------------------------------------------------------------------- */

bool text_base64(struct slice text, bool *ret_spare_bits)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = text.len;

	*ret_spare_bits = false;
	if (len % 4 != 0)
		return false;
	while (len > 0 && text.len - len < 2 && text.data[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(text.data[i]) && text.data[i] != '+' && text.data[i] != '/')
			return false;
	if (len != text.len) {
		const char *last = strchr(digits, text.data[len - 1]);
		unsigned spare = text.len - len == 1 ? 3 : 15;

		*ret_spare_bits = last == NULL || ((unsigned)(last - digits) & spare) != 0;
	}
	return true;
}

/* ---- languages (RFC 5646 section 2.1) -------------------------------------------------------- */

static bool is_alpha_text(struct slice s)
{
	return all_of(s, is_alpha);
}

/* Tags that section 2.2.8 keeps although they do not fit the grammar. */
static bool is_irregular(struct slice tag)
{
	static const char *const tags[] = {"en-GB-oed", "i-ami", "i-bnn", "i-default", "i-enochian",
		"i-hak", "i-klingon", "i-lux", "i-mingo", "i-navajo", "i-pwn", "i-tao", "i-tay",
		"i-tsu", "sgn-BE-FR", "sgn-BE-NL", "sgn-CH-DE"};

	for (size_t i = 0; i < COUNT_OF(tags); i++)
		if (slice_equal_nocase(tag, slice_of(tags[i])))
			return true;
	return false;
}

static bool is_variant(struct slice s)
{
	return s.len >= 5 || (s.len == 4 && is_digit(s.data[0]));
}

bool text_language(struct slice text)
{
	/* What may come next; each subtag moves on. */
	enum { EXTLANG, SCRIPT, REGION, VARIANT, EXTENSION, IN_EXTENSION, PRIVATE } next = EXTLANG;
	struct slice rest = text, part;
	unsigned extlangs = 0;
	bool open = false; /* a singleton that still needs a subtag */

	if (!slice_next(&rest, '-', &part))
		return false;
	if (slice_equal_nocase(part, SLICE("x")))
		next = PRIVATE, open = true;
	else if (!language_known(part))
		return is_irregular(text);
	if (text.data[text.len - 1] == '-')
		return false;
	while (slice_next(&rest, '-', &part)) {
		if (part.len == 0 || part.len > 8 || !all_of(part, is_alnum))
			return is_irregular(text);
		if (next == PRIVATE) {
			open = false;
		} else if (part.len == 1) {
			if (open)
				return false;
			next = (part.data[0] | 0x20) == 'x' ? PRIVATE : IN_EXTENSION;
			open = true;
		} else if (next == IN_EXTENSION) {
			open = false;
		} else if (next == EXTLANG && part.len == 3 && is_alpha_text(part) &&
			   extlangs < 3) {
			extlangs++;
		} else if (next <= SCRIPT && part.len == 4 && is_alpha_text(part)) {
			next = REGION;
		} else if (next <= REGION && ((part.len == 2 && is_alpha_text(part)) ||
						     (part.len == 3 && all_of(part, is_digit)))) {
			next = VARIANT;
		} else if (next <= VARIANT && is_variant(part)) {
			next = VARIANT;
		} else {
			return is_irregular(text);
		}
	}
	return !open;
}

/* ---- URLs (RFC 3986) ------------------------------------------------------------------------- */

/* Characters that may stand in a path, query or fragment, section 2: unreserved, sub-delims, ':',
 * '@',
 * '/', '?'; 2 for '%', which two hexadecimal digits must follow. */
static const uint8_t url_chars[256] = {
	['a'] = 1,
	['b'] = 1,
	['c'] = 1,
	['d'] = 1,
	['e'] = 1,
	['f'] = 1,
	['g'] = 1,
	['h'] = 1,
	['i'] = 1,
	['j'] = 1,
	['k'] = 1,
	['l'] = 1,
	['m'] = 1,
	['n'] = 1,
	['o'] = 1,
	['p'] = 1,
	['q'] = 1,
	['r'] = 1,
	['s'] = 1,
	['t'] = 1,
	['u'] = 1,
	['v'] = 1,
	['w'] = 1,
	['x'] = 1,
	['y'] = 1,
	['z'] = 1,
	['A'] = 1,
	['B'] = 1,
	['C'] = 1,
	['D'] = 1,
	['E'] = 1,
	['F'] = 1,
	['G'] = 1,
	['H'] = 1,
	['I'] = 1,
	['J'] = 1,
	['K'] = 1,
	['L'] = 1,
	['M'] = 1,
	['N'] = 1,
	['O'] = 1,
	['P'] = 1,
	['Q'] = 1,
	['R'] = 1,
	['S'] = 1,
	['T'] = 1,
	['U'] = 1,
	['V'] = 1,
	['W'] = 1,
	['X'] = 1,
	['Y'] = 1,
	['Z'] = 1,
	['0'] = 1,
	['1'] = 1,
	['2'] = 1,
	['3'] = 1,
	['4'] = 1,
	['5'] = 1,
	['6'] = 1,
	['7'] = 1,
	['8'] = 1,
	['9'] = 1,
	['-'] = 1,
	['.'] = 1,
	['_'] = 1,
	['~'] = 1,
	[':'] = 1,
	['/'] = 1,
	['?'] = 1,
	['@'] = 1,
	['!'] = 1,
	['$'] = 1,
	['&'] = 1,
	['\''] = 1,
	['('] = 1,
	[')'] = 1,
	['*'] = 1,
	['+'] = 1,
	[','] = 1,
	[';'] = 1,
	['='] = 1,
	['%'] = 2,
};

static bool url_part_fits(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t kind = url_chars[(unsigned char)s.data[i]];

		if (kind == 1)
			continue;
		if (kind == 0 || s.len - i < 3 || !is_hex_digit(s.data[i + 1]) ||
			!is_hex_digit(s.data[i + 2]))
			return false;
		i += 2;
	}
	return true;
}

/* Section 3.2: [ userinfo "@" ] host [ ":" port ]. */
static bool url_authority_fits(struct slice authority)
{
	size_t at = slice_find(authority, '@', 0), end;
	struct slice host = authority, port;

	if (at != authority.len) {
		host = slice_cut(authority, at + 1, authority.len);
		if (!url_part_fits(slice_cut(authority, 0, at)) ||
			slice_find(host, '@', 0) != host.len)
			return false;
	}
	if (host.len != 0 && host.data[0] == '[') {
		uint8_t address[16];

		end = slice_find(host, ']', 0);
		if (end == host.len || !value_ipv6(slice_cut(host, 1, end), address))
			return false;
		port = slice_cut(host, end + 1, host.len);
		host.len = 0;
	} else {
		end = slice_find(host, ':', 0);
		port = slice_cut(host, end, host.len);
		host = slice_cut(host, 0, end);
	}
	if (port.len != 0 &&
		(port.data[0] != ':' || !all_of(slice_cut(port, 1, port.len), is_digit)))
		return false;
	return url_part_fits(host);
}

bool text_url(struct slice text)
{
	struct slice rest;
	size_t i = 0, hash;

	while (i < text.len && (is_alnum(text.data[i]) || text.data[i] == '+' ||
				       text.data[i] == '-' || text.data[i] == '.'))
		i++;
	if (i == 0 || i + 1 >= text.len || text.data[i] != ':' || !is_alpha(text.data[0]))
		return false;
	rest = slice_cut(text, i + 1, text.len);
	if (slice_starts(rest, SLICE("//"))) {
		for (i = 2; i < rest.len; i++)
			if (rest.data[i] == '/' || rest.data[i] == '?' || rest.data[i] == '#')
				break;
		if (!url_authority_fits(slice_cut(rest, 2, i)))
			return false;
		rest = slice_cut(rest, i, rest.len);
	}
	hash = slice_find(rest, '#', 0);
	return url_part_fits(slice_cut(rest, 0, hash)) &&
	       url_part_fits(slice_cut(rest, hash + 1, rest.len));
}

/* ---- names and addresses --------------------------------------------------------------------- */

/* RFC 1034 section 3.1: labels of 1 to 63 octets, 253 in all, with or without the root's dot.
 * Letters, digits, '-' inside, and '_', which service names have; others through IDNA (RFC 5890).
 */
static bool domain_fits(struct slice text)
{
	char name[VALUE_NAME_MAX];
	size_t len, label = 0;

	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] >= 0x80)
			return value_name(text, name, &len);
	if (text.len > 1 && text.data[text.len - 1] == '.')
		text.len--;
	for (size_t i = 0; i <= text.len; i++) {
		if (i == text.len || text.data[i] == '.') {
			if (label == 0 || label > 63 || text.data[i - 1] == '-')
				return false;
			label = 0;
		} else if (is_alnum(text.data[i]) || text.data[i] == '_' ||
			   (text.data[i] == '-' && label != 0)) {
			label++;
		} else {
			return false;
		}
	}
	return text.len <= 253;
}

/* RFC 5322 section 3.4.1 with RFC 6532: dot-atom or quoted string, '@', domain or literal. */
static bool email_fits(struct slice text)
{
	size_t at = text.len;
	struct slice local, domain;

	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '@')
			at = i;
	local = slice_cut(text, 0, at);
	domain = slice_cut(text, at + 1, text.len);
	if (local.len == 0 || domain.len == 0)
		return false;
	if (domain.data[0] == '[')
		domain.len = domain.data[domain.len - 1] == ']' && domain.len > 2 ? 0 : 1;
	if (domain.len != 0 && !domain_fits(domain))
		return false;
	if (local.len >= 2 && local.data[0] == '"' && local.data[local.len - 1] == '"') {
		for (size_t i = 1; i + 1 < local.len; i++) {
			if (local.data[i] == '\\')
				i++;
			else if (local.data[i] == '"' || (unsigned char)local.data[i] < 0x20)
				return false;
		}
		return true;
	}
	for (size_t i = 0; i < local.len; i++) {
		char c = local.data[i];

		if (c == '.' ? i == 0 || i + 1 == local.len || local.data[i - 1] == '.'
			     : (unsigned char)c < 0x80 && !is_alnum(c) &&
					strchr("!#$%&'*+-/=?^_`{|}~", c) == NULL)
			return false;
	}
	return true;
}

/* Digits without a leading zero, at most `most`; none at all when there is no '/'. */
static bool prefix_fits(struct slice text, size_t slash, uint64_t most)
{
	uint64_t bits;

	return slash == text.len ||
	       (slice_to_u64(slice_cut(text, slash + 1, text.len), &bits) && bits <= most);
}

static bool ipv4_fits(struct slice text)
{
	size_t slash = slice_find(text, '/', 0);
	uint8_t address[4];

	return value_ipv4(slice_cut(text, 0, slash), address) && prefix_fits(text, slash, 32);
}

static bool ipv6_fits(struct slice text)
{
	size_t slash = slice_find(text, '/', 0);
	uint8_t address[16];

	return value_ipv6(slice_cut(text, 0, slash), address) && prefix_fits(text, slash, 128);
}

static bool mac_fits(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (i % 3 == 2 ? text.data[i] != ':'
			       : !is_digit(text.data[i]) &&
					 (text.data[i] < 'a' || text.data[i] > 'f'))
			return false;
	return text.len == 17;
}

/* NISTIR 7695 section 6.2: cpe:2.3: and eleven components; '\' before what is not alphanumeric. */
static bool cpe_fits(struct slice text)
{
	struct slice rest = slice_cut(text, 8, text.len);
	unsigned components = 1;
	size_t len = 0;

	if (!slice_starts(text, SLICE("cpe:2.3:")) || rest.len < 2 ||
		strchr("aoh*-", rest.data[0]) == NULL || rest.data[1] != ':')
		return false;
	for (size_t i = 0; i < rest.len; i++) {
		unsigned char c = (unsigned char)rest.data[i];

		if (c == ':') {
			if (len == 0)
				return false;
			components++;
			len = 0;
			continue;
		}
		if (c == '\\' && ++i == rest.len)
			return false;
		if (c != '\\' && !is_alnum((char)c) && strchr("._-*?", c) == NULL)
			return false;
		len++;
	}
	return components == 11 && len != 0;
}

/* 6.17: the hive must not be abbreviated. */
static bool registry_key_fits(struct slice text)
{
	static const char *const abbreviated[] = {
		"HKLM", "HKCC", "HKCR", "HKCU", "HKU", "HKDD", "HKPD"};
	struct slice hive = slice_cut(text, 0, slice_find(text, '\\', 0));

	for (size_t i = 0; i < COUNT_OF(abbreviated); i++)
		if (slice_equal_nocase(hive, slice_of(abbreviated[i])))
			return false;
	return true;
}

/* ---- forms that should be -------------------------------------------------------------------- */

static bool is_relationship_char(char c)
{
	return is_lower(c) || is_digit(c) || c == '-';
}

static bool relationship_fits(struct slice text)
{
	return text.len != 0 && all_of(text, is_relationship_char);
}

static bool is_property_char(char c)
{
	return is_lower(c) || is_digit(c) || c == '_';
}

static bool property_name_fits(struct slice text)
{
	return text.len >= 3 && text.len <= STIX_TYPE_MAX && is_lower(text.data[0]) &&
	       all_of(text, is_property_char);
}

static bool is_term_char(char c)
{
	return (c < 'A' || c > 'Z') && c != ' ' && c != '_';
}

static bool term_fits(struct slice text)
{
	return all_of(text, is_term_char);
}

static bool is_not_upper(char c)
{
	return c < 'A' || c > 'Z';
}

static bool lower_fits(struct slice text)
{
	return all_of(text, is_not_upper);
}

/* The IANA registry grows every week, its first level does not (RFC 6838, RFC 9695). */
static bool media_type_fits(struct slice text)
{
	static const char *const top[] = {"application", "audio", "example", "font", "haptics",
		"image", "message", "model", "multipart", "text", "video"};
	size_t slash = slice_find(text, '/', 0);
	struct slice subtype = slice_cut(text, slash + 1, text.len);

	for (size_t i = 0; i < subtype.len; i++)
		if (!is_alnum(subtype.data[i]) && strchr("!#$&-^_.+", subtype.data[i]) == NULL)
			return false;
	for (size_t i = 0; i < COUNT_OF(top); i++)
		if (slice_is(slice_cut(text, 0, slash), top[i]))
			return subtype.len != 0;
	return false;
}

static bool area_fits(struct slice text)
{
	struct slice part = slice_cut(text, 3, text.len);

	return text.len >= 4 && text.len <= 6 && text.data[2] == '-' &&
	       country_known(slice_cut(text, 0, 2)) && all_of(part, is_alnum);
}

/* RFC 6335 section 5.1: service names. */
static bool protocol_fits(struct slice text)
{
	return text.len != 0 && text.len <= 15 && all_of(text, is_relationship_char) &&
	       text.data[0] != '-' && text.data[text.len - 1] != '-';
}

static bool priority_fits(struct slice text)
{
	return slice_ends(text, SLICE("_CLASS"));
}

static const struct format {
	bool (*fits)(struct slice text);
	const char *expected;
	enum stix_level level;
	bool may_be_defanged; /* then a value with "defanged": true is not looked at (3.2) */
} formats[TEXT_FORMATS] = {
	[TEXT_LANGUAGE] = {text_language,      "a language code of RFC 5646",                        STIX_ERROR,   false},
	[TEXT_URL] = {text_url,           "a URL of RFC 3986",                                  STIX_ERROR,   true },
	[TEXT_URL_LOOSE] = {text_url,           "a URL of RFC 3986",                                  STIX_WARNING, true },
	[TEXT_DOMAIN] = {domain_fits,        "a domain name of RFC 1034 and RFC 5890",             STIX_ERROR,   true },
	[TEXT_EMAIL] = {email_fits,         "an addr-spec of RFC 5322, such as user@example.com",
			   STIX_ERROR,									     true },
	[TEXT_IPV4] = {ipv4_fits,          "an IPv4 address, or a network in CIDR notation",     STIX_ERROR,
			   true											 },
	[TEXT_IPV6] = {ipv6_fits,          "an IPv6 address, or a network in CIDR notation",     STIX_ERROR,
			   true											 },
	[TEXT_MAC] = {mac_fits,           "a MAC address such as 00:00:ab:cd:ef:01",            STIX_ERROR,   false},
	[TEXT_CHARSET] = {charset_known,      "the name of a character set registered with IANA",
			   STIX_ERROR,									     false},
	[TEXT_CPE] = {cpe_fits,           "a CPE 2.3 formatted string",                         STIX_ERROR,   false},
	[TEXT_MEDIA_TYPE] = {media_type_fits,    "a media type registered with IANA",                  STIX_WARNING,
			   false											},
	[TEXT_REGISTRY_KEY] = {registry_key_fits,  "the hive in full, such as HKEY_LOCAL_MACHINE",
			   STIX_ERROR,									     false},
	[TEXT_RELATIONSHIP] = {relationship_fits,  "a-z, 0-9 and -",                                     STIX_ERROR,   false},
	[TEXT_PROPERTY_NAME] = {property_name_fits,
			   "a-z, 0-9 and _, a letter first, 3 to 250 characters",                    STIX_ERROR,   false},
	[TEXT_TERM] = {term_fits,          "lower case, words separated by hyphens",             STIX_WARNING, false},
	[TEXT_COUNTRY] = {country_known,      "a country code of ISO 3166-1 alpha-2",               STIX_WARNING,
			   false											},
	[TEXT_AREA] = {area_fits,          "a code of ISO 3166-2",                               STIX_WARNING, false},
	[TEXT_PRODUCT] = {term_fits,          "lower case, words separated by hyphens",             STIX_WARNING, false},
	[TEXT_PROTOCOL] = {protocol_fits,      "a service name registered with IANA",                STIX_WARNING,
			   false											},
	[TEXT_PRIORITY] = {priority_fits,      "a name that ends in _CLASS",                         STIX_WARNING, false},
	[TEXT_LOWER] = {lower_fits,         "lower case",                                         STIX_WARNING, false},
};

static bool is_defanged(struct check *c)
{
	struct json_value defanged;

	if (c->defanged == DEFANGED_UNKNOWN)
		c->defanged = json_get(c->object, "defanged", &defanged) && json_is_true(defanged)
				      ? DEFANGED_YES
				      : DEFANGED_NO;
	return c->defanged == DEFANGED_YES;
}

void check_text(struct walk *w, const struct property *p, struct slice text, const struct place *at)
{
	const struct format *format = &formats[p->text];
	const char *clause = p->clause != NULL ? p->clause : w->shape->clause;
	struct check *c = w->check;

	if ((format->level == STIX_WARNING && !c->should) || format->fits(text))
		return;
	if (format->may_be_defanged && is_defanged(c))
		return;
	check_expected(c, format->level, clause, at, format->expected, text);
}
