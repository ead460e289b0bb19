/* SPDX-License-Identifier: MPL-2.0 */
/* One member's node over HTTPS: its key as the charter pins it, ours as its client certificate. */
#include <stdlib.h>

#include "parts.h"

#define CALL_SECONDS 120 /* for one request: 8 MiB on a slow line */

struct way {
	struct http_client *client;
	struct http_ear *ear;
	char address[512];
};

static const struct {
	unsigned status;
	enum err_kind kind;
} kinds[] = {
	{400, ERR_PARSE  },
	{403, ERR_DENIED },
	{413, ERR_LIMIT  },
	{422, ERR_INVALID},
	{429, ERR_BUSY   },
	{503, ERR_BUSY   },
};

static enum err_kind kind_of(unsigned status)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (kinds[i].status == status)
			return kinds[i].kind;
	}
	return ERR_IO;
}

enum err_kind way_open(
	struct seat *s, const struct charter_member *m, struct way **ret_way, struct err *e)
{
	const struct node_config *c = &s->node->config;
	struct way *w = calloc(1, sizeof(*w));
	struct buf pin = BUF_INIT;
	bool certificate = c->certificate[0] == '/' && c->key[0] == '/';
	enum err_kind kind = OK;

	if (w == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (m->address.len == 0 || m->address.len >= sizeof(w->address))
		kind = err_set(e, ERR_USAGE, "\"%s\" has no address: it is reached by files only",
			m->name);
	else
		memcpy(w->address, m->address.data, m->address.len);
	buf_text(&pin, "sha256//");
	base64_append(&pin, m->pin, sizeof(m->pin));
	buf_char(&pin, '\0');
	if (kind == OK && pin.bad)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	if (kind == OK) {
		const struct http_client_config config = {
			.pin = pin.data,
			.certificate_file = certificate ? c->certificate : NULL,
			.key_file = certificate ? c->key : NULL,
			.total_seconds = CALL_SECONDS,
			.tls_1_3 = true,
		};
		char url[640];

		snprintf(url, sizeof(url), "%s" EVENTS_PATH, w->address);
		kind = http_client_new(&config, &w->client, e);
		if (kind == OK)
			kind = http_ear_new(&config, url, &w->ear, e);
	}
	buf_fini(&pin);
	if (kind != OK) {
		way_free(w);
		return kind;
	}
	*ret_way = w;
	return OK;
}

void way_free(struct way *w)
{
	if (w == NULL)
		return;
	http_client_free(w->client);
	http_ear_free(w->ear);
	free(w);
}

static enum err_kind way_call(void *context, enum coalition_ask ask, struct slice request,
	struct buf *ret_answer, struct err *e)
{
	struct way *w = context;
	struct http_answer answer;
	char url[640];
	bool again;
	struct slice text;
	enum err_kind kind;

	snprintf(url, sizeof(url), "%s/coalition/v1/%s", w->address, coalition_ask_name(ask));
	kind = http_client_call(w->client,
		&(struct http_call){
			.method = HTTP_POST,
			.url = url,
			.accept = "application/octet-stream",
			.content_type = "application/octet-stream",
			.body = request,
			.body_max = COALITION_ANSWER_MAX + KIB(64),
		},
		&answer, &again, e);
	if (kind != OK)
		return kind;
	if (answer.status == 200) {
		buf_slice_append(ret_answer, buf_slice(&answer.body));
		return ret_answer->bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
	}
	text = slice_trim(buf_slice(&answer.body));
	return err_set(e, kind_of(answer.status), "%s answers %u: %.*s", url, answer.status,
		SLICE_ARG(slice_cut(text, 0, 200)));
}

struct coalition_way way_of(struct way *w)
{
	return (struct coalition_way){way_call, w};
}

struct http_ear *way_ear(struct way *w)
{
	return w->ear;
}
