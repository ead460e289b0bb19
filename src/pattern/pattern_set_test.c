/* SPDX-License-Identifier: MPL-2.0 */
/* Patterns over a stream: what is found and what is not, that a stream gives the answer that the
 * same observations give at once, and the limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pattern.h"

#define NOW_US INT64_C(1600000000000000)

/* ---- a stream by hand ------------------------------------------------------------------------ */

struct pair {
	enum event_role role;
	const char *value;
};

struct stream {
	struct world_fake world;
	struct pattern_set *set;
	struct batch *batch;
	struct column columns[EVENT_ROLES];
	size_t hits;
	struct pattern_hit last;
	char evidence[512];
	uint64_t number;
	bool stop;
};

static void stream_init(struct stream *s, size_t memory_max)
{
	struct pattern_set_options options = {memory_max, &s->world.world};
	struct err e;

	memset(s, 0, sizeof(*s));
	world_fake_init(&s->world, 7, NOW_US);
	s->batch = calloc(1, sizeof(*s->batch));
	assert_non_null(s->batch);
	for (unsigned k = 0; k < EVENT_ROLES; k++) {
		const struct event_role_row *row = event_role_row((enum event_role)k);

		s->columns[k] =
			(struct column){slice_of(row->name), (uint8_t)k, (uint8_t)row->kind, false};
	}
	s->batch->columns = s->columns;
	s->batch->columns_count = EVENT_ROLES;
	s->batch->detail = event_of_batch;
	assert_int_equal(pattern_set_new(&options, &s->set, &e), OK);
}

static void stream_fini(struct stream *s)
{
	pattern_set_free(s->set);
	free(s->batch);
}

static void stream_pattern(struct stream *s, const char *pattern, uint32_t number)
{
	struct err e;

	if (pattern_set_add(s->set, slice_of(pattern), number, &e) != OK)
		fail_msg("%s: %s", pattern, e.text);
}

static bool on_hit(void *context, const struct batch *batch, const struct pattern_hit *hit)
{
	struct stream *s = context;

	assert_ptr_equal(batch, s->batch);
	s->hits++;
	s->last = *hit;
	snprintf(s->evidence, sizeof(s->evidence), "%.*s", SLICE_ARG(hit->evidence));
	return !s->stop;
}

static void stream_flush(struct stream *s)
{
	assert_true(pattern_set_batch(s->set, s->batch, on_hit, s));
	s->batch->records_count = s->batch->fields_count = 0;
}

static void stream_put(struct stream *s, int64_t time_us, const struct pair *pairs, size_t count)
{
	static const char raw[] = "line";
	struct batch *b = s->batch;
	struct record *r;

	if (b->records_count == BATCH_RECORDS || b->fields_count + count > BATCH_FIELDS)
		stream_flush(s);
	r = &b->records[b->records_count];
	*r = (struct record){raw, 4, 0, ++s->number, s->number * 100, time_us};
	for (size_t k = 0; k < count; k++)
		b->fields[b->fields_count++] =
			(struct field){pairs[k].value, (uint32_t)strlen(pairs[k].value),
				(uint16_t)b->records_count, (uint16_t)pairs[k].role};
	b->records_count++;
}

/* ---- one record
 * ------------------------------------------------------------------------------------------------
 */

static const struct pair connection[] = {
	{ROLE_SOURCE_ADDRESS,      "192.0.2.1"                       },
	{ROLE_DESTINATION_ADDRESS, "198.51.100.7"                    },
	{ROLE_DESTINATION_PORT,    "8080"                            },
	{ROLE_SOURCE_BYTES,        "1200"                            },
	{ROLE_TRANSPORT,           "tcp"                             },
	{ROLE_SERVICE,             "http,ssl"                        },
	{ROLE_HOST,                "WWW.Evil.Example:8080"           },
	{ROLE_URL,                 "www.evil.example:8080/a/b.php?x" },
	{ROLE_USER_AGENT,          "Bad Agent/1.0"                   },
	{ROLE_METHOD,              "POST"			    },
	{ROLE_FILE_HASH,           "D41D8CD98F00B204E9800998ECF8427E"},
	{ROLE_FILE_NAME,           "caf\xc3\xa9.exe"                 },
	{ROLE_ADDRESS,             "2001:DB8:0::5"                   },
	{ROLE_PLANT_PROTOCOL,      "modbus"                          },
	{ROLE_PLANT_OPERATION,     "write"                           },
	{ROLE_ASN,                 "AS64500"                         },
};

