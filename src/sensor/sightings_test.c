/* SPDX-License-Identifier: MPL-2.0 */
/* Findings to sightings: counts, times, markings, and that nothing else leaves the site. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "sensor.h"
#include "stix/stix.h"
#include "json/json.h"

#define IDENTITY "identity--7b9c1d2e-3f40-4a5b-8c6d-7e8f90a1b2c3"
#define ONE      "indicator--11111111-1111-4111-8111-111111111111"
#define TWO      "indicator--22222222-2222-4222-8222-222222222222"

#define FINDING(id, host, count, first, last, of, tlp)                                             \
	"{\"@timestamp\":\"2024-01-02T03:04:05.000000Z\",\"id\":\"" id                             \
	"\",\"type\":\"indicator\",\"indicator\":\"bad.example\",\"indicator_type\":\"domain-name" \
	"\",\"host\":\"" host "\",\"count\":" count ",\"first_seen\":\"" first                     \
	"\",\"last_seen\":\"" last "\",\"held\":false,\"provenance\":{\"id\":\"" of                \
	"\",\"tlp\":\"" tlp "\"}}\n"
#define A  "aaaaaaaa-0000-5000-8000-000000000001"
#define B  "aaaaaaaa-0000-5000-8000-000000000002"
#define C  "aaaaaaaa-0000-5000-8000-000000000003"
#define T1 "2024-01-01T00:00:00.000000Z"
#define T2 "2024-01-02T00:00:00.000000Z"
#define T3 "2024-01-03T00:00:00.000000Z"

static struct world_fake world;

static enum err_kind run(const char *text, struct sensor_sightings_options o, struct buf *out,
	struct sensor_sightings_counts *counts)
{
	char path[] = "/tmp/serai-sightings-XXXXXX";
	const char *files[] = {path};
	int fd = mkstemp(path);
	struct err e;
	enum err_kind kind;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	world_fake_init(&world, 1, INT64_C(1710000000000000));
	o.world = &world.world;
	if (o.identity.len == 0)
		o.identity = SLICE(IDENTITY);
	buf_clear(out);
	kind = sensor_sightings(files, 1, &o, out, counts, &e);
	unlink(path);
	return kind;
}

/* Every object keeps the rules of STIX; how many there are. */
static size_t checked(const struct buf *out)
{
	struct json_parser *p = json_parser_new(MIB(1));
	struct stix_report report = {.arena = arena_new(MIB(4)), .errors_only = true};
	struct json_value objects, object;
	struct stix_facts facts;
	struct json_doc doc;
	size_t count = 0;
	struct err e;

	assert_int_equal(json_parse(p, buf_slice(out), &doc, &e), OK);
	assert_true(slice_is(json_get_string(json_root(&doc), "type"), "bundle"));
	assert_true(json_get(json_root(&doc), "objects", &objects));
	for (struct json_iter it = json_iter(objects); json_array_next(&it, &object); count++) {
		stix_report_reset(&report);
		assert_int_equal(stix_check(object, &report, &facts, &e), OK);
		if (report.errors > 0)
			fail_msg("%.*s: %.*s", SLICE_ARG(json_get_string(object, "type")),
				SLICE_ARG(report.findings[0].message));
	}
	arena_free(report.arena);
	json_parser_free(p);
	return count;
}

static bool says(const struct buf *out, const char *text)
{
	return slice_find_text(buf_slice(out), slice_of(text)) < out->len;
}

