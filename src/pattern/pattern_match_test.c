/* SPDX-License-Identifier: MPL-2.0 */
/* Patterns over given observations: each operator, each qualifier, each limit, and the verdicts that
 * OASIS publishes with its matcher. */
#include <time.h>

#include "testing/testing.h"

#include "pattern.h"

/* ---- asking --------------------------------------------------------------------------------------------- */

static enum err_kind ask(const char *pattern, const struct pattern_observations *o, bool *ret_matched,
	struct err *e)
{
	struct pattern *p;
	enum err_kind kind = pattern_new(slice_of(pattern), &p, e);

	if (kind != OK)
		return kind;
	kind = pattern_match(p, o, ret_matched, NULL, NULL, NULL, e);
	pattern_free(p);
	return kind;
}

static void assert_answer(const char *pattern, const struct pattern_observations *o, bool expected)
{
	bool matched = !expected;
	struct err e;

	if (ask(pattern, o, &matched, &e) != OK)
		fail_msg("%s: %s", pattern, e.text);
	if (matched != expected)
		fail_msg("%s: %s", pattern, matched ? "matched" : "did not match");
}

static struct pattern_observations *observe(const char *json)
{
	struct pattern_observations *o = pattern_observations_new();
	struct err e;

	assert_non_null(o);
	if (pattern_observations_add(o, slice_of(json), &e) != OK)
		fail_msg("%s: %s", json, e.text);
	return o;
}

#define OBSERVED(id, first, last, number)                                                          \
	"{\"type\":\"observed-data\",\"id\":\"observed-data--" id "\",\"first_observed\":\"2020-01-"   \
	"01T00:00:" first "Z\",\"last_observed\":\"2020-01-01T00:00:" last                         \
	"Z\",\"number_observed\":" number ","
#define ONE(objects) OBSERVED("1", "00", "00", "1") "\"objects\":{" objects "}}"

/* ---- comparisons ------------------------------------------------------------------------------------------ */

static const char *const values =
	ONE("\"0\":{\"type\":\"t\",\"i\":5,\"neg\":-3,\"big\":18446744073709551615,\"f\":1.5,\"w\":2.0,"
	    "\"yes\":true,\"no\":false,\"s\":\"hello\",\"empty\":\"\",\"null\":null,"
	    "\"time\":\"2020-01-01T00:00:00.5Z\",\"x_hex\":\"00ff41\",\"x_bin\":\"AP9B\",\"bad_hex\":\"zz\","
	    "\"latin\":\"\\u00ff\",\"wide\":\"\\u0103\",\"v4\":\"10.1.2.3\",\"net\":\"10.1.0.0/16\","
	    "\"v6\":\"2001:db8::1\",\"net6\":\"2001:db8::/32\",\"lines\":\"a\\nb\",\"nfd\":\"e\\u0301x\","
	    "\"list\":[1,2,3],\"names\":[\"a\",\"b\"],\"deep\":[[1],[2,7]],\"objs\":[{\"k\":1},{\"k\":2}],"
	    "\"dict\":{\"a-b\":{\"c\":\"d\"},\"MD5\":\"x\"}},"
	    "\"1\":{\"type\":\"u\",\"i\":6,\"other_ref\":\"0\",\"other_refs\":[\"0\",\"2\",\"9\"]},"
	    "\"2\":{\"type\":\"t\",\"i\":50,\"peer_ref\":\"1\",\"gone_ref\":\"77\"}");

