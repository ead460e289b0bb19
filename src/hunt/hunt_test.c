/* SPDX-License-Identifier: MPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "hunt.h"
#include "keys.h"
#include "segment.h"

#define NOW INT64_C(1795392000000000) /* 2026-11-23 */

/* ---- a folder for each test ------------------------------------------------------------------ */

struct site {
	char folder[64];
	char history[80];
	char log[80];
	struct world_fake world;
};

static int site_setup(void **state)
{
	struct site *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -1;
	(void)snprintf(s->folder, sizeof(s->folder), "/tmp/hunt_test.XXXXXX");
	if (mkdtemp(s->folder) == NULL)
		return -1;
	(void)snprintf(s->history, sizeof(s->history), "%s/history", s->folder);
	(void)snprintf(s->log, sizeof(s->log), "%s/dns.log", s->folder);
	world_fake_init(&s->world, 1, NOW);
	*state = s;
	return 0;
}

static void folder_remove(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		char below[512];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		(void)snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		if (unlink(below) != 0)
			folder_remove(below);
	}
	if (d != NULL)
		(void)closedir(d);
	(void)rmdir(path);
}

static int site_teardown(void **state)
{
	struct site *s = *state;

	folder_remove(s->folder);
	free(s);
	return 0;
}

static void file_put(const char *path, const char *text)
{
	struct err e;

	assert_int_equal(file_write_atomic(path, slice_of(text), 0600, &e), OK);
}

/* ---- batches by hand ------------------------------------------------------------------------- */

struct filler {
	struct batch batch;
	struct column columns[FIELD_KINDS * 2];
	char bytes[KIB(64)];
	size_t used;
	uint64_t number, offset;
	int64_t time_us;
};

static struct filler *filler_new(void)
{
	struct filler *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	for (unsigned kind = 0; kind < FIELD_KINDS; kind++) {
		f->columns[kind].kind = (uint8_t)kind;
		f->columns[kind + FIELD_KINDS].kind = (uint8_t)kind;
		f->columns[kind + FIELD_KINDS].binary = true;
	}
	f->batch.columns = f->columns;
	f->batch.columns_count = COUNT_OF(f->columns);
	f->used = EVENT_PADDING;
	f->time_us = NOW;
	return f;
}

static void record_add(struct filler *f)
{
	struct record *r = &f->batch.records[f->batch.records_count++];

	*r = (struct record){
		.number = ++f->number, .offset = f->offset, .raw_len = 99, .time_us = f->time_us};
	f->offset += 100;
}

static void field_add(struct filler *f, unsigned column, struct slice value)
{
	assert_true(f->used + value.len + EVENT_PADDING <= sizeof(f->bytes));
	memcpy(f->bytes + f->used, value.data, value.len);
	f->batch.fields[f->batch.fields_count++] = (struct field){.data = f->bytes + f->used,
		.len = (uint32_t)value.len,
		.record = (uint16_t)(f->batch.records_count - 1),
		.column = (uint16_t)column};
	f->used += value.len;
}

static void flush(struct filler *f, struct hunt_writer *w)
{
	assert_true(hunt_writer_batch(w, &f->batch));
	f->batch.records_count = f->batch.fields_count = 0;
	f->used = EVENT_PADDING;
}

static struct hunt_writer *writer(struct site *s)
{
	struct hunt_writer *w;
	struct err e;

	assert_int_equal(hunt_writer_open(s->history, &s->world.world, &w, &e), OK);
	assert_int_equal(hunt_writer_source(w, s->log, "zeek-tsv", &e), OK);
	return w;
}

static void finish(struct hunt_writer *w)
{
	struct err e;

	assert_int_equal(hunt_writer_finish(w, &e), OK);
	hunt_writer_free(w);
}

/* A segment with one record that holds one value. */
static void segment_put(struct site *s, unsigned column, const char *value, int64_t time_us)
{
	struct hunt_writer *w = writer(s);
	struct filler *f = filler_new();

	f->time_us = time_us;
	record_add(f);
	field_add(f, column, slice_of(value));
	flush(f, w);
	finish(w);
	free(f);
}

/* ---- asking ---------------------------------------------------------------------------------- */

struct answer {
	size_t segments, values, damaged, gone;
	char path[256], why[256];
	struct hunt_segment last;
	int64_t times[16];
	uint64_t done, total;
};

static bool on_segment(void *context, const struct hunt_segment *segment, size_t values)
{
	struct answer *a = context;

	if (segment->damaged) {
		a->damaged++;
		(void)snprintf(a->why, sizeof(a->why), "%s", segment->why);
		assert_int_equal(values, 0);
		return true;
	}
	if (a->segments < COUNT_OF(a->times))
		a->times[a->segments] = segment->first_us;
	a->segments++;
	a->values += values;
	a->gone += segment->gone;
	a->last = *segment;
	(void)snprintf(a->path, sizeof(a->path), "%s", segment->path);
	return true;
}

