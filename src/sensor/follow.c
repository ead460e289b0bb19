/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Following files as they grow, are renamed, copied and cut short, or replaced, and an interface.
 * Files are known by device, inode and the hash of their first bytes, never by name alone; places
 * are kept only after what was found up to there is on the disk.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inside.h"

#define TURN_BYTES   MIB(8)              /* of one file before the next has its turn */
#define TICK_MS      500                 /* how long to wait for news at the most */
#define HUNT_TICK_MS 50                  /* and while the history is asked */
#define RESCAN_US    (5 * US_PER_SECOND) /* network file systems send no news */
#define ROTATED_US   (5 * US_PER_SECOND) /* a writer may still hold the renamed file for a while */
#define TELL_US      (10 * US_PER_SECOND)
#define CLOCKS_US    (2 * US_PER_SECOND) /* a file's times are those of its server */
#define COPYING_US   US_PER_SECOND       /* a copy may have less than its original for a while */
#define LIVE_FRAMES  8192 /* taken from the interface before anything else has its turn */
#define NEWS         (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE)

struct followed {
	int fd;
	struct place *place; /* the state's, or own */
	bool own_place;
	char *path;
	struct logs_reader *logs;
	struct packet_reader *packets;
	struct hunt_writer *history;
	/* as the place's, before the file was cut short: a copy of what it held has them */
	uint32_t was_len;
	uint8_t was[SHA256_LEN];
	uint64_t packets_taken; /* of a capture: bytes read in this run */
	bool seen;              /* in the last scan */
	int64_t written_us;     /* its last change, as of then */
	bool ignored;           /* neither log nor capture, or packed */
	int64_t quiet_since_us; /* monotonic; of a file that no name leads to any more */
};

struct follow {
	struct watch *w;
	struct source_buffer *buffer;
	struct followed *files[SENSOR_SOURCES_MAX];
	size_t count;
	int inotify;
	bool full_told, scan_due;
	int64_t scanned_us, kept_us, told_us;
	int64_t known_us; /* by the clock: what was written last before then was met or is not ours
			   */
	struct stat index_stat;
	sig_atomic_t reload_seen;
	struct packet_live *live;
};

/* ---- one file -------------------------------------------------------------------------------- */

static void fingerprint_take(int fd, struct place *p)
{
	char head[FINGERPRINT_MAX];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n <= (ssize_t)p->fingerprint_len)
		return;
	p->fingerprint_len = (uint32_t)n;
	hash_sha256((struct slice){head, (size_t)n}, p->fingerprint);
	p->changed = true;
}

static bool fingerprint_fits(int fd, const struct place *p)
{
	char head[FINGERPRINT_MAX];
	uint8_t digest[SHA256_LEN];
	ssize_t n = pread(fd, head, p->fingerprint_len, 0);

	if (n < (ssize_t)p->fingerprint_len)
		return false;
	hash_sha256((struct slice){head, p->fingerprint_len}, digest);
	return memcmp(digest, p->fingerprint, sizeof(digest)) == 0;
}

static void place_reset(struct place *p)
{
	p->offset = 0;
	p->line = 1;
	p->fingerprint_len = 0;
	buf_clear(&p->head);
	p->changed = true;
}

static void readers_drop(struct follow *fo, struct followed *f)
{
	if (f->logs != NULL)
		source_counts(fo->w, f->path, f->logs);
	logs_reader_free(f->logs);
	packet_reader_free(f->packets);
	f->logs = NULL;
	f->packets = NULL;
	f->packets_taken = 0;
}

static void followed_free(struct follow *fo, struct followed *f)
{
	readers_drop(fo, f);
	hunt_writer_free(f->history);
	if (f->own_place) {
		buf_fini(&f->place->head);
		free(f->place->path);
		free(f->place);
	}
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f);
}

static struct place *place_get(
	struct follow *fo, const struct stat *st, const char *path, bool *ret_own)
{
	struct place *p;

	*ret_own = false;
	if (fo->w->state != NULL) {
		p = places_place(fo->w->state, st->st_dev, st->st_ino);
		return p != NULL ? p : places_place_add(fo->w->state, st->st_dev, st->st_ino, path);
	}
	p = calloc(1, sizeof(*p));
	if (p != NULL) {
		*ret_own = true;
		p->line = 1;
		p->path = strdup(path);
	}
	return p;
}

