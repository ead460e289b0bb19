/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Four members in one process, each with its own store, policy engine, log, signer and the node's
 * own sink, and what each holds by hand. release_league.c founds them, starts them anew and ends
 * them; release_sink.c keeps the reading by hand up to date and watches each sink; release_moves.c
 * is what members do; release_ways.c is how one gives to another, and compares what was given with
 * the reading by hand.
 */
#ifndef RELEASE_LEAGUE_H
#define RELEASE_LEAGUE_H

#include "ledger_testing.h"
#include "parts.h"
#include "release_world.h"
#include "taxii_testing.h"

#define THINGS   20
#define NAMED    (DEFINITIONS + 2) /* definitions, a statement, an extension: behind the things */
#define ITEMS    ((THINGS + NAMED) * VERSIONS_MAX)
#define LEAVES   2048 /* of one log */
#define PHASES   6
#define POLICIES (PHASES + 1)

enum channel { ASKED, TAKEN, FILED, WAYS };
extern const char *const channel_names[WAYS];

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

/* ---- founding ------------------------------------------------------------------------------- */

/* A coalition of all members, its charter taken by each. */
void league_found(struct league *l, uint64_t seed);
/* Every root key signs. */
void sign_all(const struct league *l, struct slice text, struct buf *ret_note);
/* Its process ends and another starts over the same disks. */
void party_again(struct party *p);
void league_free(struct league *l);

/* ---- the reading by hand -------------------------------------------------------------------- */

struct version *held(struct party *p, unsigned item);
bool is_definition(const struct item *it);
unsigned item_of(const struct league *l, struct slice text);
unsigned member_of(struct slice name);
/* What becomes of an item that comes to this member now. */
enum intel_outcome outcome_of(struct party *p, unsigned item);
/* It came, in whatever way, and became what `outcome` says. */
void arrive(struct party *p, unsigned item, enum intel_outcome outcome, bool own, int64_t serial);
/* Is this leaf's content here, under the serial that it came with? */
bool holds(struct party *p, unsigned log, uint64_t index);
/* May it give this leaf's content, as it stands? `with` as for says_of. */
bool may_give(struct party *giver, unsigned to, unsigned log, uint64_t index, unsigned with);
/* The sink that looks, plants when it shall, and asks p->real. */
struct coalition_sink sink_watched(struct party *p);

/* ---- what members do ------------------------------------------------------------------------ */

/* New objects, versions and definitions; some that others made. */
void grow(struct party *p);
void withdraw_one(struct party *p);
/* The next policy, by somebody in whose eyes the one before is in force. */
void change_policy(struct league *l);
/* Each publishes and asks all others, `count` times over. */
void rounds(struct league *l, unsigned count);

/* ---- how one gives to another: each compares what was given --------------------------------- */

/* One round, as a member asks. */
void meet(struct party *from, struct party *to);
/* All that can be had of `from`, by one request a log. */
void take(struct party *from, struct party *to);
/* A file, which its recipient takes in if `import`. */
void send_file(struct party *from, struct party *to, bool import);

#endif
