/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Reading ASN.1 in its Basic Encoding Rules (ITU-T X.690), as MMS and GOOSE carry it. Foreign
 * bytes: every length is checked against what is there, nothing is copied, nothing recurses.
 */
#ifndef BER_H
#define BER_H

#include "base/base.h"

/* Elements of indefinite length (8.1.3.6) within one another; MMS over the presentation layer
 * nests about ten deep. */
#define BER_INDEFINITE_DEPTH_MAX 16

enum ber_class { BER_UNIVERSAL, BER_APPLICATION, BER_CONTEXT, BER_PRIVATE };

#define BER_INTEGER           2
#define BER_BIT_STRING        3
#define BER_OCTET_STRING      4
#define BER_OBJECT_IDENTIFIER 6
#define BER_EXTERNAL          8
#define BER_SEQUENCE          16
#define BER_SET               17
#define BER_VISIBLE_STRING    26

struct ber {
	enum ber_class class;
	bool constructed;
	uint32_t tag;
	struct slice content; /* without the two zero octets that end an indefinite length */
};

/* The next element of *rest, which moves behind it. False: none, or malformed; *rest stays. */
bool ber_next(struct slice *rest, struct ber *ret_element) MUST_USE;
static inline bool ber_is(const struct ber *element, enum ber_class class, uint32_t tag)
{
	return element->class == class && element->tag == tag;
}
/* The first element of `within` with that class and tag, among at most BER_SEARCH_MAX. */
#define BER_SEARCH_MAX 64
bool ber_find(struct slice within, enum ber_class class, uint32_t tag,
	struct slice *ret_content) MUST_USE;
/* Two's complement, 1 to 8 octets (8.3). Nine are taken when the first is the zero in front of an
 * unsigned 64-bit value that fits. */
bool ber_integer(struct slice content, int64_t *ret_value) MUST_USE;

#endif
