/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a change of policy would do, counted on what is here. The same functions decide as when
 * something leaves, so that the counts are what then happens.
 */
#include <stdlib.h>

#include "release.h"

#define DRY_SLOTS 8192 /* decisions remembered: a direct map */

/* All recipients' decisions about one kind of row. */
struct dry_slot {
	struct release_slot key;
	uint64_t before, after; /* bits by recipient: permitted */
	int32_t before_delay[POLICY_MEMBERS_MAX + 1], after_delay[POLICY_MEMBERS_MAX + 1];
};

struct dry {
	struct intel *intel;
	struct store_reader *reader;
	struct release_policy before, after;
	struct intel_recipient to[POLICY_MEMBERS_MAX + 1];
	size_t to_count;
	struct dry_slot *slots;
	struct release_ages ages[2];
	int64_t now_us;
	struct intel_change *changes;
};

static void ask(struct dry *d, const struct release_policy *p, const struct release_facts *facts,
	uint64_t *ret_bits, int32_t *ret_delays)
{
	uint8_t level = p->policy == NULL && facts->marking->by_policy ? LEVEL_UNKNOWN
								       : facts->marking->level;

	*ret_bits = 0;
	memset(ret_delays, 0, d->to_count * sizeof(*ret_delays));
	if (p->policy != NULL && d->now_us >= p->facts.expires_us)
		return;
	for (size_t k = 0; k < d->to_count; k++) {
		struct release_asker asker;
		struct release_decision decision;

		if (level > release_limit_of(&d->to[k]))
			continue;
		if (p->policy == NULL) { /* none in force: see intel_release */
			*ret_bits |= (uint64_t)(d->to[k].reach != INTEL_PEER) << k;
			continue;
		}
		asker = release_asker_of(p, &d->to[k]);
		release_decide(p, &asker, facts, &decision);
		ret_delays[k] = decision.delay_hours;
		if (decision.allowed)
			*ret_bits |= UINT64_C(1) << k;
	}
}

static const struct dry_slot *slot_of(struct dry *d, const struct store_row *row)
{
	int32_t age = release_age_days(row, d->now_us);
	unsigned was = release_age_interval(&d->ages[0], age);
	unsigned is = release_age_interval(&d->ages[1], age);
	struct release_slot key = {.label = row->label,
		.traits = row->traits,
		.used = true,
		.own = release_is_own(d->intel, d->reader, row->member, d->after.self),
		.interval = (uint8_t)was,
		.rule = (int16_t)is};
	uint32_t hash = (key.label * UINT32_C(0x9e3779b9)) ^ (key.traits * UINT32_C(0x85ebca6b)) ^
			((was * 67 + is) * UINT32_C(0xc2b2ae35)) ^ key.own;
	struct dry_slot *slot = &d->slots[(hash >> 16 ^ hash) % DRY_SLOTS];
	struct release_marking marking;
	struct release_facts facts = {.marking = &marking, .own = key.own, .age_days = age};
	struct traits traits;

	if (slot->key.used && slot->key.label == key.label && slot->key.traits == key.traits &&
		slot->key.own == key.own && slot->key.interval == key.interval &&
		slot->key.rule == key.rule)
		return slot;
	release_marking_of(d->intel, d->reader, row->label, &marking);
	if (release_traits_of(d->reader, row->traits, &traits))
		facts.traits = &traits;
	ask(d, &d->before, &facts, &slot->before, slot->before_delay);
	ask(d, &d->after, &facts, &slot->after, slot->after_delay);
	slot->key = key;
	return slot;
}

static void count_row(struct dry *d, const struct store_row *row)
{
	const struct dry_slot *slot = slot_of(d, row);

	for (size_t k = 0; k < d->to_count; k++) {
		struct intel_change *change = &d->changes[k];
		bool was = (slot->before >> k & 1) != 0 &&
			   release_is_due(row, d->now_us, slot->before_delay[k]);
		bool is = (slot->after >> k & 1) != 0 &&
			  release_is_due(row, d->now_us, slot->after_delay[k]);

		change->before += was;
		change->after += is;
		change->gained += is && !was;
		change->lost += was && !is;
	}
}

static enum err_kind count_all(struct dry *d, struct err *e)
{
	const struct intel_recipient us = {.reach = INTEL_OPERATOR};
	struct store_cursor *c = NULL;
	enum err_kind kind = intel_release_all(d->intel, d->reader, &us, 0, false, &c, e);

	while (kind == OK) {
		struct store_row row;
		bool more;

		kind = store_cursor_next(c, &row, &more, e);
		if (kind != OK || !more)
			break;
		count_row(d, &row);
	}
	store_cursor_free(c);
	return kind;
}

enum err_kind intel_dry_run(struct intel *i, const struct policy *before,
	const struct policy *after, struct slice self, const struct slice *recipients,
	size_t recipients_count, struct intel_change *ret_changes, struct err *e)
{
	struct dry *d = calloc(1, sizeof(*d));
	enum err_kind kind = OK;

	if (d == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (recipients_count > COUNT_OF(d->to))
		kind = err_set(e, ERR_LIMIT, "%zu recipients, expected at most %zu",
			recipients_count, COUNT_OF(d->to));
	*d = (struct dry){.intel = i, .now_us = world_now(i->world), .changes = ret_changes};
	d->slots = calloc(DRY_SLOTS, sizeof(*d->slots));
	if (kind == OK && d->slots == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	for (size_t k = 0; kind == OK && k < recipients_count; k++) {
		bool public = slice_is(recipients[k], "public");

		d->to[k] = (struct intel_recipient){
			.reach = public ? INTEL_PUBLIC : INTEL_PEER, .member = recipients[k]};
		ret_changes[k] = (struct intel_change){.recipient = recipients[k]};
		d->to_count++;
	}
	if (kind == OK)
		kind = release_policy_init(&d->after, after, self, e);
	if (kind == OK && before != NULL)
		kind = release_policy_init(&d->before, before, self, e);
	if (kind == OK) {
		d->ages[0] = d->before.words.ages;
		d->ages[1] = d->after.words.ages;
		kind = store_reader_take(i->store, &d->reader, e);
	}
	if (kind == OK)
		kind = count_all(d, e);
	store_reader_give(d->reader);
	free(d->slots);
	free(d);
	return kind;
}

void intel_cell_append(struct buf *out, uint64_t count)
{
	if (count > 0 && count < INTEL_CELL_MIN)
		buf_printf(out, "<%d", INTEL_CELL_MIN);
	else
		buf_printf(out, "%llu", (unsigned long long)count);
}
