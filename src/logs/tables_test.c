/* SPDX-License-Identifier: MPL-2.0 */
/* CSV, W3C and flows: quoting, headers that change, mappings, places that are taken up again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cells.h"
#include "logs_testing.h"

static void expect(
	const struct logs_look *look, const char *log, const char *expected, uint64_t problems)
{
	struct logs_counts counts;
	struct buf found = logs_look_at(look, slice_of(log), &counts);

	if (strcmp(found.data, expected) != 0 || counts.problems != problems)
		fail_msg("%s\n%llu problems: %s\n%s", log, (unsigned long long)counts.problems,
			counts.first_problem, found.data);
	buf_fini(&found);
}

static void expect_csv(const char *log, const char *expected, uint64_t problems)
{
	struct logs_look look = {.format = LOGS_CSV};

	expect(&look, log, expected, problems);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

#define Q "domain,url\n"

static void quoting(void **state)
{
	(void)state;
	expect_csv(Q "\"a.example\",\"http://a.example/?x=\"\"1,2\"\"\"\n",
		"2@11 domain:host:host=a.example url:url:url=http://a.example/?x=\"1,2\"\n", 0);
	expect_csv(Q "a.example , http://a.example/\n",
		"2@11 domain:host:host=a.example url:url:url=http://a.example/\n", 0);
	/* a quote in an unquoted cell, or one that was not doubled, stands for itself */
	expect_csv(Q "a.example,http://a.example/\"x\"\n",
		"2@11 domain:host:host=a.example url:url:url=http://a.example/\"x\"\n", 0);
	expect_csv(Q "a.example,\"http://a.example/\"x\"\n",
		"2@11 domain:host:host=a.example url:url:url=http://a.example/\"x\n", 0);
	expect_csv(Q ",\n\"\",\"\"\n-,-\n", "2@11\n3@13\n4@19\n", 0);
	/* fewer cells, more cells, one cell */
	expect_csv("domain,url,remark\na.example,http://a.example/\na.example,,,,\nb.example\n",
		"2@18 domain:host:host=a.example url:url:url=http://a.example/\n"
		"3@46 domain:host:host=a.example\n"
		"4@60 message:message:free=b.example\n",
		1);
	/* the header may be quoted, and remarks stand before it */
	expect_csv("# made by hand\n\"Domain Name\";\"Src-IP\"\n\na.example;192.0.2.1\n",
		"4@39 Domain\\x20Name:host:host=a.example "
		"Src-IP:source.address:address=192.0.2.1\n",
		0);
}

static void lists(void **state)
{
	(void)state;
	expect_csv("src_ip|answers|hashes|recipients\n"
		   "192.0.2.1:99|a.example,198.51.100.1;b.example|MD5=aa,SHA256=bb|<x@a.example>; "
		   "y@b.example\n",
		"2@33 src_ip:source.address:address=192.0.2.1 answers:dns.answer:host=a.example "
		"answers:dns.answer:host=198.51.100.1 answers:dns.answer:host=b.example "
		"hashes:file.hash:hash=aa "
		"hashes:file.hash:hash=bb recipients:email.to:email=x@a.example "
		"recipients:email.to:email=y@b.example\n",
		0);
}

