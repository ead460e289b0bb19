/* SPDX-License-Identifier: MPL-2.0 */
/* Frames, capture files and a sink for tests; see packet_testing.h. */
#include "packet_testing.h"

/* ---- frames ---------------------------------------------------------------------------------- */

void frame_begin(struct frame *f, struct slice payload)
{
	assert_true(payload.len <= FRAME_ROOM);
	f->at = FRAME_ROOM - payload.len;
	if (payload.len > 0)
		memcpy(f->room + f->at, payload.data, payload.len);
}

uint8_t *frame_header(struct frame *f, size_t len)
{
	assert_true(f->at >= len);
	f->at -= len;
	memset(f->room + f->at, 0, len);
	return f->room + f->at;
}

static bool is_v6(const struct ends *e)
{
	return strchr(e->source, ':') != NULL;
}

uint16_t frame_ip_type(const struct ends *e)
{
	return is_v6(e) ? 0x86dd : 0x0800;
}

void frame_add_ethernet(struct frame *f, uint16_t type)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	uint8_t *h = frame_header(f, 14);

	memcpy(h, macs, sizeof(macs));
	put_u16(h + 12, type);
}

void frame_add_vlan(struct frame *f, uint16_t type)
{
	uint8_t *h = frame_header(f, 4);

	put_u16(h, 7);
	put_u16(h + 2, type);
}

static void put_address(uint8_t *to, const char *text, size_t len)
{
	uint8_t bytes[16];

	assert_int_equal(event_address_parse(slice_of(text), bytes), len);
	memcpy(to, bytes, len);
}

static void add_ipv4(
	struct frame *f, const struct ends *e, uint8_t transport, uint32_t id, uint16_t fragment)
{
	uint8_t *h = frame_header(f, 20);

	h[0] = 0x45;
	put_u16(h + 2, (uint16_t)frame_slice(f).len);
	put_u16(h + 4, (uint16_t)id);
	put_u16(h + 6, fragment);
	h[8] = 64;
	h[9] = transport;
	put_address(h + 12, e->source, 4);
	put_address(h + 16, e->destination, 4);
}

static void add_ipv6(struct frame *f, const struct ends *e, uint8_t next)
{
	uint16_t len = (uint16_t)frame_slice(f).len;
	uint8_t *h = frame_header(f, 40);

	h[0] = 0x60;
	put_u16(h + 4, len);
	h[6] = next;
	h[7] = 64;
	put_address(h + 8, e->source, 16);
	put_address(h + 24, e->destination, 16);
}

void frame_add_ip(struct frame *f, const struct ends *e, uint8_t transport)
{
	if (is_v6(e))
		add_ipv6(f, e, transport);
	else
		add_ipv4(f, e, transport, 1, 0);
}

void frame_add_fragment(struct frame *f, const struct ends *e, uint8_t transport, uint32_t id,
	uint32_t offset, bool more)
{
	uint8_t *h;

	if (!is_v6(e)) {
		add_ipv4(f, e, transport, id, (uint16_t)(offset / 8 | (more ? 0x2000U : 0)));
		return;
	}
	h = frame_header(f, 8);
	h[0] = transport;
	put_u16(h + 2, (uint16_t)(offset | more));
	put_u32(h + 4, id);
	add_ipv6(f, e, 44);
}

void frame_add_udp(struct frame *f, const struct ends *e)
{
	uint8_t *h = frame_header(f, 8);

	put_u16(h, e->source_port);
	put_u16(h + 2, e->destination_port);
	put_u16(h + 4, (uint16_t)frame_slice(f).len);
}

void frame_add_tcp(struct frame *f, const struct ends *e, uint8_t flags, uint32_t sequence,
	uint32_t acknowledged)
{
	uint8_t *h = frame_header(f, 20);

	put_u16(h, e->source_port);
	put_u16(h + 2, e->destination_port);
	put_u32(h + 4, sequence);
	put_u32(h + 8, acknowledged);
	h[12] = 0x50;
	h[13] = flags;
}

void frame_udp(struct frame *f, const struct ends *e, struct slice payload)
{
	frame_begin(f, payload);
	frame_add_udp(f, e);
	frame_add_ip(f, e, TRANSPORT_UDP);
	frame_add_ethernet(f, frame_ip_type(e));
}

void frame_tcp(struct frame *f, const struct ends *e, uint8_t flags, uint32_t sequence,
	uint32_t acknowledged, struct slice payload)
{
	frame_begin(f, payload);
	frame_add_tcp(f, e, flags, sequence, acknowledged);
	frame_add_ip(f, e, TRANSPORT_TCP);
	frame_add_ethernet(f, frame_ip_type(e));
}

/* ---- capture files --------------------------------------------------------------------------- */

