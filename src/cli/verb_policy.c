/* SPDX-License-Identifier: MPL-2.0 */
/* serai policy: what a policy says, what is wrong with it, and what another would change. */
#include <stdlib.h>
#include <sys/stat.h>

#include "cli.h"
#include "policy/policy.h"

#define MEMBERS_BYTES_MAX  KIB(64)
#define QUESTION_BYTES_MAX KIB(64)
#define LAYERS_MAX         (POLICY_MEMBERS_MAX + 1) /* a reservation each, and one's own overlay */
#define ALARM_US           (7 * 24 * 3600 * US_PER_SECOND) /* before a policy ends: a week */

/* ---- reading what the command line names ---------------------------------------------------- */

enum err_kind cli_members(struct cli *cli, struct policy_parties *ret_parties, struct err *e)
{
	const char *text = cli_text(cli, "members");
	struct slice *members = ARENA_ARRAY(cli->arena, struct slice, POLICY_MEMBERS_MAX + 1);
	struct buf file = BUF_INIT;
	struct slice rest, line, part;
	size_t count = 0;
	struct stat st;

	if (members == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	rest = slice_of(text);
	if (text != NULL && stat(text, &st) == 0) {
		enum err_kind kind = file_read(text, MEMBERS_BYTES_MAX, &file, e);

		if (kind != OK)
			return kind;
		rest = arena_copy(cli->arena, buf_slice(&file));
		buf_fini(&file);
	}
	while (slice_next(&rest, '\n', &line)) {
		line = slice_cut(line, 0, slice_find(line, '#', 0));
		while (slice_next(&line, ',', &part)) {
			part = slice_trim(part);
			if (part.len > 0 && count <= POLICY_MEMBERS_MAX)
				members[count++] = part;
		}
	}
	*ret_parties = (struct policy_parties){members, count};
	return OK;
}

static void finding_print(const struct cli *cli, const char *path, const struct policy_finding *f)
{
	struct buf out = BUF_INIT;

	if (cli->json) {
		struct json_writer w = JSON_WRITER(&out);

		json_write_object(&w);
		json_member_text(&w, "file", path);
		json_member_text(&w, "level", f->error ? "error" : "warning");
		json_member_string(&w, "path", f->path);
		if (f->rule.len > 0)
			json_member_string(&w, "rule", f->rule);
		json_member_string(&w, "message", f->message);
		json_write_end(&w, '}');
	} else {
		buf_printf(&out, "%s: %.*s%s%.*s%s%.*s", path, SLICE_ARG(f->path),
			f->rule.len > 0 ? " (rule " : "", SLICE_ARG(f->rule),
			f->rule.len > 0   ? "): "
			: f->path.len > 0 ? ": "
					  : "",
			SLICE_ARG(f->message));
	}
	cli_print_safe(buf_slice(&out), 0);
	putchar('\n');
	buf_fini(&out);
}

/* Every mistake in it is printed; *ret_policy is NULL then. */
static enum err_kind policy_read(struct cli *cli, const char *path,
	const struct policy_parties *parties, struct policy **ret_policy, struct err *e)
{
	struct policy_report report = {.arena = cli->arena};
	struct buf text = BUF_INIT;
	enum err_kind kind = file_read(path, POLICY_BYTES_MAX + 1, &text, e);

	*ret_policy = NULL;
	if (kind == OK)
		kind = policy_parse(buf_slice(&text), parties, &report, ret_policy, e);
	buf_fini(&text);
	for (size_t i = 0; i < report.count; i++)
		finding_print(cli, path, &report.findings[i]);
	if (kind != OK)
		err_wrap(e, "%s", path);
	return kind;
}

/* The policy with the layers of --layers over it. */
static enum err_kind joined_read(
	struct cli *cli, const char *path, struct policy **ret_policy, struct err *e)
{
	struct slice rest = slice_of(cli_text(cli, "layers")), part;
	struct policy *layers[LAYERS_MAX] = {NULL}, *unified = NULL;
	struct policy_parties parties;
	size_t count = 0;
	enum err_kind kind = cli_members(cli, &parties, e);

