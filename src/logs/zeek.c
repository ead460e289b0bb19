/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Zeek's tab-separated logs, where speed counts: a sensor reads millions of lines to find a
 * handful. A piece of the log is split once (split.h); then each line costs its wanted columns and
 * no more. Lines that are not as the header says are problems, never guessed at.
 */
#include <stdlib.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "split.h"
#include "zeek_header.h"

#define LIKELY(x)   __builtin_expect((x) != 0, 1)
#define UNLIKELY(x) __builtin_expect((x) != 0, 0)

#define NO_COLUMN      SIZE_MAX
#define SIFT_LEAST     4 /* lines: fewer are not worth asking about */
#define QUICK_ELEMENTS 4 /* of a set, written without a branch; more go one by one */

/* A column that is wanted. */
struct wanted {
	uint16_t position; /* in the line */
	uint16_t column;   /* in the batch */
	bool many;         /* elements between set separators */
};

struct zeek {
	split_run run;
	struct zeek_header header;
	bool stale;        /* the header has changed since the columns were made from it */
	const char *wrong; /* with it, when there are no columns */
	size_t columns;    /* of a line; 0: not known */
	struct wanted wanted[COLUMNS_MAX];
	size_t wanted_count;
	size_t room; /* fields that a line of the quick way takes at the most */
	/* host + uri of http.log */
	size_t url_column; /* in the batch; NO_COLUMN: not wanted or not there */
	size_t host, uri, address, port;
	struct sheet_cell cells[COLUMNS_MAX]; /* wanted, for the sink's sieve */
	struct split split;
};

/* ---- columns --------------------------------------------------------------------------------- */

static size_t position_of(const struct zeek_header *h, const char *name)
{
	for (size_t i = 0; i < h->cells_count; i++)
		if (slice_is(h->cells[i].name, name))
			return i;
	return NO_COLUMN;
}

/* Where the parts of a URL stand, if this log has them. */
static bool find_url(struct zeek *z)
{
	z->host = position_of(&z->header, "host");
	z->uri = position_of(&z->header, "uri");
	z->address = position_of(&z->header, "id.resp_h");
	z->port = position_of(&z->header, "id.resp_p");
	return z->host != NO_COLUMN && z->uri != NO_COLUMN;
}

static void columns_make(struct logs_reader *r, struct zeek *z)
{
	z->stale = false;
	z->columns = 0;
	z->wanted_count = 0;
	z->room = 0;
	z->url_column = NO_COLUMN;
	z->wrong = zeek_header_build(&z->header);
	if (z->wrong != NULL)
		return;
	for (size_t i = 0; i < z->header.cells_count; i++) {
		const struct zeek_cell *cell = &z->header.cells[i];
		size_t column;

		if (cell->meaning.role == ROLE_NONE || !logs_wanted(r, cell->meaning.role))
			continue;
		column = logs_column(r, cell->name, cell->meaning.role, cell->meaning.kind);
		if (column == COLUMNS_MAX) {
			z->wrong = "too many columns";
			return;
		}
		z->wanted[z->wanted_count++] = (struct wanted){
			.position = (uint16_t)i,
			.column = (uint16_t)column,
			.many = cell->meaning.many,
		};
		z->cells[z->wanted_count - 1] = (struct sheet_cell){
			.position = (uint16_t)i,
			.column = (uint16_t)column,
			.many = cell->meaning.many,
		};
		z->room += cell->meaning.many ? QUICK_ELEMENTS : 1;
	}
	if (find_url(z) && logs_wanted(r, ROLE_URL))
		z->url_column = logs_column(r, SLICE("url"), ROLE_URL, FIELD_URL);
	z->columns = z->header.cells_count;
}

/* ---- values, the careful way ----------------------------------------------------------------- */

static bool is_nothing(const struct zeek_header *h, struct slice value)
{
	char bytes[ZEEK_MARK_MAX] = {0};

	if (value.len == 0)
		return true;
	if (value.len > ZEEK_MARK_MAX)
		return false;
	memcpy(bytes, value.data, value.len);
	return zeek_mark_is(&h->unset, bytes, value.len) ||
	       zeek_mark_is(&h->empty, bytes, value.len);
}

static bool is_escaped(struct slice value)
{
	return slice_find(value, '\\', 0) < value.len;
}

