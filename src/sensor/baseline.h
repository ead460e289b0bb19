/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who normally does what in the plant: learned from messages, kept in a file that an engineer can
 * read, edit and sign off; what is new afterwards stands out. Only what is asked or told unasked is
 * judged; answers say nothing about who acts.
 */
#ifndef BASELINE_H
#define BASELINE_H

#include "base/base.h"
#include "plant/plant.h"

/* Known tuples: about 300 bytes each with their place in the table, so 20 MiB at the most. When
 * full, the one not seen for longest goes, and is counted. */
#define BASELINE_TUPLES_MAX 65536
/* New ones since learning ended are kept apart, so that a flood of them cannot push out a known
 * one. */
#define BASELINE_NEW_MAX  4096
#define BASELINE_FILE_MAX MIB(32) /* bytes; BASELINE_TUPLES_MAX long lines fit */

#define BASELINE_ADDRESS_MAX 64  /* bytes of an address as text; longer ones are cut */
#define BASELINE_CLASS_MAX   48  /* bytes of an object's class, cut the same way */
#define BASELINE_REASON_MAX  320 /* bytes with NUL */
#define BASELINE_NAME_MAX    80  /* bytes of a function's and of a reviewer's name */

/* In --once mode: a tuple that acts is rare when so few of all judged messages of its protocol in
 * the capture are of it. Below the least number of messages there is no majority to speak of. */
#define BASELINE_RARE_ONE_IN       100
#define BASELINE_RARE_MESSAGES_MIN 50

enum baseline_verdict {
	BASELINE_KNOWN,
	BASELINE_LEARNING,     /* learned now, or met while learning lasts */
	BASELINE_NEW_FUNCTION, /* from a pair that is known for something else */
	BASELINE_NEW_PAIR,     /* these two did not talk */
	BASELINE_NEW_WRITER,   /* acts (plant_operation_acts), and never did so anywhere */
	BASELINE_ANSWER,       /* not judged */
	BASELINE_VERDICTS
};
const char *baseline_verdict_name(enum baseline_verdict v); /* "known", "new-pair", ... */

struct baseline_options {
	const struct world *world; /* for the key of the table */
	/* Learning ends by whichever comes first, and 0 means that it does not end so: packet time
	 * since the first message; days (UTC) on which there were messages. */
	int64_t learning_us;
	uint32_t learning_days;
	bool objects;      /* the class of the object belongs to the tuple: "DB#.DBX#.#" */
	size_t tuples_max; /* 0: BASELINE_TUPLES_MAX; never more */
};

struct baseline_tuple {
	enum baseline_verdict verdict; /* KNOWN, or NEW_... as it was judged first */
	struct slice source, destination;
	enum plant_protocol protocol;
	enum plant_operation operation;
	struct slice function, unit, object; /* object: its class; empty without `objects` */
	int64_t first_us, last_us;
	uint64_t count;
};

struct baseline_counts {
	size_t known, fresh; /* tuples */
	uint64_t messages, dropped_known, dropped_new;
	uint32_t days;
	bool learning;
};

struct baseline;
enum err_kind baseline_new(const struct baseline_options *options, struct baseline **ret_baseline,
	struct err *e) MUST_USE;
void baseline_free(struct baseline *b); /* accepts NULL */

/*
 * Judge one message, and remember it. time_us: of the packet; before 1970, the last one known
 * counts. source sent it. reason: one line for people, empty for KNOWN, LEARNING and ANSWER. Out of
 * memory it is judged, but not remembered.
 */
enum baseline_verdict baseline_message(struct baseline *b, int64_t time_us, struct slice source,
	struct slice destination, const struct plant_message *m,
	char ret_reason[BASELINE_REASON_MAX]);
void baseline_end_learning(struct baseline *b);
void baseline_counts(const struct baseline *b, struct baseline_counts *ret_counts);

/* In canonical order (bytes of the line). False from `each` stops. False: stopped, or out of
 * memory. */
bool baseline_each(const struct baseline *b,
	bool (*each)(void *context, const struct baseline_tuple *tuple), void *context);
/* Acts, and is rare against the rest of what was seen of its protocol. */
bool baseline_rare(const struct baseline *b, const struct baseline_tuple *tuple,
	char ret_reason[BASELINE_REASON_MAX]);

/*
 * The file: lines of text, fields separated by tabs, "-" for what is empty.
 *
 *   serai-baseline 1
 *   # how to read and edit it
 *   learning  yes|no, first message, days with messages
 *   reviewed  who signed it off
 *   VERDICT  source destination protocol operation function unit object count first last
 *   sha256    of everything before this line; "-" after an edit
 *
 * Setting a verdict to "known" accepts a tuple; removing its line forgets it. ERR_CORRUPT: the sum
 * does not fit; ERR_PARSE, ERR_INVALID: a line does not, with its number; ERR_LIMIT.
 */
enum err_kind baseline_load(const char *path, const struct baseline_options *options,
	struct baseline **ret_baseline, struct err *e) MUST_USE;
enum err_kind baseline_save(const struct baseline *b, const char *path, struct err *e) MUST_USE;
/* The same in memory. */
enum err_kind baseline_read(struct slice text, const struct baseline_options *options,
	struct baseline **ret_baseline, struct err *e) MUST_USE;
enum err_kind baseline_write(
	const struct baseline *b, struct buf *ret_text, struct err *e) MUST_USE;

#endif
