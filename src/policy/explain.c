/* SPDX-License-Identifier: MPL-2.0 */
/* Why a case is decided as it is: for people as text, for programs as JSON, both from one account.
 */
#include "decide.h"

#define NEAREST_MAX 3  /* permits told of a denial: more are not near */
#define VALUES_MAX  12 /* of a set in text; more are counted */

struct near {
	const struct rule *rule;
	uint64_t failed; /* bits of attributes */
};

struct account {
	const struct policy *p;
	const struct policy_case *c;
	struct policy_decision d;
	const char *reason;
	const char *contradiction;
	uint64_t matches[TABLE_WORDS_MAX];
	struct near nearest[NEAREST_MAX];
	unsigned nearest_count;
};

/* ---- finding out ---------------------------------------------------------------------------- */

/* The values of the case as bits: one, but several sectors. */
static uint64_t case_bits(const struct account *w, unsigned a)
{
	const struct policy_case *c = w->c;
	uint64_t known = domain_known(&w->p->space, c->family, a);

	if ((int)a != attribute_sector(c->family) || c->sectors == 0)
		return BIT(value_bit(&w->p->space, c->family, a, c->values[a]));
	return (c->sectors & known) | ((c->sectors & ~known) != 0 ? BIT(BIT_UNKNOWN) : 0);
}

static uint64_t failed_of(const struct account *w, const struct rule *r)
{
	uint64_t failed = 0;

	for (unsigned a = 0; a < attributes_count(r->family); a++)
		if ((case_bits(w, a) & ~r->box.set[a]) != 0)
			failed |= BIT(a);
	return failed;
}

/* In order of how much fails; the first in the policy among equals. */
static void near_insert(struct account *w, const struct near *n)
{
	unsigned at = w->nearest_count;

	while (at > 0 &&
		__builtin_popcountll(w->nearest[at - 1].failed) > __builtin_popcountll(n->failed))
		at--;
	if (at == NEAREST_MAX)
		return;
	if (w->nearest_count < NEAREST_MAX)
		w->nearest_count++;
	for (unsigned i = w->nearest_count - 1; i > at; i--)
		w->nearest[i] = w->nearest[i - 1];
	w->nearest[at] = *n;
}

static void matches_find(struct account *w)
{
	const struct table *t = &w->p->tables[w->c->family];
	int sector = attribute_sector(w->c->family);
	uint64_t one[TABLE_WORDS_MAX];
	uint64_t bits = sector < 0 ? 1 : case_bits(w, (unsigned)sector);

	for (; bits != 0; bits &= bits - 1) {
		case_matches(w->p, w->c, sector, (unsigned)__builtin_ctzll(bits), one);
		for (unsigned i = 0; i < t->words; i++)
			w->matches[i] |= one[i];
	}
}

static void account_make(struct account *w, const struct policy *p, const struct policy_case *c)
{
	const struct table *t = &p->tables[c->family];
	struct policy_duties all;

	*w = (struct account){.p = p, .c = c};
	policy_decide(p, c, &w->d);
	matches_find(w);
	duties_init(&all);
	for (unsigned i = 0; i < t->count; i++) {
		const struct rule *r = &p->rules[t->rules[i]];
		struct near near = {r, 0};

		if ((w->matches[i / 64] & t->duties[i / 64] & BIT(i % 64)) != 0)
			duties_join(&all, &r->duties);
		if (r->effect != POLICY_PERMIT || w->d.allowed)
			continue;
		near.failed = failed_of(w, r);
		near_insert(w, &near);
	}
	if (w->d.expired)
		w->reason = "expired";
	else if (w->d.contradiction)
		w->reason = "contradiction";
	else if (w->d.allowed)
		w->reason = c->family == POLICY_DUTY ? "duty" : "permit";
	else
		w->reason =
			w->d.rule >= 0 ? policy_effect_name(p->rules[w->d.rule].effect) : "default";
	if (w->d.contradiction)
		w->contradiction = duties_contradiction(&all);
}

