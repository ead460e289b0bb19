/* SPDX-License-Identifier: MPL-2.0 */
/* Exporters of values and of STIX itself: what is written, how it is escaped, and what is told as
 * lost. */
#include "export_testing.h"
#include "export_value.h"

#define TIMES "\"created\":\"2025-01-02T03:04:05.000Z\",\"modified\":\"2025-01-02T03:04:05.000Z\""
#define INDICATOR(uuid, pattern, more)                                                             \
	"{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--" uuid "\"," TIMES   \
	",\"pattern\":\"" pattern                                                                  \
	"\",\"pattern_type\":\"stix\",\"valid_from\":\"2025-01-02T03:04:05Z\"" more "}"
#define ID_1         "11111111-1111-4111-8111-111111111111"
#define ID_2         "22222222-2222-4222-8222-222222222222"
#define ID_3         "33333333-3333-4333-8333-333333333333"
#define ID_4         "44444444-4444-4444-8444-444444444444"
#define CERT         "da39a3ee5e6b4b0d3255bfef95601890afd80709"
#define MD5          "d41d8cd98f00b204e9800998ecf8427e"
#define SHA256_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct intel_export plain;

static const char *const none[] = {NULL};

static int teardown(void **state)
{
	testing_clear(*state);
	free(*state);
	return 0;
}

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct testing));
	return *state == NULL ? -1 : 0;
}

static void run(struct testing *t, const struct exporter *exporter,
	const struct intel_export *options, const char *const *objects)
{
	struct err e;

	t->objects = objects;
	if (testing_run(t, exporter, options, &e) != OK)
		fail_msg("%s", e.text);
}

static void assert_file(struct testing *t, const char *name, const char *expected)
{
	const char *got = testing_file(t, name);

	if (got == NULL)
		fail_msg("no file \"%s\"", name);
	else if (strcmp(got, expected) != 0)
		fail_msg("\"%s\" holds\n%s\nnot\n%s\nlosses\n%.*s", name, got, expected,
			(int)t->losses.len, t->losses.data == NULL ? "" : t->losses.data);
}

/* ---- STIX ----------------------------------------------------------------------------------- */

static void test_stix(void **state)
{
	/* exact bytes, whatever the spelling */
	static const char *const objects[] = {"{ \"type\":\"ipv4-addr\", \"id\":\"ipv4-addr--" ID_1
					      "\",\"spec_version\":\"2.1\","
					      "\"value\":\"192.0.2.1\"}",
		"{\"type\":\"ipv4-addr\",\n \"id\":\"ipv4-addr--" ID_2
		"\",\"spec_version\":\"2.1\","
		"\"value\":\"192.0.2.2\",\"x_n\":1.50}",
		NULL};
	struct testing *t = *state;
	struct json_parser *parser = json_parser_new(KIB(64));
	struct json_value list, item;
	struct json_iter it;
	struct json_doc doc;
	const char *text;
	struct stix_id id;

	run(t, &export_stix, &plain, objects);
	text = testing_file(t, "");
	assert_int_equal(json_parse(parser, slice_of(text), &doc, NULL), OK);
	assert_true(slice_is(json_get_string(json_root(&doc), "type"), "bundle"));
	assert_true(stix_id_parse(json_get_string(json_root(&doc), "id"), &id));
	assert_true(json_get(json_root(&doc), "objects", &list));
	assert_int_equal(json_count(list), 2);
	it = json_iter(list);
	assert_true(json_array_next(&it, &item));
	assert_non_null(strstr(text, objects[0]));
	assert_non_null(strstr(text, objects[1]));
	assert_int_equal(t->losses.len, 0);
	assert_int_equal(t->records, 2);
	/* a bundle without objects has no empty list */
	run(t, &export_stix, &plain, none);
	text = testing_file(t, "");
	assert_int_equal(json_parse(parser, slice_of(text), &doc, NULL), OK);
	assert_false(json_get(json_root(&doc), "objects", &list));

	run(t, &export_ndjson, &plain, objects);
	text = testing_file(t, "");
	assert_true(slice_starts(slice_of(text), slice_of(objects[0])));
	assert_non_null(strstr(text, "}\n{\"type\":\"ipv4-addr\",  \"id\""));
	assert_true(testing_lost(t, "ipv4-addr--" ID_2 ": no place for line breaks"));
	assert_false(testing_lost(t, "ipv4-addr--" ID_1));
	json_parser_free(parser);
}

