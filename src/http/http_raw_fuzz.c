/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Bytes to a real server over a socket, and a second reader of the same bytes beside it, which
 * knows nothing but the strict grammar: whatever the server takes for a request must be one for
 * that reader, with the same target and the same length of body. Two readers that differ are how
 * requests are smuggled.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_fake.h"
#include "planted.h"

#define SEEN_MAX 64 /* requests compared for one input */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	char path[64]; /* what fits of it */
	uint64_t body;
};

struct record {
	struct fake fake;
	struct http_server *server;
	pthread_mutex_t lock;
	struct seen seen[SEEN_MAX];
	size_t count;
};

static void note(struct seen *s, struct slice path, uint64_t body)
{
	memset(s, 0, sizeof(*s));
	snprintf(s->path, sizeof(s->path), "%.*s", SLICE_ARG(path));
	s->body = body;
}

static void handle(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct record *r = context;

	pthread_mutex_lock(&r->lock);
	if (r->count < SEEN_MAX)
		note(&r->seen[r->count++], q->path, q->body_bytes);
	pthread_mutex_unlock(&r->lock);
	reply->status = 200;
	reply->content_type = "text/plain";
	reply->body = SLICE("ok\n");
}

static const struct http_route routes[] = {
	{HTTP_GET | HTTP_POST | HTTP_PUT | HTTP_DELETE, "/",     HTTP_OPEN, KIB(64), handle, "top"},
	{HTTP_GET | HTTP_POST | HTTP_PUT | HTTP_DELETE, "/{a}/", HTTP_OPEN, KIB(64), handle, "one"},
};

static struct record *record_start(void)
{
	struct record *r = calloc(1, sizeof(*r));
	struct err e;

	if (r == NULL)
		abort();
	fake_init(&r->fake);
	pthread_mutex_init(&r->lock, NULL);
	struct http_server_config config = {.listen = "127.0.0.1:0",
		.threads = 1,
		.routes = routes,
		.routes_count = COUNT_OF(routes),
		.accounts = &r->fake.table,
		.world = &r->fake.world,
		.context = r};
	if (http_server_start(&config, &r->server, &e) != OK)
		abort();
	return r;
}

/* ---- the second reader ---------------------------------------------------------------- */

/*
 * A line up to its LF. What stands between its text and the next line must be CR LF, or two bytes
 * of which one is a NUL: the library writes NULs over line ends and cuts lines at NULs, so nobody
 * can tell afterwards. No reader that took it for anything else would pass a NUL on.
 */
static bool line_next(struct slice *rest, struct slice *ret_line, size_t *ret_gap)
{
	size_t end = slice_find(*rest, '\n', 0);
	size_t text = slice_find(*rest, '\0', 0);

	if (end == rest->len)
		return false;
	if (text > end)
		text = end > 0 && rest->data[end - 1] == '\r' ? end - 1 : end;
	*ret_line = slice_cut(*rest, 0, text);
	*ret_gap = end + 1 - text;
	*rest = slice_cut(*rest, end + 1, rest->len);
	return true;
}

/* Decoded length of a chunked body, as far as the library's own reading of it goes. */
static bool chunks_read(struct slice rest, uint64_t *ret_bytes)
{
	uint64_t bytes = 0;

	for (;;) {
		size_t end = slice_find(rest, '\n', 0);
		char digits[20] = {0};
		uint64_t size;

		if (end == rest.len || end == 0)
			return false;
		memcpy(digits, rest.data, end < sizeof(digits) - 1 ? end : sizeof(digits) - 1);
		size = strtoull(digits, NULL, 16);
		rest = slice_cut(rest, end + 1, rest.len);
		if (size == 0) {
			*ret_bytes = bytes;
			return true; /* trailers may follow; they are no body */
		}
		if (size > rest.len)
			return false;
		bytes += size;
		rest = slice_cut(rest, size, rest.len);
		end = slice_find(rest, '\n', 0);
		if (end > 1)
			return false;
		rest = slice_cut(rest, end + 1, rest.len);
	}
}

