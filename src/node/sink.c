/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Store and policy as the coalition sees them. Called under the coalition's lock, but for `may` and
 * `epoch`, which only read.
 */
#include <stdlib.h>
#include <unistd.h>

#include "parts.h"

#define OWN_BYTES_MAX MIB(32) /* contents handed on at once, and one more */
#define ROWS_GAP      256     /* rows between two wanted ones that are walked over */
#define KINDS_KNOWN   64      /* members remembered as ours or not */
#define LAST_HASH     8       /* bytes of a content's hash: it is looked for among one batch */
#define ACCEPT_ARENA  MIB(64)
#define OVERLAY_FILE  "overlay.json"

struct known {
	int64_t member; /* 0: free */
	uint64_t epoch; /* of accounts */
	bool ours;
};

struct high {
	char origin[COALITION_NAME_MAX + 1];
	int64_t serial; /* the newest of it in the store */
};

struct sink {
	struct node *node;
	const struct world *world;
	uint64_t boot; /* makes epochs of two runs different */
	uint64_t policies;
	struct known known[KINDS_KNOWN];
	/* What was looked through for own objects after own_after. */
	uint64_t own_after, own_scanned;
	struct high *high;
	size_t high_count;
	char (*members)[COALITION_NAME_MAX + 1]; /* of the charter that the policy was read with */
	size_t members_count;
};

static bool everything(void *context, const struct store_row *row)
{
	(void)context;
	(void)row;
	return true;
}

/* ---- rows of serials ------------------------------------------------------------------------- */

struct wanted {
	uint64_t serial;
	size_t at;
};

static int wanted_compare(const void *left, const void *right)
{
	const struct wanted *a = left, *b = right;

	return a->serial < b->serial ? -1 : a->serial > b->serial;
}

/* From list[*at] on, as long as rows are close to each other. */
static enum err_kind rows_run(struct store_reader *r, const struct wanted *list, size_t count,
	size_t *at,
	enum err_kind (*each)(void *context, size_t at, const struct store_row *row, struct err *e),
	void *context, struct err *e)
{
	const struct store_audience all = {everything, NULL};
	struct store_cursor *cursor;
	struct store_row row;
	bool more = true;
	enum err_kind kind =
		store_all_open(r, (int64_t)list[*at].serial - 1, true, all, &cursor, e);

	if (kind != OK)
		return kind;
	while (kind == OK && *at < count) {
		kind = store_cursor_next(cursor, &row, &more, e);
		if (kind != OK || !more)
			break;
		while (*at < count && list[*at].serial < (uint64_t)row.serial)
			(*at)++;
		for (; *at < count && list[*at].serial == (uint64_t)row.serial && kind == OK;
			(*at)++)
			kind = each(context, list[*at].at, &row, e);
		if (*at < count && list[*at].serial > (uint64_t)row.serial + ROWS_GAP)
			break;
	}
	if (!more)
		*at = count;
	store_cursor_free(cursor);
	return kind;
}

