/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Objects for benchmarks. What is made up depends on the seed and the number alone, so that a
 * million objects need no memory, and every program that is measured gets the same bytes.
 */
#include "objects.h"

#include <stdlib.h>

#define OBJECTS_MAX 4000000 /* in one list */

uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* ---- lists ----------------------------------------------------------------------------------- */

enum err_kind objects_new(size_t bytes_max, struct objects *ret_objects, struct err *e)
{
	struct objects o = {.arena = arena_new(bytes_max)};

	if (o.arena == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	*ret_objects = o;
	return OK;
}

void objects_free(struct objects *o)
{
	arena_free(o->arena);
	free(o->list);
	free(o->texts);
}

void objects_clear(struct objects *o)
{
	arena_reset(o->arena);
	o->count = 0;
	o->bytes = 0;
}

static bool is_reference(struct slice name, bool *ret_list)
{
	*ret_list = slice_ends(name, SLICE("_refs"));
	return *ret_list || slice_ends(name, SLICE("_ref"));
}

static void reference_add(struct objects *o, struct store_object *to, size_t *room,
	struct slice property, struct json_value v)
{
	struct stix_reference *refs;
	struct stix_id id;

	if (!json_is_string(v) || !stix_id_parse(json_string(v), &id))
		return;
	if (to->references_count == *room) {
		*room = *room * 2 + 8;
		refs = arena_alloc(o->arena, *room * sizeof(*refs));
		if (refs == NULL)
			return;
		if (to->references_count > 0)
			memcpy(refs, to->references, to->references_count * sizeof(*refs));
		to->references = refs;
	}
	memcpy(&refs, &to->references, sizeof(refs)); /* ours, and not const to us */
	id.type = arena_copy(o->arena, id.type);
	refs[to->references_count++] = (struct stix_reference){arena_copy(o->arena, property), id};
}

static int uuid_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct uuid));
}

static void markings_set(struct objects *o, struct store_object *to)
{
	struct uuid *marks = ARENA_ARRAY(o->arena, struct uuid, to->references_count + 1);
	size_t count = 0, kept = 0;

	for (size_t i = 0; marks != NULL && i < to->references_count; i++)
		if (slice_is(to->references[i].property, "object_marking_refs"))
			marks[count++] = to->references[i].target.uuid;
	if (count > 1)
		qsort(marks, count, sizeof(*marks), uuid_order);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || !uuid_equal(&marks[kept - 1], &marks[i]))
			marks[kept++] = marks[i];
	to->markings = marks;
	to->markings_count = kept;
}

static void strings_join(struct buf *out, struct json_value v, char separator)
{
	struct json_iter it = json_iter(v);
	struct json_value item;

	if (json_is_string(v)) {
		buf_slice_append(out, json_string(v));
		buf_char(out, separator);
	} else if (json_is_array(v)) {
		while (json_array_next(&it, &item))
			strings_join(out, item, separator);
	}
}

static enum err_kind values_copy(
	struct objects *o, struct store_object *to, struct json_value object, struct err *e)
{
	struct stix_value *found, *kept;
	bool all;
	enum err_kind kind = stix_values(object, o->arena, &found, &to->values_count, &all, e);

	if (kind != OK || to->values_count == 0)
		return kind;
	kept = ARENA_ARRAY(o->arena, struct stix_value, to->values_count);
	if (kept == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	/* A key may be the document's own text. */
	for (size_t i = 0; i < to->values_count; i++)
		kept[i] = (struct stix_value){
			.kind = found[i].kind, .key = arena_copy(o->arena, found[i].key)};
	to->values = kept;
	return OK;
}

/* Take an object apart; the body is copied. */
static enum err_kind object_add(
	struct objects *o, struct json_parser *parser, struct slice body, struct err *e)
{
	static const char *const texts[] = {"name", "description", "value", "aliases", "labels"};
	struct store_object to = {0};
	struct buf labels = BUF_INIT, text = BUF_INIT;
	struct json_doc doc;
	struct json_iter it;
	struct json_value v;
	struct slice name;
	struct stix_id id;
	size_t room = 0;
	enum err_kind kind = json_parse(parser, body, &doc, e);

