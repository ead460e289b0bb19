/* SPDX-License-Identifier: MPL-2.0 */
/* One small file of "name = value" lines; each setting is one row of the table. */
#include <stdlib.h>

#include "node.h"

enum setting_kind { SETTING_TEXT, SETTING_PATH, SETTING_NUMBER, SETTING_YES };

struct setting {
	const char *name;
	enum setting_kind kind;
	size_t at; /* in struct node_config */
	const char *preset;
	unsigned long least, most; /* of a number */
	const char *says;
};

#define AT(member) offsetof(struct node_config, member)

static const struct setting settings[] = {
	{"title",               SETTING_TEXT,   AT(title),               "Serai node",     0,    0,          "shown in the TAXII discovery"},
	{"description",         SETTING_TEXT,   AT(description),         "",               0,    0,          "shown in the TAXII discovery"},
	{"contact",             SETTING_TEXT,   AT(contact),             "",               0,    0,
         "whom to ask; shown in the TAXII discovery"										       },
	{"member",              SETTING_TEXT,   AT(member),              "self",           0,    0,
         "our name in the coalition, and on what we bring in ourselves"                                                                    },
	{"listen",              SETTING_TEXT,   AT(listen),              "127.0.0.1:6443", 0,    0,          "address and port"            },
	{"certificate",         SETTING_PATH,   AT(certificate),         "tls.crt",        0,    0,
         "PEM chain; \"none\" for plain HTTP, which only a loopback address may"                                                           },
	{"key",		 SETTING_PATH,   AT(key),                 "tls.key",        0,    0,          "PEM private key"             },
	{"client_certificates", SETTING_YES,    AT(client_certificates), "yes",            0,    0,
         "ask clients for one; those pinned to an account need no password"                                                                },
	{"root",                SETTING_TEXT,   AT(root),                "/api/",          0,    0,          "path of the TAXII API root"  },
	{"root_title",          SETTING_TEXT,   AT(root_title),          "Intelligence",   0,    0,          "title of the API root"       },
	{"threads",             SETTING_NUMBER, AT(threads),             "0",              0,    64,
         "serving threads; 0: one per processor"											   },
	{"connections",         SETTING_NUMBER, AT(connections),         "1024",           1,    100000,     "open at once"                },
	{"per_address",         SETTING_NUMBER, AT(per_address),         "256",            1,    100000,
         "open at once from one address"												   },
	{"page_default",        SETTING_NUMBER, AT(page_default),        "100",            1,    10000,
         "objects in a page when the client names no limit"										},
	{"page_max",            SETTING_NUMBER, AT(page_max),            "1000",           1,    10000,      "most objects in a page"      },
	{"content_max",         SETTING_NUMBER, AT(content_max),         "10485760",       1024, 1073741824,
         "bytes in one POST"													       },
	{"cache_bytes",         SETTING_NUMBER, AT(cache_bytes),         "8388608",        0,    1073741824,
         "finished pages kept in memory"												   },
	{"metrics_open",        SETTING_YES,    AT(metrics_open),        "no",             0,    0,
         "let anybody read /metrics; else only administrators"									     },
	{"keys",                SETTING_PATH,   AT(keys),                "",               0,    0,
         "folder of the member's keys; left empty: beside the node's, with -keys behind its "
		"name"														     },
	{"received",            SETTING_TEXT,   AT(received),            "main",           0,    0,
         "collection for what other members of the coalition send"									 },
	{"log_open",            SETTING_YES,    AT(log_open),            "no",             0,    0,
         "let anybody read logs and checkpoints; else only members"                                                                        },
	{"poll_seconds",        SETTING_NUMBER, AT(poll_seconds),        "1",              1,    3600,
         "between two rounds with a member that has nothing new"									   },
	{"log_level",           SETTING_TEXT,   AT(log_level),           "info",           0,    0,          "debug, info, warn or error"  },
};

static enum err_kind setting_set(
	struct node_config *c, const struct setting *s, struct slice value, struct err *e)
{
	char *at = (char *)c + s->at;
	uint64_t number;
	char *text;

