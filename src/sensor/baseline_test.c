/* SPDX-License-Identifier: MPL-2.0 */
/* The baseline: each verdict, when learning ends, limits, the file and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "baseline.h"

#define SECOND US_PER_SECOND
#define DAY    (86400 * SECOND)
#define START  (20000 * DAY)

static struct world_fake world;

static struct baseline *make(struct baseline_options o)
{
	struct baseline *b = NULL;
	struct err e;

	world_fake_init(&world, 1, START);
	o.world = &world.world;
	assert_int_equal(baseline_new(&o, &b, &e), OK);
	return b;
}

static struct plant_message message(enum plant_operation operation, const char *function)
{
	return (struct plant_message){.protocol = PLANT_S7COMM,
		.operation = operation,
		.direction = PLANT_REQUEST,
		.function = function,
		.unit = "rack 0 slot 2",
		.object = "DB1.DBX0.0"};
}

static char reason[BASELINE_REASON_MAX];

static enum baseline_verdict judge(
	struct baseline *b, int64_t at, const char *from, const char *to, struct plant_message m)
{
	return baseline_message(b, START + at, slice_of(from), slice_of(to), &m, reason);
}

static void test_verdicts(void **state)
{
	struct baseline *b = make((struct baseline_options){0});
	struct plant_message answer = message(PLANT_WRITE, "write");

	(void)state;
	assert_int_equal(judge(b, 0, "hmi", "plc", message(PLANT_READ, "read")), BASELINE_LEARNING);
	assert_int_equal(
		judge(b, 1, "ews", "plc", message(PLANT_WRITE, "write")), BASELINE_LEARNING);
	assert_string_equal(reason, "");
	baseline_end_learning(b);

	assert_int_equal(judge(b, 2, "hmi", "plc", message(PLANT_READ, "read")), BASELINE_KNOWN);
	assert_string_equal(reason, "");
	/* the same two, something else that changes nothing */
	assert_int_equal(
		judge(b, 3, "hmi", "plc", message(PLANT_BROWSE, "list")), BASELINE_NEW_FUNCTION);
	assert_string_equal(
		reason, "hmi has not done this to plc before: s7comm list, unit rack 0 slot 2");
	/* it acts, and never did */
	assert_int_equal(
		judge(b, 4, "hmi", "plc", message(PLANT_STOP, "stop")), BASELINE_NEW_WRITER);
	assert_non_null(strstr(reason, "acts for the first time"));
	/* who acts elsewhere is no new writer, but these two are new to each other */
	assert_int_equal(
		judge(b, 5, "ews", "plc2", message(PLANT_STOP, "stop")), BASELINE_NEW_PAIR);
	assert_int_equal(
		judge(b, 6, "ews", "plc", message(PLANT_STOP, "stop")), BASELINE_NEW_FUNCTION);
	/* a stranger that only looks */
	assert_int_equal(judge(b, 7, "new", "plc", message(PLANT_READ, "read")), BASELINE_NEW_PAIR);
	/* what is new stays new until somebody accepts it */
	assert_int_equal(
		judge(b, 8, "hmi", "plc", message(PLANT_STOP, "stop")), BASELINE_NEW_WRITER);
	answer.direction = PLANT_RESPONSE;
	assert_int_equal(judge(b, 9, "plc", "nobody", answer), BASELINE_ANSWER);
	answer.direction = PLANT_UNSOLICITED;
	assert_int_equal(judge(b, 9, "plc", "nobody", answer), BASELINE_NEW_WRITER);
	baseline_free(b);
}

static void test_learning_ends(void **state)
{
	struct baseline_counts counts;
	struct baseline *b = make((struct baseline_options){.learning_us = 10 * SECOND});
	static const int64_t days[] = {0, DAY / 2, DAY, 9 * DAY, 10 * DAY};
	static const enum baseline_verdict said[] = {BASELINE_LEARNING, BASELINE_LEARNING,
		BASELINE_LEARNING, BASELINE_LEARNING, BASELINE_NEW_FUNCTION};

	(void)state;
	assert_int_equal(judge(b, 0, "a", "b", message(PLANT_READ, "1")), BASELINE_LEARNING);
	assert_int_equal(
		judge(b, 10 * SECOND - 1, "a", "b", message(PLANT_READ, "2")), BASELINE_LEARNING);
	assert_int_equal(
		judge(b, 10 * SECOND, "a", "b", message(PLANT_READ, "3")), BASELINE_NEW_FUNCTION);
	baseline_free(b);

	/* three days with messages, however far apart */
	b = make((struct baseline_options){.learning_days = 3});
	for (size_t i = 0; i < COUNT_OF(days); i++) {
		char name[] = "f0";

		name[1] = (char)('0' + i);
		assert_int_equal(judge(b, days[i], "a", "b", message(PLANT_READ, name)), said[i]);
	}
	/* a clock that jumps back counts no day twice, and an unknown time none */
	assert_int_equal(judge(b, 0, "a", "b", message(PLANT_READ, "f0")), BASELINE_KNOWN);
	assert_int_equal(
		judge(b, INT64_MIN / 2, "a", "b", message(PLANT_READ, "f0")), BASELINE_KNOWN);
	baseline_counts(b, &counts);
	assert_int_equal(counts.days, 4);
	assert_false(counts.learning);
	baseline_free(b);

	b = make((struct baseline_options){0});
	assert_int_equal(judge(b, 0, "a", "b", message(PLANT_READ, "1")), BASELINE_LEARNING);
	assert_int_equal(
		judge(b, 4000 * DAY, "a", "b", message(PLANT_READ, "2")), BASELINE_LEARNING);
	baseline_free(b);
}

