/* SPDX-License-Identifier: MPL-2.0 */
/* Each form of a finding is what its readers can parse, whatever stood in the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "finding.h"
#include "json/json.h"

#define AT INT64_C(1700000000123456)

/* As bad as a log line can be: quotes, separators of every form, a terminal's escape, text that
 * turns round, a C1 control, and bytes that are no UTF-8. */
#define NASTY "a\"b\\c|d=e\nf\rg\x1b[2Jh\xe2\x80\xaei\xc2\x9bj\xff\xc3\xe2\x81\xa6k\tl\xe2\x80\xa8m"

/* SLICE is no constant */
#define TEXT(text)                                                                                 \
	{                                                                                          \
		(text), sizeof(text) - 1                                                           \
	}

static struct event_field fields[] = {
	{TEXT("id.orig_h"), TEXT("198.51.100.7"), ROLE_SOURCE_ADDRESS,   FIELD_ADDRESS},
	{TEXT("id.orig_p"), TEXT("5353"),         ROLE_SOURCE_PORT,      FIELD_NONE   },
	{TEXT("id.resp_p"), TEXT("no number"),    ROLE_DESTINATION_PORT, FIELD_NONE   },
	{TEXT("query"),     TEXT(NASTY),          ROLE_QUERY,            FIELD_NAME   },
	{TEXT("answers"),   TEXT("192.0.2.1"),    ROLE_ANSWER,           FIELD_HOST   },
	{TEXT("answers"),   TEXT("192.0.2.2"),    ROLE_ANSWER,           FIELD_HOST   },
	{TEXT("uri"),       TEXT(NASTY),          ROLE_URL,              FIELD_URL    },
};

static struct finding sample(struct event *ev)
{
	*ev = (struct event){.time_us = AT, .fields = fields, .count = COUNT_OF(fields)};
	return (struct finding){
		.type = FINDING_INDICATOR,
		.id = {{1, 2, 3}       },
		.time_us = AT,
		.found_us = AT + US_PER_SECOND,
		.file = SLICE("/var/log/" NASTY),
		.number = 12,
		.offset = 345,
		.field = SLICE("query"),
		.role = ROLE_QUERY,
		.value = SLICE(NASTY),
		.indicator = SLICE("bad|" NASTY),
		.kind = FIELD_NAME,
		.how = INDEX_PARENT,
		.entry = {   .id = SLICE("indicator--1"),
                       .producer = SLICE("CERT " NASTY),
                       .tlp = STIX_TLP_AMBER,
                       .confidence = 80,
                       .name = SLICE(NASTY)},
		.host = SLICE("198.51.100.7"),
		.reason = SLICE("because " NASTY),
		.verdict = { .class = GATE_TOP,                            .weight = 80, .bar = 80, .reason = "why " NASTY},
		.count = 3,
		.hosts = 2,
		.first_us = AT - 5,
		.last_us = AT,
		.event = ev,
		.site = "sensor-1"
        };
}

static struct json_doc parse(struct json_parser *p, const struct buf *out)
{
	struct json_doc doc;
	struct err e;

	assert_true(out->len > 0 && out->data[out->len - 1] == '\n');
	assert_null(memchr(out->data, '\n', out->len - 1));
	if (json_parse(p, (struct slice){out->data, out->len - 1}, &doc, &e) != OK)
		fail_msg("%s: %.*s", e.text, SLICE_ARG(buf_slice(out)));
	return doc;
}

static void is_text(struct json_value v, const char *name, const char *text)
{
	if (!slice_is(json_get_string(v, name), text))
		fail_msg("%s: \"%.*s\"", name, SLICE_ARG(json_get_string(v, name)));
}

static int64_t number_of(struct json_value v, const char *name)
{
	struct json_value value;
	int64_t number = -1;

	assert_true(json_get(v, name, &value));
	assert_true(json_to_i64(value, &number));
	return number;
}

