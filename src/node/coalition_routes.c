/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What other members, and anybody who verifies, may ask over HTTP. Members are known by the key of
 * their certificate alone, as the charter pins it.
 */
#include <stdlib.h>
#include <unistd.h>

#include "parts.h"

#define TILE_PARTS_MAX 6 /* level, up to four groups of a number, width */
#define OTHER_ROWS     3 /* events, checkpoint, add-checkpoint */
#define ROWS           (COALITION_ASKS + OTHER_ROWS + TILE_PARTS_MAX - 1)
#define ADD_BODY_MAX   KIB(256) /* 63 hashes and a note */
#define FOR_EVER       "public, max-age=31536000, immutable"

struct bucket {
	char member[COALITION_NAME_MAX + 1];
	int64_t at_us;
	int64_t tokens; /* millionths */
};

struct routes {
	struct seat *seat;
	struct http_route rows[ROWS];
	size_t count;
	struct ask_context {
		struct routes *routes;
		enum coalition_ask ask;
	} asks[COALITION_ASKS];
	struct http_accounts accounts;
	pthread_mutex_t lock; /* guards what follows */
	struct bucket buckets[COALITION_MEMBERS_MAX];
	size_t buckets_count;
};

/* ---- who asks -------------------------------------------------------------------------------- */

static const struct charter_member *member_by_pin(struct routes *r, const uint8_t pin[SHA256_LEN])
{
	const struct charter *c = coalition_charter(r->seat->coalition);

	for (size_t i = 0; c != NULL && i < c->members_count; i++) {
		if (memcmp(c->members[i].pin, pin, SHA256_LEN) == 0 &&
			strcmp(c->members[i].name, r->seat->node->config.member) != 0)
			return &c->members[i];
	}
	return NULL;
}

static enum err_kind by_name(void *context, struct slice name, struct arena *a,
	struct store_account *ret_account, bool *ret_found, struct err *e)
{
	struct routes *r = context;

	return store_account_get(r->seat->node->store, name, a, ret_account, ret_found, e);
}

static enum err_kind by_token(void *context, const uint8_t token[SHA256_LEN], struct arena *a,
	struct store_account *ret_account, bool *ret_found, struct err *e)
{
	struct routes *r = context;

	return store_account_by_token(r->seat->node->store, token, a, ret_account, ret_found, e);
}

/* A member that has no account of its own is one that may read nothing but what is public. */
static enum err_kind by_pin(void *context, const uint8_t pin[SHA256_LEN], struct arena *a,
	struct store_account *ret_account, bool *ret_found, struct err *e)
{
	struct routes *r = context;
	const struct charter_member *m = member_by_pin(r, pin);
	enum err_kind kind =
		store_account_by_pin(r->seat->node->store, pin, a, ret_account, ret_found, e);

	if (kind != OK || m == NULL)
		return kind;
	if (*ret_found && !ret_account->disabled && slice_is(ret_account->member, m->name))
		return OK;
	*ret_account = (struct store_account){.number = -1,
		.name = arena_printf(a, SINK_MEMBER "%s", m->name),
		.role = STORE_READER,
		.has_pin = true,
		.member = arena_copy(a, slice_of(m->name))};
	memcpy(ret_account->pin, pin, SHA256_LEN);
	*ret_found = true;
	return ret_account->name.data == NULL || ret_account->member.data == NULL
		       ? err_set(e, ERR_NOMEM, "out of memory")
		       : OK;
}

static uint64_t accounts_epoch(void *context)
{
	struct routes *r = context;
	const struct charter *c = coalition_charter(r->seat->coalition);

	return store_access_epoch(r->seat->node->store) + (c == NULL ? 0 : c->version);
}

static const struct charter_member *member_of(struct routes *r, const struct http_request *q)
{
	/* Towards members nothing older than TLS 1.3, whoever began. */
	return q->account == NULL || !q->client_certificate || !q->tls_1_3
		       ? NULL
		       : member_by_pin(r, q->account->pin);
}

/* ---- how often ------------------------------------------------------------------------------- */

static struct bucket *bucket_of(struct routes *r, const char *member, int64_t now)
{
	size_t oldest = 0;

