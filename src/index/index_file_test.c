/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The file against accidents and enemies: cut off, altered anywhere, another version, another
 * signer, replaced or cut off while in use, and with right checksums over wrong contents.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "index_testing.h"

static void values_put(struct testing *t)
{
	static const struct {
		enum field_kind kind;
		const char *text;
	} values[] = {
		{FIELD_NAME,    "evil.com"                        },
		{FIELD_NAME,    "a.b.evil.net"                    },
		{FIELD_ADDRESS, "198.51.100.7"                    },
		{FIELD_ADDRESS, "10.0.0.0/8"                      },
		{FIELD_ADDRESS, "10.1.0.0/16"                     },
		{FIELD_ADDRESS, "2001:db8::1"                     },
		{FIELD_URL,     "http://evil.com/a/"              },
		{FIELD_HASH,    "d41d8cd98f00b204e9800998ecf8427e"},
		{FIELD_EMAIL,   "bad@evil.com"                    },
		{FIELD_TEXT,    "mutex"                           },
	};

	for (int entry = 0; entry < 2; entry++) {
		testing_entry(t, entry == 0 ? "feed:one" : "feed:two");
		for (size_t k = 0; k < COUNT_OF(values); k++)
			testing_value(t, values[k].kind, values[k].text);
	}
	assert_int_equal(index_builder_pattern(t->b, SLICE("[a:b = 'c']"), NULL), OK);
}

static bool each_nothing(void *context, enum field_kind kind, struct slice text, uint32_t entry)
{
	(void)kind;
	(void)entry;
	*(size_t *)context += text.len;
	return true;
}

/* Everything that one can ask of an index. */
static void use_all(struct testing *t)
{
	static const struct {
		enum field_kind kind;
		const char *text;
	} fields[] = {
		{FIELD_NAME,    "x.a.b.evil.net"                  },
		{FIELD_NAME,    "www.evil.com"                    },
		{FIELD_ADDRESS, "198.51.100.7"                    },
		{FIELD_ADDRESS, "10.1.2.3"                        },
		{FIELD_ADDRESS, "2001:db8::1"                     },
		{FIELD_URL,     "http://evil.com/a/b?c"           },
		{FIELD_HASH,    "d41d8cd98f00b204e9800998ecf8427e"},
		{FIELD_EMAIL,   "bad@evil.com"                    },
		{FIELD_TEXT,    "mutex"                           },
	};
	struct index_entry entry;
	struct slice pattern;
	uint32_t number;
	size_t sum = 0;

	for (size_t k = 0; k < COUNT_OF(fields); k++)
		testing_match(t, fields[k].kind, false, slice_of(fields[k].text));
	for (uint32_t k = 0; k < 3; k++) {
		(void)index_entry_get(t->x, k, &entry);
		(void)index_pattern_get(t->x, k, &pattern, &number);
	}
	assert_true(index_each(t->x, each_nothing, &sum));
}

