/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Zeek's tab-separated logs against a reader that is too simple to be wrong, on made-up and real
 * logs, cut anywhere.
 */
#include "testing/testing.h"

#include "logs_testing.h"
#include "split.h"
#include "zeek_header.h"

#define ALL_ROLES (~UINT64_C(0))

/* ---- split ----------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void split_versions_agree(void **state)
{
	const struct split_version *plain = &split_versions[split_versions_count - 1];
	struct split *expected = malloc(sizeof(*expected)), *got = malloc(sizeof(*got));
	char *data = malloc(SPLIT_BYTES + EVENT_PADDING);
	uint64_t seed = 1;

	(void)state;
	assert_string_equal(plain->name, "portable");
	for (unsigned round = 0; round < 600; round++) {
		size_t len = round < 300 ? round : (size_t)(next_random(&seed) % (SPLIT_BYTES + 1));
		unsigned density = 1 + round % 7; /* up to nothing but separators */

		if (round == 599)
			len = SPLIT_BYTES;
		for (size_t i = 0; i < len + EVENT_PADDING; i++) {
			uint64_t dice = next_random(&seed) >> 20;

			data[i] = (char)(dice >> 16);
			if (dice % density == 0)
				data[i] = "\t\t\t\t\t\n,\\"[(dice >> 8) % (round % 3 == 0 ? 8 : 7)];
		}
		plain->run(data, len, '\t', expected);
		for (size_t v = 0; v + 1 < split_versions_count; v++) {
			if (!split_versions[v].usable())
				continue;
			split_versions[v].run(data, len, '\t', got);
			assert_int_equal(got->positions_count, expected->positions_count);
			assert_int_equal(got->ends_count, expected->ends_count);
			assert_int_equal(got->escapes, expected->escapes);
			assert_memory_equal(
				got->positions, expected->positions, 2 * expected->positions_count);
			assert_memory_equal(got->ends, expected->ends, 2 * expected->ends_count);
		}
	}
	free(data);
	free(got);
	free(expected);
}

/* ---- the simple reader ----------------------------------------------------------------------- */

/* Prints what logs_look prints, one byte after the other. No detail, no limits. */
struct simple {
	struct buf out;
	uint64_t roles;
	struct slice fields, types, path;
	char separator, set_separator;
	struct slice empty, unset;
	uint64_t problems;
};

static struct slice unhex(struct slice text, char *to)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned byte;
		char digits[3] = {0};

		if (text.data[i] != '\\') {
			to[len++] = text.data[i];
		} else if (i + 1 < text.len && text.data[i + 1] == '\\') {
			to[len++] = '\\';
			i++;
		} else if (i + 3 < text.len && text.data[i + 1] == 'x' &&
			   memchr("0123456789abcdefABCDEF", text.data[i + 2], 22) != NULL &&
			   memchr("0123456789abcdefABCDEF", text.data[i + 3], 22) != NULL) {
			memcpy(digits, text.data + i + 2, 2);
			byte = (unsigned)strtoul(digits, NULL, 16);
			to[len++] = (char)byte;
			i += 3;
		} else {
			to[len++] = '\\';
		}
	}
	return (struct slice){to, len};
}

static void simple_value(
	struct simple *s, struct slice name, struct zeek_meaning m, struct slice value)
{
	char *room;

	if (value.len == 0 || slice_equal(value, s->unset) || slice_equal(value, s->empty))
		return;
	room = malloc(value.len);
	value = unhex(value, room);
	buf_printf(&s->out, " %.*s:%s:%s=", SLICE_ARG(name), event_role_row(m.role)->name,
		field_kind_name(m.kind));
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];

		if (c > 0x20 && c < 0x7f)
			buf_char(&s->out, (char)c);
		else
			buf_printf(&s->out, "\\x%02x", c);
	}
	free(room);
}

static struct slice nth(struct slice line, char separator, size_t n)
{
	struct slice part = {0};

	for (size_t i = 0; i <= n; i++)
		if (!slice_next(&line, separator, &part))
			return (struct slice){0};
	return part;
}

static size_t width(struct slice line, char separator)
{
	size_t count = 1;

	for (size_t i = 0; i < line.len; i++)
		count += line.data[i] == separator;
	return count;
}

static struct slice named(const struct simple *s, struct slice line, const char *name)
{
	for (size_t i = 0; i < width(s->fields, s->separator); i++) {
		struct slice value = nth(line, s->separator, i);

		if (slice_is(nth(s->fields, s->separator, i), name))
			return slice_equal(value, s->unset) || slice_equal(value, s->empty)
				       ? (struct slice){0}
				       : value;
	}
	return (struct slice){0};
}

