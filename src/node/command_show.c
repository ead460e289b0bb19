/* SPDX-License-Identifier: MPL-2.0 */
/* Commands that only look. */
#include <stdlib.h>

#include "parts_command.h"

static bool everything(void *context, const struct store_row *row)
{
	(void)context;
	(void)row;
	return true;
}

static const struct store_audience all = {everything, NULL};

/* ---- status ---------------------------------------------------------------------------------- */

static const char *trust_name(enum coalition_trust trust)
{
	static const char *const names[] = {"good", "stale", "quarantined", "revoked"};

	return names[trust];
}

static void origin_json(struct json_writer *w, const struct coalition_origin_status *o)
{
	json_write_object(w);
	json_member_text(w, "member", o->member);
	json_member_text(w, "trust", trust_name(o->trust));
	json_member_i64(w, "size", (int64_t)o->size);
	json_member_i64(w, "known", (int64_t)o->known);
	json_member_i64(w, "lag", (int64_t)(o->known > o->size ? o->known - o->size : 0));
	json_member_i64(w, "opened", (int64_t)o->opened);
	json_member_i64(w, "withheld", (int64_t)o->withheld);
	json_member_i64(w, "cosigned", (int64_t)o->cosigned);
	if (o->fresh_s > 0)
		json_member_time(w, "fresh", o->fresh_s * US_PER_SECOND, 0);
	json_write_end(w, '}');
}

static void peer_json(struct json_writer *w, const struct coalition_peer_status *p, int64_t now)
{
	json_write_object(w);
	json_member_text(w, "member", p->member);
	json_member_bool(w, "reachable", p->reachable);
	if (p->last_us > 0)
		json_member_i64(w, "last_seconds_ago", (now - p->last_us) / US_PER_SECOND);
	json_member_i64(w, "their_size", (int64_t)p->their_size);
	json_member_i64(w, "requests", (int64_t)p->requests);
	json_member_i64(w, "failures", (int64_t)p->failures);
	json_member_i64(w, "sent_openings", (int64_t)p->sent_openings);
	json_member_i64(w, "sent_withheld", (int64_t)p->sent_withheld);
	json_member_text(w, "problem", p->problem);
	json_write_end(w, '}');
}

#define DAY_US      (INT64_C(86400) * US_PER_SECOND)
#define SOON_DAYS   7
#define LATELY_DAYS 30

static enum err_kind retention_get(
	struct command *c, struct store_retention *ret_retention, struct err *e)
{
	int64_t now = world_now(c->seat->world);
	struct store_reader *r = NULL;
	enum err_kind kind = store_reader_take(c->seat->node->store, &r, e);

	*ret_retention = (struct store_retention){0};
	if (kind == OK)
		kind = store_retention_get(
			r, now + SOON_DAYS * DAY_US, now - LATELY_DAYS * DAY_US, ret_retention, e);
	store_reader_give(r);
	return kind;
}

static void status_json(struct command *c, const struct coalition_status *s,
	const struct store_retention *kept, const struct charter *charter, struct slice alarms,
	int64_t now)
{
	struct json_writer *w = &c->w;
	struct slice line;

	json_write_object(w);
	json_member_text(w, "member", c->seat->node->config.member);
	json_member_string(w, "coalition", charter == NULL ? (struct slice){0} : charter->name);
	json_member_i64(w, "charter", charter == NULL ? 0 : (int64_t)charter->version);
	json_member_i64(w, "policy", (int64_t)s->policy_sequence);
	json_member_bool(w, "forked", s->forked);
	json_member_bool(w, "waiting", s->waiting);
	json_member_i64(w, "logged", (int64_t)s->logged);
	json_member_i64(w, "signed", (int64_t)s->signed_size);
	json_member_i64(w, "unsigned", (int64_t)s->unsigned_entries);
	json_member_i64(w, "quorum", s->quorum);
	json_member_i64(w, "evidence", (int64_t)s->evidence);
	json_member_i64(w, "due_in_7_days", (int64_t)kept->soon);
	json_member_i64(w, "deleted_in_30_days", (int64_t)kept->lately);
	json_write_name(w, "alarms");
	json_write_array(w);
	while (slice_next(&alarms, '\n', &line)) {
		if (line.len > 0)
			json_write_string(w, line);
	}
	json_write_end(w, ']');
	json_write_name(w, "logs");
	json_write_array(w);
	for (size_t i = 0; i < s->origins_count; i++)
		origin_json(w, &s->origins[i]);
	json_write_end(w, ']');
	json_write_name(w, "peers");
	json_write_array(w);
	for (size_t i = 0; i < s->peers_count; i++)
		peer_json(w, &s->peers[i], now);
	json_write_end(w, ']');
	json_write_end(w, '}');
	buf_char(&c->out, '\n');
}

