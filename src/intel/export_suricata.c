/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A folder for Suricata 7: datasets of addresses, names, fingerprints and digests, one a file, and
 * the rules that look them up. Strings stand in base64, one a line, so that no value can break out
 * of its file; in rules every byte that is not plain is written in hex.
 */
#include <stdlib.h>

#include "export_value.h"

/* sids 1000000 to 1999999 are for local use; the fixed rules stand before those of single values.
 */
#define SID_FIXED    1900000u
#define SID_SINGLE   1900100u
#define SID_LAST     1999999u
#define CONTENT_MAX  255  /* bytes of a content that Suricata takes */
#define RULE_MAX     8192 /* bytes of a foreign rule, Suricata's own limit */
#define HASHSIZE_MIN 1024
#define HASHSIZE_MAX 262144 /* Suricata's limit for one set */
#define MEMCAP_ENTRY 256    /* bytes per entry, generously */
#define MEMCAP_MIN   100    /* MB, Suricata's default */

enum set { ADDRESSES, NAMES, AGENTS, JA3, JA3S, CERTIFICATES, MD5, SHA1, SHA256, SETS };

/* How a set is kept and what looks it up. */
static const struct set_rule {
	const char *name;     /* export_value_name */
	const char *file;     /* and name of the dataset without ".lst" */
	const char *type;     /* of dataset; NULL: a list for filemd5, filesha1, filesha256 */
	const char *rules[6]; /* the head of a rule, then what selects the buffer */
} sets[SETS] = {
	[ADDRESSES] = {"address",    "serai-address.lst",     "ip",
		       {"alert ip any any -> any any", "ip.src;", "alert ip any any -> any any",
			"ip.dst;"}										   },
	[NAMES] = {"name",       "serai-name.lst",        "string",
		       {"alert dns any any -> any any", "dns.query; to_lowercase;",
			"alert tls any any -> any any", "tls.sni; to_lowercase;",
			"alert http any any -> any any", "http.host;"}                                               },
	[AGENTS] = {"user-agent", "serai-user-agent.lst",  "string",
		       {"alert http any any -> any any", "http.user_agent;"}                                         },
	[JA3] = {"ja3",        "serai-ja3.lst",         "string", {"alert tls any any -> any any", "ja3.hash;"}},
	[JA3S] = {"ja3s",       "serai-ja3s.lst",        "string",
		       {"alert tls any any -> any any", "ja3s.hash;"}                                                },
	[CERTIFICATES] = {"cert-hash",  "serai-certificate.lst", "string",
		       {"alert tls any any -> any any", "tls.cert_fingerprint;"}                                     },
	[MD5] = {"md5",        "serai-md5.lst",         NULL,     {NULL, "filemd5"}                            },
	[SHA1] = {"sha1",       "serai-sha1.lst",        NULL,     {NULL, "filesha1"}                           },
	[SHA256] = {"sha256",     "serai-sha256.lst",      NULL,     {NULL, "filesha256"}                         },
};

/* Where Suricata sees files. */
static const char *const file_protocols[] = {"http", "smtp", "ftp-data", "nfs", "smb"};

struct suricata {
	struct export_filter filter;
	struct export_seen seen;
	struct buf lines[SETS];
	size_t counts[SETS];
	struct buf rules;
	unsigned sid; /* of the next rule for a single value */
};

static enum err_kind suricata_begin(struct export_job *job, struct err *e)
{
	struct suricata *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return export_nomem(e);
	job->state = s;
	s->sid = SID_SINGLE;
	export_seen_init(&s->seen, job->world);
	return export_filter_read(job, &s->filter, e);
}

static bool single(struct export_job *job, const struct export_object *o, struct slice text)
{
	struct suricata *s = job->state;

	if (s->sid <= SID_LAST)
		return true;
	export_lose(job, o->facts.id, "no rule number is left for %.*s", SLICE_ARG(text));
	return false;
}

