/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The client, over libcurl: the only file that knows it. Careful by default: https, TLS 1.2 and up,
 * bounded answers, no credentials to another host, nothing that hangs for ever.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>

#include "http_parts.h"

#define CONNECT_SECONDS 10
#define TOTAL_SECONDS   600
#define SLOW_BYTES      100 /* per second, over SLOW_SECONDS */
#define SLOW_SECONDS    30
#define HEADERS_MAX     KIB(64) /* of an answer */
#define ERROR_BODY_MAX  MIB(1)  /* what is kept of an answer that is no success */
#define REDIRECTS_MAX   5
#define AGENT           "serai/0.1"

struct http_client {
	CURL *curl;
	struct buf headers, body;
	char error[CURL_ERROR_SIZE];
	/* The call under way. */
	const struct http_call *call;
	uint64_t bytes;
	enum err_kind failed; /* by the sink or a limit; OK: not */
	struct err why;
};

/* ---- what comes back ------------------------------------------------------------------ */

static long status_of(struct http_client *c)
{
	long status = 0;

	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
	struct http_client *c = context;
	struct slice line = {bytes, size * count};

	/* Each status line (100, a redirect) begins anew: only the last answer counts. */
	if (slice_starts(line, SLICE("HTTP/")))
		buf_clear(&c->headers);
	else if (slice_trim(line).len != 0)
		buf_slice_append(&c->headers, line);
	if (c->headers.bad) {
		c->failed =
			err_set(&c->why, ERR_LIMIT, "headers of more than %zu bytes", HEADERS_MAX);
		return 0;
	}
	return line.len;
}

/* Decoded bytes: the limits hold for what they unpack to. */
static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct http_client *c = context;
	struct slice piece = {bytes, size * count};
	long status = status_of(c);
	bool good = status >= 200 && status < 300;
	size_t most = c->call->body_max;

	if (!good && most > ERROR_BODY_MAX)
		most = ERROR_BODY_MAX;
	if (c->failed != OK)
		return 0;
	if (piece.len > most - c->bytes) {
		c->failed = err_set(&c->why, ERR_LIMIT, "an answer of more than %zu bytes", most);
		return 0;
	}
	c->bytes += piece.len;
	if (good && c->call->sink != NULL) {
		c->failed = c->call->sink(c->call->context, piece, &c->why);
	} else {
		buf_slice_append(&c->body, piece);
		if (c->body.bad)
			c->failed = err_set(&c->why, ERR_NOMEM, "an answer: out of memory");
	}
	return c->failed == OK ? piece.len : 0;
}

struct slice http_answer_header(const struct http_answer *a, const char *name)
{
	struct slice wanted = slice_of(name), rest = a->headers, line;

	while (slice_next(&rest, '\n', &line)) {
		size_t colon = slice_find(line, ':', 0);

		if (slice_equal_nocase(slice_cut(line, 0, colon), wanted))
			return slice_trim(slice_cut(line, colon + 1, line.len));
	}
	return (struct slice){0};
}

unsigned http_answer_retry_seconds(const struct http_answer *a)
{
	uint64_t seconds;

	if (!slice_to_u64(http_answer_header(a, "Retry-After"), &seconds))
		return 0;
	return seconds > 86400 ? 86400 : (unsigned)seconds; /* nobody means more than a day */
}

/* ---- setting up ----------------------------------------------------------------------- */

