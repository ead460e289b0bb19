/* SPDX-License-Identifier: MPL-2.0 */
/* The TAXII server's beginning and end, its table of routes, and how every reply begins. */
#include <stdlib.h>

#include "media.h"
#include "server.h"

#define SERVER_ARENA_MAX KIB(64)
#define NEXT_KEY_NOTE    "taxii/next-key"
#define RETRY_SECONDS                                                                              \
	"10" /* what a client is told to wait for memory, a lock or room on the disk */

/* The endpoints of section 4 and 5, and one of ours; {r} is the API root's path. */
static const struct {
	unsigned methods;
	const char *pattern;
	enum http_access access;
	bool takes_body;
	handler *handle;
	const char *says;
} endpoints[] = {
	{HTTP_GET,    "/taxii2/",				       HTTP_MAYBE,   false, handle_discovery,   "taxii_discovery"  },
	{HTTP_GET,    "{r}",					    HTTP_MAYBE,   false, handle_root,        "taxii_root"       },
	{HTTP_GET,    "{r}may-read/",				   HTTP_MAYBE,   false, handle_may_read,    "taxii_may_read"   },
	{HTTP_GET,    "{r}status/{id}/",                                HTTP_ACCOUNT, false, handle_status,      "taxii_status"     },
	{HTTP_GET,    "{r}collections/",                                HTTP_MAYBE,   false, handle_collections, "taxii_collections"},
	{HTTP_GET,    "{r}collections/{id}/",                           HTTP_MAYBE,   false, handle_collection,
         "taxii_collection"													 },
	{HTTP_GET,    "{r}collections/{id}/manifest/",                  HTTP_MAYBE,   false, handle_manifest,
         "taxii_manifest"													   },
	{HTTP_GET,    "{r}collections/{id}/objects/",                   HTTP_MAYBE,   false, handle_objects,
         "taxii_objects"													    },
	{HTTP_POST,   "{r}collections/{id}/objects/",                   HTTP_ACCOUNT, true,  handle_post,        "taxii_post"       },
	{HTTP_GET,    "{r}collections/{id}/objects/{object}/",          HTTP_MAYBE,   false, handle_object,
         "taxii_object"													     },
	{HTTP_DELETE, "{r}collections/{id}/objects/{object}/",          HTTP_ACCOUNT, false, handle_delete,
         "taxii_delete"													     },
	{HTTP_GET,    "{r}collections/{id}/objects/{object}/versions/", HTTP_MAYBE,   false,
         handle_versions,											"taxii_versions"   },
};

/* ---- life ------------------------------------------------------------------------------ */

/* A path of an API root: "/name/", relative to the server as section 4.1 allows; no "//", no "..",
 * nothing that a URL would escape, and not the place of discovery. */
