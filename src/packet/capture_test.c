/* SPDX-License-Identifier: MPL-2.0 */
/* Capture files: every kind, cut at every byte, broken in every way; and real ones. */
#include "packet_testing.h"

#include <dirent.h>
#include <unistd.h>

#define T0         INT64_C(1700000000123456)
#define ENDS_ROLES (UINT64_C(1) << ROLE_SOURCE_ADDRESS | UINT64_C(1) << ROLE_DESTINATION_ADDRESS)

/* Frame number n is of a conversation of its own: port 1000 + n. */
static struct slice frame_number(struct frame *f, unsigned n)
{
	struct ends e = {"192.0.2.1", "198.51.100.7", 40000, (uint16_t)(1000 + n)};

	frame_udp(f, &e, SLICE("hello"));
	return frame_slice(f);
}

#define LINE "source.address=192.0.2.1 destination.address=198.51.100.7\n"

/* As a whole, and cut at every byte: the same text. */
static void expect_file(struct capture_builder *b, const char *text)
{
	struct slice file = builder_file(b);

	for (size_t piece = 0; piece <= 60; piece++) {
		struct told t = {0};
		struct packet_reader *r = reader_for(ENDS_ROLES, false, &t);
		struct err e;

		assert_int_equal(reader_read(r, file, piece, &e), OK);
		buf_char(&t.text, 0);
		assert_string_equal(t.text.data, text);
		packet_reader_free(r);
		told_fini(&t);
	}
	for (size_t cut = 1; cut < file.len; cut++) {
		struct told t = {0};
		struct packet_reader *r = reader_for(ENDS_ROLES, false, &t);
		size_t first, second;

		assert_int_equal(packet_feed(r, slice_cut(file, 0, cut), false, &first, NULL), OK);
		assert_int_equal(
			packet_feed(r, slice_cut(file, first, file.len), true, &second, NULL), OK);
		assert_int_equal(first + second, file.len);
		buf_char(&t.text, 0);
		assert_string_equal(t.text.data, text);
		packet_reader_free(r);
		told_fini(&t);
	}
}

static void test_pcap(void **state)
{
	struct frame f;

	(void)state;
	for (unsigned kind = 0; kind < 6; kind++) {
		struct capture_builder b = {.swapped = kind & 1,
			.nanoseconds = kind / 2 == 1,
			.patched = kind / 2 == 2};

		builder_begin(&b);
		builder_pcap(&b, 1 | 0x04000000); /* the high bits say how long a check sum is */
		for (unsigned n = 1; n <= 3; n++) {
			struct slice s = frame_number(&f, n);

			builder_pcap_frame(&b, T0 + n, s, (uint32_t)s.len);
		}
		assert_true(packet_is_capture(slice_cut(builder_file(&b), 0, 4)));
		expect_file(&b, "1 1700000000123457 " LINE "2 1700000000123458 " LINE
				"3 1700000000123459 " LINE);
		builder_fini(&b);
	}
}

static void test_pcapng(void **state)
{
	struct frame f;
	struct slice s;

	(void)state;
	for (unsigned swapped = 0; swapped < 2; swapped++) {
		struct capture_builder b = {.swapped = swapped};

		builder_begin(&b);
		builder_section(&b);
		builder_interface(&b, 1, 0, -1, 0);            /* microseconds */
		builder_interface(&b, 1, 0, 9, 100);           /* nanoseconds, 100 s later */
		builder_interface(&b, 1, 0, 0x80 | 10, -1000); /* 1/1024 s, 1000 s before */
		builder_block(&b, 4, SLICE("names that nobody needs"));
		s = frame_number(&f, 1);
		builder_enhanced(&b, 0, (uint64_t)T0, s, (uint32_t)s.len);
		s = frame_number(&f, 2);
		builder_enhanced(&b, 1, (uint64_t)T0 * 1000 + 999, s, (uint32_t)s.len);
		s = frame_number(&f, 3);
		builder_enhanced(&b, 2, UINT64_C(5000) * 1024 + 512, s, (uint32_t)s.len);
		s = frame_number(&f, 4);
		builder_obsolete(&b, 1, (uint64_t)T0 * 1000, s, (uint32_t)s.len);
		s = frame_number(&f, 5);
		builder_simple(&b, s, (uint32_t)s.len);
		builder_block(&b, 0x80000bad, (struct slice){0});
		/* Another section, of the other byte order, with interfaces of its own. */
		b.swapped = !b.swapped;
		builder_section(&b);
		builder_interface(&b, 101, 0, 6, 0);
		s = slice_cut(frame_number(&f, 6), 14, SIZE_MAX);
		builder_enhanced(&b, 0, 1, s, (uint32_t)s.len);
		expect_file(&b,
			"1 1700000000123456 " LINE "2 1700000100123456 " LINE "3 4000500000 " LINE
			"4 1700000100123456 " LINE "5 ? " LINE "6 1 " LINE);
		assert_true(packet_is_capture(builder_file(&b)));
		assert_false(packet_is_capture(slice_cut(builder_file(&b), 0, 11)));
		builder_fini(&b);
	}
}

