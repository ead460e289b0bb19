/* SPDX-License-Identifier: MPL-2.0 */
/* Members, their keys and charters, who reaches whom, and rounds of all of them. */
#include "coalition_testing.h"

uint64_t bench_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* ---- world ----------------------------------------------------------------------------------- */

static int64_t node_now(void *context)
{
	const struct node *n = context;

	return n->bench->now_us + n->skew_us;
}

static int64_t node_monotonic(void *context)
{
	return ((const struct node *)context)->bench->now_us;
}

static void node_random(void *context, void *ret_bytes, size_t len)
{
	struct node *n = context;
	uint8_t *to = ret_bytes;

	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)bench_random(&n->random);
}

/* ---- keys and charters ----------------------------------------------------------------------- */

unsigned bench_threshold(unsigned members)
{
	unsigned faulty = members < 5 ? 0 : (members - 1) / 3;

	return (members + faulty) / 2 + 1;
}

static void row_fill(struct bench *b, unsigned i, const struct signer_secrets *secrets)
{
	struct charter_member *m = &b->rows[i];
	struct signer_public keys;

	signer_secrets_public(secrets, &keys);
	snprintf(m->name, sizeof(m->name), "m%u", i);
	m->title = slice_of(m->name);
	m->root = b->roots[i].key;
	m->log = keys.keys[SIGNER_LOG];
	m->witness = keys.keys[SIGNER_WITNESS];
	m->mirror = keys.keys[SIGNER_MIRROR];
	memcpy(m->box, keys.box, SIGNER_BOX_LEN);
	hash_sha256(slice_of(m->name), m->pin);
}

void bench_keys(struct bench *b, unsigned count, uint64_t seed)
{
	*b = (struct bench){.count = count, .random = seed, .now_us = BENCH_START};
	b->log = (struct log){NULL, NULL, LOG_ERROR};
	for (unsigned i = 0; i < count; i++) {
		struct node *n = &b->nodes[i];
		char name[32];

		*n = (struct node){.bench = b, .member = i, .random = bench_random(&b->random)};
		n->world = (struct world){node_now, node_monotonic, node_random, n};
		snprintf(name, sizeof(name), "m%u/root", i);
		MUST(note_secret_new(&n->world, slice_of(name), NOTE_ED25519, &b->roots[i], &e));
		snprintf(name, sizeof(name), "m%u", i);
		MUST(signer_secrets_new(&n->world, slice_of(name), &n->secrets, &e));
		row_fill(b, i, &n->secrets);
		n->fake = ledger_disk_fake_new(bench_random(&b->random));
		n->keys_fake = ledger_disk_fake_new(bench_random(&b->random));
		assert_true(n->fake != NULL && n->keys_fake != NULL);
		n->sink = node_sink_of(n);
	}
	b->nodes_count = count;
	bench_heal(b);
}

struct charter bench_charter_of(
	struct bench *b, unsigned members, uint64_t version, const struct charter *before)
{
	struct charter c = {.name = SLICE("a coalition"),
		.version = version,
		.expires_us = BENCH_START + 400 * BENCH_DAY_US,
		.threshold = bench_threshold(members),
		.members = b->rows,
		.members_count = members};

	if (before != NULL)
		memcpy(c.previous, before->digest, SHA256_LEN);
	return c;
}

void bench_sign(const struct bench *b, struct slice text, uint64_t signers, struct buf *ret_note)
{
	struct buf lines = BUF_INIT;

	for (unsigned i = 0; i < b->count; i++) {
		if ((signers >> i & 1) != 0)
			note_sign(&b->roots[i], text, &lines);
	}
	note_write(text, buf_slice(&lines), ret_note);
	assert_false(ret_note->bad);
	buf_fini(&lines);
}

void bench_charter_note(
	const struct bench *b, const struct charter *c, uint64_t signers, struct buf *ret_note)
{
	struct buf text = BUF_INIT;

	charter_write(c, &text);
	bench_sign(b, buf_slice(&text), signers, ret_note);
	buf_fini(&text);
}

