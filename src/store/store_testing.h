/* SPDX-License-Identifier: MPL-2.0 */
/* For the store's tests: a store in a folder of its own, and objects made from a few words. */
#ifndef STORE_TESTING_H
#define STORE_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include "store/store.h"

#include <cmocka.h>

#define T0 INT64_C(1700000000000000) /* where the tests' clock starts */

struct testing {
	char folder[64];
	struct world_fake world;
	struct store *store;
	struct arena *arena; /* for everything a test makes */
	struct err e;
};

int testing_setup(void **state); /* cmocka's, with an open store */
int testing_teardown(void **state);
void testing_open(struct testing *t, enum store_mode mode);
void testing_close(struct testing *t);

/* Fails the test with the error's text. */
#define ASSERT_OK(t, call)                                                                         \
	do {                                                                                       \
		enum err_kind kind_ = (call);                                                      \
		if (kind_ != OK)                                                                   \
			fail_msg("%s: %s", err_kind_name(kind_), (t)->e.text);                     \
	} while (0)

/* An id out of a small number; the same number gives the same id. */
struct uuid id_of(unsigned number);

struct object_words {
	const char *type; /* "indicator" when NULL */
	unsigned id;
	int64_t version_us;    /* 0: unversioned */
	const char *name;      /* in the body; may be NULL */
	const char *extra;     /* more members of the body, `"a":1`; may be NULL */
	const char *property;  /* of the references; "object_refs" when NULL */
	unsigned refs[4];      /* numbers of indicators it refers to; ends with 0 */
	unsigned marks[4];     /* numbers of its markings; ends with 0 */
	const char *values[4]; /* as a person would type them: names, addresses; ends with NULL */
	const char *labels;    /* joined by '\n' */
	const char *traits;    /* may be NULL */
	enum stix_marking_kind marking_kind;
};

struct store_object testing_object(struct testing *t, struct object_words words);
/* Append one to the collections (ends with 0) as member "self". */
struct store_result testing_put(
	struct testing *t, struct object_words words, const int64_t *collections);
/* A collection named after the number. */
int64_t testing_collection(struct testing *t, unsigned number);

bool may_all(void *context, const struct store_row *row);
#define EVERYBODY ((struct store_audience){may_all, NULL})

/* What a cursor gives, as names of objects with a blank between: "1 2 3", versions as "1@5". */
const char *testing_rows(struct testing *t, struct store_cursor *c);
/* The store says that nothing is wrong. */
void testing_verify(struct testing *t);
/* All faults that store_verify tells, a line each. */
const char *testing_faults(struct testing *t);

struct store_reader *testing_reader(struct testing *t);
/* Rows of a page or search, as above. Without more: of collection 1, for everybody. */
const char *testing_page(struct testing *t, struct store_page p);
const char *testing_search(struct testing *t, struct store_search q);
#define PAGE(...)   testing_page(t, (struct store_page){__VA_ARGS__})
#define SEARCH(...) testing_search(t, (struct store_search){__VA_ARGS__})
/* As a person would type it; one label alone is a name. */
struct stix_value testing_value(struct testing *t, const char *text);
const char *testing_find(struct testing *t, const char *text, bool suffix);
const char *testing_words(struct testing *t, const char *text);
/* Merge the values and ids that wait. */
void testing_merge(struct testing *t);
/* All versions of an indicator, of which there is one, out of a collection. */
void testing_remove(struct testing *t, int64_t collection, unsigned id);

#endif
