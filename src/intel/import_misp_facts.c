/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Values in their places: from the facts of an attribute or object to observables and to a pattern.
 * One engine for all types of MISP, driven by the table of fields.
 */
#include "import_misp.h"
#include "import_value.h"

#define NAME_TIMES_ADDRESSES_MAX 400 /* resolutions of one object; real ones have a few */

/* ---- checking ------------------------------------------------------------------------------- */

static bool all_of(struct slice text, bool (*fits)(char c))
{
	for (size_t i = 0; i < text.len; i++) {
		if (!fits(text.data[i]))
			return false;
	}
	return text.len > 0;
}

static bool hex_fits(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool print_fits(char c)
{
	return c > ' ' && c < 0x7f;
}

/*
 * Hashes without a row among the kinds of lists: by the number of hex digits. 0: whatever is
 * printable (ssdeep, vhash).
 */
static bool hash_fits(const char *algorithm, struct slice text)
{
	static const struct {
		const char *algorithm;
		size_t digits;
	} lengths[] = {
		{"SHA-224",      56 },
		{"SHA-384",      96 },
		{"SHA3-256",     64 },
		{"SHA3-512",     128},
		{"AUTHENTIHASH", 0  },
	};
	size_t colon;

	if (!all_of(text, print_fits))
		return false;
	for (size_t k = 0; k < COUNT_OF(lengths); k++) {
		if (strcmp(lengths[k].algorithm, algorithm) == 0)
			return all_of(text, hex_fits) &&
			       (lengths[k].digits == 0 || text.len == lengths[k].digits);
	}
	if (strcmp(algorithm, "TLSH") == 0) {
		if (text.len == 72 && text.data[0] == 'T' && text.data[1] == '1')
			text = slice_cut(text, 2, text.len);
		return text.len == 70 && all_of(text, hex_fits);
	}
	if (strcmp(algorithm, "SSDEEP") == 0) { /* "96:abc:def" */
		uint64_t block;

		colon = slice_find(text, ':', 0);
		return slice_to_u64(slice_cut(text, 0, colon), &block) &&
		       slice_find(text, ':', colon + 1) < text.len;
	}
	return true;
}

/* The object path of a field, section 9.7. */
static void path_append(struct buf *b, const struct misp_field *field)
{
	static const char *const forms[] = {
		[MISP_VALUE] = "%s:%s",
		[MISP_STRING] = "%s:%s",
		[MISP_INTEGER] = "%s:%s",
		[MISP_HASH] = "%s:hashes.'%s'",
		[MISP_REF] = "%s:%s.value",
		[MISP_REFS] = "%s:%s[*].value",
		[MISP_HEADER] = "%s:additional_header_fields.'%s'",
		[MISP_DATA] = "%s:values[*].%s",
		[MISP_PATTERN] = "%s:%s",
	};
	const char *form = forms[field->shape];
	size_t property = (size_t)(strrchr(form, '%') - form);

	buf_text(b, field->type);
	buf_append(b, form + 2, property - 2);
	buf_text(b, field->property);
	buf_text(b, form + property + 2);
}

/* Section 6.17: the hive in full, which hardly anybody writes. */
static struct slice registry_key(struct misp *m, struct slice key)
{
	static const struct {
		const char *from;
		const char *to;
	} hives[] = {
		{"HKLM", "HKEY_LOCAL_MACHINE"   },
		{"HKCU", "HKEY_CURRENT_USER"    },
		{"HKCR", "HKEY_CLASSES_ROOT"    },
		{"HKU",  "HKEY_USERS"           },
		{"HKCC", "HKEY_CURRENT_CONFIG"  },
		{"HKPD", "HKEY_PERFORMANCE_DATA"},
	};
	size_t end = slice_find(key, '\\', 0);
	struct slice hive = slice_cut(key, 0, end);

	if (slice_ends(hive, SLICE(":"))) /* as PowerShell writes it */
		hive.len--;
	for (size_t k = 0; k < COUNT_OF(hives); k++) {
		if (slice_equal_nocase(hive, slice_of(hives[k].from)))
			return arena_printf(m->scratch, "%s%.*s", hives[k].to,
				SLICE_ARG(slice_cut(key, end, key.len)));
	}
	return key;
}

bool misp_fact_make(struct misp *m, const struct misp_field *field, struct slice text, bool to_ids,
	struct misp_fact *ret_fact)
{
	struct misp_fact fact = {.field = field, .to_ids = to_ids};
	struct buf term = BUF_INIT;
	struct import_value value;
	uint64_t number;
	const char *why;

	text = slice_trim(text);
	if (text.len == 0)
		return false;
	if (field->kind != NULL) {
		if (!import_value_read(import_kind_find(slice_of(field->kind)), text, m->scratch,
			    &value, &why))
			return false;
		if (value.kind == STIX_VALUE_ADDRESS && value.key.len != 32)
			return false; /* an address with a port is no address */
		fact.text = value.text;
		/* without the brackets around it */
		fact.term = slice_cut(value.pattern, 1, value.pattern.len - 1);
		if (field->shape == MISP_VALUE) {
			*ret_fact = fact;
			return true;
		}
	} else {
		fact.text = strcmp(field->name, "regkey") == 0 ? registry_key(m, text) : text;
	}
	if (field->shape == MISP_HASH && field->kind == NULL && !hash_fits(field->property, text))
		return false;
	if (field->shape == MISP_INTEGER && !slice_to_u64(text, &number))
		return false;
	/* Section 6.12: ports are 0 to 65535. */
	if (field->shape == MISP_INTEGER && slice_ends(slice_of(field->property), SLICE("_port")) &&
		number > 65535)
		return false;
	if (field->shape == MISP_INTEGER && number > INT64_C(9007199254740991))
		return false;
	path_append(&term, field);
	buf_text(&term, " = ");
	if (field->shape == MISP_INTEGER)
		buf_slice_append(&term, text);
	else
		stix_pattern_quote(&term, fact.text);
	fact.term = term.bad ? (struct slice){0} : arena_copy(m->scratch, buf_slice(&term));
	buf_fini(&term);
	if (fact.term.data == NULL || fact.text.data == NULL)
		return false;
	*ret_fact = fact;
	return true;
}

/* ---- the pattern ---------------------------------------------------------------------------- */

static const char *type_of(const struct misp_fact *fact)
{
	return fact->field->type != NULL ? fact->field->type : "";
}

/* Join the terms of one type; those that are strong, or (without any) the others. */
static void pattern_group(struct misp_fact *facts, size_t count, const char *type, bool strong,
	bool parentheses, struct buf *out)
{
	bool first = true;

	if (parentheses)
		buf_char(out, '(');
	for (size_t k = 0; k < count; k++) {
		if (!facts[k].to_ids || facts[k].term.len == 0 ||
			facts[k].field->strong != strong || strcmp(type_of(&facts[k]), type) != 0)
			continue;
		if (!first)
			buf_text(out, strong ? " OR " : " AND ");
		first = false;
		buf_slice_append(out, facts[k].term);
		facts[k].in_pattern = true;
	}
	if (parentheses)
		buf_char(out, ')');
}

enum err_kind misp_facts_pattern(struct misp *m, struct misp_fact *facts, size_t count,
	struct slice *ret_pattern, struct err *e)
{
	struct buf out = BUF_INIT;
	struct slice pattern = {0};

	for (size_t k = 0; k < count; k++) {
		const char *type = type_of(&facts[k]);
		size_t strong = 0, weak = 0, others = 0;
		bool earlier = false;

		if (!facts[k].to_ids || facts[k].term.len == 0)
			continue;
		for (size_t i = 0; i < count; i++) {
			bool counts = facts[i].to_ids && facts[i].term.len > 0;

			if (strcmp(type_of(&facts[i]), type) != 0) {
				others += counts;
				continue;
			}
			earlier |= counts && i < k;
			strong += counts && facts[i].field->strong;
			weak += counts && !facts[i].field->strong;
		}
		if (earlier)
			continue; /* its group is written already */
		buf_text(&out, out.len == 0 ? "[" : " OR ");
		pattern_group(facts, count, type, strong > 0, strong == 0 && weak > 1 && others > 0,
			&out);
	}
	if (out.len > 0) {
		buf_char(&out, ']');
		pattern = arena_copy(m->scratch, buf_slice(&out));
	}
	if (out.bad || (out.len > 0 && pattern.data == NULL)) {
		buf_fini(&out);
		return misp_nomem(e);
	}
	/* Longer than we ourselves would read: then the facts stay observables. */
	if (out.len > STIX_PATTERN_MAX) {
		pattern = (struct slice){0};
		for (size_t k = 0; k < count; k++)
			facts[k].in_pattern = false;
		misp_lose(m, "object", SLICE("(a pattern longer than can be read)"), m->event_text);
	}
	buf_fini(&out);
	*ret_pattern = pattern;
	return OK;
}

/* ---- observables ---------------------------------------------------------------------------- */

static size_t marking_of(enum stix_tlp tlp, struct uuid *ret_uuid)
{
	/* What anybody may see keeps the standard's id. */
	return tlp != STIX_TLP_CLEAR && import_tlp_uuid(tlp, ret_uuid) ? 1 : 0;
}

/*
 * Emit m->body, which holds an observable without its id. *ret_id is empty when it breaks a rule of
 * its type: MISP lets values through that STIX does not, and then they are told in another way.
 */
static enum err_kind observable_emit(struct misp *m, const char *type, enum stix_tlp tlp,
	struct misp_list *ids, struct slice *ret_id, struct err *e)
{
	struct uuid marking, uuid;
	size_t markings_count = marking_of(tlp, &marking);
	struct slice body = buf_slice(&m->body), id;
	struct json_doc doc;
	enum err_kind kind;

	*ret_id = (struct slice){0};
	if (m->body.bad)
		return OK;
	kind = import_observable_id(m->small, body, body, &marking, markings_count, &uuid, e);
	if (kind != OK)
		return kind;
	buf_clear(&m->out);
	import_observable_append(&m->out, body, &uuid, &marking, markings_count);
	stix_report_reset(&m->report);
	if (m->out.bad || json_parse(m->small, buf_slice(&m->out), &doc, NULL) != OK)
		return OK;
	kind = stix_check(json_root(&doc), &m->report, NULL, e);
	if (kind != OK || m->report.errors > 0)
		return kind;
	id = misp_id(m, type, &uuid);
	if (id.data == NULL || !misp_list_add(ids, id))
		return misp_nomem(e);
	*ret_id = id;
	return misp_emit(m, id, tlp, e);
}

static const char *address_type(struct slice text)
{
	return slice_find(text, ':', 0) < text.len ? "ipv6-addr" : "ipv4-addr";
}

/* The observable that is one value. Text that fits a pattern only ("*.evil.example") is none. */
static enum err_kind value_emit(struct misp *m, struct misp_fact *fact, const char *type,
	const char *property, enum stix_tlp tlp, struct misp_list *ids, struct slice *ret_id,
	struct err *e)
{
	struct json_writer w = JSON_WRITER(&m->body);
	bool asn = strcmp(type, "autonomous-system") == 0;
	uint64_t number = 0;

	*ret_id = (struct slice){0};
	if (strcmp(type, "domain-name") == 0 && slice_starts(fact->text, SLICE("*")))
		return OK;
	if (strcmp(type, "url") == 0 && slice_find_text(fact->text, SLICE("://")) == fact->text.len)
		return OK;
	if (asn && !slice_to_u64(slice_cut(fact->text, 2, fact->text.len), &number)) /* "AS64496" */
		return OK;
	buf_clear(&m->body);
	json_write_object(&w);
	json_member_text(&w, "type", type);
	if (asn)
		json_member_i64(&w, property, (int64_t)number);
	else
		json_member_string(&w, property, fact->text);
	json_write_end(&w, '}');
	return observable_emit(m, type, tlp, ids, ret_id, e);
}

/* What a field's reference points to, by its text. */
static const char *target_type(const struct misp_fact *fact)
{
	if (strcmp(fact->field->kind, "address") == 0)
		return address_type(fact->text);
	return strcmp(fact->field->kind, "name") == 0 ? "domain-name" : "email-addr";
}

/* Is this fact the first of its property? An observable has room for one. */
static bool first_of(const struct misp_fact *facts, size_t k)
{
	for (size_t i = 0; i < k; i++) {
		if (strcmp(type_of(&facts[i]), type_of(&facts[k])) == 0 &&
			strcmp(facts[i].field->property, facts[k].field->property) == 0 &&
			facts[i].field->shape == facts[k].field->shape)
			return false;
	}
	return true;
}

/* The facts of one type with one shape as one member: {"hashes":{..}}, {"to_refs":[..]}. */
static void write_group(struct json_writer *w, struct misp_fact *facts, size_t count,
	const char *type, enum misp_shape shape, const char *member)
{
	bool any = false;

	for (size_t k = 0; k < count; k++) {
		struct misp_fact *f = &facts[k];

		if (strcmp(type_of(f), type) != 0 || f->field->shape != shape ||
			!first_of(facts, k))
			continue;
		if (!any) {
			json_write_name(w, member);
			json_write_object(w);
		}
		any = true;
		json_write_name(w, f->field->property);
		if (shape == MISP_HEADER)
			json_write_array(w);
		json_write_string(w, f->text);
		if (shape == MISP_HEADER)
			json_write_end(w, ']');
		f->in_observable = true;
	}
	if (any)
		json_write_end(w, '}');
}

/* References first: what they point to must be out before its id can be written. */
static enum err_kind targets_emit(struct misp *m, struct misp_fact *facts, size_t count,
	const char *type, enum stix_tlp tlp, struct misp_list *ids, struct slice *targets,
	struct err *e)
{
	enum err_kind kind = OK;

	for (size_t k = 0; k < count && kind == OK; k++) {
		targets[k] = (struct slice){0};
		if (strcmp(type_of(&facts[k]), type) != 0 ||
			(facts[k].field->shape != MISP_REF && facts[k].field->shape != MISP_REFS) ||
			(facts[k].field->shape == MISP_REF && !first_of(facts, k)))
			continue;
		kind = value_emit(
			m, &facts[k], target_type(&facts[k]), "value", tlp, ids, &targets[k], e);
		facts[k].in_observable = targets[k].len > 0;
	}
	return kind;
}

static void write_references(struct json_writer *w, const struct misp_fact *facts, size_t count,
	const char *type, const struct slice *targets)
{
	for (size_t k = 0; k < count; k++) {
		const struct misp_field *field = facts[k].field;

		if (strcmp(type_of(&facts[k]), type) != 0 || targets[k].len == 0 ||
			(field->shape == MISP_REFS && !first_of(facts, k)))
			continue;
		json_write_name(w, field->property);
		if (field->shape == MISP_REF) {
			json_write_string(w, targets[k]);
			continue;
		}
		json_write_array(w);
		for (size_t i = k; i < count; i++) {
			if (facts[i].field == field && targets[i].len > 0)
				json_write_string(w, targets[i]);
		}
		json_write_end(w, ']');
	}
}

static void write_plain(
	struct json_writer *w, struct misp_fact *facts, size_t count, const char *type)
{
	for (size_t k = 0; k < count; k++) {
		struct misp_fact *f = &facts[k];
		uint64_t number;

		if (strcmp(type_of(f), type) != 0 || !first_of(facts, k))
			continue;
		if (f->field->shape == MISP_STRING) {
			json_member_string(w, f->field->property, f->text);
			f->in_observable = true;
		} else if (f->field->shape == MISP_INTEGER && slice_to_u64(f->text, &number)) {
			json_member_i64(w, f->field->property, (int64_t)number);
			f->in_observable = true;
		}
	}
}

/* Section 6.12: protocols are required, lowest first; the address family is all that is known. */
static void write_protocols(struct json_writer *w, const struct misp_fact *facts, size_t count)
{
	const char *protocol = "tcp";

	for (size_t k = 0; k < count; k++) {
		if (facts[k].field->shape == MISP_REF &&
			strcmp(facts[k].field->kind, "address") == 0)
			protocol = strcmp(address_type(facts[k].text), "ipv6-addr") == 0 ? "ipv6"
											 : "ipv4";
	}
	json_write_name(w, "protocols");
	json_write_array(w);
	json_write_text(w, protocol);
	json_write_end(w, ']');
}

/* Has the type what the standard asks of an observable of it? */
static bool composable(
	const struct misp_fact *facts, size_t count, const char *type, const struct slice *targets)
{
	bool file = strcmp(type, "file") == 0, traffic = strcmp(type, "network-traffic") == 0;

	for (size_t k = 0; k < count; k++) {
		const struct misp_field *field = facts[k].field;

		if (strcmp(type_of(&facts[k]), type) != 0 || field->shape == MISP_PATTERN)
			continue;
		if (file && field->shape != MISP_HASH && strcmp(field->property, "name") != 0)
			continue; /* 6.7: hashes or a name */
		if (traffic && targets[k].len == 0)
			continue; /* 6.12: a source or a destination */
		if (strcmp(type, "windows-registry-key") == 0 && field->shape == MISP_DATA)
			continue;
		return true;
	}
	return false;
}

/* One observable of all facts of a type. */
static enum err_kind composed_emit(struct misp *m, struct misp_fact *facts, size_t count,
	const char *type, enum stix_tlp tlp, struct slice artifact, struct misp_list *ids,
	struct err *e)
{
	struct json_writer w = JSON_WRITER(&m->body);
	struct slice *targets = ARENA_ARRAY(m->scratch, struct slice, count);
	struct slice id;
	enum err_kind kind;

	if (targets == NULL)
		return misp_nomem(e);
	kind = targets_emit(m, facts, count, type, tlp, ids, targets, e);
	if (kind != OK || !composable(facts, count, type, targets))
		return kind;
	buf_clear(&m->body);
	json_write_object(&w);
	json_member_text(&w, "type", type);
	if (strcmp(type, "email-message") == 0)
		json_member_bool(&w, "is_multipart", false);
	if (strcmp(type, "network-traffic") == 0)
		write_protocols(&w, facts, count);
	write_plain(&w, facts, count, type);
	write_references(&w, facts, count, type, targets);
	write_group(&w, facts, count, type, MISP_HASH, "hashes");
	write_group(&w, facts, count, type, MISP_HEADER, "additional_header_fields");
	if (strcmp(type, "windows-registry-key") == 0) {
		bool any = false;

		for (size_t k = 0; k < count; k++)
			any |= facts[k].field->shape == MISP_DATA;
		if (any) {
			json_write_name(&w, "values");
			json_write_array(&w);
		}
		for (size_t k = 0; k < count; k++) {
			if (facts[k].field->shape != MISP_DATA)
				continue;
			json_write_object(&w);
			json_member_string(&w, "data", facts[k].text);
			json_write_end(&w, '}');
			facts[k].in_observable = true;
		}
		if (any)
			json_write_end(&w, ']');
	}
	if (strcmp(type, "file") == 0 && artifact.len > 0)
		json_member_string(&w, "content_ref", artifact);
	json_write_end(&w, '}');
	kind = observable_emit(m, type, tlp, ids, &id, e);
	for (size_t k = 0; k < count && id.len == 0; k++) {
		if (strcmp(type_of(&facts[k]), type) == 0 && targets[k].len == 0)
			facts[k].in_observable = false;
	}
	return kind;
}

enum err_kind misp_facts_observables(struct misp *m, struct misp_fact *facts, size_t count,
	enum stix_tlp tlp, struct slice artifact, struct misp_list *ids, struct err *e)
{
	enum err_kind kind = OK;

	for (size_t k = 0; k < count && kind == OK; k++) {
		const char *type = type_of(&facts[k]);
		bool earlier = false;
		struct slice id;

		if (facts[k].field->shape == MISP_VALUE) {
			if (facts[k].field->type == NULL)
				type = address_type(facts[k].text);
			kind = value_emit(
				m, &facts[k], type, facts[k].field->property, tlp, ids, &id, e);
			facts[k].in_observable = id.len > 0;
			continue;
		}
		for (size_t i = 0; i < k; i++)
			earlier |= strcmp(type_of(&facts[i]), type) == 0;
		if (!earlier)
			kind = composed_emit(m, facts, count, type, tlp, artifact, ids, e);
	}
	return kind;
}

enum err_kind misp_facts_resolve(struct misp *m, const struct misp_fact *facts, size_t count,
	const struct misp_head *like, struct err *e)
{
	struct uuid marking;
	size_t markings_count = marking_of(like->tlp, &marking), written = 0;
	enum err_kind kind = OK;

	for (size_t a = 0; a < count; a++) {
		if (strcmp(facts[a].field->name, "name") != 0 || !facts[a].in_observable)
			continue;
		for (size_t b = 0; b < count && kind == OK; b++) {
			struct slice ends[2];

			if (strcmp(facts[b].field->name, "ip") != 0 || !facts[b].in_observable)
				continue;
			if (written++ == NAME_TIMES_ADDRESSES_MAX) {
				misp_lose(m, "object", SLICE("(resolutions beyond 400)"),
					m->event_text);
				return OK;
			}
			for (size_t end = 0; end < 2; end++) {
				const struct misp_fact *f = end == 0 ? &facts[a] : &facts[b];
				const char *type = end == 0 ? "domain-name" : address_type(f->text);
				struct json_writer w = JSON_WRITER(&m->body);
				struct uuid uuid;

				buf_clear(&m->body);
				json_write_object(&w);
				json_member_text(&w, "type", type);
				json_member_string(&w, "value", f->text);
				json_write_end(&w, '}');
				kind = import_observable_id(m->small, buf_slice(&m->body),
					(struct slice){0}, &marking, markings_count, &uuid, e);
				if (kind != OK)
					return kind;
				ends[end] = misp_id(m, type, &uuid);
				if (ends[end].data == NULL)
					return misp_nomem(e);
			}
			kind = misp_relate(m, NULL, SLICE("resolves-to"), ends[0], ends[1], like,
				(struct slice){0}, e);
		}
	}
	return kind;
}
