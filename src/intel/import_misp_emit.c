/* SPDX-License-Identifier: MPL-2.0 */
/* What every object made of a MISP event has in common, from its first member to the sink. */
#include "import_misp.h"

enum err_kind misp_nomem(struct err *e)
{
	return err_set(e, ERR_NOMEM, "the event does not fit into memory");
}

struct slice misp_id(struct misp *m, const char *type, const struct uuid *uuid)
{
	char id[STIX_ID_MAX + 1];

	stix_id_format(slice_of(type), uuid, id);
	return arena_copy(m->arena, slice_of(id));
}

enum err_kind misp_refer(struct misp *m, struct slice id, enum stix_tlp tlp, struct err *e)
{
	/* Apart, so that a reader of the report is not kept from all of it by one part of it. */
	return misp_list_add(&m->refs[tlp > m->tlp ? tlp : STIX_TLP_NONE], id) ? OK : misp_nomem(e);
}

enum err_kind misp_emit(struct misp *m, struct slice id, enum stix_tlp tlp, struct err *e)
{
	struct import_sink *sink = m->job->sink;
	struct intel_place place = m->place;
	bool is_new;

	if (m->out.bad)
		return import_refuse(m->job, &m->place, id, e,
			"the object made of it is longer than %zu bytes", JSON_OBJECT_MAX);
	if (!misp_map_put(&m->seen, id, id, &is_new))
		return misp_nomem(e);
	if (!is_new)
		return OK; /* an observable that the event has twice */
	if (misp_refer(m, id, tlp, e) != OK)
		return misp_nomem(e);
	place.index = m->index++;
	return sink->emit(sink->context, buf_slice(&m->out), &place, e);
}

void misp_begin(struct misp *m, struct json_writer *w, const struct misp_head *head)
{
	buf_clear(&m->out);
	*w = JSON_WRITER(&m->out);
	json_write_object(w);
	json_member_text(w, "type", head->type);
	json_member_text(w, "spec_version", "2.1");
	import_member_id(w, "id", slice_of(head->type), &head->uuid);
	import_member_id(w, "created_by_ref", SLICE("identity"), &m->creator);
	json_member_time(w, "created", head->created_us, 3);
	json_member_time(w, "modified", head->modified_us, 3);
}

enum err_kind misp_end(struct misp *m, struct json_writer *w, const struct misp_head *head,
	struct slice *ret_id, struct err *e)
{
	struct slice id = misp_id(m, head->type, &head->uuid);
	enum err_kind kind;

	if (id.data == NULL)
		return misp_nomem(e);
	if (head->labels_count > 0) {
		json_write_name(w, "labels");
		json_write_array(w);
		for (size_t k = 0; k < head->labels_count; k++)
			json_write_string(w, head->labels[k]);
		json_write_end(w, ']');
	}
	import_member_tlp(w, head->tlp);
	json_write_end(w, '}');
	*ret_id = m->out.bad ? (struct slice){0} : id;
	kind = misp_emit(m, id, head->tlp, e);
	return kind;
}

/* Section 3.7 of relationship_type: a-z, 0-9 and hyphens. */
static struct slice relationship_name(struct misp *m, struct slice type)
{
	char *name = arena_string(m->scratch, type);
	size_t len = name == NULL ? 0 : strlen(name);

	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if (c >= 'A' && c <= 'Z')
			name[i] = (char)(c + ('a' - 'A'));
		else if ((c < 'a' || c > 'z') && (c < '0' || c > '9'))
			name[i] = '-';
	}
	if (len == 0)
		return SLICE("related-to");
	if (!slice_equal(type, (struct slice){name, len}))
		misp_lose(m, "object reference", SLICE("relationship_type (its spelling)"), type);
	return (struct slice){name, len};
}

enum err_kind misp_relate(struct misp *m, const struct uuid *uuid, struct slice type,
	struct slice source, struct slice target, const struct misp_head *like,
	struct slice description, struct err *e)
{
	struct misp_head head = *like;
	struct json_writer w;
	struct slice id;

