/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Inside intel: what a policy may look at in an object, worked out once when it comes in. The rules
 * are in docs/labels.md; the tables in traits_tables.c are those rules.
 */
#ifndef TRAITS_H
#define TRAITS_H

#include "intel.h"

/* Grows with every change of the rules: traits of other rules count as not worked out. */
#define TRAITS_RULES 1

#define TRAITS_AFFECTED_MAX  8       /* members named in one object; more: as if it named none */
#define TRAITS_MEMBER_MAX    64      /* bytes of such a name: POLICY_NAME_MAX */
#define TRAITS_TEXT_SCAN_MAX KIB(64) /* bytes of a text that are looked through for addresses */

/* In order of strictness; UNKNOWN is what nobody could find out. */
enum traits_pii { PII_UNKNOWN, PII_NONE, PII_PSEUDONYMOUS, PII_PERSONAL, PII_KINDS };
enum traits_content {
	CONTENT_UNKNOWN,
	CONTENT_TECHNICAL,
	CONTENT_MIXED,
	CONTENT_EXPRESSION,
	CONTENT_KINDS
};
const char *traits_pii_name(enum traits_pii pii); /* "unknown", "none", ... */
const char *traits_content_name(enum traits_content content);

struct traits {
	struct slice kind; /* STIX type; "other" for a custom one */
	int confidence;    /* 0..100; -1: not stated */
	uint32_t sectors;  /* bit n: traits_sector_name(n); 0: unknown */
	enum traits_pii pii;
	enum traits_content content;
	struct slice affected; /* names of members with a comma between; empty: not stated */
};

/* Sectors by number from 0, in the words of policies; NULL past the last. */
const char *traits_sector_name(unsigned sector);
/* The sector that a word stands for, without regard to case; -1: none. */
int traits_sector_of(struct slice word);

/*
 * Everything from the object itself. values: what stix_values found in it. Appends the traits as
 * the store keeps them, at most STORE_TRAITS_BYTES:
 *
 *   rules kind confidence sectors pii content affected
 *   "1 indicator 85 energy,telecom none technical kz", "-" for what is not stated
 */
void traits_append(struct json_value object, const struct stix_facts *facts,
	const struct stix_value *values, size_t values_count, struct buf *out);
/* False: not such a text, or of other rules. ret_traits borrows from it. */
bool traits_parse(struct slice text, struct traits *ret_traits);

/* ---- tables (traits_tables.c) ---------------------------------------------------------------- */

/* How the kind of an object alone settles it; SPECIAL: a function looks closer. */
struct traits_row {
	const char *type;
	enum traits_pii pii;
	enum traits_content content;
	enum traits_look {
		LOOK_NO,
		LOOK_IDENTITY,
		LOOK_INDICATOR,
		LOOK_OBSERVED,
		LOOK_ACTOR,
		LOOK_LOCATION,
		LOOK_REPORT,
		LOOK_EMAIL,
		LOOK_TEXT, /* an address with a local part in its value makes it unknown */
		LOOK_FILE
	} look;
};
/* NULL: a custom type. */
const struct traits_row *traits_row_of(struct slice type);
/* Does this local part of an e-mail address name a role rather than a person? */
bool traits_is_role(struct slice local);
/* Does this label say that the object is about what people say to each other? */
bool traits_is_expression(struct slice label);

#endif
