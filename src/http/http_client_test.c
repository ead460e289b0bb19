/* SPDX-License-Identifier: MPL-2.0 */
/* The client against our own server: methods, limits, TLS and pins, redirects, what may be retried.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "http_talk.h"

#define MOST MIB(8)

static int set_up(void **state)
{
	struct site *s = calloc(1, sizeof(*s));

	site_init(s);
	site_certificate(s, "server", s->certificate, s->key);
	site_start(s);
	*state = s;
	return 0;
}

static int set_up_tls(void **state)
{
	struct site *s = calloc(1, sizeof(*s));

	site_init(s);
	site_certificate(s, "server", s->certificate, s->key);
	s->config.certificate_file = s->certificate;
	s->config.key_file = s->key;
	s->config.ask_client_certificate = true;
	site_start(s);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	site_fini(*state);
	free(*state);
	return 0;
}

static const char *url_of(const struct site *s, const char *path)
{
	static char text[1024];

	snprintf(text, sizeof(text), "%s://127.0.0.1:%u%s",
		s->config.certificate_file != NULL ? "https" : "http", s->port, path);
	return text;
}

static struct http_client *client(const struct http_client_config *config)
{
	struct http_client *c = NULL;
	struct err e = {0};

	if (http_client_new(config, &c, &e) != OK)
		fail_msg("%s", e.text);
	return c;
}

static bool has(const struct http_answer *a, const char *text)
{
	return slice_find_text(buf_slice(&a->body), slice_of(text)) < a->body.len;
}

static void methods(void **state)
{
	struct site *s = *state;
	struct http_client *c = client(&(struct http_client_config){.user = "ana:" TALK_PASSWORD});
	struct http_answer a;
	struct err e = {0};
	bool again;
	struct buf big = BUF_INIT;

	for (size_t i = 0; i < MIB(1); i++)
		buf_char(&big, 'b');
	for (int round = 0; round < 2;
		round++) { /* what one call sets, the next does not inherit */
		struct http_call call = {.method = HTTP_POST,
			.body_max = MOST,
			.body = SLICE("abc"),
			.content_type = "a/b"};

		call.url = url_of(s, "/account/x/");
		assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
		assert_int_equal(a.status, 200);
		assert_true(has(&a, "method 4\n") && has(&a, "body 3 3 memory") &&
			    has(&a, "account ana"));
		call.method = HTTP_PUT;
		call.url = url_of(s, "/echo/x/");
		assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
		assert_true(has(&a, "method 8\n") && has(&a, "body 3 3 memory"));
		call.body = buf_slice(&big); /* asks with 100-continue */
		assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
		assert_true(has(&a, "body 1048576 1048576 file"));
		call = (struct http_call){.method = HTTP_GET, .body_max = MOST};
		call.url = url_of(s, "/echo/x/?a=b");
		assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
		assert_true(has(&a, "method 1\n") && has(&a, "param a=b\n") &&
			    has(&a, "body 0 0 memory"));
		assert_true(slice_is(a.content_type, "text/plain; charset=utf-8"));
		call.method = HTTP_HEAD;
		assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
		assert_true(a.status == 200 && a.body.len == 0);
		call.method = HTTP_DELETE;
		call.url = url_of(s, "/hello/");
		assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
		assert_int_equal(a.status, 204);
	}
	/* One connection, but for those that were ended by the reply to DELETE. */
	assert_int_equal(http_server_metrics(s->server).connections_total, 2);
	buf_fini(&big);
	http_client_free(c);
}

