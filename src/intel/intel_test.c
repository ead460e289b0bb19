/* SPDX-License-Identifier: MPL-2.0 */
/* The way in, the way out, and what a person may type; each rule on both sides. */
#include "testing/testing.h"

#include "accept.h"
#include "intel.h"

struct fixture {
	char folder[TESTING_PATH_MAX];
	struct world_fake world;
	struct store *store;
	struct intel *intel;
	int64_t collection;
	struct arena *arena;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct store_collection c = {
		.title = SLICE("Test"), .alias = SLICE("test"), .tlp_max = STIX_TLP_AMBER_STRICT};

	assert_non_null(f);
	testing_folder_make("intel", f->folder);
	world_fake_init(&f->world, 5, INT64_C(1767225600000000));
	f->arena = arena_new(MIB(64));
	MUST(store_open(f->folder,
		&(struct store_options){.mode = STORE_CREATE, .world = &f->world.world}, &f->store,
		e));
	f->intel = intel_new(f->store, &f->world.world);
	assert_non_null(f->intel);
	uuid_v4(&f->world.world, &c.uuid);
	MUST(store_collection_put(f->store, &c, &f->collection, e));
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	intel_free(f->intel);
	store_close(f->store);
	arena_free(f->arena);
	testing_folder_remove(f->folder);
	free(f);
	return 0;
}

static struct intel_source source_of(struct fixture *f)
{
	return (struct intel_source){SLICE("self"), &f->collection, 1};
}

/* A note by its number, marked, referring to one object. Lives in the arena. */
static struct slice note(struct fixture *f, unsigned k, const char *markings, const char *refers_to)
{
	struct slice s = arena_printf(f->arena,
		"{\"type\":\"note\",\"spec_version\":\"2.1\",\"id\":\"note--00000000-0000-4000-"
		"8000-%012u\","
		"\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00."
		"000Z\","
		"\"content\":\"note %u\",\"object_refs\":[\"%s\"]%s%s%s}",
		k, k, refers_to, markings[0] == '\0' ? "" : ",\"object_marking_refs\":[", markings,
		markings[0] == '\0' ? "" : "]");

	assert_non_null(s.data);
	return s;
}

#define NOWHERE "malware--11111111-1111-4111-8111-111111111111"
#define CLEAR   "\"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487\""
#define WHITE   "\"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9\""
#define GREEN   "\"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb\""
#define AMBER   "\"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421\""
#define STRICT  "\"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003\""
#define RED     "\"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1\""
#define UNKNOWN "\"marking-definition--22222222-2222-4222-8222-222222222222\""

static void accept_one(struct fixture *f, struct slice object, enum intel_outcome want)
{
	struct intel_source source = source_of(f);
	struct intel_verdict v;

	MUST(intel_accept(f->intel, &source, &object, 1, NULL, 0, f->arena, &v, e));
	if (v.outcome != want)
		fail_msg("%s, expected %s: %.*s", intel_outcome_name(v.outcome),
			intel_outcome_name(want), SLICE_ARG(v.message));
}

static void test_refusals_say_why(void **state)
{
	struct fixture *f = *state;
	struct intel_source source = source_of(f);
	const struct slice objects[] = {
		note(f, 1, "", NOWHERE),
		SLICE("{\"type\":\"note\",\"type\":\"note\"}"),
		SLICE("{\"type\":\"bundle\",\"id\":\"bundle--22222222-2222-4222-8222-"
		      "222222222222\"}"),
		SLICE("[1]"),
		SLICE("{\"type\":\"malware\",\"id\":\"malware--22222222-2222-4222-8222-"
		      "222222222222\"}"),
		note(f, 2, "", NOWHERE),
	};
	static const struct {
		enum intel_outcome outcome;
		const char *says; /* stands in the message */
	} want[] = {
		{INTEL_NEW,     ""         },
		{INTEL_REFUSED, "duplicate"},
		{INTEL_REFUSED, "bundle"   },
		{INTEL_REFUSED, ""         },
		{INTEL_REFUSED, "created"  },
		{INTEL_NEW,     ""         },
	};
	struct intel_verdict v[COUNT_OF(objects)];

	MUST(intel_accept(f->intel, &source, objects, COUNT_OF(objects), NULL, 0, f->arena, v, e));
	for (size_t k = 0; k < COUNT_OF(objects); k++) {
		if (v[k].outcome != want[k].outcome ||
			(want[k].says[0] != '\0' &&
				slice_find_text(v[k].message, slice_of(want[k].says)) ==
					v[k].message.len))
			fail_msg("object %zu: %s: %.*s", k, intel_outcome_name(v[k].outcome),
				SLICE_ARG(v[k].message));
		assert_int_equal(v[k].place.index, k);
	}
}

