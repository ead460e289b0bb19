/* SPDX-License-Identifier: MPL-2.0 */
/*
 * CSV lists: one or more columns hold values, others say what they are and what is known of them.
 * The columns are named by a mapping, by the header, or found by looking at the first record.
 */
#include <stdlib.h>

#include "import_csv.h"
#include "import_value.h"

enum role {
	ROLE_NONE,
	ROLE_VALUE,
	ROLE_KIND,
	ROLE_NAME,
	ROLE_DESCRIPTION,
	ROLE_SOURCE,
	ROLE_URL,
	ROLE_LABELS,
	ROLE_CONFIDENCE,
	ROLE_TLP,
	ROLE_FROM,
	ROLE_UNTIL
};

/* The first name of a role is the one for mappings; the others are what headers say. */
static const struct {
	const char *name;
	enum role role;
} roles[] = {
	{"value",            ROLE_VALUE      },
	{"indicator",        ROLE_VALUE      },
	{"ioc",              ROLE_VALUE      },
	{"ioc-value",        ROLE_VALUE      },
	{"observable",       ROLE_VALUE      },
	{"kind",             ROLE_KIND       },
	{"type",             ROLE_KIND       },
	{"indicator-type",   ROLE_KIND       },
	{"ioc-type",         ROLE_KIND       },
	{"name",             ROLE_NAME       },
	{"title",            ROLE_NAME       },
	{"description",      ROLE_DESCRIPTION},
	{"desc",             ROLE_DESCRIPTION},
	{"comment",          ROLE_DESCRIPTION},
	{"comments",         ROLE_DESCRIPTION},
	{"notes",            ROLE_DESCRIPTION},
	{"source",           ROLE_SOURCE     },
	{"feed",             ROLE_SOURCE     },
	{"reference",        ROLE_URL        },
	{"references",       ROLE_URL        },
	{"link",             ROLE_URL        },
	{"labels",           ROLE_LABELS     },
	{"label",            ROLE_LABELS     },
	{"tags",             ROLE_LABELS     },
	{"confidence",       ROLE_CONFIDENCE },
	{"confidence-level", ROLE_CONFIDENCE },
	{"tlp",              ROLE_TLP        },
	{"valid-from",       ROLE_FROM       },
	{"first-seen",       ROLE_FROM       },
	{"first-seen-utc",   ROLE_FROM       },
	{"firstseen",        ROLE_FROM       },
	{"date-added",       ROLE_FROM       },
	{"dateadded",        ROLE_FROM       },
	{"valid-until",      ROLE_UNTIL      },
	{"expires",          ROLE_UNTIL      },
	{"expiration",       ROLE_UNTIL      },
};

struct column {
	enum role role;
	const struct import_kind
		*kind; /* VALUE: what the header says it is; NULL: ask the record */
	uint64_t lost; /* fields that have no place */
};

#define LABELS_MAX   64 /* of one record */
#define MAPPINGS_MAX 32 /* in one mapping */

struct csv {
	struct import_job *job;
	struct import_feed feed;
	struct csv_reader reader;
	const struct import_kind *kind; /* of the options; NULL: none */
	struct column columns[CSV_FIELDS_MAX];
	struct slice names[CSV_FIELDS_MAX]; /* of the header; empty without one */
	size_t columns_count;               /* 0: not known yet */
	struct arena *header;
	struct buf comment; /* the last comment: several sites write their header into it */
	bool mapped;        /* a mapping is given: nothing is guessed */
	uint64_t guessed;   /* kinds that no one knows, guessed by the value */
};

/* Names compare as import_kind_find does. */
static bool same_name(struct slice a, const char *name)
{
	struct slice b = slice_of(name);

	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		char c = a.data[i] == '_' || a.data[i] == ' ' ? '-' : a.data[i];

		if (!slice_equal_nocase((struct slice){&c, 1}, slice_cut(b, i, i + 1)))
			return false;
	}
	return true;
}

static enum role role_find(struct slice name)
{
	for (size_t k = 0; k < COUNT_OF(roles); k++) {
		if (same_name(slice_trim(name), roles[k].name))
			return roles[k].role;
	}
	return ROLE_NONE;
}

/* What a header's name says. */
static struct column column_of(struct slice name)
{
	const struct import_kind *kind;
	struct column c = {.role = role_find(name)};

	if (c.role != ROLE_NONE)
		return c;
	kind = import_kind_find(name);
	if (kind == NULL && slice_ends(name, SLICE("_ip"))) /* dst_ip, src_ip */
		kind = import_kind_find(SLICE("ip"));
	if (kind != NULL)
		c = (struct column){ROLE_VALUE, kind, 0};
	return c;
}

