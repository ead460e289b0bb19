/* SPDX-License-Identifier: MPL-2.0 */
/* Sockets to listen on, the names of those who connect, and how many may. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_parts.h"

#define DESCRIPTORS_APART 128 /* for everything that is no connection */

#define PORTS_FIRST   10000 /* above the ports of well-known services */
#define PORTS_LEAVING 32768 /* where the system's own begin, if it does not tell */
#define PORTS_TRIES   1000  /* of ports that somebody has */
#define PORTS_MOST    64    /* found at once */

/* "address:port" into a socket address; false when it is not one. */
static bool where_parse(struct slice where, struct sockaddr_in6 *ret_v6, struct sockaddr_in *ret_v4,
	bool *ret_is_v6)
{
	char host[HTTP_PEER_MAX] = {0};
	struct slice name;
	uint64_t port;
	size_t colon = where.len;

	while (colon > 0 && where.data[colon - 1] != ':')
		colon--;
	if (colon == 0 || !slice_to_u64(slice_cut(where, colon, where.len), &port) || port > 65535)
		return false;
	name = slice_cut(where, 0, colon - 1);
	if (name.len == 0 || slice_is(name, "localhost"))
		name = SLICE("127.0.0.1");
	*ret_is_v6 = name.data[0] == '[';
	if (*ret_is_v6) {
		if (!slice_ends(name, SLICE("]")))
			return false;
		name = slice_cut(name, 1, name.len - 1);
	}
	if (name.len >= sizeof(host))
		return false;
	if (name.len != 0)
		memcpy(host, name.data, name.len);
	*ret_v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	*ret_v6 =
		(struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	return *ret_is_v6 ? inet_pton(AF_INET6, host, &ret_v6->sin6_addr) == 1
			  : inet_pton(AF_INET, host, &ret_v4->sin_addr) == 1;
}

enum err_kind http_listen_look(int fd, unsigned *ret_port, bool *ret_loopback, struct err *e)
{
	struct sockaddr_storage bound;
	const struct sockaddr_in6 *v6 = (const void *)&bound;
	const struct sockaddr_in *v4 = (const void *)&bound;
	socklen_t len = sizeof(bound), on_len = sizeof(int);
	int on = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &on_len) != 0 || on == 0 ||
		getsockname(fd, (struct sockaddr *)&bound, &len) != 0 ||
		(bound.ss_family != AF_INET && bound.ss_family != AF_INET6))
		return err_set(e, ERR_USAGE, "descriptor %d is no socket that listens", fd);
	if (bound.ss_family == AF_INET6) {
		*ret_port = ntohs(v6->sin6_port);
		*ret_loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
	} else {
		*ret_port = ntohs(v4->sin_port);
		*ret_loopback = ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	}
	return OK;
}

enum err_kind http_listen(
	const char *where, int *ret_fd, unsigned *ret_port, bool *ret_loopback, struct err *e)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;
	bool is_v6;
	int fd, on = 1, off = 0, rc;
	enum err_kind kind;

	if (!where_parse(slice_of(where), &v6, &v4, &is_v6))
		return err_set(e, ERR_USAGE,
			"\"%s\" is not address:port (as in 127.0.0.1:6443 or [::]:6443)", where);
	fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(e, err_kind_of_errno(errno), "could not make a socket for %s: %s",
			where, strerror(errno));
	/* A server that starts again must not wait for its old connections to be forgotten. [::]
	 * takes IPv4 too. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (is_v6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	rc = is_v6 ? bind(fd, (const struct sockaddr *)&v6, sizeof(v6))
		   : bind(fd, (const struct sockaddr *)&v4, sizeof(v4));
	if (rc != 0 || listen(fd, SOMAXCONN) != 0) {
		kind = errno == EADDRINUSE ? ERR_BUSY : err_kind_of_errno(errno);
		err_set(e, kind, "could not listen on %s: %s", where, strerror(errno));
	} else {
		kind = http_listen_look(fd, ret_port, ret_loopback, e);
	}
	if (kind == OK)
		*ret_fd = fd;
	else
		close(fd);
	return kind;
}

enum err_kind http_listen_open(const char *where, int *ret_fd, struct err *e)
{
	unsigned port;
	bool loopback;
	int fd, high;
	enum err_kind kind = http_listen(where, &fd, &port, &loopback, e);

	if (kind != OK)
		return kind;
	/* Past the three that have a meaning, even when one of them was closed. */
	high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (high < 0)
		kind = err_set(e, err_kind_of_errno(errno), "could not listen on %s: %s", where,
			strerror(errno));
	else
		*ret_fd = high;
	close(fd);
	return kind;
}

