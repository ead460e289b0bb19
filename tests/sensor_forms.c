/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The forms of each reader: see sensor_forms.h. Columns, members and words are those that the
 * programs write (samples of their own output are in tests/samples/logs).
 */
#include "sensor_forms.h"

void told(struct writing *w, enum field_kind kind, const char *text)
{
	w->looked[kind]++;
	naive_look(w->n, kind, text, w->record, w->expected);
}

static const char *tell(struct writing *w, const struct made *m, enum slot slot)
{
	told(w, slot_kind(slot), m->at[slot]);
	return m->at[slot];
}

/* Of lines that are cut into words: an IPv6 address in brackets does not hang together. */
static const char *tell_word(struct writing *w, const struct made *m, enum slot slot)
{
	return strchr(m->at[slot], '[') != NULL ? "-" : tell(w, m, slot);
}

#define CLOCK(i) (i) / 3600 % 24, (i) / 60 % 60, (i) % 60

/* ---- Zeek: tables and JSON ------------------------------------------------------------------- */

static void zeek_tsv(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	buf_printf(w->out, "%u.%06u", 1790000000 + i, i);
	for (size_t k = 0; k < f->cells_count; k++) {
		const struct cell *c = &f->cells[k];

		buf_printf(w->out, "\t%s",
			c->slot == SLOT_NONE ? c->type : c->slot == SLOT_PATH ? m->at[SLOT_PATH]
									      : tell(w, m, c->slot));
		if (c->slot == SLOT_PATH)
			(void)tell(w, m, SLOT_JOINED);
	}
	buf_text(w->out, "\n");
}

/* Every second line writes what it may as an escape. */
static void json_text(struct buf *out, const char *text, bool escape)
{
	buf_char(out, '"');
	for (; *text != 0; text++) {
		unsigned char a = (unsigned char)text[0], b = (unsigned char)text[1];

		if (escape && a == '/')
			buf_text(out, "\\/");
		else if (escape && (a & 0xe0) == 0xc0)
			buf_printf(out, "\\u%04x", (a & 31u) << 6 | (b & 63u)), text++;
		else
			buf_char(out, *text);
	}
	buf_char(out, '"');
}

static bool is_many(const struct cell *c)
{
	return c->type != NULL && strchr(c->type, '[') != NULL;
}

static void json_value(
	struct writing *w, const struct cell *c, const struct made *m, unsigned i, const char *text)
{
	if (c->slot == SLOT_NONE) {
		buf_text(w->out, c->type); /* a constant */
		return;
	}
	if (is_many(c))
		buf_char(w->out, '[');
	if (c->type != NULL && strcmp(c->type, "number") == 0)
		buf_text(w->out, text);
	else
		json_text(w->out, text, i % 2 == 1);
	if (is_many(c))
		buf_char(w->out, ']');
	if (c->slot == SLOT_PATH)
		(void)tell(w, m, SLOT_JOINED);
	else
		(void)tell(w, m, c->slot);
}

static void zeek_json(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	buf_printf(w->out, "{\"ts\":%u.25,\"uid\":\"C%u\"", 1790000000 + i, i);
	for (size_t k = 0; k < f->cells_count; k++) {
		buf_printf(w->out, ",\"%s\":", f->cells[k].name);
		json_value(w, &f->cells[k], m, i, m->at[f->cells[k].slot]);
	}
	buf_text(w->out, "}\n");
}

/* Members by their paths: those below the same object stand together. */
static void json_nested(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	const char *before = "";

	if (f->path != NULL)
		buf_printf(w->out,
			"{\"timestamp\":\"2026-09-21T%02u:%02u:%02u.000000+0000\",\"flow_id\":%u,"
			"\"event_type\":\"%s\"",
			CLOCK(i), i + 1, f->path);
	else
		buf_printf(w->out, "{\"@timestamp\":\"2026-09-21T%02u:%02u:%02u.000Z\"", CLOCK(i));
	for (size_t k = 0; k < f->cells_count; k++) {
		const char *path = f->cells[k].name, *name = path;
		size_t same = 0;

		for (size_t at = 0; path[at] != 0 && path[at] == before[at]; at++)
			same = path[at] == '.' ? at + 1 : same;
		for (const char *p = before + same; (p = strchr(p, '.')) != NULL; p++)
			buf_char(w->out, '}');
		buf_char(w->out, ',');
		name = path + same;
		for (const char *dot; (dot = strchr(name, '.')) != NULL; name = dot + 1)
			buf_printf(w->out, "\"%.*s\":{", (int)(dot - name), name);
		buf_printf(w->out, "\"%s\":", name);
		json_value(w, &f->cells[k], m, i, m->at[f->cells[k].slot]);
		before = path;
	}
	for (const char *p = before; (p = strchr(p, '.')) != NULL; p++)
		buf_char(w->out, '}');
	buf_text(w->out, "}\n");
}

/* ---- tables ---------------------------------------------------------------------------------- */

static void cells_row(struct writing *w, const struct form *f, const struct made *m, char delimiter)
{
	for (size_t k = 0; k < f->cells_count; k++) {
		const struct cell *c = &f->cells[k];
		const char *text = c->slot == SLOT_NONE ? c->type : m->at[c->slot];

		if (k > 0)
			buf_char(w->out, delimiter);
		if (strchr(text, delimiter) != NULL || c->slot == SLOT_REFERRER)
			buf_printf(w->out, "\"%s\"", text);
		else
			buf_text(w->out, text);
		if (c->slot == SLOT_PATH)
			(void)tell(w, m, SLOT_JOINED);
		else if (c->slot != SLOT_NONE)
			(void)tell(w, m, c->slot);
	}
	buf_text(w->out, "\n");
}