	switch (s->kind) {
	case SETTING_NUMBER:
		if (!slice_to_u64(value, &number) || number < s->least || number > s->most)
			return err_set(e, ERR_PARSE,
				"%s = \"%.*s\": expected a number from %lu to %lu", s->name,
				SLICE_ARG(value), s->least, s->most);
		*(unsigned *)(void *)at = (unsigned)number;
		return OK;
	case SETTING_YES:
		if (!slice_is(value, "yes") && !slice_is(value, "no"))
			return err_set(e, ERR_PARSE, "%s = \"%.*s\": expected yes or no", s->name,
				SLICE_ARG(value));
		*(bool *)(void *)at = slice_is(value, "yes");
		return OK;
	case SETTING_PATH:
	case SETTING_TEXT:
		break;
	}
	if (memchr(value.data == NULL ? "" : value.data, '\0', value.len) != NULL)
		return err_set(e, ERR_PARSE, "%s: a NUL byte", s->name);
	if (s->kind == SETTING_PATH && value.len > 0 && value.data[0] != '/' &&
		!slice_is(value, "none")) {
		struct slice whole = arena_printf(c->arena, "%s/%.*s", c->folder, SLICE_ARG(value));

		if (whole.data == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		value = whole;
	}
	text = arena_string(c->arena, value);
	if (text == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	*(const char **)(void *)at = text;
	return OK;
}

static enum err_kind line_take(struct node_config *c, struct slice line, struct err *e)
{
	struct slice name, value;
	size_t equals;

	line = slice_trim(line);
	if (line.len == 0 || line.data[0] == '#')
		return OK;
	equals = slice_find(line, '=', 0);
	if (equals == line.len)
		return err_set(e, ERR_PARSE, "\"%.*s\": expected name = value", SLICE_ARG(line));
	name = slice_trim(slice_cut(line, 0, equals));
	value = slice_trim(slice_cut(line, equals + 1, line.len));
	for (size_t i = 0; i < COUNT_OF(settings); i++) {
		if (slice_is(name, settings[i].name))
			return setting_set(c, &settings[i], value, e);
	}
	return err_set(e, ERR_PARSE, "no setting \"%.*s\"", SLICE_ARG(name));
}

/* The keys are beside the folder, not in it. */
static enum err_kind keys_place(struct node_config *c, struct err *e)
{
	char *real;

	if (c->keys[0] != '\0')
		return OK;
	real = realpath(c->folder, NULL);
	c->keys = arena_printf(c->arena, "%s-keys", real == NULL ? c->folder : real).data;
	free(real);
	return c->keys == NULL ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

enum err_kind node_config_load(const char *folder, struct node_config *ret_config, struct err *e)
{
	struct node_config c = {.arena = arena_new(MIB(1))};
	struct buf text = BUF_INIT;
	struct slice rest, line, path;
	unsigned number = 0;
	enum err_kind kind = OK;
	char *whole;

	if (c.arena == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	/* So that paths in it are whole however the folder was named. */
	whole = realpath(folder, NULL);
	c.folder = arena_string(c.arena, slice_of(whole == NULL ? folder : whole));
	free(whole);
	path = arena_printf(c.arena, "%s/" NODE_CONFIG_FILE, folder);
	if (c.folder == NULL || path.data == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < COUNT_OF(settings) && kind == OK; i++)
		kind = setting_set(&c, &settings[i], slice_of(settings[i].preset), e);
	if (kind == OK)
		kind = file_read(path.data, NODE_CONFIG_MAX, &text, e);
	if (kind == ERR_IO)
		err_wrap(e, "\"%s\" is no node (make one with: serai init %s)", folder, folder);
	rest = buf_slice(&text);
	while (kind == OK && slice_next(&rest, '\n', &line)) {
		number++;
		kind = line_take(&c, line, e);
		if (kind != OK)
			err_wrap(e, "%s, line %u", path.data, number);
	}
	if (kind == OK && c.page_default > c.page_max)
		kind = err_set(e, ERR_PARSE, "%s: page_default %u is above page_max %u", path.data,
			c.page_default, c.page_max);
	if (kind == OK &&
		(c.root[0] != '/' || c.root[strlen(c.root) - 1] != '/' || strlen(c.root) < 3))
		kind = err_set(e, ERR_PARSE, "%s: root = \"%s\": expected a path such as /api/",
			path.data, c.root);
	if (kind == OK)
		kind = keys_place(&c, e);
	buf_fini(&text);
	if (kind != OK) {
		node_config_fini(&c);
		return kind;
	}
	*ret_config = c;
	return OK;
}

void node_config_fini(struct node_config *c)
{
	arena_free(c->arena);
	*c = (struct node_config){0};
}

void node_config_template(
	struct buf *out, const char *title, const char *listen, const char *member)
{
	buf_text(out, "# Configuration of a Serai node. Lines that begin with # are the defaults.\n"
		      "# After a change: systemctl reload serai, or send SIGHUP; listen, threads "
		      "and the\n"
		      "# limits on connections need a restart.\n");
	for (size_t i = 0; i < COUNT_OF(settings); i++) {
		const char *value = settings[i].preset;
		bool given = false;

		if (strcmp(settings[i].name, "title") == 0 && title != NULL) {
			value = title;
			given = true;
		}
		if (strcmp(settings[i].name, "listen") == 0 && listen != NULL) {
			value = listen;
			given = true;
		}
		if (strcmp(settings[i].name, "member") == 0 && member != NULL) {
			value = member;
			given = true;
		}
		buf_printf(out, "\n# %s\n%s%s = %s\n", settings[i].says, given ? "" : "#",
			settings[i].name, value);
	}
}
