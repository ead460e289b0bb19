/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A live interface through the kernel's packet ring (AF_PACKET with TPACKET_V3): the kernel writes
 * frames into memory that is mapped here, block by block, and they are read where they lie. Only
 * ever receives: nothing in this file writes to the socket, and it is bound to one interface before
 * the first frame can arrive.
 */
#include "live.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCK_BYTES   MIB(1) /* a block is handed over when full or after BLOCK_WAIT_MS */
#define BLOCKS        (PACKET_RING_BYTES / BLOCK_BYTES)
#define BLOCK_WAIT_MS 50
#define FRAME_BYTES   2048 /* only a hint in version 3: frames lie close to each other */

#define LINK_ETHERNET 1
#define LINK_RAW      101

struct ring {
	uint8_t *map;
	unsigned block;  /* the next one to look at */
	uint32_t frames; /* still to be read of it */
	uint8_t *frame;  /* where the next one is */
	unsigned interface_type;
};

static unsigned link_of(unsigned type)
{
	static const struct {
		unsigned type, link;
	} links[] = {
		{ARPHRD_ETHER,    LINK_ETHERNET},
		{ARPHRD_LOOPBACK, LINK_ETHERNET},
		{ARPHRD_NONE,     LINK_RAW     }, /* tun */
		{ARPHRD_PPP,      LINK_RAW     },
		{ARPHRD_TUNNEL,   LINK_RAW     },
		{ARPHRD_TUNNEL6,  LINK_RAW     },
		{ARPHRD_SIT,      LINK_RAW     },
	};

	for (size_t i = 0; i < COUNT_OF(links); i++)
		if (links[i].type == type)
			return links[i].link;
	return UINT32_MAX;
}

static enum err_kind failed(struct err *e, const char *interface, const char *what)
{
	int number = errno;

	if (number == EPERM || number == EACCES)
		return err_set(e, ERR_DENIED,
			"interface \"%s\": %s: not allowed; capturing needs the capability "
			"CAP_NET_RAW",
			interface, what);
	return err_set(e, err_kind_of_errno(number), "interface \"%s\": %s: %s", interface, what,
		strerror(number));
}

/* Which interface it is and what its frames look like. */
static enum err_kind interface_find(
	int fd, const char *interface, int *ret_index, unsigned *ret_type, struct err *e)
{
	struct ifreq request = {0};
	size_t len = strlen(interface);

	if (len == 0 || len >= sizeof(request.ifr_name))
		return err_set(e, ERR_USAGE, "interface \"%s\": no such name", interface);
	memcpy(request.ifr_name, interface, len);
	if (ioctl(fd, SIOCGIFINDEX, &request) != 0)
		return failed(e, interface, "looking for it");
	*ret_index = request.ifr_ifindex;
	if (ioctl(fd, SIOCGIFHWADDR, &request) != 0)
		return failed(e, interface, "asking for its kind");
	*ret_type = request.ifr_hwaddr.sa_family;
	return OK;
}

