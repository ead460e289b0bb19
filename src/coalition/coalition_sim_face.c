/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Faces: running nodes of a member, an honest one having one and a colluder two; and how a
 * coalition of them is founded.
 */
#include <stdlib.h>

#include "coalition_sim_inside.h"

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
		to[i] = (uint8_t)sim_random(&f->random);
}
bool sim_face_open(struct face *f)
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
			sim_broken(s, "%s does not open: %s", m->name, e.text);
	}
	return f->alive;
}

void sim_face_close(struct face *f)
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
	f->random = sim_random(&s->random);
	f->world = (struct world){face_now, face_monotonic, face_random, f};
	if (s->options->skews)
		f->skew_us = (int64_t)sim_pick(s, 2 * SIM_DAY_US) - SIM_DAY_US;
	f->disk_fake = ledger_disk_fake_new(sim_random(&s->random));
	f->keys_fake = ledger_disk_fake_new(sim_random(&s->random));
	f->sink = sim_sink_of(f);
}

void sim_face_fini(struct face *f)
{
	sim_face_close(f);
	sim_store_clear(&f->store);
	sim_store_clear(&f->store_backup);
	ledger_disk_fake_free(f->disk_fake);
	ledger_disk_fake_free(f->keys_fake);
	ledger_disk_fake_free(f->disk_backup);
	ledger_disk_fake_free(f->keys_backup);
}

/* The power goes; what was not synced may be gone. */
void sim_face_crash(struct face *f)
{
	sim_face_close(f);
	ledger_disk_fake_fail_at(f->disk_fake, 0);
	ledger_disk_fake_fail_at(f->keys_fake, 0);
	ledger_disk_fake_crash(f->disk_fake);
	ledger_disk_fake_crash(f->keys_fake);
	f->sim->result.crashes++;
}
/* ---- founding -------------------------------------------------------------------------------- */

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
		.expires_us = SIM_START_US + 400 * SIM_DAY_US,
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

bool sim_found(struct sim *s)
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
			sim_broken(s, "keys: %s", e.text);
			return false;
		}
	}
	charter_found(s);
	for (unsigned i = 0; i < s->options->members; i++) {
		for (unsigned side = 0; side < (s->members[i].colludes ? SIM_FACES : 1); side++) {
			face_init(s, i, side);
			if (!sim_face_open(&s->members[i].faces[side]))
				return false;
		}
	}
	for (unsigned i = 0; i < s->options->members; i++) {
		/* Colluders begin while nothing is signed yet, as anybody. */
		for (unsigned side = 0; side < SIM_FACES && s->members[i].colludes; side++) {
			for (unsigned k = 0; k < s->options->members; k++) {
				if (k != i)
					sim_face_steps(&s->members[i].faces[side], k, 1);
			}
		}
	}
	/* A first policy, while all is well: without one nothing is released. */
	s->healed = true;
	sim_everybody_steps(s, false);
	sim_decision_make(s, &s->members[0].faces[0]);
	for (unsigned round = 0; round < 3; round++)
		sim_everybody_steps(s, false);
	if (s->members[0].faces[0].policy != 1)
		sim_broken(s, "the first policy did not come into force");
	s->healed = false;
	s->founded = true;
	return true;
}
