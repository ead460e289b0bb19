/* SPDX-License-Identifier: MPL-2.0 */
/* What the conversion of an event keeps in mind, and how MISP's loosely typed fields are read. */
#include <stdlib.h>

#include "import_misp.h"

/* ---- map ------------------------------------------------------------------------------------ */

static struct misp_slot *slot_of(
	struct misp_slot *slots, size_t capacity, const uint8_t seed[16], struct slice key)
{
	size_t k = hash_table(seed, key) & (capacity - 1);

	while (slots[k].key.data != NULL && !slice_equal(slots[k].key, key))
		k = (k + 1) & (capacity - 1);
	return &slots[k];
}

bool misp_map_put(struct misp_map *map, struct slice key, struct slice value, bool *ret_new)
{
	struct misp_slot *slot;

	if (map->count * 2 >= map->capacity) {
		size_t capacity = map->capacity == 0 ? 256 : map->capacity * 2;
		struct misp_slot *slots = calloc(capacity, sizeof(*slots));

		if (slots == NULL)
			return false;
		for (size_t k = 0; k < map->capacity; k++) {
			if (map->slots[k].key.data != NULL)
				*slot_of(slots, capacity, map->seed, map->slots[k].key) =
					map->slots[k];
		}
		free(map->slots);
		map->slots = slots;
		map->capacity = capacity;
	}
	slot = slot_of(map->slots, map->capacity, map->seed, key);
	*ret_new = slot->key.data == NULL;
	if (*ret_new) {
		*slot = (struct misp_slot){key, value};
		map->count++;
	}
	return true;
}

struct slice misp_map_get(const struct misp_map *map, struct slice key)
{
	return map->capacity == 0 ? (struct slice){0}
				  : slot_of(map->slots, map->capacity, map->seed, key)->value;
}

void misp_map_clear(struct misp_map *map)
{
	if (map->capacity > 0)
		memset(map->slots, 0, map->capacity * sizeof(*map->slots));
	map->count = 0;
}

void misp_map_fini(struct misp_map *map)
{
	free(map->slots);
}

/* ---- list ----------------------------------------------------------------------------------- */

bool misp_list_add(struct misp_list *list, struct slice item)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
		struct slice *items = realloc(list->items, capacity * sizeof(*items));

		if (items == NULL)
			return false;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = item;
	return true;
}

void misp_list_fini(struct misp_list *list)
{
	free(list->items);
	*list = (struct misp_list){0};
}

/* ---- fields --------------------------------------------------------------------------------- */

struct slice misp_text(struct arena *a, struct json_value v, const char *name)
{
	struct json_value value;
	int64_t integer;
	double number;

	if (!json_get(v, name, &value))
		return (struct slice){0};
	switch (json_type(value)) {
	case JSON_STRING:
		return json_string(value);
	case JSON_BOOL:
		return json_is_true(value) ? SLICE("1") : SLICE("0");
	case JSON_INTEGER:
	case JSON_DOUBLE:
		if (json_to_i64(value, &integer))
			return arena_printf(a, "%lld", (long long)integer);
		return json_to_double(value, &number) ? arena_printf(a, "%.17g", number)
						      : (struct slice){0};
	default:
		return (struct slice){0};
	}
}

int64_t misp_number(struct json_value v, const char *name, int64_t otherwise)
{
	struct json_value value;
	uint64_t number;
	int64_t integer;

	if (!json_get(v, name, &value))
		return otherwise;
	if (json_to_i64(value, &integer))
		return integer;
	if (json_is_string(value) && slice_to_u64(json_string(value), &number) &&
		number <= INT64_MAX)
		return (int64_t)number;
	return otherwise;
}

bool misp_truth(struct json_value v, const char *name)
{
	struct json_value value;

	if (!json_get(v, name, &value))
		return false;
	if (json_is_string(value))
		return slice_is(json_string(value), "1") ||
		       slice_equal_nocase(json_string(value), SLICE("true"));
	return json_is_true(value) || misp_number(v, name, 0) == 1;
}

int64_t misp_time(struct arena *a, struct json_value v, const char *name)
{
	struct slice text = misp_text(a, v, name);
	int64_t us;

	if (text.len == 0 || slice_is(text, "0") || !import_time(text, &us))
		return MISP_TIME_NONE;
	return us;
}

bool misp_uuid(struct json_value v, const char *name, struct uuid *ret_uuid)
{
	static const struct uuid nil;
	struct uuid uuid;

	/* Old organisations have the UUID "0"; the nil UUID names nobody. */
	if (!uuid_parse(json_get_string(v, name), &uuid) || uuid_equal(&uuid, &nil))
		return false;
	/* Section 2.9: a UUID of RFC 4122. Another one still names one thing, so it gets one of
	 * ours. */
	if (uuid_version(&uuid) < 1 || uuid_version(&uuid) > 5 || (uuid.bytes[8] & 0xc0) != 0x80)
		import_uuid(
			(const struct slice[]){
				SLICE("misp-uuid"), {(const char *)uuid.bytes, 16}
                },
			2, &uuid);
	*ret_uuid = uuid;
	return true;
}
