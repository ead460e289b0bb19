/* SPDX-License-Identifier: MPL-2.0 */
/* What the tests of a signer share: one that is open, on a disk that may fail, and what it is
 * asked. */
#ifndef SIGNER_SCENE_H
#define SIGNER_SCENE_H

#include "ledger_testing.h"
#include "signer_testing.h"

#define NOW_S 1795429800 /* when a scene begins: 2026-11-23 */

struct scene {
	struct world_fake world;
	struct signer_secrets secrets; /* of "kz" */
	struct note_secret other;      /* the log "uz/log" */
	struct ledger_disk_fake *fake;
	struct ledger_disk disk;
	struct signer *signer;
	struct signer_link link;
	struct tree tree, fork; /* differ from leaf 5 on */
};

/* Closed and opened anew; answers: how many members have to have told what they last saw. */
void scene_open(struct scene *s, unsigned answers);
/* For cmocka: *state is the scene. */
int scene_begin(void **state);
int scene_end(void **state);
/* As after a start: no answers are awaited, and the link is the old one. */
enum err_kind scene_reopen(struct scene *s, struct err *e);

/* ---- what it is asked ------------------------------------------------------------------------ */

/* Our own log of that tree from old_size to size. */
enum err_kind checkpoint(
	struct scene *s, const struct tree *t, uint64_t old_size, uint64_t size, struct buf *out);
/* The same, when only the kind matters. */
enum err_kind checkpoint_only(
	struct scene *s, const struct tree *t, uint64_t old_size, uint64_t size);
uint64_t signed_size(struct scene *s);
/* A member tells the checkpoint of that size, of our own log, that it last saw. */
enum err_kind scene_seen(struct scene *s, const char *member, const struct note_secret *key,
	const struct tree *t, uint64_t size);
/* Another's log, cosigned; *ret_size as the door says. */
enum err_kind cosign_by(struct scene *s, const struct note_secret *log, enum signer_key as,
	const struct tree *t, uint64_t old_size, uint64_t size, struct buf *out,
	uint64_t *ret_size);
enum err_kind cosign(struct scene *s, enum signer_key as, const struct tree *t, uint64_t old_size,
	uint64_t size);
/* Does this line sign that checkpoint, and when? */
int64_t line_verifies(const struct note_secret *origin, const struct tree *t, uint64_t size,
	struct slice line, const struct note_key *key);

#endif
