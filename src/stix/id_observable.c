/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Deterministic identifiers of observables, sections 2.9 and 3.4: a UUIDv5 in the standard's own
 * namespace over the canonical JSON (RFC 8785) of the contributing properties.
 */
#include "check.h"

#define CONTRIBUTING_MAX 8

/* Names in the order of RFC 8785, that of their code units. */
static const struct contributing {
	enum shape_number shape;
	const char *names[CONTRIBUTING_MAX];
} rows[] = {
	{SHAPE_ARTIFACT,             {"hashes", "payload_bin"}                                        },
	{SHAPE_AUTONOMOUS_SYSTEM,    {"number"}						       },
	{SHAPE_DIRECTORY,            {"path"}							 },
	{SHAPE_DOMAIN_NAME,          {"value"}							},
	{SHAPE_EMAIL_ADDR,           {"value"}							},
	{SHAPE_EMAIL_MESSAGE,        {"body", "from_ref", "subject"}                                  },
	{SHAPE_FILE,                 {"extensions", "hashes", "name", "parent_directory_ref"}         },
	{SHAPE_IPV4_ADDR,            {"value"}							},
	{SHAPE_IPV6_ADDR,            {"value"}							},
	{SHAPE_MAC_ADDR,             {"value"}							},
	{SHAPE_MUTEX,                {"name"}							 },
	{SHAPE_NETWORK_TRAFFIC,      {"dst_port", "dst_ref", "end", "extensions", "protocols",
					"src_port", "src_ref", "start"}},
	{SHAPE_PROCESS,              {NULL}							   }, /* none: always a random identifier */
	{SHAPE_SOFTWARE,             {"cpe", "name", "swid", "vendor", "version"}                     },
	{SHAPE_URL,                  {"value"}							},
	{SHAPE_USER_ACCOUNT,         {"account_login", "account_type", "user_id"}                     },
	{SHAPE_WINDOWS_REGISTRY_KEY, {"key", "values"}                                                },
	{SHAPE_X509_CERTIFICATE,     {"hashes", "serial_number"}                                      },
};

static const struct contributing *contributing_find(enum shape_number shape)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].shape == shape)
			return &rows[i];
	return NULL;
}

static bool contributes(const struct contributing *row, struct json_value object)
{
	struct json_value v;

	for (size_t i = 0; i < CONTRIBUTING_MAX && row->names[i] != NULL; i++)
		if (json_get(object, row->names[i], &v))
			return true;
	return false;
}

/* RFC 8785 orders names by UTF-16 code units; for ASCII and most others that of bytes is the same.
 */
static int compare_utf16(struct slice a, struct slice b)
{
	while (a.len != 0 && b.len != 0) {
		uint32_t x = utf8_next(&a), y = utf8_next(&b);

		if (x == y)
			continue;
		/* Behind the basic plane, surrogates (D800..DFFF) sort before E000..FFFF. */
		if (x > 0xffff && y >= 0xe000 && y <= 0xffff)
			return -1;
		if (y > 0xffff && x >= 0xe000 && x <= 0xffff)
			return 1;
		return x < y ? -1 : 1;
	}
	return a.len != 0 ? 1 : b.len != 0 ? -1 : 0;
}

/* One hash only: the first of MD5, SHA-1, SHA-256, SHA-512; where 6.1 is silent, the first name. */
static enum err_kind hash_append(struct buf *out, struct json_value hashes, struct err *e)
{
	static const char *const preferred[] = {"MD5", "SHA-1", "SHA-256", "SHA-512"};
	struct json_iter it = json_iter(hashes);
	struct slice name, chosen = {0};
	struct json_value v, value;
	enum err_kind kind;

