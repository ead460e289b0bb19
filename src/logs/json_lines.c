/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Logs of one JSON object a line: Zeek's JSON, Suricata's EVE, and others by well-known names or a
 * mapping. Tools write the same members in the same order again and again, so the quick way finds
 * the quotes of a piece at once (split.h), walks from string to string, and recognises a member by
 * having followed another one before: one comparison with its name, quotes and colon (walk_flat).
 * Members in another order, arrays of objects and escapes go through walk, which learns the order.
 * What that does not understand (blanks between, odd escapes, very long lines) goes to the strict
 * parser (json_careful.c), which also says what is no JSON. The quick ways ask less of values that
 * they do not need than the parser would.
 */
#include <stdlib.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "json_sheet.h"

#define LIKELY(x)      __builtin_expect((x) != 0, 1)
#define UNLIKELY(x)    __builtin_expect((x) != 0, 0)
#define QUICK_FIELDS   128 /* fields a record must find room for at the least */
#define FLAT_DEPTH_MAX 8   /* objects in objects that the quickest way enters */
#define ARRAY_QUICK    64  /* bytes of an array of numbers that is passed over at once */

/* ---- the quick way --------------------------------------------------------------------------- */

enum walk { WALK_DONE, WALK_ODD };

/* 8 bytes behind both are readable, and not compared. len is not 0. */
static inline bool bytes_same(const char *a, const char *b, size_t len)
{
	uint64_t x, y;

	for (; len > 8; len -= 8, a += 8, b += 8) {
		memcpy(&x, a, sizeof(x));
		memcpy(&y, b, sizeof(y));
		if (x != y)
			return false;
	}
	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (x ^ y) << (64 - 8 * len) == 0;
#else
	return (x ^ y) >> (64 - 8 * len) == 0;
#endif
}

/* Does the member with its colon stand here? KEY_MAX_BYTES behind p are readable. */
static inline bool key_is(const struct known *k, const char *p)
{
#if defined(__SSE2__)
	const __m128i *a = (const __m128i *)(const void *)k->key;
	const __m128i *b = (const __m128i *)(const void *)p;
	__m128i low = _mm_cmpeq_epi8(_mm_loadu_si128(a), _mm_loadu_si128(b));
	__m128i high = _mm_cmpeq_epi8(_mm_loadu_si128(a + 1), _mm_loadu_si128(b + 1));
	uint32_t same = (uint32_t)_mm_movemask_epi8(low) | (uint32_t)_mm_movemask_epi8(high) << 16;

	return (~same & k->key_bits) == 0 && k->key_len != 0;
#else
	return k->key_len != 0 && memcmp(k->key, p, k->key_len) == 0;
#endif
}

/* The one of two followers that is a member of this parent and stands here; NULL: neither. */
static inline struct known *follower(
	const struct known *last, const struct known *parent, const char *p)
{
	struct known *k = last->next;

	if (LIKELY(k != NULL && k->parent == parent && key_is(k, p)))
		return k;
	k = last->other;
	return k != NULL && k->parent == parent && key_is(k, p) ? k : NULL;
}

static inline bool name_is(const struct known *k, const char *name, size_t len)
{
	return k->len == len && len != 0 && bytes_same(k->name, name, len);
}

/* False: an escape that is none, or no room. There is room for what a line of a piece can hold. */
static bool quick_value(
	struct json_lines *j, struct logs_reader *r, const struct known *k, struct slice value)
{
	struct batch *b = &r->batch;
	size_t len;
	char *to;

