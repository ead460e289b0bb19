/* SPDX-License-Identifier: MPL-2.0 */
/* Lists, CSV and Zeek intelligence: what each line becomes, and what is refused with its number. */
#include <dirent.h>

#include "import_csv.h"
#include "import_testing.h"
#include "import_value.h"

/* ---- values --------------------------------------------------------------------------------- */

static void test_values(void **state)
{
	/* kind NULL: guessed; pattern NULL: refused */
	static const struct {
		const char *kind;
		const char *text;
		const char *pattern;
	} cases[] = {
		{NULL,        "198.51.100.7",                             "[ipv4-addr:value = '198.51.100.7']"          },
		{NULL,        "198.51.100[.]7",                           "[ipv4-addr:value = '198.51.100.7']"          },
		{NULL,        "198.51.100.300",                           NULL                                          },
		{NULL,        "198.51.100.77/24",                         "[ipv4-addr:value ISSUBSET '198.51.100.0/24']"},
		{NULL,        "198.51.100.7/32",                          "[ipv4-addr:value = '198.51.100.7']"          },
		{NULL,        "198.51.100.0/33",                          NULL                                          },
		{NULL,        "2001:DB8:0::1",                            "[ipv6-addr:value = '2001:db8::1']"           },
		{NULL,        "2001:db8::/32",                            "[ipv6-addr:value ISSUBSET '2001:db8::/32']"  },
		{NULL,        "::ffff:198.51.100.0/120",                  "[ipv4-addr:value ISSUBSET '198.51.100.0/24']"},
		{NULL,        "198.51.100.7:443",
                 "[network-traffic:dst_ref.type = 'ipv4-addr' AND "
			"network-traffic:dst_ref.value = '198.51.100.7' AND "
			"network-traffic:dst_port = 443]"							       },
		{NULL,        "198.51.100.7:65535",
                 "[network-traffic:dst_ref.type = 'ipv4-addr' AND "
			"network-traffic:dst_ref.value = '198.51.100.7' AND "
			"network-traffic:dst_port = 65535]"							     },
		{NULL,        "198.51.100.7:65536",                       NULL                                          },
		{NULL,        "198.51.100.7:0",                           NULL                                          },
		{NULL,        "[2001:db8::1]:443",
                 "[network-traffic:dst_ref.type = 'ipv6-addr' AND "
			"network-traffic:dst_ref.value = '2001:db8::1' AND "
			"network-traffic:dst_port = 443]"							       },
		{NULL,        "[2001:db8::1]443",                         NULL                                          },
		{NULL,        "[2001:db8::1",                             NULL                                          },
		{NULL,        "EVIL.example",                             "[domain-name:value = 'evil.example']"        },
		{NULL,        "evil[.]example.",                          "[domain-name:value = 'evil.example']"        },
		{NULL,        "*.evil.example",
                 "[domain-name:value = 'evil.example' OR domain-name:value LIKE "
			"'%.evil.example']"									     },
		{NULL,        "a.*.evil.example",                         NULL                                          },
		{"name",      "localhost",                                NULL					  },
		{"name",      "evil.example/path",                        NULL                                          },
		{NULL,        "hxxps://evil[.]example/a'b",               "[url:value = 'https://evil.example/a\\'b']"  },
		{NULL,        "evil.example/a",
                 "[url:value = 'http://evil.example/a' OR url:value = "
			"'https://evil.example/a']"								     },
		{"url",       "https://",                                 NULL					  },
		{NULL,        "clerk[at]evil[.]example",                  "[email-addr:value = 'clerk@evil.example']"   },
		{"email",     "clerk",				    NULL					  },
		{NULL,        "D41D8CD98F00B204E9800998ECF8427E",
                 "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']"                                               },
		{"sha1",      "d41d8cd98f00b204e9800998ecf8427e",         NULL                                          },
		{"hash",      "d41d8cd98f00b204e9800998ecf8427",          NULL                                          },
		{"md5",       "d41d8cd98f00b204e9800998ecf8427g",         NULL                                          },
		{"cert_hash", "8843d7f92416211de9ebb963ff4ce28125932878",
                 "[x509-certificate:hashes.'SHA-1' = "
			"'8843d7f92416211de9ebb963ff4ce28125932878']"                                                   },
		{"asn",       "AS64496",                                  "[autonomous-system:number = 64496]"          },
		{"asn",       "AS4294967296",                             NULL                                          },
		{"MAC",       "00-53-00-AB-CD-EF",                        "[mac-addr:value = '00:53:00:ab:cd:ef']"      },
		{"mac",       "00:53:00",                                 NULL					  },
		{"file name", "a 'b'\\c",                                 "[file:name = 'a \\'b\\'\\\\c']"              },
		{"ja3",       "e7d705a3286e19ea42f587b344ee6865",
                 "[network-traffic:x_ja3 = 'e7d705a3286e19ea42f587b344ee6865']"                                         },
		{"ja3",       "e7d7",				     NULL					  },
		{NULL,        "",					 NULL					  },
		{NULL,        "word",				     NULL					  },
		{NULL,        "caf\xe9.example",                          NULL                                          },
	};
	struct arena *a = arena_new(MIB(1));

	(void)state;
	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		const struct import_kind *kind = NULL;
		struct import_value value;
		struct stix_pattern_error fault;
		struct stix_node *root;
		const char *why = NULL;
		bool ok;

		if (cases[k].kind != NULL) {
			kind = import_kind_find(slice_of(cases[k].kind));
			assert_non_null(kind);
		}
		ok = import_value_read(kind, slice_of(cases[k].text), a, &value, &why);
		if (!ok && cases[k].pattern != NULL)
			fail_msg("\"%s\": %s", cases[k].text, why);
		if (!ok) {
			assert_non_null(why);
			continue;
		}
		if (cases[k].pattern == NULL || !slice_is(value.pattern, cases[k].pattern))
			fail_msg("\"%s\" is %.*s", cases[k].text, SLICE_ARG(value.pattern));
		assert_true(stix_pattern_parse(value.pattern, a, &root, &fault));
	}
	arena_free(a);
}