static bool root_fits(struct slice root)
{
	if (root.len < 3 || root.len > 200 || root.data[0] != '/' || !slice_ends(root, SLICE("/")))
		return false;
	for (size_t i = 0; i < root.len; i++) {
		char c = root.data[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '/';

		if (!plain || (c == '/' && i > 0 && root.data[i - 1] == '/'))
			return false;
	}
	return !slice_is(root, "/taxii2/");
}

/* The key under which `next` values are made lives as long as the store, so that a walk survives a
 * restart. */
static enum err_kind next_key_load(struct taxii_server *t, struct err *e)
{
	const struct slice name = SLICE(NEXT_KEY_NOTE);
	struct buf value = BUF_INIT;
	struct store_note note;
	bool found;
	enum err_kind kind = store_note_get(t->store, name, &value, &found, e);

	if (kind == OK && found && value.len == NEXT_KEY_LEN) {
		memcpy(t->next_key, value.data, NEXT_KEY_LEN);
	} else if (kind == OK) {
		t->world->random(t->world->context, t->next_key, NEXT_KEY_LEN);
		note = (struct store_note){
			name, {(const char *)t->next_key, NEXT_KEY_LEN}
                };
		kind = store_notes_put(t->store, &note, 1, e);
	}
	if (value.data != NULL)
		secret_wipe(value.data, value.len);
	buf_fini(&value);
	return kind;
}

static const char *text_keep(struct taxii_server *t, const char *text, const char *otherwise)
{
	const char *kept = text != NULL ? text : otherwise;

	return kept == NULL ? NULL : arena_string(t->arena, slice_of(kept));
}

static enum err_kind routes_make(struct taxii_server *t, struct err *e)
{
	const struct slice mark = SLICE("{r}");

	t->routes_count = COUNT_OF(endpoints);
	t->routes = ARENA_ARRAY(t->arena, struct http_route, t->routes_count);
	if (t->routes == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < t->routes_count; i++) {
		struct slice rest = slice_of(endpoints[i].pattern);
		bool below = slice_starts(rest, mark);
		struct slice pattern = arena_printf(t->arena, "%s%s", below ? t->root : "",
			endpoints[i].pattern + (below ? mark.len : 0));

		if (pattern.data == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		t->routes[i] = (struct http_route){
			.methods = endpoints[i].methods,
			.pattern = pattern.data,
			.access = endpoints[i].access,
			.body_max = endpoints[i].takes_body ? t->content_max : 0,
			.handle = endpoints[i].handle,
			.says = endpoints[i].says,
			.context = t,
		};
	}
	return OK;
}

enum err_kind taxii_server_new(
	const struct taxii_config *config, struct taxii_server **ret_server, struct err *e)
{
	struct taxii_server *t = calloc(1, sizeof(*t));
	enum err_kind kind;

	if (t == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	pthread_mutex_init(&t->rights_lock, NULL);
	t->intel = config->intel;
	t->store = intel_store(config->intel);
	t->world = config->world;
	t->log = config->log;
	t->page_max = config->page_max != 0 ? config->page_max : TAXII_PAGE_MAX;
	t->page_default = config->page_default != 0 ? config->page_default : TAXII_PAGE_DEFAULT;
	if (t->page_default > t->page_max)
		t->page_default = t->page_max;
	t->content_max = config->content_max != 0 ? config->content_max : TAXII_CONTENT_MAX;
	t->arena = arena_new(SERVER_ARENA_MAX);
	t->cache =
		page_cache_new(config->cache_bytes != 0 ? config->cache_bytes : TAXII_CACHE_BYTES);
	if (t->arena == NULL || t->cache == NULL) {
		kind = err_set(e, ERR_NOMEM, "out of memory");
		goto fail;
	}
	t->title = text_keep(t, config->title, "Serai");
	t->description = text_keep(t, config->description, NULL);
	t->contact = text_keep(t, config->contact, NULL);
	t->root = text_keep(t, config->root, "/api/");
	t->root_title = text_keep(t, config->root_title, t->title);
	if (t->title == NULL || t->root == NULL || t->root_title == NULL ||
		(config->description != NULL && t->description == NULL) ||
		(config->contact != NULL && t->contact == NULL)) {
		kind = err_set(e, ERR_NOMEM, "out of memory");
		goto fail;
	}
	if (!root_fits(slice_of(t->root))) {
		kind = err_set(e, ERR_USAGE,
			"API root \"%s\": expected a path like /api/ of letters, digits, '-' and "
			"'_'",
			t->root);
		goto fail;
	}
	t->world->random(t->world->context, t->life, sizeof(t->life));
	kind = next_key_load(t, e);
	if (kind == OK)
		kind = routes_make(t, e);
	if (kind != OK)
		goto fail;
	*ret_server = t;
	return OK;

fail:
	taxii_server_free(t);
	return kind;
}

void taxii_server_free(struct taxii_server *t)
{
	if (t == NULL)
		return;
	page_cache_free(t->cache);
	secret_wipe(t->next_key, sizeof(t->next_key));
	pthread_mutex_destroy(&t->rights_lock);
	arena_free(t->arena);
	free(t);
}

const struct http_route *taxii_routes(struct taxii_server *t, size_t *ret_count)
{
	*ret_count = t->routes_count;
	return t->routes;
}

/* ---- replies --------------------------------------------------------------------------- */

static const struct {
	unsigned status;
	const char *title;
} titles[] = {
	{400, "Malformed request"          },
	{401, "Authentication needed"      },
	{403, "Not allowed"                },
	{404, "Not found"                  },
	{405, "Method not allowed"         },
	{406, "No acceptable media type"   },
	{408, "Request took too long"      },
	{413, "Request body too large"     },
	{415, "Unsupported media type"     },
	{422, "Content cannot be processed"},
	{429, "Too many failed attempts"   },
	{431, "Request header too large"   },
	{500, "Failure of the server"      },
	{503, "Server cannot answer now"   },
};

static const char *title_of(unsigned status)
{
	for (size_t i = 0; i < COUNT_OF(titles); i++) {
		if (titles[i].status == status)
			return titles[i].title;
	}
	return status < 500 ? "Request not possible" : "Failure of the server";
}

/* Section 3.6.1: title is required; http_status is a string and equals the reply's. */
static void error_fill(const struct http_request *q, unsigned status, const char *why,
	const char *error_id, struct http_reply *reply)
{
	char number[12];
	struct buf text = BUF_INIT;
	struct json_writer w = JSON_WRITER(&text);
	struct slice body = {0};

	snprintf(number, sizeof(number), "%u", status);
	json_write_object(&w);
	json_member_text(&w, "title", title_of(status));
	if (why != NULL && why[0] != '\0')
		json_member_text(&w, "description", why);
	if (error_id != NULL)
		json_member_text(&w, "error_id", error_id);
	json_member_text(&w, "http_status", number);
	json_write_end(&w, '}');
	if (!text.bad && q != NULL && q->arena != NULL)
		body = arena_copy(q->arena, buf_slice(&text));
	buf_fini(&text);
	if (body.data == NULL) {
		/* No memory for the words: the least that is an error resource. */
		body = SLICE("{\"title\":\"Failure of the server\",\"http_status\":\"503\"}");
		status = 503;
	}
	reply->status = status;
	reply->content_type = TAXII_TYPE;
	reply->body = body;
	reply->etag = (struct slice){0};
}

void taxii_error(void *context, const struct http_request *q, unsigned status, const char *why,
	struct http_reply *reply)
{
	(void)context;
	error_fill(q, status, why, NULL, reply);
}

void reply_error(struct taxii_server *t, const struct http_request *q, struct http_reply *reply,
	unsigned status, const char *why)
{
	taxii_error(t, q, status, why, reply);
	/* Section 1.6.9: how to come back. For the 401s that the HTTP server finds it adds its own.
	 */
	if (status == 401) {
		http_reply_header(reply, "WWW-Authenticate",
			SLICE("Basic realm=\"taxii\", charset=\"UTF-8\""));
		http_reply_header(reply, "WWW-Authenticate", SLICE("Bearer realm=\"taxii\""));
	}
}

void reply_failed(struct taxii_server *t, const struct http_request *q, struct http_reply *reply,
	enum err_kind kind, const struct err *e)
{
	bool later = kind == ERR_BUSY || kind == ERR_NOMEM || kind == ERR_FULL;
	char id[UUID_TEXT_LEN + 1];
	struct uuid uuid;

	uuid_v4(t->world, &uuid);
	uuid_format(&uuid, id);
	log_line(t->log, LOG_ERROR, "taxii", "error_id", id, "kind", err_kind_name(kind), "error",
		e->text, NULL);
	error_fill(q, later ? 503 : 500,
		kind == ERR_FULL ? "the server has no room left" : "see the server's log", id,
		reply);
	if (later)
		http_reply_header(reply, "Retry-After", SLICE(RETRY_SECONDS));
}

void reply_json(struct taxii_server *t, const struct http_request *q, struct http_reply *reply,
	unsigned status, struct buf *json)
{
	struct err e;

	reply->content_type = TAXII_TYPE;
	if (!json->bad) {
		reply->shared = http_shared_new(json);
		reply->status = status;
	}
	if (reply->shared == NULL) {
		err_set(&e, ERR_NOMEM, "out of memory");
		reply_failed(t, q, reply, ERR_NOMEM, &e);
	}
	buf_fini(json);
}

bool reply_begin(struct taxii_server *t, const struct http_request *q, struct http_reply *reply)
{
	struct slice private = SLICE("private, no-cache");

	reply->content_type = TAXII_TYPE;
	/* What one account sees is for no shared cache, and has to be asked for again. */
	http_reply_header(reply, "Cache-Control", private);
	for (size_t i = 0; i < q->headers_count; i++) {
		if (!slice_equal_nocase(q->headers[i].name, SLICE("Accept")))
			continue;
		if (media_accepts_taxii(q->headers[i].value))
			return true;
		/* Several lines count as one list (RFC 9110 section 5.3): another may fit. */
		for (size_t k = i + 1; k < q->headers_count; k++) {
			if (slice_equal_nocase(q->headers[k].name, SLICE("Accept")) &&
				media_accepts_taxii(q->headers[k].value))
				return true;
		}
		reply_error(t, q, reply, 406, "this server answers with " TAXII_TYPE);
		return false;
	}
	return true; /* no Accept: anything will do */
}

void count_add(struct taxii_server *t, enum counter counter, uint64_t n)
{
	atomic_fetch_add_explicit(&t->counters[counter], n, memory_order_relaxed);
}

/* ---- figures --------------------------------------------------------------------------- */

static const struct {
	const char *name, *help;
} counter_texts[COUNTERS] = {
	[COUNT_PAGES] = {"pages_total",            "Pages of objects, manifests and versions served."},
	[COUNT_PAGES_CACHED] = {"pages_cached_total",     "Pages served out of the cache."                  },
	[COUNT_PAGES_STREAMED] = {"pages_streamed_total",   "Pages too large for one buffer."                 },
	[COUNT_UNCHANGED] = {"unchanged_total",        "Polls answered with 304."                        },
	[COUNT_POSTS] = {"posts_total",            "Envelopes taken in."                             },
	[COUNT_ACCEPTED] = {"objects_new_total",      "Posted objects that were new."                   },
	[COUNT_KNOWN] = {"objects_known_total",    "Posted objects that were here already."          },
	[COUNT_REFUSED] = {"objects_refused_total",  "Posted objects against the standard."            },
	[COUNT_CONFLICT] = {"objects_conflict_total",
			 "Posted objects with other content under a known version."                  },
	[COUNT_DELETED] = {"versions_deleted_total", "Versions taken out of a collection."             },
};

void taxii_metrics_text(const struct taxii_server *t, struct buf *out)
{
	for (size_t i = 0; i < COUNTERS; i++) {
		const char *name = counter_texts[i].name;

		buf_printf(out, "# HELP serai_taxii_%s %s\n# TYPE serai_taxii_%s counter\n", name,
			counter_texts[i].help, name);
		buf_printf(out, "serai_taxii_%s %llu\n", name,
			(unsigned long long)atomic_load_explicit(
				&t->counters[i], memory_order_relaxed));
	}
	buf_printf(out,
		"# HELP serai_taxii_cache_bytes Finished pages kept.\n"
		"# TYPE serai_taxii_cache_bytes gauge\nserai_taxii_cache_bytes %zu\n",
		page_cache_bytes(t->cache));
}