	*ret_policy = NULL;
	if (kind == OK)
		kind = policy_read(cli, path, &parties, &unified, e);
	while (kind == OK && slice_next(&rest, ',', &part)) {
		const char *name = arena_string(cli->arena, part);

		if (count == LAYERS_MAX)
			kind = err_set(e, ERR_LIMIT, "--layers: at most %d", LAYERS_MAX);
		else if (name == NULL)
			kind = err_set(e, ERR_NOMEM, "out of memory");
		else
			kind = policy_read(cli, name, &parties, &layers[count++], e);
	}
	if (kind == OK && count > 0) {
		kind = policy_join(
			unified, (const struct policy *const *)layers, count, ret_policy, e);
	} else if (kind == OK) {
		*ret_policy = unified;
		unified = NULL;
	}
	policy_free(unified);
	for (size_t i = 0; i < count; i++)
		policy_free(layers[i]);
	return kind;
}

/* JSON as it stands on the command line, else a file. */
static enum err_kind text_read(const char *argument, struct buf *text, struct err *e)
{
	if (argument[0] != '{')
		return file_read(argument, QUESTION_BYTES_MAX, text, e);
	buf_text(text, argument);
	return text->bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

static bool budget(struct cli *cli, uint64_t *ret_steps)
{
	return cli_number(cli, "steps", POLICY_STEPS, 1, UINT64_MAX / 2, ret_steps);
}

static const struct option_row policy_options[] = {
	{"members", 'm', OPTION_TEXT, "FILE|LIST",
         "who there is: a file with a name a line, or names with commas"                     },
	{"layers",  'l', OPTION_TEXT, "FILE,…",  "overlays and reservations to lay over it"},
	{"steps",   0,   OPTION_TEXT, "N",
         "budget of one question (20000000); past it the answer is undecided"                },
};

/* ---- check ---------------------------------------------------------------------------------- */

struct checking {
	struct cli *cli;
	const char *path;
	const struct policy *p;
	unsigned troubles, notes;
};

/* What each kind of trouble says to people, and whether it is only a note. */
static const struct {
	const char *says; /* of rule and other */
	bool note;
} trouble_rows[POLICY_TROUBLES] = {
	[POLICY_DEAD] = {"permits nothing: forbids or contradictions cover all of it", false},
	[POLICY_SHADOWED] = {"changes nothing: other rules already say it",                false},
	[POLICY_OVERLAP] = {"is cut by the forbid",                                       true },
	[POLICY_BREACH] = {"permits what is never to be, says",                          false},
	[POLICY_UNKNOWN_FLOWS] = {"permits what is unknown",                                    true },
	[POLICY_CONTRADICTORY] = {"demands what cannot be kept together with",                  false},
	[POLICY_PII_PUBLIC] = {"lets personal data reach the public",                        false},
	[POLICY_ENDLESS] = {"permits a measure without end, review or appeal",            false},
};

static void trouble_json(const struct checking *c, const struct policy_result *r, struct buf *out)
{
	struct json_writer w = JSON_WRITER(out);
	struct buf witness = BUF_INIT;

	json_write_object(&w);
	json_member_text(&w, "file", c->path);
	json_member_text(&w, "trouble", policy_trouble_name(r->trouble));
	json_member_bool(&w, "undecided", r->answer == POLICY_UNDECIDED);
	json_member_text(&w, "family", policy_family_name(r->family));
	if (r->rule >= 0)
		json_member_string(&w, "rule", policy_rule_id(c->p, r->rule));
	if (r->other >= 0)
		json_member_string(&w, "other", policy_rule_id(c->p, r->other));
	if (r->attribute >= 0)
		json_member_text(&w, "attribute",
			policy_attribute_get(r->family, (unsigned)r->attribute)->name);
	if (r->has_witness) {
		policy_case_write(c->p, &r->witness, &witness);
		json_write_name(&w, "case");
		json_write_raw(&w, buf_slice(&witness));
	}
	json_write_end(&w, '}');
	buf_fini(&witness);
}

static void trouble_text(const struct checking *c, const struct policy_result *r, struct buf *out)
{
	struct slice rule = policy_rule_id(c->p, r->rule), other = policy_rule_id(c->p, r->other);

	buf_printf(out, "%-13s  ", policy_trouble_name(r->trouble));
	if (r->answer == POLICY_UNDECIDED)
		buf_text(out, "undecided within the budget: ");
	buf_printf(out, "%.*s %s", SLICE_ARG(rule), trouble_rows[r->trouble].says);
	if (other.len > 0)
		buf_printf(out, " %.*s", SLICE_ARG(other));
	if (r->trouble == POLICY_UNKNOWN_FLOWS)
		buf_printf(
			out, ": %s", policy_attribute_get(r->family, (unsigned)r->attribute)->name);
	if (r->has_witness && !trouble_rows[r->trouble].note) {
		buf_text(out, "\n               as in: ");
		policy_case_text(c->p, &r->witness, out);
	}
}

static void trouble_take(void *context, const struct policy_result *r)
{
	struct checking *c = context;
	struct buf out = BUF_INIT;

	if (r->answer == POLICY_UNDECIDED || !trouble_rows[r->trouble].note)
		c->troubles++;
	else
		c->notes++;
	if (c->cli->json)
		trouble_json(c, r, &out);
	else
		trouble_text(c, r, &out);
	cli_print_line(&out);
}

static const char *const layer_names[] = {
	[POLICY_UNIFIED] = "policy",
	[POLICY_OVERLAY] = "overlay",
	[POLICY_RESERVATION] = "reservation",
};

static void summary_print(const struct checking *c, const struct policy_facts *f)
{
	struct cli *cli = c->cli;
	struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER(&out);
	size_t rules = 0;

	for (unsigned i = 0; i < POLICY_FAMILIES; i++)
		for (unsigned k = 0; k < POLICY_EFFECTS; k++)
			rules += f->rules[i][k];
	if (cli->json) {
		json_write_object(&w);
		json_member_text(&w, "file", c->path);
		json_member_text(&w, "type", layer_names[f->layer]);
		json_member_string(&w, "name", f->name);
		json_member_i64(&w, "version", (int64_t)f->version);
		json_member_time(&w, "expires", f->expires_us, 0);
		json_member_i64(&w, "rules", (int64_t)rules);
		json_member_i64(&w, "troubles", c->troubles);
		json_member_i64(&w, "notes", c->notes);
		json_write_end(&w, '}');
	} else if (!cli->quiet) {
		buf_printf(&out,
			"%s: %s \"%.*s\" version %llu until %s: rules %zu, troubles %u, notes %u",
			c->path, layer_names[f->layer], SLICE_ARG(f->name),
			(unsigned long long)f->version, cli_time(cli, f->expires_us), rules,
			c->troubles, c->notes);
	}
	if (out.len > 0) {
		cli_print_safe(buf_slice(&out), 0);
		putchar('\n');
	}
	buf_fini(&out);
}

static enum err_kind check_one(struct checking *c, uint64_t steps, struct err *e)
{
	struct policy *p = NULL;
	enum err_kind kind = joined_read(c->cli, c->path, &p, e);
	int64_t now = world_now(c->cli->world);
	struct policy_facts f;

