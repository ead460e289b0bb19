/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Findings in the forms in which sites collect them: Elastic Common Schema and Suricata's EVE as
 * NDJSON, CEF over syslog (RFC 5424), and text for people. Every JSON form also has the plain
 * members file, line or frame, field, value and indicator.
 */
#include "finding.h"

static const char *const type_names[FINDING_TYPES] = {
	[FINDING_INDICATOR] = "indicator",
	[FINDING_PATTERN] = "pattern",
	[FINDING_PLANT] = "plant",
	[FINDING_LOSS] = "loss",
};

const char *finding_type_name(enum finding_type type)
{
	return (unsigned)type < FINDING_TYPES ? type_names[type] : "?";
}

bool sensor_output_parse(struct slice name, enum sensor_output *ret_output)
{
	static const char *const names[] = {[SENSOR_TEXT] = "text",
		[SENSOR_ECS] = "ecs",
		[SENSOR_EVE] = "eve",
		[SENSOR_CEF] = "cef"};

	for (unsigned k = 0; k < COUNT_OF(names); k++) {
		if (slice_is(name, names[k])) {
			*ret_output = (enum sensor_output)k;
			return true;
		}
	}
	return false;
}

unsigned finding_severity(const struct finding *f)
{
	unsigned severity;

	if (f->verdict.held)
		return 1;
	if (f->type == FINDING_LOSS)
		return 3;
	if (f->type == FINDING_PLANT)
		return 8;
	/* 40 to 100 of confidence become 5 to 9; a wide match is one less sure. */
	severity = f->entry.confidence < 0 ? 6 : 3 + (unsigned)f->entry.confidence * 6 / 100;
	if (f->type == FINDING_INDICATOR && f->how != INDEX_EXACT && severity > 1)
		severity--;
	return severity;
}

/* ---- parts shared by the JSON forms ---------------------------------------------------------- */

static const char *const indicator_types[FIELD_KINDS_STORED] = {
	[FIELD_ADDRESS] = "ipv4-addr",
	[FIELD_NAME] = "domain-name",
	[FIELD_URL] = "url",
	[FIELD_EMAIL] = "email-addr",
	[FIELD_HASH] = "file",
	[FIELD_ASN] = "autonomous-system",
	[FIELD_MAC] = "mac-addr",
	[FIELD_TEXT] = "text",
	[FIELD_CERTIFICATE] = "x509-certificate",
	[FIELD_JA3] = "tls-ja3",
	[FIELD_JA3S] = "tls-ja3s",
	[FIELD_JA4] = "tls-ja4",
	[FIELD_IMPHASH] = "file",
	[FIELD_SSDEEP] = "file",
};

static const char *indicator_type(const struct finding *f)
{
	if (f->type == FINDING_PATTERN)
		return "stix-pattern";
	if (f->type == FINDING_PLANT)
		return "plant-operation";
	if (f->type == FINDING_LOSS)
		return "sensor";
	if (f->kind == FIELD_ADDRESS && memchr(f->indicator.data, ':', f->indicator.len) != NULL)
		return "ipv6-addr";
	return f->kind < FIELD_KINDS_STORED && indicator_types[f->kind] != NULL
		       ? indicator_types[f->kind]
		       : "text";
}

static void member_slice(struct json_writer *w, const char *name, struct slice s)
{
	if (s.len > 0)
		json_member_string(w, name, s);
}

static void member_time(struct json_writer *w, const char *name, int64_t us)
{
	if (us != 0 && us != TIME_UNKNOWN)
		json_member_time(w, name, us, 6);
}

static int64_t best_time(const struct finding *f)
{
	return f->time_us == TIME_UNKNOWN ? f->found_us : f->time_us;
}

/* Found when the history was asked: the segment that could hold it. The line is the proof. */
static void past_member(struct json_writer *w, const struct sensor_hunt_segment *s)
{
	json_write_name(w, "history");
	json_write_object(w);
	json_member_text(w, "segment", s->filter);
	json_member_i64(w, "first_record", (int64_t)s->first_record);
	json_member_i64(w, "records", (int64_t)s->records);
	member_time(w, "first_seen", s->first_us);
	member_time(w, "last_seen", s->last_us);
	json_write_end(w, '}');
}