static const struct {
	const char *pattern;
	bool matches;
} records[] = {
	{"[ipv4-addr:value = '192.0.2.1']",							 true },
	{"[ipv4-addr:value = '192.0.2.2']",							 false},
	{"[network-traffic:src_ref.value = '192.0.2.1']",                                           true },
	{"[network-traffic:dst_ref.value = '192.0.2.1']",                                           false},
	{"[ipv6-addr:value = '2001:db8::5']",						       true },
	{"[ipv6-addr:value ISSUBSET '2001:db8::/32']",                                              true },
	{"[ipv6-addr:value ISSUBSET '2001:db9::/32']",                                              false},
	{"[ipv6-addr:value ISSUBSET '::/0']",						       true },
	{"[ipv4-addr:value ISSUBSET '198.51.100.0/24']",                                            true },
	{"[ipv4-addr:value ISSUBSET '198.51.101.0/24']",                                            false},
	{"[ipv4-addr:value ISSUBSET '0.0.0.0/0']",                                                  true },
	{"[ipv4-addr:value ISSUBSET '192.0.2.1/32']",                                               true },
	{"[ipv4-addr:value NOT ISSUBSET '192.0.0.0/8']",                                            true },
	{"[network-traffic:src_ref.value ISSUPERSET '192.0.2.1/32']",                               true },
	{"[network-traffic:src_ref.value ISSUPERSET '192.0.2.2/32']",                               false},
	{"[domain-name:value = 'www.evil.example']",                                                true },
	{"[domain-name:value = 'evil.example']",						    false},
	{"[domain-name:value LIKE '%.evil.example']",                                               true },
	{"[domain-name:value LIKE '%.evil.net']",						   false},
	{"[domain-name:value LIKE '%.evil%']",						      true },
	{"[domain-name:value LIKE '%evil.exa%ple']",                                                true },
	{"[domain-name:value LIKE '%evil.exa%plx']",                                                false},
	{"[domain-name:value LIKE 'w_w%']",							 true },
	{"[domain-name:value MATCHES '^w+\\\\.evil\\\\.']",                                         true },
	{"[domain-name:value MATCHES 'evil\\\\.(example|test)$']",                                  true },
	{"[domain-name:value MATCHES '(?i)EVIL']",                                                  true },
	{"[domain-name:value MATCHES 'evill?\\\\.e']",                                              true },
	{"[domain-name:value MATCHES 'evilx+']",						    false},
	{"[domain-name:value MATCHES 'evilx*.e']",                                                  true },
	{"[domain-name:value != 'www.evil.example']",                                               false},
	{"[domain-name:value != 'x']",							      true },
	{"[network-traffic:dst_port = 8080]",						       true },
	{"[network-traffic:dst_port = 8081]",						       false},
	{"[network-traffic:dst_port IN (80, 8080)]",                                                true },
	{"[network-traffic:dst_port > 8000]",						       true },
	{"[network-traffic:dst_port > 9000]",						       false},
	{"[network-traffic:dst_port NOT IN (80, 443)]",                                             true },
	{"[network-traffic:src_byte_count >= 1200.0]",                                              true },
	{"[network-traffic:src_byte_count = 1200.0]",                                               true },
	{"[network-traffic:src_byte_count < 1200]",                                                 false},
	{"[network-traffic:protocols[*] = 'ssl']",                                                  true },
	{"[network-traffic:protocols[*] = 'ipv4']",                                                 true },
	{"[network-traffic:protocols[*] = 'udp']",                                                  false},
	{"[network-traffic:protocols[1] = 'tcp']",                                                  true },
	{"[network-traffic:extensions.'http-request-ext'.request_method = 'post']",                 true },
	{"[network-traffic:extensions.'http-request-ext'.request_method = '']",                     false},
	{"[network-traffic:extensions.'http-request-ext'.request_value LIKE '/a/%']",               true },
	{"[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'[*] LIKE "
	 "'Bad%']",									true },
	{"[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'[*] = 'Good']",
         false											   },
	{"[url:value = 'http://www.evil.example:8080/a/b.php?x']",                                  true },
	{"[url:value LIKE '%/b.php%']",							     true },
	{"[url:value LIKE '%/c.php%']",							     false},
	{"[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",                                  true },
	{"[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427f']",                                  false},
	{"[file:name = 'caf\u00e9.exe']",							   true },
	{"[file:name LIKE 'cafe\u0301%']",							  true }, /* NFC */
	{"[file:name MATCHES 'caf\u00e9\\\\.exe']",                                                 true },
	{"[EXISTS file:name]",								      true },
	{"[NOT EXISTS file:size]",								  true },
	{"[NOT EXISTS file:name]",								  false},
	{"[autonomous-system:number = 64500]",						      true },
	{"[autonomous-system:number = 64501]",						      false},
	{"[x-serai-plant-operation:operation = 'write']",                                           true },
	{"[x-serai-plant-operation:operation = 'stop']",                                            false},
	{"[x-serai-plant-operation:operation = 'write' AND "
	 "x-serai-plant-operation:traffic_ref.src_ref.value = "
	 "'192.0.2.1']",								   true },
	{"[x-serai-plant-operation:operation = 'write' AND "
	 "x-serai-plant-operation:traffic_ref.src_ref.value NOT IN "
	 "('192.0.2.1', '192.0.2.3')]",						    false},
	{"[network-traffic:dst_port = 8080 AND network-traffic:src_ref.value = '192.0.2.1']",       true },
	{"[network-traffic:dst_port = 8080 AND network-traffic:src_ref.value = '192.0.2.9']",
         false											   },
	{"[ipv4-addr:value = '10.0.0.1' OR domain-name:value = 'www.evil.example']",                true },
	{"[ipv4-addr:value = '10.0.0.1'] OR [domain-name:value = 'www.evil.example']",              true },
	{"[ipv4-addr:value = '10.0.0.1'] OR ([file:size = 5] AND [ipv4-addr:value = '192.0.2.1'])",
         false											   },
	{"[ipv4-addr:value = h'3139322e302e322e31']",                                               true },
	{"[network-traffic:start > t'2000-01-01T00:00:00Z']",                                       true },
	{"[network-traffic:start < t'2000-01-01T00:00:00Z']",                                       false},
	{"[ipv4-addr:value = '192.0.2.1'] START t'2020-09-13T12:26:40Z' STOP "
	 "t'2020-09-13T12:26:41Z'",							true },
	{"[ipv4-addr:value = '192.0.2.1'] START t'2020-09-13T12:26:41Z' STOP "
	 "t'2020-09-13T12:26:42Z'",							false},
	{"[ipv4-addr:id LIKE 'ipv4-addr--%']",						      true },
};

