/* SPDX-License-Identifier: MPL-2.0 */
/*
 * JSON lines: the quick way against the strict parser (a blank in front of each line sends it
 * there), on made-up records cut anywhere; and what members mean.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "logs_testing.h"

#define ALL_ROLES (~UINT64_C(0))

/* clang-format off (14 ends badly on this table) */
static const struct {
	const char *why;
	enum logs_format format;
	const char *log, *expected;
	uint64_t problems;
} cases[] = {
	{"Zeek: dns", LOGS_ZEEK_JSON,
		"{\"ts\":1.5,\"uid\":\"C1\",\"id.orig_h\":\"10.0.0.1\",\"id.orig_p\":53,"
		"\"query\":\"evil.example\",\"answers\":[\"a.example\",\"1.2.3.4\"],\"TTLs\":[1.0,2.0]}\n",
		"1@ id.orig_h:source.address:address=10.0.0.1 query:dns.query:name=evil.example "
		"answers:dns.answer:host=a.example answers:dns.answer:host=1.2.3.4\n"
		"  1500000 ts::none=1.5 uid:flow:none=C1 id.orig_h:source.address:address=10.0.0.1 "
		"id.orig_p:source.port:none=53 query:dns.query:name=evil.example "
		"answers:dns.answer:host=a.example answers:dns.answer:host=1.2.3.4 TTLs::none=1 "
		"TTLs::none=2\n",
		0},
	{"Zeek: host and uri are a URL", LOGS_ZEEK_JSON,
		"{\"id.resp_h\":\"1.2.3.4\",\"id.resp_p\":8080,\"host\":\"h.example\",\"uri\":\"/a\\u002fb\"}\n",
		"1@ id.resp_h:destination.address:address=1.2.3.4 host:host:host=h.example "
		"url:url:url=h.example:8080/a/b\n"
		"  - id.resp_h:destination.address:address=1.2.3.4 id.resp_p:destination.port:none=8080 "
		"host:host:host=h.example uri::none=/a/b url:url:url=h.example:8080/a/b\n",
		0},
	{"EVE: dns of version 2", LOGS_EVE,
		"{\"timestamp\":\"2026-11-23T06:18:00.000000+0000\",\"event_type\":\"dns\",\"src_ip\":"
		"\"10.0.0.1\",\"dns\":{\"version\":2,\"type\":\"answer\",\"rrname\":\"q.example\","
		"\"answers\":[{\"rrname\":\"q.example\",\"rdata\":\"1.2.3.4\"},{\"rdata\":\"5.6.7.8\"}]"
		",\"grouped\":{\"A\":[\"1.2.3.4\"]}}}\n",
		"1@ src_ip:source.address:address=10.0.0.1 dns.rrname:dns.query:name=q.example "
		"dns.answers.rrname:dns.answer:host=q.example dns.answers.rdata:dns.answer:host=1.2.3.4 "
		"dns.answers.rdata:dns.answer:host=5.6.7.8 dns.grouped.A:dns.answer:host=1.2.3.4\n"
		"  1795414680000000 timestamp::none=2026-11-23T06:18:00.000000+0000 "
		"event_type::none=dns src_ip:source.address:address=10.0.0.1 dns.version::none=2 "
		"dns.type::none=answer dns.rrname:dns.query:name=q.example "
		"dns.answers.rrname:dns.answer:host=q.example dns.answers.rdata:dns.answer:host=1.2.3.4 "
		"dns.answers.rdata:dns.answer:host=5.6.7.8 dns.grouped.A:dns.answer:host=1.2.3.4\n",
		0},
	{"EVE: dns of version 3 lists the questions", LOGS_EVE,
		"{\"dns\":{\"version\":3,\"queries\":[{\"rrname\":\"a.example\"},{\"rrname\":"
		"\"b.example\"}]}}\n",
		"1@ dns.queries.rrname:dns.query:name=a.example dns.queries.rrname:dns.query:name=b."
		"example\n"
		"  - dns.version::none=3 dns.queries.rrname:dns.query:name=a.example "
		"dns.queries.rrname:dns.query:name=b.example\n",
		0},
	{"EVE: a fingerprint without its colons", LOGS_EVE,
		"{\"tls\":{\"sni\":\"s.example\",\"fingerprint\":\"aa:bb:cc\",\"ja3\":{\"hash\":\"e7\"}}}\n",
		"1@ tls.sni:tls.sni:name=s.example tls.fingerprint:tls.certificate:certificate=aabbcc "
		"tls.ja3.hash:tls.ja3:ja3=e7\n"
		"  - tls.sni:tls.sni:name=s.example "
		"tls.fingerprint:tls.certificate:certificate=aabbcc tls.ja3.hash:tls.ja3:ja3=e7\n",
		0},
	{"a value or another path that looks like a member", LOGS_ZEEK_JSON,
		"{\"note\":\"\\\"query\\\":\\\"no.example\\\"\",\"x\":{\"query\":\"no.example\"},\"a\":["
		"\"query\",\"no.example\"],\"query\":\"yes.example\"}\n",
		"1@ query:dns.query:name=yes.example\n"
		"  - note::none=\"query\":\"no.example\" x.query::none=no.example a::none=query "
		"a::none=no.example query:dns.query:name=yes.example\n",
		0},
	{"escapes", LOGS_ZEEK_JSON, "{\"query\":\"\\u00e9\\ud83d\\ude00\\\\\\\"\\/.example\"}\n",
		"1@ query:dns.query:name=\\xc3\\xa9\\xf0\\x9f\\x98\\x80\\\"/.example\n"
		"  - query:dns.query:name=\\xc3\\xa9\\xf0\\x9f\\x98\\x80\\\"/.example\n",
		0},
	{"ECS, nested and with dots", LOGS_NDJSON,
		"{\"source\":{\"ip\":\"10.0.0.1\"},\"dns.question.name\":\"q.example\",\"file\":{\"hash\":{"
		"\"md5\":\"d4\"}},\"destination\":{\"as\":{\"number\":64500}}}\n",
		"1@ source.ip:source.address:address=10.0.0.1 dns.question.name:dns.query:name=q.example "
		"file.hash.md5:file.hash:hash=d4 destination.as.number:asn:asn=64500\n"
		"  - source.ip:source.address:address=10.0.0.1 "
		"dns.question.name:dns.query:name=q.example file.hash.md5:file.hash:hash=d4 "
		"destination.as.number:asn:asn=64500\n",
		0},
	{"Sysmon and CloudTrail", LOGS_NDJSON,
		"{\"winlog\":{\"event_data\":{\"QueryName\":\"q.example\"}}}\n{\"sourceIPAddress\":\"1.2.3.4\""
		",\"responseElements\":null,\"readOnly\":true}\n",
		"1@ winlog.event_data.QueryName:dns.query:name=q.example\n"
		"  - winlog.event_data.QueryName:dns.query:name=q.example\n"
		"2@ sourceIPAddress:source.address:host=1.2.3.4\n"
		"  - sourceIPAddress:source.address:host=1.2.3.4 readOnly::none=true\n",
		0},
	{"what is no JSON, or no object", LOGS_NDJSON,
		"hello\n[1]\n{\"query\":\"a\"\n{\"query\":\"a\",}\n{\"query\":\"b\"}\n\n{}\n{\"query\":\"c\"}x\n",
		"5@ query:dns.query:name=b\n  - query:dns.query:name=b\n7@\n  -\n", 5},
	{"carriage returns, blanks", LOGS_NDJSON,
		"{ \"query\" : \"a\" , \"sni\":\"b\" }\r\n\r\n{\"query\":\"c\"}\r\n",
		"1@ query:dns.query:name=a sni:tls.sni:name=b\n"
		"  - query:dns.query:name=a sni:tls.sni:name=b\n"
		"3@ query:dns.query:name=c\n  - query:dns.query:name=c\n",
		0},
};

