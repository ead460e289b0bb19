/* SPDX-License-Identifier: MPL-2.0 */
/* MISP events and feeds: what becomes of each type, what is given back as it came, what is told. */
#include "export_misp.h"
#include "export_testing.h"

#define TIMES "\"created\":\"2025-01-02T03:04:05.000Z\",\"modified\":\"2025-01-03T00:00:00.000Z\""
#define HEAD(type, uuid)                                                                           \
	"{\"type\":\"" type "\",\"spec_version\":\"2.1\",\"id\":\"" type "--" uuid "\"," TIMES ","
#define BY "\"created_by_ref\":\"identity--" ORG "\","

#define ORG    "00000000-0000-4000-8000-000000000001"
#define REPORT "00000000-0000-4000-8000-000000000002"
#define ID_A   "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
#define ID_B   "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
#define ID_C   "cccccccc-cccc-4ccc-8ccc-cccccccccccc"
#define ID_D   "dddddddd-dddd-4ddd-8ddd-dddddddddddd"
#define ID_E   "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee"
#define ID_F   "ffffffff-ffff-4fff-8fff-ffffffffffff"
#define MD5    "d41d8cd98f00b204e9800998ecf8427e"
#define AMBER  "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
#define RED    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
#define GREEN  "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"

#define IDENTITY HEAD("identity", ORG) "\"name\":\"CERT X\",\"contact_information\":\"x@y\"}"

static const struct intel_export plain;

struct fixture {
	struct testing t;
	struct json_parser *parser;
	struct json_doc doc;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	f->parser = json_parser_new(MIB(4));
	*state = f;
	return f->parser == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	testing_clear(&f->t);
	json_parser_free(f->parser);
	free(f);
	return 0;
}

static void run(struct fixture *f, const struct exporter *exporter,
	const struct intel_export *options, const char *const *objects)
{
	struct err e;

	f->t.objects = objects;
	if (testing_run(&f->t, exporter, options, &e) != OK)
		fail_msg("%s", e.text);
}

static struct json_value parsed(struct fixture *f, const char *name)
{
	const char *text = testing_file(&f->t, name);
	struct err e;

	if (text == NULL)
		fail_msg("no file \"%s\"", name);
	if (json_parse(f->parser, slice_of(text), &f->doc, &e) != OK)
		fail_msg("%s\n%s", e.text, text);
	return json_root(&f->doc);
}

static struct json_value at(struct json_value v, const char *name)
{
	struct json_value member;

	if (!json_get(v, name, &member))
		fail_msg("no member \"%s\"", name);
	return member;
}

static struct json_value item(struct json_value list, size_t number)
{
	struct json_iter it = json_iter(list);
	struct json_value v = list;

	assert_true(json_is_array(list));
	for (size_t k = 0; k <= number; k++) {
		if (!json_array_next(&it, &v))
			fail_msg("no item %zu", number);
	}
	return v;
}

static void assert_text(struct json_value v, const char *name, const char *expected)
{
	struct slice got = json_get_string(v, name);

	if (!slice_is(got, expected))
		fail_msg("%s is \"%.*s\", not \"%s\"", name, SLICE_ARG(got), expected);
}

/* The only event of a file of events. */
static struct json_value event_of(struct fixture *f, size_t number)
{
	return at(item(at(parsed(f, ""), "response"), number), "Event");
}

static bool has_tag(struct json_value v, const char *name)
{
	struct json_iter it = json_iter(at(v, "Tag"));
	struct json_value tag;

	while (json_array_next(&it, &tag)) {
		if (slice_is(json_get_string(tag, "name"), name))
			return true;
	}
	return false;
}

/* The attribute with that value, anywhere in the event. */
static struct json_value attribute(struct json_value event, const char *value)
{
	struct json_iter it = json_iter(at(event, "Attribute")), objects;
	struct json_value a, object;

	while (json_array_next(&it, &a)) {
		if (slice_is(json_get_string(a, "value"), value))
			return a;
	}
	objects = json_iter(at(event, "Object"));
	while (json_array_next(&objects, &object)) {
		it = json_iter(at(object, "Attribute"));
		while (json_array_next(&it, &a)) {
			if (slice_is(json_get_string(a, "value"), value))
				return a;
		}
	}
	fail_msg("no attribute \"%s\"", value);
	return event;
}

