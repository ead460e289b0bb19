/* SPDX-License-Identifier: MPL-2.0 */
/* A signer that runs learns how many must answer from charters that follow one another, and from no
 * others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parts.h"

#define MEMBERS 10

struct scene {
	char folder[64];
	struct arena *a;
	struct note_secret roots[MEMBERS];
	struct signer_secrets secrets[MEMBERS];
	struct charter charter;     /* the last that was made */
	uint8_t digest[SHA256_LEN]; /* of its text */
	struct ledger_disk disk;    /* marks of member 0 */
	struct signer *signer;
	struct signer_link link;
};

#define MUST(call)                                                                                 \
	do {                                                                                       \
		struct err e_ = {0}, *e = &e_;                                                     \
		if ((call) != OK)                                                                  \
			fail_msg("%s: %s", #call, e_.text);                                        \
	} while (0)

static int set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	char path[128];

	assert_true(sodium_init() >= 0);
	snprintf(s->folder, sizeof(s->folder), "/tmp/serai-quorum-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(path, sizeof(path), "%s/" SEAT_FOLDER, s->folder);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/" SEAT_FOLDER "/charter", s->folder);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/marks", s->folder);
	assert_int_equal(mkdir(path, 0700), 0);
	s->a = arena_new(MIB(16));
	s->charter = (struct charter){.name = SLICE("tests"),
		.expires_us = INT64_C(4000000000) * US_PER_SECOND,
		.members = ARENA_ARRAY(s->a, struct charter_member, MEMBERS)};
	for (size_t i = 0; i < MEMBERS; i++) {
		struct charter_member *m = &s->charter.members[i];
		char name[32];

		snprintf(m->name, sizeof(m->name), "m%zu", i);
		snprintf(name, sizeof(name), "m%zu/root", i);
		MUST(note_secret_new(world_real(), slice_of(name), NOTE_ED25519, &s->roots[i], e));
		MUST(signer_secrets_new(world_real(), slice_of(m->name), &s->secrets[i], e));
		m->title = SLICE("member");
		m->root = s->roots[i].key;
		m->log = s->secrets[i].notes[SIGNER_LOG].key;
		m->witness = s->secrets[i].notes[SIGNER_WITNESS].key;
		m->mirror = s->secrets[i].notes[SIGNER_MIRROR].key;
		memcpy(m->box, s->secrets[i].box_public, SIGNER_BOX_LEN);
		memset(m->pin, (int)i + 1, SHA256_LEN);
	}
	*state = s;
	return 0;
}

static void signer_begin(struct scene *s)
{
	struct signer_options options = {.secrets = &s->secrets[0],
		.disk = &s->disk,
		.world = world_real(),
		.charter = quorum_take,
		.charter_free = quorum_free};
	struct quorum *q = NULL;
	char path[128];

	snprintf(path, sizeof(path), "%s/marks", s->folder);
	MUST(ledger_disk_open(path, false, &s->disk, e));
	MUST(quorum_open(
		s->folder, &s->secrets[0].notes[SIGNER_LOG].key, &q, &options.answers_needed, e));
	options.charter_context = q;
	MUST(signer_open(&options, &s->signer, e));
	s->link = signer_link_of(s->signer);
}

static void signer_end(struct scene *s)
{
	signer_close(s->signer);
	ledger_disk_close(&s->disk);
	s->signer = NULL;
}

static int tear_down(void **state)
{
	struct scene *s = *state;
	char command[128];

	signer_end(s);
	arena_free(s->a);
	snprintf(command, sizeof(command), "rm -rf '%s'", s->folder);
	assert_int_equal(system(command), 0);
	free(s);
	return 0;
}

/* The next version, of the first `members`, signed by the first `signers` of all. */
static struct slice charter_make(struct scene *s, size_t members, size_t signers)
{
	struct buf text = BUF_INIT, lines = BUF_INIT, note = BUF_INIT;
	struct charter *c = &s->charter;
	struct slice made;

	memcpy(c->previous, s->digest, SHA256_LEN);
	c->version++;
	c->members_count = members;
	c->threshold = (unsigned)members * 2 / 3 + 1;
	c->revoked = ARENA_ARRAY(s->a, struct charter_revoked, MEMBERS);
	c->revoked_count = 0;
	if (c->version > 1) {
		for (size_t i = members; i < MEMBERS; i++) {
			struct charter_revoked *gone = &c->revoked[c->revoked_count++];

			gone->key = c->members[i].log;
			ledger_hash_empty(gone->root);
		}
	}
	charter_write(c, &text);
	hash_sha256(buf_slice(&text), s->digest);
	for (size_t i = 0; i < signers; i++)
		note_sign(&s->roots[i], buf_slice(&text), &lines);
	note_write(buf_slice(&text), buf_slice(&lines), &note);
	made = arena_copy(s->a, buf_slice(&note));
	assert_non_null(made.data);
	buf_fini(&text);
	buf_fini(&lines);
	buf_fini(&note);
	return made;
}

