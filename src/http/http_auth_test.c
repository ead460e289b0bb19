/* SPDX-License-Identifier: MPL-2.0 */
/* Who is asking, under virtual time: passwords, tokens, pins, what is remembered, and back-off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sched.h>
#include <stdlib.h>

#include "http_fake.h"

#define PASSWORD "correct horse battery"

struct fixture {
	struct fake fake;
	struct http_auth *auth;
	char token[64];
	uint8_t pin[SHA256_LEN];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct store_account *account;

	fake_init(&f->fake);
	(void)fake_account(&f->fake, "ana", STORE_READER, PASSWORD);
	account = fake_account(&f->fake, "bot", STORE_CONTRIBUTOR, NULL);
	http_token_new(&f->fake.world, f->token, account->token);
	account->has_token = true;
	memset(f->pin, 7, sizeof(f->pin));
	memcpy(account->pin, f->pin, sizeof(f->pin));
	account->has_pin = true;
	assert_int_equal(http_auth_new(&f->fake.table, &f->fake.world, &f->auth, NULL), OK);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	http_auth_free(f->auth);
	fake_fini(&f->fake);
	free(f);
	return 0;
}

static struct http_verdict check(
	struct fixture *f, const char *authorization, const char *address, const uint8_t *pin)
{
	struct http_claim claim = {slice_of(authorization), slice_of(address), pin};
	struct http_verdict verdict;

	http_auth_check(f->auth, &claim, &verdict);
	return verdict;
}

/* The status of a try, and who it was: "200 ana", "401", "429". */
static const char *try_as(
	struct fixture *f, const char *authorization, const char *address, const uint8_t *pin)
{
	static char text[100];
	struct http_verdict verdict = check(f, authorization, address, pin);

	if (verdict.login != NULL)
		snprintf(text, sizeof(text), "200 %.*s", SLICE_ARG(verdict.login->account.name));
	else
		snprintf(text, sizeof(text), "%u", verdict.status);
	http_login_drop(verdict.login);
	return text;
}

static const char *basic(const char *name, const char *password)
{
	static char text[4096];
	struct buf pair = BUF_INIT, base64 = BUF_INIT;

	buf_printf(&pair, "%s:%s", name, password);
	base64_append(&base64, pair.data, pair.len);
	snprintf(text, sizeof(text), "Basic %.*s", SLICE_ARG(buf_slice(&base64)));
	buf_fini(&pair);
	buf_fini(&base64);
	return text;
}

static const char *bearer(const char *token)
{
	static char text[512];

	snprintf(text, sizeof(text), "Bearer %.300s", token);
	return text;
}

static void ways_in(void **state)
{
	struct fixture *f = *state;
	uint8_t stranger[SHA256_LEN] = {1};

	assert_string_equal(try_as(f, "", "a", NULL), "0"); /* nobody in particular */
	assert_string_equal(try_as(f, basic("ana", PASSWORD), "a", NULL), "200 ana");
	assert_string_equal(try_as(f, basic("ana", PASSWORD "x"), "a", NULL), "401");
	assert_string_equal(try_as(f, basic("Ana", PASSWORD), "a", NULL), "401");
	assert_string_equal(try_as(f, bearer(f->token), "a", NULL), "200 bot");
	assert_string_equal(try_as(f, bearer("serai_wrong"), "b", NULL), "401");
	assert_string_equal(try_as(f, "", "a", f->pin), "200 bot");
	assert_string_equal(try_as(f, "", "a", stranger), "0");
	/* Credentials that are named count before the certificate. */
	assert_string_equal(try_as(f, basic("ana", PASSWORD), "a", f->pin), "200 ana");
	assert_string_equal(try_as(f, bearer("serai_wrong"), "c", f->pin), "401");
	/* An account without a password has none that is right. */
	assert_string_equal(try_as(f, basic("bot", ""), "d", NULL), "401");
	assert_string_equal(try_as(f, "Digest username=\"ana\"", "a", NULL), "401");
}