static void test_same_and_conflicting(void **state)
{
	struct fixture *f = *state;
	struct slice object = note(f, 1, "", NOWHERE);
	struct slice spaced =
		arena_printf(f->arena, "{ %.*s", SLICE_ARG(slice_cut(object, 1, object.len)));
	struct buf other = BUF_INIT;

	accept_one(f, object, INTEL_NEW);
	accept_one(f, object, INTEL_KNOWN);
	accept_one(f, spaced, INTEL_KNOWN); /* white space is no conflict */
	buf_slice_append(&other, slice_cut(object, 0, object.len - 1));
	buf_text(&other, ",\"abstract\":\"changed\"}");
	accept_one(f, buf_slice(&other), INTEL_CONFLICT);
	accept_one(f, object, INTEL_KNOWN); /* the first stays */
	buf_fini(&other);
}

static void count_report(void *context, const struct intel_verdict *v)
{
	if (v->outcome == INTEL_REFUSED)
		++*(unsigned *)context;
	assert_true(v->place.line > 0);
}

/* 10,000 objects of which 3 are bad: 9,997 go in, 3 are reported. */
static void test_three_of_ten_thousand(void **state)
{
	struct fixture *f = *state;
	unsigned reported = 0;
	struct intel_intake_options options = {
		.source = source_of(f),
		.report = count_report,
		.context = &reported,
		.resume_key = SLICE("import/three"),
	};
	struct buf value = BUF_INIT;
	struct intel_intake *intake;
	struct intel_counts counts;
	bool found;

	MUST(intel_intake_open(f->intel, &options, &intake, e));
	for (unsigned k = 0; k < 10000; k++) {
		struct intel_place place = {.index = k, .line = k + 1};
		struct slice object = note(f, k + 1, "", NOWHERE);

		if (k == 17 || k == 5000)
			object = slice_cut(object, 0, object.len - 1);
		if (k == 9999)
			object = SLICE("{\"type\":\"note\"}");
		MUST(intel_intake_push(intake, object, &place, e));
	}
	MUST(intel_intake_flush(intake, NULL, &counts, e));
	intel_intake_close(intake);
	assert_int_equal(counts.objects, 10000);
	assert_int_equal(counts.by_outcome[INTEL_NEW], 9997);
	assert_int_equal(counts.by_outcome[INTEL_REFUSED], 3);
	assert_int_equal(reported, 3);
	MUST(store_note_get(f->store, SLICE("import/three"), &value, &found, e));
	assert_true(found);
	assert_true(slice_is(buf_slice(&value), "10000"));
	buf_fini(&value);
}

/* A page's mark is in the store when, and only when, its objects are. */
static void test_mark_goes_with_its_objects(void **state)
{
	struct fixture *f = *state;
	struct intel_intake_options options = {.source = source_of(f)};
	struct intel_intake *intake;
	struct intel_place place = {0};
	struct buf value = BUF_INIT;
	bool found;

	MUST(intel_intake_open(f->intel, &options, &intake, e));
	MUST(intel_intake_push(intake, note(f, 1, "", NOWHERE), &place, e));
	MUST(intel_intake_mark(intake, &(struct store_note){SLICE("pull/x"), SLICE("page 1")}, e));
	MUST(intel_intake_push(intake, note(f, 2, "", NOWHERE), &place, e));
	MUST(intel_intake_flush(intake, NULL, NULL, e));
	MUST(store_note_get(f->store, SLICE("pull/x"), &value, &found, e));
	assert_true(found && slice_is(buf_slice(&value), "page 1"));
	/* a mark alone is written too */
	MUST(intel_intake_flush(
		intake, &(struct store_note){SLICE("pull/x"), SLICE("page 2")}, NULL, e));
	buf_clear(&value);
	MUST(store_note_get(f->store, SLICE("pull/x"), &value, &found, e));
	assert_true(found && slice_is(buf_slice(&value), "page 2"));
	intel_intake_close(intake);
	buf_fini(&value);
}

static void test_member_name_limits(void **state)
{
	struct fixture *f = *state;
	char name[INTEL_MEMBER_MAX + 1];
	struct intel_intake *intake;
	struct intel_intake_options options = {.source = source_of(f)};
	struct err why;

	memset(name, 'm', sizeof(name));
	options.source.member = (struct slice){name, INTEL_MEMBER_MAX};
	MUST(intel_intake_open(f->intel, &options, &intake, e));
	intel_intake_close(intake);
	options.source.member.len = INTEL_MEMBER_MAX + 1;
	assert_int_equal(intel_intake_open(f->intel, &options, &intake, &why), ERR_USAGE);
	options.source.member.len = 0;
	assert_int_equal(intel_intake_open(f->intel, &options, &intake, &why), ERR_USAGE);
}

