/* SPDX-License-Identifier: MPL-2.0 */
/* MISP: what an event becomes, the forms in which it comes, feeds, and real events. */
#include <dirent.h>

#include "import_misp_testing.h"

/* ---- the sample ----------------------------------------------------------------------------- */

static void test_event(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();

	MUST(collect_path(c, &import_misp, SOURCE_ROOT "/tests/samples/misp-event.json", &o, e));
	assert_clean(c);
	assert_int_equal(c->refused, 0);
	assert_int_equal(c->originals, 1);
	/* the event, its author, its times */
	assert_object(c, "\"type\":\"report\"", "\"id\":\"report--" EVENT_UUID "\"");
	assert_object(c, "\"type\":\"report\"", "\"created\":\"2026-01-05T00:00:00.000Z\"");
	assert_object(c, "\"type\":\"report\"", "\"modified\":\"2026-01-05T10:46:40.000Z\"");
	assert_object(c, "\"type\":\"report\"", "\"published\":\"2026-01-05T13:33:20.000Z\"");
	assert_object(c, "\"type\":\"report\"", "\"misp:threat-level=\\\"medium\\\"\"");
	assert_object(c, "\"type\":\"report\"", "\"sector:transport\"");
	assert_object(c, "\"type\":\"report\"", "https://csirt.harbour.example/notes/2026-01");
	assert_object(c, "\"type\":\"report\"", GREEN);
	assert_object(c, "\"type\":\"identity\"", "3f0c6a52-1a34-4a0e-9a0e-7a61f1b0c001");
	/* attributes for detection */
	assert_object(c, "indicator--" U("0001"), "[ipv4-addr:value = '198.51.100.23']");
	assert_object(c, "indicator--" U("0002"), "network-traffic:src_port = 8443");
	assert_object(c, "\"id\":\"indicator--" U("0003"),
		"[domain-name:value = 'update.harbour-mail.example' OR ipv4-addr:value = ");
	assert_object(c, "indicator--" U("0005"), "c=\\\\'d\\\\''");
	assert_object(c, "\"id\":\"indicator--" U("0007"), "[file:hashes.'SHA-1' = '0beec7b5");
	assert_object(c, "\"id\":\"indicator--" U("0008"),
		"\"valid_until\":\"2026-01-08T19:20:00.000Z\"");
	assert_object(c, "indicator--" U("000e"), "\"pattern_type\":\"yara\"");
	assert_object(c, "indicator--" U("0016"), "\"pattern_type\":\"sigma\"");
	assert_object(c, "indicator--" U("0012"), "[user-account:user_id = 'bc1q");
	assert_object(c, "indicator--" U("0014"), "[network-traffic:x_ja3 = 'e7d705a3");
	assert_object(c, "indicator--" U("0015"), "[x509-certificate:hashes.'SHA-1' = '8843d7");
	/* and those that are not */
	assert_object(c, "\"id\":\"observed-data--" U("0004"),
		"\"first_observed\":\"2026-01-03T09:00:00.000Z\"");
	assert_object(
		c, "\"type\":\"windows-registry-key\"", "HKEY_CURRENT_USER\\\\Software\\\\Tide");
	assert_object(c, "\"type\":\"windows-registry-key\"", "\"values\":[{\"data\":\"on\"}]");
	assert_object(c, "\"type\":\"autonomous-system\"", "\"number\":64500");
	assert_object(c, "\"type\":\"vulnerability\"",
		"{\"source_name\":\"cve\",\"external_id\":\"CVE-2025-12345\"}");
	assert_object(c, "\"id\":\"note--" U("000d"), "The crane's own network was never reached.");
	assert_object(c, "\"type\":\"artifact\"", "\"decryption_key\":\"infected\"");
	assert_object(c, "\"id\":\"note--" U("0011"), "not-a-digest");
	/* sightings */
	assert_object(c, "\"type\":\"sighting\"", "\"sighting_of_ref\":\"indicator--" U("0008"));
	assert_object(c, "\"type\":\"opinion\"", "\"opinion\":\"strongly-disagree\"");
	/* objects */
	assert_object(c, "\"id\":\"indicator--" U("00c8"),
		"[file:hashes.'MD5' = 'acbd18db4cc2f85cedef654fccc4a4d8' OR file:hashes.'SHA-256' "
		"= ");
	assert_object(c, "\"name\":\"tide.dll\"", "\"size\":4096");
	assert_object(c, "\"id\":\"note--" U("00c8"), "state: Malicious");
	assert_object(c, "\"id\":\"indicator--" U("00d2"),
		"[network-traffic:dst_ref.value = '198.51.100.23' AND network-traffic:dst_port = "
		"8443]");
	assert_object(c, "\"type\":\"email-message\"", "\"to_refs\":[\"email-addr--");
	assert_object(c, "\"type\":\"email-message\"",
		"\"additional_header_fields\":{\"X-Mailer\":[\"Tidemail 1\"]}");
	assert_object(c, "\"id\":\"note--" U("00e6"), "sectors: transport");
	assert_object(
		c, "\"relationship_type\":\"connected-to\"", "\"description\":\"on port 443\"");
	assert_object(c, "\"relationship_type\":\"resolves-to\"", "ipv4-addr--");
	assert_object(c, "\"relationship_type\":\"based-on\"", "observed-data--");
	/* galaxies: public ones bear no marking and name ATT&CK's id; others are marked */
	assert_object(c, "\"type\":\"attack-pattern\"",
		"{\"source_name\":\"mitre-attack\",\"external_id\":\"T1566\"}");
	assert_object(c, "\"type\":\"attack-pattern\"", "\"phase_name\":\"initial-access\"");
	assert_int_equal(slice_find_text(object_with(c, "\"type\":\"attack-pattern\""),
				 SLICE("object_marking_refs")),
		object_with(c, "\"type\":\"attack-pattern\"").len);
	assert_object(c, "\"type\":\"malware\"", AMBER);
	assert_object(c, "\"relationship_type\":\"indicates\"", "malware--");
	/* the stricter marking of one attribute: apart from the report, which all others may read
	 */
	assert_object(c, "\"name\":\"Tidelock at the harbour (TLP:amber", "report--" EVENT_UUID);
	assert_object(c, "\"name\":\"Tidelock at the harbour (TLP:amber", "indicator--" U("0006"));
	assert_object(c, "\"name\":\"Tidelock at the harbour (TLP:amber", AMBER);
	assert_int_equal(slice_find_text(object_with(c, "\"type\":\"report\""),
				 SLICE("indicator--" U("0006"))),
		object_with(c, "\"type\":\"report\"").len);
	assert_object(c, "\"id\":\"indicator--" U("0006"), AMBER);
	/* report */
	assert_object(c, "\"abstract\":\"What happened\"", "A berth was booked.");
	/* told */
	assert_has(&c->losses, "attribute " U("0010") " is deleted and left out");
	assert_has(&c->losses, "event_creator_email");
	assert_has(&c->losses, "RelatedEvent");
	assert_has(&c->losses, "ShadowAttribute");
	assert_has(&c->losses, "value (not what type md5 says, kept as a note)");
	assert_has(&c->losses, "row numbers and counts");
	assert_has_not(&c->objects, "203.0.113.77");
	assert_has_not(&c->objects, "Another harbour");
}