static bool is_packed(struct slice head)
{
	return slice_starts(head, SLICE("\x1f\x8b")) ||
	       slice_starts(head, SLICE("\x28\xb5\x2f\xfd"));
}

/* What kind of file it is, once it has bytes. */
static enum err_kind reader_begin(struct follow *fo, struct followed *f, struct err *e)
{
	struct watch *w = fo->w;
	enum logs_format format = w->o->format;
	ssize_t n = pread(f->fd, fo->buffer->data, LOGS_GUESS_MAX, 0);
	struct slice head = {fo->buffer->data, n > 0 ? (size_t)n : 0};
	enum err_kind kind;

	if (n <= 0)
		return OK;
	/* A line that is still being written tells nothing yet. */
	if (!packet_is_capture(head) && memchr(head.data, '\n', head.len) == NULL &&
		head.len < LOGS_GUESS_MAX && !is_packed(head))
		return OK;
	if (is_packed(head)) {
		f->ignored = true; /* rotated and packed: it was read while it was written */
		return OK;
	}
	if (packet_is_capture(head)) {
		const struct packet_options options = {
			.roles = w->roles, .plant = w->o->plant, .world = w->world};

		return packet_reader_new(&options, watch_sink(w), &f->packets, e);
	}
	if (format == LOGS_UNKNOWN)
		format = logs_guess(head, f->path);
	if (format == LOGS_UNKNOWN) {
		source_problem(w, f->path, "neither a log nor a capture that is known here");
		f->ignored = true;
		return OK;
	}
	kind = source_reader_new(w, format, &f->logs, e);
	if (kind == OK && f->place->offset > 0 &&
		!logs_resume(f->logs, f->place->offset, f->place->line, buf_slice(&f->place->head)))
		kind = err_set(e, ERR_NOMEM, "out of memory while resuming %s", f->path);
	if (kind == OK && (w->o->history || w->o->history_folder != NULL) && f->history == NULL &&
		w->o->state != NULL) {
		char *folder = NULL;

		if (w->o->history_folder == NULL &&
			asprintf(&folder, "%s/history", w->o->state) < 0)
			return err_set(e, ERR_NOMEM, "out of memory");
		kind = hunt_writer_open(
			folder != NULL ? folder : w->o->history_folder, w->world, &f->history, e);
		free(folder);
		if (kind == OK)
			kind = hunt_writer_source(f->history, f->path, logs_format_name(format), e);
	}
	return kind;
}

static enum err_kind log_turn(struct follow *fo, struct followed *f, bool last, struct err *e)
{
	struct watch *w = fo->w;
	struct place *p = f->place;
	size_t want = SOURCE_READ_BYTES, turn = 0;

	while (turn < TURN_BYTES && !watch_stopped(w)) {
		ssize_t n = pread(f->fd, fo->buffer->data, want, (off_t)p->offset);
		struct logs_counts before, after;
		struct slice head;
		size_t taken = 0;
		bool good;

		if (n < 0) {
			source_problem(w, f->path, strerror(errno));
			f->ignored = true;
			return OK;
		}
		if (n == 0)
			break;
		logs_counts(f->logs, &before);
		good = logs_feed(f->logs, (struct slice){fo->buffer->data, (size_t)n},
			last && (size_t)n < want, &taken);
		logs_counts(f->logs, &after);
		if (w->failed != OK) {
			*e = w->error;
			return w->failed;
		}
		if (!good && !watch_stopped(w))
			return err_set(e, ERR_NOMEM, "out of memory while reading %s", f->path);
		if (taken == 0 && ((size_t)n < want || want == SOURCE_BYTES))
			break; /* the line goes on */
		if (taken == 0) {
			want = SOURCE_BYTES;
			continue;
		}
		want = SOURCE_READ_BYTES;
		p->offset += taken;
		p->line += after.lines - before.lines;
		p->changed = true;
		head = logs_head(f->logs);
		if (!slice_equal(head, buf_slice(&p->head))) {
			buf_clear(&p->head);
			buf_slice_append(&p->head, head);
		}
		turn += taken;
		w->report.bytes += taken;
	}
	return OK;
}

/* A capture is read from its beginning in each run: its head says how to read the rest. */
static enum err_kind capture_turn(struct follow *fo, struct followed *f, struct err *e)
{
	struct watch *w = fo->w;
	size_t want = SOURCE_READ_BYTES, turn = 0;