	for (size_t i = 0; i < r->buckets_count; i++) {
		if (strcmp(r->buckets[i].member, member) == 0)
			return &r->buckets[i];
		if (r->buckets[i].at_us < r->buckets[oldest].at_us)
			oldest = i;
	}
	if (r->buckets_count < COALITION_MEMBERS_MAX)
		oldest = r->buckets_count++;
	r->buckets[oldest] = (struct bucket){.at_us = now, .tokens = ROUTES_BURST * US_PER_SECOND};
	memcpy(r->buckets[oldest].member, member, sizeof(r->buckets[oldest].member));
	return &r->buckets[oldest];
}

static bool may_ask_now(struct routes *r, const char *member)
{
	int64_t now = world_monotonic(r->seat->world);
	struct bucket *b;
	bool may;

	pthread_mutex_lock(&r->lock);
	b = bucket_of(r, member, now);
	b->tokens += (now - b->at_us) * ROUTES_SECOND;
	b->at_us = now;
	if (b->tokens > ROUTES_BURST * US_PER_SECOND)
		b->tokens = ROUTES_BURST * US_PER_SECOND;
	may = b->tokens >= US_PER_SECOND;
	if (may)
		b->tokens -= US_PER_SECOND;
	pthread_mutex_unlock(&r->lock);
	return may;
}

/* ---- answers --------------------------------------------------------------------------------- */

static void refuse(
	const struct http_request *q, struct http_reply *reply, unsigned status, const char *text)
{
	reply->status = status;
	reply->content_type = "text/plain; charset=utf-8";
	reply->body = arena_printf(q->arena, "%s\n", text);
	if (status == 429)
		http_reply_header(reply, "Retry-After", SLICE("1"));
}

static unsigned status_of(enum err_kind kind)
{
	static const unsigned statuses[ERR_KINDS] = {[ERR_PARSE] = 400,
		[ERR_DENIED] = 403,
		[ERR_LIMIT] = 413,
		[ERR_INVALID] = 422,
		[ERR_BUSY] = 503};

	return statuses[kind] == 0 ? 500 : statuses[kind];
}

static void bytes_answer(
	const struct http_request *q, struct http_reply *reply, struct buf *take, const char *type)
{
	reply->shared = http_shared_new(take);
	if (reply->shared == NULL) {
		refuse(q, reply, 500, "out of memory");
		return;
	}
	reply->status = 200;
	reply->content_type = type;
}

