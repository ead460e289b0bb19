/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What an enemy may put into a log or on the wire: `serai watch --once` reads each kind in a process
 * of its own, fed through a pipe, and its memory and CPU time are measured (wait4). Memory must stay
 * below what the named limits add up to, time below a multiple of what a harmless input of the same
 * size takes, and what was planted behind the hostile part must be found where there is a behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "sensor/sensor.h"
#include "sensor_scene.h"

/* The program, libraries and tables of a sensor that reads nothing take some 20 MiB; a line or frame
 * may need LOGS_LINE_MAX and its parts again and again. */
#define PROGRAM_BYTES MIB(48)
#define LOG_BYTES     (PROGRAM_BYTES + 16 * LOGS_LINE_MAX)
/* 65,536 connections with their tables beside what is held for reassembly */
#define PACKET_TABLES MIB(64)
#define PACKET_BYTES  (PROGRAM_BYTES + PACKET_BUFFERED_MAX + PACKET_TABLES)
/* CPU time a byte, against harmless input of the same kind, and a line, where lines are shorter; beside
 * it what a start takes on a busy machine. */
#define TIME_RATIO      10
/* of captures: a fragment that begins a datagram takes memory for it and another one's goes, which was
 * 6 to 9 times a small harmless frame */
#define TIME_RATIO_PACKET 20
#define TIME_RATIO_LINE 3
#define TIME_START_US   400000

#define ZEEK                                                                                       \
	"#separator \\x09\n#path\tdns\n#fields\tts\tid.orig_h\tid.resp_h\tquery\n"                 \
	"#types\ttime\taddr\taddr\tstring\n"
#define PLANTED "1790000001.000000\t192.0.2.1\t198.51.100.53\tplanted.bad.com\n"

struct run {
	int status;
	uint64_t rss, cpu_us, bytes;
};

static char folder[64], index_path[80], findings[80];
static double log_us, packet_us; /* of a harmless byte */
static double line_us;           /* of a harmless line */

static int setup(void **state)
{
	(void)state;
	scene_folder(folder);
	snprintf(index_path, sizeof(index_path), "%s/index", folder);
	snprintf(findings, sizeof(findings), "%s/findings", folder);
	scene_index(index_path, SLICE("bad.com\n203.0.113.66\n"));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scene_remove(folder);
	return 0;
}

/* ---- running --------------------------------------------------------------------------------- */

static void put(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0); /* it did not want to read on */
		at += n;
		len -= (size_t)n;
	}
}

static void put_text(int fd, const char *text)
{
	put(fd, text, strlen(text));
}

/* `write_it` fills the sensor's standard input from a process of its own. */
static struct run run(void (*write_it)(int fd), const char *form)
{
	struct run r = {0};
	struct rusage used;
	int ends[2], writer, sensor;

