/* SPDX-License-Identifier: MPL-2.0 */
/* What an operator asks of a node: one row per command. The same code answers whether the node
 * serves or was opened for it. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "parts_command.h"

#define PLACES_CHUNK 4096 /* looked through at a time, from the newest */

struct slice command_word(const struct command *c, size_t at)
{
	return at < c->request->words_count ? slice_of(c->request->words[at]) : (struct slice){0};
}

enum err_kind command_input(struct command *c, size_t most, struct slice *ret_input, struct err *e)
{
	struct buf bytes = BUF_MAX(most + 1);
	char *to;
	ssize_t got = 1;
	enum err_kind kind = OK;

	if (c->request->input_fd < 0)
		return err_set(e, ERR_USAGE, "%s %s: nothing was handed in", c->request->words[0],
			c->request->words_count > 1 ? c->request->words[1] : "");
	while (kind == OK && got > 0 && bytes.len <= most) {
		size_t room = most + 1 - bytes.len < KIB(64) ? most + 1 - bytes.len : KIB(64);

		if (room == 0)
			break;
		to = buf_reserve(&bytes, room);
		if (to == NULL) {
			kind = err_set(e, ERR_NOMEM, "out of memory");
			break;
		}
		got = read(c->request->input_fd, to, room);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got < 0)
			kind = err_set(e, ERR_IO, "could not read the input: %s", strerror(errno));
		else
			bytes.len += (size_t)got;
	}
	if (kind == OK && bytes.len > most)
		kind = err_set(e, ERR_LIMIT, "an input of more than %zu bytes", most);
	if (kind == OK) {
		*ret_input = arena_copy(c->a, buf_slice(&bytes));
		if (ret_input->data == NULL)
			kind = err_set(e, ERR_NOMEM, "out of memory");
	}
	buf_fini(&bytes);
	return kind;
}

/* After a start a signer waits for the others: ask them, before anything of ours is said. */
static enum err_kind settle_before(struct command *c, struct err *e)
{
	struct coalition_status status;
	enum err_kind kind = coalition_status(c->seat->coalition, c->a, &status, e);

	return kind == OK && status.waiting ? peers_sync(c->seat, e) : kind;
}

/* A node that serves publishes by itself, at once; one that was opened for this does it here. */
static enum err_kind settle_after(struct command *c, struct err *e)
{
	uint64_t logged;
	bool more = true;
	enum err_kind kind = OK;

	if (c->seat->peers != NULL) {
		peers_wake(c->seat, (struct slice){0});
		return OK;
	}
	while (kind == OK && more)
		kind = coalition_publish(c->seat->coalition, &logged, &more, e);
	return kind == OK ? peers_sync(c->seat, e) : kind;
}

static enum err_kind charter_needed(struct command *c, struct err *e)
{
	return coalition_charter(c->seat->coalition) != NULL
		       ? OK
		       : err_set(e, ERR_USAGE, "no charter was taken yet");
}

static void said(struct command *c, const char *name, uint64_t number, const char *text)
{
	if (c->request->json) {
		json_write_object(&c->w);
		json_member_i64(&c->w, name, (int64_t)number);
		json_write_end(&c->w, '}');
		buf_char(&c->out, '\n');
	} else {
		buf_text(&c->out, text);
		buf_char(&c->out, '\n');
	}
}

/* ---- charter and decisions ------------------------------------------------------------------- */

static enum err_kind charter_show(struct command *c, struct err *e)
{
	enum err_kind kind = charter_needed(c, e);

	if (kind != OK)
		return kind;
	buf_slice_append(&c->out, coalition_charter(c->seat->coalition)->bytes);
	return OK;
}

static enum err_kind charter_take(struct command *c, struct err *e)
{
	struct slice note;
	char text[160];
	const struct charter *charter;
	enum err_kind kind = command_input(c, COALITION_CHARTER_MAX, &note, e);

	if (kind == OK)
		kind = coalition_charter_take(c->seat->coalition, note, e);
	if (kind != OK)
		return kind;
	peers_wake(c->seat, (struct slice){0});
	charter = coalition_charter(c->seat->coalition);
	snprintf(text, sizeof(text), "charter %llu of %.*s was taken, %zu members",
		(unsigned long long)charter->version, SLICE_ARG(slice_cut(charter->name, 0, 80)),
		charter->members_count);
	said(c, "charter", charter->version, text);
	return OK;
}

static enum err_kind note_publish(struct command *c,
	enum err_kind (*publish)(struct coalition *, struct slice, struct err *), const char *text,
	struct err *e)
{
	struct slice note;
	enum err_kind kind = charter_needed(c, e);