static void schemes_and_pairs(void **state)
{
	static const struct {
		const char *pair, *name, *password; /* name NULL: refused */
	} cases[] = {
		{"a:b",   "a",  "b"  },
		{"a:",    "a",  ""   },
		{"a:b:c", "a",  "b:c"},
		{":b",    NULL, NULL },
		{"ab",    NULL, NULL },
		{"",      NULL, NULL },
	};
	struct slice rest, name, password;

	(void)state;
	assert_int_equal(http_scheme_parse(SLICE("Basic  abc "), &rest), HTTP_SCHEME_BASIC);
	assert_true(slice_is(rest, "abc"));
	assert_int_equal(http_scheme_parse(SLICE("bEARER x y"), &rest), HTTP_SCHEME_BEARER);
	assert_true(slice_is(rest, "x y"));
	assert_int_equal(http_scheme_parse(SLICE("Basic"), &rest), HTTP_SCHEME_BASIC);
	assert_int_equal(rest.len, 0);
	assert_int_equal(http_scheme_parse(SLICE("Basicabc"), &rest), HTTP_SCHEME_NONE);
	assert_int_equal(http_scheme_parse(SLICE(""), &rest), HTTP_SCHEME_NONE);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf base64 = BUF_INIT, b = BUF_MAX(HTTP_CREDENTIALS_MAX);

		base64_append(&base64, cases[i].pair, strlen(cases[i].pair));
		assert_int_equal(http_basic_decode(buf_slice(&base64), &b, &name, &password),
			cases[i].name != NULL);
		if (cases[i].name != NULL) {
			assert_true(slice_is(name, cases[i].name));
			assert_true(slice_is(password, cases[i].password));
		}
		buf_fini(&base64);
		buf_fini(&b);
	}
	struct buf b = BUF_MAX(HTTP_CREDENTIALS_MAX);
	assert_false(http_basic_decode(SLICE("YTpi="), &b, &name, &password)); /* not base64 */
	buf_clear(&b);
	assert_false(http_basic_decode(SLICE("YTpiAGM="), &b, &name, &password)); /* NUL */
	buf_fini(&b);
	/* Both sides of the longest name and password. */
	for (size_t extra = 0; extra < 2; extra++) {
		for (int which = 0; which < 2; which++) {
			struct buf pair = BUF_INIT, base64 = BUF_INIT;
			size_t name_len = HTTP_NAME_MAX + (which == 0 ? extra : 0);
			size_t password_len = HTTP_PASSWORD_MAX + (which == 1 ? extra : 0);

			for (size_t i = 0; i < name_len; i++)
				buf_char(&pair, 'n');
			buf_char(&pair, ':');
			for (size_t i = 0; i < password_len; i++)
				buf_char(&pair, 'p');
			base64_append(&base64, pair.data, pair.len);
			b = BUF_MAX(HTTP_CREDENTIALS_MAX);
			assert_int_equal(
				http_basic_decode(buf_slice(&base64), &b, &name, &password),
				extra == 0);
			buf_fini(&pair);
			buf_fini(&base64);
			buf_fini(&b);
		}
	}
}

static void hashing_is_remembered(void **state)
{
	struct fixture *f = *state;
	uint64_t hashes;

	assert_string_equal(try_as(f, basic("ana", PASSWORD), "a", NULL), "200 ana");
	hashes = http_auth_hashes(f->auth);
	for (int i = 0; i < 10; i++)
		assert_string_equal(try_as(f, basic("ana", PASSWORD), "b", NULL), "200 ana");
	assert_int_equal(http_auth_hashes(f->auth), hashes);
	fake_advance(&f->fake, HTTP_TRUST_SECONDS - 1);
	assert_string_equal(try_as(f, basic("ana", PASSWORD), "a", NULL), "200 ana");
	assert_int_equal(http_auth_hashes(f->auth), hashes);
	fake_advance(&f->fake, 1);
	assert_string_equal(try_as(f, basic("ana", PASSWORD), "a", NULL), "200 ana");
	assert_int_equal(http_auth_hashes(f->auth), hashes + 1);

	/* An account that changed elsewhere: looked up again, not hashed again. */
	f->fake.accounts[0].role = STORE_ADMINISTRATOR;
	atomic_fetch_add(&f->fake.epoch, 1);
	struct http_verdict verdict = check(f, basic("ana", PASSWORD), "a", NULL);
	assert_int_equal(verdict.login->account.role, STORE_ADMINISTRATOR);
	http_login_drop(verdict.login);
	assert_int_equal(http_auth_hashes(f->auth), hashes + 1);
	/* Nothing changed since: not even looked up. */
	unsigned lookups = atomic_load(&f->fake.lookups);
	assert_string_equal(try_as(f, basic("ana", PASSWORD), "a", NULL), "200 ana");
	assert_int_equal(atomic_load(&f->fake.lookups), lookups);
}

