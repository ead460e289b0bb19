/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Files of Zeek's intel framework: tab-separated, typed, with metadata columns. What Zeek could
 * never find (a URL with its scheme, a digest that it does not compute) is not written but told.
 */
#include <stdlib.h>

#include "export_value.h"

struct zeek {
	struct export_seen seen;
	struct export_creator creator;
	struct buf out;
};

/* export_value_name to Intel::Type. Zeek computes MD5, SHA-1 and SHA-256 of files, and SHA-1 of
 * certificates. */
static const struct {
	const char *name;
	const char *type;
} types[] = {
	{"name",       "Intel::DOMAIN"   },
	{"url",        "Intel::URL"      },
	{"email",      "Intel::EMAIL"    },
	{"md5",        "Intel::FILE_HASH"},
	{"sha1",       "Intel::FILE_HASH"},
	{"sha256",     "Intel::FILE_HASH"},
	{"cert-hash",  "Intel::CERT_HASH"},
	{"file-name",  "Intel::FILE_NAME"},
	{"user-name",  "Intel::USER_NAME"},
	{"user-agent", "Intel::SOFTWARE" },
	{"software",   "Intel::SOFTWARE" },
	{"ja3",        "Intel::JA3"      },
	{"ja3s",       "Intel::JA3S"     },
};

static const char *type_of(const struct stix_value *v)
{
	struct export_address address;

	if (v->kind == STIX_VALUE_ADDRESS) {
		address = export_address_of(v);
		return address.prefix == (address.four ? 32u : 128u) ? "Intel::ADDR"
								     : "Intel::SUBNET";
	}
	for (size_t k = 0; k < COUNT_OF(types); k++) {
		if (strcmp(types[k].name, export_value_name(v)) == 0)
			return types[k].type;
	}
	return NULL;
}

static enum err_kind zeek_begin(struct export_job *job, struct err *e)
{
	struct zeek *z = calloc(1, sizeof(*z));

	if (z == NULL)
		return export_nomem(e);
	job->state = z;
	export_seen_init(&z->seen, job->world);
	return job->out->write(job->out->context,
		SLICE("#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\tmeta.url\n"), e);
}

/* Zeek's ASCII reader takes \x09 for a tab; "-" alone is an unset field, "(empty)" an empty one,
 * and
 * '#' begins a comment. */
static void field(struct buf *out, struct slice text, bool last)
{
	if (text.len == 0)
		buf_char(out, '-');
	for (size_t k = 0; k < text.len; k++) {
		unsigned char c = (unsigned char)text.data[k];
		bool alone = k == 0 &&
			     (c == '#' || (c == '-' && text.len == 1) || slice_is(text, "(empty)"));

		if (c < 0x20 || c == 0x7f || c == '\\' || alone)
			buf_printf(out, "\\x%02x", c);
		else
			buf_char(out, (char)c);
	}
	buf_char(out, last ? '\n' : '\t');
}

/*
 * Zeek looks for URLs as host[:port]/path (HTTP::build_url); a wildcard it never finds, for names
 * are looked up as they were asked.
 */
static bool text_for_zeek(struct export_job *job, const struct export_object *o,
	const struct stix_value *v, struct slice *text)
{
	size_t scheme = slice_find_text(*text, SLICE("://"));

	if (v->kind == STIX_VALUE_NAME && slice_starts(*text, SLICE("*."))) {
		export_lose(job, o->facts.id, "no place for the wildcard %.*s", SLICE_ARG(*text));
		return false;
	}
	if (v->kind == STIX_VALUE_URL && scheme < text->len) {
		if (!slice_is(slice_cut(*text, 0, scheme), "http"))
			export_lose(job, o->facts.id, "no place for the scheme of %.*s",
				SLICE_ARG(*text));
		*text = slice_cut(*text, scheme + 3, text->len);
	}
	return true;
}

static enum err_kind zeek_object(
	struct export_job *job, const struct export_object *o, struct err *e)
{
	static const char *const kept[] = {"pattern", "pattern_type", "name", "created_by_ref",
		"value", "number", "hashes", NULL};
	struct zeek *z = job->state;
	struct slice source = export_creator_name(job, &z->creator, o);
	struct slice url = export_reference_url(o->value);
	struct export_values values;
	enum err_kind kind = export_values(job, o, &values, e);
	bool is_new, any = false;

	for (size_t k = 0; kind == OK && k < values.count; k++) {
		const struct stix_value *v = &values.items[k];
		struct slice text = export_value_text(v, job->arena), entry;
		const char *type = type_of(v);

		if (text.data == NULL)
			return export_nomem(e);
		if (type == NULL) {
			export_lose(job, o->facts.id, "no place for %s %.*s", export_value_name(v),
				SLICE_ARG(text));
			continue;
		}
		if (!text_for_zeek(job, o, v, &text))
			continue;
		any = true;
		entry = arena_printf(job->arena, "%s %.*s", type, SLICE_ARG(text));
		if (entry.data == NULL || !export_seen_add(&z->seen, entry, &is_new))
			return export_nomem(e);
		if (!is_new) {
			export_lose(job, o->facts.id, "%.*s is there already, from another object",
				SLICE_ARG(text));
			continue;
		}
		field(&z->out, text, false);
		field(&z->out, slice_of(type), false);
		field(&z->out, source.len > 0 ? source : SLICE("Serai"), false);
		field(&z->out, json_get_string(o->value, "name"), false);
		field(&z->out, url, true);
		job->records++;
	}
	if (any)
		export_lose_members(job, o, kept);
	return kind == OK ? export_flush(job, &z->out, e) : kind;
}

static enum err_kind zeek_end(struct export_job *job, struct err *e)
{
	(void)job;
	(void)e;
	return OK;
}

static void zeek_free(struct export_job *job)
{
	struct zeek *z = job->state;

	if (z == NULL)
		return;
	export_seen_fini(&z->seen);
	export_creator_fini(&z->creator);
	buf_fini(&z->out);
	free(z);
}

const struct exporter export_zeek = {
	.format = {"zeek", "Zeek intel framework file", false, true, false},
	.begin = zeek_begin,
	.object = zeek_object,
	.end = zeek_end,
	.free = zeek_free,
};
