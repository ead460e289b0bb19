/* SPDX-License-Identifier: MPL-2.0 */
/* Reading policies: each rule of the grammar on both sides, each limit, and the document's rows. */
#include "policy_testing.h"

/* ---- reading -------------------------------------------------------------------------------- */

struct text_case {
	const char *why;
	const char *text;
	const char *path; /* NULL: fine */
};

static void texts(const struct text_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct buf text = testing_text(cases[i].text);
		struct policy_report report = {.arena = arena_new(MIB(4))};
		struct policy *p = NULL;
		struct err e;
		enum err_kind kind =
			policy_parse(buf_slice(&text), &testing_parties, &report, &p, &e);
		bool found = cases[i].path == NULL;

		for (size_t k = 0; k < report.count && cases[i].path != NULL; k++)
			found |= slice_is(report.findings[k].path, cases[i].path);
		if (kind != (cases[i].path == NULL ? OK : ERR_INVALID) || !found ||
			(p == NULL) != (kind != OK) || (kind == OK) != (report.errors == 0))
			fail_msg("%s: %s", cases[i].why, kind == OK ? "taken" : e.text);
		policy_free(p);
		arena_free(report.arena);
		buf_fini(&text);
	}
}

#define TEXT(why, text)                                                                            \
	{                                                                                          \
		why, text, NULL                                                                    \
	}
#define BAD(why, text, path)                                                                       \
	{                                                                                          \
		why, text, path                                                                    \
	}
#define MUST(must)      RULES(RULE_MUST("a", "permit", "", must))
#define DUTY_RULE(rest) RULES("{'id':'d','family':'duty'," rest "}")
#define DUTY_ON         "'on':{'event':['incident']},"
#define DUTY_DO         "'do':'update','to':['@affected'],'within_hours':24"
#define LAYER(type, more, rules)                                                                   \
	"{'type':'" type "','name':'l','version':1,'expires':'2030-01-01T00:00:00Z'," more         \
	"'rules':[" rules "]}"

static void test_document(void **state)
{
	static const struct text_case cases[] = {
		TEXT("no rules", RULES("")),
		TEXT("a base", HEAD "'base':'','rules':[]}"),
		TEXT("texts", HEAD "'text':{'en':'a','ru':'b'},'rules':[]}"),
		TEXT("a digest",
			HEAD "'base':'sha256:00112233445566778899aabbccddeeff00112233445566778899aa"
			     "bbccddeeff','rules':[]}"),
		BAD("half a digest", HEAD "'base':'sha256:0011','rules':[]}", "base"),
		BAD("a number of texts", HEAD "'text':5,'rules':[]}", "text"),
		BAD("no JSON", "{", ""),
		BAD("no object", "[]", ""),
		BAD("a name twice", HEAD "'rules':[],'rules':[]}", ""),
		BAD("no rules", HEAD "'groups':{}}", "rules"),
		BAD("an unknown property", HEAD "'rules':[],'rulez':[]}", "rulez"),
		BAD("an unknown type",
			"{'type':'x','name':'p','version':1,"
			"'expires':'2030-01-01T00:00:00Z','rules':[]}",
			"type"),
		BAD("no version",
			"{'type':'policy','name':'p','expires':'2030-01-01T00:00:00Z','rules':[]}",
			"version"),
		BAD("version 0",
			"{'type':'policy','name':'p','version':0,"
			"'expires':'2030-01-01T00:00:00Z','rules':[]}",
			"version"),
		BAD("no name",
			"{'type':'policy','version':1,'expires':'2030-01-01T00:00:00Z','rules':[]}",
			"name"),
		BAD("no end", "{'type':'policy','name':'p','version':1,'rules':[]}", "expires"),
		BAD("no time",
			"{'type':'policy','name':'p','version':1,'expires':'2030-13-01',"
			"'rules':[]}",
			"expires"),
		BAD("a member of a policy", HEAD "'member':'kz','rules':[]}", "member"),
		BAD("a group of strangers", HEAD "'groups':{'g':['xx']},'rules':[]}",
			"groups.g[0]"),
		BAD("a group named members", HEAD "'groups':{'members':['kz']},'rules':[]}",
			"groups.members"),
		BAD("no rule", RULES("5"), "rules[0]"),
		BAD("no id", RULES("{'family':'exchange','effect':'permit'}"), "rules[0].id"),
		BAD("an id with a blank", RULES(RULE("a b", "permit", "")), "rules[0].id"),
		BAD("an id twice", RULES(RULE("a", "permit", "") "," RULE("a", "forbid", "")),
			"rules[1].id"),
		BAD("no family", RULES("{'id':'a','effect':'permit'}"), "rules[0].family"),
		BAD("another effect", RULES(RULE("a", "allow", "")), "rules[0].effect"),
		BAD("a misspelt when",
			RULES("{'id':'a','family':'exchange','effect':'permit','wen':{}}"),
			"rules[0].wen"),
		TEXT("no when", RULES("{'id':'a','family':'exchange','effect':'permit'}")),
	};

	(void)state;
	texts(cases, COUNT_OF(cases));
}

