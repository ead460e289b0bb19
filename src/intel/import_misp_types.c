/* SPDX-License-Identifier: MPL-2.0 */
/* Two tables: where a kind of value stands in STIX, and what the attribute types of MISP hold. */
#include "import_misp.h"

#define IMPHASH_PATH "extensions.'windows-pebinary-ext'.imphash"
#define AGENT_PATH   "extensions.'http-request-ext'.request_header.'User-Agent'"
#define SERVICE_PATH "extensions.'windows-service-ext'.service_name"
#define TITLE_PATH   "extensions.'windows-service-ext'.display_name"

/* Grouped by the type of observable, so that a missing one is seen. */
/* clang-format off */
static const struct misp_field fields[] = {
	{"ip",            NULL,                   "value",         MISP_VALUE,   "address", true},
	{"name",          "domain-name",          "value",         MISP_VALUE,   "name",    true},
	{"url",           "url",                  "value",         MISP_VALUE,   "url",     true},
	{"email",         "email-addr",           "value",         MISP_VALUE,   "email",   true},
	{"mac",           "mac-addr",             "value",         MISP_VALUE,   "mac",     true},
	{"asn",           "autonomous-system",    "number",        MISP_VALUE,   "asn",     true},
	{"mutex",         "mutex",                "name",          MISP_VALUE,   NULL,      true},
	{"directory",     "directory",            "path",          MISP_VALUE,   NULL,      true},
	{"md5",           "file",                 "MD5",           MISP_HASH,    "md5",     true},
	{"sha1",          "file",                 "SHA-1",         MISP_HASH,    "sha1",    true},
	{"sha256",        "file",                 "SHA-256",       MISP_HASH,    "sha256",  true},
	{"sha512",        "file",                 "SHA-512",       MISP_HASH,    "sha512",  true},
	{"sha224",        "file",                 "SHA-224",       MISP_HASH,    NULL,      true},
	{"sha384",        "file",                 "SHA-384",       MISP_HASH,    NULL,      true},
	{"sha3-256",      "file",                 "SHA3-256",      MISP_HASH,    NULL,      true},
	{"sha3-512",      "file",                 "SHA3-512",      MISP_HASH,    NULL,      true},
	{"ssdeep",        "file",                 "SSDEEP",        MISP_HASH,    NULL,      true},
	{"tlsh",          "file",                 "TLSH",          MISP_HASH,    NULL,      true},
	{"authentihash",  "file",                 "AUTHENTIHASH",  MISP_HASH,    NULL,      true},
	{"vhash",         "file",                 "VHASH",         MISP_HASH,    NULL,      true},
	{"imphash",       "file",                 IMPHASH_PATH,    MISP_PATTERN, NULL,      true},
	{"filename",      "file",                 "name",          MISP_STRING,  NULL,      false},
	{"size",          "file",                 "size",          MISP_INTEGER, NULL,      false},
	{"mime-type",     "file",                 "mime_type",     MISP_STRING,  NULL,      false},
	{"email-from",    "email-message",        "from_ref",      MISP_REF,     "email",   false},
	{"email-to",      "email-message",        "to_refs",       MISP_REFS,    "email",   false},
	{"email-cc",      "email-message",        "cc_refs",       MISP_REFS,    "email",   false},
	{"email-subject", "email-message",        "subject",       MISP_STRING,  NULL,      false},
	{"email-body",    "email-message",        "body",          MISP_STRING,  NULL,      false},
	{"email-id",      "email-message",        "message_id",    MISP_STRING,  NULL,      false},
	{"x-mailer",      "email-message",        "X-Mailer",      MISP_HEADER,  NULL,      false},
	{"reply-to",      "email-message",        "Reply-To",      MISP_HEADER,  NULL,      false},
	{"src-ip",        "network-traffic",      "src_ref",       MISP_REF,     "address", false},
	{"dst-ip",        "network-traffic",      "dst_ref",       MISP_REF,     "address", false},
	{"src-name",      "network-traffic",      "src_ref",       MISP_REF,     "name",    false},
	{"dst-name",      "network-traffic",      "dst_ref",       MISP_REF,     "name",    false},
	{"src-port",      "network-traffic",      "src_port",      MISP_INTEGER, NULL,      false},
	{"dst-port",      "network-traffic",      "dst_port",      MISP_INTEGER, NULL,      false},
	{"user-agent",    "network-traffic",      AGENT_PATH,      MISP_PATTERN, NULL,      true},
	{"ja3",           "network-traffic",      "x_ja3",         MISP_PATTERN, "ja3",     true},
	{"jarm",          "network-traffic",      "x_jarm",        MISP_PATTERN, NULL,      true},
	{"hassh",         "network-traffic",      "x_hassh",       MISP_PATTERN, NULL,      true},
	{"hasshserver",   "network-traffic",      "x_hasshserver", MISP_PATTERN, NULL,      true},
	{"regkey",        "windows-registry-key", "key",           MISP_STRING,  NULL,      false},
	{"regdata",       "windows-registry-key", "data",          MISP_DATA,    NULL,      false},
	{"service",       "process",              SERVICE_PATH,    MISP_PATTERN, NULL,      true},
	{"service-title", "process",              TITLE_PATH,      MISP_PATTERN, NULL,      true},
	{"command-line",  "process",              "command_line",  MISP_STRING,  NULL,      true},
	{"x509-md5",      "x509-certificate",     "MD5",           MISP_HASH,    "md5",     true},
	{"x509-sha1",     "x509-certificate",     "SHA-1",         MISP_HASH,    "sha1",    true},
	{"x509-sha256",   "x509-certificate",     "SHA-256",       MISP_HASH,    "sha256",  true},
	{"x509-serial",   "x509-certificate",     "serial_number", MISP_STRING,  NULL,      false},
	{"x509-issuer",   "x509-certificate",     "issuer",        MISP_STRING,  NULL,      false},
	{"x509-subject",  "x509-certificate",     "subject",       MISP_STRING,  NULL,      false},
	{"x509-version",  "x509-certificate",     "version",       MISP_STRING,  NULL,      false},
	{"cpe",           "software",             "cpe",           MISP_PATTERN, NULL,      true},
	{"login",         "user-account",         "account_login", MISP_STRING,  NULL,      true},
	{"user-id",       "user-account",         "user_id",       MISP_STRING,  NULL,      true},
	{"account-type",  "user-account",         "account_type",  MISP_STRING,  NULL,      false},
	{"display-name",  "user-account",         "display_name",  MISP_STRING,  NULL,      false},
};
/* clang-format on */

