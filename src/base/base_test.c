/* SPDX-License-Identifier: MPL-2.0 */
/* The ground floor, each rule on both sides. */
#include <setjmp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "base.h"

static void test_time_parse(void **state)
{
	static const struct {
		const char *why;
		const char *text;
		bool ok;
		int64_t us;
		unsigned digits;
	} cases[] = {
		{"the epoch",                     "1970-01-01T00:00:00Z",         true,  0,                           0},
		{"milliseconds",                  "2016-02-12T08:17:27.000Z",     true,  INT64_C(1455265047000000),   3},
		{"microseconds",                  "2026-11-23T06:18:00.123456Z",  true,  INT64_C(1795414680123456),   6},
		{"digits past the sixth are cut", "1970-01-01T00:00:00.1234567Z", true,  123456,                      7},
		{"before the epoch",              "1969-12-31T23:59:59.5Z",       true,  -500000,                     1},
		{"leap day",                      "2024-02-29T00:00:00Z",         true,  INT64_C(1709164800000000),   0},
		{"leap second",                   "2016-12-31T23:59:60Z",         true,  INT64_C(1483228800000000),   0},
		{"the last year",                 "9999-12-31T23:59:59Z",         true,  INT64_C(253402300799000000), 0},
		{"no such day",                   "2023-02-29T00:00:00Z",         false, 0,                           0},
		{"a leap second at noon",         "2016-12-31T12:00:60Z",         false, 0,                           0},
		{"month 13",                      "2016-13-01T00:00:00Z",         false, 0,                           0},
		{"year zero",                     "0000-01-01T00:00:00Z",         false, 0,                           0},
		{"an offset",                     "2016-02-12T08:17:27+00:00",    false, 0,                           0},
		{"a blank for T",                 "2016-02-12 08:17:27Z",         false, 0,                           0},
		{"lower case",                    "2016-02-12t08:17:27z",         false, 0,                           0},
		{"a point and nothing",           "2016-02-12T08:17:27.Z",        false, 0,                           0},
		{"no seconds",                    "2016-02-12T08:17Z",            false, 0,                           0},
		{"empty",                         "",                             false, 0,                           0},
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t us = -1;
		unsigned digits = 99;
		bool ok = time_parse(slice_of(cases[i].text), &us, &digits);

		if (ok != cases[i].ok || (ok && (us != cases[i].us || digits != cases[i].digits)))
			fail_msg("%s: %d, %lld us, %u digits", cases[i].why, ok, (long long)us,
				digits);
	}
}

static void test_time_round_trip(void **state)
{
	struct world_fake w;

	(void)state;
	world_fake_init(&w, 7, 0);
	for (int i = 0; i < 20000; i++) {
		uint64_t r;
		int64_t us, back;
		char text[TIME_TEXT_MAX];
		size_t len;

		w.world.random(&w, &r, sizeof(r));
		us = (int64_t)(r % UINT64_C(315537897600000000)) - INT64_C(62135596800000000);
		len = time_format(us, 6, text);
		assert_true(time_parse((struct slice){text, len}, &back, NULL));
		assert_int_equal(us, back);
	}
}