/* ---- a report ------------------------------------------------------------------------------- */

static const char *const report_objects[] = {IDENTITY,
	HEAD("indicator", ID_A) BY
	"\"name\":\"Bad\",\"description\":\"Seen\",\"pattern\":\"[ipv4-addr:value = '192.0.2.1']\","
	"\"pattern_type\":\"stix\",\"valid_from\":\"2025-01-02T00:00:00Z\",\"confidence\":75,"
	"\"labels\":[\"l\"],"
	"\"object_marking_refs\":[\"" RED "\"]}",
	HEAD("indicator", ID_B) BY
	"\"name\":\"x\",\"pattern\":\"[file:name = 'a'] FOLLOWEDBY [file:name = "
	"'b']\",\"pattern_type\":\"stix\","
	"\"valid_from\":\"2025-01-02T03:04:05Z\",\"valid_until\":\"2030-01-01T00:00:00Z\","
	"\"confidence\":33}",
	HEAD("indicator", ID_C) BY
	"\"pattern\":\"rule r { condition: true }\",\"pattern_type\":\"yara\",\"valid_from\":"
	"\"2025-01-02T03:04:05Z\"}",
	HEAD("malware", ID_A) BY "\"name\":\"Evil\",\"is_family\":true}",
	HEAD("attack-pattern", ID_A) BY "\"name\":\"Phish\\\"ing\",\"external_references\":[{"
					"\"source_name\":\"mitre-attack\",\"external_id\":"
					"\"T1566\"}]}",
	HEAD("vulnerability", ID_A) BY
	"\"name\":\"Log4Shell\",\"external_references\":[{\"source_name\":\"cve\",\"external_id\":"
	"\"CVE-2021-44228\"}]}",
	HEAD("note", ID_A) BY
	"\"abstract\":\"Title\",\"content\":\"Words\",\"object_refs\":[\"indicator--" ID_A "\"]}",
	HEAD("campaign", ID_A) BY "\"name\":\"Dukes\"}",
	HEAD("location", ID_A) BY "\"country\":\"de\"}",
	HEAD("sighting", ID_A) BY "\"sighting_of_ref\":\"indicator--" ID_A
				  "\",\"last_seen\":\"2025-06-01T00:00:00Z\",\"count\":3}",
	HEAD("observed-data", ID_A) BY
	"\"first_observed\":\"2025-02-01T00:00:00Z\",\"last_observed\":\"2025-02-02T00:00:00Z\","
	"\"number_observed\":2,\"object_refs\":[\"file--" ID_A "\",\"network-traffic--" ID_A "\"]}",
	"{\"type\":\"file\",\"spec_version\":\"2.1\",\"id\":\"file--" ID_A
	"\",\"name\":\"x.exe\",\"size\":5,"
	"\"hashes\":{\"MD5\":\"" MD5 "\"}}",
	"{\"type\":\"network-traffic\",\"spec_version\":\"2.1\",\"id\":\"network-traffic--" ID_A
	"\",\"dst_ref\":\"ipv4-addr--" ID_A "\",\"dst_port\":443,\"protocols\":[\"tcp\"]}",
	"{\"type\":\"ipv4-addr\",\"spec_version\":\"2.1\",\"id\":\"ipv4-addr--" ID_A
	"\",\"value\":\"198.51.100.7\"}",
	HEAD("report", REPORT) BY
	"\"name\":\"Case\",\"description\":\"All of "
	"it\",\"published\":\"2025-01-04T00:00:00Z\",\"labels\":"
	"[\"misp:threat-level=\\\"high\\\"\",\"misp:analysis=\\\"ongoing\\\"\",\"osint\"],"
	"\"object_marking_refs\":[\"" AMBER
	"\"],\"external_references\":[{\"source_name\":\"b\",\"url\":"
	"\"https://blog.example/"
	"1\"},{\"source_name\":\"c\",\"description\":\"d\"}],\"object_refs\":["
	"\"indicator--" ID_A "\",\"indicator--" ID_B "\",\"indicator--" ID_C "\",\"malware--" ID_A
	"\",\"attack-pattern--" ID_A "\",\"vulnerability--" ID_A "\",\"note--" ID_A
	"\",\"campaign--" ID_A "\",\"location--" ID_A "\",\"sighting--" ID_A
	"\",\"observed-data--" ID_A "\",\"tool--" ID_F "\"]}",
	NULL};

