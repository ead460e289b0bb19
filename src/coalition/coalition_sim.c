/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The simulated coalition. An event is one thing that one member does; between two requests of one
 * member anything may happen to all others. After each event the promises that must hold at any
 * moment are checked, and after the healing those that must hold in the end.
 */
#include <stdlib.h>

#include "coalition_sim.h"

#define START_US      INT64_C(1800000000000000)
#define OBJECTS_BATCH 12
#define STEPS_BURST   6
#define HEAL_ROUNDS   60
#define REPLAYS       64
#define DECISIONS_MAX 256
#define HONEST_WEAK   2 /* members that do not collude under SIM_WEAK_QUORUM: one of each half */
#define DAY_US        (INT64_C(86400) * US_PER_SECOND)

/* ---- a member's store, in memory: what was accepted stays ---------------------------------------
 */

struct sim_object {
	char *content;
	size_t len;
	char origin[COALITION_NAME_MAX + 1];
	bool own, forgotten;
	uint64_t mask; /* who may have it; bit of member */
};

#define SIM_BATCH 4096

struct sim_store {
	struct sim_object *objects; /* serial - 1 */
	size_t count, capacity;
	struct {
		uint64_t indices[SIM_BATCH], serials[SIM_BATCH];
		size_t count;
	} * last; /* by member */
};

struct sim;

struct face {
	struct sim *sim;
	unsigned member, side;
	struct world world;
	uint64_t random;
	int64_t skew_us;
	struct ledger_disk_fake *disk_fake, *keys_fake;
	struct ledger_disk disk, keys_disk;
	struct signer *signer;
	struct signer_link link;
	struct coalition_sink sink;
	struct sim_store store;
	struct coalition *coalition;
	bool alive;
	uint64_t policy; /* sequence in force here */
	uint8_t policy_digest[SHA256_LEN];
	uint64_t seen[DECISIONS_MAX]; /* first 8 bytes of the digest in force, by sequence */
	/* backup */
	struct ledger_disk_fake *disk_backup, *keys_backup;
	struct sim_store store_backup;
	uint64_t backup_size;
};

struct sim_member {
	char name[COALITION_NAME_MAX + 1];
	struct note_secret root;
	struct signer_secrets secrets;
	struct face faces[SIM_FACES];
	bool colludes;
	unsigned half; /* which side of the network a colluder's face serves it from */
	/* The truth about an honest member: its leaves as they were acknowledged. */
	uint64_t objects_made, acknowledged;
	bool restored;           /* its disk was lost at some time */
	uint64_t voted_sequence; /* the last decision that it signed */
};

struct replay {
	unsigned to;
	char from[COALITION_NAME_MAX + 1];
	enum coalition_ask ask;
	struct buf request;
};

struct sim {
	const struct sim_options *options;
	struct sim_options weak; /* with what a planted fault changes in them */
	struct sim_result result;
	uint64_t random;
	int64_t now_us;
	struct sim_member members[SIM_MEMBERS_MAX];
	unsigned group[SIM_MEMBERS_MAX]; /* partition */
	bool founded, healed;
	bool lost_disk; /* a disk was lost, and not everybody has met everybody since */
	struct replay replays[REPLAYS];
	unsigned replays_count;
	struct log log;
	uint64_t decisions_made;
	unsigned author[DECISIONS_MAX]; /* number + 1 of who made the first decision of a number */
	struct buf decision_notes; /* the last one made */
	struct buf charter;
	struct buf spoils; /* answers that hostile members give again */
	char broken[ERR_TEXT_MAX];
};

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t pick(struct sim *s, uint64_t below)
{
	return next_random(&s->random) % below;
}

static bool chance(struct sim *s, unsigned percent)
{
	return pick(s, 100) < percent;
}

static void broken(struct sim *s, const char *format, ...) PRINTF(2, 3);
static void broken(struct sim *s, const char *format, ...)
{
	va_list args;

	if (s->broken[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(s->broken, sizeof(s->broken), format, args);
	va_end(args);
}

/* ---- world --------------------------------------------------------------------------------------
 */

static int64_t face_now(void *context)
{
	struct face *f = context;

	return f->sim->now_us + f->skew_us;
}

static int64_t face_monotonic(void *context)
{
	return ((struct face *)context)->sim->now_us;
}

static void face_random(void *context, void *ret_bytes, size_t len)
{
	struct face *f = context;
	uint8_t *to = ret_bytes;

	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)next_random(&f->random);
}

/* ---- sink
 * ---------------------------------------------------------------------------------------- */

static unsigned member_number(struct sim *s, struct slice name)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		if (slice_is(name, s->members[i].name))
			return i;
	}
	return SIM_MEMBERS_MAX;
}

/* "object ORIGIN NUMBER MASK" */
static uint64_t mask_of(struct slice content)
{
	struct slice rest = content, part = {0};
	uint64_t mask = 0;

	for (int i = 0; i < 4; i++) {
		if (!slice_next(&rest, ' ', &part))
			return 0;
	}
	slice_to_u64(part, &mask);
	return mask;
}

static uint64_t store_add(struct sim_store *st, struct slice content, struct slice origin, bool own)
{
	struct sim_object *o;

	for (size_t i = 0; i < st->count && !own; i++) {
		if (!st->objects[i].forgotten &&
			slice_equal((struct slice){st->objects[i].content, st->objects[i].len},
				content))
			return i + 1;
	}
	if (st->count == st->capacity) {
		st->capacity = st->capacity * 2 + 64;
		st->objects = realloc(st->objects, st->capacity * sizeof(*st->objects));
	}
	o = &st->objects[st->count++];
	*o = (struct sim_object){.len = content.len, .own = own, .mask = mask_of(content)};
	o->content = malloc(content.len + 1);
	memcpy(o->content, content.data, content.len);
	memcpy(o->origin, origin.data, origin.len);
	return st->count;
}

