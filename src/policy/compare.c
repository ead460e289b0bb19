/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What changes from one policy to another, recipient by recipient: both are cut into the same
 * boxes, and what one side permits is searched for what the other does not, or not so strictly.
 */
#include "boxes.h"

#define ARENA_BYTES_MAX MIB(64)

/*
 * What both can permit lies where neither denies: of unrelated policies that is little of most
 * permits, so that they need not be looked at for each rule and obligation. Found when first asked.
 */
enum openness { NOT_ASKED, OPEN, SHUT };
struct openings {
	struct search search; /* subtracts what either denies */
	uint64_t left;        /* its budget */
	uint8_t *was, *is;    /* enum openness, by place of the permit */
	uint64_t reached;     /* bits of `to`: for whom something of each side's permits is open */
	bool reached_known;
};

struct comparison {
	const struct policy *before, *after;
	struct space space;                   /* of both: after's members, the cuts of either */
	uint8_t members[POLICY_MEMBERS_MAX];  /* of before, as numbers of after */
	uint8_t backward[POLICY_MEMBERS_MAX]; /* of after, as numbers of before */
	struct side was, is;
	struct search search;
	struct openings open;
	uint64_t budget, left;
	void (*each)(void *context, const struct policy_difference *difference);
	void *context;
};

/* One question: what change is looked for, and for whom it was not found yet. */
struct hunt {
	struct comparison *c;
	enum policy_change change;
	const char *duty;
	unsigned duty_row;
	uint64_t left, undecided; /* bits of `to`; a measure has no recipient and counts as one */
};

/* ---- one space for both --------------------------------------------------------------------- */

static bool members_match(struct comparison *c)
{
	const struct policy_parties *was = &c->before->parties, *is = &c->after->parties;

	if (was->members_count != is->members_count)
		return false;
	for (size_t i = 0; i < was->members_count; i++) {
		int k = member_find(is, was->members[i]);

		if (k < 0)
			return false;
		c->members[i] = (uint8_t)k;
		c->backward[k] = (uint8_t)i;
	}
	return true;
}

/* Never fails: the constants of two policies fit one word (CUTS_MAX). */
static void cuts_join(struct comparison *c)
{
	c->space = c->after->space;
	for (unsigned f = 0; f < POLICY_FAMILIES; f++) {
		for (unsigned a = 0; a < attributes_count((enum policy_family)f); a++) {
			const struct policy_attribute *row =
				policy_attribute_get((enum policy_family)f, a);
			const struct cuts *more = &c->before->space.cuts[f][a];

			for (unsigned k = 0; k < more->count; k++)
				(void)cuts_add(&c->space.cuts[f][a], more->start[k], row->least,
					row->most, 2 * CUTS_MAX);
		}
	}
}

/* ---- telling -------------------------------------------------------------------------------- */

static int recipient_attribute(const struct comparison *c)
{
	return c->is.family == POLICY_EXCHANGE ? POLICY_TO : -1;
}

/* The same case in the numbers of `before`. */
static struct policy_case case_before(const struct comparison *c, const struct policy_case *of)
{
	struct policy_case same = *of;

	for (unsigned a = 0; a < attributes_count(of->family); a++) {
		int32_t value = of->values[a];

		if (policy_attribute_get(of->family, a)->domain == POLICY_PARTY && value >= 0 &&
			(size_t)value < c->after->parties.members_count)
			same.values[a] = c->backward[value];
	}
	return same;
}

static void tell(const struct hunt *h, const struct box *found, unsigned to_bit)
{
	struct comparison *c = h->c;
	struct policy_difference d = {
		.change = h->change, .answer = POLICY_YES, .to = -1, .rule = -1, .duty = h->duty};
	struct policy_decision was, is;
	struct policy_case before;
	struct box one = *found;

	if (recipient_attribute(c) >= 0) {
		one.set[POLICY_TO] = BIT(to_bit);
		d.to = bit_value(&c->space, c->is.family, POLICY_TO, to_bit);
	}
	box_case(&one, &c->space, c->is.family, NULL, &d.witness);
	before = case_before(c, &d.witness);
	policy_decide(c->before, &before, &was);
	policy_decide(c->after, &d.witness, &is);
	d.rule = h->change == POLICY_LOST ? was.rule : is.rule;
	if (h->duty != NULL) {
		d.was = duty_value(&was.duties, h->duty_row);
		d.is = duty_value(&is.duties, h->duty_row);
	}
	c->each(c->context, &d);
}

