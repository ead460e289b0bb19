/* SPDX-License-Identifier: MPL-2.0 */
/* Reading: pages from random places, searches of every kind, and places for a program that asks. */
#include "store_bench.h"

#define ROUNDS 2000 /* of each question */

static bool may_all(void *context, const struct store_row *row)
{
	(void)context;
	(void)row;
	return true;
}

static int double_order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* A row of the table, in microseconds. */
static void percentiles_print(const char *what, double *us, size_t count, uint64_t rows)
{
	qsort(us, count, sizeof(*us), double_order);
	printf("| %s | %.1f | %.0f | %.0f | %.0f |\n", what, (double)rows / (double)count,
		us[count / 2], us[count * 99 / 100], us[count - 1]);
	fflush(stdout);
}

static enum err_kind rows_take(
	struct store_cursor *c, size_t most, struct buf *body, uint64_t *rows, struct err *e)
{
	enum err_kind kind = OK;
	struct store_row row;
	bool more = true;

	for (size_t i = 0; i < most && more && kind == OK; i++) {
		kind = store_cursor_next(c, &row, &more, e);
		if (kind == OK && more) {
			buf_clear(body);
			kind = store_cursor_body(c, body, e);
			++*rows;
		}
	}
	store_cursor_free(c);
	return kind;
}

/* Where pages may begin: the date of a random object of the first collection. */
struct places {
	int64_t collection;
	int64_t first_us, last_us;
};

static enum err_kind places_find(struct store *s, struct places *ret_places, struct err *e)
{
	struct arena *a = arena_new(MIB(1));
	struct store_page page = {
		.after_us = INT64_MIN, .audience = {may_all, NULL}
        };
	struct store_collection *collections;
	struct places p = {0};
	struct store_reader *r = NULL;
	struct store_cursor *c = NULL;
	struct store_row row = {0};
	bool more = false;
	size_t count;
	enum err_kind kind = store_collections(s, a, &collections, &count, e);

	if (kind == OK && (count == 0 || collections[0].entries == 0))
		kind = err_set(e, ERR_USAGE, "there is nothing in the first collection");
	if (kind == OK) {
		page.collection = p.collection = collections[0].number;
		p.last_us = collections[0].last_added_us;
		kind = store_reader_take(s, &r, e);
	}
	if (kind == OK)
		kind = store_page_open(r, &page, &c, e);
	if (kind == OK)
		kind = store_cursor_next(c, &row, &more, e);
	p.first_us = row.date_added_us;
	store_cursor_free(c);
	store_reader_give(r);
	arena_free(a);
	if (kind == OK)
		*ret_places = p;
	return kind;
}

/* Anywhere in time; an import takes in its objects at an even rate. */
static int64_t place_at(const struct places *p, uint64_t i)
{
	uint64_t span = (uint64_t)(p->last_us - p->first_us) + 1;

	return p->first_us + (int64_t)(mix(i) % span);
}

static enum err_kind pages_measure(
	struct store *s, const char *what, const char *type, struct err *e)
{
	static double us[ROUNDS];
	struct store_page page = {
		.versions = STORE_LAST, .audience = {may_all, NULL}
        };
	struct slice types = slice_of(type);
	struct buf body = BUF_INIT;
	struct store_reader *r;
	struct store_cursor *c;
	struct places p;
	uint64_t rows = 0;
	enum err_kind kind = places_find(s, &p, e);

	page.collection = p.collection;
	page.types = &types;
	page.types_count = type != NULL;
	for (uint64_t i = 0; kind == OK && i < ROUNDS; i++) {
		double began = seconds();

		page.after_us = place_at(&p, i);
		kind = store_reader_take(s, &r, e);
		if (kind != OK)
			break;
		kind = store_page_open(r, &page, &c, e);
		if (kind == OK)
			kind = rows_take(c, 100, &body, &rows, e);
		store_reader_give(r);
		us[i] = (seconds() - began) * 1e6;
	}
	if (kind == OK)
		percentiles_print(what, us, ROUNDS, rows);
	buf_fini(&body);
	return kind;
}

