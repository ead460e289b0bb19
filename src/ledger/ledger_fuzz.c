/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Texts and bytes of strangers: leaves, names of tiles, proofs, quorum files, add-checkpoint. What
 * is taken is written again to the very same bytes, so that nothing in it went unread.
 */
#include <stdlib.h>

#include "ledger.h"
#include "mutate_text.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void leaf(struct slice in)
{
	struct ledger_leaf l;
	uint8_t again[LEDGER_LEAF_LEN];

	if (ledger_leaf_parse(in, &l, NULL) != OK)
		return;
	ledger_leaf_write(&l, again);
	must(slice_equal(in, (struct slice){(char *)again, sizeof(again)}));
}

static void tile(struct slice in)
{
	struct buf again = BUF_INIT;
	uint64_t number;
	unsigned width;
	int level;

	if (ledger_tile_parse(in, &level, &number, &width, NULL) == OK) {
		must(level >= -1 && level <= 63 && width >= 1 && width <= LEDGER_TILE);
		ledger_tile_path(level, number, width, &again);
		must(slice_equal(in, buf_slice(&again)));
		PLANTED(level > 2 && number > 1000);
	}
	buf_fini(&again);
}

static void proof(struct slice in, const struct ledger_quorum *q, struct arena *a)
{
	struct ledger_verified v;
	struct ledger_proof p;
	struct buf again = BUF_INIT;

	if (ledger_proof_parse(in, &p, NULL) == OK) {
		ledger_proof_write(&p, &again);
		must(slice_equal(in, buf_slice(&again)));
		/* Nobody signed it with a key of the quorum file: a fuzzer makes no Ed25519
		 * signature. */
		must(ledger_proof_verify(&p, q, SLICE("content"), a, &v, NULL) != OK);
	}
	buf_fini(&again);
}

static void add_checkpoint(struct slice in)
{
	struct ledger_add add;
	struct buf again = BUF_INIT;

	if (ledger_add_parse(in, &add, NULL) == OK) {
		ledger_add_write(&add, &again);
		must(slice_equal(in, buf_slice(&again)));
	}
	buf_fini(&again);
}

static void quorum(struct slice in, struct arena *a)
{
	const struct note_key *keys;
	struct ledger_quorum *q;
	size_t count, logs;
	bool *by;

	if (ledger_quorum_parse(in, a, &q, NULL) != OK)
		return;
	ledger_quorum_keys(q, &keys, &count, &logs);
	must(logs <= count);
	by = ARENA_ARRAY(a, bool, count + 1);
	if (by == NULL)
		return;
	/* More signatures never make it less. */
	for (bool reached = false; count > 0; by[--count] = true) {
		bool now = ledger_quorum_reached(q, by);

		must(now || !reached);
		reached = now;
	}
	must(ledger_quorum_reached(q, by)); /* every group asks for what it can have */
}

/* A key that signed nothing. */
static struct ledger_quorum *strict_quorum(struct arena *a)
{
	struct world_fake w;
	struct note_secret secret;
	struct ledger_quorum *q = NULL;
	struct buf text = BUF_INIT;

	world_fake_init(&w, UINT64_C(0x6c6564676572), 0);
	must(note_secret_new(&w.world, SLICE("log"), NOTE_ED25519, &secret, NULL) == OK);
	buf_text(&text, "log ");
	note_key_format(&secret.key, &text);
	buf_text(&text, "\nquorum none\n");
	must(ledger_quorum_parse(buf_slice(&text), a, &q, NULL) == OK);
	note_secret_wipe(&secret);
	buf_fini(&text);
	return q;
}

/* The first byte says what the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct slice in = {(const char *)bytes + 1, len - 1};
	struct arena *a;

	if (len == 0)
		return 0;
	a = arena_new(MIB(16));
	if (a == NULL)
		return 0;
	switch (bytes[0]) {
	case 'l':
		leaf(in);
		break;
	case 't':
		tile(in);
		break;
	case 'p':
		proof(in, strict_quorum(a), a);
		break;
	case 'a':
		add_checkpoint(in);
		break;
	case 'q':
		quorum(in, a);
		break;
	default:
		break;
	}
	arena_free(a);
	return 0;
}