static void library_start(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void set_up_tls(CURL *curl, const struct http_client_config *config)
{
	/* A pin without a certificate authority stands alone: it names the key, which says more
	 * than any authority could. */
	bool pin_alone = config->pin != NULL && config->ca_file == NULL;
	bool verify = !config->insecure && !pin_alone;

	curl_easy_setopt(curl, CURLOPT_SSLVERSION,
		config->tls_1_3 ? (long)CURL_SSLVERSION_TLSv1_3 : (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
	if (config->ca_file != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, config->ca_file);
	if (config->pin != NULL)
		curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, config->pin);
	if (config->certificate_file != NULL) {
		curl_easy_setopt(curl, CURLOPT_SSLCERT, config->certificate_file);
		curl_easy_setopt(curl, CURLOPT_SSLKEY,
			config->key_file == NULL ? config->certificate_file : config->key_file);
	}
}

static void set_up(struct http_client *c, const struct http_client_config *config)
{
	const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
	unsigned connect = config->connect_seconds != 0 ? config->connect_seconds : CONNECT_SECONDS;
	unsigned total = config->total_seconds != 0 ? config->total_seconds : TOTAL_SECONDS;
	unsigned slow =
		config->slow_bytes_per_second != 0 ? config->slow_bytes_per_second : SLOW_BYTES;
	CURL *curl = c->curl;

	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, c->error);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, AGENT);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(
		curl, CURLOPT_FOLLOWLOCATION, 0L); /* http_client_call does, within one host */
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)connect);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)total);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)slow);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SLOW_SECONDS);
	curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, c);
	/* It unpacks piece by piece, so the limit on the answer bounds what a bomb can do. */
	if ((version->features & (CURL_VERSION_ZSTD | CURL_VERSION_LIBZ)) ==
		(CURL_VERSION_ZSTD | CURL_VERSION_LIBZ))
		curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "zstd, gzip");
	else if (version->features & CURL_VERSION_LIBZ)
		curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
	set_up_tls(curl, config);
	if (config->user != NULL) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(curl, CURLOPT_USERPWD, config->user);
	} else if (config->token != NULL) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
		curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, config->token);
	}
}

enum err_kind http_client_new(
	const struct http_client_config *config, struct http_client **ret_client, struct err *e)
{
	static pthread_once_t once =
		PTHREAD_ONCE_INIT; /* libcurl wants one start for the process */
	struct http_client *c;

	pthread_once(&once, library_start);
	if (config->user != NULL && strchr(config->user, ':') == NULL)
		return err_set(e, ERR_USAGE, "credentials are not \"name:password\"");
	if (config->pin != NULL && !slice_starts(slice_of(config->pin), SLICE("sha256//")))
		return err_set(
			e, ERR_USAGE, "pin \"%s\" is not \"sha256//\" and base64", config->pin);
	c = calloc(1, sizeof(*c));
	if (c == NULL || (c->curl = curl_easy_init()) == NULL) {
		free(c);
		return err_set(e, ERR_NOMEM, "HTTP client: out of memory");
	}
	c->headers = BUF_MAX(HEADERS_MAX);
	set_up(c, config);
	*ret_client = c;
	return OK;
}

void http_client_free(struct http_client *c)
{
	if (c == NULL)
		return;
	curl_easy_cleanup(c->curl); /* accepts NULL */
	buf_fini(&c->headers);
	buf_fini(&c->body);
	free(c);
}

/* ---- URLs ----------------------------------------------------------------------------- */

struct origin {
	char *scheme, *host, *port;
};

static void origin_fini(struct origin *o)
{
	curl_free(o->scheme);
	curl_free(o->host);
	curl_free(o->port);
}

static bool origin_of(const char *url, struct origin *ret_origin)
{
	CURLU *parts = curl_url();
	struct origin o = {0};
	bool good = parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
		    curl_url_get(parts, CURLUPART_SCHEME, &o.scheme, 0) == CURLUE_OK &&
		    curl_url_get(parts, CURLUPART_HOST, &o.host, 0) == CURLUE_OK &&
		    curl_url_get(parts, CURLUPART_PORT, &o.port, CURLU_DEFAULT_PORT) == CURLUE_OK;

	curl_url_cleanup(parts);
	if (!good) {
		origin_fini(&o);
		return false;
	}
	*ret_origin = o;
	return true;
}

/* A loopback address as a number: a name could be made to mean anything. */
static bool is_loopback(const char *host)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return strcmp(host, "[::1]") == 0;
}

static enum err_kind url_check(const char *url, struct err *e)
{
	struct slice text = slice_of(url);
	size_t colon = slice_find_text(text, SLICE("://"));
	struct slice scheme = slice_cut(text, 0, colon);
	bool secure = slice_equal_nocase(scheme, SLICE("https"));
	bool allowed = secure;
	struct origin o;

	if (colon == text.len)
		return err_set(e, ERR_USAGE, "\"%s\" is not a URL", url);
	if (secure || slice_equal_nocase(scheme, SLICE("http"))) {
		if (!origin_of(url, &o))
			return err_set(e, ERR_USAGE, "\"%s\" is not a URL", url);
		allowed = secure || is_loopback(o.host);
		origin_fini(&o);
	}
	if (!allowed)
		return err_set(
			e, ERR_DENIED, "\"%s\": only https, or http to a loopback address", url);
	return OK;
}