static void store_clear(struct sim_store *st)
{
	for (size_t i = 0; i < st->count; i++)
		free(st->objects[i].content);
	free(st->objects);
	free(st->last);
	*st = (struct sim_store){0};
}

static void store_copy(struct sim_store *to, const struct sim_store *from)
{
	store_clear(to);
	for (size_t i = 0; i < from->count; i++) {
		const struct sim_object *o = &from->objects[i];
		uint64_t serial = store_add(
			to, (struct slice){o->content, o->len}, slice_of(o->origin), true);

		to->objects[serial - 1].own = o->own;
		to->objects[serial - 1].forgotten = o->forgotten;
	}
	if (from->last != NULL) {
		to->last = calloc(SIM_MEMBERS_MAX, sizeof(*to->last));
		memcpy(to->last, from->last, SIM_MEMBERS_MAX * sizeof(*to->last));
	}
}

static enum err_kind sink_own_after(void *context, uint64_t after, size_t max, struct arena *a,
	struct coalition_own **ret_own, size_t *ret_count, struct err *e)
{
	struct face *f = context;
	uint64_t all = (UINT64_C(1) << f->sim->options->members) - 1;
	struct coalition_own *own = ARENA_ARRAY(a, struct coalition_own, max);
	size_t count = 0;

	if (own == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (uint64_t i = after; i < f->store.count && count < max; i++) {
		const struct sim_object *o = &f->store.objects[i];

		if (o->own && !o->forgotten)
			own[count++] = (struct coalition_own){
				i + 1, {o->content, o->len},
                                   o->mask == all
                        };
	}
	*ret_own = own;
	*ret_count = count;
	return OK;
}

static enum err_kind sink_accept(void *context, struct slice origin, const uint64_t *indices,
	const struct slice *contents, size_t count, uint64_t *ret_serials, struct err *e)
{
	struct face *f = context;
	unsigned from = member_number(f->sim, origin);

	(void)e;
	if (f->store.last == NULL)
		f->store.last = calloc(SIM_MEMBERS_MAX, sizeof(*f->store.last));
	f->store.last[from].count = 0;
	for (size_t i = 0; i < count; i++) {
		size_t before = f->store.count;
		/* Now and then a content is none for the store; the log keeps it. */
		bool refused = slice_find_text(contents[i], SLICE("unfit")) < contents[i].len;

		ret_serials[i] = refused ? 0 : store_add(&f->store, contents[i], origin, false);
		if (f->store.count > before) {
			size_t at = f->store.last[from].count++;

			f->store.last[from].indices[at] = indices[i];
			f->store.last[from].serials[at] = ret_serials[i];
		}
		f->sim->result.openings++;
	}
	return OK;
}

static enum err_kind sink_accepted(void *context, struct slice origin, struct arena *a,
	uint64_t **ret_indices, uint64_t **ret_serials, size_t *ret_count, struct err *e)
{
	struct face *f = context;
	unsigned from = member_number(f->sim, origin);

	(void)a;
	(void)e;
	*ret_count = f->store.last == NULL ? 0 : f->store.last[from].count;
	*ret_indices = f->store.last == NULL ? NULL : f->store.last[from].indices;
	*ret_serials = f->store.last == NULL ? NULL : f->store.last[from].serials;
	return OK;
}

static enum err_kind sink_content(
	void *context, uint64_t serial, struct buf *out, bool *ret_found, struct err *e)
{
	struct face *f = context;
	const struct sim_object *o;

	(void)e;
	*ret_found =
		serial >= 1 && serial <= f->store.count && !f->store.objects[serial - 1].forgotten;
	if (*ret_found) {
		o = &f->store.objects[serial - 1];
		buf_append(out, o->content, o->len);
	}
	return OK;
}

static enum err_kind sink_may(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, bool *ret_may, struct err *e)
{
	struct face *f = context;
	unsigned to = member_number(f->sim, member);

	(void)origin;
	(void)e;
	for (size_t i = 0; i < count; i++) {
		const struct sim_object *o = &f->store.objects[serials[i] - 1];

		/* No policy, no release; then as the object says. */
		ret_may[i] = f->policy > 0 && !o->forgotten && (o->mask >> to & 1) != 0;
		if (f->sim->options->fault == SIM_LEAKS && serials[i] % 7 == 0)
			ret_may[i] = true;
	}
	return OK;
}

static enum err_kind sink_released(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, struct err *e)
{
	(void)context;
	(void)member;
	(void)origin;
	(void)serials;
	(void)count;
	(void)e;
	return OK;
}

static enum err_kind sink_forget(void *context, uint64_t serial, struct err *e)
{
	struct face *f = context;