	if (kind != OK)
		return kind;
	c->p = p;
	f = policy_facts(p);
	/* A layer alone permits nothing, so every question about it has the same answer. */
	if (f.layer == POLICY_UNIFIED)
		kind = policy_analyse(p, steps, trouble_take, c, e);
	if (now >= f.expires_us) {
		c->troubles++;
		cli_warn(c->cli, "%s: expired: it permits nothing any more", c->path);
	} else if (now >= f.expires_us - ALARM_US) {
		cli_warn(c->cli, "%s: ends within a week, and then permits nothing", c->path);
	}
	if (kind == OK)
		summary_print(c, &f);
	policy_free(p);
	return kind;
}

static enum cli_status check_run(struct cli *cli)
{
	enum cli_status status = CLI_OK;
	uint64_t steps;

	if (!budget(cli, &steps))
		return CLI_USAGE;
	for (unsigned i = 0; i < cli->args_count; i++) {
		struct checking c = {.cli = cli, .path = cli->args[i]};
		struct err e;
		enum err_kind kind = check_one(&c, steps, &e);

		if (kind != OK && kind != ERR_INVALID)
			return cli_fail(cli, &e);
		if (kind == ERR_INVALID)
			cli_warn(cli, "%s", e.text);
		if (kind == ERR_INVALID || c.troubles > 0)
			status = CLI_NO;
	}
	return status;
}

const struct verb verb_policy_check = {"policy check", "FILE...",
	"read policies strictly and ask the standing questions",
	"Told are all mistakes in the text; then rules that permit nothing (dead) or change "
	"nothing "
	"(shadowed), permits that meet a never (breach: it cannot be tabled), obligations that "
	"contradict each other, personal data that can reach the public, measures without end, "
	"review or appeal, and whatever could not be decided within the budget. Permits that a "
	"forbid cuts and unknown values that can flow are notes.\n\n"
	"Status 1 when there are mistakes or troubles.",
	1, ARGS_ANY, OPTIONS(policy_options), check_run};

/* ---- explain -------------------------------------------------------------------------------- */

static enum cli_status explain_run(struct cli *cli)
{
	struct buf text = BUF_INIT, out = BUF_INIT;
	struct policy_decision d = {0};
	struct policy *p = NULL;
	struct policy_case c;
	struct err e;
	enum err_kind kind = joined_read(cli, cli->args[0], &p, &e);

