/* SPDX-License-Identifier: MPL-2.0 */
/* A policy's text: strict, and every mistake is told with its place. The grammar is in
 * docs/policy.md. */
#include <stdlib.h>

#include "inside.h"

#define FINDINGS_MAX  1000 /* told; more are only counted (a hostile text) */
#define SCRATCH_MAX   MIB(8)
#define NUMBER_MOST   ((INT64_C(1) << 53) - 1) /* whole numbers that every JSON reader keeps */
#define LANGUAGES_MAX 64

struct parsing {
	struct policy *p;
	struct policy_report *report;
	struct naming naming;
	struct group groups[POLICY_GROUPS_MAX];
	struct slice rule; /* id of the one being read */
	size_t capacity;
	struct err first;
};

/* ---- telling -------------------------------------------------------------------------------- */

static void tell(struct parsing *s, struct slice path, const char *format, ...) PRINTF(3, 4);
static void tell(struct parsing *s, struct slice path, const char *format, ...)
{
	struct policy_report *r = s->report;
	struct slice message;
	va_list args;

	va_start(args, format);
	message = arena_vprintf(r->arena, format, args);
	va_end(args);
	if (r->errors++ == 0)
		err_set(&s->first, ERR_INVALID, "%.*s%s%.*s", SLICE_ARG(path),
			path.len > 0 ? ": " : "", SLICE_ARG(message));
	if (r->count == FINDINGS_MAX || message.data == NULL)
		return;
	if (r->count == s->capacity) {
		size_t capacity = s->capacity == 0 ? 16 : s->capacity * 2;
		struct policy_finding *more =
			ARENA_ARRAY(r->arena, struct policy_finding, capacity);

		if (more == NULL)
			return;
		if (r->count > 0)
			memcpy(more, r->findings, r->count * sizeof(*more));
		r->findings = more;
		s->capacity = capacity;
	}
	r->findings[r->count++] = (struct policy_finding){
		true, arena_copy(r->arena, path), arena_copy(r->arena, s->rule), message};
}

static struct slice below(const struct parsing *s, struct slice path, const char *name)
{
	return path.len == 0 ? arena_printf(s->report->arena, "%s", name)
			     : arena_printf(s->report->arena, "%.*s.%s", SLICE_ARG(path), name);
}

static struct slice below_slice(const struct parsing *s, struct slice path, struct slice name)
{
	return arena_printf(s->report->arena, "%.*s%s%.*s", SLICE_ARG(path),
		path.len == 0 ? "" : ".", SLICE_ARG(name));
}

static struct slice item(const struct parsing *s, struct slice path, size_t i)
{
	return arena_printf(s->report->arena, "%.*s[%zu]", SLICE_ARG(path), i);
}

/* Members of an object that nobody knows are mistakes: a misspelt "when" would permit all. */
static void names_check(struct parsing *s, struct json_value object, struct slice path,
	const char *const *names, size_t count)
{
	struct json_iter it = json_iter(object);
	struct json_value v;
	struct slice name;

	while (json_object_next(&it, &name, &v)) {
		size_t i = 0;

		while (i < count && !slice_is(name, names[i]))
			i++;
		if (i == count)
			tell(s, below_slice(s, path, name), "no such property");
	}
}

/* Letters, digits and . _ + - : what names a rule, a group, a member in text. */
static bool is_name(struct slice name)
{
	if (name.len == 0 || name.len > POLICY_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '.' || c == '_' || c == '-' || c == '+'))
			return false;
	}
	return true;
}

static bool name_read(struct parsing *s, struct json_value object, struct slice path,
	const char *member, struct slice *ret_name)
{
	struct json_value v;

	if (!json_get(object, member, &v)) {
		tell(s, below(s, path, member), "missing");
		return false;
	}
	if (!is_name(json_string(v))) {
		tell(s, below(s, path, member),
			"expected 1 to %d letters, digits or the marks . _ + -", POLICY_NAME_MAX);
		return false;
	}
	*ret_name = arena_copy(s->p->arena, json_string(v));
	return true;
}

static bool whole_read(struct parsing *s, struct json_value v, struct slice path, int64_t least,
	int64_t most, int64_t *ret_value)
{
	if (json_to_i64(v, ret_value) && *ret_value >= least && *ret_value <= most)
		return true;
	tell(s, path, "expected a whole number from %lld to %lld", (long long)least,
		(long long)most);
	return false;
}

