/* SPDX-License-Identifier: MPL-2.0 */
/* Each rule of docs/labels.md on both of its sides, and how real data comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "accept.h"
#include "traits.h"

#include <cmocka.h>

#define ID(type) "\"type\":\"" type "\",\"id\":\"" type "--7f1e0b6a-2b43-4d8c-9f0d-0123456789ab\""
#define TIMES                                                                                      \
	",\"spec_version\":\"2.1\",\"created\":\"2026-01-01T00:00:00Z\",\"modified\":\"2026-01-"   \
	"01T00:00:00Z\""
#define INDICATOR(pattern)                                                                         \
	"{" ID("indicator") TIMES ",\"pattern_type\":\"stix\",\"valid_from\":\"2026-01-01T00:00:"  \
				  "00Z\",\"pattern\":\"" pattern "\"}"
#define LABELS(list) "{" ID("report") TIMES ",\"name\":\"r\",\"labels\":[" list "]}"
#define NAMES_64     "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"

static const struct {
	const char *says, *object, *traits;
} cases[] = {
  /* kind */
	{"a type of the standard",                            "{" ID("malware") "}",                                                   "malware - - none technical -"              },
	{"a custom type",				     "{" ID("x-mine") "}",						    "other - - unknown unknown -"               },
 /* confidence */
	{"the lowest",					"{" ID("tool") ",\"confidence\":0}",                                     "tool 0 - none technical -"                 },
	{"the highest",				       "{" ID("tool") ",\"confidence\":100}",                                   "tool 100 - none technical -"               },
	{"none stated",				       "{" ID("tool") "}",						      "tool - - none technical -"                 },
 /* sectors */
	{"a word of the standard",                            "{" ID("tool") ",\"labels\":[\"dams\"]}",
         "tool - water none technical -"																	   },
	{"a word that is none",                               "{" ID("tool") ",\"labels\":[\"dam\"]}",
         "tool - - none technical -"																	       },
	{"case and blanks",				   "{" ID("tool") ",\"labels\":[\"Financial Services\"]}",
         "tool - finance none technical -"																	 },
	{"named, in any order",
         "{" ID("tool") ",\"labels\":[\"sector:telecom\",\"sector:energy\"]}",
         "tool - energy,telecom none technical -"																  },
	{"named, unknown to us",                              "{" ID("tool") ",\"labels\":[\"sector:circus\"]}",
         "tool - other none technical -"																	   },
	{"a MISP galaxy",				     "{" ID("tool") ",\"labels\":[\"misp-galaxy:sector=\\\"Energy\\\"\"]}",
         "tool - energy none technical -"																	  },
	{"of an identity",
         "{" ID("identity") ",\"identity_class\":\"organization\",\"sectors\":[\"energy\","
				   "\"my-own\"]}",										     "identity - energy,other none technical -"  },
	{"sectors elsewhere say nothing",                     "{" ID("tool") ",\"sectors\":[\"energy\"]}",
         "tool - - none technical -"																	       },
 /* personal data */
	{"a person",					  "{" ID("identity") ",\"identity_class\":\"individual\"}",
         "identity - - personal technical -"																       },
	{"an organisation",				   "{" ID("identity") ",\"identity_class\":\"organization\"}",
         "identity - - none technical -"																	   },
	{"an organisation with somebody to ask",
         "{" ID("identity") ",\"identity_class\":\"organization\",\"contact_information\":"
				   "\"x\"}",											   "identity - - unknown technical -"          },
	{"somebody",					  "{" ID("identity") "}",						  "identity - - unknown technical -"          },
	{"an account",					"{" ID("user-account") "}",                                              "user-account - - personal technical -"     },
	{"an address of a person",                            "{" ID("email-addr") ",\"value\":\"jan@example.org\"}",
         "email-addr - - personal technical -"																     },
	{"an address of a role",                              "{" ID("email-addr") ",\"value\":\"Abuse@example.org\"}",
         "email-addr - - none technical -"																	 },
	{"a role's address with a person's name",
         "{" ID("email-addr") ",\"value\":\"abuse@example.org\",\"display_name\":\"Jan\"}",
         "email-addr - - personal technical -"																     },
	{"a message",					 "{" ID("email-message") "}",                                             "email-message - - personal mixed -"        },
	{"an address of a network",                           "{" ID("ipv4-addr") ",\"value\":\"198.51.100.1\"}",
         "ipv4-addr - - pseudonymous technical -"																  },
	{"a name",					    "{" ID("domain-name") ",\"value\":\"example.org\"}",
         "domain-name - - none technical -"																	},
	{"a URL",					     "{" ID("url") ",\"value\":\"https://example.org/a\"}",
         "url - - none technical -"																		},
	{"a URL with a user",				 "{" ID("url") ",\"value\":\"https://jan@example.org/a\"}",
         "url - - personal technical -"																	    },
	{"a URL with an '@' further on",                      "{" ID("url") ",\"value\":\"https://example.org/@jan\"}",
         "url - - unknown technical -"																	     },
	{"an actor",					  "{" ID("threat-actor") "}",                                              "threat-actor - - pseudonymous technical -" },
	{"an actor alone",				    "{" ID("threat-actor") ",\"resource_level\":\"individual\"}",
         "threat-actor - - personal technical -"																   },
	{"a country",					 "{" ID("location") ",\"country\":\"DE\"}",                               "location - - none technical -"             },
	{"a house",					   "{" ID("location") ",\"street_address\":\"Ring 1\"}",
         "location - - unknown technical -"																	},
	{"an address in a text",
         "{" ID("malware") ",\"description\":\"ask jan.maier@example.org, please\"}",
         "malware - - personal technical -"																	},
	{"a role's address in a text",
         "{" ID("malware") ",\"description\":\"ask info@example.org\"}",
         "malware - - none technical -"																	    },
	{"an '@' that is no address",
         "{" ID("malware") ",\"description\":\"by @handle, a@b, x @ y.z\"}",
         "malware - - none technical -"																	    },
 /* indicators */
	{"infrastructure",				    INDICATOR("[ipv4-addr:value = '198.51.100.1']"),
         "indicator - - none technical -"																	  },
	{"a sender",					  INDICATOR("[email-addr:value = 'jan@example.org']"),
         "indicator - - personal technical -"																      },
	{"a role as sender",				  INDICATOR("[email-addr:value = 'info@example.org']"),
         "indicator - - none technical -"																	  },
	{"some of the senders",
         INDICATOR("[email-addr:value IN ('info@example.org','jan@example.org')]"),
         "indicator - - personal technical -"																      },
	{"senders by a pattern",                              INDICATOR("[email-addr:value MATCHES '^a']"),
         "indicator - - unknown technical -"																       },
	{"an account",					INDICATOR("[user-account:user_id = 'root']"),
         "indicator - - personal technical -"																      },
	{"another language",
         "{" ID("indicator") ",\"pattern_type\":\"yara\",\"pattern\":\"rule a {}\"}",
         "indicator - - none technical -"																	  },
	{"another language, with an '@'",
         "{" ID("indicator") ",\"pattern_type\":\"yara\",\"pattern\":\"rule a { $a = "
				    "\\\"x@y\\\" }\"}",										"indicator - - unknown technical -"         },
 /* observed data */
	{"addresses",
         "{" ID("observed-data") ",\"object_refs\":[\"ipv4-addr--7f1e0b6a-2b43-4d8c-9f0d-"
					"0123456789ab\","
					"\"domain-name--7f1e0b6a-2b43-4d8c-9f0d-0123456789ab\"]}",				     "observed-data - - pseudonymous technical -"},
	{"names only",
         "{" ID("observed-data") ",\"object_refs\":[\"domain-name--7f1e0b6a-2b43-4d8c-9f0d-"
					"0123456789ab\"]}",									    "observed-data - - none technical -"        },
	{"an account among them",
         "{" ID("observed-data") ",\"object_refs\":[\"ipv4-addr--7f1e0b6a-2b43-4d8c-9f0d-"
					"0123456789ab\","
					"\"user-account--7f1e0b6a-2b43-4d8c-9f0d-0123456789ab\"]}",				    "observed-data - - personal technical -"    },
	{"a message among them",
         "{" ID("observed-data") ",\"object_refs\":[\"email-message--7f1e0b6a-2b43-4d8c-"
					"9f0d-0123456789ab\","
					"\"ipv4-addr--7f1e0b6a-2b43-4d8c-9f0d-0123456789ab\"]}",				       "observed-data - - personal mixed -"        },
	{"a custom one among them",
         "{" ID("observed-data") ",\"object_refs\":[\"x-mine--7f1e0b6a-2b43-4d8c-9f0d-"
					"0123456789ab\","
					"\"domain-name--7f1e0b6a-2b43-4d8c-9f0d-0123456789ab\"]}",				     "observed-data - - unknown unknown -"       },
	{"embedded",					  "{" ID("observed-data") ",\"objects\":{\"0\":{\"type\":\"mac-addr\"}}}",
         "observed-data - - pseudonymous technical -"															      },
	{"nothing",					   "{" ID("observed-data") "}",                                             "observed-data - - unknown unknown -"       },
 /* content */
	{"a report of the vocabulary",                        "{" ID("report") ",\"report_types\":[\"malware\",\"tool\"]}",
         "report - - unknown technical -"																	  },
	{"a report with one type more",
         "{" ID("report") ",\"report_types\":[\"malware\",\"essay\"]}",
         "report - - unknown unknown -"																	    },
	{"a report without types",                            "{" ID("report") "}",                                                    "report - - unknown unknown -"              },
	{"a grouping",					"{" ID("grouping") ",\"context\":\"malware-analysis\"}",
         "grouping - - unknown technical -"																	},
	{"a grouping of no context",                          "{" ID("grouping") ",\"context\":\"unspecified\"}",
         "grouping - - unknown unknown -"																	  },
	{"an opinion",					"{" ID("opinion") "}",						   "opinion - - unknown expression -"          },
	{"a note",					    "{" ID("note") "}",						      "note - - unknown mixed -"                  },
	{"a file",					    "{" ID("file") ",\"name\":\"a\"}",                                       "file - - none technical -"                 },
	{"a file with its content",
         "{" ID("file") ",\"content_ref\":\"artifact--7f1e0b6a-2b43-4d8c-9f0d-"
			       "0123456789ab\"}",										      "file - - none unknown -"                   },
	{"about what people say",                             "{" ID("campaign") ",\"labels\":[\"Disinformation\"]}",
         "campaign - - none mixed -"																	       },
 /* statements: they make known what is not, and never less strict */
	{"stated",					    LABELS("\"pii:none\",\"content:technical\""),                            "report - - none technical -"               },
	{"stated twice: the stricter",                        LABELS("\"pii:none\",\"pii:personal\""),
         "report - - personal unknown -"																	   },
	{"a word that is none",                               LABELS("\"pii:nothing\""),                                               "report - - unknown unknown -"              },
	{"stricter than it looks",
         "{" ID("tool") ",\"labels\":[\"pii:personal\",\"content:mixed\"]}",
         "tool - - personal mixed -"																	       },
	{"less strict than it is",                            "{" ID("user-account") ",\"labels\":[\"pii:none\"]}",
         "user-account - - personal technical -"																   },
	{"less strict than its kind",                         "{" ID("opinion") ",\"labels\":[\"content:technical\"]}",
         "opinion - - unknown expression -"																	},
	{"stated technical, with a word that says otherwise",
         LABELS("\"content:technical\",\"propaganda\""),									       "report - - unknown mixed -"                },
 /* affected */
	{"in order, once",				    LABELS("\"affected:uz\",\"affected:kz\",\"affected:uz\""),
         "report - - unknown unknown kz,uz"																	},
	{"no member's name",				  LABELS("\"affected:K Z\",\"affected:\",\"affected:a,b\""),
         "report - - unknown unknown -"																	    },
	{"the longest name",				  LABELS("\"affected:" NAMES_64 "\""),
         "report - - unknown unknown " NAMES_64																    },
	{"a longer name",				     LABELS("\"affected:" NAMES_64 "e\""),                                    "report - - unknown unknown -"              },
	{"as many as are read",
         LABELS("\"affected:a\",\"affected:b\",\"affected:c\",\"affected:d\",\"affected:e\","
		       "\"affected:f\",\"affected:g\",\"affected:h\""),
         "report - - unknown unknown a,b,c,d,e,f,g,h"															      },
	{"one more: none",
         LABELS("\"affected:a\",\"affected:b\",\"affected:c\",\"affected:d\",\"affected:e\","
		       "\"affected:f\",\"affected:g\",\"affected:h\",\"affected:i\""),
         "report - - unknown unknown -"																	    },
	{"more bytes than there is room: none",
         LABELS("\"affected:" NAMES_64 "\",\"affected:x" NAMES_64 "\",\"affected:a" NAMES_64
		       "\",\"affected:" NAMES_64 "\",\"affected:b0"
		       "\",\"affected:c1"
		       "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddd"
		       "\",\"affected:d1"
		       "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddd"
		       "\",\"affected:e1"
		       "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddd\""),
         "report - - unknown unknown -"																	    },
};

