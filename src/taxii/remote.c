/* SPDX-License-Identifier: MPL-2.0 */
/* Requests to somebody else's TAXII server: waiting when it asks for it, reading what it means. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "media.h"
#include "remote.h"

/* Spellings of the one media type. Some servers compare the header as text. */
static const char *const accepts[] = {
	TAXII_TYPE,
	"application/taxii+json; version=2.1",
	"application/taxii+json",
};

bool remote_sleep(int64_t us)
{
	struct timespec left = {.tv_sec = us / US_PER_SECOND, .tv_nsec = us % US_PER_SECOND * 1000};

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
	return true;
}

void remote_warn(const struct remote *r, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	struct err safe;
	va_list args;

	if (r->warned == NULL)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_set(&safe, ERR_INVALID, "%s",
		text); /* what the server wrote does not draw on terminals */
	r->warned(r->context, safe.text);
}

/* ---- Retry-After ----------------------------------------------------------------------- */

/* "Sun, 06 Nov 1994 08:49:37 GMT": the only form of a date that RFC 9110 lets be written. */
static bool date_parse(struct slice text, int64_t *ret_us)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char iso[32];
	size_t month;

	if (text.len != 29 || !slice_ends(text, SLICE(" GMT")))
		return false;
	month = slice_find_text(SLICE(months), slice_cut(text, 8, 11));
	if (month % 3 != 0 || month >= sizeof(months) - 1)
		return false;
	snprintf(iso, sizeof(iso), "%.4s-%02zu-%.2sT%.8sZ", text.data + 12, month / 3 + 1,
		text.data + 5, text.data + 17);
	return time_parse(slice_of(iso), ret_us, NULL);
}

int64_t remote_retry_seconds(struct slice value, int64_t now_us)
{
	uint64_t seconds;
	int64_t date;

	value = slice_trim(value);
	if (slice_to_u64(value, &seconds))
		return seconds > INT32_MAX ? INT32_MAX : (int64_t)seconds;
	if (date_parse(value, &date))
		return date <= now_us ? 0 : (date - now_us + US_PER_SECOND - 1) / US_PER_SECOND;
	return -1;
}

/* ---- asking ---------------------------------------------------------------------------- */

static bool is_busy(unsigned status)
{
	return status == 408 || status == 429 || status == 502 || status == 503 || status == 504;
}

/* Wait before the next try. False with *e when there is to be none. */
static bool wait_again(
	struct remote *r, unsigned tried, int64_t seconds, const char *why, struct err *e)
{
	int64_t wait = seconds >= 0 ? seconds : INT64_C(1) << (tried - 1);

	if (wait > REMOTE_WAIT_SECONDS) {
		err_set(e, ERR_BUSY, "%s, and asks to come back in %lld seconds", why,
			(long long)wait);
		return false;
	}
	if (tried == REMOTE_TRIES || r->wait == NULL ||
		!r->wait(r->context, wait * US_PER_SECOND)) {
		err_set(e, ERR_BUSY, "%s", why);
		return false;
	}
	return true;
}

enum err_kind remote_call(struct remote *r, const struct remote_call *call,
	struct http_answer *ret_answer, struct err *e)
{
	unsigned tried = 0;

	for (;;) {
		struct http_call c = {
			.method = call->method,
			.url = call->url,
			.accept = accepts[r->accept],
			.content_type = call->content_type,
			.body = call->body,
			.etag = call->etag,
			.body_max = call->body_max,
			.sink = call->sink,
			.context = call->context,
		};
		struct http_answer answer = {0};
		struct err failure;
		int64_t seconds = -1;
		bool again = false;
		enum err_kind kind;
		char why[ERR_TEXT_MAX];

		if (tried++ > 0 && call->again != NULL)
			call->again(call->context);
		kind = http_client_call(r->http, &c, &answer, &again, &failure);
		if (kind != OK && (kind != ERR_IO || !again)) {
			if (e != NULL)
				*e = failure;
			return kind;
		}
		if (kind == OK && answer.status == 406 && r->accept + 1 < COUNT_OF(accepts)) {
			/* Not one of the tries: nothing was wrong with the line. */
			r->accept++;
			tried--;
			continue;
		}
		if (kind == OK && !is_busy(answer.status)) {
			*ret_answer = answer;
			return OK;
		}
		if (kind == OK) {
			seconds = remote_retry_seconds(
				http_answer_header(&answer, "Retry-After"), world_now(r->world));
			snprintf(why, sizeof(why), "%s: the server answers %u", call->url,
				answer.status);
		} else {
			snprintf(why, sizeof(why), "%s", failure.text);
		}
		if (!wait_again(r, tried, seconds, why, e))
			return kind == OK ? ERR_BUSY : err_set(e, ERR_IO, "%s", why);
	}
}

