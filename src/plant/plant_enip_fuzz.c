/* SPDX-License-Identifier: MPL-2.0 */
/* EtherNet/IP: a first octet of 2 or 3 makes the rest a datagram, else pieces of a connection. */
#include "plant_fuzzing.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct plant_fuzz_told told = {0};

	if (len > 0 && (bytes[0] & ~1) == 2)
		(void)plant_datagram(PLANT_ENIP, bytes[0] == 2,
			(struct slice){(const char *)bytes + 1, len - 1}, plant_fuzz_message,
			&told);
	else
		plant_fuzz_stream(PLANT_ENIP, bytes, len, &told);
	PLANTED(told.acting > 3 && told.refused > 2 && told.count > 9);
	return 0;
}