/* The next request of the stream; false when there is none that is right. */
static bool request_read(struct slice *rest, struct arena *a, struct seen *ret_seen, bool *ret_last)
{
	struct http_param headers[HTTP_HEADERS_MAX + 1];
	struct http_head head = {.headers = headers};
	struct http_facts facts;
	struct http_target target;
	struct slice line;
	const char *why;
	size_t blank, before, gap;
	uint64_t body = 0;

	/* Before a request line the library skips empty lines, and takes a line that begins with a
	 * NUL for one. Whoever stands before us reads no request there either. */
	while (rest->len > 0 && (rest->data[0] == '\0' || slice_starts(*rest, SLICE("\r\n")) ||
					slice_starts(*rest, SLICE("\n")))) {
		size_t end = slice_find(*rest, '\n', 0);

		if (end == rest->len)
			return false;
		*rest = slice_cut(*rest, end + 1, rest->len);
	}
	before = rest->len;
	if (!line_next(rest, &line, &gap))
		return false;
	blank = slice_find(line, ' ', 0);
	head.method = slice_cut(line, 0, blank);
	line = slice_cut(line, blank + 1, line.len);
	blank = slice_find(line, ' ', 0);
	head.target = slice_cut(line, 0, blank);
	head.version = slice_cut(line, blank + 1, line.len);
	if (!slice_starts(head.version, SLICE("HTTP/1.")) || head.version.len != 8)
		return false;
	for (;;) {
		size_t colon, last_gap = gap;

		if (!line_next(rest, &line, &gap))
			return false;
		/* A line that begins with a colon ends the head for the library; what is more than
		 * the colon and one byte makes the head too long and is seen. */
		if (line.len == 0 || line.data[0] == ':') {
			if (last_gap + line.len + gap != 4)
				return false;
			break;
		}
		if (last_gap != 2)
			return false;
		colon = slice_find(line, ':', 0);
		if (colon == line.len || head.headers_count > HTTP_HEADERS_MAX)
			return false;
		headers[head.headers_count++] = (struct http_param){slice_cut(line, 0, colon),
			slice_trim(slice_cut(line, colon + 1, line.len))};
	}
	head.bytes = before - rest->len;
	if (http_head_check(&head, &facts, &why) != 0)
		return false;
	/* A target that does not decode is refused, but where its request ends is clear. */
	if (http_target_parse(head.target, a, &target, &why) != 0)
		target.path = (struct slice){0};
	*ret_last = facts.chunked;
	if (facts.chunked) {
		if (!chunks_read(*rest, &body))
			return false;
	} else {
		if (facts.length > rest->len)
			return false;
		body = facts.length;
		*rest = slice_cut(*rest, body, rest->len);
	}
	note(ret_seen, target.path, body);
	return true;
}

/* ---- the comparison ------------------------------------------------------------------- */

static void converse(struct record *r, struct slice bytes)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)http_server_port(r->server)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	char piece[4096];

	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
		abort();
	while (bytes.len > 0) {
		ssize_t got = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);

		if (got <= 0)
			break;
		bytes = slice_cut(bytes, (size_t)got, bytes.len);
	}
	shutdown(fd, SHUT_WR);
	/* Read to the end; when nothing comes, time passes until the server has had enough. */
	for (;;) {
		if (poll(&polled, 1, 2) == 0) {
			fake_advance(&r->fake, 1000);
			http_server_sweep(r->server);
			continue;
		}
		if (recv(fd, piece, sizeof(piece), 0) <= 0)
			break;
	}
	close(fd);
	while (http_server_metrics(r->server).connections_open != 0)
		poll(NULL, 0, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct record *r; /* one server for all inputs: starting one takes milliseconds */
	struct slice rest = {(const char *)data, size};
	struct arena *a = arena_new(MIB(1));
	bool last = false;

	if (r == NULL)
		r = record_start();
	r->count = 0;
	converse(r, rest);
	PLANTED(r->count > 3 && r->seen[1].body > 0 && r->seen[2].body > 0);
	for (size_t i = 0; i < r->count; i++) {
		struct seen expected;

		if (last || !request_read(&rest, a, &expected, &last))
			abort(); /* a request that nobody sent */
		/* Refused ones (no such path, too long) are no business of the handler. */
		while (strcmp(expected.path, r->seen[i].path) != 0 ||
			expected.body != r->seen[i].body)
			if (last || !request_read(&rest, a, &expected, &last))
				abort();
	}
	arena_free(a);
	return 0;
}
