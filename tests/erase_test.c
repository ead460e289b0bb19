/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One object erased by its author: once a member acknowledges it, no file of that member has its
 * words, its values, its content or its salt, and what was proved before and of others still holds.
 * The same look into the files finds all of it before.
 */
#include "members.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const char *const names[] = {"kz", "uz", "kg"};
enum { KZ, UZ, KG };

#define RULES                                                                                      \
	"{'id':'green','family':'exchange','effect':'permit','when':{'act':['share'],"             \
	"'to':['@members'],'kind':['indicator'],'tlp':{'le':'green'}}}"

#define ERASED_ID  "indicator--5a1ad8e2-0000-4000-8000-0000000000e1"
#define WORD       "Quittenmus"
#define NAME       "zwetschgenbaum.example"
#define LABEL      "zwetschgenbaum" /* names are kept from their end: example.zwetschgenbaum */
#define GREEN_MARK "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
#define BESIDE     50 /* other objects */

/* ---- looking into files ------------------------------------------------------------------------- */

struct look {
	struct slice what;
	bool text; /* case does not matter */
	struct buf where;
};

static bool stands_in(const struct look *l, struct slice bytes)
{
	if (!l->text)
		return memmem(bytes.data, bytes.len, l->what.data, l->what.len) != NULL;
	for (size_t i = 0; i + l->what.len <= bytes.len; i++)
		if (strncasecmp(bytes.data + i, l->what.data, l->what.len) == 0)
			return true;
	return false;
}

static void look_through(struct look *l, const char *path)
{
	struct buf bytes = BUF_INIT;
	struct stat st;
	DIR *folder;

	if (lstat(path, &st) != 0)
		return; /* gone meanwhile */
	if (S_ISREG(st.st_mode)) {
		if (st.st_size > 0 && file_read(path, MIB(512), &bytes, NULL) == OK &&
			stands_in(l, buf_slice(&bytes)))
			buf_printf(&l->where, " %s", path);
		buf_fini(&bytes);
		return;
	}
	if (!S_ISDIR(st.st_mode) || (folder = opendir(path)) == NULL)
		return;
	for (struct dirent *d; (d = readdir(folder)) != NULL;) {
		char inner[1024];

		snprintf(inner, sizeof(inner), "%s/%s", path, d->d_name);
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			look_through(l, inner);
	}
	closedir(folder);
}

static bool is_in(const struct member *m, struct slice what, bool text, struct buf *ret_where)
{
	struct look l = {.what = what, .text = text};
	bool found;

	look_through(&l, m->folder);
	found = l.where.len > 0;
	if (ret_where != NULL)
		buf_slice_append(ret_where, buf_slice(&l.where));
	buf_fini(&l.where);
	return found;
}

static void assert_gone(const struct member *m, const char *name, struct slice what, bool text)
{
	struct buf where = BUF_INIT;

	is_in(m, what, text, &where);
	if (where.len > 0)
		fail_msg("%s of %s stands in%.*s", name, m->name, SLICE_ARG(buf_slice(&where)));
	buf_fini(&where);
}

/* ---- the object ---------------------------------------------------------------------------------- */

static void erased_post(struct member *m, struct http_client *client)
{
	static const char body[] =
		"{\"objects\":[{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"" ERASED_ID
		"\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00."
		"000Z\",\"name\":\"" WORD " made of plums\",\"indicator_types\":[\"malicious-activity"
		"\"],\"pattern\":\"[domain-name:value = '" NAME "']\",\"pattern_type\":\"stix\","
		"\"valid_from\":\"2026-01-01T00:00:00Z\",\"confidence\":80,"
		"\"object_marking_refs\":[\"" GREEN_MARK "\"]}]}";
	struct http_answer answer;
	char url[300];
	bool again;

	snprintf(url, sizeof(url), "%sobjects/", m->server.url);
	MUST(http_client_call(client,
		&(struct http_call){.method = HTTP_POST,
			.url = url,
			.accept = "application/taxii+json;version=2.1",
			.content_type = "application/taxii+json;version=2.1",
			.body = SLICE(body),
			.body_max = MIB(4)},
		&answer, &again, e));
	assert_int_equal(answer.status, 202);
}

static void await_acknowledged(struct members *m)
{
	bool all = false;

	while (!all) {
		struct buf out = BUF_INIT;

		MUST(member_ask(&m->list[KZ], "withdrawals", true, (struct slice){0}, &out, e));
		all = slice_find_text(buf_slice(&out), SLICE("\"kz\":true,\"uz\":true,\"kg\":true")) <
		      out.len;
		buf_fini(&out);
		if (!all)
			MUST(member_ask(&m->list[KZ], "sync", false, (struct slice){0}, NULL, e));
	}
}

static void prove(struct member *m, const char *words, struct buf *ret_proof)
{
	MUST(member_ask(m, words, false, (struct slice){0}, ret_proof, e));
}

