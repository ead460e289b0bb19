/* SPDX-License-Identifier: MPL-2.0 */
/* Mapping files: what is taken, and what is refused with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lines.h"

static struct logs_mapping *parse(const char *text)
{
	struct logs_mapping *m = NULL;
	struct err e = {0};

	if (logs_mapping_parse(slice_of(text), "m", &m, &e) != OK)
		fail_msg("%s", e.text);
	return m;
}

static void taken(void **state)
{
	struct logs_mapping *m = parse("\xef\xbb\xbf# a site's own\r\n"
				       "\r\n"
				       "source_ip = source.address\r\n"
				       "  a.b.c =dns.query\n"
				       "\"the = \"\"name\"\" \" = host\n"
				       "payload = message free\n"
				       "md5 = file.hash\n"
				       "sig = tls.certificate_name name\n"
				       "id = -\n"
				       "\"time\" = user\n"
				       "time = ts %d.%m.%Y %H:%M:%S\n"
				       "time = \"day of it\"\n"
				       "delimiter = tab");
	enum event_role role;
	enum field_kind kind;

	(void)state;
	assert_true(logs_mapping_role(m, SLICE("source_ip"), &role, &kind));
	assert_int_equal(role, ROLE_SOURCE_ADDRESS);
	assert_int_equal(kind, FIELD_ADDRESS);
	assert_true(logs_mapping_role(m, SLICE("a.b.c"), &role, &kind));
	assert_int_equal(role, ROLE_QUERY);
	assert_true(logs_mapping_role(m, SLICE("the = \"name\" "), &role, &kind));
	assert_int_equal(role, ROLE_HOST);
	assert_true(logs_mapping_role(m, SLICE("payload"), &role, &kind));
	assert_int_equal(kind, FIELD_FREE);
	assert_true(logs_mapping_role(m, SLICE("sig"), &role, &kind));
	assert_int_equal(role, ROLE_CERTIFICATE_NAME);
	assert_int_equal(kind, FIELD_NAME);
	assert_true(logs_mapping_role(m, SLICE("id"), &role, &kind));
	assert_int_equal(role, ROLE_NONE);
	assert_true(logs_mapping_role(m, SLICE("time"), &role, &kind));
	assert_int_equal(role, ROLE_USER);
	assert_false(logs_mapping_role(m, SLICE("SOURCE_IP"), &role, &kind));
	assert_false(logs_mapping_role(m, SLICE("ts"), &role, &kind));
	assert_false(logs_mapping_role(m, SLICE(""), &role, &kind));
	assert_true(logs_mapping_is_time(m, SLICE("ts")));
	assert_true(logs_mapping_is_time(m, SLICE("day of it")));
	assert_false(logs_mapping_is_time(m, SLICE("id")));
	assert_int_equal(logs_mapping_delimiter(m), '\t');
	assert_int_equal(logs_mapping_time(m, SLICE("23.11.2026 06:18:00"), NULL),
		INT64_C(1795414680000000));
	assert_int_equal(logs_mapping_time(m, SLICE("1795414680"), NULL), TIME_UNKNOWN);
	logs_mapping_free(m);
}

static void nothing(void **state)
{
	struct logs_mapping *m = parse("# only a remark\n");
	enum event_role role;
	enum field_kind kind;

	(void)state;
	assert_false(logs_mapping_role(m, SLICE("a"), &role, &kind));
	assert_false(logs_mapping_is_time(m, SLICE("a")));
	assert_int_equal(logs_mapping_delimiter(m), 0);
	logs_mapping_free(m);
	/* and without a mapping */
	assert_false(logs_mapping_role(NULL, SLICE("a"), &role, &kind));
	assert_false(logs_mapping_is_time(NULL, SLICE("a")));
	assert_int_equal(logs_mapping_delimiter(NULL), 0);
	assert_int_equal(
		logs_mapping_time(NULL, SLICE("1795414680"), NULL), INT64_C(1795414680000000));
	logs_mapping_free(NULL);
}

