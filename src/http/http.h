/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One wrapper over the HTTP libraries: a server whose routes are a table, with TLS, authentication,
 * limits and deadlines, and a client that is as careful. Does not know what it serves.
 */
#ifndef HTTP_H
#define HTTP_H

#include "base/base.h"
#include "store/store.h"

/* ---- limits --------------------------------------------------------------------------- */

#define HTTP_HEAD_MAX        KIB(8)   /* bytes of request line and headers: 431 past it */
#define HTTP_HEADERS_MAX     64       /* header lines in one request: 431 past it */
#define HTTP_PARAMS_MAX      64       /* query fields in one request: 400 past it */
#define HTTP_SEGMENTS_MAX    16       /* parts of a path between slashes: 404 past it */
#define HTTP_BODY_MEMORY     KIB(256) /* a longer body goes to an unlinked file in the spool folder */
#define HTTP_CONNECTIONS_MAX 1024     /* default; settable */
#define HTTP_PER_ADDRESS_MAX 256      /* connections from one address; default; settable */
/* A quarter of the places is for those who have shown who they are, so many for one account. Of the
 * rest whoever comes when all are taken costs the oldest its place: filling them keeps nobody out.
 */
#define HTTP_KNOWN_PART     4
#define HTTP_KNOWN_MAX      32
#define HTTP_HEAD_SECONDS   10      /* from the first byte of a request to the end of its head */
#define HTTP_BODY_SECONDS   300     /* for the whole body */
#define HTTP_IDLE_SECONDS   60      /* keep-alive */
#define HTTP_COMPRESS_LEAST KIB(1)  /* shorter bodies are sent as they are */
#define HTTP_ARENA_MAX      MIB(32) /* what one request may keep in its arena */
/* A reply that the client takes more slowly than this is cut: bytes in a window of seconds. */
#define HTTP_REPLY_SECONDS 30
#define HTTP_REPLY_LEAST   KIB(30)
/* A refused body this short is read and thrown away, so that the connection lives on; a longer one
 * costs the client its connection. */
#define HTTP_DISCARD_MAX KIB(64)

enum http_method {
	HTTP_GET = 1,
	HTTP_HEAD = 2,
	HTTP_POST = 4,
	HTTP_PUT = 8,
	HTTP_DELETE = 16,
	HTTP_OTHER = 32
};

/* ---- requests and replies ------------------------------------------------------------- */

struct http_param {
	struct slice name, value; /* percent-decoded, valid UTF-8 */
};

struct http_request {
	enum http_method method;
	struct slice path;               /* decoded; without the query */
	const struct http_param *params; /* of the query, in order, duplicates kept */
	size_t params_count;
	const struct slice *parts; /* what the route's {…} matched, in order */
	size_t parts_count;
	struct slice body; /* whole, when in memory */
	int body_fd;       /* else a file to read from its start; -1 */
	uint64_t body_bytes;
	const struct store_account *account; /* NULL: not authenticated */
	bool client_certificate;             /* its pin was that of the account */
	struct slice peer;                   /* "127.0.0.1" */
	struct slice host;                   /* Host header */
	bool tls, tls_1_3;
	struct arena *arena;              /* dies with the request */
	void *connection;                 /* the server's own */
	const struct http_param *headers; /* as they came, in order */
	size_t headers_count;
};

/* A header's value, any case of name; empty when absent; the first of several. Borrowed. */
struct slice http_request_header(const struct http_request *q, const char *name);
/* If-None-Match names this tag (weak comparison, RFC 9110 section 13.1.2). A handler may ask before
 * it makes a body; a reply with such an etag becomes 304 in any case. */
bool http_request_has_etag(const struct http_request *q, struct slice etag);

/* Bytes shared by several replies (a page kept in a cache): freed when the last lets go. */
struct http_shared;
struct http_shared *http_shared_new(struct buf *take) MUST_USE; /* empties *take */
struct http_shared *http_shared_keep(struct http_shared *s);    /* one more owner */
void http_shared_drop(struct http_shared *s);
struct slice http_shared_bytes(const struct http_shared *s);