/* Equal values have one id, whatever they look like; another list has another. */
static void test_ids(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	static const char list[] =
		"198.51.100.7\n198.51.100[.]7\n::ffff:198.51.100.7\n2001:db8::1\n"
		"2001:DB8::0:1\nEVIL.example\nevil.example.\n*.evil.example\n";

	MUST(collect_bytes(c, &import_list, SLICE(list), &o, e));
	assert_int_equal(c->objects_count, 1 + 4); /* the identity, and four that differ */
	assert_int_equal(c->refused, 0);
	assert_int_equal(c->skipped, 4);
	/* again: nothing */
	MUST(collect_bytes(c, &import_list, SLICE(list), &o, e));
	assert_int_equal(c->objects_count, 0);
	o.name = "Another list";
	MUST(collect_bytes(c, &import_list, SLICE(list), &o, e));
	assert_int_equal(c->objects_count, 5);
	/* never in the standard's own namespace, section 2.9 */
	assert_clean(c);
}

/* ---- lists ---------------------------------------------------------------------------------- */

static void test_list(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();

	o.tlp = STIX_TLP_AMBER;
	o.confidence = 70;
	MUST(collect_path(c, &import_list, SOURCE_ROOT "/tests/samples/list.txt", &o, e));
	assert_clean(c);
	assert_int_equal(c->objects_count, 2 + 12); /* marking, identity, values */
	assert_int_equal(c->skipped, 1);            /* stands there twice */
	assert_string_equal(c->refusals.data,
		"16: \"what is this\": expected one value a line; a comment begins with #\n");
	assert_has(&c->objects, "\"description\":\"the whole pier\"");
	assert_has(&c->objects, "\"description\":\"empty.bin\"");
	assert_has(&c->objects, "\"confidence\":70");
	assert_has(&c->objects, "[url:value = 'http://evil.example/a?b=c#d']");
	assert_has(&c->objects, "\"object_marking_refs\":[\"marking-definition--55d920b0");
	assert_has(&c->objects, "\"valid_from\":\"2026-01-01T00:00:00.123Z\"");
}

