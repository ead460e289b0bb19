/* SPDX-License-Identifier: MPL-2.0 */
#include "log_testing.h"

/* A log of 23 leaves, its checkpoint signed and cosigned by two of three witnesses. */
struct scene {
	struct bench b;
	struct note_secret log, witnesses[3];
	struct buf quorum, note, proof;
	struct arena *arena;
	struct ledger_quorum *q;
};

#define LEAVES 23
#define INDEX  10

static void key_line(struct buf *out, const char *head, const struct note_secret *s)
{
	buf_text(out, head);
	note_key_format(&s->key, out);
	buf_char(out, '\n');
}

static void note_make(struct scene *s, unsigned witnesses)
{
	struct note_checkpoint c = {.origin = ledger_origin(s->b.log), .size = LEAVES};
	struct buf text = BUF_INIT, lines = BUF_INIT;

	MUST(ledger_root(s->b.log, LEAVES, c.root, &e));
	note_checkpoint_format(&c, &text);
	note_sign(&s->log, buf_slice(&text), &lines);
	for (unsigned i = 0; i < witnesses; i++)
		note_cosign(&s->witnesses[i], buf_slice(&text), 1795392000 + i, &lines);
	buf_clear(&s->note);
	note_write(buf_slice(&text), buf_slice(&lines), &s->note);
	buf_fini(&text);
	buf_fini(&lines);
}

static void proof_make(struct scene *s, uint64_t index, bool opening)
{
	struct ledger_proof p = {
		.index = index, .has_opening = opening, .checkpoint = buf_slice(&s->note)};
	struct ledger_place place;

	MUST(ledger_leaf_get(s->b.log, index, &p.leaf, &e));
	MUST(ledger_opening_get(s->b.log, index, p.salt, &place, NULL, &e));
	MUST(ledger_inclusion(s->b.log, index, LEAVES, &p.path, &e));
	buf_clear(&s->proof);
	ledger_proof_write(&p, &s->proof);
}

static void scene_init(struct scene *s)
{
	static const char *const names[] = {"w1.example", "w2.example", "w3.example"};
	static const char *const heads[] = {"witness w1 ", "witness w2 ", "witness w3 "};

	memset(s, 0, sizeof(*s));
	bench_init(&s->b, 1);
	MUST(bench_append(&s->b, LEAVES, &e));
	s->arena = arena_new(MIB(64));
	assert_non_null(s->arena);
	MUST(note_secret_new(&s->b.world.world, SLICE(ORIGIN), NOTE_ED25519, &s->log, &e));
	key_line(&s->quorum, "log ", &s->log);
	for (unsigned i = 0; i < 3; i++) {
		MUST(note_secret_new(&s->b.world.world, slice_of(names[i]), NOTE_COSIGNATURE,
			&s->witnesses[i], &e));
		key_line(&s->quorum, heads[i], &s->witnesses[i]);
	}
	buf_text(&s->quorum, "group most 2 w1 w2 w3\nquorum most\n");
	MUST(ledger_quorum_parse(buf_slice(&s->quorum), s->arena, &s->q, &e));
	note_make(s, 2);
	proof_make(s, INDEX, true);
}

static void scene_fini(struct scene *s)
{
	buf_fini(&s->quorum);
	buf_fini(&s->note);
	buf_fini(&s->proof);
	arena_free(s->arena);
	bench_fini(&s->b);
}

/* What `serai verify` does, from bytes to answer. */
static enum err_kind check(struct scene *s, struct slice proof, struct slice content,
	struct ledger_verified *v, struct err *e)
{
	struct arena *a = arena_new(MIB(4));
	struct ledger_proof p;
	enum err_kind kind = ledger_proof_parse(proof, &p, e);

	assert_non_null(a);
	if (kind == OK)
		kind = ledger_proof_verify(&p, s->q, content, a, v, e);
	arena_free(a);
	return kind;
}

/* ---- proofs ---------------------------------------------------------------------------------- */

static void every_leaf_is_proved_to_anybody(void **state)
{
	struct ledger_verified v;
	struct scene s;
	char room[256];

	(void)state;
	scene_init(&s);
	for (uint64_t i = 0; i < LEAVES; i++) {
		proof_make(&s, i, true);
		MUST(check(&s, buf_slice(&s.proof), content_of(i, room), &v, &e));
		assert_string_equal(v.origin, ORIGIN);
		assert_int_equal(v.index, i);
		assert_int_equal(v.size, LEAVES);
		assert_int_equal(v.cosignatures, 2);
		assert_int_equal(v.cosigned_s, 1795392001);
		assert_int_equal(check(&s, buf_slice(&s.proof), content_of(i + 1, room), &v, NULL),
			ERR_INVALID);
	}
	scene_fini(&s);
}

