/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Charters and decisions: texts that members sign with their offline keys. A charter says who the
 * members are and with which keys; each one after the first is carried by the members of the one
 * before as well as by its own. A decision is any other text that binds all, in a numbered chain.
 */
#include <sodium.h>

#include "coalition.h"
#include "json/json.h"

#define TITLE_MAX      200 /* bytes of a member's or coalition's title */
#define ADDRESS_MAX    300
#define REVOKED_MAX    256
#define KIND_MAX       32 /* bytes of a decision's kind */
#define EXPIRES_DIGITS 0

bool charter_name_valid(struct slice name)
{
	if (name.len == 0 || name.len > COALITION_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		bool edge = i == 0 || i == name.len - 1;

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			continue;
		if ((c == '-' || c == '.') && !edge)
			continue;
		return false;
	}
	return true;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct reading {
	struct arena *a;
	struct charter *charter;
	struct err *e;
};

/* One property of an object of the charter: every one is wanted, none else is allowed. */
struct property {
	const char *name;
	enum err_kind (*read)(struct reading *r, struct json_value v, void *into);
	size_t at; /* offset in `into` */
};

static enum err_kind object_read(struct reading *r, struct json_value object, const char *where,
	const struct property *properties, size_t count, void *into)
{
	struct slice name;
	struct json_value value;
	size_t found = 0;

	if (!json_is_object(object))
		return err_set(r->e, ERR_INVALID, "%s: expected an object", where);
	for (struct json_iter it = json_iter(object); json_object_next(&it, &name, &value);) {
		size_t i = 0;

		while (i < count && !slice_is(name, properties[i].name))
			i++;
		if (i == count)
			return err_set(r->e, ERR_INVALID, "%s: unknown property \"%.*s\"", where,
				SLICE_ARG(name));
		if (properties[i].read(r, value, (char *)into + properties[i].at) != OK)
			return err_wrap(r->e, "%s.%s", where, properties[i].name);
		found++;
	}
	for (size_t i = 0; i < count && found < count; i++) {
		if (!json_get(object, properties[i].name, &value))
			return err_set(r->e, ERR_INVALID, "%s: \"%s\" is missing", where,
				properties[i].name);
	}
	return OK;
}

static enum err_kind read_title(struct reading *r, struct json_value v, void *into)
{
	struct slice text = json_string(v);

	if (!json_is_string(v) || text.len > TITLE_MAX)
		return err_set(r->e, ERR_INVALID, "expected a text of at most %d bytes", TITLE_MAX);
	*(struct slice *)into = arena_copy(r->a, text);
	return OK;
}

static enum err_kind read_address(struct reading *r, struct json_value v, void *into)
{
	struct slice text = json_string(v);
	bool good = json_is_string(v) && text.len <= ADDRESS_MAX &&
		    (text.len == 0 || slice_starts(text, SLICE("https://")));

	if (!good)
		return err_set(r->e, ERR_INVALID,
			"expected \"https://host:port\" or an empty text, not \"%.*s\"",
			SLICE_ARG(text));
	*(struct slice *)into = arena_copy(r->a, text);
	return OK;
}

static enum err_kind read_name(struct reading *r, struct json_value v, void *into)
{
	struct slice text = json_string(v);

	if (!charter_name_valid(text))
		return err_set(r->e, ERR_INVALID,
			"expected a name of a-z, 0-9, '-' and '.', at most %d bytes, not \"%.*s\"",
			COALITION_NAME_MAX, SLICE_ARG(text));
	memcpy(into, text.data, text.len);
	((char *)into)[text.len] = '\0';
	return OK;
}

static enum err_kind read_number(struct reading *r, struct json_value v, void *into)
{
	int64_t value;

	if (!json_to_i64(v, &value) || value < 0)
		return err_set(r->e, ERR_INVALID, "expected a whole number from 0");
	*(uint64_t *)into = (uint64_t)value;
	return OK;
}

static enum err_kind read_threshold(struct reading *r, struct json_value v, void *into)
{
	int64_t value;

	if (!json_to_i64(v, &value) || value < 1 || value > COALITION_MEMBERS_MAX)
		return err_set(r->e, ERR_INVALID, "expected a whole number from 1 to %d",
			COALITION_MEMBERS_MAX);
	*(unsigned *)into = (unsigned)value;
	return OK;
}

static enum err_kind read_time(struct reading *r, struct json_value v, void *into)
{
	if (!time_parse(json_string(v), into, NULL))
		return err_set(r->e, ERR_INVALID,
			"expected a time like 2027-01-01T00:00:00Z, not \"%.*s\"",
			SLICE_ARG(json_string(v)));
	return OK;
}

static enum err_kind read_key(struct reading *r, struct json_value v, void *into)
{
	return note_key_parse(json_string(v), into, r->e);
}

static enum err_kind read_hash(struct reading *r, struct json_value v, void *into)
{
	struct buf bytes = BUF_MAX(SHA256_LEN);
	bool good = base64_decode(json_string(v), &bytes) && bytes.len == SHA256_LEN;

	if (good)
		memcpy(into, bytes.data, SHA256_LEN);
	buf_fini(&bytes);
	return good ? OK : err_set(r->e, ERR_INVALID, "expected %d bytes in base64", SHA256_LEN);
}

static enum err_kind read_members(struct reading *r, struct json_value v, void *into);
static enum err_kind read_revoked(struct reading *r, struct json_value v, void *into);

#define AT(type, field) offsetof(type, field)

static const struct property charter_properties[] = {
	{"name",             read_title,      AT(struct charter,                         name)},
	{"version",                  read_number,                         AT(struct charter,                                      version)},
	{"previous",          read_hash,                         AT(struct charter,                    previous)},
	{"expires", read_time,AT(struct charter,     expires_us)},
	{"threshold",         read_threshold,                         AT(struct charter,                                                   threshold)},
	{"members",        read_members, 0},
	{"revoked",                  read_revoked,                         0					      },
};
static const struct property member_properties[] = {
	{"name",    read_name,    AT(struct charter_member, name)   },
	{"title",   read_title,   AT(struct charter_member, title)  },
	{"root",    read_key,     AT(struct charter_member, root)   },
	{"log",     read_key,     AT(struct charter_member, log)    },
	{"witness", read_key,     AT(struct charter_member, witness)},
	{"mirror",  read_key,     AT(struct charter_member, mirror) },
	{"box",     read_hash,    AT(struct charter_member, box)    },
	{"pin",     read_hash,    AT(struct charter_member, pin)    },
	{"address", read_address, AT(struct charter_member, address)},
};
static const struct property revoked_properties[] = {
	{"key",  read_key,    AT(struct charter_revoked, key) },
	{"size", read_number, AT(struct charter_revoked, size)},
	{"root", read_hash,   AT(struct charter_revoked, root)},
};

static enum err_kind read_members(struct reading *r, struct json_value v, void *into)
{
	struct charter *c = into;
	struct json_value one;
	size_t count = json_is_array(v) ? json_count(v) : 0;

	if (count == 0 || count > COALITION_MEMBERS_MAX)
		return err_set(r->e, ERR_INVALID, "expected a list of 1 to %d members",
			COALITION_MEMBERS_MAX);
	c->members = ARENA_ARRAY(r->a, struct charter_member, count);
	if (c->members == NULL)
		return err_set(r->e, ERR_NOMEM, "out of memory");
	for (struct json_iter it = json_iter(v); json_array_next(&it, &one);) {
		enum err_kind kind = object_read(r, one, "member", member_properties,
			COUNT_OF(member_properties), &c->members[c->members_count]);

		if (kind != OK)
			return kind;
		c->members_count++;
	}
	return OK;
}

static enum err_kind read_revoked(struct reading *r, struct json_value v, void *into)
{
	struct charter *c = into;
	struct json_value one;
	size_t count = json_is_array(v) ? json_count(v) : REVOKED_MAX + 1;

	if (count > REVOKED_MAX)
		return err_set(
			r->e, ERR_INVALID, "expected a list of at most %d keys", REVOKED_MAX);
	c->revoked = ARENA_ARRAY(r->a, struct charter_revoked, count + 1);
	if (c->revoked == NULL)
		return err_set(r->e, ERR_NOMEM, "out of memory");
	for (struct json_iter it = json_iter(v); json_array_next(&it, &one);) {
		enum err_kind kind = object_read(r, one, "revoked", revoked_properties,
			COUNT_OF(revoked_properties), &c->revoked[c->revoked_count]);

		if (kind != OK)
			return kind;
		c->revoked_count++;
	}
	return OK;
}

/* How many of n may be faulty: none below 5, where one more is already a majority of the rest. */
static unsigned faulty(size_t n)
{
	return n < 5 ? 0 : (unsigned)(n - 1) / 3;
}

/* ---- what must hold within one charter ------------------------------------------------------- */

static bool key_of_member(const struct note_key *k, const struct charter_member *m)
{
	struct slice name = slice_of(k->name), member = slice_of(m->name);

	return slice_starts(name, member) && name.len > member.len && name.data[member.len] == '/';
}

static enum err_kind member_check(const struct charter_member *m, struct err *e)
{
	static const enum note_type types[] = {
		NOTE_ED25519, NOTE_ED25519, NOTE_COSIGNATURE, NOTE_COSIGNATURE};
	const struct note_key *keys[] = {&m->root, &m->log, &m->witness, &m->mirror};

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		if (!key_of_member(keys[i], m))
			return err_set(e, ERR_INVALID,
				"member %s: key \"%s\" must be named \"%s/...\"", m->name,
				keys[i]->name, m->name);
		if (keys[i]->type != types[i])
			return err_set(e, ERR_INVALID,
				"member %s: key \"%s\" is of type %02x, not %02x", m->name,
				keys[i]->name, keys[i]->type, types[i]);
	}
	return OK;
}

