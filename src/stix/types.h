/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Inside of checking: every object type of STIX 2.1, and every structure within one, as a table of
 * its properties and rules. The tables are data only; index_gen.c reads them while building and
 * writes the hash tables by which a name is looked up.
 */
#ifndef STIX_TYPES_H
#define STIX_TYPES_H

#include "stix.h"

/* ---- shapes: object types and the structures within them ------------------------------------- */

/* The types come first: their numbers are the bits of property.targets. */
enum shape_number {
	SHAPE_ATTACK_PATTERN,
	SHAPE_CAMPAIGN,
	SHAPE_COURSE_OF_ACTION,
	SHAPE_GROUPING,
	SHAPE_IDENTITY,
	SHAPE_INCIDENT,
	SHAPE_INDICATOR,
	SHAPE_INFRASTRUCTURE,
	SHAPE_INTRUSION_SET,
	SHAPE_LOCATION,
	SHAPE_MALWARE,
	SHAPE_MALWARE_ANALYSIS,
	SHAPE_NOTE,
	SHAPE_OBSERVED_DATA,
	SHAPE_OPINION,
	SHAPE_REPORT,
	SHAPE_THREAT_ACTOR,
	SHAPE_TOOL,
	SHAPE_VULNERABILITY,
	SHAPE_RELATIONSHIP,
	SHAPE_SIGHTING,
	SHAPE_ARTIFACT,
	SHAPE_AUTONOMOUS_SYSTEM,
	SHAPE_DIRECTORY,
	SHAPE_DOMAIN_NAME,
	SHAPE_EMAIL_ADDR,
	SHAPE_EMAIL_MESSAGE,
	SHAPE_FILE,
	SHAPE_IPV4_ADDR,
	SHAPE_IPV6_ADDR,
	SHAPE_MAC_ADDR,
	SHAPE_MUTEX,
	SHAPE_NETWORK_TRAFFIC,
	SHAPE_PROCESS,
	SHAPE_SOFTWARE,
	SHAPE_URL,
	SHAPE_USER_ACCOUNT,
	SHAPE_WINDOWS_REGISTRY_KEY,
	SHAPE_X509_CERTIFICATE,
	SHAPE_LANGUAGE_CONTENT,
	SHAPE_MARKING_DEFINITION,
	SHAPE_EXTENSION_DEFINITION,
	SHAPE_BUNDLE,
	SHAPE_CUSTOM, /* every type that is not one of the standard's */

	SHAPE_EXTERNAL_REFERENCE,
	SHAPE_KILL_CHAIN_PHASE,
	SHAPE_GRANULAR_MARKING,
	SHAPE_MIME_PART,
	SHAPE_REGISTRY_VALUE,
	SHAPE_X509_V3_EXTENSIONS,
	SHAPE_ALTERNATE_DATA_STREAM,
	SHAPE_PE_OPTIONAL_HEADER,
	SHAPE_PE_SECTION,

	SHAPE_ARCHIVE_EXT, /* from here on: predefined extensions (3.10) */
	SHAPE_NTFS_EXT,
	SHAPE_PDF_EXT,
	SHAPE_RASTER_IMAGE_EXT,
	SHAPE_WINDOWS_PEBINARY_EXT,
	SHAPE_HTTP_REQUEST_EXT,
	SHAPE_ICMP_EXT,
	SHAPE_SOCKET_EXT,
	SHAPE_TCP_EXT,
	SHAPE_WINDOWS_PROCESS_EXT,
	SHAPE_WINDOWS_SERVICE_EXT,
	SHAPE_UNIX_ACCOUNT_EXT,
	SHAPE_COUNT
};

#define BIT(n) (UINT64_C(1) << (n))

#define TARGET_SDO    (BIT(SHAPE_VULNERABILITY + 1) - 1)
#define TARGET_SRO    (BIT(SHAPE_RELATIONSHIP) | BIT(SHAPE_SIGHTING))
#define TARGET_SCO    (BIT(SHAPE_X509_CERTIFICATE + 1) - BIT(SHAPE_ARTIFACT))
#define TARGET_META   (BIT(SHAPE_EXTENSION_DEFINITION + 1) - BIT(SHAPE_LANGUAGE_CONTENT))
#define TARGET_CUSTOM BIT(SHAPE_CUSTOM)
#define TARGET_OBJECT (TARGET_SDO | TARGET_SRO | TARGET_SCO | TARGET_META | TARGET_CUSTOM)

/* ---- properties ------------------------------------------------------------------------------ */

