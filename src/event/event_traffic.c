/* SPDX-License-Identifier: MPL-2.0 */
/* What went from where to where: names that were asked for, connections, and requests in them. */
#include "scribe.h"

#define PROTOCOLS_MAX 8

/* domain-name with what it resolved to. */
void event_put_query(struct scribe *s)
{
	struct buf refs = BUF_INIT;
	struct slice id, name;
	bool new;

	if (scribe_say(s, ROLE_QUERY) == SAID_NOTHING)
		return;
	name = arena_copy(s->arena, buf_slice(&s->said));
	for (size_t k = 0; k < s->e->count; k++) {
		const struct event_field *f = &s->e->fields[k];
		enum event_said said;

		if (f->role != ROLE_ANSWER || !scribe_wanted(s, f))
			continue;
		said = event_said(ROLE_ANSWER, f->value, &s->said);
		/* a name that stands for itself says nothing, and would be written without
		 * references */
		if (said == SAID_NOTHING || slice_equal(buf_slice(&s->said), name))
			continue;
		scribe_refs(&refs, scribe_said(s, said));
	}
	scribe_canon_string(s, "value", name);
	id = scribe_id(s, "domain-name", false, &new);
	if (new) {
		scribe_open(s, "domain-name", id);
		json_member_string(&s->w, "value", name);
		if (refs.len > 0) {
			buf_char(&refs, ']');
			json_write_name(&s->w, "resolves_to_refs");
			json_write_raw(&s->w, buf_slice(&refs));
		}
		json_write_end(&s->w, '}');
	}
	buf_fini(&refs);
}

/* The headers and the request line that a log gives. */
static void http_extension(struct scribe *s, struct buf *out)
{
	static const struct {
		enum event_role role;
		const char *name;
	} headers[] = {
		{ROLE_HOST,       "Host"      },
		{ROLE_REFERRER,   "Referer"   },
		{ROLE_USER_AGENT, "User-Agent"},
	};
	struct json_writer w = JSON_WRITER(out);
	bool any = false;
	size_t path;

	if (!scribe_has(s, ROLE_METHOD) && !scribe_has(s, ROLE_USER_AGENT) &&
		!scribe_has(s, ROLE_REFERRER))
		return;
	json_write_object(&w);
	json_write_name(&w, "http-request-ext");
	json_write_object(&w);
	for (size_t k = 0; k < COUNT_OF(headers); k++) {
		if (scribe_say(s, headers[k].role) == SAID_NOTHING)
			continue;
		if (!any) {
			json_write_name(&w, "request_header");
			json_write_object(&w);
		}
		any = true;
		json_write_name(&w, headers[k].name);
		json_write_array(&w);
		json_write_string(&w, buf_slice(&s->said));
		json_write_end(&w, ']');
	}
	if (any)
		json_write_end(&w, '}');
	(void)scribe_say(s, ROLE_METHOD);
	json_member_string(&w, "request_method", buf_slice(&s->said));
	(void)scribe_say(s, ROLE_URL);
	path = slice_find_text(buf_slice(&s->said), SLICE("://"));
	path = slice_find(buf_slice(&s->said), '/', path + 3);
	json_member_string(&w, "request_value", slice_cut(buf_slice(&s->said), path, s->said.len));
	json_write_end(&w, '}');
	json_write_end(&w, '}');
}

/* From the outside to the inside (6.12): ["ipv4","tcp","http"]. */
static void protocols_list(struct scribe *s, bool v4, bool v6, struct buf *out)
{
	static const enum event_role layers[] = {ROLE_TRANSPORT, ROLE_SERVICE};
	size_t count = 0;

	buf_char(out, '[');
	if (v4 || v6) {
		buf_text(out, v6 ? "\"ipv6\"" : "\"ipv4\"");
		count++;
	}
	for (size_t l = 0; l < COUNT_OF(layers); l++) {
		for (size_t k = 0; k < s->e->count; k++) {
			const struct event_field *f = &s->e->fields[k];
			struct slice rest, one;

			if (f->role != layers[l] || !scribe_wanted(s, f) ||
				event_said(f->role, f->value, &s->said) == SAID_NOTHING)
				continue;
			rest = buf_slice(&s->said);
			while (count < PROTOCOLS_MAX && slice_next(&rest, ',', &one)) {
				one = slice_trim(one);
				if (one.len == 0 || slice_is(one, "-"))
					continue;
				if (count++ > 0)
					buf_char(out, ',');
				json_string_append(out, one);
			}
		}
	}
	if (count == 0)
		buf_text(out, "\"ip\"");
	buf_char(out, ']');
}

