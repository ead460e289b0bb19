/* SPDX-License-Identifier: MPL-2.0 */
/* For the store's tests: a store in a folder of its own, and objects made from a few words. */
#include "store_testing.h"

#include <dirent.h>
#include <unistd.h>

void testing_open(struct testing *t, enum store_mode mode)
{
	const struct store_options options = {.mode = mode, .world = &t->world.world};

	ASSERT_OK(t, store_open(t->folder, &options, &t->store, &t->e));
}

void testing_close(struct testing *t)
{
	store_close(t->store);
	t->store = NULL;
}

int testing_setup(void **state)
{
	struct testing *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -1;
	snprintf(t->folder, sizeof(t->folder), "/tmp/serai-store-XXXXXX");
	if (mkdtemp(t->folder) == NULL)
		return -1;
	t->arena = arena_new(MIB(256));
	world_fake_init(&t->world, 7, T0);
	testing_open(t, STORE_CREATE);
	*state = t;
	return 0;
}

static void folder_remove(const char *folder)
{
	DIR *d = opendir(folder);
	char path[512];

	for (struct dirent *f; d != NULL && (f = readdir(d)) != NULL;) {
		snprintf(path, sizeof(path), "%s/%s", folder, f->d_name);
		unlink(path);
	}
	if (d != NULL)
		closedir(d);
	rmdir(folder);
}

int testing_teardown(void **state)
{
	struct testing *t = *state;

	store_close(t->store);
	arena_free(t->arena);
	folder_remove(t->folder);
	free(t);
	return 0;
}

struct uuid id_of(unsigned number)
{
	struct uuid u = {
		{0x10, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0}
        };

	put_u32(u.bytes + 12, number);
	return u;
}

static size_t numbers_count(const unsigned *numbers)
{
	size_t count = 0;

	while (count < 4 && numbers[count] != 0)
		count++;
	return count;
}

struct store_object testing_object(struct testing *t, struct object_words w)
{
	struct slice type = slice_of(w.type != NULL ? w.type : "indicator");
	struct stix_reference *refs = ARENA_ARRAY(t->arena, struct stix_reference, 4);
	struct uuid *marks = ARENA_ARRAY(t->arena, struct uuid, 4);
	struct stix_value *values = ARENA_ARRAY(t->arena, struct stix_value, 4);
	struct store_object o = {.type = type,
		.uuid = id_of(w.id),
		.version_us = w.version_us,
		.created_us = w.version_us,
		.versioned = w.version_us != 0,
		.references = refs,
		.markings = marks,
		.values = values,
		.marking_kind = w.marking_kind};
	char id[STIX_ID_MAX + 1];

	assert_true(refs != NULL && marks != NULL && values != NULL);
	for (; o.references_count < numbers_count(w.refs); o.references_count++)
		refs[o.references_count] = (struct stix_reference){
			slice_of(w.property != NULL ? w.property : "object_refs"),
			{SLICE("indicator"), id_of(w.refs[o.references_count])}
                };
	for (; o.markings_count < numbers_count(w.marks); o.markings_count++)
		marks[o.markings_count] = id_of(w.marks[o.markings_count]);
	for (; o.values_count < 4 && w.values[o.values_count] != NULL; o.values_count++)
		assert_true(stix_value_guess(
			slice_of(w.values[o.values_count]), t->arena, &values[o.values_count]));
	o.labels = slice_of(w.labels);
	o.traits = slice_of(w.traits);
	stix_id_format(type, &o.uuid, id);
	o.body = arena_printf(t->arena,
		"{\"type\":\"%.*s\",\"id\":\"%s\",\"modified\":%lld%s%s%s%s%s}", SLICE_ARG(type),
		id, (long long)w.version_us, w.name != NULL ? ",\"name\":\"" : "",
		w.name != NULL ? w.name : "", w.name != NULL ? "\"" : "",
		w.extra != NULL ? "," : "", w.extra != NULL ? w.extra : "");
	assert_non_null(o.body.data);
	return o;
}

struct store_result testing_put(
	struct testing *t, struct object_words words, const int64_t *collections)
{
	struct store_object o = testing_object(t, words);
	struct store_batch batch = {
		.objects = &o, .count = 1, .collections = collections, .member = SLICE("self")};
	struct store_result result;

	while (collections != NULL && collections[batch.collections_count] != 0)
		batch.collections_count++;
	ASSERT_OK(t, store_append(t->store, &batch, &result, &t->e));
	return result;
}

