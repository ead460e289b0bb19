/* SPDX-License-Identifier: MPL-2.0 */
/* MISP: what an event becomes, what is lost and told, and that nothing gets freer than it was. */
#include <dirent.h>

#include "import_misp.h"
#include "import_testing.h"

#define CLEAR        "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
#define GREEN        "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
#define AMBER        "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
#define AMBER_STRICT "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
#define RED          "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"

/* The line of the object that holds this. */
static struct slice object_with(const struct collect *c, const char *part)
{
	const char *at = strstr(c->objects.data, part), *end;

	if (at == NULL) {
		fail_msg("\"%s\" is not in:\n%s", part, c->objects.data);
		return (struct slice){0};
	}
	while (at > c->objects.data && at[-1] != '\n')
		at--;
	end = strchr(at, '\n');
	return (struct slice){at, (size_t)(end - at)};
}

static void assert_object(const struct collect *c, const char *which, const char *part)
{
	struct slice object = object_with(c, which);

	if (slice_find_text(object, slice_of(part)) == object.len)
		fail_msg("\"%s\" is not in %.*s", part, SLICE_ARG(object));
}

#define EVENT_UUID "5a7c9e10-0000-4b21-8c3d-a1b2c3d4e5f6"
#define U(number)  "5a7c9e10-" number "-4b21-8c3d-a1b2c3d4e5f6"

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

#define ATTRIBUTE(value)                                                                           \
	"{\"uuid\":\"" U("0001") "\",\"type\":\"ip-dst\",\"category\":\"Network activity\","       \
				 "\"to_ids\":true,\"timestamp\":\"1767600000\",\"value\":\"" value \
				 "\"}"
#define EVENT(rest)                                                                                \
	"{\"uuid\":\"" EVENT_UUID "\",\"info\":\"x\",\"date\":\"2026-01-05\",\"timestamp\":"       \
	"\"1767610000\",\"Orgc\":{\"name\":\"H\",\"uuid\":\"3f0c6a52-1a34-4a0e-9a0e-"              \
	"7a61f1b0c001\"}" rest "}"
#define ONE ",\"Attribute\":[" ATTRIBUTE("198.51.100.7") "]"

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

/* ---- markings ------------------------------------------------------------------------------- */

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
		cmocka_unit_test_setup_teardown(test_report_complete, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_forms, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_broken, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_markings, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_attribute_markings, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_observables_apart, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_no_leak, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_limits, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_types, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_losses, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_report_limit, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_data_limit, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_feed, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_feed_broken, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_data, import_set_up, import_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