static enum err_kind body_get(
	const struct http_request *q, size_t most, struct slice *ret_body, struct err *e)
{
	char *to;
	size_t got = 0;

	*ret_body = q->body;
	if (q->body_fd < 0)
		return OK;
	if (q->body_bytes > most)
		return err_set(e, ERR_LIMIT, "a request of %llu bytes, at most %zu",
			(unsigned long long)q->body_bytes, most);
	to = arena_alloc(q->arena, (size_t)q->body_bytes + 1);
	if (to == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	while (got < q->body_bytes) {
		ssize_t n = pread(q->body_fd, to + got, (size_t)q->body_bytes - got, (off_t)got);

		if (n <= 0)
			return err_set(e, ERR_IO, "could not read the request");
		got += (size_t)n;
	}
	*ret_body = (struct slice){to, got};
	return OK;
}

static void handle_ask(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct ask_context *ask = context;
	struct routes *r = ask->routes;
	const struct charter_member *m = member_of(r, q);
	struct buf out = BUF_MAX(COALITION_ANSWER_MAX + KIB(64));
	struct slice body;
	struct err e = {0};
	enum err_kind kind;

	if (m == NULL) {
		refuse(q, reply, 403, "for members of the coalition, by their certificate");
		return;
	}
	if (!may_ask_now(r, m->name)) {
		refuse(q, reply, 429, "too many requests");
		return;
	}
	kind = body_get(q, COALITION_REQUEST_MAX, &body, &e);
	if (kind == OK)
		kind = coalition_answer(
			r->seat->coalition, slice_of(m->name), ask->ask, body, &out, &e);
	peers_wake(r->seat, slice_of(m->name));
	if (kind != OK)
		refuse(q, reply, status_of(kind), e.text);
	else
		bytes_answer(q, reply, &out, "application/octet-stream");
	buf_fini(&out);
}

/* A stream that never ends, of what there is for this member to ask. */
static void handle_events(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct routes *r = context;
	const struct charter_member *m = member_of(r, q);
	unsigned status = 429;

	if (m == NULL) {
		refuse(q, reply, 403, "for members of the coalition, by their certificate");
		return;
	}
	if (may_ask_now(r, m->name))
		reply->events = events_begin(
			r->seat->events, m->name, http_request_header(q, "Last-Event-ID"), &status);
	if (reply->events == NULL) {
		refuse(q, reply, status, "too many streams");
		return;
	}
	reply->status = 200;
	peers_wake(r->seat, slice_of(m->name));
}

/* ---- logs ------------------------------------------------------------------------------------ */

static struct ledger *log_of(
	struct routes *r, const struct http_request *q, struct http_reply *reply)
{
	struct ledger *log;

	if (!r->seat->node->config.log_open && member_of(r, q) == NULL &&
		(q->account == NULL || q->account->role != STORE_ADMINISTRATOR)) {
		refuse(q, reply, 403, "for members of the coalition (log_open = no)");
		return NULL;
	}
	log = coalition_ledger(r->seat->coalition, q->parts[0]);
	if (log == NULL)
		refuse(q, reply, 404, "no such log");
	return log;
}

static void handle_checkpoint(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct routes *r = context;
	struct ledger *log = log_of(r, q, reply);
	struct buf note = BUF_INIT;
	struct err e = {0};

	if (log == NULL)
		return;
	if (ledger_checkpoint_get(log, &note, &e) != OK)
		refuse(q, reply, 500, e.text);
	else if (note.len == 0)
		refuse(q, reply, 404, "no checkpoint yet");
	else
		bytes_answer(q, reply, &note, "text/plain; charset=utf-8");
	http_reply_header(reply, "Cache-Control", SLICE("no-cache"));
	buf_fini(&note);
}

/* The size that the latest checkpoint signs: tiles of more are not there yet. */
static enum err_kind signed_size(
	struct ledger *log, struct arena *a, uint64_t *ret_size, struct err *e)
{
	struct note_checkpoint checkpoint;
	struct buf bytes = BUF_INIT;
	struct note note;
	enum err_kind kind = ledger_checkpoint_get(log, &bytes, e);

	*ret_size = 0;
	if (kind == OK && bytes.len > 0)
		kind = note_parse(buf_slice(&bytes), a, &note, e);
	if (kind == OK && bytes.len > 0)
		kind = note_checkpoint_parse(note.text, &checkpoint, e);
	if (kind == OK && bytes.len > 0)
		*ret_size = checkpoint.size < ledger_size(log) ? checkpoint.size : ledger_size(log);
	buf_fini(&bytes);
	return kind;
}

static void handle_tile(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct routes *r = context;
	struct ledger *log = log_of(r, q, reply);
	struct buf path = BUF_INIT, tile = BUF_INIT;
	uint64_t size = 0, number;
	unsigned width;
	int level;
	bool found = false;
	struct err e = {0};
	enum err_kind kind;

	if (log == NULL)
		return;
	buf_text(&path, "tile");
	for (size_t i = 1; i < q->parts_count; i++) {
		buf_char(&path, '/');
		buf_slice_append(&path, q->parts[i]);
	}
	kind = path.bad ? err_set(&e, ERR_NOMEM, "out of memory")
			: ledger_tile_parse(buf_slice(&path), &level, &number, &width, &e);
	if (kind == OK)
		kind = signed_size(log, q->arena, &size, &e);
	if (kind == OK)
		kind = ledger_tile_get(log, size, level, number, width, &tile, &found, &e);
	if (kind != OK)
		refuse(q, reply, kind == ERR_PARSE ? 404 : 500, e.text);
	else if (!found)
		refuse(q, reply, 404, "no such tile");
	else
		bytes_answer(q, reply, &tile, "application/octet-stream");
	if (found) /* a partial tile never changes either: its width is in its name */
		http_reply_header(reply, "Cache-Control", slice_of(FOR_EVER));
	buf_fini(&path);
	buf_fini(&tile);
}

static void handle_add_checkpoint(
	void *context, const struct http_request *q, struct http_reply *reply)
{
	struct routes *r = context;
	const struct charter_member *m = member_of(r, q);
	struct buf out = BUF_INIT;
	struct slice body;
	unsigned status = 0;
	struct err e = {0};
	enum err_kind kind;

	if (m == NULL && !r->seat->node->config.log_open) {
		refuse(q, reply, 403, "for members of the coalition (log_open = no)");
		return;
	}
	/* All who are no members share what one has. */
	if (!may_ask_now(r, m == NULL ? "/" : m->name)) {
		refuse(q, reply, 429, "too many requests");
		return;
	}
	kind = body_get(q, ADD_BODY_MAX, &body, &e);
	if (kind == OK)
		kind = coalition_add_checkpoint(r->seat->coalition, body, &status, &out, &e);
	if (kind != OK)
		refuse(q, reply, status_of(kind), e.text);
	else
		bytes_answer(q, reply, &out,
			status == 409 ? "text/x.tlog.size" : "text/plain; charset=utf-8");
	if (kind == OK && reply->shared != NULL)
		reply->status = status;
	buf_fini(&out);
}

/* ---- the table ------------------------------------------------------------------------------- */

static void row_add(struct routes *r, unsigned methods, const char *pattern, size_t body_max,
	void (*handle)(void *, const struct http_request *, struct http_reply *), const char *says,
	void *context)
{
	r->rows[r->count++] = (struct http_route){.methods = methods,
		.pattern = pattern,
		.access = HTTP_MAYBE,
		.body_max = body_max,
		.handle = handle,
		.says = says,
		.context = context};
}

enum err_kind routes_open(struct seat *s, struct routes **ret_routes, struct err *e)
{
	static const char *const patterns[COALITION_ASKS] = {"/coalition/v1/heads",
		"/coalition/v1/leaves", "/coalition/v1/openings", "/coalition/v1/cosign",
		"/coalition/v1/conflict"};
	static const char *const says[COALITION_ASKS] = {"coalition_heads", "coalition_leaves",
		"coalition_openings", "coalition_cosign", "coalition_conflict"};
	static const char *const tiles[] = {"/log/{member}/tile/{level}/{a}",
		"/log/{member}/tile/{level}/{a}/{b}", "/log/{member}/tile/{level}/{a}/{b}/{c}",
		"/log/{member}/tile/{level}/{a}/{b}/{c}/{d}",
		"/log/{member}/tile/{level}/{a}/{b}/{c}/{d}/{e}"};
	struct routes *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	r->seat = s;
	pthread_mutex_init(&r->lock, NULL);
	r->accounts = (struct http_accounts){by_name, by_token, by_pin, accounts_epoch, r};
	for (unsigned i = 0; i < COALITION_ASKS; i++) {
		r->asks[i].routes = r;
		r->asks[i].ask = (enum coalition_ask)i;
		row_add(r, HTTP_POST, patterns[i], COALITION_REQUEST_MAX, handle_ask, says[i],
			&r->asks[i]);
	}
	row_add(r, HTTP_GET, EVENTS_PATH, 0, handle_events, "coalition_events", r);
	row_add(r, HTTP_GET, "/log/{member}/checkpoint", 0, handle_checkpoint, "log_checkpoint", r);
	row_add(r, HTTP_POST, "/witness/add-checkpoint", ADD_BODY_MAX, handle_add_checkpoint,
		"witness_add_checkpoint", r);
	for (size_t i = 0; i < COUNT_OF(tiles); i++)
		row_add(r, HTTP_GET, tiles[i], 0, handle_tile, "log_tile", r);
	*ret_routes = r;
	return OK;
}

void routes_free(struct routes *r)
{
	if (r == NULL)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

const struct http_route *routes_table(const struct routes *r, size_t *ret_count)
{
	*ret_count = r->count;
	return r->rows;
}

const struct http_accounts *routes_accounts(const struct routes *r)
{
	return &r->accounts;
}
