/* SPDX-License-Identifier: MPL-2.0 */
/*
 * An event as STIX 2.1 observables. Values are written in their usual form (addresses by RFC 5952,
 * names and digests in lower case, URLs with a scheme and only the characters of RFC 3986), so that
 * a pattern can name them; what is no such value is left out. Identifiers are the deterministic
 * ones of section 2.9, made from the canonical text directly.
 */
#include <stdlib.h>

#include "event.h"
#include "stix/stix.h"
#include "json/json.h"

#define NAME_TEXT_MAX 253 /* bytes of a domain name, RFC 1035 */
#define LABEL_MAX     63
#define URL_MAX       KIB(32)
#define PROTOCOLS_MAX 8
#define DIGEST_MAX    5

/* ---- values in their usual form
 * ------------------------------------------------------------------- */

static bool is_lower_hex(struct slice s)
{
	for (size_t k = 0; k < s.len; k++) {
		char c = s.data[k];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
	}
	return true;
}

static void lower_append(struct buf *out, struct slice s)
{
	char *to = buf_reserve(out, s.len);

	if (to == NULL)
		return;
	for (size_t k = 0; k < s.len; k++) {
		char c = s.data[k];

		to[k] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	out->len += s.len;
}

/* Letters, digits, '-' and '_' in labels of 1 to 63; a dot at the end goes. */
static bool name_append(struct buf *out, struct slice name)
{
	size_t label = 0;

	if (name.len > 0 && name.data[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > NAME_TEXT_MAX)
		return false;
	for (size_t k = 0; k < name.len; k++) {
		char c = name.data[k];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '-' || c == '_';

		if (c == '.' ? label == 0 : (!good || ++label > LABEL_MAX))
			return false;
		if (c == '.')
			label = 0;
	}
	if (label == 0)
		return false;
	lower_append(out, name);
	return true;
}

/* Four numbers up to 255 without leading zeros: the only form of an IPv4 address, so it stays. */
static bool is_quad(struct slice text)
{
	unsigned value = 0, digits = 0, dots = 0;

	if (text.len < 7 || text.len > 15)
		return false;
	for (size_t k = 0; k < text.len; k++) {
		char c = text.data[k];

		if (c == '.') {
			if (digits == 0)
				return false;
			dots++;
			digits = value = 0;
		} else {
			if (c < '0' || c > '9' || (digits > 0 && value == 0))
				return false;
			value = value * 10 + (unsigned)(c - '0');
			digits++;
			if (value > 255)
				return false;
		}
	}
	return dots == 3 && digits > 0;
}

static enum event_said address_said(struct slice text, struct buf *out)
{
	char formatted[ADDRESS_TEXT_MAX];
	uint8_t bytes[16];
	size_t len;

	if (is_quad(text)) {
		buf_slice_append(out, text);
		return SAID_IPV4;
	}
	len = event_looks_like_address(text) ? event_address_parse(text, bytes) : 0;
	if (len == 0)
		return SAID_NOTHING;
	buf_append(out, formatted, event_address_format(bytes, len, formatted));
	return len == 4 ? SAID_IPV4 : SAID_IPV6;
}

/* "host", "host:port", "[address]:port", an address. */
static enum event_said host_said(struct slice text, struct buf *out)
{
	size_t colon = slice_find(text, ':', 0);
	enum event_said said;

	if (text.len > 0 && text.data[0] == '[')
		return address_said(slice_cut(text, 0, slice_find(text, ']', 0) + 1), out);
	if (slice_find(text, ':', colon + 1) < text.len)
		return address_said(text, out); /* two colons: IPv6 without port */
	text = slice_cut(text, 0, colon);
	said = address_said(text, out);
	if (said != SAID_NOTHING)
		return said;
	return name_append(out, text) ? SAID_NAME : SAID_NOTHING;
}

/* RFC 3986 section 2: what may stand in a URL; all else is written as %XX. */
static bool url_char(unsigned char c)
{
	return c > 0x20 && c < 0x7f && strchr("\"<>\\^`{|}", c) == NULL;
}

static enum event_said url_said(struct slice text, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";

	/* a path alone is no URL: readers join it with its host */
	if (text.len == 0 || text.len > URL_MAX || text.data[0] == '/' || text.data[0] == '-')
		return SAID_NOTHING;
	if (slice_find_text(text, SLICE("://")) == text.len)
		buf_text(out, "http://");
	for (size_t k = 0; k < text.len; k++) {
		unsigned char c = (unsigned char)text.data[k];

		if (url_char(c)) {
			buf_char(out, (char)c);
		} else {
			buf_char(out, '%');
			buf_char(out, digits[c >> 4]);
			buf_char(out, digits[c & 15]);
		}
	}
	return SAID_URL;
}

static enum event_said mail_said(struct slice text, struct buf *out)
{
	size_t open = slice_find(text, '<', 0), at;

	if (open < text.len)
		text = slice_cut(text, open + 1, slice_find(text, '>', open));
	text = slice_trim(text);
	at = slice_find(text, '@', 0);
	if (at == 0 || at + 1 >= text.len || text.len > 320 || !utf8_valid(text))
		return SAID_NOTHING;
	for (size_t k = 0; k < text.len; k++) {
		if ((unsigned char)text.data[k] <= 0x20 || text.data[k] == ',')
			return SAID_NOTHING;
	}
	buf_slice_append(out, text);
	return SAID_TEXT;
}

static enum event_said mac_said(struct slice text, struct buf *out)
{
	size_t before = out->len;

	if (text.len != 17)
		return SAID_NOTHING;
	lower_append(out, text);
	for (size_t k = 0; k < 17 && !out->bad; k++) {
		char *c = &out->data[before + k];

		if (k % 3 == 2 ? *c != ':' && *c != '-' : !is_lower_hex((struct slice){c, 1}))
			return SAID_NOTHING;
		if (k % 3 == 2)
			*c = ':';
	}
	return SAID_TEXT;
}

static enum event_said number_said(struct slice text, uint64_t most, struct buf *out)
{
	uint64_t value;

	if (!slice_to_u64(text, &value) || value > most)
		return SAID_NOTHING;
	buf_u64(out, value);
	return SAID_NUMBER;
}

static enum event_said asn_said(struct slice text, struct buf *out)
{
	if (text.len > 2 && slice_equal_nocase(slice_cut(text, 0, 2), SLICE("as")))
		text = slice_cut(text, 2, text.len);
	return number_said(text, UINT32_MAX, out);
}

static enum event_said digest_said(struct slice text, struct buf *out)
{
	size_t before = out->len;

	if (text.len != 32 && text.len != 40 && text.len != 64 && text.len != 128)
		return SAID_NOTHING;
	lower_append(out, text);
	return is_lower_hex(slice_cut(buf_slice(out), before, out->len)) ? SAID_TEXT : SAID_NOTHING;
}

/* Valid UTF-8 without NUL and noncharacters, which I-JSON does not take. */
static enum event_said text_said(struct slice text, struct buf *out)
{
	bool plain = true;

	if (text.len == 0)
		return SAID_NOTHING;
	for (size_t k = 0; k < text.len && plain; k++)
		plain = (unsigned char)text.data[k] < 0x80;
	if (plain) {
		buf_slice_append(out, text);
		return SAID_TEXT;
	}
	while (text.len > 0) {
		uint32_t c = utf8_next(&text);

		if ((c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef))
			c = 0xfffd;
		utf8_append(out, c);
	}
	return SAID_TEXT;
}

static enum event_said lower_said(struct slice text, struct buf *out)
{
	enum event_said said = text_said(text, out);

	for (size_t k = 0; k < out->len; k++) {
		if (out->data[k] >= 'A' && out->data[k] <= 'Z')
			out->data[k] = (char)(out->data[k] - 'A' + 'a');
	}
	return said;
}

enum event_said event_said(enum event_role role, struct slice text, struct buf *out)
{
	buf_clear(out);
	switch (role) {
	case ROLE_SOURCE_ADDRESS:
	case ROLE_DESTINATION_ADDRESS:
	case ROLE_ADDRESS:
		return address_said(text, out);
	case ROLE_QUERY:
	case ROLE_SNI:
		return name_append(out, text) ? SAID_NAME : SAID_NOTHING;
	case ROLE_ANSWER:
	case ROLE_HOST:
	case ROLE_CERTIFICATE_NAME:
		return host_said(text, out);
	case ROLE_URL:
		return url_said(text, out);
	case ROLE_EMAIL:
	case ROLE_EMAIL_FROM:
	case ROLE_EMAIL_TO:
		return mail_said(text, out);
	case ROLE_MAC:
		return mac_said(text, out);
	case ROLE_ASN:
		return asn_said(text, out);
	case ROLE_SOURCE_PORT:
	case ROLE_DESTINATION_PORT:
		return number_said(text, 65535, out);
	case ROLE_SOURCE_BYTES:
	case ROLE_DESTINATION_BYTES:
		return number_said(text, (UINT64_C(1) << 53) - 1, out);
	case ROLE_FILE_HASH:
	case ROLE_CERTIFICATE_HASH:
		return digest_said(text, out);
	case ROLE_METHOD: /* 6.12.2: in lower case */
	case ROLE_TRANSPORT:
	case ROLE_SERVICE:
	case ROLE_IMPHASH:
	case ROLE_JA3:
	case ROLE_JA3S:
	case ROLE_JA4:
		return lower_said(text, out);
	default:
		return text_said(text, out);
	}
}

/* ---- writing objects
 * ---------------------------------------------------------------------------------- */

struct scribe {
	const struct event *e;
	uint64_t roles;
	struct arena *arena;
	struct buf *out;
	struct json_writer w;
	struct buf said;  /* the value at hand */
	struct buf canon; /* contributing properties of the object at hand */
	struct buf uuids; /* of struct uuid: what is written already */
};

static bool wanted(const struct scribe *s, const struct event_field *f)
{
	return f->role < EVENT_ROLES && (s->roles & event_role_bit(f->role)) != 0;
}

/* First field of the role that says something; then s->said holds it. */
static enum event_said say(struct scribe *s, enum event_role role)
{
	enum event_said said;

	for (size_t k = 0; k < s->e->count; k++) {
		const struct event_field *f = &s->e->fields[k];

		if (f->role != role || !wanted(s, f))
			continue;
		said = event_said(role, f->value, &s->said);
		if (said != SAID_NOTHING)
			return said;
	}
	buf_clear(&s->said);
	return SAID_NOTHING;
}

static bool has(const struct scribe *s, enum event_role role)
{
	for (size_t k = 0; k < s->e->count; k++) {
		if (s->e->fields[k].role == role && wanted(s, &s->e->fields[k]))
			return true;
	}
	return false;
}

/* One more contributing property, in the order of RFC 8785. */
static void canon_name(struct scribe *s, const char *name)
{
	buf_char(&s->canon, s->canon.len == 0 ? '{' : ',');
	buf_printf(&s->canon, "\"%s\":", name);
}

static void canon_string(struct scribe *s, const char *name, struct slice value)
{
	canon_name(s, name);
	json_string_append(&s->canon, value);
}

static void canon_raw(struct scribe *s, const char *name, struct slice json)
{
	canon_name(s, name);
	buf_slice_append(&s->canon, json);
}

/* The id for s->canon, which is used up; *ret_new is false when that object is written already. */
static struct slice id_make(struct scribe *s, const char *type, bool random, bool *ret_new)
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

static void object_open(struct scribe *s, const char *type, struct slice id)
{
	json_write_object(&s->w);
	json_member_text(&s->w, "type", type);
	json_member_text(&s->w, "spec_version", "2.1");
	json_member_string(&s->w, "id", id);
}

/* An observable that is one string; returns its id. */
static struct slice put_string(
	struct scribe *s, const char *type, const char *property, struct slice value)
{
	struct slice id;
	bool new;

	canon_string(s, property, value);
	id = id_make(s, type, false, &new);
	if (new) {
		object_open(s, type, id);
		json_member_string(&s->w, property, value);
		json_write_end(&s->w, '}');
	}
	return id;
}

/* What s->said holds, as an address or a name; empty when it is neither. */
static struct slice put_said(struct scribe *s, enum event_said said)
{
	struct slice value = buf_slice(&s->said);

	switch (said) {
	case SAID_IPV4:
		return put_string(s, "ipv4-addr", "value", value);
	case SAID_IPV6:
		return put_string(s, "ipv6-addr", "value", value);
	case SAID_NAME:
		return put_string(s, "domain-name", "value", value);
	default:
		return (struct slice){0};
	}
}

static struct slice put_first(struct scribe *s, enum event_role role)
{
	return put_said(s, say(s, role));
}

/* A list of ids as JSON in *out. */
static void refs_append(struct buf *out, struct slice id)
{
	buf_char(out, out->len == 0 ? '[' : ',');
	json_string_append(out, id);
}

/* ---- the objects
 * ----------------------------------------------------------------------------------------- */

/* domain-name with what it resolved to. */
static void put_query(struct scribe *s)
{
	struct buf refs = BUF_INIT;
	struct slice id, name;
	bool new;

	if (say(s, ROLE_QUERY) == SAID_NOTHING)
		return;
	name = arena_copy(s->arena, buf_slice(&s->said));
	for (size_t k = 0; k < s->e->count; k++) {
		const struct event_field *f = &s->e->fields[k];
		enum event_said said;

		if (f->role != ROLE_ANSWER || !wanted(s, f))
			continue;
		said = event_said(ROLE_ANSWER, f->value, &s->said);
		/* a name that stands for itself says nothing, and would be written without
		 * references */
		if (said == SAID_NOTHING || slice_equal(buf_slice(&s->said), name))
			continue;
		refs_append(&refs, put_said(s, said));
	}
	canon_string(s, "value", name);
	id = id_make(s, "domain-name", false, &new);
	if (new) {
		object_open(s, "domain-name", id);
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

		if (!wanted(s, f))
			continue;
		switch (f->role) {
		case ROLE_ADDRESS:
		case ROLE_ANSWER:
		case ROLE_HOST:
		case ROLE_SNI:
		case ROLE_CERTIFICATE_NAME:
		case ROLE_QUERY:
			put_said(s, event_said(f->role, f->value, &s->said));
			break;
		case ROLE_ASN:
			if (event_said(f->role, f->value, &s->said) == SAID_NOTHING)
				break;
			canon_raw(s, "number", buf_slice(&s->said));
			id = id_make(s, "autonomous-system", false, &new);
			if (!new)
				break;
			object_open(s, "autonomous-system", id);
			json_write_name(&s->w, "number");
			json_write_raw(&s->w, buf_slice(&s->said));
			json_write_end(&s->w, '}');
			break;
		default:
			for (size_t r = 0; r < COUNT_OF(rows); r++) {
				if (rows[r].role == f->role &&
					event_said(f->role, f->value, &s->said) != SAID_NOTHING)
					put_string(s, rows[r].type, rows[r].property,
						buf_slice(&s->said));
			}
		}
	}
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

	if (!has(s, ROLE_METHOD) && !has(s, ROLE_USER_AGENT) && !has(s, ROLE_REFERRER))
		return;
	json_write_object(&w);
	json_write_name(&w, "http-request-ext");
	json_write_object(&w);
	for (size_t k = 0; k < COUNT_OF(headers); k++) {
		if (say(s, headers[k].role) == SAID_NOTHING)
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
	(void)say(s, ROLE_METHOD);
	json_member_string(&w, "request_method", buf_slice(&s->said));
	(void)say(s, ROLE_URL);
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

			if (f->role != layers[l] || !wanted(s, f) ||
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
	return say(s, role) == SAID_NUMBER ? arena_copy(s->arena, buf_slice(&s->said))
					   : (struct slice){0};
}

static void put_traffic(struct scribe *s, struct slice *ret_id)
{
	static const struct {
		enum event_role role;
		const char *name;
	} strings[] = {
		{ROLE_JA3,  "x_ja3_hash" },
		{ROLE_JA3S, "x_ja3s_hash"},
		{ROLE_JA4,  "x_ja4"      },
	};
	struct slice source = put_first(s, ROLE_SOURCE_ADDRESS);
	bool v6 = s->said.len > 0 && memchr(s->said.data, ':', s->said.len) != NULL;
	bool v4 = source.len > 0 && !v6;
	struct slice target = put_first(s, ROLE_DESTINATION_ADDRESS);
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
		target = put_first(s, ROLE_SNI);
	if (target.len == 0)
		target = put_first(s, ROLE_HOST);
	if (source.len == 0 && target.len == 0)
		return;
	http_extension(s, &extension);
	protocols_list(s, v4, v6, &protocols);
	if (timed)
		time_format(s->e->time_us, 6, start);
	if (ports[1].len > 0)
		canon_raw(s, "dst_port", ports[1]);
	if (target.len > 0)
		canon_string(s, "dst_ref", target);
	if (extension.len > 0)
		canon_raw(s, "extensions", buf_slice(&extension));
	canon_raw(s, "protocols", buf_slice(&protocols));
	if (ports[0].len > 0)
		canon_raw(s, "src_port", ports[0]);
	if (source.len > 0)
		canon_string(s, "src_ref", source);
	if (timed)
		canon_string(s, "start", slice_of(start));
	id = id_make(s, "network-traffic", false, &new);
	object_open(s, "network-traffic", id);
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
		if (say(s, strings[k].role) != SAID_NOTHING)
			json_member_string(&s->w, strings[k].name, buf_slice(&s->said));
	}
	json_write_end(&s->w, '}');
	buf_fini(&extension);
	buf_fini(&protocols);
	*ret_id = id;
}

/* Digests of one thing, by name in the order of RFC 8785. */
struct digests {
	struct slice of[DIGEST_MAX];
};
static const struct {
	const char *name;
	size_t digits;
} digest_names[DIGEST_MAX] = {
	{"MD5",     32 },
	{"SHA-1",   40 },
	{"SHA-256", 64 },
	{"SHA-512", 128},
	{"SSDEEP",  0  },
};

/* False when there is one of its kind already: it belongs to another file. */
static bool digest_add(struct scribe *s, struct digests *d, size_t at)
{
	if (d->of[at].len > 0)
		return false;
	d->of[at] = arena_copy(s->arena, buf_slice(&s->said));
	return true;
}

static size_t digest_kind(struct slice text)
{
	size_t k = 0;

	while (k + 1 < DIGEST_MAX && digest_names[k].digits != text.len)
		k++;
	return k;
}

static bool digests_write(struct scribe *s, const struct digests *d)
{
	bool any = false;

	for (size_t k = 0; k < DIGEST_MAX; k++) {
		if (d->of[k].len == 0)
			continue;
		if (!any) {
			json_write_name(&s->w, "hashes");
			json_write_object(&s->w);
		}
		any = true;
		json_member_string(&s->w, digest_names[k].name, d->of[k]);
	}
	if (any)
		json_write_end(&s->w, '}');
	return any;
}

/* Section 2.9: of several hashes only the first of MD5, SHA-1, SHA-256, SHA-512 contributes. */
static void digests_canon(struct scribe *s, const struct digests *d)
{
	for (size_t k = 0; k < DIGEST_MAX; k++) {
		if (d->of[k].len > 0) {
			canon_name(s, "hashes");
			buf_printf(&s->canon, "{\"%s\":", digest_names[k].name);
			json_string_append(&s->canon, d->of[k]);
			buf_char(&s->canon, '}');
			return;
		}
	}
}

static bool digests_any(const struct digests *d)
{
	for (size_t k = 0; k < DIGEST_MAX; k++) {
		if (d->of[k].len > 0)
			return true;
	}
	return false;
}

struct file {
	struct digests digests;
	struct slice name, imphash, mime;
};

static struct slice put_file(struct scribe *s, const struct file *f)
{
	struct buf extension = BUF_INIT;
	struct slice id;
	bool new;

	if (f->name.len == 0 && !digests_any(&f->digests))
		return (struct slice){0}; /* 6.7: what is no hash and no name is no file */
	if (f->imphash.len > 0) {
		buf_text(&extension, "{\"windows-pebinary-ext\":{\"imphash\":");
		json_string_append(&extension, f->imphash);
		buf_text(&extension, ",\"pe_type\":\"unknown\"}}");
		canon_raw(s, "extensions", buf_slice(&extension));
	}
	digests_canon(s, &f->digests);
	if (f->name.len > 0)
		canon_string(s, "name", f->name);
	id = id_make(s, "file", false, &new);
	if (new) {
		object_open(s, "file", id);
		digests_write(s, &f->digests);
		if (f->name.len > 0)
			json_member_string(&s->w, "name", f->name);
		if (f->mime.len > 0)
			json_member_string(&s->w, "mime_type", f->mime);
		if (extension.len > 0) {
			json_write_name(&s->w, "extensions");
			json_write_raw(&s->w, buf_slice(&extension));
		}
		json_write_end(&s->w, '}');
	}
	buf_fini(&extension);
	return id;
}

/* A second name or a second digest of a kind begins another file. */
static void put_files(struct scribe *s)
{
	struct file f = {0};
	bool mime = say(s, ROLE_MIME) != SAID_NOTHING;
	struct slice media = mime ? arena_copy(s->arena, buf_slice(&s->said)) : (struct slice){0};

	f.mime = media;
	for (size_t k = 0; k < s->e->count; k++) {
		const struct event_field *field = &s->e->fields[k];
		struct slice *one = field->role == ROLE_FILE_NAME ? &f.name : &f.imphash;
		bool again;

		if (!wanted(s, field) ||
			(field->role != ROLE_FILE_NAME && field->role != ROLE_FILE_HASH &&
				field->role != ROLE_IMPHASH && field->role != ROLE_SSDEEP) ||
			event_said(field->role, field->value, &s->said) == SAID_NOTHING)
			continue;
		for (again = false;; again = true) {
			bool taken = true;

			if (field->role == ROLE_FILE_HASH || field->role == ROLE_SSDEEP)
				taken = digest_add(s, &f.digests,
					field->role == ROLE_SSDEEP
						? DIGEST_MAX - 1
						: digest_kind(buf_slice(&s->said)));
			else if (one->len > 0)
				taken = false;
			else
				*one = arena_copy(s->arena, buf_slice(&s->said));
			if (taken || again)
				break;
			put_file(s, &f);
			f = (struct file){.mime = media};
		}
	}
	put_file(s, &f);
}

static void put_certificate(struct scribe *s, const struct digests *d)
{
	struct slice id;
	bool new;

	digests_canon(s, d);
	if (s->canon.len == 0)
		return; /* its names are domain names */
	id = id_make(s, "x509-certificate", false, &new);
	if (!new)
		return;
	object_open(s, "x509-certificate", id);
	digests_write(s, d);
	for (size_t k = 0; k < s->e->count; k++) {
		const struct event_field *f = &s->e->fields[k];

		if (f->role == ROLE_CERTIFICATE_NAME && wanted(s, f) && f->value.len > 0) {
			json_member_string(&s->w, "subject", f->value);
			break;
		}
	}
	json_write_end(&s->w, '}');
}

static void put_certificates(struct scribe *s)
{
	struct digests d = {0};

	for (size_t k = 0; k < s->e->count; k++) {
		const struct event_field *f = &s->e->fields[k];

		if (f->role != ROLE_CERTIFICATE_HASH || !wanted(s, f) ||
			event_said(f->role, f->value, &s->said) == SAID_NOTHING)
			continue;
		if (!digest_add(s, &d, digest_kind(buf_slice(&s->said)))) {
			put_certificate(s, &d);
			d = (struct digests){0};
			(void)digest_add(s, &d, digest_kind(buf_slice(&s->said)));
		}
	}
	put_certificate(s, &d);
}

static void put_mail(struct scribe *s)
{
	struct slice from = {0}, subject = {0}, id;
	struct buf to = BUF_INIT;
	bool new;

	if (say(s, ROLE_EMAIL_FROM) != SAID_NOTHING)
		from = put_string(s, "email-addr", "value", buf_slice(&s->said));
	for (size_t k = 0; k < s->e->count; k++) {
		const struct event_field *f = &s->e->fields[k];

		if (f->role == ROLE_EMAIL_TO && wanted(s, f) &&
			event_said(f->role, f->value, &s->said) != SAID_NOTHING)
			refs_append(&to, put_string(s, "email-addr", "value", buf_slice(&s->said)));
	}
	if (say(s, ROLE_SUBJECT) != SAID_NOTHING)
		subject = arena_copy(s->arena, buf_slice(&s->said));
	if (from.len > 0 || to.len > 0 || subject.len > 0) {
		bool random = from.len == 0 && subject.len == 0;

		if (to.len > 0)
			buf_char(&to, ']');
		if (random)
			canon_raw(s, "to_refs", buf_slice(&to));
		if (from.len > 0)
			canon_string(s, "from_ref", from);
		if (subject.len > 0)
			canon_string(s, "subject", subject);
		id = id_make(s, "email-message", random, &new);
		object_open(s, "email-message", id);
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

static void put_process(struct scribe *s)
{
	struct slice command = {0}, image = {0}, id;
	struct file f = {0};
	bool new;

	if (say(s, ROLE_COMMAND) != SAID_NOTHING)
		command = arena_copy(s->arena, buf_slice(&s->said));
	if (say(s, ROLE_PROCESS) != SAID_NOTHING) {
		f.name = arena_copy(s->arena, buf_slice(&s->said));
		image = put_file(s, &f);
	}
	if (command.len == 0 && image.len == 0)
		return;
	if (command.len > 0)
		canon_string(s, "command_line", command);
	if (image.len > 0)
		canon_string(s, "image_ref", image);
	id = id_make(s, "process", true, &new);
	object_open(s, "process", id);
	if (command.len > 0)
		json_member_string(&s->w, "command_line", command);
	if (image.len > 0)
		json_member_string(&s->w, "image_ref", image);
	json_write_end(&s->w, '}');
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
		else if (say(s, rows[k].role) != SAID_NOTHING)
			values[k] = arena_copy(s->arena, buf_slice(&s->said));
		any |= rows[k].role != ROLE_NONE && values[k].len > 0;
		if (values[k].len > 0)
			canon_string(s, rows[k].name, values[k]);
	}
	if (!any) {
		buf_clear(&s->canon);
		return;
	}
	id = id_make(s, "x-serai-plant-operation", false, &new);
	object_open(s, "x-serai-plant-operation", id);
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
	put_query(&s);
	put_traffic(&s, &traffic);
	put_values(&s);
	put_files(&s);
	put_certificates(&s);
	put_mail(&s);
	put_process(&s);
	put_plant(&s, traffic);
	json_write_end(&s.w, ']');
	good = !out->bad && !s.said.bad && !s.canon.bad && !s.uuids.bad;
	buf_fini(&s.said);
	buf_fini(&s.canon);
	buf_fini(&s.uuids);
	return good;
}