static bool put_value(
	struct logs_reader *r, const struct zeek *z, size_t column, struct slice value)
{
	char *to;

	if (is_nothing(&z->header, value))
		return true;
	if (value.len <= FIELD_BYTES_MAX && is_escaped(value)) {
		to = logs_scratch(r, value.len);
		if (to == NULL)
			return false;
		value = (struct slice){to, zeek_unescape(value, to)};
		logs_scratch_keep(r, value.len);
	}
	return logs_field(r, column, value);
}

static bool put_values(
	struct logs_reader *r, const struct zeek *z, const struct wanted *w, struct slice value)
{
	struct slice rest = value, element;

	if (!w->many || is_nothing(&z->header, value))
		return put_value(r, z, w->column, value);
	while (slice_next(&rest, z->header.set_separator, &element))
		if (!put_value(r, z, w->column, element))
			return false;
	return true;
}

/* host + uri, each as it is written; in scratch, unescaped. */
static bool put_url(struct logs_reader *r, const struct zeek *z, struct zeek_url url)
{
	struct slice *parts[] = {&url.host, &url.uri, &url.address, &url.port};
	size_t bytes = ZEEK_URL_MORE, len;
	char *to;

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if (is_nothing(&z->header, *parts[i]))
			*parts[i] = (struct slice){0};
		bytes += parts[i]->len;
	}
	if (url.uri.len == 0)
		return true;
	if (bytes > FIELD_BYTES_MAX) {
		r->counts.cut_fields++;
		return true;
	}
	to = logs_scratch(r, bytes);
	if (to == NULL)
		return false;
	len = zeek_url_join(&url, to);
	len = zeek_unescape((struct slice){to, len}, to);
	logs_scratch_keep(r, len);
	return logs_field(r, z->url_column, (struct slice){to, len});
}

/* Values of a line, at most COLUMNS_MAX; returns how many it has (COLUMNS_MAX + 1 for more). */
static size_t line_cells(const struct zeek *z, struct slice line, struct slice cells[COLUMNS_MAX])
{
	size_t count = 0;

	for (struct slice rest = line, cell; slice_next(&rest, z->header.separator, &cell);
		count++) {
		if (count == COLUMNS_MAX)
			return COLUMNS_MAX + 1;
		cells[count] = cell;
	}
	return count;
}

static struct slice cell_at(const struct slice *cells, size_t position)
{
	return position == NO_COLUMN ? (struct slice){0} : cells[position];
}

static struct zeek_url url_of(const struct zeek *z, const struct slice *cells)
{
	return (struct zeek_url){
		.host = cell_at(cells, z->host),
		.uri = cell_at(cells, z->uri),
		.address = cell_at(cells, z->address),
		.port = cell_at(cells, z->port),
	};
}

/*
 * Any line, whatever it is: header lines, blank ones, data of the wrong width or too long for the
 * quick way.
 */
static bool line_any(
	struct logs_reader *r, struct zeek *z, struct slice line, uint64_t number, uint64_t offset)
{
	struct slice cells[COLUMNS_MAX];
	const char *wrong;
	size_t count;

	if (line.len > LOGS_LINE_MAX) {
		r->counts.too_long++;
		return true;
	}
	line = logs_line_trim(line);
	if (line.len == 0)
		return true;
	if (line.data[0] == '#') {
		if (!zeek_header_changes(&z->header, line))
			return true;
		/* Records in the batch are read again by the old columns: they go out first. */
		if (!logs_columns_clear(r))
			return false;
		wrong = zeek_header_take(&z->header, line);
		if (wrong != NULL)
			logs_problem(r, number, "%s", wrong);
		z->stale = true;
		z->columns = 0;
		return true;
	}
	if (z->stale)
		columns_make(r, z);
	if (z->columns == 0) {
		logs_problem(r, number, "%s", z->wrong);
		return true;
	}
	count = line_cells(z, line, cells);
	if (count != z->columns) {
		logs_problem(r, number, "%zu columns, the header has %zu", count, z->columns);
		return true;
	}
	if (!logs_record(r, line, number, offset, TIME_UNKNOWN))
		return false;
	for (size_t i = 0; i < z->wanted_count; i++)
		if (!put_values(r, z, &z->wanted[i], cells[z->wanted[i].position]))
			return false;
	return z->url_column == NO_COLUMN || put_url(r, z, url_of(z, cells));
}