static void plain(struct json_value v)
{
	struct json_value value;

	is_text(v, "id", "01020300-0000-0000-0000-000000000000");
	is_text(v, "type", "indicator");
	assert_true(slice_starts(json_get_string(v, "file"), SLICE("/var/log/a\"b\\c|d=e\nf")));
	assert_int_equal(number_of(v, "line"), 12);
	is_text(v, "field", "query");
	assert_true(slice_starts(json_get_string(v, "value"), SLICE("a\"b\\c|d=e\nf\rg\x1b")));
	assert_true(utf8_valid(json_get_string(v, "value")));
	is_text(v, "indicator_type", "domain-name");
	is_text(v, "match", "parent");
	is_text(v, "host", "198.51.100.7");
	assert_int_equal(number_of(v, "count"), 3);
	assert_int_equal(number_of(v, "hosts"), 2);
	is_text(v, "last_seen", "2023-11-14T22:13:20.123456Z");
	assert_true(json_get(v, "update", &value) && json_is_bool(value) && !json_is_true(value));
	assert_true(json_get(v, "held", &value) && json_is_bool(value) && !json_is_true(value));
	assert_true(json_get(v, "gate", &value));
	is_text(value, "class", "top");
	assert_int_equal(number_of(value, "bar"), 80);
	assert_true(json_get(v, "provenance", &value));
	is_text(value, "id", "indicator--1");
	is_text(value, "tlp", "amber");
	assert_int_equal(number_of(value, "confidence"), 80);
}

static void test_ecs(void **state)
{
	struct json_parser *p = json_parser_new(MIB(1));
	struct buf out = BUF_INIT;
	struct event ev;
	struct finding f = sample(&ev);
	struct json_doc doc;
	struct json_value v, value;

	(void)state;
	finding_write(SENSOR_ECS, &f, &out);
	doc = parse(p, &out);
	v = json_root(&doc);
	plain(v);
	is_text(v, "@timestamp", "2023-11-14T22:13:20.123456Z");
	is_text(v, "event.kind", "alert");
	is_text(v, "source.ip", "198.51.100.7");
	assert_int_equal(number_of(v, "source.port"), 5353);
	is_text(v, "destination.port", "no number");
	is_text(v, "threat.indicator.marking.tlp", "amber");
	is_text(v, "observer.hostname", "sensor-1");
	assert_true(json_get(v, event_role_row(ROLE_ANSWER)->ecs, &value));
	assert_true(json_is_array(value));
	assert_int_equal(json_count(value), 2);

	/* nothing but what must be there; a frame; an unknown time is the time of finding */
	f = (struct finding){.type = FINDING_LOSS,
		.time_us = TIME_UNKNOWN,
		.found_us = AT,
		.number = 9,
		.frame = true,
		.first_us = TIME_UNKNOWN,
		.last_us = TIME_UNKNOWN,
		.entry.confidence = -1};
	buf_clear(&out);
	finding_write(SENSOR_ECS, &f, &out);
	doc = parse(p, &out);
	v = json_root(&doc);
	is_text(v, "event.kind", "pipeline_error");
	is_text(v, "@timestamp", "2023-11-14T22:13:20.123456Z");
	assert_int_equal(number_of(v, "frame"), 9);
	assert_false(json_get(v, "line", &value));
	assert_false(json_get(v, "provenance", &value));
	assert_false(json_get(v, "first_seen", &value));
	assert_false(json_get(v, "gate", &value));
	buf_fini(&out);
	json_parser_free(p);
}

static void test_eve(void **state)
{
	struct json_parser *p = json_parser_new(MIB(1));
	struct buf out = BUF_INIT;
	struct event ev;
	struct finding f = sample(&ev);
	struct json_doc doc;
	struct json_value v, value;

	(void)state;
	finding_write(SENSOR_EVE, &f, &out);
	doc = parse(p, &out);
	v = json_root(&doc);
	is_text(v, "event_type", "alert");
	is_text(v, "src_ip", "198.51.100.7");
	assert_int_equal(number_of(v, "src_port"), 5353);
	is_text(v, "host", "sensor-1");
	assert_true(json_get(v, "alert", &value));
	is_text(value, "action", "allowed");
	assert_int_equal(number_of(value, "severity"), 2);
	assert_true(slice_starts(
		json_get_string(value, "signature"), SLICE("Serai indicator: bad|a\"b")));
	assert_true(json_get(v, "serai", &value));
	plain(value);
	buf_fini(&out);
	json_parser_free(p);
}

