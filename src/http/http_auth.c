/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who is asking: Basic, Bearer or a client certificate, in that order of precedence. A right token
 * or certificate is never held up by other people's failures; passwords are, because guessing them
 * is possible, except a password that was right a moment ago.
 */
#include <sodium.h>
#include <stdlib.h>

#include "http_parts.h"

#define WAYS         4       /* places one login may take */
#define LOOKUP_MAX   KIB(64) /* arena bytes for one account */
#define BUSY_SECONDS 1       /* what a client is told when another password is being hashed */

/* What was presented and found right; the key is a MAC of it, so the memory holds no secret. */
struct entry {
	uint8_t key[32];
	uint64_t epoch; /* of the accounts when looked up */
	int64_t until_us;
	struct http_login *login; /* NULL: free */
};

struct http_auth {
	struct http_accounts accounts;
	const struct world *world;
	struct http_backoff *backoff;
	uint8_t mac_key[32];
	char dummy[crypto_pwhash_STRBYTES]; /* hash of a password nobody knows */
	pthread_mutex_t hash_lock;          /* one Argon2id at a time: HTTP_ARGON_MEMORY each */
	atomic_uint hash_waiters;
	atomic_uint_fast64_t failures, hashes;
	pthread_mutex_t lock; /* of the entries */
	struct entry entries[HTTP_LOGINS];
};

const char *const http_challenges[2] = {
	"Basic realm=\"serai\", charset=\"UTF-8\"",
	"Bearer realm=\"serai\"",
};

/* ---- logins --------------------------------------------------------------------------- */

static struct http_login *login_new(const struct store_account *account)
{
	size_t name_len = account->name.len, password_len = account->password.len;
	struct http_login *login = malloc(sizeof(*login) + name_len + password_len);

	if (login == NULL)
		return NULL;
	atomic_init(&login->owners, 1);
	login->account = *account;
	if (name_len != 0)
		memcpy(login->text, account->name.data, name_len);
	if (password_len != 0)
		memcpy(login->text + name_len, account->password.data, password_len);
	login->account.name = (struct slice){login->text, name_len};
	login->account.password = (struct slice){login->text + name_len, password_len};
	return login;
}

struct http_login *http_login_keep(struct http_login *login)
{
	atomic_fetch_add_explicit(&login->owners, 1, memory_order_relaxed);
	return login;
}

void http_login_drop(struct http_login *login)
{
	if (login != NULL &&
		atomic_fetch_sub_explicit(&login->owners, 1, memory_order_acq_rel) == 1)
		free(login);
}

/* ---- reading the header --------------------------------------------------------------- */

enum http_scheme http_scheme_parse(struct slice authorization, struct slice *ret_rest)
{
	static const struct {
		struct slice name;
		enum http_scheme scheme;
	} schemes[] = {
		{{"Basic", 5},  HTTP_SCHEME_BASIC },
		{{"Bearer", 6}, HTTP_SCHEME_BEARER},
	};
	size_t blank = slice_find(authorization, ' ', 0);

	for (size_t i = 0; i < COUNT_OF(schemes); i++) {
		if (slice_equal_nocase(slice_cut(authorization, 0, blank), schemes[i].name)) {
			*ret_rest = slice_trim(slice_cut(authorization, blank, authorization.len));
			return schemes[i].scheme;
		}
	}
	return HTTP_SCHEME_NONE;
}

bool http_basic_decode(
	struct slice base64, struct buf *b, struct slice *ret_name, struct slice *ret_password)
{
	struct slice pair;
	size_t colon;

	/* RFC 7617 section 2: the name ends at the first colon and holds no control characters. */
	if (base64.len > HTTP_CREDENTIALS_MAX / 3 * 4 + 4 || !base64_decode(base64, b))
		return false;
	pair = buf_slice(b);
	colon = slice_find(pair, ':', 0);
	if (colon == pair.len || colon == 0 || colon > HTTP_NAME_MAX ||
		pair.len - colon - 1 > HTTP_PASSWORD_MAX ||
		memchr(pair.data, '\0', pair.len) != NULL)
		return false;
	*ret_name = slice_cut(pair, 0, colon);
	*ret_password = slice_cut(pair, colon + 1, pair.len);
	return true;
}

