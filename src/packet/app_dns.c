/* SPDX-License-Identifier: MPL-2.0 */
/*
 * DNS messages (RFC 1035), with mDNS (RFC 6762) and LLMNR (RFC 4795), which look the same: what was
 * asked and what was answered, from every section, because the servers of a zone are indicators
 * too.
 */
#include "app_parts.h"

#define DNS_HEADER_LEN   12
#define DNS_NAME_MAX     255  /* octets on the wire, RFC 1035 2.3.4 */
#define DNS_POINTERS_MAX 127  /* a name has at most 127 labels, each could be somewhere else */
#define DNS_TEXT_MAX     1024 /* 255 octets, each written as \DDD at worst */
/* Of one message. mDNS asks many at once (81 were seen), everybody else one; as many as fit a frame
 * of 1500 bytes, 5 bytes each (RFC 1035 section 4.1.2). */
#define DNS_QUESTIONS_MAX 292
#define DNS_STREAM_MAX    (KIB(64) + 2)

enum rdata_form { RDATA_OTHER, RDATA_IPV4, RDATA_IPV6, RDATA_NAME, RDATA_SVCB };

struct rr_type {
	const char *name;
	uint8_t form;  /* enum rdata_form */
	uint8_t ahead; /* octets before the name */
};

/* IANA's registry of resource record types, as far as they are met. */
static const struct rr_type types[] = {
	[1] = {"A",          RDATA_IPV4,  0},
	[2] = {"NS",         RDATA_NAME,  0},
	[5] = {"CNAME",      RDATA_NAME,  0},
	[6] = {"SOA",        RDATA_OTHER, 0},
	[12] = {"PTR",        RDATA_NAME,  0},
	[13] = {"HINFO",      RDATA_OTHER, 0},
	[15] = {"MX",         RDATA_NAME,  2},
	[16] = {"TXT",        RDATA_OTHER, 0},
	[24] = {"SIG",        RDATA_OTHER, 0},
	[25] = {"KEY",        RDATA_OTHER, 0},
	[28] = {"AAAA",       RDATA_IPV6,  0},
	[29] = {"LOC",        RDATA_OTHER, 0},
	[33] = {"SRV",        RDATA_NAME,  6},
	[35] = {"NAPTR",      RDATA_OTHER, 0},
	[36] = {"KX",         RDATA_NAME,  2},
	[37] = {"CERT",       RDATA_OTHER, 0},
	[39] = {"DNAME",      RDATA_NAME,  0},
	[41] = {"OPT",        RDATA_OTHER, 0},
	[43] = {"DS",         RDATA_OTHER, 0},
	[44] = {"SSHFP",      RDATA_OTHER, 0},
	[46] = {"RRSIG",      RDATA_OTHER, 0},
	[47] = {"NSEC",       RDATA_OTHER, 0},
	[48] = {"DNSKEY",     RDATA_OTHER, 0},
	[50] = {"NSEC3",      RDATA_OTHER, 0},
	[51] = {"NSEC3PARAM", RDATA_OTHER, 0},
	[52] = {"TLSA",       RDATA_OTHER, 0},
	[53] = {"SMIMEA",     RDATA_OTHER, 0},
	[59] = {"CDS",        RDATA_OTHER, 0},
	[60] = {"CDNSKEY",    RDATA_OTHER, 0},
	[61] = {"OPENPGPKEY", RDATA_OTHER, 0},
	[64] = {"SVCB",       RDATA_SVCB,  0},
	[65] = {"HTTPS",      RDATA_SVCB,  0},
	[99] = {"SPF",        RDATA_OTHER, 0},
	[249] = {"TKEY",       RDATA_OTHER, 0},
	[250] = {"TSIG",       RDATA_OTHER, 0},
	[251] = {"IXFR",       RDATA_OTHER, 0},
	[252] = {"AXFR",       RDATA_OTHER, 0},
	[255] = {"ANY",        RDATA_OTHER, 0},
};

static const char *const codes[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",
	"REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"};