static void test_records(void **state)
{
	struct pattern_counts counts;
	struct stream s;
	struct err e;

	(void)state;
	for (size_t k = 0; k < COUNT_OF(records); k++) {
		stream_init(&s, 0);
		stream_pattern(&s, records[k].pattern, 77);
		assert_int_equal(pattern_set_ready(s.set, &e), OK);
		stream_put(&s, NOW_US, connection, COUNT_OF(connection));
		stream_flush(&s);
		if (s.hits != (records[k].matches ? 1 : 0))
			fail_msg("%s: %zu hits", records[k].pattern, s.hits);
		if (s.hits == 1) {
			assert_int_equal(s.last.number, 77);
			assert_int_equal(s.last.first_us, NOW_US);
			assert_string_equal(s.evidence, "line 1");
		}
		pattern_counts(s.set, &counts);
		assert_int_equal(counts.events, 1);
		assert_int_equal(counts.matched, s.hits);
		stream_fini(&s);
	}
}

/* A packet's fields come as bytes. */
static void test_binary(void **state)
{
	static const uint8_t address[4] = {192, 0, 2, 1}, digest[16] = {0xd4, 0x1d, 0x8c};
	struct stream s;
	struct err e;

	(void)state;
	stream_init(&s, 0);
	stream_pattern(&s, "[ipv4-addr:value = '192.0.2.1']", 1);
	stream_pattern(&s, "[ipv4-addr:value ISSUBSET '192.0.2.0/25']", 2);
	stream_pattern(&s, "[file:hashes.MD5 = 'd41d8c00000000000000000000000000']", 3);
	stream_pattern(&s, "[ipv4-addr:value = '192.0.2.3']", 4);
	assert_int_equal(pattern_set_ready(s.set, &e), OK);
	s.columns[ROLE_SOURCE_ADDRESS].binary = true;
	s.columns[ROLE_FILE_HASH].binary = true;
	s.batch->frames = true;
	s.batch->records[0] = (struct record){NULL, 0, 0, 12, 0, NOW_US};
	s.batch->fields[0] = (struct field){(const char *)address, 4, 0, ROLE_SOURCE_ADDRESS};
	s.batch->fields[1] = (struct field){(const char *)digest, 16, 0, ROLE_FILE_HASH};
	s.batch->records_count = 1;
	s.batch->fields_count = 2;
	stream_flush(&s);
	assert_int_equal(s.hits, 3);
	assert_string_equal(s.evidence, "frame 12");
	stream_fini(&s);
}

