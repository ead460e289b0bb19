/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Keys of fields and of questions. Names and addresses, nearly all of what logs hold, have a way of
 * their own that copies nothing through the heap; everything else goes through the index's parts.
 */
#include "keys.h"

#define NAME_FAST_MAX 253 /* bytes; longer names (RFC 1035 has none) go the slow way */

/* ---- networks -----------------------------------------------------------------------------------
 *
 * An address leaves the networks of these lengths it is in, so that networks can be asked for.
 */

/* IPv4 has no /24: the 256 addresses in it can be asked for one by one, and it would make filters
 * a third larger. */
static const uint8_t kept_4[] = {16};
static const uint8_t kept_6[] = {64, 48, 32};

/* `first` cut to `prefix` bits, with the length behind it: the normal form of a network. */
static uint64_t network_key(
	const struct keyer *k, const uint8_t *first, size_t bytes, unsigned prefix)
{
	char normal[16 + 1 + 8] = {0};
	size_t whole = prefix / 8;

	memcpy(normal, first, whole);
	if (prefix % 8 != 0)
		normal[whole] = (char)(first[whole] & ~(0xff >> prefix % 8));
	normal[bytes] = (char)prefix;
	return keyer_hash(k, FIELD_ADDRESS, normal, bytes + 1, true);
}

static void address_keys(const struct keyer *k, const uint8_t *address, size_t bytes, struct set *s)
{
	const uint8_t *kept = bytes == 4 ? kept_4 : kept_6;
	size_t count = bytes == 4 ? COUNT_OF(kept_4) : COUNT_OF(kept_6);

	set_add(s, keyer_hash(k, FIELD_ADDRESS, (const char *)address, bytes, false));
	for (size_t i = 0; i < count; i++)
		set_add(s, network_key(k, address, bytes, kept[i]));
}

/* ---- URLs ---------------------------------------------------------------------------------------
 *
 * An indicator may be the beginning of a logged URL: up to a '/', or all but the query.
 */

static void url_keys(const struct keyer *k, struct slice url, struct set *s)
{
	size_t at = slice_find(url, '/', 0), query = slice_find(url, '?', at);

	set_add(s, keyer_hash(k, FIELD_URL, url.data, url.len, false));
	if (query < url.len)
		set_add(s, keyer_hash(k, FIELD_URL, url.data, query, false));
	for (size_t steps = 0; at + 1 < query && steps < KEYS_URL_STEPS_MAX; steps++) {
		set_add(s, keyer_hash(k, FIELD_URL, url.data, at + 1, false));
		at = slice_find(url, '/', at + 1);
	}
}

/* ---- any kind -----------------------------------------------------------------------------------
 */

struct plain {
	const struct keyer *k;
	struct set *s;
};

static void plain_key(void *context, enum field_kind kind, struct slice normal)
{
	const struct plain *p = context;

	if (kind == FIELD_ADDRESS && (normal.len == 4 || normal.len == 16))
		address_keys(p->k, (const uint8_t *)normal.data, normal.len, p->s);
	else if (kind == FIELD_URL)
		url_keys(p->k, normal, p->s);
	else
		set_add(p->s, keyer_hash(p->k, (unsigned)kind, normal.data, normal.len, false));
}

void keys_field_plain(const struct keyer *k, const struct column *column, const struct field *field,
	struct set *s)
{
	struct plain p = {k, s};

	index_field_keys(column, field, plain_key, &p);
}

/* ---- names and addresses ------------------------------------------------------------------------
 */

/* False: not ASCII, or too long for this way. */
static bool name_fast(const struct keyer *k, struct slice text, struct set *s)
{
	/* Not cleared beforehand: that would cost more than the name. */
	__attribute__((uninitialized)) char lower[NAME_FAST_MAX + 1 + 8];
	__attribute__((uninitialized)) uint8_t dots[NAME_FAST_MAX + 1];
	size_t len = text.len, count = 0;
	unsigned char high = 0;

	if (len == 0 || len > NAME_FAST_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		high |= c;
		lower[i] = (char)(c | ((unsigned)(c - 'A') < 26) << 5);
		dots[count] = (uint8_t)i;
		count += c == '.';
	}
	if (high >= 0x80)
		return false;
	if (lower[len - 1] == '.') {
		len--;
		count--;
	}
	if (len == 0)
		return true;
	memset(lower + len, 0, 8);
	set_add(s, keyer_hash(k, FIELD_NAME, lower, len, true));
	/* Parents of at least two labels, as many as the index looks at. */
	for (size_t i = 0; i + 1 < count && i < INDEX_LABELS_MAX; i++) {
		size_t from = dots[i] + 1U;

		set_add(s, keyer_hash(k, FIELD_NAME, lower + from, len - from, true));
	}
	return true;
}

/* "10.1.2.3" in its only spelling; false for everything else. */
static bool dotted_quad(struct slice text, uint8_t ret_bytes[4])
{
	size_t at = 0;

	if (text.len > 15)
		return false;
	for (unsigned part = 0; part < 4; part++) {
		unsigned value = 0;
		size_t from = at;

		for (; at < text.len && at - from < 3; at++) {
			unsigned digit = (unsigned)(unsigned char)text.data[at] - '0';

			if (digit > 9)
				break;
			value = value * 10 + digit;
		}
		if (at == from || value > 255 || (at - from > 1 && text.data[from] == '0'))
			return false;
		if (part < 3 && (at == text.len || text.data[at++] != '.'))
			return false;
		ret_bytes[part] = (uint8_t)value;
	}
	return at == text.len;
}

