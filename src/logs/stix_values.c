/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Values of STIX observables (2.0 part 4, 2.1 section 6) by role. An address is a source or a
 * destination when a network-traffic of the same observation says so.
 */
#include "stix_logs.h"

#define TEXT_NUMBER_MAX 24  /* bytes of an integer */
#define LIST_MAX        256 /* elements of one list that are looked at */

/* ---- tables ---------------------------------------------------------------------------------- */

/* type:property -> role; the column is called so. */
static const struct value_row {
	const char *type;
	const char *property;
	const char *name; /* of the column */
	uint8_t role;
	uint8_t kind;
} rows[] = {
#define ROW(type, property, role, kind)                                                            \
	{                                                                                          \
		type, property, type ":" property, role, kind                                      \
	}
	ROW("ipv4-addr", "value", ROLE_ADDRESS, FIELD_ADDRESS),
	ROW("ipv6-addr", "value", ROLE_ADDRESS, FIELD_ADDRESS),
	ROW("domain-name", "value", ROLE_HOST, FIELD_NAME),
	ROW("url", "value", ROLE_URL, FIELD_URL),
	ROW("email-addr", "value", ROLE_EMAIL, FIELD_EMAIL),
	ROW("mac-addr", "value", ROLE_MAC, FIELD_MAC),
	ROW("autonomous-system", "number", ROLE_ASN, FIELD_ASN),
	ROW("mutex", "name", ROLE_MUTEX, FIELD_TEXT),
	ROW("windows-registry-key", "key", ROLE_REGISTRY_KEY, FIELD_TEXT),
	ROW("file", "name", ROLE_FILE_NAME, FIELD_TEXT),
	ROW("file", "mime_type", ROLE_MIME, FIELD_NONE),
	ROW("file", "hashes", ROLE_FILE_HASH, FIELD_HASH),
	ROW("artifact", "url", ROLE_URL, FIELD_URL),
	ROW("artifact", "mime_type", ROLE_MIME, FIELD_NONE),
	ROW("artifact", "hashes", ROLE_FILE_HASH, FIELD_HASH),
	ROW("x509-certificate", "hashes", ROLE_CERTIFICATE_HASH, FIELD_CERTIFICATE),
	ROW("x509-certificate", "subject", ROLE_CERTIFICATE_NAME, FIELD_HOST),
	ROW("process", "command_line", ROLE_COMMAND, FIELD_FREE),
	ROW("process", "name", ROLE_PROCESS, FIELD_TEXT),
	ROW("user-account", "user_id", ROLE_USER, FIELD_NONE),
	ROW("user-account", "account_login", ROLE_USER, FIELD_NONE),
	ROW("email-message", "subject", ROLE_SUBJECT, FIELD_NONE),
	ROW("email-message", "body", ROLE_MESSAGE, FIELD_FREE),
	ROW("network-traffic", "src_port", ROLE_SOURCE_PORT, FIELD_NONE),
	ROW("network-traffic", "dst_port", ROLE_DESTINATION_PORT, FIELD_NONE),
	ROW("network-traffic", "src_byte_count", ROLE_SOURCE_BYTES, FIELD_NONE),
	ROW("network-traffic", "dst_byte_count", ROLE_DESTINATION_BYTES, FIELD_NONE),
	ROW("x-serai-plant-operation", "protocol", ROLE_PLANT_PROTOCOL, FIELD_NONE),
	ROW("x-serai-plant-operation", "function", ROLE_PLANT_FUNCTION, FIELD_NONE),
	ROW("x-serai-plant-operation", "operation", ROLE_PLANT_OPERATION, FIELD_NONE),
	ROW("x-serai-plant-operation", "unit", ROLE_PLANT_UNIT, FIELD_NONE),
	ROW("x-serai-plant-operation", "object", ROLE_PLANT_OBJECT, FIELD_NONE),
	ROW("x-serai-plant-operation", "value", ROLE_PLANT_VALUE, FIELD_NONE),
#undef ROW
};

/* Properties by which one observable gives another its role. */
static const struct {
	const char *property;
	uint8_t role;
} references[] = {
	{"src_ref",          ROLE_SOURCE_ADDRESS     },
	{"dst_ref",          ROLE_DESTINATION_ADDRESS},
	{"from_ref",         ROLE_EMAIL_FROM         },
	{"sender_ref",       ROLE_EMAIL_FROM         },
	{"to_refs",          ROLE_EMAIL_TO           },
	{"cc_refs",          ROLE_EMAIL_TO           },
	{"bcc_refs",         ROLE_EMAIL_TO           },
	{"resolves_to_refs", ROLE_ANSWER             },
};