static void test_rules(void **state)
{
	struct accept_checker c;
	struct err e;

	(void)state;
	assert_int_equal(accept_checker_init(&c, &e), OK);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct json_doc doc;
		struct stix_facts facts;
		struct stix_value *values = NULL;
		struct traits t;
		struct buf out = BUF_INIT;
		size_t count = 0;
		char expected[STORE_TRAITS_BYTES + 1];
		bool all;

		assert_int_equal(json_parse(c.parser, slice_of(cases[i].object), &doc, &e), OK);
		stix_report_reset(&c.report);
		assert_int_equal(stix_check(json_root(&doc), &c.report, &facts, &e), OK);
		assert_int_equal(
			stix_values(json_root(&doc), c.report.arena, &values, &count, &all, &e),
			OK);
		traits_append(json_root(&doc), &facts, values, count, &out);
		snprintf(expected, sizeof(expected), "%d %s", TRAITS_RULES, cases[i].traits);
		if (!slice_is(buf_slice(&out), expected))
			fail_msg("%s: \"%.*s\", expected \"%s\"", cases[i].says,
				SLICE_ARG(buf_slice(&out)), expected);
		assert_true(out.len <= STORE_TRAITS_BYTES);
		assert_true(traits_parse(buf_slice(&out), &t));
		buf_fini(&out);
	}
	accept_checker_fini(&c);
}

