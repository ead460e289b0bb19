/* SPDX-License-Identifier: MPL-2.0 */
/* What a value of a list is, and the pattern that finds it. */
#include <arpa/inet.h>

#include "import_value.h"

static const struct import_kind kinds[] = {
	{"address",                 STIX_VALUE_ADDRESS, NULL,                                0  },
	{"addr",		    STIX_VALUE_ADDRESS, NULL,                                0  },
	{"ip",		      STIX_VALUE_ADDRESS, NULL,                                0  },
	{"ipv4",		    STIX_VALUE_ADDRESS, NULL,                                0  },
	{"ipv6",		    STIX_VALUE_ADDRESS, NULL,                                0  },
	{"ip-address",              STIX_VALUE_ADDRESS, NULL,                                0  },
	{"ipv4-addr",               STIX_VALUE_ADDRESS, NULL,                                0  },
	{"ipv6-addr",               STIX_VALUE_ADDRESS, NULL,                                0  },
	{"ip-src",                  STIX_VALUE_ADDRESS, NULL,                                0  },
	{"ip-dst",                  STIX_VALUE_ADDRESS, NULL,                                0  },
	{"ip:port",                 STIX_VALUE_ADDRESS, NULL,                                0  },
	{"network",                 STIX_VALUE_ADDRESS, NULL,                                0  },
	{"subnet",                  STIX_VALUE_ADDRESS, NULL,                                0  },
	{"cidr",		    STIX_VALUE_ADDRESS, NULL,                                0  },
	{"netblock",                STIX_VALUE_ADDRESS, NULL,                                0  },
	{"name",		    STIX_VALUE_NAME,    "domain-name:value",                 0  },
	{"domain",                  STIX_VALUE_NAME,    "domain-name:value",                 0  },
	{"domain-name",             STIX_VALUE_NAME,    "domain-name:value",                 0  },
	{"hostname",                STIX_VALUE_NAME,    "domain-name:value",                 0  },
	{"host",		    STIX_VALUE_NAME,    "domain-name:value",                 0  },
	{"fqdn",		    STIX_VALUE_NAME,    "domain-name:value",                 0  },
	{"url",		     STIX_VALUE_URL,     "url:value",                         0  },
	{"uri",		     STIX_VALUE_URL,     "url:value",                         0  },
	{"email",		   STIX_VALUE_EMAIL,   "email-addr:value",                  0  },
	{"e-mail",                  STIX_VALUE_EMAIL,   "email-addr:value",                  0  },
	{"email-addr",              STIX_VALUE_EMAIL,   "email-addr:value",                  0  },
	{"email-address",           STIX_VALUE_EMAIL,   "email-addr:value",                  0  },
	{"email-src",               STIX_VALUE_EMAIL,   "email-addr:value",                  0  },
	{"hash",		    STIX_VALUE_HASH,    NULL,                                0  },
	{"file-hash",               STIX_VALUE_HASH,    NULL,                                0  },
	{"filehash",                STIX_VALUE_HASH,    NULL,                                0  },
	{"md5",		     STIX_VALUE_HASH,    "file:hashes.MD5",                   32 },
	{"sha1",		    STIX_VALUE_HASH,    "file:hashes.'SHA-1'",               40 },
	{"sha-1",		   STIX_VALUE_HASH,    "file:hashes.'SHA-1'",               40 },
	{"sha256",                  STIX_VALUE_HASH,    "file:hashes.'SHA-256'",             64 },
	{"sha-256",                 STIX_VALUE_HASH,    "file:hashes.'SHA-256'",             64 },
	{"sha512",                  STIX_VALUE_HASH,    "file:hashes.'SHA-512'",             128},
	{"sha-512",                 STIX_VALUE_HASH,    "file:hashes.'SHA-512'",             128},
	{"md5-hash",                STIX_VALUE_HASH,    "file:hashes.MD5",                   32 },
	{"sha1-hash",               STIX_VALUE_HASH,    "file:hashes.'SHA-1'",               40 },
	{"sha256-hash",             STIX_VALUE_HASH,    "file:hashes.'SHA-256'",             64 },
	{"cert-hash",               STIX_VALUE_HASH,    "x509-certificate:hashes.'SHA-1'",   40 },
	{"x509-fingerprint-sha1",   STIX_VALUE_HASH,    "x509-certificate:hashes.'SHA-1'",   40 },
	{"x509-fingerprint-sha256", STIX_VALUE_HASH,    "x509-certificate:hashes.'SHA-256'", 64 },
	{"asn",		     STIX_VALUE_ASN,     "autonomous-system:number",          0  },
	{"as",		      STIX_VALUE_ASN,     "autonomous-system:number",          0  },
	{"autonomous-system",       STIX_VALUE_ASN,     "autonomous-system:number",          0  },
	{"mac",		     STIX_VALUE_MAC,     "mac-addr:value",                    0  },
	{"mac-addr",                STIX_VALUE_MAC,     "mac-addr:value",                    0  },
	{"mac-address",             STIX_VALUE_MAC,     "mac-addr:value",                    0  },
	{"file-name",               STIX_VALUE_TEXT,    "file:name",                         0  },
	{"filename",                STIX_VALUE_TEXT,    "file:name",                         0  },
	{"mutex",		   STIX_VALUE_TEXT,    "mutex:name",                        0  },
	{"regkey",                  STIX_VALUE_TEXT,    "windows-registry-key:key",          0  },
	{"registry-key",            STIX_VALUE_TEXT,    "windows-registry-key:key",          0  },
	{"user-agent",              STIX_VALUE_TEXT,
         "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'",        0  },
	{"user-name",               STIX_VALUE_TEXT,    "user-account:account_login",        0  },
	{"username",                STIX_VALUE_TEXT,    "user-account:account_login",        0  },
	{"software",                STIX_VALUE_TEXT,    "software:name",                     0  },
	{"ja3",		     STIX_VALUE_TEXT,    "network-traffic:x_ja3",             32 },
	{"ja3s",		    STIX_VALUE_TEXT,    "network-traffic:x_ja3s",            32 },
};