static void test_hosts(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();

	MUST(collect_path(c, &import_list, SOURCE_ROOT "/tests/samples/hosts.txt", &o, e));
	assert_clean(c);
	assert_int_equal(c->refused, 0);
	assert_int_equal(c->objects_count, 3); /* identity and two names */
	assert_has_not(&c->objects, "localhost");
	/* names only: an address cannot be blocked by a hosts file */
	o.kind = "address";
	MUST(collect_bytes(c, &import_list, SLICE("0.0.0.0 evil.example\n"), &o, e));
	assert_int_equal(c->refused, 1);
}

static void test_list_kind(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	struct err no;

	o.kind = "file-name";
	MUST(collect_bytes(
		c, &import_list, SLICE("set up.exe # a comment\n198.51.100.7\n"), &o, e));
	assert_clean(c);
	assert_has(&c->objects, "[file:name = 'set up.exe']");
	assert_has(&c->objects, "[file:name = '198.51.100.7']");
	o.kind = "email";
	MUST(collect_bytes(c, &import_list, SLICE("198.51.100.7\nclerk@evil.example"), &o, e));
	assert_int_equal(c->refused, 1);
	assert_has(&c->refusals, "1: \"198.51.100.7\": expected an e-mail address");
	o.kind = "colour";
	assert_int_equal(collect_bytes(c, &import_list, SLICE("x"), &o, &no), ERR_USAGE);
	assert_non_null(strstr(no.text, "colour"));
}

static void test_line_limit(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	struct buf b = BUF_INIT;

	/* a comment of exactly the limit is a line; one byte more is none */
	for (size_t extra = 0; extra < 2; extra++) {
		buf_clear(&b);
		buf_char(&b, '#');
		for (size_t k = 1; k < IMPORT_LINE_MAX + extra; k++)
			buf_char(&b, 'x');
		buf_text(&b, "\r\n198.51.100.7\n");
		/* CR belongs to the end, but is among the bytes that are counted */
		if (extra == 0)
			b.data[IMPORT_LINE_MAX - 1] = '\r', b.data[IMPORT_LINE_MAX] = '\n',
						 b.data[IMPORT_LINE_MAX + 1] = ' ';
		c->known_count = 0;
		MUST(collect_bytes(c, &import_list, buf_slice(&b), &o, e));
		assert_int_equal(c->refused, extra);
		assert_has(&c->objects, "198.51.100.7");
	}
	assert_has(&c->refusals, "1: the line is longer than 65536 bytes");
	buf_fini(&b);
}

static void test_stop(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	struct buf b = BUF_INIT;

	for (unsigned k = 0; k < 2000; k++)
		buf_printf(&b, "n%u.evil.example\n", k);
	c->stop_after = 3;
	MUST(collect_bytes(c, &import_list, buf_slice(&b), &o, e));
	assert_int_equal(c->objects_count, 1 + 512);
	buf_fini(&b);
}

/* ---- CSV ------------------------------------------------------------------------------------ */