static void pages(void **state)
{
	struct site *s = *state;
	struct http_client *c = client(&(struct http_client_config){.token = s->token});
	struct http_call call = {
		.method = HTTP_GET, .body_max = MOST, .accept = "application/json"};
	struct http_answer a;
	struct err e = {0};
	bool again;

	/* Packed on the way, plain here. */
	call.url = url_of(s, "/page/");
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
	assert_int_equal(a.status, 200);
	assert_true(slice_is(http_answer_header(&a, "content-ENCODING"), "zstd"));
	assert_true(slice_equal(buf_slice(&a.body), http_shared_bytes(s->page)));
	assert_true(slice_is(http_answer_header(&a, "X-Page"), "one"));
	assert_int_equal(http_answer_header(&a, "X-Pag").len, 0);
	call.etag = "W/\"page-1\"";
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
	assert_int_equal(a.status, 304);
	assert_int_equal(a.body.len, 0);
	call.etag = NULL;
	call.url = url_of(s, "/account/x/");
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
	assert_true(has(&a, "account bot\n"));
	/* Any status is an answer. */
	call.url = url_of(s, "/nothing/");
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
	assert_int_equal(a.status, 404);
	assert_true(has(&a, "{\"status\":404"));
	call.url = url_of(s, "/busy/?17");
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
	assert_int_equal(a.status, 503);
	http_client_free(c);
}

static void retry_after(void **state)
{
	static const struct {
		const char *value;
		unsigned seconds;
	} cases[] = {
		{"17",			    17   },
		{"0",			     0    },
		{"999999999999",                  86400},
		{"Wed, 21 Oct 2015 07:28:00 GMT", 0    },
		{"-1",			    0    },
		{"",			      0    },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char headers[100];
		struct http_answer a;

		snprintf(headers, sizeof(headers), "A: b\r\nRetry-after: %s\r\n", cases[i].value);
		a = (struct http_answer){.headers = slice_of(headers)};
		assert_int_equal(http_answer_retry_seconds(&a), cases[i].seconds);
	}
	assert_int_equal(http_answer_retry_seconds(&(struct http_answer){0}), 0);
}

struct sunk {
	uint64_t bytes, fail_at;
	int calls;
};

static enum err_kind sink(void *context, struct slice bytes, struct err *e)
{
	struct sunk *k = context;

	k->calls++;
	k->bytes += bytes.len;
	return k->fail_at != 0 && k->bytes >= k->fail_at ? err_set(e, ERR_FULL, "no more room")
							 : OK;
}

static void limits_and_sinks(void **state)
{
	struct site *s = *state;
	struct http_client *c = client(&(struct http_client_config){0});
	size_t page = http_shared_bytes(s->page).len;
	struct sunk k = {0};
	struct http_call call = {.method = HTTP_GET, .context = &k};
	struct http_answer a;
	struct err e = {0};
	bool again;

	/* Both sides of the limit, which holds for the unpacked bytes. */
	call.url = url_of(s, "/page/");
	call.body_max = page;
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
	assert_int_equal(a.body.len, page);
	call.body_max = page - 1;
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), ERR_LIMIT);
	assert_false(again);
	/* A bomb: a hundred megabytes of text, packed to very little. */
	call.url = url_of(s, "/stream/9999999/");
	call.body_max = KIB(100);
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), ERR_LIMIT);

	call.sink = sink;
	call.body_max = MIB(64);
	call.url = url_of(s, "/stream/1000000/");
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
	assert_int_equal(k.bytes, 1000000 * 12 - 111110);
	assert_true(k.calls > 10 && a.body.len == 0);
	k = (struct sunk){.fail_at = 1000};
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), ERR_FULL);
	assert_true(slice_ends(slice_of(e.text), SLICE("no more room")));
	/* What is no success goes to the body, not to the sink. */
	k = (struct sunk){0};
	call.url = url_of(s, "/nothing/");
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
	assert_true(k.calls == 0 && has(&a, "404"));
	http_client_free(c);
}