static void test_uuid(void **state)
{
	struct uuid u, dns;
	char text[UUID_TEXT_LEN + 1];

	(void)state;
	assert_true(uuid_parse(SLICE("6BA7B810-9dad-11d1-80b4-00c04fd430c8"), &dns));
	uuid_format(&dns, text);
	assert_string_equal(text, "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
	/* the example of RFC 9562 appendix A.4 */
	uuid_v5(&dns, SLICE("www.example.com"), &u);
	uuid_format(&u, text);
	assert_string_equal(text, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
	assert_int_equal(uuid_version(&u), 5);
	uuid_v4(world_real(), &u);
	assert_int_equal(uuid_version(&u), 4);
	assert_int_equal(u.bytes[8] >> 6, 2);
	assert_false(uuid_parse(SLICE("6ba7b810-9dad-11d1-80b4-00c04fd430c"), &u));
	assert_false(uuid_parse(SLICE("6ba7b810-9dad-11d1-80b4-00c04fd430cg"), &u));
	assert_false(uuid_parse(SLICE("6ba7b8109-dad-11d1-80b4-00c04fd430c8"), &u));
}

static void test_hashes(void **state)
{
	struct buf hex = BUF_INIT;
	uint8_t digest[SHA256_LEN];

	(void)state;
	hash_sha256(SLICE("abc"), digest); /* FIPS 180-4 example */
	hex_append(&hex, digest, SHA256_LEN);
	assert_memory_equal(
		hex.data, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 64);
	buf_clear(&hex);
	hash_sha1(SLICE("abc"), digest);
	hex_append(&hex, digest, SHA1_LEN);
	assert_memory_equal(hex.data, "a9993e364706816aba3e25717850c26c9cd0d89d", 40);
	buf_clear(&hex);
	hash_md5(SLICE("abc"), digest); /* RFC 1321 A.5 */
	hex_append(&hex, digest, MD5_LEN);
	assert_memory_equal(hex.data, "900150983cd24fb0d6963f7d28e17f72", 32);
	buf_clear(&hex);
	hmac_sha256(
		SLICE("Jefe"), SLICE("what do ya want for nothing?"), digest); /* RFC 4231 4.3 */
	hex_append(&hex, digest, SHA256_LEN);
	assert_memory_equal(
		hex.data, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", 64);
	buf_fini(&hex);
}

static void test_base64(void **state)
{
	static const struct {
		const char *why;
		const char *text;
		const char *bytes; /* NULL: refused */
	} cases[] = {
		{"empty",                 "",         ""   },
		{"one byte",              "Zg==",     "f"  },
		{"two bytes",             "Zm8=",     "fo" },
		{"three bytes",           "Zm9v",     "foo"},
		{"no padding",            "Zg",       NULL },
		{"spare bits set",        "Zh==",     NULL },
		{"padding in the middle", "Zg==Zg==", NULL },
		{"three paddings",        "Z===",     NULL },
		{"a blank",               "Zm9 ",     NULL },
		{"the URL alphabet",      "-_-_",     NULL },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = BUF_INIT;
		bool ok = base64_decode(slice_of(cases[i].text), &b);

		if (ok != (cases[i].bytes != NULL) ||
			(ok && !slice_is(buf_slice(&b), cases[i].bytes)))
			fail_msg("%s", cases[i].why);
		if (ok) {
			struct buf again = BUF_INIT;

			base64_append(&again, b.data, b.len);
			assert_true(slice_is(buf_slice(&again), cases[i].text));
			buf_fini(&again);
		}
		buf_fini(&b);
	}
}

static void test_utf8(void **state)
{
	(void)state;
	assert_true(utf8_valid(SLICE("plain ascii, longer than eight")));
	assert_true(utf8_valid(SLICE("\xd0\xb6\xe2\x82\xac\xf0\x9f\x98\x80")));
	assert_false(utf8_valid(SLICE("\xc0\x80")));         /* overlong */
	assert_false(utf8_valid(SLICE("\xed\xa0\x80")));     /* surrogate */
	assert_false(utf8_valid(SLICE("\xf4\x90\x80\x80"))); /* past U+10FFFF */
	assert_false(utf8_valid(SLICE("abcdefgh\xe2\x82"))); /* cut off */
}

static void test_buf_limit(void **state)
{
	struct buf b = BUF_MAX(4);

	(void)state;
	buf_text(&b, "1234");
	assert_false(b.bad);
	buf_text(&b, "5");
	assert_true(b.bad);
	assert_int_equal(b.len, 4);
	buf_text(&b, "");
	assert_true(b.bad);
	buf_fini(&b);
}

static void test_arena_limit(void **state)
{
	struct arena *a = arena_new(KIB(8));

	(void)state;
	assert_non_null(arena_alloc(a, KIB(8)));
	assert_null(arena_alloc(a, 1));
	arena_reset(a);
	assert_non_null(arena_alloc(a, KIB(4)));
	arena_free(a);
	a = arena_new(KIB(8));
	assert_null(arena_alloc(a, KIB(8) + 1));
	assert_null(arena_alloc(a, SIZE_MAX));
	arena_free(a);
}

static void test_reader(void **state)
{
	struct reader r = {.rest = SLICE("\1\0\2\0\0\0\3x")};

	(void)state;
	assert_int_equal(read_u8(&r), 1);
	assert_int_equal(read_u16(&r), 2);
	assert_int_equal(read_u32(&r), 3);
	assert_false(r.bad);
	assert_int_equal(read_u16(&r), 0);
	assert_true(r.bad);
	assert_int_equal(read_u8(&r), 0); /* it stays bad, also for the byte that is there */
}

static void test_err_is_safe(void **state)
{
	struct err e;
	char *text = e.text;

	(void)state;
	assert_int_equal(
		err_set(&e, ERR_PARSE, "got \"%s\"", "a\x1b[31m\xe2\x80\xae\xff"), ERR_PARSE);
	assert_string_equal(text, "got \"a?[31m??\"");
	err_wrap(&e, "file \"%s\"", "x");
	assert_string_equal(text, "file \"x\": got \"a?[31m??\"");
	err_set(&e, ERR_IO, "%0600d", 1);
	assert_int_equal(strlen(text), ERR_TEXT_MAX - 1);
	assert_true(slice_ends(slice_of(text), SLICE("...")));
}

static void test_numbers(void **state)
{
	uint64_t v = 5;

	(void)state;
	assert_true(slice_to_u64(SLICE("18446744073709551615"), &v));
	assert_true(v == UINT64_MAX);
	assert_false(slice_to_u64(SLICE("18446744073709551616"), &v));
	assert_false(slice_to_u64(SLICE("01"), &v));
	assert_false(slice_to_u64(SLICE("-1"), &v));
	assert_false(slice_to_u64(SLICE(""), &v));
}

static void test_file_write_atomic(void **state)
{
	char folder[] = "/tmp/serai-base-XXXXXX";
	char path[64];
	struct buf b = BUF_INIT;
	struct err e;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	assert_int_equal(file_write_atomic(path, SLICE("one"), 0600, &e), OK);
	assert_int_equal(file_write_atomic(path, SLICE("two"), 0600, &e), OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_read(path, 3, &b, &e), OK);
	assert_true(slice_is(buf_slice(&b), "two"));
	assert_int_equal(file_read(path, 2, &b, &e), ERR_LIMIT);
	assert_int_equal(b.len, 3); /* outputs change only on success */
	buf_fini(&b);
	unlink(path);
	rmdir(folder);
}

static struct slice input_all(struct slice packed, struct buf *b, enum err_kind *ret_kind)
{
	struct input *in;
	struct err e;
	size_t got = 1;

	*ret_kind = input_of_memory(packed, "test", &in, &e);
	if (*ret_kind != OK)
		return (struct slice){0};
	while (*ret_kind == OK && got > 0) {
		char part[777];

		*ret_kind = input_read(in, part, sizeof(part), &got, &e);
		if (*ret_kind == OK)
			buf_append(b, part, got);
	}
	input_free(in);
	return buf_slice(b);
}

static void test_input_packings(void **state)
{
	struct buf plain = BUF_INIT, gzip = BUF_INIT, zstd = BUF_INIT, out = BUF_INIT;
	enum err_kind kind;
	size_t one;

	(void)state;
	for (int i = 0; i < 50000; i++)
		buf_printf(&plain, "line %d\n", i * 7919 % 10007);
	for (int member = 0; member < 2; member++) {
		z_stream z = {0};

		assert_int_equal(
			deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
		z.next_in = (unsigned char *)plain.data + (member ? plain.len / 2 : 0);
		z.avail_in = (uInt)(member ? plain.len - plain.len / 2 : plain.len / 2);
		z.next_out = (unsigned char *)buf_reserve(&gzip, plain.len + 1000);
		z.avail_out = (uInt)(plain.len + 1000);
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		gzip.len += z.total_out;
		deflateEnd(&z);
	}
	buf_reserve(&zstd, ZSTD_compressBound(plain.len));
	one = ZSTD_compress(zstd.data, zstd.capacity, plain.data, plain.len, 3);
	assert_false(ZSTD_isError(one));
	zstd.len = one;

	assert_true(slice_equal(input_all(buf_slice(&plain), &out, &kind), buf_slice(&plain)));
	buf_clear(&out);
	assert_true(slice_equal(input_all(buf_slice(&gzip), &out, &kind), buf_slice(&plain)));
	buf_clear(&out);
	assert_true(slice_equal(input_all(buf_slice(&zstd), &out, &kind), buf_slice(&plain)));
	buf_clear(&out);
	/* cut off anywhere: an error, never a silent short file */
	for (size_t cut = 30; cut < gzip.len; cut += gzip.len / 37) {
		buf_clear(&out);
		input_all(slice_cut(buf_slice(&gzip), 0, cut), &out, &kind);
		if (kind != ERR_PARSE && !(out.len == plain.len / 2))
			fail_msg("gzip cut at %zu: kind %d", cut, kind);
	}
	for (size_t cut = 5; cut < zstd.len; cut += zstd.len / 37) {
		buf_clear(&out);
		input_all(slice_cut(buf_slice(&zstd), 0, cut), &out, &kind);
		assert_int_equal(kind, ERR_PARSE);
	}
	gzip.data[gzip.len / 2 + 5000] ^= 0x55;
	buf_clear(&out);
	input_all(buf_slice(&gzip), &out, &kind);
	assert_int_equal(kind, ERR_PARSE);
	buf_fini(&plain);
	buf_fini(&gzip);
	buf_fini(&zstd);
	buf_fini(&out);
}

static void test_log_escapes(void **state)
{
	struct world_fake w;
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	struct log log = {&w.world, to, LOG_INFO};

	(void)state;
	world_fake_init(&w, 1, 0);
	log_line(&log, LOG_DEBUG, "quiet", NULL);
	log_line(&log, LOG_INFO, "request", "path", "/a\"b\n", NULL);
	fclose(to);
	assert_string_equal(text, "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"info\","
				  "\"event\":\"request\",\"path\":\"/a\\\"b\\u000a\"}\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_parse),
		cmocka_unit_test(test_time_round_trip),
		cmocka_unit_test(test_uuid),
		cmocka_unit_test(test_hashes),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_buf_limit),
		cmocka_unit_test(test_arena_limit),
		cmocka_unit_test(test_reader),
		cmocka_unit_test(test_err_is_safe),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_file_write_atomic),
		cmocka_unit_test(test_input_packings),
		cmocka_unit_test(test_log_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
