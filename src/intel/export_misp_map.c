/* SPDX-License-Identifier: MPL-2.0 */
/* Which objects were met: by type and uuid, in 24 bytes each and a slot. */
#include <stdlib.h>

#include "export_misp.h"

#define SLOTS_MIN 256
#define ROOM_MIN  64

static bool type_number(struct misp_ids *ids, struct slice type, uint16_t *ret_type)
{
	char **types, *copy;

	for (size_t k = 0; k < ids->types_count; k++) {
		if (slice_is(type, ids->types[k])) {
			*ret_type = (uint16_t)k;
			return true;
		}
	}
	if (ids->types_count == MISP_TYPES_MAX)
		return false;
	copy = strndup(type.data == NULL ? "" : type.data, type.len);
	types = realloc(ids->types, (ids->types_count + 1) * sizeof(*types));
	if (types != NULL)
		ids->types = types;
	if (copy == NULL || types == NULL) {
		free(copy);
		return false;
	}
	ids->types[ids->types_count] = copy;
	*ret_type = (uint16_t)ids->types_count++;
	return true;
}

static size_t slot_of(const struct misp_ids *ids, const uint32_t *slots, size_t capacity,
	const struct misp_key *key)
{
	struct slice bytes = {(const char *)key->uuid.bytes, sizeof(key->uuid.bytes)};
	size_t at = hash_table(ids->seed, bytes) & (capacity - 1);

	while (slots[at] != 0 && (ids->keys[slots[at] - 1].type != key->type ||
					 !uuid_equal(&ids->keys[slots[at] - 1].uuid, &key->uuid)))
		at = (at + 1) & (capacity - 1);
	return at;
}

static bool grow(struct misp_ids *ids)
{
	size_t capacity = ids->capacity == 0 ? SLOTS_MIN : ids->capacity * 2;
	uint32_t *slots = calloc(capacity, sizeof(*slots));

	if (slots == NULL)
		return false;
	for (size_t k = 0; k < ids->count; k++)
		slots[slot_of(ids, slots, capacity, &ids->keys[k])] = (uint32_t)k + 1;
	free(ids->slots);
	ids->slots = slots;
	ids->capacity = capacity;
	return true;
}

bool misp_ids_add(struct misp_ids *ids, struct slice type, const struct uuid *uuid,
	size_t *ret_number, bool *ret_new)
{
	struct misp_key key = {.uuid = *uuid};
	struct misp_key *keys;
	size_t at;

	if (!type_number(ids, type, &key.type))
		return false;
	if (ids->count * 2 >= ids->capacity && !grow(ids))
		return false;
	at = slot_of(ids, ids->slots, ids->capacity, &key);
	*ret_new = ids->slots[at] == 0;
	if (!*ret_new) {
		*ret_number = ids->slots[at] - 1;
		return true;
	}
	if (ids->count == ids->room) {
		size_t room = ids->room == 0 ? ROOM_MIN : ids->room * 2;

		keys = realloc(ids->keys, room * sizeof(*keys));
		if (keys == NULL)
			return false;
		ids->keys = keys;
		ids->room = room;
	}
	ids->keys[ids->count] = key;
	*ret_number = ids->count++;
	ids->slots[at] = (uint32_t)ids->count;
	return true;
}

bool misp_ids_find(
	const struct misp_ids *ids, struct slice type, const struct uuid *uuid, size_t *ret_number)
{
	struct misp_key key = {.uuid = *uuid};
	size_t at;

	for (size_t k = 0; k < ids->types_count; k++) {
		if (!slice_is(type, ids->types[k]))
			continue;
		key.type = (uint16_t)k;
		at = slot_of(ids, ids->slots, ids->capacity, &key);
		if (ids->slots[at] == 0)
			return false;
		*ret_number = ids->slots[at] - 1;
		return true;
	}
	return false;
}

struct slice misp_ids_type(const struct misp_ids *ids, size_t number)
{
	return slice_of(ids->types[ids->keys[number].type]);
}

void misp_ids_clear(struct misp_ids *ids)
{
	if (ids->capacity > 0)
		memset(ids->slots, 0, ids->capacity * sizeof(*ids->slots));
	ids->count = 0;
}

void misp_ids_fini(struct misp_ids *ids)
{
	for (size_t k = 0; k < ids->types_count; k++)
		free(ids->types[k]);
	free(ids->types);
	free(ids->keys);
	free(ids->slots);
	*ids = (struct misp_ids){0};
}
