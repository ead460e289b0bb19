/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Three members' nodes as real processes on loopback with mutual TLS: what one publishes reaches
 * whom the policy names and nobody else, and what was acknowledged outlives any process.
 */
#include "members.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "parts.h"

static const char *const names[] = {"kz", "uz", "kg"};
enum { KZ, UZ, KG };

/* Green to all; amber to uz alone; what was received is passed on when green. */
#define RULES                                                                                      \
	"{'id':'green','family':'exchange','effect':'permit','when':{'act':['share'],"             \
	"'to':['@members'],'kind':['indicator'],'tlp':{'le':'green'}}},"                           \
	"{'id':'amber','family':'exchange','effect':'permit','when':{'act':['share'],"             \
	"'to':['uz'],'kind':['indicator'],'tlp':{'le':'amber'}}}"

#define GREEN 1000 /* numbers of made-up objects */
#define AMBER 2000

static int setup(void **state)
{
	*state = members_new(names, COUNT_OF(names));
	return 0;
}

static int teardown(void **state)
{
	members_free(*state);
	return 0;
}

static void client_open(struct member *m, struct http_client **ret_client)
{
	scenario_client(m->folder, ret_client);
}

static void id_of(uint64_t k, char ret_id[64])
{
	char text[UUID_TEXT_LEN + 1];
	struct uuid uuid;

	scenario_object_id(k, &uuid);
	uuid_format(&uuid, text);
	snprintf(ret_id, 64, "indicator--%s", text);
}

static bool says(struct member *m, const char *words, const char *expected)
{
	struct buf out = BUF_INIT;
	bool found;

	MUST(member_ask(m, words, false, (struct slice){0}, &out, e));
	found = slice_find_text(buf_slice(&out), slice_of(expected)) < out.len;
	buf_fini(&out);
	return found;
}

static void test_by_policy_and_no_further(void **state)
{
	struct members *m = *state;
	struct member *list = m->list;
	struct http_client *clients[3];
	char words[200], id[64];

	for (size_t i = 0; i < 3; i++)
		client_open(&list[i], &clients[i]);
	/* Without a policy nothing leaves, though all know that there is something. */
	assert_int_equal(member_post(&list[KZ], clients[KZ], GREEN, 5, "green"), 202);
	member_await(&list[KZ], "signed", 5);
	member_await(&list[UZ], "log.kz.size", 5);
	assert_int_equal(member_status(&list[UZ], "log.kz.opened"), 0);

	members_decide(m, KZ, RULES);
	for (size_t i = 0; i < 3; i++)
		member_await(&list[i], "policy", 1);
	assert_int_equal(member_post(&list[KZ], clients[KZ], AMBER, 3, "amber"), 202);
	member_await(&list[KZ], "signed", 9); /* 5, the decision, 3 */
	member_await(&list[UZ], "log.kz.opened", 9);
	member_await(&list[KG], "log.kz.size", 9);
	member_await(&list[KG], "log.kz.opened", 6);
	MUST(member_ask(&list[KG], "sync", false, (struct slice){0}, NULL, e));
	assert_int_equal(member_status(&list[KG], "log.kz.withheld"), 3);
	for (uint64_t k = 0; k < 3; k++) {
		assert_true(member_has(&list[UZ], clients[UZ], GREEN + k));
		assert_true(member_has(&list[UZ], clients[UZ], AMBER + k));
		assert_true(member_has(&list[KG], clients[KG], GREEN + k));
		assert_false(member_has(&list[KG], clients[KG], AMBER + k));
	}
	id_of(AMBER, id);
	snprintf(words, sizeof(words), "explain %s uz", id);
	assert_true(says(&list[KZ], words, "amber"));
	snprintf(words, sizeof(words), "releases of %s", id);
	assert_true(says(&list[KZ], words, "member uz"));
	assert_false(says(&list[KZ], words, "member kg"));

	/* Taken back: gone everywhere, and everybody says so. */
	id_of(GREEN, id);
	snprintf(words, sizeof(words), "withdraw %s error it was a mistake", id);
	MUST(member_ask(&list[KZ], words, false, (struct slice){0}, NULL, e));
	for (;;) {
		struct buf out = BUF_INIT;
		bool all;

		MUST(member_ask(&list[KZ], "withdrawals", true, (struct slice){0}, &out, e));
		all = slice_find_text(buf_slice(&out),
			      SLICE("\"kz\":true,\"uz\":true,\"kg\":true")) < out.len;
		buf_fini(&out);
		if (all)
			break;
		MUST(member_ask(&list[KZ], "sync", false, (struct slice){0}, NULL, e));
	}
	for (size_t i = 0; i < 3; i++) {
		assert_false(member_has(&list[i], clients[i], GREEN));
		assert_true(member_has(&list[i], clients[i], GREEN + 1));
	}
	for (size_t i = 0; i < 3; i++)
		http_client_free(clients[i]);
}