static void refused(void **state)
{
	static const struct {
		const char *text, *says;
		enum err_kind kind;
	} cases[] = {
		{"a\n",						"line 1: expected name = role in \"a\"",      ERR_PARSE   },
		{"\na =\n",					    "line 2: nothing behind the = of \"a\"",      ERR_PARSE   },
		{" = host\n",					  "line 1: not a column's name",                ERR_PARSE   },
		{"a = no.such\n",				      "line 1: there is no role \"no.such\"",       ERR_PARSE   },
		{"a = host nokind\n",                                  "line 1: there is no kind \"nokind\"",        ERR_PARSE   },
		{"a = host name more\n",                               "line 1: too many words: \"more\"",           ERR_PARSE   },
		{"\"a = host\n",				       "line 1: a quote is not closed",              ERR_PARSE   },
		{"\"\" = host\n",				      "line 1: not a column's name",                ERR_PARSE   },
		{"\"\xff\" = host\n",                                  "line 1: not a column's name",                ERR_PARSE   },
		{"a = host\na = url\n",                                "column \"a\" stands twice",                  ERR_CONFLICT},
		{"time = t nonsense\n",                                "line 1: not a format of time: \"nonsense\"", ERR_PARSE   },
		{"time = t epoch\ntime = u epoch-ms\n",                "line 2: a second format of time",
                 ERR_PARSE												       },
		{"time = a\ntime = b\ntime = c\ntime = d\ntime = e\n",
                 "line 5: too many columns of time",								 ERR_PARSE   },
		{"time = \"t\n",				       "line 1: a quote is not closed",              ERR_PARSE   },
		{"time = \"\"\n",				      "line 1: no column in",                       ERR_PARSE   },
		{"delimiter = ab\n",                                   "line 1: not a delimiter: \"ab\"",            ERR_PARSE   },
		{"delimiter = \"\n",                                   "line 1: not a delimiter",                    ERR_PARSE   },
		{"delimiter = 1\n",				    "line 1: not a delimiter",                    ERR_PARSE   },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct logs_mapping *m = NULL;
		struct err e = {0};

		assert_int_equal(
			logs_mapping_parse(slice_of(cases[i].text), "m", &m, &e), cases[i].kind);
		assert_null(m);
		if (strstr(e.text, cases[i].says) == NULL)
			fail_msg("%s", e.text);
	}
}

static void limits(void **state)
{
	struct buf text = BUF_INIT;
	struct logs_mapping *m = NULL;
	struct err e = {0};

	(void)state;
	for (int i = 0; i < COLUMNS_MAX; i++)
		buf_printf(&text, "c%d = host\n", i);
	assert_int_equal(logs_mapping_parse(buf_slice(&text), "m", &m, &e), OK);
	logs_mapping_free(m);
	m = NULL;
	buf_text(&text, "one more = host\n");
	assert_int_equal(logs_mapping_parse(buf_slice(&text), "m", &m, &e), ERR_PARSE);
	assert_non_null(strstr(e.text, "too many columns"));
	/* a name as long as it may be, and longer */
	for (size_t len = 1024; len <= 1025; len++) {
		buf_clear(&text);
		for (size_t i = 0; i < len; i++)
			buf_char(&text, 'n');
		buf_text(&text, " = host\n");
		assert_int_equal(logs_mapping_parse(buf_slice(&text), "m", &m, &e),
			len == 1024 ? OK : ERR_PARSE);
		if (len == 1024)
			logs_mapping_free(m);
		m = NULL;
	}
	/* 256 KiB in all */
	buf_clear(&text);
	while (text.len < KIB(256))
		buf_text(&text, "#\n");
	assert_int_equal(logs_mapping_parse(buf_slice(&text), "m", &m, &e), OK);
	logs_mapping_free(m);
	m = NULL;
	buf_char(&text, '\n');
	assert_int_equal(logs_mapping_parse(buf_slice(&text), "m", &m, &e), ERR_LIMIT);
	buf_fini(&text);
}

static void read_file(void **state)
{
	struct logs_mapping *m = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(logs_mapping_read("/nowhere/at/all", &m, &e), ERR_IO);
	assert_null(m);
	assert_int_equal(logs_mapping_read("/dev/null", &m, &e), OK);
	logs_mapping_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken),
		cmocka_unit_test(nothing),
		cmocka_unit_test(refused),
		cmocka_unit_test(limits),
		cmocka_unit_test(read_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
