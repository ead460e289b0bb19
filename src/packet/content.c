/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Between connections and what they carry: guesses the protocol from the first bytes, hands ordered
 * bytes to its decoder, and turns plant messages into records.
 */
#include <stdlib.h>

#include "inside.h"

/* Enough for every plant protocol's own mark (TPKT 4, DNP3 2, Modbus 8, EtherNet/IP 24). */
#define PLANT_GUESS_MAX 24
/* Times that a plant stream may lose its way before it is not looked at any more. */
#define PLANT_LOST_MAX 8
/* Plant connections at once: each may hold PLANT_HELD_MAX for both directions. A control centre has
 * some hundreds. */
#define PLANT_STREAMS_MAX 1024

/* Kept of each direction until the guess is made: a greeting of a mail server fits, which comes
 * before the client says who it is. */
#define HEAD_MAX 256

enum content_mode { CONTENT_GUESSING, CONTENT_APP, CONTENT_PLANT, CONTENT_LOST };

struct heads {
	uint16_t len[2];
	uint8_t bytes[2][HEAD_MAX];
};

struct content {
	uint8_t mode;        /* enum content_mode */
	uint8_t lost;        /* how often */
	struct heads *heads; /* while guessing */
	struct app_stream *app;
	struct plant_stream *plant;
	size_t bytes; /* that app said it holds */
};

struct content_table {
	struct packet_reader *reader;
	struct flow_consumer consumer;
	size_t bytes, bytes_max; /* held by all app streams */
	uint32_t plants;
	bool streams;
};

/* ---- roles
 * ------------------------------------------------------------------------------------------------
 */

#define BIT(role) (UINT64_C(1) << (role)) /* event_role_bit, for tables */

#define ROLES_DNS  (BIT(ROLE_QUERY) | BIT(ROLE_ANSWER))
#define ROLES_WEB  (BIT(ROLE_HOST) | BIT(ROLE_URL) | BIT(ROLE_USER_AGENT) | BIT(ROLE_REFERRER))
#define ROLES_MAIL (BIT(ROLE_EMAIL_FROM) | BIT(ROLE_EMAIL_TO) | BIT(ROLE_EMAIL))
#define ROLES_FILE                                                                                 \
	(BIT(ROLE_FILE_NAME) | BIT(ROLE_FILE_HASH) | BIT(ROLE_IMPHASH) | BIT(ROLE_SSDEEP))
#define ROLES_TLS                                                                                  \
	(BIT(ROLE_SNI) | BIT(ROLE_CERTIFICATE_HASH) | BIT(ROLE_CERTIFICATE_NAME) | BIT(ROLE_JA3) | \
		BIT(ROLE_JA3S) | BIT(ROLE_JA4))
#define ROLES_PLANT                                                                                \
	(BIT(ROLE_PLANT_PROTOCOL) | BIT(ROLE_PLANT_FUNCTION) | BIT(ROLE_PLANT_OPERATION) |         \
		BIT(ROLE_PLANT_UNIT) | BIT(ROLE_PLANT_OBJECT) | BIT(ROLE_PLANT_VALUE) |            \
		BIT(ROLE_PLANT_DIRECTION))

static const struct {
	uint64_t wanted, belong; /* when one of the first is wanted, the second are told too */
} companions[] = {
	{ROLES_DNS,						   BIT(ROLE_QUERY_TYPE) | BIT(ROLE_RESPONSE_CODE)},
	{ROLES_WEB,						   BIT(ROLE_METHOD) | BIT(ROLE_STATUS)           },
	{ROLES_MAIL,						  BIT(ROLE_SUBJECT)                             },
	{ROLES_WEB | ROLES_FILE,				      BIT(ROLE_MIME)                                },
	{ROLES_WEB | ROLES_MAIL | ROLES_FILE | ROLES_TLS | ROLES_DNS, BIT(ROLE_SERVICE)                             },
};

/* A decoder none of whose fields is wanted is not started. */
static const uint64_t protocol_roles[] = {
	[APP_DNS] = ROLES_DNS,
	[APP_HTTP] = ROLES_WEB | ROLES_FILE | BIT(ROLE_ADDRESS),
	[APP_TLS] = ROLES_TLS,
	[APP_SMTP] = ROLES_MAIL | ROLES_FILE | BIT(ROLE_HOST),
};

uint64_t content_roles(uint64_t roles, bool plant)
{
	uint64_t all = roles;

	for (size_t i = 0; i < COUNT_OF(companions); i++)
		if ((roles & companions[i].wanted) != 0)
			all |= companions[i].belong;
	return plant ? all | ROLES_PLANT : all;
}

bool content_wants_streams(uint64_t roles)
{
	return (roles & (ROLES_DNS | ROLES_WEB | ROLES_MAIL | ROLES_FILE | ROLES_TLS)) != 0;
}

bool content_wants_dns(uint64_t roles)
{
	return (roles & ROLES_DNS) != 0;
}

/* ---- plant messages -------------------------------------------------------------------------- */