	if (!json_is_object(hashes))
		return json_canon(hashes, out, e);
	for (size_t i = 0; i < COUNT_OF(preferred) && chosen.data == NULL; i++)
		if (json_get(hashes, preferred[i], &value))
			chosen = slice_of(preferred[i]);
	if (chosen.data == NULL) {
		while (json_object_next(&it, &name, &v)) {
			if (chosen.data == NULL || compare_utf16(name, chosen) < 0) {
				chosen = name;
				value = v;
			}
		}
		if (chosen.data == NULL)
			return json_canon(hashes, out, e);
	}
	buf_char(out, '{');
	json_string_append(out, chosen);
	buf_char(out, ':');
	kind = json_canon(value, out, e);
	buf_char(out, '}');
	return kind;
}

/* The JSON object whose text is the name part of the UUID. */
static enum err_kind name_append(
	const struct contributing *row, struct json_value object, struct buf *out, struct err *e)
{
	buf_char(out, '{');
	for (size_t i = 0; i < CONTRIBUTING_MAX && row->names[i] != NULL; i++) {
		struct json_value v;
		enum err_kind kind;

		if (!json_get(object, row->names[i], &v))
			continue;
		if (out->len > 1)
			buf_char(out, ',');
		buf_char(out, '"');
		buf_text(out, row->names[i]);
		buf_text(out, "\":");
		kind = strcmp(row->names[i], "hashes") == 0 ? hash_append(out, v, e)
							    : json_canon(v, out, e);
		if (kind != OK)
			return kind;
	}
	buf_char(out, '}');
	if (out->bad)
		return err_set(e, ERR_NOMEM, "deterministic identifier: out of memory");
	return OK;
}

static enum err_kind compute(const struct contributing *row, struct json_value object,
	struct uuid *ret_uuid, struct err *e)
{
	struct buf name = BUF_INIT;
	enum err_kind kind = name_append(row, object, &name, e);

	if (kind == OK)
		uuid_v5(&stix_namespace, buf_slice(&name), ret_uuid);
	buf_fini(&name);
	return kind;
}

enum err_kind stix_observable_id(
	struct json_value object, bool *ret_deterministic, struct uuid *ret_uuid, struct err *e)
{
	struct slice type = json_get_string(object, "type");
	const struct contributing *row =
		type.data == NULL ? NULL : contributing_find(type_find(type));
	char quoted[QUOTE_MAX];
	struct uuid uuid;
	enum err_kind kind;

	if (row == NULL)
		return err_set(e, ERR_INVALID,
			"deterministic identifier: type %s is no observable of STIX 2.1",
			check_quote(type, quoted));
	if (!contributes(row, object)) {
		*ret_deterministic = false;
		return OK;
	}
	kind = compute(row, object, &uuid, e);
	if (kind != OK)
		return kind;
	*ret_deterministic = true;
	*ret_uuid = uuid;
	return OK;
}

void check_observable_id(struct walk *w)
{
	static const struct place at = {
		NULL, {"id", 2},
                 0
        };
	struct check *c = w->check;
	const struct contributing *row = contributing_find(c->shape->number);
	const struct uuid *own = &c->facts->key.uuid;
	bool versioned = (w->present & (SET(MARK_CREATED) | SET(MARK_MODIFIED))) != 0;
	char text[UUID_TEXT_LEN + 1];
	struct uuid uuid;

	if (!contributes(row, w->value)) {
		if (uuid_version(own) != 4)
			check_error(c, "2.9 Identifier", &at,
				"expected a UUID of version 4, because no contributing property is "
				"there, found %u",
				uuid_version(own));
		return;
	}
	if (!c->should && !versioned)
		return;
	if (compute(row, w->value, &uuid, NULL) != OK) {
		c->no_memory = true;
		return;
	}
	if (uuid_equal(&uuid, own)) {
		if (versioned)
			check_error(c, "3.6 Versioning", &at,
				"a versioned observable must not have the deterministic id");
		return;
	}
	if (!c->should)
		return;
	uuid_format(&uuid, text);
	check_warning(c, "2.9 Identifier", &at, "the deterministic id of this %s is %s--%s",
		c->shape->name, c->shape->name, text);
}