	if (kind == OK)
		kind = text_read(cli->args[1], &text, &e);
	if (kind == OK)
		kind = policy_case_parse(p, buf_slice(&text), &c, &e);
	if (kind == OK) {
		if (c.now_us == 0)
			c.now_us = world_now(cli->world);
		policy_decide(p, &c, &d);
		kind = policy_explain(p, &c, cli->json, &out, &e);
	}
	if (kind == OK)
		printf("%.*s%s", SLICE_ARG(buf_slice(&out)), cli->json ? "\n" : "");
	policy_free(p);
	buf_fini(&text);
	buf_fini(&out);
	if (kind != OK)
		return cli_fail(cli, &e);
	return d.allowed ? CLI_OK : CLI_NO;
}

const struct verb verb_policy_explain = {"policy explain", "POLICY CASE",
	"say how a case is decided, by which rule, and what was nearest",
	"CASE is JSON or a file that holds it, such as {\"act\":\"share\",\"from\":\"north\","
	"\"to\":\"south\",\"kind\":\"indicator\",\"tlp\":\"green\",\"pii\":\"none\"}. What it "
	"leaves "
	"out is unknown; \"now\" is the present. The attributes are in docs/policy.md.\n\n"
	"Status 1 when it is denied.",
	2, 2, OPTIONS(policy_options), explain_run};

/* ---- who ------------------------------------------------------------------------------------ */

static const char *const answers[] = {
	[POLICY_NO] = "never", [POLICY_YES] = "yes", [POLICY_UNDECIDED] = "undecided"};

static struct slice copied(struct cli *cli, struct buf *b)
{
	struct slice s = arena_copy(cli->arena, buf_slice(b));

	buf_fini(b);
	return s;
}

static void who_json(const struct policy *p, int32_t to, enum policy_answer answer,
	struct slice rule, const struct policy_case *witness)
{
	struct buf out = BUF_INIT, example = BUF_INIT;
	struct json_writer w = JSON_WRITER(&out);

