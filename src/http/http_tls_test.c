/* SPDX-License-Identifier: MPL-2.0 */
/* TLS: versions and suites, client certificates, resumption, reload, and certificates made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "http_talk.h"

static unsigned status_with(
	struct site *s, const char *certificate, const char *key, bool *ret_by_pin)
{
	struct talk t;
	struct reply r;
	unsigned status;

	assert_true(talk_open_tls(&t, s->port, certificate, key, NULL));
	/* Twice: the certificate is looked at once per connection and holds for it. */
	talk_ask(&t, &r, "GET /account/x/" HOST "\r\n");
	status = r.status;
	reply_fini(&r);
	talk_ask(&t, &r, "GET /account/x/" HOST "\r\n");
	assert_int_equal(r.status, status);
	*ret_by_pin = reply_has(&r, "account bot by certificate\n");
	reply_fini(&r);
	talk_close(&t);
	return status;
}

/* None, ours, a stranger's: the library alone lets all three in. */
static void client_certificates(void **state)
{
	struct site *s = *state;
	char certificate[128], key[128], stranger[128], stranger_key[128];
	struct talk t;
	struct reply r;
	bool by_pin;

	site_certificate(s, "bot", certificate, key);
	site_certificate(s, "stranger", stranger, stranger_key);
	assert_int_equal(http_certificate_pin(certificate, s->fake.accounts[1].pin, NULL), OK);
	s->fake.accounts[1].has_pin = true;
	atomic_fetch_add(&s->fake.epoch, 1);

	assert_int_equal(status_with(s, NULL, NULL, &by_pin), 401);
	assert_int_equal(status_with(s, certificate, key, &by_pin), 200);
	assert_true(by_pin);
	assert_int_equal(status_with(s, stranger, stranger_key, &by_pin), 401);
	/* Somebody else's name beside our certificate: it is he, and not by certificate. */
	assert_true(talk_open_tls(&t, s->port, certificate, key, NULL));
	talk_ask(&t, &r, "GET /account/x/" HOST "%s\r\n", basic_header("ana", TALK_PASSWORD));
	assert_int_equal(r.status, 200);
	assert_true(reply_has(&r, "account ana\n"));
	assert_true(reply_has(&r, "tls 1\n"));
	assert_true(reply_header(&r, "Strict-Transport-Security").len != 0);
	reply_fini(&r);
	/* Our token beside it: both. */
	talk_ask(&t, &r, "GET /account/x/" HOST "Authorization: Bearer %s\r\n\r\n", s->token);
	assert_true(reply_has(&r, "account bot by certificate\n"));
	reply_fini(&r);
	talk_close(&t);

	/* The account gone, the open connection is nobody's. */
	assert_true(talk_open_tls(&t, s->port, certificate, key, NULL));
	talk_ask(&t, &r, "GET /account/x/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	s->fake.accounts[1].disabled = true;
	atomic_fetch_add(&s->fake.epoch, 1);
	talk_ask(&t, &r, "GET /account/x/" HOST "\r\n");
	assert_int_equal(r.status, 401);
	reply_fini(&r);
	talk_close(&t);
	s->fake.accounts[1].disabled = false;
	atomic_fetch_add(&s->fake.epoch, 1);

	/* Out of date: no proof of anything. */
	atomic_fetch_add(&s->fake.now_us, INT64_C(11) * 366 * 24 * 3600 * US_PER_SECOND);
	assert_int_equal(status_with(s, certificate, key, &by_pin), 401);
	atomic_fetch_sub(&s->fake.now_us, INT64_C(12) * 366 * 24 * 3600 * US_PER_SECOND);
	assert_int_equal(status_with(s, certificate, key, &by_pin), 401);
}

static void tls_versions(void **state)
{
	static const struct {
		const char *priorities;
		bool accepted;
	} cases[] = {
		{"NORMAL:-VERS-ALL:+VERS-TLS1.3",                                              true },
		{"NORMAL:-VERS-ALL:+VERS-TLS1.2",                                              true },
		{"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM",                     true },
		{"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+CHACHA20-POLY1305",               true },
 /* RFC 7540 appendix A: CBC, and key exchange by RSA alone. */
		{"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:+AES-256-CBC",        false},
		{"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA",                                 false},
		{"NORMAL:-VERS-ALL:+VERS-TLS1.1:+SHA1:+SIGN-ALL:%VERIFY_ALLOW_SIGN_WITH_SHA1",
                 false									      },
		{"NORMAL:-VERS-ALL:+VERS-TLS1.0:+SHA1:+SIGN-ALL:%VERIFY_ALLOW_SIGN_WITH_SHA1",
                 false									      },
	};
	struct site *s = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct talk t;
		struct reply r;

		if (talk_open_tls(&t, s->port, NULL, NULL, cases[i].priorities) !=
			cases[i].accepted)
			fail_msg("%s", cases[i].priorities);
		if (cases[i].accepted) {
			talk_ask(&t, &r, "GET /page/" HOST "\r\n");
			assert_int_equal(r.status, 200);
			assert_true(slice_equal(buf_slice(&r.body), http_shared_bytes(s->page)));
			reply_fini(&r);
		}
		talk_close(&t);
	}
}

static void tls_resumption(void **state)
{
	static const char *const versions[] = {
		"NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2"};
	struct site *s = *state;

	for (int asks = 0; asks < 2; asks++) {
		s->config.ask_client_certificate = asks;
		site_start(s);
		for (size_t i = 0; i < COUNT_OF(versions); i++) {
			struct buf ticket = BUF_INIT;
			struct talk t;
			struct reply r;

			assert_true(talk_open_tls(&t, s->port, NULL, NULL, versions[i]));
			talk_ask(&t, &r, "GET /hello/" HOST "\r\n");
			assert_int_equal(r.status, 200);
			reply_fini(&r);
			talk_ticket(&t, &ticket);
			talk_close(&t);
			assert_true(talk_resume_tls(&t, s->port, &ticket, versions[i]));
			assert_true(asks || talk_resumed(&t));
			talk_ask(&t, &r, "GET /hello/" HOST "\r\n");
			assert_int_equal(r.status, 200);
			reply_fini(&r);
			talk_close(&t);
			buf_fini(&ticket);
		}
		http_server_stop(s->server, 10);
		s->server = NULL;
	}
}

