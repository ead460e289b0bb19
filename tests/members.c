/* SPDX-License-Identifier: MPL-2.0 */
/* See members.h. */
#include "members.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DAY_US (INT64_C(86400) * US_PER_SECOND)

/* ---- processes ------------------------------------------------------------------------------- */

void member_serve(struct member *m)
{
	scenario_serve(m->folder, &m->server);
}

static bool is_child(const char *pid, int parent, const char *name)
{
	char path[300], text[512] = "", comm[64];
	int ppid, fd;
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	return got > 0 && sscanf(text, "%*d (%63[^)]) %*c %d", comm, &ppid) == 2 &&
	       ppid == parent && strcmp(comm, name) == 0;
}

int member_process(const struct member *m, const char *name)
{
	DIR *d = opendir("/proc");
	const struct dirent *entry;
	int found = 0;

	assert_non_null(d);
	while (found == 0 && (entry = readdir(d)) != NULL) {
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' &&
			is_child(entry->d_name, m->server.pid, name))
			found = atoi(entry->d_name);
	}
	closedir(d);
	return found;
}

void member_stop(struct member *m, int number, int *ret_status)
{
	int status = 0;

	assert_true(m->server.pid > 0);
	if (number != 0)
		kill(m->server.pid, number);
	assert_int_equal(waitpid(m->server.pid, &status, 0), m->server.pid);
	m->server.pid = 0;
	if (ret_status != NULL)
		*ret_status = status;
}

/* ---- commands -------------------------------------------------------------------------------- */

static enum err_kind gather(void *context, struct slice bytes, struct err *e)
{
	(void)e;
	if (context != NULL)
		buf_slice_append(context, bytes);
	return OK;
}

enum err_kind member_ask(struct member *m, const char *words, bool json, struct slice input,
	struct buf *out, struct err *e)
{
	struct node_request q = {.json = json, .input_fd = -1, .write = gather, .context = out};
	char text[1024];
	const char *list[64];
	char *at = text, *word;
	enum err_kind kind;

	snprintf(text, sizeof(text), "%s", words);
	while ((word = strsep(&at, " ")) != NULL)
		list[q.words_count++] = word;
	q.words = list;
	if (input.len > 0) {
		q.input_fd = memfd_create("input", MFD_CLOEXEC);
		assert_true(q.input_fd >= 0);
		assert_int_equal(write(q.input_fd, input.data, input.len), input.len);
		assert_int_equal(lseek(q.input_fd, 0, SEEK_SET), 0);
	}
	kind = node_command(m->folder, world_real(), &q, e);
	if (q.input_fd >= 0)
		close(q.input_fd);
	return kind;
}

static int64_t number_of(struct json_value v)
{
	int64_t number = -1;

	if (json_is_bool(v))
		return json_is_true(v);
	if (!json_to_i64(v, &number))
		return -1;
	return number;
}

/* "log.kz.opened" in {"logs": [{"member": "kz", "opened": 7}]} */
static int64_t look_up(struct json_value root, const char *what)
{
	struct slice rest = slice_of(what), list, member, field;
	struct json_value v, row;
	char name[32];

	slice_next(&rest, '.', &list);
	if (rest.len == 0)
		return json_get(root, what, &v) ? number_of(v) : -1;
	slice_next(&rest, '.', &member);
	field = rest;
	snprintf(name, sizeof(name), "%.*ss", SLICE_ARG(list));
	if (!json_get(root, name, &v))
		return -1;
	for (struct json_iter it = json_iter(v); json_array_next(&it, &row);) {
		snprintf(name, sizeof(name), "%.*s", SLICE_ARG(field));
		if (slice_equal(json_get_string(row, "member"), member))
			return json_get(row, name, &v) ? number_of(v) : -1;
	}
	return -1;
}

static int64_t number_in(struct slice json, const char *what)
{
	struct json_parser *parser = json_parser_new(MIB(4));
	struct json_doc doc;
	int64_t number;

	MUST(json_parse(parser, json, &doc, e));
	number = look_up(json_root(&doc), what);
	json_parser_free(parser);
	return number;
}

int64_t member_status(struct member *m, const char *what)
{
	struct buf out = BUF_INIT;
	int64_t number;

	MUST(member_ask(m, "status", true, (struct slice){0}, &out, e));
	number = number_in(buf_slice(&out), what);
	buf_fini(&out);
	return number;
}

void member_await(struct member *m, const char *what, int64_t least)
{
	int64_t until = world_monotonic(world_real()) + MEMBERS_WAIT_S * US_PER_SECOND;
	struct buf out = BUF_INIT;
	struct err why = {0};

	while (member_status(m, what) < least) {
		if (world_monotonic(world_real()) > until) {
			if (member_ask(m, "status", false, (struct slice){0}, &out, &why) != OK)
				buf_text(&out, why.text);
			fail_msg("%s: %s is %lld, not %lld after %d s\n%.*s", m->name, what,
				(long long)member_status(m, what), (long long)least, MEMBERS_WAIT_S,
				SLICE_ARG(buf_slice(&out)));
		}
		/* returns when every member was asked once more */
		MUST(member_ask(m, "sync", true, (struct slice){0}, NULL, e));
	}
	buf_fini(&out);
}

