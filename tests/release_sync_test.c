/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Nothing reaches another member that the policy and the markings do not allow: not directly, not
 * through a reference, not over a third member, not in a file.
 *
 * Worlds of random objects, references, markings and policies are spread over four members, each
 * with its own store, policy engine, log, signer and the node's own sink, in one process. They
 * publish, withdraw, ask one another, hand on what they got, write files and start again, while
 * links are cut and policies change and arrive at each at another time. Every opening in every
 * answer and every file (which is opened here with the recipient's key, apart from the code that
 * imports it) is compared with the reading by hand of what its giver holds at that moment. A case
 * is one object in the hands of one member, one recipient, one way:
 *
 *   asked   what a member is answered in a round, as it asks
 *   taken   all of every log at once, as nobody honest asks
 *   filed   what is in a file for it
 *
 *   release_sync_test [CASES [SEED]]
 *
 * Then leaks are planted (the sink of a member lets an object through) and each must be found; and
 * sinks whose answer alone is wrong, which the check behind it must stop.
 */
#include <sodium.h>
#include <stdlib.h>

#include "parts.h"
#include "release_world.h"
#include "taxii_testing.h"

#define CASES_DEFAULT 40000
#define CASES_PLANTED 20000 /* at most, until all kinds of leaks were planted */
#define PLANTED_EACH  5     /* over each way, before it is enough */

#define THINGS    20
#define NAMED     (DEFINITIONS + 2) /* definitions, a statement, an extension: behind the things */
#define ITEMS     ((THINGS + NAMED) * VERSIONS_MAX)
#define LEAVES    2048 /* of one log */
#define PHASES    6
#define POLICIES  (PHASES + 1)
#define ROUND_US  (61 * US_PER_SECOND)
#define HOUR_US   (3600 * US_PER_SECOND)
#define SECOND_2  (US_PER_SECOND / 2)
#define STEPS_MAX 1000 /* of one round with one member */

enum channel { ASKED, TAKEN, FILED, WAYS };
static const char *const channel_names[WAYS] = {"asked", "taken", "filed"};

struct tally {
	uint64_t cases, released, relayed, by_reference, gone, leaks, missing;
};

/* One exact text, as somebody made it. */
struct item {
	unsigned thing, slot;
	struct version version;
	struct definition definition; /* of a definition */
	struct buf text;
};

struct league;

struct party {
	struct league *league;
	unsigned number;
	struct testing t;
	int64_t collection;
	struct node node;
	struct sink *sink;
	struct coalition_sink real, ours; /* ours looks, then asks the real one */
	struct signer_secrets secrets;
	struct ledger_disk_fake *fake, *keys_fake;
	struct ledger_disk disk, keys_disk;
	struct signer *signer;
	struct signer_link link;
	struct coalition *coalition;
	bool waiting; /* it started, and must not sign before others have told what they saw */
	/* By hand. */
	struct world_of view;
	struct rule overlay;
	bool overlaid;
	bool ours_to_publish[ITEMS];
	uint64_t policy; /* number of the one in force; 0: none */
	/* By log and leaf; 0: none, or a copy that goes to nobody. And: its content was here once.
	 */
	int64_t serials[MEMBERS][LEAVES];
	bool arrived[MEMBERS][LEAVES];
	bool dropped[MEMBERS][LEAVES]; /* taken back there */
	bool row_dropped[ITEMS];       /* by whom it came first; others may vouch for it still */
};

struct made_policy {
	struct world_of rules; /* no more than its rules */
	struct buf text;
};

struct league {
	struct world_fake clock;
	struct log log;
	struct party parties[MEMBERS];
	struct note_secret roots[MEMBERS];
	struct charter_member rows[MEMBERS];
	struct world_of things; /* ids, and how many versions were made */
	struct item items[ITEMS];
	unsigned items_count;
	unsigned leaf_items[MEMBERS][LEAVES]; /* 1 + item; 0: none of ours */
	struct made_policy policies[POLICIES];
	unsigned policies_count;
	bool cut[MEMBERS][MEMBERS];
	enum channel channel; /* in which somebody gives just now */
	struct tally *tally;
	/* Leaks on purpose. */
	bool planting, through;               /* through: also past the check when it leaves */
	uint64_t planting_now, referring_now; /* in the answer or file that is being made */
	uint64_t planted[WAYS], planted_by_reference, stopped;
	uint64_t classes; /* leaves whose class was compared */
};

/* ---- the reading by hand, kept up to date ---------------------------------------------------- */

static struct version *held(struct party *p, unsigned item)
{
	const struct item *it = &p->league->items[item];

	return &p->view.things[it->thing].versions[it->slot];
}

static unsigned item_of(const struct league *l, struct slice text)
{
	for (unsigned i = 0; i < l->items_count; i++)
		if (slice_equal(buf_slice(&l->items[i].text), text))
			return i;
	broken("a text that nobody made");
}

static bool is_definition(const struct item *it)
{
	return it->thing >= THINGS;
}

static enum intel_outcome outcome_of(struct party *p, unsigned item)
{
	const struct item *it = &p->league->items[item];
	const struct thing *thing = &p->view.things[it->thing];

	if (held(p, item)->here)
		return INTEL_KNOWN;
	for (unsigned n = 0; n < VERSIONS_MAX; n++)
		if (thing->versions[n].here &&
			thing->versions[n].modified_us == it->version.modified_us)
			return INTEL_CONFLICT;
	return INTEL_NEW;
}

/* It came, in whatever way, and became what `outcome` says. */
static void arrive(
	struct party *p, unsigned item, enum intel_outcome outcome, bool own, int64_t serial)
{
	const struct item *it = &p->league->items[item];
	struct version *v = held(p, item);
	unsigned k = it->thing - THINGS;

