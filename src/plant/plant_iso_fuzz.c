/* SPDX-License-Identifier: MPL-2.0 */
/* Both directions of connections on port 102, in pieces: an octet of direction (bit 1: a gap comes
 * first), one of length, the bytes. */
#include "plant_fuzzing.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	plant_fuzz_stream(PLANT_S7COMM, bytes, len);
	plant_fuzz_stream(PLANT_MMS, bytes, len);
	return 0;
}