/* ---- which values are taken ----------------------------------------------------------------- */

static const struct {
	const char *object;
	const char *lost; /* NULL: taken */
} takings[] = {
	{INDICATOR(ID_1,				   "[ipv4-addr:value = '192.0.2.1']",              ""), NULL},
	{INDICATOR(ID_1,					    "[ipv4-addr:value = '192.0.2.1']",
         ",\"valid_until\":\"2026-01-01T00:00:01Z\""),
         NULL},
	{INDICATOR(ID_1,"[ipv4-addr:value = '192.0.2.1']",
         ",\"valid_until\":\"2026-01-01T00:00:00Z\""),
         "not valid any more"},
	{INDICATOR(ID_1,						"[ipv4-addr:value = '192.0.2.1']",										 ",\"revoked\":false"), NULL},
	{INDICATOR(ID_1,     "[ipv4-addr:value = '192.0.2.1']",									     ",\"revoked\":true"), "revoked"},
	{INDICATOR(ID_1,				   "[ipv4-addr:value = '192.0.2.1']",
         ",\"indicator_types\":[\"malicious-activity\"]"),
         NULL},
	{INDICATOR(ID_1,					    "[ipv4-addr:value = '192.0.2.1']",											  ",\"indicator_types\":[\"benign\"]"),
         "benign"},
	{"{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--" ID_1 "\"," TIMES
	 ",\"pattern\":\"[ipv4-addr:value = "
	 "'192.0.2.1']\",\"pattern_type\":\"stix\",\"valid_from\":"
	 "\"2026-01-01T00:00:01Z\"}",           "not valid yet"},
	{INDICATOR(ID_1,						"[ipv4-addr:value = '192.0.2.1' AND ipv4-addr:x_y = 'z']",                                                                                 ""),
         "more than a list of values"},
	{INDICATOR(ID_1, "[ipv4-addr:value = '192.0.2.1' OR file:size = 5]",											     ""),
         "1 of 2 comparisons are of no value"},
	{"{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--" ID_1 "\"," TIMES
	 ",\"pattern\":\"rule x { condition: true }\",\"pattern_type\":\"yara\",\"valid_from\":"
	 "\"2025-01-02T03:04:05Z\"}",				   "pattern of type yara"    },
	{"{\"type\":\"ipv4-addr\",\"spec_version\":\"2.1\",\"id\":\"ipv4-addr--" ID_1
	 "\",\"value\":\"192.0.2.1\"}",					 "an observable is no indicator"										      },
	{"{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"identity--" ID_1 "\"," TIMES
	 ",\"name\":\"x\"}",		       "no place for an object of type identity"													    },
};

static void test_takings(void **state)
{
	struct testing *t = *state;

	for (size_t k = 0; k < COUNT_OF(takings); k++) {
		const char *const objects[] = {takings[k].object, NULL};
		bool partly = takings[k].lost != NULL && strstr(takings[k].lost, "1 of 2") != NULL;

		run(t, &export_list, &plain, objects);
		assert_int_equal(t->records, takings[k].lost == NULL || partly ? 1 : 0);
		if (takings[k].lost != NULL && !testing_lost(t, takings[k].lost))
			fail_msg("%s: %.*s", takings[k].object, (int)t->losses.len, t->losses.data);
		if (takings[k].lost == NULL)
			assert_false(testing_lost(t, "not exported"));
	}
}

