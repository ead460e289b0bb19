/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Hits in captures beside those that tshark's fields give: names, addresses, URLs, user agents,
 * JA3, JA3S, certificates, mail addresses and bodies. An index is made of every second value that
 * tshark shows, and of near misses; what the sensor's reader brings to it must hit the same in the
 * same frames. tshark 4.0 has no JA4: it is computed here from the lists of ciphers, extensions and
 * signatures that tshark shows. Captures made here (sensor_wire.h) and the real ones of
 * ../shared/data. Skipped without tshark.
 */
#include <dirent.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "packet/packet.h"
#include "sensor_wire.h"

#define CAPTURE_MAX MIB(8)
#define LINE_BYTES  65536
#define LIST_MOST   64

/* ---- what tshark shows ----------------------------------------------------------------------- */

enum how { HOW_PLAIN, HOW_CERTIFICATE, HOW_EMAIL, HOW_WEB };

static const struct field_row {
	const char *field;
	enum field_kind kind;
	enum how how;
} fields[] = {
	{"ip.src",			       FIELD_ADDRESS,     HOW_PLAIN      },
	{"ip.dst",			       FIELD_ADDRESS,     HOW_PLAIN      },
	{"ipv6.src",			     FIELD_ADDRESS,     HOW_PLAIN      },
	{"ipv6.dst",			     FIELD_ADDRESS,     HOW_PLAIN      },
	{"dns.a",				FIELD_ADDRESS,     HOW_PLAIN      },
	{"dns.aaaa",			     FIELD_ADDRESS,     HOW_PLAIN      },
	{"dns.qry.name",			 FIELD_NAME,        HOW_PLAIN      },
	{"http.host",			    FIELD_HOST,        HOW_WEB        },
	{"http.request.full_uri",                FIELD_URL,         HOW_WEB        },
	{"http.user_agent",                      FIELD_TEXT,        HOW_WEB        },
	{"http.referer",			 FIELD_URL,         HOW_WEB        },
	{"tls.handshake.extensions_server_name", FIELD_NAME,        HOW_PLAIN      },
	{"tls.handshake.ja3",                    FIELD_JA3,         HOW_PLAIN      },
	{"tls.handshake.ja3s",                   FIELD_JA3S,        HOW_PLAIN      },
	{"tls.handshake.certificate",            FIELD_CERTIFICATE, HOW_CERTIFICATE},
	{"smtp.req.parameter",                   FIELD_EMAIL,       HOW_EMAIL      },
	{"imf.from",			     FIELD_EMAIL,       HOW_EMAIL      },
	{"imf.to",			       FIELD_EMAIL,       HOW_EMAIL      },
};

/* Not looked up by themselves. */
enum {
	EXTRA_TCP,
	EXTRA_TYPE,
	EXTRA_CIPHERS,
	EXTRA_EXTENSIONS,
	EXTRA_SIGNATURES,
	EXTRA_VERSIONS,
	EXTRA_ALPN,
	EXTRAS
};
static const char *const extras[EXTRAS] = {"tcp.stream", "tls.handshake.type",
	"tls.handshake.ciphersuite", "tls.handshake.extension.type", "tls.handshake.sig_hash_alg",
	"tls.handshake.extensions.supported_version", "tls.handshake.extensions_alpn_str"};

struct value {
	unsigned frame;
	enum field_kind kind;
	char *text;
};

struct values {
	struct value *at;
	size_t count, capacity;
};

static void value_add(struct values *v, unsigned frame, enum field_kind kind, const char *text)
{
	if (v->count == v->capacity) {
		v->capacity = v->capacity == 0 ? 256 : 2 * v->capacity;
		v->at = realloc(v->at, v->capacity * sizeof(*v->at));
		assert_non_null(v->at);
	}
	v->at[v->count++] = (struct value){frame, kind, strdup(text)};
	assert_non_null(v->at[v->count - 1].text);
}

static void values_free(struct values *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->at[i].text);
	free(v->at);
	*v = (struct values){0};
}

static void digests_add(struct values *v, unsigned frame, enum field_kind kind, struct slice bytes)
{
	struct buf text = BUF_INIT;
	uint8_t digest[SHA256_LEN];
	static const size_t lengths[] = {MD5_LEN, SHA1_LEN, SHA256_LEN};

	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		if (i == 0)
			hash_md5(bytes, digest);
		else if (i == 1)
			hash_sha1(bytes, digest);
		else
			hash_sha256(bytes, digest);
		buf_clear(&text);
		hex_append(&text, digest, lengths[i]);
		buf_char(&text, 0);
		value_add(v, frame, kind, text.data);
	}
	buf_fini(&text);
}

