/* SPDX-License-Identifier: MPL-2.0 */
/* Quorum files: which logs, which witnesses, and how many of whom (c2sp.org/tlog-policy). */
#include "inside.h"

#define NAMES_MAX 128 /* witnesses and groups; tlog-policy asks for 32 of each */
#define LOGS_MAX  64
#define TEXT_MAX  KIB(256)
#define NO_GROUP  NAMES_MAX

/* A witness or a group; what a group counts stands before it, so one walk decides. */
struct named {
	struct slice name;
	bool is_group;
	unsigned key;       /* of a witness: among the witnesses */
	unsigned threshold; /* of a group */
	unsigned group;     /* that counts it, or NO_GROUP */
};

struct ledger_quorum {
	struct note_key *keys; /* logs first */
	size_t keys_count, logs;
	struct named names[NAMES_MAX];
	unsigned names_count;
	unsigned chosen; /* NAMES_MAX: "none" */
};

/* While the file is read. */
struct reading {
	struct ledger_quorum *q;
	struct note_key logs[LOGS_MAX], witnesses[NAMES_MAX];
	unsigned logs_count, witnesses_count;
	bool has_quorum;
	size_t line;
	struct err *e;
};

/* Cut the next word off; false: none is left. */
static bool word_take(struct slice *rest, struct slice *ret_word)
{
	size_t from = 0, to;

	while (from < rest->len && (rest->data[from] == ' ' || rest->data[from] == '\t'))
		from++;
	for (to = from; to < rest->len && rest->data[to] != ' ' && rest->data[to] != '\t';)
		to++;
	*ret_word = slice_cut(*rest, from, to);
	*rest = slice_cut(*rest, to, rest->len);
	return ret_word->len != 0;
}

static enum err_kind bad(const struct reading *r, const char *what, struct slice word)
{
	return err_set(r->e, ERR_PARSE, "quorum file, line %zu: %s%s%.*s%s", r->line, what,
		word.len != 0 ? " \"" : "", SLICE_ARG(word), word.len != 0 ? "\"" : "");
}

static unsigned name_find(const struct ledger_quorum *q, struct slice name)
{
	unsigned i = 0;

	while (i < q->names_count && !slice_equal(q->names[i].name, name))
		i++;
	return i == q->names_count ? NAMES_MAX : i;
}

/* A new name; NULL after saying why not. */
static struct named *name_add(struct reading *r, struct slice name)
{
	struct ledger_quorum *q = r->q;

	if (name.len == 0 || slice_is(name, "none") || name_find(q, name) != NAMES_MAX) {
		(void)bad(r, "no new name:", name);
		return NULL;
	}
	if (q->names_count == NAMES_MAX) {
		(void)err_set(r->e, ERR_LIMIT,
			"quorum file, line %zu: more than %d witnesses and groups", r->line,
			NAMES_MAX);
		return NULL;
	}
	q->names[q->names_count] = (struct named){.name = name, .group = NO_GROUP};
	return &q->names[q->names_count++];
}

/* "VKEY [URL]" into keys[count], which has none with the same public key. */
static enum err_kind key_take(struct reading *r, struct slice rest, enum note_type type,
	struct note_key *keys, unsigned count)
{
	struct slice vkey, word;

	if (!word_take(&rest, &vkey))
		return bad(r, "a key is missing", vkey);
	if (note_key_parse(vkey, &keys[count], r->e) != OK)
		return err_wrap(r->e, "quorum file, line %zu", r->line);
	if (keys[count].type != type)
		return bad(r,
			type == NOTE_ED25519 ? "no key that signs logs:" : "no key that cosigns:",
			vkey);
	for (unsigned i = 0; i < count; i++) {
		if (memcmp(keys[i].public, keys[count].public, NOTE_PUBLIC_LEN) == 0)
			return bad(r, "the same public key again:", vkey);
	}
	if (word_take(&rest, &word) && word_take(&rest, &word))
		return bad(r, "more than a key and an address:", word);
	return OK;
}

static enum err_kind log_take(struct reading *r, struct slice rest)
{
	enum err_kind kind;

	if (r->logs_count == LOGS_MAX)
		return err_set(r->e, ERR_LIMIT, "quorum file, line %zu: more than %d logs", r->line,
			LOGS_MAX);
	kind = key_take(r, rest, NOTE_ED25519, r->logs, r->logs_count);
	r->logs_count += kind == OK;
	return kind;
}

static enum err_kind witness_take(struct reading *r, struct slice rest)
{
	struct slice name;
	struct named *named;
	enum err_kind kind;

	(void)word_take(&rest, &name);
	named = name_add(r, name);
	if (named == NULL)
		return r->e->kind;
	named->key = r->witnesses_count;
	kind = key_take(r, rest, NOTE_COSIGNATURE, r->witnesses, r->witnesses_count);
	r->witnesses_count += kind == OK;
	return kind;
}

static enum err_kind group_take(struct reading *r, struct slice rest)
{
	struct ledger_quorum *q = r->q;
	struct slice name, how, member;
	unsigned members = 0, self;
	uint64_t k = 0;

