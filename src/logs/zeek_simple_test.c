/* SPDX-License-Identifier: MPL-2.0 */
/* Zeek's tab-separated logs, made-up and real, cut anywhere, against the simple reader. */
#include "zeek_simple.h"

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
		uint64_t dice = logs_random(&seed) >> 16;
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
			uint64_t pick = logs_random(&seed) >> 16;

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
		uint64_t dice = logs_random(&seed) >> 16;

		for (size_t c = 0; c < 4 - (dice % 19 == 1); c++)
			buf_printf(&log, "%s%s",
				c != 0           ? "\t"
				: dice % 23 == 2 ? "#"
						 : "",
				values[(logs_random(&seed) >> 16) % COUNT_OF(values)]);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_up_logs),
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(lines_are_left_out),
		cmocka_unit_test(real_logs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
