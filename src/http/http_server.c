/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The server: an adapter over libmicrohttpd, and the only file that knows it. The library reads
 * requests and writes replies in its own threads; everything that must be decided is decided by the
 * other files of this folder. What the library does not do is made up for here:
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
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_parts.h"

/* Bytes the library may use per connection: a head of HTTP_HEAD_MAX, a record of some 70 bytes for
 * each header and query field, and the head of the reply. */
#define CONNECTION_MEMORY KIB(16)
#define READY_MAX         8    /* finished responses kept with one http_shared */
#define READY_KEY_MAX     1024 /* bytes of headers that tell them apart */
#define THREADS_LEAST     4
#define THREADS_MOST      8
#define BREAK_MAX         KIB(16) /* bytes of a reply written past the library */

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
struct conn {
	struct http_watched watched;
	struct http_server *server;
	struct MHD_Connection *mhd;
	gnutls_session_t session; /* NULL: plain */
	struct http_tls *tls;     /* what the session was begun with */
	struct http_peer peer;
	bool pin_known;
	bool known; /* somebody has shown who it is */
	bool linger;    /* closing at once would lose the reply */
	bool head_seen; /* of the request under way */
	struct http_exchange x;
	/* What the reply needs until it is out. */
	struct http_shared *shared;
	struct buf packed;
	struct http_stream stream;
	struct http_events *events; /* set once, given back with the connection */
};

static int64_t seconds_from(int64_t now_us, unsigned seconds)
{
	return now_us + (int64_t)seconds * US_PER_SECOND;
}

static struct conn *conn_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* ---- connections ---------------------------------------------------------------------- */

static void tls_begin(struct conn *c)
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

static struct conn *conn_open(struct http_server *s, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info;
	struct conn *c = calloc(1, sizeof(*c));

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
		seconds_from(world_monotonic(s->site.config.world), s->site.config.head_seconds));
	http_count(&s->site.counts.connections_open, 1);
	http_count(&s->site.counts.connections_total, 1);
	return c;
}

static void conn_close(struct conn *c)
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

static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
	enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = conn_open(context, mhd);
	} else if (*socket_context != NULL) {
		conn_close(*socket_context);
		*socket_context = NULL;
	}
}

static enum MHD_Result on_accept(void *context, const struct sockaddr *address, socklen_t len)
{
	struct http_server *s = context;

	(void)address;
	(void)len;
	return atomic_load_explicit(&s->draining, memory_order_relaxed) ? MHD_NO : MHD_YES;
}

/* What the library has to say: errors in what clients sent, mostly. */
static void __attribute__((format(printf, 2, 0)))
on_library_log(void *context, const char *format, va_list args)
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

/* ---- replies -------------------------------------------------------------------------- */

/* A response of the library over shared bytes, with the headers it was made with. */
struct ready {
	struct ready *next;
	struct MHD_Response *response;
	size_t key_len;
	char key[];
};

static void ready_free(void *first)
{
	for (struct ready *r = first; r != NULL;) {
		struct ready *next = r->next;

		MHD_destroy_response(r->response);
		free(r);
		r = next;
	}
}

static bool headers_put(
	struct MHD_Response *response, const struct http_shape *shape, struct arena *a)
{
	for (size_t i = 0; i < shape->headers_count; i++) {
		const char *name = arena_string(a, shape->headers[i].name);
		const char *value = arena_string(a, shape->headers[i].value);

		if (name == NULL || value == NULL ||
			MHD_add_response_header(response, name, value) != MHD_YES)
			return false;
	}
	return true;
}

static struct MHD_Response *response_of_bytes(struct conn *c, const struct http_shape *shape)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		shape->body.len, (void *)(uintptr_t)shape->body.data, MHD_RESPMEM_PERSISTENT);

	if (response != NULL && !headers_put(response, shape, c->x.arena)) {
		MHD_destroy_response(response);
		response = NULL;
	}
	return response;
}

/* The same page with the same headers again: no allocation, no copying. *ret_lasting: the response
 * stays with the shared bytes; else it is the caller's. */
