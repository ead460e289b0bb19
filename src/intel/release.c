/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The one way out. An object's label is the set of all markings on it and on what it refers to; its
 * level is the strictest of them, worked out once per label and remembered. Whatever cannot be read
 * counts as the strictest of all. The policy engine takes this file's place.
 */
#include <stdlib.h>

#include "release.h"

/* Above every TLP: a marking that we do not understand, or could not look up. */
#define LEVEL_UNKNOWN 15
#define LEVEL_BITS    4 /* low bits of a remembered word; the rest is 1 + the epoch, cut */

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
		enum stix_tlp tlp = stix_tlp_of(&markings[i]);

		if (tlp != STIX_TLP_NONE) {
			if ((uint8_t)tlp > level)
				level = (uint8_t)tlp;
		} else if (kinds[i] != STIX_MARKING_STATEMENT) {
			level = LEVEL_UNKNOWN;
		}
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

static uint8_t level_get(struct intel *i, struct store_reader *r, uint32_t label)
{
	/* The epoch is read first: an answer worked out while it grew is remembered under the old
	 * one and not used again. */
	uint32_t stamp = (uint32_t)((store_label_epoch(i->store) + 1) << LEVEL_BITS);
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

/* The strictest level a recipient may have; see the table at intel_release. */
static uint8_t limit_of(const struct intel_recipient *to)
{
	enum stix_tlp limit;

	switch (to->reach) {
	case INTEL_OPERATOR:
		return LEVEL_UNKNOWN;
	case INTEL_MEMBER:
		return STIX_TLP_AMBER;
	case INTEL_PUBLIC:
		return STIX_TLP_CLEAR;
	case INTEL_COLLECTION:
		limit = to->account == 0                  ? STIX_TLP_CLEAR
			: to->role == STORE_ADMINISTRATOR ? STIX_TLP_AMBER_STRICT
							  : STIX_TLP_AMBER;
		if (to->tlp_max < limit)
			limit = to->tlp_max;
		return (uint8_t)limit;
	default:
		return STIX_TLP_NONE;
	}
}

bool intel_release(
	struct intel *i, struct store_reader *r, const struct intel_recipient *to, uint32_t label)
{
	return level_get(i, r, label) <= limit_of(to);
}

static bool audience_may(void *context, const struct store_row *row)
{
	struct release_context *c = context;

	if (level_get(c->intel, c->reader, row->label) <= c->limit)
		return true;
	c->withheld++;
	return false;
}

static bool audience_nobody(void *context, const struct store_row *row)
{
	(void)context;
	(void)row;
	return false;
}

static struct release_context *context_get(
	struct intel *i, struct store_reader *r, const struct intel_recipient *to)
{
	uint8_t limit = limit_of(to);
	struct release_context *found = NULL;

	pthread_mutex_lock(&i->lock);
	for (size_t k = 0; k < i->contexts_count && found == NULL; k++) {
		if (i->contexts[k]->reader == r && i->contexts[k]->limit == limit)
			found = i->contexts[k];
	}
	if (found == NULL && i->contexts_count < RELEASE_CONTEXTS) {
		found = calloc(1, sizeof(*found));
		if (found != NULL) {
			*found = (struct release_context){.intel = i, .reader = r, .limit = limit};
			i->contexts[i->contexts_count++] = found;
		}
	}
	pthread_mutex_unlock(&i->lock);
	return found;
}

static struct store_audience audience_of(
	struct intel *i, struct store_reader *r, const struct intel_recipient *to)
{
	struct release_context *c = context_get(i, r, to);

	if (c == NULL)
		return (struct store_audience){audience_nobody, NULL};
	c->withheld = 0;
	return (struct store_audience){audience_may, c};
}

uint64_t intel_release_withheld(
	struct intel *i, struct store_reader *r, const struct intel_recipient *to)
{
	struct release_context *c = context_get(i, r, to);

	return c == NULL ? 0 : c->withheld;
}

enum err_kind intel_release_page(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, const struct store_page *page,
	struct store_cursor **ret_cursor, struct err *e)
{
	struct store_page asked = *page;

	asked.audience = audience_of(i, r, to);
	return store_page_open(r, &asked, ret_cursor, e);
}

enum err_kind intel_release_search(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, const struct store_search *search,
	struct store_cursor **ret_cursor, struct err *e)
{
	struct store_search asked = *search;

	asked.audience = audience_of(i, r, to);
	return store_search_open(r, &asked, ret_cursor, e);
}

enum err_kind intel_release_versions(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, struct slice type, const struct uuid *uuid,
	struct store_cursor **ret_cursor, struct err *e)
{
	return store_versions_open(r, to->reach == INTEL_COLLECTION ? to->collection : 0, type,
		uuid, audience_of(i, r, to), ret_cursor, e);
}

enum err_kind intel_release_referrers(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, struct slice type, const struct uuid *uuid,
	struct store_cursor **ret_cursor, struct err *e)
{
	return store_referrers_open(r, type, uuid, audience_of(i, r, to), ret_cursor, e);
}

enum err_kind intel_release_all(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, int64_t after_serial, bool every_version,
	struct store_cursor **ret_cursor, struct err *e)
{
	return store_all_open(r, after_serial, every_version, audience_of(i, r, to), ret_cursor, e);
}

enum err_kind intel_release_get(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, struct slice type, const struct uuid *uuid,
	struct store_row *ret_row, struct buf *ret_body, bool *ret_found, struct err *e)
{
	return store_get(r, type, uuid, audience_of(i, r, to), ret_row, ret_body, ret_found, e);
}