/* ---- rules ---------------------------------------------------------------------------------- */

static void when_read(
	struct parsing *s, struct json_value when, bool given, struct slice path, struct rule *rule)
{
	struct set_reading r = {.naming = &s->naming,
		.space = &s->p->space,
		.family = rule->family,
		.effect = rule->effect,
		.arena = s->report->arena};
	struct json_iter it;
	struct json_value v;
	struct slice name;

	for (unsigned a = 0; a < attributes_count(rule->family); a++) {
		const struct policy_attribute *row = policy_attribute_get(rule->family, a);

		rule->box.set[a] = domain_left_out(&s->p->space, rule->family, a, rule->effect);
		rule->range[a] = (struct range){
			row->least, row->most, (rule->box.set[a] & BIT(BIT_UNKNOWN)) != 0};
	}
	if (!given)
		return;
	if (!json_is_object(when)) {
		tell(s, path, "expected an object");
		return;
	}
	it = json_iter(when);
	while (json_object_next(&it, &name, &v)) {
		int a = policy_attribute_find(rule->family, name);
		struct slice at = below_slice(s, path, name);

		if (a < 0) {
			tell(s, at, "the %s family has no such attribute",
				policy_family_name(rule->family));
			continue;
		}
		r.at = r.message = (struct slice){0};
		if (!set_read(&r, (unsigned)a, v, &rule->box.set[a], &rule->range[a]))
			tell(s,
				arena_printf(s->report->arena, "%.*s%.*s", SLICE_ARG(at),
					SLICE_ARG(r.at)),
				"%.*s", SLICE_ARG(r.message));
	}
}

/* The rows of obligations that a property of "must" stands for. */
static bool must_word(struct parsing *s, struct rule *rule, struct slice name, struct json_value v,
	struct slice at)
{
	struct slice words = {0};

	for (unsigned d = 0; d < duties_count; d++) {
		if (duties[d].property == NULL || !slice_is(name, duties[d].property) ||
			(duties[d].families & BIT(rule->family)) == 0)
			continue;
		if (json_is_string(v) && slice_is(json_string(v), duties[d].word)) {
			duty_set(&rule->duties, d, 1);
			return true;
		}
		words = arena_printf(s->report->arena, "%.*s%s\"%s\"", SLICE_ARG(words),
			words.len > 0 ? ", " : "", duties[d].word);
	}
	if (words.len == 0)
		return false;
	tell(s, at, "expected %s%.*s", "one of: ", SLICE_ARG(words));
	return true;
}

static void must_member(struct parsing *s, struct rule *rule, struct slice name,
	struct json_value v, struct slice at)
{
	int64_t value;

	for (unsigned d = 0; d < duties_count; d++) {
		if (duties[d].property != NULL || !slice_is(name, duties[d].name) ||
			(duties[d].families & BIT(rule->family)) == 0)
			continue;
		if (duties[d].kind == DUTY_FLAG) {
			if (!json_is_true(v))
				tell(s, at, "expected true; else leave it out");
			else
				duty_set(&rule->duties, d, 1);
		} else if (whole_read(s, v, at, 1, duties[d].most, &value)) {
			duty_set(&rule->duties, d, (int32_t)value);
		}
		return;
	}
	if (json_is_array(v) && slice_is(name, "redact")) {
		struct json_iter it = json_iter(v);
		struct json_value word;
		size_t i = 0;

		while (json_array_next(&it, &word)) {
			if (!must_word(s, rule, name, word, item(s, at, i++)))
				break;
		}
		if (i > 0 && rule->family == POLICY_EXCHANGE)
			return;
	} else if (slice_is(name, "redact")) {
		tell(s, at, "expected a list");
		return;
	} else if (must_word(s, rule, name, v, at)) {
		return;
	}
	tell(s, at, "the %s family has no such obligation", policy_family_name(rule->family));
}

static void must_read(
	struct parsing *s, struct json_value object, struct slice path, struct rule *rule)
{
	struct json_iter it;
	struct json_value must, v;
	struct slice name;
	const char *contradiction;

