/* SPDX-License-Identifier: MPL-2.0 */
/* See sensor_naive.h. Nothing here is the sensor's own, but the words for kinds and the builder
 * that is tried. */
#include "sensor_naive.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <strings.h>

#define SPELT_MAX 1024 /* bytes of a value in its one spelling, with its kind in front */

/* A string in the set: the kind, then the spelling. */
struct spelt {
	size_t len;
	char text[SPELT_MAX];
};

struct row {
	enum field_kind kind;
	char *text, *told, *key;
	size_t key_len;
	bool refused;
};

struct naive {
	struct row *rows;
	size_t count, capacity;
	uint32_t *slots; /* row + 1; 0: free */
	size_t slots_count;
	bool prefixes[2][129]; /* of networks that are there, IPv4 and IPv6 */
};

/* ---- hits ------------------------------------------------------------------------------------ */

void naive_hits_add(struct naive_hits *h, uint64_t record, uint32_t indicator, uint32_t how)
{
	if (h->count == h->capacity) {
		h->capacity = h->capacity == 0 ? 1024 : 2 * h->capacity;
		h->at = realloc(h->at, h->capacity * sizeof(*h->at));
		assert_non_null(h->at);
	}
	h->at[h->count++] = (struct naive_hit){record, indicator, how};
}

static int hit_compare(const void *a, const void *b)
{
	const struct naive_hit *x = a, *y = b;

	if (x->record != y->record)
		return x->record < y->record ? -1 : 1;
	if (x->indicator != y->indicator)
		return x->indicator < y->indicator ? -1 : 1;
	return x->how < y->how ? -1 : x->how > y->how;
}

void naive_hits_sort(struct naive_hits *h)
{
	if (h->count > 0)
		qsort(h->at, h->count, sizeof(*h->at), hit_compare);
}

void naive_hits_once(struct naive_hits *h)
{
	size_t kept = 0;

	naive_hits_sort(h);
	for (size_t i = 0; i < h->count; i++) {
		if (kept == 0 || hit_compare(&h->at[kept - 1], &h->at[i]) != 0)
			h->at[kept++] = h->at[i];
	}
	h->count = kept;
}

void naive_hits_free(struct naive_hits *h)
{
	free(h->at);
	*h = (struct naive_hits){0};
}

/* ---- the set --------------------------------------------------------------------------------- */

struct naive *naive_new(void)
{
	struct naive *n = calloc(1, sizeof(*n));

	assert_non_null(n);
	return n;
}

void naive_free(struct naive *n)
{
	for (size_t i = 0; i < n->count; i++) {
		free(n->rows[i].text);
		free(n->rows[i].told);
		free(n->rows[i].key);
	}
	free(n->rows);
	free(n->slots);
	free(n);
}

/* FNV-1a. */
static size_t hash_of(const char *text, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
	return (size_t)(hash ^ hash >> 29);
}

/* Its row, or SIZE_MAX; *ret_slot: where it would stand. */
static size_t row_find(const struct naive *n, const char *key, size_t len, size_t *ret_slot)
{
	size_t slot;

	if (n->slots_count == 0)
		return SIZE_MAX;
	for (slot = hash_of(key, len) % n->slots_count; n->slots[slot] != 0;
		slot = (slot + 1) % n->slots_count) {
		const struct row *row = &n->rows[n->slots[slot] - 1];

		if (row->key_len == len && memcmp(row->key, key, len) == 0)
			return n->slots[slot] - 1;
	}
	if (ret_slot != NULL)
		*ret_slot = slot;
	return SIZE_MAX;
}

static void grow(struct naive *n)
{
	n->capacity = n->capacity == 0 ? 256 : 2 * n->capacity;
	n->rows = realloc(n->rows, n->capacity * sizeof(*n->rows));
	free(n->slots);
	n->slots_count = 4 * n->capacity;
	n->slots = calloc(n->slots_count, sizeof(*n->slots));
	assert_non_null(n->rows);
	assert_non_null(n->slots);
	for (size_t i = 0; i < n->count; i++) {
		size_t slot = 0;

		assert_int_equal(row_find(n, n->rows[i].key, n->rows[i].key_len, &slot), SIZE_MAX);
		n->slots[slot] = (uint32_t)i + 1;
	}
}