/* The members that every form has by these names. */
static void plain_members(struct json_writer *w, const struct finding *f)
{
	char id[UUID_TEXT_LEN + 1];

	uuid_format(&f->id, id);
	json_member_text(w, "id", id);
	json_member_text(w, "type", finding_type_name(f->type));
	json_member_bool(w, "update", f->update);
	member_slice(w, "file", f->file);
	if (f->number > 0)
		json_member_i64(w, f->frame ? "frame" : "line", (int64_t)f->number);
	member_slice(w, "field", f->field);
	member_slice(w, "value", f->value);
	member_slice(w, "indicator", f->indicator);
	json_member_text(w, "indicator_type", indicator_type(f));
	if (f->type == FINDING_INDICATOR)
		json_member_text(w, "match", index_how_name(f->how));
	member_slice(w, "evidence", f->evidence);
	member_slice(w, "host", f->host);
	json_member_i64(w, "count", (int64_t)f->count);
	if (f->hosts > 0)
		json_member_i64(w, "hosts", (int64_t)f->hosts);
	member_time(w, "first_seen", f->first_us);
	member_time(w, "last_seen", f->last_us);
	member_slice(w, "why", f->reason);
	json_member_bool(w, "held", f->verdict.held);
	if (f->past != NULL)
		past_member(w, f->past);
	if (f->verdict.class != GATE_CLEAR) {
		json_write_name(w, "gate");
		json_write_object(w);
		json_member_text(w, "class", gate_class_name(f->verdict.class));
		json_member_text(w, "reason", f->verdict.reason);
		json_member_i64(w, "weight", f->verdict.weight);
		json_member_i64(w, "bar", f->verdict.bar);
		json_write_end(w, '}');
	}
}

static void provenance_members(struct json_writer *w, const struct finding *f)
{
	const struct index_entry *n = &f->entry;
	struct buf hex = BUF_INIT;

	if (n->id.len == 0)
		return;
	json_write_name(w, "provenance");
	json_write_object(w);
	json_member_string(w, "id", n->id);
	member_time(w, "version", n->version_us);
	member_slice(w, "producer", n->producer);
	json_member_text(w, "tlp", stix_tlp_name(n->tlp));
	if (n->confidence >= 0)
		json_member_i64(w, "confidence", n->confidence);
	member_time(w, "valid_from", n->valid_from_us);
	member_time(w, "valid_until", n->valid_until_us);
	member_slice(w, "name", n->name);
	member_slice(w, "kill_chain", n->kill_chain);
	member_slice(w, "labels", n->labels);
	hex_append(&hex, f->index_digest, sizeof(f->index_digest));
	if (!hex.bad)
		json_member_string(w, "index", buf_slice(&hex));
	buf_fini(&hex);
	json_write_end(w, '}');
}

/* ---- Elastic Common Schema ------------------------------------------------------------------- */

/* Roles that ECS keeps as numbers. */
static bool role_is_number(enum event_role role)
{
	return role == ROLE_SOURCE_PORT || role == ROLE_DESTINATION_PORT ||
	       role == ROLE_SOURCE_BYTES || role == ROLE_DESTINATION_BYTES || role == ROLE_STATUS ||
	       role == ROLE_ASN;
}

/* All values of one role: one as it is, several as an array, numbers as numbers. */
static void role_member(struct json_writer *w, const struct event *ev, enum event_role role)
{
	size_t values = 0;
	uint64_t number;

	for (size_t i = 0; i < ev->count; i++)
		values += ev->fields[i].role == role && ev->fields[i].value.len > 0;
	if (values == 0)
		return;
	json_write_name(w, event_role_row(role)->ecs);
	if (values > 1)
		json_write_array(w);
	for (size_t i = 0; i < ev->count; i++) {
		struct slice value = ev->fields[i].value;

		if (ev->fields[i].role != role || value.len == 0)
			continue;
		if (role_is_number(role) && slice_to_u64(value, &number) &&
			number < (uint64_t)INT64_MAX)
			json_write_i64(w, (int64_t)number);
		else
			json_write_string(w, value);
	}
	if (values > 1)
		json_write_end(w, ']');
}

_Static_assert(EVENT_ROLES <= 64, "a bit for each role");