/* ---- values, the quick way ------------------------------------------------------------------- */

/* Which of 64 bytes are c. */
static inline uint64_t bytes_equal(const char *data, char c)
{
#if defined(__SSE2__)
	const __m128i *v = (const __m128i *)(const void *)data;
	__m128i wanted = _mm_set1_epi8(c);
	/* Written out: at -O2 compilers leave the loop a loop. */
	uint64_t a = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(v), wanted));
	uint64_t b = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(v + 1), wanted));
	uint64_t d = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(v + 2), wanted));
	uint64_t e = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(v + 3), wanted));

	return (a | b << 16) | (d | e << 16) << 32;
#else
	uint64_t mask = 0;

	for (unsigned i = 0; i < 64; i++)
		mask |= (uint64_t)(data[i] == c) << i;
	return mask;
#endif
}

/* What the quick way keeps in registers. It wants a mark of one byte for unset values. */
struct quick {
	size_t separators; /* of a line; SIZE_MAX: none is read quickly */
	struct zeek_mark empty;
	char unset, set_separator;
};

static inline struct quick quick_of(const struct zeek *z)
{
	bool usable = z->columns != 0 && z->room <= BATCH_FIELDS && z->header.unset.len == 1;

	return (struct quick){
		.separators = usable ? z->columns - 1 : SIZE_MAX,
		.empty = z->header.empty,
		.unset = (char)z->header.unset.word,
		.set_separator = z->header.set_separator,
	};
}

/* "-" is common and cannot be guessed, "(empty)" is rare. */
static inline bool is_something(const struct quick *q, const char *data, size_t len)
{
	if (UNLIKELY(len == q->empty.len) && zeek_mark_is(&q->empty, data, len))
		return false;
	return len > (size_t)(data[0] == q->unset); /* not empty, and not the mark alone */
}

static inline void field_set(
	struct field *f, const char *data, size_t len, size_t record, unsigned column)
{
	f->data = data;
	f->len = (uint32_t)len;
	f->record = (uint16_t)record;
	f->column = (uint16_t)column;
}

/*
 * The elements of a value of at most 63 bytes, QUICK_ELEMENTS of them at the most. Two are written
 * always and counted when they are something: how many there are cannot be guessed. Returns where
 * the next field goes; NULL: there are more elements.
 */
static inline struct field *elements_quick(const struct quick *q, struct field *f, size_t record,
	unsigned column, const char *data, size_t len)
{
	uint64_t commas = bytes_equal(data, q->set_separator);
	uint64_t ends = (commas & ((UINT64_C(1) << len) - 1)) | UINT64_C(1) << len;
	size_t end = (size_t)__builtin_ctzll(ends), at;
	uint64_t more = ends & (ends - 1);

	field_set(f, data, end, record, column);
	f += is_something(q, data, end);
	at = end + (more != 0); /* without a second one it is an empty one */
	end = more != 0 ? (size_t)__builtin_ctzll(more) : at;
	field_set(f, data + at, end - at, record, column);
	f += is_something(q, data + at, end - at);
	more &= more - 1;
	for (size_t k = 2; UNLIKELY(more != 0); k++) {
		if (k == QUICK_ELEMENTS)
			return NULL;
		at = end + 1;
		end = (size_t)__builtin_ctzll(more);
		field_set(f, data + at, end - at, record, column);
		f += is_something(q, data + at, end - at);
		more &= more - 1;
	}
	return f;
}

/* A column by its position: where it ends, and in front of it where the one before ends (for the
 * first, where the line before does). */
static inline struct slice column_cut(const char *data, const uint16_t *positions, size_t k)
{
	size_t from = (uint16_t)(positions[(ptrdiff_t)k - 1] + 1);

	return (struct slice){data + from, positions[k] - from};
}

