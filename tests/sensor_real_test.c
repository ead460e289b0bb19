/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Real logs and real values beside the naive look-up (sensor_naive.h). The logs are cut at their
 * tabs here, by their own headers; which column holds what is said in a table of this file. Looked
 * for are every seventh value of each kind that stands in the logs, near misses, and the published
 * lists of ../shared/data (MISP's warninglists, ESET's incidents). The same real values are then
 * written in the form of every other log. Skipped without that data.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "sensor/sensor.h"
#include "sensor_forms.h"
#include "json/json.h"

#define LINE_BYTES  (1 << 20)
#define CELLS_MOST  64
#define VALUE_MOST  (MADE_MAX - 1)
#define JSON_MOST   MIB(64)
#define EVERY       7
#define REAL_EVENTS 1500

/* ---- values ---------------------------------------------------------------------------------- */

struct texts {
	char **at;
	size_t count, capacity;
};

static void texts_add(struct texts *t, const char *text)
{
	if (t->count == t->capacity) {
		t->capacity = t->capacity == 0 ? 1024 : 2 * t->capacity;
		t->at = realloc(t->at, t->capacity * sizeof(*t->at));
		assert_non_null(t->at);
	}
	t->at[t->count] = strdup(text);
	assert_non_null(t->at[t->count++]);
}

static int text_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, each once. */
static void texts_sort(struct texts *t)
{
	size_t kept = 0;

	if (t->count > 0)
		qsort(t->at, t->count, sizeof(*t->at), text_compare);
	for (size_t i = 0; i < t->count; i++) {
		if (kept > 0 && strcmp(t->at[kept - 1], t->at[i]) == 0)
			free(t->at[i]);
		else
			t->at[kept++] = t->at[i];
	}
	t->count = kept;
}

static void texts_free(struct texts *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->at[i]);
	free(t->at);
}

static bool is_address(const char *text)
{
	uint8_t bytes[16];

	return event_address_parse(slice_cut(slice_of(text), 0, strcspn(text, "/")), bytes) != 0;
}