	(void)e;
	if (serial >= 1 && serial <= f->store.count)
		f->store.objects[serial - 1].forgotten = true;
	return OK;
}

static enum err_kind sink_in_force(void *context, const struct charter *charter,
	const struct decision *decision, struct err *e)
{
	struct face *f = context;

	(void)charter;
	(void)e;
	f->policy = decision->sequence;
	memcpy(f->policy_digest, decision->digest, SHA256_LEN);
	if (decision->sequence < DECISIONS_MAX)
		memcpy(&f->seen[decision->sequence], decision->digest, sizeof(f->seen[0]));
	return OK;
}

static uint64_t sink_epoch(void *context)
{
	return ((struct face *)context)->policy + 1;
}

/* ---- a face: one running node
 * ----------------------------------------------------------------------- */

static bool face_open(struct face *f)
{
	struct sim *s = f->sim;
	struct sim_member *m = &s->members[f->member];
	struct err e = {0};
	unsigned n = s->options->members - 1;
	unsigned faulty = s->options->members < 5 ? 0 : (n - 1) / 3;
	enum err_kind kind;

	f->disk = ledger_disk_of_fake(f->disk_fake);
	f->keys_disk = ledger_disk_of_fake(f->keys_fake);
	kind = signer_open(
		&(struct signer_options){
			.secrets = &m->secrets,
			.disk = &f->keys_disk,
			.world = &f->world,
			.answers_needed = m->colludes ? 0 : (n + faulty) / 2 + 1,
		},
		&f->signer, &e);
	if (kind == OK) {
		f->link = signer_link_of(f->signer);
		f->policy = 0;
		kind = coalition_open(
			&(struct coalition_options){
				.disk = &f->disk,
				.folder = "c",
				.self = slice_of(m->name),
				.world = &f->world,
				.signer = &f->link,
				.sink = &f->sink,
				.log = &s->log,
			},
			&f->coalition, &e);
	}
	if (kind == OK && coalition_charter(f->coalition) == NULL)
		kind = coalition_charter_take(f->coalition, buf_slice(&s->charter), &e);
	f->alive = kind == OK;
	if (kind != OK) {
		coalition_close(f->coalition);
		signer_close(f->signer);
		f->coalition = NULL;
		f->signer = NULL;
		if (kind != ERR_IO) /* a disk that fails on demand */
			broken(s, "%s does not open: %s", m->name, e.text);
	}
	return f->alive;
}

static void face_close(struct face *f)
{
	coalition_close(f->coalition);
	signer_close(f->signer);
	f->coalition = NULL;
	f->signer = NULL;
	f->alive = false;
}

static void face_init(struct sim *s, unsigned member, unsigned side)
{
	struct face *f = &s->members[member].faces[side];

	*f = (struct face){.sim = s, .member = member, .side = side};
	f->random = next_random(&s->random);
	f->world = (struct world){face_now, face_monotonic, face_random, f};
	if (s->options->skews)
		f->skew_us = (int64_t)pick(s, 2 * DAY_US) - DAY_US;
	f->disk_fake = ledger_disk_fake_new(next_random(&s->random));
	f->keys_fake = ledger_disk_fake_new(next_random(&s->random));
	f->sink = (struct coalition_sink){sink_own_after, sink_accept, sink_accepted, sink_content,
		sink_may, sink_released, sink_forget, sink_in_force, sink_epoch, f};
}

static void face_fini(struct face *f)
{
	face_close(f);
	store_clear(&f->store);
	store_clear(&f->store_backup);
	ledger_disk_fake_free(f->disk_fake);
	ledger_disk_fake_free(f->keys_fake);
	ledger_disk_fake_free(f->disk_backup);
	ledger_disk_fake_free(f->keys_backup);
}

/* The power goes; what was not synced may be gone. */
static void face_crash(struct face *f)
{
	face_close(f);
	ledger_disk_fake_fail_at(f->disk_fake, 0);
	ledger_disk_fake_fail_at(f->keys_fake, 0);
	ledger_disk_fake_crash(f->disk_fake);
	ledger_disk_fake_crash(f->keys_fake);
	f->sim->result.crashes++;
}

/* ---- founding
 * ------------------------------------------------------------------------------------------ */

static const struct world *world_of_sim(struct sim *s, struct face *f)
{
	*f = (struct face){.sim = s, .random = s->random};
	f->world = (struct world){face_now, face_monotonic, face_random, f};
	return &f->world;
}

static unsigned threshold_of(unsigned members)
{
	unsigned faulty = members < 5 ? 0 : (members - 1) / 3;

	return (members + faulty) / 2 + 1;
}

static void charter_found(struct sim *s)
{
	struct charter_member members[SIM_MEMBERS_MAX] = {0};
	struct charter c = {.name = SLICE("a coalition"),
		.version = 1,
		.expires_us = START_US + 400 * DAY_US,
		.threshold = threshold_of(s->options->members),
		.members = members,
		.members_count = s->options->members};
	struct buf text = BUF_INIT, lines = BUF_INIT;

	for (unsigned i = 0; i < s->options->members; i++) {
		struct sim_member *m = &s->members[i];
		struct signer_public keys;

		signer_secrets_public(&m->secrets, &keys);
		memcpy(members[i].name, m->name, sizeof(m->name));
		members[i].title = slice_of(m->name);
		members[i].address = SLICE("https://localhost:1");
		members[i].root = m->root.key;
		members[i].log = keys.keys[SIGNER_LOG];
		members[i].witness = keys.keys[SIGNER_WITNESS];
		members[i].mirror = keys.keys[SIGNER_MIRROR];
		memcpy(members[i].box, keys.box, SIGNER_BOX_LEN);
		hash_sha256(slice_of(m->name), members[i].pin);
	}
	charter_write(&c, &text);
	for (unsigned i = 0; i < s->options->members; i++)
		note_sign(&s->members[i].root, buf_slice(&text), &lines);
	note_write(buf_slice(&text), buf_slice(&lines), &s->charter);
	buf_fini(&text);
	buf_fini(&lines);
}

static void face_steps(struct face *f, unsigned to, unsigned steps);
static void everybody_steps(struct sim *s, bool honest_only);
static void decision_make(struct sim *s, struct face *f);

static bool sim_found(struct sim *s)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		struct sim_member *m = &s->members[i];
		struct face scratch;
		struct buf name = BUF_INIT;
		struct err e;
		enum err_kind kind;

