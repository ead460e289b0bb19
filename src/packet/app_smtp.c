/* SPDX-License-Identifier: MPL-2.0 */
/*
 * SMTP (RFC 5321): who mails whom, by the envelope and by the mail's own header, one record for
 * each mail; the names both servers give themselves; and TLS behind STARTTLS (RFC 3207).
 */
#include "app_parts.h"

#define MAILBOXES_MAX 64 /* of one header line */

static void role_add(struct app_smtp_stream *m, enum event_role role, struct slice text)
{
	uint8_t head[3] = {(uint8_t)role};

	if (text.len == 0 || m->envelope.len + text.len + sizeof(head) > SMTP_ENVELOPE_MAX)
		return;
	put_u16(head + 1, (uint16_t)text.len);
	m->envelope.bytes_max = SMTP_ENVELOPE_MAX;
	buf_append(&m->envelope, head, sizeof(head));
	buf_slice_append(&m->envelope, text);
}

/* The mail is known, or will not come. */
static void envelope_tell(struct app_smtp_stream *m, struct packet_out *out)
{
	struct reader r = {.rest = buf_slice(&m->envelope)};

	if (!m->envelope.bad && r.rest.len > 0) {
		packet_out_record(out);
		app_text(out, ROLE_SERVICE, SLICE("smtp"));
		while (r.rest.len > 0 && !r.bad) {
			uint8_t role = read_u8(&r);
			struct slice text = read_bytes(&r, read_u16(&r));

			app_text(out, (enum event_role)role, text);
		}
	}
	buf_fini(&m->envelope);
}

struct mailbox {
	struct app_smtp_stream *m;
	enum event_role role;
	struct packet_out *out;
};

static void mailbox_told(void *context, struct slice address)
{
	struct mailbox *b = context;

	/* A mail to hundreds is told in several records rather than cut. */
	if (b->m->envelope.len + address.len + 3 > SMTP_ENVELOPE_MAX)
		envelope_tell(b->m, b->out);
	role_add(b->m, b->role, address);
}

static void mailboxes_add(struct app_smtp_stream *m, enum event_role role, unsigned most,
	struct slice value, struct packet_out *out)
{
	struct mailbox b = {m, role, out};

	app_mailboxes(value, most, mailbox_told, &b);
}

static void host_tell(struct slice text, struct packet_out *out)
{
	text = slice_trim(text);
	text = slice_cut(text, 0, slice_find(text, ' ', 0));
	if (text.len == 0 || text.len > 255)
		return;
	/* An address literal: [192.0.2.1], [IPv6:2001:db8::1] (4.1.3). */
	if (text.data[0] == '[' && text.data[text.len - 1] == ']') {
		text = slice_cut(text, 1, text.len - 1);
		if (text.len > 5 && slice_equal_nocase(slice_cut(text, 0, 5), SLICE("IPv6:")))
			text = slice_cut(text, 5, text.len);
	}
	packet_out_record(out);
	app_text(out, ROLE_SERVICE, SLICE("smtp"));
	app_text(out, ROLE_HOST, text);
}

/* ---- the mail's own header (RFC 5322 3.6) ---------------------------------------------------- */

static const struct {
	struct slice name;
	enum event_role role;
} headers[] = {
	{{"From", 4},         ROLE_EMAIL_FROM},
	{{"To", 2},           ROLE_EMAIL_TO  },
	{{"Cc", 2},           ROLE_EMAIL_TO  },
	{{"Sender", 6},       ROLE_EMAIL     },
	{{"Reply-To", 8},     ROLE_EMAIL     },
	{{"Return-Path", 11}, ROLE_EMAIL     },
	{{"Subject", 7},      ROLE_SUBJECT   },
};