/* Letters, digits, '-', '_' and points between, and no number at the end. */
static bool is_name(const char *text)
{
	size_t len = strlen(text);
	const char *last = strrchr(text, '.');

	return last != NULL && len < 200 && strstr(text, "..") == NULL && text[0] != '.' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
		       len &&
	       strspn(last + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") ==
		       strlen(last + 1) &&
	       last[1] != 0;
}

/* What may be said of it without a doubt; NONE: nothing. */
static enum field_kind kind_of(const char *text)
{
	return is_address(text) ? FIELD_ADDRESS : is_name(text) ? FIELD_NAME : FIELD_NONE;
}

/* ---- real logs ------------------------------------------------------------------------------- */

/* Beside the columns of the type addr; the log's name begins so. */
static const struct {
	const char *log, *column;
	enum field_kind kind;
} columns[] = {
	{"ntlm",        "server_dns_computer_name", FIELD_HOST},
	{"ftp",         "arg",                      FIELD_FREE},
	{"smb_mapping", "path",                     FIELD_FREE},
	{"smb_files",   "path",                     FIELD_FREE},
	{"smb_files",   "name",                     FIELD_TEXT},
	{"smb_files",   "prev_name",                FIELD_TEXT},
	{"known_certs", "subject",                  FIELD_FREE},
	{"notice",      "msg",                      FIELD_FREE},
	{"notice",      "sub",                      FIELD_FREE},
	{"weird",       "addl",                     FIELD_FREE},
	{"software",    "unparsed_version",         FIELD_TEXT},
	{"ssh",         "client",                   FIELD_TEXT},
};

typedef void cell_seen(void *context, uint64_t line, enum field_kind kind, const char *value);

static enum field_kind kind_of_column(const char *log, const char *column, const char *type)
{
	if (strcmp(type, "addr") == 0)
		return FIELD_ADDRESS;
	for (size_t i = 0; i < COUNT_OF(columns); i++)
		if (strncmp(log, columns[i].log, strlen(columns[i].log)) == 0 &&
			strcmp(column, columns[i].column) == 0)
			return columns[i].kind;
	return FIELD_NONE;
}

/* "\x41" and "\\" as Zeek writes them. */
static void unescape(char *text)
{
	char *to = text;
	unsigned byte;

	for (; *text != 0; text++) {
		if (text[0] == '\\' && text[1] == 'x' && sscanf(text + 2, "%2x", &byte) == 1) {
			*to++ = (char)byte;
			text += 3;
		} else if (text[0] == '\\' && text[1] == '\\') {
			*to++ = *text++;
		} else {
			*to++ = *text;
		}
	}
	*to = 0;
}

static size_t cut(char *line, char **cells)
{
	size_t count = 0;
	char *part;

	while ((part = strsep(&line, "\t")) != NULL) {
		assert_true(count < CELLS_MOST);
		cells[count++] = part;
	}
	return count;
}

static void cells_each(const char *path, const char *log, cell_seen *seen, void *context)
{
	static char line[LINE_BYTES], names[LINE_BYTES];
	char *names_at[CELLS_MOST], *cells[CELLS_MOST];
	enum field_kind kinds[CELLS_MOST] = {FIELD_NONE};
	gzFile f = gzopen(path, "rb");

	assert_non_null(f);
	for (uint64_t number = 1; gzgets(f, line, sizeof(line)) != NULL; number++) {
		size_t count;

		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "#fields\t", 8) == 0) {
			memcpy(names, line + 8, strlen(line + 8) + 1);
			(void)cut(names, names_at);
		} else if (strncmp(line, "#types\t", 7) == 0) {
			count = cut(line + 7, cells);
			for (size_t i = 0; i < count; i++)
				kinds[i] = kind_of_column(log, names_at[i], cells[i]);
		} else if (line[0] != '#') {
			count = cut(line, cells);
			for (size_t i = 0; i < count; i++) {
				if (kinds[i] == FIELD_NONE || strcmp(cells[i], "-") == 0 ||
					strcmp(cells[i], "(empty)") == 0)
					continue;
				unescape(cells[i]);
				seen(context, number, kinds[i], cells[i]);
			}
		}
	}
	gzclose(f);
}

/* Words of a text: what could be a name or an address, whatever stands around it. */
static void words_each(const char *text, uint64_t line, cell_seen *seen, void *context)
{
	static const char word[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	char part[512];

	while (*text != 0) {
		size_t len = strspn(text, word);

		if (len == 0) {
			text++;
			continue;
		}
		if (len < sizeof(part)) {
			size_t from = strspn(text, ".-"), kept = len;

			from = from < len ? from : len;
			while (kept > from && text[kept - 1] == '.')
				kept--;
			kept -= from;
			memcpy(part, text + from, kept);
			part[kept] = 0;
			if (kind_of(part) != FIELD_NONE)
				seen(context, line, kind_of(part), part);
		}
		text += len;
	}
}

/* "ftp://host/path" up to a blank or a quote. */
static void urls_each(const char *text, uint64_t line, cell_seen *seen, void *context)
{
	const char *mark = strstr(text, "://");
	char url[1024];
	size_t len;

	while (mark != NULL && mark > text && isalnum((unsigned char)mark[-1]))
		mark--;
	if (mark == NULL)
		return;
	len = strcspn(mark, " \"'<>()[]{}\\^`,;");
	while (len > 0 && strchr(".,:!?&", mark[len - 1]) != NULL)
		len--;
	if (len >= sizeof(url))
		return;
	memcpy(url, mark, len);
	url[len] = 0;
	seen(context, line, FIELD_URL, url);
}

/* ---- indicators ------------------------------------------------------------------------------ */

static struct texts seen_of_kind[FIELD_KINDS];

static void collect(void *context, uint64_t line, enum field_kind kind, const char *value)
{
	if (strlen(value) > VALUE_MOST)
		return;
	if (kind == FIELD_FREE) {
		words_each(value, line, collect, context);
		urls_each(value, line, collect, context);
	} else if (kind == FIELD_HOST) {
		if (kind_of(value) != FIELD_NONE)
			texts_add(&seen_of_kind[kind_of(value)], value);
	} else {
		texts_add(&seen_of_kind[kind], value);
	}
}

static void add_checked(struct naive *n, enum field_kind kind, const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > VALUE_MOST || (kind == FIELD_ADDRESS && !is_address(text)) ||
		(kind == FIELD_ADDRESS && strncmp(text, "::ffff:", 7) == 0))
		return;
	if (kind == FIELD_NAME && !is_name(text))
		return;
	if (kind == FIELD_URL &&
		(strpbrk(text, " \t\"<>\\") != NULL || strstr(text, "://") == NULL ||
			strstr(text, ":///") != NULL))
		return;
	naive_add(n, kind, text);
}

