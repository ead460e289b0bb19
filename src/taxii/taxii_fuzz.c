/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Requests through the table of routes, over a store in a temporary folder:
 *
 *   line 1  method, blank, target ("GET /api/collections/a/objects/?limit=3")
 *   line 2  account: r reader, w writer, a administrator, anything else nobody
 *   line 3  Accept
 *   line 4  Content-Type
 *   line 5  If-None-Match
 *   rest    body; from a file when line 2 has a second character
 *
 * Whatever comes, the answer is one that TAXII knows, and its body is JSON.
 */
#include <stdlib.h>

#include "planted.h"
#include "taxii_testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RUNS_MAX 3000 /* until the store is made anew: it grows with what is posted */

static struct testing *store_of_fuzzing(bool anew)
{
	static struct testing t;
	static bool is_open;
	int64_t a;

	if (is_open && anew)
		testing_close(&t);
	if (!is_open || anew) {
		testing_open(&t, NULL);
		a = testing_collection(&t, "a", STIX_TLP_AMBER, false);
		testing_collection(&t, "open", STIX_TLP_GREEN, true);
		testing_account(&t, "reader", STORE_READER);
		testing_account(&t, "writer", STORE_CONTRIBUTOR);
		testing_account(&t, "admin", STORE_ADMINISTRATOR);
		testing_right(&t, "reader", a, STORE_MAY_READ);
		testing_right(&t, "writer", a, STORE_MAY_READ | STORE_MAY_WRITE);
		testing_fill(&t, a, 0, 20, false);
	}
	is_open = true;
	return &t;
}

static void store_close_at_exit(void)
{
	testing_close(store_of_fuzzing(false));
}

/* A line as text; NULL when it is empty. Lives in `a`. */
static const char *line_text(struct slice *rest, struct arena *a)
{
	struct slice line = {0};

	slice_next(rest, '\n', &line);
	return line.len == 0 ? NULL : arena_string(a, line);
}

static bool is_known(unsigned status)
{
	static const unsigned known[] = {200, 202, 304, 400, 401, 403, 404, 406, 413, 415, 422};

	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (known[i] == status)
			return true;
	}
	return false;
}

static const char *account_of(const char *letter)
{
	if (letter == NULL)
		return NULL;
	return letter[0] == 'r'   ? "reader"
	       : letter[0] == 'w' ? "writer"
	       : letter[0] == 'a' ? "admin"
				  : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned runs;
	struct slice rest = {(const char *)data, size}, line = {0}, method;
	struct arena *a = arena_new(MIB(4));
	struct asked asked = {.method = HTTP_OTHER};
	struct testing *t;
	const char *letter;
	unsigned status;

	if (runs == 0)
		atexit(store_close_at_exit);
	t = store_of_fuzzing(++runs % RUNS_MAX == 0);
	if (a == NULL)
		abort();
	slice_next(&rest, '\n', &line);
	method = slice_cut(line, 0, slice_find(line, ' ', 0));
	if (slice_is(method, "GET"))
		asked.method = HTTP_GET;
	else if (slice_is(method, "POST"))
		asked.method = HTTP_POST;
	else if (slice_is(method, "DELETE"))
		asked.method = HTTP_DELETE;
	asked.target = arena_string(a, slice_cut(line, method.len + 1, line.len));
	letter = line_text(&rest, a);
	asked.as = account_of(letter);
	asked.accept = line_text(&rest, a);
	asked.content_type = line_text(&rest, a);
	asked.etag = line_text(&rest, a);
	asked.body = rest;
	asked.body_in_file =
		letter != NULL && letter[0] != '\0' && letter[1] != '\0' && rest.len > 0;
	status = testing_ask(t, &asked);
	if (!is_known(status))
		abort();
	if (t->body.len > 0)
		(void)testing_json(t); /* ends the program when it is none */
	if (status >= 400 && testing_member(t, "http_status").len != 3)
		abort();
	if (status == 200 && asked.method == HTTP_GET &&
		testing_header(t, "X-TAXII-Date-Added-First").len !=
			testing_header(t, "X-TAXII-Date-Added-Last").len)
		abort();
	PLANTED(status == 200 && asked.method == HTTP_GET && asked.etag != NULL &&
		t->body.len > 1000 && testing_member(t, "next").len > 0);
	arena_free(a);
	return 0;
}
