/* SPDX-License-Identifier: MPL-2.0 */
/*
 * JSON in and out: strict I-JSON (RFC 7493) parsing over simdjson, a writer, the canonical form
 * (RFC 8785), and a streaming splitter that hands out the exact bytes of each object of a bundle.
 * Knows no word of STIX.
 */
#ifndef JSON_H
#define JSON_H

#include "base/base.h"

#define JSON_DEPTH_MAX      64      /* nested containers; deeper is an attack, not intelligence */
#define JSON_OBJECT_MAX     MIB(1)  /* bytes of one object that is kept */
#define JSON_DOCUMENT_MAX   MIB(64) /* bytes of a document that must be read whole (a MISP event) */
#define JSON_PATH_MAX       256     /* bytes of a property path in a message; longer is cut */
#define JSON_NAME_SHOWN_MAX 64      /* bytes of a name in a message; longer is cut */
#define JSON_PADDING        64      /* bytes behind a text that the parser may read */

/* ---- parsing --------------------------------------------------------------------------------- */

/*
 * A parsed text: simdjson's tape, borrowed from the parser until its next json_parse.
 *
 *   tape word  bits 63..56 kind, 55..0 payload
 *     '{' '['  payload bits 31..0: index just past the closing word; 55..32: members (saturating)
 *     '"'      payload: offset in `strings` of u32 length (native), bytes, NUL
 *     'l' 'u' 'd'  the next word is the int64, uint64 or double
 *     't' 'f' 'n'  no payload
 *   word 0 is the root; the value starts at word 1.
 */
struct json_doc {
	const uint64_t *tape;
	const uint8_t *strings;
};

/* One value; copy it freely. Valid as long as its document. */
struct json_value {
	const struct json_doc *doc;
	uint32_t at;
};

enum json_type {
	JSON_NULL,
	JSON_BOOL,
	JSON_INTEGER, /* fits int64 or uint64 */
	JSON_DOUBLE,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

struct json_parser;

/*
 * bytes_max: longest text it takes. One parser per thread. It keeps room for the largest text seen:
 * of STIX about 3 bytes per byte of text, of the worst text (`[0,0,0,...`) about 13.
 */
struct json_parser *json_parser_new(size_t bytes_max) MUST_USE;
void json_parser_free(struct json_parser *p);

/*
 * Strict: RFC 8259 syntax and RFC 7493 (no duplicate names after unescaping, valid UTF-8 without a
 * byte order mark, no lone surrogates or noncharacters, numbers finite), depth at most
 * JSON_DEPTH_MAX, nothing but white space behind the value. Any value may stand at the top.
 * An integer that fits neither int64 nor uint64 becomes the nearest double (canonical forms hold
 * such numbers: RFC 8785 prints 1e20 as 100000000000000000000).
 * ERR_PARSE (ERR_LIMIT for size and depth) with line, column and property path in *e, such as
 * `line 3, column 17, at objects[2].name: duplicate name "name"`.
 */
enum err_kind json_parse(
	struct json_parser *p, struct slice text, struct json_doc *ret_doc, struct err *e) MUST_USE;

/* The same without a copy, when JSON_PADDING bytes behind text may be read, whatever they hold. */
enum err_kind json_parse_padded(
	struct json_parser *p, struct slice text, struct json_doc *ret_doc, struct err *e) MUST_USE;

static inline struct json_value json_root(const struct json_doc *doc)
{
	return (struct json_value){doc, 1};
}

static inline uint64_t json_word(struct json_value v)
{
	return v.doc->tape[v.at];
}

static inline char json_kind(struct json_value v)
{
	return (char)(json_word(v) >> 56);
}

static inline enum json_type json_type(struct json_value v)
{
	switch (json_kind(v)) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 'l':
	case 'u':
		return JSON_INTEGER;
	case 'd':
		return JSON_DOUBLE;
	case 't':
	case 'f':
		return JSON_BOOL;
	default:
		return JSON_NULL;
	}
}

static inline bool json_is_object(struct json_value v)
{
	return json_kind(v) == '{';
}
static inline bool json_is_array(struct json_value v)
{
	return json_kind(v) == '[';
}
static inline bool json_is_string(struct json_value v)
{
	return json_kind(v) == '"';
}
static inline bool json_is_true(struct json_value v)
{
	return json_kind(v) == 't';
}
static inline bool json_is_bool(struct json_value v)
{
	return json_kind(v) == 't' || json_kind(v) == 'f';
}