static void csv_row(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	char delimiter = f->mapping != NULL && strstr(f->mapping, "semicolon") != NULL ? ';' : ',';

	buf_printf(w->out, "2026-09-21T%02u:%02u:%02uZ%c", CLOCK(i), delimiter);
	cells_row(w, f, m, delimiter);
}

static void pipe_row(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	(void)i;
	cells_row(w, f, m, '|');
}

/* IIS writes a plus for a blank. */
static void w3c_row(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	buf_printf(w->out, "2026-09-21 %02u:%02u:%02u", CLOCK(i));
	for (size_t k = 0; k < f->cells_count; k++) {
		const struct cell *c = &f->cells[k];
		size_t query = strcspn(m->at[SLOT_PATH], "?");

		buf_char(w->out, ' ');
		if (c->slot == SLOT_NONE) {
			buf_text(w->out, c->type);
		} else if (c->slot == SLOT_PATH && c->type != NULL) { /* stem and query apart */
			buf_printf(w->out, "%.*s %s", (int)query, m->at[SLOT_PATH],
				m->at[SLOT_PATH][query] == 0 ? "-" : m->at[SLOT_PATH] + query + 1);
			(void)tell(w, m, SLOT_JOINED);
		} else if (c->slot == SLOT_AGENT) {
			for (const char *p = tell(w, m, SLOT_AGENT); *p != 0; p++)
				buf_char(w->out, *p == ' ' ? '+' : *p);
		} else {
			buf_text(w->out, tell(w, m, c->slot));
		}
	}
	buf_text(w->out, "\n");
}

/* ---- name servers ---------------------------------------------------------------------------- */

static void bind(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	(void)f;
	buf_printf(w->out, "21-Sep-2026 %02u:%02u:%02u.000 queries: info: client @0x7f00 %s#5353 ",
		CLOCK(i), tell(w, m, SLOT_SOURCE));
	buf_printf(w->out, "(%s): query: %s IN A + (%s)\n", m->at[SLOT_QUERY],
		tell(w, m, SLOT_QUERY), tell(w, m, SLOT_TARGET));
}

static void unbound(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	(void)f;
	buf_printf(w->out, "[%u] unbound[2001:0] info: %s ", 1790000000 + i,
		tell(w, m, SLOT_SOURCE));
	buf_printf(w->out, "%s A IN", tell(w, m, SLOT_QUERY));
	buf_text(w->out, i % 2 == 0 ? "\n" : " NOERROR 0.002180 0 59\n");
}

static void dnsmasq(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	(void)f;
	buf_printf(w->out, "Sep 21 %02u:%02u:%02u dnsmasq[2011]: ", CLOCK(i));
	if (i % 3 == 0) {
		buf_printf(w->out, "query[A] %s from ", tell(w, m, SLOT_QUERY));
		buf_printf(w->out, "%s\n", tell(w, m, SLOT_SOURCE));
	} else if (i % 3 == 1) {
		buf_printf(w->out, "reply %s is ", tell(w, m, SLOT_QUERY));
		buf_printf(w->out, "%s\n", tell(w, m, SLOT_TARGET));
	} else {
		buf_printf(w->out, "forwarded %s to ", tell(w, m, SLOT_QUERY));
		buf_printf(w->out, "%s\n", tell(w, m, SLOT_TARGET));
	}
}

static void powerdns(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	bool six = strchr(m->at[SLOT_SOURCE], ':') != NULL;

	(void)f;
	buf_printf(w->out, "Sep 21 %02u:%02u:%02u 3 [1/1] %squestion for '%s|A' from ", CLOCK(i),
		i % 2 == 0 ? "" : "TCP ", tell(w, m, SLOT_QUERY));
	buf_printf(w->out, "%s%s%s:48286\n", six ? "[" : "", tell(w, m, SLOT_SOURCE), six ? "]" : "");
}

static void powerdns_structured(
	struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	bool six = strchr(m->at[SLOT_SOURCE], ':') != NULL;

	(void)f;
	buf_printf(w->out,
		"Sep 21 %02u:%02u:%02u msg=\"Question\" subsystem=\"syncres\" level=\"0\" prio="
		"\"Info\" ts=\"%u.409\" proto=\"udp\" qname=\"%s\" qtype=\"A\" remote=\"",
		CLOCK(i), 1790000000 + i, tell(w, m, SLOT_QUERY));
	buf_printf(w->out, "%s%s%s:55746\"\n", six ? "[" : "", tell(w, m, SLOT_SOURCE),
		six ? "]" : "");
}

static void powerdns_authoritative(
	struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	(void)f;
	buf_printf(w->out, "Sep 21 %02u:%02u:%02u Remote %s wants ", CLOCK(i),
		tell(w, m, SLOT_SOURCE));
	buf_printf(w->out, "'%s|A', do = 0, bufsize = 1232: packetcache MISS\n",
		tell(w, m, SLOT_QUERY));
}

/* ---- proxies and web servers ----------------------------------------------------------------- */