	if (outcome == INTEL_NEW) {
		*v = it->version;
		v->here = true;
		p->row_dropped[item] = false;
		v->own = own;
		v->serial = serial;
		v->added_us = p->league->clock.now_us;
	}
	if (!is_definition(it) || outcome == INTEL_KNOWN)
		return;
	if (k < DEFINITIONS) {
		struct definition *d = &p->view.definitions[k];
		bool doubted = d->here;

		*d = it->definition;
		d->here = true;
		d->doubted = doubted;
	} else if (k == DEFINITIONS) {
		p->view.statement_here = true;
	} else {
		p->view.extension_here = true;
	}
}

/* Is this leaf's content here, under the serial that it came with? */
static bool holds(struct party *p, unsigned log, uint64_t index)
{
	const struct version *v = held(p, p->league->leaf_items[log][index] - 1);

	return p->serials[log][index] != 0 && !p->dropped[log][index] && v->here &&
	       v->serial == p->serials[log][index];
}

/* May it give this leaf's content, as it stands? */
static bool may_give(struct party *giver, unsigned to, unsigned log, uint64_t index, unsigned with)
{
	const struct recipient r = {.as = AS_PEER, .member = (int)to};
	unsigned item = giver->league->leaf_items[log][index] - 1;
	const struct version *v = held(giver, item);
	int64_t now_us = giver->league->clock.now_us;
	struct says says;

	if (!holds(giver, log, index))
		return false;
	if (giver->ours_to_publish[item] != (log == giver->number))
		return false;
	says = says_of(&giver->view, v, with, now_us);
	return allowed_at(&giver->view, &r, &giver->view.things[giver->league->items[item].thing],
		v, &says, now_us);
}

/* ---- the sink, watched ----------------------------------------------------------------------- */

static unsigned member_of(struct slice name)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		if (slice_is(name, members[i]))
			return i;
	broken("a member that there is not");
}

/* The class of a leaf says whether all may have it; nothing else about it leaves. */
static void class_check(struct party *p, const struct coalition_own *own)
{
	unsigned item = item_of(p->league, own->content);
	bool all = true;

	for (unsigned m = 0; m < MEMBERS; m++) {
		const struct recipient r = {.as = AS_PEER, .member = (int)m};
		const struct version *v = held(p, item);

		if (m != p->number)
			all = all &&
			      allowed(&p->view, &r, &p->view.things[p->league->items[item].thing],
				      v, p->league->clock.now_us);
	}
	if (own->for_all != all)
		broken("a leaf says wrongly whether all may have it");
	p->league->classes++;
}

static enum err_kind ours_own_after(void *context, uint64_t after, size_t max, struct arena *a,
	struct coalition_own **ret_own, size_t *ret_count, struct err *e)
{
	struct party *p = context;
	enum err_kind kind =
		p->real.own_after(p->real.context, after, max, a, ret_own, ret_count, e);

	for (size_t i = 0; kind == OK && i < *ret_count; i++)
		class_check(p, &(*ret_own)[i]);
	return kind;
}

static enum err_kind ours_accept(void *context, struct slice origin, const uint64_t *indices,
	const struct slice *contents, size_t count, uint64_t *ret_serials, struct err *e)
{
	struct party *p = context;
	unsigned log = member_of(origin);
	enum err_kind kind =
		p->real.accept(p->real.context, origin, indices, contents, count, ret_serials, e);

	must_be(kind, e, "accept");
	for (size_t i = 0; i < count; i++) {
		unsigned item = item_of(p->league, contents[i]);
		enum intel_outcome outcome = outcome_of(p, item);

		/* For what is here already, word for word, this one vouches too. */
		if ((outcome == INTEL_CONFLICT) != (ret_serials[i] == 0))
			broken("what came was not taken as it should be");
		if (outcome == INTEL_NEW)
			p->ours_to_publish[item] = false;
		arrive(p, item, outcome, false, (int64_t)ret_serials[i]);
		p->serials[log][indices[i]] = (int64_t)ret_serials[i];
		p->arrived[log][indices[i]] = true;
	}
	return OK;
}

static enum err_kind ours_accepted(void *context, struct slice origin, struct arena *a,
	uint64_t **ret_indices, uint64_t **ret_serials, size_t *ret_count, struct err *e)
{
	struct party *p = context;

	return p->real.accepted(p->real.context, origin, a, ret_indices, ret_serials, ret_count, e);
}

static enum err_kind ours_content(
	void *context, uint64_t serial, struct buf *out, bool *ret_found, struct err *e)
{
	struct party *p = context;

	return p->real.content(p->real.context, serial, out, ret_found, e);
}

static uint64_t leaf_of(const struct party *p, unsigned log, uint64_t serial)
{
	for (uint64_t i = 0; i < LEAVES; i++)
		if (p->serials[log][i] == (int64_t)serial)
			return i;
	broken("a serial that is in no log");
}

/* One that must not leave does; rather one that only a reference holds back. */
static void plant(struct party *p, unsigned to, unsigned log, const uint64_t *serials, size_t count,
	bool *may)
{
	size_t found = SIZE_MAX;
	bool by_reference = false;

	for (size_t i = 0; i < count && !by_reference; i++) {
		uint64_t index = leaf_of(p, log, serials[i]);

		if (may[i])
			continue;
		by_reference = may_give(p, to, log, index, WITH_DEFINITIONS);
		if (by_reference || found == SIZE_MAX || chance(20))
			found = i;
	}
	if (found == SIZE_MAX)
		return;
	may[found] = true;
	p->league->through = chance(80);
	if (!p->league->through)
		return;
	p->league->planting_now++;
	p->league->referring_now += by_reference;
}

static enum err_kind ours_may(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, bool *ret_may, struct err *e)
{
	struct party *p = context;
	enum err_kind kind =
		p->real.may(p->real.context, member, origin, serials, count, ret_may, e);

	p->league->through = false;
	if (kind == OK && p->league->planting && chance(30))
		plant(p, member_of(member), member_of(origin), serials, count, ret_may);
	return kind;
}

