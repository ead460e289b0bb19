/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Writes the sensor's workload: logs as a site's would be (a few names are asked all the time, most
 * hardly ever), and lists of indicators of which some were planted in them. The same bytes for the
 * same arguments, so that figures can be compared.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/base.h"

#define SEED            UINT64_C(0x5e7a15e7a1)
#define NAMES           3000000 /* benign registered names */
#define SERVERS         1000000
#define CLIENTS         50000
#define FLUSH_BYTES     MIB(1)
#define PLANTED_PER     1000 /* one line in so many holds an indicator */
#define PLANTED_NAMES   750  /* of the first indicators, which are in lists of any length */
#define PLANTED_SERVERS 250
#define START           1795392000.0 /* 2026-11-23 */

struct fnv_blocks;

struct out {
	FILE *file;
	const struct fnv_blocks *fnv;
	struct buf buf;
	uint64_t seed;
	bool failed;
};

static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint64_t dice(struct out *o)
{
	return mix(o->seed++);
}

static uint32_t below(struct out *o, uint32_t n)
{
	return (uint32_t)((dice(o) >> 32) * n >> 32);
}

/* Zipf(1) over n: the density is 1/x, so its logarithm is uniform. */
static uint32_t zipf(struct out *o, uint32_t n)
{
	double u = (double)(dice(o) >> 11) * 0x1p-53;
	double x = exp(u * log((double)n + 1.0)) - 1.0;

	return x >= (double)n ? n - 1 : (uint32_t)x;
}

static void maybe_write(struct out *o, size_t least)
{
	if (o->buf.len < least)
		return;
	if (fwrite(o->buf.data, 1, o->buf.len, o->file) != o->buf.len)
		o->failed = true;
	buf_clear(&o->buf);
}

static void put_char(struct out *o, char c)
{
	buf_char(&o->buf, c);
}

static void put_text(struct out *o, const char *text)
{
	buf_text(&o->buf, text);
}

static void put_number(struct out *o, uint64_t n)
{
	char digits[24];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	buf_append(&o->buf, digits + at, sizeof(digits) - at);
}

static void put_time(struct out *o, uint64_t line)
{
	uint64_t us = line * 173 % 1000000;

	put_number(o, (uint64_t)START + line / 120);
	put_char(o, '.');
	for (uint64_t scale = 100000; scale != 0; scale /= 10)
		put_char(o, (char)('0' + us / scale % 10));
}

static void put_uid(struct out *o)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz012345678901";
	uint64_t a = dice(o), b = dice(o);
	char text[18];

	text[0] = 'C';
	for (size_t i = 1; i < 10; i++, a >>= 6)
		text[i] = letters[a & 63];
	for (size_t i = 10; i < sizeof(text); i++, b >>= 6)
		text[i] = letters[b & 63];
	buf_append(&o->buf, text, sizeof(text));
}

static void put_ipv4(struct out *o, uint32_t address)
{
	for (int shift = 24; shift >= 0; shift -= 8) {
		put_number(o, address >> shift & 255);
		if (shift != 0)
			put_char(o, '.');
	}
}

/* ---- what there is in the world -------------------------------------------------------------- */

static const char *const endings[] = {"com", "net", "org", "de", "fr", "io", "co.uk", "eu", "pl",
	"info", "nl", "it", "com.br", "ru", "cn"};

/* A registered name; `kind` keeps the benign and the hostile apart. */
static void put_name(struct out *o, uint64_t kind, uint64_t number)
{
	static const char *const syllables[] = {"ba", "ce", "di", "fo", "gu", "ha", "ki", "le",
		"mo", "nu", "pra", "que", "ri", "so", "ta", "ul", "ve", "wa", "xi", "yo", "za",
		"bro", "cli", "dra", "ex", "fin", "gro", "hub", "in", "jet", "ker", "lan"};
	uint64_t x = mix(number * 4 + kind);
	unsigned count = 2 + (unsigned)(x & 3);

	x >>= 2;
	for (unsigned i = 0; i < count; i++, x >>= 5)
		put_text(o, syllables[x & 31]);
	/* Makes it unique, as registrars do. */
	put_number(o, number);
	if (kind != 0)
		put_char(o, 'x');
	put_char(o, '.');
	put_text(o, endings[(x >> 8) % COUNT_OF(endings)]);
}

