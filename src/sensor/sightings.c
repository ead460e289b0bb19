/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What goes back to the coalition: that an indicator was seen, how often and when. Findings stay on
 * the site; of them only counts and times leave, unless the operator says otherwise (STIX 2.1
 * sections 5.2 sighting, 4.14 observed-data).
 */
#include <stdlib.h>

#include "sensor.h"

#define LINE_MAX_BYTES MIB(1)
#define SIGHTED_MAX    1000000 /* different indicators in one bundle */

/* Ids of sightings are UUIDv5 below it, over indicator, site and first time: sent twice, they are
 * one. */
static const struct uuid sighting_space = {
	{0x6c, 0x1d, 0x8e, 0x2a, 0x41, 0x90, 0x4d, 0x1f, 0x8a, 0x7b, 0x30, 0x5e, 0xc2, 0x94, 0x06,
         0x5d}
};

struct sighted {
	char *id; /* of the indicator; NULL: free */
	enum stix_tlp tlp;
	uint64_t count; /* of the latest finding of each pair of indicator and host, together */
	int64_t first_us, last_us;
	struct buf observed; /* the observables' part of an observed-data, as JSON members; with
				--observed */
};

struct gather {
	const struct sensor_sightings_options *o;
	struct sensor_sightings_counts *counts;
	uint8_t key[16];
	struct sighted *table;
	size_t capacity, used;
	/* findings by id: an update replaces what was told before */
	struct told {
		struct uuid id;
		uint64_t count;
		bool taken;
	} * told;
	size_t told_capacity, told_used;
	struct json_parser *parser;
};

/* ---- tables ---------------------------------------------------------------------------------- */

static struct sighted *sighted_get(struct gather *g, struct slice id)
{
	size_t at;

	if (2 * (g->used + 1) > g->capacity) {
		size_t capacity = g->capacity == 0 ? 256 : 2 * g->capacity;
		struct sighted *more = calloc(capacity, sizeof(*more));

		if (more == NULL)
			return NULL;
		for (size_t i = 0; i < g->capacity; i++) {
			if (g->table[i].id == NULL)
				continue;
			at = hash_table(g->key, slice_of(g->table[i].id)) & (capacity - 1);
			while (more[at].id != NULL)
				at = (at + 1) & (capacity - 1);
			more[at] = g->table[i];
		}
		free(g->table);
		g->table = more;
		g->capacity = capacity;
	}
	at = hash_table(g->key, id) & (g->capacity - 1);
	while (g->table[at].id != NULL && !slice_is(id, g->table[at].id))
		at = (at + 1) & (g->capacity - 1);
	if (g->table[at].id == NULL) {
		if (g->used == SIGHTED_MAX)
			return NULL;
		g->table[at].id = strndup(id.data, id.len);
		if (g->table[at].id == NULL)
			return NULL;
		g->table[at].first_us = g->table[at].last_us = TIME_UNKNOWN;
		g->used++;
	}
	return &g->table[at];
}

static struct told *told_get(struct gather *g, const struct uuid *id)
{
	size_t at;

	if (2 * (g->told_used + 1) > g->told_capacity) {
		size_t capacity = g->told_capacity == 0 ? 1024 : 2 * g->told_capacity;
		struct told *more = calloc(capacity, sizeof(*more));

		if (more == NULL)
			return NULL;
		for (size_t i = 0; i < g->told_capacity; i++) {
			if (!g->told[i].taken)
				continue;
			at = hash_table(g->key, (struct slice){(char *)g->told[i].id.bytes, 16}) &
			     (capacity - 1);
			while (more[at].taken)
				at = (at + 1) & (capacity - 1);
			more[at] = g->told[i];
		}
		free(g->told);
		g->told = more;
		g->told_capacity = capacity;
	}
	at = hash_table(g->key, (struct slice){(const char *)id->bytes, 16}) &
	     (g->told_capacity - 1);
	while (g->told[at].taken && !uuid_equal(&g->told[at].id, id))
		at = (at + 1) & (g->told_capacity - 1);
	if (!g->told[at].taken) {
		if (g->told_used == SENSOR_TOLD_MAX)
			return NULL;
		g->told[at] = (struct told){*id, 0, true};
		g->told_used++;
	}
	return &g->told[at];
}