const struct misp_field *misp_field_find(const char *name)
{
	for (size_t k = 0; k < COUNT_OF(fields); k++) {
		if (strcmp(fields[k].name, name) == 0)
			return &fields[k];
	}
	return NULL;
}

#define FIELDS        MISP_USE_FIELDS
#define RULE          MISP_USE_RULE
#define VULNERABILITY MISP_USE_VULNERABILITY
#define REFERENCE     MISP_USE_REFERENCE

/* clang-format off */
static const struct misp_type types[] = {
	{"ip-src",                      FIELDS,        "ip",            NULL,           NULL},
	{"ip-dst",                      FIELDS,        "ip",            NULL,           NULL},
	{"ip-src|port",                 FIELDS,        "src-ip",        "src-port",     NULL},
	{"ip-dst|port",                 FIELDS,        "dst-ip",        "dst-port",     NULL},
	{"domain",                      FIELDS,        "name",          NULL,           NULL},
	{"hostname",                    FIELDS,        "name",          NULL,           NULL},
	{"hostname|port",               FIELDS,        "dst-name",      "dst-port",     NULL},
	{"domain|ip",                   FIELDS,        "name",          "ip",           NULL},
	{"url",                         FIELDS,        "url",           NULL,           NULL},
	{"uri",                         FIELDS,        "url",           NULL,           NULL},
	{"md5",                         FIELDS,        "md5",           NULL,           NULL},
	{"sha1",                        FIELDS,        "sha1",          NULL,           NULL},
	{"sha224",                      FIELDS,        "sha224",        NULL,           NULL},
	{"sha256",                      FIELDS,        "sha256",        NULL,           NULL},
	{"sha384",                      FIELDS,        "sha384",        NULL,           NULL},
	{"sha512",                      FIELDS,        "sha512",        NULL,           NULL},
	{"sha3-256",                    FIELDS,        "sha3-256",      NULL,           NULL},
	{"sha3-512",                    FIELDS,        "sha3-512",      NULL,           NULL},
	{"ssdeep",                      FIELDS,        "ssdeep",        NULL,           NULL},
	{"tlsh",                        FIELDS,        "tlsh",          NULL,           NULL},
	{"authentihash",                FIELDS,        "authentihash",  NULL,           NULL},
	{"vhash",                       FIELDS,        "vhash",         NULL,           NULL},
	{"imphash",                     FIELDS,        "imphash",       NULL,           NULL},
	{"filename",                    FIELDS,        "filename",      NULL,           NULL},
	{"filename|md5",                FIELDS,        "filename",      "md5",          NULL},
	{"filename|sha1",               FIELDS,        "filename",      "sha1",         NULL},
	{"filename|sha224",             FIELDS,        "filename",      "sha224",       NULL},
	{"filename|sha256",             FIELDS,        "filename",      "sha256",       NULL},
	{"filename|sha384",             FIELDS,        "filename",      "sha384",       NULL},
	{"filename|sha512",             FIELDS,        "filename",      "sha512",       NULL},
	{"filename|sha3-256",           FIELDS,        "filename",      "sha3-256",     NULL},
	{"filename|sha3-512",           FIELDS,        "filename",      "sha3-512",     NULL},
	{"filename|ssdeep",             FIELDS,        "filename",      "ssdeep",       NULL},
	{"filename|tlsh",               FIELDS,        "filename",      "tlsh",         NULL},
	{"filename|authentihash",       FIELDS,        "filename",      "authentihash", NULL},
	{"filename|vhash",              FIELDS,        "filename",      "vhash",        NULL},
	{"filename|imphash",            FIELDS,        "filename",      "imphash",      NULL},
	{"malware-sample",              FIELDS,        "filename",      "md5",          NULL},
	{"attachment",                  FIELDS,        "filename",      NULL,           NULL},
	{"email",                       FIELDS,        "email",         NULL,           NULL},
	{"email-src",                   FIELDS,        "email",         NULL,           NULL},
	{"email-dst",                   FIELDS,        "email",         NULL,           NULL},
	{"email-reply-to",              FIELDS,        "email",         NULL,           NULL},
	{"dns-soa-email",               FIELDS,        "email",         NULL,           NULL},
	{"whois-registrant-email",      FIELDS,        "email",         NULL,           NULL},
	{"target-email",                FIELDS,        "email",         NULL,           NULL},
	{"email-subject",               FIELDS,        "email-subject", NULL,           NULL},
	{"email-body",                  FIELDS,        "email-body",    NULL,           NULL},
	{"email-message-id",            FIELDS,        "email-id",      NULL,           NULL},
	{"email-x-mailer",              FIELDS,        "x-mailer",      NULL,           NULL},
	{"email-attachment",            FIELDS,        "filename",      NULL,           NULL},
	{"mutex",                       FIELDS,        "mutex",         NULL,           NULL},
	{"regkey",                      FIELDS,        "regkey",        NULL,           NULL},
	{"regkey|value",                FIELDS,        "regkey",        "regdata",      NULL},
	{"user-agent",                  FIELDS,        "user-agent",    NULL,           NULL},
	{"AS",                          FIELDS,        "asn",           NULL,           NULL},
	{"mac-address",                 FIELDS,        "mac",           NULL,           NULL},
	{"port",                        FIELDS,        "dst-port",      NULL,           NULL},
	{"ja3-fingerprint-md5",         FIELDS,        "ja3",           NULL,           NULL},
	{"jarm-fingerprint",            FIELDS,        "jarm",          NULL,           NULL},
	{"hassh-md5",                   FIELDS,        "hassh",         NULL,           NULL},
	{"hasshserver-md5",             FIELDS,        "hasshserver",   NULL,           NULL},
	{"x509-fingerprint-md5",        FIELDS,        "x509-md5",      NULL,           NULL},
	{"x509-fingerprint-sha1",       FIELDS,        "x509-sha1",     NULL,           NULL},
	{"x509-fingerprint-sha256",     FIELDS,        "x509-sha256",   NULL,           NULL},
	{"windows-service-name",        FIELDS,        "service",       NULL,           NULL},
	{"windows-service-displayname", FIELDS,        "service-title", NULL,           NULL},
	{"cpe",                         FIELDS,        "cpe",           NULL,           NULL},
	{"target-user",                 FIELDS,        "login",         NULL,           NULL},
	{"github-username",             FIELDS,        "login",         NULL,           "github"},
	{"twitter-id",                  FIELDS,        "login",         NULL,           "twitter"},
	{"jabber-id",                   FIELDS,        "login",         NULL,           "jabber"},
	{"btc",                         FIELDS,        "user-id",       NULL,           "btc"},
	{"xmr",                         FIELDS,        "user-id",       NULL,           "xmr"},
	{"dash",                        FIELDS,        "user-id",       NULL,           "dash"},
	{"yara",                        RULE,          "yara",          NULL,           NULL},
	{"sigma",                       RULE,          "sigma",         NULL,           NULL},
	{"snort",                       RULE,          "snort",         NULL,           NULL},
	{"suricata",                    RULE,          "suricata",      NULL,           NULL},
	{"zeek",                        RULE,          "zeek",          NULL,           NULL},
	{"bro",                         RULE,          "zeek",          NULL,           NULL},
	{"kusto-query",                 RULE,          "kusto",         NULL,           NULL},
	{"stix2-pattern",               RULE,          "stix",          NULL,           NULL},
	{"vulnerability",               VULNERABILITY, NULL,            NULL,           NULL},
	{"link",                        REFERENCE,     NULL,            NULL,           NULL},
};
/* clang-format on */

const struct misp_type *misp_type_find(struct slice type)
{
	static const struct misp_type note = {"", MISP_USE_NOTE, NULL, NULL};

	for (size_t k = 0; k < COUNT_OF(types); k++) {
		if (slice_is(type, types[k].type))
			return &types[k];
	}
	return &note;
}