	type = relationship_name(m, type);
	head.type = "relationship";
	head.labels_count = 0;
	if (uuid != NULL)
		head.uuid = *uuid;
	else
		import_uuid(
			(const struct slice[]){
				SLICE("relationship"), type, source, target,
				slice_of(stix_tlp_name(head.tlp)),
				(struct slice){(const char *)m->creator.bytes, 16}
                },
			6, &head.uuid);
	if (uuid == NULL && m->has_event) {
		/* Two events may say the same at different times: each says it for itself. */
		import_uuid(
			(const struct slice[]){
				{(const char *)head.uuid.bytes, 16},
                                m->event_text
                },
			2, &head.uuid);
	}
	misp_begin(m, &w, &head);
	json_member_string(&w, "relationship_type", type);
	if (description.len > 0)
		json_member_string(&w, "description", description);
	json_member_string(&w, "source_ref", source);
	json_member_string(&w, "target_ref", target);
	return misp_end(m, &w, &head, &id, e);
}

enum err_kind misp_note(struct misp *m, const struct misp_head *head, struct slice abstract,
	struct slice content, struct slice about, struct slice *ret_id, struct err *e)
{
	struct misp_head note = *head;
	struct json_writer w;

	note.type = "note";
	misp_begin(m, &w, &note);
	if (abstract.len > 0)
		json_member_string(&w, "abstract", abstract);
	json_member_string(&w, "content", content);
	json_write_name(&w, "object_refs");
	json_write_array(&w);
	json_write_string(&w, about);
	json_write_end(&w, ']');
	return misp_end(m, &w, &note, ret_id, e);
}

/*
 * An organisation has no time in MISP. With one constant, two nodes that hear of it through
 * different events make the same bytes; the beginning of Unix time claims nothing. It bears no
 * marking: everything it published names it, and a marking would hold all of that back.
 */
#define IDENTITY_TIME_US INT64_C(0)

enum err_kind misp_identity(
	struct misp *m, struct json_value org, struct uuid *ret_uuid, struct err *e)
{
	struct slice name = {0}, id;
	struct import_sink *sink = m->job->sink;
	struct json_writer w = JSON_WRITER(&m->out);
	struct intel_place place = m->place;
	struct uuid uuid;
	bool is_new;

	if (org.doc != NULL) {
		name = misp_text(m->arena, org, "name");
		misp_lose_rest(m, "organisation", org, json_get_string(org, "uuid"));
	}
	if (name.len == 0)
		name = m->creator_name;
	if (org.doc == NULL || !misp_uuid(org, "uuid", &uuid))
		import_uuid((const struct slice[]){SLICE("organisation"), name}, 2, &uuid);
	*ret_uuid = uuid;
	id = misp_id(m, "identity", &uuid);
	if (id.data == NULL || !misp_map_put(&m->seen, id, id, &is_new))
		return misp_nomem(e);
	/* The name may change while the UUID stays: the one that came first is kept. */
	if (!is_new || sink->known(sink->context, SLICE("identity"), &uuid))
		return OK;
	buf_clear(&m->out);
	json_write_object(&w);
	json_member_text(&w, "type", "identity");
	json_member_text(&w, "spec_version", "2.1");
	import_member_id(&w, "id", SLICE("identity"), &uuid);
	json_member_time(&w, "created", IDENTITY_TIME_US, 3);
	json_member_time(&w, "modified", IDENTITY_TIME_US, 3);
	json_member_string(&w, "name", name);
	json_member_text(&w, "identity_class", "organization");
	json_write_end(&w, '}');
	if (m->out.bad)
		return err_set(e, ERR_LIMIT, "the name of an organisation is too long");
	place.index = m->index++;
	return sink->emit(sink->context, buf_slice(&m->out), &place, e);
}