const struct import_kind *import_kind_find(struct slice name)
{
	char plain[32];

	name = slice_trim(name);
	if (name.len == 0 || name.len >= sizeof(plain))
		return NULL;
	for (size_t i = 0; i < name.len; i++)
		plain[i] = name.data[i] == '_' || name.data[i] == ' ' ? '-' : name.data[i];
	for (size_t k = 0; k < COUNT_OF(kinds); k++) {
		if (slice_equal_nocase((struct slice){plain, name.len}, slice_of(kinds[k].name)))
			return &kinds[k];
	}
	return NULL;
}

/* ---- writing patterns ----------------------------------------------------------------------- */

static void comparison(struct buf *b, const char *path, const char *operator, struct slice text)
{
	buf_printf(b, "%s %s ", path, operator);
	stix_pattern_quote(b, text);
}

static bool value_done(struct buf *b, struct arena *a, struct import_value *v, const char **ret_why)
{
	v->pattern = arena_copy(a, buf_slice(b));
	if (b->bad || v->pattern.data == NULL || v->text.data == NULL || v->key.data == NULL) {
		*ret_why = "the value does not fit into memory";
		buf_fini(b);
		return false;
	}
	buf_fini(b);
	return true;
}

/* ---- one reader per kind -------------------------------------------------------------------- */

/*
 * "198.51.100.7", "2001:db8::/32", "198.51.100.7:443", "[2001:db8::1]:443". The text is written
 * anew from the key, so that equal addresses give equal patterns.
 */
