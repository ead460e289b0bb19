/* SPDX-License-Identifier: MPL-2.0 */
/* Any bytes as a log of any format of lines (the first byte says which), at once and in pieces. */
#include <stdlib.h>

#include "logs_testing.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum logs_format formats[] = {LOGS_BIND, LOGS_UNBOUND, LOGS_DNSMASQ, LOGS_POWERDNS,
	LOGS_SQUID, LOGS_COMBINED, LOGS_W3C, LOGS_SYSLOG, LOGS_CSV, LOGS_NFDUMP, LOGS_STIX,
	LOGS_TEXT};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world_fake world;
	struct logs_look look = {.roles = ~UINT64_C(0), .details = true};
	struct logs_counts once, pieces;
	struct slice log;
	struct buf a, b;

	if (size < 2 || size > KIB(64))
		return 0;
	world_fake_init(&world, 1, INT64_C(1795500000000000));
	look.world = &world.world;
	look.format = formats[data[0] % COUNT_OF(formats)];
	log = (struct slice){(const char *)data + 1, size - 1};
	(void)logs_guess(log, "x.csv");
	a = logs_look_at(&look, log, &once);
	look.chunk = 1 + data[size - 1] + size / 64;
	b = logs_look_at(&look, log, &pieces);
	/* Where a broken envelope of STIX is left depends on how much of it is there. */
	if (look.format != LOGS_STIX && (a.len != b.len || memcmp(a.data, b.data, a.len) != 0 ||
						memcmp(&once, &pieces, sizeof(once)) != 0))
		abort();
	PLANTED(once.records > 4 && once.problems > 2);
	buf_fini(&a);
	buf_fini(&b);
	/* What holds after the log is a head that can be resumed with. */
	if (look.format == LOGS_CSV || look.format == LOGS_W3C || look.format == LOGS_NFDUMP) {
		look.head = log;
		a = logs_look_at(&look, SLICE("192.0.2.1,a.example|b c\n"), &once);
		buf_fini(&a);
	}
	return 0;
}