/* ---- who may ask what ------------------------------------------------------------------------ */

/* A client with the certificate of a folder; NULL: with none. It believes any server. */
static struct http_client *stranger(const char *folder)
{
	char certificate[200], key[200];
	struct http_client *client;

	snprintf(certificate, sizeof(certificate), "%s/tls.crt", folder == NULL ? "" : folder);
	snprintf(key, sizeof(key), "%s/tls.key", folder == NULL ? "" : folder);
	MUST(http_client_new(&(struct http_client_config){.insecure = true,
				     .tls_1_3 = true,
				     .certificate_file = folder == NULL ? NULL : certificate,
				     .key_file = folder == NULL ? NULL : key},
		&client, e));
	return client;
}

/* The status; the body of the answer into `out`, when that is not NULL. */
static unsigned ask(struct member *m, struct http_client *client, enum http_method method,
	const char *path, struct slice body, struct buf *out)
{
	struct http_answer answer;
	char url[300];
	bool again;

	snprintf(url, sizeof(url), "https://127.0.0.1:%u%s", m->server.port, path);
	MUST(http_client_call(client,
		&(struct http_call){.method = method,
			.url = url,
			.accept = "*/*",
			.content_type = "application/octet-stream",
			.body = body,
			.body_max = MIB(16)},
		&answer, &again, e));
	if (out != NULL) {
		buf_clear(out);
		buf_slice_append(out, buf_slice(&answer.body));
		/* a tile or leaf that is named never changes */
		if (answer.status == 200 && strstr(path, "/tile/") != NULL)
			assert_true(slice_ends(
				http_answer_header(&answer, "Cache-Control"), SLICE("immutable")));
	}
	return answer.status;
}

static void test_members_only(void **state)
{
	static const char *const asks[] = {"heads", "leaves", "openings", "cosign", "conflict"};
	static const char *const reads[] = {
		"/log/kz/checkpoint", "/log/kz/tile/0/000.p/1", "/log/kz/tile/entries/000.p/1"};
	struct members *m = *state;
	struct member *kz = &m->list[KZ];
	char other[64], password[64];
	struct http_client *nobody, *someone, *uz, *self;
	struct buf out = BUF_INIT, big = BUF_INIT;
	struct arena *a = arena_new(MIB(1));
	struct note note;

	members_decide(m, KZ, RULES);
	member_await(kz, "policy", 1);
	scenario_folder(other);
	scenario_remove(other);
	MUST(node_init(other, NULL, NULL, "127.0.0.1", world_real(), password, e));
	nobody = stranger(NULL);
	someone = stranger(other);
	uz = stranger(m->list[UZ].folder);
	self = stranger(kz->folder); /* our own key is no other member's */
	for (size_t i = 0; i < COUNT_OF(asks); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/coalition/v1/%s", asks[i]);
		assert_int_equal(ask(kz, nobody, HTTP_POST, path, SLICE("?"), NULL), 403);
		assert_int_equal(ask(kz, someone, HTTP_POST, path, SLICE("?"), NULL), 403);
		assert_int_equal(ask(kz, self, HTTP_POST, path, SLICE("?"), NULL), 403);
		assert_int_equal(ask(kz, uz, HTTP_POST, path, SLICE("?"), NULL), 400);
		assert_int_equal(ask(kz, uz, HTTP_GET, path, (struct slice){0}, NULL), 405);
	}
	assert_true(buf_reserve(&big, COALITION_REQUEST_MAX + 1) != NULL);
	memset(big.data, 0, COALITION_REQUEST_MAX + 1);
	big.len = COALITION_REQUEST_MAX + 1;
	assert_int_equal(ask(kz, uz, HTTP_POST, "/coalition/v1/heads", buf_slice(&big), NULL), 413);
	big.len = COALITION_REQUEST_MAX;
	assert_int_equal(ask(kz, uz, HTTP_POST, "/coalition/v1/heads", buf_slice(&big), NULL), 400);

	for (size_t i = 0; i < COUNT_OF(reads); i++) {
		assert_int_equal(ask(kz, nobody, HTTP_GET, reads[i], (struct slice){0}, NULL), 403);
		assert_int_equal(
			ask(kz, someone, HTTP_GET, reads[i], (struct slice){0}, NULL), 403);
		assert_int_equal(ask(kz, uz, HTTP_GET, reads[i], (struct slice){0}, &out), 200);
		if (i == 0)
			MUST(note_parse(buf_slice(&out), a, &note, e));
		else
			assert_int_equal(out.len, i == 1 ? 32 : 50);
	}
	assert_int_equal(ask(kz, uz, HTTP_GET, "/log/xx/checkpoint", (struct slice){0}, NULL), 404);
	assert_int_equal(ask(kz, uz, HTTP_GET, "/log/kz/tile/0/001", (struct slice){0}, NULL), 404);
	assert_int_equal(
		ask(kz, uz, HTTP_GET, "/log/kz/tile/0/000.p/256", (struct slice){0}, NULL), 404);
	assert_int_equal(ask(kz, uz, HTTP_GET, "/log/kz/tile/0/1", (struct slice){0}, NULL), 404);
	assert_int_equal(
		ask(kz, nobody, HTTP_POST, "/witness/add-checkpoint", SLICE("?"), NULL), 403);
	assert_int_equal(ask(kz, uz, HTTP_POST, "/witness/add-checkpoint", SLICE("?"), NULL), 400);
	arena_free(a);
	buf_fini(&out);
	buf_fini(&big);
	http_client_free(nobody);
	http_client_free(someone);
	http_client_free(uz);
	http_client_free(self);
	scenario_remove(other);
}