void bench_decision_note(
	const struct bench *b, const struct decision *d, uint64_t signers, struct buf *ret_note)
{
	struct buf text = BUF_INIT;

	decision_write(d, &text);
	bench_sign(b, buf_slice(&text), signers, ret_note);
	buf_fini(&text);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

struct slice node_name(const struct node *n)
{
	return slice_of(n->bench->rows[n->member].name);
}

struct ledger *node_log(struct node *n, const struct node *of)
{
	struct ledger *log = coalition_ledger(n->coalition, node_name(of));

	assert_non_null(log);
	return log;
}

enum err_kind node_try_open(struct node *n, struct err *e)
{
	unsigned others = n->bench->count - 1;
	unsigned faulty = n->bench->count < 5 ? 0 : (others - 1) / 3;
	enum err_kind kind;

	assert_null(n->coalition);
	n->real = ledger_disk_of_fake(n->fake);
	n->disk = node_disk_of(n);
	n->keys_disk = ledger_disk_of_fake(n->keys_fake);
	n->policy = 0;
	n->entered = 0;
	kind = signer_open(
		&(struct signer_options){
			.secrets = &n->secrets,
			.disk = &n->keys_disk,
			.world = &n->world,
			.answers_needed = others == 0 ? 0 : (others + faulty) / 2 + 1,
		},
		&n->signer, e);
	if (kind != OK)
		return kind;
	n->link = signer_link_of(n->signer);
	kind = coalition_open(
		&(struct coalition_options){
			.disk = &n->disk,
			.folder = "c",
			.self = node_name(n),
			.world = &n->world,
			.signer = &n->link,
			.sink = &n->sink,
			.log = &n->bench->log,
		},
		&n->coalition, e);
	if (kind != OK) {
		signer_close(n->signer);
		n->signer = NULL;
	}
	return kind;
}

void node_open(struct node *n)
{
	MUST(node_try_open(n, &e));
	if (coalition_charter(n->coalition) == NULL)
		MUST(coalition_charter_take(n->coalition, buf_slice(&n->bench->charter), &e));
}

void node_close(struct node *n)
{
	coalition_close(n->coalition);
	signer_close(n->signer);
	n->coalition = NULL;
	n->signer = NULL;
}

struct node *bench_twin(struct bench *b, struct node *of)
{
	unsigned number = b->nodes_count++, was = (unsigned)(of - b->nodes);
	struct node *n = &b->nodes[number];

	assert_true(number < BENCH_NODES);
	*n = *of;
	n->coalition = NULL;
	n->signer = NULL;
	n->expired = (struct buf){0};
	n->random = bench_random(&b->random);
	n->world.context = n;
	n->sink.context = n;
	n->fake = ledger_disk_fake_copy(of->fake);
	n->keys_fake = ledger_disk_fake_copy(of->keys_fake);
	assert_true(n->fake != NULL && n->keys_fake != NULL);
	for (size_t i = 0; i < of->paths_count; i++)
		n->paths[i] = strdup(of->paths[i]);
	node_store_copy(&n->store, &of->store);
	memcpy(b->route[number], b->route[was], sizeof(b->route[0]));
	return n;
}

static void node_fini(struct node *n)
{
	node_close(n);
	for (size_t i = 0; i < n->store.count; i++)
		free(n->store.objects[i].content);
	free(n->store.objects);
	buf_fini(&n->expired);
	for (size_t i = 0; i < n->paths_count; i++)
		free(n->paths[i]);
	ledger_disk_fake_free(n->fake);
	ledger_disk_fake_free(n->keys_fake);
	signer_secrets_wipe(&n->secrets);
}

void bench_fini(struct bench *b)
{
	for (unsigned i = 0; i < b->nodes_count; i++)
		node_fini(&b->nodes[i]);
	for (unsigned i = 0; i < COALITION_ASKS; i++) {
		buf_fini(&b->requests[i]);
		buf_fini(&b->answers[i]);
	}
	buf_fini(&b->charter);
}

/* ---- the network ----------------------------------------------------------------------------- */

void bench_heal(struct bench *b)
{
	for (unsigned i = 0; i < BENCH_NODES; i++) {
		for (unsigned k = 0; k < BENCH_MEMBERS; k++)
			b->route[i][k] = k < b->count ? (int)k : BENCH_CUT;
	}
}

void bench_part(struct bench *b, uint64_t side)
{
	bench_heal(b);
	for (unsigned i = 0; i < b->nodes_count; i++) {
		for (unsigned k = 0; k < b->count; k++) {
			if ((side >> b->nodes[i].member & 1) != (side >> k & 1))
				b->route[i][k] = BENCH_CUT;
		}
	}
}

struct route {
	struct node *from;
	unsigned to;
};

static enum err_kind route_call(void *context, enum coalition_ask ask, struct slice request,
	struct buf *ret_answer, struct err *e)
{
	const struct route *r = context;
	struct bench *b = r->from->bench;
	int at = b->route[r->from - b->nodes][r->to];
	struct node *to = at < 0 ? NULL : &b->nodes[at];
	enum err_kind kind;

	if (to == NULL || to->coalition == NULL)
		return err_set(e, ERR_IO, "cannot be reached");
	kind = coalition_answer(to->coalition, node_name(r->from), ask, request, ret_answer, e);
	if (kind != OK)
		return kind;
	buf_clear(&b->requests[ask]);
	buf_clear(&b->answers[ask]);
	buf_slice_append(&b->requests[ask], request);
	buf_slice_append(&b->answers[ask], buf_slice(ret_answer));
	b->asker[ask] = (unsigned)(r->from - b->nodes);
	b->asked[ask] = (unsigned)at;
	if (b->meddle != NULL)
		b->meddle(b, ask, ret_answer);
	return OK;
}

enum err_kind node_try_meet(struct node *n, unsigned member, struct err *e)
{
	struct route route = {n, member};
	struct coalition_way way = {route_call, &route};
	enum err_kind kind = OK;
	bool more = true;

	for (unsigned steps = 0; more; steps++) {
		assert_true(steps < 10000); /* a round ends */
		kind = coalition_step(
			n->coalition, slice_of(n->bench->rows[member].name), &way, &more, e);
		if (kind != OK)
			break;
	}
	return kind;
}

void node_meet(struct node *n, unsigned member)
{
	MUST(node_try_meet(n, member, &e));
}

enum err_kind node_try_publish(struct node *n, struct err *e)
{
	uint64_t logged;
	bool more = true;
	enum err_kind kind = OK;

	while (more && kind == OK)
		kind = coalition_publish(n->coalition, &logged, &more, e);
	return kind;
}

uint64_t node_publish(struct node *n)
{
	uint64_t all = 0, logged;
	bool more = true;

	while (more) {
		MUST(coalition_publish(n->coalition, &logged, &more, &e));
		all += logged;
	}
	return all;
}

void bench_rounds(struct bench *b, unsigned rounds)
{
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < b->nodes_count; i++) {
			struct node *n = &b->nodes[i];
			struct err e;

			if (n->coalition == NULL)
				continue;
			if (node_try_publish(n, &e) == ERR_NOMEM)
				fail_msg("%s", e.text);
			for (unsigned k = 0; k < b->count; k++) {
				if (k != n->member && node_try_meet(n, k, &e) == ERR_NOMEM)
					fail_msg("%s", e.text);
			}
		}
		b->now_us += 60 * US_PER_SECOND;
	}
}

