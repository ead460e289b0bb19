/* SPDX-License-Identifier: MPL-2.0 */
/* What a recipient may have of a collection, in numbers; and why one object is for them or not, in
 * words. */
#include <stdlib.h>

#include "release.h"

/* ---- in numbers ------------------------------------------------------------------------------ */

static void rule_count(struct intel_may_read *m, int16_t rule)
{
	size_t at = 0;

	if (rule < 0)
		return;
	while (at < m->rules_count && m->rules[at].rule != rule)
		at++;
	if (at == INTEL_RULES_TOLD) /* the rest is not told one by one */
		return;
	if (at == m->rules_count)
		m->rules[m->rules_count++] = (struct intel_rule_count){.rule = rule};
	m->rules[at].objects++;
}

/* Those whose policy went meanwhile have no names any more. */
static void rules_name(struct intel *i, struct intel_may_read *m, uint64_t generation)
{
	pthread_rwlock_rdlock(&i->policy_lock);
	if (i->policy == NULL || i->generation != generation)
		m->rules_count = 0;
	for (size_t k = 0; k < m->rules_count; k++) {
		struct intel_rule_count *r = &m->rules[k];

		snprintf(r->id, sizeof(r->id), "%.*s",
			SLICE_ARG(policy_rule_id(i->policy, r->rule)));
		snprintf(r->clause, sizeof(r->clause), "%.*s",
			SLICE_ARG(policy_rule_clause(i->policy, r->rule)));
	}
	pthread_rwlock_unlock(&i->policy_lock);
}

enum err_kind intel_may_read(struct intel *i, const struct intel_recipient *to, size_t rows_max,
	struct intel_may_read *ret_counts, struct err *e)
{
	const struct intel_recipient us = {.reach = INTEL_OPERATOR};
	const struct store_search newest = {.collection = to->collection};
	struct intel_may_read m = {.complete = true};
	struct store_reader *r = NULL;
	struct store_cursor *c = NULL;
	uint64_t generation = intel_policy_get(i).generation;
	enum err_kind kind = store_reader_take(i->store, &r, e);

	if (kind == OK)
		kind = intel_release_search(i, r, &us, &newest, &c, e);
	while (kind == OK) {
		struct store_row row;
		struct intel_note note;
		bool more;

		kind = store_cursor_next(c, &row, &more, e);
		if (kind != OK || !more)
			break;
		if (m.readable + m.withheld == rows_max) {
			m.complete = false;
			break;
		}
		if (!intel_release(i, r, to, &row)) {
			m.withheld++;
			continue;
		}
		m.readable++;
		intel_released_note(i, r, to, &row, &note);
		rule_count(&m, note.rule);
	}
	store_cursor_free(c);
	store_reader_give(r);
	if (kind != OK)
		return kind;
	rules_name(i, &m, generation);
	*ret_counts = m;
	return OK;
}

/* ---- in words -------------------------------------------------------------------------------- */

static const char *tlp_name(uint8_t tlp)
{
	return tlp <= STIX_TLP_RED ? stix_tlp_name((enum stix_tlp)tlp) : "unknown";
}

static enum err_kind policy_part(struct intel *i, const struct intel_reason *reason, bool json,
	struct buf *out, struct err *e)
{
	enum err_kind kind = OK;

	pthread_rwlock_rdlock(&i->policy_lock);
	if (i->policy != NULL && reason->question.family == POLICY_EXCHANGE)
		kind = policy_explain(i->policy, &reason->question, json, out, e);
	else if (json)
		buf_text(out, "null");
	pthread_rwlock_unlock(&i->policy_lock);
	return kind;
}

static const char *pap_name(int32_t pap)
{
	const struct policy_attribute *a = policy_attribute_get(POLICY_EXCHANGE, POLICY_PAP);

	return pap >= 0 && (size_t)pap < a->values_count ? a->values[pap] : "unknown";
}

/* What markings say beside TLP. */
static void account_markings(const struct policy_marking *says, struct buf *out)
{
	if (says->pap != 0)
		buf_printf(out, "markings: PAP %s\n", pap_name(says->pap));
	if (says->duties.encrypt)
		buf_text(out, "markings: encrypted on the way\n");
	if (says->duties.attribution)
		buf_text(out, "markings: the source is named\n");
	if (says->duties.anonymous)
		buf_text(out, "markings: the source is withheld\n");
	if (says->no_affected)
		buf_text(out, "markings: kept from whom it affects\n");
}

static enum err_kind account_text(struct intel *i, const struct intel_reason *reason,
	const char *who, struct buf *out, struct err *e)
{
	buf_printf(out, "%s: %s\n", who, reason->released ? "released" : "withheld");
	buf_printf(out,
		"markings: TLP %s of this object and all that it refers to; at most %s: %s\n",
		tlp_name(reason->tlp),
		reason->ceiling == INTEL_TLP_UNKNOWN ? "everything" : tlp_name(reason->ceiling),
		reason->marking ? "yes" : "no");
	account_markings(&reason->says, out);
	if (reason->because != NULL)
		buf_printf(out, "policy: no: %s\n", reason->because);
	else
		buf_printf(out, "policy: %s\n",
			!reason->asked      ? "not asked for this recipient"
			: reason->permitted ? "yes"
					    : "no");
	return reason->asked ? policy_part(i, reason, false, out, e) : OK;
}

static enum err_kind account_json(struct intel *i, const struct intel_reason *reason,
	const char *who, struct buf *out, struct err *e)
{
	struct json_writer w = JSON_WRITER(out);
	struct buf part = BUF_INIT;
	enum err_kind kind = OK;

	if (reason->asked)
		kind = policy_part(i, reason, true, &part, e);
	if (kind == OK) {
		json_write_object(&w);
		json_member_text(&w, "recipient", who);
		json_member_bool(&w, "released", reason->released);
		json_member_text(&w, "tlp", tlp_name(reason->tlp));
		json_member_text(&w, "pap", pap_name(reason->says.pap));
		json_member_bool(&w, "encrypt", reason->says.duties.encrypt);
		json_member_bool(&w, "attribution", reason->says.duties.attribution);
		json_member_bool(&w, "anonymous", reason->says.duties.anonymous);
		json_member_bool(&w, "no_affected", reason->says.no_affected);
		json_member_text(&w, "ceiling", tlp_name(reason->ceiling));
		json_member_bool(&w, "marking", reason->marking);
		json_member_bool(&w, "asked", reason->asked);
		json_member_bool(&w, "permitted", reason->permitted);
		if (reason->because != NULL)
			json_member_text(&w, "because", reason->because);
		if (part.len > 0) {
			json_write_name(&w, "policy");
			json_write_raw(&w, slice_trim(buf_slice(&part)));
		}
		json_write_end(&w, '}');
	}
	if (kind == OK && (part.bad || out->bad))
		kind = err_set(e, ERR_NOMEM, "out of memory");
	buf_fini(&part);
	return kind;
}

enum err_kind intel_release_account(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, const struct store_row *row, bool json, struct buf *out,
	struct err *e)
{
	char who[INTEL_RECIPIENT_MAX];
	struct intel_reason reason;
	enum err_kind kind = intel_release_explain(i, r, to, row, &reason, e);

	if (kind != OK)
		return kind;
	intel_recipient_name(to, who);
	return (json ? account_json : account_text)(i, &reason, who, out, e);
}
