/* SPDX-License-Identifier: MPL-2.0 */
/* The truth that others published (verdicts, identifiers, TLP, ATT&CK), facts, bundles, limits. */
#include "check_testing.h"

/* ---- verdicts of the OASIS validator's tests ------------------------------------------------- */

/*
 * Cases whose published verdict the text of the standard contradicts; docs/conformance.md argues
 * each. Verdict and error: what stands in the file, and the clause of our finding (NULL: none).
 */
static const struct {
	size_t from, to; /* numbers of cases */
	bool valid;
	const char *clause;
} exceptions[] = {
	{41,  41,  true,  "3.1 Property Names" }, /* a name of 256 characters */
	{97,  97,  true,  "7.2.1.4 TLP Marking"}, /* TLP:GREEN's id on another definition */
	{101, 101, true,  "7.2.1.4 TLP Marking"},
	{107, 107, true,  "2.9 Identifier"     }, /* a UUID of 31 digits */
	{109, 112, true,  "2.9 Identifier"     },
        {114, 114, true,  "2.9 Identifier"     },
	{116, 117, true,  "2.9 Identifier"     },
        {170, 170, false, NULL                 }, /* bbb is Barai, RFC 5646 */
};

static bool is_exception(size_t number, bool valid, const struct stix_report *r)
{
	for (size_t i = 0; i < COUNT_OF(exceptions); i++) {
		if (number < exceptions[i].from || number > exceptions[i].to ||
			valid != exceptions[i].valid)
			continue;
		if (exceptions[i].clause == NULL)
			return r->errors == 0;
		for (size_t k = 0; k < r->count; k++)
			if (r->findings[k].level == STIX_ERROR &&
				strcmp(r->findings[k].clause, exceptions[i].clause) == 0)
				return true;
	}
	return false;
}

/* An object, a bundle with its objects, or a list of objects: the errors in all of it. */
static size_t errors_in(struct check_test *t, struct json_value value)
{
	struct json_value objects = value, object;
	struct json_iter it;
	size_t errors = 0;
	struct err e;

	if (slice_is(json_get_string(value, "type"), "bundle")) {
		stix_report_reset(&t->report);
		assert_int_equal(stix_check_bundle(value, &t->report, &e), OK);
		errors = t->report.errors;
		assert_true(json_get(value, "objects", &objects));
	} else if (json_is_object(value)) {
		check_run(t, value, NULL);
		return t->report.errors;
	}
	it = json_iter(objects);
	while (json_array_next(&it, &object)) {
		check_run(t, object, NULL);
		errors += t->report.errors;
	}
	return errors;
}

static void test_verdicts(void **state)
{
	struct check_test *t = *state;
	struct buf text = testing_data_read("stix/object-verdicts.json");
	struct json_value c, object, valid;
	struct json_iter it;
	size_t number = 0, excepted = 0;

	assert_int_equal(json_parse(t->parser, buf_slice(&text), &t->doc, NULL), OK);
	it = json_iter(json_root(&t->doc));
	for (; json_array_next(&it, &c); number++) {
		assert_true(json_get(c, "object", &object) && json_get(c, "valid", &valid));
		if ((errors_in(t, object) == 0) == json_is_true(valid))
			continue;
		if (!is_exception(number, json_is_true(valid), &t->report)) {
			check_print(&t->report);
			fail_msg("case %zu: the verdict is %s", number,
				json_is_true(valid) ? "valid" : "invalid");
		}
		excepted++;
	}
	assert_int_equal(number, 225);
	assert_int_equal(excepted, 12);
	buf_fini(&text);
}

/* ---- deterministic identifiers --------------------------------------------------------------- */

static void test_observable_ids(void **state)
{
	struct check_test *t = *state;
	struct buf text = testing_data_read("stix/sco-ids.json");
	struct json_value c, object;
	struct json_iter it;
	size_t cases = 0;
	char id[STIX_ID_MAX + 1];

	assert_int_equal(json_parse(t->parser, buf_slice(&text), &t->doc, NULL), OK);
	it = json_iter(json_root(&t->doc));
	for (; json_array_next(&it, &c); cases++) {
		bool deterministic = false;
		struct uuid uuid;

		assert_true(json_get(c, "object", &object));
		assert_int_equal(stix_observable_id(object, &deterministic, &uuid, NULL), OK);
		assert_true(deterministic);
		stix_id_format(json_get_string(object, "type"), &uuid, id);
		if (!slice_is(json_get_string(c, "id"), id))
			fail_msg("%s, expected %.*s", id, SLICE_ARG(json_get_string(c, "id")));
	}
	assert_int_equal(cases, 26);
	buf_fini(&text);
}

