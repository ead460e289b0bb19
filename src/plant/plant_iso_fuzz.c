/* SPDX-License-Identifier: MPL-2.0 */
/* Both directions of connections on port 102, in pieces: an octet of direction (bit 1: a gap comes
 * first), one of length, the bytes. */
#include "plant_fuzzing.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#ifdef SERAI_FUZZING
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	return plant_fuzz_mutate(data, size, max_size, seed);
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct plant_fuzz_told s7 = {0}, mms = {0};

	plant_fuzz_stream(PLANT_S7COMM, bytes, len, &s7);
	plant_fuzz_stream(PLANT_MMS, bytes, len, &mms);
	PLANTED(s7.acting > 3 && s7.refused > 2 && s7.count > 9);
	return 0;
}