static void test_refused(void **state)
{
	static const struct {
		const char *pattern;
		enum err_kind kind;
	} bad[] = {
		{"[",						 ERR_PARSE  },
		{"[file:size = 5]",                                   ERR_INVALID},
		{"[software:name = 'x']",                             ERR_INVALID},
		{"[ipv4-addr:value = '1.2.3.4' AND file:size = 5]",   ERR_INVALID},
		{"[ipv4-addr:value = '1.2.3.4'] AND [file:size = 5]", ERR_INVALID},
		{"[ipv4-addr:value = 5]",                             ERR_INVALID},
		{"[network-traffic:dst_port = 'x']",                  ERR_INVALID},
		{"[network-traffic:dst_port LIKE '8%']",              ERR_INVALID},
		{"[file:name IN ()]",                                 ERR_INVALID},
		{"[ipv4-addr:value = '1.2.3.4'] START t'2020-01-01T00:00:00Z' STOP "
		 "t'2020-01-01T00:00:00Z'",          ERR_INVALID},
		{"[file:name MATCHES '(']",                           ERR_INVALID},
	};
	struct stream s;
	struct err e;

	(void)state;
	stream_init(&s, 0);
	for (size_t k = 0; k < COUNT_OF(bad); k++) {
		if (pattern_set_add(s.set, slice_of(bad[k].pattern), 1, &e) != bad[k].kind)
			fail_msg("%s", bad[k].pattern);
	}
	stream_pattern(&s, "[ipv4-addr:value = '1.2.3.4'] OR [file:size = 5]", 1);
	assert_int_equal(pattern_set_ready(s.set, &e), OK);
	assert_int_equal(pattern_set_add(s.set, SLICE("[file:name = 'x']"), 1, &e), ERR_USAGE);
	assert_true(pattern_set_roles(s.set) & event_role_bit(ROLE_SOURCE_ADDRESS));
	assert_false(pattern_set_roles(s.set) & event_role_bit(ROLE_USER));
	stream_fini(&s);
}

static void test_sides_limit(void **state)
{
	struct stream s;
	struct err e;

	(void)state;
	stream_init(&s, 0);
	for (int k = 0; k < PATTERN_SIDE_MAX; k++)
		stream_pattern(&s, "[network-traffic:dst_port > 5]", 1);
	assert_int_equal(
		pattern_set_add(s.set, SLICE("[network-traffic:dst_port > 5]"), 1, &e), ERR_LIMIT);
	stream_pattern(&s, "[network-traffic:dst_port = 5]", 2);
	assert_int_equal(pattern_set_ready(s.set, &e), OK);
	stream_put(&s, NOW_US, connection, COUNT_OF(connection));
	stream_flush(&s);
	assert_int_equal(s.hits, PATTERN_SIDE_MAX);
	stream_fini(&s);
}

/* ---- several records ------------------------------------------------------------------------- */

static void put_user(struct stream *s, int64_t time_us, const char *user)
{
	struct pair pair = {ROLE_USER, user};

	stream_put(s, time_us, &pair, 1);
}

#define USER(name) "[user-account:account_login = '" name "']"