static void test_observable_id_rules(void **state)
{
	/* Which properties count, and which of the hashes; each pair has the same id, or not. */
	static const struct {
		const char *why;
		const char *a, *b;
		bool same;
	} pairs[] = {
		{"order does not count",              SCO("software",          ",'name':'a','vendor':'b'"),
                 SCO("software",														      ",'vendor':'b','name':'a'"),           true },
		{"others do not count",               SCO("mutex",             ",'name':'a'"),
                 SCO("mutex",															 ",'name':'a','x_b':1"),                true },
		{"the name counts",                   SCO("mutex",             ",'name':'a'"),                                           SCO("mutex", ",'name':'b'"),
                 false																					    },
		{"MD5 before SHA-1",                  SCO("file",              ",'hashes':{'SHA-1':'a','MD5':'b'}"),
                 SCO("file",															  ",'hashes':{'MD5':'b'}"),              true },
		{"SHA-256 before SHA-512",            SCO("file",              ",'hashes':{'SHA-512':'a','SHA-256':'b'}"),
                 SCO("file",															  ",'hashes':{'SHA-256':'b'}"),          true },
		{"else the first by name",            SCO("file",              ",'hashes':{'TLSH':'a','SSDEEP':'b'}"),
                 SCO("file",															  ",'hashes':{'SSDEEP':'b'}"),           true },
		{"names in the order of UTF-16",
                 SCO("file",						   ",'hashes':{'\xef\xbd\xa1':'a','\xf0\x90\x80\x80':'b'}"),
                 SCO("file",															  ",'hashes':{'\xf0\x90\x80\x80':'b'}"), true },
		{"numbers as ECMAScript prints them", SCO("autonomous-system", ",'number':5"),
                 SCO("autonomous-system",													     ",'number':5.0"),                      true },
		{"all registry values",
                 SCO("windows-registry-key",                                   ",'values':[{'name':'a'},{'name':'b'}]"),
                 SCO("windows-registry-key",													  ",'values':[{'name':'a'}]"),           false},
	};
	struct check_test *t = *state;
	bool deterministic;
	struct uuid a, b;
	struct err e;

	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		assert_int_equal(
			stix_observable_id(check_parse(t, pairs[i].a), &deterministic, &a, &e), OK);
		assert_int_equal(
			stix_observable_id(check_parse(t, pairs[i].b), &deterministic, &b, &e), OK);
		if (uuid_equal(&a, &b) != pairs[i].same)
			fail_msg("%s", pairs[i].why);
	}
	b = a;
	assert_int_equal(stix_observable_id(check_parse(t, SCO("process", ",'pid':1")),
				 &deterministic, &a, &e),
		OK);
	assert_false(deterministic);
	assert_true(uuid_equal(&a, &b));
	assert_int_equal(
		stix_observable_id(check_parse(t, CORE("tool", "")), &deterministic, &a, &e),
		ERR_INVALID);
	assert_string_equal(
		e.text, "deterministic identifier: type \"tool\" is no observable of STIX 2.1");
	assert_int_equal(
		stix_observable_id(check_parse(t, "5"), &deterministic, &a, &e), ERR_INVALID);
}

/* ---- Traffic Light Protocol ------------------------------------------------------------------ */

static void test_tlp_data(void **state)
{
	struct check_test *t = *state;
	struct json_parser *other = json_parser_new(KIB(16));
	struct buf text = testing_data_read("stix/tlp.json");
	struct json_value list, object;
	struct json_doc doc, standard;
	size_t count = 0;

	assert_int_equal(json_parse(other, buf_slice(&text), &doc, NULL), OK);
	for (int version = 1; version <= 2; version++) {
		struct json_iter it;

		assert_true(json_get(json_root(&doc), version == 1 ? "tlp_1" : "tlp_2", &list));
		it = json_iter(list);
		for (; json_array_next(&it, &object); count++) {
			struct stix_facts facts;
			struct slice ours;

			check_run(t, object, &facts);
			assert_int_equal(t->report.errors, 0);
			assert_int_not_equal(stix_tlp_of(&facts.key.uuid), STIX_TLP_NONE);
			assert_int_equal(stix_marking_kind_of(object), STIX_MARKING_TLP);
			ours = stix_tlp_object(&facts.key.uuid);
			assert_int_equal(json_parse(t->parser, ours, &standard, NULL), OK);
			assert_true(json_equal(object, json_root(&standard)));
		}
	}
	assert_int_equal(count, 9);
	json_parser_free(other);
	buf_fini(&text);
}

