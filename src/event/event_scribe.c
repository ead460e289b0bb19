/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Writing an event's observables: which fields are wanted, the canonical text of the properties
 * that contribute to an identifier, and the deterministic identifiers of STIX 2.1 section 2.9 made
 * from it directly.
 */
#include "scribe.h"

bool scribe_wanted(const struct scribe *s, const struct event_field *f)
{
	return f->role < EVENT_ROLES && (s->roles & event_role_bit(f->role)) != 0;
}

enum event_said scribe_say(struct scribe *s, enum event_role role)
{
	enum event_said said;

	for (size_t k = 0; k < s->e->count; k++) {
		const struct event_field *f = &s->e->fields[k];

		if (f->role != role || !scribe_wanted(s, f))
			continue;
		said = event_said(role, f->value, &s->said);
		if (said != SAID_NOTHING)
			return said;
	}
	buf_clear(&s->said);
	return SAID_NOTHING;
}

bool scribe_has(const struct scribe *s, enum event_role role)
{
	for (size_t k = 0; k < s->e->count; k++) {
		if (s->e->fields[k].role == role && scribe_wanted(s, &s->e->fields[k]))
			return true;
	}
	return false;
}

void scribe_canon(struct scribe *s, const char *name)
{
	buf_char(&s->canon, s->canon.len == 0 ? '{' : ',');
	buf_printf(&s->canon, "\"%s\":", name);
}

void scribe_canon_string(struct scribe *s, const char *name, struct slice value)
{
	scribe_canon(s, name);
	json_string_append(&s->canon, value);
}

void scribe_canon_raw(struct scribe *s, const char *name, struct slice json)
{
	scribe_canon(s, name);
	buf_slice_append(&s->canon, json);
}

struct slice scribe_id(struct scribe *s, const char *type, bool random, bool *ret_new)
{
	char text[STIX_ID_MAX + 1];
	struct uuid uuid;
	size_t count = s->uuids.len / sizeof(uuid);

	buf_char(&s->canon, '}');
	uuid_v5(&stix_namespace, buf_slice(&s->canon), &uuid);
	/* 2.9: a process has a random identifier; the same event still gives the same */
	if (random)
		uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x40);
	stix_id_format(slice_of(type), &uuid, text);
	buf_clear(&s->canon);
	/* a name and an address of the same text have the same UUID: tell their types apart */
	uuid.bytes[0] ^= (uint8_t)type[0];
	uuid.bytes[1] ^= (uint8_t)type[strlen(type) - 1];
	uuid.bytes[2] ^= (uint8_t)strlen(type);
	*ret_new = true;
	for (size_t k = 0; k < count && *ret_new; k++)
		*ret_new = memcmp(s->uuids.data + k * sizeof(uuid), &uuid, sizeof(uuid)) != 0;
	if (*ret_new)
		buf_append(&s->uuids, &uuid, sizeof(uuid));
	return arena_copy(s->arena, slice_of(text));
}

void scribe_open(struct scribe *s, const char *type, struct slice id)
{
	json_write_object(&s->w);
	json_member_text(&s->w, "type", type);
	json_member_text(&s->w, "spec_version", "2.1");
	json_member_string(&s->w, "id", id);
}

struct slice scribe_string(
	struct scribe *s, const char *type, const char *property, struct slice value)
{
	struct slice id;
	bool new;

	scribe_canon_string(s, property, value);
	id = scribe_id(s, type, false, &new);
	if (new) {
		scribe_open(s, type, id);
		json_member_string(&s->w, property, value);
		json_write_end(&s->w, '}');
	}
	return id;
}

struct slice scribe_said(struct scribe *s, enum event_said said)
{
	struct slice value = buf_slice(&s->said);

	switch (said) {
	case SAID_IPV4:
		return scribe_string(s, "ipv4-addr", "value", value);
	case SAID_IPV6:
		return scribe_string(s, "ipv6-addr", "value", value);
	case SAID_NAME:
		return scribe_string(s, "domain-name", "value", value);
	default:
		return (struct slice){0};
	}
}

struct slice scribe_first(struct scribe *s, enum event_role role)
{
	return scribe_said(s, scribe_say(s, role));
}

void scribe_refs(struct buf *out, struct slice id)
{
	buf_char(out, out->len == 0 ? '[' : ',');
	json_string_append(out, id);
}
