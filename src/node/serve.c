/* SPDX-License-Identifier: MPL-2.0 */
/* The serving process: opens everything, waits for signals, and closes everything in order. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "parts.h"
#include "sandbox/sandbox.h"

#define IDLE_SECONDS   1  /* between two rounds of the store's housekeeping */
#define STOP_SECONDS   10 /* running requests may take to end */
#define ROUTES_OF_OURS 2

struct serving {
	struct node node;
	struct log log;
	const struct world *world;
	struct taxii_server *taxii;
	struct http_server *http;
	int listen_fd;     /* until the server has it; then 0 */
	struct seat *seat; /* NULL: no keys, no coalition */
	struct alarms alarms;
	struct control *control;
	struct routes *coalition_routes;
	struct http_route *routes;
	size_t routes_count;
	int64_t started_us;
};

/* ---- our own two pages ----------------------------------------------------------------------- */

/* Alive and able to read the store: what a load balancer or a person with curl wants to know. */
static void handle_health(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct serving *s = context;
	struct store_reader *reader = NULL;
	struct err e;

	(void)q;
	reply->content_type = "text/plain; charset=utf-8";
	if (store_reader_take(s->node.store, &reader, &e) == OK) {
		store_reader_give(reader);
		reply->status = 200;
		reply->body = SLICE("ok\n");
	} else {
		log_line(&s->log, LOG_ERROR, "health", "error", e.text, NULL);
		reply->status = 503;
		reply->body = SLICE("the store cannot be read\n");
	}
}

static uint64_t resident_bytes(void)
{
	struct buf text = BUF_INIT;
	struct slice rest, part;
	uint64_t pages = 0;

	if (file_read("/proc/self/statm", KIB(4), &text, NULL) == OK) {
		rest = slice_trim(buf_slice(&text));
		if (slice_next(&rest, ' ', &part) && slice_next(&rest, ' ', &part))
			slice_to_u64(part, &pages);
	}
	buf_fini(&text);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void handle_metrics(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct serving *s = context;
	struct buf out = BUF_INIT;
	struct store_reader *reader = NULL;
	struct store_stats stats;
	struct store_type_count *types;
	size_t types_count;

	http_server_metrics_text(s->http, &out);
	taxii_metrics_text(s->taxii, &out);
	if (store_reader_take(s->node.store, &reader, NULL) == OK &&
		store_stats(reader, q->arena, &stats, &types, &types_count, NULL) == OK) {
		buf_printf(&out,
			"# HELP serai_objects Versions of objects kept.\n# TYPE serai_objects "
			"gauge\n"
			"serai_objects %llu\n"
			"# HELP serai_store_bytes Bytes of the store on the disk.\n"
			"# TYPE serai_store_bytes gauge\nserai_store_bytes %llu\n"
			"# HELP serai_evidence Refused conflicting objects kept as evidence.\n"
			"# TYPE serai_evidence gauge\nserai_evidence %llu\n",
			(unsigned long long)stats.objects, (unsigned long long)stats.disk_bytes,
			(unsigned long long)stats.evidence);
	}
	store_reader_give(reader);
	buf_printf(&out,
		"# HELP process_resident_memory_bytes Resident memory.\n"
		"# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %llu\n"
		"# HELP serai_uptime_seconds Seconds since the start.\n"
		"# TYPE serai_uptime_seconds gauge\nserai_uptime_seconds %lld\n",
		(unsigned long long)resident_bytes(),
		(long long)((world_monotonic(s->world) - s->started_us) / US_PER_SECOND));
	reply->status = out.bad ? 500 : 200;
	reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
	reply->body = arena_copy(q->arena, buf_slice(&out));
	buf_fini(&out);
}

/* ---- start and stop -------------------------------------------------------------------------- */

static enum log_level level_of(const char *name)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};

	for (unsigned i = 0; i < COUNT_OF(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return (enum log_level)i;
	}
	return LOG_INFO;
}

/* systemd's readiness protocol: one datagram to the socket it names. */
static void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@'))
		return;
	len = strlen(path);
	if (len >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, len);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

static bool is_none(const char *path)
{
	return path[0] == '\0' || strcmp(path, "none") == 0;
}

static bool is_loopback(const char *listen)
{
	return strncmp(listen, "127.", 4) == 0 || strncmp(listen, "[::1]", 5) == 0 ||
	       strncmp(listen, "localhost:", 10) == 0;
}

static enum err_kind routes_make(struct serving *s, struct err *e)
{
	size_t taxii_count, coalition_count = 0;
	const struct http_route *of_taxii = taxii_routes(s->taxii, &taxii_count);
	const struct http_route *of_coalition =
		s->seat == NULL ? NULL : routes_table(s->coalition_routes, &coalition_count);

