/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the files of this folder share. Only http_library.h knows the HTTP library; everything else
 * here is plain functions over bytes, so that it can be tested and fuzzed without a socket.
 */
#ifndef HTTP_PARTS_H
#define HTTP_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "http.h"

/* gnutls.h is included only by those who need it. */
struct gnutls_session_int;
struct gnutls_certificate_credentials_st;

/* ---- http_head.c: is this head sane, and what does it say ----------------------------- */

struct http_head {
	struct slice method, target, version;
	const struct http_param *headers;
	size_t headers_count;
	size_t bytes; /* from the method to the empty line, both included */
};

struct http_facts {
	enum http_method method;
	struct slice host, authorization, accept_encoding, if_none_match;
	uint64_t length; /* of the body, when has_length */
	bool has_length, chunked, expects_continue;
};

/*
 * RFC 9112 with nothing left to taste: one Host, one Content-Length, Transfer-Encoding exactly
 * "chunked" and never beside Content-Length, names that are tokens, values without controls.
 * Returns 0, or the status to refuse with and in *ret_why the reason.
 */
unsigned http_head_check(
	const struct http_head *head, struct http_facts *ret_facts, const char **ret_why);
/*
 * The pieces of a head lie where its lines say: nothing between them but ": " and CR LF. The
 * library parses in place and stops at a NUL, takes a bare LF for a line end and joins folded lines
 * wrongly; all of that leaves a gap, and bytes that only some readers see are how requests are
 * smuggled. (What leaves none are NULs in the place of line ends, and a colon with a bare LF in the
 * place of the last one: no reader passes those on.)
 */
bool http_head_is_whole(const struct http_head *head);

/* ---- http_target.c: paths and queries ------------------------------------------------- */

struct http_target {
	struct slice path; /* decoded */
	struct slice segments[HTTP_SEGMENTS_MAX];
	size_t segments_count;  /* HTTP_SEGMENTS_MAX + 1: too many to be anything of ours */
	struct slice authority; /* of "http://authority/path"; else empty */
	const struct http_param *params;
	size_t params_count;
};

/* Returns 0 or a status, with the reason. Borrows from `raw` where nothing was encoded. */
unsigned http_target_parse(
	struct slice raw, struct arena *a, struct http_target *ret_target, const char **ret_why);

/* ---- http_route.c --------------------------------------------------------------------- */

struct http_table;

struct http_match {
	const struct http_route *route; /* NULL: none */
	size_t index;                   /* of the row */
	unsigned allowed;               /* methods of all rows with this path; 0: no such path */
	struct slice parts[HTTP_SEGMENTS_MAX];
	size_t parts_count;
};

enum err_kind http_table_new(const struct http_route *routes, size_t count,
	struct http_table **ret_table, struct err *e) MUST_USE;
void http_table_free(struct http_table *t);
/* Of several rows with the path, the one with the earlier literal. */
void http_table_find(const struct http_table *t, const struct http_target *target,
	enum http_method method, struct http_match *ret_match);
/* "GET, HEAD, POST". */
#define HTTP_ALLOW_MAX 48 /* bytes with NUL */
void http_allow_text(unsigned methods, char ret_text[HTTP_ALLOW_MAX]);

/* ---- http_backoff.c: guessing gets slow ----------------------------------------------- */

#define HTTP_BACKOFF_SLOTS                                                                         \
	4096 /* addresses and names remembered; the oldest of a set gives way                      \
	      */
#define HTTP_BACKOFF_FREE            3   /* failures that cost nothing: people mistype */
#define HTTP_BACKOFF_ADDRESS_SECONDS 900 /* the longest wait of an address */
/* ... and of a name, kept short: anybody can fail on somebody else's name. */
#define HTTP_BACKOFF_NAME_SECONDS   60
#define HTTP_BACKOFF_FORGET_SECONDS 3600 /* without a failure */

enum http_backoff_kind { HTTP_BACKOFF_ADDRESS, HTTP_BACKOFF_NAME };

struct http_backoff;
struct http_backoff *http_backoff_new(const struct world *w) MUST_USE; /* NULL: no memory */
void http_backoff_free(struct http_backoff *b);
/* Seconds still to wait, rounded up; 0: go on. */
unsigned http_backoff_wait(struct http_backoff *b, enum http_backoff_kind kind, struct slice key);
void http_backoff_fail(struct http_backoff *b, enum http_backoff_kind kind, struct slice key);
void http_backoff_clear(struct http_backoff *b, enum http_backoff_kind kind, struct slice key);

