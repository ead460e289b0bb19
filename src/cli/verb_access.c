/* SPDX-License-Identifier: MPL-2.0 */
/* serai user …, serai collection …: who may read and write what. */
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "cli.h"

static const struct {
	const char *name;
	enum store_role role;
} roles[] = {
	{"reader",        STORE_READER       },
	{"contributor",   STORE_CONTRIBUTOR  },
	{"administrator", STORE_ADMINISTRATOR},
};

static const char *role_name(enum store_role role)
{
	for (size_t i = 0; i < COUNT_OF(roles); i++) {
		if (roles[i].role == role)
			return roles[i].name;
	}
	return "unknown";
}

/* Also while the node serves, which sees the change within a second. */
static enum err_kind open_for_change(struct cli *cli, struct node *n, struct err *e)
{
	return node_open(cli_node(cli), STORE_ACCESS, cli->world, n, e);
}

/* ---- user ------------------------------------------------------------------------------------ */

static const struct option_row user_add_options[] = {
	{"role",          'r', OPTION_TEXT, "ROLE", "reader (default), contributor or administrator"},
	{"password-file", 'p', OPTION_TEXT, "FILE",
         "first line is the password; - reads standard input"                                       },
	{"token",         't', OPTION_FLAG, NULL,   "also make a bearer token and print it once"    },
	{"certificate",   'c', OPTION_TEXT, "FILE", "PEM client certificate whose key is pinned"    },
	{"member",        'm', OPTION_TEXT, "NAME",
         "whose account it is: a member of the coalition, public, or - for our own"                 },
};

/* Ask on the terminal without echo; false when there is none. */
static bool password_ask(struct cli *cli, struct buf *ret_password)
{
	struct termios before, silent;
	char line[HTTP_PASSWORD_MAX + 2];
	bool ok;

	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return false;
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	fprintf(stderr, "Password for %s: ", cli->args[0]);
	fflush(stderr);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	ok = fgets(line, sizeof(line), stdin) != NULL;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	if (ok)
		buf_slice_append(ret_password, slice_of(line));
	secret_wipe(line, sizeof(line));
	return ok;
}

/* exists: the account is there already, and only changed. */
static enum err_kind password_read(
	struct cli *cli, bool exists, struct buf *ret_password, bool *ret_given, struct err *e)
{
	const char *file = cli_text(cli, "password-file");
	enum err_kind kind;
	size_t end;

	*ret_given = false;
	if (file != NULL) {
		kind = file_read(file, HTTP_PASSWORD_MAX * 4, ret_password, e);
		if (kind != OK)
			return kind;
	} else if (cli_flag(cli, "token") || cli_text(cli, "certificate") != NULL ||
		   (exists && cli_text(cli, "member") != NULL)) {
		return OK; /* another way in: no password needed */
	} else if (!password_ask(cli, ret_password)) {
		return err_set(e, ERR_USAGE,
			"no password: use --password-file, --token or --certificate, or a "
			"terminal");
	}
	end = slice_find(buf_slice(ret_password), '\n', 0);
	if (end > 0 && end <= ret_password->len && ret_password->data[end - 1] == '\r')
		end--;
	ret_password->len = end;
	*ret_given = true;
	return OK;
}

static enum cli_status user_add_run(struct cli *cli)
{
	const char *role_text = cli_text(cli, "role");
	const char *certificate = cli_text(cli, "certificate");
	const char *member = cli_text(cli, "member");
	struct store_account account = {.role = STORE_READER, .name = slice_of(cli->args[0])};
	struct store_account before;
	struct buf password = BUF_INIT;
	char token[64] = "";
	struct node n;
	struct err e;
	enum err_kind kind;
	bool given, found = false;

