/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Live capture on a pair of virtual interfaces in a network namespace of the test's own: every
 * frame that is sent is seen or counted as dropped, and the sensor's end sends not one.
 */
#include "packet_testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "live.h"

#define FRAMES 20000

/* A namespace with veth ends "gen" and "tap", both up, without addresses and IPv6's own chatter. */
static bool namespace_make(void)
{
	int uid = (int)getuid();
	FILE *f;

	if (unshare(uid == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return false;
	if (uid != 0) {
		f = fopen("/proc/self/uid_map", "w");
		if (f == NULL)
			return false;
		fprintf(f, "0 %d 1\n", uid);
		if (fclose(f) != 0)
			return false;
	}
	f = fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w");
	if (f != NULL) {
		fputs("1\n", f);
		fclose(f);
	}
	return system("ip link add gen type veth peer name tap && ip link set lo up && "
		      "ip link set gen up && ip link set tap up") == 0;
}

static uint64_t sent_by(const char *interface)
{
	char path[128];
	unsigned long long value = UINT64_MAX;
	FILE *f;

	/* /sys belongs to the namespace that mounted it; /proc/net is ours. */
	snprintf(path, sizeof(path), "/proc/self/net/dev");
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(path, sizeof(path), f) != NULL) {
		char *colon = strchr(path, ':'), *name = path;

		while (*name == ' ')
			name++;
		if (colon == NULL || (size_t)(colon - name) != strlen(interface) ||
			strncmp(name, interface, strlen(interface)) != 0)
			continue;
		assert_int_equal(
			sscanf(colon + 1, "%*u %*u %*u %*u %*u %*u %*u %*u %*u %llu", &value), 1);
	}
	fclose(f);
	return value;
}

static int generator_open(void)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex("gen")};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void drain(struct packet_live *l, struct packet_reader *r, int wait_ms)
{
	struct pollfd p = {.fd = packet_live_descriptor(l), .events = POLLIN};
	struct err e;

	while (poll(&p, 1, wait_ms) > 0)
		if (!packet_live_take(l, r, 1000, &e))
			fail_msg("%s", e.text);
}

static void capture(bool by_pcap)
{
	struct told t = {0};
	struct packet_reader *r = reader_for(
		event_role_bit(ROLE_SOURCE_ADDRESS) | event_role_bit(ROLE_DESTINATION_ADDRESS),
		false, &t);
	struct packet_live *l = NULL;
	struct ends e = {"192.0.2.1", "198.51.100.7", 40000, 5000};
	uint64_t sent_before = sent_by("tap");
	uint64_t sent = 0;
	struct frame f;
	struct err why;
	int fd = generator_open();

	if (by_pcap) {
		l = calloc(1, sizeof(*l));
		assert_non_null(l);
		l->fd = -1;
		if (live_pcap_open(l, "tap", &why) != OK)
			fail_msg("%s", why.text);
	} else if (packet_live_open("tap", &l, &why) != OK) {
		fail_msg("%s", why.text);
	}
	assert_int_equal(l->pcap != NULL, by_pcap);
	assert_int_equal(l->link, 1);
	for (unsigned i = 0; i < FRAMES; i++) {
		struct slice s;

		e.destination_port = (uint16_t)(1000 + i);
		frame_udp(&f, &e, SLICE("hello"));
		s = frame_slice(&f);
		if (write(fd, s.data, s.len) == (ssize_t)s.len)
			sent++;
		else if (errno == ENOBUFS)
			drain(l, r, 0);
	}
	drain(l, r, 300);
	assert_true(sent > FRAMES / 2);
	assert_int_equal(r->counts.frames + r->counts.kernel_dropped, sent);
	assert_int_equal(r->counts.malformed, 0);
	assert_true(r->counts.frames > 0);
	assert_int_equal(told_count(&t, "destination.address=198.51.100.7"), r->counts.frames);
	assert_int_equal(sent_by("tap"), sent_before);
	packet_live_free(l);
	packet_reader_free(r);
	told_fini(&t);
	close(fd);
}

static void test_ring(void **state)
{
	(void)state;
	capture(false);
}

static void test_pcap(void **state)
{
	(void)state;
	capture(true);
}

/* The interface goes down under the capture: said, and no crash. */
static void test_gone(void **state)
{
	struct told t = {0};
	struct packet_reader *r = reader_for(event_role_bit(ROLE_SOURCE_ADDRESS), false, &t);
	struct packet_live *l = NULL;
	struct err e = {0};
	bool on = true;

	(void)state;
	if (packet_live_open("tap", &l, &e) != OK)
		fail_msg("%s", e.text);
	assert_int_equal(packet_live_open("nosuch", &l, &e), ERR_IO);
	assert_int_equal(system("ip link del gen"), 0);
	for (unsigned i = 0; i < 10 && on; i++) {
		struct pollfd p = {.fd = packet_live_descriptor(l), .events = POLLIN};

		(void)poll(&p, 1, 100);
		on = packet_live_take(l, r, 1000, &e);
	}
	assert_false(on);
	assert_non_null(strstr(e.text, "tap"));
	packet_live_free(l);
	packet_reader_free(r);
	told_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_pcap),
		cmocka_unit_test(test_gone),
	};

	if (!namespace_make()) {
		print_message(
			"skipped: no network namespace may be made here (%s)\n", strerror(errno));
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
