/* SPDX-License-Identifier: MPL-2.0 */
/* serai search, show, stats, verify, evidence: looking at what is kept. */
#include <stdlib.h>

#include "cli.h"

#define SHOW_RELATED_MAX 1000 /* rows of a related list */

static const struct intel_recipient operator_here = {.reach = INTEL_OPERATOR};

static struct slice first_text(struct json_value v, const char *const *names)
{
	struct slice s = {0};

	for (; *names != NULL && s.len == 0; names++)
		s = json_get_string(v, *names);
	return s;
}

/* The most telling line of an object; borrowed from the document or in `a`. */
static struct slice glance_title(struct json_value v, struct arena *a)
{
	static const char *const names[] = {"name", "value", "path", "key", "subject", "pattern",
		"opinion", "abstract", "content", "description", "user_id", "serial_number", NULL};
	struct slice type = json_get_string(v, "type");
	struct json_value inner;
	int64_t number;

	if (slice_is(type, "relationship"))
		return arena_printf(a, "%.*s %.*s %.*s",
			SLICE_ARG(json_get_string(v, "source_ref")),
			SLICE_ARG(json_get_string(v, "relationship_type")),
			SLICE_ARG(json_get_string(v, "target_ref")));
	if (slice_is(type, "sighting"))
		return arena_printf(a, "of %.*s", SLICE_ARG(json_get_string(v, "sighting_of_ref")));
	if (slice_is(type, "marking-definition") && json_get(v, "definition", &inner)) {
		struct slice text = json_get_string(inner, "statement");

		return text.len > 0 ? text : json_get_string(inner, "tlp");
	}
	if (slice_is(type, "autonomous-system") && json_get(v, "number", &inner) &&
		json_to_i64(inner, &number))
		return arena_printf(a, "AS%lld", (long long)number);
	if (slice_is(type, "file") && json_get_string(v, "name").len == 0 &&
		json_get(v, "hashes", &inner)) {
		struct json_iter it = json_iter(inner);
		struct slice algorithm;
		struct json_value hash;

		if (json_object_next(&it, &algorithm, &hash))
			return arena_printf(
				a, "%.*s %.*s", SLICE_ARG(algorithm), SLICE_ARG(json_string(hash)));
	}
	return first_text(v, names);
}

static enum err_kind open_here(
	struct cli *cli, struct node *n, struct store_reader **ret_reader, struct err *e)
{
	enum err_kind kind = node_open(cli_node(cli), STORE_READ, cli->world, n, e);

	if (kind != OK)
		return kind;
	kind = store_reader_take(n->store, ret_reader, e);
	if (kind != OK)
		node_close(n);
	return kind;
}

static void close_here(struct node *n, struct store_reader *r)
{
	store_reader_give(r);
	node_close(n);
}

/* ---- search ---------------------------------------------------------------------------------- */

static const struct option_row search_options[] = {
	{"limit", 'n', OPTION_TEXT, "N",  "at most so many (100)"},
	{"ids",   0,   OPTION_FLAG, NULL, "print only ids"       },
};

/* Exact bytes on one line: JSON has no raw line breaks inside strings, so they may become blanks.
 */
static void print_body_line(struct slice body)
{
	for (size_t i = 0; i < body.len; i++)
		putchar(body.data[i] == '\n' || body.data[i] == '\r' ? ' ' : body.data[i]);
	putchar('\n');
}

static enum err_kind search_row(struct cli *cli, struct table *table, struct json_parser *parser,
	const struct store_row *row, struct slice body, struct err *e)
{
	char id[STIX_ID_MAX + 1];
	struct json_doc doc;
	enum err_kind kind;

	stix_id_format(row->type, &row->uuid, id);
	if (cli_flag(cli, "ids")) {
		puts(id);
		return OK;
	}
	if (cli->json) {
		print_body_line(body);
		return OK;
	}
	kind = json_parse(parser, body, &doc, e);
	if (kind == OK) {
		struct slice title = glance_title(json_root(&doc), cli->arena);
		struct slice cells[] = {slice_of(id), slice_of(cli_time(cli, row->version_us)),
			row->revoked ? SLICE("revoked") : SLICE("-"), slice_cut(title, 0, 500)};

		if (!table_row(table, cells))
			kind = err_set(e, ERR_NOMEM, "out of memory");
	}
	return kind;
}