static void certificate_add(struct values *v, unsigned frame, char *hex)
{
	static char bytes[LINE_BYTES];
	size_t len = strlen(hex) / 2;

	assert_true(hex_decode(slice_of(hex), bytes, len));
	digests_add(v, frame, FIELD_CERTIFICATE, (struct slice){bytes, len});
}

/* "FROM:<a@b>", "Name <a@b>"; behind EHLO a server's name. */
static void email_add(struct values *v, unsigned frame, char *text)
{
	char *open = strchr(text, '<'), *close = strchr(text, '>');

	if (open == NULL && strchr(text, '@') == NULL)
		value_add(v, frame, FIELD_HOST, text);
	if (open == NULL || close == NULL || memchr(open, '@', (size_t)(close - open)) == NULL)
		return;
	*close = 0;
	value_add(v, frame, FIELD_EMAIL, open + 1);
}

/* ---- JA4 from tshark's lists ----------------------------------------------------------------- */

struct numbers {
	unsigned at[LIST_MOST], count;
};

static bool is_grease(unsigned v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

static struct numbers numbers_of(char *text)
{
	struct numbers n = {.count = 0};
	char *part;

	while ((part = strsep(&text, "|")) != NULL) {
		unsigned v = (unsigned)strtoul(part, NULL, 0);

		if (*part != 0 && !is_grease(v) && n.count < LIST_MOST)
			n.at[n.count++] = v;
	}
	return n;
}

static int number_compare(const void *a, const void *b)
{
	return *(const unsigned *)a < *(const unsigned *)b ? -1 : 1;
}

static void list_put(struct buf *out, struct numbers n, bool sorted)
{
	if (sorted)
		qsort(n.at, n.count, sizeof(n.at[0]), number_compare);
	for (unsigned i = 0; i < n.count; i++)
		buf_printf(out, "%s%04x", i > 0 ? "," : "", n.at[i]);
}

static void part_put(struct buf *out, struct buf *list)
{
	uint8_t digest[SHA256_LEN];

	hash_sha256(buf_slice(list), digest);
	buf_char(out, '_');
	hex_append(out, digest, 6);
	buf_clear(list);
}

/* github.com/FoxIO-LLC/ja4: technical_details/JA4.md; of TLS 1.2 and 1.3 over TCP. */
static void ja4_add(struct values *v, unsigned frame, char *const *extra)
{
	struct numbers ciphers = numbers_of(extra[EXTRA_CIPHERS]);
	struct numbers extensions = numbers_of(extra[EXTRA_EXTENSIONS]), hashed = {.count = 0};
	struct numbers signatures = numbers_of(extra[EXTRA_SIGNATURES]);
	struct numbers versions = numbers_of(extra[EXTRA_VERSIONS]);
	const char *alpn = extra[EXTRA_ALPN];
	size_t alpn_len = strcspn(alpn, "|");
	struct buf out = BUF_INIT, list = BUF_INIT;
	bool named = false, newest = false;

	for (unsigned i = 0; i < extensions.count; i++) {
		named |= extensions.at[i] == 0;
		if (extensions.at[i] != 0 && extensions.at[i] != 16)
			hashed.at[hashed.count++] = extensions.at[i];
	}
	for (unsigned i = 0; i < versions.count; i++)
		newest |= versions.at[i] == 0x0304;
	buf_printf(&out, "t%s%c%02u%02u%c%c", newest ? "13" : "12", named ? 'd' : 'i',
		ciphers.count, extensions.count, alpn_len == 0 ? '0' : alpn[0],
		alpn_len == 0 ? '0' : alpn[alpn_len - 1]);
	list_put(&list, ciphers, true);
	part_put(&out, &list);
	list_put(&list, hashed, true);
	if (signatures.count > 0) {
		buf_char(&list, '_');
		list_put(&list, signatures, false);
	}
	part_put(&out, &list);
	buf_char(&out, 0);
	value_add(v, frame, FIELD_JA4, out.data);
	buf_fini(&out);
	buf_fini(&list);
}

/* ---- running it ------------------------------------------------------------------------------ */

static void line_take(struct values *v, char *line)
{
	char *cells[COUNT_OF(fields) + EXTRAS + 1], *part;
	size_t count = 0;
	unsigned frame;

	while (count < COUNT_OF(cells) && (cells[count] = strsep(&line, "\t")) != NULL)
		count++;
	assert_int_equal(count, COUNT_OF(cells));
	frame = (unsigned)atoi(cells[0]);
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		char *rest = cells[1 + i];

		/* on TCP only: discovery over UDP borrows HTTP's form */
		if (fields[i].how == HOW_WEB && *cells[1 + COUNT_OF(fields) + EXTRA_TCP] == 0)
			continue;
		while ((part = strsep(&rest, "|")) != NULL) {
			if (*part == 0)
				continue;
			if (fields[i].how == HOW_CERTIFICATE)
				certificate_add(v, frame, part);
			else if (fields[i].how == HOW_EMAIL)
				email_add(v, frame, part);
			else
				value_add(v, frame, fields[i].kind, part);
		}
	}
	if (strcmp(cells[1 + COUNT_OF(fields) + EXTRA_TYPE], "1") == 0)
		ja4_add(v, frame, cells + 1 + COUNT_OF(fields));
}

