/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Charters and decisions: what is written is read again, whatever is changed in it is refused, and
 * a rule of succession that is broken by one is broken.
 */
#include "coalition_testing.h"

#define MANY   (COALITION_MEMBERS_MAX + 1) /* one more than a charter takes */
#define NOW_US BENCH_START

/* ---- a charter in the making ----------------------------------------------------------------- */

struct making {
	struct charter charter;
	struct charter_member rows[MANY];
	struct charter_revoked revoked[8];
	struct note_secret roots[MANY];
	struct world_fake world;
	struct arena *a;
	struct buf note;
};

static struct note_key key_new(struct making *m, const char *name, enum note_type type)
{
	struct note_secret secret;

	MUST(note_secret_new(&m->world.world, slice_of(name), type, &secret, &e));
	return secret.key;
}

static void row_new(struct making *m, unsigned i)
{
	struct charter_member *row = &m->rows[i];
	char name[80];

	snprintf(row->name, sizeof(row->name), "m%02u", i);
	snprintf(name, sizeof(name), "m%02u/root", i);
	MUST(note_secret_new(
		&m->world.world, slice_of(name), NOTE_ED25519, &m->roots[i], &e));
	row->root = m->roots[i].key;
	snprintf(name, sizeof(name), "m%02u/log", i);
	row->log = key_new(m, name, NOTE_ED25519);
	snprintf(name, sizeof(name), "m%02u/witness", i);
	row->witness = key_new(m, name, NOTE_COSIGNATURE);
	snprintf(name, sizeof(name), "m%02u/mirror", i);
	row->mirror = key_new(m, name, NOTE_COSIGNATURE);
	row->title = slice_of(row->name);
	hash_sha256(slice_of(row->name), row->pin);
	hash_sha256(slice_of(name), row->box);
	row->address = i % 2 == 0 ? SLICE("https://a.example:8443") : SLICE("");
}

static struct making *making_new(unsigned members)
{
	struct making *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	world_fake_init(&m->world, 62, NOW_US);
	m->a = arena_new(MIB(256));
	assert_non_null(m->a);
	for (unsigned i = 0; i < members; i++)
		row_new(m, i);
	m->charter = (struct charter){.name = SLICE("Kalit — 1"),
		.version = 1,
		.expires_us = NOW_US + BENCH_DAY_US,
		.threshold = bench_threshold(members),
		.members = m->rows,
		.members_count = members,
		.revoked = m->revoked};
	return m;
}

static void making_free(struct making *m)
{
	buf_fini(&m->note);
	arena_free(m->a);
	free(m);
}

static void making_sign(struct making *m, unsigned signers)
{
	struct buf text = BUF_INIT, lines = BUF_INIT;

	charter_write(&m->charter, &text);
	for (unsigned i = 0; i < signers; i++)
		note_sign(&m->roots[i], buf_slice(&text), &lines);
	buf_clear(&m->note);
	note_write(buf_slice(&text), buf_slice(&lines), &m->note);
	assert_false(m->note.bad);
	buf_fini(&text);
	buf_fini(&lines);
}

/* Signed by so many, read, and held against `before`. */
static enum err_kind making_try(struct making *m, unsigned signers, const struct charter *before,
	int64_t now_us, struct charter *ret, struct err *e)
{
	enum err_kind kind;

	making_sign(m, signers);
	kind = charter_parse(buf_slice(&m->note), m->a, ret, e);
	return kind == OK ? charter_verify(ret, before, now_us, e) : kind;
}

#define REFUSES(expected, m, signers, before)                                                      \
	do {                                                                                       \
		struct charter refused_;                                                           \
		REFUSED(expected, making_try(m, signers, before, NOW_US, &refused_, &e));          \
	} while (0)

#define TAKES(m, signers, before, ret)                                                             \
	MUST(making_try(m, signers, before, NOW_US, ret, &e))

/* ---- reading and writing --------------------------------------------------------------------- */