static void test_csv_reader(void **state)
{
	/* fields joined by '|', records by '\n'; "!" is a bad record, "#" a comment */
	static const struct {
		const char *says;
		const char *text;
		const char *records;
	} cases[] = {
		{"plain",				"a,b\r\nc,d\n",         "a|b\nc|d\n"     },
		{"no end of line",                       "a,b",                  "a|b\n"          },
		{"empty fields",                         ",,\n",                 "||\n"           },
		{"quotes",			       "\"a,b\",\"c\"\"d\"\n", "a,b|c\"d\n"     },
		{"lines within quotes",                  "\"a\nb\",c\nd,e\n",    "a\nb|c\nd|e\n"  },
		{"quote inside a plain field",           "a\"\"b,c\nd,e\n",      "a\"\"b|c\nd|e\n"},
		{"text behind a quote",                  "\"a\"b,c\nd,e\n",      "!\nd|e\n"       },
		{"a quote left open keeps what follows", "\"a,b\nc,d\ne,f\n",    "!\nc|d\ne|f\n"  },
		{"semicolons",                           "a;b,c;d\n",            "a|b,c|d\n"      },
		{"tabs",				 "a\tb\n",               "a|b\n"          },
		{"comment",			      "# x, y\na,b\n",        "#x, y\na|b\n"   },
		{"blank lines",                          "\n\na,b\n\n",          "a|b\n"          },
		{"spaces around",                        " a , \"b\" ,c\n",      "a|b|c\n"        },
	};
	struct collect *c = *state;
	struct intel_import o = collect_options();

	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		struct import_job job = {.options = &o,
			.world = &c->world.world,
			.head = slice_of(cases[k].text),
			.sink = &c->sink};
		struct buf got = BUF_INIT;
		struct csv_reader r;
		enum csv_what what = CSV_RECORD;

		MUST(csv_init(&r, &job, e));
		for (;;) {
			MUST(csv_next(&r, &what, e));
			if (what == CSV_END)
				break;
			if (what == CSV_BAD)
				buf_char(&got, '!');
			if (what == CSV_COMMENT)
				buf_char(&got, '#');
			for (size_t f = 0; f < r.count && what != CSV_BAD; f++) {
				if (f > 0)
					buf_char(&got, '|');
				buf_slice_append(&got, r.fields[f]);
			}
			buf_char(&got, '\n');
		}
		csv_fini(&r);
		buf_char(&got, '\0');
		if (strcmp(got.data, cases[k].records) != 0)
			fail_msg("%s: expected\n%sgot\n%s", cases[k].says, cases[k].records,
				got.data);
		buf_fini(&got);
	}
}

static void test_csv_limits(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	struct buf b = BUF_INIT;

	o.mapping = "value=1";
	for (size_t extra = 0; extra < 2; extra++) {
		buf_clear(&b);
		buf_text(&b, "198.51.100.7");
		for (size_t k = 1; k < CSV_FIELDS_MAX + extra; k++)
			buf_char(&b, ',');
		buf_char(&b, '\n');
		c->known_count = 0;
		MUST(collect_bytes(c, &import_csv, buf_slice(&b), &o, e));
		assert_int_equal(c->refused, extra);
	}
	assert_has(&c->refusals, "more than 256 fields");
	/* labels of one record */
	o.mapping = "value=1,labels=2";
	for (size_t extra = 0; extra < 2; extra++) {
		buf_clear(&b);
		buf_text(&b, "198.51.100.7,\"");
		for (size_t k = 0; k < 64 + extra; k++)
			buf_printf(&b, "l%zu;", k);
		buf_text(&b, "\"\n");
		c->known_count = 0;
		MUST(collect_bytes(c, &import_csv, buf_slice(&b), &o, e));
		assert_int_equal(c->lost, extra);
		assert_has(&c->objects, "\"l63\"");
	}
	assert_has(&c->losses, "one label too many: \"l64\" is left out");
	/* an open quote swallows no more than CSV_RECORD_LINES_MAX lines, and gives them back */
	for (size_t extra = 0; extra < 2; extra++) {
		buf_clear(&b);
		buf_text(&b, "198.51.100.7,\"");
		for (size_t k = 1; k < CSV_RECORD_LINES_MAX + extra; k++)
			buf_text(&b, "\n198.51.100.9,x");
		buf_text(&b, "\"\n198.51.100.8,y\n");
		c->known_count = 0;
		MUST(collect_bytes(c, &import_csv, buf_slice(&b), &o, e));
		/* too many lines: the first is bad, and so is the last with its lone quote? no */
		assert_int_equal(c->refused, extra);
		assert_has(&c->objects, "198.51.100.8");
	}
	assert_has(&c->objects, "198.51.100.9");
	buf_fini(&b);
}