static void squid(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	(void)f;
	buf_printf(w->out, "%u.070 31 %s ", 1790000000 + i, tell(w, m, SLOT_SOURCE));
	if (i % 4 == 0)
		buf_printf(w->out, "TCP_TUNNEL/200 189 CONNECT %s:443", tell(w, m, SLOT_HOST));
	else
		buf_printf(w->out, "TCP_MISS/200 4834 GET %s%s",
			strstr(m->at[SLOT_URL], "://") == NULL ? "http://" : "",
			tell(w, m, SLOT_URL));
	buf_printf(w->out, " - HIER_DIRECT/%s text/html\n", tell(w, m, SLOT_TARGET));
}

static void combined(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	(void)f;
	buf_printf(w->out, "%s:80 ", tell(w, m, SLOT_HOST));
	buf_printf(w->out, "%s - - [21/Sep/2026:%02u:%02u:%02u +0000] \"GET %s HTTP/1.1\" 200 17 ",
		tell(w, m, SLOT_SOURCE), CLOCK(i), m->at[SLOT_PATH]);
	(void)tell(w, m, SLOT_JOINED);
	buf_printf(w->out, "\"%s\" ", tell(w, m, SLOT_REFERRER));
	buf_printf(w->out, "\"%s\"\n", tell(w, m, SLOT_AGENT));
}

/* ---- syslog ---------------------------------------------------------------------------------- */

/* Values between the words of a sentence. */
static void sentence(struct writing *w, const struct made *m)
{
	buf_printf(w->out, "connection from %s ", tell(w, m, SLOT_SOURCE));
	buf_printf(w->out, "to %s, asked for %s, ", tell_word(w, m, SLOT_TARGET), m->at[SLOT_QUERY]);
	(void)tell(w, m, SLOT_QUERY);
	buf_printf(w->out, "got <%s> ", tell_word(w, m, SLOT_URL));
	buf_printf(w->out, "mail=%s ", tell(w, m, SLOT_FROM));
	buf_printf(w->out, "(md5 %s; ", tell(w, m, SLOT_MD5));
	buf_printf(w->out, "sha1 %s; ", tell(w, m, SLOT_SHA1));
	buf_printf(w->out, "sha256=%s; ", tell(w, m, SLOT_SHA256));
	buf_printf(w->out, "\"%s\")\n", tell(w, m, SLOT_SHA512));
}

static void syslog_3164(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	(void)f;
	buf_printf(w->out, "<34>Sep 21 %02u:%02u:%02u gw1 guard[411]: ", CLOCK(i));
	sentence(w, m);
}

static void syslog_5424(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	(void)f;
	buf_printf(w->out,
		"<165>1 2026-09-21T%02u:%02u:%02u.003Z gw.plant.example guard 811 ID47 [meta@32473 "
		"seen=\"%s\" ",
		CLOCK(i), tell(w, m, SLOT_ANSWER));
	buf_printf(w->out, "page=\"%s\"] ", tell_word(w, m, SLOT_REFERRER));
	sentence(w, m);
}

static void syslog_cef(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	(void)f;
	buf_printf(w->out, "Sep 21 %02u:%02u:%02u fw3 CEF:0|Vendor|Wall|1.0|100|blocked|5|src=%s ",
		CLOCK(i), tell(w, m, SLOT_SOURCE));
	buf_printf(w->out, "dst=%s ", tell(w, m, SLOT_TARGET));
	buf_printf(w->out, "smac=%s ", tell(w, m, SLOT_MAC));
	buf_printf(w->out, "fileHash=%s ", tell(w, m, SLOT_SHA256));
	buf_printf(w->out, "fname=%s ", tell(w, m, SLOT_FILE));
	buf_printf(w->out, "requestClientApplication=%s ", tell(w, m, SLOT_AGENT));
	buf_printf(w->out, "suser=%s ", tell(w, m, SLOT_FROM));
	buf_printf(w->out, "dhost=%s ", tell(w, m, SLOT_HOST));
	buf_text(w->out, "request=");
	for (const char *p = tell(w, m, SLOT_URL); *p != 0; p++)
		buf_printf(w->out, *p == '=' ? "\\=" : "%c", *p);
	buf_text(w->out, "\n");
}

static void plain_text(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	(void)f;
	(void)i;
	buf_text(w->out, "Shift book: ");
	sentence(w, m);
}

/* ---- flows ----------------------------------------------------------------------------------- */

static void flow_line(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	bool source_six = strchr(m->at[SLOT_SOURCE], ':') != NULL;
	bool target_six = strchr(m->at[SLOT_TARGET], ':') != NULL;

	(void)f;
	buf_printf(w->out, "2026-09-21 %02u:%02u:%02u.182     00:01:21.896 TCP %24s%c51514 -> ",
		CLOCK(i), tell(w, m, SLOT_SOURCE), source_six ? '.' : ':');
	buf_printf(w->out, "%24s%c443   181   8522     1\n", tell(w, m, SLOT_TARGET),
		target_six ? '.' : ':');
}

