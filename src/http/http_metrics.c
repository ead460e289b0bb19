/* SPDX-License-Identifier: MPL-2.0 */
/* Counters of a server and their text for Prometheus (exposition format 0.0.4). */
#include <inttypes.h>
#include <stdlib.h>

#include "http_parts.h"

/* Microseconds: from a page out of the cache to a commit on a slow disk. */
static const int64_t bounds[HTTP_BUCKETS] = {100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000,
	100000, 250000, 500000, 1000000, 5000000};

enum err_kind http_counts_init(
	struct http_counts *c, const struct http_route *routes, size_t count, struct err *e)
{
	memset(c, 0, sizeof(*c));
	c->routes = calloc(count + 1, sizeof(c->routes[0]));
	if (c->routes == NULL)
		return err_set(e, ERR_NOMEM, "metrics of %zu routes: out of memory", count);
	c->routes_count = count;
	/* Rows with one name (GET and POST of one resource, say) are counted together. */
	for (size_t i = 0; i <= count; i++) {
		c->routes[i].says = i == count ? "none" : routes[i].says;
		c->routes[i].first = i;
		for (size_t k = 0; k < i && c->routes[i].first == i; k++)
			if (strcmp(c->routes[k].says, c->routes[i].says) == 0)
				c->routes[i].first = k;
	}
	return OK;
}

void http_counts_fini(struct http_counts *c)
{
	free(c->routes);
	c->routes = NULL;
}

void http_counts_latency(struct http_counts *c, size_t route, int64_t us)
{
	struct http_route_counts *r = &c->routes[c->routes[route].first];
	size_t i = 0;

	if (us < 0)
		us = 0;
	while (i < HTTP_BUCKETS && us > bounds[i])
		i++;
	http_count(&r->buckets[i], 1);
	http_count(&r->sum_us, (uint64_t)us);
}

static uint64_t value_of(const atomic_uint_fast64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void histogram(const struct http_route_counts *r, struct buf *out)
{
	const char *name = r->says;
	uint64_t sum = 0;

	for (size_t i = 0; i <= HTTP_BUCKETS; i++) {
		sum += value_of(&r->buckets[i]);
		buf_printf(out, "serai_http_request_seconds_bucket{route=\"%s\",le=\"", name);
		if (i == HTTP_BUCKETS)
			buf_text(out, "+Inf");
		else
			buf_printf(out, "%g", (double)bounds[i] / 1e6);
		buf_printf(out, "\"} %" PRIu64 "\n", sum);
	}
	buf_printf(out, "serai_http_request_seconds_sum{route=\"%s\"} %.6f\n", name,
		(double)value_of(&r->sum_us) / 1e6);
	buf_printf(out, "serai_http_request_seconds_count{route=\"%s\"} %" PRIu64 "\n", name, sum);
}

void http_counts_text(const struct http_counts *c, const struct http_metrics *m, struct buf *out)
{
	const struct {
		const char *name, *help;
		uint64_t value;
	} rows[] = {
		{"connections_open",     "Connections open now.",          m->connections_open       },
		{"connections_total",    "Connections accepted.",          m->connections_total      },
		{"requests_total",       "Requests begun.",                m->requests_total         },
		{"received_bytes_total", "Heads and bodies of requests.",  m->bytes_in               },
		{"sent_bytes_total",     "Bodies of replies.",             m->bytes_out              },
		{"login_failures_total", "Wrong credentials.",             m->authentication_failures},
		{"deadlines_total",      "Connections cut as too slow.",   m->deadlines_hit          },
		{"malformed_total",      "Requests refused as malformed.", m->refused_malformed      },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *name = rows[i].name;
		bool counts = slice_ends(slice_of(name), SLICE("_total"));

		buf_printf(out, "# HELP serai_http_%s %s\n# TYPE serai_http_%s %s\n", name,
			rows[i].help, name, counts ? "counter" : "gauge");
		buf_printf(out, "serai_http_%s %" PRIu64 "\n", name, rows[i].value);
	}
	buf_text(out, "# HELP serai_http_responses_total Replies by class of status.\n"
		      "# TYPE serai_http_responses_total counter\n");
	for (size_t i = 1; i < COUNT_OF(m->by_status); i++)
		buf_printf(out, "serai_http_responses_total{status=\"%zuxx\"} %" PRIu64 "\n", i,
			m->by_status[i]);
	buf_text(out,
		"# HELP serai_http_request_seconds From the head of a request to the end of its "
		"reply.\n# TYPE serai_http_request_seconds histogram\n");
	for (size_t i = 0; i <= c->routes_count; i++)
		if (c->routes[i].first == i)
			histogram(&c->routes[i], out);
}