static void status_text(struct command *c, const struct coalition_status *s,
	const struct store_retention *kept, const struct charter *charter, struct slice alarms,
	int64_t now)
{
	struct buf *o = &c->out;
	struct slice line;

	buf_printf(o, "member     %s\n", c->seat->node->config.member);
	if (charter == NULL) {
		buf_text(o, "coalition  none: no charter was taken yet\n");
		return;
	}
	buf_printf(o, "coalition  %.*s, charter %llu, %zu members, quorum %u\n",
		SLICE_ARG(charter->name), (unsigned long long)charter->version,
		charter->members_count, s->quorum);
	buf_printf(o, "policy     %s%llu\n",
		s->policy_sequence == 0 ? "none in force " : "decision ",
		(unsigned long long)s->policy_sequence);
	buf_printf(o, "own log    %llu entries, %llu signed%s%s\n", (unsigned long long)s->logged,
		(unsigned long long)s->signed_size,
		s->waiting ? "; waits for the others before it signs" : "",
		s->forked ? "; FORKED: another copy of this member signs" : "");
	buf_printf(o,
		"retention  %llu received objects go within %d days, %llu went in the last %d\n",
		(unsigned long long)kept->soon, SOON_DAYS, (unsigned long long)kept->lately,
		LATELY_DAYS);
	while (slice_next(&alarms, '\n', &line)) {
		if (line.len > 0)
			buf_printf(o, "ALARM      %.*s\n", SLICE_ARG(line));
	}
	buf_printf(o, "\n%-16s %-12s %10s %10s %10s %10s %10s\n", "log of", "trust", "entries",
		"lag", "opened", "withheld", "cosigned");
	for (size_t i = 0; i < s->origins_count; i++) {
		const struct coalition_origin_status *g = &s->origins[i];

		buf_printf(o, "%-16s %-12s %10llu %10llu %10llu %10llu %10llu\n", g->member,
			trust_name(g->trust), (unsigned long long)g->size,
			(unsigned long long)(g->known > g->size ? g->known - g->size : 0),
			(unsigned long long)g->opened, (unsigned long long)g->withheld,
			(unsigned long long)g->cosigned);
	}
	buf_printf(o, "\n%-16s %-12s %10s %10s %10s  %s\n", "member", "reachable", "requests",
		"sent", "withheld", "problem");
	for (size_t i = 0; i < s->peers_count; i++) {
		const struct coalition_peer_status *p = &s->peers[i];
		char last[32] = "never";

		if (p->last_us > 0)
			snprintf(last, sizeof(last), "%s, %llds", p->reachable ? "yes" : "no",
				(long long)((now - p->last_us) / US_PER_SECOND));
		buf_printf(o, "%-16s %-12s %10llu %10llu %10llu  %s\n", p->member, last,
			(unsigned long long)p->requests, (unsigned long long)p->sent_openings,
			(unsigned long long)p->sent_withheld, p->problem);
	}
}

enum err_kind command_status(struct command *c, struct err *e)
{
	const struct charter *charter = coalition_charter(c->seat->coalition);
	int64_t now = world_monotonic(c->seat->world);
	struct buf alarms = BUF_MAX(KIB(64));
	struct store_retention kept;
	struct coalition_status s;
	enum err_kind kind = coalition_status(c->seat->coalition, c->a, &s, e);