static void test_round_trip(void **state)
{
	struct making *m = making_new(5);
	struct buf again = BUF_INIT;
	struct charter c;
	struct note note;

	(void)state;
	m->revoked[0] = (struct charter_revoked){key_new(m, "m00/log.1", NOTE_ED25519), 77, {1, 2}};
	m->charter.revoked_count = 1;
	m->charter.version = 1;
	TAKES(m, 4, NULL, &c);
	assert_true(slice_equal(c.name, m->charter.name));
	assert_int_equal(c.version, 1);
	assert_int_equal(c.threshold, 4);
	assert_int_equal(c.expires_us, NOW_US + BENCH_DAY_US);
	assert_int_equal(c.members_count, 5);
	assert_int_equal(c.revoked_count, 1);
	assert_int_equal(c.revoked[0].size, 77);
	for (size_t i = 0; i < 5; i++) {
		assert_string_equal(c.members[i].name, m->rows[i].name);
		assert_true(note_key_equal(&c.members[i].root, &m->rows[i].root));
		assert_true(note_key_equal(&c.members[i].log, &m->rows[i].log));
		assert_true(note_key_equal(&c.members[i].witness, &m->rows[i].witness));
		assert_true(note_key_equal(&c.members[i].mirror, &m->rows[i].mirror));
		assert_memory_equal(c.members[i].box, m->rows[i].box, SIGNER_BOX_LEN);
		assert_memory_equal(c.members[i].pin, m->rows[i].pin, SHA256_LEN);
		assert_true(slice_equal(c.members[i].address, m->rows[i].address));
	}
	charter_write(&c, &again);
	MUST(note_parse(buf_slice(&m->note), m->a, &note, &e));
	assert_true(slice_equal(buf_slice(&again), note.text));
	assert_non_null(charter_member_find(&c, SLICE("m03")));
	assert_null(charter_member_find(&c, SLICE("m3")));
	buf_fini(&again);
	making_free(m);
}

/* Carried by exactly as many as it takes, so that a line that counts no more is missed. */
static void test_every_flip_and_cut(void **state)
{
	struct making *m = making_new(3);
	struct charter c;
	struct buf bytes = BUF_INIT;
	uint8_t digest[SHA256_LEN];
	unsigned long tried = 0;

	(void)state;
	TAKES(m, 2, NULL, &c);
	memcpy(digest, c.digest, SHA256_LEN);
	buf_slice_append(&bytes, buf_slice(&m->note));
	for (size_t i = 0; i < bytes.len; i++) {
		for (unsigned bit = 0; bit < 8; bit++, tried++) {
			bytes.data[i] ^= (char)(1u << bit);
			arena_reset(m->a);
			if (charter_parse(buf_slice(&bytes), m->a, &c, NULL) == OK &&
				charter_verify(&c, NULL, NOW_US, NULL) == OK)
				fail_msg("bit %u of byte %zu may be flipped", bit, i);
			bytes.data[i] ^= (char)(1u << bit);
		}
	}
	for (size_t len = 0; len < bytes.len; len++, tried++) {
		arena_reset(m->a);
		if (charter_parse(slice_cut(buf_slice(&bytes), 0, len), m->a, &c, NULL) == OK &&
			charter_verify(&c, NULL, NOW_US, NULL) == OK)
			fail_msg("it may be cut off at %zu", len);
	}
	arena_reset(m->a);
	MUST(charter_parse(buf_slice(&bytes), m->a, &c, &e));
	MUST(charter_verify(&c, NULL, NOW_US, &e));
	assert_memory_equal(c.digest, digest, SHA256_LEN);
	assert_true(tried > 10000);
	buf_fini(&bytes);
	making_free(m);
}