/* Every seventh value of the logs, and for each another that is not there. */
static void choose(struct naive *n)
{
	for (enum field_kind kind = FIELD_ADDRESS; kind < FIELD_KINDS_STORED; kind++) {
		struct texts *t = &seen_of_kind[kind];

		texts_sort(t);
		for (size_t i = 0; i < t->count; i += EVERY) {
			char other[MADE_MAX + 8];

			add_checked(n, kind, t->at[i]);
			snprintf(
				other, sizeof(other), kind == FIELD_NAME ? "q%s" : "%sq", t->at[i]);
			if (kind == FIELD_ADDRESS)
				snprintf(other, sizeof(other), "%s/%u", t->at[i],
					strchr(t->at[i], ':') != NULL ? 64 : 24 + (unsigned)i % 6);
			if (kind != FIELD_ADDRESS || i % (3 * EVERY) == 0)
				add_checked(n, kind, other);
		}
	}
}

static const struct {
	const char *type;
	enum field_kind kind;
} misp_types[] = {
	{"md5",       FIELD_HASH   },
	{"sha1",      FIELD_HASH   },
	{"sha256",    FIELD_HASH   },
	{"imphash",   FIELD_IMPHASH},
	{"domain",    FIELD_NAME   },
	{"hostname",  FIELD_NAME   },
	{"ip-dst",    FIELD_ADDRESS},
	{"url",       FIELD_URL    },
	{"email-src", FIELD_EMAIL  },
	{"filename",  FIELD_TEXT   },
};

static void value_take(struct naive *n, struct texts *kept, enum field_kind kind, struct slice text)
{
	char copy[MADE_MAX];

	if (text.len == 0 || text.len > VALUE_MOST)
		return;
	memcpy(copy, text.data, text.len);
	copy[text.len] = 0;
	if (kind == FIELD_NONE)
		kind = kind_of(copy);
	if (kind == FIELD_NONE)
		return;
	if (n != NULL)
		add_checked(n, kind, copy);
	if (kept != NULL)
		texts_add(&kept[kind], copy);
}

/* "list" of a warninglist; every "type" and "value" of an event's attributes, objects' too. */
static void document_take(struct naive *n, struct texts *kept, struct json_value v, unsigned depth)
{
	struct json_value list, item;
	struct slice name, type = json_get_string(v, "type");

	if (depth > 8)
		return;
	for (size_t i = 0; i < COUNT_OF(misp_types); i++)
		if (slice_is(type, misp_types[i].type))
			value_take(n, kept, misp_types[i].kind, json_get_string(v, "value"));
	if (depth == 0 && json_get(v, "list", &list) && json_is_array(list)) {
		for (struct json_iter it = json_iter(list); json_array_next(&it, &item);)
			if (json_is_string(item))
				value_take(n, kept, FIELD_NONE, json_string(item));
		return;
	}
	if (json_is_object(v)) {
		for (struct json_iter it = json_iter(v); json_object_next(&it, &name, &item);)
			if (json_is_object(item) || json_is_array(item))
				document_take(n, kept, item, depth + 1);
	} else if (json_is_array(v)) {
		for (struct json_iter it = json_iter(v); json_array_next(&it, &item);)
			if (json_is_object(item))
				document_take(n, kept, item, depth + 1);
	}
}