/* An observable is taken when the search asks for its type. */
static void test_asked_for(void **state)
{
	static const char *const objects[] = {
		"{\"type\":\"ipv4-addr\",\"spec_version\":\"2.1\",\"id\":\"ipv4-addr--" ID_1
		"\",\"value\":\"192.0.2.1\"}",
		NULL};
	const struct slice types[] = {SLICE("domain-name"), SLICE("ipv4-addr")};
	struct store_search search = {.types = types, .types_count = 2};
	struct intel_export options = {.search = &search};
	struct testing *t = *state;

	run(t, &export_list, &options, objects);
	assert_int_equal(t->records, 1);
	assert_int_equal(t->losses.len, 0);
	search.types_count = 1;
	run(t, &export_list, &options, objects);
	assert_int_equal(t->records, 0);
}

/* Members without a place are told, all in one. */
static void test_lost_members(void **state)
{
	static const char *const objects[] = {INDICATOR(ID_1, "[ipv4-addr:value = '192.0.2.1']",
						      ",\"name\":\"x\",\"confidence\":5"),
		NULL};
	struct testing *t = *state;

	run(t, &export_list, &plain, objects);
	assert_true(testing_lost(t,
		"indicator--" ID_1
		": no place for created, modified, valid_from, name, confidence\n"));
}

/* ---- how values are written ----------------------------------------------------------------- */

static const struct {
	enum stix_value_kind kind;
	const char *text;
	const char *written;
} written[] = {
	{STIX_VALUE_ADDRESS, "192.0.2.1",                        "192.0.2.1"           },
	{STIX_VALUE_ADDRESS, "192.0.2.1/32",                     "192.0.2.1"           },
	{STIX_VALUE_ADDRESS, "192.0.2.77/24",                    "192.0.2.0/24"        },
	{STIX_VALUE_ADDRESS, "0.0.0.0/0",                        "0.0.0.0/0"           },
	{STIX_VALUE_ADDRESS, "2001:0DB8:0:0::1",                 "2001:db8::1"         },
	{STIX_VALUE_ADDRESS, "2001:db8::1/32",                   "2001:db8::/32"       },
	{STIX_VALUE_ADDRESS, "::ffff:192.0.2.1",                 "192.0.2.1"           },
	{STIX_VALUE_ADDRESS, "::ffff:0:0/95",                    "::fffe:0:0/95"       },
	{STIX_VALUE_ADDRESS, "::/0",                             "::/0"                },
	{STIX_VALUE_NAME,    "A.Evil.Example.",                  "a.evil.example"      },
	{STIX_VALUE_NAME,    "com",                              "com"                 },
	{STIX_VALUE_EMAIL,   "User@Evil.Example",                "User@evil.example"   },
	{STIX_VALUE_EMAIL,   "a@b@evil.example",                 "a@b@evil.example"    },
	{STIX_VALUE_URL,     "HTTP://Evil.Example:80#x",         "http://evil.example/"},
	{STIX_VALUE_HASH,    "D41D8CD98F00B204E9800998ECF8427E", MD5                   },
	{STIX_VALUE_HASH,    "3:AB:c",                           "3:AB:c"              },
	{STIX_VALUE_ASN,     "AS4200000000",                     "4200000000"          },
	{STIX_VALUE_MAC,     "00-00-5E-00-53-01",                "00:00:5e:00:53:01"   },
	{STIX_VALUE_TEXT,    "C:\\X",                            "C:\\X"               },
};

static void test_written(void **state)
{
	struct arena *a = arena_new(KIB(64));

	(void)state;
	for (size_t k = 0; k < COUNT_OF(written); k++) {
		struct stix_value v = {.kind = written[k].kind, .text = slice_of(written[k].text)};
		struct slice text;

		assert_true(stix_value_key(v.kind, v.text, a, &v.key));
		text = export_value_text(&v, a);
		if (!slice_is(text, written[k].written))
			fail_msg("%s is written %.*s", written[k].text, SLICE_ARG(text));
	}
	arena_free(a);
}

