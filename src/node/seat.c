/* SPDX-License-Identifier: MPL-2.0 */
/* A member's seat in the coalition: its store, its signer and the coalition's files, put together.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "parts.h"

#define BUSY_NAP_US 20000 /* between two attempts */

bool busy_again(const struct world *world, enum err_kind kind, int64_t *since_us)
{
	const struct timespec nap = {.tv_nsec = BUSY_NAP_US * 1000};
	int64_t now = world_monotonic(world);

	if (kind != ERR_BUSY)
		return false;
	if (*since_us == 0)
		*since_us = now;
	if (now - *since_us > BUSY_SECONDS * US_PER_SECOND)
		return false;
	nanosleep(&nap, NULL);
	return true;
}

static enum err_kind signer_attach(struct seat *s, int signer_fd, struct err *e)
{
	enum err_kind kind;

	if (signer_fd >= 0) {
		kind = signer_socket_new(signer_fd, &s->socket, e);
		if (kind == OK)
			s->link = signer_link_of_socket(s->socket);
		else
			close(signer_fd);
		return kind;
	}
	kind = keys_signer(&s->node->config, s->world, &s->marks, &s->signer, e);
	if (kind == OK)
		s->link = signer_link_of(s->signer);
	return kind;
}

enum err_kind seat_open(struct node *node, const struct world *world, const struct log *log,
	int signer_fd, struct seat **ret_seat, struct err *e)
{
	struct seat *s = calloc(1, sizeof(*s));
	int64_t since = 0;
	enum err_kind kind;

	if (s == NULL) {
		if (signer_fd >= 0)
			close(signer_fd);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	s->node = node;
	s->world = world;
	s->log = log;
	kind = signer_attach(s, signer_fd, e);
	if (kind == OK)
		kind = events_open(world, &s->events, e);
	if (kind == OK) {
		do
			kind = ledger_disk_open(node->config.folder, false, &s->disk, e);
		while (busy_again(world, kind, &since));
	}
	if (kind == OK)
		kind = sink_open(node, world, &s->sink, &s->doors, e);
	if (kind == OK)
		kind = coalition_open(
			&(struct coalition_options){
				.disk = &s->disk,
				.folder = SEAT_FOLDER,
				.self = slice_of(node->config.member),
				.world = world,
				.signer = &s->link,
				.sink = &s->doors,
				.log = log,
			},
			&s->coalition, e);
	if (kind != OK) {
		seat_close(s);
		return kind;
	}
	*ret_seat = s;
	return OK;
}

/* ---- what may be kept no longer -------------------------------------------------------------- */

#define EXPIRY_NOTE    "coalition/expired" /* the last record that all logs have followed */
#define EXPIRY_RECORDS 65536               /* taken up together: each log is looked through once */
#define EXPIRY_US      (US_PER_SECOND / 4)

struct gone { /* a record: under which number, and in whose logs */
	struct slice member;
	uint64_t number;
};

struct expiry {
	struct arena *names;
	struct gone *list; /* by member and number */
	uint64_t *numbers; /* theirs, in the same order */
	size_t count, done;
	int64_t last; /* of the records read */
	size_t read;
	bool bad; /* out of memory */
	struct coalition_expired at;
};

static void expiry_free(struct expiry *x)
{
	if (x == NULL)
		return;
	arena_free(x->names);
	free(x->list);
	free(x->numbers);
	free(x);
}

static int gone_compare(const void *left, const void *right)
{
	const struct gone *a = left, *b = right;
	int order = slice_compare(a->member, b->member);

	return order != 0 ? order : a->number < b->number ? -1 : a->number > b->number;
}

/* What an account brought in stands in no log, and what the store refused the logs let go first. */
static bool record_take(void *context, const struct store_deleted *d)
{
	struct expiry *x = context;
	struct gone *g = &x->list[x->count];

	x->last = d->entry;
	x->read++;
	if (slice_starts(d->member, SLICE(SINK_MEMBER)) &&
		(d->number < STORE_REFUSED || d->number >= STORE_VOUCHED)) {
		g->number = (uint64_t)d->number;
		g->member = arena_copy(
			x->names, slice_cut(d->member, sizeof(SINK_MEMBER) - 1, d->member.len));
		x->bad = x->bad || g->member.data == NULL;
		x->count++;
	}
	return !x->bad && x->read < EXPIRY_RECORDS;
}

static enum err_kind records_read(struct seat *s, struct expiry *x, struct err *e)
{
	struct buf value = BUF_INIT;
	struct store_reader *r = NULL;
	uint64_t from = 0;
	bool found = false;
	enum err_kind kind = store_note_get(s->node->store, SLICE(EXPIRY_NOTE), &value, &found, e);

	if (kind == OK && found && !slice_to_u64(buf_slice(&value), &from))
		kind = err_set(e, ERR_CORRUPT, "the note " EXPIRY_NOTE);
	buf_fini(&value);
	if (kind == OK)
		kind = store_reader_take(s->node->store, &r, e);
	if (kind == OK)
		kind = store_deleted_after(r, (int64_t)from, record_take, x, e);
	store_reader_give(r);
	if (kind == OK && x->bad)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	return kind;
}

/* *ret_expiry NULL: nothing is new. */
static enum err_kind expiry_begin(struct seat *s, struct expiry **ret_expiry, struct err *e)
{
	struct expiry *x = calloc(1, sizeof(*x));
	enum err_kind kind = OK;

	*ret_expiry = NULL;
	if (x == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	x->names = arena_new(EXPIRY_RECORDS * (COALITION_NAME_MAX + 16));
	x->list = calloc(EXPIRY_RECORDS, sizeof(*x->list));
	x->numbers = calloc(EXPIRY_RECORDS, sizeof(*x->numbers));
	if (x->names == NULL || x->list == NULL || x->numbers == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	if (kind == OK)
		kind = records_read(s, x, e);
	if (kind != OK || x->read == 0) {
		expiry_free(x);
		return kind;
	}
	qsort(x->list, x->count, sizeof(*x->list), gone_compare);
	for (size_t i = 0; i < x->count; i++)
		x->numbers[i] = x->list[i].number;
	*ret_expiry = x;
	return OK;
}

/* Some leaves of the logs of the member that is next. */
static enum err_kind expiry_step(struct seat *s, struct expiry *x, struct err *e)
{
	struct slice member = x->list[x->done].member;
	size_t to = x->done;
	bool done;
	enum err_kind kind;

	while (to < x->count && slice_equal(x->list[to].member, member))
		to++;
	kind = coalition_expire(
		s->coalition, member, x->numbers + x->done, to - x->done, &x->at, &done, e);
	if (kind == OK && done) {
		x->done = to;
		x->at = (struct coalition_expired){0};
	}
	return kind;
}

static enum err_kind expiry_end(struct seat *s, const struct expiry *x, struct err *e)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%lld", (long long)x->last);
	const struct store_note note = {
		SLICE(EXPIRY_NOTE), {text, (size_t)len}
        };

	return store_notes_put(s->node->store, &note, 1, e);
}

/* From the log on at which the time was over. */
static enum err_kind held_expire(struct seat *s, int64_t until, struct err *e)
{
	enum err_kind kind = OK;
	bool done = false;

	while (kind == OK && !done && world_monotonic(s->world) < until)
		kind = coalition_expire_held(s->coalition, &s->held_log, &done, e);
	if (done)
		s->held_log = 0;
	return kind;
}

enum err_kind seat_expire(struct seat *s, struct err *e)
{
	int64_t until = world_monotonic(s->world) + EXPIRY_US;
	enum err_kind kind = held_expire(s, until, e);

	if (kind != OK)
		return kind;
	if (s->expiry == NULL)
		kind = expiry_begin(s, &s->expiry, e);
	if (s->expiry == NULL)
		return kind;
	while (kind == OK && s->expiry->done < s->expiry->count &&
		world_monotonic(s->world) < until)
		kind = expiry_step(s, s->expiry, e);
	if (kind == OK && s->expiry->done == s->expiry->count) {
		kind = expiry_end(s, s->expiry, e);
		if (kind == OK) {
			expiry_free(s->expiry);
			s->expiry = NULL;
		}
	}
	return kind;
}

void seat_close(struct seat *s)
{
	if (s == NULL)
		return;
	expiry_free(s->expiry);
	peers_stop(s);
	coalition_close(s->coalition);
	events_free(s->events);
	sink_free(s->sink);
	ledger_disk_close(&s->disk);
	signer_socket_free(s->socket);
	signer_close(s->signer);
	ledger_disk_close(&s->marks);
	free(s);
}
