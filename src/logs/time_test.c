/* SPDX-License-Identifier: MPL-2.0 */
/* Times of logs: each form to microseconds, and what is none of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lines.h"

#define T      INT64_C(1795414680000000) /* 2026-11-23T06:18:00Z */
#define HOUR   (3600 * US_PER_SECOND)
#define NOW_US INT64_C(1795500000000000) /* 2026-11-24T06:00:00Z */

static const struct {
	const char *text;
	int64_t us;
} times[] = {
	{"1795414680",                      T				     },
	{"1795414680.5",                    T + 500000                            },
	{"1795414680.123456789",            T + 123456                            },
	{"1795414680123",                   T + 123000                            },
	{"1795414680123456",                T + 123456                            },
	{"1795414680123456789",             T + 123456                            },
	{"[1795414680]",                    T				     },
	{"0",			       0				     },
	{"20261123061800",                  T				     },
	{"20261123T061800Z",                T				     },
	{"2026-11-23T06:18:00Z",            T				     },
	{"2026-11-23T06:18:00.25Z",         T + 250000                            },
	{"2026-11-23t06:18:00z",            T				     },
	{"2026-11-23T07:18:00+01:00",       T                                     },
	{"2026-11-23T07:18:00.000+0100",    T                                     },
	{"2026-11-23T00:48:00-05:30",       T                                     },
	{"2026-11-23 06:18:00",             T				     },
	{"2026-11-23 06:18:00,123",         T + 123000                            },
	{"2026-11-23 06:18",                T				     },
	{"2026-11-23 06:18:00 UTC",         T				     },
	{"2026/11/23 06:18:00.1",           T + 100000                            },
	{"2026/11/23T06:18:00",             T				     },
	{"2026-11-23",                      T - 6 * HOUR - 18 * 60 * US_PER_SECOND},
	{"23/Nov/2026:06:18:00 +0000",      T                                     },
	{"[23/Nov/2026:07:18:00 +0100]",    T                                     },
	{"23/Nov/2026:06:18:00.522",        T + 522000                            },
	{"23-Nov-2026 06:18:00.710",        T + 710000                            },
	{"23 Nov 2026 06:18:00 GMT",        T                                     },
	{"Mon, 23 Nov 2026 06:18:00 +0000", T                                     },
	{"Mon Nov 23 06:18:00 2026",        T                                     },
	{"Nov 23 06:18:00",                 T				     },
	{"Nov 23 06:18:00.25",              T + 250000                            },
	{"Nov 23 2026 06:18:00",            T				     },
	{"nov 23, 2026 06:18:00",           T				     },
	{"Nov  3 06:18:00",                 T - 20 * 24 * HOUR                    },
	{" 1795414680 ",                    T				     },
	{"\"2026-11-23T06:18:00Z\"",        T                                     },
	{"2026-11-23T06:17:60Z",            T				     }, /* a leap second */
	{"9999-12-31T23:59:59Z",            INT64_C(253402300799000000)           },
	{"2024-02-29T00:00:00Z",            INT64_C(1709164800000000)             },
	{"1970-01-01T00:00:00Z",            0				     },
	{"1969-12-31T23:59:59Z",            -US_PER_SECOND                        },
};

static const char *const no_times[] = {"", "-", "yesterday", "12:00", "1795414680x", "1795414680.",
	"123456789012345678901", "99999999999999999999", "2026-13-01", "2026-00-01", "2026-11-31",
	"2025-02-29T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T06:60:00Z",
	"2026-11-23T06:18:61Z", "2026-11-23T06:18:00+1", "2026-11-23T06:18:00+99:00",
	"2026-11-23T06:18:00Zx", "2026-11/23", "0000-01-01", "23/Nov/26:06:18:00",
	"23/Foo/2026:06:18:00", "Nov 31 06:18:00", "Nov 23", "Nov 23 06", "Nov 23 25:18:00",
	"00000101000000", "2026-11-23T06:18:00.Z",
	"                                                                2026-11-23T06:18:00Z x"};

static void forms(void **state)
{
	struct world_fake world;

	(void)state;
	world_fake_init(&world, 1, NOW_US);
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		int64_t us = logs_time(slice_of(times[i].text), &world.world);

		if (us != times[i].us)
			fail_msg("\"%s\": %lld, not %lld", times[i].text, (long long)us,
				(long long)times[i].us);
	}
	for (size_t i = 0; i < COUNT_OF(no_times); i++)
		if (logs_time(slice_of(no_times[i]), &world.world) != TIME_UNKNOWN)
			fail_msg("\"%s\" taken for a time", no_times[i]);
}

