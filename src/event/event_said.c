/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Values in their usual form: addresses by RFC 5952, names and digests in lower case, URLs with a
 * scheme and only the characters of RFC 3986, so that a pattern can name them.
 */
#include "event.h"

#define NAME_TEXT_MAX 253 /* bytes of a domain name, RFC 1035 */
#define LABEL_MAX     63
#define URL_MAX       KIB(32)

static bool is_lower_hex(struct slice s)
{
	for (size_t k = 0; k < s.len; k++) {
		char c = s.data[k];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
	}
	return true;
}

static void lower_append(struct buf *out, struct slice s)
{
	char *to = buf_reserve(out, s.len);

	if (to == NULL)
		return;
	for (size_t k = 0; k < s.len; k++) {
		char c = s.data[k];

		to[k] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	out->len += s.len;
}

/* Letters, digits, '-' and '_' in labels of 1 to 63; a dot at the end goes. */
static bool name_append(struct buf *out, struct slice name)
{
	size_t label = 0;

	if (name.len > 0 && name.data[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > NAME_TEXT_MAX)
		return false;
	for (size_t k = 0; k < name.len; k++) {
		char c = name.data[k];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '-' || c == '_';

		if (c == '.' ? label == 0 : (!good || ++label > LABEL_MAX))
			return false;
		if (c == '.')
			label = 0;
	}
	if (label == 0)
		return false;
	lower_append(out, name);
	return true;
}

/* Four numbers up to 255 without leading zeros: the only form of an IPv4 address, so it stays. */
static bool is_quad(struct slice text)
{
	unsigned value = 0, digits = 0, dots = 0;

	if (text.len < 7 || text.len > 15)
		return false;
	for (size_t k = 0; k < text.len; k++) {
		char c = text.data[k];

		if (c == '.') {
			if (digits == 0)
				return false;
			dots++;
			digits = value = 0;
		} else {
			if (c < '0' || c > '9' || (digits > 0 && value == 0))
				return false;
			value = value * 10 + (unsigned)(c - '0');
			digits++;
			if (value > 255)
				return false;
		}
	}
	return dots == 3 && digits > 0;
}

static enum event_said address_said(struct slice text, struct buf *out)
{
	char formatted[ADDRESS_TEXT_MAX];
	uint8_t bytes[16];
	size_t len;

	if (is_quad(text)) {
		buf_slice_append(out, text);
		return SAID_IPV4;
	}
	len = event_looks_like_address(text) ? event_address_parse(text, bytes) : 0;
	if (len == 0)
		return SAID_NOTHING;
	buf_append(out, formatted, event_address_format(bytes, len, formatted));
	return len == 4 ? SAID_IPV4 : SAID_IPV6;
}

/* "host", "host:port", "[address]:port", an address. */
static enum event_said host_said(struct slice text, struct buf *out)
{
	size_t colon = slice_find(text, ':', 0);
	enum event_said said;

	if (text.len > 0 && text.data[0] == '[')
		return address_said(slice_cut(text, 0, slice_find(text, ']', 0) + 1), out);
	if (slice_find(text, ':', colon + 1) < text.len)
		return address_said(text, out); /* two colons: IPv6 without port */
	text = slice_cut(text, 0, colon);
	said = address_said(text, out);
	if (said != SAID_NOTHING)
		return said;
	return name_append(out, text) ? SAID_NAME : SAID_NOTHING;
}

/* RFC 3986 section 2: what may stand in a URL; all else is written as %XX. */
static bool url_char(unsigned char c)
{
	return c > 0x20 && c < 0x7f && strchr("\"<>\\^`{|}", c) == NULL;
}

static enum event_said url_said(struct slice text, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";

	/* a path alone is no URL: readers join it with its host */
	if (text.len == 0 || text.len > URL_MAX || text.data[0] == '/' || text.data[0] == '-')
		return SAID_NOTHING;
	if (slice_find_text(text, SLICE("://")) == text.len)
		buf_text(out, "http://");
	for (size_t k = 0; k < text.len; k++) {
		unsigned char c = (unsigned char)text.data[k];

		if (url_char(c)) {
			buf_char(out, (char)c);
		} else {
			buf_char(out, '%');
			buf_char(out, digits[c >> 4]);
			buf_char(out, digits[c & 15]);
		}
	}
	return SAID_URL;
}

static enum event_said mail_said(struct slice text, struct buf *out)
{
	size_t open = slice_find(text, '<', 0), at;

	if (open < text.len)
		text = slice_cut(text, open + 1, slice_find(text, '>', open));
	text = slice_trim(text);
	at = slice_find(text, '@', 0);
	if (at == 0 || at + 1 >= text.len || text.len > 320 || !utf8_valid(text))
		return SAID_NOTHING;
	for (size_t k = 0; k < text.len; k++) {
		if ((unsigned char)text.data[k] <= 0x20 || text.data[k] == ',')
			return SAID_NOTHING;
	}
	buf_slice_append(out, text);
	return SAID_TEXT;
}

static enum event_said mac_said(struct slice text, struct buf *out)
{
	size_t before = out->len;

	if (text.len != 17)
		return SAID_NOTHING;
	lower_append(out, text);
	for (size_t k = 0; k < 17 && !out->bad; k++) {
		char *c = &out->data[before + k];

		if (k % 3 == 2 ? *c != ':' && *c != '-' : !is_lower_hex((struct slice){c, 1}))
			return SAID_NOTHING;
		if (k % 3 == 2)
			*c = ':';
	}
	return SAID_TEXT;
}

static enum event_said number_said(struct slice text, uint64_t most, struct buf *out)
{
	uint64_t value;

	if (!slice_to_u64(text, &value) || value > most)
		return SAID_NOTHING;
	buf_u64(out, value);
	return SAID_NUMBER;
}

static enum event_said asn_said(struct slice text, struct buf *out)
{
	if (text.len > 2 && slice_equal_nocase(slice_cut(text, 0, 2), SLICE("as")))
		text = slice_cut(text, 2, text.len);
	return number_said(text, UINT32_MAX, out);
}

static enum event_said digest_said(struct slice text, struct buf *out)
{
	size_t before = out->len;

	if (text.len != 32 && text.len != 40 && text.len != 64 && text.len != 128)
		return SAID_NOTHING;
	lower_append(out, text);
	return is_lower_hex(slice_cut(buf_slice(out), before, out->len)) ? SAID_TEXT : SAID_NOTHING;
}

/* Valid UTF-8 without NUL and noncharacters, which I-JSON does not take. */
static enum event_said text_said(struct slice text, struct buf *out)
{
	bool plain = true;

	if (text.len == 0)
		return SAID_NOTHING;
	for (size_t k = 0; k < text.len && plain; k++)
		plain = (unsigned char)text.data[k] < 0x80;
	if (plain) {
		buf_slice_append(out, text);
		return SAID_TEXT;
	}
	while (text.len > 0) {
		uint32_t c = utf8_next(&text);

		if ((c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef))
			c = 0xfffd;
		utf8_append(out, c);
	}
	return SAID_TEXT;
}

static enum event_said lower_said(struct slice text, struct buf *out)
{
	enum event_said said = text_said(text, out);

	for (size_t k = 0; k < out->len; k++) {
		if (out->data[k] >= 'A' && out->data[k] <= 'Z')
			out->data[k] = (char)(out->data[k] - 'A' + 'a');
	}
	return said;
}

enum event_said event_said(enum event_role role, struct slice text, struct buf *out)
{
	buf_clear(out);
	switch (role) {
	case ROLE_SOURCE_ADDRESS:
	case ROLE_DESTINATION_ADDRESS:
	case ROLE_ADDRESS:
		return address_said(text, out);
	case ROLE_QUERY:
	case ROLE_SNI:
		return name_append(out, text) ? SAID_NAME : SAID_NOTHING;
	case ROLE_ANSWER:
	case ROLE_HOST:
	case ROLE_CERTIFICATE_NAME:
		return host_said(text, out);
	case ROLE_URL:
		return url_said(text, out);
	case ROLE_EMAIL:
	case ROLE_EMAIL_FROM:
	case ROLE_EMAIL_TO:
		return mail_said(text, out);
	case ROLE_MAC:
		return mac_said(text, out);
	case ROLE_ASN:
		return asn_said(text, out);
	case ROLE_SOURCE_PORT:
	case ROLE_DESTINATION_PORT:
		return number_said(text, 65535, out);
	case ROLE_SOURCE_BYTES:
	case ROLE_DESTINATION_BYTES:
		return number_said(text, (UINT64_C(1) << 53) - 1, out);
	case ROLE_FILE_HASH:
	case ROLE_CERTIFICATE_HASH:
		return digest_said(text, out);
	case ROLE_METHOD: /* 6.12.2: in lower case */
	case ROLE_TRANSPORT:
	case ROLE_SERVICE:
	case ROLE_IMPHASH:
	case ROLE_JA3:
	case ROLE_JA3S:
	case ROLE_JA4:
		return lower_said(text, out);
	default:
		return text_said(text, out);
	}
}