enum err_kind remote_refused(const struct http_answer *answer, const char *url, struct err *e)
{
	static const struct {
		unsigned status;
		enum err_kind kind;
	} kinds[] = {
		{401, ERR_DENIED },
		{403, ERR_DENIED },
		{404, ERR_USAGE  },
		{413, ERR_LIMIT  },
		{406, ERR_INVALID},
		{415, ERR_INVALID},
		{422, ERR_INVALID},
	};
	struct json_parser *p = json_parser_new(KIB(64));
	struct slice title = {0}, description = {0};
	enum err_kind kind = answer->status >= 500 ? ERR_IO : ERR_INVALID;
	struct json_doc doc;

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (kinds[i].status == answer->status)
			kind = kinds[i].kind;
	}
	if (p != NULL && answer->body.len > 0 &&
		json_parse(p, buf_slice(&answer->body), &doc, NULL) == OK) {
		title = json_get_string(json_root(&doc), "title");
		description = json_get_string(json_root(&doc), "description");
	}
	kind = err_set(e, kind, "%s: the server answers %u%s%.*s%s%.*s", url, answer->status,
		title.len > 0 ? ": " : "", SLICE_ARG(title), description.len > 0 ? ": " : "",
		SLICE_ARG(description));
	json_parser_free(p);
	return kind;
}

enum err_kind remote_media_check(
	const struct remote *r, const struct http_answer *answer, const char *url, struct err *e)
{
	struct slice type = answer->content_type, version = {0};

	if (media_taxii_version(type, &version)) {
		if (version.len == 0 || slice_is(version, "2.1"))
			return OK;
		return err_set(e, ERR_INVALID, "%s: the server speaks TAXII %.*s, expected 2.1",
			url, SLICE_ARG(version));
	}
	if (slice_find_text(type, SLICE("vnd.oasis")) < type.len)
		return err_set(e, ERR_INVALID,
			"%s: the server speaks TAXII 2.0 (%.*s), expected 2.1", url,
			SLICE_ARG(type));
	if (slice_find_text(type, SLICE("html")) < type.len)
		return err_set(e, ERR_INVALID, "%s: a web page (%.*s), no TAXII resource", url,
			SLICE_ARG(type));
	remote_warn(r, "%s: media type \"%.*s\" instead of " TAXII_TYPE, url, SLICE_ARG(type));
	return OK;
}

enum err_kind remote_get(struct remote *r, const char *url, struct json_parser *p,
	struct json_doc *ret_doc, struct err *e)
{
	const struct remote_call call = {
		.method = HTTP_GET, .url = url, .body_max = REMOTE_RESOURCE_MAX};
	struct http_answer answer = {0};
	enum err_kind kind = remote_call(r, &call, &answer, e);

	if (kind != OK)
		return kind;
	if (answer.status != 200)
		return remote_refused(&answer, url, e);
	kind = remote_media_check(r, &answer, url, e);
	if (kind != OK)
		return kind;
	kind = json_parse(p, buf_slice(&answer.body), ret_doc, e);
	if (kind != OK)
		return err_wrap(e, "%s", url);
	if (!json_is_object(json_root(ret_doc)))
		return err_set(e, ERR_PARSE, "%s: expected a TAXII resource, an object", url);
	return OK;
}

/* ---- URLs ------------------------------------------------------------------------------ */

struct slice url_origin(struct slice url)
{
	size_t at = slice_find_text(url, SLICE("://"));
	size_t end = at + 3;

	if (at == url.len || at == 0)
		return (struct slice){0};
	while (end < url.len && strchr("/?#", url.data[end]) == NULL)
		end++;
	return slice_cut(url, 0, end);
}

struct slice url_join(struct slice base, struct slice reference, struct arena *a)
{
	struct slice origin = url_origin(base), other = url_origin(reference);
	const char *slash = slice_ends(reference, SLICE("/")) ? "" : "/";

	if (other.len > 0) {
		/* Our credentials are for this server only. */
		if (!slice_equal_nocase(origin, other))
			return (struct slice){0};
		return arena_printf(a, "%.*s%s", SLICE_ARG(reference), slash);
	}
	return arena_printf(a, "%.*s%s%.*s%s", SLICE_ARG(origin),
		slice_starts(reference, SLICE("/")) ? "" : "/", SLICE_ARG(reference), slash);
}

void url_field(struct buf *url, const char *name, struct slice value)
{
	static const char unreserved[] = "-._~";
	static const char digits[] = "0123456789ABCDEF";

	buf_char(url, memchr(url->data, '?', url->len) == NULL ? '?' : '&');
	buf_text(url, name);
	buf_char(url, '=');
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			(c != 0 && strchr(unreserved, c) != NULL)) {
			buf_char(url, (char)c);
		} else {
			buf_char(url, '%');
			buf_char(url, digits[c >> 4]);
			buf_char(url, digits[c & 15]);
		}
	}
}
