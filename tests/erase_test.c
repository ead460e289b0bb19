/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One object erased by its author: once a member acknowledges it, no file of that member has its
 * words, its values, its content or its salt, and what was proved before and of others still holds.
 * The same look into the files finds all of it before.
 *
 * And one that a member may keep for so many days: the same, by then, by a clock that is set.
 */
#include "members.h"
#include "parts.h"

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

/* ---- looking into files ---------------------------------------------------------------------- */

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

static bool is_below(const char *folder, struct slice what, bool text, struct buf *ret_where)
{
	struct look l = {.what = what, .text = text};
	bool found;

	look_through(&l, folder);
	found = l.where.len > 0;
	if (ret_where != NULL)
		buf_slice_append(ret_where, buf_slice(&l.where));
	buf_fini(&l.where);
	return found;
}

static bool is_in(const struct member *m, struct slice what, bool text, struct buf *ret_where)
{
	return is_below(m->folder, what, text, ret_where);
}

static void assert_gone(const struct member *m, const char *name, struct slice what, bool text)
{
	struct buf where = BUF_INIT;

	is_in(m, what, text, &where);
	if (where.len > 0)
		fail_msg("%s of %s stands in%.*s", name, m->name, SLICE_ARG(buf_slice(&where)));
	buf_fini(&where);
}

/* ---- the object ------------------------------------------------------------------------------ */

#define ERASED_OBJECT                                                                              \
	"{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"" ERASED_ID                     \
	"\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","   \
	"\"name\":\"" WORD " made of plums\",\"indicator_types\":[\"malicious-activity\"],"        \
	"\"pattern\":\"[domain-name:value = '" NAME "']\",\"pattern_type\":\"stix\","              \
	"\"valid_from\":\"2026-01-01T00:00:00Z\",\"confidence\":80,"                               \
	"\"object_marking_refs\":[\"" GREEN_MARK "\"]}"

