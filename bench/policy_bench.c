/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the policy engine costs at 200 permits and 80 forbids over 30 members: one decision that
 * nobody remembered, and every analysis. Random rules, several seeds; the worst seed is told too,
 * since what a question costs depends on the policy. Processor time.
 *
 *   policy_bench [PERMITS FORBIDS [SEEDS]]
 */
#include <stdlib.h>
#include <time.h>

#include "policy/policy.h"

#define MEMBERS    30
#define REQUIRES   20
#define CASES      4096
#define DECISIONS  2000000
#define SEEDS_MOST 100

static uint64_t seed;

static unsigned dice(unsigned sides)
{
	uint64_t x = seed += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (unsigned)((x ^ (x >> 31)) % sides);
}

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* ---- policies made up ----------------------------------------------------------------------- */

static char names[MEMBERS][8];
static struct slice members[MEMBERS];
static const struct policy_parties parties = {members, MEMBERS};

/* Some values of a list, at least one. */
static void list_write(struct buf *b, const struct policy_attribute *a)
{
	size_t count = a->domain == POLICY_PARTY ? MEMBERS : a->values_count;
	size_t most = count < 8 ? count : 8, n = 1 + dice((unsigned)most);

	buf_char(b, '[');
	for (size_t i = 0, at = dice((unsigned)count); i < n; i++) {
		const char *value;

		if (i > 0)
			buf_char(b, ',');
		value = a->domain == POLICY_PARTY ? names[at] : a->values[at];
		buf_printf(b, "\"%s\"", value);
		at = (at + 1) % count;
	}
	buf_char(b, ']');
}

static void set_write(struct buf *b, const struct policy_attribute *a)
{
	switch (a->domain) {
	case POLICY_FLAG:
		buf_text(b, dice(2) == 0 ? "[true]" : "[false,\"unknown\"]");
		break;
	case POLICY_NUMBER:
		buf_printf(b, dice(2) == 0 ? "{\"ge\":%u}" : "{\"le\":%u}", 10 * (1 + dice(9)));
		break;
	case POLICY_ORDERED:
		buf_printf(b, "{\"%s\":\"%s\"}", dice(3) == 0 ? "ge" : "le",
			a->values[1 + dice((unsigned)a->values_count - 1)]);
		break;
	default:
		list_write(b, a);
	}
}

static void rule_write(struct buf *b, unsigned number, const char *effect, unsigned wanted)
{
	const char *comma = "";
	bool demands =
		strcmp(effect, "require") == 0 || (strcmp(effect, "permit") == 0 && dice(3) == 0);
	uint64_t used = 0;

	buf_printf(b, "%s{\"id\":\"r%u\",\"family\":\"exchange\",\"effect\":\"%s\",\"when\":{",
		number == 0 ? "" : ",", number, effect);
	while (wanted > 0) {
		unsigned i = dice(POLICY_EXCHANGE_ATTRIBUTES);
		const struct policy_attribute *a = policy_attribute_get(POLICY_EXCHANGE, i);

		if ((used >> i & 1) != 0)
			continue;
		used |= UINT64_C(1) << i;
		wanted--;
		buf_printf(b, "%s\"%s\":", comma, a->name);
		set_write(b, a);
		comma = ",";
	}
	buf_text(b, "}");
	if (demands && dice(2) == 0)
		buf_printf(b, ",\"must\":{\"retain_days\":%u}", 30 * (1 + dice(12)));
	else if (demands)
		buf_text(b, ",\"must\":{\"encrypt\":true,\"onward\":\"none\"}");
	buf_char(b, '}');
}

/* The last rules are made after `changed`: two texts that differ in one amendment. */
static struct policy *policy_make(uint64_t from, unsigned permits, unsigned forbids, bool changed)
{
	struct buf b = BUF_INIT;
	struct policy *p = NULL;
	struct err e;