/* The rule that set an obligation: the first as strict as the whole. */
static const struct rule *duty_setter(const struct account *w, unsigned duty)
{
	const struct table *t = &w->p->tables[w->c->family];
	int64_t strictness = duty_strictness(&w->d.duties, duty);

	for (unsigned i = 0; i < t->count; i++) {
		const struct rule *r = &w->p->rules[t->rules[i]];

		if ((w->matches[i / 64] & t->duties[i / 64] & BIT(i % 64)) != 0 &&
			duty_strictness(&r->duties, duty) == strictness)
			return r;
	}
	return NULL;
}

/* ---- words that both have ------------------------------------------------------------------- */

static void set_text(const struct account *w, const struct rule *r, unsigned a, struct buf *out)
{
	const struct policy_attribute *row = policy_attribute_get(r->family, a);
	unsigned count = 0;

	if (row->domain == POLICY_NUMBER) {
		if (r->range[a].least <= r->range[a].most)
			buf_printf(out, "%d to %d", r->range[a].least, r->range[a].most);
		if (r->range[a].unknown)
			buf_text(out,
				r->range[a].least <= r->range[a].most ? ", unknown" : "unknown");
		return;
	}
	if (r->box.set[a] == 0)
		buf_text(out, "nobody");
	for (uint64_t bits = r->box.set[a]; bits != 0; bits &= bits - 1) {
		if (count++ == VALUES_MAX) {
			buf_printf(out, " and %d more", __builtin_popcountll(bits));
			return;
		}
		buf_text(out, count == 1 ? "" : ", ");
		value_write(w->p, r->family, a,
			bit_value(&w->p->space, r->family, a, (unsigned)__builtin_ctzll(bits)),
			out);
	}
}

static void case_text(const struct account *w, unsigned a, struct buf *out)
{
	const char *comma = "";

	if (policy_attribute_get(w->c->family, a)->domain == POLICY_NUMBER) {
		value_write(w->p, w->c->family, a, w->c->values[a], out);
		return;
	}
	for (uint64_t bits = case_bits(w, a); bits != 0; bits &= bits - 1) {
		buf_text(out, comma);
		value_write(w->p, w->c->family, a,
			bit_value(&w->p->space, w->c->family, a, (unsigned)__builtin_ctzll(bits)),
			out);
		comma = ", ";
	}
}

static const char *to_name(
	const struct account *w, const struct rule *r, size_t member, struct slice *ret_name)
{
	if (member == w->p->parties.members_count) {
		*ret_name = SLICE("@affected");
		return r->to_affected ? "" : NULL;
	}
	*ret_name = w->p->parties.members[member];
	return (r->to & BIT(member)) != 0 ? "" : NULL;
}

/* ---- as text -------------------------------------------------------------------------------- */

static void verdict_text(const struct account *w, struct buf *out)
{
	struct slice rule = policy_rule_id(w->p, w->d.rule);
	struct slice clause = policy_rule_clause(w->p, w->d.rule);

	if (w->d.expired)
		buf_text(out, "denied: the policy has expired and permits nothing");
	else if (w->d.contradiction)
		buf_printf(out, "denied: obligations contradict each other: %s", w->contradiction);
	else if (w->c->family == POLICY_DUTY)
		buf_text(out, w->d.allowed ? "a duty applies: " : "no duty applies");
	else if (w->d.rule < 0)
		buf_text(out, "denied: no rule permits it");
	else
		buf_printf(out, "%s", w->d.allowed ? "allowed by " : "denied by ");
	buf_slice_append(out, rule);
	if (clause.len > 0)
		buf_printf(out, " (clause %.*s)", SLICE_ARG(clause));
	buf_printf(out, "\npolicy %.*s version %llu, sha256:", SLICE_ARG(w->p->name),
		(unsigned long long)w->p->version);
	hex_append(out, w->p->digest, SHA256_LEN);
	buf_char(out, '\n');
}

