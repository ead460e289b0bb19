/* SPDX-License-Identifier: MPL-2.0 */
/* What people type and lists hold: refanging, and telling what a text is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "value.h"

static int setup(void **state)
{
	*state = arena_new(MIB(1));
	return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static const struct {
	const char *text;
	const char *refanged; /* NULL: stays as it is */
} fanged[] = {
	{"hxxps://evil[.]example/a",                      "https://evil.example/a"},
	{"hXXp://evil(.)example",                         "http://evil.example"   },
	{"HXXP://evil{.}example",                         "http://evil.example"   },
	{"h**p://evil.example",                           "http://evil.example"   },
	{"hxtps://evil.example",                          "https://evil.example"  },
	{"fxp://evil.example",                            "ftp://evil.example"    },
	{"f*ps://evil.example",                           "ftps://evil.example"   },
	{"hxxp[:]//evil[.]example",                       "http://evil.example"   },
	{"hxxps[://]evil[.]example[/]x",                  "https://evil.example/x"},
	{"http(:)//evil.example",                         "http://evil.example"   },
	{"evil[dot]example",			      "evil.example"          },
	{"evil(DOT)example",			      "evil.example"          },
	{"evil{dot}example",			      "evil.example"          },
	{"user[at]evil[dot]example",                      "user@evil.example"     },
	{"user(at)evil.example",                          "user@evil.example"     },
	{"user[@]evil[.]example",                         "user@evil.example"     },
	{"192[.]0[.]2[.]1",			       "192.0.2.1"             },
	{"192\\.0\\.2\\.1",			       "192.0.2.1"             },
	{"192.0.2[.1",				    "192.0.2.1"             },
	{"192.0.2.]1",				    "192.0.2.1"             },
	{"2001[:]db8[:][:]1",                             "2001:db8::1"           },
	{"see hxxp://a[.]example and hxxp://b[.]example",
         "see http://a.example and http://b.example"                              },
	{"b\xc3\xbc"
	 "cher[.]example",		       "b\xc3\xbc"
		"cher.example"                 },
 /* what must stay */
	{"https://evil.example/a",                        NULL                    },
	{"http://[2001:db8::1]/",                         NULL                    },
	{"[::1]",					 NULL                    },
	{"meet (at) noon",				NULL                    },
	{"a sentence [dot]",			      NULL                    },
	{"[.]",					   NULL		    },
	{"x[.] y",					NULL                    },
	{"C:\\.ssh",				      NULL                    },
	{"list [1]. next",				NULL                    },
	{"end of it.]",				   NULL                    },
	{"hxxp",					  NULL                    },
	{"hxxps",					 NULL                    },
	{"ahxxp://x",				     NULL                    },
	{"hxxpd",					 NULL                    },
	{"",					      NULL		    },
	{"{at}",					  NULL                    },
	{"dot at",					NULL                    },
};

static void test_refang(void **state)
{
	for (size_t k = 0; k < COUNT_OF(fanged); k++) {
		struct slice text = slice_of(fanged[k].text);
		struct slice got = stix_refang(text, *state);

		if (!slice_is(
			    got, fanged[k].refanged != NULL ? fanged[k].refanged : fanged[k].text))
			fail_msg("%s becomes %.*s", fanged[k].text, SLICE_ARG(got));
		/* unchanged text is handed back, not copied */
		if (fanged[k].refanged == NULL)
			assert_ptr_equal(got.data, text.data);
	}
	assert_true(slice_equal(stix_refang(SLICE("a\0[.]b"), *state), SLICE("a\0[.]b")));
	assert_true(slice_equal(stix_refang(SLICE("a\0b[.]c"), *state), SLICE("a\0b.c")));
}

#define NONE ((enum stix_value_kind)0)

