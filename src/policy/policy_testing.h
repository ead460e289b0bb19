/* SPDX-License-Identifier: MPL-2.0 */
/* What the tests of policies share: texts written short (' for "), five members, cases. */
#ifndef POLICY_TESTING_H
#define POLICY_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policy.h"

static const struct slice testing_members[] = {
	{"kg",   2},
	{"kz",   2},
	{"tj",   2},
	{"uz",   2},
	{"rats", 4},
};
enum { KG, KZ, TJ, UZ, RATS };
static const struct policy_parties testing_parties = {testing_members, 5};

#define HEAD         "{'type':'policy','name':'p','version':1,'expires':'2030-01-01T00:00:00Z',"
#define EXPIRY       INT64_C(1893456000000000) /* 2030-01-01T00:00:00Z in microseconds */
#define RULES(rules) HEAD "'groups':{'west':['kz','uz'],'nobody':[]},'rules':[" rules "]}"
/* An exchange rule. */
#define RULE(id, effect, when)                                                                     \
	"{'id':'" id "','family':'exchange','effect':'" effect "','clause':'1','when':{" when "}}"
#define RULE_MUST(id, effect, when, must)                                                          \
	"{'id':'" id "','family':'exchange','effect':'" effect "','when':{" when "},'must':{" must \
	"}}"
#define MEASURE_MUST(id, effect, when, must)                                                       \
	"{'id':'" id "','family':'measure','effect':'" effect "','when':{" when "},'must':{" must  \
	"}}"

#define ONE(when) RULES(RULE("a", "permit", when))

/* ' becomes " */
static inline struct buf testing_text(const char *text)
{
	struct buf b = BUF_INIT;

	for (; *text != '\0'; text++)
		buf_char(&b, *text == '\'' ? '"' : *text);
	return b;
}

static inline struct policy *testing_policy(const char *text)
{
	struct buf b = testing_text(text);
	struct policy *p = NULL;
	struct err e;

	if (policy_parse(buf_slice(&b), &testing_parties, NULL, &p, &e) != OK)
		fail_msg("%s\n%.*s", e.text, SLICE_ARG(buf_slice(&b)));
	buf_fini(&b);
	return p;
}

/* An indicator of kg's own for kz: green, no personal data, 80, ten days old. */
static inline struct policy_case testing_case(void)
{
	struct policy_case c;

	policy_case_init(&c, POLICY_EXCHANGE);
	c.values[POLICY_ACT] = 0;
	c.values[POLICY_FROM] = KG;
	c.values[POLICY_TO] = KZ;
	(void)policy_value_find(
		POLICY_EXCHANGE, POLICY_KIND, SLICE("indicator"), &c.values[POLICY_KIND]);
	c.values[POLICY_TLP] = STIX_TLP_GREEN;
	c.values[POLICY_CONFIDENCE] = 80;
	c.values[POLICY_AGE_DAYS] = 10;
	c.values[POLICY_PII] = 0;
	c.values[POLICY_ORIGIN] = 0;
	c.values[POLICY_PURPOSE] = 0;
	c.values[POLICY_REQUEST_OPEN] = 0;
	c.values[POLICY_TO_AFFECTED] = 0;
	c.values[POLICY_CONTENT] = 0;
	c.values[POLICY_PAP] = 0;
	return c;
}

#endif