	if (value.len == 0)
		return true;
	if (UNLIKELY(j->line_escapes) && slice_find(value, '\\', 0) < value.len) {
		to = r->scratch + EVENT_PADDING + r->scratch_len;
		if (!json_unescape(value, to, &len))
			return false;
		value = (struct slice){to, len};
		r->scratch_len += len;
	}
	if (UNLIKELY(json_is_spelled(json_kind_of(r, k->column), value))) {
		to = r->scratch + EVENT_PADDING + r->scratch_len;
		value = (struct slice){to, json_without_colons(value, to)};
		r->scratch_len += value.len;
	}
	if (k->part != PART_NONE && j->parts[k->part].len == 0)
		j->parts[k->part] = value;
	if (k->column == COLUMNS_MAX || value.len == 0)
		return true;
	if (b->fields_count == BATCH_FIELDS)
		return false;
	b->fields[b->fields_count++] = (struct field){
		.data = value.data,
		.len = (uint32_t)value.len,
		.record = (uint16_t)(b->records_count - 1),
		.column = k->column,
	};
	return true;
}

static inline bool ends_scalar(char c)
{
	return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\t';
}

/* Without a branch: digits and letters take turns. */
static inline bool is_word(char c)
{
	return ((unsigned)((unsigned char)c - '0') <= 9) |
	       ((unsigned)((unsigned char)c - 'a') <= 25);
}

/*
 * Behind the '[' of an array that is not needed and has neither strings nor anything nested: the
 * comma in front of the next member, at `next`. NULL: it is not that, or long. Numbers are not
 * looked at.
 */
static inline const char *array_passed(const char *p, const char *next)
{
	size_t len = (size_t)(next - p);

	if (len < 2 || len > ARRAY_QUICK || next[-1] != ',' || next[-2] != ']')
		return NULL;
#if defined(__SSE2__)
	for (; p < next - 2; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		uint32_t bits = UINT32_MAX >> (next - 2 - p < 16 ? 32 - (next - 2 - p) : 0);

		v = _mm_or_si128(v, _mm_set1_epi8(32)); /* brackets become braces */
		v = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('{')),
			_mm_cmpeq_epi8(v, _mm_set1_epi8('}')));
		if (((uint32_t)_mm_movemask_epi8(v) & bits) != 0)
			return NULL;
	}
#else
	for (const char *c = p; c < next - 2; c++)
		if ((*c | 32) == '{' || (*c | 32) == '}') /* brackets and braces */
			return NULL;
#endif
	return next - 1;
}

/* The fields of a line; quotes: where base has its count quotes that no backslash escapes. */
static enum walk walk(struct json_lines *j, struct logs_reader *r, struct slice line,
	const char *base, const uint16_t *quotes, size_t count)
{
	struct frame *const stack = j->stack;
	const char *p = line.data, *end = p + line.len, *from;
	struct known *known, *last = &j->root;
	size_t k = 0, depth = 0;
	struct slice text;

	if (*p++ != '{')
		return WALK_ODD;
	stack[0] = (struct frame){&j->root, false};
	if (p < end && *p == '}')
		goto after;
member:
	if (k + 1 >= count || base + quotes[k] != p)
		return WALK_ODD;
	known = follower(last, stack[depth].known, p);
	if (LIKELY(known != NULL)) {
		p += known->key_len; /* no quote in it but its own */
	} else {
		text = (struct slice){p + 1, (size_t)(quotes[k + 1] - quotes[k]) - 1};
		p = base + quotes[k + 1] + 1;
		if (p >= end || *p != ':')
			return WALK_ODD;
		p++;
		known = last->next;
		if (known == NULL || known->parent != stack[depth].known ||
			!name_is(known, text.data, text.len)) {
			if (j->line_escapes && slice_find(text, '\\', 0) < text.len)
				return WALK_ODD;
			known = json_known_find(j, r, stack[depth].known, text);
			if (known == NULL)
				return WALK_ODD;
			last->other = last->next;
			last->next = known;
		}
	}
	k += 2;
	last = known;
value:
	if (p >= end)
		return WALK_ODD;
	if (*p == '"') {
		if (k + 1 >= count || base + quotes[k] != p)
			return WALK_ODD;
		text = (struct slice){p + 1, (size_t)(quotes[k + 1] - quotes[k]) - 1};
		p = base + quotes[k + 1] + 1;
		k += 2;
		if (known->looked && !quick_value(j, r, known, text))
			return WALK_ODD;
	} else if (*p == '{' || *p == '[') {
		bool array = *p++ == '[';

		if (array && !known->looked && !stack[depth].array && k < count) {
			from = array_passed(p, base + quotes[k]);
			if (from != NULL) {
				p = from;
				goto after;
			}
		}
		if (++depth == JSON_DEPTH_MAX)
			return WALK_ODD;
		stack[depth] = (struct frame){known, array};
		if (p < end && *p == (array ? ']' : '}'))
			goto after;
		if (array)
			goto value;
		goto member;
	} else {
		from = p;
		if (!is_word(*p) && *p != '-')
			return WALK_ODD;
		/* A member's scalar ends at the comma in front of the next string, unless something
		 * closes between them. */
		if (!stack[depth].array && k < count && base + quotes[k] - p > 1 &&
			base[quotes[k] - 1] == ',' && is_word(base[quotes[k] - 2]))
			p = base + quotes[k] - 1;
		else
			while (p < end && !ends_scalar(*p))
				p++;
		if (known->looked && (*from <= '9') &&
			!quick_value(j, r, known, (struct slice){from, (size_t)(p - from)}))
			return WALK_ODD;
	}
after:
	if (p >= end)
		return WALK_ODD;
	if (*p == ',') {
		p++;
		known = stack[depth].known;
		if (stack[depth].array)
			goto value;
		goto member;
	}
	if (*p != (stack[depth].array ? ']' : '}'))
		return WALK_ODD;
	p++;
	if (depth-- != 0)
		goto after;
	return p == end ? WALK_DONE : WALK_ODD;
}