	(void)unlink(findings);
	assert_int_equal(pipe(ends), 0);
	writer = fork();
	assert_true(writer >= 0);
	if (writer == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		close(ends[0]);
		write_it(ends[1]);
		_exit(0);
	}
	sensor = fork();
	assert_true(sensor >= 0);
	if (sensor == 0) {
		int null = open("/dev/null", O_WRONLY);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[0], STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl(SERAI_PROGRAM, "serai", "watch", "--once", "--no-gate", "--plant", "--form", form,
			"--index", index_path, "--output", findings, "-", (char *)NULL);
		_exit(127);
	}
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(wait4(sensor, &r.status, 0, &used), sensor);
	kill(writer, SIGKILL);
	assert_int_equal(waitpid(writer, NULL, 0), writer);
	r.rss = (uint64_t)used.ru_maxrss * 1024;
	r.cpu_us = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
		   (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
	if (!WIFEXITED(r.status) || WEXITSTATUS(r.status) > 1)
		fail_msg("the sensor ended with %d", r.status);
	return r;
}

static bool found(const char *text)
{
	struct buf all = BUF_INIT;
	bool is = access(findings, F_OK) == 0 && file_read(findings, MIB(64), &all, NULL) == OK &&
		  slice_find_text(buf_slice(&all), slice_of(text)) < all.len;

	buf_fini(&all);
	return is;
}

static void check(const char *what, struct run r, uint64_t rss_max, double harmless_us, uint64_t bytes,
	uint64_t lines)
{
	double by_byte = TIME_RATIO * harmless_us * (double)bytes;
	double by_line = TIME_RATIO_LINE * line_us * (double)lines;
	double allowed = TIME_START_US + (by_byte > by_line ? by_byte : by_line);

	print_message("%-44s %6.0f MiB read, %5.1f MiB of %5.1f, %7.3f s of %7.3f\n", what,
		(double)bytes / (1 << 20), (double)r.rss / (1 << 20), (double)rss_max / (1 << 20),
		(double)r.cpu_us / 1e6, allowed / 1e6);
	if (r.rss > rss_max)
		fail_msg("%s: %llu bytes of memory, expected at most %llu", what,
			(unsigned long long)r.rss, (unsigned long long)rss_max);
	if ((double)r.cpu_us > allowed)
		fail_msg("%s: %.3f s of CPU, expected at most %.3f", what, (double)r.cpu_us / 1e6,
			allowed / 1e6);
}

/* ---- logs ------------------------------------------------------------------------------------ */

static char block[1 << 20];

static void repeat(int fd, uint64_t bytes)
{
	for (; bytes >= sizeof(block); bytes -= sizeof(block))
		put(fd, block, sizeof(block));
}

#define HARMLESS_BYTES MIB(256)
#define HARMLESS_LINE  "1790000000.000000\t10.0.0.1\t198.51.100.53\twww.quiet.example\n"
#define LINE_BYTES     (UINT64_C(1) << 30)

static void write_harmless(int fd)
{
	static const char line[] = HARMLESS_LINE;
	size_t len = sizeof(line) - 1, whole = sizeof(block) / len * len;

	for (size_t i = 0; i < whole; i++)
		block[i] = line[i % len];
	put_text(fd, ZEEK);
	for (uint64_t i = 0; i < HARMLESS_BYTES; i += whole)
		put(fd, block, whole);
	put_text(fd, PLANTED);
}

static void write_one_line(int fd)
{
	memset(block, 'a', sizeof(block));
	put_text(fd, ZEEK);
	repeat(fd, LINE_BYTES);
	put_text(fd, "\n" PLANTED);
}

static void write_nuls(int fd)
{
	memset(block, 0, sizeof(block));
	put_text(fd, ZEEK);
	repeat(fd, MIB(256));
	put_text(fd, "\n" PLANTED);
}

static void write_lines_of_nothing(int fd)
{
	memset(block, '\n', sizeof(block));
	put_text(fd, ZEEK);
	repeat(fd, MIB(16));
	put_text(fd, PLANTED);
}

static void write_columns(int fd)
{
	memset(block, '\t', sizeof(block));
	put_text(fd, ZEEK);
	for (int i = 0; i < 64; i++) {
		put(fd, block, sizeof(block) / 2);
		put_text(fd, "\n");
	}
	put_text(fd, PLANTED);
}

static void write_invalid_utf8(int fd)
{
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = i % 200 == 199 ? '\n' : (char)(0x80 + i * 7 % 128);
	put_text(fd, ZEEK);
	repeat(fd, MIB(64));
	put_text(fd, "\n" PLANTED);
}

/* A value that turns the direction of text, in a finding. */
static void write_bidi(int fd)
{
	put_text(fd, ZEEK);
	put_text(fd, "1790000001.000000\t192.0.2.1\t198.51.100.53\t"
		     "x\xe2\x80\xaemoc\x1b[31m\xe2\x81\xa6.bad.com\n" PLANTED);
}

static void write_deep_json(int fd)
{
	memset(block, '[', sizeof(block));
	put_text(fd, "{\"timestamp\":\"2024-05-06T07:08:09.0+0000\",\"event_type\":\"dns\",\"src_ip\":"
		     "\"192.0.2.1\",\"dns\":{\"rrname\":\"www.quiet.example\"}}\n");
	for (int i = 0; i < 64; i++) {
		put_text(fd, "{\"a\":");
		put(fd, block, sizeof(block) / 2);
		put_text(fd, "\n");
	}
	put_text(fd, "{\"timestamp\":\"2024-05-06T07:08:09.0+0000\",\"event_type\":\"dns\",\"src_ip\":"
		     "\"192.0.2.1\",\"dns\":{\"type\":\"query\",\"rrname\":\"planted.bad.com\"}}\n");
}

/* Hundred thousand keys in each line. */
static void write_many_keys(int fd)
{
	struct buf line = BUF_INIT;

	buf_text(&line, "{\"timestamp\":\"2024-05-06T07:08:09.0+0000\",\"event_type\":\"dns\"");
	for (unsigned i = 0; i < 60000; i++)
		buf_printf(&line, ",\"k%u\":%u", i, i);
	buf_text(&line, ",\"src_ip\":\"192.0.2.1\",\"dns\":{\"type\":\"query\",\"rrname\":"
			"\"planted.bad.com\"}}\n");
	for (int i = 0; i < 40; i++)
		put(fd, line.data, line.len);
}

static void test_harmless(void **state)
{
	struct run r = run(write_harmless, "ecs");

	(void)state;
	assert_true(found("planted.bad.com"));
	log_us = (double)r.cpu_us / HARMLESS_BYTES;
	line_us = log_us * (sizeof(HARMLESS_LINE) - 1);
	check("harmless log", r, LOG_BYTES, log_us, HARMLESS_BYTES, 0);
}

static void test_logs(void **state)
{
	static const struct {
		const char *what;
		void (*write_it)(int fd);
		uint64_t bytes, lines;
	} cases[] = {
		{"a line of 1 GiB",              write_one_line,         LINE_BYTES, 1      },
		{"NULs",                         write_nuls,             MIB(256),   1      },
		{"empty lines",                  write_lines_of_nothing, MIB(16),    MIB(16)},
		{"half a million columns",       write_columns,          MIB(32),    64     },
		{"invalid UTF-8",                write_invalid_utf8,     MIB(64),    0      },
		{"JSON half a million deep",     write_deep_json,        MIB(32),    64     },
		{"JSON of sixty thousand keys",  write_many_keys,        MIB(32),    40     },
	};

	(void)state;
	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		struct run r = run(cases[k].write_it, "ecs");

		check(cases[k].what, r, LOG_BYTES, log_us, cases[k].bytes, cases[k].lines);
		if (!found("planted.bad.com"))
			fail_msg("%s: what was planted behind it was not found", cases[k].what);
	}
}

