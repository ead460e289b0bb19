/* SPDX-License-Identifier: MPL-2.0 */
/* Predefined extensions of observables (3.10) and their structures, section 6 of STIX 2.1. */
#include "types_tables.h"

#define EXTENSION(number_, name_, clause_, host)                                                   \
	.number = (number_), .name = (name_), .clause = (clause_), .hosts = BIT(host)

static const struct rule own_rules[] = {
	ROW(RULE_OWN, 0, 0, "expected at least one of its own properties"),
};

/* ---- file ---- */

static const struct property archive_ext[] = {
	ROW("contains_refs", KIND_ID, REQUIRED | LIST,
		.targets = BIT(SHAPE_FILE) | BIT(SHAPE_DIRECTORY)),
	ROW("comment", KIND_STRING),
};
const struct shape shape_archive_ext = {
	EXTENSION(SHAPE_ARCHIVE_EXT, "archive-ext", "6.7.2 Archive File Extension", SHAPE_FILE),
	OWN(archive_ext),
};

static const struct property ntfs_ext[] = {
	ROW("sid", KIND_STRING),
	ROW("alternate_data_streams", KIND_OBJECT, LIST, .shape = &shape_alternate_data_stream),
};
const struct shape shape_ntfs_ext = {
	EXTENSION(SHAPE_NTFS_EXT, "ntfs-ext", "6.7.3 NTFS File Extension", SHAPE_FILE),
	OWN(ntfs_ext),
	RULES(own_rules),
};

static const struct property alternate_data_stream[] = {
	ROW("name", KIND_STRING, REQUIRED),
	ROW("hashes", KIND_HASHES),
	ROW("size", KIND_INTEGER, 0, NOT_NEGATIVE),
};
const struct shape shape_alternate_data_stream = {
	.number = SHAPE_ALTERNATE_DATA_STREAM,
	.name = "alternate-data-stream-type",
	.clause = "6.7.3.2 Alternate Data Stream",
	OWN(alternate_data_stream),
};

static const struct property pdf_ext[] = {
	ROW("version", KIND_STRING),
	ROW("is_optimized", KIND_BOOLEAN),
	ROW("document_info_dict", KIND_DICTIONARY, 0, .values = VALUES_STRING),
	ROW("pdfid0", KIND_STRING),
	ROW("pdfid1", KIND_STRING),
};
const struct shape shape_pdf_ext = {
	EXTENSION(SHAPE_PDF_EXT, "pdf-ext", "6.7.4 PDF File Extension", SHAPE_FILE),
	OWN(pdf_ext),
	RULES(own_rules),
};

