/* SPDX-License-Identifier: MPL-2.0 */
/*
 * From intelligence to an index. A file of STIX is read twice: first for names of producers and for
 * which version of an indicator is the latest, then for the values.
 */
#include <stdlib.h>

#include "sensor.h"

#define LATEST_MAX   10000000 /* indicators of one file */
#define PRODUCER_MAX 120      /* bytes of a producer's name that are kept */
#define LIST_BYTES   MIB(4)   /* of a list at a time */
#define ARENA_BYTES  MIB(64)  /* one object's values */

struct latest {
	struct uuid id; /* all zeros: free */
	int64_t version_us;
	bool revoked;
	char *name; /* of an identity */
};

struct compile {
	struct index_builder *builder;
	const struct sensor_compile_options *o;
	struct sensor_compile_counts *counts;
	const char *path;
	uint8_t key[16];
	struct latest *latest;
	size_t capacity, used;
	struct arena *arena;
	struct json_parser *parser;
	struct stix_report report;
	bool first; /* of the two passes */
};

static void refuse(struct compile *c, uint64_t line, struct slice what, const struct err *why)
{
	c->counts->refused++;
	if (c->o->refused != NULL)
		c->o->refused(c->o->context, c->path, line, what, why);
}

/* ---- the latest of each ---------------------------------------------------------------------- */

static size_t latest_find(const struct compile *c, const struct uuid *id)
{
	static const struct uuid none;
	size_t at =
		hash_table(c->key, (struct slice){(const char *)id->bytes, 16}) & (c->capacity - 1);

	while (!uuid_equal(&c->latest[at].id, &none) && !uuid_equal(&c->latest[at].id, id))
		at = (at + 1) & (c->capacity - 1);
	return at;
}

static struct latest *latest_make(struct compile *c, const struct uuid *id)
{
	size_t at;

	if (2 * (c->used + 1) > c->capacity) {
		struct compile more = *c;

		more.capacity = c->capacity == 0 ? 1024 : 2 * c->capacity;
		more.latest = calloc(more.capacity, sizeof(*more.latest));
		if (more.latest == NULL)
			return NULL;
		for (size_t i = 0; i < c->capacity; i++) {
			static const struct uuid none;

			if (!uuid_equal(&c->latest[i].id, &none))
				more.latest[latest_find(&more, &c->latest[i].id)] = c->latest[i];
		}
		free(c->latest);
		*c = more;
	}
	at = latest_find(c, id);
	if (!uuid_equal(&c->latest[at].id, id)) {
		c->latest[at].id = *id;
		c->latest[at].version_us = INT64_MIN;
		c->used++;
	}
	return &c->latest[at];
}

static enum err_kind latest_note(
	struct compile *c, struct json_value object, const struct stix_facts *f, struct err *e)
{
	bool identity = slice_is(f->key.type, "identity");
	struct latest *l;

	(void)object;
	if (!identity && !slice_is(f->key.type, "indicator"))
		return OK;
	if (c->used >= LATEST_MAX)
		return err_set(
			e, ERR_LIMIT, "%s: more than %d indicators; split it", c->path, LATEST_MAX);
	l = latest_make(c, &f->key.uuid);
	if (l == NULL)
		return err_set(e, ERR_NOMEM, "%s: out of memory", c->path);
	if (f->modified_us <= l->version_us)
		return OK;
	l->version_us = f->modified_us;
	l->revoked = f->revoked;
	if (identity && f->name.len > 0) {
		struct slice name = slice_cut(f->name, 0, PRODUCER_MAX);

		free(l->name);
		l->name = strndup(name.data, name.len);
	}
	return OK;
}

/* ---- an indicator's values ------------------------------------------------------------------- */

static enum field_kind kind_of_value(const struct stix_value *v)
{
	if (v->kind == STIX_VALUE_HASH) {
		if (slice_is(v->object_type, "x509-certificate"))
			return FIELD_CERTIFICATE;
		if (slice_is(v->property, "SSDEEP"))
			return FIELD_SSDEEP;
		if (slice_is(v->property, "imphash"))
			return FIELD_IMPHASH;
		return FIELD_HASH;
	}
	if (v->kind == STIX_VALUE_TEXT) {
		/* No property of the standard: extensions spell them in many ways. */
		if (slice_find_text(v->property, SLICE("ja3s")) < v->property.len)
			return FIELD_JA3S;
		if (slice_find_text(v->property, SLICE("ja3")) < v->property.len)
			return FIELD_JA3;
		if (slice_find_text(v->property, SLICE("ja4")) < v->property.len)
			return FIELD_JA4;
		if (slice_is(v->property, "imphash"))
			return FIELD_IMPHASH;
	}
	return (enum field_kind)v->kind; /* the first eight are the same */
}

