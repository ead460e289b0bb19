/* SPDX-License-Identifier: MPL-2.0 */
/* Common properties (3.2) as each kind of object uses them, and the structures that all share. */
#include "types_tables.h"

#define CLAUSE "3.2 Common Properties"

/* Rows that are the same wherever they are allowed. */
#define TYPE         ROW("type", KIND_TYPE, REQUIRED, .clause = CLAUSE)
#define ID           ROW("id", KIND_OWN_ID, REQUIRED, .clause = CLAUSE)
#define SPEC_VERSION ROW("spec_version", KIND_SPEC_VERSION, 0, MARK_VERSION, .clause = CLAUSE)
#define CREATED_BY_REF(flags)                                                                      \
	ROW("created_by_ref", KIND_ID, (flags) | SHOULD, .clause = CLAUSE,                         \
		.targets = BIT(SHAPE_IDENTITY))
#define CREATED(flags)                                                                             \
	ROW("created", KIND_TIMESTAMP, (flags) | MILLISECONDS, MARK_CREATED, FACT_CREATED, CLAUSE)
#define MODIFIED(flags)                                                                            \
	ROW("modified", KIND_TIMESTAMP, (flags) | MILLISECONDS, MARK_MODIFIED, FACT_MODIFIED,      \
		CLAUSE)
#define REVOKED(flags) ROW("revoked", KIND_BOOLEAN, flags, MARK_NONE, FACT_REVOKED, CLAUSE)
#define LABELS(flags)  ROW("labels", KIND_STRING, (flags) | LIST, MARK_NONE, FACT_LABELS, CLAUSE)
#define CONFIDENCE(flags)                                                                          \
	ROW("confidence", KIND_INTEGER, flags, MARK_NONE, FACT_CONFIDENCE, CLAUSE, BETWEEN(0, 100))
#define LANG(flags)                                                                                \
	ROW("lang", KIND_TEXT, flags, MARK_NONE, FACT_LANG, CLAUSE, .text = TEXT_LANGUAGE)
#define EXTERNAL_REFERENCES(flags)                                                                 \
	ROW("external_references", KIND_OBJECT, (flags) | LIST, .clause = CLAUSE,                  \
		.shape = &shape_external_reference)
#define OBJECT_MARKING_REFS                                                                        \
	ROW("object_marking_refs", KIND_ID, LIST, MARK_NONE, FACT_MARKINGS,                        \
		"7.2.2 Object Markings", .targets = BIT(SHAPE_MARKING_DEFINITION))
#define GRANULAR_MARKINGS                                                                          \
	ROW("granular_markings", KIND_OBJECT, LIST, .clause = "7.2.3 Granular Markings",           \
		.shape = &shape_granular_marking)
#define EXTENSIONS(flags)                                                                          \
	ROW("extensions", KIND_EXTENSIONS, flags, MARK_EXTENSIONS, .clause = CLAUSE)
#define DEFANGED(flags) ROW("defanged", KIND_BOOLEAN, flags, .clause = CLAUSE)
#define RESERVED(name)  ROW(name, KIND_RESERVED, 0, .clause = "3.8 Reserved Names")
#define ALL_RESERVED                                                                               \
	RESERVED("severity"), RESERVED("username"), RESERVED("phone_number"), RESERVED("action")

const struct property common_core[COMMON_CORE_COUNT] = {
	TYPE,
	SPEC_VERSION,
	ID,
	CREATED_BY_REF(0),
	CREATED(REQUIRED),
	MODIFIED(REQUIRED),
	REVOKED(0),
	LABELS(0),
	CONFIDENCE(0),
	LANG(0),
	EXTERNAL_REFERENCES(0),
	OBJECT_MARKING_REFS,
	GRANULAR_MARKINGS,
	EXTENSIONS(0),
	DEFANGED(FORBIDDEN),
	ALL_RESERVED,
};

/* 3.6 lets a producer version an observable, so the four properties of versioning are no error. */
const struct property common_observed[COMMON_OBSERVED_COUNT] = {
	TYPE,
	ID,
	SPEC_VERSION,
	OBJECT_MARKING_REFS,
	GRANULAR_MARKINGS,
	DEFANGED(0),
	EXTENSIONS(0),
	CREATED_BY_REF(NOT_APPLICABLE),
	CREATED(NOT_APPLICABLE),
	MODIFIED(NOT_APPLICABLE),
	REVOKED(NOT_APPLICABLE),
	LABELS(NOT_APPLICABLE),
	CONFIDENCE(NOT_APPLICABLE),
	LANG(NOT_APPLICABLE),
	EXTERNAL_REFERENCES(NOT_APPLICABLE),
	ALL_RESERVED,
};

const struct property common_language[COMMON_LANGUAGE_COUNT] = {
	TYPE,
	SPEC_VERSION,
	ID,
	CREATED_BY_REF(0),
	CREATED(REQUIRED),
	MODIFIED(REQUIRED),
	REVOKED(0),
	LABELS(0),
	CONFIDENCE(0),
	EXTERNAL_REFERENCES(0),
	OBJECT_MARKING_REFS,
	GRANULAR_MARKINGS,
	EXTENSIONS(0),
	LANG(NOT_APPLICABLE),
	DEFANGED(FORBIDDEN),
	ALL_RESERVED,
};