static void test_objects(void **state)
{
	struct baseline *b = make((struct baseline_options){.objects = true});
	struct plant_message m = message(PLANT_WRITE, "write");

	(void)state;
	judge(b, 0, "a", "b", m);
	baseline_end_learning(b);
	strcpy(m.object, "DB77.DBX12.3, M0.0");
	assert_int_equal(judge(b, 1, "a", "b", m), BASELINE_KNOWN);
	strcpy(m.object, "DB1.DBW0");
	assert_int_equal(judge(b, 1, "a", "b", m), BASELINE_NEW_FUNCTION);
	strcpy(m.object, "0x8e controller/1");
	assert_int_equal(judge(b, 1, "a", "b", m), BASELINE_NEW_FUNCTION);
	strcpy(m.object, "0x8b clock/1");
	assert_int_equal(judge(b, 1, "a", "b", m), BASELINE_NEW_FUNCTION);
	baseline_free(b);
	/* without `objects` it makes no difference */
	b = make((struct baseline_options){0});
	judge(b, 0, "a", "b", m);
	baseline_end_learning(b);
	strcpy(m.object, "other");
	assert_int_equal(judge(b, 1, "a", "b", m), BASELINE_KNOWN);
	baseline_free(b);
}

static void test_limits(void **state)
{
	struct baseline *b = make((struct baseline_options){.tuples_max = 3});
	struct baseline_counts counts;
	char name[16];

	(void)state;
	judge(b, 0, "w", "b", message(PLANT_WRITE, "write"));
	judge(b, 1, "a", "b", message(PLANT_READ, "1"));
	judge(b, 2, "a", "b", message(PLANT_READ, "2"));
	judge(b, 3, "w", "b", message(PLANT_WRITE, "write")); /* used again: not the oldest */
	baseline_counts(b, &counts);
	assert_int_equal(counts.known, 3);
	assert_int_equal(counts.dropped_known, 0);
	judge(b, 4, "c", "d", message(PLANT_READ, "3"));
	baseline_counts(b, &counts);
	assert_int_equal(counts.known, 3);
	assert_int_equal(counts.dropped_known, 1);
	baseline_end_learning(b);
	assert_int_equal(judge(b, 5, "a", "b", message(PLANT_READ, "2")), BASELINE_KNOWN);
	assert_int_equal(judge(b, 5, "a", "b", message(PLANT_READ, "1")), BASELINE_NEW_FUNCTION);
	/* a flood of new ones drops new ones alone */
	for (unsigned i = 0; i < BASELINE_NEW_MAX + 10; i++) {
		snprintf(name, sizeof(name), "x%u", i);
		assert_int_equal(
			judge(b, 6, name, "b", message(PLANT_WRITE, "write")), BASELINE_NEW_WRITER);
	}
	baseline_counts(b, &counts);
	assert_int_equal(counts.known, 3);
	assert_int_equal(counts.fresh, BASELINE_NEW_MAX);
	assert_int_equal(counts.dropped_new, 11);
	assert_int_equal(judge(b, 7, "w", "b", message(PLANT_WRITE, "write")), BASELINE_KNOWN);
	baseline_free(b);

	/* when the last tuple of a pair and of a writer goes, so does what was known of them */
	b = make((struct baseline_options){.tuples_max = 1});
	judge(b, 0, "w", "b", message(PLANT_WRITE, "write"));
	judge(b, 1, "c", "d", message(PLANT_READ, "read"));
	baseline_end_learning(b);
	assert_int_equal(judge(b, 2, "w", "b", message(PLANT_WRITE, "write")), BASELINE_NEW_WRITER);
	assert_int_equal(judge(b, 2, "w", "b", message(PLANT_READ, "read")), BASELINE_NEW_PAIR);
	baseline_free(b);
}

struct found {
	const struct baseline *b;
	unsigned tuples, rare;
	char last[128];
};

