/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Paths and names of JSON logs: Suricata's EVE (versions 1 to 3 of its DNS records), the Elastic
 * Common Schema, Windows events and Sysmon as shippers write them, audit logs of clouds, and names
 * that many tools use. Zeek's are in zeek_columns.c.
 */
#include "json_names.h"
#include "zeek.h"

#define BY_ROLE FIELD_KINDS /* the role's own kind */

struct name_row {
	const char *name;
	enum event_role role;
	enum field_kind kind;
	enum json_part part;
};

static const struct name_row eve_paths[] = {
	{"src_ip",		      ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE   },
	{"src_port",                    ROLE_SOURCE_PORT,         BY_ROLE,    PART_NONE   },
	{"dest_ip",		     ROLE_DESTINATION_ADDRESS, BY_ROLE,    PART_ADDRESS},
	{"dest_port",                   ROLE_DESTINATION_PORT,    BY_ROLE,    PART_PORT   },
	{"proto",		       ROLE_TRANSPORT,           BY_ROLE,    PART_NONE   },
	{"app_proto",                   ROLE_SERVICE,             BY_ROLE,    PART_NONE   },
	{"flow_id",		     ROLE_FLOW,                BY_ROLE,    PART_NONE   },
	{"host",			ROLE_DEVICE,              BY_ROLE,    PART_NONE   },
	{"xff",			 ROLE_ADDRESS,             BY_ROLE,    PART_NONE   },
	{"ether.src_mac",               ROLE_MAC,                 BY_ROLE,    PART_NONE   },
	{"ether.dest_mac",              ROLE_MAC,                 BY_ROLE,    PART_NONE   },
	{"ether.src_macs",              ROLE_MAC,                 BY_ROLE,    PART_NONE   },
	{"ether.dest_macs",             ROLE_MAC,                 BY_ROLE,    PART_NONE   },
	{"flow.src_ip",                 ROLE_ADDRESS,             BY_ROLE,    PART_NONE   },
	{"flow.dest_ip",                ROLE_ADDRESS,             BY_ROLE,    PART_NONE   },
	{"flow.bytes_toserver",         ROLE_SOURCE_BYTES,        BY_ROLE,    PART_NONE   },
	{"flow.bytes_toclient",         ROLE_DESTINATION_BYTES,   BY_ROLE,    PART_NONE   },
	{"tunnel.src_ip",               ROLE_ADDRESS,             BY_ROLE,    PART_NONE   },
	{"tunnel.dest_ip",              ROLE_ADDRESS,             BY_ROLE,    PART_NONE   },
	{"alert.source.ip",             ROLE_ADDRESS,             BY_ROLE,    PART_NONE   },
	{"alert.target.ip",             ROLE_ADDRESS,             BY_ROLE,    PART_NONE   },
 /* dns: version 1 has one record per answer, 2 lists them, 3 lists the questions too */
	{"dns.rrname",                  ROLE_QUERY,               BY_ROLE,    PART_NONE   },
	{"dns.rrtype",                  ROLE_QUERY_TYPE,          BY_ROLE,    PART_NONE   },
	{"dns.rcode",                   ROLE_RESPONSE_CODE,       BY_ROLE,    PART_NONE   },
	{"dns.rdata",                   ROLE_ANSWER,              BY_ROLE,    PART_NONE   },
	{"dns.query.rrname",            ROLE_QUERY,               BY_ROLE,    PART_NONE   },
	{"dns.query.rrtype",            ROLE_QUERY_TYPE,          BY_ROLE,    PART_NONE   },
	{"dns.queries.rrname",          ROLE_QUERY,               BY_ROLE,    PART_NONE   },
	{"dns.queries.rrtype",          ROLE_QUERY_TYPE,          BY_ROLE,    PART_NONE   },
	{"dns.answer.rrname",           ROLE_ANSWER,              BY_ROLE,    PART_NONE   },
	{"dns.answer.rdata",            ROLE_ANSWER,              BY_ROLE,    PART_NONE   },
	{"dns.answer.rcode",            ROLE_RESPONSE_CODE,       BY_ROLE,    PART_NONE   },
	{"dns.answers.rrname",          ROLE_ANSWER,              BY_ROLE,    PART_NONE   },
	{"dns.answers.rdata",           ROLE_ANSWER,              BY_ROLE,    PART_NONE   },
	{"dns.answers.soa.mname",       ROLE_ANSWER,              BY_ROLE,    PART_NONE   },
	{"dns.authorities.rrname",      ROLE_ANSWER,              BY_ROLE,    PART_NONE   },
	{"dns.authorities.rdata",       ROLE_ANSWER,              BY_ROLE,    PART_NONE   },
	{"dns.additionals.rrname",      ROLE_ANSWER,              BY_ROLE,    PART_NONE   },
	{"dns.additionals.rdata",       ROLE_ANSWER,              BY_ROLE,    PART_NONE   },
	{"dns.grouped.A",               ROLE_ANSWER,              BY_ROLE,    PART_NONE   },
	{"dns.grouped.AAAA",            ROLE_ANSWER,              BY_ROLE,    PART_NONE   },
	{"dns.grouped.CNAME",           ROLE_ANSWER,              BY_ROLE,    PART_NONE   },
	{"dns.grouped.MX",              ROLE_ANSWER,              BY_ROLE,    PART_NONE   },
	{"dns.grouped.NS",              ROLE_ANSWER,              BY_ROLE,    PART_NONE   },
	{"dns.grouped.PTR",             ROLE_ANSWER,              BY_ROLE,    PART_NONE   },
	{"dns.grouped.SRV",             ROLE_ANSWER,              BY_ROLE,    PART_NONE   },
	{"http.hostname",               ROLE_HOST,                BY_ROLE,    PART_HOST   },
	{"http.url",                    ROLE_NONE,                BY_ROLE,    PART_URI    },
	{"http.http_method",            ROLE_METHOD,              BY_ROLE,    PART_NONE   },
	{"http.status",                 ROLE_STATUS,              BY_ROLE,    PART_NONE   },
	{"http.http_user_agent",        ROLE_USER_AGENT,          BY_ROLE,    PART_NONE   },
	{"http.http_refer",             ROLE_REFERRER,            BY_ROLE,    PART_NONE   },
	{"http.http_content_type",      ROLE_MIME,                BY_ROLE,    PART_NONE   },
	{"http.redirect",               ROLE_URL,                 BY_ROLE,    PART_NONE   },
	{"http.xff",                    ROLE_MESSAGE,             BY_ROLE,    PART_NONE   },
	{"http.http2.request.host",     ROLE_HOST,                BY_ROLE,    PART_NONE   },
	{"tls.sni",		     ROLE_SNI,                 BY_ROLE,    PART_NONE   },
	{"tls.subject",                 ROLE_CERTIFICATE_NAME,    FIELD_FREE, PART_NONE   },
	{"tls.subjectaltname",          ROLE_CERTIFICATE_NAME,    BY_ROLE,    PART_NONE   },
	{"tls.fingerprint",             ROLE_CERTIFICATE_HASH,    BY_ROLE,    PART_NONE   },
	{"tls.client.subject",          ROLE_CERTIFICATE_NAME,    FIELD_FREE, PART_NONE   },
	{"tls.client.fingerprint",      ROLE_CERTIFICATE_HASH,    BY_ROLE,    PART_NONE   },
	{"tls.ja3.hash",                ROLE_JA3,                 BY_ROLE,    PART_NONE   },
	{"tls.ja3s.hash",               ROLE_JA3S,                BY_ROLE,    PART_NONE   },
	{"tls.ja4",		     ROLE_JA4,                 BY_ROLE,    PART_NONE   },
	{"quic.sni",                    ROLE_SNI,                 BY_ROLE,    PART_NONE   },
	{"quic.ja3.hash",               ROLE_JA3,                 BY_ROLE,    PART_NONE   },
	{"quic.ja3s.hash",              ROLE_JA3S,                BY_ROLE,    PART_NONE   },
	{"quic.ja4",                    ROLE_JA4,                 BY_ROLE,    PART_NONE   },
	{"fileinfo.filename",           ROLE_FILE_NAME,           BY_ROLE,    PART_NONE   },
	{"fileinfo.md5",                ROLE_FILE_HASH,           BY_ROLE,    PART_NONE   },
	{"fileinfo.sha1",               ROLE_FILE_HASH,           BY_ROLE,    PART_NONE   },
	{"fileinfo.sha256",             ROLE_FILE_HASH,           BY_ROLE,    PART_NONE   },
	{"files.filename",              ROLE_FILE_NAME,           BY_ROLE,    PART_NONE   },
	{"files.md5",                   ROLE_FILE_HASH,           BY_ROLE,    PART_NONE   },
	{"files.sha1",                  ROLE_FILE_HASH,           BY_ROLE,    PART_NONE   },
	{"files.sha256",                ROLE_FILE_HASH,           BY_ROLE,    PART_NONE   },
	{"smtp.helo",                   ROLE_HOST,                BY_ROLE,    PART_NONE   },
	{"smtp.mail_from",              ROLE_EMAIL_FROM,          FIELD_FREE, PART_NONE   },
	{"smtp.rcpt_to",                ROLE_EMAIL_TO,            FIELD_FREE, PART_NONE   },
	{"email.from",                  ROLE_EMAIL_FROM,          FIELD_FREE, PART_NONE   },
	{"email.to",                    ROLE_EMAIL_TO,            FIELD_FREE, PART_NONE   },
	{"email.cc",                    ROLE_EMAIL_TO,            FIELD_FREE, PART_NONE   },
	{"email.subject",               ROLE_SUBJECT,             BY_ROLE,    PART_NONE   },
	{"email.attachment",            ROLE_FILE_NAME,           BY_ROLE,    PART_NONE   },
	{"email.url",                   ROLE_URL,                 BY_ROLE,    PART_NONE   },
	{"email.x_mailer",              ROLE_USER_AGENT,          BY_ROLE,    PART_NONE   },
	{"ssh.client.software_version", ROLE_USER_AGENT,          BY_ROLE,    PART_NONE   },
	{"ftp.command",                 ROLE_METHOD,              BY_ROLE,    PART_NONE   },
	{"ftp_data.filename",           ROLE_FILE_NAME,           BY_ROLE,    PART_NONE   },
	{"smb.filename",                ROLE_FILE_NAME,           BY_ROLE,    PART_NONE   },
	{"smb.ntlmssp.user",            ROLE_USER,                BY_ROLE,    PART_NONE   },
	{"krb5.cname",                  ROLE_USER,                BY_ROLE,    PART_NONE   },
	{"dhcp.client_mac",             ROLE_MAC,                 BY_ROLE,    PART_NONE   },
	{"dhcp.assigned_ip",            ROLE_ADDRESS,             BY_ROLE,    PART_NONE   },
	{"dhcp.client_ip",              ROLE_ADDRESS,             BY_ROLE,    PART_NONE   },
	{"sip.uri",		     ROLE_URL,                 FIELD_FREE, PART_NONE   },
	{"tftp.file",                   ROLE_FILE_NAME,           BY_ROLE,    PART_NONE   },
	{"rdp.cookie",                  ROLE_USER,                BY_ROLE,    PART_NONE   },
};

