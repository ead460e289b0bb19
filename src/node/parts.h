/* SPDX-License-Identifier: MPL-2.0 */
/* Inside node: its processes, and its side of the coalition. */
#ifndef PARTS_H
#define PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "coalition/coalition.h"
#include "node.h"

/* ---- keys.c ---------------------------------------------------------------------------------- */

#define KEYS_SECRETS "secrets"
#define KEYS_PUBLIC  "public"
#define KEYS_MARKS   "marks"

/* New keys, or those that are there; the file "public" is written anew. ret_member: whose they
 * are. */
enum err_kind keys_make(const char *folder, struct slice member, const char *certificate,
	const struct world *world, char ret_member[COALITION_NAME_MAX + 1], struct err *e) MUST_USE;
bool keys_there(const struct node_config *c);
/* ERR_USAGE: the serving process could read them. */
enum err_kind keys_apart(const struct node_config *c, struct err *e) MUST_USE;
/* Secrets and marks opened, and a signer made that waits for answers as the stored charter says.
 * *ret_disk must outlive the signer. */
enum err_kind keys_signer(const struct node_config *c, const struct world *world,
	struct ledger_disk *ret_disk, struct signer **ret_signer, struct err *e) MUST_USE;

/* ---- quorum.c: the signer's side of charters ------------------------------------------------- */

struct seat;
struct quorum;
/* With the charter that is stored in the node's folder, if any; *ret_needed as it says, 0 without.
 * ERR_INVALID: it has not the signatures of its members, or not our log. */
enum err_kind quorum_open(const char *folder, const struct note_key *log,
	struct quorum **ret_quorum, unsigned *ret_needed, struct err *e) MUST_USE;
/* As signer_options want them. */
enum err_kind quorum_take(void *context, struct slice note, unsigned *ret_needed,
	uint64_t *ret_version, struct err *e) MUST_USE;
void quorum_free(void *context); /* accepts NULL */
/* The node's side: a charter is in force; what the signer does not know yet of it and those before
 * is told to it. What it refuses is logged. */
void quorum_tell(const struct seat *s, const struct charter *charter);
/* The note of a version, as the coalition stored it. */
enum err_kind quorum_stored(
	const char *folder, uint64_t version, struct buf *ret_note, struct err *e) MUST_USE;

/* ---- serve.c: the serving process ------------------------------------------------------------ */

/* listen_fd: of http_listen_open; signer_fd: a connected socket; both are taken over. signer_fd -1:
 * no coalition. */
enum err_kind node_run(const char *folder, const struct world *world, int listen_fd, int signer_fd,
	void (*ready)(void *context, unsigned port), void *context, struct err *e) MUST_USE;

/* ---- seat.c: this member's seat in the coalition --------------------------------------------- */

#define SEAT_FOLDER  "coalition" /* below the node's */
#define BUSY_SECONDS 2           /* a process that was killed lets go of its locks after a while */

struct sink;
struct peers;

struct seat {
	struct node *node; /* borrowed */
	const struct world *world;
	const struct log *log;
	struct ledger_disk disk;
	struct signer_socket *socket; /* of another process, or */
	struct signer *signer;        /* in this one */
	struct ledger_disk marks;
	struct signer_link link;
	struct sink *sink;
	struct coalition_sink doors;
	struct coalition *coalition;
	struct events *events;
	struct peers *peers;   /* NULL: nobody is asked by itself */
	struct expiry *expiry; /* records that are being followed; NULL: none */
	size_t held_log;       /* the log whose refused contents are looked at next */
};
/* signer_fd as in node_run; -1: the keys are opened here. */
enum err_kind seat_open(struct node *node, const struct world *world, const struct log *log,
	int signer_fd, struct seat **ret_seat, struct err *e) MUST_USE;
void seat_close(struct seat *s); /* accepts NULL */
/* The logs follow the store's records of what was deleted by its time, for at most a quarter of a
 * second: to be called every second. How far they have is a note in the store. */
enum err_kind seat_expire(struct seat *s, struct err *e) MUST_USE;

/* ---- alarms.c: what people must hear of ---------------------------------------------------------- */

/* A line each: a charter or policy that lapses within a week, a log that is stale or in quarantine,
 * proofs held, another copy of us. */
enum err_kind seat_alarms(struct seat *s, struct buf *out, struct err *e) MUST_USE;
struct alarms { /* zeros at first */
	int64_t looked_us, told_us;
	uint8_t digest[SHA256_LEN];
};
/* Into the log when they changed, else once a day; looks once a minute. */
void alarms_log(struct seat *s, struct alarms *told);

/* Call again while somebody else holds it, until BUSY_SECONDS have passed. */
bool busy_again(const struct world *world, enum err_kind kind, int64_t *since_us);

/* ---- sink.c: store and policy, as the coalition sees them ------------------------------------ */

/* What came from another member is kept as of "member/NAME", which no account can be called. */
#define SINK_MEMBER "member/"

enum err_kind sink_open(struct node *node, const struct world *world, struct sink **ret_sink,
	struct coalition_sink *ret_doors, struct err *e) MUST_USE;
void sink_free(struct sink *s); /* accepts NULL */
/* Rows of serials, in any order; those that are gone are left out. at: place in `serials`. */
enum err_kind sink_rows(struct store_reader *r, const uint64_t *serials, size_t count,
	enum err_kind (*each)(void *context, size_t at, const struct store_row *row, struct err *e),
	void *context, struct err *e) MUST_USE;

/* ---- events.c: telling the others that there is something newer ------------------------------ */

