/* SPDX-License-Identifier: MPL-2.0 */
/* Observed-data: in bundles and lines, with observables before and behind, and damage between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "logs_testing.h"

#define SEEN(id, refs)                                                                             \
	"{\"type\":\"observed-data\",\"id\":\"observed-data--" id                                  \
	"\",\"first_observed\":\"2026-11-23T06:18:00Z\",\"object_refs\":[" refs "]}"
#define ADDR(id, value)                                                                            \
	"{\"type\":\"ipv4-addr\",\"id\":\"ipv4-addr--" id "\",\"value\":\"" value "\"}"
#define HELD(value)                                                                                \
	"{\"type\":\"observed-data\",\"id\":\"observed-data--x\",\"objects\":{\"0\":{\"type\":"    \
	"\"ipv4-addr\",\"value\":\"" value "\"}}}"
#define REF(id)   "\"ipv4-addr--" id "\""
#define FOUND(a)  " ipv4-addr:value:address:address=" a
#define BUNDLE(x) "{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[" x "]}"

static const struct {
	const char *why, *log, *expected;
	uint64_t problems;
} cases[] = {
	{"held by itself",         HELD("192.0.2.1"), "1@0" FOUND("192.0.2.1") "\n",                              0                                                                            },
	{"observables before",     BUNDLE(ADDR("1",   "192.0.2.1") "," SEEN("1",                                  REF("1"))),
         "1@106" FOUND("192.0.2.1") "\n", 0},
	{"observables behind",                       BUNDLE(SEEN("1",                                        REF("1")) "," ADDR("1",									       "192.0.2.1")),
         "1@45" FOUND("192.0.2.1") "\n", 0},
	{"on both sides",
         BUNDLE(ADDR("2",              "192.0.2.2") "," SEEN("1",								       REF("1") "," REF("2")) "," ADDR(
			"1",																		    "192.0.2.1")),
         "1@106" FOUND("192.0.2.1") FOUND("192.0.2.2") "\n", 0},
	{"observables that are nowhere",
         BUNDLE(ADDR("2","192.0.2.2") "," SEEN("1",                     REF("1") "," REF("2"))),
         "1@106" FOUND("192.0.2.2") "\n", 0},
	{"the first of one id holds",
         ADDR("1",					"192.0.2.1") "\n" ADDR("1",								     "192.0.2.2") "\n" SEEN("1",																					REF("1")),
         "3@122" FOUND("192.0.2.1") "\n", 0},
	{"a line each", HELD("192.0.2.1") "\n\r\n" HELD("192.0.2.2") "\n",
         "1@0" FOUND("192.0.2.1") "\n3@108" FOUND("192.0.2.2") "\n",                                                                      0																		  },
	{"a bundle a line",                 BUNDLE(HELD("192.0.2.1")) "\n" BUNDLE(HELD("192.0.2.2")),
         "1@45" FOUND("192.0.2.1") "\n2@198" FOUND("192.0.2.2") "\n",0},
	{"run together",                       HELD("192.0.2.1") HELD("192.0.2.2"),
         "1@0" FOUND("192.0.2.1") FOUND("192.0.2.2") "\n",										      0														 },
	{"a list",		       "[" HELD("192.0.2.1") ",\n" HELD("192.0.2.2") "]",
         "1@1" FOUND("192.0.2.1") "\n2@108" FOUND("192.0.2.2") "\n",             0},
	{"a damaged line costs itself",
         HELD("192.0.2.1") "\n{\"type\":\"observed-data\",\n]\nx\n" HELD("192.0.2.2"),
         "1@0" FOUND("192.0.2.1") "\n5@135" FOUND("192.0.2.2") "\n",																			 3																																										   },
	{"a damaged envelope costs the way to the next object",
         "{\"type\":\"bundle\",\n\"objects\":[,\n  " HELD("192.0.2.1") "\n]}\n",
         "3@33" FOUND("192.0.2.1") "\n",      2},
	{"an object that is no JSON",
         BUNDLE("\n{\"type\":\"observed-data\",\"a\":},\n" HELD("192.0.2.1")),
         "3@77" FOUND("192.0.2.1") "\n",							  1													  },
	{"what observes nothing",
         BUNDLE("{\"type\":\"indicator\",\"id\":\"indicator--1\",\"pattern\":\"[url:value='"
		       "x']\"}"),
         "",0														},
	{"nothing",		       "",					"",								   0														  },
};

static void read_streams(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct logs_look look = {.format = LOGS_STIX};
		struct slice log = slice_of(cases[i].log);
		struct logs_counts counts;
		struct buf found = logs_look_at(&look, log, &counts);

		if (strcmp(found.data, cases[i].expected) != 0 ||
			counts.problems != cases[i].problems)
			fail_msg("%s: %llu problems: %s\n%s", cases[i].why,
				(unsigned long long)counts.problems, counts.first_problem,
				found.data);
		buf_fini(&found);
		/* where a broken envelope is left depends on what is there of it */
		for (look.cut = 1; strstr(cases[i].why, "envelope") == NULL && look.cut < log.len;
			look.cut++) {
			found = logs_look_at(&look, log, &counts);
			if (strcmp(found.data, cases[i].expected) != 0)
				fail_msg("%s cut at %zu:\n%s", cases[i].why, look.cut, found.data);
			buf_fini(&found);
		}
	}
}

