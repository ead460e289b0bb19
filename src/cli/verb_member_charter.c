/* SPDX-License-Identifier: MPL-2.0 */
/*
 * serai member charter, serai member quorum: a charter written of the members' cards, and what of
 * one anybody needs who checks a proof.
 */
#include "verb_member.h"
#include "json/json.h"

#define CARD_FILE_MAX KIB(16) /* four keys, two hashes, a title and an address */

/* ---- member charter -------------------------------------------------------------------------- */

struct card_reading {
	struct arena *a;
	struct json_value card;
	const char *path;
	struct err *e;
	enum err_kind kind; /* the first mistake stays */
};

static struct slice card_text(struct card_reading *r, const char *name)
{
	struct json_value v;

	if (r->kind == OK && (!json_get(r->card, name, &v) || !json_is_string(v)))
		r->kind = err_set(r->e, ERR_INVALID, "%s: \"%s\" is missing", r->path, name);
	return r->kind == OK ? arena_copy(r->a, json_string(v)) : (struct slice){0};
}

static void card_key(struct card_reading *r, const char *name, struct note_key *ret_key)
{
	struct slice text = card_text(r, name);

	if (r->kind != OK)
		return;
	r->kind = note_key_parse(text, ret_key, r->e);
	if (r->kind != OK)
		err_wrap(r->e, "%s: %s", r->path, name);
}

static void card_hash(struct card_reading *r, const char *name, uint8_t ret_hash[SHA256_LEN])
{
	struct slice text = card_text(r, name);
	struct buf bytes = BUF_MAX(SHA256_LEN);

	if (r->kind == OK && (!base64_decode(text, &bytes) || bytes.len != SHA256_LEN))
		r->kind = err_set(r->e, ERR_INVALID, "%s: %s: expected %d bytes in base64", r->path,
			name, SHA256_LEN);
	if (r->kind == OK)
		memcpy(ret_hash, bytes.data, SHA256_LEN);
	buf_fini(&bytes);
}

/* What charter_parse asks of the whole is asked there. */
static enum err_kind card_parse(struct card_reading *r, struct charter_member *ret_member)
{
	struct charter_member m = {0};
	struct slice name = card_text(r, "name");

	if (r->kind == OK && !charter_name_valid(name))
		r->kind = err_set(r->e, ERR_INVALID, "%s: \"%.*s\" is no member's name", r->path,
			SLICE_ARG(name));
	if (r->kind == OK)
		memcpy(m.name, name.data, name.len);
	m.title = card_text(r, "title");
	card_key(r, "root", &m.root);
	card_key(r, "log", &m.log);
	card_key(r, "witness", &m.witness);
	card_key(r, "mirror", &m.mirror);
	card_hash(r, "box", m.box);
	card_hash(r, "pin", m.pin);
	m.address = card_text(r, "address");
	if (r->kind == OK)
		*ret_member = m;
	return r->kind;
}

static enum err_kind card_read(
	struct cli *cli, const char *path, struct charter_member *ret_member, struct err *e)
{
	struct json_parser *parser = json_parser_new(CARD_FILE_MAX);
	struct buf text = BUF_INIT;
	struct json_doc doc;
	enum err_kind kind = parser == NULL ? err_set(e, ERR_NOMEM, "out of memory")
					    : file_read(path, CARD_FILE_MAX, &text, e);

	if (kind == OK) {
		kind = json_parse(parser, buf_slice(&text), &doc, e);
		if (kind != OK)
			err_wrap(e, "%s", path);
	}
	if (kind == OK) {
		struct card_reading r = {cli->arena, json_root(&doc), path, e, OK};

		kind = card_parse(&r, ret_member);
	}
	buf_fini(&text);
	json_parser_free(parser);
	return kind;
}

/* By name: in its old place, else behind the others. */
static enum err_kind member_put(struct charter *c, const struct charter_member *m, struct err *e)
{
	for (size_t i = 0; i < c->members_count; i++) {
		if (strcmp(c->members[i].name, m->name) == 0) {
			c->members[i] = *m;
			return OK;
		}
	}
	if (c->members_count == COALITION_MEMBERS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d members", COALITION_MEMBERS_MAX);
	c->members[c->members_count++] = *m;
	return OK;
}

static enum err_kind members_leave(struct charter *c, struct slice names, struct err *e)
{
	struct slice name;

