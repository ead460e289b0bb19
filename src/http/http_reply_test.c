/* SPDX-License-Identifier: MPL-2.0 */
/* What goes out and comes in, without a socket: codings, shared bytes, bodies, replies, streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <unistd.h>

#include "http_talk.h"

/* ---- codings -------------------------------------------------------------------------- */

static void codings_chosen(void **state)
{
	static const struct {
		const char *header;
		enum http_coding coding;
	} cases[] = {
		{"",			    HTTP_IDENTITY},
		{"gzip",                        HTTP_GZIP    },
		{"x-gzip",                      HTTP_GZIP    },
		{"GZIP",                        HTTP_GZIP    },
		{"zstd",                        HTTP_ZSTD    },
		{"gzip, deflate, br, zstd",     HTTP_ZSTD    },
		{"gzip, deflate, br",           HTTP_GZIP    },
		{"br",			  HTTP_IDENTITY},
		{"gzip;q=1.0, zstd;q=0.5",      HTTP_GZIP    },
		{"gzip;q=0.123, zstd;q=0.124",  HTTP_ZSTD    },
		{"gzip;q=0",                    HTTP_IDENTITY},
		{"gzip; q=0.0, zstd ; q=0.000", HTTP_IDENTITY},
		{"*",			   HTTP_ZSTD    },
		{"*;q=0",                       HTTP_IDENTITY},
		{"zstd;q=0, *",                 HTTP_GZIP    },
		{"gzip, *;q=0",                 HTTP_GZIP    },
		{"identity",                    HTTP_IDENTITY},
		{"identity, gzip;q=0.5",        HTTP_IDENTITY},
		{"identity;q=0.5, gzip",        HTTP_GZIP    },
		{"gzip;q=2",                    HTTP_IDENTITY},
		{"gzip;q=-1",                   HTTP_IDENTITY},
		{"gzip;q=0.1234",               HTTP_IDENTITY},
		{"gzip;q=1.5",                  HTTP_IDENTITY},
		{"gzip;level=1",                HTTP_IDENTITY},
		{";;,,;q=",                     HTTP_IDENTITY},
		{"gzipp, xgzip",                HTTP_IDENTITY},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (http_coding_choose(slice_of(cases[i].header)) != cases[i].coding)
			print_error("%s\n", cases[i].header);
		assert_int_equal(http_coding_choose(slice_of(cases[i].header)), cases[i].coding);
	}
	assert_true(http_type_packs(SLICE("application/taxii+json;version=2.1")));
	assert_true(http_type_packs(SLICE("text/plain; charset=utf-8")));
	assert_false(http_type_packs(SLICE("application/octet-stream;x=json")));
	assert_false(http_type_packs(SLICE("image/png")));
}

static void codings_pack(void **state)
{
	struct buf plain = BUF_INIT;

	(void)state;
	for (unsigned i = 0; i < 40000; i++)
		buf_u64(&plain, i * 2654435761u);
	for (unsigned coding = HTTP_GZIP; coding < HTTP_CODINGS; coding++) {
		static const size_t steps[] = {1, 7, 4096, 100000, 10000000};

		for (size_t s = 0; s < COUNT_OF(steps); s++) {
			struct http_encoder *enc = http_encoder_new((enum http_coding)coding);
			struct buf packed = BUF_INIT, back = BUF_INIT;

			for (size_t at = 0; at < plain.len; at += steps[s])
				assert_int_equal(
					http_encoder_push(enc,
						slice_cut(buf_slice(&plain), at, at + steps[s]),
						at + steps[s] >= plain.len, &packed, NULL),
					OK);
			assert_true(packed.len < plain.len);
			unpack(buf_slice(&packed), &back);
			assert_true(slice_equal(buf_slice(&back), buf_slice(&plain)));
			http_encoder_free(enc);
			buf_fini(&packed);
			buf_fini(&back);
		}
		/* The end alone, with nothing before it. */
		struct buf packed = BUF_INIT, back = BUF_INIT;
		assert_int_equal(http_encode_whole((enum http_coding)coding, (struct slice){0},
					 &packed, NULL),
			OK);
		unpack(buf_slice(&packed), &back);
		assert_int_equal(back.len, 0);
		buf_fini(&packed);
		/* No room: an error, not a cut body. */
		packed = BUF_MAX(KIB(20));
		assert_int_equal(http_encode_whole((enum http_coding)coding, buf_slice(&plain),
					 &packed, NULL),
			ERR_NOMEM);
		buf_fini(&packed);
		buf_fini(&back);
	}
	buf_fini(&plain);
}

