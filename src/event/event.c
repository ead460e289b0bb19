/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The shared vocabulary of readers and matchers: one row per kind and per role, and events made
 * from batches.
 */
#include "event.h"

#include <arpa/inet.h>

/* ---- kinds and roles ------------------------------------------------------------------------- */

static const char *const kind_names[FIELD_KINDS] = {
	[FIELD_NONE] = "none",
	[FIELD_ADDRESS] = "address",
	[FIELD_NAME] = "name",
	[FIELD_URL] = "url",
	[FIELD_EMAIL] = "email",
	[FIELD_HASH] = "hash",
	[FIELD_ASN] = "asn",
	[FIELD_MAC] = "mac",
	[FIELD_TEXT] = "text",
	[FIELD_CERTIFICATE] = "certificate",
	[FIELD_JA3] = "ja3",
	[FIELD_JA3S] = "ja3s",
	[FIELD_JA4] = "ja4",
	[FIELD_IMPHASH] = "imphash",
	[FIELD_SSDEEP] = "ssdeep",
	[FIELD_HOST] = "host",
	[FIELD_FREE] = "free",
};

const char *field_kind_name(enum field_kind kind)
{
	return (unsigned)kind < FIELD_KINDS && kind_names[kind] != NULL ? kind_names[kind] : "?";
}

bool field_kind_parse(struct slice name, enum field_kind *ret_kind)
{
	for (unsigned k = 0; k < FIELD_KINDS; k++) {
		if (kind_names[k] != NULL && slice_is(name, kind_names[k])) {
			*ret_kind = (enum field_kind)k;
			return true;
		}
	}
	return false;
}

