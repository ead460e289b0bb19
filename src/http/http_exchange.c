/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One request and its reply, step by step: judge the head, find the route, ask who it is, take the
 * body, call the handler. Nothing of the body is read before the request may be made at all.
 */
#include <stdlib.h>
#include <time.h>

#include "http_parts.h"

#define ARENA_KEEP   KIB(32) /* an arena that grew past this is not kept with an idle connection */
#define BUSY_SECONDS 30      /* what a client is told when the spool has no room */

bool http_exchange_begin(struct http_exchange *x, const char *target, int64_t now_us)
{
	struct http_site *site = x->site;

	if (x->arena == NULL)
		x->arena = arena_new(HTTP_ARENA_MAX);
	*x = (struct http_exchange){
		.site = site,
		.peer = x->peer,
		.arena = x->arena,
		.begun_us = now_us,
		.target_at = target,
		.open = true,
		.match = {.index = site->config.routes_count},
		.q = { .body_fd = -1,
			  .peer = slice_of(x->peer->text),
			  .tls = x->peer->tls,
			  .tls_1_3 = x->peer->tls_1_3,
			  .arena = x->arena,
			  .connection = x}
        };
	http_body_init(&x->body, 0, NULL);
	http_count(&site->counts.requests_total, 1);
	if (x->arena != NULL)
		x->target = arena_copy(x->arena, slice_of(target));
	return x->target.data != NULL;
}

static void refuse(struct http_exchange *x, unsigned status, const char *why)
{
	x->refusal = status;
	x->why = why;
}

static void authenticate(struct http_exchange *x)
{
	enum http_access access = x->match.route->access;
	struct http_claim claim = {
		.authorization = x->facts.authorization,
		.address = {(const char *)x->peer->bucket, x->peer->bucket_len},
		.pin = x->peer->has_pin ? x->peer->pin : NULL
        };
	struct http_verdict verdict;

	if (access == HTTP_OPEN)
		return;
	http_auth_check(x->site->auth, &claim, &verdict);
	if (verdict.status != 0) {
		x->retry_seconds = verdict.retry_seconds;
		refuse(x, verdict.status, verdict.why);
		return;
	}
	x->login = verdict.login;
	if (x->login != NULL) {
		const struct store_account *account = &x->login->account;

		x->q.account = account;
		x->q.client_certificate = x->peer->has_pin && account->has_pin &&
					  secret_equal(account->pin, x->peer->pin, SHA256_LEN);
	}
	if (x->login == NULL && access != HTTP_MAYBE)
		refuse(x, 401, "this needs an account");
	else if (access == HTTP_ADMIN && x->login->account.role != STORE_ADMINISTRATOR)
		refuse(x, 403, "this needs an administrator");
}

void http_exchange_head(struct http_exchange *x, const struct http_head *head)
{
	struct http_site *site = x->site;
	struct http_target target;
	const char *why = NULL;
	unsigned status = 0;

	x->q.headers = head->headers;
	x->q.headers_count = head->headers_count;
	http_count(&site->counts.bytes_in, head->bytes);
	status = http_head_check(head, &x->facts, &why);
	if (status == 0 && !http_head_is_whole(head)) {
		status = 400;
		why = "the head of the request is malformed";
	}
	if (status != 0) {
		/* Where this request ends is anybody's guess: nothing it says counts, and nothing
		 * after it on this connection. */
		x->facts = (struct http_facts){0};
		x->has_body = true;
	} else {
		x->has_body = x->facts.chunked || x->facts.length != 0;
		status = http_target_parse(x->target, x->arena, &target, &why);
	}
	if (status != 0) {
		http_count(&site->counts.refused_malformed, 1);
		refuse(x, status, why);
		return;
	}
	x->q.method = x->facts.method;
	x->q.path = target.path;
	x->q.params = target.params;
	x->q.params_count = target.params_count;
	x->q.host = target.authority.len != 0 ? target.authority : x->facts.host;
	http_table_find(site->table, &target, x->facts.method, &x->match);
	x->q.parts = x->match.parts;
	x->q.parts_count = x->match.parts_count;
	if (x->match.route == NULL) {
		x->match.index = site->config.routes_count;
		if (x->match.allowed == 0)
			refuse(x, 404, "there is nothing here");
		else
			refuse(x, 405, "this method is not allowed here");
		return;
	}
	authenticate(x);
	if (x->refusal == 0 && x->facts.length > x->match.route->body_max)
		refuse(x, 413, "the body is too long");
}