	s->routes_count = taxii_count + coalition_count + ROUTES_OF_OURS;
	s->routes = calloc(s->routes_count, sizeof(*s->routes));
	if (s->routes == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	s->routes[0] = (struct http_route){.methods = HTTP_GET,
		.pattern = "/healthz",
		.access = HTTP_OPEN,
		.handle = handle_health,
		.says = "health",
		.context = s};
	s->routes[1] = (struct http_route){.methods = HTTP_GET,
		.pattern = "/metrics",
		.access = s->node.config.metrics_open ? HTTP_OPEN : HTTP_ADMIN,
		.handle = handle_metrics,
		.says = "metrics",
		.context = s};
	memcpy(s->routes + ROUTES_OF_OURS, of_taxii, taxii_count * sizeof(*of_taxii));
	if (coalition_count > 0)
		memcpy(s->routes + ROUTES_OF_OURS + taxii_count, of_coalition,
			coalition_count * sizeof(*of_coalition));
	return OK;
}

/* The sandbox comes first, before any thread and before the first foreign byte; so the folders that
 * we need must be there by then. */
static enum err_kind sandboxed_open(
	struct serving *s, const char *folder, bool member, bool *ret_files, struct err *e)
{
	struct node_config config;
	struct slice spool, coalition;
	enum err_kind kind = node_config_load(folder, &config, e);

	if (kind != OK)
		return kind;
	spool = arena_printf(config.arena, "%s/spool", folder);
	coalition = arena_printf(config.arena, "%s/" SEAT_FOLDER, folder);
	kind = spool.data == NULL || coalition.data == NULL ? err_set(e, ERR_NOMEM, "out of memory")
							    : folder_make(spool.data, 0700, e);
	if (kind == OK && member)
		kind = folder_make(coalition.data, 0700, e);
	if (kind == OK && member)
		kind = control_open(folder, &s->control, e);
	if (kind == OK) {
		bool own = config.certificate[0] == '/' || config.key[0] == '/';
		/* A renewed certificate is a new file under the same name: its folder. What finds the
		 * addresses of names comes last; it is needed for members that are told by name. */
		const struct sandbox_path paths[] = {
			{folder,                            SANDBOX_WRITE,   false, false},
			{coalition.data,                    SANDBOX_FOLDERS, false, true },
			{own ? config.certificate : folder, SANDBOX_READ,    own,   false},
			{own ? config.key : folder,         SANDBOX_READ,    own,   false},
			{"/etc/hosts",                      SANDBOX_READ,    false, true },
			{"/etc/resolv.conf",                SANDBOX_READ,    false, true },
			{"/etc/nsswitch.conf",              SANDBOX_READ,    false, true },
			{"/etc/host.conf",                  SANDBOX_READ,    false, true },
			{"/etc/gai.conf",                   SANDBOX_READ,    false, true },
		};
		const struct sandbox_rules rules = {.paths = paths,
			.paths_count = member ? COUNT_OF(paths) : 4,
			.no_listening = true,
			.no_capabilities = true};

		kind = sandbox_enter(&rules, ret_files, e);
	}
	node_config_fini(&config);
	return kind == OK ? node_open(folder, STORE_WRITE, s->world, &s->node, e) : kind;
}

/* Our seat, once there is a signer; the sockets come later. */
static enum err_kind coalition_join(struct serving *s, int signer_fd, struct err *e)
{
	enum err_kind kind;

	if (signer_fd < 0)
		return OK;
	kind = seat_open(&s->node, s->world, &s->log, signer_fd, &s->seat, e);
	if (kind == OK)
		kind = routes_open(s->seat, &s->coalition_routes, e);
	return kind;
}

static enum err_kind serving_start(
	struct serving *s, const char *folder, int signer_fd, struct err *e)
{
	const struct node_config *c;
	struct slice spool;
	bool files_restricted;
	enum err_kind kind = sandboxed_open(s, folder, signer_fd >= 0, &files_restricted, e);

