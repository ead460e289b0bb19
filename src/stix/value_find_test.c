/* SPDX-License-Identifier: MPL-2.0 */
/* The values found in observables and indicators. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "stix.h"

static int setup(void **state)
{
	*state = arena_new(MIB(64));
	return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

/* Each value as "kind object-type property text\n". */
static void print_values(struct arena *a, struct slice json, struct buf *out, bool *ret_all)
{
	struct json_parser *parser = json_parser_new(JSON_OBJECT_MAX);
	struct stix_value *values = NULL;
	struct json_doc doc;
	struct slice key;
	size_t count = 0;
	struct err e;

	assert_non_null(parser);
	if (json_parse(parser, json, &doc, &e) != OK)
		fail_msg("%s", e.text);
	assert_int_equal(stix_values(json_root(&doc), a, &values, &count, ret_all, &e), OK);
	for (size_t k = 0; k < count; k++) {
		buf_printf(out, "%s %.*s %.*s %.*s\n", stix_value_kind_name(values[k].kind),
			SLICE_ARG(values[k].object_type), SLICE_ARG(values[k].property),
			SLICE_ARG(values[k].text));
		assert_true(values[k].key.len > 0);
		/* every key is one that a search for the text finds, but for defanged ones */
		if (stix_value_key(values[k].kind, values[k].text, a, &key) &&
			slice_find_text(json, SLICE("defanged")) == json.len)
			assert_true(slice_equal(key, values[k].key));
	}
	json_parser_free(parser);
}

static void assert_values(struct arena *a, const char *json, const char *expected)
{
	struct buf out = BUF_INIT;
	bool all;

	print_values(a, slice_of(json), &out, &all);
	assert_true(all);
	if (!slice_is(buf_slice(&out), expected))
		fail_msg("%s\ngives\n%.*snot\n%s", json, SLICE_ARG(buf_slice(&out)), expected);
	buf_fini(&out);
}