static const struct property raster_image_ext[] = {
	ROW("image_height", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("image_width", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("bits_per_pixel", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("exif_tags", KIND_DICTIONARY, 0, .values = VALUES_INTEGER_OR_STRING),
};
const struct shape shape_raster_image_ext = {
	EXTENSION(SHAPE_RASTER_IMAGE_EXT, "raster-image-ext", "6.7.5 Raster Image File Extension",
		SHAPE_FILE),
	OWN(raster_image_ext),
	RULES(own_rules),
};

static const struct property windows_pebinary_ext[] = {
	ROW("pe_type", KIND_VOCABULARY, REQUIRED, MARK_A, TERMS(windows_pebinary_type)),
	ROW("imphash", KIND_STRING),
	ROW("machine_hex", KIND_HEX),
	ROW("number_of_sections", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("time_date_stamp", KIND_TIMESTAMP),
	ROW("pointer_to_symbol_table_hex", KIND_HEX),
	ROW("number_of_symbols", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("size_of_optional_header", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("characteristics_hex", KIND_HEX),
	ROW("file_header_hashes", KIND_HASHES),
	ROW("optional_header", KIND_OBJECT, 0, .shape = &shape_pe_optional_header),
	ROW("sections", KIND_OBJECT, LIST, .shape = &shape_pe_section),
};
static const struct rule windows_pebinary_rules[] = {
	ROW(RULE_OWN, SET(MARK_A), 0, "expected at least one property beside pe_type"),
};
const struct shape shape_windows_pebinary_ext = {
	EXTENSION(SHAPE_WINDOWS_PEBINARY_EXT, "windows-pebinary-ext",
		"6.7.6 Windows PE Binary File Extension", SHAPE_FILE),
	OWN(windows_pebinary_ext),
	RULES(windows_pebinary_rules),
};

static const struct property pe_optional_header[] = {
	ROW("magic_hex", KIND_HEX),
	ROW("major_linker_version", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("minor_linker_version", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("size_of_code", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("size_of_initialized_data", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("size_of_uninitialized_data", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("address_of_entry_point", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("base_of_code", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("base_of_data", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("image_base", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("section_alignment", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("file_alignment", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("major_os_version", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("minor_os_version", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("major_image_version", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("minor_image_version", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("major_subsystem_version", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("minor_subsystem_version", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("win32_version_value_hex", KIND_HEX),
	ROW("size_of_image", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("size_of_headers", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("checksum_hex", KIND_HEX),
	ROW("subsystem_hex", KIND_HEX),
	ROW("dll_characteristics_hex", KIND_HEX),
	ROW("size_of_stack_reserve", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("size_of_stack_commit", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("size_of_heap_reserve", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("size_of_heap_commit", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("loader_flags_hex", KIND_HEX),
	ROW("number_of_rva_and_sizes", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("hashes", KIND_HASHES),
};
const struct shape shape_pe_optional_header = {
	.number = SHAPE_PE_OPTIONAL_HEADER,
	.name = "windows-pe-optional-header-type",
	.clause = "6.7.6.2 Windows PE Optional Header",
	OWN(pe_optional_header),
	RULES(own_rules),
};

static const struct property pe_section[] = {
	ROW("name", KIND_STRING, REQUIRED),
	ROW("size", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("entropy", KIND_FLOAT, 0, ANY_INTEGER),
	ROW("hashes", KIND_HASHES),
};
const struct shape shape_pe_section = {
	.number = SHAPE_PE_SECTION,
	.name = "windows-pe-section-type",
	.clause = "6.7.6.3 Windows PE Section",
	OWN(pe_section),
};

/* ---- network-traffic ---- */

static const struct property http_request_ext[] = {
	ROW("request_method", KIND_TEXT, REQUIRED, .text = TEXT_LOWER),
	ROW("request_value", KIND_STRING, REQUIRED),
	ROW("request_version", KIND_TEXT, 0, .text = TEXT_LOWER),
	ROW("request_header", KIND_DICTIONARY, 0, .values = VALUES_STRINGS),
	ROW("message_body_length", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("message_body_data_ref", KIND_ID, 0, .targets = BIT(SHAPE_ARTIFACT)),
};
const struct shape shape_http_request_ext = {
	EXTENSION(SHAPE_HTTP_REQUEST_EXT, "http-request-ext", "6.12.2 HTTP Request Extension",
		SHAPE_NETWORK_TRAFFIC),
	OWN(http_request_ext),
};

static const struct property icmp_ext[] = {
	ROW("icmp_type_hex", KIND_HEX, REQUIRED),
	ROW("icmp_code_hex", KIND_HEX, REQUIRED),
};
const struct shape shape_icmp_ext = {
	EXTENSION(SHAPE_ICMP_EXT, "icmp-ext", "6.12.3 ICMP Extension", SHAPE_NETWORK_TRAFFIC),
	OWN(icmp_ext),
};

static const struct property socket_ext[] = {
	ROW("address_family", KIND_ENUM, REQUIRED, TERMS(socket_address_family)),
	ROW("is_blocking", KIND_BOOLEAN),
	ROW("is_listening", KIND_BOOLEAN),
	ROW("options", KIND_DICTIONARY, 0, .values = VALUES_INTEGER),
	ROW("socket_type", KIND_ENUM, 0, TERMS(socket_type)),
	ROW("socket_descriptor", KIND_INTEGER, 0, NOT_NEGATIVE),
	ROW("socket_handle", KIND_INTEGER, 0, ANY_INTEGER),
};
const struct shape shape_socket_ext = {
	EXTENSION(SHAPE_SOCKET_EXT, "socket-ext", "6.12.4 Network Socket Extension",
		SHAPE_NETWORK_TRAFFIC),
	OWN(socket_ext),
};

static const struct property tcp_ext[] = {
	ROW("src_flags_hex", KIND_HEX),
	ROW("dst_flags_hex", KIND_HEX),
};
const struct shape shape_tcp_ext = {
	EXTENSION(SHAPE_TCP_EXT, "tcp-ext", "6.12.5 TCP Extension", SHAPE_NETWORK_TRAFFIC),
	OWN(tcp_ext),
	RULES(own_rules),
};

/* ---- process ---- */

static const struct property windows_process_ext[] = {
	ROW("aslr_enabled", KIND_BOOLEAN),
	ROW("dep_enabled", KIND_BOOLEAN),
	ROW("priority", KIND_TEXT, 0, .text = TEXT_PRIORITY),
	ROW("owner_sid", KIND_STRING),
	ROW("window_title", KIND_STRING),
	ROW("startup_info", KIND_DICTIONARY, 0, .values = VALUES_ANY),
	ROW("integrity_level", KIND_ENUM, 0, TERMS(windows_integrity_level)),
};
const struct shape shape_windows_process_ext = {
	EXTENSION(SHAPE_WINDOWS_PROCESS_EXT, "windows-process-ext",
		"6.13.2 Windows Process Extension", SHAPE_PROCESS),
	OWN(windows_process_ext),
	RULES(own_rules),
};

static const struct property windows_service_ext[] = {
	ROW("service_name", KIND_STRING),
	ROW("descriptions", KIND_STRING, LIST),
	ROW("display_name", KIND_STRING),
	ROW("group_name", KIND_STRING),
	ROW("start_type", KIND_ENUM, 0, TERMS(windows_service_start_type)),
	ROW("service_dll_refs", KIND_ID, LIST, .targets = BIT(SHAPE_FILE)),
	ROW("service_type", KIND_ENUM, 0, TERMS(windows_service_type)),
	ROW("service_status", KIND_ENUM, 0, TERMS(windows_service_status)),
};
const struct shape shape_windows_service_ext = {
	EXTENSION(SHAPE_WINDOWS_SERVICE_EXT, "windows-service-ext",
		"6.13.3 Windows Service Extension", SHAPE_PROCESS),
	OWN(windows_service_ext),
	RULES(own_rules),
};

/* ---- user-account ---- */

static const struct property unix_account_ext[] = {
	ROW("gid", KIND_INTEGER, 0, ANY_INTEGER),
	ROW("groups", KIND_STRING, LIST),
	ROW("home_dir", KIND_STRING),
	ROW("shell", KIND_STRING),
};
const struct shape shape_unix_account_ext = {
	EXTENSION(SHAPE_UNIX_ACCOUNT_EXT, "unix-account-ext", "6.16.2 UNIX Account Extension",
		SHAPE_USER_ACCOUNT),
	OWN(unix_account_ext),
	RULES(own_rules),
};