static const struct {
	const char *pattern;
	bool matches;
} comparisons[] = {
	{"[t:i = 5]",                                    true },
	{"[t:i = 7]",                                    false},
	{"[t:i = 5.0]",                                  true },
	{"[t:i = 5.1]",                                  false},
	{"[t:i != 5]",                                   true }, /* the other t */
	{"[t:s != 'hello']",                             false},
	{"[t:neg < 0]",                                  true },
	{"[t:neg > 0]",                                  false},
	{"[t:neg >= -3]",                                true },
	{"[t:neg <= -4]",                                false},
	{"[t:big > 9007199254740991]",                   true },
	{"[t:big < 1]",                                  false},
	{"[t:f > 1]",                                    true },
	{"[t:f > 2]",                                    false},
	{"[t:w = 2]",                                    true },
	{"[t:f = 2]",                                    false},
	{"[t:yes = true]",                               true },
	{"[t:yes = false]",                              false},
	{"[t:no IN (false)]",                            true },
	{"[t:no IN (true)]",                             false},
	{"[t:yes != 5]",                                 true },
	{"[t:i != true]",                                true },
	{"[t:s = 'hello']",                              true },
	{"[t:s = 'Hello']",                              false},
	{"[t:s > 'hell']",                               true },
	{"[t:s < 'hell']",                               false},
	{"[t:empty = '']",                               true },
	{"[t:s > 5]",                                    false},
	{"[t:s NOT > 5]",                                true }, /* NOT turns what is there */
	{"[t:gone = 5]",                                 false},
	{"[t:gone != 5]",                                false}, /* what is not there is never true */
	{"[t:gone NOT = 5]",                             false},
	{"[t:null = 'x']",                               false},
	{"[t:null != 'x']",                              false},
	{"[EXISTS t:s]",                                 true },
	{"[EXISTS t:null]",                              false},
	{"[EXISTS t:gone]",                              false},
	{"[NOT EXISTS t:gone]",                          true },
	{"[NOT EXISTS u:i]",                             false},
	{"[NOT EXISTS v:i]",                             false}, /* no object that could lack it */
	{"[EXISTS t:dict.'a-b'.c]",                      true },
	{"[EXISTS t:dict.'a-b'.x]",                      false},
	{"[t:time = t'2020-01-01T00:00:00.500Z']",       true },
	{"[t:time > t'2020-01-01T00:00:00Z']",           true },
	{"[t:time < t'2020-01-01T00:00:00Z']",           false},
	{"[t:time = '2020-01-01T00:00:00.5Z']",          true }, /* as a string */
	{"[t:s < t'2020-01-01T00:00:00Z']",              false},
	{"[t:x_hex = h'00ff41']",                        true },
	{"[t:x_hex = h'00ff42']",                        false},
	{"[t:x_hex = b'AP9B']",                          true },
	{"[t:x_bin = h'00ff41']",                        true },
	{"[t:x_bin < h'01']",                            true },
	{"[t:x_bin > h'01']",                            false},
	{"[t:bad_hex = 'zz']",                           true }, /* no bytes: a string */
	{"[t:latin = h'ff']",                            true },
	{"[t:wide = h'03']",                             false},
	{"[t:i = h'05']",                                false},
	{"[t:i IN (1, 5, 9)]",                           true },
	{"[t:i IN (1, 6, 9)]",                           false},
	{"[t:i NOT IN (5, 50)]",                         false},
	{"[t:i NOT IN (5, 51)]",                         true },
	{"[t:f IN (1.5, 7)]",                            true },
	{"[t:s IN ('z', 'hello', 'a', 'b', 'c')]",       true },
	{"[t:s IN ('z', 'hell', 'a', 'b', 'c')]",        false},
	{"[t:s IN (1, 2)]",                              false},
	{"[t:x_hex IN ('\u0103', 'A')]",                 false},
	{"[t:x_hex IN (h'00ff41', h'41')]",              true },
	{"[t:time IN (t'2020-01-01T00:00:00.5Z')]",      true },
	{"[t:s LIKE 'h%o']",                             true },
	{"[t:s LIKE 'h_o']",                             false},
	{"[t:s LIKE '_____']",                           true },
	{"[t:s LIKE '______']",                          false},
	{"[t:s LIKE '%']",                               true },
	{"[t:s LIKE '%l%l%']",                           true },
	{"[t:s LIKE '%l%l%l%']",                         false},
	{"[t:s LIKE 'hell']",                            false}, /* the whole value */
	{"[t:wide LIKE '_']",                            true }, /* a code point, not a byte */
	{"[t:wide LIKE '__']",                           false},
	{"[t:lines LIKE 'a%b']",                         true },
	{"[t:i LIKE '5']",                               false},
	{"[t:nfd LIKE '\u00e9_']",                       true }, /* both in NFC */
	{"[t:nfd = '\u00e9x']",                          false}, /* = compares code points */
	{"[t:x_bin LIKE '%A']",                          true },
	{"[t:x_bin LIKE '\u0103%']",                     false},
	{"[t:s MATCHES 'l+o$']",                         true },
	{"[t:s MATCHES '^l']",                           false},
	{"[t:s MATCHES 'ell']",                          true }, /* anywhere */
	{"[t:lines MATCHES 'a.b']",                      true }, /* DOTALL */
	{"[t:lines MATCHES '^b']",                       false}, /* no MULTILINE */
	{"[t:nfd MATCHES '^\u00e9x$']",                  true },
	{"[t:wide MATCHES '^.$']",                       true },
	{"[t:x_hex MATCHES '^.\\\\xffA$']",              true },
	{"[t:x_hex MATCHES '^\\\\xff']",                 false},
	{"[t:x_hex MATCHES '\u0103']",                   false},
	{"[t:i MATCHES '5']",                            false},
	{"[t:i NOT MATCHES '5']",                        true },
	{"[t:v4 ISSUBSET '10.0.0.0/8']",                 true },
	{"[t:v4 ISSUBSET '11.0.0.0/8']",                 false},
	{"[t:v4 ISSUBSET '10.1.2.3']",                   true },
	{"[t:v4 ISSUBSET '0.0.0.0/0']",                  true },
	{"[t:v4 ISSUBSET '::/0']",                       false}, /* another family */
	{"[t:net ISSUBSET '10.0.0.0/8']",                true },
	{"[t:net ISSUBSET '10.1.2.0/24']",               false},
	{"[t:net ISSUPERSET '10.1.2.0/24']",             true },
	{"[t:net ISSUPERSET '10.2.0.0/24']",             false},
	{"[t:net ISSUPERSET '10.0.0.0/8']",              false},
	{"[t:v6 ISSUBSET '2001:db8::/32']",              true },
	{"[t:v6 ISSUBSET '2001:db9::/32']",              false},
	{"[t:net6 ISSUPERSET '2001:DB8:0:1::/64']",      true },
	{"[t:v6 ISSUPERSET '2001:db8::/127']",           false},
	{"[t:s ISSUBSET '10.0.0.0/8']",                  false},
	{"[t:s NOT ISSUBSET '10.0.0.0/8']",              true },
	{"[t:list[0] = 1]",                              true },
	{"[t:list[1] = 1]",                              false},
	{"[t:list[3] = 1]",                              false},
	{"[t:list[*] = 3]",                              true },
	{"[t:list[*] = 4]",                              false},
	{"[t:list = 1]",                                 false}, /* a list is none of its items */
	{"[t:deep[*][*] = 7]",                           true },
	{"[t:deep[0][*] = 7]",                           false},
	{"[t:objs[*].k = 2]",                            true },
	{"[t:objs[0].k = 2]",                            false},
	{"[t:names[*] LIKE 'b']",                        true },
	{"[t:dict.'a-b'.c = 'd']",                       true },
	{"[t:dict.'a-b'.c = 'e']",                       false},
	{"[t:s[0] = 'h']",                               false},
	{"[u:other_ref.i = 5]",                          true },
	{"[u:other_ref.i = 6]",                          false},
	{"[u:other_refs[1].i = 50]",                     true },
	{"[u:other_refs[0].i = 50]",                     false},
	{"[u:other_refs[2].i = 50]",                     false}, /* not in the observation */
	{"[u:other_refs[*].i = 50]",                     true },
	{"[u:other_refs.i = 50]",                        false},
	{"[u:other_ref = '0']",                          true }, /* the reference itself */
	{"[t:peer_ref.other_ref.s = 'hello']",           true },
	{"[t:gone_ref.i = 5]",                           false},
	{"[t:peer_ref.other_refs[*].peer_ref.i = 6]",    true },
	/* section 9.5: AND is about one object, OR needs none of its sides to be */
	{"[t:i = 5 AND t:s = 'hello']",                  true },
	{"[t:i = 50 AND t:s = 'hello']",                 false},
	{"[t:i = 5 AND u:i = 6]",                        false},
	{"[u:i = 6 AND u:other_ref.i = 5]",              true },
	{"[t:i = 7 OR u:i = 6]",                         true },
	{"[t:i = 7 OR u:i = 7]",                         false},
	{"[t:i = 5 OR t:i = 50 AND t:s = 'x']",          true }, /* AND binds closer */
	{"[(t:i = 5 OR t:i = 50) AND t:s = 'x']",        false},
	{"[t:list[*] = 1 AND t:list[*] = 3]",            true },
};

