/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Zeek's column names and what they say: base scripts of Zeek 4 to 8, the JA3, JA4+ and HASSH
 * packages, and the ICSNPP parsers of plant protocols. A log that is not known is still read: by
 * the common names, and by the types of its columns.
 */
#include "zeek.h"

#define BY_ROLE FIELD_KINDS /* the role's own kind */

struct column_row {
	const char *path; /* only in logs whose name begins so; NULL: in all */
	const char *name;
	enum event_role role;
	enum field_kind kind;
	bool many; /* where no type says so */
};

/* The first row that fits decides, so rows of one log stand in front of those of all. */
static const struct column_row column_rows[] = {
  /* Names that mean something else in one log. */
	{"kerberos", "client",                   ROLE_USER,                BY_ROLE,    false},
	{"kerberos", "from",                     ROLE_NONE,                BY_ROLE,    false},
	{"ssh",      "client",                   ROLE_USER_AGENT,          BY_ROLE,    false},
	{"smb",      "name",                     ROLE_FILE_NAME,           BY_ROLE,    false},
	{"smb",      "prev_name",                ROLE_FILE_NAME,           BY_ROLE,    false},
	{"smb",      "path",                     ROLE_MESSAGE,             BY_ROLE,    false},
	{"smtp",     "path",                     ROLE_ADDRESS,             BY_ROLE,    true },
	{"smtp",     "subject",                  ROLE_SUBJECT,             BY_ROLE,    false},
	{"ftp",      "command",                  ROLE_METHOD,              BY_ROLE,    false},
	{"ftp",      "arg",                      ROLE_URL,                 FIELD_FREE, false},
	{"sip",      "uri",                      ROLE_URL,                 FIELD_FREE, false},
	{"sip",      "request_path",             ROLE_MESSAGE,             BY_ROLE,    true },
	{"sip",      "response_path",            ROLE_MESSAGE,             BY_ROLE,    true },
	{"dhcp",     "domain",                   ROLE_HOST,                BY_ROLE,    false},
	{"radius",   "mac",                      ROLE_MAC,                 BY_ROLE,    false},
	{"syslog",   "message",                  ROLE_MESSAGE,             BY_ROLE,    false},
	{"irc",      "nick",                     ROLE_USER,                BY_ROLE,    false},
	{"irc",      "command",                  ROLE_METHOD,              BY_ROLE,    false},
	{"software", "name",                     ROLE_NONE,                BY_ROLE,    false},
	{"known_",   "host",                     ROLE_ADDRESS,             BY_ROLE,    false},
	{"known_",   "subject",                  ROLE_CERTIFICATE_NAME,    FIELD_FREE, false},
	{"files",    "source",                   ROLE_SERVICE,             BY_ROLE,    false},
 /* Plant protocols: Zeek's own analyzers and ICSNPP. */
	{"modbus",   "func",                     ROLE_PLANT_FUNCTION,      BY_ROLE,    false},
	{"modbus",   "unit",                     ROLE_PLANT_UNIT,          BY_ROLE,    false},
	{"modbus",   "unit_id",                  ROLE_PLANT_UNIT,          BY_ROLE,    false},
	{"modbus",   "address",                  ROLE_PLANT_OBJECT,        BY_ROLE,    false},
	{"modbus",   "values",                   ROLE_PLANT_VALUE,         BY_ROLE,    false},
	{"modbus",   "register",                 ROLE_PLANT_OBJECT,        BY_ROLE,    false},
	{"modbus",   "new_val",                  ROLE_PLANT_VALUE,         BY_ROLE,    false},
	{"dnp3",     "fc_request",               ROLE_PLANT_FUNCTION,      BY_ROLE,    false},
	{"dnp3",     "fc_reply",                 ROLE_PLANT_FUNCTION,      BY_ROLE,    false},
	{"dnp3",     "function_code",            ROLE_PLANT_FUNCTION,      BY_ROLE,    false},
	{"dnp3",     "object_type",              ROLE_PLANT_OBJECT,        BY_ROLE,    false},
	{"dnp3",     "index_number",             ROLE_PLANT_OBJECT,        BY_ROLE,    false},
	{"s7comm",   "function_name",            ROLE_PLANT_FUNCTION,      BY_ROLE,    false},
	{"s7comm",   "subfunction_name",         ROLE_PLANT_FUNCTION,      BY_ROLE,    false},
	{"s7comm",   "filename",                 ROLE_PLANT_OBJECT,        BY_ROLE,    false},
	{"enip",     "enip_command",             ROLE_PLANT_FUNCTION,      BY_ROLE,    false},
	{"cip",      "cip_service",              ROLE_PLANT_FUNCTION,      BY_ROLE,    false},
	{"cip",      "class_name",               ROLE_PLANT_OBJECT,        BY_ROLE,    false},
	{"cip",      "instance_id",              ROLE_PLANT_OBJECT,        BY_ROLE,    false},
	{"bacnet",   "pdu_service",              ROLE_PLANT_FUNCTION,      BY_ROLE,    false},
	{"bacnet",   "object_type",              ROLE_PLANT_OBJECT,        BY_ROLE,    false},
	{"bacnet",   "property",                 ROLE_PLANT_OBJECT,        BY_ROLE,    false},
	{"bacnet",   "value",                    ROLE_PLANT_VALUE,         BY_ROLE,    false},
	{"iec104",   "type_id",                  ROLE_PLANT_FUNCTION,      BY_ROLE,    false},
	{"iec104",   "common_address",           ROLE_PLANT_UNIT,          BY_ROLE,    false},
	{"opcua",    "endpoint_url",             ROLE_URL,                 FIELD_FREE, false},
	{"ecat",     "srcmac",                   ROLE_MAC,                 BY_ROLE,    false},
	{"ecat",     "dstmac",                   ROLE_MAC,                 BY_ROLE,    false},
 /* Every log. */
	{NULL,       "uid",		      ROLE_FLOW,                BY_ROLE,    false},
	{NULL,       "id.orig_h",                ROLE_SOURCE_ADDRESS,      BY_ROLE,    false},
	{NULL,       "id.orig_p",                ROLE_SOURCE_PORT,         BY_ROLE,    false},
	{NULL,       "id.resp_h",                ROLE_DESTINATION_ADDRESS, BY_ROLE,    false},
	{NULL,       "id.resp_p",                ROLE_DESTINATION_PORT,    BY_ROLE,    false},
	{NULL,       "id_orig_h",                ROLE_SOURCE_ADDRESS,      BY_ROLE,    false}, /* as some shippers rename them */
	{NULL,       "id_orig_p",                ROLE_SOURCE_PORT,         BY_ROLE,    false},
	{NULL,       "id_resp_h",                ROLE_DESTINATION_ADDRESS, BY_ROLE,    false},
	{NULL,       "id_resp_p",                ROLE_DESTINATION_PORT,    BY_ROLE,    false},
	{NULL,       "source_h",                 ROLE_SOURCE_ADDRESS,      BY_ROLE,    false}, /* ICSNPP */
	{NULL,       "source_p",                 ROLE_SOURCE_PORT,         BY_ROLE,    false},
	{NULL,       "destination_h",            ROLE_DESTINATION_ADDRESS, BY_ROLE,    false},
	{NULL,       "destination_p",            ROLE_DESTINATION_PORT,    BY_ROLE,    false},
	{NULL,       "proto",                    ROLE_TRANSPORT,           BY_ROLE,    false},
	{NULL,       "service",                  ROLE_SERVICE,             BY_ROLE,    false},
	{NULL,       "orig_bytes",               ROLE_SOURCE_BYTES,        BY_ROLE,    false},
	{NULL,       "resp_bytes",               ROLE_DESTINATION_BYTES,   BY_ROLE,    false},
	{NULL,       "orig_l2_addr",             ROLE_MAC,                 BY_ROLE,    false},
	{NULL,       "resp_l2_addr",             ROLE_MAC,                 BY_ROLE,    false},
	{NULL,       "_system_name",             ROLE_DEVICE,              BY_ROLE,    false},
	{NULL,       "peer_descr",               ROLE_DEVICE,              BY_ROLE,    false},
	{NULL,       "peer",                     ROLE_DEVICE,              BY_ROLE,    false},
 /* dns */
	{NULL,       "query",                    ROLE_QUERY,               BY_ROLE,    false},
	{NULL,       "qtype_name",               ROLE_QUERY_TYPE,          BY_ROLE,    false},
	{NULL,       "rcode_name",               ROLE_RESPONSE_CODE,       BY_ROLE,    false},
	{NULL,       "answers",                  ROLE_ANSWER,              BY_ROLE,    true },
 /* http */
	{NULL,       "method",                   ROLE_METHOD,              BY_ROLE,    false},
	{NULL,       "host",                     ROLE_HOST,                BY_ROLE,    false},
	{NULL,       "referrer",                 ROLE_REFERRER,            BY_ROLE,    false},
	{NULL,       "user_agent",               ROLE_USER_AGENT,          BY_ROLE,    false},
	{NULL,       "status_code",              ROLE_STATUS,              BY_ROLE,    false},
	{NULL,       "proxied",                  ROLE_MESSAGE,             BY_ROLE,    true },
	{NULL,       "orig_filenames",           ROLE_FILE_NAME,           BY_ROLE,    true },
	{NULL,       "resp_filenames",           ROLE_FILE_NAME,           BY_ROLE,    true },
	{NULL,       "orig_mime_types",          ROLE_MIME,                BY_ROLE,    true },
	{NULL,       "resp_mime_types",          ROLE_MIME,                BY_ROLE,    true },
	{NULL,       "url",		      ROLE_URL,                 BY_ROLE,    false},
 /* ssl, quic, x509 */
	{NULL,       "server_name",              ROLE_SNI,                 BY_ROLE,    false},
	{NULL,       "subject",                  ROLE_CERTIFICATE_NAME,    FIELD_FREE, false},
	{NULL,       "client_subject",           ROLE_CERTIFICATE_NAME,    FIELD_FREE, false},
	{NULL,       "certificate.subject",      ROLE_CERTIFICATE_NAME,    FIELD_FREE, false},
	{NULL,       "client_cert_subject",      ROLE_CERTIFICATE_NAME,    FIELD_FREE, false},
	{NULL,       "server_cert_subject",      ROLE_CERTIFICATE_NAME,    FIELD_FREE, false},
	{NULL,       "cert_chain_fps",           ROLE_CERTIFICATE_HASH,    BY_ROLE,    true },
	{NULL,       "client_cert_chain_fps",    ROLE_CERTIFICATE_HASH,    BY_ROLE,    true },
	{NULL,       "fingerprint",              ROLE_CERTIFICATE_HASH,    BY_ROLE,    false},
	{NULL,       "san.dns",                  ROLE_CERTIFICATE_NAME,    BY_ROLE,    true },
	{NULL,       "san.uri",                  ROLE_URL,                 BY_ROLE,    true },
	{NULL,       "san.email",                ROLE_EMAIL,               BY_ROLE,    true },
	{NULL,       "san.ip",                   ROLE_ADDRESS,             BY_ROLE,    true },
	{NULL,       "ja3",		      ROLE_JA3,                 BY_ROLE,    false},
	{NULL,       "ja3s",                     ROLE_JA3S,                BY_ROLE,    false},
	{NULL,       "ja4",		      ROLE_JA4,                 BY_ROLE,    false},
	{NULL,       "ja4s",                     ROLE_JA4,                 BY_ROLE,    false},
	{NULL,       "ja4h",                     ROLE_JA4,                 BY_ROLE,    false},
	{NULL,       "ja4x",                     ROLE_JA4,                 BY_ROLE,    true },
	{NULL,       "ja4t",                     ROLE_JA4,                 BY_ROLE,    false},
	{NULL,       "ja4ts",                    ROLE_JA4,                 BY_ROLE,    false},
	{NULL,       "ja4l",                     ROLE_JA4,                 BY_ROLE,    false},
	{NULL,       "ja4ssh",                   ROLE_JA4,                 BY_ROLE,    false},
 /* files */
	{NULL,       "md5",		      ROLE_FILE_HASH,           BY_ROLE,    false},
	{NULL,       "sha1",                     ROLE_FILE_HASH,           BY_ROLE,    false},
	{NULL,       "sha256",                   ROLE_FILE_HASH,           BY_ROLE,    false},
	{NULL,       "sha512",                   ROLE_FILE_HASH,           BY_ROLE,    false},
	{NULL,       "imphash",                  ROLE_IMPHASH,             BY_ROLE,    false},
	{NULL,       "ssdeep",                   ROLE_SSDEEP,              BY_ROLE,    false},
	{NULL,       "mime_type",                ROLE_MIME,                BY_ROLE,    false},
	{NULL,       "file_mime_type",           ROLE_MIME,                BY_ROLE,    false},
	{NULL,       "filename",                 ROLE_FILE_NAME,           BY_ROLE,    false},
	{NULL,       "dcc_file_name",            ROLE_FILE_NAME,           BY_ROLE,    false},
	{NULL,       "tx_hosts",                 ROLE_ADDRESS,             BY_ROLE,    true },
	{NULL,       "rx_hosts",                 ROLE_ADDRESS,             BY_ROLE,    true },
 /* smtp: header fields hold names beside the address, the envelope does not */
	{NULL,       "helo",                     ROLE_HOST,                BY_ROLE,    false},
	{NULL,       "mailfrom",                 ROLE_EMAIL_FROM,          BY_ROLE,    false},
	{NULL,       "rcptto",                   ROLE_EMAIL_TO,            BY_ROLE,    true },
	{"smtp",     "from",                     ROLE_EMAIL_FROM,          FIELD_FREE, false},
	{"smtp",     "to",		       ROLE_EMAIL_TO,            FIELD_FREE, true },
	{NULL,       "cc",		       ROLE_EMAIL_TO,            FIELD_FREE, true },
	{NULL,       "reply_to",                 ROLE_EMAIL,               FIELD_FREE, false},
	{NULL,       "x_originating_ip",         ROLE_ADDRESS,             BY_ROLE,    false},
	{NULL,       "first_received",           ROLE_MESSAGE,             BY_ROLE,    false},
	{NULL,       "second_received",          ROLE_MESSAGE,             BY_ROLE,    false},
 /* sip */
	{NULL,       "request_from",             ROLE_EMAIL_FROM,          FIELD_FREE, false},
	{NULL,       "request_to",               ROLE_EMAIL_TO,            FIELD_FREE, false},
	{NULL,       "response_from",            ROLE_EMAIL_FROM,          FIELD_FREE, false},
	{NULL,       "response_to",              ROLE_EMAIL_TO,            FIELD_FREE, false},
 /* the others */
	{NULL,       "user",                     ROLE_USER,                BY_ROLE,    false},
	{NULL,       "username",                 ROLE_USER,                BY_ROLE,    false},
	{NULL,       "cookie",                   ROLE_USER,                BY_ROLE,    false},
	{NULL,       "mac",		      ROLE_MAC,                 BY_ROLE,    false},
	{NULL,       "client_addr",              ROLE_ADDRESS,             BY_ROLE,    false},
	{NULL,       "server_addr",              ROLE_ADDRESS,             BY_ROLE,    false},
	{NULL,       "assigned_addr",            ROLE_ADDRESS,             BY_ROLE,    false},
	{NULL,       "requested_addr",           ROLE_ADDRESS,             BY_ROLE,    false},
	{NULL,       "client_fqdn",              ROLE_HOST,                BY_ROLE,    false},
	{NULL,       "server_dns_computer_name", ROLE_HOST,                BY_ROLE,    false},
	{NULL,       "request.host",             ROLE_HOST,                BY_ROLE,    false},
	{NULL,       "request.name",             ROLE_HOST,                BY_ROLE,    false},
	{NULL,       "bound.host",               ROLE_HOST,                BY_ROLE,    false},
	{NULL,       "bound.name",               ROLE_HOST,                BY_ROLE,    false},
	{NULL,       "unparsed_version",         ROLE_USER_AGENT,          BY_ROLE,    false},
	{NULL,       "seen.indicator",           ROLE_MESSAGE,             BY_ROLE,    false},
	{"notice",   "src",                      ROLE_SOURCE_ADDRESS,      BY_ROLE,    false},
	{"notice",   "dst",                      ROLE_DESTINATION_ADDRESS, BY_ROLE,    false},
	{NULL,       "msg",		      ROLE_MESSAGE,             BY_ROLE,    false},
	{NULL,       "sub",		      ROLE_MESSAGE,             BY_ROLE,    false},
	{NULL,       "addl",                     ROLE_MESSAGE,             BY_ROLE,    false},
};