static void on_progress(void *context, uint64_t done, uint64_t total)
{
	struct answer *a = context;

	assert_true(done >= a->done && done <= total);
	a->done = done;
	a->total = total;
}

static struct answer ask(struct site *s, const struct hunt_question *q)
{
	struct answer a = {0};
	struct err e;
	enum err_kind kind = hunt_ask(s->history, q, on_segment, on_progress, &a, &e);

	if (kind != OK)
		fail_msg("%s", e.text);
	return a;
}

static struct answer ask_one(struct site *s, enum field_kind kind, const char *value)
{
	struct hunt_question *q = hunt_question_new();
	struct answer a;
	struct err e;

	assert_non_null(q);
	if (hunt_question_value(q, kind, slice_of(value), &e) != OK)
		fail_msg("%s", e.text);
	a = ask(s, q);
	hunt_question_free(q);
	return a;
}

/* ---- what is put in is found ----------------------------------------------------------------- */

static const struct {
	const char *why;
	unsigned column;
	const char *logged;
	enum field_kind kind;
	const char *sought;
	bool found;
} values[] = {
	{"address",			   FIELD_ADDRESS,               "192.0.2.7",                              FIELD_ADDRESS,     "192.0.2.7",                                true },
	{"another address",                   FIELD_ADDRESS,               "192.0.2.7",                              FIELD_ADDRESS,     "192.0.2.8",                                false},
	{"mapped address",                    FIELD_ADDRESS,               "::ffff:192.0.2.7",                       FIELD_ADDRESS,     "192.0.2.7",                                true },
	{"address with a zone",               FIELD_ADDRESS,               "fe80::1%eth0",                           FIELD_ADDRESS,     "fe80::1",                                  true },
	{"IPv6 spelt otherwise",              FIELD_ADDRESS,               "2001:DB8:0:0::1",                        FIELD_ADDRESS,     "2001:db8::1",
         true																					    },
	{"leading zero",                      FIELD_ADDRESS,               "192.0.2.07",                             FIELD_ADDRESS,     "192.0.2.7",                                false},
	{"host that is an address",           FIELD_HOST,                  "192.0.2.7:8080",                         FIELD_ADDRESS,     "192.0.2.7",                                true },
	{"host in brackets",                  FIELD_HOST,                  "[2001:db8::1]:443",                      FIELD_ADDRESS,     "2001:db8::1",                              true },
	{"host that is a name",               FIELD_HOST,                  "WWW.Evil.example:80",                    FIELD_NAME,        "www.evil.example",
         true																					    },
	{"/24 around",			FIELD_ADDRESS,               "192.0.2.7",                              FIELD_ADDRESS,     "192.0.2.0/24",                             true },
	{"another /24",                       FIELD_ADDRESS,               "192.0.3.7",                              FIELD_ADDRESS,     "192.0.2.0/24",                             false},
	{"/28 inside a /24",                  FIELD_ADDRESS,               "192.0.2.7",                              FIELD_ADDRESS,     "192.0.2.0/28",                             true },
	{"the next /28",                      FIELD_ADDRESS,               "192.0.2.7",                              FIELD_ADDRESS,     "192.0.2.16/28",                            false},
	{"/31",			       FIELD_ADDRESS,               "192.0.2.7",                              FIELD_ADDRESS,     "192.0.2.6/31",                             true },
	{"/23 by the /16 around",             FIELD_ADDRESS,               "192.0.3.7",                              FIELD_ADDRESS,     "192.0.2.0/23",                             true },
	{"another /23",                       FIELD_ADDRESS,               "192.1.4.7",                              FIELD_ADDRESS,     "192.0.2.0/23",                             false},
	{"/17",			       FIELD_ADDRESS,               "10.1.127.9",                             FIELD_ADDRESS,     "10.1.0.0/17",                              true },
	{"/17 of another",                    FIELD_ADDRESS,               "10.2.128.9",                             FIELD_ADDRESS,     "10.1.0.0/17",                              false},
	{"/16",			       FIELD_ADDRESS,               "10.1.2.3",                               FIELD_ADDRESS,     "10.1.0.0/16",                              true },
	{"/8 of 256 /16",                     FIELD_ADDRESS,               "10.255.2.3",                             FIELD_ADDRESS,     "10.0.0.0/8",                               true },
	{"another /8",			FIELD_ADDRESS,               "11.0.2.3",                               FIELD_ADDRESS,     "10.0.0.0/8",                               false},
	{"/7 is everything",                  FIELD_ADDRESS,               "192.0.2.7",                              FIELD_ADDRESS,     "10.0.0.0/7",                               true },
	{"/64",			       FIELD_ADDRESS,               "2001:db8:1:2::9",                        FIELD_ADDRESS,     "2001:db8:1:2::/64",                        true },
	{"another /64",                       FIELD_ADDRESS,               "2001:db8:1:3::9",                        FIELD_ADDRESS,     "2001:db8:1:2::/64",
         false																					   },
	{"/100 by the /64 around",            FIELD_ADDRESS,               "2001:db8:1:2::9",                        FIELD_ADDRESS,
         "2001:db8:1:2::/100",																		      true },
	{"/124",			      FIELD_ADDRESS,               "2001:db8::f",                            FIELD_ADDRESS,     "2001:db8::/124",                           true },
	{"another /124",                      FIELD_ADDRESS,               "2001:db8::1f",                           FIELD_ADDRESS,     "2001:db8::/124",                           false},
	{"/60 of sixteen /64",                FIELD_ADDRESS,               "2001:db8:1:f::9",                        FIELD_ADDRESS,     "2001:db8:1::/60",
         true																					    },
	{"/50 by the /48 around",             FIELD_ADDRESS,               "2001:db8:1::9",                          FIELD_ADDRESS,     "2001:db8:1::/50",
         true																					    },
	{"/44",			       FIELD_ADDRESS,               "2001:db8:f::9",                          FIELD_ADDRESS,     "2001:db8::/44",                            true },
	{"/34 by the /32 around",             FIELD_ADDRESS,               "2001:db8::9",                            FIELD_ADDRESS,     "2001:db8::/34",
         true																					    },
	{"/24 of 256 /32",                    FIELD_ADDRESS,               "2001:dff::9",                            FIELD_ADDRESS,     "2001:d00::/24",                            true },
	{"another IPv6 /24",                  FIELD_ADDRESS,               "2001:edb8::9",                           FIELD_ADDRESS,     "2001:d00::/24",                            false},
	{"IPv6 /23 is everything",            FIELD_ADDRESS,               "10.1.2.3",                               FIELD_ADDRESS,     "2001:c00::/23",                            true },
	{"::/80 covers IPv4",                 FIELD_ADDRESS,               "10.1.2.3",                               FIELD_ADDRESS,     "::/80",                                    true },
	{"::/90 does not",                    FIELD_ADDRESS,               "10.1.2.3",                               FIELD_ADDRESS,     "::/90",                                    false},
	{"name",			      FIELD_NAME,                  "Evil.Example.",                          FIELD_NAME,        "evil.example",                             true },
	{"parent",			    FIELD_NAME,                  "a.b.evil.example",                       FIELD_NAME,        "evil.example",                             true },
	{"parent between",                    FIELD_NAME,                  "a.b.evil.example",                       FIELD_NAME,        "b.evil.example",                           true },
	{"child",			     FIELD_NAME,                  "evil.example",                           FIELD_NAME,        "a.evil.example",                           false},
	{"no label boundary",                 FIELD_NAME,                  "michigan.example",                       FIELD_NAME,        "higan.example",                            false},
	{"IDNA",			      FIELD_NAME,
         "www.b\xc3\xbc"
		"cher.example",										      FIELD_NAME,        "xn--bcher-kva.example",                    true },
	{"URL",			       FIELD_URL,                   "http://evil.example/a/b?c=d",            FIELD_URL,         "https://evil.example/a/b?c=d",
         true																					    },
	{"URL without its query",             FIELD_URL,                   "http://evil.example/a/b?c=d",            FIELD_URL,
         "http://evil.example/a/b",																		 true },
	{"URL's folder",                      FIELD_URL,                   "http://evil.example/a/b/c?d",            FIELD_URL,
         "http://evil.example/a/",																		  true },
	{"folder without its slash",          FIELD_URL,                   "http://evil.example/a/b/c",              FIELD_URL,
         "http://evil.example/a",																		   true },
	{"URL's host alone",                  FIELD_URL,                   "http://evil.example/a/b",                FIELD_URL,
         "http://evil.example/",																		    true },
	{"URL's name",			FIELD_URL,                   "http://www.evil.example/a/b",            FIELD_NAME,        "evil.example",                             true },
	{"URL, other case in path",           FIELD_URL,                   "http://evil.example/A",                  FIELD_URL,
         "http://evil.example/a",																		   false},
	{"URL, no boundary",                  FIELD_URL,                   "http://evil.example/abc",                FIELD_URL,
         "http://evil.example/ab",																		  false},
	{"e-mail",			    FIELD_EMAIL,                 "Bad Man <Bad@Evil.example>",             FIELD_EMAIL,       "bad@evil.example",
         true																					    },
	{"e-mail's domain",                   FIELD_EMAIL,                 "bad@mail.evil.example",                  FIELD_NAME,        "evil.example",                             true },
	{"MD5",			       FIELD_HASH,                  "D41D8CD98F00B204E9800998ECF8427E",       FIELD_HASH,
         "d41d8cd98f00b204e9800998ecf8427e",																	true },
	{"SHA-1 among others",                FIELD_HASH,
         "MD5=d41d8cd98f00b204e9800998ecf8427e,SHA1="
		"da39a3ee5e6b4b0d3255bfef95601890afd80709",							  FIELD_HASH,        "da39a3ee5e6b4b0d3255bfef95601890afd80709", true },
	{"a file's hash is no certificate's", FIELD_CERTIFICATE,           "d41d8cd98f00b204e9800998ecf8427e",
         FIELD_HASH,														    "d41d8cd98f00b204e9800998ecf8427e",         false},
	{"certificate",                       FIELD_CERTIFICATE,           "d41d8cd98f00b204e9800998ecf8427e",       FIELD_CERTIFICATE,
         "d41d8cd98f00b204e9800998ecf8427e",																	true },
	{"AS number",			 FIELD_ASN,                   "AS64500 Example Ltd",                    FIELD_ASN,         "64500",                                    true },
	{"MAC address",                       FIELD_MAC,                   "02-00-5E-10-00-01",                      FIELD_MAC,         "02:00:5e:10:00:01",                        true },
	{"text",			      FIELD_TEXT,                  "evil.exe",                               FIELD_TEXT,        "evil.exe",                                 true },
	{"text is exact",                     FIELD_TEXT,                  "Evil.exe",                               FIELD_TEXT,        "evil.exe",                                 false},
	{"JA3",			       FIELD_JA3,                   "e7d705a3286e19ea42f587b344ee6865",       FIELD_JA3,
         "E7D705A3286E19EA42F587B344EE6865",																	true },
	{"JA3S",			      FIELD_JA3S,                  "e7d705a3286e19ea42f587b344ee6865",       FIELD_JA3S,
         "e7d705a3286e19ea42f587b344ee6865",																	true },
	{"JA4",			       FIELD_JA4,                   "t13d1516h2_8daaf6152771_e5627efa2ab1",   FIELD_JA4,
         "t13d1516h2_8daaf6152771_e5627efa2ab1",																    true },
	{"imphash",			   FIELD_IMPHASH,               "f34d5f2d4577ed6d9ceec516c1f5a744",       FIELD_IMPHASH,
         "f34d5f2d4577ed6d9ceec516c1f5a744",																	true },
	{"ssdeep",			    FIELD_SSDEEP,                "3:abc:def",                              FIELD_SSDEEP,      "3:abc:def",                                true },
	{"free text: name",                   FIELD_FREE,                  "connection to www.evil.example refused", FIELD_NAME,
         "evil.example",																			    true },
	{"free text: address",                FIELD_FREE,                  "from 192.0.2.7 port 22",                 FIELD_ADDRESS,     "192.0.2.7",
         true																					    },
	{"free text: network",                FIELD_FREE,                  "from 192.0.2.7 port 22",                 FIELD_ADDRESS,     "192.0.2.0/24",
         true																					    },
	{"free text: URL",                    FIELD_FREE,                  "GET http://evil.example/a/b now",        FIELD_URL,
         "evil.example/a",																			  true },
	{"context is not kept",               FIELD_NONE,                  "evil.example",                           FIELD_NAME,        "evil.example",                             false},
	{"binary address",                    FIELD_ADDRESS + FIELD_KINDS, "ABCD",                                   FIELD_ADDRESS,     "65.66.67.68",                              true },
	{"binary address's network",          FIELD_ADDRESS + FIELD_KINDS, "ABCD",                                   FIELD_ADDRESS,
         "65.66.67.0/24",																			   true },
	{"binary digest",                     FIELD_HASH + FIELD_KINDS,    "ABCDEFGHIJKLMNOP",                       FIELD_HASH,
         "4142434445464748494a4b4c4d4e4f50",																	true },
};