static void urls(void **state)
{
	static const struct {
		const char *url;
		enum err_kind kind;
	} cases[] = {
		{"http://localhost:1/",         ERR_DENIED}, /* a name could be made to mean anything */
		{"http://192.0.2.1/",           ERR_DENIED},
		{"http://127.0.0.1@192.0.2.1/", ERR_DENIED},
		{"http://[::2]/",               ERR_DENIED},
		{"file:///etc/passwd",          ERR_DENIED},
		{"ftp://127.0.0.1/",            ERR_DENIED},
		{"gopher://127.0.0.1/",         ERR_DENIED},
		{"127.0.0.1/",                  ERR_USAGE },
		{"",			    ERR_USAGE },
		{"http://[::1",                 ERR_USAGE },
		{"http://127.0.0.1:1/",         ERR_IO    },
		{"https://127.0.0.1:1/",        ERR_IO    },
	};
	struct http_client *c = client(&(struct http_client_config){0});

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct http_call call = {.method = HTTP_GET, .url = cases[i].url, .body_max = MOST};
		struct http_answer a;
		struct err e = {0};
		bool again = false;
		enum err_kind kind = http_client_call(c, &call, &a, &again, &e);

		if (kind != cases[i].kind)
			print_error("%s: %s\n", cases[i].url, e.text);
		assert_int_equal(kind, cases[i].kind);
		assert_true(e.text[0] != '\0');
		assert_int_equal(again, kind == ERR_IO); /* nobody listens: may be back later */
	}
	http_client_free(c);
}

static void settings_refused(void **state)
{
	struct http_client *c = NULL;
	struct http_call call = {
		.method = HTTP_GET, .url = "https://127.0.0.1:1/", .body_max = MOST};
	struct http_answer a;
	bool again;

	(void)state;
	assert_int_equal(http_client_new(&(struct http_client_config){.user = "nobody"}, &c, NULL),
		ERR_USAGE);
	assert_int_equal(
		http_client_new(&(struct http_client_config){.pin = "abc"}, &c, NULL), ERR_USAGE);
	c = client(&(struct http_client_config){0});
	call.accept = "a\r\nX: y";
	assert_int_equal(http_client_call(c, &call, &a, &again, NULL), ERR_USAGE);
	http_client_free(c);
}

static void redirects(void **state)
{
	struct site *s = *state;
	struct site other;
	struct http_client *c = client(&(struct http_client_config){.token = s->token});
	struct http_call call = {.method = HTTP_GET, .body_max = MOST};
	struct http_answer a;
	struct err e = {0};
	char url[512];
	bool again;

	site_init(&other);
	site_start(&other);
	call.url = url;
	/* Within the server, absolute or not. */
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/redirect/?%%2Faccount%%2Fx%%2F", s->port);
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
	assert_int_equal(a.status, 302); /* "?x" has a name and no value: nowhere */
	snprintf(
		url, sizeof(url), "http://127.0.0.1:%u/redirect/?to=%%2Faccount%%2Fx%%2F", s->port);
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
	assert_int_equal(a.status, 200);
	assert_true(has(&a, "account bot\n"));
	assert_int_equal(
		http_answer_header(&a, "Location").len, 0); /* headers of the last one only */
	/* To another port: told, not followed; our token never gets there. */
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/redirect/?to=http://127.0.0.1:%u/hello/",
		s->port, other.port);
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
	assert_int_equal(a.status, 302);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/redirect/?to=https://127.0.0.1:%u/hello/",
		s->port, s->port);
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
	assert_int_equal(a.status, 302);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/redirect/?to=file:///etc/passwd", s->port);
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
	assert_int_equal(a.status, 302);
	assert_int_equal(http_server_metrics(other.server).requests_total, 0);
	/* In a circle: it ends. */
	atomic_store(&s->handled, 0);
	snprintf(
		url, sizeof(url), "http://127.0.0.1:%u/redirect/?to=%%3Fto%%3D%%3Fto%%3D", s->port);
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
	assert_true(atomic_load(&s->handled) <= 6);
	site_fini(&other);
	http_client_free(c);
}

