/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What an operator asks of a member's node: thin verbs over node_command, which answers whether
 * the node serves or not. The node's folder is the first argument of each.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "verb_member.h"

#define CARD_MAX    KIB(16)
#define ANSWER_MAX  MIB(64) /* of an answer that is read here: status, an import */
#define NOTE_MAX    (MIB(1) + NOTE_BYTES_MAX)
#define BUNDLES_MAX 1000 /* files of one import */

/* ---- asking ---------------------------------------------------------------------------------- */

static enum err_kind to_stdout(void *context, struct slice bytes, struct err *e)
{
	(void)context;
	if (bytes.len > 0 && fwrite(bytes.data, 1, bytes.len, stdout) != bytes.len)
		return err_set(e, ERR_IO, "could not write the answer: %s", strerror(errno));
	return OK;
}

static enum err_kind to_file(void *context, struct slice bytes, struct err *e)
{
	if (bytes.len > 0 && fwrite(bytes.data, 1, bytes.len, context) != bytes.len)
		return err_set(e, err_kind_of_errno(errno), "could not write the file: %s",
			strerror(errno));
	return OK;
}

static enum err_kind to_buf(void *context, struct slice bytes, struct err *e)
{
	struct buf *out = context;

	buf_slice_append(out, bytes);
	return out->bad ? err_set(e, ERR_LIMIT, "an answer of more than %zu bytes", ANSWER_MAX)
			: OK;
}

/* words end with NULL; input -1: none. */
static enum err_kind ask(struct cli *cli, const char *const *words, int input, bool json,
	enum err_kind (*write)(void *context, struct slice bytes, struct err *e), void *context,
	struct err *e)
{
	struct node_request request = {.words = words,
		.json = json,
		.input_fd = input,
		.write = write,
		.context = context};

	while (words[request.words_count] != NULL)
		request.words_count++;
	return node_command(cli->args[0], cli->world, &request, e);
}

/* The answer goes to standard output as it comes. */
static enum cli_status tell(struct cli *cli, const char *const *words)
{
	struct err e;

	if (ask(cli, words, -1, cli->json, to_stdout, NULL, &e) != OK)
		return cli_fail(cli, &e);
	return CLI_OK;
}

static enum err_kind file_of(const char *path, int *ret_fd, struct err *e)
{
	*ret_fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (*ret_fd < 0)
		return err_set(e, err_kind_of_errno(errno), "could not open \"%s\": %s", path,
			strerror(errno));
	return OK;
}

/* The answer in one file: whole, or not there. "-": standard output. */
static enum err_kind ask_into(
	struct cli *cli, const char *const *words, const char *path, struct err *e)
{
	struct slice part = arena_printf(cli->arena, "%s.part", path);
	FILE *to;
	enum err_kind kind;

	if (strcmp(path, "-") == 0)
		return ask(cli, words, -1, false, to_stdout, NULL, e);
	if (part.data == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	to = fopen(part.data, "wbe");
	if (to == NULL)
		return err_set(e, err_kind_of_errno(errno), "could not create \"%s\": %s",
			part.data, strerror(errno));
	kind = ask(cli, words, -1, false, to_file, to, e);
	if (kind == OK && (fflush(to) != 0 || fsync(fileno(to)) != 0))
		kind = err_set(e, err_kind_of_errno(errno), "could not write \"%s\": %s", part.data,
			strerror(errno));
	if (fclose(to) != 0 && kind == OK)
		kind = err_set(e, ERR_IO, "could not write \"%s\": %s", part.data, strerror(errno));
	if (kind == OK && rename(part.data, path) != 0)
		kind = err_set(e, err_kind_of_errno(errno), "could not rename to \"%s\": %s", path,
			strerror(errno));
	if (kind != OK)
		unlink(part.data);
	return kind;
}

/* ---- member card ----------------------------------------------------------------------------- */

static void card_write(struct json_value card, struct slice root, struct slice title,
	struct slice address, struct buf *out)
{
	static const char *const names[] = {"log", "witness", "mirror", "box", "pin"};
	struct json_writer w = JSON_WRITER(out);

