/* SPDX-License-Identifier: MPL-2.0 */
/* Inside node: commands on a seat, one row each. */
#ifndef PARTS_COMMAND_H
#define PARTS_COMMAND_H

#include "parts.h"

#define COMMAND_ARENA    MIB(64)
#define COMMAND_NOTE_MAX (KIB(64) + POLICY_BYTES_MAX) /* bytes of a charter or decision handed in */

struct command {
	struct seat *seat;
	const struct node_request *request;
	struct arena *a;
	struct buf out; /* the answer, unless it was streamed */
	struct json_writer w;
};

/* The word at a place; empty past the last. */
struct slice command_word(const struct command *c, size_t at);
/* The whole input, into `a`. */
enum err_kind command_input(
	struct command *c, size_t most, struct slice *ret_input, struct err *e) MUST_USE;

/* command_show.c */
enum err_kind command_status(struct command *c, struct err *e) MUST_USE;
enum err_kind command_withdrawals(struct command *c, struct err *e) MUST_USE;
enum err_kind command_explain(struct command *c, struct err *e) MUST_USE;
enum err_kind command_releases(struct command *c, struct err *e) MUST_USE;
enum err_kind command_deletions(struct command *c, struct err *e) MUST_USE;

/* An object's versions in this store: serials, oldest first. ERR_USAGE: none. */
enum err_kind command_serials(struct command *c, struct slice id, uint64_t **ret_serials,
	size_t *ret_count, struct err *e) MUST_USE;

#endif