struct question {
	const char *what;
	const char *value; /* kind of a made-up value, or NULL */
	bool suffix, network;
	int words;       /* how many */
	uint64_t common; /* ranks below; 0: any word */
	const char *type;
	const char *text; /* instead of made-up words */
};

static const struct question questions[] = {
	{"value, address",                  "ipv4-addr",                 .suffix = false},
	{"value, name",				 "domain-name",						.suffix = false},
	{"value, hash",                  "file",.suffix = false},
	{"value, URL",          "url",                         .suffix = false},
	{"network /24",                      "ipv4-addr",                                   .network = true},
	{"suffix, second level",				 "domain-name",						.suffix = true},
	{"suffix, top level (very common)",                  NULL,           .suffix = true, .text = "example"},
	{"network /1 (very common)",NULL,.network = true, .text = "128.0.0.0/1"},
	{"word, any", .words = 1      },
	{"word, one of the ten most common",                .words = 1,                                           .common = 10},
	{"two words, any",					  .words = 2												    },
	{"two common words",				 .words = 2,						  .common = 10},
	{"common word, rare type",                                 .words = 1,                     .common = 10, .type = "intrusion-set"},
	{"common word, type with none",                     .words = 1,      .common = 10, .type = "identity"},
	{"prefix of four letters",.text = "cord*"},
	{"type alone",.type = "report"},
};

/* The number of some observable of that kind. */
static uint64_t value_somewhere(uint64_t i, uint64_t objects, const char *kind)
{
	uint64_t n = mix(i) % objects;

	while (strcmp(object_type(SEED, n), kind) != 0)
		n = (n + 1) % objects;
	return n;
}

static enum err_kind question_ask(struct store *s, const struct question *q, uint64_t i,
	uint64_t objects, struct arena *a, struct buf *body, uint64_t *rows, struct err *e)
{
	struct store_search search = {
		.audience = {may_all, NULL}
        };
	struct slice type = slice_of(q->type);
	struct stix_value value;
	struct store_reader *r;
	struct store_cursor *c;
	char text[256] = "";
	enum err_kind kind;

	arena_reset(a);
	if (q->value != NULL || q->suffix || q->network) {
		if (q->text != NULL)
			snprintf(text, sizeof(text), "%s", q->text);
		else
			value_make(SEED, value_somewhere(i, objects, q->value), q->value, text,
				sizeof(text));
		if (q->network && q->text == NULL) {
			*strrchr(text, '.') = '\0';
			strcat(text, ".0/24");
		}
		if (q->suffix && q->text == NULL)
			memmove(text, strchr(text, '.') + 1, strlen(strchr(text, '.')));
		value.kind = q->suffix ? STIX_VALUE_NAME : STIX_VALUE_ADDRESS;
		if (q->suffix) {
			if (!stix_value_key(STIX_VALUE_NAME, slice_of(text), a, &value.key))
				return err_set(e, ERR_INVALID, "no name: %s", text);
		} else if (!stix_value_guess(slice_of(text), a, &value)) {
			return err_set(e, ERR_INVALID, "no value: %s", text);
		}
		search.value = &value;
		search.value_suffix = q->suffix;
	} else if (q->text != NULL) {
		search.text = slice_of(q->text);
	}
	for (int j = 0; j < q->words; j++) {
		double u = (double)(mix(i * 7 + (uint64_t)j) >> 11) / 9007199254740992.0;
		uint64_t rank = q->common != 0 ? mix(i * 3 + (uint64_t)j) % q->common
					       : (uint64_t)(u * u * u * u * 60000);
		char word[32];

		strcat(text, j > 0 ? " " : "");
		strcat(text, word_make(rank, word));
		search.text = slice_of(text);
	}
	search.types = &type;
	search.types_count = q->type != NULL;
	kind = store_reader_take(s, &r, e);
	if (kind == OK)
		kind = store_search_open(r, &search, &c, e);
	if (kind == OK)
		kind = rows_take(c, 20, body, rows, e);
	store_reader_give(r);
	return kind;
}