static void test_event_again(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	struct buf first = BUF_INIT;

	MUST(collect_path(c, &import_misp, SOURCE_ROOT "/tests/samples/misp-event.json", &o, e));
	buf_slice_append(&first, buf_slice(&c->objects));
	c->known_count = 0;
	world_fake_advance(&c->world, 86400 * US_PER_SECOND);
	MUST(collect_path(c, &import_misp, SOURCE_ROOT "/tests/samples/misp-event.json", &o, e));
	assert_string_equal(first.data, c->objects.data);
	buf_fini(&first);
}

/* Everything the report names came with it, and nothing is named twice. */
static void test_report_complete(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	struct slice report;
	size_t from, named = 0;

	MUST(collect_path(c, &import_misp, SOURCE_ROOT "/tests/samples/misp-event.json", &o, e));
	report = object_with(c, "\"type\":\"report\"");
	from = slice_find_text(report, SLICE("\"object_refs\":["));
	report = slice_cut(report, from + strlen("\"object_refs\":["), report.len);
	report = slice_cut(report, 0, slice_find(report, ']', 0));
	for (struct slice id; slice_next(&report, ',', &id);) {
		struct buf part = BUF_INIT;

		buf_text(&part, "\"id\":");
		buf_slice_append(&part, id);
		buf_char(&part, '\0');
		assert_has(&c->objects, part.data);
		assert_int_equal(slice_find_text(report, id), report.len);
		buf_fini(&part);
		named++;
	}
	/* all but the author, two markings, the report itself, and the grouping of what is AMBER:
	 * an indicator, its malware and their relationship */
	assert_int_equal(named, c->objects_count - 4 - 4);
}

