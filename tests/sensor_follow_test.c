/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Files that are followed: they grow, are renamed, copied and cut short, deleted and begun anew;
 * the index is replaced while they do. Each step plants a name that no other step has, and waits
 * until it is told: nothing is missed, nothing told twice.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sensor/sensor.h"
#include "sensor_scene.h"

#define WAIT_SECONDS 20 /* what a slow machine needs in the worst case; usually milliseconds */

static const char header[] = "#separator \\x09\n#path\tdns\n"
			     "#fields\tts\tid.orig_h\tid.resp_h\tquery\n"
			     "#types\ttime\taddr\taddr\tstring\n";

struct scene {
	char folder[64], logs[96], log[128], index[96], state[96], findings[96];
	struct sensor_options options;
	const char *sources[1];
	pthread_t thread;
	volatile sig_atomic_t stop, reload;
	struct sensor_report report;
	enum err_kind kind;
	struct err e;
	bool running;
	unsigned lines;
	struct scene_findings told;
};

static void *watch_body(void *context)
{
	struct scene *s = context;

	s->kind = sensor_watch(&s->options, &s->report, &s->e);
	return NULL;
}

static void start(struct scene *s)
{
	s->stop = 0;
	assert_int_equal(pthread_create(&s->thread, NULL, watch_body, s), 0);
	s->running = true;
}

static void stop(struct scene *s)
{
	s->stop = 1;
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	s->running = false;
	if (s->kind != OK)
		fail_msg("the sensor failed: %s", s->e.text);
}

/* A name for each step: NAME.bad.com is in the index by its parent, NAME.later.com is not yet. */
static void scene_make(struct scene *s, bool follow_folder)
{
	*s = (struct scene){0};
	scene_folder(s->folder);
	snprintf(s->logs, sizeof(s->logs), "%s/logs", s->folder);
	snprintf(s->log, sizeof(s->log), "%s/dns.log", s->logs);
	snprintf(s->index, sizeof(s->index), "%s/index", s->folder);
	snprintf(s->state, sizeof(s->state), "%s/state", s->folder);
	snprintf(s->findings, sizeof(s->findings), "%s/findings", s->folder);
	MUST(folder_make(s->logs, 0700, e));
	scene_index(s->index, SLICE("bad.com\n"));
	s->sources[0] = follow_folder ? s->logs : s->log;
	s->options = (struct sensor_options){.index = s->index,
		.sources = s->sources,
		.sources_count = 1,
		.state = s->state,
		.no_gate = true,
		.output = SENSOR_ECS,
		.findings = s->findings,
		.site = "scene",
		.world = world_real(),
		.stop = &s->stop,
		.reload = &s->reload};
}

static void scene_end(struct scene *s)
{
	if (s->running)
		stop(s);
	scene_findings_free(&s->told);
	scene_remove(s->folder);
}

static void line_text(struct scene *s, const char *name, char ret_line[160])
{
	/* each line from another host: a pair of its own */
	snprintf(ret_line, 160, "17900%05u.000000\t10.0.%u.%u\t10.255.0.53\t%s\n", s->lines,
		s->lines / 250, s->lines % 250 + 1, name);
	s->lines++;
}

static void add(struct scene *s, const char *path, const char *name)
{
	char line[160];

	line_text(s, name, line);
	scene_append(path, slice_of(line));
}

static void begin(struct scene *s, const char *path, const char *name)
{
	scene_put(path, SLICE(header));
	add(s, path, name);
}

/* Until it is told, from the file of findings at `path`. */
static void expect_in(struct scene *s, struct scene_findings *f, const char *path, const char *name)
{
	int64_t deadline = scene_deadline(WAIT_SECONDS);

	for (;;) {
		scene_findings_read(f, path);
		if (scene_count(f, name) > 0)
			break;
		if (scene_over(deadline)) {
			s->stop = 1;
			pthread_join(s->thread, NULL);
			fail_msg("%s was not told in %u s", name, WAIT_SECONDS);
		}
		scene_breathe();
	}
}

static void expect(struct scene *s, const char *name)
{
	expect_in(s, &s->told, s->findings, name);
}

