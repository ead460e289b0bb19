/* SPDX-License-Identifier: MPL-2.0 */
/*
 * STIX 2.1 (OASIS Standard with errata 01): object types as tables, checking against every MUST,
 * identifiers, markings, observable values, and the patterning grammar. Knows no storage.
 */
#ifndef STIX_H
#define STIX_H

#include "base/base.h"
#include "json/json.h"

/* ---- types and identifiers ------------------------------------------------------------------- */

/* What a type is; the numbers are stored, so they never change. */
enum stix_class {
	STIX_CUSTOM = 0, /* not one of the standard's types */
	STIX_SDO = 1,
	STIX_SRO = 2,
	STIX_SCO = 3,
	STIX_META = 4, /* language-content, marking-definition, extension-definition */
	STIX_BUNDLE = 5
};

enum stix_class stix_class_of(struct slice type);
const char *stix_class_name(enum stix_class c);

#define STIX_TYPE_MAX 250 /* bytes of a type name; STIX 2.1 section 2.16 and 3.1 */
#define STIX_ID_MAX   (STIX_TYPE_MAX + 2 + UUID_TEXT_LEN)

struct stix_id {
	struct slice type; /* borrowed from the text it was read from */
	struct uuid uuid;
};

/* "type--uuid", section 2.9. False: not such a text. */
bool stix_id_parse(struct slice text, struct stix_id *ret_id);
void stix_id_format(struct slice type, const struct uuid *uuid, char ret_text[STIX_ID_MAX + 1]);

/* The namespace of deterministic identifiers, section 2.9: 00abedb4-aa42-466c-9c01-fed23315a9b7. */
extern const struct uuid stix_namespace;

/*
 * The deterministic UUIDv5 of an observable, section 2.9, over the RFC 8785 text of its
 * contributing properties. ERR_INVALID when the object is no observable of the standard; when its
 * id is a random one by the standard (process, or no contributing property present)
 * *ret_deterministic is false and *ret_uuid is left alone.
 */
enum err_kind stix_observable_id(struct json_value object, bool *ret_deterministic,
	struct uuid *ret_uuid, struct err *e) MUST_USE;

/* ---- Traffic Light Protocol ------------------------------------------------------------------ */

/* In order of strictness; stored, so the numbers never change. */
enum stix_tlp {
	STIX_TLP_NONE = 0,  /* no TLP marking at all */
	STIX_TLP_CLEAR = 1, /* also TLP 1 WHITE */
	STIX_TLP_GREEN = 2,
	STIX_TLP_AMBER = 3,
	STIX_TLP_AMBER_STRICT = 4,
	STIX_TLP_RED = 5
};

/* By the exact ids of TLP 1 (section 7.2.1.4) and TLP 2.0; NONE for every other id. */
enum stix_tlp stix_tlp_of(const struct uuid *marking_definition);
const char *stix_tlp_name(enum stix_tlp tlp); /* "none", "clear", ..., "amber+strict", "red" */
bool stix_tlp_parse(
	struct slice name, enum stix_tlp *ret_tlp); /* either case, "tlp:" and "white" allowed */
/* The one or two marking-definition ids of a TLP; returns how many. */
size_t stix_tlp_ids(enum stix_tlp tlp, struct uuid ret_ids[2]);
/* The exact JSON text of a standard TLP marking-definition by its id; empty when it is none. */
struct slice stix_tlp_object(const struct uuid *marking_definition);

/* Extensions of marking-definitions: the Permissible Actions Protocol and FIRST's Information
 * Exchange Policy 2.0 (OASIS cti-stix-common-objects). */
#define STIX_PAP_EXTENSION "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b"
#define STIX_IEP_EXTENSION "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"

/* What a marking-definition says, so far as a program can act on it. Numbers are stored. */
enum stix_marking_kind {
	STIX_MARKING_UNKNOWN = 0, /* restrictions that we cannot read: fail closed */
	STIX_MARKING_TLP = 1,
	/* Text for people, section 7.2.1.3: no machine-readable limit. */
	STIX_MARKING_STATEMENT = 2,
	/* The extensions below and nothing beside them: a policy can read it (policy_marking_read).
	 */
	STIX_MARKING_RESTRICTION = 3
};
enum stix_marking_kind stix_marking_kind_of(struct json_value marking_definition);

/* ---- checking -------------------------------------------------------------------------------- */

enum stix_level { STIX_ERROR, STIX_WARNING };

struct stix_finding {
	enum stix_level level;
	const char
		*clause;   /* "3.2 created", "6.7 file": section of STIX 2.1, and the rule's name */
	struct slice path; /* "external_references[0].url"; empty for the object itself; no control
			      characters; borrowed from the document or the arena */
	struct slice message; /* what was wrong and what was expected; no control characters */
};

#define STIX_FINDINGS_MAX 256 /* per object; more are counted in `dropped` (a hostile object) */