static void test_comparisons(void **state)
{
	struct pattern_observations *o = observe(values);

	(void)state;
	for (size_t k = 0; k < COUNT_OF(comparisons); k++)
		assert_answer(comparisons[k].pattern, o, comparisons[k].matches);
	pattern_observations_free(o);
}

/* ---- observations ------------------------------------------------------------------------------------------ */

#define N(n) "\"objects\":{\"0\":{\"type\":\"t\",\"n\":" n "}}}"

/* a at 0 s, b at 5 s, c from 10 to 20 s, twice d at 30 s */
static const char *const row = "[" OBSERVED("a", "00", "00", "1") N("1") "," OBSERVED(
	"b", "05", "05", "1") N("2") "," OBSERVED("c", "10", "20", "1") N("3") "," OBSERVED("d", "30", "30",
	"2") N("4") "]";

static const struct {
	const char *pattern;
	bool matches;
} joined[] = {
	{"[t:n = 1] AND [t:n = 2]",                                           true },
	{"[t:n = 1] AND [t:n = 9]",                                           false},
	{"[t:n = 1] AND [t:n < 2]",                                           false}, /* another observation */
	{"[t:n = 4] AND [t:n > 3]",                                           true }, /* it was two */
	{"[t:n = 4] AND [t:n > 3] AND [t:n >= 4]",                            false},
	{"[t:n = 9] OR [t:n = 2]",                                            true },
	{"[t:n = 9] OR [t:n = 8]",                                            false},
	{"[t:n = 1] FOLLOWEDBY [t:n = 2]",                                    true },
	{"[t:n = 2] FOLLOWEDBY [t:n = 1]",                                    false},
	{"[t:n = 4] FOLLOWEDBY [t:n > 3]",                                    true }, /* at the same time */
	{"[t:n = 1] FOLLOWEDBY [t:n = 2] FOLLOWEDBY [t:n = 3]",               true },
	{"[t:n = 2] FOLLOWEDBY [t:n = 1] FOLLOWEDBY [t:n = 3]",               false},
	{"[t:n = 2] FOLLOWEDBY ([t:n = 3] AND [t:n = 1])",                    false},
	{"[t:n = 1] FOLLOWEDBY ([t:n = 3] AND [t:n = 2])",                    true },
	{"([t:n = 3] AND [t:n = 1]) FOLLOWEDBY [t:n = 2]",                    false},
	{"[t:n = 9] OR [t:n = 1] FOLLOWEDBY [t:n = 2]",                       true },
	{"[t:n = 1] AND [t:n = 9] OR [t:n = 2]",                              true }, /* AND before OR */
	{"[t:n = 1] AND ([t:n = 9] OR [t:n = 2])",                            true },
	{"[t:n = 9] AND ([t:n = 9] OR [t:n = 2])",                            false},
	{"[t:n < 3] REPEATS 2 TIMES",                                         true },
	{"[t:n < 3] REPEATS 3 TIMES",                                         false},
	{"[t:n = 4] REPEATS 2 TIMES",                                         true }, /* number_observed */
	{"[t:n = 4] REPEATS 3 TIMES",                                         false},
	{"([t:n = 4] REPEATS 1 TIMES) REPEATS 2 TIMES",                       true },
	{"([t:n > 0] REPEATS 2 TIMES) REPEATS 2 TIMES",                       true },
	{"([t:n > 0] REPEATS 2 TIMES) REPEATS 3 TIMES",                       false},
	{"([t:n = 1] OR [t:n = 2]) REPEATS 2 TIMES",                          true },
	{"([t:n = 1] OR [t:n = 2]) REPEATS 3 TIMES",                          false},
	{"([t:n < 3] AND [t:n > 2]) REPEATS 2 TIMES",                         true },
	{"([t:n < 2] AND [t:n > 2]) REPEATS 2 TIMES",                         false},
	{"([t:n = 1] AND [t:n = 2]) WITHIN 5 SECONDS",                        true }, /* and no more */
	{"([t:n = 1] AND [t:n = 2]) WITHIN 4.9 SECONDS",                      false},
	{"([t:n = 2] AND [t:n = 3]) WITHIN 5 SECONDS",                        true }, /* c may be at its start */
	{"([t:n = 3] AND [t:n = 4]) WITHIN 10 SECONDS",                       true }, /* or at its end */
	{"([t:n = 2] AND [t:n = 4]) WITHIN 20 SECONDS",                       false},
	{"[t:n = 1] WITHIN 0.001 SECONDS",                                    true },
	{"[t:n = 3] WITHIN 1 SECONDS",                                        true }, /* one is always within */
	{"[t:n > 0] REPEATS 3 TIMES WITHIN 9 SECONDS",                        false},
	{"[t:n > 0] REPEATS 3 TIMES WITHIN 10 SECONDS",                       true },
	{"([t:n = 1] FOLLOWEDBY [t:n = 3]) WITHIN 10 SECONDS",                true },
	{"([t:n = 1] FOLLOWEDBY [t:n = 3]) WITHIN 9 SECONDS",                 false},
	{"[t:n = 1] FOLLOWEDBY [t:n = 4] WITHIN 1 SECONDS",                   true }, /* WITHIN is about the last */
	{"([t:n < 3] FOLLOWEDBY [t:n < 4]) WITHIN 5 SECONDS REPEATS 1 TIMES", true },
	{"([t:n > 0] WITHIN 1 SECONDS) REPEATS 5 TIMES",                      true },
	{"([t:n > 0] WITHIN 1 SECONDS) REPEATS 6 TIMES",                      false},
	{"[t:n = 2] START t'2020-01-01T00:00:05Z' STOP t'2020-01-01T00:00:06Z'", true},
	{"[t:n = 2] START t'2020-01-01T00:00:04Z' STOP t'2020-01-01T00:00:05Z'", false}, /* before STOP */
	{"[t:n = 2] START t'2020-01-01T00:00:05.1Z' STOP t'2020-01-01T00:00:06Z'", false},
	{"[t:n = 3] START t'2020-01-01T00:00:19Z' STOP t'2020-01-01T00:00:21Z'", true},
	{"([t:n = 1] AND [t:n = 2]) START t'2020-01-01T00:00:01Z' STOP t'2020-01-01T00:00:09Z'", false},
	{"([t:n = 1] AND [t:n = 2]) START t'2020-01-01T00:00:00Z' STOP t'2020-01-01T00:00:09Z'", true},
	{"[t:n = 2] START t'2020-01-01T00:00:09Z' STOP t'2020-01-01T00:00:01Z'", false},
	{"([t:n = 2] START t'2020-01-01T00:00:01Z' STOP t'2020-01-01T00:00:09Z') START "
	 "t'2020-01-01T00:00:06Z' STOP t'2020-01-01T00:00:09Z'",              false}, /* both hold */
};