/* ---- rules for single values ---------------------------------------------------------------- */

/* Plain letters and digits as they are, all else in hex: |3a 20| */
static void content(struct buf *out, struct slice text)
{
	bool hex = false;

	buf_text(out, "content:\"");
	for (size_t k = 0; k < text.len; k++) {
		unsigned char c = (unsigned char)text.data[k];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || c == '/' || c == '.' || c == '-' || c == '_';

		if (plain == hex)
			buf_char(out, '|');
		else if (hex)
			buf_char(out, ' ');
		hex = !plain;
		if (plain)
			buf_char(out, (char)c);
		else
			buf_printf(out, "%02x", c);
	}
	buf_text(out, hex ? "|\"; " : "\"; ");
}

/* ids are of the standard's form, so they cannot break out of the rule */
static void single_end(struct suricata *s, const struct export_object *o)
{
	buf_printf(&s->rules, "metadata:serai_id %.*s; sid:%u; rev:1;)\n", SLICE_ARG(o->facts.id),
		s->sid++);
}

/* A dataset holds addresses only; each network has a rule. */
static void network_rule(struct export_job *job, const struct export_object *o, struct slice text)
{
	struct suricata *s = job->state;

	if (!single(job, o, text))
		return;
	buf_printf(&s->rules,
		"alert ip any any <> %.*s any (msg:\"Serai: network of an indicator\"; ",
		SLICE_ARG(text));
	single_end(s, o);
	job->records++;
}

/* host and path in full. Only what is not encrypted can be seen. */
static void url_rule(struct export_job *job, const struct export_object *o, struct slice url)
{
	struct suricata *s = job->state;
	struct slice rest, host, path;
	size_t slash;

	if (!slice_starts(url, SLICE("http://"))) {
		export_lose(job, o->facts.id, "no place for the URL %.*s: not seen in the clear",
			SLICE_ARG(url));
		return;
	}
	rest = slice_cut(url, 7, url.len);
	slash = slice_find(rest, '/', 0);
	host = slice_cut(rest, 0, slash);
	path = slice_cut(rest, slash, rest.len);
	if (slice_find(host, '@', 0) < host.len || slice_starts(host, SLICE("[")) ||
		host.len > CONTENT_MAX || path.len > CONTENT_MAX || path.len == 0) {
		export_lose(job, o->facts.id, "no place for the URL %.*s: its host or length",
			SLICE_ARG(url));
		return;
	}
	if (!single(job, o, url))
		return;
	buf_text(&s->rules, "alert http any any -> any any (msg:\"Serai: URL of an indicator\"; "
			    "flow:established,to_server; http.host.raw; ");
	content(&s->rules, host);
	buf_printf(&s->rules, "nocase; bsize:%zu; http.uri.raw; ", host.len);
	content(&s->rules, path);
	buf_printf(&s->rules, "bsize:%zu; ", path.len);
	single_end(s, o);
	job->records++;
}

/* ---- foreign rules -------------------------------------------------------------------------- */

/*
 * A rule of an indicator runs in the sensor with what its words allow. Only alerts are taken:
 * "pass" would blind, "drop" would block; and nothing that runs scripts, or reads and writes files.
 */
static const char *const forbidden[] = {"lua", "dataset", "datarep", "filestore", "filemd5",
	"filesha1", "filesha256", "iprep", "config"};

/* Is the word in the rule's options: behind '(' or ';', before ':' or ';' or a blank? */
static bool has_keyword(struct slice rule, const char *word)
{
	size_t len = strlen(word);

	for (size_t at = 0; at + len < rule.len; at++) {
		size_t before = at;

		if (!slice_equal_nocase(slice_cut(rule, at, at + len), slice_of(word)))
			continue;
		while (before > 0 &&
			(rule.data[before - 1] == ' ' || rule.data[before - 1] == '\t'))
			before--;
		if (before > 0 && (rule.data[before - 1] == '(' || rule.data[before - 1] == ';'))
			return true;
	}
	return false;
}

