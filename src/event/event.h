/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a sensor sees: fields of log lines and packets, in batches. Readers (logs, packet) fill
 * batches; the index, the patterns and the hunt look at them. Knows no file format and no
 * indicator.
 */
#ifndef EVENT_H
#define EVENT_H

#include "base/base.h"

/* ---- kinds: how a value is compared ---------------------------------------------------------- */

/* 1 to 31 are written to index files and segment filters, so the numbers never change. The first
 * eight are those of enum stix_value_kind. */
enum field_kind {
	FIELD_NONE = 0,    /* context for people and patterns; never looked up */
	FIELD_ADDRESS = 1, /* IPv4, IPv6; in an index networks too */
	FIELD_NAME = 2,    /* domain name; parents match on label boundaries */
	FIELD_URL = 3,
	FIELD_EMAIL = 4,
	FIELD_HASH = 5, /* MD5, SHA-1, SHA-256, SHA-512 of a file, by length */
	FIELD_ASN = 6,
	FIELD_MAC = 7,
	FIELD_TEXT = 8,        /* exact: file names, mutexes, registry keys, user agents */
	FIELD_CERTIFICATE = 9, /* MD5, SHA-1, SHA-256 of a certificate's DER, by length */
	FIELD_JA3 = 10,
	FIELD_JA3S = 11,
	FIELD_JA4 = 12, /* and whatever other JA4+ string a tool logged */
	FIELD_IMPHASH = 13,
	FIELD_SSDEEP = 14,
	FIELD_KINDS_STORED = 32,
	/* only in batches */
	FIELD_HOST = 32, /* a name or an address, told apart by its form */
	FIELD_FREE = 33, /* text in which names, addresses, URLs, e-mails and hashes are sought */
	FIELD_KINDS = 34
};

const char *field_kind_name(enum field_kind kind); /* "address", "name", ..., "ja3" */
bool field_kind_parse(struct slice name, enum field_kind *ret_kind);

/* ---- roles: what a field says ---------------------------------------------------------------- */

/* One bit each in a mask of roles (event_role_bit). Names are in the table of event.c. */
enum event_role {
	ROLE_NONE,
	ROLE_SOURCE_ADDRESS,      /* who opened the connection, who asked */
	ROLE_DESTINATION_ADDRESS, /* who was asked */
	ROLE_SOURCE_PORT,
	ROLE_DESTINATION_PORT,
	ROLE_TRANSPORT, /* tcp, udp, icmp */
	ROLE_SERVICE,   /* dns, http, tls, modbus */
	ROLE_SOURCE_BYTES,
	ROLE_DESTINATION_BYTES,
	ROLE_ADDRESS, /* another address: forwarded for, lease, tunnel */
	ROLE_QUERY,   /* DNS question */
	ROLE_QUERY_TYPE,
	ROLE_RESPONSE_CODE, /* NXDOMAIN */
	ROLE_ANSWER,        /* DNS answer: name or address */
	ROLE_HOST, /* HTTP Host, CONNECT target, mail server: name or address, port allowed */
	ROLE_SNI,
	ROLE_URL, /* with or without scheme and host as logged; readers join host and path */
	ROLE_METHOD,
	ROLE_STATUS,
	ROLE_USER_AGENT,
	ROLE_REFERRER,
	ROLE_EMAIL_FROM,
	ROLE_EMAIL_TO,
	ROLE_EMAIL,
	ROLE_SUBJECT, /* of a mail: context only */
	ROLE_FILE_NAME,
	ROLE_FILE_HASH,
	ROLE_IMPHASH,
	ROLE_SSDEEP,
	ROLE_MIME,
	ROLE_CERTIFICATE_HASH,
	ROLE_CERTIFICATE_NAME, /* subject's common name, alternative names */
	ROLE_JA3,
	ROLE_JA3S,
	ROLE_JA4,
	ROLE_ASN,
	ROLE_MAC,
	ROLE_USER,
	ROLE_PROCESS,
	ROLE_COMMAND,
	ROLE_REGISTRY_KEY,
	ROLE_MUTEX,
	ROLE_DEVICE,  /* the machine that wrote the line */
	ROLE_FLOW,    /* the tool's own id of the connection: Zeek uid, flow_id */
	ROLE_MESSAGE, /* free text */
	/* operational technology */
	ROLE_PLANT_PROTOCOL,  /* modbus, dnp3, iec104, s7comm, enip, bacnet, goose, mms */
	ROLE_PLANT_FUNCTION,  /* the protocol's own name: "write single coil" */
	ROLE_PLANT_OPERATION, /* plant_operation_name: write, stop, download, ... */
	ROLE_PLANT_UNIT,      /* unit, outstation, common address, rack/slot */
	ROLE_PLANT_OBJECT,    /* register, point, block, path */
	ROLE_PLANT_VALUE,
	ROLE_PLANT_DIRECTION, /* request, response, unsolicited; with ", refused" */
	EVENT_ROLES
};

