/* SPDX-License-Identifier: MPL-2.0 */
/* Open vocabularies and enumerations, section 10 of STIX 2.1. */
#ifndef STIX_TYPES_VOCABULARY_H
#define STIX_TYPES_VOCABULARY_H

#include "types.h"

extern const struct vocabulary vocabulary_account_type;
extern const struct vocabulary vocabulary_attack_motivation;
extern const struct vocabulary vocabulary_attack_resource_level;
extern const struct vocabulary vocabulary_encryption_algorithm; /* enumeration */
extern const struct vocabulary vocabulary_extension_type;       /* enumeration */
extern const struct vocabulary vocabulary_grouping_context;
extern const struct vocabulary vocabulary_hash_algorithm;
extern const struct vocabulary vocabulary_identity_class;
extern const struct vocabulary vocabulary_implementation_language;
extern const struct vocabulary vocabulary_indicator_type;
extern const struct vocabulary vocabulary_industry_sector;
extern const struct vocabulary vocabulary_infrastructure_type;
extern const struct vocabulary vocabulary_malware_result;
extern const struct vocabulary vocabulary_malware_capabilities;
extern const struct vocabulary vocabulary_malware_type;
extern const struct vocabulary vocabulary_socket_address_family; /* enumeration */
extern const struct vocabulary vocabulary_socket_type;           /* enumeration */
extern const struct vocabulary vocabulary_opinion;               /* enumeration */
extern const struct vocabulary vocabulary_pattern_type;
extern const struct vocabulary vocabulary_processor_architecture;
extern const struct vocabulary vocabulary_region;
extern const struct vocabulary vocabulary_report_type;
extern const struct vocabulary vocabulary_threat_actor_type;
extern const struct vocabulary vocabulary_threat_actor_role;
extern const struct vocabulary vocabulary_threat_actor_sophistication;
extern const struct vocabulary vocabulary_tool_type;
extern const struct vocabulary vocabulary_windows_integrity_level; /* enumeration */
extern const struct vocabulary vocabulary_windows_pebinary_type;
extern const struct vocabulary vocabulary_windows_registry_datatype;  /* enumeration */
extern const struct vocabulary vocabulary_windows_service_start_type; /* enumeration */
extern const struct vocabulary vocabulary_windows_service_type;       /* enumeration */
extern const struct vocabulary vocabulary_windows_service_status;     /* enumeration */
extern const struct vocabulary
	vocabulary_marking_type; /* 7.2.1 definition_type: no name of its own */

#endif
