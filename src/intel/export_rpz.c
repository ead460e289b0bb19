/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A DNS response policy zone (draft-vixie-dnsop-dns-rpz): names and what is below them answer
 * NXDOMAIN, as do answers that hold a listed address. What would cut off a whole top-level domain,
 * a very large network or the resolver's own networks is not written but told.
 */
#include <stdlib.h>

#include "export_value.h"

#define TTL_SECONDS    300 /* short, so that a withdrawn indicator stops blocking soon */
#define PREFIX4_MIN    8   /* shorter prefixes are whole regions of the address space */
#define PREFIX6_MIN    19  /* the largest allocations to one organisation */
#define NAME_BYTES_MAX 253 /* RFC 1035 section 2.3.4, the zone's own name included */
#define ZONE_DEFAULT   "rpz.serai.invalid" /* RFC 6761: never a real zone */

struct rpz {
	struct export_seen seen;
	struct buf out;
	struct slice zone; /* lower case, without the last dot */
	char zone_text[NAME_BYTES_MAX + 1];
};

static enum err_kind zone_read(struct rpz *r, const char *name, struct arena *a, struct err *e)
{
	struct stix_value v = {.kind = STIX_VALUE_NAME};
	struct slice text;

	if (!stix_value_key(STIX_VALUE_NAME, slice_of(name), a, &v.key))
		return err_set(e, ERR_USAGE, "\"%s\" is no name for a zone", name);
	text = export_value_text(&v, a);
	if (text.data == NULL)
		return export_nomem(e);
	memcpy(r->zone_text, text.data, text.len);
	r->zone = (struct slice){r->zone_text, text.len};
	return OK;
}

static enum err_kind rpz_begin(struct export_job *job, struct err *e)
{
	struct rpz *r = calloc(1, sizeof(*r));
	int64_t seconds = world_now(job->world) / US_PER_SECOND;
	enum err_kind kind;

	if (r == NULL)
		return export_nomem(e);
	job->state = r;
	export_seen_init(&r->seen, job->world);
	kind = zone_read(
		r, job->options->name == NULL ? ZONE_DEFAULT : job->options->name, job->arena, e);
	if (kind != OK)
		return kind;
	/* the serial grows with time (RFC 1912 section 2.2); refresh, retry, expire, minimum */
	buf_printf(&r->out,
		"$ORIGIN %.*s.\n$TTL %d\n@ SOA localhost. hostmaster.localhost. %u 3600 600 604800 "
		"%d\n"
		"@ NS localhost.\n",
		SLICE_ARG(r->zone), TTL_SECONDS, (unsigned)(uint32_t)seconds, TTL_SECONDS);
	return export_flush(job, &r->out, e);
}

/* One trigger, unless it was there or does not fit below the zone. */
static enum err_kind trigger(
	struct export_job *job, const struct export_object *o, struct slice owner, struct err *e)
{
	struct rpz *r = job->state;
	bool is_new;

	if (owner.len + 1 + r->zone.len > NAME_BYTES_MAX) {
		export_lose(job, o->facts.id, "no place for %.*s: too long below the zone",
			SLICE_ARG(owner));
		return OK;
	}
	if (!export_seen_add(&r->seen, owner, &is_new))
		return export_nomem(e);
	if (!is_new)
		return OK;
	buf_slice_append(&r->out, owner);
	buf_text(&r->out, " CNAME .\n");
	job->records++;
	return OK;
}

static enum err_kind name_triggers(
	struct export_job *job, const struct export_object *o, struct slice name, struct err *e)
{
	bool wildcard = slice_starts(name, SLICE("*."));
	struct slice bare = wildcard ? slice_cut(name, 2, name.len) : name, below;
	enum err_kind kind = OK;

	if (slice_find(bare, '.', 0) == bare.len) {
		export_lose(job, o->facts.id,
			"not exported: %.*s would block a whole top-level domain", SLICE_ARG(name));
		return OK;
	}
	if (!wildcard)
		kind = trigger(job, o, name, e);
	below = wildcard ? name : arena_printf(job->arena, "*.%.*s", SLICE_ARG(name));
	if (below.data == NULL)
		return export_nomem(e);
	return kind == OK ? trigger(job, o, below, e) : kind;
}

/* What a resolver needs itself: RFC 6890, RFC 4291. */
static const struct {
	const char *network;
} own_networks[] = {
	{"0.0.0.0/8"},
	{"10.0.0.0/8"},
	{"127.0.0.0/8"},
	{"169.254.0.0/16"},
	{"172.16.0.0/12"},
	{"192.168.0.0/16"},
	{"224.0.0.0/3"},
	{"::/127"},
	{"fc00::/7"},
	{"fe80::/10"},
	{"ff00::/8"},
};

