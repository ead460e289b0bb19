/* SPDX-License-Identifier: MPL-2.0 */
/* The canonical form of RFC 8785, and equality as it defines it. */
#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "json.h"
#include "json_number.h"

/* ---- strings ---- */

/* RFC 8785 section 3.2.2.2 */
static void escape_append(struct buf *out, unsigned char c)
{
	static const char letters[] = {['\b'] = 'b',
		['\t'] = 't',
		['\n'] = 'n',
		['\f'] = 'f',
		['\r'] = 'r',
		['"'] = '"',
		['\\'] = '\\'};
	static const char hex[] = "0123456789abcdef";
	char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

	if (c < sizeof(letters) && letters[c] != 0) {
		text[1] = letters[c];
		buf_append(out, text, 2);
	} else {
		buf_append(out, text, sizeof(text));
	}
}

static bool wants_escape(unsigned char c)
{
	return c < 0x20 || c == '"' || c == '\\';
}

static uint64_t load_u64(const char *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	return word;
}

#ifdef __SSE2__

/* One bit for each byte that must be escaped. */
static unsigned escape_bits(__m128i bytes)
{
	__m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
	__m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
	__m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control));
}

/* Copies whole steps up to the first that holds a byte to escape; returns how many bytes. */
static size_t copy_steps(char *to, const char *from, size_t len)
{
	size_t at = 0;

	for (; at + 16 <= len; at += 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(from + at));

		if (escape_bits(bytes) != 0)
			return at;
		_mm_storeu_si128((__m128i *)(void *)(to + at), bytes);
	}
	if (len - at >= 8) {
		/* what is left as two halves that overlap */
		uint64_t head = load_u64(from + at), tail = load_u64(from + len - 8);

		if (escape_bits(_mm_set_epi64x((long long)tail, (long long)head)) != 0)
			return at;
		memcpy(to + at, &head, sizeof(head));
		memcpy(to + len - 8, &tail, sizeof(tail));
		return len;
	}
	return at;
}

#else

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* Not zero when one of the eight bytes must be escaped. */
static uint64_t escape_bits(uint64_t word)
{
	uint64_t quote = word ^ EACH_BYTE('"'), backslash = word ^ EACH_BYTE('\\');

	return ((word - EACH_BYTE(0x20)) & ~word & EACH_BYTE(0x80)) |
	       ((quote - EACH_BYTE(1)) & ~quote & EACH_BYTE(0x80)) |
	       ((backslash - EACH_BYTE(1)) & ~backslash & EACH_BYTE(0x80));
}

static size_t copy_steps(char *to, const char *from, size_t len)
{
	size_t at = 0;

	for (; at + 8 <= len; at += 8) {
		uint64_t word = load_u64(from + at);

		if (escape_bits(word) != 0)
			break;
		memcpy(to + at, &word, sizeof(word));
	}
	return at;
}

#endif

void json_string_append(struct buf *out, struct slice s)
{
	char *to = buf_reserve(out, s.len + 2);

	if (to == NULL)
		return;
	*to = '"';
	out->len++;
	while (s.len > 0) {
		size_t plain;

		/* room for what is left and the closing quote */
		to = buf_reserve(out, s.len + 1);
		if (to == NULL)
			return;
		plain = copy_steps(to, s.data, s.len);
		while (plain < s.len && !wants_escape((unsigned char)s.data[plain])) {
			to[plain] = s.data[plain];
			plain++;
		}
		out->len += plain;
		if (plain == s.len)
			break;
		escape_append(out, (unsigned char)s.data[plain]);
		s = (struct slice){s.data + plain + 1, s.len - plain - 1};
	}
	buf_char(out, '"');
}

/* ---- numbers ---- */

/* RFC 8785 knows only doubles: an integer past 2^53 is printed as its nearest double. */
static void number_append(struct buf *out, struct json_value v)
{
	double number = 0;
	int64_t integer;

	if (json_kind(v) == 'l' && json_to_i64(v, &integer) && integer <= (int64_t)JSON_EXACT_MAX &&
		integer >= -(int64_t)JSON_EXACT_MAX) {
		buf_i64(out, integer);
		return;
	}
	json_to_double(v, &number);
	json_number_append(out, number);
}