/* Tape index just past v. */
static inline uint32_t json_after(struct json_value v)
{
	switch (json_kind(v)) {
	case '{':
	case '[':
		return (uint32_t)json_word(v);
	case 'l':
	case 'u':
	case 'd':
		return v.at + 2;
	default:
		return v.at + 1;
	}
}

/* Unescaped UTF-8, may hold NUL; empty when v is no string. NUL-terminated behind len. */
static inline struct slice json_string(struct json_value v)
{
	const uint8_t *at;
	uint32_t len;

	if (!json_is_string(v))
		return (struct slice){0};
	at = v.doc->strings + (json_word(v) & UINT64_C(0x00ffffffffffffff));
	memcpy(&len, at, sizeof(len));
	return (struct slice){(const char *)at + sizeof(len), len};
}

/*
 * The first eight bytes of a string or name of a parsed text as a little-endian number, zeros past
 * its end: compares short names without a call. s must come from json_string or an iteration.
 */
static inline uint64_t json_head(struct slice s)
{
	uint64_t head;

	memcpy(&head, s.data, sizeof(head)); /* readable: simdjson keeps room behind the strings */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	head = __builtin_bswap64(head);
#endif
	return s.len >= sizeof(head) ? head : head & ((UINT64_C(1) << (8 * s.len)) - 1);
}

/*
 * Members of an array or object, walked:
 *   for (struct json_iter it = json_iter(v); json_object_next(&it, &name, &value);)
 */
struct json_iter {
	struct json_value next;
	uint32_t end;
};

static inline struct json_iter json_iter(struct json_value v)
{
	char kind = json_kind(v);

	if (kind != '{' && kind != '[')
		return (struct json_iter){v, v.at};
	return (struct json_iter){
		{v.doc, v.at + 1},
                (uint32_t)json_word(v) - 1
        };
}

static inline bool json_array_next(struct json_iter *it, struct json_value *ret_value)
{
	if (it->next.at >= it->end)
		return false;
	*ret_value = it->next;
	it->next.at = json_after(it->next);
	return true;
}

static inline bool json_object_next(
	struct json_iter *it, struct slice *ret_name, struct json_value *ret_value)
{
	if (it->next.at >= it->end)
		return false;
	*ret_name = json_string(it->next);
	it->next.at++;
	*ret_value = it->next;
	it->next.at = json_after(it->next);
	return true;
}

/* The member of that name; false when v is no object or has none. Linear. */
bool json_get(struct json_value v, const char *name, struct json_value *ret_value);
/* Its string; empty slice when absent or no string. */
struct slice json_get_string(struct json_value v, const char *name);
size_t json_count(struct json_value v); /* members, counted */
/* False when v is no integer or does not fit. A double with an integral value counts (1.0 is 1). */
bool json_to_i64(struct json_value v, int64_t *ret_value);
bool json_to_double(struct json_value v, double *ret_value);
/* As RFC 8785 compares: same canonical form. */
bool json_equal(struct json_value a, struct json_value b);

/* ---- canonical form -------------------------------------------------------------------------- */

/* RFC 8785: members in UTF-16 order, ECMAScript numbers, shortest escapes. Appends to *out. */
enum err_kind json_canon(struct json_value v, struct buf *out, struct err *e) MUST_USE;
/* The ECMAScript text of a finite number (RFC 8785 section 3.2.2.3). */
void json_number_append(struct buf *out, double number);
/* "…" with the escapes of RFC 8785 section 3.2.2.2. s is valid UTF-8. */
void json_string_append(struct buf *out, struct slice s);

/* ---- writing --------------------------------------------------------------------------------- */

/* Writes compact JSON into a buf, commas by itself. Names and order are the caller's. */
struct json_writer {
	struct buf *out;
	uint64_t has_member; /* bit per depth */
	unsigned depth;
};

#define JSON_WRITER(buf_) ((struct json_writer){.out = (buf_)})

void json_write_object(struct json_writer *w);          /* '{' */
void json_write_array(struct json_writer *w);           /* '[' */
void json_write_end(struct json_writer *w, char close); /* '}' or ']' */
void json_write_name(struct json_writer *w, const char *name);
void json_write_name_slice(struct json_writer *w, struct slice name);
void json_write_string(struct json_writer *w, struct slice s); /* invalid UTF-8 becomes U+FFFD */
void json_write_text(struct json_writer *w, const char *text);
void json_write_i64(struct json_writer *w, int64_t value);
void json_write_double(struct json_writer *w, double value);
void json_write_bool(struct json_writer *w, bool value);
void json_write_null(struct json_writer *w);
void json_write_raw(struct json_writer *w, struct slice json); /* exact bytes of one value */
/* Name and value in one go. Empty or NULL text is written as it is. */
void json_member_string(struct json_writer *w, const char *name, struct slice s);
void json_member_text(struct json_writer *w, const char *name, const char *text);
void json_member_i64(struct json_writer *w, const char *name, int64_t value);
void json_member_bool(struct json_writer *w, const char *name, bool value);
void json_member_time(struct json_writer *w, const char *name, int64_t us, unsigned digits);

