/* SPDX-License-Identifier: MPL-2.0 */
/* Inside the simulation: what its parts share. */
#ifndef COALITION_SIM_INSIDE_H
#define COALITION_SIM_INSIDE_H

#include "coalition_sim.h"
#include "ledger_testing.h"

#define SIM_REPLAYS       64
#define SIM_DECISIONS_MAX 256
#define SIM_START_US      INT64_C(1800000000000000)
#define SIM_DAY_US        (INT64_C(86400) * US_PER_SECOND)

/* A member's store, in memory: what was accepted stays. */
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
	uint64_t seen[SIM_DECISIONS_MAX]; /* first 8 bytes of the digest in force, by sequence */
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
	struct replay replays[SIM_REPLAYS];
	unsigned replays_count;
	struct log log;
	uint64_t decisions_made;
	unsigned author[SIM_DECISIONS_MAX]; /* number + 1 of who made the first decision of a number
					     */
	struct buf decision_notes;          /* the last one made */
	struct buf charter;
	struct buf spoils; /* answers that hostile members give again */
	char broken[ERR_TEXT_MAX];
};

/* ---- coalition_sim.c ------------------------------------------------------------------------- */

uint64_t sim_random(uint64_t *state);
uint64_t sim_pick(struct sim *s, uint64_t below);
bool sim_chance(struct sim *s, unsigned percent);
/* A promise did not hold: the first one is what is told. */
void sim_broken(struct sim *s, const char *format, ...) PRINTF(2, 3);
/* Everybody publishes, and meets everybody. */
void sim_everybody_steps(struct sim *s, bool honest_only);
void sim_decision_make(struct sim *s, struct face *f);

/* ---- coalition_sim_store.c ------------------------------------------------------------------- */

uint64_t sim_store_add(struct sim_store *st, struct slice content, struct slice origin, bool own);
void sim_store_clear(struct sim_store *st);
void sim_store_copy(struct sim_store *to, const struct sim_store *from);
struct coalition_sink sim_sink_of(struct face *f);

/* ---- coalition_sim_face.c -------------------------------------------------------------------- */

bool sim_face_open(struct face *f);
void sim_face_close(struct face *f);
void sim_face_fini(struct face *f);
/* The power goes; what was not synced may be gone. */
void sim_face_crash(struct face *f);
/* Members, their keys, the first charter and the first policy. */
bool sim_found(struct sim *s);

/* ---- coalition_sim_network.c ----------------------------------------------------------------- */

void sim_face_steps(struct face *f, unsigned to, unsigned steps);

/* ---- coalition_sim_check.c ------------------------------------------------------------------- */

/* What must hold at any moment. */
void sim_check_now(struct sim *s);
/* Two histories that honest members hold are found within two rounds of contact. */
void sim_check_equivocations(struct sim *s);
/* What must hold when everybody has met everybody. */
void sim_check_end(struct sim *s);

#endif