enum err_kind sink_rows(struct store_reader *r, const uint64_t *serials, size_t count,
	enum err_kind (*each)(void *context, size_t at, const struct store_row *row, struct err *e),
	void *context, struct err *e)
{
	struct wanted *list = calloc(count + 1, sizeof(*list));
	enum err_kind kind = OK;
	size_t at = 0;

	if (list == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		list[i] = (struct wanted){serials[i], i};
	qsort(list, count, sizeof(*list), wanted_compare);
	while (kind == OK && at < count)
		kind = rows_run(r, list, count, &at, each, context, e);
	free(list);
	return kind;
}

/* ---- whose an object is ---------------------------------------------------------------------- */

static bool ours_look(struct sink *s, struct store_reader *r, int64_t member)
{
	struct slice self = slice_of(s->node->config.member), name;
	struct arena *a = arena_new(KIB(64));
	struct store_account account;
	bool found = false, ours = false;

	if (a == NULL)
		return false;
	if (store_member_get(r, member, a, &name, NULL) == OK &&
		!slice_starts(name, SLICE(SINK_MEMBER))) {
		ours = true; /* what another member's account brought in is theirs to publish */
		if (store_account_get(s->node->store, name, a, &account, &found, NULL) != OK)
			ours = false;
		else if (found && account.member.len > 0)
			ours = slice_equal(account.member, self);
	}
	arena_free(a);
	return ours;
}

static bool is_ours(struct sink *s, struct store_reader *r, int64_t member)
{
	struct known *k = &s->known[(uint64_t)member % KINDS_KNOWN];
	uint64_t epoch = store_access_epoch(s->node->store);

	if (k->member != member || k->epoch != epoch || member == 0)
		*k = (struct known){member, epoch, ours_look(s, r, member)};
	return k->ours;
}

static bool is_from(struct store_reader *r, int64_t member, struct slice origin)
{
	struct arena *a = arena_new(KIB(4));
	struct slice name;
	bool from;

	if (a == NULL)
		return false;
	from = store_member_get(r, member, a, &name, NULL) == OK &&
	       slice_starts(name, SLICE(SINK_MEMBER)) &&
	       slice_equal(slice_cut(name, sizeof(SINK_MEMBER) - 1, name.len), origin);
	arena_free(a);
	return from;
}

/* ---- may they -------------------------------------------------------------------------------- */

struct asking {
	struct sink *s;
	struct store_reader *r;
	struct intel_recipient to;
	bool own; /* they ask for our own log's */
	bool *ret_may;
};

static enum err_kind may_one(void *context, size_t at, const struct store_row *row, struct err *e)
{
	struct asking *q = context;

	(void)e;
	/* In another's log only what came from a member: what we had before is ours to share, and
	 * leaves through our own log. */
	q->ret_may[at] = is_ours(q->s, q->r, row->member) == q->own &&
			 intel_release(q->s->node->intel, q->r, &q->to, row);
	return OK;
}

static enum err_kind sink_may(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, bool *ret_may, struct err *e)
{
	struct sink *s = context;
	struct asking q = {
		.s = s,
		.to = {.reach = INTEL_PEER, .member = member},
		.own = slice_is(origin, s->node->config.member),
		.ret_may = ret_may
        };
	enum err_kind kind;

	for (size_t i = 0; i < count; i++)
		ret_may[i] = false;
	kind = store_reader_take(s->node->store, &q.r, e);
	if (kind == OK)
		kind = sink_rows(q.r, serials, count, may_one, &q, e);
	store_reader_give(q.r);
	return kind;
}

struct released {
	struct sink *s;
	struct store_reader *r;
	struct intel_recipient to;
	bool back;    /* given back to whom it came from: no policy is asked */
	size_t found; /* of what leaves, what has a row of its own */
};

static enum err_kind released_one(
	void *context, size_t at, const struct store_row *row, struct err *e)
{
	struct released *q = context;

	(void)at;
	q->found++;
	/* Asked once more, so that the rule that is noted is this reader's. What may not leave any
	 * more, by a policy or a label that came in between, does not: the asker comes again. */
	if (intel_release(q->s->node->intel, q->r, &q->to, row))
		intel_released(q->s->node->intel, q->r, &q->to, row);
	else if (!q->back)
		return err_set(e, ERR_BUSY, "what may be released has changed meanwhile");
	return OK;
}

static enum err_kind sink_released(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, struct err *e)
{
	struct sink *s = context;
	struct released q = {
		.s = s,
		.to = {.reach = INTEL_PEER, .member = member},
		.back = slice_equal(member, origin)
        };
	enum err_kind kind = store_reader_take(s->node->store, &q.r, e);

	if (kind == OK)
		kind = sink_rows(q.r, serials, count, released_one, &q, e);
	store_reader_give(q.r);
	/* What went meanwhile, or what its sender only vouches for, no policy was asked about. */
	if (kind == OK && !q.back && q.found < count)
		kind = err_set(e, ERR_BUSY, "%zu of %zu that were to leave are not here",
			count - q.found, count);
	/* On the disk: a crash loses no record of what a member was given. */
	if (kind == OK)
		kind = intel_released_flush(s->node->intel, e);
	return kind;
}

static uint64_t sink_epoch(void *context)
{
	struct sink *s = context;
	const struct intel_recipient peer = {
		.reach = INTEL_PEER, .member = slice_of(s->node->config.member)};
	uint64_t parts[] = {s->boot, s->policies, intel_release_epoch(s->node->intel, &peer),
		store_label_epoch(s->node->store), store_access_epoch(s->node->store)};
	static const uint8_t key[16] = "serai sink epoch";
	uint64_t epoch = hash_table(key, (struct slice){(const char *)parts, sizeof(parts)});

	return epoch == 0 ? 1 : epoch; /* 0 means none */
}

/* ---- our own objects ------------------------------------------------------------------------- */

struct own_walk {
	struct sink *s;
	struct store_reader *r;
	int64_t last; /* looked at */
};

static bool own_only(void *context, const struct store_row *row)
{
	struct own_walk *w = context;

	w->last = row->serial;
	return is_ours(w->s, w->r, row->member);
}

static bool for_all(struct sink *s, struct store_reader *r, const struct store_row *row)
{
	for (size_t i = 0; i < s->members_count; i++) {
		const struct intel_recipient to = {
			.reach = INTEL_PEER, .member = slice_of(s->members[i])};

		if (strcmp(s->members[i], s->node->config.member) != 0 &&
			!intel_release(s->node->intel, r, &to, row))
			return false;
	}
	return s->members_count > 0;
}

static enum err_kind own_take(struct own_walk *w, struct store_cursor *cursor, size_t max,
	struct arena *a, struct coalition_own *own, size_t *ret_count, bool *ret_more,
	struct err *e)
{
	struct buf body = BUF_INIT;
	struct store_row row;
	size_t count = 0, bytes = 0;
	enum err_kind kind = OK;

	*ret_more = true;
	while (kind == OK && count < max && bytes < OWN_BYTES_MAX) {
		kind = store_cursor_next(cursor, &row, ret_more, e);
		if (kind != OK || !*ret_more)
			break;
		buf_clear(&body);
		kind = store_cursor_body(cursor, &body, e);
		own[count] = (struct coalition_own){(uint64_t)row.serial,
			arena_copy(a, buf_slice(&body)), for_all(w->s, w->r, &row)};
		if (kind == OK && own[count].content.data == NULL)
			kind = err_set(e, ERR_NOMEM, "out of memory");
		bytes += body.len;
		count++;
	}
	buf_fini(&body);
	*ret_count = count;
	return kind;
}

static enum err_kind sink_own_after(void *context, uint64_t after, size_t max, struct arena *a,
	struct coalition_own **ret_own, size_t *ret_count, struct err *e)
{
	struct sink *s = context;
	struct own_walk walk = {.s = s};
	const struct store_audience mine = {own_only, &walk};
	uint64_t from = s->own_after == after && s->own_scanned > after ? s->own_scanned : after;
	struct coalition_own *own = ARENA_ARRAY(a, struct coalition_own, max);
	struct store_cursor *cursor = NULL;
	bool more = true;
	enum err_kind kind = own == NULL ? err_set(e, ERR_NOMEM, "out of memory")
					 : store_reader_take(s->node->store, &walk.r, e);

	*ret_count = 0;
	walk.last = (int64_t)from;
	if (kind == OK)
		kind = store_all_open(walk.r, (int64_t)from, true, mine, &cursor, e);
	if (kind == OK)
		kind = own_take(&walk, cursor, max, a, own, ret_count, &more, e);
	store_cursor_free(cursor);
	store_reader_give(walk.r);
	if (kind != OK)
		return kind;
	if (!more && *ret_count == 0) {
		s->own_after = after;
		s->own_scanned = (uint64_t)walk.last;
	}
	*ret_own = own;
	return OK;
}

/* ---- what others send ------------------------------------------------------------------------ */

static struct high *high_of(struct sink *s, struct slice origin, struct err *e)
{
	struct high *more;

	for (size_t i = 0; i < s->high_count; i++) {
		if (slice_is(origin, s->high[i].origin))
			return &s->high[i];
	}
	more = realloc(s->high, (s->high_count + 1) * sizeof(*more));
	if (more == NULL || origin.len > COALITION_NAME_MAX) {
		s->high = more == NULL ? s->high : more;
		err_set(e, ERR_NOMEM, "out of memory");
		return NULL;
	}
	s->high = more;
	s->high[s->high_count] = (struct high){.serial = 0};
	memcpy(s->high[s->high_count].origin, origin.data, origin.len);
	return &s->high[s->high_count++];
}

/* u64be newest serial of this origin before, u32be count, count x (u64be index, hash[8]) */
static void last_write(int64_t before, const uint64_t *indices, const struct slice *contents,
	size_t count, struct buf *out)
{
	uint8_t number[8], digest[SHA256_LEN];

	put_u64(number, (uint64_t)before);
	buf_append(out, number, 8);
	put_u32(number, (uint32_t)count);
	buf_append(out, number, 4);
	for (size_t i = 0; i < count; i++) {
		put_u64(number, indices[i]);
		buf_append(out, number, 8);
		hash_sha256(contents[i], digest);
		buf_append(out, digest, LAST_HASH);
	}
}

/* Are these the very bytes that are here? What differs in white space opens no other leaf. */
static enum err_kind same_bytes(
	struct store_reader *r, int64_t serial, struct slice content, bool *ret_same, struct err *e)
{
	struct buf body = BUF_INIT;
	bool found = false;
	enum err_kind kind = store_get_serial(r, serial, &body, &found, e);

	*ret_same = kind == OK && found && slice_equal(buf_slice(&body), content);
	buf_fini(&body);
	return kind;
}

/* What was here before under another name stays that one's, and this one vouches for it too: the
 * store lets it go when nobody does. Of other bytes the log keeps a copy for itself. */
static enum err_kind serials_fill(struct sink *s, struct slice name, const uint64_t *indices,
	const struct slice *contents, const struct intel_verdict *verdicts, size_t count,
	uint64_t *ret_serials, struct err *e)
{
	struct arena *a = arena_new(MIB(16));
	struct store_reader *r = NULL;
	bool same;
	enum err_kind kind = a == NULL ? err_set(e, ERR_NOMEM, "out of memory")
				       : store_reader_take(s->node->store, &r, e);

	for (size_t i = 0; i < count && kind == OK; i++) {
		struct slice member = {0};
		uint64_t index;
		int64_t added;
		bool rests = false;

		ret_serials[i] =
			verdicts[i].outcome == INTEL_NEW || verdicts[i].outcome == INTEL_KNOWN
				? (uint64_t)verdicts[i].serial
				: 0;
		if (verdicts[i].outcome != INTEL_KNOWN)
			continue;
		kind = store_origin_get(r, verdicts[i].serial, a, &member, &index, &added, e);
		/* What was handed over to this one goes with the last leaf that vouches for it. */
		if (kind == OK)
			kind = store_rests_on_vouch(r, verdicts[i].serial, &rests, e);
		if (kind == OK && (rests || !slice_equal(member, name))) {
			int64_t number = 0;

			kind = same_bytes(r, verdicts[i].serial, contents[i], &same, e);
			if (kind == OK && same)
				kind = store_vouch(s->node->store, verdicts[i].serial, name,
					indices[i], &number, e);
			ret_serials[i] = (uint64_t)number;
		}
		arena_reset(a);
	}
	store_reader_give(r);
	arena_free(a);
	return kind;
}

static enum err_kind source_make(struct sink *s, struct slice origin, struct arena *a,
	struct intel_source *ret_source, struct err *e)
{
	struct store_collection *c = ARENA_NEW(a, struct store_collection);
	bool found = false;
	enum err_kind kind = c == NULL
				     ? err_set(e, ERR_NOMEM, "out of memory")
				     : store_collection_get(s->node->store,
					       slice_of(s->node->config.received), a, c, &found, e);

	*ret_source = (struct intel_source){
		.member = arena_printf(a, SINK_MEMBER "%.*s", SLICE_ARG(origin)),
		.collections = found ? &c->number : NULL,
		.collections_count = found};
	if (kind == OK && ret_source->member.data == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	return kind;
}

static enum err_kind sink_accept(void *context, struct slice origin, const uint64_t *indices,
	const struct slice *contents, size_t count, uint64_t *ret_serials, struct err *e)
{
	struct sink *s = context;
	struct arena *a = arena_new(ACCEPT_ARENA);
	struct high *high = high_of(s, origin, e);
	struct buf last = BUF_INIT, key = BUF_INIT;
	struct intel_verdict *verdicts;
	struct intel_source source = {0};
	struct store_note note;
	enum err_kind kind;

	if (a == NULL || high == NULL ||
		(verdicts = ARENA_ARRAY(a, struct intel_verdict, count)) == NULL) {
		arena_free(a);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	last_write(high->serial, indices, contents, count, &last);
	buf_printf(&key, "coalition/last/%.*s", SLICE_ARG(origin));
	note = (struct store_note){buf_slice(&key), buf_slice(&last)};
	kind = last.bad || key.bad ? err_set(e, ERR_NOMEM, "out of memory")
				   : source_make(s, origin, a, &source, e);
	if (kind == OK)
		kind = intel_accept(
			s->node->intel, &source, contents, count, &note, 1, a, verdicts, e);
	if (kind == OK)
		kind = serials_fill(
			s, source.member, indices, contents, verdicts, count, ret_serials, e);
	for (size_t i = 0; i < count && kind == OK; i++) {
		if (verdicts[i].outcome == INTEL_NEW && verdicts[i].serial > high->serial)
			high->serial = verdicts[i].serial;
	}
	buf_fini(&last);
	buf_fini(&key);
	arena_free(a);
	return kind;
}

struct last_walk {
	struct sink *s;
	struct store_reader *r;
	struct slice origin;
};

static bool from_origin(void *context, const struct store_row *row)
{
	struct last_walk *w = context;

	return is_from(w->r, row->member, w->origin);
}

/* All of this origin that came since: each is one of the batch. */
static enum err_kind last_match(struct last_walk *w, struct store_cursor *cursor, struct slice list,
	struct high *high, uint64_t *indices, uint64_t *serials, size_t *ret_count, struct err *e)
{
	struct buf body = BUF_INIT;
	struct store_row row;
	uint8_t digest[SHA256_LEN];
	size_t most = list.len / (8 + LAST_HASH);
	bool more = true;
	enum err_kind kind = OK;

	while (kind == OK && (kind = store_cursor_next(cursor, &row, &more, e)) == OK && more) {
		buf_clear(&body);
		kind = store_cursor_body(cursor, &body, e);
		hash_sha256(buf_slice(&body), digest);
		high->serial = row.serial;
		for (size_t i = 0; i < most && kind == OK && *ret_count < most; i++) {
			struct reader one = {
				.rest = slice_cut(list, i * (8 + LAST_HASH), list.len)};
			uint64_t index = read_u64(&one);

			if (memcmp(read_bytes(&one, LAST_HASH).data, digest, LAST_HASH) != 0)
				continue;
			indices[*ret_count] = index;
			serials[(*ret_count)++] = (uint64_t)row.serial;
			break;
		}
	}
	(void)w;
	buf_fini(&body);
	return kind;
}

static enum err_kind sink_accepted(void *context, struct slice origin, struct arena *a,
	uint64_t **ret_indices, uint64_t **ret_serials, size_t *ret_count, struct err *e)
{
	struct sink *s = context;
	struct last_walk walk = {.s = s, .origin = origin};
	const struct store_audience theirs = {from_origin, &walk};
	struct high *high = high_of(s, origin, e);
	struct store_cursor *cursor = NULL;
	struct buf key = BUF_INIT, last = BUF_INIT;
	struct reader r;
	bool found = false;
	enum err_kind kind = high == NULL ? ERR_NOMEM : OK;

	*ret_count = 0;
	buf_printf(&key, "coalition/last/%.*s", SLICE_ARG(origin));
	if (kind == OK)
		kind = store_note_get(s->node->store, buf_slice(&key), &last, &found, e);
	buf_fini(&key);
	if (kind != OK || !found) {
		buf_fini(&last);
		return kind;
	}
	r = (struct reader){.rest = buf_slice(&last)};
	high->serial = (int64_t)read_u64(&r);
	*ret_indices = ARENA_ARRAY(a, uint64_t, read_u32(&r) + 1);
	*ret_serials = ARENA_ARRAY(a, uint64_t, r.rest.len / (8 + LAST_HASH) + 1);
	if (r.bad || *ret_indices == NULL || *ret_serials == NULL)
		kind = err_set(
			e, ERR_CORRUPT, "the note of what %.*s sent last", SLICE_ARG(origin));
	if (kind == OK)
		kind = store_reader_take(s->node->store, &walk.r, e);
	if (kind == OK)
		kind = store_all_open(walk.r, high->serial, true, theirs, &cursor, e);
	if (kind == OK)
		kind = last_match(
			&walk, cursor, r.rest, high, *ret_indices, *ret_serials, ret_count, e);
	store_cursor_free(cursor);
	store_reader_give(walk.r);
	buf_fini(&last);
	return kind;
}

static enum err_kind sink_content(
	void *context, uint64_t serial, struct buf *out, bool *ret_found, struct err *e)
{
	struct sink *s = context;
	struct store_reader *r = NULL;
	int64_t version;
	enum err_kind kind = store_reader_take(s->node->store, &r, e);

	if (kind == OK)
		kind = store_vouched_get(r, (int64_t)serial, &version, ret_found, e);
	if (kind == OK && *ret_found)
		kind = store_get_serial(r, version, out, ret_found, e);
	store_reader_give(r);
	return kind;
}

static enum err_kind sink_forget(void *context, uint64_t serial, struct err *e)
{
	struct sink *s = context;
	bool found;

	return store_forget(s->node->store, (int64_t)serial, &found, e);
}

static bool sink_forgotten(void *context)
{
	struct sink *s = context;
	bool purged = false;

	return store_purged(s->node->store, &purged, NULL) == OK && purged;
}

/* ---- what the store refused ------------------------------------------------------------------ */

static enum err_kind sink_keep(
	void *context, struct slice member, struct coalition_keep *ret_keep, struct err *e)
{
	struct sink *s = context;
	struct intel_keep keep;

	(void)member; /* nobody knows by which way it may have come: the strictest of all counts */
	(void)e;
	*ret_keep = (struct coalition_keep){.us = -1};
	if (!intel_keep_least(s->node->intel, &keep))
		return OK;
	ret_keep->us = keep.days * INT64_C(86400) * US_PER_SECOND;
	snprintf(ret_keep->rule, sizeof(ret_keep->rule), "%s", keep.rule);
	memcpy(ret_keep->policy, keep.policy, SHA256_LEN);
	return OK;
}

static enum err_kind sink_expired(void *context, struct slice member,
	const struct coalition_keep *keep, const struct coalition_held *list, size_t count,
	struct err *e)
{
	struct sink *s = context;
	struct store_deleted *records = calloc(count, sizeof(*records));
	int64_t now = world_now(s->world), until = INT64_MIN;
	struct buf name = BUF_INIT;
	enum err_kind kind = OK;

	if (records == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	buf_printf(&name, SINK_MEMBER "%.*s", SLICE_ARG(member));
	if (name.bad)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < count && kind == OK; i++) {
		struct store_deleted *d = &records[i];

		*d = (struct store_deleted){.at_us = now,
			.number = STORE_REFUSED + (int64_t)list[i].index,
			.due_us = list[i].arrived_us + keep->us,
			.member = buf_slice(&name),
			.rule = slice_of(keep->rule)};
		memcpy(d->policy, keep->policy, SHA256_LEN);
		if (list[i].arrived_us > until)
			until = list[i].arrived_us;
	}
	if (kind == OK)
		kind = store_refused_expire(s->node->store, records, count, until, e);
	buf_fini(&name);
	free(records);
	return kind;
}

/* ---- the policy in force --------------------------------------------------------------------- */

/* Our own overlay, which may only tighten; empty: there is none. */
static enum err_kind overlay_read(struct sink *s, struct buf *ret_text, struct err *e)
{
	char path[4096];
	int len = snprintf(path, sizeof(path), "%s/" OVERLAY_FILE, s->node->config.folder);

	if (len <= 0 || len >= (int)sizeof(path))
		return err_set(e, ERR_LIMIT, "path too long");
	return access(path, F_OK) == 0 ? file_read(path, POLICY_BYTES_MAX, ret_text, e) : OK;
}

/* In place of a policy that cannot be enforced: no rule permits anything. */
#define NOTHING                                                                                    \
	"{\"type\":\"policy\",\"name\":\"none\",\"version\":1,"                                    \
	"\"expires\":\"9999-12-31T00:00:00Z\",\"rules\":[]}"

static enum err_kind members_keep(struct sink *s, const struct charter *charter, struct err *e)
{
	char(*members)[COALITION_NAME_MAX + 1] =
		calloc(charter->members_count + 1, sizeof(*members));

	if (members == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < charter->members_count; i++)
		memcpy(members[i], charter->members[i].name, sizeof(members[i]));
	free(s->members);
	s->members = members;
	s->members_count = charter->members_count;
	return OK;
}

static enum err_kind sink_in_force(void *context, const struct charter *charter,
	const struct decision *decision, struct err *e)
{
	struct sink *s = context;
	struct slice names[COALITION_MEMBERS_MAX];
	struct policy_parties parties = {names, charter->members_count};
	struct slice self = slice_of(s->node->config.member);
	struct slice texts[2] = {decision->content};
	struct slice none = SLICE(NOTHING);
	struct buf overlay = BUF_INIT;
	enum err_kind kind;

	if (!slice_is(decision->kind, "policy"))
		return OK;
	for (size_t i = 0; i < charter->members_count; i++)
		names[i] = slice_of(charter->members[i].name);
	kind = members_keep(s, charter, e);
	if (kind == OK)
		kind = overlay_read(s, &overlay, e);
	texts[1] = buf_slice(&overlay);
	if (kind == OK)
		kind = intel_policy_keep(
			s->node->intel, &parties, self, texts, overlay.len > 0 ? 2 : 1, e);
	if (kind != OK)
		s->members_count = 0;
	if (kind != OK && intel_policy_keep(s->node->intel, &parties, self, &none, 1, NULL) != OK)
		err_wrap(e, "and no other could be put in its place");
	buf_fini(&overlay);
	s->policies++;
	return kind;
}

/* ---- opening --------------------------------------------------------------------------------- */

enum err_kind sink_open(struct node *node, const struct world *world, struct sink **ret_sink,
	struct coalition_sink *ret_doors, struct err *e)
{
	struct sink *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	s->node = node;
	s->world = world;
	world->random(world->context, &s->boot, sizeof(s->boot));
	*ret_sink = s;
	*ret_doors = (struct coalition_sink){
		.own_after = sink_own_after,
		.accept = sink_accept,
		.accepted = sink_accepted,
		.content = sink_content,
		.may = sink_may,
		.released = sink_released,
		.forget = sink_forget,
		.in_force = sink_in_force,
		.epoch = sink_epoch,
		.context = s,
		.forgotten = sink_forgotten,
		.keep = sink_keep,
		.expired = sink_expired,
	};
	return OK;
}

void sink_free(struct sink *s)
{
	if (s == NULL)
		return;
	free(s->members);
	free(s->high);
	free(s);
}