static void tls_bodies(void **state)
{
	struct site *s = *state;
	struct talk t;
	struct reply r;
	struct buf line = BUF_INIT;

	body_line(&line, MIB(1), "file");
	assert_true(talk_open_tls(&t, s->port, NULL, NULL, NULL));
	talk_send(&t, SLICE("POST /echo/x/" HOST "Content-Length: 1048576\r\n\r\n"));
	talk_send_body(&t, MIB(1));
	talk_reply(&t, false, &r);
	assert_int_equal(r.status, 200);
	assert_true(reply_has(&r, line.data));
	reply_fini(&r);
	talk_ask(&t, &r, "GET /stream/100000/" HOST "Accept-Encoding: gzip\r\n\r\n");
	assert_true(r.whole);
	reply_fini(&r);
	/* Refused in the middle, over TLS too. */
	talk_send(&t, SLICE("POST /echo/x/" HOST "Transfer-Encoding: chunked\r\n\r\n"));
	for (int i = 0; i < 64; i++) {
		talk_send(&t, SLICE("10000\r\n"));
		talk_send_body(&t, KIB(64));
		talk_send(&t, SLICE("\r\n"));
	}
	talk_reply(&t, false, &r);
	assert_int_equal(r.status, 413);
	assert_true(r.whole);
	reply_fini(&r);
	talk_close(&t);
	buf_fini(&line);
}

static void reload(void **state)
{
	struct site *s = *state;
	char fresh[128], fresh_key[128];
	uint8_t old_pin[SHA256_LEN], new_pin[SHA256_LEN], seen[SHA256_LEN];
	struct talk before, after;
	struct reply r;
	struct err e;

	assert_int_equal(http_certificate_pin(s->certificate, old_pin, NULL), OK);
	assert_true(talk_open_tls(&before, s->port, NULL, NULL, NULL));
	talk_ask(&before, &r, "GET /hello/" HOST "\r\n");
	reply_fini(&r);
	talk_peer_pin(&before, seen);
	assert_memory_equal(seen, old_pin, SHA256_LEN);

	/* What cannot be read changes nothing. */
	assert_int_equal(rename(s->certificate, "/tmp/serai-http-test-aside"), 0);
	assert_int_equal(http_server_reload(s->server, &e), ERR_IO);
	assert_int_equal(rename("/tmp/serai-http-test-aside", s->certificate), 0);
	site_certificate(s, "fresh", fresh, fresh_key);
	assert_int_equal(rename(fresh, s->certificate), 0);
	assert_int_equal(http_server_reload(s->server, &e), ERR_PARSE); /* not its key */
	assert_true(talk_open_tls(&after, s->port, NULL, NULL, NULL));
	talk_peer_pin(&after, seen);
	assert_memory_equal(seen, old_pin, SHA256_LEN);
	talk_close(&after);

	assert_int_equal(rename(fresh_key, s->key), 0);
	assert_int_equal(http_server_reload(s->server, &e), OK);
	assert_int_equal(http_certificate_pin(s->certificate, new_pin, NULL), OK);
	assert_true(talk_open_tls(&after, s->port, NULL, NULL, NULL));
	talk_peer_pin(&after, seen);
	assert_memory_equal(seen, new_pin, SHA256_LEN);
	talk_close(&after);
	/* The open connection goes on. */
	talk_ask(&before, &r, "GET /hello/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	talk_close(&before);
}

static void certificates_made(void **state)
{
	struct site *s = *state;
	char certificate[128], key[128];
	uint8_t pin[SHA256_LEN];
	struct err e;

	snprintf(certificate, sizeof(certificate), "%s/a.pem", s->folder);
	snprintf(key, sizeof(key), "%s/a.key", s->folder);
	assert_int_equal(http_certificate_make(&s->fake.world,
				 "serai.example.org, 192.0.2.7, 2001:db8::1", certificate, key, &e),
		OK);
	/* Never over one that is there. */
	assert_int_equal(
		http_certificate_make(&s->fake.world, "a", certificate, key, &e), ERR_CONFLICT);
	assert_int_equal(http_certificate_pin(certificate, pin, &e), OK);
	assert_int_equal(http_certificate_pin(key, pin, &e), ERR_PARSE);
	assert_int_equal(http_certificate_pin("/nowhere", pin, &e), ERR_IO);
	unlink(certificate);
	unlink(key);
	assert_int_equal(
		http_certificate_make(&s->fake.world, "a b", certificate, key, &e), ERR_INVALID);
	assert_int_equal(
		http_certificate_make(&s->fake.world, "", certificate, key, &e), ERR_INVALID);
	assert_int_equal(access(key, F_OK), -1);
	site_start(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			client_certificates, site_set_up_tls, site_tear_down),
		cmocka_unit_test_setup_teardown(tls_versions, site_set_up_tls, site_tear_down),
		cmocka_unit_test_setup_teardown(
			tls_resumption, site_set_up_tls_only, site_tear_down),
		cmocka_unit_test_setup_teardown(tls_bodies, site_set_up_tls, site_tear_down),
		cmocka_unit_test_setup_teardown(reload, site_set_up_tls, site_tear_down),
		cmocka_unit_test_setup_teardown(
			certificates_made, site_set_up_only, site_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
