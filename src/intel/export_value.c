/* SPDX-License-Identifier: MPL-2.0 */
/* Losses, and the way from objects to lists of values. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "export_value.h"

#define LOSS_MEMBERS_MAX 1024 /* bytes of names in one loss; the rest is counted */
#define SEEN_MIN         1024 /* slots of a new set */

/* ---- losses --------------------------------------------------------------------------------- */

void export_lose(struct export_job *job, struct slice id, const char *format, ...)
{
	struct slice what;
	va_list args;

	va_start(args, format);
	what = arena_vprintf(job->arena, format, args);
	va_end(args);
	job->out->lose(job->out->context, id,
		what.data != NULL ? what : SLICE("something that does not fit into memory"));
}

static bool is_kept(struct slice name, const char *const *kept)
{
	static const char *const what_it_is[] = {"type", "spec_version", "id", NULL};

	for (const char *const *k = what_it_is; *k != NULL; k++) {
		if (slice_is(name, *k))
			return true;
	}
	for (; *kept != NULL; kept++) {
		if (slice_is(name, *kept))
			return true;
	}
	return false;
}

void export_lose_members(
	struct export_job *job, const struct export_object *o, const char *const *kept)
{
	struct json_iter it = json_iter(o->value);
	struct buf names = BUF_MAX(LOSS_MEMBERS_MAX + JSON_PATH_MAX);
	struct json_value value;
	struct slice name;
	size_t more = 0;

	while (json_object_next(&it, &name, &value)) {
		if (is_kept(name, kept))
			continue;
		if (names.len + name.len > LOSS_MEMBERS_MAX) {
			more++;
			continue;
		}
		if (names.len > 0)
			buf_text(&names, ", ");
		buf_slice_append(&names, name);
	}
	if (more > 0)
		export_lose(job, o->facts.id, "no place for %.*s and %zu more", (int)names.len,
			names.data == NULL ? "" : names.data, more);
	else if (names.len > 0)
		export_lose(job, o->facts.id, "no place for %.*s", (int)names.len, names.data);
	buf_fini(&names);
}

enum err_kind export_nomem(struct err *e)
{
	return err_set(e, ERR_NOMEM, "the export does not fit into memory");
}

enum err_kind export_flush(struct export_job *job, struct buf *b, struct err *e)
{
	enum err_kind kind;

	if (b->bad)
		return export_nomem(e);
	kind = job->out->write(job->out->context, buf_slice(b), e);
	buf_clear(b);
	return kind;
}

/* ---- which values --------------------------------------------------------------------------- */

static bool asked_for(const struct export_job *job, struct slice type)
{
	const struct store_search *search = job->options->search;

	for (size_t k = 0; search != NULL && k < search->types_count; k++) {
		if (slice_equal(search->types[k], type))
			return true;
	}
	return false;
}

static bool says_benign(struct json_value indicator)
{
	struct json_value types, item;
	struct json_iter it;

	if (!json_get(indicator, "indicator_types", &types) || !json_is_array(types))
		return false;
	it = json_iter(types);
	while (json_array_next(&it, &item)) {
		if (slice_is(json_string(item), "benign"))
			return true;
	}
	return false;
}

/* Section 4.7: an indicator counts between valid_from and valid_until, and until it is revoked. */
static bool in_force(struct export_job *job, const struct export_object *o)
{
	int64_t now_us = world_now(job->world), us;

	if (o->facts.revoked) {
		export_lose(job, o->facts.id, "not exported: it is revoked");
		return false;
	}
	if (says_benign(o->value)) {
		export_lose(job, o->facts.id, "not exported: it says what is benign");
		return false;
	}
	if (time_parse(json_get_string(o->value, "valid_until"), &us, NULL) && us <= now_us) {
		export_lose(job, o->facts.id, "not exported: it is not valid any more");
		return false;
	}
	if (time_parse(json_get_string(o->value, "valid_from"), &us, NULL) && us > now_us) {
		export_lose(job, o->facts.id, "not exported: it is not valid yet");
		return false;
	}
	return true;
}

static bool pattern_is_list(
	struct export_job *job, const struct export_object *o, size_t *ret_atoms)
{
	struct slice type = json_get_string(o->value, "pattern_type");