/* ---- more ------------------------------------------------------------------------------------ */

enum err_kind node_decide(struct node *n, const char *content, uint64_t signers, struct err *why)
{
	struct arena *a = arena_new(MIB(4));
	struct buf before = BUF_INIT, note = BUF_INIT;
	struct decision was, d = {.kind = SLICE("policy"), .content = slice_of(content)};
	uint64_t sequence = 0;
	enum err_kind kind;

	assert_non_null(a);
	MUST(coalition_decision_get(n->coalition, SLICE("policy"), &sequence, &before, &e));
	d.sequence = sequence + 1;
	if (sequence > 0) {
		MUST(decision_parse(buf_slice(&before), a, &was, &e));
		memcpy(d.previous, was.digest, SHA256_LEN);
	}
	bench_decision_note(n->bench, &d, signers, &note);
	kind = coalition_decision_publish(n->coalition, buf_slice(&note), why);
	buf_fini(&before);
	buf_fini(&note);
	arena_free(a);
	return kind;
}

void bench_init(struct bench *b, unsigned count, uint64_t seed, bool with_policy)
{
	struct charter c;

	bench_keys(b, count, seed);
	c = bench_charter_of(b, count, 1, NULL);
	bench_charter_note(b, &c, BENCH_ALL, &b->charter);
	for (unsigned i = 0; i < count; i++)
		node_open(&b->nodes[i]);
	bench_rounds(b, 2);
	if (!with_policy)
		return;
	MUST(node_decide(&b->nodes[0], "the first policy", BENCH_ALL, &e));
	bench_rounds(b, 3);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(b->nodes[i].policy, 1);
}

static void ask_now(struct bench *b, enum coalition_ask ask)
{
	buf_clear(&b->answers[ask]);
	MUST(coalition_answer(b->nodes[0].coalition, SLICE("m1"), ask, buf_slice(&b->requests[ask]),
		&b->answers[ask], &e));
	b->asker[ask] = 1;
	b->asked[ask] = 0;
}