/* ECS 8; what it has no field for is under "serai.". STIX paths: 2.1 section 6. */
static const struct event_role_row roles[EVENT_ROLES] = {
	[ROLE_NONE] = {"",                     FIELD_NONE,        "",                          NULL                        },
	[ROLE_SOURCE_ADDRESS] = {"source.address",       FIELD_ADDRESS,     "source.ip",
		       "network-traffic:src_ref.value"								     },
	[ROLE_DESTINATION_ADDRESS] = {"destination.address",  FIELD_ADDRESS,     "destination.ip",
		       "network-traffic:dst_ref.value"								     },
	[ROLE_SOURCE_PORT] = {"source.port",          FIELD_NONE,        "source.port",               "network-traffic:src_port"  },
	[ROLE_DESTINATION_PORT] = {"destination.port",     FIELD_NONE,        "destination.port",
		       "network-traffic:dst_port"									  },
	[ROLE_TRANSPORT] = {"transport",            FIELD_NONE,        "network.transport",
		       "network-traffic:protocols[*]"								      },
	[ROLE_SERVICE] = {"service",              FIELD_NONE,        "network.protocol",
		       "network-traffic:protocols[*]"								      },
	[ROLE_SOURCE_BYTES] = {"source.bytes",         FIELD_NONE,        "source.bytes",
		       "network-traffic:src_byte_count"								    },
	[ROLE_DESTINATION_BYTES] = {"destination.bytes",    FIELD_NONE,        "destination.bytes",
		       "network-traffic:dst_byte_count"								    },
	[ROLE_ADDRESS] = {"address",              FIELD_ADDRESS,     "related.ip",                "ipv4-addr:value"           },
	[ROLE_QUERY] = {"dns.query",            FIELD_NAME,        "dns.question.name",         "domain-name:value"         },
	[ROLE_QUERY_TYPE] = {"dns.type",             FIELD_NONE,        "dns.question.type",         NULL                        },
	[ROLE_RESPONSE_CODE] = {"dns.code",             FIELD_NONE,        "dns.response_code",         NULL                        },
	[ROLE_ANSWER] = {"dns.answer",           FIELD_HOST,        "dns.answers.data",          "domain-name:value"         },
	[ROLE_HOST] = {"host",                 FIELD_HOST,        "url.domain",                "domain-name:value"         },
	[ROLE_SNI] = {"tls.sni",              FIELD_NAME,        "tls.client.server_name",    "domain-name:value"         },
	[ROLE_URL] = {"url",                  FIELD_URL,         "url.full",                  "url:value"                 },
	[ROLE_METHOD] = {"http.method",          FIELD_NONE,        "http.request.method",
		       "network-traffic:extensions.'http-request-ext'.request_method"                                      },
	[ROLE_STATUS] = {"http.status",          FIELD_NONE,        "http.response.status_code", NULL                        },
	[ROLE_USER_AGENT] = {"user_agent",           FIELD_TEXT,        "user_agent.original",
		       "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'"                         },
	[ROLE_REFERRER] = {"http.referrer",        FIELD_URL,         "http.request.referrer",
		       "network-traffic:extensions.'http-request-ext'.request_header.Referer"                              },
	[ROLE_EMAIL_FROM] = {"email.from",           FIELD_EMAIL,       "email.from.address",
		       "email-message:from_ref.value"								      },
	[ROLE_EMAIL_TO] = {"email.to",             FIELD_EMAIL,       "email.to.address",
		       "email-message:to_refs[*].value"								    },
	[ROLE_EMAIL] = {"email",                FIELD_EMAIL,       "user.email",                "email-addr:value"          },
	[ROLE_SUBJECT] = {"email.subject",        FIELD_NONE,        "email.subject",             "email-message:subject"     },
	[ROLE_FILE_NAME] = {"file.name",            FIELD_TEXT,        "file.name",                 "file:name"                 },
	[ROLE_FILE_HASH] = {"file.hash",            FIELD_HASH,        "file.hash",                 "file:hashes"               },
	[ROLE_IMPHASH] = {"file.imphash",         FIELD_IMPHASH,     "file.pe.imphash",
		       "file:extensions.'windows-pebinary-ext'.imphash"                                                    },
	[ROLE_SSDEEP] = {"file.ssdeep",          FIELD_SSDEEP,      "file.hash.ssdeep",          "file:hashes.SSDEEP"        },
	[ROLE_MIME] = {"file.mime",            FIELD_NONE,        "file.mime_type",            "file:mime_type"            },
	[ROLE_CERTIFICATE_HASH] = {"tls.certificate",      FIELD_CERTIFICATE, "tls.server.hash",
		       "x509-certificate:hashes"									   },
	[ROLE_CERTIFICATE_NAME] = {"tls.certificate_name", FIELD_HOST,
		       "tls.server.x509.alternative_names",                                    "x509-certificate:subject"  },
	[ROLE_JA3] = {"tls.ja3",              FIELD_JA3,         "tls.client.ja3",            NULL                        },
	[ROLE_JA3S] = {"tls.ja3s",             FIELD_JA3S,        "tls.server.ja3s",           NULL                        },
	[ROLE_JA4] = {"tls.ja4",              FIELD_JA4,         "tls.client.ja4",            NULL                        },
	[ROLE_ASN] = {"asn",                  FIELD_ASN,         "as.number",                 "autonomous-system:number"  },
	[ROLE_MAC] = {"mac",                  FIELD_MAC,         "source.mac",                "mac-addr:value"            },
	[ROLE_USER] = {"user",                 FIELD_NONE,        "user.name",                 "user-account:account_login"},
	[ROLE_PROCESS] = {"process",              FIELD_TEXT,        "process.executable",        "process:image_ref.name"    },
	[ROLE_COMMAND] = {"command",              FIELD_FREE,        "process.command_line",      "process:command_line"      },
	[ROLE_REGISTRY_KEY] = {"registry",             FIELD_TEXT,        "registry.path",             "windows-registry-key:key"  },
	[ROLE_MUTEX] = {"mutex",                FIELD_TEXT,        "serai.mutex",               "mutex:name"                },
	[ROLE_DEVICE] = {"device",               FIELD_NONE,        "observer.name",             NULL                        },
	[ROLE_FLOW] = {"flow",                 FIELD_NONE,        "event.id",                  NULL                        },
	[ROLE_MESSAGE] = {"message",              FIELD_FREE,        "message",                   NULL                        },
	[ROLE_PLANT_PROTOCOL] = {"plant.protocol",       FIELD_NONE,        "serai.plant.protocol",
		       "x-serai-plant-operation:protocol"								  },
	[ROLE_PLANT_FUNCTION] = {"plant.function",       FIELD_NONE,        "serai.plant.function",
		       "x-serai-plant-operation:function"								  },
	[ROLE_PLANT_OPERATION] = {"plant.operation",      FIELD_NONE,        "serai.plant.operation",
		       "x-serai-plant-operation:operation"								 },
	[ROLE_PLANT_UNIT] = {"plant.unit",           FIELD_NONE,        "serai.plant.unit",
		       "x-serai-plant-operation:unit"								      },
	[ROLE_PLANT_OBJECT] = {"plant.object",         FIELD_NONE,        "serai.plant.object",
		       "x-serai-plant-operation:object"								    },
	[ROLE_PLANT_VALUE] = {"plant.value",          FIELD_NONE,        "serai.plant.value",
		       "x-serai-plant-operation:value"								     },
	[ROLE_PLANT_DIRECTION] = {"plant.direction", FIELD_NONE, "serai.plant.direction", "x-serai-plant-operation:direction"},
};

const struct event_role_row *event_role_row(enum event_role role)
{
	return &roles[(unsigned)role < EVENT_ROLES ? role : ROLE_NONE];
}

bool event_role_parse(struct slice name, enum event_role *ret_role)
{
	for (unsigned k = 1; k < EVENT_ROLES; k++) {
		if (slice_is(name, roles[k].name)) {
			*ret_role = (enum event_role)k;
			return true;
		}
	}
	return false;
}