static void test_temporal(void **state)
{
	struct pattern_counts counts;
	struct stream s;
	struct err e;

	(void)state;
	stream_init(&s, 0);
	stream_pattern(&s, "(" USER("a") " FOLLOWEDBY " USER("b") ") WITHIN 10 SECONDS", 5);
	assert_int_equal(pattern_set_ready(s.set, &e), OK);
	put_user(&s, NOW_US, "b");
	put_user(&s, NOW_US + 1 * US_PER_SECOND, "a");
	put_user(&s, NOW_US + 2 * US_PER_SECOND, "x");
	stream_flush(&s);
	assert_int_equal(s.hits, 0);
	put_user(&s, NOW_US + 11 * US_PER_SECOND + 1, "b"); /* too late */
	stream_flush(&s);
	assert_int_equal(s.hits, 0);
	put_user(&s, NOW_US + 3 * US_PER_SECOND, "b"); /* came late, but was in time */
	stream_flush(&s);
	assert_int_equal(s.hits, 1);
	assert_string_equal(s.evidence, "line 2, line 5");
	assert_int_equal(s.last.first_us, NOW_US + 1 * US_PER_SECOND);
	assert_int_equal(s.last.last_us, NOW_US + 3 * US_PER_SECOND);
	assert_int_equal(s.last.observations, 2);
	put_user(&s, NOW_US + 4 * US_PER_SECOND, "b"); /* its a is used up */
	stream_flush(&s);
	assert_int_equal(s.hits, 1);
	pattern_counts(s.set, &counts);
	assert_int_equal(counts.shed, 0);
	stream_fini(&s);
}

static void test_no_time(void **state)
{
	struct stream s;
	struct err e;

	(void)state;
	stream_init(&s, 0);
	stream_pattern(&s, USER("a") " AND " USER("b"), 1);
	stream_pattern(&s, USER("c") " FOLLOWEDBY " USER("d"), 2);
	stream_pattern(
		&s, USER("e") " START t'2000-01-01T00:00:00Z' STOP t'2100-01-01T00:00:00Z'", 3);
	assert_int_equal(pattern_set_ready(s.set, &e), OK);
	put_user(&s, TIME_UNKNOWN, "c");
	put_user(&s, TIME_UNKNOWN, "d");
	put_user(&s, TIME_UNKNOWN, "e");
	stream_flush(&s);
	assert_int_equal(s.hits, 0); /* nobody knows */
	put_user(&s, TIME_UNKNOWN, "b");
	put_user(&s, TIME_UNKNOWN, "a");
	stream_flush(&s);
	assert_int_equal(s.hits, 1);
	assert_int_equal(s.last.first_us, TIME_UNKNOWN);
	stream_fini(&s);
}

/* A record that fills a batch and goes on in the next is one observation. */
static void test_record_in_parts(void **state)
{
	struct pattern_counts counts;
	struct stream s;
	struct err e;

	(void)state;
	stream_init(&s, 0);
	stream_pattern(&s, USER("a") " REPEATS 2 TIMES", 1);
	stream_pattern(&s, USER("a"), 2);
	assert_int_equal(pattern_set_ready(s.set, &e), OK);
	s.batch->records[0] = (struct record){"line", 4, 0, 1, 0, NOW_US};
	for (int part = 0; part < 3; part++) {
		for (int k = 0; k < BATCH_FIELDS; k++)
			s.batch->fields[k] = (struct field){"a", 1, 0, ROLE_USER};
		s.batch->records_count = 1;
		s.batch->fields_count = BATCH_FIELDS;
		stream_flush(&s);
		assert_int_equal(s.hits, 1);
	}
	pattern_counts(s.set, &counts);
	assert_int_equal(counts.events, 1);
	s.number = 1;
	put_user(&s, NOW_US, "a");
	stream_flush(&s);
	assert_int_equal(s.hits, 3);
	stream_fini(&s);
}

static void test_stop(void **state)
{
	struct stream s;
	struct err e;

	(void)state;
	stream_init(&s, 0);
	stream_pattern(&s, USER("a"), 2);
	assert_int_equal(pattern_set_ready(s.set, &e), OK);
	s.stop = true;
	put_user(&s, NOW_US, "a");
	put_user(&s, NOW_US, "a");
	assert_false(pattern_set_batch(s.set, s.batch, on_hit, &s));
	assert_int_equal(s.hits, 1);
	stream_fini(&s);
}

/* Memory: what is past its window goes by itself; without a window the oldest go, and are counted.
 */
