/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The three ways in which one member gives to another: asked, taken, filed. Every opening in every
 * answer and every file is compared with the reading by hand of what its giver holds at that
 * moment; files are opened here with the recipient's key, apart from the code that imports them.
 */
#include <sodium.h>
#include <stdlib.h>

#include "release_league.h"

#define STEPS_MAX 1000 /* of one round with one member */

const char *const channel_names[WAYS] = {"asked", "taken", "filed"};

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

void meet(struct party *from, struct party *to)
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
void take(struct party *from, struct party *to)
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

void send_file(struct party *from, struct party *to, bool import)
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
