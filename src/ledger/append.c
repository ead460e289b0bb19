/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Appending: to one's own log in groups that share the syncs, and to the mirror of another's under
 * its signed root. Order is all: what the state vouches for is on the disk before the state is.
 */
#include <stdlib.h>

#include "inside.h"

#define HOUR_US (3600 * US_PER_SECOND)
#define GROUP_MAX                                                                                  \
	((size_t)4 * LEDGER_BATCH_MAX) /* entries of one group: its syncs cost little then */

/* ---- stage ------------------------------------------------------------------------------------
 */

void stage_init(struct stage *s, const struct ledger *l)
{
	*s = (struct stage){.edge = l->edge, .size = l->state.size};
}

void stage_fini(struct stage *s)
{
	buf_fini(&s->entries);
	for (unsigned level = 0; level < TILE_LEVELS; level++)
		buf_fini(&s->hashes[level]);
}

static void stage_keep(void *context, unsigned height, const uint8_t hash[HASH_LEN])
{
	struct stage *s = context;

	if (height % TILE_HEIGHT == 0)
		buf_append(&s->hashes[height / TILE_HEIGHT], hash, HASH_LEN);
}

void stage_add(struct stage *s, const uint8_t leaf[LEDGER_LEAF_LEN])
{
	uint8_t hash[HASH_LEN], len[2];

	put_u16(len, LEDGER_LEAF_LEN);
	buf_append(&s->entries, len, sizeof(len));
	buf_append(&s->entries, leaf, LEDGER_LEAF_LEN);
	ledger_hash_leaf((struct slice){(const char *)leaf, LEDGER_LEAF_LEN}, hash);
	tree_add(&s->edge, hash, stage_keep, s);
}

static enum err_kind stage_put(
	struct ledger *l, const char *name, uint64_t offset, const struct buf *bytes, struct err *e)
{
	if (bytes->bad)
		return err_set(e, ERR_NOMEM, "log \"%s\": out of memory", l->folder);
	return log_write(l, name, offset, buf_slice(bytes), e);
}

enum err_kind stage_write(const struct stage *s, struct ledger *l, struct err *e)
{
	enum err_kind kind = stage_put(l, "entries", s->size * ENTRY_BYTES, &s->entries, e);
	char name[FILE_NAME_MAX];

	for (unsigned level = 0; kind == OK && level < TILE_LEVELS; level++) {
		hashes_name(level, name);
		kind = stage_put(
			l, name, hashes_count(s->size, level) * HASH_LEN, &s->hashes[level], e);
	}
	/* All is written before the first is waited for: the disk may take it in one go. */
	if (kind == OK && s->entries.len > 0)
		kind = log_sync(l, "entries", e);
	for (unsigned level = 0; kind == OK && level < TILE_LEVELS; level++) {
		hashes_name(level, name);
		if (s->hashes[level].len > 0)
			kind = log_sync(l, name, e);
	}
	return kind;
}

/* ---- one's own log ----------------------------------------------------------------------------
 */

/* A thread that waits in ledger_append. */
struct request {
	const struct ledger_entry *entries;
	size_t count;
	const uint64_t *note;
	struct request *next;
	bool done;
	enum err_kind kind;
	struct err *e;
	uint64_t first;
};

struct group {
	struct stage stage;
	struct buf salts, places, contents;
	struct state next;
};

static void group_add(struct group *g, struct ledger *l, const struct ledger_entry *entry,
	const uint8_t salt[LEDGER_SALT_LEN])
{
	struct ledger_leaf leaf = {.class = entry->class, .time_us = entry->time_us};
	struct ledger_place place = {.where = LEDGER_STORED, .serial = entry->serial};
	uint8_t bytes[LEDGER_LEAF_LEN], record[PLACE_BYTES];
	uint64_t index = g->stage.edge.size;

	if (entry->class == LEDGER_RESTRICTED)
		leaf.time_us -= leaf.time_us % HOUR_US;
	if (entry->serial == 0) {
		place.where = LEDGER_HELD;
		place.serial = g->next.contents + g->contents.len;
		place.bytes = (uint32_t)entry->content.len;
		buf_slice_append(&g->contents, entry->content);
	}
	ledger_commit(ledger_origin(l), salt, entry->content, leaf.commitment);
	ledger_leaf_write(&leaf, bytes);
	stage_add(&g->stage, bytes);
	place_write(index, salt, &place, record);
	buf_append(&g->salts, salt, LEDGER_SALT_LEN);
	buf_append(&g->places, record, PLACE_BYTES);
}

static enum err_kind group_fill(
	struct group *g, struct ledger *l, struct request *requests, struct err *e)
{
	for (struct request *r = requests; r != NULL; r = r->next) {
		uint8_t *salts = malloc(r->count * LEDGER_SALT_LEN);

		if (salts == NULL)
			return err_set(e, ERR_NOMEM, "log \"%s\": out of memory", l->folder);
		l->world->random(l->world->context, salts, r->count * LEDGER_SALT_LEN);
		r->first = g->stage.edge.size;
		for (size_t i = 0; i < r->count; i++)
			group_add(g, l, &r->entries[i], salts + i * LEDGER_SALT_LEN);
		if (r->note != NULL)
			g->next.note = *r->note;
		secret_wipe(salts, r->count * LEDGER_SALT_LEN);
		free(salts);
	}
	return OK;
}

