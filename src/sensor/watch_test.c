/* SPDX-License-Identifier: MPL-2.0 */
/* The sensor over whole files: what is found, held back, joined, expired, and what is told of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "inside.h"

#define SECOND US_PER_SECOND
#define AT     INT64_C(1700000000) /* seconds: when the log's first line happened */

#define HEAD                                                                                       \
	"#separator "                                                                              \
	"\\x09\n#fields\tts\tid.orig_h\tid.resp_h\tquery\n#types\ttime\taddr\taddr\tstring\n"
#define LINE(second, host, name) "170000" second ".000000\t" host "\t198.51.100.53\t" name "\n"

struct bench {
	struct world_fake world;
	char folder[40], index[64], log[64], other[64], findings[64];
	struct buf out;
	struct sensor_report report;
	struct err e;
};

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void value(struct index_builder *b, const char *id, const char *name, int confidence,
	int64_t from_us, int64_t until_us)
{
	const struct index_entry n = {.id = slice_of(id),
		.producer = SLICE("CERT"),
		.confidence = confidence,
		.valid_from_us = from_us,
		.valid_until_us = until_us};
	struct err e;

	assert_int_equal(index_builder_entry(b, &n, &e), OK);
	if (name[0] == '[')
		assert_int_equal(index_builder_pattern(b, slice_of(name), &e), OK);
	else
		assert_int_equal(index_builder_value(b, FIELD_NAME, slice_of(name), &e), OK);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct index_builder *builder;

	assert_non_null(b);
	world_fake_init(&b->world, 1, (AT + 86400) * SECOND);
	snprintf(b->folder, sizeof(b->folder), "/tmp/serai-watch-XXXXXX");
	assert_non_null(mkdtemp(b->folder));
	snprintf(b->index, sizeof(b->index), "%s/index", b->folder);
	snprintf(b->log, sizeof(b->log), "%s/a.log", b->folder);
	snprintf(b->other, sizeof(b->other), "%s/b.log", b->folder);
	snprintf(b->findings, sizeof(b->findings), "%s/findings", b->folder);
	builder = index_builder_new(&b->world.world);
	value(builder, "feed:bad", "bad.example", 90, 0, 0);
	/* by the time of the line, whatever the clock says: only the lines before second 10 */
	value(builder, "feed:past", "past.example", 90, 0, (AT + 10) * SECOND);
	/* published, but from tomorrow on */
	value(builder, "feed:future", "future.example", 90, (AT + 2 * 86400) * SECOND, 0);
	value(builder, "feed:noise", "shodan.io", 50, 0, 0);
	value(builder, "feed:pattern", "[domain-name:value LIKE 'odd%.example']", 90, 0, 0);
	assert_int_equal(index_builder_write(builder, b->index, NULL, &b->e), OK);
	index_builder_free(builder);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	(void)unlink(b->index);
	(void)unlink(b->log);
	(void)unlink(b->other);
	(void)unlink(b->findings);
	assert_int_equal(rmdir(b->folder), 0);
	buf_fini(&b->out);
	free(b);
	return 0;
}

static enum err_kind watch(
	struct bench *b, struct sensor_options o, const char *const *sources, size_t sources_count)
{
	enum err_kind kind;

	(void)unlink(b->findings);
	o.index = b->index;
	o.sources = sources;
	o.sources_count = sources_count;
	o.once = true;
	o.output = SENSOR_ECS;
	o.findings = b->findings;
	o.site = "here";
	o.world = &b->world.world;
	kind = sensor_watch(&o, &b->report, &b->e);
	buf_clear(&b->out);
	if (access(b->findings, F_OK) == 0)
		assert_int_equal(file_read(b->findings, MIB(4), &b->out, NULL), OK);
	return kind;
}

static void watch_log(struct bench *b, struct sensor_options o, const char *text)
{
	const char *sources[] = {b->log};

	put(b->log, text);
	if (watch(b, o, sources, 1) != OK)
		fail_msg("%s", b->e.text);
}

static bool says(const struct bench *b, const char *text)
{
	return slice_find_text(buf_slice(&b->out), slice_of(text)) < b->out.len;
}

static void test_joined(void **state)
{
	static const char text[] = HEAD LINE("0000", "10.0.0.1", "www.bad.example")
		LINE("0001", "10.0.0.2", "bad.example") LINE("0002", "10.0.0.1", "bad.example")
			LINE("0003", "10.0.0.1", "good.example");
	struct bench *b = *state;

	watch_log(b, (struct sensor_options){0}, text);
	assert_int_equal(b->report.hits, 3);
	assert_int_equal(b->report.findings, 2); /* one for each host */
	assert_int_equal(b->report.records, 4);
	assert_int_equal(b->report.problems, 0);
	assert_true(says(b, "\"value\":\"www.bad.example\",\"indicator\":\"bad.example\""));
	assert_true(says(b, "\"host\":\"10.0.0.1\",\"count\":2"));
	assert_true(
		says(b, "\"first_seen\":\"2023-11-14T22:13:20.000000Z\",\"last_seen\":\"2023-11-"
			"14T22:13:22.000000Z\""));
	assert_true(says(b, "\"line\":4")); /* of the first */
	watch_log(b, (struct sensor_options){.all = true}, text);
	assert_int_equal(b->report.hits, 3);
	assert_int_equal(b->report.findings, 3);
	assert_true(says(b, "\"line\":6"));
}

