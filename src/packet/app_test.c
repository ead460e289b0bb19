/* SPDX-License-Identifier: MPL-2.0 */
/* The decoders against bytes built by the standards, cut at every place, and against hostile ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "app_parts.h"
#include "app_testing.h"

/* What is told of the bytes, which must be the same for pieces of every size. */
static void expect(
	enum app_protocol protocol, struct slice opener, struct slice other, const char *want)
{
	size_t longest = opener.len > other.len ? opener.len : other.len;

	for (size_t piece = 0; piece <= longest && piece < 3000; piece++) {
		struct packet_out out = {0};

		(void)app_testing_run(protocol, opener, other, piece, &out);
		buf_char(&out.text, '\0');
		assert_string_equal(out.text.data, want);
		buf_fini(&out.text);
	}
}

static void expect_dns(struct slice message, bool good, const char *want)
{
	struct packet_out out = {0};

	assert_int_equal(app_dns(message, &out), good);
	buf_char(&out.text, '\0');
	assert_string_equal(out.text.data, want);
	buf_fini(&out.text);
}

/* ---- DNS ------------------------------------------------------------------------------------- */

#define QUESTION "\3www\7example\3com\0\0\1\0\1"

static const char question[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0" QUESTION;
#define ANSWERED                                                                                   \
	"record\nservice=dns\ndns.query=www.example.com\ndns.type=A\ndns.code=NOERROR\n"           \
	"dns.answer=a.example.com\ndns.answer=#c0000201\n"                                         \
	"dns.answer=#20010db8000000000000000000000001\ndns.answer=h\n"

static void test_dns(void **state)
{
	(void)state;
	expect_dns((struct slice){question, sizeof(question) - 1}, true,
		"record\nservice=dns\ndns.query=www.example.com\ndns.type=A\n");
	/* cut anywhere it is malformed, and nothing is read behind its end */
	for (size_t n = 0; n < sizeof(question) - 1; n++) {
		char *exact = malloc(n + 1);
		struct packet_out out = {0};

		memcpy(exact, question, n);
		assert_false(app_dns((struct slice){exact, n}, &out));
		assert_int_equal(out.records, 0);
		buf_fini(&out.text);
		free(exact);
	}
	/* names: escapes, the root, an unknown type, NXDOMAIN */
	expect_dns(SLICE("\0\0\x81\x83\0\1\0\0\0\0\0\0\4a.\\\n\0\xff\x01\0\1"), true,
		"record\nservice=dns\ndns.query=a\\.\\\\\\010\ndns.type=TYPE65281\n"
		"dns.code=NXDOMAIN\n");
	expect_dns(SLICE("\0\0\1\0\0\1\0\0\0\0\0\0\0\0\2\0\1"), true,
		"record\nservice=dns\ndns.query=.\ndns.type=NS\n");
	/* mDNS announces: the owner is the news */
	expect_dns(SLICE("\0\0\x84\0\0\0\0\1\0\0\0\0\3cam\5local\0\0\1\x80\1\0\0\0\x78\0\4\x0a\0\0"
			 "\1"),
		true,
		"record\nservice=dns\ndns.code=NOERROR\ndns.answer=cam.local\n"
		"dns.answer=#0a000001\n");
	/* pointers: to themselves, forwards, in a circle */
	expect_dns(SLICE("\0\0\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1"), false, "");
	expect_dns(SLICE("\0\0\1\0\0\1\0\0\0\0\0\0\xc0\x0e\0\1\0\1"), false, "");
	expect_dns(SLICE("\0\0\1\0\0\1\0\0\0\0\0\0\1a\xc0\x0c\0\1\0\1"), false, "");
	/* reserved label type, counts that cannot be, MX and SRV behind their numbers */
	expect_dns(SLICE("\0\0\1\0\0\1\0\0\0\0\0\0\x40\0\1\0\1"), false, "");
	expect_dns(SLICE("\0\0\1\0\0\1\xff\xff\0\0\0\0\0\0\2\0\1"), false,
		"record\nservice=dns\ndns.query=.\ndns.type=NS\n");
	expect_dns(SLICE("\0\0\x80\0\0\1\0\2\0\0\0\0\1e\0\0\xff\0\1"
			 "\xc0\x0c\0\x0f\0\1\0\0\0\0\0\5\0\1\1m\0"
			 "\xc0\x0c\0\x21\0\1\0\0\0\0\0\x09\0\1\0\1\0\1\1s\0"),
		true,
		"record\nservice=dns\ndns.query=e\ndns.type=ANY\ndns.code=NOERROR\n"
		"dns.answer=m\ndns.answer=s\n");
}

static void test_dns_answers(void **state)
{
	struct buf b = {0};
	struct packet_out out = {0};

	(void)state;
	buf_append(&b, "\x12\x34\x81\x80\0\1\0\4\0\0\0\0" QUESTION, 12 + sizeof(QUESTION) - 1);
	buf_append(&b, "\xc0\x0c\0\5\0\1\0\0\0\1\0\4\1a\xc0\x10", 16);
	buf_append(&b, "\xc0\x2d\0\1\0\1\0\0\0\1\0\4\xc0\0\2\1", 16);
	buf_append(
		&b, "\xc0\x2d\0\x1c\0\1\0\0\0\1\0\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 28);
	buf_append(&b, "\xc0\x2d\0\x41\0\1\0\0\0\1\0\x0d\0\1\1h\0\0\4\0\4\xc0\0\2\7", 25);
	assert_true(app_dns(buf_slice(&b), &out));
	buf_char(&out.text, '\0');
	assert_string_equal(out.text.data, ANSWERED "dns.answer=#c0000207\n");
	buf_fini(&out.text);
	{
		struct buf tcp = {0};
		char len[2];

		put_u16(len, (uint16_t)b.len);
		for (int i = 0; i < 2; i++) {
			buf_append(&tcp, len, 2);
			buf_slice_append(&tcp, buf_slice(&b));
		}
		expect(APP_DNS, (struct slice){0}, buf_slice(&tcp),
			ANSWERED "dns.answer=#c0000207\n" ANSWERED "dns.answer=#c0000207\n");
		assert_int_equal(app_guess(53, 4000, buf_slice(&tcp), (struct slice){0}), APP_DNS);
		assert_int_equal(app_guess(80, 4000, buf_slice(&tcp), (struct slice){0}), APP_NONE);
		buf_fini(&tcp);
	}
	buf_fini(&b);
}

/* As many questions as fit a frame, and one more. */
static void test_dns_questions(void **state)
{
	(void)state;
	for (unsigned most = 292; most <= 293; most++) {
		struct buf b = {0};
		struct packet_out out = {.silent = true};

		buf_append(&b, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
		put_u16(b.data + 4, (uint16_t)most);
		for (unsigned i = 0; i < most; i++)
			buf_append(&b, "\0\0\x0c\0\1", 5);
		assert_int_equal(app_dns(buf_slice(&b), &out), most == 292);
		assert_int_equal(out.fields >= 292, most == 292);
		buf_fini(&b);
		buf_fini(&out.text);
	}
}

/* A long chain of pointers in each of many records must not multiply. */
static void test_dns_chain(void **state)
{
	struct buf b = {0};
	struct packet_out out = {.silent = true};
	clock_t start = clock();

	(void)state;
	buf_append(&b, "\0\0\x80\0\0\0\x08\0\0\0\0\0", 12);
	buf_append(&b, "\0\0\x10\0\1\0\0\0\0\x40\0\0\0", 13); /* TXT with pointers in it */
	for (unsigned i = 0; i < 8191; i++) {
		char pointer[2];

		put_u16(pointer, (uint16_t)(0xc000 | (24 + 2 * (i == 0 ? 0 : i - 1))));
		buf_append(&b, pointer, 2);
	}
	while (b.len + 16 < KIB(60))
		buf_append(&b, "\0\0\2\0\1\0\0\0\0\0\2\xff\xfe\0\0\0", 13);
	for (int i = 0; i < 10; i++)
		(void)app_dns(buf_slice(&b), &out);
	assert_true(clock() - start < CLOCKS_PER_SEC);
	buf_fini(&b);
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

static void test_http(void **state)
{
	(void)state;
	expect(APP_HTTP,
		SLICE("GET /a/b%20c.exe?x=1 HTTP/1.1\r\nHost: evil.example:8080\r\n"
		      "user-agent: M\r\nReferer: http://r/\r\n"
		      "X-Forwarded-For: 192.0.2.1, unknown\r\n"
		      "Forwarded: for=\"[2001:db8::1]:47\";proto=http\r\n\r\n"
		      "HEAD /x HTTP/1.1\r\nHost: e\r\n\r\n"
		      "POST http://p/q HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"),
		SLICE("HTTP/1.1 100 Continue\r\n\r\n"
		      "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=x\r\n"
		      "Transfer-Encoding: chunked\r\n\r\n"
		      "2;ext=1\r\nab\r\n1\r\nc\r\n0\r\nTrailer: 1\r\n\r\n"
		      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
		      "HTTP/1.0 404 No\nContent-Disposition: attachment; "
		      "filename=\"C:\\x\\d.bin\"\n"
		      "\nabc"),
		"record\nservice=http\nhttp.method=GET\nhost=evil.example:8080\n"
		"url=http://evil.example:8080/a/b%20c.exe?x=1\nuser_agent=M\n"
		"http.referrer=http://r/\naddress=#c0000201\n"
		"address=#20010db8000000000000000000000001\n"
		"record\nservice=http\nhttp.method=HEAD\nhost=e\nurl=http://e/x\n"
		"record\nservice=http\nhttp.method=POST\nurl=http://p/q\n"
		"record\nservice=http\nfile.hash=#900150983cd24fb0d6963f7d28e17f72\n"
		"file.hash=#a9993e364706816aba3e25717850c26c9cd0d89d\n"
		"file.hash="
		"#ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
		"record\nservice=http\nhttp.status=100\n"
		"record\nservice=http\nhttp.status=200\n"
		"record\nservice=http\nfile.name=b c.exe\nfile.mime=text/plain\n"
		"file.hash=#900150983cd24fb0d6963f7d28e17f72\n"
		"file.hash=#a9993e364706816aba3e25717850c26c9cd0d89d\n"
		"file.hash="
		"#ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
		"record\nservice=http\nhttp.status=200\n"
		"record\nservice=http\nhttp.status=404\n"
		"record\nservice=http\nfile.name=d.bin\n"
		"file.hash=#900150983cd24fb0d6963f7d28e17f72\n"
		"file.hash=#a9993e364706816aba3e25717850c26c9cd0d89d\n"
		"file.hash="
		"#ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n");
}

static void test_http_guess(void **state)
{
	const struct slice none = {0};

	(void)state;
	assert_int_equal(app_guess(1, 8080, SLICE("GET /"), none), APP_HTTP);
	assert_int_equal(app_guess(1, 8080, SLICE("GET   /"), none), APP_HTTP);
	assert_int_equal(app_guess(1, 8080, SLICE("GET  "), none), APP_UNDECIDED);
	assert_int_equal(app_guess(1, 8080, SLICE("CONNECT a:1"), none), APP_HTTP);
	assert_int_equal(app_guess(1, 8080, none, SLICE("HTTP/1.")), APP_HTTP);
	assert_int_equal(app_guess(1, 8080, SLICE("OPTIONS sip:a"), none), APP_NONE);
	assert_int_equal(app_guess(1, 8080, SLICE("GETS /"), none), APP_NONE);
}

static void http_hostile(struct slice response, const char *what)
{
	struct packet_out out = {0};

	assert_false(app_testing_run(APP_HTTP, SLICE("x\r\n\r\n"), response, 1, &out));
	buf_char(&out.text, '\0');
	if (strstr(out.text.data, "file.hash") != NULL)
		fail_msg("hashed: %s", what);
	buf_fini(&out.text);
}

static void test_http_hostile(void **state)
{
	(void)state;
	http_hostile(SLICE("HTTP/1.1 200 O\r\nTransfer-Encoding: chunked\r\n\r\n"
			   "ffffffffffffffff\r\nabc"),
		"chunk size that overflows");
	http_hostile(SLICE("HTTP/1.1 200 O\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc"),
		"negative chunk");
	http_hostile(SLICE("HTTP/1.1 200 O\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
		"two lengths");
	http_hostile(SLICE("HTTP/1.1 200 O\r\nContent-Length: 99999999999999999999\r\n\r\nab"),
		"length past 64 bits");
	http_hostile(SLICE("HTTP/2 200\r\n\r\n"), "not HTTP/1");
}

static void test_http_long_head(void **state)
{
	struct app_stream *s = app_stream_new(APP_HTTP);
	struct packet_out out = {0};
	bool more = app_stream_feed(s, 0, SLICE("GET / HTTP/1.1\r\nHost: h\r\n"), &out);
	size_t fed = 0, held = 0;

	(void)state;
	/* endless headers: never more than the limit is kept, and the host is told all the same */
	for (; more && fed < MIB(1) && out.records == 0; fed += 8) {
		more = app_stream_feed(s, 0, SLICE("A: bcd\r\n"), &out);
		if (app_stream_bytes(s) > held)
			held = app_stream_bytes(s);
	}
	assert_in_range(fed, HTTP_HEAD_MAX - 64, HTTP_HEAD_MAX + 64);
	assert_in_range(held, HTTP_HEAD_MAX / 2, 2 * HTTP_HEAD_MAX + KIB(2));
	buf_char(&out.text, '\0');
	assert_non_null(strstr(out.text.data, "url=http://h/\n"));
	buf_fini(&out.text);
	app_stream_free(s);
}

static void test_http_gap(void **state)
{
	struct app_stream *s = app_stream_new(APP_HTTP);
	struct packet_out out = {0};

	(void)state;
	assert_true(app_stream_feed(
		s, 1, SLICE("HTTP/1.1 200 O\r\nContent-Length: 10\r\n\r\nab"), &out));
	app_stream_gap(s, 1, 8); /* inside the body: the next response is where it should be */
	assert_true(app_stream_feed(s, 1, SLICE("HTTP/1.1 201 O\r\nContent-"), &out));
	app_stream_gap(s, 1, 5); /* in a head: found again where a piece starts with one */
	assert_true(app_stream_feed(s, 1, SLICE("nonsense"), &out));
	assert_true(app_stream_feed(s, 1, SLICE("HTTP/1.1 204 O\r\n\r\n"), &out));
	buf_char(&out.text, '\0');
	assert_string_equal(out.text.data,
		"record\nservice=http\nhttp.status=200\nrecord\nservice=http\nhttp.status=204\n");
	buf_fini(&out.text);
	app_stream_free(s);
}

/* ---- TLS ------------------------------------------------------------------------------------- */

static void u16(struct buf *b, unsigned v)
{
	char bytes[2];

	put_u16(bytes, (uint16_t)v);
	buf_append(b, bytes, 2);
}

/* type, the content of each extension */
struct extension_row {
	unsigned type;
	struct slice content;
};

static void hello_make(struct buf *b, unsigned version, const unsigned *ciphers, size_t count,
	const struct extension_row *rows, size_t rows_count)
{
	size_t at;

	u16(b, version);
	for (int i = 0; i < 33; i++)
		buf_char(b, '\0'); /* random, empty session */
	u16(b, (unsigned)(2 * count));
	for (size_t i = 0; i < count; i++)
		u16(b, ciphers[i]);
	buf_append(b, "\1\0", 2);
	if (rows_count == 0)
		return;
	at = b->len;
	u16(b, 0);
	for (size_t i = 0; i < rows_count; i++) {
		u16(b, rows[i].type);
		u16(b, (unsigned)rows[i].content.len);
		buf_slice_append(b, rows[i].content);
	}
	put_u16(b->data + at, (uint16_t)(b->len - at - 2));
}

/* Message into records of at most `most` bytes. */
static void records_make(struct buf *b, unsigned type, struct slice body, size_t most)
{
	struct buf m = {0};
	struct slice rest;
	char head[4];

	put_u32(head, (uint32_t)(type << 24 | body.len));
	buf_append(&m, head, 4);
	buf_slice_append(&m, body);
	for (rest = buf_slice(&m); rest.len > 0;) {
		struct slice part = slice_cut(rest, 0, most);

		buf_append(b, "\x16\3\1", 3);
		u16(b, (unsigned)part.len);
		buf_slice_append(b, part);
		rest = slice_cut(rest, part.len, rest.len);
	}
	buf_fini(&m);
}

/* Text and digest as salesforce publishes them:
 * 769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0 */
static void test_ja3(void **state)
{
	static const unsigned ciphers[] = {
		47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4, 0x2a2a};
	const struct extension_row rows[] = {
		{0,      SLICE("\0\7\0\0\4evil")                  },
                {10,     SLICE("\0\x08\x3a\x3a\0\x17\0\x18\0\x19")},
		{11,     SLICE("\1\0")                            },
                {0x5a5a, SLICE("")                                }
        };
	static const unsigned old[] = {4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99};
	struct buf hello = {0}, bytes = {0};
	const char *want = "record\nservice=tls\ntls.sni=evil\n"
			   "tls.ja3=ada70206e40642a3e4461f35503241d5\n";

	(void)state;
	hello_make(&hello, 769, ciphers, COUNT_OF(ciphers), rows, COUNT_OF(rows));
	for (size_t most = 1; most < 200; most += 13) { /* over many records */
		struct packet_out out = {.unwanted = event_role_bit(ROLE_JA4)};

		buf_clear(&bytes);
		records_make(&bytes, 1, buf_slice(&hello), most);
		for (size_t piece = 0; piece < 40; piece++) {
			assert_true(app_testing_run(
				APP_TLS, buf_slice(&bytes), (struct slice){0}, piece, &out));
			buf_char(&out.text, '\0');
			assert_string_equal(out.text.data, want);
			buf_clear(&out.text);
		}
		buf_fini(&out.text);
	}
	assert_int_equal(app_guess(1, 443, slice_cut(buf_slice(&bytes), 0, 5), (struct slice){0}),
		APP_UNDECIDED);
	assert_int_equal(app_guess(1, 443, buf_slice(&bytes), (struct slice){0}), APP_TLS);
	buf_clear(&hello);
	hello_make(&hello, 769, old, COUNT_OF(old), NULL, 0);
	buf_clear(&bytes);
	records_make(&bytes, 1, buf_slice(&hello), 1000);
	expect(APP_TLS, buf_slice(&bytes), (struct slice){0},
		"record\nservice=tls\ntls.ja3=de350869b8c85de67a350c8d186f11e6\n"
		"tls.ja4=t10i110000_3609b414f052_000000000000\n");
	buf_fini(&hello);
	buf_fini(&bytes);
}

/* The example in FoxIO's description of JA4. */
static void test_ja4(void **state)
{
	static const unsigned ciphers[] = {0x0a0a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c,
		0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035};
	const struct extension_row rows[] = {
		{0x1a1a, SLICE("")					    },
                {0x001b, SLICE("")                                            },
                {0x0000, SLICE("\0\4\0\0\1x")                                 },
		{0x0033, SLICE("")					    },
                {0x0010, SLICE("\0\x0c\2h2\x08http/1.1")                      },
                {0x4469, SLICE("")                                            },
		{0x0017, SLICE("")					    },
                {0x002d, SLICE("")                                            },
		{0x000d, SLICE("\0\x10\4\3\x08\4\4\1\5\3\x08\5\5\1\x08\6\6\1")},
		{0x0005, SLICE("")					    },
                {0x0023, SLICE("")                                            },
                {0x0012, SLICE("")                                            },
		{0x002b, SLICE("\4\x7a\x7a\3\4")                              },
                {0xff01, SLICE("")                                            },
                {0x000b, SLICE("")                                            },
		{0x000a, SLICE("")					    },
                {0x0015, SLICE("")                                            }
        };
	struct buf hello = {0}, bytes = {0};
	struct packet_out out = {.unwanted = event_role_bit(ROLE_JA3)};

	(void)state;
	hello_make(&hello, 0x0303, ciphers, COUNT_OF(ciphers), rows, COUNT_OF(rows));
	records_make(&bytes, 1, buf_slice(&hello), 1000);
	assert_true(app_testing_run(APP_TLS, buf_slice(&bytes), (struct slice){0}, 0, &out));
	buf_char(&out.text, '\0');
	assert_string_equal(out.text.data, "record\nservice=tls\ntls.sni=x\n"
					   "tls.ja4=t13d1516h2_8daaf6152771_e5627efa2ab1\n");
	buf_fini(&out.text);
	buf_fini(&hello);
	buf_fini(&bytes);
}

/* A made-up certificate: CN "c", names "a.example" and 192.0.2.1. */
#define CERTIFICATE                                                                                \
	"\x30\x43\x30\x41\xa0\3\2\1\2\2\1\1\x30\0\x30\0\x30\0"                                     \
	"\x30\x0c\x31\x0a\x30\x08\6\3\x55\4\3\x0c\1c\x30\0"                                        \
	"\xa3\x21\x30\x1f\x30\x1d\6\3\x55\x1d\x11\1\1\xff\4\x13\x30\x11"                           \
	"\x82\x09"                                                                                 \
	"a.example\x87\4\xc0\0\2\1"

static void test_server(void **state)
{
	struct buf hello = {0}, bytes = {0}, chain = {0};
	struct packet_out out = {.unwanted = event_role_bit(ROLE_CERTIFICATE_HASH)};
	struct slice certificate = SLICE(CERTIFICATE);
	static const unsigned types[] = {65281, 0, 11, 35, 5, 16};

	(void)state;
	u16(&hello, 769);
	for (int i = 0; i < 33; i++)
		buf_char(&hello, '\0');
	u16(&hello, 47);
	buf_char(&hello, '\0');
	u16(&hello, 4 * COUNT_OF(types));
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		u16(&hello, types[i]);
		u16(&hello, 0);
	}
	buf_char(&chain, '\0');
	u16(&chain, (unsigned)certificate.len + 3);
	buf_char(&chain, '\0');
	u16(&chain, (unsigned)certificate.len);
	buf_slice_append(&chain, certificate);
	records_make(&bytes, 2, buf_slice(&hello), 20);
	records_make(&bytes, 11, buf_slice(&chain), 30);
	records_make(&bytes, 14, (struct slice){0}, 30);
	for (size_t piece = 0; piece <= bytes.len; piece++) {
		assert_false(app_testing_run(
			APP_TLS, (struct slice){0}, buf_slice(&bytes), piece, &out));
		buf_char(&out.text, '\0');
		assert_string_equal(out.text.data,
			"record\nservice=tls\ntls.ja3s=836ce314215654b5b1f85f97c73e506f\n"
			"record\nservice=tls\ntls.certificate_name=c\n"
			"tls.certificate_name=a.example\ntls.certificate_name=#c0000201\n");
		buf_clear(&out.text);
	}
	/* every prefix and every length made wrong: never a byte outside, never a crash */
	for (size_t n = 0; n < certificate.len; n++) {
		char *exact = malloc(certificate.len);

		memcpy(exact, certificate.data, certificate.len);
		assert_false(app_certificate((struct slice){exact, n}, &out));
		exact[n] = (char)0x84;
		(void)app_certificate((struct slice){exact, certificate.len}, &out);
		exact[n] = (char)0xff;
		(void)app_certificate((struct slice){exact, certificate.len}, &out);
		free(exact);
	}
	buf_fini(&out.text);
	buf_fini(&hello);
	buf_fini(&bytes);
	buf_fini(&chain);
}

static void test_tls_endless(void **state)
{
	struct app_stream *s = app_stream_new(APP_TLS);
	struct packet_out out = {.silent = true};
	static char zeros[1000];
	size_t fed = 0;

	(void)state;
	/* a hello of 128 KiB that never ends is held up to the limit and no further */
	assert_true(app_stream_feed(s, 0, SLICE("\x16\3\1\x40\0\1\2\0\0"), &out));
	for (bool more = true; more && fed < MIB(2); fed += sizeof(zeros)) {
		more = app_stream_feed(s, 0, (struct slice){zeros, sizeof(zeros)}, &out);
		assert_true(app_stream_bytes(s) < 2 * TLS_HANDSHAKE_MAX + KIB(4));
	}
	app_stream_free(s);
	/* records without end that carry nothing */
	s = app_stream_new(APP_TLS);
	app_stream_gap(s, 1, 1);
	for (fed = 0; app_stream_feed(s, 0, SLICE("\x18\3\1\0\0"), &out); fed++)
		assert_true(fed <= TLS_RECORDS_MAX);
	assert_int_equal(fed, TLS_RECORDS_MAX);
	app_stream_free(s);
}

/* ---- SMTP ------------------------------------------------------------------------------------ */

#define MAILED                                                                                     \
	"record\nservice=smtp\nhost=client.example\n"                                              \
	"record\nservice=smtp\nemail.from=a@x.example\nemail.to=b@y.example\n"                     \
	"email.from=boss@z.example\nemail.to=b@y.example\nemail.to=c@y.example\n"                  \
	"email.subject=Hi\n"

static void test_smtp(void **state)
{
	struct buf b = {0};

	(void)state;
	expect(APP_SMTP,
		SLICE("EHLO client.example\r\nMAIL FROM:<@r:a@x.example> SIZE=1\r\n"
		      "RCPT TO:<b@y.example>\r\nDATA\r\n"
		      "From: \"Boss, the\" <boss@z.example>\r\nTo: b@y.example,\r\n"
		      " C <c@y.example>\r\nSubject: Hi\r\n\r\nFrom: no@body\r\n.\r\nQUIT\r\n"),
		SLICE("220 mail.example ready\r\n250 ok\r\n"),
		MAILED "record\nservice=smtp\nhost=mail.example\n");
	expect(APP_SMTP,
		SLICE("EHLO client.example\r\nMAIL FROM:<a@x.example>\r\n"
		      "RCPT TO:<b@y.example>\r\nBDAT 108 LAST\r\n"
		      "From: \"Boss, the\" <boss@z.example>\r\nTo: b@y.example,\r\n"
		      " C <c@y.example>\r\nSubject: Hi\r\n\r\n12345678\r\n\r\nQUIT\r\n"),
		(struct slice){0}, MAILED);
	/* behind STARTTLS comes a hello */
	buf_text(&b, "EHLO c\r\nSTARTTLS\r\n");
	{
		struct buf hello = {0};
		static const unsigned cipher = 47;

		hello_make(&hello, 769, &cipher, 1, NULL, 0);
		records_make(&b, 1, buf_slice(&hello), 1000);
		buf_fini(&hello);
	}
	for (size_t piece = 0; piece <= b.len; piece++) {
		struct packet_out out = {0};

		(void)app_testing_run(APP_SMTP, buf_slice(&b), (struct slice){0}, piece, &out);
		buf_char(&out.text, '\0');
		assert_non_null(strstr(out.text.data, "tls.ja3="));
		buf_fini(&out.text);
	}
	buf_fini(&b);
	assert_int_equal(app_guess(9, 25, SLICE("EHLO a"), SLICE("220 x")), APP_SMTP);
	assert_int_equal(app_guess(9, 21, SLICE("USER a"), SLICE("220 x")), APP_NONE);
	assert_int_equal(app_guess(9, 25, (struct slice){0}, SLICE("220 x")), APP_UNDECIDED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dns),
		cmocka_unit_test(test_dns_answers),
		cmocka_unit_test(test_dns_questions),
		cmocka_unit_test(test_dns_chain),
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_http_guess),
		cmocka_unit_test(test_http_hostile),
		cmocka_unit_test(test_http_long_head),
		cmocka_unit_test(test_http_gap),
		cmocka_unit_test(test_ja3),
		cmocka_unit_test(test_ja4),
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_tls_endless),
		cmocka_unit_test(test_smtp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