/* Without a year it is the last such day that is not far ahead of the clock. */
static void years(void **state)
{
	static const struct {
		const char *now, *text, *expected;
	} cases[] = {
		{"2026-11-24T06:00:00Z", "Nov 23 06:18:00", "2026-11-23T06:18:00Z"},
		{"2026-11-24T06:00:00Z", "Nov 25 06:18:00",
                 "2026-11-25T06:18:00Z"                                           }, /* clocks differ */
		{"2026-11-24T06:00:00Z", "Nov 27 06:18:00", "2025-11-27T06:18:00Z"},
		{"2026-01-01T00:00:10Z", "Dec 31 23:59:59", "2025-12-31T23:59:59Z"},
		{"2025-03-01T00:00:00Z", "Feb 29 12:00:00", "2024-02-29T12:00:00Z"},
		{"2028-12-31T00:00:00Z", "Feb 29 12:00:00", "2028-02-29T12:00:00Z"},
	};
	struct world_fake world;
	int64_t now, expected;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_true(time_parse(slice_of(cases[i].now), &now, NULL));
		assert_true(time_parse(slice_of(cases[i].expected), &expected, NULL));
		world_fake_init(&world, 1, now);
		assert_int_equal(logs_time(slice_of(cases[i].text), &world.world), expected);
	}
	assert_int_equal(logs_time(SLICE("Nov 23 06:18:00"), NULL), TIME_UNKNOWN);
	assert_int_equal(logs_time(SLICE("1795414680"), NULL), T);
	/* a clock that was never set */
	world_fake_init(&world, 1, -1);
	assert_int_equal(logs_time(SLICE("Nov 23 06:18:00"), &world.world), TIME_UNKNOWN);
}

static void formats(void **state)
{
	static const struct {
		const char *format, *text;
		int64_t us;
	} cases[] = {
		{"%d.%m.%Y %H:%M:%S",       "23.11.2026 06:18:00",        T                                     },
		{"%m/%d/%y %I:%M %p",       "11/23/26 06:18 am",          T                                     },
		{"%m/%d/%Y %I:%M:%S %p",    "11/23/2026 6:18:00 PM",      T + 12 * HOUR                         },
		{"%d %b %Y %H:%M:%S.%f %z", "23 Nov 2026 07:18:00.5 +01", T + 500000                            },
		{"%a %e.%m.%Y %H:%M",       "Mon 23.11.2026 06:18",       T                                     },
		{"%m-%d %H:%M",             "11-23 06:18",                T                                     },
		{"%y%%",                    "70%",                        TIME_UNKNOWN                          },
		{"epoch",                   "1795414680.25",              T + 250000                            },
		{"epoch-ms",                "1795414680250",              T + 250000                            },
		{"epoch-us",                "1795414680250000",           T + 250000                            },
		{"epoch-ns",                "1795414680250000000",        T + 250000                            },
		{"epoch-ms",                "1795414680250x",             TIME_UNKNOWN                          },
		{"epoch",                   "999999999999",               TIME_UNKNOWN                          },
		{"%d.%m.%Y",                "23.11.2026 ",                T - 6 * HOUR - 18 * 60 * US_PER_SECOND},
		{"%d.%m.%Y",                "23.11.2026x",                TIME_UNKNOWN                          },
		{"%d.%m.%Y",                "23-11-2026",                 TIME_UNKNOWN                          },
		{"%m/%d/%Y %I:%M %p",       "11/23/2026 13:18 PM",        TIME_UNKNOWN                          },
	};
	static const char *const unknown[] = {"", "%", "%Q", "never", "%Y%", "epoch-days"};
	struct world_fake world;

	(void)state;
	world_fake_init(&world, 1, NOW_US);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t us;

		assert_true(time_format_known(slice_of(cases[i].format)));
		us = time_by_format(
			slice_of(cases[i].text), slice_of(cases[i].format), &world.world);
		if (us != cases[i].us)
			fail_msg("%s by %s: %lld", cases[i].text, cases[i].format, (long long)us);
	}
	for (size_t i = 0; i < COUNT_OF(unknown); i++)
		assert_false(time_format_known(slice_of(unknown[i])));
}

/* Every day of four centuries against the strict reader of base. */
static void days(void **state)
{
	char text[TIME_TEXT_MAX];
	int64_t us, day = 24 * HOUR;

	(void)state;
	for (us = -INT64_C(62135596800) * US_PER_SECOND; us < INT64_C(253402300800) * US_PER_SECOND;
		us += 17 * day + 12345678) {
		size_t len = time_format(us, 6, text);

		assert_int_equal(logs_time((struct slice){text, len}, NULL), us);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(years),
		cmocka_unit_test(formats),
		cmocka_unit_test(days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
