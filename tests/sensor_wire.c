/* SPDX-License-Identifier: MPL-2.0 */
/* See sensor_wire.h. */
#include "sensor_wire.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define TEXT_MAX 2048

/* ---- values ---------------------------------------------------------------------------------- */

static void told_at(struct wire *w, unsigned frame, enum field_kind kind, const char *text)
{
	struct wire_value *v;

	if (w->values_count == w->values_capacity) {
		w->values_capacity = w->values_capacity == 0 ? 256 : 2 * w->values_capacity;
		w->values = realloc(w->values, w->values_capacity * sizeof(*w->values));
		assert_non_null(w->values);
	}
	v = &w->values[w->values_count++];
	v->kind = kind;
	v->frame = frame;
	snprintf(v->text, sizeof(v->text), "%s", text);
	if (w->n != NULL)
		naive_look(w->n, kind, text, frame, &w->expected);
}

static void hex_text(const uint8_t *bytes, size_t len, char *to)
{
	for (size_t i = 0; i < len; i++)
		snprintf(to + 2 * i, 3, "%02x", bytes[i]);
}

/* MD5, SHA-1 and SHA-256 of these bytes. */
static void told_digests(struct wire *w, unsigned frame, enum field_kind kind, struct slice bytes)
{
	uint8_t digest[SHA256_LEN];
	char text[2 * SHA256_LEN + 1];

	hash_md5(bytes, digest);
	hex_text(digest, MD5_LEN, text);
	told_at(w, frame, kind, text);
	hash_sha1(bytes, digest);
	hex_text(digest, SHA1_LEN, text);
	told_at(w, frame, kind, text);
	hash_sha256(bytes, digest);
	hex_text(digest, SHA256_LEN, text);
	told_at(w, frame, kind, text);
}

/* ---- frames ---------------------------------------------------------------------------------- */

struct talk {
	const char *source, *target, *mac;
	uint16_t source_port, target_port;
	uint32_t source_next, target_next; /* sequence numbers */
	bool six;
};

static void add_u16(struct buf *b, unsigned value)
{
	char bytes[2];

	put_u16(bytes, (uint16_t)value);
	buf_append(b, bytes, sizeof(bytes));
}

static void add_u32(struct buf *b, uint32_t value)
{
	char bytes[4];

	put_u32(bytes, value);
	buf_append(b, bytes, sizeof(bytes));
}

static void add_mac(struct buf *b, const char *mac)
{
	unsigned part[6];

	assert_int_equal(sscanf(mac, "%x:%x:%x:%x:%x:%x", &part[0], &part[1], &part[2], &part[3],
				 &part[4], &part[5]),
		6);
	for (unsigned i = 0; i < 6; i++)
		buf_char(b, (char)part[i]);
}

static void add_address(struct buf *b, const char *text, bool six)
{
	uint8_t bytes[16];

	assert_int_equal(inet_pton(six ? AF_INET6 : AF_INET, text, bytes), 1);
	buf_append(b, bytes, six ? 16 : 4);
}

#define OTHER_MAC "02:00:00:00:00:fe"

static unsigned frame_add(
	struct wire *w, const struct talk *t, bool back, unsigned protocol, struct slice payload)
{
	const char *from = back ? t->target : t->source, *to = back ? t->source : t->target;
	struct buf *b = &w->bytes;

	assert_true(w->frames_count < WIRE_FRAMES_MAX);
	w->frames[w->frames_count].at = b->len;
	add_mac(b, back ? t->mac : OTHER_MAC);
	add_mac(b, back ? OTHER_MAC : t->mac);
	add_u16(b, t->six ? 0x86dd : 0x0800);
	if (t->six) {
		add_u32(b, 0x60000000);
		add_u16(b, (unsigned)payload.len);
		buf_char(b, (char)protocol);
		buf_char(b, 64);
	} else {
		add_u16(b, 0x4500);
		add_u16(b, (unsigned)payload.len + 20);
		add_u32(b, (w->frames_count & 0xffff) << 16);
		buf_char(b, 64);
		buf_char(b, (char)protocol);
		add_u16(b, 0);
	}
	add_address(b, from, t->six);
	add_address(b, to, t->six);
	buf_slice_append(b, payload);
	w->frames[w->frames_count].len = b->len - w->frames[w->frames_count].at;
	return ++w->frames_count;
}