static void test_memory(void **state)
{
	struct pattern_counts counts;
	struct stream s;
	struct err e;

	(void)state;
	stream_init(&s, KIB(64));
	stream_pattern(&s, "(" USER("a") " AND " USER("b") ") WITHIN 1 SECONDS", 1);
	assert_int_equal(pattern_set_ready(s.set, &e), OK);
	for (int k = 0; k < 20000; k++)
		put_user(&s, NOW_US + k * INT64_C(10) * US_PER_SECOND, "a");
	stream_flush(&s);
	pattern_counts(s.set, &counts);
	assert_int_equal(counts.shed, 0);
	assert_true(counts.memory < KIB(64));
	stream_fini(&s);

	stream_init(&s, KIB(64));
	stream_pattern(&s, USER("a") " AND " USER("b"), 1);
	stream_pattern(&s, USER("c") " AND " USER("d"), 2);
	assert_int_equal(pattern_set_ready(s.set, &e), OK);
	put_user(&s, NOW_US, "c");
	for (int k = 0; k < 20000; k++)
		put_user(&s, NOW_US + k, "a");
	stream_flush(&s);
	pattern_counts(s.set, &counts);
	assert_true(counts.shed > 10000);
	assert_true(counts.memory <= KIB(64));
	assert_int_equal(s.hits, 0);
	put_user(&s, NOW_US, "d"); /* who keeps little loses nothing */
	stream_flush(&s);
	assert_int_equal(s.hits, 1);
	put_user(&s, NOW_US, "b"); /* and the newest are still there */
	stream_flush(&s);
	assert_int_equal(s.hits, 2);
	stream_fini(&s);
}

/* ---- the stream's answer is the evaluator's -------------------------------------------------- */

struct dice {
	uint64_t seed;
};

static uint32_t roll(struct dice *d, uint32_t sides)
{
	d->seed = d->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(d->seed >> 33) % sides;
}

static void write_comparison(struct dice *d, struct buf *out)
{
	static const char *const paths[] = {"user-account:account_login", "domain-name:value",
		"file:name", "network-traffic:dst_port", "network-traffic:src_ref.value",
		"ipv4-addr:value", "network-traffic:protocols[*]", "url:value", "file:hashes.MD5",
		"x-serai-plant-operation:operation", "network-traffic:dst_ref.value"};
	static const char *const tests[] = {"= 'a'", "= 'b.c'", "!= 'a'", "NOT = 'a'",
		"IN ('a', '10.0.0.1')", "NOT IN ('a', 'b.c')", "LIKE 'a%'", "LIKE '%word%'",
		"LIKE 'http://%word%'", "MATCHES 'wor?d'", "MATCHES '^a|word$'", "MATCHES 'word'",
		"= '10.0.0.1'", "ISSUBSET '10.0.0.0/8'", "ISSUBSET '10.0.0.1/32'",
		"NOT ISSUBSET '10.0.0.0/30'", "= 80", "> 79", "IN (80, 443)", "= 'tcp'", "= 'ipv4'",
		"< 'b'", "ISSUPERSET '10.0.0.2'", "= 'd41d8cd98f00b204e9800998ecf8427e'",
		"NOT LIKE '%o%'"};
	const char *path = paths[roll(d, COUNT_OF(paths))];

	if (roll(d, 8) == 0) {
		buf_printf(out, "%sEXISTS %s", roll(d, 2) != 0 ? "NOT " : "", path);
		return;
	}
	if (strcmp(path, "file:hashes.MD5") == 0)
		buf_text(out, "file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e'");
	else
		buf_printf(out, "%s %s", path, tests[roll(d, COUNT_OF(tests))]);
}

static void write_brackets(struct dice *d, struct buf *out)
{
	uint32_t count = 1 + roll(d, 3);

	buf_char(out, '[');
	for (uint32_t k = 0; k < count; k++) {
		if (k > 0)
			buf_text(out, roll(d, 3) == 0 ? " AND " : " OR ");
		write_comparison(d, out);
	}
	buf_char(out, ']');
}

static void write_expression(struct dice *d, unsigned depth, struct buf *out)
{
	static const char *const joints[] = {" AND ", " OR ", " FOLLOWEDBY "};

	if (depth == 0 || roll(d, 4) == 0) {
		write_brackets(d, out);
	} else {
		buf_char(out, '(');
		write_expression(d, depth - 1, out);
		buf_text(out, joints[roll(d, 3)]);
		write_expression(d, depth - 1, out);
		buf_char(out, ')');
	}
	if (roll(d, 4) == 0)
		buf_printf(out, " REPEATS %u TIMES", 1 + roll(d, 3));
	if (roll(d, 3) == 0)
		buf_printf(out, " WITHIN %u SECONDS", 1 + roll(d, 5));
	if (roll(d, 8) == 0)
		buf_text(out, " START t'2020-09-13T12:26:42Z' STOP t'2020-09-13T12:26:50Z'");
}

