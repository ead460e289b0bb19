/* SPDX-License-Identifier: MPL-2.0 */
/* Inside serai rehearse: its members, what they are asked, and the account. */
#ifndef VERB_REHEARSE_H
#define VERB_REHEARSE_H

#include <sys/types.h>

#include "cli.h"
#include "json/json.h"

#define REHEARSE_MEMBERS 4
#define REHEARSE_SECONDS 120 /* that anything awaited may take, on a busy machine */
#define REHEARSE_RULES   8   /* of the policies rehearsed with, with room */
#define REHEARSE_TEXT    4096

enum { NORTH, SOUTH, EAST, WEST };
extern const char *const rehearse_names[REHEARSE_MEMBERS];
#define REHEARSE_LIST "north,south,east,west"

struct rehearsal {
	struct cli *cli;
	const char *dir; /* everything is in it */
	char program[REHEARSE_TEXT];
	unsigned ports[REHEARSE_MEMBERS];
	pid_t nodes[REHEARSE_MEMBERS]; /* 0: not serving */
	pid_t copy;
	struct buf out, err; /* of the last verb; both end in a NUL that does not count */
	struct json_parser *parser;
	struct json_doc doc; /* of the answer that is looked at */
	unsigned steps, claims;
	bool broken; /* a claim did not hold, or something could not be done */
	char why[ERR_TEXT_MAX];
	int64_t began_us;
	/* What later steps look back to. */
	uint64_t taken_in, policy1[REHEARSE_MEMBERS], opened1[REHEARSE_MEMBERS];
	uint64_t opened2[REHEARSE_MEMBERS];
};

/* ---- the account (verb_rehearse_account.c) --------------------------------------------------- */

void rehearse_step(struct rehearsal *r, const char *title);
void rehearse_say(struct rehearsal *r, const char *format, ...) PRINTF(2, 3);
/* Told with "ok" or "NO"; returns holds. */
bool rehearse_claim(struct rehearsal *r, bool holds, const char *format, ...) PRINTF(3, 4);
/* Something could not be done: false. */
bool rehearse_fail(struct rehearsal *r, const char *format, ...) PRINTF(2, 3);
/* A command, and the first lines of what the last verb answered. */
void rehearse_quote(struct rehearsal *r, const char *command, unsigned lines);
/* The last line that the last verb said on standard error. */
void rehearse_quote_error(struct rehearsal *r);
/* 12,345; in the arena. */
const char *rehearse_count(struct rehearsal *r, uint64_t n);

/* ---- doing (verb_rehearse_run.c) ------------------------------------------------------------- */

/* "DIR/..." in the arena. */
const char *rehearse_path(struct rehearsal *r, const char *format, ...) PRINTF(2, 3);
/* Run a verb as a process of this program; its exit status, -1 when it could not be run. */
int rehearse_run(struct rehearsal *r, const char *const *words);
/* False, with the reason, at another status. */
bool rehearse_verb(struct rehearsal *r, int status, const char *const *words);
#define RUN(r, ...)          rehearse_run(r, (const char *const[]){__VA_ARGS__, NULL})
#define VERB(r, status, ...) rehearse_verb(r, status, (const char *const[]){__VA_ARGS__, NULL})
bool rehearse_serve(struct rehearsal *r, const char *folder, pid_t *ret_pid);
void rehearse_stop(pid_t *pid);
bool rehearse_ports(struct rehearsal *r);
bool rehearse_write(struct rehearsal *r, const char *path, struct slice text);
/* A folder and all below it; folders above `to` are made. */
bool rehearse_copy(struct rehearsal *r, const char *from, const char *to);
void rehearse_clean(struct rehearsal *r);
/* Since Ctrl-C. */
bool rehearse_asked_to_stop(void);
void rehearse_catch_signals(void);

/* The last verb's output as JSON; its first line when there are several. */
bool rehearse_json(struct rehearsal *r, struct json_value *ret_root);
int64_t rehearse_number(struct json_value v, const char *name); /* -1: none */

/* What a member's node says of itself. */
struct rehearse_log {
	uint64_t size, opened, cosigned;
	bool good;
};
struct rehearse_status {
	bool waiting, forked;
	uint64_t policy, logged, signed_size;
	struct rehearse_log logs[REHEARSE_MEMBERS];
	bool reachable[REHEARSE_MEMBERS];
	char problem[160]; /* the first peer's that has one */
};
bool rehearse_status(struct rehearsal *r, const char *folder, struct rehearse_status *ret_status);
/* Asked again until it says yes; false, with `what`, after REHEARSE_SECONDS. */
bool rehearse_until(struct rehearsal *r, const char *what,
	bool (*yes)(struct rehearsal *r, const void *context), const void *context);

/* ---- asking (verb_rehearse_ask.c) ------------------------------------------------------------ */

/* A member's folder. */
const char *rehearse_folder(struct rehearsal *r, int member);