static uint32_t server_address(uint64_t kind, uint64_t number)
{
	uint32_t a = (uint32_t)mix(number * 4 + kind + 2);

	/* 20.0.0.0 to 199.255.255.255: no private and no special ranges of weight */
	return ((20 + (a >> 24) % 180) << 24) | (a & 0xffffff);
}

static void put_client(struct out *o, uint32_t number)
{
	put_ipv4(o, 0x0a000000 | (number / 250) << 8 | (number % 250 + 2));
}

/* 75 % names, 25 % addresses; every fourth is an address. */
static void put_indicator(struct out *o, uint64_t number)
{
	if (number % 4 == 3)
		put_ipv4(o, server_address(1, number));
	else
		put_name(o, 1, number);
}

static void put_label(struct out *o, uint32_t number)
{
	static const char *const labels[] = {"www", "api", "mail", "cdn", "img", "static", "login",
		"update", "m", "app", "ns1", "edge"};

	put_text(o, labels[number % COUNT_OF(labels)]);
}

/* The name of a question: 25 % bare, 50 % one label, 25 % as content networks make them. */
static void put_question(struct out *o, uint64_t kind, uint64_t number)
{
	uint64_t x = dice(o);

	if ((x & 3) == 1 || (x & 3) == 2) {
		put_label(o, (uint32_t)(x >> 8 & 0xffff));
		put_char(o, '.');
	} else if ((x & 3) == 3) {
		put_char(o, 'e');
		put_number(o, x >> 8 & 0xffff);
		put_text(o, ".dsc-");
		put_label(o, (uint32_t)(x >> 24 & 0xffff));
		put_char(o, '.');
	}
	put_name(o, kind, number);
}

/* ---- logs ------------------------------------------------------------------------------------ */

enum flavour { ZIPF, FLOOD };

struct dns {
	uint32_t client, server;
	uint64_t kind, name;
	bool planted;
};

/* What a line asks about. In a flood every name and server is new. */
static struct dns dns_make(struct out *o, uint64_t line, enum flavour flavour)
{
	struct dns d = {.client = zipf(o, CLIENTS)};

	d.server = 0x0a000000 | (255U << 16) | (1 + below(o, 4));
	d.planted = line % PLANTED_PER == PLANTED_PER / 2;
	if (d.planted) {
		d.kind = 1;
		d.name = line / PLANTED_PER % PLANTED_NAMES;
		d.name += d.name / 3; /* those numbers that are names */
	} else if (flavour == FLOOD || below(o, 10) == 0) {
		d.name = NAMES + line;
	} else {
		d.name = zipf(o, NAMES);
	}
	return d;
}

/* Names and addresses that were the answer: `quote` around each for JSON. */
static void put_answers(struct out *o, const struct dns *d, const char *quote)
{
	uint64_t x = dice(o);
	unsigned count = 1 + (unsigned)(x & 3) / 2;

	if ((x >> 8 & 3) == 0) {
		put_text(o, quote);
		put_char(o, 'e');
		put_number(o, x >> 16 & 0xffff);
		put_text(o, ".a.");
		put_name(o, 0, mix(d->name) % 1000);
		put_text(o, quote);
		put_char(o, ',');
	}
	for (unsigned i = 0; i < count; i++) {
		if (i != 0)
			put_char(o, ',');
		put_text(o, quote);
		put_ipv4(o, server_address(0, d->name * 2 % SERVERS + i));
		put_text(o, quote);
	}
}

static const char dns_header[] =
	"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n"
	"#open\t2026-11-23-00-00-00\n"
	"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\ttrans_"
	"id\trtt\tquery\t"
	"qclass\tqclass_name\tqtype\tqtype_name\trcode\trcode_"
	"name\tAA\tTC\tRD\tRA\tZ\tanswers\tTTLs\t"
	"rejected\n"
	"#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tcount\tinterval\tstring\tcount\tstring"
	"\t"
	"count\tstring\tcount\tstring\tbool\tbool\tbool\tbool\tcount\tvector[string]\t"
	"vector[interval]\tbool\n";