	if (kind == OK)
		kind = seat_alarms(c->seat, &alarms, e);
	if (kind == OK)
		kind = retention_get(c, &kept, e);
	if (kind == OK && c->request->json)
		status_json(c, &s, &kept, charter, buf_slice(&alarms), now);
	else if (kind == OK)
		status_text(c, &s, &kept, charter, buf_slice(&alarms), now);
	buf_fini(&alarms);
	return kind;
}

/* ---- withdrawals ----------------------------------------------------------------------------- */

static void withdrawal_show(
	struct command *c, const struct charter *charter, const struct coalition_withdrawal *w)
{
	char time[TIME_TEXT_MAX];

	time_format(w->time_us, 0, time);
	if (c->request->json) {
		json_write_object(&c->w);
		json_member_string(&c->w, "origin", w->origin);
		json_member_i64(&c->w, "index", (int64_t)w->index);
		json_member_text(&c->w, "code", withdrawal_code_name(w->code));
		json_member_string(&c->w, "reason", w->reason);
		json_member_text(&c->w, "time", time);
		json_write_name(&c->w, "acknowledged");
		json_write_object(&c->w);
		for (size_t i = 0; i < charter->members_count; i++)
			json_member_bool(&c->w, charter->members[i].name, w->acknowledged[i]);
		json_write_end(&c->w, '}');
		json_write_end(&c->w, '}');
		return;
	}
	buf_printf(&c->out, "%s:%llu  %s  %s  %.*s\n   acknowledged by", w->origin.data,
		(unsigned long long)w->index, time, withdrawal_code_name(w->code),
		SLICE_ARG(w->reason));
	for (size_t i = 0; i < charter->members_count; i++) {
		if (w->acknowledged[i])
			buf_printf(&c->out, " %s", charter->members[i].name);
	}
	buf_text(&c->out, "; not yet by");
	for (size_t i = 0; i < charter->members_count; i++) {
		if (!w->acknowledged[i])
			buf_printf(&c->out, " %s", charter->members[i].name);
	}
	buf_char(&c->out, '\n');
}

enum err_kind command_withdrawals(struct command *c, struct err *e)
{
	struct coalition_withdrawal *list;
	const struct charter *charter;
	size_t count;
	enum err_kind kind;

	if (coalition_charter(c->seat->coalition) == NULL)
		return err_set(e, ERR_USAGE, "no charter was taken yet");
	kind = coalition_withdrawals(c->seat->coalition, c->a, &list, &count, e);
	if (kind != OK)
		return kind;
	charter = coalition_charter(c->seat->coalition);
	if (c->request->json) {
		json_write_object(&c->w);
		json_write_name(&c->w, "withdrawals");
		json_write_array(&c->w);
	}
	for (size_t i = 0; i < count; i++)
		withdrawal_show(c, charter, &list[i]);
	if (c->request->json) {
		json_write_end(&c->w, ']');
		json_write_end(&c->w, '}');
		buf_char(&c->out, '\n');
	}
	return OK;
}

/* ---- objects by id --------------------------------------------------------------------------- */

enum err_kind command_serials(struct command *c, struct slice id, uint64_t **ret_serials,
	size_t *ret_count, struct err *e)
{
	struct store_cursor *cursor = NULL;
	struct store_reader *r = NULL;
	struct buf serials = BUF_INIT;
	struct stix_id which;
	struct store_row row;
	bool more = true;
	enum err_kind kind;

	if (!stix_id_parse(id, &which))
		return err_set(e, ERR_USAGE, "\"%.*s\" is no id of an object", SLICE_ARG(id));
	kind = store_reader_take(c->seat->node->store, &r, e);
	if (kind == OK)
		kind = store_versions_open(r, 0, which.type, &which.uuid, all, &cursor, e);
	while (kind == OK && (kind = store_cursor_next(cursor, &row, &more, e)) == OK && more) {
		uint64_t serial = (uint64_t)row.serial;

		buf_append(&serials, &serial, sizeof(serial));
	}
	store_cursor_free(cursor);
	store_reader_give(r);
	if (kind == OK && serials.len == 0)
		kind = err_set(e, ERR_USAGE, "\"%.*s\" is not here", SLICE_ARG(id));
	if (kind == OK) {
		struct slice copy = arena_copy(c->a, buf_slice(&serials));

		*ret_serials = (uint64_t *)(void *)(uintptr_t)copy.data;
		*ret_count = serials.len / sizeof(uint64_t);
		if (copy.data == NULL)
			kind = err_set(e, ERR_NOMEM, "out of memory");
	}
	buf_fini(&serials);
	return kind;
}

