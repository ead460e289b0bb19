/* SPDX-License-Identifier: MPL-2.0 */
/* One GOOSE frame. */
#include "plant_fuzzing.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	(void)plant_goose((struct slice){(const char *)bytes, len}, plant_fuzz_message, NULL);
	return 0;
}