/* A simple block of an interface with a snap length holds no more than that. */
static void test_simple_snap(void **state)
{
	struct capture_builder b = {0};
	struct frame f;
	struct slice s = frame_number(&f, 1);
	struct told t = {0};
	struct packet_reader *r = reader_for(ENDS_ROLES, false, &t);
	struct err e;

	(void)state;
	builder_begin(&b);
	builder_section(&b);
	builder_interface(&b, 1, 38, -1, 0);
	builder_simple(&b, slice_cut(s, 0, 38), (uint32_t)s.len);
	assert_int_equal(reader_read(r, builder_file(&b), 0, &e), OK);
	assert_int_equal(t.records, 1);
	assert_int_equal(r->counts.cut, 1);
	assert_int_equal(r->counts.bytes, 38);
	packet_reader_free(r);
	told_fini(&t);
	builder_fini(&b);
}

/* ---- broken ---------------------------------------------------------------------------------- */

static void patch32(struct capture_builder *b, size_t offset, uint32_t value)
{
	memcpy(b->out.data + EVENT_PADDING + offset, &value, sizeof(value));
}

static void expect_broken(struct capture_builder *b, size_t frames, const char *text)
{
	struct told t = {0};
	struct packet_reader *r = reader_for(ENDS_ROLES, false, &t);
	struct err e;
	size_t taken;

	assert_int_equal(reader_read(r, builder_file(b), 0, &e), ERR_PARSE);
	if (strstr(e.text, text) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.text, text);
	/* What came before it counts, and nothing is read behind it. */
	assert_int_equal(r->counts.frames, frames);
	assert_int_equal(packet_feed(r, builder_file(b), true, &taken, &e), ERR_PARSE);
	/* The next file is read again. */
	packet_next_file(r);
	packet_reader_free(r);
	told_fini(&t);
}

static void pcap_of_two(struct capture_builder *b)
{
	struct frame f;

	builder_begin(b);
	builder_pcap(b, 1);
	for (unsigned n = 1; n <= 2; n++) {
		struct slice s = frame_number(&f, n);

		builder_pcap_frame(b, T0, s, (uint32_t)s.len);
	}
}

static void ng_of_two(struct capture_builder *b)
{
	struct frame f;

	builder_begin(b);
	builder_section(b);
	builder_interface(b, 1, 0, -1, 0);
	for (unsigned n = 1; n <= 2; n++) {
		struct slice s = frame_number(&f, n);

		builder_enhanced(b, 0, (uint64_t)T0, s, (uint32_t)s.len);
	}
}

static void test_broken(void **state)
{
	const size_t pcap_frame = 16 + 47, ng_first = 28 + 12 + 8 + 12 + 4, ng_frame = 12 + 20 + 48;
	struct capture_builder b = {0};
	struct err e;

	(void)state;
	builder_begin(&b);
	buf_text(&b.out, "this is no capture file");
	assert_false(packet_is_capture(builder_file(&b)));
	expect_broken(&b, 0, "no capture file begins with");
	pcap_of_two(&b);
	assert_int_equal(builder_file(&b).len, 24 + 2 * pcap_frame);
	patch32(&b, 4, 3);
	expect_broken(&b, 0, "version 3");
	pcap_of_two(&b);
	patch32(&b, 24 + pcap_frame + 8, PACKET_FRAME_MAX + 1);
	expect_broken(&b, 1, "frame of bytes: 262145 at offset 87");
	pcap_of_two(&b);
	b.out.len--;
	expect_broken(&b, 1, "ends within a record");
	pcap_of_two(&b);
	b.out.len = EVENT_PADDING + 10;
	expect_broken(&b, 0, "ends within a record");

	ng_of_two(&b);
	assert_int_equal(builder_file(&b).len, ng_first + 2 * ng_frame);
	patch32(&b, 8, 0x01020304);
	expect_broken(&b, 0, "byte order");
	ng_of_two(&b);
	patch32(&b, 12, 2);
	expect_broken(&b, 0, "version 2");
	ng_of_two(&b);
	patch32(&b, ng_first + ng_frame + 4, 11);
	expect_broken(&b, 1, "block of bytes: 11");
	ng_of_two(&b);
	patch32(&b, ng_first + ng_frame + 4, 0x7ffffffc);
	expect_broken(&b, 1, "block of bytes:");
	ng_of_two(&b);
	patch32(&b, ng_first + 2 * ng_frame - 4, 84);
	expect_broken(&b, 1, "another length");
	ng_of_two(&b);
	patch32(&b, ng_first + ng_frame + 8, 1);
	expect_broken(&b, 1, "unknown interface 1");
	ng_of_two(&b);
	patch32(&b, ng_first + ng_frame + 20, 49);
	expect_broken(&b, 1, "frame of bytes: 49");
	ng_of_two(&b);
	patch32(&b, 28 + 16, 100 << 16 | 2);
	expect_broken(&b, 0, "interface option of bytes: 100");
	builder_begin(&b);
	builder_section(&b);
	builder_interface(&b, 1, 0, 20, 0);
	expect_broken(&b, 0, "time resolution 20");
	/* An uninteresting block of any size is passed over, but it must be there. */
	ng_of_two(&b);
	builder_u32(&b, 5);
	builder_u32(&b, 0x10000000);
	expect_broken(&b, 2, "ends within a record");
	builder_fini(&b);
	(void)e;
}

