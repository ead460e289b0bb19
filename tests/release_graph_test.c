/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Nothing leaves that the policy and the markings do not allow, directly or through a reference.
 *
 * Worlds of random objects, references, markings and policies are put into a real store and read by
 * random recipients in every way there is: page, search, versions, referrers, all, get, by number,
 * export and TAXII. What comes out is compared with a reading of the same world that knows neither
 * store nor policy engine: it keeps what it made as plain structs and tries every rule on every
 * object. A case is one object, one recipient, one way.
 *
 *   release_graph_test [CASES [SEED]]
 *
 * Beside them two leaks are planted (ways out that forget references, and what definitions of PAP
 * and IEP say) and must be found.
 */
#include <stdlib.h>
#include <unistd.h>

#include "release_world.h"
#include "taxii/taxii_testing.h"

#define CASES_DEFAULT 20000

#define THINGS   14 /* ids in a world */
#define VERSIONS 2  /* of each, at most */

/* ---- making worlds --------------------------------------------------------------------------- */

static void set_policy(struct testing *t, struct world_of *w)
{
	struct slice names[MEMBERS];
	struct policy_parties parties = {names, MEMBERS};
	struct policy *p = NULL;
	struct buf text = BUF_INIT;
	struct err e;

	w->policy = chance(92);
	w->expired = w->policy && chance(4);
	if (w->policy) {
		make_policy(w, &text);
		for (unsigned i = 0; i < MEMBERS; i++)
			names[i] = slice_of(members[i]);
		if (policy_parse(buf_slice(&text), &parties, NULL, &p, &e) != OK) {
			fprintf(stderr, "%.*s\n", SLICE_ARG(buf_slice(&text)));
			broken(e.text);
		}
	}
	must_be(intel_policy_set(t->intel, p, SLICE("kg"), &e), &e, "set a policy");
	buf_fini(&text);
}

static const char *const sources[] = {"self", "kg", "ann", "kz", "joe", "somewhere"};
static const bool sources_own[] = {true, true, true, false, false, false};

static void accept_as(struct testing *t, int64_t collection, const char *source, struct slice text,
	enum intel_outcome outcome)
{
	struct intel_source from = {
		.member = slice_of(source), .collections = &collection, .collections_count = 1};
	struct arena *a = arena_new(MIB(4));
	struct intel_verdict verdict;
	struct err e;

	must_be(intel_accept(t->intel, &from, &text, 1, NULL, 0, a, &verdict, &e), &e, "accept");
	if (verdict.outcome != outcome) {
		fprintf(stderr, "%.*s\n%.*s\n", SLICE_ARG(text), SLICE_ARG(verdict.message));
		broken("an object was not taken as it should be");
	}
	arena_free(a);
}

static void accept(struct testing *t, int64_t collection, const char *source, struct slice text)
{
	accept_as(t, collection, source, text, INTEL_NEW);
}

static void add_version(
	struct testing *t, struct world_of *w, int64_t collection, struct thing *thing)
{
	struct version *v = &thing->versions[thing->count];
	struct buf text = BUF_INIT;
	unsigned source = pick(COUNT_OF(sources));

	make_version(w, thing, v);
	version_text(w, thing, v, &text);
	v->own = sources_own[source];
	world_fake_advance(&t->world, 1000);
	v->added_us = t->world.now_us;
	accept(t, collection, sources[source], buf_slice(&text));
	v->here = true;
	thing->count++;
	buf_fini(&text);
}

/* The first of its id; or a second one, of the same or another version, which makes both doubtful.
 */
static void add_defined(struct testing *t, struct definition *d, unsigned mark, int64_t collection)
{
	struct definition made;
	struct buf text = BUF_INIT;
	bool again = d->here && chance(50);

	make_definition(&made, mark, d->here && !again ? 2021 : 2020, &text);
	world_fake_advance(&t->world, 1000);
	accept_as(t, collection, "self", buf_slice(&text), again ? INTEL_CONFLICT : INTEL_NEW);
	buf_fini(&text);
	made.doubted = d->here;
	made.here = true;
	*d = made;
}

/* A definition of a marking arrives; what is marked with it may be here already. */
static void add_plain(struct testing *t, struct world_of *w, int64_t collection)
{
	bool statement = chance(50);
	bool *here = statement ? &w->statement_here : &w->extension_here;
	struct buf text = BUF_INIT;

	if (*here)
		return;
	*here = true;
	plain_definition(statement ? MARK_STATEMENT : MARK_EXTENSION, &text);
	world_fake_advance(&t->world, 1000);
	accept(t, collection, "self", buf_slice(&text));
	buf_fini(&text);
}

