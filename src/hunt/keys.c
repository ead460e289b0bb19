/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Keys of fields and of questions. Names and addresses, nearly all of what logs hold, have a way of
 * their own that copies nothing through the heap; everything else goes through the index's parts.
 */
#include "keys.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define QUAD_MIN     7 /* bytes: "1.1.1.1" */
#define QUAD_MAX     15
#define RECENT_KINDS 128 /* kinds for hashing values as they were logged: not those of keys */

/* ---- networks -----------------------------------------------------------------------------------
 *
 * An address leaves the networks of these lengths it is in, so that networks can be asked for.
 */

/* IPv4 has no /24: the 256 addresses in it can be asked for one by one, and it would make filters
 * a third larger. The /16s are gathered as a map of bits. */
static const uint8_t kept_4[] = {16};
static const uint8_t kept_6[] = {64, 48, 32};

/* `first` cut to `prefix` bits, with the length behind it: the normal form of a network. */
static uint64_t network_key(
	const struct keyer *k, const uint8_t *first, size_t bytes, unsigned prefix)
{
	char normal[16 + 1 + KEYER_PADDING] = {0};
	size_t whole = prefix / 8;

	memcpy(normal, first, whole);
	if (prefix % 8 != 0)
		normal[whole] = (char)(first[whole] & ~(0xff >> prefix % 8));
	normal[bytes] = (char)prefix;
	return keyer_hash(k, FIELD_ADDRESS, normal, bytes + 1, true);
}

uint64_t keys_network(const struct keyer *k, uint16_t network)
{
	const uint8_t first[4] = {(uint8_t)(network >> 8), (uint8_t)network};

	return network_key(k, first, 4, 16);
}

static void address_6(const struct keyer *k, const uint8_t address[16], struct gather *g)
{
	gather_add(g, TIER_STRONG, keyer_hash(k, FIELD_ADDRESS, (const char *)address, 16, false));
	for (size_t i = 0; i < COUNT_OF(kept_6); i++)
		gather_add(g, TIER_STRONG, network_key(k, address, 16, kept_6[i]));
}

/* The first byte lowest, as it stands in memory. */
static uint32_t address_word(const uint8_t address[4])
{
	uint32_t word;

	memcpy(&word, address, sizeof(word));
	return le32toh(word);
}

static inline void address_4(const struct keyer *k, uint32_t address, struct gather *g)
{
	gather_add(g, TIER_STRONG, keyer_hash_4(k, FIELD_ADDRESS, address));
	gather_network(g, address);
}

static void address_keys(
	const struct keyer *k, const uint8_t *address, size_t bytes, struct gather *g)
{
	if (bytes != 4)
		address_6(k, address, g);
	else if (!gather_recent_address(g, address_word(address)))
		address_4(k, address_word(address), g);
}

/* ---- URLs ---------------------------------------------------------------------------------------
 *
 * An indicator may be the beginning of a logged URL: up to a '/', or all but the query.
 */

static void url_keys(const struct keyer *k, struct slice url, struct gather *g)
{
	size_t at = slice_find(url, '/', 0), query = slice_find(url, '?', at);

	gather_add(g, TIER_STRONG, keyer_hash(k, FIELD_URL, url.data, url.len, false));
	if (query < url.len)
		gather_add(g, TIER_STRONG, keyer_hash(k, FIELD_URL, url.data, query, false));
	for (size_t steps = 0; at + 1 < query && steps < KEYS_URL_STEPS_MAX; steps++) {
		gather_add(g, TIER_STRONG, keyer_hash(k, FIELD_URL, url.data, at + 1, false));
		at = slice_find(url, '/', at + 1);
	}
}

/* ---- names --------------------------------------------------------------------------------------
 *
 * A name of two labels has sixteen bits of its own, and so has what stands where those do under
 * "co.uk". A name below is asked only together with the one above, and has twelve.
 */

/* labels: of the whole; middle: bytes of the second of three. */
static enum tier name_tier(size_t labels, size_t middle)
{
	return labels <= 2 || (labels == 3 && middle <= KEYS_SUFFIX_LABEL_MAX) ? TIER_STRONG
									       : TIER_WEAK;
}

/* Where the last so many labels begin; the name's length when there are not as many. */
static size_t name_tail(struct slice name, unsigned labels)
{
	for (size_t i = name.len; i-- > 0;) {
		if (name.data[i] == '.' && --labels == 0)
			return i + 1;
	}
	return labels == 1 && name.len > 0 ? 0 : name.len;
}