static void test_decision_flips_and_cuts(void **state)
{
	struct making *m = making_new(3);
	struct decision d = {.kind = SLICE("policy"),
		.sequence = 7,
		.previous = {9, 8, 7},
		.content = SLICE("{\"rules\":[]}\n")},
			again;
	struct charter c;
	struct buf text = BUF_INIT, lines = BUF_INIT, note = BUF_INIT;

	(void)state;
	TAKES(m, 3, NULL, &c);
	decision_write(&d, &text);
	for (unsigned i = 0; i < 2; i++)
		note_sign(&m->roots[i], buf_slice(&text), &lines);
	note_write(buf_slice(&text), buf_slice(&lines), &note);
	MUST(decision_parse(buf_slice(&note), m->a, &again, &e));
	MUST(charter_carried(&c, buf_slice(&note), &e));
	assert_true(slice_equal(again.kind, d.kind) && slice_equal(again.content, d.content));
	assert_int_equal(again.sequence, 7);
	assert_memory_equal(again.previous, d.previous, SHA256_LEN);
	for (size_t i = 0; i < note.len * 8; i++) {
		struct arena *a = arena_new(MIB(1));

		note.data[i / 8] ^= (char)(1u << i % 8);
		if (decision_parse(buf_slice(&note), a, &again, NULL) == OK &&
			charter_carried(&c, buf_slice(&note), NULL) == OK)
			fail_msg("bit %zu may be flipped", i);
		note.data[i / 8] ^= (char)(1u << i % 8);
		if (i < note.len &&
			decision_parse(slice_cut(buf_slice(&note), 0, i), a, &again, NULL) == OK &&
			charter_carried(&c, slice_cut(buf_slice(&note), 0, i), NULL) == OK)
			fail_msg("it may be cut off at %zu", i);
		arena_free(a);
	}
	buf_fini(&text);
	buf_fini(&lines);
	buf_fini(&note);
	making_free(m);
}

static void test_decision_lines(void **state)
{
	static const char zeros[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	static const struct {
		const char *why, *head, *kind, *sequence, *previous;
		enum err_kind expected;
	} cases[] = {
		{"as it should be",      "serai/decision/v1", "policy",  "1",                    zeros,  OK       },
		{"longest kind",         "serai/decision/v1", "abcdefghijklmnopqrstuvwxyzabcd-f", "1", zeros, OK },
		{"kind too long",        "serai/decision/v1", "abcdefghijklmnopqrstuvwxyzabcd-fg", "1", zeros, ERR_PARSE },
		{"no kind",              "serai/decision/v1", "",        "1",                    zeros,  ERR_PARSE},
		{"capital",              "serai/decision/v1", "Policy",  "1",                    zeros,  ERR_PARSE},
		{"digit",                "serai/decision/v1", "policy2", "1",                    zeros,  ERR_PARSE},
		{"number 0",             "serai/decision/v1", "policy",  "0",                    zeros,  ERR_PARSE},
		{"negative",             "serai/decision/v1", "policy",  "-1",                   zeros,  ERR_PARSE},
		{"largest number",       "serai/decision/v1", "policy",  "18446744073709551615", zeros,  OK       },
		{"one too large",        "serai/decision/v1", "policy",  "18446744073709551616", zeros,  ERR_PARSE},
		{"no number",            "serai/decision/v1", "policy",  "x",                    zeros,  ERR_PARSE},
		{"short digest",         "serai/decision/v1", "policy",  "1",                    "AAAA", ERR_PARSE},
		{"another version",      "serai/decision/v2", "policy",  "1",                    zeros,  ERR_PARSE},
		{"a charter",            "serai/charter/v1",  "policy",  "1",                    zeros,  ERR_PARSE},
	};
	struct making *m = making_new(1);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf text = BUF_INIT, line = BUF_INIT, note = BUF_INIT;
		struct decision d;
		enum err_kind kind;

		buf_printf(&text, "%s\n%s\n%s\n%s\ncontent\n", cases[i].head, cases[i].kind,
			cases[i].sequence, cases[i].previous);
		note_sign(&m->roots[0], buf_slice(&text), &line);
		note_write(buf_slice(&text), buf_slice(&line), &note);
		kind = decision_parse(buf_slice(&note), m->a, &d, NULL);
		if (kind != cases[i].expected)
			fail_msg("%s: %d", cases[i].why, (int)kind);
		buf_fini(&text);
		buf_fini(&line);
		buf_fini(&note);
	}
	making_free(m);
}