	if (kind != OK)
		return kind;
	if (o->count % 4096 == 0) {
		o->list = realloc(o->list, (o->count + 4096) * sizeof(*o->list));
		o->texts = realloc(o->texts, (o->count + 4096) * sizeof(*o->texts));
	}
	if (o->list == NULL || o->texts == NULL || o->count == OBJECTS_MAX)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (!stix_id_parse(json_get_string(json_root(&doc), "id"), &id))
		return err_set(e, ERR_INVALID, "an object without an id");
	to.body = arena_copy(o->arena, body);
	to.type = arena_copy(o->arena, id.type);
	to.uuid = id.uuid;
	time_parse(json_get_string(json_root(&doc), "created"), &to.created_us, NULL);
	to.version_us = to.created_us;
	to.versioned =
		time_parse(json_get_string(json_root(&doc), "modified"), &to.version_us, NULL);
	for (it = json_iter(json_root(&doc)); json_object_next(&it, &name, &v);) {
		struct json_iter items = json_iter(v);
		struct json_value item;
		bool list;

		if (is_reference(name, &list) && !list)
			reference_add(o, &to, &room, name, v);
		else if (is_reference(name, &list) && json_is_array(v))
			while (json_array_next(&items, &item))
				reference_add(o, &to, &room, name, item);
		for (size_t i = 0; i < COUNT_OF(texts); i++)
			if (slice_is(name, texts[i]))
				strings_join(&text, v, ' ');
		if (slice_is(name, "labels"))
			strings_join(&labels, v, '\n');
	}
	markings_set(o, &to);
	if (slice_is(to.type, "marking-definition"))
		to.marking_kind = stix_tlp_of(&to.uuid) != STIX_TLP_NONE ? STIX_MARKING_TLP
									 : STIX_MARKING_STATEMENT;
	to.labels = arena_copy(o->arena, buf_slice(&labels));
	o->texts[o->count] = arena_copy(o->arena, buf_slice(&text));
	kind = values_copy(o, &to, json_root(&doc), e);
	buf_fini(&labels);
	buf_fini(&text);
	if (kind != OK)
		return kind;
	o->list[o->count++] = to;
	o->bytes += body.len;
	return to.body.data != NULL ? OK : err_set(e, ERR_NOMEM, "out of memory");
}

enum err_kind objects_read(struct objects *o, const char *path, struct err *e)
{
	struct json_parser *parser = json_parser_new(JSON_OBJECT_MAX);
	enum json_split_kind what = JSON_SPLIT_MORE;
	struct json_file *f = NULL;
	enum err_kind kind = json_file_open(path, &f, e);

	while (kind == OK && what != JSON_SPLIT_END) {
		struct json_item item;

		kind = json_file_next(f, &what, &item, e);
		if (kind == OK && what == JSON_SPLIT_OBJECT)
			kind = object_add(o, parser, item.bytes, e);
	}
	json_file_close(f);
	json_parser_free(parser);
	return kind;
}

/* ---- made up --------------------------------------------------------------------------------- */

/* How many of a hundred objects are of which type. */
static const struct {
	unsigned upto;
	const char *type;
} shares[] = {
	{34,  "indicator"     },
	{66,  "relationship"  },
	{76,  "ipv4-addr"     },
	{84,  "domain-name"   },
	{89,  "url"           },
	{94,  "file"          },
	{97,  "malware"       },
	{98,  "attack-pattern"},
	{99,  "intrusion-set" },
	{100, "report"        },
};

static const char *const verbs[] = {"indicates", "uses", "related-to", "targets", "mitigates"};
static const char *const marks[] = {"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
	"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
	"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
	"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"};

static uint64_t salt(uint64_t seed, uint64_t n, uint64_t what)
{
	return mix(mix(seed) ^ mix(n) * 3 ^ mix(what + 17) * 5);
}

const char *object_type(uint64_t seed, uint64_t n)
{
	/* the first is no relationship: it has nothing to join */
	unsigned at = n == 0 ? 0 : (unsigned)(salt(seed, n, 0) % 100);
	size_t i = 0;

	while (shares[i].upto <= at)
		i++;
	return shares[i].type;
}

static void id_append(struct buf *out, uint64_t seed, uint64_t n)
{
	struct uuid u;
	char text[UUID_TEXT_LEN + 1];

	put_u64(u.bytes, salt(seed, n, 1));
	put_u64(u.bytes + 8, salt(seed, n, 2));
	u.bytes[6] = (uint8_t)(0x40 | (u.bytes[6] & 0x0f));
	u.bytes[8] = (uint8_t)(0x80 | (u.bytes[8] & 0x3f));
	uuid_format(&u, text);
	buf_printf(out, "%s--%s", object_type(seed, n), text);
}

/* Words by rank: short syllables, so that there are many and prefixes are shared. */
const char *word_make(uint64_t n, char ret_text[32])
{
	static const char *const parts[] = {"ba", "cor", "del", "fi", "gan", "hu", "kel", "lo",
		"mar", "ne", "os", "pir", "qua", "ro", "sil", "tu", "ver", "wex", "yan", "zo"};
	size_t len = 0;

	for (n += 20; n > 0; n /= COUNT_OF(parts))
		len += (size_t)snprintf(ret_text + len, 32 - len, "%s", parts[n % COUNT_OF(parts)]);
	return ret_text;
}

/* Few words are common, most are rare: rank by the fourth power of a uniform number. */
static void words_append(struct buf *out, uint64_t seed, uint64_t n, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		double u = (double)(salt(seed, n, 1000 + i) >> 11) / 9007199254740992.0;
		char word[32];

		if (i > 0)
			buf_char(out, ' ');
		buf_text(out, word_make((uint64_t)(u * u * u * u * 60000), word));
	}
}