static void file_take(struct naive *n, struct texts *kept, const char *path)
{
	struct json_parser *parser = json_parser_new(JSON_MOST);
	struct buf text = BUF_INIT;
	char chunk[65536];
	struct json_doc doc;
	gzFile f = gzopen(path, "rb");
	int got;

	assert_non_null(parser);
	assert_non_null(f);
	while ((got = gzread(f, chunk, sizeof(chunk))) > 0)
		buf_append(&text, chunk, (size_t)got);
	gzclose(f);
	if (json_parse(parser, buf_slice(&text), &doc, NULL) == OK)
		document_take(n, kept, json_root(&doc), 0);
	json_parser_free(parser);
	buf_fini(&text);
}

/* ---- where the data is ----------------------------------------------------------------------- */

static bool data_path(const char *below, char ret_path[512])
{
	const char *root = getenv("SERAI_DATA");

	if (root != NULL)
		snprintf(ret_path, 512, "%s/%s", root, below);
	else
		snprintf(ret_path, 512, "%s/../shared/data/%s", SERAI_SOURCE, below);
	return access(ret_path, R_OK) == 0;
}

static struct texts files_of(const char *folder, const char *ending)
{
	struct texts t = {0};
	struct dirent *entry;
	DIR *d = opendir(folder);

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		char path[1024];

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (slice_ends(slice_of(path), slice_of(ending)))
			texts_add(&t, path);
	}
	closedir(d);
	texts_sort(&t);
	return t;
}

static void lists_take(struct naive *n, struct texts *kept)
{
	char folder[512], path[1024];
	struct dirent *entry;
	struct texts files;
	DIR *d;

	if (data_path("misp", folder)) {
		files = files_of(folder, ".json.gz");
		for (size_t i = 0; i < files.count; i++)
			file_take(n, kept, files.at[i]);
		texts_free(&files);
	}
	if (n == NULL || !data_path("guard/misp-warninglists", folder))
		return;
	d = opendir(folder);
	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s/list.json.gz", folder, entry->d_name);
		if (entry->d_name[0] != '.' && access(path, R_OK) == 0)
			file_take(n, NULL, path);
	}
	closedir(d);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static void watch(const struct naive *n, const char *folder, const char *index, const char *log,
	const struct logs_mapping *mapping, struct naive_hits *found)
{
	char path[128];
	struct sensor_options o = {.index = index,
		.sources = &log,
		.sources_count = 1,
		.once = true,
		.all = true,
		.no_gate = true,
		.mapping = mapping,
		.output = SENSOR_ECS,
		.findings = path,
		.site = "scene",
		.world = world_real()};
	struct scene_findings f = {0};
	struct sensor_report report;

	snprintf(path, sizeof(path), "%s/findings", folder);
	(void)unlink(path);
	MUST(sensor_watch(&o, &report, e));
	if (report.problems > 0)
		fail_msg("%s: %s", log, report.first_problem);
	scene_findings_read(&f, path);
	assert_int_equal(report.hits, f.count);
	for (size_t i = 0; i < f.count; i++) {
		uint32_t how = INDEX_EXACT;

		while (strcmp(index_how_name((enum index_how)how), f.rows[i].match) != 0)
			assert_true(++how <= INDEX_PREFIX);
		naive_hits_add(
			found, (uint64_t)f.rows[i].line, naive_of_finding(n, &f.rows[i]), how);
	}
	naive_hits_once(found);
	scene_findings_free(&f);
}

struct comparing {
	const struct naive *n;
	struct naive_hits expected;
};

