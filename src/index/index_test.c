/* SPDX-License-Identifier: MPL-2.0 */
/* What is found and what is not: every kind, and the spellings that real logs and feeds have. */
#include "index_testing.h"

/* ---- one indicator, one field -------------------------------------------------------------- */

#define A FIELD_ADDRESS
#define N FIELD_NAME
#define U FIELD_URL
#define M FIELD_EMAIL
#define F FIELD_FREE
#define O FIELD_HOST

static const struct {
	enum field_kind kind; /* of the indicator */
	const char *indicator;
	enum field_kind field_kind;
	const char *field;
	const char *hit; /* "how value"; NULL: none */
} cases[] = {
  /* names: equal but for case and the final dot; parents on label boundaries only */
	{N,		 "evil.com",				      N,                 "evil.com",                                  "exact evil.com"                                                   },
	{N,		 "Evil.COM.",				     N,                 "eVIL.com",                                  "exact eVIL.com"                                                   },
	{N,		 "evil.com",				      N,                 "evil.com.",                                 "exact evil.com"                                                   },
	{N,		 "evil.com",				      N,                 "a.b.evil.com",                              "parent a.b.evil.com"                                              },
	{N,		 "evil.com",				      N,                 "A.EVIL.COM.",                               "parent A.EVIL.COM"                                                },
	{N,		 "*.evil.com",				    N,                 "x.evil.com",                                "parent x.evil.com"                                                },
	{N,		 ".evil.com",				     N,                 "evil.com",                                  "exact evil.com"                                                   },
	{N,		 "evil.com",				      N,                 "*.evil.com",                                "parent *.evil.com"                                                },
	{N,		 "evil.com",				      N,                 "_dmarc.evil.com",                           "parent _dmarc.evil.com"                                           },
	{N,		 "evil.com",				      N,                 "foo bar.evil.com",                          "parent foo bar.evil.com"                                          },
	{N,		 "higan.org",				     N,                 "michigan.org",                              NULL							       },
	{N,		 "evil.com",				      N,                 "notevil.com",                               NULL							       },
	{N,		 "evil.com",				      N,                 "evil.com.example",                          NULL							       },
	{N,		 "evil.com",				      N,                 "com",				       NULL							       },
	{N,		 "evil.com",				      N,                 "-",					 NULL							       },
	{N,		 "evil.com",				      N,                 "(empty)",                                   NULL							       },
	{N,		 "evil.com",				      N,                 "",					  NULL							       },
	{N,		 "evil.com",				      N,                 ".",					 NULL							       },
	{N,		 "evil.com",				      N,                 "..",					NULL							       },
	{N,		 "a.evil.com",				    N,                 "evil.com",                                  NULL							       },
	{N,		 "a.evil.com",				    N,                 "b.evil.com",                                NULL							       },
	{N,		 "a.evil.com",				    N,                 "b.a.evil.com",                              "parent b.a.evil.com"                                              },
	{N,
         "b\xc3\xbc"
		"cher.example",					      N,                 "www.xn--bcher-kva.example",                 "parent www.xn--bcher-kva.example"                                 },
	{N,		 "xn--bcher-kva.example",                         N,
         "B\xc3\x9c"
		"CHER.example",													      "exact B\xc3\x9c"
		"CHER.example"																		   },
	{N,		 "xn--bcher-kva.example",                         N,
         "a.b\xc3\xbc"
		"cher\xe3\x80\x82"
		"example",														   "parent a.b\xc3\xbc"
		"cher\xe3\x80\x82"
		"example"																			     },
	{N,		 "evil.com",				      N,                 "\xff\xfe.evil.com",                         "parent \xff\xfe.evil.com"                                         },
	{N,		 "averyveryverylongregistereddomainname.example", N,
         "a.averyveryverylongregistereddomainname.example",										  "parent a.averyveryverylongregistereddomainname.example"           },
	{N,		 "averyveryverylongregistereddomainname.example", N,
         "xveryveryverylongregistereddomainname.example",										    NULL                                                               },
 /* addresses */
	{A,		 "198.51.100.7",				  A,                 "198.51.100.7",                              "exact 198.51.100.7"                                               },
	{A,		 "198.51.100.7",				  A,                 "198.51.100.77",                             NULL							       },
	{A,		 "198.51.100.7",				  A,                 "1198.51.100.7",                             NULL							       },
	{A,		 "198.51.100.7",				  A,                 "::ffff:198.51.100.7",                       "exact ::ffff:198.51.100.7"                                        },
	{A,		 "::ffff:198.51.100.7",                           A,                 "198.51.100.7",                              "exact 198.51.100.7"                                               },
	{A,		 "198.51.100.7",				  A,                 "198.51.100.07",                             NULL							       },
	{A,		 "198.51.100.7",				  A,                 "198.51.100.",                               NULL							       },
	{A,		 "198.51.100.7",				  A,                 "-",					 NULL							       },
	{A,		 "198.51.100.7/32",			       A,                 "198.51.100.7",                              "exact 198.51.100.7"                                               },
	{A,		 "198.51.100.0/24",			       A,                 "198.51.100.255",                            "network 198.51.100.255"                                           },
	{A,		 "198.51.100.0/24",			       A,                 "198.51.101.0",                              NULL							       },
	{A,		 "198.51.100.0/31",			       A,                 "198.51.100.2",                              NULL							       },
	{A,		 "128.0.0.0/1",				   A,                 "255.255.255.255",                           "network 255.255.255.255"                                          },
	{A,		 "128.0.0.0/1",				   A,                 "127.255.255.255",                           NULL							       },
	{A,		 "198.51.100.9/24",			       A,                 "198.51.100.1",                              "network 198.51.100.1"                                             },
	{A,		 "::ffff:198.51.100.0/120",                       A,                 "198.51.100.1",                              "network 198.51.100.1"                                             },
	{A,		 "2001:DB8::1",				   A,                 "2001:db8:0:0::0001",                        "exact 2001:db8:0:0::0001"                                         },
	{A,		 "fe80::1",				       A,                 "fe80::1%eth0",                              "exact fe80::1%eth0"                                               },
	{A,		 "2001:db8::/32",				 A,                 "2001:db8:ffff::1",                          "network 2001:db8:ffff::1"                                         },
	{A,		 "2001:db8::/32",				 A,                 "2001:db9::1",                               NULL							       },
	{A,		 "2001::/16",				     A,                 "2001:db8::1",                               "network 2001:db8::1"                                              },
	{A,		 "::/8",					  A,                 "10.0.0.1",                                  NULL							       }, /* no IPv4 address is inside IPv6's */
	{A,		 "2001:db8::/127",				A,                 "2001:db8::1",                               "network 2001:db8::1"                                              },
	{A,		 "2001:db8::/127",				A,                 "2001:db8::2",                               NULL							       },
 /* hosts */
	{N,		 "evil.com",				      O,                 "evil.com:443",                              "exact evil.com"                                                   },
	{N,		 "evil.com",				      O,                 "www.evil.com",                              "parent www.evil.com"                                              },
	{A,		 "198.51.100.7",				  O,                 "198.51.100.7:80",                           "exact 198.51.100.7"                                               },
	{A,		 "198.51.100.7",				  O,                 "198.51.100.7",                              "exact 198.51.100.7"                                               },
	{A,		 "::1",					   O,                 "[::1]:80",				  "exact ::1"							},
	{A,		 "::1",					   O,                 "[::1]",				     "exact ::1"							},
	{A,		 "::1",					   O,                 "::1",				       "exact ::1"							},
	{N,		 "evil.com",				      O,                 "evil.com:x",                                NULL							       },
	{N,		 "evil.com",				      O,                 ":443",				      NULL							       },
	{N,		 "evil.com",				      O,                 "[evil.com",                                 NULL							       },
 /* URLs: scheme, userinfo, default port, host's case, fragment do not count */
	{U,		 "http://evil.com/a.php",                         U,                 "evil.com/a.php",                            "exact evil.com/a.php"                                             },
	{U,		 "http://evil.com/a.php",                         U,                 "https://evil.com/a.php",                    "exact https://evil.com/a.php"                                     },
	{U,		 "evil.com/a.php",				U,                 "HTTP://EVIL.com:80/a.php",                  "exact HTTP://EVIL.com:80/a.php"                                   },
	{U,		 "https://evil.com:443/a.php",                    U,                 "evil.com:443/a.php",                        "exact evil.com:443/a.php"                                         },
	{U,		 "http://evil.com/a.php",                         U,                 "http://u:p@evil.com/a.php#x",
         "exact http://u:p@evil.com/a.php#x"																				    },
	{U,		 "http://evil.com:8080/a.php",                    U,                 "evil.com:8080/a.php",                       "exact evil.com:8080/a.php"                                        },
	{U,		 "http://evil.com:8080/a.php",                    U,                 "evil.com/a.php",                            NULL                                                               },
	{U,		 "http://evil.com/a.php",                         U,                 "evil.com/A.php",                            NULL							       },
	{U,		 "http://evil.com/a.php",                         U,                 "evil.com/a.phpx",                           NULL							       },
	{U,		 "http://evil.com/a.php",                         U,                 "evil.com/a.php/x",                          NULL                                                               },
	{U,		 "http://evil.com/a.php",                         U,                 "evil.com/a.php?id=1",                       "prefix evil.com/a.php?id=1"                                       },
	{U,		 "http://evil.com/a.php?id=1",                    U,                 "evil.com/a.php",                            NULL                                                               },
	{U,		 "http://evil.com/a.php?id=1",                    U,                 "evil.com/a.php?id=1",                       "exact evil.com/a.php?id=1"                                        },
	{U,		 "http://evil.com/a.php?id=1",                    U,                 "evil.com/a.php?id=11",                      NULL                                                               },
	{U,		 "http://evil.com/a/",                            U,                 "evil.com/a/b/c",                            "prefix evil.com/a/b/c"                                            },
	{U,		 "http://evil.com/a/",                            U,                 "evil.com/a",                                NULL							       },
	{U,		 "http://evil.com/a",                             U,                 "evil.com/a/b",                              "prefix evil.com/a/b"                                              },
	{U,		 "http://evil.com/a",                             U,                 "evil.com/ab",                               NULL							       },
	{U,		 "http://evil.com/a?x=/b/",                       U,                 "evil.com/a?x=/b/c",                         NULL                                                               },
	{U,		 "http://evil.com",			       U,                 "evil.com/",                                 "exact evil.com/"                                                  },
	{U,		 "http://evil.com",			       U,                 "http://evil.com",                           "exact http://evil.com"                                            },
	{U,		 "http://evil.com",			       U,                 "http://evil.com/x?y#z",                     "prefix http://evil.com/x?y#z"                                     },
	{U,		 "http://evil.com",			       U,                 "http://www.evil.com/x",                     NULL							       },
	{U,		 "http://198.51.100.7/x.sh",                      U,                 "198.51.100.7/x.sh",                         "exact 198.51.100.7/x.sh"                                          },
	{U,		 "http://[2001:DB8::0]:81/x",                     U,                 "http://[2001:db8::]:81/x",
         "exact http://[2001:db8::]:81/x"																				       },
	{N,		 "evil.com",				      U,                 "http://a.evil.com:81/x",                    "parent a.evil.com"                                                },
	{N,		 "evil.com",				      U,                 "a.evil.com/x",                              "parent a.evil.com"                                                },
	{N,		 "evil.com",				      U,                 "http://good.com/evil.com",                  NULL							       },
	{N,		 "evil.com",				      U,                 "/evil.com",                                 NULL							       },
	{N,		 "evil.com",				      U,                 "http://evil.com@good.com/",                 NULL							       },
	{N,		 "good.com",				      U,                 "http://evil.com@good.com/",                 "exact good.com"                                                   },
	{A,		 "198.51.100.0/24",			       U,                 "http://198.51.100.3/",                      "network 198.51.100.3"                                             },
 /* e-mails */
	{M,		 "Bad@Evil.com",				  M,                 "bad@evil.COM",                              "exact bad@evil.COM"                                               },
	{M,		 "bad@evil.com",				  M,                 "\"A, B\" <bad@evil.com>",                   "exact bad@evil.com"                                               },
	{M,		 "bad@evil.com",				  M,                 "x@good.com, bad@evil.com",                  "exact bad@evil.com"                                               },
	{M,		 "bad@evil.com",				  M,                 "notbad@evil.com",                           NULL							       },
	{M,		 "bad@evil.com",				  M,                 "bad@mail.evil.com",                         NULL							       },
	{N,		 "evil.com",				      M,                 "<bad@mail.evil.com>",                       "parent mail.evil.com"                                             },
	{N,		 "evil.com",				      M,                 "evil.com",                                  NULL							       },
 /* digests and fingerprints */
	{FIELD_HASH,        "D41D8CD98F00B204E9800998ECF8427E",              FIELD_HASH,
         "d41d8cd98f00b204e9800998ecf8427e",												 "exact d41d8cd98f00b204e9800998ecf8427e"                           },
	{FIELD_HASH,        "d41d8cd98f00b204e9800998ecf8427e",              FIELD_HASH,
         "SHA1=da39a3ee5e6b4b0d3255bfef95601890afd80709,MD5="
		"D41D8CD98F00B204E9800998ECF8427E",											  "exact D41D8CD98F00B204E9800998ECF8427E"                           },
	{FIELD_HASH,        "d41d8cd98f00b204e9800998ecf8427e",              FIELD_HASH,
         "d41d8cd98f00b204e9800998ecf8427f",												 NULL							       },
	{FIELD_HASH,        "d41d8cd98f00b204e9800998ecf8427e",              FIELD_JA3,
         "d41d8cd98f00b204e9800998ecf8427e",												 NULL							       },
	{FIELD_CERTIFICATE, "da39a3ee5e6b4b0d3255bfef95601890afd80709",      FIELD_CERTIFICATE,
         "da:39:a3:ee:5e:6b:4b:0d:32:55:bf:ef:95:60:18:90:af:d8:07:09",								      "exact da:39:a3:ee:5e:6b:4b:0d:32:55:bf:ef:95:60:18:90:af:d8:07:09"},
	{FIELD_JA3,         "D41D8CD98F00B204E9800998ECF8427E",              FIELD_JA3,
         "d41d8cd98f00b204e9800998ecf8427e",												 "exact d41d8cd98f00b204e9800998ecf8427e"                           },
	{FIELD_JA4,         "t13d1516h2_8daaf6152771_e5627efa2ab1",          FIELD_JA4,
         "t13d1516h2_8daaf6152771_e5627efa2ab1",											     "exact t13d1516h2_8daaf6152771_e5627efa2ab1"                       },
	{FIELD_IMPHASH,     "D41D8CD98F00B204E9800998ECF8427E",              FIELD_IMPHASH,
         "d41d8cd98f00b204e9800998ecf8427e",												 "exact d41d8cd98f00b204e9800998ecf8427e"                           },
	{FIELD_SSDEEP,      "96:aB:cD",				      FIELD_SSDEEP,      "96:aB:cD",                                  "exact 96:aB:cD"                                                   },
	{FIELD_SSDEEP,      "96:aB:cD",				      FIELD_SSDEEP,      "96:ab:cD",                                  NULL                                                               },
	{FIELD_ASN,         "AS64500",				       FIELD_ASN,         "64500",                                     "exact 64500"                                                      },
	{FIELD_ASN,         "64500",					 FIELD_ASN,         "AS64500 Example Ltd",                       "exact AS64500 Example Ltd"                                        },
	{FIELD_ASN,         "64500",					 FIELD_ASN,         "AS645001",                                  NULL							       },
	{FIELD_MAC,         "00-0C-29-AB-CD-EF",                             FIELD_MAC,         "00:0c:29:ab:cd:ef",                         "exact 00:0c:29:ab:cd:ef"                                          },
	{FIELD_MAC,         "000c.29ab.cdef",                                FIELD_MAC,         "000C29ABCDEF",                              "exact 000C29ABCDEF"                                               },
	{FIELD_MAC,         "00:0c:29:ab:cd:ef",                             FIELD_MAC,         "00:0c:29:ab:cd:ee",                         NULL                                                               },
	{FIELD_TEXT,        "Evil.exe",				      FIELD_TEXT,        "Evil.exe",                                  "exact Evil.exe"                                                   },
	{FIELD_TEXT,        "Evil.exe",				      FIELD_TEXT,        "evil.exe",                                  NULL							       },
 /* free text */
	{N,		 "evil.com",				      F,                 "query for www.evil.com, refused",           "parent www.evil.com"                                              },
	{N,		 "evil.com",				      F,                 "went to evil.com.",                         "exact evil.com"                                                   },
	{N,		 "evil.com",				      F,                 "src=1.2.3.4 host=evil.com;x",               "exact evil.com"                                                   },
	{N,		 "evil.com",				      F,                 "(evil.com)",                                "exact evil.com"                                                   },
	{N,		 "evil.com",				      F,                 "michaelevil.com",                           NULL							       },
	{N,		 "evil.com",				      F,                 "http://evil.com:8080/x y",                  "exact evil.com"                                                   },
	{N,		 "evil.com",				      F,                 "mail from <x@evil.com>",                    "exact evil.com"                                                   },
	{A,		 "198.51.100.7",				  F,                 "Failed for root from 198.51.100.7 port 22", "exact 198.51.100.7"                                               },
	{A,		 "198.51.100.7",				  F,                 "from 198.51.100.7:22",                      "exact 198.51.100.7"                                               },
	{A,		 "198.51.100.7",				  F,                 "version 198.51.100.7.1",                    NULL							       },
	{A,		 "2001:db8::7",				   F,                 "from [2001:db8::7]:22",                     "exact 2001:db8::7"                                                },
	{A,		 "2001:db8::7",				   F,                 "from 2001:db8::7: closed",                  "exact 2001:db8::7"                                                },
	{A,		 "::1",					   F,                 "on ::1 port",                               "exact ::1"							},
	{U,		 "http://evil.com/a.php",                         F,                 "GET http://evil.com/a.php.",
         "exact http://evil.com/a.php"																					  },
	{U,		 "http://evil.com/a.php",                         F,                 "GET \"evil.com/a.php\"",                    "exact evil.com/a.php"                                             },
	{U,		 "http://evil.com",			       F,                 "got <evil.com/>",                           "exact evil.com/"							},
	{M,		 "bad@evil.com",				  F,                 "from=<bad@evil.com>, size=1",               "exact bad@evil.com"                                               },
	{FIELD_HASH,        "d41d8cd98f00b204e9800998ecf8427e",              F,
         "md5:D41D8CD98F00B204E9800998ECF8427E ok",											  "exact D41D8CD98F00B204E9800998ECF8427E"                           },
	{FIELD_HASH,        "d41d8cd98f00b204e9800998ecf8427e",              F,                 "0d41d8cd98f00b204e9800998ecf8427e",
         NULL																								   },
 /* context only */
	{U,		 "https://evil.com:80/a.php",                     U,                 "evil.com:80/a.php",                         "exact evil.com:80/a.php"                                          },
	{U,		 "ftp://evil.com:21/a.php",                       U,                 "ftp://evil.com/a.php",                      "exact ftp://evil.com/a.php"                                       },
	{U,		 "ftp://evil.com:21/a.php",                       U,                 "http://evil.com:21/a.php",                  NULL                                                               },
	{M,		 "o'b=x@evil.com",				M,                 "<o'b=x@evil.com>",                          "exact o'b=x@evil.com"                                             },
	{N,		 "evil.com",				      FIELD_NONE,        "evil.com",                                  NULL							       },
};

