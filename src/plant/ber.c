/* SPDX-License-Identifier: MPL-2.0 */
/* ASN.1 elements, one at a time (ITU-T X.690 clause 8.1). */
#include "ber.h"

#define LENGTH_OCTETS_MAX 4 /* of the long form; more could not be in one message anyway */
#define TAG_OCTETS_MAX    4 /* of a high tag number: 28 bits */

struct header {
	enum ber_class class;
	bool constructed, indefinite;
	uint32_t tag;
	size_t len;
};

static bool header_read(struct reader *r, struct header *ret_header)
{
	uint8_t identifier = read_u8(r);
	struct header h = {.class = (enum ber_class)(identifier >> 6),
		.constructed = (identifier & 0x20) != 0,
		.tag = identifier & 0x1f};
	uint8_t len;

	if (h.tag == 0x1f) {
		uint8_t octet = 0x80;

		h.tag = 0;
		for (unsigned i = 0; (octet & 0x80) != 0; i++) {
			if (i == TAG_OCTETS_MAX || r->bad)
				return false;
			octet = read_u8(r);
			h.tag = h.tag << 7 | (octet & 0x7f);
		}
	}
	len = read_u8(r);
	if (len == 0x80) {
		h.indefinite = true;
	} else if (len > 0x80) {
		unsigned octets = len & 0x7f;

		if (octets > LENGTH_OCTETS_MAX)
			return false;
		while (octets-- > 0)
			h.len = h.len << 8 | read_u8(r);
	} else {
		h.len = len;
	}
	if (r->bad || (h.indefinite && !h.constructed) || h.len > r->rest.len)
		return false;
	*ret_header = h;
	return true;
}

/* Walks to the end-of-contents octets that belong to an element just opened: one pass, a counter
 * instead of a stack, because only the indefinite ones have to be closed. */
static bool indefinite_skip(struct reader *r)
{
	unsigned open = 1;

	while (open > 0) {
		struct header h;

		if (!header_read(r, &h))
			return false;
		if (h.class == BER_UNIVERSAL && h.tag == 0 && !h.constructed && h.len == 0)
			open--;
		else if (!h.indefinite)
			read_bytes(r, h.len);
		else if (++open > BER_INDEFINITE_DEPTH_MAX)
			return false;
	}
	return !r->bad;
}

bool ber_next(struct slice *rest, struct ber *ret_element)
{
	struct reader r = {.rest = *rest};
	struct slice from;
	struct header h;
	struct slice content;

	if (rest->len == 0 || !header_read(&r, &h))
		return false;
	if (h.indefinite) {
		from = r.rest;
		if (!indefinite_skip(&r))
			return false;
		content = slice_cut(from, 0, from.len - r.rest.len - 2);
	} else {
		content = read_bytes(&r, h.len);
	}
	*rest = r.rest; /* first: it may be the content of the element that is replaced */
	*ret_element = (struct ber){
		.class = h.class, .constructed = h.constructed, .tag = h.tag, .content = content};
	return true;
}

bool ber_find(struct slice within, enum ber_class class, uint32_t tag, struct slice *ret_content)
{
	struct ber element;

	for (unsigned i = 0; i < BER_SEARCH_MAX && ber_next(&within, &element); i++) {
		if (ber_is(&element, class, tag)) {
			*ret_content = element.content;
			return true;
		}
	}
	return false;
}

bool ber_integer(struct slice content, int64_t *ret_value)
{
	uint64_t value;

	if (content.len == 9 && content.data[0] == 0 && (content.data[1] & 0x80) == 0)
		content = slice_cut(content, 1, 9);
	if (content.len == 0 || content.len > 8)
		return false;
	value = (content.data[0] & 0x80) != 0 ? UINT64_MAX : 0;
	for (size_t i = 0; i < content.len; i++)
		value = value << 8 | (uint8_t)content.data[i];
	*ret_value = (int64_t)value;
	return true;
}
