/* SPDX-License-Identifier: MPL-2.0 */
/* The gate: each class held and let through, what lists cover, and lists that are none. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate.h"

static struct world_fake world;

static struct gate *make(void)
{
	struct gate *g;

	world_fake_init(&world, 3, 0);
	g = gate_new(&world.world);
	assert_non_null(g);
	return g;
}

static struct gate_verdict judge(const struct gate *g, enum field_kind kind, enum index_how how,
	const char *indicator, const char *value, int confidence)
{
	const struct gate_case c = {.kind = kind,
		.how = how,
		.indicator = slice_of(indicator),
		.value = slice_of(value == NULL ? indicator : value),
		.confidence = confidence};
	struct gate_verdict v;

	gate_judge(g, &c, &v);
	return v;
}

/* An indicator, and the least confidence that gets it through; 0: nothing speaks against it. */
static const struct {
	enum field_kind kind;
	enum index_how how;
	const char *indicator, *value;
	enum gate_class class;
	unsigned bar;
} cases[] = {
	{FIELD_ADDRESS, INDEX_EXACT,   "10.1.2.3",                                 NULL,                   GATE_SPECIAL,  100},
	{FIELD_ADDRESS, INDEX_EXACT,   "9.255.255.255",                            NULL,                   GATE_CLEAR,    0  },
	{FIELD_ADDRESS, INDEX_EXACT,   "11.0.0.0",                                 NULL,                   GATE_CLEAR,    0  },
	{FIELD_ADDRESS, INDEX_NETWORK, "172.20.0.0/16",                            "172.20.1.1",           GATE_SPECIAL,  100},
	{FIELD_ADDRESS, INDEX_NETWORK, "0.0.0.0/0",                                "8.8.8.8",              GATE_RESOLVER, 90 },
	{FIELD_ADDRESS, INDEX_NETWORK, "8.8.8.0/24",                               "8.8.8.9",              GATE_CLEAR,    0  },
	{FIELD_ADDRESS, INDEX_EXACT,   "fe80::1",                                  NULL,                   GATE_SPECIAL,  100},
	{FIELD_ADDRESS, INDEX_EXACT,   "::1",                                      NULL,                   GATE_SPECIAL,  100},
	{FIELD_ADDRESS, INDEX_EXACT,   "::2",                                      NULL,                   GATE_CLEAR,    0  },
	{FIELD_ADDRESS, INDEX_EXACT,   "198.41.0.4",                               NULL,                   GATE_ROOT,     95 },
	{FIELD_ADDRESS, INDEX_EXACT,   "198.41.0.5",                               NULL,                   GATE_CLEAR,    0  },
	{FIELD_ADDRESS, INDEX_EXACT,   "2001:7FE:0::53",                           NULL,                   GATE_ROOT,     95 },
	{FIELD_ADDRESS, INDEX_EXACT,   "8.8.8.8",                                  NULL,                   GATE_RESOLVER, 90 },
	{FIELD_ADDRESS, INDEX_EXACT,   "2620:fe::fe",                              NULL,                   GATE_RESOLVER, 90 },
	{FIELD_ADDRESS, INDEX_EXACT,   "::ffff:8.8.8.8",                           NULL,                   GATE_RESOLVER, 90 },
	{FIELD_ADDRESS, INDEX_EXACT,   "not an address",                           NULL,                   GATE_CLEAR,    0  },
	/* both sides of what is too wide to be somebody's */
	{FIELD_ADDRESS, INDEX_NETWORK, "45.0.0.0/16",                              "45.0.1.1",             GATE_WIDE,     60 },
	{FIELD_ADDRESS, INDEX_NETWORK, "45.0.0.0/17",                              "45.0.1.1",             GATE_CLEAR,    0  },
	{FIELD_ADDRESS, INDEX_NETWORK, "2a00:1::/32",                              "2a00:1::1",            GATE_WIDE,     60 },
	{FIELD_ADDRESS, INDEX_NETWORK, "2a00:1::/33",                              "2a00:1::1",            GATE_CLEAR,    0  },
	{FIELD_NAME,    INDEX_EXACT,   "printer.local",                            NULL,                   GATE_SPECIAL,  100},
	{FIELD_NAME,    INDEX_EXACT,   "localhost",                                NULL,                   GATE_SPECIAL,  100},
	{FIELD_NAME,    INDEX_EXACT,   "notlocal.example",                         NULL,                   GATE_CLEAR,    0  },
	{FIELD_NAME,    INDEX_EXACT,   "A.ROOT-SERVERS.NET.",                      NULL,                   GATE_ROOT,     95 },
	{FIELD_NAME,    INDEX_PARENT,  "nic.de",                                   "whois.nic.de",         GATE_ROOT,     95 },
	{FIELD_NAME,    INDEX_EXACT,   "ns1.nic.fr",                               NULL,                   GATE_ROOT,     95 },
	{FIELD_NAME,    INDEX_EXACT,   "nic.example.org",                          NULL,                   GATE_CLEAR,    0  },
	{FIELD_NAME,    INDEX_EXACT,   "panic.de",                                 NULL,                   GATE_CLEAR,    0  },
	{FIELD_NAME,    INDEX_EXACT,   "co.uk",                                    NULL,                   GATE_SUFFIX,   90 },
	{FIELD_NAME,    INDEX_PARENT,  "co.uk",                                    "some.co.uk",           GATE_SUFFIX,   95 },
	{FIELD_NAME,    INDEX_EXACT,   "some-thing-else.co.uk",                    NULL,                   GATE_CLEAR,    0  },
	{FIELD_NAME,    INDEX_EXACT,   "github.io",                                NULL,                   GATE_SHARED,   75 },
	{FIELD_NAME,    INDEX_PARENT,  "github.io",                                "somebody.github.io",   GATE_SHARED,   85 },
	{FIELD_NAME,    INDEX_EXACT,   "somebody.github.io",                       NULL,                   GATE_CLEAR,    0  },
	{FIELD_NAME,    INDEX_EXACT,   "dns.google",                               NULL,                   GATE_RESOLVER, 90 },
	{FIELD_NAME,    INDEX_PARENT,  "windowsupdate.com",                        "au.windowsupdate.com", GATE_UPDATE,   90 },
	{FIELD_NAME,    INDEX_EXACT,   "download.windowsupdate.com",               NULL,                   GATE_UPDATE,   85 },
	{FIELD_NAME,    INDEX_EXACT,   "shodan.io",                                NULL,                   GATE_TOP,      80 },
	{FIELD_NAME,    INDEX_PARENT,  "shodan.io",                                "www.shodan.io",        GATE_TOP,      90 },
	{FIELD_NAME,    INDEX_EXACT,   "deeper.shodan.io",                         NULL,                   GATE_CLEAR,    0  },
	{FIELD_URL,     INDEX_EXACT,   "http://shodan.io/",                        NULL,                   GATE_TOP,      80 },
	{FIELD_URL,     INDEX_PREFIX,  "shodan.io",                                "shodan.io/x",          GATE_TOP,      90 },
	{FIELD_URL,     INDEX_EXACT,   "https://shodan.io:8443",                   NULL,                   GATE_TOP,      80 },
	{FIELD_URL,     INDEX_EXACT,   "http://shodan.io/payload.bin",             NULL,                   GATE_CLEAR,    0  },
	{FIELD_URL,     INDEX_EXACT,   "http://8.8.8.8/",                          NULL,                   GATE_RESOLVER, 90 },
	{FIELD_URL,     INDEX_EXACT,   "http://8.8.8.8:81/",                       NULL,                   GATE_RESOLVER, 90 },
	{FIELD_URL,     INDEX_EXACT,   "http://[2620:fe::fe]/",                    NULL,                   GATE_RESOLVER, 90 },
	{FIELD_URL,     INDEX_EXACT,   "http://[2620:fe::fe]:80/",                 NULL,                   GATE_RESOLVER, 90 },
	{FIELD_URL,     INDEX_EXACT,   "",					 NULL,                   GATE_CLEAR,    0  },
	{FIELD_EMAIL,   INDEX_EXACT,   "somebody@gmail.com",                       NULL,                   GATE_CLEAR,    0  },
	{FIELD_EMAIL,   INDEX_EXACT,   "root@printer.local",                       NULL,                   GATE_SPECIAL,  100},
	{FIELD_HASH,    INDEX_EXACT,   "D41D8CD98F00B204E9800998ECF8427E",         NULL,                   GATE_SPECIAL,  100},
	{FIELD_HASH,    INDEX_EXACT,
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",       NULL,
         GATE_SPECIAL,												    100},
	{FIELD_HASH,    INDEX_EXACT,   "da39a3ee5e6b4b0d3255bfef95601890afd80709", NULL,                   GATE_SPECIAL,
         100														 },
	{FIELD_HASH,    INDEX_EXACT,   "d41d8cd98f00b204e9800998ecf8427f",         NULL,                   GATE_CLEAR,    0  },
};

