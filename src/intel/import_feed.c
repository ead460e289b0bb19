/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The indicator made of one value of a list. Its id is a hash of the list's name, the kind and the
 * value, so that reading the list again tomorrow finds what is here, and adds only what is new.
 */
#include "import_value.h"

#define FEED_ARENA_MAX MIB(4) /* for one entry: a line and what is made of it */

/* "feeds/blocked.txt.gz" -> "blocked.txt" */
static struct slice name_of_path(const char *path)
{
	static const char *const packings[] = {".gz", ".zst"};
	struct slice name = slice_of(path);

	while (slice_find(name, '/', 0) + 1 < name.len)
		name = slice_cut(name, slice_find(name, '/', 0) + 1, name.len);
	for (size_t k = 0; k < COUNT_OF(packings); k++) {
		if (slice_ends(name, slice_of(packings[k])) && name.len > strlen(packings[k]))
			name.len -= strlen(packings[k]);
	}
	return name.len == 0 || slice_is(name, "-") ? SLICE("standard input") : name;
}

struct slice import_source_name(const struct intel_import *options)
{
	struct slice name =
		options->name != NULL ? slice_of(options->name) : name_of_path(options->path);

	return slice_cut(name, 0, IMPORT_NAME_MAX);
}

enum err_kind import_feed_init(struct import_feed *feed, struct import_job *job, struct err *e)
{
	*feed = (struct import_feed){.job = job, .out = BUF_MAX(JSON_OBJECT_MAX)};
	feed->name = import_source_name(job->options);
	feed->now_us = world_now(job->world);
	/* STIX 2.1 section 3.2: milliseconds are enough, and what most write. */
	feed->now_us -= feed->now_us % 1000;
	feed->arena = arena_new(FEED_ARENA_MAX);
	if (feed->arena == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	/* The marking belongs to the identity: the name of a list can be a secret, and one identity
	 * under two markings would keep the freer list back. */
	import_uuid((const struct slice[]){SLICE("list"), feed->name,
			    slice_of(stix_tlp_name(job->options->tlp))},
		3, &feed->identity);
	return OK;
}

void import_feed_fini(struct import_feed *feed)
{
	arena_free(feed->arena);
	buf_fini(&feed->out);
}

static enum err_kind feed_emit(
	struct import_feed *feed, const struct intel_place *place, struct err *e)
{
	struct intel_place at = *place;

	if (feed->out.bad)
		return import_refuse(feed->job, place, (struct slice){0}, e,
			"the object made of it is longer than %zu bytes", JSON_OBJECT_MAX);
	at.index = feed->index++;
	return feed->job->sink->emit(feed->job->sink->context, buf_slice(&feed->out), &at, e);
}

static enum err_kind feed_identity(
	struct import_feed *feed, const struct intel_place *place, struct err *e)
{
	struct import_sink *sink = feed->job->sink;
	enum stix_tlp tlp = feed->job->options->tlp;
	struct json_writer w = JSON_WRITER(&feed->out);
	enum err_kind kind;

	if (feed->identity_emitted)
		return OK;
	feed->identity_emitted = true;
	kind = import_tlp_emit(feed->job, tlp, place, e);
	if (kind != OK || sink->known(sink->context, SLICE("identity"), &feed->identity))
		return kind;
	buf_clear(&feed->out);
	json_write_object(&w);
	json_member_text(&w, "type", "identity");
	json_member_text(&w, "spec_version", "2.1");
	import_member_id(&w, "id", SLICE("identity"), &feed->identity);
	json_member_time(&w, "created", feed->now_us, 3);
	json_member_time(&w, "modified", feed->now_us, 3);
	json_member_string(&w, "name", feed->name);
	json_member_text(&w, "description", "A list of indicators, brought in by Serai.");
	json_member_text(&w, "identity_class", "system");
	import_member_tlp(&w, tlp);
	json_write_end(&w, '}');
	return feed_emit(feed, place, e);
}

/* Section 2.13: a source needs at least one of description, url and external_id. */
static void write_reference(
	struct json_writer *w, const struct import_feed *feed, const struct import_entry *entry)
{
	bool has_url = slice_starts(entry->url, SLICE("http://")) ||
		       slice_starts(entry->url, SLICE("https://"));