/* A text with one thing replaced by another, signed again by all. */
static enum err_kind replaced(
	struct making *m, const char *what, const char *with, struct charter *ret, struct err *e)
{
	struct buf text = BUF_INIT, changed = BUF_INIT, lines = BUF_INIT;
	size_t at;
	enum err_kind kind;

	charter_write(&m->charter, &text);
	at = slice_find_text(buf_slice(&text), slice_of(what));
	assert_true(at < text.len);
	buf_slice_append(&changed, slice_cut(buf_slice(&text), 0, at));
	buf_text(&changed, with);
	buf_slice_append(&changed, slice_cut(buf_slice(&text), at + strlen(what), text.len));
	for (unsigned i = 0; i < m->charter.members_count; i++)
		note_sign(&m->roots[i], buf_slice(&changed), &lines);
	buf_clear(&m->note);
	note_write(buf_slice(&changed), buf_slice(&lines), &m->note);
	kind = charter_parse(buf_slice(&m->note), m->a, ret, e);
	if (kind == OK)
		kind = charter_verify(ret, NULL, NOW_US, e);
	buf_fini(&text);
	buf_fini(&changed);
	buf_fini(&lines);
	return kind;
}

static void test_properties(void **state)
{
	static const struct {
		const char *why, *what, *with;
		enum err_kind expected;
	} cases[] = {
		{"nothing changed", "\"version\"", "\"version\"", OK},
		{"another first line", "serai/charter/v1", "serai/charter/v2", ERR_PARSE},
		{"not JSON", "\"members\": [", "\"members\": ", ERR_PARSE},
		{"unknown property", "\"version\": 1", "\"version\": 1, \"note\": 1", ERR_INVALID},
		{"property missing", "  \"version\": 1,\n", "", ERR_INVALID},
		{"version as text", "\"version\": 1", "\"version\": \"1\"", ERR_INVALID},
		{"version 0", "\"version\": 1", "\"version\": 0", ERR_INVALID},
		{"version negative", "\"version\": 1", "\"version\": -1", ERR_INVALID},
		{"version twice", "\"version\": 1", "\"version\": 1, \"version\": 1", ERR_PARSE},
		{"threshold 0", "\"threshold\": 2", "\"threshold\": 0", ERR_INVALID},
		{"threshold of half", "\"threshold\": 2", "\"threshold\": 1", ERR_INVALID},
		{"threshold of all", "\"threshold\": 2", "\"threshold\": 3", OK},
		{"threshold past all", "\"threshold\": 2", "\"threshold\": 4", ERR_INVALID},
		{"threshold past all limits", "\"threshold\": 2", "\"threshold\": 4294967298", ERR_INVALID},
		{"no time", "2027-01-16T08:00:00Z", "tomorrow", ERR_INVALID},
		{"unknown property of a member", "\"title\": \"m01\"",
			"\"title\": \"m01\", \"rank\": 1", ERR_INVALID},
		{"property of a member missing", "\"title\": \"m01\",", "", ERR_INVALID},
		{"title a number", "\"title\": \"m01\"", "\"title\": 1", ERR_INVALID},
		{"another's key", "\"name\": \"m01\"", "\"name\": \"m91\"", ERR_INVALID},
		{"name with a capital", "\"name\": \"m01\"", "\"name\": \"M01\"", ERR_INVALID},
		{"address without TLS", "https://a.example:8443", "http://a.example:8443",
			ERR_INVALID},
		{"address a number", "\"https://a.example:8443\"", "8443", ERR_INVALID},
		{"key without its digits", "m01/log+", "m01/log", ERR_INVALID},
		{"members as an object", "\"members\": [\n", "\"members\": {}, \"x\": [\n",
			ERR_INVALID},
		{"revoked as text", "\"revoked\": []", "\"revoked\": \"\"", ERR_INVALID},
		{"revoked of a number", "\"revoked\": []", "\"revoked\": [1]", ERR_INVALID},
		{"revoked without a root", "\"revoked\": []", "\"revoked\": [{\"size\": 1}]",
			ERR_INVALID},
	};
	struct making *m = making_new(3);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct err e = {0};
		struct charter c;
		enum err_kind kind = replaced(m, cases[i].what, cases[i].with, &c, &e);

		if (kind != OK && cases[i].expected != OK && cases[i].expected == ERR_INVALID &&
			kind == ERR_PARSE && slice_find_text(slice_of(e.text), SLICE("key")) <
						     strlen(e.text))
			continue; /* a key that does not read */
		if (kind != cases[i].expected)
			fail_msg("%s: %d: %s", cases[i].why, (int)kind, e.text);
		assert_true(kind == OK || e.text[0] != '\0');
	}
	making_free(m);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		bool good;
	} cases[] = {
		{"a",      true },
		{"kz",     true },
		{"0",      true },
		{"a-b.c",  true },
		{"",       false},
		{"-a",     false},
		{"a-",     false},
		{".a",     false},
		{"a.",     false},
		{"A",      false},
		{"a b",    false},
		{"a/b",    false},
		{"a+b",    false},
		{"a_b",    false},
		{"\xd0\xb0", false},
	};
	char longest[COALITION_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(charter_name_valid(slice_of(cases[i].name)), cases[i].good);
	memset(longest, 'a', sizeof(longest));
	assert_true(charter_name_valid((struct slice){longest, COALITION_NAME_MAX}));
	assert_false(charter_name_valid((struct slice){longest, COALITION_NAME_MAX + 1}));
}

