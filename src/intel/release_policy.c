/* SPDX-License-Identifier: MPL-2.0 */
/*
 * From what is known of an object and its recipient to the question that a policy is asked, and
 * from its answer to ours. Bytes leave exactly as they came, so an answer that demands that
 * something be taken out of them is a no.
 */
#include "release.h"

/* ---- words as numbers ------------------------------------------------------------------------ */

static int32_t number_of(unsigned attribute, const char *word)
{
	int32_t value;

	return policy_value_find(POLICY_EXCHANGE, attribute, slice_of(word), &value)
		       ? value
		       : POLICY_UNKNOWN;
}

static void ages_find(struct release_ages *a, const struct policy *policy)
{
	int32_t age = 0, end;

	while (a->count < RELEASE_CUTS) {
		(void)policy_interval(policy, POLICY_EXCHANGE, POLICY_AGE_DAYS, age, &end);
		if (end == INT32_MAX || end <= age)
			break;
		a->end[a->count++] = end;
		age = end;
	}
}

static void words_find(struct release_words *w, const struct policy *policy)
{
	*w = (struct release_words){
		.share = number_of(POLICY_ACT, "share"),
		.reshare = number_of(POLICY_ACT, "reshare"),
		.publish = number_of(POLICY_ACT, "publish"),
		.own = number_of(POLICY_ORIGIN, "own"),
		.received = number_of(POLICY_ORIGIN, "received"),
		.yes = number_of(POLICY_TO_AFFECTED, "true"),
		.no = number_of(POLICY_TO_AFFECTED, "false"),
		.purpose_none = number_of(POLICY_PURPOSE, "none"),
	};
	for (unsigned i = 0; i < COUNT_OF(w->tlp); i++)
		w->tlp[i] = number_of(POLICY_TLP, stix_tlp_name((enum stix_tlp)i));
	for (unsigned i = 0; i < PII_KINDS; i++)
		w->pii[i] = number_of(POLICY_PII, traits_pii_name((enum traits_pii)i));
	for (unsigned i = 0; i < CONTENT_KINDS; i++)
		w->content[i] =
			number_of(POLICY_CONTENT, traits_content_name((enum traits_content)i));
	for (unsigned i = 0; i < COUNT_OF(w->sector) && traits_sector_name(i) != NULL; i++) {
		int32_t number = number_of(POLICY_SECTOR, traits_sector_name(i));

		w->sector[i] = number < 0 ? 0 : UINT64_C(1) << number;
	}
	ages_find(&w->ages, policy);
}

static int32_t member_number(const struct policy_parties *parties, struct slice name)
{
	for (size_t i = 0; i < parties->members_count; i++)
		if (slice_equal(parties->members[i], name))
			return (int32_t)i;
	return POLICY_UNKNOWN;
}

enum err_kind release_policy_init(
	struct release_policy *p, const struct policy *policy, struct slice self, struct err *e)
{
	*p = (struct release_policy){.policy = policy, .facts = policy_facts(policy), .self = self};
	p->self_number = member_number(p->facts.parties, self);
	if (p->self_number == POLICY_UNKNOWN)
		return err_set(e, ERR_INVALID, "\"%.*s\" is no member in policy \"%.*s\"",
			SLICE_ARG(self), SLICE_ARG(p->facts.name));
	words_find(&p->words, policy);
	return OK;
}

/* ---- who asks -------------------------------------------------------------------------------- */

struct release_asker release_asker_of(
	const struct release_policy *p, const struct intel_recipient *to)
{
	bool file = to->reach == INTEL_MEMBER || to->reach == INTEL_PUBLIC;
	bool public = to->reach == INTEL_PUBLIC || slice_is(to->member, "public") ||
		      (to->reach == INTEL_COLLECTION && to->account == 0);

	return (struct release_asker){
		.to = public ? POLICY_PUBLIC : member_number(p->facts.parties, to->member),
		.everybody = !public && to->reach == INTEL_MEMBER && to->member.len == 0,
		.purpose = to->purpose,
		.request_open = to->request_open,
		.legal_basis = to->legal_basis,
		.plain = file,
		.approvals = to->approvals,
	};
}