static bool count_rare(void *context, const struct baseline_tuple *t)
{
	struct found *f = context;
	char line[128];

	snprintf(line, sizeof(line), "%.*s %.*s", SLICE_ARG(t->source), SLICE_ARG(t->function));
	assert_true(strcmp(f->last, line) < 0); /* in order */
	memcpy(f->last, line, sizeof(line));
	f->tuples++;
	f->rare += baseline_rare(f->b, t, reason);
	return true;
}

/* In one capture: 1 of 100 that acts is rare, 2 are not; reading never is; few say nothing. */
static void test_rare(void **state)
{
	static const struct {
		unsigned reads, writes, rare;
	} cases[] = {
		{99,   1, 1},
                {198,  2, 1},
                {98,   2, 0},
                {48,   1, 0},
                {1000, 0, 0}
        };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct found f = {.b = make((struct baseline_options){0})};
		struct baseline *b = (struct baseline *)(uintptr_t)f.b;

		for (unsigned k = 0; k < cases[i].reads; k++)
			judge(b, k, "a", "b", message(PLANT_READ, "read"));
		for (unsigned k = 0; k < cases[i].writes; k++)
			judge(b, k, "a", "b", message(PLANT_WRITE, "write"));
		assert_true(baseline_each(b, count_rare, &f));
		assert_int_equal(f.rare, cases[i].rare);
		baseline_free(b);
	}
}

/* ---- the file -------------------------------------------------------------------------------- */

static enum err_kind read_text(
	struct slice text, size_t tuples_max, struct baseline **ret, struct err *e)
{
	struct baseline_options o = {.world = &world.world, .tuples_max = tuples_max};

	return baseline_read(text, &o, ret, e);
}

static void test_file(void **state)
{
	struct baseline *b = make((struct baseline_options){.learning_days = 2}), *again = NULL;
	struct buf text = BUF_INIT, back = BUF_INIT, edited = BUF_INIT;
	struct baseline_options o = {.world = &world.world};
	char path[] = "/tmp/serai-baseline-XXXXXX";
	int fd = mkstemp(path);
	struct err e;
	char *at;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	judge(b, 0, "hmi", "plc", message(PLANT_READ, "read"));
	judge(b, 0, "tab\tand\nline", "", message(PLANT_READ, "read"));
	baseline_end_learning(b);
	judge(b, 1, "hmi", "plc", message(PLANT_STOP, "stop"));
	assert_int_equal(baseline_write(b, &text, &e), OK);
	assert_int_equal(baseline_save(b, path, &e), OK);
	baseline_free(b);

	/* what was written is what is read, to the byte */
	assert_int_equal(baseline_load(path, &o, &again, &e), OK);
	assert_int_equal(baseline_write(again, &back, &e), OK);
	assert_true(slice_equal(buf_slice(&text), buf_slice(&back)));
	assert_int_equal(
		judge(again, 2, "hmi", "plc", message(PLANT_READ, "read")), BASELINE_KNOWN);
	assert_int_equal(
		judge(again, 2, "hmi", "plc", message(PLANT_STOP, "stop")), BASELINE_NEW_WRITER);
	assert_int_equal(
		judge(again, 2, "tab\tand\nline", "", message(PLANT_READ, "read")), BASELINE_KNOWN);
	baseline_free(again);

	/* every byte that changes is seen */
	for (size_t i = 0; i < text.len; i++) {
		text.data[i] ^= 1;
		assert_int_not_equal(read_text(buf_slice(&text), 0, &again, &e), OK);
		text.data[i] ^= 1;
	}
	/* every length but the whole is refused */
	for (size_t i = 0; i < text.len; i++)
		assert_int_not_equal(
			read_text(slice_cut(buf_slice(&text), 0, i), 0, &again, &e), OK);

	/* an engineer accepts the stop and signs: the sum is set aside by hand */
	buf_char(&text, 0);
	at = strstr(text.data, "new-writer");
	assert_non_null(at);
	buf_append(&edited, text.data, (size_t)(at - text.data));
	buf_text(&edited, "known");
	at += strlen("new-writer");
	buf_append(&edited, at, (size_t)(strstr(at, "sha256") - at));
	assert_int_equal(read_text(buf_slice(&edited), 0, &again, &e), ERR_CORRUPT);
	buf_text(&edited, "sha256\t-\n");
	assert_int_equal(read_text(buf_slice(&edited), 0, &again, &e), OK);
	assert_int_equal(
		judge(again, 3, "hmi", "plc", message(PLANT_STOP, "stop")), BASELINE_KNOWN);
	baseline_free(again);
	/* three known tuples now: a limit of three takes them, one of two does not */
	assert_int_equal(read_text(buf_slice(&edited), 3, &again, &e), OK);
	baseline_free(again);
	assert_int_equal(read_text(buf_slice(&edited), 2, &again, &e), ERR_LIMIT);
	buf_fini(&text);
	buf_fini(&back);
	buf_fini(&edited);
	unlink(path);
}