enum err_kind command_explain(struct command *c, struct err *e)
{
	const struct intel_recipient to = {.reach = INTEL_PEER, .member = command_word(c, 2)};
	const struct charter *charter = coalition_charter(c->seat->coalition);
	struct slice id = command_word(c, 1);
	struct buf body = BUF_INIT;
	struct store_reader *r = NULL;
	struct stix_id which;
	struct store_row row;
	bool found = false;
	enum err_kind kind;

	if (!stix_id_parse(id, &which))
		return err_set(e, ERR_USAGE, "\"%.*s\" is no id of an object", SLICE_ARG(id));
	if (charter != NULL && charter_member_find(charter, to.member) == NULL)
		return err_set(e, ERR_USAGE, "no member \"%.*s\"", SLICE_ARG(to.member));
	kind = store_reader_take(c->seat->node->store, &r, e);
	if (kind == OK)
		kind = store_get(r, which.type, &which.uuid, all, &row, &body, &found, e);
	if (kind == OK && !found)
		kind = err_set(e, ERR_USAGE, "\"%.*s\" is not here", SLICE_ARG(id));
	if (kind == OK)
		kind = intel_release_account(
			c->seat->node->intel, r, &to, &row, c->request->json, &c->out, e);
	store_reader_give(r);
	buf_fini(&body);
	return kind;
}

/* ---- the release log ------------------------------------------------------------------------- */

#define RELEASES_AT_ONCE KIB(64) /* bytes that wait before they are sent: there may be millions */

struct releases {
	struct command *c;
	struct store_reader *reader;
	enum err_kind kind;
	struct err *e;
};

struct ids {
	struct arena *a;
	struct slice *list;
};

static enum err_kind id_add(void *context, size_t at, const struct store_row *row, struct err *e)
{
	struct ids *ids = context;
	char id[STIX_ID_MAX + 1];

	stix_id_format(row->type, &row->uuid, id);
	ids->list[at] = arena_copy(ids->a, slice_of(id));
	return ids->list[at].data == NULL ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

static void release_write(
	struct command *c, const struct store_released *r, const struct slice *ids)
{
	char time[TIME_TEXT_MAX];