static void broken_answers(void **state)
{
	struct site *s = *state;
	struct http_client *c =
		client(&(struct http_client_config){.total_seconds = 1, .connect_seconds = 5});
	struct http_call call = {.method = HTTP_GET, .body_max = MOST};
	struct http_answer a;
	struct err e = {0};
	bool again = false;

	/* Cut off in the middle. */
	call.url = url_of(s, "/stream/1000/?break");
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), ERR_IO);
	assert_true(again);
	/* No answer in the time that was given. */
	atomic_store(&s->hold, true);
	call.url = url_of(s, "/hold/");
	again = false;
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), ERR_IO);
	assert_true(again);
	atomic_store(&s->hold, false);
	call.url = url_of(s, "/hello/");
	assert_int_equal(http_client_call(c, &call, &a, &again, &e), OK);
	assert_int_equal(a.status, 200);
	http_client_free(c);
}

/* ---- TLS ------------------------------------------------------------------------------ */

static unsigned get(struct site *s, const struct http_client_config *config, struct err *e)
{
	struct http_client *c = client(config);
	struct http_call call = {
		.method = HTTP_GET, .url = url_of(s, "/maybe/x/"), .body_max = MOST};
	struct http_answer a = {0};
	bool again = true;
	enum err_kind kind = http_client_call(c, &call, &a, &again, e);
	unsigned status = kind == OK ? a.status : 0;

	if (kind != OK) {
		assert_int_equal(kind, ERR_IO);
		assert_false(again); /* trust does not come with trying */
	} else if (config->certificate_file != NULL) {
		assert_true(has(&a, "account bot by certificate\n"));
	}
	http_client_free(c);
	return status;
}

static const char *pin_text(const char *certificate)
{
	static char text[100];
	struct buf base64 = BUF_INIT;
	uint8_t pin[SHA256_LEN];

	assert_int_equal(http_certificate_pin(certificate, pin, NULL), OK);
	base64_append(&base64, pin, sizeof(pin));
	snprintf(text, sizeof(text), "sha256//%.*s", SLICE_ARG(buf_slice(&base64)));
	buf_fini(&base64);
	return text;
}

static void trust(void **state)
{
	struct site *s = *state;
	char other[128], other_key[128], right[100], wrong[100];
	struct err e;

	site_certificate(s, "other", other, other_key);
	snprintf(right, sizeof(right), "%s", pin_text(s->certificate));
	snprintf(wrong, sizeof(wrong), "%s", pin_text(other));

#define CONFIG(...) &(struct http_client_config){__VA_ARGS__}
	assert_int_equal(get(s, CONFIG(.ca_file = s->certificate), &e), 200);
	assert_int_equal(get(s, CONFIG(.ca_file = other), &e), 0);
	assert_int_equal(get(s, CONFIG(.insecure = false), &e), 0); /* nobody vouches for it */
	assert_int_equal(get(s, CONFIG(.insecure = true), &e), 200);
	/* A pin alone says who the server is; beside an authority both must hold. */
	assert_int_equal(get(s, CONFIG(.pin = right), &e), 200);
	assert_int_equal(get(s, CONFIG(.pin = wrong), &e), 0);
	assert_int_equal(get(s, CONFIG(.pin = wrong, .insecure = true), &e), 0);
	assert_int_equal(get(s, CONFIG(.pin = right, .ca_file = s->certificate), &e), 200);
	assert_int_equal(get(s, CONFIG(.pin = wrong, .ca_file = s->certificate), &e), 0);
	assert_int_equal(get(s, CONFIG(.pin = right, .ca_file = other), &e), 0);
	/* Our own certificate. */
	assert_int_equal(http_certificate_pin(other, s->fake.accounts[1].pin, NULL), OK);
	s->fake.accounts[1].has_pin = true;
	atomic_fetch_add(&s->fake.epoch, 1);
	assert_int_equal(
		get(s, CONFIG(.pin = right, .certificate_file = other, .key_file = other_key), &e),
		200);
#undef CONFIG
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(methods, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pages, set_up, tear_down),
		cmocka_unit_test(retry_after),
		cmocka_unit_test_setup_teardown(limits_and_sinks, set_up, tear_down),
		cmocka_unit_test(urls),
		cmocka_unit_test(settings_refused),
		cmocka_unit_test_setup_teardown(redirects, set_up, tear_down),
		cmocka_unit_test_setup_teardown(broken_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(trust, set_up_tls, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