static void test_joined(void **state)
{
	struct pattern_observations *o = observe(row);

	(void)state;
	for (size_t k = 0; k < COUNT_OF(joined); k++)
		assert_answer(joined[k].pattern, o, joined[k].matches);
	pattern_observations_free(o);
}

static void test_ids(void **state)
{
	struct pattern_observations *o = observe(row);
	struct arena *a = arena_new(KIB(64));
	struct slice *ids;
	size_t count = 9;
	struct pattern *p;
	bool matched;
	struct err e;

	(void)state;
	assert_int_equal(pattern_new(SLICE("[t:n = 9] OR [t:n = 4] REPEATS 2 TIMES"), &p, &e), OK);
	assert_int_equal(pattern_match(p, o, &matched, a, &ids, &count, &e), OK);
	assert_true(matched);
	assert_int_equal(count, 1); /* one observed-data that was seen twice */
	assert_true(slice_is(ids[0], "observed-data--d"));
	pattern_free(p);
	assert_int_equal(pattern_new(SLICE("[t:n = 2] AND [t:n = 1]"), &p, &e), OK);
	assert_int_equal(pattern_match(p, o, &matched, a, &ids, &count, &e), OK);
	assert_int_equal(count, 2);
	assert_true(slice_is(ids[0], "observed-data--b"));
	assert_true(slice_is(ids[1], "observed-data--a"));
	pattern_free(p);
	assert_int_equal(pattern_new(SLICE("[t:n = 9]"), &p, &e), OK);
	assert_int_equal(pattern_match(p, o, &matched, a, &ids, &count, &e), OK);
	assert_false(matched);
	assert_int_equal(count, 0);
	pattern_free(p);
	arena_free(a);
	pattern_observations_free(o);
}