	if (!slice_is(type, "stix")) {
		export_lose(
			job, o->facts.id, "no place for a pattern of type %.*s", SLICE_ARG(type));
		return false;
	}
	if (!stix_pattern_is_list(json_get_string(o->value, "pattern"), job->arena, ret_atoms)) {
		export_lose(job, o->facts.id,
			"no place for a pattern that is more than a list of values");
		return false;
	}
	return true;
}

enum err_kind export_values(struct export_job *job, const struct export_object *o,
	struct export_values *ret_values, struct err *e)
{
	bool indicator = slice_is(o->facts.key.type, "indicator");
	struct stix_value *items = NULL;
	size_t count = 0, atoms = 0;
	enum err_kind kind;
	bool all = true;

	*ret_values = (struct export_values){0};
	if (indicator && (!in_force(job, o) || !pattern_is_list(job, o, &atoms)))
		return OK;
	kind = stix_values(o->value, job->arena, &items, &count, &all, e);
	if (kind != OK)
		return kind;
	if (!indicator && count == 0) {
		export_lose(job, o->facts.id, "no place for an object of type %.*s",
			SLICE_ARG(o->facts.key.type));
		return OK;
	}
	if (!indicator && !asked_for(job, o->facts.key.type)) {
		export_lose(job, o->facts.id,
			"not exported: an observable is no indicator unless its type is asked for");
		return OK;
	}
	if (!all)
		export_lose(
			job, o->facts.id, "only the first %d values were taken", STIX_VALUES_MAX);
	else if (indicator && count < atoms)
		export_lose(job, o->facts.id, "%zu of %zu comparisons are of no value",
			atoms - count, atoms);
	*ret_values = (struct export_values){items, count};
	return OK;
}

/* ---- how values are written ----------------------------------------------------------------- */

struct export_address export_address_of(const struct stix_value *v)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct export_address address = {.prefix = 128};
	const uint8_t *first = (const uint8_t *)v->key.data;
	const uint8_t *last = first + 16;

	memcpy(address.bytes, first, sizeof(address.bytes));
	for (unsigned k = 0; k < 16; k++) {
		uint8_t differs = first[k] ^ last[k];

		for (unsigned bit = 8; bit-- > 0;) {
			if ((differs >> bit & 1) != 0) {
				address.prefix = 8 * k + 7 - bit;
				k = 16;
				break;
			}
		}
	}
	address.four = address.prefix >= 96 && memcmp(first, mapped, sizeof(mapped)) == 0;
	if (address.four)
		address.prefix -= 96;
	return address;
}

static struct slice address_text(const struct stix_value *v, struct arena *a)
{
	struct export_address address = export_address_of(v);
	char text[INET6_ADDRSTRLEN];

	inet_ntop(address.four ? AF_INET : AF_INET6, address.bytes + (address.four ? 12 : 0), text,
		sizeof(text));
	if (address.prefix == (address.four ? 32u : 128u))
		return arena_copy(a, slice_of(text));
	return arena_printf(a, "%s/%u", text, address.prefix);
}

/* "com.evil.a." to "a.evil.com" */
static struct slice name_text(struct slice key, struct arena *a)
{
	char *text = arena_alloc(a, key.len + 1);
	size_t end = key.len - 1, len = 0;

	if (text == NULL)
		return (struct slice){0};
	for (;;) {
		size_t from = end;

		while (from > 0 && key.data[from - 1] != '.')
			from--;
		memcpy(text + len, key.data + from, end - from);
		len += end - from;
		if (from == 0)
			break;
		text[len++] = '.';
		end = from - 1;
	}
	return (struct slice){text, len};
}

static struct slice email_text(struct slice key, struct arena *a)
{
	size_t at = slice_find(key, '@', 0); /* a name has none */
	struct slice name = name_text(slice_cut(key, 0, at), a);

	if (name.data == NULL)
		return name;
	return arena_printf(
		a, "%.*s@%.*s", SLICE_ARG(slice_cut(key, at + 1, key.len)), SLICE_ARG(name));
}

static struct slice hash_text(const struct stix_value *v, struct arena *a)
{
	char *text;

	/* a key of bytes is half as long; SSDEEP and the like are their own key, and have a case */
	if (v->key.len * 2 != v->text.len)
		return v->text;
	text = arena_string(a, v->text);
	if (text == NULL)
		return (struct slice){0};
	for (size_t k = 0; k < v->text.len; k++) {
		if (text[k] >= 'A' && text[k] <= 'F')
			text[k] = (char)(text[k] | 0x20);
	}
	return (struct slice){text, v->text.len};
}