/* ---- a finding ------------------------------------------------------------------------------- */

static void earlier(int64_t *first, int64_t us)
{
	if (us != TIME_UNKNOWN && (*first == TIME_UNKNOWN || us < *first))
		*first = us;
}

static void later(int64_t *last, int64_t us)
{
	if (us != TIME_UNKNOWN && (*last == TIME_UNKNOWN || us > *last))
		*last = us;
}

static int64_t time_of(struct json_value v, const char *name, int64_t otherwise)
{
	int64_t us;

	return time_parse(json_get_string(v, name), &us, NULL) ? us : otherwise;
}

static bool observed_add(struct gather *g, struct sighted *s, struct json_value v)
{
	static const char *const plain[] = {"indicator_type", "indicator"};
	struct slice host = json_get_string(v, "host");
	uint8_t address[16];

	if (!g->o->observed || s->observed.len > 0)
		return true;
	for (size_t i = 0; i < COUNT_OF(plain); i++) {
		struct slice text = json_get_string(v, plain[i]);

		/* NUL separates the parts; STIX has no observable with one in its value */
		buf_slice_append(&s->observed, slice_cut(text, 0, slice_find(text, 0, 0)));
		buf_char(&s->observed, 0);
	}
	/* A host may be known by its name only, which is no address. */
	if (g->o->hosts && event_address_parse(host, address) > 0)
		buf_slice_append(&s->observed, host);
	buf_char(&s->observed, 0);
	return !s->observed.bad;
}

static enum err_kind finding_take(struct gather *g, struct json_value v, struct err *e)
{
	struct json_value provenance, value;
	struct slice id = {0};
	struct stix_id parsed;
	struct uuid finding;
	int64_t count = 1, fallback = time_of(v, "@timestamp", TIME_UNKNOWN);
	enum stix_tlp tlp;
	struct sighted *s;
	struct told *t;

	g->counts->findings++;
	/* In Suricata's form ours is a member of theirs. */
	if (json_get(v, "serai", &value) && json_is_object(value)) {
		fallback = time_of(v, "timestamp", fallback);
		v = value;
	}
	if (json_get(v, "held", &value) && json_is_true(value)) {
		g->counts->held++;
		return OK;
	}
	if (json_get(v, "provenance", &provenance))
		id = json_get_string(provenance, "id");
	/* sighting_of_ref must name a domain object: what came from a plain list has none. */
	if (!stix_id_parse(id, &parsed) || stix_class_of(parsed.type) != STIX_SDO) {
		g->counts->without_id++;
		return OK;
	}
	if (!uuid_parse(json_get_string(v, "id"), &finding)) {
		g->counts->problems++;
		return OK;
	}
	if (json_get(v, "count", &value))
		(void)json_to_i64(value, &count);
	if (count < 1)
		count = 1;
	s = sighted_get(g, id);
	t = told_get(g, &finding);
	if (s == NULL || t == NULL)
		return err_set(e, ERR_LIMIT,
			"out of memory, or more than %d indicators or %d findings: pack fewer "
			"files at "
			"a time",
			SIGHTED_MAX, SENSOR_TOLD_MAX);
	/* An update tells the whole count again. */
	if ((uint64_t)count > t->count) {
		s->count += (uint64_t)count - t->count;
		t->count = (uint64_t)count;
	}
	earlier(&s->first_us, time_of(v, "first_seen", fallback));
	later(&s->last_us, time_of(v, "last_seen", fallback));
	/* Later versions may be marked otherwise: the strictest holds for what is said of all. */
	if (stix_tlp_parse(json_get_string(provenance, "tlp"), &tlp) && tlp > s->tlp)
		s->tlp = tlp;
	return observed_add(g, s, v) ? OK : err_set(e, ERR_NOMEM, "out of memory");
}

