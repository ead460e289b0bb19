/* SPDX-License-Identifier: MPL-2.0 */
/* One GOOSE frame. */
#include "plant_fuzzing.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct plant_fuzz_told told = {0};

	(void)plant_goose((struct slice){(const char *)bytes, len}, plant_fuzz_message, &told);
	PLANTED(told.count == 1 && told.texts > 250);
	return 0;
}