static struct slice join_strings(
	struct arena *a, struct slice before, struct json_value list, const char *prefix_name)
{
	struct json_value value;
	struct slice all = before;

	for (struct json_iter it = json_iter(list); json_array_next(&it, &value);) {
		struct slice part = json_string(value), prefix = {0};

		if (json_is_object(value)) {
			prefix = json_get_string(value, prefix_name);
			part = json_get_string(value, "phase_name");
		}
		if (part.len == 0)
			continue;
		all = arena_printf(a, "%.*s%s%.*s%s%.*s", SLICE_ARG(all), all.len > 0 ? "," : "",
			SLICE_ARG(prefix), prefix.len > 0 ? ":" : "", SLICE_ARG(part));
	}
	return all;
}

static enum stix_tlp strictest(const struct stix_facts *f)
{
	enum stix_tlp tlp = STIX_TLP_NONE;

	for (size_t i = 0; i < f->markings_count; i++) {
		enum stix_tlp one = stix_tlp_of(&f->markings[i]);

		if (one > tlp)
			tlp = one;
	}
	return tlp;
}

static struct slice producer_of(struct compile *c, struct json_value object)
{
	struct slice creator = json_get_string(object, "created_by_ref");
	struct stix_id id;

	if (creator.len > 0 && stix_id_parse(creator, &id) && c->capacity > 0) {
		const struct latest *l = &c->latest[latest_find(c, &id.uuid)];

		if (uuid_equal(&l->id, &id.uuid) && l->name != NULL)
			return slice_of(l->name);
	}
	return creator;
}

static enum err_kind values_add(struct compile *c, struct json_value object,
	const struct stix_facts *f, uint64_t line, struct err *e)
{
	struct stix_value *values;
	size_t count, atoms;
	bool all, texts = false;
	struct slice pattern = json_get_string(object, "pattern");
	struct err why;
	enum err_kind kind;

	if (!stix_pattern_is_list(pattern, c->arena, &atoms)) {
		kind = index_builder_pattern(c->builder, pattern, &why);
		if (kind == ERR_NOMEM)
			return err_set(e, kind, "%s", why.text);
		if (kind != OK)
			refuse(c, line, f->id, &why);
		return OK;
	}
	kind = stix_values(object, c->arena, &values, &count, &all, e);
	if (kind != OK)
		return kind;
	if (!all) {
		err_set(&why, ERR_LIMIT, "more than %d values; the rest is left out",
			STIX_VALUES_MAX);
		refuse(c, line, f->id, &why);
	}
	/* Plain texts (a file's name, a plant operation) say what they are only by their path,
	 * which the index does not keep: a pattern judges them. So it does what no field of a log
	 * or packet holds. */
	for (size_t i = 0; i < count; i++)
		texts |= kind_of_value(&values[i]) == FIELD_TEXT;
	if (texts || count == 0) {
		kind = index_builder_pattern(c->builder, pattern, &why);
		if (kind == ERR_NOMEM)
			return err_set(e, kind, "%s", why.text);
		if (kind != OK)
			refuse(c, line, f->id, &why);
		return OK;
	}
	for (size_t i = 0; i < count; i++) {
		kind = index_builder_value(
			c->builder, kind_of_value(&values[i]), values[i].text, &why);
		if (kind == ERR_NOMEM || kind == ERR_LIMIT)
			return err_set(e, kind, "%s", why.text);
		if (kind != OK)
			refuse(c, line, f->id, &why);
	}
	return OK;
}

