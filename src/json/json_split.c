/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Hands out the exact bytes of each object of a stream. Only what stands between the objects is
 * read byte by byte; inside an object brackets are counted by json_block.c. An object that lies in
 * the fed bytes is lent from there; only one that crosses a border is gathered.
 *
 * Whatever is decided must not depend on how the stream was cut: the same bytes give the same
 * items.
 */
#include <stdlib.h>

#include "json_block.h"
#include "json_envelope.h"

enum mode {
	MODE_TOP,     /* before the next value of the stream */
	MODE_OUTER,   /* inside a top-level object; perhaps an envelope */
	MODE_FIRST,   /* behind the '[' of the array of objects */
	MODE_NEXT,    /* behind a comma of it */
	MODE_BETWEEN, /* behind an element of it */
	MODE_ELEMENT, /* inside an element with brackets */
	MODE_STRING,  /* inside an element that is a string */
	MODE_WORD,    /* inside an element that is a number or true, false, null */
	MODE_TAIL,    /* inside the envelope, behind its array */
	MODE_FAILED
};

/* Room for the longest word, to tell whether it is one. */
#define WORD_MAX 5

struct json_split {
	const struct block_ops *ops;
	size_t object_max;
	enum mode mode;
	bool finished;    /* no more bytes will come */
	bool in_envelope; /* the array belongs to an envelope: a tail follows */

	struct slice bytes; /* fed, not looked at: lent by the caller */
	size_t at;          /* in bytes */
	uint64_t offset;    /* of bytes in the stream */

	/* lines: counted up to `counted`, only when somebody wants to know */
	size_t counted;       /* in bytes */
	uint64_t line;        /* at counted */
	uint64_t line_offset; /* of the first byte of that line in the stream */

	/* what is being read */
	struct nesting nesting;
	char close;            /* the bracket that must end it */
	struct json_item item; /* its offset, line and index */
	uint64_t item_column;
	uint64_t item_len;   /* of all its bytes so far */
	struct buf gathered; /* those of earlier feeds, at most object_max */
	char word[WORD_MAX + 1];
	size_t word_len;
	bool escaped; /* in a string */

	/* is it an envelope? */
	struct objects_match match;
	bool is_matching;    /* a name that may be "objects" crosses the border */
	uint64_t match_from; /* offset of its quote in the object */
	struct buf envelope; /* its other members, from '{' on */
	bool has_envelope;   /* complete */

	uint64_t items;            /* handed out */
	enum json_split_kind kind; /* what to hand out; MORE: nothing yet */
	struct err failure;
};

struct json_split *json_split_new(size_t object_max)
{
	return json_split_new_with(object_max, block_ops_best());
}

struct json_split *json_split_new_with(size_t object_max, const struct block_ops *ops)
{
	struct json_split *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->ops = ops;
	s->object_max = object_max;
	s->line = 1;
	return s;
}

void json_split_free(struct json_split *s)
{
	if (s == NULL)
		return;
	buf_fini(&s->gathered);
	buf_fini(&s->envelope);
	free(s);
}

void json_split_feed(struct json_split *s, struct slice bytes)
{
	s->offset += s->bytes.len;
	s->bytes = bytes;
	s->at = 0;
	s->counted = 0;
}

void json_split_finish(struct json_split *s)
{
	s->finished = true;
}

struct slice json_split_envelope(const struct json_split *s)
{
	return s->has_envelope ? buf_slice(&s->envelope) : (struct slice){0};
}

/* ---- lines ---- */

static struct slice rest_of(const struct json_split *s)
{
	return slice_cut(s->bytes, s->at, s->bytes.len);
}

/* Bring s->line and s->line_offset up to index `to` of the fed bytes. */
static void count_lines(struct json_split *s, size_t to)
{
	struct slice passed = slice_cut(s->bytes, s->counted, to);
	size_t lines = s->ops->count_newlines(passed);

	if (lines != 0) {
		const char *last = memrchr(passed.data, '\n', passed.len);

		s->line += lines;
		s->line_offset = s->offset + (uint64_t)(last - s->bytes.data) + 1;
	}
	if (to > s->counted)
		s->counted = to;
}

static enum err_kind fail(struct json_split *s, enum err_kind kind, uint64_t line, uint64_t column,
	const char *what, struct err *e)
{
	s->mode = MODE_FAILED;
	err_set(&s->failure, kind, "line %llu, column %llu: %s", (unsigned long long)line,
		(unsigned long long)column, what);
	if (e != NULL)
		*e = s->failure;
	return kind;
}

/* At the next byte. */
static enum err_kind fail_here(struct json_split *s, const char *what, struct err *e)
{
	count_lines(s, s->at);
	return fail(s, ERR_PARSE, s->line, s->offset + s->at - s->line_offset + 1, what, e);
}

