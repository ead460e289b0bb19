/* SPDX-License-Identifier: MPL-2.0 */
/* Whatever a Zeek file holds, what is made of it is sound STIX. */
#include "import_collect.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct intel_import options = collect_options();
	struct collect_outcome o = collect_fuzz(&import_zeek, data, size, &options);

	PLANTED(o.objects > 10 && o.refused > 8);
	return 0;
}