	while (slice_next(&names, ',', &name)) {
		const struct charter_member *m = charter_member_find(c, name);
		size_t at;

		if (m == NULL)
			return err_set(
				e, ERR_USAGE, "--leave: no member \"%.*s\"", SLICE_ARG(name));
		at = (size_t)(m - c->members);
		memmove(&c->members[at], &c->members[at + 1],
			(c->members_count - at - 1) * sizeof(*c->members));
		c->members_count--;
	}
	return OK;
}

/* "VKEY:SIZE:ROOT", from behind, since a key's name may hold colons. */
static enum err_kind revoked_parse(
	struct slice text, struct charter_revoked *ret_revoked, struct err *e)
{
	struct buf root = BUF_MAX(LEDGER_HASH_LEN);
	size_t last = text.len, middle;
	struct slice size;
	enum err_kind kind;

	while (last > 0 && text.data[last - 1] != ':')
		last--;
	middle = last > 0 ? last - 1 : 0;
	while (middle > 0 && text.data[middle - 1] != ':')
		middle--;
	size = slice_cut(text, middle, last > 0 ? last - 1 : 0);
	if (middle == 0 || !slice_to_u64(size, &ret_revoked->size) ||
		!base64_decode(slice_cut(text, last, text.len), &root) ||
		root.len != LEDGER_HASH_LEN) {
		buf_fini(&root);
		return err_set(e, ERR_USAGE,
			"--revoke \"%.*s\": expected VKEY:SIZE:ROOT, the size up to which the key "
			"counts and the log's root at it in base64",
			SLICE_ARG(text));
	}
	memcpy(ret_revoked->root, root.data, LEDGER_HASH_LEN);
	buf_fini(&root);
	kind = note_key_parse(slice_cut(text, 0, middle - 1), &ret_revoked->key, e);
	return kind == OK ? OK : err_wrap(e, "--revoke");
}

static enum err_kind revoked_take(struct cli *cli, struct charter *c, struct err *e)
{
	struct slice rest = slice_of(cli_text(cli, "revoke")), one;
	size_t room = c->revoked_count + 1;
	struct charter_revoked *list;

	for (size_t i = 0; i < rest.len; i++)
		room += rest.data[i] == ',';
	list = ARENA_ARRAY(cli->arena, struct charter_revoked, room + 1);
	if (list == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (c->revoked_count > 0)
		memcpy(list, c->revoked, c->revoked_count * sizeof(*list));
	c->revoked = list;
	while (slice_next(&rest, ',', &one)) {
		enum err_kind kind = revoked_parse(one, &list[c->revoked_count], e);

		if (kind != OK)
			return kind;
		c->revoked_count++;
	}
	return OK;
}

/* Mistakes are told when it is written, not when it is signed. */
static enum err_kind charter_try(struct cli *cli, struct slice text, struct err *e)
{
	struct charter parsed;
	struct slice note;
	enum err_kind kind = paper_note(cli, text, &note, e);

	return kind == OK ? charter_parse(note, cli->arena, &parsed, e) : kind;
}

static enum err_kind charter_gather(struct cli *cli, struct charter *c, struct err *e)
{
	const char *after = cli_text(cli, "after"), *leave = cli_text(cli, "leave");
	struct charter_member *members =
		ARENA_ARRAY(cli->arena, struct charter_member, COALITION_MEMBERS_MAX);
	uint64_t threshold;
	enum err_kind kind = OK;

	if (members == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (after != NULL)
		kind = paper_charter(cli, after, c, e);
	if (kind != OK)
		return kind;
	if (after != NULL) {
		memcpy(members, c->members, c->members_count * sizeof(*members));
		memcpy(c->previous, c->digest, sizeof(c->previous));
	}
	c->members = members;
	c->version++;
	if (cli_text(cli, "name") != NULL)
		c->name = slice_of(cli_text(cli, "name"));
	if (!cli_number(cli, "threshold", c->threshold, 1, COALITION_MEMBERS_MAX, &threshold) ||
		!time_parse(slice_of(cli_text(cli, "expires")), &c->expires_us, NULL))
		return err_set(e, ERR_USAGE,
			"--expires \"%s\": expected a time like 2028-01-01T00:00:00Z",
			cli_text(cli, "expires"));
	c->threshold = (unsigned)threshold;
	if (leave != NULL)
		kind = members_leave(c, slice_of(leave), e);
	for (unsigned i = 0; i < cli->args_count && kind == OK; i++) {
		struct charter_member m;

		kind = card_read(cli, cli->args[i], &m, e);
		if (kind == OK)
			kind = member_put(c, &m, e);
	}
	return kind == OK ? revoked_take(cli, c, e) : kind;
}

static enum cli_status charter_run(struct cli *cli)
{
	bool first = cli_text(cli, "after") == NULL;
	struct buf text = BUF_INIT;
	struct charter c = {0};
	enum err_kind kind;
	struct err e;