static void test_cases(void **state)
{
	struct gate *g = make();

	(void)state;
	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		int bar = (int)cases[k].bar;
		struct gate_verdict v = judge(
			g, cases[k].kind, cases[k].how, cases[k].indicator, cases[k].value, bar);

		if (v.class != cases[k].class || v.bar != cases[k].bar)
			fail_msg("\"%s\": %s, bar %u: %s", cases[k].indicator,
				gate_class_name(v.class), v.bar, v.reason);
		assert_false(v.held);
		assert_int_equal(v.weight, bar);
		assert_true((v.reason[0] == 0) == (v.class == GATE_CLEAR));
		v = judge(g, cases[k].kind, cases[k].how, cases[k].indicator, cases[k].value, 100);
		assert_false(v.held); /* who is certain gets through */
		if (bar == 0)
			continue;
		v = judge(g, cases[k].kind, cases[k].how, cases[k].indicator, cases[k].value,
			bar - 1);
		assert_true(v.held);
		v = judge(g, cases[k].kind, cases[k].how, cases[k].indicator, cases[k].value, -1);
		assert_true(v.held);
		assert_int_equal(v.weight, 50);
	}
	gate_free(g);
}

static void test_reason(void **state)
{
	struct gate *g = make();
	struct gate_verdict v = judge(g, FIELD_ADDRESS, INDEX_EXACT, "8.8.8.8", NULL, 50);

	(void)state;
	assert_string_equal(v.reason, "8.8.8.8 is a public resolver (Google)");
	for (int class = 0; class < GATE_CLASSES; class ++)
		assert_string_not_equal(gate_class_name((enum gate_class) class), "?");
	assert_string_equal(gate_class_name(GATE_CLASSES), "?");
	gate_free(g);
	gate_free(NULL);
}

