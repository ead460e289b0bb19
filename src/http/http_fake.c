/* SPDX-License-Identifier: MPL-2.0 */
/* Accounts and a clock for the tests of this folder. */
#include <sched.h>

#include "http_fake.h"

static int64_t fake_now(void *context)
{
	return atomic_load(&((struct fake *)context)->now_us);
}

static int64_t fake_monotonic(void *context)
{
	return atomic_load(&((struct fake *)context)->monotonic_us);
}

static void fake_random(void *context, void *ret_bytes, size_t len)
{
	(void)context;
	world_real()->random(NULL, ret_bytes, len);
}

static enum err_kind find(struct fake *f, bool (*is)(const struct store_account *, const void *),
	const void *what, struct store_account *ret_account, bool *ret_found, struct err *e)
{
	atomic_fetch_add(&f->lookups, 1);
	while (atomic_load(&f->hold))
		sched_yield();
	if (atomic_load(&f->broken))
		return err_set(e, ERR_IO, "the store is broken");
	*ret_found = false;
	for (size_t i = 0; i < f->count; i++) {
		if (is(&f->accounts[i], what)) {
			*ret_account = f->accounts[i];
			*ret_found = true;
		}
	}
	return OK;
}

static bool is_name(const struct store_account *account, const void *name)
{
	return slice_equal(account->name, *(const struct slice *)name);
}

static bool is_token(const struct store_account *account, const void *token)
{
	return account->has_token && memcmp(account->token, token, SHA256_LEN) == 0;
}

static bool is_pin(const struct store_account *account, const void *pin)
{
	return account->has_pin && memcmp(account->pin, pin, SHA256_LEN) == 0;
}

static enum err_kind by_name(void *context, struct slice name, struct arena *a,
	struct store_account *ret_account, bool *ret_found, struct err *e)
{
	(void)a;
	return find(context, is_name, &name, ret_account, ret_found, e);
}

static enum err_kind by_token(void *context, const uint8_t token[SHA256_LEN], struct arena *a,
	struct store_account *ret_account, bool *ret_found, struct err *e)
{
	(void)a;
	return find(context, is_token, token, ret_account, ret_found, e);
}

static enum err_kind by_pin(void *context, const uint8_t pin[SHA256_LEN], struct arena *a,
	struct store_account *ret_account, bool *ret_found, struct err *e)
{
	(void)a;
	return find(context, is_pin, pin, ret_account, ret_found, e);
}

static uint64_t epoch(void *context)
{
	return atomic_load(&((struct fake *)context)->epoch);
}

void fake_init(struct fake *f)
{
	memset(f, 0, sizeof(*f));
	f->world = (struct world){fake_now, fake_monotonic, fake_random, f};
	atomic_init(&f->now_us, world_now(world_real()));
	atomic_init(&f->monotonic_us, INT64_C(1000) * US_PER_SECOND);
	f->arena = arena_new(MIB(1));
	f->table = (struct http_accounts){by_name, by_token, by_pin, epoch, f};
}

void fake_fini(struct fake *f)
{
	arena_free(f->arena);
}

void fake_advance(struct fake *f, int64_t seconds)
{
	atomic_fetch_add(&f->now_us, seconds * US_PER_SECOND);
	atomic_fetch_add(&f->monotonic_us, seconds * US_PER_SECOND);
}

struct store_account *fake_account(
	struct fake *f, const char *name, enum store_role role, const char *password)
{
	struct store_account *account = &f->accounts[f->count++];

	*account = (struct store_account){
		.number = (int64_t)f->count, .name = slice_of(name), .role = role};
	if (password != NULL &&
		http_password_hash(slice_of(password), f->arena, &account->password, NULL) != OK)
		account->disabled = true;
	atomic_fetch_add(&f->epoch, 1);
	return account;
}