/* After the end: each of them once, nothing else. */
static void expect_all(struct scene *s, const char *const *names, size_t count)
{
	size_t first = 0;

	scene_findings_read(&s->told, s->findings);
	for (size_t i = 0; i < count; i++) {
		if (scene_count(&s->told, names[i]) != 1)
			fail_msg(
				"%s was told %zu times", names[i], scene_count(&s->told, names[i]));
	}
	for (size_t i = 0; i < s->told.count; i++)
		first += !s->told.rows[i].update;
	assert_int_equal(first, count);
}
#define EXPECT_ALL(s, ...)                                                                         \
	do {                                                                                       \
		static const char *const names_[] = {__VA_ARGS__};                                 \
		expect_all((s), names_, COUNT_OF(names_));                                         \
	} while (0)

static char *beside(const struct scene *s, const char *name)
{
	static char path[192];

	snprintf(path, sizeof(path), "%s/%s", s->logs, name);
	return path;
}

/* ---- what files go through ------------------------------------------------------------------- */

static void test_grows_and_is_renamed(void **state)
{
	struct scene s;

	(void)state;
	scene_make(&s, false);
	begin(&s, s.log, "there-before.bad.com");
	start(&s);
	expect(&s, "there-before.bad.com");
	add(&s, s.log, "good.org");
	add(&s, s.log, "appended.bad.com");
	expect(&s, "appended.bad.com");

	/* The writer goes on in the renamed file for a while, then begins a new one. */
	assert_int_equal(rename(s.log, beside(&s, "dns.log.1")), 0);
	add(&s, beside(&s, "dns.log.1"), "into-the-renamed.bad.com");
	begin(&s, s.log, "into-the-new.bad.com");
	expect(&s, "into-the-renamed.bad.com");
	expect(&s, "into-the-new.bad.com");
	add(&s, beside(&s, "dns.log.1"), "late.bad.com");
	expect(&s, "late.bad.com");

	/* Twice in a moment: nobody saw the one between under its first name. */
	assert_int_equal(rename(s.log, beside(&s, "dns.log.2")), 0);
	begin(&s, s.log, "between.bad.com");
	assert_int_equal(rename(s.log, beside(&s, "dns.log.3")), 0);
	begin(&s, s.log, "behind.bad.com");
	expect(&s, "between.bad.com");
	expect(&s, "behind.bad.com");
	stop(&s);
	EXPECT_ALL(&s, "there-before.bad.com", "appended.bad.com", "into-the-renamed.bad.com",
		"into-the-new.bad.com", "late.bad.com", "between.bad.com", "behind.bad.com");
	scene_end(&s);
}

static void copy(const char *from, const char *to)
{
	struct buf text = BUF_INIT;

	MUST(file_read(from, MIB(16), &text, e));
	scene_put(to, buf_slice(&text));
	buf_fini(&text);
}

static void test_copied_and_cut_short(void **state)
{
	struct scene s;

	(void)state;
	scene_make(&s, false);
	begin(&s, s.log, "one.bad.com");
	for (unsigned i = 0; i < 100; i++)
		add(&s, s.log, "good.org");
	add(&s, s.log, "two.bad.com");
	start(&s);
	expect(&s, "two.bad.com");
	copy(s.log, beside(&s, "dns.log.1"));
	assert_int_equal(truncate(s.log, 0), 0);
	begin(&s, s.log, "three.bad.com");
	expect(&s, "three.bad.com");

	/* Again, and the new text is longer than what was read: its first bytes tell. */
	assert_int_equal(truncate(s.log, 0), 0);
	{
		struct buf text = BUF_INIT;
		char line[160];

		buf_text(&text, "#separator \\x09\n#path\tother\n"
				"#fields\tts\tid.orig_h\tid.resp_h\tquery\n"
				"#types\ttime\taddr\taddr\tstring\n");
		for (unsigned i = 0; i < 3000; i++) {
			line_text(&s, i == 1 ? "four.bad.com" : "good.org", line);
			buf_text(&text, line);
		}
		scene_put(s.log, buf_slice(&text));
		buf_fini(&text);
	}
	expect(&s, "four.bad.com");
	add(&s, s.log, "five.bad.com");
	expect(&s, "five.bad.com");
	stop(&s);
	EXPECT_ALL(
		&s, "one.bad.com", "two.bad.com", "three.bad.com", "four.bad.com", "five.bad.com");
	scene_end(&s);
}

