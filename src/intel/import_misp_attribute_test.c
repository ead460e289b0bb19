/* SPDX-License-Identifier: MPL-2.0 */
/* MISP's attributes: what each type becomes, what is lost and told, and limits on both sides. */
#include "import_misp_testing.h"

/* Every type of the table, for detection and not, with a value that fits and one that does not. */
static void test_types(void **state)
{
	static const struct {
		const char *type;
		const char *value;
		const char *pattern;  /* NULL: a note also when it is for detection */
		const char *observed; /* NULL: a note */
	} cases[] = {
		{"ip-src",               "2001:db8::1",					      "[ipv6-addr:value = '2001:db8::1']",                         "ipv6-addr"           },
		{"ip-dst",               "198.51.100.0/24",                                          "[ipv4-addr:value ISSUBSET '198.51.100.0/24']",
                 "ipv4-addr"																			    },
		{"ip-dst|port",          "198.51.100.7|443",
                 "[network-traffic:dst_ref.value = '198.51.100.7' AND "
			"network-traffic:dst_port = 443]",													"network-traffic"     },
		{"hostname|port",        "a.evil.example|80",
                 "[network-traffic:dst_ref.value = 'a.evil.example' AND "
			"network-traffic:dst_port = 80]",													 "network-traffic"     },
		{"domain",               "evil.example",					     "[domain-name:value = 'evil.example']",                      "domain-name"         },
		{"url",                  "https://evil.example/",                                    "[url:value = 'https://evil.example/']",                     "url"                 },
		{"url",                  "evil.example/a",
                 "[url:value = 'http://evil.example/a' OR url:value = "
			"'https://evil.example/a']",													      NULL                  },
		{"sha512",               "x",							NULL,							NULL                  },
		{"sha224",               "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f",
                 "[file:hashes.'SHA-224' = "
			"'d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f']",									    "file"                },
		{"ssdeep",               "3:abc:def",						"[file:hashes.'SSDEEP' = '3:abc:def']",                      "file"                },
		{"ssdeep",               "abc",						      NULL,							NULL                  },
		{"tlsh",                 "nothing",						  NULL,							NULL                  },
		{"imphash",              "f34d5f2d4577ed6d9ceec516c1f5a744",
                 "[file:extensions.'windows-pebinary-ext'.imphash = "
			"'f34d5f2d4577ed6d9ceec516c1f5a744']",												    NULL                  },
		{"filename",             "a.exe",						    "[file:name = 'a.exe']",                                     "file"                },
		{"filename|md5",         "a.exe|acbd18db4cc2f85cedef654fccc4a4d8",
                 "[file:hashes.'MD5' = 'acbd18db4cc2f85cedef654fccc4a4d8']",										      "file"                },
		{"filename|md5",         "a.exe",						    NULL,							NULL                  },
		{"email-src",            "clerk@evil.example",                                       "[email-addr:value = 'clerk@evil.example']",
                 "email-addr"																			   },
		{"email-subject",        "Hello",						    "[email-message:subject = 'Hello']",                         "email-message"       },
		{"email-x-mailer",       "M",							"[email-message:additional_header_fields.'X-Mailer' = 'M']",
                 "email-message"																			},
		{"mutex",                "m",							"[mutex:name = 'm']",                                        "mutex"               },
		{"regkey",               "HKLM\\\\a",
                 "[windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\\\\\\\a']",										    "windows-registry-key"},
		{"regkey|value",         "HKEY_USERS\\\\a|b",
                 "[windows-registry-key:key = 'HKEY_USERS\\\\\\\\a' AND "
			"windows-registry-key:values[*].data = 'b']",											     "windows-registry-key"},
		{"user-agent",           "curl",
                 "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'"
			" = 'curl']",															     NULL                  },
		{"AS",                   "64500",						    "[autonomous-system:number = 64500]",                        "autonomous-system"   },
		{"mac-address",          "00:53:00:00:00:01",                                        "[mac-addr:value = '00:53:00:00:00:01']",
                 "mac-addr"																			     },
		{"port",                 "443",						      "[network-traffic:dst_port = 443]",                          NULL                  },
		{"port",                 "65536",						    NULL,							NULL                  },
		{"jabber-id",            "a@b.example",					      "[user-account:account_login = 'a@b.example']",
                 "user-account"																			 },
		{"xmr",                  "4",							"[user-account:user_id = '4']",                              "user-account"        },
		{"cpe",                  "cpe:2.3:a:b:c:*:*:*:*:*:*:*:*",
                 "[software:cpe = 'cpe:2.3:a:b:c:*:*:*:*:*:*:*:*']",											      NULL                  },
		{"windows-service-name", "tide",
                 "[process:extensions.'windows-service-ext'.service_name = 'tide']",                                                                              NULL                  },
		{"stix2-pattern",        "[file:name = 'x']",                                        "[file:name = 'x']",                                         NULL                  },
		{"stix2-pattern",        "[file:name",                                               NULL,							NULL                  },
		{"comment",              "just words",					       NULL,							NULL                  },
		{"never-heard-of",       "something",						NULL,							NULL                  },
	};
	struct collect *c = *state;
	struct intel_import o = collect_options();

	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		for (unsigned to_ids = 0; to_ids < 2; to_ids++) {
			const char *wanted = to_ids ? cases[k].pattern : cases[k].observed;
			struct buf b = BUF_INIT;

			buf_printf(&b,
				"{\"Event\":" EVENT(
					",\"distribution\":3,\"Attribute\":[{\"type\":\"%s\","
					"\"uuid\":\"" U(
						"0001") "\",\"to_ids\":%s,\"value\":\"%s\"}]") "}",
				cases[k].type, to_ids ? "true" : "false", cases[k].value);
			c->known_count = 0;
			MUST(collect_bytes(c, &import_misp, buf_slice(&b), &o, e));
			assert_clean(c);
			assert_int_equal(c->refused, 0);
			/* a rule is one whether for detection or not */
			if (wanted == NULL && to_ids == 0 &&
				strcmp(cases[k].type, "stix2-pattern") == 0 &&
				cases[k].pattern != NULL)
				wanted = cases[k].pattern;
			if (wanted == NULL)
				assert_object(c, "\"type\":\"note\"", "\"note--" U("0001"));
			else
				assert_has(&c->objects, wanted);
			if (to_ids && wanted == NULL)
				assert_has(&c->losses, "to_ids (of what has no pattern)");
			buf_fini(&b);
		}
	}
}