enum property_kind {
	KIND_STRING,
	KIND_BOOLEAN,
	KIND_INTEGER, /* .least, .most */
	KIND_FLOAT,   /* .least, .most */
	KIND_TIMESTAMP,
	KIND_ID, /* .targets */
	KIND_HEX,
	KIND_BINARY,
	KIND_HASHES,
	KIND_DICTIONARY, /* .values */
	KIND_ENUM,       /* .vocabulary; another value is an error */
	KIND_VOCABULARY, /* .vocabulary; another value is a warning */
	KIND_TEXT,       /* .text: a string with a format */
	KIND_OBJECT,     /* .shape */
	KIND_EXTENSIONS,
	KIND_CONTAINER,    /* 2.13 */
	KIND_CONTENTS,     /* 7.1 */
	KIND_MARKING,      /* 7.2.1 definition */
	KIND_TYPE,         /* the walk has read it before */
	KIND_OWN_ID,       /* of this object */
	KIND_SPEC_VERSION, /* 3.2 */
	KIND_RESERVED,     /* 3.8 */
	KIND_ANY
};

/* What stands in a dictionary besides the rules for its keys (2.3). */
enum dictionary_values {
	VALUES_ANY,
	VALUES_STRING,
	VALUES_INTEGER,
	VALUES_INTEGER_OR_STRING,
	VALUES_STRINGS /* lists of strings */
};

/* Formats of strings; check_text.c has a row for each. */
enum text_format {
	TEXT_LANGUAGE,  /* RFC 5646 */
	TEXT_URL,       /* RFC 3986, where the standard says MUST */
	TEXT_URL_LOOSE, /* the same where it does not */
	TEXT_DOMAIN,    /* RFC 1034, RFC 5890 */
	TEXT_EMAIL,     /* RFC 5322 addr-spec */
	TEXT_IPV4,      /* CIDR */
	TEXT_IPV6,
	TEXT_MAC,
	TEXT_CHARSET,    /* IANA character sets */
	TEXT_CPE,        /* CPE 2.3 */
	TEXT_MEDIA_TYPE, /* IANA media types, by form */
	TEXT_REGISTRY_KEY,
	TEXT_RELATIONSHIP,  /* a-z, 0-9, '-' */
	TEXT_PROPERTY_NAME, /* a-z, 0-9, '_' */
	TEXT_TERM,          /* lower case, hyphens between words */
	TEXT_COUNTRY,       /* ISO 3166-1 */
	TEXT_AREA,          /* ISO 3166-2, by form */
	TEXT_PRODUCT,
	TEXT_PROTOCOL, /* IANA service names, by form */
	TEXT_PRIORITY, /* ends in _CLASS */
	TEXT_LOWER,
	TEXT_FORMATS
};

enum property_flag {
	REQUIRED = 1,        /* by STIX 2.0 already, where the type existed */
	REQUIRED_21 = 2,     /* since STIX 2.1 */
	LIST = 4,            /* of the kind; never empty (2.12) */
	MILLISECONDS = 8,    /* at least three digits behind the second (3.2) */
	SHOULD = 16,         /* a wrong target is a warning only */
	NOT_APPLICABLE = 32, /* a common property that this type does not use: a warning */
	FORBIDDEN = 64       /* and here the standard says that it must not be there */
};

/* The properties that the rules of a shape look at. */
enum mark {
	MARK_NONE,
	MARK_A,
	MARK_B,
	MARK_C,
	MARK_D,
	MARK_E,
	MARK_F,
	MARK_G,
	MARK_H,
	MARK_CREATED,
	MARK_MODIFIED,
	MARK_VERSION,
	MARK_EXTENSIONS,
	MARKS
};

/* What a caller wants to know (struct stix_facts). */
enum fact {
	FACT_NONE,
	FACT_CREATED,
	FACT_MODIFIED,
	FACT_REVOKED,
	FACT_NAME,
	FACT_VALUE,
	FACT_DESCRIPTION,
	FACT_LABELS,
	FACT_LANG,
	FACT_CONFIDENCE,
	FACT_MARKINGS /* object_marking_refs */
};

struct vocabulary {
	const char *clause; /* "10.2 Attack Motivation Vocabulary" */
	const char *const *terms;
	size_t count;
};

struct property {
	const char *name;
	enum property_kind kind : 8;
	unsigned flags : 8;
	enum mark mark : 8;
	enum fact fact : 8;
	const char *clause; /* NULL: its shape's */
	union {
		uint64_t targets;
		const struct vocabulary *vocabulary;
		const struct shape *shape;
		enum text_format text;
		enum dictionary_values values;
		struct {
			int64_t least, most;
		};
	};
};