static enum tier tail_tier(struct slice name)
{
	size_t two = name_tail(name, 2), three = name_tail(name, 3);

	if (two == 0 || two == name.len)
		return TIER_STRONG;
	if (three > 0)
		return TIER_WEAK;
	return name_tier(3, slice_find(name, '.', two) - two);
}

static uint64_t name_key(const struct keyer *k, struct slice name)
{
	return keyer_hash(k, FIELD_NAME, name.data, name.len, false);
}

static void name_add(const struct keyer *k, struct slice name, struct gather *g)
{
	gather_add(g, tail_tier(name), name_key(k, name));
}

/* A name of more labels than parents are kept of: those with which all others are asked. */
static void name_tops(const struct keyer *k, struct slice name, struct gather *g)
{
	for (unsigned labels = 2; labels <= 1 + KEYS_BELOW_MAX; labels++)
		name_add(k, slice_cut(name, name_tail(name, labels), name.len), g);
}

/* ---- any kind -------------------------------------------------------------------------------- */

struct plain {
	const struct keyer *k;
	struct gather *g;
};

static void plain_name(const struct plain *p, struct slice name)
{
	size_t labels = 1;

	for (size_t i = 0; i < name.len; i++)
		labels += name.data[i] == '.';
	name_add(p->k, name, p->g);
	if (labels > INDEX_LABELS_MAX)
		name_tops(p->k, name, p->g);
}

static void plain_key(void *context, enum field_kind kind, struct slice normal)
{
	const struct plain *p = context;

	if (kind == FIELD_ADDRESS && (normal.len == 4 || normal.len == 16))
		address_keys(p->k, (const uint8_t *)normal.data, normal.len, p->g);
	else if (kind == FIELD_URL)
		url_keys(p->k, normal, p->g);
	else if (kind == FIELD_NAME)
		plain_name(p, normal);
	else
		gather_add(p->g, TIER_STRONG,
			keyer_hash(p->k, (unsigned)kind, normal.data, normal.len, false));
}

void keys_field_plain(const struct keyer *k, const struct column *column, const struct field *field,
	struct gather *g)
{
	struct plain p = {k, g};

	index_field_keys(column, field, plain_key, &p);
}

/* ---- names and addresses --------------------------------------------------------------------- */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

static uint64_t load(const char *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	return le64toh(word);
}

/* The upper bit of each byte that is zero. */
static uint64_t zero_bytes(uint64_t word)
{
	return ~(((word & EACH(0x7f)) + EACH(0x7f)) | word | EACH(0x7f));
}

/* ASCII letters in lower case. */
static uint64_t lower_word(uint64_t word)
{
	uint64_t low = word & EACH(0x7f);
	uint64_t upper = (low + EACH(0x80 - 'A')) & ~(low + EACH(0x7f - 'Z')) & ~word & EACH(0x80);

	return word | upper >> 2;
}

/* Below the name itself: its parents of at least two labels, as many as the index looks at. */
static void parents_fast(const struct keyer *k, const struct keys_name *n, struct gather *g)
{
	size_t count = n->dots_count, middle;

	if (count < 2)
		return;
	middle = n->dots[count - 1] - n->dots[count - 2] - 1U;
	for (size_t i = 0; i + 1 < count && i < INDEX_LABELS_MAX; i++) {
		size_t from = n->dots[i] + 1U;

		gather_add(g, name_tier(count - i, middle),
			keyer_hash(k, FIELD_NAME, n->lower + from, n->len - from, true));
	}
	if (count >= INDEX_LABELS_MAX)
		name_tops(k, (struct slice){n->lower, n->len}, g);
}

static void names_flush(const struct keyer *k, struct keys_waiting *w, struct gather *g)
{
	for (unsigned i = 0; i < w->names_count; i++) {
		struct keys_name *n = &w->name[i];

		n->key = keyer_hash(k, FIELD_NAME, n->lower, n->len, true);
		gather_recent_fetch(g, n->key);
	}
	for (unsigned i = 0; i < w->names_count; i++) {
		const struct keys_name *n = &w->name[i];
		size_t count = n->dots_count;

		if (gather_recent(g, n->key)) /* with its parents */
			continue;
		gather_add(g,
			count < 2 ? TIER_STRONG
				  : name_tier(count + 1,
					    n->dots[count - 1] - n->dots[count - 2] - 1U),
			n->key);
		parents_fast(k, n, g);
	}
	w->names_count = 0;
}

