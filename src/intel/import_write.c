/* SPDX-License-Identifier: MPL-2.0 */
/* What converters write: values taken over, identifiers, markings, observables. */
#include "import.h"

void import_write_value(struct json_writer *w, struct json_value value)
{
	struct json_iter it = json_iter(value);
	struct json_value item;
	struct slice name;
	int64_t integer;
	double number;

	switch (json_type(value)) {
	case JSON_NULL:
		json_write_null(w);
		break;
	case JSON_BOOL:
		json_write_bool(w, json_is_true(value));
		break;
	case JSON_INTEGER:
		if (json_to_i64(value, &integer)) {
			json_write_i64(w, integer);
			break;
		}
		__attribute__((fallthrough));
	case JSON_DOUBLE:
		json_write_double(w, json_to_double(value, &number) ? number : 0);
		break;
	case JSON_STRING:
		json_write_string(w, json_string(value));
		break;
	case JSON_ARRAY:
		json_write_array(w);
		while (json_array_next(&it, &item))
			import_write_value(w, item);
		json_write_end(w, ']');
		break;
	case JSON_OBJECT:
		json_write_object(w);
		while (json_object_next(&it, &name, &item)) {
			json_write_name_slice(w, name);
			import_write_value(w, item);
		}
		json_write_end(w, '}');
		break;
	}
}

void import_member_id(
	struct json_writer *w, const char *name, struct slice type, const struct uuid *uuid)
{
	char id[STIX_ID_MAX + 1];

	stix_id_format(type, uuid, id);
	json_member_text(w, name, id);
}

void import_member_tlp(struct json_writer *w, enum stix_tlp tlp)
{
	char id[STIX_ID_MAX + 1];
	struct uuid uuid;

	if (!import_tlp_uuid(tlp, &uuid))
		return;
	stix_id_format(SLICE("marking-definition"), &uuid, id);
	json_write_name(w, "object_marking_refs");
	json_write_array(w);
	json_write_text(w, id);
	json_write_end(w, ']');
}

/* ---- observables ---------------------------------------------------------------------------- */

#define MARKINGS_MAX                                                                               \
	64 /* of one converted observable; more are hashed as if they were the last                \
	    */

enum err_kind import_observable_id(struct json_parser *p, struct slice body, struct slice unique,
	const struct uuid *markings, size_t markings_count, struct uuid *ret_uuid, struct err *e)
{
	struct slice parts[MARKINGS_MAX + 3];
	struct uuid uuid = {{0}};
	bool deterministic = false, standard;
	struct json_doc doc;
	size_t count = 0;
	enum err_kind kind = json_parse(p, body, &doc, e);

	if (kind != OK)
		return kind;
	/* A custom observable has no rule for its id; then it is as unique as a process. */
	standard = stix_class_of(json_get_string(json_root(&doc), "type")) == STIX_SCO;
	if (standard) {
		kind = stix_observable_id(json_root(&doc), &deterministic, &uuid, e);
		if (kind != OK)
			return kind;
	}
	if (!deterministic || markings_count > 0) {
		parts[count++] = SLICE("observable");
		parts[count++] =
			deterministic ? (struct slice){(const char *)uuid.bytes, 16} : unique;
		parts[count++] = json_get_string(json_root(&doc), "type");
		for (size_t k = 0; k < markings_count && k < MARKINGS_MAX; k++)
			parts[count++] = (struct slice){(const char *)markings[k].bytes, 16};
		import_uuid(parts, count, &uuid);
		/* Section 2.9 asks for version 4 where nothing contributes to an id. Drawn anew,
		 * the same file would make other objects each time, so the random bits are those of
		 * the hash. */
		if (!deterministic && standard)
			uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x40);
	}
	*ret_uuid = uuid;
	return OK;
}

void import_observable_append(struct buf *out, struct slice body, const struct uuid *uuid,
	const struct uuid *markings, size_t markings_count)
{
	/* {"type":"T" and then */
	size_t type_from = strlen("{\"type\":\""), type_end = slice_find(body, '"', type_from);
	char id[STIX_ID_MAX + 1];

	stix_id_format(slice_cut(body, type_from, type_end), uuid, id);
	buf_slice_append(out, slice_cut(body, 0, type_end + 1));
	buf_printf(out, ",\"spec_version\":\"2.1\",\"id\":\"%s\"", id);
	buf_slice_append(out, slice_cut(body, type_end + 1, body.len - 1));
	for (size_t k = 0; k < markings_count; k++) {
		stix_id_format(SLICE("marking-definition"), &markings[k], id);
		buf_printf(out, "%s\"%s\"", k == 0 ? ",\"object_marking_refs\":[" : ",", id);
	}
	if (markings_count > 0)
		buf_char(out, ']');
	buf_char(out, '}');
}
