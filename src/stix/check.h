/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Inside of checking. One walk over the members of an object: each is looked up in the table of its
 * shape, its value is checked by its kind, and what the rules of the shape want to look at later is
 * kept. Nothing is allocated but the references of the facts, and findings when there are any.
 */
#ifndef STIX_CHECK_H
#define STIX_CHECK_H

#include "types.h"

/* Where in the object we are; made on the stack, written out only for a finding. */
struct place {
	const struct place *up; /* NULL: a member of the object itself */
	struct slice name;
	uint32_t index; /* when name.data is NULL: of a list */
};

/* SHOULDs that nearly every object of a file breaks are said once per object. */
enum once {
	ONCE_CUSTOM_PROPERTY = 1,
	ONCE_CUSTOM_NAME = 2,
	ONCE_URL_HASHES = 4,
	ONCE_SHA256 = 8,
	ONCE_NOT_APPLICABLE = 16
};

/* What an object says in "extensions" about itself. */
enum extension_use {
	USE_NEW_SDO = 1,
	USE_NEW_SCO = 2,
	USE_NEW_SRO = 4,
	USE_TOPLEVEL = 8,
	USE_PROPERTY = 16,

	USE_TLP_2 = 32,
	USE_NEW = USE_NEW_SDO | USE_NEW_SCO | USE_NEW_SRO
};

/*
 * Steps over members and items that selectors and local references may take in one object. Honest
 * ones take some dozens; a hostile object of 1 MiB could ask for billions.
 */
#define CHECK_STEPS_MAX 1000000

struct check {
	struct stix_report *report;
	struct stix_facts *facts;
	struct json_value object;
	const struct shape *shape;
	struct slice type;
	struct slice top; /* the member of the object itself that is being checked */
	bool should;      /* look for SHOULDs */
	bool version_20;  /* STIX 2.0: no spec_version, or "2.0" */
	bool no_memory;
	bool too_many_references;
	enum { DEFANGED_UNKNOWN, DEFANGED_NO, DEFANGED_YES } defanged;
	size_t steps;                /* of CHECK_STEPS_MAX; one more: too many */
	unsigned once;               /* enum once: said already */
	unsigned uses;               /* enum extension_use */
	struct json_value container; /* of embedded observables; .doc NULL outside */
	size_t references_capacity;
	size_t markings_capacity;
};

/* One object or structure being walked. */
struct walk {
	struct check *check;
	const struct shape *shape;
	const struct place *place; /* NULL: the object itself */
	struct json_value value;
	uint64_t seen;             /* rows */
	unsigned present;          /* SET(mark): is there */
	unsigned fit;              /* SET(mark): is there and of its kind */
	uint32_t at[MARKS];        /* tape index of what a mark holds */
	int64_t number[MARKS];     /* of a timestamp microseconds, of an identifier its type */
	struct slice custom;       /* the first property that is not in the table */
	struct slice custom_plain; /* the first of them that does not start with x_ */
};

/* There, and of its kind. */
static inline bool walk_has(const struct walk *w, enum mark mark)
{
	return (w->fit & SET(mark)) != 0;
}

/* What a mark holds; else word 0 of the tape, which is no value of any type. */
static inline struct json_value walk_at(const struct walk *w, enum mark mark)
{
	return (struct json_value){w->value.doc, walk_has(w, mark) ? w->at[mark] : 0};
}

/* One more step; false when there were too many. */
static inline bool check_step(struct check *c)
{
	c->steps += c->steps <= CHECK_STEPS_MAX;
	return c->steps <= CHECK_STEPS_MAX;
}

/* ---- findings (check_report.c) --------------------------------------------------------------- */

#define QUOTE_MAX 96 /* bytes of foreign text in a message, with the marks of quotation and NUL */

void check_error(struct check *c, const char *clause, const struct place *at, const char *format,
	...) PRINTF(4, 5);
/* Only when check->should: the caller asks first. */
void check_warning(struct check *c, const char *clause, const struct place *at, const char *format,
	...) PRINTF(4, 5);
/* "expected EXPECTED, found "TEXT"". */
void check_expected(struct check *c, enum stix_level level, const char *clause,
	const struct place *at, const char *expected, struct slice found);
/* As check_warning, but cheap: the message is a constant, and so is the path of a member of the
 * object itself, whose name must be clean: the standard's, or checked by check_custom_name. */
void check_remark(struct check *c, const char *clause, const struct place *at, const char *message);
/* "text" in quotation marks, cut, control characters as '?'. */
const char *check_quote(struct slice s, char ret_text[QUOTE_MAX]);
/* Without quotation marks, for a message that holds foreign text. */
#define CLEAN_MAX 256 /* bytes with NUL; longer texts are cut */
const char *check_clean(struct slice s, char ret_text[CLEAN_MAX]);
/* "a string", "an integer", ... */
const char *check_kind_name(struct json_value v);

/* ---- values (check_value.c) ------------------------------------------------------------------ */

void check_object(struct check *c, const struct shape *shape, struct json_value value,
	const struct place *place, struct walk *w);
void check_value(
	struct walk *w, const struct property *p, struct json_value v, const struct place *at);
/* a-z, 0-9, '_', a letter first, 3 to 250 bytes (3.1, 11.1); false is reported. */
bool check_custom_name(struct check *c, struct slice name, const struct place *at);
/* An identifier in a text of the document: false when it is none. *ret_type: that of the target. */
bool id_read(struct slice text, struct stix_id *ret_id, enum shape_number *ret_type);
/* The same; what is wrong is reported. */
bool check_id(struct check *c, struct slice text, const struct place *at, struct stix_id *ret_id,
	enum shape_number *ret_type);

/* ---- dictionaries (check_dictionary.c) ------------------------------------------------------- */

void check_hashes(
	struct walk *w, const struct property *p, struct json_value v, const struct place *at);
void check_dictionary(
	struct walk *w, const struct property *p, struct json_value v, const struct place *at);
void check_extensions(struct walk *w, struct json_value v, const struct place *at);
void check_container(struct walk *w, struct json_value v, const struct place *at);
void check_contents(struct walk *w, struct json_value v, const struct place *at);

/* ---- strings with a format (check_text.c) ---------------------------------------------------- */

void check_text(
	struct walk *w, const struct property *p, struct slice text, const struct place *at);
bool text_url(struct slice text);
bool text_base64(struct slice text, bool *ret_spare_bits);
bool text_language(struct slice text);
bool language_known(
	struct slice subtag);          /* RFC 5646 primary language, any case (check_language.c) */
bool country_known(struct slice code); /* ISO 3166-1 alpha-2, any case */
bool charset_known(struct slice name); /* IANA, exact (check_charset.c) */

/* ---- rules (check_rule.c), markings (check_marking.c) ---------------------------------------- */

void check_rules(struct walk *w);
void check_special(struct walk *w);
/* spec_version, and what it says of the rest (3.2). */
void check_version(struct walk *w);
void check_marking_definition(struct walk *w);
void check_selectors(struct walk *w);

/* The standard marking definition of an id; NULL when it is none (tlp.c). */
struct tlp_marking {
	enum stix_tlp tlp;
	struct uuid id;
	bool version_2; /* of TLP */
	int64_t created_us;
	const char *name;
	const char *colour;
	const char *object;
};
const struct tlp_marking *tlp_marking_find(const struct uuid *id);

/* ---- observables (id_observable.c) ----------------------------------------------------------- */

/* A warning when the id is not the deterministic one that section 2.9 recommends. */
void check_observable_id(struct walk *w);

#endif