static struct slice keep_number(struct scribe *s, enum event_role role)
{
	return scribe_say(s, role) == SAID_NUMBER ? arena_copy(s->arena, buf_slice(&s->said))
						  : (struct slice){0};
}

void event_put_traffic(struct scribe *s, struct slice *ret_id)
{
	static const struct {
		enum event_role role;
		const char *name;
	} strings[] = {
		{ROLE_JA3,  "x_ja3_hash" },
		{ROLE_JA3S, "x_ja3s_hash"},
		{ROLE_JA4,  "x_ja4"      },
	};
	struct slice source = scribe_first(s, ROLE_SOURCE_ADDRESS);
	bool v6 = s->said.len > 0 && memchr(s->said.data, ':', s->said.len) != NULL;
	bool v4 = source.len > 0 && !v6;
	struct slice target = scribe_first(s, ROLE_DESTINATION_ADDRESS);
	struct slice ports[2] = {
		keep_number(s, ROLE_SOURCE_PORT), keep_number(s, ROLE_DESTINATION_PORT)};
	struct slice bytes[2] = {
		keep_number(s, ROLE_SOURCE_BYTES), keep_number(s, ROLE_DESTINATION_BYTES)};
	struct buf extension = BUF_INIT, protocols = BUF_INIT;
	char start[TIME_TEXT_MAX];
	bool timed = s->e->time_us != TIME_UNKNOWN, new;
	struct slice id;

	if (target.len > 0 && source.len == 0) {
		v6 = slice_starts(target, SLICE("ipv6"));
		v4 = !v6;
	}
	if (target.len == 0)
		target = scribe_first(s, ROLE_SNI);
	if (target.len == 0)
		target = scribe_first(s, ROLE_HOST);
	if (source.len == 0 && target.len == 0)
		return;
	http_extension(s, &extension);
	protocols_list(s, v4, v6, &protocols);
	if (timed)
		time_format(s->e->time_us, 6, start);
	if (ports[1].len > 0)
		scribe_canon_raw(s, "dst_port", ports[1]);
	if (target.len > 0)
		scribe_canon_string(s, "dst_ref", target);
	if (extension.len > 0)
		scribe_canon_raw(s, "extensions", buf_slice(&extension));
	scribe_canon_raw(s, "protocols", buf_slice(&protocols));
	if (ports[0].len > 0)
		scribe_canon_raw(s, "src_port", ports[0]);
	if (source.len > 0)
		scribe_canon_string(s, "src_ref", source);
	if (timed)
		scribe_canon_string(s, "start", slice_of(start));
	id = scribe_id(s, "network-traffic", false, &new);
	scribe_open(s, "network-traffic", id);
	json_write_name(&s->w, "protocols");
	json_write_raw(&s->w, buf_slice(&protocols));
	if (source.len > 0)
		json_member_string(&s->w, "src_ref", source);
	if (target.len > 0)
		json_member_string(&s->w, "dst_ref", target);
	for (size_t k = 0; k < 2; k++) {
		if (ports[k].len > 0) {
			json_write_name(&s->w, k == 0 ? "src_port" : "dst_port");
			json_write_raw(&s->w, ports[k]);
		}
		if (bytes[k].len > 0) {
			json_write_name(&s->w, k == 0 ? "src_byte_count" : "dst_byte_count");
			json_write_raw(&s->w, bytes[k]);
		}
	}
	if (timed)
		json_member_text(&s->w, "start", start);
	if (extension.len > 0) {
		json_write_name(&s->w, "extensions");
		json_write_raw(&s->w, buf_slice(&extension));
	}
	for (size_t k = 0; k < COUNT_OF(strings); k++) {
		if (scribe_say(s, strings[k].role) != SAID_NOTHING)
			json_member_string(&s->w, strings[k].name, buf_slice(&s->said));
	}
	json_write_end(&s->w, '}');
	buf_fini(&extension);
	buf_fini(&protocols);
	*ret_id = id;
}
