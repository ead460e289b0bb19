/* SPDX-License-Identifier: MPL-2.0 */
/* What the tests of the index share: values in, fields looked up, hits as text. */
#ifndef INDEX_TESTING_H
#define INDEX_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "inside.h"

struct testing {
	struct world_fake world;
	char folder[64];
	char path[96];
	struct index_builder *b;
	struct index *x;
	struct index_matcher *m;
	struct batch batch;
	struct column column;
	char room[2 * EVENT_PADDING + FIELD_BYTES_MAX];
	struct buf hits; /* "entry how kind indicator value\n" each */
};

static inline int testing_setup(void **state)
{
	struct testing *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -1;
	world_fake_init(&t->world, 7, INT64_C(1700000000) * US_PER_SECOND);
	strcpy(t->folder, "/tmp/index_test.XXXXXX");
	if (mkdtemp(t->folder) == NULL)
		return -1;
	snprintf(t->path, sizeof(t->path), "%s/site.sidx", t->folder);
	t->b = index_builder_new(&t->world.world);
	*state = t;
	return t->b == NULL ? -1 : 0;
}

static inline uint32_t testing_random(struct testing *t, uint32_t below)
{
	uint32_t r;

	t->world.world.random(t->world.world.context, &r, sizeof(r));
	return r % below;
}

/* Names and addresses of few parts, so that nearly everything nearly matches. */
static inline size_t testing_name(struct testing *t, char *to)
{
	static const char *const labels[] = {"a", "b", "evil", "www", "x-y", "_d", "xn--bcher-kva",
		"mail", "averylonglabelthatfillsaregister", "e", "1"};
	static const char *const tops[] = {"com", "net", "uk", "co.uk", "org"};
	size_t len = 0;

	for (uint32_t k = 1 + testing_random(t, 4); k > 0; k--)
		len += (size_t)sprintf(
			to + len, "%s.", labels[testing_random(t, COUNT_OF(labels))]);
	return len + (size_t)sprintf(to + len, "%s", tops[testing_random(t, COUNT_OF(tops))]);
}

static inline size_t testing_address(struct testing *t, char *to)
{
	if (testing_random(t, 4) == 0)
		return (size_t)sprintf(
			to, "2001:db8:%x::%x", testing_random(t, 3), testing_random(t, 4));
	return (size_t)sprintf(to, "%u.%u.%u.%u", 10 + testing_random(t, 2), testing_random(t, 3),
		testing_random(t, 4), testing_random(t, 6) * 50);
}

struct testing_indicator {
	enum field_kind kind;
	char text[200];
};

static inline void testing_indicator(struct testing *t, struct testing_indicator *i)
{
	size_t len;

	switch (testing_random(t, 3)) {
	case 0:
		i->kind = FIELD_ADDRESS;
		len = testing_address(t, i->text);
		if (testing_random(t, 3) == 0)
			sprintf(i->text + len, "/%u",
				strchr(i->text, ':') != NULL ? 30 + testing_random(t, 98)
							     : 7 + testing_random(t, 26));
		break;
	default:
		i->kind = FIELD_NAME;
		testing_name(t, i->text);
	}
}

static inline void testing_close(struct testing *t)
{
	index_matcher_free(t->m);
	index_close(t->x);
	t->m = NULL;
	t->x = NULL;
}

static inline int testing_teardown(void **state)
{
	struct testing *t = *state;

	testing_close(t);
	index_builder_free(t->b);
	buf_fini(&t->hits);
	unlink(t->path);
	rmdir(t->folder);
	free(t);
	return 0;
}

static inline void testing_entry(struct testing *t, const char *id)
{
	struct index_entry entry = {.id = slice_of(id), .confidence = -1};

	assert_int_equal(index_builder_entry(t->b, &entry, NULL), OK);
}

static inline void testing_value(struct testing *t, enum field_kind kind, const char *text)
{
	struct err e;

	if (index_builder_value(t->b, kind, slice_of(text), &e) != OK)
		fail_msg("%s", e.text);
}

static inline void testing_open(struct testing *t)
{
	struct err e;

	testing_close(t);
	if (index_builder_write(t->b, t->path, NULL, &e) != OK)
		fail_msg("%s", e.text);
	if (index_open(t->path, NULL, &t->x, &e) != OK)
		fail_msg("%s", e.text);
	t->m = index_matcher_new(t->x);
	assert_non_null(t->m);
}

static inline bool testing_hit(
	void *context, const struct batch *batch, const struct index_hit *hit)
{
	struct testing *t = context;

	(void)batch;
	buf_printf(&t->hits, "%u %s %s ", hit->entry, index_how_name(hit->how),
		field_kind_name(hit->kind));
	buf_slice_append(&t->hits, hit->indicator);
	buf_char(&t->hits, ' ');
	buf_slice_append(&t->hits, hit->value);
	buf_char(&t->hits, '\n');
	return true;
}

/* The hits of one field, as text that lives until the next call. */
static inline const char *testing_match(
	struct testing *t, enum field_kind kind, bool binary, struct slice value)
{
	assert_true(value.len <= FIELD_BYTES_MAX);
	/* what a field's neighbours hold must not matter */
	memset(t->room, 'a', sizeof(t->room));
	if (value.len != 0)
		memcpy(t->room + EVENT_PADDING, value.data, value.len);
	t->column = (struct column){.name = SLICE("test"), .kind = (uint8_t)kind, .binary = binary};
	t->batch.columns = &t->column;
	t->batch.columns_count = 1;
	t->batch.records_count = t->batch.fields_count = 1;
	t->batch.fields[0] =
		(struct field){.data = t->room + EVENT_PADDING, .len = (uint32_t)value.len};
	buf_clear(&t->hits);
	assert_true(index_match(t->m, &t->batch, testing_hit, t));
	buf_char(&t->hits, '\0');
	return t->hits.data;
}

#endif