static void test_counts(void **state)
{
	struct sensor_sightings_counts counts;
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(
		run(FINDING(A, "10.0.0.1", "2", T2, T2, ONE, "green")
			/* told again: the whole count, not more */
			FINDING(A, "10.0.0.1", "5", T2, T3, ONE, "green") FINDING(
				A, "10.0.0.1", "4", T2, T3, ONE, "green") FINDING(B, "10.0.0.2",
				"3", T1, T2, ONE, "amber") FINDING(C, "10.0.0.2", "1", T1, T1, TWO,
				"clear") FINDING(C, "10.0.0.2", "1", T1, T1, "feed:some list",
				"clear") "{\"id\":\"" A
					 "\",\"held\":true,\"provenance\":{\"id\":\"" ONE "\"}}\n"
					 "{\"id\":}\n{\"id\":\"x\",\"provenance\":{\"id\":\"" ONE
					 "\"}}\n",
			(struct sensor_sightings_options){0}, &out, &counts),
		OK);
	assert_int_equal(counts.findings, 8);
	assert_int_equal(counts.held, 1);
	assert_int_equal(counts.without_id, 1);
	assert_int_equal(counts.sightings, 2);
	assert_int_equal(counts.problems, 2);
	assert_int_equal(checked(&out), 2);
	assert_true(says(&out, "\"first_seen\":\"" T1 "\",\"last_seen\":\"" T3
			       "\",\"count\":8,\"sighting_of_ref\":\"" ONE "\""));
	assert_true(says(&out, "\"count\":1,\"sighting_of_ref\":\"" TWO "\""));
	assert_true(says(&out, "\"where_sighted_refs\":[\"" IDENTITY "\"]"));
	/* nothing of the site leaves */
	assert_false(says(&out, "10.0.0."));
	assert_false(says(&out, "bad.example"));
	buf_fini(&out);
}

static void test_marking(void **state)
{
	/* the strictest, whichever comes last */
	static const char *const texts[] = {
		FINDING(A, "h", "1", T1, T1, ONE, "clear") FINDING(B, "h", "1", T1, T1, ONE, "red"),
		FINDING(A, "h", "1", T1, T1, ONE, "red") FINDING(B, "h", "1", T1, T1, ONE, "clear"),
	};
	struct sensor_sightings_counts counts;
	struct buf out = BUF_INIT;
	struct uuid ids[2];
	char red[UUID_TEXT_LEN + 1];

	(void)state;
	uuid_format(&ids[stix_tlp_ids(STIX_TLP_RED, ids) - 1], red);
	for (size_t k = 0; k < COUNT_OF(texts); k++) {
		assert_int_equal(
			run(texts[k], (struct sensor_sightings_options){0}, &out, &counts), OK);
		assert_true(says(&out, red));
	}
	assert_int_equal(run(FINDING(A, "h", "1", T1, T1, ONE, "none"),
				 (struct sensor_sightings_options){0}, &out, &counts),
		OK);
	assert_false(says(&out, "object_marking_refs"));
	buf_fini(&out);
}

static void test_observed(void **state)
{
	struct sensor_sightings_options o = {.observed = true, .site_name = SLICE("Our site")};
	struct sensor_sightings_counts counts;
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(
		run(FINDING(A, "10.0.0.1", "2", T1, T2, ONE, "green"), o, &out, &counts), OK);
	assert_int_equal(checked(&out), 4); /* identity, name, observed-data, sighting */
	assert_true(says(&out, "\"value\":\"bad.example\""));
	assert_true(says(&out, "\"number_observed\":2"));
	assert_true(says(&out, "\"name\":\"Our site\""));
	assert_false(says(&out, "10.0.0.1"));
	o.hosts = true;
	assert_int_equal(
		run(FINDING(A, "10.0.0.1", "2", T1, T2, ONE, "green"), o, &out, &counts), OK);
	assert_int_equal(checked(&out), 5);
	assert_true(says(&out, "\"value\":\"10.0.0.1\""));
	/* a host that is known by name is no address */
	assert_int_equal(run(FINDING(A, "plc-7", "2", T1, T2, ONE, "green"), o, &out, &counts), OK);
	assert_int_equal(checked(&out), 4);
	assert_false(says(&out, "plc-7"));
	buf_fini(&out);
}