static bool overlaps_own(const struct stix_value *v, struct arena *a)
{
	struct slice key;

	for (size_t k = 0; k < COUNT_OF(own_networks); k++) {
		if (!stix_value_key(STIX_VALUE_ADDRESS, slice_of(own_networks[k].network), a, &key))
			return true; /* no memory: do not block */
		if (memcmp(v->key.data, key.data + 16, 16) <= 0 &&
			memcmp(key.data, v->key.data + 16, 16) <= 0)
			return true;
	}
	return false;
}

/* "24.0.2.0.192.rpz-ip" */
static void ipv4_owner(const struct export_address *address, char *text, size_t size)
{
	const uint8_t *b = address->bytes + 12;

	snprintf(text, size, "%u.%u.%u.%u.%u.rpz-ip", address->prefix, b[3], b[2], b[1], b[0]);
}

/* "128.1.zz.db8.2001.rpz-ip": groups from the last to the first, the longest run of zeros (of two
 * or more, the first such in the address) as "zz". */
static void ipv6_owner(const struct export_address *address, char *text, size_t size)
{
	unsigned groups[8], best = 8, best_len = 1, at = 0;
	int len;

	for (unsigned k = 0; k < 8; k++)
		groups[k] = (unsigned)address->bytes[2 * k] << 8 | address->bytes[2 * k + 1];
	for (unsigned k = 0, run; k < 8; k += run + 1) {
		for (run = 0; k + run < 8 && groups[k + run] == 0;)
			run++;
		if (run > best_len) {
			best = k;
			best_len = run;
		}
	}
	len = snprintf(text, size, "%u", address->prefix);
	at = (unsigned)len;
	for (unsigned k = 8; k-- > 0;) {
		if (best < 8 && k == best + best_len - 1) {
			len = snprintf(text + at, size - at, ".zz");
			k = best;
		} else {
			len = snprintf(text + at, size - at, ".%x", groups[k]);
		}
		at += (unsigned)len;
	}
	snprintf(text + at, size - at, ".rpz-ip");
}

static enum err_kind address_trigger(struct export_job *job, const struct export_object *o,
	const struct stix_value *v, struct slice shown, struct err *e)
{
	struct export_address address = export_address_of(v);
	char owner[96];

	if (address.prefix < (address.four ? PREFIX4_MIN : PREFIX6_MIN)) {
		export_lose(job, o->facts.id, "not exported: %.*s is too large a network to block",
			SLICE_ARG(shown));
		return OK;
	}
	if (overlaps_own(v, job->arena)) {
		export_lose(job, o->facts.id, "not exported: %.*s is not a public address",
			SLICE_ARG(shown));
		return OK;
	}
	if (address.four)
		ipv4_owner(&address, owner, sizeof(owner));
	else
		ipv6_owner(&address, owner, sizeof(owner));
	return trigger(job, o, slice_of(owner), e);
}

static enum err_kind rpz_object(
	struct export_job *job, const struct export_object *o, struct err *e)
{
	static const char *const kept[] = {"pattern", "pattern_type", "value", NULL};
	struct rpz *r = job->state;
	uint64_t before = job->records;
	struct export_values values;
	enum err_kind kind = export_values(job, o, &values, e);

	for (size_t k = 0; kind == OK && k < values.count; k++) {
		const struct stix_value *v = &values.items[k];
		struct slice text = export_value_text(v, job->arena);

		if (text.data == NULL)
			return export_nomem(e);
		if (v->kind == STIX_VALUE_NAME)
			kind = name_triggers(job, o, text, e);
		else if (v->kind == STIX_VALUE_ADDRESS)
			kind = address_trigger(job, o, v, text, e);
		else
			export_lose(job, o->facts.id, "no place for %s %.*s", export_value_name(v),
				SLICE_ARG(text));
	}
	if (job->records > before)
		export_lose_members(job, o, kept);
	return kind == OK ? export_flush(job, &r->out, e) : kind;
}

static enum err_kind rpz_end(struct export_job *job, struct err *e)
{
	(void)job;
	(void)e;
	return OK;
}

static void rpz_free(struct export_job *job)
{
	struct rpz *r = job->state;

	if (r == NULL)
		return;
	export_seen_fini(&r->seen);
	buf_fini(&r->out);
	free(r);
}

const struct exporter export_rpz = {
	.format = {"rpz", "DNS response policy zone of names and addresses", false, true, false},
	.begin = rpz_begin,
	.object = rpz_object,
	.end = rpz_end,
	.free = rpz_free,
};