		snprintf(m->name, sizeof(m->name), "m%02u", i);
		m->colludes = i >= s->options->members - s->options->colluders;
		m->half = i % SIM_FACES;
		buf_printf(&name, "%s/root", m->name);
		kind = note_secret_new(
			world_of_sim(s, &scratch), buf_slice(&name), NOTE_ED25519, &m->root, &e);
		s->random = scratch.random;
		if (kind == OK)
			kind = signer_secrets_new(
				world_of_sim(s, &scratch), slice_of(m->name), &m->secrets, &e);
		s->random = scratch.random;
		buf_fini(&name);
		if (kind != OK) {
			broken(s, "keys: %s", e.text);
			return false;
		}
	}
	charter_found(s);
	for (unsigned i = 0; i < s->options->members; i++) {
		for (unsigned side = 0; side < (s->members[i].colludes ? SIM_FACES : 1); side++) {
			face_init(s, i, side);
			if (!face_open(&s->members[i].faces[side]))
				return false;
		}
	}
	for (unsigned i = 0; i < s->options->members; i++) {
		/* Colluders begin while nothing is signed yet, as anybody. */
		for (unsigned side = 0; side < SIM_FACES && s->members[i].colludes; side++) {
			for (unsigned k = 0; k < s->options->members; k++) {
				if (k != i)
					face_steps(&s->members[i].faces[side], k, 1);
			}
		}
	}
	/* A first policy, while all is well: without one nothing is released. */
	s->healed = true;
	everybody_steps(s, false);
	decision_make(s, &s->members[0].faces[0]);
	for (unsigned round = 0; round < 3; round++)
		everybody_steps(s, false);
	if (s->members[0].faces[0].policy != 1)
		broken(s, "the first policy did not come into force");
	s->healed = false;
	s->founded = true;
	return true;
}

/* ---- the network
 * ------------------------------------------------------------------------------------------ */

struct route {
	struct face *from;
	unsigned to;
};

/* Which of its faces a member shows to whom: halves of the honest see different ones. */
static struct face *face_shown(struct sim *s, unsigned to, const struct face *from)
{
	struct sim_member *m = &s->members[to];

	if (!m->colludes)
		return &m->faces[0];
	return &m->faces[s->members[from->member].colludes ? from->side
							   : s->members[from->member].half];
}

static bool connected(struct sim *s, const struct face *from, unsigned to)
{
	const struct sim_member *m = &s->members[from->member];

	/* A face of a colluder talks to its own half of the honest only. */
	if (s->founded && m->colludes && !s->members[to].colludes &&
		s->members[to].half != from->side)
		return false;
	/* Against so many the halves are kept apart, or they would find out first. */
	if (s->options->fault == SIM_WEAK_QUORUM && s->founded && !s->healed && !m->colludes &&
		!s->members[to].colludes)
		return false;
	return s->group[from->member] == s->group[to];
}

static void replay_keep(
	struct sim *s, const struct route *r, enum coalition_ask ask, struct slice request)
{
	struct replay *kept;

	if (s->replays_count < REPLAYS) {
		kept = &s->replays[s->replays_count++];
	} else {
		kept = &s->replays[pick(s, REPLAYS)];
		buf_clear(&kept->request);
	}
	kept->to = r->to;
	kept->ask = ask;
	memcpy(kept->from, s->members[r->from->member].name, sizeof(kept->from));
	buf_slice_append(&kept->request, request);
}

/* What a hostile member may answer: altered, cut off, nothing, noise, an older answer, far too
 * much. */
static void answer_spoil(struct sim *s, struct buf *answer)
{
	switch (pick(s, 6)) {
	case 0:
		if (answer->len > 0)
			answer->data[pick(s, answer->len)] ^= (char)(1u << pick(s, 8));
		break;
	case 1:
		answer->len = (size_t)pick(s, answer->len + 1);
		break;
	case 2:
		answer->len = 0;
		break;
	case 3:
		for (size_t i = 0; i < answer->len; i++)
			answer->data[i] = (char)next_random(&s->random);
		break;
	case 4:
		buf_slice_append(&s->spoils, buf_slice(answer));
		if (chance(s, 50)) {
			buf_clear(answer);
			buf_slice_append(answer, buf_slice(&s->spoils));
			buf_clear(&s->spoils);
		}
		break;
	default:
		for (unsigned i = 0; i < 100; i++)
			buf_slice_append(answer, SLICE("\xff\xff\xff\xff\xff\xff\xff\xff"));
		break;
	}
}

static enum err_kind route_call(void *context, enum coalition_ask ask, struct slice request,
	struct buf *ret_answer, struct err *e)
{
	const struct route *r = context;
	struct sim *s = r->from->sim;
	struct face *to = face_shown(s, r->to, r->from);
	struct slice name = slice_of(s->members[r->from->member].name);
	enum err_kind kind;

	s->result.requests++;
	if (!to->alive || !connected(s, r->from, r->to))
		return err_set(e, ERR_IO, "cannot be reached");
	if (s->founded && !s->healed && chance(s, 5)) {
		s->result.lost++;
		return err_set(e, ERR_IO, "the request was lost");
	}
	if (!s->healed && chance(s, 5))
		replay_keep(s, r, ask, request);
	if (!s->healed && chance(s, 5)) {
		struct buf twice = BUF_INIT;
		struct err ignored;

		s->result.doubled++;
		if (coalition_answer(to->coalition, name, ask, request, &twice, &ignored) != OK)
			s->result.lost++;
		buf_fini(&twice);
	}
	kind = coalition_answer(to->coalition, name, ask, request, ret_answer, e);
	if (kind == OK && s->founded && !s->healed && chance(s, 5)) {
		s->result.lost++;
		return err_set(e, ERR_IO, "the answer was lost");
	}
	if (kind == OK && s->founded && s->members[r->to].colludes && chance(s, 8))
		answer_spoil(s, ret_answer);
	return kind;
}