static const struct {
	const char *json;
	const char *values;
} observables[] = {
	{"{\"type\":\"ipv4-addr\",\"value\":\"198.51.100.0/24\"}",
         "address ipv4-addr value 198.51.100.0/24\n"																	     },
	{"{\"type\":\"ipv6-addr\",\"value\":\"2001:db8::1\"}",
         "address ipv6-addr value 2001:db8::1\n"																		 },
	{"{\"type\":\"domain-name\",\"value\":\"Evil.example\",\"resolves_to_refs\":[]}",
         "name domain-name value Evil.example\n"																		 },
	{"{\"type\":\"url\",\"value\":\"http://evil.example\"}",
         "url url value http://evil.example\n"																		   },
	{"{\"type\":\"email-addr\",\"value\":\"a@evil.example\",\"display_name\":\"A B\"}",
         "email email-addr value a@evil.example\ntext email-addr display_name A B\n"													     },
	{"{\"type\":\"mac-addr\",\"value\":\"00:00:5e:00:53:01\"}",
         "mac mac-addr value 00:00:5e:00:53:01\n"																		},
	{"{\"type\":\"autonomous-system\",\"number\":64500,\"name\":\"Evil\"}",
         "asn autonomous-system number 64500\ntext autonomous-system name Evil\n"														},
	{"{\"type\":\"autonomous-system\",\"number\":-1}",                                              "text autonomous-system number -1\n"                                                     },
	{"{\"type\":\"file\",\"hashes\":{\"MD5\":\"d41d8cd98f00b204e9800998ecf8427e\",\"SSDEEP\":"
	 "\"3:a:b\","
	 "\"SHA-1\":5},\"size\":0,\"name\":\"evil.exe\",\"mime_type\":\"x\"}",		 "hash file MD5 d41d8cd98f00b204e9800998ecf8427e\nhash file SSDEEP 3:a:b\ntext file "
		"name evil.exe\n"									 },
 /* hashes deep inside of extensions */
	{"{\"type\":\"file\",\"name\":\"a\",\"extensions\":{\"windows-pebinary-ext\":{\"imphash\":"
	 "\"d41d8cd98f00b204e9800998ecf8427e\",\"file_header_hashes\":{\"MD5\":\"00\"},"
	 "\"sections\":[{\"name\":"
	 "\"s\",\"hashes\":{\"SHA-1\":\"01\"}}]},\"ntfs-ext\":{\"alternate_data_streams\":[{"
	 "\"name\":\"n\","
	 "\"hashes\":{\"MD5\":\"02\"}}]}}}",						   "text file name a\nhash file imphash d41d8cd98f00b204e9800998ecf8427e\nhash file "
		"MD5 00\n"
		"hash file SHA-1 01\nhash file MD5 02\n"										    },
	{"{\"type\":\"artifact\",\"url\":\"http://evil.example/"
	 "x\",\"hashes\":{\"SHA-256\":\"00\"}}",					       "url artifact url http://evil.example/x\nhash artifact SHA-256 00\n"                     },
	{"{\"type\":\"directory\",\"path\":\"C:\\\\x\"}",                                               "text directory path C:\\x\n"                                                            },
	{"{\"type\":\"mutex\",\"name\":\"m\"}",							 "text mutex name m\n"                                                                    },
	{"{\"type\":\"email-message\",\"is_multipart\":false,\"subject\":\"S\",\"message_id\":\"<1@"
	 "x>\"}",									      "text email-message subject S\ntext email-message message_id <1@x>\n"                    },
	{"{\"type\":\"windows-registry-key\",\"key\":\"HKLM\\\\x\"}",
         "text windows-registry-key key HKLM\\x\n"																	       },
	{"{\"type\":\"process\",\"command_line\":\"x /y\",\"pid\":4}",
         "text process command_line x /y\n"																		      },
	{"{\"type\":\"software\",\"name\":\"S\",\"cpe\":\"cpe:2.3:a\"}",
         "text software name S\ntext software cpe cpe:2.3:a\n"																   },
	{"{\"type\":\"user-account\",\"user_id\":\"1\",\"account_login\":\"l\",\"account_type\":"
	 "\"unix\"}",									  "text user-account user_id 1\ntext user-account account_login l\n"                       },
	{"{\"type\":\"x509-certificate\",\"serial_number\":\"1\",\"hashes\":{\"SHA-1\":\"00\"},"
	 "\"issuer\":\"I\"}",								  "text x509-certificate serial_number 1\nhash x509-certificate SHA-1 00\n"
		"text x509-certificate issuer I\n"													 },
	{"{\"type\":\"network-traffic\",\"protocols\":[\"tcp\"],\"x_ja3_hash\":\"abc\",\"src_"
	 "port\":80,"
	 "\"extensions\":{\"http-request-ext\":{\"request_method\":\"get\",\"request_header\":{"
	 "\"user-agent\":"
	 "\"UA\",\"Accept\":\"x\"}},\"x\":{\"headers\":{\"User-Agent\":[\"UB\",\"UC\",5]}}}}", "text network-traffic x_ja3_hash abc\ntext network-traffic user-agent UA\n"
		"text network-traffic User-Agent UB\ntext network-traffic User-Agent UC\n"},
 /* what is not of its kind is found all the same */
	{"{\"type\":\"domain-name\",\"value\":\"192.0.2.1\"}",
         "address domain-name value 192.0.2.1\n"																		 },
	{"{\"type\":\"domain-name\",\"value\":\"not a name\"}",
         "text domain-name value not a name\n"																		   },
	{"{\"type\":\"ipv4-addr\",\"value\":\"300.0.0.1\"}",                                            "text ipv4-addr value 300.0.0.1\n"                                                       },
	{"{\"type\":\"url\",\"value\":\"evil[.]example\"}",                                             "text url value evil[.]example\n"                                                        },
	{"{\"type\":\"url\",\"value\":\"\"}",							   ""										       },
	{"{\"type\":\"url\",\"value\":5}",							      ""										       },
 /* section 3.2: defanged content is read as what it was */
	{"{\"type\":\"domain-name\",\"value\":\"evil[.]example\",\"defanged\":true}",
         "name domain-name value evil[.]example\n"																	       },
	{"{\"type\":\"domain-name\",\"value\":\"evil[.]example\",\"defanged\":false}",
         "text domain-name value evil[.]example\n"																	       },
 /* embedded in an observed-data */
	{"{\"type\":\"observed-data\",\"objects\":{\"0\":{\"type\":\"ipv4-addr\",\"value\":\"192.0."
	 "2.1\"},\"1\":"
	 "{\"type\":\"malware\",\"name\":\"x\"},\"2\":{\"type\":\"file\",\"name\":\"f\"}}}",   "address ipv4-addr value 192.0.2.1\ntext file name f\n"                                  },
 /* no observables */
	{"{\"type\":\"malware\",\"name\":\"x\",\"value\":\"y\"}",                                       ""										       },
	{"{\"type\":\"x-wallet\",\"value\":\"1abc\"}",                                                  "text x-wallet value 1abc\n"                                                             },
	{"{}",											  ""										       },
	{"[]",											  ""										       },
};