static bool address_read(
	struct slice text, struct arena *a, struct import_value *v, const char **ret_why)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	size_t slash = slice_find(text, '/', 0), colon = slice_find(text, ':', 0);
	char address[INET6_ADDRSTRLEN] = "";
	struct buf b = BUF_INIT;
	struct slice host = text, key;
	const char *type;
	uint64_t port = 0, bits = 0;
	bool v4, network;

	*ret_why = "expected an IPv4 or IPv6 address, or a network such as 198.51.100.0/24";
	if (text.len > 0 && text.data[0] == '[') {
		size_t close = slice_find(text, ']', 0);

		if (!slice_to_u64(slice_cut(text, close + 2, text.len), &port) || port == 0 ||
			port > 65535 || text.data[close + 1] != ':')
			return false;
		host = slice_cut(text, 1, close);
	} else if (colon < text.len && slice_find(text, ':', colon + 1) == text.len) {
		if (!slice_to_u64(slice_cut(text, colon + 1, text.len), &port) || port == 0 ||
			port > 65535)
			return false;
		host = slice_cut(text, 0, colon);
	}
	if (!stix_value_key(STIX_VALUE_ADDRESS, host, a, &key) || key.len != 32)
		return false;
	network = memcmp(key.data, key.data + 16, 16) != 0;
	v4 = memcmp(key.data, mapped, sizeof(mapped)) == 0 &&
	     memcmp(key.data + 16, mapped, sizeof(mapped)) == 0;
	type = v4 ? "ipv4-addr" : "ipv6-addr";
	if (inet_ntop(v4 ? AF_INET : AF_INET6, key.data + (v4 ? 12 : 0), address,
		    sizeof(address)) == NULL)
		return false;
	if (network && (port != 0 || !slice_to_u64(slice_cut(text, slash + 1, text.len), &bits)))
		return false;
	if (network && v4 && slice_find(host, ':', 0) < host.len)
		bits -= 96; /* it was written as ::ffff:198.51.100.0/120 */
	v->kind = STIX_VALUE_ADDRESS;
	if (network) {
		v->text = arena_printf(a, "%s/%llu", address, (unsigned long long)bits);
		/* Section 9.6.2: every address inside belongs to the subset. */
		buf_char(&b, '[');
		buf_printf(&b, "%s:value ISSUBSET ", type);
		stix_pattern_quote(&b, v->text);
		buf_char(&b, ']');
	} else if (port != 0) {
		v->text = arena_printf(
			a, v4 ? "%s:%llu" : "[%s]:%llu", address, (unsigned long long)port);
		buf_printf(&b,
			"[network-traffic:dst_ref.type = '%s' AND network-traffic:dst_ref.value = "
			"'%s' AND "
			"network-traffic:dst_port = %llu]",
			type, address, (unsigned long long)port);
		key = v->text;
	} else {
		v->text = arena_printf(a, "%s", address);
		buf_printf(&b, "[%s:value = '%s']", type, address);
	}
	v->key = key;
	return value_done(&b, a, v, ret_why);
}

/* The name from its key, "com.evil.a." to "a.evil.com": lower case and A-labels. */
static struct slice name_of_key(struct slice key, struct arena *a)
{
	struct buf b = BUF_INIT;
	struct slice text;
	size_t end = key.len > 0 ? key.len - 1 : 0; /* the dot behind the last label */

	while (end > 0) {
		size_t from = end;

		while (from > 0 && key.data[from - 1] != '.')
			from--;
		if (b.len > 0)
			buf_char(&b, '.');
		buf_slice_append(&b, slice_cut(key, from, end));
		end = from > 0 ? from - 1 : 0;
	}
	text = b.bad ? (struct slice){0} : arena_copy(a, buf_slice(&b));
	buf_fini(&b);
	return text;
}

/* "evil.example"; "*.evil.example" and ".evil.example" mean the name and everything below. */
static bool name_read(
	struct slice text, struct arena *a, struct import_value *v, const char **ret_why)
{
	struct buf b = BUF_INIT;
	struct slice name, below;
	bool suffix = false;

	*ret_why = "expected a domain name";
	if (slice_starts(text, SLICE("*.")) || slice_starts(text, SLICE("."))) {
		text = slice_cut(text, slice_find(text, '.', 0) + 1, text.len);
		suffix = true;
	}
	if (slice_find(text, '.', 0) == text.len || slice_find(text, '*', 0) < text.len ||
		!stix_value_key(STIX_VALUE_NAME, text, a, &v->key))
		return false;
	name = name_of_key(v->key, a);
	if (name.data == NULL)
		return false;
	v->kind = STIX_VALUE_NAME;
	buf_char(&b, '[');
	comparison(&b, "domain-name:value", "=", name);
	v->text = name;
	if (suffix) {
		below = arena_printf(a, "%%.%.*s", SLICE_ARG(name));
		v->text = arena_printf(a, "*.%.*s", SLICE_ARG(name));
		v->key = arena_printf(a, "*%.*s", SLICE_ARG(v->key));
		buf_text(&b, " OR ");
		comparison(&b, "domain-name:value", "LIKE", below);
	}
	buf_char(&b, ']');
	return value_done(&b, a, v, ret_why);
}

/* With or without a scheme: Zeek writes URLs without one, and then either may be meant. */
static bool url_read(
	struct slice text, struct arena *a, struct import_value *v, const char **ret_why)
{
	struct buf b = BUF_INIT;
	struct slice plain, safe;