static void test_report(void **state)
{
	struct fixture *f = *state;
	struct json_value event, a;

	run(f, &export_misp, &plain, report_objects);
	event = event_of(f, 0);
	assert_text(event, "uuid", REPORT);
	assert_text(event, "info", "Case");
	assert_text(event, "date", "2025-01-02");
	assert_text(event, "timestamp", "1735862400");
	assert_text(event, "publish_timestamp", "1735948800");
	assert_true(json_is_true(at(event, "published")));
	assert_text(event, "threat_level_id", "1");
	assert_text(event, "analysis", "1");
	assert_text(event, "distribution", "1"); /* AMBER */
	assert_text(at(event, "Orgc"), "name", "CERT X");
	assert_text(at(event, "Orgc"), "uuid", ORG);
	assert_true(has_tag(event, "tlp:amber"));
	assert_true(has_tag(event, "osint"));
	assert_false(has_tag(event, "misp:analysis=\"ongoing\""));
	assert_true(has_tag(event, "misp-galaxy:mitre-malware=\"Evil\""));
	assert_true(has_tag(event, "misp-galaxy:mitre-attack-pattern=\"Phish'ing - T1566\""));
	assert_int_equal(
		json_count(at(parsed(f, ""), "response")), 1); /* nothing is left for another */
	event = event_of(f, 0);

	/* a value; stricter than its event */
	a = attribute(event, "192.0.2.1");
	assert_text(a, "uuid", ID_A);
	assert_text(a, "type", "ip-dst");
	assert_text(a, "category", "Network activity");
	assert_true(json_is_true(at(a, "to_ids")));
	assert_text(a, "comment", "Bad: Seen");
	assert_text(a, "timestamp", "1735862400");
	assert_text(a, "distribution", "0");
	assert_text(a, "first_seen", "2025-01-02T00:00:00.000000+00:00");
	assert_true(has_tag(a, "tlp:red"));
	assert_true(has_tag(a, "l"));
	assert_true(has_tag(a, "misp:confidence-level=\"usually-confident\""));
	assert_text(item(at(a, "Sighting"), 0), "date_sighting", "1748736000");
	assert_text(item(at(a, "Sighting"), 0), "type", "0");

	/* patterns that are more than values stay patterns */
	a = attribute(event, "[file:name = 'a'] FOLLOWEDBY [file:name = 'b']");
	assert_text(a, "type", "stix2-pattern");
	assert_text(a, "distribution", "5");
	a = attribute(event, "rule r { condition: true }");
	assert_text(a, "type", "yara");

	assert_text(attribute(event, "CVE-2021-44228"), "type", "vulnerability");
	assert_text(attribute(event, "Dukes"), "type", "campaign-name");
	assert_text(attribute(event, "https://blog.example/1"), "type", "link");
	assert_text(item(at(event, "EventReport"), 0), "content", "All of it");
	assert_text(item(at(event, "EventReport"), 1), "name", "Title");
	assert_text(item(at(event, "EventReport"), 1), "content", "Words");

	/* a file with several facts is a MISP object; times come from the observed-data */
	a = item(at(event, "Object"), 0);
	assert_text(a, "name", "file");
	assert_text(a, "uuid", ID_A);
	a = attribute(event, MD5);
	assert_text(a, "object_relation", "md5");
	assert_text(a, "first_seen", "2025-02-01T00:00:00.000000+00:00");
	assert_text(a, "last_seen", "2025-02-02T00:00:00.000000+00:00");
	assert_false(json_is_true(at(a, "to_ids")));
	assert_text(attribute(event, "x.exe"), "object_relation", "filename");
	assert_text(attribute(event, "5"), "object_relation", "size-in-bytes");
	assert_text(attribute(event, "198.51.100.7|443"), "type", "ip-dst|port");
}

static const char *const report_losses[] = {
	"indicator--" ID_B ": no place for valid_until",
	"indicator--" ID_B ": no place for confidence 33",
	"malware--" ID_A ": no place for created, modified, created_by_ref, is_family",
	"attack-pattern--" ID_A ": no place for a quotation mark in the name",
	"location--" ID_A ": no place for an object of type location",
	"sighting--" ID_A ": no place for count",
	"observed-data--" ID_A ": no place for 2 observations",
	"network-traffic--" ID_A ": no place for protocols",
	"report--" REPORT ": no place for the external reference to c",
	"report--" REPORT ": tool--" ID_F " is not here, or not for this recipient",
};