/* clang-format on */

/* Offsets are compared elsewhere; here they would only be counted by hand. */
static void offsets_cut(char *text)
{
	char *to = text;

	for (bool in_offset = false; *text != 0; text++) {
		in_offset = in_offset && *text >= '0' && *text <= '9';
		if (!in_offset)
			*to++ = *text;
		in_offset = in_offset || *text == '@';
	}
	*to = 0;
}

static void small_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (size_t chunk = 0; chunk < 3; chunk++) {
			struct logs_look look = {
				.format = cases[i].format, .chunk = chunk, .details = true};
			struct logs_counts counts;
			struct buf got = logs_look_at(&look, slice_of(cases[i].log), &counts);

			offsets_cut(got.data);
			if (strcmp(got.data, cases[i].expected) != 0)
				fail_msg("%s\nexpected:\n%s\ngot:\n%s", cases[i].why,
					cases[i].expected, got.data);
			if (counts.problems != cases[i].problems)
				fail_msg("%s: %llu problems", cases[i].why,
					(unsigned long long)counts.problems);
			buf_fini(&got);
		}
	}
}

/* ---- quick and careful ------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 16;
}

static void make_value(struct buf *b, uint64_t *seed, unsigned depth);

static void make_object(struct buf *b, uint64_t *seed, unsigned depth)
{
	static const char *const names[] = {"src_ip", "dest_ip", "dns", "answers", "rrname", "rdata",
		"http", "hostname", "url", "tls", "sni", "fingerprint", "ja3", "hash", "x", "queries",
		"a\\u0062", "", "a name of more than sixteen bytes", "dest_port", "email", "to"};
	uint64_t first = next_random(seed) % COUNT_OF(names), step = 1 + next_random(seed) % 3;
	size_t count = (size_t)(next_random(seed) % 7);

	buf_char(b, '{');
	for (size_t i = 0; i < count; i++) {
		size_t n = (size_t)(first + i * step) % COUNT_OF(names);

		buf_printf(b, "%s\"%s\":", i == 0 ? "" : ",", names[n]);
		make_value(b, seed, depth + 1);
	}
	buf_char(b, '}');
}

static void make_value(struct buf *b, uint64_t *seed, unsigned depth)
{
	static const char *const values[] = {"\"evil.example\"", "\"1.2.3.4\"", "\"\"", "17", "-1",
		"true", "null", "\"\\\"dns\\\":{\"", "\"\\\\\"", "\"\\u0041\\ud83d\\ude00\"",
		"\"aa:bb\"", "\"/path\"", "\"http://a.example/x\"", "\",\"", "\"}\"", "\"\\n\"",
		"\"caf\xc3\xa9\""};
	uint64_t dice = next_random(seed) % 24;

	if (depth < 5 && dice < 4) {
		make_object(b, seed, depth);
	} else if (depth < 5 && dice < 7) {
		size_t count = (size_t)(next_random(seed) % 4);

		buf_char(b, '[');
		for (size_t i = 0; i < count; i++) {
			if (i != 0)
				buf_char(b, ',');
			make_value(b, seed, depth + 1);
		}
		buf_char(b, ']');
	} else {
		buf_text(b, values[next_random(seed) % COUNT_OF(values)]);
	}
}

/* A blank behind the brace sends a line to the strict parser. */
static struct buf to_careful(struct slice log)
{
	struct buf out = BUF_INIT;
	struct slice line;

