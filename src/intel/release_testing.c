/* SPDX-License-Identifier: MPL-2.0 */
#include "release_testing.h"

int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	testing_folder_make("release", f->folder);
	world_fake_init(&f->world, 5, NOW);
	f->arena = arena_new(MIB(64));
	open_again(f, STORE_CREATE);
	*state = f;
	return 0;
}

int tear_down(void **state)
{
	struct fixture *f = *state;

	intel_free(f->intel);
	store_close(f->store);
	arena_free(f->arena);
	testing_folder_remove(f->folder);
	free(f);
	return 0;
}

void open_again(struct fixture *f, enum store_mode mode)
{
	MUST(store_open(f->folder, &(struct store_options){.mode = mode, .world = &f->world.world},
		&f->store, e));
	f->intel = intel_new(f->store, &f->world.world);
	assert_non_null(f->intel);
}

void start_again(struct fixture *f)
{
	intel_free(f->intel);
	store_close(f->store);
	open_again(f, STORE_WRITE);
}

struct policy *policy(const char *rules)
{
	static const struct slice names[] = {
		{"kg", 2},
                {"kz", 2},
                {"uz", 2}
        };
	const struct policy_parties parties = {names, COUNT_OF(names)};
	struct buf text = BUF_INIT;
	struct policy *p = NULL;
	struct err e;

	buf_text(&text, "{\"type\":\"policy\",\"name\":\"test\",\"version\":7,\"expires\":"
			"\"2026-02-01T00:00:00Z\",\"rules\":[");
	for (; *rules != '\0'; rules++)
		buf_char(&text, *rules == '\'' ? '"' : *rules);
	buf_text(&text, "]}");
	if (policy_parse(buf_slice(&text), &parties, NULL, &p, &e) != OK)
		fail_msg("%s", e.text);
	buf_fini(&text);
	return p;
}

void in_force(struct fixture *f, const char *rules)
{
	MUST(intel_policy_set(f->intel, rules == NULL ? NULL : policy(rules), SLICE("kg"), e));
}

int64_t put_as(struct fixture *f, const char *member, unsigned n, const char *more)
{
	struct intel_source source = {.member = slice_of(member)};
	struct intel_verdict v;
	struct store_stats stats;
	struct store_type_count *types;
	struct store_reader *r;
	size_t count;
	struct slice s = arena_printf(f->arena,
		"{\"type\":\"tool\",\"spec_version\":\"2.1\",\"id\":\"tool--00000000-0000-4000-"
		"8000-"
		"%012u\",\"created\":\"2025-12-22T00:00:00.000Z\",\"modified\":\"2025-12-22T00:00:"
		"00.000Z\",\"name\":\"tool %u\"%s}",
		n, n, more);

	MUST(intel_accept(f->intel, &source, &s, 1, NULL, 0, f->arena, &v, e));
	if (v.outcome != INTEL_NEW)
		fail_msg("%.*s", SLICE_ARG(v.message));
	MUST(store_reader_take(f->store, &r, e));
	MUST(store_stats(r, f->arena, &stats, &types, &count, e));
	store_reader_give(r);
	return (int64_t)stats.objects;
}

int64_t put(struct fixture *f, unsigned n, const char *marking)
{
	return put_as(f, "self", n,
		arena_string(f->arena,
			arena_printf(f->arena, ",\"object_marking_refs\":[\"%s\"]", marking)));
}

enum intel_outcome define(
	struct fixture *f, unsigned n, const char *created, const char *extension, const char *says)
{
	struct intel_source source = {.member = SLICE("self")};
	struct buf text = BUF_INIT;
	struct intel_verdict v;
	struct slice s;