/* What a check found; the arrays live in `arena`. Reset between objects with stix_report_reset. */
struct stix_report {
	struct arena *arena;
	bool errors_only; /* do not even look for SHOULDs: faster */
	struct stix_finding *findings;
	size_t count;
	size_t errors;
	size_t warnings;
	size_t dropped;
};

struct stix_reference {
	struct slice property; /* name of the top-level property that holds it: "created_by_ref" */
	struct stix_id target;
};

#define STIX_REFERENCES_MAX 20000 /* per object; 1 MiB of ids. More is an error finding. */

/* What the rest of Serai needs to know of an object, found in the same walk. Borrowed from the
 * document and the report's arena. */
struct stix_facts {
	struct slice id;
	struct stix_id key;
	enum stix_class class;
	bool versioned;      /* has modified */
	int64_t created_us;  /* 0 when absent */
	int64_t modified_us; /* version: modified, else created, else 0 */
	bool revoked;
	struct slice
		name; /* name, else the observable's value or the note's abstract, for people */
	struct slice description; /* else the note's content, the opinion's explanation */
	struct json_value labels; /* .doc NULL when absent */
	struct slice lang;
	int confidence; /* -1 when absent */
	/* every *_ref and *_refs of the top level, object_marking_refs and granular marking_refs */
	struct stix_reference *references;
	size_t references_count;
	struct uuid *markings; /* sorted, unique: object and granular markings */
	size_t markings_count;
};

/*
 * Check one object (any type but bundle) against STIX 2.1: every MUST is an error, every SHOULD and
 * open vocabulary a warning. Custom types, properties and extensions are kept and never refused
 * unless the standard says so. Fills *ret_facts so far as the object allows, also when it has
 * errors. ERR_NOMEM only; what is wrong with the object is in the report.
 * ret_facts may be NULL.
 */
enum err_kind stix_check(struct json_value object, struct stix_report *report,
	struct stix_facts *ret_facts, struct err *e) MUST_USE;
/* The members of a bundle other than "objects" (section 8); envelope as json_split_envelope gives.
 */
enum err_kind stix_check_bundle(
	struct json_value envelope, struct stix_report *report, struct err *e) MUST_USE;
void stix_report_reset(struct stix_report *report); /* also resets the arena */

/* ---- observable values: what one searches and matches ---------------------------------------- */

/* Stored, so the numbers never change. */
enum stix_value_kind {
	STIX_VALUE_ADDRESS = 1, /* IPv4, IPv6, networks */
	STIX_VALUE_NAME = 2,    /* domain name */
	STIX_VALUE_URL = 3,
	STIX_VALUE_EMAIL = 4,
	STIX_VALUE_HASH = 5, /* any algorithm, certificates too */
	STIX_VALUE_ASN = 6,
	STIX_VALUE_MAC = 7,
	STIX_VALUE_TEXT = 8 /* file names, mutexes, registry keys, user agents, JA3: as they are */
};
const char *stix_value_kind_name(enum stix_value_kind kind); /* "address", "name", ..., "text" */
bool stix_value_kind_parse(struct slice name, enum stix_value_kind *ret_kind);

#define STIX_VALUE_KEY_MAX 512 /* bytes of a key; longer ones end in the SHA-256 of the whole */

/*
 * A value in the form in which it is compared; equal values have equal keys.
 *
 *   ADDRESS  first[16] last[16]: the range, IPv4 as ::ffff:a.b.c.d
 *   NAME     lower case A-labels (IDNA 2008), the last first, a dot behind each: "com.evil.a."
 *   EMAIL    the domain so, '@', the local part as it is: "com.evil.@user"
 *   HASH     the digest's bytes when it is hex, else the text
 *   URL      scheme and host in lower case, no default port, no fragment, "/" for no path
 *   ASN      u32be
 *   MAC      6 bytes
 *   TEXT     as it is
 */
struct stix_value {
	enum stix_value_kind kind;
	struct slice key;  /* in the arena, or the text itself */
	struct slice text; /* as it stood in the object, unescaped */
	/* where it stood, to say it again: "ipv4-addr", "value"; for hashes "file", "SHA-256" */
	struct slice object_type;
	struct slice property;
};

/* False when text is no such value (a bad address, an empty name). */
bool stix_value_key(
	enum stix_value_kind kind, struct slice text, struct arena *a, struct slice *ret_key);
/* What a person typed: an address, network, name (leading "*." or "." allowed), URL, e-mail, hash
 * by its length; defanged forms (hxxp, [.], (dot), [at]) understood. False: none of these. */
bool stix_value_guess(struct slice text, struct arena *a, struct stix_value *ret_value);
/* "hxxps://evil[.]example" -> "https://evil.example"; unchanged text is returned as it is. */
struct slice stix_refang(struct slice text, struct arena *a);

#define STIX_VALUES_MAX 10000 /* per object; more are not indexed, and the caller is told */