/* The roles that an event has fields of; NULL: none. */
static uint64_t roles_of(const struct event *ev)
{
	uint64_t roles = 0;

	for (size_t i = 0; ev != NULL && i < ev->count; i++)
		roles |= event_role_bit((enum event_role)ev->fields[i].role);
	return roles & ~event_role_bit(ROLE_NONE);
}

static void ecs_write(const struct finding *f, struct buf *out)
{
	struct json_writer w = JSON_WRITER(out);
	char id[UUID_TEXT_LEN + 1];

	uuid_format(&f->id, id);
	json_write_object(&w);
	member_time(&w, "@timestamp", best_time(f));
	json_member_text(&w, "ecs.version", "8.11.0");
	json_member_text(&w, "event.kind", f->type == FINDING_LOSS ? "pipeline_error" : "alert");
	json_member_text(&w, "event.category", f->type == FINDING_LOSS ? "host" : "threat");
	json_member_text(&w, "event.module", "serai");
	json_member_text(&w, "event.dataset", "serai.watch");
	json_member_i64(&w, "event.severity", finding_severity(f));
	member_time(&w, "event.created", f->found_us);
	member_slice(&w, "event.reason", f->reason);
	if (f->site != NULL)
		json_member_text(&w, "observer.hostname", f->site);
	member_slice(&w, "log.file.path", f->file);
	if (f->number > 0 && !f->frame)
		json_member_i64(&w, "log.offset", (int64_t)f->offset);
	if (f->type == FINDING_INDICATOR || f->type == FINDING_PATTERN) {
		json_member_text(&w, "threat.indicator.type", indicator_type(f));
		member_slice(&w, "threat.indicator.id", f->entry.id);
		member_slice(&w, "threat.indicator.provider", f->entry.producer);
		member_slice(&w, "threat.indicator.description", f->entry.name);
		json_member_text(&w, "threat.indicator.marking.tlp", stix_tlp_name(f->entry.tlp));
		if (f->entry.confidence >= 0)
			json_member_i64(&w, "threat.indicator.confidence", f->entry.confidence);
		member_slice(&w, "threat.enrichments.matched.atomic", f->value);
		member_slice(&w, "threat.enrichments.matched.field",
			slice_of(event_role_row(f->role)->ecs));
	}
	for (uint64_t roles = roles_of(f->event); roles != 0; roles &= roles - 1)
		role_member(&w, f->event, (enum event_role)__builtin_ctzll(roles));
	plain_members(&w, f);
	provenance_members(&w, f);
	json_write_end(&w, '}');
	buf_char(out, '\n');
}

/* ---- EVE ------------------------------------------------------------------------------------- */

static void eve_role(
	struct json_writer *w, const struct finding *f, const char *name, enum event_role role)
{
	struct slice value = f->event == NULL ? (struct slice){0} : event_get(f->event, role);
	uint64_t number;

	if (value.len == 0)
		return;
	if (role_is_number(role) && slice_to_u64(value, &number) && number < (uint64_t)INT64_MAX)
		json_member_i64(w, name, (int64_t)number);
	else
		json_member_string(w, name, value);
}

static void signature_append(const struct finding *f, struct buf *text)
{
	buf_text(text, "Serai ");
	buf_text(text, finding_type_name(f->type));
	buf_text(text, ": ");
	buf_slice_append(text, slice_cut(f->indicator, 0, 200));
	if (f->entry.producer.len > 0) {
		buf_text(text, " (");
		buf_slice_append(text, slice_cut(f->entry.producer, 0, 80));
		buf_char(text, ')');
	}
}