static void test_lengths(void **state)
{
	struct making *m = making_new(1);
	static char text[310];
	struct charter c;

	(void)state;
	m->charter.threshold = 1;
	memset(text, 'a', sizeof(text));
	m->rows[0].title = (struct slice){text, 200};
	TAKES(m, 1, NULL, &c);
	m->rows[0].title = (struct slice){text, 201};
	REFUSES(ERR_INVALID, m, 1, NULL);
	m->rows[0].title = SLICE("");
	memcpy(text, "https://", 8);
	m->rows[0].address = (struct slice){text, 300};
	TAKES(m, 1, NULL, &c);
	m->rows[0].address = (struct slice){text, 301};
	REFUSES(ERR_INVALID, m, 1, NULL);
	making_free(m);
}

static void test_members_limit(void **state)
{
	struct making *m = making_new(COALITION_MEMBERS_MAX + 1);
	struct charter c;

	(void)state;
	m->charter.members_count = COALITION_MEMBERS_MAX;
	m->charter.threshold = bench_threshold(COALITION_MEMBERS_MAX);
	TAKES(m, m->charter.threshold, NULL, &c);
	assert_int_equal(c.members_count, COALITION_MEMBERS_MAX);
	assert_true(2 * charter_quorum(&c) >
		    COALITION_MEMBERS_MAX - 1 + (COALITION_MEMBERS_MAX - 2) / 3);
	m->charter.members_count = COALITION_MEMBERS_MAX + 1;
	REFUSES(ERR_INVALID, m, COALITION_MEMBERS_MAX, NULL);
	m->charter.members_count = 0;
	REFUSES(ERR_INVALID, m, 1, NULL);
	making_free(m);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static void test_keys(void **state)
{
	struct making *m = making_new(3);
	struct charter_member was = m->rows[1];
	struct charter c;

	(void)state;
	m->rows[1].witness = key_new(m, "m01/witness", NOTE_ED25519);
	REFUSES(ERR_INVALID, m, 3, NULL);
	m->rows[1] = was;
	m->rows[1].log = key_new(m, "m01/log", NOTE_COSIGNATURE);
	REFUSES(ERR_INVALID, m, 3, NULL);
	m->rows[1] = was;
	m->rows[1].log = key_new(m, "m010/log", NOTE_ED25519); /* begins like the name */
	REFUSES(ERR_INVALID, m, 3, NULL);
	m->rows[1] = was;
	m->rows[1].log = key_new(m, "m01", NOTE_ED25519);
	REFUSES(ERR_INVALID, m, 3, NULL);
	/* One key in two roles, and one of two members: under other names. */
	m->rows[1] = was;
	MUST(note_key_make(SLICE("m01/log"), NOTE_ED25519, m->rows[1].root.public, &m->rows[1].log,
		&e));
	REFUSES(ERR_INVALID, m, 3, NULL);
	m->rows[1] = was;
	MUST(note_key_make(SLICE("m01/mirror"), NOTE_COSIGNATURE, m->rows[2].mirror.public,
		&m->rows[1].mirror, &e));
	REFUSES(ERR_INVALID, m, 3, NULL);
	m->rows[1] = was;
	m->rows[1].mirror = key_new(m, "m01/witness", NOTE_COSIGNATURE); /* one name twice */
	REFUSES(ERR_INVALID, m, 3, NULL);
	m->rows[1] = was;
	TAKES(m, 3, NULL, &c);
	making_free(m);
}

/* Wycheproof and RFC 8032 5.1.3: points of small order, under which any message may verify. */
static void test_small_order(void **state)
{
	static const uint8_t points[][NOTE_PUBLIC_LEN] = {
		{0},
		{1},
		{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		 0xff, 0xff, 0xff, 0x7f},
		{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef,
		 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
		 0x6d, 0x53, 0xfc, 0x05},
	};
	struct making *m = making_new(2);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(points); i++) {
		struct buf vkey = BUF_INIT, blob = BUF_INIT;
		struct charter c;
		uint8_t typed[1 + NOTE_PUBLIC_LEN] = {NOTE_ED25519}, id[SHA256_LEN];
		struct buf named = BUF_INIT, was = BUF_INIT;

		/* A whole and right vkey of such a point. */
		memcpy(typed + 1, points[i], NOTE_PUBLIC_LEN);
		buf_text(&named, "m01/log\n");
		buf_append(&named, typed, sizeof(typed));
		hash_sha256(buf_slice(&named), id);
		buf_text(&vkey, "m01/log+");
		hex_append(&vkey, id, NOTE_KEY_ID_LEN);
		buf_char(&vkey, '+');
		base64_append(&vkey, typed, sizeof(typed));
		buf_char(&vkey, '\0');
		note_key_format(&m->rows[1].log, &was);
		buf_char(&was, '\0');
		REFUSED(ERR_INVALID, replaced(m, was.data, vkey.data, &c, &e));
		buf_fini(&vkey);
		buf_fini(&blob);
		buf_fini(&named);
		buf_fini(&was);
	}
	making_free(m);
}