/* Every type of the table, by its role; detail says the same and the time. */
static void roles(void **state)
{
	static const char log[] =
		"{\"type\":\"observed-data\",\"id\":\"observed-data--x\",\"first_observed\":"
		"\"2026-11-23T06:18:00.5Z\",\"objects\":{"
		"\"0\":{\"type\":\"ipv4-addr\",\"value\":\"192.0.2.1\"},"
		"\"1\":{\"type\":\"ipv6-addr\",\"value\":\"2001:db8::1\"},"
		"\"2\":{\"type\":\"network-traffic\",\"src_ref\":\"0\",\"dst_ref\":\"1\",\"src_"
		"port\":1,"
		"\"dst_port\":2,\"protocols\":[\"ipv6\",\"tcp\",\"tls\"],\"src_byte_count\":3},"
		"\"3\":{\"type\":\"email-addr\",\"value\":\"a@a.example\"},"
		"\"4\":{\"type\":\"email-addr\",\"value\":\"b@b.example\"},"
		"\"5\":{\"type\":\"email-message\",\"from_ref\":\"3\",\"to_refs\":[\"4\"],"
		"\"subject\":\"pay \\u00e4\"},"
		"\"6\":{\"type\":\"domain-name\",\"value\":\"d.example\",\"resolves_to_refs\":["
		"\"7\"]},"
		"\"7\":{\"type\":\"ipv4-addr\",\"value\":\"192.0.2.7\"},"
		"\"8\":{\"type\":\"file\",\"name\":\"x.exe\",\"hashes\":{\"MD5\":\"aa\",\"ssdeep\":"
		"\"3:b\"},"
		"\"extensions\":{\"windows-pebinary-ext\":{\"imphash\":\"cc\"}}},"
		"\"9\":{\"type\":\"x509-certificate\",\"hashes\":{\"SHA-256\":\"dd\"},"
		"\"subject\":\"C=XX, CN=e.example, O=E\"},"
		"\"a\":{\"type\":\"autonomous-system\",\"number\":64500},"
		"\"b\":{\"type\":\"process\",\"command_line\":\"curl f.example\"},"
		"\"c\":{\"type\":\"mutex\",\"name\":\"m\"},"
		"\"d\":{\"type\":\"network-traffic\",\"extensions\":{\"http-request-ext\":{"
		"\"request_method\":\"get\",\"request_value\":\"http://g.example/"
		"\",\"request_header\":{"
		"\"user-agent\":\"ua\"}}}},"
		"\"e\":{\"type\":\"domain-name\",\"value\":7},\"f\":[]}}";
	struct logs_look look = {.format = LOGS_STIX, .roles = ~UINT64_C(0), .details = true};
	struct logs_counts counts;
	struct buf found = logs_look_at(&look, slice_of(log), &counts);
	static const char fields[] =
		" ipv4-addr:value:source.address:address=192.0.2.1"
		" ipv6-addr:value:destination.address:address=2001:db8::1"
		" network-traffic:src_port:source.port:none=1 "
		"network-traffic:dst_port:destination.port:none=2"
		" network-traffic:src_byte_count:source.bytes:none=3"
		" network-traffic:protocols:transport:none=tcp "
		"network-traffic:protocols:service:none=tls"
		" email-addr:value:email.from:email=a@a.example "
		"email-addr:value:email.to:email=b@b.example"
		" email-message:subject:email.subject:none=pay\\x20\\xc3\\xa4"
		" domain-name:value:host:name=d.example "
		"ipv4-addr:value:dns.answer:address=192.0.2.7"
		" file:name:file.name:text=x.exe file:hashes:file.hash:hash=aa"
		" file:hashes:file.ssdeep:ssdeep=3:b"
		" windows-pebinary-ext:imphash:file.imphash:imphash=cc"
		" x509-certificate:hashes:tls.certificate:certificate=dd"
		" x509-certificate:subject:tls.certificate_name:host=e.example"
		" autonomous-system:number:asn:asn=64500 "
		"process:command_line:command:free=curl\\x20f.example"
		" mutex:name:mutex:text=m http-request-ext:request_method:http.method:none=get"
		" http-request-ext:request_value:url:url=http://g.example/"
		" http-request-ext:user_agent:user_agent:text=ua\n";
	struct buf expected = BUF_INIT;

	(void)state;
	buf_printf(&expected, "1@0%s  1795414680500000%s", fields, fields);
	buf_char(&expected, 0);
	if (strcmp(found.data, expected.data) != 0)
		fail_msg("%s", found.data);
	buf_fini(&expected);
	buf_fini(&found);
}

