/* SPDX-License-Identifier: MPL-2.0 */
/* How common a value is: both sides of each threshold, and lines that come late. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gate.h"

#define DAY   (86400 * US_PER_SECOND)
#define START (20000 * DAY)
#define NOW   (START + 30 * DAY)

/* Spread as a keyed hash would spread them, without chance: no two of the first thousand collide in
 * the small bitmap. */
static uint64_t host(unsigned number)
{
	return (uint64_t)number * 0x9e3779b97f4a7c15;
}

static struct prevalence_site *site_of(unsigned hosts)
{
	struct prevalence_site *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	for (unsigned i = 1; i <= hosts; i++)
		prevalence_site_host(s, host(i));
	return s;
}

static void add(struct prevalence *p, const struct prevalence_site *s, int day, unsigned hosts)
{
	for (unsigned i = 1; i <= hosts; i++)
		prevalence_add(p, s, START + day * DAY, NOW, host(i));
}

static void test_small_site(void **state)
{
	struct prevalence_site *small = site_of(7), *enough = site_of(8);
	struct prevalence p = {0}, q = {0};

	(void)state;
	for (int day = 0; day < 10; day++) {
		add(&p, small, day, 7);
		add(&q, enough, day, 8);
	}
	assert_int_equal(prevalence_days(&p, small), 0);
	assert_int_equal(prevalence_days(&q, enough), 10);
	free(small);
	free(enough);
}

static void test_half(void **state)
{
	struct prevalence_site *s = site_of(100);
	struct prevalence few = {0}, many = {0};

	(void)state;
	for (int day = 0; day < 3; day++) {
		add(&few, s, day, 45);
		add(&many, s, day, 55);
	}
	assert_int_equal(prevalence_days(&few, s), 0);
	assert_int_equal(prevalence_days(&many, s), 3);
	free(s);
}

/* All hosts at once, on one day: that is an outbreak and must not be held back. */
static void test_outbreak(void **state)
{
	struct prevalence_site *s = site_of(100);
	struct prevalence p = {0};

	(void)state;
	add(&p, s, 0, 100);
	assert_int_equal(prevalence_days(&p, s), 1);
	add(&p, s, 1, 100);
	assert_int_equal(prevalence_days(&p, s), 2);
	assert_true(prevalence_days(&p, s) < PREVALENCE_DAYS_MIN);
	/* a day on which it was rare is not counted, and takes nothing away */
	add(&p, s, 2, 3);
	assert_int_equal(prevalence_days(&p, s), 2);
	add(&p, s, 9, 100);
	assert_int_equal(prevalence_days(&p, s), PREVALENCE_DAYS_MIN);
	free(s);
}

static void test_late(void **state)
{
	struct prevalence_site *s = site_of(20);
	struct prevalence p = {0}, before;

	(void)state;
	add(&p, s, 5, 20);
	before = p;
	add(&p, s, 4, 20);
	prevalence_add(&p, s, TIME_UNKNOWN, NOW, host(1));
	prevalence_add(&p, s, -DAY, NOW, host(1));
	assert_memory_equal(&p, &before, sizeof(p));
	assert_int_equal(prevalence_days(&p, s), 1);
	free(s);
}

/* One line with a wrong year must not end the counting of days. */
static void test_future(void **state)
{
	struct prevalence_site *s = site_of(20);
	struct prevalence p = {0};

	(void)state;
	add(&p, s, 0, 20);
	prevalence_add(&p, s, NOW + PREVALENCE_AHEAD_US + 1, NOW, host(1));
	prevalence_add(&p, s, INT64_MAX, NOW, host(1));
	add(&p, s, 1, 20);
	assert_int_equal(prevalence_days(&p, s), 2);
	/* the last moment that counts */
	prevalence_add(&p, s, NOW + PREVALENCE_AHEAD_US, NOW, host(1));
	assert_int_equal(p.day, (NOW + PREVALENCE_AHEAD_US) / DAY);
	assert_int_equal(p.days, 2);
	/* what an earlier run kept under a wrong clock begins anew */
	p.day += 4000;
	add(&p, s, 2, 20);
	assert_int_equal(prevalence_days(&p, s), 1);
	free(s);
}

static void test_saturation(void **state)
{
	struct prevalence_site *s = site_of(100000);
	struct prevalence p = {0};

	(void)state;
	/* more hosts than its bitmap can count: taken for common, though half cannot be shown */
	assert_true(prevalence_count(s->set, PREVALENCE_SITE_BITS) > 20000);
	add(&p, s, 0, 2000);
	assert_int_equal(p.set, PREVALENCE_VALUE_BITS);
	assert_int_equal(prevalence_days(&p, s), 1);
	p.days = UINT16_MAX;
	add(&p, s, 1, 1);
	assert_int_equal(p.days, UINT16_MAX);
	free(s);
}

static void test_count(void **state)
{
	(void)state;
	assert_true(prevalence_count(0, 1024) == 0);
	assert_true(fabs(prevalence_count(100, 65536) - 100) < 0.1);
	assert_true(fabs(prevalence_count(512, 1024) - 709.8) < 0.1);
	/* full: finite, and more than any that is not */
	assert_true(isfinite(prevalence_count(1024, 1024)));
	assert_true(prevalence_count(1024, 1024) >= prevalence_count(1023, 1024));
}

/* The site's own bitmap is left alone for most of the time once nothing new comes. */
static void test_idle(void **state)
{
	struct prevalence_site *s = site_of(10);
	uint32_t set = s->set;

	(void)state;
	for (int i = 0; i < 5000; i++)
		prevalence_site_host(s, host(1));
	assert_int_equal(s->set, set);
	for (int i = 0; i < 16; i++)
		prevalence_site_host(s, host(11));
	assert_int_equal(s->set, set + 1);
	prevalence_site_host(s, host(12)); /* and is awake again */
	assert_int_equal(s->set, set + 2);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_site),
		cmocka_unit_test(test_half),
		cmocka_unit_test(test_outbreak),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_future),
		cmocka_unit_test(test_saturation),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
