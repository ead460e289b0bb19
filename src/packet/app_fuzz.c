/* SPDX-License-Identifier: MPL-2.0 */
/* First byte: the decoder. Second: where pieces end. A certificate and a datagram are there too. */
#include "app_parts.h"
#include "app_testing.h"
#include "planted.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What one connection may hold: two halves of the largest unit and the fixed part. */
#define HELD_MAX (2 * (TLS_HANDSHAKE_MAX + KIB(64)))

static void stream(enum app_protocol protocol, size_t split, struct slice s, struct packet_out *out)
{
	struct app_stream *a = app_stream_new(protocol);
	unsigned direction = 0;

	if (a == NULL)
		return;
	while (s.len > 0) {
		size_t n = split % 61 + 1 < s.len ? split % 61 + 1 : s.len;

		if (split % 7 == 3)
			app_stream_gap(a, direction, n);
		else if (!app_stream_feed(a, direction, slice_cut(s, 0, n), out))
			break;
		if (app_stream_bytes(a) > HELD_MAX)
			abort();
		s = slice_cut(s, n, s.len);
		split = split * 31 + 7;
		direction = split >> 5 & 1;
	}
	app_stream_end(a, 0, out);
	app_stream_end(a, 1, out);
	app_stream_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct packet_out out = {.silent = true};
	struct slice s = {(const char *)data, len};

	if (len < 2)
		return 0;
	s = slice_cut(s, 2, len);
	switch (data[0] % 7) {
	case 0:
		app_dns(s, &out);
		PLANTED(out.records == 1 && out.fields > 12);
		break;
	case 1:
		app_certificate(s, &out);
		break;
	case 2:
		(void)app_guess(53, data[1], slice_cut(s, 0, data[1]), slice_cut(s, data[1], len));
		break;
	default: /* 3 DNS, 4 HTTP, 5 TLS, 6 SMTP */
		if (data[1] == 0)
			(void)app_testing_run((enum app_protocol)(data[0] % 7 - 1), s, s, 0, &out);
		else
			stream((enum app_protocol)(data[0] % 7 - 1), data[1], s, &out);
	}
	return 0;
}