/* ---- streams --------------------------------------------------------------------------------- */

struct heard {
	struct buf all;
	unsigned events;
};

static void hear(void *context, const struct http_event *event)
{
	struct heard *h = context;

	buf_printf(&h->all, "%.*s\n", SLICE_ARG(event->data));
	h->events++;
}

/* folder NULL: without a certificate. */
static struct http_ear *listener(struct member *m, const char *folder)
{
	char certificate[200], key[200], url[200];
	struct http_ear *ear;

	snprintf(certificate, sizeof(certificate), "%s/tls.crt", folder == NULL ? "" : folder);
	snprintf(key, sizeof(key), "%s/tls.key", folder == NULL ? "" : folder);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/coalition/v1/events", m->server.port);
	MUST(http_ear_new(&(struct http_client_config){.insecure = true,
				  .tls_1_3 = true,
				  .certificate_file = folder == NULL ? NULL : certificate,
				  .key_file = folder == NULL ? NULL : key},
		url, &ear, e));
	MUST(http_ear_open(ear, e));
	return ear;
}

static void hear_until(struct http_ear *ear, struct heard *h, const char *text)
{
	int64_t until = world_monotonic(world_real()) + MEMBERS_WAIT_S * US_PER_SECOND;

	while (slice_find_text(buf_slice(&h->all), slice_of(text)) == h->all.len) {
		MUST(http_ear_wait(ear, 10000, hear, h, e));
		if (world_monotonic(world_real()) > until)
			fail_msg(
				"\"%s\" was never said: %.*s", text, SLICE_ARG(buf_slice(&h->all)));
	}
}

