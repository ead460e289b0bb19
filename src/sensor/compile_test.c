/* SPDX-License-Identifier: MPL-2.0 */
/* From files of intelligence to an index: what is taken, what is left, and that it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "sensor.h"

#define IDENTITY "identity--7b9c1d2e-3f40-4a5b-8c6d-7e8f90a1b2c3"
#define ID(n)                                                                                      \
	"indicator--" n n n n n n n n "-" n n n n "-4" n n n "-8" n n n "-" n n n n n n n n n n n n
#define INDICATOR(n, modified, more, type, pattern)                                                \
	"{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"" ID(                           \
		n) "\",\"created\":\"2024-01-01T00:00:00.000Z\",\"modified\":\"" modified          \
		   "\",\"valid_from\":\"2024-01-01T00:00:00Z\"," more "\"pattern_type\":\"" type   \
		   "\",\"pattern\":\"" pattern "\"}"
#define OLD "2024-01-01T00:00:00.000Z"
#define NEW "2024-02-01T00:00:00.000Z"

struct told {
	size_t count;
	uint64_t line;
	char what[200], why[ERR_TEXT_MAX];
};

static void refused(
	void *context, const char *file, uint64_t line, struct slice what, const struct err *why)
{
	struct told *t = context;

	(void)file;
	t->count++;
	t->line = line;
	snprintf(t->what, sizeof(t->what), "%.*s", SLICE_ARG(what));
	snprintf(t->why, sizeof(t->why), "%s", why->text);
}

struct result {
	struct sensor_compile_counts counts;
	struct index_counts index;
	struct told told;
	struct index *x;
	struct index_entry entry; /* the last */
	char path[40];
	struct err e;
};

static enum err_kind run(struct result *r, struct slice bytes, struct sensor_compile_options o)
{
	static struct world_fake world;
	char path[] = "/tmp/serai-compile-XXXXXX";
	int fd = mkstemp(path);
	struct index_builder *b;
	enum err_kind kind;

	*r = (struct result){0};
	world_fake_init(&world, 1, INT64_C(1710000000000000));
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.data, bytes.len), (ssize_t)bytes.len);
	close(fd);
	b = index_builder_new(&world.world);
	assert_non_null(b);
	o.world = &world.world;
	o.refused = refused;
	o.context = &r->told;
	kind = sensor_compile(b, path, &o, &r->counts, &r->e);
	index_builder_counts(b, &r->index);
	if (kind == OK) {
		assert_int_equal(index_builder_write(b, path, NULL, &r->e), OK);
		assert_int_equal(index_open(path, &(struct index_options){0}, &r->x, &r->e), OK);
		if (r->index.entries > 0)
			assert_true(
				index_entry_get(r->x, (uint32_t)r->index.entries - 1, &r->entry));
	}
	index_builder_free(b);
	unlink(path);
	return kind;
}

static void stix(struct result *r, const char *text)
{
	assert_int_equal(
		run(r, slice_of(text), (struct sensor_compile_options){.confidence = -1}), OK);
}

