/* SPDX-License-Identifier: MPL-2.0 */
/* STIX Cyber-observable Objects, section 6 of STIX 2.1. */
#include "types_tables.h"

#define SCO(number_, name_, clause_)                                                               \
	.number = (number_), .class = STIX_SCO, .name = (name_), .clause = (clause_),              \
	COMMON_OBSERVED

#define TARGET_ADDRESS                                                                             \
	(BIT(SHAPE_IPV4_ADDR) | BIT(SHAPE_IPV6_ADDR) | BIT(SHAPE_MAC_ADDR) | BIT(SHAPE_DOMAIN_NAME))

static const struct property artifact[] = {
	ROW("mime_type", KIND_TEXT, 0, .text = TEXT_MEDIA_TYPE),
	ROW("payload_bin", KIND_BINARY, 0, MARK_A),
	ROW("url", KIND_TEXT, 0, MARK_B, FACT_VALUE, .text = TEXT_URL),
	ROW("hashes", KIND_HASHES, 0, MARK_C),
	ROW("encryption_algorithm", KIND_ENUM, 0, MARK_D, TERMS(encryption_algorithm)),
	ROW("decryption_key", KIND_STRING, 0, MARK_E),
};
static const struct rule artifact_rules[] = {
	ROW(RULE_ONE_OF, SET(MARK_A) | SET(MARK_B), 0, "expected payload_bin or url"),
	ROW(RULE_EXCLUDES, SET(MARK_A), SET(MARK_B), "expected only one of payload_bin and url"),
	ROW(RULE_NEEDS, SET(MARK_B), SET(MARK_C), "expected hashes with url"),
	ROW(RULE_NEEDS, SET(MARK_E), SET(MARK_D),
		"expected decryption_key only with encryption_algorithm"),
};
const struct shape shape_artifact = {
	SCO(SHAPE_ARTIFACT, "artifact", "6.1 Artifact"),
	OWN(artifact),
	RULES(artifact_rules),
};

static const struct property autonomous_system[] = {
	ROW("number", KIND_INTEGER, REQUIRED, ANY_INTEGER),
	ROW("name", KIND_STRING, 0, MARK_NONE, FACT_NAME),
	ROW("rir", KIND_STRING),
};
const struct shape shape_autonomous_system = {
	SCO(SHAPE_AUTONOMOUS_SYSTEM, "autonomous-system", "6.2 Autonomous System"),
	OWN(autonomous_system),
};

static const struct property directory[] = {
	ROW("path", KIND_STRING, REQUIRED, MARK_A, FACT_VALUE),
	ROW("path_enc", KIND_TEXT, 0, MARK_B, .text = TEXT_CHARSET),
	ROW("ctime", KIND_TIMESTAMP),
	ROW("mtime", KIND_TIMESTAMP),
	ROW("atime", KIND_TIMESTAMP),
	ROW("contains_refs", KIND_ID, LIST, .targets = BIT(SHAPE_FILE) | BIT(SHAPE_DIRECTORY)),
};
static const struct rule directory_rules[] = {
	ROW(RULE_NEEDS, SET(MARK_B), SET(MARK_A), "expected path_enc only with path"),
};
const struct shape shape_directory = {
	SCO(SHAPE_DIRECTORY, "directory", "6.3 Directory"),
	OWN(directory),
	RULES(directory_rules),
};

static const struct property domain_name[] = {
	ROW("value", KIND_TEXT, REQUIRED, MARK_NONE, FACT_VALUE, .text = TEXT_DOMAIN),
	ROW("resolves_to_refs", KIND_ID, LIST,
		.targets = BIT(SHAPE_IPV4_ADDR) | BIT(SHAPE_IPV6_ADDR) | BIT(SHAPE_DOMAIN_NAME)),
};
const struct shape shape_domain_name = {
	SCO(SHAPE_DOMAIN_NAME, "domain-name", "6.4 Domain Name"),
	OWN(domain_name),
};

