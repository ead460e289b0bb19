/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Between the decoders of app*.c: what each keeps for one connection, and the door of each. All of
 * them are fed in pieces of any size and tell the same whatever the pieces are.
 */
#ifndef APP_PARTS_H
#define APP_PARTS_H

#include "app.h"

/* Large buffers that are written before they are read: clearing them would cost more than the
 * work. */
#define UNCLEARED __attribute__((uninitialized))

/* ---- lines (HTTP, SMTP) --------------------------------------------------------------------- */

#define APP_LINE_MAX KIB(4) /* bytes; RFC 5321 allows 1000, RFC 2822 too. Longer ones are cut */

struct app_lines {
	struct buf part; /* a line whose end has not come */
	bool cut;        /* the rest up to its end is left out */
};

/* The next line without its end, in *bytes or in `part` until the next call. False: none is whole
 * yet, and what there was is kept. */
bool app_line_next(struct app_lines *l, struct slice *bytes, struct slice *ret_line);
void app_lines_fini(struct app_lines *l);

/* ---- text ----------------------------------------------------------------------------------- */

void app_text(struct packet_out *out, enum event_role role, struct slice text);
/* Lower-case hexadecimal of `len` bytes. */
void app_hex(const uint8_t *bytes, size_t len, char *ret_text);
/* The mail addresses in a header's value or an SMTP path, at most `most`; each to `told`. */
#define APP_MAILBOX_MAX 320 /* RFC 5321 4.5.3.1: 64 + 1 + 255 */
void app_mailboxes(struct slice value, unsigned most,
	void (*told)(void *context, struct slice address), void *context);

/* ---- DNS ------------------------------------------------------------------------------------ */

struct app_dns_stream {
	struct buf part[2]; /* length and what came of the message */
	bool lost[2];
};

/* ---- HTTP ----------------------------------------------------------------------------------- */

#define HTTP_HEAD_MAX   KIB(64) /* bytes of a request or response up to its empty line */
#define HTTP_AWAITED    16      /* requests without a response that are remembered */
#define HTTP_NAME_MAX   255     /* bytes of a file name: what file systems take */
#define HTTP_MIME_MAX   127     /* bytes: RFC 6838 4.2 */
#define HTTP_TARGET_MAX KIB(8)  /* bytes of a joined URL; RFC 9110 4.1 wants 8000 */

enum app_http_state {
	HTTP_HEAD,
	HTTP_LENGTH,     /* a body with a length */
	HTTP_CLOSE,      /* a body until the end of the connection */
	HTTP_CHUNK_SIZE, /* digits of a chunk's size */
	HTTP_CHUNK_REST, /* extensions until the line's end */
	HTTP_CHUNK,
	HTTP_CHUNK_END, /* the line's end behind a chunk */
	HTTP_TRAILER,
	HTTP_LOST, /* bytes are missing: waits for a piece that starts with a start line */
	HTTP_DONE  /* not HTTP (any more) */
};

struct app_body; /* digests at work, and what the body is called */

struct app_http_side {
	uint8_t state;  /* enum app_http_state */
	uint8_t digits; /* of a chunk's size so far */
	uint16_t resyncs;
	uint32_t searched; /* bytes of `head` in which the empty line is not */
	uint32_t line;     /* bytes of a chunk's extension, or of trailers */
	bool line_empty;   /* in a trailer: nothing but CR since the last line's end */
	uint64_t left;     /* of a body or chunk */
	struct buf head;
	struct app_body *body;
};

struct app_http_request {
	char *name; /* last segment of the path, heap; or NULL */
	bool head, connect;
};

struct app_http_stream {
	struct app_http_side sides[2];
	struct app_http_request awaited[HTTP_AWAITED];
	uint8_t first, count;
	bool unpaired; /* too many at once: which response is whose is not known */
};

/* ---- TLS ------------------------------------------------------------------------------------ */

#define TLS_HANDSHAKE_MAX                                                                          \
	KIB(128)              /* bytes of a message that is put together; chains have 2 to 20 */
