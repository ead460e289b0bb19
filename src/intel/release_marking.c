/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the markings of a label say. TLP has its ids and statements their kind; what PAP and IEP 2.0
 * demand stands in definitions, which are read once per label and remembered until a definition
 * comes or goes, or a date in one of them passes. They mean something under a policy only: without
 * one, and whenever anything about them cannot be read, they count as the strictest of all.
 */
#include <stdlib.h>

#include "release.h"

#define LEVEL_BITS   4  /* low bits of a remembered word; the rest is 1 + the epoch, cut */
#define LEVEL_MARKED 14 /* of a remembered word: see the definitions */

#define MARKED_SLOTS     1024    /* labels whose definitions are remembered: a direct map, 100 KB */
#define DEFINITION_BYTES KIB(64) /* of one definition that is read; a longer one is not */

struct marked_slot {
	uint32_t label; /* 0: free */
	uint64_t epoch; /* of labels */
	struct policy_marking says;
};

struct release_markings {
	pthread_rwlock_t lock; /* guards the slots */
	struct marked_slot slots[MARKED_SLOTS];
};

struct release_markings *release_markings_new(void)
{
	struct release_markings *m = calloc(1, sizeof(*m));

	if (m != NULL)
		pthread_rwlock_init(&m->lock, NULL);
	return m;
}

void release_markings_free(struct release_markings *m)
{
	if (m == NULL)
		return;
	pthread_rwlock_destroy(&m->lock);
	free(m);
}

static void says_unknown(struct policy_marking *says)
{
	policy_marking_init(says);
	says->tlp = says->pap = POLICY_UNKNOWN;
}

/* ---- levels ---------------------------------------------------------------------------------- */

static uint8_t level_of_label(struct store_reader *r, uint32_t label)
{
	struct arena *a = arena_new(MIB(1));
	enum stix_marking_kind *kinds = NULL;
	struct uuid *markings = NULL;
	size_t count = 0;
	uint8_t level = STIX_TLP_NONE;

	if (a == NULL)
		return LEVEL_UNKNOWN;
	if (store_label_get(r, label, a, &markings, &kinds, &count, NULL) != OK)
		level = LEVEL_UNKNOWN;
	for (size_t i = 0; i < count && level != LEVEL_UNKNOWN; i++) {
		uint8_t tlp = (uint8_t)stix_tlp_of(&markings[i]);

		if (tlp == STIX_TLP_NONE && kinds[i] == STIX_MARKING_RESTRICTION)
			tlp = LEVEL_MARKED;
		else if (tlp == STIX_TLP_NONE && kinds[i] != STIX_MARKING_STATEMENT)
			tlp = LEVEL_UNKNOWN;
		if (tlp > level)
			level = tlp;
	}
	arena_free(a);
	return level;
}

/* Where a label's level is remembered; NULL when there is no room. */
static _Atomic uint32_t *level_slot(struct intel *i, uint32_t label)
{
	uint32_t chunk = label / RELEASE_CHUNK;
	_Atomic uint32_t *levels;

	if (chunk >= RELEASE_CHUNKS)
		return NULL;
	levels = atomic_load_explicit(&i->levels[chunk], memory_order_acquire);
	if (levels == NULL) {
		pthread_mutex_lock(&i->lock);
		levels = atomic_load(&i->levels[chunk]);
		if (levels == NULL) {
			levels = calloc(RELEASE_CHUNK, sizeof(*levels));
			atomic_store_explicit(&i->levels[chunk], levels, memory_order_release);
		}
		pthread_mutex_unlock(&i->lock);
		if (levels == NULL)
			return NULL;
	}
	return &levels[label % RELEASE_CHUNK];
}

/* A TLP, LEVEL_MARKED or LEVEL_UNKNOWN. */
static uint8_t level_remembered(struct intel *i, struct store_reader *r, uint32_t label)
{
	/* The epoch of what the reader sees: an answer out of an older snapshot is none for those
	 * who see more. */
	uint32_t stamp = (uint32_t)((store_reader_label_epoch(r) + 1) << LEVEL_BITS);
	_Atomic uint32_t *slot = level_slot(i, label);
	uint32_t word;
	uint8_t level;

	if (slot != NULL) {
		word = atomic_load_explicit(slot, memory_order_relaxed);
		if (word != 0 && (word & ~((1u << LEVEL_BITS) - 1)) == stamp)
			return word & ((1u << LEVEL_BITS) - 1);
	}
	level = level_of_label(r, label);
	if (slot != NULL)
		atomic_store_explicit(slot, stamp | level, memory_order_relaxed);
	return level;
}

/* ---- definitions ----------------------------------------------------------------------------- */

static bool everything(void *context, const struct store_row *row)
{
	(void)context;
	(void)row;
	return true;
}