static void test_tlp(void **state)
{
	static const struct {
		const char *name;
		bool ok;
		enum stix_tlp tlp;
	} cases[] = {
		{"clear",            true,  STIX_TLP_CLEAR       },
		{"WHITE",            true,  STIX_TLP_CLEAR       },
		{"TLP:Amber+Strict", true,  STIX_TLP_AMBER_STRICT},
		{"tlp:red",          true,  STIX_TLP_RED         },
		{"none",             true,  STIX_TLP_NONE        },
		{"pink",             false, 0                    },
		{"",                 false, 0                    },
		{"tlp:",             false, 0                    },
	};
	struct uuid ids[2], nobody = {{1}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		enum stix_tlp tlp = STIX_TLP_NONE;

		if (stix_tlp_parse(slice_of(cases[i].name), &tlp) != cases[i].ok ||
			tlp != cases[i].tlp)
			fail_msg("%s", cases[i].name);
	}
	for (enum stix_tlp tlp = STIX_TLP_CLEAR; tlp <= STIX_TLP_RED; tlp++) {
		size_t count = stix_tlp_ids(tlp, ids);
		enum stix_tlp again;

		assert_int_equal(count, tlp == STIX_TLP_AMBER_STRICT ? 1 : 2);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(stix_tlp_of(&ids[i]), tlp);
		assert_true(stix_tlp_parse(slice_of(stix_tlp_name(tlp)), &again));
		assert_int_equal(again, tlp);
	}
	assert_int_equal(stix_tlp_ids(STIX_TLP_NONE, ids), 0);
	assert_int_equal(stix_tlp_of(&nobody), STIX_TLP_NONE);
	assert_int_equal(stix_tlp_object(&nobody).len, 0);
	assert_string_equal(stix_tlp_name((enum stix_tlp)77), "none");
}

#define MARKING(rest) "{'type':'marking-definition','id':'marking-definition--" V4 "'" rest "}"

