/* SPDX-License-Identifier: MPL-2.0 */
/* Any bytes as a value of every kind, as something typed, and as an object with values in it. */
#include <stdlib.h>

#include "planted.h"
#include "stix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good)
{
	if (!good)
		abort();
}

static void key_of(struct arena *a, enum stix_value_kind kind, struct slice text)
{
	struct slice key, again;

	if (!stix_value_key(kind, text, a, &key))
		return;
	require(key.len > 0 && key.len <= STIX_VALUE_KEY_MAX);
	if (kind == STIX_VALUE_ADDRESS)
		require(key.len == 32 && memcmp(key.data, key.data + 16, 16) <= 0);
	if (kind == STIX_VALUE_NAME)
		require(key.len <= 254 && key.data[key.len - 1] == '.');
	/* what is normal stays as it is */
	if (kind == STIX_VALUE_URL && key.len < STIX_VALUE_KEY_MAX)
		require(stix_value_key(kind, key, a, &again) && slice_equal(key, again));
}

static void values_of(struct arena *a, struct slice json)
{
	static struct json_parser *parser; /* made once: that takes longer than most inputs */
	struct stix_value *values;
	struct json_doc doc;
	size_t count;
	bool all;

	if (parser == NULL)
		parser = json_parser_new(MIB(1));
	if (parser != NULL && json_parse(parser, json, &doc, NULL) == OK) {
		if (stix_values(json_root(&doc), a, &values, &count, &all, NULL) == OK) {
			require(count <= STIX_VALUES_MAX);
			for (size_t k = 0; k < count; k++)
				require(values[k].key.len > 0 &&
					values[k].key.len <= STIX_VALUE_KEY_MAX);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = {(const char *)data, size}, key;
	struct arena *a = arena_new(MIB(64));
	struct stix_value v;

	if (a == NULL)
		return 0;
	for (int kind = STIX_VALUE_ADDRESS; kind <= STIX_VALUE_TEXT; kind++)
		key_of(a, (enum stix_value_kind)kind, text);
	require(stix_refang(text, a).len <= size);
	if (stix_value_guess(text, a, &v)) {
		require(stix_value_key(v.kind, v.text, a, &key));
		require(slice_equal(key, v.key));
		PLANTED(v.kind == STIX_VALUE_URL && slice_starts(v.text, SLICE("https://[")) &&
			slice_find(v.key, '?', 0) < v.key.len &&
			slice_find(v.key, '%', 0) < v.key.len);
	}
	if (size > 0 && data[0] == '{')
		values_of(a, text);
	arena_free(a);
	return 0;
}