static void test_cef(void **state)
{
	struct buf out = BUF_INIT;
	struct event ev;
	struct finding f = sample(&ev);
	struct slice line;

	(void)state;
	finding_write(SENSOR_CEF, &f, &out);
	line = buf_slice(&out);
	assert_int_equal(slice_find(line, '\n', 0), line.len - 1);
	assert_true(utf8_valid(line));
	for (size_t i = 0; i + 1 < line.len; i++)
		assert_true((unsigned char)line.data[i] >= 0x20 && line.data[i] != 0x7f);
	assert_true(slice_starts(
		line, SLICE("<133>1 2023-11-14T22:13:21.123456Z sensor-1 serai - "
			    "indicator - CEF:0|Serai|serai|1|indicator.domain-name|")));
	/* the header escapes | and \, the extension = and \ and line ends */
	assert_true(slice_find_text(line, SLICE("|bad\\|a\"b\\\\c\\|d=e f g [2Jh")) < line.len);
	assert_true(slice_find_text(line, SLICE(" cs3=a\"b\\\\c|d\\=e\\nf\\ng [2Jh")) < line.len);
	assert_true(slice_find_text(line, SLICE(" cs3Label=value")) < line.len);
	assert_true(slice_find_text(line,
			    SLICE("|6|externalId=01020300-0000-0000-0000-000000000000 "
				  "cnt=3 rt=1700000000123 src=198.51.100.7 spt=5353")) < line.len);
	assert_true(slice_find_text(line, SLICE(" cn1=12 cn1Label=line")) < line.len);
	/* exactly seven separators of the header are not escaped */
	{
		size_t bars = 0, end = slice_find_text(line, SLICE("externalId"));

		for (size_t i = 0; i < end; i++)
			bars += line.data[i] == '|' && line.data[i - 1] != '\\';
		assert_int_equal(bars, 7);
	}
	f.entry.confidence = 100;
	f.how = INDEX_EXACT;
	buf_clear(&out);
	finding_write(SENSOR_CEF, &f, &out);
	assert_true(slice_starts(buf_slice(&out), SLICE("<132>1 ")));
	/* HOSTNAME has no room for spaces, bars' friends or line ends; without a name it is "-" */
	f.site = "Werk 3|\n\xc3\x9c" "bung";
	buf_clear(&out);
	finding_write(SENSOR_CEF, &f, &out);
	assert_true(slice_find_text(buf_slice(&out), SLICE("Z Werk_3|___bung serai - ")) < out.len);
	f.site = "";
	buf_clear(&out);
	finding_write(SENSOR_CEF, &f, &out);
	assert_true(slice_find_text(buf_slice(&out), SLICE("Z - serai - ")) < out.len);
	buf_fini(&out);
}

