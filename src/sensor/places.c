/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a following sensor remembers over restarts: how far each file was read, what was told, how
 * common it is. A text file of transactions, appended to and synced; a transaction counts when its
 * last line, the SHA-256 of its other lines, is there.
 *
 *   serai-watch-state 1
 *   key HEX                                    of the hashes below
 *   place DEVICE INODE OFFSET LINE LEN SHA256 HEAD PATH     HEAD, PATH: base64url, "-" for none
 *   gone DEVICE INODE
 *   row HASH UUID COUNT TOLD FIRST LAST HELD
 *   indicator HASH DAY DAYS SET BITS
 *   site SET BITS
 *   output DEVICE INODE SIZE
 *   hunt JOB OFFSET                            of the history's answers: bytes that were told
 *   commit SHA256
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inside.h"

#define STATE_BYTES_MAX MIB(256)
#define STATE_GROWN     MIB(4) /* bytes behind the last rewriting: then it is written anew */
#define PLACES_MAX      (4 * SENSOR_SOURCES_MAX)
#define STATE_HEADER    "serai-watch-state 1\n"
#define FIELDS_MAX      10

struct places {
	char *path;
	int fd;
	uint64_t size, rewritten; /* bytes now, and after the last rewriting */
	uint8_t key[16];
	bool has_key, key_written;
	struct place *places[PLACES_MAX];
	size_t places_count;
	struct tally_row *rows; /* read back, until places_restore */
	size_t rows_count, rows_capacity;
	struct tally_indicator *indicators;
	size_t indicators_count, indicators_capacity;
	struct prevalence_site *site;
	struct output_mark mark;
	uint64_t hunt_job, hunt_offset;
	int64_t kept_us;    /* when the last transaction was written; TIME_UNKNOWN: none yet */
	struct buf pending; /* lines of the transaction to come */
	int64_t site_written_us;
};

/* ---- lines ----------------------------------------------------------------------------------- */

static size_t fields_split(struct slice line, struct slice fields[FIELDS_MAX])
{
	size_t count = 0;

	while (count < FIELDS_MAX && slice_next(&line, ' ', &fields[count]))
		count++;
	return count;
}

static bool number_i64(struct slice s, int64_t *ret_value)
{
	bool minus = s.len > 0 && s.data[0] == '-';
	uint64_t value;

	/* INT64_MIN is TIME_UNKNOWN */
	if (!slice_to_u64(minus ? slice_cut(s, 1, s.len) : s, &value) ||
		value > (uint64_t)INT64_MAX + (minus ? 1 : 0))
		return false;
	*ret_value = minus ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}

