/* SPDX-License-Identifier: MPL-2.0 */
/*
 * kill -9 at random points, during import and during POST: every acknowledged object is there
 * afterwards, the store passes its integrity check, and work goes on where it was.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scenario.h"

#define KILLS_EACH                                                                                 \
	100             /* points; twice that in all, half while importing and half while posting  \
			 */
#define FRESH_EVERY  25 /* kills after which a new store is begun: a full check grows with it */
#define DELAY_MAX_US 20000
#define FROM_START   4     /* each such kill falls from the start on, the others after an answer */
#define ANSWER_MS    20000 /* a first answer takes no longer, on the slowest machine */
#define POST_OBJECTS 20

static unsigned random_below(unsigned n)
{
	uint32_t r;
	const struct world *w = world_real();

	w->random(w->context, &r, sizeof(r));
	return r % n;
}

/* The kill must come at a moment nobody chose: the one place where a test waits for real time. */
static void wait_some_us(unsigned us)
{
	struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

static void kill_and_reap(int pid)
{
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void verify_fault(void *context, const char *text)
{
	(void)context;
	print_error("fault: %s\n", text);
}

static bool is_here(struct node *n, struct store_reader *r, uint64_t k)
{
	static const struct intel_recipient us = {.reach = INTEL_OPERATOR};
	struct buf want = BUF_INIT, have = BUF_INIT;
	struct store_row row;
	struct uuid uuid;
	bool found = false, same;

	scenario_object_id(k, &uuid);
	scenario_object(k, &want);
	MUST(intel_release_get(
		n->intel, r, &us, SLICE("indicator"), &uuid, &row, &have, &found, e));
	same = found && slice_equal(buf_slice(&want), buf_slice(&have));
	buf_fini(&want);
	buf_fini(&have);
	return same;
}

/* ---- import ---------------------------------------------------------------------------------- */

struct acknowledging {
	int to;
};

static void acknowledge(void *context, const struct intel_verdict *v)
{
	struct acknowledging *a = context;
	uint64_t index = v->place.index;

	/* One small write to a pipe is whole or not there. */
	if (v->outcome != INTEL_NEW && v->outcome != INTEL_KNOWN)
		_exit(3);
	if (write(a->to, &index, sizeof(index)) != sizeof(index))
		_exit(4);
}

/* In the child: import made-up objects from `first` on until killed. */
static void import_until_killed(const char *folder, uint64_t first, int to)
{
	struct acknowledging a = {to};
	struct intel_intake_options options = {
		.source = {.member = SLICE("self")},
		.report = acknowledge,
		.report_all = true,
		.context = &a,
		.resume_key = SLICE("import/crash"),
	};
	struct intel_intake *intake;
	struct store_collection collection;
	struct arena *arena = arena_new(MIB(1));
	struct node n;
	struct buf object = BUF_INIT;
	bool found;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (node_open(folder, STORE_WRITE, world_real(), &n, NULL) != OK ||
		store_collection_get(n.store, SLICE("main"), arena, &collection, &found, NULL) !=
			OK)
		_exit(5);
	options.source.collections = &collection.number;
	options.source.collections_count = 1;
	if (intel_intake_open(n.intel, &options, &intake, NULL) != OK)
		_exit(6);
	for (uint64_t k = first;; k++) {
		struct intel_place place = {.index = k};

		buf_clear(&object);
		scenario_object(k, &object);
		if (intel_intake_push(intake, buf_slice(&object), &place, NULL) != OK)
			_exit(7);
		/* batches of odd sizes, so that the kill meets commits of all sorts */
		if (k % 37 == 0 && intel_intake_flush(intake, NULL, NULL, NULL) != OK)
			_exit(8);
	}
}

static uint64_t resume_index(struct node *n)
{
	struct buf value = BUF_INIT;
	uint64_t index = 0;
	bool found = false;

	MUST(store_note_get(n->store, SLICE("import/crash"), &value, &found, e));
	if (found)
		assert_true(slice_to_u64(buf_slice(&value), &index));
	buf_fini(&value);
	return index;
}

static void test_killed_while_importing(void **state)
{
	char folder[64] = "";
	uint64_t acknowledged = 0, kills_with_work = 0;

	(void)state;
	for (unsigned kill_number = 0; kill_number < KILLS_EACH; kill_number++) {
		struct store_reader *r;
		struct node n;
		uint64_t index, first = 0, newest = 0, resume;
		int pipe_ends[2], pid;
		bool any = false;

		if (kill_number % FRESH_EVERY == 0) {
			if (folder[0] != '\0')
				scenario_remove(folder);
			scenario_folder(folder);
			scenario_node_make(folder);
		}
		MUST(node_open(folder, STORE_READ, world_real(), &n, e));
		first = resume_index(&n);
		node_close(&n);
		assert_int_equal(pipe(pipe_ends), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			close(pipe_ends[0]);
			import_until_killed(folder, first, pipe_ends[1]);
		}
		close(pipe_ends[1]);
		if (kill_number % FROM_START != 0) {
			struct pollfd first_answer = {.fd = pipe_ends[0], .events = POLLIN};

			assert_int_equal(poll(&first_answer, 1, ANSWER_MS), 1);
		}
		wait_some_us(random_below(DELAY_MAX_US));
		kill(pid, SIGKILL);
		while (read(pipe_ends[0], &index, sizeof(index)) == sizeof(index)) {
			newest = index;
			any = true;
			acknowledged++;
		}
		kill_and_reap(pid);
		close(pipe_ends[0]);

		MUST(node_open(folder, STORE_WRITE, world_real(), &n, e));
		MUST(store_verify(n.store, verify_fault, NULL, e));
		resume = resume_index(&n);
		if (any && resume <= newest)
			fail_msg("kill %u: object %llu was acknowledged, the resume note says %llu",
				kill_number, (unsigned long long)newest,
				(unsigned long long)resume);
		MUST(store_reader_take(n.store, &r, e));
		for (uint64_t k = 0; k < resume; k++) {
			if (!is_here(&n, r, k))
				fail_msg("kill %u: object %llu of %llu is lost", kill_number,
					(unsigned long long)k, (unsigned long long)resume);
		}
		store_reader_give(r);
		node_close(&n);
		kills_with_work += any;
	}
	scenario_remove(folder);
	print_message("%d kills, %llu of them after acknowledgements, %llu objects acknowledged\n",
		KILLS_EACH, (unsigned long long)kills_with_work, (unsigned long long)acknowledged);
	assert_true(kills_with_work >= KILLS_EACH / 2);
}

/* ---- POST ------------------------------------------------------------------------------------ */

/* Post one envelope of objects [first, first + POST_OBJECTS); true when it was acknowledged: 202.
 */
static bool post(struct http_client *client, const char *url, uint64_t first)
{
	struct http_answer answer;
	struct buf body = BUF_INIT;
	char objects_url[300];
	bool again, ok;

	snprintf(objects_url, sizeof(objects_url), "%sobjects/", url);
	buf_text(&body, "{\"objects\":[");
	for (uint64_t k = 0; k < POST_OBJECTS; k++) {
		if (k > 0)
			buf_char(&body, ',');
		scenario_object(first + k, &body);
	}
	buf_text(&body, "]}");
	ok = http_client_call(client,
		     &(struct http_call){
			     .method = HTTP_POST,
			     .url = objects_url,
			     .accept = TAXII_TYPE,
			     .content_type = TAXII_TYPE,
			     .body = buf_slice(&body),
			     .body_max = MIB(1),
		     },
		     &answer, &again, NULL) == OK;
	buf_fini(&body);
	if (!ok)
		return false; /* the server was killed: not acknowledged */
	if (answer.status != 202 || slice_find_text(buf_slice(&answer.body),
					    SLICE("\"failure_count\":0")) == answer.body.len)
		fail_msg("status %u: %.*s", answer.status, SLICE_ARG(buf_slice(&answer.body)));
	return true;
}

/* A thread of its own kills the server while the posts go on. */
static void kill_later(int pid, unsigned us)
{
	if (fork() == 0) {
		wait_some_us(us);
		kill(pid, SIGKILL);
		_exit(0);
	}
}

static void test_killed_while_posting(void **state)
{
	char folder[64] = "";
	uint64_t next = 0, acknowledged = 0, kills_with_work = 0;

	(void)state;
	for (unsigned kill_number = 0; kill_number < KILLS_EACH; kill_number++) {
		struct scenario_server server;
		struct http_client *client;
		struct store_reader *r;
		struct node n;
		uint64_t before;
		int status;

		if (kill_number % FRESH_EVERY == 0) {
			if (folder[0] != '\0')
				scenario_remove(folder);
			scenario_folder(folder);
			scenario_node_make(folder);
			next = 0;
		}
		before = next;
		scenario_serve(folder, &server);
		scenario_client(folder, &client);
		/* the first request signs in, which takes its time by design */
		if (kill_number % FROM_START != 0) {
			assert_true(post(client, server.url, next));
			next += POST_OBJECTS;
		}
		kill_later(server.pid, random_below(DELAY_MAX_US));
		while (post(client, server.url, next))
			next += POST_OBJECTS;
		http_client_free(client);
		waitpid(server.pid, &status, 0);
		while (waitpid(-1, &status, WNOHANG) > 0)
			;

		MUST(node_open(folder, STORE_WRITE, world_real(), &n, e));
		MUST(store_verify(n.store, verify_fault, NULL, e));
		MUST(store_reader_take(n.store, &r, e));
		for (uint64_t k = 0; k < next; k++) {
			if (!is_here(&n, r, k))
				fail_msg("kill %u: object %llu was acknowledged and is lost",
					kill_number, (unsigned long long)k);
		}
		store_reader_give(r);
		node_close(&n);
		acknowledged += next - before;
		kills_with_work += next > before;
	}
	scenario_remove(folder);
	print_message("%d kills, %llu of them after acknowledgements, %llu objects acknowledged\n",
		KILLS_EACH, (unsigned long long)kills_with_work, (unsigned long long)acknowledged);
	assert_true(kills_with_work >= KILLS_EACH / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed_while_importing),
		cmocka_unit_test(test_killed_while_posting),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