static void deletion_counts_at_once(void **state)
{
	struct fixture *f = *state;
	struct slice other;

	assert_string_equal(try_as(f, basic("ana", PASSWORD), "a", NULL), "200 ana");
	assert_string_equal(try_as(f, bearer(f->token), "a", NULL), "200 bot");
	assert_string_equal(try_as(f, "", "a", f->pin), "200 bot");
	/* Disabled. */
	f->fake.accounts[0].disabled = true;
	f->fake.accounts[1].disabled = true;
	atomic_fetch_add(&f->fake.epoch, 1);
	assert_string_equal(try_as(f, basic("ana", PASSWORD), "b", NULL), "401");
	assert_string_equal(try_as(f, bearer(f->token), "b", NULL), "401");
	assert_string_equal(try_as(f, "", "b", f->pin), "0");
	/* Back again, with another password. */
	f->fake.accounts[0].disabled = false;
	assert_int_equal(
		http_password_hash(SLICE("another one now"), f->fake.arena, &other, NULL), OK);
	f->fake.accounts[0].password = other;
	atomic_fetch_add(&f->fake.epoch, 1);
	assert_string_equal(try_as(f, basic("ana", PASSWORD), "c", NULL), "401");
	assert_string_equal(try_as(f, basic("ana", "another one now"), "c", NULL), "200 ana");
	/* Gone altogether, and somebody else under that name. */
	f->fake.accounts[0].number = 99;
	atomic_fetch_add(&f->fake.epoch, 1);
	uint64_t hashes = http_auth_hashes(f->auth);
	assert_string_equal(try_as(f, basic("ana", "another one now"), "c", NULL), "200 ana");
	assert_int_equal(http_auth_hashes(f->auth), hashes + 1);
	f->fake.count = 0;
	atomic_fetch_add(&f->fake.epoch, 1);
	assert_string_equal(try_as(f, basic("ana", "another one now"), "c", NULL), "401");
}

static void unknown_names_cost_the_same(void **state)
{
	struct fixture *f = *state;
	uint64_t hashes = http_auth_hashes(f->auth);

	assert_string_equal(try_as(f, basic("nobody", PASSWORD), "a", NULL), "401");
	assert_int_equal(http_auth_hashes(f->auth), hashes + 1);
	assert_string_equal(try_as(f, basic("bot", PASSWORD), "b", NULL), "401");
	assert_int_equal(http_auth_hashes(f->auth), hashes + 2);
	assert_string_equal(try_as(f, basic("ana", "wrong"), "c", NULL), "401");
	assert_int_equal(http_auth_hashes(f->auth), hashes + 3);
}

static void guessing_gets_slow(void **state)
{
	struct fixture *f = *state;
	struct http_verdict verdict;
	uint64_t hashes;

	/* An address that tries many names. */
	for (int i = 0; i <= HTTP_BACKOFF_FREE; i++) {
		char name[8];

		snprintf(name, sizeof(name), "n%d", i);
		assert_string_equal(try_as(f, basic(name, "guess"), "evil", NULL), "401");
	}
	hashes = http_auth_hashes(f->auth);
	verdict = check(f, basic("ana", "guess"), "evil", NULL);
	assert_int_equal(verdict.status, 429);
	assert_int_equal(verdict.retry_seconds, 1);
	assert_int_equal(http_auth_hashes(f->auth), hashes); /* costs us nothing */
	/* Not even the right password, as long as it is the first time from there ... */
	assert_string_equal(try_as(f, basic("ana", PASSWORD), "evil", NULL), "429");
	/* ... but tokens and certificates are no guesses, */
	assert_string_equal(try_as(f, bearer(f->token), "evil", NULL), "200 bot");
	assert_string_equal(try_as(f, "", "evil", f->pin), "200 bot");
	assert_string_equal(try_as(f, bearer("serai_wrong"), "evil", NULL), "429");
	/* and others are not held up. */
	assert_string_equal(try_as(f, basic("ana", PASSWORD), "good", NULL), "200 ana");
	assert_string_equal(
		try_as(f, basic("ana", PASSWORD), "evil", NULL), "200 ana"); /* remembered */

	/* The wait doubles, up to its longest. */
	fake_advance(&f->fake, 1);
	assert_string_equal(try_as(f, basic("n9", "guess"), "evil", NULL), "401");
	assert_int_equal(check(f, basic("n9", "guess"), "evil", NULL).retry_seconds, 2);
	for (int i = 0; i < 20; i++) {
		fake_advance(&f->fake, HTTP_BACKOFF_ADDRESS_SECONDS);
		assert_string_equal(try_as(f, basic("n10", "guess"), "evil", NULL), "401");
	}
	verdict = check(f, basic("n11", "guess"), "evil", NULL);
	assert_int_equal(verdict.status, 429);
	assert_int_equal(verdict.retry_seconds, HTTP_BACKOFF_ADDRESS_SECONDS);
	/* Forgotten after a quiet time. */
	fake_advance(&f->fake, HTTP_BACKOFF_FORGET_SECONDS + 1);
	for (int i = 0; i < HTTP_BACKOFF_FREE; i++)
		assert_string_equal(try_as(f, basic("n12", "guess"), "evil", NULL), "401");
	assert_string_equal(try_as(f, basic("n13", "guess"), "evil", NULL), "401");
}