/* Elastic Common Schema and others whose path says more than the last name. */
static const struct name_row known_paths[] = {
	{"source.ip",			   ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE},
	{"source.address",                      ROLE_SOURCE_ADDRESS,      FIELD_HOST, PART_NONE},
	{"source.domain",                       ROLE_HOST,                BY_ROLE,    PART_NONE},
	{"source.port",			 ROLE_SOURCE_PORT,         BY_ROLE,    PART_NONE},
	{"source.bytes",                        ROLE_SOURCE_BYTES,        BY_ROLE,    PART_NONE},
	{"source.mac",			  ROLE_MAC,                 BY_ROLE,    PART_NONE},
	{"source.as.number",                    ROLE_ASN,                 BY_ROLE,    PART_NONE},
	{"destination.ip",                      ROLE_DESTINATION_ADDRESS, BY_ROLE,    PART_NONE},
	{"destination.address",                 ROLE_DESTINATION_ADDRESS, FIELD_HOST, PART_NONE},
	{"destination.domain",                  ROLE_HOST,                BY_ROLE,    PART_NONE},
	{"destination.port",                    ROLE_DESTINATION_PORT,    BY_ROLE,    PART_NONE},
	{"destination.bytes",                   ROLE_DESTINATION_BYTES,   BY_ROLE,    PART_NONE},
	{"destination.mac",                     ROLE_MAC,                 BY_ROLE,    PART_NONE},
	{"destination.as.number",               ROLE_ASN,                 BY_ROLE,    PART_NONE},
	{"client.ip",			   ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE},
	{"client.ipAddress",                    ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE}, /* Okta */
	{"server.ip",			   ROLE_DESTINATION_ADDRESS, BY_ROLE,    PART_NONE},
	{"server.domain",                       ROLE_HOST,                BY_ROLE,    PART_NONE},
	{"host.ip",			     ROLE_ADDRESS,             BY_ROLE,    PART_NONE},
	{"host.name",			   ROLE_DEVICE,              BY_ROLE,    PART_NONE},
	{"network.transport",                   ROLE_TRANSPORT,           BY_ROLE,    PART_NONE},
	{"network.protocol",                    ROLE_SERVICE,             BY_ROLE,    PART_NONE},
	{"related.ip",			  ROLE_ADDRESS,             BY_ROLE,    PART_NONE},
	{"related.hosts",                       ROLE_HOST,                BY_ROLE,    PART_NONE},
	{"related.hash",                        ROLE_FILE_HASH,           BY_ROLE,    PART_NONE},
	{"dns.question.name",                   ROLE_QUERY,               BY_ROLE,    PART_NONE},
	{"dns.question.type",                   ROLE_QUERY_TYPE,          BY_ROLE,    PART_NONE},
	{"dns.response_code",                   ROLE_RESPONSE_CODE,       BY_ROLE,    PART_NONE},
	{"dns.answers.data",                    ROLE_ANSWER,              BY_ROLE,    PART_NONE},
	{"dns.answers.name",                    ROLE_ANSWER,              BY_ROLE,    PART_NONE},
	{"dns.resolved_ip",                     ROLE_ANSWER,              BY_ROLE,    PART_NONE},
	{"url.full",			    ROLE_URL,                 BY_ROLE,    PART_NONE},
        {"url.original",                        ROLE_URL,                 BY_ROLE,    PART_NONE},
	{"url.domain",			  ROLE_HOST,                BY_ROLE,    PART_NONE},
	{"http.request.method",                 ROLE_METHOD,              BY_ROLE,    PART_NONE},
	{"http.request.referrer",               ROLE_REFERRER,            BY_ROLE,    PART_NONE},
	{"http.response.status_code",           ROLE_STATUS,              BY_ROLE,    PART_NONE},
	{"user_agent.original",                 ROLE_USER_AGENT,          BY_ROLE,    PART_NONE},
	{"file.name",			   ROLE_FILE_NAME,           BY_ROLE,    PART_NONE},
	{"file.path",			   ROLE_FILE_NAME,           BY_ROLE,    PART_NONE},
	{"process.executable",                  ROLE_PROCESS,             BY_ROLE,    PART_NONE},
	{"process.name",                        ROLE_PROCESS,             BY_ROLE,    PART_NONE},
	{"process.parent.executable",           ROLE_PROCESS,             BY_ROLE,    PART_NONE},
	{"registry.path",                       ROLE_REGISTRY_KEY,        BY_ROLE,    PART_NONE},
	{"user.name",			   ROLE_USER,                BY_ROLE,    PART_NONE},
	{"user.email",			  ROLE_EMAIL,               BY_ROLE,    PART_NONE},
	{"email.from.address",                  ROLE_EMAIL_FROM,          BY_ROLE,    PART_NONE},
	{"email.sender.address",                ROLE_EMAIL_FROM,          BY_ROLE,    PART_NONE},
	{"email.reply_to.address",              ROLE_EMAIL,               BY_ROLE,    PART_NONE},
	{"email.to.address",                    ROLE_EMAIL_TO,            BY_ROLE,    PART_NONE},
	{"email.cc.address",                    ROLE_EMAIL_TO,            BY_ROLE,    PART_NONE},
	{"email.subject",                       ROLE_SUBJECT,             BY_ROLE,    PART_NONE},
	{"tls.client.server_name",              ROLE_SNI,                 BY_ROLE,    PART_NONE},
	{"tls.client.ja3",                      ROLE_JA3,                 BY_ROLE,    PART_NONE},
	{"tls.server.ja3s",                     ROLE_JA3S,                BY_ROLE,    PART_NONE},
	{"tls.server.hash.md5",                 ROLE_CERTIFICATE_HASH,    BY_ROLE,    PART_NONE},
	{"tls.server.hash.sha1",                ROLE_CERTIFICATE_HASH,    BY_ROLE,    PART_NONE},
	{"tls.server.hash.sha256",              ROLE_CERTIFICATE_HASH,    BY_ROLE,    PART_NONE},
	{"tls.client.hash.md5",                 ROLE_CERTIFICATE_HASH,    BY_ROLE,    PART_NONE},
	{"tls.client.hash.sha1",                ROLE_CERTIFICATE_HASH,    BY_ROLE,    PART_NONE},
	{"tls.client.hash.sha256",              ROLE_CERTIFICATE_HASH,    BY_ROLE,    PART_NONE},
	{"tls.server.x509.alternative_names",   ROLE_CERTIFICATE_NAME,    BY_ROLE,    PART_NONE},
	{"tls.server.x509.subject.common_name", ROLE_CERTIFICATE_NAME,    BY_ROLE,    PART_NONE},
	{"observer.name",                       ROLE_DEVICE,              BY_ROLE,    PART_NONE},
	{"userIdentity.arn",                    ROLE_USER,                BY_ROLE,    PART_NONE}, /* CloudTrail */
	{"httpRequest.remoteIp",                ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE}, /* Google Cloud */
	{"httpRequest.serverIp",                ROLE_DESTINATION_ADDRESS, BY_ROLE,    PART_NONE},
	{"httpRequest.requestUrl",              ROLE_URL,                 BY_ROLE,    PART_NONE},
	{"httpRequest.referer",                 ROLE_REFERRER,            BY_ROLE,    PART_NONE},
	{"httpRequest.clientIp",                ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE}, /* AWS WAF */
};