static void test_cases(void **state)
{
	struct testing *t = *state;

	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		const char *hits;
		char expected[600] = "";

		index_builder_free(t->b);
		t->b = index_builder_new(&t->world.world);
		testing_entry(t, "feed:one");
		testing_value(t, cases[k].kind, cases[k].indicator);
		testing_open(t);
		hits = testing_match(t, cases[k].field_kind, false, slice_of(cases[k].field));
		if (cases[k].hit != NULL) {
			const char *blank = strchr(cases[k].hit, ' ');

			snprintf(expected, sizeof(expected), "0 %.*s %s ",
				(int)(blank - cases[k].hit), cases[k].hit,
				field_kind_name(cases[k].kind));
			if (strncmp(hits, expected, strlen(expected)) != 0 ||
				strstr(hits, blank) == NULL ||
				strchr(hits, '\n') != hits + strlen(hits) - 1)
				fail_msg("case %zu: %s in \"%s\": got \"%s\", expected \"%s\"", k,
					cases[k].indicator, cases[k].field, hits, cases[k].hit);
		} else if (hits[0] != '\0') {
			fail_msg("case %zu: %s in \"%s\": got \"%s\"", k, cases[k].indicator,
				cases[k].field, hits);
		}
	}
}

/* ---- what is no indicator ------------------------------------------------------------------ */