/* A line with more values than a batch has room for is one record. */
static void test_cut_record(void **state)
{
	struct bench *b = *state;
	struct buf text = BUF_INIT;

	buf_text(&text, "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n"
			"#unset_field\t-\n#path\tdns\n#fields\tts\tid.orig_h\tanswers\n"
			"#types\ttime\taddr\tvector[string]\n");
	for (unsigned line = 0; line < 3; line++) {
		buf_printf(&text, "170000000%u.000000\t10.0.0.1\tbad.example", line);
		for (unsigned i = 0; i < BATCH_FIELDS; i++)
			buf_printf(&text, ",n%u.example", i);
		buf_char(&text, '\n');
	}
	buf_char(&text, '\0');
	assert_false(text.bad);
	watch_log(b, (struct sensor_options){0}, text.data);
	assert_int_equal(b->report.records, 3);
	assert_int_equal(b->report.hits, 3);
	assert_int_equal(b->report.problems, 0);
	buf_fini(&text);
}

static void test_validity(void **state)
{
	struct bench *b = *state;

	watch_log(b, (struct sensor_options){0},
		HEAD LINE("0009", "10.0.0.1", "past.example") LINE("0010", "10.0.0.2",
			"past.example") LINE("0009", "10.0.0.1", "future.example"));
	assert_int_equal(b->report.hits, 3);
	assert_int_equal(b->report.expired, 2);
	assert_int_equal(b->report.findings, 1);
	assert_true(says(b, "\"host\":\"10.0.0.1\""));
}

static void test_gate(void **state)
{
	static const char text[] = HEAD LINE("0000", "10.0.0.1", "www.shodan.io");
	struct bench *b = *state;

	watch_log(b, (struct sensor_options){0}, text);
	assert_int_equal(b->report.hits, 1);
	assert_int_equal(b->report.held, 1);
	assert_int_equal(b->report.findings, 0);
	watch_log(b, (struct sensor_options){.no_gate = true}, text);
	assert_int_equal(b->report.held, 0);
	assert_int_equal(b->report.findings, 1);
	/* everything: held back, but seen */
	watch_log(b, (struct sensor_options){.all = true}, text);
	assert_int_equal(b->report.held, 1);
	assert_int_equal(b->report.findings, 1);
	assert_true(says(b, "\"held\":true,\"gate\":{\"class\":\"top\""));
}

static void test_pattern(void **state)
{
	struct bench *b = *state;

	watch_log(b, (struct sensor_options){0},
		HEAD LINE("0000", "10.0.0.1", "oddity.example")
			LINE("0001", "10.0.0.1", "even.example"));
	assert_int_equal(b->report.pattern_hits, 1);
	assert_int_equal(b->report.findings, 1);
	assert_true(says(b, "\"type\":\"pattern\""));
	assert_true(says(b, "\"id\":\"feed:pattern\""));
}

static void test_sources(void **state)
{
	struct bench *b = *state;
	const char *sources[] = {b->log, "/nowhere/at/all", b->other};

	put(b->log, HEAD LINE("0000", "10.0.0.1", "bad.example"));
	put(b->other, HEAD LINE("0000", "10.0.0.2", "bad.example"));
	assert_int_equal(watch(b, (struct sensor_options){0}, sources, 3), OK);
	assert_int_equal(b->report.findings, 2);
	assert_int_equal(b->report.problems, 1);
	assert_non_null(strstr(b->report.first_problem, "/nowhere/at/all"));
	/* what is no log is told, the others are read */
	put(b->other, "\x01\x02\x03 nothing that is known\n");
	assert_int_equal(watch(b, (struct sensor_options){0}, sources, 3), OK);
	assert_int_equal(b->report.findings, 1);
	assert_int_equal(b->report.problems, 2);
}

static void test_refused(void **state)
{
	struct bench *b = *state;
	const char *sources[] = {b->log}, *noise[] = {"/nowhere/at/all"};

	put(b->log, HEAD);
	assert_int_equal(watch(b, (struct sensor_options){0}, sources, 1), OK);
	assert_int_not_equal(
		watch(b, (struct sensor_options){.noise = noise, .noise_count = 1}, sources, 1),
		OK);
	put(b->index, "no index");
	assert_int_not_equal(watch(b, (struct sensor_options){0}, sources, 1), OK);
}

struct said {
	unsigned good, bad;
};

static void say(void *context, const char *step, bool good)
{
	struct said *s = context;

	assert_non_null(step);
	*(good ? &s->good : &s->bad) += 1;
}

/* The sensor's own test goes through a log and a capture. */
static void test_self(void **state)
{
	struct bench *b = *state;
	const struct sensor_options o = {.world = &b->world.world, .index = b->index};
	struct said said = {0};

	assert_int_equal(sensor_self_test(&o, say, &said, &b->e), OK);
	assert_int_equal(said.good, 3);
	assert_int_equal(said.bad, 0);
	put(b->index, "no index");
	assert_int_not_equal(sensor_self_test(&o, say, &said, &b->e), OK);
	assert_int_equal(said.bad, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_joined, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_record, setup, teardown),
		cmocka_unit_test_setup_teardown(test_validity, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pattern, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sources, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_self, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
