/* SPDX-License-Identifier: MPL-2.0 */
/* The list of formats: those that are read, then those that are only written. */
#include "export.h"
#include "import.h"

bool intel_format_get(size_t number, struct intel_format *ret_format)
{
	const struct intel_format *f;
	size_t readers = 0;

	for (; (f = import_format(readers)) != NULL; readers++) {
		if (readers == number) {
			*ret_format = *f;
			ret_format->writes = export_find(f->name) != NULL;
			return true;
		}
	}
	number -= readers;
	for (size_t k = 0; (f = export_format(k)) != NULL; k++) {
		if (import_find(f->name) != NULL)
			continue;
		if (number-- == 0) {
			*ret_format = *f;
			return true;
		}
	}
	return false;
}