static unsigned udp(struct wire *w, const struct talk *t, bool back, struct slice payload)
{
	struct buf b = BUF_INIT;
	unsigned frame;

	add_u16(&b, back ? t->target_port : t->source_port);
	add_u16(&b, back ? t->source_port : t->target_port);
	add_u16(&b, (unsigned)payload.len + 8);
	add_u16(&b, 0);
	buf_slice_append(&b, payload);
	frame = frame_add(w, t, back, 17, buf_slice(&b));
	buf_fini(&b);
	return frame;
}

enum { FIN = 1, SYN = 2, PUSH = 8, ACK = 16 };

static unsigned tcp(struct wire *w, struct talk *t, bool back, unsigned flags, struct slice payload)
{
	uint32_t *next = back ? &t->target_next : &t->source_next;
	struct buf b = BUF_INIT;
	unsigned frame;

	add_u16(&b, back ? t->target_port : t->source_port);
	add_u16(&b, back ? t->source_port : t->target_port);
	add_u32(&b, *next);
	add_u32(&b, (flags & ACK) == 0 ? 0 : back ? t->source_next : t->target_next);
	add_u16(&b, 0x5000 | flags);
	add_u16(&b, 65535);
	add_u32(&b, 0);
	buf_slice_append(&b, payload);
	frame = frame_add(w, t, back, 6, buf_slice(&b));
	*next += (uint32_t)payload.len + ((flags & (SYN | FIN)) != 0);
	buf_fini(&b);
	return frame;
}

/* In segments, at times two; the frame of the last. *ret_head: of the first `head` bytes. */
static unsigned tcp_data(struct wire *w, struct talk *t, bool back, struct slice data, size_t head,
	unsigned *ret_head)
{
	size_t cut = data.len > 1 && chance_below(&w->chance, 3) == 0
			     ? 1 + chance_below(&w->chance, (uint32_t)data.len - 1)
			     : 0;
	unsigned last;

	if (cut > 0)
		(void)tcp(w, t, back, ACK, slice_cut(data, 0, cut));
	last = tcp(w, t, back, ACK | PUSH, slice_cut(data, cut, data.len));
	if (ret_head != NULL)
		*ret_head = head <= cut ? last - 1 : last;
	return last;
}

/* A conversation's first frame tells its addresses; every message tells them again. */
static void told_ends(struct wire *w, const struct talk *t, unsigned frame)
{
	told_at(w, frame, FIELD_ADDRESS, t->source);
	told_at(w, frame, FIELD_ADDRESS, t->target);
}

static void told_first(struct wire *w, const struct talk *t, unsigned frame)
{
	told_ends(w, t, frame);
	told_at(w, frame, FIELD_MAC, t->mac);
	told_at(w, frame, FIELD_MAC, OTHER_MAC);
}

static struct talk talk_of(struct wire *w, const struct made *m, uint16_t port, char room[2][64])
{
	struct talk t = {.mac = m->at[SLOT_MAC],
		.source_port = (uint16_t)(20000 + w->number),
		.target_port = port,
		.source_next = 1000 * w->number,
		.target_next = 7777 * w->number};
	const char *source = m->at[SLOT_SOURCE], *target = m->at[SLOT_TARGET];
	bool source_six, target_six;

