/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who may do what with a collection (sections 5.2 to 5.8: can_read, can_write). Who has no account
 * and no right is asked for one (401) whatever the collection, also when it does not exist.
 */
#include "server.h"

enum rights_row { R0W0, R1W0, R0W1, R1W1, RIGHTS_ROWS };

/* What lacking rights lead to; 0 is success. A collection of which an account may know nothing is
 * not there. */
static const unsigned refusals[NEEDS][RIGHTS_ROWS] = {
	[NEED_ANY] = {[R0W0] = 404, [R1W0] = 0,   [R0W1] = 0,   [R1W1] = 0},
	[NEED_READ] = {[R0W0] = 404, [R1W0] = 0,   [R0W1] = 403, [R1W1] = 0},
	[NEED_WRITE] = {[R0W0] = 404, [R1W0] = 403, [R0W1] = 0,   [R1W1] = 0},
	[NEED_DELETE] = {[R0W0] = 404, [R1W0] = 403, [R0W1] = 403, [R1W1] = 0},
};

static const char *const refused_because[NEEDS] = {
	[NEED_READ] = "this account may not read the collection",
	[NEED_WRITE] = "this account may not write to the collection",
	[NEED_DELETE] = "to delete, an account has to be able to read and write",
};

static enum err_kind rights_of(struct taxii_server *t, int64_t account, int64_t collection,
	unsigned *ret_rights, struct err *e)
{
	uint64_t epoch = store_access_epoch(t->store);
	struct right_slot *slot = &t->rights[(uint64_t)(account * 31 + collection) % RIGHTS_SLOTS];
	bool known;
	enum err_kind kind;

	pthread_mutex_lock(&t->rights_lock);
	if (t->rights_epoch != epoch) {
		memset(t->rights, 0, sizeof(t->rights));
		t->rights_epoch = epoch;
	}
	known = slot->account == account && slot->collection == collection;
	if (known)
		*ret_rights = slot->rights;
	pthread_mutex_unlock(&t->rights_lock);
	if (known)
		return OK;
	kind = store_right_get(t->store, account, collection, ret_rights, e);
	if (kind != OK)
		return kind;
	pthread_mutex_lock(&t->rights_lock);
	/* An answer of another epoch is used once, and not remembered. */
	if (t->rights_epoch == epoch)
		*slot = (struct right_slot){account, collection, *ret_rights};
	pthread_mutex_unlock(&t->rights_lock);
	return OK;
}

enum err_kind access_rights(struct taxii_server *t, const struct http_request *q,
	const struct store_collection *collection, bool *ret_read, bool *ret_write, struct err *e)
{
	unsigned rights = 0;
	enum err_kind kind = OK;

	if (q->account == NULL) {
		*ret_read = collection->public_read;
		*ret_write = false;
		return OK;
	}
	if (q->account->role == STORE_ADMINISTRATOR)
		rights = STORE_MAY_READ | STORE_MAY_WRITE;
	else
		kind = rights_of(t, q->account->number, collection->number, &rights, e);
	if (kind != OK)
		return kind;
	*ret_read = collection->public_read || (rights & STORE_MAY_READ) != 0;
	/* A reader is one everywhere, whatever a forgotten row says. */
	*ret_write = (rights & STORE_MAY_WRITE) != 0 && q->account->role >= STORE_CONTRIBUTOR;
	return OK;
}

static void reply_unknown(
	struct taxii_server *t, const struct http_request *q, struct http_reply *reply)
{
	if (q->account == NULL)
		reply_error(t, q, reply, 401, "this needs an account");
	else
		reply_error(t, q, reply, 404, "no such collection");
}

/* The door finds collections by number too, which is nothing for URLs. */
static bool is_named(const struct store_collection *c, struct slice name)
{
	struct uuid uuid;

	return uuid_parse(name, &uuid) ? uuid_equal(&uuid, &c->uuid)
				       : c->alias.len > 0 && slice_equal(name, c->alias);
}

struct intel_recipient access_recipient(
	const struct http_request *q, const struct store_collection *collection)
{
	return (struct intel_recipient){
		.reach = INTEL_COLLECTION,
		.account = q->account == NULL ? 0 : q->account->number,
		.role = q->account == NULL ? STORE_READER : q->account->role,
		.collection = collection->number,
		.tlp_max = collection->tlp_max,
		.member = q->account == NULL ? (struct slice){0} : q->account->member,
	};
}

bool access_get(struct taxii_server *t, const struct http_request *q, struct http_reply *reply,
	enum access_need need, struct access *ret_access)
{
	struct access a = {0};
	bool found = false;
	unsigned status;
	struct err e;
	enum err_kind kind;

	a.label_epoch = store_label_epoch(t->store);
	kind = store_collection_get(t->store, q->parts[0], q->arena, &a.collection, &found, &e);
	if (kind == OK && (!found || !is_named(&a.collection, q->parts[0]))) {
		reply_unknown(t, q, reply);
		return false;
	}
	if (kind == OK)
		kind = access_rights(t, q, &a.collection, &a.can_read, &a.can_write, &e);
	if (kind != OK) {
		reply_failed(t, q, reply, kind, &e);
		return false;
	}
	status = refusals[need][(a.can_read ? R1W0 : R0W0) + (a.can_write ? R0W1 : R0W0)];
	if (status == 404 || (status != 0 && q->account == NULL)) {
		reply_unknown(t, q, reply);
		return false;
	}
	if (status != 0) {
		reply_error(t, q, reply, status, refused_because[need]);
		return false;
	}
	a.to = access_recipient(q, &a.collection);
	a.release_epoch = intel_release_epoch(t->intel, &a.to);
	*ret_access = a;
	return true;
}

bool access_known(struct taxii_server *t, const struct http_request *q, struct http_reply *reply)
{
	struct store_collection *list;
	size_t count;
	struct err e;
	enum err_kind kind;

	if (q->account != NULL)
		return true;
	kind = store_collections(t->store, q->arena, &list, &count, &e);
	if (kind != OK) {
		reply_failed(t, q, reply, kind, &e);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (list[i].public_read)
			return true;
	}
	reply_error(t, q, reply, 401, "this needs an account");
	return false;
}
