/* SPDX-License-Identifier: MPL-2.0 */
/* Keys of values: equal values have equal keys, and what is no value of a kind is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "value.h"

static int setup(void **state)
{
	*state = arena_new(MIB(4));
	return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

/* ---- addresses ------------------------------------------------------------------------------ */

/* The range in hex, without the "::ffff:" of IPv4. */
static const struct {
	const char *text;
	const char *first;
	const char *last;
} addresses[] = {
	{"198.51.100.1",			    "c6336401",                         "c6336401"                        },
	{"0.0.0.0",				 "00000000",                         "00000000"                        },
	{"255.255.255.255",                         "ffffffff",                         "ffffffff"                        },
	{"198.51.100.0/24",                         "c6336400",                         "c63364ff"                        },
	{"198.51.100.77/24",                        "c6336400",                         "c63364ff"                        }, /* section 9.8 writes host bits */
	{"198.51.100.1/32",                         "c6336401",                         "c6336401"                        },
	{"198.51.100.1/31",                         "c6336400",                         "c6336401"                        },
	{"198.51.100.1/0",                          "00000000",                         "ffffffff"                        },
	{"198.51.100.1/13",                         "c6300000",                         "c637ffff"                        },
	{"::",				      "00000000000000000000000000000000", "00000000000000000000000000000000"},
	{"::1",				     "00000000000000000000000000000001", "00000000000000000000000000000001"},
	{"1::",				     "00010000000000000000000000000000", "00010000000000000000000000000000"},
	{"2001:DB8::a",			     "20010db800000000000000000000000a", "20010db800000000000000000000000a"},
	{"2001:0db8:0000:0000:0000:0000:0000:000a", "20010db800000000000000000000000a",
         "20010db800000000000000000000000a"									       },
	{"1:2:3:4:5:6:7:8",                         "00010002000300040005000600070008", "00010002000300040005000600070008"},
	{"1:2:3:4:5:6:7::",                         "00010002000300040005000600070000", "00010002000300040005000600070000"},
	{"::2:3:4:5:6:7:8",                         "00000002000300040005000600070008", "00000002000300040005000600070008"},
	{"1:2:3:4:5:6:9.8.7.6",                     "00010002000300040005000609080706",
         "00010002000300040005000609080706"									       },
	{"64:ff9b::192.0.2.33",                     "0064ff9b0000000000000000c0000221",
         "0064ff9b0000000000000000c0000221"									       },
	{"2001:db8::/32",			   "20010db8000000000000000000000000", "20010db8ffffffffffffffffffffffff"},
	{"2001:db8::5/127",                         "20010db8000000000000000000000004", "20010db8000000000000000000000005"},
	{"::/0",				    "00000000000000000000000000000000", "ffffffffffffffffffffffffffffffff"},
};

static const char *const no_addresses[] = {"", ".", "1", "1.2.3", "1.2.3.4.5", "1.2.3.4.",
	".1.2.3.4", "1..2.3", "256.1.1.1", "1.2.3.256", "01.2.3.4", "1.2.3.04", "1.2.3.4 ",
	" 1.2.3.4", "1.2.3.0x4", "0x7f.1", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/08", "1.2.3.4/-1",
	"1.2.3.4/8/8", "1.2.3.4/8 ", "1.2.3.4/255.0.0.0", "1.2.3.-4", "1.2.3.1000", ":",
	":::", "1:", ":1", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
	"1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1::2::3", "1:::2", "12345::", "g::", "::1%eth0",
	"[::1]", "::1/129", "::1/012", "1.2.3.4::", "::1.2.3", "::1.2.3.256",
	"1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4:5", "::-1",
	"1:2:3:4:5:6:7:", "0000:0000:0000:0000:0000:0000:0000:00000"};