	if (cli_text(cli, "expires") == NULL)
		return cli_usage(cli, "--expires has to be given");
	if (first && (cli_text(cli, "name") == NULL || cli_text(cli, "threshold") == NULL ||
			     cli->args_count == 0))
		return cli_usage(cli, "a first charter wants --name, --threshold and cards");
	kind = charter_gather(cli, &c, &e);
	if (kind == OK) {
		charter_write(&c, &text);
		kind = text.bad ? err_set(&e, ERR_NOMEM, "out of memory")
				: charter_try(cli, buf_slice(&text), &e);
	}
	if (kind == OK)
		kind = paper_put(cli, buf_slice(&text), &e);
	buf_fini(&text);
	return kind == OK ? CLI_OK : cli_fail(cli, &e);
}

static const struct option_row charter_options[] = {
	{"name",      'n', OPTION_TEXT, "TEXT",               "the coalition's name (else as before)"       },
	{"threshold", 't', OPTION_TEXT, "NUMBER",
         "root signatures that a charter or a decision wants (else as before)"                              },
	{"expires",   'e', OPTION_TEXT, "TIME",               "until when it holds: 2028-01-01T00:00:00Z"   },
	{"after",     'a', OPTION_TEXT, "CHARTER",            "the charter in force, which this one follows"},
	{"leave",     'l', OPTION_TEXT, "MEMBER,…",
         "members of the one before that are no longer in it"                                               },
	{"revoke",    'r', OPTION_TEXT, "VKEY:SIZE:ROOT,…",
         "keys taken back; what they signed counts up to SIZE leaves with this root"                        },
	{"output",    'o', OPTION_TEXT, "FILE",               "where the text goes (else standard output)"  },
};

const struct verb verb_member_charter = {"member charter", "[CARD...]",
	"write a charter to be signed: who the members are, with which keys",
	"A first charter is made of the members' cards (serai member card). With --after it "
	"follows that one: cards replace\n"
	"or add members by name, all others stay as they are. The threshold must be more than "
	"half of the members (and of\n"
	"those that may be faulty). Each member then signs the text offline (serai member sign); "
	"a charter that follows one\n"
	"wants the thresholds of both.",
	0, COALITION_MEMBERS_MAX, OPTIONS(charter_options), charter_run};

/* ---- member quorum --------------------------------------------------------------------------- */

static enum cli_status quorum_run(struct cli *cli)
{
	const struct charter_member *m;
	struct buf out = BUF_INIT;
	struct charter c;
	struct err e;
	enum err_kind kind = paper_charter(cli, cli->args[0], &c, &e);

	if (kind == OK)
		kind = charter_carried(&c, c.bytes, &e);
	m = kind == OK ? charter_member_find(&c, slice_of(cli->args[1])) : NULL;
	if (kind == OK && m == NULL)
		kind = err_set(&e, ERR_USAGE, "the charter has no member \"%s\"", cli->args[1]);
	if (kind == OK) {
		charter_quorum_file(&c, m, &out);
		kind = out.bad ? err_set(&e, ERR_NOMEM, "out of memory")
			       : paper_put(cli, buf_slice(&out), &e);
	}
	buf_fini(&out);
	return kind == OK ? CLI_OK : cli_fail(cli, &e);
}

static const struct option_row quorum_options[] = {
	{"output", 'o', OPTION_TEXT, "FILE", "where it goes (else standard output)"},
};

const struct verb verb_member_quorum = {"member quorum", "CHARTER MEMBER",
	"write the public keys with which anybody checks a proof of a member's log",
	"The quorum file (C2SP's tlog-policy) of MEMBER's log: its key, and how many of the "
	"others must have mirrored what\n"
	"it signed. Whoever has it needs nothing else from the coalition: serai verify PROOF "
	"--content FILE --quorum FILE.",
	2, 2, OPTIONS(quorum_options), quorum_run};