static void simple_line(struct simple *s, struct slice line, uint64_t number, uint64_t offset)
{
	if (line.len == 0)
		return;
	if (line.data[0] == '#') {
		struct slice value = nth(line, s->separator, 1);

		if (slice_starts(line, SLICE("#separator "))) {
			static char room[4096];

			s->separator = unhex(slice_cut(line, 11, line.len), room).data[0];
			s->set_separator = ',';
			s->empty = SLICE("(empty)");
			s->unset = SLICE("-");
			s->fields = s->types = s->path = (struct slice){0};
		} else if (slice_starts(line, SLICE("#set_separator"))) {
			s->set_separator = value.data[0];
		} else if (slice_starts(line, SLICE("#empty_field"))) {
			s->empty = value;
		} else if (slice_starts(line, SLICE("#unset_field"))) {
			s->unset = value;
		} else if (slice_starts(line, SLICE("#path"))) {
			s->path = value;
		} else if (slice_starts(line, SLICE("#fields"))) {
			s->fields = slice_cut(line, 8, line.len);
			s->types = (struct slice){0};
		} else if (slice_starts(line, SLICE("#types"))) {
			s->types = slice_cut(line, 7, line.len);
		}
		return;
	}
	if (s->fields.len == 0 || width(line, s->separator) != width(s->fields, s->separator) ||
		(s->types.len != 0 &&
			width(s->types, s->separator) != width(s->fields, s->separator))) {
		s->problems++;
		return;
	}
	buf_printf(&s->out, "%llu@%llu", (unsigned long long)number, (unsigned long long)offset);
	for (size_t i = 0; i < width(line, s->separator); i++) {
		struct slice name = nth(s->fields, s->separator, i), element;
		struct slice value = nth(line, s->separator, i);
		struct zeek_meaning m = zeek_column(s->path, name, nth(s->types, s->separator, i));

		if (m.role == ROLE_NONE || (s->roles & event_role_bit(m.role)) == 0)
			continue;
		if (!m.many || slice_equal(value, s->empty) || slice_equal(value, s->unset))
			simple_value(s, name, m, value);
		else
			while (slice_next(&value, s->set_separator, &element))
				simple_value(s, name, m, element);
	}
	if ((s->roles & event_role_bit(ROLE_URL)) != 0 && named(s, s->fields, "host").len != 0 &&
		named(s, s->fields, "uri").len != 0) {
		struct zeek_url url = {
			.host = named(s, line, "host"),
			.uri = named(s, line, "uri"),
			.address = named(s, line, "id.resp_h"),
			.port = named(s, line, "id.resp_p"),
		};
		char *room = malloc(line.len + ZEEK_URL_MORE);
		struct zeek_meaning m = {ROLE_URL, FIELD_URL, false};

		simple_value(s, SLICE("url"), m, (struct slice){room, zeek_url_join(&url, room)});
		free(room);
	}
	buf_char(&s->out, '\n');
}

static struct buf simple_read(struct slice log, uint64_t roles, uint64_t *ret_problems)
{
	struct simple s = {.roles = roles, .separator = '\t', .set_separator = ','};
	uint64_t number = 0;

	s.empty = SLICE("(empty)");
	s.unset = SLICE("-");
	for (size_t at = 0; at < log.len;) {
		size_t end = slice_find(log, '\n', at);
		struct slice line = slice_cut(log, at, end);

		if (line.len != 0 && line.data[line.len - 1] == '\r')
			line.len--;
		simple_line(&s, line, ++number, at);
		at = end + 1;
	}
	buf_char(&s.out, '\0');
	*ret_problems = s.problems;
	return s.out;
}

/* ---- both ------------------------------------------------------------------------------------ */

static void agree(struct slice log, uint64_t roles, size_t chunk, size_t cut)
{
	struct logs_look look = {
		.format = LOGS_ZEEK_TSV, .roles = roles, .chunk = chunk, .cut = cut};
	struct logs_counts counts;
	uint64_t problems;
	struct buf expected = simple_read(log, roles, &problems);
	struct buf got = logs_look_at(&look, log, &counts);

	if (strcmp(expected.data, got.data) != 0) {
		size_t i = 0;

		while (expected.data[i] == got.data[i])
			i++;
		i = i < 200 ? 0 : i - 200;
		fail_msg("chunk %zu, cut %zu\nexpected ...%.400s\n\ngot ...%.400s", chunk, cut,
			expected.data + i, got.data + i);
	}
	assert_int_equal(counts.problems, problems);
	buf_fini(&expected);
	buf_fini(&got);
}