static void several_lines(void **state)
{
	struct buf text = BUF_INIT, found;
	struct logs_look look = {.format = LOGS_CSV};
	struct logs_counts counts;

	(void)state;
	expect_csv("domain,message\na.example,\"one\ntwo, \"\"three\"\"\r\nfour\"\nb.example,x\n",
		"2@15 domain:host:host=a.example "
		"message:message:free=one\\x0atwo,\\x20\"three\"\\x0d\\x0afour\n"
		"5@52 domain:host:host=b.example message:message:free=x\n",
		0);
	/* a quote that is never closed costs its own line only */
	expect_csv("domain,message\na.example,\"one\nb.example,two\nc.example,three\n",
		"2@15 message:message:free=a.example,\"one\n"
		"3@30 domain:host:host=b.example message:message:free=two\n"
		"4@44 domain:host:host=c.example message:message:free=three\n",
		1);
	/* 256 lines belong together, 257 do not */
	for (int lines = 256; lines <= 257; lines++) {
		buf_clear(&text);
		buf_text(&text, "domain,message\na.example,\"x");
		for (int i = 1; i < lines; i++)
			buf_char(&text, '\n');
		buf_text(&text, "y\"\nb.example,z\n");
		found = logs_look_at(&look, buf_slice(&text), &counts);
		/* then also its last line: one cell */
		assert_int_equal(counts.problems, lines > 256 ? 2 : 0);
		assert_int_equal(counts.lines, 2 + lines);
		assert_non_null(strstr(found.data, "host=b.example message:message:free=z\n"));
		buf_fini(&found);
	}
	buf_fini(&text);
}

static void nothing_known(void **state)
{
	(void)state;
	expect_csv("colour,remark\nred,see a.example\n",
		"2@14 colour:message:free=red remark:message:free=see\\x20a.example\n", 0);
}

static void urls(void **state)
{
	(void)state;
	expect_csv("host,url_path,url_query,url_port,url_scheme\n"
		   "a.example,/x,y=1,8080,https\na.example:81,/x,-,82,\n2001:db8::1,/,,443,https\n"
		   "a.example,http://b.example/,,,\n-,/x,,,\n",
		"2@44 url:url:url=https://a.example:8080/x?y=1 host:host:host=a.example\n"
		"3@72 url:url:url=a.example:81/x host:host:host=a.example:81\n"
		"4@94 url:url:url=https://[2001:db8::1]/ host:host:host=2001:db8::1\n"
		"5@119 host:host:host=a.example url:url:url=http://b.example/\n"
		"6@150 url_path:url:none=/x\n",
		0);
}

static void mapped(void **state)
{
	struct logs_look look = {.format = LOGS_CSV, .details = true};
	struct logs_mapping *m = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(
		logs_mapping_parse(SLICE("wer = source.address\nwas = dns.query\ndomain = -\n"
					 "time = wann %d.%m.%Y %H:%M\ndelimiter = ;\n"),
			"m", &m, &e),
		OK);
	look.mapping = m;
	expect(&look, "wann;wer;was;domain\n23.11.2026 06:18;192.0.2.1;a.example;b.example\n",
		"2@20 wer:source.address:address=192.0.2.1 was:dns.query:name=a.example\n"
		"  1795414680000000 wann::none=23.11.2026\\x2006:18 "
		"wer:source.address:address=192.0.2.1 was:dns.query:name=a.example "
		"domain::none=b.example\n",
		0);
	logs_mapping_free(m);
}

static void many_columns(void **state)
{
	struct logs_look look = {.format = LOGS_CSV};
	struct buf text = BUF_INIT, found;
	struct logs_counts counts;
	size_t most = COLUMNS_MAX - LINE_ITEMS;

	(void)state;
	for (size_t columns = most; columns <= most + 1; columns++) {
		buf_clear(&text);
		for (size_t i = 1; i < columns; i++)
			buf_printf(&text, "c%zu,", i);
		buf_text(&text, "domain\n");
		for (size_t i = 1; i < columns; i++)
			buf_char(&text, ',');
		buf_text(&text, "a.example\n");
		found = logs_look_at(&look, buf_slice(&text), &counts);
		assert_int_equal(counts.problems, columns > most ? 2 : 0);
		assert_non_null(
			strstr(found.data, columns > most ? ":message:free=" : "host=a.example"));
		buf_fini(&found);
	}
	/* a header of 64 KiB with its line end, and a byte more */
	for (size_t len = CELLS_HEAD_MAX - 1; len <= CELLS_HEAD_MAX; len++) {
		buf_clear(&text);
		buf_text(&text, "domain,");
		while (text.len < len)
			buf_char(&text, 'x');
		buf_text(&text, "\na.example,b\n");
		found = logs_look_at(&look, buf_slice(&text), &counts);
		assert_int_equal(counts.problems, len == CELLS_HEAD_MAX ? 2 : 0);
		buf_fini(&found);
	}
	buf_fini(&text);
}