	path = below(s, path, "must");
	if (!json_get(object, "must", &must)) {
		if (rule->effect == POLICY_REQUIRE)
			tell(s, path, "missing: a require demands something");
		return;
	}
	if (rule->effect != POLICY_PERMIT && rule->effect != POLICY_REQUIRE) {
		tell(s, path, "a %s demands nothing", policy_effect_name(rule->effect));
		return;
	}
	if (!json_is_object(must) || json_count(must) == 0) {
		tell(s, path, "expected an object with obligations");
		return;
	}
	it = json_iter(must);
	while (json_object_next(&it, &name, &v))
		must_member(s, rule, name, v, below_slice(s, path, name));
	contradiction = duties_contradiction(&rule->duties);
	if (contradiction != NULL)
		tell(s, path, "contradicts itself: %s", contradiction);
}

/* ---- duties: what is to be done when something happened ------------------------------------- */

static const char *const duty_acts[] = {
	"notify-contact", "notify-members", "draft-notice", "update", "review", "close"};

#define HOURS_MOST (24 * 36500)

/* "do" and "within_hours" or "within_days", in the rule itself and in each of "then". */
static void step_read(
	struct parsing *s, struct json_value object, struct slice path, struct rule *rule)
{
	struct json_value hours, days;
	struct slice act = json_get_string(object, "do");
	bool has_hours = json_get(object, "within_hours", &hours);
	bool has_days = json_get(object, "within_days", &days);
	int64_t within = 0;
	size_t i = 0;

	while (i < COUNT_OF(duty_acts) && !slice_is(act, duty_acts[i]))
		i++;
	if (i == COUNT_OF(duty_acts)) {
		tell(s, below(s, path, "do"),
			"expected one of: notify-contact, notify-members, draft-notice, update, "
			"review, close");
		return;
	}
	if (has_hours == has_days) {
		tell(s, path, "expected either \"within_hours\" or \"within_days\"");
		return;
	}
	if (has_hours &&
		!whole_read(s, hours, below(s, path, "within_hours"), 1, HOURS_MOST, &within))
		return;
	if (has_days) {
		if (!whole_read(
			    s, days, below(s, path, "within_days"), 1, HOURS_MOST / 24, &within))
			return;
		within *= 24;
	}
	if (rule->steps_count > 0 && within < rule->steps[rule->steps_count - 1].within_hours) {
		tell(s, path, "due before the step in front of it");
		return;
	}
	rule->steps[rule->steps_count++] = (struct step){slice_of(duty_acts[i]), (int32_t)within};
}

static void duty_to_read(
	struct parsing *s, struct json_value object, struct slice path, struct rule *rule)
{
	struct json_value to, v;
	struct json_iter it;
	size_t i = 0;

	path = below(s, path, "to");
	if (!json_get(object, "to", &to) || !json_is_array(to) || json_count(to) == 0) {
		tell(s, path, "expected a list of members, groups or \"@affected\"");
		return;
	}
	it = json_iter(to);
	while (json_array_next(&it, &v)) {
		struct slice word = json_string(v);
		struct slice at = item(s, path, i++);
		int member = member_find(&s->p->parties, word);
		size_t g = 0;

		while (g < s->naming.groups_count &&
			!(slice_starts(word, SLICE("@")) &&
				slice_equal(slice_cut(word, 1, word.len), s->groups[g].name)))
			g++;
		if (slice_is(word, "@affected"))
			rule->to_affected = true;
		else if (slice_is(word, "@members"))
			rule->to |= domain_known(&s->p->space, POLICY_EXCHANGE, POLICY_FROM);
		else if (g < s->naming.groups_count)
			rule->to |= s->groups[g].members;
		else if (member >= 0)
			rule->to |= BIT(member);
		else
			tell(s, at,
				"expected a member, a group with @, \"@members\" or "
				"\"@affected\"");
	}
}

static void duty_read(
	struct parsing *s, struct json_value object, struct slice path, struct rule *rule)
{
	static const char *const names[] = {"id", "family", "clause", "on", "do", "to",
		"within_hours", "within_days", "then", "auto_disclose"};
	static const char *const step_names[] = {"do", "within_hours", "within_days"};
	struct json_value on, then, v;
	bool has_on = json_get(object, "on", &on);
	struct json_iter it;
	size_t i = 0;