/* ---- the quick way for nearly all lines ------------------------------------------------------ */

/* A line without escapes. Each step gets where a value begins and returns the byte behind it, or
 * NULL: this is for walk. */
struct flat {
	struct json_lines *j;
	struct logs_reader *r;
	const char *base, *end;
	const uint16_t *quote, *last; /* the next, and the last one of the line */
	struct json_row *row;         /* NULL: values become fields */
};

#define FLAT_INLINE static inline __attribute__((always_inline))

/* False: the line says more than a sheet can, or a member comes twice. */
FLAT_INLINE bool flat_cell(struct flat *f, const struct known *k, const char *from, const char *to)
{
	uint16_t *cell = f->row->ends + 2 * k->cell;

	if (UNLIKELY(k->cell >= JSON_CELLS_MAX))
		return k->cell == CELL_NONE || from == to;
	if (cell[0] != 0)
		return false;
	cell[0] = (uint16_t)(from - f->base - 1);
	cell[1] = (uint16_t)(to - f->base);
	return true;
}

FLAT_INLINE bool flat_put(struct flat *f, const struct known *k, const char *from, const char *to)
{
	struct slice value = {from, (size_t)(to - from)};
	struct batch *b;

	if (f->row != NULL)
		return flat_cell(f, k, from, to);
	b = &f->r->batch;
	if (UNLIKELY(!k->plain))
		return quick_value(f->j, f->r, k, value);
	if (b->fields_count == BATCH_FIELDS)
		return false;
	b->fields[b->fields_count] = (struct field){
		.data = from,
		.len = (uint32_t)value.len,
		.record = (uint16_t)(b->records_count - 1),
		.column = k->column,
	};
	b->fields_count += value.len != 0;
	return true;
}

FLAT_INLINE const char *flat_passed(struct flat *f, const char *p)
{
	const char *end;

	if (f->quote >= f->last || f->base + *f->quote != p)
		return NULL;
	end = f->base + f->quote[1];
	f->quote += 2;
	return end + 1;
}

FLAT_INLINE const char *flat_string(struct flat *f, const struct known *k, const char *p)
{
	const char *next = flat_passed(f, p);

	return next == NULL || !k->looked || flat_put(f, k, p + 1, next - 1) ? next : NULL;
}