static void test_prevalent(void **state)
{
	struct gate *g = make();
	struct gate_case c = {.kind = FIELD_NAME,
		.indicator = SLICE("intranet.example.org"),
		.value = SLICE("intranet.example.org"),
		.confidence = 79,
		.prevalent_days = PREVALENCE_DAYS_MIN - 1};
	struct gate_verdict v;

	(void)state;
	gate_judge(g, &c, &v);
	assert_int_equal(v.class, GATE_CLEAR);
	assert_false(v.held);
	c.prevalent_days = PREVALENCE_DAYS_MIN;
	gate_judge(g, &c, &v);
	assert_int_equal(v.class, GATE_PREVALENT);
	assert_true(v.held);
	c.confidence = 80;
	gate_judge(g, &c, &v);
	assert_false(v.held);
	/* a higher bar stays */
	c.indicator = c.value = SLICE("printer.local");
	gate_judge(g, &c, &v);
	assert_int_equal(v.class, GATE_SPECIAL);
	gate_free(g);
}

/* ---- lists ---------------------------------------------------------------------------------- */

static enum err_kind list_read(struct gate *g, struct slice text, size_t *ret_values, struct err *e)
{
	char path[] = "/tmp/serai-gate-XXXXXX";
	int fd = mkstemp(path);
	enum err_kind kind;

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(file_write_atomic(path, text, 0600, e), OK);
	kind = gate_list_read(g, path, ret_values, e);
	unlink(path);
	return kind;
}

static void held(const struct gate *g, enum field_kind kind, const char *indicator, bool expected)
{
	struct gate_verdict v = judge(g, kind, INDEX_EXACT, indicator, NULL, 79);

	if (v.held != expected || (expected && v.class != GATE_LISTED))
		fail_msg("\"%s\": %s", indicator, v.reason);
}