/* The element type of "set[addr]", "vector[string]"; the type itself when it is no container. */
static struct slice element_type(struct slice type, bool *ret_many)
{
	size_t open = slice_find(type, '[', 0);

	*ret_many = open < type.len;
	return *ret_many ? slice_cut(type, open + 1, type.len - 1) : type;
}

static bool kind_is_of_addresses(enum field_kind kind)
{
	return kind == FIELD_ADDRESS || kind == FIELD_HOST;
}

struct zeek_meaning zeek_column(struct slice path, struct slice name, struct slice type)
{
	struct zeek_meaning m = {ROLE_NONE, FIELD_NONE, false};
	struct slice element = element_type(type, &m.many);

	for (size_t i = 0; i < COUNT_OF(column_rows); i++) {
		const struct column_row *row = &column_rows[i];

		if (!slice_is(name, row->name) ||
			(row->path != NULL && !slice_starts(path, slice_of(row->path))))
			continue;
		m.role = row->role;
		m.kind = row->kind == BY_ROLE ? event_role_row(row->role)->kind : row->kind;
		if (type.len == 0)
			m.many = row->many;
		break;
	}
	if (type.len == 0)
		return m;
	/* The type knows better than the name: `host` is an address in one log, a name in another,
	 * and a count is nothing that is looked up. */
	if (slice_is(element, "addr")) {
		if (!kind_is_of_addresses(m.kind))
			m.role = ROLE_ADDRESS;
		m.kind = FIELD_ADDRESS;
	} else if (!slice_is(element, "string") && m.kind != FIELD_NONE) {
		m.role = ROLE_NONE;
		m.kind = FIELD_NONE;
	}
	return m;
}