/* How many answers it still takes: asked by giving them, of members that are told apart by name. */
static unsigned awaited(struct scene *s)
{
	static unsigned names;
	uint8_t root[LEDGER_HASH_LEN];
	const struct ledger_path path = {.count = 0};

	ledger_hash_empty(root);
	for (unsigned count = 0;; count++) {
		struct buf line = BUF_INIT;
		enum err_kind kind = signer_checkpoint(&s->link, 0, root, &path, &line, NULL);
		char name[32];

		buf_fini(&line);
		if (kind == OK)
			return count;
		assert_int_equal(kind, ERR_DENIED);
		snprintf(name, sizeof(name), "x%u/witness", names++);
		MUST(signer_seen(&s->link, slice_of(name), (struct slice){0}, e));
	}
}

static enum err_kind tell(struct scene *s, struct slice note, uint64_t *ret_version)
{
	struct err e = {0};

	return signer_charter(&s->link, note, ret_version, &e);
}

/* No charter at the start, as with a new member; then the first, and those that follow it. */
static void test_learned(void **state)
{
	struct scene *s = *state;
	struct slice first = charter_make(s, 4, 4), second, third;
	uint64_t version = 99;

	signer_begin(s);
	assert_int_equal(awaited(s), 0);
	assert_int_equal(tell(s, first, &version), OK);
	assert_int_equal(awaited(s), 2); /* n = 3, f = 0 */
	second = charter_make(s, 10, 10);
	third = charter_make(s, 5, 10);
	/* one by one */
	assert_int_equal(tell(s, third, &version), ERR_CONFLICT);
	assert_int_equal(version, 1);
	assert_int_equal(awaited(s), 0);
	assert_int_equal(tell(s, second, &version), OK);
	assert_int_equal(awaited(s), 4); /* 6, and 2 have answered */
	assert_int_equal(tell(s, second, &version), ERR_CONFLICT);
	assert_int_equal(version, 2);
	assert_int_equal(tell(s, first, &version), ERR_CONFLICT);
	assert_int_equal(awaited(s), 0);
	assert_int_equal(tell(s, third, &version), OK);
	assert_int_equal(awaited(s), 0);
}

/* Fewer must answer: only when those who were members say so, too. */
static void test_not_lowered_by_others(void **state)
{
	struct scene *s = *state;
	struct slice first = charter_make(s, 10, 10), false_one, true_one;
	uint8_t digest[SHA256_LEN];
	char path[128];
	uint64_t version = 0;

	snprintf(path, sizeof(path), "%s/" SEAT_FOLDER "/charter/1", s->folder);
	MUST(file_write_atomic(path, first, 0600, e));
	{
		uint8_t stored[SHA256_LEN + 8] = {0};

		stored[sizeof(stored) - 1] = 1;
		snprintf(path, sizeof(path), "%s/" SEAT_FOLDER "/charters", s->folder);
		MUST(file_write_atomic(
			path, (struct slice){(const char *)stored, sizeof(stored)}, 0600, e));
	}
	signer_begin(s);
	memcpy(digest, s->digest, sizeof(digest));
	false_one = charter_make(s, 3, 3); /* enough of the three, not of the ten */
	assert_int_equal(tell(s, false_one, &version), ERR_CONFLICT);
	assert_int_equal(version, 1);
	assert_int_equal(tell(s, SLICE("?"), &version), ERR_CONFLICT);
	assert_int_equal(tell(s, (struct slice){0}, &version), ERR_CONFLICT);
	/* A beginning of another coalition. */
	s->charter.version = 0;
	memset(s->digest, 0, sizeof(s->digest));
	assert_int_equal(tell(s, charter_make(s, 3, 3), &version), ERR_CONFLICT);
	assert_int_equal(awaited(s), 6);
	signer_end(s);

	signer_begin(s); /* anew: nobody has answered */
	s->charter.version = 1;
	memcpy(s->digest, digest, sizeof(digest));
	true_one = charter_make(s, 3, 10);
	assert_int_equal(tell(s, true_one, &version), OK);
	assert_int_equal(awaited(s), 2);
}

/* One in which another has our place. */
static void test_of_another(void **state)
{
	struct scene *s = *state;
	struct charter_member first = s->charter.members[0];
	uint64_t version = 0;

	signer_begin(s);
	s->charter.members++;
	assert_int_equal(tell(s, charter_make(s, 4, 5), &version), ERR_INVALID);
	s->charter.members--;
	s->charter.members[0] = first;
	assert_int_equal(awaited(s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_learned, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_lowered_by_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_of_another, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
