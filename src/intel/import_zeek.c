/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Zeek intelligence files: tab-separated lines whose columns "#fields" names, as Zeek's intel
 * framework reads them. Real feeds are dirty: a line that is not what it says is refused by its
 * number, and the rest comes in.
 */
#include "import_value.h"

#define COLUMNS_MAX 64 /* Zeek knows about twenty */

/* What a column is for. */
enum meaning { INDICATOR, TYPE, SOURCE, DESCRIPTION, URL, CONFIDENCE, HOMELESS, MEANINGS };

static const struct {
	const char *name;
	enum meaning meaning;
} columns[] = {
	{"indicator",       INDICATOR  },
	{"indicator_type",  TYPE       },
	{"meta.source",     SOURCE     },
	{"meta.desc",       DESCRIPTION},
	{"meta.url",        URL        },
	{"meta.confidence", CONFIDENCE },
};

/* Zeek's enumeration and those of its common packages. kind NULL: STIX has no place for it. */
static const struct {
	const char *name;
	const char *kind;
} types[] = {
	{"Intel::ADDR",        "address"  },
	{"Intel::SUBNET",      "network"  },
	{"Intel::URL",         "url"      },
	{"Intel::DOMAIN",      "name"     },
	{"Intel::EMAIL",       "email"    },
	{"Intel::FILE_HASH",   "hash"     },
	{"Intel::FILE_NAME",   "file-name"},
	{"Intel::CERT_HASH",   "cert-hash"},
	{"Intel::JA3",         "ja3"      },
	{"Intel::JA3S",        "ja3s"     },
	{"Intel::USER_NAME",   "user-name"},
	{"Intel::SOFTWARE",    "software" },
	{"Intel::PUBKEY_HASH", NULL       },
};

struct zeek {
	struct import_job *job;
	struct import_feed feed;
	struct slice fields[COLUMNS_MAX]; /* names, copied into `names` */
	enum meaning meanings[COLUMNS_MAX];
	uint64_t lost[COLUMNS_MAX]; /* values of columns that have no place */
	size_t fields_count;
	struct arena *names;
	uint64_t with_scheme; /* URLs that Zeek itself would never find */
};

static int zeek_recognise(struct slice head, const char *name)
{
	struct slice line;

	(void)name;
	while (slice_next(&head, '\n', &line)) {
		if (slice_starts(line, SLICE("#fields\t")) &&
			slice_find_text(line, SLICE("\tindicator_type")) < line.len)
			return 95;
		if (line.len > 0 && line.data[0] != '#')
			return 0;
	}
	return 0;
}

static void zeek_losses(struct zeek *z, const struct intel_place *place)
{
	for (size_t k = 0; k < z->fields_count; k++) {
		if (z->lost[k] > 0)
			import_lose(z->job, place, "column %.*s: %llu values have no place in STIX",
				SLICE_ARG(z->fields[k]), (unsigned long long)z->lost[k]);
		z->lost[k] = 0;
	}
}

/* "#fields" may come again in the middle of a file, with other columns. */
static enum err_kind zeek_fields(
	struct zeek *z, struct slice names, const struct intel_place *place, struct err *e)
{
	bool has[MEANINGS] = {false};
	struct slice name;

	zeek_losses(z, place);
	arena_reset(z->names);
	z->fields_count = 0;
	while (slice_next(&names, '\t', &name)) {
		enum meaning meaning = HOMELESS;

		if (z->fields_count == COLUMNS_MAX)
			return err_set(e, ERR_LIMIT, "line %llu: more than %d columns",
				(unsigned long long)place->line, COLUMNS_MAX);
		for (size_t k = 0; k < COUNT_OF(columns); k++) {
			if (slice_is(name, columns[k].name))
				meaning = columns[k].meaning;
		}
		if (meaning != HOMELESS && has[meaning])
			return err_set(e, ERR_PARSE,
				"line %llu: column \"%.*s\" stands there twice",
				(unsigned long long)place->line, SLICE_ARG(name));
		has[meaning] = true;
		z->fields[z->fields_count] = arena_copy(z->names, name);
		if (z->fields[z->fields_count].data == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		z->meanings[z->fields_count++] = meaning;
	}
	if (!has[INDICATOR] || !has[TYPE])
		return err_set(e, ERR_PARSE,
			"line %llu: expected the columns \"indicator\" and \"indicator_type\" in "
			"#fields",
			(unsigned long long)place->line);
	return OK;
}

/* "\x09" stands for a byte that would end a field; anything else behind a backslash stays. */
static struct slice zeek_unescape(struct slice text, struct arena *a)
{
	char *to;
	size_t len = 0;

	if (slice_find(text, '\\', 0) == text.len)
		return text;
	to = arena_string(a, text);
	if (to == NULL)
		return text;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte;

		if (text.data[i] == '\\' && i + 3 < text.len && text.data[i + 1] == 'x' &&
			hex_decode(slice_cut(text, i + 2, i + 4), &byte, 1)) {
			to[len++] = (char)byte;
			i += 3;
		} else {
			to[len++] = text.data[i];
		}
	}
	return (struct slice){to, len};
}

static bool zeek_unset(struct slice text)
{
	return text.len == 0 || slice_is(text, "-") || slice_is(text, "(empty)");
}