static const struct {
	const char *typed;
	enum stix_value_kind kind;
	const char *text; /* NULL: as typed */
	const char *object_type;
	const char *property;
} guesses[] = {
	{"198.51.100.1",						     STIX_VALUE_ADDRESS, NULL,                    "ipv4-addr",         "value"  },
	{" 198.51.100.0/24\n",					       STIX_VALUE_ADDRESS, "198.51.100.0/24",       "ipv4-addr",         "value"  },
	{"198[.]51[.]100[.]1",					       STIX_VALUE_ADDRESS, "198.51.100.1",          "ipv4-addr",         "value"  },
	{"2001:db8::1",						      STIX_VALUE_ADDRESS, NULL,                    "ipv6-addr",         "value"  },
	{"[2001:db8::1]",						    STIX_VALUE_ADDRESS, "2001:db8::1",           "ipv6-addr",         "value"  },
	{"evil.example",						     STIX_VALUE_NAME,    NULL,                    "domain-name",       "value"  },
	{"*.evil.example",						   STIX_VALUE_NAME,    "evil.example",          "domain-name",       "value"  },
	{".evil.example",						    STIX_VALUE_NAME,    "evil.example",          "domain-name",       "value"  },
	{"evil.example.",						    STIX_VALUE_NAME,    "evil.example",          "domain-name",       "value"  },
	{"evil[.]xn--p1ai",						  STIX_VALUE_NAME,    "evil.xn--p1ai",         "domain-name",       "value"  },
	{"b\xc3\xbc"
	 "cher.example",					    STIX_VALUE_NAME,    NULL,                    "domain-name",       "value"  },
	{"archive.zip",						      STIX_VALUE_NAME,    NULL,                    "domain-name",       "value"  }, /* a top-level domain */
	{"hxxp://evil[.]example/x",					  STIX_VALUE_URL,     "http://evil.example/x", "url",               "value"  },
	{"evil.example/x",						   STIX_VALUE_URL,     NULL,                    "url",               "value"  },
	{"evil.example:8080/x",					      STIX_VALUE_URL,     NULL,                    "url",               "value"  },
	{"user@evil.example",						STIX_VALUE_EMAIL,   NULL,                    "email-addr",        "value"  },
	{"user[at]evil[.]example",					   STIX_VALUE_EMAIL,   "user@evil.example",     "email-addr",        "value"  },
	{"d41d8cd98f00b204e9800998ecf8427e",                                 STIX_VALUE_HASH,    NULL,                    "file",              "MD5"    },
	{"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",                         STIX_VALUE_HASH,    NULL,                    "file",              "SHA-1"  },
	{"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", STIX_VALUE_HASH,    NULL,
         "file",															       "SHA-256"},
	{"d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f",         STIX_VALUE_HASH,    NULL,                    "file",
         "SHA-224"																      },
	{"00:00:5e:00:53:01",						STIX_VALUE_MAC,     NULL,                    "mac-addr",          "value"  },
	{"AS64500",							  STIX_VALUE_ASN,     "64500",                 "autonomous-system", "number" },
	{"as4294967295",						     STIX_VALUE_ASN,     "4294967295",            "autonomous-system", "number" },
 /* none of these */
	{"",								 NONE,               NULL,                    NULL,                NULL     },
	{"word",							     NONE,               NULL,                    NULL,                NULL     },
	{"two words",							NONE,               NULL,                    NULL,                NULL     },
	{"evil.example next",						NONE,               NULL,                    NULL,                NULL     },
	{"invoice.exe",						      NONE,               NULL,                    NULL,                NULL     },
	{"readme.txt",						       NONE,               NULL,                    NULL,                NULL     },
	{"C:\\x.dll",							NONE,               NULL,                    NULL,                NULL     },
	{"1.5",							      NONE,               NULL,                    NULL,                NULL     },
	{"1.2.3",							    NONE,               NULL,                    NULL,                NULL     },
	{"300.1.1.1",							NONE,               NULL,                    NULL,                NULL     },
	{"v1.x",							     NONE,               NULL,                    NULL,                NULL     },
	{"a.b-c",							    NONE,               NULL,                    NULL,                NULL     },
	{"user@host",							NONE,               NULL,                    NULL,                NULL     },
	{"@evil.example",						    NONE,               NULL,                    NULL,                NULL     },
	{"00005e005301",						     NONE,               NULL,                    NULL,                NULL     },
	{"12:34:56",							 NONE,               NULL,                    NULL,                NULL     },
	{"AS",							       NONE,               NULL,                    NULL,                NULL     },
	{"AS4294967296",						     NONE,               NULL,                    NULL,                NULL     },
	{"d41d8cd98f00b204e9800998ecf8427",                                  NONE,               NULL,                    NULL,                NULL     },
	{"g41d8cd98f00b204e9800998ecf8427e",                                 NONE,               NULL,                    NULL,                NULL     },
	{"/etc/passwd",						      NONE,               NULL,                    NULL,                NULL     },
	{"a/b",							      NONE,               NULL,                    NULL,                NULL     },
	{"http://",							  NONE,               NULL,                    NULL,                NULL     },
};

static void test_guess(void **state)
{
	for (size_t k = 0; k < COUNT_OF(guesses); k++) {
		struct stix_value v = {0};
		struct slice key;
		bool found = stix_value_guess(slice_of(guesses[k].typed), *state, &v);

		if (found != (guesses[k].kind != NONE) || v.kind != guesses[k].kind)
			fail_msg("\"%s\" is taken for kind %d", guesses[k].typed, (int)v.kind);
		if (!found)
			continue;
		assert_true(slice_is(
			v.text, guesses[k].text != NULL ? guesses[k].text : guesses[k].typed));
		assert_true(slice_is(v.object_type, guesses[k].object_type));
		assert_true(slice_is(v.property, guesses[k].property));
		/* the key is that of the text */
		assert_true(stix_value_key(v.kind, v.text, *state, &key));
		assert_true(slice_equal(key, v.key));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_refang), TEST(test_guess)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