static void test_csv(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();

	MUST(collect_path(c, &import_csv, SOURCE_ROOT "/tests/samples/indicators.csv", &o, e));
	assert_clean(c);
	assert_has(&c->objects, "network-traffic:dst_port = 443");
	assert_has(&c->objects, "\"valid_from\":\"2026-01-02T10:00:00.000Z\"");
	assert_has(&c->objects, "\"labels\":[\"tide\",\"botnet\"],\"confidence\":75");
	assert_has(&c->objects, "\"url\":\"https://csirt.harbour.example/2\"");
	assert_has(&c->objects, "marking-definition--55d920b0");
	assert_has(&c->objects, "https://berth.example/?q=\\\"a,b\\\"");
	assert_has(&c->losses, "column 7 reporter: 2 fields have no place");
	assert_int_equal(c->refused, 1);
	assert_has(&c->refusals, "6: \"berth.example\": expected 32, 40, 64 or 128 hex digits");
}

static void test_csv_mapping(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	struct err no;

	o.mapping = "value=2,description=3";
	MUST(collect_path(c, &import_csv, SOURCE_ROOT "/tests/samples/observables.csv", &o, e));
	assert_clean(c);
	assert_int_equal(c->objects_count, 3);
	assert_has(&c->objects, "\"description\":\"seen; twice\\non pier 5\"");
	o.mapping = "value=Addr,type=What";
	MUST(collect_bytes(c, &import_csv, SLICE("what,addr\nname,berth.example\n"), &o, e));
	assert_has(&c->objects, "[domain-name:value = 'berth.example']");
	o.mapping = "value=where";
	assert_int_equal(
		collect_bytes(c, &import_csv, SLICE("what,addr\nx,y\n"), &o, &no), ERR_USAGE);
	assert_non_null(strstr(no.text, "no such column"));
	o.mapping = "value=3";
	assert_int_equal(collect_bytes(c, &import_csv, SLICE("a,b\n"), &o, &no), ERR_USAGE);
	o.mapping = "colour=1";
	assert_int_equal(collect_bytes(c, &import_csv, SLICE("a,b\n"), &o, &no), ERR_USAGE);
	o.mapping = "name=1";
	assert_int_equal(collect_bytes(c, &import_csv, SLICE("a,b\n"), &o, &no), ERR_USAGE);
	assert_non_null(strstr(no.text, "no column for value"));
}

static void test_csv_headers(void **state)
{
	static const struct {
		const char *text;
		const char *pattern;
	} cases[] = {
		{"id,dst_ip\n1,198.51.100.7\n",                                           "[ipv4-addr:value = '198.51.100.7']"   },
 /* as abuse.ch writes them: the header is the last comment */
		{"################\n# Feed\n# id,url,\"md5\"\n1,http://evil.example/,\n",
                 "[url:value = 'http://evil.example/']"									  },
		{"1,nothing,evil.example\n2,nothing,evil2.example\n",
                 "[domain-name:value = 'evil2.example']"									 },
		{"name,what\nberth.example,x\n",                                          "[domain-name:value = 'berth.example']"},
		{"ioc,md5,name\nberth.example,d41d8cd98f00b204e9800998ecf8427e,Both\n",
                 "\"name\":\"Both\""											     },
	};
	struct collect *c = *state;
	struct intel_import o = collect_options();
	struct err no;

	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		MUST(collect_bytes(c, &import_csv, slice_of(cases[k].text), &o, e));
		assert_clean(c);
		assert_int_equal(c->refused, 0);
		assert_has(&c->objects, cases[k].pattern);
	}
	assert_int_equal(collect_bytes(c, &import_csv, SLICE("a,b\nc,d\n"), &o, &no), ERR_PARSE);
	assert_non_null(strstr(no.text, "no column holds a value"));
}

/* A TLP that nobody knows must not become a free one. */
static void test_csv_fails_closed(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();

	MUST(collect_bytes(c, &import_csv,
		SLICE("ip,tlp,confidence,valid_until\n198.51.100.7,purple,101,2020-01-01\n"), &o,
		e));
	assert_clean(c);
	assert_has(&c->objects, "marking-definition--e828b379"); /* RED */
	assert_has(&c->losses, "TLP \"purple\" is left out");
	assert_has(&c->losses, "confidence \"101\" is left out");
	assert_has(&c->losses, "which is not after its beginning");
	assert_has_not(&c->objects, "valid_until");
}