/* Everybody for whom something of the piece remains; each is told once. */
static void hunt_piece(struct hunt *h, const struct box *piece)
{
	struct comparison *c = h->c;
	int to = recipient_attribute(c);
	struct box box = *piece;

	for (;;) {
		enum policy_answer answer;

		if (h->left == 0)
			return;
		if (to >= 0) {
			box.set[to] = piece->set[to] & h->left;
			if (box.set[to] == 0)
				return;
		}
		answer = search_remains(&c->search, &box);
		if (answer == POLICY_UNDECIDED)
			h->undecided |= to < 0 ? 1 : box.set[to];
		if (answer != POLICY_YES)
			return;
		if (to < 0) {
			tell(h, &c->search.found, 0);
			h->left = 0;
			return;
		}
		for (uint64_t bits = c->search.found.set[to]; bits != 0; bits &= bits - 1)
			tell(h, &c->search.found, (unsigned)__builtin_ctzll(bits));
		h->left &= ~c->search.found.set[to];
	}
}

static struct hunt hunt_begin(struct comparison *c, enum policy_change change, int duty)
{
	struct hunt h = {.c = c, .change = change, .left = 1};

	if (recipient_attribute(c) >= 0)
		h.left = domain_known(&c->space, c->is.family, POLICY_TO) | BIT(BIT_UNKNOWN);
	if (duty >= 0) {
		h.duty_row = (unsigned)duty;
		h.duty = duties[duty].name;
	}
	c->left = c->budget;
	search_clear(&c->search);
	return h;
}

/* Whoever was neither found nor ruled out. */
static void hunt_end(const struct hunt *h)
{
	for (uint64_t bits = h->undecided & h->left; bits != 0; bits &= bits - 1) {
		struct policy_difference d = {.change = h->change,
			.answer = POLICY_UNDECIDED,
			.to = -1,
			.rule = -1,
			.duty = h->duty};

		policy_case_init(&d.witness, h->c->is.family);
		if (recipient_attribute(h->c) >= 0)
			d.to = bit_value(&h->c->space, h->c->is.family, POLICY_TO,
				(unsigned)__builtin_ctzll(bits));
		h->c->each(h->c->context, &d);
	}
}

/* ---- gained and lost ------------------------------------------------------------------------ */

static bool held_by_one(
	const struct box *b, const struct box *const *boxes, unsigned count, unsigned attributes)
{
	for (unsigned i = 0; i < count; i++)
		if (box_holds(boxes[i], b, attributes))
			return true;
	return false;
}

/* What `now` permits and `then` does not: no permit there, or a deny. */
static void newly(struct comparison *c, enum policy_change change, const struct side *then,
	const struct side *now)
{
	struct hunt h = hunt_begin(c, change, -1);

	search_subtract_all(&c->search, now->denies, now->denies_count);
	for (unsigned k = 0; k < then->denies_count; k++) {
		size_t wide;

		if (held_by_one(then->denies[k], now->denies, now->denies_count, now->attributes))
			continue;
		wide = search_narrow(&c->search, then->denies[k]);
		for (unsigned i = 0; i < now->permits_count; i++) {
			struct box piece;

			if (box_meet(then->denies[k], now->permits[i], now->attributes, &piece))
				hunt_piece(&h, &piece);
		}
		search_widen(&c->search, wide);
	}
	search_subtract_all(&c->search, then->permits, then->permits_count);
	for (unsigned i = 0; i < now->permits_count; i++)
		if (!held_by_one(
			    now->permits[i], then->permits, then->permits_count, now->attributes))
			hunt_piece(&h, now->permits[i]);
	hunt_end(&h);
}