	time_format(r->at_us, 0, time);
	if (c->request->json) {
		struct buf digest = BUF_INIT;

		hex_append(&digest, r->policy, SHA256_LEN);
		json_write_object(&c->w);
		json_member_text(&c->w, "time", time);
		json_member_string(&c->w, "recipient", r->recipient);
		json_member_string(&c->w, "rule", r->rule);
		json_member_string(&c->w, "policy", buf_slice(&digest));
		json_write_name(&c->w, "objects");
		json_write_array(&c->w);
		for (size_t i = 0; i < r->count; i++)
			json_write_string(&c->w, ids[i].len > 0 ? ids[i] : SLICE("(gone)"));
		json_write_end(&c->w, ']');
		json_write_end(&c->w, '}');
		buf_fini(&digest);
		return;
	}
	for (size_t i = 0; i < r->count; i++)
		buf_printf(&c->out, "%s  %-20.*s %-16.*s %.*s\n", time, SLICE_ARG(r->recipient),
			SLICE_ARG(r->rule), SLICE_ARG(ids[i].len > 0 ? ids[i] : SLICE("(gone)")));
}

static bool release_each(void *context, const struct store_released *released)
{
	struct releases *r = context;
	struct ids ids = {.a = arena_new(MIB(1))};
	uint64_t *serials;

	if (ids.a == NULL) {
		r->kind = err_set(r->e, ERR_NOMEM, "out of memory");
		return false;
	}
	ids.list = ARENA_ARRAY(ids.a, struct slice, released->count);
	serials = ARENA_ARRAY(ids.a, uint64_t, released->count);
	if (ids.list == NULL || serials == NULL) {
		r->kind = err_set(r->e, ERR_NOMEM, "out of memory");
	} else {
		for (size_t i = 0; i < released->count; i++)
			serials[i] = (uint64_t)released->serials[i];
		r->kind = sink_rows(r->reader, serials, released->count, id_add, &ids, r->e);
	}
	if (r->kind == OK)
		release_write(r->c, released, ids.list);
	if (r->kind == OK && r->c->out.len >= RELEASES_AT_ONCE) {
		r->kind = r->c->request->write(r->c->request->context, buf_slice(&r->c->out), r->e);
		buf_clear(&r->c->out);
	}
	arena_free(ids.a);
	return r->kind == OK && !r->c->out.bad;
}

static enum err_kind releases_query(
	struct command *c, struct store_released_query *q, struct slice *ret_id, struct err *e)
{
	for (size_t at = 1; at < c->request->words_count; at += 2) {
		struct slice word = command_word(c, at), value = command_word(c, at + 1);

		bool since = slice_is(word, "since");

		if (slice_is(word, "to") && value.len > 0) {
			bool told =
				slice_is(value, "public") || slice_find(value, ' ', 0) < value.len;

			q->recipient =
				told ? value : arena_printf(c->a, "member %.*s", SLICE_ARG(value));
		} else if (slice_is(word, "of") && value.len > 0) {
			*ret_id = value;
		} else if (since || slice_is(word, "until")) {
			if (!time_parse(value, since ? &q->since_us : &q->until_us, NULL))
				return err_set(e, ERR_USAGE,
					"releases: \"%.*s\": expected a time such as "
					"2026-01-01T12:00:00Z",
					SLICE_ARG(value));
		} else {
			return err_set(e, ERR_USAGE,
				"releases: expected \"to WHOM\", \"of ID\", \"since TIME\" or "
				"\"until TIME\", not \"%.*s\"",
				SLICE_ARG(word));
		}
	}
	return OK;
}

enum err_kind command_releases(struct command *c, struct err *e)
{
	struct store_released_query query = {0};
	struct releases each = {.c = c, .e = e};
	uint64_t none = 0, *serials = &none;
	struct slice id = {0};
	size_t count = 1;
	enum err_kind kind = releases_query(c, &query, &id, e);

