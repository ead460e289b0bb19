/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A member's node: its folder, its one small configuration file, and the process that serves it.
 */
#ifndef NODE_H
#define NODE_H

#include "base/base.h"
#include "http/http.h"
#include "intel/intel.h"
#include "store/store.h"
#include "taxii/taxii.h"

/*
 * A node's folder:
 *   serai.conf   the configuration below, "name = value" lines, '#' comments
 *   store/       the database
 *   spool/       request bodies on their way in (unlinked files)
 *   tls.crt, tls.key   unless the configuration names others
 *   coalition/   charter, logs and decisions of the coalition
 *   overlay.json   our own overlay over the coalition's policy, when there is one
 *   control      the socket of a node that serves
 */
#define NODE_CONFIG_FILE "serai.conf"
#define NODE_CONFIG_MAX  KIB(64) /* bytes */

struct node_config {
	struct arena *arena; /* owns the strings */
	const char *folder;
	const char *title, *description, *contact;
	const char *listen;
	const char *certificate,
		*key; /* whole paths; both "" or "none": plain HTTP, loopback only */
	const char *root;
	const char *root_title;
	const char *log_level;
	const char *member;   /* our name in the coalition, and on what we bring in ourselves */
	const char *keys;     /* whole path */
	const char *received; /* collection for what other members send */
	bool log_open;        /* logs and checkpoints without an account */
	unsigned poll_seconds;
	bool client_certificates;
	bool metrics_open; /* /metrics without an account */
	unsigned threads, connections, per_address;
	unsigned page_default, page_max;
	unsigned content_max; /* bytes in one POST */
	unsigned cache_bytes; /* finished pages */
};

/* The folder's configuration with the defaults for what it does not say. ERR_PARSE names file, line
 * and what was expected. Free with node_config_fini. */
enum err_kind node_config_load(
	const char *folder, struct node_config *ret_config, struct err *e) MUST_USE;
void node_config_fini(struct node_config *c);
/* The text of a new NODE_CONFIG_FILE, appended: every setting with what it does; what has its
 * default stands behind a '#'. NULL: the default. */
void node_config_template(
	struct buf *out, const char *title, const char *listen, const char *member);

/*
 * Make a node: folder, configuration, store, a self-signed certificate, a first collection and an
 * administrator with a random password, given back once. ERR_CONFLICT when there is one already.
 */
enum err_kind node_init(const char *folder, const char *title, const char *listen,
	const char *host_name, const struct world *world, char ret_password[64],
	struct err *e) MUST_USE;

/* Store and intel of a node's folder, opened without serving it. */
struct node {
	struct node_config config;
	struct store *store;
	struct intel *intel;
};
enum err_kind node_open(const char *folder, enum store_mode mode, const struct world *world,
	struct node *ret_node, struct err *e) MUST_USE;
void node_close(struct node *n);

/* Serve until SIGTERM or SIGINT (clean), reload configuration, certificate and accounts on SIGHUP.
 * ready is called with the port once connections are taken. Logs to standard error. */
enum err_kind node_serve(const char *folder, const struct world *world,
	void (*ready)(void *context, unsigned port), void *context, struct err *e) MUST_USE;

/* ---- commands: a node that serves is asked, one that does not is opened ---------------------- */

/*
 * What an operator asks of a node, by its folder. While the node serves, it answers through
 * FOLDER/control (a Unix socket of its owner, 0600); else the folder is opened here, with the keys.
 *
 *   words                                   what it does
 *   status                                  this member, each log, each peer
 *   charter show | take | publish           input: the note (take: the first one, or the next)
 *   decision show KIND | publish            input: the note
 *   withdraw ID|INDEX CODE REASON           our own object, or entry of our log
 *   withdrawals                             each with who acknowledged it
 *   prove ID|ORIGIN:INDEX                   the proof file; with "content": the exact content
 *   explain ID MEMBER                       may this member have it, and why
 *   releases [to WHOM] [of ID] [since TIME] [until TIME]
 *                                           the release log, newest first; WHOM: a member, "public",
 *                                           or a recipient as it is told ("account 3")
 *   deletions [since TIME]                  what went because its time had come, newest first
 *   export MEMBER [everything]              a bundle
 *   import                                  input: a bundle
 *   sync                                    one round with every peer that can be reached, now
 *   publish                                 new own objects into the log, now
 *
 * Text for people, or JSON. ERR_USAGE for words that are none of these.
 */
struct node_request {
	const char *const *words;
	size_t words_count;
	bool json;
	int input_fd; /* read to its end; -1: nothing */
	/* Called with the answer's bytes as they come. */
	enum err_kind (*write)(void *context, struct slice bytes, struct err *e);
	void *context;
};
/* Any error of the command itself comes back in *e, as if it had run here. */
enum err_kind node_command(const char *folder, const struct world *world,
	const struct node_request *request, struct err *e) MUST_USE;

/* ---- a member's keys ------------------------------------------------------------------------- */

/*
 * A member's keys live beside the node's folder, in FOLDER-keys (0700), so that neither the serving
 * process nor a copy of the folder has them:
 *
 *   secrets   what the signer reads (signer.h), 0600
 *   marks/    its high-water files
 *   public    what a charter says of us: JSON with the public keys, the box key and the TLS pin
 *
 * Made with the node (node_init), or by node_keys_make for a node from before.
 */
enum err_kind node_keys_make(
	const char *folder, struct slice member, const struct world *world, struct err *e) MUST_USE;
/* The file "public": {"name", "log", "witness", "mirror", "box", "pin"}, as in a charter. */
enum err_kind node_card_get(const char *folder, struct buf *ret_json, struct err *e) MUST_USE;

#endif
