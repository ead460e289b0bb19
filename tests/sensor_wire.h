/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Captures made by chance: name look-ups, web requests, TLS handshakes and mails with values of
 * every kind that packets carry. What is computed from packets (JA3, JA3S, JA4, hashes of bodies
 * and certificates) is computed here from the lists that the packets were built of. Each value is
 * told to the naive look-up with the number of the frame that completes it.
 */
#ifndef SENSOR_WIRE_H
#define SENSOR_WIRE_H

#include "sensor_forms.h"

#define WIRE_FRAMES_MAX 4096

struct wire_value {
	enum field_kind kind;
	unsigned frame;
	char text[MADE_MAX];
};

struct wire {
	struct chance chance;
	const struct naive *n; /* NULL: values are only gathered */
	struct naive_hits expected;
	struct wire_value *values;
	size_t values_count, values_capacity;
	struct buf bytes; /* of all frames */
	struct {
		size_t at, len;
	} frames[WIRE_FRAMES_MAX];
	unsigned frames_count, number; /* number: of the conversation */
	unsigned names, webs, handshakes, mails;
};

/* The same conversations for the same seed, whatever is looked for. `m`: their values. */
void wire_make(struct wire *w, uint64_t seed, const struct naive *n, const struct made *events,
	size_t count);
void wire_fini(struct wire *w);

enum wire_file { WIRE_PCAP, WIRE_PCAP_SWAPPED, WIRE_PCAP_NANO, WIRE_PCAPNG, WIRE_FILES };
extern const char *const wire_file_names[WIRE_FILES];
/* *ret_ends[k]: where frame k + 1 ends in the file (WIRE_FRAMES_MAX of them). */
void wire_write(const struct wire *w, enum wire_file file, struct buf *out, size_t *ret_ends);

#endif
