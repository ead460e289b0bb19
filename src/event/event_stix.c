/* SPDX-License-Identifier: MPL-2.0 */
/*
 * An event as STIX 2.1 observables. What has no value in its usual form (event_said.c) is left out.
 */
#include "scribe.h"

/* Values that each are an object of their own. */
static void put_values(struct scribe *s)
{
	static const struct {
		enum event_role role;
		const char *type, *property;
	} rows[] = {
		{ROLE_URL,          "url",                  "value"        },
		{ROLE_EMAIL,        "email-addr",           "value"        },
		{ROLE_MAC,          "mac-addr",             "value"        },
		{ROLE_USER,         "user-account",         "account_login"},
		{ROLE_REGISTRY_KEY, "windows-registry-key", "key"          },
		{ROLE_MUTEX,        "mutex",                "name"         },
	};

	for (size_t k = 0; k < s->e->count; k++) {
		const struct event_field *f = &s->e->fields[k];
		struct slice id;
		bool new;

		if (!scribe_wanted(s, f))
			continue;
		switch (f->role) {
		case ROLE_ADDRESS:
		case ROLE_ANSWER:
		case ROLE_HOST:
		case ROLE_SNI:
		case ROLE_CERTIFICATE_NAME:
		case ROLE_QUERY:
			scribe_said(s, event_said(f->role, f->value, &s->said));
			break;
		case ROLE_ASN:
			if (event_said(f->role, f->value, &s->said) == SAID_NOTHING)
				break;
			scribe_canon_raw(s, "number", buf_slice(&s->said));
			id = scribe_id(s, "autonomous-system", false, &new);
			if (!new)
				break;
			scribe_open(s, "autonomous-system", id);
			json_write_name(&s->w, "number");
			json_write_raw(&s->w, buf_slice(&s->said));
			json_write_end(&s->w, '}');
			break;
		default:
			for (size_t r = 0; r < COUNT_OF(rows); r++) {
				if (rows[r].role == f->role &&
					event_said(f->role, f->value, &s->said) != SAID_NOTHING)
					scribe_string(s, rows[r].type, rows[r].property,
						buf_slice(&s->said));
			}
		}
	}
}

static void put_mail(struct scribe *s)
{
	struct slice from = {0}, subject = {0}, id;
	struct buf to = BUF_INIT;
	bool new;

	if (scribe_say(s, ROLE_EMAIL_FROM) != SAID_NOTHING)
		from = scribe_string(s, "email-addr", "value", buf_slice(&s->said));
	for (size_t k = 0; k < s->e->count; k++) {
		const struct event_field *f = &s->e->fields[k];

		if (f->role == ROLE_EMAIL_TO && scribe_wanted(s, f) &&
			event_said(f->role, f->value, &s->said) != SAID_NOTHING)
			scribe_refs(
				&to, scribe_string(s, "email-addr", "value", buf_slice(&s->said)));
	}
	if (scribe_say(s, ROLE_SUBJECT) != SAID_NOTHING)
		subject = arena_copy(s->arena, buf_slice(&s->said));
	if (from.len > 0 || to.len > 0 || subject.len > 0) {
		bool random = from.len == 0 && subject.len == 0;

		if (to.len > 0)
			buf_char(&to, ']');
		if (random)
			scribe_canon_raw(s, "to_refs", buf_slice(&to));
		if (from.len > 0)
			scribe_canon_string(s, "from_ref", from);
		if (subject.len > 0)
			scribe_canon_string(s, "subject", subject);
		id = scribe_id(s, "email-message", random, &new);
		scribe_open(s, "email-message", id);
		json_member_bool(&s->w, "is_multipart", false);
		if (from.len > 0)
			json_member_string(&s->w, "from_ref", from);
		if (to.len > 0) {
			json_write_name(&s->w, "to_refs");
			json_write_raw(&s->w, buf_slice(&to));
		}
		if (subject.len > 0)
			json_member_string(&s->w, "subject", subject);
		json_write_end(&s->w, '}');
	}
	buf_fini(&to);
}

/* An object of our own; section 11.2 lets a producer make one. traffic_ref says between whom. */
static void put_plant(struct scribe *s, struct slice traffic)
{
	/* in the order of RFC 8785 */
	static const struct {
		enum event_role role; /* NONE: traffic_ref */
		const char *name;
	} rows[] = {
		{ROLE_PLANT_FUNCTION,  "function"   },
		{ROLE_PLANT_OBJECT,    "object"     },
		{ROLE_PLANT_OPERATION, "operation"  },
		{ROLE_PLANT_PROTOCOL,  "protocol"   },
		{ROLE_NONE,            "traffic_ref"},
		{ROLE_PLANT_UNIT,      "unit"       },
		{ROLE_PLANT_VALUE,     "value"      },
	};
	struct slice values[COUNT_OF(rows)] = {{0}}, id;
	bool any = false, new;

	for (size_t k = 0; k < COUNT_OF(rows); k++) {
		if (rows[k].role == ROLE_NONE)
			values[k] = traffic;
		else if (scribe_say(s, rows[k].role) != SAID_NOTHING)
			values[k] = arena_copy(s->arena, buf_slice(&s->said));
		any |= rows[k].role != ROLE_NONE && values[k].len > 0;
		if (values[k].len > 0)
			scribe_canon_string(s, rows[k].name, values[k]);
	}
	if (!any) {
		buf_clear(&s->canon);
		return;
	}
	id = scribe_id(s, "x-serai-plant-operation", false, &new);
	scribe_open(s, "x-serai-plant-operation", id);
	for (size_t k = 0; k < COUNT_OF(rows); k++) {
		if (values[k].len > 0)
			json_member_string(&s->w, rows[k].name, values[k]);
	}
	json_write_end(&s->w, '}');
}

bool event_stix(const struct event *e, uint64_t roles, struct arena *a, struct buf *out)
{
	struct scribe s = {.e = e, .roles = roles, .arena = a, .out = out, .w = JSON_WRITER(out)};
	struct slice traffic = {0};
	bool good;

	json_write_array(&s.w);
	event_put_query(&s);
	event_put_traffic(&s, &traffic);
	put_values(&s);
	event_put_files(&s);
	event_put_certificates(&s);
	put_mail(&s);
	event_put_process(&s);
	put_plant(&s, traffic);
	json_write_end(&s.w, ']');
	good = !out->bad && !s.said.bad && !s.canon.bad && !s.uuids.bad;
	buf_fini(&s.said);
	buf_fini(&s.canon);
	buf_fini(&s.uuids);
	return good;
}