/* ---- the way out ----------------------------------------------------------------------------- */

/* How many objects of the store a recipient gets. */
static unsigned released(struct fixture *f, const struct intel_recipient *to)
{
	struct store_reader *r;
	struct store_cursor *c;
	struct store_row row;
	unsigned count = 0;
	bool more = true;

	MUST(store_reader_take(f->store, &r, e));
	MUST(intel_release_all(f->intel, r, to, 0, true, &c, e));
	for (;;) {
		MUST(store_cursor_next(c, &row, &more, e));
		if (!more)
			break;
		count++;
	}
	store_cursor_free(c);
	store_reader_give(r);
	return count;
}

static void test_release_table(void **state)
{
	struct fixture *f = *state;
	const struct intel_recipient operator_here = {.reach = INTEL_OPERATOR};
	const struct intel_recipient member = {.reach = INTEL_MEMBER};
	const struct intel_recipient anybody = {.reach = INTEL_PUBLIC};
	struct intel_recipient reader = {.reach = INTEL_COLLECTION,
		.account = 1,
		.role = STORE_READER,
		.collection = f->collection,
		.tlp_max = STIX_TLP_AMBER_STRICT};
	struct intel_recipient administrator = reader, low = reader, stranger = reader,
			       reds = reader;
	static const struct {
		const char *why;
		const char *markings;
		/* operator, member, public, reader, administrator, reader of a green collection,
		 * stranger, administrator of a collection wrongly set to red */
		unsigned passes[8];
	} cases[] = {
		{"unmarked",             "",                {1, 1, 1, 1, 1, 1, 1, 1}},
		{"clear",                CLEAR,             {1, 1, 1, 1, 1, 1, 1, 1}},
		{"TLP 1 white",          WHITE,             {1, 1, 1, 1, 1, 1, 1, 1}},
		{"green",                GREEN,             {1, 1, 0, 1, 1, 1, 0, 1}},
		{"amber",                AMBER,             {1, 1, 0, 1, 1, 0, 0, 1}},
		{"amber+strict",         STRICT,            {1, 0, 0, 0, 1, 0, 0, 1}},
		{"red",                  RED,               {1, 0, 0, 0, 0, 0, 0, 0}},
		{"unknown",              UNKNOWN,           {1, 0, 0, 0, 0, 0, 0, 0}},
		{"the strictest counts", CLEAR "," RED,     {1, 0, 0, 0, 0, 0, 0, 0}},
		{"unknown beside clear", CLEAR "," UNKNOWN, {1, 0, 0, 0, 0, 0, 0, 0}},
	};
	unsigned before[8] = {0};

	administrator.role = STORE_ADMINISTRATOR;
	low.tlp_max = STIX_TLP_GREEN;
	stranger.account = 0;
	reds.role = STORE_ADMINISTRATOR;
	reds.tlp_max = STIX_TLP_RED;
	const struct intel_recipient *const to[8] = {
		&operator_here, &member, &anybody, &reader, &administrator, &low, &stranger, &reds};
	for (unsigned k = 0; k < COUNT_OF(cases); k++) {
		accept_one(f, note(f, k + 1, cases[k].markings, NOWHERE), INTEL_NEW);
		for (unsigned t = 0; t < 8; t++) {
			unsigned now = released(f, to[t]);

			if (now - before[t] != cases[k].passes[t])
				fail_msg("%s, recipient %u: %u", cases[k].why, t, now - before[t]);
			before[t] = now;
		}
	}
}

/* What refers to a RED object is as strict as that object, in either order of arrival. */
static void test_release_asks_for_references(void **state)
{
	struct fixture *f = *state;
	const struct intel_recipient member = {.reach = INTEL_MEMBER};
	const char *red_id = "note--00000000-0000-4000-8000-000000000001";
	const char *late_id = "note--00000000-0000-4000-8000-000000000009";

	accept_one(f, note(f, 1, RED, NOWHERE), INTEL_NEW);
	accept_one(f, note(f, 2, CLEAR, red_id), INTEL_NEW);
	assert_int_equal(released(f, &member), 0);
	accept_one(f, note(f, 3, CLEAR, late_id), INTEL_NEW);
	assert_int_equal(released(f, &member), 1); /* what it refers to is not here */
	accept_one(f, note(f, 9, RED, NOWHERE), INTEL_NEW);
	assert_int_equal(released(f, &member), 0); /* now it is */
}