static void test_sets(void **state)
{
	static const struct text_case cases[] = {
		TEXT("a list", ONE("'tlp':['clear','green','none','unknown']")),
		TEXT("an order", ONE("'tlp':{'le':'amber'}")),
		TEXT("both ends", ONE("'tlp':{'ge':'green','le':'amber','unknown':true}")),
		TEXT("numbers", ONE("'confidence':{'ge':0,'le':100},'age_days':{'le':36500}")),
		TEXT("an unknown number", ONE("'confidence':['unknown']")),
		TEXT("flags", ONE("'to_affected':[true],'request_open':[true,'unknown']")),
		TEXT("all but", ONE("'kind':{'not':['identity','other']}")),
		TEXT("parties", ONE("'to':['@members','@west','kz','public','unknown']")),
		TEXT("an empty group", ONE("'to':['@nobody']")),
		BAD("an empty list", ONE("'tlp':[]"), "rules[0].when.tlp"),
		BAD("another value", ONE("'tlp':['green','pink']"), "rules[0].when.tlp[1]"),
		BAD("no list", ONE("'tlp':'green'"), "rules[0].when.tlp"),
		BAD("a null", ONE("'tlp':null"), "rules[0].when.tlp"),
		BAD("none in the order", ONE("'tlp':{'ge':'none'}"), "rules[0].when.tlp.ge"),
		BAD("unknown in the order", ONE("'tlp':{'le':'unknown'}"), "rules[0].when.tlp.le"),
		BAD("an order upside down", ONE("'tlp':{'ge':'red','le':'green'}"),
			"rules[0].when.tlp"),
		BAD("an order of nothing", ONE("'tlp':{}"), "rules[0].when.tlp"),
		BAD("less than", ONE("'tlp':{'lt':'red'}"), "rules[0].when.tlp.lt"),
		BAD("unknown false", ONE("'tlp':{'le':'red','unknown':false}"),
			"rules[0].when.tlp.unknown"),
		BAD("an order of names", ONE("'kind':{'le':'note'}"), "rules[0].when.kind"),
		BAD("not beside another", ONE("'tlp':{'not':['red'],'le':'red'}"),
			"rules[0].when.tlp"),
		BAD("not of no list", ONE("'tlp':{'not':'red'}"), "rules[0].when.tlp.not"),
		BAD("not of a wrong value", ONE("'tlp':{'not':['rad']}"),
			"rules[0].when.tlp.not[0]"),
		BAD("101", ONE("'confidence':{'ge':101}"), "rules[0].when.confidence.ge"),
		BAD("a fraction", ONE("'confidence':{'ge':0.5}"), "rules[0].when.confidence.ge"),
		BAD("a list of numbers", ONE("'confidence':[5]"), "rules[0].when.confidence[0]"),
		BAD("not a number", ONE("'confidence':{'not':[5]}"),
			"rules[0].when.confidence.not"),
		BAD("a flag as text", ONE("'to_affected':['true']"),
			"rules[0].when.to_affected[0]"),
		BAD("a stranger", ONE("'to':['xx']"), "rules[0].when.to[0]"),
		BAD("a group that is none", ONE("'to':['@east']"), "rules[0].when.to[0]"),
		BAD("from the public", ONE("'from':['public']"), "rules[0].when.from[0]"),
		BAD("another attribute", ONE("'colour':['red']"), "rules[0].when.colour"),
		BAD("an attribute of measures", ONE("'target':['ip']"), "rules[0].when.target"),
	};

	(void)state;
	texts(cases, COUNT_OF(cases));
}

