/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The whole way once, with values that nobody has: an index, a log and a capture that hold them,
 * and the findings that must come of it. For an operator who asks whether the sensor would see
 * anything.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "inside.h"

#define SELF_NAME    "serai-self-test.invalid"
#define SELF_ADDRESS "192.0.2.77"

static enum err_kind put_index(const char *path, const struct world *world, struct err *e)
{
	struct index_entry entry = {.id = SLICE("feed:self-test"),
		.producer = SLICE("serai"),
		.confidence = 100,
		.name = SLICE("self-test")};
	struct index_builder *b = index_builder_new(world);
	enum err_kind kind = b == NULL ? err_set(e, ERR_NOMEM, "out of memory")
				       : index_builder_entry(b, &entry, e);

	if (kind == OK)
		kind = index_builder_value(b, FIELD_NAME, SLICE(SELF_NAME), e);
	if (kind == OK)
		kind = index_builder_value(b, FIELD_ADDRESS, SLICE(SELF_ADDRESS), e);
	if (kind == OK)
		kind = index_builder_write(b, path, NULL, e);
	index_builder_free(b);
	return kind;
}

static enum err_kind put_log(const char *path, struct err *e)
{
	return file_write_atomic(path,
		SLICE("#separator \\x09\n#fields\tts\tid.orig_h\tid.resp_h\tquery\n"
		      "#types\ttime\taddr\taddr\tstring\n"
		      "1700000000.000000\t198.51.100.1\t198.51.100.53\twww." SELF_NAME "\n"
		      "1700000001.000000\t198.51.100.2\t198.51.100.53\tquiet.invalid\n"),
		0600, e);
}

/* One UDP datagram to the address, as pcap with Ethernet. */
static enum err_kind put_capture(const char *path, struct err *e)
{
	static const uint8_t bytes[] = {
		/* file: little-endian microseconds, 2.4, snap length 65535, Ethernet */
		0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0,
		0, 0,
		/* record: 1700000000 s, 42 bytes */
		0x00, 0xf1, 0x53, 0x65, 0, 0, 0, 0, 42, 0, 0, 0, 42, 0, 0, 0,
		/* Ethernet */
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00,
		/* IPv4: 28 bytes, UDP, 198.51.100.1 to 192.0.2.77 */
		0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 198, 51, 100, 1, 192, 0, 2, 77,
		/* UDP */
		0x30, 0x39, 0x30, 0x3a, 0, 8, 0, 0};

	return file_write_atomic(path, (struct slice){(const char *)bytes, sizeof(bytes)}, 0600, e);
}

static enum err_kind look(const struct sensor_options *options, const char *index,
	const char *source, const char *findings, const char *must_hold, bool *ret_good,
	struct err *e)
{
	struct sensor_options o = {.index = index,
		.sources = &source,
		.sources_count = 1,
		.once = true,
		.output = SENSOR_ECS,
		.findings = findings,
		.world = options->world,
		.log = options->log,
		.site = "self-test"};
	struct sensor_report report;
	struct buf text = BUF_INIT;
	enum err_kind kind = sensor_watch(&o, &report, e);

	if (kind == OK)
		kind = file_read(findings, MIB(1), &text, e);
	if (kind == OK)
		*ret_good = report.findings == 1 &&
			    slice_find_text(buf_slice(&text), slice_of(must_hold)) < text.len;
	buf_fini(&text);
	(void)unlink(findings);
	return kind;
}

enum err_kind sensor_self_test(const struct sensor_options *options,
	void (*say)(void *context, const char *step, bool good), void *context, struct err *e)
{
	char folder[PATH_MAX - 16], paths[4][PATH_MAX];
	static const char *const names[4] = {"index", "dns.log", "capture", "findings"};
	bool log_good = false, capture_good = false;
	enum err_kind kind = temporary_path("serai-self-test-XXXXXX", folder, sizeof(folder), e);
	struct index *x = NULL;

	if (kind != OK)
		return kind;
	if (mkdtemp(folder) == NULL)
		return err_set(e, err_kind_of_errno(errno), "could not make \"%s\": %s", folder,
			strerror(errno));
	for (size_t i = 0; i < 4; i++)
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", folder, names[i]);
	if (options->index != NULL) {
		kind = index_open(options->index, &options->trust, &x, e);
		say(context, "the index opens and is whole", kind == OK);
		index_close(x);
	}
	if (kind == OK)
		kind = put_index(paths[0], options->world, e);
	if (kind == OK)
		kind = put_log(paths[1], e);
	if (kind == OK)
		kind = put_capture(paths[2], e);
	if (kind == OK)
		kind = look(options, paths[0], paths[1], paths[3],
			"\"value\":\"www." SELF_NAME "\"", &log_good, e);
	if (kind == OK) {
		say(context, "a name planted in a log is found", log_good);
		kind = look(options, paths[0], paths[2], paths[3], "\"value\":\"" SELF_ADDRESS "\"",
			&capture_good, e);
	}
	if (kind == OK)
		say(context, "an address planted in a capture is found", capture_good);
	for (size_t i = 0; i < 4; i++)
		(void)unlink(paths[i]);
	(void)rmdir(folder);
	if (kind == OK && !(log_good && capture_good))
		kind = err_set(e, ERR_CORRUPT, "the self-test did not find what it planted");
	return kind;
}