static void test_twice(void **state)
{
	struct making *m = making_new(3);
	uint8_t pin[SHA256_LEN];

	(void)state;
	memcpy(pin, m->rows[2].pin, SHA256_LEN);
	memcpy(m->rows[2].pin, m->rows[0].pin, SHA256_LEN);
	REFUSES(ERR_INVALID, m, 3, NULL);
	memcpy(m->rows[2].pin, pin, SHA256_LEN);
	m->rows[2] = m->rows[1];
	m->roots[2] = m->roots[1];
	REFUSES(ERR_INVALID, m, 2, NULL);
	making_free(m);
}

/* ---- thresholds, time, succession ------------------------------------------------------------ */

static void test_thresholds(void **state)
{
	static const struct {
		unsigned members, least, quorum;
	} cases[] = {
		{1,  1,  0 },
		{2,  2,  1 },
		{3,  2,  2 },
		{4,  3,  2 },
		{5,  4,  3 },
		{7,  5,  4 },
		{10, 7,  6 },
		{30, 20, 20},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct making *m = making_new(cases[i].members);
		unsigned least = cases[i].least;
		struct charter c;

		m->charter.threshold = least;
		TAKES(m, least, NULL, &c);
		assert_int_equal(charter_quorum(&c), cases[i].quorum);
		if (least > 1)
			REFUSES(ERR_DENIED, m, least - 1, NULL);
		m->charter.threshold = least - 1;
		REFUSES(ERR_INVALID, m, cases[i].members, NULL);
		m->charter.threshold = cases[i].members;
		TAKES(m, cases[i].members, NULL, &c);
		m->charter.threshold = cases[i].members + 1;
		REFUSES(ERR_INVALID, m, cases[i].members, NULL);
		making_free(m);
	}
}