	if (role_text != NULL) {
		for (size_t i = 0; i < COUNT_OF(roles); i++) {
			if (strcmp(role_text, roles[i].name) == 0) {
				account.role = roles[i].role;
				found = true;
			}
		}
		if (!found)
			return cli_usage(cli,
				"no role \"%s\": expected reader, contributor or administrator",
				role_text);
	}
	if (open_for_change(cli, &n, &e) != OK)
		return cli_fail(cli, &e);
	kind = store_account_get(n.store, account.name, cli->arena, &before, &found, &e);
	if (kind == OK && found) {
		/* A change: what is not named stays. */
		if (role_text == NULL)
			account.role = before.role;
		account.password = before.password;
		memcpy(account.token, before.token, sizeof(account.token));
		account.has_token = before.has_token;
		memcpy(account.pin, before.pin, sizeof(account.pin));
		account.has_pin = before.has_pin;
		account.created_us = before.created_us;
		account.member = before.member;
	} else {
		account.created_us = world_now(cli->world);
	}
	if (member != NULL) /* what it may have is then decided by the policy */
		account.member = strcmp(member, "-") == 0 ? (struct slice){0} : slice_of(member);
	if (kind == OK)
		kind = password_read(cli, found, &password, &given, &e);
	if (kind == OK && given)
		kind = http_password_hash(buf_slice(&password), cli->arena, &account.password, &e);
	if (password.len > 0)
		secret_wipe(password.data, password.len);
	buf_fini(&password);
	if (kind == OK && certificate != NULL) {
		kind = http_certificate_pin(certificate, account.pin, &e);
		account.has_pin = true;
	}
	if (kind == OK && cli_flag(cli, "token")) {
		http_token_new(cli->world, token, account.token);
		account.has_token = true;
	}
	if (kind == OK)
		kind = store_account_put(n.store, &account, &e);
	node_close(&n);
	if (kind != OK)
		return cli_fail(cli, &e);
	if (!cli->quiet)
		printf("account %s, %s\n", cli->args[0], role_name(account.role));
	if (token[0] != '\0')
		printf("token %s\n", token);
	secret_wipe(token, sizeof(token));
	return CLI_OK;
}

const struct verb verb_user_add = {"user add", "NAME", "add an account, or change one",
	"Without an option the password is asked for. Rights on collections: serai user grant.", 1,
	1, OPTIONS(user_add_options), user_add_run};

static enum cli_status user_list_run(struct cli *cli)
{
	static const char *const heads[] = {"name", "role", "signs in with", "made"};
	struct store_account *list;
	size_t count;
	struct table table;
	struct node n;
	struct err e;

	if (node_open(cli_node(cli), STORE_READ, cli->world, &n, &e) != OK)
		return cli_fail(cli, &e);
	if (store_accounts(n.store, cli->arena, &list, &count, &e) != OK) {
		node_close(&n);
		return cli_fail(cli, &e);
	}
	table_start(&table, cli, heads, COUNT_OF(heads));
	for (size_t i = 0; i < count; i++) {
		const struct store_account *a = &list[i];
		struct slice ways = arena_printf(cli->arena, "%s%s%s%s%s%.*s",
			a->password.len > 0 ? "password " : "", a->has_token ? "token " : "",
			a->has_pin ? "certificate " : "", a->disabled ? "(disabled) " : "",
			a->member.len > 0 ? "of " : "", SLICE_ARG(a->member));

		if (cli->json) {
			struct buf out = BUF_INIT;
			struct json_writer w = JSON_WRITER(&out);

			json_write_object(&w);
			json_member_string(&w, "name", a->name);
			json_member_text(&w, "role", role_name(a->role));
			json_member_bool(&w, "password", a->password.len > 0);
			json_member_bool(&w, "token", a->has_token);
			json_member_bool(&w, "certificate", a->has_pin);
			if (a->member.len > 0)
				json_member_string(&w, "member", a->member);
			json_member_time(&w, "created", a->created_us, 6);
			json_write_end(&w, '}');
			cli_print_line(&out);
		} else {
			struct slice cells[] = {a->name, slice_of(role_name(a->role)),
				slice_trim(ways), slice_of(cli_time(cli, a->created_us))};

			table_row(&table, cells);
		}
	}
	if (!cli->json)
		table_print(&table);
	node_close(&n);
	return CLI_OK;
}

const struct verb verb_user_list = {
	"user list", "", "list the accounts", NULL, 0, 0, NULL, 0, user_list_run};

static enum cli_status user_remove_run(struct cli *cli)
{
	struct node n;
	struct err e;
	bool found = false;
	enum err_kind kind;

	if (open_for_change(cli, &n, &e) != OK)
		return cli_fail(cli, &e);
	kind = store_account_delete(n.store, slice_of(cli->args[0]), &found, &e);
	node_close(&n);
	if (kind != OK)
		return cli_fail(cli, &e);
	if (!found) {
		cli_warn(cli, "no account \"%s\"", cli->args[0]);
		return CLI_NO;
	}
	return CLI_OK;
}

const struct verb verb_user_remove = {"user remove", "NAME", "remove an account and its rights",
	NULL, 1, 1, NULL, 0, user_remove_run};

