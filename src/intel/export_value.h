/* SPDX-License-Identifier: MPL-2.0 */
/* What exporters share: telling losses, and turning objects into lists of values. */
#ifndef EXPORT_VALUE_H
#define EXPORT_VALUE_H

#include "export.h"

/* ---- losses --------------------------------------------------------------------------------- */

void export_lose(struct export_job *job, struct slice id, const char *format, ...) PRINTF(3, 4);
/* One loss that names all members of the object that are neither in `kept` (ends in NULL) nor only
 * say what it is (type, spec_version, id). */
void export_lose_members(
	struct export_job *job, const struct export_object *o, const char *const *kept);
enum err_kind export_nomem(struct err *e);
/* Write what `b` holds and clear it. */
enum err_kind export_flush(struct export_job *job, struct buf *b, struct err *e) MUST_USE;

/* ---- values --------------------------------------------------------------------------------- */

struct export_values {
	const struct stix_value *items;
	size_t count;
};

/*
 * The values that one should look for or block: those of indicators that are in force and whose
 * pattern says no more than "any one of these". An observable alone is no accusation: its values
 * are taken only when the search asks for its type. Whatever is not taken is told. Lives in
 * job->arena.
 */
enum err_kind export_values(struct export_job *job, const struct export_object *o,
	struct export_values *ret_values, struct err *e) MUST_USE;

/* As it is written everywhere: lower case digests and names, addresses in their shortest form, a
 * network as "198.51.100.0/24". In `a`; data NULL when out of memory. */
struct slice export_value_text(const struct stix_value *v, struct arena *a);

struct export_address {
	bool four;
	unsigned prefix;   /* 0..32 or 0..128 */
	uint8_t bytes[16]; /* of the network; IPv4 in the last four */
};
struct export_address export_address_of(const struct stix_value *v); /* kind ADDRESS */

/* What lists call it: "address", "sha256", "file-name"; the names that import understands. */
const char *export_value_name(const struct stix_value *v);

/* --kind of lists and Suricata: "address", "md5", "file-name" ...; ERR_USAGE for what is none. */
struct export_filter {
	bool all;
	enum stix_value_kind kind;
	const char *name;
};
enum err_kind export_filter_read(
	const struct export_job *job, struct export_filter *ret_filter, struct err *e) MUST_USE;
bool export_filter_fits(const struct export_filter *filter, const struct stix_value *v);

/* ---- sets of what was written --------------------------------------------------------------- */

/* Zero-initialise and draw a seed; keeps 16 bytes per entry, not the entries. */
struct export_seen {
	uint8_t seed[32];
	uint64_t (*slots)[2];
	size_t count, capacity;
};
void export_seen_init(struct export_seen *seen, const struct world *world);
void export_seen_fini(struct export_seen *seen);
/* False: out of memory. */
bool export_seen_add(struct export_seen *seen, struct slice key, bool *ret_new);

/* ---- what objects say ----------------------------------------------------------------------- */

/* The name of the identity that created it; "" when it is not known. Keeps the last one. */
struct export_creator {
	struct json_parser *parser;
	struct uuid uuid;
	char name[256];
	bool known;
};
struct slice export_creator_name(
	struct export_job *job, struct export_creator *creator, const struct export_object *o);
void export_creator_fini(struct export_creator *creator);

/* The strictest TLP of an object's markings. */
enum stix_tlp export_tlp(const struct stix_facts *facts);
/* The first external reference with a "url"; empty when there is none. */
struct slice export_reference_url(struct json_value object);

#endif
