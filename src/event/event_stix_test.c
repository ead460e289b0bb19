/* SPDX-License-Identifier: MPL-2.0 */
/* Events as observables: what each role says, identifiers as the standard makes them, and that the
 * checker of STIX finds no error in any of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "event.h"
#include "stix/stix.h"
#include "json/json.h"

#define ARENA_BYTES MIB(16)

struct pair {
	enum event_role role;
	const char *value;
};

static struct event event_make(struct arena *a, const struct pair *pairs, size_t count)
{
	struct event e = {.time_us = INT64_C(1600000000123456)};

	for (size_t k = 0; k < count; k++)
		assert_true(event_add(
			&e, a, SLICE("x"), pairs[k].role, FIELD_NONE, slice_of(pairs[k].value)));
	return e;
}

/* Every object: no error, and the id that stix_observable_id would give it. */
static void assert_valid(struct arena *a, struct slice json)
{
	struct json_parser *parser = json_parser_new(MIB(8));
	struct stix_report report = {.arena = arena_new(ARENA_BYTES)};
	struct json_value object;
	struct stix_id id;
	struct json_doc doc;
	struct json_iter it;
	struct uuid uuid;
	bool fixed;
	struct err e;

	(void)a;
	if (json_parse(parser, json, &doc, &e) != OK)
		fail_msg("%s\n%.*s", e.text, SLICE_ARG(json));
	for (it = json_iter(json_root(&doc)); json_array_next(&it, &object);) {
		struct slice type = json_get_string(object, "type");

		stix_report_reset(&report);
		assert_int_equal(stix_check(object, &report, NULL, &e), OK);
		for (size_t k = 0; k < report.count; k++) {
			if (report.findings[k].level == STIX_ERROR)
				fail_msg("%.*s: %s %.*s: %.*s", SLICE_ARG(type),
					report.findings[k].clause,
					SLICE_ARG(report.findings[k].path),
					SLICE_ARG(report.findings[k].message));
		}
		assert_true(stix_id_parse(json_get_string(object, "id"), &id));
		if (stix_class_of(type) == STIX_CUSTOM)
			continue;
		assert_int_equal(stix_observable_id(object, &fixed, &uuid, &e), OK);
		if (fixed && !uuid_equal(&uuid, &id.uuid))
			fail_msg("%.*s has another id", SLICE_ARG(type));
		if (!fixed)
			assert_int_equal(uuid_version(&id.uuid), 4);
	}
	arena_free(report.arena);
	json_parser_free(parser);
}

static void assert_holds(struct slice json, const char *part)
{
	if (slice_find_text(json, slice_of(part)) == json.len)
		fail_msg("%s is not in\n%.*s", part, SLICE_ARG(json));
}

