/* SPDX-License-Identifier: MPL-2.0 */
/* What a marking definition says to a program, as opposed to whether it is well made. */
#include "stix.h"

enum stix_marking_kind stix_marking_kind_of(struct json_value marking_definition)
{
	struct json_value definition, v;
	struct stix_id id;

	if (!slice_is(json_get_string(marking_definition, "type"), "marking-definition"))
		return STIX_MARKING_UNKNOWN;
	if (stix_id_parse(json_get_string(marking_definition, "id"), &id) &&
		stix_tlp_of(&id.uuid) != STIX_TLP_NONE)
		return STIX_MARKING_TLP;
	/* An extension may hold any restriction, whatever stands beside it. */
	if (json_get(marking_definition, "extensions", &v))
		return STIX_MARKING_UNKNOWN;
	if (slice_is(json_get_string(marking_definition, "definition_type"), "statement") &&
		json_get(marking_definition, "definition", &definition) &&
		json_count(definition) == 1 && json_get(definition, "statement", &v) &&
		json_is_string(v))
		return STIX_MARKING_STATEMENT;
	return STIX_MARKING_UNKNOWN;
}