/* "found X, expected Y" */
static enum err_kind unexpected(struct json_split *s, const char *expected, struct err *e)
{
	char what[128];
	unsigned char c = (unsigned char)s->bytes.data[s->at];

	if (c > 0x20 && c < 0x7f)
		snprintf(what, sizeof(what), "found %c, expected %s", c, expected);
	else
		snprintf(what, sizeof(what), "found byte 0x%02x, expected %s", c, expected);
	return fail_here(s, what, e);
}

/* At an offset in `within`, which began where the item did. */
static enum err_kind fail_within(struct json_split *s, struct slice within,
	const struct envelope_fault *fault, struct err *e)
{
	uint64_t line, column;

	json_position(within, fault->offset, &line, &column);
	if (line == 1)
		column += s->item_column - 1;
	return fail(s, ERR_PARSE, s->item.line + line - 1, column, fault->what, e);
}

static enum err_kind out_of_memory(struct json_split *s, struct err *e)
{
	return fail(s, ERR_NOMEM, s->item.line, s->item_column, "out of memory", e);
}

/* ---- items ---- */

static void begin_item(struct json_split *s)
{
	count_lines(s, s->at);
	s->item.offset = s->offset + s->at;
	s->item.line = s->line;
	s->item_column = s->item.offset - s->line_offset + 1;
	s->item_len = 0;
	s->nesting = (struct nesting){0};
	buf_clear(&s->gathered);
}

/* Keep the next `len` bytes for later, as far as object_max allows. */
static bool gather(struct json_split *s, size_t len)
{
	size_t room = s->object_max - s->gathered.len;
	size_t kept = len < room ? len : room;

	/* room behind, so that the parser need not copy */
	if (buf_reserve(&s->gathered, kept + JSON_PADDING) == NULL)
		return false;
	buf_append(&s->gathered, s->bytes.data + s->at, kept);
	s->item_len += len;
	s->at += len;
	return true;
}

/*
 * The bytes of the item, of which the next `len` are the last: from where they were fed, or
 * gathered. Cut at object_max; data is NULL when there was no memory.
 */
static struct slice whole_item(struct json_split *s, size_t len, bool *ret_is_padded)
{
	if (s->item_len == 0) {
		struct slice whole = slice_cut(s->bytes, s->at, s->at + len);

		*ret_is_padded = s->bytes.len - s->at - len >= JSON_PADDING;
		s->item_len = len;
		s->at += len;
		return slice_cut(whole, 0, s->object_max);
	}
	*ret_is_padded = true;
	if (!gather(s, len))
		return (struct slice){0};
	return buf_slice(&s->gathered);
}

static void hand_out(struct json_split *s, struct slice bytes, const char *problem)
{
	s->item.bytes = problem != NULL ? (struct slice){0} : bytes;
	s->item.problem = problem;
	s->item.is_padded = s->item.is_padded && problem == NULL;
	s->item.index = s->items++;
	s->kind = problem != NULL ? JSON_SPLIT_PROBLEM : JSON_SPLIT_OBJECT;
}

/* The closing bracket of an element or top-level object is `len` bytes on. */
static enum err_kind end_item(struct json_split *s, size_t len, enum mode then, struct err *e)
{
	const char *problem = NULL;
	struct slice whole;

	if (s->bytes.data[s->at + len - 1] != s->close) {
		s->at += len - 1;
		return unexpected(s, s->close == '}' ? "}" : "]", e);
	}
	whole = whole_item(s, len, &s->item.is_padded);
	if (whole.data == NULL)
		return out_of_memory(s, e);
	if (s->close != '}')
		problem = "an array where an object is expected";
	else if (s->item_len > s->object_max)
		problem = "object longer than the limit";
	s->mode = then;
	hand_out(s, whole, problem);
	return OK;
}

/* ---- the modes: each reads on, and sets s->kind when it has something to hand out ---- */

static bool skip_blanks(struct json_split *s)
{
	while (s->at < s->bytes.len) {
		char c = s->bytes.data[s->at];

		if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
			return true;
		s->at++;
	}
	return false;
}

static enum err_kind read_top(struct json_split *s, struct err *e)
{
	char c;

	if (!skip_blanks(s))
		return OK;
	c = s->bytes.data[s->at];
	if (c == '{') {
		begin_item(s);
		s->close = '}';
		s->is_matching = false;
		s->mode = MODE_OUTER;
	} else if (c == '[') {
		s->at++;
		s->in_envelope = false;
		s->mode = MODE_FIRST;
	} else if (c == '\xef') {
		return unexpected(s, "{ or [ and no byte order mark", e);
	} else {
		return unexpected(s, "{ or [", e);
	}
	return OK;
}

