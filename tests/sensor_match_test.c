/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the sensor finds, beside a look-up that was written without it: lines cut at tabs, names
 * lowered, a sorted set asked for the name and each parent, networks compared bit by bit. The same
 * events in seven formats, packed, cut at every byte, a million lines of them, and real logs.
 */
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "sensor/sensor.h"
#include "sensor_scene.h"

#define EVENTS     3000
#define LINES_MANY 1000000
#define PAIRS      4 /* of 100 events, so many hold something of the index */

/* ---- the naive look-up ----------------------------------------------------------------------- */

static const char *const names[] = {
	"bad.com", "deep.bad.com", "evil.org", "x.y.evil.net", "higan.org", "single.example"};
static const struct {
	const char *text;
	uint32_t address;
	unsigned bits;
} networks[] = {
	{"203.0.113.0/24",  0xcb007100, 24},
        {"203.0.113.64/26", 0xcb007140, 26},
	{"203.0.113.77",    0xcb00714d, 32},
        {"198.51.100.9",    0xc6336409, 32},
	{"10.66.0.0/15",    0x0a420000, 15}
};

struct event_made {
	uint32_t source, target;
	char name[64];
};

static int text_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* How many indicators speak of this name: it and each parent, by whole labels. */
static unsigned naive_name(const char *name, const char *const *sorted, size_t count)
{
	char low[256];
	const char *at = low;
	unsigned hits = 0;
	size_t len = strlen(name);

	assert_true(len < sizeof(low));
	for (size_t i = 0; i <= len; i++)
		low[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 32) : name[i];
	if (len > 0 && low[len - 1] == '.')
		low[len - 1] = 0;
	for (;;) {
		hits += bsearch(&at, sorted, count, sizeof(*sorted), text_compare) != NULL;
		at = strchr(at, '.');
		if (at == NULL)
			break;
		at++;
	}
	return hits;
}

static unsigned naive_address(uint32_t address)
{
	unsigned hits = 0;

	for (size_t i = 0; i < COUNT_OF(networks); i++)
		hits += (address ^ networks[i].address) >> (32 - networks[i].bits) == 0;
	return hits;
}

static const char *sorted_names[COUNT_OF(names)];

/* ---- events by chance ------------------------------------------------------------------------ */

static uint64_t chance_state;

static uint32_t chance(uint32_t below)
{
	chance_state = chance_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(chance_state >> 33) % below;
}

static void event_make(struct event_made *ev)
{
	static const char *const ends[] = {"com", "org", "net", "bad.com.org", "example"};
	bool hot = chance(100) < 4 * PAIRS;
	size_t k = chance(COUNT_OF(names));

	ev->source = 0x0a000000 | chance(0x800000);
	ev->target = hot && chance(2) ? networks[chance(COUNT_OF(networks))].address ^ chance(4)
				      : 0x5db80000 | chance(0x10000);
	if (!hot || chance(3) == 0)
		snprintf(ev->name, sizeof(ev->name), "w%u.z%u.%s", chance(9), chance(5000),
			ends[chance(COUNT_OF(ends))]);
	else if (chance(3) == 0) /* near misses: another label's end */
		snprintf(ev->name, sizeof(ev->name), "mic%s", names[k]);
	else
		snprintf(ev->name, sizeof(ev->name), "%s%s", chance(2) ? "A.b." : "", names[k]);
}

static void quad(uint32_t a, char ret_text[16])
{
	snprintf(ret_text, 16, "%u.%u.%u.%u", a >> 24 & 255, a >> 16 & 255, a >> 8 & 255, a & 255);
}

/* ---- formats --------------------------------------------------------------------------------- */

enum form { ZEEK, ZEEK_JSON, EVE, CSV, NDJSON, COMBINED, BIND, FORMS };