	names_check(s, object, path, names, COUNT_OF(names));
	when_read(s, on, has_on, below(s, path, "on"), rule);
	if (!has_on)
		tell(s, below(s, path, "on"), "missing");
	duty_to_read(s, object, path, rule);
	step_read(s, object, path, rule);
	if (json_get(object, "auto_disclose", &v) && (!json_is_bool(v) || json_is_true(v)))
		tell(s, below(s, path, "auto_disclose"),
			"expected false: a duty makes deadlines and drafts, and discloses nothing "
			"by itself");
	if (!json_get(object, "then", &then))
		return;
	path = below(s, path, "then");
	if (!json_is_array(then) || json_count(then) >= STEPS_MAX) {
		tell(s, path, "expected a list of at most %d steps", STEPS_MAX - 1);
		return;
	}
	it = json_iter(then);
	while (json_array_next(&it, &v)) {
		struct slice at = item(s, path, i++);

		names_check(s, v, at, step_names, COUNT_OF(step_names));
		step_read(s, v, at, rule);
	}
}

/* ---- one rule ------------------------------------------------------------------------------- */

static bool choice_read(struct parsing *s, struct json_value object, struct slice path,
	const char *member, const char *(*name_of)(int), int count, const char *expected,
	int *ret_choice)
{
	struct slice word = json_get_string(object, member);

	for (int i = 0; i < count; i++) {
		if (slice_is(word, name_of(i))) {
			*ret_choice = i;
			return true;
		}
	}
	tell(s, below(s, path, member), "expected %s", expected);
	return false;
}

static const char *family_name_of(int i)
{
	return policy_family_name((enum policy_family)i);
}

static const char *effect_name_of(int i)
{
	return policy_effect_name((enum policy_effect)i);
}

/* Layers only tighten, and a reservation speaks of its own member's traffic alone. */
static void layer_check(struct parsing *s, struct slice path, const struct rule *rule)
{
	int member = member_find(&s->p->parties, s->p->member);
	uint64_t own = member < 0 ? 0 : BIT(member);
	int from = policy_attribute_find(rule->family, SLICE("from"));
	int to = policy_attribute_find(rule->family, SLICE("to"));

	if (s->p->layer == POLICY_UNIFIED)
		return;
	if (rule->family == POLICY_DUTY ||
		(rule->effect != POLICY_FORBID && rule->effect != POLICY_REQUIRE)) {
		tell(s, path, "%s may hold only forbid and require: it would loosen or bind others",
			s->p->layer == POLICY_OVERLAY ? "an overlay" : "a reservation");
		return;
	}
	if (s->p->layer == POLICY_RESERVATION && own != 0 &&
		!(from >= 0 && (rule->box.set[from] & ~own) == 0) &&
		!(to >= 0 && (rule->box.set[to] & ~own) == 0))
		tell(s, below(s, path, "when"),
			"a reservation speaks only of what its member sends (\"from\") or receives "
			"(\"to\")");
}

static void rule_read(struct parsing *s, struct json_value object, struct slice path)
{
	static const char *const names[] = {"id", "family", "effect", "clause", "when", "must"};
	struct rule *rule = &s->p->rules[s->p->rules_count];
	struct json_value v, when;
	int family = 0, effect = POLICY_REQUIRE;
	bool has_when;

	s->rule = (struct slice){0};
	if (!json_is_object(object)) {
		tell(s, path, "expected an object");
		return;
	}
	duties_init(&rule->duties);
	if (name_read(s, object, path, "id", &rule->id)) {
		s->rule = rule->id;
		for (unsigned i = 0; i < s->p->rules_count; i++)
			if (slice_equal(s->p->rules[i].id, rule->id))
				tell(s, below(s, path, "id"), "rules[%u] has the same", i);
	}
	s->p->rules_count++;
	if (json_get(object, "clause", &v)) {
		if (!json_is_string(v) || json_string(v).len == 0 ||
			json_string(v).len > POLICY_NAME_MAX)
			tell(s, below(s, path, "clause"), "expected a text of 1 to %d bytes",
				POLICY_NAME_MAX);
		else
			rule->clause = arena_copy(s->p->arena, json_string(v));
	}
	if (!choice_read(s, object, path, "family", family_name_of, POLICY_FAMILIES,
		    "\"exchange\", \"measure\" or \"duty\"", &family))
		return;
	rule->family = (enum policy_family)family;
	rule->effect = POLICY_REQUIRE;
	if (rule->family == POLICY_DUTY) {
		duty_read(s, object, path, rule);
		if (rule->steps_count > 0)
			rule->duties.within_hours = rule->steps[0].within_hours;
		layer_check(s, path, rule);
		return;
	}
	names_check(s, object, path, names, COUNT_OF(names));
	if (!choice_read(s, object, path, "effect", effect_name_of, POLICY_EFFECTS,
		    "\"permit\", \"forbid\", \"require\" or \"never\"", &effect))
		return;
	rule->effect = (enum policy_effect)effect;
	has_when = json_get(object, "when", &when);
	when_read(s, when, has_when, below(s, path, "when"), rule);
	must_read(s, object, path, rule);
	layer_check(s, path, rule);
}

