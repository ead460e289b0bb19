/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The policy on the way out, each rule on both sides; the graph of tests/release_graph_test.c does
 * the rest.
 */
#include <pthread.h>

#include "release_testing.h"

/* ---- a policy in force ----------------------------------------------------------------------- */

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

/* ---- traits that were not there -------------------------------------------------------------- */

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

/* ---- threads --------------------------------------------------------------------------------- */

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
		TEST(test_traits_later),
		TEST(test_swap_while_reading),
		TEST(test_swap_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