static void eve_write(const struct finding *f, struct buf *out)
{
	struct json_writer w = JSON_WRITER(out);
	struct buf signature = BUF_INIT;
	unsigned severity = finding_severity(f);

	json_write_object(&w);
	member_time(&w, "timestamp", best_time(f));
	json_member_text(&w, "event_type", "alert");
	eve_role(&w, f, "src_ip", ROLE_SOURCE_ADDRESS);
	eve_role(&w, f, "src_port", ROLE_SOURCE_PORT);
	eve_role(&w, f, "dest_ip", ROLE_DESTINATION_ADDRESS);
	eve_role(&w, f, "dest_port", ROLE_DESTINATION_PORT);
	eve_role(&w, f, "proto", ROLE_TRANSPORT);
	eve_role(&w, f, "app_proto", ROLE_SERVICE);
	if (f->site != NULL)
		json_member_text(&w, "host", f->site);
	json_write_name(&w, "alert");
	json_write_object(&w);
	json_member_text(&w, "action", "allowed"); /* passive: nothing is ever blocked */
	signature_append(f, &signature);
	json_member_string(&w, "signature", buf_slice(&signature));
	json_member_text(&w, "category", "Threat intelligence match");
	/* Suricata counts from 1, the gravest. */
	json_member_i64(&w, "severity", severity >= 7 ? 1 : severity >= 4 ? 2 : 3);
	json_write_end(&w, '}');
	buf_fini(&signature);
	json_write_name(&w, "serai");
	json_write_object(&w);
	plain_members(&w, f);
	provenance_members(&w, f);
	json_write_end(&w, '}');
	json_write_end(&w, '}');
	buf_char(out, '\n');
}

/* ---- CEF over syslog ------------------------------------------------------------------------- */

/* Headers escape '\' and '|', extensions '\', '=' and line ends; other control characters go. */
static void cef_escape(struct buf *out, struct slice s, char mark)
{
	while (s.len > 0) {
		struct slice before = s;
		uint32_t c = utf8_next(&s);

		if (c == '\\' || c == (unsigned char)mark) {
			buf_char(out, '\\');
			buf_char(out, (char)c);
		} else if (c == '\n' || c == '\r') {
			buf_text(out, mark == '=' ? "\\n" : " ");
		} else if (c < 0x20 || c == 0x7f) {
			buf_char(out, ' ');
		} else if (c == 0xfffd) { /* RFC 5424 section 6.4: what is sent is UTF-8 */
			utf8_append(out, c);
		} else {
			buf_append(out, before.data, before.len - s.len);
		}
	}
}

static void cef_member(struct buf *out, const char *name, struct slice value)
{
	if (value.len == 0)
		return;
	buf_char(out, ' ');
	buf_text(out, name);
	buf_char(out, '=');
	cef_escape(out, slice_cut(value, 0, 1023), '=');
}

static void cef_labelled(struct buf *out, const char *name, const char *label, struct slice value)
{
	if (value.len == 0)
		return;
	cef_member(out, name, value);
	buf_printf(out, " %sLabel=%s", name, label);
}

/* HOSTNAME of RFC 5424 section 6.2.4: 1 to 255 printing ASCII characters, no space. */
static void site_append(struct buf *out, const char *site)
{
	size_t len = site == NULL ? 0 : strlen(site);

	if (len == 0)
		buf_char(out, '-');
	for (size_t i = 0; i < len && i < 255; i++)
		buf_char(out, site[i] > ' ' && site[i] < 0x7f ? site[i] : '_');
}