static enum cli_status search_run(struct cli *cli)
{
	static const char *const heads[] = {"id", "version", "state", "name"};
	struct json_parser *parser = json_parser_new(JSON_OBJECT_MAX);
	struct store_search search;
	struct store_cursor *cursor = NULL;
	struct store_reader *reader;
	struct buf query = BUF_INIT, body = BUF_INIT;
	struct table table;
	struct node n;
	struct err e;
	enum err_kind kind;
	uint64_t limit, found = 0;
	int64_t start;
	bool more = true;

	if (!cli_number(cli, "limit", 100, 1, 100000000, &limit) || parser == NULL) {
		json_parser_free(parser);
		return CLI_USAGE;
	}
	for (unsigned i = 0; i < cli->args_count; i++)
		buf_printf(&query, "%s%s", i > 0 ? " " : "", cli->args[i]);
	kind = intel_query_parse(buf_slice(&query), cli->arena, &search, &e);
	buf_fini(&query);
	if (kind == OK)
		kind = open_here(cli, &n, &reader, &e);
	if (kind != OK) {
		json_parser_free(parser);
		return cli_fail(cli, &e);
	}
	start = world_monotonic(cli->world);
	table_start(&table, cli, heads, COUNT_OF(heads));
	kind = intel_release_search(n.intel, reader, &operator_here, &search, &cursor, &e);
	while (kind == OK && found < limit) {
		struct store_row row;

		kind = store_cursor_next(cursor, &row, &more, &e);
		if (kind != OK || !more)
			break;
		buf_clear(&body);
		kind = store_cursor_body(cursor, &body, &e);
		if (kind == OK)
			kind = search_row(cli, &table, parser, &row, buf_slice(&body), &e);
		found++;
	}
	if (kind == OK && !cli->json && !cli_flag(cli, "ids"))
		table_print(&table);
	if (kind == OK && !cli->quiet && !cli->json && cli->width > 0)
		printf("%s found%s, %.1f ms\n", cli_count(cli, found),
			more ? " (there may be more: --limit)" : "",
			(double)(world_monotonic(cli->world) - start) / 1000);
	store_cursor_free(cursor);
	close_here(&n, reader);
	buf_fini(&body);
	json_parser_free(parser);
	if (kind != OK)
		return cli_fail(cli, &e);
	return found > 0 ? CLI_OK : CLI_NO;
}

const struct verb verb_search = {"search", "QUERY...",
	"find objects by word, value, network or field",
	"Words are looked for in names, descriptions and labels (ends in *: a beginning).\n"
	"Fields: type:indicator value:198.51.100.0/24 value:*.evil.example tlp:green label:botnet\n"
	"        since:2026-01-01 until:2026-02-01 by:identity--… ref:malware--… versions:all\n"
	"A word that is an address, network, name, URL, e-mail or hash is looked up as a value.\n"
	"Newest first. Exit status 1 when nothing was found.",
	1, ARGS_ANY, OPTIONS(search_options), search_run};

/* ---- show ------------------------------------------------------------------------------------ */

static const struct option_row show_options[] = {
	{"raw",   'r', OPTION_FLAG, NULL, "only the exact bytes"      },
	{"limit", 'n', OPTION_TEXT, "N",  "related objects shown (20)"},
};

struct showing {
	struct cli *cli;
	struct node node;
	struct store_reader *reader;
	struct json_parser *parser;  /* of the object */
	struct json_parser *related; /* of what it is related to */
	struct buf body;
	uint64_t limit;
};

static void print_head(struct cli *cli, const char *text)
{
	putchar('\n');
	cli_colour(cli, COLOUR_BOLD, slice_of(text));
	putchar('\n');
}

/* One line about another object: how it is related, its id, its title. */
static void show_related(struct showing *s, const char *how, struct slice id, struct slice body)
{
	struct json_doc doc;
	struct slice title = {0};

	if (body.len > 0 && json_parse(s->related, body, &doc, NULL) == OK)
		title = glance_title(json_root(&doc), s->cli->arena);
	printf("  %-22s ", how);
	cli_print_safe(id, 0);
	if (title.len > 0) {
		fputs("  ", stdout);
		cli_print_safe(
			slice_cut(title, 0, 200), s->cli->width > 90 ? s->cli->width - 90 : 60);
	} else if (body.len == 0) {
		fputs("  (not here)", stdout);
	}
	putchar('\n');
}

static enum err_kind show_outgoing(struct showing *s, const struct stix_facts *facts, struct err *e)
{
	struct buf body = BUF_INIT;
	enum err_kind kind = OK;