static void tshark_read(const char *path, struct values *v)
{
	static char line[LINE_BYTES];
	struct buf command = BUF_INIT;
	int status;
	FILE *f;

	buf_printf(&command, "tshark -n -r '%s' -T fields -E 'aggregator=|' -e frame.number", path);
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		buf_printf(&command, " -e %s", fields[i].field);
	for (size_t i = 0; i < EXTRAS; i++)
		buf_printf(&command, " -e %s", extras[i]);
	buf_text(&command, " 2>/dev/null");
	buf_char(&command, 0);
	f = popen(command.data, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = 0;
		line_take(v, line);
	}
	status = pclose(f);
	/* 2: the capture is cut short; what is there was read */
	assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 2));
	buf_fini(&command);
}

/* Bodies as tshark puts them together, in no frame. */
static void tshark_bodies(const char *path, const char *folder, struct values *v)
{
	char command[512];
	struct dirent *entry;
	size_t count = 0;
	DIR *d;

	snprintf(command, sizeof(command),
		"tshark -n -q -r '%s' --export-objects 'http,%s/bodies' >/dev/null 2>&1", path,
		folder);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "%s/bodies", folder);
	d = opendir(command);
	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		char name[1024];
		struct buf body = BUF_INIT;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", command, entry->d_name);
		MUST(file_read(name, MIB(1), &body, e));
		digests_add(v, 0, FIELD_HASH, buf_slice(&body));
		buf_fini(&body);
		count++;
	}
	closedir(d);
	assert_true(count > 0);
}

/* ---- what the reader brings ------------------------------------------------------------------ */

/* Ports at which something is looked into; starting tshark takes longer than reading a capture. */
static const char *const ports[] = {"25", "53", "80", "443", "5353", "5355"};

struct reading {
	bool talks;                     /* something goes to one of the ports */
	const struct naive *indicators; /* NULL: only that is wanted */
	struct index_matcher *matcher;
	struct naive_hits found;
};

/* Addresses and mails are told again with every message: their frame does not count. */
static bool by_frame(enum field_kind kind)
{
	return kind != FIELD_ADDRESS && kind != FIELD_EMAIL && kind != FIELD_HASH;
}

static bool on_hit(void *context, const struct batch *b, const struct index_hit *hit)
{
	struct reading *r = context;
	uint64_t frame = b->records[b->fields[hit->field].record].number;
	uint8_t role = b->columns[b->fields[hit->field].column].role;

	/* tshark's mail addresses have no look-up of their domains here, nor servers' names */
	if (role == ROLE_EMAIL_FROM || role == ROLE_EMAIL_TO) {
		if (hit->kind != FIELD_EMAIL)
			return true;
	}
	naive_hits_add(&r->found, by_frame(hit->kind) ? frame : 0,
		naive_find(r->indicators, hit->kind, hit->indicator), hit->how);
	return true;
}

static void ports_look(struct reading *r, const struct batch *b, struct arena *a)
{
	for (size_t i = 0; i < b->records_count && !r->talks; i++) {
		struct event event;

		arena_reset(a);
		assert_true(b->detail(b, i, a, &event));
		for (size_t k = 0; k < COUNT_OF(ports); k++)
			r->talks |= slice_is(event_get(&event, ROLE_SOURCE_PORT), ports[k]) ||
				    slice_is(event_get(&event, ROLE_DESTINATION_PORT), ports[k]);
	}
}