/* By anybody, with the charter's keys alone. */
static void assert_proves(
	const struct members *m, const struct buf *file, const struct buf *content, uint64_t index)
{
	struct buf quorum = BUF_INIT;
	struct ledger_verified verified;
	struct ledger_quorum *keys;
	struct ledger_proof proof;

	charter_quorum_file(&m->charter, charter_member_find(&m->charter, SLICE("kz")), &quorum);
	MUST(ledger_quorum_parse(buf_slice(&quorum), m->a, &keys, e));
	MUST(ledger_proof_parse(buf_slice(file), &proof, e));
	MUST(ledger_proof_verify(&proof, keys, buf_slice(content), m->a, &verified, e));
	assert_int_equal(verified.index, index);
	buf_fini(&quorum);
}

static void test_erase(void **state)
{
	struct members m = {0};
	struct http_client *client;
	struct buf old = BUF_INIT, content = BUF_INIT, proof = BUF_INIT, after = BUF_INIT;
	struct buf other = BUF_INIT, other_content = BUF_INIT;
	struct ledger_proof opening;
	struct slice salt;

	(void)state;
	members_make(&m, names, COUNT_OF(names));
	members_found(&m);
	members_decide(&m, KZ, RULES);
	for (size_t i = 0; i < 3; i++)
		member_await(&m.list[i], "policy", 1);
	scenario_client(m.list[KZ].folder, &client);
	erased_post(&m.list[KZ], client); /* entry 1, behind the decision */
	member_await(&m.list[KZ], "signed", 2);
	assert_int_equal(member_post(&m.list[KZ], client, 1, BESIDE, "green"), 202);
	for (size_t i = 0; i < 3; i++)
		member_await(&m.list[i], "log.kz.opened", 2 + BESIDE);
	member_await(&m.list[KZ], "log.kz.cosigned", 2 + BESIDE);

	prove(&m.list[KZ], "prove kz:1", &old);
	prove(&m.list[KZ], "prove kz:1 content", &content);
	prove(&m.list[KZ], "prove kz:2", &other);
	prove(&m.list[KZ], "prove kz:2 content", &other_content);
	MUST(ledger_proof_parse(buf_slice(&old), &opening, e));
	salt = (struct slice){(const char *)opening.salt, LEDGER_SALT_LEN};
	assert_true(slice_find_text(buf_slice(&content), SLICE(WORD)) < content.len);
	assert_proves(&m, &old, &content, 1);
	for (size_t i = 0; i < 3; i++) {
		/* the words are indexed within a second of the arrival */
		while (!is_in(&m.list[i], SLICE(WORD), true, NULL))
			MUST(member_ask(&m.list[i], "sync", false, (struct slice){0}, NULL, e));
		assert_true(is_in(&m.list[i], SLICE(LABEL), true, NULL));
		assert_true(is_in(&m.list[i], salt, false, NULL));
	}

	MUST(member_ask(&m.list[KZ], "withdraw " ERASED_ID " erase asked for", false,
		(struct slice){0}, NULL, e));
	await_acknowledged(&m);
	/* Who acknowledged has nothing any more, at that moment. */
	for (size_t i = UZ; i <= KG; i++) {
		assert_gone(&m.list[i], "the word", SLICE(WORD), true);
		assert_gone(&m.list[i], "the value", SLICE(LABEL), true);
		assert_gone(&m.list[i], "the salt", salt, false);
	}
	/* The author has until its own store's next purge. */
	for (time_t end = time(NULL) + MEMBERS_WAIT_S; time(NULL) < end &&
						       is_in(&m.list[KZ], SLICE(WORD), true, NULL);)
		MUST(member_ask(&m.list[KZ], "sync", false, (struct slice){0}, NULL, e));
	for (size_t i = 0; i < 3; i++)
		member_stop(&m.list[i], SIGTERM, NULL);
	for (size_t i = 0; i < 3; i++) {
		assert_gone(&m.list[i], "the word", SLICE(WORD), true);
		assert_gone(&m.list[i], "the value", SLICE(LABEL), true);
		assert_gone(&m.list[i], "the salt", salt, false);
		member_serve(&m.list[i]);
	}

	/* What was proved before still is, and of others it can be proved; the log goes on from the
	 * tree that all cosigned. */
	assert_proves(&m, &old, &content, 1);
	assert_proves(&m, &other, &other_content, 2);
	assert_int_not_equal(
		member_ask(&m.list[UZ], "prove kz:1", false, (struct slice){0}, &proof, NULL), OK);
	member_await(&m.list[KZ], "log.kz.cosigned", 3 + BESIDE);
	scenario_client(m.list[KZ].folder, &client);
	assert_int_equal(member_post(&m.list[KZ], client, 1000, 1, "green"), 202);
	for (size_t i = 0; i < 3; i++)
		member_await(&m.list[i], "log.kz.opened", 3 + BESIDE);
	member_await(&m.list[KZ], "log.kz.cosigned", 4 + BESIDE);
	prove(&m.list[UZ], "prove kz:2", &after);
	assert_proves(&m, &after, &other_content, 2);
	http_client_free(client);
	buf_fini(&old);
	buf_fini(&content);
	buf_fini(&proof);
	buf_fini(&after);
	buf_fini(&other);
	buf_fini(&other_content);
	members_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_erase)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
