/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the sensor finds in every format, of every kind of indicator, beside a look-up that was
 * written without it (sensor_naive.h): whole files plain and packed, a million lines, files handed
 * over in two pieces cut at every byte, and files that end at every byte.
 */
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "sensor/sensor.h"
#include "sensor_forms.h"

#define INDICATORS_MORE 20000 /* by chance, beside those by hand */
#define EVENTS          400   /* of one form */
#define EVENTS_CUT      8     /* of a form that is cut at every byte */
#define LINES_MANY      1000000

struct scene {
	struct naive *indicators;
	struct chance chance;
	char folder[64], index[96];
	struct made *events;
	size_t events_count;
};

static void scene_begin(struct scene *s, uint64_t seed, size_t more, size_t events, unsigned hot)
{
	*s = (struct scene){
		.chance.state = seed, .indicators = naive_new(), .events_count = events};
	forms_indicators(s->indicators, &s->chance, more);
	scene_folder(s->folder);
	snprintf(s->index, sizeof(s->index), "%s/index", s->folder);
	naive_index(s->indicators, s->index);
	s->events = calloc(events, sizeof(*s->events));
	assert_non_null(s->events);
	for (size_t i = 0; i < events; i++)
		made_make(&s->events[i], s->indicators, &s->chance, hot, i % 5 == 0);
}

static void scene_end(struct scene *s)
{
	free(s->events);
	naive_free(s->indicators);
	scene_remove(s->folder);
}

/* ---- whole files ----------------------------------------------------------------------------- */

static void watch(const struct scene *s, const char *log, struct logs_mapping *mapping,
	struct naive_hits *found, uint64_t *ret_problems)
{
	char path[128];
	struct sensor_options o = {.index = s->index,
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

	snprintf(path, sizeof(path), "%s/findings", s->folder);
	(void)unlink(path);
	MUST(sensor_watch(&o, &report, e));
	scene_findings_read(&f, path);
	assert_int_equal(report.hits, f.count);
	for (size_t i = 0; i < f.count; i++) {
		const char *match = f.rows[i].match;
		uint32_t how = INDEX_EXACT;

		while (strcmp(index_how_name((enum index_how)how), match) != 0)
			assert_true(++how <= INDEX_PREFIX);
		naive_hits_add(found, (uint64_t)f.rows[i].line,
			naive_of_finding(s->indicators, &f.rows[i]), how);
	}
	naive_hits_sort(found);
	scene_findings_free(&f);
	if (ret_problems != NULL)
		*ret_problems = report.problems;
	else if (report.problems > 0)
		fail_msg("%s: %s", log, report.first_problem);
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

static struct logs_mapping *mapping_of(const struct form *f)
{
	struct logs_mapping *mapping = NULL;