/* Columns of a header; false when it does not look like one: nothing in it names a value. */
static bool header_read(const struct slice *fields, size_t count, struct column *columns)
{
	bool value = false;
	size_t name = count;

	for (size_t k = 0; k < count; k++) {
		columns[k] = column_of(fields[k]);
		value |= columns[k].role == ROLE_VALUE;
		if (columns[k].role == ROLE_NAME &&
			slice_equal_nocase(slice_trim(fields[k]), SLICE("name")))
			name = k;
	}
	if (!value && name < count) { /* a list of names, then */
		columns[name] = (struct column){ROLE_VALUE, import_kind_find(SLICE("name")), 0};
		value = true;
	}
	return value;
}

static bool holds_value(struct csv *c, const struct slice *fields, size_t count)
{
	struct import_value value;
	const char *why;

	for (size_t k = 0; k < count; k++) {
		if (import_value_read(c->kind, fields[k], c->feed.arena, &value, &why))
			return true;
	}
	return false;
}

static enum err_kind header_keep(
	struct csv *c, const struct slice *names, size_t count, struct err *e)
{
	for (size_t k = 0; k < count; k++) {
		c->names[k] = arena_copy(c->header, slice_trim(names[k]));
		if (c->names[k].data == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
	}
	return OK;
}

/* "value=ip,name=2": columns by name or by number from 1. */
static enum err_kind mapping_read(struct csv *c, bool has_header, size_t count, struct err *e)
{
	struct slice rest = slice_of(c->job->options->mapping), part;
	bool value = false;

	while (slice_next(&rest, ',', &part)) {
		size_t equals = slice_find(part, '=', 0), column = count;
		struct slice wanted = slice_trim(slice_cut(part, equals + 1, part.len));
		enum role role = role_find(slice_cut(part, 0, equals));
		uint64_t number;

		if (equals == part.len || role == ROLE_NONE)
			return err_set(e, ERR_USAGE,
				"mapping \"%.*s\": expected value, kind, name, description, "
				"source, reference, "
				"labels, confidence, tlp, valid-from or valid-until, '=', and a "
				"column",
				SLICE_ARG(part));
		for (size_t k = 0; has_header && k < count && column == count; k++) {
			if (slice_equal_nocase(c->names[k], wanted))
				column = k;
		}
		if (column == count && slice_to_u64(wanted, &number) && number >= 1 &&
			number <= count)
			column = (size_t)number - 1;
		if (column == count)
			return err_set(e, ERR_USAGE,
				"mapping \"%.*s\": the file has no such column", SLICE_ARG(part));
		c->columns[column].role = role;
		if (role == ROLE_VALUE)
			c->columns[column].kind =
				has_header ? import_kind_find(c->names[column]) : NULL;
		value |= role == ROLE_VALUE;
	}
	return value ? OK : err_set(e, ERR_USAGE, "the mapping names no column for value");
}

/* Does a mapping name columns that are no numbers? Then the first record is the header. */
static bool mapping_has_names(const char *mapping)
{
	struct slice rest = slice_of(mapping), part;
	uint64_t number;

	while (slice_next(&rest, ',', &part)) {
		size_t equals = slice_find(part, '=', 0);

		if (!slice_to_u64(slice_trim(slice_cut(part, equals + 1, part.len)), &number))
			return true;
	}
	return false;
}

/* No header at all: the first column whose field is a value. */
static bool columns_guess(struct csv *c)
{
	for (size_t k = 0; k < c->reader.count; k++) {
		if (holds_value(c, &c->reader.fields[k], 1)) {
			c->columns[k].role = ROLE_VALUE;
			return true;
		}
	}
	return false;
}

/* With the first record: find out what the columns are. *ret_is_header: it is no data. */
static enum err_kind columns_find(struct csv *c, bool *ret_is_header, struct err *e)
{
	const struct slice *fields = c->reader.fields;
	struct slice said[CSV_FIELDS_MAX];
	size_t count = c->reader.count, said_count;
	struct buf plain = BUF_INIT;
	bool header, in_comment;
	enum err_kind kind = OK;
	const char *why;

	memset(c->columns, 0, sizeof(c->columns));
	header = c->mapped && mapping_has_names(c->job->options->mapping)
			 ? true
			 : header_read(fields, count, c->columns) && !holds_value(c, fields, count);
	in_comment = !header &&
		     csv_split(buf_slice(&c->comment), c->reader.separator, &plain, said,
			     &said_count, &why) &&
		     said_count == count && header_read(said, count, c->columns);
	if (header || in_comment)
		kind = header_keep(c, header ? fields : said, count, e);
	if (kind == OK && c->mapped) {
		memset(c->columns, 0, sizeof(c->columns));
		kind = mapping_read(c, header || in_comment, count, e);
	} else if (kind == OK && !header && !in_comment) {
		memset(c->columns, 0, sizeof(c->columns));
		if (!columns_guess(c))
			kind = err_set(e, ERR_PARSE,
				"line %llu: no column holds a value; name it with a mapping such "
				"as value=1",
				(unsigned long long)c->reader.place.line);
	}
	buf_fini(&plain);
	if (kind != OK)
		return kind;
	c->columns_count = count;
	*ret_is_header = header;
	return OK;
}

/* ---- a record ------------------------------------------------------------------------------- */

static void lose_field(struct csv *c, const char *what, struct slice text)
{
	import_lose(c->job, &c->reader.place, "%s \"%.*s\" is left out", what, SLICE_ARG(text));
}

static size_t labels_read(
	struct csv *c, struct slice text, struct slice labels[LABELS_MAX], size_t count)
{
	size_t from = 0;