/*
 * The values in an observable (all of its value properties and hashes; with "defanged" the key is
 * that of the refanged text), in an observed-data's embedded objects, or compared with =, IN or
 * ISSUBSET in an indicator's STIX pattern; network-traffic's JA3 etc. as TEXT. What is not of the
 * kind that its property promises is an ADDRESS if it is one, else TEXT. The same value may come
 * twice. *ret_all: false when the limit cut some off. An object that has none gives count 0.
 */
enum err_kind stix_values(struct json_value object, struct arena *a, struct stix_value **ret_values,
	size_t *ret_count, bool *ret_all, struct err *e) MUST_USE;

/* ---- patterns (STIX 2.1 section 9) ----------------------------------------------------------- */

#define STIX_PATTERN_MAX       KIB(512) /* bytes of a pattern */
#define STIX_PATTERN_DEPTH_MAX 64       /* nested parentheses */
#define STIX_PATTERN_NODES_MAX 100000   /* comparisons and operators in one pattern */

enum stix_constant_kind {
	STIX_CONSTANT_STRING,
	STIX_CONSTANT_INTEGER,
	STIX_CONSTANT_FLOAT,
	STIX_CONSTANT_BOOLEAN,
	STIX_CONSTANT_TIMESTAMP,
	STIX_CONSTANT_HEX,   /* h'..': text holds the bytes */
	STIX_CONSTANT_BINARY /* b'..': text holds the bytes */
};

struct stix_constant {
	enum stix_constant_kind kind;
	struct slice
		text; /* unescaped string, timestamp text, or bytes; in the arena or the pattern */
	int64_t integer;
	double number;
	bool boolean;
	int64_t time_us;
};

/* A step of an object path: .name, .'quoted name', [3] or [*]. */
struct stix_step {
	enum { STIX_STEP_PROPERTY, STIX_STEP_INDEX, STIX_STEP_ANY } kind;
	struct slice name;
	uint32_t index;
};

enum stix_comparator {
	STIX_EQUAL,
	STIX_NOT_EQUAL,
	STIX_GREATER,
	STIX_LESS,
	STIX_GREATER_EQUAL,
	STIX_LESS_EQUAL,
	STIX_IN,
	STIX_LIKE,
	STIX_MATCHES,
	STIX_ISSUBSET,
	STIX_ISSUPERSET,
	STIX_EXISTS
};
const char *stix_comparator_name(enum stix_comparator c);

enum stix_node_kind {
	/* inside the brackets */
	STIX_NODE_COMPARISON,
	STIX_NODE_AND, /* a and b */
	STIX_NODE_OR,
	/* outside */
	STIX_NODE_OBSERVATION,  /* a: the comparison expression in brackets */
	STIX_NODE_OBSERVED_AND, /* a and b: observation expressions */
	STIX_NODE_OBSERVED_OR,
	STIX_NODE_FOLLOWEDBY,
	STIX_NODE_WITHIN,    /* a, seconds */
	STIX_NODE_REPEATS,   /* a, times */
	STIX_NODE_START_STOP /* a, start_us, stop_us */
};

struct stix_node {
	enum stix_node_kind kind;
	uint32_t offset; /* of its first byte in the pattern */
	struct stix_node *a;
	struct stix_node *b;
	/* COMPARISON */
	struct slice object_type;
	struct stix_step *steps;
	size_t steps_count;
	bool negated;
	enum stix_comparator comparator;
	struct stix_constant *constants; /* one, or the set of IN; none for EXISTS */
	size_t constants_count;
	/* qualifiers */
	double seconds;
	int64_t times;
	int64_t start_us;
	int64_t stop_us;
};

struct stix_pattern_error {
	size_t offset;         /* 0-based byte of the first character that does not fit */
	uint64_t line, column; /* 1-based, column in code points */
	struct slice message;  /* "expected ']' or AND or OR, found '='"; in the arena */
};

/*
 * Parse; the tree lives in `a` and borrows from `pattern`. False with *ret_error filled. ret_root
 * may be NULL: then it is only judged, and no tree takes memory. Chains such as "a OR b OR c" lean
 * to the left and may be STIX_PATTERN_NODES_MAX long: walk along `a` in a loop, recurse into `b`.
 */
bool stix_pattern_parse(struct slice pattern, struct arena *a, struct stix_node **ret_root,
	struct stix_pattern_error *ret_error);
/* True, with *ret_remark filled, when a valid pattern has a part that can never match: AND of
 * different object types (section 9.5), an empty set, a STOP that is not after its START. */
bool stix_pattern_remark(
	struct slice pattern, struct arena *a, struct stix_pattern_error *ret_remark);
/* A valid pattern that says no more than "any one of these values": =, IN and ISSUBSET joined by
 * OR. *ret_atoms: how many comparisons, a set counting once per value. */
bool stix_pattern_is_list(struct slice pattern, struct arena *a, size_t *ret_atoms);
/* The tree as text again, each chain of operators in parentheses, for tests and `serai pattern
 * check --tree`. */
void stix_pattern_print(const struct stix_node *root, struct buf *out);
/* A quoted string constant with its escapes, for those who write patterns. */
void stix_pattern_quote(struct buf *out, struct slice text);

#endif
