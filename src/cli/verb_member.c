/* SPDX-License-Identifier: MPL-2.0 */
/*
 * serai member: what delegates do with files and their offline keys. Charters and decisions are
 * written, shown and signed without a node and without a network.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"
#include "coalition/coalition.h"
#include "policy/policy.h"
#include "json/json.h"

#define KEY_FILE_MAX  KIB(4)  /* one key and a newline */
#define CARD_FILE_MAX KIB(16) /* four keys, two hashes, a title and an address */
#define CHARTER_HEAD  "serai/charter/v1\n"
#define DECISION_HEAD "serai/decision/v1\n"
#define NOTE_FILE_MAX (POLICY_BYTES_MAX + NOTE_BYTES_MAX)

static void print_line(struct buf *out)
{
	printf("%.*s\n", SLICE_ARG(buf_slice(out)));
	buf_fini(out);
}

static void json_member_hash(
	struct json_writer *w, const char *name, const uint8_t hash[SHA256_LEN])
{
	struct buf text = BUF_INIT;

	base64_append(&text, hash, SHA256_LEN);
	json_member_string(w, name, buf_slice(&text));
	buf_fini(&text);
}

static void json_member_key(struct json_writer *w, const char *name, const struct note_key *k)
{
	struct buf text = BUF_INIT;

	note_key_format(k, &text);
	json_member_string(w, name, buf_slice(&text));
	buf_fini(&text);
}

/* ---- member root --------------------------------------------------------------------------------
 */

/* Claimed before the key is made, so that no key is ever written over another. */
static enum err_kind file_claim(const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return err_set(e, ERR_CONFLICT,
			"\"%s\" is there already: a key is never overwritten", path);
	if (fd < 0)
		return err_set(e, err_kind_of_errno(errno), "could not create \"%s\": %s", path,
			strerror(errno));
	close(fd);
	return OK;
}

static enum err_kind root_make(struct cli *cli, const char *path, struct slice member,
	struct note_key *ret_key, struct err *e)
{
	struct slice name = arena_printf(cli->arena, "%.*s/root", SLICE_ARG(member));
	struct buf text = BUF_MAX(KEY_FILE_MAX);
	struct note_secret secret;
	enum err_kind kind;

	if (!charter_name_valid(member))
		return err_set(e, ERR_USAGE,
			"--name \"%.*s\": expected a-z, 0-9, '-' and '.', at most %d bytes",
			SLICE_ARG(member), COALITION_NAME_MAX);
	kind = note_secret_new(cli->world, name, NOTE_ED25519, &secret, e);
	if (kind == OK)
		kind = file_claim(path, e);
	if (kind != OK)
		return kind;
	/* Room for all of it at once: a buffer that grows leaves copies behind. */
	(void)buf_reserve(&text, KEY_FILE_MAX);
	note_secret_format(&secret, &text);
	buf_char(&text, '\n');
	kind = text.bad ? err_set(e, ERR_NOMEM, "out of memory")
			: file_write_atomic(path, buf_slice(&text), 0600, e);
	if (kind == OK)
		*ret_key = secret.key;
	else
		unlink(path);
	if (text.data != NULL)
		secret_wipe(text.data, text.capacity);
	buf_fini(&text);
	note_secret_wipe(&secret);
	return kind;
}

static enum cli_status root_run(struct cli *cli)
{
	const char *name = cli_text(cli, "name");
	struct buf out = BUF_INIT;
	struct note_key key;
	struct err e;

	if (name == NULL)
		return cli_usage(cli, "expected: serai member root FILE --name MEMBER");
	if (root_make(cli, cli->args[0], slice_of(name), &key, &e) != OK)
		return cli_fail(cli, &e);
	if (cli->json) {
		struct json_writer w = JSON_WRITER(&out);

		json_write_object(&w);
		json_member_text(&w, "file", cli->args[0]);
		json_member_key(&w, "key", &key);
		json_write_end(&w, '}');
	} else {
		note_key_format(&key, &out);
	}
	print_line(&out);
	return CLI_OK;
}

static const struct option_row root_options[] = {
	{"name", 'n', OPTION_TEXT, "MEMBER",
         "the member's name in the charter: a-z, 0-9, '-', '.'"},
};

