/* SPDX-License-Identifier: MPL-2.0 */
/*
 * serai member show: what a charter or a decision holds, what it changes, who signed it, and
 * whether they are enough.
 */
#include "verb_member.h"

/* ---- member show ----------------------------------------------------------------------------- */

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
	struct paper *was = ARENA_NEW(s->cli->arena, struct paper);
	struct slice text;
	enum err_kind kind = was == NULL ? err_set(e, ERR_NOMEM, "out of memory")
					 : paper_file(s->cli, path, &text, e);

	if (kind == OK) {
		kind = paper_parse(s->cli, text, was, e);
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
		paper_json_key(w, "root", &c->members[i].root);
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
	paper_json_hash(&w, "digest", paper_digest(p));
	paper_json_hash(&w, "previous", paper_previous(p));
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
	cli_print_line(&out);
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
	struct slice text;
	enum err_kind kind = charter == NULL ? err_set(e, ERR_NOMEM, "out of memory")
					     : paper_file(s->cli, s->cli->args[0], &text, e);

	if (kind == OK && !paper_signed(text))
		kind = paper_note(s->cli, text, &text, e);
	if (kind == OK) {
		kind = paper_parse(s->cli, text, &s->paper, e);
		if (kind != OK)
			err_wrap(e, "%s", s->cli->args[0]);
	}
	if (kind == OK && by != NULL)
		kind = paper_charter(s->cli, by, charter, e);
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