static struct MHD_Response *response_of_shared(struct conn *c, struct http_shared *shared,
	const struct http_shape *shape, bool *ret_lasting)
{
	char key[READY_KEY_MAX];
	size_t len = 0, count = 0;
	struct MHD_Response *response = NULL;
	struct ready *r;

	*ret_lasting = false;
	key[len++] = (char)shape->coding;
	for (size_t i = 0; i < shape->headers_count; i++) {
		const struct http_param *h = &shape->headers[i];

		if (h->name.len + h->value.len + 2 > sizeof(key) - len)
			return response_of_bytes(c, shape);
		memcpy(key + len, h->name.data, h->name.len);
		len += h->name.len;
		key[len++] = '\n'; /* cannot stand in either */
		memcpy(key + len, h->value.data, h->value.len);
		len += h->value.len;
		key[len++] = '\n';
	}
	pthread_mutex_lock(&shared->lock);
	for (r = shared->ready; r != NULL; r = r->next, count++)
		if (r->key_len == len && memcmp(r->key, key, len) == 0)
			break;
	if (r == NULL) {
		response = response_of_bytes(c, shape);
		if (response != NULL && count < READY_MAX &&
			(r = malloc(sizeof(*r) + len)) != NULL) {
			*r = (struct ready){
				.next = shared->ready, .response = response, .key_len = len};
			memcpy(r->key, key, len);
			shared->ready = r;
			shared->ready_free = ready_free;
		}
	}
	if (r != NULL) {
		response = r->response;
		*ret_lasting = true;
	}
	pthread_mutex_unlock(&shared->lock);
	return response;
}

static ssize_t on_stream_read(void *context, uint64_t position, char *to, size_t bytes)
{
	struct conn *c = context;
	struct err e = {0};
	size_t len = 0;

	(void)position;
	if (http_stream_read(&c->stream, to, bytes, &len, &e) != OK) {
		/* The status is out already: a broken chunk tells the client that it is not whole.
		 */
		log_line(c->server->site.config.log, LOG_ERROR, "reply broken off", "why", e.text,
			NULL);
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	c->x.sent += len;
	return len == 0 ? MHD_CONTENT_READER_END_OF_STREAM : (ssize_t)len;
}

/* ---- streams of events ---------------------------------------------------------------- */

static void bed_sleep(void *connection)
{
	MHD_suspend_connection(((struct conn *)connection)->mhd);
}

static void bed_wake(void *connection)
{
	MHD_resume_connection(((struct conn *)connection)->mhd);
}

static bool bed_closing(void *connection)
{
	return atomic_load(&((struct conn *)connection)->server->draining);
}

/* The watch's: a comment is due, or all is over. */
static void events_ring(struct http_watched *watched, bool over)
{
	struct conn *c = (struct conn *)(void *)watched; /* its first member */

	if (over)
		http_events_end(c->events);
	else
		http_events_beat(c->events);
}

static ssize_t on_events_read(void *context, uint64_t position, char *to, size_t bytes)
{
	struct conn *c = context;
	size_t len = 0;

	(void)position;
	switch (http_events_read(c->events, to, bytes, &len)) {
	case HTTP_SAID_BYTES:
		c->x.sent += len;
		return (ssize_t)len;
	case HTTP_SAID_NOTHING:
		return 0; /* suspended: asked again when it was resumed */
	default:
		return MHD_CONTENT_READER_END_OF_STREAM;
	}
}

/* The response whose body comes when it comes. */
static struct MHD_Response *response_of_calls(struct conn *c, const struct http_shape *shape)
{
	struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, KIB(4),
		c->events != NULL ? on_events_read : on_stream_read, c, NULL);

	if (response != NULL && !headers_put(response, shape, c->x.arena)) {
		MHD_destroy_response(response);
		response = NULL;
	}
	if (response != NULL && c->x.facts.method == HTTP_HEAD)
		MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
	return response;
}

/* Give a reply to the library. Takes over what the reply owns, whatever happens. */
static enum MHD_Result reply_send(struct conn *c, struct http_reply *reply)
{
	struct http_server *s = c->server;
	bool closes =
		c->x.facts.chunked || atomic_load_explicit(&s->draining, memory_order_relaxed);
	struct MHD_Response *response = NULL;
	struct http_shape shape = {0};
	struct err e = {0};
	bool lasting = false; /* the response belongs to the shared bytes */
	enum MHD_Result result = MHD_NO;