/* What is no finding is left out and told; the first one by file and line. */
static void problem_note(struct gather *g, const char *path, uint64_t number, const char *why)
{
	if (g->counts->problems++ == 0)
		snprintf(g->counts->first_problem, sizeof(g->counts->first_problem),
			"%.200s, line %llu: %.140s", path, (unsigned long long)number, why);
}

static enum err_kind line_take(
	struct gather *g, struct slice line, const char *path, uint64_t number, struct err *e)
{
	uint64_t problems = g->counts->problems;
	struct json_doc doc;
	struct err why;
	enum err_kind kind;

	line = slice_trim(line);
	if (line.len == 0)
		return OK;
	if (json_parse(g->parser, line, &doc, &why) != OK) {
		problem_note(g, path, number, why.text);
		return OK;
	}
	if (!json_is_object(json_root(&doc))) {
		problem_note(g, path, number, "expected a JSON object");
		return OK;
	}
	kind = finding_take(g, json_root(&doc), e);
	if (kind != OK) {
		err_wrap(e, "%s, line %llu", path, (unsigned long long)number);
	} else if (g->counts->problems > problems) {
		g->counts->problems = problems;
		problem_note(g, path, number, "a finding without an id (a UUID)");
	}
	return kind;
}

/* What is left of a line that goes on: kept up to LINE_MAX_BYTES, then only looked for its end. */
static enum err_kind rest_keep(
	struct buf *line, struct slice rest, bool *too_long, const char *path, struct err *e)
{
	if (line->len + rest.len > LINE_MAX_BYTES) {
		*too_long = true;
		buf_clear(line);
	} else if (!*too_long) {
		buf_slice_append(line, rest);
	}
	return line->bad ? err_set(e, ERR_NOMEM, "%s: out of memory", path) : OK;
}

/* A line at a time: what a crash or a full disk left of one does not take the others with it. */
static enum err_kind file_take(struct gather *g, const char *path, struct err *e)
{
	struct buf line = BUF_INIT;
	char *bytes = malloc(KIB(256));
	struct input *in = NULL;
	bool too_long = false;
	uint64_t number = 1;
	size_t got = 1;
	enum err_kind kind = bytes == NULL ? err_set(e, ERR_NOMEM, "%s: out of memory", path)
					   : input_open(path, &in, e);

	while (kind == OK && got > 0) {
		struct slice rest;

		kind = input_read(in, bytes, KIB(256), &got, e);
		rest = (struct slice){bytes, kind == OK ? got : 0};
		while (kind == OK && (rest.len > 0 || got == 0)) {
			size_t end = slice_find(rest, '\n', 0);

			kind = rest_keep(&line, slice_cut(rest, 0, end), &too_long, path, e);
			if (kind != OK || (end == rest.len && got > 0))
				break;
			if (too_long)
				problem_note(g, path, number, "longer than a finding can be");
			else
				kind = line_take(g, buf_slice(&line), path, number, e);
			buf_clear(&line);
			too_long = false;
			number++;
			if (got == 0)
				break;
			rest = slice_cut(rest, end + 1, rest.len);
		}
	}
	input_free(in);
	buf_fini(&line);
	free(bytes);
	return kind;
}

/* ---- the bundle ------------------------------------------------------------------------------ */

static void id_member(
	struct json_writer *w, const char *name, const char *type, const struct uuid *uuid)
{
	char text[STIX_ID_MAX + 1];

	stix_id_format(slice_of(type), uuid, text);
	json_member_text(w, name, text);
}

static void marking_member(struct json_writer *w, enum stix_tlp tlp)
{
	struct uuid ids[2];
	size_t count = stix_tlp_ids(tlp, ids);
	char text[STIX_ID_MAX + 1];

	if (tlp == STIX_TLP_NONE || count == 0)
		return;
	/* The last is TLP 2.0's. */
	stix_id_format(SLICE("marking-definition"), &ids[count - 1], text);
	json_write_name(w, "object_marking_refs");
	json_write_array(w);
	json_write_text(w, text);
	json_write_end(w, ']');
}