static void test_report_losses(void **state)
{
	struct fixture *f = *state;

	run(f, &export_misp, &plain, report_objects);
	for (size_t k = 0; k < COUNT_OF(report_losses); k++) {
		if (!testing_lost(&f->t, report_losses[k]))
			fail_msg("not told: %s\n%.*s", report_losses[k], (int)f->t.losses.len,
				f->t.losses.data);
	}
	/* what has a place is not told */
	assert_false(testing_lost(&f->t, "no place for name"));
	assert_false(testing_lost(&f->t, AMBER));
	assert_false(testing_lost(&f->t, "ipv4-addr--"));
}

/* ---- TLP ------------------------------------------------------------------------------------ */

static void test_distribution(void **state)
{
	(void)state;
	assert_string_equal(misp_distribution(STIX_TLP_NONE), "3");
	assert_string_equal(misp_distribution(STIX_TLP_CLEAR), "3");
	assert_string_equal(misp_distribution(STIX_TLP_GREEN), "2");
	assert_string_equal(misp_distribution(STIX_TLP_AMBER), "1");
	assert_string_equal(misp_distribution(STIX_TLP_AMBER_STRICT), "0");
	assert_string_equal(misp_distribution(STIX_TLP_RED), "0");
}

/* A marking that is no TLP limits something that MISP cannot say. */
static void test_markings(void **state)
{
	static const char *const objects[] = {HEAD("indicator", ID_A) BY
		"\"pattern\":\"[ipv4-addr:value = '192.0.2.1']\",\"pattern_type\":\"stix\","
		"\"valid_from\":\"2025-01-02T03:04:05Z\",\"object_marking_refs\":[\"" GREEN
		"\",\"marking-definition--" ID_D "\"]}",
		NULL};
	struct fixture *f = *state;

	run(f, &export_misp, &plain, objects);
	assert_true(
		testing_lost(&f->t, "indicator--" ID_A ": no place for marking-definition--" ID_D));
	assert_false(testing_lost(&f->t, GREEN));
	assert_true(has_tag(attribute(event_of(f, 0), "192.0.2.1"), "tlp:green"));
}

/* What an attribute was when it was imported, it is again. */
static void test_own_labels(void **state)
{
	static const char *const objects[] = {HEAD("indicator", ID_A) BY
		"\"pattern\":\"[ipv4-addr:value = "
		"'192.0.2.1']\",\"pattern_type\":\"stix\",\"valid_from\":"
		"\"2025-01-02T03:04:05Z\",\"labels\":[\"misp:type=\\\"ip-src\\\"\",\"misp:category="
		"\\\"External "
		"analysis\\\"\",\"x\"]}",
		HEAD("indicator", ID_B) BY "\"pattern\":\"[domain-name:value = 'a.example' OR "
					   "ipv4-addr:value = '192.0.2.2']\",\"pattern_type\":"
					   "\"stix\",\"valid_from\":\"2025-01-02T03:04:05Z\","
					   "\"labels\":[\"misp:type=\\\"domain|ip\\\"\"]}",
		NULL};
	struct fixture *f = *state;
	struct json_value a;

	run(f, &export_misp, &plain, objects);
	a = attribute(event_of(f, 0), "192.0.2.1");
	assert_text(a, "type", "ip-src");
	assert_text(a, "category", "External analysis");
	assert_true(has_tag(a, "x"));
	assert_int_equal(json_count(at(a, "Tag")), 1);
	assert_text(attribute(event_of(f, 0), "a.example"), "type", "domain");
	assert_true(slice_is(misp_own_label(SLICE("misp:type=\"x\""), "type"), "x"));
	assert_int_equal(misp_own_label(SLICE("misp:type=\"\""), "type").len, 0);
	assert_int_equal(misp_own_label(SLICE("misp:type=\""), "type").len, 0);
	assert_int_equal(misp_own_label(SLICE("misp:types=\"x\""), "type").len, 0);
}

/* ---- what no report refers to --------------------------------------------------------------- */