/* ---- one spelling of each value -------------------------------------------------------------- */

static char low(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static void spell(struct spelt *s, enum field_kind kind, const char *text, size_t len, bool lower)
{
	assert_true(len + 1 <= sizeof(s->text));
	s->text[0] = (char)('0' + kind);
	s->len = 1;
	for (size_t i = 0; i < len; i++)
		s->text[s->len++] = lower ? low(text[i]) : text[i];
}

/* IDNA of the names that the tests use (the A-labels are those of RFC 3492's algorithm). */
static const struct {
	const char *label, *ascii;
} labels[] = {
	{"b\xc3\xbc"
	 "cher",				    "xn--bcher-kva"},
	{"\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80", "xn--e1afmkfd" },
};

/* Lower case, no final dot, A-labels. */
static size_t spell_name(const char *text, size_t len, char *to)
{
	size_t out = 0;

	if (len > 0 && text[len - 1] == '.')
		len--;
	for (size_t i = 0; i < len;) {
		size_t k;

		for (k = 0; k < COUNT_OF(labels); k++) {
			size_t label = strlen(labels[k].label);

			if (len - i >= label && strncasecmp(text + i, labels[k].label, label) == 0)
				break;
		}
		assert_true(out + 32 < SPELT_MAX);
		if (k < COUNT_OF(labels)) {
			memcpy(to + out, labels[k].ascii, strlen(labels[k].ascii));
			out += strlen(labels[k].ascii);
			i += strlen(labels[k].label);
		} else {
			to[out++] = low(text[i++]);
		}
	}
	return out;
}

/* 4 or 16 bytes, 0 for none. An IPv4 address in IPv6 clothes is an IPv4 address. */
static unsigned address_of(const char *text, size_t len, uint8_t bytes[16])
{
	char copy[64];

	if (len >= sizeof(copy))
		return 0;
	memcpy(copy, text, len);
	copy[len] = 0;
	if (inet_pton(AF_INET, copy, bytes) == 1)
		return 4;
	if (inet_pton(AF_INET6, copy, bytes) != 1)
		return 0;
	if (memcmp(bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) != 0)
		return 16;
	memmove(bytes, bytes + 12, 4);
	return 4;
}

static void spell_network(struct spelt *s, const uint8_t *bytes, unsigned len, unsigned bits)
{
	s->text[0] = (char)('0' + FIELD_ADDRESS);
	s->text[1] = (char)bits;
	for (unsigned i = 0; i < len; i++) {
		unsigned left = bits > 8 * i ? bits - 8 * i : 0;

		s->text[2 + i] = (char)(left >= 8 ? bytes[i] : bytes[i] & ~(0xffu >> left));
	}
	s->len = 2 + len;
}

/* A URL cut up: where its host, port and path stand. */
struct url {
	char host[SPELT_MAX];
	size_t host_len;
	char text[SPELT_MAX];    /* host[:port]/path[?query] */
	size_t len, path, query; /* where the path begins, and the query; len: none */
};

static bool url_of(const char *text, struct url *u)
{
	static const struct {
		const char *scheme;
		unsigned port;
	} usual[] = {
		{"ftp",  21 },
                {"ssh",  22 },
                {"ldap", 389}
        };
	const char *scheme = text, *mark = strstr(text, "://"), *at, *end, *port;
	size_t scheme_len = 0, port_len;
	uint8_t address[16];
	bool leave;

	if (mark != NULL && strcspn(text, "/?#") >= (size_t)(mark - text)) {
		scheme_len = (size_t)(mark - text);
		text = mark + 3;
	}
	end = text + strcspn(text, "/?#");
	for (at = end; at > text && at[-1] != '@'; at--)
		;
	text = at;
	port = end;
	if (text[0] == '[') {
		const char *close = strchr(text, ']');

		if (close == NULL)
			return false;
		if (address_of(text + 1, (size_t)(close - text) - 1, address) != 16)
			return false;
		inet_ntop(AF_INET6, address, u->host, sizeof(u->host));
		u->host_len = strlen(u->host);
		port = close + 1;
	} else {
		port = memchr(text, ':', (size_t)(end - text));
		port = port == NULL ? end : port;
		u->host_len = spell_name(text, (size_t)(port - text), u->host);
	}
	u->host[u->host_len] = 0;
	if (u->host_len == 0)
		return false;
	if (address_of(u->host, u->host_len, address) == 16)
		u->len = (size_t)snprintf(u->text, sizeof(u->text), "[%s]", u->host);
	else
		u->len = (size_t)snprintf(u->text, sizeof(u->text), "%s", u->host);
	port_len = (size_t)(end - port);
	leave = port_len < 2 || atoi(port + 1) == 80 || atoi(port + 1) == 443;
	for (size_t i = 0; i < COUNT_OF(usual); i++)
		leave |= port_len > 1 && scheme_len == strlen(usual[i].scheme) &&
			 strncmp(scheme, usual[i].scheme, scheme_len) == 0 &&
			 (unsigned)atoi(port + 1) == usual[i].port;
	if (!leave)
		u->len += (size_t)snprintf(
			u->text + u->len, sizeof(u->text) - u->len, "%.*s", (int)port_len, port);
	u->path = u->len;
	if (*end != '/')
		u->text[u->len++] = '/';
	while (*end != 0 && *end != '#' && u->len + 1 < sizeof(u->text))
		u->text[u->len++] = *end++;
	u->text[u->len] = 0;
	u->query = u->path + strcspn(u->text + u->path, "?");
	return true;
}

static size_t without(const char *text, const char *chars, char *to)
{
	size_t len = 0;

	for (; *text != 0; text++) {
		if (strchr(chars, *text) == NULL)
			to[len++] = *text;
	}
	return len;
}

static void spell_other(struct spelt *s, enum field_kind kind, const char *text)
{
	char plain[SPELT_MAX];
	size_t len = strlen(text);

	assert_true(len < sizeof(plain));
	switch (kind) {
	case FIELD_TEXT:
	case FIELD_SSDEEP:
		spell(s, kind, text, len, false);
		break;
	case FIELD_ASN:
		snprintf(plain, sizeof(plain), "%lu",
			strtoul(low(text[0]) == 'a' ? text + 2 : text, NULL, 10));
		spell(s, kind, plain, strlen(plain), false);
		break;
	case FIELD_MAC:
	case FIELD_CERTIFICATE:
		len = without(text, ":.-", plain);
		spell(s, kind, plain, len, true);
		break;
	default:
		spell(s, kind, text, len, true);
	}
}

/* ---- indicators ------------------------------------------------------------------------------ */

static void told_of(enum field_kind kind, const struct spelt *s, unsigned len, unsigned bits,
	char ret_told[SPELT_MAX])
{
	if (kind == FIELD_ADDRESS) {
		char text[64];

		assert_non_null(
			inet_ntop(len == 4 ? AF_INET : AF_INET6, s->text + 2, text, sizeof(text)));
		if (bits == 8 * len)
			snprintf(ret_told, SPELT_MAX, "%s", text);
		else
			snprintf(ret_told, SPELT_MAX, "%s/%u", text, bits);
	} else if (kind == FIELD_ASN) {
		snprintf(ret_told, SPELT_MAX, "AS%.*s", (int)s->len - 1, s->text + 1);
	} else if (kind == FIELD_MAC) {
		for (size_t i = 0; i < 6; i++)
			snprintf(ret_told + 3 * i, 4, "%.2s%s", s->text + 1 + 2 * i,
				i < 5 ? ":" : "");
	} else {
		snprintf(ret_told, SPELT_MAX, "%.*s", (int)s->len - 1, s->text + 1);
	}
}

void naive_add(struct naive *n, enum field_kind kind, const char *text)
{
	char told[SPELT_MAX], name[SPELT_MAX];
	size_t slot = 0, slash = strcspn(text, "/");
	unsigned len = 0, bits = 0;
	uint8_t bytes[16];
	struct spelt s;
	struct url u;

	if (2 * n->count >= n->capacity)
		grow(n);
	if (kind == FIELD_ADDRESS) {
		len = address_of(text, slash, bytes);
		assert_true(len != 0);
		bits = text[slash] == 0 ? 8 * len : (unsigned)atoi(text + slash + 1);
		spell_network(&s, bytes, len, bits);
		n->prefixes[len == 16][bits] = true;
	} else if (kind == FIELD_NAME) {
		size_t name_len = spell_name(text, strlen(text), name);

		spell(&s, kind, name, name_len, false);
	} else if (kind == FIELD_URL) {
		assert_true(url_of(text, &u));
		spell(&s, kind, u.text, u.len, false);
	} else {
		spell_other(&s, kind, text);
	}
	if (row_find(n, s.text, s.len, &slot) != SIZE_MAX)
		return;
	told_of(kind, &s, len, bits, told);
	n->rows[n->count] = (struct row){.kind = kind,
		.text = strdup(text),
		.told = strdup(told),
		.key = malloc(s.len),
		.key_len = s.len};
	assert_non_null(n->rows[n->count].key);
	memcpy(n->rows[n->count].key, s.text, s.len);
	n->slots[slot] = (uint32_t)++n->count;
}

size_t naive_count(const struct naive *n)
{
	return n->count;
}

enum field_kind naive_kind(const struct naive *n, size_t indicator)
{
	return n->rows[indicator].kind;
}

const char *naive_text(const struct naive *n, size_t indicator)
{
	return n->rows[indicator].text;
}

const char *naive_told(const struct naive *n, size_t indicator)
{
	return n->rows[indicator].told;
}

/* ---- looking --------------------------------------------------------------------------------- */

static bool look(const struct naive *n, const struct spelt *s, uint64_t record, enum index_how how,
	struct naive_hits *h)
{
	size_t row = row_find(n, s->text, s->len, NULL);

	if (row == SIZE_MAX || n->rows[row].refused)
		return false;
	naive_hits_add(h, record, (uint32_t)row, how);
	return true;
}

static void look_address(const struct naive *n, const uint8_t *bytes, unsigned len, uint64_t record,
	struct naive_hits *h)
{
	struct spelt s;

	for (unsigned bits = 1; bits <= 8 * len; bits++) {
		if (!n->prefixes[len == 16][bits])
			continue;
		spell_network(&s, bytes, len, bits);
		look(n, &s, record, bits == 8 * len ? INDEX_EXACT : INDEX_NETWORK, h);
	}
}

static void look_name(
	const struct naive *n, const char *text, size_t len, uint64_t record, struct naive_hits *h)
{
	char name[SPELT_MAX];
	struct spelt s;
	size_t at = 0;

	len = spell_name(text, len, name);
	for (;;) {
		const char *dot;

		spell(&s, FIELD_NAME, name + at, len - at, false);
		look(n, &s, record, at == 0 ? INDEX_EXACT : INDEX_PARENT, h);
		dot = memchr(name + at, '.', len - at);
		if (dot == NULL)
			return;
		at = (size_t)(dot - name) + 1;
	}
}

static void look_host(
	const struct naive *n, const char *text, uint64_t record, struct naive_hits *h)
{
	size_t len = strlen(text), colon = strcspn(text, ":");
	uint8_t bytes[16];
	unsigned address;

	if (text[0] == '[') {
		text++;
		len = strcspn(text, "]");
	} else if (strchr(text + colon, ':') == strrchr(text, ':')) {
		len = colon; /* one colon: a port */
	}
	address = address_of(text, len, bytes);
	if (address != 0)
		look_address(n, bytes, address, record, h);
	else
		look_name(n, text, len, record, h);
}

/* The URL; its path without the query; each folder above it, written with '/' at the end or, where
 * the last segment has no dot, without. */
static void look_url(const struct naive *n, const char *text, uint64_t record, struct naive_hits *h)
{
	struct spelt s;
	struct url u;
	char host[SPELT_MAX + 2];
	size_t from;

	if (!url_of(text, &u))
		return;
	spell(&s, FIELD_URL, u.text, u.len, false);
	look(n, &s, record, INDEX_EXACT, h);
	if (u.query < u.len) {
		spell(&s, FIELD_URL, u.text, u.query, false);
		look(n, &s, record, INDEX_PREFIX, h);
	}
	from = u.path;
	for (size_t i = u.path; i < u.query; i++) {
		bool dot = memchr(u.text + from, '.', i - from) != NULL;

		if (u.text[i] != '/')
			continue;
		if (i > u.path && i > from && !dot) {
			spell(&s, FIELD_URL, u.text, i, false);
			look(n, &s, record, INDEX_PREFIX, h);
		}
		if (i + 1 < u.query) {
			spell(&s, FIELD_URL, u.text, i + 1, false);
			look(n, &s, record, INDEX_PREFIX, h);
		}
		from = i + 1;
	}
	snprintf(host, sizeof(host), strchr(u.host, ':') != NULL ? "[%s]" : "%s", u.host);
	look_host(n, host, record, h);
}

void naive_look(const struct naive *n, enum field_kind kind, const char *text, uint64_t record,
	struct naive_hits *h)
{
	uint8_t bytes[16];
	unsigned len;
	struct spelt s;

	switch (kind) {
	case FIELD_NONE:
		break;
	case FIELD_ADDRESS:
		len = address_of(text, strlen(text), bytes);
		if (len != 0)
			look_address(n, bytes, len, record, h);
		break;
	case FIELD_NAME:
		look_name(n, text, strlen(text), record, h);
		break;
	case FIELD_HOST:
		look_host(n, text, record, h);
		break;
	case FIELD_URL:
		look_url(n, text, record, h);
		break;
	case FIELD_EMAIL:
		spell(&s, FIELD_EMAIL, text, strlen(text), true);
		look(n, &s, record, INDEX_EXACT, h);
		text = strrchr(text, '@');
		if (text != NULL)
			look_name(n, text + 1, strlen(text + 1), record, h);
		break;
	default:
		spell_other(&s, kind, text);
		look(n, &s, record, INDEX_EXACT, h);
	}
}

/* ---- beside the sensor ----------------------------------------------------------------------- */

static size_t told_find(const struct naive *n, enum field_kind kind, struct slice told)
{
	char text[SPELT_MAX];
	size_t slash = slice_find(told, '/', 0);
	uint8_t bytes[16];
	struct spelt s;
	unsigned len;

	assert_true(told.len < sizeof(text));
	memcpy(text, told.data, told.len);
	text[told.len] = 0;
	if (kind == FIELD_ADDRESS) {
		len = address_of(text, slash, bytes);
		if (len == 0)
			return SIZE_MAX;
		spell_network(&s, bytes, len,
			slash < told.len ? (unsigned)atoi(text + slash + 1) : 8 * len);
	} else if (kind == FIELD_URL || kind == FIELD_NAME) {
		spell(&s, kind, text, told.len, false);
	} else {
		spell_other(&s, kind, text);
	}
	return row_find(n, s.text, s.len, NULL);
}

uint32_t naive_find(const struct naive *n, enum field_kind kind, struct slice told)
{
	size_t row = told_find(n, kind, told);

	if (row == SIZE_MAX || !slice_is(told, n->rows[row].told))
		fail_msg("told: %s \"%.*s\", which is no indicator", field_kind_name(kind),
			SLICE_ARG(told));
	return (uint32_t)row;
}

uint32_t naive_of_finding(const struct naive *n, const struct scene_finding *f)
{
	static const struct {
		const char *type;
		enum field_kind kind;
	} types[] = {
		{"ipv4-addr",         FIELD_ADDRESS    },
		{"ipv6-addr",         FIELD_ADDRESS    },
		{"domain-name",       FIELD_NAME       },
		{"url",               FIELD_URL        },
		{"email-addr",        FIELD_EMAIL      },
		{"file",              FIELD_HASH       },
		{"file",              FIELD_IMPHASH    },
		{"file",              FIELD_SSDEEP     },
		{"autonomous-system", FIELD_ASN        },
		{"mac-addr",          FIELD_MAC        },
		{"text",              FIELD_TEXT       },
		{"x509-certificate",  FIELD_CERTIFICATE},
		{"tls-ja3",           FIELD_JA3        },
		{"tls-ja3s",          FIELD_JA3S       },
		{"tls-ja4",           FIELD_JA4        },
	};

	for (size_t i = 0; i < COUNT_OF(types); i++) {
		size_t row;

		if (strcmp(types[i].type, f->type) != 0)
			continue;
		row = told_find(n, types[i].kind, slice_of(f->indicator));
		if (row != SIZE_MAX && strcmp(n->rows[row].told, f->indicator) == 0)
			return (uint32_t)row;
	}
	fail_msg("finding: %s \"%s\", which is no indicator", f->type, f->indicator);
	return 0;
}

static struct index_builder *builder_new(void)
{
	struct index_builder *b = index_builder_new(world_real());

	assert_non_null(b);
	MUST(index_builder_entry(
		b, &(struct index_entry){.id = SLICE("feed:planted"), .confidence = 90}, e));
	return b;
}

void naive_index(const struct naive *n, const char *path)
{
	struct index_builder *b = builder_new();

	for (size_t i = 0; i < n->count; i++)
		MUST(index_builder_value(b, n->rows[i].kind, slice_of(n->rows[i].text), e));
	MUST(index_builder_write(b, path, NULL, e));
	index_builder_free(b);
}

size_t naive_index_real(struct naive *n, const char *path)
{
	struct index_builder *b = builder_new();
	size_t refused = 0;
	struct err why;

	for (size_t i = 0; i < n->count; i++) {
		enum err_kind kind =
			index_builder_value(b, n->rows[i].kind, slice_of(n->rows[i].text), &why);

		assert_true(kind == OK || kind == ERR_INVALID);
		n->rows[i].refused = kind != OK;
		refused += kind != OK;
	}
	MUST(index_builder_write(b, path, NULL, e));
	index_builder_free(b);
	return refused;
}

void naive_compare(const struct naive *n, const char *what, struct slice text,
	const struct naive_hits *expected, const struct naive_hits *found)
{
	struct slice line = {0};

	for (size_t i = 0; i < expected->count || i < found->count; i++) {
		const struct naive_hit *e = i < expected->count ? &expected->at[i] : NULL;
		const struct naive_hit *f = i < found->count ? &found->at[i] : NULL;
		int order = e == NULL ? 1 : f == NULL ? -1 : hit_compare(e, f);

		if (order == 0)
			continue;
		if (order > 0)
			e = f;
		for (uint64_t k = 0; k < e->record && slice_next(&text, '\n', &line); k++)
			;
		fail_msg("%s, record %llu: %s \"%s\" (%s) is %s\n%.*s", what,
			(unsigned long long)e->record, field_kind_name(n->rows[e->indicator].kind),
			n->rows[e->indicator].told, index_how_name((enum index_how)e->how),
			order < 0 ? "missed" : "told and not expected", SLICE_ARG(line));
	}
}
