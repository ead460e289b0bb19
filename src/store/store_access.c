/* SPDX-License-Identifier: MPL-2.0 */
/* Collections, accounts, and who has which right on what. */
#include "inside.h"

#define TITLE_MAX        250     /* bytes */
#define ALIAS_MAX        250     /* bytes */
#define DESCRIPTION_MAX  KIB(16) /* bytes */
#define ACCOUNT_NAME_MAX 64
#define MEMBER_NAME_MAX  64    /* bytes, as in policies */
#define PASSWORD_MAX     256   /* bytes of an Argon2id string; libsodium's has at most 128 */
#define ACCESS_ROWS_MAX  10000 /* collections in one store, and accounts: lists are read whole */

/* Within the writer's transaction: what caches compare grows. */
static enum err_kind access_changed(struct store *s, enum err_kind kind, struct err *e)
{
	sqlite3_stmt *st;
	int64_t epoch = 0;
	bool row = false;

	if (kind == OK)
		kind = conn_statement(&s->writer.conn, SQL_ACCESS_CHANGED, &st, e);
	if (kind == OK)
		kind = conn_row(&s->writer.conn, st, &row, e);
	if (kind == OK && row) {
		epoch = sqlite3_column_int64(st, 0);
		kind = conn_done(&s->writer.conn, st, e);
	}
	kind = writer_end(s, kind, e);
	if (kind == OK)
		s->access_epoch = epoch;
	return kind;
}

/* ---- collections ----------------------------------------------------------------------------- */

static enum err_kind collection_read(
	sqlite3_stmt *st, struct arena *a, struct store_collection *ret_collection, struct err *e)
{
	struct store_collection c = {
		.number = sqlite3_column_int64(st, 0),
		.title = arena_copy(a, column_slice(st, 2)),
		.description = arena_copy(a, column_slice(st, 3)),
		.alias = arena_copy(a, column_slice(st, 4)),
		.tlp_max = (enum stix_tlp)sqlite3_column_int(st, 5),
		.public_read = sqlite3_column_int(st, 6) != 0,
		.created_us = sqlite3_column_int64(st, 7),
		.last_added_us = sqlite3_column_int64(st, 8),
		.entries = (uint64_t)sqlite3_column_int64(st, 9),
		.change = (uint64_t)sqlite3_column_int64(st, 10),
	};

	if (!column_uuid(st, 1, &c.uuid))
		return err_set(e, ERR_CORRUPT, "collection %lld has no id", (long long)c.number);
	if (c.title.data == NULL || c.description.data == NULL || c.alias.data == NULL)
		return err_set(e, ERR_NOMEM, "no room for collections");
	*ret_collection = c;
	return OK;
}

enum err_kind store_collections(struct store *s, struct arena *a,
	struct store_collection **ret_list, size_t *ret_count, struct err *e)
{
	struct store_collection *list = NULL;
	size_t count = 0, capacity = 0;
	sqlite3_stmt *st;
	enum err_kind kind;
	bool row;

	pthread_mutex_lock(&s->access_mutex);
	kind = conn_statement(&s->access, SQL_COLLECTIONS_GET, &st, e);
	while (kind == OK && (kind = conn_row(&s->access, st, &row, e)) == OK && row) {
		if (count == capacity) {
			struct store_collection *grown;

			capacity = capacity * 2 + 8;
			grown = ARENA_ARRAY(a, struct store_collection, capacity);
			if (grown == NULL) {
				kind = err_set(e, ERR_NOMEM, "no room for collections");
				break;
			}
			if (count > 0)
				memcpy(grown, list, count * sizeof(*list));
			list = grown;
		}
		kind = collection_read(st, a, &list[count], e);
		if (kind == OK)
			count++;
	}
	if (kind != OK)
		sqlite3_reset(s->access.statements[SQL_COLLECTIONS_GET]);
	pthread_mutex_unlock(&s->access_mutex);
	if (kind != OK)
		return kind;
	*ret_list = list;
	*ret_count = count;
	return OK;
}

/* Does the name mean this collection? Its id goes before an alias, an alias before a number. */
static int collection_rank(const struct store_collection *c, struct slice name)
{
	struct uuid uuid;
	uint64_t number;

	if (uuid_parse(name, &uuid) && uuid_equal(&uuid, &c->uuid))
		return 3;
	if (name.len > 0 && slice_equal(name, c->alias))
		return 2;
	if (slice_to_u64(name, &number) && number == (uint64_t)c->number)
		return 1;
	return 0;
}

enum err_kind store_collection_get(struct store *s, struct slice name, struct arena *a,
	struct store_collection *ret_collection, bool *ret_found, struct err *e)
{
	struct store_collection *list;
	size_t count;
	int best = 0;
	enum err_kind kind = store_collections(s, a, &list, &count, e);