/* ---- places ---------------------------------------------------------------------------------- */

static bool drop(void *context, struct batch *batch)
{
	(void)context;
	(void)batch;
	return true;
}

/* What logs_head says after the log is enough for a reader that goes on behind it. */
static void taken_up(enum logs_format format, const char *log, const char *head, const char *more,
	const char *expected)
{
	char padded[1024] = {0};
	struct logs_options options = {.format = format, .roles = event_roles_matched()};
	struct logs_look look = {.format = format};
	struct logs_reader *r = NULL;
	struct logs_counts counts;
	struct buf found;
	struct err e;
	size_t taken;

	assert_true(strlen(log) + 2 * EVENT_PADDING < sizeof(padded));
	memcpy(padded + EVENT_PADDING, log, strlen(log));
	assert_int_equal(logs_reader_new(&options, (struct batch_sink){.flush = drop}, &r, &e), OK);
	assert_int_equal(logs_head(r).len, 0);
	assert_true(
		logs_feed(r, (struct slice){padded + EVENT_PADDING, strlen(log)}, true, &taken));
	assert_int_equal(taken, strlen(log));
	if (!slice_equal(logs_head(r), slice_of(head)))
		fail_msg("head: %.*s", SLICE_ARG(logs_head(r)));
	look.head = logs_head(r);
	found = logs_look_at(&look, slice_of(more), &counts);
	if (strcmp(found.data, expected) != 0)
		fail_msg("%s", found.data);
	assert_int_equal(counts.problems, 0);
	buf_fini(&found);
	logs_reader_free(r);
}

static void places(void **state)
{
	(void)state;
	taken_up(LOGS_CSV, "# x\r\ndomain,url\r\na.example,http://a.example/\r\n", "domain,url\n",
		"b.example,http://b.example/\n",
		"100@1000 domain:host:host=b.example url:url:url=http://b.example/\n");
	taken_up(LOGS_W3C,
		"#Software: Microsoft IIS\n#Fields: c-ip\n192.0.2.1\n#Date: 1\n#Fields: c-ip "
		"cs(User-Agent) \n",
		"#Software: Microsoft\n#Fields: c-ip cs(User-Agent)\n", "192.0.2.2 a+b\n",
		"100@1000 c-ip:source.address:address=192.0.2.2 "
		"cs(User-Agent):user_agent:text=a\\x20b\n");
	taken_up(LOGS_NFDUMP, "sIP|dIP|bytes|\n192.0.2.1|192.0.2.2|5|\n", "sIP|dIP|bytes|\n",
		"192.0.2.3|192.0.2.4|6|\n",
		"100@1000 sIP:source.address:address=192.0.2.3 "
		"dIP:destination.address:address=192.0.2.4\n");
	taken_up(LOGS_NFDUMP, "Date first seen   Duration\n", "",
		"2026-11-23 06:18:00.1 0.0 TCP 192.0.2.3:1 -> 192.0.2.4:2 1 5 1\n",
		"100@1000 client:source.address:address=192.0.2.3 "
		"server:destination.address:address=192.0.2.4\n");
	/* the place was at the beginning */
	taken_up(LOGS_CSV, "", "", "domain,url\nc.example,-\n",
		"101@1011 domain:host:host=c.example\n");
}

/* ---- W3C
 * --------------------------------------------------------------------------------------------------
 */

