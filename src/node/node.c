/* SPDX-License-Identifier: MPL-2.0 */
/* A node's folder: making it, and opening what is in it. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parts.h"

#define FIRST_ACCOUNT "admin"

enum err_kind node_open(const char *folder, enum store_mode mode, const struct world *world,
	struct node *ret_node, struct err *e)
{
	struct node n = {0};
	struct store_options options = {.mode = mode, .world = world};
	enum err_kind kind = node_config_load(folder, &n.config, e);
	struct slice path;
	int64_t since = 0;

	if (kind != OK)
		return kind;
	path = arena_printf(n.config.arena, "%s/store", folder);
	if (path.data == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	if (kind == OK) {
		do
			kind = store_open(path.data, &options, &n.store, e);
		while (mode == STORE_WRITE && busy_again(world, kind, &since));
	}
	if (kind == OK) {
		n.intel = intel_new(n.store, world);
		if (n.intel == NULL)
			kind = err_set(e, ERR_NOMEM, "out of memory");
	}
	if (kind != OK) {
		node_close(&n);
		return kind;
	}
	*ret_node = n;
	return OK;
}

void node_close(struct node *n)
{
	intel_free(n->intel);
	store_close(n->store);
	node_config_fini(&n->config);
	*n = (struct node){0};
}

/* 25 letters and digits that are not mistaken for each other: 128 bits. */
static void password_make(const struct world *world, char ret_password[64])
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
	const unsigned count = sizeof(letters) - 1;
	size_t at = 0;

	while (at < 25) {
		uint8_t byte;

		world->random(world->context, &byte, 1);
		if (byte < 256 / count * count)
			ret_password[at++] = letters[byte % count];
	}
	ret_password[at] = '\0';
}

static enum err_kind first_collection(struct store *store, const struct world *world, struct err *e)
{
	struct store_collection c = {
		.title = SLICE("Intelligence"),
		.description = SLICE("What this node shares with its accounts"),
		.alias = SLICE("main"),
		.tlp_max = STIX_TLP_AMBER,
		.created_us = world_now(world),
	};
	int64_t number;

	uuid_v4(world, &c.uuid);
	return store_collection_put(store, &c, &number, e);
}

static enum err_kind first_account(struct store *store, const struct world *world,
	char ret_password[64], struct arena *a, struct err *e)
{
	struct store_account account = {
		.name = SLICE(FIRST_ACCOUNT),
		.role = STORE_ADMINISTRATOR,
		.created_us = world_now(world),
	};
	enum err_kind kind;

	password_make(world, ret_password);
	kind = http_password_hash(slice_of(ret_password), a, &account.password, e);
	return kind == OK ? store_account_put(store, &account, e) : kind;
}

/* Our name in a coalition: the folder's, else the host's, as far as it can be one. */
static void member_name(
	const char *folder, const char *host_name, char ret_name[COALITION_NAME_MAX + 1])
{
	char *real = realpath(folder, NULL);
	const char *slash = real == NULL ? NULL : strrchr(real, '/');
	const char *const from[] = {slash == NULL ? "" : slash + 1, host_name, "member"};
	size_t len;

	for (size_t k = 0; k < COUNT_OF(from); k++) {
		len = 0;
		for (const char *at = from[k];
			*at != '\0' && *at != ',' && len < COALITION_NAME_MAX; at++) {
			char c = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;

			if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
				(len > 0 && (c == '-' || c == '.')))
				ret_name[len++] = c;
		}
		while (len > 0 && (ret_name[len - 1] == '-' || ret_name[len - 1] == '.'))
			len--;
		ret_name[len] = '\0';
		if (len > 0 && strcmp(ret_name, "self") != 0)
			break;
	}
	free(real);
}

/* Beside the folder; what is there already is kept, and says what the member is called. */
static enum err_kind first_keys(const char *folder, const char *certificate,
	const struct world *world, char member[COALITION_NAME_MAX + 1], struct arena *a,
	struct err *e)
{
	char *real = realpath(folder, NULL);
	struct slice keys = arena_printf(a, "%s-keys", real == NULL ? folder : real);

	free(real);
	if (keys.data == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	return keys_make(keys.data, slice_of(member), certificate, world, member, e);
}

enum err_kind node_init(const char *folder, const char *title, const char *listen,
	const char *host_name, const struct world *world, char ret_password[64], struct err *e)
{
	struct arena *a = arena_new(MIB(1));
	struct slice config, store_path, spool, certificate, key;
	struct store_options options = {.mode = STORE_CREATE, .world = world};
	struct store *store = NULL;
	struct buf text = BUF_INIT;
	char member[COALITION_NAME_MAX + 1];
	enum err_kind kind;

	if (a == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	config = arena_printf(a, "%s/" NODE_CONFIG_FILE, folder);
	store_path = arena_printf(a, "%s/store", folder);
	spool = arena_printf(a, "%s/spool", folder);
	certificate = arena_printf(a, "%s/tls.crt", folder);
	key = arena_printf(a, "%s/tls.key", folder);
	if (config.data == NULL || store_path.data == NULL || spool.data == NULL ||
		certificate.data == NULL || key.data == NULL) {
		kind = err_set(e, ERR_NOMEM, "out of memory");
		goto out;
	}
	if (access(config.data, F_OK) == 0) {
		kind = err_set(e, ERR_CONFLICT, "\"%s\" is a node already: left as it is", folder);
		goto out;
	}
	kind = folder_make(folder, 0700, e);
	if (kind == OK)
		kind = folder_make(spool.data, 0700, e);
	if (kind == OK && access(key.data, F_OK) != 0)
		kind = http_certificate_make(world, host_name, certificate.data, key.data, e);
	if (kind == OK) {
		member_name(folder, host_name, member);
		kind = first_keys(folder, certificate.data, world, member, a, e);
	}
	if (kind == OK)
		kind = store_open(store_path.data, &options, &store, e);
	if (kind == OK)
		kind = first_account(store, world, ret_password, a, e);
	if (kind == OK)
		kind = first_collection(store, world, e);
	/* The configuration comes last: with it the folder is a node. */
	if (kind == OK) {
		node_config_template(&text, title, listen, member);
		kind = text.bad ? err_set(e, ERR_NOMEM, "out of memory")
				: file_write_atomic(config.data, buf_slice(&text), 0600, e);
	}
out:
	store_close(store);
	buf_fini(&text);
	arena_free(a);
	return kind;
}
