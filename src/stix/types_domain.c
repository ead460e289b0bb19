/* SPDX-License-Identifier: MPL-2.0 */
/* STIX Domain Objects and STIX Relationship Objects, sections 4 and 5 of STIX 2.1. */
#include "types_tables.h"

#define NAME(flags) ROW("name", KIND_STRING, flags, MARK_NONE, FACT_NAME)
#define DESCRIPTION ROW("description", KIND_STRING, 0, MARK_NONE, FACT_DESCRIPTION)
#define SDO(number_, name_, clause_)                                                               \
	.number = (number_), .class = STIX_SDO, .name = (name_), .clause = (clause_), COMMON_CORE

static const struct rule seen_rules[] = {SEEN_ORDER};

static const struct property attack_pattern[] = {
	NAME(REQUIRED),
	DESCRIPTION,
	ROW("aliases", KIND_STRING, LIST),
	KILL_CHAIN_PHASES,
};
const struct shape shape_attack_pattern = {
	SDO(SHAPE_ATTACK_PATTERN, "attack-pattern", "4.1 Attack Pattern"),
	OWN(attack_pattern),
};

static const struct property campaign[] = {
	NAME(REQUIRED),
	DESCRIPTION,
	ROW("aliases", KIND_STRING, LIST),
	FIRST_SEEN,
	LAST_SEEN,
	ROW("objective", KIND_STRING),
};
const struct shape shape_campaign = {
	SDO(SHAPE_CAMPAIGN, "campaign", "4.2 Campaign"),
	OWN(campaign),
	RULES(seen_rules),
};

static const struct property course_of_action[] = {NAME(REQUIRED), DESCRIPTION};
const struct shape shape_course_of_action = {
	SDO(SHAPE_COURSE_OF_ACTION, "course-of-action", "4.3 Course of Action"),
	OWN(course_of_action),
};

static const struct property grouping[] = {
	NAME(0),
	DESCRIPTION,
	ROW("context", KIND_VOCABULARY, REQUIRED, TERMS(grouping_context)),
	ROW("object_refs", KIND_ID, REQUIRED | LIST, .targets = TARGET_OBJECT),
};
const struct shape shape_grouping = {
	SDO(SHAPE_GROUPING, "grouping", "4.4 Grouping"),
	OWN(grouping),
};

static const struct property identity[] = {
	NAME(REQUIRED),
	DESCRIPTION,
	ROW("roles", KIND_STRING, LIST),
	ROW("identity_class", KIND_VOCABULARY, 0, TERMS(identity_class)),
	ROW("sectors", KIND_VOCABULARY, LIST, TERMS(industry_sector)),
	ROW("contact_information", KIND_STRING),
};
const struct shape shape_identity = {
	SDO(SHAPE_IDENTITY, "identity", "4.5 Identity"),
	OWN(identity),
};

static const struct property incident[] = {NAME(REQUIRED), DESCRIPTION};
const struct shape shape_incident = {
	SDO(SHAPE_INCIDENT, "incident", "4.6 Incident"),
	OWN(incident),
};

static const struct property indicator[] = {
	ROW("name", KIND_STRING, 0, MARK_C, FACT_NAME),
	ROW("description", KIND_STRING, 0, MARK_D, FACT_DESCRIPTION),
	ROW("indicator_types", KIND_VOCABULARY, LIST, TERMS(indicator_type)),
	ROW("pattern", KIND_STRING, REQUIRED, MARK_E),
	ROW("pattern_type", KIND_VOCABULARY, REQUIRED_21, MARK_F, TERMS(pattern_type)),
	ROW("pattern_version", KIND_STRING),
	ROW("valid_from", KIND_TIMESTAMP, REQUIRED, MARK_A),
	ROW("valid_until", KIND_TIMESTAMP, 0, MARK_B),
	KILL_CHAIN_PHASES,
};
static const struct rule indicator_rules[] = {
	ROW(RULE_AFTER, SET(MARK_A), SET(MARK_B),
		"expected valid_until to be later than valid_from"),
	ROW(RULE_SHOULD_HAVE, SET(MARK_C) | SET(MARK_D), 0,
		"a name and a description help people to understand what it detects"),
};
const struct shape shape_indicator = {
	SDO(SHAPE_INDICATOR, "indicator", "4.7 Indicator"),
	OWN(indicator),
	RULES(indicator_rules),
	.special = SPECIAL_INDICATOR,
};