	while (slice_next(&log, '\n', &line)) {
		if (line.len == 0)
			continue;
		buf_text(&out, "{ ");
		buf_append(&out, line.data + 1, line.len - 1);
		buf_char(&out, '\n');
	}
	return out;
}

static struct buf look(enum logs_format format, struct slice log, size_t chunk, size_t cut)
{
	struct logs_look look = {.format = format, .roles = ALL_ROLES, .chunk = chunk, .cut = cut};
	struct logs_counts counts;
	struct buf got = logs_look_at(&look, log, &counts);

	if (counts.problems != 0)
		fail_msg("%s", counts.first_problem);
	offsets_cut(got.data);
	return got;
}

static void same(struct buf *expected, struct buf got, const char *what)
{
	if (strcmp(expected->data, got.data) != 0) {
		size_t i = 0;

		while (expected->data[i] == got.data[i])
			i++;
		i = i < 200 ? 0 : i - 200;
		fail_msg("%s\nexpected ...%.300s\n\ngot ...%.300s", what, expected->data + i,
			got.data + i);
	}
	buf_fini(&got);
}

static void quick_is_careful(void **state)
{
	static const enum logs_format formats[] = {LOGS_EVE, LOGS_NDJSON, LOGS_ZEEK_JSON};
	uint64_t seed = 7;

	(void)state;
	for (size_t round = 0; round < 60; round++) {
		enum logs_format format = formats[round % COUNT_OF(formats)];
		struct buf log = BUF_INIT, careful, expected;
		size_t lines = round == 0 ? 30 : 200;

		for (size_t i = 0; i < lines; i++) {
			make_object(&log, &seed, 0);
			buf_char(&log, '\n');
		}
		if (round % 5 == 4)
			log.len--; /* the last line without its end */
		careful = to_careful(buf_slice(&log));
		expected = look(format, buf_slice(&careful), 0, 0);
		same(&expected, look(format, buf_slice(&log), 0, 0), "at once");
		same(&expected, look(format, buf_slice(&log), 100 + round * 7, 0), "in chunks");
		for (size_t cut = 1; round == 0 && cut < log.len; cut++)
			same(&expected, look(format, buf_slice(&log), 0, cut), "cut");
		if (round == 0)
			same(&expected, look(format, buf_slice(&log), 1, 0), "bytes");
		buf_fini(&expected);
		buf_fini(&careful);
		buf_fini(&log);
	}
}