static enum err_kind indicator_add(struct compile *c, struct json_value object,
	const struct stix_facts *f, uint64_t line, struct err *e)
{
	const struct latest *l = &c->latest[latest_find(c, &f->key.uuid)];
	struct index_entry n = {.id = f->id,
		.version_us = f->modified_us,
		.tlp = strictest(f),
		.confidence = f->confidence,
		.name = slice_cut(f->name, 0, 256)};
	struct json_value member;
	enum err_kind kind;

	c->counts->indicators++;
	if (f->revoked || l->revoked) {
		c->counts->revoked++;
		return OK;
	}
	if (f->modified_us < l->version_us) {
		c->counts->superseded++;
		return OK;
	}
	if (!slice_is(json_get_string(object, "pattern_type"), "stix")) {
		c->counts->other_languages++;
		return OK;
	}
	(void)time_parse(json_get_string(object, "valid_from"), &n.valid_from_us, NULL);
	(void)time_parse(json_get_string(object, "valid_until"), &n.valid_until_us, NULL);
	n.producer = producer_of(c, object);
	if (json_get(object, "kill_chain_phases", &member))
		n.kill_chain = join_strings(c->arena, (struct slice){0}, member, "kill_chain_name");
	if (json_get(object, "indicator_types", &member))
		n.labels = join_strings(c->arena, (struct slice){0}, member, "");
	if (json_get(object, "labels", &member))
		n.labels = join_strings(c->arena, n.labels, member, "");
	kind = index_builder_entry(c->builder, &n, e);
	return kind == OK ? values_add(c, object, f, line, e) : kind;
}

static enum err_kind object_add(struct compile *c, const struct json_item *item, struct err *e)
{
	struct json_doc doc;
	struct stix_facts f;
	struct json_value object;
	struct err why;
	enum err_kind kind = json_parse_item(c->parser, item, &doc, &why);

	if (kind == ERR_NOMEM)
		return err_set(e, kind, "%s", why.text);
	if (kind != OK) {
		if (c->first)
			refuse(c, item->line, (struct slice){0}, &why);
		return OK;
	}
	object = json_root(&doc);
	stix_report_reset(&c->report);
	arena_reset(c->arena);
	kind = stix_check(object, &c->report, &f, e);
	if (kind != OK)
		return kind;
	if (c->first) {
		c->counts->objects++;
		if (c->report.errors > 0 &&
			slice_is(json_get_string(object, "type"), "indicator")) {
			const struct stix_finding *wrong = c->report.findings;

			while (wrong->level != STIX_ERROR)
				wrong++;
			err_set(&why, ERR_INVALID, "%s: %.*s: %.*s", wrong->clause,
				SLICE_ARG(wrong->path), SLICE_ARG(wrong->message));
			refuse(c, item->line, f.id, &why);
		}
		return c->report.errors == 0 ? latest_note(c, object, &f, e) : OK;
	}
	if (c->report.errors > 0 || !slice_is(f.key.type, "indicator"))
		return OK;
	return indicator_add(c, object, &f, item->line, e);
}

static enum err_kind stix_pass(struct compile *c, bool first, struct err *e)
{
	enum json_split_kind what = JSON_SPLIT_MORE;
	struct json_file *f;
	enum err_kind kind = json_file_open(c->path, &f, e);

	if (kind != OK)
		return kind;
	c->first = first;
	while (kind == OK && what != JSON_SPLIT_END) {
		struct json_item item;

		kind = json_file_next(f, &what, &item, e);
		if (kind != OK) {
			err_wrap(e, "%s", c->path);
		} else if (what == JSON_SPLIT_OBJECT) {
			kind = object_add(c, &item, e);
		} else if (what == JSON_SPLIT_PROBLEM && first) {
			struct err why;

			err_set(&why, ERR_PARSE, "%s", item.problem);
			refuse(c, item.line, (struct slice){0}, &why);
		}
	}
	json_file_close(f);
	return kind;
}

static enum err_kind stix_add(struct compile *c, struct err *e)
{
	enum err_kind kind = OK;

	c->arena = arena_new(ARENA_BYTES);
	c->report.arena = arena_new(ARENA_BYTES);
	c->report.errors_only = true;
	c->parser = json_parser_new(JSON_OBJECT_MAX);
	if (c->arena == NULL || c->report.arena == NULL || c->parser == NULL)
		kind = err_set(e, ERR_NOMEM, "%s: out of memory", c->path);
	if (kind == OK)
		kind = stix_pass(c, true, e);
	if (kind == OK && c->used > 0)
		kind = stix_pass(c, false, e);
	for (size_t i = 0; i < c->capacity; i++)
		free(c->latest[i].name);
	free(c->latest);
	arena_free(c->arena);
	arena_free(c->report.arena);
	json_parser_free(c->parser);
	return kind;
}