static void face_steps(struct face *f, unsigned to, unsigned steps)
{
	struct route route = {f, to};
	struct coalition_way way = {route_call, &route};
	bool more = true;

	while (f->alive && steps-- > 0 && more) {
		struct err e;
		enum err_kind kind = coalition_step(
			f->coalition, slice_of(f->sim->members[to].name), &way, &more, &e);

		if (kind != OK && f->sim->options->verbose)
			fprintf(stderr, "  %s -> %s: %s\n", f->sim->members[f->member].name,
				f->sim->members[to].name, e.text);
		if (kind == ERR_NOMEM || kind == ERR_CORRUPT)
			broken(f->sim, "%s: %s", f->sim->members[f->member].name, e.text);
	}
}

/* ---- events
 * -------------------------------------------------------------------------------------------------
 */

static void face_publish(struct face *f)
{
	struct sim_member *m = &f->sim->members[f->member];
	bool more = true;

	while (more) {
		uint64_t logged;
		struct err e;
		enum err_kind kind = coalition_publish(f->coalition, &logged, &more, &e);

		if (kind == ERR_CORRUPT || kind == ERR_INVALID || kind == ERR_CONFLICT)
			broken(f->sim, "%s could not publish: %s", m->name, e.text);
		if (kind != OK && f->sim->options->verbose)
			fprintf(stderr, "  %s could not publish: %s\n", m->name, e.text);
		if (kind != OK)
			return;
		f->sim->result.entries += logged;
	}
	m->acknowledged = m->objects_made;
}

static void everybody_steps(struct sim *s, bool honest_only);

static void objects_make(struct sim *s, struct face *f)
{
	struct sim_member *m = &s->members[f->member];
	unsigned count = 1 + (unsigned)pick(s, OBJECTS_BATCH);
	uint64_t all = (UINT64_C(1) << s->options->members) - 1;

	for (unsigned i = 0; i < count; i++) {
		char text[160];
		uint64_t mask = chance(s, 50) ? all : next_random(&s->random) & all;
		int len = snprintf(text, sizeof(text), "object %s%u %llu %llu %s", m->name, f->side,
			(unsigned long long)++m->objects_made, (unsigned long long)mask,
			chance(s, 2) ? "unfit" : "");

		store_add(&f->store, (struct slice){text, (size_t)len}, slice_of(m->name), true);
	}
}

/* The planted fault of a node that loses what it acknowledged, though nobody withdrew it. */
static void forget_one(struct sim *s, struct face *f)
{
	struct ledger *log = coalition_ledger(f->coalition, slice_of(s->members[f->member].name));
	uint64_t serial = f->store.count == 0 ? 0 : 1 + pick(s, f->store.count), index;
	struct err e;
	bool found;

	if (log != NULL && serial != 0 && f->store.objects[serial - 1].own &&
		coalition_index_of(f->coalition, serial, &index, &found, &e) == OK && found &&
		ledger_erase(log, index, &e) != OK)
		broken(s, "could not forget: %s", e.text);
}

static void withdrawal_make(struct sim *s, struct face *f)
{
	struct ledger *log = coalition_ledger(f->coalition, slice_of(s->members[f->member].name));
	struct err e;

	if (log == NULL || ledger_size(log) == 0)
		return;
	if (coalition_withdraw(f->coalition, pick(s, ledger_size(log)),
		    (enum withdrawal_code)pick(s, 4), SLICE("it was wrong"), &e) == OK)
		s->result.withdrawals++;
}

/* Honest members put their root key under one text per number only. Two colluders' texts may both
 * be carried when `stolen`. */
static void decision_make(struct sim *s, struct face *f)
{
	struct buf note = BUF_INIT, text = BUF_INIT, lines = BUF_INIT, before = BUF_INIT;
	struct arena *a = arena_new(MIB(4));
	struct decision was, d = {.kind = SLICE("policy")};
	char content[64];
	uint64_t sequence;
	unsigned *owner;
	struct err e;

	if (coalition_decision_get(f->coalition, SLICE("policy"), &sequence, &before, &e) != OK)
		goto out;
	d.sequence = sequence + 1;
	if (sequence > 0) {
		if (decision_parse(buf_slice(&before), a, &was, &e) != OK)
			goto out;
		memcpy(d.previous, was.digest, SHA256_LEN);
	}
	if (d.sequence >= DECISIONS_MAX)
		goto out;
	/* Of one number either a colluder's two texts are carried, with stolen keys, or one of the
	 * honest: more members that sign twice than f are not borne. */
	owner = &s->author[d.sequence];
	if (s->options->fault != SIM_WEAK_QUORUM && *owner != 0 && *owner != f->member + 1 &&
		(s->members[f->member].colludes || s->members[*owner - 1].colludes))
		goto out;
	*owner = f->member + 1;
	snprintf(content, sizeof(content), "policy %u/%u at %llu", f->member, f->side,
		(unsigned long long)s->result.events);
	d.content = slice_of(content);
	decision_write(&d, &text);
	for (unsigned i = 0; i < s->options->members; i++) {
		struct sim_member *m = &s->members[i];

		if (m->colludes || s->members[f->member].colludes ||
			m->voted_sequence < d.sequence) {
			note_sign(&m->root, buf_slice(&text), &lines);
			if (!m->colludes && !s->members[f->member].colludes)
				m->voted_sequence = d.sequence;
		}
	}
	if (lines.len == 0)
		goto out;
	note_write(buf_slice(&text), buf_slice(&lines), &note);
	if (coalition_decision_publish(f->coalition, buf_slice(&note), &e) == OK)
		s->decisions_made++;
out:
	buf_fini(&note);
	buf_fini(&text);
	buf_fini(&lines);
	buf_fini(&before);
	arena_free(a);
}

static void backup_take(struct face *f)
{
	struct ledger *log =
		coalition_ledger(f->coalition, slice_of(f->sim->members[f->member].name));

	ledger_disk_fake_free(f->disk_backup);
	ledger_disk_fake_free(f->keys_backup);
	f->disk_backup = ledger_disk_fake_copy(f->disk_fake);
	f->keys_backup = ledger_disk_fake_copy(f->keys_fake);
	store_copy(&f->store_backup, &f->store);
	f->backup_size = log == NULL ? 0 : ledger_size(log);
}