/* ---- the document --------------------------------------------------------------------------- */

static void groups_read(struct parsing *s, struct json_value groups)
{
	struct json_iter it = json_iter(groups);
	struct json_value list, v;
	struct slice name;

	if (!json_is_object(groups) || json_count(groups) > POLICY_GROUPS_MAX) {
		tell(s, SLICE("groups"), "expected an object of at most %d groups",
			POLICY_GROUPS_MAX);
		return;
	}
	while (json_object_next(&it, &name, &list)) {
		struct slice path = below_slice(s, SLICE("groups"), name);
		struct group *group = &s->groups[s->naming.groups_count];
		struct json_iter members = json_iter(list);
		size_t i = 0;

		if (!is_name(name) || slice_is(name, "members") || slice_is(name, "affected"))
			tell(s, path, "not a name for a group");
		if (!json_is_array(list)) {
			tell(s, path, "expected a list of members");
			continue;
		}
		/* An empty group is nobody, and stays nobody until somebody is written into it. */
		*group = (struct group){arena_copy(s->report->arena, name), 0};
		s->naming.groups_count++;
		while (json_array_next(&members, &v)) {
			int member = member_find(&s->p->parties, json_string(v));

			if (member < 0)
				tell(s, item(s, path, i), "no such member");
			else
				group->members |= BIT(member);
			i++;
		}
	}
}

static void text_check(struct parsing *s, struct json_value text)
{
	struct json_iter it = json_iter(text);
	struct json_value v;
	struct slice language;

	if (!json_is_object(text) || json_count(text) > LANGUAGES_MAX) {
		tell(s, SLICE("text"), "expected an object of texts by language");
		return;
	}
	while (json_object_next(&it, &language, &v))
		if (!json_is_string(v))
			tell(s, below_slice(s, SLICE("text"), language), "expected a text");
}

static void base_check(struct parsing *s, struct json_value base)
{
	struct slice text = json_string(base);
	uint8_t digest[SHA256_LEN];

	if (json_is_string(base) &&
		(text.len == 0 ||
			(slice_starts(text, SLICE("sha256:")) &&
				hex_decode(slice_cut(text, 7, text.len), digest, sizeof(digest)))))
		return;
	tell(s, SLICE("base"), "expected \"sha256:\" and 64 hex digits, or \"\" at first");
}

static void head_read(struct parsing *s, struct json_value root)
{
	static const char *const names[] = {
		"type", "name", "version", "expires", "base", "member", "groups", "rules", "text"};
	struct slice none = {0}, type = json_get_string(root, "type");
	struct json_value v;
	int64_t version = 0;

	names_check(s, root, none, names, COUNT_OF(names));
	if (slice_is(type, "policy"))
		s->p->layer = POLICY_UNIFIED;
	else if (slice_is(type, "overlay"))
		s->p->layer = POLICY_OVERLAY;
	else if (slice_is(type, "reservation"))
		s->p->layer = POLICY_RESERVATION;
	else
		tell(s, SLICE("type"), "expected \"policy\", \"overlay\" or \"reservation\"");
	(void)name_read(s, root, none, "name", &s->p->name);
	if (!json_get(root, "version", &v))
		tell(s, SLICE("version"), "missing");
	else if (whole_read(s, v, SLICE("version"), 1, NUMBER_MOST, &version))
		s->p->version = (uint64_t)version;
	if (!json_get(root, "expires", &v))
		tell(s, SLICE("expires"), "missing: every policy ends");
	else if (!json_is_string(v) || !time_parse(json_string(v), &s->p->expires_us, NULL))
		tell(s, SLICE("expires"), "expected a time such as 2027-01-01T00:00:00Z");
	if (json_get(root, "base", &v))
		base_check(s, v);
	if (json_get(root, "text", &v))
		text_check(s, v);
	if (json_get(root, "member", &v) && s->p->layer == POLICY_UNIFIED)
		tell(s, SLICE("member"), "a policy is nobody's own");
	else if (json_get(root, "member", &v) || s->p->layer == POLICY_RESERVATION) {
		if (name_read(s, root, none, "member", &s->p->member) &&
			member_find(&s->p->parties, s->p->member) < 0)
			tell(s, SLICE("member"), "no such member");
	}
}

