/* SPDX-License-Identifier: MPL-2.0 */
/* serai id, canon, pattern check: one question about one file. */
#include <stdlib.h>

#include "cli.h"

/* One object or a bundle's objects, each handed to `each`; for small tools over files. */
static enum err_kind objects_of(const char *path,
	enum err_kind (*each)(
		struct cli *cli, struct slice bytes, const struct json_item *item, struct err *e),
	struct cli *cli, struct err *e)
{
	struct json_file *f;
	enum json_split_kind what = JSON_SPLIT_OBJECT;
	enum err_kind kind = json_file_open(path, &f, e);

	if (kind != OK)
		return kind;
	while (kind == OK && what == JSON_SPLIT_OBJECT) {
		struct json_item item;

		kind = json_file_next(f, &what, &item, e);
		if (kind != OK)
			err_wrap(e, "%s", input_name(json_file_input(f)));
		else if (what == JSON_SPLIT_OBJECT)
			kind = each(cli, item.bytes, &item, e);
		else if (what == JSON_SPLIT_PROBLEM)
			kind = err_set(e, ERR_PARSE, "%s, line %llu: %s",
				input_name(json_file_input(f)), (unsigned long long)item.line,
				item.problem);
	}
	json_file_close(f);
	return kind;
}

static enum err_kind id_one(
	struct cli *cli, struct slice bytes, const struct json_item *item, struct err *e)
{
	struct json_parser *parser = json_parser_new(JSON_OBJECT_MAX);
	char text[STIX_ID_MAX + 1];
	struct json_doc doc;
	struct slice type;
	struct uuid uuid;
	bool deterministic = false;
	enum err_kind kind;

	(void)cli;
	if (parser == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = json_parse(parser, bytes, &doc, e);
	if (kind == OK)
		kind = stix_observable_id(json_root(&doc), &deterministic, &uuid, e);
	if (kind != OK) {
		err_wrap(e, "line %llu", (unsigned long long)item->line);
	} else if (deterministic) {
		type = json_get_string(json_root(&doc), "type");
		stix_id_format(type, &uuid, text);
		puts(text);
	} else {
		kind = err_set(e, ERR_INVALID,
			"line %llu: the standard gives this object a random id: none of its "
			"contributing properties is there",
			(unsigned long long)item->line);
	}
	json_parser_free(parser);
	return kind;
}

static enum cli_status id_run(struct cli *cli)
{
	struct err e;

	if (objects_of(cli->args[0], id_one, cli, &e) != OK) {
		enum cli_status status = cli_fail(cli, &e);

		return e.kind == ERR_INVALID || e.kind == ERR_PARSE ? CLI_NO : status;
	}
	return CLI_OK;
}

const struct verb verb_id = {"id", "FILE",
	"print the deterministic id of each observable (STIX 2.1 section 2.9); - is standard input",
	NULL, 1, 1, NULL, 0, id_run};

static enum cli_status canon_run(struct cli *cli)
{
	struct json_parser *parser = json_parser_new(JSON_DOCUMENT_MAX);
	struct buf text = BUF_INIT, out = BUF_INIT;
	struct input *in = NULL;
	struct json_doc doc;
	struct err e;
	enum err_kind kind = OK;
	size_t got = 1;

	if (parser == NULL)
		kind = err_set(&e, ERR_NOMEM, "out of memory");
	if (kind == OK)
		kind = input_open(cli->args[0], &in, &e);
	while (kind == OK && got > 0) {
		char *to = buf_reserve(&text, KIB(64));

		if (to == NULL) {
			kind = err_set(&e, ERR_NOMEM, "out of memory");
			break;
		}
		kind = input_read(in, to, KIB(64), &got, &e);
		if (kind == OK)
			text.len += got;
		if (kind == OK && text.len > JSON_DOCUMENT_MAX)
			kind = err_set(&e, ERR_LIMIT, "\"%s\" is longer than %zu bytes",
				cli->args[0], JSON_DOCUMENT_MAX);
	}
	if (kind == OK)
		kind = json_parse(parser, buf_slice(&text), &doc, &e);
	if (kind == OK)
		kind = json_canon(json_root(&doc), &out, &e);
	if (kind == OK)
		fwrite(out.data, 1, out.len, stdout);
	else
		err_wrap(&e, "%s", cli->args[0]);
	input_free(in);
	json_parser_free(parser);
	buf_fini(&text);
	buf_fini(&out);
	if (kind != OK) {
		cli_fail(cli, &e);
		return kind == ERR_PARSE || kind == ERR_LIMIT ? CLI_NO : CLI_FAILED;
	}
	return CLI_OK;
}

const struct verb verb_canon = {"canon", "FILE",
	"print the canonical form (RFC 8785), without a line end; - is standard input", NULL, 1, 1,
	NULL, 0, canon_run};

static const struct option_row pattern_options[] = {
	{"tree", 't', OPTION_FLAG, NULL,
         "print the pattern as it was understood, fully parenthesised"},
};

static enum cli_status pattern_check_run(struct cli *cli)
{
	struct slice pattern = slice_of(cli->args[0]);
	struct stix_pattern_error error = {0};
	struct stix_node *root;
	bool ok = stix_pattern_parse(pattern, cli->arena, &root, &error);

	if (cli->json) {
		struct buf out = BUF_INIT;
		struct json_writer w = JSON_WRITER(&out);

		json_write_object(&w);
		json_member_bool(&w, "valid", ok);
		if (!ok) {
			json_member_i64(&w, "offset", (int64_t)error.offset);
			json_member_i64(&w, "line", (int64_t)error.line);
			json_member_i64(&w, "column", (int64_t)error.column);
			json_member_string(&w, "message", error.message);
		}
		json_write_end(&w, '}');
		cli_print_line(&out);
		return ok ? CLI_OK : CLI_NO;
	}
	if (!ok) {
		printf("invalid: line %llu, column %llu: ", (unsigned long long)error.line,
			(unsigned long long)error.column);
		cli_print_safe(error.message, 0);
		putchar('\n');
		if (error.line == 1 && pattern.len < 200 &&
			slice_find(pattern, '\n', 0) == pattern.len) {
			fputs("  ", stdout);
			cli_print_safe(pattern, 0);
			printf("\n  %*s^\n", (int)(error.column > 0 ? error.column - 1 : 0), "");
		}
		return CLI_NO;
	}
	puts("valid");
	if (cli_flag(cli, "tree")) {
		struct buf out = BUF_INIT;

		stix_pattern_print(root, &out);
		cli_print_safe(buf_slice(&out), 0);
		putchar('\n');
		buf_fini(&out);
	}
	return CLI_OK;
}

const struct verb verb_pattern_check = {"pattern check", "PATTERN",
	"say whether a STIX pattern follows the grammar, and where it does not", NULL, 1, 1,
	OPTIONS(pattern_options), pattern_check_run};