	for (size_t i = 0; i <= text.len; i++) {
		struct slice label;

		if (i < text.len && text.data[i] != ',' && text.data[i] != ';' &&
			text.data[i] != '|')
			continue;
		label = slice_trim(slice_cut(text, from, i));
		if (label.len > 0 && count < LABELS_MAX)
			labels[count++] = label;
		else if (label.len > 0)
			lose_field(c, "one label too many:", label);
		from = i + 1;
	}
	return count;
}

/* Everything in a record but its values. */
static void record_read(struct csv *c, struct import_entry *entry, struct slice labels[LABELS_MAX],
	struct slice *ret_kind)
{
	for (size_t k = 0; k < c->reader.count; k++) {
		struct slice text = slice_trim(c->reader.fields[k]);
		uint64_t number;

		if (text.len == 0 || c->columns[k].role == ROLE_VALUE)
			continue;
		if (!utf8_valid(text)) {
			import_lose(c->job, &c->reader.place, "field %zu is not UTF-8", k + 1);
			continue;
		}
		switch (c->columns[k].role) {
		case ROLE_KIND:
			*ret_kind = text;
			break;
		case ROLE_NAME:
			entry->name = text;
			break;
		case ROLE_DESCRIPTION:
			entry->description = text;
			break;
		case ROLE_SOURCE:
			entry->source = text;
			break;
		case ROLE_URL:
			entry->url = text;
			break;
		case ROLE_LABELS:
			entry->labels_count = labels_read(c, text, labels, entry->labels_count);
			break;
		case ROLE_CONFIDENCE:
			if (slice_to_u64(text, &number) && number <= 100)
				entry->confidence = (int)number;
			else
				lose_field(c, "confidence", text);
			break;
		case ROLE_TLP:
			/* Not understood, it must not become freer: fail closed. */
			if (!stix_tlp_parse(text, &entry->tlp) || entry->tlp == STIX_TLP_NONE) {
				lose_field(c, "TLP", text);
				entry->tlp = STIX_TLP_RED;
			}
			break;
		case ROLE_FROM:
			if (!import_time(text, &entry->valid_from_us))
				lose_field(c, "time", text);
			break;
		case ROLE_UNTIL:
			if (!import_time(text, &entry->valid_until_us))
				lose_field(c, "time", text);
			break;
		default:
			c->columns[k].lost++;
			break;
		}
	}
}

static bool record_value(struct csv *c, size_t k, struct slice said_kind,
	struct import_value *value, const char **ret_why)
{
	const struct import_kind *kind = NULL;
	struct slice text = c->reader.fields[k];

	/* What the record says holds before what the header says, and that before the options. */
	if (said_kind.len > 0)
		kind = import_kind_find(said_kind);
	if (kind == NULL)
		kind = c->columns[k].kind != NULL ? c->columns[k].kind : c->kind;
	c->guessed += kind == NULL && said_kind.len > 0;
	return import_value_read(kind, text, c->feed.arena, value, ret_why);
}

static enum err_kind csv_record(struct csv *c, struct err *e)
{
	struct import_entry entry = IMPORT_ENTRY_INIT;
	struct slice labels[LABELS_MAX], said_kind = {0};
	enum err_kind kind = OK;
	const char *why = "the record has no value";
	bool any = false, bad = false;