static enum err_kind ours_released(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, struct err *e)
{
	struct party *p = context;

	if (p->league->through)
		return OK;
	return p->real.released(p->real.context, member, origin, serials, count, e);
}

/* It goes when nobody vouches for it. */
static bool vouched(const struct party *p, unsigned item)
{
	if (!p->row_dropped[item])
		return true;
	for (unsigned log = 0; log < MEMBERS; log++)
		for (uint64_t i = 0; i < LEAVES; i++)
			if (p->league->leaf_items[log][i] == item + 1 && p->serials[log][i] != 0 &&
				!p->dropped[log][i])
				return true;
	return false;
}

static enum err_kind ours_forget(void *context, uint64_t serial, struct err *e)
{
	struct party *p = context;

	for (unsigned log = 0; log < MEMBERS; log++)
		for (uint64_t i = 0; i < LEAVES; i++)
			if (p->serials[log][i] == (int64_t)serial)
				p->dropped[log][i] = true;
	for (unsigned i = 0; i < p->league->items_count; i++) {
		if (held(p, i)->here && held(p, i)->serial == (int64_t)serial)
			p->row_dropped[i] = true;
		if (held(p, i)->here)
			held(p, i)->here = vouched(p, i);
	}
	return p->real.forget(p->real.context, serial, e);
}

static bool ours_forgotten(void *context)
{
	struct party *p = context;

	return p->real.forgotten(p->real.context);
}

static enum err_kind ours_in_force(void *context, const struct charter *charter,
	const struct decision *decision, struct err *e)
{
	struct party *p = context;
	const struct made_policy *made = &p->league->policies[decision->sequence - 1];
	enum err_kind kind = p->real.in_force(p->real.context, charter, decision, e);

	must_be(kind, e, "put a policy in force");
	p->policy = decision->sequence;
	p->view.policy = true;
	p->view.expired = made->rules.expired;
	p->view.rules_count = made->rules.rules_count;
	memcpy(p->view.rules, made->rules.rules, sizeof(p->view.rules));
	if (p->overlaid)
		p->view.rules[p->view.rules_count++] = p->overlay;
	return kind;
}

static uint64_t ours_epoch(void *context)
{
	struct party *p = context;

	return p->real.epoch(p->real.context);
}

/* ---- comparing ------------------------------------------------------------------------------- */

/* Openings of one log that somebody gave, and which leaves it was asked about. */
struct given {
	bool asked[LEAVES], came[LEAVES];
	bool waits; /* another policy is in force at who asks, as it says: nothing may come */
};

static void given_put(struct party *giver, unsigned log, uint64_t index, struct slice content,
	struct given *given)
{
	struct ledger *copy = coalition_ledger(giver->coalition, slice_of(members[log]));
	struct ledger_leaf leaf;
	struct err e;

	if (index >= LEAVES)
		broken("a leaf that there is not");
	must_be(ledger_leaf_get(copy, index, &leaf, &e), &e, "read a leaf");
	if (leaf.class >= LEDGER_DECISION)
		return; /* for every member */
	if (giver->league->leaf_items[log][index] == 0 ||
		item_of(giver->league, content) + 1 != giver->league->leaf_items[log][index])
		broken("an opening of something else");
	given->came[index] = true;
}

static void report(const struct party *giver, unsigned to, unsigned log, uint64_t index, bool came)
{
	const struct league *l = giver->league;
	const struct item *it = &l->items[l->leaf_items[log][index] - 1];

	fprintf(stderr, "%s, from %s to %s, %s:%llu: %s %s\n", channel_names[l->channel],
		members[giver->number], members[to], members[log], (unsigned long long)index,
		l->things.things[it->thing].id, came ? "came" : "did not come");
}

/* The answer or file was made, and leaves. */
static void leaves(struct league *l, bool does)
{
	if (does) {
		l->planted[l->channel] += l->planting_now;
		l->planted_by_reference += l->referring_now;
	}
	l->planting_now = l->referring_now = 0;
}

static void compare(struct party *giver, unsigned to, unsigned log, const struct given *given)
{
	struct league *l = giver->league;
	struct tally *k = &l->tally[l->channel];

	for (uint64_t i = 0; i < LEAVES && log != to; i++) { /* its own it is always given back */
		bool came = given->came[i], may;

		if (l->leaf_items[log][i] == 0 || !(given->asked[i] || came) ||
			!giver->arrived[log][i])
			continue;
		may = !given->waits && may_give(giver, to, log, i, WITH_ALL);
		k->cases++;
		k->released += came;
		k->relayed += came && giver->number != log;
		k->by_reference += !may && may_give(giver, to, log, i, WITH_DEFINITIONS);
		k->gone += giver->dropped[log][i];
		k->leaks += came && !may;
		k->missing += !came && may;
		if (came != may && !l->planting)
			report(giver, to, log, i, came);
	}
}

/* ---- over the network ------------------------------------------------------------------------ */

static unsigned read_log(struct reader *r)
{
	struct slice name = read_bytes(r, read_u16(r));

	return member_of(slice_cut(name, 0, slice_find(name, '/', 0)));
}

static void read_openings(
	struct party *giver, unsigned log, struct reader *r, uint32_t count, struct given *given)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t index = read_u64(r);
		struct slice content;

		read_bytes(r, LEDGER_SALT_LEN);
		content = read_bytes(r, read_u32(r));
		given_put(giver, log, index, content, given);
	}
	if (r->bad || r->rest.len != 0)
		broken("an answer with openings that cannot be read");
}

/* What was asked for below `next`, and is there. */
static void read_ranges(struct reader *r, uint64_t next, struct given *given)
{
	for (uint32_t count = read_u32(r); count > 0; count--) {
		uint64_t from = read_u64(r), to = read_u64(r);

		for (uint64_t i = from; i < to && i < next && i < LEAVES; i++)
			given->asked[i] = true;
	}
}

