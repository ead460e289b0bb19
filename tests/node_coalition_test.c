/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Three members' nodes as real processes on loopback with mutual TLS: what one publishes reaches
 * whom the policy names and nobody else, and what was acknowledged outlives any process.
 */
#include "members.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const names[] = {"kz", "uz", "kg"};
enum { KZ, UZ, KG };

/* Green to all; amber to uz alone; what was received is passed on when green. */
#define RULES                                                                                      \
	"{'id':'green','family':'exchange','effect':'permit','when':{'act':['share'],"             \
	"'to':['@members'],'kind':['indicator'],'tlp':{'le':'green'}}},"                           \
	"{'id':'amber','family':'exchange','effect':'permit','when':{'act':['share'],"             \
	"'to':['uz'],'kind':['indicator'],'tlp':{'le':'amber'}}}"

#define GREEN 1000 /* numbers of made-up objects */
#define AMBER 2000

static int setup(void **state)
{
	struct members *m = calloc(1, sizeof(*m));

	members_make(m, names, COUNT_OF(names));
	members_found(m);
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	members_end(*state);
	free(*state);
	return 0;
}

static void client_open(struct member *m, struct http_client **ret_client)
{
	scenario_client(m->folder, ret_client);
}

static void id_of(uint64_t k, char ret_id[64])
{
	char text[UUID_TEXT_LEN + 1];
	struct uuid uuid;

	scenario_object_id(k, &uuid);
	uuid_format(&uuid, text);
	snprintf(ret_id, 64, "indicator--%s", text);
}

static bool says(struct member *m, const char *words, const char *expected)
{
	struct buf out = BUF_INIT;
	bool found;

	MUST(member_ask(m, words, false, (struct slice){0}, &out, e));
	found = slice_find_text(buf_slice(&out), slice_of(expected)) < out.len;
	if (!found)
		print_message("%s: %.*s\n", words, SLICE_ARG(buf_slice(&out)));
	buf_fini(&out);
	return found;
}

static void test_by_policy_and_no_further(void **state)
{
	struct members *m = *state;
	struct member *list = m->list;
	struct http_client *clients[3];
	char words[200], id[64];

	for (size_t i = 0; i < 3; i++)
		client_open(&list[i], &clients[i]);
	/* Without a policy nothing leaves, though all know that there is something. */
	assert_int_equal(member_post(&list[KZ], clients[KZ], GREEN, 5, "green"), 202);
	member_await(&list[KZ], "signed", 5);
	member_await(&list[UZ], "log.kz.size", 5);
	assert_int_equal(member_status(&list[UZ], "log.kz.opened"), 0);

	members_decide(m, KZ, RULES);
	for (size_t i = 0; i < 3; i++)
		member_await(&list[i], "policy", 1);
	assert_int_equal(member_post(&list[KZ], clients[KZ], AMBER, 3, "amber"), 202);
	member_await(&list[KZ], "signed", 9); /* 5, the decision, 3 */
	member_await(&list[UZ], "log.kz.opened", 9);
	member_await(&list[KG], "log.kz.size", 9);
	member_await(&list[KG], "log.kz.opened", 6);
	MUST(member_ask(&list[KG], "sync", false, (struct slice){0}, NULL, e));
	assert_int_equal(member_status(&list[KG], "log.kz.withheld"), 3);
	for (uint64_t k = 0; k < 3; k++) {
		assert_true(member_has(&list[UZ], clients[UZ], GREEN + k));
		assert_true(member_has(&list[UZ], clients[UZ], AMBER + k));
		assert_true(member_has(&list[KG], clients[KG], GREEN + k));
		assert_false(member_has(&list[KG], clients[KG], AMBER + k));
	}
	id_of(AMBER, id);
	snprintf(words, sizeof(words), "explain %s uz", id);
	assert_true(says(&list[KZ], words, "amber"));
	snprintf(words, sizeof(words), "releases of %s", id);
	assert_true(says(&list[KZ], words, "member uz"));
	assert_false(says(&list[KZ], words, "member kg"));

	/* Taken back: gone everywhere, and everybody says so. */
	id_of(GREEN, id);
	snprintf(words, sizeof(words), "withdraw %s error it was a mistake", id);
	MUST(member_ask(&list[KZ], words, false, (struct slice){0}, NULL, e));
	for (;;) {
		struct buf out = BUF_INIT;
		bool all;

		MUST(member_ask(&list[KZ], "withdrawals", true, (struct slice){0}, &out, e));
		all = slice_find_text(buf_slice(&out), SLICE("\"kz\":true,\"uz\":true,\"kg\":true")) <
		      out.len;
		buf_fini(&out);
		if (all)
			break;
		MUST(member_ask(&list[KZ], "sync", false, (struct slice){0}, NULL, e));
	}
	for (size_t i = 0; i < 3; i++) {
		assert_false(member_has(&list[i], clients[i], GREEN));
		assert_true(member_has(&list[i], clients[i], GREEN + 1));
	}
	for (size_t i = 0; i < 3; i++)
		http_client_free(clients[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_by_policy_and_no_further, setup, teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