	json_write_object(&w);
	json_member_string(&w, "to", policy_recipient_name(p, to));
	json_member_text(&w, "answer", answers[answer]);
	if (answer == POLICY_YES) {
		policy_case_write(p, witness, &example);
		json_member_string(&w, "rule", rule);
		json_write_name(&w, "case");
		json_write_raw(&w, buf_slice(&example));
	}
	json_write_end(&w, '}');
	cli_print_line(&out);
	buf_fini(&example);
}

static enum cli_status who_print(struct cli *cli, const struct policy *p,
	const enum policy_answer *who, const struct policy_case *witnesses)
{
	static const char *const heads[] = {"RECIPIENT", "CAN", "RULE", "FOR EXAMPLE"};
	size_t members = policy_facts(p).parties->members_count;
	enum cli_status status = CLI_OK;
	struct table t;
	bool any = false;

	table_start(&t, cli, heads, COUNT_OF(heads));
	for (size_t i = 0; i <= members; i++) {
		int32_t to = i == members ? POLICY_PUBLIC : (int32_t)i;
		struct policy_decision d = {.rule = -1};
		struct buf example = BUF_INIT;
		struct slice cells[COUNT_OF(heads)];

		if (who[i] == POLICY_YES) {
			policy_decide(p, &witnesses[i], &d);
			policy_case_text(p, &witnesses[i], &example);
		}
		any |= who[i] == POLICY_YES;
		if (who[i] == POLICY_UNDECIDED)
			status = CLI_NO;
		cells[0] = policy_recipient_name(p, to);
		cells[1] = slice_of(answers[who[i]]);
		cells[2] = policy_rule_id(p, d.rule);
		cells[3] = copied(cli, &example);
		if (cli->json)
			who_json(p, to, who[i], cells[2], &witnesses[i]);
		else if (!table_row(&t, cells))
			return CLI_FAILED;
	}
	if (!cli->json)
		table_print(&t);
	return any ? status : CLI_NO;
}

static enum cli_status who_run(struct cli *cli)
{
	enum policy_answer who[POLICY_MEMBERS_MAX + 1];
	struct policy_case *witnesses =
		ARENA_ARRAY(cli->arena, struct policy_case, POLICY_MEMBERS_MAX + 1);
	struct json_parser *parser = json_parser_new(QUESTION_BYTES_MAX);
	struct buf text = BUF_INIT;
	struct json_value when = {0};
	struct policy *p = NULL;
	struct policy_box *box;
	struct json_doc doc;
	enum cli_status status;
	uint64_t steps;
	struct err e;
	enum err_kind kind = OK;