	while (turn < TURN_BYTES && !watch_stopped(w)) {
		ssize_t n = pread(f->fd, fo->buffer->data, want, (off_t)f->packets_taken);
		size_t taken = 0;
		struct err why;
		enum err_kind kind;

		if (n <= 0)
			break;
		kind = packet_feed(f->packets, (struct slice){fo->buffer->data, (size_t)n}, false,
			&taken, &why);
		if (w->failed != OK) {
			*e = w->error;
			return w->failed;
		}
		if (kind == ERR_NOMEM)
			return err_set(e, kind, "%s", why.text);
		if (kind != OK) {
			source_problem(w, f->path, why.text);
			f->ignored = true;
			return OK;
		}
		if (taken == 0 && ((size_t)n < want || want == SOURCE_BYTES))
			break;
		if (taken == 0) {
			want = SOURCE_BYTES;
			continue;
		}
		f->packets_taken += taken;
		turn += taken;
		w->report.bytes += taken;
		f->place->offset = f->packets_taken;
		f->place->changed = true;
	}
	return packet_flush(f->packets) || w->failed == OK ? OK : (*e = w->error, w->failed);
}

static enum err_kind file_turn(struct follow *fo, struct followed *f, bool last, struct err *e)
{
	struct stat st;
	char known[48];
	enum err_kind kind = OK;
	uint64_t reached = f->packets != NULL ? f->packets_taken : f->place->offset;

	if (f->ignored || fstat(f->fd, &st) != 0)
		return OK;
	if ((uint64_t)st.st_size < reached ||
		(f->place->fingerprint_len > 0 && (uint64_t)st.st_size > reached &&
			!fingerprint_fits(f->fd, f->place))) {
		/* Cut short, or copied away and begun anew. */
		readers_drop(fo, f);
		f->was_len = f->place->fingerprint_len;
		memcpy(f->was, f->place->fingerprint, sizeof(f->was));
		place_reset(f->place);
		reached = 0;
	}
	if ((uint64_t)st.st_size == reached && !last)
		return OK;
	fingerprint_take(f->fd, f->place);
	fo->w->file = slice_of(f->path);
	snprintf(known, sizeof(known), "%llu:%llu", (unsigned long long)f->place->device,
		(unsigned long long)f->place->inode);
	fo->w->file_known = slice_of(known);
	if (f->logs == NULL && f->packets == NULL)
		kind = reader_begin(fo, f, e);
	fo->w->history = f->history;
	if (kind == OK && f->logs != NULL)
		kind = log_turn(fo, f, last, e);
	else if (kind == OK && f->packets != NULL)
		kind = capture_turn(fo, f, e);
	fo->w->history = NULL;
	fo->w->file_known = (struct slice){0};
	return kind;
}

/* ---- which files ----------------------------------------------------------------------------- */

static int64_t written_us(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * US_PER_SECOND + st->st_mtim.tv_nsec / 1000;
}

static enum err_kind consider(struct follow *fo, const char *path, struct err *e)
{
	struct stat st;
	struct followed *f;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return OK;
	for (size_t i = 0; i < fo->count; i++) {
		struct stat open_st;

		f = fo->files[i];
		if (f->place->device != st.st_dev || f->place->inode != st.st_ino ||
			fstat(f->fd, &open_st) != 0)
			continue;
		f->seen = true;
		f->written_us = written_us(&st);
		if (strcmp(f->path, path) != 0) {
			char *name = strdup(path);

			if (name == NULL)
				return err_set(e, ERR_NOMEM, "out of memory");
			free(f->path);
			f->path = name;
		}
		return OK;
	}
	if (fo->count == SENSOR_SOURCES_MAX) {
		if (!fo->full_told)
			source_problem(fo->w, path,
				"more files than are followed at once; left until others end");
		fo->full_told = true;
		return OK;
	}
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	f->path = strdup(path);
	f->place = f->fd < 0 ? NULL : place_get(fo, &st, path, &f->own_place);
	if (f->fd < 0 || f->path == NULL || f->place == NULL) {
		if (f->fd < 0)
			source_problem(fo->w, path, strerror(errno));
		else
			close(f->fd);
		free(f->path);
		free(f);
		return OK;
	}
	f->place->device = st.st_dev;
	f->place->inode = st.st_ino;
	f->seen = true;
	f->written_us = written_us(&st);
	if (f->place->fingerprint_len > 0 && !fingerprint_fits(f->fd, f->place))
		place_reset(f->place); /* the number was given to another file */
	fo->files[fo->count++] = f;
	fo->w->report.sources++;
	return OK;
}