/* ---- lists and Zeek's intel ------------------------------------------------------------------ */

static enum err_kind feed_entry(struct compile *c, struct slice source, struct err *e)
{
	char id[256];
	struct index_entry n = {
		.tlp = c->o->tlp, .confidence = c->o->confidence, .producer = source};

	snprintf(id, sizeof(id), "feed:%.*s", SLICE_ARG(slice_cut(source, 0, 200)));
	n.id = slice_of(id);
	return index_builder_entry(c->builder, &n, e);
}

static struct slice list_name(const struct compile *c)
{
	const char *slash = strrchr(c->path, '/');

	return c->o->name.len > 0 ? c->o->name : slice_of(slash == NULL ? c->path : slash + 1);
}

static void list_refused(void *context, uint64_t line, struct slice text, const struct err *why)
{
	refuse(context, line, text, why);
}

static const struct {
	const char *name;
	enum field_kind kind;
} zeek_types[] = {
	{"Intel::ADDR",      FIELD_ADDRESS    },
	{"Intel::SUBNET",    FIELD_ADDRESS    },
	{"Intel::DOMAIN",    FIELD_NAME       },
	{"Intel::URL",       FIELD_URL        },
	{"Intel::EMAIL",     FIELD_EMAIL      },
	{"Intel::FILE_HASH", FIELD_HASH       },
	{"Intel::FILE_NAME", FIELD_TEXT       },
	{"Intel::SOFTWARE",  FIELD_TEXT       },
	{"Intel::CERT_HASH", FIELD_CERTIFICATE},
	{"Intel::JA3",       FIELD_JA3        },
};

struct zeek_feed {
	size_t indicator, type, source; /* columns */
	char at[256];                   /* source of the entry at hand */
	bool started;
};

static bool zeek_header(struct zeek_feed *z, struct slice line)
{
	struct slice part;

	*z = (struct zeek_feed){SIZE_MAX, SIZE_MAX, SIZE_MAX, "", false};
	(void)slice_next(&line, '\t', &part); /* "#fields" */
	for (size_t column = 0; slice_next(&line, '\t', &part); column++) {
		if (slice_is(part, "indicator"))
			z->indicator = column;
		else if (slice_is(part, "indicator_type"))
			z->type = column;
		else if (slice_is(part, "meta.source"))
			z->source = column;
	}
	return z->indicator != SIZE_MAX && z->type != SIZE_MAX;
}

static enum err_kind zeek_line(
	struct compile *c, struct zeek_feed *z, struct slice line, uint64_t number, struct err *e)
{
	struct slice part, all = line, indicator = {0}, type = {0}, source = list_name(c);
	enum err_kind kind = OK;
	struct err why;

	for (size_t column = 0; slice_next(&line, '\t', &part); column++) {
		if (column == z->indicator)
			indicator = part;
		else if (column == z->type)
			type = part;
		else if (column == z->source && part.len > 0 && !slice_is(part, "-"))
			source = part;
	}
	if (!z->started || !slice_is(slice_cut(source, 0, sizeof(z->at) - 1), z->at)) {
		kind = feed_entry(c, source, e);
		snprintf(z->at, sizeof(z->at), "%.*s", SLICE_ARG(source));
		z->started = true;
	}
	for (size_t i = 0; i < COUNT_OF(zeek_types) && kind == OK; i++) {
		if (!slice_is(type, zeek_types[i].name))
			continue;
		kind = index_builder_value(c->builder, zeek_types[i].kind, indicator, &why);
		if (kind == ERR_NOMEM || kind == ERR_LIMIT)
			return err_set(e, kind, "%s", why.text);
		if (kind != OK)
			refuse(c, number, indicator, &why);
		return OK;
	}
	if (kind == OK) {
		err_set(&why, ERR_INVALID,
			"indicator_type \"%.*s\" is none that fields are matched with",
			SLICE_ARG(slice_cut(type, 0, 60)));
		refuse(c, number, slice_cut(all, 0, 120), &why);
	}
	return kind;
}

