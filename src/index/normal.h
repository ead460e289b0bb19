/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Values as they are stored and compared, and the parts of a field that are looked up. One place
 * for both sides, so that an indicator and a field can only agree or differ, never miss each other
 * by their spelling.
 */
#ifndef INDEX_NORMAL_H
#define INDEX_NORMAL_H

#include "index.h"

#define VALUE_BYTES_MAX KIB(8) /* of a normal form; browsers and servers stop at that for URLs */
#define NAME_BYTES_MAX  253    /* RFC 1035 section 2.3.4, without the final dot */
#define ADDRESS_BITS    128

/*
 * Normal forms by kind:
 *   ADDRESS      4 or 16 bytes (::ffff:a.b.c.d is the IPv4 address)
 *   NAME         lower case A-labels, no final dot
 *   URL          host[:port]/path[?query]: no scheme, userinfo, default port or fragment
 *   EMAIL        lower case, the domain as a NAME
 *   HASH, CERTIFICATE  the digest's bytes
 *   ASN          4 bytes, big-endian; MAC 6 bytes
 *   JA3, JA3S, JA4, IMPHASH   lower case; TEXT, SSDEEP  as it is
 */
/* Large and always written before it is read: the compiler's zeros would cost more than all else.
 */
#define UNINITIALISED __attribute__((uninitialized))

struct normal {
	size_t len;
	const char *why; /* when it is none */
	char pad_before[EVENT_PADDING];
	char text[VALUE_BYTES_MAX];
	char pad_behind[EVENT_PADDING];
};

/* Of a value inside a field: lenient where that cannot make a wrong match (long labels, any byte in
 * a label). False with n->why. */
bool normal_field(enum field_kind kind, struct slice text, struct normal *n);
/* Of an indicator: what could never match, or would match nearly everything, is refused. */
bool normal_value(enum field_kind kind, struct slice text, struct normal *n);
/* Of a field given as bytes: an address, a digest, a MAC address. */
bool normal_binary(enum field_kind kind, struct slice bytes, struct normal *n);
/* The normal form in words, for people and for reading it in again. */
size_t normal_print(enum field_kind kind, struct slice normal, char ret_text[VALUE_BYTES_MAX]);

/* "10.0.0.0/8", "2001:db8::/32" or one address: the first of it as 16 bytes (IPv4 mapped) and the
 * prefix length of 128. Host bits are cleared. False with *ret_why. */
bool normal_network(
	struct slice text, uint8_t ret_first[16], unsigned *ret_prefix, const char **ret_why);

/* What a list's line is, defanged or not; *ret_text borrows from the line or lives in `a`. */
bool normal_guess(
	struct slice line, struct arena *a, enum field_kind *ret_kind, struct slice *ret_text);

/* ---- parts of fields (parts.c) --------------------------------------------------------------- */

#define PARTS_MAX                                                                                  \
	4096 /* tokens of one field that are looked at; the rest of the text is passed over */

/* kind: ADDRESS, NAME, URL, EMAIL, HASH or the column's own; text borrows from the field. */
typedef void part_seen(void *context, enum field_kind kind, struct slice text);

/* Everything in a text field that is looked up, each with the kind it is looked up as. */
void parts_of(enum field_kind kind, struct slice text, part_seen *seen, void *context);

struct url_parts {
	struct slice host; /* without brackets and port */
	struct slice port; /* empty: none, or the scheme's default */
	struct slice path; /* from '/' or '?' on, without the fragment; may be empty */
};
/* False: no host in it (a bare path, "mailto:"). */
bool url_split(struct slice text, struct url_parts *ret_parts);

/* What may stand before the '@': everything but blanks and the specials of RFC 5322 section 3.2.3.
 */
bool email_local_byte(char c);

#endif