/* One member's signature, as often as one likes, is one. */
static void test_signature_twice(void **state)
{
	struct making *m = making_new(3);
	struct buf text = BUF_INIT, lines = BUF_INIT, note = BUF_INIT;
	struct charter c;

	(void)state;
	charter_write(&m->charter, &text);
	for (unsigned i = 0; i < 2; i++)
		note_sign(&m->roots[0], buf_slice(&text), &lines);
	note_write(buf_slice(&text), buf_slice(&lines), &note);
	MUST(charter_parse(buf_slice(&note), m->a, &c, &e));
	REFUSED(ERR_DENIED, charter_verify(&c, NULL, NOW_US, &e));
	buf_fini(&text);
	buf_fini(&lines);
	buf_fini(&note);
	making_free(m);
}

static void test_expiry(void **state)
{
	struct making *m = making_new(2);
	struct charter c;

	(void)state;
	MUST(making_try(m, 2, NULL, m->charter.expires_us - 1, &c, &e));
	REFUSED(ERR_INVALID, making_try(m, 2, NULL, m->charter.expires_us, &c, &e));
	MUST(making_try(m, 2, NULL, 0, &c, &e)); /* not asked */
	making_free(m);
}

static void test_succession(void **state)
{
	struct making *m = making_new(4);
	struct charter one, two, three;

	(void)state;
	m->charter.previous[0] = 1; /* the first has none before it */
	REFUSES(ERR_CONFLICT, m, 4, NULL);
	m->charter.previous[0] = 0;
	TAKES(m, 3, NULL, &one);
	m->charter.version = 2;
	REFUSES(ERR_CONFLICT, m, 4, &one);
	memcpy(m->charter.previous, one.digest, SHA256_LEN);
	TAKES(m, 3, &one, &two);
	REFUSES(ERR_DENIED, m, 2, &one);
	m->charter.version = 1; /* again the first number */
	REFUSES(ERR_CONFLICT, m, 4, &one);
	m->charter.version = 3; /* one left out */
	REFUSES(ERR_CONFLICT, m, 4, &one);
	REFUSES(ERR_CONFLICT, m, 4, &two); /* not its digest */
	memcpy(m->charter.previous, two.digest, SHA256_LEN);
	TAKES(m, 3, &two, &three);
	making_free(m);
}

/* Three of four go and four come: the old ones alone are not enough, nor are the new ones. */
static void test_both_thresholds(void **state)
{
	struct making *m = making_new(8);
	struct charter_member all[8];
	struct note_secret roots[8];
	struct charter one, two;

	(void)state;
	memcpy(all, m->rows, sizeof(all));
	memcpy(roots, m->roots, sizeof(roots));
	m->charter.members_count = 4;
	m->charter.threshold = 3;
	TAKES(m, 3, NULL, &one);
	/* Now members 3 to 7; 0, 1 and 2 are gone. */
	m->charter.version = 2;
	memcpy(m->charter.previous, one.digest, SHA256_LEN);
	m->charter.members = m->rows + 3;
	m->charter.members_count = 5;
	m->charter.threshold = 4;
	for (unsigned i = 0; i < 3; i++)
		m->revoked[i] = (struct charter_revoked){all[i].log, 10, {0}};
	m->charter.revoked_count = 3;
	REFUSES(ERR_DENIED, m, 4, &one); /* members 0 to 3: old ones */
	memmove(m->roots, m->roots + 3, 5 * sizeof(m->roots[0]));
	REFUSES(ERR_DENIED, m, 5, &one); /* 3 to 7: new ones */
	memcpy(m->roots, roots, sizeof(roots));
	TAKES(m, 7, &one, &two); /* 0 to 6: enough of both */
	REFUSES(ERR_DENIED, m, 6, &one); /* of the new ones only 3, 4, 5 */
	making_free(m);
}