static void test_rest(void **state)
{
	static const char *const objects[] = {HEAD("indicator", ID_A) BY
		"\"pattern\":\"[ipv4-addr:value IN ('192.0.2.1', '192.0.2.2')]\","
		"\"pattern_type\":\"stix\",\"valid_from\":\"2025-01-02T03:04:05Z\"}",
		"{\"type\":\"ipv4-addr\",\"spec_version\":\"2.1\",\"id\":\"ipv4-addr--" ID_A
		"\",\"value\":\"198.51.100.7\"}",
		"{\"type\":\"directory\",\"spec_version\":\"2.1\",\"id\":\"directory--" ID_A
		"\",\"path\":\"C:\\\\x\"}",
		HEAD("malware", ID_A) BY "\"name\":\"Evil\",\"is_family\":true}", IDENTITY,
		HEAD("relationship",
			ID_A) "\"relationship_type\":\"uses\",\"source_ref\":\"malware--" ID_A
			      "\",\"target_ref\":\"tool--" ID_A "\"}",
		NULL};
	struct intel_export options = {.name = "My export"};
	struct json_value first, second, a;
	struct fixture *f = *state;

	run(f, &export_misp, &options, objects);
	assert_int_equal(json_count(at(parsed(f, ""), "response")), 2);
	first = event_of(f, 0); /* without a creator */
	assert_text(at(first, "Orgc"), "name", "unknown");
	assert_text(attribute(first, "198.51.100.7"), "type", "ip-dst");
	a = attribute(first, "C:\\x");
	assert_text(a, "type", "text");
	assert_text(a, "comment", "directory:path");
	second = event_of(f, 1);
	assert_text(second, "info", "My export");
	assert_text(at(second, "Orgc"), "name", "CERT X");
	assert_false(json_is_true(at(second, "published")));
	assert_text(attribute(second, "192.0.2.1"), "uuid", ID_A);
	assert_false(slice_is(json_get_string(attribute(second, "192.0.2.2"), "uuid"), ID_A));
	assert_true(testing_lost(
		&f->t, "malware--" ID_A ": no place for an object of type malware outside"));
	assert_true(testing_lost(
		&f->t, "relationship--" ID_A ": no place for an object of type relationship"));
	assert_true(testing_lost(&f->t, "identity--" ORG ": no place for contact_information"));
}

/* Only what has a place makes an event. */
static void test_nothing(void **state)
{
	static const char *const objects[] = {
		HEAD("malware", ID_A) BY "\"name\":\"Evil\",\"is_family\":true}", NULL};
	struct fixture *f = *state;

	run(f, &export_misp, &plain, objects);
	assert_string_equal(testing_file(&f->t, ""), "{\"response\":[]}\n");
	run(f, &export_misp, &plain, objects + 1);
	assert_string_equal(testing_file(&f->t, ""), "{\"response\":[]}\n");
}

/* Observables have no time: it is when they are written down. */
static void test_no_time(void **state)
{
	static const char *const objects[] = {
		"{\"type\":\"ipv4-addr\",\"spec_version\":\"2.1\",\"id\":\"ipv4-addr--" ID_A
		"\",\"value\":\"198.51.100.7\"}",
		NULL};
	struct fixture *f = *state;
	struct json_value event;

	run(f, &export_misp, &plain, objects);
	event = event_of(f, 0);
	assert_text(event, "date", "2026-01-01");
	assert_text(attribute(event, "198.51.100.7"), "timestamp", "1767225600");
}

static void test_versions(void **state)
{
	static const char *const objects[] = {
		"{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--" ID_A
		"\",\"created\":\"2025-01-01T00:00:00.000Z\",\"modified\":\"2025-01-01T00:00:00."
		"000Z\",\"pattern\":"
		"\"[ipv4-addr:value = '192.0.2.1']\",\"pattern_type\":\"stix\",\"valid_from\":"
		"\"2025-01-01T00:00:00Z\"}",
		"{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--" ID_A
		"\",\"created\":\"2025-01-01T00:00:00.000Z\",\"modified\":\"2025-02-01T00:00:00."
		"000Z\",\"pattern\":"
		"\"[ipv4-addr:value = '192.0.2.2']\",\"pattern_type\":\"stix\",\"valid_from\":"
		"\"2025-01-01T00:00:00Z\"}",
		NULL};
	struct fixture *f = *state;

	run(f, &export_misp, &plain, objects);
	assert_int_equal(json_count(at(event_of(f, 0), "Attribute")), 1);
	attribute(event_of(f, 0), "192.0.2.2");
	assert_true(testing_lost(&f->t, "indicator--" ID_A ": no place for older versions"));
}