	json_write_object(&w);
	json_member_string(&w, "name", json_get_string(card, "name"));
	json_member_string(&w, "title", title);
	json_member_string(&w, "root", root);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		json_member_string(&w, names[i], json_get_string(card, names[i]));
	json_member_string(&w, "address", address);
	json_write_end(&w, '}');
}

static enum err_kind card_make(struct cli *cli, struct buf *out, struct err *e)
{
	struct json_parser *parser = json_parser_new(CARD_MAX);
	struct slice title = slice_of(cli_text(cli, "title"));
	struct buf card = BUF_INIT;
	struct note_key root;
	struct json_doc doc;
	enum err_kind kind = parser == NULL
				     ? err_set(e, ERR_NOMEM, "out of memory")
				     : note_key_parse(slice_of(cli_text(cli, "root")), &root, e);

	if (kind != OK && parser != NULL)
		err_wrap(e, "--root");
	if (kind == OK && root.type != NOTE_ED25519)
		kind = err_set(e, ERR_USAGE, "--root: \"%s\" is no signing key", root.name);
	if (kind == OK)
		kind = node_card_get(cli->args[0], &card, e);
	if (kind == OK)
		kind = json_parse(parser, buf_slice(&card), &doc, e);
	if (kind == OK) {
		struct slice name = json_get_string(json_root(&doc), "name");

		if (!slice_starts(slice_of(root.name), name) || root.name[name.len] != '/')
			kind = err_set(e, ERR_USAGE, "--root: \"%s\" is no key of member \"%.*s\"",
				root.name, SLICE_ARG(name));
		card_write(json_root(&doc), slice_of(cli_text(cli, "root")),
			title.len > 0 ? title : name, slice_of(cli_text(cli, "address")), out);
	}
	if (kind == OK && out->bad)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	buf_fini(&card);
	json_parser_free(parser);
	return kind;
}

static enum cli_status card_run(struct cli *cli)
{
	const char *path = cli_text(cli, "output");
	struct buf out = BUF_INIT;
	enum err_kind kind;
	struct err e;

	if (cli_text(cli, "root") == NULL)
		return cli_usage(
			cli, "--root has to be given: the public key of serai member root");
	kind = card_make(cli, &out, &e);
	buf_char(&out, '\n');
	if (kind == OK && path != NULL)
		kind = file_write_atomic(path, buf_slice(&out), 0644, &e);
	else if (kind == OK)
		kind = to_stdout(NULL, buf_slice(&out), &e);
	buf_fini(&out);
	return kind == OK ? CLI_OK : cli_fail(cli, &e);
}

static const struct option_row card_options[] = {
	{"root",    'r', OPTION_TEXT, "VKEY", "the member's offline public key (serai member root)"},
	{"title",   't', OPTION_TEXT, "TEXT", "the member's name for people"                       },
	{"address", 'a', OPTION_TEXT, "URL",
         "where the others reach it: https://host:port (left out: by files only)"                  },
	{"output",  'o', OPTION_TEXT, "FILE", "where it goes (else standard output)"               },
};

const struct verb verb_member_card = {"member card", "FOLDER",
	"say what a charter has to say of this node's member",
	"Public keys, TLS pin and address as JSON, to be handed to whoever writes the charter "
	"(serai member charter).\n"
	"Let the others compare it with you by another way, such as by telephone: a charter binds "
	"them to these keys.",
	1, 1, OPTIONS(card_options), card_run};

/* ---- member found, member publish ------------------------------------------------------------ */

static enum cli_status hand_in(struct cli *cli, const char *const *words, const char *path)
{
	struct err e;
	int fd;
	enum err_kind kind = file_of(path, &fd, &e);

	if (kind == OK) {
		kind = ask(cli, words, fd, cli->json, to_stdout, NULL, &e);
		close(fd);
	}
	return kind == OK ? CLI_OK : cli_fail(cli, &e);
}

static enum cli_status found_run(struct cli *cli)
{
	static const char *const words[] = {"charter", "take", NULL};