static bool on_batch(void *context, struct batch *b)
{
	struct reading *r = context;

	if (r->indicators == NULL) {
		struct arena *a = arena_new(MIB(1));

		assert_non_null(a);
		ports_look(r, b, a);
		arena_free(a);
		return true;
	}
	return index_match(r->matcher, b, on_hit, r);
}

static void capture_read(const char *path, struct reading *reading)
{
	const struct packet_options options = {
		.roles = event_roles_matched(), .world = world_real()};
	struct packet_reader *r = NULL;
	struct buf file = BUF_INIT;
	static const char room[EVENT_PADDING];
	size_t taken, len;
	enum err_kind kind;
	struct err why;

	buf_append(&file, room, sizeof(room));
	MUST(file_read(path, CAPTURE_MAX, &file, e));
	len = file.len - sizeof(room);
	buf_append(&file, room, sizeof(room));
	MUST(packet_reader_new(&options, (struct batch_sink){on_batch, reading}, &r, e));
	reading->talks |= slice_find_text(buf_slice(&file), SLICE("HTTP/1.")) < file.len;
	kind = packet_feed(r, (struct slice){file.data + sizeof(room), len}, true, &taken, &why);
	assert_true(kind == OK || kind == ERR_PARSE);
	assert_true(packet_end(r));
	assert_true(packet_flush(r));
	packet_reader_free(r);
	buf_fini(&file);
}

/* ---- comparing ------------------------------------------------------------------------------- */

/* Something close that is not there. */
static void near_miss(struct naive *n, enum field_kind kind, const char *text)
{
	char other[1024];
	size_t len = strlen(text);

	if (kind == FIELD_ADDRESS || len < 2 || len + 2 > sizeof(other))
		return;
	snprintf(other, sizeof(other), "%s", text);
	if (kind == FIELD_NAME || kind == FIELD_URL || kind == FIELD_EMAIL)
		other[0] = other[0] == 'q' ? 'k' : 'q';
	else
		other[len - 1] = other[len - 1] == '0' ? '1' : '0';
	if (kind == FIELD_URL && strncmp(text, "http://", 7) != 0)
		return;
	if (kind == FIELD_URL)
		snprintf(other, sizeof(other), "%.1000sq", text);
	naive_add(n, kind, other);
}

static bool is_indicator(enum field_kind kind, const char *text)
{
	if (kind == FIELD_NAME)
		return strchr(text, '.') != NULL && strpbrk(text, " <>\\/:") == NULL &&
		       text[strlen(text) - 1] != '.' && strstr(text, "..") == NULL;
	return kind != FIELD_HOST;
}

static size_t compare(
	const char *path, const char *folder, const struct values *v, size_t kinds[FIELD_KINDS])
{
	struct naive *n = naive_new();
	struct naive_hits expected = {0};
	struct reading r = {.indicators = n};
	struct index *x;
	char index[96];
	size_t hits;

	for (size_t i = 0; i < v->count; i += 2) {
		if (!is_indicator(v->at[i].kind, v->at[i].text))
			continue;
		naive_add(n, v->at[i].kind, v->at[i].text);
		near_miss(n, v->at[i].kind, v->at[i].text);
	}
	if (naive_count(n) == 0) {
		naive_free(n);
		return 0;
	}
	for (size_t i = 0; i < v->count; i++) {
		struct naive_hits one = {0};

		naive_look(n, v->at[i].kind, v->at[i].text, v->at[i].frame, &one);
		for (size_t k = 0; k < one.count; k++) {
			enum field_kind kind = naive_kind(n, one.at[k].indicator);

			if (v->at[i].kind == FIELD_EMAIL && kind != FIELD_EMAIL)
				continue;
			naive_hits_add(&expected, by_frame(kind) ? one.at[k].record : 0,
				one.at[k].indicator, one.at[k].how);
		}
		naive_hits_free(&one);
	}
	snprintf(index, sizeof(index), "%s/index", folder);
	naive_index(n, index);
	MUST(index_open(index, &(struct index_options){0}, &x, e));
	r.matcher = index_matcher_new(x);
	assert_non_null(r.matcher);
	capture_read(path, &r);
	naive_hits_once(&expected);
	naive_hits_once(&r.found);
	naive_compare(n, path, (struct slice){0}, &expected, &r.found);
	hits = r.found.count;
	for (size_t i = 0; i < hits; i++)
		kinds[naive_kind(n, r.found.at[i].indicator)]++;
	index_matcher_free(r.matcher);
	index_close(x);
	naive_hits_free(&expected);
	naive_hits_free(&r.found);
	naive_free(n);
	return hits;
}