/* ---- what is remembered --------------------------------------------------------------- */

static void key_make(const struct http_auth *a, char kind, struct slice secret, uint8_t ret_key[32])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, a->mac_key, sizeof(a->mac_key), 32);
	crypto_generichash_update(&state, (const unsigned char *)&kind, 1);
	crypto_generichash_update(&state, (const unsigned char *)secret.data, secret.len);
	crypto_generichash_final(&state, ret_key, 32);
}

static struct entry *set_of(struct http_auth *a, const uint8_t key[32])
{
	size_t index = (size_t)key[0] | (size_t)key[1] << 8;

	return &a->entries[index % (HTTP_LOGINS / WAYS) * WAYS];
}

/* A login remembered under the key and still trusted, with one owner more; NULL. *ret_fresh:
 * nothing has changed since it was looked up. */
static struct http_login *remembered(
	struct http_auth *a, const uint8_t key[32], uint64_t epoch, int64_t now, bool *ret_fresh)
{
	struct entry *set = set_of(a, key);
	struct http_login *login = NULL;

	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].login == NULL || !secret_equal(set[i].key, key, 32))
			continue;
		if (now < set[i].until_us) {
			login = http_login_keep(set[i].login);
			*ret_fresh = set[i].epoch == epoch;
		}
		break;
	}
	pthread_mutex_unlock(&a->lock);
	return login;
}

/* Put a login (NULL: nothing any more) under the key. `until_us` 0 keeps the time that stands. */
static void remember(struct http_auth *a, const uint8_t key[32], uint64_t epoch, int64_t until_us,
	struct http_login *login)
{
	struct entry *set = set_of(a, key);
	struct entry *to = NULL;

	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < WAYS; i++)
		if (set[i].login != NULL && secret_equal(set[i].key, key, 32))
			to = &set[i];
	if (to == NULL && login != NULL && until_us != 0) {
		to = set;
		for (size_t i = 0; i < WAYS && to->login != NULL; i++)
			if (set[i].login == NULL || set[i].until_us < to->until_us)
				to = &set[i];
	}
	if (to != NULL) {
		http_login_drop(to->login);
		memcpy(to->key, key, 32);
		to->login = login == NULL ? NULL : http_login_keep(login);
		to->epoch = epoch;
		if (until_us != 0)
			to->until_us = until_us;
	}
	pthread_mutex_unlock(&a->lock);
}

/* ---- the three ways in ---------------------------------------------------------------- */

static struct http_verdict deny(unsigned status, unsigned seconds, const char *why)
{
	return (struct http_verdict){.status = status, .retry_seconds = seconds, .why = why};
}

static struct http_verdict failed(
	struct http_auth *a, const struct http_claim *claim, struct slice name)
{
	atomic_fetch_add_explicit(&a->failures, 1, memory_order_relaxed);
	http_backoff_fail(a->backoff, HTTP_BACKOFF_ADDRESS, claim->address);
	if (name.len != 0)
		http_backoff_fail(a->backoff, HTTP_BACKOFF_NAME, name);
	return deny(401, 0, "the credentials are not valid");
}

/* What the store says about the one who presents this; *ret_login NULL: nobody. */
enum lookup { BY_NAME, BY_TOKEN, BY_PIN };

static enum err_kind look_up(
	struct http_auth *a, enum lookup how, struct slice key, struct http_login **ret_login)
{
	const struct http_accounts *s = &a->accounts;
	struct arena *arena = arena_new(LOOKUP_MAX);
	struct store_account account = {0};
	bool found = false;
	enum err_kind kind = ERR_NOMEM;