static const struct property email_addr[] = {
	ROW("value", KIND_TEXT, REQUIRED, MARK_NONE, FACT_VALUE, .text = TEXT_EMAIL),
	ROW("display_name", KIND_STRING),
	ROW("belongs_to_ref", KIND_ID, 0, .targets = BIT(SHAPE_USER_ACCOUNT)),
};
const struct shape shape_email_addr = {
	SCO(SHAPE_EMAIL_ADDR, "email-addr", "6.5 Email Address"),
	OWN(email_addr),
};

static const struct property email_message[] = {
	ROW("is_multipart", KIND_BOOLEAN, REQUIRED, MARK_A),
	ROW("date", KIND_TIMESTAMP),
	ROW("content_type", KIND_STRING),
	ROW("from_ref", KIND_ID, 0, .targets = BIT(SHAPE_EMAIL_ADDR)),
	ROW("sender_ref", KIND_ID, 0, .targets = BIT(SHAPE_EMAIL_ADDR)),
	ROW("to_refs", KIND_ID, LIST, .targets = BIT(SHAPE_EMAIL_ADDR)),
	ROW("cc_refs", KIND_ID, LIST, .targets = BIT(SHAPE_EMAIL_ADDR)),
	ROW("bcc_refs", KIND_ID, LIST, .targets = BIT(SHAPE_EMAIL_ADDR)),
	ROW("message_id", KIND_STRING),
	ROW("subject", KIND_STRING, 0, MARK_NONE, FACT_VALUE),
	ROW("received_lines", KIND_STRING, LIST),
	ROW("additional_header_fields", KIND_DICTIONARY, 0, .values = VALUES_STRINGS),
	ROW("body", KIND_STRING, 0, MARK_B),
	ROW("body_multipart", KIND_OBJECT, LIST, MARK_C, .shape = &shape_mime_part),
	ROW("raw_email_ref", KIND_ID, 0, .targets = BIT(SHAPE_ARTIFACT)),
};
const struct shape shape_email_message = {
	SCO(SHAPE_EMAIL_MESSAGE, "email-message", "6.6 Email Message"),
	OWN(email_message),
	.special = SPECIAL_EMAIL_MESSAGE,
};

static const struct property mime_part[] = {
	ROW("body", KIND_STRING, 0, MARK_A),
	ROW("body_raw_ref", KIND_ID, 0, MARK_B, .targets = BIT(SHAPE_ARTIFACT) | BIT(SHAPE_FILE)),
	ROW("content_type", KIND_STRING),
	ROW("content_disposition", KIND_STRING),
};
static const struct rule mime_part_rules[] = {
	ROW(RULE_ONE_OF, SET(MARK_A) | SET(MARK_B), 0, "expected body or body_raw_ref"),
};
const struct shape shape_mime_part = {
	.number = SHAPE_MIME_PART,
	.name = "email-mime-part-type",
	.clause = "6.6.2 Email MIME Component",
	OWN(mime_part),
	RULES(mime_part_rules),
};

