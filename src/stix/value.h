/* SPDX-License-Identifier: MPL-2.0 */
/* Inside of observable values: one function per kind of key, each bounded by the length of its
 * text. */
#ifndef STIX_VALUE_H
#define STIX_VALUE_H

#include "stix.h"

enum value_result { VALUE_FITS, VALUE_UNFIT, VALUE_NO_MEMORY };

/* value_key as stix_value_key, but telling a bad text from no memory. */
enum value_result value_key(
	enum stix_value_kind kind, struct slice text, struct arena *a, struct slice *ret_key);

/* stix_value_guess of a text that is not defanged. */
bool value_guess(struct slice text, struct arena *a, struct stix_value *ret_value);

/* ---- addresses (value_address.c) ------------------------------------------------------------ */

#define VALUE_RANGE_LEN 32 /* first[16] last[16] */

/* RFC 791 dotted decimal without leading zeros, RFC 4291 section 2.2 in all its forms, each with an
 * optional /prefix (host bits may be set); no zone, no port. */
bool value_address(struct slice text, uint8_t ret_range[VALUE_RANGE_LEN]);
bool value_ipv4(struct slice text, uint8_t ret_bytes[4]);
bool value_ipv6(struct slice text, uint8_t ret_bytes[16]);
/* Twelve hex digits, in pairs by ':' or '-', in fours by '.', or run together. */
bool value_mac(struct slice text, uint8_t ret_bytes[6]);

/* ---- names (value_name.c, the only file that knows libidn2) --------------------------------- */

#define VALUE_NAME_MAX 254 /* bytes of a name in A-labels with one more dot */

/* Lower case A-labels without a final dot: "a.evil.com"; ret_text[VALUE_NAME_MAX]. */
bool value_name(struct slice text, char ret_text[VALUE_NAME_MAX], size_t *ret_len);
/* "a.evil.com" to "com.evil.a."; ret_key[VALUE_NAME_MAX], one byte longer than the name. */
void value_name_reverse(struct slice name, char ret_key[VALUE_NAME_MAX]);
/* Has a dot, and its last label could be a top-level domain and is no usual file ending. */
bool value_name_likely(struct slice text);

/* ---- URLs (value_url.c) --------------------------------------------------------------------- */

enum value_result value_url(struct slice text, struct arena *a, struct slice *ret_key);

#endif
