/* SPDX-License-Identifier: MPL-2.0 */
/* Whatever a STIX 2.0 bundle holds, what comes out parses; whether it was sound is the check's
 * affair. */
#include "import_collect.h"
#include "mutate_text.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct intel_import options = collect_options();
	struct collect_outcome o = collect_fuzz(&import_stix20, data, size, &options);

	PLANTED(o.objects > 12 && o.refused > 2);
	return 0;
}