static void test_same_ids(void **state)
{
	static const char text[] =
		FINDING(B, "h", "1", T1, T1, TWO, "none") FINDING(A, "h", "1", T1, T1, ONE, "none");
	struct sensor_sightings_counts counts;
	struct buf a = BUF_INIT, b = BUF_INIT;

	(void)state;
	assert_int_equal(
		run(text, (struct sensor_sightings_options){.observed = true}, &a, &counts), OK);
	assert_int_equal(
		run(text, (struct sensor_sightings_options){.observed = true}, &b, &counts), OK);
	assert_true(slice_equal(buf_slice(&a), buf_slice(&b)));
	assert_true(slice_find_text(buf_slice(&a), SLICE(ONE)) <
		    slice_find_text(buf_slice(&a), SLICE(TWO)));
	buf_fini(&a);
	buf_fini(&b);
}

static void test_eve(void **state)
{
	struct sensor_sightings_counts counts;
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(
		run("{\"timestamp\":\"" T3 "\",\"event_type\":\"alert\",\"serai\":{\"id\":"
		    "\"" A "\",\"count\":4,\"held\":false,\"provenance\":{\"id\":\"" ONE "\"}}}\n",
			(struct sensor_sightings_options){0}, &out, &counts),
		OK);
	assert_int_equal(counts.sightings, 1);
	assert_true(says(&out, "\"first_seen\":\"" T3 "\",\"last_seen\":\"" T3 "\",\"count\":4"));
	assert_int_equal(checked(&out), 1);
	buf_fini(&out);
}

static void test_refused(void **state)
{
	struct sensor_sightings_counts counts = {.findings = 7};
	const char *files[] = {"/nowhere/at/all"};
	struct sensor_sightings_options o = {.identity = SLICE("indicator--x")};
	struct buf out = BUF_INIT;
	struct err e;

	(void)state;
	assert_int_equal(run("", o, &out, &counts), ERR_USAGE);
	o.identity = SLICE(ONE);
	assert_int_equal(run("", o, &out, &counts), ERR_USAGE);
	o.identity = SLICE(IDENTITY);
	o.world = &world.world;
	assert_int_not_equal(sensor_sightings(files, 1, &o, &out, &counts, &e), OK);
	assert_int_equal(counts.findings, 7);
	assert_int_equal(run("", o, &out, &counts), OK);
	assert_int_equal(counts.sightings, 0);
	buf_fini(&out);
}

/* What a full disk left of a line, or somebody wrote between, does not take the others with it. */
static void test_damaged_lines(void **state)
{
	struct sensor_sightings_options o = {0};
	struct sensor_sightings_counts counts;
	struct buf out = BUF_INIT, text = BUF_INIT;

	(void)state;
	buf_text(&text, FINDING(A, "10.0.0.1", "5", T2, T3, ONE, "green"));
	buf_text(&text, "this is no finding\n\n[1,2]\n\"x\"\n{\"id\":\"" A "\n\xff\xfe\n");
	/* longest line that is read, and one byte more */
	buf_text(&text, "{\"a\":\"");
	while (text.len % MIB(1) != 0)
		buf_char(&text, 'x');
	for (size_t i = 0; i < MIB(1) + 5; i++)
		buf_char(&text, 'x');
	buf_text(&text, "\"}\n");
	buf_text(&text, FINDING(B, "10.0.0.2", "3", T1, T2, TWO, "green"));
	text.len--; /* the last line without its end */
	buf_char(&text, 0);
	assert_int_equal(run(text.data, o, &out, &counts), OK);
	assert_int_equal(counts.sightings, 2);
	assert_int_equal(counts.problems, 6);
	assert_non_null(strstr(counts.first_problem, ", line 2: "));
	assert_int_equal(checked(&out), 2);
	assert_int_equal(run("nothing but this\n", o, &out, &counts), OK);
	assert_int_equal(counts.sightings, 0);
	assert_int_equal(counts.problems, 1);
	buf_fini(&text);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_marking),
		cmocka_unit_test(test_observed),
		cmocka_unit_test(test_same_ids),
		cmocka_unit_test(test_eve),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_damaged_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
