/* SPDX-License-Identifier: MPL-2.0 */
/* Zeek's tab-separated logs: what single lines become, limits on both sides, a place kept. */
#include "zeek_header.h"
#include "zeek_simple.h"

/* ---- cases ----------------------------------------------------------------------------------- */

#define HEADER(path, fields, types)                                                                \
	"#separator "                                                                              \
	"\\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t" path           \
	"\n#fields\t" fields "\n#types\t" types "\n"

static const struct {
	const char *why, *log, *expected;
	uint64_t problems;
} cases[] = {
	{"a name is a question in dns.log",
         HEADER("dns",														  "ts\tid.orig_h\tquery\tanswers",
         "time\taddr\tstring\tvector[string]") "1.5\t10.0.0.1\tevil.example\ta."
							      "example,"
							      "1.2.3.4\n",																													   "8@ id.orig_h:source.address:address=10.0.0.1 query:dns.query:name=evil.example "
		"answers:dns.answer:host=a.example answers:dns.answer:host=1.2.3.4\n"
		"  1500000 ts::none=1.5 id.orig_h:source.address:address=10.0.0.1 "
		"query:dns.query:name=evil.example answers:dns.answer:host=a.example "
		"answers:dns.answer:host=1.2.3.4\n", 0},
	{"host and uri are a URL, the port where it is unusual",
         HEADER("http",															  "id.resp_h\tid.resp_p\thost\turi",
         "addr\tport\tstring\tstring") "1.2.3.4"
						      "\t8080\tevil.example\t/x\n",																																			      "8@ id.resp_h:destination.address:address=1.2.3.4 host:host:host=evil.example "
		"url:url:url=evil.example:8080/x\n"
		"  - id.resp_h:destination.address:address=1.2.3.4 "
		"id.resp_p:destination.port:none=8080 host:host:host=evil.example uri::none=/x "
		"url:url:url=evil.example:8080/x\n", 0},
	{"the address where there is no host",
         HEADER("http", "id.resp_h\tid.resp_p\thost\turi",
         "addr\tport\tstring\tstring") "2001:db8::1\t80\t-\t/x\n",
         "8@ id.resp_h:destination.address:address=2001:db8::1 "
		"url:url:url=[2001:db8::1]/x\n"
		"  - id.resp_h:destination.address:address=2001:db8::1 "
		"id.resp_p:destination.port:none=80 uri::none=/x url:url:url=[2001:db8::1]/x\n", 0},
	{"a proxy's URI is a URL, CONNECT's is none",
         HEADER("http",									      "host\turi",
         "string\tstring") "a\thttp://b.example/c\nd.example:443\t"
					  "d.example:443\n",																										     "8@ host:host:host=a url:url:url=http://b.example/c\n"
		"  - host:host:host=a uri::none=http://b.example/c url:url:url=http://b.example/c\n"
		"9@ host:host:host=d.example:443\n"
		"  - host:host:host=d.example:443 uri::none=d.example:443\n", 0},
	{"an address is one in a log that nobody knows",
         HEADER("acme",										 "who\twhom\tnote",
         "addr\tset[addr]\tcount") "10.0.0.1\t10.0.0.2,10.0.0.3\t7\n",
         "8@ who:address:address=10.0.0.1 whom:address:address=10.0.0.2 "
		"whom:address:address=10.0.0.3\n"
		"  - who:address:address=10.0.0.1 whom:address:address=10.0.0.2 "
		"whom:address:address=10.0.0.3 note::none=7\n", 0},
	{"unset and empty are no values, escapes are undone",
         HEADER("dns",					       "query\tanswers",
         "string\tvector[string]") "-\t(empty)\na\\x09b\tc\\x2cd,-\n",
         "8@\n  -\n"
		"9@ query:dns.query:name=a\\x09b answers:dns.answer:host=c,d\n"
		"  - query:dns.query:name=a\\x09b answers:dns.answer:host=c,d\n", 0},
	{"too few and too many columns are problems",
         HEADER("dns",								  "query\tanswers",
         "string\tvector[string]") "evil.example\na\tb\tc\nd\te\n",
         "10@ query:dns.query:name=d answers:dns.answer:host=e\n"
		"  - query:dns.query:name=d answers:dns.answer:host=e\n", 2},
	{"no header",			  "1.5\t10.0.0.1\n",														  "",												1																													      },
	{"fields and types that do not fit each other",
         HEADER("dns",															  "query\tanswers",															    "string") "a\tb\n",																																			       "", 1},
	{"a separator of two bytes",                    "#separator ab\n#fields\tquery\na\n",
         "3@ query:dns.query:name=a\n  - query:dns.query:name=a\n",													  1																												      },
	{"without types the names decide",
         "#fields\tquery\tanswers\nq.example\ta.example,b.example\n","2@ query:dns.query:name=q.example answers:dns.answer:host=a.example "
		"answers:dns.answer:host=b.example\n"
		"  - query:dns.query:name=q.example answers:dns.answer:host=a.example "
		"answers:dns.answer:host=b.example\n",0},
	{"a byte order mark",								 "\xef\xbb\xbf#fields\tquery\nq.example\n",
         "2@ query:dns.query:name=q.example\n  - query:dns.query:name=q.example\n",0},
	{"empty",									    "",												  "",										       0																														 },
};

