/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The members of JSON logs: each that was seen is remembered with its path and what it says, until
 * there is no room for more. What their values become as text, and the URL that several make.
 */
#include "json_sheet.h"

#define KNOWN_MAX      4096 /* members remembered; more than any schema has */
#define NAME_MAX_BYTES 256  /* of a member that is remembered */

void json_known_clear(struct json_lines *j)
{
	memset(j->buckets, 0, sizeof(j->buckets));
	arena_reset(j->arena);
	j->root = (struct known){.column = COLUMNS_MAX};
	j->known_count = 0;
	j->full = false;
	j->cells_count = 0;
	j->cells_full = false;
	if (j->sheet != NULL)
		json_shapes_clear(j->sheet);
}

/* The cell of a new member. Lines with what is looked up otherwise than addresses and names, or
 * makes a URL, are read in full. */
static uint16_t cell_make(struct json_lines *j, const struct known *k, enum field_kind kind)
{
	if (k->column == COLUMNS_MAX && k->part != PART_URI)
		return CELL_NONE;
	if (k->part == PART_URI ||
		(kind != FIELD_ADDRESS && kind != FIELD_NAME && kind != FIELD_HOST))
		return CELL_FULL;
	if (j->cells_count == JSON_CELLS_MAX) {
		j->cells_full = true;
		return CELL_FULL;
	}
	j->cells[j->cells_count] = (struct sheet_cell){
		.position = (uint16_t)(2 * j->cells_count + 1), .column = k->column};
	return (uint16_t)j->cells_count++;
}

size_t json_path_join(char to[PATH_MAX_BYTES], struct slice parent, struct slice name)
{
	size_t at = 0;

	if (parent.len + 1 + name.len > PATH_MAX_BYTES)
		return JSON_PATH_NONE;
	if (parent.data != NULL) { /* a name may be empty, so the length does not tell the root */
		if (parent.len != 0 &&
			parent.data != to) /* a walk makes the longer path behind the shorter */
			memcpy(to, parent.data, parent.len);
		at = parent.len;
		to[at++] = '.';
	}
	if (name.len != 0)
		memcpy(to + at, name.data, name.len);
	return at + name.len;
}

size_t json_column_of(struct logs_reader *r, struct slice path, const struct json_meaning *m)
{
	if (m->role == ROLE_NONE || !logs_wanted(r, m->role))
		return COLUMNS_MAX;
	return logs_column(r, path, m->role, m->kind);
}

static void key_set(struct known *k, struct slice name)
{
	if (name.len > KEY_MAX_BYTES - 3)
		return;
	k->key_len = (uint8_t)(name.len + 3);
	k->key_bits = UINT32_MAX >> (KEY_MAX_BYTES - k->key_len);
	k->key[0] = '"';
	if (name.len != 0)
		memcpy(k->key + 1, name.data, name.len);
	k->key[name.len + 1] = '"';
	k->key[name.len + 2] = ':';
}

struct known *json_known_find(
	struct json_lines *j, struct logs_reader *r, const struct known *parent, struct slice name)
{
	uint64_t hash = hash_table(j->key, name) ^ (uint64_t)(uintptr_t)parent * 0x9e3779b97f4a7c15;
	struct known **bucket = &j->buckets[(hash >> 16) % BUCKETS], *k;
	struct json_meaning m;
	char path[PATH_MAX_BYTES], *copy;
	size_t len;

	for (k = *bucket; k != NULL; k = k->chain)
		if (k->parent == parent && slice_equal((struct slice){k->name, k->len}, name))
			return k;
	if (name.len > NAME_MAX_BYTES)
		return NULL;
	if (j->known_count == KNOWN_MAX) {
		j->full = true;
		return NULL;
	}
	len = json_path_join(path, parent->path, name);
	k = ARENA_NEW(j->arena, struct known);
	copy = arena_zalloc(j->arena, (name.len + 8) & ~(size_t)7);
	j->full = j->full || k == NULL || copy == NULL;
	if (k == NULL || copy == NULL || len == JSON_PATH_NONE)
		return NULL;
	memcpy(copy, name.data, name.len);
	key_set(k, name);
	k->path = arena_copy(j->arena, (struct slice){path, len});
	if (k->path.data == NULL) {
		j->full = true;
		return NULL;
	}
	k->name = copy;
	k->len = name.len;
	k->parent = parent;
	m = json_meaning(r->format, r->mapping, k->path, name);
	k->column = (uint16_t)json_column_of(r, k->path, &m);
	k->part = j->url_column == COLUMNS_MAX ? PART_NONE : (uint8_t)m.part;
	k->looked = k->column != COLUMNS_MAX || k->part != PART_NONE;
	k->plain = k->part == PART_NONE && json_kind_of(r, k->column) != FIELD_CERTIFICATE;
	k->cell = cell_make(j, k, json_kind_of(r, k->column));
	k->chain = *bucket;
	*bucket = k;
	j->known_count++;
	return k;
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool hex4(const char *p, uint32_t *ret_value)
{
	uint8_t bytes[2];

	if (!hex_decode((struct slice){p, 4}, bytes, 2))
		return false;
	*ret_value = (uint32_t)bytes[0] << 8 | bytes[1];
	return true;
}

static size_t utf8_put(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

bool json_unescape(struct slice from, char *to, size_t *ret_len)
{
	static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	const char *p = from.data, *end = p + from.len;
	size_t len = 0;

	while (p < end) {
		const char *letter;
		uint32_t c, low;

		if (*p != '\\') {
			to[len++] = *p++;
			continue;
		}
		if (end - p < 2 || p[1] == 0)
			return false;
		letter = strchr(letters, p[1]);
		if (letter != NULL) {
			to[len++] = bytes[letter - letters];
			p += 2;
			continue;
		}
		if (p[1] != 'u' || end - p < 6 || !hex4(p + 2, &c))
			return false;
		p += 6;
		if (c >= 0xd800 && c < 0xdc00) {
			if (end - p < 6 || p[0] != '\\' || p[1] != 'u' || !hex4(p + 2, &low) ||
				low < 0xdc00 || low > 0xdfff)
				return false;
			c = 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
			p += 6;
		} else if (c >= 0xdc00 && c < 0xe000) {
			return false;
		}
		len += utf8_put(to + len, c);
	}
	*ret_len = len;
	return true;
}

bool json_put_url(struct json_lines *j, struct logs_reader *r)
{
	size_t room = json_url_room(j->parts), len;
	struct zeek_url url = json_url_of(j->parts);
	char *to;

	if (j->url_column == COLUMNS_MAX || url.uri.len == 0)
		return true;
	if (room > FIELD_BYTES_MAX) {
		r->counts.cut_fields++;
		return true;
	}
	/* The parts may lie in scratch, which a flush would give away: it is asked for first. */
	if (room > LOGS_SCRATCH_BYTES - r->scratch_len || r->batch.fields_count == BATCH_FIELDS) {
		r->counts.cut_fields++;
		return true;
	}
	to = logs_scratch(r, room);
	if (to == NULL)
		return false;
	len = zeek_url_join(&url, to);
	logs_scratch_keep(r, len);
	return logs_field(r, j->url_column, (struct slice){to, len});
}
