/* SPDX-License-Identifier: MPL-2.0 */
/* Taking values, entries and patterns in. Writing them is write.c's. */
#include <stdlib.h>

#include "build.h"

#define ENTRY_TEXT_MAX KIB(4) /* bytes of one text of an entry; longer ones are cut */
#define ENTRY_NAME_MAX 256
#define STRINGS_MAX    UINT32_MAX
#define LINE_ARENA     KIB(256)

struct index_builder *index_builder_new(const struct world *world)
{
	struct index_builder *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->world = world;
	b->crowds = calloc(1 << CROWD_BITS, sizeof(*b->crowds));
	b->arena = arena_new(LINE_ARENA);
	if (b->crowds == NULL || b->arena == NULL) {
		index_builder_free(b);
		return NULL;
	}
	world->random(world->context, b->key_bytes, sizeof(b->key_bytes));
	world->random(world->context, b->entries_seen.key, sizeof(b->entries_seen.key));
	world->random(world->context, b->strings_seen.key, sizeof(b->strings_seen.key));
	hash_key_set(&b->key, b->key_bytes);
	return b;
}

void index_builder_free(struct index_builder *b)
{
	if (b == NULL)
		return;
	pool_fini(&b->pool);
	intern_fini(&b->entries_seen);
	intern_fini(&b->strings_seen);
	buf_fini(&b->networks);
	buf_fini(&b->entries);
	buf_fini(&b->strings);
	buf_fini(&b->string_rows);
	buf_fini(&b->patterns);
	buf_fini(&b->texts);
	free(b->crowds);
	arena_free(b->arena);
	free(b);
}

void index_builder_counts(const struct index_builder *b, struct index_counts *ret_counts)
{
	*ret_counts = b->counts;
}

/* ---- entries ------------------------------------------------------------------------------- */

static bool string_same(const void *context, uint32_t id, struct slice bytes)
{
	const struct index_builder *b = context;
	const char *row = b->string_rows.data + (size_t)id * 8;

	return slice_equal(bytes, (struct slice){b->strings.data + le32(row), le32(row + 4)});
}

/* u32 offset, u32 length of the text among the strings; cut before a character that does not fit.
 */
static bool string_put(struct index_builder *b, struct slice text, size_t most, uint8_t *row)
{
	uint32_t id, at, len;
	bool is_new;

	if (text.len > most) {
		text.len = most;
		while (text.len > 0 && ((unsigned char)text.data[text.len] & 0xc0) == 0x80)
			text.len--;
	}
	memset(row, 0, 8);
	if (text.len == 0)
		return true;
	if (b->strings.len > STRINGS_MAX - text.len ||
		!intern_find(&b->strings_seen, text, string_same, b, &id, &is_new))
		return false;
	if (is_new) {
		at = (uint32_t)b->strings.len;
		len = (uint32_t)text.len;
		buf_slice_append(&b->strings, text);
		buf_append(&b->string_rows, &at, 4);
		buf_append(&b->string_rows, &len, 4);
		if (b->strings.bad || b->string_rows.bad)
			return false;
	}
	memcpy(row, b->string_rows.data + (size_t)id * 8, 8);
	return true;
}

static bool entry_same(const void *context, uint32_t id, struct slice bytes)
{
	const struct index_builder *b = context;

	return memcmp(b->entries.data + (size_t)id * ENTRY_BYTES, bytes.data, ENTRY_BYTES) == 0;
}

enum err_kind index_builder_entry(
	struct index_builder *b, const struct index_entry *entry, struct err *e)
{
	uint8_t row[ENTRY_BYTES] = {0};
	uint32_t id;
	bool is_new;