static enum err_kind ring_set_up(
	struct packet_live *l, const char *interface, int index, struct err *e)
{
	struct tpacket_req3 request = {.tp_block_size = (unsigned)BLOCK_BYTES,
		.tp_block_nr = (unsigned)BLOCKS,
		.tp_frame_size = FRAME_BYTES,
		.tp_frame_nr = (unsigned)(BLOCK_BYTES / FRAME_BYTES * BLOCKS),
		.tp_retire_blk_tov = BLOCK_WAIT_MS};
	struct packet_mreq member = {.mr_ifindex = index, .mr_type = PACKET_MR_PROMISC};
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = htobe16(ETH_P_ALL), .sll_ifindex = index};
	int version = TPACKET_V3;

	if (setsockopt(l->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) != 0 ||
		setsockopt(l->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) != 0)
		return failed(e, interface, "packet ring");
	l->ring->map = mmap(NULL, PACKET_RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, l->fd, 0);
	if (l->ring->map == MAP_FAILED) {
		l->ring->map = NULL;
		return failed(e, interface, "mapping the packet ring");
	}
	if (setsockopt(l->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &member, sizeof(member)) != 0)
		return failed(e, interface, "promiscuous mode");
	/* Until now the socket had no protocol: not one frame of another interface came in. */
	if (bind(l->fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return failed(e, interface, "binding");
	return OK;
}

static void ring_free(struct packet_live *l)
{
	if (l->ring != NULL && l->ring->map != NULL)
		munmap(l->ring->map, PACKET_RING_BYTES);
	free(l->ring);
	l->ring = NULL;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static enum err_kind ring_open(struct packet_live *l, const char *interface, struct err *e)
{
	enum err_kind kind;
	int index = 0;

	l->ring = calloc(1, sizeof(*l->ring));
	if (l->ring == NULL)
		return err_set(e, ERR_NOMEM, "interface \"%s\": out of memory", interface);
	l->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0) {
		kind = failed(e, interface, "packet socket");
		goto fail;
	}
	kind = interface_find(l->fd, interface, &index, &l->ring->interface_type, e);
	if (kind != OK)
		goto fail;
	l->link = link_of(l->ring->interface_type);
	if (l->link == UINT32_MAX) {
		kind = err_set(e, ERR_USAGE, "interface \"%s\": frames of kind %u are not read",
			interface, l->ring->interface_type);
		goto fail;
	}
	kind = ring_set_up(l, interface, index, e);
	if (kind != OK)
		goto fail;
	return OK;

fail:
	ring_free(l);
	return kind;
}

enum err_kind packet_live_open(const char *interface, struct packet_live **ret_live, struct err *e)
{
	struct packet_live *l = calloc(1, sizeof(*l));
	enum err_kind kind;

	if (l == NULL)
		return err_set(e, ERR_NOMEM, "interface \"%s\": out of memory", interface);
	l->fd = -1;
	snprintf(l->interface, sizeof(l->interface), "%s", interface);
	kind = ring_open(l, interface, e);
	/* Another way in helps where the kernel has no such ring, not where we may not. */
	if (kind != OK && kind != ERR_DENIED)
		kind = live_pcap_open(l, interface, e);
	if (kind != OK) {
		packet_live_free(l);
		return kind;
	}
	*ret_live = l;
	return OK;
}

void packet_live_free(struct packet_live *l)
{
	if (l == NULL)
		return;
	ring_free(l);
	live_pcap_close(l);
	free(l);
}

int packet_live_descriptor(const struct packet_live *l)
{
	return l->pcap != NULL ? live_pcap_descriptor(l) : l->fd;
}

/* The kernel's counter starts again with every look. */
static void ring_count(struct packet_live *l, struct packet_reader *r)
{
	struct tpacket_stats_v3 stats;
	socklen_t len = sizeof(stats);

	if (getsockopt(l->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
		r->counts.kernel_dropped += stats.tp_drops;
}

static struct tpacket_block_desc *block_at(const struct ring *g, unsigned block)
{
	return (struct tpacket_block_desc *)(void *)(g->map + (size_t)block * BLOCK_BYTES);
}

/* One frame of the block. On the loopback interface each comes twice, going out and in. */
static void ring_frame(struct packet_live *l, struct packet_reader *r)
{
	struct ring *g = l->ring;
	const struct tpacket3_hdr *h = (const struct tpacket3_hdr *)(void *)g->frame;
	const struct sockaddr_ll *from =
		(const struct sockaddr_ll *)(void *)(g->frame + TPACKET_ALIGN((int)sizeof(*h)));

	if (g->interface_type != ARPHRD_LOOPBACK || from->sll_pkttype != PACKET_OUTGOING)
		live_frame(l, r, g->frame + h->tp_mac, h->tp_snaplen, h->tp_len,
			(int64_t)h->tp_sec * US_PER_SECOND + h->tp_nsec / 1000);
	g->frame += h->tp_next_offset;
	g->frames--;
}

/* Frames that wait, at most `frames_max`. Records of a block are handed over before the kernel gets
 * it back. */
static bool ring_take(struct packet_live *l, struct packet_reader *r, uint32_t frames_max)
{
	struct ring *g = l->ring;
	uint32_t taken = 0;

	while (taken < frames_max && !r->out->stopped) {
		struct tpacket_block_desc *b = block_at(g, g->block);

		if (g->frames == 0) {
			if ((__atomic_load_n(&b->hdr.bh1.block_status, __ATOMIC_ACQUIRE) &
				    TP_STATUS_USER) == 0)
				break;
			g->frames = b->hdr.bh1.num_pkts;
			g->frame = (uint8_t *)b + b->hdr.bh1.offset_to_first_pkt;
		}
		for (; g->frames > 0 && taken < frames_max; taken++)
			ring_frame(l, r);
		(void)packet_flush(r);
		if (g->frames == 0) {
			__atomic_store_n(
				&b->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
			g->block = (g->block + 1) % (unsigned)BLOCKS;
		}
	}
	return !r->out->stopped;
}

bool packet_live_take(
	struct packet_live *l, struct packet_reader *r, uint32_t frames_max, struct err *e)
{
	struct pollfd wait = {.fd = l->fd, .events = POLLIN};
	bool on;

	if (l->pcap != NULL)
		return live_pcap_take(l, r, frames_max, e);
	on = ring_take(l, r, frames_max);
	ring_count(l, r);
	if (!on) {
		err_set(e, ERR_IO, "interface \"%s\": reading was stopped", l->interface);
		return false;
	}
	/* Down or gone is told as an error of the socket. */
	if (poll(&wait, 1, 0) > 0 && (wait.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
		int number = 0;
		socklen_t len = sizeof(number);

		(void)getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &number, &len);
		if (number != 0) {
			err_set(e, ERR_IO, "interface \"%s\": %s", l->interface, strerror(number));
			return false;
		}
	}
	return true;
}

void live_frame(struct packet_live *l, struct packet_reader *r, const uint8_t *bytes,
	uint32_t captured, uint32_t wire_len, int64_t time_us)
{
	struct packet base = {.frame = bytes,
		.captured = captured < PACKET_FRAME_MAX ? captured : (uint32_t)PACKET_FRAME_MAX,
		.wire_len = wire_len,
		.number = ++r->capture.number,
		.time_us = time_us};

	reader_push(r, l->link, &base);
}