/* A count that was told as text: 0, "<5", or the number. */
struct rehearse_cell {
	uint64_t number;
	bool small;
};
bool rehearse_cell_is(struct rehearse_cell c, uint64_t number);
const char *rehearse_cell_text(struct rehearsal *r, struct rehearse_cell c);

struct rehearse_trial {
	struct rehearse_cell has, would_have, gains, loses;
};
/* A dry run at one member's store, for each other; before: the policy in force, or NULL for none.
 */
bool rehearse_dry_run(struct rehearsal *r, int at, const char *before, const char *after,
	struct rehearse_trial trials[REHEARSE_MEMBERS]);

/* What the release log says one member was given by another, by rule. */
struct rehearse_given {
	char rules[REHEARSE_RULES][32];
	uint64_t counts[REHEARSE_RULES], all;
	size_t rules_count;
};
bool rehearse_given(struct rehearsal *r, int from, int to, struct rehearse_given *ret_given);
uint64_t rehearse_given_by(const struct rehearse_given *g, const char *rule);
/* "675 under R1, 1 under R2" */
const char *rehearse_given_text(struct rehearsal *r, const struct rehearse_given *g);

/* May `to` have this object of `at`'s? The text for people stays in r->out. */
bool rehearse_may(struct rehearsal *r, int at, const char *id, int to, bool *ret_may);
/* Whether this member can prove that it holds the object. */
bool rehearse_has(struct rehearsal *r, int at, const char *id);

struct rehearse_expected {
	int at, of;                    /* at this member, of that one's log */
	uint64_t size, opened, policy; /* at least; 0: not asked */
	bool cosigned;                 /* as far as size, by a quorum, and fresh */
	bool ready;                    /* its signer waits for nobody */
};
/* Until all of it is so; `what` is for the account. */
bool rehearse_expect(struct rehearsal *r, const char *what, struct rehearse_expected x);
/* How many of one log's entries a member may read by now. */
bool rehearse_opened(struct rehearsal *r, int at, int of, uint64_t *ret_opened);
/* For rehearse_until: x->at does not reach x->of, of a struct rehearse_expected. */
bool rehearse_unreachable(struct rehearsal *r, const void *context);
/* For rehearse_until: each whose number is not 0, of int [REHEARSE_MEMBERS], wrote into its log
 * that it took north's withdrawals. */
bool rehearse_acknowledged(struct rehearsal *r, const void *context);

/* "DIR/FROM-to-TO.bundle", and a bundle written there and taken in. */
const char *rehearse_bundle(struct rehearsal *r, int from, int to);
bool rehearse_carry(struct rehearsal *r, int from, int to);

/* ---- the steps: false, with the reason, when something could not be done or did not hold ----- */

/* verb_rehearse_found.c */
bool rehearse_step_nodes(struct rehearsal *r);
bool rehearse_step_data(struct rehearsal *r);
bool rehearse_step_charter(struct rehearsal *r);
bool rehearse_step_meet(struct rehearsal *r);
/* Files into a node or a folder, as serai import takes them; what it refuses is no failure. */
bool rehearse_take_in(struct rehearsal *r, const char *node, const char *const *files, size_t n);
/* verb_rehearse_decide.c */
bool rehearse_step_policy(struct rehearsal *r);
bool rehearse_step_withheld(struct rehearsal *r);
bool rehearse_step_amendment(struct rehearsal *r);
bool rehearse_step_withdrawal(struct rehearsal *r);
/* verb_rehearse_apart.c */
bool rehearse_step_partition(struct rehearsal *r);
bool rehearse_step_files(struct rehearsal *r);
/* verb_rehearse_refuse.c */
bool rehearse_step_outsider(struct rehearsal *r);
bool rehearse_step_refusals(struct rehearsal *r);

/* ---- what is rehearsed with (verb_rehearse_data.c) ------------------------------------------- */

extern const char rehearse_policy_1[],
	rehearse_policy_2[]; /* the second: %s is the first's digest */
extern const char rehearse_objects[], rehearse_late[], rehearse_west[];
#define REHEARSE_RED        "report--5c0b3f5e-6f0e-4f0a-9a40-6a4a2f1f7a01"
#define REHEARSE_OBSERVED   "observed-data--0c7f7a52-6b67-4d0e-8d0f-1c1f5d2b7a02"
#define REHEARSE_MISTAKE    "indicator--1f0c6a0b-3c52-4b7e-9d55-7f5b8a4c7a03"
#define REHEARSE_AMBER      "indicator--2a9d5b1c-4d63-4c8f-8e66-8a6c9b5d7a04"
#define REHEARSE_PERSONAL   "indicator--3bae6c2d-5e74-4da0-9f77-9b7dac6e7a05"
#define REHEARSE_UNMARKED   "indicator--4cbf7d3e-6f85-4eb1-8a88-ac8ebd7f7a06"
#define REHEARSE_GREEN      "indicator--5dc08e4f-7096-4fc2-9b99-bd9fce807a07"
#define REHEARSE_WEST_GREEN "indicator--8ef3b172-a3c9-4cf5-8ecc-e0c2f1b37a0a"

#endif