static void expect(void *context, uint64_t line, enum field_kind kind, const char *value)
{
	struct comparing *c = context;

	if (kind == FIELD_FREE) {
		words_each(value, line, expect, c);
		urls_each(value, line, expect, c);
	} else {
		naive_look(c->n, kind, value, line, &c->expected);
	}
}

static void test_real_logs(void **state)
{
	char data[512], folder[64], index[96];
	size_t kinds[FIELD_KINDS] = {0}, hits = 0, refused;
	struct naive *n = naive_new();
	struct texts logs;
	struct buf text = BUF_INIT;

	(void)state;
	if (!data_path("sensor/zeek", data)) {
		print_message("no %s: skipped\n", data);
		naive_free(n);
		skip();
	}
	logs = files_of(data, ".log.gz");
	for (size_t i = 0; i < logs.count; i++)
		cells_each(logs.at[i], strrchr(logs.at[i], '/') + 1, collect, NULL);
	choose(n);
	lists_take(n, NULL);
	scene_folder(folder);
	snprintf(index, sizeof(index), "%s/index", folder);
	refused = naive_index_real(n, index);
	for (size_t i = 0; i < logs.count; i++) {
		struct comparing c = {.n = n};
		struct naive_hits found = {0};

		cells_each(logs.at[i], strrchr(logs.at[i], '/') + 1, expect, &c);
		naive_hits_once(&c.expected);
		watch(n, folder, index, logs.at[i], NULL, &found);
		naive_compare(n, logs.at[i], (struct slice){0}, &c.expected, &found);
		hits += found.count;
		for (size_t k = 0; k < found.count; k++)
			kinds[naive_kind(n, found.at[k].indicator)]++;
		naive_hits_free(&c.expected);
		naive_hits_free(&found);
	}
	for (enum field_kind kind = FIELD_ADDRESS; kind < FIELD_KINDS_STORED; kind++) {
		if (kinds[kind] > 0)
			buf_printf(&text, " %s %zu", field_kind_name(kind), kinds[kind]);
		texts_free(&seen_of_kind[kind]);
		seen_of_kind[kind] = (struct texts){0};
	}
	buf_char(&text, 0);
	print_message("%zu real logs, %zu indicators (%zu refused): %zu hits, as expected:%s\n",
		logs.count, naive_count(n), refused, hits, text.data);
	assert_true(kinds[FIELD_ADDRESS] > 0 && kinds[FIELD_NAME] > 0 && kinds[FIELD_TEXT] > 0 &&
		    kinds[FIELD_URL] > 0);
	buf_fini(&text);
	texts_free(&logs);
	naive_free(n);
	scene_remove(folder);
}

/* ---- real values in every form --------------------------------------------------------------- */

/* Written as it stands in each of the forms. */
static bool is_plain(const char *text)
{
	for (const char *p = text; *p != 0; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f ||
			strchr("\"'\\,;|<>()[]{}", *p) != NULL)
			return false;
	return *text != 0 && strlen(text) < MADE_MAX / 2;
}

static bool fits_slot(enum slot slot, const char *text)
{
	size_t len = strlen(text);

	if (slot == SLOT_MD5 || slot == SLOT_SHA1 || slot == SLOT_SHA256)
		return len == (slot == SLOT_MD5 ? 32 : slot == SLOT_SHA1 ? 40 : 64);
	if (slot == SLOT_HOST)
		return strchr(text, ':') == NULL;
	return slot != SLOT_SHA512;
}