	if (strncmp(source, "::ffff:", 7) == 0)
		source += 7;
	if (strncmp(target, "::ffff:", 7) == 0)
		target += 7;
	source_six = strchr(source, ':') != NULL;
	target_six = strchr(target, ':') != NULL;
	t.six = target_six;
	/* Both of one family, and no two conversations between the same ends. */
	if (source_six == target_six)
		snprintf(room[0], 64, "%.63s", source);
	else if (target_six)
		snprintf(room[0], 64, "2001:db8:5::%x", w->number + 1);
	else
		snprintf(room[0], 64, "10.9.%u.%u", w->number / 250, w->number % 250 + 1);
	snprintf(room[1], 64, "%.63s", target);
	t.source = room[0];
	t.target = room[1];
	w->number++;
	return t;
}

static void tcp_begin(struct wire *w, struct talk *t)
{
	told_first(w, t, tcp(w, t, false, SYN, (struct slice){0}));
	(void)tcp(w, t, true, SYN | ACK, (struct slice){0});
	(void)tcp(w, t, false, ACK, (struct slice){0});
}

static void tcp_end(struct wire *w, struct talk *t)
{
	(void)tcp(w, t, false, FIN | ACK, (struct slice){0});
	(void)tcp(w, t, true, FIN | ACK, (struct slice){0});
	(void)tcp(w, t, false, ACK, (struct slice){0});
}

/* ---- names ----------------------------------------------------------------------------------- */

static void add_name(struct buf *b, const char *name)
{
	while (*name != 0) {
		size_t len = strcspn(name, ".");

		buf_char(b, (char)len);
		buf_append(b, name, len);
		name += len + (name[len] == '.');
	}
	buf_char(b, 0);
}

static void name_asked(struct wire *w, const struct made *m)
{
	char room[2][64];
	struct talk t = talk_of(w, m, 53, room);
	struct buf question = BUF_INIT, answer = BUF_INIT;
	bool six;
	const char *address = m->at[SLOT_SOURCE];
	unsigned frame;

	if (strncmp(address, "::ffff:", 7) == 0)
		address += 7;
	six = strchr(address, ':') != NULL;
	add_u16(&question, w->number);
	add_u16(&question, 0x0100);
	add_u32(&question, 0x00010000);
	add_u32(&question, 0);
	add_name(&question, m->at[SLOT_QUERY]);
	add_u16(&question, six ? 28 : 1);
	add_u16(&question, 1);
	frame = udp(w, &t, false, buf_slice(&question));
	told_first(w, &t, frame);
	told_at(w, frame, FIELD_NAME, m->at[SLOT_QUERY]);
	buf_slice_append(&answer, buf_slice(&question));
	put_u16(answer.data + 2, 0x8180);
	put_u16(answer.data + 6, 1);
	add_u16(&answer, 0xc00c);
	add_u16(&answer, six ? 28 : 1);
	add_u16(&answer, 1);
	add_u32(&answer, 60);
	add_u16(&answer, six ? 16 : 4);
	add_address(&answer, address, six);
	frame = udp(w, &t, true, buf_slice(&answer));
	told_ends(w, &t, frame);
	told_at(w, frame, FIELD_NAME, m->at[SLOT_QUERY]);
	told_at(w, frame, FIELD_ADDRESS, address);
	buf_fini(&question);
	buf_fini(&answer);
	w->names++;
}

/* ---- the web --------------------------------------------------------------------------------- */