static void test_observables(void **state)
{
	for (size_t k = 0; k < COUNT_OF(observables); k++)
		assert_values(*state, observables[k].json, observables[k].values);
}

static const struct {
	const char *pattern;
	const char *values;
} patterns[] = {
	{"[ipv4-addr:value = '198.51.100.1']",						 "address ipv4-addr value 198.51.100.1\n"                                     },
	{"[ipv4-addr:value ISSUBSET '198.51.100.0/24']",
         "address ipv4-addr value 198.51.100.0/24\n"															},
	{"[domain-name:value IN ('a.example', 'b.example')]",
         "name domain-name value a.example\nname domain-name value b.example\n"											     },
	{"[url:value = 'http://a.example/it\\'s'] OR [email-addr:value = 'a@b.example']",
         "url url value http://a.example/it's\nemail email-addr value a@b.example\n"                                                                                        },
	{"[file:hashes.'SHA-256' = "
	 "'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855']",       "hash file SHA-256 "
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"},
	{"[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e' AND file:name = 'x' AND file:size "
	 "= 5]",								      "hash file MD5 d41d8cd98f00b204e9800998ecf8427e\ntext file name x\n"         },
	{"[file:extensions.'windows-pebinary-ext'.imphash = 'ab']",                            "hash file imphash ab\n"                                                     },
	{"[x509-certificate:hashes.'SHA-1' = 'da39a3ee5e6b4b0d3255bfef95601890afd80709']",
         "hash x509-certificate SHA-1 da39a3ee5e6b4b0d3255bfef95601890afd80709\n"											   },
	{"[autonomous-system:number = 64500]",						 "asn autonomous-system number 64500\n"                                       },
	{"[windows-registry-key:key = 'HKLM\\\\x']",                                           "text windows-registry-key key HKLM\\x\n"                                    },
	{"[mutex:name = 'm']",								 "text mutex name m\n"							},
 /* behind references: what it looks like */
	{"[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = "
	 "'192.0.2.1']",							      "address ipv4-addr value 192.0.2.1\n"                                        },
	{"[domain-name:resolves_to_refs[*].value = '2001:db8::1']",
         "address ipv6-addr value 2001:db8::1\n"															    },
	{"[email-message:from_ref.value = 'a@b.example']",                                     "email email-addr value a@b.example\n"                                       },
	{"[network-traffic:dst_ref.value = 'host']",                                           "text  value host\n"                                                         },
	{"[process:image_ref.name = 'x.exe']",						 "text file name x.exe\n"                                                     },
	{"[file:parent_directory_ref.path = 'C:\\\\x']",                                       "text directory path C:\\x\n"                                                },
	{"[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'UA']",
         "text network-traffic User-Agent UA\n"															     },
	{"[network-traffic:x_ja3_md5 = 'ab']",						 "text network-traffic x_ja3_md5 ab\n"                                        },
	{"[x-thing:colour = 'red']",							   "text x-thing colour red\n"                                                  },
	{"[file:x_note = 'n']",								"text file x_note n\n"						       },
 /* no values: other operators, negation, properties that only say what kind of thing it is
  */
	{"[ipv4-addr:value != '192.0.2.1']",						   ""									   },
	{"[ipv4-addr:value NOT = '192.0.2.1']",						""									   },
	{"[ipv4-addr:value NOT IN ('192.0.2.1')]",                                             ""									   },
	{"[ipv4-addr:value NOT ISSUBSET '192.0.2.1']",                                         ""									   },
	{"[ipv4-addr:value ISSUPERSET '192.0.2.1']",                                           ""									   },
	{"[domain-name:value LIKE '%.example' AND domain-name:value MATCHES 'x']",             ""                                                                           },
	{"[EXISTS domain-name:value]",							 ""									   },
	{"[file:mime_type = 'x' OR file:size = 5 OR network-traffic:protocols[*] = 'tcp']",    ""                                                                           },
	{"[user-account:is_disabled = true]",						  ""									   },
 /* an invalid pattern matches nothing (section 9.4), whatever stands before the fault */
	{"[ipv4-addr:value = '192.0.2.1'] AND",						""									   },
	{"",										   ""									   },
};

static void indicator(struct buf *out, const char *pattern, const char *type)
{
	struct json_writer w = JSON_WRITER(out);

	buf_clear(out);
	json_write_object(&w);
	json_member_text(&w, "type", "indicator");
	json_member_text(&w, "pattern", pattern);
	json_member_text(&w, "pattern_type", type);
	json_write_end(&w, '}');
	buf_char(out, '\0');
}

static void test_patterns(void **state)
{
	struct buf json = BUF_INIT;

	for (size_t k = 0; k < COUNT_OF(patterns); k++) {
		indicator(&json, patterns[k].pattern, "stix");
		assert_values(*state, json.data, patterns[k].values);
	}
	indicator(&json, "[ipv4-addr:value = '192.0.2.1']", "snort");
	assert_values(*state, json.data, "");
	buf_fini(&json);
}

static void test_limit(void **state)
{
	struct buf json = BUF_INIT, out = BUF_INIT;
	bool all;

	for (int more = 0; more < 2; more++) {
		buf_clear(&json);
		buf_clear(&out);
		buf_text(&json, "{\"type\":\"indicator\",\"pattern_type\":\"stix\",\"pattern\":\"["
				"mutex:name IN ('x'");
		for (int k = 1; k < STIX_VALUES_MAX + more; k++)
			buf_text(&json, ",'x'");
		buf_text(&json, ")]\"}");
		print_values(*state, buf_slice(&json), &out, &all);
		assert_int_equal(all, more == 0);
		assert_int_equal(out.len, STIX_VALUES_MAX * strlen("text mutex name x\n"));
	}
	buf_fini(&json);
	buf_fini(&out);
}

/* Too little memory is an error, not a missing value. */
static void test_no_memory(void **state)
{
	struct slice json =
		SLICE("{\"type\":\"indicator\",\"pattern_type\":\"stix\",\"pattern\":"
		      "\"[domain-name:value IN ('a.example', 'b\\u00fc.example', 'it\\\\'s')]\"}");
	struct json_parser *parser = json_parser_new(KIB(4));
	struct stix_value *values = NULL;
	enum err_kind kind = ERR_NOMEM;
	size_t count = 77;
	struct json_doc doc;
	bool all = false;

	(void)state;
	assert_int_equal(json_parse(parser, json, &doc, NULL), OK);
	for (size_t bytes = 0; kind != OK && bytes < KIB(16); bytes += 16) {
		struct arena *a = arena_new(bytes);

		kind = stix_values(json_root(&doc), a, &values, &count, &all, NULL);
		if (kind != OK) {
			assert_int_equal(kind, ERR_NOMEM);
			assert_int_equal(count, 77);
		}
		arena_free(a);
	}
	assert_int_equal(kind, OK);
	assert_int_equal(count, 3);
	assert_true(all);
	json_parser_free(parser);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_observables),
		TEST(test_patterns),
		TEST(test_limit),
		TEST(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