void value_make(uint64_t seed, uint64_t n, const char *kind, char *ret_text, size_t len)
{
	uint64_t r = salt(seed, n, 3);
	char word[32];

	if (strcmp(kind, "ipv4-addr") == 0)
		snprintf(ret_text, len, "%u.%u.%u.%u", (unsigned)(11 + r % 200),
			(unsigned)(r >> 8 & 255), (unsigned)(r >> 16 & 255),
			(unsigned)(r >> 24 & 255));
	else if (strcmp(kind, "domain-name") == 0)
		snprintf(ret_text, len, "h%x.%s.%s", (unsigned)(r & 0xffffff),
			word_make(r >> 24 & 4095, word), r >> 40 & 3 ? "example" : "test");
	else if (strcmp(kind, "url") == 0)
		snprintf(ret_text, len, "http://%s%x.example/%x/index.php",
			word_make(r >> 24 & 4095, word), (unsigned)(r & 0xfff),
			(unsigned)(r >> 32 & 0xffffff));
	else
		snprintf(ret_text, len, "%016llx%016llx%016llx%016llx", (unsigned long long)mix(r),
			(unsigned long long)mix(r + 1), (unsigned long long)mix(r + 2),
			(unsigned long long)mix(r + 3));
}

static void value_append(struct buf *out, uint64_t seed, uint64_t n, const char *kind)
{
	char text[128];

	value_make(seed, n, kind, text, sizeof(text));
	buf_text(out, text);
}

static void pattern_append(struct buf *out, uint64_t seed, uint64_t n)
{
	static const char *const kinds[] = {"ipv4-addr", "domain-name", "url", "file"};
	const char *kind = kinds[salt(seed, n, 4) % 4];

	if (strcmp(kind, "file") == 0)
		buf_text(out, ",\"pattern\":\"[file:hashes.'SHA-256' = '");
	else
		buf_printf(out, ",\"pattern\":\"[%s:value = '", kind);
	value_append(out, seed, n, kind);
	buf_text(out, "']\"");
}

static void time_append(struct buf *out, const char *name, int64_t us)
{
	char text[TIME_TEXT_MAX];

	time_format(us, 3, text);
	buf_printf(out, ",\"%s\":\"%s\"", name, text);
}

static void observable_make(uint64_t seed, uint64_t n, const char *type, struct buf *out)
{
	buf_text(out, ",\"spec_version\":\"2.1\"");
	if (strcmp(type, "file") == 0) {
		buf_text(out, ",\"hashes\":{\"SHA-256\":\"");
		value_append(out, seed, n, type);
		buf_printf(
			out, "\"},\"size\":%u,\"name\":\"", (unsigned)(salt(seed, n, 5) % 9000000));
		words_append(out, seed, n, 1);
		buf_text(out, ".exe\"}");
		return;
	}
	buf_text(out, ",\"value\":\"");
	value_append(out, seed, n, type);
	buf_text(out, "\",\"x_serai_seen\":\"");
	words_append(out, seed, n, 12);
	buf_text(out, "\"}");
}