static void w3c(void **state)
{
	struct logs_look look = {.format = LOGS_W3C};

	(void)state;
	expect(&look, "#Fields: cs-host cs-uri-stem s-ip s-port\na.example /x 192.0.2.1 8443\n",
		"2@41 url:url:url=a.example:8443/x cs-host:host:host=a.example "
		"s-ip:destination.address:address=192.0.2.1\n",
		0);
	/* no columns yet: what stands there is free text */
	expect(&look, "a.example /x\n#Fields: c-ip\n192.0.2.1\n",
		"1@0 message:message:free=a.example\\x20/x\n"
		"3@27 c-ip:source.address:address=192.0.2.1\n",
		1);
	/* names without meaning: everything is free text */
	expect(&look, "#Fields: x-a x-b\na.example b\n",
		"2@17 x-a:message:free=a.example x-b:message:free=b\n", 0);
}

/* ---- flows
 * ------------------------------------------------------------------------------------------------
 */

static void flows(void **state)
{
	struct logs_look look = {.format = LOGS_NFDUMP};

	(void)state;
	/* addresses alone, counted or aggregated */
	expect(&look,
		"2008-10-23 21:47:18.317     00:00:29.763 any      192.0.2.120        2(50.0)\n"
		"2008-10-23 21:47:18.317     00:00:29.763    192.0.2.105   192.0.2.120   471\n",
		"1@0 address:address:address=192.0.2.120\n"
		"2@77 client:source.address:address=192.0.2.105 "
		"server:destination.address:address=192.0.2.120\n",
		0);
	/* Cisco's event log: translated addresses */
	expect(&look,
		"2026-11-23 06:18:00.000 CREATE Ignore TCP 192.0.2.1:5 -> 203.0.113.9:443 "
		"198.51.100.1:6 -> 203.0.113.9:443 100 0\n",
		"1@0 client:source.address:address=192.0.2.1 "
		"server:destination.address:address=203.0.113.9 "
		"address:address:address=198.51.100.1 address:address:address=203.0.113.9\n",
		0);
	/* numbers of a wrong count, or too large for an address */
	expect(&look, "2|1|1|6|0|0|0|1|1|0|0|0|1|1|0|0|0|0|0|0|1\n",
		"1@0 message:message:free=2|1|1|6|0|0|0|1|1|0|0|0|1|1|0|0|0|0|0|0|1\n", 1);
	expect(&look, "2|1|1|6|0|0|0|4294967296|1|0|0|0|1|1|0|0|0|0|0|0|1|1\n",
		"1@0 message:message:free=2|1|1|6|0|0|0|4294967296|1|0|0|0|1|1|0|0|0|0|0|0|1|1\n",
		1);
	expect(&look, "2|1|1|6|0|0|0|4294967295|1|0|0|0|1|1|0|0|0|0|0|0|1|1\n",
		"1@0 client:source.address:address=255.255.255.255 "
		"server:destination.address:address=0.0.0.1\n",
		0);
	/* IPFIX names */
	expect(&look,
		"flowStartMilliseconds,sourceIPv4Address,destinationIPv4Address,"
		"protocolIdentifier\n"
		"1795414680000,192.0.2.1,192.0.2.2,6\n",
		"2@82 sourceIPv4Address:source.address:address=192.0.2.1 "
		"destinationIPv4Address:destination.address:address=192.0.2.2\n",
		0);
	expect(&look, "no flow at a.example\n",
		"1@0 message:message:free=no\\x20flow\\x20at\\x20a.example\n", 1);
}

/* Details of one line are asked for while the next is in hand: its other cells stay. */
#define WIDE_CELLS 30
#define WIDE_ROWS  60

struct wide {
	size_t fields, records, batches;
};

static bool wide_seen(void *context, struct batch *b)
{
	struct arena *a = arena_new(MIB(1));
	struct event event;
	struct wide *wide = context;

	assert_non_null(a);
	assert_true(b->detail(b, 0, a, &event));
	for (size_t i = 0; i < b->fields_count; i++) {
		const struct field *f = &b->fields[i];
		struct slice name = b->columns[f->column].name; /* x0, x1, ... */
		char value[32];

		(void)snprintf(value, sizeof(value), "10.0.%u.%.*s",
			(unsigned)b->records[f->record].number - 1,
			SLICE_ARG(slice_cut(name, 1, name.len)));
		assert_true(slice_is((struct slice){f->data, f->len}, value));
	}
	wide->fields += b->fields_count;
	wide->records += b->records_count - b->continued;
	wide->batches++;
	arena_free(a);
	return true;
}