	if (kind != OK)
		return kind;
	for (size_t i = 0; i < count; i++) {
		int rank = collection_rank(&list[i], name);

		if (rank > best) {
			best = rank;
			*ret_collection = list[i];
		}
	}
	*ret_found = best > 0;
	return OK;
}

static enum err_kind collection_check(const struct store_collection *c, struct err *e)
{
	static const struct uuid nil;

	if (c->title.len == 0 || c->title.len > TITLE_MAX || !utf8_valid(c->title))
		return err_set(e, ERR_INVALID,
			"a collection's title must be UTF-8 of 1 to %d bytes", TITLE_MAX);
	if (c->alias.len > ALIAS_MAX || !utf8_valid(c->alias))
		return err_set(e, ERR_INVALID,
			"a collection's alias must be UTF-8 of at most %d bytes", ALIAS_MAX);
	if (c->description.len > DESCRIPTION_MAX || !utf8_valid(c->description))
		return err_set(e, ERR_INVALID,
			"a collection's description must be UTF-8 of at most %zu bytes",
			DESCRIPTION_MAX);
	if (uuid_equal(&c->uuid, &nil))
		return err_set(e, ERR_INVALID, "a collection needs an id");
	if (c->tlp_max > STIX_TLP_RED)
		return err_set(e, ERR_INVALID, "unknown TLP %d", (int)c->tlp_max);
	return OK;
}

enum err_kind store_collection_put(
	struct store *s, const struct store_collection *c, int64_t *ret_number, struct err *e)
{
	struct writer *w = &s->writer;
	int64_t number = c->number;
	sqlite3_stmt *st;
	enum err_kind kind = collection_check(c, e);

	if (kind == OK)
		kind = writer_begin_access(s, e);
	if (kind != OK)
		return kind;
	if (number != 0 && writer_collection(w, number) == NULL)
		kind = err_set(
			e, ERR_USAGE, "there is no collection number %lld", (long long)number);
	else if (number == 0 && w->collections_count >= ACCESS_ROWS_MAX)
		kind = err_set(e, ERR_LIMIT, "more than %d collections", ACCESS_ROWS_MAX);
	else
		kind = conn_statement(
			&w->conn, number == 0 ? SQL_COLLECTION_ADD : SQL_COLLECTION_CHANGE, &st, e);
	if (kind == OK) {
		bind_uuid(st, 1, &c->uuid);
		bind_text(st, 2, c->title);
		bind_text(st, 3, c->description);
		bind_text_or_null(st, 4, c->alias);
		bind_int(st, 5, (int64_t)c->tlp_max);
		bind_int(st, 6, c->public_read);
		if (number == 0)
			bind_int(st, 7, c->created_us != 0 ? c->created_us : world_now(s->world));
		else
			bind_int(st, 8, number);
		kind = conn_done(&w->conn, st, e);
		sqlite3_clear_bindings(st);
		if (kind == ERR_CONFLICT)
			err_set(e, kind, "another collection has the id or the alias \"%.*s\"",
				SLICE_ARG(c->alias));
		if (number == 0)
			number = sqlite3_last_insert_rowid(w->conn.db);
	}
	if (kind == OK)
		kind = writer_collections_load(w, e);
	kind = access_changed(s, kind, e);
	if (kind == OK)
		*ret_number = number;
	return kind;
}

enum err_kind store_collection_delete(struct store *s, int64_t number, struct err *e)
{
	struct writer *w = &s->writer;
	sqlite3_stmt *st;
	enum err_kind kind = writer_begin(s, e);

	if (kind != OK)
		return kind;
	if (writer_collection(w, number) == NULL)
		kind = err_set(
			e, ERR_USAGE, "there is no collection number %lld", (long long)number);
	if (kind == OK)
		kind = conn_statement(&w->conn, SQL_COLLECTION_DELETE, &st, e);
	if (kind == OK) {
		bind_int(st, 1, number);
		kind = conn_done(&w->conn, st, e);
	}
	if (kind == OK)
		kind = conn_statement(&w->conn, SQL_SWEEP_ADD, &st, e);
	if (kind == OK) {
		bind_int(st, 1, number);
		kind = conn_done(&w->conn, st, e);
	}
	if (kind == OK)
		kind = writer_collections_load(w, e);
	kind = access_changed(s, kind, e);
	return kind == OK ? sweep_all(s, e) : kind;
}

/* ---- accounts -------------------------------------------------------------------------------- */