/*
 * One disk at a time: what is promised after a lost disk rests on the others still having theirs.
 * So before the next one is lost everybody meets everybody.
 */
static void backup_restore(struct face *f)
{
	struct sim *s = f->sim;

	if (f->disk_backup == NULL)
		return;
	if (s->lost_disk) {
		unsigned groups[SIM_MEMBERS_MAX];

		memcpy(groups, s->group, sizeof(groups));
		memset(s->group, 0, sizeof(s->group));
		s->healed = true;
		for (unsigned i = 0; i < s->options->members; i++) {
			if (!s->members[i].faces[0].alive)
				face_open(&s->members[i].faces[0]);
		}
		for (unsigned round = 0; round < 3; round++)
			everybody_steps(s, true);
		s->healed = false;
		memcpy(s->group, groups, sizeof(groups));
	}
	s->lost_disk = true;
	face_close(f);
	ledger_disk_fake_free(f->disk_fake);
	ledger_disk_fake_free(f->keys_fake);
	f->disk_fake = ledger_disk_fake_copy(f->disk_backup);
	f->keys_fake = ledger_disk_fake_copy(f->keys_backup);
	store_copy(&f->store, &f->store_backup);
	f->sim->result.restores++;
	f->sim->members[f->member].restored = true;
	/* What only it ever had is lost with the disk; what others saw must come back. */
	f->sim->members[f->member].acknowledged = 0;
	face_open(f);
}

static void replay_one(struct sim *s)
{
	struct replay *r;
	struct face *to;
	struct buf answer = BUF_INIT;
	struct err e;

	if (s->replays_count == 0)
		return;
	r = &s->replays[pick(s, s->replays_count)];
	to = &s->members[r->to].faces[0];
	if (to->alive && coalition_answer(to->coalition, slice_of(r->from), r->ask,
				 buf_slice(&r->request), &answer, &e) == ERR_NOMEM)
		broken(s, "replay: %s", e.text);
	buf_fini(&answer);
}

static void partition_make(struct sim *s)
{
	bool whole = chance(s, 40);

	for (unsigned i = 0; i < s->options->members; i++)
		s->group[i] = whole ? 0 : (unsigned)pick(s, 2);
}

static struct face *any_face(struct sim *s)
{
	unsigned member = (unsigned)pick(s, s->options->members);

	return &s->members[member].faces[s->members[member].colludes ? pick(s, SIM_FACES) : 0];
}

static void event(struct sim *s)
{
	struct face *f = any_face(s);
	bool honest = !s->members[f->member].colludes;
	uint64_t what = pick(s, 1000);
	unsigned to = (unsigned)pick(s, s->options->members);

	s->now_us += (int64_t)pick(s, 2 * US_PER_SECOND);
	if (!f->alive) {
		face_open(f);
		return;
	}
	if (s->options->verbose) {
		struct ledger *log =
			coalition_ledger(f->coalition, slice_of(s->members[f->member].name));

		fprintf(stderr, "event %llu %s %llu -> %u (%llu leaves)\n",
			(unsigned long long)s->result.events, s->members[f->member].name,
			(unsigned long long)what, to, (unsigned long long)ledger_size(log));
	}
	if (what < 120) {
		objects_make(s, f);
		face_publish(f);
		if (s->options->fault == SIM_FORGETS && honest)
			forget_one(s, f);
	} else if (what < 150) {
		withdrawal_make(s, f);
		face_publish(f);
	} else if (what < 175) {
		decision_make(s, f);
		face_publish(f);
	} else if (what < 190 && s->options->crashes && honest) {
		/* The disk fails some calls from now, and then the power. */
		ledger_disk_fake_fail_at(
			chance(s, 80) ? f->disk_fake : f->keys_fake, 1 + pick(s, 30));
		objects_make(s, f);
		{
			uint64_t logged;
			bool more;
			struct err e;

			if (coalition_publish(f->coalition, &logged, &more, &e) == OK)
				s->members[f->member].acknowledged =
					s->members[f->member].objects_made;
		}
		if (to != f->member)
			face_steps(f, to, STEPS_BURST);
		face_crash(f);
	} else if (what < 200 && s->options->restores && honest) {
		backup_take(f);
	} else if (what < 205 && s->options->restores && honest) {
		backup_restore(f);
	} else if (what < 215 && s->options->partitions) {
		partition_make(s);
	} else if (what < 245) {
		replay_one(s);
	} else if (what < 252) {
		/* A quiet hour: who can be reached is met, so that quorums form before the end. */
		everybody_steps(s, false);
	} else if (to != f->member) {
		face_steps(f, to, 1 + (unsigned)pick(s, STEPS_BURST));
	}
}

/* ---- promises
 * ---------------------------------------------------------------------------------------------------
 */

static void check_decisions(struct sim *s)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		for (unsigned k = 0; k < i; k++) {
			const struct face *a = &s->members[i].faces[0],
					  *b = &s->members[k].faces[0];

			if (s->members[i].colludes || s->members[k].colludes)
				continue;
			for (unsigned n = 1; n < DECISIONS_MAX && n <= s->decisions_made; n++) {
				if (a->seen[n] != 0 && b->seen[n] != 0 && a->seen[n] != b->seen[n])
					broken(s,
						"split view: %s and %s hold different decisions %u",
						s->members[i].name, s->members[k].name, n);
			}
		}
	}
}