static void test_marking_kinds(void **state)
{
	static const struct {
		const char *why;
		const char *object;
		enum stix_marking_kind kind;
	} cases[] = {
		{"a statement",
                 MARKING(",'definition_type':'statement','definition':{'statement':'a'}"),
                 STIX_MARKING_STATEMENT											       },
		{"TLP, whatever it says",
                 "{'type':'marking-definition','id':'marking-definition--34098fce-860f-48ae-"
			"8e50-ebd3cc5e41da',"
			"'definition_type':'statement','definition':{'statement':'a'}}",			      STIX_MARKING_TLP},
		{"a statement with more",
                 MARKING(",'definition_type':'statement','definition':{'statement':'a','but'"
				":'b'}"),
                 STIX_MARKING_UNKNOWN												 },
		{"a statement with an extension",
                 MARKING(",'definition_type':'statement','definition':{'statement':'a'},'"
				"extensions':{}"),
                 STIX_MARKING_UNKNOWN												 },
		{"another kind",                  MARKING(",'definition_type':'iep','definition':{'statement':'a'}"),
                 STIX_MARKING_UNKNOWN												 },
		{"a statement of numbers",
                 MARKING(",'definition_type':'statement','definition':{'statement':5}"),
                 STIX_MARKING_UNKNOWN												 },
		{"says tlp with another id",
                 MARKING(",'definition_type':'tlp','definition':{'tlp':'clear'}"),
                 STIX_MARKING_UNKNOWN												 },
		{"no marking",
                 CORE("tool",
                 ",'definition_type':'statement','definition':{'statement':'a'}"),
                 STIX_MARKING_UNKNOWN},
		{"PAP",			       MARKING(",'extensions':{'" STIX_PAP_EXTENSION "':{'pap':'red'}}"),
                 STIX_MARKING_RESTRICTION             },
		{"IEP, whatever it says",
                 MARKING(",'extensions':{'" STIX_IEP_EXTENSION "':{'pap':'red'}}"),
                 STIX_MARKING_RESTRICTION						    },
		{"both",
                 MARKING(",'extensions':{'" STIX_IEP_EXTENSION "':{},'" STIX_PAP_EXTENSION
				"':{}}"),
                 STIX_MARKING_RESTRICTION											      },
		{"PAP with another extension",
                 MARKING(",'extensions':{'" STIX_PAP_EXTENSION "':{'pap':'red'},'x':{}}"),
                 STIX_MARKING_UNKNOWN					     },
		{"PAP beside a statement",
                 MARKING(",'definition_type':'statement','definition':{'statement':'a'},"
				"'extensions':{'" STIX_PAP_EXTENSION "':{'pap':'red'}}"),
                 STIX_MARKING_UNKNOWN					      },
		{"PAP beside a definition",
                 MARKING(",'definition':{},'extensions':{'" STIX_PAP_EXTENSION
				"':{'pap':'red'}}"),
                 STIX_MARKING_UNKNOWN										   },
		{"no extension",                               MARKING(",'extensions':{}"),										    STIX_MARKING_UNKNOWN},
		{"a list of extensions",                               MARKING(",'extensions':['" STIX_PAP_EXTENSION "']"),
                 STIX_MARKING_UNKNOWN						   },
		{"PAP of another type",
                 CORE("tool",									     ",'extensions':{'" STIX_PAP_EXTENSION "':{'pap':'red'}}"),
                 STIX_MARKING_UNKNOWN},
		{"no object",            "[]",									      STIX_MARKING_UNKNOWN										   },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (stix_marking_kind_of(check_parse(*state, cases[i].object)) != cases[i].kind)
			fail_msg("%s", cases[i].why);
}

/* ---- ATT&CK
 * ------------------------------------------------------------------------------------------------------
 */

/* Errors must be what the data really lacks: enterprise was published before malware.is_family. */
static void attack_file(
	struct check_test *t, const char *name, size_t objects_wanted, size_t errors_wanted)
{
	struct buf text = testing_data_read(name);
	struct json_value objects, object;
	struct json_iter it;
	size_t count = 0, errors = 0, quiet = 0;

	assert_int_equal(json_parse(t->parser, buf_slice(&text), &t->doc, NULL), OK);
	assert_true(json_get(json_root(&t->doc), "objects", &objects));
	it = json_iter(objects);
	for (; json_array_next(&it, &object); count++) {
		struct stix_facts facts;

		t->report.errors_only = false;
		check_run(t, object, &facts);
		for (size_t i = 0; i < t->report.count; i++)
			if (t->report.findings[i].level == STIX_ERROR &&
				(!slice_is(t->report.findings[i].path, "is_family") ||
					!slice_is(facts.key.type, "malware")))
				fail_msg("%.*s: %s", SLICE_ARG(facts.id),
					t->report.findings[i].clause);
		errors += t->report.errors;
		assert_int_not_equal(facts.created_us, 0);
		t->report.errors_only = true;
		check_run(t, object, NULL);
		assert_int_equal(t->report.warnings, 0);
		quiet += t->report.errors;
	}
	t->report.errors_only = false;
	assert_int_equal(count, objects_wanted);
	assert_int_equal(errors, errors_wanted);
	assert_int_equal(quiet, errors_wanted);
	buf_fini(&text);
}

static void test_attack(void **state)
{
	attack_file(*state, "stix/ics-attack-18.1.json.gz", 1826, 0);
	attack_file(*state, "stix/enterprise-attack.json.gz", 24771, 696);
}

/* ---- facts
 * ----------------------------------------------------------------------------------------------------------
 */

static void test_facts(void **state)
{
	struct check_test *t = *state;
	struct stix_facts f;
	char id[UUID_TEXT_LEN + 1];

	check_run(t,
		check_parse(t,
			CORE("report",
				",'name':'A report','description':'About "
				"it','published':'2020-01-01T00:00:00Z','lang':'en','"
				"confidence':85,"
				"'labels':['a','b'],'revoked':true,'created_by_ref'"
				":" REF("identity") ",'x_reviewed_by_ref':" REF(
					"iden"
					"tit"
					"y") ",'object_refs':[" REF("tool") "," REF("x-a") "],"
											   "'object"
											   "_markin"
											   "g_refs'"
											   ":['"
											   "marking"
											   "-"
											   "definit"
											   "ion--"
											   "f88d31f"
											   "6-"
											   "486f-"
											   "44da-"
											   "b317-"
											   "01333bd"
											   "e0b82',"
											   "'"
											   "marking"
											   "-defini"
											   "tion--"
											   "34098fc"
											   "e-860f-"
											   "48ae-"
											   "8e50-"
											   "ebd3cc5"
											   "e41da']"
											   ","
											   "'granul"
											   "ar_"
											   "marking"
											   "s':["
											   "{'"
											   "marking"
											   "_ref':'"
											   "marking"
											   "-defini"
											   "tion--"
											   "f88d31f"
											   "6-486f-"
											   "44da-"
											   "b317-"
											   "01333bd"
											   "e0b82',"
											   "'"
											   "selecto"
											   "rs':['"
											   "name']}"
											   "]")),
		&f);
	assert_int_equal(t->report.errors, 0);
	assert_true(slice_is(f.id, "report--" V4));
	assert_true(slice_is(f.key.type, "report"));
	uuid_format(&f.key.uuid, id);
	assert_string_equal(id, V4);
	assert_int_equal(f.class, STIX_SDO);
	assert_true(f.versioned && f.revoked);
	assert_int_equal(f.created_us, INT64_C(1577836800000000));
	assert_int_equal(f.modified_us, INT64_C(1577836800000000));
	assert_true(slice_is(f.name, "A report") && slice_is(f.description, "About it") &&
		    slice_is(f.lang, "en"));
	assert_int_equal(f.confidence, 85);
	assert_int_equal(json_count(f.labels), 2);
	assert_int_equal(f.references_count, 7);
	assert_true(slice_is(f.references[0].property, "created_by_ref"));
	assert_true(slice_is(f.references[1].property, "x_reviewed_by_ref"));
	assert_true(slice_is(f.references[3].property, "object_refs") &&
		    slice_is(f.references[3].target.type, "x-a"));
	assert_true(slice_is(f.references[6].property, "granular_markings"));
	assert_int_equal(f.markings_count, 2); /* sorted, each once */
	assert_int_equal(stix_tlp_of(&f.markings[0]), STIX_TLP_GREEN);
	assert_int_equal(stix_tlp_of(&f.markings[1]), STIX_TLP_AMBER);

	check_run(t, check_parse(t, SCO("ipv4-addr", ",'value':'192.0.2.1'")), &f);
	assert_int_equal(f.class, STIX_SCO);
	assert_false(f.versioned);
	assert_int_equal(f.modified_us, 0);
	assert_int_equal(f.confidence, -1);
	assert_true(slice_is(f.name, "192.0.2.1"));
	assert_null(f.labels.doc);

	check_run(t,
		check_parse(t, "{'type':'marking-definition','id':'marking-definition--" V4
			       "','created':'2020-01-01T00:00:00.000Z'}"),
		&f);
	assert_false(f.versioned);
	assert_int_equal(f.modified_us, f.created_us);

	/* As much as a broken object allows. */
	check_run(t,
		check_parse(t,
			"{'type':'tool','name':5,'description':'a','created':'x','id':'tool--" V4
			"'}"),
		&f);
	assert_null(f.name.data);
	assert_true(slice_is(f.description, "a"));
	assert_int_equal(f.created_us, 0);
	check_run(t, check_parse(t, "[]"), &f);
	assert_null(f.id.data);
}

static void test_names(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} ids[] = {
		{"tool--" V4,					true },
		{"x-my-type9--" V4,                                  true },
		{"tool-" V4,					 false},
		{"to--" V4,					  false},
		{"tool---" V4,				       false},
		{"a--b--" V4,					false},
		{"9tool--" V4,				       false},
		{"Tool--" V4,					false},
		{"tool--" V4 "0",				    false},
		{"tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3g",       false},
		{"tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd\x13"
		 "f",			       false},
		{"tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd\xc3\xbc", false},
		{"tool--8e2e2d2b017d4-4cbf-938f-98ee46b3cd3f",       false},
		{V4,						 false},
		{"",						 false},
	};
	struct stix_id id;
	char text[STIX_ID_MAX + 1];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		if (stix_id_parse(slice_of(ids[i].text), &id) != ids[i].ok)
			fail_msg("%s", ids[i].text);
		if (ids[i].ok) {
			stix_id_format(id.type, &id.uuid, text);
			assert_string_equal(text, ids[i].text);
		}
	}
	assert_int_equal(stix_class_of(SLICE("vulnerability")), STIX_SDO);
	assert_int_equal(stix_class_of(SLICE("sighting")), STIX_SRO);
	assert_int_equal(stix_class_of(SLICE("x509-certificate")), STIX_SCO);
	assert_int_equal(stix_class_of(SLICE("extension-definition")), STIX_META);
	assert_int_equal(stix_class_of(SLICE("bundle")), STIX_BUNDLE);
	assert_int_equal(stix_class_of(SLICE("ntfs-ext")), STIX_CUSTOM);
	assert_int_equal(stix_class_of(SLICE("x-a")), STIX_CUSTOM);
	assert_int_equal(stix_class_of(SLICE("")), STIX_CUSTOM);
	assert_string_equal(stix_class_name(STIX_SCO), "observable");
	assert_string_equal(stix_class_name((enum stix_class)77), "custom");
}