	if (kind != OK) {
		if (signer_fd >= 0)
			close(signer_fd);
		return kind;
	}
	c = &s->node.config;
	s->log.least = level_of(c->log_level);
	kind = coalition_join(s, signer_fd, e);
	if (kind != OK)
		return kind;
	if (is_none(c->certificate) && !is_loopback(c->listen))
		return err_set(e, ERR_USAGE,
			"listen = %s without a certificate: plain HTTP is for loopback "
			"addresses only",
			c->listen);
	if (!files_restricted)
		log_line(
			&s->log, LOG_WARN, "sandbox", "files", "this kernel has no Landlock", NULL);
	spool = arena_printf(c->arena, "%s/spool", folder);
	if (spool.data == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = taxii_server_new(
		&(struct taxii_config){
			.intel = s->node.intel,
			.world = s->world,
			.log = &s->log,
			.title = c->title,
			.description = c->description[0] == '\0' ? NULL : c->description,
			.contact = c->contact[0] == '\0' ? NULL : c->contact,
			.root = c->root,
			.root_title = c->root_title,
			.page_default = c->page_default,
			.page_max = c->page_max,
			.content_max = c->content_max,
			.cache_bytes = c->cache_bytes,
		},
		&s->taxii, e);
	if (kind == OK)
		kind = routes_make(s, e);
	if (kind != OK)
		return kind;
	kind = http_server_start(
		&(struct http_server_config){
			.listen = c->listen,
			.listen_fd = s->listen_fd,
			.certificate_file = is_none(c->certificate) ? NULL : c->certificate,
			.key_file = is_none(c->certificate) ? NULL : c->key,
			.ask_client_certificate = c->client_certificates,
			.threads = c->threads,
			.connections_max = c->connections,
			.per_address_max = c->per_address,
			.spool_folder = spool.data,
			.routes = s->routes,
			.routes_count = s->routes_count,
			.context = s->taxii,
			.store = s->node.store,
			.accounts = s->seat == NULL ? NULL : routes_accounts(s->coalition_routes),
			.world = s->world,
			.log = &s->log,
			.error = taxii_error,
		},
		&s->http, e);
	s->listen_fd = 0;
	if (kind == OK && s->seat != NULL)
		kind = peers_start(s->seat, e);
	if (kind == OK && s->seat != NULL)
		kind = control_start(s->control, s->seat, e);
	return kind;
}

static void serving_stop(struct serving *s)
{
	if (s->seat != NULL)
		peers_quit(s->seat);
	control_free(s->control);
	if (s->listen_fd != 0)
		close(s->listen_fd);
	if (s->http != NULL)
		http_server_stop(s->http, STOP_SECONDS);
	if (s->seat != NULL && !peers_quiet(s->seat, STOP_SECONDS)) {
		/* A thread still waits for an answer: what it uses stays, and ends with us. */
		if (intel_released_flush(s->node.intel, NULL) != OK)
			log_line(&s->log, LOG_WARN, "stop", "why", "release log", NULL);
		return;
	}
	taxii_server_free(s->taxii);
	free(s->routes);
	routes_free(s->coalition_routes);
	seat_close(s->seat);
	node_close(&s->node);
}

static void serving_reload(struct serving *s)
{
	struct node_config fresh;
	struct err e;

	notify("RELOADING=1");
	if (node_config_load(s->node.config.folder, &fresh, &e) != OK) {
		log_line(&s->log, LOG_ERROR, "reload", "error", e.text, NULL);
	} else {
		s->log.least = level_of(fresh.log_level);
		node_config_fini(&fresh);
		if (!is_none(s->node.config.certificate) && http_server_reload(s->http, &e) != OK)
			log_line(&s->log, LOG_ERROR, "reload", "error", e.text, NULL);
		else
			log_line(&s->log, LOG_INFO, "reload", NULL);
	}
	notify("READY=1");
}

static void serving_wait(struct serving *s, const sigset_t *signals)
{
	for (;;) {
		const struct timespec idle = {.tv_sec = IDLE_SECONDS};
		struct err e;
		int number = sigtimedwait(signals, NULL, &idle);

		if (number == SIGHUP) {
			serving_reload(s);
		} else if (number == SIGTERM || number == SIGINT) {
			log_line(&s->log, LOG_INFO, "stop", "signal",
				number == SIGTERM ? "TERM" : "INT", NULL);
			return;
		} else if (number < 0 && errno == EAGAIN) {
			if (intel_idle(s->node.intel, &e) != OK)
				log_line(&s->log, LOG_WARN, "housekeeping", "error", e.text, NULL);
			if (s->seat != NULL && seat_expire(s->seat, &e) != OK)
				log_line(&s->log, LOG_WARN, "retention", "error", e.text, NULL);
			if (s->seat != NULL)
				alarms_log(s->seat, &s->alarms);
			notify("WATCHDOG=1");
		}
	}
}

enum err_kind node_run(const char *folder, const struct world *world, int listen_fd, int signer_fd,
	void (*ready)(void *context, unsigned port), void *context, struct err *e)
{
	struct serving s = {
		.world = world, .log = {world, stderr, LOG_INFO},
                     .listen_fd = listen_fd
        };
	sigset_t signals, before;
	enum err_kind kind;

	/* Before any thread starts, so that all of them inherit it and only we see the signals. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, &before);
	signal(SIGPIPE, SIG_IGN);

	s.started_us = world_monotonic(world);
	kind = serving_start(&s, folder, signer_fd, e);
	if (kind == OK) {
		log_line(&s.log, LOG_INFO, "start", "listen", s.node.config.listen, "folder",
			folder, NULL);
		if (ready != NULL)
			ready(context, http_server_port(s.http));
		notify("READY=1");
		serving_wait(&s, &signals);
		notify("STOPPING=1");
	}
	serving_stop(&s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return kind;
}