static const struct {
	const char *file, *header;
	unsigned header_lines;
	bool target;         /* the format holds the second address */
	unsigned name_times; /* fields that hold the name: a request's host, and its URL */
} forms[FORMS] = {
	[ZEEK] = {"dns.log",
		  "#separator \\x09\n#path\tdns\n#fields\tts\tid.orig_h\tid.resp_h\tquery\n"
		"#types\ttime\taddr\taddr\tstring\n",           4, true,  1},
	[ZEEK_JSON] = {"dns.json.log", "",                           0, true,  1},
	[EVE] = {"eve.json",     "",                           0, true,  1},
	[CSV] = {"flows.csv",    "time,src_ip,dst_ip,query\n", 1, true,  1},
	[NDJSON] = {"beats.ndjson", "",                           0, true,  1},
	[COMBINED] = {"access.log",   "",                           0, false, 2},
	[BIND] = {"query.log",    "",                           0, true,  1},
};

static void line_write(enum form form, const struct event_made *ev, unsigned n, struct buf *out)
{
	char s[16], t[16];
	unsigned m = n / 60 % 60, sec = n % 60;

	quad(ev->source, s);
	quad(ev->target, t);
	switch (form) {
	case ZEEK:
		buf_printf(out, "%u.000000\t%s\t%s\t%s\n", 1790000000 + n, s, t, ev->name);
		break;
	case ZEEK_JSON:
		buf_printf(out,
			"{\"ts\":%u.5,\"uid\":\"C%u\",\"id.orig_h\":\"%s\",\"id.orig_p\":5353,"
			"\"id.resp_h\":\"%s\",\"id.resp_p\":53,\"proto\":\"udp\",\"query\":\"%s\"}"
			"\n",
			1790000000 + n, n, s, t, ev->name);
		break;
	case EVE:
		buf_printf(out,
			"{\"timestamp\":\"2026-09-21T10:%02u:%02u.000000+0000\",\"flow_id\":%u,"
			"\"event_type\":\"dns\",\"src_ip\":\"%s\",\"src_port\":5353,\"dest_ip\":"
			"\"%s\",\"dest_port\":53,\"proto\":\"UDP\",\"dns\":{\"type\":\"query\","
			"\"id\":1,\"rrname\":\"%s\",\"rrtype\":\"A\"}}\n",
			m, sec, n + 1, s, t, ev->name);
		break;
	case CSV:
		buf_printf(out, "2026-09-21T10:%02u:%02uZ,%s,%s,%s\n", m, sec, s, t, ev->name);
		break;
	case NDJSON:
		buf_printf(out,
			"{\"@timestamp\":\"2026-09-21T10:%02u:%02u.000Z\",\"source\":{\"ip\":"
			"\"%s\"},\"destination\":{\"ip\":\"%s\"},\"dns\":{\"question\":{\"name\":"
			"\"%s\"}}}\n",
			m, sec, s, t, ev->name);
		break;
	case COMBINED:
		buf_printf(out,
			"%s:80 %s - - [21/Sep/2026:10:%02u:%02u +0000] \"GET / HTTP/1.1\" 200 17 "
			"\"-\" \"agent\"\n",
			ev->name, s, m, sec);
		break;
	default:
		buf_printf(out,
			"21-Sep-2026 10:%02u:%02u.000 queries: info: client @0x7f00 %s#5353 (%s): "
			"query: %s IN A + (%s)\n",
			m, sec, s, ev->name, ev->name, t);
		break;
	}
}

static void log_make(enum form form, const struct event_made *events, size_t count, struct buf *out)
{
	buf_text(out, forms[form].header);
	for (size_t i = 0; i < count; i++)
		line_write(form, &events[i], (unsigned)i, out);
	assert_false(out->bad);
}

static unsigned naive(const struct event_made *ev, enum form form)
{
	return naive_address(ev->source) + (forms[form].target ? naive_address(ev->target) : 0) +
	       forms[form].name_times * naive_name(ev->name, sorted_names, COUNT_OF(names));
}

/* ---- the sensor ------------------------------------------------------------------------------ */

static void index_make(const char *path)
{
	struct buf lines = BUF_INIT;

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		buf_printf(&lines, "%s\n", names[i]);
		sorted_names[i] = names[i];
	}
	qsort(sorted_names, COUNT_OF(names), sizeof(sorted_names[0]), text_compare);
	for (size_t i = 0; i < COUNT_OF(networks); i++)
		buf_printf(&lines, "%s\n", networks[i].text);
	scene_index(path, buf_slice(&lines));
	buf_fini(&lines);
}