static const struct property file[] = {
	ROW("hashes", KIND_HASHES, 0, MARK_A),
	ROW("size", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("name", KIND_STRING, 0, MARK_B, FACT_NAME),
	ROW("name_enc", KIND_TEXT, 0, MARK_C, .text = TEXT_CHARSET),
	ROW("magic_number_hex", KIND_HEX),
	ROW("mime_type", KIND_TEXT, 0, .text = TEXT_MEDIA_TYPE),
	ROW("ctime", KIND_TIMESTAMP),
	ROW("mtime", KIND_TIMESTAMP),
	ROW("atime", KIND_TIMESTAMP),
	ROW("parent_directory_ref", KIND_ID, 0, .targets = BIT(SHAPE_DIRECTORY)),
	ROW("contains_refs", KIND_ID, LIST, .targets = TARGET_SCO | TARGET_CUSTOM),
	ROW("content_ref", KIND_ID, 0, .targets = BIT(SHAPE_ARTIFACT)),
};
static const struct rule file_rules[] = {
	ROW(RULE_ONE_OF, SET(MARK_A) | SET(MARK_B), 0, "expected hashes or name"),
	ROW(RULE_NEEDS, SET(MARK_C), SET(MARK_B), "expected name_enc only with name"),
};
const struct shape shape_file = {
	SCO(SHAPE_FILE, "file", "6.7 File"),
	OWN(file),
	RULES(file_rules),
};

static const struct property ipv4_addr[] = {
	ROW("value", KIND_TEXT, REQUIRED, MARK_NONE, FACT_VALUE, .text = TEXT_IPV4),
	ROW("resolves_to_refs", KIND_ID, LIST, .targets = BIT(SHAPE_MAC_ADDR)),
	ROW("belongs_to_refs", KIND_ID, LIST, .targets = BIT(SHAPE_AUTONOMOUS_SYSTEM)),
};
const struct shape shape_ipv4_addr = {
	SCO(SHAPE_IPV4_ADDR, "ipv4-addr", "6.8 IPv4 Address"),
	OWN(ipv4_addr),
};

static const struct property ipv6_addr[] = {
	ROW("value", KIND_TEXT, REQUIRED, MARK_NONE, FACT_VALUE, .text = TEXT_IPV6),
	ROW("resolves_to_refs", KIND_ID, LIST, .targets = BIT(SHAPE_MAC_ADDR)),
	ROW("belongs_to_refs", KIND_ID, LIST, .targets = BIT(SHAPE_AUTONOMOUS_SYSTEM)),
};
const struct shape shape_ipv6_addr = {
	SCO(SHAPE_IPV6_ADDR, "ipv6-addr", "6.9 IPv6 Address"),
	OWN(ipv6_addr),
};

static const struct property mac_addr[] = {
	ROW("value", KIND_TEXT, REQUIRED, MARK_NONE, FACT_VALUE, .text = TEXT_MAC),
};
const struct shape shape_mac_addr = {
	SCO(SHAPE_MAC_ADDR, "mac-addr", "6.10 MAC Address"),
	OWN(mac_addr),
};

static const struct property mutex[] = {
	ROW("name", KIND_STRING, REQUIRED, MARK_NONE, FACT_NAME),
};
const struct shape shape_mutex = {
	SCO(SHAPE_MUTEX, "mutex", "6.11 Mutex"),
	OWN(mutex),
};

static const struct property network_traffic[] = {
	ROW("start", KIND_TIMESTAMP, 0, MARK_A),
	ROW("end", KIND_TIMESTAMP, 0, MARK_B),
	ROW("is_active", KIND_BOOLEAN, 0, MARK_C),
	ROW("src_ref", KIND_ID, 0, MARK_D, .targets = TARGET_ADDRESS),
	ROW("dst_ref", KIND_ID, 0, MARK_E, .targets = TARGET_ADDRESS),
	ROW("src_port", KIND_INTEGER, 0, MARK_F, BETWEEN(0, 65535)),
	ROW("dst_port", KIND_INTEGER, 0, MARK_G, BETWEEN(0, 65535)),
	ROW("protocols", KIND_TEXT, REQUIRED | LIST, MARK_H, .text = TEXT_PROTOCOL),
	ROW("src_byte_count", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("dst_byte_count", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("src_packets", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("dst_packets", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("ipfix", KIND_DICTIONARY, 0, .values = VALUES_INTEGER_OR_STRING),
	ROW("src_payload_ref", KIND_ID, 0, .targets = BIT(SHAPE_ARTIFACT)),
	ROW("dst_payload_ref", KIND_ID, 0, .targets = BIT(SHAPE_ARTIFACT)),
	ROW("encapsulates_refs", KIND_ID, LIST, .targets = BIT(SHAPE_NETWORK_TRAFFIC)),
	ROW("encapsulated_by_ref", KIND_ID, 0, .targets = BIT(SHAPE_NETWORK_TRAFFIC)),
};
static const struct rule network_traffic_rules[] = {
	ROW(RULE_NOT_BEFORE, SET(MARK_A), SET(MARK_B), "expected end not to be earlier than start"),
	ROW(RULE_ONE_OF, SET(MARK_D) | SET(MARK_E), 0, "expected src_ref or dst_ref"),
	ROW(RULE_SHOULD_HAVE, SET(MARK_F) | SET(MARK_G), 0, "src_port and dst_port belong to it"),
};
const struct shape shape_network_traffic = {
	SCO(SHAPE_NETWORK_TRAFFIC, "network-traffic", "6.12 Network Traffic"),
	OWN(network_traffic),
	RULES(network_traffic_rules),
	.special = SPECIAL_NETWORK_TRAFFIC,
};

static const struct rule own_rules[] = {
	ROW(RULE_OWN, 0, 0, "expected at least one of its own properties"),
};

static const struct property process[] = {
	ROW("is_hidden", KIND_BOOLEAN),
	ROW("pid", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("created_time", KIND_TIMESTAMP),
	ROW("cwd", KIND_STRING),
	ROW("command_line", KIND_STRING, 0, MARK_NONE, FACT_VALUE),
	ROW("environment_variables", KIND_DICTIONARY, 0, .values = VALUES_STRING),
	ROW("opened_connection_refs", KIND_ID, LIST, .targets = BIT(SHAPE_NETWORK_TRAFFIC)),
	ROW("creator_user_ref", KIND_ID, 0, .targets = BIT(SHAPE_USER_ACCOUNT)),
	ROW("image_ref", KIND_ID, 0, .targets = BIT(SHAPE_FILE)),
	ROW("parent_ref", KIND_ID, 0, .targets = BIT(SHAPE_PROCESS)),
	ROW("child_refs", KIND_ID, LIST, .targets = BIT(SHAPE_PROCESS)),
};
const struct shape shape_process = {
	SCO(SHAPE_PROCESS, "process", "6.13 Process"),
	OWN(process),
	RULES(own_rules),
};

static const struct property software[] = {
	ROW("name", KIND_STRING, REQUIRED, MARK_NONE, FACT_NAME),
	ROW("cpe", KIND_TEXT, 0, .text = TEXT_CPE),
	ROW("swid", KIND_STRING),
	ROW("languages", KIND_TEXT, LIST, .text = TEXT_LANGUAGE),
	ROW("vendor", KIND_STRING),
	ROW("version", KIND_STRING),
};
const struct shape shape_software = {
	SCO(SHAPE_SOFTWARE, "software", "6.14 Software"),
	OWN(software),
};

static const struct property url[] = {
	ROW("value", KIND_TEXT, REQUIRED, MARK_NONE, FACT_VALUE, .text = TEXT_URL),
};
const struct shape shape_url = {
	SCO(SHAPE_URL, "url", "6.15 URL"),
	OWN(url),
};

static const struct property user_account[] = {
	ROW("user_id", KIND_STRING, 0, MARK_NONE, FACT_VALUE),
	ROW("credential", KIND_STRING),
	ROW("account_login", KIND_STRING, 0, MARK_NONE, FACT_VALUE),
	ROW("account_type", KIND_VOCABULARY, 0, TERMS(account_type)),
	ROW("display_name", KIND_STRING, 0, MARK_NONE, FACT_NAME),
	ROW("is_service_account", KIND_BOOLEAN),
	ROW("is_privileged", KIND_BOOLEAN),
	ROW("can_escalate_privs", KIND_BOOLEAN),
	ROW("is_disabled", KIND_BOOLEAN),
	ROW("account_created", KIND_TIMESTAMP),
	ROW("account_expires", KIND_TIMESTAMP),
	ROW("credential_last_changed", KIND_TIMESTAMP),
	ROW("account_first_login", KIND_TIMESTAMP),
	ROW("account_last_login", KIND_TIMESTAMP),
};
const struct shape shape_user_account = {
	SCO(SHAPE_USER_ACCOUNT, "user-account", "6.16 User Account"),
	OWN(user_account),
	RULES(own_rules),
};

static const struct property windows_registry_key[] = {
	ROW("key", KIND_TEXT, 0, MARK_NONE, FACT_VALUE, .text = TEXT_REGISTRY_KEY),
	ROW("values", KIND_OBJECT, LIST, .shape = &shape_registry_value),
	ROW("modified_time", KIND_TIMESTAMP),
	ROW("creator_user_ref", KIND_ID, 0, .targets = BIT(SHAPE_USER_ACCOUNT)),
	ROW("number_of_subkeys", KIND_INTEGER, 0, ANY_INTEGER),
};
const struct shape shape_windows_registry_key = {
	SCO(SHAPE_WINDOWS_REGISTRY_KEY, "windows-registry-key", "6.17 Windows Registry Key"),
	OWN(windows_registry_key),
	RULES(own_rules),
};

static const struct property registry_value[] = {
	ROW("name", KIND_STRING),
	ROW("data", KIND_STRING),
	ROW("data_type", KIND_ENUM, 0, TERMS(windows_registry_datatype)),
};
const struct shape shape_registry_value = {
	.number = SHAPE_REGISTRY_VALUE,
	.name = "windows-registry-value-type",
	.clause = "6.17.2 Windows Registry Value",
	OWN(registry_value),
	RULES(own_rules),
};

static const struct property x509_certificate[] = {
	ROW("is_self_signed", KIND_BOOLEAN),
	ROW("hashes", KIND_HASHES),
	ROW("version", KIND_STRING),
	ROW("serial_number", KIND_STRING, 0, MARK_NONE, FACT_VALUE),
	ROW("signature_algorithm", KIND_STRING),
	ROW("issuer", KIND_STRING),
	ROW("validity_not_before", KIND_TIMESTAMP),
	ROW("validity_not_after", KIND_TIMESTAMP),
	ROW("subject", KIND_STRING, 0, MARK_NONE, FACT_NAME),
	ROW("subject_public_key_algorithm", KIND_STRING),
	ROW("subject_public_key_modulus", KIND_STRING),
	ROW("subject_public_key_exponent", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("x509_v3_extensions", KIND_OBJECT, 0, .shape = &shape_x509_v3_extensions),
};
const struct shape shape_x509_certificate = {
	SCO(SHAPE_X509_CERTIFICATE, "x509-certificate", "6.18 X.509 Certificate"),
	OWN(x509_certificate),
	RULES(own_rules),
};

static const struct property x509_v3_extensions[] = {
	ROW("basic_constraints", KIND_STRING),
	ROW("name_constraints", KIND_STRING),
	ROW("policy_constraints", KIND_STRING),
	ROW("key_usage", KIND_STRING),
	ROW("extended_key_usage", KIND_STRING),
	ROW("subject_key_identifier", KIND_STRING),
	ROW("authority_key_identifier", KIND_STRING),
	ROW("subject_alternative_name", KIND_STRING),
	ROW("issuer_alternative_name", KIND_STRING),
	ROW("subject_directory_attributes", KIND_STRING),
	ROW("crl_distribution_points", KIND_STRING),
	ROW("inhibit_any_policy", KIND_STRING),
	ROW("private_key_usage_period_not_before", KIND_TIMESTAMP),
	ROW("private_key_usage_period_not_after", KIND_TIMESTAMP),
	ROW("certificate_policies", KIND_STRING),
	ROW("policy_mappings", KIND_STRING),
};
const struct shape shape_x509_v3_extensions = {
	.number = SHAPE_X509_V3_EXTENSIONS,
	.name = "x509-v3-extensions-type",
	.clause = "6.18.2 X.509 v3 Extensions",
	OWN(x509_v3_extensions),
	RULES(own_rules),
};