static void dns_tsv(struct out *o, uint64_t line, enum flavour flavour)
{
	struct dns d = dns_make(o, line, flavour);
	uint64_t x = dice(o);
	bool found = (x & 15) != 0;

	put_time(o, line);
	put_char(o, '\t');
	put_uid(o);
	put_char(o, '\t');
	put_client(o, d.client);
	put_char(o, '\t');
	put_number(o, 1024 + (x >> 8) % 64000);
	put_char(o, '\t');
	put_ipv4(o, d.server);
	put_text(o, "\t53\tudp\t");
	put_number(o, x >> 24 & 0xffff);
	put_text(o, "\t0.0");
	put_number(o, 10000 + (x >> 40) % 90000);
	put_char(o, '\t');
	put_question(o, d.kind, d.name);
	put_text(o, (x >> 4 & 3) == 0 ? "\t1\tC_INTERNET\t28\tAAAA\t" : "\t1\tC_INTERNET\t1\tA\t");
	put_text(o, found ? "0\tNOERROR\tF\tF\tT\tT\t0\t" : "3\tNXDOMAIN\tF\tF\tT\tF\t0\t");
	if (found)
		put_answers(o, &d, "");
	else
		put_char(o, '-');
	put_text(o, found ? "\t300.000000,60.000000\tF\n" : "\t-\tF\n");
}

static void dns_json(struct out *o, uint64_t line, enum flavour flavour)
{
	struct dns d = dns_make(o, line, flavour);
	uint64_t x = dice(o);
	bool found = (x & 15) != 0;

	put_text(o, "{\"ts\":");
	put_time(o, line);
	put_text(o, ",\"uid\":\"");
	put_uid(o);
	put_text(o, "\",\"id.orig_h\":\"");
	put_client(o, d.client);
	put_text(o, "\",\"id.orig_p\":");
	put_number(o, 1024 + (x >> 8) % 64000);
	put_text(o, ",\"id.resp_h\":\"");
	put_ipv4(o, d.server);
	put_text(o, "\",\"id.resp_p\":53,\"proto\":\"udp\",\"trans_id\":");
	put_number(o, x >> 24 & 0xffff);
	put_text(o, ",\"rtt\":0.0");
	put_number(o, 10000 + (x >> 40) % 90000);
	put_text(o, ",\"query\":\"");
	put_question(o, d.kind, d.name);
	put_text(o,
		"\",\"qclass\":1,\"qclass_name\":\"C_INTERNET\",\"qtype\":1,\"qtype_name\":\"A\",");
	put_text(o, found ? "\"rcode\":0,\"rcode_name\":\"NOERROR\","
			  : "\"rcode\":3,\"rcode_name\":\"NXDOMAIN\",");
	put_text(o, "\"AA\":false,\"TC\":false,\"RD\":true,\"RA\":true,\"Z\":0,");
	if (found) {
		put_text(o, "\"answers\":[");
		put_answers(o, &d, "\"");
		put_text(o, "],\"TTLs\":[300.0,60.0],");
	}
	put_text(o, "\"rejected\":false}\n");
}

static void put_iso_time(struct out *o, uint64_t line)
{
	char text[TIME_TEXT_MAX];
	size_t len = time_format(((int64_t)START + (int64_t)(line / 120)) * US_PER_SECOND +
					 (int64_t)(line % 1000000),
		6, text);

	buf_append(&o->buf, text, len - 1);
	put_text(o, "+0000");
}

static void dns_eve(struct out *o, uint64_t line, enum flavour flavour)
{
	struct dns d = dns_make(o, line, flavour);
	uint64_t x = dice(o);
	bool found = (x & 15) != 0;

	put_text(o, "{\"timestamp\":\"");
	put_iso_time(o, line);
	put_text(o, "\",\"flow_id\":");
	put_number(o, dice(o) >> 13);
	put_text(o, ",\"in_iface\":\"eth1\",\"event_type\":\"dns\",\"src_ip\":\"");
	put_client(o, d.client);
	put_text(o, "\",\"src_port\":");
	put_number(o, 1024 + (x >> 8) % 64000);
	put_text(o, ",\"dest_ip\":\"");
	put_ipv4(o, d.server);
	put_text(o, "\",\"dest_port\":53,\"proto\":\"UDP\",\"pkt_src\":\"wire/"
		    "pcap\",\"dns\":{\"version\":2,"
		    "\"type\":\"answer\",\"id\":");
	put_number(o, x >> 24 & 0xffff);
	put_text(o, ",\"flags\":\"8180\",\"qr\":true,\"rd\":true,\"ra\":true,\"opcode\":0,"
		    "\"rrname\":\"");
	put_question(o, d.kind, d.name);
	put_text(o, found ? "\",\"rrtype\":\"A\",\"rcode\":\"NOERROR\""
			  : "\",\"rrtype\":\"A\",\"rcode\":\"NXDOMAIN\"");
	if (found) {
		put_text(o, ",\"grouped\":{\"A\":[");
		put_answers(o, &d, "\"");
		put_text(o, "]}");
	}
	put_text(o, "}}\n");
}

