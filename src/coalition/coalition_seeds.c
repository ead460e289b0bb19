/* SPDX-License-Identifier: MPL-2.0 */
/* Writes the first inputs of coalition_fuzz: coalition_seeds FOLDER. One real message of each kind,
 * and what is not a message but looks like one. */
#include <stdio.h>

#include <sodium.h>

#include "coalition_testing.h"

static void seed(const char *folder, char first, struct slice body, const char *name)
{
	char path[512];
	struct buf all = BUF_INIT;

	buf_char(&all, first);
	buf_slice_append(&all, body);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	MUST(file_write_atomic(path, buf_slice(&all), 0644, &e));
	buf_fini(&all);
}

static void records(struct bench *b, const char *folder)
{
	struct coalition *c = b->nodes[0].coalition;
	struct buf body = BUF_INIT;

	wire_u8(&body, 1);
	buf_slice_append(&body, c->charter->bytes);
	seed(folder, 'r', buf_slice(&body), "record-charter");
	buf_clear(&body);
	wire_u8(&body, 2);
	heads_all(c, &body);
	seed(folder, 'r', buf_slice(&body), "record-heads");
	buf_clear(&body);
	wire_u8(&body, 3);
	wire_text(&body, SLICE("m0/log"));
	wire_u64(&body, ledger_size(node_log(&b->nodes[1], &b->nodes[0])));
	wire_u64(&body, c->own->head.size);
	buf_slice_append(&body, buf_slice(&b->answers[COALITION_LEAVES]));
	seed(folder, 'r', buf_slice(&body), "record-leaves");
	buf_clear(&body);
	wire_u8(&body, 4);
	wire_text(&body, SLICE("m0/log"));
	buf_slice_append(&body, buf_slice(&b->answers[COALITION_OPENINGS]));
	seed(folder, 'r', buf_slice(&body), "record-openings");
	seed(folder, 'r', SLICE("\x09"), "record-end");
	buf_fini(&body);
}

/* One head twice, with roots of one size of which one is nobody's. */
static void evidence(struct bench *b, const char *folder)
{
	struct origin *o = b->nodes[0].coalition->own;
	struct branch mine;
	struct buf bytes = BUF_INIT;

	if (!branch_at(o, 2, &mine))
		fail_msg("no branch");
	buf_append(&bytes, "SE1", 4);
	wire_text(&bytes, slice_of(o->key.name));
	wire_u64(&bytes, 2);
	for (unsigned i = 0; i < 2; i++) {
		mine.root[0] ^= (uint8_t)i;
		branch_write(&mine, &bytes);
	}
	seed(folder, 'e', buf_slice(&bytes), "evidence");
	buf_fini(&bytes);
}

int main(int argc, char **argv)
{
	struct bench b;
	struct buf text = BUF_INIT;
	struct ledger_add add = {0};
	uint64_t sequence;

	if (argc != 2 || sodium_init() < 0) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	bench_behind(&b);
	for (unsigned ask = 0; ask < COALITION_ASKS; ask++) {
		char name[32];

		snprintf(name, sizeof(name), "request-%s", coalition_ask_name(ask));
		/* What member 0 would ask of member 1, in the same words. */
		seed(argv[1], (char)('0' + ask), buf_slice(&b.requests[ask]), name);
		snprintf(name, sizeof(name), "answer-%s", coalition_ask_name(ask));
		seed(argv[1], (char)('A' + ask), buf_slice(&b.answers[ask]), name);
	}
	{
		struct coalition *c = b.nodes[0].coalition;
		struct buf request = BUF_INIT;

		MUST(cosign_ask(c, peer_find(c, SLICE("m1")), &request, &e));
		seed(argv[1], '0' + COALITION_COSIGN, buf_slice(&request), "request-cosign-m0");
		add.old_size = 0;
		add.checkpoint = buf_slice(&c->own->head.note);
		ledger_add_write(&add, &text);
		seed(argv[1], 'w', buf_slice(&text), "add-checkpoint");
		buf_fini(&request);
		records(&b, argv[1]);
		evidence(&b, argv[1]);
		seed(argv[1], 'c', c->charter->bytes, "charter");
		buf_clear(&text);
		MUST(coalition_decision_get(c, SLICE("policy"), &sequence, &text, &e));
		seed(argv[1], 'd', buf_slice(&text), "decision");
	}
	buf_fini(&text);
	bench_fini(&b);
	return 0;
}
