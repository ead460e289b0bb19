/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Pulling: which collections, into which of ours, and the keeping side of each. The place reached
 * is written in the transaction of the objects that lead to it.
 */
#include <stdlib.h>

#include "pull.h"

#define PULL_LIMIT_DEFAULT 1000 /* objects per page asked for */
#define PULL_ARENA_MAX     MIB(16)
#define NOTICE_MS          200 /* how soon a wish to stop is noticed while nothing comes */
/* Pages smaller than this share a transaction: each one costs a sync. */
#define MARK_LEAST 500

struct pulling {
	struct intel *intel;
	const struct taxii_pull *pull;
	struct arena *arena;
	struct remote remote; /* for what is asked outside of walks */
	/* of the walk that runs */
	struct pull_queue queue;
	struct intel_intake *intake;
	struct slice key; /* of the note */
	struct slice url;
	struct buf saved;   /* the note as it was last written */
	struct buf reached; /* the note as it is to be written */
	uint64_t unmarked;  /* objects since */
	/* of all walks */
	uint64_t index;
	uint64_t pages;
	struct intel_counts before; /* of walks that are over */
};

static void report(void *context, const struct intel_verdict *verdict)
{
	struct pulling *p = context;

	if (p->pull->refused != NULL)
		p->pull->refused(p->pull->context, verdict);
}

static void counts_add(struct intel_counts *to, const struct intel_counts *more)
{
	to->objects += more->objects;
	to->bytes += more->bytes;
	to->losses += more->losses;
	for (int i = 0; i < INTEL_OUTCOMES; i++)
		to->by_outcome[i] += more->by_outcome[i];
}

/* False: the caller wants to stop. */
static bool progress(struct pulling *p)
{
	struct intel_counts counts = intel_intake_counts(p->intake);

	counts_add(&counts, &p->before);
	return p->pull->progress == NULL || p->pull->progress(p->pull->context, &counts, p->pages);
}

/* ---- the keeping side ------------------------------------------------------------------ */

/* What was kept so far and the place belong together. */
static enum err_kind place_mark(struct pulling *p, struct err *e)
{
	struct store_note note = {p->key, buf_slice(&p->reached)};
	enum err_kind kind;

	p->unmarked = 0;
	if (p->reached.len == 0 || slice_equal(buf_slice(&p->reached), buf_slice(&p->saved)))
		return OK;
	kind = intel_intake_mark(p->intake, &note, e);
	if (kind != OK)
		return kind;
	buf_clear(&p->saved);
	buf_slice_append(&p->saved, buf_slice(&p->reached));
	return p->saved.bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

static enum err_kind objects_keep(struct pulling *p, const struct pull_item *item, struct err *e)
{
	size_t start = 0;
	enum err_kind kind = OK;

	for (size_t i = 0; i < item->count && kind == OK; i++) {
		const struct pull_object *o = &item->objects[i];
		struct intel_place place = o->place;

		place.index = p->index++;
		if (o->problem != NULL)
			kind = intel_intake_problem(p->intake, o->problem, &place, e);
		else
			kind = intel_intake_push(p->intake,
				slice_cut(buf_slice(&item->bytes), start, o->end), &place, e);
		start = o->end;
	}
	p->unmarked += item->count;
	return kind;
}

static enum err_kind page_keep(struct pulling *p, const struct pull_item *item, struct err *e)
{
	buf_clear(&p->reached);
	pull_place_write(&item->place, p->url, &p->reached);
	if (p->reached.bad)
		return err_set(e, ERR_NOMEM, "out of memory");
	p->pages++;
	return p->unmarked >= MARK_LEAST ? place_mark(p, e) : OK;
}

/* Take items until the walk ends, the caller has enough, or something fails. */
static enum err_kind items_keep(struct pulling *p, bool *ret_stopped, struct err *e)
{
	enum err_kind kind = OK;