/* "objects": [ was found: the object is an envelope. head_len: its bytes before that name. */
static enum err_kind enter_envelope(
	struct json_split *s, struct slice head, uint64_t head_len, struct err *e)
{
	struct envelope_fault fault;

	buf_clear(&s->envelope);
	buf_char(&s->envelope, '{');
	s->has_envelope = false;
	if (!envelope_head(head, head.len < head_len, &s->envelope, &fault))
		return fail_within(s, head, &fault, e);
	if (s->envelope.bad)
		return out_of_memory(s, e);
	s->in_envelope = true;
	s->mode = MODE_FIRST;
	return OK;
}

/* A name that began in earlier bytes goes on here. */
static enum err_kind match_on(struct json_split *s, bool *ret_decided, struct err *e)
{
	size_t used;

	*ret_decided = false;
	switch (objects_match_feed(&s->match, rest_of(s), &used)) {
	case MATCH_MORE:
		break;
	case MATCH_NO:
		s->is_matching = false;
		break;
	case MATCH_YES:
		*ret_decided = true;
		s->at += used;
		return enter_envelope(
			s, slice_cut(buf_slice(&s->gathered), 0, s->match_from), s->match_from, e);
	}
	return OK;
}

static enum err_kind read_outer(struct json_split *s, struct err *e)
{
	size_t len = 0; /* of the bytes of this feed that were scanned */
	bool passed = false, is_name = true;

	if (s->is_matching) {
		bool decided;
		enum err_kind kind = match_on(s, &decided, e);

		if (kind != OK || decided)
			return kind;
	}
	while (is_name) {
		struct slice ahead = slice_cut(s->bytes, s->at + len, s->bytes.len);
		struct slice head;
		size_t used;
		bool is_padded;

		len += s->ops->skip_to_name(&s->nesting, ahead, passed, &is_name);
		if (!is_name)
			break;
		passed = true;
		if (s->is_matching)
			continue;
		s->match = (struct objects_match){0};
		ahead = slice_cut(s->bytes, s->at + len, s->bytes.len);
		switch (objects_match_feed(&s->match, ahead, &used)) {
		case MATCH_MORE:
			s->is_matching = true;
			s->match_from = s->item_len + len;
			break;
		case MATCH_NO:
			break;
		case MATCH_YES:
			head = whole_item(s, len, &is_padded);
			if (head.data == NULL)
				return out_of_memory(s, e);
			s->at += used;
			return enter_envelope(s, head, s->item_len, e);
		}
	}
	if (s->nesting.depth == 0)
		return end_item(s, len, MODE_TOP, e);
	return gather(s, len) ? OK : out_of_memory(s, e);
}

static enum err_kind end_array(struct json_split *s)
{
	s->at++;
	if (!s->in_envelope) {
		s->mode = MODE_TOP;
		return OK;
	}
	begin_item(s);
	s->nesting.depth = 1;
	s->mode = MODE_TAIL;
	return OK;
}

static enum err_kind read_element(struct json_split *s, struct err *e)
{
	size_t len = s->ops->skip(&s->nesting, rest_of(s));

	if (s->nesting.depth == 0)
		return end_item(s, len, MODE_BETWEEN, e);
	return gather(s, len) ? OK : out_of_memory(s, e);
}

/* Behind '[' or a comma. */
static enum err_kind begin_element(struct json_split *s, struct err *e)
{
	char c;

	if (!skip_blanks(s))
		return OK;
	c = s->bytes.data[s->at];
	if (c == ']' && s->mode == MODE_FIRST)
		return end_array(s);
	begin_item(s);
	if (c == '{' || c == '[') {
		s->close = c == '{' ? '}' : ']';
		s->mode = MODE_ELEMENT;
		return read_element(s, e);
	}
	if (c == '"') {
		s->at++;
		s->escaped = false;
		s->mode = MODE_STRING;
		return OK;
	}
	if (c == '-' || (c >= '0' && c <= '9') || c == 't' || c == 'f' || c == 'n') {
		s->word_len = 0;
		s->mode = MODE_WORD;
		return OK;
	}
	return unexpected(s, s->mode == MODE_FIRST ? "{ or ]" : "{", e);
}

/* Behind an element. */
static enum err_kind read_between(struct json_split *s, struct err *e)
{
	if (!skip_blanks(s))
		return OK;
	switch (s->bytes.data[s->at]) {
	case ',':
		s->at++;
		s->mode = MODE_NEXT;
		return OK;
	case ']':
		return end_array(s);
	default:
		return unexpected(s, ", or ] behind the element", e);
	}
}