	return hand_in(cli, words, cli->args[1]);
}

const struct verb verb_member_found = {"member found", "FOLDER CHARTER",
	"make this node a member under a charter",
	"The first charter is believed on the operator's word, so look at it first (serai member "
	"show). A later one must\n"
	"follow the one in force and carry the signatures of both; those also come by "
	"themselves, through the logs.",
	2, 2, NULL, 0, found_run};

static enum cli_status publish_run(struct cli *cli)
{
	static const char *const charter[] = {"charter", "publish", NULL};
	static const char *const decision[] = {"decision", "publish", NULL};
	struct buf text = BUF_INIT;
	struct err e;
	enum err_kind kind = file_read(cli->args[1], NOTE_MAX, &text, &e);
	bool is_charter = kind == OK && slice_starts(buf_slice(&text), SLICE(CHARTER_HEAD));

	buf_fini(&text);
	if (kind != OK)
		return cli_fail(cli, &e);
	return hand_in(cli, is_charter ? charter : decision, cli->args[1]);
}

const struct verb verb_member_publish = {"member publish", "FOLDER NOTE",
	"put a signed charter or decision into this member's log, for all",
	"It is in force everywhere as soon as enough of the others hold it in their mirrors. Each "
	"node checks it anew: who\n"
	"publishes it adds nothing to it.",
	2, 2, NULL, 0, publish_run};

/* ---- status, peer ---------------------------------------------------------------------------- */

static enum cli_status status_run(struct cli *cli)
{
	static const char *const words[] = {"status", NULL};

	return tell(cli, words);
}

const struct verb verb_status = {"status", "FOLDER",
	"say how this member and the coalition are doing",
	"This member's log; each member's log here: entries, how far behind, opened, withheld from "
	"us, largest size that a\n"
	"quorum cosigned, and trust (good, stale, quarantine, revoked); each peer: reachable, what "
	"it was given.",
	1, 1, NULL, 0, status_run};

static enum cli_status peers_json(struct json_value peers)
{
	struct json_value one;

	for (struct json_iter it = json_iter(peers); json_array_next(&it, &one);) {
		struct buf out = BUF_INIT;
		struct err e;

		if (json_canon(one, &out, &e) == OK)
			printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
		buf_fini(&out);
	}
	return CLI_OK;
}

static const char *count_of(struct cli *cli, struct json_value v, const char *name)
{
	struct json_value number;
	int64_t value = 0;

	if (!json_get(v, name, &number) || !json_to_i64(number, &value) || value < 0)
		return "-";
	return cli_count(cli, (uint64_t)value);
}

static enum cli_status peers_table(struct cli *cli, struct json_value peers)
{
	static const char *const heads[] = {"member", "reachable", "seconds ago", "holds of ours",
		"sent", "withheld", "problem"};
	struct json_value one, reachable;
	bool all = true;
	struct table t;

	table_start(&t, cli, heads, COUNT_OF(heads));
	for (struct json_iter it = json_iter(peers); json_array_next(&it, &one);) {
		bool yes = json_get(one, "reachable", &reachable) && json_is_true(reachable);
		struct slice cells[] = {json_get_string(one, "member"),
			yes ? SLICE("yes") : SLICE("no"),
			slice_of(count_of(cli, one, "last_seconds_ago")),
			slice_of(count_of(cli, one, "their_size")),
			slice_of(count_of(cli, one, "sent_openings")),
			slice_of(count_of(cli, one, "sent_withheld")),
			json_get_string(one, "problem")};

		all = all && yes;
		if (!table_row(&t, cells))
			return CLI_FAILED;
	}
	table_print(&t);
	return all ? CLI_OK : CLI_NO;
}

static enum cli_status peer_run(struct cli *cli)
{
	static const char *const words[] = {"status", NULL};
	static const char *const now[] = {"sync", NULL};
	struct json_parser *parser = json_parser_new(ANSWER_MAX);
	struct buf text = BUF_MAX(ANSWER_MAX);
	enum cli_status status = CLI_FAILED;
	struct json_value peers;
	struct json_doc doc;
	enum err_kind kind;
	struct err e;

