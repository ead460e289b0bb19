/* SPDX-License-Identifier: MPL-2.0 */
/* Accounts as the store has them, behind the functions of http_accounts. */
#include "http_parts.h"

static enum err_kind by_name(void *context, struct slice name, struct arena *a,
	struct store_account *ret_account, bool *ret_found, struct err *e)
{
	return store_account_get(context, name, a, ret_account, ret_found, e);
}

static enum err_kind by_token(void *context, const uint8_t token[SHA256_LEN], struct arena *a,
	struct store_account *ret_account, bool *ret_found, struct err *e)
{
	return store_account_by_token(context, token, a, ret_account, ret_found, e);
}

static enum err_kind by_pin(void *context, const uint8_t pin[SHA256_LEN], struct arena *a,
	struct store_account *ret_account, bool *ret_found, struct err *e)
{
	return store_account_by_pin(context, pin, a, ret_account, ret_found, e);
}

static uint64_t epoch(void *context)
{
	return store_access_epoch(context);
}

struct http_accounts http_accounts_of_store(struct store *s)
{
	return (struct http_accounts){by_name, by_token, by_pin, epoch, s};
}