/* Names that say the same under whatever path: Windows event data stand under "winlog.event_data",
 * "Event.EventData", "event_data" or at the top, as the shipper likes. */
static const struct name_row known_names[] = {
	{"SourceIp",                 ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE}, /* Sysmon */
	{"DestinationIp",            ROLE_DESTINATION_ADDRESS, BY_ROLE,    PART_NONE},
	{"SourcePort",               ROLE_SOURCE_PORT,         BY_ROLE,    PART_NONE},
	{"DestinationPort",          ROLE_DESTINATION_PORT,    BY_ROLE,    PART_NONE},
	{"SourceHostname",           ROLE_HOST,                BY_ROLE,    PART_NONE},
	{"DestinationHostname",      ROLE_HOST,                BY_ROLE,    PART_NONE},
	{"QueryName",                ROLE_QUERY,               BY_ROLE,    PART_NONE},
	{"QueryResults",             ROLE_ANSWER,              FIELD_FREE, PART_NONE},
	{"Hashes",		   ROLE_FILE_HASH,           FIELD_FREE, PART_NONE},
	{"Image",		    ROLE_PROCESS,             BY_ROLE,    PART_NONE},
	{"ParentImage",              ROLE_PROCESS,             BY_ROLE,    PART_NONE},
	{"ImageLoaded",              ROLE_FILE_NAME,           BY_ROLE,    PART_NONE},
	{"CommandLine",              ROLE_COMMAND,             BY_ROLE,    PART_NONE},
	{"ParentCommandLine",        ROLE_COMMAND,             BY_ROLE,    PART_NONE},
	{"TargetFilename",           ROLE_FILE_NAME,           BY_ROLE,    PART_NONE},
	{"TargetObject",             ROLE_REGISTRY_KEY,        BY_ROLE,    PART_NONE},
	{"ScriptBlockText",          ROLE_COMMAND,             BY_ROLE,    PART_NONE},
	{"IpAddress",                ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE}, /* Windows security log */
	{"SourceAddress",            ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE},
	{"DestAddress",              ROLE_DESTINATION_ADDRESS, BY_ROLE,    PART_NONE},
	{"NewProcessName",           ROLE_PROCESS,             BY_ROLE,    PART_NONE},
	{"ProcessName",              ROLE_PROCESS,             BY_ROLE,    PART_NONE},
	{"command_line",             ROLE_COMMAND,             BY_ROLE,    PART_NONE},
	{"sourceIPAddress",          ROLE_SOURCE_ADDRESS,      FIELD_HOST, PART_NONE}, /* CloudTrail */
	{"clientProvidedHostHeader", ROLE_HOST,                BY_ROLE,    PART_NONE},
	{"userAgent",                ROLE_USER_AGENT,          BY_ROLE,    PART_NONE},
	{"callerIp",                 ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE}, /* Google Cloud */
	{"callerIpAddress",          ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE}, /* Azure */
	{"CallerIpAddress",          ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE},
	{"ipAddress",                ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE},
	{"IPAddress",                ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE},
	{"ClientIP",                 ROLE_SOURCE_ADDRESS,      FIELD_FREE, PART_NONE}, /* Microsoft 365, port allowed */
	{"ClientIPAddress",          ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE},
	{"clientIp",                 ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE},
	{"clientIP",                 ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE},
	{"sourceIPs",                ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE}, /* Kubernetes audit */
	{"src_ip",		   ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE},
	{"srcip",		    ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE},
	{"source_ip",                ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE},
	{"client_ip",                ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE},
	{"remote_addr",              ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE},
	{"remote_ip",                ROLE_SOURCE_ADDRESS,      BY_ROLE,    PART_NONE},
	{"src",		      ROLE_SOURCE_ADDRESS,      FIELD_HOST, PART_NONE},
	{"dst",		      ROLE_DESTINATION_ADDRESS, FIELD_HOST, PART_NONE},
	{"dst_ip",		   ROLE_DESTINATION_ADDRESS, BY_ROLE,    PART_NONE},
	{"dstip",		    ROLE_DESTINATION_ADDRESS, BY_ROLE,    PART_NONE},
	{"dest_ip",                  ROLE_DESTINATION_ADDRESS, BY_ROLE,    PART_NONE},
	{"destination_ip",           ROLE_DESTINATION_ADDRESS, BY_ROLE,    PART_NONE},
	{"server_ip",                ROLE_DESTINATION_ADDRESS, BY_ROLE,    PART_NONE},
	{"src_port",                 ROLE_SOURCE_PORT,         BY_ROLE,    PART_NONE},
	{"dst_port",                 ROLE_DESTINATION_PORT,    BY_ROLE,    PART_NONE},
	{"dest_port",                ROLE_DESTINATION_PORT,    BY_ROLE,    PART_NONE},
	{"x_forwarded_for",          ROLE_MESSAGE,             BY_ROLE,    PART_NONE},
	{"query",		    ROLE_QUERY,               BY_ROLE,    PART_NONE},
	{"qname",		    ROLE_QUERY,               BY_ROLE,    PART_NONE},
	{"domain",		   ROLE_HOST,                BY_ROLE,    PART_NONE},
	{"fqdn",		     ROLE_HOST,                BY_ROLE,    PART_NONE},
	{"hostname",                 ROLE_HOST,                BY_ROLE,    PART_NONE},
	{"url",		      ROLE_URL,                 BY_ROLE,    PART_NONE},
	{"request_url",              ROLE_URL,                 BY_ROLE,    PART_NONE},
	{"referer",                  ROLE_REFERRER,            BY_ROLE,    PART_NONE},
	{"referrer",                 ROLE_REFERRER,            BY_ROLE,    PART_NONE},
	{"user_agent",               ROLE_USER_AGENT,          BY_ROLE,    PART_NONE},
	{"http_user_agent",          ROLE_USER_AGENT,          BY_ROLE,    PART_NONE},
	{"md5",		      ROLE_FILE_HASH,           BY_ROLE,    PART_NONE},
	{"sha1",		     ROLE_FILE_HASH,           BY_ROLE,    PART_NONE},
	{"sha256",		   ROLE_FILE_HASH,           BY_ROLE,    PART_NONE},
	{"sha512",		   ROLE_FILE_HASH,           BY_ROLE,    PART_NONE},
	{"imphash",                  ROLE_IMPHASH,             BY_ROLE,    PART_NONE},
	{"ssdeep",		   ROLE_SSDEEP,              BY_ROLE,    PART_NONE},
	{"filename",                 ROLE_FILE_NAME,           BY_ROLE,    PART_NONE},
	{"file_name",                ROLE_FILE_NAME,           BY_ROLE,    PART_NONE},
	{"sni",		      ROLE_SNI,                 BY_ROLE,    PART_NONE},
	{"server_name",              ROLE_SNI,                 BY_ROLE,    PART_NONE},
	{"ja3",		      ROLE_JA3,                 BY_ROLE,    PART_NONE},
	{"ja3s",		     ROLE_JA3S,                BY_ROLE,    PART_NONE},
	{"ja4",		      ROLE_JA4,                 BY_ROLE,    PART_NONE},
	{"mail_from",                ROLE_EMAIL_FROM,          FIELD_FREE, PART_NONE},
	{"rcpt_to",                  ROLE_EMAIL_TO,            FIELD_FREE, PART_NONE},
	{"mac",		      ROLE_MAC,                 BY_ROLE,    PART_NONE},
	{"asn",		      ROLE_ASN,                 BY_ROLE,    PART_NONE},
	{"_HOSTNAME",                ROLE_DEVICE,              BY_ROLE,    PART_NONE}, /* systemd's journal */
	{"MESSAGE",                  ROLE_MESSAGE,             BY_ROLE,    PART_NONE},
	{"message",                  ROLE_MESSAGE,             BY_ROLE,    PART_NONE},
	{"msg",		      ROLE_MESSAGE,             BY_ROLE,    PART_NONE},
	{"log",		      ROLE_MESSAGE,             BY_ROLE,    PART_NONE},
};