static void test_interfaces_max(void **state)
{
	struct capture_builder b = {0};
	struct told t = {0};
	struct err e;

	(void)state;
	builder_begin(&b);
	builder_section(&b);
	for (unsigned i = 0; i < PACKET_INTERFACES_MAX; i++)
		builder_interface(&b, 1, 0, -1, 0);
	for (unsigned more = 0; more < 2; more++) {
		struct packet_reader *r = reader_for(ENDS_ROLES, false, &t);

		if (more)
			builder_interface(&b, 1, 0, -1, 0);
		assert_int_equal(reader_read(r, builder_file(&b), 0, &e), more ? ERR_LIMIT : OK);
		packet_reader_free(r);
	}
	builder_fini(&b);
	told_fini(&t);
}

/* The sink says stop: nothing more is read, and everybody is told. */
static void test_stop(void **state)
{
	struct capture_builder b = {0};
	struct told t = {.stop_after = 1};
	struct packet_reader *r = reader_for(ENDS_ROLES, false, &t);
	struct frame f;
	struct err e;

	(void)state;
	builder_begin(&b);
	builder_pcap(&b, 1);
	for (unsigned n = 1; n <= 1000; n++) {
		struct slice s = frame_number(&f, n);

		builder_pcap_frame(&b, T0, s, (uint32_t)s.len);
	}
	assert_int_equal(reader_read(r, builder_file(&b), 0, &e), OK);
	assert_int_equal(t.records, BATCH_RECORDS);
	assert_true(r->counts.frames < 300);
	assert_false(packet_flush(r));
	assert_false(packet_frame(r, 1, T0, frame_number(&f, 5000), 47));
	assert_int_equal(t.records, BATCH_RECORDS);
	packet_reader_free(r);
	told_fini(&t);
	builder_fini(&b);
}

/* ---- real captures --------------------------------------------------------------------------- */

static void read_real(
	const char *path, size_t piece, struct told *t, struct packet_counts *ret_counts)
{
	struct packet_reader *r = reader_for(UINT64_MAX >> 1, true, t);
	struct buf b = BUF_INIT;
	struct slice file;
	struct err e;

	assert_non_null(buf_reserve(&b, EVENT_PADDING));
	memset(b.data, 0, EVENT_PADDING);
	b.len = EVENT_PADDING;
	assert_int_equal(file_read(path, MIB(64), &b, &e), OK);
	assert_non_null(buf_reserve(&b, EVENT_PADDING));
	file = slice_cut(buf_slice(&b), EVENT_PADDING, SIZE_MAX);
	(void)reader_read(r, file, piece, &e); /* some end within a record */
	(void)packet_end(r);
	packet_counts(r, ret_counts);
	packet_reader_free(r);
	buf_fini(&b);
}

/* Whole and in pieces of some odd sizes: the same records. */
static void test_real(void **state)
{
	const char *data = getenv("SERAI_DATA");
	size_t frames = 0, files = 0;
	char folder[512], path[1024];
	struct dirent *entry;
	DIR *d;

	(void)state;
	snprintf(folder, sizeof(folder), "%s/sensor/ot",
		data != NULL ? data : SOURCE_ROOT "/../shared/data");
	d = opendir(folder);
	if (d == NULL) {
		print_message("skipped: no %s\n", folder);
		skip();
	}
	while ((entry = readdir(d)) != NULL) {
		struct told whole = {0}, pieces = {0};
		struct packet_counts a, b;

		if (strstr(entry->d_name, ".pcap") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		read_real(path, 0, &whole, &a);
		read_real(path, 4099, &pieces, &b);
		if (!slice_equal(buf_slice(&whole.text), buf_slice(&pieces.text)) ||
			memcmp(&a, &b, sizeof(a)) != 0)
			fail_msg("%s: reading in pieces differs", entry->d_name);
		frames += a.frames;
		files++;
		assert_true(a.frames > 0);
		told_fini(&whole);
		told_fini(&pieces);
	}
	closedir(d);
	assert_true(files > 0 && frames > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcap),
		cmocka_unit_test(test_pcapng),
		cmocka_unit_test(test_simple_snap),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_interfaces_max),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