/* A URL longer than its key is written as it stood. */
static void test_written_long(void **state)
{
	struct arena *a = arena_new(KIB(64));
	struct stix_value v = {.kind = STIX_VALUE_URL};
	struct buf url = BUF_INIT;

	(void)state;
	buf_text(&url, "http://evil.example/");
	while (url.len < 600)
		buf_char(&url, 'x');
	v.text = buf_slice(&url);
	assert_true(stix_value_key(v.kind, v.text, a, &v.key));
	assert_true(slice_equal(export_value_text(&v, a), v.text));
	buf_fini(&url);
	arena_free(a);
}

/* ---- plain lists ---------------------------------------------------------------------------- */

static void test_list(void **state)
{
	static const char *const objects[] = {
		INDICATOR(ID_1, "[ipv4-addr:value IN ('192.0.2.1', '192.0.2.0/24')]", ""),
		INDICATOR(ID_2,
			"[domain-name:value = 'Evil.Example' OR ipv4-addr:value = '192.0.2.1/32']",
			""),
		INDICATOR(ID_3, "[mutex:name = '#x' OR mutex:name = 'a\\nb' OR mutex:name = ' c']",
			""),
		NULL};
	struct intel_export options = {.name = "bad\nthings"};
	struct testing *t = *state;

	run(t, &export_list, &options, objects);
	assert_file(t, "",
		"# bad things, 2026-01-01T00:00:00Z\n192.0.2.1\n192.0.2.0/24\nevil.example\n");
	assert_int_equal(t->records, 3);
	assert_true(testing_lost(t, ": no place in a line for #x"));
	assert_true(testing_lost(t, ": no place in a line for a\nb"));
	assert_true(testing_lost(t, ": no place in a line for  c"));
	options = (struct intel_export){.kind = "name"};
	run(t, &export_list, &options, objects);
	assert_file(t, "", "# Serai, 2026-01-01T00:00:00Z\nevil.example\n");
	assert_true(testing_lost(t, "192.0.2.1 is not of kind name"));
}

static void test_list_kinds(void **state)
{
	static const char *const objects[] = {
		INDICATOR(ID_1,
			"[file:hashes.MD5 = '" MD5 "' OR file:hashes.'SHA-256' = '" SHA256_EMPTY
			"']",
			""),
		NULL};
	struct intel_export options = {.kind = "md5"};
	struct testing *t = *state;
	struct err e;

	run(t, &export_list, &options, objects);
	assert_file(t, "", "# Serai, 2026-01-01T00:00:00Z\n" MD5 "\n");
	options.kind = "hash";
	run(t, &export_list, &options, objects);
	assert_int_equal(t->records, 2);
	options.kind = "nonsense";
	t->objects = objects;
	assert_int_equal(testing_run(t, &export_list, &options, &e), ERR_USAGE);
	assert_non_null(strstr(e.text, "nonsense"));
}

/* ---- CSV ------------------------------------------------------------------------------------ */

#define CSV_HEAD                                                                                   \
	"value,kind,name,description,labels,confidence,tlp,valid_from,valid_until,id,object_type," \
	"property,"                                                                                \
	"pattern,pattern_type,revoked,created,modified,created_by_ref\r\n"