/* False: not ASCII, or too long for this way. */
static bool name_lower(struct slice text, struct keys_name *n)
{
	size_t len = text.len, count = 0;
	uint64_t high = 0;

	if (len > KEYS_NAME_BYTES)
		return false;
	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = load(text.data + i), found;

		if (len - i < 8)
			word &= (UINT64_C(1) << 8 * (len - i)) - 1;
		high |= word;
		word = lower_word(word);
		for (found = zero_bytes(word ^ EACH('.')); found != 0; found &= found - 1)
			n->dots[count++] = (uint8_t)(i + (size_t)__builtin_ctzll(found) / 8);
		word = htole64(word);
		memcpy(n->lower + i, &word, sizeof(word));
	}
	if ((high & EACH(0x80)) != 0)
		return false;
	if (n->lower[len - 1] == '.') {
		len--;
		count--;
	}
	memset(n->lower + len, 0, KEYER_PADDING);
	n->len = (uint16_t)len;
	n->dots_count = (uint16_t)count;
	return true;
}

static bool name_fast(
	const struct keyer *k, struct slice text, struct keys_waiting *w, struct gather *g)
{
	if (!name_lower(text, &w->name[w->names_count]))
		return false;
	if (w->name[w->names_count].len > 0 && ++w->names_count == KEYS_NAMES)
		names_flush(k, w, g);
	return true;
}

/* The number from `from` to `end`; the 4 bytes before the end may be read. Sets bits of *bad: not
 * one to three digits, a zero in front, above 255. */
static inline uint32_t quad_part(const char *from, const char *end, uint32_t *bad)
{
	uint32_t len = (uint32_t)(end - from), word, digits, value;
	uint32_t other = (32 - 8 * len) & 31; /* bits that are not of the digits */

	memcpy(&word, end - 4, sizeof(word));
	/* The digits at the upper end, zeros before them. */
	digits = (le32toh(word) ^ 0x30303030U) >> other << other;
	value = (digits >> 24) + 10 * (digits >> 16 & 0xff) + 100 * (digits >> 8 & 0xff);
	*bad |= ((digits + 0x76767676U) | digits) & 0x80808080U;
	*bad |= (uint32_t)(value > 255) | (uint32_t)(len - 1 > 2);
	/* What is below its number of digits has a zero in front. */
	*bad |= (uint32_t)(len > 1 && value < 10) | (uint32_t)(len > 2 && value < 100);
	return value;
}

/* A bit for each of 16 bytes that is a dot. */
static inline uint32_t dots_16(const char *text)
{
#ifdef __SSE2__
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);

	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('.')));
#else
	const uint64_t gather = UINT64_C(0x0102040810204080);
	uint64_t low = zero_bytes(load(text) ^ EACH('.')) >> 7;
	uint64_t high = zero_bytes(load(text + 8) ^ EACH('.')) >> 7;

	return (uint32_t)(low * gather >> 56 | high * gather >> 56 << 8);
#endif
}

/* "10.1.2.3" in its only spelling, the first byte lowest; false for everything else of 7 to 15
 * bytes. */
static inline bool dotted_quad(struct slice text, uint32_t *ret_address)
{
	const char *end = text.data + text.len;
	uint32_t bad = 0, address, dots;
	const char *a, *b, *c;

	dots = dots_16(text.data) & ((1U << text.len) - 1);
	if (dots == 0)
		return false;
	a = text.data + __builtin_ctz(dots);
	dots &= dots - 1;
	if (dots == 0)
		return false;
	b = text.data + __builtin_ctz(dots);
	dots &= dots - 1;
	if (dots == 0 || (dots & (dots - 1)) != 0)
		return false;
	c = text.data + __builtin_ctz(dots);
	address = quad_part(text.data, a, &bad) | quad_part(a + 1, b, &bad) << 8 |
		  quad_part(b + 1, c, &bad) << 16 | quad_part(c + 1, end, &bad) << 24;
	*ret_address = address;
	return bad == 0;
}

/* No dotted quad. False: the slow way. */
static bool address_fast(const struct keyer *k, struct slice text, struct gather *g)
{
	uint8_t bytes[16];
	size_t len;

	if (slice_find(text, '%', 0) < text.len)
		return false;
	len = event_address_parse(text, bytes);
	if (len != 0)
		address_keys(k, bytes, len, g);
	return true;
}