	if (!word_take(&rest, &name) || !word_take(&rest, &how))
		return bad(r, "expected: group NAME all|any|NUMBER NAME...", (struct slice){0});
	/* Itself last, so that it is no member of its own. */
	while (word_take(&rest, &member)) {
		unsigned at = name_find(q, member);

		if (at == NAMES_MAX)
			return bad(r, "nobody before is called", member);
		if (q->names[at].group != NO_GROUP)
			return bad(r, "counted already:", member);
		q->names[at].group = q->names_count;
		members++;
	}
	self = q->names_count;
	if (name_add(r, name) == NULL)
		return r->e->kind;
	if (slice_is(how, "any"))
		k = 1;
	else if (slice_is(how, "all"))
		k = members;
	else if (!slice_to_u64(how, &k))
		return bad(r, "expected all, any or a number, not", how);
	if (k == 0 || k > members)
		return bad(r, "a group must ask for one to all of its members, not for", how);
	q->names[self].is_group = true;
	q->names[self].threshold = (unsigned)k;
	return OK;
}

static enum err_kind quorum_take(struct reading *r, struct slice rest)
{
	struct slice name, more;

	if (r->has_quorum)
		return bad(r, "a second quorum line", (struct slice){0});
	(void)word_take(&rest, &name);
	r->q->chosen = name_find(r->q, name);
	if (r->q->chosen == NAMES_MAX && !slice_is(name, "none"))
		return bad(r, "no witness or group before is called", name);
	if (word_take(&rest, &more))
		return bad(r, "more than one name:", more);
	r->has_quorum = true;
	return OK;
}

static enum err_kind line_read(struct reading *r, struct slice line)
{
	static const struct {
		const char *word;
		enum err_kind (*take)(struct reading *r, struct slice rest);
	} lines[] = {
		{"log",     log_take    },
		{"witness", witness_take},
		{"group",   group_take  },
		{"quorum",  quorum_take },
	};
	struct slice word;

	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.data[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return bad(r, "a control character", (struct slice){0});
	}
	if (!word_take(&line, &word) || word.data[0] == '#')
		return OK;
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		if (slice_is(word, lines[i].word))
			return lines[i].take(r, line);
	}
	return bad(r, "expected log, witness, group or quorum, not", word);
}

/* Logs first, then witnesses, so that verdicts of notes can be asked by position. */
static enum err_kind keys_join(struct reading *r, struct arena *a)
{
	struct ledger_quorum *q = r->q;

	q->logs = r->logs_count;
	q->keys_count = q->logs + r->witnesses_count;
	q->keys = ARENA_ARRAY(a, struct note_key, q->keys_count + 1);
	if (q->keys == NULL)
		return err_set(r->e, ERR_NOMEM, "quorum file: out of memory");
	memcpy(q->keys, r->logs, r->logs_count * sizeof(*q->keys));
	memcpy(q->keys + q->logs, r->witnesses, r->witnesses_count * sizeof(*q->keys));
	return OK;
}

enum err_kind ledger_quorum_parse(
	struct slice text, struct arena *a, struct ledger_quorum **ret_quorum, struct err *e)
{
	struct reading *r = ARENA_NEW(a, struct reading);
	struct err unread;
	struct slice line;
	enum err_kind kind = OK;

	if (text.len > TEXT_MAX)
		return err_set(e, ERR_LIMIT, "quorum file: %zu bytes, expected at most %zu",
			text.len, TEXT_MAX);
	text = arena_copy(a, text); /* names are borrowed from it */
	if (r == NULL || text.data == NULL || (r->q = ARENA_NEW(a, struct ledger_quorum)) == NULL)
		return err_set(e, ERR_NOMEM, "quorum file: out of memory");
	r->e = e != NULL ? e : &unread;
	for (r->line = 1; kind == OK && line_take(&text, &line); r->line++)
		kind = line_read(r, line);
	if (kind != OK)
		return kind;
	if (text.len != 0)
		return bad(r, "does not end in a newline", (struct slice){0});
	if (!r->has_quorum)
		return err_set(e, ERR_PARSE, "quorum file: no quorum line");
	kind = keys_join(r, a);
	if (kind == OK)
		*ret_quorum = r->q;
	return kind;
}

void ledger_quorum_keys(const struct ledger_quorum *q, const struct note_key **ret_keys,
	size_t *ret_count, size_t *ret_logs)
{
	*ret_keys = q->keys;
	*ret_count = q->keys_count;
	*ret_logs = q->logs;
}

bool ledger_quorum_reached(const struct ledger_quorum *q, const bool *signed_by)
{
	unsigned counted[NAMES_MAX + 1] = {0}; /* the last for what no group counts */

	if (q->chosen == NAMES_MAX)
		return true;
	for (unsigned i = 0; i <= q->chosen; i++) {
		const struct named *n = &q->names[i];
		bool reached =
			n->is_group ? counted[i] >= n->threshold : signed_by[q->logs + n->key];

		if (i == q->chosen)
			return reached;
		counted[n->group] += reached;
	}
	return false;
}
