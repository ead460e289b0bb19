/* SPDX-License-Identifier: MPL-2.0 */
/* Objects come out as the bytes that stood in the input, in order. */
#include "import_collect.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct intel_import options = collect_options();
	struct collect_outcome o = collect_fuzz(&import_stix, data, size, &options);

	PLANTED(o.objects > 2 && o.refused > 1);
	return 0;
}