static void add_definitions(struct testing *t, struct world_of *w, int64_t collection)
{
	if (chance(40))
		add_plain(t, w, collection);
	for (unsigned i = 0; i < DEFINITIONS; i++) {
		struct definition *d = &w->definitions[i];

		if (!d->doubted && chance(d->here ? 3 : 40))
			add_defined(t, d, MARK_DEFINED + i, collection);
	}
}

/* ---- the ways -------------------------------------------------------------------------------- */

struct tally {
	uint64_t cases, released, defined, leaks, missing;
};

/* What came out, by thing and version. */
struct seen {
	bool it[THINGS][VERSIONS];
};

static void see(const struct world_of *w, struct seen *seen, struct slice id, int64_t version_us)
{
	for (unsigned i = 0; i < THINGS; i++) {
		if (!slice_is(id, w->things[i].id))
			continue;
		for (unsigned n = 0; n < w->things[i].count; n++)
			if (w->things[i].versions[n].modified_us == version_us)
				seen->it[i][n] = true;
	}
}

static void see_row(const struct world_of *w, struct seen *seen, const struct store_row *row)
{
	char id[STIX_ID_MAX + 1];

	stix_id_format(row->type, &row->uuid, id);
	see(w, seen, slice_of(id), row->version_us);
}

static void see_rows(const struct world_of *w, struct seen *seen, struct store_cursor *c)
{
	struct err e;

	for (;;) {
		struct store_row row;
		bool more;

		must_be(store_cursor_next(c, &row, &more, &e), &e, "next");
		if (!more)
			break;
		see_row(w, seen, &row);
	}
	store_cursor_free(c);
}

static bool refers(const struct version *v, int target)
{
	for (unsigned k = 0; k < REFS; k++)
		if (v->refs[k] == target)
			return true;
	return false;
}

/* Compare: all that must come (every or the newest only, of one thing, or referring to one). */
struct expected {
	bool every;
	int thing;  /* -1: all */
	int target; /* -1: no matter */
};

static void compare(const struct world_of *w, const struct recipient *r, const struct seen *seen,
	struct expected x, int64_t now_us, const char *way, struct tally *k)
{
	for (int i = 0; i < THINGS; i++) {
		const struct thing *thing = &w->things[i];

		for (unsigned n = 0; n < thing->count; n++) {
			const struct version *v = &thing->versions[n];
			bool may = allowed(w, r, thing, v, now_us);
			bool asked = (x.every || n + 1 == thing->count) &&
				     (x.thing < 0 || x.thing == i) &&
				     (x.target < 0 || refers(v, x.target));

			k->cases++;
			k->released += seen->it[i][n];
			k->defined += seen->it[i][n] && says_of(w, v, WITH_ALL, now_us).defined;
			k->leaks += seen->it[i][n] && !may;
			k->missing += asked && may && !seen->it[i][n];
			if (seen->it[i][n] != (asked && may) && way != NULL) {
				const struct says says = says_of(w, v, WITH_ALL, now_us);

				fprintf(stderr,
					"%s, as %d member %d: %s version %u %s (tlp %d, pap %d%s, "
					"by hand %d)\n",
					way, r->as, r->member, thing->id, n,
					seen->it[i][n] ? "came" : "did not come", says.tlp,
					says.pap, says.unknown ? ", unknown" : "", may);
			}
		}
	}
}

static void thing_key(const struct world_of *w, unsigned i, struct stix_id *ret_id)
{
	if (!stix_id_parse(slice_of(w->things[i].id), ret_id))
		broken("an id that is none");
}

/* One thing at a time: versions, referrers, get. */
static void ways_of_thing(struct testing *t, const struct world_of *w, const struct recipient *r,
	struct store_reader *reader, int64_t now_us, struct tally *k)
{
	unsigned i = pick(THINGS);
	struct store_cursor *c;
	struct store_row row;
	struct buf body = BUF_INIT;
	struct stix_id id;
	struct seen seen;
	struct err e;
	bool found;