	*ret_login = NULL;
	if (arena == NULL)
		return ERR_NOMEM;
	switch (how) {
	case BY_NAME:
		kind = s->by_name(s->context, key, arena, &account, &found, NULL);
		break;
	case BY_TOKEN:
		kind = s->by_token(
			s->context, (const uint8_t *)key.data, arena, &account, &found, NULL);
		break;
	case BY_PIN:
		kind = s->by_pin(
			s->context, (const uint8_t *)key.data, arena, &account, &found, NULL);
		break;
	}
	if (kind == OK && found && !account.disabled) {
		*ret_login = login_new(&account);
		if (*ret_login == NULL)
			kind = ERR_NOMEM;
	}
	arena_free(arena);
	return kind;
}

/* Token and pin are looked up by their hash: there is nothing to guess. */
static struct http_verdict check_hash(
	struct http_auth *a, enum lookup how, const uint8_t hash[SHA256_LEN])
{
	struct slice text = {(const char *)hash, SHA256_LEN};
	int64_t now = world_monotonic(a->world);
	uint64_t epoch = a->accounts.epoch(a->accounts.context);
	struct http_verdict verdict = {0};
	uint8_t key[32];
	bool fresh = false;

	key_make(a, how == BY_TOKEN ? 't' : 'p', text, key);
	verdict.login = remembered(a, key, epoch, now, &fresh);
	if (verdict.login != NULL && fresh)
		return verdict;
	http_login_drop(verdict.login);
	if (look_up(a, how, text, &verdict.login) != OK)
		return deny(500, 0, "the account could not be looked up");
	remember(a, key, epoch, now + HTTP_TRUST_SECONDS * US_PER_SECOND, verdict.login);
	return verdict;
}

static struct http_verdict check_bearer(
	struct http_auth *a, const struct http_claim *claim, struct slice token)
{
	struct http_verdict verdict;
	uint8_t hash[SHA256_LEN];
	unsigned wait;

	if (token.len == 0 || token.len > HTTP_TOKEN_TEXT_MAX)
		return failed(a, claim, (struct slice){0});
	hash_sha256(token, hash);
	verdict = check_hash(a, BY_TOKEN, hash);
	if (verdict.status != 0 || verdict.login != NULL)
		return verdict;
	/* Wrong. Those who go on trying are told to wait, and the wait does not grow meanwhile. */
	wait = http_backoff_wait(a->backoff, HTTP_BACKOFF_ADDRESS, claim->address);
	if (wait != 0)
		return deny(429, wait, "too many failed attempts from this address");
	return failed(a, claim, (struct slice){0});
}

/* One at a time, few waiting: false when there are too many already. */
static bool hash_begin(struct http_auth *a)
{
	if (atomic_fetch_add(&a->hash_waiters, 1) > HTTP_HASH_WAITERS) {
		atomic_fetch_sub(&a->hash_waiters, 1);
		return false;
	}
	pthread_mutex_lock(&a->hash_lock);
	return true;
}

static void hash_end(struct http_auth *a)
{
	pthread_mutex_unlock(&a->hash_lock);
	atomic_fetch_sub(&a->hash_waiters, 1);
}

static bool password_right(
	struct http_auth *a, const struct http_login *login, struct slice password)
{
	char hash[crypto_pwhash_STRBYTES] = {0};
	bool real = login != NULL && login->account.password.len != 0 &&
		    login->account.password.len < sizeof(hash);
	bool right;

	/* Nobody of that name, or nobody with a password: the same work, so that the time tells
	 * nothing. */
	if (real)
		memcpy(hash, login->account.password.data, login->account.password.len);
	else
		memcpy(hash, a->dummy, sizeof(hash));
	atomic_fetch_add_explicit(&a->hashes, 1, memory_order_relaxed);
	right = crypto_pwhash_str_verify(
			hash, password.len == 0 ? "" : password.data, password.len) == 0;
	return right && real;
}

/* Accounts changed since this password was found right: is it still the same one? */
static struct http_verdict refresh(
	struct http_auth *a, const uint8_t key[32], uint64_t epoch, struct http_login *old)
{
	struct http_verdict verdict = {0};