static void test_parse(void **state)
{
	static const char *const refused[] = {"", "1", "1 tool - - none technical",
		"1 tool - - none technical - -", "2 tool - - none technical -",
		"0 tool - - none technical -", "1 tool 101 - none technical -",
		"1 tool -1 - none technical -", "1 tool x - none technical -",
		"1 tool - energy,circus none technical -", "1 tool - - nothing technical -",
		"1 tool - - none witty -", "1  - - none technical -"};
	struct traits t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused); i++)
		if (traits_parse(slice_of(refused[i]), &t))
			fail_msg("\"%s\" was understood", refused[i]);
	assert_true(traits_parse(SLICE("1 tool 100 energy,other personal mixed a,b"), &t));
	assert_true(slice_is(t.kind, "tool") && t.confidence == 100);
	assert_true(t.sectors == (1u | 1u << 14) && t.pii == PII_PERSONAL);
	assert_true(t.content == CONTENT_MIXED && slice_is(t.affected, "a,b"));
	assert_true(traits_parse(SLICE("1 other - - unknown unknown -"), &t));
	assert_true(t.confidence == -1 && t.sectors == 0 && t.affected.len == 0);
}

/* Worst case of every part but the names: what is kept fits the store. */
static void test_longest(void **state)
{
	size_t len = strlen("1 windows-registry-key 100 ") + strlen(" pseudonymous expression ") +
		     TRAITS_MEMBER_MAX;

	(void)state;
	for (unsigned i = 0; traits_sector_name(i) != NULL; i++)
		len += strlen(traits_sector_name(i)) + 1;
	assert_true(len <= STORE_TRAITS_BYTES);
}