/* ---- http: host and uri ---------------------------------------------------------------------- */

static size_t put(char *to, size_t at, struct slice s)
{
	if (s.len != 0)
		memcpy(to + at, s.data, s.len);
	return at + s.len;
}

size_t zeek_url_join(const struct zeek_url *url, char *to)
{
	struct slice host = url->host.len != 0 ? url->host : url->address;
	bool bare_ipv6 = url->host.len == 0 && slice_find(host, ':', 0) < host.len;
	/* Behind the bracket of an IPv6 address, or anywhere in a name. */
	size_t from = host.len != 0 && host.data[0] == '[' ? slice_find(host, ']', 0) : 0;
	bool has_port = !bare_ipv6 && slice_find(host, ':', from) < host.len;
	size_t at = 0;

	if (url->uri.len == 0)
		return 0;
	if (slice_find_text(url->uri, SLICE("://")) < slice_find(url->uri, '/', 0))
		return put(to, 0, url->uri);
	if (url->uri.data[0] != '/' || host.len == 0)
		return 0;
	if (bare_ipv6)
		at = put(to, at, SLICE("["));
	at = put(to, at, host);
	if (bare_ipv6)
		at = put(to, at, SLICE("]"));
	if (!has_port && url->port.len != 0 && url->port.len <= 5 && !slice_is(url->port, "80") &&
		!slice_is(url->port, "443")) {
		at = put(to, at, SLICE(":"));
		at = put(to, at, url->port);
	}
	return put(to, at, url->uri);
}
