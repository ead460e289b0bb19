/* SPDX-License-Identifier: MPL-2.0 */
/* One finding, and the forms in which it is written. Private to this folder. */
#ifndef FINDING_H
#define FINDING_H

#include "gate.h"
#include "sensor.h"

enum finding_type {
	FINDING_INDICATOR, /* a value of the index was seen */
	FINDING_PATTERN,   /* a STIX pattern matched */
	FINDING_PLANT,     /* an operation that stands out from the baseline */
	FINDING_LOSS,      /* the sensor itself did not see everything */
	FINDING_TYPES
};

struct finding {
	enum finding_type type;
	bool update; /* told before; counts have grown */
	struct uuid
		id; /* the same for the same finding, also when it is found again after a crash */
	int64_t time_us;   /* of the event; TIME_UNKNOWN */
	int64_t found_us;  /* when the sensor saw it */
	struct slice file; /* source */
	uint64_t number, offset;
	bool frame;
	struct slice field; /* the column's name */
	enum event_role role;
	struct slice value;     /* what stood in the field */
	struct slice indicator; /* value or pattern; the plant operation */
	enum field_kind kind;
	enum index_how how;
	struct index_entry entry;
	struct slice host;     /* whom it is about: source address, else device; may be empty */
	struct slice reason;   /* why it is believed, for people */
	struct slice evidence; /* of a pattern: the places used */
	struct gate_verdict verdict;
	uint64_t judged;     /* the load (watch.loads) whose lists made the verdict; 0: none yet */
	uint64_t tally_hash; /* of a kept one: its indicator's */
	uint64_t count, hosts;
	int64_t first_us, last_us;
	const struct event *event;              /* may be NULL (updates) */
	const struct sensor_hunt_segment *past; /* of the history: where it was asked; or NULL */
	const char *site;
	uint8_t index_digest[SHA256_LEN];
};

const char *finding_type_name(enum finding_type type);
/* Severity by confidence, kind and verdict: 1 (low) to 10. */
unsigned finding_severity(const struct finding *f);
/* One line (text: two) with its newline. Foreign text is escaped for the form. */
void finding_write(enum sensor_output output, const struct finding *f, struct buf *out);

#endif