static void steps_text(const struct account *w, const struct rule *r, struct buf *out)
{
	buf_text(out, "    to");
	for (size_t i = 0; i <= w->p->parties.members_count; i++) {
		struct slice name;

		if (to_name(w, r, i, &name) != NULL)
			buf_printf(out, " %.*s", SLICE_ARG(name));
	}
	buf_char(out, '\n');
	for (unsigned i = 0; i < r->steps_count; i++)
		buf_printf(out, "    %.*s within %d hours\n", SLICE_ARG(r->steps[i].act),
			r->steps[i].within_hours);
}

static void matches_text(const struct account *w, struct buf *out)
{
	const struct table *t = &w->p->tables[w->c->family];
	bool any = false;

	for (unsigned i = 0; i < t->count; i++) {
		const struct rule *r = &w->p->rules[t->rules[i]];

		if ((w->matches[i / 64] & BIT(i % 64)) == 0)
			continue;
		buf_text(out, any ? "" : "rules that match:\n");
		any = true;
		buf_printf(out, "  %.*s, %s%s%.*s\n", SLICE_ARG(r->id),
			w->c->family == POLICY_DUTY ? "duty" : policy_effect_name(r->effect),
			r->clause.len > 0 ? ", clause " : "", SLICE_ARG(r->clause));
		if (w->c->family == POLICY_DUTY)
			steps_text(w, r, out);
	}
}

static void obligations_text(const struct account *w, struct buf *out)
{
	bool any = false;

	for (unsigned d = 0; d < duties_count && w->d.allowed; d++) {
		const struct rule *r;

		if (duty_strictness(&w->d.duties, d) == INT64_MIN)
			continue;
		r = duty_setter(w, d);
		buf_text(out, any ? "" : "obligations:\n");
		any = true;
		buf_printf(out, "  %s", duties[d].name);
		if (duties[d].kind == DUTY_LEAST || duties[d].kind == DUTY_MOST)
			buf_printf(out, " %d", duty_value(&w->d.duties, d));
		buf_printf(out, ": %s", duties[d].says);
		if (r != NULL)
			buf_printf(out, " (%.*s)", SLICE_ARG(r->id));
		buf_char(out, '\n');
	}
}

static void nearest_text(const struct account *w, struct buf *out)
{
	for (unsigned i = 0; i < w->nearest_count; i++) {
		const struct near *n = &w->nearest[i];

		buf_printf(out, "%s  %.*s%s\n", i == 0 ? "nearest permits:\n" : "",
			SLICE_ARG(n->rule->id), n->failed == 0 ? ": would permit it" : "");
		for (uint64_t bits = n->failed; bits != 0; bits &= bits - 1) {
			unsigned a = (unsigned)__builtin_ctzll(bits);

			buf_printf(out, "    %s is ", policy_attribute_get(w->c->family, a)->name);
			case_text(w, a, out);
			buf_text(out, ", permitted: ");
			set_text(w, n->rule, a, out);
			buf_char(out, '\n');
		}
	}
}

/* ---- as JSON -------------------------------------------------------------------------------- */

static void text_member(struct json_writer *j, const char *name, struct buf *text)
{
	json_member_string(j, name, buf_slice(text));
	buf_clear(text);
}

static void rule_json(const struct account *w, struct json_writer *j, const struct rule *r)
{
	json_write_object(j);
	json_member_string(j, "rule", r->id);
	if (r->clause.len > 0)
		json_member_string(j, "clause", r->clause);
	json_member_text(
		j, "effect", w->c->family == POLICY_DUTY ? "duty" : policy_effect_name(r->effect));
	if (w->c->family == POLICY_DUTY) {
		json_write_name(j, "to");
		json_write_array(j);
		for (size_t i = 0; i <= w->p->parties.members_count; i++) {
			struct slice name;

			if (to_name(w, r, i, &name) != NULL)
				json_write_string(j, name);
		}
		json_write_end(j, ']');
		json_write_name(j, "steps");
		json_write_array(j);
		for (unsigned i = 0; i < r->steps_count; i++) {
			json_write_object(j);
			json_member_string(j, "do", r->steps[i].act);
			json_member_i64(j, "within_hours", r->steps[i].within_hours);
			json_write_end(j, '}');
		}
		json_write_end(j, ']');
	}
	json_write_end(j, '}');
}