static void detail_midway(void **state)
{
	struct buf text = BUF_INIT, map = BUF_INIT;
	struct logs_mapping *mapping;
	struct logs_options options = {.format = LOGS_CSV, .roles = event_roles_matched()};
	struct logs_reader *r;
	struct wide wide = {0};
	size_t taken;
	struct err e;

	(void)state;
	for (unsigned row = 0; row < EVENT_PADDING; row++)
		buf_char(&text, ' ');
	for (unsigned row = 0; row <= WIDE_ROWS; row++) {
		for (unsigned cell = 0; cell < WIDE_CELLS; cell++) {
			if (row == 0)
				buf_printf(&map, "x%u = source.address\n", cell);
			if (row == 0)
				buf_printf(&text, "%sx%u", cell > 0 ? "," : "", cell);
			else
				buf_printf(&text, "%s10.0.%u.%u", cell > 0 ? "," : "", row, cell);
		}
		buf_char(&text, '\n');
	}
	for (unsigned row = 0; row < EVENT_PADDING; row++)
		buf_char(&text, ' ');
	assert_int_equal(logs_mapping_parse(buf_slice(&map), "map", &mapping, &e), OK);
	options.mapping = mapping;
	assert_int_equal(
		logs_reader_new(&options, (struct batch_sink){wide_seen, &wide}, &r, &e), OK);
	assert_true(logs_feed(r,
		(struct slice){text.data + EVENT_PADDING, text.len - 2 * EVENT_PADDING}, true,
		&taken));
	assert_int_equal(wide.fields, WIDE_CELLS * WIDE_ROWS);
	/* one that is cut is still one */
	assert_int_equal(wide.records, WIDE_ROWS);
	assert_true(wide.batches > 1);
	logs_reader_free(r);
	logs_mapping_free(mapping);
	buf_fini(&text);
	buf_fini(&map);
}

/* ---- names
 * ---------------------------------------------------------------------------------------------------
 */

static void names(void **state)
{
	(void)state;
	/* one name in many spellings */
	assert_int_equal(cell_name_find(SLICE("src_ip"))->role, ROLE_SOURCE_ADDRESS);
	assert_int_equal(cell_name_find(SLICE("Src IP"))->role, ROLE_SOURCE_ADDRESS);
	assert_int_equal(cell_name_find(SLICE("srcIp"))->role, ROLE_SOURCE_ADDRESS);
	assert_int_equal(cell_name_find(SLICE("cs(User-Agent)"))->role, ROLE_USER_AGENT);
	assert_int_equal(cell_name_find(SLICE("@timestamp"))->part, PART_TIME);
	assert_null(cell_name_find(SLICE("")));
	assert_null(cell_name_find(SLICE("src_ipx")));
	assert_null(cell_name_find(
		SLICE("sourceaddresssourceaddresssourceaddresssourceaddresssource")));
	/* all are found: the table is sorted */
	for (size_t i = 0; cell_names(i) != NULL; i++)
		assert_ptr_equal(cell_name_find(slice_of(cell_names(i)->name)), cell_names(i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quoting),
		cmocka_unit_test(lists),
		cmocka_unit_test(several_lines),
		cmocka_unit_test(nothing_known),
		cmocka_unit_test(urls),
		cmocka_unit_test(mapped),
		cmocka_unit_test(many_columns),
		cmocka_unit_test(places),
		cmocka_unit_test(w3c),
		cmocka_unit_test(flows),
		cmocka_unit_test(detail_midway),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