/* ---- what is taken as observations ---------------------------------------------------------------------------- */

#define REFS(list) "\"object_refs\":[" list "]}"
#define SCO(id, n) "{\"type\":\"t\",\"id\":\"" id "\",\"n\":" n "}"

static const struct {
	const char *json, *pattern;
	bool matches;
} forms[] = {
	{"{\"type\":\"bundle\",\"objects\":[" OBSERVED("1", "00", "00", "1") REFS("\"t--1\"") "," SCO("t--1", "1") "]}",
		"[t:n = 1]", true},
	{"{\"type\":\"bundle\",\"objects\":[" OBSERVED("1", "00", "00", "1") REFS("\"t--2\"") "," SCO("t--1", "1") "]}",
		"[t:n = 1]", false}, /* not what was observed */
	{"[" OBSERVED("1", "00", "00", "1") REFS("\"t--1\"") "," SCO("t--1", "1") "]", "[t:n = 1]", true},
	{"[{\"type\":\"bundle\",\"objects\":[" SCO("t--1", "1") "]},{\"type\":\"bundle\",\"objects\":[" OBSERVED(
		"1", "00", "00", "1") REFS("\"t--1\"") "]}]", "[t:n = 1]", false}, /* another bundle's object */
	{"{\"objects\":[" OBSERVED("1", "00", "00", "1") REFS("\"t--1\"") "," SCO("t--1", "1") "]}", "[t:n = 1]",
		true}, /* a TAXII envelope */
	{OBSERVED("1", "00", "00", "1") N("1"), "[t:n = 1]", true},
	{"[]", "[t:n = 1]", false},
	{"[" OBSERVED("1", "00", "00", "1") N("1") "," OBSERVED("1", "00", "00", "1") N("1") "]",
		"[t:n = 1] REPEATS 2 TIMES", false}, /* one observed-data is not two observations */
	{"[" OBSERVED("1", "00", "00", "1") "\"modified\":\"2020-01-01T00:00:00Z\"," N("1") "," OBSERVED("1", "00",
		"00", "1") "\"modified\":\"2020-01-02T00:00:00Z\"," N("2") "]", "[t:n = 1]", false}, /* the newest */
	{"{\"type\":\"bundle\",\"objects\":[" OBSERVED("1", "00", "00", "1") REFS("\"t--1\"") "," SCO("t--1", "1")
		"]}", "[observed-data:number_observed = 1]", false},
};

static const struct {
	const char *json;
	enum err_kind kind;
} refused[] = {
	{"",                                                                 ERR_PARSE  },
	{"5",                                                                ERR_INVALID},
	{"{\"type\":\"t\"}",                                                 ERR_INVALID},
	{"[5]",                                                              ERR_INVALID},
	{"{\"type\":\"observed-data\"}",                                     ERR_INVALID},
	{OBSERVED("1", "00", "00", "0") N("1"),                              ERR_INVALID},
	{OBSERVED("1", "00", "00", "1000000000") N("1"),                     ERR_INVALID},
	{OBSERVED("1", "00", "00", "\"1\"") N("1"),                          ERR_INVALID},
	{OBSERVED("1", "01", "00", "1") N("1"),                              ERR_INVALID},
	{OBSERVED("1", "0", "00", "1") N("1"),                               ERR_INVALID},
	{"[" OBSERVED("1", "00", "00", "1") N("1") "," OBSERVED("2", "00", "00", "0") N("1") "]", ERR_INVALID},
};