static void check_leaks(struct sim *s)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		const struct face *f = &s->members[i].faces[0];

		for (size_t k = 0; k < f->store.count; k++) {
			const struct sim_object *o = &f->store.objects[k];

			if (!o->own && strcmp(o->origin, s->members[i].name) != 0 &&
				(o->mask >> i & 1) == 0)
				broken(s, "leak: %s has \"%.*s\"", s->members[i].name, (int)o->len,
					o->content);
		}
	}
}

static void check_logs(struct sim *s)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		const struct sim_member *m = &s->members[i];

		if (m->colludes)
			continue;
		for (unsigned k = 0; k < s->options->members; k++) {
			struct ledger *mine, *theirs;
			uint8_t a[LEDGER_HASH_LEN], b[LEDGER_HASH_LEN];
			uint64_t size;

			if (k == i || s->members[k].colludes || !m->faces[0].alive ||
				!s->members[k].faces[0].alive)
				continue;
			mine = coalition_ledger(m->faces[0].coalition, slice_of(m->name));
			theirs = coalition_ledger(
				s->members[k].faces[0].coalition, slice_of(m->name));
			size = ledger_size(mine) < ledger_size(theirs) ? ledger_size(mine)
								       : ledger_size(theirs);
			if (ledger_root(mine, size, a, NULL) != OK ||
				ledger_root(theirs, size, b, NULL) != OK ||
				memcmp(a, b, LEDGER_HASH_LEN) != 0)
				broken(s, "fork: the log of %s differs at %s", m->name,
					s->members[k].name);
		}
	}
}

/* ---- the end
 * ------------------------------------------------------------------------------------------------------
 */

static void everybody_steps(struct sim *s, bool honest_only)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		struct sim_member *m = &s->members[i];

		for (unsigned side = 0; side < (m->colludes ? SIM_FACES : 1); side++) {
			if ((honest_only && m->colludes) || !m->faces[side].alive)
				continue;
			face_publish(&m->faces[side]);
			for (unsigned k = 0; k < s->options->members; k++) {
				if (k != i && !(honest_only && s->members[k].colludes))
					face_steps(&m->faces[side], k, 1000);
			}
		}
	}
}

static size_t heads_guilty(struct sim *s)
{
	size_t guilty = 0;

	for (unsigned i = 0; i < s->options->members; i++) {
		struct arena *a = arena_new(MIB(1));
		struct coalition_status status;
		struct err e;

		if (!s->members[i].colludes &&
			coalition_status(s->members[i].faces[0].coalition, a, &status, &e) == OK) {
			for (size_t k = 0; k < status.origins_count; k++)
				guilty += status.origins[k].trust == COALITION_QUARANTINE;
			if (status.forked)
				broken(s, "%s believes itself forked", s->members[i].name);
		}
		arena_free(a);
	}
	return guilty;
}

/* Two honest members hold signed heads of a colluder that cannot both be true. */
static size_t equivocators_seen(struct sim *s)
{
	size_t count = 0;

	for (unsigned i = 0; i < s->options->members; i++) {
		bool seen = false;

		if (!s->members[i].colludes)
			continue;
		for (unsigned a = 0; a < s->options->members && !seen; a++) {
			for (unsigned b = 0; b < a && !seen; b++) {
				struct ledger *one, *two;
				uint8_t x[LEDGER_HASH_LEN], y[LEDGER_HASH_LEN];
				uint64_t size;

				if (s->members[a].colludes || s->members[b].colludes)
					continue;
				one = coalition_ledger(s->members[a].faces[0].coalition,
					slice_of(s->members[i].name));
				two = coalition_ledger(s->members[b].faces[0].coalition,
					slice_of(s->members[i].name));
				size = ledger_size(one) < ledger_size(two) ? ledger_size(one)
									   : ledger_size(two);
				seen = ledger_root(one, size, x, NULL) == OK &&
				       ledger_root(two, size, y, NULL) == OK &&
				       memcmp(x, y, LEDGER_HASH_LEN) != 0;
			}
		}
		count += seen;
	}
	return count;
}

static void check_equivocations(struct sim *s)
{
	size_t honest = s->options->members - s->options->colluders;
	size_t seen = equivocators_seen(s);

	s->result.equivocations += seen;
	for (unsigned round = 1; round <= 2 && seen > 0; round++) {
		everybody_steps(s, true);
		s->now_us += 60 * US_PER_SECOND;
		s->result.found_rounds = round;
		if (heads_guilty(s) >= seen * honest)
			return;
	}
	if (seen > 0)
		broken(s, "%zu showed two histories; after two rounds %zu of %zu verdicts", seen,
			heads_guilty(s), seen * honest);
}

static bool holds(const struct face *f, const struct sim_object *o)
{
	for (size_t i = 0; i < f->store.count; i++) {
		const struct sim_object *mine = &f->store.objects[i];

		if (!mine->forgotten && mine->len == o->len &&
			memcmp(mine->content, o->content, o->len) == 0)
			return true;
	}
	return false;
}

/* Its disk was lost, and a colluder alone still holds what it signed then: it waits for that, says
 * so, and publishes nothing. It needs a new key. */
static bool stuck(struct sim *s, unsigned member)
{
	struct arena *a = arena_new(MIB(1));
	struct coalition_status status = {0};
	struct err e;
	bool waits =
		s->options->colluders > 0 && s->members[member].restored &&
		coalition_status(s->members[member].faces[0].coalition, a, &status, &e) == OK &&
		status.waiting;

	arena_free(a);
	return waits;
}