static bool has_print(int fd, uint64_t size, uint32_t len, const uint8_t digest[SHA256_LEN])
{
	struct place p = {.fingerprint_len = len};

	memcpy(p.fingerprint, digest, SHA256_LEN);
	return len > 0 && size >= len && fingerprint_fits(fd, &p);
}

/* A file of the followed name with something behind it that nobody met: between two looks the file
 * was renamed, begun anew and renamed again. It was written to since the last look, and is no copy
 * of a file that is followed, as copytruncate makes one. */
static bool is_missed(struct follow *fo, const char *path, const struct stat *st, bool *ret_later)
{
	bool young = world_now(fo->w->world) - written_us(st) < COPYING_US;
	bool missed = true;
	int fd;

	if (fo->known_us == TIME_UNKNOWN || st->st_size == 0 || !S_ISREG(st->st_mode) ||
		written_us(st) < fo->known_us - CLOCKS_US)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	for (size_t i = 0; i < fo->count && missed; i++) {
		const struct followed *f = fo->files[i];
		const struct place *p = f->place;
		uint64_t size = (uint64_t)st->st_size;

		if (p->device == st->st_dev && p->inode == st->st_ino)
			continue;
		if (young && (size < p->fingerprint_len || size < f->was_len)) {
			*ret_later = true;
			missed = false;
		} else if (has_print(fd, size, p->fingerprint_len, p->fingerprint) ||
			   has_print(fd, size, f->was_len, f->was)) {
			missed = false;
		}
	}
	close(fd);
	return missed;
}

/* Files of a folder; with `prefix` those whose name goes on from it: what a file that we follow by
 * name was renamed to, while we were away or read another. */
static enum err_kind folder_consider(
	struct follow *fo, const char *path, const char *prefix, struct err *e)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	enum err_kind kind = OK;
	bool later = false;

	if (folder == NULL)
		return OK;
	while (kind == OK && (entry = readdir(folder)) != NULL) {
		char *name;
		struct stat st;

		if (entry->d_name[0] == '.' ||
			(prefix != NULL && strncmp(entry->d_name, prefix, strlen(prefix)) != 0))
			continue;
		if (asprintf(&name, "%s/%s", path, entry->d_name) < 0) {
			kind = err_set(e, ERR_NOMEM, "out of memory");
			break;
		}
		if (prefix == NULL ||
			(stat(name, &st) == 0 &&
				((fo->w->state != NULL && places_place(fo->w->state, st.st_dev,
								  st.st_ino) != NULL) ||
					is_missed(fo, name, &st, &later))))
			kind = consider(fo, name, e);
		free(name);
	}
	closedir(folder);
	fo->scan_due |= later;
	return kind;
}

/* Folder and name of a path; folder in caller's memory. */
static const char *folder_of(const char *path, char *ret_folder, size_t bytes)
{
	const char *slash = strrchr(path, '/');

	snprintf(ret_folder, bytes, "%.*s",
		slash == NULL   ? 1
		: slash == path ? 1
				: (int)(slash - path),
		slash == NULL ? "." : path);
	return slash == NULL ? path : slash + 1;
}

static int older_first(const void *a, const void *b)
{
	const struct followed *x = *(struct followed *const *)a, *y = *(struct followed *const *)b;

	return x->written_us < y->written_us ? -1 : x->written_us > y->written_us;
}

static enum err_kind scan(struct follow *fo, struct err *e)
{
	char folder[4096];
	int64_t now_us = world_now(fo->w->world);
	enum err_kind kind = OK;

	fo->scan_due = false;
	for (size_t i = 0; i < fo->count; i++)
		fo->files[i]->seen = false;
	for (size_t i = 0; i < fo->w->o->sources_count && kind == OK; i++) {
		const char *path = fo->w->o->sources[i];
		struct stat st;

		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			kind = folder_consider(fo, path, NULL, e);
		} else {
			const char *name = folder_of(path, folder, sizeof(folder));

			kind = consider(fo, path, e);
			if (kind == OK)
				kind = folder_consider(fo, folder, name, e);
		}
	}
	/* As it happened: what was renamed before what goes on. */
	qsort(fo->files, fo->count, sizeof(struct followed *), older_first);
	fo->scanned_us = world_monotonic(fo->w->world);
	fo->known_us = now_us;
	return kind;
}

