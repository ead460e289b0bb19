/* SPDX-License-Identifier: MPL-2.0 */
/* Normal forms: see normal.h. Slow and careful; the matcher has fast ways for the common cases. */
#include <stdlib.h>

#include "normal.h"

static bool none(struct normal *n, const char *why)
{
	n->why = why;
	return false;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool has_high(struct slice text)
{
	for (size_t k = 0; k < text.len; k++) {
		if ((unsigned char)text.data[k] >= 0x80)
			return true;
	}
	return false;
}

/* In small letters, eight bytes at a time; not 0 when a byte is beyond ASCII. */
static uint64_t lower_copy(char *to, const char *from, size_t len)
{
	const uint64_t all = UINT64_C(0x0101010101010101), tops = all << 7;
	uint64_t high = 0;

	for (size_t k = 0; k < len; k += 8) {
		size_t part = len - k < 8 ? len - k : 8;
		uint64_t v = 0, seven, upper;

		if (part == 8)
			memcpy(&v, from + k, 8);
		else
			memcpy(&v, from + k, part);
		high |= v;
		/* from 'A' on and not beyond 'Z', told by a carry into each byte's highest bit */
		seven = v & ~tops;
		upper = (seven + all * (0x80 - 'A')) & ~(seven + all * (0x7f - 'Z')) & ~v & tops;
		v |= upper >> 2;
		if (part == 8)
			memcpy(to + k, &v, 8);
		else
			memcpy(to + k, &v, part);
	}
	return high & tops;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* A-labels by stix's rules (IDNA 2008 through libidn2), turned round again from its key. */
static size_t name_to_ascii(struct slice text, char *to)
{
	struct arena *a = arena_new(KIB(16));
	struct slice key;
	size_t len = 0;

	if (a == NULL)
		return 0;
	if (stix_value_key(STIX_VALUE_NAME, text, a, &key) && key.len <= NAME_BYTES_MAX + 1) {
		size_t end = key.len - 1; /* the key ends in a dot */

		while (true) {
			size_t from = end;

			while (from > 0 && key.data[from - 1] != '.')
				from--;
			memcpy(to + len, key.data + from, end - from);
			len += end - from;
			if (from == 0)
				break;
			to[len++] = '.';
			end = from - 1;
		}
	}
	arena_free(a);
	return len;
}

/*
 * A field's name: the last bytes of what is too long for one, for its parents still count. Text
 * with bytes that no name can have stays as it is; nothing equals it, but its parents may.
 */
static bool name_field(struct slice text, struct normal *n)
{
	if (text.len > 0 && text.data[text.len - 1] == '.')
		text.len--;
	if (text.len == 0)
		return none(n, "is empty");
	n->len = text.len;
	if (text.len <= VALUE_BYTES_MAX && lower_copy(n->text, text.data, text.len) == 0)
		return true;
	n->len = name_to_ascii(text, n->text);
	if (n->len != 0)
		return true;
	if (text.len > VALUE_BYTES_MAX)
		text = slice_cut(text, text.len - VALUE_BYTES_MAX, text.len);
	(void)lower_copy(n->text, text.data, text.len);
	n->len = text.len;
	return true;
}

/* An indicator's name: letters, digits, '-' and '_', labels of 1 to 63, the last no number. */
static bool name_value(struct slice text, struct normal *n)
{
	size_t label = 0, labels = 1;
	bool number = true;

	if (slice_starts(text, SLICE("*.")))
		text = slice_cut(text, 2, text.len);
	else if (slice_starts(text, SLICE(".")))
		text = slice_cut(text, 1, text.len);
	if (text.len > 0 && text.data[text.len - 1] == '.')
		text.len--;
	if (has_high(text)) {
		n->len = text.len <= KIB(1) ? name_to_ascii(text, n->text) : 0;
		if (n->len == 0)
			return none(n, "is no internationalised domain name (IDNA 2008)");
		text = (struct slice){n->text, n->len};
	}
	if (text.len == 0 || text.len > NAME_BYTES_MAX)
		return none(n, "is no domain name: 1 to 253 bytes");
	for (size_t k = 0; k < text.len; k++) {
		char c = lower(text.data[k]);

		if (c == '.') {
			if (label == 0)
				return none(n, "is no domain name: empty label");
			label = 0;
			labels++;
			number = true;
		} else if ((c >= 'a' && c <= 'z') || c == '-' || c == '_') {
			label++;
			number = false;
		} else if (is_digit(c)) {
			label++;
		} else {
			return none(n, "is no domain name: letters, digits, '-' and '_' only");
		}
		if (label > 63)
			return none(n, "is no domain name: a label of more than 63 bytes");
		n->text[k] = c;
	}
	if (label == 0 || number)
		return none(n, "is no domain name: its last label is a number");
	if (labels > INDEX_LABELS_MAX)
		return none(n, "is no domain name: more than 127 labels");
	n->len = text.len;
	return true;
}

/* ---- addresses ----------------------------------------------------------------------------- */

/* Logs write zones ("fe80::1%eth0") and brackets. */
static size_t address_bytes(struct slice text, uint8_t ret_bytes[16])
{
	size_t zone = slice_find(text, '%', 0);

	if (zone < text.len) {
		bool bracket = text.data[text.len - 1] == ']' && text.data[0] == '[';

		text = slice_cut(text, bracket ? 1 : 0, zone);
	}
	return event_address_parse(text, ret_bytes);
}

bool normal_network(
	struct slice text, uint8_t ret_first[16], unsigned *ret_prefix, const char **ret_why)
{
	size_t slash = slice_find(text, '/', 0);
	uint8_t bytes[16];
	size_t len = event_address_parse(slice_cut(text, 0, slash), bytes);
	bool mapped = false;
	unsigned base;
	uint64_t prefix;

	if (len == 0) {
		*ret_why = "is no IPv4 or IPv6 address or network";
		return false;
	}
	base = len == 4 ? 96 : 0;
	if (len == 4 && slice_find(text, ':', 0) < slash)
		mapped = true; /* ::ffff:10.0.0.0/104 counts from the left of 128 bits */
	prefix = ADDRESS_BITS - base;
	if (slash < text.len) {
		struct slice digits = slice_cut(text, slash + 1, text.len);

		if (mapped)
			prefix = ADDRESS_BITS;
		if (!slice_to_u64(digits, &prefix) ||
			prefix > (uint64_t)(ADDRESS_BITS - (mapped ? 0 : base))) {
			*ret_why = "has no prefix length of its family";
			return false;
		}
		if (mapped && prefix < 96) {
			*ret_why = "is a network of IPv4-mapped addresses wider than all of IPv4";
			return false;
		}
		if (mapped)
			prefix -= 96;
		if (prefix == 0) {
			*ret_why = "is every address there is";
			return false;
		}
	}
	prefix += base;
	memset(ret_first, 0, 16);
	if (len == 4)
		memset(ret_first + 10, 0xff, 2);
	memcpy(ret_first + 16 - len, bytes, len);
	for (unsigned k = 0; k < 16; k++) {
		unsigned fixed = prefix >= 8 * (k + 1) ? 8
				 : prefix <= 8 * k     ? 0
						       : (unsigned)prefix - 8 * k;

		ret_first[k] = (uint8_t)(ret_first[k] & ~(0xff >> fixed));
	}
	*ret_prefix = (unsigned)prefix;
	return true;
}

static bool address_field(struct slice text, struct normal *n)
{
	n->len = address_bytes(text, (uint8_t *)n->text);
	return n->len != 0 || none(n, "is no address");
}

static bool address_value(struct slice text, struct normal *n)
{
	uint8_t first[16];
	unsigned prefix;

	if (!normal_network(text, first, &prefix, &n->why))
		return false;
	n->len = event_address_parse(
		slice_cut(text, 0, slice_find(text, '/', 0)), (uint8_t *)n->text);
	memcpy(n->text, first + 16 - n->len, n->len);
	if (prefix < ADDRESS_BITS) {
		n->text[n->len] = (char)(prefix - (n->len == 4 ? 96 : 0));
		n->len++;
	}
	return true;
}

/* ---- URLs and e-mails ---------------------------------------------------------------------- */

/* Host of a URL or the domain of an e-mail into `to` (at least NAME_BYTES_MAX and ADDRESS_TEXT_MAX
 * bytes); 0 when it is none. */
static size_t host_put(struct slice host, bool strict, char *to)
{
	char text[ADDRESS_TEXT_MAX];
	uint8_t bytes[16];
	struct normal *n;
	size_t len = 0;

	/* an IPv4 address ends in a digit, an IPv6 address has colons: names are spared the parsing
	 */
	if (host.len > 0 &&
		(is_digit(host.data[host.len - 1]) || slice_find(host, ':', 0) < host.len))
		len = address_bytes(host, bytes);
	if (len != 0) {
		size_t text_len = event_address_format(bytes, len, text);
		size_t at = 0;

		if (len == 16)
			to[at++] = '[';
		memcpy(to + at, text, text_len);
		at += text_len;
		if (len == 16)
			to[at++] = ']';
		return at;
	}
	if (host.len > 0 && host.data[host.len - 1] == '.')
		host.len--;
	if (!has_high(host) && host.len <= NAME_BYTES_MAX && !strict) {
		(void)lower_copy(to, host.data, host.len);
		return host.len;
	}
	n = malloc(sizeof(*n));
	if (n == NULL)
		return 0;
	len = 0;
	if ((strict ? name_value(host, n) : name_field(host, n)) && n->len <= NAME_BYTES_MAX) {
		memcpy(to, n->text, n->len);
		len = n->len;
	}
	free(n);
	return len;
}

static bool url_any(struct slice text, bool strict, struct normal *n)
{
	struct url_parts u;

	if (!url_split(text, &u))
		return none(n, "is no URL with a host");
	n->len = host_put(u.host, strict, n->text);
	if (n->len == 0)
		return none(n, "is no URL: its host is no name or address");
	if (u.port.len != 0) {
		n->text[n->len++] = ':';
		memcpy(n->text + n->len, u.port.data, u.port.len);
		n->len += u.port.len;
	}
	if (u.path.len == 0 || u.path.data[0] != '/')
		n->text[n->len++] = '/';
	if (u.path.len > VALUE_BYTES_MAX - n->len) {
		if (strict)
			return none(n, "is a URL of more than 8192 bytes");
		/* no indicator is as long; what it continues may still be one */
		u.path.len = VALUE_BYTES_MAX - n->len;
	}
	for (size_t k = 0; k < u.path.len; k++) {
		unsigned char c = (unsigned char)u.path.data[k];

		if (strict && (c <= ' ' || c == 0x7f))
			return none(n, "is no URL: a blank or control character in it");
		n->text[n->len++] = (char)c;
	}
	return true;
}

static bool url_field(struct slice text, struct normal *n)
{
	return url_any(text, false, n);
}

static bool url_value(struct slice text, struct normal *n)
{
	if (slice_find_text(text, SLICE("://")) == text.len && slice_find(text, '/', 0) == text.len)
		return none(n, "is no URL: neither scheme nor path");
	return url_any(text, true, n);
}

static bool email_any(struct slice text, bool strict, struct normal *n)
{
	size_t at = text.len;

	while (at > 0 && text.data[at - 1] != '@')
		at--;
	if (at < 2 || at == text.len)
		return none(n, "is no e-mail address");
	/* RFC 5321 section 4.5.3.1.1: 64 bytes; programs send more */
	if (at > KIB(1))
		return none(n, "is no e-mail address: more than 1,023 bytes before the '@'");
	for (size_t k = 0; k < at; k++) {
		char c = text.data[k];

		if (strict && k + 1 < at && !email_local_byte(c))
			return none(n, "is no e-mail address: blanks or specials before the '@'");
		n->text[k] = lower(c);
	}
	/* address literals in brackets are not taken out of fields */
	if (strict && (text.data[at] == '[' || slice_find(text, ':', at) < text.len))
		return none(n, "is no e-mail address: its domain is none");
	n->len = host_put(slice_cut(text, at, text.len), strict, n->text + at);
	if (n->len == 0)
		return none(n, "is no e-mail address: its domain is none");
	n->len += at;
	return true;
}

static bool email_field(struct slice text, struct normal *n)
{
	return email_any(text, false, n);
}

static bool email_value(struct slice text, struct normal *n)
{
	return email_any(text, true, n);
}

/* ---- digests, numbers, tokens -------------------------------------------------------------- */

static bool digest_of(struct slice text, struct normal *n, const size_t *bytes, size_t count)
{
	char digits[2 * 64];
	size_t len = 0;

	/* "AB:CD:..", as tools print certificates' hashes */
	if (text.len > 3 && text.data[2] == ':') {
		for (size_t k = 0; k < text.len && len < sizeof(digits); k++) {
			if (k % 3 == 2 && text.data[k] == ':')
				continue;
			digits[len++] = text.data[k];
		}
		if (text.len + 1 != len / 2 * 3)
			return none(n, "is no hash in hexadecimal digits");
		text = (struct slice){digits, len};
	}
	for (size_t k = 0; k < count; k++) {
		if (text.len == 2 * bytes[k] && hex_decode(text, n->text, bytes[k])) {
			n->len = bytes[k];
			return true;
		}
	}
	return none(n, "is no hash in hexadecimal digits");
}

static bool hash_any(struct slice text, struct normal *n)
{
	static const size_t lengths[] = {16, 20, 32, 64};

	return digest_of(text, n, lengths, COUNT_OF(lengths));
}

static bool certificate_any(struct slice text, struct normal *n)
{
	static const size_t lengths[] = {16, 20, 32};

	return digest_of(text, n, lengths, COUNT_OF(lengths));
}

/* "AS64500", "64500", and in fields "AS64500 Example Ltd" */
static bool asn_any(struct slice text, struct normal *n)
{
	size_t end = 0;
	uint64_t number;

	if (slice_equal_nocase(slice_cut(text, 0, 2), SLICE("AS")))
		text = slice_cut(text, 2, text.len);
	while (end < text.len && text.data[end] != ' ')
		end++;
	if (!slice_to_u64(slice_cut(text, 0, end), &number) || number > UINT32_MAX)
		return none(n, "is no AS number");
	put_u32(n->text, (uint32_t)number);
	n->len = 4;
	return true;
}

static bool asn_value(struct slice text, struct normal *n)
{
	return slice_find(text, ' ', 0) == text.len ? asn_any(text, n) : none(n, "is no AS number");
}

/* Twelve digits in pairs by ':' or '-', in fours by '.', or run together. */
static bool mac_any(struct slice text, struct normal *n)
{
	size_t every = text.len == 17 ? 2 : text.len == 14 ? 4 : 12;
	char digits[12];
	size_t len = 0;

	if (text.len != 12 && text.len != 14 && text.len != 17)
		return none(n, "is no MAC address");
	for (size_t k = 0; k < text.len; k++) {
		if (k % (every + 1) == every) {
			if (text.data[k] != text.data[every] ||
				strchr(every == 2 ? ":-" : ".", text.data[k]) == NULL)
				return none(n, "is no MAC address");
		} else if (len < sizeof(digits)) {
			digits[len++] = text.data[k];
		}
	}
	if (!hex_decode((struct slice){digits, len}, n->text, 6) || len != 12)
		return none(n, "is no MAC address");
	n->len = 6;
	return true;
}

static bool text_any(struct slice text, struct normal *n)
{
	if (text.len == 0)
		return none(n, "is empty");
	if (text.len > VALUE_BYTES_MAX)
		return none(n, "is longer than 8192 bytes");
	memcpy(n->text, text.data, text.len);
	n->len = text.len;
	return true;
}

/* Fingerprints: tools disagree only in the case of their digits. */
static bool token_any(struct slice text, struct normal *n)
{
	if (!text_any(text, n))
		return false;
	for (size_t k = 0; k < n->len; k++)
		n->text[k] = lower(n->text[k]);
	return true;
}

static bool imphash_any(struct slice text, struct normal *n)
{
	uint8_t bytes[16];

	if (text.len != 32 || !hex_decode(text, bytes, sizeof(bytes)))
		return none(n, "is no imphash: 32 hexadecimal digits");
	return token_any(text, n);
}

static bool ssdeep_value(struct slice text, struct normal *n)
{
	size_t colon = slice_find(text, ':', 0);
	uint64_t block;

	if (!slice_to_u64(slice_cut(text, 0, colon), &block) ||
		slice_find(text, ':', colon + 1) >= text.len)
		return none(n, "is no ssdeep hash: block size, ':', hash, ':', hash");
	return text_any(text, n);
}

/* ---- printing ------------------------------------------------------------------------------ */

static size_t copy_print(struct slice normal, char *to)
{
	memcpy(to, normal.data, normal.len);
	return normal.len;
}

static size_t hex_print(const uint8_t *bytes, size_t len, char between, char *to)
{
	static const char digits[] = "0123456789abcdef";
	size_t at = 0;

	for (size_t k = 0; k < len; k++) {
		if (k > 0 && between != 0)
			to[at++] = between;
		to[at++] = digits[bytes[k] >> 4];
		to[at++] = digits[bytes[k] & 15];
	}
	return at;
}

static size_t digest_print(struct slice normal, char *to)
{
	return hex_print((const uint8_t *)normal.data, normal.len, 0, to);
}

static size_t mac_print(struct slice normal, char *to)
{
	return hex_print((const uint8_t *)normal.data, normal.len, ':', to);
}

static size_t asn_print(struct slice normal, char *to)
{
	struct reader r = {.rest = normal};

	return (size_t)snprintf(to, 16, "AS%u", read_u32(&r));
}

static size_t address_print(struct slice normal, char *to)
{
	char text[ADDRESS_TEXT_MAX];
	bool network = normal.len == 5 || normal.len == 17;
	size_t bytes = network ? normal.len - 1 : normal.len;
	size_t len = event_address_format(normal.data, bytes, text);

	memcpy(to, text, len);
	if (network)
		len += (size_t)snprintf(
			to + len, 8, "/%u", (unsigned)(unsigned char)normal.data[bytes]);
	return len;
}

/* ---- the kinds ----------------------------------------------------------------------------- */

static const struct {
	bool (*field)(struct slice text, struct normal *n);
	bool (*value)(struct slice text, struct normal *n);
	size_t (*print)(struct slice normal, char *to);
} kinds[FIELD_KINDS_STORED] = {
	[FIELD_ADDRESS] = {address_field,   address_value,   address_print},
	[FIELD_NAME] = {name_field,      name_value,      copy_print   },
	[FIELD_URL] = {url_field,       url_value,       copy_print   },
	[FIELD_EMAIL] = {email_field,     email_value,     copy_print   },
	[FIELD_HASH] = {hash_any,        hash_any,        digest_print },
	[FIELD_ASN] = {asn_any,         asn_value,       asn_print    },
	[FIELD_MAC] = {mac_any,         mac_any,         mac_print    },
	[FIELD_TEXT] = {text_any,        text_any,        copy_print   },
	[FIELD_CERTIFICATE] = {certificate_any, certificate_any, digest_print },
	[FIELD_JA3] = {token_any,       token_any,       copy_print   },
	[FIELD_JA3S] = {token_any,       token_any,       copy_print   },
	[FIELD_JA4] = {token_any,       token_any,       copy_print   },
	[FIELD_IMPHASH] = {imphash_any,     imphash_any,     copy_print   },
	[FIELD_SSDEEP] = {text_any,        ssdeep_value,    copy_print   },
};

static bool kind_known(enum field_kind kind)
{
	return kind < FIELD_KINDS_STORED && kinds[kind].field != NULL;
}

bool normal_field(enum field_kind kind, struct slice text, struct normal *n)
{
	return kind_known(kind) ? kinds[kind].field(text, n)
				: none(n, "is of no kind that is looked up");
}

bool normal_value(enum field_kind kind, struct slice text, struct normal *n)
{
	return kind_known(kind) ? kinds[kind].value(text, n)
				: none(n, "is of no kind that is looked up");
}

bool normal_binary(enum field_kind kind, struct slice bytes, struct normal *n)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	switch (kind) {
	case FIELD_ADDRESS:
		if (bytes.len == 16 && memcmp(bytes.data, mapped, sizeof(mapped)) == 0)
			bytes = slice_cut(bytes, 12, 16);
		if (bytes.len != 4 && bytes.len != 16)
			return none(n, "is no address");
		break;
	case FIELD_MAC:
		if (bytes.len != 6)
			return none(n, "is no MAC address");
		break;
	case FIELD_JA3:
	case FIELD_JA3S:
	case FIELD_IMPHASH:
		if (bytes.len != MD5_LEN)
			return none(n, "is no MD5 digest");
		n->len = hex_print((const uint8_t *)bytes.data, bytes.len, 0, n->text);
		return true;
	case FIELD_HASH:
	case FIELD_CERTIFICATE:
		if (bytes.len > 64)
			return none(n, "is no digest");
		break;
	default:
		return normal_field(kind, bytes, n);
	}
	memcpy(n->text, bytes.data, bytes.len);
	n->len = bytes.len;
	return bytes.len != 0;
}

size_t normal_print(enum field_kind kind, struct slice normal, char ret_text[VALUE_BYTES_MAX])
{
	return kind_known(kind) ? kinds[kind].print(normal, ret_text) : 0;
}

/* ---- guessing
 * ---------------------------------------------------------------------------------------------------
 */

bool normal_guess(
	struct slice line, struct arena *a, enum field_kind *ret_kind, struct slice *ret_text)
{
	struct stix_value v;

	if (line.len > VALUE_BYTES_MAX || !stix_value_guess(line, a, &v))
		return false;
	*ret_kind = (enum field_kind)v.kind;
	*ret_text = v.text;
	return true;
}