static void flow_numbers_address(struct writing *w, const struct made *m, enum slot slot, bool six)
{
	uint8_t bytes[16] = {0};
	unsigned a, b, c, d;

	if (!six) {
		assert_int_equal(sscanf(m->at[slot], "%u.%u.%u.%u", &a, &b, &c, &d), 4);
		buf_printf(w->out, "|0|0|0|%u", a << 24 | b << 16 | c << 8 | d);
	} else {
		assert_int_equal(event_address_parse(slice_of(m->at[slot]), bytes), 16);
		for (unsigned k = 0; k < 16; k += 4)
			buf_printf(w->out, "|%u",
				(unsigned)bytes[k] << 24 | (unsigned)bytes[k + 1] << 16 |
					(unsigned)bytes[k + 2] << 8 | bytes[k + 3]);
	}
	(void)tell(w, m, slot);
}

/* One family in a flow: the source's, when the target is of the other. */
static void flow_numbers(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	uint8_t bytes[16];
	bool six = event_address_parse(slice_of(m->at[SLOT_SOURCE]), bytes) == 16;
	bool same = (event_address_parse(slice_of(m->at[SLOT_TARGET]), bytes) == 16) == six;
	struct made plain = *m;

	(void)f;
	if (strncmp(plain.at[SLOT_SOURCE], "::ffff:", 7) == 0)
		memmove(plain.at[SLOT_SOURCE], m->at[SLOT_SOURCE] + 7, MADE_MAX - 7);
	if (strncmp(plain.at[SLOT_TARGET], "::ffff:", 7) == 0)
		memmove(plain.at[SLOT_TARGET], m->at[SLOT_TARGET] + 7, MADE_MAX - 7);
	buf_printf(w->out, "%d|%u182|%u078|6", six ? 10 : 2, 1790000000 + i, 1790000001 + i);
	flow_numbers_address(w, &plain, SLOT_SOURCE, six);
	buf_text(w->out, "|51514");
	flow_numbers_address(w, &plain, same ? SLOT_TARGET : SLOT_SOURCE, six);
	buf_text(w->out, "|443|64511|64512|0|0|26|0|181|8522\n");
}

/* ---- STIX ------------------------------------------------------------------------------------ */

struct observed {
	struct writing *w;
	struct buf objects, ids;
	unsigned i, number;
	bool old; /* 2.0: objects inside the observation */
};

static void object_begin(struct observed *o, const char *type)
{
	if (o->number > 0)
		buf_text(&o->objects, ",");
	if (o->old) {
		buf_printf(&o->objects, "\"%u\":{\"type\":\"%s\"", o->number, type);
	} else {
		buf_printf(&o->objects,
			"{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s--0e9dbd6b-6a5c-5a54-"
			"8c64-%06x%06x\"",
			type, type, o->i, o->number);
		buf_printf(&o->ids, "%s\"%s--0e9dbd6b-6a5c-5a54-8c64-%06x%06x\"",
			o->number > 0 ? "," : "", type, o->i, o->number);
	}
	o->number++;
}

static void object_one(struct observed *o, const struct made *m, enum slot slot, const char *type,
	const char *property)
{
	object_begin(o, type);
	buf_printf(&o->objects, ",\"%s\":", property);
	if (slot == SLOT_ASN)
		buf_text(&o->objects, m->at[slot]);
	else
		json_text(&o->objects, m->at[slot], o->i % 2 == 1);
	buf_text(&o->objects, "}");
	(void)tell(o->w, m, slot);
}

static void stix_objects(struct observed *o, const struct made *m)
{
	static const struct {
		enum slot slot;
		const char *name;
	} digests[] = {
		{SLOT_MD5,    "MD5"    },
		{SLOT_SHA1,   "SHA-1"  },
		{SLOT_SHA256, "SHA-256"},
		{SLOT_SHA512, "SHA-512"},
		{SLOT_SSDEEP, "SSDEEP" },
	};
	bool source_six = strchr(m->at[SLOT_SOURCE], ':') != NULL;
	bool target_six = strchr(m->at[SLOT_TARGET], ':') != NULL;

	object_one(o, m, SLOT_SOURCE, source_six ? "ipv6-addr" : "ipv4-addr", "value");
	object_one(o, m, SLOT_TARGET, target_six ? "ipv6-addr" : "ipv4-addr", "value");
	object_one(o, m, SLOT_QUERY, "domain-name", "value");
	object_one(o, m, SLOT_URL, "url", "value");
	object_one(o, m, SLOT_FROM, "email-addr", "value");
	object_one(o, m, SLOT_TO, "email-addr", "value");
	object_one(o, m, SLOT_MAC, "mac-addr", "value");
	object_one(o, m, SLOT_ASN, "autonomous-system", "number");
	object_begin(o, "x509-certificate");
	buf_printf(&o->objects, ",\"hashes\":{\"SHA-1\":\"%s\"}}", tell(o->w, m, SLOT_CERTIFICATE));
	object_begin(o, "file");
	buf_printf(&o->objects, ",\"name\":\"%s\"", tell(o->w, m, SLOT_FILE));
	for (size_t k = 0; k < COUNT_OF(digests); k++)
		buf_printf(&o->objects, "%s\"%s\":\"%s\"", k == 0 ? ",\"hashes\":{" : ",",
			digests[k].name, tell(o->w, m, digests[k].slot));
	buf_printf(&o->objects, "},\"extensions\":{\"windows-pebinary-ext\":{\"imphash\":\"%s\"}}}",
		tell(o->w, m, SLOT_IMPHASH));
}