static const char conn_header[] =
	"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
	"#open\t2026-11-23-00-00-00\n"
	"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\t"
	"orig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_"
	"pkts\t"
	"orig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\n"
	"#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring"
	"\t"
	"bool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]\n";

static void conn_tsv(struct out *o, uint64_t line, enum flavour flavour)
{
	uint32_t client = zipf(o, CLIENTS), address;
	uint64_t x = dice(o);

	if (line % PLANTED_PER == PLANTED_PER / 2)
		address = server_address(1, line / PLANTED_PER % PLANTED_SERVERS * 4 + 3);
	else if (flavour == FLOOD)
		address = server_address(0, SERVERS + line);
	else
		address = server_address(0, zipf(o, SERVERS));
	put_time(o, line);
	put_char(o, '\t');
	put_uid(o);
	put_char(o, '\t');
	put_client(o, client);
	put_char(o, '\t');
	put_number(o, 1024 + (x & 0xffff) % 64000);
	put_char(o, '\t');
	put_ipv4(o, address);
	put_text(o, (x >> 16 & 3) != 0 ? "\t443\ttcp\tssl\t" : "\t80\ttcp\thttp\t");
	put_number(o, x >> 18 & 63);
	put_char(o, '.');
	put_number(o, 100000 + (x >> 24) % 900000);
	put_char(o, '\t');
	put_number(o, x >> 30 & 0xfff);
	put_char(o, '\t');
	put_number(o, x >> 40 & 0xffff);
	put_text(o, "\tSF\tT\tF\t0\tShADadFf\t");
	put_number(o, 1 + (x >> 20 & 63));
	put_char(o, '\t');
	put_number(o, x >> 28 & 0x3fff);
	put_char(o, '\t');
	put_number(o, 1 + (x >> 44 & 63));
	put_char(o, '\t');
	put_number(o, x >> 36 & 0xffff);
	put_text(o, "\t-\n");
}

static void indicator_line(struct out *o, uint64_t line, enum flavour flavour)
{
	(void)flavour;
	put_indicator(o, line);
	put_char(o, '\n');
}

/*
 * Names that meet in unkeyed hashes: 17 choices between two blocks that leave the hash in the same
 * state make 131,072 names of one hash value. In DJB2 (times 33, plus the byte) "bm" and "cL" are
 * such blocks at any place.
 */
#define COLLISION_BLOCKS 17

static void put_djb2(struct out *o, uint64_t line)
{
	for (unsigned i = 0; i < COLLISION_BLOCKS; i++)
		put_text(o, (line >> i & 1) != 0 ? "bm" : "cL");
}

static void collide_djb2(struct out *o, uint64_t line, enum flavour flavour)
{
	(void)flavour;
	put_djb2(o, line);
	put_text(o, ".collide.example\n");
}

/* In FNV-1a with 32 bits the blocks depend on the state before them, and are found by their number:
 * among some 2^17 of them two meet. */
#define FNV_BLOCK 8 /* seven letters and a dot */
#define FNV_TABLE (1U << 20)

struct fnv_blocks {
	char text[COLLISION_BLOCKS][2][FNV_BLOCK];
};

static uint32_t fnv_block(uint32_t hash, uint64_t number, char ret_text[FNV_BLOCK])
{
	for (unsigned i = 0; i < FNV_BLOCK; i++, number /= 26) {
		ret_text[i] = i == FNV_BLOCK - 1 ? '.' : (char)('a' + number % 26);
		hash = (hash ^ (unsigned char)ret_text[i]) * UINT32_C(16777619);
	}
	return hash;
}

static bool fnv_find(struct fnv_blocks *ret_blocks)
{
	uint64_t *numbers = calloc(FNV_TABLE, sizeof(*numbers)); /* plus one */
	uint32_t state = UINT32_C(2166136261);
	char text[FNV_BLOCK];

	if (numbers == NULL)
		return false;
	for (unsigned b = 0; b < COLLISION_BLOCKS; b++) {
		memset(numbers, 0, FNV_TABLE * sizeof(*numbers));
		for (uint64_t n = 0;; n++) {
			uint32_t hash = fnv_block(state, n, text);
			uint64_t *other = &numbers[mix(hash) % FNV_TABLE];

			if (*other != 0 && fnv_block(state, *other - 1, text) == hash) {
				(void)fnv_block(state, *other - 1, ret_blocks->text[b][0]);
				state = fnv_block(state, n, ret_blocks->text[b][1]);
				break;
			}
			*other = n + 1;
		}
	}
	free(numbers);
	return true;
}