static void obligations_json(const struct account *w, struct json_writer *j)
{
	json_write_name(j, "obligations");
	json_write_array(j);
	for (unsigned d = 0; d < duties_count && w->d.allowed; d++) {
		const struct rule *r;

		if (duty_strictness(&w->d.duties, d) == INT64_MIN)
			continue;
		r = duty_setter(w, d);
		json_write_object(j);
		json_member_text(j, "name", duties[d].name);
		if (duties[d].kind == DUTY_LEAST || duties[d].kind == DUTY_MOST)
			json_member_i64(j, "value", duty_value(&w->d.duties, d));
		else
			json_member_bool(j, "value", true);
		if (r != NULL)
			json_member_string(j, "rule", r->id);
		json_write_end(j, '}');
	}
	json_write_end(j, ']');
}

static void nearest_json(const struct account *w, struct json_writer *j)
{
	struct buf text = BUF_INIT;

	json_write_name(j, "nearest");
	json_write_array(j);
	for (unsigned i = 0; i < w->nearest_count; i++) {
		const struct near *n = &w->nearest[i];

		json_write_object(j);
		json_member_string(j, "rule", n->rule->id);
		json_write_name(j, "failed");
		json_write_array(j);
		for (uint64_t bits = n->failed; bits != 0; bits &= bits - 1) {
			unsigned a = (unsigned)__builtin_ctzll(bits);

			json_write_object(j);
			json_member_text(
				j, "attribute", policy_attribute_get(w->c->family, a)->name);
			case_text(w, a, &text);
			text_member(j, "is", &text);
			set_text(w, n->rule, a, &text);
			text_member(j, "permitted", &text);
			json_write_end(j, '}');
		}
		json_write_end(j, ']');
		json_write_end(j, '}');
	}
	json_write_end(j, ']');
	buf_fini(&text);
}

static void account_json(const struct account *w, struct buf *out)
{
	const struct table *t = &w->p->tables[w->c->family];
	struct json_writer writer = JSON_WRITER(out), *j = &writer;
	struct buf text = BUF_INIT;

	json_write_object(j);
	json_member_bool(j, "allowed", w->d.allowed);
	json_member_text(j, "reason", w->reason);
	if (w->contradiction != NULL)
		json_member_text(j, "contradiction", w->contradiction);
	if (w->d.rule >= 0)
		json_member_string(j, "rule", policy_rule_id(w->p, w->d.rule));
	if (policy_rule_clause(w->p, w->d.rule).len > 0)
		json_member_string(j, "clause", policy_rule_clause(w->p, w->d.rule));
	json_member_string(j, "policy", w->p->name);
	json_member_i64(j, "version", (int64_t)w->p->version);
	buf_text(&text, "sha256:");
	hex_append(&text, w->p->digest, SHA256_LEN);
	text_member(j, "digest", &text);
	policy_case_write(w->p, w->c, &text);
	json_write_name(j, "case");
	json_write_raw(j, buf_slice(&text));
	json_write_name(j, "matches");
	json_write_array(j);
	for (unsigned i = 0; i < t->count; i++)
		if ((w->matches[i / 64] & BIT(i % 64)) != 0)
			rule_json(w, j, &w->p->rules[t->rules[i]]);
	json_write_end(j, ']');
	obligations_json(w, j);
	nearest_json(w, j);
	json_write_end(j, '}');
	buf_fini(&text);
}

enum err_kind policy_explain(const struct policy *p, const struct policy_case *c, bool json,
	struct buf *out, struct err *e)
{
	struct account w;

	account_make(&w, p, c);
	if (json) {
		account_json(&w, out);
	} else {
		verdict_text(&w, out);
		matches_text(&w, out);
		obligations_text(&w, out);
		nearest_text(&w, out);
	}
	return out->bad ? err_set(e, ERR_NOMEM, "explain: out of memory") : OK;
}
