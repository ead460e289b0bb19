/* SPDX-License-Identifier: MPL-2.0 */
/* Whatever stands in a list, what is made of it is sound STIX. */
#include "import_collect.h"
#include "mutate_text.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const kinds[] = {NULL, "file-name", "url", "address"};

	for (size_t k = 0; k < COUNT_OF(kinds); k++) {
		struct intel_import options = collect_options();
		struct collect_outcome o;

		options.kind = kinds[k];
		options.tlp = k == 0 ? STIX_TLP_NONE : STIX_TLP_GREEN;
		o = collect_fuzz(&import_list, data, size, &options);
		PLANTED(k == 0 && o.objects > 9 && o.refused > 5);
	}
	return 0;
}
