/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Strangers in great numbers at a member's door: who says nothing, who says a byte a second, who
 * has a wrong pin, who speaks an old TLS. The members' service goes on meanwhile.
 *
 * node_crowd_test [CONNECTIONS]: so many strangers in all, from some hundred addresses of loopback.
 */
#include "members.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CROWD        1500 /* without an argument */
#define ADDRESSES    200  /* that they come from */
#define OPEN_MOST    8000 /* held at once; the oldest of them are let go */
#define HANDSHAKES   16   /* of so many one goes as far as a request, with a wrong pin */
#define CALLS        200  /* of a member before and, at least, meanwhile */
#define SLOWEST_US   (3 * US_PER_SECOND) /* 99 of 100 answers, on a busy machine with sanitizers */
#define DRIP_US      US_PER_SECOND
#define NAP_US       5000
#define TICKETS_MOST 4 /* messages of TLS 1.3 in front of an answer */

static const char *const names[] = {"kz", "uz"};
static unsigned crowd = CROWD;

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

static void nap(int64_t us)
{
	const struct timespec t = {.tv_nsec = (long)us * 1000};

	nanosleep(&t, NULL);
}

/* ---- one TLS client, as old as it is told to be ---------------------------------------------- */

struct tls_client {
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
	int fd;
};

static void tls_close(struct tls_client *c)
{
	gnutls_deinit(c->session);
	gnutls_certificate_free_credentials(c->credentials);
	close(c->fd);
}

static int connect_from(unsigned number, unsigned port)
{
	struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	from.sin_addr.s_addr = htonl(0x7f010002U + number % ADDRESSES); /* 127.1.0.2 and up */
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)port);
	if (fd >= 0 && (bind(fd, (const struct sockaddr *)&from, sizeof(from)) != 0 ||
			       connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The status of the answer to heads; 0: none. */
static unsigned ask_tls(struct tls_client *c, unsigned number, unsigned port, const char *folder,
	const char *versions)
{
	static const char request[] = "POST /coalition/v1/heads HTTP/1.1\r\nHost: kz\r\n"
				      "Content-Length: 1\r\n\r\n?";
	const struct timeval wait = {.tv_sec = 20};
	char certificate[200], key[200], answer[64] = "";
	unsigned status = 0, tickets = 0;
	ssize_t got = -1;

	snprintf(certificate, sizeof(certificate), "%s/tls.crt", folder);
	snprintf(key, sizeof(key), "%s/tls.key", folder);
	assert_int_equal(gnutls_certificate_allocate_credentials(&c->credentials), 0);
	assert_int_equal(gnutls_certificate_set_x509_key_file(
				 c->credentials, certificate, key, GNUTLS_X509_FMT_PEM),
		0);
	assert_int_equal(gnutls_init(&c->session, GNUTLS_CLIENT), 0);
	assert_int_equal(gnutls_priority_set_direct(c->session, versions, NULL), 0);
	assert_int_equal(
		gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->credentials), 0);
	c->fd = connect_from(number, port);
	if (c->fd < 0)
		return 0;
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	gnutls_transport_set_int(c->session, c->fd);
	if (gnutls_handshake(c->session) == 0 &&
		gnutls_record_send(c->session, request, sizeof(request) - 1) > 0) {
		do /* a ticket may come first */
			got = gnutls_record_recv(c->session, answer, sizeof(answer) - 1);
		while (got == GNUTLS_E_AGAIN && ++tickets <= TICKETS_MOST);
	}
	if (got > 0 && sscanf(answer, "HTTP/1.1 %u", &status) != 1)
		status = 0;
	return status;
}

#define TLS_1_3 "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define TLS_1_2 "NORMAL:-VERS-ALL:+VERS-TLS1.2"
#define TLS_1_1 "NORMAL:-VERS-ALL:+VERS-TLS1.1"

/* The pin of a member over an old TLS is nobody's. */
static void test_old_tls(void **state)
{
	static const struct {
		const char *versions;
		unsigned status;
	} cases[] = {
		{TLS_1_3, 400}, /* a member, and no request that can be read */
		{TLS_1_2, 403},
		{TLS_1_1, 0  },
	};
	struct members *m = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct tls_client c;

		assert_int_equal(ask_tls(&c, 0, m->list[0].server.port, m->list[1].folder,
					 cases[i].versions),
			cases[i].status);
		tls_close(&c);
	}
}

/* ---- the crowd ------------------------------------------------------------------------------- */

struct crowd {
	struct member *at;
	char other[64]; /* the folder of one who is no member */
	int fds[OPEN_MOST];
	unsigned opened, failed, refused; /* refused: wrong pins that were told so */
	atomic_bool over;
};

/* Every other one that is held says one more byte, now of a head, now of what could be a handshake.
 */
static void drip(struct crowd *c)
{
	for (unsigned i = 0; i < OPEN_MOST; i += 2) {
		if (c->fds[i] >= 0)
			(void)!send(c->fds[i], i % 4 == 0 ? "G" : "\x16", 1,
				MSG_NOSIGNAL | MSG_DONTWAIT);
	}
}