static void openings_check(
	struct party *giver, unsigned to, struct slice request, struct slice answer)
{
	static struct given given;
	struct reader asked = {.rest = request}, r = {.rest = answer};
	unsigned log = read_log(&asked);
	bool specials = read_u8(&asked) == 1;
	uint64_t next;

	given = (struct given){.waits = read_u64(&asked) != giver->policy};
	read_u64(&r);
	next = read_u64(&r);
	read_u32(&r);
	read_ranges(&asked, specials ? 0 : next, &given);
	read_openings(giver, log, &r, read_u32(&r), &given);
	compare(giver, to, log, &given);
}

struct line {
	struct party *from, *to;
};

static enum err_kind line_call(void *context, enum coalition_ask ask, struct slice request,
	struct buf *ret_answer, struct err *e)
{
	const struct line *line = context;
	struct league *l = line->from->league;
	enum err_kind kind;

	if (l->cut[line->from->number][line->to->number])
		return err_set(e, ERR_IO, "cannot be reached");
	l->channel = ASKED;
	kind = coalition_answer(line->to->coalition, slice_of(members[line->from->number]), ask,
		request, ret_answer, e);
	leaves(l, kind == OK);
	if (kind == OK && ask == COALITION_OPENINGS)
		openings_check(line->to, line->from->number, request, buf_slice(ret_answer));
	return kind;
}

/* What is refused because its sink's answer alone was wrong is no mistake. */
static void may_be_stopped(struct league *l, enum err_kind kind, const struct err *e)
{
	if (kind == ERR_BUSY && l->planting)
		l->stopped++;
	else
		must_be(kind, e, channel_names[l->channel]);
}

static void meet(struct party *from, struct party *to)
{
	struct line line = {from, to};
	const struct coalition_way way = {line_call, &line};
	bool more = true;

	for (unsigned steps = 0; more; steps++) {
		struct err e;
		enum err_kind kind = coalition_step(
			from->coalition, slice_of(members[to->number]), &way, &more, &e);

		if (kind == ERR_IO && from->league->cut[from->number][to->number])
			return;
		may_be_stopped(from->league, kind, &e);
		if (kind != OK)
			return;
		if (steps > STEPS_MAX)
			broken("a round does not end");
	}
}

/* All that can be had, by one request a log. */
static void take(struct party *from, struct party *to)
{
	struct buf request = BUF_INIT, answer = BUF_INIT;

	for (unsigned log = 0; log < MEMBERS; log++) {
		uint64_t first = chance(80) ? 0 : pick(40);
		uint8_t bytes[8];
		struct err e;
		enum err_kind kind;

		buf_clear(&request);
		buf_clear(&answer);
		put_u16(bytes, (uint16_t)(strlen(members[log]) + 4));
		buf_append(&request, bytes, 2);
		buf_printf(&request, "%s/log", members[log]);
		buf_char(&request, chance(10) ? '\1' : '\0');
		put_u64(bytes, chance(90) ? from->policy : pick(POLICIES));
		buf_append(&request, bytes, 8);
		put_u32(bytes, 1);
		buf_append(&request, bytes, 4);
		put_u64(bytes, first);
		buf_append(&request, bytes, 8);
		put_u64(bytes, LEDGER_SIZE_MAX);
		buf_append(&request, bytes, 8);
		from->league->channel = TAKEN;
		kind = coalition_answer(from->coalition, slice_of(members[to->number]),
			COALITION_OPENINGS, buf_slice(&request), &answer, &e);
		leaves(from->league, kind == OK);
		may_be_stopped(from->league, kind, &e);
		if (kind == OK)
			openings_check(from, to->number, buf_slice(&request), buf_slice(&answer));
	}
	buf_fini(&request);
	buf_fini(&answer);
}

/* ---- in files -------------------------------------------------------------------------------- */

static enum err_kind file_write(void *context, struct slice bytes, struct err *e)
{
	struct buf *out = context;