/* No two keys are the same, in any role: a cosignature does not say whose it is. */
static enum err_kind keys_check(const struct charter *c, struct err *e)
{
	const struct note_key *all[4 * COALITION_MEMBERS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < c->members_count; i++) {
		const struct charter_member *m = &c->members[i];

		all[count++] = &m->root;
		all[count++] = &m->log;
		all[count++] = &m->witness;
		all[count++] = &m->mirror;
	}
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (memcmp(all[i]->public, all[k]->public, NOTE_PUBLIC_LEN) == 0 ||
				strcmp(all[i]->name, all[k]->name) == 0)
				return err_set(e, ERR_INVALID,
					"keys \"%s\" and \"%s\" are the same", all[k]->name,
					all[i]->name);
		}
		for (size_t k = 0; k < c->revoked_count; k++) {
			if (memcmp(all[i]->public, c->revoked[k].key.public, NOTE_PUBLIC_LEN) ==
					0 ||
				strcmp(all[i]->name, c->revoked[k].key.name) == 0)
				return err_set(
					e, ERR_INVALID, "key \"%s\" is revoked", all[i]->name);
		}
	}
	return OK;
}

static enum err_kind charter_check(const struct charter *c, struct err *e)
{
	if (c->version == 0)
		return err_set(e, ERR_INVALID, "charter: version 0, expected 1 or more");
	if (c->threshold > c->members_count)
		return err_set(e, ERR_INVALID, "charter: threshold %u with %zu members",
			c->threshold, c->members_count);
	/* Two groups that are both enough must share an honest member. */
	if (2 * (size_t)c->threshold <= c->members_count + faulty(c->members_count))
		return err_set(e, ERR_INVALID,
			"charter: threshold %u of %zu members: expected more than half of them and "
			"of the %u that may be faulty",
			c->threshold, c->members_count, faulty(c->members_count));
	for (size_t i = 0; i < c->members_count; i++) {
		enum err_kind kind = member_check(&c->members[i], e);

		if (kind != OK)
			return kind;
		for (size_t k = 0; k < i; k++) {
			if (strcmp(c->members[i].name, c->members[k].name) == 0)
				return err_set(e, ERR_INVALID, "charter: member %s stands twice",
					c->members[i].name);
			if (memcmp(c->members[i].pin, c->members[k].pin, SHA256_LEN) == 0)
				return err_set(e, ERR_INVALID,
					"charter: members %s and %s have the same pin",
					c->members[k].name, c->members[i].name);
		}
	}
	return keys_check(c, e);
}