static void real_logs(void **state)
{
	static const char *const names[] = {"analyzer", "capture_loss", "dce_rpc", "dpd", "ftp",
		"kerberos", "known_certs", "known_hosts", "known_services", "ldap_search",
		"loaded_scripts", "notice", "ntlm", "ntp", "ocsp", "packet_filter", "pe", "rdp",
		"rfb", "smb_files", "smb_mapping", "snmp", "software", "ssh", "stats", "weird"};
	static const size_t chunks[] = {0, 777, 4096, KIB(64)};
	struct buf all = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char name[64];
		struct buf log;
		struct slice head;
		size_t lines = 0;

		snprintf(name, sizeof(name), "sensor/zeek/%s.log.gz", names[i]);
		log = testing_data_read(name);
		assert_int_equal(logs_guess(buf_slice(&log), names[i]), LOGS_ZEEK_TSV);
		agree(buf_slice(&log), ALL_ROLES, chunks[i % COUNT_OF(chunks)], 0);
		agree(buf_slice(&log), event_roles_matched(), chunks[(i + 1) % COUNT_OF(chunks)],
			0);
		/* The first lines of each, one log after the other: headers in mid-file. */
		for (head = buf_slice(&log); lines < 40 && head.len != 0; lines++)
			head = slice_cut(head, slice_find(head, '\n', 0) + 1, head.len);
		buf_append(&all, log.data, log.len - head.len);
		buf_fini(&log);
	}
	agree(buf_slice(&all), ALL_ROLES, 0, 0);
	agree(buf_slice(&all), ALL_ROLES, 1021, 0);
	agree(buf_slice(&all), event_roles_matched(), 61, 0);
	buf_fini(&all);
}

/* Lines that a random number made, with all that is awkward. */
static struct buf made_up(uint64_t seed, size_t lines)
{
	static const char *const values[] = {"-", "(empty)", "", "a", "evil.example.com",
		"10.0.0.1", "a,b", "a,-,c,", ",", "x.example,y.example,1.2.3.4,5.6.7.8,z.example",
		"\\x09tab", "a\\x2cb,c", "back\\\\slash", "\\x", "\\", "\\xZZ", "\\x2d",
		"(empty),a", "::1",
		"0123456789012345678901234567890123456789012345678901234567890123456789,next",
		"012345678901234567890123456789012345678901234567890123456789012",
		"0123456789012345678901234567890123456789012345678901234567890123", "caf\xc3\xa9",
		"\xff\xfe", "/path", "http://proxy.example/x", "evil.example:8080", "8080", "-x",
		"--"};
	static const char *const headers[] = {
		"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
		"#path\tdns\n#open\t2024\n#fields\tid.orig_h\tquery\tanswers\textra\n"
		"#types\taddr\tstring\tvector[string]\tset[addr]\n",
		"#separator \\x09\n#set_separator\t,\n#path\thttp\r\n"
		"#fields\tts\tid.resp_h\tid.resp_p\thost\turi\treferrer\r\n"
		"#types\ttime\taddr\tport\tstring\tstring\tstring\r\n",
		("#separator |\n#set_separator|;\n#empty_field|none\n#unset_field|N/A\n"
		 "#path|files\n#fields|md5|tx_hosts|filename\n#types|string|set[addr]|string\n"),
		"#separator \\x09\n#path\tone\n#fields\thost\n#types\taddr\n",
		"#fields\tquery\tanswers\n",
	};
	static const size_t widths[] = {4, 6, 3, 1, 2};
	struct buf log = BUF_INIT;
	size_t kind = 0;

	for (size_t i = 0; i < lines; i++) {
		uint64_t dice = next_random(&seed) >> 16;
		size_t w;

		if (i == 0 || dice % 31 == 0) {
			kind = (size_t)(dice >> 8) % COUNT_OF(headers);
			if (kind == 4 && i == 0)
				kind = 0;
			if (kind == 4)
				buf_text(&log, "#separator \\x09\n");
			buf_text(&log, headers[kind]);
		}
		w = widths[kind];
		if (dice % 17 == 1)
			w += 1 - (size_t)(dice >> 9) % 3; /* 0 to 2 more or less */
		for (size_t c = 0; c < w; c++) {
			uint64_t pick = next_random(&seed) >> 16;

			if (c != 0)
				buf_char(&log, kind == 2 ? '|' : '\t');
			if (pick % 97 == 0)
				buf_append(&log, "nul\0nul", 7);
			else
				buf_text(&log, values[pick % COUNT_OF(values)]);
		}
		if (dice % 13 == 2)
			buf_char(&log, '\r');
		buf_char(&log, '\n');
	}
	return log;
}