static void test_obligations(void **state)
{
	static const struct text_case cases[] = {
		TEXT("numbers", MUST("'retain_days':1,'min_count':10,'delay_hours':24")),
		TEXT("flags", MUST("'encrypt':true,'legal_basis':true,'method_note':true")),
		TEXT("words", MUST("'attribution':'as-marked','onward':'none'")),
		TEXT("redact", MUST("'redact':['identity','contact']")),
		TEXT("a require", RULES(RULE_MUST("a", "require", "", "'encrypt':true"))),
		TEXT("a measure's", RULES(MEASURE_MUST("m", "permit", "", "'max_hours':72"))),
		BAD("nothing", MUST(""), "rules[0].must"),
		BAD("0 days", MUST("'retain_days':0"), "rules[0].must.retain_days"),
		BAD("too many days", MUST("'retain_days':36501"), "rules[0].must.retain_days"),
		BAD("a flag false", MUST("'encrypt':false"), "rules[0].must.encrypt"),
		BAD("another word", MUST("'onward':'some'"), "rules[0].must.onward"),
		BAD("another", MUST("'pray':true"), "rules[0].must.pray"),
		BAD("a measure's in an exchange", MUST("'max_hours':72"),
			"rules[0].must.max_hours"),
		BAD("redact a word", MUST("'redact':'identity'"), "rules[0].must.redact"),
		BAD("redact nothing", MUST("'redact':[]"), "rules[0].must.redact"),
		BAD("redact another", MUST("'redact':['identity','hat']"),
			"rules[0].must.redact[1]"),
		BAD("redact in a measure",
			RULES(MEASURE_MUST("m", "permit", "", "'redact':['identity']")),
			"rules[0].must.redact"),
		BAD("a require of nothing", RULES(RULE("a", "require", "")), "rules[0].must"),
		BAD("a forbid that demands", RULES(RULE_MUST("a", "forbid", "", "'encrypt':true")),
			"rules[0].must"),
		BAD("a contradiction", MUST("'retain_days':1,'delay_hours':25"), "rules[0].must"),
		TEXT("just none", MUST("'retain_days':1,'delay_hours':24")),
	};

	(void)state;
	texts(cases, COUNT_OF(cases));
}

static void test_duties(void **state)
{
	static const struct text_case cases[] = {
		TEXT("a duty", DUTY_RULE(DUTY_ON DUTY_DO)),
		TEXT("steps",
			DUTY_RULE(DUTY_ON DUTY_DO
				",'then':[{'do':'close','within_days':30}],'auto_disclose':false")),
		BAD("discloses", DUTY_RULE(DUTY_ON DUTY_DO ",'auto_disclose':true"),
			"rules[0].auto_disclose"),
		BAD("no event", DUTY_RULE(DUTY_DO), "rules[0].on"),
		BAD("another act", DUTY_RULE(DUTY_ON "'do':'pray','to':['kz'],'within_hours':1"),
			"rules[0].do"),
		BAD("to nobody", DUTY_RULE(DUTY_ON "'do':'update','to':[],'within_hours':1"),
			"rules[0].to"),
		BAD("to a stranger",
			DUTY_RULE(DUTY_ON "'do':'update','to':['xx'],'within_hours':1"),
			"rules[0].to[0]"),
		BAD("without end", DUTY_RULE(DUTY_ON "'do':'update','to':['kz']"), "rules[0]"),
		BAD("two ends", DUTY_RULE(DUTY_ON DUTY_DO ",'within_days':1"), "rules[0]"),
		BAD("steps backwards",
			DUTY_RULE(DUTY_ON DUTY_DO ",'then':[{'do':'close','within_hours':5}]"),
			"rules[0].then[0]"),
		BAD("a permit", DUTY_RULE(DUTY_ON DUTY_DO ",'effect':'permit'"), "rules[0].effect"),
	};

	(void)state;
	texts(cases, COUNT_OF(cases));
}

static void test_layers(void **state)
{
	static const struct text_case cases[] = {
		TEXT("a forbid", LAYER("overlay", "", RULE("a", "forbid", ""))),
		TEXT("of a member", LAYER("overlay", "'member':'kz',", "")),
		TEXT("what kz sends", LAYER("reservation", "'member':'kz',",
					      RULE("a", "forbid", "'from':['kz']"))),
		TEXT("what kz receives",
			LAYER("reservation", "'member':'kz',",
				RULE_MUST("a", "require", "'to':['kz']", "'encrypt':true"))),
		BAD("what others send",
			LAYER("reservation", "'member':'kz',",
				RULE("a", "forbid", "'from':['kg'],'to':['uz']")),
			"rules[0].when"),
		BAD("nobody's reservation", LAYER("reservation", "", ""), "member"),
		BAD("a stranger's", LAYER("reservation", "'member':'xx',", ""), "member"),
		BAD("an overlay that permits", LAYER("overlay", "", RULE("a", "permit", "")),
			"rules[0]"),
		BAD("a reservation with a never",
			LAYER("reservation", "'member':'kz',", RULE("a", "never", "'from':['kz']")),
			"rules[0]"),
		BAD("a duty for others",
			LAYER("overlay", "", "{'id':'d','family':'duty'," DUTY_ON DUTY_DO "}"),
			"rules[0]"),
	};

	(void)state;
	texts(cases, COUNT_OF(cases));
}