/* ---- http_auth.c: who is asking ------------------------------------------------------- */

#define HTTP_LOGINS 512 /* remembered at once */
#define HTTP_HASH_WAITERS                                                                          \
	1 /* requests that may wait for the one password being hashed; else 503                    \
	   */
#define HTTP_TOKEN_TEXT_MAX  256 /* bytes; a longer bearer token is not looked up */
#define HTTP_NAME_MAX        64  /* bytes of an account's name, as the store has it */
#define HTTP_CREDENTIALS_MAX (HTTP_NAME_MAX + 1 + HTTP_PASSWORD_MAX) /* "name:password" */

/* An account as it was when its credentials were checked; kept alive by those who use it. */
struct http_login {
	atomic_uint owners;
	struct store_account account;
	char text[]; /* its name and password hash */
};
struct http_login *http_login_keep(struct http_login *login);
void http_login_drop(struct http_login *login); /* accepts NULL */

struct http_claim {
	struct slice authorization; /* header value; empty: none */
	struct slice address;       /* what failures are counted under */
	const uint8_t *pin;         /* of the client's certificate; NULL: none */
};

struct http_verdict {
	unsigned status;        /* 0: go on; 401, 429, 500, 503 */
	unsigned retry_seconds; /* with 429 and 503 */
	const char *why;
	struct http_login
		*login; /* NULL with status 0: nobody in particular. The caller drops it. */
};

struct http_auth;
enum err_kind http_auth_new(const struct http_accounts *accounts, const struct world *w,
	struct http_auth **ret_auth, struct err *e) MUST_USE;
void http_auth_free(struct http_auth *a);
void http_auth_check(
	struct http_auth *a, const struct http_claim *claim, struct http_verdict *ret_verdict);
uint64_t http_auth_failures(const struct http_auth *a);
uint64_t http_auth_hashes(const struct http_auth *a); /* passwords hashed so far: for tests */

enum http_scheme { HTTP_SCHEME_NONE, HTTP_SCHEME_BASIC, HTTP_SCHEME_BEARER };
/* Cut "Scheme rest" in two; NONE for other schemes and for what is neither. */
enum http_scheme http_scheme_parse(struct slice authorization, struct slice *ret_rest);
/* "name:password" from base64 into *b (BUF_MAX(HTTP_CREDENTIALS_MAX)); false: it is not that. */
bool http_basic_decode(
	struct slice base64, struct buf *b, struct slice *ret_name, struct slice *ret_password);

extern const char *const http_challenges[2]; /* values for WWW-Authenticate */

/* The functions of http_accounts over a store. */
struct http_accounts http_accounts_of_store(struct store *s);

/* ---- http_encode.c: gzip and zstd ----------------------------------------------------- */

enum http_coding { HTTP_IDENTITY, HTTP_GZIP, HTTP_ZSTD, HTTP_CODINGS };

const char *http_coding_name(enum http_coding coding);
/* What Accept-Encoding likes best among ours (RFC 9110 section 12.5.3); zstd on a tie. */
enum http_coding http_coding_choose(struct slice accept_encoding);
/* Worth packing: text of some kind. */
bool http_type_packs(struct slice content_type);

struct http_encoder;
struct http_encoder *http_encoder_new(enum http_coding coding) MUST_USE; /* NULL: no memory */
void http_encoder_free(struct http_encoder *enc);
/* Pack `in` and append to *out; with `end`, all that is left. ERR_NOMEM. */
enum err_kind http_encoder_push(struct http_encoder *enc, struct slice in, bool end,
	struct buf *out, struct err *e) MUST_USE;
enum err_kind http_encode_whole(
	enum http_coding coding, struct slice in, struct buf *out, struct err *e) MUST_USE;

/* ---- http_shared.c -------------------------------------------------------------------- */

struct http_shared {
	atomic_uint owners;
	struct buf bytes;
	pthread_mutex_t lock; /* of what follows */
	struct buf coded[HTTP_CODINGS];
	bool tried[HTTP_CODINGS];
	/* Finished responses of the HTTP library over these bytes, so that serving a page again
	 * costs no allocation. Owned by http_respond.c. */
	void *ready;
	void (*ready_free)(void *ready);
};

/* The bytes in this coding, packed once; *coding becomes IDENTITY when packing does not pay. */
struct slice http_shared_coded(struct http_shared *s, enum http_coding *coding);