struct event_role_row {
	const char *name; /* in mappings and findings: "source.address" */
	enum field_kind kind;
	const char *ecs;  /* Elastic Common Schema field: "source.ip" */
	const char *stix; /* object path of STIX 2.1: "network-traffic:src_ref.value"; or NULL */
};

const struct event_role_row *event_role_row(enum event_role role);
bool event_role_parse(struct slice name, enum event_role *ret_role);
static inline uint64_t event_role_bit(enum event_role role)
{
	return UINT64_C(1) << role;
}
/* The roles whose kind is not FIELD_NONE: what an index can be asked about. */
uint64_t event_roles_matched(void);

/* ---- batches: what the fast path hands over -------------------------------------------------- */

#define BATCH_RECORDS 128 /* small enough that a batch stays in the first cache level */
#define BATCH_FIELDS  512
#define EVENT_PADDING 64  /* bytes before and behind every field's data that may be read */
#define COLUMNS_MAX   512 /* per source; a wider log is refused */

/* A field's name in its source, and what it means; one table per batch. */
struct column {
	struct slice name; /* "id.orig_h", "dns.rrname"; for packets event_role_row's name */
	uint8_t role;      /* enum event_role */
	uint8_t kind;      /* enum field_kind; the role's, unless a mapping says otherwise */
	bool binary;       /* ADDRESS as 4 or 16 bytes, hash as digest, in network order */
};

/* 16 bytes. Never longer than FIELD_BYTES_MAX: readers cut (kind FREE) or drop and count. */
#define FIELD_BYTES_MAX KIB(64)
struct field {
	const char *data; /* unescaped; valid until flush returns; EVENT_PADDING on both sides */
	uint32_t len;
	uint16_t record; /* index into records */
	uint16_t column; /* index into columns */
};

#define TIME_UNKNOWN INT64_MIN

/* A log line, a packet, or what a packet completed (a request, a plant message). */
struct record {
	const char *raw; /* the line without its end, or the frame; valid until flush returns */
	uint32_t raw_len;
	uint32_t flow;   /* the reader's own */
	uint64_t number; /* line or frame, 1-based */
	uint64_t offset; /* of its first byte in the unpacked source */
	int64_t time_us; /* TIME_UNKNOWN: ask detail() */
};

struct event;
struct batch {
	const struct column *columns;
	size_t columns_count;
	size_t records_count, fields_count;
	bool frames;    /* numbers count frames, else lines */
	bool continued; /* the first record is the rest of the last one of the batch before */
	/* All that the source knows of one record, text only, in the arena. The fast path's fields
	 * are among them. False: out of memory. */
	bool (*detail)(
		const struct batch *b, size_t record, struct arena *a, struct event *ret_event);
	void *reader; /* for detail */
	struct record records[BATCH_RECORDS];
	struct field
		fields[BATCH_FIELDS]; /* those of one record are neighbours, records in order */
};

/*
 * Readers call it when a batch is full, before its bytes move, and before its columns change; then
 * they set both counts to 0. A record with more than BATCH_FIELDS fields comes in several batches.
 * False: stop reading (the consumer failed and knows why).
 */
struct batch_sink {
	bool (*flush)(void *context, struct batch *batch);
	void *context;
};

/* ---- sheets: lines of a table before anything is made of them -------------------------------- */

