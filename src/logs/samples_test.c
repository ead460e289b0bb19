/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The samples of tests/samples/logs: recognised as what they are by content alone, read to the
 * fields that stand in expected/, and the same wherever a chunk ends.
 *
 * The forms were checked against what these programs wrote on loopback: BIND 9.18.49, Unbound
 * 1.17.1, dnsmasq 2.90, PowerDNS Recursor 4.8.8 (both of its logs) and Authoritative Server 4.7.3,
 * squid 5.7 (native, common, combined), nginx 1.22.1, Apache 2.4.71, HAProxy 2.6.12, nfdump 1.7.1
 * (line, long, extended, biline, nsel, csv, pipe, aggregated): every line fitted, but dnsmasq's own
 * remarks and the like, which are free text. W3C, SiLK, CEF, the CSV of later nfdump and its pipe
 * of 1.6 are from their documentation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "logs_testing.h"

#define SAMPLES_FOLDER SOURCE_ROOT "/tests/samples/logs/"
#define NOW_US         INT64_C(1795500000000000) /* 2026-11-24 */

static const struct {
	const char *name;
	enum logs_format format;
} samples[] = {
	{"bind.log",                LOGS_BIND    },
	{"bind-old.log",            LOGS_BIND    },
	{"unbound.log",             LOGS_UNBOUND },
	{"unbound-ascii.log",       LOGS_UNBOUND },
	{"dnsmasq.log",             LOGS_DNSMASQ },
	{"dnsmasq-extra.log",       LOGS_DNSMASQ },
	{"powerdns.log",            LOGS_POWERDNS},
	{"powerdns-structured.log", LOGS_POWERDNS},
	{"powerdns-auth.log",       LOGS_POWERDNS},
	{"squid.log",               LOGS_SQUID   },
	{"common.log",              LOGS_COMBINED},
	{"combined.log",            LOGS_COMBINED},
	{"combined-vhost.log",      LOGS_COMBINED},
	{"combined-forwarded.log",  LOGS_COMBINED},
	{"haproxy.log",             LOGS_COMBINED},
	{"w3c-iis.log",             LOGS_W3C     },
	{"w3c-proxy.log",           LOGS_W3C     },
	{"w3c-cdn.log",             LOGS_W3C     },
	{"syslog.log",              LOGS_SYSLOG  },
	{"cef.log",                 LOGS_SYSLOG  },
	{"endpoint.csv",            LOGS_CSV     },
	{"flows.csv",               LOGS_CSV     },
	{"nfdump.txt",              LOGS_NFDUMP  },
	{"nfdump-long.txt",         LOGS_NFDUMP  },
	{"nfdump.csv",              LOGS_NFDUMP  },
	{"nfdump17.csv",            LOGS_NFDUMP  },
	{"nfdump.pipe",             LOGS_NFDUMP  },
	{"rwcut.txt",               LOGS_NFDUMP  },
	{"observed.json",           LOGS_STIX    },
	{"observed-line.json",      LOGS_STIX    },
	{"text.log",                LOGS_TEXT    },
};

