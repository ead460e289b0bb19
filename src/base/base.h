/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The ground floor: memory, bytes, errors, time, identifiers, hashing, files, and the one seam to
 * clock and randomness. Knows no word of Serai.
 */
#ifndef BASE_H
#define BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define KIB(n) ((size_t)(n) << 10)
#define MIB(n) ((size_t)(n) << 20)

#define MUST_USE     __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* ---- slices: borrowed bytes ------------------------------------------------------------------ */

/* Bytes that somebody else owns. data may be NULL when len is 0. Not NUL-terminated. */
struct slice {
	const char *data;
	size_t len;
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

static inline struct slice slice_of(const char *text)
{
	return (struct slice){text, text == NULL ? 0 : strlen(text)};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_is(struct slice a, const char *text)
{
	return slice_equal(a, slice_of(text));
}

static inline bool slice_starts(struct slice a, struct slice prefix)
{
	return a.len >= prefix.len &&
	       (prefix.len == 0 || memcmp(a.data, prefix.data, prefix.len) == 0);
}

static inline bool slice_ends(struct slice a, struct slice suffix)
{
	return a.len >= suffix.len && (suffix.len == 0 || memcmp(a.data + a.len - suffix.len,
								  suffix.data, suffix.len) == 0);
}

/* Bytes [from, to) of a; both are clamped to its length. */
static inline struct slice slice_cut(struct slice a, size_t from, size_t to)
{
	if (to > a.len)
		to = a.len;
	if (from >= to)
		return (struct slice){0};
	return (struct slice){a.data + from, to - from};
}

/* Bytewise order, shorter first on a common prefix: <0, 0, >0. */
int slice_compare(struct slice a, struct slice b);
/* Equal but for the case of ASCII letters. */
bool slice_equal_nocase(struct slice a, struct slice b);
/* Without ASCII white space at both ends. */
struct slice slice_trim(struct slice a);
/* First index of c at or after from; a.len when there is none. */
size_t slice_find(struct slice a, char c, size_t from);
/* First index of the bytes `what`; a.len when there is none. */
size_t slice_find_text(struct slice a, struct slice what);
/* Cut the part before the next `separator` off *rest; false when *rest is used up. What ends in a
 * separator has an empty part behind it. */
bool slice_next(struct slice *rest, char separator, struct slice *ret_part);
/* Decimal without sign, blanks or leading zeros (but "0" itself); false when it does not fit. */
bool slice_to_u64(struct slice a, uint64_t *ret_value);

/* For printf: "%.*s", SLICE_ARG(s). Cuts at INT_MAX. */
#define SLICE_ARG(s)                                                                               \
	((int)((s).len > 0x7fffffff ? 0x7fffffff : (s).len)), ((s).data == NULL ? "" : (s).data)

/* ---- errors ---------------------------------------------------------------------------------- */

/* The kind is for code, struct err for people. */
enum err_kind {
	OK = 0,
	ERR_USAGE,    /* the caller or the command line asked for what does not exist */
	ERR_PARSE,    /* foreign bytes do not fit their format */
	ERR_INVALID,  /* well-formed, but against the rules of its standard */
	ERR_LIMIT,    /* a stated limit was passed */
	ERR_CONFLICT, /* contradicts what is already there */
	ERR_DENIED,   /* not allowed */
	ERR_BUSY,     /* somebody else holds it; may work later */
	ERR_IO,       /* the disk or the network failed */
	ERR_FULL,     /* no space left on the device */
	ERR_CORRUPT,  /* our own stored bytes are damaged */
	ERR_NOMEM,
	ERR_KINDS
};

#define ERR_TEXT_MAX 512 /* bytes with NUL; longer texts are cut with "..." */

struct err {
	enum err_kind kind;
	char text[ERR_TEXT_MAX];
};

/* Fill *e (may be NULL) and return kind, for `return err_set(...)`. Control characters and bytes
 * that are not UTF-8 in the arguments are printed as '?', so that foreign text cannot draw on a
 * terminal. */
enum err_kind err_set(struct err *e, enum err_kind kind, const char *format, ...) PRINTF(3, 4);
/* Put "context: " before the text of *e; returns e->kind. */
enum err_kind err_wrap(struct err *e, const char *format, ...) PRINTF(2, 3);
/* ERR_FULL for ENOSPC and EDQUOT, ERR_NOMEM for ENOMEM, ERR_DENIED for EACCES/EPERM, else ERR_IO.
 */
enum err_kind err_kind_of_errno(int number);
const char *err_kind_name(enum err_kind kind);

/* ---- arena: everything made for one request dies with it ------------------------------------- */

struct arena;

/* bytes_max: the most it ever holds; past it arena_alloc returns NULL. NULL when out of memory. */
struct arena *arena_new(size_t bytes_max) MUST_USE;
void arena_free(struct arena *a); /* accepts NULL */
/* Forget everything, keep one block for the next round. */
void arena_reset(struct arena *a);
/* Aligned for any type, not cleared. NULL past the limit or out of memory. */
void *arena_alloc(struct arena *a, size_t bytes) MUST_USE;
void *arena_zalloc(struct arena *a, size_t bytes) MUST_USE;
/* A copy that ends in NUL (not counted). data is NULL when there was no memory. */
struct slice arena_copy(struct arena *a, struct slice s) MUST_USE;
char *arena_string(struct arena *a, struct slice s) MUST_USE;
struct slice arena_printf(struct arena *a, const char *format, ...) PRINTF(2, 3) MUST_USE;
struct slice arena_vprintf(struct arena *a, const char *format, va_list args) PRINTF(2, 0) MUST_USE;
size_t arena_bytes(const struct arena *a);

#define ARENA_NEW(a, type)          ((type *)arena_zalloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, count) ((type *)arena_zalloc((a), sizeof(type) * (size_t)(count)))

/* ---- buf: bytes that grow -------------------------------------------------------------------- */

/*
 * Zero-initialise (BUF_INIT or BUF_MAX(n)), append, buf_fini. After a failed append (limit or
 * memory) `bad` stays set and appends do nothing, so a writer writes straight down and checks once.
 */
struct buf {
	char *data;
	size_t len;
	size_t capacity;
	size_t bytes_max; /* 0: no limit but memory */
	bool bad;
};

#define BUF_INIT   ((struct buf){0})
#define BUF_MAX(n) ((struct buf){.bytes_max = (n)})

void buf_fini(struct buf *b);
static inline void buf_clear(struct buf *b)
{
	b->len = 0;
	b->bad = false;
}
static inline struct slice buf_slice(const struct buf *b)
{
	return (struct slice){b->data, b->len};
}
/* Room for `more` bytes behind len; returns where they go, or NULL (then bad is set). Whoever puts
 * them there adds to len. */
char *buf_reserve(struct buf *b, size_t more);
void buf_append_slow(struct buf *b, const void *bytes, size_t len);
static inline void buf_append(struct buf *b, const void *bytes, size_t len)
{
	if (!b->bad && len <= b->capacity - b->len) {
		if (len != 0)
			memcpy(b->data + b->len, bytes, len);
		b->len += len;
	} else {
		buf_append_slow(b, bytes, len);
	}
}
static inline void buf_slice_append(struct buf *b, struct slice s)
{
	buf_append(b, s.data, s.len);
}
static inline void buf_text(struct buf *b, const char *text)
{
	buf_append(b, text, strlen(text));
}
static inline void buf_char(struct buf *b, char c)
{
	buf_append(b, &c, 1);
}
void buf_printf(struct buf *b, const char *format, ...) PRINTF(2, 3);
void buf_u64(struct buf *b, uint64_t value);
void buf_i64(struct buf *b, int64_t value);

/* ---- reader: a peer's bytes, big-endian ------------------------------------------------------ */

/* After a short read it returns zeros (no bytes) and stays bad: decode straight down, check once.
 * What read_bytes gives is borrowed from `rest`. */
struct reader {
	struct slice rest;
	bool bad;
};

uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
struct slice read_bytes(struct reader *r, size_t len);

/* Big-endian, as they are read. */
void put_u16(void *to, uint16_t value);
void put_u32(void *to, uint32_t value);
void put_u64(void *to, uint64_t value);

/* ---- text --------------------------------------------------------------------------------*/

bool utf8_valid(struct slice s);
/* Next code point of valid or invalid UTF-8: U+FFFD and one byte for what is invalid. */
uint32_t utf8_next(struct slice *rest);
void utf8_append(struct buf *b, uint32_t code_point);

void hex_append(struct buf *b, const void *bytes, size_t len);
/* Exactly ret_len bytes from 2*ret_len digits of either case. */
bool hex_decode(struct slice hex, void *ret_bytes, size_t ret_len);
void base64_append(struct buf *b, const void *bytes, size_t len);
/* Standard alphabet, padded, spare bits zero (RFC 4648 section 4, strict). */
bool base64_decode(struct slice text, struct buf *ret_bytes);
/* URL alphabet without padding (RFC 4648 section 5). */
void base64url_append(struct buf *b, const void *bytes, size_t len);
bool base64url_decode(struct slice text, struct buf *ret_bytes);

/* ---- time: microseconds since 1970-01-01T00:00:00Z ------------------------------------------- */

#define US_PER_SECOND INT64_C(1000000)
#define TIME_TEXT_MAX 40 /* bytes with NUL that time_format needs at the most */

/*
 * RFC 3339 in UTC: "YYYY-MM-DDThh:mm:ss[.digits]Z", upper-case T and Z, years 0001 to 9999, a leap
 * second only as :60 of 23:59. Digits past the sixth are cut. ret_digits: how many fraction digits
 * stood there (may be NULL). False: not such a text.
 */
bool time_parse(struct slice text, int64_t *ret_us, unsigned *ret_digits);
/* "2026-11-23T06:18:00.000000Z" with 0, 3 or 6 digits; returns the length. */
size_t time_format(int64_t us, unsigned digits, char ret_text[TIME_TEXT_MAX]);

/* ---- identifiers ----------------------------------------------------------------------------- */

struct uuid {
	uint8_t bytes[16];
};

#define UUID_TEXT_LEN 36

/* 8-4-4-4-12 hex digits of either case. */
bool uuid_parse(struct slice text, struct uuid *ret_uuid);
void uuid_format(const struct uuid *u, char ret_text[UUID_TEXT_LEN + 1]); /* lower case, NUL */
static inline bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
static inline unsigned uuid_version(const struct uuid *u)
{
	return u->bytes[6] >> 4;
}
/* RFC 4122 section 4.3 with SHA-1. */
void uuid_v5(const struct uuid *space, struct slice name, struct uuid *ret_uuid);

/* ---- hashing (GnuTLS) and secrets (libsodium) ------------------------------------------------ */

#define SHA256_LEN 32
#define SHA1_LEN   20
#define MD5_LEN    16

void hash_sha256(struct slice s, uint8_t ret_digest[SHA256_LEN]);
/* Of parts one behind another; slower than one slice when they are short. */
void hash_sha256_parts(const struct slice *parts, size_t count, uint8_t ret_digest[SHA256_LEN]);
void hash_sha1(struct slice s, uint8_t ret_digest[SHA1_LEN]);
void hash_sha1_pair(struct slice a, struct slice b, uint8_t ret_digest[SHA1_LEN]); /* of a then b */
void hash_md5(struct slice s, uint8_t ret_digest[MD5_LEN]);
void hmac_sha256(struct slice key, struct slice s, uint8_t ret_mac[SHA256_LEN]);
/* Fast, keyed, not cryptographic across processes: for hash tables over foreign keys (SipHash-2-4).
 */
uint64_t hash_table(const uint8_t key[16], struct slice s);
bool secret_equal(const void *a, const void *b, size_t len); /* constant time */
void secret_wipe(void *a, size_t len);

/* ---- the seam: clock and randomness ---------------------------------------------------------- */

/* Functions receive a world; tests hand in one under a seed and virtual time. */
struct world {
	int64_t (*now_us)(void *context);       /* wall clock; may jump either way */
	int64_t (*monotonic_us)(void *context); /* never runs backwards */
	void (*random)(void *context, void *ret_bytes, size_t len);
	void *context;
};

const struct world *world_real(void);
/* The same random bytes for the same seed; the clock stands still until world_fake_advance. */
struct world_fake {
	struct world world;
	uint64_t seed;
	int64_t now_us;
	int64_t monotonic_us;
};
void world_fake_init(struct world_fake *w, uint64_t seed, int64_t now_us);
void world_fake_advance(
	struct world_fake *w, int64_t us); /* both clocks; negative moves only the wall */

static inline int64_t world_now(const struct world *w)
{
	return w->now_us(w->context);
}
static inline int64_t world_monotonic(const struct world *w)
{
	return w->monotonic_us(w->context);
}
void uuid_v4(const struct world *w, struct uuid *ret_uuid);

/* ---- files ----------------------------------------------------------------------------------- */

/* Append a whole file of at most bytes_max (else ERR_LIMIT) to *b, which stays as it was when it
 * fails. "-" is standard input. */
enum err_kind file_read(const char *path, size_t bytes_max, struct buf *b, struct err *e) MUST_USE;
/* Beside it, fsync, rename, fsync of the folder: old or new, never half. */
enum err_kind file_write_atomic(
	const char *path, struct slice content, unsigned mode, struct err *e) MUST_USE;
enum err_kind folder_make(
	const char *path, unsigned mode, struct err *e) MUST_USE; /* as mkdir -p */

/* ---- input: a stream that may be gzip or zstd ------------------------------------------------ */

/*
 * Reads a file, standard input ("-") or memory, and unpacks gzip (several members) and zstd
 * (several frames) as their magic numbers say. Bounded memory whatever the size.
 */
struct input;

#define INPUT_WINDOW_LOG_MAX 25 /* zstd window of 32 MiB; frames that want more are ERR_LIMIT */

/* ERR_IO, ERR_DENIED: it cannot be opened, or is a folder. */
enum err_kind input_open(const char *path, struct input **ret_input, struct err *e) MUST_USE;
/* `bytes` are borrowed until input_free; the name, for errors, is copied. */
enum err_kind input_of_memory(
	struct slice bytes, const char *name, struct input **ret_input, struct err *e) MUST_USE;
void input_free(struct input *in);
/* Up to `bytes`; *ret_len 0 means the end. ERR_PARSE for damaged or cut-off packing. */
enum err_kind input_read(
	struct input *in, void *to, size_t bytes, size_t *ret_len, struct err *e) MUST_USE;
const char *input_name(const struct input *in);
uint64_t input_packed_read(const struct input *in);  /* bytes taken from the file so far */
uint64_t input_packed_total(const struct input *in); /* its size; 0 when unknown (a pipe) */

/* ---- log: one JSON object a line, on standard error or a file -------------------------------- */

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log {
	const struct world *world;
	FILE *to; /* NULL: silent */
	enum log_level least;
};

/*
 * log_line(log, LOG_INFO, "request", "method", "GET", "path", path, NULL): a time, a level, an
 * event and pairs of name and text. Values are escaped and cut at LOG_VALUE_MAX. Never hand in a
 * secret.
 */
#define LOG_VALUE_MAX 1024
void log_line(const struct log *log, enum log_level level, const char *event, ...)
	__attribute__((sentinel));

#endif