/* A host without port and brackets: digits and dots alone are an address, not a name. */
static bool host_fast(
	const struct keyer *k, struct slice text, struct keys_waiting *w, struct gather *g)
{
	bool digits = true;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c == ':' || c == '[')
			return false;
		digits &= c == '.' || (c >= '0' && c <= '9');
	}
	return digits ? address_fast(k, text, g) : name_fast(k, text, w, g);
}

static bool binary_address(const struct keyer *k, struct slice bytes, struct gather *g)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (bytes.len == 16 && memcmp(bytes.data, mapped, sizeof(mapped)) == 0)
		bytes = slice_cut(bytes, 12, 16);
	if (bytes.len == 4 || bytes.len == 16)
		address_keys(k, (const uint8_t *)bytes.data, bytes.len, g);
	return true;
}

/* All but dotted quads. */
static void field_other(const struct keyer *k, const struct column *column,
	const struct field *field, struct keys_waiting *w, struct gather *g)
{
	struct slice text = {field->data, field->len};
	unsigned as_logged = RECENT_KINDS + column->kind + (column->binary ? FIELD_KINDS : 0U);
	bool done = false;

	if (text.len == 0)
		return;
	if (column->binary)
		done = column->kind == FIELD_ADDRESS && binary_address(k, text, g);
	else if (column->kind == FIELD_NAME)
		done = name_fast(k, text, w, g);
	else if (column->kind == FIELD_ADDRESS)
		done = address_fast(k, text, g);
	else if (column->kind == FIELD_HOST)
		done = host_fast(k, text, w, g);
	if (!done && !gather_recent(g, keyer_hash(k, as_logged, text.data, text.len, true)))
		keys_field_plain(k, column, field, g);
}

/* Those that were not seen lately. What turns out to be no dotted quad goes another way. */
static void quads_flush(const struct keyer *k, struct keys_waiting *w, struct gather *g)
{
	__attribute__((uninitialized)) uint8_t fresh[KEYS_QUADS];
	unsigned count = 0;

	for (unsigned i = 0; i < w->quads_count; i++) {
		const struct keys_quad *q = &w->quad[i];

		fresh[count] = (uint8_t)i;
		count += ((q->place->low ^ q->text.low) | (q->place->high ^ q->text.high)) != 0;
		*q->place = q->text;
	}
	w->quads_count = 0;
	for (unsigned i = 0; i < count; i++) {
		const struct keys_quad *q = &w->quad[fresh[i]];
		uint32_t address;

		if (dotted_quad((struct slice){q->field->data, q->field->len}, &address))
			address_4(k, address, g);
		else
			field_other(k, q->column, q->field, w, g);
	}
}

void keys_field(const struct keyer *k, const struct column *column, const struct field *field,
	struct keys_waiting *w, struct gather *g)
{
	struct keys_quad *q = &w->quad[w->quads_count];
	uint64_t low, high;
	size_t len = field->len;

	if (column->binary || (column->kind != FIELD_ADDRESS && column->kind != FIELD_HOST) ||
		len < QUAD_MIN || len > QUAD_MAX) {
		field_other(k, column, field, w, g);
		return;
	}
	low = load(field->data) & ~UINT64_C(0) >> (len < 8 ? 8 : 0);
	high = load(field->data + 8);
	high = len <= 8 ? 0 : high & ((UINT64_C(1) << 8 * (len - 8)) - 1);
	/* With length and kind the texts are equal only when all of the field is. */
	high |= (uint64_t)(len | (column->kind == FIELD_HOST ? 16 : 0)) << 56;
	q->text = (struct gather_text){low, high};
	q->place = gather_text_place(g, q->text);
	__builtin_prefetch(q->place, 1);
	q->column = column;
	q->field = field;
	if (++w->quads_count == KEYS_QUADS)
		quads_flush(k, w, g);
}

void keys_flush(const struct keyer *k, struct keys_waiting *w, struct gather *g)
{
	quads_flush(k, w, g); /* may leave names */
	names_flush(k, w, g);
}

/* ---- questions ------------------------------------------------------------------------------- */