static void test_bundle(void **state)
{
	struct result r;

	(void)state;
	/* the producer's name stands behind what it produced */
	stix(&r,
		"{\"type\":\"bundle\",\"id\":\"bundle--7b9c1d2e-3f40-4a5b-8c6d-7e8f90a1b2c3\","
		"\"objects\":[" INDICATOR("1", OLD,
			"\"created_by_ref\":\"" IDENTITY "\",\"confidence\":70,\"name\":\"Bad\","
			"\"indicator_types\":[\"malicious-activity\"],\"labels\":[\"x\"],"
			"\"kill_chain_phases\":[{\"kill_chain_name\":\"k\",\"phase_name\":\"p\"}],"
			"\"valid_until\":\"2024-03-01T00:00:00Z\","
			"\"object_marking_refs\":[\"marking-definition--"
			"34098fce-860f-48ae-8e50-ebd3cc5e41da\"],",
			"stix",
			"[domain-name:value = 'bad.example' OR ipv4-addr:value = '192.0.2.1']") ",{"
												"\""
												"ty"
												"pe"
												"\""
												":"
												"\""
												"id"
												"en"
												"ti"
												"ty"
												"\""
												","
												"\""
												"sp"
												"ec"
												"_v"
												"er"
												"si"
												"on"
												"\""
												":"
												"\""
												"2."
												"1"
												"\""
												","
												"\""
												"id"
												"\""
												":"
												"\"" IDENTITY
												"\""
												","
												"\""
												"cr"
												"ea"
												"te"
												"d"
												"\""
												":"
												"\"" OLD
												"\""
												","
												"\""
												"mo"
												"di"
												"fi"
												"ed"
												"\""
												":"
												"\"" OLD
												"\""
												","
												"\""
												"na"
												"me"
												"\""
												":"
												"\""
												"CE"
												"RT"
												" E"
												"xa"
												"mp"
												"le"
												"\""
												"}]"
												"}");
	assert_int_equal(r.counts.objects, 2);
	assert_int_equal(r.counts.indicators, 1);
	assert_int_equal(r.counts.refused, 0);
	assert_int_equal(r.index.values, 2);
	assert_int_equal(r.index.patterns, 0);
	assert_true(slice_is(r.entry.id, ID("1")));
	assert_true(slice_is(r.entry.producer, "CERT Example"));
	assert_true(slice_is(r.entry.name, "Bad"));
	assert_true(slice_is(r.entry.kill_chain, "k:p"));
	assert_true(slice_is(r.entry.labels, "malicious-activity,x"));
	assert_int_equal(r.entry.confidence, 70);
	assert_int_equal(r.entry.tlp, STIX_TLP_GREEN);
	assert_true(r.entry.valid_until_us > r.entry.valid_from_us && r.entry.valid_from_us > 0);
	index_close(r.x);
}

static void test_versions(void **state)
{
	struct result r;

	(void)state;
	stix(&r, INDICATOR("1", OLD, "", "stix",
			 "[domain-name:value = 'old.example']") "\n" INDICATOR("1", NEW, "", "stix",
			 "[domain-name:value = 'new.example']") "\n" INDICATOR("2", OLD, "", "stix",
			 "[domain-name:value = 'gone.example']") "\n" INDICATOR("2", NEW,
			 "\"revoked\":true,", "stix",
			 "[domain-name:value = 'gone.example']") "\n" INDICATOR("3", OLD, "",
			 "sigma", "title: x") "\n");
	assert_int_equal(r.counts.indicators, 5);
	assert_int_equal(r.counts.superseded, 1);
	assert_int_equal(r.counts.revoked, 2);
	assert_int_equal(r.counts.other_languages, 1);
	assert_int_equal(r.index.values, 1);
	assert_true(r.entry.version_us == INT64_C(1706745600000000));
	index_close(r.x);
}

static void test_patterns(void **state)
{
	struct result r;

	(void)state;
	stix(&r,
		INDICATOR("1", OLD, "", "stix",
			"[domain-name:value = 'a.example' AND network-traffic:dst_port = 8080]") "\n" INDICATOR("2",
			OLD, "", "stix", "[file:name = 'x.exe']") "\n" INDICATOR("3", OLD, "",
			"stix", "[url:value = 'http://c.example/x']"));
	assert_int_equal(r.index.patterns, 2);
	assert_int_equal(r.index.values, 1);
	assert_int_equal(r.counts.refused, 0);
	index_close(r.x);
}

static void test_bad_objects(void **state)
{
	struct result r;

	(void)state;
	stix(&r, INDICATOR("1", OLD, "", "stix",
			 "[domain-name:value = 'a.example']") "\n{\"type\":\"indicator\",\"id\":"
							      "\"nothing\"}\n");
	assert_int_equal(r.index.values, 1);
	assert_int_equal(r.counts.refused, 1);
	assert_int_equal(r.told.count, 1);
	assert_int_equal(r.told.line, 2);
	assert_string_not_equal(r.told.why, "");
	index_close(r.x);
	/* one value that can match nothing */
	stix(&r, "\n\n" INDICATOR(
			 "1", OLD, "", "stix", "[ipv4-addr:value IN ('192.0.2.1', '999.1.1.1')]"));
	assert_int_equal(r.index.values + r.index.patterns, 1);
	assert_int_equal(r.told.line, r.told.count == 0 ? 0 : 3);
	index_close(r.x);
}

