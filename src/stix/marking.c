/* SPDX-License-Identifier: MPL-2.0 */
/* What a marking definition says to a program, as opposed to whether it is well made. */
#include "stix.h"

/* Extensions that a policy may understand, beside no definition of another sort. */
static bool is_restriction(struct json_value marking_definition, struct json_value extensions)
{
	struct json_iter it = json_iter(extensions);
	struct json_value v;
	struct slice name;

	if (!json_is_object(extensions) || json_count(extensions) == 0 ||
		json_get(marking_definition, "definition_type", &v) ||
		json_get(marking_definition, "definition", &v))
		return false;
	while (json_object_next(&it, &name, &v))
		if (!slice_is(name, STIX_PAP_EXTENSION) && !slice_is(name, STIX_IEP_EXTENSION))
			return false;
	return true;
}

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
		return is_restriction(marking_definition, v) ? STIX_MARKING_RESTRICTION
							     : STIX_MARKING_UNKNOWN;
	if (slice_is(json_get_string(marking_definition, "definition_type"), "statement") &&
		json_get(marking_definition, "definition", &definition) &&
		json_count(definition) == 1 && json_get(definition, "statement", &v) &&
		json_is_string(v))
		return STIX_MARKING_STATEMENT;
	return STIX_MARKING_UNKNOWN;
}