static void test_bidi(void **state)
{
	(void)state;
	(void)run(write_bidi, "text");
	assert_true(found("x\\u202emoc\\x1b[31m\\u2066.bad.com"));
	assert_false(found("\xe2\x80\xae"));
	assert_false(found("\x1b"));
}

/* ---- packed ---------------------------------------------------------------------------------- */

#define BOMB_BYTES (UINT64_C(8) << 30) /* unpacked */

static void gzip_put(int fd, const char *head, uint64_t bytes, char fill)
{
	static unsigned char out[1 << 16];
	z_stream z = {0};

	if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		_exit(2);
	memset(block, fill, sizeof(block));
	for (uint64_t done = 0; done <= bytes;) {
		bool first = done == 0;

		z.next_in = (unsigned char *)(uintptr_t)(first ? head : block);
		z.avail_in = first ? (uInt)strlen(head) : (uInt)sizeof(block);
		done += first ? 1 : sizeof(block);
		do {
			z.next_out = out;
			z.avail_out = sizeof(out);
			(void)deflate(&z, done > bytes ? Z_FINISH : Z_NO_FLUSH);
			put(fd, out, sizeof(out) - z.avail_out);
		} while (z.avail_out == 0);
	}
	deflateEnd(&z);
}

static void write_gzip_bomb(int fd)
{
	gzip_put(fd, ZEEK PLANTED, BOMB_BYTES, 'a');
}