uint64_t event_roles_matched(void)
{
	uint64_t mask = 0;

	for (unsigned k = 1; k < EVENT_ROLES; k++) {
		if (roles[k].kind != FIELD_NONE)
			mask |= event_role_bit((enum event_role)k);
	}
	return mask;
}

/* ---- addresses ------------------------------------------------------------------------------- */

size_t event_address_format(const void *bytes, size_t len, char ret_text[ADDRESS_TEXT_MAX])
{
	ret_text[0] = 0;
	if (len != 4 && len != 16)
		return 0;
	if (inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, ret_text, ADDRESS_TEXT_MAX) == NULL)
		return 0;
	return strlen(ret_text);
}

size_t event_address_parse(struct slice text, uint8_t ret_bytes[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char copy[ADDRESS_TEXT_MAX];
	uint8_t bytes[16];

	if (text.len >= 2 && text.data[0] == '[' && text.data[text.len - 1] == ']')
		text = slice_cut(text, 1, text.len - 1);
	if (text.len < 2 || text.len >= sizeof(copy) || memchr(text.data, 0, text.len) != NULL)
		return 0;
	memcpy(copy, text.data, text.len);
	copy[text.len] = 0;
	/* glibc takes neither leading zeros nor short forms here, unlike inet_aton. */
	if (inet_pton(AF_INET, copy, bytes) == 1) {
		memcpy(ret_bytes, bytes, 4);
		return 4;
	}
	if (inet_pton(AF_INET6, copy, bytes) != 1)
		return 0;
	if (memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		memcpy(ret_bytes, bytes + 12, 4);
		return 4;
	}
	memcpy(ret_bytes, bytes, 16);
	return 16;
}

bool event_looks_like_address(struct slice text)
{
	if (text.len == 0)
		return false;
	if (memchr(text.data, ':', text.len) != NULL)
		return true;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if ((c < '0' || c > '9') && c != '.')
			return false;
	}
	return true;
}

/* ---- events ---------------------------------------------------------------------------------- */

struct slice event_get(const struct event *e, enum event_role role)
{
	for (size_t i = 0; i < e->count; i++) {
		if (e->fields[i].role == role)
			return e->fields[i].value;
	}
	return (struct slice){0};
}

bool event_add(struct event *e, struct arena *a, struct slice name, enum event_role role,
	enum field_kind kind, struct slice value)
{
	if (e->count == EVENT_FIELDS_MAX) {
		e->dropped++;
		return true;
	}
	/* Room doubles from 16: a full power of two means that the block is used up. */
	if (e->count == 0 || (e->count >= 16 && (e->count & (e->count - 1)) == 0)) {
		size_t capacity = e->count == 0 ? 16 : 2 * e->count;
		struct event_field *more = ARENA_ARRAY(a, struct event_field, capacity);

		if (more == NULL)
			return false;
		if (e->count > 0)
			memcpy(more, e->fields, e->count * sizeof(*more));
		e->fields = more;
	}
	e->fields[e->count++] = (struct event_field){
		.name = name, .value = value, .role = (uint8_t)role, .kind = (uint8_t)kind};
	return true;
}

static bool value_text(
	const struct column *c, const struct field *f, struct arena *a, struct slice *ret_text)
{
	char address[ADDRESS_TEXT_MAX];
	struct slice value = {f->data, f->len};

	if (!c->binary) {
		*ret_text = arena_copy(a, value);
	} else if (c->kind == FIELD_ADDRESS) {
		size_t len = event_address_format(f->data, f->len, address);

		*ret_text = arena_copy(a, (struct slice){address, len});
	} else {
		struct buf hex = BUF_INIT;

		hex_append(&hex, f->data, f->len);
		*ret_text = arena_copy(a, buf_slice(&hex));
		buf_fini(&hex);
	}
	return ret_text->data != NULL;
}

bool event_of_batch(const struct batch *b, size_t record, struct arena *a, struct event *ret_event)
{
	const struct record *r = &b->records[record];
	struct event e = {.time_us = r->time_us,
		.number = r->number,
		.offset = r->offset,
		.frame = b->frames};

	if (!b->frames) {
		e.raw = arena_copy(a, (struct slice){r->raw, r->raw_len});
		if (e.raw.data == NULL)
			return false;
	}
	for (size_t i = 0; i < b->fields_count; i++) {
		const struct field *f = &b->fields[i];
		const struct column *c = &b->columns[f->column];
		struct slice value;

		if (f->record != record)
			continue;
		if (!value_text(c, f, a, &value) ||
			!event_add(&e, a, c->name, (enum event_role)c->role,
				(enum field_kind)c->kind, value))
			return false;
	}
	*ret_event = e;
	return true;
}