const struct verb verb_member_root = {"member root", "FILE", "make a member's offline key",
	"FILE gets the secret key (0600) and is never written over; standard output gets the "
	"public one, which goes into\n"
	"the member's card. With this key the member signs charters and decisions: keep it on a "
	"machine or a stick that is\n"
	"on no network, and keep a copy. No node ever needs it.",
	1, 1, OPTIONS(root_options), root_run};

/* ---- member charter -----------------------------------------------------------------------------
 */

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

static enum err_kind charter_read(
	struct cli *cli, const char *path, struct charter *ret_charter, struct err *e)
{
	struct buf text = BUF_INIT;
	enum err_kind kind = file_read(path, COALITION_CHARTER_MAX, &text, e);

	if (kind == OK) {
		kind = charter_parse(buf_slice(&text), cli->arena, ret_charter, e);
		if (kind != OK)
			err_wrap(e, "%s", path);
	}
	buf_fini(&text);
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

/* A text that nobody signed, as a note that it can be read as: under a key of the moment. */
static enum err_kind note_of_text(
	struct cli *cli, struct slice text, struct slice *ret_note, struct err *e)
{
	struct buf line = BUF_INIT, note = BUF_INIT;
	struct note_secret secret;
	enum err_kind kind;

	if (!slice_ends(text, SLICE("\n")))
		return err_set(e, ERR_PARSE, "the text does not end in a newline");
	kind = note_secret_new(cli->world, SLICE("nobody"), NOTE_ED25519, &secret, e);
	if (kind != OK)
		return kind;
	note_sign(&secret, text, &line);
	note_secret_wipe(&secret);
	note_write(text, buf_slice(&line), &note);
	*ret_note = arena_copy(cli->arena, buf_slice(&note));
	if (note.bad || line.bad || ret_note->data == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	buf_fini(&line);
	buf_fini(&note);
	return kind;
}

/* Mistakes are told when it is written, not when it is signed. */
static enum err_kind charter_try(struct cli *cli, struct slice text, struct err *e)
{
	struct charter parsed;
	struct slice note;
	enum err_kind kind = note_of_text(cli, text, &note, e);

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
		kind = charter_read(cli, after, c, e);
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

/* To --output, else to standard output. */
static enum err_kind text_put(struct cli *cli, struct slice text, struct err *e)
{
	const char *path = cli_text(cli, "output");

	if (path != NULL && strcmp(path, "-") != 0)
		return file_write_atomic(path, text, 0644, e);
	(void)fwrite(text.data, 1, text.len, stdout);
	return OK;
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
		kind = text_put(cli, buf_slice(&text), &e);
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

/* ---- member decision ----------------------------------------------------------------------------
 */

static enum err_kind decision_read(
	struct cli *cli, const char *path, struct decision *ret_decision, struct err *e)
{
	struct buf text = BUF_INIT;
	struct slice kept;
	enum err_kind kind = file_read(path, NOTE_FILE_MAX, &text, e);

	kept = kind == OK ? arena_copy(cli->arena, buf_slice(&text)) : (struct slice){0};
	buf_fini(&text);
	if (kind == OK)
		kind = decision_parse(kept, cli->arena, ret_decision, e);
	return kind == OK ? OK : err_wrap(e, "%s", path);
}

/* Can it be enforced by the members of this charter? */
static enum err_kind policy_try(
	struct cli *cli, const struct charter *c, struct slice content, struct err *e)
{
	struct slice *names = ARENA_ARRAY(cli->arena, struct slice, c->members_count + 1);
	struct policy_parties parties = {names, c->members_count};
	struct policy_report report = {.arena = cli->arena};
	struct policy *p = NULL;
	enum err_kind kind;

	if (names == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < c->members_count; i++)
		names[i] = slice_of(c->members[i].name);
	kind = policy_parse(content, &parties, &report, &p, e);
	for (size_t i = 0; i < report.count; i++)
		cli_warn(cli, "%.*s: %.*s", SLICE_ARG(report.findings[i].path),
			SLICE_ARG(report.findings[i].message));
	if (kind == OK)
		kind = policy_tabling(p, POLICY_STEPS, e);
	policy_free(p);
	return kind;
}

static enum err_kind decision_gather(
	struct cli *cli, struct decision *d, struct buf *content, struct err *e)
{
	const char *after = cli_text(cli, "after"), *charter_path = cli_text(cli, "charter");
	struct decision before = {0};
	struct charter charter;
	enum err_kind kind = file_read(cli->args[0], POLICY_BYTES_MAX, content, e);

