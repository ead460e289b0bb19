/* SPDX-License-Identifier: MPL-2.0 */
/* STIX Meta Objects, bundles and custom objects, sections 7, 8 and 11.2 of STIX 2.1. */
#include "types_tables.h"

static const struct property language_content[] = {
	ROW("object_ref", KIND_ID, REQUIRED, MARK_A, .targets = TARGET_OBJECT),
	ROW("object_modified", KIND_TIMESTAMP),
	ROW("contents", KIND_CONTENTS, REQUIRED),
};
const struct shape shape_language_content = {
	.number = SHAPE_LANGUAGE_CONTENT,
	.class = STIX_META,
	.name = "language-content",
	.clause = "7.1 Language Content",
	.common = common_language,
	.common_count = COMMON_LANGUAGE_COUNT,
	OWN(language_content),
};

static const struct property marking_definition[] = {
	ROW("name", KIND_STRING, 0, MARK_A, FACT_NAME),
	ROW("definition_type", KIND_VOCABULARY, 0, MARK_B, TERMS(marking_type)),
	ROW("definition", KIND_MARKING, 0, MARK_C),
};
const struct shape shape_marking_definition = {
	.number = SHAPE_MARKING_DEFINITION,
	.class = STIX_META,
	.name = "marking-definition",
	.clause = "7.2.1 Marking Definition",
	.common = common_marking,
	.common_count = COMMON_MARKING_COUNT,
	OWN(marking_definition),
	.special = SPECIAL_MARKING_DEFINITION,
};

static const struct property extension_definition[] = {
	ROW("name", KIND_STRING, REQUIRED, MARK_NONE, FACT_NAME),
	ROW("description", KIND_STRING, 0, MARK_A, FACT_DESCRIPTION),
	ROW("schema", KIND_STRING, REQUIRED),
	ROW("version", KIND_STRING, REQUIRED),
	ROW("extension_types", KIND_ENUM, REQUIRED | LIST, MARK_B, TERMS(extension_type)),
	ROW("extension_properties", KIND_TEXT, LIST, MARK_C, .text = TEXT_PROPERTY_NAME),
};
static const struct rule extension_definition_rules[] = {
	ROW(RULE_SHOULD_HAVE, SET(MARK_A), 0,
		"a description helps people to understand the extension"),
};
const struct shape shape_extension_definition = {
	.number = SHAPE_EXTENSION_DEFINITION,
	.class = STIX_META,
	.name = "extension-definition",
	.clause = "7.3 Extension Definition",
	.common = common_extension,
	.common_count = COMMON_EXTENSION_COUNT,
	OWN(extension_definition),
	RULES(extension_definition_rules),
	.special = SPECIAL_EXTENSION_DEFINITION,
};

static const struct property bundle[] = {
	{"objects", KIND_ANY, LIST}
};
const struct shape shape_bundle = {
	.number = SHAPE_BUNDLE,
	.class = STIX_BUNDLE,
	.name = "bundle",
	.clause = "8 Bundle",
	.common = common_bundle,
	.common_count = COMMON_BUNDLE_COUNT,
	OWN(bundle),
};

const struct shape shape_custom = {
	.number = SHAPE_CUSTOM,
	.class = STIX_CUSTOM,
	.name = "custom",
	.clause = "11.2 Custom Objects",
	.common = common_custom,
	.common_count = COMMON_CUSTOM_COUNT,
	.special = SPECIAL_CUSTOM,
};