	c->shared = reply->shared;
	if (reply->events != NULL) {
		const struct http_bed bed = {bed_sleep, bed_wake, bed_closing, c};

		c->events = reply->events;
		http_events_attach(c->events, &bed);
	}
	if (http_reply_shape(&c->x.q, &c->x.facts, reply, closes, &shape, &e) == OK) {
		c->packed = shape.packed;
		if (shape.streams &&
			(c->events != NULL ||
				http_stream_begin(&c->stream, reply, shape.coding, &e) == OK)) {
			response = response_of_calls(c, &shape);
		} else if (!shape.streams && c->shared != NULL && shape.body.len != 0) {
			response = response_of_shared(c, c->shared, &shape, &lasting);
		} else if (!shape.streams) {
			if (c->packed.data == NULL)
				shape.body = arena_copy(c->x.arena, shape.body);
			if (shape.body.data != NULL)
				response = response_of_bytes(c, &shape);
		}
	}
	/* A stream that was given but is not used (304) is ended with the request like any other.
	 */
	if (reply->stream != NULL && c->stream.next == NULL)
		c->stream = (struct http_stream){
			.state_free = reply->stream_free, .state = reply->stream_state};
	if (response == NULL) {
		log_line(s->site.config.log, LOG_ERROR, "no reply", "why",
			e.text[0] == '\0' ? "out of memory" : e.text, NULL);
		return MHD_NO;
	}
	c->x.status = shape.status;
	if (!shape.streams && c->x.facts.method != HTTP_HEAD && shape.status != 304)
		c->x.sent = shape.body.len;
	http_watch_set(&c->watched, c->events != NULL ? HTTP_PHASE_EVENTS : HTTP_PHASE_REPLY,
		seconds_from(world_monotonic(s->site.config.world),
			c->events != NULL ? HTTP_EVENTS_SECONDS : HTTP_REPLY_SECONDS));
	result = MHD_queue_response(c->mhd, shape.status, response);
	if (!lasting)
		MHD_destroy_response(response);
	return result;
}

static void socket_write(struct conn *c, struct slice bytes)
{
	while (bytes.len > 0) {
		ssize_t got = c->session == NULL
				      ? send(c->watched.fd, bytes.data, bytes.len,
						MSG_NOSIGNAL | MSG_DONTWAIT)
				      : gnutls_record_send(c->session, bytes.data, bytes.len);

		if (got <= 0)
			return; /* the client is not reading: it will not read this either */
		bytes = slice_cut(bytes, (size_t)got, bytes.len);
	}
}

/*
 * Refuse in the middle of a body. The library takes a reply only before or after it, and after may
 * be a gigabyte away; so write the reply past it and have the connection closed.
 */
static enum MHD_Result break_off(struct conn *c)
{
	struct buf raw = BUF_MAX(BREAK_MAX);

	http_exchange_break(&c->x, &raw);
	if (!raw.bad)
		socket_write(c, buf_slice(&raw));
	buf_fini(&raw);
	c->linger = true;
	return MHD_NO;
}

static enum MHD_Result answer(struct conn *c)
{
	struct http_reply reply;

	http_watch_set(&c->watched, HTTP_PHASE_RUN, 0);
	http_exchange_answer(&c->x, &reply);
	return reply_send(c, &reply);
}

/* ---- requests ------------------------------------------------------------------------- */

/* The request line is there, as it came. */
static void *on_target(void *context, const char *target, struct MHD_Connection *mhd)
{
	struct http_server *s = context;
	struct conn *c = conn_of(mhd);
	int64_t now;

	if (c == NULL || target == NULL)
		return NULL;
	now = world_monotonic(s->site.config.world);
	/* The first head has had its deadline since the connection was accepted. */
	if (http_watch_phase(&c->watched) != HTTP_PHASE_HEAD)
		http_watch_set(&c->watched, HTTP_PHASE_HEAD,
			seconds_from(now, s->site.config.head_seconds));
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

static enum MHD_Result head_take(struct conn *c, const char *method, const char *version)
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
			seconds_from(world_monotonic(s->site.config.world),
				s->site.config.body_seconds));
		break;
	case HTTP_NEXT_REFUSE:
		c->linger = true;
		return answer(c);
	}
	return MHD_YES;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *bytes, size_t *len, void **request)
{
	struct conn *c = *request;
	size_t taken = *len;

	(void)context;
	(void)mhd;
	(void)url;
	if (c == NULL || c->x.target.data == NULL)
		return MHD_NO;
	if (!c->head_seen)
		return head_take(c, method, version);
	if (taken == 0)
		return answer(c);
	*len = 0;
	return http_exchange_body(&c->x, (struct slice){bytes, taken}) ? MHD_YES : break_off(c);
}

static void on_completed(void *context, struct MHD_Connection *mhd, void **request,
	enum MHD_RequestTerminationCode code)
{
	struct http_server *s = context;
	struct conn *c = *request;
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
		&c->watched, HTTP_PHASE_IDLE, seconds_from(now, s->site.config.idle_seconds));
	if (atomic_fetch_sub(&s->in_flight, 1) == 1 && atomic_load(&s->draining)) {
		pthread_mutex_lock(&s->flight_lock);
		pthread_cond_broadcast(&s->landed);
		pthread_mutex_unlock(&s->flight_lock);
	}
}

/* ---- life ----------------------------------------------------------------------------- */

