/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A new index is asked of the history by itself: what is new is found in lines that were read long
 * before, is told as history with segment and line, and once, however often the sensor is killed
 * meanwhile. What was known before is not told again.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sensor/sensor.h"
#include "sensor_scene.h"
#include "json/json.h"

#define WAIT_SECONDS 25 /* what a slow machine needs in the worst case; usually two seconds */
#define FILES        55 /* fewer than SENSOR_RATE_MAX: each has a finding of one indicator */
#define FILE_LINES   1000
#define LONG_LINES   30000 /* so many that a hunt takes a while: it is to be killed half way */
#define PLANTED      3     /* lines of each file with a name that comes into the index later */
#define KILLS        12

static const char header[] = "#separator \\x09\n#path\tdns\n"
			     "#fields\tts\tid.orig_h\tid.resp_h\tquery\n"
			     "#types\ttime\taddr\taddr\tstring\n";

struct scene {
	char folder[64], logs[80], index[80], state[80], findings[80], errors[80];
	bool no_hunt;
	pid_t pid;
};

/* A finding of the history, by what it must say. */
struct past {
	char host[32];
	int64_t line;
	unsigned times;
};

static void scene_make(struct scene *s)
{
	*s = (struct scene){0};
	scene_folder(s->folder);
	snprintf(s->logs, sizeof(s->logs), "%s/logs", s->folder);
	snprintf(s->index, sizeof(s->index), "%s/index", s->folder);
	snprintf(s->state, sizeof(s->state), "%s/state", s->folder);
	snprintf(s->findings, sizeof(s->findings), "%s/findings", s->folder);
	snprintf(s->errors, sizeof(s->errors), "%s/errors", s->folder);
	MUST(folder_make(s->logs, 0700, e));
}

static void start(struct scene *s)
{
	const char *args[] = {"serai", "watch", "--no-gate", "--form", "ecs", "--history",
		"--index", s->index, "--state", s->state, "--output", s->findings, s->logs,
		s->no_hunt ? "--no-hunt" : NULL, NULL};

	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		int fd = open(s->errors, O_WRONLY | O_CREAT | O_APPEND, 0600);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execv(SERAI_PROGRAM, (char **)(uintptr_t)args);
		_exit(127);
	}
}

static int end(struct scene *s, int with)
{
	int status;

	kill(s->pid, with);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	s->pid = 0;
	return status;
}

static void fail_with_errors(struct scene *s, const char *what)
{
	struct buf text = BUF_INIT;

	if (file_read(s->errors, MIB(1), &text, NULL) == OK)
		print_error("%.*s\n", SLICE_ARG(buf_slice(&text)));
	buf_fini(&text);
	fail_msg("%s", what);
}

/* Findings of the file: those of the history go to `past` (each must say its segment and line); how
 * many others there are. */
static size_t findings_read(struct scene *s, struct past *past, size_t past_max, size_t *ret_past)
{
	struct json_parser *p = json_parser_new(MIB(1));
	struct buf text = BUF_INIT;
	struct slice rest, line;
	size_t others = 0;

	assert_non_null(p);
	*ret_past = 0;
	if (access(s->findings, F_OK) == 0)
		MUST(file_read(s->findings, MIB(64), &text, e));
	while (text.len > 0 && text.data[text.len - 1] != '\n')
		text.len--;
	rest = buf_slice(&text);
	while (rest.len > 0 && slice_next(&rest, '\n', &line)) {
		struct json_doc doc;
		struct json_value v, history, number;
		struct past one = {.times = 1};
		int64_t first = 0, records = 0;
		size_t i;

		MUST(json_parse(p, line, &doc, e));
		v = json_root(&doc);
		if (!json_get(v, "history", &history)) {
			others++;
			continue;
		}
		assert_true(slice_ends(json_get_string(history, "segment"), SLICE(".hunt")));
		assert_true(
			json_get(history, "first_record", &number) && json_to_i64(number, &first));
		assert_true(json_get(history, "records", &number) && json_to_i64(number, &records));
		assert_true(json_get(v, "line", &number) && json_to_i64(number, &one.line));
		assert_in_range(one.line, first, first + records - 1);
		assert_true(slice_ends(json_get_string(v, "value"), SLICE(".later.com")));
		assert_true(slice_is(json_get_string(v, "indicator"), "later.com"));
		snprintf(one.host, sizeof(one.host), "%.*s", SLICE_ARG(json_get_string(v, "host")));
		for (i = 0; i < *ret_past && strcmp(past[i].host, one.host) != 0; i++)
			;
		if (i < *ret_past) {
			past[i].times++;
			continue;
		}
		assert_true(*ret_past < past_max);
		past[(*ret_past)++] = one;
	}
	json_parser_free(p);
	buf_fini(&text);
	return others;
}