/* The kind of value; false with *ret_why. */
static bool zeek_kind(struct slice type, const struct import_kind **ret_kind, const char **ret_why)
{
	for (size_t k = 0; k < COUNT_OF(types); k++) {
		if (!slice_is(type, types[k].name))
			continue;
		if (types[k].kind == NULL) {
			*ret_why = "this type has no place in STIX";
			return false;
		}
		*ret_kind = import_kind_find(slice_of(types[k].kind));
		return true;
	}
	*ret_why = "no such indicator type, expected Intel::ADDR, Intel::DOMAIN or the like";
	return false;
}

static void zeek_confidence(struct zeek *z, struct slice text, const struct intel_place *place,
	struct import_entry *entry)
{
	uint64_t value;

	if (slice_to_u64(text, &value) && value <= 100)
		entry->confidence = (int)value;
	else
		import_lose(
			z->job, place, "confidence \"%.*s\", expected 0 to 100", SLICE_ARG(text));
}

/* Reads the fields of a line; false with *ret_why when it is no entry. */
static bool zeek_entry(struct zeek *z, struct slice line, const struct intel_place *place,
	struct import_entry *entry, const char **ret_why)
{
	struct slice field, value = {0}, type = {0};
	const struct import_kind *kind = NULL;
	size_t count = 0;

	while (slice_next(&line, '\t', &field)) {
		if (count == z->fields_count) {
			*ret_why = "more fields than #fields names";
			return false;
		}
		count++;
		if (zeek_unset(field))
			continue;
		field = zeek_unescape(field, z->feed.arena);
		switch (z->meanings[count - 1]) {
		case INDICATOR:
			value = field;
			break;
		case TYPE:
			type = field;
			break;
		case SOURCE:
			entry->source = field;
			break;
		case DESCRIPTION:
			entry->description = field;
			break;
		case URL:
			entry->url = field;
			break;
		case CONFIDENCE:
			zeek_confidence(z, field, place, entry);
			break;
		default:
			z->lost[count - 1]++;
			break;
		}
	}
	if (count < z->fields_count) {
		*ret_why = "fewer fields than #fields names; they are separated by tabs";
		return false;
	}
	if (!zeek_kind(type, &kind, ret_why) ||
		!import_value_read(kind, value, z->feed.arena, &entry->value, ret_why))
		return false;
	if (entry->value.kind == STIX_VALUE_URL && slice_find_text(value, SLICE("://")) < value.len)
		z->with_scheme++;
	return true;
}

static enum err_kind zeek_line(
	struct zeek *z, struct slice line, const struct intel_place *place, struct err *e)
{
	struct import_entry entry = IMPORT_ENTRY_INIT;
	const char *why;

	if (slice_starts(line, SLICE("#fields\t")))
		return zeek_fields(z, slice_cut(line, 8, line.len), place, e);
	if (slice_trim(line).len == 0 || line.data[0] == '#')
		return OK;
	arena_reset(z->feed.arena);
	if (z->fields_count == 0)
		return import_refuse(
			z->job, place, (struct slice){0}, e, "no #fields line came before it");
	if (!zeek_entry(z, line, place, &entry, &why))
		return import_refuse(z->job, place, (struct slice){0}, e, "\"%.*s\": %s",
			SLICE_ARG(slice_cut(line, 0, slice_find(slice_cut(line, 0, 128), '\t', 0))),
			why);
	return import_feed_add(&z->feed, place, &entry, e);
}

static enum err_kind zeek_lines(struct zeek *z, struct err *e)
{
	struct import_lines lines;
	struct intel_place place = {0};
	enum err_kind kind = import_lines_init(&lines, z->job, e);

	for (uint64_t count = 0; kind == OK; count++) {
		enum import_line what;
		struct slice line;

		if (count % 256 == 0 && !z->job->sink->go_on(z->job->sink->context))
			break;
		kind = import_lines_next(&lines, &what, &line, &place, e);
		if (kind != OK || what == IMPORT_LINES_END)
			break;
		kind = what == IMPORT_LINE_TOO_LONG
			       ? import_refuse(z->job, &place, (struct slice){0}, e,
					 "the line is longer than %zu bytes", IMPORT_LINE_MAX)
			       : zeek_line(z, line, &place, e);
	}
	import_lines_fini(&lines);
	zeek_losses(z, &place);
	if (z->with_scheme > 0)
		import_lose(z->job, &place,
			"%llu URLs carry a scheme: kept as they are, but Zeek itself never finds "
			"such URLs",
			(unsigned long long)z->with_scheme);
	return kind;
}

static enum err_kind zeek_run(struct import_job *job, struct err *e)
{
	struct zeek z = {.job = job, .names = arena_new(MIB(1))};
	enum err_kind kind = import_feed_init(&z.feed, job, e);

	if (kind == OK && z.names == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	if (kind == OK)
		kind = zeek_lines(&z, e);
	import_feed_fini(&z.feed);
	arena_free(z.names);
	return kind;
}

const struct importer import_zeek = {
	.format = {"zeek", "Zeek intelligence files (#fields indicator indicator_type ...)", true,
		   true, false},
	.recognise = zeek_recognise,
	.run = zeek_run,
};
