/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Appending to one's own log in groups that share a sync. Order is all: what the state vouches for
 * is on the disk before the state is, and what was acknowledged before is in the journal.
 */
#include <stdlib.h>

#include "inside.h"

#define HOUR_US (3600 * US_PER_SECOND)
#define GROUP_MAX                                                                                  \
	((size_t)4 * LEDGER_BATCH_MAX) /* entries of one group: its syncs cost little then */

/* ---- stage ----------------------------------------------------------------------------------- */

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

static enum err_kind file_put(struct ledger *l, enum log_file file, uint64_t offset,
	const struct buf *bytes, struct err *e)
{
	char name[FILE_NAME_MAX];

	if (bytes->bad)
		return err_set(e, ERR_NOMEM, "log \"%s\": out of memory", l->folder);
	if (bytes->len == 0)
		return OK;
	l->dirty |= 1U << file;
	log_file_name(file, name);
	return log_write(l, name, offset, buf_slice(bytes), e);
}

/* ERR_DENIED: other bytes are there. */
static enum err_kind file_same(struct ledger *l, enum log_file file, uint64_t offset,
	const struct buf *bytes, struct err *e)
{
	char name[FILE_NAME_MAX], *there = malloc(bytes->len + 1);
	enum err_kind kind;

	if (bytes->bad || there == NULL) {
		free(there);
		return err_set(e, ERR_NOMEM, "log \"%s\": out of memory", l->folder);
	}
	log_file_name(file, name);
	kind = log_read_sparse(l, name, offset, there, bytes->len, e);
	if (kind == OK && bytes->len > 0 && memcmp(there, bytes->data, bytes->len) != 0)
		kind = err_set(
			e, ERR_DENIED, "log \"%s\": \"%s\" is behind the journal", l->folder, name);
	free(there);
	return kind;
}

typedef enum err_kind (*file_does)(struct ledger *l, enum log_file file, uint64_t offset,
	const struct buf *bytes, struct err *e);

static enum err_kind stage_each(
	const struct stage *s, struct ledger *l, file_does does, struct err *e)
{
	enum err_kind kind = does(l, FILE_ENTRIES, s->size * ENTRY_BYTES, &s->entries, e);

	for (unsigned level = 0; kind == OK && level < TILE_LEVELS; level++)
		kind = does(l, FILE_HASHES + level, hashes_count(s->size, level) * HASH_LEN,
			&s->hashes[level], e);
	return kind;
}

enum err_kind stage_write(const struct stage *s, struct ledger *l, struct err *e)
{
	return stage_each(s, l, file_put, e);
}

static enum err_kind group_each(
	const struct group *g, struct ledger *l, file_does does, struct err *e)
{
	uint64_t size = g->stage.size;
	enum err_kind kind = stage_each(&g->stage, l, does, e);

	if (kind == OK)
		kind = does(l, FILE_SALTS, size * LEDGER_SALT_LEN, &g->salts, e);
	if (kind == OK)
		kind = does(l, FILE_PLACES, size * PLACE_BYTES, &g->places, e);
	if (kind == OK)
		kind = does(l, FILE_CONTENTS, g->next.contents, &g->contents, e);
	return kind;
}

enum err_kind group_write(struct group *g, struct ledger *l, struct err *e)
{
	return group_each(g, l, file_put, e);
}

enum err_kind group_there(struct group *g, struct ledger *l, struct err *e)
{
	return group_each(g, l, file_same, e);
}

void group_finish(struct group *g)
{
	g->next.contents += g->contents.len;
	g->next.size = g->stage.edge.size;
	ledger_edge_root(&g->stage.edge, g->next.root);
}

void group_init(struct group *g, const struct ledger *l)
{
	*g = (struct group){.next = l->state};
	stage_init(&g->stage, l);
}

void group_fini(struct group *g)
{
	stage_fini(&g->stage);
	if (g->salts.data != NULL)
		secret_wipe(g->salts.data, g->salts.len);
	buf_fini(&g->salts);
	buf_fini(&g->places);
	buf_fini(&g->contents);
}

/* ---- one's own log --------------------------------------------------------------------------- */

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

/*
 * Few entries go through the journal, which is one sync; their files follow when it is full. Many
 * go straight to their files, which is one write of each byte.
 */
static enum err_kind group_keep(struct group *g, struct ledger *l, bool small, struct err *e)
{
	struct buf record = BUF_INIT;
	enum err_kind kind;

	if (small)
		journal_record(g, &record);
	kind = group_write(g, l, e);
	group_finish(g);
	if (kind == OK && small) {
		kind = log_journal_put(l, &record, e);
		if (kind == OK)
			log_state_set(l, &g->next, &g->stage.edge);
	} else if (kind == OK) {
		kind = log_files_sync(l, e);
		if (kind == OK)
			kind = log_state_put(l, &g->next, &g->stage.edge, e);
	}
	if (record.data != NULL)
		secret_wipe(record.data, record.len);
	buf_fini(&record);
	return kind;
}

/* In turn. */
static enum err_kind group_append(struct ledger *l, struct request *requests, struct err *e)
{
	enum err_kind kind = l->unsure ? log_tidy(l, e) : OK;
	struct group g;
	bool small;

	if (kind != OK)
		return kind;
	group_init(&g, l);
	kind = group_fill(&g, l, requests, e);
	small = g.places.len <= JOURNAL_ENTRIES_MAX * PLACE_BYTES &&
		g.contents.len <= JOURNAL_CONTENTS_MAX;
	/* What the journal holds is older than what goes past it. */
	if (kind == OK && (!small || l->journal > JOURNAL_FULL)) {
		kind = log_tidy(l, e);
		g.next.sequence = l->state.sequence;
	}
	if (kind == OK)
		kind = group_keep(&g, l, small, e);
	if (kind != OK)
		l->unsure = true;
	group_fini(&g);
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
