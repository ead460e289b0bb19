/* SPDX-License-Identifier: MPL-2.0 */
/* MISP's markings: nothing gets freer than it was. */
#include "import_misp_testing.h"

static void test_markings(void **state)
{
	static const struct {
		const char *says;
		const char *rest;
		enum stix_tlp tlp;   /* of the options */
		const char *marking; /* of the attribute's indicator */
	} cases[] = {
		{"tag alone",			       ",\"distribution\":\"3\",\"Tag\":[{\"name\":\"tlp:white\"}]",
                 STIX_TLP_NONE,													   CLEAR       },
		{"upper case",                              ",\"distribution\":\"3\",\"Tag\":[{\"name\":\"TLP:RED\"}]",
                 STIX_TLP_NONE,													   RED         },
		{"strictest of two",
                 ",\"distribution\":\"3\",\"Tag\":[{\"name\":\"tlp:green\"},{\"name\":\"tlp:"
			"amber+strict\"}]",									       STIX_TLP_NONE,  AMBER_STRICT},
		{"unknown tag",                             ",\"distribution\":\"3\",\"Tag\":[{\"name\":\"tlp:mauve\"}]",
                 STIX_TLP_NONE,													   RED         },
		{"own organisation only",                   ",\"distribution\":\"0\"",                                    STIX_TLP_NONE,  AMBER_STRICT},
		{"own organisation only, whatever the tag",
                 ",\"distribution\":0,\"Tag\":[{\"name\":\"tlp:clear\"}]",                                                STIX_TLP_NONE,
                 AMBER_STRICT															 },
		{"this community",                          ",\"distribution\":\"1\"",                                    STIX_TLP_NONE,  AMBER       },
		{"connected communities",                   ",\"distribution\":\"2\"",                                    STIX_TLP_NONE,  GREEN       },
		{"all communities",                         ",\"distribution\":\"3\"",                                    STIX_TLP_NONE,  GREEN       },
		{"a sharing group",                         ",\"distribution\":\"4\"",                                    STIX_TLP_NONE,  AMBER_STRICT},
		{"an event cannot inherit",                 ",\"distribution\":\"5\"",                                    STIX_TLP_NONE,  RED         },
		{"no such distribution",                    ",\"distribution\":\"17\"",                                   STIX_TLP_NONE,  RED         },
		{"not a word",                              "",							   STIX_TLP_NONE,  AMBER       },
		{"the importer's is stricter",              ",\"distribution\":\"3\"",                                    STIX_TLP_RED,   RED         },
		{"the importer's is freer",                 ",\"distribution\":\"0\"",                                    STIX_TLP_CLEAR,
                 AMBER_STRICT															 },
	};
	struct collect *c = *state;
	struct intel_import o = collect_options();

	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		struct buf b = BUF_INIT;

		buf_printf(&b, "{\"Event\":" EVENT("%s" ONE) "}", cases[k].rest);
		o.tlp = cases[k].tlp;
		c->known_count = 0;
		MUST(collect_bytes(c, &import_misp, buf_slice(&b), &o, e));
		assert_clean(c);
		if (slice_find_text(
			    object_with(c, "\"type\":\"indicator\""), slice_of(cases[k].marking)) ==
			object_with(c, "\"type\":\"indicator\"").len)
			fail_msg("%s: %.*s", cases[k].says,
				SLICE_ARG(object_with(c, "\"type\":\"indicator\"")));
		assert_object(c, "\"type\":\"grouping\"", cases[k].marking);
		buf_fini(&b);
	}
}

static void test_attribute_markings(void **state)
{
	static const struct {
		const char *event;
		const char *attribute;
		const char *marking;
	} cases[] = {
		{"green", ",\"distribution\":\"5\"",             GREEN       },
		{"green", ",\"distribution\":\"0\"",             AMBER_STRICT},
		{"red",   ",\"distribution\":\"3\"",             RED         }, /* never wider than what is around it */
		{"amber", ",\"Tag\":[{\"name\":\"tlp:clear\"}]", CLEAR       }, /* its author's own word */
		{"green", ",\"Tag\":[{\"name\":\"tlp:red\"}]",   RED         },
	};
	struct collect *c = *state;
	struct intel_import o = collect_options();

	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		struct buf b = BUF_INIT;

		buf_printf(&b,
			"{\"Event\":" EVENT(
				",\"distribution\":\"3\",\"Tag\":[{\"name\":\"tlp:%s\"}],"
				"\"Attribute\":[{\"type\":\"ip-dst\",\"uuid\":\"" U(
					"0001") "\",\"to_ids\":true,\"value\":"
						"\"198.51.100.7\"%s}]") "}",
			cases[k].event, cases[k].attribute);
		c->known_count = 0;
		MUST(collect_bytes(c, &import_misp, buf_slice(&b), &o, e));
		assert_clean(c);
		assert_object(c, "\"type\":\"indicator\"", cases[k].marking);
		buf_fini(&b);
	}
}