/*
 * Server-sent events (HTML Living Standard, section 9.2): a reply without an end. While there is
 * nothing to say its connection sleeps, which costs no thread; whoever has news rings. Nothing is
 * queued: `say` is asked for what is worth saying now, and not again before the client's socket has
 * taken that; so one that reads slowly hears of the newest state alone, and holds nobody up. After
 * HTTP_EVENTS_SECONDS of silence a comment line goes out, so that each side sees when the other is
 * gone; a client that has taken nothing of what was sent for as long is cut.
 */
#define HTTP_EVENTS_SECONDS 15      /* well below the 30 to 60 after which things in between cut */
#define HTTP_EVENTS_SAY_MAX KIB(64) /* bytes of one call of `say`; more ends the stream */

struct http_events;
struct http_events_source {
	/* Append what there is to say now, in whole events; nothing: all was said. By a serving
	 * thread, never twice at once, never after `ended`. */
	void (*say)(void *state, struct buf *out);
	void (*ended)(void *state); /* the connection is gone, or never was; called once */
	void *state;
};
struct http_events *http_events_new(const struct http_events_source *source) MUST_USE;
struct http_events *http_events_keep(struct http_events *ev); /* one more owner */
void http_events_drop(struct http_events *ev);                /* accepts NULL */
/* There may be something to say. Any thread, any time; waits for nobody. */
void http_events_ring(struct http_events *ev);
void http_events_end(struct http_events *ev); /* as soon as the client took what was said */

struct http_reply {
	unsigned status;
	const char *content_type;
	struct http_param headers[12]; /* name and value; in the arena, or literal */
	size_t headers_count;
	struct slice etag; /* quoted, weak or strong; compared with If-None-Match: 304 by itself */
	/* One of: */
	struct slice body;          /* copied by the server */
	struct http_shared *shared; /* the reply takes over one ownership */
	/* Streamed in constant memory, called until *ret_more is false; its state is freed at the
	 * end whatever happens. Chunked on the wire. */
	enum err_kind (*stream)(void *state, struct buf *out, bool *ret_more, struct err *e);
	void (*stream_free)(void *state);
	void *stream_state;
	/* The reply takes over one ownership; its type is text/event-stream, and the connection
	 * ends with it. */
	struct http_events *events;
	bool close; /* end the connection after it */
};

void http_reply_header(struct http_reply *reply, const char *name, struct slice value);

/* ---- routes --------------------------------------------------------------------------- */

enum http_access {
	HTTP_OPEN,    /* anybody */
	HTTP_MAYBE,   /* the handler decides: request.account may be NULL */
	HTTP_ACCOUNT, /* 401 without an account */
	HTTP_ADMIN    /* 403 for other roles */
};

struct http_route {
	unsigned methods; /* bits; HEAD is answered wherever GET is */
	const char *
		pattern; /* "/{root}/collections/{id}/objects/"; a missing last slash is accepted */
	enum http_access access;
	size_t body_max; /* bytes; more is 413, before it is read when Content-Length says so */
	void (*handle)(void *context, const struct http_request *q, struct http_reply *reply);
	const char *says; /* for docs and metrics: "taxii_objects" */
	void *context; /* for the handler, when not the server's: NULL is http_server_config.context
			*/
};

/* Where accounts are looked up; results live in `a`. Called from several threads at once. */
struct http_accounts {
	enum err_kind (*by_name)(void *context, struct slice name, struct arena *a,
		struct store_account *ret_account, bool *ret_found, struct err *e);
	enum err_kind (*by_token)(void *context, const uint8_t token[SHA256_LEN], struct arena *a,
		struct store_account *ret_account, bool *ret_found, struct err *e);
	enum err_kind (*by_pin)(void *context, const uint8_t pin[SHA256_LEN], struct arena *a,
		struct store_account *ret_account, bool *ret_found, struct err *e);
	uint64_t (*epoch)(void *context); /* grows with every change: what was looked up is void */
	void *context;
};

/* A socket that listens there, for a server in another process; never 0, 1 or 2. ERR_USAGE: not
 * address:port; ERR_BUSY: somebody has that port. */
enum err_kind http_listen_open(const char *where, int *ret_fd, struct err *e) MUST_USE;
/* Ports of the loopback for servers that stop and start again: nobody has them now, and the system
 * gives them to no connection that leaves (ip_local_port_range). ERR_FULL: not so many are free. */