/* All versions of one definition, joined. There may be another cursor open through r. */
static enum err_kind definition_read(struct store_reader *r, const struct uuid *marking,
	struct json_parser *parser, int64_t now_us, struct policy_marking *says, struct err *e)
{
	const struct store_audience audience = {everything, NULL};
	struct store_cursor *c = NULL;
	struct buf body = BUF_INIT;
	struct store_row row;
	bool more, any = false;
	enum err_kind kind =
		store_versions_open(r, 0, SLICE("marking-definition"), marking, audience, &c, e);

	while (kind == OK && (kind = store_cursor_next(c, &row, &more, e)) == OK && more) {
		struct policy_marking one;
		struct json_doc doc;

		buf_clear(&body);
		kind = store_cursor_body(c, &body, e);
		if (kind == OK && body.bad)
			kind = err_set(e, ERR_NOMEM, "out of memory");
		if (kind == OK)
			kind = json_parse(parser, buf_slice(&body), &doc, e);
		if (kind != OK)
			break;
		policy_marking_read(json_root(&doc), now_us, &one);
		policy_marking_join(says, &one);
		any = true;
	}
	store_cursor_free(c);
	buf_fini(&body);
	return kind == OK && !any ? err_set(e, ERR_CORRUPT, "a marking is not here") : kind;
}

static enum err_kind label_read(struct store_reader *r, uint32_t label, int64_t now_us,
	struct policy_marking *says, struct err *e)
{
	struct arena *a = arena_new(MIB(1));
	struct json_parser *parser = json_parser_new(DEFINITION_BYTES);
	enum stix_marking_kind *kinds;
	struct uuid *markings;
	size_t count = 0;
	enum err_kind kind = a == NULL || parser == NULL
				     ? err_set(e, ERR_NOMEM, "out of memory")
				     : store_label_get(r, label, a, &markings, &kinds, &count, e);

	policy_marking_init(says);
	for (size_t i = 0; kind == OK && i < count; i++) {
		struct policy_marking one;

		policy_marking_init(&one);
		one.tlp = (int32_t)stix_tlp_of(&markings[i]);
		if (one.tlp == STIX_TLP_NONE && kinds[i] == STIX_MARKING_RESTRICTION)
			kind = definition_read(r, &markings[i], parser, now_us, &one, e);
		else if (one.tlp == STIX_TLP_NONE && kinds[i] != STIX_MARKING_STATEMENT)
			says_unknown(&one);
		policy_marking_join(says, &one);
	}
	json_parser_free(parser);
	arena_free(a);
	return kind;
}

/* What cannot be read is remembered too, unless it could be read another time. */
static void label_learn(struct release_markings *m, struct store_reader *r, uint32_t label,
	int64_t now_us, struct policy_marking *ret_says)
{
	enum err_kind kind = label_read(r, label, now_us, ret_says, NULL);

	if (kind != OK)
		says_unknown(ret_says);
	if (kind != OK && kind != ERR_PARSE && kind != ERR_LIMIT)
		return;
	pthread_rwlock_wrlock(&m->lock);
	m->slots[label % MARKED_SLOTS] =
		(struct marked_slot){label, store_reader_label_epoch(r), *ret_says};
	pthread_rwlock_unlock(&m->lock);
}

static void label_says(
	struct intel *i, struct store_reader *r, uint32_t label, struct policy_marking *ret_says)
{
	struct release_markings *m = i->markings;
	const struct marked_slot *slot = &m->slots[label % MARKED_SLOTS];
	int64_t now_us = world_now(i->world);
	bool known;

	pthread_rwlock_rdlock(&m->lock);
	known = slot->label == label && slot->epoch == store_reader_label_epoch(r) &&
		now_us < slot->says.changes_us;
	if (known)
		*ret_says = slot->says;
	pthread_rwlock_unlock(&m->lock);
	if (!known)
		label_learn(m, r, label, now_us, ret_says);
	if (ret_says->changes_us != INT64_MAX)
		i->markings_by_time = true;
}

void release_marking_of(struct intel *i, struct store_reader *r, uint32_t label,
	struct release_marking *ret_marking)
{
	struct release_marking m = {.level = level_remembered(i, r, label)};

	if (m.level == LEVEL_MARKED) {
		m.by_policy = true;
		label_says(i, r, label, &m.says);
		m.level = m.says.tlp == POLICY_UNKNOWN || m.says.pap == POLICY_UNKNOWN
				  ? LEVEL_UNKNOWN
				  : (uint8_t)m.says.tlp;
	} else if (m.level == LEVEL_UNKNOWN) {
		says_unknown(&m.says);
	} else {
		policy_marking_init(&m.says);
		m.says.tlp = m.level;
	}
	*ret_marking = m;
}

uint8_t release_level_alone(struct intel *i, struct store_reader *r, uint32_t label)
{
	uint8_t level = level_remembered(i, r, label);

	return level == LEVEL_MARKED ? LEVEL_UNKNOWN : level;
}

uint8_t release_level(struct intel *i, struct store_reader *r, uint32_t label)
{
	uint8_t level = release_level_alone(i, r, label);
	struct release_marking m;

	if (level != LEVEL_UNKNOWN || !i->in_force)
		return level;
	release_marking_of(i, r, label, &m);
	return m.level;
}
