/* SPDX-License-Identifier: MPL-2.0 */
/* The policy on the way out, each rule on both sides; the graph of tests/release_graph_test.c does
 * the rest. */
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "release.h"

#define MUST(call)                                                                                 \
	do {                                                                                       \
		struct err e_ = {0};                                                               \
		struct err *e = &e_;                                                               \
		if ((call) != OK)                                                                  \
			fail_msg("%s: %s", #call, e_.text);                                        \
	} while (0)

#define NOW   INT64_C(1767225600000000) /* 2026-01-01 */
#define CLEAR "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
#define GREEN "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
#define RED   "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"

struct fixture {
	char folder[64];
	struct world_fake world;
	struct store *store;
	struct intel *intel;
	struct arena *arena;
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void open_again(struct fixture *f, enum store_mode mode)
{
	MUST(store_open(f->folder, &(struct store_options){.mode = mode, .world = &f->world.world},
		&f->store, e));
	f->intel = intel_new(f->store, &f->world.world);
	assert_non_null(f->intel);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->folder, sizeof(f->folder), "/tmp/serai-release-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	world_fake_init(&f->world, 5, NOW);
	f->arena = arena_new(MIB(64));
	open_again(f, STORE_CREATE);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	intel_free(f->intel);
	store_close(f->store);
	arena_free(f->arena);
	nftw(f->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

/* ' for "; rules as a list. kg (ourselves), kz, uz. */
static struct policy *policy(const char *rules)
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

#define PERMIT(id, when) "{'id':'" id "','family':'exchange','effect':'permit','when':{" when "}}"
#define PERMIT_MUST(id, when, must)                                                                \
	"{'id':'" id "','family':'exchange','effect':'permit','when':{" when "},'must':{" must "}" \
	"}"
#define TO_KZ PERMIT("k", "'to':['kz'],'kind':['tool'],'tlp':{'le':'green'}")

static void in_force(struct fixture *f, const char *rules)
{
	MUST(intel_policy_set(f->intel, rules == NULL ? NULL : policy(rules), SLICE("kg"), e));
}

static int64_t put_as(struct fixture *f, const char *member, unsigned n, const char *more)
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

static int64_t put(struct fixture *f, unsigned n, const char *marking)
{
	return put_as(f, "self", n,
		arena_string(f->arena,
			arena_printf(f->arena, ",\"object_marking_refs\":[\"%s\"]", marking)));
}

static const struct intel_recipient kz = {
	.reach = INTEL_PEER, .member = {"kz", 2}
};
static const struct intel_recipient uz = {
	.reach = INTEL_PEER, .member = {"uz", 2}
};
static const struct intel_recipient anybody = {.reach = INTEL_PUBLIC};

/* The rows that a recipient gets, each told to the release log. */
static unsigned released(struct fixture *f, const struct intel_recipient *to)
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

static struct intel_reason reason(
	struct fixture *f, const struct intel_recipient *to, int64_t serial)
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

/* ---- a policy in force -------------------------------------------------------------------------
 */

static void test_peer_needs_a_policy(void **state)
{
	struct fixture *f = *state;
	int64_t serial = put(f, 1, CLEAR);
	struct intel_reason why;

	assert_int_equal(released(f, &kz), 0);
	why = reason(f, &kz, serial);
	assert_true(!why.released && why.marking && why.asked && !why.permitted);
	assert_string_equal(why.because, "no policy is in force");
	assert_int_equal(released(f, &anybody), 1);
	in_force(f, TO_KZ);
	assert_int_equal(released(f, &kz), 1);
	assert_int_equal(released(f, &uz), 0);
	assert_int_equal(released(f, &anybody), 0); /* the policy is asked for these, too */
	in_force(f, NULL);
	assert_int_equal(released(f, &kz), 0);
	assert_int_equal(released(f, &anybody), 1);
}

static void test_set_refuses(void **state)
{
	struct fixture *f = *state;
	char name[POLICY_NAME_MAX + 2];
	struct intel_policy_state before, after;
	struct err e;

	memset(name, 'm', sizeof(name));
	in_force(f, TO_KZ);
	before = intel_policy_get(f->intel);
	assert_true(before.in_force && !before.expired);
	assert_string_equal(before.name, "test");
	assert_string_equal(before.self, "kg");
	assert_int_equal(before.version, 7);
	/* the policy before stays */
	assert_int_equal(intel_policy_set(f->intel, policy(TO_KZ), SLICE("xx"), &e), ERR_INVALID);
	assert_int_equal(
		intel_policy_set(f->intel, policy(TO_KZ), (struct slice){0}, &e), ERR_INVALID);
	assert_int_equal(intel_policy_set(f->intel, policy(TO_KZ),
				 (struct slice){name, POLICY_NAME_MAX + 1}, &e),
		ERR_INVALID);
	after = intel_policy_get(f->intel);
	assert_true(after.in_force && after.generation == before.generation);
	in_force(f, NULL);
	assert_false(intel_policy_get(f->intel).in_force);
}

static void test_expiry(void **state)
{
	struct fixture *f = *state;
	int64_t serial = put(f, 1, CLEAR);
	uint64_t epoch;

	in_force(f, TO_KZ);
	epoch = intel_release_epoch(f->intel, &kz);
	world_fake_advance(&f->world, INT64_C(31) * DAY_US - 1);
	assert_int_equal(released(f, &kz), 1);
	world_fake_advance(&f->world, 1);
	assert_int_equal(released(f, &kz), 0);
	assert_string_equal(reason(f, &kz, serial).because, "the policy has expired");
	assert_true(intel_policy_get(f->intel).expired);
	assert_int_not_equal(intel_release_epoch(f->intel, &kz), epoch);
}

/* RED stays, whatever a policy permits. */
static void test_ceiling(void **state)
{
	struct fixture *f = *state;
	int64_t serial = put(f, 1, RED);
	struct intel_reason why;

	in_force(f, PERMIT("all", "'to':['kz'],'tlp':['red','clear']"));
	assert_int_equal(released(f, &kz), 0);
	why = reason(f, &kz, serial);
	assert_true(why.permitted && !why.marking && why.tlp == STIX_TLP_RED);
	assert_string_equal(why.rule_id, "all");
	put(f, 2, CLEAR);
	assert_int_equal(released(f, &kz), 1);
}

static void test_ages(void **state)
{
	struct fixture *f = *state;

	put(f, 1, CLEAR); /* ten days old */
	in_force(f, PERMIT("young", "'to':['kz'],'age_days':{'le':10}"));
	world_fake_advance(&f->world, DAY_US - 1);
	assert_int_equal(released(f, &kz), 1);
	world_fake_advance(&f->world, 1);
	assert_int_equal(released(f, &kz), 0);
}

static void test_delay(void **state)
{
	struct fixture *f = *state;
	int64_t serial = put(f, 1, CLEAR);
	uint64_t epoch;

	in_force(f, PERMIT_MUST("late", "'to':['kz']", "'delay_hours':2"));
	assert_int_equal(released(f, &kz), 0);
	assert_string_equal(
		reason(f, &kz, serial).because, "the policy demands a delay that has not passed");
	epoch = intel_release_epoch(f->intel, &kz);
	world_fake_advance(&f->world, 2 * HOUR_US - 2000000);
	assert_int_equal(released(f, &kz), 0);
	world_fake_advance(&f->world, 2000000);
	assert_int_equal(released(f, &kz), 1);
	assert_int_not_equal(intel_release_epoch(f->intel, &kz), epoch);
}

/* Obligations that bind the sender: kept, or nothing leaves. */
static void test_obligations(void **state)
{
	struct fixture *f = *state;
	struct intel_recipient to = kz, file = {
						.reach = INTEL_MEMBER, .member = {"kz", 2}
        };

	put(f, 1, CLEAR);
	in_force(f, PERMIT_MUST("a", "'to':['kz']", "'approvals':2"));
	to.approvals = 1;
	assert_int_equal(released(f, &to), 0);
	to.approvals = 2;
	assert_int_equal(released(f, &to), 1);
	in_force(f, PERMIT_MUST("l", "'to':['kz']", "'legal_basis':true"));
	assert_int_equal(released(f, &kz), 0);
	to.legal_basis = true;
	assert_int_equal(released(f, &to), 1);
	in_force(f, PERMIT_MUST("e", "'to':['kz']", "'encrypt':true"));
	assert_int_equal(released(f, &kz), 1);
	assert_int_equal(released(f, &file), 0);
	in_force(f, PERMIT_MUST("r", "'to':['kz']", "'redact':['identity']"));
	assert_int_equal(released(f, &kz), 0); /* bytes leave exactly, or not at all */
	in_force(f, PERMIT_MUST("d", "'to':['kz']", "'retain_days':9"));
	assert_int_equal(released(f, &kz), 1); /* binds the recipient */
	assert_int_equal(reason(f, &kz, 1).duties.retain_days, 9);
}

static void test_purpose_and_request(void **state)
{
	struct fixture *f = *state;
	struct intel_recipient to = kz;

	put(f, 1, CLEAR);
	in_force(f, PERMIT("p", "'to':['kz'],'purpose':['research'],'request_open':[true]"));
	assert_int_equal(released(f, &to), 0);
	to.purpose = SLICE("research");
	assert_int_equal(released(f, &to), 0);
	to.request_open = true;
	assert_int_equal(released(f, &to), 1);
	to.purpose = SLICE("curiosity");
	assert_int_equal(released(f, &to), 0);
}

static void test_origin(void **state)
{
	struct fixture *f = *state;
	const struct store_account ann = {.name = SLICE("ann"), .role = STORE_CONTRIBUTOR};
	struct store_account joe = {
		.name = SLICE("joe"), .role = STORE_CONTRIBUTOR, .member = SLICE("uz")};

	MUST(store_account_put(f->store, &ann, e));
	MUST(store_account_put(f->store, &joe, e));
	put_as(f, "self", 1, "");
	put_as(f, "kg", 2, "");
	put_as(f, "ann", 3, "");
	put_as(f, "joe", 4, "");
	put_as(f, "uz", 5, "");
	put_as(f, "elsewhere", 6, "");
	in_force(f, PERMIT("own", "'to':['kz'],'act':['share'],'tlp':['none']"));
	assert_int_equal(released(f, &kz), 3);
	in_force(f, PERMIT("re", "'to':['kz'],'act':['reshare'],'tlp':['none']"));
	assert_int_equal(released(f, &kz), 3);
	in_force(f, PERMIT("re", "'to':['kz'],'origin':['received'],'tlp':['none']"));
	assert_int_equal(released(f, &kz), 3);
	/* an account becomes our own: seen at once */
	joe.member = (struct slice){0};
	MUST(store_account_put(f->store, &joe, e));
	assert_int_equal(released(f, &kz), 2);
}

/* Without a name a file may go to any of them. */
static void test_any_member(void **state)
{
	struct fixture *f = *state;
	const struct intel_recipient any = {.reach = INTEL_MEMBER};
	const struct intel_recipient one = {
		.reach = INTEL_MEMBER, .member = {"kz", 2}
        };

	put(f, 1, CLEAR);
	in_force(f, TO_KZ);
	assert_int_equal(released(f, &any), 0);
	assert_int_equal(released(f, &one), 1);
	in_force(f, TO_KZ "," PERMIT("u", "'to':['uz']"));
	assert_int_equal(released(f, &any), 1);
}

static void test_names_too_long(void **state)
{
	struct fixture *f = *state;
	char name[POLICY_NAME_MAX + 1];
	struct intel_recipient to = {
		.reach = INTEL_PUBLIC, .member = {name, POLICY_NAME_MAX}
        };

	memset(name, 'm', sizeof(name));
	put(f, 1, CLEAR);
	assert_int_equal(released(f, &to), 1);
	to.member.len++;
	assert_int_equal(released(f, &to), 0);
}

static void start_again(struct fixture *f)
{
	intel_free(f->intel);
	store_close(f->store);
	open_again(f, STORE_WRITE);
}

/* Kept: after a start, for a program that only reads, with a layer; and given up again. */
static void test_kept(void **state)
{
	struct fixture *f = *state;
	static const struct slice names[] = {
		{"kg", 2},
                {"kz", 2},
                {"uz", 2}
        };
	const struct policy_parties parties = {names, COUNT_OF(names)};
	const struct slice texts[] = {
		SLICE("{\"type\":\"policy\",\"name\":\"p\",\"version\":1,\"expires\":\"2030-01-01T"
		      "00:00:00Z\",\"rules\":[{\"id\":\"a\",\"family\":\"exchange\",\"effect\":"
		      "\"permit\",\"when\":{\"to\":[\"kz\",\"uz\"]}}]}"),
		SLICE("{\"type\":\"overlay\",\"name\":\"o\",\"version\":1,\"expires\":\"2030-01-01T"
		      "00:00:00Z\",\"rules\":[{\"id\":\"b\",\"family\":\"exchange\",\"effect\":"
		      "\"forbid\",\"when\":{\"to\":[\"uz\"]}}]}")};
	const struct slice bad = SLICE("{\"self\":\"kg\",\"members\":[\"kg\"],\"policies\":[5]}");
	struct err why;

	put(f, 1, CLEAR);
	MUST(intel_policy_keep(f->intel, &parties, SLICE("kg"), texts, 1, e));
	assert_int_equal(released(f, &uz), 1);
	start_again(f);
	assert_int_equal(released(f, &uz), 1);
	/* what is refused leaves both as they were */
	assert_int_equal(
		intel_policy_keep(f->intel, &parties, SLICE("xx"), texts, 1, &why), ERR_INVALID);
	assert_int_equal(
		intel_policy_keep(f->intel, &parties, SLICE("kg"), &bad, 1, &why), ERR_INVALID);
	MUST(intel_policy_keep(f->intel, &parties, SLICE("kg"), texts, 2, e));
	start_again(f);
	assert_int_equal(released(f, &kz), 1);
	assert_int_equal(released(f, &uz), 0);
	assert_int_equal(released(f, &anybody), 0);
	/* damaged: nothing leaves, but to our own people */
	MUST(store_original_put(f->store, SLICE("policy"), SLICE("in force"), bad, e));
	start_again(f);
	assert_int_equal(released(f, &kz), 0);
	assert_int_equal(released(f, &anybody), 0);
	assert_int_equal(released(f, &(struct intel_recipient){.reach = INTEL_OPERATOR}), 1);
	assert_true(intel_policy_get(f->intel).in_force && intel_policy_get(f->intel).expired);
	assert_string_equal(
		reason(f, &anybody, 1).because, "the policy that is kept cannot be understood");
	MUST(intel_policy_keep(f->intel, &parties, (struct slice){0}, NULL, 0, e));
	assert_int_equal(released(f, &anybody), 1);
	start_again(f);
	assert_int_equal(released(f, &anybody), 1);
	assert_false(intel_policy_get(f->intel).in_force);
}

/* ---- the release log ---------------------------------------------------------------------------
 */

static bool record_append(void *context, const struct store_released *r)
{
	struct buf *out = context;

	buf_printf(out, "%s%.*s/%.*s:", out->len > 0 ? " " : "", SLICE_ARG(r->recipient),
		SLICE_ARG(r->rule));
	for (size_t i = 0; i < r->count; i++)
		buf_printf(out, "%s%lld", i > 0 ? "," : "", (long long)r->serials[i]);
	return true;
}

static const char *records(struct fixture *f)
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

static void test_log(void **state)
{
	struct fixture *f = *state;
	const struct intel_recipient us = {.reach = INTEL_OPERATOR};
	struct intel_recipient account = {.reach = INTEL_COLLECTION,
		.account = 9,
		.role = STORE_READER,
		.tlp_max = STIX_TLP_AMBER};

	put(f, 1, CLEAR);
	put(f, 2, GREEN);
	in_force(f, TO_KZ);
	(void)released(f, &us);
	(void)released(f, &kz);
	assert_string_equal(records(f), ""); /* not yet */
	MUST(intel_idle(f->intel, e));
	assert_string_equal(records(f), "member kz/k:1,2");
	(void)released(f, &account);
	account.account = 10; /* another, decided the same way */
	(void)released(f, &account);
	MUST(intel_released_flush(f->intel, e));
	/* a rule keeps its name though its policy goes before the log is written */
	(void)released(f, &kz);
	in_force(f, NULL);
	(void)released(f, &anybody);
	MUST(intel_released_flush(f->intel, e));
	assert_string_equal(records(f), "public/:1 member kz/k:1,2 account 10/:1,2 account 9/:1,2 "
					"member kz/k:1,2");
	/* what waits when the program ends is written */
	(void)released(f, &anybody);
	intel_free(f->intel);
	f->intel = intel_new(f->store, &f->world.world);
	assert_true(strncmp(records(f), "public/:1 public/:1 ", 20) == 0);
}

/* ---- markings that a policy reads --------------------------------------------------------------
 */

/* A definition with one extension ("pap" or "iep"); ' for ". */
static enum intel_outcome define(
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

#define THEN "2025-01-01T00:00:00.000Z"
static void define_pap(struct fixture *f, unsigned n, const char *colour)
{
	char says[64];

	snprintf(says, sizeof(says), "'pap':'%s'", colour);
	assert_int_equal(define(f, n, THEN, STIX_PAP_EXTENSION, says), INTEL_NEW);
}

static void define_iep(struct fixture *f, unsigned n, const char *says)
{
	char all[512];

	snprintf(all, sizeof(all), "'iep_version':2.0%s", says);
	assert_int_equal(define(f, n, THEN, STIX_IEP_EXTENSION, all), INTEL_NEW);
}

/* Tool n of a member, marked with definition n. */
static int64_t put_marked(struct fixture *f, const char *member, unsigned n, const char *more)
{
	return put_as(f, member, n,
		arena_string(f->arena,
			arena_printf(f->arena,
				",\"object_marking_refs\":[\"marking-definition--00000000-0000-"
				"4000-9000-%012u\"]%s",
				n, more)));
}

static const struct intel_recipient own_reader = {
	.reach = INTEL_COLLECTION, .account = 1, .role = STORE_READER, .tlp_max = STIX_TLP_RED};

static void test_pap(void **state)
{
	static const char *const colours[] = {"clear", "green", "amber", "red"};
	static const struct {
		const char *rules;
		bool may[6]; /* no PAP, the four colours, one that there is not */
	} cases[] = {
		{PERMIT("a", "'to':['kz'],'tlp':['none']"),                                         {true, true, true, true, true, false}   },
		{PERMIT("b", "'to':['kz'],'tlp':['none'],'pap':{'le':'green'}"),
                 {false, true, true, false, false, false}										   },
		{PERMIT("c", "'to':['kz'],'tlp':['none'],'pap':['none','red']"),
                 {true, false, false, false, true, false}										   },
		{PERMIT("d", "'to':['kz'],'tlp':['none']") ",{'id':'f','family':'exchange',"
							   "'effect':'forbid','when':{'pap':{'ge':'"
							   "amber'}}}", {false, true, true, false, false, false}},
 /* what nobody can read does not leave, whatever a rule says: the ceiling */
		{PERMIT("e", "'to':['kz'],'tlp':['none','unknown'],'pap':['none','unknown']"),
                 {true, false, false, false, false, false}										  },
		{PERMIT("g", "'to':['uz'],'tlp':['none']"),                                         {false}                                 },
	};
	struct fixture *f = *state;

	put_as(f, "self", 1, "");
	for (unsigned n = 0; n < COUNT_OF(colours); n++)
		define_pap(f, n + 2, colours[n]);
	define_pap(f, 6, "pink");
	for (unsigned n = 2; n <= 6; n++)
		put_marked(f, "self", n, "");
	for (unsigned k = 0; k < COUNT_OF(cases); k++) {
		in_force(f, cases[k].rules);
		for (unsigned n = 0; n < 6; n++)
			if (reason(f, &kz, n == 0 ? 1 : 6 + n).released != cases[k].may[n])
				fail_msg("rules %u, tool %u", k, n + 1);
	}
}

/* The rows of test_pap follow their definitions: 1, then definitions 2..6, then tools. */
static void test_pap_without_policy(void **state)
{
	struct fixture *f = *state;
	const struct intel_recipient file = {
		.reach = INTEL_MEMBER, .member = {"kz", 2}
        };
	struct intel_reason why;
	int64_t serial;

	define_pap(f, 2, "clear");
	serial = put_marked(f, "self", 2, "");
	why = reason(f, &file, serial);
	assert_true(!why.released && !why.marking && why.tlp == INTEL_TLP_UNKNOWN);
	assert_false(reason(f, &own_reader, serial).released);
	/* a policy understands it, for our own people too */
	in_force(f, PERMIT("a", "'to':['uz']"));
	why = reason(f, &file, serial);
	assert_true(!why.released && why.marking && why.tlp == STIX_TLP_NONE);
	assert_int_equal(why.question.values[POLICY_PAP], 1);
	assert_true(reason(f, &own_reader, serial).released);
	in_force(f, NULL);
	assert_false(reason(f, &own_reader, serial).released);
}

#define ANY_TLP       "'tlp':['none','clear','green','amber','amber+strict','red']"
#define ALL_TO_KZ     PERMIT("k", "'to':['kz']," ANY_TLP)
#define MUST_NOT_TELL ",'affected_party_notifications':'must-not'"

static void test_iep(void **state)
{
	static const struct {
		const char *says, *member, *more;
		const char *pap; /* in the permit */
		bool peer, file;
	} cases[] = {
		{"",							       "self", "",                              "'none'",                         true,  true },
		{",'unmodified_resale':'must-not','iep_id':'x','description':'y'", "self", "",
                 "'none'",																    true,  true },
 /* a colour: the ceiling of a member's file is AMBER */
		{",'tlp':'amber'",						 "self", "",                              "'none'",                         true,  true },
		{",'tlp':'amber+strict'",					  "self", "",                              "'none'",                         true,  false},
		{",'tlp':'red'",						   "self", "",                              "'none'",                         false, false},
 /* actions */
		{",'permitted_actions':'none'",                                    "self", "",                              "'red'",                          true,  true },
		{",'permitted_actions':'none'",                                    "self", "",                              "'none','clear','green','amber'", false,
                 false																		    },
		{",'permitted_actions':'contact-for-instruction'",                 "self", "",                              "'red'",                          true,  true },
		{",'permitted_actions':'internally-visible-actions'",              "self", "",                              "'red'",                          true,
                 true																		     },
		{",'permitted_actions':'externally-visible-indirect-actions'",     "self", "",
                 "'amber'",																   true,  true },
		{",'permitted_actions':'externally-visible-direct-actions'",       "self", "",                              "'green'",
                 true,																	       true },
 /* obligations of ours: a file has no encryption, and bytes have their source */
		{",'encrypt_in_transit':'must'",                                   "self", "",                              "'none'",                         true,  false},
		{",'encrypt_in_transit':'may'",                                    "self", "",                              "'none'",                         true,  true },
		{",'provider_attribution':'must'",                                 "self", "",                              "'none'",                         true,  true },
		{",'provider_attribution':'must-not'",                             "self", "",                              "'none'",                         false, false},
		{",'attribution':'must-not'",                                      "self", "",                              "'none'",                         false, false},
 /* whom it affects */
		{MUST_NOT_TELL,						    "uz",   ",\"labels\":[\"affected:kz\"]", "'none'",                         false, false},
		{MUST_NOT_TELL,						    "uz",   ",\"labels\":[\"affected:uz\"]", "'none'",                         true,  true },
		{MUST_NOT_TELL,						    "uz",   "",                              "'none'",                         false, false},
		{MUST_NOT_TELL,						    "self", ",\"labels\":[\"affected:kz\"]", "'none'",                         true,  true },
 /* nobody knows */
		{",'encrypt_in_transit':'should'",                                 "self", "",                              "'none','unknown'",               false, false},
		{",'permitted_actions':'dance'",                                   "self", "",                              "'none','unknown'",               false, false},
		{",'also':1",						      "self", "",                              "'none','unknown'",               false, false},
		{",'end_date':'2026-01-01T00:00:00Z'",                             "self", "",                              "'none','unknown'",               false,
                 false																		    },
	};
	const struct intel_recipient file = {
		.reach = INTEL_MEMBER, .member = {"kz", 2}
        };
	struct fixture *f = *state;
	char rules[512];

	for (unsigned k = 0; k < COUNT_OF(cases); k++) {
		int64_t serial;

		define_iep(f, k + 1, cases[k].says);
		serial = put_marked(f, cases[k].member, k + 1, cases[k].more);
		snprintf(rules, sizeof(rules), PERMIT("k", "'to':['kz']," ANY_TLP ",'pap':[%s]"),
			cases[k].pap);
		in_force(f, rules);
		if (reason(f, &kz, serial).released != cases[k].peer ||
			reason(f, &file, serial).released != cases[k].file)
			fail_msg("%s with %s of %s", cases[k].says, cases[k].pap, cases[k].member);
	}
}

/* The reason is told, and what binds the recipient. */
static void test_iep_reasons(void **state)
{
	const struct intel_recipient file = {
		.reach = INTEL_MEMBER, .member = {"kz", 2}
        };
	struct fixture *f = *state;
	struct intel_reason why;
	int64_t a, b;

	define_iep(f, 1, ",'encrypt_in_transit':'must','attribution':'must'");
	define_iep(f, 2, MUST_NOT_TELL);
	a = put_marked(f, "self", 1, "");
	b = put_marked(f, "uz", 2, "");
	in_force(f, ALL_TO_KZ);
	why = reason(f, &kz, a);
	assert_true(why.released && why.duties.encrypt && why.duties.attribution);
	assert_string_equal(
		reason(f, &file, a).because, "a marking demands encryption, and a file has none");
	why = reason(f, &kz, b);
	assert_non_null(why.because);
	assert_int_equal(why.rule, -1);
	in_force(f, PERMIT_MUST("k", "'to':['kz']," ANY_TLP, "'attribution':'withheld'"));
	assert_string_equal(reason(f, &kz, a).because,
		"the obligations of policy and markings contradict one another");
}

/* Definitions come after what they mark, and through references; a second one ends it. */
static void test_definition_later(void **state)
{
	struct fixture *f = *state;
	int64_t marked = put_marked(f, "self", 1, "");
	int64_t refers = put_as(f, "self", 50,
		",\"x_related_refs\":[\"tool--00000000-0000-4000-8000-000000000001\"]");

	in_force(f, PERMIT("a", "'to':['kz'],'tlp':['none'],'pap':['none','green']"));
	assert_false(reason(f, &kz, marked).released);
	assert_false(reason(f, &kz, refers).released);
	define_pap(f, 1, "green");
	assert_true(reason(f, &kz, marked).released);
	assert_true(reason(f, &kz, refers).released);
	assert_int_equal(reason(f, &kz, refers).question.values[POLICY_PAP], 2);
	/* another policy reads the same marking */
	in_force(f, PERMIT("b", "'to':['kz'],'tlp':['none'],'pap':['none']"));
	assert_false(reason(f, &kz, marked).released);
	assert_false(reason(f, &kz, refers).released);
	in_force(f, PERMIT("c", "'to':['kz'],'tlp':['none'],'pap':['none','green']"));
	assert_true(reason(f, &kz, refers).released);
	/* the strictest of both */
	define_pap(f, 51, "red");
	put_as(f, "self", 51,
		",\"x_related_refs\":[\"tool--00000000-0000-4000-8000-000000000001\"],"
		"\"object_marking_refs\":[\"marking-definition--00000000-0000-4000-9000-"
		"000000000051\"]");
	assert_int_equal(reason(f, &kz, 5).question.values[POLICY_PAP], 4);
	assert_false(reason(f, &kz, 5).released);
	/* nobody talks it down, with another version or with the same one */
	assert_int_equal(
		define(f, 1, "2025-06-01T00:00:00.000Z", STIX_PAP_EXTENSION, "'pap':'clear'"),
		INTEL_NEW);
	assert_false(reason(f, &kz, marked).released);
	assert_false(reason(f, &kz, refers).released);
	in_force(f, ALL_TO_KZ);
	assert_true(reason(f, &kz, 5).marking == false);
	assert_int_equal(define(f, 51, THEN, STIX_PAP_EXTENSION, "'pap':'clear'"), INTEL_CONFLICT);
	assert_int_equal(reason(f, &kz, 5).tlp, INTEL_TLP_UNKNOWN);
}

/* Dates in a definition pass while it is remembered, and pages that are kept learn of it. */
static void test_definition_dates(void **state)
{
	struct fixture *f = *state;
	uint64_t epoch;
	int64_t serial;

	define_iep(f, 1, ",'start_date':'2026-01-02T00:00:00Z','end_date':'2026-01-04T00:00:00Z'");
	serial = put_marked(f, "self", 1, "");
	in_force(f, ALL_TO_KZ);
	assert_false(reason(f, &kz, serial).released);
	epoch = intel_release_epoch(f->intel, &own_reader);
	world_fake_advance(&f->world, DAY_US - 1000000);
	assert_int_equal(released(f, &kz), 1); /* the definition itself */
	world_fake_advance(&f->world, 1000000);
	assert_int_equal(released(f, &kz), 2);
	assert_int_equal(released(f, &own_reader), 2);
	assert_true(intel_release_epoch(f->intel, &own_reader) != epoch);
	epoch = intel_release_epoch(f->intel, &kz);
	world_fake_advance(&f->world, 2 * DAY_US);
	assert_int_equal(released(f, &kz), 1);
	assert_int_equal(released(f, &own_reader), 1);
	assert_true(intel_release_epoch(f->intel, &kz) != epoch);
}

/* More than is read of one definition, on both sides. */
static void test_definition_size(void **state)
{
	struct fixture *f = *state;
	int64_t serials[2];

	for (unsigned n = 0; n < 2; n++) {
		size_t len = n == 0 ? KIB(60) : KIB(64);
		char *says = malloc(len + 64);

		assert_non_null(says);
		len = (size_t)snprintf(says, 64, "'iep_version':2.0,'description':'") + len;
		memset(says + 34, 'x', len - 34);
		says[33] = 'x';
		memcpy(says + len, "'", 2);
		assert_int_equal(define(f, n + 1, THEN, STIX_IEP_EXTENSION, says), INTEL_NEW);
		free(says);
		serials[n] = put_marked(f, "self", n + 1, "");
	}
	in_force(f, ALL_TO_KZ);
	assert_true(reason(f, &kz, serials[0]).released);
	assert_false(reason(f, &kz, serials[1]).released);
	assert_false(reason(f, &kz, serials[1]).marking);
}

/* A dry run reads them as a release does, before and after. */
static void test_dry_run_marked(void **state)
{
	static const struct slice to[] = {
		{"kz",     2},
                {"public", 6}
        };
	struct fixture *f = *state;
	struct policy *after = policy(PERMIT("a", "'to':['kz'],'kind':['tool'],'tlp':['none'],"
						  "'pap':{'le':'green'}"));
	struct intel_change changes[2];

	for (unsigned n = 1; n <= 8; n++) {
		define_pap(f, n, n <= 6 ? "green" : "red");
		put_marked(f, "self", n, "");
	}
	MUST(intel_dry_run(f->intel, NULL, after, SLICE("kg"), to, 2, changes, e));
	assert_int_equal(changes[0].gained, 6);
	assert_int_equal(changes[1].before, 8); /* the definitions: nothing marks them */
	assert_int_equal(changes[1].lost, 8);
	MUST(intel_policy_set(f->intel, after, SLICE("kg"), e));
	assert_int_equal(released(f, &kz), 6);
}

/* ---- in words ----------------------------------------------------------------------------------
 */

static struct slice account(
	struct fixture *f, const struct intel_recipient *to, int64_t serial, bool json)
{
	const struct intel_recipient us = {.reach = INTEL_OPERATOR};
	struct buf out = BUF_INIT;
	struct store_reader *r;
	struct store_row row;
	struct buf body = BUF_INIT;
	struct slice text;
	bool found;

	MUST(store_reader_take(f->store, &r, e));
	MUST(intel_release_serial(f->intel, r, &us, serial, &row, &body, &found, e));
	assert_true(found);
	MUST(intel_release_account(f->intel, r, to, &row, json, &out, e));
	store_reader_give(r);
	text = arena_copy(f->arena, buf_slice(&out));
	buf_fini(&out);
	buf_fini(&body);
	return text;
}

static bool says(struct slice text, const char *what)
{
	return slice_find_text(text, slice_of(what)) < text.len;
}

static void test_account(void **state)
{
	const struct intel_recipient us = {.reach = INTEL_OPERATOR};
	struct fixture *f = *state;
	struct json_parser *parser = json_parser_new(KIB(64));
	int64_t green = put(f, 1, GREEN), red = put(f, 2, RED), marked;
	struct json_value policy_said;
	struct json_doc doc;
	struct slice text;

	/* without a policy */
	text = account(f, &kz, green, false);
	assert_true(says(text, "member kz: withheld\n"));
	assert_true(says(text, "TLP green") && says(text, "at most amber+strict: yes\n"));
	assert_true(says(text, "policy: no: no policy is in force\n"));
	text = account(f, &us, red, false);
	assert_true(says(text, ": released\n") && says(text, "at most everything: yes\n"));
	assert_true(says(text, "policy: not asked for this recipient\n"));
	/* with one: its own account follows */
	in_force(f, TO_KZ);
	text = account(f, &kz, green, false);
	assert_true(says(text, "member kz: released\n") && says(text, "policy: yes\n"));
	assert_true(says(text, "allowed by k\n"));
	assert_false(says(text, "markings: PAP"));
	text = account(f, &uz, green, false);
	assert_true(says(text, "member uz: withheld\n") && says(text, "policy: no\n"));
	text = account(f, &kz, red, false);
	assert_true(says(text, "TLP red") && says(text, "at most amber+strict: no\n"));
	/* what markings say beside TLP */
	define_iep(f, 3,
		",'permitted_actions':'none','encrypt_in_transit':'must','attribution':"
		"'must-not'" MUST_NOT_TELL);
	marked = put_marked(f, "self", 3, "");
	text = account(f, &kz, marked, false);
	assert_true(says(text, "markings: PAP red\n"));
	assert_true(says(text, "markings: encrypted on the way\n"));
	assert_true(says(text, "markings: the source is withheld\n"));
	assert_true(says(text, "markings: kept from whom it affects\n"));
	assert_false(says(text, "markings: the source is named\n"));
	text = account(f, &kz, marked, true);
	MUST(json_parse(parser, text, &doc, e));
	assert_true(slice_is(json_get_string(json_root(&doc), "pap"), "red"));
	assert_true(
		json_get(json_root(&doc), "encrypt", &policy_said) && json_is_true(policy_said));
	/* for programs */
	text = account(f, &kz, green, true);
	MUST(json_parse(parser, text, &doc, e));
	assert_true(slice_is(json_get_string(json_root(&doc), "recipient"), "member kz"));
	assert_true(slice_is(json_get_string(json_root(&doc), "tlp"), "green"));
	assert_true(slice_is(json_get_string(json_root(&doc), "ceiling"), "amber+strict"));
	assert_true(
		json_get(json_root(&doc), "released", &policy_said) && json_is_true(policy_said));
	assert_true(
		json_get(json_root(&doc), "policy", &policy_said) && json_is_object(policy_said));
	text = account(f, &us, green, true);
	MUST(json_parse(parser, text, &doc, e));
	assert_false(json_get(json_root(&doc), "policy", &policy_said));
	in_force(f, NULL);
	text = account(f, &kz, green, true);
	MUST(json_parse(parser, text, &doc, e));
	assert_true(slice_is(json_get_string(json_root(&doc), "because"), "no policy is in force"));
	json_parser_free(parser);
}

/* ---- a dry run ---------------------------------------------------------------------------------
 */

static void test_dry_run(void **state)
{
	struct fixture *f = *state;
	static const struct slice to[] = {
		{"kz",     2},
                {"uz",     2},
                {"public", 6}
        };
	const struct intel_recipient *const reaches[] = {&kz, &uz, &anybody};
	struct policy *before = policy(TO_KZ);
	struct policy *after =
		policy(PERMIT("u", "'to':['uz','kz'],'confidence':{'ge':50}") "," PERMIT(
			"p", "'to':['public'],'act':['publish'],'tlp':['clear']"));
	struct intel_change changes[3];
	unsigned was[3], is[3];

	for (unsigned n = 0; n < 40; n++)
		put_as(f, n % 5 == 0 ? "uz" : "self", n,
			arena_string(f->arena,
				arena_printf(f->arena,
					",\"confidence\":%u,\"object_marking_refs\":[\"%s\"]",
					n * 2, n % 3 == 0 ? GREEN : CLEAR)));
	put(f, 100, RED);
	MUST(intel_dry_run(f->intel, before, after, SLICE("kg"), to, 3, changes, e));
	/* what it counts is what then happens */
	MUST(intel_policy_set(f->intel, before, SLICE("kg"), e));
	for (unsigned k = 0; k < 3; k++)
		was[k] = released(f, reaches[k]);
	MUST(intel_policy_set(f->intel, after, SLICE("kg"), e));
	for (unsigned k = 0; k < 3; k++) {
		is[k] = released(f, reaches[k]);
		assert_true(slice_equal(changes[k].recipient, to[k]));
		assert_int_equal(changes[k].before, was[k]);
		assert_int_equal(changes[k].after, is[k]);
		assert_int_equal(
			changes[k].gained - changes[k].lost, (int64_t)is[k] - (int64_t)was[k]);
	}
	assert_int_equal(was[0], 40);
	assert_int_equal(is[0], 15);
	assert_int_equal(changes[0].lost, 25);
	assert_int_equal(changes[1].gained, 15);
	assert_true(is[2] > 0 && was[2] == 0);
	/* from none */
	before = policy(TO_KZ);
	MUST(intel_dry_run(f->intel, NULL, before, SLICE("kg"), to, 3, changes, e));
	assert_int_equal(changes[0].gained, 40);
	assert_int_equal(changes[2].lost, changes[2].before);
	policy_free(before);
}

static void test_cells(void **state)
{
	static const struct {
		uint64_t count;
		const char *text;
	} cells[] = {
		{0,  "0" },
                {1,  "<5"},
                {4,  "<5"},
                {5,  "5" },
                {99, "99"}
        };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cells); i++) {
		struct buf out = BUF_INIT;

		intel_cell_append(&out, cells[i].count);
		assert_true(slice_is(buf_slice(&out), cells[i].text));
		buf_fini(&out);
	}
}

/* ---- traits that were not there ----------------------------------------------------------------
 */

static void test_traits_later(void **state)
{
	struct fixture *f = *state;
	unsigned steps = 0;
	struct buf value = BUF_INIT;
	bool found = false;

	for (unsigned n = 0; n < 30; n++)
		put(f, n, CLEAR);
	intel_free(f->intel);
	store_close(f->store);
	MUST(store_migrate(f->folder, 1, e)); /* an older program's */
	open_again(f, STORE_WRITE);
	in_force(f, TO_KZ);
	put(f, 100, CLEAR); /* a new one brings its own */
	assert_int_equal(released(f, &kz), 1);
	while (!found && steps++ < 10) {
		MUST(intel_idle(f->intel, e));
		buf_clear(&value);
		MUST(store_note_get(f->store, SLICE("intel/traits"), &value, &found, e));
		found = found && slice_is(buf_slice(&value), "1 done");
	}
	assert_true(found);
	assert_int_equal(released(f, &kz), 31);
	buf_fini(&value);
}

/* ---- threads -----------------------------------------------------------------------------------
 */

#define SWAPS 300

struct reading {
	struct fixture *f;
	const struct intel_recipient *to;
	bool marked; /* may a row with markings come at all? */
	_Atomic bool stop;
	_Atomic unsigned rounds, odd;
};

/* Either policy gives all or nothing at the beginning of a walk; within one it may change once. */
static void *read_on(void *context)
{
	struct reading *k = context;

	while (!k->stop) {
		struct store_reader *r;
		struct store_cursor *c;
		struct store_row row;
		bool more = true;

		if (store_reader_take(k->f->store, &r, NULL) != OK)
			break;
		if (intel_release_all(k->f->intel, r, k->to, 0, true, &c, NULL) == OK) {
			while (more && store_cursor_next(c, &row, &more, NULL) == OK)
				if (more && (row.label != 0) != k->marked)
					k->odd++; /* permitted by neither */
			store_cursor_free(c);
		}
		store_reader_give(r);
		k->rounds++;
	}
	return NULL;
}

static void test_swap_while_reading(void **state)
{
	struct fixture *f = *state;
	struct reading k = {.f = f, .to = &kz, .marked = true};
	pthread_t threads[3];

	for (unsigned n = 0; n < 20; n++)
		(void)(n % 2 == 0 ? put(f, n, CLEAR) : put_as(f, "self", n, ""));
	in_force(f, TO_KZ);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &k), 0);
	for (unsigned n = 0; n < SWAPS; n++) {
		in_force(f, n % 2 == 0 ? PERMIT("u", "'to':['uz']") : TO_KZ);
		/* after the swap nothing is decided by the policy before */
		assert_int_equal(released(f, &kz), n % 2 == 0 ? 0 : 10);
	}
	k.stop = true;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(k.odd, 0);
	assert_true(k.rounds > 0);
}

/* Neither a policy nor the want of one lets it through, and nor does the moment between them. */
static void test_swap_marked(void **state)
{
	static const struct intel_recipient file = {
		.reach = INTEL_MEMBER, .member = {"kz", 2}
        };
	struct fixture *f = *state;
	struct reading k = {.f = f, .to = &file};
	pthread_t threads[3];

	define_pap(f, 1, "red");
	put_marked(f, "self", 1, "");
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &k), 0);
	for (unsigned n = 0; n < SWAPS || (k.rounds < 100 && n < 1000 * SWAPS); n++)
		in_force(f,
			n % 2 == 0 ? PERMIT("k", "'to':['kz']," ANY_TLP ",'pap':['none']") : NULL);
	k.stop = true;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(k.odd, 0);
	assert_true(k.rounds > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_peer_needs_a_policy),
		TEST(test_set_refuses),
		TEST(test_expiry),
		TEST(test_ceiling),
		TEST(test_ages),
		TEST(test_delay),
		TEST(test_obligations),
		TEST(test_purpose_and_request),
		TEST(test_origin),
		TEST(test_any_member),
		TEST(test_names_too_long),
		TEST(test_kept),
		TEST(test_log),
		TEST(test_dry_run),
		TEST(test_pap),
		TEST(test_pap_without_policy),
		TEST(test_iep),
		TEST(test_iep_reasons),
		TEST(test_definition_later),
		TEST(test_definition_dates),
		TEST(test_definition_size),
		TEST(test_dry_run_marked),
		TEST(test_account),
		cmocka_unit_test(test_cells),
		TEST(test_traits_later),
		TEST(test_swap_while_reading),
		TEST(test_swap_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
