/* SPDX-License-Identifier: MPL-2.0 */
/* STIX 2.1 byte for byte, STIX 2.0 with every change told, and the reading that both stand on. */
#include "import_testing.h"

/* ---- STIX 2.1 ------------------------------------------------------------------------------- */

#define ONE "{ \"type\" : \"note\",\n \"x\": \"\\u0061\" }"
#define TWO "{\"type\":\"x-y\",\"deep\":{\"objects\":[{}]}}"

static void test_forms(void **state)
{
	static const char *const forms[] = {
		"{\"type\":\"bundle\",\"id\":\"bundle--8d1a2b3c-4d5e-4f60-8a9b-0c1d2e3f4a50\","
		"\"objects\":[" ONE "," TWO "]}",
		"{\"objects\":[" ONE " ,\n" TWO "],\"more\":false}", /* a TAXII envelope */
		"[" ONE "," TWO "]",
		ONE "\n" TWO "\n",
		ONE TWO,
	};
	struct collect *c = *state;
	struct intel_import o = collect_options();

	c->exact = true;
	for (size_t k = 0; k < COUNT_OF(forms); k++) {
		MUST(collect_bytes(c, &import_stix, slice_of(forms[k]), &o, e));
		assert_string_equal(c->objects.data, ONE "\n" TWO "\n");
		assert_int_equal(c->lost, 0);
		assert_int_equal(c->refused, 0);
	}
}

static void test_broken(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	struct err no;

	c->exact = true;
	/* the good rest stays */
	MUST(collect_bytes(
		c, &import_stix, SLICE("{\"objects\":[" ONE ",\n7,\n\"x\", " TWO "]}"), &o, e));
	assert_int_equal(c->objects_count, 2);
	assert_int_equal(c->refused, 2);
	assert_has(&c->refusals, "3: ");
	/* what stood before a break stays too */
	assert_int_equal(collect_bytes(c, &import_stix, SLICE("[" ONE ",\n}"), &o, &no), ERR_PARSE);
	assert_non_null(strstr(no.text, "line 3"));
	assert_int_equal(c->objects_count, 1);
	assert_int_equal(
		collect_bytes(c, &import_stix, SLICE("[" ONE ",{\"a"), &o, &no), ERR_PARSE);
	assert_int_equal(c->objects_count, 1);
}

/* The bundle's own faults are told, and keep nothing back. */
static void test_bundle(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();

	c->exact = true;
	MUST(collect_bytes(c, &import_stix,
		SLICE("{\"type\":\"bundle\",\"id\":\"bundle--x\",\"objects\":[" TWO "]}"), &o, e));
	assert_int_equal(c->objects_count, 1);
	assert_has(&c->losses, "bundle: ");
}

/* An object may come in any two pieces. */
static void test_pieces(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	static const char text[] = "{\"objects\":[" ONE "," TWO "]}";

	c->exact = true;
	for (size_t cut = 0; cut < sizeof(text); cut++) {
		struct import_job job = {
			.options = &o,
			.world = &c->world.world,
			.head = {text, cut},
			.sink = &c->sink
                };

		MUST(input_of_memory(
			(struct slice){text + cut, sizeof(text) - 1 - cut}, "rest", &job.in, e));
		buf_clear(&c->objects);
		MUST(import_stix.run(&job, e));
		buf_char(&c->objects, '\0');
		assert_string_equal(c->objects.data, ONE "\n" TWO "\n");
		input_free(job.in);
	}
}

static void test_stop(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();

	c->exact = true;
	c->stop_after = 1;
	MUST(collect_bytes(c, &import_stix, SLICE("[" ONE), &o, e));
	assert_int_equal(c->objects_count, 0);
}

