/* SPDX-License-Identifier: MPL-2.0 */
/* See taxii_cases.h. */
#include "taxii_cases.h"

int cases_setup(void **state)
{
	struct testing *t = calloc(1, sizeof(*t));
	int64_t a;

	assert_non_null(t);
	testing_open(t, NULL);
	a = testing_collection(t, "a", STIX_TLP_AMBER, false);
	testing_collection(t, "b", STIX_TLP_AMBER, false);
	testing_account(t, "reader", STORE_READER);
	testing_account(t, "other", STORE_READER);
	testing_account(t, "writer", STORE_CONTRIBUTOR);
	testing_account(t, "admin", STORE_ADMINISTRATOR);
	testing_right(t, "reader", a, STORE_MAY_READ);
	testing_right(t, "other", a, STORE_MAY_READ);
	testing_right(t, "writer", a, STORE_MAY_READ | STORE_MAY_WRITE);
	world_fake_advance(&t->world, US_PER_SECOND);
	testing_fill(t, a, 0, 10, false);
	*state = t;
	return 0;
}

int cases_teardown(void **state)
{
	testing_close(*state);
	free(*state);
	return 0;
}

int64_t number_of(struct testing *t, const char *alias)
{
	struct store_collection c;
	bool found;

	assert_int_equal(
		store_collection_get(t->store, slice_of(alias), t->arena, &c, &found, NULL), OK);
	assert_true(found);
	return c.number;
}

const char *page_numbers(struct testing *t)
{
	static char text[KIB(16)];
	struct json_value list, v;
	size_t len = 0;

	text[0] = '\0';
	if (!json_get(testing_json(t), "objects", &list))
		return text;
	for (struct json_iter it = json_iter(list); json_array_next(&it, &v);) {
		unsigned n = 0;

		sscanf(json_get_string(v, "id").data, "indicator--%8x", &n);
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "%s%u", len > 0 ? " " : "", n);
	}
	return text;
}

bool page_more(struct testing *t)
{
	struct json_value v;

	return json_get(testing_json(t), "more", &v) && json_is_true(v);
}

void assert_timestamp(struct slice text)
{
	unsigned digits;
	int64_t us;

	assert_true(time_parse(text, &us, &digits));
	assert_int_equal(digits, 6);
}

void assert_error(struct testing *t, unsigned status)
{
	char number[12];

	snprintf(number, sizeof(number), "%u", status);
	assert_int_equal(t->reply.status, status);
	assert_string_equal(t->reply.content_type, TAXII_TYPE);
	assert_true(testing_member(t, "title").len > 0);
	assert_true(slice_is(testing_member(t, "http_status"), number));
}