static void web_asked(struct wire *w, const struct made *m)
{
	char room[2][64], text[TEXT_MAX], body[TEXT_MAX];
	struct talk t = talk_of(w, m, 80, room);
	unsigned frame, head;
	int len, body_len;

	tcp_begin(w, &t);
	len = snprintf(text, sizeof(text),
		"GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nReferer: %s\r\n"
		"Accept: */*\r\n\r\n",
		m->at[SLOT_PATH], m->at[SLOT_HOST], m->at[SLOT_AGENT], m->at[SLOT_REFERRER]);
	frame = tcp_data(w, &t, false, (struct slice){text, (size_t)len}, 0, NULL);
	told_ends(w, &t, frame);
	told_at(w, frame, FIELD_HOST, m->at[SLOT_HOST]);
	told_at(w, frame, FIELD_URL, m->at[SLOT_JOINED]);
	told_at(w, frame, FIELD_TEXT, m->at[SLOT_AGENT]);
	told_at(w, frame, FIELD_URL, m->at[SLOT_REFERRER]);
	body_len =
		snprintf(body, sizeof(body), "<html>%s %u</html>\n", m->at[SLOT_SHA512], w->number);
	if (chance_below(&w->chance, 2) == 0)
		len = snprintf(text, sizeof(text),
			"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: "
			"%d\r\n\r\n%s",
			body_len, body);
	else /* the same in two chunks */
		len = snprintf(text, sizeof(text),
			"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
			"Transfer-Encoding: chunked\r\n\r\n5\r\n%.5s\r\n%x\r\n%s\r\n0\r\n\r\n",
			body, (unsigned)body_len - 5, body + 5);
	frame = tcp_data(w, &t, true, (struct slice){text, (size_t)len},
		(size_t)(strstr(text, "\r\n\r\n") + 4 - text), &head);
	told_ends(w, &t, head);
	told_ends(w, &t, frame);
	told_digests(w, frame, FIELD_HASH, (struct slice){body, (size_t)body_len});
	tcp_end(w, &t);
	w->webs++;
}

/* ---- TLS ------------------------------------------------------------------------------------- */

#define LIST_MOST 24

struct list {
	unsigned at[LIST_MOST], count;
};

static bool is_grease(unsigned v) /* RFC 8701 */
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

static void list_add(struct list *l, unsigned v)
{
	assert_true(l->count < LIST_MOST);
	l->at[l->count++] = v;
}

/* Some of them, in an order by chance. */
static void list_some(struct wire *w, struct list *l, const unsigned *from, unsigned count)
{
	unsigned start = chance_below(&w->chance, count);

	for (unsigned i = 0; i < count; i++) {
		if (chance_below(&w->chance, 4) != 0)
			list_add(l, from[(start + i) % count]);
	}
}

static void list_write(const struct list *l, struct buf *out, unsigned bytes_before)
{
	if (bytes_before == 1)
		buf_char(out, (char)(2 * l->count));
	else
		add_u16(out, 2 * l->count);
	for (unsigned i = 0; i < l->count; i++)
		add_u16(out, l->at[i]);
}

static void extension(struct buf *out, struct list *types, unsigned type, struct slice value)
{
	list_add(types, type);
	add_u16(out, type);
	add_u16(out, (unsigned)value.len);
	buf_slice_append(out, value);
}

struct hello {
	struct list ciphers, extensions, groups, signatures, versions;
	const char *alpn;
	bool named;
};

static void decimals(const struct list *l, struct buf *out)
{
	bool first = true;

	for (unsigned i = 0; i < l->count; i++) {
		if (is_grease(l->at[i]))
			continue;
		buf_printf(out, "%s%u", first ? "" : "-", l->at[i]);
		first = false;
	}
}

/* github.com/salesforce/ja3: version, ciphers, extensions, groups, point formats. */
static void ja3_of(const struct hello *h, char ret_text[33])
{
	struct buf b = BUF_INIT;
	uint8_t digest[MD5_LEN];

	buf_text(&b, "771,");
	decimals(&h->ciphers, &b);
	buf_char(&b, ',');
	decimals(&h->extensions, &b);
	buf_char(&b, ',');
	decimals(&h->groups, &b);
	buf_text(&b, ",0");
	hash_md5(buf_slice(&b), digest);
	hex_text(digest, MD5_LEN, ret_text);
	buf_fini(&b);
}

static int number_compare(const void *a, const void *b)
{
	return *(const unsigned *)a < *(const unsigned *)b ? -1 : 1;
}