static void test_csv(void **state)
{
	static const char *const objects[] = {
		INDICATOR(ID_1, "[ipv4-addr:value = '192.0.2.1']",
			",\"name\":\"say \\\"hi\\\", "
			"twice\",\"description\":\"=cmd()\",\"labels\":[\"a\",\"b;c\"],"
			"\"confidence\":75,\"object_marking_refs\":[\"marking-definition--f88d31f6-"
			"486f-44da-b317-"
			"01333bde0b82\"]"),
		"{\"type\":\"file\",\"spec_version\":\"2.1\",\"id\":\"file--" ID_2
		"\",\"hashes\":{\"MD5\":\"" MD5 "\"},\"size\":0}",
		"{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"identity--" ID_3
		"\"," TIMES ",\"name\":\"x\"}",
		INDICATOR(ID_4, "[ipv4-addr:value LIKE '192.0.2.%']", ""), NULL};
	struct testing *t = *state;

	run(t, &export_csv, &plain, objects);
	assert_file(t, "",
		CSV_HEAD "192.0.2.1,address,\"say \"\"hi\"\", "
			 "twice\",\"'=cmd()\",\"a;b,c\",75,amber,2025-01-02T03:04:05Z,,"
			 "indicator--" ID_1
			 ",ipv4-addr,value,[ipv4-addr:value = '192.0.2.1'],stix,,"
			 "2025-01-02T03:04:05.000Z,2025-01-02T03:04:05.000Z,\r\n" MD5
			 ",md5,,,,,,,,file--" ID_2 ",file,MD5,,,,,,\r\n"
			 ",,,,,,,2025-01-02T03:04:05Z,,indicator--" ID_4
			 ",indicator,,[ipv4-addr:value LIKE '192.0.2.%'],stix,,"
			 "2025-01-02T03:04:05.000Z,2025-01-02T03:04:05.000Z,\r\n");
	assert_true(testing_lost(t, "indicator--" ID_1 ": an apostrophe was put before =cmd()"));
	assert_true(testing_lost(t, "no place for the ';' in label b;c"));
	assert_true(testing_lost(t, "indicator--" ID_1 ": no place for object_marking_refs"));
	assert_true(testing_lost(t, "file--" ID_2 ": no place for size"));
	assert_true(testing_lost(t, "identity--" ID_3 ": no place for an object of type identity"));
	assert_int_equal(t->records, 3);
}

/* ---- Zeek ----------------------------------------------------------------------------------- */

#define ZEEK_HEAD "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\tmeta.url\n"

static void test_zeek(void **state)
{
	static const char *const objects[] = {
		INDICATOR(ID_1,
			"[ipv4-addr:value IN ('192.0.2.1', '192.0.2.0/24') OR domain-name:value = "
			"'Evil.Example' OR "
			"url:value = 'http://evil.example:80/a' OR url:value = "
			"'https://evil.example/b' OR "
			"email-addr:value = 'a@evil.example' OR file:hashes.MD5 = '" MD5
			"' OR x509-certificate:hashes.'SHA-1' = '" CERT
			"' OR file:name = 'a\\tb' OR "
			"file:hashes.'SHA-512' = '" SHA256_EMPTY SHA256_EMPTY
			"' OR domain-name:value = '*.x.example' OR "
			"network-traffic:x_ja3 = '" MD5 "']",
			",\"name\":\"-\",\"created_by_ref\":\"identity--" ID_2
			"\",\"external_references\":[{\"source_name\":\"x\",\"description\":\"y\"},"
			"{\"source_name\":\"x\","
			"\"url\":\"https://ref.example/1\"}]"),
		"{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"identity--" ID_2
		"\"," TIMES ",\"name\":\"CERT \\\\x\"}",
		INDICATOR(ID_3, "[ipv4-addr:value = '192.0.2.1']", ""), NULL};
	struct testing *t = *state;

#define REST "\tCERT \\x5cx\t\\x2d\thttps://ref.example/1\n"
	run(t, &export_zeek, &plain, objects);
	assert_file(t, "",
		ZEEK_HEAD "192.0.2.1\tIntel::ADDR" REST "192.0.2.0/24\tIntel::SUBNET" REST
			  "evil.example\tIntel::DOMAIN" REST "evil.example/a\tIntel::URL" REST
			  "evil.example/b\tIntel::URL" REST "a@evil.example\tIntel::EMAIL" REST MD5
			  "\tIntel::FILE_HASH" REST CERT "\tIntel::CERT_HASH" REST
			  "a\\x09b\tIntel::FILE_NAME" REST MD5 "\tIntel::JA3" REST);
	assert_true(testing_lost(t, "no place for the scheme of https://evil.example/b"));
	assert_false(testing_lost(t, "scheme of http:"));
	assert_true(testing_lost(t, "no place for sha512"));
	assert_true(testing_lost(t, "no place for the wildcard *.x.example"));
	assert_true(testing_lost(t, "indicator--" ID_3 ": 192.0.2.1 is there already"));
	assert_int_equal(t->records, 10);
	/* without a creator and a name */
	run(t, &export_zeek, &plain, objects + 2);
	assert_file(t, "", ZEEK_HEAD "192.0.2.1\tIntel::ADDR\tSerai\t-\t-\n");
}