	seed = from;
	buf_text(&b, "{\"type\":\"policy\",\"name\":\"bench\",\"version\":1,"
		     "\"expires\":\"2030-01-01T00:00:00Z\",\"rules\":[");
	for (unsigned i = 0; i < permits + forbids + REQUIRES; i++) {
		if (changed && i == permits / 2)
			seed ^= 0x5eed;
		rule_write(&b, i,
			i < permits             ? "permit"
			: i < permits + forbids ? "forbid"
						: "require",
			3 + dice(4));
		if (changed && i == permits / 2)
			seed = 0;
		if (i == permits / 2)
			seed = from * 31;
	}
	buf_text(&b, "]}");
	if (policy_parse(buf_slice(&b), &parties, NULL, &p, &e) != OK) {
		fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	buf_fini(&b);
	return p;
}

static void case_make(struct policy_case *c)
{
	policy_case_init(c, POLICY_EXCHANGE);
	for (unsigned i = 0; i < POLICY_EXCHANGE_ATTRIBUTES; i++) {
		const struct policy_attribute *a = policy_attribute_get(POLICY_EXCHANGE, i);

		switch (a->domain) {
		case POLICY_FLAG:
			c->values[i] = (int32_t)dice(2);
			break;
		case POLICY_NUMBER:
			c->values[i] = (int32_t)dice((unsigned)a->most + 1);
			break;
		case POLICY_PARTY:
			c->values[i] = (int32_t)dice(MEMBERS);
			break;
		default:
			c->values[i] = (int32_t)dice((unsigned)a->values_count);
		}
	}
}

/* ---- measuring ------------------------------------------------------------------------------ */

enum { DECIDE, ANALYSE, ANY, WHO, AMENDED, ANOTHER, JOINED, PARSED, MEASURES };
static const char *const says[MEASURES] = {
	"one decision, not remembered (ns)",
	"all standing questions (ms)",
	"can anything flow to anybody (ms)",
	"who can ever receive something (ms)",
	"compare with an amendment (ms)",
	"compare with another policy (ms)",
	"join, without layers (ms)",
	"parse (ms)",
};
static double figures[MEASURES][SEEDS_MOST];
static unsigned undecided, told;

static void result_take(void *context, const struct policy_result *r)
{
	(void)context;
	undecided += r->answer == POLICY_UNDECIDED;
	told++;
}

static void difference_take(void *context, const struct policy_difference *d)
{
	(void)context;
	undecided += d->answer == POLICY_UNDECIDED;
	told++;
}

static double decisions(const struct policy *p)
{
	static struct policy_case cases[CASES];
	unsigned allowed = 0;
	double from;

	for (unsigned i = 0; i < CASES; i++)
		case_make(&cases[i]);
	from = now_ms();
	for (unsigned i = 0; i < DECISIONS; i++) {
		struct policy_decision d;

		policy_decide(p, &cases[i % CASES], &d);
		allowed += d.allowed;
	}
	told += allowed > 0;
	return (now_ms() - from) * 1e6 / DECISIONS;
}

static void run(unsigned n, unsigned permits, unsigned forbids)
{
	enum policy_answer answers[MEMBERS + 1];
	struct arena *a = arena_new(MIB(1));
	uint64_t steps = POLICY_STEPS;
	struct policy *p, *amended, *another, *joined = NULL;
	struct policy_box *box;
	struct err e;
	double from = now_ms();
	enum err_kind kind;

	p = policy_make(n + 1, permits, forbids, false);
	figures[PARSED][n] = now_ms() - from;
	amended = policy_make(n + 1, permits, forbids, true);
	another = policy_make(n + 1000, permits, forbids, false);
	figures[DECIDE][n] = decisions(p);

	from = now_ms();
	kind = policy_analyse(p, POLICY_STEPS, result_take, NULL, &e);
	figures[ANALYSE][n] = now_ms() - from;
	if (kind == OK)
		kind = policy_box_parse(p, POLICY_EXCHANGE, (struct json_value){0}, a, &box, &e);
	from = now_ms();
	if (kind == OK)
		undecided += policy_any(p, box, &steps, NULL) == POLICY_UNDECIDED;
	figures[ANY][n] = now_ms() - from;
	from = now_ms();
	if (kind == OK)
		kind = policy_who(p, box, &steps, answers, NULL, &e);
	figures[WHO][n] = now_ms() - from;
	from = now_ms();
	if (kind == OK)
		kind = policy_compare(p, amended, POLICY_STEPS, difference_take, NULL, &e);
	figures[AMENDED][n] = now_ms() - from;
	from = now_ms();
	if (kind == OK)
		kind = policy_compare(p, another, POLICY_STEPS, difference_take, NULL, &e);
	figures[ANOTHER][n] = now_ms() - from;
	from = now_ms();
	if (kind == OK)
		kind = policy_join(p, NULL, 0, &joined, &e);
	figures[JOINED][n] = now_ms() - from;
	if (kind != OK) {
		fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	policy_free(joined);
	policy_free(another);
	policy_free(amended);
	policy_free(p);
	arena_free(a);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static unsigned number(const char *text, unsigned most)
{
	uint64_t n;

	if (!slice_to_u64(slice_of(text), &n) || n > most) {
		fprintf(stderr, "policy_bench [PERMITS FORBIDS [SEEDS]]\n");
		exit(2);
	}
	return (unsigned)n;
}

int main(int argc, char **argv)
{
	unsigned permits = argc > 2 ? number(argv[1], 800) : 200;
	unsigned forbids = argc > 2 ? number(argv[2], 200) : 80;
	unsigned seeds = argc > 3 ? number(argv[3], SEEDS_MOST) : 20;

	for (unsigned i = 0; i < MEMBERS; i++) {
		snprintf(names[i], sizeof(names[i]), "m%u", i);
		members[i] = slice_of(names[i]);
	}
	for (unsigned i = 0; i < seeds; i++)
		run(i, permits, forbids);
	printf("%u permits, %u forbids, %d requires, %d members; %u random policies\n\n", permits,
		forbids, REQUIRES, MEMBERS, seeds);
	printf("| measure | median | worst |\n| --- | --- | --- |\n");
	for (unsigned m = 0; m < MEASURES && seeds > 0; m++) {
		qsort(figures[m], seeds, sizeof(double), ascending);
		printf("| %s | %.3g | %.3g |\n", says[m], figures[m][seeds / 2],
			figures[m][seeds - 1]);
	}
	printf("\nundecided within the budget: %u of %u answers told\n", undecided, told);
	return 0;
}