static inline bool line_quick(struct logs_reader *r, const struct zeek *z, const struct quick *q,
	const char *data, const uint16_t *positions, bool escapes)
{
	struct batch *b = &r->batch;
	const struct wanted *const wanted_end = z->wanted + z->wanted_count;
	struct field *f = b->fields + b->fields_count, *next;
	size_t record = b->records_count - 1;

	for (const struct wanted *w = z->wanted; w < wanted_end; w++) {
		struct slice v = column_cut(data, positions, w->position);

		if (UNLIKELY(escapes) && is_escaped(v))
			goto careful;
		if (!w->many) {
			field_set(f, v.data, v.len, record, w->column);
			f += is_something(q, v.data, v.len);
			continue;
		}
		if (LIKELY(v.len < 64)) {
			next = elements_quick(q, f, record, w->column, v.data, v.len);
			if (LIKELY(next != NULL)) {
				f = next;
				continue;
			}
		}
	careful:
		b->fields_count = (size_t)(f - b->fields);
		if (!put_values(r, z, w, v))
			return false;
		/* What is left of the line must fit. */
		if (b->fields_count > BATCH_FIELDS - z->room && !logs_flush_midway(r))
			return false;
		f = b->fields + b->fields_count;
		record = b->records_count - 1;
	}
	b->fields_count = (size_t)(f - b->fields);
	if (UNLIKELY(z->url_column != NO_COLUMN)) {
		struct zeek_url url = {
			.host = column_cut(data, positions, z->host),
			.uri = column_cut(data, positions, z->uri),
		};

		if (z->address != NO_COLUMN)
			url.address = column_cut(data, positions, z->address);
		if (z->port != NO_COLUMN)
			url.port = column_cut(data, positions, z->port);
		return put_url(r, z, url);
	}
	return true;
}

/* ---- lines that say nothing ----------------------------------------------------------------- */

/* Lines from `from` to in front of `end`, and which of them the sink wants to see. */
struct sieve {
	size_t from, end;
	uint64_t keep[SHEET_WORDS];
};

/* The position of the first cell's end of line i of a piece. */
static inline size_t line_first(const struct split *s, size_t i)
{
	return i == 0 ? 0 : (size_t)s->ends[i - 1] + 1;
}

static inline size_t line_start(const struct split *s, size_t i)
{
	return i == 0 ? 0 : (size_t)s->positions[s->ends[i - 1]] + 1;
}

/* Whether the quick way takes a line as it stands, without a CR to cut. */
static inline bool line_is_plain(const char *data, size_t start, size_t end)
{
	return (data[start] != '#') & (data[start] != '\n') & (data[start] != '\r') &
	       (data[end - 1] != '\r');
}

/* How many lines from i on are one like the other, as a sheet has them. */
static size_t plain_lines(const struct zeek *z, const char *data, size_t i)
{
	const struct split *s = &z->split;
	size_t most = s->ends_count - i < SHEET_LINES ? s->ends_count - i : SHEET_LINES;
	size_t last = line_first(s, i) + z->columns - 1, start = line_start(s, i), count = 0;

	for (; count < most && s->ends[i + count] == last; count++, last += z->columns) {
		size_t end = s->positions[last];

		if (!line_is_plain(data, start, end))
			break;
		start = end + 1;
	}
	return count;
}

/* Asks the sink about the lines from i on; where it cannot be asked the next one is kept. */
static void lines_sift(struct logs_reader *r, const struct zeek *z, const char *data, size_t i,
	struct sieve *ret_sieve)
{
	const struct split *s = &z->split;
	struct sheet sheet = {
		.data = data,
		.ends = s->positions + line_first(s, i),
		.lines = plain_lines(z, data, i),
		.width = z->columns,
		.columns = r->columns,
		.columns_count = r->columns_count,
		.cells = z->cells,
		.cells_count = z->wanted_count,
		.set_separator = z->header.set_separator,
	};
	size_t kept = 0;

	ret_sieve->from = i;
	if (sheet.lines < SIFT_LEAST || !r->sift(r->sink.context, &sheet, ret_sieve->keep)) {
		ret_sieve->end = i + (sheet.lines != 0 ? sheet.lines : 1);
		memset(ret_sieve->keep, 0xff, sizeof(ret_sieve->keep));
		return;
	}
	ret_sieve->end = i + sheet.lines;
	for (size_t w = 0; w < SHEET_WORDS; w++)
		kept += (size_t)__builtin_popcountll(ret_sieve->keep[w]);
	r->counts.records += sheet.lines - kept;
}