/* ---- http_reply.c: what a handler's reply becomes on the wire ------------------------- */

#define HTTP_REPLY_HEADERS_MAX 24 /* the handler's 12 and ours */

struct http_shape {
	unsigned status;
	enum http_coding coding;
	struct http_param headers[HTTP_REPLY_HEADERS_MAX];
	size_t headers_count;
	struct slice body; /* of the reply, of shared bytes, or of `packed` */
	struct buf packed; /* the caller's to free */
	bool streams;
};

/* Settle 304, content coding and headers. ERR_NOMEM. */
enum err_kind http_reply_shape(const struct http_request *q, const struct http_facts *facts,
	const struct http_reply *reply, bool close, struct http_shape *ret_shape,
	struct err *e) MUST_USE;

/* A streamed reply under way. */
struct http_stream {
	enum err_kind (*next)(void *state, struct buf *out, bool *ret_more, struct err *e);
	void (*state_free)(void *state);
	void *state;
	struct http_encoder *encoder; /* NULL: as it is */
	struct buf plain, ready;      /* from the handler; packed */
	size_t ready_taken;
	bool ended;
};

enum err_kind http_stream_begin(struct http_stream *s, const struct http_reply *reply,
	enum http_coding coding, struct err *e) MUST_USE;
/* Up to `bytes`; *ret_len 0 is the end. */
enum err_kind http_stream_read(
	struct http_stream *s, char *to, size_t bytes, size_t *ret_len, struct err *e) MUST_USE;
void http_stream_end(struct http_stream *s);

/* ---- http_events.c: replies that sleep, and what they say -------------------------------- */

/* A connection that can sleep. All are called with the events' lock held. */
struct http_bed {
	void (*sleep)(void *connection);
	void (*wake)(void *connection);
	bool (*closing)(void *connection); /* no more streams: the server stops */
	void *connection;
};

enum http_said {
	HTTP_SAID_BYTES,
	HTTP_SAID_NOTHING, /* the connection was put to sleep */
	HTTP_SAID_END
};

void http_events_attach(struct http_events *ev, const struct http_bed *bed);
/* The connection is no more: tells the source, the first time. */
void http_events_detach(struct http_events *ev);
/* By the serving thread: up to `bytes` of what is said. */
enum http_said http_events_read(struct http_events *ev, char *to, size_t bytes, size_t *ret_len);
/* A comment is due, when there is nothing else to say. */
void http_events_beat(struct http_events *ev);

/* Reading (section 9.2.6), piece by piece as it comes. */
#define HTTP_EVENT_MAX    KIB(64) /* bytes of one event, and of one line */
#define HTTP_EVENT_ID_MAX 128

struct http_event_parser {
	struct buf line, type, data, id;
	bool returned; /* the last byte was CR */
	bool first;    /* no line has ended yet */
};
typedef void http_hear(void *context, const struct http_event *event);

void http_event_parser_init(struct http_event_parser *p);
void http_event_parser_fini(struct http_event_parser *p);
/* hear: for each whole event, which is borrowed for the call. ERR_LIMIT past the limits; then the
 * parser is of no more use. */
enum err_kind http_event_parse(struct http_event_parser *p, struct slice bytes, http_hear *hear,
	void *context, struct err *e) MUST_USE;

/* ---- http_body.c: what a client sends ------------------------------------------------- */

struct http_body {
	struct buf memory;
	int fd; /* -1 while in memory */
	uint64_t bytes;
	uint64_t bytes_max;
	const char *folder;
};

void http_body_init(struct http_body *b, uint64_t bytes_max, const char *folder);
void http_body_fini(struct http_body *b);
/* Space for what was announced, or a file at once when that is long. */
enum err_kind http_body_expect(struct http_body *b, uint64_t bytes, struct err *e) MUST_USE;
/* ERR_LIMIT past bytes_max. */
enum err_kind http_body_take(struct http_body *b, struct slice bytes, struct err *e) MUST_USE;
/* No more comes: rewinds the file. */
enum err_kind http_body_end(struct http_body *b, struct err *e) MUST_USE;

/* ---- http_tls.c ----------------------------------------------------------------------- */

/* TLS 1.2 with ECDHE and AEAD, and 1.3: none of the suites of RFC 7540 appendix A. */
extern const char http_tls_priorities[];