static void stix_21(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	struct observed o = {.w = w, .objects = BUF_INIT, .ids = BUF_INIT, .i = i};

	(void)f;
	stix_objects(&o, m);
	buf_printf(w->out,
		"{\"type\":\"bundle\",\"id\":\"bundle--6b3c8a1e-2f0a-4a0e-8f3f-%012x\",\"objects\":"
		"[{\"type\":\"observed-data\",\"spec_version\":\"2.1\",\"id\":\"observed-data--"
		"7d5a3c3e-3a2b-4f0e-9d53-%012x\",\"first_observed\":\"2026-09-21T%02u:%02u:%02uZ\","
		"\"object_refs\":[%.*s]},%.*s]}\n",
		i, i, CLOCK(i), (int)o.ids.len, o.ids.data, (int)o.objects.len, o.objects.data);
	buf_fini(&o.objects);
	buf_fini(&o.ids);
}

static void stix_20(struct writing *w, const struct form *f, const struct made *m, unsigned i)
{
	struct observed o = {.w = w, .objects = BUF_INIT, .ids = BUF_INIT, .i = i, .old = true};

	(void)f;
	stix_objects(&o, m);
	buf_printf(w->out,
		"{\"type\":\"observed-data\",\"id\":\"observed-data--7d5a3c3e-3a2b-4f0e-9d53-%012x"
		"\",\"first_observed\":\"2026-09-21T%02u:%02u:%02uZ\",\"number_observed\":1,"
		"\"objects\":{%.*s}}\n",
		i, CLOCK(i), (int)o.objects.len, o.objects.data);
	buf_fini(&o.objects);
	buf_fini(&o.ids);
}

/* ---- the table ------------------------------------------------------------------------------- */

#define ENDS {"id.orig_h", SLOT_SOURCE, "addr"}, {"id.resp_h", SLOT_TARGET, "addr"}
#define EVE_ENDS {"src_ip", SLOT_SOURCE, NULL}, {"dest_ip", SLOT_TARGET, NULL}

static const struct cell zeek_dns[] = {
	ENDS, {"query", SLOT_QUERY, NULL}, {"answers", SLOT_ANSWER, "vector[string]"}};
static const struct cell zeek_http[] = {ENDS, {"host", SLOT_HOST, NULL}, {"uri", SLOT_PATH, NULL},
	{"referrer", SLOT_REFERRER, NULL}, {"user_agent", SLOT_AGENT, NULL}};
static const struct cell zeek_ssl[] = {ENDS, {"server_name", SLOT_SNI, NULL},
	{"cert_chain_fps", SLOT_CERTIFICATE, "vector[string]"}, {"ja3", SLOT_JA3, NULL},
	{"ja3s", SLOT_JA3S, NULL}, {"ja4", SLOT_JA4, NULL}};
static const struct cell zeek_files[] = {{"tx_hosts", SLOT_SOURCE, "set[addr]"},
	{"rx_hosts", SLOT_TARGET, "set[addr]"}, {"filename", SLOT_FILE, NULL},
	{"md5", SLOT_MD5, NULL}, {"sha1", SLOT_SHA1, NULL}, {"sha256", SLOT_SHA256, NULL},
	{"sha512", SLOT_SHA512, NULL}, {"imphash", SLOT_IMPHASH, NULL},
	{"ssdeep", SLOT_SSDEEP, NULL}};
static const struct cell zeek_smtp[] = {
	ENDS, {"mailfrom", SLOT_FROM, NULL}, {"rcptto", SLOT_TO, "set[string]"}};
static const struct cell zeek_dhcp[] = {{"client_addr", SLOT_SOURCE, "addr"},
	{"mac", SLOT_MAC, NULL}, {"client_fqdn", SLOT_HOST, NULL}};
static const struct cell zeek_plain[] = {
	ENDS, {"url", SLOT_URL, NULL}, {"san.email", SLOT_FROM, "vector[string]"}};

static const struct cell eve_dns[] = {EVE_ENDS, {"dns.rrname", SLOT_QUERY, NULL},
	{"dns.rrtype", SLOT_NONE, "\"A\""}, {"dns.grouped.A", SLOT_ANSWER, "[]"}};
static const struct cell eve_http[] = {EVE_ENDS, {"dest_port", SLOT_NONE, "80"},
	{"ether.src_mac", SLOT_MAC, NULL}, {"http.hostname", SLOT_HOST, NULL},
	{"http.url", SLOT_PATH, NULL}, {"http.http_user_agent", SLOT_AGENT, NULL},
	{"http.http_refer", SLOT_REFERRER, NULL}, {"http.redirect", SLOT_URL, NULL}};
static const struct cell eve_tls[] = {EVE_ENDS, {"tls.fingerprint", SLOT_CERTIFICATE, NULL},
	{"tls.sni", SLOT_SNI, NULL}, {"tls.ja3.hash", SLOT_JA3, NULL},
	{"tls.ja3s.hash", SLOT_JA3S, NULL}, {"tls.ja4", SLOT_JA4, NULL}};
static const struct cell eve_file[] = {EVE_ENDS, {"fileinfo.filename", SLOT_FILE, NULL},
	{"fileinfo.md5", SLOT_MD5, NULL}, {"fileinfo.sha1", SLOT_SHA1, NULL},
	{"fileinfo.sha256", SLOT_SHA256, NULL}};