#define SHEET_LINES BATCH_FIELDS
#define SHEET_WORDS (SHEET_LINES / 64) /* a bit for each line */

/* A column that the sink's readers want. */
struct sheet_cell {
	uint16_t position; /* in the line */
	uint16_t column;   /* index into columns */
	bool many;         /* a set: elements between set separators */
};

/*
 * Neighbouring lines of `width` cells each. Where cell c of line k ends stands in
 * ends[k * width + c], where it begins one behind what stands in front of that, the line's first
 * cell too; both count from `data`, 16 bits wide. Values are as they are written: marks for unset
 * ones are values here.
 */
struct sheet {
	const char *data; /* EVENT_PADDING around every cell */
	const uint16_t *ends;
	size_t lines, width; /* lines: at most SHEET_LINES */
	const struct column *columns;
	const struct sheet_cell *cells;
	size_t columns_count, cells_count;
	char set_separator;
};

/*
 * Most lines of a log say nothing to a sink, and making records and fields of them costs more than
 * seeing that. True: the reader leaves out the lines whose bit is not set in ret_keep, and the sink
 * has counted them. False: it wants them all. A sheet without lines only asks which of the two.
 */
typedef bool sheet_sift(void *context, const struct sheet *sheet, uint64_t ret_keep[SHEET_WORDS]);

/* ---- events: one record in full, for the slow path ------------------------------------------- */

#define EVENT_FIELDS_MAX 1024 /* of one event; more are dropped and counted */

struct event_field {
	struct slice name;  /* as the source calls it */
	struct slice value; /* text, unescaped */
	uint8_t role;
	uint8_t kind;
};

struct event {
	int64_t time_us; /* TIME_UNKNOWN when the source has none */
	uint64_t number, offset;
	bool frame;
	struct slice raw; /* of a line; empty for frames */
	struct event_field *fields;
	size_t count, dropped;
};

/* First field of that role; empty slice when there is none. */
struct slice event_get(const struct event *e, enum event_role role);
/* What batch->detail is when the batch's own fields are all there is: binary values become text. */
bool event_of_batch(const struct batch *b, size_t record, struct arena *a, struct event *ret_event);
/* Append a field; false when out of memory. Past EVENT_FIELDS_MAX it counts in dropped. */
bool event_add(struct event *e, struct arena *a, struct slice name, enum event_role role,
	enum field_kind kind, struct slice value);

/* 4 or 16 bytes as text (RFC 5952 for IPv6); returns the length. */
#define ADDRESS_TEXT_MAX 48
size_t event_address_format(const void *bytes, size_t len, char ret_text[ADDRESS_TEXT_MAX]);
/* Text to 4 or 16 bytes (an IPv4-mapped IPv6 address becomes 4); 0: no address. Strict dotted
 * quads, no leading zeros; IPv6 without zone, brackets allowed. */
size_t event_address_parse(struct slice text, uint8_t ret_bytes[16]);
/* By form only: digits and dots, or a colon. */
bool event_looks_like_address(struct slice text);

/* ---- as STIX --------------------------------------------------------------------------------- */

/* What event_stix makes of one value, so that others can look for it without writing JSON. */
enum event_said {
	SAID_NOTHING, /* no such value: event_stix leaves it out */
	SAID_IPV4,
	SAID_IPV6,
	SAID_NAME,
	SAID_URL,
	SAID_NUMBER, /* decimal */
	SAID_TEXT
};
/* Replaces what *out holds. TRANSPORT and SERVICE may be several, separated by commas. */
enum event_said event_said(enum event_role role, struct slice text, struct buf *out);

/*
 * The event as STIX 2.1 objects for patterns and observed-data: appends a JSON array of observables
 * (network-traffic with src_ref and dst_ref, domain-name, url, file, x509-certificate,
 * email-message, process, user-account, windows-registry-key, mutex, x-serai-plant-operation, ...),
 * each with its deterministic id where the standard gives one. What cannot be said in STIX is left
 * out. `roles`: only these (minimisation); all ones for everything. False: out of memory.
 */
bool event_stix(const struct event *e, uint64_t roles, struct arena *a, struct buf *out);

#endif
