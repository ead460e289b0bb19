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
	curl_easy_cleanup(c->curl);
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
