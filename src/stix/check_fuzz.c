/* SPDX-License-Identifier: MPL-2.0 */
/* Any JSON text as an object and as a bundle: checked, its marking and its identifier read. */
#include <stdlib.h>

#include "mutate_text.h"
#include "planted.h"
#include "stix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_once(struct json_value object, bool errors_only, struct arena *a)
{
	struct stix_report report = {.arena = a, .errors_only = errors_only};
	struct stix_facts facts;
	struct uuid uuid;
	bool deterministic;

	if (stix_check(object, &report, &facts, NULL) == OK) {
		if (report.count > STIX_FINDINGS_MAX ||
			report.count + report.dropped != report.errors + report.warnings)
			abort();
		for (size_t i = 0; i < report.count; i++)
			if (!utf8_valid(report.findings[i].message) ||
				!utf8_valid(report.findings[i].path))
				abort();
		for (size_t i = 1; i < facts.markings_count; i++)
			if (memcmp(&facts.markings[i - 1], &facts.markings[i], sizeof(uuid)) >= 0)
				abort();
		if (errors_only && report.warnings != 0)
			abort();
		PLANTED(facts.confidence > 9 && report.errors == 0);
	}
	stix_report_reset(&report);
	if (stix_check_bundle(object, &report, NULL) != OK)
		stix_report_reset(&report);
	if (stix_observable_id(object, &deterministic, &uuid, NULL) == OK)
		(void)stix_marking_kind_of(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct json_parser *parser; /* made once: that takes longer than most inputs */
	struct arena *a = arena_new(MIB(4));
	struct json_doc doc;

	if (parser == NULL)
		parser = json_parser_new(KIB(256));
	if (parser != NULL && a != NULL &&
		json_parse(parser, (struct slice){(const char *)data, size}, &doc, NULL) == OK) {
		check_once(json_root(&doc), false, a);
		check_once(json_root(&doc), true, a);
	}
	arena_free(a);
	return 0;
}