/* The same address in a RED and in a CLEAR event: two objects, neither holding the other back. */
static void test_observables_apart(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	struct slice red;

#define OBSERVED                                                                                   \
	",\"Attribute\":[{\"type\":\"ip-dst\",\"uuid\":\"" U(                                      \
		"0001") "\",\"to_ids\":false,"                                                     \
			"\"value\":\"198.51.100.3\"}]"
	MUST(collect_bytes(c, &import_misp,
		SLICE("{\"Event\":" EVENT(
			",\"Tag\":[{\"name\":\"tlp:clear\"}],\"distribution\":3" OBSERVED) "}"),
		&o, e));
	/* the standard's own id, unmarked */
	assert_has(&c->objects,
		"\"id\":\"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4\",\"value\":"
		"\"198.51.100.3\"}");
	MUST(collect_bytes(c, &import_misp,
		SLICE("{\"Event\":" EVENT(
			",\"Tag\":[{\"name\":\"tlp:red\"}],\"distribution\":3" OBSERVED) "}"),
		&o, e));
	red = object_with(c, "\"type\":\"ipv4-addr\"");
	assert_true(slice_find_text(red, SLICE(RED)) < red.len);
	assert_int_equal(slice_find_text(red, SLICE("28bb3599")), red.len);
}

/* ---- attributes ----------------------------------------------------------------------------- */

/* What melts into another object would take over that one's marking: narrower things do not. */
static void test_no_leak(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	struct slice report;

	MUST(collect_bytes(c, &import_misp,
		SLICE("{\"Event\":" EVENT(
			",\"distribution\":3,\"published\":true,\"Attribute\":[{\"type\":\"link\","
			"\"uuid\":\"" U(
				"0001") "\",\"value\":\"https://secret.example/\",\"Tag\":[{"
					"\"name\":\"tlp:red\"}]},{\"type\":\"link\",\"uuid\":\"" U(
						"0002") "\","
							"\"value\":\"https://hidden.example/"
							"\",\"distribution\":0},{\"type\":\"link\","
							"\"uuid\":\"" U(
								"0003") "\",\"value\":\"https://"
									"open.example/"
									"\"}],\"Object\":[{"
									"\"name\":\"file\","
									"\"uuid\":\"" U(
										"0010") "\","
											"\"Attribut"
											"e\":[{"
											"\"type\":"
											"\"text\","
											"\"object_"
											"relation\""
											":\"state\""
											",\"uuid\":"
											"\"" U("001"
											       "1") "\",\"value\":"
												    "\"for us alone\",\"distribution\":\"0\"},{\"type\":\"filename\","
												    "\"object_relation\":\"filename\",\"uuid\":\"" U(
													    "0012") "\",\"value\":"
														    "\"ours.exe\",\"distribution\":\"0\"},{\"type\":\"text\",\"object_relation\":"
														    "\"state\",\"value\":\"for all\"}]}]") "}"),
		&o, e));
	assert_clean(c);
	report = object_with(c, "\"type\":\"report\"");
	assert_true(slice_find_text(report, SLICE("open.example")) < report.len);
	assert_int_equal(slice_find_text(report, SLICE("secret.example")), report.len);
	assert_int_equal(slice_find_text(report, SLICE("hidden.example")), report.len);
	assert_int_equal(slice_find_text(report, SLICE("note--" U("0001"))), report.len);
	assert_object(c, "https://secret.example/", RED);
	assert_object(c, "https://hidden.example/", AMBER_STRICT);
	assert_object(c, "for us alone", AMBER_STRICT);
	assert_object(c, "\"name\":\"ours.exe\"", AMBER_STRICT);
	assert_object(c, "\"content\":\"state: for all\"", GREEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_markings, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(
			test_attribute_markings, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(
			test_observables_apart, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_no_leak, import_set_up, import_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