static void no_flipped_bit_and_no_truncation_is_taken(void **state)
{
	struct ledger_verified v;
	struct slice content;
	struct scene s;
	char room[256];

	(void)state;
	scene_init(&s);
	content = content_of(INDEX, room);
	MUST(check(&s, buf_slice(&s.proof), content, &v, &e));
	for (size_t bit = 0; bit < s.proof.len * 8; bit++) {
		s.proof.data[bit / 8] ^= (char)(1 << bit % 8);
		if (check(&s, buf_slice(&s.proof), content, &v, NULL) == OK)
			fail_msg("taken with bit %zu of byte %zu flipped", bit % 8, bit / 8);
		s.proof.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t len = 0; len < s.proof.len; len++) {
		if (check(&s, slice_cut(buf_slice(&s.proof), 0, len), content, &v, NULL) == OK)
			fail_msg("taken when cut to %zu of %zu bytes", len, s.proof.len);
	}
	for (size_t bit = 0; bit < content.len * 8; bit++) {
		room[bit / 8] ^= (char)(1 << bit % 8);
		assert_int_equal(check(&s, buf_slice(&s.proof), content, &v, NULL), ERR_INVALID);
		room[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t len = 0; len < content.len; len++)
		assert_int_equal(
			check(&s, buf_slice(&s.proof), slice_cut(content, 0, len), &v, NULL),
			ERR_INVALID);
	MUST(check(&s, buf_slice(&s.proof), content, &v, &e));
	scene_fini(&s);
}

/* Salt and content are gone: that the leaf is there can still be shown. */
static void an_erased_leaf_is_still_proved(void **state)
{
	struct ledger_verified v;
	struct buf leaf = BUF_INIT;
	struct scene s;
	char room[256];

	(void)state;
	scene_init(&s);
	MUST(ledger_erase(s.b.log, INDEX, &e));
	/* the proof that was handed out before still holds for who kept the content */
	MUST(check(&s, buf_slice(&s.proof), content_of(INDEX, room), &v, &e));
	proof_make(&s, INDEX, false);
	MUST(ledger_leaves(s.b.log, INDEX, 1, &leaf, &e));
	MUST(check(&s, buf_slice(&s.proof), buf_slice(&leaf), &v, &e));
	assert_int_equal(v.index, INDEX);
	assert_int_equal(
		check(&s, buf_slice(&s.proof), content_of(INDEX, room), &v, NULL), ERR_INVALID);
	leaf.data[40] ^= 1;
	assert_int_equal(check(&s, buf_slice(&s.proof), buf_slice(&leaf), &v, NULL), ERR_INVALID);
	buf_fini(&leaf);
	scene_fini(&s);
}

static void refusals_say_what_is_missing(void **state)
{
	struct ledger_verified v;
	struct ledger_proof p;
	struct scene s;
	char room[256];
	struct err why;
	struct buf quorum = BUF_INIT;
	struct note_secret other;

	(void)state;
	scene_init(&s);
	note_make(&s, 1);
	proof_make(&s, INDEX, true);
	assert_int_equal(
		check(&s, buf_slice(&s.proof), content_of(INDEX, room), &v, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "1 witnesses"));
	/* a log that the file does not name, under the same name */
	note_make(&s, 2);
	proof_make(&s, INDEX, true);
	MUST(note_secret_new(&s.b.world.world, SLICE(ORIGIN), NOTE_ED25519, &other, &e));
	key_line(&quorum, "log ", &other);
	buf_text(&quorum, "quorum none\n");
	MUST(ledger_quorum_parse(buf_slice(&quorum), s.arena, &s.q, &e));
	assert_int_equal(
		check(&s, buf_slice(&s.proof), content_of(INDEX, room), &v, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "no log of the quorum file"));
	/* a log that is named, but signed a checkpoint of another */
	buf_clear(&quorum);
	MUST(note_secret_new(&s.b.world.world, SLICE("b.example"), NOTE_ED25519, &s.log, &e));
	key_line(&quorum, "log ", &s.log);
	buf_text(&quorum, "quorum none\n");
	MUST(ledger_quorum_parse(buf_slice(&quorum), s.arena, &s.q, &e));
	note_make(&s, 0);
	proof_make(&s, INDEX, true);
	assert_int_equal(
		check(&s, buf_slice(&s.proof), content_of(INDEX, room), &v, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "no log of the quorum file"));
	MUST(ledger_proof_parse(buf_slice(&s.proof), &p, &e));
	assert_true(p.has_opening);
	buf_fini(&quorum);
	scene_fini(&s);
}

static void what_is_no_proof_is_refused_with_a_reason(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"",						       "first line"   },
		{"c2sp.org/tlog-proof@v2\nindex 1\n\nnote\n",              "first line"   },
		{"c2sp.org/tlog-proof@v1\n",                               "\"index\""    },
		{"c2sp.org/tlog-proof@v1\nindex 01\n\nnote\n",             "\"index\""    },
		{"c2sp.org/tlog-proof@v1\nindex \n\nnote\n",               "\"index\""    },
		{"c2sp.org/tlog-proof@v1\nindex 18446744073709551616\n\n", "\"index\""    },
		{"c2sp.org/tlog-proof@v1\nindex 1\n",                      "empty line"   },
		{"c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\nnote\n",        "hash 1"       },
		{"c2sp.org/tlog-proof@v1\nindex 1\n\n",                    "no checkpoint"},
		{"c2sp.org/tlog-proof@v1\nextra AAAA\nindex 1\n\nnote\n",  "\"extra\""    },
		{"c2sp.org/tlog-proof@v1\nextra \nindex 1\n\nnote\n",      "\"extra\""    },
		{"c2sp.org/tlog-proof@v1\nextra "
		 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		 "AAAAAAAAAAAA\nindex 1\n\nnote\n",       "SL1"          },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct ledger_proof p;
		struct err why;

		assert_true(ledger_proof_parse(slice_of(cases[i].text), &p, &why) == ERR_PARSE);
		if (strstr(why.text, cases[i].says) == NULL)
			fail_msg("\"%s\" does not say %s", why.text, cases[i].says);
	}
}