static enum err_kind account_read(
	sqlite3_stmt *st, struct arena *a, struct store_account *ret_account, struct err *e)
{
	struct slice token = column_slice(st, 4), pin = column_slice(st, 5);
	struct store_account k = {
		.number = sqlite3_column_int64(st, 0),
		.role = (enum store_role)sqlite3_column_int(st, 2),
		.has_token = token.len == SHA256_LEN,
		.has_pin = pin.len == SHA256_LEN,
		.disabled = sqlite3_column_int(st, 6) != 0,
		.created_us = sqlite3_column_int64(st, 7),
	};

	if (k.has_token)
		memcpy(k.token, token.data, SHA256_LEN);
	if (k.has_pin)
		memcpy(k.pin, pin.data, SHA256_LEN);
	k.name = arena_copy(a, column_slice(st, 1));
	k.password = arena_copy(a, column_slice(st, 3));
	k.member = arena_copy(a, column_slice(st, 8));
	if (k.member.data == NULL || k.name.data == NULL || k.password.data == NULL)
		return err_set(e, ERR_NOMEM, "no room for accounts");
	*ret_account = k;
	return OK;
}

enum err_kind store_accounts(struct store *s, struct arena *a, struct store_account **ret_list,
	size_t *ret_count, struct err *e)
{
	struct store_account *list = NULL;
	size_t count = 0, capacity = 0;
	sqlite3_stmt *st;
	enum err_kind kind;
	bool row;

	pthread_mutex_lock(&s->access_mutex);
	kind = conn_statement(&s->access, SQL_ACCOUNTS, &st, e);
	while (kind == OK && (kind = conn_row(&s->access, st, &row, e)) == OK && row) {
		if (count == capacity) {
			struct store_account *grown;

			capacity = capacity * 2 + 8;
			grown = ARENA_ARRAY(a, struct store_account, capacity);
			if (grown == NULL) {
				kind = err_set(e, ERR_NOMEM, "no room for accounts");
				break;
			}
			if (count > 0)
				memcpy(grown, list, count * sizeof(*list));
			list = grown;
		}
		kind = account_read(st, a, &list[count], e);
		if (kind == OK)
			count++;
	}
	if (kind != OK)
		sqlite3_reset(s->access.statements[SQL_ACCOUNTS]);
	pthread_mutex_unlock(&s->access_mutex);
	if (kind != OK)
		return kind;
	*ret_list = list;
	*ret_count = count;
	return OK;
}

static enum err_kind account_find(struct store *s, enum sql_id by, struct slice what,
	struct arena *a, struct store_account *ret_account, bool *ret_found, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind;
	bool row;

	pthread_mutex_lock(&s->access_mutex);
	kind = conn_statement(&s->access, by, &st, e);
	if (kind == OK) {
		if (by == SQL_ACCOUNT_BY_NAME)
			bind_text(st, 1, what);
		else
			bind_blob(st, 1, what);
		kind = conn_row(&s->access, st, &row, e);
		if (kind == OK && row)
			kind = account_read(st, a, ret_account, e);
		sqlite3_reset(st);
		sqlite3_clear_bindings(st);
	}
	pthread_mutex_unlock(&s->access_mutex);
	if (kind == OK)
		*ret_found = row;
	return kind;
}

enum err_kind store_account_get(struct store *s, struct slice name, struct arena *a,
	struct store_account *ret_account, bool *ret_found, struct err *e)
{
	return account_find(s, SQL_ACCOUNT_BY_NAME, name, a, ret_account, ret_found, e);
}

/* Looked up by an index over digests of 256 random bits: how long that takes tells nobody anything.
 */
enum err_kind store_account_by_token(struct store *s, const uint8_t token[SHA256_LEN],
	struct arena *a, struct store_account *ret_account, bool *ret_found, struct err *e)
{
	return account_find(s, SQL_ACCOUNT_BY_TOKEN,
		(struct slice){(const char *)token, SHA256_LEN}, a, ret_account, ret_found, e);
}

enum err_kind store_account_by_pin(struct store *s, const uint8_t pin[SHA256_LEN], struct arena *a,
	struct store_account *ret_account, bool *ret_found, struct err *e)
{
	return account_find(s, SQL_ACCOUNT_BY_PIN, (struct slice){(const char *)pin, SHA256_LEN}, a,
		ret_account, ret_found, e);
}

static enum err_kind account_check(const struct store_account *k, struct err *e)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-@";

	if (k->name.len == 0 || k->name.len > ACCOUNT_NAME_MAX)
		return err_set(e, ERR_INVALID, "an account's name of %zu bytes, expected 1..%d",
			k->name.len, ACCOUNT_NAME_MAX);
	for (size_t i = 0; i < k->name.len; i++)
		if (k->name.data[i] == '\0' || strchr(allowed, k->name.data[i]) == NULL)
			return err_set(e, ERR_INVALID,
				"account name \"%.*s\": expected letters, digits and . _ - @",
				SLICE_ARG(k->name));
	if (k->role < STORE_READER || k->role > STORE_ADMINISTRATOR)
		return err_set(e, ERR_INVALID, "account \"%.*s\": unknown role %d",
			SLICE_ARG(k->name), (int)k->role);
	if (k->member.len > MEMBER_NAME_MAX || !utf8_valid(k->member))
		return err_set(e, ERR_INVALID,
			"account \"%.*s\": a member's name must be UTF-8 of at most %d bytes",
			SLICE_ARG(k->name), MEMBER_NAME_MAX);
	if (k->password.len > PASSWORD_MAX)
		return err_set(e, ERR_LIMIT, "account \"%.*s\": a password string of %zu bytes",
			SLICE_ARG(k->name), k->password.len);
	return OK;
}