/* Every digit of a UUID in every place, against the one in base. */
static void test_uuid_digits(void **state)
{
	char text[] = "tool--" V4;
	struct stix_id id;
	struct uuid uuid;

	(void)state;
	for (size_t at = 6; at < sizeof(text) - 1; at++) {
		char was = text[at];

		for (int c = 1; c < 256; c++) {
			bool ok;

			text[at] = (char)c;
			ok = uuid_parse(slice_of(text + 6), &uuid);
			assert_int_equal(stix_id_parse(slice_of(text), &id), ok);
			if (ok)
				assert_true(uuid_equal(&uuid, &id.uuid));
		}
		text[at] = was;
	}
}

/* ---- bundles
 * ------------------------------------------------------------------------------------------------------------
 */

static void test_bundle(void **state)
{
	static const struct {
		const char *why;
		const char *bundle;
		size_t errors, warnings;
	} cases[] = {
		{"a bundle",                     "{'type':'bundle','id':'bundle--" V4 "'}",                0, 0},
		{"with objects",                 "{'type':'bundle','id':'bundle--" V4 "','objects':[{}]}", 0, 0},
		{"with none",                    "{'type':'bundle','id':'bundle--" V4 "','objects':[]}",   1, 0},
		{"custom property",              "{'type':'bundle','id':'bundle--" V4 "','x_a':1}",        0, 1},
		{"spec_version was of STIX 2.0",
                 "{'type':'bundle','id':'bundle--" V4 "','spec_version':'2.0'}",                           0, 2},
		{"bad property",                 "{'type':'bundle','id':'bundle--" V4 "','X':1}",          1, 0},
		{"no id",                        "{'type':'bundle'}",                                      1, 0},
		{"another id",                   "{'type':'bundle','id':'tool--" V4 "'}",                  1, 0},
		{"another type",                 "{'type':'tool','id':'tool--" V4 "'}",                    1, 0},
		{"no type",                      "{'id':'bundle--" V4 "'}",                                2, 0},
		{"no object",                    "5",						      1, 0},
	};
	struct check_test *t = *state;
	struct err e;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		stix_report_reset(&t->report);
		assert_int_equal(
			stix_check_bundle(check_parse(t, cases[i].bundle), &t->report, &e), OK);
		if (t->report.errors != cases[i].errors ||
			t->report.warnings != cases[i].warnings) {
			check_print(&t->report);
			fail_msg("%s", cases[i].why);
		}
	}
}