/* ---- real data ------------------------------------------------------------------------------- */

struct tally {
	uint64_t objects, pii[PII_KINDS], content[CONTENT_KINDS], sector, confidence;
};

static void tally_store(struct store *s, struct tally *ret_tally)
{
	struct tally k = {0};
	struct store_reader *r;
	struct store_cursor *c;
	struct store_row row;
	struct err e;
	bool more;
	struct intel *i = intel_new(s, world_real());
	const struct intel_recipient to = {.reach = INTEL_OPERATOR};

	assert_non_null(i);
	assert_int_equal(store_reader_take(s, &r, &e), OK);
	assert_int_equal(intel_release_all(i, r, &to, 0, true, &c, &e), OK);
	for (;;) {
		struct slice text;
		struct traits t;

		assert_int_equal(store_cursor_next(c, &row, &more, &e), OK);
		if (!more)
			break;
		assert_int_equal(store_traits_get(r, row.traits, &text, &e), OK);
		assert_true(traits_parse(text, &t));
		k.objects++;
		k.pii[t.pii]++;
		k.content[t.content]++;
		k.sector += t.sectors != 0;
		k.confidence += t.confidence >= 0;
	}
	store_cursor_free(c);
	store_reader_give(r);
	intel_free(i);
	*ret_tally = k;
}