	buf_slice_append(out, bytes);
	return out->bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

#define STREAM_HEADER crypto_secretstream_xchacha20poly1305_HEADERBYTES

struct file {
	struct reader r;
	crypto_secretstream_xchacha20poly1305_state stream;
	struct given given[MEMBERS];
};

static void file_begin(struct file *f, const struct party *to)
{
	uint8_t key[crypto_secretstream_xchacha20poly1305_KEYBYTES];
	struct slice box, header;

	if (!slice_is(read_bytes(&f->r, 8), "SERAIB1\n"))
		broken("no file of ours");
	read_bytes(&f->r, read_u32(&f->r)); /* manifest */
	box = read_bytes(&f->r, SIGNER_SEALED_LEN);
	header = read_bytes(&f->r, STREAM_HEADER);
	if (f->r.bad ||
		crypto_box_seal_open(key, (const uint8_t *)box.data, SIGNER_SEALED_LEN,
			to->secrets.box_public, to->secrets.box_secret) != 0 ||
		crypto_secretstream_xchacha20poly1305_init_pull(
			&f->stream, (const uint8_t *)header.data, key) != 0)
		broken("a file that its recipient cannot open");
}

/* Leaves say about what the openings could be: all below the size of the head. */
static void file_record(struct file *f, struct party *from, struct slice plain)
{
	struct reader r = {.rest = plain};
	uint8_t kind_of = read_u8(&r);
	unsigned log;
	uint64_t first, size;

	if (kind_of == 3) {
		log = read_log(&r);
		first = read_u64(&r);
		size = read_u64(&r);
		for (uint64_t i = first; i < size && i < LEAVES; i++)
			f->given[log].asked[i] = true;
	} else if (kind_of == 4) {
		log = read_log(&r);
		read_u64(&r);
		read_u64(&r);
		read_u32(&r);
		read_openings(from, log, &r, read_u32(&r), &f->given[log]);
	}
}

static void file_check(struct party *from, struct party *to, struct slice bytes, bool whole)
{
	static struct file f;
	unsigned char tag = 0;

	f = (struct file){.r = {.rest = bytes}};
	file_begin(&f, to);
	while (tag != crypto_secretstream_xchacha20poly1305_TAG_FINAL &&
		(whole || f.r.rest.len > 0)) {
		struct slice sealed = read_bytes(&f.r, read_u32(&f.r));
		unsigned char *plain = malloc(sealed.len + 1);
		unsigned long long len;

		if (plain == NULL || f.r.bad ||
			crypto_secretstream_xchacha20poly1305_pull(&f.stream, plain, &len, &tag,
				(const unsigned char *)sealed.data, sealed.len, NULL, 0) != 0)
			broken("a file that ends too early");
		file_record(&f, from, (struct slice){(const char *)plain, (size_t)len});
		free(plain);
	}
	for (unsigned log = 0; log < MEMBERS; log++) {
		if (!whole)
			memset(f.given[log].asked, 0, sizeof(f.given[log].asked));
		compare(from, to->number, log, &f.given[log]);
	}
}

static void file_import(struct party *to, struct slice bytes)
{
	struct arena *a = arena_new(MIB(1));
	struct coalition_imported imported;
	struct input *in;
	struct err e;

	must_be(input_of_memory(bytes, "a file", &in, &e), &e, "open a file");
	must_be(coalition_bundle_import(to->coalition, in, a, &imported, &e), &e, "import");
	if (imported.refused != 0)
		broken("a file holds what nobody can use");
	input_free(in);
	arena_free(a);
}

static void send_file(struct party *from, struct party *to, bool import)
{
	struct buf file = BUF_INIT;
	const struct coalition_export export = {
		slice_of(members[to->number]), chance(80), file_write, &file};
	struct err e;
	enum err_kind kind;

	from->league->channel = FILED;
	kind = coalition_bundle_export(from->coalition, &export, &e);
	leaves(from->league, true); /* what was written before it was stopped has left */
	may_be_stopped(from->league, kind, &e);
	file_check(from, to, buf_slice(&file), kind == OK);
	if (kind == OK && import)
		file_import(to, buf_slice(&file));
	buf_fini(&file);
}

/* ---- what members do ------------------------------------------------------------------------- */

static const struct {
	const char *name; /* NULL: the member's own; "": another member's */
	bool own, ours;
} sources[] = {
	{"self",      true,  true },
	{NULL,        true,  true },
	{"ann",       true,  true },
	{"",          false, true },
	{"joe",       false, false},
	{"somewhere", false, true },
};

static void take_in(struct party *p, unsigned item)
{
	const struct item *it = &p->league->items[item];
	unsigned source = is_definition(it) ? 0 : pick(COUNT_OF(sources));
	const char *name = sources[source].name == NULL      ? members[p->number]
			   : sources[source].name[0] == '\0' ? members[(p->number + 1) % MEMBERS]
							     : sources[source].name;
	const struct intel_source from = {
		.member = slice_of(name), .collections = &p->collection, .collections_count = 1};
	struct slice text = buf_slice(&it->text);
	struct arena *a = arena_new(MIB(4));
	enum intel_outcome outcome = outcome_of(p, item);
	struct intel_verdict verdict;
	struct err e;

	world_fake_advance(&p->league->clock, 1000);
	must_be(intel_accept(p->t.intel, &from, &text, 1, NULL, 0, a, &verdict, &e), &e, "accept");
	if (verdict.outcome != outcome) {
		fprintf(stderr, "%.*s\n%.*s\n", SLICE_ARG(text), SLICE_ARG(verdict.message));
		broken("an object was not taken as it should be");
	}
	if (outcome == INTEL_NEW)
		p->ours_to_publish[item] = sources[source].ours;
	arrive(p, item, outcome, sources[source].own, verdict.serial);
	arena_free(a);
}

/* The item of this text; a new one, unless somebody made the same. */
static unsigned item_add(struct league *l, unsigned thing, const struct version *v,
	const struct definition *d, struct buf *text)
{
	struct item *it = &l->items[l->items_count];

	for (unsigned i = 0; i < l->items_count; i++) {
		if (slice_equal(buf_slice(&l->items[i].text), buf_slice(text))) {
			buf_fini(text);
			return i;
		}
	}
	*it = (struct item){thing, l->things.things[thing].count++, *v, *d, *text};
	return l->items_count++;
}

static unsigned make_object(struct league *l, unsigned thing)
{
	const struct definition none = {0};
	struct buf text = BUF_INIT;
	struct version v;

	make_version(&l->things, &l->things.things[thing], &v);
	version_text(&l->things, &l->things.things[thing], &v, &text);
	return item_add(l, thing, &v, &none, &text);
}

static unsigned make_named(struct league *l, unsigned k)
{
	struct version v = {
		.confidence = UNKNOWN, .affected = UNKNOWN, .refs = {-1, -1, -1}
        };
	struct definition d = {0};
	struct buf text = BUF_INIT;
	unsigned year = chance(50) ? 2020 : 2021;

	if (k < DEFINITIONS) {
		make_definition(&d, MARK_DEFINED + k, year, &text);
	} else {
		year = 2020;
		plain_definition(k == DEFINITIONS ? MARK_STATEMENT : MARK_EXTENSION, &text);
	}
	v.modified_us = NOW_US - (year == 2020 ? 2192 : 1826) * DAY_US;
	return item_add(l, THINGS + k, &v, &d, &text);
}

static void grow(struct party *p)
{
	struct league *l = p->league;

	for (unsigned n = pick(8); n > 0; n--) {
		unsigned thing = pick(THINGS);

		if (l->items_count > 0 && chance(15))
			take_in(p, pick(l->items_count));
		else if (l->things.things[thing].count < VERSIONS_MAX)
			take_in(p, make_object(l, thing));
	}
	for (unsigned k = 0; k < NAMED; k++) {
		bool again = l->things.things[THINGS + k].count > 0;

		if (l->things.things[THINGS + k].count < 2 && chance(again ? 2 : 12))
			take_in(p, make_named(l, k));
	}
}

/* Our log's new leaves: which are of what. */
static void publish(struct party *p)
{
	struct league *l = p->league;
	uint64_t logged;
	bool more = true;

	while (more) {
		enum err_kind kind;
		struct err e;

		kind = coalition_publish(p->coalition, &logged, &more, &e);
		if (kind == ERR_DENIED && p->waiting)
			return; /* until it has met the others */
		must_be(kind, &e, "publish");
	}
	p->waiting = false;
	for (unsigned i = 0; i < l->items_count; i++) {
		uint64_t index;
		bool found;
		struct err e;

		if (!held(p, i)->here || !p->ours_to_publish[i] || p->row_dropped[i])
			continue;
		must_be(coalition_index_of(
				p->coalition, (uint64_t)held(p, i)->serial, &index, &found, &e),
			&e, "look for a leaf");
		if (!found || index >= LEAVES)
			broken("an object of ours is not in our log");
		l->leaf_items[p->number][index] = i + 1;
		p->serials[p->number][index] = held(p, i)->serial;
		p->arrived[p->number][index] = true;
	}
}

static void withdraw_one(struct party *p)
{
	unsigned item = pick(p->league->items_count);
	struct err e;

	for (uint64_t i = 0; i < LEAVES; i++) {
		if (p->league->leaf_items[p->number][i] != item + 1 || !held(p, item)->here ||
			is_definition(&p->league->items[item]) ||
			held(p, item)->serial != p->serials[p->number][i])
			continue;
		must_be(coalition_withdraw(p->coalition, i,
				chance(50) ? WITHDRAW_ERROR : WITHDRAW_ERASE, SLICE("taken back"),
				&e),
			&e, "withdraw");
		return;
	}
}

static void rounds(struct league *l, unsigned count)
{
	while (count-- > 0) {
		for (unsigned i = 0; i < MEMBERS; i++) {
			publish(&l->parties[i]);
			for (unsigned k = 0; k < MEMBERS; k++)
				if (k != i)
					meet(&l->parties[i], &l->parties[k]);
		}
		world_fake_advance(&l->clock, ROUND_US);
	}
}

/* ---- founding -------------------------------------------------------------------------------- */

static void sign_all(const struct league *l, struct slice text, struct buf *ret_note)
{
	struct buf lines = BUF_INIT;

	for (unsigned i = 0; i < MEMBERS; i++)
		note_sign(&l->roots[i], text, &lines);
	note_write(text, buf_slice(&lines), ret_note);
	buf_fini(&lines);
}

/* The next policy, by somebody in whose eyes the one before is in force. */
static void change_policy(struct league *l)
{
	struct party *p = &l->parties[pick(MEMBERS)];
	struct made_policy *made = &l->policies[l->policies_count];
	struct decision was, d = {.kind = SLICE("policy"), .sequence = l->policies_count + 1};
	struct buf before = BUF_INIT, text = BUF_INIT, note = BUF_INIT;
	struct arena *a = arena_new(MIB(4));
	uint64_t sequence;
	struct err e;

	if (p->policy != l->policies_count || p->waiting) {
		arena_free(a);
		return;
	}
	made->rules.expired = chance(4);
	make_policy(&made->rules, &made->text);
	d.content = buf_slice(&made->text);
	must_be(coalition_decision_get(p->coalition, SLICE("policy"), &sequence, &before, &e), &e,
		"decision");
	if (sequence > 0) {
		must_be(decision_parse(buf_slice(&before), a, &was, &e), &e, "decision");
		memcpy(d.previous, was.digest, SHA256_LEN);
	}
	l->policies_count++;
	decision_write(&d, &text);
	sign_all(l, buf_slice(&text), &note);
	must_be(coalition_decision_publish(p->coalition, buf_slice(&note), &e), &e,
		"publish a policy");
	buf_fini(&before);
	buf_fini(&text);
	buf_fini(&note);
	arena_free(a);
}

static void row_make(struct league *l, unsigned i)
{
	struct charter_member *m = &l->rows[i];
	struct signer_public keys;
	char name[32];
	struct err e;

	snprintf(name, sizeof(name), "%s/root", members[i]);
	must_be(note_secret_new(&l->clock.world, slice_of(name), NOTE_ED25519, &l->roots[i], &e),
		&e, "root key");
	must_be(signer_secrets_new(
			&l->clock.world, slice_of(members[i]), &l->parties[i].secrets, &e),
		&e, "keys");
	signer_secrets_public(&l->parties[i].secrets, &keys);
	memcpy(m->name, members[i], strlen(members[i]) + 1);
	m->title = slice_of(members[i]);
	m->root = l->roots[i].key;
	m->log = keys.keys[SIGNER_LOG];
	m->witness = keys.keys[SIGNER_WITNESS];
	m->mirror = keys.keys[SIGNER_MIRROR];
	memcpy(m->box, keys.box, SIGNER_BOX_LEN);
	hash_sha256(slice_of(m->name), m->pin);
}

static void party_accounts(struct party *p)
{
	const struct store_account ann = {.name = SLICE("ann"), .role = STORE_READER};
	const struct store_account joe = {.name = SLICE("joe"),
		.role = STORE_READER,
		.member = slice_of(members[(p->number + 1) % MEMBERS])};
	struct err e;

	must_be(store_account_put(p->t.store, &ann, &e), &e, "account");
	must_be(store_account_put(p->t.store, &joe, &e), &e, "account");
}

/* Some lay a policy of their own over it, which takes effect with the next one. */
static void party_overlay(struct party *p)
{
	char path[128];
	struct buf text = BUF_INIT;
	FILE *file;

	if (!chance(40))
		return;
	make_overlay(&p->overlay, &text);
	p->overlaid = true;
	snprintf(path, sizeof(path), "%s/overlay.json", p->t.folder);
	file = fopen(path, "w");
	if (file == NULL || fwrite(text.data, 1, text.len, file) != text.len || fclose(file) != 0)
		broken("could not write an overlay");
	buf_fini(&text);
}

/* Sink, signer and coalition over the store and the disks that are there. */
static void party_start(struct party *p)
{
	struct league *l = p->league;
	struct err e;

	p->node = (struct node){
		.config = {.folder = p->t.folder, .member = members[p->number], .received = "c"},
		.store = p->t.store,
		.intel = p->t.intel
        };
	must_be(sink_open(&p->node, &l->clock.world, &p->sink, &p->real, &e), &e, "sink");
	p->ours = (struct coalition_sink){ours_own_after, ours_accept, ours_accepted, ours_content,
		ours_may, ours_released, ours_forget, ours_in_force, ours_epoch, p, ours_forgotten};
	must_be(signer_open(&(struct signer_options){.secrets = &p->secrets,
				    .disk = &p->keys_disk,
				    .world = &l->clock.world,
				    .answers_needed = 2},
			&p->signer, &e),
		&e, "signer");
	p->link = signer_link_of(p->signer);
	must_be(coalition_open(&(struct coalition_options){.disk = &p->disk,
				       .folder = "c",
				       .self = slice_of(members[p->number]),
				       .world = &l->clock.world,
				       .signer = &p->link,
				       .sink = &p->ours,
				       .log = &l->log},
			&p->coalition, &e),
		&e, "coalition");
	p->waiting = true;
}

static void party_stop(struct party *p)
{
	coalition_close(p->coalition);
	signer_close(p->signer);
	sink_free(p->sink);
}

static void party_again(struct party *p)
{
	party_stop(p);
	testing_restart(&p->t);
	party_start(p);
}

static void party_open(struct league *l, unsigned i, struct slice charter)
{
	struct party *p = &l->parties[i];
	struct err e;

	testing_open(&p->t, &l->clock.world);
	p->collection = testing_collection(&p->t, "c", STIX_TLP_RED, false);
	party_accounts(p);
	party_overlay(p);
	p->fake = ledger_disk_fake_new(i);
	p->keys_fake = ledger_disk_fake_new(i);
	p->disk = ledger_disk_of_fake(p->fake);
	p->keys_disk = ledger_disk_of_fake(p->keys_fake);
	party_start(p);
	must_be(coalition_charter_take(p->coalition, charter, &e), &e, "charter");
}

static void party_close(struct party *p)
{
	party_stop(p);
	ledger_disk_fake_free(p->fake);
	ledger_disk_fake_free(p->keys_fake);
	testing_close(&p->t);
}

static void found(struct league *l, uint64_t seed)
{
	struct charter c = {.name = SLICE("a coalition"),
		.version = 1,
		.expires_us = NOW_US + 400 * DAY_US,
		.threshold = 3,
		.members = l->rows,
		.members_count = MEMBERS};
	struct buf text = BUF_INIT, note = BUF_INIT;

	world_real(); /* starts libsodium */
	world_fake_init(&l->clock, seed, NOW_US);
	l->log = (struct log){.world = &l->clock.world};
	l->things.things_count = THINGS;
	make_things(&l->things);
	for (unsigned k = 0; k < NAMED; k++) {
		unsigned mark = k < DEFINITIONS    ? MARK_DEFINED + k
				: k == DEFINITIONS ? MARK_STATEMENT
						   : MARK_EXTENSION;

		l->things.things[THINGS + k] = (struct thing){.flavour = FLAVOUR_DEFINITION};
		definition_id(mark, l->things.things[THINGS + k].id);
	}
	for (unsigned i = 0; i < MEMBERS; i++) {
		struct party *p = &l->parties[i];

		p->league = l;
		p->number = i;
		p->view = l->things;
		for (unsigned k = 0; k < THINGS + NAMED; k++)
			p->view.things[k].count = VERSIONS_MAX;
		row_make(l, i);
	}
	charter_write(&c, &text);
	sign_all(l, buf_slice(&text), &note);
	for (unsigned i = 0; i < MEMBERS; i++)
		party_open(l, i, buf_slice(&note));
	buf_fini(&text);
	buf_fini(&note);
}

/* ---- worlds ---------------------------------------------------------------------------------- */

static void cut_some(struct league *l, unsigned percent)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		for (unsigned k = 0; k < i; k++)
			l->cut[i][k] = l->cut[k][i] = chance(percent);
}