static void file_put(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

static enum err_kind open_bytes(struct testing *t, const void *bytes, size_t len, bool all)
{
	struct index_options options = {.verify_all = all};
	struct err e = {0};
	enum err_kind kind;

	testing_close(t);
	file_put(t->path, bytes, len);
	kind = index_open(t->path, &options, &t->x, &e);
	if (kind != OK) {
		assert_int_equal(e.kind, kind);
		assert_non_null(strstr(e.text, "site.sidx"));
		return kind;
	}
	t->m = index_matcher_new(t->x);
	assert_non_null(t->m);
	return OK;
}

static void file_make(struct testing *t, struct buf *b)
{
	values_put(t);
	testing_open(t);
	use_all(t);
	assert_false(index_damaged(t->x));
	assert_int_equal(file_read(t->path, MIB(64), b, NULL), OK);
}

static void test_cut(void **state)
{
	struct testing *t = *state;
	struct buf b = BUF_INIT;

	file_make(t, &b);
	for (size_t len = 0; len < b.len;
		len += len < HEAD_BYTES + 64 || len + 4096 > b.len ? 5 : 4093) {
		enum err_kind kind = open_bytes(t, b.data, len, false);

		assert_true(kind == ERR_CORRUPT || (kind == ERR_INVALID && len < 8));
	}
	buf_char(&b, 'x');
	assert_int_equal(open_bytes(t, b.data, b.len, false), ERR_CORRUPT);
	assert_int_equal(open_bytes(t, b.data, b.len - 1, true), OK);
	buf_fini(&b);
}

/* Many bytes of the head and the table of hashes, and one in each 512 of the rest: refused at once
 * when all is verified, else at the latest when touched, and never a hit that was not there. */
static void test_flipped(void **state)
{
	struct testing *t = *state;
	struct buf b = BUF_INIT;
	size_t sums;

	file_make(t, &b);
	sums = (size_t)le64(b.data + HEAD_SUMS_AT);
	for (size_t at = 0; at < b.len; at += at < HEAD_BYTES || at >= sums ? 7 : 509 + at % 5) {
		enum err_kind kind;

		b.data[at] ^= 0x10;
		kind = open_bytes(t, b.data, b.len, true);
		if (at >= HEAD_SIGNATURE && at < HEAD_BYTES)
			assert_int_equal(kind, OK); /* nobody asked for a signature */
		else
			assert_true(
				kind == ERR_CORRUPT || (at < HEAD_LENGTH && kind == ERR_INVALID));
		if (at >= HEAD_BYTES && at < sums && open_bytes(t, b.data, b.len, false) == OK)
			use_all(t);
		b.data[at] ^= 0x10;
	}
	buf_fini(&b);
}

/* An enemy who knows the format: contents altered, all checksums made right again. */
static void sums_right(struct buf *b, size_t sums)
{
	size_t count = sums / BLOCK_BYTES - 1;

	for (size_t k = 0; k < count; k++)
		hash_sha256((struct slice){b->data + (k + 1) * BLOCK_BYTES, BLOCK_BYTES},
			(uint8_t *)b->data + sums + k * SHA256_LEN);
	hash_sha256((struct slice){b->data + sums, count * SHA256_LEN},
		(uint8_t *)b->data + HEAD_SUMS_DIGEST);
	hash_sha256((struct slice){b->data, HEAD_DIGEST}, (uint8_t *)b->data + HEAD_DIGEST);
}

static void test_hostile(void **state)
{
	struct testing *t = *state;
	struct buf b = BUF_INIT, again = BUF_INIT;
	struct world_fake w;
	size_t sums;

	file_make(t, &b);
	sums = (size_t)le64(b.data + HEAD_SUMS_AT);
	world_fake_init(&w, 11, 0);
	for (int round = 0; round < 500; round++) {
		uint32_t r[4];

		buf_clear(&again);
		buf_slice_append(&again, buf_slice(&b));
		w.world.random(w.world.context, r, sizeof(r));
		for (unsigned k = 0; k <= r[0] % 6; k++) {
			/* mostly the rows of sections and the sections' beginnings */
			size_t at =
				(r[1] ^ k * 2654435761u) % 3 == 0
					? HEAD_ENTRIES +
						  (r[2] + k * 977u) % (HEAD_DIGEST - HEAD_ENTRIES)
					: HEAD_BYTES + (r[2] + k * 40503u) % (sums - HEAD_BYTES);
			static const uint8_t bytes[] = {0, 1, 0x7f, 0x80, 0xff, 0x10};

			if ((r[3] >> k & 1) != 0 && at > HEAD_DIGEST)
				at = at / BLOCK_BYTES * BLOCK_BYTES + at % 96;
			again.data[at] = (char)bytes[(r[1] >> (k * 3)) % COUNT_OF(bytes)];
		}
		sums_right(&again, sums);
		if (open_bytes(t, again.data, again.len, false) == OK)
			use_all(t);
	}
	buf_fini(&b);
	buf_fini(&again);
}

static void test_version(void **state)
{
	struct testing *t = *state;
	struct buf b = BUF_INIT;

	file_make(t, &b);
	b.data[HEAD_VERSION] = 2;
	sums_right(&b, (size_t)le64(b.data + HEAD_SUMS_AT));
	assert_int_equal(open_bytes(t, b.data, b.len, false), ERR_INVALID);
	assert_int_equal(open_bytes(t, "hello", 5, false), ERR_INVALID);
	assert_int_equal(open_bytes(t, "", 0, false), ERR_INVALID);
	testing_close(t);
	assert_int_equal(index_open("/nonexistent", NULL, &t->x, NULL), ERR_IO);
	assert_int_equal(index_open("/tmp", NULL, &t->x, NULL), ERR_INVALID);
	buf_fini(&b);
}

/* ---- while in use -------------------------------------------------------------------------- */

static void test_replaced(void **state)
{
	struct testing *t = *state;
	struct index_builder *other = index_builder_new(&t->world.world);
	struct index_entry entry = {.id = SLICE("feed:new"), .confidence = -1};

	values_put(t);
	testing_open(t);
	assert_int_equal(index_builder_entry(other, &entry, NULL), OK);
	assert_int_equal(index_builder_value(other, FIELD_NAME, SLICE("new.example"), NULL), OK);
	assert_int_equal(index_builder_write(other, t->path, NULL, NULL), OK);
	/* the old one goes on, blocks that were never read included */
	assert_string_equal(testing_match(t, FIELD_TEXT, false, SLICE("mutex")),
		"0 exact text mutex mutex\n1 exact text mutex mutex\n");
	assert_false(index_damaged(t->x));
	testing_close(t);
	assert_int_equal(index_open(t->path, NULL, &t->x, NULL), OK);
	t->m = index_matcher_new(t->x);
	assert_string_equal(testing_match(t, FIELD_TEXT, false, SLICE("mutex")), "");
	assert_string_equal(testing_match(t, FIELD_NAME, false, SLICE("new.example")),
		"0 exact name new.example new.example\n");
	index_builder_free(other);
}

/* What has been read stays; what has not is missed and told; nobody dies. */
static void test_cut_while_open(void **state)
{
	struct testing *t = *state;

	values_put(t);
	testing_open(t);
	testing_match(t, FIELD_NAME, false, SLICE("evil.com"));
	assert_int_equal(truncate(t->path, HEAD_BYTES), 0);
	assert_string_equal(testing_match(t, FIELD_NAME, false, SLICE("evil.com")),
		"0 exact name evil.com evil.com\n1 exact name evil.com evil.com\n");
	assert_string_equal(testing_match(t, FIELD_TEXT, false, SLICE("mutex")), "");
	assert_true(index_damaged(t->x));
	use_all(t);
}

static void test_written_while_open(void **state)
{
	struct testing *t = *state;
	struct buf b = BUF_INIT;

	values_put(t);
	testing_open(t);
	assert_int_equal(file_read(t->path, MIB(64), &b, NULL), OK);
	memset(b.data, 0xff, b.len);
	file_put(t->path, b.data, b.len);
	use_all(t);
	assert_true(index_damaged(t->x));
	buf_fini(&b);
}

/* ---- signatures ---------------------------------------------------------------------------- */

static void signer_make(
	struct testing *t, const char *name, struct index_signer *s, struct buf *public)
{
	char path[160], half[176];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", t->folder, name);
	snprintf(half, sizeof(half), "%s.pub", path);
	assert_int_equal(index_signer_make(path, name, &t->world.world, NULL), OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(index_signer_read(path, s, NULL), OK);
	assert_string_equal(s->name, name);
	assert_int_equal(file_read(half, KIB(4), public, NULL), OK);
	/* the public half is no secret key */
	assert_int_equal(index_signer_read(half, s, NULL), ERR_INVALID);
	assert_int_equal(index_signer_read(path, s, NULL), OK);
	unlink(path);
	unlink(half);
}

static void test_signed(void **state)
{
	struct testing *t = *state;
	struct index_signer alice, bob;
	struct buf alice_key = BUF_INIT, bob_key = BUF_INIT, b = BUF_INIT;
	struct index_options options = {0};
	struct index_info info;
	struct err e;

	signer_make(t, "alice@cert", &alice, &alice_key);
	signer_make(t, "bob", &bob, &bob_key);
	assert_int_equal(index_signer_make(t->path, "two words", &t->world.world, NULL), ERR_USAGE);
	assert_int_equal(index_signer_make(t->path, "", &t->world.world, NULL), ERR_USAGE);
	values_put(t);
	assert_int_equal(index_builder_write(t->b, t->path, &alice, NULL), OK);
	options.trusted = buf_slice(&alice_key);
	assert_int_equal(index_open(t->path, &options, &t->x, NULL), OK);
	index_info(t->x, &info);
	assert_true(slice_is(info.signer, "alice@cert"));
	testing_close(t);
	options.trusted = buf_slice(&bob_key);
	assert_int_equal(index_open(t->path, &options, &t->x, &e), ERR_DENIED);
	assert_non_null(strstr(e.text, "alice@cert"));
	/* one of several */
	buf_slice_append(&bob_key, buf_slice(&alice_key));
	options.trusted = buf_slice(&bob_key);
	assert_int_equal(index_open(t->path, &options, &t->x, NULL), OK);
	testing_close(t);
	/* bob's key under alice's name */
	strcpy(bob.name, "alice@cert");
	assert_int_equal(index_builder_write(t->b, t->path, &bob, NULL), OK);
	assert_int_equal(index_open(t->path, &options, &t->x, NULL), ERR_DENIED);
	/* none at all */
	assert_int_equal(index_builder_write(t->b, t->path, NULL, NULL), OK);
	assert_int_equal(index_open(t->path, &options, &t->x, NULL), ERR_DENIED);
	options.trusted = SLICE("nonsense\n");
	assert_int_equal(index_open(t->path, &options, &t->x, NULL), ERR_DENIED);
	/* altered with right checksums, the old signature kept */
	assert_int_equal(index_builder_write(t->b, t->path, &alice, NULL), OK);
	assert_int_equal(file_read(t->path, MIB(64), &b, NULL), OK);
	b.data[HEAD_BYTES + 20] ^= 1;
	sums_right(&b, (size_t)le64(b.data + HEAD_SUMS_AT));
	file_put(t->path, b.data, b.len);
	options.trusted = buf_slice(&alice_key);
	assert_int_equal(index_open(t->path, &options, &t->x, NULL), ERR_DENIED);
	buf_fini(&alice_key);
	buf_fini(&bob_key);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cut, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_flipped, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_hostile, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_version, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_replaced, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(
			test_cut_while_open, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(
			test_written_while_open, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_signed, testing_setup, testing_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