int64_t testing_collection(struct testing *t, unsigned number)
{
	struct store_collection c = {.uuid = id_of(number),
		.title = arena_printf(t->arena, "collection %u", number),
		.tlp_max = STIX_TLP_AMBER};
	int64_t ret;

	ASSERT_OK(t, store_collection_put(t->store, &c, &ret, &t->e));
	return ret;
}

bool may_all(void *context, const struct store_row *row)
{
	(void)context;
	(void)row;
	return true;
}

const char *testing_rows(struct testing *t, struct store_cursor *c)
{
	struct buf out = BUF_INIT;
	const char *text;

	for (;;) {
		struct store_row row;
		bool more;

		ASSERT_OK(t, store_cursor_next(c, &row, &more, &t->e));
		if (!more)
			break;
		if (out.len > 0)
			buf_char(&out, ' ');
		buf_u64(&out, (uint64_t)row.uuid.bytes[12] << 24 |
				      (uint64_t)row.uuid.bytes[13] << 16 |
				      (uint64_t)row.uuid.bytes[14] << 8 | row.uuid.bytes[15]);
		if (row.version_us != 0)
			buf_printf(&out, "@%lld", (long long)row.version_us);
	}
	store_cursor_free(c);
	text = arena_string(t->arena, buf_slice(&out));
	buf_fini(&out);
	assert_non_null(text);
	return text;
}

static void fault_note(void *context, const char *text)
{
	struct buf *out = context;

	buf_text(out, text);
	buf_char(out, '\n');
}

const char *testing_faults(struct testing *t)
{
	struct buf out = BUF_INIT;
	enum err_kind kind = store_verify(t->store, fault_note, &out, &t->e);
	const char *text;

	if (kind != OK && kind != ERR_CORRUPT)
		fail_msg("%s: %s", err_kind_name(kind), t->e.text);
	text = arena_string(t->arena, buf_slice(&out));
	assert_true(kind == ERR_CORRUPT ? out.len > 0 : out.len == 0);
	buf_fini(&out);
	assert_non_null(text);
	return text;
}

void testing_verify(struct testing *t)
{
	assert_string_equal(testing_faults(t), "");
}

struct store_reader *testing_reader(struct testing *t)
{
	struct store_reader *r;

	ASSERT_OK(t, store_reader_take(t->store, &r, &t->e));
	return r;
}

const char *testing_page(struct testing *t, struct store_page p)
{
	struct store_reader *r = testing_reader(t);
	struct store_cursor *c;
	const char *rows;

	if (p.audience.may == NULL)
		p.audience = EVERYBODY;
	if (p.collection == 0)
		p.collection = 1;
	if (p.after_us == 0)
		p.after_us = INT64_MIN;
	ASSERT_OK(t, store_page_open(r, &p, &c, &t->e));
	rows = testing_rows(t, c);
	store_reader_give(r);
	return rows;
}

const char *testing_search(struct testing *t, struct store_search q)
{
	struct store_reader *r = testing_reader(t);
	struct store_cursor *c;
	const char *rows;

	if (q.audience.may == NULL)
		q.audience = EVERYBODY;
	ASSERT_OK(t, store_search_open(r, &q, &c, &t->e));
	rows = testing_rows(t, c);
	store_reader_give(r);
	return rows;
}

void testing_remove(struct testing *t, int64_t collection, unsigned id)
{
	struct uuid uuid = id_of(id);
	uint64_t removed;

	ASSERT_OK(t, store_remove(t->store, collection, SLICE("indicator"), &uuid,
			     STORE_ALL_VERSIONS, &removed, &t->e));
	assert_int_equal(removed, 1);
}

struct stix_value testing_value(struct testing *t, const char *text)
{
	struct stix_value v;

	if (stix_value_guess(slice_of(text), t->arena, &v))
		return v;
	v = (struct stix_value){.kind = STIX_VALUE_NAME}; /* one label alone is no guess */
	if (!stix_value_key(v.kind, slice_of(text), t->arena, &v.key))
		fail_msg("no value: %s", text);
	return v;
}

const char *testing_find(struct testing *t, const char *text, bool suffix)
{
	struct stix_value v = testing_value(t, text);

	return testing_search(t, (struct store_search){.value = &v, .value_suffix = suffix});
}

/* Everything is asked twice: while the values wait, and when they are merged into the index. */
void testing_merge(struct testing *t)
{
	ASSERT_OK(t, store_idle(t->store, &t->e));
	ASSERT_OK(t, store_idle(t->store, &t->e));
}

const char *testing_words(struct testing *t, const char *text)
{
	return testing_search(t, (struct store_search){.text = slice_of(text)});
}