static void news_ask(struct follow *fo)
{
	char folder[4096];

	fo->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	for (size_t i = 0; fo->inotify >= 0 && i < fo->w->o->sources_count; i++) {
		const char *path = fo->w->o->sources[i];
		struct stat st;

		if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
			(void)folder_of(path, folder, sizeof(folder));
			path = folder;
		}
		/* Where it cannot be asked for (another kind of file system), looking every few
		 * seconds does. */
		(void)inotify_add_watch(fo->inotify, path, NEWS);
	}
}

static void news_take(struct follow *fo)
{
	_Alignas(struct inotify_event) char events[8192];
	ssize_t n;

	while (fo->inotify >= 0 && (n = read(fo->inotify, events, sizeof(events))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *one =
				(const struct inotify_event *)(const void *)(events + at);

			if ((one->mask & ~(uint32_t)(IN_MODIFY | IN_CLOSE_WRITE)) != 0)
				fo->scan_due = true;
			at += (ssize_t)(sizeof(*one) + one->len);
		}
	}
}

/* Read what is new everywhere; *ret_busy: some have more. */
static enum err_kind turn(struct follow *fo, bool *ret_busy, struct err *e)
{
	uint64_t before = fo->w->report.bytes;
	int64_t now = world_monotonic(fo->w->world);
	enum err_kind kind = OK;

	for (size_t i = 0; i < fo->count && kind == OK;) {
		struct followed *f = fo->files[i];
		uint64_t bytes = fo->w->report.bytes;

		kind = file_turn(fo, f, false, e);
		if (f->seen || fo->w->report.bytes != bytes) {
			f->quiet_since_us = now;
		} else if (kind == OK && now - f->quiet_since_us >= ROTATED_US) {
			/* No name leads here any more and nothing comes: the last line ends as it
			 * is. */
			kind = file_turn(fo, f, true, e);
			if (kind == OK && f->history != NULL)
				kind = hunt_writer_finish(f->history, e);
			if (fo->w->state != NULL && !f->own_place)
				f->place->gone = true;
			followed_free(fo, f);
			fo->files[i] = fo->files[--fo->count];
			continue;
		}
		i++;
	}
	*ret_busy = fo->w->report.bytes - before >= TURN_BYTES;
	return kind;
}

/* ---- the index changes ----------------------------------------------------------------------- */

/* What was read with the index before goes into filters now: it can be asked for what is new. */
static void history_round(struct follow *fo)
{
	struct err why;

	if (fo->w->hunter == NULL)
		return;
	for (size_t i = 0; i < fo->count; i++) {
		if (fo->files[i]->history != NULL &&
			hunt_writer_finish(fo->files[i]->history, &why) != OK)
			log_line(fo->w->o->log, LOG_ERROR, "history", "why", why.text, NULL);
	}
	hunter_loaded(fo->w->hunter);
}