static bool is_there(const struct scene *s, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", s->state, name);
	return access(path, F_OK) == 0;
}

/* The hunt of the index at hand is over: what was asked is kept under its digest. */
static bool is_asked(const struct scene *s)
{
	char path[128];
	struct buf asked = BUF_INIT;
	struct index *x = NULL;
	struct index_info info;
	bool same;

	snprintf(path, sizeof(path), "%s/hunt/asked", s->state);
	MUST(index_open(s->index, &(struct index_options){0}, &x, e));
	index_info(x, &info);
	same = file_read(path, MIB(1), &asked, NULL) == OK && asked.len > 72 &&
	       memcmp(asked.data + 40, info.digest, SHA256_LEN) == 0 &&
	       !is_there(s, "hunt/asked.new");
	buf_fini(&asked);
	index_close(x);
	return same;
}

static void wait_for(struct scene *s, bool (*is)(const struct scene *s), const char *what)
{
	int64_t deadline = scene_deadline(WAIT_SECONDS);

	for (; !is(s); scene_breathe()) {
		if (scene_over(deadline))
			fail_with_errors(s, what);
		if (s->pid != 0 && waitpid(s->pid, NULL, WNOHANG) == s->pid)
			fail_with_errors(s, "the sensor ended by itself");
	}
}

/* All lines were read, and a checkpoint says so. */
static bool is_read(const struct scene *s)
{
	struct past past[FILES * PLANTED + 8];
	size_t count;

	return is_there(s, "state") &&
	       findings_read((struct scene *)(uintptr_t)s, past, COUNT_OF(past), &count) >= FILES;
}

static bool is_hunting(const struct scene *s)
{
	return is_there(s, "hunt/asked.new");
}

/* FILES logs: each with one name that is known from the beginning, at its end, and PLANTED that
 * come later. Every planted line from another host. */
static void logs_write(struct scene *s, unsigned lines)
{
	for (unsigned f = 0; f < FILES; f++) {
		struct buf text = BUF_INIT;
		char path[128];

		buf_text(&text, header);
		for (unsigned i = 0; i < lines; i++) {
			unsigned place = i / (lines / (PLANTED + 1));

			if (place > 0 && place <= PLANTED && i % (lines / (PLANTED + 1)) == 0)
				buf_printf(&text,
					"17900%05u.000000\t10.1.%u.%u\t10.255.0.53\tw%u.later."
					"com\n",
					i, f, place, i);
			else
				buf_printf(&text,
					"17900%05u.000000\t10.9.9.9\t10.255.0.53\twww.quiet%u."
					"org\n",
					i, i % 977);
		}
		buf_printf(&text, "1790099999.000000\t10.2.%u.1\t10.255.0.53\tx.bad.com\n", f);
		snprintf(path, sizeof(path), "%s/dns%03u.log", s->logs, f);
		scene_put(path, buf_slice(&text));
		buf_fini(&text);
	}
}

static void index_make(struct scene *s, const char *lines)
{
	char beside[128];

	snprintf(beside, sizeof(beside), "%s.new", s->index);
	scene_index(beside, slice_of(lines));
	assert_int_equal(rename(beside, s->index), 0);
}

/* Each planted line once; *ret_twice: told more often. */
static size_t past_check(struct scene *s, size_t *ret_twice)
{
	struct past past[FILES * PLANTED + 8];
	size_t count, others = findings_read(s, past, COUNT_OF(past), &count);

	*ret_twice = 0;
	for (size_t i = 0; i < count; i++)
		*ret_twice += past[i].times > 1;
	/* what the first index found was told when it was read, and never again */
	assert_int_equal(others, FILES);
	return count;
}

static size_t past_count(struct scene *s)
{
	struct past past[FILES * PLANTED + 8];
	size_t count;

	(void)findings_read(s, past, COUNT_OF(past), &count);
	return count;
}

static void wait_some_us(unsigned us)
{
	(void)nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
}