static void object_begin(struct json_writer *w, const char *type, const struct uuid *id,
	int64_t now_us, struct slice creator)
{
	json_write_object(w);
	json_member_text(w, "type", type);
	json_member_text(w, "spec_version", "2.1");
	id_member(w, "id", type, id);
	json_member_time(w, "created", now_us, 3);
	json_member_time(w, "modified", now_us, 3);
	if (creator.len > 0)
		json_member_string(w, "created_by_ref", creator);
}

/* One observable of the value itself and, when asked for, the host's address. Kinds that STIX has
 * no plain observable for give none. */
static size_t observables_write(
	struct json_writer *w, struct sighted *s, struct slice ids[2], struct arena *a)
{
	static const char *const types[] = {
		"ipv4-addr", "ipv6-addr", "domain-name", "url", "email-addr"};
	struct slice rest = buf_slice(&s->observed), type, value, host;
	size_t count = 0;

	if (!slice_next(&rest, 0, &type) || !slice_next(&rest, 0, &value))
		return 0;
	host = slice_cut(rest, 0, rest.len > 0 ? rest.len - 1 : 0);
	for (size_t k = 0; k < 2; k++) {
		struct slice one = k == 0 ? value : host;
		struct slice what = k == 0                                     ? type
				    : host.len == 0                            ? (struct slice){0}
				    : memchr(host.data, ':', host.len) != NULL ? SLICE("ipv6-addr")
									       : SLICE("ipv4-addr");
		struct buf name = BUF_INIT;
		struct uuid uuid;
		char text[STIX_ID_MAX + 1];

		for (size_t i = 0; i < COUNT_OF(types); i++) {
			if (!slice_is(what, types[i]) || one.len == 0)
				continue;
			/* Section 2.9: UUIDv5 over the canonical text of the contributing property.
			 */
			buf_text(&name, "{\"value\":");
			json_string_append(&name, one);
			buf_char(&name, '}');
			uuid_v5(&stix_namespace, buf_slice(&name), &uuid);
			stix_id_format(what, &uuid, text);
			ids[count] = arena_copy(a, slice_of(text));
			json_write_object(w);
			json_member_text(w, "type", types[i]);
			json_member_text(w, "spec_version", "2.1");
			json_member_string(w, "id", ids[count]);
			json_member_string(w, "value", one);
			marking_member(w, s->tlp);
			json_write_end(w, '}');
			count++;
		}
		buf_fini(&name);
	}
	return count;
}

static int64_t now_ms(const struct gather *g)
{
	/* STIX times of creation have milliseconds here. */
	return world_now(g->o->world) / 1000 * 1000;
}

static void sighted_write(
	struct gather *g, struct json_writer *w, struct sighted *s, struct arena *a)
{
	int64_t now = now_ms(g);
	struct slice name, observed[2];
	struct uuid id, observed_id;
	char first[TIME_TEXT_MAX] = "", text[STIX_ID_MAX + 1];
	size_t count;