static void test_forms(void **state)
{
	struct pattern_observations *o;
	struct err e;

	(void)state;
	for (size_t k = 0; k < COUNT_OF(forms); k++) {
		o = observe(forms[k].json);
		assert_answer(forms[k].pattern, o, forms[k].matches);
		pattern_observations_free(o);
	}
	o = pattern_observations_new();
	for (size_t k = 0; k < COUNT_OF(refused); k++)
		assert_int_equal(
			pattern_observations_add(o, slice_of(refused[k].json), &e), refused[k].kind);
	assert_answer("[t:n = 1]", o, false); /* refused as a whole */
	pattern_observations_free(o);
}

static void test_several_documents(void **state)
{
	struct pattern_observations *o = observe(OBSERVED("1", "00", "00", "1") N("1"));
	struct err e;

	(void)state;
	assert_answer("[t:n = 1] AND [t:n = 2]", o, false);
	assert_int_equal(pattern_observations_add(
				 o, slice_of(OBSERVED("2", "00", "00", "1") N("2")), &e), OK);
	assert_answer("[t:n = 1] AND [t:n = 2]", o, true);
	pattern_observations_free(o);
}

/* ---- limits -------------------------------------------------------------------------------------------------------- */

static void test_refused_patterns(void **state)
{
	static const struct {
		const char *pattern;
		enum err_kind kind;
		const char *text;
	} bad[] = {
		{"[t:n = ",                               ERR_PARSE,   "line 1, column 8"           },
		{"[t:n MATCHES '(']",                     ERR_INVALID, "regular expression at byte 1"},
		{"[t:n MATCHES 'a\\\\Cb']",               ERR_INVALID, "regular expression"         },
		{"[t:n = 1] REPEATS 100001 TIMES",        ERR_LIMIT,   "100000 observations"        },
		{"([t:n = 1] REPEATS 1000 TIMES) REPEATS 1000 TIMES", ERR_LIMIT, "100000 observations"},
		{"([t:n = 1] REPEATS 9007199254740991 TIMES AND [t:n = 2]) REPEATS 9007199254740991 TIMES",
			ERR_LIMIT, "100000 observations"},
	};
	struct pattern *p;
	struct err e;

	(void)state;
	for (size_t k = 0; k < COUNT_OF(bad); k++) {
		assert_int_equal(pattern_new(slice_of(bad[k].pattern), &p, &e), bad[k].kind);
		if (strstr(e.text, bad[k].text) == NULL)
			fail_msg("%s: %s", bad[k].pattern, e.text);
	}
	assert_int_equal(pattern_new(SLICE("[t:n = 1] REPEATS 100000 TIMES"), &p, &e), OK);
	pattern_free(p);
}

static struct pattern_observations *observe_many(size_t count, const char *number)
{
	struct pattern_observations *o;
	struct buf text = BUF_INIT;
	char time[TIME_TEXT_MAX];

	buf_char(&text, '[');
	for (size_t k = 0; k < count; k++) {
		time_format((int64_t)k * US_PER_SECOND, 0, time);
		buf_printf(&text,
			"%s{\"type\":\"observed-data\",\"id\":\"observed-data--%zu\",\"first_observed\":"
			"\"%s\",\"last_observed\":\"%s\",\"number_observed\":%s,\"objects\":{\"0\":"
			"{\"type\":\"t\",\"n\":%zu,\"s\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"}}}",
			k > 0 ? "," : "", k, time, time, number, k);
	}
	buf_char(&text, ']');
	buf_char(&text, '\0');
	assert_false(text.bad);
	o = observe(text.data);
	buf_fini(&text);
	return o;
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* More ways than anybody can try end with ERR_LIMIT, and soon. */
static void test_exponential(void **state)
{
	struct pattern_observations *o = observe_many(24, "1");
	struct buf pattern = BUF_INIT;
	double begin = cpu_seconds();
	bool matched;
	struct err e;

	(void)state;
	/* 25 different wishes for 24 observations: 24! ways */
	for (int k = 0; k < 25; k++)
		buf_printf(&pattern, "%s[t:n >= 0]", k > 0 ? " AND " : "");
	buf_char(&pattern, '\0');
	assert_int_equal(ask(pattern.data, o, &matched, &e), ERR_LIMIT);
	buf_fini(&pattern);
	/* as many as there are is no trouble */
	for (int k = 0; k < 24; k++)
		buf_printf(&pattern, "%s[t:n >= 0]", k > 0 ? " AND " : "");
	buf_char(&pattern, '\0');
	assert_answer(pattern.data, o, true);
	buf_fini(&pattern);
	pattern_observations_free(o);
	assert_true(cpu_seconds() - begin < 5);
}