	thing_key(w, i, &id);
	seen = (struct seen){0};
	must_be(intel_release_versions(t->intel, reader, &r->to, id.type, &id.uuid, &c, &e), &e,
		"versions");
	see_rows(w, &seen, c);
	compare(w, r, &seen, (struct expected){true, (int)i, -1}, now_us, "versions", k);
	seen = (struct seen){0};
	must_be(intel_release_referrers(t->intel, reader, &r->to, id.type, &id.uuid, &c, &e), &e,
		"referrers");
	see_rows(w, &seen, c);
	compare(w, r, &seen, (struct expected){false, -1, (int)i}, now_us, "referrers", k);
	seen = (struct seen){0};
	must_be(intel_release_get(
			t->intel, reader, &r->to, id.type, &id.uuid, &row, &body, &found, &e),
		&e, "get");
	if (found)
		see_row(w, &seen, &row);
	compare(w, r, &seen, (struct expected){false, (int)i, -1}, now_us, "get", k);
	seen = (struct seen){0};
	for (int64_t serial = 1; serial <= THINGS * VERSIONS + 2 + 2 * DEFINITIONS; serial++) {
		must_be(intel_release_serial(
				t->intel, reader, &r->to, serial, &row, &body, &found, &e),
			&e, "serial");
		if (found)
			see_row(w, &seen, &row);
	}
	compare(w, r, &seen, (struct expected){true, -1, -1}, now_us, "serial", k);
	buf_fini(&body);
}

static void ways_of_store(struct testing *t, const struct world_of *w, const struct recipient *r,
	int64_t collection, int64_t now_us, struct tally *k)
{
	const struct store_search search = {.every_version = chance(50)};
	const struct store_page page = {.collection = collection,
		.after_us = INT64_MIN,
		.versions = chance(50) ? STORE_EVERY : STORE_LAST};
	bool every = chance(50);
	struct store_reader *reader;
	struct store_cursor *c;
	struct seen seen;
	struct err e;

	must_be(store_reader_take(t->store, &reader, &e), &e, "reader");
	seen = (struct seen){0};
	must_be(intel_release_all(t->intel, reader, &r->to, 0, every, &c, &e), &e, "all");
	see_rows(w, &seen, c);
	compare(w, r, &seen, (struct expected){every, -1, -1}, now_us, "all", k);
	seen = (struct seen){0};
	must_be(intel_release_search(t->intel, reader, &r->to, &search, &c, &e), &e, "search");
	see_rows(w, &seen, c);
	compare(w, r, &seen, (struct expected){search.every_version, -1, -1}, now_us, "search", k);
	seen = (struct seen){0};
	must_be(intel_release_page(t->intel, reader, &r->to, &page, &c, &e), &e, "page");
	see_rows(w, &seen, c);
	compare(w, r, &seen, (struct expected){page.versions == STORE_EVERY, -1, -1}, now_us,
		"page", k);
	ways_of_thing(t, w, r, reader, now_us, k);
	store_reader_give(reader);
}

/* Objects in a list, or one a line: those that are ours. */
static void see_object(const struct world_of *w, struct seen *seen, struct json_value object)
{
	int64_t us;

	if (time_parse(json_get_string(object, "modified"), &us, NULL))
		see(w, seen, json_get_string(object, "id"), us);
}

static void way_of_export(struct testing *t, const struct world_of *w, const struct recipient *r,
	int64_t now_us, struct tally *k)
{
	char path[128];
	const struct intel_export export = {
		.to = r->to, .format = "ndjson", .path = path, .every_version = true};
	struct intel_export_counts counts;
	struct seen seen = {0};
	struct buf text = BUF_INIT;
	struct slice rest, line;
	struct err e;

	snprintf(path, sizeof(path), "%s/export", t->folder);
	must_be(intel_export_run(t->intel, &export, &counts, &e), &e, "export");
	must_be(file_read(path, MIB(16), &text, &e), &e, "read the export");
	for (rest = buf_slice(&text); slice_next(&rest, '\n', &line);) {
		struct json_doc doc;

		if (line.len == 0)
			continue;
		must_be(json_parse(t->parser, line, &doc, &e), &e, "parse the export");
		see_object(w, &seen, json_root(&doc));
	}
	compare(w, r, &seen, (struct expected){true, -1, -1}, now_us, "export", k);
	buf_fini(&text);
	remove(path);
}

