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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readers_agree),
		cmocka_unit_test(test_many_lines),
		cmocka_unit_test(test_cut_at_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
