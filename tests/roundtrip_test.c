/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Real intelligence through the whole house: imported, exported, served over TLS, pulled into a
 * second node; the bytes of every object are the same everywhere. Needs the real data; says so when
 * it is missing.
 */
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "scenario.h"

static void count_lost(void *context, const struct intel_place *place, struct slice what)
{
	(void)place;
	assert_true(what.len > 0); /* a loss that says nothing is a silent one */
	++*(uint64_t *)context;
}

static void told_refused(void *context, const struct intel_verdict *v)
{
	(void)context;
	assert_true(v->message.len > 0);
	if (v->tolerated)
		return;
	print_message("  %s %.*s: %.*s\n", intel_outcome_name(v->outcome), SLICE_ARG(v->id),
		SLICE_ARG(v->message));
}

struct counted {
	uint64_t objects, found, same;
};

/* Every object of a file or export, compared with what a node keeps. */
static struct counted compare(const char *path, struct node *n)
{
	static const struct intel_recipient us = {.reach = INTEL_OPERATOR};
	struct json_parser *parser = json_parser_new(JSON_OBJECT_MAX);
	struct store_reader *r;
	struct counted c = {0};
	struct json_file *f;

	MUST(json_file_open(path, &f, e));
	MUST(store_reader_take(n->store, &r, e));
	for (;;) {
		enum json_split_kind what;
		struct json_item item;
		struct json_doc doc;
		struct stix_id id;
		struct store_cursor *cursor;
		struct store_row row;
		struct buf body = BUF_INIT;
		bool more = true, same = false, any = false;

		MUST(json_file_next(f, &what, &item, e));
		if (what != JSON_SPLIT_OBJECT)
			break;
		c.objects++;
		MUST(json_parse(parser, item.bytes, &doc, e));
		assert_true(stix_id_parse(json_get_string(json_root(&doc), "id"), &id));
		MUST(intel_release_versions(n->intel, r, &us, id.type, &id.uuid, &cursor, e));
		for (;;) {
			MUST(store_cursor_next(cursor, &row, &more, e));
			if (!more)
				break;
			any = true;
			buf_clear(&body);
			MUST(store_cursor_body(cursor, &body, e));
			same = same || slice_equal(buf_slice(&body), item.bytes);
		}
		store_cursor_free(cursor);
		buf_fini(&body);
		c.found += any;
		c.same += same;
	}
	store_reader_give(r);
	json_file_close(f);
	json_parser_free(parser);
	return c;
}

static struct intel_counts import_file(struct node *n, const char *path, uint64_t *losses)
{
	struct store_collection main_collection;
	struct arena *a = arena_new(MIB(1));
	struct intel_counts counts = {0};
	struct intel_import job = {
		.source.member = SLICE("self"),
		.source.tolerant = true, /* ATT&CK's malware says nothing of is_family */
		.path = path,
		.confidence = -1,
		.refused = told_refused,
		.lost = count_lost,
		.context = losses,
	};
	bool found;

	MUST(store_collection_get(n->store, SLICE("main"), a, &main_collection, &found, e));
	job.source.collections = &main_collection.number;
	job.source.collections_count = 1;
	MUST(intel_import_run(n->intel, &job, &counts, e));
	arena_free(a);
	return counts;
}

static void export_all(struct node *n, const char *format, enum intel_reach reach, const char *path,
	struct intel_export_counts *ret_counts)
{
	struct intel_export job = {
		.to.reach = reach,
		.format = format,
		.path = path,
		.every_version = true,
	};

	MUST(intel_export_run(n->intel, &job, ret_counts, e));
}

/* Serve the folder as a child and pull all of it into a second node. */
static void pull_all(const char *folder, const char *second, struct intel_counts *ret_counts)
{
	struct scenario_server server;
	struct store_collection main_collection;
	struct arena *a = arena_new(MIB(1));
	struct taxii_pull pull = {0};
	struct node n;
	bool found;
	int status;

	scenario_node_make(second);
	scenario_serve(folder, &server);
	scenario_client(folder, &pull.http);
	MUST(node_open(second, STORE_WRITE, world_real(), &n, e));
	MUST(store_collection_get(n.store, SLICE("main"), a, &main_collection, &found, e));
	pull.url = server.url;
	pull.source = (struct intel_source){SLICE("first"), &main_collection.number, 1, true};
	pull.once = true;
	MUST(taxii_pull_run(n.intel, &pull, ret_counts, e));
	http_client_free(pull.http);
	node_close(&n);
	arena_free(a);
	kill(server.pid, SIGTERM);
	waitpid(server.pid, &status, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0); /* a clean shutdown */
}

