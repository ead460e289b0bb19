/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What other members and strangers may send: requests, answers, records of files, charters,
 * decisions, evidence, add-checkpoint, to a member that lacks something of each kind. Whatever
 * comes, what it holds of another's log is what that one wrote, it finds nobody guilty, and
 * believes no charter, decision or evidence but the true ones.
 */
#include <sodium.h>

#include "coalition_testing.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct bench *bench; /* built anew when an input changed what is held */
static uint8_t held[SHA256_LEN];

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Sizes and openings of all logs, objects of the store: of the member that is behind. */
static void holds_now(uint8_t ret[SHA256_LEN])
{
	const struct node *n = &bench->nodes[1];
	struct buf all = BUF_INIT;

	for (size_t i = 0; i < n->coalition->origins_count; i++) {
		wire_u64(&all, ledger_size(n->coalition->origins[i]->log));
		wire_u64(&all, n->coalition->origins[i]->opened);
		wire_u64(&all, n->coalition->origins[i]->head.size);
		wire_u64(&all, n->coalition->origins[i]->quorum.size);
	}
	wire_u64(&all, n->store.count);
	hash_sha256(buf_slice(&all), ret);
	buf_fini(&all);
}

static void begin(void)
{
	if (bench != NULL)
		return;
	bench = calloc(1, sizeof(*bench));
	must(bench != NULL && sodium_init() >= 0);
	bench_behind(bench);
	holds_now(held);
}

/* Nothing untrue came in; when something true did, begin anew for the next input. */
static void end(void)
{
	struct node *n = &bench->nodes[1];
	uint8_t now[SHA256_LEN];

	must(!n->coalition->forked && n->coalition->evidence == 0 && n->policy == 1);
	must(coalition_charter(n->coalition)->version == 1);
	holds_now(now);
	if (memcmp(now, held, sizeof(now)) == 0)
		return;
	for (unsigned i = 0; i < bench->count; i++) {
		struct ledger *copy = node_log(n, &bench->nodes[i]);
		struct ledger *log = node_log(&bench->nodes[i], &bench->nodes[i]);
		uint8_t a[LEDGER_HASH_LEN], b[LEDGER_HASH_LEN];
		uint64_t size = ledger_size(copy);

		must(size <= ledger_size(log));
		must(ledger_root(copy, size, a, NULL) == OK);
		must(ledger_root(log, size, b, NULL) == OK);
		must(memcmp(a, b, sizeof(a)) == 0);
	}
	for (size_t i = 0; i < n->store.count; i++) {
		const struct node_object *o = &n->store.objects[i];

		must(o->own || node_holds(&bench->nodes[0], o->content) != NULL ||
			node_holds(&bench->nodes[2], o->content) != NULL);
	}
	bench_fini(bench);
	free(bench);
	bench = NULL;
}

/* A request for leaves of a log: not from its beginning, and not to its end. */
static bool amid(struct slice in)
{
	struct reader r = {.rest = in};

	(void)wire_read_text(&r);
	return read_u64(&r) != 0 && read_u64(&r) == 3;
}

static void request(enum coalition_ask ask, struct slice in)
{
	struct buf out = BUF_INIT;
	enum err_kind kind =
		coalition_answer(bench->nodes[1].coalition, SLICE("m0"), ask, in, &out, NULL);

	must(kind == OK || kind == ERR_PARSE || kind == ERR_INVALID || kind == ERR_LIMIT ||
		kind == ERR_DENIED);
	must(out.len <= COALITION_ANSWER_MAX);
	PLANTED(kind == OK && ask == COALITION_LEAVES && amid(in));
	buf_fini(&out);
}