/* Members that stay the same for long are passed over in one go; when they change, come, go or mean
 * something else, it must be noticed. */
static void steady_members_change(void **state)
{
	static const char *const flags[] = {"\"flags\":\"8180\",", "\"src_ip\":\"1.2.3.4\",", "",
		"\"flags\":\"8181\",", "\"flags\":{\"src_ip\":\"5.6.7.8\"},", "\"flags\":[1,2],"};
	struct buf log = BUF_INIT, careful, expected;
	uint64_t seed = 99;

	(void)state;
	for (size_t i = 0; i < 6000; i++) {
		uint64_t rare = next_random(&seed);

		buf_printf(&log, "{\"n\":%zu,\"proto\":\"%s\",\"a\":1,\"b\":true,", i,
			rare % 40 == 0 ? "tcp" : "udp");
		buf_text(&log, flags[rare % 60 < 6 ? rare % 60 : 0]);
		buf_printf(&log, "\"dns\":{\"version\":2,\"type\":\"answer\",\"id\":%zu,\"qr\":true,", i);
		buf_printf(&log, "\"rd\":%s,%s\"rrname\":\"q%zu.example\",\"rcode\":\"NOERROR\"},",
			rare % 50 == 1 ? "false" : "true", rare % 70 == 2 ? "\"x\":0," : "", i % 10);
		buf_printf(&log, "\"end\":%s}\n", rare % 45 == 3 ? "\"\\\"e\"" : "\"e\"");
	}
	careful = to_careful(buf_slice(&log));
	expected = look(LOGS_EVE, buf_slice(&careful), 0, 0);
	same(&expected, look(LOGS_EVE, buf_slice(&log), 0, 0), "at once");
	same(&expected, look(LOGS_EVE, buf_slice(&log), 5000, 0), "in chunks");
	buf_fini(&expected);
	buf_fini(&careful);
	buf_fini(&log);
}

