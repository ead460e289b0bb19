/* SPDX-License-Identifier: MPL-2.0 */
/* One GOOSE frame. */
#include "plant_fuzzing.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void take(void *context, const struct plant_message *m)
{
	plant_fuzz_message(context, m);
	PLANTED(strstr(m->value, " test ") != NULL && strstr(m->value, " simulated ") == NULL &&
		strstr(m->value, " commissioning") == NULL && strcmp(m->unit, "0x0001") != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct plant_fuzz_told told = {0};

	(void)plant_goose((struct slice){(const char *)bytes, len}, take, &told);
	return 0;
}