static void test_statement_is_known_once_it_is_here(void **state)
{
	struct fixture *f = *state;
	const struct intel_recipient member = {.reach = INTEL_MEMBER};

	accept_one(f, note(f, 1, UNKNOWN, NOWHERE), INTEL_NEW);
	assert_int_equal(released(f, &member), 0);
	accept_one(f,
		SLICE("{\"type\":\"marking-definition\",\"spec_version\":\"2.1\","
		      "\"id\":\"marking-definition--22222222-2222-4222-8222-222222222222\","
		      "\"created\":\"2026-01-01T00:00:00.000Z\",\"definition_type\":\"statement\","
		      "\"definition\":{\"statement\":\"Copyright somebody\"}}"),
		INTEL_NEW);
	assert_int_equal(released(f, &member), 2);
}

static void test_withheld_are_counted(void **state)
{
	struct fixture *f = *state;
	const struct intel_recipient member = {.reach = INTEL_MEMBER};
	struct store_reader *r;
	struct store_cursor *c;
	struct store_row row;
	bool more = true;

	accept_one(f, note(f, 1, RED, NOWHERE), INTEL_NEW);
	accept_one(f, note(f, 2, GREEN, NOWHERE), INTEL_NEW);
	accept_one(f, note(f, 3, RED, NOWHERE), INTEL_NEW);
	MUST(store_reader_take(f->store, &r, e));
	MUST(intel_release_all(f->intel, r, &member, 0, true, &c, e));
	while (more)
		MUST(store_cursor_next(c, &row, &more, e));
	store_cursor_free(c);
	assert_int_equal(intel_release_withheld(f->intel, r, &member), 2);
	store_reader_give(r);
}

/* ---- questions ------------------------------------------------------------------------------- */

static void test_query_fields(void **state)
{
	struct fixture *f = *state;
	struct store_search s;

	MUST(intel_query_parse(
		SLICE("type:indicator,malware value:198.51.100.0/24 tlp:green "
		      "since:2026-01-01 until:2026-02-01T12:00:00Z label:\"command and control\" "
		      "by:identity--22222222-2222-4222-8222-222222222222 versions:all"),
		f->arena, &s, e));
	assert_int_equal(s.types_count, 2);
	assert_true(slice_is(s.types[1], "malware"));
	assert_int_equal(s.value->kind, STIX_VALUE_ADDRESS);
	assert_int_equal(s.markings_any_count, 2); /* TLP 1 and TLP 2.0 */
	assert_int_equal(s.since_us, INT64_C(1767225600000000));
	assert_int_equal(s.until_us, INT64_C(1769947200000000));
	assert_true(slice_is(s.label, "command and control"));
	assert_true(slice_is(s.creator->type, "identity"));
	assert_true(s.every_version);
	assert_int_equal(s.text.len, 0);

	MUST(intel_query_parse(SLICE("lazarus \"group of\" 198.51.100.7"), f->arena, &s, e));
	assert_true(slice_is(s.text, "lazarus group of"));
	assert_int_equal(s.value->kind, STIX_VALUE_ADDRESS);

	MUST(intel_query_parse(SLICE("*.evil.example"), f->arena, &s, e));
	assert_int_equal(s.value->kind, STIX_VALUE_NAME);
	assert_true(s.value_suffix);
	MUST(intel_query_parse(SLICE("evil.example"), f->arena, &s, e));
	assert_false(s.value_suffix);
	/* a field in quotes is words */
	MUST(intel_query_parse(SLICE("\"type:x\""), f->arena, &s, e));
	assert_true(slice_is(s.text, "type:x"));
}

static void test_query_refuses(void **state)
{
	static const char *const bad[] = {"since:yesterday", "until:2026-13-01", "tlp:purple",
		"by:nobody", "ref:", "versions:some",
		"type:", "label:", "value:198.51.100.1 value:198.51.100.2", "\xff"};
	struct fixture *f = *state;

	for (size_t k = 0; k < COUNT_OF(bad); k++) {
		struct store_search s;
		struct err e = {0};

		if (intel_query_parse(slice_of(bad[k]), f->arena, &s, &e) != ERR_USAGE ||
			e.text[0] == '\0')
			fail_msg("accepted: %s", bad[k]);
	}
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_STORE(test_refusals_say_why),
		WITH_STORE(test_same_and_conflicting),
		WITH_STORE(test_three_of_ten_thousand),
		WITH_STORE(test_mark_goes_with_its_objects),
		WITH_STORE(test_member_name_limits),
		WITH_STORE(test_release_table),
		WITH_STORE(test_release_asks_for_references),
		WITH_STORE(test_statement_is_known_once_it_is_here),
		WITH_STORE(test_withheld_are_counted),
		WITH_STORE(test_query_fields),
		WITH_STORE(test_query_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