/* Without GREASE, sorted when `sorted`, without the two that JA4 leaves out when `fewer`. */
static unsigned ja4_list(const struct list *l, bool sorted, bool fewer, struct buf *out)
{
	struct list kept = {.count = 0};
	unsigned count = 0;

	for (unsigned i = 0; i < l->count; i++) {
		if (is_grease(l->at[i]))
			continue;
		count++;
		if (!fewer || (l->at[i] != 0 && l->at[i] != 16))
			list_add(&kept, l->at[i]);
	}
	if (sorted)
		qsort(kept.at, kept.count, sizeof(kept.at[0]), number_compare);
	for (unsigned i = 0; i < kept.count; i++)
		buf_printf(out, "%s%04x", i > 0 ? "," : "", kept.at[i]);
	return count;
}

static void ja4_part(struct buf *b, char ret_text[13])
{
	uint8_t digest[SHA256_LEN];

	hash_sha256(buf_slice(b), digest);
	hex_text(digest, 6, ret_text);
	buf_clear(b);
}

/* github.com/FoxIO-LLC/ja4, technical_details/JA4.md */
static void ja4_of(const struct hello *h, char ret_text[64])
{
	char ciphers[13], extensions[13];
	unsigned ciphers_count, extensions_count, highest = 0x0303;
	struct buf b = BUF_INIT;

	ciphers_count = ja4_list(&h->ciphers, true, false, &b);
	ja4_part(&b, ciphers);
	extensions_count = ja4_list(&h->extensions, true, true, &b);
	if (h->signatures.count > 0) {
		buf_char(&b, '_');
		(void)ja4_list(&h->signatures, false, false, &b);
	}
	ja4_part(&b, extensions);
	for (unsigned i = 0; i < h->versions.count; i++)
		if (!is_grease(h->versions.at[i]) && h->versions.at[i] > highest)
			highest = h->versions.at[i];
	snprintf(ret_text, 64, "t%s%c%02u%02u%c%c_%s_%s", highest == 0x0304 ? "13" : "12",
		h->named ? 'd' : 'i', ciphers_count, extensions_count,
		h->alpn == NULL ? '0' : h->alpn[0],
		h->alpn == NULL ? '0' : h->alpn[strlen(h->alpn) - 1], ciphers, extensions);
	buf_fini(&b);
}

static void handshake(struct buf *out, unsigned type, struct slice body)
{
	buf_char(out, (char)type);
	buf_char(out, (char)(body.len >> 16));
	add_u16(out, (unsigned)body.len & 0xffff);
	buf_slice_append(out, body);
}

static void record(struct buf *out, struct slice messages)
{
	buf_append(out, "\x16\x03\x03", 3);
	add_u16(out, (unsigned)messages.len);
	buf_slice_append(out, messages);
}

static void hello_extensions(struct wire *w, struct hello *h, const char *name, struct buf *out)
{
	static const unsigned groups[] = {29, 23, 24, 25, 256},
			      signatures[] = {0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0601};
	struct buf value = BUF_INIT;

	if (chance_below(&w->chance, 3) == 0)
		extension(out, &h->extensions, 0x2a2a, (struct slice){0});
	h->named = chance_below(&w->chance, 6) != 0;
	if (h->named) {
		add_u16(&value, (unsigned)strlen(name) + 3);
		buf_char(&value, 0);
		add_u16(&value, (unsigned)strlen(name));
		buf_text(&value, name);
		extension(out, &h->extensions, 0, buf_slice(&value));
	}
	if (chance_below(&w->chance, 2) == 0)
		list_add(&h->groups, 0x3a3a);
	list_some(w, &h->groups, groups, COUNT_OF(groups));
	list_add(&h->groups, 30);
	buf_clear(&value);
	list_write(&h->groups, &value, 2);
	extension(out, &h->extensions, 10, buf_slice(&value));
	extension(out, &h->extensions, 11, (struct slice){"\1\0", 2});
	if (chance_below(&w->chance, 4) != 0) {
		list_some(w, &h->signatures, signatures, COUNT_OF(signatures));
		list_add(&h->signatures, 0x0806);
		buf_clear(&value);
		list_write(&h->signatures, &value, 2);
		extension(out, &h->extensions, 13, buf_slice(&value));
	}
	if (chance_below(&w->chance, 2) == 0) {
		h->alpn = chance_below(&w->chance, 2) ? "h2" : "http/1.1";
		buf_clear(&value);
		add_u16(&value, (unsigned)strlen(h->alpn) + 1);
		buf_char(&value, (char)strlen(h->alpn));
		buf_text(&value, h->alpn);
		extension(out, &h->extensions, 16, buf_slice(&value));
	}
	extension(out, &h->extensions, 23, (struct slice){0});
	if (chance_below(&w->chance, 2) == 0) {
		list_add(&h->versions, 0x5a5a);
		list_add(&h->versions, 0x0304);
		list_add(&h->versions, 0x0303);
		buf_clear(&value);
		list_write(&h->versions, &value, 1);
		extension(out, &h->extensions, 43, buf_slice(&value));
	}
	extension(out, &h->extensions, 0xff01, (struct slice){"\0", 1});
	buf_fini(&value);
}

