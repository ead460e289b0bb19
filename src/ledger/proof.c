/* SPDX-License-Identifier: MPL-2.0 */
/* Proof files (c2sp.org/tlog-proof@v1), and the check of one that anybody can make offline. */
#include "inside.h"

#define PROOF_HEAD "c2sp.org/tlog-proof@v1"
#define LEAF_HEAD  16 /* bytes of a leaf before its commitment */
#define EXTRA_LEN  (LEAF_HEAD + LEDGER_SALT_LEN)

void ledger_proof_write(const struct ledger_proof *p, struct buf *out)
{
	uint8_t leaf[LEDGER_LEAF_LEN], extra[EXTRA_LEN];

	buf_text(out, PROOF_HEAD "\n");
	if (p->has_opening) {
		ledger_leaf_write(&p->leaf, leaf);
		memcpy(extra, leaf, LEAF_HEAD);
		memcpy(extra + LEAF_HEAD, p->salt, LEDGER_SALT_LEN);
		buf_text(out, "extra ");
		base64_append(out, extra, sizeof(extra));
		buf_char(out, '\n');
	}
	buf_text(out, "index ");
	buf_u64(out, p->index);
	buf_char(out, '\n');
	path_write(&p->path, out);
	buf_char(out, '\n');
	buf_slice_append(out, p->checkpoint);
}

static enum err_kind extra_parse(struct slice text, struct ledger_proof *p, struct err *e)
{
	struct buf bytes = BUF_MAX(EXTRA_LEN);
	uint8_t leaf[LEDGER_LEAF_LEN] = {0};
	enum err_kind kind;
	struct err why;

	if (!base64_decode(text, &bytes) || bytes.bad || bytes.len != EXTRA_LEN) {
		buf_fini(&bytes);
		return err_set(e, ERR_PARSE, "proof: \"extra\" is no strict base64 of %d bytes",
			EXTRA_LEN);
	}
	/* Strictly: what is not told apart here would be a change that nobody sees. */
	memcpy(leaf, bytes.data, LEAF_HEAD);
	kind = ledger_leaf_parse((struct slice){(const char *)leaf, sizeof(leaf)}, &p->leaf, &why);
	memcpy(p->salt, bytes.data + LEAF_HEAD, LEDGER_SALT_LEN);
	p->has_opening = true;
	buf_fini(&bytes);
	return kind == OK ? OK : err_set(e, kind, "proof: \"extra\": %s", why.text);
}

enum err_kind ledger_proof_parse(struct slice bytes, struct ledger_proof *ret_proof, struct err *e)
{
	const struct slice extra = SLICE("extra ");
	struct ledger_proof p = {.has_opening = false};
	struct slice rest = bytes, line;
	enum err_kind kind = OK;
	bool more;

	if (!line_take(&rest, &line) || !slice_is(line, PROOF_HEAD))
		return err_set(e, ERR_PARSE, "proof: the first line is not \"%s\"", PROOF_HEAD);
	more = line_take(&rest, &line);
	if (more && slice_starts(line, extra)) {
		kind = extra_parse(slice_cut(line, extra.len, line.len), &p, e);
		more = line_take(&rest, &line);
	}
	if (kind != OK)
		return kind;
	if (!more || !line_number(line, "index", &p.index))
		return err_set(e, ERR_PARSE, "proof: no line of \"index\" and a decimal number");
	kind = path_parse(&rest, "proof", &p.path, e);
	if (kind != OK)
		return kind;
	if (rest.len == 0)
		return err_set(e, ERR_PARSE, "proof: no checkpoint");
	p.checkpoint = rest;
	*ret_proof = p;
	return OK;
}

/* ---- the whole check ------------------------------------------------------------------------- */

/* Who signed the checkpoint, and is that enough? */
static enum err_kind signatures_check(const struct note *note, const struct ledger_quorum *q,
	struct slice origin, struct arena *a, struct ledger_verified *v, struct err *e)
{
	const struct note_key *keys;
	struct note_verdict verdict;
	size_t count, logs;
	bool signed_by_log = false;
	enum err_kind kind;

	ledger_quorum_keys(q, &keys, &count, &logs);
	kind = note_verify(note, keys, count, a, &verdict, e);
	if (kind != OK)
		return kind;
	for (size_t i = 0; i < logs; i++)
		signed_by_log |= verdict.signed_by[i] && slice_is(origin, keys[i].name);
	if (!signed_by_log)
		return err_set(e, ERR_INVALID,
			"no log of the quorum file signed the checkpoint of \"%.*s\"",
			SLICE_ARG(origin));
	for (size_t i = logs; i < count; i++) {
		if (!verdict.signed_by[i])
			continue;
		v->cosignatures++;
		if (verdict.time_s[i] > v->cosigned_s)
			v->cosigned_s = verdict.time_s[i];
	}
	if (!ledger_quorum_reached(q, verdict.signed_by))
		return err_set(e, ERR_INVALID,
			"%zu witnesses of the quorum file cosigned the checkpoint, which is not "
			"enough",
			v->cosignatures);
	return OK;
}

/* The leaf that the opening and the content make; without an opening the content is the leaf. */
static enum err_kind leaf_make(const struct ledger_proof *p, struct slice origin,
	struct slice content, uint8_t ret_leaf[LEDGER_LEAF_LEN], struct err *e)
{
	struct ledger_leaf leaf = p->leaf;

	if (p->has_opening) {
		ledger_commit(origin, p->salt, content, leaf.commitment);
	} else if (ledger_leaf_parse(content, &leaf, e) != OK) {
		return err_set(e, ERR_INVALID,
			"the proof carries no opening: it is one of a leaf of %d bytes, and the "
			"content is none",
			LEDGER_LEAF_LEN);
	}
	ledger_leaf_write(&leaf, ret_leaf);
	return OK;
}

enum err_kind ledger_proof_verify(const struct ledger_proof *p, const struct ledger_quorum *q,
	struct slice content, struct arena *a, struct ledger_verified *ret_verified, struct err *e)
{
	struct ledger_verified v = {.index = p->index};
	uint8_t leaf[LEDGER_LEAF_LEN], hash[HASH_LEN];
	struct note_checkpoint checkpoint;
	struct note note;
	enum err_kind kind = note_parse(p->checkpoint, a, &note, e);

	if (kind == OK)
		kind = note_checkpoint_parse(note.text, &checkpoint, e);
	if (kind == OK)
		kind = signatures_check(&note, q, checkpoint.origin, a, &v, e);
	if (kind == OK)
		kind = leaf_make(p, checkpoint.origin, content, leaf, e);
	if (kind != OK)
		return kind;
	ledger_hash_leaf((struct slice){(char *)leaf, sizeof(leaf)}, hash);
	if (!ledger_inclusion_verify(p->index, checkpoint.size, &p->path, hash, checkpoint.root))
		return err_set(e, ERR_INVALID,
			"the content is not at index %llu of the %llu leaves that were signed",
			(unsigned long long)p->index, (unsigned long long)checkpoint.size);
	v.size = checkpoint.size;
	/* A log that signed has the name of its key, so it fits. */
	memcpy(v.origin, checkpoint.origin.data, checkpoint.origin.len);
	*ret_verified = v;
	return OK;
}