	for (;;) {
		struct pull_item *item = pull_queue_take(&p->queue, NOTICE_MS);
		bool is_end = item != NULL && item->what == PULL_END;

		if (item == NULL) {
			if (pull_queue_closed(&p->queue))
				return err_set(e, ERR_NOMEM, "out of memory");
		} else if (item->what == PULL_OBJECTS) {
			kind = objects_keep(p, item, e);
		} else if (item->what == PULL_PAGE) {
			kind = page_keep(p, item, e);
		} else if (item->what == PULL_WARNING) {
			if (p->pull->warned != NULL)
				p->pull->warned(p->pull->context, item->error.text);
		} else if (item->kind != OK) {
			kind = item->kind;
			if (e != NULL)
				*e = item->error;
		}
		pull_item_free(item);
		if (kind != OK || is_end)
			return kind;
		if (!progress(p)) {
			*ret_stopped = true;
			return OK;
		}
	}
}

/* ---- one collection -------------------------------------------------------------------- */

/* On the fetching thread: told in order with the objects, on the caller's. */
static void walk_warned(void *context, const char *what)
{
	struct pulling *p = context;
	struct pull_item *item = pull_item_new(PULL_WARNING);

	if (item == NULL)
		return;
	err_set(&item->error, ERR_INVALID, "%s", what);
	(void)pull_queue_put(&p->queue, item);
}

static bool walk_wait(void *context, int64_t us)
{
	struct pulling *p = context;

	return p->pull->wait != NULL ? p->pull->wait(p->pull->context, us)
				     : pull_queue_sleep(&p->queue, us);
}

static void *walk_thread(void *context)
{
	pull_walk_run(context);
	return NULL;
}

static enum err_kind walk_and_keep(
	struct pulling *p, struct pull_walk *w, bool *ret_stopped, struct err *e)
{
	pthread_t thread;
	enum err_kind kind;

	if (pthread_create(&thread, NULL, walk_thread, w) != 0)
		return err_set(e, ERR_NOMEM, "could not start a thread");
	kind = items_keep(p, ret_stopped, e);
	pull_queue_close(&p->queue);
	pthread_join(thread, NULL);
	return kind;
}

/* What was reached is written, also when the walk broke off: the next pull goes on from there. */
static enum err_kind walk_finish(struct pulling *p, enum err_kind walked, struct err *e)
{
	struct intel_counts counts = {0};
	struct err failure;
	enum err_kind kind = place_mark(p, &failure);

	if (kind == OK)
		kind = intel_intake_flush(p->intake, NULL, &counts, &failure);
	if (kind == OK)
		counts_add(&p->before, &counts);
	if (walked == OK && kind != OK && e != NULL)
		*e = failure;
	return walked != OK ? walked : kind;
}

/* "pull/" and a hash of where from, where to: a pull into another collection begins at the start.
 */
static struct slice note_key(struct pulling *p, struct slice url, const struct intel_source *source)
{
	uint8_t digest[SHA256_LEN];
	struct buf text = BUF_INIT, key = BUF_INIT;
	struct slice kept = {0};

	buf_slice_append(&text, url);
	for (size_t i = 0; i < source->collections_count; i++)
		buf_printf(&text, "\n%lld", (long long)source->collections[i]);
	hash_sha256(buf_slice(&text), digest);
	buf_text(&key, "pull/");
	hex_append(&key, digest, 16);
	if (!text.bad && !key.bad)
		kept = arena_copy(p->arena, buf_slice(&key));
	buf_fini(&text);
	buf_fini(&key);
	return kept;
}

static enum err_kind place_load(struct pulling *p, struct pull_place *ret_place, struct err *e)
{
	bool found = false;
	enum err_kind kind = OK;