	print_head(s->cli, "refers to");
	for (size_t i = 0; i < facts->references_count && i < s->limit && kind == OK; i++) {
		const struct stix_reference *r = &facts->references[i];
		char id[STIX_ID_MAX + 1];
		struct store_row row;
		bool found;

		buf_clear(&body);
		kind = intel_release_get(s->node.intel, s->reader, &operator_here, r->target.type,
			&r->target.uuid, &row, &body, &found, e);
		stix_id_format(r->target.type, &r->target.uuid, id);
		if (kind == OK) {
			struct slice standard = stix_tlp_object(&r->target.uuid);

			show_related(s, arena_string(s->cli->arena, r->property), slice_of(id),
				found ? buf_slice(&body) : standard);
		}
	}
	if (facts->references_count == 0)
		puts("  nothing");
	else if (facts->references_count > s->limit)
		printf("  … and %zu more (--limit)\n", facts->references_count - (size_t)s->limit);
	buf_fini(&body);
	return kind;
}

/* Name of the property of v that holds this id, anywhere at the top. */
static const char *property_holding(struct showing *s, struct slice body, struct slice id)
{
	struct json_doc doc;
	struct json_iter it;
	struct slice name;
	struct json_value v, item;

	if (json_parse(s->related, body, &doc, NULL) != OK)
		return "?";
	for (it = json_iter(json_root(&doc)); json_object_next(&it, &name, &v);) {
		if (slice_is(name, "id"))
			continue;
		if (slice_equal(json_string(v), id))
			return arena_string(s->cli->arena, name);
		if (json_is_array(v)) {
			struct json_iter inner = json_iter(v);

			while (json_array_next(&inner, &item)) {
				if (slice_equal(json_string(item), id))
					return arena_string(s->cli->arena, name);
			}
		}
	}
	return "inside";
}

static enum err_kind show_incoming(
	struct showing *s, const struct stix_id *id, struct slice id_text, struct err *e)
{
	struct store_cursor *cursor = NULL;
	struct buf body = BUF_INIT;
	uint64_t count = 0;
	bool more = true;
	enum err_kind kind = intel_release_referrers(
		s->node.intel, s->reader, &operator_here, id->type, &id->uuid, &cursor, e);

	print_head(s->cli, "referred to by");
	while (kind == OK && count <= s->limit) {
		char from[STIX_ID_MAX + 1];
		struct store_row row;

		kind = store_cursor_next(cursor, &row, &more, e);
		if (kind != OK || !more)
			break;
		if (++count > s->limit) {
			puts("  … and more (--limit)");
			break;
		}
		buf_clear(&body);
		kind = store_cursor_body(cursor, &body, e);
		stix_id_format(row.type, &row.uuid, from);
		if (kind == OK) {
			const char *how = property_holding(s, buf_slice(&body), id_text);

			show_related(s, how == NULL ? "?" : how, slice_of(from), buf_slice(&body));
		}
	}
	if (kind == OK && count == 0)
		puts("  nothing");
	store_cursor_free(cursor);
	buf_fini(&body);
	return kind;
}

static enum err_kind show_versions(struct showing *s, const struct stix_id *id, struct err *e)
{
	struct store_cursor *cursor = NULL;
	enum err_kind kind = intel_release_versions(
		s->node.intel, s->reader, &operator_here, id->type, &id->uuid, &cursor, e);
	struct store_row row;
	bool more = true;

	print_head(s->cli, "versions");
	while (kind == OK) {
		struct slice member;
		uint64_t index;
		int64_t added_us;

		kind = store_cursor_next(cursor, &row, &more, e);
		if (kind != OK || !more)
			break;
		kind = store_origin_get(
			s->reader, row.serial, s->cli->arena, &member, &index, &added_us, e);
		if (kind != OK)
			break;
		printf("  %s  %s bytes, from ", cli_time(s->cli, row.version_us),
			cli_count(s->cli, row.body_bytes));
		cli_print_safe(member, 0);
		printf(" (no. %llu), taken in %s%s%s\n", (unsigned long long)index,
			cli_time(s->cli, added_us), row.latest ? ", newest" : "",
			row.revoked ? ", revoked" : "");
	}
	store_cursor_free(cursor);
	return kind;
}