static const struct pair everything[] = {
	{ROLE_SOURCE_ADDRESS,      "192.0.2.1"						       },
	{ROLE_DESTINATION_ADDRESS, "198.51.100.7"						    },
	{ROLE_SOURCE_PORT,         "49152"							   },
	{ROLE_DESTINATION_PORT,    "80"							      },
	{ROLE_TRANSPORT,           "TCP"							     },
	{ROLE_SERVICE,             "http,ssl"							},
	{ROLE_SOURCE_BYTES,        "100"							     },
	{ROLE_DESTINATION_BYTES,   "2000"							    },
	{ROLE_ADDRESS,             "2001:DB8::1"						     },
	{ROLE_QUERY,               "Evil.Example."						   },
	{ROLE_ANSWER,              "203.0.113.9"						     },
	{ROLE_ANSWER,              "cdn.evil.example"						},
	{ROLE_HOST,                "www.evil.example:8080"					   },
	{ROLE_SNI,                 "sni.example"						     },
	{ROLE_URL,                 "www.evil.example:8080/a b?<x>"                                   },
	{ROLE_METHOD,              "GET"							     },
	{ROLE_USER_AGENT,          "Bad/1.0"							 },
	{ROLE_REFERRER,            "http://r.example/"					       },
	{ROLE_EMAIL_FROM,          "Eve <eve@evil.example>"                                          },
	{ROLE_EMAIL_TO,            "bob@site.example"						},
	{ROLE_EMAIL,               "carol@site.example"					      },
	{ROLE_SUBJECT,             "invoice"							 },
	{ROLE_FILE_NAME,           "a.exe"							   },
	{ROLE_FILE_HASH,           "D41D8CD98F00B204E9800998ECF8427E"                                },
	{ROLE_FILE_HASH,           "da39a3ee5e6b4b0d3255bfef95601890afd80709"                        },
	{ROLE_IMPHASH,             "f34d5f2d4577ed6d9ceec516c1f5a744"                                },
	{ROLE_MIME,                "application/x-dosexec"					   },
	{ROLE_CERTIFICATE_HASH,    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{ROLE_CERTIFICATE_NAME,    "cert.example"						    },
	{ROLE_JA3,                 "e7d705a3286e19ea42f587b344ee6865"                                },
	{ROLE_ASN,                 "AS64500"							 },
	{ROLE_MAC,                 "00-11-22-AA-BB-CC"					       },
	{ROLE_USER,                "alice"							   },
	{ROLE_PROCESS,             "cmd.exe"							 },
	{ROLE_COMMAND,             "cmd.exe /c whoami"					       },
	{ROLE_REGISTRY_KEY,        "HKEY_LOCAL_MACHINE\\Software\\Bad"                               },
	{ROLE_MUTEX,               "Global\\m"						       },
	{ROLE_PLANT_PROTOCOL,      "modbus"							  },
	{ROLE_PLANT_FUNCTION,      "write single coil"                                               },
	{ROLE_PLANT_OPERATION,     "write"							   },
	{ROLE_PLANT_UNIT,          "7"							       },
	{ROLE_PLANT_OBJECT,        "coil 12"							 },
	{ROLE_PLANT_VALUE,         "on"							      },
};

static void test_everything(void **state)
{
	static const char *const parts[] = {
		"\"type\":\"ipv4-addr\",\"spec_version\":\"2.1\",\"id\":\"ipv4-addr--",
		"\"value\":\"192.0.2.1\"", "\"value\":\"2001:db8::1\"",
		"\"value\":\"evil.example\"", "\"resolves_to_refs\":[\"ipv4-addr--",
		"\"value\":\"www.evil.example\"",
		"\"value\":\"http://www.evil.example:8080/a%20b?%3Cx%3E\"",
		"\"protocols\":[\"ipv4\",\"tcp\",\"http\",\"ssl\"]", "\"src_port\":49152",
		"\"dst_byte_count\":2000", "\"User-Agent\":[\"Bad/1.0\"]",
		"\"request_method\":\"get\"", "\"request_value\":\"/a%20b?%3Cx%3E\"",
		"\"value\":\"eve@evil.example\"", "\"to_refs\":[\"email-addr--",
		"\"hashes\":{\"MD5\":\"d41d8cd98f00b204e9800998ecf8427e\",\"SHA-1\":",
		"\"mime_type\":\"application/x-dosexec\"", "\"number\":64500",
		"\"value\":\"00:11:22:aa:bb:cc\"", "\"account_login\":\"alice\"",
		"\"command_line\":\"cmd.exe /c whoami\"", "\"image_ref\":\"file--",
		"\"key\":\"HKEY_LOCAL_MACHINE\\\\Software\\\\Bad\"", "\"name\":\"Global\\\\m\"",
		"\"type\":\"x-serai-plant-operation\"",
		"\"function\":\"write single coil\",\"object\":\"coil 12\",\"operation\":\"write\"",
		"\"traffic_ref\":\"network-traffic--",
		"\"x_ja3_hash\":\"e7d705a3286e19ea42f587b344ee6865\""};
	struct arena *a = arena_new(ARENA_BYTES);
	struct event e = event_make(a, everything, COUNT_OF(everything));
	struct buf out = BUF_INIT, again = BUF_INIT;

	(void)state;
	assert_true(event_stix(&e, UINT64_MAX, a, &out));
	assert_valid(a, buf_slice(&out));
	for (size_t k = 0; k < COUNT_OF(parts); k++)
		assert_holds(buf_slice(&out), parts[k]);
	/* the same event gives the same ids */
	assert_true(event_stix(&e, UINT64_MAX, a, &again));
	assert_true(slice_equal(buf_slice(&out), buf_slice(&again)));
	buf_fini(&out);
	buf_fini(&again);
	arena_free(a);
}

/* Each role alone, and each pair: whatever is missing, what is left is valid. */
static void test_parts(void **state)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct event e = event_make(a, everything, COUNT_OF(everything));
	struct buf out = BUF_INIT;

	(void)state;
	for (unsigned x = 1; x < EVENT_ROLES; x++) {
		for (unsigned y = x; y < EVENT_ROLES; y += x % 3 + 1) {
			buf_clear(&out);
			assert_true(event_stix(&e, event_role_bit(x) | event_role_bit(y), a, &out));
			assert_valid(a, buf_slice(&out));
		}
	}
	/* minimisation: only what was asked for */
	buf_clear(&out);
	assert_true(event_stix(&e, event_role_bit(ROLE_QUERY), a, &out));
	assert_holds(buf_slice(&out), "evil.example");
	assert_true(slice_find_text(buf_slice(&out), SLICE("192.0.2.1")) == out.len);
	assert_true(slice_find_text(buf_slice(&out), SLICE("resolves")) == out.len);
	buf_fini(&out);
	arena_free(a);
}

