/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the tests of checking share: objects written short (' for ", ` for '), and a
 * case per line.
 */
#ifndef STIX_CHECK_TESTING_H
#define STIX_CHECK_TESTING_H

#include "testing/testing.h"

#include "stix.h"

#define V4 "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
/* A domain, relationship or meta object of a type, and what follows its common properties. */
#define CORE(type, rest)                                                                           \
	"{'type':'" type "','spec_version':'2.1','id':'" type "--" V4                              \
	"','created':'2020-01-01T00:00:00.000Z','modified':'2020-01-01T00:00:00.000Z'" rest "}"
/* An observable with a random id. */
#define SCO(type, rest) "{'type':'" type "','id':'" type "--" V4 "'" rest "}"
#define REF(type)       "'" type "--31b940d4-6f7f-459a-80ea-9c1f17b5891b'"

enum wanted {
	FINE,   /* no error */
	SILENT, /* nothing of this clause at this path */
	ERROR,
	WARNING
};

/* What is wanted of an object; clause and path of the finding. */
struct check_case {
	const char *why;
	const char *object;
	enum wanted wanted;
	const char *clause; /* its number: "6.7" */
	const char *path;
};

/* Rows of cases; no braces, because clang-format 14 crashes on some tables of them. */
#define GOOD(why, object)                                                                          \
	{                                                                                          \
		why, object, FINE, NULL, NULL                                                      \
	}
#define QUIET(why, object, clause, path)                                                           \
	{                                                                                          \
		why, object, SILENT, clause, path                                                  \
	}
#define BAD(why, object, clause, path)                                                             \
	{                                                                                          \
		why, object, ERROR, clause, path                                                   \
	}
#define WARN(why, object, clause, path)                                                            \
	{                                                                                          \
		why, object, WARNING, clause, path                                                 \
	}

struct check_test {
	struct json_parser *parser;
	struct stix_report report;
	struct buf text;
	struct json_doc doc;
};

static inline int check_setup(void **state)
{
	struct check_test *t = calloc(1, sizeof(*t));

	t->parser = json_parser_new(JSON_DOCUMENT_MAX);
	t->report.arena = arena_new(MIB(32));
	*state = t;
	return t->parser == NULL || t->report.arena == NULL;
}

static inline int check_teardown(void **state)
{
	struct check_test *t = *state;

	json_parser_free(t->parser);
	arena_free(t->report.arena);
	buf_fini(&t->text);
	free(t);
	return 0;
}

/* The document of a text written short. */
static inline struct json_value check_parse(struct check_test *t, const char *text)
{
	struct err e;

	buf_clear(&t->text);
	for (; *text != '\0'; text++)
		buf_char(&t->text, *text == '\'' ? '"' : *text == '`' ? '\'' : *text);
	if (json_parse(t->parser, buf_slice(&t->text), &t->doc, &e) != OK)
		fail_msg("%s: %.*s", e.text, SLICE_ARG(buf_slice(&t->text)));
	return json_root(&t->doc);
}

static inline void check_run(
	struct check_test *t, struct json_value object, struct stix_facts *ret_facts)
{
	struct err e;

	stix_report_reset(&t->report);
	if (stix_check(object, &t->report, ret_facts, &e) != OK)
		fail_msg("%s", e.text);
}

static inline bool check_found(
	const struct stix_report *r, enum stix_level level, const char *clause, const char *path)
{
	size_t len = strlen(clause);

	for (size_t i = 0; i < r->count; i++) {
		const struct stix_finding *f = &r->findings[i];

		if (f->level == level && strncmp(f->clause, clause, len) == 0 &&
			f->clause[len] == ' ' && slice_is(f->path, path))
			return true;
	}
	return false;
}

static inline void check_print(const struct stix_report *r)
{
	for (size_t i = 0; i < r->count; i++)
		print_message("  %s %s, %.*s: %.*s\n",
			r->findings[i].level == STIX_ERROR ? "error" : "warning",
			r->findings[i].clause, SLICE_ARG(r->findings[i].path),
			SLICE_ARG(r->findings[i].message));
}

static inline void check_cases(struct check_test *t, const struct check_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct check_case *c = &cases[i];
		bool met = false;

		check_run(t, check_parse(t, c->object), NULL);
		switch (c->wanted) {
		case FINE:
			met = t->report.errors == 0;
			break;
		case SILENT:
			met = !check_found(&t->report, STIX_ERROR, c->clause, c->path) &&
			      !check_found(&t->report, STIX_WARNING, c->clause, c->path);
			break;
		case ERROR:
			met = check_found(&t->report, STIX_ERROR, c->clause, c->path);
			break;
		case WARNING:
			met = check_found(&t->report, STIX_WARNING, c->clause, c->path) &&
			      t->report.errors == 0;
			break;
		}
		if (!met) {
			print_message("%s\n", c->object);
			check_print(&t->report);
			fail_msg("%s", c->why);
		}
	}
}

#endif