	if (kind == OK && after != NULL)
		kind = decision_read(cli, after, &before, e);
	if (kind == OK && after != NULL && !slice_equal(before.kind, d->kind))
		kind = err_set(e, ERR_USAGE, "%s is a decision of kind \"%.*s\"", after,
			SLICE_ARG(before.kind));
	if (kind == OK && charter_path != NULL)
		kind = charter_read(cli, charter_path, &charter, e);
	if (kind == OK && charter_path != NULL && slice_is(d->kind, "policy")) {
		kind = policy_try(cli, &charter, buf_slice(content), e);
		if (kind != OK)
			err_wrap(e, "%s", cli->args[0]);
	}
	d->content = buf_slice(content);
	d->sequence = before.sequence + 1;
	memcpy(d->previous, before.digest, sizeof(d->previous));
	return kind;
}

static enum cli_status decision_run(struct cli *cli)
{
	const char *of = cli_text(cli, "kind");
	struct decision d = {.kind = slice_of(of == NULL ? "policy" : of)};
	struct buf content = BUF_INIT, text = BUF_INIT;
	enum err_kind kind;
	struct err e;

	kind = decision_gather(cli, &d, &content, &e);
	if (kind == OK) {
		decision_write(&d, &text);
		if (text.bad)
			kind = err_set(&e, ERR_NOMEM, "out of memory");
	}
	if (kind == OK)
		kind = text_put(cli, buf_slice(&text), &e);
	buf_fini(&text);
	buf_fini(&content);
	return kind == OK ? CLI_OK : cli_fail(cli, &e);
}

static const struct option_row decision_options[] = {
	{"kind",    'k', OPTION_TEXT, "KIND",    "what is decided (policy)"                     },
	{"after",   'a', OPTION_TEXT, "NOTE",    "the decision of this kind that is in force"   },
	{"charter", 'c', OPTION_TEXT, "CHARTER", "check that its members can enforce the policy"},
	{"output",  'o', OPTION_TEXT, "FILE",    "where the text goes (else standard output)"   },
};

const struct verb verb_member_decision = {"member decision", "FILE",
	"write a decision to be signed: a policy that is to be in force",
	"FILE is the policy's text, which stays as it is to the byte. The first decision of a "
	"kind has number 1; each later\n"
	"one follows the one before (--after) by number and digest. Members sign the text "
	"offline (serai member sign);\n"
	"with as many signatures as the charter wants, any one of them publishes it (serai member "
	"publish).",
	1, 1, OPTIONS(decision_options), decision_run};

/* ---- a note, read -------------------------------------------------------------------------------
 */

/* A charter or a decision, signed or about to be. */
struct paper {
	bool is_charter;
	struct charter charter;
	struct decision decision;
	struct note note;
};

static enum err_kind paper_parse(
	struct cli *cli, struct slice bytes, struct paper *ret_paper, struct err *e)
{
	struct paper p = {0};
	enum err_kind kind = note_parse(bytes, cli->arena, &p.note, e);