static struct key_asked address_asked(const struct keyer *k, const uint8_t *address, size_t bytes)
{
	return (struct key_asked){
		.key = bytes == 4
			       ? keyer_hash_4(k, FIELD_ADDRESS, address_word(address))
			       : keyer_hash(k, FIELD_ADDRESS, (const char *)address, bytes, false),
		.network = bytes == 4 ? (uint16_t)(address[0] << 8 | address[1]) : 0,
		.in_network = bytes == 4};
}

static struct key_asked kept_asked(
	const struct keyer *k, const uint8_t *first, size_t bytes, unsigned prefix)
{
	return (struct key_asked){.key = network_key(k, first, bytes, prefix),
		.network = bytes == 4 ? (uint16_t)(first[0] << 8 | first[1]) : 0,
		.in_network = bytes == 4,
		.only_network = bytes == 4};
}

/*
 * The networks of the kept length inside an asked one, when there are at most KEYS_ASKED_MAX of
 * them; else the kept network around it. 0: wider than that too.
 */
static size_t network_asked(const struct keyer *k, const uint8_t *first, size_t bytes,
	unsigned prefix, struct key_asked ret_asked[KEYS_ASKED_MAX])
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
			ret_asked[n] = lengths[i] == 8 * bytes
					       ? address_asked(k, inside, bytes)
					       : kept_asked(k, inside, bytes, lengths[i]);
		}
		return (size_t)1 << more;
	}
	for (size_t i = 1; i < count; i++) {
		if (lengths[i] <= prefix) {
			ret_asked[0] = kept_asked(k, first, bytes, lengths[i]);
			return 1;
		}
	}
	return 0;
}

/* Together with the names above it of two to four labels: what holds it holds them all. */
static struct key_asked name_asked(const struct keyer *k, struct slice name)
{
	struct key_asked a = {0};

	for (unsigned labels = 2;; labels++) {
		size_t from = labels <= KEYS_BELOW_MAX + 1 ? name_tail(name, labels) : 0;
		struct slice tail = slice_cut(name, from == name.len ? 0 : from, name.len);

		if (labels == 2) {
			a.key = name_key(k, tail);
		} else {
			a.below_tier[a.below_count] = tail_tier(tail);
			a.below[a.below_count++] = name_key(k, tail);
		}
		if (tail.len == name.len)
			return a;
		/* The last place is the name's own. */
		if (a.below_count == KEYS_BELOW_MAX - 1)
			labels = KEYS_BELOW_MAX + 1;
	}
}

/* "::/80" and wider cover the IPv4-mapped addresses (RFC 4291 section 2.5.5.2), that is, IPv4. */
static bool network_covers_mapped(struct slice normal)
{
	static const char zeros[10];
	unsigned prefix = (unsigned char)normal.data[16];

	return prefix <= 80 && memcmp(normal.data, zeros, sizeof(zeros)) == 0;
}

size_t keys_asked(const struct keyer *k, enum field_kind kind, struct slice normal,
	struct key_asked ret_asked[KEYS_ASKED_MAX])
{
	const uint8_t *bytes = (const uint8_t *)normal.data;
	char folder[KIB(8) + 1];

	if (kind == FIELD_ADDRESS && normal.len == 5)
		return network_asked(k, bytes, 4, bytes[4], ret_asked);
	if (kind == FIELD_ADDRESS && normal.len == 17) {
		if (network_covers_mapped(normal))
			return 0;
		return network_asked(k, bytes, 16, bytes[16], ret_asked);
	}
	if (kind == FIELD_ADDRESS && (normal.len == 4 || normal.len == 16)) {
		ret_asked[0] = address_asked(k, bytes, normal.len);
		return 1;
	}
	if (kind == FIELD_NAME) {
		ret_asked[0] = name_asked(k, normal);
		return 1;
	}
	ret_asked[0] = (struct key_asked){
		.key = keyer_hash(k, (unsigned)kind, normal.data, normal.len, false)};
	if (kind != FIELD_URL || normal.len >= sizeof(folder) || normal.len == 0 ||
		normal.data[normal.len - 1] == '/' || slice_find(normal, '?', 0) < normal.len)
		return 1;
	/* "host/a" is also the beginning of "host/a/b", which left "host/a/". */
	memcpy(folder, normal.data, normal.len);
	folder[normal.len] = '/';
	ret_asked[1] =
		(struct key_asked){.key = keyer_hash(k, FIELD_URL, folder, normal.len + 1, false)};
	return 2;
}