static void shared_bytes(void **state)
{
	struct buf text = BUF_INIT, noise = BUF_INIT, back = BUF_INIT;
	struct http_shared *s;
	enum http_coding coding = HTTP_ZSTD;
	struct slice first, again;

	(void)state;
	for (int i = 0; i < 5000; i++)
		buf_text(&text, "again ");
	s = http_shared_new(&text);
	assert_null(text.data);
	assert_ptr_equal(http_shared_keep(s), s);
	first = http_shared_coded(s, &coding);
	assert_int_equal(coding, HTTP_ZSTD);
	again = http_shared_coded(s, &coding);
	assert_ptr_equal(first.data, again.data); /* packed once */
	unpack(first, &back);
	assert_true(slice_equal(buf_slice(&back), http_shared_bytes(s)));
	http_shared_drop(s);
	assert_int_equal(http_shared_bytes(s).len, 30000);
	http_shared_drop(s);
	buf_fini(&back);

	/* What does not shrink is sent as it is. */
	for (int i = 0; i < 2000; i++) {
		uint8_t byte;

		world_real()->random(NULL, &byte, 1);
		buf_char(&noise, (char)byte);
	}
	s = http_shared_new(&noise);
	coding = HTTP_GZIP;
	first = http_shared_coded(s, &coding);
	assert_int_equal(coding, HTTP_IDENTITY);
	assert_int_equal(first.len, 2000);
	http_shared_drop(s);
}

/* ---- bodies --------------------------------------------------------------------------- */

static void bodies(void **state)
{
	static char piece[KIB(64)];
	struct http_body b;
	struct err e;
	char back[8];

	(void)state;
	memset(piece, 'x', sizeof(piece));
	/* Up to the limit in memory ... */
	http_body_init(&b, MIB(1), "/tmp");
	for (size_t i = 0; i < HTTP_BODY_MEMORY / sizeof(piece); i++)
		assert_int_equal(http_body_take(&b, (struct slice){piece, sizeof(piece)}, &e), OK);
	assert_int_equal(b.fd, -1);
	assert_int_equal(b.memory.len, HTTP_BODY_MEMORY);
	/* ... one byte more goes to a file, with all before it. */
	assert_int_equal(http_body_take(&b, SLICE("y"), &e), OK);
	assert_true(b.fd >= 0);
	assert_int_equal(b.memory.len, 0);
	assert_int_equal(http_body_end(&b, &e), OK);
	assert_int_equal(lseek(b.fd, 0, SEEK_END), HTTP_BODY_MEMORY + 1);
	assert_int_equal(pread(b.fd, back, 2, HTTP_BODY_MEMORY - 1), 2);
	assert_memory_equal(back, "xy", 2);
	http_body_fini(&b);

	/* Announced as long: a file at once. */
	http_body_init(&b, MIB(1), "/tmp");
	assert_int_equal(http_body_expect(&b, HTTP_BODY_MEMORY, &e), OK);
	assert_int_equal(b.fd, -1);
	http_body_fini(&b);
	http_body_init(&b, MIB(1), "/tmp");
	assert_int_equal(http_body_expect(&b, HTTP_BODY_MEMORY + 1, &e), OK);
	assert_true(b.fd >= 0);
	http_body_fini(&b);

	/* The limit, announced and found out. */
	http_body_init(&b, 10, "/tmp");
	assert_int_equal(http_body_expect(&b, 11, &e), ERR_LIMIT);
	assert_int_equal(http_body_expect(&b, 10, &e), OK);
	assert_int_equal(http_body_take(&b, SLICE("1234567890"), &e), OK);
	assert_int_equal(http_body_take(&b, SLICE("1"), &e), ERR_LIMIT);
	assert_int_equal(b.bytes, 10);
	http_body_fini(&b);

	/* No folder to spool to. */
	http_body_init(&b, MIB(1), "/nowhere/at/all");
	assert_int_equal(http_body_expect(&b, MIB(1), &e), ERR_IO);
	http_body_fini(&b);
}