static void test_revoked(void **state)
{
	struct making *m = making_new(3);
	struct note_key was = m->rows[0].log;
	struct charter one, two, three;

	(void)state;
	TAKES(m, 3, NULL, &one);
	m->charter.version = 2;
	memcpy(m->charter.previous, one.digest, SHA256_LEN);
	m->rows[0].log = key_new(m, "m00/log.2", NOTE_ED25519);
	REFUSES(ERR_INVALID, m, 3, &one); /* gone, but not said up to where it counts */
	m->revoked[0] = (struct charter_revoked){was, 100, {0}};
	m->charter.revoked_count = 1;
	TAKES(m, 3, &one, &two);

	m->charter.version = 3;
	memcpy(m->charter.previous, two.digest, SHA256_LEN);
	m->charter.revoked_count = 0;
	REFUSES(ERR_INVALID, m, 3, &two); /* it must stay */
	m->charter.revoked_count = 1;
	m->revoked[0].size = 101;
	REFUSES(ERR_INVALID, m, 3, &two); /* and may not grow */
	m->revoked[0].size = 99;
	TAKES(m, 3, &two, &three);
	/* Back in use: under its name with another key, and the key under another name. */
	m->revoked[0].size = 100;
	m->rows[0].log = key_new(m, "m00/log", NOTE_ED25519);
	REFUSES(ERR_INVALID, m, 3, &two);
	MUST(note_key_make(SLICE("m00/log.3"), NOTE_ED25519, was.public, &m->rows[0].log, &e));
	REFUSES(ERR_INVALID, m, 3, &two);
	making_free(m);
}

static void test_revoked_limit(void **state)
{
	struct making *m = making_new(2);
	struct charter_revoked *many = calloc(257, sizeof(*many));
	struct charter c;

	(void)state;
	assert_non_null(many);
	for (unsigned i = 0; i < 257; i++) {
		char name[32];

		snprintf(name, sizeof(name), "m00/log.%u", i);
		many[i].key = key_new(m, name, NOTE_ED25519);
	}
	m->charter.revoked = many;
	m->charter.revoked_count = 256;
	TAKES(m, 2, NULL, &c);
	m->charter.revoked_count = 257;
	REFUSES(ERR_INVALID, m, 2, NULL);
	free(many);
	making_free(m);
}

/* ---- for outsiders --------------------------------------------------------------------------- */

static void test_quorum_file(void **state)
{
	static const unsigned sizes[] = {1, 2, 3, 4, 5, 7, 10, 30};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(sizes); n++) {
		struct making *m = making_new(sizes[n]);
		struct buf file = BUF_INIT;
		struct ledger_quorum *q;
		const struct note_key *keys;
		size_t count, logs;
		bool by[MANY] = {false};
		struct charter c;

		TAKES(m, m->charter.threshold, NULL, &c);
		charter_quorum_file(&c, &c.members[0], &file);
		MUST(ledger_quorum_parse(buf_slice(&file), m->a, &q, &e));
		ledger_quorum_keys(q, &keys, &count, &logs);
		assert_int_equal(logs, 1);
		assert_int_equal(count, sizes[n]); /* its log, and a mirror of each other */
		assert_true(note_key_equal(&keys[0], &c.members[0].log));
		by[0] = true;
		for (unsigned k = 0; k < charter_quorum(&c); k++) {
			assert_false(ledger_quorum_reached(q, by));
			assert_true(note_key_equal(&keys[1 + k], &c.members[1 + k].mirror));
			by[1 + k] = true;
		}
		assert_true(ledger_quorum_reached(q, by));
		buf_fini(&file);
		making_free(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_every_flip_and_cut),
		cmocka_unit_test(test_decision_flips_and_cuts),
		cmocka_unit_test(test_decision_lines),
		cmocka_unit_test(test_properties),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_members_limit),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_small_order),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_thresholds),
		cmocka_unit_test(test_signature_twice),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_succession),
		cmocka_unit_test(test_both_thresholds),
		cmocka_unit_test(test_revoked),
		cmocka_unit_test(test_revoked_limit),
		cmocka_unit_test(test_quorum_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