static void watch(
	const char *folder, const char *index, const char *log, struct scene_findings *ret_findings)
{
	char findings[128];
	struct sensor_options o = {.index = index,
		.sources = &log,
		.sources_count = 1,
		.once = true,
		.all = true,
		.no_gate = true,
		.output = SENSOR_ECS,
		.findings = findings,
		.site = "scene",
		.world = world_real()};
	struct sensor_report report;

	snprintf(findings, sizeof(findings), "%s/findings", folder);
	(void)unlink(findings);
	MUST(sensor_watch(&o, &report, e));
	if (report.problems > 0)
		fail_msg("%s", report.first_problem);
	*ret_findings = (struct scene_findings){0};
	scene_findings_read(ret_findings, findings);
	assert_int_equal(report.hits, ret_findings->count);
}

/* Hits by record, one number for each event. */
static unsigned *by_record(const struct scene_findings *f, unsigned header, size_t count)
{
	unsigned *hits = calloc(count, sizeof(*hits));

	assert_non_null(hits);
	for (size_t i = 0; i < f->count; i++) {
		int64_t record = f->rows[i].line - 1 - header;

		assert_true(record >= 0 && (size_t)record < count);
		hits[record]++;
	}
	return hits;
}

static void hits_compare(const char *what, const unsigned *hits, const struct event_made *events,
	size_t count, enum form form)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++) {
		unsigned want = naive(&events[i], form);

		if (hits[i] != want)
			fail_msg("%s, event %zu, %08x %08x \"%s\": %u hits, %u expected", what, i,
				events[i].source, events[i].target, events[i].name, hits[i], want);
		total += hits[i];
	}
	assert_true(total > 0);
}

static void pack_gzip(struct slice text, const char *path)
{
	gzFile f = gzopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(gzwrite(f, text.data, (unsigned)text.len), text.len);
	assert_int_equal(gzclose(f), Z_OK);
}

static void pack_zstd(struct slice text, const char *path)
{
	size_t room = ZSTD_compressBound(text.len), n;
	char *packed = malloc(room);

	assert_non_null(packed);
	n = ZSTD_compress(packed, room, text.data, text.len, 3);
	assert_false(ZSTD_isError(n));
	scene_put(path, (struct slice){packed, n});
	free(packed);
}

static void test_readers_agree(void **state)
{
	struct event_made *events = calloc(EVENTS, sizeof(*events));
	char folder[64], index[96], log[128];
	size_t total = 0;

	(void)state;
	assert_non_null(events);
	chance_state = 7;
	for (size_t i = 0; i < EVENTS; i++)
		event_make(&events[i]);
	scene_folder(folder);
	snprintf(index, sizeof(index), "%s/index", folder);
	index_make(index);
	for (unsigned form = 0; form < FORMS; form++) {
		static const char *const packings[] = {"", ".gz", ".zst"};
		struct buf text = BUF_INIT;

		log_make((enum form)form, events, EVENTS, &text);
		for (size_t p = 0; p < COUNT_OF(packings); p++) {
			struct scene_findings f;
			unsigned *hits;

			snprintf(
				log, sizeof(log), "%s/%s%s", folder, forms[form].file, packings[p]);
			if (p == 0)
				scene_put(log, buf_slice(&text));
			else if (p == 1)
				pack_gzip(buf_slice(&text), log);
			else
				pack_zstd(buf_slice(&text), log);
			watch(folder, index, log, &f);
			hits = by_record(&f, forms[form].header_lines, EVENTS);
			hits_compare(log, hits, events, EVENTS, (enum form)form);
			total += f.count;
			free(hits);
			scene_findings_free(&f);
			(void)unlink(log);
		}
		buf_fini(&text);
	}
	print_message("%d formats, plain, gzip and zstd: %d events each, %zu hits, as expected\n",
		FORMS, EVENTS, total);
	free(events);
	scene_remove(folder);
}