static void a_path_has_at_most_63_hashes(void **state)
{
	struct ledger_add add = {.old_size = 7, .checkpoint = SLICE("note\n")}, back;
	struct buf out = BUF_INIT;

	(void)state;
	for (add.path.count = 0; add.path.count <= LEDGER_PATH_MAX; add.path.count++) {
		memset(add.path.hashes[add.path.count], (int)add.path.count, HASH_LEN);
		buf_clear(&out);
		ledger_add_write(&add, &out);
		MUST(ledger_add_parse(buf_slice(&out), &back, &e));
		assert_int_equal(back.old_size, 7);
		assert_int_equal(back.path.count, add.path.count);
		assert_memory_equal(back.path.hashes, add.path.hashes, add.path.count * HASH_LEN);
		assert_true(slice_is(back.checkpoint, "note\n"));
	}
	buf_clear(&out);
	ledger_add_write(&add, &out); /* 64 */
	assert_int_equal(ledger_add_parse(buf_slice(&out), &back, NULL), ERR_LIMIT);
	buf_fini(&out);
}

static void what_is_no_add_checkpoint_is_refused(void **state)
{
	static const char *const bodies[] = {"", "old", "old 1", "old \n\nnote\n",
		"old -1\n\nnote\n", "old 01\n\nnote\n", "Old 1\n\nnote\n", "old  1\n\nnote\n",
		"old 1\n", "old 1\n\n", "old 1\nAAAA\n\nnote\n", "old 1\r\n\r\nnote\n"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct ledger_add add;

		if (ledger_add_parse(slice_of(bodies[i]), &add, NULL) != ERR_PARSE)
			fail_msg("%s was taken", bodies[i]);
	}
}

/* ---- quorum files ---------------------------------------------------------------------------- */

/* "$1".."$9" in a text become keys of witnesses, "$L" and "$M" of logs. */
struct keys {
	struct note_secret witnesses[9], logs[2];
};

static void keys_make(struct keys *k)
{
	struct world_fake w;
	char name[16];

	world_fake_init(&w, 3, NOW);
	for (unsigned i = 0; i < 9; i++) {
		(void)snprintf(name, sizeof(name), "w%u", i + 1);
		MUST(note_secret_new(
			&w.world, slice_of(name), NOTE_COSIGNATURE, &k->witnesses[i], &e));
	}
	for (unsigned i = 0; i < 2; i++)
		MUST(note_secret_new(&w.world, SLICE("log"), NOTE_ED25519, &k->logs[i], &e));
}