/* Every mistake is told, not only the first. */
static void test_all_mistakes(void **state)
{
	struct buf text = testing_text(RULES(RULE("a", "permit", "'tlp':['x'],'to':['y']") "," RULE(
		"b", "permit", "'kind':[]")));
	struct policy_report report = {.arena = arena_new(MIB(4))};
	struct policy *p;
	struct err e;

	(void)state;
	assert_int_equal(
		policy_parse(buf_slice(&text), &testing_parties, &report, &p, &e), ERR_INVALID);
	assert_int_equal(report.errors, 3);
	assert_int_equal(report.count, 3);
	assert_true(slice_is(report.findings[2].rule, "b"));
	assert_true(slice_is(report.findings[2].path, "rules[1].when.kind"));
	assert_non_null(strstr(e.text, "rules[0].when.tlp[0]"));
	assert_non_null(strstr(e.text, "and 2 more"));
	buf_fini(&text);
	arena_free(report.arena);
}

/* ---- the document --------------------------------------------------------------------------- */

/* A row of docs/policy.md: | `tlp` | none, clear, ... | what it says | */
static void row_write(struct buf *b, const struct policy_attribute *a)
{
	buf_printf(b, "| `%s` | ", a->name);
	switch (a->domain) {
	case POLICY_NUMBER:
		buf_printf(b, "whole numbers from %d to %d", a->least, a->most);
		break;
	case POLICY_FLAG:
		buf_text(b, "true, false");
		break;
	case POLICY_PARTY:
		buf_text(b, "members");
		break;
	default:
		for (size_t i = 0; i < a->values_count; i++)
			buf_printf(b, "%s%s",
				i == 0                        ? ""
				: a->domain == POLICY_ORDERED ? " < "
							      : ", ",
				a->values[i]);
	}
	buf_printf(b, " | %s | %s |\n", a->guarded ? "yes" : "", a->says);
}

static void test_document_rows(void **state)
{
	struct buf text = BUF_INIT;
	struct err e;

	(void)state;
	assert_int_equal(file_read(SOURCE_ROOT "/docs/policy.md", MIB(1), &text, &e), OK);
	for (unsigned f = 0; f < POLICY_FAMILIES; f++) {
		const struct policy_attribute *a;

		for (unsigned i = 0; (a = policy_attribute_get(f, i)) != NULL; i++) {
			struct buf row = BUF_INIT;

			row_write(&row, a);
			if (slice_find_text(buf_slice(&text), buf_slice(&row)) == text.len)
				fail_msg("docs/policy.md lacks: %.*s", SLICE_ARG(buf_slice(&row)));
			buf_fini(&row);
		}
	}
	buf_fini(&text);
}

/* ---- limits --------------------------------------------------------------------------------- */

static enum err_kind parse_text(
	const struct buf *text, const struct policy_parties *parties, struct err *e)
{
	struct policy *p = NULL;
	enum err_kind kind = policy_parse(buf_slice(text), parties, NULL, &p, e);

	policy_free(p);
	return kind;
}

static struct buf many_rules(unsigned count, const char *when)
{
	struct buf b = testing_text(HEAD "'rules':[");

	for (unsigned i = 0; i < count; i++) {
		struct buf rule = testing_text(when);

		buf_printf(&b,
			"%s{\"id\":\"r%u\",\"family\":\"exchange\",\"effect\":\"permit\","
			"\"when\":",
			i == 0 ? "" : ",", i);
		buf_printf(&b, buf_slice(&rule).len == 0 ? "{}" : "{\"confidence\":{\"ge\":%u}}",
			i + 1);
		buf_text(&b, "}");
		buf_fini(&rule);
	}
	buf_text(&b, "]}");
	return b;
}