static void client_hello(struct wire *w, struct talk *t, const struct made *m)
{
	static const unsigned ciphers[] = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030,
		0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035};
	struct hello h = {.alpn = NULL};
	struct buf body = BUF_INIT, extensions = BUF_INIT, message = BUF_INIT, out = BUF_INIT;
	char name[MADE_MAX], ja3[33], ja4[64];
	unsigned frame;

	snprintf(name, sizeof(name), "%s", m->at[SLOT_SNI]);
	if (name[strlen(name) - 1] == '.') /* RFC 6066 section 3 */
		name[strlen(name) - 1] = 0;
	if (chance_below(&w->chance, 2) == 0)
		list_add(&h.ciphers, 0x1a1a);
	list_some(w, &h.ciphers, ciphers, COUNT_OF(ciphers));
	list_add(&h.ciphers, 0x000a);
	hello_extensions(w, &h, name, &extensions);
	add_u16(&body, 0x0303);
	for (unsigned i = 0; i < 32; i++)
		buf_char(&body, (char)(i * 7 + w->number));
	buf_char(&body, 0);
	list_write(&h.ciphers, &body, 2);
	buf_append(&body, "\1\0", 2);
	add_u16(&body, (unsigned)extensions.len);
	buf_slice_append(&body, buf_slice(&extensions));
	handshake(&message, 1, buf_slice(&body));
	record(&out, buf_slice(&message));
	frame = tcp_data(w, t, false, buf_slice(&out), 0, NULL);
	told_ends(w, t, frame);
	if (h.named)
		told_at(w, frame, FIELD_NAME, name);
	ja3_of(&h, ja3);
	ja4_of(&h, ja4);
	told_at(w, frame, FIELD_JA3, ja3);
	told_at(w, frame, FIELD_JA4, ja4);
	buf_fini(&body);
	buf_fini(&extensions);
	buf_fini(&message);
	buf_fini(&out);
}

/* A body that is a certificate by its frame only: what is hashed is all of it. */
static void certificate_of(struct wire *w, struct buf *out)
{
	struct buf inside = BUF_INIT;

	buf_printf(&inside, "certificate %u of a test, nobody's", w->number);
	buf_append(out, "\x30\x82", 2);
	add_u16(out, (unsigned)inside.len);
	buf_slice_append(out, buf_slice(&inside));
	buf_fini(&inside);
}