/* A field that nobody knows is told; an empty one is not. */
static void test_losses(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();

	MUST(collect_bytes(c, &import_misp,
		SLICE("{\"Event\":" EVENT(
			",\"distribution\":3,\"novelty\":{\"a\":1},\"empty\":[],"
			"\"zero\":\"0\",\"no\":false,\"null\":null,\"Attribute\":["
			"{\"type\":\"md5\",\"value\":"
			"\"acbd18db4cc2f85cedef654fccc4a4d8\",\"shade\":\"x\"},"
			"{\"type\":\"md5\",\"value\":"
			"\"acbd18db4cc2f85cedef654fccc4a4d7\",\"shade\":\"y\"}]") "}"),
		&o, e));
	assert_clean(c);
	assert_has(&c->losses, "event: novelty: 1 without a place in STIX");
	assert_has(&c->losses, "attribute: shade: 2 without a place in STIX");
	/* a tag that is not to leave its server does not, but its TLP holds */
	MUST(collect_bytes(c, &import_misp,
		SLICE("{\"Event\":" EVENT(
			",\"distribution\":3,\"Tag\":[{\"name\":\"ours\","
			"\"exportable\":false},{\"name\":\"tlp:red\","
			"\"exportable\":false}],\"Attribute\":[{\"type\":\"yara\","
			"\"value\":\"rule\",\"first_seen\":\"2026-01-01\"}]") "}"),
		&o, e));
	assert_clean(c);
	assert_has_not(&c->objects, "\"ours\"");
	assert_object(c, "\"type\":\"indicator\"", RED);
	assert_has(&c->losses, "tag: name (of one that is not to leave its server): 2");
	assert_has(&c->losses, "to_ids (false, of a rule)");
	assert_has(&c->losses, "first_seen and last_seen (of what is no observation)");
	assert_has(&c->losses, "distribution 3 (besides its tag, TLP:red)");
	MUST(collect_bytes(c, &import_misp,
		SLICE("{\"Event\":" EVENT(",\"distribution\":3,\"novelty\":{\"a\":1},\"empty\":[],"
					  "\"zero\":\"0\",\"no\":false,\"null\":null") "}"),
		&o, e));
	assert_has_not(&c->losses, "empty");
	assert_has_not(&c->losses, "zero");
	assert_has_not(&c->losses, "null");
}

/* More than a report can name: parts, on both sides of the limit. */
static void test_report_limit(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();

	for (size_t extra = 0; extra < 2; extra++) {
		struct buf b = BUF_INIT;

		buf_text(&b,
			"{\"response\":[{\"Event\":{\"uuid\":\"" EVENT_UUID
			"\",\"info\":\"x\",\"date\":\"2026-01-05\",\"timestamp\":\"1767610000\","
			"\"distribution\":3,\"Attribute\":[");
		for (size_t k = 0; k < 18000 + extra; k++)
			buf_printf(&b,
				"%s{\"type\":\"domain\",\"uuid\":\"5a7c9e10-0001-4b21-8c3d-%"
				"012zu\","
				"\"to_ids\":true,\"value\":\"n%zu.example\"}",
				k == 0 ? "" : ",", k, k);
		buf_text(&b, "]}}]}");
		c->exact = true; /* the check of 18,000 like ones shows nothing */
		c->known_count = 0;
		MUST(collect_bytes(c, &import_misp, buf_slice(&b), &o, e));
		assert_int_equal(c->refused, 0);
		/* identity, marking, attributes, the event; two parts */
		assert_int_equal(c->objects_count, 2 + 18000 + extra + 1 + (extra ? 2 : 0));
		if (extra > 0)
			assert_has(&c->objects,
				"\"name\":\"x (TLP:green, objects from number 18001)\"");
		else
			assert_has_not(&c->objects, "objects from number");
		buf_fini(&b);
	}
}