static void test_many_lines(void **state)
{
	struct event_made *events = calloc(LINES_MANY, sizeof(*events));
	char folder[64], index[96], log[128];
	struct buf text = BUF_INIT;
	struct scene_findings f;
	unsigned *hits;

	(void)state;
	assert_non_null(events);
	chance_state = 11;
	for (size_t i = 0; i < LINES_MANY; i++)
		event_make(&events[i]);
	scene_folder(folder);
	snprintf(index, sizeof(index), "%s/index", folder);
	snprintf(log, sizeof(log), "%s/dns.log", folder);
	index_make(index);
	log_make(ZEEK, events, LINES_MANY, &text);
	scene_put(log, buf_slice(&text));
	watch(folder, index, log, &f);
	hits = by_record(&f, forms[ZEEK].header_lines, LINES_MANY);
	hits_compare(log, hits, events, LINES_MANY, ZEEK);
	print_message("%d lines: %zu hits, as expected\n", LINES_MANY, f.count);
	free(hits);
	scene_findings_free(&f);
	buf_fini(&text);
	free(events);
	scene_remove(folder);
}

/* ---- cut at every byte ----------------------------------------------------------------------- */

#define CUT_EVENTS 14

struct cutting {
	struct index_matcher *matcher;
	unsigned hits[CUT_EVENTS];
	unsigned header;
};

static bool on_hit(void *context, const struct batch *b, const struct index_hit *hit)
{
	struct cutting *c = context;
	uint64_t number = b->records[b->fields[hit->field].record].number;

	assert_true(number > c->header && number - 1 - c->header < CUT_EVENTS);
	c->hits[number - 1 - c->header]++;
	return true;
}

static bool on_batch(void *context, struct batch *b)
{
	struct cutting *c = context;

	return index_match(c->matcher, b, on_hit, c);
}

/* Bytes with the room around them that readers want, and nothing more. */
static size_t feed(struct logs_reader *r, struct slice bytes, bool last)
{
	char *room = calloc(1, EVENT_PADDING + bytes.len + EVENT_PADDING);
	size_t taken = 0;

	assert_non_null(room);
	if (bytes.len > 0)
		memcpy(room + EVENT_PADDING, bytes.data, bytes.len);
	assert_true(logs_feed(r, (struct slice){room + EVENT_PADDING, bytes.len}, last, &taken));
	free(room);
	return taken;
}

static void test_cut_at_every_byte(void **state)
{
	struct event_made events[CUT_EVENTS];
	char folder[64], index[96];
	struct index *x;
	size_t cuts = 0;

	(void)state;
	chance_state = 5;
	for (size_t i = 0; i < CUT_EVENTS; i++) {
		event_make(&events[i]);
		if (i % 2 == 0)
			snprintf(events[i].name, sizeof(events[i].name), "a.%s", names[i % 6]);
	}
	scene_folder(folder);
	snprintf(index, sizeof(index), "%s/index", folder);
	index_make(index);
	MUST(index_open(index, &(struct index_options){0}, &x, e));
	for (unsigned form = 0; form < FORMS; form++) {
		struct cutting c = {
			.matcher = index_matcher_new(x), .header = forms[form].header_lines};
		struct buf text = BUF_INIT;
		enum logs_format format;

		assert_non_null(c.matcher);
		log_make((enum form)form, events, CUT_EVENTS, &text);
		format = logs_guess(buf_slice(&text), forms[form].file);
		for (size_t cut = 0; cut <= text.len; cut++, cuts++) {
			const struct logs_options options = {.format = format,
				.roles = event_roles_matched(),
				.world = world_real()};
			struct logs_reader *r;
			size_t taken;

			memset(c.hits, 0, sizeof(c.hits));
			MUST(logs_reader_new(&options, (struct batch_sink){on_batch, &c}, &r, e));
			taken = feed(r, slice_cut(buf_slice(&text), 0, cut), false);
			(void)feed(r, slice_cut(buf_slice(&text), taken, text.len), true);
			logs_reader_free(r);
			hits_compare(forms[form].file, c.hits, events, CUT_EVENTS, (enum form)form);
		}
		index_matcher_free(c.matcher);
		buf_fini(&text);
	}
	print_message("%d formats cut at %zu places: as expected\n", FORMS, cuts);
	index_close(x);
	scene_remove(folder);
}

