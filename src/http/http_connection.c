/* SPDX-License-Identifier: MPL-2.0 */
/* Connections and the requests on them, as the library tells of them. */
#include <stdlib.h>

#include "http_library.h"

static struct http_conn *conn_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* ---- connections ---------------------------------------------------------------------- */

static void tls_begin(struct http_conn *c)
{
	struct http_server *s = c->server;

	pthread_mutex_lock(&s->tls_lock);
	c->tls = http_tls_keep(s->tls);
	pthread_mutex_unlock(&s->tls_lock);
	/* In place of the library's own, which could not be replaced while running. */
	gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->tls->credentials);
	if (s->site.config.ask_client_certificate)
		gnutls_certificate_server_set_request(c->session, GNUTLS_CERT_REQUEST);
	/* Clients that come back need no full handshake. Early data stays off (TAXII forbids it).
	 */
	gnutls_session_ticket_enable_server(c->session, &s->ticket_key);
}

static struct http_conn *conn_open(struct http_server *s, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info;
	struct http_conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->server = s;
	c->mhd = mhd;
	c->x.site = &s->site;
	c->x.peer = &c->peer;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info != NULL && info->client_addr != NULL)
		c->peer.bucket_len =
			http_peer_name(info->client_addr, c->peer.text, c->peer.bucket);
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (info != NULL && info->tls_session != NULL) {
		c->session = info->tls_session;
		c->peer.tls = true;
		tls_begin(c);
	}
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	http_watch_add(s->watch, &c->watched, info->connect_fd,
		http_seconds_from(
			world_monotonic(s->site.config.world), s->site.config.head_seconds));
	http_count(&s->site.counts.connections_open, 1);
	http_count(&s->site.counts.connections_total, 1);
	return c;
}

static void conn_close(struct http_conn *c)
{
	struct http_server *s = c->server;

	http_watch_remove(s->watch, &c->watched);
	http_events_drop(c->events);
	if (c->linger)
		http_watch_linger(s->watch, c->watched.fd);
	http_tls_drop(c->tls);
	arena_free(c->x.arena);
	free(c);
	atomic_fetch_sub_explicit(&s->site.counts.connections_open, 1, memory_order_relaxed);
}

void http_on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
	enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = conn_open(context, mhd);
	} else if (*socket_context != NULL) {
		conn_close(*socket_context);
		*socket_context = NULL;
	}
}

enum MHD_Result http_on_accept(void *context, const struct sockaddr *address, socklen_t len)
{
	struct http_server *s = context;

	(void)address;
	(void)len;
	return atomic_load_explicit(&s->draining, memory_order_relaxed) ? MHD_NO : MHD_YES;
}

void http_on_library_log(void *context, const char *format, va_list args)
{
	struct http_server *s = context;
	char text[256];
	size_t len;

	if (slice_starts(slice_of(format), SLICE("Error processing request")))
		http_count(&s->site.counts.refused_malformed, 1);
	if (s->site.config.log == NULL || s->site.config.log->least > LOG_DEBUG)
		return;
	vsnprintf(text, sizeof(text), format, args);
	len = strlen(text);
	if (len > 0 && text[len - 1] == '\n')
		text[len - 1] = '\0';
	log_line(s->site.config.log, LOG_DEBUG, "http library", "says", text, NULL);
}

/* ---- requests ------------------------------------------------------------------------- */

void *http_on_target(void *context, const char *target, struct MHD_Connection *mhd)
{
	struct http_server *s = context;
	struct http_conn *c = conn_of(mhd);
	int64_t now;

	if (c == NULL || target == NULL)
		return NULL;
	now = world_monotonic(s->site.config.world);
	/* The first head has had its deadline since the connection was accepted. */
	if (http_watch_phase(&c->watched) != HTTP_PHASE_HEAD)
		http_watch_set(&c->watched, HTTP_PHASE_HEAD,
			http_seconds_from(now, s->site.config.head_seconds));
	c->head_seen = false;
	atomic_fetch_add(&s->in_flight, 1);
	if (!http_exchange_begin(&c->x, target, now))
		c->x.target = (struct slice){0};
	return c;
}

struct walk {
	struct http_param *headers;
	size_t count;
};