/* ---- objects ---- */

struct member {
	struct slice name;
	uint64_t head; /* the first eight bytes, most significant first, zeros past the end */
	uint32_t value_at;
};

/*
 * Members of the objects that are being written, innermost last. The first ones live on the stack
 * of json_canon, which is enough for nearly every object that exists.
 */
#define MEMBERS_STACK 64

struct canon {
	const struct json_doc *doc;
	struct buf *out;
	struct member *members;
	size_t count, capacity;
	struct member *heap; /* NULL, or what members points to */
};

/*
 * RFC 8785 section 3.2.3 sorts by UTF-16 code units. Bytes of UTF-8 sort the same way but for one
 * case: lead bytes F0..F4 (surrogate pairs, D800..DFFF) come before EE and EF (E000..FFFF).
 */
static int name_order(struct slice a, struct slice b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	size_t i = 0;
	unsigned char byte_a, byte_b;

	while (i < shorter && a.data[i] == b.data[i])
		i++;
	if (i == shorter)
		return (a.len > b.len) - (a.len < b.len);
	byte_a = (unsigned char)a.data[i];
	byte_b = (unsigned char)b.data[i];
	if (byte_a >= 0xee && byte_b >= 0xee && (byte_a >= 0xf0) != (byte_b >= 0xf0))
		return byte_a >= 0xf0 ? -1 : 1;
	return byte_a < byte_b ? -1 : 1;
}

#define ALL_ASCII UINT64_C(0x8080808080808080)

static int member_order(const struct member *a, const struct member *b)
{
	if (a->head != b->head && ((a->head | b->head) & ALL_ASCII) == 0)
		return a->head < b->head ? -1 : 1;
	return name_order(a->name, b->name);
}

static int member_order_void(const void *a, const void *b)
{
	return member_order(a, b);
}

#define INSERTION_MAX 32 /* members; above, sorting must not take quadratic time */

static void members_sort(struct member *m, size_t count)
{
	if (count > INSERTION_MAX) {
		qsort(m, count, sizeof(*m), member_order_void);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		struct member moved = m[i];
		size_t k = i;

		for (; k > 0 && member_order(&moved, &m[k - 1]) < 0; k--)
			m[k] = m[k - 1];
		m[k] = moved;
	}
}

static bool member_push(struct canon *c, struct member m)
{
	if (c->count == c->capacity) {
		size_t capacity = c->capacity * 2;
		struct member *grown = realloc(c->heap, capacity * sizeof(*grown));

		if (grown == NULL)
			return false;
		if (c->heap == NULL)
			memcpy(grown, c->members, c->count * sizeof(*grown));
		c->heap = c->members = grown;
		c->capacity = capacity;
	}
	c->members[c->count++] = m;
	return true;
}

static bool value_append(struct canon *c, struct json_value v);

static bool object_append(struct canon *c, struct json_value v)
{
	struct json_iter it = json_iter(v);
	size_t first = c->count, count;
	struct json_value value;
	struct slice name;

	while (json_object_next(&it, &name, &value)) {
		uint64_t head = json_head(name);

		if (!member_push(c, (struct member){name, __builtin_bswap64(head), value.at}))
			return false;
	}
	count = c->count - first;
	members_sort(c->members + first, count);
	buf_char(c->out, '{');
	for (size_t i = 0; i < count; i++) {
		/* by value: inner objects may move the array */
		struct member m = c->members[first + i];

		if (i != 0)
			buf_char(c->out, ',');
		json_string_append(c->out, m.name);
		buf_char(c->out, ':');
		if (!value_append(c, (struct json_value){c->doc, m.value_at}))
			return false;
	}
	buf_char(c->out, '}');
	c->count = first;
	return true;
}

static bool array_append(struct canon *c, struct json_value v)
{
	struct json_iter it = json_iter(v);
	struct json_value value;
	bool is_first = true;

	buf_char(c->out, '[');
	while (json_array_next(&it, &value)) {
		if (!is_first)
			buf_char(c->out, ',');
		is_first = false;
		if (!value_append(c, value))
			return false;
	}
	buf_char(c->out, ']');
	return true;
}