/* The first line from i on that is kept; the sieve's end: none of it. */
static inline size_t sieve_next(const struct sieve *v, size_t i)
{
	size_t w = (i - v->from) / 64;
	uint64_t left = v->keep[w] >> (i - v->from) % 64;

	if (left != 0) {
		i += (size_t)__builtin_ctzll(left);
		return i < v->end ? i : v->end;
	}
	for (w++; w < SHEET_WORDS && v->keep[w] == 0; w++)
		;
	i = w == SHEET_WORDS ? v->end : v->from + 64 * w + (size_t)__builtin_ctzll(v->keep[w]);
	return i < v->end ? i : v->end;
}

/* ---- pieces --------------------------------------------------------------------------------- */

/* A line as the header says. False: stopped. */
static inline bool line_plain(struct logs_reader *r, struct zeek *z, const struct quick *q,
	const char *data, uint64_t offset, size_t i)
{
	struct split *s = &z->split;
	struct batch *b = &r->batch;
	size_t start = line_start(s, i), last = s->ends[i], end = s->positions[last];
	bool cr = data[end - 1] == '\r'; /* one byte in front is readable */

	if (b->records_count == BATCH_RECORDS || b->fields_count > BATCH_FIELDS - z->room)
		if (!logs_flush(r))
			return false;
	b->records[b->records_count++] = (struct record){
		.raw = data + start,
		.raw_len = (uint32_t)(end - start - cr),
		.number = r->line + i,
		.offset = offset + start,
		.time_us = TIME_UNKNOWN,
	};
	r->counts.records++;
	s->positions[last] = (uint16_t)(end - cr);
	if (!line_quick(r, z, q, data, s->positions + line_first(s, i), s->escapes))
		return false;
	s->positions[last] = (uint16_t)end;
	return true;
}

/*
 * The complete lines of a piece that has been split. Stops early when a header line changed the
 * separator, as the positions are then those of another byte.
 */
static bool piece(
	struct logs_reader *r, struct zeek *z, const char *data, uint64_t offset, size_t *ret_taken)
{
	struct split *s = &z->split;
	const char separator = z->header.separator;
	struct quick q = quick_of(z);
	struct sieve sieve = {0};
	size_t i = 0;

	s->in_front = UINT16_MAX; /* one more is the first byte */
	for (; i < s->ends_count; i++) {
		size_t start = line_start(s, i), last = s->ends[i], end = s->positions[last];

		/* what is escaped, and URLs, are more than a sheet says */
		if (i >= sieve.end && r->sift != NULL && q.separators != SIZE_MAX && !s->escapes &&
			z->url_column == NO_COLUMN)
			lines_sift(r, z, data, i, &sieve);
		if (i < sieve.end) {
			size_t next = sieve_next(&sieve, i);

			if (next > i) {
				i = next - 1;
				continue;
			}
		}
		if (LIKELY((last - line_first(s, i) == q.separators) & (data[start] != '#') &
			    (data[start] != '\n') & (data[start] != '\r'))) {
			if (!line_plain(r, z, &q, data, offset, i))
				break;
			continue;
		}
		if (!line_any(r, z, (struct slice){data + start, end - start}, r->line + i,
			    offset + start))
			break;
		q = quick_of(z);
		sieve = (struct sieve){0};
		if (UNLIKELY(z->header.separator != separator)) {
			i++;
			break;
		}
	}
	r->line += i;
	r->counts.lines += i;
	*ret_taken = line_start(s, i);
	return !r->stopped;
}

static bool block(struct logs_reader *r, struct slice bytes, bool last, size_t *ret_taken)
{
	struct zeek *z = r->state;
	size_t at = 0;

	while (at < bytes.len) {
		size_t len = bytes.len - at < SPLIT_BYTES ? bytes.len - at : SPLIT_BYTES, taken = 0;
		struct slice line;
		size_t end;

		z->run(bytes.data + at, len, z->header.separator, &z->split);
		if (z->split.ends_count != 0) {
			if (!piece(r, z, bytes.data + at, r->offset + at, &taken))
				return false;
			at += taken;
			continue;
		}
		/* No line ends here: one longer than a piece, or the last. */
		end = slice_find(bytes, '\n', at + len);
		if (end == bytes.len && !last)
			break;
		line = slice_cut(bytes, at, end);
		if (!line_any(r, z, line, r->line, r->offset + at))
			return false;
		r->line++;
		r->counts.lines++;
		at = end < bytes.len ? end + 1 : end;
	}
	*ret_taken = at;
	return true;
}

/* ---- one line in full ------------------------------------------------------------------------ */