/* ---- replies -------------------------------------------------------------------------- */

static struct slice shape_header(const struct http_shape *s, const char *name)
{
	for (size_t i = 0; i < s->headers_count; i++)
		if (slice_equal_nocase(s->headers[i].name, slice_of(name)))
			return s->headers[i].value;
	return (struct slice){0};
}

static void shapes(void **state)
{
	static char body[2 * HTTP_COMPRESS_LEAST];
	struct arena *a = arena_new(MIB(1));
	struct http_param header = {SLICE("If-None-Match"), SLICE("\"v1\"")};
	struct http_request q = {.arena = a, .tls = true};
	struct http_facts facts = {.method = HTTP_GET, .accept_encoding = SLICE("gzip")};
	struct http_reply reply = {.status = 200, .content_type = "application/json"};
	struct http_shape s;

	(void)state;
	memset(body, 'a', sizeof(body));
	reply.body = (struct slice){body, HTTP_COMPRESS_LEAST};
	reply.etag = SLICE("\"v1\"");
	http_reply_header(&reply, "X-Own", SLICE("yes"));
	http_reply_header(&reply, "X-Split", SLICE("a\r\nSet-Cookie: b"));

	assert_int_equal(http_reply_shape(&q, &facts, &reply, false, &s, NULL), OK);
	assert_int_equal(s.status, 200);
	assert_int_equal(s.coding, HTTP_GZIP);
	assert_true(slice_is(shape_header(&s, "content-encoding"), "gzip"));
	assert_true(slice_is(shape_header(&s, "vary"), "Accept-Encoding"));
	assert_true(slice_is(shape_header(&s, "etag"), "W/\"v1\""));
	assert_true(slice_is(shape_header(&s, "cache-control"), "private, no-cache"));
	assert_true(slice_is(shape_header(&s, "x-content-type-options"), "nosniff"));
	assert_true(shape_header(&s, "strict-transport-security").len != 0);
	assert_true(slice_is(shape_header(&s, "x-own"), "yes"));
	assert_int_equal(
		shape_header(&s, "x-split").len, 0); /* a header of somebody else's making */
	assert_int_equal(shape_header(&s, "connection").len, 0);
	buf_fini(&s.packed);

	/* Too short to pack: as it is, and no Vary. */
	reply.body.len--;
	q.tls = false;
	assert_int_equal(http_reply_shape(&q, &facts, &reply, true, &s, NULL), OK);
	assert_int_equal(s.coding, HTTP_IDENTITY);
	assert_int_equal(shape_header(&s, "vary").len, 0);
	assert_int_equal(shape_header(&s, "strict-transport-security").len, 0);
	assert_true(slice_is(shape_header(&s, "etag"), "\"v1\""));
	assert_true(slice_is(shape_header(&s, "connection"), "close"));

	/* What the client has: 304 without a body, with what a cache needs. */
	q.headers = &header;
	q.headers_count = 1;
	reply.body.len++;
	assert_int_equal(http_reply_shape(&q, &facts, &reply, false, &s, NULL), OK);
	assert_int_equal(s.status, 304);
	assert_true(s.body.len != 0 && shape_header(&s, "content-encoding").len == 0);
	buf_fini(&s.packed);
	assert_int_equal(shape_header(&s, "content-type").len, 0);
	assert_true(slice_is(shape_header(&s, "vary"), "Accept-Encoding"));
	assert_true(slice_is(shape_header(&s, "x-own"), "yes"));
	/* Only for what succeeded, and only for reading. */
	reply.status = 404;
	assert_int_equal(http_reply_shape(&q, &facts, &reply, false, &s, NULL), OK);
	assert_int_equal(s.status, 404);
	buf_fini(&s.packed);
	reply.status = 200;
	facts.method = HTTP_POST;
	assert_int_equal(http_reply_shape(&q, &facts, &reply, false, &s, NULL), OK);
	assert_int_equal(s.status, 200);
	buf_fini(&s.packed);

	/* The handler's own word on caching and coding stands. */
	facts.method = HTTP_GET;
	reply = (struct http_reply){.status = 200, .content_type = "text/plain"};
	reply.body = (struct slice){body, sizeof(body)};
	http_reply_header(&reply, "Cache-Control", SLICE("public"));
	http_reply_header(&reply, "Content-Encoding", SLICE("br"));
	assert_int_equal(http_reply_shape(&q, &facts, &reply, false, &s, NULL), OK);
	assert_int_equal(s.coding, HTTP_IDENTITY);
	assert_true(slice_is(shape_header(&s, "cache-control"), "public"));
	reply.headers_count = 0;
	reply.content_type = "image/png";
	assert_int_equal(http_reply_shape(&q, &facts, &reply, false, &s, NULL), OK);
	assert_int_equal(s.coding, HTTP_IDENTITY);
	assert_true(slice_is(shape_header(&s, "cache-control"), "no-store"));
	arena_free(a);
}