/* Who may listen is told what is newer, as soon as it is; others are told nothing. */
static void test_streams(void **state)
{
	struct members *m = *state;
	struct member *kz = &m->list[KZ];
	struct http_ear *kg, *refused[4];
	struct http_client *client;
	struct heard h = {0};
	struct err e = {0};

	members_decide(m, UZ, RULES);
	for (size_t i = 0; i < 3; i++)
		member_await(&m->list[i], "policy", 1);
	member_stop(&m->list[KG], SIGTERM, NULL); /* the places of its own streams are free */
	refused[0] = listener(kz, NULL);
	refused[1] = listener(kz, kz->folder);
	for (size_t i = 0; i < 2; i++) {
		while (http_ear_wait(refused[i], 10000, hear, &h, &e) == OK)
			;
		assert_int_equal(e.kind, ERR_DENIED);
		http_ear_free(refused[i]);
	}
	assert_int_equal(h.events, 0);
	kg = listener(kz, m->list[KG].folder);
	hear_until(kg, &h, "uz/log 1 1 1\n");
	client_open(kz, &client);
	for (uint64_t k = 0; k < 3; k++) {
		char text[32];

		buf_clear(&h.all);
		assert_int_equal(member_post(kz, client, GREEN + k, 1, "green"), 202);
		snprintf(text, sizeof(text), "kz/log %llu 0 ", (unsigned long long)k + 1);
		hear_until(kg, &h, text); /* 0: two would make a quorum, and kg is not there */
		assert_int_equal(slice_find_text(buf_slice(&h.all), SLICE("uz/log")), h.all.len);
	}
	http_client_free(client);
	/* No more than so many of one member, and each that ends makes room. */
	for (size_t i = 0; i < 4; i++) {
		enum err_kind kind = OK;

		refused[i] = listener(kz, m->list[KG].folder);
		while (kind == OK && !http_ear_is_live(refused[i]))
			kind = http_ear_wait(refused[i], 10000, hear, &h, &e);
		assert_int_equal(kind, i == 0 ? OK : ERR_DENIED);
	}
	for (size_t i = 0; i < 4; i++)
		http_ear_free(refused[i]);
	/* The node goes: the stream is cut, not left silent. */
	member_stop(kz, SIGTERM, NULL);
	while (http_ear_wait(kg, 10000, hear, &h, &e) == OK)
		;
	assert_int_equal(e.kind, ERR_IO);
	http_ear_free(kg);
	buf_fini(&h.all);
}

/* One more line of the configuration; the last one counts. */
static void member_set(struct member *m, const char *line)
{
	char path[200];
	FILE *to;

	snprintf(path, sizeof(path), "%s/" NODE_CONFIG_FILE, m->folder);
	to = fopen(path, "a");
	assert_non_null(to);
	assert_true(fprintf(to, "%s\n", line) > 0);
	assert_int_equal(fclose(to), 0);
}

/* Slow rounds between: only what is pushed brings anything so soon; and when the streams were cut
 * by a restart, they come again. */
static void test_push(void **state)
{
	struct members *m = *state;
	struct http_client *clients[2];
	int64_t begin;

	for (size_t i = 0; i < 3; i++) {
		member_stop(&m->list[i], SIGTERM, NULL);
		member_set(&m->list[i], "poll_seconds = 3600");
		member_serve(&m->list[i]);
	}
	for (size_t i = 0; i < 3; i++)
		MUST(member_ask(&m->list[i], "sync", false, (struct slice){0}, NULL, e));
	members_decide(m, KZ, RULES);
	for (size_t i = 0; i < 3; i++)
		member_await(&m->list[i], "policy", 1);
	member_stop(&m->list[KG], SIGTERM, NULL);
	member_serve(&m->list[KG]);
	client_open(&m->list[KZ], &clients[0]);
	client_open(&m->list[KG], &clients[1]);
	for (uint64_t k = 0; k < 20; k++) {
		assert_int_equal(member_post(&m->list[KZ], clients[0], GREEN + k, 1, "green"), 202);
		begin = world_monotonic(world_real());
		while (!member_has(&m->list[KG], clients[1], GREEN + k))
			assert_true(world_monotonic(world_real()) - begin <
				    MEMBERS_WAIT_S * US_PER_SECOND);
	}
	for (size_t i = 0; i < 2; i++)
		http_client_free(clients[i]);
}

#define ASKED 20 /* rounds at once */

/* Who wants rounds without end gets them one after another, and uses up nobody's patience. */
static void test_asked_without_end(void **state)
{
	struct members *m = *state;
	int64_t begin = world_monotonic(world_real());

	for (unsigned i = 0; i < ASKED; i++)
		MUST(member_ask(&m->list[UZ], "sync", false, (struct slice){0}, NULL, e));
	/* they wait for their turn, unless something is new */
	assert_true(world_monotonic(world_real()) - begin >=
		    ASKED / 2 * PEERS_ASKED_MS * INT64_C(1000));
	assert_int_equal(member_status(&m->list[UZ], "peer.kz.reachable"), 1);
}