/* Values of real incidents in the slots of their kinds; the rest by chance. */
static void event_fill(struct made *m, const struct texts *kept, struct chance *c)
{
	for (enum slot slot = SLOT_NONE + 1; slot < SLOTS; slot++) {
		enum field_kind kind = slot_kind(slot);
		const struct texts *t = &kept[kind == FIELD_HOST ? FIELD_NAME : kind];

		for (unsigned tries = 0; tries < 8 && t->count > 0; tries++) {
			const char *text = t->at[chance_below(c, (uint32_t)t->count)];

			if (slot == SLOT_JOINED || !is_plain(text) || !fits_slot(slot, text))
				continue;
			snprintf(m->at[slot], MADE_MAX, "%s", text);
			break;
		}
	}
	/* a request for one of the URLs */
	if (strncmp(m->at[SLOT_URL], "http://", 7) == 0 &&
		strchr(m->at[SLOT_URL] + 7, '/') != NULL) {
		const char *path = strchr(m->at[SLOT_URL] + 7, '/');

		snprintf(m->at[SLOT_HOST], MADE_MAX, "%.*s", (int)(path - m->at[SLOT_URL] - 7),
			m->at[SLOT_URL] + 7);
		snprintf(m->at[SLOT_PATH], MADE_MAX, "%.*s", (int)strcspn(path, "#"), path);
	}
	if (strchr(m->at[SLOT_HOST], ':') != NULL)
		snprintf(m->at[SLOT_HOST], MADE_MAX, "plain.example");
	snprintf(m->at[SLOT_JOINED], MADE_MAX, "%.120s%.120s", m->at[SLOT_HOST], m->at[SLOT_PATH]);
}

/* Free text finds names inside of URLs' paths as well, which nobody said: only columns here. */
static bool has_words(const struct form *f)
{
	return f->format == LOGS_SYSLOG || f->format == LOGS_TEXT;
}

static void test_real_values(void **state)
{
	struct made *events = calloc(REAL_EVENTS, sizeof(*events));
	struct texts kept[FIELD_KINDS] = {{0}};
	struct naive *n = naive_new();
	struct chance chance = {51};
	char data[512], folder[64], index[96];
	size_t hits = 0, forms_tried = 0, values = 0, refused;

	(void)state;
	assert_non_null(events);
	if (!data_path("misp", data)) {
		print_message("no %s: skipped\n", data);
		free(events);
		naive_free(n);
		skip();
	}
	lists_take(NULL, kept);
	for (enum field_kind kind = FIELD_ADDRESS; kind < FIELD_KINDS_STORED; kind++) {
		texts_sort(&kept[kind]);
		values += kept[kind].count;
		for (size_t i = 0; i < kept[kind].count; i += EVERY)
			add_checked(n, kind, kept[kind].at[i]);
	}
	scene_folder(folder);
	snprintf(index, sizeof(index), "%s/index", folder);
	refused = naive_index_real(n, index);
	for (size_t i = 0; i < REAL_EVENTS; i++) {
		made_make(&events[i], n, &chance, 0, false);
		event_fill(&events[i], kept, &chance);
	}
	for (size_t i = 0; i < forms_count; i++) {
		const struct form *f = &forms[i];
		struct naive_hits expected = {0}, found = {0};
		struct logs_mapping *mapping = NULL;
		struct buf text = BUF_INIT;
		char log[128];

		if (has_words(f))
			continue;
		if (f->mapping != NULL)
			MUST(logs_mapping_parse(slice_of(f->mapping), f->name, &mapping, e));
		form_write(f, n, events, REAL_EVENTS, &text, &expected, NULL);
		naive_hits_once(&expected);
		snprintf(log, sizeof(log), "%s/%s", folder, f->file);
		scene_put(log, buf_slice(&text));
		watch(n, folder, index, log, mapping, &found);
		naive_compare(n, log, buf_slice(&text), &expected, &found);
		hits += found.count;
		forms_tried++;
		naive_hits_free(&expected);
		naive_hits_free(&found);
		logs_mapping_free(mapping);
		buf_fini(&text);
	}
	print_message(
		"%zu values of real incidents in %zu forms, %zu indicators (%zu refused): %zu "
		"hits, as expected\n",
		values, forms_tried, naive_count(n), refused, hits);
	assert_true(hits > 1000);
	for (enum field_kind kind = FIELD_NONE; kind < FIELD_KINDS; kind++)
		texts_free(&kept[kind]);
	free(events);
	naive_free(n);
	scene_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_logs),
		cmocka_unit_test(test_real_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
