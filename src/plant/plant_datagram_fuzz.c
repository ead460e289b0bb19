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
	PLANTED(plant_operation_acts(m->operation) && m->object[0] != '\0' &&
		strlen(m->value) > 40);
}

#ifdef SERAI_FUZZING
#define BACNET_ETHERNET 0x81 /* annex J: its length, with the head, in octets 2 and 3 */
#define RIGHT_OF        8    /* all but one of so many get their true length */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* A datagram that became longer says so: else nothing but what the seeds have room for is read. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	size = LLVMFuzzerMutate(data, size, max_size);
	if (size > 5 && data[1] == BACNET_ETHERNET && seed % RIGHT_OF != 0) {
		data[3] = (uint8_t)((size - 1) >> 8);
		data[4] = (uint8_t)(size - 1);
	}
	return size;
}
#endif

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