static void look(struct league *l, bool files)
{
	for (unsigned i = 0; i < MEMBERS; i++) {
		for (unsigned k = 0; k < MEMBERS; k++) {
			if (i == k)
				continue;
			take(&l->parties[i], &l->parties[k]);
			if (files)
				send_file(&l->parties[i], &l->parties[k], chance(25));
		}
	}
}

static void phase(struct league *l, unsigned number)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		grow(&l->parties[i]);
	cut_some(l, 30);
	if (number > 0 || chance(70))
		change_policy(l);
	rounds(l, 1);
	look(l, true);
	for (unsigned i = 0; i < MEMBERS; i++)
		if (number > 0 && chance(40) && !l->parties[i].waiting)
			withdraw_one(&l->parties[i]);
	if (chance(30))
		party_again(&l->parties[pick(MEMBERS)]);
	rounds(l, 1 + pick(2));
	if (chance(50)) /* dates pass while what was read is remembered */
		world_fake_advance(&l->clock, pick(40) * HOUR_US + SECOND_2);
	look(l, chance(50));
}

/* What a serial stood for is in the store no more. */
static void gone_check(struct party *p, int64_t serial)
{
	struct buf content = BUF_INIT;
	bool found = false;
	struct err e;

	must_be(p->real.content(p->real.context, (uint64_t)serial, &content, &found, &e), &e,
		"content");
	if (found)
		broken("what was forgotten is still in the store");
	buf_fini(&content);
}

