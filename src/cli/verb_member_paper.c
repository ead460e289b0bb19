/* SPDX-License-Identifier: MPL-2.0 */
/*
 * serai member: the papers, which are charters and decisions, signed or about to be: read, told,
 * and put where they were asked for.
 */
#include "verb_member.h"

enum err_kind paper_file(struct cli *cli, const char *path, struct slice *ret_bytes, struct err *e)
{
	struct buf text = BUF_INIT;
	enum err_kind kind = file_read(path, PAPER_FILE_MAX, &text, e);

	if (kind == OK)
		*ret_bytes = arena_copy(cli->arena, buf_slice(&text));
	buf_fini(&text);
	return kind;
}

enum err_kind paper_charter(
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

enum err_kind paper_parse(
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

const uint8_t *paper_digest(const struct paper *p)
{
	return p->is_charter ? p->charter.digest : p->decision.digest;
}

const uint8_t *paper_previous(const struct paper *p)
{
	return p->is_charter ? p->charter.previous : p->decision.previous;
}

/* One line for people: what it is. */
void paper_text(struct cli *cli, const struct paper *p, struct buf *out)
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

/* A text that nobody signed, as a note that it can be read as: under a key of the moment. */
enum err_kind paper_note(struct cli *cli, struct slice text, struct slice *ret_note, struct err *e)
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

/* Behind an empty line a signature: what is not a good note is then no text to be signed either. */
bool paper_signed(struct slice bytes)
{
	struct slice begin = SLICE("\n\n\xe2\x80\x94 ");

	return slice_find_text(bytes, begin) < bytes.len;
}

/* To --output, else to standard output. */
enum err_kind paper_put(struct cli *cli, struct slice text, struct err *e)
{
	const char *path = cli_text(cli, "output");

	if (path != NULL && strcmp(path, "-") != 0)
		return file_write_atomic(path, text, 0644, e);
	(void)fwrite(text.data, 1, text.len, stdout);
	return OK;
}

void paper_json_hash(struct json_writer *w, const char *name, const uint8_t hash[SHA256_LEN])
{
	struct buf text = BUF_INIT;

	base64_append(&text, hash, SHA256_LEN);
	json_member_string(w, name, buf_slice(&text));
	buf_fini(&text);
}

void paper_json_key(struct json_writer *w, const char *name, const struct note_key *k)
{
	struct buf text = BUF_INIT;

	note_key_format(k, &text);
	json_member_string(w, name, buf_slice(&text));
	buf_fini(&text);
}