static void erased_post(struct member *m, struct http_client *client)
{
	static const char body[] = "{\"objects\":[" ERASED_OBJECT "]}";
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
		all = slice_find_text(buf_slice(&out),
			      SLICE("\"kz\":true,\"uz\":true,\"kg\":true")) < out.len;
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
	while (member_status(&m.list[KZ], "waiting") != 0) /* for what the others saw of its log */
		MUST(member_ask(&m.list[KZ], "sync", false, (struct slice){0}, NULL, e));
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
		/* words and values are indexed within a second of the arrival */
		while (!is_in(&m.list[i], SLICE(WORD), true, NULL) ||
			!is_in(&m.list[i], SLICE(LABEL), true, NULL))
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
	for (time_t end = time(NULL) + MEMBERS_WAIT_S;
		time(NULL) < end && is_in(&m.list[KZ], SLICE(WORD), true, NULL);)
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
	http_client_free(client);
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

/* ---- by the time ----------------------------------------------------------------------------- */

#define DAY_US     (INT64_C(86400) * US_PER_SECOND)
#define START_US   INT64_C(1767225600000000) /* 2026-01-01 */
#define KEPT_DAYS  10
#define ROUNDS     3
#define OTHER_ID   "indicator--5a1ad8e2-0000-4000-8000-0000000000e2"
#define OTHER_WORD "Johannisbeere"

struct timed { /* a member in this process */
	char folder[128];
	struct note_secret root;
	struct node node;
	struct seat *seat;
};

struct times {
	char base[64];
	struct world_fake clock;
	struct log log;
	struct timed list[3];
	struct charter charter;
	struct charter_member rows[3];
};

static void timed_open(struct times *t, unsigned i)
{
	struct timed *m = &t->list[i];

	MUST(node_open(m->folder, STORE_WRITE, &t->clock.world, &m->node, e));
	MUST(seat_open(&m->node, &t->clock.world, &t->log, -1, &m->seat, e));
}

static void timed_close(struct timed *m)
{
	seat_close(m->seat);
	node_close(&m->node);
}

/* A second of the node's thread that looks after the store; `logs`: and after the logs. */
static void timed_idle(struct times *t, struct timed *m, bool logs)
{
	for (unsigned k = 0; k < 3; k++) {
		world_fake_advance(&t->clock, 2 * US_PER_SECOND);
		MUST(intel_idle(m->node.intel, e));
		if (logs)
			MUST(seat_expire(m->seat, e));
	}
}

struct timed_way {
	struct times *t;
	const char *from;
	unsigned to;
};

static enum err_kind timed_call(void *context, enum coalition_ask ask, struct slice request,
	struct buf *ret_answer, struct err *e)
{
	const struct timed_way *w = context;

	return coalition_answer(
		w->t->list[w->to].seat->coalition, slice_of(w->from), ask, request, ret_answer, e);
}

static void timed_meet(struct times *t, unsigned from, unsigned to)
{
	struct timed_way w = {t, names[from], to};
	const struct coalition_way way = {timed_call, &w};
	bool more = true;

	while (more)
		MUST(coalition_step(
			t->list[from].seat->coalition, slice_of(names[to]), &way, &more, e));
}

/* Everybody publishes what it may, and asks everybody. */
static void timed_rounds(struct times *t)
{
	for (unsigned k = 0; k < ROUNDS * 3; k++) {
		struct coalition *c = t->list[k % 3].seat->coalition;
		enum err_kind kind = OK;
		bool more = true;
		uint64_t logged;
		struct err why;

		while (kind == OK && more)
			kind = coalition_publish(c, &logged, &more, &why);
		assert_true(
			kind == OK || kind == ERR_DENIED); /* waits for the others after a start */
		world_fake_advance(&t->clock, US_PER_SECOND);
		for (unsigned i = 1; i < 3; i++)
			timed_meet(t, k % 3, (k + i) % 3);
	}
}

static void timed_sign(struct times *t, struct slice text, struct buf *ret_note)
{
	struct buf lines = BUF_INIT;

	for (unsigned i = 0; i < 3; i++)
		note_sign(&t->list[i].root, text, &lines);
	note_write(text, buf_slice(&lines), ret_note);
	buf_fini(&lines);
}

static void times_make(struct times *t)
{
	struct buf text = BUF_INIT, note = BUF_INIT;
	char password[64], root[64];

	*t = (struct times){0};
	scenario_folder(t->base);
	world_real(); /* starts libsodium */
	world_fake_init(&t->clock, 7, START_US);
	t->log = (struct log){.world = &t->clock.world, .least = LOG_ERROR};
	t->charter = (struct charter){.name = SLICE("Tests"),
		.version = 1,
		.expires_us = START_US + 400 * DAY_US,
		.threshold = 2,
		.members = t->rows,
		.members_count = 3};
	for (unsigned i = 0; i < 3; i++) {
		struct timed *m = &t->list[i];
		struct charter_member *row = &t->rows[i];
		struct signer_public keys;

		snprintf(m->folder, sizeof(m->folder), "%s/%s", t->base, names[i]);
		MUST(node_init(m->folder, "Tests", "127.0.0.1:0", "localhost", &t->clock.world,
			password, e));
		timed_open(t, i);
		MUST(signer_public_get(&m->seat->link, &keys, e));
		snprintf(row->name, sizeof(row->name), "%s", names[i]);
		snprintf(root, sizeof(root), "%s/root", names[i]);
		MUST(note_secret_new(&t->clock.world, slice_of(root), NOTE_ED25519, &m->root, e));
		row->title = slice_of(names[i]);
		row->root = m->root.key;
		row->log = keys.keys[SIGNER_LOG];
		row->witness = keys.keys[SIGNER_WITNESS];
		row->mirror = keys.keys[SIGNER_MIRROR];
		memcpy(row->box, keys.box, SIGNER_BOX_LEN);
		row->pin[0] = (uint8_t)(i + 1);
	}
	charter_write(&t->charter, &text);
	timed_sign(t, buf_slice(&text), &note);
	for (unsigned i = 0; i < 3; i++)
		MUST(coalition_charter_take(t->list[i].seat->coalition, buf_slice(&note), e));
	buf_fini(&text);
	buf_fini(&note);
}

static void timed_policy(struct times *t, const char *expires)
{
	struct decision d = {.kind = SLICE("policy"), .sequence = 1};
	struct buf content = BUF_INIT, text = BUF_INIT, note = BUF_INIT;

	buf_printf(&content,
		"{\"type\":\"policy\",\"name\":\"tests\",\"version\":1,\"expires\":\"%s\","
		"\"rules\":[{\"id\":\"kept\",\"family\":\"exchange\",\"effect\":\"permit\","
		"\"when\":{\"act\":[\"share\"],\"to\":[\"@members\"],\"kind\":[\"indicator\"],"
		"\"tlp\":{\"le\":\"green\"}},\"must\":{\"retain_days\":10}}]}",
		expires);
	d.content = buf_slice(&content);
	decision_write(&d, &text);
	timed_sign(t, buf_slice(&text), &note);
	MUST(coalition_decision_publish(t->list[KZ].seat->coalition, buf_slice(&note), e));
	buf_fini(&content);
	buf_fini(&text);
	buf_fini(&note);
}

static void timed_add(struct times *t, unsigned at, struct slice object)
{
	const struct intel_source source = {.member = SLICE("self")};
	struct arena *a = arena_new(MIB(4));
	struct intel_verdict verdict;

	MUST(intel_accept(t->list[at].node.intel, &source, &object, 1, NULL, 0, a, &verdict, e));
	assert_int_equal(verdict.outcome, INTEL_NEW);
	arena_free(a);
}

static enum ledger_where timed_place(
	struct times *t, unsigned at, uint64_t index, uint8_t ret_salt[LEDGER_SALT_LEN])
{
	struct ledger_place place;

	MUST(ledger_opening_get(coalition_ledger(t->list[at].seat->coalition, SLICE("kz")), index,
		ret_salt, &place, NULL, e));
	return place.where;
}

static void timed_proves(struct times *t, const struct buf *file, const struct buf *content)
{
	struct arena *a = arena_new(MIB(4));
	struct buf quorum = BUF_INIT;
	struct ledger_verified verified;
	struct ledger_quorum *keys;
	struct ledger_proof proof;

	charter_quorum_file(&t->charter, &t->rows[KZ], &quorum);
	MUST(ledger_quorum_parse(buf_slice(&quorum), a, &keys, e));
	MUST(ledger_proof_parse(buf_slice(file), &proof, e));
	MUST(ledger_proof_verify(&proof, keys, buf_slice(content), a, &verified, e));
	buf_fini(&quorum);
	arena_free(a);
}

static void timed_gone(const struct timed *m, const char *name, struct slice what, bool text)
{
	struct buf where = BUF_INIT;

	is_below(m->folder, what, text, &where);
	if (where.len > 0)
		fail_msg("%s stands in%.*s", name, SLICE_ARG(buf_slice(&where)));
	buf_fini(&where);
}

static enum err_kind gather(void *context, struct slice bytes, struct err *e)
{
	(void)e;
	buf_slice_append(context, bytes);
	return OK;
}

/* What an operator is told says so. */
/* A command of one word, or of three. */
static enum err_kind timed_ask(
	struct timed *m, const char *text, struct buf *ret_answer, struct err *e)
{
	char room[3][32];
	const char *words[] = {room[0], room[1], room[2]};
	const struct node_request request = {.words = words,
		.words_count = (unsigned)sscanf(text, "%31s %31s %31s", room[0], room[1], room[2]),
		.json = true,
		.input_fd = -1,
		.write = gather,
		.context = ret_answer};

	return command_run(m->seat, &request, e);
}

static void timed_says(struct timed *m, const char *words, const char *what)
{
	struct buf out = BUF_INIT;

	MUST(timed_ask(m, words, &out, e));
	if (slice_find_text(buf_slice(&out), slice_of(what)) == out.len)
		fail_msg("%s: not \"%s\" in %.*s", words, what, SLICE_ARG(buf_slice(&out)));
	buf_fini(&out);
}

static void timed_refuses(struct timed *m, const char *words)
{
	struct buf out = BUF_INIT;

	assert_int_equal(timed_ask(m, words, &out, NULL), ERR_USAGE);
	buf_fini(&out);
}

static bool deleted_tell(void *context, const struct store_deleted *d)
{
	/* what, from whom, under which rule and policy, when it was due and when it went */
	buf_printf(context, "%.*s %.*s %lld %s;", SLICE_ARG(d->member), SLICE_ARG(d->rule),
		(long long)((d->due_us - START_US) / DAY_US),
		d->at_us <= d->due_us && d->at_us > d->due_us - 2 * INTEL_RETAIN_LEAD_US ? "in time"
											 : "late");
	return true;
}

/* From its arrival at a member until nothing of it is left there. The member stops between what its
 * store does and what its log does. */
static void test_by_its_time(void **state)
{
	static const char other[] =
		"{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"" OTHER_ID
		"\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00."
		"000Z\",\"name\":\"" OTHER_WORD "\",\"indicator_types\":[\"malicious-activity\"],"
		"\"pattern\":\"[domain-name:value = 'j.example']\",\"pattern_type\":\"stix\","
		"\"valid_from\":\"2026-01-01T00:00:00Z\",\"confidence\":80,"
		"\"object_marking_refs\":[\"" GREEN_MARK "\"]}";
	uint8_t salt[LEDGER_SALT_LEN], beside[LEDGER_SALT_LEN];
	const struct slice salts = {(const char *)salt, LEDGER_SALT_LEN};
	struct buf old = BUF_INIT, content = BUF_INIT, fresh = BUF_INIT, left = BUF_INIT;
	struct buf records = BUF_INIT;
	struct store_reader *r;
	struct times t;
	struct timed *uz = &t.list[UZ];

	(void)state;
	times_make(&t);
	timed_rounds(&t); /* each hears what the others saw of its log */
	timed_policy(&t, "2099-01-01T00:00:00Z");
	timed_rounds(&t);
	timed_add(&t, KZ, SLICE(ERASED_OBJECT)); /* entry 1, behind the decision */
	timed_rounds(&t);
	timed_idle(&t, uz, true);
	assert_int_equal(timed_place(&t, UZ, 1, salt), LEDGER_STORED);
	assert_true(is_below(uz->folder, SLICE(WORD), true, NULL));
	assert_true(is_below(uz->folder, SLICE(LABEL), true, NULL));
	assert_true(is_below(uz->folder, salts, false, NULL));
	MUST(coalition_prove(uz->seat->coalition, SLICE("kz"), 1, &old, &content, e));
	timed_proves(&t, &old, &content);

	world_fake_advance(&t.clock, 5 * DAY_US);
	timed_add(&t, KZ, SLICE(other)); /* entry 2, due five days later */
	timed_rounds(&t);
	timed_idle(&t, uz, true);
	assert_int_equal(timed_place(&t, UZ, 2, beside), LEDGER_STORED);
	world_fake_advance(&t.clock, START_US + KEPT_DAYS * DAY_US - INTEL_RETAIN_LEAD_US / 2 -
					     world_now(&t.clock.world));
	assert_true(is_below(uz->folder, salts, false, NULL));

	timed_says(uz, "status", "\"due_in_7_days\":2,\"deleted_in_30_days\":0");
	timed_says(uz, "deletions within 7",
		"{\"due\":[{\"from\":\"kz\",\"rule\":\"kept\",\"objects\":2,\"first\":\"2026-01-"
		"11");
	timed_says(uz, "deletions within 1", "\"objects\":1,");
	timed_says(uz, "deletions within 36500", "\"objects\":2,");
	timed_refuses(uz, "deletions within 36501");
	timed_refuses(uz, "deletions within 0");
	timed_refuses(uz, "deletions within week");
	timed_refuses(uz, "deletions until 7");

	/* The store lets it go; the log has not followed when the node stops. */
	timed_idle(&t, uz, false);
	timed_gone(uz, "the word", SLICE(WORD), true);
	timed_gone(uz, "the value", SLICE(LABEL), true);
	assert_true(is_below(uz->folder, salts, false, NULL));
	timed_close(uz);
	timed_open(&t, UZ);
	timed_rounds(&t);
	timed_gone(uz, "the word", SLICE(WORD), true); /* not fetched again meanwhile */
	timed_idle(&t, uz, true);
	timed_gone(uz, "the salt", salts, false);
	assert_int_equal(timed_place(&t, UZ, 1, salt), LEDGER_ERASED);

	/* Not fetched again from those who have it, nor after a start. */
	for (unsigned starts = 0; starts < 2; starts++) {
		timed_rounds(&t);
		timed_idle(&t, uz, true);
		assert_int_equal(timed_place(&t, UZ, 1, salt), LEDGER_ERASED);
		timed_gone(uz, "the word", SLICE(WORD), true);
		timed_close(uz);
		timed_open(&t, UZ);
	}
	assert_int_equal(timed_place(&t, KZ, 1, salt), LEDGER_STORED); /* its author's for ever */
	assert_int_equal(timed_place(&t, UZ, 2, beside), LEDGER_STORED);

	/* What was proved before still is; of others it can be proved, of this no more. */
	timed_proves(&t, &old, &content);
	assert_int_not_equal(
		coalition_prove(uz->seat->coalition, SLICE("kz"), 1, &fresh, &left, NULL), OK);
	buf_clear(&fresh);
	buf_clear(&left);
	MUST(coalition_prove(uz->seat->coalition, SLICE("kz"), 2, &fresh, &left, e));
	timed_proves(&t, &fresh, &left);
	MUST(ledger_verify(coalition_ledger(uz->seat->coalition, SLICE("kz")), NULL, NULL, e));

	/* And the record says what, when and why. */
	MUST(store_reader_take(uz->node.store, &r, e));
	MUST(store_deleted_each(r, 0, deleted_tell, &records, e));
	store_reader_give(r);
	assert_true(slice_is(buf_slice(&records), "member/kz kept 10 in time;"));

	timed_says(uz, "status", "\"due_in_7_days\":1,\"deleted_in_30_days\":1");
	timed_says(uz, "deletions", "\"from\":\"kz\",\"rule\":\"kept\",\"policy\":\"");
	timed_says(uz, "deletions", "\"due\":\"2026-01-11T00:00:");
	world_fake_advance(&t.clock, 31 * DAY_US);
	timed_says(uz, "status", "\"due_in_7_days\":1,\"deleted_in_30_days\":0");

	buf_fini(&old);
	buf_fini(&content);
	buf_fini(&fresh);
	buf_fini(&left);
	buf_fini(&records);
	for (unsigned i = 0; i < 3; i++)
		timed_close(&t.list[i]);
	scenario_remove(t.base);
}

#define RED_MARK "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
#define REFUSED_AS(name, mark)                                                                     \
	"{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"" OTHER_ID                      \
	"\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","   \
	"\"name\":\"" name "\",\"indicator_types\":[\"malicious-activity\"],"                      \
	"\"pattern\":\"[domain-name:value = 'j.example']\",\"pattern_type\":\"stix\","             \
	"\"valid_from\":\"2026-01-01T00:00:00Z\",\"object_marking_refs\":[\"" mark "\"]}"
#define OUR_WORD "Stachelbeere"

/* What a member sent and our store refused, since we have that version with other content: of it
 * too nothing is left by its time, neither in the log nor among the store's refused contents. */
static void test_refused_by_its_time(void **state)
{
	uint8_t salt[LEDGER_SALT_LEN], none[LEDGER_SALT_LEN];
	const struct slice salts = {(const char *)salt, LEDGER_SALT_LEN};
	struct buf records = BUF_INIT;
	struct store_reader *r;
	struct times t;
	struct timed *uz = &t.list[UZ];
	struct store_stats stats;
	struct store_type_count *types;
	struct arena *a = arena_new(MIB(1));
	size_t count;

	(void)state;
	times_make(&t);
	timed_rounds(&t);
	timed_policy(&t, "2099-01-01T00:00:00Z");
	timed_rounds(&t);
	timed_add(&t, UZ, SLICE(REFUSED_AS(OUR_WORD, RED_MARK)));
	timed_add(&t, KZ, SLICE(REFUSED_AS(OTHER_WORD, GREEN_MARK)));
	timed_rounds(&t);
	timed_idle(&t, uz, true);
	assert_int_equal(timed_place(&t, UZ, 1, salt), LEDGER_HELD);
	assert_true(is_below(uz->folder, SLICE(OTHER_WORD), true, NULL));
	MUST(store_reader_take(uz->node.store, &r, e));
	MUST(store_stats(r, a, &stats, &types, &count, e));
	store_reader_give(r);
	assert_int_equal(stats.evidence, 1);

	world_fake_advance(&t.clock, START_US + KEPT_DAYS * DAY_US - 2 * INTEL_RETAIN_LEAD_US -
					     world_now(&t.clock.world));
	timed_idle(&t, uz, true);
	assert_int_equal(timed_place(&t, UZ, 1, salt), LEDGER_HELD);
	assert_true(is_below(uz->folder, salts, false, NULL));
	world_fake_advance(&t.clock, 3 * INTEL_RETAIN_LEAD_US / 2);
	timed_idle(&t, uz, true);
	timed_idle(&t, uz, true); /* the purge comes behind it */
	assert_int_equal(timed_place(&t, UZ, 1, none), LEDGER_ERASED);
	timed_gone(uz, "the word", SLICE(OTHER_WORD), true);
	timed_gone(uz, "the salt", salts, false);
	assert_true(is_below(uz->folder, SLICE(OUR_WORD), true, NULL));
	MUST(store_reader_take(uz->node.store, &r, e));
	MUST(store_stats(r, a, &stats, &types, &count, e));
	MUST(store_deleted_each(r, 0, deleted_tell, &records, e));
	store_reader_give(r);
	assert_int_equal(stats.evidence, 0);
	assert_true(slice_is(buf_slice(&records), "member/kz kept 10 in time;"));
	timed_says(uz, "deletions", "\"entry\":1}");

	/* It is not asked for again. */
	timed_close(uz);
	timed_open(&t, UZ);
	timed_rounds(&t);
	timed_idle(&t, uz, true);
	assert_int_equal(timed_place(&t, UZ, 1, salt), LEDGER_ERASED);
	timed_gone(uz, "the word", SLICE(OTHER_WORD), true);
	assert_int_equal(timed_place(&t, KZ, 1, salt), LEDGER_STORED);
	buf_fini(&records);
	arena_free(a);
	for (unsigned i = 0; i < 3; i++)
		timed_close(&t.list[i]);
	scenario_remove(t.base);
}

/* T30: of a policy that ends people are told from a week before, to the microsecond, until another
 * is in force. */
static void test_a_week_before(void **state)
{
	static const struct {
		int64_t before_us; /* the end */
		const char *says;  /* NULL: nothing */
	} cases[] = {
		{7 * DAY_US + 1, NULL						    },
		{7 * DAY_US,     "the policy lapses at 2026-02-01T00:00:00Z, in 7 days\n"},
		{7 * DAY_US - 1, "the policy lapses at 2026-02-01T00:00:00Z, in 6 days\n"},
		{1,              "the policy lapses at 2026-02-01T00:00:00Z, in 0 days\n"},
		{0,              "the policy has lapsed at 2026-02-01T00:00:00Z\n"       },
	};
	struct times t;

	(void)state;
	times_make(&t);
	timed_rounds(&t);
	timed_policy(&t, "2026-02-01T00:00:00Z");
	timed_rounds(&t);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf alarms = BUF_INIT;
		bool told;

		world_fake_advance(&t.clock,
			START_US + 31 * DAY_US - cases[i].before_us - world_now(&t.clock.world));
		MUST(seat_alarms(t.list[UZ].seat, &alarms, e));
		told = slice_find_text(buf_slice(&alarms), SLICE("the policy")) < alarms.len;
		if (told != (cases[i].says != NULL) ||
			(told && slice_find_text(buf_slice(&alarms), slice_of(cases[i].says)) ==
					 alarms.len))
			fail_msg("%lld before: \"%.*s\"", (long long)cases[i].before_us,
				SLICE_ARG(buf_slice(&alarms)));
		buf_fini(&alarms);
	}
	for (unsigned i = 0; i < 3; i++)
		timed_close(&t.list[i]);
	scenario_remove(t.base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_erase),
		cmocka_unit_test(test_by_its_time),
		cmocka_unit_test(test_refused_by_its_time),
		cmocka_unit_test(test_a_week_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
