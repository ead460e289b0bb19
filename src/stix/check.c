/* SPDX-License-Identifier: MPL-2.0 */
/* Checking one object, and the members of a bundle. */
#include <stdlib.h>

#include "check.h"

enum stix_class stix_class_of(struct slice type)
{
	char padded[STIX_TYPE_MAX + sizeof(uint64_t)] = {0}; /* type_find reads past the end */

	if (type.len == 0 || type.len > STIX_TYPE_MAX)
		return STIX_CUSTOM;
	memcpy(padded, type.data, type.len);
	return stix_shapes[type_find((struct slice){padded, type.len})]->class;
}

const char *stix_class_name(enum stix_class c)
{
	static const char *const names[] = {
		[STIX_CUSTOM] = "custom",
		[STIX_SDO] = "domain object",
		[STIX_SRO] = "relationship object",
		[STIX_SCO] = "observable",
		[STIX_META] = "meta object",
		[STIX_BUNDLE] = "bundle",
	};

	return (size_t)c < COUNT_OF(names) ? names[c] : "custom";
}

/* ---- facts ----------------------------------------------------------------------------------- */

static int marking_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct uuid));
}

static void markings_sort(struct stix_facts *f)
{
	size_t unique = 1;

	qsort(f->markings, f->markings_count, sizeof(f->markings[0]), marking_compare);
	for (size_t i = 1; i < f->markings_count; i++)
		if (!uuid_equal(&f->markings[i], &f->markings[unique - 1]))
			f->markings[unique++] = f->markings[i];
	f->markings_count = unique;
}

/* ---- one object ------------------------------------------------------------------------------ */

/* The value of "type", wherever it stands. */
static struct slice type_of(struct json_value object)
{
	struct json_iter it = json_iter(object);
	struct json_value v;
	struct slice name;

	while (json_object_next(&it, &name, &v))
		if (name.len == 4 && memcmp(name.data, "type", 4) == 0)
			return json_string(v);
	return (struct slice){0};
}

/* 3.2: lang should be there when there is text to translate. */
static void check_lang(struct check *c)
{
	static const struct place at = {
		NULL, {"lang", 4},
                 0
        };

	if (c->should && c->facts->lang.data == NULL && !c->version_20 &&
		(c->shape->class == STIX_SDO || c->shape->class == STIX_SRO) &&
		(c->facts->name.data != NULL || c->facts->description.data != NULL))
		check_remark(
			c, "3.2 Common Properties", &at, "the language of the text should be said");
}

static void check_top(struct check *c)
{
	struct walk w;

	check_object(c, c->shape, c->object, NULL, &w);
	check_lang(c);
	if (c->shape->class == STIX_SCO && c->facts->key.type.data != NULL)
		check_observable_id(&w);
	if (c->steps > CHECK_STEPS_MAX)
		check_error(c, "Serai limit", NULL,
			"expected selectors and local references that take at most %d steps",
			CHECK_STEPS_MAX);
	if (c->too_many_references)
		check_error(c, "Serai limit", NULL, "expected at most %d references",
			STIX_REFERENCES_MAX);
}

enum err_kind stix_check(struct json_value object, struct stix_report *report,
	struct stix_facts *ret_facts, struct err *e)
{
	struct stix_facts facts = {.confidence = -1};
	struct check c = {
		.report = report,
		.facts = &facts,
		.object = object,
		.should = !report->errors_only,
	};

	if (!json_is_object(object)) {
		check_error(&c, "3 STIX General Concepts", NULL, "expected an object, found %s",
			check_kind_name(object));
	} else {
		c.type = type_of(object);
		c.shape = stix_shapes[c.type.data == NULL ? SHAPE_CUSTOM : type_find(c.type)];
		facts.class = c.shape->class;
		if (c.shape->number == SHAPE_BUNDLE)
			check_error(&c, "8 Bundle", NULL,
				"a bundle is no STIX object, expected one of its objects");
		else
			check_top(&c);
	}
	if (c.no_memory)
		return err_set(e, ERR_NOMEM, "checking an object: out of memory");
	if (facts.markings_count > 1)
		markings_sort(&facts);
	if (!facts.versioned)
		facts.modified_us = facts.created_us;
	if (ret_facts != NULL)
		*ret_facts = facts;
	return OK;
}

enum err_kind stix_check_bundle(
	struct json_value envelope, struct stix_report *report, struct err *e)
{
	struct stix_facts facts = {.confidence = -1};
	struct check c = {
		.report = report,
		.facts = &facts,
		.object = envelope,
		.shape = stix_shapes[SHAPE_BUNDLE],
		.should = !report->errors_only,
	};
	static const struct place at = {
		NULL, {"type", 4},
                 0
        };
	char quoted[QUOTE_MAX];
	struct walk w;

	if (!json_is_object(envelope)) {
		check_error(&c, "8 Bundle", NULL, "expected an object, found %s",
			check_kind_name(envelope));
	} else {
		c.type = type_of(envelope);
		if (c.type.data != NULL && !slice_is(c.type, "bundle"))
			check_error(&c, "8 Bundle", &at, "expected bundle, found %s",
				check_quote(c.type, quoted));
		check_object(&c, c.shape, envelope, NULL, &w);
	}
	if (c.no_memory)
		return err_set(e, ERR_NOMEM, "checking a bundle: out of memory");
	return OK;
}