static void write_zstd_bomb(int fd)
{
	static char out[1 << 17];
	ZSTD_CStream *z = ZSTD_createCStream();

	if (z == NULL)
		_exit(2);
	memset(block, 'a', sizeof(block));
	for (uint64_t done = 0; done < BOMB_BYTES; done += sizeof(block)) {
		ZSTD_inBuffer in = {done == 0 ? ZEEK PLANTED : block,
			done == 0 ? strlen(ZEEK PLANTED) : sizeof(block), 0};

		while (in.pos < in.size) {
			ZSTD_outBuffer to = {out, sizeof(out), 0};

			if (ZSTD_isError(ZSTD_compressStream2(z, &to, &in, ZSTD_e_flush)))
				_exit(2);
			put(fd, out, to.pos);
		}
	}
}

/* Packed three times: what comes out of the first is no log. */
static void write_nested(int fd)
{
	static unsigned char one[1 << 16], two[1 << 17];
	uLongf len = 0;
	z_stream z = {0};

	memset(block, 'a', sizeof(block));
	for (int level = 0; level < 3; level++) {
		unsigned char *from = level % 2 == 1 ? one : two, *to = level % 2 == 1 ? two : one;

		z = (z_stream){0};
		if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
			_exit(2);
		z.next_in = level == 0 ? (unsigned char *)block : from;
		z.avail_in = level == 0 ? (uInt)sizeof(block) : (uInt)len;
		z.next_out = to;
		z.avail_out = sizeof(one);
		if (deflate(&z, Z_FINISH) != Z_STREAM_END)
			_exit(2);
		len = z.total_out;
		deflateEnd(&z);
		if (level == 2)
			put(fd, to, len);
	}
}

/* Given up with a finding that says so; what came before it was read. Status 0: there is one. */
static void test_bombs(void **state)
{
	struct run r = run(write_gzip_bomb, "ecs");

	(void)state;
	check("gzip of 8 GiB", r, LOG_BYTES, log_us, SENSOR_UNPACKED_FREE, 0);
	assert_true(found("planted.bad.com"));
	assert_true(found("\"type\":\"loss\""));
	assert_true(found("1 packed files given up"));
	assert_int_equal(WEXITSTATUS(r.status), 0);
	r = run(write_zstd_bomb, "ecs");
	check("zstd of 8 GiB", r, LOG_BYTES + (UINT64_C(1) << INPUT_WINDOW_LOG_MAX), log_us,
		SENSOR_UNPACKED_FREE, 0);
	assert_true(found("planted.bad.com"));
	assert_true(found("1 packed files given up"));
	r = run(write_nested, "ecs");
	check("gzip in gzip in gzip", r, LOG_BYTES, log_us, KIB(64), 0);
	assert_int_equal(WEXITSTATUS(r.status), 1);
}

/* ---- packets --------------------------------------------------------------------------------- */

struct capture {
	int fd;
	struct buf out;
	uint32_t seconds;
};

static void le32(struct buf *b, uint32_t v)
{
	const unsigned char bytes[4] = {(unsigned char)v, (unsigned char)(v >> 8),
		(unsigned char)(v >> 16), (unsigned char)(v >> 24)};

	buf_append(b, bytes, 4);
}

static void be16(struct buf *b, unsigned v)
{
	buf_char(b, (char)(v >> 8));
	buf_char(b, (char)v);
}

static void be32(struct buf *b, uint32_t v)
{
	be16(b, v >> 16);
	be16(b, v & 0xffff);
}

static void capture_begin(struct capture *c, int fd)
{
	*c = (struct capture){.fd = fd, .seconds = 1700000000};
	le32(&c->out, 0xa1b2c3d4);
	le32(&c->out, 2 | 4 << 16);
	le32(&c->out, 0);
	le32(&c->out, 0);
	le32(&c->out, 65535);
	le32(&c->out, 1);
}