/* An address in a published network: held when its producer is less than half sure. */
static void ranged(const struct gate *g, const char *indicator)
{
	struct gate_verdict v = judge(g, FIELD_ADDRESS, INDEX_EXACT, indicator, NULL, 49);

	assert_true(v.held && v.class == GATE_RANGE);
	assert_false(judge(g, FIELD_ADDRESS, INDEX_EXACT, indicator, NULL, -1).held);
}

/* A list's name covers what its owner has below it, not what others publish there. */
static void test_published_below(void **state)
{
	struct gate *g = make();
	size_t values;
	struct err e;

	(void)state;
	assert_int_equal(list_read(g,
				 SLICE("{\"name\":\"hosts\",\"type\":\"hostname\",\"list\":"
				       "[\"blogspot.com\",\"amazonaws.com\",\"github.io\",\"shop.example\"]}"),
				 &values, &e),
		OK);
	held(g, FIELD_NAME, "www.shop.example", true);
	held(g, FIELD_NAME, "somebody.blogspot.com", false);
	held(g, FIELD_NAME, "somebody.github.io", false);
	held(g, FIELD_NAME, "www.somebody.blogspot.com", false);
	held(g, FIELD_NAME, "bucket.s3.amazonaws.com", false);
	gate_free(g);
}

static void test_warninglists(void **state)
{
	static const char *const lists[] = {
		"{\"name\":\"hosts\",\"type\":\"hostname\",\"list\":[\"covered.example\",7,\"\","
		"\".dotted.example\"]}",
		"{\"type\":\"string\",\"name\":\"texts\",\"list\":[\"only.example\","
		"\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]}",
		"\n{\"list\":[\"203.0.113.0/24\",\"2001:db8:5::/48\",\"192.0.2.9\"],"
		"\"type\":\"cidr\",\"name\":\"networks\"}",
		"{\"list\":[\".part.example\"],\"type\":\"substring\",\"name\":\"parts\"}",
		"{\"list\":[\"/x[0-9]+/i\"],\"type\":\"regex\",\"name\":\"expressions\"}",
		"{\"list\":[]}",
	};
	static const size_t values[] = {2, 2, 3, 1, 1, 0};
	struct gate *g = make();
	struct err e;

	(void)state;
	for (size_t k = 0; k < COUNT_OF(lists); k++) {
		size_t got = 99;

		assert_int_equal(list_read(g, slice_of(lists[k]), &got, &e), OK);
		assert_int_equal(got, values[k]);
	}
	held(g, FIELD_NAME, "covered.example", true);
	held(g, FIELD_NAME, "deep.below.covered.example", true);
	held(g, FIELD_NAME, "uncovered.example", false);
	held(g, FIELD_NAME, "x.dotted.example", true);
	held(g, FIELD_NAME, "only.example", true);
	held(g, FIELD_NAME, "not.only.example", false);
	held(g, FIELD_HASH, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true);
	/* a published network is noise itself, an address in it is who has it now */
	held(g, FIELD_ADDRESS, "203.0.113.0/24", true);
	ranged(g, "203.0.113.200");
	held(g, FIELD_ADDRESS, "203.0.114.0", false);
	held(g, FIELD_ADDRESS, "192.0.2.9", true);
	held(g, FIELD_ADDRESS, "192.0.2.8", false);
	ranged(g, "2001:db8:5:ffff::1");
	held(g, FIELD_ADDRESS, "2001:db8:6::", false);
	assert_string_equal(judge(g, FIELD_NAME, INDEX_EXACT, "only.example", NULL, 1).reason,
		"only.example is texts");
	gate_free(g);
}

static void test_lines(void **state)
{
	struct gate *g = make();
	size_t values;
	struct err e;

	(void)state;
	assert_int_equal(
		list_read(g,
			SLICE("# ours\r\n\nours.example  # the shop\r\n.all.example\n"
			      "203.0.113.0/25\nffffffffffffffffffffffffffffffff\nlast.example"),
			&values, &e),
		OK);
	assert_int_equal(values, 5);
	held(g, FIELD_NAME, "ours.example", true);
	held(g, FIELD_NAME, "www.ours.example", false);
	held(g, FIELD_NAME, "www.all.example", true);
	held(g, FIELD_NAME, "last.example", true);
	held(g, FIELD_ADDRESS, "203.0.113.127", true);
	held(g, FIELD_ADDRESS, "203.0.113.128", false);
	held(g, FIELD_HASH, "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", true);
	/* what is built in says more and stays */
	assert_int_equal(list_read(g, SLICE("8.8.8.8\n"), &values, &e), OK);
	assert_int_equal(
		judge(g, FIELD_ADDRESS, INDEX_EXACT, "8.8.8.8", NULL, 1).class, GATE_RESOLVER);
	assert_int_equal(list_read(g, SLICE(""), &values, &e), OK);
	assert_int_equal(values, 0);
	gate_free(g);
}