struct slice export_value_text(const struct stix_value *v, struct arena *a)
{
	const uint8_t *k = (const uint8_t *)v->key.data;
	bool whole = v->key.len < STIX_VALUE_KEY_MAX; /* else it ends in a digest */

	switch (v->kind) {
	case STIX_VALUE_ADDRESS:
		return address_text(v, a);
	case STIX_VALUE_NAME:
		return name_text(v->key, a);
	case STIX_VALUE_EMAIL:
		return whole ? email_text(v->key, a) : v->text;
	case STIX_VALUE_URL:
		return whole ? v->key : v->text;
	case STIX_VALUE_HASH:
		return hash_text(v, a);
	case STIX_VALUE_ASN:
		return arena_printf(a, "%u",
			(unsigned)k[0] << 24 | (unsigned)k[1] << 16 | (unsigned)k[2] << 8 | k[3]);
	case STIX_VALUE_MAC:
		return arena_printf(
			a, "%02x:%02x:%02x:%02x:%02x:%02x", k[0], k[1], k[2], k[3], k[4], k[5]);
	default:
		return v->text;
	}
}

/* ---- what values are called ----------------------------------------------------------------- */

/* Names that say more than the kind. */
static const struct {
	enum stix_value_kind kind;
	const char *object_type; /* NULL: any */
	const char *property;    /* either case */
	const char *name;
} names[] = {
	{STIX_VALUE_HASH, "file",                 "MD5",           "md5"                    },
	{STIX_VALUE_HASH, "file",                 "SHA-1",         "sha1"                   },
	{STIX_VALUE_HASH, "file",                 "SHA-256",       "sha256"                 },
	{STIX_VALUE_HASH, "file",                 "SHA-512",       "sha512"                 },
	{STIX_VALUE_HASH, "artifact",             "MD5",           "md5"                    },
	{STIX_VALUE_HASH, "artifact",             "SHA-1",         "sha1"                   },
	{STIX_VALUE_HASH, "artifact",             "SHA-256",       "sha256"                 },
	{STIX_VALUE_HASH, "artifact",             "SHA-512",       "sha512"                 },
	{STIX_VALUE_HASH, "x509-certificate",     "SHA-1",         "cert-hash"              },
	{STIX_VALUE_HASH, "x509-certificate",     "SHA-256",       "x509-fingerprint-sha256"},
	{STIX_VALUE_TEXT, "file",                 "name",          "file-name"              },
	{STIX_VALUE_TEXT, "mutex",                "name",          "mutex"                  },
	{STIX_VALUE_TEXT, "windows-registry-key", "key",           "regkey"                 },
	{STIX_VALUE_TEXT, "user-account",         "account_login", "user-name"              },
	{STIX_VALUE_TEXT, "software",             "name",          "software"               },
	{STIX_VALUE_TEXT, NULL,                   "User-Agent",    "user-agent"             },
	{STIX_VALUE_TEXT, NULL,                   "x_ja3",         "ja3"                    },
	{STIX_VALUE_TEXT, NULL,                   "x_ja3s",        "ja3s"                   },
};

const char *export_value_name(const struct stix_value *v)
{
	for (size_t k = 0; k < COUNT_OF(names); k++) {
		if (v->kind == names[k].kind &&
			slice_equal_nocase(v->property, slice_of(names[k].property)) &&
			(names[k].object_type == NULL ||
				slice_is(v->object_type, names[k].object_type)))
			return names[k].name;
	}
	return stix_value_kind_name(v->kind);
}

enum err_kind export_filter_read(
	const struct export_job *job, struct export_filter *ret_filter, struct err *e)
{
	const char *name = job->options->kind;

	*ret_filter = (struct export_filter){.all = name == NULL};
	if (name == NULL)
		return OK;
	if (stix_value_kind_parse(slice_of(name), &ret_filter->kind))
		return OK;
	for (size_t k = 0; k < COUNT_OF(names); k++) {
		if (strcmp(name, names[k].name) == 0) {
			ret_filter->name = names[k].name;
			return OK;
		}
	}
	return err_set(e, ERR_USAGE,
		"no kind of value \"%s\": expected address, name, url, email, hash, md5, sha1, "
		"sha256, "
		"sha512, file-name, user-agent, mutex, regkey, ja3, asn, mac or text",
		name);
}