static enum err_kind group_write(struct group *g, struct ledger *l, struct err *e)
{
	uint64_t size = g->stage.size;
	enum err_kind kind = stage_put(l, "salts", size * LEDGER_SALT_LEN, &g->salts, e);

	if (kind == OK)
		kind = stage_put(l, "places", size * PLACE_BYTES, &g->places, e);
	if (kind == OK)
		kind = stage_put(l, "contents", g->next.contents, &g->contents, e);
	if (kind == OK)
		kind = stage_write(&g->stage, l, e);
	if (kind == OK)
		kind = log_sync(l, "salts", e);
	if (kind == OK)
		kind = log_sync(l, "places", e);
	if (kind == OK && g->contents.len > 0)
		kind = log_sync(l, "contents", e);
	if (kind != OK)
		return kind;
	g->next.contents += g->contents.len;
	g->next.size = g->stage.edge.size;
	ledger_edge_root(&g->stage.edge, g->next.root);
	return log_state_put(l, &g->next, &g->stage.edge, e);
}

/* In turn. */
static enum err_kind group_append(struct ledger *l, struct request *requests, struct err *e)
{
	struct group g = {0};
	enum err_kind kind = log_tidy(l, e);

	if (kind != OK)
		return kind;
	stage_init(&g.stage, l);
	g.next = l->state;
	kind = group_fill(&g, l, requests, e);
	if (kind == OK)
		kind = group_write(&g, l, e);
	if (kind != OK)
		l->unsure = true;
	stage_fini(&g.stage);
	if (g.salts.data != NULL)
		secret_wipe(g.salts.data, g.salts.len);
	buf_fini(&g.salts);
	buf_fini(&g.places);
	buf_fini(&g.contents);
	return kind;
}

/* Under the mutex: cut the requests that go together off the queue. */
static struct request *group_take(struct ledger *l)
{
	struct request *first = l->first, *r = first;
	size_t count = r->count;

	while (r->next != NULL && count + r->next->count <= GROUP_MAX) {
		r = r->next;
		count += r->count;
	}
	l->first = r->next;
	if (l->first == NULL)
		l->last = &l->first;
	r->next = NULL;
	return first;
}

/* Under the mutex: answer the oldest requests, ours at the latest in the last round. */
static void group_lead(struct ledger *l)
{
	struct request *requests = group_take(l), *next;
	enum err_kind kind;
	struct err e = {0};

	l->busy = true;
	(void)pthread_mutex_unlock(&l->mutex);
	kind = group_append(l, requests, &e);
	(void)pthread_mutex_lock(&l->mutex);
	for (struct request *r = requests; r != NULL; r = next) {
		next = r->next; /* r is gone when its thread sees done */
		r->kind = kind;
		if (kind != OK && r->e != NULL)
			*r->e = e;
		r->done = true;
	}
	l->busy = false;
	(void)pthread_cond_broadcast(&l->changed);
}

static enum err_kind entries_check(
	const struct ledger *l, const struct ledger_entry *entries, size_t count, struct err *e)
{
	if (count == 0 || count > LEDGER_BATCH_MAX)
		return err_set(e, ERR_USAGE, "log \"%s\": %zu entries at once, expected 1..%d",
			l->folder, count, LEDGER_BATCH_MAX);
	if (ledger_size(l) > LEDGER_SIZE_MAX - GROUP_MAX)
		return err_set(e, ERR_LIMIT, "log \"%s\": full", l->folder);
	for (size_t i = 0; i < count; i++) {
		if ((unsigned)entries[i].class >= LEDGER_CLASSES || entries[i].time_us < 0)
			return err_set(e, ERR_USAGE, "log \"%s\": entry %zu: class %u, time %lld",
				l->folder, i, (unsigned)entries[i].class,
				(long long)entries[i].time_us);
		if (entries[i].content.len > LEDGER_CONTENT_MAX)
			return err_set(e, ERR_LIMIT,
				"log \"%s\": entry %zu has %zu bytes, expected "
				"at most %zu",
				l->folder, i, entries[i].content.len, LEDGER_CONTENT_MAX);
	}
	return OK;
}

enum err_kind ledger_append(struct ledger *l, const struct ledger_entry *entries, size_t count,
	const uint64_t *note, uint64_t *ret_first, struct err *e)
{
	struct request mine = {.entries = entries, .count = count, .note = note, .e = e};
	enum err_kind kind = entries_check(l, entries, count, e);

	if (kind != OK)
		return kind;
	(void)pthread_mutex_lock(&l->mutex);
	*l->last = &mine;
	l->last = &mine.next;
	while (!mine.done) {
		if (l->busy)
			(void)pthread_cond_wait(&l->changed, &l->mutex);
		else
			group_lead(l);
	}
	(void)pthread_mutex_unlock(&l->mutex);
	if (mine.kind == OK)
		*ret_first = mine.first;
	return mine.kind;
}

/* ---- another's log ----------------------------------------------------------------------------
 */

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
		struct ledger_leaf leaf;
		struct err why;

		if (ledger_leaf_parse(slice_cut(leaves, at, at + LEDGER_LEAF_LEN), &leaf, &why) !=
			OK)
			return err_set(e, why.kind, "log \"%s\": leaf %llu: %s", l->folder,
				(unsigned long long)(from + i), why.text);
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
