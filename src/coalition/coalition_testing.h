/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the tests of a coalition share: members in one process on disks in memory, with a store, a
 * clock and a signer each. A node is one running copy of a member; a member may have two, which is
 * how two histories come about. Who reaches whom, and which copy, is a table.
 */
#ifndef COALITION_TESTING_H
#define COALITION_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inside.h"
#include "ledger_testing.h"

#define BENCH_MEMBERS 10
#define BENCH_NODES   14
#define BENCH_START   INT64_C(1800000000000000) /* 2027-01-15 */
#define BENCH_DAY_US  (INT64_C(86400) * US_PER_SECOND)
#define BENCH_ALL     UINT64_MAX /* every member may have it */
#define BENCH_CUT     (-1)
#define BENCH_PATHS   512

#define MUST(call)                                                                                 \
	do {                                                                                       \
		struct err e = {0};                                                                \
		if ((call) != OK)                                                                  \
			fail_msg("%s: %s", #call, e.text);                                         \
	} while (0)

/* Refused with this kind; the text is left in `e` for the caller. */
#define REFUSED(expected, call)                                                                    \
	do {                                                                                       \
		struct err e = {0};                                                                \
		enum err_kind kind_ = (call);                                                      \
		if (kind_ != (expected))                                                           \
			fail_msg("%s: %d instead of %d: %s", #call, (int)kind_, (int)(expected),   \
				e.text);                                                           \
	} while (0)

struct bench;

struct node_object {
	char *content;
	size_t len;
	char origin[COALITION_NAME_MAX + 1];
	uint64_t mask; /* by member */
	bool own, forgotten;
};

/* A member's store in memory, which outlives the node, as a disk does. */
struct node_store {
	struct node_object *objects; /* serial - 1 */
	size_t count;
	uint64_t reached;  /* contents handed to accept, whatever became of them */
	uint64_t released; /* objects told to have left */
	struct {
		uint64_t indices[64], serials[64];
		size_t count;
	} last[BENCH_MEMBERS];
};

struct node {
	struct bench *bench;
	unsigned member;
	struct signer_secrets secrets;
	struct world world;
	uint64_t random;
	int64_t skew_us;
	struct ledger_disk_fake *fake, *keys_fake;
	struct ledger_disk real, disk, keys_disk; /* disk notes the paths, then asks real */
	char *paths[BENCH_PATHS];
	size_t paths_count;
	struct signer *signer;
	struct signer_link link;
	struct coalition_sink sink;
	struct node_store store;
	struct coalition *coalition; /* NULL: not running */
	uint64_t policy;             /* sequence in force; 0: none */
	unsigned entered;            /* how often a decision came into force since the start */
	bool releases_all;           /* its sink asks nobody */
	int64_t keep_us;             /* how long what the store refused may be kept; 0: for ever */
	struct buf expired;          /* "MEMBER:INDEX RULE MINUTES-BEFORE;" of what went so */
};

struct bench {
	unsigned count; /* members */
	struct node nodes[BENCH_NODES];
	unsigned nodes_count;
	int route[BENCH_NODES][BENCH_MEMBERS]; /* which node a node reaches as this member */
	struct note_secret roots[BENCH_MEMBERS];
	struct charter_member rows[BENCH_MEMBERS]; /* of the charter that is made next */
	int64_t now_us;
	uint64_t random;
	struct log log;
	struct buf charter; /* the first */
	/* What the last request was answered with is handed to this before it is taken. */
	void (*meddle)(struct bench *b, enum coalition_ask ask, struct buf *answer);
	unsigned meddled;
	/* One request of each kind and its answer, as they were last seen. */
	struct buf requests[COALITION_ASKS], answers[COALITION_ASKS];
	unsigned asker[COALITION_ASKS], asked[COALITION_ASKS];
};

uint64_t bench_random(uint64_t *state);

/* Keys and a first charter, carried by `threshold` members (0: the least that is allowed). */
void bench_keys(struct bench *b, unsigned count, uint64_t seed);
unsigned bench_threshold(unsigned members);
/* b->rows as a charter of this version; previous from `before` when not NULL. */
struct charter bench_charter_of(
	struct bench *b, unsigned members, uint64_t version, const struct charter *before);
/* Signed with the root keys of members in the mask. */
void bench_sign(const struct bench *b, struct slice text, uint64_t signers, struct buf *ret_note);
void bench_charter_note(
	const struct bench *b, const struct charter *c, uint64_t signers, struct buf *ret_note);
void bench_decision_note(
	const struct bench *b, const struct decision *d, uint64_t signers, struct buf *ret_note);

/* Keys, charter, all members running and met; with_policy: one is in force everywhere. */
void bench_init(struct bench *b, unsigned count, uint64_t seed, bool with_policy);
void bench_fini(struct bench *b);

/* Three members, of which node 1 is behind node 0: it holds leaves without openings, and knows of a
 * head whose leaves it lacks. b->requests and answers are what it would ask next, and get. */
void bench_behind(struct bench *b);

/* A second copy of a node, on copies of its disks; reaches all as it does. Not opened. */
struct node *bench_twin(struct bench *b, struct node *of);
enum err_kind node_try_open(struct node *n, struct err *e);
void node_open(struct node *n);
void node_close(struct node *n);
struct slice node_name(const struct node *n);
struct ledger *node_log(struct node *n, const struct node *of); /* n's copy of of's log */

uint64_t node_add(struct node *n, const char *text, uint64_t mask); /* an own object: its serial */
const struct node_object *node_holds(const struct node *n, const char *text); /* NULL: no */
uint64_t node_publish(struct node *n); /* must go well; entries logged */
enum err_kind node_try_publish(struct node *n, struct err *e);
/* A round with one member; the error of the step that failed. */
enum err_kind node_try_meet(struct node *n, unsigned member, struct err *e);
void node_meet(struct node *n, unsigned member);
/* Everybody publishes and meets everybody who is running, `rounds` times; errors are theirs. */
void bench_rounds(struct bench *b, unsigned rounds);
/* Tables: nobody of one side reaches the other; bits are members. */
void bench_part(struct bench *b, uint64_t side);
void bench_heal(struct bench *b);

/* The next policy after what n has, published by n with these signatures. */
enum err_kind node_decide(struct node *n, const char *content, uint64_t signers, struct err *e);
void node_status(struct node *n, struct arena *a, struct coalition_status *ret_status);
enum coalition_trust node_trusts(struct node *n, const struct node *whom);
/* Are these bytes in any file of the node's disks? */
bool node_disk_has(struct node *n, struct slice bytes);
/* The bytes of a file; empty when there is none. */
void node_file(struct node *n, const char *path, struct buf *out);

/* A file from n to a member, into `out`. */
void node_export(struct node *n, unsigned to, bool everything, struct buf *out);
enum err_kind node_import(
	struct node *n, struct slice file, struct coalition_imported *ret_imported, struct err *e);

/* ---- of one node, for bench_keys, node_open and bench_twin ----------------------------------- */

/* n->real, with every path that is written noted in n->paths. */
struct ledger_disk node_disk_of(struct node *n);
/* n->store as the coalition's sink. */
struct coalition_sink node_sink_of(struct node *n);
/* With contents of its own. */
void node_store_copy(struct node_store *to, const struct node_store *from);

#endif