static void cef_write(const struct finding *f, struct buf *out)
{
	static const struct {
		const char *name;
		enum event_role role;
	} members[] = {
		{"src",           ROLE_SOURCE_ADDRESS     },
		{"spt",           ROLE_SOURCE_PORT        },
		{"dst",           ROLE_DESTINATION_ADDRESS},
		{"dpt",           ROLE_DESTINATION_PORT   },
		{"proto",         ROLE_TRANSPORT          },
		{"app",           ROLE_SERVICE            },
		{"dhost",         ROLE_HOST               },
		{"request",       ROLE_URL                },
		{"requestMethod", ROLE_METHOD             },
		{"suser",         ROLE_USER               },
		{"fname",         ROLE_FILE_NAME          },
		{"fileHash",      ROLE_FILE_HASH          },
	};
	char when[TIME_TEXT_MAX], id[UUID_TEXT_LEN + 1], number[32];
	unsigned severity = finding_severity(f);

	time_format(f->found_us, 6, when);
	uuid_format(&f->id, id);
	/* local0; warning from severity 7 on, else notice: RFC 5424 section 6.2.1 */
	buf_printf(out, "<%u>1 %s ", severity >= 7 ? 132U : 133U, when);
	site_append(out, f->site);
	buf_printf(out, " serai - %s - CEF:0|Serai|serai|1|%s.%s|", finding_type_name(f->type),
		finding_type_name(f->type), indicator_type(f));
	cef_escape(out, slice_cut(f->indicator, 0, 500), '|');
	buf_printf(out, "|%u|", severity);
	buf_printf(out, "externalId=%s cnt=%llu", id, (unsigned long long)f->count);
	if (best_time(f) > 0)
		buf_printf(out, " rt=%lld", (long long)(best_time(f) / 1000));
	for (size_t i = 0; f->event != NULL && i < COUNT_OF(members); i++)
		cef_member(out, members[i].name, event_get(f->event, members[i].role));
	cef_member(out, "filePath", f->file);
	if (f->number > 0) {
		snprintf(number, sizeof(number), "%llu", (unsigned long long)f->number);
		cef_labelled(out, "cn1", f->frame ? "frame" : "line", slice_of(number));
	}
	cef_labelled(out, "cs1", "indicator", f->indicator);
	cef_labelled(out, "cs2", "field", f->field);
	cef_labelled(out, "cs3", "value", f->value);
	cef_labelled(out, "cs4", "provenance", f->entry.id);
	cef_labelled(out, "cs5", "producer", f->entry.producer);
	cef_labelled(out, "cs6", "heldBack", slice_of(f->verdict.held ? f->verdict.reason : ""));
	if (f->past != NULL) {
		cef_member(out, "cat", SLICE("history"));
		cef_labelled(out, "flexString1", "historySegment", slice_of(f->past->filter));
	}
	cef_member(out, "msg", f->reason);
	buf_char(out, '\n');
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Control characters, C1 controls and marks that turn the direction of text (U+202A..E, U+2066..9,
 * U+200E/F, U+061C) are shown as \xNN and
 * \uNNNN: a name in a log must not draw on the terminal. */
static void safe_append(struct buf *out, struct slice s)
{
	while (s.len > 0) {
		struct slice before = s;
		uint32_t c = utf8_next(&s);

		if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f ||
			c == 0x061c || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
			buf_printf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
		else if (c == 0xfffd)
			utf8_append(out, c);
		else
			buf_append(out, before.data, before.len - s.len);
	}
}

static void text_write(const struct finding *f, struct buf *out)
{
	char when[TIME_TEXT_MAX];

	time_format(best_time(f), 0, when);
	buf_printf(out, "%s  %s  %s ", when,
		f->verdict.held   ? "held "
		: f->past != NULL ? "PAST "
		: f->update       ? "again"
				  : "FOUND",
		f->type == FINDING_INDICATOR ? field_kind_name(f->kind)
					     : finding_type_name(f->type));
	safe_append(out, slice_cut(f->indicator, 0, 300));
	if (f->host.len > 0) {
		buf_text(out, "  by ");
		safe_append(out, slice_cut(f->host, 0, 100));
	}
	if (f->count > 1)
		buf_printf(out, "  %llu times", (unsigned long long)f->count);
	buf_text(out, "\n    ");
	safe_append(out, f->file);
	if (f->number > 0)
		buf_printf(out, " %s %llu", f->frame ? "frame" : "line",
			(unsigned long long)f->number);
	if (f->field.len > 0) {
		buf_text(out, ", ");
		safe_append(out, f->field);
		buf_text(out, " = ");
		safe_append(out, slice_cut(f->value, 0, 200));
	}
	if (f->reason.len > 0) {
		buf_text(out, "\n    ");
		safe_append(out, f->reason);
	}
	if (f->past != NULL)
		buf_printf(out, "\n    history: segment %s, %s %llu to %llu", f->past->filter,
			f->frame ? "frames" : "lines", (unsigned long long)f->past->first_record,
			(unsigned long long)(f->past->first_record + f->past->records - 1));
	if (f->verdict.class != GATE_CLEAR) {
		buf_printf(
			out, "\n    %s: ", f->verdict.held ? "held back" : "let through, though");
		safe_append(out, slice_of(f->verdict.reason));
		buf_printf(out, " (weight %u, bar %u)", f->verdict.weight, f->verdict.bar);
	}
	buf_char(out, '\n');
}

void finding_write(enum sensor_output output, const struct finding *f, struct buf *out)
{
	switch (output) {
	case SENSOR_ECS:
		ecs_write(f, out);
		break;
	case SENSOR_EVE:
		eve_write(f, out);
		break;
	case SENSOR_CEF:
		cef_write(f, out);
		break;
	default:
		text_write(f, out);
	}
}