/* ---- references ------------------------------------------------------------------------------ */

static bool reference_add(
	struct stix_references *refs, struct arena *a, struct json_value value, uint8_t role)
{
	struct slice id = json_string(value);

	if (id.len == 0 || refs->count == STIX_REFERENCES_MAX)
		return true;
	id = arena_copy(a, id);
	if (id.data == NULL)
		return false;
	refs->all[refs->count++] = (struct stix_reference){.id = id, .role = role};
	return true;
}

bool stix_references_add(struct stix_references *refs, struct arena *a, struct json_value object)
{
	struct json_value value, element;

	for (size_t i = 0; i < COUNT_OF(references); i++) {
		if (!json_get(object, references[i].property, &value))
			continue;
		if (json_is_string(value) && !reference_add(refs, a, value, references[i].role))
			return false;
		for (struct json_iter it = json_iter(value);
			json_is_array(value) && json_array_next(&it, &element);)
			if (!reference_add(refs, a, element, references[i].role))
				return false;
	}
	return true;
}

static uint8_t role_by_reference(const struct stix_references *refs, struct slice id, uint8_t role)
{
	for (size_t i = 0; i < refs->count; i++)
		if (slice_equal(refs->all[i].id, id))
			return refs->all[i].role;
	return role;
}

/* ---- putting --------------------------------------------------------------------------------- */

/* The parser's memory is not padded and does not last: the fast path copies into scratch space. */
static void put(struct line_out *o, struct arena *a, struct slice name, uint8_t role, uint8_t kind,
	struct slice value)
{
	size_t column = COLUMNS_MAX;
	char *to;

	if (value.len == 0 || o->failed)
		return;
	if (o->event != NULL) {
		value = arena_copy(a, value);
		name = arena_copy(a, name);
		if (value.data == NULL || name.data == NULL)
			o->failed = true;
	} else {
		if (!logs_wanted(o->r, (enum event_role)role))
			return;
		column = logs_column(o->r, name, (enum event_role)role, (enum field_kind)kind);
		if (value.len > FIELD_BYTES_MAX) {
			o->r->counts.cut_fields++;
			if (kind != FIELD_FREE)
				return;
			value.len = FIELD_BYTES_MAX;
		}
		to = logs_scratch(o->r, value.len);
		if (to == NULL) {
			o->failed = true;
			return;
		}
		memcpy(to, value.data, value.len);
		logs_scratch_keep(o->r, value.len);
		value.data = to;
	}
	line_put_column(
		o, column, name, (enum event_role)role, (enum field_kind)kind, value, ESCAPE_NONE);
}

static void put_value(struct line_out *o, struct arena *a, struct slice name, uint8_t role,
	uint8_t kind, struct json_value value)
{
	char text[TEXT_NUMBER_MAX];
	int64_t number;

	if (json_is_string(value)) {
		put(o, a, name, role, kind, json_string(value));
	} else if ((kind == FIELD_NONE || kind == FIELD_ASN) && json_to_i64(value, &number)) {
		int len = snprintf(text, sizeof(text), "%lld", (long long)number);

		put(o, a, name, role, kind, (struct slice){text, (size_t)len});
	}
}

/* Each algorithm of "hashes"; fuzzy ones have roles of their own. */
static void hashes_put(struct line_out *o, struct arena *a, struct slice name, uint8_t role,
	uint8_t kind, struct json_value hashes)
{
	struct slice algorithm;
	struct json_value value;
	size_t count = 0;

	if (!json_is_object(hashes))
		return;
	for (struct json_iter it = json_iter(hashes);
		count < LIST_MAX && json_object_next(&it, &algorithm, &value); count++) {
		bool fuzzy = slice_equal_nocase(algorithm, SLICE("ssdeep"));

		if (fuzzy)
			put_value(o, a, name, ROLE_SSDEEP, FIELD_SSDEEP, value);
		else
			put_value(o, a, name, role, kind, value);
	}
}

/* The common name of a subject; the rest is not looked up. */
static void subject_put(struct line_out *o, struct arena *a, struct slice name, uint8_t role,
	uint8_t kind, struct slice subject)
{
	size_t at = slice_find_text(subject, SLICE("CN="));
	struct slice common = slice_cut(subject, at == subject.len ? 0 : at + 3, subject.len);

	common = slice_cut(common, 0, slice_find(common, ',', 0));
	common = slice_cut(common, 0, slice_find(common, '/', 0));
	put(o, a, name, role, kind, slice_trim(common));
}