static const struct {
	enum field_kind kind;
	const char *text;
} refused[] = {
	{N,		   "com"								 },
	{N,		   "localhost"							   },
	{N,		   ""								    },
	{N,		   "."								   },
	{N,		   "a..com"							      },
	{N,		   "-"								   },
	{N,		   "1.2.3.4"							     },
	{N,		   "evil .com"							   },
	{N,		   "evil.com/x"							  },
	{N,		   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com"},
	{A,		   "0.0.0.0/0"							   },
	{A,		   "::/0"								},
	{A,		   "1.2.3"							       },
	{A,		   "1.2.3.4/33"							  },
	{A,		   "1.2.3.4/"							    },
	{A,		   "::1/129"							     },
	{A,		   "1.2.3.256"							   },
	{A,		   "01.2.3.4"							    },
	{A,		   "::ffff:0:0/95"						       },
	{A,		   "::ffff:0:0/96"						       },
	{U,		   "/path"							       },
	{U,		   "mailto:a@b.com"						      },
	{U,		   "http:///x"							   },
	{U,		   "http://a b/"							 },
	{U,		   "http://evil.com/a b"						 },
	{U,		   "http://evil.com:99999999/"					   },
	{U,		   "http://evil.com:x/"						  },
	{U,		   "evil.com"							    },
	{U,		   "http://[::1/x"						       },
	{M,		   "evil.com"							    },
	{M,		   "@evil.com"							   },
	{M,		   "a@"								  },
	{M,		   "a@b c.com"							   },
	{FIELD_HASH,          "d41d8cd98f00b204e9800998ecf8427"                                     },
	{M,		   "a:b@evil.com"							},
	{M,		   "a@[1.2.3.4]"							 },
	{M,		   "a@::1"							       },
	{FIELD_HASH,          "xyz"								 },
	{FIELD_HASH,          "d41d8cd98f00b204e9800998ecf8427g"                                    },
	{FIELD_CERTIFICATE,   "ab:cd"							       },
	{FIELD_ASN,           "AS"								  },
	{FIELD_ASN,           "AS4294967296"							},
	{FIELD_ASN,           "AS64500 x"							   },
	{FIELD_MAC,           "00:0c:29"							    },
	{FIELD_MAC,           "00:0c:29:ab:cd-ef"						   },
	{FIELD_MAC,           "00:0c:29:ab:cd:eg"						   },
	{FIELD_TEXT,          ""								    },
	{FIELD_IMPHASH,       "abc"								 },
	{FIELD_SSDEEP,        "abc"								 },
	{FIELD_NONE,          "nothing of all this"						 },
	{FIELD_NONE,          "word"								},
	{(enum field_kind)31, "x"								   },
};

static void test_refused(void **state)
{
	struct testing *t = *state;
	struct index_counts before, after;
	struct err e;

	assert_int_equal(index_builder_value(t->b, N, SLICE("evil.com"), &e), ERR_USAGE);
	testing_entry(t, "feed:one");
	testing_value(t, N, "evil.com");
	index_builder_counts(t->b, &before);
	for (size_t k = 0; k < COUNT_OF(refused); k++) {
		if (index_builder_value(t->b, refused[k].kind, slice_of(refused[k].text), &e) !=
			ERR_INVALID)
			fail_msg("%zu: \"%s\" was taken", k, refused[k].text);
		assert_true(e.text[0] != '\0');
	}
	index_builder_counts(t->b, &after);
	assert_memory_equal(&before, &after, sizeof(before));
}

/* ---- several ------------------------------------------------------------------------------- */

static void test_all_networks(void **state)
{
	struct testing *t = *state;

	testing_entry(t, "feed:one");
	testing_value(t, A, "10.0.0.0/8");
	testing_value(t, A, "10.1.0.0/16");
	testing_value(t, A, "10.1.2.0/24");
	testing_value(t, A, "10.1.3.0/24");
	testing_entry(t, "feed:two");
	testing_value(t, A, "10.1.2.3");
	testing_value(t, A, "10.1.0.0/16");
	testing_value(t, A, "10.1.2.0/28");
	testing_value(t, A, "10.1.2.16/28");
	testing_open(t);
	assert_string_equal(testing_match(t, A, false, SLICE("10.1.2.3")),
		"1 exact address 10.1.2.3 10.1.2.3\n"
		"1 network address 10.1.2.0/28 10.1.2.3\n"
		"0 network address 10.1.2.0/24 10.1.2.3\n"
		"0 network address 10.1.0.0/16 10.1.2.3\n"
		"1 network address 10.1.0.0/16 10.1.2.3\n"
		"0 network address 10.0.0.0/8 10.1.2.3\n");
	assert_string_equal(testing_match(t, A, false, SLICE("10.2.0.0")),
		"0 network address 10.0.0.0/8 10.2.0.0\n");
	assert_string_equal(testing_match(t, A, false, SLICE("11.0.0.0")), "");
	assert_string_equal(testing_match(t, A, true, SLICE("\x0a\x02\x01\x01")),
		"0 network address 10.0.0.0/8 \x0a\x02\x01\x01\n");
}

static void test_all_parents(void **state)
{
	struct testing *t = *state;

	testing_entry(t, "feed:one");
	testing_value(t, N, "evil.com");
	testing_value(t, N, "b.evil.com");
	testing_value(t, N, "evil.com"); /* twice is once */
	testing_entry(t, "feed:two");
	testing_value(t, N, "evil.com");
	testing_value(t, N, "a.b.evil.com");
	testing_open(t);
	assert_string_equal(testing_match(t, N, false, SLICE("a.b.evil.com")),
		"1 exact name a.b.evil.com a.b.evil.com\n"
		"0 parent name b.evil.com a.b.evil.com\n"
		"0 parent name evil.com a.b.evil.com\n"
		"1 parent name evil.com a.b.evil.com\n");
}

/* Below a suffix with many indicators three labels are looked at; nothing may be lost by that. */
static void test_crowded(void **state)
{
	struct testing *t = *state;
	char name[64], expected[160];

	testing_entry(t, "feed:one");
	for (int k = 0; k < 2000; k++) {
		snprintf(name, sizeof(name), "%sbad%d.dyn.example", k % 3 == 0 ? "deep." : "", k);
		testing_value(t, N, name);
	}
	testing_value(t, N, "other.example");
	testing_open(t);
	assert_true(crowded_has(t->x->crowded, hash_bytes(&t->x->key, "dyn.example", 11)));
	for (int k = 0; k < 2000; k++) {
		snprintf(name, sizeof(name), "x.%sbad%d.dyn.example", k % 3 == 0 ? "deep." : "", k);
		snprintf(expected, sizeof(expected), "0 parent name %s %s\n", name + 2, name);
		assert_string_equal(testing_match(t, N, false, slice_of(name)), expected);
		snprintf(name, sizeof(name), "x.good%d.dyn.example", k);
		assert_string_equal(testing_match(t, N, false, slice_of(name)), "");
	}
	assert_string_equal(testing_match(t, N, false, SLICE("dyn.example")), "");
	assert_string_equal(testing_match(t, N, false, SLICE("other.example")),
		"0 exact name other.example other.example\n");
}

static void test_binary(void **state)
{
	struct testing *t = *state;
	static const uint8_t digest[16] = {0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9,
		0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e};
	struct slice bytes = {(const char *)digest, 16};
	uint8_t six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, 198, 51, 100, 7};

	testing_entry(t, "feed:one");
	testing_value(t, FIELD_HASH, "d41d8cd98f00b204e9800998ecf8427e");
	testing_value(t, FIELD_JA3, "d41d8cd98f00b204e9800998ecf8427e");
	testing_value(t, FIELD_MAC, "00:0c:29:ab:cd:ef");
	testing_value(t, A, "2001:db8::1");
	testing_value(t, A, "198.51.100.7");
	testing_open(t);
	assert_true(
		strncmp(testing_match(t, FIELD_HASH, true, bytes), "0 exact hash d41d8", 18) == 0);
	assert_true(
		strncmp(testing_match(t, FIELD_JA3, true, bytes), "0 exact ja3 d41d8", 17) == 0);
	assert_true(strncmp(testing_match(t, FIELD_MAC, true, SLICE("\x00\x0c\x29\xab\xcd\xef")),
			    "0 exact mac 00:0c:29:ab:cd:ef", 29) == 0);
	assert_true(strncmp(testing_match(t, A, true, (struct slice){(char *)six, 16}),
			    "0 exact address 2001:db8::1 ", 28) == 0);
	assert_true(strncmp(testing_match(t, A, true, (struct slice){(char *)mapped, 16}),
			    "0 exact address 198.51.100.7 ", 29) == 0);
	assert_true(strncmp(testing_match(t, A, true, (struct slice){(char *)mapped + 12, 4}),
			    "0 exact address 198.51.100.7 ", 29) == 0);
	assert_string_equal(testing_match(t, A, true, SLICE("\x01\x02\x03")), "");
}