/* ---- Zeek ----------------------------------------------------------------------------------- */

static void test_zeek(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();

	MUST(collect_path(c, &import_zeek, SOURCE_ROOT "/tests/samples/zeek.intel", &o, e));
	assert_clean(c);
	assert_int_equal(c->objects_count, 1 + 11);
	assert_int_equal(c->skipped, 2);
	assert_string_equal(c->refusals.data,
		"7: \"berth.example/pay\": expected a domain name\n"
		"16: \"aa:bb\": this type has no place in STIX\n"
		"17: \"198.51.100.300\": expected an IPv4 or IPv6 address, or a network such as "
		"198.51.100.0/24\n"
		"18: \"198.51.100.41\": fewer fields than #fields names; they are separated by "
		"tabs\n"
		"19: \"198.51.100.42\": no such indicator type, expected Intel::ADDR, "
		"Intel::DOMAIN or the like\n");
	assert_has(&c->objects, "[ipv4-addr:value ISSUBSET '203.0.113.0/24']");
	assert_has(&c->objects, "[file:name = 'tide\\t.exe']");
	assert_has(&c->objects, "\"source_name\":\"harbour\",\"url\":\"https://csirt.");
	assert_has(&c->losses, "column meta.do_notice: 17 values have no place in STIX");
	assert_has(&c->losses, "1 URLs carry a scheme");
}

static void test_zeek_fields(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	struct err no;

	/* other columns from the middle on */
	MUST(collect_bytes(c, &import_zeek,
		SLICE("#fields\tindicator\tindicator_type\n198.51.100.7\tIntel::ADDR\n"
		      "#fields\tindicator_type\tindicator\tmeta.desc\n"
		      "Intel::ADDR\t198.51.100.8\tlater\n"),
		&o, e));
	assert_int_equal(c->objects_count, 3);
	assert_has(&c->objects, "\"description\":\"later\"");
	MUST(collect_bytes(c, &import_zeek, SLICE("198.51.100.7\tIntel::ADDR\n"), &o, e));
	assert_has(&c->refusals, "1: no #fields line came before it");
	assert_int_equal(
		collect_bytes(c, &import_zeek, SLICE("#fields\tindicator\tmeta.desc\n"), &o, &no),
		ERR_PARSE);
	assert_int_equal(collect_bytes(c, &import_zeek,
				 SLICE("#fields\tindicator\tindicator\tindicator_type\n"), &o, &no),
		ERR_PARSE);
	MUST(collect_bytes(
		c, &import_zeek, SLICE("#fields\tindicator\tindicator_type\n1\t2\t3\n"), &o, e));
	assert_has(&c->refusals, "more fields than #fields names");
}

/* Every feed that is there comes in, and everything made of it is sound. */
static void test_zeek_data(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	const char *data = getenv("SERAI_DATA");
	char folder[4096];
	struct dirent *entry;
	unsigned files = 0;
	DIR *d;

	snprintf(folder, sizeof(folder), "%s/sensor/feeds",
		data != NULL ? data : SOURCE_ROOT "/../shared/data");
	d = opendir(folder);
	if (d == NULL) {
		print_message("skipped: no %s\n", folder);
		skip();
		return;
	}
	while ((entry = readdir(d)) != NULL) {
		char path[8192];

		if (!slice_ends(slice_of(entry->d_name), SLICE(".gz")))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		o.name = entry->d_name;
		c->known_count = 0;
		MUST(collect_path(c, &import_zeek, path, &o, e));
		assert_clean(c);
		files++;
	}
	closedir(d);
	assert_true(files > 0);
}

/* ---- recognition ---------------------------------------------------------------------------- */

