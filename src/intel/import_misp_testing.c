/* SPDX-License-Identifier: MPL-2.0 */
/* Objects found by their text. */
#include "import_misp_testing.h"

struct slice object_with(const struct collect *c, const char *part)
{
	const char *at = strstr(c->objects.data, part), *end;

	if (at == NULL) {
		fail_msg("\"%s\" is not in:\n%s", part, c->objects.data);
		return (struct slice){0};
	}
	while (at > c->objects.data && at[-1] != '\n')
		at--;
	end = strchr(at, '\n');
	return (struct slice){at, (size_t)(end - at)};
}

void assert_object(const struct collect *c, const char *which, const char *part)
{
	struct slice object = object_with(c, which);

	if (slice_find_text(object, slice_of(part)) == object.len)
		fail_msg("\"%s\" is not in %.*s", part, SLICE_ARG(object));
}
