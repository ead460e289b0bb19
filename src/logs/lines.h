/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Between the readers of line formats. What a line says is put, item by item, into a struct
 * line_out: that fills the batch (wanted items only), an event (all of them), or only counts for
 * logs_guess, so that every format has one parser for all three.
 */
#ifndef LINES_H
#define LINES_H

#include "parts.h"

/* ---- items: what lines of text say, whatever tool wrote them --------------------------------- */

enum line_item {
	ITEM_TIME,
	ITEM_DEVICE,
	ITEM_PROCESS,
	ITEM_PID,
	ITEM_PRIORITY,
	ITEM_MESSAGE_ID,
	ITEM_CLIENT,      /* an address */
	ITEM_CLIENT_NAME, /* where a server looked the client's name up */
	ITEM_CLIENT_PORT,
	ITEM_SERVER,
	ITEM_SERVER_NAME,
	ITEM_SERVER_PORT,
	ITEM_ADDRESS, /* networks of clients, leases, translated addresses */
	ITEM_FORWARDED,
	ITEM_TRANSPORT,
	ITEM_SERVICE,
	ITEM_QUERY,
	ITEM_QUERY_TYPE,
	ITEM_RESPONSE_CODE,
	ITEM_ANSWER,
	ITEM_ZONE,
	ITEM_HOST,
	ITEM_URL,
	ITEM_PATH, /* a URL of which the log does not have the host */
	ITEM_METHOD,
	ITEM_STATUS,
	ITEM_BYTES_IN,  /* from the client */
	ITEM_BYTES_OUT, /* to the client */
	ITEM_USER_AGENT,
	ITEM_REFERRER,
	ITEM_USER,
	ITEM_MIME,
	ITEM_MAC,
	ITEM_ASN,
	ITEM_EMAIL_FROM,
	ITEM_EMAIL_TO,
	ITEM_FILE_NAME,
	ITEM_FILE_HASH,
	ITEM_COMMAND,
	ITEM_FLOW,
	ITEM_DETAIL, /* told to people, never looked up */
	ITEM_MESSAGE,
	LINE_ITEMS
};

/* How a value is written in its line. */
enum line_escape {
	ESCAPE_NONE,
	ESCAPE_WEB,     /* Apache, nginx: \" \\ \n \t \xHH */
	ESCAPE_QUOTE,   /* RFC 5424 section 6.3.3 and logfmt: \" \\ \] */
	ESCAPE_CEF,     /* \= \| \\ \n \r */
	ESCAPE_HAPROXY, /* #HH */
	ESCAPE_DOUBLED, /* RFC 4180: "" */
	ESCAPE_PLUS     /* IIS: + for a blank */
};

struct line_state {
	size_t columns[LINE_ITEMS]; /* COLUMNS_MAX: not wanted */
};

struct line_out {
	/* the batch: fields of r's current record */
	struct logs_reader *r;
	const struct line_state *state;
	/* or an event, in an arena */
	struct arena *a;
	struct event *event;
	struct slice time; /* the last ITEM_TIME */
	bool sure;         /* the line is certainly of this format */
	bool failed;       /* stopped or out of memory: puts do nothing */
};

/* Empty values and "-" are passed over; free text is cut into pieces that fit a field. */
void line_put(struct line_out *o, enum line_item item, struct slice value);
void line_put_escaped(
	struct line_out *o, enum line_item item, struct slice value, enum line_escape escape);
/* A value that does not stand in the line: it is copied. */
void line_put_copy(struct line_out *o, enum line_item item, struct slice value);
/* As the event's field is called, where the line has names. */
void line_put_named(struct line_out *o, enum line_item item, struct slice name, struct slice value,
	enum line_escape escape);
/* An address with a port behind `separator`, brackets and zone taken off; a name goes to item_name
 * (LINE_ITEMS: nowhere). */
void line_put_endpoint(struct line_out *o, enum line_item item_address, enum line_item item_name,
	enum line_item item_port, struct slice value, char separator);