static void keys_put(const struct keys *k, const char *text, struct buf *out)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p != '$') {
			buf_char(out, *p);
			continue;
		}
		p++;
		note_key_format(*p == 'L'   ? &k->logs[0].key
				: *p == 'M' ? &k->logs[1].key
					    : &k->witnesses[*p - '1'].key,
			out);
	}
}

static enum err_kind quorum_of(const struct keys *k, const char *text, struct arena *a,
	struct ledger_quorum **ret, struct err *e)
{
	struct buf out = BUF_INIT;
	enum err_kind kind;

	keys_put(k, text, &out);
	kind = ledger_quorum_parse(buf_slice(&out), a, ret, e);
	buf_fini(&out);
	return kind;
}

/* signed_by: digits of the witnesses that signed */
static bool reached(const struct ledger_quorum *q, const char *signed_by)
{
	const struct note_key *keys;
	bool by[64] = {false};
	size_t count, logs;

	ledger_quorum_keys(q, &keys, &count, &logs);
	for (const char *p = signed_by; *p != '\0'; p++) {
		for (size_t i = logs; i < count; i++)
			by[i] |= keys[i].name[1] == *p;
	}
	return ledger_quorum_reached(q, by);
}

static void quorums_are_reached_as_the_groups_say(void **state)
{
	/* the example of tlog-policy, with blanks, comments, addresses and an unused witness */
	static const char text[] = "# who must have seen it\n\n"
				   "log $L https://log.example/\n"
				   "log\t$M\n"
				   "witness X1 $1 https://w1.example/\n"
				   "  witness X2 $2\n"
				   "witness X3 $3  \n"
				   "group X 2 X1 X2 X3\n"
				   "witness Y1 $4\n"
				   "witness Y2 $5\n"
				   "witness Y3 $6\n"
				   "witness nobody $7\n"
				   "group Y any Y1 Y2 Y3\n"
				   "group X-and-Y all X Y\n"
				   "quorum X-and-Y\n"
				   "\t# the end\n";
	static const struct {
		const char *signed_by;
		bool enough;
	} cases[] = {
		{"",          false},
		{"123",       false},
		{"456",       false},
		{"14",        false},
		{"124",       true },
		{"135",       true },
		{"234567",    true },
		{"77777",     false},
		{"1456",      false},
		{"123456789", true },
	};
	struct arena *a = arena_new(MIB(8));
	const struct note_key *all;
	struct ledger_quorum *q;
	size_t count, logs;
	struct keys k;

	(void)state;
	keys_make(&k);
	MUST(quorum_of(&k, text, a, &q, &e));
	ledger_quorum_keys(q, &all, &count, &logs);
	assert_int_equal(logs, 2);
	assert_int_equal(count, 9);
	assert_true(note_key_equal(&all[0], &k.logs[0].key));
	assert_true(note_key_equal(&all[1], &k.logs[1].key));
	assert_true(note_key_equal(&all[2], &k.witnesses[0].key));
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(reached(q, cases[i].signed_by), cases[i].enough);
	MUST(quorum_of(&k, "quorum none\n", a, &q, &e));
	assert_true(reached(q, ""));
	MUST(quorum_of(&k, "witness a $1\nwitness b $2\nquorum b\n", a, &q, &e));
	assert_true(reached(q, "2"));
	assert_false(reached(q, "1"));
	arena_free(a);
}

