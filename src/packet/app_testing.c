/* SPDX-License-Identifier: MPL-2.0 */
/* A stand-in for out.c that keeps everything readable. */
#include "app_testing.h"

void packet_out_record(struct packet_out *o)
{
	o->records++;
	if (!o->silent)
		buf_text(&o->text, "record\n");
}

bool packet_out_wants(const struct packet_out *o, enum event_role role)
{
	return (o->unwanted & event_role_bit(role)) == 0;
}

void packet_out_field(struct packet_out *o, enum event_role role, struct slice value, bool binary)
{
	volatile uint8_t seen = 0;

	/* Every byte is touched, so that the sanitizer sees a wrong one. */
	for (size_t i = 0; i < value.len && o->silent && i < KIB(64); i += 61)
		seen = (uint8_t)value.data[i];
	(void)seen;
	o->fields++;
	if (o->silent || value.len == 0 || !packet_out_wants(o, role))
		return;
	buf_text(&o->text, event_role_row(role)->name);
	buf_text(&o->text, binary ? "=#" : "=");
	if (binary)
		hex_append(&o->text, value.data, value.len);
	else
		buf_slice_append(&o->text, value);
	buf_char(&o->text, '\n');
}

bool app_testing_run(enum app_protocol protocol, struct slice opener, struct slice other,
	size_t piece, struct packet_out *out)
{
	struct app_stream *s = app_stream_new(protocol);
	bool more = s != NULL;

	for (unsigned d = 0; d < 2; d++) {
		struct slice rest = d == 0 ? opener : other;

		while (rest.len > 0 && more) {
			size_t n = piece == 0 || piece > rest.len ? rest.len : piece;

			more = app_stream_feed(s, d, slice_cut(rest, 0, n), out);
			rest = slice_cut(rest, n, rest.len);
		}
	}
	for (unsigned d = 0; d < 2 && s != NULL; d++)
		app_stream_end(s, d, out);
	app_stream_free(s);
	return more;
}
