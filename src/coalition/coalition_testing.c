/* SPDX-License-Identifier: MPL-2.0 */
#include "coalition_testing.h"

uint64_t bench_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* ---- world ------------------------------------------------------------------------------------
 */

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

/* ---- disk: as the one in memory, and remembers what files there are ---------------------------
 */

static void path_note(struct node *n, const char *path)
{
	for (size_t i = 0; i < n->paths_count; i++) {
		if (strcmp(n->paths[i], path) == 0)
			return;
	}
	assert_true(n->paths_count < BENCH_PATHS);
	n->paths[n->paths_count++] = strdup(path);
}

static enum err_kind disk_size(void *context, const char *path, uint64_t *ret_bytes, struct err *e)
{
	struct node *n = context;

	return n->real.size(n->real.context, path, ret_bytes, e);
}

static enum err_kind disk_read(
	void *context, const char *path, uint64_t offset, void *to, size_t len, struct err *e)
{
	struct node *n = context;

	return n->real.read(n->real.context, path, offset, to, len, e);
}

static enum err_kind disk_write(
	void *context, const char *path, uint64_t offset, struct slice bytes, struct err *e)
{
	struct node *n = context;

	path_note(n, path);
	return n->real.write(n->real.context, path, offset, bytes, e);
}

static enum err_kind disk_truncate(void *context, const char *path, uint64_t bytes, struct err *e)
{
	struct node *n = context;

	return n->real.truncate(n->real.context, path, bytes, e);
}

static enum err_kind disk_sync(void *context, const char *path, struct err *e)
{
	struct node *n = context;

	return n->real.sync(n->real.context, path, e);
}

static enum err_kind disk_replace(
	void *context, const char *path, struct slice content, struct err *e)
{
	struct node *n = context;

	path_note(n, path);
	return n->real.replace(n->real.context, path, content, e);
}

static enum err_kind disk_make_folder(void *context, const char *path, struct err *e)
{
	struct node *n = context;

	return n->real.make_folder(n->real.context, path, e);
}

void node_file(struct node *n, const char *path, struct buf *out)
{
	uint64_t bytes = 0;

	buf_clear(out);
	MUST(n->real.size(n->real.context, path, &bytes, &e));
	if (bytes == 0)
		return;
	assert_non_null(buf_reserve(out, (size_t)bytes));
	MUST(n->real.read(n->real.context, path, 0, out->data, (size_t)bytes, &e));
	out->len = (size_t)bytes;
}

bool node_disk_has(struct node *n, struct slice bytes)
{
	struct buf file = BUF_INIT;
	bool has = false;

	for (size_t i = 0; i < n->paths_count && !has; i++) {
		node_file(n, n->paths[i], &file);
		has = file.len >= bytes.len &&
		      memmem(file.data, file.len, bytes.data, bytes.len) != NULL;
	}
	buf_fini(&file);
	return has;
}

/* ---- the store --------------------------------------------------------------------------------
 */

static uint64_t mask_of(struct slice content)
{
	uint64_t mask = BENCH_ALL;
	size_t at = slice_find(content, '|', 0);

	if (at < content.len)
		slice_to_u64(slice_cut(content, at + 1, content.len), &mask);
	return mask;
}

static uint64_t store_add(
	struct node_store *st, struct slice content, struct slice origin, bool own)
{
	struct node_object *o;

	for (size_t i = 0; i < st->count && !own; i++) {
		if (!st->objects[i].forgotten &&
			slice_equal((struct slice){st->objects[i].content, st->objects[i].len},
				content))
			return i + 1;
	}
	st->objects = realloc(st->objects, (st->count + 1) * sizeof(*st->objects));
	assert_non_null(st->objects);
	o = &st->objects[st->count++];
	*o = (struct node_object){.len = content.len, .own = own, .mask = mask_of(content)};
	o->content = malloc(content.len + 1);
	assert_non_null(o->content);
	memcpy(o->content, content.data, content.len);
	o->content[content.len] = '\0';
	memcpy(o->origin, origin.data, origin.len);
	return st->count;
}

static enum err_kind sink_own_after(void *context, uint64_t after, size_t max, struct arena *a,
	struct coalition_own **ret_own, size_t *ret_count, struct err *e)
{
	struct node *n = context;
	struct coalition_own *own = ARENA_ARRAY(a, struct coalition_own, max);
	size_t count = 0;