static void test_recognise(void **state)
{
	static const struct {
		const char *text;
		const char *format;
	} cases[] = {
		{"{\"type\":\"bundle\",\"id\":\"bundle--x\",\"objects\":[",              "stix"  },
		{"{\"objects\":[{\"type\":\"note\",\"spec_version\":\"2.1\",\"id\":"
		 "\"note--9e2b3c4d-5e6f-4071-9bac-000000000002\"}]}",   "stix"  },
		{"{\"type\":\"note\",\"spec_version\":\"2.1\",\"id\":"
		 "\"note--9e2b3c4d-5e6f-4071-9bac-000000000002\"}\n",   "stix"  },
		{"{\"type\":\"bundle\",\"spec_version\":\"2.0\",\"objects\":[",          "stix20"},
		{"{\"type\":\"bundle\",\"objects\":[{\"type\":\"tool\",\"created\":\"x\","
		 "\"modified\":\"y\"}]",				"stix20"},
		{"{\"response\":[{\"Event\":{\"info\":\"x\"",                            "misp"  },
		{"{\"Attribute\":[{\"uuid\":\"x\",\"category\":\"y\",\"value\":\"z\"}]", "misp"  },
		{"[{\"Event\":{\"uuid\":\"x\"",                                          "misp"  },
		{"#separator \\x09\n#fields\tindicator\tindicator_type\n",               "zeek"  },
		{"ip,comment\n198.51.100.7,x\n",                                         "csv"   },
		{"198.51.100.7,x\n198.51.100.8,y\n",                                     "csv"   },
		{"# comment\n198.51.100.7\nevil[.]example\n",                            "list"  },
		{"http://evil.example/a,b\nhttp://evil.example/c,d\n",                   "list"  },
		{"0.0.0.0 evil.example\n",					       "list"  },
		{"{\"hello\":1}",							NULL    },
		{"just some prose\n",						    NULL    },
		{"",								     NULL    },
	};

	(void)state;
	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		const struct intel_format *format;
		const char *best = NULL;
		int score = 0;

		for (size_t i = 0; (format = import_format(i)) != NULL; i++) {
			int s = import_find(format->name)
					->recognise(slice_of(cases[k].text), "file");

			if (s > score) {
				score = s;
				best = format->name;
			}
		}
		if ((best == NULL) != (cases[k].format == NULL) ||
			(best != NULL && strcmp(best, cases[k].format) != 0))
			fail_msg("%s: %s", cases[k].text, best == NULL ? "nothing" : best);
	}
}

static void test_time(void **state)
{
	static const struct {
		const char *text;
		const char *utc; /* NULL: none */
	} cases[] = {
		{"1767225600",                  "2026-01-01T00:00:00Z"},
		{"2026-01-01",                  "2026-01-01T00:00:00Z"},
		{"2026-01-01 10:20:30",         "2026-01-01T10:20:30Z"},
		{"2026-01-01T10:20:30.5+02:00", "2026-01-01T08:20:30Z"},
		{"2026-01-01T00:20:30-01:30",   "2026-01-01T01:50:30Z"},
		{"2026-01-01T10:20:30Z",        "2026-01-01T10:20:30Z"},
		{"253402300799",                "9999-12-31T23:59:59Z"},
		{"253402300800",                NULL                  },
		{"9999-12-31T23:59:59-01:00",   NULL                  },
		{"0001-01-01T00:00:00+01:00",   NULL                  },
		{"2026-02-29",                  NULL                  },
		{"2026-01-01T10:20",            NULL                  },
		{"2026-01-01T10:20:30+2:00",    NULL                  },
		{"2026-01-01T10:20:30+24:00",   NULL                  },
		{"yesterday",                   NULL                  },
		{"",			    NULL                  },
	};

	(void)state;
	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		char text[TIME_TEXT_MAX];
		int64_t us;
		bool ok = import_time(slice_of(cases[k].text), &us);

		assert_int_equal(ok, cases[k].utc != NULL);
		if (ok) {
			time_format(us, 0, text);
			assert_string_equal(text, cases[k].utc);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_recognise),
		cmocka_unit_test(test_time),
		cmocka_unit_test_setup_teardown(test_ids, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_list, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_hosts, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_list_kind, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_line_limit, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_stop, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_csv_reader, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_csv_limits, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_csv, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_csv_mapping, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_csv_headers, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(
			test_csv_fails_closed, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_zeek, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_zeek_fields, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_zeek_data, import_set_up, import_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