/* Never asked: every session gets our credentials before its handshake. */
static int no_certificate(gnutls_session_t session, const gnutls_datum_t *names, int names_count,
	const gnutls_pk_algorithm_t *algorithms, int algorithms_count,
	gnutls_pcert_st **certificates, unsigned int *certificates_count, gnutls_privkey_t *key)
{
	(void)session;
	(void)names;
	(void)names_count;
	(void)algorithms;
	(void)algorithms_count;
	(void)certificates;
	(void)certificates_count;
	(void)key;
	return -1;
}

static unsigned threads_of(const struct http_server_config *config)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (config->threads != 0)
		return config->threads;
	if (processors < THREADS_LEAST)
		return THREADS_LEAST;
	return processors > THREADS_MOST ? THREADS_MOST : (unsigned)processors;
}

static enum err_kind daemon_start(struct http_server *s, struct err *e)
{
	const struct http_server_config *config = &s->site.config;
	unsigned threads = threads_of(config);
	unsigned connections = http_connections_fit(config->connections_max, threads, config->log);
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC |
			 MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem options[16];
	size_t n = 0;

	http_watch_places(s->watch, connections - connections / HTTP_KNOWN_PART);
	options[n++] = (struct MHD_OptionItem){MHD_OPTION_LISTEN_SOCKET, s->listen_fd, NULL};
	options[n++] = (struct MHD_OptionItem){
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)CONNECTION_MEMORY, NULL};
	options[n++] = (struct MHD_OptionItem){MHD_OPTION_CONNECTION_LIMIT, connections, NULL};
	options[n++] = (struct MHD_OptionItem){
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, config->per_address_max, NULL};
	options[n++] =
		(struct MHD_OptionItem){MHD_OPTION_CONNECTION_TIMEOUT, config->idle_seconds, NULL};
	options[n++] = (struct MHD_OptionItem){MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL};
	options[n++] = (struct MHD_OptionItem){MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_target, s};
	options[n++] =
		(struct MHD_OptionItem){MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, s};
	options[n++] =
		(struct MHD_OptionItem){MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, s};
	if (threads > 1)
		options[n++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, threads, NULL};
	if (s->tls != NULL) {
		flags |= MHD_USE_TLS;
		options[n++] = (struct MHD_OptionItem){
			MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)http_tls_priorities};
		options[n++] = (struct MHD_OptionItem){
			MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)no_certificate};
	}
	options[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
	s->daemon =
		MHD_start_daemon(flags, 0, on_accept, s, on_request, s, MHD_OPTION_EXTERNAL_LOGGER,
			on_library_log, s, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	if (s->daemon == NULL)
		return err_set(e, ERR_IO, "could not start the server on %s", config->listen);
	s->listen_fd = -1;
	return OK;
}

static void server_free(struct http_server *s)
{
	if (s->daemon != NULL)
		MHD_stop_daemon(s->daemon);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	http_watch_free(s->watch);
	http_auth_free(s->site.auth);
	http_table_free(s->site.table);
	http_counts_fini(&s->site.counts);
	http_tls_drop(s->tls);
	gnutls_free(s->ticket_key.data);
	pthread_mutex_destroy(&s->tls_lock);
	pthread_mutex_destroy(&s->flight_lock);
	pthread_cond_destroy(&s->landed);
	free(s);
}

static enum err_kind tls_start(struct http_server *s, bool loopback, struct err *e)
{
	const struct http_server_config *config = &s->site.config;

	if (config->certificate_file == NULL && config->key_file == NULL) {
		if (loopback)
			return OK;
		return err_set(e, ERR_USAGE,
			"%s is not a loopback address: it needs a certificate and a key",
			config->listen);
	}
	if (config->certificate_file == NULL || config->key_file == NULL)
		return err_set(
			e, ERR_USAGE, "a certificate needs its key, and a key its certificate");
	if (gnutls_session_ticket_key_generate(&s->ticket_key) < 0)
		return err_set(e, ERR_NOMEM, "TLS: no key for session tickets");
	return http_tls_load(config->certificate_file, config->key_file, &s->tls, e);
}

static void defaults_fill(struct http_server_config *config)
{
	struct {
		unsigned *value, normal;
	} rows[] = {
		{&config->connections_max, HTTP_CONNECTIONS_MAX},
		{&config->per_address_max, HTTP_PER_ADDRESS_MAX},
		{&config->head_seconds,    HTTP_HEAD_SECONDS   },
		{&config->body_seconds,    HTTP_BODY_SECONDS   },
		{&config->idle_seconds,    HTTP_IDLE_SECONDS   },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (*rows[i].value == 0)
			*rows[i].value = rows[i].normal;
	if (config->world == NULL)
		config->world = world_real();
	if (config->spool_folder == NULL)
		config->spool_folder = "/tmp";
}

enum err_kind http_server_start(
	const struct http_server_config *config, struct http_server **ret_server, struct err *e)
{
	struct http_server *s = calloc(1, sizeof(*s));
	pthread_condattr_t clock;
	bool loopback = false;
	enum err_kind kind;

	if (s == NULL) {
		if (config->listen_fd != 0)
			close(config->listen_fd);
		return err_set(e, ERR_NOMEM, "server on %s: out of memory", config->listen);
	}
	s->site.config = *config;
	s->listen_fd = config->listen_fd != 0 ? config->listen_fd : -1;
	defaults_fill(&s->site.config);
	pthread_mutex_init(&s->tls_lock, NULL);
	pthread_mutex_init(&s->flight_lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&s->landed, &clock);
	pthread_condattr_destroy(&clock);

	s->accounts = config->accounts != NULL ? *config->accounts
					       : http_accounts_of_store(config->store);
	kind = http_table_new(config->routes, config->routes_count, &s->site.table, e);
	if (kind == OK)
		kind = http_counts_init(&s->site.counts, config->routes, config->routes_count, e);
	if (kind == OK)
		kind = http_auth_new(&s->accounts, s->site.config.world, &s->site.auth, e);
	if (kind == OK && s->listen_fd >= 0)
		kind = http_listen_look(s->listen_fd, &s->port, &loopback, e);
	else if (kind == OK)
		kind = http_listen(config->listen, &s->listen_fd, &s->port, &loopback, e);
	if (kind == OK)
		kind = tls_start(s, loopback, e);
	if (kind == OK) {
		struct http_watch_config watch = {.world = s->site.config.world,
			.head_seconds = s->site.config.head_seconds,
			.reply_seconds = HTTP_REPLY_SECONDS,
			.reply_least = HTTP_REPLY_LEAST,
			.ring = events_ring};

		kind = http_watch_new(&watch, &s->watch, e);
	}
	if (kind == OK)
		kind = daemon_start(s, e);
	if (kind != OK) {
		server_free(s);
		return kind;
	}
	*ret_server = s;
	return OK;
}

unsigned http_server_port(const struct http_server *s)
{
	return s->port;
}

enum err_kind http_server_reload(struct http_server *s, struct err *e)
{
	struct http_tls *fresh, *old;
	enum err_kind kind;

	if (s->tls == NULL)
		return OK; /* plain: nothing to read again */
	kind = http_tls_load(s->site.config.certificate_file, s->site.config.key_file, &fresh, e);
	if (kind != OK)
		return kind;
	pthread_mutex_lock(&s->tls_lock);
	old = s->tls;
	s->tls = fresh;
	pthread_mutex_unlock(&s->tls_lock);
	http_tls_drop(old);
	return OK;
}

void http_server_stop(struct http_server *s, unsigned seconds)
{
	struct timespec until;

	if (s == NULL)
		return;
	atomic_store(&s->draining, true);
	/* They would never end by themselves; and the library stops with nobody asleep. */
	http_watch_end_events(s->watch);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)seconds;
	pthread_mutex_lock(&s->flight_lock);
	while (atomic_load(&s->in_flight) != 0 &&
		pthread_cond_timedwait(&s->landed, &s->flight_lock, &until) == 0)
		;
	pthread_mutex_unlock(&s->flight_lock);
	server_free(s);
}

void http_server_sweep(struct http_server *s)
{
	http_watch_sweep(s->watch);
}

struct http_metrics http_server_metrics(const struct http_server *s)
{
	const struct http_counts *c = &s->site.counts;
	struct http_metrics m = {
		.connections_open = atomic_load(&c->connections_open),
		.connections_total = atomic_load(&c->connections_total),
		.requests_total = atomic_load(&c->requests_total),
		.bytes_in = atomic_load(&c->bytes_in),
		.bytes_out = atomic_load(&c->bytes_out),
		.refused_malformed = atomic_load(&c->refused_malformed),
		.authentication_failures = http_auth_failures(s->site.auth),
		.deadlines_hit = http_watch_hits(s->watch),
	};

	for (size_t i = 0; i < COUNT_OF(m.by_status); i++)
		m.by_status[i] = atomic_load(&c->by_status[i]);
	return m;
}

void http_server_metrics_text(const struct http_server *s, struct buf *out)
{
	struct http_metrics m = http_server_metrics(s);

	http_counts_text(&s->site.counts, &m, out);
}