static unsigned ports_leaving(void)
{
	struct buf text = BUF_INIT;
	struct slice first;
	uint64_t low = 0;
	size_t len = 0;

	if (file_read("/proc/sys/net/ipv4/ip_local_port_range", KIB(1), &text, NULL) == OK) {
		first = buf_slice(&text);
		while (len < first.len && first.data[len] >= '0' && first.data[len] <= '9')
			len++;
		if (!slice_to_u64(slice_cut(first, 0, len), &low))
			low = 0;
	}
	buf_fini(&text);
	return low > PORTS_FIRST && low <= 65535 ? (unsigned)low : PORTS_LEAVING;
}

/* Bound, so that nobody gets it meanwhile; -1: somebody has it. */
static int port_hold(unsigned port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

enum err_kind http_ports_find(
	const struct world *world, unsigned *ret_ports, size_t count, struct err *e)
{
	unsigned leaving = ports_leaving();
	int held[PORTS_MOST];
	size_t found = 0;

	for (int i = 0; i < PORTS_TRIES && found < count && found < PORTS_MOST; i++) {
		uint32_t number;

		world->random(world->context, &number, sizeof(number));
		ret_ports[found] = PORTS_FIRST + number % (leaving - PORTS_FIRST);
		held[found] = port_hold(ret_ports[found]);
		found += held[found] >= 0;
	}
	for (size_t i = 0; i < found; i++)
		close(held[i]);
	return found == count
		       ? OK
		       : err_set(e, ERR_FULL, "of %zu ports on the loopback only %zu are free",
				 count, found);
}

size_t http_peer_name(
	const struct sockaddr *address, char ret_text[HTTP_PEER_MAX], uint8_t ret_bucket[8])
{
	const struct sockaddr_in6 *v6 = (const void *)address;
	const struct sockaddr_in *v4 = (const void *)address;

	ret_text[0] = '\0';
	if (address->sa_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, ret_text, HTTP_PEER_MAX);
		memcpy(ret_bucket, &v4->sin_addr, 4);
		return 4;
	}
	if (address->sa_family != AF_INET6)
		return 0;
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) { /* an IPv4 client of a socket for both */
		inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], ret_text, HTTP_PEER_MAX);
		memcpy(ret_bucket, &v6->sin6_addr.s6_addr[12], 4);
		return 4;
	}
	inet_ntop(AF_INET6, &v6->sin6_addr, ret_text, HTTP_PEER_MAX);
	memcpy(ret_bucket, v6->sin6_addr.s6_addr, 8);
	return 8;
}

/*
 * As many connections as there are file descriptors for: each may have a body in a file, too. The
 * soft limit is often 1024 for the sake of select(), which nobody here uses, so raise it first.
 */
unsigned http_connections_fit(unsigned most, unsigned least, const struct log *log)
{
	unsigned wanted = most > least ? most : least;
	rlim_t needed = (rlim_t)wanted * 2 + DESCRIPTORS_APART;
	struct rlimit limit;
	char text[32];

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return wanted;
	if (limit.rlim_cur < needed) {
		rlim_t before = limit.rlim_cur;

		limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			limit.rlim_cur = before;
	}
	if (limit.rlim_cur >= needed)
		return wanted;
	wanted = limit.rlim_cur > DESCRIPTORS_APART
			 ? (unsigned)((limit.rlim_cur - DESCRIPTORS_APART) / 2)
			 : 0;
	wanted = wanted > least ? wanted : least;
	snprintf(text, sizeof(text), "%u", wanted);
	log_line(log, LOG_WARN, "fewer connections", "why",
		"the limit of open files (RLIMIT_NOFILE) is low", "connections", text, NULL);
	return wanted;
}