/* ---- real logs ------------------------------------------------------------------------------- */

#define CELLS_MAX 64

/* Strings sorted and each once. */
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

static void texts_sort(struct texts *t)
{
	size_t kept = 0;

	qsort(t->at, t->count, sizeof(*t->at), text_compare);
	for (size_t i = 0; i < t->count; i++) {
		if (kept > 0 && strcmp(t->at[kept - 1], t->at[i]) == 0)
			free(t->at[i]);
		else
			t->at[kept++] = t->at[i];
	}
	t->count = kept;
}

static bool texts_has(const struct texts *t, const char *text)
{
	return t->count > 0 &&
	       bsearch(&text, t->at, t->count, sizeof(*t->at), text_compare) != NULL;
}

static void texts_free(struct texts *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->at[i]);
	free(t->at);
}

/* "a.b.c.d" -> "a.b.c.0/24"; false for what is no IPv4 address. */
static bool network_of(const char *address, char ret_network[32])
{
	unsigned a, b, c, d;

	if (strchr(address, ':') != NULL || sscanf(address, "%u.%u.%u.%u", &a, &b, &c, &d) != 4)
		return false;
	snprintf(ret_network, 32, "%u.%u.%u.0/24", a, b, c);
	return true;
}

/* Every cell whose column is of the type addr, by the log's own header. */
static void cells_each(const char *path,
	void (*cell)(void *context, uint64_t line, const char *column, const char *value),
	void *context)
{
	static char line[1 << 20], columns[1 << 16];
	char *names_at[CELLS_MAX] = {0};
	bool address[CELLS_MAX] = {false};
	gzFile f = gzopen(path, "rb");

	assert_non_null(f);
	for (uint64_t number = 1; gzgets(f, line, sizeof(line)) != NULL; number++) {
		char *rest = line, *part;

		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "#fields\t", 8) == 0) {
			memset(names_at, 0, sizeof(names_at));
			strcpy(columns, line + 8);
			rest = columns;
			for (size_t i = 0; (part = strsep(&rest, "\t")) != NULL; i++) {
				assert_true(i < CELLS_MAX);
				names_at[i] = part;
			}
		} else if (strncmp(line, "#types\t", 7) == 0) {
			rest = line + 7;
			for (size_t i = 0; (part = strsep(&rest, "\t")) != NULL; i++)
				address[i] = strcmp(part, "addr") == 0;
		} else if (line[0] != '#') {
			for (size_t i = 0; (part = strsep(&rest, "\t")) != NULL; i++) {
				if (i < CELLS_MAX && address[i] && strcmp(part, "-") != 0)
					cell(context, number, names_at[i], part);
			}
		}
	}
	gzclose(f);
}

static void cell_collect(void *context, uint64_t line, const char *column, const char *value)
{
	(void)line;
	(void)column;
	texts_add(context, value);
}

static void column_collect(void *context, uint64_t line, const char *column, const char *value)
{
	(void)line;
	(void)value;
	texts_add(context, column);
}

struct comparing {
	const struct texts *indicators;
	struct texts *expected;
};

static void expect_hit(struct texts *t, uint64_t line, const char *column, const char *indicator)
{
	char text[256];

	snprintf(text, sizeof(text), "%llu %s %s", (unsigned long long)line, column, indicator);
	texts_add(t, text);
}

static void cell_expect(void *context, uint64_t line, const char *column, const char *value)
{
	struct comparing *c = context;
	char network[32];

	if (texts_has(c->indicators, value))
		expect_hit(c->expected, line, column, value);
	if (network_of(value, network) && texts_has(c->indicators, network))
		expect_hit(c->expected, line, column, network);
}