/* ---- RPZ ------------------------------------------------------------------------------------ */

#define RPZ_HEAD(zone)                                                                             \
	"$ORIGIN " zone                                                                            \
	".\n$TTL 300\n@ SOA localhost. hostmaster.localhost. 1767225600 3600 600 604800 300\n"     \
	"@ NS localhost.\n"

static const struct {
	const char *address;
	const char *owner; /* NULL: refused */
} triggers[] = {
	{"198.51.100.1",         "32.1.100.51.198.rpz-ip"         },
	{"198.51.100.7/24",      "24.0.100.51.198.rpz-ip"         },
	{"198.0.0.0/8",          "8.0.0.0.198.rpz-ip"             },
	{"198.0.0.0/7",          NULL			     },
	{"2001:db8::1",          "128.1.zz.db8.2001.rpz-ip"       },
	{"2001:db8::/32",        "32.zz.db8.2001.rpz-ip"          },
	{"2001:db8:0:1:0:0:0:1", "128.1.zz.1.0.db8.2001.rpz-ip"   },
	{"2001:db8:1:0:2:0:3:4", "128.4.3.0.2.0.1.db8.2001.rpz-ip"},
	{"2001:0:0:1:0:0:2:3",   "128.3.2.0.0.1.zz.2001.rpz-ip"   }, /* the first of two longest runs */
	{"2001::/19",            "19.zz.2001.rpz-ip"              },
	{"2001::/18",            NULL			     },
	{"10.1.2.3",             NULL			     },
	{"127.0.0.1",            NULL			     },
	{"192.168.0.0/16",       NULL                             },
	{"0.0.0.0",              NULL			     },
	{"224.0.0.1",            NULL			     },
	{"::1",		  NULL			     },
	{"fe80::1",              NULL			     },
	{"fd00::1",              NULL			     },
	{"11.0.0.0/8",           "8.0.0.0.11.rpz-ip"              },
	{"10.0.0.0/9",           NULL			     },
};

static void test_rpz_addresses(void **state)
{
	struct testing *t = *state;
	char object[1024], expected[512];
	const char *const objects[] = {object, NULL};

	for (size_t k = 0; k < COUNT_OF(triggers); k++) {
		snprintf(object, sizeof(object), INDICATOR(ID_1, "[%s:value = '%s']", ""),
			strchr(triggers[k].address, ':') != NULL ? "ipv6-addr" : "ipv4-addr",
			triggers[k].address);
		run(t, &export_rpz, &plain, objects);
		snprintf(expected, sizeof(expected), RPZ_HEAD("rpz.serai.invalid") "%s%s",
			triggers[k].owner == NULL ? "" : triggers[k].owner,
			triggers[k].owner == NULL ? "" : " CNAME .\n");
		assert_file(t, "", expected);
		assert_int_equal(testing_lost(t, "not exported"), triggers[k].owner == NULL);
	}
}

static void test_rpz_names(void **state)
{
	static const char *const objects[] = {
		INDICATOR(ID_1,
			"[domain-name:value IN ('Evil.Example', '*.x.example', 'com', '*.com')]",
			""),
		INDICATOR(ID_2,
			"[domain-name:value = 'evil.example' OR url:value = "
			"'http://evil.example/']",
			""),
		NULL};
	struct intel_export options = {.name = "RPZ.Example."};
	struct testing *t = *state;
	struct err e;

	run(t, &export_rpz, &options, objects);
	assert_file(t, "",
		RPZ_HEAD("rpz.example") "evil.example CNAME .\n*.evil.example CNAME .\n*.x.example "
					"CNAME .\n");
	assert_true(testing_lost(t, "com would block a whole top-level domain"));
	assert_true(testing_lost(t, "*.com would block a whole top-level domain"));
	assert_true(testing_lost(t, "indicator--" ID_2 ": no place for url http://evil.example/"));
	options.name = "no zone; x";
	t->objects = objects;
	assert_int_equal(testing_run(t, &export_rpz, &options, &e), ERR_USAGE);
}