/* Addresses between commas; what is none is free text. */
void line_put_addresses(struct line_out *o, enum line_item item, struct slice list);
/* host and path as one URL; a port that is the default of http or https is left out. */
void line_put_joined(struct line_out *o, struct slice scheme, struct slice host, struct slice port,
	struct slice path, struct slice query);
/* Unescape into `to`, which has room for value.len bytes; returns the length. */
size_t line_unescape(struct slice value, enum line_escape escape, char *to);
/* A column beside the items: the fast path has it in r's columns, events by name and role. */
void line_put_column(struct line_out *o, size_t column, struct slice name, enum event_role role,
	enum field_kind kind, struct slice value, enum line_escape escape);

/* ---- what rows of line formats share --------------------------------------------------------- */

/* False: not a line of this format. What was put before stays. */
typedef bool line_parse(struct line_out *o, struct slice line);

enum err_kind line_open(struct logs_reader *r, struct err *e);
void line_close(struct logs_reader *r);
void line_state_init(struct logs_reader *r, struct line_state *s);
/* A record of one line; what does not fit is counted and becomes free text, so that breaking a
 * line hides nothing. Blank lines are no records. */
bool line_read(struct logs_reader *r, const struct line_state *s, struct slice line,
	line_parse parse, const char *what);
bool line_detail(struct logs_reader *r, struct slice line, struct arena *a, struct event *ret_event,
	line_parse parse);
/* From half of `best` to all of it, by the share of the first lines that are surely of this format;
 * 0 when they are less than a fifth: daemons begin with what they say of themselves. */
unsigned line_guess(struct slice head, line_parse parse, unsigned best);
#define GUESS_LINES 64 /* looked at by one guess */

/* ---- the header that syslog and daemons put before their text -------------------------------- */

struct line_head {
	struct slice priority, time, host, process, pid, message_id;
	struct slice structured; /* RFC 5424: the elements with their brackets */
	struct slice rest;       /* behind the time */
	struct slice message;    /* behind all of it; the whole line when nothing was found */
	bool has_time;           /* or "-" in its place (RFC 5424) */
};

/* RFC 3164, RFC 5424, and what BIND, Unbound, dnsmasq and PowerDNS write to their own files. */
void line_head_parse(struct slice line, struct line_head *ret_head);
void line_head_put(struct line_out *o, const struct line_head *h);

/* What a known program wrote, as in its own log; else free text. */
void line_message_put(struct line_out *o, const struct line_head *h);

/* Text behind the header; false: not what such a program writes. */
typedef bool line_body(struct line_out *o, const struct line_head *h);
line_body bind_body, unbound_body, dnsmasq_body, powerdns_body, squid_body, web_body, cef_body;

/* ---- small scanning -------------------------------------------------------------------------- */

/* The next word; blanks before it are passed over. False at the end. */
static inline bool word_next(struct slice *rest, struct slice *ret_word)
{
	const char *p = rest->data, *end = p + rest->len, *from;

	while (p < end && *p == ' ')
		p++;
	for (from = p; p < end && *p != ' '; p++)
		;
	*ret_word = (struct slice){from, (size_t)(p - from)};
	*rest = (struct slice){p, (size_t)(end - p)};
	return ret_word->len != 0;
}

/* Take `text` off the front. */
static inline bool text_next(struct slice *rest, struct slice text)
{
	if (!slice_starts(*rest, text))
		return false;
	*rest = (struct slice){rest->data + text.len, rest->len - text.len};
	return true;
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_alpha(char c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

bool is_number(struct slice s); /* digits only, at least one */
/* The form of a dotted quad or of IPv6 text (not of a clock or a MAC address): enough to choose a
 * column. */
bool is_address(struct slice s);
bool is_mac(struct slice s);

/* ---- times and mappings ---------------------------------------------------------------------- */

/* By the mapping's own format where it gives one, else as logs_time. */
int64_t logs_mapping_time(
	const struct logs_mapping *m, struct slice text, const struct world *world);
/* "%Y-%m-%d %H:%M:%S.%f %z", or epoch, epoch-ms, epoch-us, epoch-ns. */
bool time_format_known(struct slice format);
int64_t time_by_format(struct slice text, struct slice format, const struct world *world);

#endif