/* ---- the body ------------------------------------------------------------------------- */

static void body_failed(struct http_exchange *x, enum err_kind kind, const struct err *e)
{
	if (kind == ERR_LIMIT) {
		refuse(x, 413, "the body is too long");
		return;
	}
	log_line(x->site->config.log, LOG_ERROR, "body not taken", "why", e->text, NULL);
	x->retry_seconds = BUSY_SECONDS;
	refuse(x, 503, "the body could not be taken now");
}

enum http_next http_exchange_next(struct http_exchange *x)
{
	bool is_short = x->facts.has_length && x->facts.length <= HTTP_DISCARD_MAX &&
			!x->facts.expects_continue;

	if (!x->has_body)
		return HTTP_NEXT_ANSWER;
	if (x->refusal == 0) {
		struct err e = {0};
		enum err_kind kind;

		http_body_init(&x->body, x->match.route->body_max, x->site->config.spool_folder);
		kind = http_body_expect(&x->body, x->facts.length, &e);
		if (kind == OK)
			return HTTP_NEXT_TAKE;
		body_failed(x, kind, &e);
	}
	return is_short ? HTTP_NEXT_DISCARD : HTTP_NEXT_REFUSE;
}

bool http_exchange_body(struct http_exchange *x, struct slice bytes)
{
	struct err e = {0};
	enum err_kind kind;

	http_count(&x->site->counts.bytes_in, bytes.len);
	if (x->refusal != 0)
		return true; /* thrown away */
	kind = http_body_take(&x->body, bytes, &e);
	if (kind != OK)
		body_failed(x, kind, &e);
	return kind == OK;
}

/* ---- the reply ------------------------------------------------------------------------ */

static void reply_forget(struct http_reply *reply)
{
	http_shared_drop(reply->shared);
	if (reply->stream_free != NULL)
		reply->stream_free(reply->stream_state);
	if (reply->events != NULL) {
		http_events_detach(reply->events);
		http_events_drop(reply->events);
	}
	*reply = (struct http_reply){0};
}

/* The body of an error, in the words of whoever uses this server. */
static void error_fill(struct http_exchange *x, struct http_reply *reply)
{
	const struct http_server_config *config = &x->site->config;

	*reply = (struct http_reply){.status = x->refusal};
	if (config->error != NULL) {
		config->error(config->context, &x->q, x->refusal, x->why, reply);
		reply->status = x->refusal;
	} else {
		reply->content_type = "text/plain; charset=utf-8";
		reply->body = arena_printf(x->arena, "%s\n", x->why);
	}
	if (x->refusal == 401)
		for (size_t i = 0; i < COUNT_OF(http_challenges); i++)
			http_reply_header(reply, "WWW-Authenticate", slice_of(http_challenges[i]));
	if (x->retry_seconds != 0)
		http_reply_header(
			reply, "Retry-After", arena_printf(x->arena, "%u", x->retry_seconds));
	if (x->refusal == 405) {
		char allow[HTTP_ALLOW_MAX];

		http_allow_text(x->match.allowed, allow);
		http_reply_header(reply, "Allow", arena_copy(x->arena, slice_of(allow)));
	}
}