/* ---- forms of documents --------------------------------------------------------------------- */

static void test_forms(void **state)
{
	static const struct {
		const char *text;
		size_t events;
	} cases[] = {
		{"{\"Event\":" EVENT(ONE) "}",							    1},
		{"{\"response\":[{\"Event\":" EVENT(ONE) "}]}",                                           1},
		{" {\n \"response\" : [ {\"Event\":" EVENT(ONE) "},{\"Event\":" EVENT(
			 ONE) "} ] }\n",
                 2											 },
		{"{\"response\":{\"Event\":" EVENT(ONE) "}}",                                             1},
		{"[{\"Event\":" EVENT(ONE) "}]",							  1},
		{"[" EVENT(ONE) "]",								      1},
		{EVENT(ONE),									      1},
		{"{\"Event\":" EVENT(ONE) "}\n{\"Event\":" EVENT(ONE) "}\n",                              2},
		{"{\"x\":1,\"response\":[{\"Event\":" EVENT(ONE) "}]}",                                   1},
		{"{\"response\":{\"Attribute\":[" ATTRIBUTE("198.51.100.7") "]}}",                        0},
		{"{\"Attribute\":[" ATTRIBUTE("198.51.100.7") "]}",                                       0},
		{"{\"Attribute\":" ATTRIBUTE("198.51.100.7") "}",                                         0},
		{"[" ATTRIBUTE("198.51.100.7") "]",						       0},
		{ATTRIBUTE("198.51.100.7"),							       0},
		{"{\"Object\":[{\"name\":\"ip-port\",\"uuid\":\"" U(
			 "0002") "\",\"Attribute\":["
				 "{\"type\":\"ip-dst\",\"object_relation\":\"ip\",\"to_ids\":true,"
				 "\"value\":"
				 "\"198.51.100.7\"}]}]}",				0},
		{"{\"response\":[{\"Object\":{\"name\":\"x\",\"uuid\":\"" U(
			 "0002") "\",\"Attribute\":[" ATTRIBUTE("198.51.100.7") "]}}]}",
                 0											 },
	};
	struct collect *c = *state;
	struct intel_import o = collect_options();

	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		c->known_count = 0;
		MUST(collect_bytes(c, &import_misp, slice_of(cases[k].text), &o, e));
		assert_clean(c);
		assert_int_equal(c->refused, 0);
		assert_int_equal(c->originals, cases[k].events);
		assert_has(&c->objects, "= '198.51.100.7'");
		if (cases[k].events > 0)
			assert_int_equal(strncmp(c->original.data, "{\"Event\":", 9), 0);
		else
			assert_has(&c->objects, AMBER_STRICT); /* nobody said how far it may go */
	}
}

static void test_broken(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	struct err no;

	/* a comma too many is passed over and told, with its line */
	MUST(collect_bytes(c, &import_misp,
		SLICE("{\"response\":[\n{\"Event\":" EVENT(
			",\"Attribute\":[" ATTRIBUTE("198.51.100.7") ",\n]\n,") "}]}"),
		&o, e));
	assert_has(&c->losses, "2 commas too many were passed over, the first in line 2");
	assert_has(&c->objects, "198.51.100.7");
	/* other damage refuses the element, and the next one comes in */
	MUST(collect_bytes(c, &import_misp,
		SLICE("{\"response\":[{\"Event\":" EVENT(",\"a\":tru") "},\n{\"Event\":" EVENT(
			ONE) "}]}"),
		&o, e));
	assert_int_equal(c->refused, 1);
	assert_has(&c->refusals, "in the element that begins in line 1: line 1, column");
	assert_int_equal(c->originals, 1);
	MUST(collect_bytes(c, &import_misp, SLICE("[{\"hello\":1}, 7]"), &o, e));
	assert_int_equal(c->refused, 2);
	assert_has(&c->refusals, "expected a MISP event, attribute or object");
	assert_int_equal(
		collect_bytes(c, &import_misp, SLICE("{\"response\":[{\"Event\":"), &o, &no),
		ERR_PARSE);
	assert_int_equal(
		collect_bytes(c, &import_misp, SLICE("{\"response\":[]"), &o, &no), ERR_PARSE);
	MUST(collect_bytes(c, &import_misp,
		SLICE("{\"Event\":" EVENT(
			",\"Attribute\":[7,{\"type\":\"md5\"}],\"Object\":[{}]") "}"),
		&o, e));
	assert_int_equal(c->refused, 3);
	assert_has(&c->refusals, "Attribute: expected an object");
	assert_has(&c->refusals, "attribute without type or value");
	assert_has(&c->refusals, "object without a name");
	/* a group is no intelligence, but it is told */
	MUST(collect_bytes(
		c, &import_misp, SLICE("[{\"SharingGroup\":{\"name\":\"few\"}}]"), &o, e));
	assert_has(&c->losses, "sharing group \"few\" has no place in STIX");
}