static enum err_kind read_string(struct json_split *s, struct err *e)
{
	while (s->at < s->bytes.len) {
		char c = s->bytes.data[s->at++];

		if (s->escaped) {
			s->escaped = false;
		} else if (c == '\\') {
			s->escaped = true;
		} else if (c == '"') {
			s->mode = MODE_BETWEEN;
			hand_out(s, (struct slice){0}, "a string where an object is expected");
			return OK;
		}
	}
	(void)e; /* nothing inside a string is wrong */
	return OK;
}

static bool word_is_value(const struct json_split *s)
{
	return s->word[0] == '-' || (s->word[0] >= '0' && s->word[0] <= '9') ||
	       strcmp(s->word, "true") == 0 || strcmp(s->word, "false") == 0 ||
	       strcmp(s->word, "null") == 0;
}

static enum err_kind read_word(struct json_split *s, struct err *e)
{
	while (s->at < s->bytes.len) {
		char c = s->bytes.data[s->at];
		bool is_number = s->word_len == 0 ? c < 'A' : s->word[0] < 'A';

		if (memchr(", ]\n\r\t", c, 6) != NULL) {
			s->word[s->word_len] = '\0';
			if (!word_is_value(s))
				return fail(s, ERR_PARSE, s->item.line, s->item_column,
					"found no JSON value, expected {", e);
			s->mode = MODE_BETWEEN;
			hand_out(s, (struct slice){0},
				is_number ? "a number where an object is expected"
					  : "a word where an object is expected");
			return OK;
		}
		if (is_number ? memchr("0123456789+-.eE", c, 15) == NULL
			      : (c < 'a' || c > 'z' || s->word_len == WORD_MAX))
			return unexpected(s, "a JSON value", e);
		if (s->word_len < WORD_MAX)
			s->word[s->word_len++] = c;
		s->at++;
	}
	return OK;
}

/* Behind the array of an envelope, up to its closing brace. */
static enum err_kind read_tail(struct json_split *s, struct err *e)
{
	size_t len = s->ops->skip(&s->nesting, rest_of(s));
	struct envelope_fault fault;
	struct slice tail;
	bool is_padded;

	if (s->nesting.depth != 0)
		return gather(s, len) ? OK : out_of_memory(s, e);
	tail = whole_item(s, len, &is_padded);
	if (tail.data == NULL)
		return out_of_memory(s, e);
	if (!envelope_tail(tail, s->item_len > s->object_max, &s->envelope, &fault))
		return fail_within(s, tail, &fault, e);
	buf_char(&s->envelope, '}');
	if (s->envelope.bad)
		return out_of_memory(s, e);
	s->has_envelope = true;
	s->mode = MODE_TOP;
	return OK;
}

/* ---- the loop ---- */

/* Everything about a mode: who reads on in it, and what to say when the stream ends in it. */
static const struct {
	enum err_kind (*read)(struct json_split *s, struct err *e);
	const char *at_end; /* NULL: a good end */
} modes[] = {
	[MODE_TOP] = {read_top,      NULL					 },
	[MODE_OUTER] = {read_outer,    "the text ends inside an object"             },
	[MODE_FIRST] = {begin_element, "the text ends inside an array"              },
	[MODE_NEXT] = {begin_element, "the text ends inside an array"              },
	[MODE_BETWEEN] = {read_between,  "the text ends inside an array"              },
	[MODE_ELEMENT] = {read_element,  "the text ends inside an element of an array"},
	[MODE_STRING] = {read_string,   "the text ends inside a string"              },
	[MODE_WORD] = {read_word,     "the text ends inside an array"              },
	[MODE_TAIL] = {read_tail,     "the text ends inside an object"             },
};

enum err_kind json_split_next(struct json_split *s, enum json_split_kind *ret_kind,
	struct json_item *ret_item, struct err *e)
{
	if (s->mode == MODE_FAILED) {
		if (e != NULL)
			*e = s->failure;
		return s->failure.kind;
	}
	s->kind = JSON_SPLIT_MORE;
	while (s->at < s->bytes.len && s->kind == JSON_SPLIT_MORE) {
		enum err_kind kind = modes[s->mode].read(s, e);

		if (kind != OK)
			return kind;
	}
	if (s->kind == JSON_SPLIT_MORE) {
		count_lines(s, s->at);
		if (s->finished && modes[s->mode].at_end != NULL)
			return fail_here(s, modes[s->mode].at_end, e);
		if (s->finished)
			s->kind = JSON_SPLIT_END;
	} else {
		*ret_item = s->item;
	}
	*ret_kind = s->kind;
	return OK;
}