/* ---- entries, patterns, lists -------------------------------------------------------------- */

static bool each_line(void *context, enum field_kind kind, struct slice text, uint32_t entry)
{
	buf_printf(context, "%s %.*s %u\n", field_kind_name(kind), SLICE_ARG(text), entry);
	return true;
}

static void test_entries(void **state)
{
	struct testing *t = *state;
	struct index_entry in = {.id = SLICE("indicator--1"),
		.version_us = 5,
		.producer = SLICE("CERT"),
		.tlp = STIX_TLP_AMBER,
		.confidence = 80,
		.valid_from_us = 1,
		.valid_until_us = 9,
		.name = SLICE("bad name"),
		.kill_chain = SLICE("lm:c2"),
		.labels = SLICE("a,b")};
	struct index_entry out;
	struct index_info info;
	struct slice pattern;
	struct buf all = BUF_INIT;
	uint32_t entry;

	assert_int_equal(index_builder_entry(t->b, &in, NULL), OK);
	testing_value(t, N, "evil.com");
	assert_int_equal(
		index_builder_pattern(t->b, SLICE("[a:b = 'c'] AND [d:e = 'f']"), NULL), OK);
	testing_entry(t, "indicator--2");
	testing_value(t, A, "10.0.0.0/8");
	assert_int_equal(index_builder_entry(t->b, &in, NULL), OK); /* the same again */
	testing_value(t, FIELD_NONE, "hxxp://evil[.]com/x");
	in.confidence = 101;
	assert_int_equal(index_builder_entry(t->b, &in, NULL), ERR_USAGE);
	testing_open(t);
	index_info(t->x, &info);
	assert_int_equal(info.counts.entries, 2);
	assert_int_equal(info.counts.values, 3);
	assert_int_equal(info.counts.patterns, 1);
	assert_int_equal(info.counts.kinds[FIELD_URL], 1);
	assert_int_equal(info.built_us, t->world.now_us);
	assert_int_equal(info.signer.len, 0);
	assert_true(index_entry_get(t->x, 0, &out));
	assert_true(slice_is(out.id, "indicator--1") && slice_is(out.producer, "CERT") &&
		    slice_is(out.name, "bad name") && slice_is(out.kill_chain, "lm:c2") &&
		    slice_is(out.labels, "a,b"));
	assert_int_equal(out.version_us, 5);
	assert_int_equal(out.valid_from_us, 1);
	assert_int_equal(out.valid_until_us, 9);
	assert_int_equal(out.tlp, STIX_TLP_AMBER);
	assert_int_equal(out.confidence, 80);
	assert_true(index_entry_get(t->x, 1, &out) && out.confidence == -1);
	assert_false(index_entry_get(t->x, 2, &out));
	assert_true(index_pattern_get(t->x, 0, &pattern, &entry) && entry == 0);
	assert_true(slice_is(pattern, "[a:b = 'c'] AND [d:e = 'f']"));
	assert_false(index_pattern_get(t->x, 1, &pattern, &entry));
	assert_true(index_each(t->x, each_line, &all));
	buf_char(&all, '\0');
	assert_string_equal(all.data, "address 10.0.0.0/8 1\nname evil.com 0\nurl evil.com/x 0\n");
	buf_fini(&all);
}