static const struct property infrastructure[] = {
	NAME(REQUIRED),
	DESCRIPTION,
	ROW("infrastructure_types", KIND_VOCABULARY, LIST, TERMS(infrastructure_type)),
	ROW("aliases", KIND_STRING, LIST),
	KILL_CHAIN_PHASES,
	FIRST_SEEN,
	LAST_SEEN,
};
const struct shape shape_infrastructure = {
	SDO(SHAPE_INFRASTRUCTURE, "infrastructure", "4.8 Infrastructure"),
	OWN(infrastructure),
	RULES(seen_rules),
};

static const struct property intrusion_set[] = {
	NAME(REQUIRED),
	DESCRIPTION,
	ROW("aliases", KIND_STRING, LIST),
	FIRST_SEEN,
	LAST_SEEN,
	ROW("goals", KIND_STRING, LIST),
	ROW("resource_level", KIND_VOCABULARY, 0, TERMS(attack_resource_level)),
	ROW("primary_motivation", KIND_VOCABULARY, 0, TERMS(attack_motivation)),
	ROW("secondary_motivations", KIND_VOCABULARY, LIST, TERMS(attack_motivation)),
};
const struct shape shape_intrusion_set = {
	SDO(SHAPE_INTRUSION_SET, "intrusion-set", "4.9 Intrusion Set"),
	OWN(intrusion_set),
	RULES(seen_rules),
};

static const struct property location[] = {
	NAME(0),
	DESCRIPTION,
	ROW("latitude", KIND_FLOAT, 0, MARK_A, BETWEEN(-90, 90)),
	ROW("longitude", KIND_FLOAT, 0, MARK_B, BETWEEN(-180, 180)),
	ROW("precision", KIND_FLOAT, 0, MARK_C, BETWEEN(-INTEGER_MOST, INTEGER_MOST)),
	ROW("region", KIND_VOCABULARY, 0, MARK_D, TERMS(region)),
	ROW("country", KIND_TEXT, 0, MARK_E, .text = TEXT_COUNTRY),
	ROW("administrative_area", KIND_TEXT, 0, .text = TEXT_AREA),
	ROW("city", KIND_STRING),
	ROW("street_address", KIND_STRING),
	ROW("postal_code", KIND_STRING),
};
static const struct rule location_rules[] = {
	ROW(RULE_ONE_OF, SET(MARK_A) | SET(MARK_B) | SET(MARK_D) | SET(MARK_E), 0,
		"expected a region, a country, or latitude and longitude"),
	ROW(RULE_NEEDS, SET(MARK_A) | SET(MARK_B) | SET(MARK_C), SET(MARK_A) | SET(MARK_B),
		"expected latitude, longitude and precision only with both latitude and longitude"),
};
const struct shape shape_location = {
	SDO(SHAPE_LOCATION, "location", "4.10 Location"),
	OWN(location),
	RULES(location_rules),
};

static const struct property malware[] = {
	ROW("name", KIND_STRING, 0, MARK_C, FACT_NAME),
	DESCRIPTION,
	ROW("malware_types", KIND_VOCABULARY, LIST, TERMS(malware_type)),
	ROW("is_family", KIND_BOOLEAN, REQUIRED_21, MARK_D),
	ROW("aliases", KIND_STRING, LIST),
	KILL_CHAIN_PHASES,
	FIRST_SEEN,
	LAST_SEEN,
	ROW("operating_system_refs", KIND_ID, LIST, .targets = BIT(SHAPE_SOFTWARE)),
	ROW("architecture_execution_envs", KIND_VOCABULARY, LIST, TERMS(processor_architecture)),
	ROW("implementation_languages", KIND_VOCABULARY, LIST, TERMS(implementation_language)),
	ROW("capabilities", KIND_VOCABULARY, LIST, TERMS(malware_capabilities)),
	ROW("sample_refs", KIND_ID, LIST, .targets = BIT(SHAPE_FILE) | BIT(SHAPE_ARTIFACT)),
};
const struct shape shape_malware = {
	SDO(SHAPE_MALWARE, "malware", "4.11 Malware"),
	OWN(malware),
	RULES(seen_rules),
	.special = SPECIAL_MALWARE,
};