static void field_text(struct packet_out *o, enum event_role role, const char *text)
{
	packet_out_field(o, role, slice_of(text), false);
}

static void plant_told(void *context, const struct plant_message *m)
{
	struct packet_reader *r = context;
	struct packet_out *o = r->out;
	char direction[32];

	r->counts.messages[m->protocol]++;
	packet_out_record(o);
	field_text(o, ROLE_PLANT_PROTOCOL, plant_protocol_name(m->protocol));
	field_text(o, ROLE_PLANT_FUNCTION, m->function);
	field_text(o, ROLE_PLANT_OPERATION, plant_operation_name(m->operation));
	field_text(o, ROLE_PLANT_UNIT, m->unit);
	field_text(o, ROLE_PLANT_OBJECT, m->object);
	field_text(o, ROLE_PLANT_VALUE, m->value);
	snprintf(direction, sizeof(direction), "%s%s", plant_direction_name(m->direction),
		m->refused ? ", refused" : "");
	field_text(o, ROLE_PLANT_DIRECTION, direction);
}

/* ---- connections
 * ------------------------------------------------------------------------------------------------
 */

/* The ends of the packet at hand, as the connection sees them. */
static void at_flow(struct content_table *t, const struct flow *f)
{
	struct packet_out *o = t->reader->out;

	o->flow = f->id;
	o->reversed = o->packet != NULL && !flow_from_opener(f, o->packet);
	o->ended = f;
}

static uint16_t port_of(const struct flow *f, bool opener)
{
	/* Side 0, the client of the key, has its port in the upper half. */
	bool client = opener == (f->opener == 0);

	return (uint16_t)(f->key[4] >> (client ? 32 : 0));
}

static bool app_account(struct content_table *t, struct content *c)
{
	size_t now = app_stream_bytes(c->app);

	t->bytes += now - c->bytes;
	c->bytes = now;
	if (t->bytes <= t->bytes_max)
		return true;
	t->reader->counts.flows_dropped++;
	return false;
}

static bool plant_feed(
	struct content_table *t, struct content *c, unsigned direction, struct slice bytes)
{
	if (plant_stream_feed(c->plant, direction, bytes, plant_told, t->reader))
		return true;
	plant_stream_gap(c->plant, direction);
	return ++c->lost < PLANT_LOST_MAX;
}

static bool decoder_feed(
	struct content_table *t, struct content *c, unsigned direction, struct slice bytes)
{
	if (bytes.len == 0)
		return true;
	if (c->mode == CONTENT_PLANT)
		return plant_feed(t, c, direction, bytes);
	return app_stream_feed(c->app, direction, bytes, t->reader->out) && app_account(t, c);
}

static void content_close(struct content_table *t, struct content *c)
{
	t->bytes -= c->bytes;
	t->plants -= c->plant != NULL;
	if (c->app != NULL)
		app_stream_free(c->app);
	if (c->plant != NULL)
		plant_stream_free(c->plant);
	free(c->heads);
}

/* Is it known now what this is? False: it is nothing of ours. */
static bool guess(struct content_table *t, const struct flow *f, struct content *c)
{
	uint16_t from = port_of(f, true), to = port_of(f, false);
	const struct heads *h = c->heads;
	struct slice heads[2];
	enum app_protocol app = APP_NONE;
	enum plant_protocol plant = PLANT_NONE;
	bool more = false;

	for (unsigned d = 0; d < 2; d++)
		heads[d] = (struct slice){(const char *)h->bytes[d],
			h->len[d] < APP_GUESS_MAX ? h->len[d] : APP_GUESS_MAX};
	if (t->reader->options.plant && t->plants < PLANT_STREAMS_MAX) {
		for (unsigned d = 0; d < 2 && plant == PLANT_NONE; d++) {
			if (heads[d].len > 0)
				plant = plant_guess_stream(
					d == 0 ? from : to, d == 0 ? to : from, heads[d]);
			more |= heads[d].len > 0 && heads[d].len < PLANT_GUESS_MAX;
		}
		if (plant != PLANT_NONE) {
			c->plant = plant_stream_new(plant);
			c->mode = CONTENT_PLANT;
			t->plants += c->plant != NULL;
			return c->plant != NULL;
		}
	}
	if (t->streams)
		app = app_guess(from, to, heads[0], heads[1]);
	if (app == APP_UNDECIDED)
		return heads[0].len < APP_GUESS_MAX;
	if (app == APP_NONE)
		return more;
	if ((t->reader->roles & protocol_roles[app]) == 0)
		return false;
	c->app = app_stream_new(app);
	c->mode = CONTENT_APP;
	return c->app != NULL;
}