static bool add_value(const struct zeek *z, const struct zeek_cell *cell, struct slice name,
	struct slice value, struct arena *a, struct event *e)
{
	if (is_nothing(&z->header, value))
		return true;
	if (is_escaped(value)) {
		char *to = arena_alloc(a, value.len);

		if (to == NULL)
			return false;
		value = (struct slice){to, zeek_unescape(value, to)};
	}
	return event_add(e, a, name, cell->meaning.role, cell->meaning.kind, value);
}

static bool detail(
	struct logs_reader *r, struct slice line, struct arena *a, struct event *ret_event)
{
	struct zeek *z = r->state;
	struct slice cells[COLUMNS_MAX], rest, element;
	struct zeek_url url;
	size_t bytes = ZEEK_URL_MORE;
	char *to;

	if (line_cells(z, line, cells) != z->header.cells_count)
		return true; /* cannot be: the record came of these columns */
	for (size_t i = 0; i < z->header.cells_count; i++) {
		const struct zeek_cell *cell = &z->header.cells[i];
		struct slice name;

		if (is_nothing(&z->header, cells[i]))
			continue;
		name = arena_copy(a, cell->name);
		if (name.data == NULL)
			return false;
		if (slice_is(name, "ts"))
			ret_event->time_us = logs_time(cells[i], r->world);
		if (!cell->meaning.many) {
			if (!add_value(z, cell, name, cells[i], a, ret_event))
				return false;
			continue;
		}
		for (rest = cells[i]; slice_next(&rest, z->header.set_separator, &element);)
			if (!add_value(z, cell, name, element, a, ret_event))
				return false;
	}
	if (!find_url(z))
		return true;
	url = url_of(z, cells);
	for (struct slice *part = &url.host; part <= &url.port; part++) {
		if (is_nothing(&z->header, *part))
			*part = (struct slice){0};
		bytes += part->len;
	}
	to = arena_alloc(a, bytes);
	if (to == NULL)
		return false;
	bytes = zeek_url_join(&url, to);
	bytes = zeek_unescape((struct slice){to, bytes}, to);
	return bytes == 0 || event_add(ret_event, a, SLICE("url"), ROLE_URL, FIELD_URL,
				     (struct slice){to, bytes});
}

/* ---- the row --------------------------------------------------------------------------------- */

static unsigned guess(struct slice head, const char *name)
{
	struct slice line;

	(void)name;
	if (slice_starts(head, SLICE("#separator ")))
		return 100;
	/* Joined or cut files: the header somewhere in front of the data. */
	while (slice_next(&head, '\n', &line) && line.len != 0 && line.data[0] == '#')
		if (slice_starts(line, SLICE("#fields\t")))
			return 95;
	return 0;
}

static enum err_kind open_state(struct logs_reader *r, struct err *e)
{
	struct zeek *z = calloc(1, sizeof(*z));

	if (z == NULL)
		return err_set(e, ERR_NOMEM, "zeek reader: out of memory");
	r->state = z;
	z->run = split_best();
	z->url_column = NO_COLUMN;
	z->stale = true;
	if (!zeek_header_init(&z->header))
		return err_set(e, ERR_NOMEM, "zeek reader: out of memory");
	return OK;
}

static void close_state(struct logs_reader *r)
{
	struct zeek *z = r->state;

	if (z == NULL)
		return;
	zeek_header_fini(&z->header);
	free(z);
}

static struct slice head_text(const struct logs_reader *r)
{
	const struct zeek *z = r->state;

	return buf_slice(&z->header.text);
}

static bool resume(struct logs_reader *r, struct slice head)
{
	struct zeek *z = r->state;
	struct slice line;

	if (!logs_columns_clear(r))
		return false;
	zeek_header_reset(&z->header);
	z->stale = true;
	z->columns = 0;
	while (slice_next(&head, '\n', &line)) {
		const char *wrong = zeek_header_take(&z->header, logs_line_trim(line));

		if (wrong != NULL)
			logs_problem(r, r->line, "header that was kept: %s", wrong);
	}
	return true;
}

const struct logs_format_row logs_zeek_tsv = {
	.name = "zeek-tsv",
	.guess = guess,
	.open = open_state,
	.close = close_state,
	.block = block,
	.detail = detail,
	.head = head_text,
	.resume = resume,
};