#define EVENTS 16

struct sample {
	int64_t time_us;
	struct pair pairs[6];
	size_t count;
};

static void sample_make(struct dice *d, struct sample *ret)
{
	static const struct pair values[] = {
		{ROLE_USER,                "a"			       },
		{ROLE_USER,                "word"                            },
		{ROLE_QUERY,               "b.c"                             },
		{ROLE_QUERY,               "A"                               },
		{ROLE_HOST,                "10.0.0.1:80"                     },
		{ROLE_HOST,                "sword.example"                   },
		{ROLE_FILE_NAME,           "a"                               },
		{ROLE_FILE_NAME,           "password.txt"                    },
		{ROLE_DESTINATION_PORT,    "80"                              },
		{ROLE_DESTINATION_PORT,    "22"                              },
		{ROLE_SOURCE_ADDRESS,      "10.0.0.1"                        },
		{ROLE_SOURCE_ADDRESS,      "10.0.0.2"                        },
		{ROLE_SOURCE_ADDRESS,      "192.0.2.9"                       },
		{ROLE_DESTINATION_ADDRESS, "10.0.0.1"                        },
		{ROLE_TRANSPORT,           "TCP"                             },
		{ROLE_SERVICE,             "x,a"                             },
		{ROLE_URL,                 "h.example/word"                  },
		{ROLE_FILE_HASH,           "D41D8CD98F00B204E9800998ECF8427E"},
		{ROLE_PLANT_OPERATION,     "a"                               },
		{ROLE_PROCESS,             "word"                            },
		{ROLE_SNI,                 "b.c"                             },
	};

	ret->count = 1 + roll(d, COUNT_OF(ret->pairs));
	ret->time_us = NOW_US + (int64_t)roll(d, 12) * US_PER_SECOND;
	if (roll(d, 20) == 0)
		ret->time_us = NOW_US;
	for (size_t k = 0; k < ret->count; k++)
		ret->pairs[k] = values[roll(d, COUNT_OF(values))];
}

/* The event as observed-data, in the form of 2.0: its objects within. */
static void sample_observe(
	const struct sample *sample, size_t number, struct pattern_observations *o)
{
	struct arena *a = arena_new(MIB(1));
	struct json_parser *parser = json_parser_new(MIB(1));
	struct buf list = BUF_INIT, json = BUF_INIT;
	struct event event = {.time_us = sample->time_us};
	struct json_writer w = JSON_WRITER(&json);
	struct json_value object;
	struct buf text = BUF_INIT;
	struct json_doc doc;
	char id[64];
	struct err e;

	for (size_t k = 0; k < sample->count; k++)
		assert_true(event_add(&event, a, SLICE("x"), sample->pairs[k].role, FIELD_NONE,
			slice_of(sample->pairs[k].value)));
	assert_true(event_stix(&event, UINT64_MAX, a, &list));
	assert_int_equal(json_parse(parser, buf_slice(&list), &doc, &e), OK);
	snprintf(id, sizeof(id), "observed-data--%zu", number);
	json_write_object(&w);
	json_member_text(&w, "type", "observed-data");
	json_member_text(&w, "id", id);
	json_member_time(&w, "first_observed", sample->time_us, 6);
	json_member_time(&w, "last_observed", sample->time_us, 6);
	json_member_i64(&w, "number_observed", 1);
	json_write_name(&w, "objects");
	json_write_object(&w);
	for (struct json_iter it = json_iter(json_root(&doc)); json_array_next(&it, &object);) {
		json_write_name_slice(&w, json_get_string(object, "id"));
		buf_clear(&text);
		assert_int_equal(json_canon(object, &text, &e), OK);
		json_write_raw(&w, buf_slice(&text));
	}
	json_write_end(&w, '}');
	json_write_end(&w, '}');
	assert_int_equal(pattern_observations_add(o, buf_slice(&json), &e), OK);
	buf_fini(&list);
	buf_fini(&json);
	buf_fini(&text);
	json_parser_free(parser);
	arena_free(a);
}