/* ---- what came from MISP goes back as it came ----------------------------------------------- */

#define ORIGINAL                                                                                   \
	"{\"uuid\":\"" REPORT                                                                      \
	"\", \"info\":\"Case\",\"timestamp\":\"1735862400\",\"date\":\"2025-01-02\",\"Orgc\":"     \
	"{\"name\":\"CERT X\",\"uuid\":\"" ORG                                                     \
	"\"},\"Attribute\":[{\"type\":\"domain|ip\",\"value\":"                                    \
	"\"a.example|192.0.2.9\"}],\"Object\":[{\"Attribute\":[{\"type\":\"md5\",\"value\":\"" MD5 \
	"\"}]}]}"

static const char *const original_objects[] = {HEAD("indicator", ID_A) BY
	"\"pattern\":\"[ipv4-addr:value = '192.0.2.1']\",\"pattern_type\":\"stix\","
	"\"valid_from\":\"2025-01-02T03:04:05Z\"}",
	HEAD("grouping", ID_B) BY
	"\"name\":\"part\",\"context\":\"x\",\"object_refs\":[\"indicator--" ID_A "\"]}",
	HEAD("report", REPORT) BY
	"\"name\":\"Case\",\"published\":\"2025-01-04T00:00:00Z\",\"object_refs\":"
	"[\"grouping--" ID_B "\"]}",
	IDENTITY, NULL};

static void test_original(void **state)
{
	struct fixture *f = *state;

	f->t.original = ORIGINAL;
	f->t.original_key = REPORT;
	run(f, &export_misp, &plain, original_objects);
	/* the grouping and the indicator are in it: no other event */
	assert_string_equal(testing_file(&f->t, ""), "{\"response\":[{\"Event\":" ORIGINAL "}]}\n");
	assert_false(testing_lost(&f->t, "indicator--"));
	f->t.original = "{\"Event\":" ORIGINAL "}";
	run(f, &export_misp, &plain, original_objects);
	assert_string_equal(testing_file(&f->t, ""), "{\"response\":[{\"Event\":" ORIGINAL "}]}\n");
	/* damaged: written anew */
	f->t.original = "{\"Event\":";
	run(f, &export_misp, &plain, original_objects);
	assert_int_equal(json_count(at(parsed(f, ""), "response")), 2);
}

static void test_original_changed(void **state)
{
	static const char *const report_changed[] = {
		"{\"type\":\"report\",\"spec_version\":\"2.1\",\"id\":\"report--" REPORT
		"\",\"created\":\"2025-01-02T03:04:05.000Z\",\"modified\":\"2025-01-03T00:00:01."
		"000Z\"," BY "\"name\":\"Newer\",\"published\":\"2025-01-04T00:00:00Z\",\"object_"
		"refs\":[\"identity--" ORG "\"]}",
		IDENTITY, NULL};
	static const char *const member_changed[] = {
		"{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--" ID_A
		"\",\"created\":\"2025-01-02T03:04:05.000Z\",\"modified\":\"2025-01-03T00:00:01."
		"000Z\"," BY "\"pattern\":\"[ipv4-addr:value = "
		"'192.0.2.1']\",\"pattern_type\":\"stix\",\"valid_from\":"
		"\"2025-01-02T03:04:05Z\"}",
		HEAD("report", REPORT) BY
		"\"name\":\"Case\",\"published\":\"2025-01-04T00:00:00Z\",\"object_refs\":"
		"[\"indicator--" ID_A "\"]}",
		IDENTITY, NULL};
	struct fixture *f = *state;

	f->t.original = ORIGINAL;
	f->t.original_key = REPORT;
	run(f, &export_misp, &plain, report_changed);
	assert_text(event_of(f, 0), "info", "Newer");
	assert_true(testing_lost(&f->t, "report--" REPORT ": newer than the MISP event"));
	run(f, &export_misp, &plain, member_changed);
	assert_text(event_of(f, 0), "info", "Case");
	assert_true(testing_lost(&f->t, "indicator--" ID_A ": changed since its MISP event"));
}

/* ---- feeds ---------------------------------------------------------------------------------- */