	p.is_charter = slice_starts(bytes, SLICE(CHARTER_HEAD));
	if (kind == OK && p.is_charter)
		kind = charter_parse(bytes, cli->arena, &p.charter, e);
	else if (kind == OK && slice_starts(bytes, SLICE(DECISION_HEAD)))
		kind = decision_parse(bytes, cli->arena, &p.decision, e);
	else if (kind == OK)
		kind = err_set(e, ERR_PARSE, "neither a charter nor a decision");
	if (kind == OK)
		*ret_paper = p;
	return kind;
}

static const uint8_t *paper_digest(const struct paper *p)
{
	return p->is_charter ? p->charter.digest : p->decision.digest;
}

static const uint8_t *paper_previous(const struct paper *p)
{
	return p->is_charter ? p->charter.previous : p->decision.previous;
}

/* One line for people: what it is. */
static void paper_text(struct cli *cli, const struct paper *p, struct buf *out)
{
	const struct charter *c = &p->charter;

	if (p->is_charter)
		buf_printf(out,
			"charter \"%.*s\" version %llu: %zu members, threshold %u, until %s",
			SLICE_ARG(c->name), (unsigned long long)c->version, c->members_count,
			c->threshold, cli_time(cli, c->expires_us));
	else
		buf_printf(out, "decision of kind \"%.*s\", number %llu: %zu bytes",
			SLICE_ARG(p->decision.kind), (unsigned long long)p->decision.sequence,
			p->decision.content.len);
	buf_text(out, "\ndigest    ");
	base64_append(out, paper_digest(p), SHA256_LEN);
	buf_text(out, "\nfollows   ");
	base64_append(out, paper_previous(p), SHA256_LEN);
	buf_char(out, '\n');
}

/* ---- member sign --------------------------------------------------------------------------------
 */

static enum err_kind secret_read(const char *path, struct note_secret *ret_secret, struct err *e)
{
	struct buf text = BUF_INIT;
	enum err_kind kind;

	(void)buf_reserve(&text, 2 * KEY_FILE_MAX);
	kind = file_read(path, KEY_FILE_MAX, &text, e);
	if (kind == OK)
		kind = note_secret_parse(slice_trim(buf_slice(&text)), ret_secret, e);
	if (text.data != NULL)
		secret_wipe(text.data, text.capacity);
	buf_fini(&text);
	return kind == OK ? OK : err_wrap(e, "%s", path);
}

/* Behind an empty line a signature: what is not a good note is then no text to be signed either. */
static bool looks_signed(struct slice bytes)
{
	struct slice begin = SLICE("\n\n\xe2\x80\x94 ");

	return slice_find_text(bytes, begin) < bytes.len;
}

/* The signature lines of a note as they stand, with ours behind; *ret_again: it was there. */
static enum err_kind lines_with(struct cli *cli, struct slice bytes, const struct note_secret *s,
	struct buf *out, bool *ret_again, struct err *e)
{
	struct slice text = bytes;
	struct buf ours = BUF_INIT, lines = BUF_INIT;
	struct note note = {0};
	enum err_kind kind = OK;

	*ret_again = false;
	if (looks_signed(bytes)) {
		kind = note_parse(bytes, cli->arena, &note, e);
		text = note.text;
	}
	if (kind != OK)
		return kind;
	if (!slice_ends(text, SLICE("\n")))
		return err_set(e, ERR_PARSE, "the text does not end in a newline");
	note_sign(s, text, &ours);
	for (size_t i = 0; i < note.signatures_count; i++) {
		buf_slice_append(&lines, note.signatures[i].line);
		*ret_again |= slice_equal(note.signatures[i].line, buf_slice(&ours));
	}
	if (!*ret_again)
		buf_slice_append(&lines, buf_slice(&ours));
	note_write(text, buf_slice(&lines), out);
	if (ours.bad || lines.bad || out->bad)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	buf_fini(&ours);
	buf_fini(&lines);
	return kind;
}

static void signing_say(
	struct cli *cli, const struct paper *p, const struct note_key *key, bool again)
{
	struct buf out = BUF_INIT;
	bool stranger = true;

	if (cli->quiet)
		return;
	paper_text(cli, p, &out);
	fwrite(out.data, 1, out.len, stderr);
	buf_fini(&out);
	fprintf(stderr, "%s %s\n", again ? "was already signed by" : "is signed by", key->name);
	for (size_t i = 0; i < p->charter.members_count; i++)
		stranger = stranger && !note_key_equal(&p->charter.members[i].root, key);
	if (p->is_charter && stranger)
		cli_warn(cli, "%s is no root key of a member in this charter", key->name);
}

static enum err_kind sign(struct cli *cli, const struct note_secret *s, struct err *e)
{
	const char *path = cli->args[0];
	struct buf text = BUF_INIT, out = BUF_INIT;
	bool again = false;
	struct paper p;
	struct slice bytes;
	enum err_kind kind = file_read(path, NOTE_FILE_MAX, &text, e);