/* Octets of a name that are written as they are (RFC 4343 2.1): visible ASCII but '.' and '\'. */
static const bool plain[256] = {
#define P8(n)                                                                                      \
	[n] = true, [n + 1] = true, [n + 2] = true, [n + 3] = true, [n + 4] = true,                \
	[n + 5] = true, [n + 6] = true, [n + 7] = true
	[0x21] = true,
	[0x22] = true,
	[0x23] = true,
	[0x24] = true,
	[0x25] = true,
	[0x26] = true,
	[0x27] = true,
	[0x28] = true,
	[0x29] = true,
	[0x2a] = true,
	[0x2b] = true,
	[0x2c] = true,
	[0x2d] = true,
	[0x2f] = true,
	P8(0x30),
	P8(0x38),
	P8(0x40),
	P8(0x48),
	P8(0x50),
	[0x58] = true,
	[0x59] = true,
	[0x5a] = true,
	[0x5b] = true,
	[0x5d] = true,
	[0x5e] = true,
	[0x5f] = true,
	P8(0x60),
	P8(0x68),
	P8(0x70),
	[0x78] = true,
	[0x79] = true,
	[0x7a] = true,
	[0x7b] = true,
	[0x7c] = true,
	[0x7d] = true,
	[0x7e] = true,
#undef P8
};

struct message {
	const uint8_t *at;
	size_t len;
};

struct name {
	size_t len;
	char text[DNS_TEXT_MAX];
};