static void heads_now(struct bench *b)
{
	struct coalition *c = b->nodes[1].coalition;

	buf_clear(&b->requests[COALITION_HEADS]);
	MUST(heads_ask(c, peer_find(c, SLICE("m0")), &b->requests[COALITION_HEADS], &e));
	ask_now(b, COALITION_HEADS);
	MUST(heads_take(c, peer_find(c, SLICE("m0")), buf_slice(&b->answers[COALITION_HEADS]), &e));
}

static void leaves_now(struct bench *b)
{
	struct coalition *c = b->nodes[1].coalition;
	struct origin *o = origin_of_member(c, SLICE("m0"));
	const struct offer *offer = &peer_find(c, SLICE("m0"))->offers[origin_number(c, o)];

	buf_clear(&b->requests[COALITION_LEAVES]);
	leaves_ask(o, ledger_size(o->log), offer->head.size, &b->requests[COALITION_LEAVES]);
	ask_now(b, COALITION_LEAVES);
}

void bench_behind(struct bench *b)
{
	struct coalition *c;
	struct origin *o;
	struct peer *p;
	uint64_t count;
	bool any = false;

	bench_init(b, 3, 7, true);
	c = b->nodes[1].coalition;
	node_add(&b->nodes[1], "an own object", BENCH_ALL);
	node_publish(&b->nodes[1]);
	node_meet(&b->nodes[0], 1); /* so that it can cosign it */
	node_add(&b->nodes[0], "first", BENCH_ALL);
	node_add(&b->nodes[0], "unfit", BENCH_ALL);
	node_add(&b->nodes[0], "second", BENCH_ALL);
	node_publish(&b->nodes[0]);
	heads_now(b);
	leaves_now(b);
	o = origin_of_member(c, SLICE("m0"));
	p = peer_find(c, SLICE("m0"));
	MUST(leaves_take(c, o, &p->offers[origin_number(c, o)].head,
		buf_slice(&b->answers[COALITION_LEAVES]), &count, &e));
	node_add(&b->nodes[0], "third", BENCH_ALL);
	node_add(&b->nodes[0], "fourth", BENCH_ALL);
	node_publish(&b->nodes[0]);
	heads_now(b);
	leaves_now(b);
	buf_clear(&b->requests[COALITION_OPENINGS]);
	MUST(openings_ask(c, p, o, &any, &b->requests[COALITION_OPENINGS], &e));
	assert_true(any);
	ask_now(b, COALITION_OPENINGS);
	buf_clear(&b->requests[COALITION_COSIGN]);
	MUST(cosign_ask(c, p, &b->requests[COALITION_COSIGN], &e));
	ask_now(b, COALITION_COSIGN);
	buf_clear(&b->requests[COALITION_CONFLICT]);
	conflict_ask(o, ledger_size(o->log), &b->requests[COALITION_CONFLICT]);
	ask_now(b, COALITION_CONFLICT);
}

void node_status(struct node *n, struct arena *a, struct coalition_status *ret_status)
{
	MUST(coalition_status(n->coalition, a, ret_status, &e));
}

enum coalition_trust node_trusts(struct node *n, const struct node *whom)
{
	struct arena *a = arena_new(MIB(1));
	struct coalition_status status;
	enum coalition_trust trust = COALITION_GOOD;
	bool found = false;

	node_status(n, a, &status);
	for (size_t i = 0; i < status.origins_count; i++) {
		if (slice_is(node_name(whom), status.origins[i].member)) {
			trust = status.origins[i].trust;
			found = true;
		}
	}
	assert_true(found);
	arena_free(a);
	return trust;
}

static enum err_kind export_write(void *context, struct slice bytes, struct err *e)
{
	struct buf *out = context;

	buf_slice_append(out, bytes);
	return out->bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

void node_export(struct node *n, unsigned to, bool everything, struct buf *out)
{
	struct coalition_export export = {
		slice_of(n->bench->rows[to].name), everything, export_write, out};

	buf_clear(out);
	MUST(coalition_bundle_export(n->coalition, &export, &e));
}

enum err_kind node_import(
	struct node *n, struct slice file, struct coalition_imported *ret_imported, struct err *e)
{
	struct arena *a = arena_new(MIB(1));
	struct input *in;
	enum err_kind kind = input_of_memory(file, "a file", &in, e);

	assert_non_null(a);
	if (kind == OK) {
		kind = coalition_bundle_import(n->coalition, in, a, ret_imported, e);
		input_free(in);
	}
	ret_imported->from = (struct slice){0}; /* it lived in the arena */
	arena_free(a);
	return kind;
}