static void foreign_rule(struct export_job *job, const struct export_object *o)
{
	static const char *const kept[] = {"pattern", "pattern_type", NULL};
	struct slice rule = slice_trim(json_get_string(o->value, "pattern"));
	struct suricata *s = job->state;
	bool bad = rule.len > RULE_MAX || !slice_starts(rule, SLICE("alert ")) ||
		   !slice_ends(rule, SLICE(")"));

	for (size_t k = 0; k < rule.len; k++)
		bad |= (unsigned char)rule.data[k] < 0x20 && rule.data[k] != '\t';
	for (size_t k = 0; k < COUNT_OF(forbidden); k++)
		bad |= has_keyword(rule, forbidden[k]);
	if (bad) {
		export_lose(job, o->facts.id,
			"not exported: its rule is not one line of \"alert\", or reads files or "
			"runs scripts");
		return;
	}
	buf_slice_append(&s->rules, rule);
	buf_char(&s->rules, '\n');
	job->records++;
	export_lose_members(job, o, kept);
}

/* ---- sets ----------------------------------------------------------------------------------- */

/* "aabb.." to "aa:bb:..", as tls.cert_fingerprint has it */
static struct slice colons(struct slice hex, struct arena *a)
{
	char *text = arena_alloc(a, hex.len / 2 * 3 + 1);
	size_t len = 0;

	if (text == NULL)
		return (struct slice){0};
	for (size_t k = 0; k < hex.len; k++) {
		if (k > 0 && k % 2 == 0)
			text[len++] = ':';
		text[len++] = hex.data[k];
	}
	return (struct slice){text, len};
}

static enum err_kind set_add(struct export_job *job, enum set set, struct slice text, struct err *e)
{
	struct suricata *s = job->state;

	if (set == CERTIFICATES)
		text = colons(text, job->arena);
	if (text.data == NULL)
		return export_nomem(e);
	if (sets[set].type != NULL && strcmp(sets[set].type, "string") == 0)
		base64_append(&s->lines[set], text.data, text.len);
	else
		buf_slice_append(&s->lines[set], text);
	buf_char(&s->lines[set], '\n');
	s->counts[set]++;
	job->records++;
	return s->lines[set].bad ? export_nomem(e) : OK;
}

static enum set set_of(const struct stix_value *v)
{
	for (size_t k = 0; k < SETS; k++) {
		if (strcmp(sets[k].name, export_value_name(v)) == 0)
			return (enum set)k;
	}
	return SETS;
}

static bool is_network(const struct stix_value *v)
{
	struct export_address address;

	if (v->kind != STIX_VALUE_ADDRESS)
		return false;
	address = export_address_of(v);
	return address.prefix != (address.four ? 32u : 128u);
}

static enum err_kind value_add(struct export_job *job, const struct export_object *o,
	const struct stix_value *v, struct err *e)
{
	struct suricata *s = job->state;
	struct slice text = export_value_text(v, job->arena), entry;
	enum set set = set_of(v);
	bool is_new;

	if (text.data == NULL)
		return export_nomem(e);
	if (!export_filter_fits(&s->filter, v)) {
		export_lose(job, o->facts.id, "not exported: %.*s is not of kind %s",
			SLICE_ARG(text), job->options->kind);
		return OK;
	}
	if ((set == SETS && v->kind != STIX_VALUE_URL) ||
		(v->kind == STIX_VALUE_NAME && slice_starts(text, SLICE("*.")))) {
		export_lose(job, o->facts.id, "no place for %s %.*s", export_value_name(v),
			SLICE_ARG(text));
		return OK;
	}
	entry = arena_printf(job->arena, "%s %.*s", export_value_name(v), SLICE_ARG(text));
	if (entry.data == NULL || !export_seen_add(&s->seen, entry, &is_new))
		return export_nomem(e);
	if (!is_new)
		return OK;
	if (v->kind == STIX_VALUE_URL)
		url_rule(job, o, text);
	else if (is_network(v))
		network_rule(job, o, text);
	else
		return set_add(job, set, text, e);
	return OK;
}