	if (c->reader.count > c->columns_count)
		return import_refuse(c->job, &c->reader.place, (struct slice){0}, e,
			"%zu fields, expected %zu as in the first record", c->reader.count,
			c->columns_count);
	entry.labels = labels;
	record_read(c, &entry, labels, &said_kind);
	for (size_t k = 0; k < c->reader.count && kind == OK; k++) {
		struct slice text = slice_trim(c->reader.fields[k]);

		if (c->columns[k].role != ROLE_VALUE || text.len == 0)
			continue;
		if (record_value(c, k, said_kind, &entry.value, &why)) {
			any = true;
			kind = import_feed_add(&c->feed, &c->reader.place, &entry, e);
		} else {
			bad = true;
			kind = import_refuse(c->job, &c->reader.place, (struct slice){0}, e,
				"\"%.*s\": %s", SLICE_ARG(slice_cut(text, 0, 128)), why);
		}
	}
	if (kind == OK && !any && !bad)
		kind = import_refuse(c->job, &c->reader.place, (struct slice){0}, e, "%s", why);
	return kind;
}

static void csv_losses(struct csv *c)
{
	for (size_t k = 0; k < c->columns_count; k++) {
		if (c->columns[k].lost > 0)
			import_lose(c->job, &c->reader.place,
				"column %zu%s%.*s: %llu fields have no place", k + 1,
				c->names[k].len > 0 ? " " : "", SLICE_ARG(c->names[k]),
				(unsigned long long)c->columns[k].lost);
	}
	if (c->guessed > 0)
		import_lose(c->job, &c->reader.place,
			"%llu values are of a kind with an unknown name: what they are was guessed",
			(unsigned long long)c->guessed);
}

static enum err_kind csv_records(struct csv *c, struct err *e)
{
	for (uint64_t count = 0;; count++) {
		enum csv_what what;
		bool is_header = false;
		enum err_kind kind;

		if (count % 256 == 0 && !c->job->sink->go_on(c->job->sink->context))
			return OK;
		kind = csv_next(&c->reader, &what, e);
		if (kind != OK || what == CSV_END)
			return kind;
		arena_reset(c->feed.arena);
		if (what == CSV_BAD) {
			kind = import_refuse(c->job, &c->reader.place, (struct slice){0}, e, "%s",
				c->reader.why);
		} else if (what == CSV_COMMENT) {
			buf_clear(&c->comment);
			buf_slice_append(&c->comment, c->reader.fields[0]);
		} else {
			if (c->columns_count == 0)
				kind = columns_find(c, &is_header, e);
			arena_reset(c->feed.arena);
			if (kind == OK && !is_header)
				kind = csv_record(c, e);
		}
		if (kind != OK)
			return kind;
	}
}

static enum err_kind csv_run(struct import_job *job, struct err *e)
{
	struct csv *c = calloc(1, sizeof(*c));
	enum err_kind kind;

	if (c == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	c->job = job;
	c->mapped = job->options->mapping != NULL;
	c->header = arena_new(MIB(1));
	if (job->options->kind != NULL)
		c->kind = import_kind_find(slice_of(job->options->kind));
	kind = csv_init(&c->reader, job, e);
	if (kind == OK)
		kind = import_feed_init(&c->feed, job, e);
	if (kind == OK && c->header == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	if (kind == OK && job->options->kind != NULL && c->kind == NULL)
		kind = err_set(e, ERR_USAGE, "no kind of value \"%s\"", job->options->kind);
	if (kind == OK)
		kind = csv_records(c, e);
	csv_losses(c);
	csv_fini(&c->reader);
	import_feed_fini(&c->feed);
	arena_free(c->header);
	buf_fini(&c->comment);
	free(c);
	return kind;
}

/* The first lines that are no comments: do they have the same number of fields, at least two, and
 * is there a value or a header? */
static int csv_recognise(struct slice head, const char *name)
{
	struct column columns[CSV_FIELDS_MAX];
	struct slice fields[CSV_FIELDS_MAX], line;
	struct arena *a = arena_new(MIB(4));
	struct buf plain = BUF_INIT;
	size_t count = 0, first_count = 0;
	bool header = false, value = false, whole = false;
	char separator = 0;
	const char *why;

	if (slice_find(head, '\0', 0) < head.len || import_head_first(head) == '{' ||
		import_head_first(head) == '[')
		head.len = 0;
	for (unsigned k = 0; k < 8 && a != NULL && slice_next(&head, '\n', &line); k++) {
		struct import_value v;

		line = slice_trim(line);
		if (line.len == 0 || line.data[0] == '#')
			continue;
		if (separator == 0)
			separator = csv_separator(line);
		if (!csv_split(line, separator, &plain, fields, &count, &why))
			break;
		if (first_count == 0) {
			first_count = count;
			header = header_read(fields, count, columns);
		}
		if (count != first_count) {
			first_count = 0;
			break;
		}
		whole |= import_value_read(NULL, line, a, &v, &why); /* a URL with commas, say */
		for (size_t f = 0; f < count && !value; f++)
			value = import_value_read(NULL, fields[f], a, &v, &why);
	}
	arena_free(a);
	buf_fini(&plain);
	if (first_count < 2)
		return 0;
	if (header)
		return 60;
	return value && !whole ? (slice_ends(slice_of(name), SLICE(".csv")) ? 60 : 40) : 0;
}

const struct importer import_csv = {
	.format = {"csv",
		   "CSV with a mapping of columns, a header, or columns found by their values", true,
		   true, false},
	.recognise = csv_recognise,
	.run = csv_run,
};