/* Offsets are compared with the simple reader's; here they would only be counted by hand. */
static void offsets_cut(char *text)
{
	char *to = text;

	for (bool in_offset = false; *text != 0; text++) {
		in_offset = in_offset && *text >= '0' && *text <= '9';
		if (!in_offset)
			*to++ = *text;
		in_offset = in_offset || *text == '@';
	}
	*to = 0;
}

static void small_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (size_t chunk = 0; chunk < 3; chunk++) {
			struct logs_look look = {
				.format = LOGS_ZEEK_TSV, .chunk = chunk, .details = true};
			struct logs_counts counts;
			struct buf got = logs_look_at(&look, slice_of(cases[i].log), &counts);

			offsets_cut(got.data);
			if (strcmp(got.data, cases[i].expected) != 0)
				fail_msg("%s\nexpected:\n%s\ngot:\n%s", cases[i].why,
					cases[i].expected, got.data);
			if (counts.problems != cases[i].problems)
				fail_msg("%s: %llu problems, %s", cases[i].why,
					(unsigned long long)counts.problems, counts.first_problem);
			buf_fini(&got);
		}
	}
}

static void problems_are_described(void **state)
{
	struct logs_look look = {.format = LOGS_ZEEK_TSV};
	struct logs_counts counts;
	struct buf got = logs_look_at(&look, SLICE("#fields\ta\tb\n1\t2\n1\t2\t3\n1\n"), &counts);

	(void)state;
	assert_string_equal(counts.first_problem, "line 3: 3 columns, the header has 2");
	assert_int_equal(counts.problems, 2);
	assert_int_equal(counts.lines, 4);
	assert_int_equal(counts.records, 1);
	buf_fini(&got);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void fill(struct buf *log, char c, size_t count)
{
	char *to = buf_reserve(log, count);

	assert_non_null(to);
	memset(to, c, count);
	log->len += count;
}

static void line_limit(void **state)
{
	(void)state;
	for (size_t more = 0; more <= 1; more++) {
		for (size_t chunk = 0; chunk <= KIB(300); chunk += KIB(100)) {
			struct logs_look look = {.format = LOGS_ZEEK_TSV, .chunk = chunk};
			struct buf log = BUF_INIT, got;
			struct logs_counts counts;

			buf_text(&log, "#fields\tquery\tuid\n");
			buf_text(&log, "a.example\t");
			fill(&log, 'x', LOGS_LINE_MAX - 10 + more);
			buf_text(&log, "\nb.example\tC1\n");
			got = logs_look_at(&look, buf_slice(&log), &counts);
			assert_int_equal(counts.too_long, more);
			assert_int_equal(counts.lines, 3);
			assert_int_equal(counts.problems, 0);
			assert_int_equal(counts.records, 2 - more);
			assert_non_null(strstr(got.data, "b.example"));
			assert_int_equal(strstr(got.data, "a.example") == NULL, more);
			assert_int_equal(strtoul(strstr(got.data, "\n3@") == NULL
							 ? got.data + 2
							 : strstr(got.data, "\n3@") + 3,
						 NULL, 10),
				18 + LOGS_LINE_MAX + more + 1);
			buf_fini(&got);
			buf_fini(&log);
		}
	}
}

static void too_long_at_the_end(void **state)
{
	struct logs_look look = {.format = LOGS_ZEEK_TSV, .chunk = KIB(64)};
	struct buf log = BUF_INIT, got;
	struct logs_counts counts;

	(void)state;
	buf_text(&log, "#fields\tquery\n");
	fill(&log, 'x', 3 * LOGS_LINE_MAX);
	got = logs_look_at(&look, buf_slice(&log), &counts);
	assert_int_equal(counts.too_long, 1);
	assert_int_equal(counts.lines, 2);
	assert_int_equal(counts.records, 0);
	buf_fini(&got);
	buf_fini(&log);
}

static void field_limit(void **state)
{
	(void)state;
	for (size_t more = 0; more <= 1; more++) {
		struct logs_look look = {.format = LOGS_ZEEK_TSV};
		struct buf log = BUF_INIT, got;
		struct logs_counts counts;

		buf_text(&log, "#fields\tquery\tmsg\n");
		fill(&log, 'q', FIELD_BYTES_MAX + more);
		buf_char(&log, '\t');
		fill(&log, 'm', FIELD_BYTES_MAX + more);
		buf_char(&log, '\n');
		got = logs_look_at(&look, buf_slice(&log), &counts);
		assert_int_equal(counts.cut_fields, 2 * more);
		assert_int_equal(
			strstr(got.data, "query:") == NULL, more); /* dropped: a part is not it */
		assert_non_null(strstr(got.data, "msg:"));         /* cut: free text */
		buf_fini(&got);
		buf_fini(&log);
	}
}

static void column_limit(void **state)
{
	(void)state;
	for (size_t columns = COLUMNS_MAX; columns <= COLUMNS_MAX + 1; columns++) {
		struct buf log = BUF_INIT;
		struct logs_look look = {.format = LOGS_ZEEK_TSV};
		struct logs_counts counts;
		struct buf got;

		buf_text(&log, "#fields");
		for (size_t i = 0; i < columns; i++)
			buf_printf(&log, "\tcolumn%zu", i);
		buf_text(&log, "\n#types");
		for (size_t i = 0; i < columns; i++)
			buf_text(&log, "\tset[addr]");
		for (size_t line = 0; line < 3; line++) {
			buf_char(&log, '\n');
			for (size_t i = 0; i < columns; i++)
				buf_text(&log, i == 0 ? "1.2.3.4" : "\t1.2.3.4,5.6.7.8");
		}
		buf_char(&log, '\n');
		got = logs_look_at(&look, buf_slice(&log), &counts);
		assert_int_equal(counts.records, columns > COLUMNS_MAX ? 0 : 3);
		assert_int_equal(counts.problems, columns > COLUMNS_MAX ? 3 : 0);
		if (columns == COLUMNS_MAX)
			agree(buf_slice(&log), ALL_ROLES, 0, 0);
		buf_fini(&got);
		buf_fini(&log);
	}
}

/* One value with more elements than a batch has fields, plain and escaped. */
static void many_elements(void **state)
{
	(void)state;
	for (unsigned escaped = 0; escaped <= 1; escaped++) {
		struct buf log = BUF_INIT;

		buf_text(&log, "#fields\tquery\tanswers\tmd5\n");
		for (size_t line = 0; line < 5; line++) {
			buf_printf(&log, "q%zu\t", line);
			for (size_t i = 0; i < 700; i++)
				buf_printf(&log, escaped ? "\\x41%zu," : "a%zu,", i);
			buf_text(&log, "\th\n");
		}
		agree(buf_slice(&log), ALL_ROLES, 0, 0);
		buf_fini(&log);
	}
}

static void header_line_limit(void **state)
{
	struct logs_look look = {.format = LOGS_ZEEK_TSV};
	struct buf log = BUF_INIT, got;
	struct logs_counts counts;

	(void)state;
	buf_text(&log, "#fields\t");
	fill(&log, 'x', ZEEK_HEADER_LINE_MAX);
	buf_text(&log, "\na\n#fields\tquery\nb\n");
	got = logs_look_at(&look, buf_slice(&log), &counts);
	assert_int_equal(counts.problems, 2);
	assert_int_equal(counts.records, 1);
	buf_fini(&got);
	buf_fini(&log);
}

/* ---- a place kept ---------------------------------------------------------------------------- */

static bool ignore(void *context, struct batch *b)
{
	(void)context;
	(void)b;
	return true;
}

static void head_is_kept(void **state)
{
	static const char text[] = HEADER("dns", "ts\tquery", "time\tstring");
	char log[EVENT_PADDING + sizeof(text) + EVENT_PADDING] = {0};
	struct logs_options options = {
		.format = LOGS_ZEEK_TSV, .roles = ALL_ROLES, .world = world_real()};
	struct logs_look look = {
		.format = LOGS_ZEEK_TSV, .head = {text, sizeof(text) - 1}
        };
	struct logs_reader *r;
	struct buf got;
	struct err e;
	size_t taken;

	(void)state;
	assert_int_equal(logs_reader_new(&options, (struct batch_sink){ignore, NULL}, &r, &e), OK);
	assert_int_equal(logs_head(r).len, 0);
	memcpy(log + EVENT_PADDING, text, sizeof(text) - 1);
	assert_true(
		logs_feed(r, (struct slice){log + EVENT_PADDING, sizeof(text) - 1}, false, &taken));
	assert_int_equal(taken, sizeof(text) - 1);
	assert_true(slice_equal(logs_head(r), (struct slice){text, sizeof(text) - 1}));
	logs_reader_free(r);

	got = logs_look_at(&look, SLICE("1.5\tq.example\n2.5\tr.example\n"), NULL);
	assert_string_equal(got.data, "100@1000 query:dns.query:name=q.example\n101@1014 "
				      "query:dns.query:name=r.example\n");
	buf_fini(&got);
}

static bool refuse(void *context, struct batch *b)
{
	size_t *flushes = context;

	(void)b;
	(*flushes)++;
	return false;
}

static void sink_stops_reading(void **state)
{
	static const char text[] = "#fields\tquery\na\nb\n";
	char log[EVENT_PADDING + sizeof(text) + EVENT_PADDING] = {0};
	struct logs_options options = {.format = LOGS_ZEEK_TSV, .roles = ALL_ROLES};
	struct logs_reader *r;
	struct err e;
	size_t taken, flushes = 0;

	(void)state;
	assert_int_equal(
		logs_reader_new(&options, (struct batch_sink){refuse, &flushes}, &r, &e), OK);
	memcpy(log + EVENT_PADDING, text, sizeof(text) - 1);
	assert_false(
		logs_feed(r, (struct slice){log + EVENT_PADDING, sizeof(text) - 1}, true, &taken));
	assert_false(logs_feed(r, (struct slice){log + EVENT_PADDING, 0}, true, &taken));
	assert_int_equal(flushes, 1);
	logs_reader_free(r);
}

static void formats_have_names(void **state)
{
	struct logs_options options = {.format = LOGS_UNKNOWN};
	struct logs_reader *r = NULL;
	enum logs_format format;
	struct err e;

	(void)state;
	assert_string_equal(logs_format_name(LOGS_ZEEK_TSV), "zeek-tsv");
	assert_true(logs_format_parse(SLICE("zeek-tsv"), &format));
	assert_int_equal(format, LOGS_ZEEK_TSV);
	assert_false(logs_format_parse(SLICE("zeek"), &format));
	assert_int_equal(
		logs_reader_new(&options, (struct batch_sink){ignore, NULL}, &r, &e), ERR_USAGE);
	assert_null(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_cases),
		cmocka_unit_test(problems_are_described),
		cmocka_unit_test(line_limit),
		cmocka_unit_test(too_long_at_the_end),
		cmocka_unit_test(field_limit),
		cmocka_unit_test(column_limit),
		cmocka_unit_test(many_elements),
		cmocka_unit_test(header_line_limit),
		cmocka_unit_test(head_is_kept),
		cmocka_unit_test(sink_stops_reading),
		cmocka_unit_test(formats_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