static enum err_kind suricata_object(
	struct export_job *job, const struct export_object *o, struct err *e)
{
	static const char *const kept[] = {"pattern", "pattern_type", "value", "hashes", NULL};
	struct export_values values;
	enum err_kind kind;

	if (slice_is(o->facts.key.type, "indicator") && !o->facts.revoked &&
		slice_is(json_get_string(o->value, "pattern_type"), "suricata")) {
		foreign_rule(job, o);
		return OK;
	}
	kind = export_values(job, o, &values, e);
	for (size_t k = 0; kind == OK && k < values.count; k++)
		kind = value_add(job, o, &values.items[k], e);
	if (kind == OK && values.count > 0)
		export_lose_members(job, o, kept);
	return kind;
}

/* ---- writing -------------------------------------------------------------------------------- */

static size_t hashsize(size_t entries)
{
	size_t size = HASHSIZE_MIN;

	while (size < entries && size < HASHSIZE_MAX)
		size *= 2;
	return size;
}

static void set_rules(struct buf *out, const struct set_rule *set, size_t entries, unsigned *sid)
{
	size_t memcap_mb = entries * MEMCAP_ENTRY / MIB(1) + 1;

	if (set->type == NULL) {
		for (size_t k = 0; k < COUNT_OF(file_protocols); k++)
			buf_printf(out,
				"alert %s any any -> any any (msg:\"Serai: %s of an indicator\"; "
				"%s:%s; sid:%u; rev:1;)\n",
				file_protocols[k], set->name, set->rules[1], set->file, (*sid)++);
		return;
	}
	for (size_t k = 0; k < COUNT_OF(set->rules) && set->rules[k] != NULL; k += 2)
		buf_printf(out,
			"%s (msg:\"Serai: %s of an indicator\"; %s dataset:isset,%.*s,type %s,load "
			"%s,"
			"memcap %zumb,hashsize %zu; sid:%u; rev:1;)\n",
			set->rules[k], set->name, set->rules[k + 1], (int)strlen(set->file) - 4,
			set->file, set->type, set->file,
			memcap_mb < MEMCAP_MIN ? MEMCAP_MIN : memcap_mb, hashsize(entries),
			(*sid)++);
}

static enum err_kind suricata_end(struct export_job *job, struct err *e)
{
	struct suricata *s = job->state;
	struct buf head = BUF_INIT;
	unsigned sid = SID_FIXED;
	enum err_kind kind = OK;

	for (size_t k = 0; k < SETS && kind == OK; k++) {
		unsigned next =
			sid + 10; /* a set's rules keep their numbers whatever else is there */

		if (s->counts[k] > 0) {
			set_rules(&head, &sets[k], s->counts[k], &sid);
			kind = job->out->file(job->out->context, sets[k].file, e);
			if (kind == OK)
				kind = export_flush(job, &s->lines[k], e);
		}
		sid = next;
	}
	if (kind == OK)
		kind = job->out->file(job->out->context, "serai.rules", e);
	if (kind == OK)
		kind = export_flush(job, &head, e);
	if (kind == OK)
		kind = export_flush(job, &s->rules, e);
	buf_fini(&head);
	return kind;
}

static void suricata_free(struct export_job *job)
{
	struct suricata *s = job->state;

	if (s == NULL)
		return;
	export_seen_fini(&s->seen);
	for (size_t k = 0; k < SETS; k++)
		buf_fini(&s->lines[k]);
	buf_fini(&s->rules);
	free(s);
}

const struct exporter export_suricata = {
	.format = {"suricata", "folder of Suricata datasets, hash lists and rules", false, true,
		   true},
	.begin = suricata_begin,
	.object = suricata_object,
	.end = suricata_end,
	.free = suricata_free,
};