#define TLS_MESSAGES_MAX 64   /* per direction before the keys change; real ones have 2 to 6 */
#define TLS_RECORDS_MAX  4096 /* per direction before the keys change */

struct app_tls_side {
	uint8_t head[5];
	uint8_t head_len;
	uint8_t type;
	bool done;
	uint16_t messages, records;
	uint32_t left;   /* of the record */
	uint32_t skip;   /* of a handshake message nobody reads */
	struct buf part; /* a handshake message */
};

struct app_tls_stream {
	struct app_tls_side sides[2];
	bool retry; /* the server asked for another hello: a change of keys in between is none */
	bool certificate_wanted; /* the server asked the client for one */
};

enum tls_next { TLS_GO_ON, TLS_SIDE_DONE, TLS_ALL_DONE };

/* app_hello.c. Bodies of handshake messages. */
void app_client_hello(struct slice body, struct packet_out *out);
/* What it means for what follows. */
struct app_server_hello {
	bool retry;
	bool encrypted; /* TLS 1.3: everything after it is */
};
bool app_server_hello(
	struct slice body, struct packet_out *out, struct app_server_hello *ret_hello);

/* app_certificate.c */
#define CERTIFICATES_MAX      16  /* of one chain; real ones have up to 5 */
#define CERTIFICATE_NAMES_MAX 512 /* of one certificate; authorities stop at 100 to 250 */
/* Body of a Certificate message up to TLS 1.2 (RFC 5246 7.4.2). False: malformed. */
bool app_certificates(struct slice body, struct packet_out *out);
/* Digests and names of one certificate (DER), as fields of the record that was begun. */
bool app_certificate(struct slice der, struct packet_out *out);

/* ---- SMTP ----------------------------------------------------------------------------------- */

#define SMTP_ENVELOPE_MAX                                                                          \
	KIB(8)                   /* bytes of addresses kept of one mail; past it a record is told  \
				  */
#define SMTP_HEADERS_MAX KIB(64) /* bytes of a mail's own headers that are read */

enum app_smtp_mode { SMTP_COMMANDS, SMTP_DATA_ASKED, SMTP_HEADERS, SMTP_BODY };

struct app_smtp_stream {
	struct app_lines lines[2];
	struct buf envelope;            /* role, length (2), bytes; again and again */
	uint8_t mode;                   /* of the client: enum app_smtp_mode */
	uint8_t header;                 /* role of the header that goes on in the next line */
	bool starttls, greeted, binary; /* binary: BDAT, counted by chunk */
	uint16_t reply;                 /* code of the server's last reply */
	uint32_t headers;               /* bytes of headers read */
	uint64_t chunk;                 /* of BDAT, still to come */
};

/* ---- one connection ------------------------------------------------------------------------- */

struct app_stream {
	uint8_t protocol; /* enum app_protocol */
	bool finished;
	union {
		struct app_dns_stream dns;
		struct app_http_stream http;
		struct app_tls_stream tls;
		struct app_smtp_stream smtp;
	};
};

struct app_decoder {
	bool (*feed)(struct app_stream *s, unsigned direction, struct slice bytes,
		struct packet_out *out);
	void (*gap)(struct app_stream *s, unsigned direction, uint64_t bytes);
	void (*end)(struct app_stream *s, unsigned direction, struct packet_out *out); /* or NULL */
	size_t (*bytes)(const struct app_stream *s);
	void (*fini)(struct app_stream *s);
};

extern const struct app_decoder app_dns_decoder, app_http_decoder, app_tls_decoder,
	app_smtp_decoder;

/* What follows is TLS (CONNECT, STARTTLS): the stream becomes one and is fed `bytes`. */
bool app_stream_turn(
	struct app_stream *s, unsigned direction, struct slice bytes, struct packet_out *out);

/* Could these be the first bytes? UNDECIDED: as far as they go. */
enum app_protocol app_dns_guess(struct slice head);
enum app_protocol app_http_guess(struct slice from_opener, struct slice from_other);

#endif