/* ---- limits
 * -----------------------------------------------------------------------------------------------------------------
 */

static void test_findings_limit(void **state)
{
	struct check_test *t = *state;
	struct buf text = BUF_INIT;

	for (size_t bad = STIX_FINDINGS_MAX - 1; bad <= STIX_FINDINGS_MAX + 1; bad++) {
		buf_clear(&text);
		buf_text(&text, "{'type':'x-a','id':'x-a--" V4 "','labels':[");
		for (size_t i = 0; i < bad; i++)
			buf_text(&text, i == 0 ? "5" : ",5");
		buf_text(&text, "]}");
		buf_char(&text, '\0');
		t->report.errors_only = true;
		check_run(t, check_parse(t, text.data), NULL);
		t->report.errors_only = false;
		assert_int_equal(t->report.errors, bad);
		assert_int_equal(
			t->report.count, bad > STIX_FINDINGS_MAX ? STIX_FINDINGS_MAX : bad);
		assert_int_equal(t->report.dropped, bad - t->report.count);
	}
	buf_fini(&text);
}

static void test_references_limit(void **state)
{
	struct check_test *t = *state;
	struct buf text = BUF_INIT;
	struct stix_facts f;

	for (size_t count = STIX_REFERENCES_MAX; count <= STIX_REFERENCES_MAX + 1; count++) {
		buf_clear(&text);
		buf_text(&text, CORE("note", ",'content':'a','object_refs':["));
		text.len--; /* the brace that CORE put */
		for (size_t i = 0; i < count; i++)
			buf_text(&text, i == 0 ? REF("tool") : "," REF("tool"));
		buf_text(&text, "]}");
		buf_char(&text, '\0');
		check_run(t, check_parse(t, text.data), &f);
		assert_int_equal(t->report.errors, count > STIX_REFERENCES_MAX);
		assert_int_equal(f.references_count, STIX_REFERENCES_MAX);
	}
	buf_fini(&text);
}