/* ---- loosened and tightened ----------------------------------------------------------------- */

static bool as_strict_alone(
	const struct side *s, const struct box *b, unsigned duty, int64_t strictness)
{
	for (unsigned i = 0; i < s->count; i++)
		if (duty_strictness(&s->rules[i]->duties, duty) >= strictness &&
			box_holds(&s->boxes[i], b, s->attributes))
			return true;
	return false;
}

static bool openings_init(struct comparison *c, struct arena *a)
{
	struct openings *o = &c->open;

	*o = (struct openings){.left = c->budget};
	o->was = ARENA_ARRAY(a, uint8_t, c->was.permits_count + 1);
	o->is = ARENA_ARRAY(a, uint8_t, c->is.permits_count + 1);
	if (o->was == NULL || o->is == NULL || !search_init(&o->search, c->is.attributes, &o->left))
		return false;
	search_subtract_all(&o->search, c->was.denies, c->was.denies_count);
	search_subtract_all(&o->search, c->is.denies, c->is.denies_count);
	return true;
}

/* False: every case of the permit is denied by one side or the other. */
static bool permit_open(struct comparison *c, const struct side *s, unsigned permit)
{
	uint8_t *known = &(s == &c->was ? c->open.was : c->open.is)[permit];

	if (*known == NOT_ASKED) {
		size_t wide = search_narrow(&c->open.search, s->permits[permit]);

		*known = search_remains(&c->open.search, s->permits[permit]) == POLICY_NO ? SHUT
											  : OPEN;
		search_widen(&c->open.search, wide);
	}
	return *known == OPEN;
}

/* The same of a permit by its place among the rules. */
static bool rule_open(struct comparison *c, const struct side *s, unsigned place)
{
	unsigned permit = 0;

	while (s->permit_rules[permit] != place)
		permit++;
	return permit_open(c, s, permit);
}

/* For whom something of a side's permits is open, or could not be decided. */
static uint64_t side_reached(struct comparison *c, const struct side *s)
{
	struct search *search = &c->open.search;
	uint64_t all = domain_known(&c->space, s->family, POLICY_TO) | BIT(BIT_UNKNOWN), left = all;

	for (unsigned i = 0; i < s->permits_count && left != 0; i++) {
		struct box box = *s->permits[i];
		enum policy_answer answer = POLICY_YES;
		size_t wide;

		box.set[POLICY_TO] &= left;
		if (box.set[POLICY_TO] == 0)
			continue;
		wide = search_narrow(search, &box);
		while (answer == POLICY_YES && box.set[POLICY_TO] != 0) {
			answer = search_remains(search, &box);
			if (answer != POLICY_NO)
				left &= answer == POLICY_YES ? ~search->found.set[POLICY_TO]
							     : ~box.set[POLICY_TO];
			box.set[POLICY_TO] &= left;
		}
		search_widen(search, wide);
	}
	return all & ~left;
}

/* For whom both can permit something, as bits of struct hunt's `left`. */
static uint64_t both_reached(struct comparison *c)
{
	if (recipient_attribute(c) < 0)
		return 1;
	if (!c->open.reached_known) {
		c->open.reached = side_reached(c, &c->was);
		if (c->open.reached != 0)
			c->open.reached &= side_reached(c, &c->is);
		c->open.reached_known = true;
	}
	return c->open.reached;
}