static void pad(struct capture_builder *b)
{
	static const char zeros[EVENT_PADDING];

	buf_append(&b->out, zeros, sizeof(zeros));
}

void builder_begin(struct capture_builder *b)
{
	buf_fini(&b->out);
	b->out = BUF_INIT;
	pad(b);
}

struct slice builder_file(struct capture_builder *b)
{
	size_t len = b->out.len;

	pad(b);
	assert_false(b->out.bad);
	b->out.len = len;
	return (struct slice){b->out.data + EVENT_PADDING, len - EVENT_PADDING};
}

void builder_fini(struct capture_builder *b)
{
	buf_fini(&b->out);
}

void builder_u16(struct capture_builder *b, uint16_t value)
{
	if (b->swapped)
		value = __builtin_bswap16(value);
	buf_append(&b->out, &value, sizeof(value));
}

void builder_u32(struct capture_builder *b, uint32_t value)
{
	if (b->swapped)
		value = __builtin_bswap32(value);
	buf_append(&b->out, &value, sizeof(value));
}

void builder_pcap(struct capture_builder *b, uint32_t link)
{
	builder_u32(b, b->patched ? 0xa1b2cd34 : b->nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4);
	builder_u16(b, 2);
	builder_u16(b, 4);
	builder_u32(b, 0);
	builder_u32(b, 0);
	builder_u32(b, 65535);
	builder_u32(b, link);
}

void builder_pcap_frame(
	struct capture_builder *b, int64_t time_us, struct slice frame, uint32_t wire_len)
{
	builder_u32(b, (uint32_t)(time_us / US_PER_SECOND));
	builder_u32(b, (uint32_t)(time_us % US_PER_SECOND) * (b->nanoseconds ? 1000 : 1));
	builder_u32(b, (uint32_t)frame.len);
	builder_u32(b, wire_len);
	if (b->patched) {
		builder_u32(b, 0);
		builder_u32(b, 0);
	}
	buf_slice_append(&b->out, frame);
}

void builder_block(struct capture_builder *b, uint32_t type, struct slice body)
{
	uint32_t padded = (uint32_t)(body.len + 3) & ~3U;

	builder_u32(b, type);
	builder_u32(b, 12 + padded);
	buf_slice_append(&b->out, body);
	for (uint32_t i = (uint32_t)body.len; i < padded; i++)
		buf_char(&b->out, 0);
	builder_u32(b, 12 + padded);
}

/* A block whose body is what `fill` appends: the length is only known then. */
static size_t block_begin(struct capture_builder *b, uint32_t type)
{
	builder_u32(b, type);
	builder_u32(b, 0);
	return b->out.len;
}

static void block_end(struct capture_builder *b, size_t body)
{
	uint32_t total;

	while ((b->out.len - body) % 4 != 0)
		buf_char(&b->out, 0);
	total = (uint32_t)(b->out.len - body) + 12;
	builder_u32(b, total);
	memcpy(b->out.data + body - 4, b->out.data + b->out.len - 4, 4);
}

void builder_section(struct capture_builder *b)
{
	size_t body = block_begin(b, 0x0a0d0d0a);

	builder_u32(b, 0x1a2b3c4d);
	builder_u16(b, 1);
	builder_u16(b, 0);
	builder_u32(b, UINT32_MAX);
	builder_u32(b, UINT32_MAX);
	block_end(b, body);
}

void builder_interface(
	struct capture_builder *b, uint16_t link, uint32_t snap, int resolution, int64_t offset_s)
{
	size_t body = block_begin(b, 1);
	uint64_t offset = (uint64_t)offset_s;

	builder_u16(b, link);
	builder_u16(b, 0);
	builder_u32(b, snap);
	builder_u16(b, 2); /* if_name, to be passed over */
	builder_u16(b, 5);
	buf_append(&b->out, "eth0\0\0\0\0", 8);
	if (resolution >= 0) {
		builder_u16(b, 9);
		builder_u16(b, 1);
		buf_char(&b->out, (char)resolution);
		buf_append(&b->out, "\0\0\0", 3);
	}
	if (offset_s != 0) {
		builder_u16(b, 14);
		builder_u16(b, 8);
		if (b->swapped)
			offset = __builtin_bswap64(offset);
		buf_append(&b->out, &offset, sizeof(offset));
	}
	builder_u16(b, 0);
	builder_u16(b, 0);
	block_end(b, body);
}

void builder_enhanced(struct capture_builder *b, uint32_t interface, uint64_t units,
	struct slice frame, uint32_t wire_len)
{
	size_t body = block_begin(b, 6);