	if (look_up(a, BY_NAME, old->account.name, &verdict.login) != OK) {
		http_login_drop(old);
		return deny(500, 0, "the account could not be looked up");
	}
	if (verdict.login != NULL &&
		(verdict.login->account.number != old->account.number ||
			!slice_equal(verdict.login->account.password, old->account.password))) {
		http_login_drop(verdict.login);
		verdict.login = NULL;
	}
	remember(a, key, epoch, 0, verdict.login);
	http_login_drop(old);
	return verdict;
}

static struct http_verdict check_password(struct http_auth *a, const struct http_claim *claim,
	struct slice name, struct slice password, struct slice pair)
{
	int64_t now = world_monotonic(a->world);
	uint64_t epoch = a->accounts.epoch(a->accounts.context);
	struct http_verdict verdict = {0};
	unsigned wait, name_wait;
	bool fresh = false, right;
	uint8_t key[32];

	key_make(a, 'b', pair, key);
	verdict.login = remembered(a, key, epoch, now, &fresh);
	if (verdict.login != NULL && !fresh)
		verdict = refresh(a, key, epoch, verdict.login);
	if (verdict.status != 0 || verdict.login != NULL)
		return verdict;

	wait = http_backoff_wait(a->backoff, HTTP_BACKOFF_ADDRESS, claim->address);
	name_wait = http_backoff_wait(a->backoff, HTTP_BACKOFF_NAME, name);
	if (wait != 0 || name_wait != 0)
		return deny(429, wait > name_wait ? wait : name_wait,
			wait != 0 ? "too many failed attempts from this address"
				  : "too many failed attempts on this account");
	if (!hash_begin(a))
		return deny(503, BUSY_SECONDS, "too many logins at once");
	if (look_up(a, BY_NAME, name, &verdict.login) != OK) {
		hash_end(a);
		return deny(500, 0, "the account could not be looked up");
	}
	right = password_right(a, verdict.login, password);
	hash_end(a);
	if (!right) {
		http_login_drop(verdict.login);
		return failed(a, claim, name);
	}
	http_backoff_clear(a->backoff, HTTP_BACKOFF_ADDRESS, claim->address);
	http_backoff_clear(a->backoff, HTTP_BACKOFF_NAME, name);
	remember(a, key, epoch, now + HTTP_TRUST_SECONDS * US_PER_SECOND, verdict.login);
	return verdict;
}

static struct http_verdict check_basic(
	struct http_auth *a, const struct http_claim *claim, struct slice base64)
{
	struct buf pair = BUF_MAX(HTTP_CREDENTIALS_MAX);
	struct slice name, password;
	struct http_verdict verdict;

	if (http_basic_decode(base64, &pair, &name, &password))
		verdict = check_password(a, claim, name, password, buf_slice(&pair));
	else
		verdict = failed(a, claim, (struct slice){0});
	if (pair.data != NULL)
		secret_wipe(pair.data, pair.capacity);
	buf_fini(&pair);
	return verdict;
}

void http_auth_check(
	struct http_auth *a, const struct http_claim *claim, struct http_verdict *ret_verdict)
{
	struct slice rest = {0};

	*ret_verdict = (struct http_verdict){0};
	if (claim->authorization.len != 0) {
		switch (http_scheme_parse(claim->authorization, &rest)) {
		case HTTP_SCHEME_BASIC:
			*ret_verdict = check_basic(a, claim, rest);
			break;
		case HTTP_SCHEME_BEARER:
			*ret_verdict = check_bearer(a, claim, rest);
			break;
		case HTTP_SCHEME_NONE:
			*ret_verdict = deny(401, 0, "unknown authentication scheme");
			break;
		}
	} else if (claim->pin != NULL) {
		*ret_verdict = check_hash(a, BY_PIN, claim->pin);
	}
}

/* ---- life ----------------------------------------------------------------------------- */

enum err_kind http_auth_new(const struct http_accounts *accounts, const struct world *w,
	struct http_auth **ret_auth, struct err *e)
{
	struct http_auth *a;
	char nobody[33];