	if (own == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (uint64_t i = after; i < n->store.count && count < max; i++) {
		const struct node_object *o = &n->store.objects[i];

		if (!o->own || o->forgotten)
			continue;
		own[count].serial = i + 1;
		own[count].content = (struct slice){o->content, o->len};
		own[count++].for_all = o->mask == BENCH_ALL;
	}
	*ret_own = own;
	*ret_count = count;
	return OK;
}

static unsigned member_of(const struct bench *b, struct slice name)
{
	for (unsigned i = 0; i < b->count; i++) {
		if (slice_is(name, b->rows[i].name))
			return i;
	}
	return BENCH_MEMBERS;
}

static enum err_kind sink_accept(void *context, struct slice origin, const uint64_t *indices,
	const struct slice *contents, size_t count, uint64_t *ret_serials, struct err *e)
{
	struct node *n = context;
	unsigned from = member_of(n->bench, origin);

	(void)e;
	assert_true(from < BENCH_MEMBERS);
	n->store.last[from].count = 0;
	for (size_t i = 0; i < count; i++) {
		size_t before = n->store.count;
		bool unfit = slice_starts(contents[i], SLICE("unfit"));

		n->store.reached++;
		ret_serials[i] = unfit ? 0 : store_add(&n->store, contents[i], origin, false);
		if (n->store.count > before && n->store.last[from].count < 64) {
			size_t at = n->store.last[from].count++;

			n->store.last[from].indices[at] = indices[i];
			n->store.last[from].serials[at] = ret_serials[i];
		}
	}
	return OK;
}

static enum err_kind sink_accepted(void *context, struct slice origin, struct arena *a,
	uint64_t **ret_indices, uint64_t **ret_serials, size_t *ret_count, struct err *e)
{
	struct node *n = context;
	unsigned from = member_of(n->bench, origin);

	(void)a;
	(void)e;
	*ret_count = from < BENCH_MEMBERS ? n->store.last[from].count : 0;
	*ret_indices = from < BENCH_MEMBERS ? n->store.last[from].indices : NULL;
	*ret_serials = from < BENCH_MEMBERS ? n->store.last[from].serials : NULL;
	return OK;
}

static enum err_kind sink_content(
	void *context, uint64_t serial, struct buf *out, bool *ret_found, struct err *e)
{
	struct node *n = context;

	(void)e;
	*ret_found =
		serial >= 1 && serial <= n->store.count && !n->store.objects[serial - 1].forgotten;
	if (*ret_found)
		buf_append(out, n->store.objects[serial - 1].content,
			n->store.objects[serial - 1].len);
	return OK;
}

static enum err_kind sink_may(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, bool *ret_may, struct err *e)
{
	struct node *n = context;
	unsigned to = member_of(n->bench, member);

	(void)origin;
	(void)e;
	for (size_t i = 0; i < count; i++) {
		const struct node_object *o;

		assert_true(serials[i] >= 1 && serials[i] <= n->store.count);
		o = &n->store.objects[serials[i] - 1];
		ret_may[i] = n->releases_all || (n->policy > 0 && !o->forgotten &&
							to < BENCH_MEMBERS && (o->mask >> to & 1));
	}
	return OK;
}

static enum err_kind sink_released(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, struct err *e)
{
	(void)member;
	(void)origin;
	(void)serials;
	(void)e;
	((struct node *)context)->store.released += count;
	return OK;
}

static enum err_kind sink_forget(void *context, uint64_t serial, struct err *e)
{
	struct node *n = context;

	(void)e;
	if (serial >= 1 && serial <= n->store.count)
		n->store.objects[serial - 1].forgotten = true;
	return OK;
}

static enum err_kind sink_in_force(void *context, const struct charter *charter,
	const struct decision *decision, struct err *e)
{
	struct node *n = context;

	(void)charter;
	n->entered++;
	if (slice_starts(decision->content, SLICE("unenforceable")))
		return err_set(e, ERR_INVALID, "this policy cannot be enforced here");
	if (slice_is(decision->kind, "policy"))
		n->policy = decision->sequence;
	return OK;
}

static uint64_t sink_epoch(void *context)
{
	return ((const struct node *)context)->policy + 1;
}

uint64_t node_add(struct node *n, const char *text, uint64_t mask)
{
	char content[2048];
	int len = mask == BENCH_ALL ? snprintf(content, sizeof(content), "%s", text)
				    : snprintf(content, sizeof(content), "%s|%llu", text,
					      (unsigned long long)mask);

	return store_add(&n->store, (struct slice){content, (size_t)len}, node_name(n), true);
}

const struct node_object *node_holds(const struct node *n, const char *text)
{
	for (size_t i = 0; i < n->store.count; i++) {
		const struct node_object *o = &n->store.objects[i];

		if (!o->forgotten &&
			slice_starts((struct slice){o->content, o->len}, slice_of(text)))
			return o;
	}
	return NULL;
}

static void store_copy(struct node_store *to, const struct node_store *from)
{
	*to = *from;
	to->objects = calloc(from->count + 1, sizeof(*to->objects));
	assert_non_null(to->objects);
	for (size_t i = 0; i < from->count; i++) {
		to->objects[i] = from->objects[i];
		to->objects[i].content = malloc(from->objects[i].len + 1);
		assert_non_null(to->objects[i].content);
		memcpy(to->objects[i].content, from->objects[i].content, from->objects[i].len + 1);
	}
}

/* ---- keys and charters ------------------------------------------------------------------------
 */

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
		n->sink = (struct coalition_sink){sink_own_after, sink_accept, sink_accepted,
			sink_content, sink_may, sink_released, sink_forget, sink_in_force,
			sink_epoch, n};
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

/* ---- nodes ------------------------------------------------------------------------------------
 */

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
	n->disk = (struct ledger_disk){disk_size, disk_read, disk_write, disk_truncate, disk_sync,
		disk_replace, disk_make_folder, n};
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
	n->random = bench_random(&b->random);
	n->world.context = n;
	n->sink.context = n;
	n->fake = ledger_disk_fake_copy(of->fake);
	n->keys_fake = ledger_disk_fake_copy(of->keys_fake);
	assert_true(n->fake != NULL && n->keys_fake != NULL);
	for (size_t i = 0; i < of->paths_count; i++)
		n->paths[i] = strdup(of->paths[i]);
	store_copy(&n->store, &of->store);
	memcpy(b->route[number], b->route[was], sizeof(b->route[0]));
	return n;
}

static void node_fini(struct node *n)
{
	node_close(n);
	for (size_t i = 0; i < n->store.count; i++)
		free(n->store.objects[i].content);
	free(n->store.objects);
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

/* ---- the network ------------------------------------------------------------------------------
 */

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

/* ---- more -------------------------------------------------------------------------------------
 */

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
