/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the sensor finds in captures, of every kind that packets carry, beside the naive look-up
 * (sensor_naive.h), which knows what the packets were built of (sensor_wire.h): pcap of both byte
 * orders, with nanoseconds, pcapng; plain and packed; handed over in two pieces at every byte; cut
 * off at every byte.
 */
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "packet/packet.h"
#include "sensor/sensor.h"
#include "sensor_wire.h"

#define EVENTS     400
#define EVENTS_CUT 8

struct scene {
	struct naive *indicators;
	struct wire wire;
	char folder[64], index[96];
};

/* Every third value that packets will show is an indicator, beside those by chance. */
static void scene_begin(struct scene *s, uint64_t seed, size_t count, unsigned hot)
{
	struct chance chance = {seed};
	struct made *events = calloc(count, sizeof(*events));
	struct wire first;

	assert_non_null(events);
	s->indicators = naive_new();
	forms_indicators(s->indicators, &chance, 2000);
	for (size_t i = 0; i < count; i++)
		made_make(&events[i], s->indicators, &chance, hot, false);
	wire_make(&first, seed, NULL, events, count);
	for (size_t i = 0; i < first.values_count; i += 3) {
		enum field_kind kind = first.values[i].kind;

		if (kind != FIELD_HOST && kind != FIELD_ADDRESS)
			naive_add(s->indicators, kind, first.values[i].text);
	}
	wire_fini(&first);
	wire_make(&s->wire, seed, s->indicators, events, count);
	free(events);
	scene_folder(s->folder);
	snprintf(s->index, sizeof(s->index), "%s/index", s->folder);
	naive_index(s->indicators, s->index);
}

static void scene_end(struct scene *s)
{
	wire_fini(&s->wire);
	naive_free(s->indicators);
	scene_remove(s->folder);
}

/* ---- whole files ----------------------------------------------------------------------------- */

static void watch(const struct scene *s, const char *capture, struct naive_hits *found)
{
	char path[128];
	struct sensor_options o = {.index = s->index,
		.sources = &capture,
		.sources_count = 1,
		.once = true,
		.all = true,
		.no_gate = true,
		.output = SENSOR_ECS,
		.findings = path,
		.site = "scene",
		.world = world_real()};
	struct scene_findings f = {0};
	struct sensor_report report;

	snprintf(path, sizeof(path), "%s/findings", s->folder);
	(void)unlink(path);
	MUST(sensor_watch(&o, &report, e));
	if (report.problems > 0)
		fail_msg("%s: %s", capture, report.first_problem);
	assert_int_equal(report.packets.frames, s->wire.frames_count);
	scene_findings_read(&f, path);
	assert_int_equal(report.hits, f.count);
	for (size_t i = 0; i < f.count; i++) {
		uint32_t how = INDEX_EXACT;

		while (strcmp(index_how_name((enum index_how)how), f.rows[i].match) != 0)
			assert_true(++how <= INDEX_PREFIX);
		naive_hits_add(found, (uint64_t)f.rows[i].frame,
			naive_of_finding(s->indicators, &f.rows[i]), how);
	}
	naive_hits_once(found);
	scene_findings_free(&f);
}

static void pack(struct slice text, const char *path, bool zstd)
{
	if (zstd) {
		size_t room = ZSTD_compressBound(text.len);
		char *packed = malloc(room);

		assert_non_null(packed);
		room = ZSTD_compress(packed, room, text.data, text.len, 3);
		assert_false(ZSTD_isError(room));
		scene_put(path, (struct slice){packed, room});
		free(packed);
	} else {
		gzFile f = gzopen(path, "wb");

		assert_non_null(f);
		assert_int_equal(gzwrite(f, text.data, (unsigned)text.len), text.len);
		assert_int_equal(gzclose(f), Z_OK);
	}
}

static void test_every_capture(void **state)
{
	static const char *const packings[] = {"", ".gz", ".zst"};
	static size_t ends[WIRE_FRAMES_MAX];
	size_t total = 0, kinds[FIELD_KINDS] = {0};
	struct scene s;

	(void)state;
	scene_begin(&s, 31, EVENTS, 30);
	for (enum wire_file file = WIRE_PCAP; file < WIRE_FILES; file++) {
		struct buf out = BUF_INIT;

		wire_write(&s.wire, file, &out, ends);
		for (size_t p = 0; p < COUNT_OF(packings); p++) {
			struct naive_hits found = {0};
			char path[128];

			snprintf(path, sizeof(path), "%s/capture%s", s.folder, packings[p]);
			if (p == 0)
				scene_put(path, buf_slice(&out));
			else
				pack(buf_slice(&out), path, p == 2);
			watch(&s, path, &found);
			naive_compare(s.indicators, wire_file_names[file], (struct slice){0},
				&s.wire.expected, &found);
			total += found.count;
			for (size_t i = 0; i < found.count; i++)
				kinds[naive_kind(s.indicators, found.at[i].indicator)]++;
			naive_hits_free(&found);
			(void)unlink(path);
		}
		buf_fini(&out);
	}
	for (enum field_kind kind = FIELD_ADDRESS; kind <= FIELD_JA4; kind++) {
		if (kind != FIELD_ASN)
			assert_true(kinds[kind] > 0);
	}
	print_message("%u frames of %u name look-ups, %u web requests, %u handshakes, %u mails as "
		      "%d kinds of file, plain, gzip and zstd: %zu hits, as expected\n",
		s.wire.frames_count, s.wire.names, s.wire.webs, s.wire.handshakes, s.wire.mails,
		WIRE_FILES, total);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
