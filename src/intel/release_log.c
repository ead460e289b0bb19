/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What was released waits here until there is enough of it, or a second has passed, and then goes
 * into the store in one transaction: a page must not wait for a disk.
 */
#include <stdlib.h>

#include "release.h"

#define LOG_WAITING_MAX 1024 /* records filled at the same time: recipients times rules; 8 MB */

struct waiting {
	struct store_released record; /* its texts and serials are these: */
	char recipient[INTEL_RECIPIENT_MAX];
	char rule[POLICY_NAME_MAX + 1];
	int64_t serials[STORE_RELEASED_ROW];
};

struct release_log {
	pthread_mutex_t lock;     /* guards what follows */
	pthread_mutex_t flushing; /* one at a time, so that records stay in order */
	struct waiting *waiting[LOG_WAITING_MAX];
	size_t count;
	uint64_t lost; /* versions that could not be kept: no memory, or more than may wait */
};

struct release_log *release_log_new(void)
{
	struct release_log *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	pthread_mutex_init(&l->flushing, NULL);
	return l;
}

void release_log_free(struct release_log *l)
{
	if (l == NULL)
		return;
	for (size_t k = 0; k < l->count; k++)
		free(l->waiting[k]);
	pthread_mutex_destroy(&l->lock);
	pthread_mutex_destroy(&l->flushing);
	free(l);
}

void intel_recipient_name(const struct intel_recipient *to, char ret_name[INTEL_RECIPIENT_MAX])
{
	const char *plain = to->reach == INTEL_OPERATOR                         ? "operator"
			    : to->reach == INTEL_PUBLIC                         ? "public"
			    : to->reach == INTEL_COLLECTION && to->account == 0 ? "nobody"
			    : to->reach == INTEL_COLLECTION                     ? NULL
										: "any member";

	if (to->member.len > 0 && to->reach != INTEL_OPERATOR && to->reach != INTEL_PUBLIC)
		snprintf(ret_name, INTEL_RECIPIENT_MAX, "member %.*s", SLICE_ARG(to->member));
	else if (plain != NULL)
		snprintf(ret_name, INTEL_RECIPIENT_MAX, "%s", plain);
	else
		snprintf(ret_name, INTEL_RECIPIENT_MAX, "account %lld", (long long)to->account);
}

/* What could not be written waits on, before what came meanwhile; with the log's lock held. */
static void put_back(struct release_log *l, struct waiting **taken, size_t count)
{
	size_t room = LOG_WAITING_MAX - l->count, kept = count < room ? count : room;

	memmove(l->waiting + kept, l->waiting, l->count * sizeof(l->waiting[0]));
	memcpy(l->waiting, taken, kept * sizeof(taken[0]));
	l->count += kept;
	for (size_t k = kept; k < count; k++) {
		l->lost += taken[k]->record.count;
		free(taken[k]);
	}
}

/* Take a record that is full, or all of them, and write them. */
static enum err_kind flush(struct intel *i, bool all, struct err *e)
{
	struct release_log *l = i->log;
	struct store_released *list;
	struct waiting **taken = calloc(LOG_WAITING_MAX, sizeof(struct waiting *));
	size_t count = 0, kept = 0;
	enum err_kind kind = OK;

	if (taken == NULL)
		return err_set(e, ERR_NOMEM, "out of memory for the release log");