static void show_markings(struct showing *s, const struct stix_facts *facts)
{
	print_head(s->cli, "markings");
	for (size_t i = 0; i < facts->markings_count; i++) {
		enum stix_tlp tlp = stix_tlp_of(&facts->markings[i]);
		char uuid[UUID_TEXT_LEN + 1];

		uuid_format(&facts->markings[i], uuid);
		printf("  marking-definition--%s  %s%s\n", uuid, tlp != STIX_TLP_NONE ? "TLP:" : "",
			tlp != STIX_TLP_NONE ? stix_tlp_name(tlp) : "");
	}
	if (facts->markings_count == 0)
		puts("  none");
}

/* A person's view of exact bytes: blanks between tokens are ours, everything else is theirs. */
static void print_indented(struct slice json)
{
	unsigned depth = 1;
	bool inside = false;

	fputs("  ", stdout);
	for (size_t i = 0; i < json.len; i++) {
		char c = json.data[i];

		if (inside) {
			if (c == '\\' && i + 1 < json.len) {
				putchar(c);
				putchar(json.data[++i]);
				continue;
			}
			inside = c != '"';
			if ((unsigned char)c >= 0x80) { /* a whole character at once, made safe */
				struct slice rest = slice_cut(json, i, json.len), one = rest;

				utf8_next(&rest);
				one.len -= rest.len;
				cli_print_safe(one, 0);
				i += one.len - 1;
				continue;
			}
			putchar(c);
			continue;
		}
		if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
			continue;
		inside = c == '"';
		if ((c == '}' || c == ']') && depth > 1) {
			depth--;
			printf("\n%*s", (int)depth * 2, "");
		}
		putchar(c);
		if (c == '{' || c == '[') {
			depth++;
			printf("\n%*s", (int)depth * 2, "");
		} else if (c == ',') {
			printf("\n%*s", (int)depth * 2, "");
		} else if (c == ':') {
			putchar(' ');
		}
	}
	putchar('\n');
}

static enum err_kind show_json(
	struct showing *s, const struct stix_id *id, struct slice body, struct err *e)
{
	struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER(&out);
	struct store_cursor *cursor = NULL;
	struct store_row row;
	bool more = true;
	enum err_kind kind;

	json_write_object(&w);
	json_write_name(&w, "object");
	json_write_raw(&w, body);
	json_write_name(&w, "versions");
	json_write_array(&w);
	kind = intel_release_versions(
		s->node.intel, s->reader, &operator_here, id->type, &id->uuid, &cursor, e);
	while (kind == OK) {
		struct slice member;
		uint64_t index;
		int64_t added_us;

		kind = store_cursor_next(cursor, &row, &more, e);
		if (kind != OK || !more)
			break;
		kind = store_origin_get(
			s->reader, row.serial, s->cli->arena, &member, &index, &added_us, e);
		json_write_object(&w);
		json_member_time(&w, "version", row.version_us, 6);
		json_member_i64(&w, "bytes", row.body_bytes);
		json_member_string(&w, "member", member);
		json_member_i64(&w, "index", (int64_t)index);
		json_member_time(&w, "added", added_us, 6);
		json_member_bool(&w, "latest", row.latest);
		json_member_bool(&w, "revoked", row.revoked);
		json_write_end(&w, '}');
	}
	store_cursor_free(cursor);
	cursor = NULL;
	json_write_end(&w, ']');
	json_write_name(&w, "referred_by");
	json_write_array(&w);
	if (kind == OK)
		kind = intel_release_referrers(
			s->node.intel, s->reader, &operator_here, id->type, &id->uuid, &cursor, e);
	for (uint64_t k = 0; kind == OK && k < s->limit; k++) {
		char from[STIX_ID_MAX + 1];

		kind = store_cursor_next(cursor, &row, &more, e);
		if (kind != OK || !more)
			break;
		stix_id_format(row.type, &row.uuid, from);
		json_write_text(&w, from);
	}
	store_cursor_free(cursor);
	json_write_end(&w, ']');
	json_write_end(&w, '}');
	if (kind == OK)
		print_body_line(buf_slice(&out));
	buf_fini(&out);
	return kind;
}

static enum err_kind show_all(struct showing *s, const struct stix_id *id, struct err *e)
{
	struct stix_report report = {.arena = s->cli->arena, .errors_only = true};
	struct stix_facts facts;
	struct json_doc doc;
	enum err_kind kind = json_parse(s->parser, buf_slice(&s->body), &doc, e);

	if (kind == OK)
		kind = stix_check(json_root(&doc), &report, &facts, e);
	if (kind != OK)
		return kind;
	cli_colour(s->cli, COLOUR_BOLD, slice_of(s->cli->args[0]));
	putchar('\n');
	print_indented(buf_slice(&s->body));
	kind = show_versions(s, id, e);
	if (kind == OK) {
		show_markings(s, &facts);
		kind = show_outgoing(s, &facts, e);
	}
	if (kind == OK)
		kind = show_incoming(s, id, facts.id, e);
	return kind;
}