enum err_kind http_ports_find(
	const struct world *world, unsigned *ret_ports, size_t count, struct err *e) MUST_USE;

/* What this points to must stay until http_server_stop. */
struct http_server_config {
	const char *listen; /* "127.0.0.1:6443", "[::]:6443"; port 0: any free one */
	int listen_fd; /* not 0: of http_listen_open, taken over whatever comes; `listen` is its
			  name */
	/* PEM; both NULL: plain HTTP, on loopback addresses only */
	const char *certificate_file, *key_file;
	bool ask_client_certificate;
	/* 0: one per processor, at least 4 so that a handler in a commit does not stop the others,
	 * at most 8 */
	unsigned threads;
	unsigned connections_max, per_address_max;
	unsigned head_seconds, body_seconds, idle_seconds; /* 0: the defaults above */
	const char *spool_folder;                          /* NULL: /tmp */
	const struct http_route *routes;
	size_t routes_count;
	void *context;                        /* for the handlers */
	struct store *store;                  /* accounts */
	const struct http_accounts *accounts; /* NULL: those of `store`; else instead of them */
	const struct world *world;
	const struct log *log;
	bool access_log; /* a line per request at INFO; else at DEBUG. Paths only, never queries. */
	/* Writes the body of an error the server itself finds (400 401 403 404 405 413 429 431 500
	 * 503), so that TAXII clients get TAXII errors. NULL: plain text. */
	void (*error)(void *context, const struct http_request *q, unsigned status, const char *why,
		struct http_reply *reply);
};

struct http_server;
enum err_kind http_server_start(const struct http_server_config *config,
	struct http_server **ret_server, struct err *e) MUST_USE;
unsigned http_server_port(const struct http_server *s);
/* Read certificate and key again; connections that are open keep theirs. */
enum err_kind http_server_reload(struct http_server *s, struct err *e) MUST_USE;
/* No new connections, let running requests end (at most `seconds`), then close. */
void http_server_stop(struct http_server *s, unsigned seconds);
/* Close sockets past their deadline. A thread of the server does so every second, but not under a
 * virtual clock: there the test calls it. */
void http_server_sweep(struct http_server *s);

struct http_metrics {
	uint64_t connections_open, connections_total, requests_total;
	uint64_t by_status[6]; /* 1xx..5xx at [1]..[5] */
	uint64_t bytes_in, bytes_out;
	uint64_t authentication_failures, deadlines_hit, refused_malformed;
};
struct http_metrics http_server_metrics(const struct http_server *s);
/* Prometheus text: counters above and a latency histogram per route. */
void http_server_metrics_text(const struct http_server *s, struct buf *out);

/* ---- authentication ------------------------------------------------------------------- */

/*
 * Basic (Argon2id through libsodium; a verified pair is remembered for minutes under a keyed hash
 * so that not every request costs 20 MiB), Bearer (256-bit tokens, stored as SHA-256), client
 * certificate by pinned key. Failures per address and per account back off: 429 with Retry-After.
 */
#define HTTP_PASSWORD_MIN  12      /* characters */
#define HTTP_PASSWORD_MAX  1024    /* bytes */
#define HTTP_ARGON_MEMORY  MIB(19) /* OWASP's least for Argon2id at 2 passes */
#define HTTP_ARGON_PASSES  2
#define HTTP_TRUST_SECONDS 300 /* a verified password is remembered this long */

enum err_kind http_password_hash(
	struct slice password, struct arena *a, struct slice *ret_hash, struct err *e) MUST_USE;
/* A new token: its text for the user, once, and the hash to store (SHA-256 of the text). */
void http_token_new(const struct world *w, char ret_text[64], uint8_t ret_hash[SHA256_LEN]);
/* SHA-256 of the SubjectPublicKeyInfo of the first certificate of a PEM file. */
enum err_kind http_certificate_pin(
	const char *file, uint8_t ret_pin[SHA256_LEN], struct err *e) MUST_USE;
/* A self-signed P-256 certificate for first use, good for ten years. `name`: host names and
 * addresses, separated by commas; localhost and the loopback addresses are added. Files 0600.
 * ERR_CONFLICT when one of them is already there. */
