/* SPDX-License-Identifier: MPL-2.0 */
/* The two ways to a live interface: the kernel's packet ring (live.c), else libpcap (live_pcap.c).
 */
#ifndef LIVE_H
#define LIVE_H

#include "inside.h"

struct ring;
struct pcap;

struct packet_live {
	char interface[64];
	int fd;        /* of the ring; -1 with libpcap */
	unsigned link; /* LINKTYPE_ number */
	struct ring *ring;
	struct pcap *pcap;
	uint32_t pcap_dropped; /* as last told */
};

/* Queue a frame; its bytes stay readable until packet_flush. */
void live_frame(struct packet_live *l, struct packet_reader *r, const uint8_t *bytes,
	uint32_t captured, uint32_t wire_len, int64_t time_us);

enum err_kind live_pcap_open(struct packet_live *l, const char *interface, struct err *e) MUST_USE;
void live_pcap_close(struct packet_live *l);
int live_pcap_descriptor(const struct packet_live *l);
bool live_pcap_take(
	struct packet_live *l, struct packet_reader *r, uint32_t frames_max, struct err *e);

#endif