static void test_left_out(void **state)
{
	static const struct pair bad[] = {
		{ROLE_SOURCE_ADDRESS,   "300.1.1.1"							 },
		{ROLE_SOURCE_ADDRESS,   "-"								 },
		{ROLE_QUERY,            "a..b"							      },
		{ROLE_QUERY,            "a b.example"						       },
		{ROLE_QUERY,            "."								 },
		{ROLE_QUERY,            ""								  },
		{ROLE_HOST,             "[zz]:80"							   },
		{ROLE_URL,              "/path"							     },
		{ROLE_EMAIL,            "nobody"							    },
		{ROLE_MAC,              "00:11"							     },
		{ROLE_MAC,              "00:11:22:33:44:5g"						 },
		{ROLE_ASN,              "ASxx"							      },
		{ROLE_FILE_HASH,        "abc"							       },
		{ROLE_FILE_HASH,        "zz1d8cd98f00b204e9800998ecf8427e"                                  },
		{ROLE_DESTINATION_PORT, "65536"							     },
		{ROLE_MIME,             "text/plain"							},
		{ROLE_CERTIFICATE_NAME, "*.x.example"						       },
		{ROLE_SNI,              "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcd.e"},
	};
	struct arena *a = arena_new(ARENA_BYTES);
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(event_said(ROLE_ADDRESS, SLICE("0.10.255.1"), &out), SAID_IPV4);
	assert_int_equal(event_said(ROLE_ADDRESS, SLICE("0.10.256.1"), &out), SAID_NOTHING);
	assert_int_equal(event_said(ROLE_ADDRESS, SLICE("0.010.25.1"), &out), SAID_NOTHING);
	assert_int_equal(event_said(ROLE_ADDRESS, SLICE("1.2.3.4."), &out), SAID_NOTHING);
	assert_int_equal(event_said(ROLE_ADDRESS, SLICE("1.2.3."), &out), SAID_NOTHING);
	assert_int_equal(event_said(ROLE_ADDRESS, SLICE("::ffff:1.2.3.4"), &out), SAID_IPV4);
	assert_true(slice_is(buf_slice(&out), "1.2.3.4"));
	for (size_t k = 0; k < COUNT_OF(bad); k++) {
		struct event e = event_make(a, &bad[k], 1);

		buf_clear(&out);
		assert_true(event_stix(&e, UINT64_MAX, a, &out));
		if (!slice_is(buf_slice(&out), "[]"))
			fail_msg("%s gave %.*s", bad[k].value, SLICE_ARG(buf_slice(&out)));
	}
	buf_fini(&out);
	arena_free(a);
}

/* Hostile text stays JSON. */
static void test_hostile(void **state)
{
	static const struct pair hostile[] = {
		{ROLE_USER,        "\xff\xfe\"\\\x01"        },
		{ROLE_FILE_NAME,   "\xef\xbf\xbf\xef\xb7\x90"},
		{ROLE_COMMAND,     "\xe2\x80\xae\xc3"        },
		{ROLE_PLANT_VALUE, "\xf0\x9f\xbf\xbe"        },
		{ROLE_USER_AGENT,  "\xc0\x80"                },
		{ROLE_HOST,        "a.example"               },
	};
	struct arena *a = arena_new(ARENA_BYTES);
	struct event e = event_make(a, hostile, COUNT_OF(hostile));
	struct buf out = BUF_INIT;

	(void)state;
	assert_true(event_stix(&e, UINT64_MAX, a, &out));
	assert_valid(a, buf_slice(&out));
	buf_fini(&out);
	arena_free(a);
}

static void test_several_files(void **state)
{
	static const struct pair files[] = {
		{ROLE_FILE_HASH, "d41d8cd98f00b204e9800998ecf8427e"},
		{ROLE_FILE_HASH, "e41d8cd98f00b204e9800998ecf8427e"},
		{ROLE_FILE_NAME, "one"                             },
		{ROLE_FILE_NAME, "two"                             },
	};
	struct arena *a = arena_new(ARENA_BYTES);
	struct event e = event_make(a, files, COUNT_OF(files));
	struct buf out = BUF_INIT;

	(void)state;
	assert_true(event_stix(&e, UINT64_MAX, a, &out));
	assert_valid(a, buf_slice(&out));
	assert_holds(buf_slice(&out),
		"\"hashes\":{\"MD5\":\"e41d8cd98f00b204e9800998ecf8427e\"},\"name\":\"one\"}");
	assert_holds(buf_slice(&out), "\"name\":\"two\"}");
	buf_fini(&out);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_several_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
