/* SPDX-License-Identifier: MPL-2.0 */
/* Whatever stands in a CSV file, with columns found and with columns given. */
#include "import_collect.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const mappings[] = {NULL,
		"value=1,kind=2,name=3,tlp=4,confidence=5,valid-from=6,valid-until=7,labels=8",
		"value=2,reference=1,description=3,source=4"};

	for (size_t k = 0; k < COUNT_OF(mappings); k++) {
		struct intel_import options = collect_options();
		struct collect_outcome o;

		options.mapping = mappings[k];
		o = collect_fuzz(&import_csv, data, size, &options);
		PLANTED(k == 1 && o.objects > 4 && o.refused > 2);
	}
	return 0;
}