/* Each value in a segment of its own: it is found, and what is another one is not. */
static void every_kind(void **state)
{
	struct site *s = *state;

	for (size_t i = 0; i < COUNT_OF(values); i++) {
		struct answer a;

		segment_put(s, values[i].column, values[i].logged, NOW);
		a = ask_one(s, values[i].kind, values[i].sought);
		if ((a.values == 1) != values[i].found)
			fail_msg("%s: %zu values", values[i].why, a.values);
		assert_int_equal(a.done, a.total);
		folder_remove(s->history);
	}
}

static void refused_values(void **state)
{
	static const struct {
		const char *why;
		enum field_kind kind;
		const char *text;
		bool good;
	} cases[] = {
		{"an address",          FIELD_ADDRESS, "192.0.2.7",    true },
		{"no address",          FIELD_ADDRESS, "192.0.2.256",  false},
		{"every address",       FIELD_ADDRESS, "0.0.0.0/0",    false},
		{"name of one label",   FIELD_NAME,    "localhost",    false},
		{"name of two",         FIELD_NAME,    "evil.example", true },
		{"digest of no length", FIELD_HASH,    "abcdef",       false},
		{"empty",               FIELD_TEXT,    "",             false},
		{"only in batches",     FIELD_FREE,    "text",         false},
	};
	struct hunt_question *q = hunt_question_new();
	size_t good = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct err e;
		enum err_kind kind =
			hunt_question_value(q, cases[i].kind, slice_of(cases[i].text), &e);

		if (kind != (cases[i].good ? OK : ERR_INVALID))
			fail_msg("%s", cases[i].why);
		good += cases[i].good;
		assert_int_equal(hunt_question_count(q), good);
	}
	hunt_question_free(q);
}