static void reload_when_due(struct follow *fo)
{
	const struct sensor_options *o = fo->w->o;
	bool asked = o->reload != NULL && *o->reload != fo->reload_seen;
	struct stat st;
	struct err why;

	if (asked) {
		fo->reload_seen = *o->reload;
		if (output_reopen(&fo->w->output, &why) != OK)
			log_line(o->log, LOG_ERROR, "findings", "why", why.text, NULL);
	}
	if (o->index == NULL || stat(o->index, &st) != 0)
		return;
	if (!asked && st.st_ino == fo->index_stat.st_ino &&
		st.st_mtim.tv_sec == fo->index_stat.st_mtim.tv_sec &&
		st.st_mtim.tv_nsec == fo->index_stat.st_mtim.tv_nsec)
		return;
	fo->index_stat = st;
	if (watch_load(fo->w, &why) != OK) {
		/* Fail open: the last good one goes on. */
		log_line(o->log, LOG_ERROR, "index", "kept", "the one before", "why", why.text,
			NULL);
		return;
	}
	history_round(fo);
	fo->w->report.reloads++;
	log_line(o->log, LOG_INFO, "index", "path", o->index, NULL);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static enum err_kind due(struct follow *fo, bool now_please, struct err *e)
{
	int64_t now = world_monotonic(fo->w->world);
	enum err_kind kind = OK;

	if (now_please || now - fo->kept_us >= SENSOR_CHECKPOINT_US) {
		reload_when_due(fo);
		if (now - fo->told_us >= TELL_US) {
			kind = watch_tell(fo->w, false, e);
			fo->told_us = now;
		}
		if (kind == OK)
			kind = watch_checkpoint(fo->w, e);
		if (kind == OK)
			hunter_committed(fo->w->hunter);
		fo->kept_us = now;
	}
	if (kind == OK && (fo->scan_due || now - fo->scanned_us >= RESCAN_US))
		kind = scan(fo, e);
	return kind;
}

static enum err_kind live_turn(struct follow *fo, bool *ret_busy, struct err *e)
{
	struct watch *w = fo->w;
	struct packet_counts before, after;

	packet_counts(w->packets, &before);
	w->file = slice_of(w->o->interface);
	if (!packet_live_take(fo->live, w->packets, LIVE_FRAMES, e) || !packet_flush(w->packets)) {
		if (w->failed == OK)
			return watch_stopped(w) ? OK : ERR_IO;
		*e = w->error;
		return w->failed;
	}
	packet_counts(w->packets, &after);
	*ret_busy |= after.frames - before.frames >= LIVE_FRAMES;
	return OK;
}

enum err_kind follow_run(struct watch *w, struct source_buffer *b, struct err *e)
{
	struct follow *fo = calloc(1, sizeof(*fo));
	enum err_kind kind = OK;

	if (fo == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	*fo = (struct follow){.w = w, .buffer = b, .inotify = -1};
	if (w->o->reload != NULL)
		fo->reload_seen = *w->o->reload;
	if (w->o->index != NULL)
		(void)stat(w->o->index, &fo->index_stat);
	fo->known_us = w->state == NULL ? TIME_UNKNOWN : places_kept_us(w->state);
	fo->kept_us = fo->told_us = world_monotonic(w->world);
	if (w->o->interface != NULL) {
		kind = packet_live_open(w->o->interface, &fo->live, e);
		if (kind == OK)
			kind = source_packets(w, e);
		w->report.sources++;
	}
	news_ask(fo);
	if (kind == OK)
		kind = hunter_new(w, &w->hunter, e);
	if (kind == OK)
		kind = watch_confine(
			w, e); /* the interface is open: no socket is needed any more */
	if (kind == OK)
		kind = scan(fo, e);
	/* The findings file is known from the beginning: what is told before the first checkpoint
	 * is not told again after a crash. */
	if (kind == OK && w->state != NULL)
		kind = watch_checkpoint(w, e);
	while (kind == OK && !watch_stopped(w)) {
		struct pollfd fds[2] = {
			{.fd = fo->inotify,					      .events = POLLIN},
			{.fd = fo->live == NULL ? -1 : packet_live_descriptor(fo->live),
                         .events = POLLIN								}
                };
		bool busy = false;

		kind = turn(fo, &busy, e);
		if (kind == OK && fo->live != NULL)
			kind = live_turn(fo, &busy, e);
		if (kind == OK)
			kind = hunter_turn(w->hunter, e);
		if (kind == OK)
			kind = due(fo, false, e);
		if (!busy)
			w->output.catching_up = false;
		/* People wait for findings; only the disk may wait for the checkpoint. */
		if (kind == OK && !busy)
			kind = output_flush(&w->output, e);
		/* Asked for under load too: a file may be renamed twice while another is read. */
		if (kind == OK &&
			poll(fds, 2,
				busy                     ? 0
				: hunter_busy(w->hunter) ? HUNT_TICK_MS
							 : TICK_MS) > 0 &&
			fds[0].revents != 0)
			news_take(fo);
	}
	hunter_free(w->hunter);
	w->hunter = NULL;
	for (size_t i = 0; i < fo->count; i++) {
		if (kind == OK && fo->files[i]->history != NULL)
			kind = hunt_writer_finish(fo->files[i]->history, e);
		followed_free(fo, fo->files[i]);
	}
	if (fo->inotify >= 0)
		close(fo->inotify);
	packet_live_free(fo->live);
	free(fo);
	return kind;
}