static enum MHD_Result on_header(void *context, enum MHD_ValueKind kind, const char *name,
	size_t name_len, const char *value, size_t value_len)
{
	struct walk *walk = context;

	(void)kind;
	if (walk->count <= HTTP_HEADERS_MAX) /* one more than may be: the check counts */
		walk->headers[walk->count++] = (struct http_param){
			{name,				    name_len },
                        {value == NULL ? name + name_len : value, value_len}
                };
	return MHD_YES;
}

static enum MHD_Result head_take(struct http_conn *c, const char *method, const char *version)
{
	struct http_server *s = c->server;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	struct walk walk = {
		.headers = ARENA_ARRAY(c->x.arena, struct http_param, HTTP_HEADERS_MAX + 1)};
	struct http_head head = {
		.method = slice_of(method),
		.target = {c->x.target_at, c->x.target.len},
		.version = slice_of(version),
		.headers = walk.headers,
		.bytes = info == NULL ? 0 : info->header_size
        };

	c->head_seen = true;
	if (walk.headers == NULL)
		return MHD_NO;
	MHD_get_connection_values_n(c->mhd, MHD_HEADER_KIND, on_header, &walk);
	head.headers_count = walk.count;
	if (c->session != NULL && s->site.config.ask_client_certificate && !c->pin_known) {
		c->peer.has_pin =
			http_tls_peer_pin(c->session, world_now(s->site.config.world), c->peer.pin);
		c->peer.tls_1_3 = gnutls_protocol_get_version(c->session) >= GNUTLS_TLS1_3;
		c->x.q.tls_1_3 = c->peer.tls_1_3;
		c->pin_known = true;
	}
	http_exchange_head(&c->x, &head);
	if (c->x.login != NULL && !c->known) {
		http_watch_known(s->watch, &c->watched, c->x.login->account.name);
		c->known = true;
	}
	switch (http_exchange_next(&c->x)) {
	case HTTP_NEXT_ANSWER:
		/* A reply given now would cost the connection; the library asks once more at once.
		 */
		http_watch_set(&c->watched, HTTP_PHASE_RUN, 0);
		break;
	case HTTP_NEXT_TAKE:
	case HTTP_NEXT_DISCARD:
		http_watch_set(&c->watched, HTTP_PHASE_BODY,
			http_seconds_from(world_monotonic(s->site.config.world),
				s->site.config.body_seconds));
		break;
	case HTTP_NEXT_REFUSE:
		c->linger = true;
		return http_answer(c);
	}
	return MHD_YES;
}

enum MHD_Result http_on_request(void *context, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *bytes, size_t *len, void **request)
{
	struct http_conn *c = *request;
	size_t taken = *len;

	(void)context;
	(void)mhd;
	(void)url;
	if (c == NULL || c->x.target.data == NULL)
		return MHD_NO;
	if (!c->head_seen)
		return head_take(c, method, version);
	if (taken == 0)
		return http_answer(c);
	*len = 0;
	return http_exchange_body(&c->x, (struct slice){bytes, taken}) ? MHD_YES
								       : http_break_off(c);
}

void http_on_completed(void *context, struct MHD_Connection *mhd, void **request,
	enum MHD_RequestTerminationCode code)
{
	struct http_server *s = context;
	struct http_conn *c = *request;
	int64_t now;

	(void)code;
	*request = NULL;
	if (c == NULL || !c->x.open)
		return;
	if (c->x.status == 0) { /* the library's own refusal, if any */
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_HTTP_STATUS);

		if (info != NULL) {
			c->x.status = info->http_status;
			c->linger = true;
		}
	}
	/* The library looks at the bytes of the reply no more, though it still holds its response.
	 */
	http_stream_end(&c->stream);
	if (c->events != NULL)
		http_events_detach(c->events);
	http_shared_drop(c->shared);
	c->shared = NULL;
	buf_fini(&c->packed);
	now = world_monotonic(s->site.config.world);
	http_exchange_end(&c->x, now);
	http_watch_set(
		&c->watched, HTTP_PHASE_IDLE, http_seconds_from(now, s->site.config.idle_seconds));
	if (atomic_fetch_sub(&s->in_flight, 1) == 1 && atomic_load(&s->draining)) {
		pthread_mutex_lock(&s->flight_lock);
		pthread_cond_broadcast(&s->landed);
		pthread_mutex_unlock(&s->flight_lock);
	}
}