/* ipv4, ipv6, tcp, http: what is below the transport is left out, what is above is a service. */
static void protocols_put(struct line_out *o, struct arena *a, struct json_value protocols)
{
	struct json_value element;
	size_t count = 0;

	if (!json_is_array(protocols))
		return;
	for (struct json_iter it = json_iter(protocols);
		count < LIST_MAX && json_array_next(&it, &element); count++) {
		struct slice name = json_string(element);
		bool transport = slice_is(name, "tcp") || slice_is(name, "udp") ||
				 slice_is(name, "icmp") || slice_is(name, "sctp");

		if (slice_is(name, "ipv4") || slice_is(name, "ipv6"))
			continue;
		put(o, a, SLICE("network-traffic:protocols"),
			transport ? ROLE_TRANSPORT : ROLE_SERVICE, FIELD_NONE, name);
	}
}

static struct slice header_get(struct json_value headers, const char *name)
{
	struct slice key;
	struct json_value value, first;
	size_t count = 0;

	if (!json_is_object(headers))
		return (struct slice){0};
	for (struct json_iter it = json_iter(headers);
		count < LIST_MAX && json_object_next(&it, &key, &value); count++) {
		if (!slice_equal_nocase(key, slice_of(name)))
			continue;
		if (json_is_array(value)) { /* 2.1: a list of values */
			struct json_iter list = json_iter(value);

			return json_array_next(&list, &first) ? json_string(first)
							      : (struct slice){0};
		}
		return json_string(value);
	}
	return (struct slice){0};
}

/* http-request-ext: a value that is a path is joined to the Host header. */
static void request_put(struct line_out *o, struct arena *a, struct json_value extensions)
{
	struct json_value request, headers = extensions;
	struct slice target, host, url;

	if (!json_is_object(extensions) || !json_get(extensions, "http-request-ext", &request) ||
		!json_is_object(request))
		return;
	target = json_get_string(request, "request_value");
	put(o, a, SLICE("http-request-ext:request_method"), ROLE_METHOD, FIELD_NONE,
		json_get_string(request, "request_method"));
	host = json_get(request, "request_header", &headers) ? header_get(headers, "Host")
							     : (struct slice){0};
	put(o, a, SLICE("http-request-ext:host"), ROLE_HOST, FIELD_HOST, host);
	url = target;
	if (host.len != 0 && target.len != 0 && target.data[0] == '/') {
		url = arena_printf(a, "%.*s%.*s", SLICE_ARG(host), SLICE_ARG(target));
		if (url.data == NULL)
			o->failed = true;
	}
	put(o, a, SLICE("http-request-ext:request_value"), ROLE_URL,
		url.len != 0 && url.data[0] == '/' ? FIELD_NONE : FIELD_URL, url);
	if (!json_is_object(headers) || headers.at == extensions.at)
		return;
	put(o, a, SLICE("http-request-ext:user_agent"), ROLE_USER_AGENT, FIELD_TEXT,
		header_get(headers, "User-Agent"));
	put(o, a, SLICE("http-request-ext:referer"), ROLE_REFERRER, FIELD_URL,
		header_get(headers, "Referer"));
}

static void extensions_put(struct line_out *o, struct arena *a, struct json_value extensions)
{
	struct json_value pe;

	if (!json_is_object(extensions))
		return;
	request_put(o, a, extensions);
	if (json_get(extensions, "windows-pebinary-ext", &pe) && json_is_object(pe))
		put(o, a, SLICE("windows-pebinary-ext:imphash"), ROLE_IMPHASH, FIELD_IMPHASH,
			json_get_string(pe, "imphash"));
}

void stix_values_put(struct line_out *o, struct arena *a, const struct stix_references *refs,
	struct slice id, struct json_value object)
{
	struct slice type = json_get_string(object, "type"), name;
	struct json_value value;

	for (size_t i = 0; i < COUNT_OF(rows) && !o->failed; i++) {
		const struct value_row *row = &rows[i];
		uint8_t role = row->role;

		if (type.len == 0 || type.data[0] != row->type[0] || !slice_is(type, row->type) ||
			!json_get(object, row->property, &value))
			continue;
		name = slice_of(row->name);
		if (role == ROLE_ADDRESS || role == ROLE_HOST || role == ROLE_EMAIL)
			role = role_by_reference(refs, id, role);
		if (strcmp(row->property, "hashes") == 0)
			hashes_put(o, a, name, role, row->kind, value);
		else if (role == ROLE_CERTIFICATE_NAME)
			subject_put(o, a, name, role, row->kind, json_string(value));
		else
			put_value(o, a, name, role, row->kind, value);
	}
	if (slice_is(type, "network-traffic") && json_get(object, "protocols", &value))
		protocols_put(o, a, value);
	if (json_get(object, "extensions", &value))
		extensions_put(o, a, value);
}