/* ---- founding -------------------------------------------------------------------------------- */

/* A port of its own, whenever it starts. */
static void port_give(struct member *m)
{
	char path[256];
	struct buf text = BUF_INIT, fresh = BUF_INIT;
	struct slice rest, line;
	unsigned port;

	MUST(http_ports_find(world_real(), &port, 1, e));
	snprintf(path, sizeof(path), "%s/" NODE_CONFIG_FILE, m->folder);
	MUST(file_read(path, NODE_CONFIG_MAX, &text, e));
	rest = buf_slice(&text);
	while (slice_next(&rest, '\n', &line)) {
		if (slice_starts(line, SLICE("listen =")))
			buf_printf(&fresh, "listen = 127.0.0.1:%u\n", port);
		else
			buf_printf(&fresh, "%.*s\n", SLICE_ARG(line));
	}
	MUST(file_write_atomic(path, buf_slice(&fresh), 0600, e));
	buf_fini(&text);
	buf_fini(&fresh);
}

void members_make(struct members *m, const char *const *names, size_t count)
{
	assert_true(sodium_init() >= 0);
	*m = (struct members){.count = count, .a = arena_new(MIB(16))};
	scenario_folder(m->base);
	for (size_t i = 0; i < count; i++) {
		struct member *one = &m->list[i];

		snprintf(one->name, sizeof(one->name), "%s", names[i]);
		snprintf(one->folder, sizeof(one->folder), "%s/%s", m->base, names[i]);
		scenario_node_make(one->folder);
		port_give(one);
		member_serve(one);
	}
}

static void card_read(struct members *m, struct member *one, struct charter_member *to)
{
	struct json_parser *parser = json_parser_new(KIB(64));
	struct buf card = BUF_INIT, bytes = BUF_INIT;
	char root[64];
	struct json_doc doc;
	struct json_value v;

	MUST(node_card_get(one->folder, &card, e));
	MUST(json_parse(parser, buf_slice(&card), &doc, e));
	v = json_root(&doc);
	assert_true(slice_is(json_get_string(v, "name"), one->name));
	memcpy(to->name, one->name, sizeof(one->name));
	to->title = slice_of(one->name);
	snprintf(root, sizeof(root), "%.40s/root", to->name);
	MUST(note_secret_new(world_real(), slice_of(root), NOTE_ED25519, &one->root, e));
	to->root = one->root.key;
	MUST(note_key_parse(json_get_string(v, "log"), &to->log, e));
	MUST(note_key_parse(json_get_string(v, "witness"), &to->witness, e));
	MUST(note_key_parse(json_get_string(v, "mirror"), &to->mirror, e));
	assert_true(
		base64_decode(json_get_string(v, "box"), &bytes) && bytes.len == SIGNER_BOX_LEN);
	memcpy(to->box, bytes.data, SIGNER_BOX_LEN);
	buf_clear(&bytes);
	assert_true(base64_decode(json_get_string(v, "pin"), &bytes) && bytes.len == SHA256_LEN);
	memcpy(to->pin, bytes.data, SHA256_LEN);
	to->address = arena_printf(m->a, "https://127.0.0.1:%u", one->server.port);
	json_parser_free(parser);
	buf_fini(&card);
	buf_fini(&bytes);
}

static void note_make(struct members *m, struct slice text, struct buf *note)
{
	struct buf lines = BUF_INIT;

	for (size_t i = 0; i < m->count; i++)
		note_sign(&m->list[i].root, text, &lines);
	note_write(text, buf_slice(&lines), note);
	buf_fini(&lines);
}

void members_found(struct members *m)
{
	struct buf text = BUF_INIT, note = BUF_INIT;

	m->charter = (struct charter){.name = SLICE("Tests"),
		.version = 1,
		.expires_us = world_now(world_real()) / DAY_US * DAY_US + 400 * DAY_US,
		.threshold = (unsigned)m->count / 2 + 1,
		.members_count = m->count};
	m->charter.members = ARENA_ARRAY(m->a, struct charter_member, m->count);
	assert_non_null(m->charter.members);
	for (size_t i = 0; i < m->count; i++)
		card_read(m, &m->list[i], &m->charter.members[i]);
	charter_write(&m->charter, &text);
	hash_sha256(buf_slice(&text), m->charter_digest);
	note_make(m, buf_slice(&text), &note);
	for (size_t i = 0; i < m->count; i++)
		MUST(member_ask(&m->list[i], "charter take", false, buf_slice(&note), NULL, e));
	buf_fini(&text);
	buf_fini(&note);
}

