/* SPDX-License-Identifier: MPL-2.0 */
/* A server's life: its certificate, its threads, its limits, its numbers; start, reload, stop. */
#include <stdlib.h>
#include <unistd.h>

#include "http_library.h"

/* Bytes the library may use per connection: a head of HTTP_HEAD_MAX, a record of some 70 bytes for
 * each header and query field, and the head of the reply. */
#define CONNECTION_MEMORY KIB(16)
#define THREADS_LEAST     4
#define THREADS_MOST      8

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
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME |
			 MHD_USE_ERROR_LOG;
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
	options[n++] =
		(struct MHD_OptionItem){MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)http_on_target, s};
	options[n++] = (struct MHD_OptionItem){
		MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http_on_completed, s};
	options[n++] = (struct MHD_OptionItem){
		MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)http_on_connection, s};
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
	s->daemon = MHD_start_daemon(flags, 0, http_on_accept, s, http_on_request, s,
		MHD_OPTION_EXTERNAL_LOGGER, http_on_library_log, s, MHD_OPTION_ARRAY, options,
		MHD_OPTION_END);
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
			.ring = http_respond_ring};

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