/* Cases of one rule of `strict` that both permit, and for which `loose` demands less. */
static void weaker_rule(struct hunt *h, const struct side *strict, const struct side *loose,
	unsigned place, int64_t strictness)
{
	struct comparison *c = h->c;
	bool permit = strict->rules[place]->effect == POLICY_PERMIT;
	int to = recipient_attribute(c);
	size_t wide;

	h->left &= both_reached(c);
	if (h->left == 0 || (permit && !rule_open(c, strict, place)))
		return;
	search_clear(&c->search);
	search_subtract_all(&c->search, strict->denies, strict->denies_count);
	search_subtract_all(&c->search, loose->denies, loose->denies_count);
	for (unsigned i = 0; i < loose->count; i++)
		if (duty_strictness(&loose->rules[i]->duties, h->duty_row) >= strictness)
			search_subtract(&c->search, &loose->boxes[i]);
	(void)search_narrow(&c->search, &strict->boxes[place]);
	for (unsigned i = 0; i < loose->permits_count; i++) {
		struct box both, all;

		if (!box_meet(
			    &strict->boxes[place], loose->permits[i], strict->attributes, &both) ||
			!permit_open(c, loose, i))
			continue;
		/* Only for those who were not found yet. */
		if (to >= 0)
			both.set[to] &= h->left;
		if (h->left == 0 || (to >= 0 && both.set[to] == 0))
			continue;
		if (permit) {
			hunt_piece(h, &both);
			continue;
		}
		wide = search_narrow(&c->search, &both);
		/* Where nothing remains, no permit needs to be looked at. */
		if (search_remains(&c->search, &both) != POLICY_NO)
			for (unsigned k = 0; k < strict->permits_count; k++)
				if (permit_open(c, strict, k) && box_meet(&both, strict->permits[k],
									 strict->attributes, &all))
					hunt_piece(h, &all);
		search_widen(&c->search, wide);
	}
}

/* Permits first: a require has to be looked at beside each permit of its side. */
static void weaker(struct comparison *c, enum policy_change change, const struct side *strict,
	const struct side *loose)
{
	static const enum policy_effect order[] = {POLICY_PERMIT, POLICY_REQUIRE};

	for (unsigned d = 0; d < duties_count; d++) {
		struct hunt h = hunt_begin(c, change, (int)d);

		for (unsigned n = 0; n < COUNT_OF(order) * strict->count && h.left != 0; n++) {
			unsigned i = n % strict->count;
			int64_t strictness = duty_strictness(&strict->rules[i]->duties, d);

			if (strict->rules[i]->effect == order[n / strict->count] &&
				strictness != INT64_MIN &&
				!as_strict_alone(loose, &strict->boxes[i], d, strictness))
				weaker_rule(&h, strict, loose, i, strictness);
		}
		hunt_end(&h);
	}
}

/* ---- all of it ------------------------------------------------------------------------------ */

enum err_kind policy_compare(const struct policy *before, const struct policy *after,
	uint64_t steps, void (*each)(void *context, const struct policy_difference *difference),
	void *context, struct err *e)
{
	struct comparison c = {.before = before,
		.after = after,
		.budget = steps,
		.each = each,
		.context = context};
	enum err_kind kind = OK;

	if (!members_match(&c))
		return err_set(e, ERR_INVALID, "policy: the two are not about the same members");
	cuts_join(&c);
	for (unsigned f = POLICY_EXCHANGE; kind == OK && f <= POLICY_MEASURE; f++) {
		struct arena *arena = arena_new(ARENA_BYTES_MAX);

		c.search = (struct search){0};
		c.open = (struct openings){0};
		if (arena == NULL ||
			!side_init(&c.was, before, (enum policy_family)f, &c.space, c.members,
				arena) ||
			!side_init(&c.is, after, (enum policy_family)f, &c.space, NULL, arena) ||
			!search_init(&c.search, c.is.attributes, &c.left) ||
			!openings_init(&c, arena)) {
			kind = err_set(e, ERR_NOMEM, "policy: out of memory");
		} else {
			newly(&c, POLICY_GAINED, &c.was, &c.is);
			newly(&c, POLICY_LOST, &c.is, &c.was);
			weaker(&c, POLICY_LOOSENED, &c.was, &c.is);
			weaker(&c, POLICY_TIGHTENED, &c.is, &c.was);
		}
		search_fini(&c.open.search);
		search_fini(&c.search);
		arena_free(arena);
	}
	return kind;
}

static const char *const changes[] = {
	[POLICY_GAINED] = "gained",
	[POLICY_LOST] = "lost",
	[POLICY_LOOSENED] = "loosened",
	[POLICY_TIGHTENED] = "tightened",
};

const char *policy_change_name(enum policy_change change)
{
	return (unsigned)change < COUNT_OF(changes) ? changes[change] : "?";
}
