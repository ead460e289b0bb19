/* SPDX-License-Identifier: MPL-2.0 */
/* See scenario.h. */
#include "scenario.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void scenario_folder(char ret_path[64])
{
	snprintf(ret_path, 64, "/tmp/serai-scenario-XXXXXX");
	assert_non_null(mkdtemp(ret_path));
}

void scenario_remove(const char *path)
{
	char keys[4096];

	testing_folder_remove(path);
	snprintf(keys, sizeof(keys), "%s-keys", path); /* a node's are beside it */
	testing_folder_remove(keys);
}

char *scenario_data(const char *name)
{
	const char *root = getenv("SERAI_DATA");
	char *path;

	if (root != NULL) {
		if (asprintf(&path, "%s/%s", root, name) < 0)
			return NULL;
	} else if (asprintf(&path, "%s/../shared/data/%s", SERAI_SOURCE, name) < 0) {
		return NULL;
	}
	if (access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

void scenario_object_id(uint64_t k, struct uuid *ret_uuid)
{
	struct world_fake w;

	world_fake_init(&w, k * 2654435761u + 17, 0);
	uuid_v4(&w.world, ret_uuid);
}

void scenario_object(uint64_t k, struct buf *out)
{
	struct uuid uuid;
	char id[UUID_TEXT_LEN + 1];

	scenario_object_id(k, &uuid);
	uuid_format(&uuid, id);
	buf_printf(out,
		"{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--%s\","
		"\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00."
		"000Z\","
		"\"name\":\"made-up %llu\",\"indicator_types\":[\"malicious-activity\"],"
		"\"pattern\":\"[ipv4-addr:value = '198.51.%llu.%llu']\",\"pattern_type\":\"stix\","
		"\"valid_from\":\"2026-01-01T00:00:00Z\"}",
		id, (unsigned long long)k, (unsigned long long)(k >> 8 & 255),
		(unsigned long long)(k & 255));
}

void scenario_node_make(const char *folder)
{
	struct store_account account = {
		.name = SLICE("writer"),
		.role = STORE_CONTRIBUTOR,
		.created_us = world_now(world_real()),
	};
	struct store_collection collection;
	struct arena *a = arena_new(MIB(1));
	char password[64];
	struct node n;
	bool found;

	MUST(node_init(folder, "Scenario", "127.0.0.1:0", "127.0.0.1", world_real(), password, e));
	MUST(node_open(folder, STORE_WRITE, world_real(), &n, e));
	MUST(http_password_hash(SLICE(SCENARIO_PASSWORD), a, &account.password, e));
	MUST(store_account_put(n.store, &account, e));
	MUST(store_collection_get(n.store, SLICE("main"), a, &collection, &found, e));
	assert_true(found);
	MUST(store_right_put(
		n.store, SLICE("writer"), collection.number, STORE_MAY_READ | STORE_MAY_WRITE, e));
	node_close(&n);
	arena_free(a);
}

void scenario_serve(const char *folder, struct scenario_server *ret_server)
{
	struct store_collection collection;
	struct arena *a = arena_new(MIB(1));
	struct node n;
	char uuid[UUID_TEXT_LEN + 1];
	char line[256];
	int out[2];
	FILE *from;
	bool found;

	/* The URL first: the store is read before the server has it. */
	MUST(node_open(folder, STORE_READ, world_real(), &n, e));
	MUST(store_collection_get(n.store, SLICE("main"), a, &collection, &found, e));
	uuid_format(&collection.uuid, uuid);
	node_close(&n);
	arena_free(a);

	assert_int_equal(pipe(out), 0);
	ret_server->pid = fork();
	assert_true(ret_server->pid >= 0);
	if (ret_server->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(126);
		execl(SERAI_PROGRAM, "serai", "serve", "--node", folder, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	from = fdopen(out[0], "r");
	assert_non_null(from);
	if (fgets(line, sizeof(line), from) == NULL ||
		sscanf(line, "serving on port %u", &ret_server->port) != 1)
		fail_msg("the server did not start");
	fclose(from);
	snprintf(ret_server->url, sizeof(ret_server->url),
		"https://127.0.0.1:%u/api/collections/%s/", ret_server->port, uuid);
}

void scenario_client(const char *folder, struct http_client **ret_client)
{
	char ca[128];

	snprintf(ca, sizeof(ca), "%s/tls.crt", folder);
	MUST(http_client_new(
		&(struct http_client_config){.ca_file = ca, .user = "writer:" SCENARIO_PASSWORD},
		ret_client, e));
}