	bytes = kind == OK ? arena_copy(cli->arena, buf_slice(&text)) : (struct slice){0};
	if (kind == OK)
		kind = lines_with(cli, bytes, s, &out, &again, e);
	if (kind == OK)
		kind = paper_parse(cli, buf_slice(&out), &p, e);
	if (kind != OK) {
		err_wrap(e, "%s", path);
	} else {
		signing_say(cli, &p, &s->key, again);
		if (strcmp(path, "-") == 0 || cli_flag(cli, "stdout"))
			(void)fwrite(out.data, 1, out.len, stdout);
		else if (!again)
			kind = file_write_atomic(path, buf_slice(&out), 0644, e);
	}
	buf_fini(&text);
	buf_fini(&out);
	return kind;
}

static enum cli_status sign_run(struct cli *cli)
{
	const char *key = cli_text(cli, "key");
	struct note_secret secret;
	enum err_kind kind;
	struct err e;

	if (key == NULL)
		return cli_usage(cli, "expected: serai member sign --key FILE NOTE");
	kind = secret_read(key, &secret, &e);
	if (kind == OK) {
		kind = sign(cli, &secret, &e);
		note_secret_wipe(&secret);
	}
	return kind == OK ? CLI_OK : cli_fail(cli, &e);
}

static const struct option_row sign_options[] = {
	{"key",    'k', OPTION_TEXT, "FILE", "the member's offline key (serai member root)"     },
	{"stdout", 's', OPTION_FLAG, NULL,   "leave the file, write the note to standard output"},
};

const struct verb verb_member_sign = {"member sign", "NOTE",
	"sign a charter or a decision with a member's offline key",
	"NOTE is the unsigned text or what others have signed already; the line is added to the "
	"file (- reads standard\n"
	"input and writes standard output). What is signed is told on standard error: compare the "
	"digest with the others'.\n"
	"Anything else than a charter or a decision is not signed, and neither is one that cannot "
	"be read.",
	1, 1, OPTIONS(sign_options), sign_run};

/* ---- member show --------------------------------------------------------------------------------
 */

/* Who of these members signed, and whether they are enough. */
struct carried {
	const struct charter *by; /* NULL: nobody was asked about */
	bool *signed_by;
	size_t count;
	bool enough;
};

static enum err_kind carried_count(struct cli *cli, const struct note *note,
	const struct charter *by, struct carried *ret_carried, struct err *e)
{
	struct note_key *keys = ARENA_ARRAY(cli->arena, struct note_key, by->members_count);
	struct note_verdict v;
	enum err_kind kind;

	if (keys == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < by->members_count; i++)
		keys[i] = by->members[i].root;
	kind = note_verify(note, keys, by->members_count, cli->arena, &v, e);
	if (kind == OK)
		*ret_carried = (struct carried){
			by, v.signed_by, v.signed_count, v.signed_count >= by->threshold};
	return kind;
}

static void carried_text(const struct carried *k, struct buf *out)
{
	buf_printf(out, "signed by %zu of %zu members of charter version %llu, %u wanted%s%s",
		k->count, k->by->members_count, (unsigned long long)k->by->version,
		k->by->threshold, k->enough ? ": enough" : ": NOT ENOUGH", k->count > 0 ? ":" : "");
	for (size_t i = 0; i < k->by->members_count; i++) {
		if (k->signed_by[i])
			buf_printf(out, " %s", k->by->members[i].name);
	}
	buf_char(out, '\n');
}

static void carried_json(struct json_writer *w, const char *name, const struct carried *k)
{
	if (k->by == NULL)
		return;
	json_write_name(w, name);
	json_write_object(w);
	json_member_i64(w, "charter", (int64_t)k->by->version);
	json_member_i64(w, "wanted", k->by->threshold);
	json_write_name(w, "by");
	json_write_array(w);
	for (size_t i = 0; i < k->by->members_count; i++) {
		if (k->signed_by[i])
			json_write_text(w, k->by->members[i].name);
	}
	json_write_end(w, ']');
	json_member_bool(w, "enough", k->enough);
	json_write_end(w, '}');
}

/* What is different in one charter after another, a line each. */
struct differing {
	struct cli *cli;
	struct buf *lines;
};

static void PRINTF(2, 3) differs(struct differing *d, const char *format, ...)
{
	va_list args;
	struct slice line;

	va_start(args, format);
	line = arena_vprintf(d->cli->arena, format, args);
	va_end(args);
	buf_slice_append(d->lines, line);
	buf_char(d->lines, '\n');
}

static void member_differs(
	struct differing *d, const struct charter_member *was, const struct charter_member *is)
{
	if (!slice_equal(was->title, is->title))
		differs(d, "%s has another title: %.*s", is->name, SLICE_ARG(is->title));
	if (!note_key_equal(&was->root, &is->root))
		differs(d, "%s has another root key", is->name);
	if (!note_key_equal(&was->log, &is->log))
		differs(d, "%s has another log key", is->name);
	if (!note_key_equal(&was->witness, &is->witness))
		differs(d, "%s has another witness key", is->name);
	if (!note_key_equal(&was->mirror, &is->mirror))
		differs(d, "%s has another mirror key", is->name);
	if (memcmp(was->box, is->box, sizeof(is->box)) != 0)
		differs(d, "%s has another box key", is->name);
	if (memcmp(was->pin, is->pin, sizeof(is->pin)) != 0)
		differs(d, "%s has another TLS pin", is->name);
	if (!slice_equal(was->address, is->address))
		differs(d, "%s is at another address: %.*s", is->name,
			SLICE_ARG(is->address.len == 0 ? SLICE("by files only") : is->address));
}

static void charter_differs(
	struct differing *d, const struct charter *was, const struct charter *is)
{
	if (!slice_equal(was->name, is->name))
		differs(d, "it is named \"%.*s\" and no longer \"%.*s\"", SLICE_ARG(is->name),
			SLICE_ARG(was->name));
	if (was->threshold != is->threshold)
		differs(d, "threshold %u, was %u", is->threshold, was->threshold);
	if (was->expires_us != is->expires_us)
		differs(d, "until %s, was %s", cli_time(d->cli, is->expires_us),
			cli_time(d->cli, was->expires_us));
	for (size_t i = 0; i < was->members_count; i++) {
		const struct charter_member *m =
			charter_member_find(is, slice_of(was->members[i].name));

		if (m == NULL)
			differs(d, "%s leaves", was->members[i].name);
		else
			member_differs(d, &was->members[i], m);
	}
	for (size_t i = 0; i < is->members_count; i++) {
		if (charter_member_find(was, slice_of(is->members[i].name)) == NULL)
			differs(d, "%s joins: %.*s", is->members[i].name,
				SLICE_ARG(is->members[i].title));
	}
	for (size_t i = was->revoked_count; i < is->revoked_count; i++)
		differs(d, "key \"%s\" counts up to %llu leaves only", is->revoked[i].key.name,
			(unsigned long long)is->revoked[i].size);
}

struct showing {
	struct cli *cli;
	struct paper paper;
	struct carried own, before;
	bool follows; /* --after was given, and this is its successor */
	struct buf changes;
};

static enum err_kind show_after(struct showing *s, const char *path, struct err *e)
{
	struct differing d = {s->cli, &s->changes};
	struct buf text = BUF_INIT;
	struct paper *was = ARENA_NEW(s->cli->arena, struct paper);
	struct slice kept;
	enum err_kind kind = was == NULL ? err_set(e, ERR_NOMEM, "out of memory")
					 : file_read(path, NOTE_FILE_MAX, &text, e);

