/* SPDX-License-Identifier: MPL-2.0 */
/*
 * When the index has values that it did not have before, the history is asked for them without
 * anybody having to think of it. A child process asks, at the lowest priority: whatever it costs,
 * or dies of, lines are read on. It leaves its findings in a file, the sensor hands them on and
 * keeps in its state how far: whoever is killed when, each is told once (docs/hunt.md).
 *
 *   STATE/hunt/asked       the values that were asked for (drawn in docs/hunt.md)
 *   STATE/hunt/asked.new   what it will be after this hunt: while it is there a hunt is under way
 *   STATE/hunt/new.sidx    an index of what is new
 *   STATE/hunt/found       findings, and behind those of each segment "#segment NAME"; at last
 * "#done"
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "asked.h"
#include "inside.h"

#define HUNTER_TURN_BYTES MIB(1)                /* of findings that are handed on at a time */
#define HUNTER_LINE_MAX   MIB(64)               /* of one finding */
#define HUNTER_RETRY_US   (600 * US_PER_SECOND) /* after a hunt that failed */
#define HUNTER_SOON_US    US_PER_SECOND         /* after one that had to wait for the sensor */
#define MARK_SEGMENT      "#segment "
#define MARK_DONE         "#done"
#define CHILD_NICE        19
#define CHILD_UNDONE      3 /* exit status of a child that was asked to stop */

struct hunter {
	struct watch *w;
	char *folder, *history;
	char *asked, *asked_new, *fresh, *found; /* paths */
	struct asked_head last;                  /* of `asked`; digest zero: there is none */
	int64_t loaded_us;
	uint64_t job, offset; /* of `found`: handed on so far; job 0: not under way */
	bool done;            /* "#done" was handed on */
	pid_t child;          /* 0: none */
	int64_t retry_us;     /* monotonic: not before */
	/* What stood in `found` when the child was started: where the last whole segment ended, and
	 * the ids behind it, which the child will find again. */
	uint64_t stood;
	char after[64];
	struct uuid *again;
	size_t again_count;
	struct buf chunk;
};

/* Only the head: of a file that is not there or is none of ours, nothing. */
static bool head_read(const char *path, struct asked_head *ret_head)
{
	uint8_t bytes[ASKED_HEAD];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good = fd >= 0 && pread(fd, bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes) &&
		    asked_head_parse((struct slice){(const char *)bytes, sizeof(bytes)}, ret_head);

	if (fd >= 0)
		close(fd);
	return good;
}

/* The whole file with its checksum; *ret_file holds the hashes behind ASKED_HEAD bytes. */
static enum err_kind asked_read(
	const char *path, struct buf *ret_file, struct asked_head *ret_head, struct err *e)
{
	enum err_kind kind = file_read(path, ASKED_BYTES_MAX, ret_file, e);

	return kind == OK ? asked_parse(buf_slice(ret_file), path, ret_head, e) : kind;
}

/* ---- the child: what is new ------------------------------------------------------------------ */

struct difference {
	struct hunter *h;
	const struct index *x;
	struct index_builder *b;
	struct buf before; /* file of what was asked, hashes sorted */
	struct asked_head head;
	struct buf after; /* the same for the new one */
	uint32_t entry;   /* the builder's at hand */
	bool entry_given, more;
	enum err_kind kind;
	struct err *e;
};

static bool value_new(struct difference *d, enum field_kind kind, struct slice text, uint32_t entry)
{
	struct index_entry n;
	struct err why;

	if (!d->entry_given || d->entry != entry) {
		if (!index_entry_get(d->x, entry, &n)) {
			d->kind = err_set(d->e, ERR_CORRUPT, "entry %u is damaged", entry);
			return false;
		}
		d->kind = index_builder_entry(d->b, &n, d->e);
		if (d->kind != OK)
			return false;
		d->entry = entry;
		d->entry_given = true;
	}
	switch (index_builder_value(d->b, kind, text, &why)) {
	case OK:
		d->head.fresh++;
		break;
	case ERR_NOMEM:
		d->kind = err_set(d->e, ERR_NOMEM, "out of memory for what is new");
		return false;
	default:
		break; /* what an index cannot hold can have no match either */
	}
	return true;
}