static enum cli_status user_grant_run(struct cli *cli)
{
	static const struct {
		const char *name;
		unsigned rights;
	} words[] = {
		{"none",       0			       },
		{"read",       STORE_MAY_READ                  },
		{"write",      STORE_MAY_WRITE                 },
		{"read-write", STORE_MAY_READ | STORE_MAY_WRITE},
	};
	struct store_collection collection;
	unsigned rights = 0;
	struct node n;
	struct err e;
	enum err_kind kind;
	bool found = false;

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (strcmp(cli->args[2], words[i].name) == 0) {
			rights = words[i].rights;
			found = true;
		}
	}
	if (!found)
		return cli_usage(cli, "no right \"%s\": expected none, read, write or read-write",
			cli->args[2]);
	if (open_for_change(cli, &n, &e) != OK)
		return cli_fail(cli, &e);
	kind = store_collection_get(
		n.store, slice_of(cli->args[1]), cli->arena, &collection, &found, &e);
	if (kind == OK && !found)
		kind = err_set(&e, ERR_USAGE, "no collection \"%s\"", cli->args[1]);
	if (kind == OK)
		kind = store_right_put(
			n.store, slice_of(cli->args[0]), collection.number, rights, &e);
	node_close(&n);
	return kind == OK ? CLI_OK : cli_fail(cli, &e);
}

const struct verb verb_user_grant = {"user grant", "NAME COLLECTION none|read|write|read-write",
	"set an account's rights on a collection", NULL, 3, 3, NULL, 0, user_grant_run};

static enum cli_status user_token_run(struct cli *cli)
{
	struct store_account account;
	char token[64];
	struct node n;
	struct err e;
	enum err_kind kind;
	bool found = false;

	if (open_for_change(cli, &n, &e) != OK)
		return cli_fail(cli, &e);
	kind = store_account_get(n.store, slice_of(cli->args[0]), cli->arena, &account, &found, &e);
	if (kind == OK && !found)
		kind = err_set(&e, ERR_USAGE, "no account \"%s\"", cli->args[0]);
	if (kind == OK) {
		http_token_new(cli->world, token, account.token);
		account.has_token = true;
		kind = store_account_put(n.store, &account, &e);
	}
	node_close(&n);
	if (kind != OK)
		return cli_fail(cli, &e);
	printf("token %s\n", token);
	secret_wipe(token, sizeof(token));
	return CLI_OK;
}

const struct verb verb_user_token = {"user token", "NAME",
	"make a new bearer token for an account; the old one stops working", NULL, 1, 1, NULL, 0,
	user_token_run};

/* ---- collection ------------------------------------------------------------------------------ */

static const struct option_row collection_options[] = {
	{"title",       't', OPTION_TEXT, "TEXT",   "title (else the alias)"          },
	{"description", 'd', OPTION_TEXT, "TEXT",   "what is in it"                   },
	{"tlp-max",     'm', OPTION_TEXT, "TLP",
         "nothing above leaves through it: clear … amber+strict (amber)"            },
	{"public",      'p', OPTION_TEXT, "yes|no", "readable without an account (no)"},
	{"id",          0,   OPTION_TEXT, "UUID",   "its id (else a random one)"      },
};

static enum cli_status collection_change(struct cli *cli, bool make)
{
	struct store_collection c = {.tlp_max = STIX_TLP_AMBER, .alias = slice_of(cli->args[0])};
	const char *text;
	char uuid[UUID_TEXT_LEN + 1];
	int64_t number;
	struct node n;
	struct err e;
	enum err_kind kind;
	bool found = false;

	if (open_for_change(cli, &n, &e) != OK)
		return cli_fail(cli, &e);
	kind = store_collection_get(n.store, slice_of(cli->args[0]), cli->arena, &c, &found, &e);
	if (kind == OK && found == make)
		kind = err_set(&e, ERR_USAGE,
			make ? "there is a collection \"%s\" already" : "no collection \"%s\"",
			cli->args[0]);
	if (kind == OK && make) {
		c.title = c.alias;
		c.created_us = world_now(cli->world);
		uuid_v4(cli->world, &c.uuid);
		text = cli_text(cli, "id");
		if (text != NULL && !uuid_parse(slice_of(text), &c.uuid))
			kind = err_set(&e, ERR_USAGE, "--id \"%s\": expected a UUID", text);
	}
	text = cli_text(cli, "title");
	if (text != NULL)
		c.title = slice_of(text);
	text = cli_text(cli, "description");
	if (text != NULL)
		c.description = slice_of(text);
	text = cli_text(cli, "tlp-max");
	if (kind == OK && text != NULL &&
		(!stix_tlp_parse(slice_of(text), &c.tlp_max) || c.tlp_max == STIX_TLP_NONE ||
			c.tlp_max == STIX_TLP_RED))
		kind = err_set(&e, ERR_USAGE,
			"--tlp-max \"%s\": expected clear, green, amber or amber+strict (red never "
			"leaves "
			"through a collection)",
			text);
	text = cli_text(cli, "public");
	if (kind == OK && text != NULL) {
		if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
			kind = err_set(&e, ERR_USAGE, "--public \"%s\": expected yes or no", text);
		c.public_read = strcmp(text, "yes") == 0;
	}
	if (kind == OK)
		kind = store_collection_put(n.store, &c, &number, &e);
	node_close(&n);
	if (kind != OK)
		return cli_fail(cli, &e);
	uuid_format(&c.uuid, uuid);
	if (!cli->quiet)
		printf("collection %s %s\n", cli->args[0], uuid);
	return CLI_OK;
}