static void test_text(void **state)
{
	struct buf out = BUF_INIT;
	struct event ev;
	struct finding f = sample(&ev);
	struct slice rest;
	size_t lines = 0;

	(void)state;
	finding_write(SENSOR_TEXT, &f, &out);
	rest = buf_slice(&out);
	assert_true(slice_starts(
		rest, SLICE("2023-11-14T22:13:20Z  FOUND  name "
			    "bad|a\"b\\c|d=e\\x0af\\x0dg\\x1b[2Jh\\u202ei\\x9bj")));
	assert_true(utf8_valid(rest));
	while (rest.len > 0) {
		uint32_t c = utf8_next(&rest);

		lines += c == '\n';
		assert_true(c == '\n' || c >= 0x20);
		assert_true(c < 0x7f || c >= 0xa0);
		assert_true(c < 0x2028 || c > 0x202e);
		assert_true(c < 0x2066 || c > 0x2069);
	}
	assert_int_equal(lines, 4); /* one, place, reason, gate */
	assert_true(slice_find_text(buf_slice(&out), SLICE(" line 12, query = ")) < out.len);
	assert_true(slice_find_text(buf_slice(&out), SLICE("let through, though: ")) < out.len);
	f.verdict.held = true;
	buf_clear(&out);
	finding_write(SENSOR_TEXT, &f, &out);
	assert_true(slice_find_text(buf_slice(&out), SLICE("  held   name ")) < out.len);
	assert_true(slice_find_text(buf_slice(&out), SLICE("held back: ")) < out.len);
	f.verdict.held = false;
	f.update = true;
	buf_clear(&out);
	finding_write(SENSOR_TEXT, &f, &out);
	assert_true(slice_find_text(buf_slice(&out), SLICE("  again  name ")) < out.len);
	assert_true(slice_find_text(buf_slice(&out), SLICE("  3 times")) < out.len);
	buf_fini(&out);
}

static void test_severity(void **state)
{
	static const struct {
		enum finding_type type;
		int confidence;
		enum index_how how;
		bool held;
		unsigned severity;
	} cases[] = {
		{FINDING_INDICATOR, -1,  INDEX_EXACT,   false, 6},
		{FINDING_INDICATOR, -1,  INDEX_NETWORK, false, 5},
		{FINDING_INDICATOR, 0,   INDEX_EXACT,   false, 3},
		{FINDING_INDICATOR, 100, INDEX_EXACT,   false, 9},
		{FINDING_INDICATOR, 100, INDEX_PARENT,  false, 8},
		{FINDING_INDICATOR, 100, INDEX_EXACT,   true,  1},
		{FINDING_PATTERN,   100, INDEX_PARENT,  false, 9},
		{FINDING_PLANT,     -1,  INDEX_EXACT,   false, 8},
		{FINDING_LOSS,      -1,  INDEX_EXACT,   false, 3},
	};

	(void)state;
	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		struct finding f = {.type = cases[k].type,
			.how = cases[k].how,
			.entry.confidence = cases[k].confidence,
			.verdict.held = cases[k].held};

		assert_int_equal(finding_severity(&f), cases[k].severity);
	}
}

static void test_names(void **state)
{
	enum sensor_output form = SENSOR_TEXT;

	(void)state;
	assert_true(sensor_output_parse(SLICE("cef"), &form));
	assert_int_equal(form, SENSOR_CEF);
	assert_false(sensor_output_parse(SLICE("CEF"), &form));
	assert_false(sensor_output_parse(SLICE(""), &form));
	assert_int_equal(form, SENSOR_CEF);
	assert_string_equal(finding_type_name(FINDING_PATTERN), "pattern");
	assert_string_equal(finding_type_name(FINDING_TYPES), "?");
}

/* Every kind has a type that STIX knows, or says what it is. */
static void test_types(void **state)
{
	static const struct {
		enum field_kind kind;
		const char *indicator, *type;
	} cases[] = {
		{FIELD_ADDRESS, "192.0.2.1",   "\"indicator_type\":\"ipv4-addr\""},
		{FIELD_ADDRESS, "2001:db8::1", "\"indicator_type\":\"ipv6-addr\""},
		{FIELD_HASH,    "00",          "\"indicator_type\":\"file\""     },
		{FIELD_JA4,     "t13",         "\"indicator_type\":\"tls-ja4\""  },
		{FIELD_FREE,    "x",           "\"indicator_type\":\"text\""     },
	};
	struct buf out = BUF_INIT;

	(void)state;
	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		struct finding f = {
			.kind = cases[k].kind, .indicator = slice_of(cases[k].indicator)};

		buf_clear(&out);
		finding_write(SENSOR_ECS, &f, &out);
		assert_true(slice_find_text(buf_slice(&out), slice_of(cases[k].type)) < out.len);
	}
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ecs),
		cmocka_unit_test(test_eve),
		cmocka_unit_test(test_cef),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_severity),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