static void test_addresses(void **state)
{
	uint8_t first[16], last[16];
	struct slice key;

	for (size_t k = 0; k < COUNT_OF(addresses); k++) {
		size_t bytes = strlen(addresses[k].first) / 2;

		memset(first, 0, sizeof(first));
		first[10] = first[11] = 0xff;
		memcpy(last, first, sizeof(last));
		assert_true(hex_decode(slice_of(addresses[k].first), first + 16 - bytes, bytes));
		assert_true(hex_decode(slice_of(addresses[k].last), last + 16 - bytes, bytes));
		if (!stix_value_key(STIX_VALUE_ADDRESS, slice_of(addresses[k].text), *state, &key))
			fail_msg("%s", addresses[k].text);
		assert_int_equal(key.len, 32);
		assert_memory_equal(key.data, first, 16);
		assert_memory_equal(key.data + 16, last, 16);
	}
	for (size_t k = 0; k < COUNT_OF(no_addresses); k++) {
		if (stix_value_key(STIX_VALUE_ADDRESS, slice_of(no_addresses[k]), *state, &key))
			fail_msg("accepted: %s", no_addresses[k]);
	}
}

/* An IPv4 address written as IPv6 is the same address. */
static void test_mapped(void **state)
{
	struct slice four, six;

	assert_true(stix_value_key(STIX_VALUE_ADDRESS, SLICE("192.0.2.0/24"), *state, &four));
	assert_true(
		stix_value_key(STIX_VALUE_ADDRESS, SLICE("::ffff:192.0.2.1/120"), *state, &six));
	assert_true(slice_equal(four, six));
	assert_true(stix_value_key(STIX_VALUE_ADDRESS, SLICE("::FFFF:c000:2ff/120"), *state, &six));
	assert_true(slice_equal(four, six));
}

/* ---- the other kinds, whose keys can be read ------------------------------------------------ */