	json_write_name(w, "external_references");
	json_write_array(w);
	json_write_object(w);
	json_member_string(w, "source_name", entry->source.len > 0 ? entry->source : feed->name);
	if (has_url)
		json_member_string(w, "url", entry->url);
	else if (entry->url.len > 0)
		json_member_string(w, "description", entry->url);
	else
		json_member_text(w, "description", "An entry of this list.");
	json_write_end(w, '}');
	json_write_end(w, ']');
}

static void write_labels(struct json_writer *w, const struct import_entry *entry)
{
	bool any = false;

	for (size_t k = 0; k < entry->labels_count; k++)
		any |= entry->labels[k].len > 0;
	if (!any)
		return; /* section 2.10: a list is never empty */
	json_write_name(w, "labels");
	json_write_array(w);
	for (size_t k = 0; k < entry->labels_count; k++) {
		if (entry->labels[k].len > 0)
			json_write_string(w, entry->labels[k]);
	}
	json_write_end(w, ']');
}

static void write_indicator(
	struct import_feed *feed, const struct import_entry *entry, const struct uuid *uuid)
{
	const struct intel_import *options = feed->job->options;
	int64_t from_us = entry->valid_from_us == INT64_MIN ? feed->now_us : entry->valid_from_us;
	int confidence = entry->confidence >= 0 ? entry->confidence : options->confidence;
	struct json_writer w = JSON_WRITER(&feed->out);

	buf_clear(&feed->out);
	json_write_object(&w);
	json_member_text(&w, "type", "indicator");
	json_member_text(&w, "spec_version", "2.1");
	import_member_id(&w, "id", SLICE("indicator"), uuid);
	import_member_id(&w, "created_by_ref", SLICE("identity"), &feed->identity);
	json_member_time(&w, "created", feed->now_us, 3);
	json_member_time(&w, "modified", feed->now_us, 3);
	json_member_string(&w, "name", entry->name.len > 0 ? entry->name : entry->value.text);
	if (entry->description.len > 0)
		json_member_string(&w, "description", entry->description);
	json_write_name(&w, "indicator_types");
	json_write_array(&w);
	json_write_text(&w, "malicious-activity");
	json_write_end(&w, ']');
	json_member_string(&w, "pattern", entry->value.pattern);
	json_member_text(&w, "pattern_type", "stix");
	json_member_time(&w, "valid_from", from_us, 3);
	if (entry->valid_until_us != INT64_MIN)
		json_member_time(&w, "valid_until", entry->valid_until_us, 3);
	write_labels(&w, entry);
	if (confidence >= 0)
		json_member_i64(&w, "confidence", confidence);
	write_reference(&w, feed, entry);
	import_member_tlp(&w, entry->tlp != STIX_TLP_NONE ? entry->tlp : options->tlp);
	json_write_end(&w, '}');
}

enum err_kind import_feed_add(struct import_feed *feed, const struct intel_place *place,
	const struct import_entry *entry, struct err *e)
{
	struct import_sink *sink = feed->job->sink;
	struct import_entry checked = *entry;
	struct uuid uuid;
	enum err_kind kind;

	/* Section 4.7: valid_until lies behind valid_from. Both are written in milliseconds. */
	if (entry->valid_until_us != INT64_MIN &&
		entry->valid_until_us / 1000 <=
			(entry->valid_from_us == INT64_MIN ? feed->now_us : entry->valid_from_us) /
				1000) {
		char until[TIME_TEXT_MAX];

		time_format(entry->valid_until_us, 3, until);
		import_lose(feed->job, place,
			"%.*s: valid until %s, which is not after its beginning",
			SLICE_ARG(entry->value.text), until);
		checked.valid_until_us = INT64_MIN;
	}
	kind = feed_identity(feed, place, e);
	if (kind != OK)
		return kind;
	import_uuid((const struct slice[]){SLICE("indicator"), feed->name,
			    slice_of(stix_value_kind_name(entry->value.kind)), entry->value.key},
		4, &uuid);
	feed->entries++;
	if (sink->known(sink->context, SLICE("indicator"), &uuid)) {
		feed->known++;
		return OK;
	}
	kind = import_tlp_emit(feed->job, entry->tlp, place, e);
	if (kind != OK)
		return kind;
	write_indicator(feed, &checked, &uuid);
	return feed_emit(feed, place, e);
}