/* ---- fast and plain ways --------------------------------------------------------------------- */

static int key_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool gathered_same(struct gather *a, struct gather *b)
{
	bool same = memcmp(a->networks, b->networks, sizeof(a->networks)) == 0;

	gather_settle(a);
	gather_settle(b);
	for (enum tier tier = 0; tier < TIERS; tier++) {
		size_t count = gather_count(a, tier);
		uint64_t x[2 * INDEX_LABELS_MAX], y[2 * INDEX_LABELS_MAX];

		if (count != gather_count(b, tier) || count > COUNT_OF(x))
			return false;
		gather_collect(a, tier, x);
		gather_collect(b, tier, y);
		qsort(x, count, sizeof(*x), key_order);
		qsort(y, count, sizeof(*y), key_order);
		same = same && memcmp(x, y, count * sizeof(*x)) == 0;
	}
	return same;
}

/* What the fast ways make of a field is what index_field_keys makes of it. */
static void fast_is_plain(void **state)
{
	static const char alphabet[] = "aZ0129....:::[]%@-_/\xc3\xbc ";
	static const char *const texts[] = {"1.2.3.4", "255.255.255.255", "256.1.1.1", "1.2.3",
		"01.2.3.4", "1.2.3.4.", "::", "::1", "[::1]", "1::2%eth0", "a.b.c.", "a..b", ".",
		"..", ".a.b", "a", "A.B:80", "a.b.co.uk", "B.CO.UK.", "a.abcd.uk", "::ffff:1.2.3.4",
		"1.2.3.4:5", "", "a.b.c.d.e.f.g.h"};
	static const uint8_t kinds[] = {FIELD_NAME, FIELD_ADDRESS, FIELD_HOST};
	const uint8_t secret[KEYER_BYTES] = {1};
	struct filler *f = filler_new();
	struct keys_waiting *waiting = calloc(1, sizeof(*waiting));
	struct world_fake world;
	struct keyer k;

	(void)state;
	world_fake_init(&world, 3, NOW);
	assert_non_null(waiting);
	keyer_init(&k, secret);
	for (unsigned i = 0; i < 60000; i++) {
		struct gather fast, plain;
		struct field field;
		uint8_t random[40];
		char text[300] = {0};
		size_t len;

		world.world.random(world.world.context, random, sizeof(random));
		len = random[0] % 24;
		for (size_t j = 0; j < len; j++)
			text[j] = alphabet[random[j + 2] % (sizeof(alphabet) - 1)];
		if (i < COUNT_OF(texts) * COUNT_OF(kinds)) {
			(void)snprintf(text, sizeof(text), "%s", texts[i / COUNT_OF(kinds)]);
			len = strlen(text);
		} else if (i % 1000 < 30) { /* around the longest name of the fast way */
			len = 240 + i % 1000;
			memset(text, 'a', len);
			text[random[1]] = '.';
			text[random[2] % 200] = '.';
		}
		memcpy(f->bytes + EVENT_PADDING, text, len);
		field = (struct field){.data = f->bytes + EVENT_PADDING,
			.len = (uint32_t)len,
			.column = kinds[i % COUNT_OF(kinds)]};
		assert_true(gather_init(&fast) && gather_init(&plain));
		keys_field(&k, &f->columns[field.column], &field, waiting, &fast);
		keys_flush(&k, waiting, &fast);
		keys_field_plain(&k, &f->columns[field.column], &field, &plain);
		if (!gathered_same(&fast, &plain))
			fail_msg("kind %u, \"%s\"", field.column, text);
		gather_fini(&fast);
		gather_fini(&plain);
	}
	free(waiting);
	free(f);
}