static void header_line(struct app_smtp_stream *m, struct slice line, struct packet_out *out)
{
	bool folded = line.len > 0 && (line.data[0] == ' ' || line.data[0] == '\t');
	size_t colon = folded ? 0 : slice_find(line, ':', 0);

	m->headers += (uint32_t)line.len + 2;
	if (line.len == 0 || m->headers > SMTP_HEADERS_MAX) {
		envelope_tell(m, out);
		m->mode = SMTP_BODY;
		return;
	}
	if (!folded) {
		m->header = ROLE_NONE;
		for (size_t i = 0; i < COUNT_OF(headers); i++)
			if (slice_equal_nocase(slice_cut(line, 0, colon), headers[i].name))
				m->header = (uint8_t)headers[i].role;
		line = slice_cut(line, colon + 1, line.len);
	}
	if (m->header == ROLE_SUBJECT)
		role_add(m, ROLE_SUBJECT, slice_cut(slice_trim(line), 0, KIB(1)));
	else if (m->header != ROLE_NONE)
		mailboxes_add(m, (enum event_role)m->header, MAILBOXES_MAX, line, out);
}

/* ---- commands ------------------------------------------------------------------------------- */

static void command_hello(struct app_smtp_stream *m, struct slice rest, struct packet_out *out)
{
	envelope_tell(m, out);
	host_tell(rest, out);
}

static void command_from(struct app_smtp_stream *m, struct slice rest, struct packet_out *out)
{
	envelope_tell(m, out);
	mailboxes_add(m, ROLE_EMAIL_FROM, 1, slice_cut(rest, 0, slice_find(rest, '>', 0)), out);
}

static void command_to(struct app_smtp_stream *m, struct slice rest, struct packet_out *out)
{
	mailboxes_add(m, ROLE_EMAIL_TO, 1, slice_cut(rest, 0, slice_find(rest, '>', 0)), out);
}

static void command_data(struct app_smtp_stream *m, struct slice rest, struct packet_out *out)
{
	(void)rest;
	(void)out;
	m->mode = SMTP_DATA_ASKED;
	m->headers = 0;
	m->header = ROLE_NONE;
}

/* RFC 3030 2: so many bytes follow, without dots doubled. */
static void command_chunk(struct app_smtp_stream *m, struct slice rest, struct packet_out *out)
{
	struct slice size;

	(void)out;
	rest = slice_trim(rest);
	if (!slice_next(&rest, ' ', &size) || !slice_to_u64(size, &m->chunk) || m->chunk == 0)
		return;
	if (!m->binary) {
		m->headers = 0;
		m->header = ROLE_NONE;
		m->mode = SMTP_HEADERS;
	}
	m->binary = true;
}

static void command_over(struct app_smtp_stream *m, struct slice rest, struct packet_out *out)
{
	(void)rest;
	m->binary = false;
	envelope_tell(m, out);
}

static void command_tls(struct app_smtp_stream *m, struct slice rest, struct packet_out *out)
{
	(void)rest;
	(void)out;
	m->starttls = true;
}

static const struct {
	struct slice verb;
	void (*read)(struct app_smtp_stream *m, struct slice rest, struct packet_out *out);
} commands[] = {
	{{"EHLO ", 5},       command_hello},
	{{"HELO ", 5},       command_hello},
	{{"LHLO ", 5},       command_hello},
	{{"MAIL FROM:", 10}, command_from },
	{{"RCPT TO:", 8},    command_to   },
	{{"DATA", 4},        command_data },
	{{"BDAT ", 5},       command_chunk},
	{{"RSET", 4},        command_over },
	{{"QUIT", 4},        command_over },
	{{"STARTTLS", 8},    command_tls  },
};

static void command_line(struct app_smtp_stream *m, struct slice line, struct packet_out *out)
{
	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		size_t n = commands[i].verb.len;

		if (line.len >= n && slice_equal_nocase(slice_cut(line, 0, n), commands[i].verb)) {
			commands[i].read(m, slice_cut(line, n, line.len), out);
			return;
		}
	}
}

/* ---- the stream ----------------------------------------------------------------------------- */