	kept = kind == OK ? arena_copy(s->cli->arena, buf_slice(&text)) : (struct slice){0};
	buf_fini(&text);
	if (kind == OK) {
		kind = paper_parse(s->cli, kept, was, e);
		if (kind != OK)
			err_wrap(e, "%s", path);
	}
	if (kind == OK && was->is_charter != s->paper.is_charter)
		kind = err_set(
			e, ERR_USAGE, "%s is a %s", path, was->is_charter ? "charter" : "decision");
	if (kind != OK)
		return kind;
	s->follows = memcmp(paper_previous(&s->paper), paper_digest(was), SHA256_LEN) == 0;
	if (s->paper.is_charter) {
		charter_differs(&d, &was->charter, &s->paper.charter);
		return carried_count(s->cli, &s->paper.note, &was->charter, &s->before, e);
	}
	if (!slice_equal(was->decision.content, s->paper.decision.content))
		differs(&d, "other content: serai policy diff says what it changes");
	return OK;
}

static bool show_good(const struct showing *s)
{
	bool good = s->own.by == NULL || s->own.enough;

	if (cli_text(s->cli, "after") != NULL)
		good = good && s->follows;
	return good && (s->before.by == NULL || s->before.enough);
}

static void members_json(struct json_writer *w, const struct charter *c)
{
	json_write_name(w, "members");
	json_write_array(w);
	for (size_t i = 0; i < c->members_count; i++) {
		json_write_object(w);
		json_member_text(w, "name", c->members[i].name);
		json_member_string(w, "title", c->members[i].title);
		json_member_key(w, "root", &c->members[i].root);
		json_member_string(w, "address", c->members[i].address);
		json_write_end(w, '}');
	}
	json_write_end(w, ']');
}

static void show_json(const struct showing *s)
{
	const struct paper *p = &s->paper;
	struct slice rest = buf_slice(&s->changes), line;
	struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER(&out);

	json_write_object(&w);
	json_member_text(&w, "what", p->is_charter ? "charter" : "decision");
	if (p->is_charter) {
		json_member_string(&w, "name", p->charter.name);
		json_member_i64(&w, "version", (int64_t)p->charter.version);
		json_member_time(&w, "expires", p->charter.expires_us, 0);
		json_member_i64(&w, "threshold", p->charter.threshold);
		members_json(&w, &p->charter);
	} else {
		json_member_string(&w, "kind", p->decision.kind);
		json_member_i64(&w, "sequence", (int64_t)p->decision.sequence);
		json_member_i64(&w, "bytes", (int64_t)p->decision.content.len);
	}
	json_member_hash(&w, "digest", paper_digest(p));
	json_member_hash(&w, "previous", paper_previous(p));
	carried_json(&w, "signed", &s->own);
	carried_json(&w, "signed_before", &s->before);
	if (cli_text(s->cli, "after") != NULL) {
		json_member_bool(&w, "follows", s->follows);
		json_write_name(&w, "changes");
		json_write_array(&w);
		while (slice_next(&rest, '\n', &line)) {
			if (line.len > 0)
				json_write_string(&w, line);
		}
		json_write_end(&w, ']');
	}
	json_write_end(&w, '}');
	print_line(&out);
}

static void members_table(struct cli *cli, const struct charter *c)
{
	static const char *const heads[] = {"member", "title", "address", "root key"};
	struct table t;

	table_start(&t, cli, heads, COUNT_OF(heads));
	for (size_t i = 0; i < c->members_count; i++) {
		const struct charter_member *m = &c->members[i];
		struct buf key = BUF_INIT;

		note_key_format(&m->root, &key);
		struct slice cells[] = {slice_of(m->name), m->title,
			m->address.len == 0 ? SLICE("by files only") : m->address, buf_slice(&key)};

		(void)table_row(&t, cells);
		buf_fini(&key);
	}
	table_print(&t);
}

static void show_text(const struct showing *s)
{
	struct slice rest = buf_slice(&s->changes), line;
	struct buf out = BUF_INIT;

	paper_text(s->cli, &s->paper, &out);
	if (s->own.by != NULL)
		carried_text(&s->own, &out);
	else
		buf_text(&out, "who signed is told with --charter\n");
	if (s->before.by != NULL)
		carried_text(&s->before, &out);
	if (cli_text(s->cli, "after") != NULL && !s->follows)
		buf_text(&out, "DOES NOT FOLLOW the one of --after: its digest is another\n");
	while (slice_next(&rest, '\n', &line)) {
		if (line.len > 0)
			buf_printf(&out, "changed   %.*s\n", SLICE_ARG(line));
	}
	for (struct slice left = buf_slice(&out), one; slice_next(&left, '\n', &one);) {
		cli_print_safe(one, 0);
		if (left.len > 0 || one.len > 0)
			putchar('\n');
	}
	buf_fini(&out);
	if (s->paper.is_charter)
		members_table(s->cli, &s->paper.charter);
}

static enum err_kind show_read(struct showing *s, struct err *e)
{
	const char *by = cli_text(s->cli, "charter"), *after = cli_text(s->cli, "after");
	struct charter *charter = ARENA_NEW(s->cli->arena, struct charter);
	struct buf text = BUF_INIT;
	struct slice kept;
	enum err_kind kind = charter == NULL ? err_set(e, ERR_NOMEM, "out of memory")
					     : file_read(s->cli->args[0], NOTE_FILE_MAX, &text, e);