bool export_filter_fits(const struct export_filter *filter, const struct stix_value *v)
{
	if (filter->all)
		return true;
	if (filter->name != NULL)
		return strcmp(export_value_name(v), filter->name) == 0;
	return v->kind == filter->kind;
}

/* ---- sets of what was written --------------------------------------------------------------- */

void export_seen_init(struct export_seen *seen, const struct world *world)
{
	*seen = (struct export_seen){0};
	world->random(world->context, seen->seed, sizeof(seen->seed));
}

void export_seen_fini(struct export_seen *seen)
{
	free(seen->slots);
	*seen = (struct export_seen){0};
}

/* Where a pair is or belongs; {0, 0} is an empty slot. */
static size_t seen_slot(uint64_t (*slots)[2], size_t capacity, const uint64_t pair[2])
{
	size_t at = pair[0] & (capacity - 1);

	while ((slots[at][0] != 0 || slots[at][1] != 0) &&
		(slots[at][0] != pair[0] || slots[at][1] != pair[1]))
		at = (at + 1) & (capacity - 1);
	return at;
}

static bool seen_grow(struct export_seen *seen)
{
	size_t capacity = seen->capacity == 0 ? SEEN_MIN : seen->capacity * 2;
	uint64_t(*slots)[2] = calloc(capacity, sizeof(*slots));

	if (slots == NULL)
		return false;
	for (size_t k = 0; k < seen->capacity; k++) {
		if (seen->slots[k][0] != 0 || seen->slots[k][1] != 0)
			memcpy(slots[seen_slot(slots, capacity, seen->slots[k])], seen->slots[k],
				sizeof(*slots));
	}
	free(seen->slots);
	seen->slots = slots;
	seen->capacity = capacity;
	return true;
}

bool export_seen_add(struct export_seen *seen, struct slice key, bool *ret_new)
{
	uint64_t pair[2] = {hash_table(seen->seed, key), hash_table(seen->seed + 16, key) | 1};
	size_t at;

	if (seen->count * 2 >= seen->capacity && !seen_grow(seen))
		return false;
	at = seen_slot(seen->slots, seen->capacity, pair);
	*ret_new = seen->slots[at][0] == 0 && seen->slots[at][1] == 0;
	memcpy(seen->slots[at], pair, sizeof(pair));
	seen->count += *ret_new;
	return true;
}

/* ---- what objects say ----------------------------------------------------------------------- */

struct slice export_creator_name(
	struct export_job *job, struct export_creator *creator, const struct export_object *o)
{
	struct stix_id id;
	struct slice bytes, name;
	struct json_doc doc;

	if (!stix_id_parse(json_get_string(o->value, "created_by_ref"), &id))
		return (struct slice){0};
	if (creator->known && uuid_equal(&creator->uuid, &id.uuid))
		return slice_of(creator->name);
	if (creator->parser == NULL)
		creator->parser = json_parser_new(JSON_OBJECT_MAX);
	if (creator->parser == NULL ||
		!job->out->lookup(job->out->context, id.type, &id.uuid, job->arena, &bytes) ||
		json_parse(creator->parser, bytes, &doc, NULL) != OK)
		return (struct slice){0};
	name = slice_cut(json_get_string(json_root(&doc), "name"), 0, sizeof(creator->name) - 1);
	while (name.len > 0 && !utf8_valid(name))
		name.len--; /* cut in the middle of a character */
	if (name.len > 0)
		memcpy(creator->name, name.data, name.len);
	creator->name[name.len] = '\0';
	creator->uuid = id.uuid;
	creator->known = true;
	return slice_of(creator->name);
}

void export_creator_fini(struct export_creator *creator)
{
	json_parser_free(creator->parser);
}

enum stix_tlp export_tlp(const struct stix_facts *facts)
{
	enum stix_tlp strictest = STIX_TLP_NONE;

	for (size_t k = 0; k < facts->markings_count; k++) {
		enum stix_tlp tlp = stix_tlp_of(&facts->markings[k]);

		if (tlp > strictest)
			strictest = tlp;
	}
	return strictest;
}

struct slice export_reference_url(struct json_value object)
{
	struct json_value list, item;
	struct json_iter it;
	struct slice url;

	if (!json_get(object, "external_references", &list) || !json_is_array(list))
		return (struct slice){0};
	it = json_iter(list);
	while (json_array_next(&it, &item)) {
		url = json_get_string(item, "url");
		if (url.len > 0)
			return url;
	}
	return (struct slice){0};
}