/* Earlier objects, mostly near ones: what is reported together arrives together. */
static uint64_t earlier(uint64_t seed, uint64_t n, uint64_t what)
{
	uint64_t r = salt(seed, n, what);
	uint64_t reach = r % 4 == 0 ? n : n < 5000 ? n : 5000;

	return reach == 0 ? 0 : n - 1 - (r >> 8) % reach;
}

/* The end of a relationship: the nearest object before it that is none itself. */
static uint64_t earlier_end(uint64_t seed, uint64_t n, uint64_t what)
{
	uint64_t at = earlier(seed, n, what);

	while (strcmp(object_type(seed, at), "relationship") == 0)
		at--;
	return at;
}

void object_make(uint64_t seed, uint64_t n, struct buf *out)
{
	const char *type = object_type(seed, n);
	int64_t created = INT64_C(1672531200000000) + (int64_t)n * 60000000 +
			  (int64_t)(salt(seed, n, 6) % 60000) * 1000;
	unsigned words = 30 + (unsigned)(salt(seed, n, 7) % 90);

	buf_printf(out, "{\"type\":\"%s\",\"id\":\"", type);
	id_append(out, seed, n);
	buf_char(out, '"');
	if (strstr("ipv4-addr domain-name url file", type) != NULL) {
		observable_make(seed, n, type, out);
		return;
	}
	buf_printf(out,
		",\"spec_version\":\"2.1\",\"created_by_ref\":"
		"\"identity--c78cb6e5-0c4b-4611-8297-d1b8b55e4%03x\"",
		(unsigned)(salt(seed, n, 8) % 40));
	time_append(out, "created", created);
	time_append(out, "modified", created + (int64_t)(salt(seed, n, 9) % 86400) * 1000000);
	buf_printf(out, ",\"object_marking_refs\":[\"%s\"]", marks[salt(seed, n, 10) % 4]);
	if (strcmp(type, "relationship") == 0) {
		buf_printf(out, ",\"relationship_type\":\"%s\",\"source_ref\":\"",
			verbs[salt(seed, n, 11) % COUNT_OF(verbs)]);
		id_append(out, seed, earlier_end(seed, n, 12));
		buf_text(out, "\",\"target_ref\":\"");
		id_append(out, seed, earlier_end(seed, n, 13));
		buf_char(out, '"');
		words /= 2;
	} else {
		buf_text(out, ",\"name\":\"");
		words_append(out, seed, n + 1, 3);
		buf_char(out, '"');
	}
	if (strcmp(type, "indicator") == 0) {
		buf_text(out,
			",\"indicator_types\":[\"malicious-activity\"],\"pattern_type\":\"stix\"");
		time_append(out, "valid_from", created);
		pattern_append(out, seed, n);
	} else if (strcmp(type, "malware") == 0) {
		buf_text(out, ",\"is_family\":true");
	} else if (strcmp(type, "report") == 0) {
		time_append(out, "published", created);
		buf_text(out, ",\"object_refs\":[");
		for (uint64_t i = 0; i < 12; i++) {
			buf_text(out, i > 0 ? ",\"" : "\"");
			id_append(out, seed, earlier(seed, n, 20 + i));
			buf_char(out, '"');
		}
		buf_char(out, ']');
	}
	if (salt(seed, n, 14) % 4 == 0)
		buf_printf(
			out, ",\"labels\":[\"campaign-%u\"]", (unsigned)(salt(seed, n, 15) % 500));
	buf_text(out, ",\"description\":\"");
	words_append(out, seed, n, words);
	buf_text(out, "\",\"external_references\":[{\"source_name\":\"");
	words_append(out, seed, n + 2, 2);
	buf_printf(out, "\",\"url\":\"https://reports.example/%llx\",\"description\":\"",
		(unsigned long long)salt(seed, n, 16));
	words_append(out, seed, n + 3, 8);
	buf_text(out, "\"}]}");
}

enum err_kind objects_make(
	struct objects *o, uint64_t seed, uint64_t from, size_t count, struct err *e)
{
	struct json_parser *parser = json_parser_new(JSON_OBJECT_MAX);
	struct buf body = BUF_INIT;
	enum err_kind kind = OK;

	for (uint64_t n = from; kind == OK && n < from + count; n++) {
		buf_clear(&body);
		object_make(seed, n, &body);
		kind = object_add(o, parser, buf_slice(&body), e);
	}
	buf_fini(&body);
	json_parser_free(parser);
	return kind;
}