static void client_line(struct app_smtp_stream *m, struct slice line, struct packet_out *out)
{
	if (m->mode == SMTP_DATA_ASKED) /* refused: commands go on */
		m->mode = m->reply >= 400 ? SMTP_COMMANDS : SMTP_HEADERS;
	if (m->mode == SMTP_COMMANDS) {
		command_line(m, line, out);
		return;
	}
	if (slice_is(line, ".")) {
		envelope_tell(m, out);
		m->mode = SMTP_COMMANDS;
	} else if (m->mode == SMTP_HEADERS) {
		header_line(m, line, out);
	}
}

/* Lines of a counted chunk; the last may go on in the next one. */
static void chunk_feed(struct app_smtp_stream *m, struct slice *bytes, struct packet_out *out)
{
	size_t n = m->chunk < bytes->len ? (size_t)m->chunk : bytes->len;
	struct slice part = slice_cut(*bytes, 0, n), line;

	*bytes = slice_cut(*bytes, n, bytes->len);
	m->chunk -= n;
	while (m->mode == SMTP_HEADERS && app_line_next(&m->lines[0], &part, &line))
		header_line(m, line, out);
	if (m->chunk == 0) {
		app_lines_fini(&m->lines[0]);
		envelope_tell(m, out);
		if (m->mode == SMTP_BODY)
			m->mode = SMTP_COMMANDS;
	}
}

static void server_line(struct app_smtp_stream *m, struct slice line, struct packet_out *out)
{
	uint64_t code;

	if (line.len < 3 || !slice_to_u64(slice_cut(line, 0, 3), &code))
		return;
	m->reply = (uint16_t)code;
	if (code == 220 && !m->greeted && line.len > 4)
		host_tell(slice_cut(line, 4, line.len), out);
	m->greeted = true;
	if (code >= 400)
		m->starttls = false;
}

static bool smtp_feed(
	struct app_stream *s, unsigned direction, struct slice bytes, struct packet_out *out)
{
	struct app_smtp_stream *m = &s->smtp;
	struct slice line;

	for (;;) {
		/* A handshake record cannot be a command or a reply. */
		if (bytes.len > 0 && bytes.data[0] == 22 && m->starttls && m->chunk == 0) {
			envelope_tell(m, out);
			return app_stream_turn(s, direction, bytes, out);
		}
		if (direction == 0 && m->chunk > 0) {
			if (bytes.len == 0)
				return true;
			chunk_feed(m, &bytes, out);
			if (m->chunk == 0 && m->mode == SMTP_HEADERS)
				m->mode = SMTP_COMMANDS;
			continue;
		}
		if (!app_line_next(&m->lines[direction], &bytes, &line))
			return true;
		if (direction == 0)
			client_line(m, line, out);
		else
			server_line(m, line, out);
	}
}

/* Lines begin again by themselves; of a counted chunk the rest is still counted. */
static void smtp_gap(struct app_stream *s, unsigned direction, uint64_t bytes)
{
	struct app_smtp_stream *m = &s->smtp;

	app_lines_fini(&m->lines[direction]);
	if (direction == 0)
		m->chunk -= bytes < m->chunk ? bytes : m->chunk;
	m->lines[direction].cut = true; /* up to the next end of a line */
}

static void smtp_end(struct app_stream *s, unsigned direction, struct packet_out *out)
{
	if (direction == 0)
		envelope_tell(&s->smtp, out);
}

static size_t smtp_bytes(const struct app_stream *s)
{
	return s->smtp.lines[0].part.capacity + s->smtp.lines[1].part.capacity +
	       s->smtp.envelope.capacity;
}

static void smtp_fini(struct app_stream *s)
{
	app_lines_fini(&s->smtp.lines[0]);
	app_lines_fini(&s->smtp.lines[1]);
	buf_fini(&s->smtp.envelope);
}

const struct app_decoder app_smtp_decoder = {.feed = smtp_feed,
	.gap = smtp_gap,
	.end = smtp_end,
	.bytes = smtp_bytes,
	.fini = smtp_fini};