/* A number or word. It mostly ends at the comma in front of the next string. */
FLAT_INLINE const char *flat_scalar(struct flat *f, const struct known *k, const char *p)
{
	const char *end = f->base + *f->quote;

	if (!is_word(*p) && *p != '-')
		return NULL;
	if (LIKELY(end - p > 1 && end[-1] == ',' && is_word(end[-2])))
		end--;
	else
		for (end = p; end < f->end && !ends_scalar(*end);)
			end++;
	return !k->looked || *p > '9' || flat_put(f, k, p, end) ? end : NULL;
}

/* Strings, or what is not needed. */
FLAT_INLINE const char *flat_array(struct flat *f, const struct known *k, const char *p)
{
	const char *from = p + 2;

	if (!k->looked)
		return array_passed(p + 1, f->base + *f->quote);
	do {
		p = f->row != NULL ? flat_passed(f, p + 1) : flat_string(f, k, p + 1);
		if (p == NULL)
			return NULL;
	} while (*p == ',');
	if (*p != ']' || (f->row != NULL && !flat_cell(f, k, from, p - 1)))
		return NULL;
	if (f->row != NULL && k->cell < JSON_CELLS_MAX)
		f->j->cells[k->cell].many = true;
	return p + 1;
}

/*
 * The values of a line whose members have all been seen in that order, and hold strings, numbers,
 * arrays of strings, and objects of the same: nearly all lines. quotes[count] is the end of the
 * line. False: walk has to see it, which knows no more of this line than what was put so far.
 */
FLAT_INLINE bool flat_line(struct flat *f, const char *p, const uint16_t *quotes, size_t count)
{
	const struct known *parents[FLAT_DEPTH_MAX], *parent = &f->j->root, *known = parent;
	size_t depth = 0;

	if (*p != '{' || count < 2)
		return false;
	f->quote = quotes;
	f->last = quotes + count - 1;
	for (;;) {
		known = follower(known, parent, ++p);
		if (known == NULL || f->base + *f->quote != p)
			return false;
		if (f->row != NULL && !json_row_member(f->row, known, (size_t)(f->quote - quotes)))
			return false;
		p += known->key_len;
		f->quote += 2;
		if (*p == '{') {
			if (depth == FLAT_DEPTH_MAX)
				return false;
			parents[depth++] = parent;
			parent = known;
			continue;
		}
		if (*p == '"')
			p = flat_string(f, known, p);
		else
			p = *p == '[' ? flat_array(f, known, p) : flat_scalar(f, known, p);
		if (p == NULL)
			return false;
		for (; depth > 0 && *p == '}'; p++)
			parent = parents[--depth];
		if (*p != ',')
			break;
	}
	return *p == '}' && p + 1 == f->end;
}

static bool walk_flat(struct json_lines *j, struct logs_reader *r, struct slice line,
	const char *base, const uint16_t *quotes, size_t count)
{
	struct flat f = {.j = j, .r = r, .base = base, .end = line.data + line.len};

	return flat_line(&f, line.data, quotes, count);
}

bool json_row_walk(struct json_lines *j, struct slice line, const char *base,
	const uint16_t *quotes, size_t count, struct json_row *row)
{
	struct flat f = {.j = j, .base = base, .end = line.data + line.len, .row = row};

	/* Of a line of blanks nothing is left, not even where it was. */
	return line.len > 0 && flat_line(&f, line.data, quotes, count);
}

/* The quotes that end or begin strings, where the line has backslashes. */
static size_t quotes_filter(struct json_lines *j, const char *base, const uint16_t *quotes,
	size_t count, const char *start)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		const char *p = base + quotes[i];
		const char *back = p;

		while (back > start && back[-1] == '\\')
			back--;
		if ((p - back) % 2 == 0)
			j->quotes[kept++] = quotes[i];
	}
	return kept;
}

static bool is_blank(struct slice line)
{
	return slice_trim(line).len == 0;
}

/* By the strict parser, the record of the line having been begun. Apart from the quick way, whose
 * lines should not pay for what stands on the stack here. */
static __attribute__((noinline)) bool line_careful(
	struct json_lines *j, struct logs_reader *r, struct slice line, uint64_t number)
{
	struct json_doc doc;
	struct err e;