/* A trigger and the zone make one name of at most 253 bytes. */
static void test_rpz_length(void **state)
{
	struct testing *t = *state;
	struct buf name = BUF_INIT;
	char object[1024];
	const char *const objects[] = {object, NULL};

	for (size_t len = 233; len <= 236; len++) {
		/* zone: 17 bytes and a dot; with "*." two more */
		buf_clear(&name);
		while (name.len < len - 4)
			buf_char(&name, name.len % 60 == 59 ? '.' : 'a');
		buf_text(&name, ".com");
		snprintf(object, sizeof(object),
			INDICATOR(ID_1, "[domain-name:value = '%.*s']", ""), (int)name.len,
			name.data);
		run(t, &export_rpz, &plain, objects);
		assert_int_equal(t->records, len + 18 <= 251 ? 2 : len + 18 <= 253 ? 1 : 0);
		assert_int_equal(testing_lost(t, "too long below the zone"), len + 18 > 251);
	}
	buf_fini(&name);
}

/* ---- Suricata ------------------------------------------------------------------------------- */

static void test_suricata(void **state)
{
	static const char *const objects[] = {
		INDICATOR(ID_1,
			"[ipv4-addr:value IN ('192.0.2.1', '192.0.2.0/24') OR ipv6-addr:value = "
			"'2001:db8::1' OR "
			"domain-name:value = 'Evil.Example' OR url:value = "
			"'http://Evil.Example/a;b' OR "
			"url:value = 'https://evil.example/b' OR file:hashes.MD5 = '" MD5
			"' OR file:hashes.'SHA-256' = '" SHA256_EMPTY
			"' OR x509-certificate:hashes.'SHA-1' = '" CERT
			"' OR network-traffic:x_ja3 = '" MD5
			"' OR domain-name:value = '*.x.example' OR "
			"email-addr:value = 'a@evil.example']",
			""),
		INDICATOR(ID_2, "[domain-name:value = 'evil.example']", ""), NULL};
	struct testing *t = *state;
	const char *rules;

	run(t, &export_suricata, &plain, objects);
	assert_file(t, "serai-address.lst", "192.0.2.1\n2001:db8::1\n");
	assert_file(t, "serai-name.lst", "ZXZpbC5leGFtcGxl\n");
	assert_file(t, "serai-md5.lst", MD5 "\n");
	assert_file(t, "serai-sha256.lst", SHA256_EMPTY "\n");
	assert_file(t, "serai-ja3.lst", "ZDQxZDhjZDk4ZjAwYjIwNGU5ODAwOTk4ZWNmODQyN2U=\n");
	assert_file(t, "serai-certificate.lst",
		"ZGE6Mzk6YTM6ZWU6NWU6NmI6NGI6MGQ6MzI6NTU6YmY6ZWY6OTU6NjA6MTg6OTA6YWY6ZDg6MDc6MDk="
		"\n");
	/* no file, and no rule, for what is not there */
	assert_null(testing_file(t, "serai-sha1.lst"));
	rules = testing_file(t, "serai.rules");
	assert_non_null(rules);
	assert_null(strstr(rules, "filesha1"));
	assert_non_null(strstr(rules, "alert dns any any -> any any (msg:\"Serai: name of an "
				      "indicator\"; dns.query; to_lowercase; "
				      "dataset:isset,serai-name,type string,load "
				      "serai-name.lst,memcap 100mb,hashsize 1024; sid:1900010; "
				      "rev:1;)\n"));
	assert_non_null(strstr(
		rules, "ip.src; dataset:isset,serai-address,type ip,load serai-address.lst,"));
	assert_non_null(strstr(rules,
		"alert smtp any any -> any any (msg:\"Serai: sha256 of an indicator\"; "
		"filesha256:serai-sha256.lst; sid:"));
	assert_non_null(strstr(rules,
		"alert ip any any <> 192.0.2.0/24 any (msg:\"Serai: network of an "
		"indicator\"; metadata:serai_id indicator--" ID_1 "; sid:1900100; rev:1;)\n"));
	assert_non_null(strstr(rules,
		"http.host.raw; content:\"evil.example\"; nocase; bsize:12; http.uri.raw; "
		"content:\"/a|3b|b\"; bsize:4; metadata:serai_id indicator--" ID_1
		"; sid:1900101; rev:1;)\n"));
	assert_true(testing_lost(t, "https://evil.example/b: not seen in the clear"));
	assert_true(testing_lost(t, "no place for name *.x.example"));
	assert_true(testing_lost(t, "no place for email a@evil.example"));
	assert_int_equal(t->records, 9);
}