/* All of ATT&CK, each object as it stands in the file. */
static void test_attack(void **state)
{
	static const struct {
		const char *name;
		size_t objects;
	} files[] = {
		{"enterprise-attack.json.gz", 24771},
                {"ics-attack-18.1.json.gz",   0    }
        };
	struct collect *c = *state;
	struct intel_import o = collect_options();
	const char *data = getenv("SERAI_DATA");

	for (size_t k = 0; k < COUNT_OF(files); k++) {
		struct buf whole = BUF_INIT;
		struct input *in;
		char path[4096];
		size_t len = 1;

		snprintf(path, sizeof(path), "%s/stix/%s",
			data != NULL ? data : SOURCE_ROOT "/../shared/data", files[k].name);
		if (input_open(path, &in, NULL) != OK) {
			print_message("skipped: no %s\n", path);
			skip();
			return;
		}
		while (len > 0) {
			char *to = buf_reserve(&whole, MIB(1));

			assert_non_null(to);
			MUST(input_read(in, to, MIB(1), &len, e));
			whole.len += len;
		}
		input_free(in);
		c->exact = true; /* some lack what the standard demands: the sink's affair */
		c->source = buf_slice(&whole);
		MUST(collect_path(c, &import_stix, path, &o, e));
		assert_int_equal(c->refused + c->lost + c->misplaced, 0);
		assert_true(c->objects_count > 500);
		if (files[k].objects > 0)
			assert_int_equal(c->objects_count, files[k].objects);
		/* the last one ends where the file does */
		assert_true(c->reached + 16 > whole.len);
		buf_fini(&whole);
	}
}

/* ---- STIX 2.0 ------------------------------------------------------------------------------- */

static void test_upgrade(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();

	MUST(collect_path(
		c, &import_stix20, SOURCE_ROOT "/tests/samples/stix20-bundle.json", &o, e));
	assert_clean(c);
	assert_int_equal(c->refused, 0);
	assert_int_equal(c->objects_count, 26);
	/* labels that said what kind of thing it is */
	assert_has(&c->objects, "\"roles\":[\"first-responder\"]");
	assert_has(&c->objects, "\"indicator_types\":[\"malicious-activity\"]");
	assert_has(&c->objects, "\"malware_types\":[\"ransomware\"],\"is_family\":true");
	assert_has(&c->objects, "\"tool_types\":[\"remote-access\"]");
	assert_has(&c->objects, "\"threat_actor_types\":[\"crime-syndicate\"]");
	assert_has(&c->objects, "\"report_types\":[\"threat-report\"]");
	assert_has(&c->objects, "\"selectors\":[\"indicator_types.[0]\"]");
	/* the pattern, but not what is quoted in it */
	assert_has(&c->objects,
		"[process:image_ref.name = 'tide.exe' AND file:name = 'process:binary_ref'] START "
		"t'2018-01-01T00:00:00Z' STOP t'2018-02-01T00:00:00Z'");
	assert_has(&c->objects, "\"pattern_type\":\"stix\"");
	/* observables with the ids that the standard computes */
	assert_has(&c->objects, "{\"type\":\"ipv4-addr\",\"spec_version\":\"2.1\",\"id\":"
				"\"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4\",\"value\":"
				"\"198.51.100.3\"}");
	assert_has(&c->objects, "\"src_ref\":\"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4\"");
	assert_has(
		&c->objects, "\"hashes\":{\"MD5\":\"acbd18db4cc2f85cedef654fccc4a4d8\",\"SSDEEP\"");
	assert_has(&c->objects, "\"ctime\":");
	assert_has(&c->objects, "\"X-Mailer\":[\"Tidemail\"]");
	assert_has(&c->objects, "\"credential_last_changed\":");
	assert_has(&c->objects, "\"modified_time\":");
	assert_has_not(&c->objects, "is_encrypted");
	assert_has_not(&c->objects, "protocol_family");
	/* a marked one has an id of its own, and bears the marking */
	assert_has(&c->objects, "\"value\":\"198.51.100.3\",\"object_marking_refs\":["
				"\"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82\"]}");
	/* the standard's own text of TLP */
	assert_has(&c->objects, "\"name\":\"TLP:AMBER\"");
	/* what was 2.1 already came byte for byte */
	assert_has(&c->objects, "      \"malware_types\": [\n");
	/* and everything is told */
	assert_has(&c->losses, "labels are roles");
	assert_has(&c->losses, "is_family is true");
	assert_has(&c->losses, "pattern_type is stix");
	assert_has(&c->losses, "process:binary_ref of the pattern is image_ref");
	assert_has(&c->losses, "is_encrypted of object \"3\" has no place and is left out");
	assert_has(&c->losses, "name of object \"5\" has no place and is left out");
	assert_has(&c->losses, "resolves_to_refs \"nowhere\" of object \"0\" leads nowhere");
}