static void assert_hash(struct fixture *f, struct slice value, const char *uuid)
{
	uint8_t md5[MD5_LEN];
	struct buf line = BUF_INIT;

	hash_md5(value, md5);
	hex_append(&line, md5, sizeof(md5));
	buf_printf(&line, ",%s\n", uuid);
	buf_char(&line, '\0');
	if (strstr(testing_file(&f->t, "hashes.csv"), line.data) == NULL)
		fail_msg("no line %s", line.data);
	buf_fini(&line);
}

static void test_feed(void **state)
{
	static const char *const objects[] = {HEAD("indicator", ID_A) BY
		"\"pattern\":\"[ipv4-addr:value = '192.0.2.1']\",\"pattern_type\":\"stix\","
		"\"valid_from\":\"2025-01-02T03:04:05Z\"}",
		HEAD("grouping", ID_B) BY
		"\"name\":\"G\",\"context\":\"x\",\"object_marking_refs\":[\"" GREEN
		"\"],\"object_refs\":[\"indicator--" ID_A "\"]}",
		HEAD("report", REPORT) BY
		"\"name\":\"Case\",\"published\":\"2025-01-04T00:00:00Z\",\"object_refs\":"
		"[\"identity--" ORG "\"]}",
		IDENTITY, NULL};
	struct fixture *f = *state;
	struct json_value manifest;

	f->t.original = ORIGINAL;
	f->t.original_key = REPORT;
	run(f, &export_misp_feed, &plain, objects);
	assert_int_equal(f->t.files_count, 4);
	assert_string_equal(testing_file(&f->t, REPORT ".json"), "{\"Event\":" ORIGINAL "}");
	assert_text(at(parsed(f, ID_B ".json"), "Event"), "info", "G");
	manifest = parsed(f, "manifest.json");
	assert_int_equal(json_count(manifest), 2);
	assert_text(at(manifest, ID_B), "info", "G");
	assert_text(at(manifest, ID_B), "timestamp", "1735862400");
	assert_text(at(at(manifest, ID_B), "Orgc"), "uuid", ORG);
	assert_true(has_tag(at(manifest, ID_B), "tlp:green"));
	assert_text(at(manifest, REPORT), "info", "Case");
	assert_text(at(at(manifest, REPORT), "Orgc"), "name", "CERT X");
	/* a value of two parts has a line for each */
	assert_int_equal(strlen(testing_file(&f->t, "hashes.csv")), 4 * (32 + 1 + 36 + 1));
	assert_hash(f, SLICE("a.example"), REPORT);
	assert_hash(f, SLICE("192.0.2.9"), REPORT);
	assert_hash(f, SLICE(MD5), REPORT);
	assert_hash(f, SLICE("192.0.2.1"), ID_B);
}

/* ---- maps ----------------------------------------------------------------------------------- */

static void test_ids(void **state)
{
	struct misp_ids ids = {.seed = {1}};
	struct uuid uuid = {{0}};
	size_t number;
	bool is_new;

	(void)state;
	assert_false(misp_ids_find(&ids, SLICE("a"), &uuid, &number));
	for (uint32_t k = 0; k < 3000; k++) {
		put_u32(uuid.bytes, k);
		assert_true(misp_ids_add(
			&ids, k % 2 == 0 ? SLICE("a") : SLICE("b"), &uuid, &number, &is_new));
		assert_true(is_new);
		assert_int_equal(number, k);
	}
	put_u32(uuid.bytes, 7);
	assert_true(misp_ids_find(&ids, SLICE("b"), &uuid, &number));
	assert_int_equal(number, 7);
	assert_true(slice_is(misp_ids_type(&ids, 7), "b"));
	assert_false(
		misp_ids_find(&ids, SLICE("a"), &uuid, &number)); /* the same UUID, another type */
	assert_false(misp_ids_find(&ids, SLICE("c"), &uuid, &number));
	assert_true(misp_ids_add(&ids, SLICE("b"), &uuid, &number, &is_new));
	assert_false(is_new);
	misp_ids_fini(&ids);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_report),
		TEST(test_report_losses),
		TEST(test_distribution),
		TEST(test_markings),
		TEST(test_own_labels),
		TEST(test_rest),
		TEST(test_nothing),
		TEST(test_no_time),
		TEST(test_versions),
		TEST(test_original),
		TEST(test_original_changed),
		TEST(test_feed),
		TEST(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