static enum cli_status collection_add_run(struct cli *cli)
{
	return collection_change(cli, true);
}

static enum cli_status collection_set_run(struct cli *cli)
{
	return collection_change(cli, false);
}

const struct verb verb_collection_add = {"collection add", "ALIAS", "add a collection", NULL, 1, 1,
	OPTIONS(collection_options), collection_add_run};
const struct verb verb_collection_set = {"collection set", "NAME", "change a collection", NULL, 1,
	1, OPTIONS(collection_options), collection_set_run};

static enum cli_status collection_list_run(struct cli *cli)
{
	static const char *const heads[] = {
		"alias", "objects", "tlp", "public", "newest", "id", "title"};
	struct store_collection *list;
	struct table table;
	size_t count;
	struct node n;
	struct err e;

	if (node_open(cli_node(cli), STORE_READ, cli->world, &n, &e) != OK)
		return cli_fail(cli, &e);
	if (store_collections(n.store, cli->arena, &list, &count, &e) != OK) {
		node_close(&n);
		return cli_fail(cli, &e);
	}
	table_start(&table, cli, heads, COUNT_OF(heads));
	for (size_t i = 0; i < count; i++) {
		const struct store_collection *c = &list[i];
		char uuid[UUID_TEXT_LEN + 1];

		uuid_format(&c->uuid, uuid);
		if (cli->json) {
			struct buf out = BUF_INIT;
			struct json_writer w = JSON_WRITER(&out);

			json_write_object(&w);
			json_member_text(&w, "id", uuid);
			json_member_string(&w, "alias", c->alias);
			json_member_string(&w, "title", c->title);
			json_member_string(&w, "description", c->description);
			json_member_text(&w, "tlp_max", stix_tlp_name(c->tlp_max));
			json_member_bool(&w, "public", c->public_read);
			json_member_i64(&w, "objects", (int64_t)c->entries);
			json_member_time(&w, "created", c->created_us, 6);
			json_write_end(&w, '}');
			cli_print_line(&out);
		} else {
			struct slice cells[] = {c->alias, slice_of(cli_count(cli, c->entries)),
				slice_of(stix_tlp_name(c->tlp_max)),
				slice_of(c->public_read ? "yes" : "no"),
				slice_of(cli_time(cli, c->last_added_us)), slice_of(uuid),
				c->title};

			table_row(&table, cells);
		}
	}
	if (!cli->json)
		table_print(&table);
	node_close(&n);
	return CLI_OK;
}

const struct verb verb_collection_list = {
	"collection list", "", "list the collections", NULL, 0, 0, NULL, 0, collection_list_run};

static enum cli_status collection_remove_run(struct cli *cli)
{
	struct store_collection c;
	struct node n;
	struct err e;
	enum err_kind kind;
	bool found = false;

	if (node_open(cli_node(cli), STORE_WRITE, cli->world, &n, &e) != OK)
		return cli_fail(cli, &e);
	kind = store_collection_get(n.store, slice_of(cli->args[0]), cli->arena, &c, &found, &e);
	if (kind == OK && !found)
		kind = err_set(&e, ERR_USAGE, "no collection \"%s\"", cli->args[0]);
	if (kind == OK)
		kind = store_collection_delete(n.store, c.number, &e);
	node_close(&n);
	return kind == OK ? CLI_OK : cli_fail(cli, &e);
}

const struct verb verb_collection_remove = {"collection remove", "NAME",
	"remove a collection; objects in no other collection stay in the store", NULL, 1, 1, NULL,
	0, collection_remove_run};