	if (!budget(cli, &steps)) {
		json_parser_free(parser);
		return CLI_USAGE;
	}
	if (witnesses == NULL || parser == NULL)
		kind = err_set(&e, ERR_NOMEM, "out of memory");
	if (kind == OK)
		kind = joined_read(cli, cli->args[0], &p, &e);
	if (kind == OK && cli->args_count > 1) {
		kind = text_read(cli->args[1], &text, &e);
		if (kind == OK)
			kind = json_parse(parser, buf_slice(&text), &doc, &e);
		if (kind == OK)
			when = json_root(&doc);
	}
	if (kind == OK)
		kind = policy_box_parse(p, POLICY_EXCHANGE, when, cli->arena, &box, &e);
	if (kind == OK)
		kind = policy_who(p, box, &steps, who, witnesses, &e);
	status = kind != OK ? cli_fail(cli, &e) : who_print(cli, p, who, witnesses);
	policy_free(p);
	buf_fini(&text);
	json_parser_free(parser);
	return status;
}

const struct verb verb_policy_who = {"policy who", "POLICY [QUESTION]",
	"say who can ever receive something, with an example each",
	"QUESTION is JSON or a file that holds it, like the \"when\" of a rule: "
	"{\"kind\":[\"observed-data\"],\"tlp\":{\"ge\":\"amber\"}}. What it leaves out is "
	"everything.\n\n"
	"Status 1 when nobody can, or something could not be decided.",
	1, 2, OPTIONS(policy_options), who_run};

/* ---- diff ----------------------------------------------------------------------------------- */

struct diffing {
	struct cli *cli;
	const struct policy *before, *after;
	unsigned count;
};

static void difference_json(
	const struct diffing *f, const struct policy_difference *d, struct slice rule)
{
	struct buf out = BUF_INIT, example = BUF_INIT;
	struct json_writer w = JSON_WRITER(&out);

	json_write_object(&w);
	json_member_text(&w, "change", policy_change_name(d->change));
	json_member_bool(&w, "undecided", d->answer == POLICY_UNDECIDED);
	json_member_text(&w, "family", policy_family_name(d->witness.family));
	if (d->to != -1)
		json_member_string(&w, "to", policy_recipient_name(f->after, d->to));
	if (rule.len > 0)
		json_member_string(&w, "rule", rule);
	if (d->duty != NULL)
		json_member_text(&w, "obligation", d->duty);
	if (d->answer == POLICY_YES) {
		if (d->duty != NULL) {
			json_member_i64(&w, "was", d->was);
			json_member_i64(&w, "is", d->is);
		}
		policy_case_write(f->after, &d->witness, &example);
		json_write_name(&w, "case");
		json_write_raw(&w, buf_slice(&example));
	}
	json_write_end(&w, '}');
	cli_print_line(&out);
	buf_fini(&example);
}

static void duty_value_text(struct buf *out, int32_t value)
{
	if (value < 0)
		buf_text(out, "nothing");
	else
		buf_printf(out, "%d", value);
}

static void difference_text(
	const struct diffing *f, const struct policy_difference *d, struct slice rule)
{
	static const char *const says[] = {
		[POLICY_GAINED] = "newly receives what",
		[POLICY_LOST] = "no longer receives what",
		[POLICY_LOOSENED] = "is bound less strictly",
		[POLICY_TIGHTENED] = "is bound more strictly",
	};
	struct slice who =
		d->to == -1 ? SLICE("a measure") : policy_recipient_name(f->after, d->to);
	struct buf out = BUF_INIT;

	buf_printf(&out, "%-9s  %.*s ", policy_change_name(d->change), SLICE_ARG(who));
	if (d->to == -1 && d->duty == NULL)
		buf_printf(&out,
			"%s permitted: ", d->change == POLICY_GAINED ? "is newly" : "is no longer");
	else
		buf_printf(&out, "%s", says[d->change]);
	if (d->duty == NULL)
		buf_printf(&out, " %.*s %s", SLICE_ARG(rule),
			d->change == POLICY_LOST ? "permitted" : "permits");
	else
		buf_printf(&out, " by %s", d->duty);
	if (d->answer == POLICY_UNDECIDED) {
		buf_text(&out, ": undecided within the budget");
	} else {
		if (d->duty != NULL) {
			buf_text(&out, ": was ");
			duty_value_text(&out, d->was);
			buf_text(&out, ", is ");
			duty_value_text(&out, d->is);
		}
		buf_text(&out, "\n           as in: ");
		policy_case_text(f->after, &d->witness, &out);
	}
	cli_print_line(&out);
}

static void difference_take(void *context, const struct policy_difference *d)
{
	struct diffing *f = context;
	struct slice rule =
		policy_rule_id(d->change == POLICY_LOST ? f->before : f->after, d->rule);

	f->count++;
	if (f->cli->json)
		difference_json(f, d, rule);
	else
		difference_text(f, d, rule);
}

static enum cli_status diff_run(struct cli *cli)
{
	struct diffing f = {.cli = cli};
	struct policy *before = NULL, *after = NULL;
	struct policy_parties parties;
	uint64_t steps;
	struct err e;
	enum err_kind kind;

	if (!budget(cli, &steps))
		return CLI_USAGE;
	kind = cli_members(cli, &parties, &e);
	if (kind == OK)
		kind = policy_read(cli, cli->args[0], &parties, &before, &e);
	if (kind == OK)
		kind = policy_read(cli, cli->args[1], &parties, &after, &e);
	f.before = before;
	f.after = after;
	if (kind == OK)
		kind = policy_compare(before, after, steps, difference_take, &f, &e);
	policy_free(before);
	policy_free(after);
	if (kind != OK)
		return cli_fail(cli, &e);
	if (!cli->json && !cli->quiet)
		printf("%s differences\n", f.count == 0 ? "no" : cli_count(cli, f.count));
	return f.count == 0 ? CLI_OK : CLI_NO;
}

static const struct option_row diff_options[] = {
	{"members", 'm', OPTION_TEXT, "FILE|LIST",
         "who there is: a file with a name a line, or names with commas"     },
	{"steps",   0,   OPTION_TEXT, "N",
         "budget of one question (20000000); past it the answer is undecided"},
};

const struct verb verb_policy_diff = {"policy diff", "BEFORE AFTER",
	"say what another policy would change, recipient by recipient, with an example each",
	"Gained and lost: who could receive what it could not before, and the other way round. "
	"Loosened and tightened: what may be received under both, with a weaker or a stricter "
	"obligation.\n\n"
	"Status 1 when there is a difference.",
	2, 2, OPTIONS(diff_options), diff_run};