	if (kind == OK && id.len > 0)
		kind = command_serials(c, id, &serials, &count, e);
	if (kind == OK)
		kind = intel_released_flush(c->seat->node->intel, e);
	if (kind == OK)
		kind = store_reader_take(c->seat->node->store, &each.reader, e);
	if (kind != OK)
		return kind;
	if (c->request->json) {
		json_write_object(&c->w);
		json_write_name(&c->w, "releases");
		json_write_array(&c->w);
	}
	for (size_t i = count; i > 0 && kind == OK; i--) {
		query.serial = (int64_t)serials[i - 1];
		kind = store_released_each(each.reader, &query, release_each, &each, e);
		if (kind == OK)
			kind = each.kind;
	}
	store_reader_give(each.reader);
	if (c->request->json) {
		json_write_end(&c->w, ']');
		json_write_end(&c->w, '}');
		buf_char(&c->out, '\n');
	}
	return kind;
}

/* ---- what went because its time had come
 * ---------------------------------------------------------
 */

#define DELETIONS_DAYS_MAX 36500 /* a century: further ahead nobody plans */

struct deletions {
	struct command *c;
	enum err_kind kind;
	struct err *e;
};

static bool deletion_each(void *context, const struct store_deleted *d)
{
	struct deletions *all_of = context;
	struct command *c = all_of->c;
	struct slice from = d->member;
	bool vouched = d->number >= STORE_VOUCHED;
	bool refused = !vouched && d->number >= STORE_REFUSED;
	const char *of = vouched ? "vouched" : refused ? "entry" : "serial";
	int64_t number = d->number - (vouched ? STORE_VOUCHED : refused ? STORE_REFUSED : 0);
	char time[TIME_TEXT_MAX], due[TIME_TEXT_MAX];

	time_format(d->at_us, 0, time);
	time_format(d->due_us, 0, due);
	if (slice_starts(from, SLICE(SINK_MEMBER)))
		from = slice_cut(from, sizeof(SINK_MEMBER) - 1, from.len);
	if (c->request->json) {
		struct buf digest = BUF_INIT;

		hex_append(&digest, d->policy, SHA256_LEN);
		json_write_object(&c->w);
		json_member_text(&c->w, "time", time);
		json_member_string(&c->w, "from", from);
		json_member_string(&c->w, "rule", d->rule);
		json_member_string(&c->w, "policy", buf_slice(&digest));
		json_member_text(&c->w, "due", due);
		json_member_i64(&c->w, of, number);
		json_write_end(&c->w, '}');
		buf_fini(&digest);
	} else {
		buf_printf(&c->out, "%s  %-16.*s %-16.*s due %s  %s %lld\n", time, SLICE_ARG(from),
			SLICE_ARG(d->rule), due, of, (long long)number);
	}
	if (c->out.len >= RELEASES_AT_ONCE) {
		all_of->kind =
			c->request->write(c->request->context, buf_slice(&c->out), all_of->e);
		buf_clear(&c->out);
	}
	return all_of->kind == OK && !c->out.bad;
}

/* What is to go: so many of whom by which rule, and the first of them when. */
static bool due_each(void *context, const struct store_due_count *count)
{
	struct command *c = context;
	struct slice from = count->member;
	char first[TIME_TEXT_MAX];

	time_format(count->first_us, 0, first);
	if (slice_starts(from, SLICE(SINK_MEMBER)))
		from = slice_cut(from, sizeof(SINK_MEMBER) - 1, from.len);
	if (c->request->json) {
		json_write_object(&c->w);
		json_member_string(&c->w, "from", from);
		json_member_string(&c->w, "rule", count->rule);
		json_member_i64(&c->w, "objects", (int64_t)count->versions);
		json_member_text(&c->w, "first", first);
		json_write_end(&c->w, '}');
	} else {
		buf_printf(&c->out, "%s  %-16.*s %-16.*s %llu\n", first, SLICE_ARG(from),
			SLICE_ARG(count->rule), (unsigned long long)count->versions);
	}
	return !c->out.bad;
}

/* "since TIME": what went; "within DAYS": what is to go. *ret_days 0: the former. */
static enum err_kind deletions_words(
	const struct command *c, int64_t *ret_since, uint64_t *ret_days, struct err *e)
{
	struct slice word = command_word(c, 1), value = command_word(c, 2);

	*ret_since = 0;
	*ret_days = 0;
	if (c->request->words_count == 1 ||
		(slice_is(word, "since") && time_parse(value, ret_since, NULL)) ||
		(slice_is(word, "within") && slice_to_u64(value, ret_days) && *ret_days > 0 &&
			*ret_days <= DELETIONS_DAYS_MAX))
		return OK;
	return err_set(e, ERR_USAGE,
		"deletions: \"%.*s\": expected \"since\" and a time such as "
		"2026-01-01T12:00:00Z, or \"within\" and 1 to %d days",
		SLICE_ARG(command_word(c, c->request->words_count - 1)), DELETIONS_DAYS_MAX);
}

enum err_kind command_deletions(struct command *c, struct err *e)
{
	struct deletions each = {.c = c, .e = e};
	struct store_reader *r = NULL;
	int64_t since, now = world_now(c->seat->world);
	uint64_t days;
	enum err_kind kind = deletions_words(c, &since, &days, e);

	if (kind == OK)
		kind = store_reader_take(c->seat->node->store, &r, e);
	if (kind != OK)
		return kind;
	if (c->request->json) {
		json_write_object(&c->w);
		json_write_name(&c->w, days > 0 ? "due" : "deletions");
		json_write_array(&c->w);
	}
	kind = days > 0 ? store_due_counts_each(r,
				  now + (int64_t)days * INT64_C(86400) * US_PER_SECOND, due_each, c,
				  e)
			: store_deleted_each(r, since, deletion_each, &each, e);
	if (kind == OK)
		kind = each.kind;
	store_reader_give(r);
	if (c->request->json) {
		json_write_end(&c->w, ']');
		json_write_end(&c->w, '}');
		buf_char(&c->out, '\n');
	}
	return kind;
}
