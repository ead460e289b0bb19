/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The quality gate: what is nearly always noise does not hide a match but raises the bar that the
 * match must pass. Private to this folder; docs/quality.md explains the rules to operators.
 */
#ifndef GATE_H
#define GATE_H

#include "sensor.h"

enum gate_class {
	GATE_CLEAR,    /* nothing speaks against it */
	GATE_SPECIAL,  /* special-purpose addresses and names: RFC 6890, RFC 6761 */
	GATE_ROOT,     /* root and top-level name servers */
	GATE_SUFFIX,   /* the indicator is itself a public suffix: everything below would match */
	GATE_RESOLVER, /* public resolvers */
	GATE_UPDATE,   /* update, time, certificate and connectivity-check hosts of vendors */
	GATE_SHARED,   /* content delivery and shared hosting: one address or parent, many owners */
	GATE_TOP,      /* names that nearly everybody visits */
	GATE_LISTED,   /* on a list that the operator gave */
	GATE_RANGE,    /* an address in a network on such a list: of its owner, or of a customer */
	GATE_WIDE,     /* the indicator is a network so wide that most of it is somebody else's */
	GATE_PREVALENT, /* common on this site for days */
	GATE_CLASSES
};
const char *gate_class_name(enum gate_class class);

struct gate_verdict {
	enum gate_class class;
	bool held;
	unsigned weight, bar; /* 0..100: it passes when weight >= bar */
	char reason[200]; /* "8.8.8.8 is a public resolver (Google Public DNS)"; empty when CLEAR */
};

struct gate_case {
	enum field_kind kind; /* of the indicator */
	enum index_how how;
	enum event_role role;
	struct slice indicator;
	struct slice value;
	int confidence;          /* -1 unknown */
	unsigned prevalent_days; /* days on which at least half of the site's hosts had it */
};

struct gate;
/* With the built-in lists. world: the key of its tables. */
struct gate *gate_new(const struct world *world) MUST_USE;
void gate_free(struct gate *g);
/* A MISP warninglist (JSON) or one value a line, packed or not. ERR_INVALID: neither. */
enum err_kind gate_list_read(
	struct gate *g, const char *path, size_t *ret_values, struct err *e) MUST_USE;
void gate_judge(const struct gate *g, const struct gate_case *c, struct gate_verdict *ret_verdict);
/* The same in two steps: what the lists say, whatever c->prevalent_days, which costs most and stays
 * true as long as the gate does; then what is common on this site. */
void gate_lists_judge(
	const struct gate *g, const struct gate_case *c, struct gate_verdict *ret_verdict);
void gate_prevalence_judge(unsigned prevalent_days, struct gate_verdict *verdict);

/* ---- the built-in lists (gate_lists.c) ------------------------------------------------------- */

/* ".name" covers the name and all below it; "name" only itself; networks in CIDR form. */
struct gate_row {
	const char *value;
	enum gate_class class;
	const char *what; /* for people: "Google Public DNS" */
};
extern const struct gate_row gate_rows[];
extern const size_t gate_rows_count;

/* ---- prevalence (prevalence.c) --------------------------------------------------------------- */

/*
 * How many different hosts a site has, and how many of them have to do with one matched value, by
 * linear counting (Whang et al. 1990): a bitmap of hashed hosts, n = -m ln(zeros / m).
 */
#define PREVALENCE_SITE_BITS  65536 /* up to some 300,000 hosts */
#define PREVALENCE_VALUE_BITS 1024  /* up to some 5,000 hosts; beyond, it is certainly common */
#define PREVALENCE_HOSTS_MIN  8     /* on a smaller site nothing is "common" */
#define PREVALENCE_AHEAD_US   (86400 * US_PER_SECOND) /* a time zone not told, a clock gone wrong */
#define PREVALENCE_DAYS_MIN   3 /* an outbreak is common on its first day too, noise every day */

struct prevalence_site {
	uint8_t bits[PREVALENCE_SITE_BITS / 8];
	uint32_t set;  /* bits that are set */
	uint32_t idle; /* samples since the last new one */
	uint32_t skipped;
};
struct prevalence {
	int32_t day;   /* days since 1970; of `bits` */
	uint16_t days; /* days before on which it was common */
	uint16_t set;
	uint8_t bits[PREVALENCE_VALUE_BITS / 8];
};

void prevalence_site_host(struct prevalence_site *s, uint64_t hash);
/* A host had the value at that time; hash: keyed hash of the host. Times more than
 * PREVALENCE_AHEAD_US after now_us, the clock's, are not counted. */
void prevalence_add(struct prevalence *p, const struct prevalence_site *s, int64_t time_us,
	int64_t now_us, uint64_t hash);
/* Days on which at least half of the hosts had it, today counted when it already is so. */
unsigned prevalence_days(const struct prevalence *p, const struct prevalence_site *s);
double prevalence_count(unsigned set, unsigned bits);

#endif