/* Fields that look alike and are told apart: each is found although the other came just before. */
static void alike(void **state)
{
	static const struct {
		const char *why;
		const char *before;
		size_t before_len;
		unsigned before_kind;
		const char *logged;
		unsigned logged_kind, asked_kind;
	} cases[] = {
		{"a name that stood in a column of addresses", "evil.example",   12, FIELD_ADDRESS,
                 "evil.example",										    FIELD_HOST,    FIELD_NAME   },
		{"an address with a zero byte behind",         "192.0.2.1\0",    10, FIELD_ADDRESS,
                 "192.0.2.1",										       FIELD_ADDRESS, FIELD_ADDRESS},
		{"a name with a zero byte behind",             "evil.example\0", 13, FIELD_HOST,    "evil.example",
                 FIELD_HOST,												       FIELD_NAME   },
		{"an address that is the beginning of one",    "192.0.2.11",     10, FIELD_HOST,
                 "192.0.2.1",										       FIELD_HOST,    FIELD_ADDRESS},
		{"a name in capitals",                         "EVIL.EXAMPLE.",  13, FIELD_HOST,    "evil.example", FIELD_NAME,
                 FIELD_NAME														     },
	};
	struct site *s = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct hunt_writer *w = writer(s);
		struct filler *f = filler_new();

		f->time_us = NOW + (int64_t)i;
		record_add(f);
		field_add(f, cases[i].before_kind,
			(struct slice){cases[i].before, cases[i].before_len});
		field_add(f, cases[i].logged_kind, slice_of(cases[i].logged));
		flush(f, w);
		finish(w);
		free(f);
		if (ask_one(s, cases[i].asked_kind, cases[i].logged).values == 0)
			fail_msg("%s", cases[i].why);
		folder_remove(s->history);
	}
}