/* ---- ages ------------------------------------------------------------------------------------ */

int32_t release_age_days(const struct store_row *row, int64_t now_us)
{
	int64_t then = row->version_us != 0 ? row->version_us : row->created_us;
	int64_t days;

	/* Without a time, or from a future that no clock's error explains: nobody knows. */
	if (then == 0 || then > now_us + DAY_US)
		return POLICY_UNKNOWN;
	days = then > now_us ? 0 : (now_us - then) / DAY_US;
	return days > INT32_MAX - 1 ? INT32_MAX - 1 : (int32_t)days;
}

unsigned release_age_interval(const struct release_ages *ages, int32_t age_days)
{
	unsigned interval = 0;

	if (age_days == POLICY_UNKNOWN)
		return RELEASE_CUTS + 1;
	while (interval < ages->count && age_days >= ages->end[interval])
		interval++;
	return interval;
}

bool release_is_due(const struct store_row *row, int64_t now_us, int32_t delay_hours)
{
	return delay_hours <= 0 || now_us - row->date_added_us >= delay_hours * HOUR_US;
}

/* ---- the question ---------------------------------------------------------------------------- */

/* Is the member's name in the list? */
static int32_t affected_of(const struct release_policy *p, const struct traits *traits, int32_t to)
{
	struct slice rest = traits->affected, name;

	if (rest.len == 0 || to < 0 || to == POLICY_PUBLIC)
		return POLICY_UNKNOWN;
	while (slice_next(&rest, ',', &name))
		if (slice_equal(name, p->facts.parties->members[to]))
			return p->words.yes;
	return p->words.no;
}