/* 7.2.1: a marking definition cannot be versioned. */
const struct property common_marking[COMMON_MARKING_COUNT] = {
	TYPE,
	SPEC_VERSION,
	ID,
	CREATED_BY_REF(0),
	CREATED(REQUIRED),
	EXTERNAL_REFERENCES(0),
	OBJECT_MARKING_REFS,
	GRANULAR_MARKINGS,
	EXTENSIONS(0),
	MODIFIED(FORBIDDEN),
	REVOKED(FORBIDDEN),
	LABELS(NOT_APPLICABLE),
	CONFIDENCE(NOT_APPLICABLE),
	LANG(NOT_APPLICABLE),
	DEFANGED(FORBIDDEN),
	ALL_RESERVED,
};

const struct property common_extension[COMMON_EXTENSION_COUNT] = {
	TYPE,
	SPEC_VERSION,
	ID,
	CREATED_BY_REF(REQUIRED),
	CREATED(REQUIRED),
	MODIFIED(REQUIRED),
	REVOKED(0),
	LABELS(0),
	EXTERNAL_REFERENCES(0),
	OBJECT_MARKING_REFS,
	GRANULAR_MARKINGS,
	CONFIDENCE(NOT_APPLICABLE),
	LANG(NOT_APPLICABLE),
	EXTENSIONS(NOT_APPLICABLE),
	DEFANGED(FORBIDDEN),
	ALL_RESERVED,
};

/* What a custom object must have depends on what it says it is: SPECIAL_CUSTOM. */
const struct property common_custom[COMMON_CUSTOM_COUNT] = {
	TYPE,
	SPEC_VERSION,
	ID,
	CREATED_BY_REF(0),
	CREATED(0),
	MODIFIED(0),
	REVOKED(0),
	LABELS(0),
	CONFIDENCE(0),
	LANG(0),
	EXTERNAL_REFERENCES(0),
	OBJECT_MARKING_REFS,
	GRANULAR_MARKINGS,
	EXTENSIONS(0),
	DEFANGED(0),
	ALL_RESERVED,
	ROW("name", KIND_ANY, 0, MARK_NONE, FACT_NAME),
	ROW("description", KIND_ANY, 0, MARK_NONE, FACT_DESCRIPTION),
};

const struct property common_bundle[COMMON_BUNDLE_COUNT] = {TYPE, ID};

/* ---- structures ---- */

static const struct property external_reference[] = {
	ROW("source_name", KIND_STRING, REQUIRED, MARK_A),
	ROW("description", KIND_STRING, 0, MARK_B),
	ROW("url", KIND_TEXT, 0, MARK_C, .text = TEXT_URL_LOOSE),
	ROW("hashes", KIND_HASHES, 0, MARK_D),
	ROW("external_id", KIND_STRING, 0, MARK_E),
};
static const struct rule external_reference_rules[] = {
	ROW(RULE_ONE_OF, SET(MARK_B) | SET(MARK_C) | SET(MARK_E), 0,
		"expected a description, url or external_id beside source_name"),
};
const struct shape shape_external_reference = {
	.number = SHAPE_EXTERNAL_REFERENCE,
	.name = "external-reference",
	.clause = "2.5 External Reference",
	OWN(external_reference),
	RULES(external_reference_rules),
	.special = SPECIAL_EXTERNAL_REFERENCE,
};

static const struct property kill_chain_phase[] = {
	ROW("kill_chain_name", KIND_TEXT, REQUIRED, .text = TEXT_TERM),
	ROW("phase_name", KIND_TEXT, REQUIRED, .text = TEXT_TERM),
};
const struct shape shape_kill_chain_phase = {
	.number = SHAPE_KILL_CHAIN_PHASE,
	.name = "kill-chain-phase",
	.clause = "2.11 Kill Chain Phase",
	OWN(kill_chain_phase),
};

static const struct property granular_marking[] = {
	ROW("lang", KIND_TEXT, 0, MARK_A, .text = TEXT_LANGUAGE),
	ROW("marking_ref", KIND_ID, 0, MARK_B, FACT_MARKINGS,
		.targets = BIT(SHAPE_MARKING_DEFINITION)),
	ROW("selectors", KIND_STRING, REQUIRED | LIST, MARK_C),
};
static const struct rule granular_marking_rules[] = {
	ROW(RULE_ONE_OF, SET(MARK_A) | SET(MARK_B), 0, "expected marking_ref or lang"),
	ROW(RULE_EXCLUDES, SET(MARK_A), SET(MARK_B), "expected only one of marking_ref and lang"),
};
const struct shape shape_granular_marking = {
	.number = SHAPE_GRANULAR_MARKING,
	.name = "granular-marking",
	.clause = "7.2.3 Granular Markings",
	OWN(granular_marking),
	RULES(granular_marking_rules),
	.special = SPECIAL_GRANULAR_MARKING,
};
