/* SPDX-License-Identifier: MPL-2.0 */
/* Inside serai rehearse: its members, what they are asked, and the account. */
#ifndef VERB_REHEARSE_H
#define VERB_REHEARSE_H

#include <sys/types.h>

#include "cli.h"
#include "json/json.h"

#define REHEARSE_MEMBERS 4
#define REHEARSE_SECONDS 120 /* that anything awaited may take, on a busy machine */
#define REHEARSE_TEXT    4096

enum { NORTH, SOUTH, EAST, WEST };
extern const char *const rehearse_names[REHEARSE_MEMBERS];

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

/* ---- the account ---- */

void rehearse_step(struct rehearsal *r, const char *title);
void rehearse_say(struct rehearsal *r, const char *format, ...) PRINTF(2, 3);
/* Told with "ok" or "NO"; returns holds. */
bool rehearse_claim(struct rehearsal *r, bool holds, const char *format, ...) PRINTF(3, 4);
/* Something could not be done: false. */
bool rehearse_fail(struct rehearsal *r, const char *format, ...) PRINTF(2, 3);

/* ---- doing (verb_rehearse_run.c) ---- */

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

/* ---- what is rehearsed with (verb_rehearse_data.c) ---- */

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
