/* SPDX-License-Identifier: MPL-2.0 */
/* serai policy dry-run: what a change of policy would do to what is here. */
#include <stdlib.h>

#include "cli.h"

static const struct option_row dry_run_options[] = {
	{"before",  'b', OPTION_TEXT, "FILE",      "the policy in force; left out: none is"         },
	{"after",   'a', OPTION_TEXT, "FILE",      "the policy that is proposed"                    },
	{"members", 'm', OPTION_TEXT, "FILE|LIST", "all members, as in the charter"                 },
	{"self",    's', OPTION_TEXT, "NAME",      "which of them this node is; left out: the first"},
};

struct parties {
	struct policy_parties parties;
	struct slice self;
	struct slice recipients[POLICY_MEMBERS_MAX + 1]; /* all but ourselves, then the public */
	size_t recipients_count;
};

static enum err_kind parties_read(struct cli *cli, struct parties *p, struct err *e)
{
	enum err_kind kind = cli_members(cli, &p->parties, e);
	bool found = false;

	if (kind != OK)
		return kind;
	if (p->parties.members_count == 0 || p->parties.members_count > POLICY_MEMBERS_MAX)
		return err_set(e, ERR_USAGE, "%zu members, expected 1 to %d",
			p->parties.members_count, POLICY_MEMBERS_MAX);
	p->self = cli_text(cli, "self") != NULL ? slice_of(cli_text(cli, "self"))
						: p->parties.members[0];
	for (size_t i = 0; i < p->parties.members_count; i++) {
		if (slice_equal(p->parties.members[i], p->self))
			found = true;
		else
			p->recipients[p->recipients_count++] = p->parties.members[i];
	}
	if (!found)
		return err_set(e, ERR_USAGE, "\"%.*s\" is none of the members", SLICE_ARG(p->self));
	p->recipients[p->recipients_count++] = SLICE("public");
	return OK;
}

static enum err_kind policy_file_read(
	const char *path, const struct parties *p, struct policy **ret_policy, struct err *e)
{
	struct buf text = BUF_INIT;
	enum err_kind kind = file_read(path, POLICY_BYTES_MAX, &text, e);

	if (kind == OK)
		kind = policy_parse(buf_slice(&text), &p->parties, NULL, ret_policy, e);
	buf_fini(&text);
	return kind == OK ? OK : err_wrap(e, "%s", path);
}

/* A count as it may be told to others; of a count of objects, how few is already too much. */
static struct slice cell(struct cli *cli, uint64_t count)
{
	struct buf out = BUF_INIT;
	struct slice text;

	if (count >= INTEL_CELL_MIN)
		return slice_of(cli_count(cli, count));
	intel_cell_append(&out, count);
	text = arena_copy(cli->arena, buf_slice(&out));
	buf_fini(&out);
	return text;
}

static void changes_print(struct cli *cli, const struct intel_change *changes, size_t count)
{
	static const char *const heads[] = {
		"recipient", "has now", "would have", "newly shared", "stopped"};
	struct table table;

	table_start(&table, cli, heads, COUNT_OF(heads));
	for (size_t i = 0; i < count; i++) {
		const struct intel_change *c = &changes[i];
		struct slice cells[] = {c->recipient, cell(cli, c->before), cell(cli, c->after),
			cell(cli, c->gained), cell(cli, c->lost)};

		(void)table_row(&table, cells);
	}
	table_print(&table);
}

static void cell_member(struct json_writer *w, const char *name, uint64_t count)
{
	struct buf out = BUF_INIT;

	intel_cell_append(&out, count);
	json_member_string(w, name, buf_slice(&out));
	buf_fini(&out);
}

/* One object; counts are texts, as small ones are not told. */
static void changes_write(const struct intel_change *changes, size_t count,
	const struct policy_facts *before, const struct policy_facts *after, int64_t now_us)
{
	struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER(&out);
	const struct policy_facts *const facts[] = {before, after};
	static const char *const names[] = {"before", "after"};

	json_write_object(&w);
	for (size_t k = 0; k < COUNT_OF(facts); k++) {
		struct buf digest = BUF_INIT;

		if (facts[k] == NULL)
			continue;
		buf_text(&digest, "sha256:");
		for (size_t i = 0; i < SHA256_LEN; i++)
			buf_printf(&digest, "%02x", facts[k]->digest[i]);
		json_member_string(&w, names[k], buf_slice(&digest));
		buf_fini(&digest);
	}
	json_member_time(&w, "at", now_us, 3);
	json_write_name(&w, "recipients");
	json_write_array(&w);
	for (size_t i = 0; i < count; i++) {
		json_write_object(&w);
		json_member_string(&w, "to", changes[i].recipient);
		cell_member(&w, "has", changes[i].before);
		cell_member(&w, "would_have", changes[i].after);
		cell_member(&w, "gains", changes[i].gained);
		cell_member(&w, "loses", changes[i].lost);
		json_write_end(&w, '}');
	}
	json_write_end(&w, ']');
	json_write_end(&w, '}');
	cli_print_line(&out);
}

static enum cli_status dry_run_run(struct cli *cli)
{
	struct parties *p;
	struct policy *before = NULL, *after = NULL;
	struct intel_change changes[POLICY_MEMBERS_MAX + 1];
	struct node n;
	struct err e;
	enum err_kind kind;

	if (cli_text(cli, "after") == NULL || cli_text(cli, "members") == NULL)
		return cli_usage(cli, "--after and --members have to be given");
	p = ARENA_NEW(cli->arena, struct parties);
	if (p == NULL)
		return CLI_FAILED;
	*p = (struct parties){0};
	kind = parties_read(cli, p, &e);
	if (kind == OK)
		kind = policy_file_read(cli_text(cli, "after"), p, &after, &e);
	if (kind == OK && cli_text(cli, "before") != NULL)
		kind = policy_file_read(cli_text(cli, "before"), p, &before, &e);
	if (kind == OK) {
		kind = node_open(cli_node(cli), STORE_READ, cli->world, &n, &e);
		if (kind == OK) {
			kind = intel_dry_run(n.intel, before, after, p->self, p->recipients,
				p->recipients_count, changes, &e);
			node_close(&n);
		}
	}
	if (kind == OK && cli->json) {
		struct policy_facts is = policy_facts(after), was;

		if (before != NULL)
			was = policy_facts(before);
		changes_write(changes, p->recipients_count, before != NULL ? &was : NULL, &is,
			world_now(cli->world));
	} else if (kind == OK) {
		changes_print(cli, changes, p->recipients_count);
	}
	policy_free(before);
	policy_free(after);
	return kind == OK ? CLI_OK : cli_fail(cli, &e);
}

const struct verb verb_policy_dry_run = {"policy dry-run", "",
	"count what a change of policy would do to what is here",
	"Looks at the newest version of every object in the node's store and tells for each member "
	"and for the public how many it may have under the one policy and the other. Nothing is "
	"put in force, nothing leaves the node, and counts below five are told as <5.",
	0, 0, OPTIONS(dry_run_options), dry_run_run};
