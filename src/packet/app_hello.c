/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the two hellos of TLS tell: the name asked for, and the fingerprints JA3, JA3S (salesforce)
 * and JA4 (FoxIO, the part under BSD licence: the client's). The other JA4 forms are under patent
 * and are not computed.
 */
#include "app_parts.h"

#include <stdlib.h>

/* Values in a list of a hello that gets fingerprints; registries have 350 */
#define LIST_MAX        1024
#define EXTENSIONS_MAX  256
#define SMALL_MAX       256 /* groups, formats, signature algorithms */
#define HELLO_TEXT_MAX  KIB(16)
#define SERVER_NAME_MAX 255 /* RFC 1035 2.3.4 */

/* Longest JA3: ciphers, extensions and groups of up to 6 characters, formats of up to 4. */
_Static_assert(6 * (LIST_MAX + EXTENSIONS_MAX + SMALL_MAX) + 4 * SMALL_MAX + 16 < HELLO_TEXT_MAX,
	"a fingerprint's text fits");

enum extension {
	EXTENSION_NAME = 0,
	EXTENSION_GROUPS = 10,
	EXTENSION_FORMATS = 11,
	EXTENSION_SIGNATURES = 13,
	EXTENSION_ALPN = 16,
	EXTENSION_VERSIONS = 43
};

struct hello {
	uint16_t version;
	struct slice ciphers, groups, formats, signatures, versions; /* of 2, 2, 1, 2, 2 bytes */
	struct slice name, alpn;
	bool named;
	bool too_many;
	size_t extensions_count;
	uint16_t extensions[EXTENSIONS_MAX];
};

static uint16_t u16_at(struct slice s, size_t index)
{
	const uint8_t *p = (const uint8_t *)s.data + 2 * index;

	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Values that say nothing, sent to keep servers tolerant (RFC 8701 2). */
static bool grease(uint16_t v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

/* ---- reading -------------------------------------------------------------------------------- */

/* A list behind its own length of 1 or 2 bytes; empty when it contradicts itself. */
static struct slice list_in(struct slice body, unsigned length_bytes)
{
	struct reader r = {.rest = body};
	size_t len = length_bytes == 1 ? read_u8(&r) : read_u16(&r);
	struct slice list = read_bytes(&r, len);

	return r.bad ? (struct slice){0} : list;
}

/* RFC 6066 3: the first name of type 0. */
static struct slice server_name(struct slice body)
{
	struct reader r = {.rest = list_in(body, 2)};
	uint8_t type = read_u8(&r);
	struct slice name = read_bytes(&r, read_u16(&r));

	return r.bad || type != 0 ? (struct slice){0} : name;
}

static void extension_read(struct hello *h, uint16_t type, struct slice body)
{
	switch (type) {
	case EXTENSION_NAME:
		h->named = true;
		h->name = server_name(body);
		break;
	case EXTENSION_GROUPS:
		h->groups = list_in(body, 2);
		break;
	case EXTENSION_FORMATS:
		h->formats = list_in(body, 1);
		break;
	case EXTENSION_SIGNATURES:
		h->signatures = list_in(body, 2);
		break;
	case EXTENSION_ALPN: /* RFC 7301 3.1: names behind one byte of length */
		h->alpn = list_in(list_in(body, 2), 1);
		break;
	case EXTENSION_VERSIONS:
		h->versions = list_in(body, 1);
		break;
	default:
		break;
	}
}

/* RFC 8446 4.1.2. False: malformed. */
static bool client_read(struct slice body, struct hello *h)
{
	struct reader r = {.rest = body}, e;

	h->version = read_u16(&r);
	read_bytes(&r, 32);
	read_bytes(&r, read_u8(&r));
	h->ciphers = read_bytes(&r, read_u16(&r));
	read_bytes(&r, read_u8(&r));
	if (r.bad || h->version >> 8 != 3)
		return false;
	h->too_many = h->ciphers.len / 2 > LIST_MAX;
	if (r.rest.len == 0)
		return true; /* none, before RFC 3546 */
	e = (struct reader){.rest = read_bytes(&r, read_u16(&r))};
	if (r.bad)
		return false;
	while (e.rest.len > 0) {
		uint16_t type = read_u16(&e);
		struct slice value = read_bytes(&e, read_u16(&e));

		if (e.bad)
			return false;
		if (h->extensions_count == EXTENSIONS_MAX) {
			h->too_many = true;
			break;
		}
		h->extensions[h->extensions_count++] = type;
		extension_read(h, type, value);
	}
	h->too_many |= h->groups.len / 2 > SMALL_MAX || h->signatures.len / 2 > SMALL_MAX;
	return true;
}

/* ---- writing -------------------------------------------------------------------------------- */

static char *decimal(char *to, unsigned v)
{
	char digits[5];
	unsigned n = 0;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	while (n > 0)
		*to++ = digits[--n];
	return to;
}

static char *decimals(char *to, struct slice list)
{
	const char *start = to;

	for (size_t i = 0; i < list.len / 2; i++) {
		uint16_t v = u16_at(list, i);

		if (grease(v))
			continue;
		if (to != start)
			*to++ = '-';
		to = decimal(to, v);
	}
	return to;
}

static void digest_tell(
	struct packet_out *out, enum event_role role, const char *text, const char *end)
{
	uint8_t digest[MD5_LEN];
	char hex[2 * MD5_LEN];

	hash_md5((struct slice){text, (size_t)(end - text)}, digest);
	app_hex(digest, sizeof(digest), hex);
	packet_out_field(out, role, (struct slice){hex, sizeof(hex)}, false);
}

/* version,ciphers,extensions,groups,formats in decimal without GREASE, as MD5. */
static void ja3_tell(const struct hello *h, char *text, struct packet_out *out)
{
	char *to = decimal(text, h->version), *start;

	*to++ = ',';
	to = decimals(to, h->ciphers);
	*to++ = ',';
	start = to;
	for (size_t i = 0; i < h->extensions_count; i++) {
		if (grease(h->extensions[i]))
			continue;
		if (to != start)
			*to++ = '-';
		to = decimal(to, h->extensions[i]);
	}
	*to++ = ',';
	to = decimals(to, h->groups);
	*to++ = ',';
	for (size_t i = 0; i < h->formats.len; i++) {
		if (i > 0)
			*to++ = '-';
		to = decimal(to, (uint8_t)h->formats.data[i]);
	}
	digest_tell(out, ROLE_JA3, text, to);
}

static int u16_order(const void *a, const void *b)
{
	uint16_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

#define INSERTION_MAX 48 /* values; below it insertion is faster, beyond it its square shows */

static void sort(uint16_t *v, size_t n)
{
	if (n > INSERTION_MAX) {
		qsort(v, n, sizeof(*v), u16_order);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		uint16_t x = v[i];
		size_t k = i;

		for (; k > 0 && v[k - 1] > x; k--)
			v[k] = v[k - 1];
		v[k] = x;
	}
}

static char *hex4(char *to, uint16_t v)
{
	const uint8_t bytes[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	app_hex(bytes, 2, to);
	return to + 4;
}

static char *hex_list(char *to, const uint16_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			*to++ = ',';
		to = hex4(to, v[i]);
	}
	return to;
}

#define JA4_HASH_LEN 12

/* The first 12 digits of SHA-256; of nothing, zeros. */
static char *ja4_hash(char *to, const char *text, const char *end)
{
	uint8_t digest[SHA256_LEN];

	if (text == end) {
		memset(to, '0', JA4_HASH_LEN);
	} else {
		hash_sha256((struct slice){text, (size_t)(end - text)}, digest);
		app_hex(digest, JA4_HASH_LEN / 2, to);
	}
	return to + JA4_HASH_LEN;
}

static bool letter_or_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* First and last character of the first protocol; of its hexadecimal form if they are no letters or
 * digits. */
static char *ja4_alpn(char *to, struct slice alpn)
{
	if (alpn.len == 0) {
		*to++ = '0';
		*to++ = '0';
	} else if (letter_or_digit(alpn.data[0]) && letter_or_digit(alpn.data[alpn.len - 1])) {
		*to++ = alpn.data[0];
		*to++ = alpn.data[alpn.len - 1];
	} else {
		char first[2], last[2];

		app_hex((const uint8_t *)alpn.data, 1, first);
		app_hex((const uint8_t *)alpn.data + alpn.len - 1, 1, last);
		*to++ = first[0];
		*to++ = last[1];
	}
	return to;
}

static const char *ja4_version(const struct hello *h)
{
	static const struct {
		uint16_t number;
		const char *text;
	} versions[] = {
		{0x0304, "13"},
                {0x0303, "12"},
                {0x0302, "11"},
                {0x0301, "10"},
                {0x0300, "s3"},
		{0x0002, "s2"}
        };
	uint16_t highest = 0;

	for (size_t i = 0; i < h->versions.len / 2; i++) {
		uint16_t v = u16_at(h->versions, i);

		if (!grease(v) && v > highest)
			highest = v;
	}
	if (highest == 0)
		highest = h->version;
	for (size_t i = 0; i < COUNT_OF(versions); i++)
		if (versions[i].number == highest)
			return versions[i].text;
	return "00";
}

static char *two_digits(char *to, size_t n)
{
	if (n > 99)
		n = 99;
	*to++ = (char)('0' + n / 10);
	*to++ = (char)('0' + n % 10);
	return to;
}

#define JA4_LEN 36

/* t13d1516h2_8daaf6152771_02713d6af862: github.com/FoxIO-LLC/ja4, technical details of JA4. */
static void ja4_tell(const struct hello *h, char *text, struct packet_out *out)
{
	uint16_t list[LIST_MAX] UNCLEARED;
	char ja4[JA4_LEN], *to = ja4, *end;
	const char *version = ja4_version(h);
	size_t ciphers = 0, extensions = 0, n = 0;
	bool first = true;

	for (size_t i = 0; i < h->ciphers.len / 2; i++)
		if (!grease(u16_at(h->ciphers, i)))
			list[ciphers++] = u16_at(h->ciphers, i);
	sort(list, ciphers);
	for (size_t i = 0; i < h->extensions_count; i++)
		extensions += !grease(h->extensions[i]);
	*to++ = 't';
	*to++ = version[0];
	*to++ = version[1];
	*to++ = h->named ? 'd' : 'i';
	to = two_digits(to, ciphers);
	to = two_digits(to, extensions);
	to = ja4_alpn(to, h->alpn);
	*to++ = '_';
	to = ja4_hash(to, text, hex_list(text, list, ciphers));
	*to++ = '_';
	for (size_t i = 0; i < h->extensions_count; i++) {
		uint16_t v = h->extensions[i];

		if (!grease(v) && v != EXTENSION_NAME && v != EXTENSION_ALPN)
			list[n++] = v;
	}
	sort(list, n);
	end = hex_list(text, list, n);
	for (size_t i = 0; i < h->signatures.len / 2; i++) {
		uint16_t v = u16_at(h->signatures, i);

		if (grease(v))
			continue;
		*end++ = first ? '_' : ',';
		first = false;
		end = hex4(end, v);
	}
	to = ja4_hash(to, text, extensions == 0 ? text : end);
	packet_out_field(out, ROLE_JA4, (struct slice){ja4, (size_t)(to - ja4)}, false);
}

void app_client_hello(struct slice body, struct packet_out *out)
{
	struct hello h UNCLEARED;
	char text[HELLO_TEXT_MAX] UNCLEARED;

	memset(&h, 0, offsetof(struct hello, extensions));
	if (!client_read(body, &h))
		return;
	packet_out_record(out);
	app_text(out, ROLE_SERVICE, SLICE("tls"));
	if (h.name.len <= SERVER_NAME_MAX)
		app_text(out, ROLE_SNI, h.name);
	if (h.too_many)
		return;
	if (packet_out_wants(out, ROLE_JA3))
		ja3_tell(&h, text, out);
	if (packet_out_wants(out, ROLE_JA4))
		ja4_tell(&h, text, out);
}

/* The random of a HelloRetryRequest (RFC 8446 4.1.3). */
static const uint8_t retry_random[32] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d,
	0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07,
	0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

bool app_server_hello(struct slice body, struct packet_out *out, struct app_server_hello *ret_hello)
{
	char text[KIB(2)] UNCLEARED;
	struct reader r = {.rest = body}, e = {0};
	uint16_t version = read_u16(&r);
	struct slice random = read_bytes(&r, 32);
	uint16_t cipher;
	bool encrypted = false, first = true;
	unsigned count = 0;
	char *to = decimal(text, version);

	read_bytes(&r, read_u8(&r));
	cipher = read_u16(&r);
	read_u8(&r);
	if (r.rest.len > 0)
		e.rest = read_bytes(&r, read_u16(&r));
	if (r.bad || version >> 8 != 3)
		return false;
	*to++ = ',';
	to = decimal(to, cipher);
	*to++ = ',';
	while (e.rest.len > 0) {
		uint16_t type = read_u16(&e);
		struct slice value = read_bytes(&e, read_u16(&e));

		if (e.bad || ++count > EXTENSIONS_MAX)
			return false;
		if (type == EXTENSION_VERSIONS && value.len == 2)
			encrypted = u16_at(value, 0) == 0x0304 || value.data[0] == 0x7f;
		if (!first)
			*to++ = '-';
		first = false;
		to = decimal(to, type);
	}
	packet_out_record(out);
	app_text(out, ROLE_SERVICE, SLICE("tls"));
	if (packet_out_wants(out, ROLE_JA3S))
		digest_tell(out, ROLE_JA3S, text, to);
	ret_hello->retry = memcmp(random.data, retry_random, sizeof(retry_random)) == 0;
	ret_hello->encrypted = encrypted && !ret_hello->retry;
	return true;
}