static const struct property malware_analysis[] = {
	ROW("product", KIND_TEXT, REQUIRED, .text = TEXT_PRODUCT),
	ROW("version", KIND_STRING),
	ROW("host_vm_ref", KIND_ID, 0, .targets = BIT(SHAPE_SOFTWARE)),
	ROW("operating_system_ref", KIND_ID, 0, .targets = BIT(SHAPE_SOFTWARE)),
	ROW("installed_software_refs", KIND_ID, LIST, .targets = BIT(SHAPE_SOFTWARE)),
	ROW("configuration_version", KIND_STRING),
	ROW("modules", KIND_STRING, LIST),
	ROW("analysis_engine_version", KIND_STRING),
	ROW("analysis_definition_version", KIND_STRING),
	ROW("submitted", KIND_TIMESTAMP),
	ROW("analysis_started", KIND_TIMESTAMP),
	ROW("analysis_ended", KIND_TIMESTAMP),
	ROW("result_name", KIND_STRING),
	ROW("result", KIND_VOCABULARY, 0, MARK_A, TERMS(malware_result)),
	ROW("analysis_sco_refs", KIND_ID, LIST | SHOULD, MARK_B,
		.targets = TARGET_SCO | TARGET_CUSTOM),
	ROW("sample_ref", KIND_ID, 0,
		.targets = BIT(SHAPE_FILE) | BIT(SHAPE_NETWORK_TRAFFIC) | BIT(SHAPE_ARTIFACT)),
};
static const struct rule malware_analysis_rules[] = {
	ROW(RULE_ONE_OF, SET(MARK_A) | SET(MARK_B), 0, "expected result or analysis_sco_refs"),
};
const struct shape shape_malware_analysis = {
	SDO(SHAPE_MALWARE_ANALYSIS, "malware-analysis", "4.12 Malware Analysis"),
	OWN(malware_analysis),
	RULES(malware_analysis_rules),
};

static const struct property note[] = {
	ROW("abstract", KIND_STRING, 0, MARK_NONE, FACT_NAME),
	ROW("content", KIND_STRING, REQUIRED, MARK_NONE, FACT_DESCRIPTION),
	ROW("authors", KIND_STRING, LIST),
	ROW("object_refs", KIND_ID, REQUIRED | LIST, .targets = TARGET_OBJECT),
};
const struct shape shape_note = {
	SDO(SHAPE_NOTE, "note", "4.13 Note"),
	OWN(note),
};

static const struct property observed_data[] = {
	ROW("first_observed", KIND_TIMESTAMP, REQUIRED, MARK_A),
	ROW("last_observed", KIND_TIMESTAMP, REQUIRED, MARK_B),
	ROW("number_observed", KIND_INTEGER, REQUIRED, BETWEEN(1, 999999999)),
	ROW("objects", KIND_CONTAINER, 0, MARK_C),
	ROW("object_refs", KIND_ID, LIST, MARK_D,
		.targets = TARGET_SCO | TARGET_SRO | TARGET_CUSTOM),
};
static const struct rule observed_data_rules[] = {
	ROW(RULE_NOT_BEFORE, SET(MARK_A), SET(MARK_B),
		"expected last_observed not to be earlier than first_observed"),
	ROW(RULE_ONE_OF, SET(MARK_C) | SET(MARK_D), 0, "expected objects or object_refs"),
	ROW(RULE_EXCLUDES, SET(MARK_C), SET(MARK_D),
		"expected only one of objects and object_refs"),
};
const struct shape shape_observed_data = {
	SDO(SHAPE_OBSERVED_DATA, "observed-data", "4.14 Observed Data"),
	OWN(observed_data),
	RULES(observed_data_rules),
	.special = SPECIAL_OBSERVED_DATA,
};

static const struct property opinion[] = {
	ROW("explanation", KIND_STRING, 0, MARK_NONE, FACT_DESCRIPTION),
	ROW("authors", KIND_STRING, LIST),
	ROW("opinion", KIND_ENUM, REQUIRED, TERMS(opinion)),
	ROW("object_refs", KIND_ID, REQUIRED | LIST, .targets = TARGET_OBJECT),
};
const struct shape shape_opinion = {
	SDO(SHAPE_OPINION, "opinion", "4.15 Opinion"),
	OWN(opinion),
};

static const struct property report[] = {
	NAME(REQUIRED),
	DESCRIPTION,
	ROW("report_types", KIND_VOCABULARY, LIST, TERMS(report_type)),
	ROW("published", KIND_TIMESTAMP, REQUIRED),
	ROW("object_refs", KIND_ID, REQUIRED | LIST, .targets = TARGET_OBJECT),
};
const struct shape shape_report = {
	SDO(SHAPE_REPORT, "report", "4.16 Report"),
	OWN(report),
};