#define RULE(rule)                                                                                 \
	"{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--" ID_1 "\"," TIMES   \
	",\"pattern\":\"" rule                                                                     \
	"\",\"pattern_type\":\"suricata\",\"valid_from\":\"2025-01-02T03:04:05Z\"}"

static const struct {
	const char *object;
	bool taken;
} foreign_rules[] = {
	{RULE("alert tcp any any -> any 80 (msg:\\\"x lua y\\\"; content:\\\"a\\\"; sid:1;)"),
         true										       },
	{RULE(" alert tcp any any -> any 80 (msg:\\\"x\\\"; sid:1;) "),                        true },
	{RULE("pass tcp any any -> any 80 (sid:1;)"),                                          false},
	{RULE("drop tcp any any -> any 80 (sid:1;)"),                                          false},
	{RULE("alert tcp any any -> any 80 (lua:x.lua; sid:1;)"),                              false},
	{RULE("alert tcp any any -> any 80 (sid:1; LuaJIT:x;)"),                               false},
	{RULE("alert dns any any -> any any (dns.query; dataset:set,x,type string,save /x; "
	      "sid:1;)"),
         false										      },
	{RULE("alert tcp any any -> any 80 (sid:1;)\\nalert ip any any -> any any (sid:2;)"),
         false										      },
	{RULE("alert tcp any any -> any 80 (sid:1;) # x"),                                     false},
	{RULE("# alert"),								      false},
};

static void test_suricata_rules(void **state)
{
	struct testing *t = *state;

	for (size_t k = 0; k < COUNT_OF(foreign_rules); k++) {
		const char *const objects[] = {foreign_rules[k].object, NULL};

		run(t, &export_suricata, &plain, objects);
		assert_int_equal(t->records, foreign_rules[k].taken);
		assert_int_equal(testing_lost(t, "not exported"), !foreign_rules[k].taken);
		assert_int_equal(
			strlen(testing_file(t, "serai.rules")) > 0, foreign_rules[k].taken);
	}
}

/* ---- sets ----------------------------------------------------------------------------------- */

static void test_seen(void **state)
{
	struct export_seen seen;
	struct world_fake world;
	bool is_new;
	char key[16];

	(void)state;
	world_fake_init(&world, 7, 0);
	export_seen_init(&seen, &world.world);
	for (int round = 0; round < 2; round++) {
		for (int k = 0; k < 5000; k++) {
			snprintf(key, sizeof(key), "%d", k);
			assert_true(export_seen_add(&seen, slice_of(key), &is_new));
			assert_int_equal(is_new, round == 0);
		}
	}
	assert_int_equal(seen.count, 5000);
	export_seen_fini(&seen);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_stix),
		TEST(test_takings),
		TEST(test_asked_for),
		TEST(test_lost_members),
		TEST(test_written),
		TEST(test_written_long),
		TEST(test_list),
		TEST(test_list_kinds),
		TEST(test_csv),
		TEST(test_zeek),
		TEST(test_rpz_addresses),
		TEST(test_rpz_names),
		TEST(test_rpz_length),
		TEST(test_suricata),
		TEST(test_suricata_rules),
		TEST(test_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