static uint16_t u16_at(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static char *octet_escape(char *to, uint8_t c)
{
	*to++ = '\\';
	if (c == '.' || c == '\\') {
		*to++ = (char)c;
		return to;
	}
	*to++ = (char)('0' + c / 100);
	*to++ = (char)('0' + c / 10 % 10);
	*to++ = (char)('0' + c % 10);
	return to;
}

/*
 * The name at `at` as text without the last dot. Returns where it ends, 0 when it is malformed. A
 * pointer must point before the run of labels it ends, as "a prior occurrence of the same name"
 * (RFC 1035 4.1.4) demands: so it ends, and DNS_POINTERS_MAX bounds the work.
 */
static size_t name_read(const struct message *m, size_t at, struct name *n)
{
	size_t end = 0, run = at, octets = 1;
	unsigned pointers = 0;
	char *to = n->text;

	for (;;) {
		uint8_t len;

		if (at >= m->len)
			return 0;
		len = m->at[at++];
		if (len == 0)
			break;
		if (len >= 0xc0) {
			size_t target;

			if (at >= m->len || ++pointers > DNS_POINTERS_MAX)
				return 0;
			target = (size_t)(len & 0x3f) << 8 | m->at[at++];
			if (end == 0)
				end = at;
			if (target >= run)
				return 0;
			at = run = target;
			continue;
		}
		octets += len + 1u;
		if (len > 63 || octets > DNS_NAME_MAX || len > m->len - at)
			return 0;
		if (to != n->text)
			*to++ = '.';
		for (size_t i = 0; i < len; i++) {
			uint8_t c = m->at[at + i];

			if (plain[c])
				*to++ = (char)c;
			else
				to = octet_escape(to, c);
		}
		at += len;
	}
	n->len = (size_t)(to - n->text);
	return end == 0 ? at : end;
}

static size_t name_skip(const struct message *m, size_t at)
{
	size_t start = at;

	while (at < m->len && at - start < DNS_NAME_MAX) {
		uint8_t len = m->at[at++];

		if (len == 0)
			return at;
		if (len >= 0xc0)
			return at < m->len ? at + 1 : 0;
		if (len > 63)
			return 0;
		at += len;
	}
	return 0;
}

static void type_tell(struct packet_out *out, uint16_t type)
{
	char text[16];

	if (type < COUNT_OF(types) && types[type].name != NULL)
		app_text(out, ROLE_QUERY_TYPE, slice_of(types[type].name));
	else if (packet_out_wants(out, ROLE_QUERY_TYPE)) /* RFC 3597 5 */
		app_text(out, ROLE_QUERY_TYPE,
			(struct slice){text, (size_t)snprintf(text, sizeof(text), "TYPE%u", type)});
}

static void name_tell(struct packet_out *out, enum event_role role, const struct name *n)
{
	packet_out_field(out, role, (struct slice){n->text, n->len}, false);
}

static void answer_tell(struct packet_out *out, const uint8_t *bytes, size_t len)
{
	packet_out_field(out, ROLE_ANSWER, (struct slice){(const char *)bytes, len}, true);
}

/* Priority, target, parameters (RFC 9460 2.2); keys 4 and 6 are lists of addresses (7.3). */
static void svcb_tell(
	const struct message *m, size_t at, size_t end, struct name *n, struct packet_out *out)
{
	struct message inner = {m->at, end};

	if (end - at < 3)
		return;
	at = name_read(&inner, at + 2, n);
	if (at == 0)
		return;
	name_tell(out, ROLE_ANSWER, n);
	while (end - at >= 4) {
		uint16_t key = u16_at(m->at + at), len = u16_at(m->at + at + 2);
		size_t step = key == 4 ? 4 : key == 6 ? 16 : 0;

		at += 4;
		if (len > end - at)
			return;
		for (size_t i = 0; step != 0 && i + step <= len; i += step)
			answer_tell(out, m->at + at + i, step);
		at += len;
	}
}

static void rdata_tell(const struct message *m, const struct rr_type *t, size_t at, size_t len,
	struct name *n, struct packet_out *out)
{
	struct message inner = {m->at, at + len};

	switch ((enum rdata_form)t->form) {
	case RDATA_OTHER:
		return;
	case RDATA_IPV4:
		if (len == 4)
			answer_tell(out, m->at + at, 4);
		return;
	case RDATA_IPV6:
		if (len == 16)
			answer_tell(out, m->at + at, 16);
		return;
	case RDATA_NAME:
		if (len > t->ahead && name_read(&inner, at + t->ahead, n) != 0)
			name_tell(out, ROLE_ANSWER, n);
		return;
	case RDATA_SVCB:
		svcb_tell(m, at, at + len, n, out);
		return;
	}
}

#define CLASS_IN   1
#define CLASS_MASK 0x7fff /* the upper bit is mDNS's (RFC 6762 5.4, 10.2) */

/* owners: nobody asked (mDNS announces), so the names that the records belong to are told. */
static bool records_tell(const struct message *m, size_t at, size_t records, bool owners,
	struct name *n, struct packet_out *out)
{
	for (size_t i = 0; i < records; i++) {
		static const struct rr_type other = {"", RDATA_OTHER, 0};
		const struct rr_type *t = &other;
		uint16_t type, len;
		size_t owner = at;

		at = name_skip(m, at);
		if (at == 0 || m->len < 10 || at > m->len - 10)
			return false;
		type = u16_at(m->at + at);
		len = u16_at(m->at + at + 8);
		if (type < COUNT_OF(types) && (u16_at(m->at + at + 2) & CLASS_MASK) == CLASS_IN)
			t = &types[type];
		at += 10;
		if (len > m->len - at)
			return false;
		if (t->form != RDATA_OTHER) {
			if (owners && name_read(m, owner, n) != 0)
				name_tell(out, ROLE_ANSWER, n);
			rdata_tell(m, t, at, len, n, out);
		}
		at += len;
	}
	return true;
}

static void code_tell(struct packet_out *out, unsigned code)
{
	char text[16];

	if (code < COUNT_OF(codes))
		app_text(out, ROLE_RESPONSE_CODE, slice_of(codes[code]));
	else
		app_text(out, ROLE_RESPONSE_CODE,
			(struct slice){
				text, (size_t)snprintf(text, sizeof(text), "RCODE%u", code)});
}

/* Opcodes QUERY, IQUERY, STATUS, NOTIFY, UPDATE, DSO; at most so many records as would fit. */
static bool header_plausible(const uint8_t *h, size_t len, bool cut)
{
	size_t records = (size_t)u16_at(h + 6) + u16_at(h + 8) + u16_at(h + 10);
	unsigned opcode = h[2] >> 3 & 15;

	return opcode <= 6 && opcode != 3 && u16_at(h + 4) <= DNS_QUESTIONS_MAX &&
	       (cut || (size_t)u16_at(h + 4) * 5 + records * 11 <= len - DNS_HEADER_LEN);
}

bool app_dns(struct slice bytes, struct packet_out *out)
{
	const struct message m = {(const uint8_t *)bytes.data, bytes.len};
	size_t questions, at = DNS_HEADER_LEN;
	struct name n UNCLEARED;
	bool response, cut, begun = false;

	if (m.len < DNS_HEADER_LEN)
		return false;
	response = (m.at[2] & 0x80) != 0;
	cut = (m.at[2] & 0x02) != 0; /* TC: records may be missing */
	questions = u16_at(m.at + 4);
	/* Of a message that was captured in part the question is still worth having. */
	if (!header_plausible(m.at, m.len, true))
		return false;
	for (size_t i = 0; i < questions; i++) {
		at = name_read(&m, at, &n);
		if (at == 0 || at + 4 > m.len)
			return begun && cut;
		if (!begun) {
			packet_out_record(out);
			app_text(out, ROLE_SERVICE, SLICE("dns"));
			begun = true;
		}
		if (n.len == 0)
			app_text(out, ROLE_QUERY, SLICE("."));
		else
			name_tell(out, ROLE_QUERY, &n);
		type_tell(out, u16_at(m.at + at));
		at += 4;
	}
	if (!begun) {
		packet_out_record(out);
		app_text(out, ROLE_SERVICE, SLICE("dns"));
	}
	if (response)
		code_tell(out, m.at[3] & 15);
	if (!packet_out_wants(out, ROLE_ANSWER))
		return true;
	return records_tell(&m, at, (size_t)u16_at(m.at + 6) + u16_at(m.at + 8) + u16_at(m.at + 10),
		       questions == 0, &n, out) ||
	       cut;
}

/* ---- over TCP: each message behind its length (RFC 1035 4.2.2) ------------------------------- */

enum app_protocol app_dns_guess(struct slice head)
{
	const uint8_t *h = (const uint8_t *)head.data;
	size_t len;

	if (head.len < 2 + DNS_HEADER_LEN)
		return APP_UNDECIDED;
	len = u16_at(h);
	return len >= DNS_HEADER_LEN && header_plausible(h + 2, len, false) ? APP_DNS : APP_NONE;
}

static bool dns_feed(
	struct app_stream *s, unsigned direction, struct slice bytes, struct packet_out *out)
{
	struct app_dns_stream *d = &s->dns;
	struct buf *part = &d->part[direction];

	while (bytes.len > 0 && !d->lost[direction]) {
		struct slice whole = part->len > 0 ? buf_slice(part) : bytes;
		size_t need = whole.len < 2 ? 2 : 2 + (size_t)u16_at((const uint8_t *)whole.data);

		if (need >= 2 && whole.len >= 2 && need < 2 + DNS_HEADER_LEN) {
			d->lost[direction] = true;
			break;
		}
		if (whole.len >= 2 && whole.len >= need) {
			d->lost[direction] =
				!app_dns((struct slice){whole.data + 2, need - 2}, out);
			if (part->len > 0)
				buf_fini(part); /* connections may be quiet for hours */
			else
				bytes = slice_cut(bytes, need, bytes.len);
			continue;
		}
		if (part->len == 0)
			*part = BUF_MAX(DNS_STREAM_MAX);
		need -= part->len;
		if (need > bytes.len)
			need = bytes.len;
		buf_append(part, bytes.data, need);
		if (part->bad) {
			d->lost[direction] = true;
			break;
		}
		bytes = slice_cut(bytes, need, bytes.len);
		/* A message that is whole now, though no byte follows. */
		if (part->len >= 2 &&
			part->len == 2 + (size_t)u16_at((const uint8_t *)part->data) &&
			part->len >= 2 + DNS_HEADER_LEN) {
			d->lost[direction] =
				!app_dns((struct slice){part->data + 2, part->len - 2}, out);
			buf_fini(part);
		}
	}
	if (d->lost[direction])
		buf_fini(part);
	return !d->lost[0] || !d->lost[1];
}

static void dns_gap(struct app_stream *s, unsigned direction, uint64_t bytes)
{
	(void)bytes; /* where the next message begins is not known after any number */
	s->dns.lost[direction] = true;
	buf_fini(&s->dns.part[direction]);
}

static size_t dns_bytes(const struct app_stream *s)
{
	return s->dns.part[0].capacity + s->dns.part[1].capacity;
}

static void dns_fini(struct app_stream *s)
{
	buf_fini(&s->dns.part[0]);
	buf_fini(&s->dns.part[1]);
}

const struct app_decoder app_dns_decoder = {
	.feed = dns_feed, .gap = dns_gap, .bytes = dns_bytes, .fini = dns_fini};