/* Page by page, and each object by its own address. */
static void way_of_taxii(struct testing *t, const struct world_of *w, const struct recipient *r,
	int64_t now_us, struct tally *k)
{
	struct seen seen = {0};
	char next[256] = "";
	unsigned status, one = pick(THINGS);

	for (;;) {
		struct json_value list, object;

		status = testing_get(t, r->account,
			"/api/collections/c/objects/?limit=5&match%%5Bversion%%5D=all%s%s",
			next[0] != '\0' ? "&next=" : "", next);
		if (status != 200)
			broken("a page was refused");
		(void)testing_json(t);
		if (json_get(json_root(&t->doc), "objects", &list))
			for (struct json_iter it = json_iter(list); json_array_next(&it, &object);)
				see_object(w, &seen, object);
		if (testing_member(t, "next").len == 0)
			break;
		snprintf(next, sizeof(next), "%.*s", SLICE_ARG(testing_member(t, "next")));
	}
	compare(w, r, &seen, (struct expected){true, -1, -1}, now_us, "TAXII objects", k);
	seen = (struct seen){0};
	status = testing_get(t, r->account,
		"/api/collections/c/objects/%s/?match%%5Bversion%%5D=all", w->things[one].id);
	if (status == 200) {
		struct json_value list, object;

		(void)testing_json(t);
		if (json_get(json_root(&t->doc), "objects", &list))
			for (struct json_iter it = json_iter(list); json_array_next(&it, &object);)
				see_object(w, &seen, object);
	} else if (status != 404) {
		broken("an object's page was refused");
	}
	compare(w, r, &seen, (struct expected){true, (int)one, -1}, now_us, "TAXII object", k);
}

/* A planted leak: as if labels did not hold what an object refers to, or nobody read definitions.
 */
static void way_planted(const struct world_of *w, const struct recipient *r, unsigned with,
	int64_t now_us, struct tally *k)
{
	struct seen seen = {0};

	for (unsigned i = 0; i < THINGS; i++)
		for (unsigned n = 0; n < w->things[i].count; n++) {
			const struct version *v = &w->things[i].versions[n];
			const struct says says = says_of(w, v, with, now_us);

			seen.it[i][n] = allowed_at(w, r, &w->things[i], v, &says, now_us);
		}
	compare(w, r, &seen, (struct expected){true, -1, -1}, now_us, NULL, k);
}

/* ---- worlds ---------------------------------------------------------------------------------- */

/* Accounts: of our own people, of two members, of anybody, of ourselves. */
static const struct {
	const char *name;
	const char *member;
	int number;
	enum store_role role;
} accounts[] = {
	{"ann",   "",       UNKNOWN,  STORE_READER       },
	{"boss",  "",       UNKNOWN,  STORE_ADMINISTRATOR},
	{"joe",   "kz",     1,        STORE_READER       },
	{"jim",   "uz",     3,        STORE_ADMINISTRATOR},
	{"all",   "public", PUBLIC,   STORE_READER       },
	{"us",    "kg",     0,        STORE_READER       },
	{"exile", "xx",     STRANGER, STORE_READER       },
};

static void make_accounts(struct testing *t, int64_t collection)
{
	for (unsigned i = 0; i < COUNT_OF(accounts); i++) {
		struct store_account a = {.name = slice_of(accounts[i].name),
			.role = accounts[i].role,
			.member = slice_of(accounts[i].member)};
		struct err e;

		must_be(store_account_put(t->store, &a, &e), &e, "account");
		testing_right(t, accounts[i].name, collection, STORE_MAY_READ);
	}
}

static void as_account(struct testing *t, struct recipient *r, unsigned i, int64_t collection)
{
	struct store_account a;
	bool found;
	struct err e;

	must_be(store_account_get(t->store, slice_of(accounts[i].name), t->arena, &a, &found, &e),
		&e, "account");
	r->account = accounts[i].name;
	r->member = accounts[i].number;
	r->administrator = a.role == STORE_ADMINISTRATOR;
	r->to = (struct intel_recipient){.reach = INTEL_COLLECTION,
		.account = a.number,
		.role = a.role,
		.collection = collection,
		.tlp_max = (enum stix_tlp)r->tlp_max,
		.member = slice_of(accounts[i].member)};
}

static struct recipient make_recipient(struct testing *t, int64_t collection, int tlp_max)
{
	struct recipient r = {.as = (int)pick(6), .member = UNKNOWN, .tlp_max = tlp_max};