/* A million steps for selectors: 1,000 of them into a list of 1,000 are too many with the rest. */
static void test_steps_limit(void **state)
{
	struct check_test *t = *state;
	struct buf text = BUF_INIT;

	for (size_t selectors = 900; selectors <= 1100; selectors += 200) {
		buf_clear(&text);
		buf_text(&text, "{'x_a':[");
		for (size_t i = 0; i < 1000; i++)
			buf_text(&text, i == 0 ? "0" : ",0");
		buf_text(&text, "],'type':'x-a','id':'x-a--" V4
				"','granular_markings':[{'lang':'de','selectors':[");
		for (size_t i = 0; i < selectors; i++)
			buf_text(&text, i == 0 ? "'x_a.[999]'" : ",'x_a.[999]'");
		buf_text(&text, "]}]}");
		buf_char(&text, '\0');
		check_run(t, check_parse(t, text.data), NULL);
		assert_int_equal(t->report.errors, selectors > 1000);
	}
	buf_fini(&text);
}

/* Foreign text in a message or path is cut, and draws nothing. */
static void test_harmless(void **state)
{
	struct check_test *t = *state;

	check_run(t,
		check_parse(t, CORE("campaign", ",'name':'a','lang':'\\u001b["
						"31m\\u202e\\u0085\xc3\xbc','a\\u0007b':1")),
		NULL);
	assert_int_equal(t->report.errors, 2);
	assert_true(slice_is(t->report.findings[0].message,
		"expected a language code of RFC 5646, found \"?[31m??\xc3\xbc\""));
	assert_true(slice_is(t->report.findings[1].path, "a?b"));
	check_run(t,
		check_parse(
			t, CORE("campaign", ",'name':'a','lang':'"
					    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
					    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'")),
		NULL);
	assert_true(slice_ends(t->report.findings[0].message, SLICE("aaa...\"")));
}

static void test_no_memory(void **state)
{
	struct check_test *t = *state;
	struct json_value object = check_parse(
		t, CORE("campaign",
			   ",'created_by_ref':" REF("identity") ",'object_marking_refs':[" REF(
				   "marking-definition") "],'lang':'foo'"));
	bool failed = false, done = false;
	struct err e;

	for (size_t bytes = 0; bytes <= KIB(8); bytes += 64) {
		struct stix_report report = {.arena = arena_new(bytes)};
		enum err_kind kind = stix_check(object, &report, NULL, &e);

		assert_true(kind == OK || kind == ERR_NOMEM);
		failed |= kind != OK;
		done |= kind == OK;
		arena_free(report.arena);
	}
	assert_true(failed && done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_observable_ids),
		cmocka_unit_test(test_observable_id_rules),
		cmocka_unit_test(test_tlp_data),
		cmocka_unit_test(test_tlp),
		cmocka_unit_test(test_marking_kinds),
		cmocka_unit_test(test_attack),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_uuid_digits),
		cmocka_unit_test(test_bundle),
		cmocka_unit_test(test_findings_limit),
		cmocka_unit_test(test_references_limit),
		cmocka_unit_test(test_steps_limit),
		cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