void http_exchange_answer(struct http_exchange *x, struct http_reply *ret_reply)
{
	struct err e = {0};

	*ret_reply = (struct http_reply){0};
	if (x->refusal == 0 && http_body_end(&x->body, &e) != OK)
		body_failed(x, ERR_IO, &e);
	if (x->refusal == 0) {
		x->q.body = buf_slice(&x->body.memory);
		x->q.body_fd = x->body.fd;
		x->q.body_bytes = x->body.bytes;
		x->match.route->handle(x->match.route->context != NULL ? x->match.route->context
								       : x->site->config.context,
			&x->q, ret_reply);
		if (ret_reply->status >= 200 && ret_reply->status <= 599)
			return;
		reply_forget(ret_reply);
		log_line(x->site->config.log, LOG_ERROR, "handler without an answer", "route",
			x->match.route->says, NULL);
		refuse(x, 500, "the server has no answer");
	}
	error_fill(x, ret_reply);
}

void http_exchange_break(struct http_exchange *x, struct buf *out)
{
	time_t now = (time_t)(world_now(x->site->config.world) / US_PER_SECOND);
	struct http_reply reply;
	struct http_shape shape;
	char date[64];
	struct tm tm;

	error_fill(x, &reply);
	x->facts.accept_encoding = (struct slice){0};
	if (reply.stream != NULL || reply.events != NULL ||
		http_reply_shape(&x->q, &x->facts, &reply, true, &shape, NULL) != OK) {
		reply_forget(&reply);
		return;
	}
	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	buf_printf(out, "HTTP/1.1 %u %s\r\nDate: %s\r\nContent-Length: %zu\r\n", shape.status,
		shape.status == 413 ? "Content Too Large" : "Service Unavailable", date,
		shape.body.len);
	for (size_t i = 0; i < shape.headers_count; i++) {
		buf_slice_append(out, shape.headers[i].name);
		buf_text(out, ": ");
		buf_slice_append(out, shape.headers[i].value);
		buf_text(out, "\r\n");
	}
	buf_text(out, "\r\n");
	buf_slice_append(out, shape.body);
	x->status = shape.status;
	x->sent = shape.body.len;
	buf_fini(&shape.packed);
	reply_forget(&reply);
}

/* ---- the end -------------------------------------------------------------------------- */

static void access_log(const struct http_exchange *x, int64_t took_us)
{
	const struct http_server_config *config = &x->site->config;
	enum log_level level = config->access_log ? LOG_INFO : LOG_DEBUG;
	char status[16], bytes[24], took[24], path[LOG_VALUE_MAX], method[HTTP_ALLOW_MAX];
	char name[HTTP_NAME_MAX + 1];

	if (config->log == NULL || config->log->to == NULL || level < config->log->least)
		return;
	http_allow_text((unsigned)x->facts.method, method);
	snprintf(status, sizeof(status), "%u", x->status);
	snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)x->sent);
	snprintf(took, sizeof(took), "%lld", (long long)took_us);
	/* The path only: what is searched for may itself be secret. */
	snprintf(path, sizeof(path), "%.*s", SLICE_ARG(x->q.path));
	snprintf(name, sizeof(name), "%.*s",
		SLICE_ARG(x->login == NULL ? (struct slice){0} : x->login->account.name));
	log_line(config->log, level, "request", "peer", x->peer->text, "account", name, "method",
		method[0] == '\0' ? "other" : method, "path", path, "status", status, "bytes",
		bytes, "us", took, NULL);
}

void http_exchange_end(struct http_exchange *x, int64_t now_us)
{
	struct http_counts *counts = &x->site->counts;

	if (!x->open)
		return;
	x->open = false;
	if (x->status >= 100 && x->status < 600) {
		http_count(&counts->by_status[x->status / 100], 1);
		http_counts_latency(counts, x->match.index, now_us - x->begun_us);
	}
	http_count(&counts->bytes_out, x->sent);
	access_log(x, now_us - x->begun_us);
	http_body_fini(&x->body);
	http_login_drop(x->login);
	x->login = NULL;
	if (x->arena != NULL && arena_bytes(x->arena) > ARENA_KEEP) {
		arena_free(x->arena);
		x->arena = NULL;
	} else if (x->arena != NULL) {
		arena_reset(x->arena);
	}
}