static void *crowd_run(void *context)
{
	struct crowd *c = context;
	int64_t dripped = world_monotonic(world_real());

	while (c->opened < crowd) {
		unsigned number = c->opened++;
		int *place = &c->fds[number % OPEN_MOST];

		if (world_monotonic(world_real()) - dripped > DRIP_US) {
			drip(c);
			dripped = world_monotonic(world_real());
		}
		if (number % HANDSHAKES == 0) {
			struct tls_client one;
			unsigned status = ask_tls(&one, number, c->at->server.port, c->other,
				number % (2 * HANDSHAKES) == 0 ? TLS_1_3 : TLS_1_2);

			c->refused += status == 403;
			c->failed += status == 0;
			tls_close(&one);
			continue;
		}
		if (*place >= 0)
			close(*place);
		*place = connect_from(number, c->at->server.port);
		c->failed += *place < 0;
	}
	atomic_store(&c->over, true);
	return NULL;
}

/* ---- the member meanwhile -------------------------------------------------------------------- */

struct served {
	int64_t *took;
	size_t count, capacity;
};

static int by_size(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return a < b ? -1 : a > b;
}

static struct http_client *member_client(struct member *m)
{
	char certificate[200], key[200];
	struct http_client *client;

	snprintf(certificate, sizeof(certificate), "%s/tls.crt", m->folder);
	snprintf(key, sizeof(key), "%s/tls.key", m->folder);
	MUST(http_client_new(&(struct http_client_config){.insecure = true,
				     .tls_1_3 = true,
				     .certificate_file = certificate,
				     .key_file = key},
		&client, e));
	return client;
}

/* One request that must be answered, by an old connection or over a new one. */
static void call(struct member *at, struct http_client *client, struct served *s)
{
	struct http_answer answer;
	int64_t begin = world_monotonic(world_real());
	char url[100];
	bool again;

	snprintf(url, sizeof(url), "https://127.0.0.1:%u/log/kz/checkpoint", at->server.port);
	MUST(http_client_call(client,
		&(struct http_call){.method = HTTP_GET, .url = url, .body_max = MIB(1)}, &answer,
		&again, e));
	assert_int_equal(answer.status, 200);
	if (s->count == s->capacity) {
		s->capacity = s->capacity * 2 + 256;
		s->took = realloc(s->took, s->capacity * sizeof(*s->took));
		assert_non_null(s->took);
	}
	s->took[s->count++] = world_monotonic(world_real()) - begin;
}

static int64_t p99(struct served *s, const char *what)
{
	int64_t worst;

	qsort(s->took, s->count, sizeof(*s->took), by_size);
	worst = s->took[(s->count * 99 + 99) / 100 - 1];
	print_message("%s: %zu answers, median %.2f ms, 99 of 100 in %.2f ms, most %.2f ms\n", what,
		s->count, (double)s->took[s->count / 2] / 1e3, (double)worst / 1e3,
		(double)s->took[s->count - 1] / 1e3);
	free(s->took);
	*s = (struct served){0};
	return worst;
}

static void test_crowd(void **state)
{
	static struct crowd c;
	struct members *m = *state;
	struct member *kz = &m->list[0];
	struct http_client *old = member_client(&m->list[1]);
	struct served kept = {0}, fresh = {0};
	char password[64];
	pthread_t thread;

	scenario_folder(c.other);
	scenario_remove(c.other);
	MUST(node_init(c.other, NULL, NULL, "127.0.0.1", world_real(), password, e));
	c.at = kz;
	for (size_t i = 0; i < OPEN_MOST; i++)
		c.fds[i] = -1;
	members_decide(m, 0,
		"{'id':'green','family':'exchange','effect':'permit','when':{'act':['share'],"
		"'to':['@members'],'kind':['indicator'],'tlp':{'le':'green'}}}");
	member_await(kz, "signed", 1);
	for (unsigned i = 0; i < CALLS; i++)
		call(kz, old, &kept);
	p99(&kept, "before, over a connection that is kept");
	for (unsigned i = 0; i < CALLS / 4; i++) {
		struct http_client *one = member_client(&m->list[1]);

		call(kz, one, &fresh);
		http_client_free(one);
	}
	p99(&fresh, "before, over a new one each time");

	assert_int_equal(pthread_create(&thread, NULL, crowd_run, &c), 0);
	for (unsigned i = 0; i < CALLS || !atomic_load(&c.over); i++) {
		call(kz, old, &kept);
		if (i % 4 == 0) {
			struct http_client *one = member_client(&m->list[1]);

			call(kz, one, &fresh);
			http_client_free(one);
		}
		nap(NAP_US);
	}
	pthread_join(thread, NULL);
	print_message(
		"%u strangers: %u told that they are none of us, %u turned away without a word\n",
		c.opened, c.refused, c.failed);
	assert_true(p99(&kept, "meanwhile, over the connection that was there") < SLOWEST_US);
	assert_true(p99(&fresh, "meanwhile, over a new one each time") < SLOWEST_US);
	for (size_t i = 0; i < OPEN_MOST; i++) {
		if (c.fds[i] >= 0)
			close(c.fds[i]);
	}
	http_client_free(old);
	scenario_remove(c.other);
}

int main(int count, char **args)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_old_tls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_crowd, setup, teardown),
	};
	struct rlimit limit;

	if (count > 1)
		crowd = (unsigned)strtoul(args[1], NULL, 10);
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