static void test_refused(void **state)
{
	static const struct {
		struct slice text;
		enum err_kind kind;
		const char *says;
	} bad[] = {
		{{"a.example\nb\tc\n", 15},       ERR_INVALID, "line 2"          },
		{{"a.example\n\n\xff\xfe\n", 14}, ERR_INVALID, "line 3"          },
		{{"{\"list\":[\"a\"", 12},        ERR_PARSE,   "noise list"      },
		{{"{\"list\":\"a\"}", 12},        ERR_INVALID, "without an array"},
		{{"{\"lists\":[]}", 12},          ERR_INVALID, "without an array"},
	};
	struct gate *g = make();
	struct err e;

	(void)state;
	for (size_t k = 0; k < COUNT_OF(bad); k++) {
		size_t values = 99;

		assert_int_equal(list_read(g, bad[k].text, &values, &e), bad[k].kind);
		assert_non_null(strstr(e.text, bad[k].says));
		assert_int_equal(values, 99);
	}
	assert_int_not_equal(gate_list_read(g, "/nowhere/at/all", &(size_t){0}, &e), OK);
	gate_free(g);
}

/* Both sides of SENSOR_NOISE_MAX: the built-in values count too. */
static void test_limit(void **state)
{
	struct gate *g = make();
	struct buf text = BUF_INIT;
	size_t values;
	struct err e;

	(void)state;
	for (unsigned i = 0; i < SENSOR_NOISE_MAX - 2000; i++)
		buf_printf(&text, "v%x\n", i);
	assert_int_equal(list_read(g, buf_slice(&text), &values, &e), OK);
	assert_int_equal(values, SENSOR_NOISE_MAX - 2000);
	buf_clear(&text);
	for (unsigned i = 0; i < 2000; i++)
		buf_printf(&text, "w%x\n", i);
	assert_int_equal(list_read(g, buf_slice(&text), &values, &e), ERR_LIMIT);
	assert_non_null(strstr(e.text, "2000000"));
	buf_fini(&text);
	gate_free(g);
}

/* MISP's own lists, all of them: a format that we misread would show here. */
static void test_misp(void **state)
{
	const char *data = getenv("SERAI_DATA");
	char folder[400], path[800];
	struct gate *g = make();
	struct dirent *entry;
	size_t lists = 0, all = 0;
	DIR *d;

	(void)state;
	snprintf(folder, sizeof(folder), "%s/guard/misp-warninglists",
		data != NULL ? data : SOURCE_ROOT "/../shared/data");
	d = opendir(folder);
	if (d == NULL) {
		gate_free(g);
		skip();
	}
	while ((entry = readdir(d)) != NULL) {
		struct input *in;
		struct buf text = BUF_MAX(MIB(64));
		size_t values = 0, got = 1;
		struct err e;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/list.json.gz", folder, entry->d_name);
		if (input_open(path, &in, &e) != OK) {
			snprintf(path, sizeof(path), "%s/%s/list.json", folder, entry->d_name);
			if (input_open(path, &in, &e) != OK)
				continue;
		}
		while (got > 0) {
			char *to = buf_reserve(&text, KIB(64));

			assert_non_null(to);
			assert_int_equal(input_read(in, to, KIB(64), &got, &e), OK);
			text.len += got;
		}
		input_free(in);
		/* The largest are left out to keep this test short; they have the same form. */
		if (text.len < MIB(1)) {
			if (list_read(g, buf_slice(&text), &values, &e) != OK)
				fail_msg("%s: %s", path, e.text);
			lists++;
			all += values;
		}
		buf_fini(&text);
	}
	closedir(d);
	gate_free(g);
	assert_true(lists > 20);
	assert_true(all > 1000);
	print_message("%zu lists, %zu values\n", lists, all);
}