/* Below what the site does ask for every day: the weak filter answers, and only it is read. */
static void names_below(void **state)
{
	static const struct {
		const char *asked;
		bool there;
	} cases[] = {
		{"host7.site.example",   true },
		{"site.example",         true },
		{"a.b.c.d.deep.example", true },
		{"c.d.deep.example",     true },
		{"d.deep.example",       true },
		{"shop.co.uk",           true },
		{"www.shop.co.uk",       true },
		{"other.site.example",   false},
		{"b.b.c.d.deep.example", false},
		{"other.co.uk",          false},
		{"x.shop.co.uk",         false},
		{"host7.site.invalid",   false},
	};
	static const char *const logged[] = {
		"host7.site.example", "a.b.c.d.deep.example", "www.shop.co.uk", "1.2.3.example"};
	struct site *s = *state;
	struct hunt_writer *w = writer(s);
	struct filler *f = filler_new();

	for (size_t i = 0; i < COUNT_OF(logged); i++) {
		record_add(f);
		field_add(f, FIELD_NAME, slice_of(logged[i]));
	}
	flush(f, w);
	finish(w);
	free(f);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if ((ask_one(s, FIELD_NAME, cases[i].asked).values == 1) != cases[i].there)
			fail_msg("%s", cases[i].asked);
	}
}

/* From SEGMENT_NETWORKS_MIN on the /16s are a map: the same answers on both sides. */
static void networks_map(void **state)
{
	struct site *s = *state;

	for (unsigned count = SEGMENT_NETWORKS_MIN - 1; count <= SEGMENT_NETWORKS_MIN; count++) {
		struct hunt_writer *w = writer(s);
		struct filler *f = filler_new();

		for (unsigned i = 0; i < count; i++) {
			uint8_t bytes[4];

			if (f->batch.records_count == BATCH_RECORDS)
				flush(f, w);
			put_u32(bytes, i << 16 | 0x0203);
			record_add(f);
			field_add(f, FIELD_ADDRESS + FIELD_KINDS,
				(struct slice){(const char *)bytes, sizeof(bytes)});
		}
		flush(f, w);
		finish(w);
		free(f);
		assert_int_equal(ask_one(s, FIELD_ADDRESS, "1.44.2.3").values, 1);
		assert_int_equal(ask_one(s, FIELD_ADDRESS, "1.44.2.4").values, 0);
		assert_int_equal(ask_one(s, FIELD_ADDRESS, "1.44.0.0/16").values, 1);
		assert_int_equal(ask_one(s, FIELD_ADDRESS, "1.44.16.0/20").values, 1);
		assert_int_equal(ask_one(s, FIELD_ADDRESS, "1.44.2.0/24").values, 1);
		assert_int_equal(ask_one(s, FIELD_ADDRESS, "14.220.0.0/16").values, 0);
		assert_int_equal(ask_one(s, FIELD_ADDRESS, "200.0.0.0/8").values, 0);
		folder_remove(s->history);
	}
}

/* ---- many values ----------------------------------------------------------------------------- */

/* Over three segments: nothing is missed, strangers are found as seldom as promised. */
static void many_values(void **state)
{
	enum { PER_SEGMENT = 20000, STRANGERS = 20000 };
	struct site *s = *state;
	struct hunt_question *q = hunt_question_new(), *strangers = hunt_question_new(),
			     *below = hunt_question_new();
	struct filler *f = filler_new();
	struct hunt_writer *w = writer(s);
	struct hunt_totals t;
	struct answer a;
	struct err e;
	char text[64];

	for (unsigned i = 0; i < 3 * PER_SEGMENT; i++) {
		if (i > 0 && i % PER_SEGMENT == 0) {
			flush(f, w);
			assert_int_equal(hunt_writer_finish(w, &e), OK);
		}
		if (f->batch.records_count == BATCH_RECORDS)
			flush(f, w);
		(void)snprintf(text, sizeof(text), "host%u.site%u.example", i, i % 1000);
		record_add(f);
		field_add(f, FIELD_NAME, slice_of(text));
		assert_int_equal(hunt_question_value(q, FIELD_NAME, slice_of(text), &e), OK);
	}
	flush(f, w);
	finish(w);
	for (unsigned i = 0; i < STRANGERS; i++) {
		(void)snprintf(text, sizeof(text), "stranger%u.example", i);
		assert_int_equal(
			hunt_question_value(strangers, FIELD_NAME, slice_of(text), &e), OK);
		(void)snprintf(text, sizeof(text), "stranger%u.site%u.example", i, i % 1000);
		assert_int_equal(hunt_question_value(below, FIELD_NAME, slice_of(text), &e), OK);
	}
	a = ask(s, q);
	assert_int_equal(a.segments, 3);
	assert_in_range(a.values, 3 * PER_SEGMENT, 3 * PER_SEGMENT + 30);
	a = ask(s, strangers);
	assert_in_range(a.values, 0, 10); /* one expected */
	a = ask(s, below);
	assert_in_range(a.values, 1, 45); /* 15 expected: one in 4,096 */
	assert_int_equal(hunt_totals(s->history, &t, &e), OK);
	assert_int_equal(t.segments, 3);
	assert_int_equal(t.records, 3 * PER_SEGMENT);
	assert_int_equal(t.log_bytes, 3 * PER_SEGMENT * 100);
	assert_int_equal(t.damaged, 0);
	hunt_question_free(q);
	hunt_question_free(strangers);
	hunt_question_free(below);
	free(f);
}

