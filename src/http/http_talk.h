/* SPDX-License-Identifier: MPL-2.0 */
/* For tests: a client that says byte for byte what it is told to, and a server to say it to. */
#ifndef HTTP_TALK_H
#define HTTP_TALK_H

#include "http_fake.h"

#define TALK_PASSWORD "correct horse battery"

/* ---- a client ------------------------------------------------------------------------- */

struct talk {
	int fd;
	struct gnutls_session_int *session; /* NULL: plain */
	struct gnutls_certificate_credentials_st *credentials;
	struct buf in; /* received, not yet read */
};

struct reply {
	unsigned status;
	struct buf headers; /* lines, with the status line */
	struct buf body;    /* without the chunks' frames */
	bool whole;         /* not cut off */
};

/* All of these fail the test when they cannot. A wait of ten seconds is a failure, too. */
void talk_open(struct talk *t, unsigned port);
void talk_open_from(struct talk *t, unsigned port, uint32_t address); /* 127.x.y.z */
/* Over TLS; priorities NULL: GnuTLS's normal ones. False: the handshake failed. */
bool talk_open_tls(struct talk *t, unsigned port, const char *certificate_file,
	const char *key_file, const char *priorities);
/* Keep what is needed to come back without a full handshake, and come back. */
void talk_ticket(struct talk *t, struct buf *ret_ticket);
bool talk_resume_tls(
	struct talk *t, unsigned port, const struct buf *ticket, const char *priorities);
bool talk_resumed(const struct talk *t);
/* SHA-256 of the server's key. */
void talk_peer_pin(const struct talk *t, uint8_t ret_pin[SHA256_LEN]);
uint64_t talk_received(const struct talk *t); /* bytes that came from the network so far */
void talk_close(struct talk *t);
void talk_send(
	struct talk *t, struct slice bytes); /* what the other side no longer takes is lost */
/* Something to read, or the end, within a moment. */
bool talk_readable(const struct talk *t);
/* The next reply; status 0: the connection ended before one. */
void talk_reply(struct talk *t, bool is_head, struct reply *ret_reply);
/* The other side has ended the connection, with nothing left to read. */
bool talk_ended(struct talk *t);
void reply_fini(struct reply *r);
struct slice reply_header(const struct reply *r, const char *name);

/* ---- a server ------------------------------------------------------------------------- */

struct site {
	struct fake fake;
	struct http_server_config config;
	struct http_server *server;
	unsigned port;
	char folder[64]; /* for files of the test; removed at the end */
	char certificate[128], key[128];
	char token[64];
	struct http_shared *page;
	atomic_int handled; /* calls of handlers */
	atomic_int freed;   /* streams ended */
	atomic_bool hold;   /* GET /hold/ waits while this is set */
	atomic_bool in_hold;
	struct log log;
};

/* Accounts: ana with TALK_PASSWORD, bot with `token`, root (administrator) with TALK_PASSWORD. */
void site_init(struct site *s);
void site_start(struct site *s); /* with s->config as it stands */
void site_fini(struct site *s);
/* A certificate made for the test, and its key, in s->folder. */
void site_certificate(
	struct site *s, const char *name, char ret_certificate[128], char ret_key[128]);

/* Fixtures of cmocka: a site that runs, plain or over TLS with client certificates asked for; and
 * the same before it starts. */
int site_set_up(void **state);
int site_set_up_only(void **state);
int site_set_up_tls(void **state);
int site_set_up_tls_only(void **state);
int site_tear_down(void **state);

/* ---- shorthand ------------------------------------------------------------------------ */

#define HOST " HTTP/1.1\r\nHost: here\r\n"

/* Send a request and read its reply. */
void talk_ask(struct talk *t, struct reply *r, const char *format, ...) PRINTF(3, 4);
bool reply_has(const struct reply *r, const char *text);
/* So many times the letter b; and what /echo/ says of such a body, with NUL. */
void talk_send_body(struct talk *t, size_t bytes);
void body_line(struct buf *out, size_t bytes, const char *where);
const char *basic_header(const char *name, const char *password); /* good until the next call */
void unpack(struct slice packed, struct buf *out);                /* gzip or zstd */

#endif