/* More than the table holds: all are read, what waited for too long without its observables. */
static void many(void **state)
{
	struct logs_look look = {.format = LOGS_STIX};
	struct buf text = BUF_INIT, found;
	struct logs_counts counts;
	enum { COUNT = 20000 }; /* the table holds 16,384 */

	(void)state;
	buf_text(&text, "{\"type\":\"bundle\",\"objects\":[\n");
	for (int i = 0; i < COUNT; i++)
		buf_printf(&text, SEEN("%d", REF("%d")) ",\n", i, i);
	for (int i = 0; i < COUNT; i++)
		buf_printf(&text, ADDR("%d", "192.0.2.%d") "%s\n", i, i % 256,
			i + 1 < COUNT ? "," : "]}");
	found = logs_look_at(&look, buf_slice(&text), &counts);
	assert_int_equal(counts.records, COUNT);
	assert_int_equal(counts.problems, 0);
	buf_fini(&found);
	buf_fini(&text);
}

/* Far more observables than the table holds, each beside its observation: none is missed, neither
 * in one document nor in one a line. */
static void many_together(void **state)
{
	enum { COUNT = 20000 };

	(void)state;
	for (unsigned lines = 0; lines < 2; lines++) {
		struct logs_look look = {.format = LOGS_STIX};
		struct buf text = BUF_INIT, found;
		struct slice rest;
		size_t values = 0, at;

		if (lines == 0)
			buf_text(&text, "{\"type\":\"bundle\",\"objects\":[\n");
		for (int i = 0; i < COUNT; i++) {
			if (lines != 0)
				buf_text(&text, "{\"type\":\"bundle\",\"objects\":[");
			buf_printf(&text, SEEN("%d", REF("a%d") "," REF("b%d")) ",", i, i, i);
			buf_printf(&text, ADDR("a%d", "192.0.2.%d") ",", i, i % 256);
			buf_printf(&text, ADDR("b%d", "192.0.2.%d"), i, i % 256);
			buf_text(&text, lines != 0 ? "]}\n" : i + 1 < COUNT ? ",\n" : "]}");
		}
		found = logs_look_at(&look, buf_slice(&text), NULL);
		rest = buf_slice(&found);
		while ((at = slice_find_text(rest, SLICE("=192.0.2."))) < rest.len) {
			values++;
			rest = slice_cut(rest, at + 1, rest.len);
		}
		assert_int_equal(values, 2 * COUNT);
		buf_fini(&found);
		buf_fini(&text);
	}
}

/* One object of a megabyte is read, a larger one is a problem, and the next is read. */
static void large(void **state)
{
	(void)state;
	for (size_t len = JSON_OBJECT_MAX; len <= JSON_OBJECT_MAX + 1; len++) {
		struct logs_look look = {.format = LOGS_STIX, .chunk = KIB(100)};
		struct buf text = BUF_INIT, found;
		struct logs_counts counts;

		buf_text(&text, "[\n{\"type\":\"observed-data\",\"x\":\"");
		while (text.len < 2 + len - 2)
			buf_char(&text, 'x');
		buf_text(&text, "\"},\n" HELD("192.0.2.1") "]");
		found = logs_look_at(&look, buf_slice(&text), &counts);
		assert_int_equal(counts.problems, len > JSON_OBJECT_MAX);
		assert_non_null(strstr(found.data, FOUND("192.0.2.1")));
		buf_fini(&found);
		buf_fini(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_streams),
		cmocka_unit_test(roles),
		cmocka_unit_test(many),
		cmocka_unit_test(many_together),
		cmocka_unit_test(large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