static void made_up_logs(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct buf log = made_up(seed * 77, 400);

		if (seed % 4 == 0)
			log.len--; /* the last line without its end */
		agree(buf_slice(&log), ALL_ROLES, 0, 0);
		agree(buf_slice(&log), ALL_ROLES, 1 + seed * 11, 0);
		agree(buf_slice(&log), event_roles_matched(), KIB(16), 0);
		buf_fini(&log);
	}
}

static void cut_at_every_byte(void **state)
{
	struct buf log = made_up(5, 60);

	(void)state;
	for (size_t cut = 1; cut < log.len; cut++)
		agree(buf_slice(&log), ALL_ROLES, 0, cut);
	agree(buf_slice(&log), ALL_ROLES, 1, 0);
	agree(buf_slice(&log), ALL_ROLES, 2, 0);
	buf_fini(&log);
}

/* ---- lines left out ------------------------------------------------------------------------- */

/* Several pieces of lines without an escape, which can be sifted, and lines that cannot. */
static struct buf plain_made_up(uint64_t seed, size_t lines)
{
	static const char *const values[] = {"-", "(empty)", "", "evil.example.com", "10.0.0.1",
		"a,b", "a,-,c,", ",", "x.example,y.example,1.2.3.4,5.6.7.8,z.example", "::1", "--"};
	struct buf log = BUF_INIT;

	buf_text(&log, "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n"
		       "#unset_field\t-\n#path\tdns\n#fields\tid.orig_h\tquery\tanswers\textra\n"
		       "#types\taddr\tstring\tvector[string]\tset[addr]\n");
	for (size_t i = 0; i < lines; i++) {
		uint64_t dice = next_random(&seed) >> 16;

		for (size_t c = 0; c < 4 - (dice % 19 == 1); c++)
			buf_printf(&log, "%s%s",
				c != 0           ? "\t"
				: dice % 23 == 2 ? "#"
						 : "",
				values[(next_random(&seed) >> 16) % COUNT_OF(values)]);
		buf_text(&log, dice % 29 == 3 ? "\r\n" : dice % 31 == 4 ? "\n\n" : "\n");
		if (dice % 503 == 5)
			buf_text(&log, "#fields\tquery\tid.orig_h\tanswers\textra\n"
				       "#types\tstring\taddr\tvector[string]\tset[addr]\n");
	}
	return log;
}

/* What the sink does not want is missing, all else is as ever, and all lines are counted. */
static size_t left_out(struct slice log, uint64_t sift, size_t chunk)
{
	struct logs_look look = {.format = LOGS_ZEEK_TSV, .roles = ALL_ROLES, .chunk = chunk};
	struct logs_counts all, some;
	struct buf whole = logs_look_at(&look, log, &all), kept;
	struct slice rest = slice_of(whole.data), expected, rest_kept, line;
	size_t missing = 0;

	look.sift = sift;
	kept = logs_look_at(&look, log, &some);
	rest_kept = slice_of(kept.data);
	line = (struct slice){0};
	(void)slice_next(&rest_kept, '\n', &line);
	while (slice_next(&rest, '\n', &expected)) {
		size_t sign = slice_find(expected, '@', 0), from, end;
		uint64_t offset;

		if (slice_equal(expected, line)) {
			line = (struct slice){0};
			(void)slice_next(&rest_kept, '\n', &line);
			continue;
		}
		assert_true(slice_to_u64(
			slice_cut(expected, sign + 1, slice_find(expected, ' ', 0)), &offset));
		from = (size_t)offset;
		end = slice_find(log, '\n', from);
		assert_false(logs_look_keeps(sift, slice_cut(log, from, end)));
		missing++;
	}
	assert_int_equal(line.len, 0); /* nothing that is not among all */
	assert_memory_equal(&all, &some, sizeof(all));
	buf_fini(&whole);
	buf_fini(&kept);
	return missing;
}

static void lines_are_left_out(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct buf log = plain_made_up(seed, 3000);
		size_t missing = left_out(buf_slice(&log), seed, seed % 3 * 5000);

		/* of the lines behind the first piece two thirds; a sink may also want all */
		if (seed % 5 == 0)
			assert_int_equal(missing, 0);
		else
			assert_in_range(missing, 500, 2500);
		buf_fini(&log);
	}
}

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
		cmocka_unit_test(split_versions_agree),
		cmocka_unit_test(small_cases),
		cmocka_unit_test(problems_are_described),
		cmocka_unit_test(made_up_logs),
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(lines_are_left_out),
		cmocka_unit_test(real_logs),
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
