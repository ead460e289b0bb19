/* SPDX-License-Identifier: MPL-2.0 */
/*
 * serai member root, serai member sign: a member's offline key, made and used. No key is ever
 * written over another, and its bytes stay in no buffer.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "verb_member.h"

#define KEY_FILE_MAX KIB(4) /* one key and a newline */

/* ---- member root ----------------------------------------------------------------------------- */

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
		paper_json_key(&w, "key", &key);
		json_write_end(&w, '}');
	} else {
		note_key_format(&key, &out);
	}
	cli_print_line(&out);
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

/* ---- member sign ----------------------------------------------------------------------------- */

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

/* The signature lines of a note as they stand, with ours behind; *ret_again: it was there. */
static enum err_kind lines_with(struct cli *cli, struct slice bytes, const struct note_secret *s,
	struct buf *out, bool *ret_again, struct err *e)
{
	struct slice text = bytes;
	struct buf ours = BUF_INIT, lines = BUF_INIT;
	struct note note = {0};
	enum err_kind kind = OK;

	*ret_again = false;
	if (paper_signed(bytes)) {
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
	struct buf out = BUF_INIT;
	bool again = false;
	struct paper p;
	struct slice bytes;
	enum err_kind kind = paper_file(cli, path, &bytes, e);

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