static bool on_value(void *context, enum field_kind kind, struct slice text, uint32_t entry)
{
	struct difference *d = context;
	uint64_t hash =
		hash_table(d->head.key, text) ^ (uint64_t)kind * UINT64_C(0x9e3779b97f4a7c15);
	uint8_t bytes[8];

	if (d->before.len == 0 || !asked_has(buf_slice(&d->before), hash)) {
		if (d->head.fresh >= SENSOR_HUNT_AT_ONCE) {
			d->more = true;
			return true;
		}
		if (!value_new(d, kind, text, entry))
			return false;
	}
	asked_hash_put(bytes, hash);
	buf_append(&d->after, bytes, sizeof(bytes));
	return !d->after.bad;
}

static int hash_compare(const void *a, const void *b)
{
	uint64_t x = asked_hash_get(a), y = asked_hash_get(b);

	return x < y ? -1 : x > y;
}

static enum err_kind difference_write(struct difference *d, struct err *e)
{
	size_t count = (d->after.len - ASKED_HEAD) / 8;
	uint8_t digest[SHA256_LEN];
	enum err_kind kind = OK;

	if (count > 1)
		qsort(d->after.data + ASKED_HEAD, count, 8, hash_compare);
	d->head.count = count;
	d->head.complete = !d->more;
	asked_head_write(&d->head, (uint8_t *)d->after.data);
	hash_sha256(buf_slice(&d->after), digest);
	buf_append(&d->after, digest, sizeof(digest));
	if (d->after.bad)
		return err_set(e, ERR_NOMEM, "out of memory for what was asked");
	if (d->head.fresh > 0)
		kind = index_builder_write(d->b, d->h->fresh, NULL, e);
	/* Last: with it the hunt has begun. */
	return kind == OK ? file_write_atomic(d->h->asked_new, buf_slice(&d->after), 0640, e)
			  : kind;
}

/* What the index has and the one that was asked for before had not. */
static enum err_kind difference_make(struct hunter *h, struct err *e)
{
	const struct world *world = h->w->world;
	struct difference d = {.h = h, .b = index_builder_new(world), .e = e};
	struct index *x = NULL;
	struct index_info info;
	enum err_kind kind = d.b == NULL ? err_set(e, ERR_NOMEM, "out of memory") : OK;

	if (kind == OK && access(h->asked, F_OK) == 0) {
		kind = asked_read(h->asked, &d.before, &d.head, e);
		if (kind == ERR_CORRUPT) {
			log_line(h->w->o->log, LOG_WARN, "hunt", "why", e->text, "then",
				"everything is asked anew", NULL);
			buf_fini(&d.before);
			d.before = BUF_INIT;
			kind = OK;
		}
	}
	if (kind == OK)
		kind = index_open(h->w->o->index, &h->w->o->trust, &x, e);
	if (kind == OK) {
		index_info(x, &info);
		/* A later one already: the sensor takes it first, so that nothing falls between. */
		if (memcmp(info.digest, h->w->info.digest, SHA256_LEN) != 0)
			_exit(CHILD_UNDONE);
		if (d.before.len == 0)
			world->random(world->context, d.head.key, sizeof(d.head.key));
		d.x = x;
		memcpy(d.head.digest, info.digest, sizeof(d.head.digest));
		d.head.loaded_us = h->loaded_us;
		d.head.fresh = 0;
		do
			world->random(world->context, &d.head.job, sizeof(d.head.job));
		while (d.head.job == 0);
		buf_reserve(&d.after, ASKED_HEAD + 8 * (size_t)info.counts.values + SHA256_LEN);
		d.after.len = d.after.bad ? 0 : ASKED_HEAD;
		if (d.after.bad || !index_each(x, on_value, &d))
			kind = d.kind != OK ? d.kind
			       : d.after.bad
				       ? err_set(e, ERR_NOMEM, "out of memory for what was asked")
				       : err_set(e, ERR_CORRUPT, "the index is damaged");
	}
	if (kind == OK)
		kind = difference_write(&d, e);
	index_builder_free(d.b);
	index_close(x);
	buf_fini(&d.before);
	buf_fini(&d.after);
	return kind;
}

/* ---- the child: asking ----------------------------------------------------------------------- */

struct asking {
	struct hunter *h;
	uint64_t segments, findings;
	enum err_kind kind;
	struct err *e;
	const struct sensor_hunt_options *o;
	bool enough;
};

