/* SPDX-License-Identifier: MPL-2.0 */
/* The file of findings: whole lines only, nothing told twice after a crash, rotation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "inside.h"

static char path[] = "/tmp/serai-output-XXXXXX";
static char renamed[sizeof(path) + 2];

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	snprintf(renamed, sizeof(renamed), "%s.1", path);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)unlink(renamed);
	return 0;
}

static void put(const char *text)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static struct buf get(const char *from)
{
	struct buf text = BUF_INIT;

	assert_int_equal(file_read(from, MIB(1), &text, NULL), OK);
	return text;
}

static size_t lines_of(const char *from)
{
	struct buf text = get(from);
	size_t lines = 0;

	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n';
	assert_true(text.len == 0 || text.data[text.len - 1] == '\n');
	buf_fini(&text);
	return lines;
}

static void tell(struct output *o, uint8_t number)
{
	struct finding f = {
		.id = {{number}}, .indicator = SLICE("bad.example"), .kind = FIELD_NAME};
	struct err e;

	assert_int_equal(output_finding(o, &f, &e), OK);
}

static struct output open_it(enum sensor_output form, const struct output_mark *mark)
{
	struct output o;
	struct err e;

	assert_int_equal(output_open(&o, path, form, mark, &e), OK);
	return o;
}

static void test_half_line(void **state)
{
	static const struct {
		const char *before, *after;
	} cases[] = {
		{"",              ""          },
		{"half",          ""          },
		{"one\n",         "one\n"     },
		{"one\ntwo\nthr", "one\ntwo\n"},
		{"\n",            "\n"        },
	};

	(void)state;
	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		struct output o;
		struct buf text;

		put(cases[k].before);
		o = open_it(SENSOR_ECS, NULL);
		output_close(&o);
		text = get(path);
		assert_true(slice_is(buf_slice(&text), cases[k].after));
		buf_fini(&text);
	}
}

/* What stands behind the mark is not told again, what stands before it is not asked about. */
static void known(enum sensor_output form)
{
	struct output_mark mark, again;
	struct output o;
	struct err e;

	put("");
	o = open_it(form, NULL);
	tell(&o, 1);
	assert_int_equal(output_sync(&o, &mark, &e), OK);
	tell(&o, 2);
	tell(&o, 3);
	assert_int_equal(output_flush(&o, &e), OK);
	output_close(&o); /* here it crashed: the mark after 1 was kept */
	assert_int_equal(lines_of(path), 3);

	o = open_it(form, &mark);
	tell(&o, 2);
	tell(&o, 3);
	assert_int_equal(o.written, 0);
	tell(&o, 4);
	assert_int_equal(o.written, 1);
	/* not all is read again yet: the mark stays */
	assert_int_equal(output_sync(&o, &again, &e), OK);
	assert_memory_equal(&mark, &again, sizeof(mark));
	o.catching_up = false;
	assert_int_equal(output_sync(&o, &again, &e), OK);
	assert_true(again.size > mark.size);
	output_close(&o);
	assert_int_equal(lines_of(path), 4);

	/* another file's mark, or one behind the end: nothing is known */
	mark.inode++;
	o = open_it(form, &mark);
	tell(&o, 2);
	assert_int_equal(o.written, 1);
	output_close(&o);
	again.size += MIB(1);
	o = open_it(form, &again);
	assert_false(o.catching_up);
	output_close(&o);
}

static void test_known(void **state)
{
	(void)state;
	known(SENSOR_ECS);
	known(SENSOR_EVE);
	known(SENSOR_CEF);
}

static void test_reopen(void **state)
{
	struct output_mark mark;
	struct output o;
	struct stat st;
	struct err e;

	(void)state;
	put("");
	o = open_it(SENSOR_ECS, NULL);
	tell(&o, 1);
	assert_int_equal(rename(path, renamed), 0);
	tell(&o, 2);
	assert_int_equal(output_reopen(&o, &e), OK); /* what waited goes to the old file */
	tell(&o, 3);
	assert_int_equal(output_sync(&o, &mark, &e), OK);
	assert_int_equal(lines_of(renamed), 2);
	assert_int_equal(lines_of(path), 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(mark.inode, st.st_ino);
	assert_int_equal(mark.size, st.st_size);
	output_close(&o);
}

static void test_many(void **state)
{
	struct output o;
	struct stat st;

	(void)state;
	put("");
	o = open_it(SENSOR_ECS, NULL);
	for (unsigned i = 0; i < 1000; i++)
		tell(&o, (uint8_t)i);
	/* written in pieces, without being asked */
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 0);
	assert_true(o.pending.len < KIB(66));
	output_close(&o);
}

static void test_unwritable(void **state)
{
	struct finding f = {.kind = FIELD_NAME};
	struct output_mark mark;
	struct output o;
	struct err e;

	(void)state;
	assert_int_not_equal(output_open(&o, "/nowhere/at/all", SENSOR_ECS, NULL, &e), OK);
	assert_non_null(strstr(e.text, "/nowhere/at/all"));
	output_close(&o);
	/* a full disk: told, and what waits is not lost */
	assert_int_equal(output_open(&o, "/dev/full", SENSOR_ECS, NULL, &e), OK);
	assert_int_equal(output_finding(&o, &f, &e), OK);
	assert_int_equal(output_sync(&o, &mark, &e), ERR_FULL);
	assert_true(o.pending.len > 0);
	output_close(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_half_line),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_reopen),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_unwritable),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