/* The same bundle twice makes the same bytes. */
static void test_upgrade_again(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	struct buf first = BUF_INIT;

	MUST(collect_path(
		c, &import_stix20, SOURCE_ROOT "/tests/samples/stix20-bundle.json", &o, e));
	buf_slice_append(&first, buf_slice(&c->objects));
	MUST(collect_path(
		c, &import_stix20, SOURCE_ROOT "/tests/samples/stix20-bundle.json", &o, e));
	assert_string_equal(first.data, c->objects.data);
	buf_fini(&first);
}

#define OBSERVED(rest)                                                                             \
	"{\"type\":\"observed-data\",\"id\":\"observed-data--9e2b3c4d-5e6f-4071-9bac-"             \
	"000000000008\",\"created\":\"2018-03-01T09:00:00.000Z\",\"modified\":\"2018-03-01T09:"    \
	"00:00.000Z\",\"first_observed\":\"2018-03-01T09:00:00Z\",\"last_observed\":\"2018-03-01T" \
	"09:00:00Z\",\"number_observed\":1," rest "}"

#define AMBER "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"

/* A marking on a part of the observables must not get lost with the part's place. */
static void test_granular(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();

	MUST(collect_bytes(c, &import_stix20,
		SLICE(OBSERVED("\"granular_markings\":[{\"marking_ref\":\"" AMBER
			       "\",\"selectors\":[\"objects.0.value\"]},{\"marking_ref\":\"" AMBER
			       "\",\"selectors\":[\"number_observed\"]}],\"objects\":{\"0\":{"
			       "\"type\":\"ipv4-addr\",\"value\":\"198.51.100.3\"}}")),
		&o, e));
	assert_clean(c);
	assert_int_equal(c->objects_count, 2);
	assert_has(
		&c->objects, "\"value\":\"198.51.100.3\",\"object_marking_refs\":[\"" AMBER "\"]}");
	assert_has(&c->objects, "\"granular_markings\":[{\"marking_ref\":\"" AMBER
				"\",\"selectors\":[\"number_observed\"]}]");
	assert_has(&c->objects, "\"object_marking_refs\":[\"" AMBER "\"]}\n");
	assert_has(&c->losses, "the marking of objects.0.value holds for the whole object");
}

/* Objects that refer to each other in a circle still get ids, and the reading ends. */
static void test_circle(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();

	MUST(collect_bytes(c, &import_stix20,
		SLICE(OBSERVED("\"objects\":{\"a\":{\"type\":\"file\",\"name\":\"x\","
			       "\"parent_directory_ref\":\"b\"},\"b\":{\"type\":\"directory\","
			       "\"path\":\"/\",\"contains_refs\":[\"a\",\"b\"]}}")),
		&o, e));
	assert_clean(c);
	assert_int_equal(c->objects_count, 3);
	/* a chain longer than anybody needs is refused; one that is just short enough is not */
	for (unsigned extra = 0; extra < 2; extra++) {
		struct buf b = BUF_INIT;

		buf_text(&b, "{\"type\":\"observed-data\",\"id\":\"observed-data--9e2b3c4d-5e6f-"
			     "4071-9bac-000000000008\",\"created\":\"2018-03-01T09:00:00.000Z\","
			     "\"modified\":\"2018-03-01T09:00:00.000Z\",\"first_observed\":\"2018-"
			     "03-01T09:00:00Z\",\"last_observed\":\"2018-03-01T09:00:00Z\","
			     "\"number_observed\":1,\"objects\":{");
		for (unsigned k = 0; k < 99 + extra; k++)
			buf_printf(&b,
				"\"%u\":{\"type\":\"file\",\"name\":\"x\",\"extensions\":{"
				"\"archive-ext\":{\"contains_refs\":[\"%u\"]}}},",
				k, k + 1);
		buf_printf(&b, "\"%u\":{\"type\":\"file\",\"name\":\"x\"}}}", 99 + extra);
		MUST(collect_bytes(c, &import_stix20, buf_slice(&b), &o, e));
		assert_int_equal(c->refused, extra);
		buf_fini(&b);
	}
	assert_has(&c->refusals, "refer to each other more than 100 deep");
}