static enum err_kind found_append(const struct hunter *h, struct slice text, struct err *e)
{
	int fd = open(h->found, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	bool good = fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len;
	enum err_kind kind =
		good ? OK
		     : err_set(e, err_kind_of_errno(errno), "could not write \"%s\": %s", h->found,
			       strerror(errno));

	if (fd >= 0)
		close(fd);
	return kind;
}

static bool on_segment(void *context, const struct sensor_hunt_segment *s)
{
	struct asking *a = context;
	char line[128];
	int n = snprintf(line, sizeof(line), MARK_SEGMENT "%s\n", s->filter);

	a->kind = found_append(a->h, (struct slice){line, (size_t)n}, a->e);
	a->findings += s->findings;
	a->enough = a->findings >= SENSOR_HUNT_FINDINGS_MAX;
	return a->kind == OK && !a->enough;
}

/* What could not be asked, or was left: one finding, so that silence is not taken for peace. */
static enum err_kind rest_tell(struct hunter *h, const struct asked_head *head,
	const struct sensor_hunt_report *r, bool enough, struct err *e)
{
	struct finding f = {.type = FINDING_LOSS,
		.time_us = TIME_UNKNOWN,
		.first_us = TIME_UNKNOWN,
		.last_us = TIME_UNKNOWN,
		.found_us = world_now(h->w->world),
		.count = r->gone + r->damaged + enough,
		.site = h->w->site_name,
		.indicator = SLICE("not asked of the history"),
		.entry.confidence = -1};
	struct buf out = BUF_INIT;
	char reason[512], name[32];
	enum err_kind kind;

	if (f.count == 0)
		return OK;
	snprintf(reason, sizeof(reason),
		"of %llu segments of the history that can hold one of %llu new values, %llu have "
		"their logs elsewhere now, and %llu more are damaged%s: ask there with serai hunt",
		(unsigned long long)r->candidates, (unsigned long long)head->fresh,
		(unsigned long long)r->gone, (unsigned long long)r->damaged,
		enough ? "; the later ones were left when there were findings enough" : "");
	f.reason = slice_of(reason);
	snprintf(name, sizeof(name), "hunt %016llx", (unsigned long long)head->job);
	uuid_v5(
		&(struct uuid){
			{0x68, 0x75, 0x6e, 0x74}
        },
		slice_of(name), &f.id);
	finding_write(h->w->o->output, &f, &out);
	kind = out.bad ? err_set(e, ERR_NOMEM, "out of memory")
		       : found_append(h, buf_slice(&out), e);
	buf_fini(&out);
	return kind;
}

static enum err_kind history_ask(struct hunter *h, struct err *e)
{
	const struct sensor_options *w = h->w->o;
	struct asking a = {.h = h, .e = e};
	const struct sensor_hunt_options o = {.history = h->history,
		.index = h->fresh,
		.prove = true,
		.joined = true,
		.no_gate = w->no_gate,
		.noise = w->noise,
		.noise_count = w->noise_count,
		.after = h->after[0] == 0 ? NULL : h->after,
		.written_by_us = 0,
		.site = h->w->site_name,
		.output = w->output,
		.findings = h->found,
		.mapping = w->mapping,
		.world = w->world,
		.log = w->log,
		.stop = w->stop,
		.segment = on_segment,
		.context = &a};
	struct sensor_hunt_options asked = o;
	struct sensor_hunt_report report = {0};
	struct asked_head head;
	enum err_kind kind;

	if (!head_read(h->asked_new, &head))
		return err_set(e, ERR_CORRUPT, "\"%s\" is damaged", h->asked_new);
	asked.written_by_us = head.loaded_us;
	/* No history yet, or nothing new: nothing to ask. */
	if (head.fresh > 0 && access(h->history, F_OK) == 0) {
		kind = sensor_hunt(&asked, &report, e);
		if (kind == OK)
			kind = a.kind;
		if (kind == OK)
			kind = rest_tell(h, &head, &report, a.enough, e);
		if (kind != OK)
			return kind;
	}
	return watch_stopped(h->w) ? OK : found_append(h, SLICE(MARK_DONE "\n"), e);
}

/* Never returns. */
static void child_run(struct hunter *h, pid_t parent)
{
	struct err e;
	enum err_kind kind = OK;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(CHILD_UNDONE);
	(void)setpriority(PRIO_PROCESS, 0, CHILD_NICE); /* systemd may refuse: it has its own */
	if (access(h->asked_new, F_OK) != 0)
		kind = difference_make(h, &e);
	if (kind == OK)
		kind = history_ask(h, &e);
	if (kind != OK) {
		log_line(h->w->o->log, LOG_ERROR, "hunt", "why", e.text, NULL);
		_exit(1);
	}
	_exit(watch_stopped(h->w) ? CHILD_UNDONE : 0);
}

/* ---- the sensor's side ----------------------------------------------------------------------- */

static int id_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct uuid));
}