	*ret_why = "expected a URL such as https://evil.example/path";
	v->kind = STIX_VALUE_URL;
	v->text = text;
	if (slice_find_text(text, SLICE("://")) < text.len) {
		if (!stix_value_key(STIX_VALUE_URL, text, a, &v->key))
			return false;
		buf_char(&b, '[');
		comparison(&b, "url:value", "=", text);
		buf_char(&b, ']');
		return value_done(&b, a, v, ret_why);
	}
	plain = arena_printf(a, "http://%.*s", SLICE_ARG(text));
	safe = arena_printf(a, "https://%.*s", SLICE_ARG(text));
	if (plain.data == NULL || safe.data == NULL ||
		!stix_value_key(STIX_VALUE_URL, plain, a, &v->key))
		return false;
	buf_char(&b, '[');
	comparison(&b, "url:value", "=", plain);
	buf_text(&b, " OR ");
	comparison(&b, "url:value", "=", safe);
	buf_char(&b, ']');
	return value_done(&b, a, v, ret_why);
}

/* The algorithm by the number of hex digits, the way everybody reads lists of hashes. */
static const char *hash_path(size_t digits)
{
	switch (digits) {
	case 32:
		return "file:hashes.MD5";
	case 40:
		return "file:hashes.'SHA-1'";
	case 64:
		return "file:hashes.'SHA-256'";
	case 128:
		return "file:hashes.'SHA-512'";
	default:
		return NULL;
	}
}

static bool is_hex(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
			return false;
	}
	return text.len > 0;
}

static struct slice lower(struct slice text, struct arena *a)
{
	char *copy = arena_string(a, text);

	if (copy == NULL)
		return (struct slice){0};
	for (size_t i = 0; i < text.len; i++) {
		if (copy[i] >= 'A' && copy[i] <= 'Z')
			copy[i] = (char)(copy[i] + ('a' - 'A'));
	}
	return (struct slice){copy, text.len};
}

static bool hash_read(const struct import_kind *kind, struct slice text, struct arena *a,
	struct import_value *v, const char **ret_why)
{
	const char *path = kind != NULL && kind->path != NULL ? kind->path : hash_path(text.len);
	struct buf b = BUF_INIT;

	*ret_why = "expected 32, 40, 64 or 128 hex digits (MD5, SHA-1, SHA-256, SHA-512)";
	if (!is_hex(text) || path == NULL)
		return false;
	if (kind != NULL && kind->hash_digits != 0 && text.len != kind->hash_digits) {
		*ret_why = "the number of hex digits does not fit the algorithm";
		return false;
	}
	v->kind = STIX_VALUE_HASH;
	v->text = lower(text, a);
	v->key = v->text;
	buf_char(&b, '[');
	comparison(&b, path, "=", v->text);
	buf_char(&b, ']');
	return value_done(&b, a, v, ret_why);
}

static bool asn_read(
	struct slice text, struct arena *a, struct import_value *v, const char **ret_why)
{
	struct buf b = BUF_INIT;
	uint32_t number;

	*ret_why = "expected the number of an autonomous system such as AS64496";
	if (!stix_value_key(STIX_VALUE_ASN, text, a, &v->key) || v->key.len != 4)
		return false;
	number = read_u32(&(struct reader){.rest = v->key});
	v->kind = STIX_VALUE_ASN;
	v->text = arena_printf(a, "AS%u", number);
	buf_printf(&b, "[autonomous-system:number = %u]", number);
	return value_done(&b, a, v, ret_why);
}

static bool mac_read(
	struct slice text, struct arena *a, struct import_value *v, const char **ret_why)
{
	struct buf b = BUF_INIT;
	const uint8_t *m;

	*ret_why = "expected a MAC address such as 00:53:00:12:34:56";
	if (!stix_value_key(STIX_VALUE_MAC, text, a, &v->key) || v->key.len != 6)
		return false;
	m = (const uint8_t *)v->key.data;
	v->kind = STIX_VALUE_MAC;
	/* Section 6.9: lower case with colons. */
	v->text = arena_printf(
		a, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
	buf_char(&b, '[');
	comparison(&b, "mac-addr:value", "=", v->text);
	buf_char(&b, ']');
	return value_done(&b, a, v, ret_why);
}

static bool text_read(const struct import_kind *kind, struct slice text, struct arena *a,
	struct import_value *v, const char **ret_why)
{
	struct buf b = BUF_INIT;