	arena_reset(a);
	if (s->first_us != TIME_UNKNOWN)
		time_format(s->first_us, 6, first);
	name = arena_printf(a, "%s|%.*s|%s", s->id, SLICE_ARG(g->o->identity), first);
	uuid_v5(&sighting_space, name, &id);
	count = observables_write(w, s, observed, a);
	if (count > 0 && s->first_us != TIME_UNKNOWN) {
		name = arena_printf(
			a, "observed|%s|%.*s|%s", s->id, SLICE_ARG(g->o->identity), first);
		uuid_v5(&sighting_space, name, &observed_id);
		object_begin(w, "observed-data", &observed_id, now, g->o->identity);
		json_member_time(w, "first_observed", s->first_us, 6);
		json_member_time(w, "last_observed", s->last_us, 6);
		/* Section 4.14: at most 999,999,999. */
		json_member_i64(
			w, "number_observed", s->count > 999999999 ? 999999999 : (int64_t)s->count);
		json_write_name(w, "object_refs");
		json_write_array(w);
		for (size_t i = 0; i < count; i++)
			json_write_string(w, observed[i]);
		json_write_end(w, ']');
		marking_member(w, s->tlp);
		json_write_end(w, '}');
	} else {
		count = 0;
	}
	object_begin(w, "sighting", &id, now, g->o->identity);
	if (s->first_us != TIME_UNKNOWN) {
		json_member_time(w, "first_seen", s->first_us, 6);
		json_member_time(w, "last_seen", s->last_us, 6);
	}
	json_member_i64(w, "count", s->count > 999999999 ? 999999999 : (int64_t)s->count);
	json_member_text(w, "sighting_of_ref", s->id);
	if (count > 0) {
		json_write_name(w, "observed_data_refs");
		json_write_array(w);
		stix_id_format(SLICE("observed-data"), &observed_id, text);
		json_write_text(w, text);
		json_write_end(w, ']');
	}
	if (g->o->identity.len > 0) {
		json_write_name(w, "where_sighted_refs");
		json_write_array(w);
		json_write_string(w, g->o->identity);
		json_write_end(w, ']');
	}
	marking_member(w, s->tlp);
	json_write_end(w, '}');
	g->counts->sightings++;
}

static int sighted_compare(const void *a, const void *b)
{
	const struct sighted *x = a, *y = b;

	if (x->id == NULL || y->id == NULL)
		return (x->id == NULL) - (y->id == NULL);
	return strcmp(x->id, y->id);
}

static enum err_kind bundle_write(struct gather *g, struct buf *out, struct err *e)
{
	struct json_writer w = JSON_WRITER(out);
	struct arena *a = arena_new(MIB(1));
	struct uuid id;
	struct stix_id site;

	if (a == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	uuid_v4(g->o->world, &id);
	json_write_object(&w);
	json_member_text(&w, "type", "bundle");
	id_member(&w, "id", "bundle", &id);
	json_write_name(&w, "objects");
	json_write_array(&w);
	if (g->o->site_name.len > 0 && stix_id_parse(g->o->identity, &site)) {
		object_begin(&w, "identity", &site.uuid, now_ms(g), (struct slice){0});
		json_member_string(&w, "name", g->o->site_name);
		json_member_text(&w, "identity_class", "organization");
		json_write_end(&w, '}');
	}
	/* In order of their ids, so that the same findings give the same bundle. */
	if (g->capacity > 0)
		qsort(g->table, g->capacity, sizeof(*g->table), sighted_compare);
	for (size_t i = 0; i < g->used; i++)
		sighted_write(g, &w, &g->table[i], a);
	json_write_end(&w, ']');
	json_write_end(&w, '}');
	buf_char(out, '\n');
	arena_free(a);
	return out->bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

enum err_kind sensor_sightings(const char *const *files, size_t files_count,
	const struct sensor_sightings_options *options, struct buf *out,
	struct sensor_sightings_counts *ret_counts, struct err *e)
{
	struct sensor_sightings_counts counts = {0};
	struct gather g = {
		.o = options, .counts = &counts, .parser = json_parser_new(LINE_MAX_BYTES)};
	struct stix_id identity;
	enum err_kind kind = OK;

	options->world->random(options->world->context, g.key, sizeof(g.key));
	if (g.parser == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	else if (options->identity.len > 0 && (!stix_id_parse(options->identity, &identity) ||
						      !slice_is(identity.type, "identity")))
		kind = err_set(e, ERR_USAGE, "\"%.*s\" is no id of an identity: identity--UUID",
			SLICE_ARG(options->identity));
	for (size_t i = 0; i < files_count && kind == OK; i++)
		kind = file_take(&g, files[i], e);
	if (kind == OK)
		kind = bundle_write(&g, out, e);
	if (kind == OK)
		*ret_counts = counts;
	for (size_t i = 0; i < g.capacity; i++) {
		free(g.table[i].id);
		buf_fini(&g.table[i].observed);
	}
	free(g.table);
	free(g.told);
	json_parser_free(g.parser);
	return kind;
}