/* References that go round in circles: 3 to the 40th paths. */
static void test_circles(void **state)
{
	struct pattern_observations *o = observe(
		ONE("\"0\":{\"type\":\"t\",\"n\":1,\"all_refs\":[\"0\",\"0\",\"0\"]}"));
	struct buf pattern = BUF_INIT;
	bool matched;
	struct err e;

	(void)state;
	buf_text(&pattern, "[t:");
	for (int k = 0; k < 40; k++)
		buf_text(&pattern, "all_refs[*].");
	buf_text(&pattern, "n = 2]");
	buf_char(&pattern, '\0');
	assert_int_equal(ask(pattern.data, o, &matched, &e), ERR_LIMIT);
	pattern.data[pattern.len - 3] = '1';
	assert_answer(pattern.data, o, true);
	buf_fini(&pattern);
	pattern_observations_free(o);
}

/* Regular expressions that backtrack without end (an "a" too many, then no match). */
static void test_catastrophic(void **state)
{
	static const char *const bad[] = {
		"[t:s MATCHES '^(a+)+$']",
		"[t:s MATCHES '^(a|aa)+$']",
		"[t:s MATCHES '^(a|a?)+$']",
		"[t:s MATCHES '(x+x+)+y|(a*)*c']",
		"[t:s MATCHES '^(?:(?:a*)*)*$']",
		"[t:s MATCHES '^(a*)*(a*)*(a*)*$']",
	};
	struct pattern_observations *o = observe_many(3, "1");
	double begin = cpu_seconds();
	bool matched;
	struct err e;

	(void)state;
	for (size_t k = 0; k < COUNT_OF(bad); k++)
		assert_int_equal(ask(bad[k], o, &matched, &e), ERR_LIMIT);
	assert_true(cpu_seconds() - begin < 3);
	assert_answer("[t:s MATCHES '^a+b$']", o, true);
	pattern_observations_free(o);
}

/* A long value: what reads it once is let through, what reads it again from each place is not. */
static void test_long_subject(void **state)
{
	struct buf json = BUF_INIT;
	struct pattern_observations *o;
	double begin = cpu_seconds();
	bool matched;
	struct err e;

	(void)state;
	buf_text(&json, OBSERVED("1", "00", "00", "1") "\"objects\":{\"0\":{\"type\":\"t\",\"s\":\"");
	for (int k = 0; k < 1000000; k++)
		buf_char(&json, 'a');
	buf_text(&json, "b\"}}}");
	buf_char(&json, '\0');
	o = observe(json.data);
	buf_fini(&json);
	assert_answer("[t:s MATCHES 'ab$']", o, true);
	assert_answer("[t:s MATCHES '^[a-z]+$']", o, true);
	assert_answer("[t:s MATCHES 'evil']", o, false);
	assert_answer("[t:s LIKE '%a_b']", o, true);
	assert_int_equal(ask("[t:s MATCHES 'a+c']", o, &matched, &e), OK); /* no c: PCRE2 sees it */
	assert_int_equal(ask("[t:s MATCHES '[^b]*+[cd]']", o, &matched, &e), ERR_LIMIT);
	pattern_observations_free(o);
	assert_true(cpu_seconds() - begin < 10);
}

static void test_many_observations(void **state)
{
	struct pattern_observations *o = observe_many(5000, "1");
	struct arena *a = arena_new(MIB(16));
	double begin = cpu_seconds();
	bool matched;
	struct err e;

	(void)state;
	assert_answer("[t:n >= 0] REPEATS 5000 TIMES", o, true);
	assert_answer("[t:n >= 0] REPEATS 5001 TIMES", o, false);
	assert_answer("[t:n >= 0] REPEATS 101 TIMES WITHIN 100 SECONDS", o, true);
	assert_answer("[t:n >= 0] REPEATS 102 TIMES WITHIN 100 SECONDS", o, false);
	assert_answer("[t:n < 2500] FOLLOWEDBY [t:n >= 2500] FOLLOWEDBY [t:n < 2000]", o, false);
	assert_answer("([t:n < 2500] FOLLOWEDBY [t:n > 3000]) WITHIN 500 SECONDS", o, false);
	assert_answer("([t:n < 2500] FOLLOWEDBY [t:n > 2998]) WITHIN 500 SECONDS", o, true);
	assert_answer("([t:n < 2500] REPEATS 20 TIMES FOLLOWEDBY [t:n > 3000]) WITHIN 500 SECONDS", o,
		false);
	assert_true(cpu_seconds() - begin < 5);
	/* PATTERN_OBSERVATIONS_MAX is a limit of the whole */
	for (int k = 0; k < PATTERN_OBSERVATIONS_MAX - 5000; k++)
		assert_int_equal(pattern_observations_add(o, SLICE(OBSERVED("x", "00", "00", "1") N("7")),
					 &e), OK);
	assert_int_equal(
		pattern_observations_add(o, SLICE(OBSERVED("x", "00", "00", "1") N("7")), &e), ERR_LIMIT);
	assert_int_equal(ask("[t:n = 7] REPEATS 2 TIMES", o, &matched, &e), OK);
	assert_true(matched);
	arena_free(a);
	pattern_observations_free(o);
}