/* What an honest member published and its policy allows has arrived; what it took back is gone. */
static void check_arrived(struct sim *s)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		const struct face *from = &s->members[i].faces[0];

		if (s->members[i].colludes || stuck(s, i))
			continue;
		for (size_t n = 0; n < from->store.count; n++) {
			const struct sim_object *o = &from->store.objects[n];

			if (!o->own)
				continue;
			for (unsigned k = 0; k < s->options->members; k++) {
				const struct face *to = &s->members[k].faces[0];
				bool unfit = slice_find_text((struct slice){o->content, o->len},
						     SLICE("unfit")) < o->len;
				bool should = (o->mask >> k & 1) != 0 && !o->forgotten && !unfit &&
					      from->policy > 0;

				if (k == i || s->members[k].colludes)
					continue;
				if (should && !holds(to, o) && s->options->verbose) {
					uint64_t index = 0;
					bool found = false;
					struct ledger_place place = {0};
					struct ledger *log = coalition_ledger(
						to->coalition, slice_of(s->members[i].name));
					struct err e = {0};

					(void)!coalition_index_of(
						from->coalition, n + 1, &index, &found, &e);
					(void)!ledger_places(log, index, 1, &place, &e);
					fprintf(stderr,
						"lost: serial %zu index %llu found %d there %llu "
						"leaves, where %u %s\n",
						n + 1, (unsigned long long)index, found,
						(unsigned long long)ledger_size(log), place.where,
						e.text);
				}
				if (should && !holds(to, o))
					broken(s, "lost: %s does not have \"%.*s\"",
						s->members[k].name, (int)o->len, o->content);
				if (o->forgotten && holds(to, o))
					broken(s, "%s still has withdrawn \"%.*s\"",
						s->members[k].name, (int)o->len, o->content);
			}
		}
	}
}

/* Every object that was acknowledged is in the log, or was withdrawn. */
static void check_acknowledged(struct sim *s)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		struct sim_member *m = &s->members[i];
		struct face *f = &m->faces[0];

		if (m->colludes || stuck(s, i))
			continue;
		for (size_t n = 0; n < f->store.count; n++) {
			const struct sim_object *o = &f->store.objects[n];
			uint64_t index;
			bool found;
			struct err e;

			if (!o->own || o->forgotten)
				continue;
			if (coalition_index_of(f->coalition, n + 1, &index, &found, &e) != OK ||
				!found)
				broken(s, "%s lost its entry of \"%.*s\"", m->name, (int)o->len,
					o->content);
		}
	}
}

static void check_acknowledgements(struct sim *s)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		struct arena *a = arena_new(MIB(16));
		struct coalition_withdrawal *list = NULL;
		size_t count = 0;
		struct err e;

		if (s->members[i].colludes ||
			coalition_withdrawals(
				s->members[i].faces[0].coalition, a, &list, &count, &e) != OK)
			count = 0;
		for (size_t n = 0; n < count; n++) {
			if (!slice_starts(list[n].origin, slice_of(s->members[i].name)))
				continue;
			for (unsigned k = 0; k < s->options->members; k++) {
				if (!s->members[k].colludes && !list[n].acknowledged[k] &&
					!stuck(s, k))
					broken(s, "%s did not acknowledge withdrawal %zu of %s",
						s->members[k].name, n, s->members[i].name);
			}
		}
		arena_free(a);
	}
}

static void heal(struct sim *s)
{
	s->healed = true;
	memset(s->group, 0, sizeof(s->group));
	for (unsigned i = 0; i < s->options->members; i++) {
		for (unsigned side = 0; side < (s->members[i].colludes ? SIM_FACES : 1); side++) {
			struct face *f = &s->members[i].faces[side];

			if (!f->alive && !face_open(f))
				broken(s, "%s does not come back", s->members[i].name);
		}
	}
	if (s->broken[0] != '\0')
		return;
	check_equivocations(s);
	/* Everybody has met everybody; colluders may never tell what they saw. */
	everybody_steps(s, true);
	s->now_us += COALITION_ANSWERS_US;
	for (unsigned round = 0; round < 6 && s->broken[0] == '\0'; round++) {
		everybody_steps(s, true);
		s->now_us += 60 * US_PER_SECOND;
		check_decisions(s);
		check_leaks(s);
	}
}

static void sim_end(struct sim *s)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		for (unsigned side = 0; side < SIM_FACES; side++)
			face_fini(&s->members[i].faces[side]);
		note_secret_wipe(&s->members[i].root);
		signer_secrets_wipe(&s->members[i].secrets);
	}
	for (unsigned i = 0; i < s->replays_count; i++)
		buf_fini(&s->replays[i].request);
	buf_fini(&s->charter);
	buf_fini(&s->spoils);
	buf_fini(&s->decision_notes);
}

enum err_kind sim_run(
	const struct sim_options *options, struct sim_result *ret_result, struct err *e)
{
	struct sim *s = calloc(1, sizeof(*s));
	enum err_kind kind = OK;

	if (s == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	s->weak = *options;
	/* So many that every history finds its quorum: k is too few against them. */
	if (options->fault == SIM_WEAK_QUORUM)
		s->weak.colluders = options->members - HONEST_WEAK;
	s->options = &s->weak;
	s->random = options->seed;
	s->now_us = START_US;
	s->log = (struct log){NULL, NULL, LOG_ERROR};
	if (sim_found(s)) {
		for (unsigned i = 0; i < options->events && s->broken[0] == '\0'; i++) {
			event(s);
			s->result.events++;
			check_decisions(s);
			check_leaks(s);
			check_logs(s);
		}
	}
	if (s->broken[0] == '\0')
		heal(s);
	if (s->broken[0] == '\0') {
		check_logs(s);
		check_acknowledged(s);
		check_arrived(s);
		check_acknowledgements(s);
		heads_guilty(s);
	}
	s->result.decisions = s->decisions_made;
	if (s->broken[0] != '\0')
		kind = err_set(e, ERR_INVALID, "seed %llu, event %llu: %s",
			(unsigned long long)options->seed, (unsigned long long)s->result.events,
			s->broken);
	*ret_result = s->result;
	sim_end(s);
	free(s);
	return kind;
}