/* T30: a week before a policy lapses its members are told so. */
static void test_alarm(void **state)
{
	struct members *m = *state;
	struct buf out = BUF_INIT;
	char time[TIME_TEXT_MAX];

	members_decide(m, KZ, RULES);
	member_await(&m->list[UZ], "policy", 1);
	MUST(member_ask(&m->list[UZ], "status", true, (struct slice){0}, &out, e));
	assert_true(slice_find_text(buf_slice(&out), SLICE("\"alarms\":[]")) < out.len);
	buf_clear(&out);
	time_format(world_now(world_real()) + 3 * 86400 * US_PER_SECOND, 0, time);
	members_decide_until(m, KZ, RULES, time);
	member_await(&m->list[UZ], "policy", 2);
	MUST(member_ask(&m->list[UZ], "status", true, (struct slice){0}, &out, e));
	assert_true(slice_find_text(buf_slice(&out), SLICE("\"alarms\":[\"the policy lapses at ")) <
		    out.len);
	buf_fini(&out);
}

/* Who left is neither asked nor answered, from the moment on that the new charter is here. */
static void test_leave(void **state)
{
	struct members *m = *state;
	struct http_client *kg = stranger(m->list[KG].folder), *client;

	members_decide(m, KZ, RULES);
	for (size_t i = 0; i < 3; i++)
		member_await(&m->list[i], "policy", 1);
	assert_int_equal(
		ask(&m->list[UZ], kg, HTTP_POST, "/coalition/v1/heads", SLICE("?"), NULL), 400);
	members_without_last(m, KZ);
	for (size_t i = 0; i < 2; i++) {
		member_await(&m->list[i], "charter", 2);
		assert_int_equal(
			ask(&m->list[i], kg, HTTP_POST, "/coalition/v1/heads", SLICE("?"), NULL),
			403);
		assert_int_equal(member_status(&m->list[i], "peer.kg.requests"), -1);
	}
	client_open(&m->list[KZ], &client);
	assert_int_equal(member_post(&m->list[KZ], client, GREEN, 2, "green"), 202);
	http_client_free(client);
	member_await(&m->list[KZ], "signed", 4); /* decision, charter, 2 */
	member_await(&m->list[UZ], "log.kz.opened", 4);
	http_client_free(kg);
}

/* A member that asks without end is answered for a while, and the others as before. */
static void test_flood(void **state)
{
	struct members *m = *state;
	struct http_client *uz = stranger(m->list[UZ].folder), *kg = stranger(m->list[KG].folder);
	unsigned refused = 0;

	for (unsigned i = 0; i < 3000 && refused == 0; i++)
		refused += ask(&m->list[KZ], uz, HTTP_POST, "/coalition/v1/heads", SLICE("?"),
				   NULL) == 429;
	assert_int_equal(refused, 1);
	assert_int_equal(
		ask(&m->list[KZ], kg, HTTP_POST, "/coalition/v1/heads", SLICE("?"), NULL), 400);
	http_client_free(uz);
	http_client_free(kg);
}

/* ---- the control socket, and a folder that nobody serves ------------------------------------- */

static void control_send(struct member *m, const char *bytes, size_t len)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char answer[256];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(m->folder) < sizeof(to.sun_path) - sizeof("/control"));
	memcpy(to.sun_path, m->folder, strlen(m->folder));
	strcat(to.sun_path, "/control");
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	/* one error, and the end */
	assert_true(recv(fd, answer, sizeof(answer), MSG_WAITALL) > 6);
	assert_int_equal(answer[0], 'E');
	assert_int_not_equal(answer[5], OK);
	close(fd);
}