static void test_deleted_and_begun_anew(void **state)
{
	struct scene s;

	(void)state;
	scene_make(&s, false);
	start(&s); /* before there is anything */
	begin(&s, s.log, "first.bad.com");
	expect(&s, "first.bad.com");
	assert_int_equal(unlink(s.log), 0);
	begin(&s, s.log, "second.bad.com");
	expect(&s, "second.bad.com");
	stop(&s);
	EXPECT_ALL(&s, "first.bad.com", "second.bad.com");
	scene_end(&s);
}

static void test_half_lines(void **state)
{
	struct scene s;
	char line[160];

	(void)state;
	scene_make(&s, false);
	/* not even the header is whole */
	scene_put(s.log, SLICE("#separator \\x0"));
	start(&s);
	scene_append(s.log, SLICE("9\n#path\tdns\n#fields\tts\tid.orig_h\tid."));
	scene_append(s.log, SLICE("resp_h\tquery\n#types\ttime\taddr\taddr\tstring\n"));
	add(&s, s.log, "whole.bad.com");
	expect(&s, "whole.bad.com");
	/* A name that would be another one, were it read too early: bad.com.org is not in the
	 * index. */
	line_text(&s, "cut.bad.com.org", line);
	scene_append(s.log, slice_cut(slice_of(line), 0, strlen(line) - 5));
	line_text(&s, "half.bad.com", line);
	scene_append(s.log, SLICE(".org\n"));
	scene_append(s.log, slice_cut(slice_of(line), 0, 40));
	scene_append(s.log, slice_cut(slice_of(line), 40, sizeof(line)));
	expect(&s, "half.bad.com");
	stop(&s);
	EXPECT_ALL(&s, "whole.bad.com", "half.bad.com");
	scene_end(&s);
}

static void test_folder(void **state)
{
	struct scene s;

	(void)state;
	scene_make(&s, true);
	begin(&s, beside(&s, "a.log"), "a.bad.com");
	start(&s);
	expect(&s, "a.bad.com");
	begin(&s, beside(&s, "b.log"), "b.bad.com");
	expect(&s, "b.bad.com");
	/* Packed files are what was read while it was written. */
	scene_put(beside(&s, "a.1.log.gz"), SLICE("\x1f\x8b\x08\0\0\0\0\0\0\3"));
	scene_put(beside(&s, "a.2.log.zst"), SLICE("\x28\xb5\x2f\xfd\x04\x58"));
	scene_put(beside(&s, ".hidden"), SLICE("hidden.bad.com\n"));
	{
		char from[192], to[192];

		snprintf(from, sizeof(from), "%s/a.log", s.logs);
		snprintf(to, sizeof(to), "%s/a.2026-11-23.log", s.logs);
		assert_int_equal(rename(from, to), 0);
		add(&s, to, "renamed.bad.com");
		begin(&s, from, "again.bad.com");
	}
	expect(&s, "renamed.bad.com");
	expect(&s, "again.bad.com");
	stop(&s);
	assert_int_equal(s.report.problems, 0);
	EXPECT_ALL(&s, "a.bad.com", "b.bad.com", "renamed.bad.com", "again.bad.com");
	scene_end(&s);
}

/* ---- restarts -------------------------------------------------------------------------------- */

static void test_places_are_kept(void **state)
{
	struct scene s;

	(void)state;
	scene_make(&s, false);
	begin(&s, s.log, "one.bad.com");
	start(&s);
	expect(&s, "one.bad.com");
	stop(&s);
	add(&s, s.log, "while-away.bad.com");
	assert_int_equal(rename(s.log, beside(&s, "dns.log.1")), 0);
	begin(&s, s.log, "new-while-away.bad.com");
	start(&s);
	expect(&s, "while-away.bad.com");
	expect(&s, "new-while-away.bad.com");
	stop(&s);
	assert_int_equal(s.report.findings, 2);
	/* and nothing again when nothing came */
	start(&s);
	add(&s, s.log, "last.bad.com");
	expect(&s, "last.bad.com");
	stop(&s);
	assert_int_equal(s.report.hits, 1);
	EXPECT_ALL(
		&s, "one.bad.com", "while-away.bad.com", "new-while-away.bad.com", "last.bad.com");
	scene_end(&s);
}