static enum cli_status show_run(struct cli *cli)
{
	struct showing s = {.cli = cli};
	struct stix_id id;
	struct store_row row;
	struct err e;
	enum err_kind kind;
	bool found = false;

	if (!cli_number(cli, "limit", 20, 1, SHOW_RELATED_MAX, &s.limit))
		return CLI_USAGE;
	if (!stix_id_parse(slice_of(cli->args[0]), &id))
		return cli_usage(cli, "\"%s\" is no STIX id; expected type--UUID", cli->args[0]);
	if (open_here(cli, &s.node, &s.reader, &e) != OK)
		return cli_fail(cli, &e);
	s.parser = json_parser_new(JSON_OBJECT_MAX);
	s.related = json_parser_new(JSON_OBJECT_MAX);
	kind = s.parser == NULL || s.related == NULL ? err_set(&e, ERR_NOMEM, "out of memory") : OK;
	if (kind == OK)
		kind = intel_release_get(s.node.intel, s.reader, &operator_here, id.type, &id.uuid,
			&row, &s.body, &found, &e);
	if (kind == OK && found) {
		if (cli_flag(cli, "raw"))
			fwrite(s.body.data, 1, s.body.len, stdout);
		else
			kind = cli->json ? show_json(&s, &id, buf_slice(&s.body), &e)
					 : show_all(&s, &id, &e);
	}
	close_here(&s.node, s.reader);
	json_parser_free(s.parser);
	json_parser_free(s.related);
	buf_fini(&s.body);
	if (kind != OK)
		return cli_fail(cli, &e);
	if (!found) {
		cli_warn(cli, "\"%s\" is not here", cli->args[0]);
		return CLI_NO;
	}
	return CLI_OK;
}

const struct verb verb_show = {"show", "ID",
	"show an object: versions, markings, what it refers to and what refers to it", NULL, 1, 1,
	OPTIONS(show_options), show_run};

/* ---- stats, verify, evidence ----------------------------------------------------------------- */

static enum cli_status stats_run(struct cli *cli)
{
	struct store_type_count *types = NULL;
	struct store_stats st;
	struct store_reader *reader;
	size_t count = 0;
	struct node n;
	struct err e;
	enum err_kind kind;

	if (open_here(cli, &n, &reader, &e) != OK)
		return cli_fail(cli, &e);
	kind = store_stats(reader, cli->arena, &st, &types, &count, &e);
	if (kind == OK && cli->json) {
		struct buf out = BUF_INIT;
		struct json_writer w = JSON_WRITER(&out);

		json_write_object(&w);
		json_member_i64(&w, "objects", (int64_t)st.objects);
		json_member_i64(&w, "distinct", (int64_t)st.distinct);
		json_member_i64(&w, "references", (int64_t)st.references);
		json_member_i64(&w, "values", (int64_t)st.values);
		json_member_i64(&w, "collections", (int64_t)st.collections);
		json_member_i64(&w, "entries", (int64_t)st.entries);
		json_member_i64(&w, "evidence", (int64_t)st.evidence);
		json_member_i64(&w, "accounts", (int64_t)st.accounts);
		json_member_i64(&w, "body_bytes", (int64_t)st.body_bytes);
		json_member_i64(&w, "packed_bytes", (int64_t)st.packed_bytes);
		json_member_i64(&w, "disk_bytes", (int64_t)st.disk_bytes);
		json_write_name(&w, "types");
		json_write_object(&w);
		for (size_t i = 0; i < count; i++) {
			json_write_name_slice(&w, types[i].type);
			json_write_i64(&w, (int64_t)types[i].objects);
		}
		json_write_end(&w, '}');
		json_write_end(&w, '}');
		cli_print_line(&out);
	} else if (kind == OK) {
		printf("objects      %s versions of %s ids\n", cli_count(cli, st.objects),
			cli_count(cli, st.distinct));
		printf("size         %s, packed to %s; %s on the disk\n",
			cli_bytes(cli, st.body_bytes), cli_bytes(cli, st.packed_bytes),
			cli_bytes(cli, st.disk_bytes));
		printf("references   %s\nvalues       %s\n", cli_count(cli, st.references),
			cli_count(cli, st.values));
		printf("collections  %s with %s entries\naccounts     %s\nevidence     %s\n",
			cli_count(cli, st.collections), cli_count(cli, st.entries),
			cli_count(cli, st.accounts), cli_count(cli, st.evidence));
		printf("taken in     %s to %s\n", cli_time(cli, st.first_added_us),
			cli_time(cli, st.last_added_us));
		for (size_t i = 0; i < count; i++) {
			fputs("  ", stdout);
			cli_print_safe(types[i].type, 0);
			printf("%*s%s\n",
				(int)(types[i].type.len < 26 ? 26 - types[i].type.len : 1), "",
				cli_count(cli, types[i].objects));
		}
	}
	close_here(&n, reader);
	return kind == OK ? CLI_OK : cli_fail(cli, &e);
}

