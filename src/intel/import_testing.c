/* SPDX-License-Identifier: MPL-2.0 */
#include "import_testing.h"

int import_set_up(void **state)
{
	struct collect *c = malloc(sizeof(*c));

	assert_non_null(c);
	collect_init(c);
	*state = c;
	return 0;
}

int import_tear_down(void **state)
{
	collect_fini(*state);
	free(*state);
	return 0;
}

void assert_has(const struct buf *text, const char *part)
{
	if (strstr(text->data, part) == NULL)
		fail_msg("\"%s\" is not in:\n%s", part, text->data);
}

void assert_has_not(const struct buf *text, const char *part)
{
	if (strstr(text->data, part) != NULL)
		fail_msg("\"%s\" is in:\n%s", part, text->data);
}

void assert_clean(const struct collect *c)
{
	if (c->invalid > 0)
		fail_msg("%zu faults:\n%s", c->invalid, c->faults.data);
}