	kind = parser == NULL
		       ? err_set(&e, ERR_NOMEM, "out of memory")
		       : ask(cli, cli_flag(cli, "sync") ? now : words, -1, true, to_buf, &text, &e);
	if (kind == OK)
		kind = json_parse(parser, buf_slice(&text), &doc, &e);
	if (kind == OK && !json_get(json_root(&doc), "peers", &peers))
		kind = err_set(&e, ERR_PARSE, "the node's answer tells of no peers");
	if (kind == OK)
		status = cli->json ? peers_json(peers) : peers_table(cli, peers);
	else
		status = cli_fail(cli, &e);
	buf_fini(&text);
	json_parser_free(parser);
	return status;
}

static const struct option_row peer_options[] = {
	{"sync", 's', OPTION_FLAG, NULL, "first one round with everybody, now"},
};

const struct verb verb_peer = {"peer", "FOLDER", "list the other members as this node meets them",
	"Exit status 1: somebody cannot be reached. Members by files only never can.", 1, 1,
	OPTIONS(peer_options), peer_run};

/* ---- withdraw, withdrawals ------------------------------------------------------------------- */

static enum cli_status withdraw_run(struct cli *cli)
{
	const char *words[] = {
		"withdraw", cli->args[1], cli_text(cli, "code"), cli_text(cli, "reason"), NULL};
	enum withdrawal_code code;

	if (words[2] == NULL || words[3] == NULL || words[3][0] == '\0')
		return cli_usage(cli, "--code and --reason have to be given");
	if (!withdrawal_code_parse(slice_of(words[2]), &code))
		return cli_usage(
			cli, "--code %s: expected error, expired, order or erase", words[2]);
	return tell(cli, words);
}

static const struct option_row withdraw_options[] = {
	{"code",   'c', OPTION_TEXT, "CODE", "error, expired, order or erase" },
	{"reason", 'r', OPTION_TEXT, "TEXT", "why, for those who relied on it"},
};

const struct verb verb_withdraw = {"withdraw", "FOLDER ID|INDEX",
	"take back what this member published, everywhere",
	"By the object's id (all its versions) or by its index in our log. Every member that had "
	"it removes it, before it\n"
	"takes anything newer, and acknowledges that in its own log: serai withdrawals. "
	"\"erase\" is for what must not be kept at all, such as personal data.",
	2, 2, OPTIONS(withdraw_options), withdraw_run};

static enum cli_status withdrawals_run(struct cli *cli)
{
	static const char *const words[] = {"withdrawals", NULL};

	return tell(cli, words);
}

const struct verb verb_withdrawals = {"withdrawals", "FOLDER",
	"list what members took back, and who acknowledged it", NULL, 1, 1, NULL, 0,
	withdrawals_run};

/* ---- prove, explain, releases, deletions ----------------------------------------------------- */

static enum cli_status prove_run(struct cli *cli)
{
	const char *proof[] = {"prove", cli->args[1], NULL};
	const char *content[] = {"prove", cli->args[1], "content", NULL};
	const char *proof_path = cli_text(cli, "output"), *content_path = cli_text(cli, "content");
	enum err_kind kind = OK;
	struct err e;

	if (content_path != NULL)
		kind = ask_into(cli, content, content_path, &e);
	if (kind == OK)
		kind = ask_into(cli, proof, proof_path == NULL ? "-" : proof_path, &e);
	return kind == OK ? CLI_OK : cli_fail(cli, &e);
}

static const struct option_row prove_options[] = {
	{"output",  'o', OPTION_TEXT, "PROOF", "where the proof goes (else standard output)"},
	{"content", 'c', OPTION_TEXT, "FILE",  "write the exact content there too"          },
};

const struct verb verb_prove = {"prove", "FOLDER ID|ORIGIN:INDEX",
	"write the proof that an object is in a member's log",
	"Whoever has the proof, the content and a quorum file (serai member quorum) checks it "
	"offline: serai verify. The\n"
	"proof opens the content's commitment, so give it only to who may see the content.",
	2, 2, OPTIONS(prove_options), prove_run};

static enum cli_status explain_run(struct cli *cli)
{
	const char *words[] = {"explain", cli->args[1], cli_text(cli, "to"), NULL};

