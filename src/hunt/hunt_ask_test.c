/* SPDX-License-Identifier: MPL-2.0 */
/* What is put in is found, values that cannot be asked for are refused, the fast ways are the
 * plain. */
#include "hunt_testing.h"
#include "keys.h"
#include "segment.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_kind, site_setup, site_teardown),
		cmocka_unit_test(refused_values),
		cmocka_unit_test(fast_is_plain),
		cmocka_unit_test_setup_teardown(alike, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(names_below, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(networks_map, site_setup, site_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