enum err_kind http_certificate_make(const struct world *w, const char *name,
	const char *certificate_file, const char *key_file, struct err *e) MUST_USE;

/* ---- client --------------------------------------------------------------------------- */

/*
 * https only (http to loopback addresses), TLS 1.2 and up, no redirects to other hosts, limits on
 * size and time, keep-alive between requests of one client.
 */
struct http_client_config {
	const char *ca_file; /* NULL: the system's */
	/* "sha256//base64" of the server's key, or NULL. With a ca_file both must hold; without one
	 * the pin alone says who the server is. */
	const char *pin;
	const char *user;                        /* Basic: "name:password"; or NULL */
	const char *token;                       /* Bearer; or NULL */
	const char *certificate_file, *key_file; /* client certificate; or NULL */
	unsigned connect_seconds;                /* 0: 10 */
	unsigned total_seconds;                  /* for one request; 0: 600 */
	unsigned slow_bytes_per_second;          /* give up under this for 30 s; 0: 100 */
	bool insecure; /* do not verify the server: tests and first contact only */
	bool tls_1_3;  /* nothing older: towards servers that are known to be able to */
};

struct http_client;
enum err_kind http_client_new(const struct http_client_config *config,
	struct http_client **ret_client, struct err *e) MUST_USE;
void http_client_free(struct http_client *c);

struct http_answer {
	unsigned status;
	struct slice content_type;
	struct buf body;      /* the client's own; empty when a sink took it */
	struct slice headers; /* raw, "Name: value\r\n" lines */
};
struct http_call {
	enum http_method method;
	const char *url;
	const char *accept, *content_type;
	struct slice body; /* sent as it is */
	const char *etag;  /* If-None-Match */
	size_t body_max;   /* of the answer; ERR_LIMIT past it */
	/* Takes the answer's bytes as they come (after 2xx); NULL: they gather in answer.body. */
	enum err_kind (*sink)(void *context, struct slice bytes, struct err *e);
	void *context;
};
/* ERR_IO: no answer, and *ret_again says whether a retry may help; after anything else it is false.
 * Any HTTP status is OK. The answer is valid until the next call on this client. */
enum err_kind http_client_call(struct http_client *c, const struct http_call *call,
	struct http_answer *ret_answer, bool *ret_again, struct err *e) MUST_USE;
/* A header of the answer, any case; empty when absent. */
struct slice http_answer_header(const struct http_answer *a, const char *name);
/* Retry-After in seconds; 0 when absent or not a number. */
unsigned http_answer_retry_seconds(const struct http_answer *a);

/*
 * The other side of events: one stream of one server, heard by whoever waits for it, which is also
 * how that thread sleeps.
 */
#define HTTP_EAR_SECONDS (3 * HTTP_EVENTS_SECONDS) /* of silence: the stream has ended */

struct http_event {
	struct slice id, type, data; /* borrowed for the call; data: lines, without the last end */
};
struct http_ear;
/* config as for a client; its total_seconds and slow_bytes_per_second do not count. */
enum err_kind http_ear_new(const struct http_client_config *config, const char *url,
	struct http_ear **ret_ear, struct err *e) MUST_USE;
void http_ear_free(struct http_ear *ear); /* accepts NULL */
/* Begin, or begin anew behind the last event heard; all else happens in http_ear_wait. */
enum err_kind http_ear_open(struct http_ear *ear, struct err *e) MUST_USE;
void http_ear_close(struct http_ear *ear);
bool http_ear_is_open(const struct http_ear *ear);
/* The server has answered, and the stream goes on. */
bool http_ear_is_live(const struct http_ear *ear);
/*
 * Wait until events came (hear was called for each), the stream began to live, somebody woke us, or
 * wait_ms have passed; without an open stream it only waits. ERR_IO, ERR_DENIED (the server answers
 * with something else), ERR_LIMIT (an event past the limit): the stream is not open any more.
 */
enum err_kind http_ear_wait(struct http_ear *ear, unsigned wait_ms,
	void (*hear)(void *context, const struct http_event *event), void *context,
	struct err *e) MUST_USE;
/* Any thread; a call before the wait ends that, too. */
void http_ear_wake(struct http_ear *ear);

#endif