static void server_hello(struct wire *w, struct talk *t)
{
	static const unsigned types[] = {0xff01, 11, 23, 35, 5};
	struct list extensions = {.count = 0};
	struct buf body = BUF_INIT, values = BUF_INIT, out = BUF_INIT, certificate = BUF_INIT,
		   messages = BUF_INIT, ja3s = BUF_INIT;
	unsigned cipher = chance_below(&w->chance, 2) ? 0xc02f : 0x009c, frame;
	uint8_t digest[MD5_LEN];
	char text[33];

	for (unsigned i = 0; i < COUNT_OF(types); i++)
		if (chance_below(&w->chance, 3) != 0)
			extension(&values, &extensions, types[i],
				types[i] == 11       ? (struct slice){"\1\0", 2}
				: types[i] == 0xff01 ? (struct slice){"\0", 1}
						     : (struct slice){0});
	add_u16(&body, 0x0303);
	for (unsigned i = 0; i < 32; i++)
		buf_char(&body, (char)(i * 3 + w->number));
	buf_char(&body, 0);
	add_u16(&body, cipher);
	buf_char(&body, 0);
	if (values.len > 0) {
		add_u16(&body, (unsigned)values.len);
		buf_slice_append(&body, buf_slice(&values));
	}
	handshake(&messages, 2, buf_slice(&body));
	buf_printf(&ja3s, "771,%u,", cipher);
	decimals(&extensions, &ja3s);
	hash_md5(buf_slice(&ja3s), digest);
	hex_text(digest, MD5_LEN, text);
	certificate_of(w, &certificate);
	buf_clear(&body);
	buf_char(&body, 0);
	add_u16(&body, (unsigned)certificate.len + 3);
	buf_char(&body, 0);
	add_u16(&body, (unsigned)certificate.len);
	buf_slice_append(&body, buf_slice(&certificate));
	handshake(&messages, 11, buf_slice(&body));
	handshake(&messages, 14, (struct slice){0});
	record(&out, buf_slice(&messages));
	frame = tcp(w, t, true, ACK | PUSH, buf_slice(&out));
	told_ends(w, t, frame);
	told_at(w, frame, FIELD_JA3S, text);
	told_digests(w, frame, FIELD_CERTIFICATE, buf_slice(&certificate));
	buf_fini(&body);
	buf_fini(&values);
	buf_fini(&out);
	buf_fini(&certificate);
	buf_fini(&messages);
	buf_fini(&ja3s);
}

static void handshake_made(struct wire *w, const struct made *m)
{
	char room[2][64];
	struct talk t = talk_of(w, m, 443, room);

	tcp_begin(w, &t);
	client_hello(w, &t, m);
	server_hello(w, &t);
	tcp_end(w, &t);
	w->handshakes++;
}

/* ---- mail ------------------------------------------------------------------------------------ */

static unsigned line(struct wire *w, struct talk *t, bool back, const char *front, const char *text,
	const char *behind)
{
	char out[TEXT_MAX];
	int len = snprintf(out, sizeof(out), "%s%s%s\r\n", front, text, behind);

	return tcp(w, t, back, ACK | PUSH, (struct slice){out, (size_t)len});
}

static void mail_sent(struct wire *w, const struct made *m)
{
	char room[2][64], text[TEXT_MAX];
	struct talk t = talk_of(w, m, 25, room);
	unsigned frame;

	tcp_begin(w, &t);
	(void)line(w, &t, true, "220 mx.plant.example ESMTP", "", "");
	frame = line(w, &t, false, "EHLO ", m->at[SLOT_SNI], "");
	told_ends(w, &t, frame);
	told_at(w, frame, FIELD_HOST, m->at[SLOT_SNI]);
	told_at(w, frame, FIELD_HOST, "mx.plant.example");
	(void)line(w, &t, true, "250 mx.plant.example", "", "");
	(void)line(w, &t, false, "MAIL FROM:<", m->at[SLOT_FROM], ">");
	(void)line(w, &t, true, "250 2.1.0 Ok", "", "");
	(void)line(w, &t, false, "RCPT TO:<", m->at[SLOT_TO], ">");
	(void)line(w, &t, true, "250 2.1.5 Ok", "", "");
	(void)line(w, &t, false, "DATA", "", "");
	(void)line(w, &t, true, "354 End data with <CR><LF>.<CR><LF>", "", "");
	snprintf(text, sizeof(text), "From: The Boss <%s>\r\nTo: <%s>\r\nSubject: hello\r\n",
		m->at[SLOT_TO], m->at[SLOT_FROM]);
	frame = line(w, &t, false, text, "", "");
	(void)line(w, &t, false, "no value in here\r\n.", "", "");
	(void)line(w, &t, true, "250 2.0.0 Ok", "", "");
	told_ends(w, &t, frame);
	told_at(w, frame, FIELD_EMAIL, m->at[SLOT_FROM]);
	told_at(w, frame, FIELD_EMAIL, m->at[SLOT_TO]);
	tcp_end(w, &t);
	w->mails++;
}