	if (words[2] == NULL)
		return cli_usage(cli, "--to has to be given");
	return tell(cli, words);
}

static const struct option_row explain_options[] = {
	{"to", 't', OPTION_TEXT, "MEMBER", "who would have it"},
};

const struct verb verb_explain = {"explain", "FOLDER ID",
	"say whether a member may have an object, and why",
	"The decision of the policy in force as this node would take it now: the rule, its "
	"obligations, else the nearest\n"
	"rule and what of it did not fit.",
	2, 2, OPTIONS(explain_options), explain_run};

static enum cli_status releases_run(struct cli *cli)
{
	static const char *const names[] = {"to", "of", "since", "until"};
	const char *words[2 * COUNT_OF(names) + 2] = {"releases"};
	unsigned count = 1;

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (cli_text(cli, names[i]) == NULL)
			continue;
		words[count++] = names[i];
		words[count++] = cli_text(cli, names[i]);
	}
	return tell(cli, words);
}

static const struct option_row releases_options[] = {
	{"to",    't', OPTION_TEXT, "WHOM", "only to this member, \"public\", or \"account 3\""},
	{"of",    'i', OPTION_TEXT, "ID",   "only this object"                                 },
	{"since", 0,   OPTION_TEXT, "TIME", "not before"                                       },
	{"until", 0,   OPTION_TEXT, "TIME", "before"                                           },
};

const struct verb verb_releases = {"releases", "FOLDER",
	"say who was given what, when, under which rule",
	"Newest first, of a node that serves as well. The log is kept for 400 days, and at most 20 "
	"million versions of it; a page that the same account asks for again is recorded once an "
	"hour.",
	1, 1, OPTIONS(releases_options), releases_run};

static enum cli_status deletions_run(struct cli *cli)
{
	const char *since = cli_text(cli, "since"), *within = cli_text(cli, "within");
	const char *value = since != NULL ? since : within;
	const char *words[] = {"deletions",
		value == NULL   ? NULL
		: since != NULL ? "since"
				: "within",
		value, NULL};

	if (since != NULL && within != NULL)
		return cli_usage(cli, "--since is for what went, --within for what is to go");
	return tell(cli, words);
}

static const struct option_row deletions_options[] = {
	{"since",  0, OPTION_TEXT, "TIME", "not before"                                   },
	{"within", 0, OPTION_TEXT, "DAYS", "what is to go within so many days, in numbers"},
};

const struct verb verb_deletions = {"deletions", "FOLDER",
	"say what was received and deleted again because its time had come",
	"Newest first: when it went, from whom it had come, the rule that limits how long it may "
	"be kept, by when it had to be gone, its number here. Records are kept for ever. What is "
	"to go is counted by member and rule, with the time of the first: objects, not what was "
	"refused.",
	1, 1, OPTIONS(deletions_options), deletions_run};

/* ---- bundle export, bundle import ------------------------------------------------------------ */

static enum cli_status export_run(struct cli *cli)
{
	const char *words[] = {"export", cli_text(cli, "to"),
		cli_flag(cli, "everything") ? "everything" : NULL, NULL};
	const char *path = cli_text(cli, "output");
	struct err e;

	if (words[1] == NULL || path == NULL)
		return cli_usage(cli, "--to and --output have to be given");
	return ask_into(cli, words, path, &e) == OK ? CLI_OK : cli_fail(cli, &e);
}

static const struct option_row export_options[] = {
	{"to",         't', OPTION_TEXT, "MEMBER", "for whom: nobody else can read it"         },
	{"everything", 'e', OPTION_FLAG, NULL,     "all that it may have, not only what is new"},
	{"output",     'o', OPTION_TEXT, "FILE",   "where it goes, - for standard output"      },
};

const struct verb verb_bundle_export = {"bundle export", "FOLDER",
	"write a file that brings a member what a connection would",
	"Encrypted to the member's box key and signed. It holds what is new since the last file to "
	"it and the last 30 days,\n"
	"for a stick that got lost; of all members' logs, so any member can carry for any other.",
	1, 1, OPTIONS(export_options), export_run};

struct bundle {
	const char *path;
	bool kept;  /* at least once */
	bool again; /* something in it waits for another file, or was refused */
	enum err_kind kind;
	struct err why;
	int64_t leaves, openings, refused;
	struct slice from;
	int64_t number;
};

static int64_t number_of(struct json_value v, const char *name)
{
	struct json_value number;
	int64_t value;

	return json_get(v, name, &number) && json_to_i64(number, &value) ? value : 0;
}