/* An object or a list of objects; "[2001:db8::1]" is an address. */
static bool is_json(struct slice head)
{
	head = slice_trim(head);
	if (slice_starts(head, SLICE("[")))
		head = slice_trim(slice_cut(head, 1, head.len));
	return slice_starts(head, SLICE("{"));
}

static enum err_kind block_add(struct compile *c, struct zeek_feed *z, bool *zeek,
	struct slice block, uint64_t *line, struct err *e)
{
	enum err_kind kind = OK;
	uint64_t first = *line;
	struct slice rest = block, one;

	/* A file would have been recognised: only what cannot be read twice comes here. */
	if (first == 1 && is_json(block))
		return err_set(e, ERR_USAGE,
			"%s: STIX is read twice, which standard input cannot; give a file",
			c->path);
	if (!*zeek && first == 1 && slice_starts(block, SLICE("#fields\t"))) {
		*zeek = zeek_header(z, slice_trim(slice_cut(block, 0, slice_find(block, '\n', 0))));
		if (!*zeek)
			return err_set(e, ERR_PARSE,
				"%s, line 1: expected the columns indicator and indicator_type",
				c->path);
	}
	if (*zeek) {
		/* the last line's end begins no other line */
		if (slice_ends(rest, SLICE("\n")))
			rest.len--;
		for (; kind == OK && slice_next(&rest, '\n', &one); ++*line) {
			one = slice_ends(one, SLICE("\r")) ? slice_cut(one, 0, one.len - 1) : one;
			if (one.len == 0 || one.data[0] == '#')
				continue;
			c->counts->lines++;
			kind = zeek_line(c, z, one, *line, e);
		}
		return kind;
	}
	for (size_t at = 0; (at = slice_find(block, '\n', at)) < block.len; at++)
		++*line;
	c->counts->lines += *line - first + (block.len > 0 && !slice_ends(block, SLICE("\n")));
	return index_builder_lines(c->builder, c->o->kind, block, first, list_refused, c, e);
}

static enum err_kind list_add(struct compile *c, struct err *e)
{
	struct zeek_feed z;
	bool zeek = false, last = false;
	struct input *in = NULL;
	char *bytes = malloc(LIST_BYTES + EVENT_PADDING);
	size_t len = 0;
	uint64_t line = 1;
	enum err_kind kind = bytes == NULL ? err_set(e, ERR_NOMEM, "%s: out of memory", c->path)
					   : input_open(c->path, &in, e);

	if (kind == OK)
		kind = feed_entry(c, list_name(c), e);
	while (kind == OK && !last) {
		size_t got, end;

		kind = input_read(in, bytes + len, LIST_BYTES - len, &got, e);
		if (kind != OK)
			break;
		last = got == 0;
		len += got;
		for (end = len; !last && end > 0 && bytes[end - 1] != '\n'; end--)
			;
		if (end == 0 && !last) {
			if (len == LIST_BYTES)
				kind = err_set(e, ERR_LIMIT, "%s, line %llu: longer than %zu bytes",
					c->path, (unsigned long long)line, (size_t)LIST_BYTES);
			continue;
		}
		kind = block_add(c, &z, &zeek, (struct slice){bytes, end}, &line, e);
		memmove(bytes, bytes + end, len - end);
		len -= end;
	}
	input_free(in);
	free(bytes);
	return kind;
}

enum err_kind sensor_compile(struct index_builder *b, const char *path,
	const struct sensor_compile_options *options, struct sensor_compile_counts *counts,
	struct err *e)
{
	struct compile c = {.builder = b, .o = options, .counts = counts, .path = path};
	struct input *in = NULL;
	char head[64];
	size_t len = 0, got = 1;
	enum err_kind kind;

	options->world->random(options->world->context, c.key, sizeof(c.key));
	if (strcmp(path, "-") == 0)
		return list_add(&c, e);
	kind = input_open(path, &in, e);
	while (kind == OK && got > 0 && len < sizeof(head)) {
		kind = input_read(in, head + len, sizeof(head) - len, &got, e);
		len += kind == OK ? got : 0;
	}
	input_free(in);
	if (kind != OK)
		return kind;
	return is_json((struct slice){head, len}) ? stix_add(&c, e) : list_add(&c, e);
}