static void collide_fnv(struct out *o, uint64_t line, enum flavour flavour)
{
	(void)flavour;
	for (unsigned i = 0; i < COLLISION_BLOCKS; i++)
		buf_append(&o->buf, o->fnv->text[i][line >> i & 1], FNV_BLOCK);
	put_text(o, "example\n");
}

/* A dns.log that asks for them, each once. */
static void dns_collide(struct out *o, uint64_t line, enum flavour flavour)
{
	(void)flavour;
	put_time(o, line);
	put_char(o, '\t');
	put_uid(o);
	put_text(o, "\t10.0.0.2\t5353\t10.255.0.1\t53\tudp\t1\t0.010000\t");
	put_djb2(o, line % (UINT64_C(1) << COLLISION_BLOCKS));
	put_text(o, ".collide.example\t1\tC_INTERNET\t1\tA\t3\tNXDOMAIN\tF\tF\tT\tF\t0\t-\t-\tF\n");
}

/* ---- the program ----------------------------------------------------------------------------- */

static const struct workload {
	const char *name, *header;
	void (*line)(struct out *o, uint64_t line, enum flavour flavour);
	enum flavour flavour;
	const char *what;
} workloads[] = {
	{"dns",          dns_header,  dns_tsv,        ZIPF,  "Zeek dns.log, tab-separated"                    },
	{"conn",         conn_header, conn_tsv,       ZIPF,  "Zeek conn.log, tab-separated"                   },
	{"dns-json",     "",          dns_json,       ZIPF,  "Zeek dns, JSON"                                 },
	{"eve",          "",          dns_eve,        ZIPF,  "Suricata EVE, dns records"                      },
	{"dns-flood",    dns_header,  dns_tsv,        FLOOD, "every name new"                                 },
	{"conn-flood",   conn_header, conn_tsv,       FLOOD, "every server new"                               },
	{"indicators",   "",          indicator_line, ZIPF,  "75 % names, 25 % IPv4 addresses"                },
	{"collide-djb2", "",          collide_djb2,   ZIPF,  "names with one DJB2 value, 131072 at the most"  },
	{"collide-fnv",  "",          collide_fnv,    ZIPF,  "names with one FNV-1a value, 131072 at the most"},
	{"dns-collide",  dns_header,  dns_collide,    ZIPF,  "dns.log of the names with one DJB2 value"       },
};

static int usage(void)
{
	fprintf(stderr, "usage: sensor_generate KIND COUNT FILE\n");
	for (size_t i = 0; i < COUNT_OF(workloads); i++)
		fprintf(stderr, "  %-12s %s\n", workloads[i].name, workloads[i].what);
	return 2;
}

int main(int argc, char **argv)
{
	const struct workload *w = NULL;
	static struct fnv_blocks fnv;
	struct out o = {.seed = SEED, .fnv = &fnv};
	uint64_t count;

	for (size_t i = 0; argc == 4 && i < COUNT_OF(workloads); i++)
		if (strcmp(workloads[i].name, argv[1]) == 0)
			w = &workloads[i];
	if (w == NULL || !slice_to_u64(slice_of(argv[2]), &count))
		return usage();
	o.seed ^= mix((uint64_t)(w - workloads));
	o.file = strcmp(argv[3], "-") == 0 ? stdout : fopen(argv[3], "wb");
	if (o.file == NULL) {
		fprintf(stderr, "could not write \"%s\": %s\n", argv[3], strerror(errno));
		return 1;
	}
	if (w->line == collide_fnv && !fnv_find(&fnv)) {
		fprintf(stderr, "out of memory\n");
		return 1;
	}
	put_text(&o, w->header);
	for (uint64_t line = 0; line < count && !o.failed; line++) {
		w->line(&o, line, w->flavour);
		maybe_write(&o, FLUSH_BYTES);
	}
	maybe_write(&o, 0);
	if (o.failed || o.buf.bad || fclose(o.file) != 0) {
		fprintf(stderr, "could not write \"%s\": %s\n", argv[3], strerror(errno));
		return 1;
	}
	buf_fini(&o.buf);
	return 0;
}