static void again_take(struct hunter *h, struct slice line)
{
	struct uuid *more;
	struct uuid id;

	if (!output_line_id(line, &id))
		return;
	more = realloc(h->again, (h->again_count + 1) * sizeof(*more));
	if (more == NULL)
		return; /* told twice rather than not at all */
	h->again = more;
	h->again[h->again_count++] = id;
}

/* What a child before this one left: a half line goes, whole segments are not asked again, and of
 * the last, unfinished one the findings are known. */
static enum err_kind found_look(struct hunter *h, struct err *e)
{
	struct buf all = BUF_INIT;
	struct slice rest, line;
	enum err_kind kind;

	h->again_count = 0;
	h->after[0] = 0;
	h->stood = 0;
	if (access(h->found, F_OK) != 0)
		return OK;
	kind = file_read(h->found, HUNTER_LINE_MAX * 16, &all, e);
	while (kind == OK && all.len > 0 && all.data[all.len - 1] != '\n')
		all.len--;
	if (kind == OK && truncate(h->found, (off_t)all.len) != 0)
		kind = err_set(e, err_kind_of_errno(errno), "could not mend \"%s\": %s", h->found,
			strerror(errno));
	h->stood = all.len;
	rest = buf_slice(&all);
	while (kind == OK && slice_next(&rest, '\n', &line)) {
		if (slice_starts(line, SLICE(MARK_SEGMENT))) {
			snprintf(h->after, sizeof(h->after), "%.*s",
				SLICE_ARG(slice_cut(line, sizeof(MARK_SEGMENT) - 1, line.len)));
			h->again_count = 0;
		} else {
			again_take(h, line);
		}
	}
	if (h->again_count > 1)
		qsort(h->again, h->again_count, sizeof(*h->again), id_compare);
	buf_fini(&all);
	return kind;
}

static void failed_note(struct hunter *h, const char *why)
{
	h->retry_us = world_monotonic(h->w->world) + HUNTER_RETRY_US;
	if (why != NULL)
		log_line(h->w->o->log, LOG_ERROR, "hunt", "why", why, NULL);
}

static void child_start(struct hunter *h)
{
	pid_t self = getpid(), child;
	struct err why;

	/* A file of another job's findings would be taken for this one's. */
	if (access(h->asked_new, F_OK) != 0) {
		(void)unlink(h->found);
		(void)unlink(h->fresh);
	}
	if (found_look(h, &why) != OK) {
		failed_note(h, why.text);
		return;
	}
	child = fork();
	if (child == 0)
		child_run(h, self);
	if (child < 0)
		failed_note(h, strerror(errno));
	else
		h->child = child;
}

static void child_look(struct hunter *h)
{
	int status;

	if (h->child == 0 || waitpid(h->child, &status, WNOHANG) != h->child)
		return;
	h->child = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_UNDONE) {
		h->retry_us = world_monotonic(h->w->world) + HUNTER_SOON_US;
		return;
	}
	failed_note(h, WIFSIGNALED(status) ? "the process that asked the history was killed"
					   : "the history could not be asked; tried again later");
}

static bool found_before(const struct hunter *h, struct slice line)
{
	struct uuid id;

	return h->again_count > 0 && output_line_id(line, &id) &&
	       bsearch(&id, h->again, h->again_count, sizeof(id), id_compare) != NULL;
}

static enum err_kind line_hand_on(struct hunter *h, struct slice line, struct err *e)
{
	bool told = false;
	enum err_kind kind = OK;

	if (slice_starts(line, SLICE(MARK_SEGMENT))) {
		if (h->offset >= h->stood)
			h->again_count = 0;
	} else if (slice_is(line, MARK_DONE)) {
		h->done = true;
	} else if (h->offset < h->stood || !found_before(h, line)) {
		kind = output_line(&h->w->output, line, &told, e);
	}
	h->w->report.findings += told;
	h->w->report.past_findings += told;
	return kind;
}

/* Whole lines from where we are; longer ones than the chunk get room. */
static enum err_kind found_hand_on(struct hunter *h, struct err *e)
{
	size_t want = HUNTER_TURN_BYTES, used = 0;
	int fd = open(h->found, O_RDONLY | O_CLOEXEC);
	enum err_kind kind = OK;
	struct slice rest, line;
	ssize_t n;