/* ---- feeds ---------------------------------------------------------------------------------- */

static void test_feed(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	struct err no;

	MUST(collect_path(c, &import_misp_feed, SOURCE_ROOT "/tests/samples/misp-feed", &o, e));
	assert_clean(c);
	assert_int_equal(c->refused, 0);
	assert_int_equal(c->originals, 2);
	assert_has(&c->objects, "198.51.100.41");
	assert_has(&c->objects, "b.feed.example");
	assert_has(&c->objects, CLEAR);
	assert_int_equal(
		collect_path(c, &import_misp_feed, SOURCE_ROOT "/tests", &o, &no), ERR_USAGE);
	assert_non_null(strstr(no.text, "manifest.json"));
}

static void test_feed_broken(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	char folder[] = "/tmp/serai-feed-XXXXXX", path[128];
	struct err no;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/manifest.json", folder);
	MUST(file_write_atomic(path,
		SLICE("{\"" EVENT_UUID
		      "\":{},\"../../etc/passwd\":{},\"" U("0001") "\":{},\"" U("0002") "\":{}}"),
		0600, e));
	snprintf(path, sizeof(path), "%s/" U("0001") ".json", folder);
	MUST(file_write_atomic(path, SLICE("{\"Event\":" EVENT(ONE) "}"), 0600, e));
	snprintf(path, sizeof(path), "%s/" U("0002") ".json", folder);
	MUST(file_write_atomic(path, SLICE("{\"Event\":"), 0600, e));
	MUST(collect_path(c, &import_misp_feed, folder, &o, e));
	assert_int_equal(c->refused, 3);
	assert_int_equal(c->originals, 1);
	assert_has(&c->refusals, EVENT_UUID ".json is not there");
	assert_has(&c->refusals, "\"../../etc/passwd\" is no UUID");
	assert_has(&c->refusals, U("0002") ".json: ");
	remove(path);
	snprintf(path, sizeof(path), "%s/" U("0001") ".json", folder);
	remove(path);
	snprintf(path, sizeof(path), "%s/manifest.json", folder);
	MUST(file_write_atomic(path, SLICE("[1]"), 0600, e));
	assert_int_equal(collect_path(c, &import_misp_feed, folder, &o, &no), ERR_PARSE);
	MUST(file_write_atomic(path, SLICE("{"), 0600, e));
	assert_int_equal(collect_path(c, &import_misp_feed, folder, &o, &no), ERR_PARSE);
	assert_non_null(strstr(no.text, "manifest.json: "));
	remove(path);
	remove(folder);
}

/* ---- real events ---------------------------------------------------------------------------- */

static void test_data(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	const char *data = getenv("SERAI_DATA");
	char folder[4096];
	struct dirent *entry;
	size_t events = 0;
	DIR *d;

	snprintf(folder, sizeof(folder), "%s/misp",
		data != NULL ? data : SOURCE_ROOT "/../shared/data");
	d = opendir(folder);
	if (d == NULL) {
		print_message("skipped: no %s\n", folder);
		skip();
		return;
	}
	while ((entry = readdir(d)) != NULL) {
		char path[8192];

		if (strstr(entry->d_name, ".json") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		c->known_count = 0;
		MUST(collect_path(c, &import_misp, path, &o, e));
		assert_clean(c);
		assert_int_equal(c->refused, 0);
		events += c->originals;
	}
	closedir(d);
	assert_true(events >= 35);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_event, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_event_again, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(
			test_report_complete, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_forms, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_broken, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_feed, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_feed_broken, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_data, import_set_up, import_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