/* A segment has HUNT_SEGMENT_RECORDS records, the next one begins with the next. */
static void segment_limit(void **state)
{
	struct site *s = *state;
	struct hunt_writer *w = writer(s);
	struct filler *f = filler_new();
	struct hunt_totals t;
	struct answer a;
	struct err e;

	for (unsigned i = 0; i < HUNT_SEGMENT_RECORDS; i++) {
		record_add(f);
		if (f->batch.records_count == BATCH_RECORDS)
			flush(f, w);
	}
	flush(f, w);
	assert_int_equal(hunt_totals(s->history, &t, &e), OK);
	assert_int_equal(t.segments, 0);
	record_add(f);
	field_add(f, FIELD_NAME, SLICE("evil.example"));
	flush(f, w);
	assert_int_equal(hunt_totals(s->history, &t, &e), OK);
	assert_int_equal(t.segments, 1);
	assert_int_equal(t.records, HUNT_SEGMENT_RECORDS);
	finish(w);
	a = ask_one(s, FIELD_NAME, "evil.example");
	assert_int_equal(a.segments, 1);
	assert_int_equal(a.last.first_record, HUNT_SEGMENT_RECORDS + 1);
	assert_int_equal(a.last.records, 1);
	assert_int_equal(a.last.offset, HUNT_SEGMENT_RECORDS * UINT64_C(100));
	assert_int_equal(a.last.bytes, 100);
	free(f);
}