static void test_limits(void **state)
{
	struct slice members[POLICY_MEMBERS_MAX + 1];
	char names[POLICY_MEMBERS_MAX + 1][8];
	struct policy_parties parties = {members, POLICY_MEMBERS_MAX};
	struct buf text;
	struct err e;

	(void)state;
	text = many_rules(POLICY_RULES_MAX, "");
	assert_int_equal(parse_text(&text, &testing_parties, &e), OK);
	buf_fini(&text);
	text = many_rules(POLICY_RULES_MAX + 1, "");
	assert_int_equal(parse_text(&text, &testing_parties, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "at most 1024"));
	buf_fini(&text);
	/* 31 constants cut a number into 32 intervals */
	text = many_rules(31, "x");
	assert_int_equal(parse_text(&text, &testing_parties, &e), OK);
	buf_fini(&text);
	text = many_rules(32, "x");
	assert_int_equal(parse_text(&text, &testing_parties, &e), ERR_LIMIT);
	buf_fini(&text);

	for (size_t i = 0; i <= POLICY_MEMBERS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "m%zu", i);
		members[i] = slice_of(names[i]);
	}
	text = testing_text(HEAD "'rules':[" RULE("a", "permit", "'to':['m61']") "]}");
	assert_int_equal(parse_text(&text, &parties, &e), OK);
	parties.members_count++;
	assert_int_equal(parse_text(&text, &parties, &e), ERR_LIMIT);
	parties.members_count--;
	members[1] = members[0];
	assert_int_equal(parse_text(&text, &parties, &e), ERR_INVALID);
	members[1] = SLICE("public");
	assert_int_equal(parse_text(&text, &parties, &e), ERR_INVALID);
	/* blanks up to the limit, and one more */
	while (text.len < POLICY_BYTES_MAX)
		buf_char(&text, ' ');
	members[1] = SLICE("m1");
	assert_int_equal(parse_text(&text, &parties, &e), OK);
	buf_char(&text, ' ');
	assert_int_equal(parse_text(&text, &parties, &e), ERR_LIMIT);
	buf_fini(&text);
}

/* A name of `len` letters; the texts around it as they are. */
static enum err_kind parse_repeated(
	const char *before, const char *repeat, unsigned count, const char *after, struct err *e)
{
	struct buf b = testing_text(before), again = testing_text(repeat),
		   end = testing_text(after);
	enum err_kind kind;

	for (unsigned i = 0; i < count; i++) {
		struct slice rest = buf_slice(&again), part;
		bool first = true;

		/* # becomes the number */
		while (slice_next(&rest, '#', &part)) {
			if (!first)
				buf_u64(&b, i);
			buf_slice_append(&b, part);
			first = false;
		}
	}
	buf_slice_append(&b, buf_slice(&end));
	kind = parse_text(&b, &testing_parties, e);
	buf_fini(&b);
	buf_fini(&again);
	buf_fini(&end);
	return kind;
}

static void test_more_limits(void **state)
{
	static const struct {
		const char *why, *before, *repeat, *after;
		unsigned fine; /* so many are, one more is not */
		enum err_kind kind;
	} cases[] = {
		{"bytes of an id",                                 HEAD "'rules':[{'id':'",  "a",
                 "','family':'exchange','effect':'permit'}]}",										      POLICY_NAME_MAX, ERR_INVALID},
		{"bytes of a clause",
                 HEAD "'rules':[{'id':'a','family':'exchange','effect':'permit','clause':'",
                 "c",													      "'}]}",          POLICY_NAME_MAX, ERR_INVALID},
		{"groups",					 HEAD "'groups':{'g':[]",  ",'g#':['kz']",                       "},'rules':[]}",
                 POLICY_GROUPS_MAX - 1,															      ERR_INVALID},
		{"steps of a duty",
                 HEAD "'rules':[{'id':'d','family':'duty'," DUTY_ON DUTY_DO
			     ",'then':[{'do':'update','within_hours':30}",                   ",{'do':'update','within_hours':30}", "]}]}",          6,               ERR_INVALID},
		{"contradictions: 64 rules against each of these",
                 HEAD "'rules':[{'id':'z','family':'exchange','effect':'permit'}",
                 ",{'id':'a#','family':'exchange','effect':'require','must':{'attribution':"
			"'as-marked'}},{'id':'b#','family':'exchange','effect':'require','must':{"
			"'attribution':'withheld'}}",									      "]}",            64,              ERR_LIMIT  },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (parse_repeated(cases[i].before, cases[i].repeat, cases[i].fine, cases[i].after,
			    &e) != OK)
			fail_msg("%s: %s", cases[i].why, e.text);
		if (parse_repeated(cases[i].before, cases[i].repeat, cases[i].fine + 1,
			    cases[i].after, &e) != cases[i].kind)
			fail_msg("%s: one more is taken", cases[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_obligations),
		cmocka_unit_test(test_duties),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_all_mistakes),
		cmocka_unit_test(test_document_rows),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_more_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
