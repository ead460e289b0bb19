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
#define EVENTS_CUT 4

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

/* ---- in pieces and cut off ------------------------------------------------------------------- */

struct cutting {
	const struct scene *scene;
	struct index_matcher *matcher;
	struct naive_hits found;
	size_t places, cut_short, endings;
};

static bool on_hit(void *context, const struct batch *b, const struct index_hit *hit)
{
	struct cutting *c = context;

	naive_hits_add(&c->found, b->records[b->fields[hit->field].record].number,
		naive_find(c->scene->indicators, hit->kind, hit->indicator), hit->how);
	return true;
}

static bool on_batch(void *context, struct batch *b)
{
	struct cutting *c = context;

	return index_match(c->matcher, b, on_hit, c);
}

/* Bytes with the room around them that readers want, and nothing more. */
static size_t feed(struct packet_reader *r, struct slice bytes, bool last, enum err_kind *ret_kind)
{
	char *room = malloc(EVENT_PADDING + bytes.len + EVENT_PADDING);
	size_t taken = 0;
	struct err e;

	assert_non_null(room);
	memset(room, 0, EVENT_PADDING);
	if (bytes.len > 0)
		memcpy(room + EVENT_PADDING, bytes.data, bytes.len);
	memset(room + EVENT_PADDING + bytes.len, 0, EVENT_PADDING);
	*ret_kind =
		packet_feed(r, (struct slice){room + EVENT_PADDING, bytes.len}, last, &taken, &e);
	assert_true(*ret_kind == OK || *ret_kind == ERR_PARSE);
	assert_true(taken <= bytes.len);
	free(room);
	return taken;
}

static struct packet_reader *reader_new(struct cutting *c)
{
	const struct packet_options options = {.roles = event_roles_matched(),
		.flows_max = 16,
		.buffered_max = KIB(64),
		.world = world_real()};
	struct packet_reader *r = NULL;

	MUST(packet_reader_new(&options, (struct batch_sink){on_batch, c}, &r, e));
	return r;
}

static void reader_end(struct packet_reader *r)
{
	assert_true(packet_end(r));
	assert_true(packet_flush(r));
	packet_reader_free(r);
}

static void in_two_pieces(struct cutting *c, struct slice capture, const char *what)
{
	for (size_t cut = 0; cut <= capture.len; cut++, c->places++) {
		struct packet_reader *r = reader_new(c);
		enum err_kind kind;
		size_t taken = feed(r, slice_cut(capture, 0, cut), false, &kind);

		assert_int_equal(kind, OK);
		(void)feed(r, slice_cut(capture, taken, capture.len), true, &kind);
		assert_int_equal(kind, OK);
		reader_end(r);
		naive_hits_once(&c->found);
		naive_compare(c->scene->indicators, what, (struct slice){0},
			&c->scene->wire.expected, &c->found);
		c->found.count = 0;
	}
}

/* What the end of a capture hands over of half a message stands at its last frame; it may only be
 * what the message holds. Those hits go. */
static void endings_check(
	struct cutting *c, const struct naive_hits *expected, unsigned last, const char *what)
{
	const struct naive_hits *all = &c->scene->wire.expected;
	size_t kept = 0;

	for (size_t i = 0; i < c->found.count; i++) {
		struct naive_hit hit = c->found.at[i];
		bool whole = hit.record != last, held = false;

		for (size_t k = 0; k < expected->count && !whole; k++)
			whole = expected->at[k].record == last &&
				expected->at[k].indicator == hit.indicator;
		if (whole) {
			c->found.at[kept++] = hit;
			continue;
		}
		for (size_t k = 0; k < all->count && !held; k++)
			held = all->at[k].indicator == hit.indicator;
		if (!held)
			fail_msg("%s cut in frame %u: \"%s\" is in no message", what, last + 1,
				naive_told(c->scene->indicators, hit.indicator));
		c->endings++;
	}
	c->found.count = kept;
}

/* All of the whole frames and nothing else. */
static void cut_off(struct cutting *c, struct slice capture, const size_t *ends, const char *what)
{
	unsigned frames = 0;

	for (size_t cut = 0; cut <= capture.len; cut++, c->places++) {
		struct naive_hits expected = c->scene->wire.expected;
		struct packet_reader *r = reader_new(c);
		enum err_kind kind;
		size_t whole = 0;

		while (frames < c->scene->wire.frames_count && ends[frames] <= cut)
			frames++;
		while (whole < expected.count && expected.at[whole].record <= frames)
			whole++;
		expected.count = whole;
		(void)feed(r, slice_cut(capture, 0, cut), true, &kind);
		c->cut_short += kind == ERR_PARSE;
		reader_end(r);
		endings_check(c, &expected, frames, what);
		naive_hits_once(&c->found);
		naive_compare(c->scene->indicators, what, (struct slice){0}, &expected, &c->found);
		c->found.count = 0;
	}
}

static void test_cut_at_every_byte(void **state)
{
	static size_t ends[WIRE_FRAMES_MAX];
	struct scene s;
	struct cutting c = {.scene = &s};
	struct index *x;
	size_t off;

	(void)state;
	scene_begin(&s, 33, EVENTS_CUT, 80);
	MUST(index_open(s.index, &(struct index_options){0}, &x, e));
	c.matcher = index_matcher_new(x);
	assert_non_null(c.matcher);
	assert_true(s.wire.expected.count > 20);
	for (enum wire_file file = WIRE_PCAP; file < WIRE_FILES; file++) {
		struct buf out = BUF_INIT;

		wire_write(&s.wire, file, &out, ends);
		in_two_pieces(&c, buf_slice(&out), wire_file_names[file]);
		buf_fini(&out);
	}
	off = c.places;
	for (enum wire_file file = WIRE_PCAP; file < WIRE_FILES; file++) {
		struct buf out = BUF_INIT;

		wire_write(&s.wire, file, &out, ends);
		cut_off(&c, buf_slice(&out), ends, wire_file_names[file]);
		buf_fini(&out);
	}
	assert_true(c.cut_short > 0);
	print_message(
		"%u frames, %zu hits each time: %zu captures in two pieces, %zu cut off (%zu of "
		"them told to be; %zu values of half a message)\n",
		s.wire.frames_count, s.wire.expected.count, off, c.places - off, c.cut_short,
		c.endings);
	naive_hits_free(&c.found);
	index_matcher_free(c.matcher);
	index_close(x);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_capture),
		cmocka_unit_test(test_cut_at_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