/* Until the guess is made both directions are kept; they are short. */
static bool content_guess(struct content_table *t, struct flow *f, struct content *c,
	unsigned direction, struct slice bytes)
{
	struct heads *h = c->heads;
	size_t kept = h->len[direction], room = HEAD_MAX - kept;
	size_t n = bytes.len < room ? bytes.len : room;

	memcpy(h->bytes[direction] + kept, bytes.data, n);
	h->len[direction] = (uint16_t)(kept + n);
	if (!guess(t, f, c))
		return false;
	if (c->mode == CONTENT_GUESSING)
		return n == bytes.len;
	for (unsigned d = 0; d < 2; d++) {
		struct slice head = {(const char *)h->bytes[d], d == direction ? kept : h->len[d]};

		if (!decoder_feed(t, c, d, head) ||
			(d == direction && !decoder_feed(t, c, d, bytes)))
			return false;
	}
	return true;
}

static bool first_bytes(
	struct content_table *t, struct flow *f, unsigned direction, struct slice bytes)
{
	struct heads heads;
	struct content fresh = {.heads = &heads}, *c;
	bool more;

	heads.len[0] = heads.len[1] = 0;
	more = content_guess(t, f, &fresh, direction, bytes);
	/* Most connections are known, or known to be nothing, at once. */
	if (!more && fresh.mode == CONTENT_GUESSING)
		return false;
	fresh.heads = NULL;
	c = malloc(sizeof(*c));
	if (c != NULL && fresh.mode == CONTENT_GUESSING) {
		fresh.heads = malloc(sizeof(heads));
		if (fresh.heads != NULL)
			memcpy(fresh.heads, &heads, sizeof(heads));
	}
	if (c == NULL || (fresh.mode == CONTENT_GUESSING && fresh.heads == NULL)) {
		content_close(t, &fresh);
		free(c);
		return false;
	}
	*c = fresh;
	f->content = c;
	return more;
}

static bool flow_bytes(void *context, struct flow *f, unsigned direction, struct slice bytes)
{
	struct content_table *t = context;
	struct content *c = f->content;
	bool more;

	at_flow(t, f);
	if (c == NULL)
		return first_bytes(t, f, direction, bytes);
	if (c->mode == CONTENT_LOST)
		return false;
	if (c->mode != CONTENT_GUESSING)
		return decoder_feed(t, c, direction, bytes);
	more = content_guess(t, f, c, direction, bytes);
	if (c->mode != CONTENT_GUESSING) {
		free(c->heads);
		c->heads = NULL;
	}
	return more;
}

static void flow_gap(void *context, struct flow *f, unsigned direction, uint64_t bytes)
{
	struct content_table *t = context;
	struct content *c = f->content;

	if (c == NULL)
		return;
	at_flow(t, f);
	if (c->mode == CONTENT_APP)
		app_stream_gap(c->app, direction, bytes);
	else if (c->mode == CONTENT_PLANT)
		plant_stream_gap(c->plant, direction);
	else
		c->mode = CONTENT_LOST; /* its beginning is incomplete */
}

static void flow_ended(void *context, struct flow *f, unsigned direction)
{
	struct content_table *t = context;
	struct content *c = f->content;

	if (c == NULL || c->mode != CONTENT_APP)
		return;
	at_flow(t, f);
	app_stream_end(c->app, direction, t->reader->out);
}

static void flow_forgotten(void *context, struct flow *f)
{
	struct content_table *t = context;
	struct content *c = f->content;

	content_close(t, c);
	free(c);
}

struct content_table *content_new(struct packet_reader *r)
{
	struct content_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->reader = r;
	t->bytes_max = r->options.buffered_max;
	t->streams = content_wants_streams(r->roles);
	t->consumer = (struct flow_consumer){.bytes = flow_bytes,
		.gap = flow_gap,
		.end = flow_ended,
		.forget = flow_forgotten,
		.context = t};
	return t;
}

void content_free(struct content_table *t)
{
	free(t);
}

const struct flow_consumer *content_consumer(struct content_table *t)
{
	return &t->consumer;
}

/* ---- datagrams
 * ------------------------------------------------------------------------------------------------
 */

/* DNS, multicast DNS (RFC 6762), LLMNR (RFC 4795). */
static bool is_dns(uint16_t port)
{
	return port == 53 || port == 5353 || port == 5355;
}

void content_datagram(struct content_table *t, const struct packet *p)
{
	struct packet_reader *r = t->reader;
	struct slice bytes = {(const char *)p->payload, p->payload_len};
	enum plant_protocol plant;

	if (r->dns && (is_dns(p->source_port) || is_dns(p->destination_port))) {
		if (!app_dns(bytes, r->out) && p->payload_len == p->payload_wire)
			r->counts.malformed++;
		return;
	}
	if (!r->options.plant)
		return;
	plant = plant_guess_datagram(p->source_port, p->destination_port, bytes);
	if (plant != PLANT_NONE &&
		!plant_datagram(plant, !r->out->reversed, bytes, plant_told, r) &&
		p->payload_len == p->payload_wire)
		r->counts.malformed++;
}

void content_goose(struct content_table *t, const struct packet *p)
{
	struct packet_reader *r = t->reader;

	if (!plant_goose((struct slice){(const char *)p->payload, p->payload_len}, plant_told, r) &&
		p->payload_len == p->payload_wire)
		r->counts.malformed++;
}