/* Ethernet and IPv4 around `payload`; fragment: flags and offset of the IP header. */
static void frame(struct capture *c, uint32_t from, uint32_t to, unsigned protocol, unsigned id,
	unsigned fragment, struct slice payload)
{
	struct buf *b = &c->out;
	size_t len = 14 + 20 + payload.len;

	le32(b, c->seconds);
	le32(b, 0);
	le32(b, (uint32_t)len);
	le32(b, (uint32_t)len);
	buf_append(b, "\2\0\0\0\0\1\2\0\0\0\0\2\x08\0\x45\0", 16);
	be16(b, (unsigned)(20 + payload.len));
	be16(b, id);
	be16(b, fragment);
	buf_char(b, 64);
	buf_char(b, (char)protocol);
	be16(b, 0);
	be32(b, from);
	be32(b, to);
	buf_slice_append(b, payload);
	if (b->len >= sizeof(block)) {
		put(c->fd, b->data, b->len);
		buf_clear(b);
	}
}

static void udp(struct capture *c, uint32_t from, uint32_t to, unsigned port, struct slice data)
{
	struct buf b = BUF_INIT;

	be16(&b, 40000);
	be16(&b, port);
	be16(&b, (unsigned)(8 + data.len));
	be16(&b, 0);
	buf_slice_append(&b, data);
	frame(c, from, to, 17, 1, 0, buf_slice(&b));
	buf_fini(&b);
}

static void tcp(struct capture *c, uint32_t from, uint32_t to, unsigned from_port, unsigned port,
	uint32_t sequence, unsigned flags, struct slice data)
{
	struct buf b = BUF_INIT;

	be16(&b, from_port);
	be16(&b, port);
	be32(&b, sequence);
	be32(&b, 1);
	buf_char(&b, 0x50);
	buf_char(&b, (char)flags);
	be16(&b, 65535);
	be32(&b, 0);
	buf_slice_append(&b, data);
	frame(c, from, to, 6, 1, 0, buf_slice(&b));
	buf_fini(&b);
}

static void capture_end(struct capture *c)
{
	/* an address of the index, behind all of it */
	udp(c, 0xc0000201, 0xcb007142, 9, SLICE("x"));
	put(c->fd, c->out.data, c->out.len);
}

#define FRAMES          1000000
#define HARMLESS_FRAMES (4 * FRAMES)

static void write_packets(int fd)
{
	struct capture c;

	capture_begin(&c, fd);
	for (uint32_t i = 0; i < HARMLESS_FRAMES; i++)
		udp(&c, 0x0a000000 + i % 1000, 0xc6336401, 9, SLICE("harmless"));
	capture_end(&c);
}

/* The first part of ten million datagrams, of which nothing more ever comes. */
static void write_fragments(int fd)
{
	struct capture c;

	capture_begin(&c, fd);
	for (uint32_t i = 0; i < 10 * FRAMES; i++) {
		c.seconds = 1700000000 + i / 1000000;
		frame(&c, 0x0a000000 + i / 65536, 0xc6336401, 17, i & 65535, 0x2000, SLICE("12345678"));
	}
	capture_end(&c);
}

/* Connections that send a hole and data behind it, and never end. */
static void write_half_open(int fd)
{
	struct capture c;
	char data[1200];

	memset(data, 'x', sizeof(data));
	capture_begin(&c, fd);
	for (uint32_t i = 0; i < 300000; i++) {
		uint32_t from = 0x0a000000 + i / 4;
		unsigned port = 1024 + i % 4;

		tcp(&c, from, 0xc6336401, port, 80, 1000, 2, (struct slice){0});
		tcp(&c, from, 0xc6336401, port, 80, 5000, 16, (struct slice){data, sizeof(data)});
	}
	capture_end(&c);
}

/* One connection: a million overlapping pieces, each with other bytes, behind a hole. */
static void write_overlaps(int fd)
{
	struct capture c;
	char data[200];

	capture_begin(&c, fd);
	tcp(&c, 0x0a000001, 0xc6336401, 1024, 80, 1000, 2, (struct slice){0});
	for (uint32_t i = 0; i < FRAMES; i++) {
		memset(data, (int)('a' + i % 26), sizeof(data));
		tcp(&c, 0x0a000001, 0xc6336401, 1024, 80, 2000 + i * 7919 % 500000, 16,
			(struct slice){data, sizeof(data)});
	}
	capture_end(&c);
}

