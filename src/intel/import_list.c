/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Plain lists as people and sites publish them: one address, network, name, URL, hash or e-mail
 * address a line, defanged or not, with comments, or as a hosts file.
 */
#include "import_value.h"

#define LOOK_LINES 32 /* at the beginning of a file, to see whether it is a list */

/* Names that hosts files carry for the machine itself; they are no intelligence. */
static const char *const own_names[] = {"localhost", "localhost.localdomain", "local",
	"broadcasthost", "ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix",
	"ip6-allnodes", "ip6-allrouters", "ip6-allhosts", "0.0.0.0"};

/* What stands before the names in a hosts file that blocks them. */
static const char *const nowhere[] = {"0.0.0.0", "127.0.0.1", "::", "::1"};

struct list {
	struct import_job *job;
	struct import_feed feed;
	const struct import_kind *kind; /* NULL: guessed line by line */
};

static bool in(const char *const *table, size_t count, struct slice text)
{
	for (size_t k = 0; k < count; k++) {
		if (slice_equal_nocase(text, slice_of(table[k])))
			return true;
	}
	return false;
}

/* Cut the comment off: at the beginning "#", ";", "//"; behind a value only after white space,
 * because "#" and "//" stand in URLs too. */
static struct slice comment_cut(struct slice line, struct slice *ret_comment)
{
	*ret_comment = (struct slice){0};
	line = slice_trim(line);
	for (size_t i = 0; i < line.len; i++) {
		bool after_space = i == 0 || line.data[i - 1] == ' ' || line.data[i - 1] == '\t';
		size_t mark = 0;

		if (line.data[i] == '#' || line.data[i] == ';')
			mark = 1;
		else if (line.data[i] == '/' && i + 1 < line.len && line.data[i + 1] == '/')
			mark = 2;
		if (mark == 0 || !after_space)
			continue;
		*ret_comment = slice_trim(slice_cut(line, i + mark, line.len));
		return slice_trim(slice_cut(line, 0, i));
	}
	return line;
}

/* Cut the next word off at white space. */
static bool word_next(struct slice *rest, struct slice *ret_word)
{
	size_t end = 0;

	*rest = slice_trim(*rest);
	while (end < rest->len && rest->data[end] != ' ' && rest->data[end] != '\t')
		end++;
	*ret_word = slice_cut(*rest, 0, end);
	*rest = slice_cut(*rest, end, rest->len);
	return end > 0;
}

static int list_recognise(struct slice head, const char *name)
{
	struct arena *a = arena_new(MIB(4));
	unsigned values = 0, others = 0;
	struct slice line, comment, word;

	(void)name;
	if (slice_find(head, '\0', 0) < head.len || import_head_first(head) == '{' || a == NULL) {
		arena_free(a);
		return 0;
	}
	for (unsigned k = 0; k < LOOK_LINES && slice_next(&head, '\n', &line); k++) {
		struct import_value value;
		const char *why;

		line = comment_cut(line, &comment);
		if (!word_next(&line, &word))
			continue;
		if (slice_equal_nocase(word, SLICE("0.0.0.0")) ||
			import_value_read(NULL, word, a, &value, &why))
			values++;
		else
			others++;
	}
	arena_free(a);
	if (values == 0)
		return 0;
	return values > others ? 30 : 10;
}

static enum err_kind list_value(struct list *l, struct slice text, struct slice comment,
	const struct import_kind *kind, const struct intel_place *place, struct err *e)
{
	struct import_entry entry = IMPORT_ENTRY_INIT;
	const char *why;

	if (!import_value_read(kind, text, l->feed.arena, &entry.value, &why))
		return import_refuse(l->job, place, (struct slice){0}, e, "\"%.*s\": %s",
			SLICE_ARG(slice_cut(text, 0, 128)), why);
	if (comment.len > 0 && utf8_valid(comment))
		entry.description = comment;
	else if (comment.len > 0)
		import_lose(l->job, place, "the comment is not UTF-8: %.*s", SLICE_ARG(comment));
	return import_feed_add(&l->feed, place, &entry, e);
}

/* "0.0.0.0 a.evil.example b.evil.example" */
static enum err_kind list_hosts(struct list *l, struct slice names, struct slice comment,
	const struct intel_place *place, struct err *e)
{
	const struct import_kind *kind = import_kind_find(SLICE("name"));
	enum err_kind result = OK;
	struct slice name;

	while (result == OK && word_next(&names, &name)) {
		if (!in(own_names, COUNT_OF(own_names), name))
			result = list_value(l, name, comment, kind, place, e);
	}
	return result;
}

static enum err_kind list_line(
	struct list *l, struct slice line, const struct intel_place *place, struct err *e)
{
	struct slice comment, rest, word;
	bool text_kind = l->kind != NULL && l->kind->kind == STIX_VALUE_TEXT;

	arena_reset(l->feed.arena);
	line = comment_cut(line, &comment);
	if (line.len == 0)
		return OK;
	rest = line;
	word_next(&rest, &word);
	if (slice_trim(rest).len == 0 || text_kind) /* file names and the like hold blanks */
		return list_value(l, line, comment, l->kind, place, e);
	if (l->kind == NULL || l->kind->kind == STIX_VALUE_HASH) { /* as sha256sum prints them */
		const struct import_kind *hash = import_kind_find(SLICE("hash"));
		struct import_value value;
		const char *why;

		if (import_value_read(hash, word, l->feed.arena, &value, &why))
			return list_value(l, word, slice_trim(rest), l->kind, place, e);
	}
	if (in(nowhere, COUNT_OF(nowhere), word) &&
		(l->kind == NULL || l->kind->kind == STIX_VALUE_NAME))
		return list_hosts(l, rest, comment, place, e);
	return import_refuse(l->job, place, (struct slice){0}, e,
		"\"%.*s\": expected one value a line; a comment begins with #",
		SLICE_ARG(slice_cut(line, 0, 128)));
}

static enum err_kind list_lines(struct list *l, struct err *e)
{
	struct import_lines lines;
	enum err_kind kind = import_lines_init(&lines, l->job, e);

	for (uint64_t count = 0; kind == OK; count++) {
		struct intel_place place;
		enum import_line what;
		struct slice line;

		if (count % 256 == 0 && !l->job->sink->go_on(l->job->sink->context))
			break;
		kind = import_lines_next(&lines, &what, &line, &place, e);
		if (kind != OK || what == IMPORT_LINES_END)
			break;
		kind = what == IMPORT_LINE_TOO_LONG
			       ? import_refuse(l->job, &place, (struct slice){0}, e,
					 "the line is longer than %zu bytes", IMPORT_LINE_MAX)
			       : list_line(l, line, &place, e);
	}
	import_lines_fini(&lines);
	return kind;
}

static enum err_kind list_run(struct import_job *job, struct err *e)
{
	struct list l = {.job = job};
	enum err_kind kind;

	if (job->options->kind != NULL) {
		l.kind = import_kind_find(slice_of(job->options->kind));
		if (l.kind == NULL)
			return err_set(e, ERR_USAGE,
				"no kind of value \"%s\"; expected address, name, url, email, hash "
				"or the like",
				job->options->kind);
	}
	kind = import_feed_init(&l.feed, job, e);
	if (kind == OK)
		kind = list_lines(&l, e);
	import_feed_fini(&l.feed);
	return kind;
}

const struct importer import_list = {
	.format = {"list", "plain lists: a value a line, defanged or not, hosts files", true, true,
		   false},
	.recognise = list_recognise,
	.run = list_run,
};