static void answer(enum coalition_ask ask, struct slice in)
{
	struct coalition *c = bench->nodes[1].coalition;
	struct origin *o = origin_of_member(c, SLICE("m0"));
	struct peer *p = peer_find(c, SLICE("m0"));
	struct err e = {0};
	uint64_t count;
	enum err_kind kind = OK;

	switch (ask) {
	case COALITION_HEADS:
		kind = heads_take(c, p, in, &e);
		break;
	case COALITION_LEAVES:
		kind = leaves_take(c, o, &p->offers[origin_number(c, o)].head, in, &count, &e);
		break;
	case COALITION_OPENINGS:
		kind = openings_answer_take(c, p, o, in, &e);
		break;
	case COALITION_COSIGN:
		kind = cosign_take(c, p, in, &e);
		break;
	default:
		kind = conflict_take(c, o, in, &e);
		break;
	}
	must(kind == OK || e.text[0] != '\0');
}

static void record(struct slice in)
{
	struct coalition_imported imported = {0};
	struct err e = {0};

	must(bundle_record_take(bench->nodes[1].coalition, SLICE("m0"), in, &imported, &e) == OK ||
		e.text[0] != '\0');
}

static void charter(struct slice in)
{
	const struct charter *now = coalition_charter(bench->nodes[1].coalition);
	struct arena *a = arena_new(MIB(64));
	struct charter c;

	must(a != NULL);
	if (charter_parse(in, a, &c, NULL) == OK) {
		must(c.members_count >= 1 && c.members_count <= COALITION_MEMBERS_MAX);
		must(charter_quorum(&c) < c.members_count);
		if (charter_carried(now, in, NULL) == OK)
			must(memcmp(c.digest, now->digest, SHA256_LEN) == 0);
	}
	arena_free(a);
}

static void decision(struct slice in)
{
	struct coalition *c = bench->nodes[1].coalition;
	struct arena *a = arena_new(MIB(8));
	struct decision d, was;
	struct buf now = BUF_INIT;
	uint64_t sequence;

	must(a != NULL);
	if (decision_parse(in, a, &d, NULL) == OK &&
		charter_carried(coalition_charter(c), in, NULL) == OK) {
		must(coalition_decision_get(c, SLICE("policy"), &sequence, &now, NULL) == OK);
		must(decision_parse(buf_slice(&now), a, &was, NULL) == OK);
		must(memcmp(d.digest, was.digest, SHA256_LEN) == 0);
	}
	buf_fini(&now);
	arena_free(a);
}

static void add_checkpoint(struct slice in)
{
	struct buf out = BUF_INIT;
	unsigned status;

	must(coalition_add_checkpoint(bench->nodes[1].coalition, in, &status, &out, NULL) == OK);
	must(status == 200 || status == 400 || status == 403 || status == 404 || status == 409 ||
		status == 422);
	buf_fini(&out);
}

#ifdef SERAI_FUZZING
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* The logs here have a few leaves: now and then what looks like a small number of eight bytes
 * becomes another small one. Of all numbers hardly any is answered. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	static const uint8_t zeros[7];
	size_t at;

	if (size > sizeof(zeros) && seed % 4 == 0) {
		at = seed / 64 % (size - sizeof(zeros));
		for (; at + sizeof(zeros) < size; at++) {
			if (memcmp(data + at, zeros, sizeof(zeros)) == 0 && data[at + 7] < 16) {
				data[at + 7] = seed / 4 % 8;
				return size;
			}
		}
	}
	return LLVMFuzzerMutate(data, size, max_size);
}
#endif

/* The first byte says what the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct slice in, member;

	if (len == 0)
		return 0;
	in = (struct slice){(const char *)bytes + 1, len - 1};
	begin();
	if (bytes[0] >= '0' && bytes[0] < '0' + COALITION_ASKS)
		request((enum coalition_ask)(bytes[0] - '0'), in);
	else if (bytes[0] >= 'A' && bytes[0] < 'A' + COALITION_ASKS)
		answer((enum coalition_ask)(bytes[0] - 'A'), in);
	else if (bytes[0] == 'r')
		record(in);
	else if (bytes[0] == 'c')
		charter(in);
	else if (bytes[0] == 'd')
		decision(in);
	else if (bytes[0] == 'w')
		add_checkpoint(in);
	else if (bytes[0] == 'e') /* nobody here is guilty */
		must(coalition_evidence_verify(coalition_charter(bench->nodes[1].coalition), in,
			     &member, NULL) != OK);
	end();
	return 0;
}