static void test_asked_by_itself(void **state)
{
	struct scene s;
	size_t twice;

	(void)state;
	scene_make(&s);
	logs_write(&s, FILE_LINES);
	index_make(&s, "bad.com\n");
	start(&s);
	wait_for(&s, is_read, "the logs were not read");
	wait_for(&s, is_asked, "the first index was not asked");
	assert_int_equal(past_check(&s, &twice), 0);
	index_make(&s, "bad.com\nlater.com\nnever.example\n");
	wait_for(&s, is_asked, "the second index was not asked");
	assert_int_equal(past_check(&s, &twice), FILES * PLANTED);
	assert_int_equal(twice, 0);
	/* nothing new: nothing is told, over a restart too */
	assert_int_equal(WEXITSTATUS(end(&s, SIGTERM)), 0);
	index_make(&s, "never.example\nlater.com\nbad.com\n");
	start(&s);
	wait_for(&s, is_asked, "the third index was not asked");
	assert_int_equal(past_check(&s, &twice), FILES * PLANTED);
	assert_int_equal(twice, 0);
	assert_true(WIFEXITED(end(&s, SIGTERM)));
	scene_remove(s.folder);
}

static void test_switched_off(void **state)
{
	struct scene s;

	(void)state;
	scene_make(&s);
	s.no_hunt = true;
	logs_write(&s, FILE_LINES);
	index_make(&s, "bad.com\n");
	start(&s);
	wait_for(&s, is_read, "the logs were not read");
	end(&s, SIGTERM);
	index_make(&s, "bad.com\nlater.com\n");
	start(&s);
	/* something that is told with the new index for certain */
	{
		char path[128];

		snprintf(path, sizeof(path), "%s/dns000.log", s.logs);
		scene_append(
			path, SLICE("1790099999.000000\t10.3.0.1\t10.255.0.53\ty.later.com\n"));
	}
	for (int64_t deadline = scene_deadline(WAIT_SECONDS);;) {
		struct past past[8];
		size_t count;

		if (findings_read(&s, past, COUNT_OF(past), &count) > FILES)
			break;
		assert_false(scene_over(deadline));
		scene_breathe();
	}
	assert_false(is_there(&s, "hunt"));
	end(&s, SIGTERM);
	{
		struct past past[8];
		size_t count;

		assert_int_equal(findings_read(&s, past, COUNT_OF(past), &count), FILES + 1);
		assert_int_equal(count, 0);
	}
	scene_remove(s.folder);
}

/* Killed again and again while the history is asked. */
static void test_killed_between(void **state)
{
	struct scene s;
	unsigned between = 0, halfway = 0;
	size_t twice;

	(void)state;
	scene_make(&s);
	logs_write(&s, LONG_LINES);
	index_make(&s, "bad.com\n");
	start(&s);
	wait_for(&s, is_read, "the logs were not read");
	wait_for(&s, is_asked, "the first index was not asked");
	index_make(&s, "bad.com\nlater.com\n");
	for (unsigned k = 0; k < KILLS; k++) {
		uint32_t r;
		size_t count;

		if (k == 0)
			wait_for(&s, is_hunting, "no hunt began");
		world_real()->random(world_real()->context, &r, sizeof(r));
		/* from at once on; every second time as soon as something more was told */
		wait_some_us(r % 60000);
		for (int64_t deadline = scene_deadline(2), before = (int64_t)past_count(&s);
			k % 2 == 1 && (int64_t)past_count(&s) == before && !is_asked(&s) &&
			!scene_over(deadline);
			scene_breathe())
			;
		end(&s, SIGKILL);
		between += !is_asked(&s);
		count = past_count(&s);
		halfway += count > 0 && count < FILES * PLANTED;
		start(&s);
	}
	wait_for(&s, is_asked, "the second index was not asked");
	assert_int_equal(past_check(&s, &twice), FILES * PLANTED);
	print_message("%u kills, %u of them while the history was asked, %u with a part of its "
		      "findings told: %u findings, %zu twice\n",
		KILLS, between, halfway, FILES * PLANTED, twice);
	assert_int_equal(twice, 0);
	assert_true(between > 0);
	assert_true(WIFEXITED(end(&s, SIGTERM)));
	scene_remove(s.folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked_by_itself),
		cmocka_unit_test(test_switched_off),
		cmocka_unit_test(test_killed_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