static const struct property threat_actor[] = {
	NAME(REQUIRED),
	DESCRIPTION,
	ROW("threat_actor_types", KIND_VOCABULARY, LIST, TERMS(threat_actor_type)),
	ROW("aliases", KIND_STRING, LIST),
	FIRST_SEEN,
	LAST_SEEN,
	ROW("roles", KIND_VOCABULARY, LIST, TERMS(threat_actor_role)),
	ROW("goals", KIND_STRING, LIST),
	ROW("sophistication", KIND_VOCABULARY, 0, TERMS(threat_actor_sophistication)),
	ROW("resource_level", KIND_VOCABULARY, 0, TERMS(attack_resource_level)),
	ROW("primary_motivation", KIND_VOCABULARY, 0, TERMS(attack_motivation)),
	ROW("secondary_motivations", KIND_VOCABULARY, LIST, TERMS(attack_motivation)),
	ROW("personal_motivations", KIND_VOCABULARY, LIST, TERMS(attack_motivation)),
};
const struct shape shape_threat_actor = {
	SDO(SHAPE_THREAT_ACTOR, "threat-actor", "4.17 Threat Actor"),
	OWN(threat_actor),
	RULES(seen_rules),
};

static const struct property tool[] = {
	NAME(REQUIRED),
	DESCRIPTION,
	ROW("tool_types", KIND_VOCABULARY, LIST, TERMS(tool_type)),
	ROW("aliases", KIND_STRING, LIST),
	KILL_CHAIN_PHASES,
	ROW("tool_version", KIND_STRING),
};
const struct shape shape_tool = {
	SDO(SHAPE_TOOL, "tool", "4.18 Tool"),
	OWN(tool),
};

static const struct property vulnerability[] = {NAME(REQUIRED), DESCRIPTION};
const struct shape shape_vulnerability = {
	SDO(SHAPE_VULNERABILITY, "vulnerability", "4.19 Vulnerability"),
	OWN(vulnerability),
};

/* ---- relationship objects ---- */

static const struct property relationship[] = {
	ROW("relationship_type", KIND_TEXT, REQUIRED, MARK_C, .text = TEXT_RELATIONSHIP),
	DESCRIPTION,
	ROW("source_ref", KIND_ID, REQUIRED, MARK_D,
		.targets = TARGET_SDO | TARGET_SCO | TARGET_CUSTOM),
	ROW("target_ref", KIND_ID, REQUIRED, MARK_E,
		.targets = TARGET_SDO | TARGET_SCO | TARGET_CUSTOM),
	ROW("start_time", KIND_TIMESTAMP, 0, MARK_A),
	ROW("stop_time", KIND_TIMESTAMP, 0, MARK_B),
};
static const struct rule relationship_rules[] = {
	ROW(RULE_AFTER, SET(MARK_A), SET(MARK_B), "expected stop_time to be later than start_time"),
};
const struct shape shape_relationship = {
	.number = SHAPE_RELATIONSHIP,
	.class = STIX_SRO,
	.name = "relationship",
	.clause = "5.1 Relationship",
	COMMON_CORE,
	OWN(relationship),
	RULES(relationship_rules),
	.special = SPECIAL_RELATIONSHIP,
};

static const struct property sighting[] = {
	DESCRIPTION,
	FIRST_SEEN,
	LAST_SEEN,
	ROW("count", KIND_INTEGER, 0, BETWEEN(0, 999999999)),
	ROW("sighting_of_ref", KIND_ID, REQUIRED, .targets = TARGET_SDO | TARGET_CUSTOM),
	ROW("observed_data_refs", KIND_ID, LIST, .targets = BIT(SHAPE_OBSERVED_DATA)),
	ROW("where_sighted_refs", KIND_ID, LIST,
		.targets = BIT(SHAPE_IDENTITY) | BIT(SHAPE_LOCATION)),
	ROW("summary", KIND_BOOLEAN),
};
const struct shape shape_sighting = {
	.number = SHAPE_SIGHTING,
	.class = STIX_SRO,
	.name = "sighting",
	.clause = "5.2 Sighting",
	COMMON_CORE,
	OWN(sighting),
	RULES(seen_rules),
};