/* True when this pattern could be asked. The first hit must come with the very event that first
 * makes the evaluator's answer true. */
static bool differ(const char *text, const struct sample *samples, bool *ret_matched)
{
	struct pattern_observations *o = pattern_observations_new();
	bool matched = false, told = false;
	struct pattern *p;
	struct stream s;
	struct err e;
	enum err_kind kind;

	*ret_matched = false;
	stream_init(&s, 0);
	kind = pattern_set_add(s.set, slice_of(text), 1, &e);
	if (kind == ERR_PARSE) {
		stream_fini(&s);
		pattern_observations_free(o);
		return false;
	}
	assert_int_equal(pattern_new(slice_of(text), &p, &e), OK);
	if (kind == OK)
		assert_int_equal(pattern_set_ready(s.set, &e), OK);
	for (size_t k = 0; k < EVENTS && !matched; k++) {
		sample_observe(&samples[k], k, o);
		assert_int_equal(pattern_match(p, o, &matched, NULL, NULL, NULL, &e), OK);
		if (kind == OK) {
			stream_put(&s, samples[k].time_us, samples[k].pairs, samples[k].count);
			stream_flush(&s);
		}
		told = s.hits > 0;
		if (told != matched)
			fail_msg("%s\nevent %zu: stream %d (%s), evaluator %d", text, k, told,
				kind == OK ? "added" : e.text, matched);
	}
	*ret_matched = matched;
	pattern_free(p);
	stream_fini(&s);
	pattern_observations_free(o);
	return true;
}

static void test_differential(void **state)
{
	struct sample samples[EVENTS];
	struct buf text = BUF_INIT;
	struct dice d = {20261123};
	size_t asked = 0, matched = 0;
	bool is_match;

	(void)state;
	for (int run = 0; run < 3000; run++) {
		for (size_t k = 0; k < EVENTS; k++)
			sample_make(&d, &samples[k]);
		buf_clear(&text);
		write_expression(&d, roll(&d, 3), &text);
		buf_char(&text, '\0');
		if (!differ(text.data, samples, &is_match))
			continue;
		asked++;
		matched += is_match;
	}
	buf_fini(&text);
	assert_true(asked > 1500);
	assert_true(matched > asked / 10 && matched < asked);
}

/* Many patterns at once, on the same events: all hit as often as they would alone. */
static void test_many_together(void **state)
{
	static struct sample samples[64];
	static char *patterns[64];
	struct dice d = {77};
	struct stream s;
	struct err e;
	size_t count = 0, sum = 0;

	(void)state;
	for (size_t k = 0; k < COUNT_OF(samples); k++)
		sample_make(&d, &samples[k]);
	while (count < COUNT_OF(patterns)) {
		struct buf text = BUF_INIT;

		write_expression(&d, roll(&d, 3), &text);
		buf_char(&text, '\0');
		stream_init(&s, 0);
		if (pattern_set_add(s.set, slice_of(text.data), 1, &e) == OK) {
			assert_int_equal(pattern_set_ready(s.set, &e), OK);
			for (size_t k = 0; k < COUNT_OF(samples); k++)
				stream_put(
					&s, samples[k].time_us, samples[k].pairs, samples[k].count);
			stream_flush(&s);
			sum += s.hits;
			patterns[count++] = strdup(text.data);
		}
		stream_fini(&s);
		buf_fini(&text);
	}
	stream_init(&s, 0);
	for (size_t k = 0; k < count; k++)
		stream_pattern(&s, patterns[k], (uint32_t)k);
	assert_int_equal(pattern_set_ready(s.set, &e), OK);
	for (size_t k = 0; k < COUNT_OF(samples); k++)
		stream_put(&s, samples[k].time_us, samples[k].pairs, samples[k].count);
	stream_flush(&s);
	assert_true(sum > 100);
	assert_int_equal(s.hits, sum);
	for (size_t k = 0; k < count; k++)
		free(patterns[k]);
	stream_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_sides_limit),
		cmocka_unit_test(test_temporal),
		cmocka_unit_test(test_no_time),
		cmocka_unit_test(test_record_in_parts),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_differential),
		cmocka_unit_test(test_many_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