static const char *const time_names[] = {"ts", "timestamp", "@timestamp", "time", "eventTime",
	"EventTime", "CreationTime", "TimeCreated", "requestReceivedTimestamp", "datetime"};

static bool find(const struct name_row *rows, size_t count, struct slice name,
	struct json_meaning *ret_meaning)
{
	for (size_t i = 0; i < count; i++) {
		if (!slice_is(name, rows[i].name))
			continue;
		ret_meaning->role = rows[i].role;
		ret_meaning->part = rows[i].part;
		ret_meaning->kind =
			rows[i].kind == BY_ROLE ? event_role_row(rows[i].role)->kind : rows[i].kind;
		return true;
	}
	return false;
}

static void find_zeek(struct slice name, struct json_meaning *m)
{
	struct zeek_meaning z = zeek_column((struct slice){0}, name, (struct slice){0});

	m->role = z.role;
	m->kind = z.kind;
	/* JSON does not say of which log a line is: these are of smtp.log, and times elsewhere. */
	if (slice_is(name, "from") || slice_is(name, "to")) {
		m->role = slice_is(name, "from") ? ROLE_EMAIL_FROM : ROLE_EMAIL_TO;
		m->kind = FIELD_FREE;
	}
	if (slice_is(name, "host"))
		m->part = PART_HOST;
	else if (slice_is(name, "uri"))
		m->part = PART_URI;
	else if (slice_is(name, "id.resp_h"))
		m->part = PART_ADDRESS;
	else if (slice_is(name, "id.resp_p"))
		m->part = PART_PORT;
}

struct json_meaning json_meaning(enum logs_format format, const struct logs_mapping *mapping,
	struct slice path, struct slice name)
{
	struct json_meaning m = {ROLE_NONE, FIELD_NONE, PART_NONE, false};

	if (mapping != NULL && logs_mapping_is_time(mapping, path))
		m.time = true;
	else if (slice_equal(path, name))
		for (size_t i = 0; i < COUNT_OF(time_names); i++)
			m.time = m.time || slice_is(name, time_names[i]);
	if (mapping != NULL && logs_mapping_role(mapping, path, &m.role, &m.kind))
		return m;
	if (format == LOGS_ZEEK_JSON)
		find_zeek(path, &m);
	else if (format == LOGS_EVE)
		(void)find(eve_paths, COUNT_OF(eve_paths), path, &m);
	else if (!find(known_paths, COUNT_OF(known_paths), path, &m))
		(void)find(known_names, COUNT_OF(known_names), name, &m);
	return m;
}
