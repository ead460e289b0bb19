/* SPDX-License-Identifier: MPL-2.0 */
/* The key of a value: the form in which it is compared and stored. */
#include "value.h"

static const char *const kind_names[] = {
	[STIX_VALUE_ADDRESS] = "address",
	[STIX_VALUE_NAME] = "name",
	[STIX_VALUE_URL] = "url",
	[STIX_VALUE_EMAIL] = "email",
	[STIX_VALUE_HASH] = "hash",
	[STIX_VALUE_ASN] = "asn",
	[STIX_VALUE_MAC] = "mac",
	[STIX_VALUE_TEXT] = "text",
};

const char *stix_value_kind_name(enum stix_value_kind kind)
{
	return kind_names[kind];
}

bool stix_value_kind_parse(struct slice name, enum stix_value_kind *ret_kind)
{
	for (size_t k = STIX_VALUE_ADDRESS; k < COUNT_OF(kind_names); k++) {
		if (slice_is(name, kind_names[k])) {
			*ret_kind = (enum stix_value_kind)k;
			return true;
		}
	}
	return false;
}

static enum value_result keep(struct arena *a, const void *bytes, size_t len, struct slice *ret_key)
{
	struct slice copy = arena_copy(a, (struct slice){bytes, len});

	if (copy.data == NULL)
		return VALUE_NO_MEMORY;
	*ret_key = copy;
	return VALUE_FITS;
}

static enum value_result key_address(struct slice text, struct arena *a, struct slice *ret_key)
{
	uint8_t range[VALUE_RANGE_LEN];

	return value_address(text, range) ? keep(a, range, sizeof(range), ret_key) : VALUE_UNFIT;
}

static enum value_result key_name(struct slice text, struct arena *a, struct slice *ret_key)
{
	char name[VALUE_NAME_MAX], key[VALUE_NAME_MAX];
	size_t len;

	if (!value_name(text, name, &len))
		return VALUE_UNFIT;
	value_name_reverse((struct slice){name, len}, key);
	return keep(a, key, len + 1, ret_key);
}

/* RFC 5321 section 2.3.11: only the host knows what the local part means, so it stays as it is. */
static enum value_result key_email(struct slice text, struct arena *a, struct slice *ret_key)
{
	char name[VALUE_NAME_MAX], key[VALUE_NAME_MAX];
	size_t at = text.len;
	size_t len;
	char *both;

	while (at > 0 && text.data[at - 1] != '@')
		at--;
	if (at < 2 || !value_name(slice_cut(text, at, text.len), name, &len))
		return VALUE_UNFIT;
	for (size_t k = 0; k < at; k++) {
		if ((unsigned char)text.data[k] <= ' ' || text.data[k] == 0x7f)
			return VALUE_UNFIT;
	}
	value_name_reverse((struct slice){name, len}, key);
	both = arena_alloc(a, len + 1 + at);
	if (both == NULL)
		return VALUE_NO_MEMORY;
	memcpy(both, key, len + 1);
	both[len + 1] = '@';
	memcpy(both + len + 2, text.data, at - 1);
	*ret_key = (struct slice){both, len + 1 + at};
	return VALUE_FITS;
}

/* A digest's bytes; SSDEEP, TLSH with its prefix and the like as they are. */
static enum value_result key_hash(struct slice text, struct arena *a, struct slice *ret_key)
{
	char *bytes;

	if (text.len == 0)
		return VALUE_UNFIT;
	bytes = arena_alloc(a, text.len / 2 + 1);
	if (bytes == NULL)
		return VALUE_NO_MEMORY;
	if (text.len % 2 == 0 && hex_decode(text, bytes, text.len / 2))
		*ret_key = (struct slice){bytes, text.len / 2};
	else
		*ret_key = text;
	return VALUE_FITS;
}

static enum value_result key_asn(struct slice text, struct arena *a, struct slice *ret_key)
{
	uint8_t bytes[4];
	uint64_t number;

	if (text.len > 2 && slice_equal_nocase(slice_cut(text, 0, 2), SLICE("AS")))
		text = slice_cut(text, 2, text.len);
	if (!slice_to_u64(text, &number) || number > UINT32_MAX)
		return VALUE_UNFIT;
	put_u32(bytes, (uint32_t)number);
	return keep(a, bytes, sizeof(bytes), ret_key);
}

static enum value_result key_mac(struct slice text, struct arena *a, struct slice *ret_key)
{
	uint8_t bytes[6];

	return value_mac(text, bytes) ? keep(a, bytes, sizeof(bytes), ret_key) : VALUE_UNFIT;
}

static enum value_result key_text(struct slice text, struct arena *a, struct slice *ret_key)
{
	(void)a;
	*ret_key = text;
	return text.len > 0 ? VALUE_FITS : VALUE_UNFIT;
}

/* Keys are stored in an index, so a long one keeps its beginning and ends in a digest of it all. */
static enum value_result key_cut(struct slice *key, struct arena *a)
{
	char *cut;

	if (key->len <= STIX_VALUE_KEY_MAX)
		return VALUE_FITS;
	cut = arena_alloc(a, STIX_VALUE_KEY_MAX);
	if (cut == NULL)
		return VALUE_NO_MEMORY;
	memcpy(cut, key->data, STIX_VALUE_KEY_MAX - SHA256_LEN);
	hash_sha256(*key, (uint8_t *)cut + STIX_VALUE_KEY_MAX - SHA256_LEN);
	*key = (struct slice){cut, STIX_VALUE_KEY_MAX};
	return VALUE_FITS;
}

enum value_result value_key(
	enum stix_value_kind kind, struct slice text, struct arena *a, struct slice *ret_key)
{
	static enum value_result (*const keys[])(struct slice, struct arena *, struct slice *) = {
		[STIX_VALUE_ADDRESS] = key_address,
		[STIX_VALUE_NAME] = key_name,
		[STIX_VALUE_URL] = value_url,
		[STIX_VALUE_EMAIL] = key_email,
		[STIX_VALUE_HASH] = key_hash,
		[STIX_VALUE_ASN] = key_asn,
		[STIX_VALUE_MAC] = key_mac,
		[STIX_VALUE_TEXT] = key_text,
	};
	struct slice key = {0};
	enum value_result result = keys[kind](text, a, &key);

	if (result == VALUE_FITS)
		result = key_cut(&key, a);
	if (result == VALUE_FITS)
		*ret_key = key;
	return result;
}

bool stix_value_key(
	enum stix_value_kind kind, struct slice text, struct arena *a, struct slice *ret_key)
{
	return value_key(kind, text, a, ret_key) == VALUE_FITS;
}