	pthread_mutex_lock(&l->flushing);
	pthread_mutex_lock(&l->lock);
	for (size_t k = 0; k < l->count; k++) {
		if (all || l->waiting[k]->record.count == STORE_RELEASED_ROW)
			taken[count++] = l->waiting[k];
		else
			l->waiting[kept++] = l->waiting[k];
	}
	l->count = kept;
	pthread_mutex_unlock(&l->lock);
	list = count > 0 ? calloc(count, sizeof(*list)) : NULL;
	if (count > 0 && list == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory for the release log");
	for (size_t k = 0; list != NULL && k < count; k++)
		list[k] = taken[k]->record;
	if (list != NULL)
		kind = store_released_put(i->store, list, count, e);
	if (kind != OK) {
		pthread_mutex_lock(&l->lock);
		put_back(l, taken, count);
		pthread_mutex_unlock(&l->lock);
	}
	for (size_t k = 0; k < count && kind == OK; k++)
		free(taken[k]);
	free(list);
	free(taken);
	pthread_mutex_unlock(&l->flushing);
	return kind;
}

static struct waiting *waiting_find(struct release_log *l, const char *recipient, const char *rule,
	const uint8_t digest[SHA256_LEN])
{
	for (size_t k = 0; k < l->count; k++) {
		struct waiting *w = l->waiting[k];

		if (w->record.count < STORE_RELEASED_ROW && strcmp(w->recipient, recipient) == 0 &&
			strcmp(w->rule, rule) == 0 &&
			memcmp(w->record.policy, digest, SHA256_LEN) == 0)
			return w;
	}
	return NULL;
}

static struct waiting *waiting_new(struct release_log *l, int64_t now_us, const char *recipient,
	const char *rule, const uint8_t digest[SHA256_LEN])
{
	struct waiting *w = l->count < LOG_WAITING_MAX ? calloc(1, sizeof(*w)) : NULL;

	if (w == NULL)
		return NULL;
	snprintf(w->recipient, sizeof(w->recipient), "%s", recipient);
	snprintf(w->rule, sizeof(w->rule), "%s", rule);
	w->record = (struct store_released){.at_us = now_us,
		.recipient = slice_of(w->recipient),
		.rule = slice_of(w->rule),
		.serials = w->serials};
	memcpy(w->record.policy, digest, SHA256_LEN);
	l->waiting[l->count++] = w;
	return w;
}

/* With the log's lock held. False: it is full. */
static bool record_add(struct intel *i, const char *recipient, const char *rule,
	const uint8_t digest[SHA256_LEN], int64_t serial)
{
	struct release_log *l = i->log;
	struct waiting *w = waiting_find(l, recipient, rule, digest);

	if (w == NULL)
		w = waiting_new(l, world_now(i->world), recipient, rule, digest);
	if (w == NULL)
		return false;
	w->serials[w->record.count++] = serial;
	return true;
}

/*
 * intel_policy_set has all that waits taken in first; what slips in between, and what is told of a
 * policy that is gone, has lost the name of its rule.
 */
void intel_released_notes(struct intel *i, const struct intel_recipient *to,
	const struct intel_note *notes, size_t count)
{
	struct release_log *l = i->log;
	char recipient[INTEL_RECIPIENT_MAX];

	if (to->reach == INTEL_OPERATOR || count == 0)
		return;
	intel_recipient_name(to, recipient);
	pthread_rwlock_rdlock(&i->policy_lock);
	pthread_mutex_lock(&l->lock);
	for (size_t k = 0; k < count; k++) {
		uint8_t digest[SHA256_LEN] = {0};
		char rule[POLICY_NAME_MAX + 1] = "";

		if (i->policy != NULL && notes[k].generation == i->generation &&
			notes[k].rule >= 0) {
			memcpy(digest, i->ready.facts.digest, SHA256_LEN);
			snprintf(rule, sizeof(rule), "%.*s",
				SLICE_ARG(policy_rule_id(i->policy, notes[k].rule)));
		}
		l->lost += !record_add(i, recipient, rule, digest, notes[k].serial);
	}
	pthread_mutex_unlock(&l->lock);
	pthread_rwlock_unlock(&i->policy_lock);
}

/* From a context into the records; with the context's `passed_lock` held. */
static void drain(struct intel *i, struct release_context *c)
{
	struct intel_recipient to = c->to;

	to.account = c->passed_account;
	intel_released_notes(i, &to, c->passed, c->passed_count);
	c->passed_count = 0;
}

void intel_released_note(struct intel *i, struct store_reader *r, const struct intel_recipient *to,
	const struct store_row *row, struct intel_note *ret_note)
{
	struct release_context *c = release_context_get(i, r, to);

	*ret_note = (struct intel_note){.serial = row->serial, .rule = -1};
	if (c != NULL)
		ret_note->rule = release_rule_of(c, row, &ret_note->generation);
}

void release_log_drain(struct intel *i)
{
	for (size_t k = 0; k < COUNT_OF(i->contexts); k++) {
		struct release_context *c;

		pthread_mutex_lock(&i->lock);
		c = i->contexts[k];
		pthread_mutex_unlock(&i->lock);
		if (c == NULL)
			continue;
		pthread_mutex_lock(&c->passed_lock);
		drain(i, c);
		pthread_mutex_unlock(&c->passed_lock);
	}
}

void intel_released(struct intel *i, struct store_reader *r, const struct intel_recipient *to,
	const struct store_row *row)
{
	struct release_context *c;
	uint64_t generation;
	int16_t rule;
	bool full;

	if (to->reach == INTEL_OPERATOR)
		return;
	c = release_context_get(i, r, to);
	if (c == NULL)
		return; /* then nothing was released to it either */
	rule = release_rule_of(c, row, &generation);
	pthread_mutex_lock(&c->passed_lock);
	if (c->passed_count > 0 &&
		(c->passed_account != to->account || c->passed_count == RELEASE_PASSED))
		drain(i, c);
	c->passed_account = to->account;
	c->passed[c->passed_count++] = (struct intel_note){row->serial, generation, rule};
	full = c->passed_count == RELEASE_PASSED;
	pthread_mutex_unlock(&c->passed_lock);
	/* Now and then, so that the waiting records stay few however fast it goes. */
	if (full && store_is_writer(i->store) && flush(i, false, NULL) != OK) {
		/* it waits on; who flushes it next is told why, should it fail again */
	}
}

enum err_kind intel_released_flush(struct intel *i, struct err *e)
{
	struct release_log *l = i->log;
	uint64_t lost;
	enum err_kind kind;

	release_log_drain(i);
	kind = flush(i, true, e);
	pthread_mutex_lock(&l->lock);
	lost = l->lost;
	if (kind == OK)
		l->lost = 0;
	pthread_mutex_unlock(&l->lock);
	if (kind == OK && lost > 0)
		kind = err_set(e, ERR_FULL, "%llu versions were released and not recorded",
			(unsigned long long)lost);
	return kind;
}