#define A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A63 A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	enum stix_value_kind kind;
	const char *text;
	const char *key; /* NULL: refused */
} keys[] = {
	{STIX_VALUE_NAME,  "a.evil.com",                 "com.evil.a."                          },
	{STIX_VALUE_NAME,  "A.EVIL.Com.",                "com.evil.a."                          },
	{STIX_VALUE_NAME,  "com",                        "com."                                 },
	{STIX_VALUE_NAME,  "_dmarc.x-y.example",         "example.x-y._dmarc."                  },
	{STIX_VALUE_NAME,  "*.evil.com",                 "com.evil.*."                          },
	{STIX_VALUE_NAME,  "1.2.3.example",              "example.3.2.1."                       },
	{STIX_VALUE_NAME,
         "b\xc3\xbc"
		"cher.example",			  "example.xn--bcher-kva."               },
	{STIX_VALUE_NAME,
         "B\xc3\x9c"
		"CHER.example",			  "example.xn--bcher-kva."               },
	{STIX_VALUE_NAME,
         "bu\xcc\x88"
		"cher.example",			  "example.xn--bcher-kva."               }, /* NFC */
	{STIX_VALUE_NAME,  "XN--BCHER-KVA.example",      "example.xn--bcher-kva."               },
	{STIX_VALUE_NAME,  "fa\xc3\x9f.de",              "de.xn--fa-hia."                       }, /* IDNA 2008, not 2003 */
	{STIX_VALUE_NAME,
         "example\xe3\x80\x82"
		"com",				   "com.example."                         }, /* ideographic full stop */
	{STIX_VALUE_NAME,  "i\xe2\x9d\xa4.ws",           "ws.xn--i-7iq."                        }, /* emoji, as registries sold them */
	{STIX_VALUE_NAME,  A63 ".com",                   "com." A63 "."                         },
	{STIX_VALUE_NAME,  A63 "a.com",                  NULL                                   },
	{STIX_VALUE_NAME,  "",                           NULL				   },
	{STIX_VALUE_NAME,  ".",                          NULL				   },
	{STIX_VALUE_NAME,  "..",                         NULL                                   },
	{STIX_VALUE_NAME,  ".com",                       NULL                                   },
	{STIX_VALUE_NAME,  "a..com",                     NULL                                   },
	{STIX_VALUE_NAME,  "a.com..",                    NULL                                   },
	{STIX_VALUE_NAME,  "a b.com",                    NULL                                   },
	{STIX_VALUE_NAME,  "a/b.com",                    NULL                                   },
	{STIX_VALUE_NAME,  "a*.com",                     NULL                                   },
	{STIX_VALUE_NAME,  "a.*.com",                    NULL                                   },
	{STIX_VALUE_NAME,  "*",                          NULL				   },
	{STIX_VALUE_NAME,  "1.2.3.4",                    NULL                                   },
	{STIX_VALUE_NAME,  "x.123",                      NULL                                   },
	{STIX_VALUE_NAME,  "\xc3\xbc..de",               NULL                                   },
	{STIX_VALUE_NAME,  "-\xc3\xbc.de",               NULL                                   },
	{STIX_VALUE_NAME,  "\xff.de",                    NULL                                   },

	{STIX_VALUE_EMAIL, "User.Name+x@Evil.Com",       "com.evil.@User.Name+x"                },
	{STIX_VALUE_EMAIL, "a@b@evil.com",               "com.evil.@a@b"                        },
	{STIX_VALUE_EMAIL,
         "j\xc3\xb6rg@b\xc3\xbc"
		"cher.example",			  "example.xn--bcher-kva.@j\xc3\xb6rg"   },
	{STIX_VALUE_EMAIL, "@evil.com",                  NULL                                   },
	{STIX_VALUE_EMAIL, "user",                       NULL                                   },
	{STIX_VALUE_EMAIL, "user@",                      NULL                                   },
	{STIX_VALUE_EMAIL, "us er@evil.com",             NULL                                   },
	{STIX_VALUE_EMAIL, "User <user@evil.com>",       NULL                                   },
	{STIX_VALUE_EMAIL, "us\ter@evil.com",            NULL                                   },
	{STIX_VALUE_EMAIL, "user@[192.0.2.1]",           NULL                                   },
	{STIX_VALUE_EMAIL, "",                           NULL				   },

	{STIX_VALUE_URL,   "http://evil.com",            "http://evil.com/"                     },
	{STIX_VALUE_URL,   "HTTP://EVIL.com:80/A?B#c",   "http://evil.com/A?B"                  },
	{STIX_VALUE_URL,   "https://evil.com:443",       "https://evil.com/"                    },
	{STIX_VALUE_URL,   "https://evil.com:80/",       "https://evil.com:80/"                 },
	{STIX_VALUE_URL,   "https://evil.com:0443/",     "https://evil.com/"                    },
	{STIX_VALUE_URL,   "http://evil.com:/x",         "http://evil.com/x"                    },
	{STIX_VALUE_URL,   "http://evil.com?q=1",        "http://evil.com/?q=1"                 },
	{STIX_VALUE_URL,   "http://evil.com#x",          "http://evil.com/"                     },
	{STIX_VALUE_URL,   "http://evil.com./x",         "http://evil.com/x"                    },
	{STIX_VALUE_URL,   "http://U:P@evil.com/",       "http://U:P@evil.com/"                 },
	{STIX_VALUE_URL,   "http://a@b@EVIL.com:8080/",  "http://a@b@evil.com:8080/"            },
	{STIX_VALUE_URL,   "http://192.0.2.1:80/%7Ex",   "http://192.0.2.1/%7Ex"                },
	{STIX_VALUE_URL,   "http://[2001:DB8::1]:80/",   "http://[2001:db8:0:0:0:0:0:1]/"       },
	{STIX_VALUE_URL,   "http://[2001:db8:0::0001]/", "http://[2001:db8:0:0:0:0:0:1]/"       },
	{STIX_VALUE_URL,
         "http://b\xc3\xbc"
		"cher.example/\xc3\xbc",		 "http://xn--bcher-kva.example/\xc3\xbc"},
	{STIX_VALUE_URL,   "ftp://evil.com:21/",         "ftp://evil.com/"                      },
	{STIX_VALUE_URL,   "gopher://evil.com:70/",      "gopher://evil.com:70/"                },
	{STIX_VALUE_URL,   "file:///C:/x",               "file:///C:/x"                         },
	{STIX_VALUE_URL,   "MAILTO:User@evil.com",       "mailto:User@evil.com"                 },
	{STIX_VALUE_URL,   "evil.com/X",                 "evil.com/X"                           },
	{STIX_VALUE_URL,   "EVIL.com:8080/X",            "evil.com:8080/X"                      },
	{STIX_VALUE_URL,   "EVIL.com?x",                 "evil.com/?x"                          },
	{STIX_VALUE_URL,   "http://localhost/a b",       "http://localhost/a b"                 },
	{STIX_VALUE_URL,   "",                           NULL				   },
	{STIX_VALUE_URL,   "http://",                    NULL                                   },
	{STIX_VALUE_URL,   "http:///x",                  "http:///x"                            },
	{STIX_VALUE_URL,   "http://?x",                  NULL                                   },
	{STIX_VALUE_URL,   "http://evil.com:65536/",     NULL                                   },
	{STIX_VALUE_URL,   "http://evil.com:80x/",       NULL                                   },
	{STIX_VALUE_URL,   "http://ev il.com/",          NULL                                   },
	{STIX_VALUE_URL,   "http://[::1/",               NULL                                   },
	{STIX_VALUE_URL,   "http://[1.2.3.4]/",          NULL                                   },
	{STIX_VALUE_URL,   "http://1.2.3/",              NULL                                   },
	{STIX_VALUE_URL,   "http://evil.com/\n",         NULL                                   },
	{STIX_VALUE_URL,   "evil.com",                   NULL                                   },
	{STIX_VALUE_URL,   "/x",                         NULL				   },

	{STIX_VALUE_HASH,  "616263",                     "abc"                                  },
	{STIX_VALUE_HASH,  "6D6E",                       "mn"                                   },
	{STIX_VALUE_HASH,  "616",                        "616"                                  },
	{STIX_VALUE_HASH,  "3:ab:cd",                    "3:ab:cd"                              },
	{STIX_VALUE_HASH,  "",                           NULL				   },

	{STIX_VALUE_ASN,   "1633771873",                 "aaaa"                                 },
	{STIX_VALUE_ASN,   "AS1633771873",               "aaaa"                                 },
	{STIX_VALUE_ASN,   "as1633771873",               "aaaa"                                 },
	{STIX_VALUE_ASN,   "4294967295",                 "\xff\xff\xff\xff"                     },
	{STIX_VALUE_ASN,   "4294967296",                 NULL                                   },
	{STIX_VALUE_ASN,   "-1",                         NULL				   },
	{STIX_VALUE_ASN,   "AS",                         NULL				   },
	{STIX_VALUE_ASN,   "",                           NULL				   },

	{STIX_VALUE_MAC,   "61:62:63:64:65:6A",          "abcdej"                               },
	{STIX_VALUE_MAC,   "61-62-63-64-65-6a",          "abcdej"                               },
	{STIX_VALUE_MAC,   "6162.6364.656a",             "abcdej"                               },
	{STIX_VALUE_MAC,   "61626364656a",               "abcdej"                               },
	{STIX_VALUE_MAC,   "61:62-63:64:65:6a",          NULL                                   },
	{STIX_VALUE_MAC,   "61:62:63:64:65",             NULL                                   },
	{STIX_VALUE_MAC,   "61:62:63:64:65:6g",          NULL                                   },
	{STIX_VALUE_MAC,   "616263.64656a.",             NULL                                   },
	{STIX_VALUE_MAC,   "61626364656:",               NULL                                   },
	{STIX_VALUE_MAC,   "",                           NULL				   },

	{STIX_VALUE_TEXT,  " C:\\x ",                    " C:\\x "                              },
	{STIX_VALUE_TEXT,  "",                           NULL				   },
};