static void what_is_no_quorum_file_is_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"",							  "no quorum line" },
		{"log $L\n",						  "no quorum line" },
		{"quorum none",					       "newline"        },
		{"quorum none\nquorum none\n",                                "second quorum"  },
		{"quorum\n",						  "no witness"     },
		{"quorum a\n",						"no witness"     },
		{"quorum a\nwitness a $1\n",                                  "no witness"     },
		{"quorum none none\n",					"more than one"  },
		{"log\nquorum none\n",					"key is missing" },
		{"log key\nquorum none\n",                                    "line 1"         },
		{"log $1\nquorum none\n",                                     "signs logs"     },
		{"log $L\nlog $L\nquorum none\n",                             "same public key"},
		{"log $L a b\nquorum none\n",                                 "address"        },
		{"witness\nquorum none\n",                                    "no new name"    },
		{"witness none $1\nquorum none\n",                            "no new name"    },
		{"witness a\nquorum none\n",                                  "key is missing" },
		{"witness a $L\nquorum none\n",                               "cosigns"        },
		{"witness a $1\nwitness a $2\nquorum none\n",                 "no new name"    },
		{"witness a $1\nwitness b $1\nquorum none\n",                 "same public key"},
		{"group g\nquorum none\n",                                    "expected: group"},
		{"group g all\nquorum none\n",                                "one to all"     },
		{"group g all g\nquorum none\n",                              "nobody before"  },
		{"witness a $1\ngroup a all a\nquorum none\n",                "no new name"    },
		{"witness a $1\ngroup g 0 a\nquorum none\n",                  "one to all"     },
		{"witness a $1\ngroup g 2 a\nquorum none\n",                  "one to all"     },
		{"witness a $1\ngroup g some a\nquorum none\n",               "expected all"   },
		{"witness a $1\ngroup g all a a\nquorum none\n",              "counted already"},
		{"witness a $1\ngroup g all a\ngroup h all a\nquorum none\n", "counted already"},
		{"witness a $1\ngroup g all none\nquorum none\n",             "nobody before"  },
		{"policy none\n",					     "expected log"   },
		{"quorum none\r\n",					   "control"        },
	};
	struct arena *a = arena_new(MIB(64));
	struct ledger_quorum *q;
	struct keys k;

	(void)state;
	keys_make(&k);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct err why = {0};

		if (quorum_of(&k, cases[i].text, a, &q, &why) == OK)
			fail_msg("taken: %s", cases[i].text);
		if (strstr(why.text, cases[i].says) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", why.text, cases[i].says);
		assert_int_not_equal(quorum_of(&k, cases[i].text, a, &q, NULL), OK);
	}
	arena_free(a);
}

/* 128 witnesses and groups, 64 logs; one more is refused. */
static void quorum_files_have_limits(void **state)
{
	struct arena *a = arena_new(MIB(64));
	struct buf text = BUF_INIT;
	struct ledger_quorum *q;
	struct note_secret secret;
	struct world_fake w;
	char head[32];

	(void)state;
	world_fake_init(&w, 9, NOW);
	for (unsigned i = 0; i < 129; i++) {
		if (i == 128) {
			size_t len = text.len;

			buf_text(&text, "quorum none\n");
			MUST(ledger_quorum_parse(buf_slice(&text), a, &q, &e));
			text.len = len;
		}
		(void)snprintf(head, sizeof(head), "witness w%u ", i);
		MUST(note_secret_new(&w.world, SLICE("w"), NOTE_COSIGNATURE, &secret, &e));
		key_line(&text, head, &secret);
	}
	assert_int_equal(ledger_quorum_parse(buf_slice(&text), a, &q, NULL), ERR_LIMIT);
	buf_clear(&text);
	for (unsigned i = 0; i < 65; i++) {
		if (i == 64) {
			size_t len = text.len;

			buf_text(&text, "quorum none\n");
			MUST(ledger_quorum_parse(buf_slice(&text), a, &q, &e));
			text.len = len;
		}
		MUST(note_secret_new(&w.world, SLICE("l"), NOTE_ED25519, &secret, &e));
		key_line(&text, "log ", &secret);
	}
	assert_int_equal(ledger_quorum_parse(buf_slice(&text), a, &q, NULL), ERR_LIMIT);
	buf_clear(&text);
	while (text.len <= KIB(256))
		buf_text(&text, "# nothing\n");
	assert_int_equal(ledger_quorum_parse(buf_slice(&text), a, &q, NULL), ERR_LIMIT);
	buf_fini(&text);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_leaf_is_proved_to_anybody),
		cmocka_unit_test(no_flipped_bit_and_no_truncation_is_taken),
		cmocka_unit_test(an_erased_leaf_is_still_proved),
		cmocka_unit_test(refusals_say_what_is_missing),
		cmocka_unit_test(what_is_no_proof_is_refused_with_a_reason),
		cmocka_unit_test(a_path_has_at_most_63_hashes),
		cmocka_unit_test(what_is_no_add_checkpoint_is_refused),
		cmocka_unit_test(quorums_are_reached_as_the_groups_say),
		cmocka_unit_test(what_is_no_quorum_file_is_refused),
		cmocka_unit_test(quorum_files_have_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