	switch (r.as) {
	case AS_PEER:
		r.member = 1 + (int)pick(MEMBERS - 1);
		r.to = (struct intel_recipient){
			.reach = INTEL_PEER, .member = slice_of(members[r.member])};
		break;
	case AS_MEMBER:
		r.member = chance(50) ? UNKNOWN : 1 + (int)pick(MEMBERS - 1);
		r.to = (struct intel_recipient){.reach = INTEL_MEMBER};
		if (r.member != UNKNOWN)
			r.to.member = slice_of(members[r.member]);
		break;
	case AS_PUBLIC:
		r.to = (struct intel_recipient){.reach = INTEL_PUBLIC};
		break;
	case AS_OPERATOR:
		r.to = (struct intel_recipient){.reach = INTEL_OPERATOR};
		break;
	case AS_ACCOUNT:
		as_account(t, &r, pick(COUNT_OF(accounts)), collection);
		break;
	default:
		r.member = PUBLIC;
		r.to = (struct intel_recipient){.reach = INTEL_COLLECTION,
			.role = STORE_READER,
			.collection = collection,
			.tlp_max = (enum stix_tlp)tlp_max};
		break;
	}
	return r;
}

static void grow(struct testing *t, struct world_of *w, int64_t collection)
{
	for (unsigned i = 0; i < THINGS; i++)
		if (w->things[i].count < VERSIONS && chance(45))
			add_version(t, w, collection, &w->things[i]);
	add_definitions(t, w, collection);
}

/* A world: objects come, policies change, recipients read, in between and after. */
static void run_world(struct tally *k, struct tally *planted, uint64_t cases)
{
	static struct world_of w;
	struct testing t;
	int64_t collection;
	int tlp_max = CLEAR + (int)pick(4);

	w = (struct world_of){.things_count = THINGS};
	testing_open(&t, NULL);
	collection = testing_collection(&t, "c", (enum stix_tlp)tlp_max, true);
	make_accounts(&t, collection);
	make_things(&w);
	for (unsigned phase = 0; phase < 4 && k->cases < cases; phase++) {
		grow(&t, &w, collection);
		if (chance(80) || phase == 0)
			set_policy(&t, &w);
		if (chance(50))
			world_fake_advance(&t.world, (int64_t)pick(40) * 3600 * 1000000);
		for (unsigned n = 0; n < 8; n++) {
			struct recipient r = make_recipient(&t, collection, tlp_max);
			int64_t now_us;

			if (chance(20)) /* dates pass while what was read is remembered */
				world_fake_advance(
					&t.world, (int64_t)(1 + pick(30)) * 3600 * 1000000);
			now_us = t.world.now_us;
			ways_of_store(&t, &w, &r, collection, now_us, k);
			if (r.as == AS_ACCOUNT || r.as == AS_NOBODY)
				way_of_taxii(&t, &w, &r, now_us, k);
			if (r.as != AS_ACCOUNT && r.as != AS_NOBODY && chance(40))
				way_of_export(&t, &w, &r, now_us, k);
			way_planted(&w, &r, WITH_DEFINITIONS, now_us, &planted[0]);
			way_planted(&w, &r, WITH_REFERENCES, now_us, &planted[1]);
			arena_reset(t.arena);
		}
	}
	testing_close(&t);
}

int main(int count, char **args)
{
	uint64_t cases = count > 1 ? strtoull(args[1], NULL, 10) : CASES_DEFAULT;
	uint64_t seed = count > 2 ? strtoull(args[2], NULL, 10) : 1;
	struct tally k = {0}, planted[2] = {{0}, {0}};

	for (uint64_t n = 0; k.cases < cases; n++) {
		random_begin(seed * 1000003 + n);
		run_world(&k, planted, cases);
		if (k.leaks + k.missing > 0) {
			fprintf(stderr, "seed %llu, world %llu\n", (unsigned long long)seed,
				(unsigned long long)n);
			break;
		}
	}
	printf("%llu cases, %llu released, %llu of them under PAP or IEP, %llu leaks, %llu wrongly "
	       "withheld; planted, with "
	       "references forgotten: %llu of %llu found, with definitions: %llu of %llu\n",
		(unsigned long long)k.cases, (unsigned long long)k.released,
		(unsigned long long)k.defined, (unsigned long long)k.leaks,
		(unsigned long long)k.missing, (unsigned long long)planted[0].leaks,
		(unsigned long long)planted[0].cases, (unsigned long long)planted[1].leaks,
		(unsigned long long)planted[1].cases);
	if (k.leaks + k.missing > 0 || k.defined == 0 || planted[0].leaks == 0 ||
		planted[1].leaks == 0)
		return 1;
	return 0;
}