static bool same_origin(const char *left, const char *right)
{
	struct origin a, b;
	bool same;

	if (!origin_of(left, &a))
		return false;
	if (!origin_of(right, &b)) {
		origin_fini(&a);
		return false;
	}
	same = strcmp(a.scheme, b.scheme) == 0 && strcasecmp(a.host, b.host) == 0 &&
	       strcmp(a.port, b.port) == 0;
	origin_fini(&a);
	origin_fini(&b);
	return same;
}

/* ---- one call ------------------------------------------------------------------------- */

/* Failures that another try may not meet. */
static bool may_pass(CURLcode code)
{
	static const CURLcode codes[] = {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT,
		CURLE_OPERATION_TIMEDOUT, CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR,
		CURLE_PARTIAL_FILE, CURLE_SSL_CONNECT_ERROR, CURLE_AGAIN};

	for (size_t i = 0; i < COUNT_OF(codes); i++)
		if (codes[i] == code)
			return true;
	return false;
}

static void method_set(CURL *curl, const struct http_call *call)
{
	bool body = call->method == HTTP_POST || call->method == HTTP_PUT;

	/* HTTPGET also undoes what an earlier call had set. */
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, NULL);
	curl_easy_setopt(curl, CURLOPT_NOBODY, 0L);
	curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
	if (call->method == HTTP_HEAD)
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	if (call->method == HTTP_DELETE)
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "DELETE");
	if (body) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
		curl_easy_setopt(
			curl, CURLOPT_POSTFIELDS, call->body.len == 0 ? "" : call->body.data);
	}
	if (call->method == HTTP_PUT)
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "PUT");
}

static bool header_add(struct curl_slist **list, const char *name, const char *value)
{
	char line[1024];
	struct curl_slist *longer;

	if (value == NULL)
		return true;
	if (strpbrk(value, "\r\n") != NULL ||
		(size_t)snprintf(line, sizeof(line), "%s: %s", name, value) >= sizeof(line))
		return false;
	longer = curl_slist_append(*list, line);
	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

static enum err_kind run(struct http_client *c, const char *url, bool *ret_again, struct err *e)
{
	CURLcode code;

	buf_clear(&c->headers);
	buf_clear(&c->body);
	c->bytes = 0;
	c->failed = OK;
	c->error[0] = '\0';
	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	code = curl_easy_perform(c->curl);
	if (c->failed != OK) {
		if (e != NULL) {
			*e = c->why;
			err_wrap(e, "%s", url);
		}
		return c->failed;
	}
	if (code == CURLE_OK)
		return OK;
	*ret_again = may_pass(code);
	return err_set(e, code == CURLE_OUT_OF_MEMORY ? ERR_NOMEM : ERR_IO, "%s: %s", url,
		c->error[0] != '\0' ? c->error : curl_easy_strerror(code));
}

/* Where the answer sends us, if we may go there: the same scheme, host and port, and a request that
 * is safe to repeat. The caller frees it with free(). */
static char *redirect_of(struct http_client *c, const struct http_call *call, const char *url)
{
	long status = status_of(c);
	char *to = NULL;

	if ((call->method != HTTP_GET && call->method != HTTP_HEAD) ||
		(status != 301 && status != 302 && status != 303 && status != 307 && status != 308))
		return NULL;
	if (curl_easy_getinfo(c->curl, CURLINFO_REDIRECT_URL, &to) != CURLE_OK || to == NULL ||
		!same_origin(url, to))
		return NULL;
	return strdup(to);
}

static enum err_kind run_all(
	struct http_client *c, const struct http_call *call, bool *ret_again, struct err *e)
{
	char *url = strdup(call->url);
	enum err_kind kind = OK;

	for (int i = 0; url != NULL; i++) {
		char *next;

		kind = run(c, url, ret_again, e);
		next = kind == OK && i < REDIRECTS_MAX ? redirect_of(c, call, url) : NULL;
		free(url);
		if (next == NULL)
			return kind;
		url = next;
	}
	return err_set(e, ERR_NOMEM, "%s: out of memory", call->url);
}

enum err_kind http_client_call(struct http_client *c, const struct http_call *call,
	struct http_answer *ret_answer, bool *ret_again, struct err *e)
{
	struct curl_slist *headers = NULL;
	enum err_kind kind = url_check(call->url, e);
	char *type = NULL;
	bool again = false;

	*ret_again = false;
	if (kind != OK)
		return kind;
	if (!header_add(&headers, "Accept", call->accept) ||
		!header_add(&headers, "Content-Type", call->content_type) ||
		!header_add(&headers, "If-None-Match", call->etag)) {
		curl_slist_free_all(headers);
		return err_set(e, ERR_USAGE, "%s: a header that cannot be sent", call->url);
	}
	c->call = call;
	curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR,
		strncasecmp(call->url, "http:", 5) == 0 ? "http" : "https");
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	method_set(c->curl, call);
	kind = run_all(c, call, &again, e);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	c->call = NULL;
	*ret_again = again;
	if (kind != OK)
		return kind;
	curl_easy_getinfo(c->curl, CURLINFO_CONTENT_TYPE, &type);
	*ret_answer = (struct http_answer){.status = (unsigned)status_of(c),
		.content_type = slice_of(type),
		.body = c->body,
		.headers = buf_slice(&c->headers)};
	return OK;
}

