/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The server is an adapter over libmicrohttpd, and the three files that include this know it alone:
 * http_server.c starts and stops it, http_connection.c takes connections and requests from it,
 * http_respond.c gives it replies. The library reads requests and writes replies in its own
 * threads; everything that must be decided is decided by the other files of this folder. What the
 * library does not do is made up for here:
 *
 * 1. it asks for a client certificate but does not look at it: we do, once per connection;
 * 2. it lets doubtful heads through: http_head_check and http_head_is_whole;
 * 3. its timeout counts inactivity only: http_watch has absolute deadlines;
 * 4. memory per connection is bounded (CONNECTION_MEMORY);
 * 5. it ends the reply to a HEAD of unknown length with the last chunk of a body that is not there,
 *    which the client would take for the next reply: such a reply ends the connection;
 * 6. it takes a bare LF for a line end between chunks, too, where we cannot see it: a chunked body
 *    ends the connection, so that nothing behind it can pass for another request.
 *
 * It also answers some malformed heads by itself (no colon, no Host, a Content-Length that is not a
 * number, a head larger than its memory), with a short text of its own, and then closes.
 */
#ifndef HTTP_LIBRARY_H
#define HTTP_LIBRARY_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>

#include "http_parts.h"

struct http_server {
	struct http_site site;
	struct http_accounts accounts;
	struct MHD_Daemon *daemon;
	struct http_watch *watch;
	unsigned port;
	int listen_fd; /* -1 once the library has it */

	pthread_mutex_t tls_lock; /* of `tls`, which a reload replaces */
	struct http_tls *tls;     /* NULL: plain */
	gnutls_datum_t ticket_key;

	atomic_bool draining;
	atomic_uint in_flight;
	pthread_mutex_t flight_lock;
	pthread_cond_t landed;
};

/* One connection, and the request on it. */
struct http_conn {
	struct http_watched watched;
	struct http_server *server;
	struct MHD_Connection *mhd;
	gnutls_session_t session; /* NULL: plain */
	struct http_tls *tls;     /* what the session was begun with */
	struct http_peer peer;
	bool pin_known;
	bool known;     /* somebody has shown who it is */
	bool linger;    /* closing at once would lose the reply */
	bool head_seen; /* of the request under way */
	struct http_exchange x;
	/* What the reply needs until it is out. */
	struct http_shared *shared;
	struct buf packed;
	struct http_stream stream;
	struct http_events *events; /* set once, given back with the connection */
};

static inline int64_t http_seconds_from(int64_t now_us, unsigned seconds)
{
	return now_us + (int64_t)seconds * US_PER_SECOND;
}

/* ---- http_connection.c: what the library calls -------------------------------------------- */

void http_on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
	enum MHD_ConnectionNotificationCode code);
enum MHD_Result http_on_accept(void *context, const struct sockaddr *address, socklen_t len);
/* What the library has to say: errors in what clients sent, mostly. */
void http_on_library_log(void *context, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
/* The request line is there, as it came. */
void *http_on_target(void *context, const char *target, struct MHD_Connection *mhd);
enum MHD_Result http_on_request(void *context, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *bytes, size_t *len, void **request);
void http_on_completed(void *context, struct MHD_Connection *mhd, void **request,
	enum MHD_RequestTerminationCode code);

/* ---- http_respond.c ------------------------------------------------------------------------ */

/* Ask the handler, and give its reply to the library. */
enum MHD_Result http_answer(struct http_conn *c);
/* Refuse in the middle of a body, and have the connection closed. */
enum MHD_Result http_break_off(struct http_conn *c);
/* The watch's: a comment is due, or all is over. */
void http_respond_ring(struct http_watched *watched, bool over);

#endif
