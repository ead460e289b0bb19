/* SPDX-License-Identifier: MPL-2.0 */
/* What is told of releases: the release log, the account of one object, and the dry run. */
#include <signal.h>
#include <sys/resource.h>

#include "release_testing.h"

/* ---- the release log ------------------------------------------------------------------------- */

static const struct intel_recipient account_9 = {
	.reach = INTEL_COLLECTION, .account = 9, .role = STORE_READER, .tlp_max = STIX_TLP_AMBER};

static void test_log(void **state)
{
	struct fixture *f = *state;
	const struct intel_recipient us = {.reach = INTEL_OPERATOR};
	struct intel_recipient account = account_9;

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

/* The disk takes nothing for a while: what was released meanwhile is recorded later, in order. */
static void test_log_disk_full(void **state)
{
	struct fixture *f = *state;
	struct rlimit before, none;
	struct err why;

	put(f, 1, CLEAR);
	put(f, 2, GREEN);
	in_force(f, TO_KZ);
	(void)released(f, &kz);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	for (unsigned n = 0; n < 2; n++)
		assert_int_not_equal(intel_released_flush(f->intel, &why), OK);
	(void)released(f, &account_9);
	assert_int_not_equal(intel_released_flush(f->intel, &why), OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	MUST(intel_released_flush(f->intel, e));
	assert_string_equal(records(f), "account 9/:1,2 member kz/k:1,2");
}

/* ---- in words -------------------------------------------------------------------------------- */

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

/* ---- a dry run ------------------------------------------------------------------------------- */

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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_log),
		TEST(test_log_disk_full),
		TEST(test_dry_run),
		TEST(test_account),
		cmocka_unit_test(test_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