	if (f->mapping != NULL)
		MUST(logs_mapping_parse(slice_of(f->mapping), f->name, &mapping, e));
	return mapping;
}

static void test_every_reader(void **state)
{
	static const char *const packings[] = {"", ".gz", ".zst"};
	size_t looked[FIELD_KINDS] = {0}, total = 0, pairs = 0;
	bool formats[LOGS_FORMATS] = {false};
	struct scene s;

	(void)state;
	scene_begin(&s, 7, INDICATORS_MORE, EVENTS, 40);
	for (size_t i = 0; i < forms_count; i++) {
		const struct form *f = &forms[i];
		struct logs_mapping *mapping = mapping_of(f);
		struct naive_hits expected = {0};
		size_t here[FIELD_KINDS];
		struct buf text = BUF_INIT;
		enum logs_format format;

		form_write(f, s.indicators, s.events, s.events_count, &text, &expected, here);
		assert_true(expected.count > EVENTS / 10);
		format = mapping != NULL ? f->format : logs_guess(buf_slice(&text), f->file);
		if (format != f->format)
			fail_msg("%s: taken for %s", f->name, logs_format_name(format));
		formats[format] = true;
		for (size_t k = 0; k < FIELD_KINDS; k++) {
			looked[k] += here[k];
			pairs += here[k] > 0;
		}
		for (size_t p = 0; p < COUNT_OF(packings); p++) {
			struct naive_hits found = {0};
			char log[128];

			snprintf(log, sizeof(log), "%s/%s%s", s.folder, f->file, packings[p]);
			if (p == 0)
				scene_put(log, buf_slice(&text));
			else if (p == 1)
				pack_gzip(buf_slice(&text), log);
			else
				pack_zstd(buf_slice(&text), log);
			watch(&s, log, mapping, &found, NULL);
			naive_compare(s.indicators, log, buf_slice(&text), &expected, &found);
			total += found.count;
			naive_hits_free(&found);
			(void)unlink(log);
		}
		naive_hits_free(&expected);
		buf_fini(&text);
		logs_mapping_free(mapping);
	}
	for (unsigned format = LOGS_UNKNOWN + 1; format < LOGS_FORMATS; format++) {
		if (!formats[format])
			fail_msg("no form of %s", logs_format_name((enum logs_format)format));
	}
	for (enum field_kind kind = FIELD_ADDRESS; kind <= FIELD_SSDEEP; kind++)
		assert_true(looked[kind] > 0);
	print_message("%zu forms of %d formats, %zu pairs of form and kind, plain, gzip and zstd, "
		      "%zu indicators: %zu hits, as expected\n",
		forms_count, LOGS_FORMATS - 1, pairs, naive_count(s.indicators), total);
	scene_end(&s);
}

/* ---- a million lines ------------------------------------------------------------------------- */

/* Some thousand events, each line with values of any of them. */
static void made_mix(struct made *m, const struct scene *s, struct chance *c)
{
	for (enum slot slot = SLOT_NONE; slot < SLOTS; slot++)
		memcpy(m->at[slot], s->events[chance_below(c, (uint32_t)s->events_count)].at[slot],
			MADE_MAX);
	snprintf(m->at[SLOT_JOINED], MADE_MAX, "%.100s%.100s", m->at[SLOT_HOST], m->at[SLOT_PATH]);
}

static void test_many_lines(void **state)
{
	size_t total = 0, lines_all = 0, bytes = 0;
	struct scene s;

	(void)state;
	scene_begin(&s, 11, INDICATORS_MORE, 4000, 4);
	for (size_t i = 0; i < forms_count; i++) {
		const struct form *f = &forms[i];
		size_t count = LINES_MANY / forms_count + (i < LINES_MANY % forms_count);
		struct logs_mapping *mapping = mapping_of(f);
		struct naive_hits expected = {0}, found = {0};
		struct buf text = BUF_INIT;
		struct writing w = {.out = &text, .n = s.indicators, .expected = &expected};
		struct made m;
		unsigned lines;
		char log[128];

		form_header(f, &text, &lines);
		for (size_t k = 0; k < count; k++) {
			made_mix(&m, &s, &s.chance);
			w.record = lines + k + 1;
			f->write(&w, f, &m, (unsigned)k);
		}
		assert_false(text.bad);
		naive_hits_sort(&expected);
		snprintf(log, sizeof(log), "%s/%s", s.folder, f->file);
		scene_put(log, buf_slice(&text));
		watch(&s, log, mapping, &found, NULL);
		naive_compare(s.indicators, log, buf_slice(&text), &expected, &found);
		assert_true(found.count > count / 100);
		total += found.count;
		lines_all += count;
		bytes += text.len;
		naive_hits_free(&expected);
		naive_hits_free(&found);
		(void)unlink(log);
		buf_fini(&text);
		logs_mapping_free(mapping);
	}
	assert_int_equal(lines_all, LINES_MANY);
	print_message("%zu lines, %zu bytes in %zu forms: %zu hits, as expected\n", lines_all,
		bytes, forms_count, total);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_reader),
		cmocka_unit_test(test_many_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