static const struct cell eve_smtp[] = {EVE_ENDS, {"smtp.helo", SLOT_HOST, NULL},
	{"smtp.mail_from", SLOT_FROM, NULL}, {"smtp.rcpt_to", SLOT_TO, "[]"}};

static const struct cell ecs[] = {{"source.ip", SLOT_SOURCE, NULL}, {"source.mac", SLOT_MAC, NULL},
	{"source.as.number", SLOT_ASN, "number"}, {"destination.ip", SLOT_TARGET, NULL},
	{"dns.question.name", SLOT_QUERY, NULL}, {"dns.resolved_ip", SLOT_ANSWER, "[]"},
	{"url.full", SLOT_URL, NULL}, {"url.domain", SLOT_HOST, NULL},
	{"http.request.referrer", SLOT_REFERRER, NULL}, {"user_agent.original", SLOT_AGENT, NULL},
	{"email.from.address", SLOT_FROM, "[]"}, {"email.to.address", SLOT_TO, "[]"},
	{"file.name", SLOT_FILE, NULL}, {"file.hash.md5", SLOT_MD5, NULL},
	{"file.hash.sha1", SLOT_SHA1, NULL}, {"file.hash.sha256", SLOT_SHA256, NULL},
	{"file.hash.sha512", SLOT_SHA512, NULL}, {"file.hash.ssdeep", SLOT_SSDEEP, NULL},
	{"file.pe.imphash", SLOT_IMPHASH, NULL}, {"tls.client.server_name", SLOT_SNI, NULL},
	{"tls.client.ja3", SLOT_JA3, NULL}, {"tls.client.ja4", SLOT_JA4, NULL},
	{"tls.server.ja3s", SLOT_JA3S, NULL}, {"tls.server.hash.sha1", SLOT_CERTIFICATE, NULL}};

/* Names of no known tool; the mapping says what they are. */
static const struct cell mapped[] = {{"q1", SLOT_SOURCE, NULL}, {"q2", SLOT_TARGET, NULL},
	{"q3", SLOT_ANSWER, NULL}, {"q4", SLOT_QUERY, NULL}, {"q5", SLOT_SNI, NULL},
	{"q6", SLOT_HOST, NULL}, {"q7", SLOT_URL, NULL}, {"q8", SLOT_REFERRER, NULL},
	{"q9", SLOT_AGENT, NULL}, {"q10", SLOT_FROM, NULL}, {"q11", SLOT_TO, NULL},
	{"q12", SLOT_MD5, NULL}, {"q13", SLOT_SHA1, NULL}, {"q14", SLOT_SHA256, NULL},
	{"q15", SLOT_SHA512, NULL}, {"q16", SLOT_IMPHASH, NULL}, {"q17", SLOT_SSDEEP, NULL},
	{"q18", SLOT_CERTIFICATE, NULL}, {"q19", SLOT_JA3, NULL}, {"q20", SLOT_JA3S, NULL},
	{"q21", SLOT_JA4, NULL}, {"q22", SLOT_ASN, NULL}, {"q23", SLOT_MAC, NULL},
	{"q24", SLOT_FILE, NULL}};
#define MAPPED                                                                                     \
	"q1 = source.address\nq2 = destination.address\nq3 = dns.answer\nq4 = dns.query\n"         \
	"q5 = tls.sni\nq6 = host\nq7 = url\nq8 = http.referrer\nq9 = user_agent\n"                 \
	"q10 = email.from\nq11 = email.to\nq12 = file.hash\nq13 = file.hash\nq14 = file.hash\n"    \
	"q15 = file.hash\nq16 = file.imphash\nq17 = file.ssdeep\nq18 = tls.certificate\n"          \
	"q19 = tls.ja3\nq20 = tls.ja3s\nq21 = tls.ja4\nq22 = asn\nq23 = mac\nq24 = file.name\n"

static const struct cell csv_known[] = {{"src_ip", SLOT_SOURCE, NULL}, {"dst_ip", SLOT_TARGET, NULL},
	{"query", SLOT_QUERY, NULL}, {"answer", SLOT_ANSWER, NULL}, {"sni", SLOT_SNI, NULL},
	{"fullurl", SLOT_URL, NULL}, {"referer", SLOT_REFERRER, NULL},
	{"user_agent", SLOT_AGENT, NULL}, {"sender", SLOT_FROM, NULL}, {"mail_to", SLOT_TO, NULL},
	{"md5", SLOT_MD5, NULL}, {"sha1", SLOT_SHA1, NULL}, {"sha256", SLOT_SHA256, NULL},
	{"sha512", SLOT_SHA512, NULL}, {"imphash", SLOT_IMPHASH, NULL},
	{"ssdeep", SLOT_SSDEEP, NULL}, {"certsha1", SLOT_CERTIFICATE, NULL},
	{"ja3", SLOT_JA3, NULL}, {"ja3s", SLOT_JA3S, NULL}, {"ja4", SLOT_JA4, NULL},
	{"asn", SLOT_ASN, NULL}, {"mac", SLOT_MAC, NULL}, {"filename", SLOT_FILE, NULL}};

static const struct cell iis[] = {{"s-ip", SLOT_TARGET, NULL}, {"cs-method", SLOT_NONE, "GET"},
	{"cs-uri-stem cs-uri-query", SLOT_PATH, "split"}, {"s-port", SLOT_NONE, "443"},
	{"c-ip", SLOT_SOURCE, NULL}, {"cs(User-Agent)", SLOT_AGENT, NULL},
	{"cs(Referer)", SLOT_REFERRER, NULL}, {"cs-host", SLOT_HOST, NULL},
	{"sc-status", SLOT_NONE, "200"}};