/* When all hear all again: what anybody may have it has, what was taken back nobody has. */
static void settle(struct league *l)
{
	cut_some(l, 0);
	rounds(l, 5);
	for (unsigned log = 0; log < MEMBERS; log++) {
		struct party *owner = &l->parties[log];

		for (uint64_t i = 0; i < LEAVES; i++) {
			unsigned item = l->leaf_items[log][i];
			bool here = item != 0 && holds(owner, log, i);

			for (unsigned m = 0; m < MEMBERS && item != 0; m++) {
				struct party *p = &l->parties[m];

				if (m == log)
					continue;
				if (here && may_give(owner, m, log, i, WITH_ALL) &&
					!p->arrived[log][i])
					broken("what a member may have has not come");
				if (!here && holds(p, log, i))
					broken("what was taken back is still here");
				if (!here && p->serials[log][i] != 0 && !held(p, item - 1)->here)
					gone_check(p, p->serials[log][i]);
			}
		}
	}
	look(l, true);
}

static void league_free(struct league *l)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		party_close(&l->parties[i]);
	for (unsigned i = 0; i < l->items_count; i++)
		buf_fini(&l->items[i].text);
	for (unsigned i = 0; i < l->policies_count; i++)
		buf_fini(&l->policies[i].text);
	free(l);
}