enum err_kind charter_parse(
	struct slice bytes, struct arena *a, struct charter *ret_charter, struct err *e)
{
	struct charter c = {0};
	struct reading r = {a, &c, e};
	struct json_parser *parser = NULL;
	struct json_doc doc;
	struct slice kept = arena_copy(a, bytes), json;
	struct note note;
	enum err_kind kind;

	if (bytes.len > COALITION_CHARTER_MAX)
		return err_set(e, ERR_LIMIT, "charter: %zu bytes, at most %zu", bytes.len,
			COALITION_CHARTER_MAX);
	if (kept.data == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (note_parse(kept, a, &note, e) != OK)
		return err_wrap(e, "charter");
	if (!slice_starts(note.text, SLICE(CHARTER_HEAD)))
		return err_set(e, ERR_PARSE, "charter: expected the first line serai/charter/v1");
	json = slice_cut(note.text, sizeof(CHARTER_HEAD) - 1, note.text.len);
	parser = json_parser_new(COALITION_CHARTER_MAX);
	if (parser == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = json_parse(parser, json, &doc, e);
	if (kind != OK)
		err_wrap(e, "charter");
	else
		kind = object_read(&r, json_root(&doc), "charter", charter_properties,
			COUNT_OF(charter_properties), &c);
	json_parser_free(parser);
	if (kind == OK)
		kind = charter_check(&c, e);
	if (kind != OK)
		return kind;
	hash_sha256(note.text, c.digest);
	c.bytes = kept;
	*ret_charter = c;
	return OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void line_string(struct buf *out, const char *before, struct slice s)
{
	buf_text(out, before);
	json_string_append(out, s);
}

static void line_key(struct buf *out, const char *before, const struct note_key *k)
{
	buf_text(out, before);
	buf_char(out, '"');
	note_key_format(k, out);
	buf_char(out, '"');
}

static void line_hash(struct buf *out, const char *before, const uint8_t hash[SHA256_LEN])
{
	buf_text(out, before);
	buf_char(out, '"');
	base64_append(out, hash, SHA256_LEN);
	buf_char(out, '"');
}

static void member_write(struct buf *out, const struct charter_member *m)
{
	line_string(out, "    {\"name\": ", slice_of(m->name));
	line_string(out, ",\n     \"title\": ", m->title);
	line_key(out, ",\n     \"root\": ", &m->root);
	line_key(out, ",\n     \"log\": ", &m->log);
	line_key(out, ",\n     \"witness\": ", &m->witness);
	line_key(out, ",\n     \"mirror\": ", &m->mirror);
	line_hash(out, ",\n     \"box\": ", m->box);
	line_hash(out, ",\n     \"pin\": ", m->pin);
	line_string(out, ",\n     \"address\": ", m->address);
	buf_char(out, '}');
}

void charter_write(const struct charter *c, struct buf *out)
{
	char time[TIME_TEXT_MAX];

	time_format(c->expires_us, EXPIRES_DIGITS, time);
	line_string(out, CHARTER_HEAD "{\n  \"name\": ", c->name);
	buf_printf(out, ",\n  \"version\": %llu", (unsigned long long)c->version);
	line_hash(out, ",\n  \"previous\": ", c->previous);
	line_string(out, ",\n  \"expires\": ", slice_of(time));
	buf_printf(out, ",\n  \"threshold\": %u,\n  \"members\": [\n", c->threshold);
	for (size_t i = 0; i < c->members_count; i++) {
		member_write(out, &c->members[i]);
		buf_text(out, i + 1 < c->members_count ? ",\n" : "\n");
	}
	buf_text(out, "  ],\n  \"revoked\": [");
	for (size_t i = 0; i < c->revoked_count; i++) {
		line_key(
			out, i == 0 ? "\n    {\"key\": " : ",\n    {\"key\": ", &c->revoked[i].key);
		buf_printf(out, ", \"size\": %llu", (unsigned long long)c->revoked[i].size);
		line_hash(out, ", \"root\": ", c->revoked[i].root);
		buf_char(out, '}');
	}
	buf_text(out, "]\n}\n");
}

/* ---- who carried it -------------------------------------------------------------------------- */

/* How many members of `by` signed these bytes with their root keys. */
static enum err_kind root_signatures(const struct charter *by, struct slice bytes, struct arena *a,
	size_t *ret_count, struct err *e)
{
	struct note_key *keys = ARENA_ARRAY(a, struct note_key, by->members_count);
	struct note_verdict verdict;
	struct note note;
	enum err_kind kind;

	if (keys == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < by->members_count; i++)
		keys[i] = by->members[i].root;
	kind = note_parse(bytes, a, &note, e);
	if (kind == OK)
		kind = note_verify(&note, keys, by->members_count, a, &verdict, e);
	if (kind == OK)
		*ret_count = verdict.signed_count;
	return kind;
}

enum err_kind charter_carried(const struct charter *by, struct slice bytes, struct err *e)
{
	struct arena *a = arena_new(MIB(4));
	size_t count = 0;
	enum err_kind kind;

	if (a == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = root_signatures(by, bytes, a, &count, e);
	arena_free(a);
	if (kind == OK && count < by->threshold)
		kind = err_set(e, ERR_DENIED,
			"signed by %zu members of charter version %llu, expected %u", count,
			(unsigned long long)by->version, by->threshold);
	return kind;
}

static const struct charter_revoked *revoked_find(
	const struct charter *c, const struct note_key *key)
{
	for (size_t i = 0; i < c->revoked_count; i++) {
		if (note_key_equal(&c->revoked[i].key, key))
			return &c->revoked[i];
	}
	return NULL;
}

/* A log key that is no longer anybody's must say up to where it counts, for ever. */
static enum err_kind succession_check(
	const struct charter *c, const struct charter *before, struct err *e)
{
	for (size_t i = 0; i < before->members_count; i++) {
		const struct note_key *log = &before->members[i].log;
		bool kept = false;

		for (size_t k = 0; k < c->members_count && !kept; k++)
			kept = note_key_equal(&c->members[k].log, log);
		if (!kept && revoked_find(c, log) == NULL)
			return err_set(e, ERR_INVALID,
				"charter: log key \"%s\" is gone, but \"revoked\" does not say up "
				"to "
				"which size it counts",
				log->name);
	}
	for (size_t i = 0; i < before->revoked_count; i++) {
		const struct charter_revoked *was = &before->revoked[i];
		const struct charter_revoked *is = revoked_find(c, &was->key);

		if (is == NULL || is->size > was->size)
			return err_set(e, ERR_INVALID,
				"charter: key \"%s\" was revoked at size %llu and must stay so",
				was->key.name, (unsigned long long)was->size);
	}
	return OK;
}

enum err_kind charter_verify(
	const struct charter *c, const struct charter *before, int64_t now_us, struct err *e)
{
	static const uint8_t none[SHA256_LEN];
	const uint8_t *expected = before == NULL ? none : before->digest;
	enum err_kind kind;

	if (before != NULL && c->version != before->version + 1)
		return err_set(e, ERR_CONFLICT, "charter: version %llu, expected version %llu",
			(unsigned long long)c->version, (unsigned long long)before->version + 1);
	if ((before != NULL || c->version == 1) && memcmp(c->previous, expected, SHA256_LEN) != 0)
		return err_set(e, ERR_CONFLICT,
			"charter: version %llu does not name the charter before it",
			(unsigned long long)c->version);
	if (now_us != 0 && c->expires_us <= now_us)
		return err_set(e, ERR_INVALID, "charter: version %llu has expired",
			(unsigned long long)c->version);
	kind = charter_carried(c, c->bytes, e);
	if (kind == OK && before != NULL)
		kind = charter_carried(before, c->bytes, e);
	if (kind == OK && before != NULL)
		kind = succession_check(c, before, e);
	return kind;
}

const struct charter_member *charter_member_find(const struct charter *c, struct slice name)
{
	for (size_t i = 0; i < c->members_count; i++) {
		if (slice_is(name, c->members[i].name))
			return &c->members[i];
	}
	return NULL;
}

unsigned charter_faulty(const struct charter *c)
{
	return c->members_count < 5 ? 0 : ((unsigned)c->members_count - 2) / 3;
}

unsigned charter_quorum(const struct charter *c)
{
	unsigned n = (unsigned)c->members_count - 1;

	return n == 0 ? 0 : (n + charter_faulty(c)) / 2 + 1;
}

void charter_quorum_file(const struct charter *c, const struct charter_member *of, struct buf *out)
{
	buf_text(out, "log ");
	note_key_format(&of->log, out);
	buf_char(out, '\n');
	for (size_t i = 0; i < c->members_count; i++) {
		if (&c->members[i] == of)
			continue;
		buf_printf(out, "witness %s ", c->members[i].name);
		note_key_format(&c->members[i].mirror, out);
		buf_char(out, '\n');
	}
	if (c->members_count == 1) {
		buf_text(out, "quorum none\n");
		return;
	}
	buf_printf(out, "group others %u", charter_quorum(c));
	for (size_t i = 0; i < c->members_count; i++) {
		if (&c->members[i] != of)
			buf_printf(out, " %s", c->members[i].name);
	}
	buf_text(out, "\nquorum others\n");
}

/* ---- decisions ------------------------------------------------------------------------------- */

static bool kind_valid(struct slice kind)
{
	if (kind.len == 0 || kind.len > KIND_MAX)
		return false;
	for (size_t i = 0; i < kind.len; i++) {
		if (!(kind.data[i] >= 'a' && kind.data[i] <= 'z') && kind.data[i] != '-')
			return false;
	}
	return true;
}

void decision_write(const struct decision *d, struct buf *out)
{
	buf_printf(out, DECISION_HEAD "%.*s\n%llu\n", SLICE_ARG(d->kind),
		(unsigned long long)d->sequence);
	base64_append(out, d->previous, SHA256_LEN);
	buf_char(out, '\n');
	buf_slice_append(out, d->content);
	if (d->content.len == 0 || d->content.data[d->content.len - 1] != '\n')
		buf_char(out, '\n');
}

enum err_kind decision_parse(
	struct slice bytes, struct arena *a, struct decision *ret_decision, struct err *e)
{
	struct decision d = {0};
	struct slice rest, sequence, previous;
	struct buf digest = BUF_MAX(SHA256_LEN);
	struct note note;
	bool good;

	if (note_parse(bytes, a, &note, e) != OK)
		return err_wrap(e, "decision");
	if (!slice_starts(note.text, SLICE(DECISION_HEAD)))
		return err_set(e, ERR_PARSE, "decision: expected the first line serai/decision/v1");
	rest = slice_cut(note.text, sizeof(DECISION_HEAD) - 1, note.text.len);
	good = slice_next(&rest, '\n', &d.kind) && kind_valid(d.kind) &&
	       slice_next(&rest, '\n', &sequence) && slice_to_u64(sequence, &d.sequence) &&
	       d.sequence > 0 && slice_next(&rest, '\n', &previous) &&
	       base64_decode(previous, &digest) && digest.len == SHA256_LEN;
	if (good)
		memcpy(d.previous, digest.data, SHA256_LEN);
	buf_fini(&digest);
	if (!good)
		return err_set(e, ERR_PARSE,
			"decision: expected lines with kind, number and digest of the one before");
	d.content = arena_copy(a, rest);
	d.kind = arena_copy(a, d.kind);
	if (d.content.data == NULL || d.kind.data == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	hash_sha256(note.text, d.digest);
	*ret_decision = d;
	return OK;
}