/* A name that points at itself, at what points back, and chains of pointers. */
static void write_dns_loops(int fd)
{
	static const char loop[] = "\0\1\1\0\0\1\0\1\0\0\0\0\xc0\x0c\0\1\0\1\xc0\x14\0\1\0\1\0\0\0\1\0\4"
				   "\1\2\3\4";
	struct capture c;
	struct buf chain = BUF_INIT;

	buf_append(&chain, "\0\1\1\0\377\377\0\0\0\0\0\0", 12);
	for (unsigned i = 0; i < 600; i++)
		be16(&chain, 0xc000 | (12 + 2 * (i + 1)));
	capture_begin(&c, fd);
	for (uint32_t i = 0; i < FRAMES / 4; i++) {
		udp(&c, 0x0a000001, 0xc6336435, 53, (struct slice){loop, sizeof(loop) - 1});
		if (i % 8 == 0)
			udp(&c, 0x0a000001, 0xc6336435, 53, buf_slice(&chain));
	}
	buf_fini(&chain);
	capture_end(&c);
}

/* ClientHello records whose inner lengths say more than there is, in new connections. */
static void write_tls_lies(int fd)
{
	static const char lies[] = "\x16\3\1\xff\xff\1\xff\xff\xff\3\3"
				   "01234567890123456789012345678901\xff"
				   "\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377";
	struct capture c;

	capture_begin(&c, fd);
	for (uint32_t i = 0; i < FRAMES / 4; i++) {
		uint32_t from = 0x0a000000 + i;

		tcp(&c, from, 0xc6336401, 1024, 443, 1000, 2, (struct slice){0});
		tcp(&c, from, 0xc6336401, 1024, 443, 1001, 24, (struct slice){lies, sizeof(lies) - 1});
	}
	capture_end(&c);
}

/* Blocks that say they are gigabytes long. */
static void write_pcapng(int fd)
{
	struct buf b = BUF_INIT;

	le32(&b, 0x0a0d0d0a);
	le32(&b, 28);
	le32(&b, 0x1a2b3c4d);
	le32(&b, 1);
	le32(&b, 0xffffffff);
	le32(&b, 0xffffffff);
	le32(&b, 28);
	le32(&b, 6);
	le32(&b, 0xfffffffc);
	put(fd, b.data, b.len);
	memset(block, 0, sizeof(block));
	repeat(fd, MIB(64));
	buf_fini(&b);
}

static void test_packets(void **state)
{
	static const struct {
		const char *what;
		void (*write_it)(int fd);
		uint64_t bytes; /* about; of the capture */
		bool behind;    /* what is planted can be found */
	} cases[] = {
		{"ten million fragments",                 write_fragments, 10 * FRAMES * UINT64_C(58), true },
		{"300,000 connections never finished",    write_half_open, 300000 * UINT64_C(1340),    true },
		{"a million overlapping pieces",          write_overlaps,  FRAMES * UINT64_C(270),     true },
		{"DNS names that point at themselves",    write_dns_loops, FRAMES / 4 * UINT64_C(250), true },
		{"TLS records with lying lengths",        write_tls_lies,  FRAMES / 4 * UINT64_C(200), true },
		{"pcapng blocks of 4 GiB",                write_pcapng,    MIB(64),                    false},
	};
	const uint64_t harmless = HARMLESS_FRAMES * UINT64_C(66);
	struct run r = run(write_packets, "ecs");

	(void)state;
	assert_true(found("203.0.113.66"));
	packet_us = (double)r.cpu_us / (double)harmless;
	check("harmless packets", r, PACKET_BYTES, packet_us, harmless, 0);
	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		r = run(cases[k].write_it, "ecs");
		check(cases[k].what, r, PACKET_BYTES, packet_us * TIME_RATIO_PACKET / TIME_RATIO,
			cases[k].bytes, 0);
		if (cases[k].behind && !found("203.0.113.66"))
			fail_msg("%s: what was planted behind it was not found", cases[k].what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_logs),
		cmocka_unit_test(test_bidi),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_packets),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