const struct verb verb_stats = {"stats", "", "count what is kept", NULL, 0, 0, NULL, 0, stats_run};

static void verify_fault(void *context, const char *text)
{
	(void)context;
	cli_print_safe(slice_of(text), 0);
	putchar('\n');
}

static enum cli_status verify_run(struct cli *cli)
{
	struct node n;
	struct err e;
	enum err_kind kind;

	if (cli->args_count == 1)
		return cli_proof_verify(cli);
	if (cli_text(cli, "content") != NULL || cli_text(cli, "quorum") != NULL)
		return cli_usage(cli, "--content and --quorum go with a PROOF");
	if (node_open(cli_node(cli), STORE_READ, cli->world, &n, &e) != OK)
		return cli_fail(cli, &e);
	kind = store_verify(n.store, verify_fault, cli, &e);
	node_close(&n);
	if (kind == ERR_CORRUPT) {
		cli_warn(cli, "%s", e.text);
		return CLI_NO;
	}
	if (kind != OK)
		return cli_fail(cli, &e);
	if (!cli->quiet)
		puts("the store is whole");
	return CLI_OK;
}

static const struct option_row verify_options[] = {
	{"content", 'c', OPTION_TEXT, "FILE", "what the proof is of, byte for byte"},
	{"quorum",  'k', OPTION_TEXT, "FILE",
         "the keys of logs and witnesses, and how many must sign"                  },
};

const struct verb verb_verify = {"verify", "[PROOF --content FILE --quorum FILE]",
	"check one entry of a log by its proof, offline; or the whole store",
	"With a PROOF (c2sp.org/tlog-proof@v1, as serai log prove writes it): was this content "
	"logged, under a checkpoint\n"
	"that the log signed and the quorum file's witnesses cosigned (c2sp.org/tlog-policy)? It "
	"needs no node and no\n"
	"network. Exit status 0: verified; 1: not, and why.\n"
	"Without: the pages, bodies, order and sequences of the node's store. Exit status 1 and "
	"one line for each fault when\n"
	"something is wrong.",
	0, 1, OPTIONS(verify_options), verify_run};

static bool evidence_one(void *context, const struct store_evidence *ev)
{
	struct cli *cli = context;
	char id[STIX_ID_MAX + 1];

	stix_id_format(ev->id.type, &ev->id.uuid, id);
	if (cli->json) {
		struct buf out = BUF_INIT;
		struct json_writer w = JSON_WRITER(&out);

		json_write_object(&w);
		json_member_text(&w, "id", id);
		json_member_time(&w, "version", ev->version_us, 6);
		json_member_string(&w, "member", ev->member);
		json_member_time(&w, "received", ev->received_us, 6);
		json_write_name(&w, "object");
		json_write_raw(&w, ev->body);
		json_write_end(&w, '}');
		print_body_line(buf_slice(&out));
		buf_fini(&out);
	} else {
		printf("%s  version %s, from ", id, cli_time(cli, ev->version_us));
		cli_print_safe(ev->member, 0);
		printf(", received %s, %zu bytes\n", cli_time(cli, ev->received_us), ev->body.len);
	}
	return true;
}

static enum cli_status evidence_run(struct cli *cli)
{
	struct store_reader *reader;
	struct node n;
	struct err e;
	enum err_kind kind;

	if (open_here(cli, &n, &reader, &e) != OK)
		return cli_fail(cli, &e);
	kind = store_evidence_each(reader, evidence_one, cli, &e);
	close_here(&n, reader);
	return kind == OK ? CLI_OK : cli_fail(cli, &e);
}

const struct verb verb_evidence = {"evidence", "",
	"list refused objects that contradict a kept version, and who sent them", NULL, 0, 0, NULL,
	0, evidence_run};