/* Labels, attributes in one object, resolutions, different losses: on both sides of each limit. */
static void test_limits(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();

	for (unsigned extra = 0; extra < 2; extra++) {
		struct buf b = BUF_INIT;

		/* 500 labels of an event: threat level is one of them */
		buf_text(&b,
			"{\"Event\":{\"uuid\":\"" EVENT_UUID
			"\",\"info\":\"x\",\"distribution\":3,\"threat_level_id\":1,\"Tag\":[");
		for (unsigned k = 0; k < MISP_LABELS_MAX - 1 + extra; k++)
			buf_printf(&b, "%s{\"name\":\"t%u\"}", k == 0 ? "" : ",", k);
		/* 1000 values in one object: 500 names, 2 addresses, hashes that are none of it */
		buf_text(&b, "],\"Object\":[{\"name\":\"domain-ip\",\"uuid\":\"" U(
				     "0001") "\","
					     "\"Attribute\":[");
		for (unsigned k = 0; k < MISP_FACTS_MAX + extra; k++)
			buf_printf(&b,
				"%s{\"type\":\"domain\",\"object_relation\":\"domain\",\"value\":"
				"\"n%u.example\"}",
				k == 0 ? "" : ",", k);
		/* 400 resolutions: 200 or 201 names with two addresses */
		buf_text(&b,
			"]},{\"name\":\"domain-ip\",\"uuid\":\"" U("0002") "\",\"Attribute\":[");
		for (unsigned k = 0; k < 200 + extra; k++)
			buf_printf(&b,
				"{\"type\":\"domain\",\"object_relation\":\"domain\",\"value\":"
				"\"m%u.example\"},",
				k);
		buf_text(&b,
			"{\"type\":\"ip-dst\",\"object_relation\":\"ip\",\"value\":\"192.0.2.1\"},"
			"{\"type\":\"ip-dst\",\"object_relation\":\"ip\",\"value\":\"192.0.2.2\"}"
			"]}]}}");
		c->known_count = 0;
		MUST(collect_bytes(c, &import_misp, buf_slice(&b), &o, e));
		assert_clean(c);
		assert_int_equal(c->refused, 0);
		if (extra == 0) {
			assert_has_not(&c->losses, "labels beyond");
			assert_has_not(&c->objects, "domain: n");
			assert_has_not(&c->losses, "resolutions beyond");
		} else {
			assert_has(&c->losses, "tag: name (labels beyond 500): 1");
			assert_has(&c->objects, "\"content\":\"domain: n1000.example\"");
			assert_has(&c->losses, "(resolutions beyond 400)");
		}
		buf_fini(&b);
	}
	/* more different losses than are counted are told one by one */
	for (unsigned extra = 0; extra < 2; extra++) {
		struct buf b = BUF_INIT;

		buf_text(&b, "{\"Event\":{\"uuid\":\"" EVENT_UUID
			     "\",\"info\":\"x\",\"distribution\":3");
		/* one is the distribution that TLP stands for */
		for (unsigned k = 0; k < MISP_LOSSES_MAX - 1 + extra; k++)
			buf_printf(&b, ",\"f%u\":1", k);
		buf_text(&b, "}}");
		MUST(collect_bytes(c, &import_misp, buf_slice(&b), &o, e));
		assert_int_equal(c->lost, MISP_LOSSES_MAX + extra);
		assert_has(&c->losses, "distribution 3 (TLP:green stands for it)");
		buf_fini(&b);
	}
}

/* Content that does not fit into an object is told, not cut. */
static void test_data_limit(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();

	for (size_t extra = 0; extra < 2; extra++) {
		struct buf b = BUF_INIT;

		buf_text(&b, "{\"Event\":{\"uuid\":\"" EVENT_UUID
			     "\",\"info\":\"x\",\"distribution\":3,\"Attribute\":[{\"type\":"
			     "\"attachment\",\"uuid\":\"" U(
				     "0001") "\",\"value\":\"a.pdf\",\"data\":\"");
		for (size_t k = 0; k < (JSON_OBJECT_MAX - KIB(1)) / 4 + extra; k++)
			buf_text(&b, "AAAA");
		buf_text(&b, "\"}]}}");
		MUST(collect_bytes(c, &import_misp, buf_slice(&b), &o, e));
		assert_clean(c);
		if (extra == 0)
			assert_has(&c->objects, "\"type\":\"artifact\"");
		else
			assert_has(&c->losses, "data of ");
		assert_has(&c->objects, "\"name\":\"a.pdf\"");
		buf_fini(&b);
	}
	MUST(collect_bytes(c, &import_misp,
		SLICE("{\"Event\":" EVENT(
			",\"distribution\":3,\"Attribute\":[{\"type\":\"attachment\","
			"\"value\":\"a\",\"data\":\"=a=\"}]") "}"),
		&o, e));
	assert_has(&c->losses, "data is no base64");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_limits, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_types, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_losses, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_report_limit, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_data_limit, import_set_up, import_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