/* Of what the logs hold: some addresses, their neighbours, some networks. */
static void indicators_choose(const struct texts *seen, struct texts *ret_indicators)
{
	for (size_t i = 0; i < seen->count; i++) {
		const char *text = seen->at[i];
		char network[32];
		unsigned a, b, c, d;

		if (i % 5 == 0)
			texts_add(ret_indicators, text);
		if (!network_of(text, network))
			continue;
		if (i % 31 == 0)
			texts_add(ret_indicators, network);
		if (i % 7 == 0 && sscanf(text, "%u.%u.%u.%u", &a, &b, &c, &d) == 4) {
			snprintf(network, sizeof(network), "%u.%u.%u.%u", a, b, c, d ^ 1);
			texts_add(ret_indicators, network);
		}
	}
	texts_sort(ret_indicators);
}

static size_t log_compare(
	const char *folder, const char *index, const char *path, const struct texts *indicators)
{
	struct texts expected = {0}, found = {0};
	struct comparing c = {indicators, &expected};
	struct scene_findings f;
	struct texts columns = {0};
	size_t hits;

	cells_each(path, cell_expect, &c);
	texts_sort(&expected);
	watch(folder, index, path, &f);
	/* Addresses in messages are found as well: only the columns of addresses are compared. */
	cells_each(path, column_collect, &columns);
	texts_sort(&columns);
	for (size_t i = 0; i < f.count; i++) {
		if (texts_has(&columns, f.rows[i].field))
			expect_hit(&found, (uint64_t)f.rows[i].line, f.rows[i].field,
				f.rows[i].indicator);
	}
	hits = found.count;
	texts_sort(&found);
	assert_int_equal(hits, found.count); /* none twice */
	for (size_t i = 0; i < found.count; i++) {
		if (!texts_has(&expected, found.at[i]))
			fail_msg("%s: not expected: %s", path, found.at[i]);
	}
	for (size_t i = 0; i < expected.count; i++) {
		if (!texts_has(&found, expected.at[i]))
			fail_msg("%s: missed: %s", path, expected.at[i]);
	}
	texts_free(&columns);
	texts_free(&expected);
	texts_free(&found);
	scene_findings_free(&f);
	return hits;
}

static void test_real_logs(void **state)
{
	const char *root = getenv("SERAI_DATA");
	char logs[512], folder[64], index[96];
	struct texts paths = {0}, seen = {0}, indicators = {0};
	struct buf lines = BUF_INIT;
	struct dirent *entry;
	size_t hits = 0;
	DIR *d;

	(void)state;
	if (root != NULL)
		snprintf(logs, sizeof(logs), "%s/sensor/zeek", root);
	else
		snprintf(logs, sizeof(logs), "%s/../shared/data/sensor/zeek", SERAI_SOURCE);
	d = opendir(logs);
	if (d == NULL) {
		print_message("no %s: skipped\n", logs);
		skip();
	}
	while ((entry = readdir(d)) != NULL) {
		char path[1024];

		snprintf(path, sizeof(path), "%s/%s", logs, entry->d_name);
		if (slice_ends(slice_of(path), SLICE(".log.gz")))
			texts_add(&paths, path);
	}
	closedir(d);
	texts_sort(&paths);
	assert_true(paths.count > 0);
	for (size_t i = 0; i < paths.count; i++)
		cells_each(paths.at[i], cell_collect, &seen);
	texts_sort(&seen);
	indicators_choose(&seen, &indicators);
	for (size_t i = 0; i < indicators.count; i++)
		buf_printf(&lines, "%s\n", indicators.at[i]);
	scene_folder(folder);
	snprintf(index, sizeof(index), "%s/index", folder);
	scene_index(index, buf_slice(&lines));
	for (size_t i = 0; i < paths.count; i++)
		hits += log_compare(folder, index, paths.at[i], &indicators);
	print_message("%zu real logs, %zu addresses, %zu indicators: %zu hits, as expected\n",
		paths.count, seen.count, indicators.count, hits);
	assert_true(hits > 0);
	texts_free(&paths);
	texts_free(&seen);
	texts_free(&indicators);
	buf_fini(&lines);
	scene_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readers_agree),
		cmocka_unit_test(test_many_lines),
		cmocka_unit_test(test_cut_at_every_byte),
		cmocka_unit_test(test_real_logs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
