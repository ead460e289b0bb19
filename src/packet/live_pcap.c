/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A live interface through libpcap, where the kernel's packet ring of live.c is not to be had:
 * other kinds of links, older kernels. Only ever receives.
 */
#include <pcap/pcap.h>

#include "live.h"

#define WAIT_MS 50

enum err_kind live_pcap_open(struct packet_live *l, const char *interface, struct err *e)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	int status;

	l->pcap = pcap_create(interface, why);
	if (l->pcap == NULL)
		return err_set(e, ERR_IO, "interface \"%s\": %s", interface, why);
	(void)pcap_set_snaplen(l->pcap, (int)PACKET_FRAME_MAX);
	(void)pcap_set_promisc(l->pcap, 1);
	(void)pcap_set_timeout(l->pcap, WAIT_MS);
	(void)pcap_set_buffer_size(l->pcap, (int)PACKET_RING_BYTES);
	status = pcap_activate(l->pcap);
	if (status < 0) {
		enum err_kind kind =
			status == PCAP_ERROR_PERM_DENIED || status == PCAP_ERROR_PROMISC_PERM_DENIED
				? ERR_DENIED
				: ERR_IO;

		err_set(e, kind, "interface \"%s\": %s%s", interface, pcap_statustostr(status),
			kind == ERR_DENIED ? "; capturing needs the capability CAP_NET_RAW" : "");
		live_pcap_close(l);
		return kind;
	}
	if (pcap_setnonblock(l->pcap, 1, why) != 0) {
		live_pcap_close(l);
		return err_set(e, ERR_IO, "interface \"%s\": %s", interface, why);
	}
	/* LINKTYPE_ and DLT_ numbers are the same for every link that frame.c reads. */
	l->link = (unsigned)pcap_datalink(l->pcap);
	return OK;
}

void live_pcap_close(struct packet_live *l)
{
	if (l->pcap != NULL)
		pcap_close(l->pcap);
	l->pcap = NULL;
}

int live_pcap_descriptor(const struct packet_live *l)
{
	return pcap_get_selectable_fd(l->pcap);
}

struct taking {
	struct packet_live *live;
	struct packet_reader *reader;
};

/* libpcap takes its bytes back after each frame. */
static void taken(u_char *context, const struct pcap_pkthdr *h, const u_char *bytes)
{
	struct taking *t = (struct taking *)(void *)context;

	live_frame(t->live, t->reader, bytes, h->caplen, h->len,
		(int64_t)h->ts.tv_sec * US_PER_SECOND + h->ts.tv_usec);
	if (!packet_flush(t->reader))
		pcap_breakloop(t->live->pcap);
}

bool live_pcap_take(
	struct packet_live *l, struct packet_reader *r, uint32_t frames_max, struct err *e)
{
	struct taking t = {l, r};
	struct pcap_stat stats;
	int status = pcap_dispatch(l->pcap, (int)(frames_max < INT32_MAX ? frames_max : INT32_MAX),
		taken, (u_char *)&t);

	if (pcap_stats(l->pcap, &stats) == 0) {
		r->counts.kernel_dropped += (uint32_t)(stats.ps_drop - l->pcap_dropped);
		l->pcap_dropped = stats.ps_drop;
	}
	if (r->out->stopped) {
		err_set(e, ERR_IO, "interface \"%s\": reading was stopped", l->interface);
		return false;
	}
	if (status < 0 && status != PCAP_ERROR_BREAK) {
		err_set(e, ERR_IO, "interface \"%s\": %s", l->interface, pcap_geterr(l->pcap));
		return false;
	}
	return true;
}