/* ---- rules between properties ---------------------------------------------------------------- */

enum rule_kind {
	RULE_ONE_OF,     /* at least one of a */
	RULE_NEEDS,      /* one of a needs all of b */
	RULE_EXCLUDES,   /* one of a excludes all of b */
	RULE_NOT_BEFORE, /* b is not before a (timestamps) */
	RULE_AFTER,      /* b is after a */
	RULE_OWN,        /* extensions, or a property of its own table other than those of a */
	RULE_SHOULD_HAVE /* all of a: a warning */
};

struct rule {
	enum rule_kind kind;
	unsigned a, b;    /* sets of marks: SET(MARK_A) */
	const char *text; /* what was expected */
};

#define SET(mark) (1u << (mark))

/* Rules that no row can say; check_rule.c has a function for each. */
enum special {
	SPECIAL_NONE,
	SPECIAL_INDICATOR,
	SPECIAL_MALWARE,
	SPECIAL_OBSERVED_DATA,
	SPECIAL_RELATIONSHIP,
	SPECIAL_EMAIL_MESSAGE,
	SPECIAL_NETWORK_TRAFFIC,
	SPECIAL_MARKING_DEFINITION,
	SPECIAL_EXTENSION_DEFINITION,
	SPECIAL_CUSTOM,
	SPECIAL_EXTERNAL_REFERENCE,
	SPECIAL_GRANULAR_MARKING,
	SPECIALS
};

struct shape {
	enum shape_number number;
	enum stix_class class;
	const char *name;
	const char *clause;
	const struct property *common; /* rows 0 .. common_count - 1 */
	size_t common_count;
	const struct property *own; /* the rows behind them */
	size_t own_count;
	const struct rule *rules;
	size_t rules_count;
	enum special special;
	uint64_t hosts; /* of a predefined extension: the types that it belongs to */
};

extern const struct shape *const stix_shapes[SHAPE_COUNT];

static inline const struct property *shape_row(const struct shape *s, size_t row)
{
	return row < s->common_count ? &s->common[row] : &s->own[row - s->common_count];
}

/* ---- names to rows --------------------------------------------------------------------------- */

#define ROWS_MAX 64 /* rows of one shape: the bits of a set */

/* A name by its first and last eight bytes (zeros past its end). */
struct name_key {
	uint64_t head, tail;
	uint32_t len;
	const char *name;
};

/* A perfect hash: the slot of a key holds its number and 1, or 0. */
struct name_index {
	uint64_t multiplier;
	unsigned shift;
	const uint8_t *slots;
	const struct name_key *keys;
	uint64_t required;    /* rows with REQUIRED or REQUIRED_21 */
	uint64_t required_20; /* rows with REQUIRED */
};

extern const struct name_index stix_row_index[SHAPE_COUNT]; /* rows of a shape by property name */
extern const struct name_index stix_shape_index;            /* numbers of shapes by their names */

static inline uint64_t name_hash(
	const struct name_index *index, uint64_t head, uint64_t tail, size_t len)
{
	return ((head ^ (tail << 27 | tail >> 37) ^ len) * index->multiplier) >> index->shift;
}

/* Number of a name, or -1. s must come from a parsed text (json_head reads past it). */
static inline int name_find(const struct name_index *index, struct slice s)
{
	uint64_t head = json_head(s), tail = head;
	const struct name_key *key;
	unsigned found;

	if (s.len > sizeof(tail))
		memcpy(&tail, s.data + s.len - sizeof(tail), sizeof(tail));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	if (s.len > sizeof(tail))
		tail = __builtin_bswap64(tail);
#endif
	found = index->slots[name_hash(index, head, tail, s.len)];
	if (found == 0)
		return -1;
	key = &index->keys[found - 1];
	if (key->head != head || key->tail != tail || key->len != s.len)
		return -1;
	if (s.len > 2 * sizeof(head) && memcmp(key->name, s.data, s.len) != 0)
		return -1;
	return (int)found - 1;
}

/* The shape of a type; SHAPE_CUSTOM for what is none of the standard's. As for name_find. */
static inline enum shape_number type_find(struct slice type)
{
	int number = name_find(&stix_shape_index, type);

	return number < 0 || number > SHAPE_CUSTOM ? SHAPE_CUSTOM : (enum shape_number)number;
}

/* ---- relationships (Appendix B) -------------------------------------------------------------- */

struct relationship_row {
	enum shape_number source;
	const char *type;
	uint64_t targets;
};

extern const struct relationship_row stix_relationships[];
extern const size_t stix_relationships_count;

#endif