/* With HUNT_KEYS_MAX different values a segment ends early; both then hold the record. */
static void keys_limit(void **state)
{
	enum { PER_RECORD = 500 };
	struct site *s = *state;
	struct hunt_writer *w = writer(s);
	struct filler *f = filler_new();
	struct hunt_totals t = {0};
	uint32_t address = 0;
	uint64_t before = 0;
	struct answer a;
	struct err e;

	while (t.segments == 0 && address < HUNT_KEYS_MAX + 4 * BATCH_FIELDS) {
		record_add(f);
		for (unsigned i = 0; i < PER_RECORD; i++) {
			uint8_t bytes[4];

			put_u32(bytes, address++);
			field_add(f, FIELD_ADDRESS + FIELD_KINDS,
				(struct slice){(const char *)bytes, sizeof(bytes)});
		}
		flush(f, w);
		if (address < HUNT_KEYS_MAX - HUNT_KEYS_MAX / 50)
			continue;
		before = t.segments == 0 ? f->number : before;
		assert_int_equal(hunt_totals(s->history, &t, &e), OK);
	}
	assert_int_equal(t.segments, 1);
	assert_int_equal(t.records, before);
	finish(w);
	a = ask_one(s, FIELD_ADDRESS, "0.0.0.0");
	assert_int_equal(a.segments, 1);
	a = ask_one(s, FIELD_ADDRESS, "0.61.0.0/16"); /* 4,000,000 is 0.61.9.0 */
	assert_in_range(a.segments, 1, 2);
	assert_int_equal(a.last.first_record, before);
	free(f);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void only_file(struct site *s, char ret_path[512])
{
	struct folder_names n;
	struct err e;

	assert_int_equal(folder_list(s->history, false, &n, &e), OK);
	assert_int_equal(n.count, 1);
	(void)snprintf(ret_path, 512, "%s/%s", s->history, n.name[0]);
	folder_names_free(&n);
}

/* Cut off or altered at any byte: told, never "not found". */
static void damaged(void **state)
{
	struct site *s = *state;
	struct buf file = BUF_INIT;
	struct hunt_totals t;
	char path[512];
	struct err e;

	segment_put(s, FIELD_NAME, "evil.example", NOW);
	only_file(s, path);
	assert_int_equal(file_read(path, MIB(1), &file, &e), OK);
	for (size_t at = 0; at < file.len; at++) {
		struct segment_facts facts;
		struct segment_filters f;

		file.data[at] ^= 0x20;
		assert_int_not_equal(segment_parse(buf_slice(&file), &facts, &f, &e), OK);
		file.data[at] ^= 0x20;
		assert_int_not_equal(
			segment_parse(slice_cut(buf_slice(&file), 0, at), &facts, &f, &e), OK);
	}
	file.data[file.len - 40] ^= 1; /* a cell */
	assert_int_equal(file_write_atomic(path, buf_slice(&file), 0600, &e), OK);
	assert_int_equal(ask_one(s, FIELD_NAME, "evil.example").damaged, 1);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(ask_one(s, FIELD_NAME, "evil.example").damaged, 1);
	assert_int_equal(hunt_totals(s->history, &t, &e), OK);
	assert_int_equal(t.damaged, 1);
	assert_int_equal(t.segments, 0);
	buf_fini(&file);
}

static void key_missing(void **state)
{
	struct site *s = *state;
	struct hunt_question *q = hunt_question_new();
	struct answer a = {0};
	struct stat st;
	char path[512];
	struct err e;

	segment_put(s, FIELD_NAME, "evil.example", NOW);
	(void)snprintf(path, sizeof(path), "%s/key", s->history);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(hunt_ask(s->history, q, on_segment, NULL, &a, &e), ERR_CORRUPT);
	/* The sensor goes on under a new key; what was is told as damaged. */
	world_fake_init(&s->world, 2, NOW);
	segment_put(s, FIELD_NAME, "evil.example", NOW + 1);
	a = ask_one(s, FIELD_NAME, "evil.example");
	assert_int_equal(a.segments, 1);
	assert_int_equal(a.damaged, 1);
	hunt_question_free(q);
}

/* ---- logs that move, writers side by side, forgetting ---------------------------------------- */

static void rotation(void **state)
{
	struct site *s = *state;
	char moved[128];
	struct answer a;

	file_put(s->log, "#separator \\x09\nold line\n");
	segment_put(s, FIELD_NAME, "evil.example", NOW);
	a = ask_one(s, FIELD_NAME, "evil.example");
	assert_int_equal(a.gone, 0);
	assert_string_equal(a.path, s->log);
	(void)snprintf(moved, sizeof(moved), "%s.1", s->log);
	assert_int_equal(rename(s->log, moved), 0);
	a = ask_one(s, FIELD_NAME, "evil.example");
	assert_int_equal(a.gone, 0);
	assert_string_equal(a.path, moved);
	file_put(s->log, "#separator \\x09\nnew line of another file\n");
	a = ask_one(s, FIELD_NAME, "evil.example");
	assert_string_equal(a.path, moved);
	assert_int_equal(truncate(moved, 3), 0); /* the same file, but cut */
	a = ask_one(s, FIELD_NAME, "evil.example");
	assert_int_equal(a.gone, 1);
	assert_string_equal(a.path, s->log);
	file_put(moved, "xseparator \\x09\nold line\n"); /* another beginning */
	assert_int_equal(ask_one(s, FIELD_NAME, "evil.example").gone, 1);
}

static void two_writers(void **state)
{
	struct site *s = *state;
	struct hunt_writer *a = writer(s), *b = writer(s);
	struct filler *f = filler_new();
	struct answer found;

	record_add(f);
	field_add(f, FIELD_NAME, SLICE("evil.example"));
	assert_true(hunt_writer_batch(a, &f->batch));
	f->batch.records[0].time_us -= 5;
	assert_true(hunt_writer_batch(b, &f->batch));
	finish(a);
	finish(b);
	found = ask_one(s, FIELD_NAME, "evil.example");
	assert_int_equal(found.segments, 2);
	assert_int_equal(found.times[0], NOW - 5);
	assert_int_equal(found.times[1], NOW);
	free(f);
}

static void prune(void **state)
{
	struct site *s = *state;
	struct hunt_totals t;
	uint64_t removed;
	struct err e;

	segment_put(s, FIELD_NAME, "evil.example", NOW);
	segment_put(s, FIELD_NAME, "evil.example", NOW + 10);
	assert_int_equal(hunt_prune(s->history, NOW, &removed, &e), OK);
	assert_int_equal(removed, 0);
	assert_int_equal(hunt_prune(s->history, NOW + 1, &removed, &e), OK);
	assert_int_equal(removed, 1);
	assert_int_equal(hunt_totals(s->history, &t, &e), OK);
	assert_int_equal(t.segments, 1);
	assert_int_equal(t.first_us, NOW + 10);
	assert_int_equal(t.last_us, NOW + 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_kind, site_setup, site_teardown),
		cmocka_unit_test(refused_values),
		cmocka_unit_test(fast_is_plain),
		cmocka_unit_test_setup_teardown(alike, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(names_below, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(networks_map, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(many_values, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(segment_limit, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(keys_limit, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(damaged, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(key_missing, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(rotation, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(two_writers, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(prune, site_setup, site_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