void members_without_last(struct members *m, size_t by)
{
	struct buf text = BUF_INIT, note = BUF_INIT;

	struct charter_revoked *last = ARENA_NEW(m->a, struct charter_revoked);

	assert_non_null(last);
	m->charter.version++;
	m->charter.members_count--;
	/* it has published nothing */
	last->key = m->charter.members[m->charter.members_count].log;
	ledger_hash_empty(last->root);
	m->charter.revoked = last;
	m->charter.revoked_count = 1;
	m->charter.threshold = (unsigned)m->charter.members_count / 2 + 1;
	memcpy(m->charter.previous, m->charter_digest, SHA256_LEN);
	charter_write(&m->charter, &text);
	hash_sha256(buf_slice(&text), m->charter_digest);
	note_make(m, buf_slice(&text), &note);
	MUST(member_ask(&m->list[by], "charter publish", false, buf_slice(&note), NULL, e));
	buf_fini(&text);
	buf_fini(&note);
}

void members_decide(struct members *m, size_t by, const char *rules)
{
	members_decide_until(m, by, rules, "2099-01-01T00:00:00Z");
}

void members_decide_until(struct members *m, size_t by, const char *rules, const char *expires)
{
	struct decision d = {.kind = SLICE("policy"), .sequence = ++m->decisions};
	struct buf policy = BUF_INIT, text = BUF_INIT, note = BUF_INIT;

	buf_printf(&policy,
		"{\"type\":\"policy\",\"name\":\"tests\",\"version\":%llu,"
		"\"expires\":\"%s\",\"rules\":[",
		(unsigned long long)d.sequence, expires);
	for (; *rules != '\0'; rules++)
		buf_char(&policy, *rules == '\'' ? '"' : *rules);
	buf_text(&policy, "]}");
	d.content = buf_slice(&policy);
	memcpy(d.previous, m->decision_digest, SHA256_LEN);
	decision_write(&d, &text);
	hash_sha256(buf_slice(&text), m->decision_digest);
	note_make(m, buf_slice(&text), &note);
	MUST(member_ask(&m->list[by], "decision publish", false, buf_slice(&note), NULL, e));
	buf_fini(&policy);
	buf_fini(&text);
	buf_fini(&note);
}

void members_end(struct members *m)
{
	for (size_t i = 0; i < m->count; i++) {
		if (m->list[i].server.pid > 0)
			member_stop(&m->list[i], SIGTERM, NULL);
	}
	arena_free(m->a);
	scenario_remove(m->base);
}

struct members *members_new(const char *const *names, size_t count)
{
	struct members *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	members_make(m, names, count);
	members_found(m);
	return m;
}

void members_free(struct members *m)
{
	members_end(m);
	free(m);
}

/* ---- objects --------------------------------------------------------------------------------- */

static void object_marked(uint64_t k, const char *tlp, struct buf *out)
{
	const char *marking = strcmp(tlp, "green") == 0 ? "34098fce-860f-48ae-8e50-ebd3cc5e41da"
							: "f88d31f6-486f-44da-b317-01333bde0b82";

	scenario_object(k, out);
	out->len--; /* the last brace */
	buf_printf(out, ",\"confidence\":80,\"object_marking_refs\":[\"marking-definition--%s\"]}",
		marking);
}

unsigned member_post(
	struct member *m, struct http_client *client, uint64_t from, size_t count, const char *tlp)
{
	struct buf body = BUF_INIT;
	struct http_answer answer;
	char url[300];
	bool again;
	unsigned status = 0;

	buf_text(&body, "{\"objects\":[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_char(&body, ',');
		object_marked(from + i, tlp, &body);
	}
	buf_text(&body, "]}");
	snprintf(url, sizeof(url), "%sobjects/", m->server.url);
	if (http_client_call(client,
		    &(struct http_call){.method = HTTP_POST,
			    .url = url,
			    .accept = "application/taxii+json;version=2.1",
			    .content_type = "application/taxii+json;version=2.1",
			    .body = buf_slice(&body),
			    .body_max = MIB(4)},
		    &answer, &again, NULL) == OK)
		status = answer.status;
	buf_fini(&body);
	return status;
}

bool member_has(struct member *m, struct http_client *client, uint64_t k)
{
	struct http_answer answer;
	struct uuid uuid;
	char url[400], id[UUID_TEXT_LEN + 1];
	bool again;

	scenario_object_id(k, &uuid);
	uuid_format(&uuid, id);
	snprintf(url, sizeof(url), "%sobjects/indicator--%s/", m->server.url, id);
	MUST(http_client_call(client,
		&(struct http_call){.method = HTTP_GET,
			.url = url,
			.accept = "application/taxii+json;version=2.1",
			.body_max = MIB(4)},
		&answer, &again, e));
	if (answer.status != 200 && answer.status != 404)
		fail_msg("%s answers %u: %.*s", url, answer.status,
			SLICE_ARG(buf_slice(&answer.body)));
	return answer.status == 200 &&
	       slice_find_text(buf_slice(&answer.body), slice_of(id)) < answer.body.len;
}