static void round_trip(const char *path)
{
	char first[64], second[64], file[96];
	struct intel_counts counts, pulled = {0};
	struct intel_export_counts out = {0};
	struct counted c;
	struct node n;
	uint64_t losses = 0;

	scenario_folder(first);
	scenario_folder(second);
	scenario_node_make(first);
	MUST(node_open(first, STORE_WRITE, world_real(), &n, e));
	counts = import_file(&n, path, &losses);
	assert_int_equal(counts.by_outcome[INTEL_REFUSED], 0);
	assert_int_equal(counts.by_outcome[INTEL_CONFLICT], 0);
	c = compare(path, &n);
	assert_int_equal(c.same, c.objects);

	/* once more: nothing new */
	counts = import_file(&n, path, &losses);
	assert_int_equal(counts.by_outcome[INTEL_NEW], 0);

	snprintf(file, sizeof(file), "%s/all.json", second);
	export_all(&n, "stix", INTEL_MEMBER, file, &out);
	assert_int_equal(out.losses, 0);
	assert_int_equal(out.withheld, 0);
	c = compare(file, &n);
	assert_int_equal(c.same, c.objects);
	assert_int_equal(c.objects, out.objects);
	node_close(&n);

	pull_all(first, second, &pulled);
	assert_int_equal(pulled.by_outcome[INTEL_NEW], out.objects);
	assert_int_equal(pulled.objects, out.objects);
	MUST(node_open(second, STORE_READ, world_real(), &n, e));
	c = compare(file, &n);
	assert_int_equal(c.same, c.objects);
	print_message("%s: %llu objects imported, exported and pulled, byte for byte\n",
		strrchr(path, '/') + 1, (unsigned long long)c.objects);
	node_close(&n);
	scenario_remove(first);
	scenario_remove(second);
}

static void test_attack_enterprise(void **state)
{
	char *path = scenario_data("stix/enterprise-attack.json.gz");

	(void)state;
	if (path == NULL)
		skip();
	round_trip(path);
	free(path);
}

static void test_attack_ics(void **state)
{
	char *path = scenario_data("stix/ics-attack-18.1.json.gz");

	(void)state;
	if (path == NULL)
		skip();
	round_trip(path);
	free(path);
}

/* What arrives elsewhere is what may leave: compare the second node with the first one's export. */
static void test_misp_events(void **state)
{
	char *folder_path = scenario_data("misp");
	char first[64], second[64], file[96];
	struct intel_export_counts out = {0};
	struct intel_counts pulled = {0};
	struct dirent *entry;
	struct counted c;
	struct node n;
	uint64_t losses = 0, objects = 0, events = 0;
	DIR *folder;

	(void)state;
	if (folder_path == NULL)
		skip();
	scenario_folder(first);
	scenario_folder(second);
	scenario_node_make(first);
	MUST(node_open(first, STORE_WRITE, world_real(), &n, e));
	folder = opendir(folder_path);
	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL) {
		struct intel_counts counts;
		uint64_t before = losses;
		char path[512];

		if (strncmp(entry->d_name, "eset-", 5) != 0 &&
			strncmp(entry->d_name, "pymisp-e", 8) != 0 &&
			strncmp(entry->d_name, "pymisp-m", 8) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder_path, entry->d_name);
		counts = import_file(&n, path, &losses);
		assert_int_equal(counts.by_outcome[INTEL_REFUSED], 0);
		assert_int_equal(counts.losses, losses - before); /* each loss was told */
		objects += counts.objects;
		events++;
		/* the same file again makes nothing new */
		counts = import_file(&n, path, &losses);
		assert_int_equal(counts.by_outcome[INTEL_NEW], 0);
	}
	closedir(folder);
	assert_true(events >= 33);
	snprintf(file, sizeof(file), "%s/all.json", second);
	export_all(&n, "stix", INTEL_MEMBER, file, &out);
	assert_int_equal(out.losses, 0);
	node_close(&n);

	pull_all(first, second, &pulled);
	assert_int_equal(pulled.objects, out.objects);
	MUST(node_open(second, STORE_READ, world_real(), &n, e));
	c = compare(file, &n);
	assert_int_equal(c.same, c.objects);
	print_message("%llu events: %llu objects, %llu losses told; %llu shared and pulled byte "
		      "for byte\n",
		(unsigned long long)events, (unsigned long long)objects, (unsigned long long)losses,
		(unsigned long long)c.objects);
	node_close(&n);
	scenario_remove(first);
	scenario_remove(second);
	free(folder_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attack_enterprise),
		cmocka_unit_test(test_attack_ics),
		cmocka_unit_test(test_misp_events),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