	if (sodium_init() < 0)
		return err_set(e, ERR_IO, "libsodium did not start");
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return err_set(e, ERR_NOMEM, "authentication: out of memory");
	a->accounts = *accounts;
	a->world = w;
	pthread_mutex_init(&a->hash_lock, NULL);
	pthread_mutex_init(&a->lock, NULL);
	w->random(w->context, a->mac_key, sizeof(a->mac_key));
	for (size_t i = 0; i < sizeof(nobody); i++)
		nobody[i] = (char)('a' + randombytes_uniform(26));
	a->backoff = http_backoff_new(w);
	if (a->backoff == NULL ||
		crypto_pwhash_str_alg(a->dummy, nobody, sizeof(nobody), HTTP_ARGON_PASSES,
			HTTP_ARGON_MEMORY, crypto_pwhash_ALG_ARGON2ID13) != 0) {
		http_auth_free(a);
		return err_set(e, ERR_NOMEM, "authentication: out of memory");
	}
	*ret_auth = a;
	return OK;
}

void http_auth_free(struct http_auth *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < HTTP_LOGINS; i++)
		http_login_drop(a->entries[i].login);
	http_backoff_free(a->backoff);
	pthread_mutex_destroy(&a->hash_lock);
	pthread_mutex_destroy(&a->lock);
	secret_wipe(a->mac_key, sizeof(a->mac_key));
	free(a);
}

uint64_t http_auth_failures(const struct http_auth *a)
{
	return atomic_load_explicit(&a->failures, memory_order_relaxed);
}

uint64_t http_auth_hashes(const struct http_auth *a)
{
	return atomic_load_explicit(&a->hashes, memory_order_relaxed);
}

/* ---- for those who make accounts ------------------------------------------------------ */

enum err_kind http_password_hash(
	struct slice password, struct arena *a, struct slice *ret_hash, struct err *e)
{
	char hash[crypto_pwhash_STRBYTES];
	struct slice rest = password, copy;
	size_t characters = 0;

	if (sodium_init() < 0)
		return err_set(e, ERR_IO, "libsodium did not start");
	if (password.len > HTTP_PASSWORD_MAX)
		return err_set(e, ERR_LIMIT, "password of %zu bytes, at most %d", password.len,
			HTTP_PASSWORD_MAX);
	if (!utf8_valid(password))
		return err_set(e, ERR_INVALID, "password is not UTF-8");
	while (rest.len > 0) {
		uint32_t c = utf8_next(&rest);

		if (c < 0x20 || c == 0x7f)
			return err_set(e, ERR_INVALID, "password with a control character");
		characters++;
	}
	if (characters < HTTP_PASSWORD_MIN)
		return err_set(e, ERR_INVALID, "password of %zu characters, at least %d",
			characters, HTTP_PASSWORD_MIN);
	if (crypto_pwhash_str_alg(hash, password.data, password.len, HTTP_ARGON_PASSES,
		    HTTP_ARGON_MEMORY, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return err_set(e, ERR_NOMEM, "password: no memory to hash it");
	copy = arena_copy(a, slice_of(hash));
	if (copy.data == NULL)
		return err_set(e, ERR_NOMEM, "password: out of memory");
	*ret_hash = copy;
	return OK;
}

void http_token_new(const struct world *w, char ret_text[64], uint8_t ret_hash[SHA256_LEN])
{
	struct buf text = BUF_MAX(63);
	uint8_t secret[32];

	w->random(w->context, secret, sizeof(secret));
	/* The prefix lets scanners of public code find a token that leaked. */
	buf_text(&text, "serai_");
	base64url_append(&text, secret, sizeof(secret));
	memset(ret_text, 0, 64);
	if (!text.bad)
		memcpy(ret_text, text.data, text.len);
	hash_sha256(slice_of(ret_text), ret_hash);
	secret_wipe(secret, sizeof(secret));
	if (text.data != NULL)
		secret_wipe(text.data, text.capacity);
	buf_fini(&text);
}