/* ---- the index and the findings file --------------------------------------------------------- */

/* Lines with the old indicator come all the while; the new one is added until it is told, as nobody
 * knows when the new index is taken. */
static void test_index_replaced(void **state)
{
	struct scene s;
	char name[64];
	unsigned steady = 0;
	int64_t deadline;

	(void)state;
	scene_make(&s, false);
	begin(&s, s.log, "early.later.com"); /* not in the index yet */
	start(&s);
	add(&s, s.log, "old.bad.com");
	expect(&s, "old.bad.com");
	scene_index(s.index, SLICE("bad.com\nlater.com\n"));
	deadline = scene_deadline(WAIT_SECONDS);
	do {
		snprintf(name, sizeof(name), "s%u.bad.com", steady++);
		add(&s, s.log, name);
		add(&s, s.log, "x.later.com");
		scene_breathe();
		scene_findings_read(&s.told, s.findings);
		assert_false(scene_over(deadline));
	} while (scene_count(&s.told, "x.later.com") == 0);
	/* nothing was missed meanwhile */
	for (unsigned i = 0; i < steady && i < SENSOR_RATE_MAX - 1; i++) {
		snprintf(name, sizeof(name), "s%u.bad.com", i);
		expect(&s, name);
	}
	stop(&s);
	assert_int_equal(s.report.reloads, 1);
	scene_end(&s);
}

static void test_bad_index_is_refused(void **state)
{
	struct scene s;
	char beside_index[128];
	int64_t deadline;

	(void)state;
	scene_make(&s, false);
	begin(&s, s.log, "one.bad.com");
	start(&s);
	expect(&s, "one.bad.com");
	/* renamed into place as the tools do: the old one stays mapped */
	snprintf(beside_index, sizeof(beside_index), "%s.new", s.index);
	scene_put(beside_index, SLICE("this is no index"));
	assert_int_equal(rename(beside_index, s.index), 0);
	add(&s, s.log, "two.bad.com");
	expect(&s, "two.bad.com");
	/* Until it was looked at for certain: a good one behind it is taken. */
	s.reload = !s.reload;
	deadline = scene_deadline(2);
	while (!scene_over(deadline))
		scene_breathe();
	add(&s, s.log, "three.bad.com");
	expect(&s, "three.bad.com");
	scene_index(s.index, SLICE("later.com\n"));
	deadline = scene_deadline(WAIT_SECONDS);
	do {
		add(&s, s.log, "x.later.com");
		scene_breathe();
		scene_findings_read(&s.told, s.findings);
		assert_false(scene_over(deadline));
	} while (scene_count(&s.told, "x.later.com") == 0);
	stop(&s);
	assert_int_equal(s.report.reloads, 1);
	scene_end(&s);
}

static void test_findings_file_renamed(void **state)
{
	struct scene s;
	struct scene_findings fresh = {0};
	char old[128];
	int64_t deadline = scene_deadline(WAIT_SECONDS);

	(void)state;
	scene_make(&s, false);
	begin(&s, s.log, "one.bad.com");
	start(&s);
	expect(&s, "one.bad.com");
	snprintf(old, sizeof(old), "%s.1", s.findings);
	assert_int_equal(rename(s.findings, old), 0);
	s.reload = !s.reload;
	while (access(s.findings, F_OK) != 0) {
		assert_false(scene_over(deadline));
		scene_breathe();
	}
	add(&s, s.log, "two.bad.com");
	expect_in(&s, &fresh, s.findings, "two.bad.com");
	assert_int_equal(scene_count(&fresh, "one.bad.com"), 0);
	stop(&s);
	scene_findings_free(&fresh);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows_and_is_renamed),
		cmocka_unit_test(test_copied_and_cut_short),
		cmocka_unit_test(test_deleted_and_begun_anew),
		cmocka_unit_test(test_half_lines),
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_places_are_kept),
		cmocka_unit_test(test_index_replaced),
		cmocka_unit_test(test_bad_index_is_refused),
		cmocka_unit_test(test_findings_file_renamed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