#define EVENTS_PATH       "/coalition/v1/events"
#define EVENTS_PER_MEMBER 2 /* streams: one, and one of which nobody has seen yet that it is dead */
#define EVENTS_MAX        100 /* of all members: COALITION_MEMBERS_MAX times that */
#define EVENTS_ROWS_MAX   256 /* logs: more than a coalition ever has, and they fit one event */

struct events;
enum err_kind events_open(
	const struct world *world, struct events **ret_events, struct err *e) MUST_USE;
void events_free(struct events *ev); /* after all streams have ended; accepts NULL */
/* What there is now; those who were not told are. Waits for nobody. True: our own log grew. */
bool events_tell(
	struct events *ev, uint64_t epoch, const struct coalition_shown *list, size_t count);
/* A stream for a member that was told up to last_id, if that is one of ours; for a reply. NULL:
 * refused, *ret_status 429 or 503. */
struct http_events *events_begin(
	struct events *ev, const char *member, struct slice last_id, unsigned *ret_status) MUST_USE;
/* The charter changed, so who may listen: they come again. */
void events_end_all(struct events *ev);

/* Of what others tell. The number of a log, EVENTS_ROWS_MAX: unknown here; and do we hold this? */
size_t events_row(struct events *ev, struct slice origin);
bool events_hold(struct events *ev, size_t row, uint64_t size, uint64_t quorum);
/* An event's data taken apart, a call for each log (borrowed; `ours` is false). ERR_PARSE,
 * ERR_LIMIT, after calls for what stood before it. */
enum err_kind events_read(struct slice data, uint64_t *ret_epoch,
	void (*each)(void *context, const struct coalition_shown *row), void *context,
	struct err *e) MUST_USE;

/* ---- peers.c: asking the others -------------------------------------------------------------- */

#define PEERS_PUBLISH_MS   100 /* between two looks for new objects of ours */
#define PEERS_BACKOFF_MAX  60  /* seconds between two attempts at who cannot be reached */
#define PEERS_SYNC_SECONDS 120 /* that one round with everybody may take */
/* Between two rounds with a member whose stream of events lives, when that is silent; less than the
 * time after which others are asked for what is its own (REACHED_US of coalition's step.c). */
#define PEERS_STREAM_SECONDS 15
/* Between two rounds that somebody wants at once, so that whoever wants them without end does not use
 * up what the other answers (ROUTES_SECOND, at some five requests a round). */
#define PEERS_ASKED_MS     50
#define PEERS_RELAY_MS     300  /* what is another's news is awaited from that one first */
#define PEERS_CLAIM_MS     20   /* between two rounds for what a stream told; and ... */
#define PEERS_CLAIM_MS_MAX 1000 /* ... for what it told but did not give doubled, up to here */

/* A way to one member over HTTPS, as the charter says. */
struct way;
enum err_kind way_open(struct seat *s, const struct charter_member *m, struct way **ret_way,
	struct err *e) MUST_USE;
void way_free(struct way *w); /* accepts NULL */
struct coalition_way way_of(struct way *w);
struct http_ear *way_ear(struct way *w); /* not open; lent */

enum err_kind peers_start(struct seat *s, struct err *e) MUST_USE;
/* Nobody begins anything new; after it, and after those who may still call, peers_stop. */
void peers_quit(struct seat *s);
/* False: a member's answer is awaited still, after so many seconds. */
bool peers_quiet(struct seat *s, unsigned seconds);
void peers_stop(struct seat *s);
/* Something may be new: whoever waits looks. from: who just asked us, and so can be reached. */
void peers_wake(struct seat *s, struct slice from);
/* One round with each that can be reached; returns when all have ended. */
enum err_kind peers_sync(struct seat *s, struct err *e) MUST_USE;

/* ---- coalition_routes.c ---------------------------------------------------------------------- */

/* Requests of one member: so many at once, and so many a second for ever. A round with news is
 * four or five; a catch-up is one at a time. */
#define ROUTES_BURST  500
#define ROUTES_SECOND 100

struct routes;
enum err_kind routes_open(struct seat *s, struct routes **ret_routes, struct err *e) MUST_USE;
void routes_free(struct routes *r); /* accepts NULL */
const struct http_route *routes_table(const struct routes *r, size_t *ret_count);
/* Accounts of the store, and before them the members of the charter by their pins. */
const struct http_accounts *routes_accounts(const struct routes *r);

/* ---- command.c ------------------------------------------------------------------------------- */

#define COMMAND_WORDS_MAX 64
#define COMMAND_WORD_MAX  KIB(4)     /* bytes */
#define COMMAND_INPUT_MAX MIB(16384) /* bytes: a bundle on a large stick */

enum err_kind command_run(
	struct seat *s, const struct node_request *request, struct err *e) MUST_USE;

/* ---- control.c ------------------------------------------------------------------------------- */

#define CONTROL_NAME    "control"
#define CONTROL_THREADS 4       /* commands at once; others wait */
#define CONTROL_FRAME   KIB(64) /* most bytes in one frame */
#define CONTROL_SECONDS 600     /* a side that says nothing for so long is gone */

struct control;
/* ERR_BUSY: somebody serves this folder. */
enum err_kind control_vacant(const char *folder, const struct world *world, struct err *e) MUST_USE;
/* The socket is made before the sandbox; who asks is answered from control_start on. */
enum err_kind control_open(
	const char *folder, struct control **ret_control, struct err *e) MUST_USE;
enum err_kind control_start(struct control *c, struct seat *s, struct err *e) MUST_USE;
void control_free(struct control *c); /* accepts NULL */
/* ERR_BUSY: nobody serves this folder; nothing of the input was read. */
enum err_kind control_ask(
	const char *folder, const struct node_request *request, struct err *e) MUST_USE;

#endif