	builder_u32(b, interface);
	builder_u32(b, (uint32_t)(units >> 32));
	builder_u32(b, (uint32_t)units);
	builder_u32(b, (uint32_t)frame.len);
	builder_u32(b, wire_len);
	buf_slice_append(&b->out, frame);
	block_end(b, body);
}

void builder_obsolete(struct capture_builder *b, uint16_t interface, uint64_t units,
	struct slice frame, uint32_t wire_len)
{
	size_t body = block_begin(b, 2);

	builder_u16(b, interface);
	builder_u16(b, 3);
	builder_u32(b, (uint32_t)(units >> 32));
	builder_u32(b, (uint32_t)units);
	builder_u32(b, (uint32_t)frame.len);
	builder_u32(b, wire_len);
	buf_slice_append(&b->out, frame);
	block_end(b, body);
}

void builder_simple(struct capture_builder *b, struct slice frame, uint32_t wire_len)
{
	size_t body = block_begin(b, 3);

	builder_u32(b, wire_len);
	buf_slice_append(&b->out, frame);
	block_end(b, body);
}

/* ---- what comes out -------------------------------------------------------------------------- */

static void tell_value(struct buf *out, const struct column *c, const struct field *f)
{
	char text[ADDRESS_TEXT_MAX];

	buf_printf(out, " %.*s=", SLICE_ARG(c->name));
	if (!c->binary)
		buf_append(out, f->data, f->len);
	else if (c->kind == FIELD_ADDRESS)
		buf_append(out, text, event_address_format(f->data, f->len, text));
	else
		hex_append(out, f->data, f->len);
}

static void tell_detail(struct told *t, const struct batch *b, size_t record)
{
	struct arena *a = arena_new(MIB(1));
	struct event e;

	assert_non_null(a);
	assert_true(b->detail(b, record, a, &e));
	assert_true(e.frame);
	assert_int_equal(e.number, b->records[record].number);
	buf_text(&t->text, " |");
	for (size_t i = 0; i < e.count; i++)
		buf_printf(&t->text, " %.*s=%.*s", SLICE_ARG(e.fields[i].name),
			SLICE_ARG(e.fields[i].value));
	arena_free(a);
}

static bool told_flush(void *context, struct batch *b)
{
	struct told *t = context;
	size_t field = 0;

	assert_true(b->frames);
	assert_true(b->records_count > 0 && b->records_count <= BATCH_RECORDS);
	assert_true(b->fields_count <= BATCH_FIELDS);
	for (size_t i = 0; i < b->records_count; i++) {
		const struct record *r = &b->records[i];

		if (r->time_us == TIME_UNKNOWN)
			buf_printf(&t->text, "%llu ?", (unsigned long long)r->number);
		else
			buf_printf(&t->text, "%llu %lld", (unsigned long long)r->number,
				(long long)r->time_us);
		for (; field < b->fields_count && b->fields[field].record == i; field++) {
			const struct column *c = &b->columns[b->fields[field].column];

			assert_true(b->fields[field].column < b->columns_count);
			tell_value(&t->text, c, &b->fields[field]);
		}
		if (t->detail)
			tell_detail(t, b, i);
		buf_char(&t->text, '\n');
		t->records++;
	}
	assert_int_equal(field, b->fields_count);
	b->records_count = b->fields_count = 0;
	return ++t->batches != t->stop_after;
}

struct batch_sink told_sink(struct told *t)
{
	return (struct batch_sink){told_flush, t};
}

void told_fini(struct told *t)
{
	buf_fini(&t->text);
	*t = (struct told){0};
}

size_t told_count(const struct told *t, const char *what)
{
	struct slice rest = buf_slice(&t->text);
	size_t count = 0, len = strlen(what);

	for (;;) {
		size_t at = slice_find_text(rest, slice_of(what));

		if (at == rest.len)
			return count;
		count++;
		rest = slice_cut(rest, at + len, rest.len);
	}
}

struct packet_reader *reader_for(uint64_t roles, bool plant, struct told *t)
{
	static struct world_fake world;
	struct packet_options options = {.roles = roles, .plant = plant, .world = &world.world};
	struct packet_reader *r = NULL;
	struct err e;

	world_fake_init(&world, 7, 0);
	if (packet_reader_new(&options, told_sink(t), &r, &e) != OK)
		fail_msg("%s", e.text);
	return r;
}

enum err_kind reader_read(struct packet_reader *r, struct slice file, size_t piece, struct err *e)
{
	size_t at = 0, end = 0, taken;
	enum err_kind kind;

	do {
		end = piece == 0 || file.len - end < piece ? file.len : end + piece;
		kind = packet_feed(r, slice_cut(file, at, end), end == file.len, &taken, e);
		assert_true(taken <= end - at);
		at += taken;
	} while (kind == OK && end < file.len);
	return kind;
}
