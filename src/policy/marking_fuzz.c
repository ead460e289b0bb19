/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Any JSON text as a marking definition: what it restricts is within the domains of the policy, and
 * joining two readings of it restricts what one does.
 */
#include <stdlib.h>

#include "mutate_text.h"
#include "planted.h"
#include "policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_US INT64_C(1795500000000000) /* 2026-11-24 */

static void require(bool good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct json_parser *parser; /* made once: that takes longer than most inputs */
	struct policy_marking m, twice;
	struct json_doc doc;

	if (parser == NULL)
		parser = json_parser_new(KIB(256));
	if (parser != NULL &&
		json_parse(parser, (struct slice){(const char *)data, size}, &doc, NULL) == OK) {
		policy_marking_read(json_root(&doc), NOW_US, &m);
		require(m.changes_us > NOW_US);
		twice = m;
		policy_marking_join(&twice, &m);
		require(twice.tlp == m.tlp && twice.pap == m.pap &&
			twice.no_affected == m.no_affected && twice.changes_us == m.changes_us);
		PLANTED(m.tlp > 0 && m.pap > 0 && m.changes_us != INT64_MAX);
	}
	return 0;
}
