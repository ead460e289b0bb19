/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Between the two halves of this folder: the frame side (capture.c, frame.c, fragment.c, flow.c,
 * live.c) calls the content side (app*.c: DNS, HTTP/1, TLS, certificates) with ordered bytes, and
 * takes records and fields back.
 */
#ifndef APP_H
#define APP_H

#include "packet.h"

/* ---- what the frame side offers (out.c) ------------------------------------------------------ */

struct packet_out;

/* A record at the frame at hand, with the connection's addresses and ports as its first fields. */
void packet_out_record(struct packet_out *o);
/* A field of the record that was begun. The bytes are copied into the batch's own memory, so they
 * may be temporary; roles that nobody wants cost nothing. binary: digests and addresses. */
void packet_out_field(struct packet_out *o, enum event_role role, struct slice value, bool binary);
bool packet_out_wants(const struct packet_out *o, enum event_role role);

/* ---- what the content side offers (app.c) ---------------------------------------------------- */

enum app_protocol { APP_NONE, APP_UNDECIDED, APP_DNS, APP_HTTP, APP_TLS, APP_SMTP };

/* From the first bytes of either direction (ports only where bytes leave a doubt, as with DNS over
 * TCP); UNDECIDED: wants more, at most APP_GUESS_MAX of them. */
#define APP_GUESS_MAX 64
enum app_protocol app_guess(uint16_t source_port, uint16_t destination_port,
	struct slice from_opener, struct slice from_other);

/* One connection's content; made when the protocol is known, then fed from its first byte. */
struct app_stream;
struct app_stream *app_stream_new(enum app_protocol protocol) MUST_USE;
void app_stream_free(struct app_stream *s);
/* direction 0: from the opener. False: nothing more of interest will come (the rest of a TLS
 * connection after its handshake): the frame side stops reassembling it. */
bool app_stream_feed(
	struct app_stream *s, unsigned direction, struct slice bytes, struct packet_out *out);
void app_stream_gap(struct app_stream *s, unsigned direction, uint64_t bytes);
/* The direction ended (FIN, reset, end of capture): a body without a length is complete. */
void app_stream_end(struct app_stream *s, unsigned direction, struct packet_out *out);
size_t app_stream_bytes(const struct app_stream *s); /* memory held */

/* One DNS message of a datagram; mDNS and LLMNR too. False: malformed. */
bool app_dns(struct slice message, struct packet_out *out);

#endif