enum err_kind store_account_put(struct store *s, const struct store_account *k, struct err *e)
{
	struct slice token = {(const char *)k->token, SHA256_LEN};
	struct slice pin = {(const char *)k->pin, SHA256_LEN};
	sqlite3_stmt *st;
	enum err_kind kind = account_check(k, e);

	if (kind == OK)
		kind = writer_begin_access(s, e);
	if (kind != OK)
		return kind;
	kind = conn_statement(&s->writer.conn, SQL_ACCOUNT_PUT, &st, e);
	if (kind == OK) {
		bind_text(st, 1, k->name);
		bind_int(st, 2, (int64_t)k->role);
		bind_text(st, 3, k->password);
		if (k->has_token)
			bind_blob(st, 4, token);
		if (k->has_pin)
			bind_blob(st, 5, pin);
		bind_int(st, 6, k->disabled);
		bind_int(st, 7, k->created_us != 0 ? k->created_us : world_now(s->world));
		bind_text(st, 8, k->member);
		kind = conn_done(&s->writer.conn, st, e);
		sqlite3_clear_bindings(st);
		if (kind == ERR_CONFLICT)
			err_set(e, kind,
				"account \"%.*s\": another has the same token or certificate",
				SLICE_ARG(k->name));
	}
	return access_changed(s, kind, e);
}

enum err_kind store_account_delete(
	struct store *s, struct slice name, bool *ret_found, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = writer_begin_access(s, e);
	bool found = false;

	if (kind != OK)
		return kind;
	kind = conn_statement(&s->writer.conn, SQL_ACCOUNT_DELETE, &st, e);
	if (kind == OK) {
		bind_text(st, 1, name);
		kind = conn_done(&s->writer.conn, st, e);
		found = sqlite3_changes(s->writer.conn.db) > 0;
	}
	kind = access_changed(s, kind, e);
	if (kind == OK)
		*ret_found = found;
	return kind;
}

/* ---- rights ---------------------------------------------------------------------------------- */

enum err_kind store_right_put(
	struct store *s, struct slice account, int64_t collection, unsigned rights, struct err *e)
{
	struct conn *c = &s->writer.conn;
	sqlite3_stmt *st;
	int64_t number = 0;
	enum err_kind kind;
	bool row;

	if ((rights & ~(unsigned)(STORE_MAY_READ | STORE_MAY_WRITE)) != 0)
		return err_set(e, ERR_USAGE, "unknown rights %u", rights);
	kind = writer_begin_access(s, e);
	if (kind != OK)
		return kind;
	kind = conn_statement(c, SQL_ACCOUNT_BY_NAME, &st, e);
	if (kind == OK) {
		bind_text(st, 1, account);
		kind = conn_row(c, st, &row, e);
		if (kind == OK && row)
			number = sqlite3_column_int64(st, 0);
		else if (kind == OK)
			kind = err_set(
				e, ERR_USAGE, "there is no account \"%.*s\"", SLICE_ARG(account));
		sqlite3_reset(st);
	}
	if (kind == OK && writer_collection(&s->writer, collection) == NULL)
		kind = err_set(
			e, ERR_USAGE, "there is no collection number %lld", (long long)collection);
	if (kind == OK)
		kind = conn_statement(c, rights == 0 ? SQL_RIGHT_DELETE : SQL_RIGHT_PUT, &st, e);
	if (kind == OK) {
		bind_int(st, 1, number);
		bind_int(st, 2, collection);
		if (rights != 0)
			bind_int(st, 3, rights);
		kind = conn_done(c, st, e);
	}
	return access_changed(s, kind, e);
}

enum err_kind store_right_get(
	struct store *s, int64_t account, int64_t collection, unsigned *ret_rights, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind;
	bool row;

	pthread_mutex_lock(&s->access_mutex);
	kind = conn_statement(&s->access, SQL_RIGHT_GET, &st, e);
	if (kind == OK) {
		bind_int(st, 1, account);
		bind_int(st, 2, collection);
		kind = conn_row(&s->access, st, &row, e);
	}
	if (kind == OK)
		*ret_rights = row ? (unsigned)sqlite3_column_int(st, 0) : 0;
	if (kind == OK)
		sqlite3_reset(st);
	pthread_mutex_unlock(&s->access_mutex);
	return kind;
}