static void guessing_one_account(void **state)
{
	struct fixture *f = *state;
	struct http_verdict verdict;

	/* One name from many addresses: the name slows down, but never for long. */
	for (int i = 0; i < 30; i++) {
		char address[8];

		snprintf(address, sizeof(address), "a%d", i);
		assert_string_equal(try_as(f, basic("ana", "guess"), address, NULL), "401");
		fake_advance(&f->fake, HTTP_BACKOFF_NAME_SECONDS);
	}
	assert_string_equal(try_as(f, basic("ana", "guess"), "b", NULL), "401");
	verdict = check(f, basic("ana", PASSWORD), "c", NULL);
	assert_int_equal(verdict.status, 429);
	assert_int_equal(verdict.retry_seconds, HTTP_BACKOFF_NAME_SECONDS);
	fake_advance(&f->fake, HTTP_BACKOFF_NAME_SECONDS);
	/* A success clears both counts. */
	assert_string_equal(try_as(f, basic("ana", PASSWORD), "b", NULL), "200 ana");
	for (int i = 0; i < HTTP_BACKOFF_FREE; i++)
		assert_string_equal(try_as(f, basic("ana", "guess"), "b", NULL), "401");
	assert_string_equal(try_as(f, basic("ana", "guess"), "b", NULL), "401");
	assert_string_equal(try_as(f, basic("ana", "guess"), "b", NULL), "429");
	assert_int_equal(http_auth_failures(f->auth), 31 + HTTP_BACKOFF_FREE + 1);
}

static void backoff_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct http_backoff *b = http_backoff_new(&f->fake.world);

	/* Far more keys than slots: the newest is still known. */
	for (int i = 0; i < 5 * HTTP_BACKOFF_SLOTS; i++) {
		char key[16];
		int len = snprintf(key, sizeof(key), "%d", i);
		struct slice name = {key, (size_t)len};

		for (int k = 0; k <= HTTP_BACKOFF_FREE; k++)
			http_backoff_fail(b, HTTP_BACKOFF_ADDRESS, name);
		assert_int_equal(http_backoff_wait(b, HTTP_BACKOFF_ADDRESS, name), 1);
		assert_int_equal(http_backoff_wait(b, HTTP_BACKOFF_NAME, name), 0);
		atomic_fetch_add(&f->fake.monotonic_us, 1);
	}
	http_backoff_free(b);
}

static void the_store_fails(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->fake.broken, true);
	assert_string_equal(try_as(f, basic("ana", PASSWORD), "a", NULL), "500");
	assert_string_equal(try_as(f, bearer(f->token), "a", NULL), "500");
	assert_string_equal(try_as(f, "", "a", f->pin), "500");
	assert_int_equal(http_auth_failures(f->auth), 0);
	atomic_store(&f->fake.broken, false);
	assert_string_equal(try_as(f, basic("ana", PASSWORD), "a", NULL), "200 ana");
}

struct login {
	struct fixture *f;
	const char *authorization;
	struct http_verdict verdict;
	atomic_int *done;
};

static void *login_run(void *context)
{
	struct login *l = context;

	l->verdict = check(l->f, l->authorization, "a", NULL);
	http_login_drop(l->verdict.login);
	atomic_fetch_add(l->done, 1);
	return NULL;
}