	memset(j->parts, 0, sizeof(j->parts));
	if (json_parse_padded(j->parser, line, &doc, &e) != OK ||
		!json_is_object(json_root(&doc))) {
		r->batch.records_count--;
		r->counts.records--;
		logs_problem(r, number, "not a JSON object");
		return true;
	}
	if (!json_record_careful(j, r, json_root(&doc)))
		return false;
	if (j->full)
		json_known_clear(
			j); /* other members may have taken the place of those that come now */
	return true;
}

/* One line. quotes may be NULL: too long for the quick way. False: stopped. */
static bool line_read(struct json_lines *j, struct logs_reader *r, struct slice line,
	uint64_t number, uint64_t offset, const char *base, const uint16_t *quotes, size_t count)
{
	struct batch *b = &r->batch;
	size_t fields, scratch;

	if (line.len > LOGS_LINE_MAX) {
		r->counts.too_long++;
		return true;
	}
	line = logs_line_trim(line);
	if (line.len == 0 || (line.data[0] != '{' && is_blank(line)))
		return true;
	/* Room for all that the quick way can put: unescaped values twice (colons), and a URL. */
	if (b->records_count == BATCH_RECORDS || b->fields_count > BATCH_FIELDS - QUICK_FIELDS ||
		r->scratch_len > LOGS_SCRATCH_BYTES - 4 * SPLIT_BYTES)
		if (!logs_flush(r))
			return false;
	if (!logs_record(r, line, number, offset, TIME_UNKNOWN))
		return false;
	if (quotes == NULL)
		return line_careful(j, r, line, number);
	fields = b->fields_count;
	scratch = r->scratch_len;
	memset(j->parts, 0, sizeof(j->parts));
	j->line_escapes = j->escapes && slice_find(line, '\\', 0) < line.len;
	if (j->line_escapes) {
		count = quotes_filter(j, base, quotes, count, line.data);
		quotes = j->quotes;
	}
	if (!j->line_escapes && LIKELY(walk_flat(j, r, line, base, quotes, count)))
		return j->parts[PART_URI].len == 0 || json_put_url(j, r);
	b->fields_count = fields;
	r->scratch_len = scratch;
	memset(j->parts, 0, sizeof(j->parts));
	if (LIKELY(walk(j, r, line, base, quotes, count) == WALK_DONE))
		return j->parts[PART_URI].len == 0 || json_put_url(j, r);
	b->fields_count = fields;
	r->scratch_len = scratch;
	return line_careful(j, r, line, number);
}

static bool piece(struct json_lines *j, struct logs_reader *r, const char *data, uint64_t offset,
	size_t *ret_taken)
{
	const struct split *s = &j->split;
	size_t first = 0, start = 0, i = 0;

	for (; i < s->ends_count; i++) {
		size_t last = s->ends[i], end = s->positions[last];

		if (!(j->sheet != NULL && json_line_passes(j, r, data, i)) &&
			!line_read(j, r, (struct slice){data + start, end - start}, r->line + i,
				offset + start, data, s->positions + first, last - first))
			return false;
		first = last + 1;
		start = end + 1;
	}
	r->line += i;
	r->counts.lines += i;
	*ret_taken = start;
	return true;
}

static bool block(struct logs_reader *r, struct slice bytes, bool last, size_t *ret_taken)
{
	struct json_lines *j = r->state;
	size_t at = 0;

	while (at < bytes.len) {
		size_t len = bytes.len - at < SPLIT_BYTES ? bytes.len - at : SPLIT_BYTES, taken = 0;
		const uint16_t *quotes = NULL;
		size_t end;

		j->run(bytes.data + at, len, '"', &j->split);
		j->escapes = j->split.escapes;
		if (j->split.ends_count != 0) {
			if (!piece(j, r, bytes.data + at, r->offset + at, &taken))
				return false;
			at += taken;
			continue;
		}
		end = slice_find(bytes, '\n', at + len);
		if (end == bytes.len && !last)
			break;
		if (end - at < SPLIT_BYTES) { /* the last line, without its end: as if it had one */
			quotes = j->split.positions;
			j->split.positions[j->split.positions_count] = (uint16_t)(end - at);
		}
		if (!line_read(j, r, slice_cut(bytes, at, end), r->line, r->offset + at,
			    bytes.data + at, quotes, j->split.positions_count))
			return false;
		r->line++;
		r->counts.lines++;
		at = end < bytes.len ? end + 1 : end;
	}
	*ret_taken = at;
	return true;
}