static uint64_t all(const struct tally *tally)
{
	return tally[ASKED].cases + tally[TAKEN].cases + tally[FILED].cases;
}

static bool wrong(const struct tally *tally)
{
	uint64_t n = 0;

	for (unsigned way = 0; way < WAYS; way++)
		n += tally[way].leaks + tally[way].missing;
	return n > 0;
}

struct counts {
	struct tally tally[WAYS];
	uint64_t worlds, classes, planted[WAYS], planted_by_reference, stopped;
};

static void run_world(struct counts *k, uint64_t seed, bool planting)
{
	struct league *l = calloc(1, sizeof(*l));

	if (l == NULL)
		broken("out of memory");
	random_begin(seed);
	l->tally = k->tally;
	found(l, seed);
	rounds(l, 2);
	l->planting = planting;
	for (unsigned n = 0; n < PHASES && (planting || !wrong(k->tally)); n++)
		phase(l, n);
	l->planting = false;
	if (!planting && !wrong(k->tally))
		settle(l);
	k->worlds++;
	k->classes += l->classes;
	for (unsigned way = 0; way < WAYS; way++)
		k->planted[way] += l->planted[way];
	k->planted_by_reference += l->planted_by_reference;
	k->stopped += l->stopped;
	league_free(l);
}

static void say(const struct counts *k)
{
	for (unsigned way = 0; way < WAYS; way++) {
		const struct tally *t = &k->tally[way];

		printf("  %s: %llu cases, %llu came, %llu of them relayed; held back by references "
		       "alone %llu, gone %llu; %llu leaks, %llu wrongly withheld\n",
			channel_names[way], (unsigned long long)t->cases,
			(unsigned long long)t->released, (unsigned long long)t->relayed,
			(unsigned long long)t->by_reference, (unsigned long long)t->gone,
			(unsigned long long)t->leaks, (unsigned long long)t->missing);
	}
}

/* Every kind of case was there, and each leak that was planted is found, no other. */
static bool enough(const struct counts *k, const struct counts *planted)
{
	bool good = true;

	for (unsigned way = 0; way < WAYS; way++) {
		const struct tally *t = &k->tally[way];

		good = good && t->relayed > 0 && t->released > t->relayed && t->by_reference > 0 &&
		       t->gone > 0 && planted->planted[way] >= PLANTED_EACH &&
		       planted->tally[way].leaks == planted->planted[way];
	}
	return good && planted->planted_by_reference > 0 && planted->stopped > 0;
}

static bool planted_all(const struct counts *k)
{
	bool good = k->planted_by_reference > 0 && k->stopped > 0;

	for (unsigned way = 0; way < WAYS; way++)
		good = good && k->planted[way] >= PLANTED_EACH;
	return good;
}

int main(int count, char **args)
{
	uint64_t cases = count > 1 ? strtoull(args[1], NULL, 10) : CASES_DEFAULT;
	uint64_t seed = count > 2 ? strtoull(args[2], NULL, 10) : 1;
	static struct counts k, planted;

	for (uint64_t n = 0; all(k.tally) < cases && !wrong(k.tally); n++) {
		run_world(&k, seed * 1000003 + n, false);
		if (wrong(k.tally))
			fprintf(stderr, "seed %llu, world %llu\n", (unsigned long long)seed,
				(unsigned long long)n);
	}
	for (uint64_t n = 0; all(planted.tally) < CASES_PLANTED && !planted_all(&planted); n++)
		run_world(&planted, seed * 1000003 + n, true);
	printf("%llu cases in %llu worlds, %llu classes of leaves\n",
		(unsigned long long)all(k.tally), (unsigned long long)k.worlds,
		(unsigned long long)k.classes);
	say(&k);
	printf("planted: %llu asked, %llu taken, %llu filed, %llu of them by reference; found: "
	       "%llu, %llu, %llu; stopped when they left: %llu\n",
		(unsigned long long)planted.planted[ASKED],
		(unsigned long long)planted.planted[TAKEN],
		(unsigned long long)planted.planted[FILED],
		(unsigned long long)planted.planted_by_reference,
		(unsigned long long)planted.tally[ASKED].leaks,
		(unsigned long long)planted.tally[TAKEN].leaks,
		(unsigned long long)planted.tally[FILED].leaks,
		(unsigned long long)planted.stopped);
	if (!wrong(k.tally) && !enough(&k, &planted))
		printf("not every kind of case was met, or not every planted leak found\n");
	return wrong(k.tally) || !enough(&k, &planted);
}