/* What other formats' files begin with; no sample's reader may take them for its own. */
static const struct {
	const char *why;
	const char *text;
	enum logs_format format;
} others[] = {
	{"Zeek",
         "#separator "
		"\\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n"
		"#fields\tts\tuid\tid.orig_h\tquery\n#types\ttime\tstring\taddr\tstring\n"
		"1795414680.0\tC1\t192.0.2.17\twww.portal.example\n",				LOGS_ZEEK_TSV },
	{"Zeek's JSON",
         "{\"ts\":1795414680.0,\"uid\":\"C1\",\"id.orig_h\":\"192.0.2.17\",\"id.orig_p\":1,"
		"\"id.resp_h\":\"192.0.2.53\",\"id.resp_p\":53,\"query\":\"www.portal.example\"}\n", LOGS_ZEEK_JSON},
	{"Suricata",
         "{\"timestamp\":\"2026-11-23T06:18:00.000000+0000\",\"flow_id\":1,\"event_type\":"
		"\"dns\","
		"\"src_ip\":\"192.0.2.17\",\"dest_ip\":\"192.0.2.53\",\"dns\":{\"rrname\":\"a."
		"example\"}}\n",								     LOGS_EVE      },
	{"JSON lines",       "{\"host\":{\"name\":\"x\"},\"source\":{\"ip\":\"192.0.2.1\"}}\n",
         LOGS_NDJSON											       },
	{"a table of words", "colour,size,price\nred,4,7\nblue,5,8\n",                               LOGS_TEXT     },
	{"dates alone",
         "2026-11-23 06:18:00 the pump stopped\n2026-11-23 06:19:00 the pump started\n",             LOGS_TEXT     },
	{"C",		"#include <stdio.h>\n\nint main(void)\n{\n\treturn 0;\n}\n",            LOGS_TEXT     },
	{"no text",
         "\x7f"
		"ELF\x02\x01\x01",								   LOGS_UNKNOWN  },
};

static struct buf load(const char *folder, const char *name)
{
	struct buf b = BUF_INIT;
	struct err e;
	char path[512];

	(void)snprintf(path, sizeof(path), "%s%s%s", SAMPLES_FOLDER, folder, name);
	if (file_read(path, MIB(1), &b, &e) != OK)
		fail_msg("%s", e.text);
	buf_char(&b, 0); /* for assert_string_equal */
	b.len--;
	return b;
}

static void guessed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		struct buf text = load("", samples[i].name);
		enum logs_format found = logs_guess(buf_slice(&text), NULL);

		if (found != samples[i].format)
			fail_msg("%s: %s", samples[i].name, logs_format_name(found));
		buf_fini(&text);
	}
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		struct slice text = slice_of(others[i].text);
		enum logs_format found;

		if (others[i].format == LOGS_UNKNOWN)
			text.len = 8; /* with its NUL */
		found = logs_guess(text, NULL);
		if (found != others[i].format)
			fail_msg("%s: %s", others[i].why, logs_format_name(found));
	}
}

/* Only where there is doubt does the name help. */
static void guessed_by_name(void **state)
{
	struct slice words = SLICE("colour,size,price\nred,4,7\nblue,5,8\n");
	struct buf bind = load("", "bind.log");

	(void)state;
	assert_int_equal(logs_guess(words, "stock.csv"), LOGS_CSV);
	assert_int_equal(logs_guess(words, "stock.csv.gz"), LOGS_CSV);
	assert_int_equal(logs_guess(words, "stock.tsv-20261123.zst"), LOGS_CSV);
	assert_int_equal(logs_guess(words, "stock.csvx"), LOGS_TEXT);
	assert_int_equal(logs_guess(words, "stock.log"), LOGS_TEXT);
	assert_int_equal(logs_guess(buf_slice(&bind), "queries.csv"), LOGS_BIND);
	buf_fini(&bind);
}

/* The first lines may be the daemon's own, and a file may begin in the middle of a line. */
static void guessed_in_part(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		struct buf text = load("", samples[i].name);
		struct slice twice = buf_slice(&text);

		/* cut in the last line: complete lines decide */
		if (samples[i].format != LOGS_STIX && slice_find(twice, '\n', 0) + 1 < twice.len)
			assert_int_equal(logs_guess(slice_cut(twice, 0, twice.len - 2), NULL),
				samples[i].format);
		buf_fini(&text);
	}
}

static void read_to_fields(void **state)
{
	struct world_fake world;

	(void)state;
	world_fake_init(&world, 1, NOW_US);
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		struct buf text = load("", samples[i].name), found;
		struct buf expected = load("expected/", samples[i].name);
		struct logs_look look = {
			.format = samples[i].format, .world = &world.world, .details = true};
		struct logs_counts counts;

		found = logs_look_at(&look, buf_slice(&text), &counts);
		if (strcmp(found.data, expected.data) != 0)
			fail_msg("%s:\n%s", samples[i].name, found.data);
		assert_int_equal(counts.problems, 0);
		assert_int_equal(counts.lines > 0, true);
		buf_fini(&found);
		buf_fini(&expected);
		buf_fini(&text);
	}
}