/* ---- an ear --------------------------------------------------------------------------- */

struct http_ear {
	CURL *curl;
	CURLM *multi;
	char *url;
	struct curl_slist *headers;
	struct http_event_parser parser;
	char last_id[HTTP_EVENT_ID_MAX + 1];
	char error[CURL_ERROR_SIZE];
	bool open, live;
	int64_t heard_us; /* when something came, or it was opened */
	atomic_bool woken;
	/* The wait under way. */
	http_hear *hear;
	void *context;
	bool heard;
	enum err_kind failed;
	struct err why;
};

static void ear_hear(void *context, const struct http_event *event)
{
	struct http_ear *ear = context;

	snprintf(ear->last_id, sizeof(ear->last_id), "%.*s", SLICE_ARG(event->id));
	ear->heard = true;
	ear->hear(ear->context, event);
}

/* The answer is a stream of events. */
static enum err_kind ear_answer_check(const struct http_ear *ear, struct err *e)
{
	char *type = NULL;
	long status = 0;

	curl_easy_getinfo(ear->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(ear->curl, CURLINFO_CONTENT_TYPE, &type);
	if (status == 200 && slice_starts(slice_of(type), SLICE("text/event-stream")))
		return OK;
	return err_set(
		e, ERR_DENIED, "%s: answers %ld, expected a stream of events", ear->url, status);
}

static size_t ear_on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct http_ear *ear = context;
	struct slice piece = {bytes, size * count};

	ear->failed = ear_answer_check(ear, &ear->why);
	ear->heard_us = world_monotonic(world_real());
	if (ear->failed == OK) {
		ear->heard = ear->heard || !ear->live;
		ear->live = true;
		ear->failed = http_event_parse(&ear->parser, piece, ear_hear, ear, &ear->why);
	}
	return ear->failed == OK ? piece.len : 0;
}

enum err_kind http_ear_new(const struct http_client_config *config, const char *url,
	struct http_ear **ret_ear, struct err *e)
{
	struct http_client *c = NULL;
	struct http_ear *ear;
	enum err_kind kind = url_check(url, e);

	if (kind == OK)
		kind = http_client_new(config, &c, e);
	if (kind != OK)
		return kind;
	ear = calloc(1, sizeof(*ear));
	if (ear != NULL) {
		/* A client's way to connect, with an end of its own. */
		ear->curl = c->curl;
		c->curl = NULL;
		ear->multi = curl_multi_init();
		ear->url = strdup(url);
		http_event_parser_init(&ear->parser);
	}
	http_client_free(c);
	if (ear == NULL || ear->multi == NULL || ear->url == NULL) {
		http_ear_free(ear);
		return err_set(e, ERR_NOMEM, "%s: out of memory", url);
	}
	curl_easy_setopt(ear->curl, CURLOPT_ERRORBUFFER, ear->error);
	curl_easy_setopt(ear->curl, CURLOPT_URL, url);
	curl_easy_setopt(ear->curl, CURLOPT_HTTPGET, 1L);
	curl_easy_setopt(ear->curl, CURLOPT_PROTOCOLS_STR,
		strncasecmp(url, "http:", 5) == 0 ? "http" : "https");
	curl_easy_setopt(ear->curl, CURLOPT_TIMEOUT, 0L);
	curl_easy_setopt(ear->curl, CURLOPT_LOW_SPEED_TIME, 0L);
	curl_easy_setopt(ear->curl, CURLOPT_ACCEPT_ENCODING, NULL);
	curl_easy_setopt(ear->curl, CURLOPT_HEADERFUNCTION, NULL);
	curl_easy_setopt(ear->curl, CURLOPT_HEADERDATA, NULL);
	curl_easy_setopt(ear->curl, CURLOPT_WRITEFUNCTION, ear_on_body);
	curl_easy_setopt(ear->curl, CURLOPT_WRITEDATA, ear);
	*ret_ear = ear;
	return OK;
}