/* Its values are the feed; the gate has other producers' lists of what is visited most. */
static const char *const popular[] = {
	"tranco10k", "cisco_top20k", "cloudflare-top10k", "majestic_million", "alexa"};
/* What a feed may rightly name, near to what lists hold: customers, pages, one mailbox. */
static const struct {
	enum field_kind kind;
	const char *indicator;
} true_hits[] = {
	{FIELD_NAME,    "k7xq2.duckdns.org"                             },
	{FIELD_NAME,    "bucket-7f31.s3.amazonaws.com"                  },
	{FIELD_NAME,    "login-verify-4.github.io"                      },
	{FIELD_NAME,    "x91qz.blogspot.com"                            },
	{FIELD_NAME,    "portal-77ab.azurewebsites.net"                 },
	{FIELD_NAME,    "update-check.secure-cdn.example"               },
	{FIELD_ADDRESS, "203.0.113.66"                                  },
	{FIELD_ADDRESS, "52.95.110.77"                                  },
	{FIELD_ADDRESS, "185.220.101.0/24"                              },
	{FIELD_URL,     "https://raw.githubusercontent.com/q8z/w/a.ps1" },
	{FIELD_URL,     "http://bit.ly/3qZz7Ev"                         },
	{FIELD_EMAIL,   "invoice.7731@gmail.com"                        },
	{FIELD_JA3,     "6734f37431670b3ab4292b8f60f29984"              },
};

static bool misp_path(const char *list, char ret_path[800])
{
	const char *data = getenv("SERAI_DATA");

	snprintf(ret_path, 800, "%s/guard/misp-warninglists/%s/list.json.gz",
		data != NULL ? data : SOURCE_ROOT "/../shared/data", list);
	return access(ret_path, R_OK) == 0;
}

/* Moz's 500 are no list of the gate's: at least 95 % must be held by what others know. */
static void test_left_out(void **state)
{
	struct gate *g = make();
	struct json_parser *parser = json_parser_new(MIB(4));
	struct input *in = NULL;
	struct buf text = BUF_MAX(MIB(4));
	struct json_doc doc;
	struct json_value list, value;
	char path[800];
	size_t all = 0, kept_back = 0, got = 1;
	struct err e;

	(void)state;
	if (!misp_path("moz-top500", path)) {
		gate_free(g);
		json_parser_free(parser);
		skip();
	}
	assert_int_equal(input_open(path, &in, &e), OK);
	for (; got > 0; text.len += got)
		assert_int_equal(
			input_read(in, buf_reserve(&text, KIB(64)), KIB(64), &got, &e), OK);
	input_free(in);
	assert_int_equal(json_parse(parser, buf_slice(&text), &doc, &e), OK);
	for (size_t k = 0; k < COUNT_OF(popular); k++) {
		assert_true(misp_path(popular[k], path));
		assert_int_equal(gate_list_read(g, path, &got, &e), OK);
	}
	/* clouds' networks too: an address in them is a customer's */
	assert_true(misp_path("amazon-aws", path));
	assert_int_equal(gate_list_read(g, path, &got, &e), OK);
	assert_true(json_get(json_root(&doc), "list", &list));
	for (struct json_iter it = json_iter(list); json_array_next(&it, &value); all++) {
		struct gate_case c = {.kind = FIELD_NAME,
			.how = INDEX_EXACT,
			.indicator = json_string(value),
			.value = json_string(value),
			.confidence = -1};
		struct gate_verdict v;

		gate_judge(g, &c, &v);
		kept_back += v.held;
	}
	for (size_t k = 0; k < COUNT_OF(true_hits); k++) {
		struct gate_verdict v = judge(
			g, true_hits[k].kind, INDEX_EXACT, true_hits[k].indicator, NULL, -1);

		if (v.held)
			fail_msg("\"%s\" was lost: %s", true_hits[k].indicator, v.reason);
	}
	print_message("%zu of %zu held, %zu true hits let through\n", kept_back, all,
		COUNT_OF(true_hits));
	assert_int_equal(all, 500);
	assert_true(100 * kept_back >= 95 * all);
	buf_fini(&text);
	json_parser_free(parser);
	gate_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_reason),
		cmocka_unit_test(test_prevalent),
		cmocka_unit_test(test_warninglists),
		cmocka_unit_test(test_published_below),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_misp),
		cmocka_unit_test(test_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