/* Certificate and key as read once. Connections keep theirs over a reload. */
struct http_tls {
	atomic_uint owners;
	struct gnutls_certificate_credentials_st *credentials;
};

enum err_kind http_tls_load(const char *certificate_file, const char *key_file,
	struct http_tls **ret_tls, struct err *e) MUST_USE;
struct http_tls *http_tls_keep(struct http_tls *tls);
void http_tls_drop(struct http_tls *tls); /* accepts NULL */
/* The client's certificate, once the handshake is done: its key's pin. False: it sent none, or one
 * whose dates do not hold now. The handshake has proven that the client has the key. */
bool http_tls_peer_pin(
	struct gnutls_session_int *session, int64_t now_us, uint8_t ret_pin[SHA256_LEN]);

/* ---- http_watch.c: deadlines of open connections, and sockets that linger ------------- */

/*
 * The library's timeout counts inactivity only, so a head dripped byte by byte lives for ever. Each
 * connection has a phase and an absolute deadline; whoever passes it has its socket shut down.
 */
enum http_phase {
	HTTP_PHASE_HEAD, /* from accept, or the first byte of a later request, to the end of the
			    head */
	HTTP_PHASE_BODY,
	HTTP_PHASE_RUN,   /* a handler works: no deadline */
	HTTP_PHASE_REPLY, /* the deadline moves as long as the client takes what it is sent */
	HTTP_PHASE_IDLE,  /* kept alive; bytes that come begin a head */
	HTTP_PHASE_EVENTS /* a stream of events; the deadline is when a comment is due */
};

struct http_watched {
	struct http_watched *prev, *next;
	int fd;
	_Atomic int64_t word; /* deadline in microseconds, times 8, plus the phase */
	uint64_t bytes;       /* the watch's own: received or acknowledged when it last looked */
	int64_t bytes_word;   /* the word at that time */
	bool ended;           /* the client had closed its side by then */
	/* Under the watch's lock. */
	bool stranger; /* it takes one of their places: not known yet, and not cut */
	uint64_t who;  /* of the known: a digest of the account's name; else 0 */
};

struct http_watch;
struct http_watch_config {
	const struct world *world;
	unsigned head_seconds, reply_seconds;
	size_t reply_least;
	/* A connection with a stream of events: a comment is due, or (over) its socket was shut
	 * down, or is to be: it may sleep, and must see. Called with the list's lock held. */
	void (*ring)(struct http_watched *c, bool over);
};

enum err_kind http_watch_new(const struct http_watch_config *config, struct http_watch **ret_watch,
	struct err *e) MUST_USE;
/* Ends the thread; the sockets that linger are closed. */
void http_watch_free(struct http_watch *w);
void http_watch_add(struct http_watch *w, struct http_watched *c, int fd, int64_t deadline_us);
void http_watch_remove(struct http_watch *w, struct http_watched *c);
static inline void http_watch_set(
	struct http_watched *c, enum http_phase phase, int64_t deadline_us)
{
	atomic_store_explicit(&c->word, deadline_us * 8 + (int64_t)phase, memory_order_release);
}
static inline enum http_phase http_watch_phase(const struct http_watched *c)
{
	return (enum http_phase)(atomic_load_explicit(&c->word, memory_order_acquire) & 7);
}
/* So many places for strangers; UINT_MAX at first. */
void http_watch_places(struct http_watch *w, unsigned strangers_max);
/* Whose connection it is: its place is one of those kept for the known, if they have not too many.
 */
void http_watch_known(struct http_watch *w, struct http_watched *c, struct slice account);
void http_watch_sweep(struct http_watch *w);
/* All streams of events are over. */
void http_watch_end_events(struct http_watch *w);
uint64_t http_watch_hits(const struct http_watch *w);
/* Keep a closing socket until its client has sent what it was sending: closing with unread bytes
 * would reset the connection, and the client might never read why it was refused. */
void http_watch_linger(struct http_watch *w, int fd);

#define HTTP_LINGER_MAX     64 /* sockets at once; past it they are closed as they are */
#define HTTP_LINGER_SECONDS 5

/* ---- http_listen.c -------------------------------------------------------------------- */

/* A listening socket on "address:port", "[address]:port" or ":port" (loopback); numbers only, and
 * the name localhost. ERR_BUSY: somebody has that port. */
enum err_kind http_listen(const char *where, int *ret_fd, unsigned *ret_port, bool *ret_loopback,
	struct err *e) MUST_USE;