#define HEAD  "serai-baseline\t1\n"
#define LEARN "learning\tno\t2024-01-01T00:00:00Z\t2024-01-02T00:00:00Z\t2\n"
#define TIMES "\t7\t2024-01-01T00:00:00Z\t2024-01-02T00:00:00Z\n"
#define SUM   "sha256\t-\n"

static void test_file_refused(void **state)
{
	static const struct {
		const char *what, *text;
		enum err_kind kind;
	} cases[] = {
		{"smallest",                 HEAD LEARN SUM,					     OK         },
		{"one tuple",                HEAD LEARN "known\ta\tb\tmms\tread\tf\t-\t-" TIMES SUM,     OK         },
		{"reviewed",                 HEAD LEARN "reviewed\tA. Engineer\n" SUM,                   OK         },
		{"comments and blank lines", HEAD "# x\n\n" LEARN SUM,                                   OK         },
		{"empty",                    "",							 ERR_PARSE  },
		{"other file",               "hello\n",						  ERR_PARSE  },
		{"future version",           "serai-baseline\t2\n" LEARN SUM,                            ERR_PARSE  },
		{"no learning line",         HEAD SUM,						   ERR_PARSE  },
		{"two learning lines",       HEAD LEARN LEARN SUM,                                       ERR_PARSE  },
		{"sum of something else",    HEAD LEARN "sha256\tab\n",                                  ERR_CORRUPT},
		{"no sum",                   HEAD LEARN,						 ERR_CORRUPT},
		{"no end of line",           HEAD LEARN "sha256\t-",                                     ERR_CORRUPT},
		{"too few fields",           HEAD LEARN "known\ta\tb\tmms\tread\tf\t-" TIMES SUM,        ERR_PARSE  },
		{"too many fields",          HEAD LEARN "known\ta\tb\tmms\tread\tf\t-\t-\t-" TIMES SUM,
                 ERR_PARSE											  },
		{"unknown verdict",          HEAD LEARN "fine\ta\tb\tmms\tread\tf\t-\t-" TIMES SUM,
                 ERR_INVALID											},
		{"verdict of no tuple",      HEAD LEARN "learning\ta\tb\tmms\tread\tf\t-\t-" TIMES SUM,
                 ERR_INVALID											},
		{"unknown protocol",         HEAD LEARN "known\ta\tb\tnone\tread\tf\t-\t-" TIMES SUM,
                 ERR_INVALID											},
		{"unknown operation",        HEAD LEARN "known\ta\tb\tmms\tlook\tf\t-\t-" TIMES SUM,
                 ERR_INVALID											},
		{"empty field",              HEAD LEARN "known\t\tb\tmms\tread\tf\t-\t-" TIMES SUM,      ERR_INVALID},
		{"control character",        HEAD LEARN "known\ta\x1b\tb\tmms\tread\tf\t-\t-" TIMES SUM,
                 ERR_INVALID											},
		{"invalid UTF-8",            HEAD LEARN "known\ta\xff\tb\tmms\tread\tf\t-\t-" TIMES SUM,
                 ERR_INVALID											},
		{"count",
                 HEAD LEARN "known\ta\tb\tmms\tread\tf\t-\t-\tx\t2024-01-01T00:00:00Z\t"
				   "2024-01-01T00:00:00Z\n" SUM,
                 ERR_INVALID											},
		{"time",
                 HEAD LEARN
			"known\ta\tb\tmms\tread\tf\t-\t-\t1\tnow\t2024-01-01T00:00:00Z\n" SUM,
                 ERR_INVALID											},
		{"twice",
                 HEAD LEARN "known\ta\tb\tmms\tread\tf\t-\t-" TIMES
				   "new-pair\ta\tb\tmms\tread\tf\t-\t-" TIMES SUM,
                 ERR_INVALID											},
	};
	struct buf line = BUF_INIT;
	struct err e;

	(void)state;
	world_fake_init(&world, 1, START);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct baseline *b = NULL;
		enum err_kind kind = read_text(slice_of(cases[i].text), 0, &b, &e);

		if (kind != cases[i].kind)
			print_error("%s: %s\n", cases[i].what, e.text);
		assert_int_equal(kind, cases[i].kind);
		baseline_free(b);
	}
	/* a line too long */
	buf_text(&line, HEAD LEARN "known\t");
	for (unsigned i = 0; i < 1100; i++)
		buf_char(&line, 'a');
	buf_text(&line, "\n" SUM);
	assert_int_equal(read_text(buf_slice(&line), 0, &(struct baseline *){NULL}, &e), ERR_LIMIT);
	buf_fini(&line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_learning_ends),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_rare),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_file_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