static void test_keys(void **state)
{
	for (size_t k = 0; k < COUNT_OF(keys); k++) {
		struct slice key = SLICE("untouched");
		bool good = stix_value_key(keys[k].kind, slice_of(keys[k].text), *state, &key);

		if (good != (keys[k].key != NULL))
			fail_msg("%s \"%s\"", stix_value_kind_name(keys[k].kind), keys[k].text);
		if (!slice_is(key, good ? keys[k].key : "untouched"))
			fail_msg("%s \"%s\" has key \"%.*s\"", stix_value_kind_name(keys[k].kind),
				keys[k].text, SLICE_ARG(key));
	}
}

/* A NUL inside is no end. */
static void test_nul(void **state)
{
	struct slice key;

	assert_false(stix_value_key(STIX_VALUE_NAME, SLICE("evil.com\0.good.com"), *state, &key));
	assert_false(
		stix_value_key(STIX_VALUE_NAME, SLICE("\xc3\xbc.com\0.good.com"), *state, &key));
	assert_false(stix_value_key(STIX_VALUE_URL, SLICE("http://evil.com/\0"), *state, &key));
	assert_false(stix_value_key(STIX_VALUE_ADDRESS, SLICE("1.2.3.4\0"), *state, &key));
	assert_true(stix_value_key(STIX_VALUE_TEXT, SLICE("a\0b"), *state, &key));
	assert_int_equal(key.len, 3);
}