/* False: the slow way. */
static bool address_fast(const struct keyer *k, struct slice text, struct set *s)
{
	uint8_t bytes[16];
	size_t len = 4;

	if (!dotted_quad(text, bytes)) {
		if (slice_find(text, '%', 0) < text.len)
			return false;
		len = event_address_parse(text, bytes);
	}
	if (len != 0)
		address_keys(k, bytes, len, s);
	return true;
}

/* A host without port and brackets: digits and dots alone are an address, not a name. */
static bool host_fast(const struct keyer *k, struct slice text, struct set *s)
{
	bool digits = true;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c == ':' || c == '[')
			return false;
		digits &= c == '.' || (c >= '0' && c <= '9');
	}
	return digits ? address_fast(k, text, s) : name_fast(k, text, s);
}

static bool binary_address(const struct keyer *k, struct slice bytes, struct set *s)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (bytes.len == 16 && memcmp(bytes.data, mapped, sizeof(mapped)) == 0)
		bytes = slice_cut(bytes, 12, 16);
	if (bytes.len == 4 || bytes.len == 16)
		address_keys(k, (const uint8_t *)bytes.data, bytes.len, s);
	return true;
}

void keys_field(const struct keyer *k, const struct column *column, const struct field *field,
	struct set *s)
{
	struct slice text = {field->data, field->len};
	bool done = false;

	if (text.len == 0)
		return;
	if (column->binary)
		done = column->kind == FIELD_ADDRESS && binary_address(k, text, s);
	else if (column->kind == FIELD_NAME)
		done = name_fast(k, text, s);
	else if (column->kind == FIELD_ADDRESS)
		done = address_fast(k, text, s);
	else if (column->kind == FIELD_HOST)
		done = host_fast(k, text, s);
	if (!done)
		keys_field_plain(k, column, field, s);
}

/* ---- questions ----------------------------------------------------------------------------------
 */

/*
 * The networks of the kept length inside an asked one, when there are at most KEYS_ASKED_MAX of
 * them; else the kept network around it. 0: wider than that too.
 */
static size_t network_asked(const struct keyer *k, const uint8_t *first, size_t bytes,
	unsigned prefix, uint64_t ret_keys[KEYS_ASKED_MAX])
{
	/* the lengths that segments hold, longest first */
	const uint8_t lengths_4[] = {32, kept_4[0]};
	const uint8_t lengths_6[] = {128, kept_6[0], kept_6[1], kept_6[2]};
	const uint8_t *lengths = bytes == 4 ? lengths_4 : lengths_6;
	size_t count = bytes == 4 ? COUNT_OF(lengths_4) : COUNT_OF(lengths_6);

	for (size_t i = count; i-- > 0;) {
		unsigned more = (unsigned)lengths[i] - prefix;
		uint8_t inside[16];

		if (lengths[i] < prefix || more > 8)
			continue;
		memcpy(inside, first, bytes);
		for (unsigned n = 0; n < 1U << more; n++) {
			unsigned byte = (lengths[i] - 1U) / 8;

			/* All kept lengths end on a byte, so the bits that differ are its low
			 * ones. */
			inside[byte] = (uint8_t)(first[byte] | n);
			ret_keys[n] = lengths[i] == 8 * bytes
					      ? keyer_hash(k, FIELD_ADDRESS, (const char *)inside,
							bytes, false)
					      : network_key(k, inside, bytes, lengths[i]);
		}
		return (size_t)1 << more;
	}
	for (size_t i = 1; i < count; i++) {
		if (lengths[i] <= prefix) {
			ret_keys[0] = network_key(k, first, bytes, lengths[i]);
			return 1;
		}
	}
	return 0;
}

/* "::/80" and wider cover the IPv4-mapped addresses (RFC 4291 section 2.5.5.2), that is, IPv4. */
static bool network_covers_mapped(struct slice normal)
{
	static const char zeros[10];
	unsigned prefix = (unsigned char)normal.data[16];

	return prefix <= 80 && memcmp(normal.data, zeros, sizeof(zeros)) == 0;
}

size_t keys_asked(const struct keyer *k, enum field_kind kind, struct slice normal,
	uint64_t ret_keys[KEYS_ASKED_MAX])
{
	const uint8_t *bytes = (const uint8_t *)normal.data;
	char folder[KIB(8) + 1];

	if (kind == FIELD_ADDRESS && normal.len == 5)
		return network_asked(k, bytes, 4, bytes[4], ret_keys);
	if (kind == FIELD_ADDRESS && normal.len == 17) {
		if (network_covers_mapped(normal))
			return 0;
		return network_asked(k, bytes, 16, bytes[16], ret_keys);
	}
	ret_keys[0] = keyer_hash(k, (unsigned)kind, normal.data, normal.len, false);
	if (kind != FIELD_URL || normal.len >= sizeof(folder) || normal.len == 0 ||
		normal.data[normal.len - 1] == '/' || slice_find(normal, '?', 0) < normal.len)
		return 1;
	/* "host/a" is also the beginning of "host/a/b", which left "host/a/". */
	memcpy(folder, normal.data, normal.len);
	folder[normal.len] = '/';
	ret_keys[1] = keyer_hash(k, FIELD_URL, folder, normal.len + 1, false);
	return 2;
}