static void cut_anywhere(void **state)
{
	struct world_fake world;

	(void)state;
	world_fake_init(&world, 1, NOW_US);
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		struct buf text = load("", samples[i].name), whole, found;
		struct logs_look look = {
			.format = samples[i].format, .roles = ~UINT64_C(0), .world = &world.world};
		struct logs_counts counts, again;

		whole = logs_look_at(&look, buf_slice(&text), &counts);
		for (look.cut = 1; look.cut < text.len; look.cut++) {
			found = logs_look_at(&look, buf_slice(&text), &again);
			if (strcmp(found.data, whole.data) != 0 || again.lines != counts.lines)
				fail_msg("%s cut at %zu:\n%s", samples[i].name, look.cut,
					found.data);
			buf_fini(&found);
		}
		look.cut = 0;
		for (look.chunk = 1; look.chunk < 80; look.chunk = 2 * look.chunk + 1) {
			found = logs_look_at(&look, buf_slice(&text), &again);
			if (strcmp(found.data, whole.data) != 0)
				fail_msg("%s by %zu:\n%s", samples[i].name, look.chunk, found.data);
			buf_fini(&found);
		}
		buf_fini(&whole);
		buf_fini(&text);
	}
}

/* Lines may end in CR LF; the fields are the same. */
static void line_ends(void **state)
{
	struct world_fake world;

	(void)state;
	world_fake_init(&world, 1, NOW_US);
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		struct buf text = load("", samples[i].name), crlf = BUF_INIT, a, b;
		struct logs_look look = {.format = samples[i].format, .world = &world.world};
		struct logs_counts counts;
		struct slice rest;
		char *at;

		if (samples[i].format == LOGS_STIX || strcmp(samples[i].name, "endpoint.csv") == 0)
			goto next; /* offsets or texts are others */
		for (size_t k = 0; k < text.len; k++) {
			if (text.data[k] == '\n')
				buf_char(&crlf, '\r');
			buf_char(&crlf, text.data[k]);
		}
		a = logs_look_at(&look, buf_slice(&text), &counts);
		b = logs_look_at(&look, buf_slice(&crlf), &counts);
		/* offsets differ: blank them out */
		for (rest = buf_slice(&a); rest.len != 0;) {
			struct slice x;

			(void)slice_next(&rest, '\n', &x);
			at = memmem(b.data, b.len, x.data + slice_find(x, ' ', 0),
				x.len - slice_find(x, ' ', 0));
			if (at == NULL)
				fail_msg("%s: with CR LF no %.*s", samples[i].name, SLICE_ARG(x));
		}
		assert_int_equal(logs_guess(buf_slice(&crlf), NULL), samples[i].format);
		buf_fini(&a);
		buf_fini(&b);
	next:
		buf_fini(&crlf);
		buf_fini(&text);
	}
}

/* Only wanted roles come in batches. */
static void wanted_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		struct buf text = load("", samples[i].name), found;
		struct logs_look look = {
			.format = samples[i].format, .roles = event_role_bit(ROLE_SOURCE_ADDRESS)};
		struct logs_counts counts;

		found = logs_look_at(&look, buf_slice(&text), &counts);
		assert_null(strstr(found.data, ":dns.query:"));
		assert_null(strstr(found.data, ":message:"));
		assert_null(strstr(found.data, ":url:"));
		assert_true(samples[i].format == LOGS_TEXT ||
			    strcmp(samples[i].name, "endpoint.csv") == 0 ||
			    strstr(found.data, ":source.address:") != NULL);
		buf_fini(&found);
		buf_fini(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guessed),
		cmocka_unit_test(guessed_by_name),
		cmocka_unit_test(guessed_in_part),
		cmocka_unit_test(read_to_fields),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(line_ends),
		cmocka_unit_test(wanted_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
