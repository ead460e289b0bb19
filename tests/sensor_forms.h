/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Events made by chance, with a value of every kind, and the forms in which each log format writes
 * them. A form writes a line and tells the naive look-up which values stand in it: that is all the
 * test knows of what the sensor should read.
 */
#ifndef SENSOR_FORMS_H
#define SENSOR_FORMS_H

#include "logs/logs.h"
#include "sensor_naive.h"

enum slot {
	SLOT_NONE,
	SLOT_SOURCE,
	SLOT_TARGET,
	SLOT_ANSWER,
	SLOT_QUERY,
	SLOT_SNI,
	SLOT_HOST,   /* of a web request */
	SLOT_PATH,   /* of the same, with the query */
	SLOT_JOINED, /* both */
	SLOT_URL,
	SLOT_REFERRER,
	SLOT_AGENT,
	SLOT_FROM,
	SLOT_TO,
	SLOT_MD5,
	SLOT_SHA1,
	SLOT_SHA256,
	SLOT_SHA512,
	SLOT_IMPHASH,
	SLOT_SSDEEP,
	SLOT_CERTIFICATE,
	SLOT_JA3,
	SLOT_JA3S,
	SLOT_JA4,
	SLOT_ASN,
	SLOT_MAC,
	SLOT_FILE,
	SLOTS
};

#define MADE_MAX 256 /* bytes of a value */

struct made {
	char at[SLOTS][MADE_MAX];
};

/* A sequence of numbers that is the same in every run. */
struct chance {
	uint64_t state;
};
uint32_t chance_below(struct chance *c, uint32_t below);

/* Indicators of every kind by hand, and `more` by chance. */
void forms_indicators(struct naive *n, struct chance *c, size_t more);
/* About `hot` of 100 values are made from an indicator: it, something below it, or a near miss.
 * `wide`: names in their own scripts too. */
void made_make(struct made *m, const struct naive *n, struct chance *c, unsigned hot, bool wide);
/* How one slot is compared. */
enum field_kind slot_kind(enum slot slot);

/* Where a form writes; it tells each value to the naive look-up. */
struct writing {
	struct buf *out;
	const struct naive *n;
	struct naive_hits *expected;
	uint64_t record;
	size_t looked[FIELD_KINDS]; /* values told, by kind */
};

struct cell {
	const char *name;
	enum slot slot;
	const char *type; /* of Zeek's column; NULL: string */
};

struct form {
	const char *name, *file;
	enum logs_format format; /* as which it must be recognised */
	void (*write)(struct writing *w, const struct form *f, const struct made *m, unsigned i);
	const struct cell *cells; /* of a table or JSON, else NULL */
	size_t cells_count;
	const char *path;    /* Zeek's; EVE's event_type */
	const char *header;  /* beside what the cells say */
	const char *mapping; /* of columns, or NULL */
};

extern const struct form forms[];
extern const size_t forms_count;

/* The header; *ret_lines: how many lines it has. */
void form_header(const struct form *f, struct buf *out, unsigned *ret_lines);
/* `count` events; expected hits (sorted) by line number. */
void form_write(const struct form *f, const struct naive *n, const struct made *events,
	size_t count, struct buf *out, struct naive_hits *expected, size_t looked[FIELD_KINDS]);

/* The oracle hears of a value that stands in the line. */
void told(struct writing *w, enum field_kind kind, const char *text);

#endif
