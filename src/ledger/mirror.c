/* SPDX-License-Identifier: MPL-2.0 */
/* Appending to the mirror of another's log: only what leads to its signed root. */
#include "inside.h"

static enum err_kind mirror_check(const struct ledger *l, uint64_t from, struct slice leaves,
	const struct note_checkpoint *checkpoint, struct err *e)
{
	uint64_t count = leaves.len / LEDGER_LEAF_LEN;

	if (from != l->state.size)
		return err_set(e, ERR_USAGE,
			"log \"%s\": leaves from %llu on, but the next is %llu", l->folder,
			(unsigned long long)from, (unsigned long long)l->state.size);
	if (leaves.len % LEDGER_LEAF_LEN != 0 || count == 0)
		return err_set(e, ERR_PARSE, "log \"%s\": %zu bytes are no leaves of %d", l->folder,
			leaves.len, LEDGER_LEAF_LEN);
	if (!slice_equal(checkpoint->origin, ledger_origin(l)))
		return err_set(e, ERR_INVALID, "log \"%s\": the checkpoint is that of \"%.*s\"",
			l->folder, SLICE_ARG(checkpoint->origin));
	if (checkpoint->size > LEDGER_SIZE_MAX || count > LEDGER_SIZE_MAX ||
		from + count > checkpoint->size)
		return err_set(e, ERR_INVALID,
			"log \"%s\": %llu leaves from %llu on do not fit a checkpoint of %llu",
			l->folder, (unsigned long long)count, (unsigned long long)from,
			(unsigned long long)checkpoint->size);
	for (uint64_t i = 0; i < count; i++) {
		size_t at = (size_t)i * LEDGER_LEAF_LEN;
		uint64_t index = from + i;
		struct ledger_leaf leaf;
		struct err why;

		if (ledger_leaf_parse(slice_cut(leaves, at, at + LEDGER_LEAF_LEN), &leaf, &why) !=
			OK)
			return err_set(e, why.kind, "log \"%s\": leaf %llu: %s", l->folder,
				(unsigned long long)index, why.text);
	}
	return OK;
}

/* In turn. */
static enum err_kind mirror_write(struct ledger *l, struct slice leaves,
	const struct ledger_path *path, const struct note_checkpoint *checkpoint, struct err *e)
{
	struct state next = l->state;
	struct stage stage;
	enum err_kind kind;

	stage_init(&stage, l);
	for (size_t at = 0; at < leaves.len; at += LEDGER_LEAF_LEN)
		stage_add(&stage, (const uint8_t *)leaves.data + at);
	next.size = stage.edge.size;
	ledger_edge_root(&stage.edge, next.root);
	if (!ledger_consistency_verify(
		    next.size, checkpoint->size, path, next.root, checkpoint->root)) {
		kind = err_set(e, ERR_INVALID,
			"log \"%s\": the leaves up to %llu do not lead to the signed root of %llu",
			l->folder, (unsigned long long)next.size,
			(unsigned long long)checkpoint->size);
	} else {
		kind = log_tidy(l, e);
		if (kind == OK) {
			kind = stage_write(&stage, l, e);
			if (kind == OK)
				kind = log_files_sync(l, e);
			if (kind == OK)
				kind = log_state_put(l, &next, &stage.edge, e);
			if (kind != OK)
				l->unsure = true;
		}
	}
	stage_fini(&stage);
	return kind;
}

enum err_kind ledger_mirror(struct ledger *l, uint64_t from, struct slice leaves,
	const struct ledger_path *path, const struct note_checkpoint *checkpoint, struct err *e)
{
	enum err_kind kind;

	log_turn(l);
	kind = mirror_check(l, from, leaves, checkpoint, e);
	if (kind == OK)
		kind = mirror_write(l, leaves, path, checkpoint, e);
	log_turn_end(l);
	return kind;
}