static void test_zeek(void **state)
{
	struct result r;

	(void)state;
	assert_int_equal(
		run(&r,
			SLICE("#fields\tindicator\tindicator_type\tmeta.source\r\n"
			      "bad.example\tIntel::DOMAIN\tone\r\n"
			      "192.0.2.0/24\tIntel::SUBNET\t-\r\n"
			      "# a remark\n\n"
			      "x\tIntel::USER_NAME\tone\n"
			      "not an address\tIntel::ADDR\tone"),
			(struct sensor_compile_options){
				.name = SLICE("ours"), .tlp = STIX_TLP_RED, .confidence = 33}),
		OK);
	assert_int_equal(r.counts.lines, 4);
	assert_int_equal(r.index.values, 2);
	assert_int_equal(r.counts.refused, 2);
	assert_int_equal(r.told.line, 7);
	assert_true(slice_is(r.entry.id, "feed:one"));
	assert_int_equal(r.entry.tlp, STIX_TLP_RED);
	assert_int_equal(r.entry.confidence, 33);
	index_close(r.x);
	assert_int_equal(run(&r, SLICE("#fields\tindicator\tsomething\nbad.example\tx\n"),
				 (struct sensor_compile_options){0}),
		ERR_PARSE);
	assert_non_null(strstr(r.e.text, "line 1"));
}

static void test_lists(void **state)
{
	static const char text[] = "# list\nbad.example\n192.0.2.1\nhttp://c.example/x\n!!\n"
				   "d41d8cd98f00b204e9800998ecf84270";
	struct sensor_compile_options o = {.confidence = -1};
	unsigned char packed[256];
	z_stream z = {0};
	struct result r;

	(void)state;
	assert_int_equal(run(&r, slice_of(text), o), OK);
	assert_int_equal(r.counts.lines, 6);
	assert_int_equal(r.index.values, 4);
	assert_int_equal(r.counts.refused, 1);
	assert_int_equal(r.told.line, 5);
	assert_true(slice_starts(r.entry.id, SLICE("feed:serai-compile-")));
	index_close(r.x);

	z.next_in = (unsigned char *)(uintptr_t)text;
	z.avail_in = sizeof(text) - 1;
	z.next_out = packed;
	z.avail_out = sizeof(packed);
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(run(&r, (struct slice){(char *)packed, z.total_out}, o), OK);
	assert_int_equal(r.index.values, 4);
	index_close(r.x);
	/* cut off: told, not taken for the whole */
	assert_int_equal(run(&r, (struct slice){(char *)packed, z.total_out - 9}, o), ERR_PARSE);
	deflateEnd(&z);

	/* of one kind */
	o.kind = FIELD_NAME;
	assert_int_equal(run(&r, slice_of(text), o), OK);
	assert_int_equal(r.index.kinds[FIELD_NAME], r.index.values);
	index_close(r.x);

	assert_int_equal(run(&r, SLICE(""), o), OK);
	assert_int_equal(r.index.values, 0);
	assert_int_equal(r.counts.lines, 0);
	index_close(r.x);
}

static void test_nowhere(void **state)
{
	struct sensor_compile_options o = {.world = world_real()};
	struct sensor_compile_counts counts = {0};
	struct index_builder *b = index_builder_new(world_real());
	struct err e;

	(void)state;
	assert_int_not_equal(sensor_compile(b, "/nowhere/at/all", &o, &counts, &e), OK);
	index_builder_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bundle),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_bad_objects),
		cmocka_unit_test(test_zeek),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