/* A pattern as long as the grammar lets it be is walked without recursion along its chain. */
static void test_long_chain(void **state)
{
	static const char *const joints[] = {" OR ", " AND ", " FOLLOWEDBY "};
	struct pattern_observations *o = observe_many(3, "999999999");
	struct buf pattern = BUF_INIT;

	(void)state;
	for (size_t j = 0; j < COUNT_OF(joints); j++) {
		buf_clear(&pattern);
		for (int k = 0; k < 20000; k++)
			buf_printf(&pattern, "%s[t:n >= 0]", k > 0 ? joints[j] : "");
		buf_char(&pattern, '\0');
		assert_answer(pattern.data, o, true);
		buf_clear(&pattern);
		buf_text(&pattern, "[");
		for (int k = 0; k < 20000; k++)
			buf_printf(&pattern, "%st:n >= 0", k > 0 ? joints[j % 2] : "");
		buf_text(&pattern, "]");
		buf_char(&pattern, '\0');
		assert_answer(pattern.data, o, true);
	}
	buf_fini(&pattern);
	pattern_observations_free(o);
}

/* ---- the verdicts of OASIS's matcher -------------------------------------------------------------------------------- */

/* Where we differ from `matched`; docs/conformance.md argues each. */
static const struct {
	const char *pattern;
	bool refused; /* else we match */
} differing[] = {
	{"[person:age < 20] REPEATS 2 TIMES REPEATS 2 TIMES", true},
	{"[test:string != t'1965-07-19T22:41:38Z']", false},
};

static bool verdict_differs(struct slice pattern, bool refused_by_us)
{
	for (size_t k = 0; k < COUNT_OF(differing); k++) {
		if (slice_is(pattern, differing[k].pattern))
			return differing[k].refused == refused_by_us;
	}
	return false;
}

static void verdict_check(struct json_value sets, struct json_value c)
{
	struct slice text = json_get_string(c, "pattern");
	char *set_name = strndup(json_get_string(c, "observations").data,
		json_get_string(c, "observations").len);
	struct pattern_observations *o = pattern_observations_new();
	struct json_value set, wanted;
	struct buf json = BUF_INIT;
	bool matched = false;
	enum err_kind kind;
	struct pattern *p;
	struct err e;

	assert_true(json_get(sets, set_name, &set));
	assert_true(json_get(c, "matched", &wanted));
	assert_int_equal(json_canon(set, &json, &e), OK);
	assert_int_equal(pattern_observations_add(o, buf_slice(&json), &e), OK);
	kind = pattern_new(text, &p, &e);
	if (kind == OK) {
		assert_int_equal(pattern_match(p, o, &matched, NULL, NULL, NULL, &e), OK);
		pattern_free(p);
	} else {
		assert_int_equal(kind, ERR_PARSE);
	}
	if ((matched != json_is_true(wanted)) != verdict_differs(text, kind != OK))
		fail_msg("%.*s: %s", SLICE_ARG(text), kind != OK ? e.text : matched ? "matched" : "not");
	buf_fini(&json);
	free(set_name);
	pattern_observations_free(o);
}

static void test_verdicts(void **state)
{
	struct buf text = testing_data_read("stix/pattern-matches.json");
	struct json_parser *parser = json_parser_new(MIB(1));
	struct json_value sets, cases, c;
	struct json_doc doc;
	struct json_iter it;
	size_t count = 0;
	struct err e;

	(void)state;
	assert_int_equal(json_parse(parser, buf_slice(&text), &doc, &e), OK);
	assert_true(json_get(json_root(&doc), "observation_sets", &sets));
	assert_true(json_get(json_root(&doc), "cases", &cases));
	for (it = json_iter(cases); json_array_next(&it, &c); count++)
		verdict_check(sets, c);
	assert_int_equal(count, 206);
	json_parser_free(parser);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comparisons),
		cmocka_unit_test(test_joined),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_several_documents),
		cmocka_unit_test(test_refused_patterns),
		cmocka_unit_test(test_exponential),
		cmocka_unit_test(test_circles),
		cmocka_unit_test(test_catastrophic),
		cmocka_unit_test(test_long_subject),
		cmocka_unit_test(test_many_observations),
		cmocka_unit_test(test_long_chain),
		cmocka_unit_test(test_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
