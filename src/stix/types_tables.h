/* SPDX-License-Identifier: MPL-2.0 */
/* How the tables are written: the rows that several types share, and the shapes by name. */
#ifndef STIX_TYPES_TABLES_H
#define STIX_TYPES_TABLES_H

#include "types_vocabulary.h"

/* Common properties as each kind of object uses them, table of section 3.2. */
#define COMMON_CORE_COUNT      19
#define COMMON_OBSERVED_COUNT  19
#define COMMON_LANGUAGE_COUNT  19
#define COMMON_MARKING_COUNT   19
#define COMMON_EXTENSION_COUNT 19
#define COMMON_CUSTOM_COUNT    21
#define COMMON_BUNDLE_COUNT    2

extern const struct property common_core[COMMON_CORE_COUNT]; /* SDO and SRO */
extern const struct property common_observed[COMMON_OBSERVED_COUNT];
extern const struct property common_language[COMMON_LANGUAGE_COUNT];
extern const struct property common_marking[COMMON_MARKING_COUNT];
extern const struct property common_extension[COMMON_EXTENSION_COUNT];
extern const struct property common_custom[COMMON_CUSTOM_COUNT];
extern const struct property common_bundle[COMMON_BUNDLE_COUNT];

extern const struct shape shape_attack_pattern, shape_campaign, shape_course_of_action,
	shape_grouping, shape_identity, shape_incident, shape_indicator, shape_infrastructure,
	shape_intrusion_set, shape_location, shape_malware, shape_malware_analysis, shape_note,
	shape_observed_data, shape_opinion, shape_report, shape_threat_actor, shape_tool,
	shape_vulnerability, shape_relationship, shape_sighting;
extern const struct shape shape_artifact, shape_autonomous_system, shape_directory,
	shape_domain_name, shape_email_addr, shape_email_message, shape_file, shape_ipv4_addr,
	shape_ipv6_addr, shape_mac_addr, shape_mutex, shape_network_traffic, shape_process,
	shape_software, shape_url, shape_user_account, shape_windows_registry_key,
	shape_x509_certificate;
extern const struct shape shape_language_content, shape_marking_definition,
	shape_extension_definition, shape_bundle, shape_custom;
extern const struct shape shape_external_reference, shape_kill_chain_phase, shape_granular_marking,
	shape_mime_part, shape_registry_value, shape_x509_v3_extensions,
	shape_alternate_data_stream, shape_pe_optional_header, shape_pe_section;
extern const struct shape shape_archive_ext, shape_ntfs_ext, shape_pdf_ext, shape_raster_image_ext,
	shape_windows_pebinary_ext, shape_http_request_ext, shape_icmp_ext, shape_socket_ext,
	shape_tcp_ext, shape_windows_process_ext, shape_windows_service_ext, shape_unix_account_ext;

/* A row; not a brace, because clang-format 14 crashes on rows of unequal length. */
#define ROW(...)                                                                                   \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

/* The common, own and rule tables of a shape, and how many rows they have. */
#define COMMON_CORE     .common = common_core, .common_count = COMMON_CORE_COUNT
#define COMMON_OBSERVED .common = common_observed, .common_count = COMMON_OBSERVED_COUNT
#define OWN(table)      .own = table, .own_count = COUNT_OF(table)
#define RULES(table)    .rules = table, .rules_count = COUNT_OF(table)

#define TERMS(name) .vocabulary = &vocabulary_##name

/* Bounds of numbers. */
#define INTEGER_MOST      9007199254740991 /* 2^53 - 1 (2.10) */
#define ANY_INTEGER       .least = -INTEGER_MOST, .most = INTEGER_MOST
#define NOT_NEGATIVE      .least = 0, .most = INTEGER_MOST
#define BETWEEN(from, to) .least = (from), .most = (to)

/* Rules that many shapes have. */
#define SEEN_ORDER                                                                                 \
	ROW(RULE_NOT_BEFORE, SET(MARK_A), SET(MARK_B),                                             \
		"expected last_seen not to be earlier than first_seen")
#define FIRST_SEEN ROW("first_seen", KIND_TIMESTAMP, 0, MARK_A)
#define LAST_SEEN  ROW("last_seen", KIND_TIMESTAMP, 0, MARK_B)
#define KILL_CHAIN_PHASES                                                                          \
	ROW("kill_chain_phases", KIND_OBJECT, LIST, .shape = &shape_kill_chain_phase)

#endif