	buf_clear(&p->saved);
	buf_clear(&p->reached);
	*ret_place = (struct pull_place){0};
	if (!p->pull->from_start)
		kind = store_note_get(intel_store(p->intel), p->key, &p->saved, &found, e);
	if (kind == OK && found && !pull_place_read(buf_slice(&p->saved), ret_place))
		return err_set(e, ERR_CORRUPT,
			"the saved place of %.*s cannot be read: pull from the start",
			SLICE_ARG(p->url));
	return kind;
}

static enum err_kind collection_pull(struct pulling *p, struct slice url,
	const struct intel_source *source, bool *ret_stopped, struct err *e)
{
	const struct intel_intake_options options = {
		.source = *source, .report = report, .context = p};
	struct pull_walk w = {.remote = p->remote, .queue = &p->queue, .url = url};
	enum err_kind kind;

	w.limit = p->pull->limit != 0 ? p->pull->limit : PULL_LIMIT_DEFAULT;
	w.remote.warned = walk_warned;
	w.remote.wait = walk_wait;
	p->url = url;
	p->key = note_key(p, url, source);
	if (p->key.data == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = place_load(p, &w.place, e);
	if (kind != OK)
		return kind;
	kind = intel_intake_open(p->intel, &options, &p->intake, e);
	if (kind != OK)
		return kind;
	pull_queue_init(&p->queue);
	p->unmarked = 0;
	kind = walk_and_keep(p, &w, ret_stopped, e);
	kind = walk_finish(p, kind, e);
	pull_queue_fini(&p->queue);
	intel_intake_close(p->intake);
	p->intake = NULL;
	p->remote.accept = w.remote.accept;
	return kind;
}

/* ---- where to -------------------------------------------------------------------------- */

/* The collection of ours that goes with a remote one: the same id, made when it is not there. Its
 * limit is AMBER and nobody has rights on it yet, so what came in stays in until somebody decides.
 */
static enum err_kind collection_beside(struct pulling *p,
	const struct taxii_remote_collection *remote, int64_t *ret_number, struct err *e)
{
	struct store *store = intel_store(p->intel);
	struct store_collection c = {.title = remote->title,
		.description = remote->description,
		.tlp_max = STIX_TLP_AMBER,
		.created_us = world_now(intel_world(p->intel))};
	struct store_collection there;
	char id[UUID_TEXT_LEN + 1];
	bool found;
	enum err_kind kind;

	if (!uuid_parse(remote->id, &c.uuid)) {
		/* An id that is none: one made from the URL, with the version that TAXII asks for.
		 */
		uuid_v5(&stix_namespace, remote->url, &c.uuid);
		c.uuid.bytes[6] = (uint8_t)((c.uuid.bytes[6] & 0x0f) | 0x40);
	}
	uuid_format(&c.uuid, id);
	kind = store_collection_get(store, slice_of(id), p->arena, &there, &found, e);
	if (kind != OK)
		return kind;
	if (found) {
		*ret_number = there.number;
		return OK;
	}
	if (c.title.len == 0)
		c.title = remote->id;
	return store_collection_put(store, &c, ret_number, e);
}

static enum err_kind remote_pull(struct pulling *p, const struct taxii_remote_collection *remote,
	bool *ret_stopped, struct err *e)
{
	struct intel_source source = p->pull->source;
	enum err_kind kind = OK;
	int64_t number;

	if (source.collections_count == 0) {
		kind = collection_beside(p, remote, &number, e);
		source.collections = &number;
		source.collections_count = 1;
	}
	if (kind == OK)
		kind = collection_pull(p, remote->url, &source, ret_stopped, e);
	return kind;
}

/* The same two while no walk runs. */
static void pull_warned(void *context, const char *what)
{
	const struct pulling *p = context;

	if (p->pull->warned != NULL)
		p->pull->warned(p->pull->context, what);
}

static bool pull_wait(void *context, int64_t us)
{
	const struct pulling *p = context;

	return p->pull->wait != NULL ? p->pull->wait(p->pull->context, us) : remote_sleep(us);
}

static enum err_kind pull_all(struct pulling *p, struct err *e)
{
	struct taxii_remote_collection *list;
	size_t count, readable = 0;
	bool stop = false;
	enum err_kind kind = remote_discover(&p->remote, p->pull->url, p->arena, &list, &count, e);

	for (size_t i = 0; i < count && kind == OK && !stop; i++) {
		uint64_t objects;

		if (!list[i].can_read)
			continue;
		readable++;
		do {
			objects = p->before.objects;
			kind = remote_pull(p, &list[i], &stop, e);
		} while (kind == OK && !stop && !p->pull->once && p->before.objects > objects);
	}
	if (kind == OK && readable == 0)
		return err_set(e, ERR_DENIED, "%s: no collection that may be read", p->pull->url);
	return kind;
}

enum err_kind taxii_pull_run(struct intel *i, const struct taxii_pull *pull,
	struct intel_counts *ret_counts, struct err *e)
{
	struct pulling p = {
		.intel = i,
		.pull = pull,
		.arena = arena_new(PULL_ARENA_MAX),
		.remote = {.http = pull->http,
			   .world = intel_world(i),
			   .wait = pull_wait,
			   .warned = pull_warned},
	};
	enum err_kind kind;

	p.remote.context = &p;
	if (p.arena == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = pull_all(&p, e);
	if (ret_counts != NULL)
		*ret_counts = p.before;
	buf_fini(&p.saved);
	buf_fini(&p.reached);
	arena_free(p.arena);
	return kind;
}