	if (entry->confidence < -1 || entry->confidence > 100 || entry->tlp > STIX_TLP_RED)
		return err_set(e, ERR_USAGE, "entry \"%.*s\": confidence %d is not -1 to 100",
			SLICE_ARG(entry->id), entry->confidence);
	if (b->entries_seen.count >= INDEX_VALUES_MAX)
		return err_set(e, ERR_LIMIT, "more than %u entries", INDEX_VALUES_MAX);
	if (!string_put(b, entry->id, ENTRY_TEXT_MAX, row) ||
		!string_put(b, entry->producer, ENTRY_TEXT_MAX, row + 8) ||
		!string_put(b, entry->name, ENTRY_NAME_MAX, row + 16) ||
		!string_put(b, entry->kill_chain, ENTRY_TEXT_MAX, row + 24) ||
		!string_put(b, entry->labels, ENTRY_TEXT_MAX, row + 32))
		return err_set(e, ERR_NOMEM, "entry \"%.*s\": no room", SLICE_ARG(entry->id));
	memcpy(row + 40, &entry->version_us, 8);
	memcpy(row + 48, &entry->valid_from_us, 8);
	memcpy(row + 56, &entry->valid_until_us, 8);
	row[64] = (uint8_t)entry->tlp;
	row[65] = (uint8_t)(int8_t)entry->confidence;
	if (!intern_find(&b->entries_seen, (struct slice){(const char *)row, ENTRY_BYTES},
		    entry_same, b, &id, &is_new))
		return err_set(e, ERR_NOMEM, "entry \"%.*s\": out of memory", SLICE_ARG(entry->id));
	if (is_new) {
		buf_append(&b->entries, row, ENTRY_BYTES);
		if (b->entries.bad)
			return err_set(e, ERR_NOMEM, "entry \"%.*s\": out of memory",
				SLICE_ARG(entry->id));
	}
	b->counts.entries = b->entries_seen.count;
	b->entry = id;
	b->has_entry = true;
	return OK;
}

/* ---- values -------------------------------------------------------------------------------- */

bool stage_value(struct index_builder *b, unsigned table, uint64_t hash, size_t two,
	const char *value, size_t len)
{
	uint8_t *to = pile_take(
		&b->pool, &b->tables[table][hash >> (64 - PARTS_BITS)], STAGED_HEAD + len);
	uint16_t short_len = (uint16_t)len;

	if (to == NULL)
		return false;
	memcpy(to, &hash, 8);
	memcpy(to + 8, &b->entry, 4);
	memcpy(to + 12, &short_len, 2);
	to[14] = (uint8_t)(two < STAGED_FAR ? two : STAGED_FAR);
	memcpy(to + STAGED_HEAD, value, len);
	b->staged[table]++;
	if (len > b->longest[table])
		b->longest[table] = (uint32_t)len;
	return true;
}

bool stage_name(struct index_builder *b, const char *name, size_t len)
{
	size_t two, three;

	if (!name_labels((struct slice){name, len}, &two, &three))
		return false;
	if (two != 0)
		b->crowds[hash_bytes(&b->key, name + two, len - two) >> (64 - CROWD_BITS)]++;
	return stage_value(b, FIELD_NAME, hash_bytes(&b->key, name, len), two, name, len);
}

bool stage_ipv4(struct index_builder *b, uint32_t address)
{
	uint8_t *to = pile_take(&b->pool, &b->ipv4[address >> (32 - PARTS_BITS)], 8);

	if (to == NULL)
		return false;
	memcpy(to, &address, 4);
	memcpy(to + 4, &b->entry, 4);
	b->ipv4_count++;
	return true;
}

static bool stage_address(struct index_builder *b, struct slice normal)
{
	struct network n = {.entry = b->entry};
	struct reader r = {.rest = normal};

	if (normal.len == 4)
		return stage_ipv4(b, read_u32(&r));
	if (normal.len == 16)
		return stage_value(
			b, TABLE_IPV6, hash_bytes(&b->key, normal.data, 16), 0, normal.data, 16);
	if (normal.len == 5) {
		memset(n.first + 10, 0xff, 2);
		memcpy(n.first + 12, normal.data, 4);
		n.prefix = (uint8_t)(96 + normal.data[4]);
	} else {
		memcpy(n.first, normal.data, 16);
		n.prefix = (uint8_t)normal.data[16];
	}
	buf_append(&b->networks, &n, sizeof(n));
	return !b->networks.bad;
}