static void refused_line(void *context, uint64_t line, struct slice text, const struct err *why)
{
	buf_printf(context, "%llu %.*s\n", (unsigned long long)line, SLICE_ARG(text));
	assert_int_equal(why->kind, ERR_INVALID);
}

static void test_lines(void **state)
{
	struct testing *t = *state;
	struct buf told = BUF_INIT, all = BUF_INIT;
	struct index_counts counts;

	testing_entry(t, "feed:list");
	assert_int_equal(
		index_builder_lines(t->b, FIELD_NONE,
			SLICE("# list\n\nevil.com\r\n 198.51.100.7 \nnonsense\n2001:db8::/48\n"
			      "http://e.vil.com/\nhxxp://evil[.]net/x\nbad@evil.com\n"
			      "D41D8CD98F00B204E9800998ECF8427E\nAS64500\n0.0.0.0/0\n"
			      "www.Evil.org.\n300.1.1.1\nlast.example"),
			10, refused_line, &told, NULL),
		OK);
	buf_char(&told, '\0');
	assert_string_equal(told.data, "14 nonsense\n21 0.0.0.0/0\n23 300.1.1.1\n");
	index_builder_counts(t->b, &counts);
	assert_int_equal(counts.values, 10);
	assert_int_equal(
		index_builder_lines(t->b, FIELD_TEXT, SLICE("a b\nevil.com"), 1, NULL, NULL, NULL),
		OK);
	testing_open(t);
	assert_true(index_each(t->x, each_line, &all));
	buf_char(&all, '\0');
	assert_non_null(strstr(all.data, "name evil.com 0\n"));
	assert_non_null(strstr(all.data, "name www.evil.org 0\n"));
	assert_non_null(strstr(all.data, "name last.example 0\n"));
	assert_non_null(strstr(all.data, "address 198.51.100.7 0\n"));
	assert_non_null(strstr(all.data, "address 2001:db8::/48 0\n"));
	assert_non_null(strstr(all.data, "url e.vil.com/ 0\n"));
	assert_non_null(strstr(all.data, "url evil.net/x 0\n"));
	assert_non_null(strstr(all.data, "email bad@evil.com 0\n"));
	assert_non_null(strstr(all.data, "hash d41d8cd98f00b204e9800998ecf8427e 0\n"));
	assert_non_null(strstr(all.data, "asn AS64500 0\n"));
	assert_non_null(strstr(all.data, "text a b 0\n"));
	assert_non_null(strstr(all.data, "text evil.com 0\n"));
	buf_fini(&told);
	buf_fini(&all);
}