static void test_control(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
		{"GET / HTTP/1.1\r\n\r\n",           18},
		{"SRC1",			     4 },
		{"SRC1\2\0\0\1\0\6status",           16},
		{"SRC1\0\2\0\1\0\6status",           16},
		{"SRC1\0\0\377\377",                 8 },
		{"SRC1\0\0\0\1\377\377status",       16},
		{"SRC1\0\0\0\1\0\6stat",             14},
		{"SRC1\0\0\0\0",                     8 },
		{"SRC1\0\1\0\1\0\6status\0\0\0\11x", 21},
		{"SRC1\0\1\0\1\0\6status\377\0\0\0", 20},
	};
	struct members *m = *state;
	struct stat st;
	char path[200];
	struct err e = {0};
	int pid, status;

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		control_send(&m->list[KZ], cases[i].bytes, cases[i].len);
	snprintf(path, sizeof(path), "%s/control", m->list[KZ].folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* A second node of the same folder is refused, and takes nothing from the first. */
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(126);
		execl(SERAI_PROGRAM, "serai", "serve", "--node", m->list[KZ].folder, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) > 0 && WEXITSTATUS(status) < 126);
	assert_int_equal(member_ask(&m->list[KZ], "fly away", false, (struct slice){0}, NULL, &e),
		ERR_USAGE);
	assert_int_equal(
		member_ask(&m->list[KZ], "charter take", false, SLICE("?"), NULL, &e), ERR_PARSE);
	assert_int_equal(member_status(&m->list[KZ], "charter"), 1);
}

/* By files alone: one that does not serve takes a bundle, and has what the policy lets it have. */
static void test_by_file(void **state)
{
	struct members *m = *state;
	struct member *kz = &m->list[KZ], *kg = &m->list[KG];
	struct http_client *client;
	struct buf bundle = BUF_INIT;

	members_decide(m, KZ, RULES);
	for (size_t i = 0; i < 3; i++)
		member_await(&m->list[i], "policy", 1);
	member_stop(kg, SIGTERM, NULL);
	client_open(kz, &client);
	assert_int_equal(member_post(kz, client, GREEN, 5, "green"), 202);
	assert_int_equal(member_post(kz, client, AMBER, 2, "amber"), 202);
	http_client_free(client);
	member_await(kz, "signed", 8);
	MUST(member_ask(kz, "export kg", false, (struct slice){0}, &bundle, e));
	assert_int_equal(member_status(kg, "log.kz.size"), 1); /* its folder is opened here */
	MUST(member_ask(kg, "import", false, buf_slice(&bundle), NULL, e));
	assert_int_equal(member_status(kg, "log.kz.size"), 8);
	assert_int_equal(member_status(kg, "log.kz.opened"), 6);
	/* twice is once; for somebody else it is nothing */
	MUST(member_ask(kg, "import", false, buf_slice(&bundle), NULL, e));
	assert_int_equal(member_status(kg, "log.kz.opened"), 6);
	assert_int_not_equal(
		member_ask(&m->list[UZ], "import", false, buf_slice(&bundle), NULL, NULL), OK);
	member_serve(kg);
	client_open(kg, &client);
	assert_true(member_has(kg, client, GREEN + 4));
	assert_false(member_has(kg, client, AMBER));
	http_client_free(client);
	buf_fini(&bundle);
}

/* Our own overlay only takes away, from the next decision on. */
static void test_overlay(void **state)
{
	struct members *m = *state;
	struct member *kz = &m->list[KZ];
	struct http_client *client;
	char path[200];

	snprintf(path, sizeof(path), "%s/overlay.json", kz->folder);
	MUST(file_write_atomic(path,
		SLICE("{\"type\":\"overlay\",\"name\":\"ours\",\"version\":1,"
		      "\"expires\":\"2099-01-01T00:00:00Z\",\"rules\":[{\"id\":\"no\","
		      "\"family\":\"exchange\",\"effect\":\"forbid\","
		      "\"when\":{\"act\":[\"share\"],\"to\":[\"kg\"]}}]}"),
		0600, e));
	members_decide(m, UZ, RULES);
	for (size_t i = 0; i < 3; i++)
		member_await(&m->list[i], "policy", 1);
	client_open(kz, &client);
	assert_int_equal(member_post(kz, client, GREEN, 3, "green"), 202);
	http_client_free(client);
	member_await(kz, "signed", 3);
	member_await(&m->list[UZ], "log.kz.opened", 3);
	member_await(&m->list[KG], "log.kz.size", 3);
	MUST(member_ask(&m->list[KG], "sync", false, (struct slice){0}, NULL, e));
	assert_int_equal(member_status(&m->list[KG], "log.kz.withheld"), 3);
}

/* ---- any process may die at any moment ------------------------------------------------------- */

#define KILLS     9      /* without an argument */
#define DELAY_US  250000 /* at most, under load before the kill */
#define POSTED    5      /* objects in one request */
#define KILL_FROM 100000 /* number of the first object */