	kept = kind == OK ? arena_copy(s->cli->arena, buf_slice(&text)) : (struct slice){0};
	buf_fini(&text);
	if (kind == OK && !looks_signed(kept))
		kind = note_of_text(s->cli, kept, &kept, e);
	if (kind == OK) {
		kind = paper_parse(s->cli, kept, &s->paper, e);
		if (kind != OK)
			err_wrap(e, "%s", s->cli->args[0]);
	}
	if (kind == OK && by != NULL)
		kind = charter_read(s->cli, by, charter, e);
	if (kind == OK && by != NULL)
		kind = carried_count(s->cli, &s->paper.note, charter, &s->own, e);
	else if (kind == OK && s->paper.is_charter)
		kind = carried_count(s->cli, &s->paper.note, &s->paper.charter, &s->own, e);
	return kind == OK && after != NULL ? show_after(s, after, e) : kind;
}

static enum cli_status show_run(struct cli *cli)
{
	struct showing *s = ARENA_NEW(cli->arena, struct showing);
	const char *content = cli_text(cli, "content");
	enum cli_status status;
	enum err_kind kind;
	struct err e;

	if (s == NULL)
		return CLI_FAILED;
	s->cli = cli;
	kind = show_read(s, &e);
	if (kind == OK && content != NULL && s->paper.is_charter)
		kind = err_set(&e, ERR_USAGE, "--content: a charter holds no other text");
	if (kind == OK && content != NULL)
		kind = file_write_atomic(content, s->paper.decision.content, 0644, &e);
	if (kind != OK) {
		status = cli_fail(cli, &e);
		if (kind == ERR_PARSE || kind == ERR_INVALID)
			status = CLI_NO;
	} else {
		if (cli->json)
			show_json(s);
		else
			show_text(s);
		status = show_good(s) ? CLI_OK : CLI_NO;
	}
	buf_fini(&s->changes);
	return status;
}

static const struct option_row show_options[] = {
	{"charter", 'c', OPTION_TEXT, "CHARTER", "whose members are asked for (a charter's own)"},
	{"after",   'a', OPTION_TEXT, "NOTE",    "the one before: what this one changes"        },
	{"content", 'o', OPTION_TEXT, "FILE",    "write what a decision decides to FILE"        },
};

const struct verb verb_member_show = {"member show", "NOTE",
	"say what a charter or a decision holds, who signed it and whether that is enough",
	"Signatures are verified under the members' root keys. A charter that follows another "
	"wants the signatures of both:\n"
	"name that one with --after. Exit status 1: not enough signed, a wrong signature, or it "
	"does not follow.",
	1, 1, OPTIONS(show_options), show_run};

/* ---- member quorum ------------------------------------------------------------------------------
 */

static enum cli_status quorum_run(struct cli *cli)
{
	const struct charter_member *m;
	struct buf out = BUF_INIT;
	struct charter c;
	struct err e;
	enum err_kind kind = charter_read(cli, cli->args[0], &c, &e);

	if (kind == OK)
		kind = charter_carried(&c, c.bytes, &e);
	m = kind == OK ? charter_member_find(&c, slice_of(cli->args[1])) : NULL;
	if (kind == OK && m == NULL)
		kind = err_set(&e, ERR_USAGE, "the charter has no member \"%s\"", cli->args[1]);
	if (kind == OK) {
		charter_quorum_file(&c, m, &out);
		kind = out.bad ? err_set(&e, ERR_NOMEM, "out of memory")
			       : text_put(cli, buf_slice(&out), &e);
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