struct counting {
	int left, freed;
};

static enum err_kind count_down(void *context, struct buf *out, bool *ret_more, struct err *e)
{
	struct counting *c = context;

	if (c->left < 0)
		return err_set(e, ERR_IO, "broken");
	if (c->left % 2 == 0) /* now and then nothing, which is not the end */
		buf_printf(out, "line %d\n", c->left);
	*ret_more = --c->left > 0;
	return OK;
}

static void count_free(void *context)
{
	((struct counting *)context)->freed++;
}

static void streams(void **state)
{
	(void)state;
	for (unsigned coding = 0; coding < HTTP_CODINGS; coding++) {
		struct counting c = {.left = 1000};
		struct http_reply reply = {
			.stream = count_down, .stream_free = count_free, .stream_state = &c};
		struct http_stream s;
		struct buf sent = BUF_INIT, text = BUF_INIT;
		size_t len;

		assert_int_equal(http_stream_begin(&s, &reply, (enum http_coding)coding, NULL), OK);
		do {
			char piece[100];

			assert_int_equal(
				http_stream_read(&s, piece, sizeof(piece), &len, NULL), OK);
			buf_append(&sent, piece, len);
		} while (len != 0);
		http_stream_end(&s);
		assert_int_equal(c.freed, 1);
		if (coding == HTTP_IDENTITY)
			buf_slice_append(&text, buf_slice(&sent));
		else
			unpack(buf_slice(&sent), &text);
		assert_true(slice_starts(buf_slice(&text), SLICE("line 1000\nline 998\n")));
		assert_true(slice_ends(buf_slice(&text), SLICE("line 2\n")));
		buf_fini(&sent);
		buf_fini(&text);
	}
	struct counting c = {.left = -1};
	struct http_reply reply = {
		.stream = count_down, .stream_free = count_free, .stream_state = &c};
	struct http_stream s;
	char piece[10];
	size_t len;

	assert_int_equal(http_stream_begin(&s, &reply, HTTP_IDENTITY, NULL), OK);
	assert_int_equal(http_stream_read(&s, piece, sizeof(piece), &len, NULL), ERR_IO);
	http_stream_end(&s);
	assert_int_equal(c.freed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codings_chosen),
		cmocka_unit_test(codings_pack),
		cmocka_unit_test(shared_bytes),
		cmocka_unit_test(bodies),
		cmocka_unit_test(shapes),
		cmocka_unit_test(streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
