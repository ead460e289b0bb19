/* SPDX-License-Identifier: MPL-2.0 */
/* For tests: accounts in memory behind the functions of http_accounts, and a clock of one's own
 * that several threads may read. */
#ifndef HTTP_FAKE_H
#define HTTP_FAKE_H

#include "http_parts.h"

#define FAKE_ACCOUNTS 8

struct fake {
	struct world world;
	_Atomic int64_t now_us, monotonic_us;
	struct store_account accounts[FAKE_ACCOUNTS];
	size_t count;
	atomic_uint_fast64_t epoch;
	atomic_uint lookups;
	atomic_bool broken; /* lookups fail */
	atomic_bool hold;   /* lookups wait while this is set */
	struct arena *arena;
	struct http_accounts table;
};

void fake_init(struct fake *f);
void fake_fini(struct fake *f);
void fake_advance(struct fake *f, int64_t seconds);
/* A password of NULL: none. The epoch grows. */
struct store_account *fake_account(
	struct fake *f, const char *name, enum store_role role, const char *password);

#endif