static enum err_kind questions_measure(struct store *s, uint64_t objects, struct err *e)
{
	static double us[ROUNDS];
	struct arena *a = arena_new(MIB(1));
	struct buf body = BUF_INIT;
	enum err_kind kind = OK;

	for (size_t k = 0; kind == OK && k < COUNT_OF(questions); k++) {
		uint64_t rows = 0;

		for (uint64_t i = 0; kind == OK && i < ROUNDS; i++) {
			double began = seconds();

			kind = question_ask(s, &questions[k], i, objects, a, &body, &rows, e);
			us[i] = (seconds() - began) * 1e6;
		}
		if (kind == OK)
			percentiles_print(questions[k].what, us, ROUNDS, rows);
	}
	buf_fini(&body);
	arena_free(a);
	return kind;
}

int verb_search(char **args)
{
	struct store_type_count *types;
	struct store_stats stats;
	struct arena *a = arena_new(MIB(8));
	struct store_reader *r;
	struct store *s;
	size_t count;
	struct err e;

	if (folder_open(args[0], STORE_WRITE, &s, &e) != OK || store_index_text(s, &e) != OK ||
		store_idle(s, &e) != OK || store_reader_take(s, &r, &e) != OK ||
		store_stats(r, a, &stats, &types, &count, &e) != OK)
		return fail(&e);
	store_reader_give(r);
	printf("%llu objects, %.1f MB of bodies, %.1f MB packed, %.1f MB on disk; %d questions "
	       "each; "
	       "the first 20 rows with bodies, or a page of 100.\n\n",
		(unsigned long long)stats.objects, (double)stats.body_bytes / 1e6,
		(double)stats.packed_bytes / 1e6, (double)stats.disk_bytes / 1e6, ROUNDS);
	printf("| question | rows | p50 us | p99 us | most us |\n| --- | --- | --- | --- | --- "
	       "|\n");
	if (pages_measure(s, "page of 100, random place", NULL, &e) != OK ||
		pages_measure(s, "page of 100 of a rare type", "malware", &e) != OK ||
		questions_measure(s, stats.objects, &e) != OK)
		return fail(&e);
	printf("\n");
	memory_print();
	store_close(s);
	arena_free(a);
	return 0;
}

/* N is only there for symmetry with --generate: the store knows how many it has. */
int verb_places(char **args)
{
	uint64_t count = strtoull(args[1], NULL, 10);
	FILE *to;
	struct places p;
	struct store *s;
	struct err e;

	/* beside a node that serves it */
	if (folder_open(args[2], STORE_READ, &s, &e) != OK || places_find(s, &p, &e) != OK)
		return fail(&e);
	store_close(s);
	to = fopen(args[3], "w");
	if (to == NULL) {
		perror(args[3]);
		return 1;
	}
	fprintf(to, "local places = {\n");
	for (uint64_t i = 0; i < count; i++) {
		char text[TIME_TEXT_MAX];

		time_format(place_at(&p, i), 6, text);
		fprintf(to, "\"%s\",\n", text);
	}
	fprintf(to, "}\n"
		    "local at = 0\n"
		    "wrk.headers[\"Accept\"] = \"application/taxii+json;version=2.1\"\n"
		    "request = function()\n"
		    "  at = at %% #places + 1\n"
		    "  return wrk.format(\"GET\", wrk.path .. \"?limit=100&added_after=\" .. "
		    "places[at])\n"
		    "end\n");
	if (fclose(to) != 0) {
		perror(args[3]);
		return 1;
	}
	return 0;
}