/* ---- all of it ------------------------------------------------------------------------------- */

void wire_make(struct wire *w, uint64_t seed, const struct naive *n, const struct made *events,
	size_t count)
{
	static void (*const talks[])(struct wire * w, const struct made *m) = {
		name_asked, web_asked, handshake_made, mail_sent};

	*w = (struct wire){.chance.state = seed, .n = n, .bytes = BUF_INIT};
	for (size_t i = 0; i < count; i++)
		talks[i % COUNT_OF(talks)](w, &events[i]);
	assert_false(w->bytes.bad);
	naive_hits_once(&w->expected);
}

void wire_fini(struct wire *w)
{
	free(w->values);
	buf_fini(&w->bytes);
	naive_hits_free(&w->expected);
}

/* ---- capture files --------------------------------------------------------------------------- */

const char *const wire_file_names[WIRE_FILES] = {"pcap", "pcap swapped", "pcap nano", "pcapng"};

static void file_u32(struct buf *out, uint32_t value, bool swapped)
{
	if (swapped)
		value = __builtin_bswap32(value);
	buf_append(out, &value, sizeof(value));
}

void wire_write(const struct wire *w, enum wire_file file, struct buf *out, size_t *ret_ends)
{
	bool swapped = file == WIRE_PCAP_SWAPPED;

	if (file == WIRE_PCAPNG) {
		const uint32_t head[] = {0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff, 28,
			1, 20, 1, 65535, 20};

		for (size_t i = 0; i < COUNT_OF(head); i++)
			file_u32(out, head[i], false);
	} else {
		const uint32_t head[] = {
			file == WIRE_PCAP_NANO ? 0xa1b23c4d : 0xa1b2c3d4, 0, 0, 0, 65535, 1};

		for (size_t i = 0; i < COUNT_OF(head); i++)
			if (i == 1) /* version 2.4, two numbers of 16 bits */
				file_u32(out, swapped ? 0x00020004 : 0x00040002, swapped);
			else
				file_u32(out, head[i], swapped);
	}
	for (unsigned k = 0; k < w->frames_count; k++) {
		struct slice frame = {w->bytes.data + w->frames[k].at, w->frames[k].len};
		uint32_t len = (uint32_t)frame.len, padded = (len + 3) / 4 * 4;
		uint64_t time = (UINT64_C(1790000000) * 1000 + k) * 1000;

		if (file == WIRE_PCAPNG) {
			const uint32_t head[] = {6, padded + 32, 0, (uint32_t)(time >> 32),
				(uint32_t)time, len, len};

			for (size_t i = 0; i < COUNT_OF(head); i++)
				file_u32(out, head[i], false);
			buf_slice_append(out, frame);
			buf_append(out, "\0\0\0", padded - len);
			file_u32(out, padded + 32, false);
		} else {
			file_u32(out, (uint32_t)(time / 1000000), swapped);
			file_u32(out,
				(uint32_t)(time % 1000000) * (file == WIRE_PCAP_NANO ? 1000 : 1),
				swapped);
			file_u32(out, len, swapped);
			file_u32(out, len, swapped);
			buf_slice_append(out, frame);
		}
		ret_ends[k] = out->len;
	}
	assert_false(out->bad);
}