void http_ear_close(struct http_ear *ear)
{
	if (ear->open)
		curl_multi_remove_handle(ear->multi, ear->curl);
	curl_slist_free_all(ear->headers);
	ear->headers = NULL;
	ear->open = ear->live = false;
}

void http_ear_free(struct http_ear *ear)
{
	if (ear == NULL)
		return;
	http_ear_close(ear);
	curl_easy_cleanup(ear->curl);
	curl_multi_cleanup(ear->multi);
	http_event_parser_fini(&ear->parser);
	free(ear->url);
	free(ear);
}

enum err_kind http_ear_open(struct http_ear *ear, struct err *e)
{
	http_ear_close(ear);
	http_event_parser_fini(&ear->parser);
	http_event_parser_init(&ear->parser);
	ear->failed = OK;
	ear->error[0] = '\0';
	if (!header_add(&ear->headers, "Accept", "text/event-stream") ||
		!header_add(&ear->headers, "Last-Event-ID",
			ear->last_id[0] == '\0' ? NULL : ear->last_id))
		return err_set(e, ERR_NOMEM, "%s: out of memory", ear->url);
	curl_easy_setopt(ear->curl, CURLOPT_HTTPHEADER, ear->headers);
	if (curl_multi_add_handle(ear->multi, ear->curl) != CURLM_OK)
		return err_set(e, ERR_NOMEM, "%s: out of memory", ear->url);
	ear->open = true;
	ear->heard_us = world_monotonic(world_real());
	return OK;
}

bool http_ear_is_open(const struct http_ear *ear)
{
	return ear->open;
}

bool http_ear_is_live(const struct http_ear *ear)
{
	return ear->live;
}

/* What ended it, if anything. */
static enum err_kind ear_ended(struct http_ear *ear, int64_t now_us, struct err *e)
{
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(ear->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		if (ear->failed != OK)
			break;
		if (message->data.result == CURLE_OK && ear_answer_check(ear, e) != OK)
			return ERR_DENIED;
		if (message->data.result == CURLE_OK)
			return err_set(e, ERR_IO, "%s: the stream has ended", ear->url);
		return err_set(e, ERR_IO, "%s: %s", ear->url,
			ear->error[0] != '\0' ? ear->error
					      : curl_easy_strerror(message->data.result));
	}
	if (ear->failed != OK)
		return *e = ear->why, ear->failed;
	if (now_us - ear->heard_us > HTTP_EAR_SECONDS * US_PER_SECOND)
		return err_set(e, ERR_IO, "%s: silent for %d seconds", ear->url, HTTP_EAR_SECONDS);
	return OK;
}

enum err_kind http_ear_wait(struct http_ear *ear, unsigned wait_ms,
	void (*hear)(void *context, const struct http_event *event), void *context, struct err *e)
{
	int64_t now = world_monotonic(world_real()), until = now + (int64_t)wait_ms * 1000;
	struct err mine = {0};
	enum err_kind kind = OK;

	ear->hear = hear;
	ear->context = context;
	ear->heard = false;
	for (;;) {
		int running;
		bool woken;

		if (ear->open) {
			curl_multi_perform(ear->multi, &running);
			now = world_monotonic(world_real());
			kind = ear_ended(ear, now, &mine);
		}
		woken = atomic_exchange(&ear->woken, false);
		if (kind != OK || ear->heard || woken || now >= until)
			break;
		/* At least once a second, so that silence is seen. */
		curl_multi_poll(ear->multi, NULL, 0,
			until - now > US_PER_SECOND ? 1000 : (int)((until - now) / 1000) + 1, NULL);
		now = world_monotonic(world_real());
	}
	if (kind != OK) {
		http_ear_close(ear);
		if (e != NULL)
			*e = mine;
	}
	return kind;
}

void http_ear_wake(struct http_ear *ear)
{
	atomic_store(&ear->woken, true);
	curl_multi_wakeup(ear->multi);
}