static enum err_kind document_read(struct parsing *s, struct json_value root, struct err *e)
{
	struct json_value v, object;
	struct json_iter it;
	size_t count, i = 0;

	if (!json_is_object(root)) {
		tell(s, (struct slice){0}, "expected an object");
		return OK;
	}
	head_read(s, root);
	if (json_get(root, "groups", &v))
		groups_read(s, v);
	if (!json_get(root, "rules", &v) || !json_is_array(v)) {
		tell(s, SLICE("rules"), "expected a list");
		return OK;
	}
	count = json_count(v);
	if (count > POLICY_RULES_MAX) {
		tell(s, SLICE("rules"), "%zu rules, expected at most %d", count, POLICY_RULES_MAX);
		return OK;
	}
	s->p->rules = ARENA_ARRAY(s->p->arena, struct rule, count + 1);
	if (s->p->rules == NULL)
		return err_set(e, ERR_NOMEM, "policy: out of memory");
	it = json_iter(v);
	while (json_array_next(&it, &object))
		rule_read(s, object, item(s, SLICE("rules"), i++));
	return OK;
}

static enum err_kind parties_check(const struct policy_parties *parties, struct err *e)
{
	if (parties->members_count > POLICY_MEMBERS_MAX)
		return err_set(e, ERR_LIMIT, "policy: %zu members, at most %d",
			parties->members_count, POLICY_MEMBERS_MAX);
	for (size_t i = 0; i < parties->members_count; i++) {
		struct slice name = parties->members[i];

		if (name.len == 0 || name.len > POLICY_NAME_MAX || slice_is(name, "public") ||
			slice_is(name, "unknown") || name.data[0] == '@')
			return err_set(e, ERR_INVALID, "policy: \"%.*s\" cannot name a member",
				SLICE_ARG(name));
		if (member_find(parties, name) != (int)i)
			return err_set(
				e, ERR_INVALID, "policy: two members \"%.*s\"", SLICE_ARG(name));
	}
	return OK;
}

static enum err_kind parse(struct parsing *s, struct slice text, struct err *e)
{
	struct json_parser *parser = json_parser_new(POLICY_BYTES_MAX);
	struct json_doc doc;
	enum err_kind kind = OK;

	if (parser == NULL)
		return err_set(e, ERR_NOMEM, "policy: out of memory");
	if (json_parse(parser, text, &doc, &s->first) != OK) {
		struct err json = s->first;

		kind = json.kind;
		if (kind == ERR_NOMEM || kind == ERR_LIMIT)
			err_set(e, kind, "policy: %s", json.text);
		else
			tell(s, (struct slice){0}, "%s", json.text);
		kind = kind == ERR_PARSE ? OK : kind;
	} else {
		kind = document_read(s, json_root(&doc), e);
	}
	json_parser_free(parser);
	if (kind == OK && s->report->errors > 0) {
		kind = err_set(e, ERR_INVALID, "policy: %s", s->first.text);
		if (s->report->errors > 1)
			err_set(e, kind, "policy: %s (and %zu more)", s->first.text,
				s->report->errors - 1);
	}
	if (kind == OK)
		kind = policy_finish(s->p, e);
	return kind;
}

enum err_kind policy_parse(struct slice text, const struct policy_parties *parties,
	struct policy_report *report, struct policy **ret_policy, struct err *e)
{
	struct parsing s = {0};
	struct policy_report own = {.arena = arena_new(SCRATCH_MAX)};
	enum err_kind kind = parties_check(parties, e);

	s.report = report != NULL ? report : &own;
	s.report->findings = NULL;
	s.report->count = s.report->errors = 0;
	if (kind == OK && text.len > POLICY_BYTES_MAX)
		kind = err_set(e, ERR_LIMIT, "policy: %zu bytes, at most %zu", text.len,
			(size_t)POLICY_BYTES_MAX);
	if (kind == OK) {
		s.p = policy_new(parties);
		if (s.p == NULL || own.arena == NULL)
			kind = err_set(e, ERR_NOMEM, "policy: out of memory");
	}
	if (kind == OK) {
		s.naming = (struct naming){&s.p->parties, s.groups, 0};
		hash_sha256(text, s.p->digest);
		kind = parse(&s, text, e);
	}
	if (kind == OK)
		*ret_policy = s.p;
	else
		policy_free(s.p);
	arena_free(own.arena);
	return kind;
}