static void question_make(const struct release_policy *p, const struct release_asker *asker,
	const struct release_facts *facts, int32_t to, struct policy_case *q)
{
	const struct release_words *w = &p->words;
	const struct traits *t = facts->traits;

	policy_case_init(q, POLICY_EXCHANGE);
	q->values[POLICY_ACT] = to == POLICY_PUBLIC ? w->publish
				: facts->own        ? w->share
						    : w->reshare;
	q->values[POLICY_FROM] = p->self_number;
	q->values[POLICY_TO] = to;
	q->values[POLICY_ORIGIN] = facts->own ? w->own : w->received;
	q->values[POLICY_AGE_DAYS] = facts->age_days;
	q->values[POLICY_REQUEST_OPEN] = asker->request_open ? w->yes : w->no;
	if (asker->purpose.len == 0)
		q->values[POLICY_PURPOSE] = w->purpose_none;
	else if (!policy_value_find(POLICY_EXCHANGE, POLICY_PURPOSE, asker->purpose,
			 &q->values[POLICY_PURPOSE]))
		q->values[POLICY_PURPOSE] = POLICY_UNKNOWN;
	if (facts->marking->level < COUNT_OF(w->tlp)) { /* all markings are understood */
		q->values[POLICY_TLP] = w->tlp[facts->marking->level];
		q->values[POLICY_PAP] = facts->marking->says.pap;
	}
	if (t == NULL)
		return;
	if (!policy_value_find(POLICY_EXCHANGE, POLICY_KIND, t->kind, &q->values[POLICY_KIND]))
		q->values[POLICY_KIND] = POLICY_UNKNOWN;
	if (t->confidence >= 0)
		q->values[POLICY_CONFIDENCE] = t->confidence;
	q->values[POLICY_PII] = w->pii[t->pii];
	q->values[POLICY_CONTENT] = w->content[t->content];
	q->values[POLICY_TO_AFFECTED] = affected_of(p, t, to);
	for (unsigned i = 0; i < COUNT_OF(w->sector); i++)
		if ((t->sectors >> i & 1) != 0)
			q->sectors |= w->sector[i];
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* Obligations that bind us, not the recipient. NULL: all kept. */
static const char *not_kept(const struct release_asker *asker, const struct policy_duties *d,
	const struct policy_duties *of_marking)
{
	if (d->redact != 0)
		return "the policy demands that something be taken out, and bytes leave exactly "
		       "as they came";
	if (of_marking->anonymous)
		return "a marking demands that the source be withheld, and it is in the bytes";
	if (d->anonymous)
		return "the policy demands that the source be withheld, and it is in the bytes";
	if (d->approvals > 0 && asker->approvals < (unsigned)d->approvals)
		return "the policy demands approvals that are not there";
	if (d->legal_basis && !asker->legal_basis)
		return "the policy demands a legal basis, and none was given";
	if (of_marking->encrypt && asker->plain)
		return "a marking demands encryption, and a file has none";
	if (d->encrypt && asker->plain)
		return "the policy demands encryption, and a file has none";
	return NULL;
}

static bool decide_one(const struct release_policy *p, const struct release_asker *asker,
	const struct release_facts *facts, int32_t to, struct release_decision *d)
{
	question_make(p, asker, facts, to, &d->question);
	policy_decide_marked(p->policy, &facts->marking->says, &d->question, &d->last);
	d->rule = d->last.rule;
	if (!d->last.allowed) {
		d->because = d->last.contradiction
				     ? "the obligations of policy and markings contradict one "
				       "another"
			     : d->last.by_marking
				     ? "a marking wants it kept from whom it affects, and nothing "
				       "says that the recipient is not affected"
				     : NULL;
		return false;
	}
	d->because = not_kept(asker, &d->last.duties, &facts->marking->says.duties);
	if (d->because != NULL)
		return false;
	if (d->last.duties.delay_hours > d->delay_hours)
		d->delay_hours = d->last.duties.delay_hours;
	return true;
}

void release_decide(const struct release_policy *p, const struct release_asker *asker,
	const struct release_facts *facts, struct release_decision *ret_decision)
{
	struct release_decision d = {.rule = -1};

	if (!asker->everybody) {
		d.allowed = decide_one(p, asker, facts, asker->to, &d);
	} else {
		size_t asked = 0;

		d.allowed = true;
		for (size_t i = 0; d.allowed && i < p->facts.parties->members_count; i++) {
			if ((int32_t)i == p->self_number)
				continue;
			d.allowed = decide_one(p, asker, facts, (int32_t)i, &d);
			asked++;
		}
		if (asked == 0) { /* nobody else is there */
			d.allowed = false;
			d.because = "the policy knows no other member";
		}
	}
	*ret_decision = d;
}

/* ---- how long a recipient may keep it ---------------------------------------------------------- */

bool release_retention(const struct release_policy *p, struct slice sender,
	const struct release_facts *facts, struct policy_duties *ret_duties, struct slice *ret_rule)
{
	/* What its author shared counts; else what any other member may have handed on. */
	const int32_t members = (int32_t)p->facts.parties->members_count;
	struct release_asker us = {.to = p->self_number};
	struct policy_decision d;
	struct policy_case q;
	int32_t author = member_number(p->facts.parties, sender);
	bool found = false;

	if (author < 0)
		return false;
	question_make(p, &us, facts, p->self_number, &q);
	q.values[POLICY_FROM] = author;
	policy_decide_marked(p->policy, &facts->marking->says, &q, &d);
	if (d.allowed) {
		*ret_duties = d.duties;
		*ret_rule = policy_rule_id(p->policy, d.rule);
		return true;
	}
	q.values[POLICY_ACT] = p->words.reshare;
	q.values[POLICY_ORIGIN] = p->words.received;
	for (int32_t from = 0; from < members; from++) {
		q.values[POLICY_FROM] = from;
		if (from == author || from == p->self_number)
			continue;
		policy_decide_marked(p->policy, &facts->marking->says, &q, &d);
		if (!d.allowed || (found && (d.duties.retain_days <= 0 ||
						    (ret_duties->retain_days > 0 &&
							    d.duties.retain_days >=
								    ret_duties->retain_days))))
			continue;
		found = true;
		*ret_duties = d.duties;
		*ret_rule = policy_rule_id(p->policy, d.rule);
	}
	return found;
}