/* The same of a socket that listens. ERR_USAGE: it is none. */
enum err_kind http_listen_look(
	int fd, unsigned *ret_port, bool *ret_loopback, struct err *e) MUST_USE;

struct sockaddr;
#define HTTP_PEER_MAX 46 /* bytes of an address as text, with NUL (INET6_ADDRSTRLEN) */
/* The client's address as text, and what its failures are counted under: the address, or for IPv6
 * the first 64 bits of it, as anybody has 2^64 of the rest. Returns the length of ret_bucket. */
size_t http_peer_name(
	const struct sockaddr *address, char ret_text[HTTP_PEER_MAX], uint8_t ret_bucket[8]);

/* How many connections there are file descriptors for, between `least` and `most`. */
unsigned http_connections_fit(unsigned most, unsigned least, const struct log *log);

/* ---- http_metrics.c ------------------------------------------------------------------- */

#define HTTP_BUCKETS 14 /* bounds of the latency histogram, without +Inf */

struct http_route_counts {
	const char *says;
	size_t first; /* the row that counts for all of this name */
	atomic_uint_fast64_t buckets[HTTP_BUCKETS + 1];
	atomic_uint_fast64_t sum_us;
};

struct http_counts {
	atomic_uint_fast64_t connections_open, connections_total, requests_total;
	atomic_uint_fast64_t by_status[6];
	atomic_uint_fast64_t bytes_in, bytes_out, refused_malformed;
	struct http_route_counts *routes; /* one more than routes_count: for what has no route */
	size_t routes_count;
};

enum err_kind http_counts_init(struct http_counts *c, const struct http_route *routes, size_t count,
	struct err *e) MUST_USE;
void http_counts_fini(struct http_counts *c);
static inline void http_count(atomic_uint_fast64_t *counter, uint64_t by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}
void http_counts_latency(struct http_counts *c, size_t route, int64_t us);
void http_counts_text(const struct http_counts *c, const struct http_metrics *m, struct buf *out);

/* ---- http_exchange.c: one request and its reply, without the library ------------------ */

/* What all connections of a server share. */
struct http_site {
	struct http_server_config config; /* world set, defaults filled in */
	struct http_table *table;
	struct http_auth *auth;
	struct http_counts counts;
};

struct http_peer {
	char text[HTTP_PEER_MAX];
	uint8_t bucket[8]; /* what its failures are counted under */
	size_t bucket_len;
	bool tls, tls_1_3, has_pin;
	uint8_t pin[SHA256_LEN];
};

struct http_exchange {
	struct http_site *site;
	const struct http_peer *peer;
	struct arena *arena; /* kept from request to request while small */
	struct http_request q;
	struct http_facts facts;
	struct slice target;   /* a copy: the library overwrites its own */
	const char *target_at; /* where it lay */
	struct http_match match;
	struct http_login *login;
	struct http_body body;
	unsigned refusal; /* status to refuse with; 0: none */
	const char *why;
	unsigned retry_seconds;
	bool has_body;
	bool open; /* between begin and end */
	int64_t begun_us;
	unsigned status; /* sent; 0: none yet */
	uint64_t sent;   /* bytes of its body */
};

/* The request line is there. False: no memory for it. */
bool http_exchange_begin(struct http_exchange *x, const char *target, int64_t now_us) MUST_USE;
/* The head is there: judge it, find its route, and who asks. What is wrong is kept in `refusal`. */
void http_exchange_head(struct http_exchange *x, const struct http_head *head);

enum http_next {
	HTTP_NEXT_ANSWER,  /* there is no body */
	HTTP_NEXT_TAKE,    /* take the body */
	HTTP_NEXT_DISCARD, /* refused, but read the short body first: the connection lives on */
	HTTP_NEXT_REFUSE   /* answer now, and close */
};
enum http_next http_exchange_next(struct http_exchange *x);
/* A piece of the body. False: refuse in the middle of it (http_exchange_break). */
bool http_exchange_body(struct http_exchange *x, struct slice bytes) MUST_USE;
/* Ask the handler, or make the refusal. Always a reply. */
void http_exchange_answer(struct http_exchange *x, struct http_reply *ret_reply);
/* A whole refusal as bytes, for when the library takes no reply. */
void http_exchange_break(struct http_exchange *x, struct buf *out);
/* The reply is out, or never will be: give everything back. */
void http_exchange_end(struct http_exchange *x, int64_t now_us);

#endif