/* Observables in one dictionary and markings of one object, on both sides of the limits. */
static void test_upgrade_limits(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();

	for (unsigned extra = 0; extra < 2; extra++) {
		struct buf b = BUF_INIT;

		buf_text(&b, "{\"type\":\"observed-data\",\"id\":\"observed-data--9e2b3c4d-5e6f-"
			     "4071-9bac-000000000008\",\"objects\":{");
		for (unsigned k = 0; k < 2000 + extra; k++)
			buf_printf(&b, "%s\"%u\":{\"type\":\"mutex\",\"name\":\"m%u\"}",
				k == 0 ? "" : ",", k, k);
		buf_text(&b, "}}\n{\"type\":\"tool\",\"id\":\"tool--9e2b3c4d-5e6f-4071-9bac-"
			     "000000000008\",\"object_marking_refs\":[");
		for (unsigned k = 0; k < 64 + extra; k++)
			buf_printf(&b,
				"%s\"marking-definition--9e2b3c4d-5e6f-4071-9bac-0000000%05u\"",
				k == 0 ? "" : ",", k);
		buf_text(&b, "]}");
		c->parse_only = true;
		MUST(collect_bytes(c, &import_stix20, buf_slice(&b), &o, e));
		assert_clean(c);
		assert_int_equal(c->refused, 2 * extra);
		assert_int_equal(c->objects_count, extra == 0 ? 2002 : 0);
		buf_fini(&b);
	}
	assert_has(&c->refusals, "more than 2000 observables");
	assert_has(&c->refusals, "more than 64 markings");
}

static void test_upgrade_refuses(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} cases[] = {
		{"{\"type\":\"tool\"}",                                 "expected an object with \"type\" and \"id\""},
		{"{\"type\":\"tool\",\"id\":\"tool--x\"}",              "expected an object with"                    },
		{"{\"type\":\"tool\",\"type\":\"tool\"}",               "duplicate name"                             },
		{OBSERVED("\"objects\":{}"),                            "expected a dictionary of observables"       },
		{OBSERVED("\"objects\":{\"0\":{\"value\":\"x\"}}"),     "expected the name of a type"                },
		{OBSERVED("\"objects\":{\"0\":{\"type\":\"A\\\"b\"}}"),
                 "expected the name of a type"								       },
	};
	struct collect *c = *state;
	struct intel_import o = collect_options();

	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		MUST(collect_bytes(c, &import_stix20, slice_of(cases[k].text), &o, e));
		assert_int_equal(c->refused, 1);
		assert_has(&c->refusals, cases[k].why);
	}
}

/* ---- reading -------------------------------------------------------------------------------- */

static void test_lines(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	struct import_job job = {.options = &o,
		.world = &c->world.world,
		.head = SLICE("one\r\n\ntwo\nthree"),
		.sink = &c->sink};
	static const struct {
		const char *line;
		uint64_t offset;
	} expected[] = {
		{"one",   0 },
                {"",      5 },
                {"two",   6 },
                {"three", 10}
        };
	struct import_lines lines;

	MUST(import_lines_init(&lines, &job, e));
	for (size_t k = 0; k <= COUNT_OF(expected); k++) {
		struct intel_place place;
		enum import_line what;
		struct slice line;

		MUST(import_lines_next(&lines, &what, &line, &place, e));
		if (k == COUNT_OF(expected)) {
			assert_int_equal(what, IMPORT_LINES_END);
			break;
		}
		assert_int_equal(what, IMPORT_LINE);
		assert_true(slice_is(line, expected[k].line));
		assert_int_equal(place.line, k + 1);
		assert_int_equal(place.offset, expected[k].offset);
	}
	import_lines_fini(&lines);
}

/* A document that must be read whole: exactly the limit, and a byte more. */
static void test_read_all(void **state)
{
	struct collect *c = *state;
	struct intel_import o = collect_options();
	char *text = calloc(JSON_DOCUMENT_MAX + 1, 1);

	assert_non_null(text);
	for (size_t extra = 0; extra < 2; extra++) {
		struct import_job job = {
			.options = &o,
			.world = &c->world.world,
			.head = {text, JSON_DOCUMENT_MAX + extra},
			.sink = &c->sink
                };
		struct buf whole = BUF_INIT;
		struct err no;

		assert_int_equal(import_read_all(&job, &whole, &no), extra == 0 ? OK : ERR_LIMIT);
		assert_int_equal(whole.len, extra == 0 ? JSON_DOCUMENT_MAX : 0);
		buf_fini(&whole);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_forms, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_broken, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_bundle, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_pieces, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_stop, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_attack, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_upgrade, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(
			test_upgrade_again, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_granular, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_circle, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(
			test_upgrade_refuses, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(
			test_upgrade_limits, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_lines, import_set_up, import_tear_down),
		cmocka_unit_test_setup_teardown(test_read_all, import_set_up, import_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