	buf_printf(&text,
		"{'type':'marking-definition','spec_version':'2.1','id':'marking-definition--"
		"00000000-0000-4000-9000-%012u','created':'%s','extensions':{'%s':{"
		"'extension_type':'property-extension',%s}}}",
		n, created, extension, says);
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '\'')
			text.data[i] = '"';
	s = buf_slice(&text);
	MUST(intel_accept(f->intel, &source, &s, 1, NULL, 0, f->arena, &v, e));
	if (v.outcome == INTEL_REFUSED)
		fail_msg("%.*s", SLICE_ARG(v.message));
	buf_fini(&text);
	return v.outcome;
}

void define_pap(struct fixture *f, unsigned n, const char *colour)
{
	char says[64];

	snprintf(says, sizeof(says), "'pap':'%s'", colour);
	assert_int_equal(define(f, n, THEN, STIX_PAP_EXTENSION, says), INTEL_NEW);
}

void define_iep(struct fixture *f, unsigned n, const char *says)
{
	char all[512];

	snprintf(all, sizeof(all), "'iep_version':2.0%s", says);
	assert_int_equal(define(f, n, THEN, STIX_IEP_EXTENSION, all), INTEL_NEW);
}

int64_t put_marked(struct fixture *f, const char *member, unsigned n, const char *more)
{
	return put_as(f, member, n,
		arena_string(f->arena,
			arena_printf(f->arena,
				",\"object_marking_refs\":[\"marking-definition--00000000-0000-"
				"4000-9000-%012u\"]%s",
				n, more)));
}

const struct intel_recipient kz = {
	.reach = INTEL_PEER, .member = {"kz", 2}
};

const struct intel_recipient uz = {
	.reach = INTEL_PEER, .member = {"uz", 2}
};

const struct intel_recipient anybody = {.reach = INTEL_PUBLIC};

const struct intel_recipient own_reader = {
	.reach = INTEL_COLLECTION, .account = 1, .role = STORE_READER, .tlp_max = STIX_TLP_RED};

unsigned released(struct fixture *f, const struct intel_recipient *to)
{
	struct store_reader *r;
	struct store_cursor *c;
	struct store_row row;
	unsigned count = 0;
	bool more;

	MUST(store_reader_take(f->store, &r, e));
	MUST(intel_release_all(f->intel, r, to, 0, true, &c, e));
	for (;;) {
		MUST(store_cursor_next(c, &row, &more, e));
		if (!more)
			break;
		intel_released(f->intel, r, to, &row);
		count++;
	}
	store_cursor_free(c);
	store_reader_give(r);
	return count;
}

struct intel_reason reason(struct fixture *f, const struct intel_recipient *to, int64_t serial)
{
	const struct intel_recipient us = {.reach = INTEL_OPERATOR};
	struct intel_reason out;
	struct store_reader *r;
	struct store_cursor *c;
	struct store_row row;
	bool more;

	MUST(store_reader_take(f->store, &r, e));
	MUST(intel_release_all(f->intel, r, &us, serial - 1, true, &c, e));
	MUST(store_cursor_next(c, &row, &more, e));
	assert_true(more && row.serial == serial);
	MUST(intel_release_explain(f->intel, r, to, &row, &out, e));
	/* what is explained is what happens */
	assert_int_equal(out.released, intel_release(f->intel, r, to, &row));
	store_cursor_free(c);
	store_reader_give(r);
	return out;
}

static bool record_append(void *context, const struct store_released *r)
{
	struct buf *out = context;

	buf_printf(out, "%s%.*s/%.*s:", out->len > 0 ? " " : "", SLICE_ARG(r->recipient),
		SLICE_ARG(r->rule));
	for (size_t i = 0; i < r->count; i++)
		buf_printf(out, "%s%lld", i > 0 ? "," : "", (long long)r->serials[i]);
	return true;
}

const char *records(struct fixture *f)
{
	const struct store_released_query all = {0};
	struct store_reader *r;
	struct buf out = BUF_INIT;
	const char *text;

	MUST(store_reader_take(f->store, &r, e));
	MUST(store_released_each(r, &all, record_append, &out, e));
	store_reader_give(r);
	text = arena_string(f->arena, buf_slice(&out));
	buf_fini(&out);
	return text == NULL ? "" : text;
}