/* Once through one file; *ret_new: it brought something. */
static enum err_kind bundle_take(
	struct cli *cli, struct json_parser *parser, struct bundle *b, bool *ret_new, struct err *e)
{
	static const char *const words[] = {"import", NULL};
	struct buf text = BUF_MAX(ANSWER_MAX);
	struct json_doc doc;
	int fd;
	enum err_kind kind = file_of(b->path, &fd, e);

	if (kind != OK)
		return kind;
	kind = ask(cli, words, fd, true, to_buf, &text, e);
	close(fd);
	if (kind == OK)
		kind = json_parse(parser, buf_slice(&text), &doc, e);
	if (kind == OK) {
		struct json_value answer = json_root(&doc);
		int64_t leaves = number_of(answer, "leaves");
		int64_t openings = number_of(answer, "openings");

		b->leaves += leaves;
		b->openings += openings;
		b->refused = number_of(answer, "refused");
		b->number = number_of(answer, "number");
		b->from = arena_copy(cli->arena, json_get_string(answer, "from"));
		*ret_new |= leaves > 0 || openings > 0;
		b->kept = true;
	}
	b->again = kind != OK || b->refused > 0;
	buf_fini(&text);
	return kind;
}

static void bundle_say(struct cli *cli, const struct bundle *b)
{
	struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER(&out);

	if (cli->json) {
		json_write_object(&w);
		json_member_text(&w, "file", b->path);
		json_member_bool(&w, "taken", b->kind == OK);
		if (b->kind != OK)
			json_member_text(&w, "reason", b->why.text);
		json_member_string(&w, "from", b->from);
		json_member_i64(&w, "number", b->number);
		json_member_i64(&w, "leaves", b->leaves);
		json_member_i64(&w, "openings", b->openings);
		json_member_i64(&w, "refused", b->refused);
		json_write_end(&w, '}');
		cli_print_line(&out);
		return;
	}
	cli_print_safe(slice_of(b->path), 0);
	if (b->kind != OK) {
		fputs(": not taken: ", stdout);
		cli_print_safe(slice_of(b->why.text), 0);
		putchar('\n');
		return;
	}
	printf(": number %lld of %.*s: %s new entries, %s opened", (long long)b->number,
		SLICE_ARG(b->from), cli_count(cli, (uint64_t)b->leaves),
		cli_count(cli, (uint64_t)b->openings));
	if (b->refused > 0)
		printf(", %s refused or waiting for what is in no file here",
			cli_count(cli, (uint64_t)b->refused));
	putchar('\n');
}

/* Until a whole round brings nothing: what lay behind a gap fits once another file filled it. */
static enum cli_status import_run(struct cli *cli)
{
	size_t count = cli->args_count - 1;
	struct json_parser *parser = json_parser_new(ANSWER_MAX);
	struct bundle *bundles = ARENA_ARRAY(cli->arena, struct bundle, count);
	enum cli_status status = CLI_OK;
	bool anything = true;

	if (parser == NULL || bundles == NULL) {
		json_parser_free(parser);
		return CLI_FAILED;
	}
	for (size_t round = 0; anything && round <= count; round++) {
		anything = false;
		for (size_t i = 0; i < count; i++) {
			struct bundle *b = &bundles[i];

			b->path = cli->args[i + 1];
			if (round == 0 || b->again)
				b->kind = bundle_take(cli, parser, b, &anything, &b->why);
		}
	}
	for (size_t i = 0; i < count; i++) {
		enum err_kind kind = bundles[i].kind;

		bundle_say(cli, &bundles[i]);
		if (kind == ERR_PARSE || kind == ERR_INVALID || kind == ERR_DENIED ||
			kind == ERR_LIMIT || bundles[i].refused > 0)
			status = status == CLI_FAILED ? CLI_FAILED : CLI_NO;
		else if (kind != OK)
			status = CLI_FAILED; /* not the file's fault */
	}
	json_parser_free(parser);
	return status;
}

const struct verb verb_bundle_import = {"bundle import", "FOLDER FILE...",
	"take in files that other members wrote for this one",
	"In any order, twice, some missing: what verifies is kept, and the files are gone through "
	"again until nothing more\n"
	"fits. Each file's outcome is told. Exit status 1: something was refused, or waits for a "
	"file that is not here.",
	2, BUNDLES_MAX + 1, NULL, 0, import_run};
