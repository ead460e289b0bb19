/* SPDX-License-Identifier: MPL-2.0 */
/* Findings of any bytes: refused, or a bundle that is JSON. */
#include <stdlib.h>
#include <unistd.h>

#include "mutate_text.h"
#include "planted.h"
#include "sensor.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char path[] = "/dev/shm/serai-sightings-fuzz-XXXXXX";
	const char *files[] = {path};
	struct world_fake world;
	struct sensor_sightings_options o = {
		.identity = SLICE("identity--7b9c1d2e-3f40-4a5b-8c6d-7e8f90a1b2c3"),
		.observed = true,
		.hosts = true,
		.world = &world.world};
	struct sensor_sightings_counts counts = {0};
	static struct json_parser *parser; /* made once: that takes longer than most inputs */
	struct buf out = BUF_INIT;
	struct json_doc doc;
	struct err e;
	int fd = mkstemp(path);
	bool written = fd >= 0 && write(fd, bytes, len) == (ssize_t)len;

	if (parser == NULL)
		parser = json_parser_new(MIB(16));
	world_fake_init(&world, 1, INT64_C(1700000000000000));
	if (fd >= 0)
		close(fd);
	if (written && parser != NULL && sensor_sightings(files, 1, &o, &out, &counts, &e) == OK &&
		json_parse(parser, buf_slice(&out), &doc, &e) != OK)
		abort();
	PLANTED(out.len > 0 && counts.sightings > 1 && counts.held > 0 && counts.problems > 1);
	(void)unlink(path);
	buf_fini(&out);
	return 0;
}
