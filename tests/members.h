/* SPDX-License-Identifier: MPL-2.0 */
/* What scenarios of a coalition share: members whose nodes are real processes on loopback. */
#ifndef MEMBERS_H
#define MEMBERS_H

#include "coalition/coalition.h"
#include "scenario.h"
#include "json/json.h"

#define MEMBERS_MAX    8
#define MEMBERS_WAIT_S 60 /* for what must become true; with sanitizers on a busy machine */

struct member {
	char name[32], folder[128];
	struct note_secret root;
	struct scenario_server server; /* pid 0: does not serve */
};

struct members {
	char base[64];
	struct member list[MEMBERS_MAX];
	size_t count;
	struct arena *a;
	struct charter charter;
	uint8_t charter_digest[SHA256_LEN]; /* of its text */
	uint64_t decisions;
	uint8_t decision_digest[SHA256_LEN];
};

/* Nodes made and served, each on a port that it keeps. */
void members_make(struct members *m, const char *const *names, size_t count);
/* A charter of all, taken by all. */
void members_found(struct members *m);
/* On the heap and founded, for a test's setup and teardown. */
struct members *members_new(const char *const *names, size_t count);
void members_free(struct members *m);
/* The next charter, which the last member is not in, signed by all and published by one. */
void members_without_last(struct members *m, size_t by);
/* A policy, rules as in its text with ' for ", decided by all and published by one. */
void members_decide(struct members *m, size_t by, const char *rules);
void members_decide_until(struct members *m, size_t by, const char *rules, const char *expires);
void members_end(struct members *m);
void member_serve(struct member *m);
/* The process `name` of a member that serves: "serai-signer", "serai-node"; 0: none. */
int member_process(const struct member *m, const char *name);
/* SIGTERM, or SIGKILL, to the parent, and until all are gone. *ret_status as of waitpid. */
void member_stop(struct member *m, int signal, int *ret_status);

/* A command, words separated by blanks. The answer is appended to out (NULL: thrown away). */
enum err_kind member_ask(struct member *m, const char *words, bool json, struct slice input,
	struct buf *out, struct err *e);
/* A number of the status: "policy", "logged", "log.kz.opened", "peer.uz.reachable" ... -1: none. */
int64_t member_status(struct member *m, const char *what);
/* Until a number of the status is at least that, by rounds with the others; fails after a while. */
void member_await(struct member *m, const char *what, int64_t least);
/* POST made-up objects [from, from + count), marked with a TLP ("green", "amber"); the HTTP status,
 * 0: no answer. */
unsigned member_post(
	struct member *m, struct http_client *client, uint64_t from, size_t count, const char *tlp);
/* Is a made-up object here? Asked as an administrator does, over TAXII. */
bool member_has(struct member *m, struct http_client *client, uint64_t k);

#endif
