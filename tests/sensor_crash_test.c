/* SPDX-License-Identifier: MPL-2.0 */
/*
 * kill -9 while a log is followed that is written as fast as it goes and renamed again and again:
 * every planted pair of indicator and host is told, and none twice, but for what was told within
 * the stated window before a kill.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sensor/sensor.h"
#include "sensor_scene.h"

#define KILLS          50
#define INDICATORS     3000
#define LINES_A_KILL   60000 /* what may be written until the next kill */
#define ROTATE_LINES   20000
#define PLANT_EVERY    500   /* lines */
#define CHUNK_BYTES    60000 /* of one write: lines are cut anywhere */
#define SHORT_DELAY_US 300000
/* every fifth kill comes late enough that a checkpoint may lie before it */
#define LONG_EVERY    5
#define LONG_DELAY_US 3400000
#define ALL_SECONDS   25
/* a busy machine writes later than it meant to */
#define LATE_US (800 * US_PER_SECOND / 1000)

struct shared {
	volatile uint64_t lines_allowed, planted, rotations, bytes;
	volatile int over;
};

static unsigned random_below(unsigned n)
{
	uint32_t r;
	const struct world *w = world_real();

	w->random(w->context, &r, sizeof(r));
	return r % n;
}

/* The kill must come at a moment nobody chose. */
static void wait_some_us(unsigned us)
{
	struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

/* ---- the writer ------------------------------------------------------------------------------ */

static const char header[] = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n"
			     "#unset_field\t-\n#path\tdns\n#open\t%llu\n"
			     "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tquery\n"
			     "#types\ttime\tstring\taddr\tport\taddr\tport\tstring\n";

static void pair_host(uint64_t k, char ret_host[32])
{
	snprintf(ret_host, 32, "10.%u.%u.%u", (unsigned)(k >> 16 & 255), (unsigned)(k >> 8 & 255),
		(unsigned)(k & 255));
}

static void flush(int fd, struct buf *out, bool all, struct shared *s)
{
	size_t at = 0;

	while (out->len - at >= CHUNK_BYTES || (all && at < out->len)) {
		size_t want = out->len - at < CHUNK_BYTES ? out->len - at : CHUNK_BYTES;
		ssize_t n = write(fd, out->data + at, want);

		if (n <= 0)
			_exit(3);
		at += (size_t)n;
		s->bytes += (uint64_t)n;
	}
	memmove(out->data, out->data + at, out->len - at);
	out->len -= at;
}

static void line_put(struct buf *out, uint64_t line, uint64_t pair, bool planted)
{
	char host[32] = "192.168.1.1";

	if (planted)
		pair_host(pair, host);
	buf_printf(out, "%llu.%06llu\tC%llu\t%s\t%llu\t10.255.255.53\t53\t",
		(unsigned long long)(1790000000 + line / 1000),
		(unsigned long long)(line % 1000 * 1000), (unsigned long long)line, host,
		(unsigned long long)(1024 + line % 60000));
	if (planted)
		buf_printf(out, "h%llu.evil%04llu.com\n", (unsigned long long)(line % 7),
			(unsigned long long)(pair % INDICATORS));
	else
		buf_printf(out, "www.quiet%llu.org\n", (unsigned long long)(line % 9973));
}

static void write_until_over(const char *log, struct shared *s)
{
	struct buf out = BUF_INIT;
	uint64_t line = 0, pairs = 0;
	int fd = -1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (; !s->over; line++) {
		if (line % ROTATE_LINES == 0) {
			char name[192];

			if (fd >= 0) {
				flush(fd, &out, true, s);
				close(fd);
				s->rotations++;
				snprintf(name, sizeof(name), "%s.%llu", log,
					(unsigned long long)s->rotations);
				if (rename(log, name) != 0)
					_exit(4);
			}
			fd = open(log, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
			if (fd < 0)
				_exit(5);
			buf_printf(&out, header, (unsigned long long)line);
		}
		if (line == s->lines_allowed) {
			flush(fd, &out, true, s);
			while (!s->over && line == s->lines_allowed)
				scene_breathe();
		}
		if (line % PLANT_EVERY == 7) {
			line_put(&out, line, pairs, true);
			pairs++;
		} else if (line % (3 * PLANT_EVERY) == 11 && pairs > 40) {
			line_put(&out, line, pairs - 40, true); /* once more: no new finding */
		} else {
			line_put(&out, line, 0, false);
		}
		flush(fd, &out, false, s);
		s->planted = pairs;
	}
	flush(fd, &out, true, s);
	_exit(0);
}

/* ---- the sensor ------------------------------------------------------------------------------ */

static int sensor_start(const char *folder, const char *log)
{
	char index[96], state[96], findings[96], errors[96];
	int pid;

	snprintf(index, sizeof(index), "%s/index", folder);
	snprintf(state, sizeof(state), "%s/state", folder);
	snprintf(findings, sizeof(findings), "%s/findings", folder);
	snprintf(errors, sizeof(errors), "%s/errors", folder);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = open(errors, O_WRONLY | O_CREAT | O_APPEND, 0600);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execl(SERAI_PROGRAM, "serai", "watch", "--index", index, "--state", state,
			"--output", findings, "--no-gate", log, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static bool has_looked(const char *folder)
{
	char path[96];
	struct buf text = BUF_INIT;
	bool looked;

	snprintf(path, sizeof(path), "%s/state/state", folder);
	looked = file_read(path, MIB(1), &text, NULL) == OK &&
		 slice_find_text(buf_slice(&text), SLICE("\ncommit ")) < text.len;
	buf_fini(&text);
	return looked;
}

static void errors_show(const char *folder)
{
	char path[96];
	struct buf text = BUF_INIT;

	snprintf(path, sizeof(path), "%s/errors", folder);
	if (file_read(path, MIB(1), &text, NULL) == OK)
		print_error("%.*s\n", SLICE_ARG(buf_slice(&text)));
	buf_fini(&text);
}

/* ---- what was told --------------------------------------------------------------------------- */

struct told {
	unsigned times;
	int64_t first_us, second_us;
};

/* The run that told it: so many kills came before. */
static size_t run_of(int64_t told_us, const int64_t kills[KILLS])
{
	size_t run = 0;

	while (run < KILLS && kills[run] < told_us)
		run++;
	return run;
}

/* Told again rightly: by a later run, when the first was killed before it had to keep its place. */
static bool within_window(const struct told *t, const int64_t kills[KILLS])
{
	size_t run = run_of(t->first_us, kills);

	return run < KILLS && run_of(t->second_us, kills) > run &&
	       kills[run] - t->first_us <= SENSOR_CHECKPOINT_US + LATE_US;
}

/* The pair that a finding speaks of. */
static uint64_t pair_of(const struct scene_finding *f, uint64_t planted)
{
	unsigned a, b, c, number;
	uint64_t pair;

	if (sscanf(f->host, "10.%u.%u.%u", &a, &b, &c) != 3 ||
		sscanf(f->indicator, "evil%u.com", &number) != 1)
		fail_msg("a finding that was not planted: %s at %s", f->indicator, f->host);
	pair = (uint64_t)a << 16 | b << 8 | c;
	if (pair >= planted || pair % INDICATORS != number)
		fail_msg("a pair that was not planted: %s at %s", f->indicator, f->host);
	return pair;
}

static uint64_t pairs_told(
	const struct scene_findings *f, struct told *told, size_t *from, uint64_t planted)
{
	uint64_t count = 0;

	for (; *from < f->count; (*from)++) {
		const struct scene_finding *row = &f->rows[*from];
		struct told *t;

		if (row->update)
			continue;
		t = &told[pair_of(row, planted)];
		if (t->times++ == 0) {
			t->first_us = row->created_us;
			count++;
		} else if (t->times == 2) {
			t->second_us = row->created_us;
		}
	}
	return count;
}

static void indicators_make(const char *folder)
{
	char path[96];
	struct buf lines = BUF_INIT;

	for (unsigned i = 0; i < INDICATORS; i++)
		buf_printf(&lines, "evil%04u.com\n", i);
	snprintf(path, sizeof(path), "%s/index", folder);
	scene_index(path, buf_slice(&lines));
	buf_fini(&lines);
}

static void test_killed_while_following(void **state)
{
	const uint64_t pairs_max = (uint64_t)(KILLS + 1) * LINES_A_KILL / PLANT_EVERY + 1;
	struct told *told = calloc(pairs_max, sizeof(*told));
	struct shared *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct scene_findings findings = {0};
	char folder[64], logs[96], log[128], path[96];
	int64_t kills[KILLS], began = world_monotonic(world_real()), deadline;
	uint64_t count = 0, twice = 0, outside = 0;
	size_t looked = 0;
	int writer, sensor, status;

	(void)state;
	assert_non_null(told);
	assert_true(s != MAP_FAILED);
	scene_folder(folder);
	snprintf(logs, sizeof(logs), "%s/logs", folder);
	snprintf(log, sizeof(log), "%s/dns.log", logs);
	snprintf(path, sizeof(path), "%s/findings", folder);
	MUST(folder_make(logs, 0700, e));
	indicators_make(folder);
	writer = fork();
	assert_true(writer >= 0);
	if (writer == 0)
		write_until_over(log, s);
	while (access(log, F_OK) != 0)
		scene_breathe();

	for (size_t k = 0; k < KILLS; k++) {
		sensor = sensor_start(folder, log);
		/* What was renamed before a sensor ever looked is not its: it has looked. */
		for (deadline = scene_deadline(ALL_SECONDS); k == 0 && !has_looked(folder);
			scene_breathe())
			assert_false(scene_over(deadline));
		s->lines_allowed = (k + 1) * LINES_A_KILL;
		/* once for certain so late that what was told first must have been kept */
		wait_some_us(k == KILLS / 2        ? LONG_DELAY_US
			     : k % LONG_EVERY == 0 ? random_below(LONG_DELAY_US)
						   : random_below(SHORT_DELAY_US));
		kill(sensor, SIGKILL);
		kills[k] = world_now(world_real());
		assert_int_equal(waitpid(sensor, &status, 0), sensor);
		if (!WIFSIGNALED(status)) {
			errors_show(folder);
			fail_msg("the sensor ended by itself before kill %zu: %d", k, status);
		}
	}

	s->lines_allowed = (KILLS + 1) * LINES_A_KILL;
	sensor = sensor_start(folder, log);
	deadline = scene_deadline(ALL_SECONDS);
	do {
		scene_breathe();
		scene_findings_read(&findings, path);
		count += pairs_told(&findings, told, &looked, pairs_max);
	} while (count < (KILLS + 1) * LINES_A_KILL / PLANT_EVERY && !scene_over(deadline));
	s->over = 1;
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_int_equal(status, 0);
	kill(sensor, SIGTERM);
	assert_int_equal(waitpid(sensor, &status, 0), sensor);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
		errors_show(folder);
		fail_msg("the sensor ended with %d", status);
	}
	scene_findings_read(&findings, path);
	count += pairs_told(&findings, told, &looked, pairs_max);

	for (uint64_t p = 0; p < s->planted; p++) {
		if (told[p].times == 0)
			print_error("pair %llu, line %llu, file %llu was not told\n",
				(unsigned long long)p, (unsigned long long)(p * PLANT_EVERY + 7),
				(unsigned long long)((p * PLANT_EVERY + 7) / ROTATE_LINES + 1));
		twice += told[p].times > 1;
		outside += told[p].times > 1 && !within_window(&told[p], kills);
	}
	print_message(
		"%d kills, %llu rotations, %llu lines, %llu MB: %llu pairs planted, %llu told, "
		"%llu twice within %lld s of a kill, %llu twice besides; %llu findings; "
		"%.1f s\n",
		KILLS, (unsigned long long)s->rotations, (unsigned long long)s->lines_allowed,
		(unsigned long long)(s->bytes >> 20), (unsigned long long)s->planted,
		(unsigned long long)count, (unsigned long long)(twice - outside),
		(long long)(SENSOR_CHECKPOINT_US / US_PER_SECOND), (unsigned long long)outside,
		(unsigned long long)findings.lines,
		(double)(world_monotonic(world_real()) - began) / US_PER_SECOND);
	if (count != s->planted)
		errors_show(folder);
	assert_int_equal(count, s->planted);
	assert_int_equal(outside, 0);
	/* every line was JSON, and none is cut off */
	{
		struct buf all = BUF_INIT;

		MUST(file_read(path, MIB(256), &all, e));
		assert_int_equal(all.len, findings.read);
		buf_fini(&all);
	}
	scene_findings_free(&findings);
	free(told);
	munmap(s, sizeof(*s));
	scene_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed_while_following),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