static const struct cell proxy[] = {{"c-ip", SLOT_SOURCE, NULL}, {"cs-uri", SLOT_URL, NULL},
	{"r-ip", SLOT_TARGET, NULL}, {"sc-status", SLOT_NONE, "200"}};

static const struct cell flow_csv[] = {{"te", SLOT_NONE, "2026-09-21 06:19:22"},
	{"td", SLOT_NONE, "81.896"}, {"sa", SLOT_SOURCE, NULL}, {"da", SLOT_TARGET, NULL},
	{"sp", SLOT_NONE, "51514"}, {"dp", SLOT_NONE, "443"}, {"pr", SLOT_NONE, "TCP"},
	{"ibyt", SLOT_NONE, "8522"}, {"sas", SLOT_ASN, NULL}, {"ismc", SLOT_MAC, NULL}};
static const struct cell silk[] = {{"sIP", SLOT_SOURCE, NULL}, {"dIP", SLOT_TARGET, NULL},
	{"sPort", SLOT_NONE, "51514"}, {"dPort", SLOT_NONE, "443"}, {"pro", SLOT_NONE, "6"},
	{"bytes", SLOT_NONE, "8522"}};
static const struct cell ipfix[] = {{"sourceIPv4Address", SLOT_SOURCE, NULL},
	{"destinationIPv4Address", SLOT_TARGET, NULL}, {"protocolIdentifier", SLOT_NONE, "6"},
	{"octetDeltaCount", SLOT_NONE, "8522"}, {"bgpSourceAsNumber", SLOT_ASN, NULL},
	{"sourceMacAddress", SLOT_MAC, NULL}};

#define CELLS(array) (array), COUNT_OF(array)
#define NO_CELLS     NULL, 0

const struct form forms[] = {
	{"zeek dns", "dns.log", LOGS_ZEEK_TSV, zeek_tsv, CELLS(zeek_dns), "dns", NULL, NULL},
	{"zeek http", "http.log", LOGS_ZEEK_TSV, zeek_tsv, CELLS(zeek_http), "http", NULL, NULL},
	{"zeek ssl", "ssl.log", LOGS_ZEEK_TSV, zeek_tsv, CELLS(zeek_ssl), "ssl", NULL, NULL},
	{"zeek files", "files.log", LOGS_ZEEK_TSV, zeek_tsv, CELLS(zeek_files), "files", NULL,
		NULL},
	{"zeek smtp", "smtp.log", LOGS_ZEEK_TSV, zeek_tsv, CELLS(zeek_smtp), "smtp", NULL, NULL},
	{"zeek dhcp", "dhcp.log", LOGS_ZEEK_TSV, zeek_tsv, CELLS(zeek_dhcp), "dhcp", NULL, NULL},
	{"zeek other", "site.log", LOGS_ZEEK_TSV, zeek_tsv, CELLS(zeek_plain), "site", NULL, NULL},
	{"zeek json dns", "dns.json", LOGS_ZEEK_JSON, zeek_json, CELLS(zeek_dns), NULL, NULL, NULL},
	{"zeek json http", "http.json", LOGS_ZEEK_JSON, zeek_json, CELLS(zeek_http), NULL, NULL,
		NULL},
	{"zeek json ssl", "ssl.json", LOGS_ZEEK_JSON, zeek_json, CELLS(zeek_ssl), NULL, NULL, NULL},
	{"zeek json files", "files.json", LOGS_ZEEK_JSON, zeek_json, CELLS(zeek_files), NULL,
		NULL, NULL},
	{"zeek json smtp", "smtp.json", LOGS_ZEEK_JSON, zeek_json, CELLS(zeek_smtp), NULL, NULL,
		NULL},
	{"zeek json other", "site.json", LOGS_ZEEK_JSON, zeek_json, CELLS(zeek_plain), NULL, NULL,
		NULL},
	{"eve dns", "eve-dns.json", LOGS_EVE, json_nested, CELLS(eve_dns), "dns", NULL, NULL},
	{"eve http", "eve-http.json", LOGS_EVE, json_nested, CELLS(eve_http), "http", NULL, NULL},
	{"eve tls", "eve-tls.json", LOGS_EVE, json_nested, CELLS(eve_tls), "tls", NULL, NULL},
	{"eve fileinfo", "eve-file.json", LOGS_EVE, json_nested, CELLS(eve_file), "fileinfo",
		NULL, NULL},
	{"eve smtp", "eve-smtp.json", LOGS_EVE, json_nested, CELLS(eve_smtp), "smtp", NULL, NULL},
	{"ndjson ecs", "beats.ndjson", LOGS_NDJSON, json_nested, CELLS(ecs), NULL, NULL, NULL},
	{"ndjson mapped", "site.ndjson", LOGS_NDJSON, json_nested, CELLS(mapped), NULL, NULL,
		MAPPED},
	{"csv", "site.csv", LOGS_CSV, csv_row, CELLS(csv_known), "time", NULL, NULL},
	{"csv mapped", "mapped.csv", LOGS_CSV, csv_row, CELLS(mapped), "time", NULL,
		MAPPED "delimiter = semicolon\n"},
	{"bind", "query.log", LOGS_BIND, bind, NO_CELLS, NULL, NULL, NULL},
	{"unbound", "unbound.log", LOGS_UNBOUND, unbound, NO_CELLS, NULL, NULL, NULL},
	{"dnsmasq", "dnsmasq.log", LOGS_DNSMASQ, dnsmasq, NO_CELLS, NULL, NULL, NULL},
	{"powerdns", "pdns.log", LOGS_POWERDNS, powerdns, NO_CELLS, NULL, NULL, NULL},
	{"powerdns structured", "pdns2.log", LOGS_POWERDNS, powerdns_structured, NO_CELLS, NULL,
		NULL, NULL},
	{"powerdns authoritative", "pdns3.log", LOGS_POWERDNS, powerdns_authoritative, NO_CELLS,
		NULL, NULL, NULL},
	{"squid", "squid.log", LOGS_SQUID, squid, NO_CELLS, NULL, NULL, NULL},
	{"combined", "access.log", LOGS_COMBINED, combined, NO_CELLS, NULL, NULL, NULL},
	{"w3c iis", "iis.log", LOGS_W3C, w3c_row, CELLS(iis), NULL,
		"#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n", NULL},
	{"w3c proxy", "proxy.log", LOGS_W3C, w3c_row, CELLS(proxy), NULL,
		"#Software: SGOS 7.3.1.1\n", NULL},
	{"syslog 3164", "messages", LOGS_SYSLOG, syslog_3164, NO_CELLS, NULL, NULL, NULL},
	{"syslog 5424", "messages5", LOGS_SYSLOG, syslog_5424, NO_CELLS, NULL, NULL, NULL},
	{"syslog cef", "cef.log", LOGS_SYSLOG, syslog_cef, NO_CELLS, NULL, NULL, NULL},
	{"nfdump lines", "nfdump.txt", LOGS_NFDUMP, flow_line, NO_CELLS, NULL,
		"Date first seen Duration Proto Src IP Addr:Port Dst IP Addr:Port Packets Bytes Flows\n",
		NULL},
	{"nfdump csv", "nfdump.csv", LOGS_NFDUMP, csv_row, CELLS(flow_csv), "ts", NULL, NULL},
	{"nfdump pipe", "nfdump.pipe", LOGS_NFDUMP, flow_numbers, NO_CELLS, NULL, NULL, NULL},
	{"silk rwcut", "rwcut.txt", LOGS_NFDUMP, pipe_row, CELLS(silk), NULL, NULL, NULL},
	{"ipfix csv", "ipfix.csv", LOGS_NFDUMP, csv_row, CELLS(ipfix),
		"flowStartMilliseconds", NULL, NULL},
	{"stix 2.1", "seen.json", LOGS_STIX, stix_21, NO_CELLS, NULL, NULL, NULL},
	{"stix 2.0", "seen20.json", LOGS_STIX, stix_20, NO_CELLS, NULL, NULL, NULL},
	{"text", "shift.txt", LOGS_TEXT, plain_text, NO_CELLS, NULL, NULL, NULL},
};
const size_t forms_count = COUNT_OF(forms);