/* One password is hashed at a time, few wait, and the rest is told to come back. */
static void logins_at_once(void **state)
{
	struct fixture *f = *state;
	char authorization[200];
	atomic_int done = 0;
	struct login logins[HTTP_HASH_WAITERS + 2];
	pthread_t threads[COUNT_OF(logins)];
	unsigned refused = 0;

	snprintf(authorization, sizeof(authorization), "%s", basic("ana", PASSWORD));
	atomic_store(&f->fake.hold, true); /* whoever hashes does not come to an end */
	for (size_t i = 0; i < COUNT_OF(logins); i++) {
		logins[i] = (struct login){.f = f, .authorization = authorization, .done = &done};
		assert_int_equal(pthread_create(&threads[i], NULL, login_run, &logins[i]), 0);
	}
	while (atomic_load(&done) == 0)
		sched_yield();
	assert_int_equal(atomic_load(&done), 1);
	atomic_store(&f->fake.hold, false);
	for (size_t i = 0; i < COUNT_OF(logins); i++) {
		pthread_join(threads[i], NULL);
		if (logins[i].verdict.status == 503) {
			assert_int_equal(logins[i].verdict.retry_seconds, 1);
			refused++;
		} else {
			assert_int_equal(logins[i].verdict.status, 0);
		}
	}
	assert_int_equal(refused, 1);
	assert_string_equal(try_as(f, authorization, "a", NULL), "200 ana");
}

/* More logins than fit: the table stays bounded and right. */
static void many_logins(void **state)
{
	struct fixture *f = *state;
	static char tokens[3 * HTTP_LOGINS][64];

	f->fake.count = 1;
	for (size_t i = 0; i < COUNT_OF(tokens); i++) {
		http_token_new(&f->fake.world, tokens[i], f->fake.accounts[0].token);
		f->fake.accounts[0].has_token = true;
		assert_string_equal(try_as(f, bearer(tokens[i]), "a", NULL), "200 ana");
	}
	assert_string_equal(try_as(f, bearer(tokens[COUNT_OF(tokens) - 1]), "a", NULL), "200 ana");
	atomic_fetch_add(&f->fake.epoch, 1);
	assert_string_equal(try_as(f, bearer(tokens[0]), "a", NULL), "401");
}

static void passwords_made(void **state)
{
	struct arena *a = arena_new(MIB(1));
	struct slice hash;
	char longest[HTTP_PASSWORD_MAX + 1];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(http_password_hash(SLICE("12345678901"), a, &hash, NULL), ERR_INVALID);
	assert_int_equal(http_password_hash(SLICE("123456789012"), a, &hash, NULL), OK);
	assert_true(slice_starts(hash, SLICE("$argon2id$v=19$m=19456,t=2,p=1$")));
	/* Characters, not bytes. */
	assert_int_equal(
		http_password_hash(
			SLICE("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"), a, &hash, NULL),
		ERR_INVALID);
	assert_int_equal(
		http_password_hash((struct slice){longest, HTTP_PASSWORD_MAX}, a, &hash, NULL), OK);
	assert_int_equal(
		http_password_hash((struct slice){longest, HTTP_PASSWORD_MAX + 1}, a, &hash, NULL),
		ERR_LIMIT);
	assert_int_equal(http_password_hash(SLICE("123456\n789012"), a, &hash, NULL), ERR_INVALID);
	assert_int_equal(http_password_hash(SLICE("123456\xff"
						  "789012"),
				 a, &hash, NULL),
		ERR_INVALID);
	arena_free(a);
}

static void tokens_made(void **state)
{
	char first[64], second[64];
	uint8_t hash[SHA256_LEN], again[SHA256_LEN];

	(void)state;
	http_token_new(world_real(), first, hash);
	http_token_new(world_real(), second, again);
	assert_string_not_equal(first, second);
	assert_int_equal(strlen(first), strlen("serai_") + 43); /* 256 bits */
	assert_true(slice_starts(slice_of(first), SLICE("serai_")));
	hash_sha256(slice_of(first), again);
	assert_memory_equal(hash, again, SHA256_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ways_in, set_up, tear_down),
		cmocka_unit_test(schemes_and_pairs),
		cmocka_unit_test_setup_teardown(hashing_is_remembered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(deletion_counts_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unknown_names_cost_the_same, set_up, tear_down),
		cmocka_unit_test_setup_teardown(guessing_gets_slow, set_up, tear_down),
		cmocka_unit_test_setup_teardown(guessing_one_account, set_up, tear_down),
		cmocka_unit_test_setup_teardown(backoff_is_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_store_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(logins_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_logins, set_up, tear_down),
		cmocka_unit_test(passwords_made),
		cmocka_unit_test(tokens_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