/* The parser bounded the depth. False: no memory. */
static bool value_append(struct canon *c, struct json_value v)
{
	switch (json_type(v)) {
	case JSON_OBJECT:
		return object_append(c, v);
	case JSON_ARRAY:
		return array_append(c, v);
	case JSON_STRING:
		json_string_append(c->out, json_string(v));
		return true;
	case JSON_INTEGER:
	case JSON_DOUBLE:
		number_append(c->out, v);
		return true;
	case JSON_BOOL:
		buf_text(c->out, json_is_true(v) ? "true" : "false");
		return true;
	case JSON_NULL:
		buf_text(c->out, "null");
		return true;
	}
	return true;
}

enum err_kind json_canon(struct json_value v, struct buf *out, struct err *e)
{
	struct member members[MEMBERS_STACK];
	struct canon c = {.doc = v.doc, .out = out, .members = members, .capacity = MEMBERS_STACK};
	bool ok = value_append(&c, v);

	free(c.heap);
	if (!ok)
		return err_set(e, ERR_NOMEM, "canonical form: out of memory");
	if (out->bad && out->bytes_max != 0)
		return err_set(e, ERR_LIMIT,
			"canonical form: longer than %zu bytes or out of memory", out->bytes_max);
	if (out->bad)
		return err_set(e, ERR_NOMEM, "canonical form: out of memory");
	return OK;
}

/* ---- equality ---- */

#define LOOKUP_MAX 64 /* members of an object that are looked up one by one */

static bool canon_equal(struct json_value a, struct json_value b)
{
	struct buf text_a = BUF_INIT, text_b = BUF_INIT;
	bool equal = json_canon(a, &text_a, NULL) == OK && json_canon(b, &text_b, NULL) == OK &&
		     slice_equal(buf_slice(&text_a), buf_slice(&text_b));

	buf_fini(&text_a);
	buf_fini(&text_b);
	return equal;
}

static bool member_find(struct json_value object, struct slice wanted, struct json_value *ret_value)
{
	struct json_iter it = json_iter(object);
	struct slice name;

	while (json_object_next(&it, &name, ret_value)) {
		if (slice_equal(name, wanted))
			return true;
	}
	return false;
}

/* Members mostly stand in the same order: look at the same place first. */
static bool object_equal(struct json_value a, struct json_value b)
{
	struct json_iter it_a = json_iter(a), it_b = json_iter(b);
	struct json_value value_a, value_b;
	struct slice name_a, name_b;
	size_t count = json_count(a);

	if (count != json_count(b))
		return false;
	while (json_object_next(&it_a, &name_a, &value_a) &&
		json_object_next(&it_b, &name_b, &value_b)) {
		if (!slice_equal(name_a, name_b)) {
			if (count > LOOKUP_MAX)
				return canon_equal(a, b);
			if (!member_find(b, name_a, &value_b))
				return false;
		}
		if (!json_equal(value_a, value_b))
			return false;
	}
	return true;
}

static bool array_equal(struct json_value a, struct json_value b)
{
	struct json_iter it_a = json_iter(a), it_b = json_iter(b);
	struct json_value value_a, value_b;

	for (;;) {
		bool more = json_array_next(&it_a, &value_a);

		if (more != json_array_next(&it_b, &value_b))
			return false;
		if (!more)
			return true;
		if (!json_equal(value_a, value_b))
			return false;
	}
}

bool json_equal(struct json_value a, struct json_value b)
{
	double number_a, number_b;

	if (json_to_double(a, &number_a))
		return json_to_double(b, &number_b) && number_a == number_b;
	if (json_kind(a) != json_kind(b))
		return false;
	switch (json_type(a)) {
	case JSON_OBJECT:
		return object_equal(a, b);
	case JSON_ARRAY:
		return array_equal(a, b);
	case JSON_STRING:
		return slice_equal(json_string(a), json_string(b));
	default:
		return true;
	}
}