static bool hex_u64(struct slice s, uint64_t *ret_value)
{
	uint8_t bytes[8];
	uint64_t value = 0;

	if (s.len != 16 || !hex_decode(s, bytes, 8))
		return false;
	for (size_t i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	*ret_value = value;
	return true;
}

static void text_append(struct buf *out, struct slice s)
{
	buf_char(out, ' ');
	if (s.len == 0)
		buf_char(out, '-');
	else
		base64url_append(out, s.data, s.len);
}

static bool text_decode(struct slice s, struct buf *ret_text)
{
	buf_clear(ret_text);
	return slice_is(s, "-") || base64url_decode(s, ret_text);
}

static void place_write(struct buf *out, const struct place *p)
{
	buf_printf(out, "place %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32 " ",
		(uint64_t)p->device, (uint64_t)p->inode, p->offset, p->line, p->fingerprint_len);
	hex_append(out, p->fingerprint, sizeof(p->fingerprint));
	text_append(out, buf_slice(&p->head));
	text_append(out, slice_of(p->path));
	buf_char(out, '\n');
}

static void row_write(struct buf *out, const struct tally_row *row)
{
	char id[UUID_TEXT_LEN + 1];

	uuid_format(&row->id, id);
	buf_printf(out,
		"row %016" PRIx64 " %s %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %d\n",
		row->hash, id, row->count, row->told, row->first_us, row->last_us, row->held);
}

static void indicator_write(struct buf *out, const struct tally_indicator *i)
{
	const struct prevalence *p = &i->prevalence;

	buf_printf(out, "indicator %016" PRIx64 " %" PRId32 " %u %u ", i->hash, p->day, p->days,
		p->set);
	hex_append(out, p->bits, sizeof(p->bits));
	buf_char(out, '\n');
}

static void site_write(struct buf *out, const struct prevalence_site *site)
{
	buf_printf(out, "site %" PRIu32, site->set);
	text_append(out, (struct slice){(const char *)site->bits, sizeof(site->bits)});
	buf_char(out, '\n');
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool place_read(struct places *s, const struct slice *f, size_t count)
{
	uint64_t device, inode, offset, line, len;
	uint8_t digest[SHA256_LEN];
	struct buf head = BUF_INIT, path = BUF_INIT;
	struct place *p = NULL;

	if (count == 9 && slice_to_u64(f[1], &device) && slice_to_u64(f[2], &inode) &&
		slice_to_u64(f[3], &offset) && slice_to_u64(f[4], &line) &&
		slice_to_u64(f[5], &len) && len <= FINGERPRINT_MAX &&
		hex_decode(f[6], digest, sizeof(digest)) && text_decode(f[7], &head) &&
		text_decode(f[8], &path) && path.len > 0) {
		buf_char(&path, 0);
		p = places_place(s, (dev_t)device, (ino_t)inode);
		if (p == NULL && !path.bad)
			p = places_place_add(s, (dev_t)device, (ino_t)inode, path.data);
	}
	if (p != NULL) {
		p->offset = offset;
		p->line = line;
		p->fingerprint_len = (uint32_t)len;
		memcpy(p->fingerprint, digest, sizeof(digest));
		buf_fini(&p->head);
		p->head = head;
		head = BUF_INIT;
		p->changed = false;
	}
	buf_fini(&head);
	buf_fini(&path);
	return p != NULL;
}

static void place_forget(struct places *s, struct place *p)
{
	for (size_t i = 0; i < s->places_count; i++) {
		if (s->places[i] == p)
			s->places[i] = s->places[--s->places_count];
	}
	buf_fini(&p->head);
	free(p->path);
	free(p);
}

static bool row_read(struct places *s, const struct slice *f, size_t count)
{
	struct tally_row row = {0};
	uint64_t held;

	if (count != 8 || !hex_u64(f[1], &row.hash) || row.hash == 0 ||
		!uuid_parse(f[2], &row.id) || !slice_to_u64(f[3], &row.count) ||
		!slice_to_u64(f[4], &row.told) || !number_i64(f[5], &row.first_us) ||
		!number_i64(f[6], &row.last_us) || !slice_to_u64(f[7], &held) || held > 1)
		return false;
	row.held = held == 1;
	if (s->rows_count == s->rows_capacity) {
		size_t capacity = s->rows_capacity == 0 ? 256 : 2 * s->rows_capacity;
		struct tally_row *more = realloc(s->rows, capacity * sizeof(*more));

		if (more == NULL)
			return false;
		s->rows = more;
		s->rows_capacity = capacity;
	}
	s->rows[s->rows_count++] = row;
	return true;
}

static bool indicator_read(struct places *s, const struct slice *f, size_t count)
{
	struct tally_indicator i = {0};
	uint64_t days, set;
	int64_t day;

	if (count != 6 || !hex_u64(f[1], &i.hash) || i.hash == 0 || !number_i64(f[2], &day) ||
		!slice_to_u64(f[3], &days) || !slice_to_u64(f[4], &set) || days > UINT16_MAX ||
		set > PREVALENCE_VALUE_BITS || day < INT32_MIN || day > INT32_MAX ||
		!hex_decode(f[5], i.prevalence.bits, sizeof(i.prevalence.bits)))
		return false;
	i.prevalence.day = (int32_t)day;
	i.prevalence.days = (uint16_t)days;
	i.prevalence.set = (uint16_t)set;
	if (s->indicators_count == s->indicators_capacity) {
		size_t capacity = s->indicators_capacity == 0 ? 64 : 2 * s->indicators_capacity;
		struct tally_indicator *more = realloc(s->indicators, capacity * sizeof(*more));

		if (more == NULL)
			return false;
		s->indicators = more;
		s->indicators_capacity = capacity;
	}
	s->indicators[s->indicators_count++] = i;
	return true;
}

static bool site_read(struct places *s, const struct slice *f, size_t count)
{
	struct buf bits = BUF_INIT;
	uint64_t set;
	bool good = count == 3 && slice_to_u64(f[1], &set) && set <= PREVALENCE_SITE_BITS &&
		    text_decode(f[2], &bits) && bits.len == sizeof(s->site->bits);

	if (good && s->site == NULL)
		s->site = calloc(1, sizeof(*s->site));
	if (good && s->site != NULL) {
		s->site->set = (uint32_t)set;
		memcpy(s->site->bits, bits.data, bits.len);
	}
	buf_fini(&bits);
	return good && s->site != NULL;
}

static bool line_read(struct places *s, struct slice line)
{
	struct slice f[FIELDS_MAX];
	size_t count = fields_split(line, f);
	uint64_t device, inode, size;
	struct place *p;

	if (count == 0)
		return false;
	if (slice_is(f[0], "place"))
		return place_read(s, f, count);
	if (slice_is(f[0], "row"))
		return row_read(s, f, count);
	if (slice_is(f[0], "indicator"))
		return indicator_read(s, f, count);
	if (slice_is(f[0], "site"))
		return site_read(s, f, count);
	if (slice_is(f[0], "key")) {
		s->has_key = count == 2 && hex_decode(f[1], s->key, sizeof(s->key));
		s->key_written = s->has_key;
		return s->has_key;
	}
	if (slice_is(f[0], "gone") && count == 3 && slice_to_u64(f[1], &device) &&
		slice_to_u64(f[2], &inode)) {
		p = places_place(s, (dev_t)device, (ino_t)inode);
		if (p != NULL)
			place_forget(s, p);
		return true;
	}
	if (slice_is(f[0], "hunt"))
		return count == 3 && hex_u64(f[1], &s->hunt_job) &&
		       slice_to_u64(f[2], &s->hunt_offset);
	if (slice_is(f[0], "output") && count == 4 && slice_to_u64(f[1], &device) &&
		slice_to_u64(f[2], &inode) && slice_to_u64(f[3], &size)) {
		s->mark = (struct output_mark){(dev_t)device, (ino_t)inode, size};
		return true;
	}
	return false;
}

/* Transactions up to the last whole one; *ret_good: bytes that count. */
static enum err_kind transactions_read(
	struct places *s, struct slice all, size_t *ret_good, struct err *e)
{
	size_t begin = sizeof(STATE_HEADER) - 1, at = begin;
	uint64_t number = 2;

	if (!slice_starts(all, SLICE(STATE_HEADER)))
		return err_set(e, ERR_CORRUPT, "state \"%s\": expected the first line \"%s\"",
			s->path, "serai-watch-state 1");
	*ret_good = begin;
	while (at < all.len) {
		size_t end = slice_find(all, '\n', at);
		struct slice line = slice_cut(all, at, end);
		struct slice rest, one;
		uint8_t digest[SHA256_LEN], stands[SHA256_LEN];

		if (end == all.len)
			break; /* a crash cut it off */
		if (!slice_starts(line, SLICE("commit "))) {
			at = end + 1;
			continue;
		}
		rest = slice_cut(all, begin, at);
		hash_sha256(rest, digest);
		if (!hex_decode(slice_cut(line, 7, line.len), stands, sizeof(stands)) ||
			memcmp(digest, stands, sizeof(digest)) != 0)
			return err_set(e, ERR_CORRUPT,
				"state \"%s\": the transaction that ends at byte %zu is damaged; "
				"move the file away "
				"to start anew",
				s->path, end);
		if (rest.len > 0)
			rest.len--; /* the last line's end begins no other line */
		for (; slice_next(&rest, '\n', &one); number++) {
			if (one.len > 0 && !line_read(s, one))
				return err_set(e, ERR_CORRUPT,
					"state \"%s\", line %" PRIu64 ": not understood: %.*s",
					s->path, number, SLICE_ARG(slice_cut(one, 0, 80)));
		}
		number++;
		at = end + 1;
		begin = at;
		*ret_good = at;
	}
	return OK;
}

enum err_kind places_open(const char *folder, struct places **ret_state, struct err *e)
{
	struct places *s = calloc(1, sizeof(*s));
	struct buf all = BUF_INIT;
	size_t good = 0;
	enum err_kind kind;
	struct stat st;

	if (s == NULL)
		return err_set(e, ERR_NOMEM, "state \"%s\": out of memory", folder);
	s->fd = -1;
	if (asprintf(&s->path, "%s/state", folder) < 0) {
		s->path = NULL;
		kind = err_set(e, ERR_NOMEM, "state \"%s\": out of memory", folder);
		goto fail;
	}
	kind = folder_make(folder, 0750, e);
	if (kind == OK && (stat(s->path, &st) != 0 || st.st_size == 0))
		kind = file_write_atomic(s->path, SLICE(STATE_HEADER), 0640, e);
	if (kind == OK)
		kind = file_read(s->path, STATE_BYTES_MAX, &all, e);
	if (kind == OK)
		kind = transactions_read(s, buf_slice(&all), &good, e);
	if (kind != OK)
		goto fail;
	s->fd = open(s->path, O_WRONLY | O_CLOEXEC);
	if (s->fd < 0 || ftruncate(s->fd, (off_t)good) != 0 || lseek(s->fd, 0, SEEK_END) < 0) {
		kind = err_set(e, err_kind_of_errno(errno), "could not open state \"%s\": %s",
			s->path, strerror(errno));
		goto fail;
	}
	s->size = good;
	s->rewritten = good;
	s->kept_us = good > sizeof(STATE_HEADER) - 1 ? (int64_t)st.st_mtim.tv_sec * US_PER_SECOND +
							       st.st_mtim.tv_nsec / 1000
						     : TIME_UNKNOWN;
	buf_fini(&all);
	*ret_state = s;
	return OK;

fail:
	buf_fini(&all);
	places_free(s);
	return kind;
}

void places_free(struct places *s)
{
	if (s == NULL)
		return;
	while (s->places_count > 0)
		place_forget(s, s->places[0]);
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	free(s->rows);
	free(s->indicators);
	free(s->site);
	buf_fini(&s->pending);
	free(s);
}

/* ---- places and rows ------------------------------------------------------------------------- */

struct place *places_place(struct places *s, dev_t device, ino_t inode)
{
	for (size_t i = 0; i < s->places_count; i++) {
		if (s->places[i]->device == device && s->places[i]->inode == inode)
			return s->places[i];
	}
	return NULL;
}

struct place *places_place_add(struct places *s, dev_t device, ino_t inode, const char *path)
{
	struct place *p;

	if (s->places_count == PLACES_MAX)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->path = strdup(path);
	if (p->path == NULL) {
		free(p);
		return NULL;
	}
	p->device = device;
	p->inode = inode;
	p->line = 1;
	p->changed = true;
	s->places[s->places_count++] = p;
	return p;
}

int64_t places_kept_us(const struct places *s)
{
	return s->kept_us;
}

bool places_mark(const struct places *s, struct output_mark *ret_mark)
{
	*ret_mark = s->mark;
	return s->mark.inode != 0;
}

void places_restore(struct places *s, struct tally *t, struct prevalence_site *site)
{
	if (s->has_key) {
		tally_key_set(t, s->key);
	} else {
		tally_key_get(t, s->key);
		s->has_key = true;
	}
	/* A later line about the same row replaces the earlier one: the last are put in first. */
	for (size_t i = s->rows_count; i-- > 0;)
		(void)tally_restore(t, &s->rows[i]);
	for (size_t i = s->indicators_count; i-- > 0;) {
		if (tally_indicator(t, s->indicators[i].hash) != NULL &&
			tally_indicator(t, s->indicators[i].hash)->prevalence.day == 0)
			(void)tally_restore_indicator(t, &s->indicators[i]);
	}
	if (s->site != NULL)
		*site = *s->site;
	free(s->rows);
	free(s->indicators);
	s->rows = NULL;
	s->indicators = NULL;
	s->rows_count = s->rows_capacity = s->indicators_count = s->indicators_capacity = 0;
}

void places_row(struct places *s, const struct tally_row *row)
{
	row_write(&s->pending, row);
}

void places_indicator(struct places *s, const struct tally_indicator *i)
{
	indicator_write(&s->pending, i);
}

void places_site(struct places *s, const struct prevalence_site *site)
{
	site_write(&s->pending, site);
}

static void hunt_write(struct buf *out, const struct places *s)
{
	buf_printf(out, "hunt %016" PRIx64 " %" PRIu64 "\n", s->hunt_job, s->hunt_offset);
}

void places_hunt(struct places *s, uint64_t job, uint64_t offset)
{
	if (s->hunt_job == job && s->hunt_offset == offset)
		return;
	s->hunt_job = job;
	s->hunt_offset = offset;
	hunt_write(&s->pending, s);
}

uint64_t places_hunt_offset(const struct places *s, uint64_t job)
{
	return s->hunt_job == job ? s->hunt_offset : 0;
}

/* ---- committing ------------------------------------------------------------------------------ */

static void mark_write(struct buf *out, const struct output_mark *m)
{
	buf_printf(out, "output %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", (uint64_t)m->device,
		(uint64_t)m->inode, m->size);
}

static void commit_write(struct buf *out, size_t from)
{
	uint8_t digest[SHA256_LEN];

	hash_sha256((struct slice){out->data + from, out->len - from}, digest);
	buf_text(out, "commit ");
	hex_append(out, digest, sizeof(digest));
	buf_char(out, '\n');
}

static void key_write(struct places *s, struct buf *out)
{
	buf_text(out, "key ");
	hex_append(out, s->key, sizeof(s->key));
	buf_char(out, '\n');
}

static void row_each(void *context, struct tally_row *row)
{
	row_write(context, row);
}

static void indicator_each(void *context, struct tally_indicator *i)
{
	indicator_write(context, i);
}

/* Everything as one transaction in a new file. */
static enum err_kind rewrite(struct places *s, const struct output_mark *mark, struct tally *t,
	const struct prevalence_site *site, struct err *e)
{
	struct buf all = BUF_MAX(STATE_BYTES_MAX);
	enum err_kind kind;
	int fd;

	buf_text(&all, STATE_HEADER);
	key_write(s, &all);
	for (size_t i = 0; i < s->places_count; i++)
		place_write(&all, s->places[i]);
	tally_each(t, row_each, &all);
	tally_each_indicator(t, indicator_each, &all);
	site_write(&all, site);
	mark_write(&all, mark);
	if (s->hunt_job != 0)
		hunt_write(&all, s);
	commit_write(&all, sizeof(STATE_HEADER) - 1);
	kind = all.bad ? err_set(e, ERR_NOMEM, "state \"%s\": out of memory", s->path)
		       : file_write_atomic(s->path, buf_slice(&all), 0640, e);
	if (kind == OK) {
		fd = open(s->path, O_WRONLY | O_CLOEXEC);
		if (fd < 0) {
			kind = err_set(e, err_kind_of_errno(errno),
				"could not open state \"%s\": %s", s->path, strerror(errno));
		} else {
			close(s->fd);
			s->fd = fd;
			s->size = s->rewritten = all.len;
			s->key_written = true;
			buf_clear(&s->pending);
		}
	}
	buf_fini(&all);
	return kind;
}

enum err_kind places_commit(struct places *s, const struct output_mark *mark, struct tally *t,
	const struct prevalence_site *site, struct err *e)
{
	struct buf *out = &s->pending;
	size_t at = 0, lines;
	enum err_kind kind = OK;

	for (size_t i = 0; i < s->places_count;) {
		struct place *p = s->places[i];

		if (p->gone) {
			buf_printf(out, "gone %" PRIu64 " %" PRIu64 "\n", (uint64_t)p->device,
				(uint64_t)p->inode);
			place_forget(s, p);
			continue;
		}
		if (p->changed)
			place_write(out, p);
		p->changed = false;
		i++;
	}
	if (memcmp(mark, &s->mark, sizeof(*mark)) != 0) {
		mark_write(out, mark);
		s->mark = *mark;
	}
	if (out->len == 0)
		return OK;
	if (!s->key_written || s->size - s->rewritten > STATE_GROWN)
		return rewrite(s, mark, t, site, e);
	lines = out->len;
	commit_write(out, 0);
	if (out->bad)
		return err_set(e, ERR_NOMEM, "state \"%s\": out of memory", s->path);
	while (kind == OK && at < out->len) {
		ssize_t n = pwrite(s->fd, out->data + at, out->len - at, (off_t)(s->size + at));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			kind = err_set(e, err_kind_of_errno(errno),
				"could not write state \"%s\": %s", s->path, strerror(errno));
		else
			at += (size_t)n;
	}
	if (kind == OK && fdatasync(s->fd) != 0)
		kind = err_set(e, err_kind_of_errno(errno), "could not sync state \"%s\": %s",
			s->path, strerror(errno));
	if (kind != OK) {
		out->len = lines; /* the next commit takes the lines along */
		return kind;
	}
	s->size += out->len;
	buf_clear(out);
	return OK;
}