static void kinds_print(const char *what, const size_t kinds[FIELD_KINDS])
{
	struct buf text = BUF_INIT;

	for (enum field_kind kind = FIELD_ADDRESS; kind < FIELD_KINDS_STORED; kind++) {
		if (kinds[kind] > 0)
			buf_printf(&text, " %s %zu", field_kind_name(kind), kinds[kind]);
	}
	buf_char(&text, 0);
	print_message("%s, hits as by tshark's fields:%s\n", what, text.data);
	buf_fini(&text);
}

static bool have_tshark(void)
{
	return system("tshark -v >/dev/null 2>&1") == 0;
}

/* ---- captures of our own --------------------------------------------------------------------- */

#define EVENTS 400

static void test_made(void **state)
{
	static size_t ends[WIRE_FRAMES_MAX];
	struct made *events = calloc(EVENTS, sizeof(*events));
	struct naive *n = naive_new();
	struct chance chance = {41};
	struct values v = {0};
	struct wire w;
	struct buf out = BUF_INIT;
	size_t kinds[FIELD_KINDS] = {0};
	char folder[64], path[96];

	(void)state;
	assert_non_null(events);
	if (!have_tshark()) {
		print_message("skipped: no tshark\n");
		free(events);
		naive_free(n);
		skip();
	}
	forms_indicators(n, &chance, 500);
	for (size_t i = 0; i < EVENTS; i++)
		made_make(&events[i], n, &chance, 30, false);
	wire_make(&w, 41, NULL, events, EVENTS);
	scene_folder(folder);
	snprintf(path, sizeof(path), "%s/made.pcap", folder);
	wire_write(&w, WIRE_PCAP, &out, ends);
	scene_put(path, buf_slice(&out));
	tshark_read(path, &v);
	tshark_bodies(path, folder, &v);
	(void)compare(path, folder, &v, kinds);
	kinds_print("captures made here", kinds);
	assert_true(kinds[FIELD_JA3] > 0 && kinds[FIELD_JA3S] > 0 && kinds[FIELD_JA4] > 0);
	assert_true(kinds[FIELD_CERTIFICATE] > 0 && kinds[FIELD_HASH] > 0);
	assert_true(kinds[FIELD_EMAIL] > 0 && kinds[FIELD_URL] > 0 && kinds[FIELD_NAME] > 0);
	values_free(&v);
	buf_fini(&out);
	wire_fini(&w);
	naive_free(n);
	free(events);
	scene_remove(folder);
}

/* ---- real captures --------------------------------------------------------------------------- */

static void test_real(void **state)
{
	const char *root = getenv("SERAI_DATA");
	char captures[512], folder[64];
	size_t kinds[FIELD_KINDS] = {0}, files = 0, hits = 0, talking = 0;
	struct dirent *entry;
	DIR *d;

	(void)state;
	if (root != NULL)
		snprintf(captures, sizeof(captures), "%s/sensor/ot", root);
	else
		snprintf(captures, sizeof(captures), "%s/../shared/data/sensor/ot", SERAI_SOURCE);
	d = opendir(captures);
	if (d == NULL || !have_tshark()) {
		print_message("skipped: no captures or no tshark\n");
		if (d != NULL)
			closedir(d);
		skip();
	}
	scene_folder(folder);
	while ((entry = readdir(d)) != NULL) {
		struct values v = {0};
		char path[1024];
		struct reading first = {.talks = false};
		size_t here;

		snprintf(path, sizeof(path), "%s/%s", captures, entry->d_name);
		if (strstr(entry->d_name, ".pcap") == NULL)
			continue;
		files++;
		capture_read(path, &first);
		if (!first.talks)
			continue;
		tshark_read(path, &v);
		here = compare(path, folder, &v, kinds);
		hits += here;
		talking++;
		values_free(&v);
	}
	closedir(d);
	assert_true(files > 0 && hits > 0);
	kinds_print("real captures", kinds);
	print_message("%zu captures, %zu of them with what is looked into: %zu hits\n", files,
		talking, hits);
	scene_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