struct load {
	struct member *to;
	struct http_client *client;
	uint64_t next;
	_Atomic bool stop;
	uint64_t *acknowledged; /* numbers of first objects */
	size_t count, capacity;
};

static void *load_run(void *context)
{
	struct load *l = context;

	while (!l->stop) {
		uint64_t first = l->next;

		l->next += POSTED;
		if (member_post(l->to, l->client, first, POSTED, "green") != 202)
			continue;
		if (l->count == l->capacity) {
			l->capacity = l->capacity * 2 + 256;
			l->acknowledged =
				realloc(l->acknowledged, l->capacity * sizeof(*l->acknowledged));
		}
		l->acknowledged[l->count++] = first;
	}
	return NULL;
}

/* The kill must come at a moment nobody chose: as in crash_test.c. */
static void wait_some_us(void)
{
	struct timespec t = {0};
	uint32_t r;

	world_real()->random(world_real()->context, &r, sizeof(r));
	t.tv_nsec = (long)(r % DELAY_US) * 1000;
	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

#define ENDS_MS 10000 /* for the others to follow who was killed */

/* A hold on a process that says when it is gone, whoever's child it is. */
static int process_hold(const struct member *m, const char *name)
{
	int hold = (int)syscall(SYS_pidfd_open, member_process(m, name), 0);

	assert_true(hold >= 0);
	return hold;
}

static void process_await_end(int hold)
{
	struct pollfd polled = {.fd = hold, .events = POLLIN};

	assert_int_equal(poll(&polled, 1, ENDS_MS), 1);
	close(hold);
}

static void life(struct member *m, struct load *l, const char *victim)
{
	pthread_t thread;
	int status, node, signer, pid = 0;

	member_serve(m);
	node = process_hold(m, "serai-node");
	signer = process_hold(m, "serai-signer");
	client_open(m, &l->client);
	l->stop = false;
	assert_int_equal(pthread_create(&thread, NULL, load_run, l), 0);
	pid = victim == NULL ? m->server.pid : member_process(m, victim);
	assert_true(pid > 0);
	wait_some_us();
	kill(pid, SIGKILL);
	member_stop(m, 0, &status);
	process_await_end(node);
	process_await_end(signer);
	l->stop = true;
	pthread_join(thread, NULL);
	http_client_free(l->client);
	/* Whoever dies, all end, and not as if nothing had been. */
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void faultless(struct members *m)
{
	for (size_t i = 0; i < m->count; i++) {
		assert_int_equal(member_status(&m->list[i], "evidence"), 0);
		assert_int_equal(member_status(&m->list[i], "forked"), 0);
	}
}

/* The ids of all that others say they gave to one member. */
struct given {
	struct uuid *list;
	size_t count, capacity;
};

static int by_uuid(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(struct uuid));
}

static void given_read(struct members *m, size_t to, struct given *g)
{
	char words[32];

	snprintf(words, sizeof(words), "releases to %s", names[to]);
	for (size_t i = 0; i < m->count; i++) {
		struct buf out = BUF_INIT;
		struct slice rest, line;

		if (i != to)
			MUST(member_ask(&m->list[i], words, false, (struct slice){0}, &out, e));
		rest = buf_slice(&out);
		while (slice_next(&rest, '\n', &line)) {
			line = slice_trim(line);
			if (line.len == 0)
				continue; /* nothing at all */
			assert_true(line.len > UUID_TEXT_LEN);
			if (g->count == g->capacity) {
				g->capacity = g->capacity * 2 + 1024;
				g->list = realloc(g->list, g->capacity * sizeof(*g->list));
				assert_non_null(g->list);
			}
			line = slice_cut(line, line.len - UUID_TEXT_LEN, line.len);
			assert_true(uuid_parse(line, &g->list[g->count++]));
		}
		buf_fini(&out);
	}
	qsort(g->list, g->count, sizeof(*g->list), by_uuid);
}

/* Whatever died: who gave it knows that it did. */
static bool given_has(const struct given *g, uint64_t k)
{
	struct uuid uuid;

	scenario_object_id(k, &uuid);
	return bsearch(&uuid, g->list, g->count, sizeof(*g->list), by_uuid) != NULL;
}

static unsigned kills = KILLS;

static void test_killed(void **state)
{
	static const char *const victims[] = {"serai-node", "serai-signer", NULL};
	struct members *m = *state;
	struct member *kz = &m->list[KZ];
	struct load load = {.to = kz, .next = KILL_FROM};
	struct http_client *clients[3];
	struct given given[3] = {0};

	members_decide(m, KZ, RULES);
	for (size_t i = 0; i < 3; i++)
		member_await(&m->list[i], "policy", 1);
	member_stop(kz, SIGTERM, NULL);
	for (unsigned k = 0; k < kills; k++) {
		life(kz, &load, victims[k % COUNT_OF(victims)]);
		if (k % 50 == 49)
			faultless(m);
	}
	member_serve(kz);
	for (size_t i = 0; i < 3; i++)
		client_open(&m->list[i], &clients[i]);
	member_await(kz, "signed", (int64_t)(load.count * POSTED));
	while (member_status(kz, "unsigned") > 0)
		MUST(member_ask(kz, "sync", false, (struct slice){0}, NULL, e));
	member_await(&m->list[UZ], "log.kz.opened", member_status(kz, "logged"));
	member_await(&m->list[KG], "log.kz.opened", member_status(kz, "logged"));
	given_read(m, UZ, &given[UZ]);
	given_read(m, KG, &given[KG]);
	for (size_t k = 0; k < load.count; k++) {
		for (unsigned j = 0; j < POSTED; j++) {
			for (size_t i = 0; i < 3; i++) {
				if (i != KZ && !given_has(&given[i], load.acknowledged[k] + j))
					fail_msg("who gave object %llu to %s knows nothing of it",
						(unsigned long long)load.acknowledged[k] + j,
						m->list[i].name);
				if (!member_has(&m->list[i], clients[i], load.acknowledged[k] + j))
					fail_msg("object %llu was acknowledged and is not at %s",
						(unsigned long long)load.acknowledged[k] + j,
						m->list[i].name);
			}
		}
	}
	faultless(m);
	print_message("%u kills, %zu objects acknowledged, %lld entries at all three\n", kills,
		load.count * POSTED, (long long)member_status(kz, "logged"));
	for (size_t i = 0; i < 3; i++) {
		http_client_free(clients[i]);
		free(given[i].list);
	}
	free(load.acknowledged);
}

/* ---- how fast -------------------------------------------------------------------------------- */

#define TIMED 100

static int by_size(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return a < b ? -1 : a > b;
}

/* From POST at one member to visible at another; the promise is a second for 99 of 100. */
static void test_how_fast(void **state)
{
	struct members *m = *state;
	struct http_client *clients[2];
	int64_t took[TIMED];

	members_decide(m, KZ, RULES);
	for (size_t i = 0; i < 3; i++)
		member_await(&m->list[i], "policy", 1);
	for (size_t i = 0; i < 2; i++)
		client_open(&m->list[i], &clients[i]);
	for (unsigned k = 0; k < TIMED; k++) {
		int64_t begin = world_monotonic(world_real());

		assert_int_equal(member_post(&m->list[KZ], clients[KZ], k, 1, "green"), 202);
		while (!member_has(&m->list[UZ], clients[UZ], k))
			assert_true(world_monotonic(world_real()) - begin <
				    MEMBERS_WAIT_S * US_PER_SECOND);
		took[k] = world_monotonic(world_real()) - begin;
	}
	qsort(took, TIMED, sizeof(took[0]), by_size);
	print_message(
		"visible at another member: median %lld ms, 99 of 100 in %lld ms, most %lld ms\n",
		(long long)took[TIMED / 2] / 1000, (long long)took[TIMED * 99 / 100 - 1] / 1000,
		(long long)took[TIMED - 1] / 1000);
	for (size_t i = 0; i < 2; i++)
		http_client_free(clients[i]);
}

/* node_coalition_test [KILLS]: that many instead of a few. */
int main(int count, char **args)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_by_policy_and_no_further, setup, teardown),
		cmocka_unit_test_setup_teardown(test_members_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_streams, setup, teardown),
		cmocka_unit_test_setup_teardown(test_push, setup, teardown),
		cmocka_unit_test_setup_teardown(test_asked_without_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_alarm, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leave, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
		cmocka_unit_test_setup_teardown(test_control, setup, teardown),
		cmocka_unit_test_setup_teardown(test_by_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overlay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_how_fast, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
	};

	if (count > 1)
		kills = (unsigned)strtoul(args[1], NULL, 10);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