	if (kind == OK)
		kind = command_input(c, COMMAND_NOTE_MAX, &note, e);
	if (kind == OK)
		kind = settle_before(c, e);
	if (kind == OK)
		kind = publish(c->seat->coalition, note, e);
	if (kind == OK)
		kind = settle_after(c, e);
	if (kind == OK)
		said(c, "published", 1, text);
	return kind;
}

static enum err_kind charter_publish(struct command *c, struct err *e)
{
	return note_publish(c, coalition_charter_publish, "the charter is in our log", e);
}

static enum err_kind decision_publish(struct command *c, struct err *e)
{
	return note_publish(c, coalition_decision_publish, "the decision is in our log", e);
}

static enum err_kind decision_show(struct command *c, struct err *e)
{
	uint64_t sequence = 0;

	return coalition_decision_get(
		c->seat->coalition, command_word(c, 2), &sequence, &c->out, e);
}

/* ---- entries --------------------------------------------------------------------------------- */

/* Where a log has the content of one of these serials, from the newest. */
static enum err_kind entry_find(struct ledger *log, const uint64_t *serials, size_t count,
	uint64_t *ret_index, bool *ret_found, struct err *e)
{
	struct ledger_place *places = calloc(PLACES_CHUNK, sizeof(*places));
	uint64_t to = ledger_size(log);
	enum err_kind kind = OK;

	*ret_found = false;
	if (places == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	while (kind == OK && to > 0 && !*ret_found) {
		uint64_t n = to < PLACES_CHUNK ? to : PLACES_CHUNK;

		kind = ledger_places(log, to - n, n, places, e);
		for (uint64_t i = n; i > 0 && kind == OK && !*ret_found; i--) {
			for (size_t k = 0; k < count && !*ret_found; k++)
				*ret_found = places[i - 1].where == LEDGER_STORED &&
					     places[i - 1].serial == serials[k];
			*ret_index = to - n + i - 1;
		}
		to -= n;
	}
	free(places);
	return kind;
}

/* "ORIGIN:INDEX", or an object's id: the newest of its entries, in our log first. */
static enum err_kind entry_of(struct command *c, struct slice which, struct slice *ret_origin,
	uint64_t *ret_index, struct err *e)
{
	const struct charter *charter = coalition_charter(c->seat->coalition);
	struct slice self = slice_of(c->seat->node->config.member);
	size_t colon = which.len, count;
	uint64_t *serials;
	bool found = false;
	enum err_kind kind;

	while (colon > 0 && which.data[colon - 1] != ':')
		colon--;
	if (colon > 0 && slice_to_u64(slice_cut(which, colon, which.len), ret_index)) {
		*ret_origin = slice_cut(which, 0, colon - 1);
		return OK;
	}
	kind = command_serials(c, which, &serials, &count, e);
	for (size_t i = 0; kind == OK && !found && i <= charter->members_count; i++) {
		struct slice name = i == 0 ? self : slice_of(charter->members[i - 1].name);
		struct ledger *log = coalition_ledger(c->seat->coalition, name);

		if (log != NULL)
			kind = entry_find(log, serials, count, ret_index, &found, e);
		*ret_origin = name;
	}
	if (kind == OK && !found)
		kind = err_set(e, ERR_USAGE, "\"%.*s\" is in no log yet", SLICE_ARG(which));
	return kind;
}

static enum err_kind prove(struct command *c, struct err *e)
{
	struct buf proof = BUF_INIT, content = BUF_INIT;
	struct slice origin, form = command_word(c, 2);
	uint64_t index;
	enum err_kind kind = charter_needed(c, e);

	if (kind == OK && form.len > 0 && !slice_is(form, "content"))
		kind = err_set(
			e, ERR_USAGE, "prove: expected \"content\", not \"%.*s\"", SLICE_ARG(form));
	if (kind == OK)
		kind = entry_of(c, command_word(c, 1), &origin, &index, e);
	if (kind == OK)
		kind = coalition_prove(c->seat->coalition, origin, index, &proof, &content, e);
	if (kind == OK)
		buf_slice_append(&c->out, form.len > 0 ? buf_slice(&content) : buf_slice(&proof));
	buf_fini(&proof);
	buf_fini(&content);
	return kind;
}

static enum err_kind reason_join(
	struct command *c, size_t from, struct slice *ret_reason, struct err *e)
{
	struct buf text = BUF_MAX(COALITION_REASON_MAX);

	for (size_t i = from; i < c->request->words_count; i++) {
		if (i > from)
			buf_char(&text, ' ');
		buf_text(&text, c->request->words[i]);
	}
	*ret_reason = arena_copy(c->a, buf_slice(&text));
	if (text.bad) {
		buf_fini(&text);
		return err_set(
			e, ERR_LIMIT, "a reason of more than %d bytes", COALITION_REASON_MAX);
	}
	buf_fini(&text);
	return ret_reason->data == NULL ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

/* Each version of the object that is in our log, oldest first. */
static enum err_kind withdraw_object(struct command *c, struct slice id, enum withdrawal_code code,
	struct slice reason, uint64_t *ret_count, struct err *e)
{
	uint64_t *serials, index;
	size_t count;
	enum err_kind kind = command_serials(c, id, &serials, &count, e);

	for (size_t i = 0; i < count && kind == OK; i++) {
		bool found;

		kind = coalition_index_of(c->seat->coalition, serials[i], &index, &found, e);
		if (kind != OK || !found)
			continue;
		kind = coalition_withdraw(c->seat->coalition, index, code, reason, e);
		*ret_count += kind == OK;
	}
	if (kind == OK && *ret_count == 0)
		kind = err_set(e, ERR_USAGE,
			"\"%.*s\" is not in our log: only what we published "
			"can be withdrawn",
			SLICE_ARG(id));
	return kind;
}

static enum err_kind withdraw(struct command *c, struct err *e)
{
	struct slice which = command_word(c, 1), reason;
	enum withdrawal_code code;
	uint64_t index, count = 0;
	char text[64];
	enum err_kind kind = charter_needed(c, e);

	if (kind == OK && !withdrawal_code_parse(command_word(c, 2), &code))
		kind = err_set(e, ERR_USAGE, "\"%s\": expected error, expired, order or erase",
			c->request->words[2]);
	if (kind == OK)
		kind = reason_join(c, 3, &reason, e);
	if (kind == OK)
		kind = settle_before(c, e);
	if (kind != OK)
		return kind;
	if (slice_to_u64(which, &index)) {
		kind = coalition_withdraw(c->seat->coalition, index, code, reason, e);
		count = 1;
	} else {
		kind = withdraw_object(c, which, code, reason, &count, e);
	}
	if (kind == OK)
		kind = settle_after(c, e);
	if (kind != OK)
		return kind;
	snprintf(text, sizeof(text), "withdrawn: %llu entries", (unsigned long long)count);
	said(c, "withdrawn", count, text);
	return OK;
}

/* ---- files ----------------------------------------------------------------------------------- */

static enum err_kind bundle_export(struct command *c, struct err *e)
{
	struct slice to = command_word(c, 1), how = command_word(c, 2);
	enum err_kind kind = charter_needed(c, e);

	if (kind == OK && how.len > 0 && !slice_is(how, "everything"))
		kind = err_set(e, ERR_USAGE, "export: expected \"everything\", not \"%.*s\"",
			SLICE_ARG(how));
	if (kind == OK)
		kind = coalition_bundle_export(c->seat->coalition,
			&(struct coalition_export){
				to, how.len > 0, c->request->write, c->request->context},
			e);
	return kind;
}

/* Through a file of the spool: what comes over the socket or a pipe cannot be read twice. */
static enum err_kind spool_input(struct command *c, char path[4096], struct err *e)
{
	static const size_t chunk = KIB(64);
	char *bytes = arena_alloc(c->a, chunk);
	uint64_t all = 0;
	ssize_t got = 1;
	int fd, len;

	len = snprintf(path, 4096, "%s/spool/bundle-XXXXXX", c->seat->node->config.folder);
	if (bytes == NULL || len <= 0 || len >= 4096 || c->request->input_fd < 0)
		return err_set(e, ERR_USAGE, "import: nothing was handed in");
	fd = mkstemp(path);
	if (fd < 0)
		return err_set(e, err_kind_of_errno(errno), "could not make \"%s\": %s", path,
			strerror(errno));
	while (got > 0 && all <= COMMAND_INPUT_MAX) {
		got = read(c->request->input_fd, bytes, chunk);
		if (got < 0 && errno == EINTR) {
			got = 1;
			continue;
		}
		if (got > 0 && write(fd, bytes, (size_t)got) != got)
			got = -1;
		all += got > 0 ? (uint64_t)got : 0;
	}
	if (close(fd) == 0 && got == 0)
		return OK;
	(void)unlink(path);
	return got > 0 ? err_set(e, ERR_LIMIT, "a bundle of more than %zu bytes", COMMAND_INPUT_MAX)
		       : err_set(e, ERR_IO, "could not keep the bundle: %s", strerror(errno));
}

static enum err_kind bundle_import(struct command *c, struct err *e)
{
	struct coalition_imported imported = {0};
	struct input *in = NULL;
	char path[4096], text[256];
	enum err_kind kind = charter_needed(c, e);

	if (kind == OK)
		kind = spool_input(c, path, e);
	if (kind != OK)
		return kind;
	kind = input_open(path, &in, e);
	if (kind == OK)
		kind = coalition_bundle_import(c->seat->coalition, in, c->a, &imported, e);
	input_free(in);
	(void)unlink(path);
	peers_wake(c->seat, (struct slice){0});
	if (kind != OK)
		return kind;
	if (c->request->json) {
		json_write_object(&c->w);
		json_member_string(&c->w, "from", imported.from);
		json_member_i64(&c->w, "number", (int64_t)imported.number);
		json_member_i64(&c->w, "leaves", (int64_t)imported.leaves);
		json_member_i64(&c->w, "openings", (int64_t)imported.openings);
		json_member_i64(&c->w, "refused", (int64_t)imported.refused);
		json_write_end(&c->w, '}');
		buf_char(&c->out, '\n');
		return OK;
	}
	snprintf(text, sizeof(text),
		"bundle %llu of %.*s: %llu new entries, %llu opened, %llu refused\n",
		(unsigned long long)imported.number, SLICE_ARG(slice_cut(imported.from, 0, 64)),
		(unsigned long long)imported.leaves, (unsigned long long)imported.openings,
		(unsigned long long)imported.refused);
	buf_text(&c->out, text);
	return OK;
}

/* ---- now ------------------------------------------------------------------------------------- */

static enum err_kind sync_now(struct command *c, struct err *e)
{
	enum err_kind kind = charter_needed(c, e);

	if (kind == OK)
		kind = peers_sync(c->seat, e);
	return kind == OK ? command_status(c, e) : kind;
}

static enum err_kind publish_now(struct command *c, struct err *e)
{
	uint64_t logged, all = 0;
	bool more = true;
	char text[64];
	enum err_kind kind = charter_needed(c, e);

	if (kind == OK)
		kind = settle_before(c, e);
	while (kind == OK && more) {
		kind = coalition_publish(c->seat->coalition, &logged, &more, e);
		all += logged;
	}
	if (kind == OK)
		kind = settle_after(c, e);
	if (kind != OK)
		return kind;
	snprintf(text, sizeof(text), "published: %llu objects", (unsigned long long)all);
	said(c, "published", all, text);
	return OK;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct {
	const char *first, *second;
	size_t least, most; /* words */
	enum err_kind (*run)(struct command *c, struct err *e);
} commands[] = {
	{"status",      NULL,      1, 1,                 command_status     },
	{"charter",     "show",    2, 2,                 charter_show       },
	{"charter",     "take",    2, 2,                 charter_take       },
	{"charter",     "publish", 2, 2,                 charter_publish    },
	{"decision",    "show",    3, 3,                 decision_show      },
	{"decision",    "publish", 2, 2,                 decision_publish   },
	{"withdraw",    NULL,      4, COMMAND_WORDS_MAX, withdraw           },
	{"withdrawals", NULL,      1, 1,                 command_withdrawals},
	{"prove",       NULL,      2, 3,                 prove              },
	{"explain",     NULL,      3, 3,                 command_explain    },
	{"releases",    NULL,      1, 9,                 command_releases   },
	{"deletions",   NULL,      1, 3,                 command_deletions  },
	{"export",      NULL,      2, 3,                 bundle_export      },
	{"import",      NULL,      1, 1,                 bundle_import      },
	{"sync",        NULL,      1, 1,                 sync_now           },
	{"publish",     NULL,      1, 1,                 publish_now        },
};

static bool fits(size_t row, const struct node_request *q)
{
	return q->words_count >= commands[row].least && q->words_count <= commands[row].most &&
	       strcmp(q->words[0], commands[row].first) == 0 &&
	       (commands[row].second == NULL || strcmp(q->words[1], commands[row].second) == 0);
}

enum err_kind command_run(struct seat *s, const struct node_request *request, struct err *e)
{
	struct command c = {.seat = s, .request = request, .a = arena_new(COMMAND_ARENA)};
	enum err_kind kind = OK;
	size_t row = 0;

	if (c.a == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	c.w = JSON_WRITER(&c.out);
	while (row < COUNT_OF(commands) && (request->words_count == 0 || !fits(row, request)))
		row++;
	if (row == COUNT_OF(commands))
		kind = err_set(e, ERR_USAGE, "no such command: \"%s%s%s\" with %zu words",
			request->words_count > 0 ? request->words[0] : "",
			request->words_count > 1 ? " " : "",
			request->words_count > 1 ? request->words[1] : "", request->words_count);
	else
		kind = commands[row].run(&c, e);
	if (kind == OK && c.out.bad)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	if (kind == OK && c.out.len > 0)
		kind = request->write(request->context, buf_slice(&c.out), e);
	buf_fini(&c.out);
	arena_free(c.a);
	return kind;
}