/* 253 bytes is the longest name there is. */
static void test_longest_name(void **state)
{
	struct slice key;
	char name[300];

	for (size_t len = 253; len <= 254; len++) {
		memset(name, 'a', sizeof(name));
		name[63] = name[127] = name[191] = '.';
		assert_int_equal(
			stix_value_key(STIX_VALUE_NAME, (struct slice){name, len}, *state, &key),
			len == 253);
	}
	assert_int_equal(key.len, 254);
}

/* Names before IDNA are bounded too. */
static void test_long_unicode_name(void **state)
{
	struct buf name = BUF_INIT;
	struct slice key;

	while (name.len < 2000)
		buf_text(&name, "\xc3\xbc.");
	assert_false(stix_value_key(STIX_VALUE_NAME, buf_slice(&name), *state, &key));
	buf_fini(&name);
}

static void test_long_keys(void **state)
{
	uint8_t digest[SHA256_LEN];
	struct buf text = BUF_INIT;
	struct slice key, other;

	while (text.len < STIX_VALUE_KEY_MAX)
		buf_char(&text, 'x');
	assert_true(stix_value_key(STIX_VALUE_TEXT, buf_slice(&text), *state, &key));
	assert_true(slice_equal(key, buf_slice(&text)));
	buf_char(&text, 'x');
	assert_true(stix_value_key(STIX_VALUE_TEXT, buf_slice(&text), *state, &key));
	assert_int_equal(key.len, STIX_VALUE_KEY_MAX);
	hash_sha256(buf_slice(&text), digest);
	assert_memory_equal(key.data + STIX_VALUE_KEY_MAX - SHA256_LEN, digest, SHA256_LEN);
	assert_memory_equal(key.data, text.data, STIX_VALUE_KEY_MAX - SHA256_LEN);
	text.data[text.len - 1] = 'y';
	assert_true(stix_value_key(STIX_VALUE_TEXT, buf_slice(&text), *state, &other));
	assert_false(slice_equal(key, other));
	buf_fini(&text);
}

static void test_kind_names(void **state)
{
	enum stix_value_kind kind;

	(void)state;
	for (int k = STIX_VALUE_ADDRESS; k <= STIX_VALUE_TEXT; k++) {
		assert_true(stix_value_kind_parse(
			slice_of(stix_value_kind_name((enum stix_value_kind)k)), &kind));
		assert_int_equal(kind, k);
	}
	assert_false(stix_value_kind_parse(SLICE("Address"), &kind));
	assert_false(stix_value_kind_parse(SLICE(""), &kind));
}

static void test_no_memory(void **state)
{
	struct arena *none = arena_new(0);
	struct slice key;

	(void)state;
	assert_non_null(none);
	assert_int_equal(
		value_key(STIX_VALUE_ADDRESS, SLICE("192.0.2.1"), none, &key), VALUE_NO_MEMORY);
	assert_int_equal(
		value_key(STIX_VALUE_NAME, SLICE("evil.com"), none, &key), VALUE_NO_MEMORY);
	assert_int_equal(
		value_key(STIX_VALUE_URL, SLICE("http://evil.com"), none, &key), VALUE_NO_MEMORY);
	assert_int_equal(
		value_key(STIX_VALUE_EMAIL, SLICE("a@evil.com"), none, &key), VALUE_NO_MEMORY);
	assert_int_equal(value_key(STIX_VALUE_HASH, SLICE("abcd"), none, &key), VALUE_NO_MEMORY);
	arena_free(none);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_addresses),
		TEST(test_mapped),
		TEST(test_keys),
		TEST(test_nul),
		TEST(test_longest_name),
		TEST(test_long_unicode_name),
		TEST(test_long_keys),
		TEST(test_kind_names),
		TEST(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