/* ---- keys
 * ------------------------------------------------------------------------------------------------
 */

static void key_line(void *context, enum field_kind kind, struct slice normal)
{
	buf_printf(context, "%s ", field_kind_name(kind));
	if (kind == FIELD_ADDRESS)
		hex_append(context, normal.data, normal.len);
	else
		buf_slice_append(context, normal);
	buf_char(context, '\n');
}

static void test_keys(void **state)
{
	static const struct {
		enum field_kind kind;
		const char *field;
		const char *keys;
	} keys[] = {
		{N,          "A.b.Evil.com.",            "name a.b.evil.com\nname b.evil.com\nname evil.com\n"},
		{N,          "localhost",                "name localhost\n"                                   },
		{A,          "198.51.100.7",             "address c6336407\n"                                 },
		{A,          "nonsense",                 ""						   },
		{U,          "http://u@Evil.com:80/X#y", "url evil.com/X\nname evil.com\n"                    },
		{O,          "[::1]:80",                 "address 00000000000000000000000000000001\n"         },
		{M,          "A@Evil.com",               "email a@evil.com\nname evil.com\n"                  },
		{F,          "x 198.51.100.7 y",         "address c6336407\n"                                 },
		{FIELD_TEXT, "As It Is",                 "text As It Is\n"                                    },
	};
	struct arena *a = arena_new(KIB(64));
	struct slice normal;
	char room[256];
	struct buf out = BUF_INIT;

	(void)state;
	for (size_t k = 0; k < COUNT_OF(keys); k++) {
		struct column column = {.kind = (uint8_t)keys[k].kind};
		struct field field = {
			.data = room + EVENT_PADDING, .len = (uint32_t)strlen(keys[k].field)};

		memset(room, 'a', sizeof(room));
		memcpy(room + EVENT_PADDING, keys[k].field, field.len);
		buf_clear(&out);
		index_field_keys(&column, &field, key_line, &out);
		buf_char(&out, '\0');
		assert_string_equal(out.data, keys[k].keys);
	}
	assert_true(index_normal(N, SLICE(" *.Evil.com. "), a, &normal) &&
		    slice_is(normal, "evil.com"));
	assert_true(
		index_normal(N, SLICE("localhost"), a, &normal) && slice_is(normal, "localhost"));
	assert_false(index_normal(N, SLICE("a b"), a, &normal));
	assert_true(index_normal(A, SLICE("10.1.2.3/8"), a, &normal));
	assert_true(slice_equal(normal, (struct slice){"\x0a\0\0\0\x08", 5}));
	assert_true(index_normal(A, SLICE("10.1.2.3"), a, &normal) && normal.len == 4);
	assert_true(index_normal(U, SLICE("https://evil.com:443"), a, &normal) &&
		    slice_is(normal, "evil.com/"));
	buf_fini(&out);
	arena_free(a);
}

/* ---- the hash is the same on every machine ------------------------------------------------- */

static void test_hash(void **state)
{
	uint8_t keys[HASH_KEY_BYTES], data[300];
	struct hash_key k;
	struct world_fake w;
	uint64_t hash = 0;

	(void)state;
	world_fake_init(&w, 3, 0);
	for (int round = 0; round < 20; round++) {
		struct hash_run run;

		w.world.random(w.world.context, keys, sizeof(keys));
		w.world.random(w.world.context, data, sizeof(data));
		hash_key_set(&k, keys);
		hash_run_begin(&k, &run);
		for (size_t len = 0; len < sizeof(data); len++) {
			uint64_t before = hash;

			hash = hash_bytes_plain(&k, data, len);
			assert_true(hash == hash_bytes(&k, data, len));
			assert_true(hash == hash_run_at(&k, &run, data, len));
			assert_true(hash != before);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cases, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_refused, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_all_networks, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_all_parents, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_crowded, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_binary, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_entries, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_lines, testing_setup, testing_teardown),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