/* A line whose members were all seen before in that order, but that is not what it seems. */
static void known_members_deceive(void **state)
{
	static const char good[] =
		"{\"query\":\"a.example\",\"x\":{\"y\":1,\"z\":{}},\"n\":[1,2],\"domain\":\"h.example\"}\n"
		"{\"query\":\"a.example\",\"x\":{\"y\":1},\"n\":[1,2],\"domain\":\"h.example\"}\n";
	static const struct {
		const char *line;
		unsigned problems;
		const char *found;
	} lines[] = {
		{"{\"query\":\"q.example\",\"x\":{\"y\":1},\"n\":[],\"domain\":\"i.example\"}", 0, "i.example"},
		{"{\"query\":\"q.example\",\"x\":{\"y\":1},\"n\":[1,{\"domain\":\"i.example\"}],\"domain\":\"\"}", 0,
			"i.example"},
		{"{\"query\":\"q.example\",\"x\":{\"y\":1},\"n\":[[1],[2]],\"domain\":\"i.example\"}", 0,
			"i.example"},
		{"{\"query\":\"q.example\",\"n\":[1,2],\"domain\":\"i.example\"}", 0, "i.example"},
		{"{\"query\":[\"q.example\",\"i.example\"],\"x\":{\"y\":1}}", 0, "i.example"},
		{"{\"query\":[\"q.example\",{\"query\":\"i.example\"}]}", 0, "i.example"},
		{"{\"query\":\"q.example\",\"x\":{\"y\":1},\"n\":[1,2],\"domain\":\"i.example\"", 1, NULL},
		{"{\"query\":\"q.example\",\"x\":{\"y\":1}},\"n\":[1,2],\"domain\":\"i.example\"}", 1, NULL},
		{"{\"query\":\"q.example\",\"x\":{\"y\":1,\"n\":[1,2],\"domain\":\"i.example\"}", 1, NULL},
		{"{\"query\":\"q.example\"{\"x\":{\"y\":1}}}", 1, NULL},
		{"{\"query\":\"q.example\",\"x\":{\"y\":1},\"n\":[1,2]\"domain\":\"i.example\"}", 1, NULL},
		{"{\"query\":\"q.example\",\"x\":{\"y\":1},\"n\":[1,2],\"domain\":\"i.example\"}}", 1, NULL},
		{"{\"query\":\"q.example\",\"x\":{\"y\":1},\"n\":[1,2,\"domain\":\"i.example\"}", 1, NULL},
		{"{\"query\":\"q.example\",\"x\":{\"y\":1},\"n\":[1,2],\"domain\":\"i.example}", 1, NULL},
		{"{\"query\":[\"q.example\",\"i.example\"}", 1, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		/* a last line without its end, and one with it */
		for (int ended = 0; ended < 2; ended++) {
			struct logs_look l = {.format = LOGS_NDJSON};
			struct logs_counts counts;
			struct buf log = BUF_INIT, got;

			buf_text(&log, good);
			buf_text(&log, lines[i].line);
			if (ended == 1)
				buf_char(&log, '\n');
			got = logs_look_at(&l, buf_slice(&log), &counts);
			if (counts.problems != lines[i].problems)
				fail_msg("%s: %u problems", lines[i].line, (unsigned)counts.problems);
			assert_true((strstr(got.data, "i.example") != NULL) == (lines[i].found != NULL));
			buf_fini(&got);
			buf_fini(&log);
		}
	}
}

/* ---- limits --------------------------------------------------------------------------------------------- */

static void long_lines(void **state)
{
	(void)state;
	for (size_t len = KIB(14); len < KIB(200); len += len < KIB(18) ? 97 : KIB(30)) {
		struct logs_look l = {.format = LOGS_NDJSON};
		struct logs_counts counts;
		struct buf log = BUF_INIT, got;

		buf_text(&log, "{\"message\":\"");
		for (size_t i = 0; i < len; i++)
			buf_char(&log, 'x');
		buf_text(&log, "\",\"query\":\"q.example\"}\n{\"query\":\"r.example\"}\n");
		got = logs_look_at(&l, buf_slice(&log), &counts);
		assert_int_equal(counts.records, 2);
		assert_int_equal(counts.cut_fields, len > FIELD_BYTES_MAX);
		assert_non_null(strstr(got.data, "q.example"));
		assert_non_null(strstr(got.data, "r.example"));
		buf_fini(&got);
		buf_fini(&log);
	}
}

/* More members than are remembered, then those that matter; and more values than a batch holds. */
static void many_members(void **state)
{
	struct logs_look l = {.format = LOGS_NDJSON};
	struct logs_counts counts;
	struct buf log = BUF_INIT, got;
	const char *p;
	size_t found = 0;

	(void)state;
	for (size_t i = 0; i < 9000; i++)
		buf_printf(&log, "{\"m%zu\":1,\"query\":\"q%zu\"}\n", i, i);
	buf_text(&log, "{\"query\":[\"first\"");
	for (size_t i = 0; i < 1500; i++)
		buf_printf(&log, ",\"v%zu\"", i);
	buf_text(&log, "]}\n");
	got = logs_look_at(&l, buf_slice(&log), &counts);
	assert_int_equal(counts.records, 9001);
	assert_int_equal(counts.problems, 0);
	for (p = got.data; (p = strstr(p, " query:")) != NULL; p++)
		found++;
	assert_int_equal(found, 9000 + 1501);
	assert_non_null(strstr(got.data, "=v1499\n"));
	buf_fini(&got);
	buf_fini(&log);
}

static void depth_limit(void **state)
{
	(void)state;
	for (size_t depth = JSON_DEPTH_MAX - 2; depth <= JSON_DEPTH_MAX; depth++) {
		struct logs_look l = {.format = LOGS_NDJSON};
		struct logs_counts counts;
		struct buf log = BUF_INIT, got;

		buf_text(&log, "{\"query\":");
		for (size_t i = 0; i < depth; i++)
			buf_char(&log, '[');
		buf_text(&log, "\"q.example\"");
		for (size_t i = 0; i < depth; i++)
			buf_char(&log, ']');
		buf_text(&log, "}\n");
		got = logs_look_at(&l, buf_slice(&log), &counts);
		assert_int_equal(counts.problems, depth == JSON_DEPTH_MAX);
		assert_int_equal(strstr(got.data, "q.example") != NULL, depth < JSON_DEPTH_MAX);
		buf_fini(&got);
		buf_fini(&log);
	}
}

static void mapping_decides(void **state)
{
	struct logs_mapping *mapping;
	struct logs_look l = {.format = LOGS_NDJSON};
	struct err e;
	struct buf got;

	(void)state;
	if (logs_mapping_parse(SLICE("peer.where = destination.address\n"), "test", &mapping, &e) != OK)
		fail_msg("%s", e.text);
	l.mapping = mapping;
	got = logs_look_at(&l, SLICE("{\"peer\":{\"where\":\"1.2.3.4\"},\"where\":\"5.6.7.8\"}\n"), NULL);
	assert_string_equal(got.data, "1@0 peer.where:destination.address:address=1.2.3.4\n");
	buf_fini(&got);
	logs_mapping_free(mapping);
}

static void formats_are_guessed(void **state)
{
	(void)state;
	assert_int_equal(logs_guess(SLICE("{\"ts\":1.5,\"uid\":\"C\"}\n{\"ts\":2,\"uid\":\"D\"}\n"), NULL),
		LOGS_ZEEK_JSON);
	assert_int_equal(logs_guess(SLICE("{\"timestamp\":\"x\",\"event_type\":\"dns\"}\n"), NULL),
		LOGS_EVE);
	assert_int_equal(logs_guess(SLICE("{\"query\":\"x\"}\n"), NULL), LOGS_NDJSON);
	assert_int_not_equal(logs_guess(SLICE("query\n"), NULL), LOGS_NDJSON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_cases),
		cmocka_unit_test(quick_is_careful),
		cmocka_unit_test(steady_members_change),
		cmocka_unit_test(known_members_deceive),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(many_members),
		cmocka_unit_test(depth_limit),
		cmocka_unit_test(mapping_decides),
		cmocka_unit_test(formats_are_guessed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