static void tally_print(const char *name, const struct tally *k)
{
	print_message("%s: %llu objects; pii", name, (unsigned long long)k->objects);
	for (unsigned i = 0; i < PII_KINDS; i++)
		print_message(" %s %llu", traits_pii_name((enum traits_pii)i),
			(unsigned long long)k->pii[i]);
	print_message("; content");
	for (unsigned i = 0; i < CONTENT_KINDS; i++)
		print_message(" %s %llu", traits_content_name((enum traits_content)i),
			(unsigned long long)k->content[i]);
	print_message("; sector %llu; confidence %llu\n", (unsigned long long)k->sector,
		(unsigned long long)k->confidence);
}

static const struct {
	const char *path;                      /* under the data */
	unsigned unknown_pii, unknown_content; /* at most, per mille */
} data_files[] = {
	{"stix/enterprise-attack.json.gz",                           105, 105},
	{"stix/ics-attack-18.1.json.gz",                             137, 137},
	{"misp/eset-windigo-ebury.misp.json.gz",                     127, 0  },
	{"misp/eset-badiis-misp-badiis.json.gz",                     381, 0  },
	{"misp/eset-dukes-misp-dukes-operation-ghost-event.json.gz", 328, 0  },
};

static void test_data(void **state)
{
	const char *data = getenv("SERAI_DATA");

	(void)state;
	for (size_t n = 0; n < COUNT_OF(data_files); n++) {
		char folder[] = "/tmp/serai-traits-XXXXXX", path[4096], command[128];
		const struct store_options options = {.mode = STORE_CREATE};
		struct intel_import import = {
			.source = {.member = SLICE("self"), .tolerant = true},
			.path = path,
			.confidence = -1
                };
		struct intel_counts counts;
		struct tally k;
		struct intel *i;
		struct store *s;
		struct err e;

		snprintf(path, sizeof(path), "%s/%s",
			data != NULL ? data : SOURCE_ROOT "/../shared/data", data_files[n].path);
		if (access(path, R_OK) != 0) {
			print_message("skipped: no %s\n", path);
			skip();
			return;
		}
		assert_non_null(mkdtemp(folder));
		assert_int_equal(store_open(folder, &options, &s, &e), OK);
		i = intel_new(s, world_real());
		assert_non_null(i);
		if (intel_import_run(i, &import, &counts, &e) != OK)
			fail_msg("%s: %s", path, e.text);
		intel_free(i);
		tally_store(s, &k);
		store_close(s);
		snprintf(command, sizeof(command), "rm -rf %s", folder);
		assert_int_equal(system(command), 0);
		tally_print(data_files[n].path, &k);
		assert_true(k.objects > 50);
		assert_true(k.pii[PII_UNKNOWN] * 1000 <= k.objects * data_files[n].unknown_pii);
		assert_true(k.content[CONTENT_UNKNOWN] * 1000 <=
			    k.objects * data_files[n].unknown_content);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