/* ---- the rows -------------------------------------------------------------------------------- */

static enum err_kind open_state(struct logs_reader *r, struct err *e)
{
	struct json_lines *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return err_set(e, ERR_NOMEM, "json log reader: out of memory");
	r->state = j;
	j->run = split_best();
	j->parser = json_parser_new(LOGS_LINE_MAX);
	j->arena = arena_new(KNOWN_BYTES_MAX);
	if (r->sift != NULL && json_sheet_supported())
		j->sheet = calloc(1, sizeof(*j->sheet));
	if (j->parser == NULL || j->arena == NULL)
		return err_set(e, ERR_NOMEM, "json log reader: out of memory");
	/* Names of members are foreign: they must not be able to meet in one bucket. */
	if (r->world != NULL)
		r->world->random(r->world->context, j->key, sizeof(j->key));
	else
		world_real()->random(world_real()->context, j->key, sizeof(j->key));
	json_known_clear(j);
	j->url_column = COLUMNS_MAX;
	if (r->format != LOGS_NDJSON && logs_wanted(r, ROLE_URL))
		j->url_column = logs_column(r, SLICE("url"), ROLE_URL, FIELD_URL);
	return OK;
}

static void close_state(struct logs_reader *r)
{
	struct json_lines *j = r->state;

	if (j == NULL)
		return;
	json_parser_free(j->parser);
	arena_free(j->arena);
	free(j->sheet);
	free(j);
}

/* Share of the lines that are objects and hold all of the texts, in percent. */
static unsigned share(struct slice head, const char *const texts[], size_t count)
{
	unsigned lines = 0, fit = 0;
	struct slice line;

	while (slice_next(&head, '\n', &line)) {
		size_t i = 0;

		line = slice_trim(line);
		if (line.len == 0)
			continue;
		lines++;
		while (i < count && slice_find_text(line, slice_of(texts[i])) < line.len)
			i++;
		fit += line.data[0] == '{' && line.data[line.len - 1] == '}' && i == count;
	}
	return lines == 0 ? 0 : fit * 100 / lines;
}

static unsigned guess_zeek(struct slice head, const char *name)
{
	static const char *const ts[] = {"\"ts\":", "\"uid\":"}, *const path[] = {"\"_path\":"},
				 *const files[] = {"\"ts\":", "\"fuid\":"};

	(void)name;
	return share(head, ts, COUNT_OF(ts)) >= 80 || share(head, path, COUNT_OF(path)) >= 80 ||
			       share(head, files, COUNT_OF(files)) >= 80
		       ? 92
		       : 0;
}

static unsigned guess_eve(struct slice head, const char *name)
{
	static const char *const texts[] = {"\"event_type\":", "\"timestamp\":"};

	(void)name;
	return share(head, texts, COUNT_OF(texts)) >= 80 ? 94 : 0;
}

static unsigned guess_ndjson(struct slice head, const char *name)
{
	(void)name;
	return share(head, NULL, 0) >= 80 ? 60 : 0;
}

#define JSON_ROW(name_, guess_)                                                                    \
	{                                                                                          \
		.name = name_, .guess = guess_, .open = open_state, .close = close_state,          \
		.block = block, .detail = json_detail,                                             \
	}

const struct logs_format_row logs_zeek_json = JSON_ROW("zeek-json", guess_zeek);
const struct logs_format_row logs_eve = JSON_ROW("eve", guess_eve);
const struct logs_format_row logs_ndjson = JSON_ROW("ndjson", guess_ndjson);
