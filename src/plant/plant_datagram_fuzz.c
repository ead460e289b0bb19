/* SPDX-License-Identifier: MPL-2.0 */
/* Any bytes as one datagram: the first byte picks the protocol and, with bit 7, the way. */
#include <stdlib.h>

#include "plant.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(void *context, const struct plant_message *m)
{
	const char *texts[] = {m->unit, m->object, m->value};

	if (m->protocol <= PLANT_NONE || m->protocol >= PLANT_PROTOCOLS || m->function == NULL ||
		(unsigned)m->operation >= PLANT_OPERATIONS)
		abort();
	for (size_t k = 0; k < COUNT_OF(texts); k++) {
		size_t len = strnlen(texts[k], PLANT_TEXT_MAX);

		if (len >= PLANT_TEXT_MAX || !utf8_valid((struct slice){texts[k], len}))
			abort();
	}
	++*(size_t *)context;
	PLANTED(strlen(m->value) > 120 && m->object[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t told = 0;
	struct slice bytes;

	if (size == 0)
		return 0;
	bytes = (struct slice){(const char *)data + 1, size - 1};
	(void)plant_datagram((enum plant_protocol)((data[0] & 0x7f) % PLANT_PROTOCOLS),
		data[0] >= 0x80, bytes, take, &told);
	(void)plant_goose(bytes, take, &told);
	if (told > size) /* every message has bytes of its own */
		abort();
	return 0;
}
