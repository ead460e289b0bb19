/* SPDX-License-Identifier: MPL-2.0 */
/*
 * live_send INTERFACE FILE RATE SECONDS: sends the Ethernet frames of a capture over and over, so
 * that those who capture at the other end can be counted against it. RATE: frames a second, 0 as
 * fast as it goes. For the benchmarks, in a network of their own; nothing of the product sends.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

#define FRAMES_MAX      200000
#define FRAME_BYTES_MAX 1514 /* of an Ethernet frame without its checksum */
#define TOGETHER        32   /* frames a system call: a burst of 26 us at 10 Gbit/s */

struct frames {
	struct iovec frame[FRAMES_MAX];
	size_t count;
};

static int failed(const char *what, const char *why)
{
	fprintf(stderr, "live_send: %s: %s\n", what, why);
	return 1;
}

static double seconds_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Whole frames that fit a link of 1500 bytes; others would not get through. */
static int frames_read(const char *path, struct frames *f)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_open_offline(path, why);
	struct pcap_pkthdr *head;
	const u_char *bytes;

	if (p == NULL)
		return failed(path, why);
	if (pcap_datalink(p) != DLT_EN10MB) {
		pcap_close(p);
		return failed(path, "no Ethernet");
	}
	while (f->count < FRAMES_MAX && pcap_next_ex(p, &head, &bytes) == 1) {
		struct iovec *v = &f->frame[f->count];

		if (head->caplen != head->len || head->len < ETH_HLEN ||
			head->len > FRAME_BYTES_MAX)
			continue;
		v->iov_base = malloc(head->caplen);
		if (v->iov_base == NULL)
			break;
		memcpy(v->iov_base, bytes, head->caplen);
		v->iov_len = head->caplen;
		f->count++;
	}
	pcap_close(p);
	return f->count == 0 ? failed(path, "no whole frame of up to 1514 bytes") : 0;
}

static int interface_open(const char *name, int *ret_fd)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || to.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		int number = errno;

		if (fd >= 0)
			(void)close(fd);
		return failed(name, strerror(number));
	}
	/* Past the queue, where frames could be dropped without a word. */
	if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) != 0)
		fprintf(stderr, "live_send: %s: frames go through the queue\n", name);
	*ret_fd = fd;
	return 0;
}

int main(int argc, char **argv)
{
	struct frames *f = calloc(1, sizeof(*f));
	struct mmsghdr messages[TOGETHER];
	double rate, length, start, now;
	uint64_t sent = 0, bytes = 0, again = 0;
	struct rusage usage;
	size_t at = 0;
	int fd;

	if (argc != 5 || f == NULL) {
		fprintf(stderr, "usage: live_send INTERFACE FILE RATE SECONDS\n");
		return 2;
	}
	if (frames_read(argv[2], f) != 0 || interface_open(argv[1], &fd) != 0)
		return 1;
	rate = atof(argv[3]);
	length = atof(argv[4]);
	start = seconds_now();
	for (now = start; now - start < length; now = seconds_now()) {
		unsigned count = TOGETHER;
		int done;

		if (rate > 0 && (double)(sent + count) > (now - start) * rate)
			continue;
		memset(messages, 0, sizeof(messages));
		for (unsigned i = 0; i < count; i++) {
			messages[i].msg_hdr.msg_iov = &f->frame[(at + i) % f->count];
			messages[i].msg_hdr.msg_iovlen = 1;
		}
		done = sendmmsg(fd, messages, count, 0);
		if (done < 0 && (errno == ENOBUFS || errno == EAGAIN)) {
			again++;
			continue;
		}
		if (done < 0)
			return failed(argv[1], strerror(errno));
		for (int i = 0; i < done; i++)
			bytes += messages[i].msg_len;
		at = (at + (size_t)done) % f->count;
		sent += (uint64_t)done;
	}
	(void)getrusage(RUSAGE_SELF, &usage);
	/* frames, frames a second, Mbit/s, times there was no room, CPU seconds */
	printf("%llu %.0f %.0f %llu %.2f\n", (unsigned long long)sent, (double)sent / (now - start),
		(double)bytes * 8e-6 / (now - start), (unsigned long long)again,
		(double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6);
	return 0;
}