	if (fd < 0)
		return OK;
	for (;; want *= 2) {
		char *to;

		buf_clear(&h->chunk);
		to = buf_reserve(&h->chunk, want);
		if (to == NULL) {
			close(fd);
			return err_set(e, ERR_NOMEM, "out of memory for a finding");
		}
		n = pread(fd, to, want, (off_t)h->offset);
		if (n < (ssize_t)want || memchr(to, '\n', (size_t)n) != NULL ||
			want >= HUNTER_LINE_MAX)
			break;
	}
	close(fd);
	rest = (struct slice){h->chunk.data, n > 0 ? (size_t)n : 0};
	for (used = rest.len; used > 0 && rest.data[used - 1] != '\n';)
		used--;
	rest.len = used;
	while (kind == OK && slice_next(&rest, '\n', &line) && (line.len > 0 || rest.len > 0)) {
		kind = line_hand_on(h, line, e);
		h->offset += line.len + 1;
	}
	places_hunt(h->w->state, h->job, h->offset);
	return kind;
}

static bool is_due(const struct hunter *h)
{
	if (h->done || world_monotonic(h->w->world) < h->retry_us)
		return false;
	return access(h->asked_new, F_OK) == 0 || !h->last.complete ||
	       memcmp(h->last.digest, h->w->info.digest, SHA256_LEN) != 0;
}

enum err_kind hunter_turn(struct hunter *h, struct err *e)
{
	struct asked_head head;

	if (h == NULL)
		return OK;
	if (h->child == 0 && is_due(h))
		child_start(h);
	/* The job's name comes with the child's first file. */
	if (h->job == 0 && head_read(h->asked_new, &head)) {
		h->job = head.job;
		h->offset = places_hunt_offset(h->w->state, h->job);
	}
	child_look(h);
	return h->job != 0 && !h->done ? found_hand_on(h, e) : OK;
}

bool hunter_busy(const struct hunter *h)
{
	return h != NULL && h->child != 0;
}

void hunter_committed(struct hunter *h)
{
	if (h == NULL || !h->done || h->child != 0)
		return;
	if (rename(h->asked_new, h->asked) != 0 && errno != ENOENT) {
		failed_note(h, strerror(errno));
		return;
	}
	(void)unlink(h->fresh);
	(void)unlink(h->found);
	h->w->report.hunts++;
	h->done = false;
	h->job = 0;
	h->offset = 0;
	if (!head_read(h->asked, &h->last))
		h->last = (struct asked_head){0};
	log_line(h->w->o->log, LOG_INFO, "hunted", "path", h->asked, NULL);
}

void hunter_loaded(struct hunter *h)
{
	if (h != NULL)
		h->loaded_us = world_now(h->w->world);
}

enum err_kind hunter_new(struct watch *w, struct hunter **ret_hunter, struct err *e)
{
	const struct sensor_options *o = w->o;
	bool wanted = !o->no_hunt && o->index != NULL && w->state != NULL &&
		      (o->history || o->history_folder != NULL);
	struct hunter *h = wanted ? calloc(1, sizeof(*h)) : NULL;
	enum err_kind kind;

	*ret_hunter = NULL;
	if (!wanted)
		return OK;
	if (h == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	h->w = w;
	if (asprintf(&h->folder, "%s/hunt", o->state) < 0 ||
		asprintf(&h->asked, "%s/asked", h->folder) < 0 ||
		asprintf(&h->asked_new, "%s/asked.new", h->folder) < 0 ||
		asprintf(&h->fresh, "%s/new.sidx", h->folder) < 0 ||
		asprintf(&h->found, "%s/found", h->folder) < 0 ||
		asprintf(&h->history, "%s%s",
			o->history_folder != NULL ? o->history_folder : o->state,
			o->history_folder != NULL ? "" : "/history") < 0)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	else
		kind = folder_make(h->folder, 0750, e);
	if (kind != OK) {
		hunter_free(h);
		return kind;
	}
	if (!head_read(h->asked, &h->last))
		h->last = (struct asked_head){0};
	h->loaded_us = world_now(w->world);
	/* More values of the same index wait: it was loaded then, not now. */
	if (!h->last.complete && memcmp(h->last.digest, w->info.digest, SHA256_LEN) == 0)
		h->loaded_us = h->last.loaded_us;
	*ret_hunter = h;
	return OK;
}

void hunter_free(struct hunter *h)
{
	int status;

	if (h == NULL)
		return;
	if (h->child != 0 && kill(h->child, SIGKILL) == 0)
		(void)waitpid(h->child, &status, 0);
	free(h->folder);
	free(h->history);
	free(h->asked);
	free(h->asked_new);
	free(h->fresh);
	free(h->found);
	free(h->again);
	buf_fini(&h->chunk);
	free(h);
}