/* ---- splitting a stream into objects --------------------------------------------------------- */

/*
 * Feed any bytes; get the exact bytes of each object, in bounded memory, without parsing them:
 *
 *   {"type":"bundle", ..., "objects":[ {..}, {..} ]}   each element of "objects", in TAXII
 *                                                      envelopes too
 *   {..}                                               the object itself
 *   [ {..}, {..} ]                                     each element
 *   {..}\n{..}\n  or run together                      each object (newline-delimited)
 *
 * The forms may follow each other (a bundle a line). "objects" may be spelled with escapes; when
 * its value is no array (STIX 2.0 observed-data), the object is itself the object.
 *
 * An element that is no object, or is longer than object_max, is handed out as a problem and
 * skipped; the stream goes on. White space between is free; a comma too many, text that is no JSON
 * between objects, or an end inside an object is an error that ends the stream.
 */
struct json_split;

enum json_split_kind {
	JSON_SPLIT_MORE,    /* wants more bytes */
	JSON_SPLIT_OBJECT,  /* item.bytes is one object, from '{' to '}' */
	JSON_SPLIT_PROBLEM, /* item.problem says why this element was skipped */
	JSON_SPLIT_END      /* after json_split_finish: nothing is left */
};

struct json_item {
	struct slice bytes; /* valid until the next call */
	uint64_t offset;    /* of bytes in the stream, 0-based */
	uint64_t line;      /* of its first byte, 1-based */
	uint64_t index;     /* 0-based among all that was handed out */
	const char *problem;
	bool is_padded; /* JSON_PADDING bytes behind may be read: json_parse_padded */
};

struct json_split *json_split_new(size_t object_max) MUST_USE; /* JSON_OBJECT_MAX */
void json_split_free(struct json_split *s);
/* The bytes must stay until json_split_next said MORE. */
void json_split_feed(struct json_split *s, struct slice bytes);
void json_split_finish(struct json_split *s); /* no more bytes will come */
/* ERR_PARSE with line and column when the envelope is broken; the split is then over. */
enum err_kind json_split_next(struct json_split *s, enum json_split_kind *ret_kind,
	struct json_item *ret_item, struct err *e) MUST_USE;
/*
 * The members of the last envelope other than "objects" as one JSON object, known once it closed;
 * empty when there was none. Their values are as they came: json_parse says whether they are JSON.
 * Left out are members longer than 64 KiB, and those that stand more than object_max bytes in front
 * of "objects" or behind its array. Borrowed from s.
 */
struct slice json_split_envelope(const struct json_split *s);

/* json_parse or json_parse_padded, as the item allows. */
static inline MUST_USE enum err_kind json_parse_item(struct json_parser *p,
	const struct json_item *item, struct json_doc *ret_doc, struct err *e)
{
	return item->is_padded ? json_parse_padded(p, item->bytes, ret_doc, e)
			       : json_parse(p, item->bytes, ret_doc, e);
}

/*
 * The same over a file as input_open takes it: packed or not, "-" for standard input. Objects are
 * of at most JSON_OBJECT_MAX bytes.
 */
struct json_file;
/* Errors as of input_open. */
enum err_kind json_file_open(const char *path, struct json_file **ret_file, struct err *e) MUST_USE;
void json_file_close(struct json_file *f); /* takes NULL */
/* OBJECT, PROBLEM or END, never MORE; nothing may be asked after END or an error. The item is
 * borrowed until the next call. Errors are those of input_read and json_split_next, without the
 * file's name. */
enum err_kind json_file_next(struct json_file *f, enum json_split_kind *ret_kind,
	struct json_item *ret_item, struct err *e) MUST_USE;
const struct input *json_file_input(const struct json_file *f); /* its name, how far it is */
struct slice json_file_envelope(const struct json_file *f);     /* as json_split_envelope */

/* Line and column (1-based, bytes) of an offset. */
void json_position(struct slice text, size_t offset, uint64_t *ret_line, uint64_t *ret_column);

#endif