static enum err_kind value_take(
	struct index_builder *b, enum field_kind kind, struct slice text, struct err *e)
{
	struct normal *n = &b->normal;
	struct slice normal;
	size_t two, three;
	bool good;

	if (!normal_value(kind, text, n))
		return err_set(e, ERR_INVALID, "%s \"%.*s\" %s", field_kind_name(kind),
			SLICE_ARG(slice_cut(text, 0, 200)), n->why);
	normal = (struct slice){n->text, n->len};
	if (kind == FIELD_NAME && !name_labels(normal, &two, &three))
		return err_set(e, ERR_INVALID,
			"name \"%.*s\" has no dot: it would match everything below it",
			SLICE_ARG(text));
	if (b->counts.values >= INDEX_VALUES_MAX)
		return err_set(e, ERR_LIMIT, "more than %u values", INDEX_VALUES_MAX);
	if (kind == FIELD_ADDRESS)
		good = stage_address(b, normal);
	else if (kind == FIELD_NAME)
		good = stage_name(b, n->text, n->len);
	else
		good = stage_value(
			b, kind, hash_bytes(&b->key, n->text, n->len), 0, n->text, n->len);
	if (!good)
		return err_set(e, ERR_NOMEM, "value \"%.*s\": out of memory", SLICE_ARG(text));
	b->counts.values++;
	b->counts.kinds[kind]++;
	return OK;
}

enum err_kind index_builder_value(
	struct index_builder *b, enum field_kind kind, struct slice text, struct err *e)
{
	uint8_t bytes[16];

	if (!b->has_entry)
		return err_set(e, ERR_USAGE, "a value before the entry that it belongs to");
	text = slice_trim(text);
	if (text.len == 0)
		return err_set(e, ERR_INVALID, "an empty value");
	if (text.len > VALUE_BYTES_MAX)
		return err_set(e, ERR_INVALID, "a value of %zu bytes: at most %zu are looked at",
			text.len, (size_t)VALUE_BYTES_MAX);
	if (kind == FIELD_NONE || kind == FIELD_FREE) {
		arena_reset(b->arena);
		if (!normal_guess(text, b->arena, &kind, &text))
			return err_set(e, ERR_INVALID,
				"\"%.*s\" is no address, name, URL, e-mail, hash, MAC or AS number",
				SLICE_ARG(slice_cut(text, 0, 200)));
	} else if (kind == FIELD_HOST) {
		kind = event_address_parse(slice_cut(text, 0, slice_find(text, '/', 0)), bytes) != 0
			       ? FIELD_ADDRESS
			       : FIELD_NAME;
	}
	return value_take(b, kind, text, e);
}

enum err_kind index_builder_pattern(struct index_builder *b, struct slice pattern, struct err *e)
{
	uint64_t at = b->texts.len;
	uint32_t len = (uint32_t)pattern.len;

	if (!b->has_entry)
		return err_set(e, ERR_USAGE, "a pattern before the entry that it belongs to");
	if (pattern.len == 0 || pattern.len > STIX_PATTERN_MAX)
		return err_set(e, ERR_LIMIT, "a pattern of %zu bytes: 1 to %zu are taken",
			pattern.len, (size_t)STIX_PATTERN_MAX);
	if (b->counts.patterns >= INDEX_PATTERNS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d patterns", INDEX_PATTERNS_MAX);
	buf_slice_append(&b->texts, pattern);
	buf_append(&b->patterns, &at, 8);
	buf_append(&b->patterns, &len, 4);
	buf_append(&b->patterns, &b->entry, 4);
	if (b->texts.bad || b->patterns.bad)
		return err_set(e, ERR_NOMEM, "a pattern of %zu bytes: out of memory", pattern.len);
	b->counts.patterns++;
	return OK;
}