/* ---- files ----------------------------------------------------------------------------------- */

static void zeek_header(const struct form *f, struct buf *out)
{
	buf_printf(out,
		"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
		"#path\t%s\n#fields\tts",
		f->path);
	for (size_t k = 0; k < f->cells_count; k++)
		buf_printf(out, "\t%s", f->cells[k].name);
	buf_text(out, "\n#types\ttime");
	for (size_t k = 0; k < f->cells_count; k++)
		buf_printf(out, "\t%s", f->cells[k].type == NULL ? "string" : f->cells[k].type);
	buf_text(out, "\n");
}

static void names_header(
	const struct form *f, struct buf *out, const char *front, const char *between)
{
	buf_text(out, front);
	for (size_t k = 0; k < f->cells_count; k++)
		buf_printf(out, "%s%s", k > 0 || *front != 0 ? between : "", f->cells[k].name);
	buf_text(out, "\n");
}

void form_header(const struct form *f, struct buf *out, unsigned *ret_lines)
{
	size_t from = out->len;

	if (f->header != NULL)
		buf_text(out, f->header);
	if (f->write == zeek_tsv)
		zeek_header(f, out);
	else if (f->write == csv_row)
		names_header(f, out, f->path, f->mapping == NULL ? "," : ";");
	else if (f->write == w3c_row)
		names_header(f, out, "#Fields: date time", " ");
	else if (f->write == pipe_row)
		names_header(f, out, "", "|");
	*ret_lines = 0;
	for (size_t i = from; i < out->len; i++)
		*ret_lines += out->data[i] == '\n';
}

void form_write(const struct form *f, const struct naive *n, const struct made *events,
	size_t count, struct buf *out, struct naive_hits *expected, size_t looked[FIELD_KINDS])
{
	struct writing w = {.out = out, .n = n, .expected = expected};
	unsigned lines;

	form_header(f, out, &lines);
	for (size_t i = 0; i < count; i++) {
		w.record = lines + i + 1;
		f->write(&w, f, &events[i], (unsigned)i);
	}
	assert_false(out->bad);
	naive_hits_sort(expected);
	if (looked != NULL)
		memcpy(looked, w.looked, sizeof(w.looked));
}