	*ret_why = "expected 32 hex digits";
	if (kind->hash_digits != 0) {
		if (!is_hex(text) || text.len != kind->hash_digits)
			return false;
		text = lower(text, a);
	}
	v->kind = STIX_VALUE_TEXT;
	v->text = text;
	/* "setup.exe" as a file name is another value than as a mutex. */
	v->key = arena_printf(a, "%s\n%.*s", kind->path, SLICE_ARG(text));
	buf_char(&b, '[');
	comparison(&b, kind->path, "=", text);
	buf_char(&b, ']');
	return value_done(&b, a, v, ret_why);
}

/* ---- all kinds ------------------------------------------------------------------------------ */

static bool kind_read(const struct import_kind *kind, enum stix_value_kind what, struct slice text,
	struct arena *a, struct import_value *v, const char **ret_why)
{
	struct buf b = BUF_INIT;

	switch (what) {
	case STIX_VALUE_ADDRESS:
		return address_read(text, a, v, ret_why);
	case STIX_VALUE_NAME:
		return name_read(text, a, v, ret_why);
	case STIX_VALUE_URL:
		return url_read(text, a, v, ret_why);
	case STIX_VALUE_HASH:
		return hash_read(kind, text, a, v, ret_why);
	case STIX_VALUE_ASN:
		return asn_read(text, a, v, ret_why);
	case STIX_VALUE_MAC:
		return mac_read(text, a, v, ret_why);
	case STIX_VALUE_TEXT:
		return text_read(kind, text, a, v, ret_why);
	case STIX_VALUE_EMAIL:
		*ret_why = "expected an e-mail address";
		if (!stix_value_key(STIX_VALUE_EMAIL, text, a, &v->key))
			return false;
		v->kind = STIX_VALUE_EMAIL;
		v->text = text;
		buf_char(&b, '[');
		comparison(&b, "email-addr:value", "=", text);
		buf_char(&b, ']');
		return value_done(&b, a, v, ret_why);
	}
	*ret_why = "no such kind of value";
	return false;
}

static bool all_digits(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	}
	return true;
}

/* Could it stand before the path of a URL? */
static bool host_fits(struct slice text, struct arena *a)
{
	struct slice key;

	return slice_find(text, '.', 0) < text.len &&
	       (stix_value_key(STIX_VALUE_NAME, text, a, &key) ||
		       stix_value_key(STIX_VALUE_ADDRESS, text, a, &key));
}

/* What stix_value_guess leaves open: a port behind an address, a URL without its scheme. */
static bool guess_read(
	struct slice text, struct arena *a, struct import_value *v, const char **ret_why)
{
	size_t slash = slice_find(text, '/', 0);
	struct stix_value guess;

	if (slice_find_text(text, SLICE("://")) == text.len && address_read(text, a, v, ret_why))
		return true;
	if (stix_value_guess(text, a, &guess) && guess.kind != STIX_VALUE_TEXT)
		return kind_read(NULL, guess.kind, text, a, v, ret_why);
	if (slash < text.len && host_fits(slice_cut(text, 0, slash), a) &&
		!all_digits(
			slice_cut(text, slash + 1, text.len))) /* else a network, and a bad one */
		return url_read(text, a, v, ret_why);
	*ret_why = "expected an address, network, domain name, URL, e-mail address or hash";
	return false;
}

bool import_value_read(const struct import_kind *kind, struct slice text, struct arena *a,
	struct import_value *ret_value, const char **ret_why)
{
	struct import_value v = {0};
	bool ok;

	text = slice_trim(text);
	if (text.len == 0) {
		*ret_why = "the value is empty";
		return false;
	}
	if (!utf8_valid(text) || slice_find(text, '\0', 0) < text.len) {
		*ret_why = "the value is not UTF-8 text";
		return false;
	}
	if (kind == NULL || (kind->kind != STIX_VALUE_TEXT && kind->kind != STIX_VALUE_HASH))
		text = stix_refang(text, a);
	text = arena_copy(a, text);
	if (text.data == NULL) {
		*ret_why = "the value does not fit into memory";
		return false;
	}
	ok = kind == NULL ? guess_read(text, a, &v, ret_why)
			  : kind_read(kind, kind->kind, text, a, &v, ret_why);
	if (ok)
		*ret_value = v;
	return ok;
}
