/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The keys of a member's node, and the few things they are used for. The signer trusts nobody: it
 * verifies consistency itself against its own high-water file, so that a broken store, a restored
 * disk or a hijacked node cannot make it sign two histories. It opens no socket; it answers frames
 * on a descriptor it was given, or, in a simulation, in a function call.
 */
#ifndef SIGNER_H
#define SIGNER_H

#include "base/base.h"
#include "ledger/ledger.h"
#include "note/note.h"

#define SIGNER_FRAME_MAX   MIB(1) /* bytes of one request or answer */
#define SIGNER_ORIGINS_MAX 256    /* logs that it cosigns: members, old and new keys of each */
#define SIGNER_SEALED_LEN  80     /* a 32-byte key in a sealed box of libsodium */
#define SIGNER_BOX_LEN     32

/* Which of the member's keys. */
enum signer_key {
	SIGNER_LOG,     /* "member/log": checkpoints of the own log */
	SIGNER_WITNESS, /* "member/witness": saw it consistent */
	SIGNER_MIRROR,  /* "member/mirror": holds the leaves, and opened what it should */
	SIGNER_KEYS
};

/* ---- the keys on disk --------------------------------------------------------------------------
 */

/* Everything secret of a node but its TLS key; one file, mode 0600, read by the signer alone. */
struct signer_secrets {
	struct note_secret notes[SIGNER_KEYS];
	uint8_t box_public[SIGNER_BOX_LEN];
	uint8_t box_secret[SIGNER_BOX_LEN];
};
enum err_kind signer_secrets_new(const struct world *w, struct slice member,
	struct signer_secrets *ret_secrets, struct err *e) MUST_USE;
/* ERR_CONFLICT: the file is there already. */
enum err_kind signer_secrets_save(
	const char *path, const struct signer_secrets *s, struct err *e) MUST_USE;
enum err_kind signer_secrets_load(
	const char *path, struct signer_secrets *ret_secrets, struct err *e) MUST_USE;
void signer_secrets_wipe(struct signer_secrets *s);

/* What may be told to anybody. */
struct signer_public {
	struct note_key keys[SIGNER_KEYS];
	uint8_t box[SIGNER_BOX_LEN];
};
void signer_secrets_public(const struct signer_secrets *s, struct signer_public *ret_public);

/* ---- the signer itself
 * --------------------------------------------------------------------------- */

struct signer;

struct signer_options {
	const struct signer_secrets *secrets; /* copied */
	const struct ledger_disk *disk;       /* its own folder: high-water files, nothing else */
	const struct world *world;
	/* Own checkpoints wait until that many other members told what they last saw of our log
	 * (signer_seen); 0 for a member alone. */
	unsigned answers_needed;
};
enum err_kind signer_open(
	const struct signer_options *options, struct signer **ret_signer, struct err *e) MUST_USE;
void signer_close(struct signer *s); /* wipes */
/* One request frame in, one answer frame out (appended). Never fails: bad frames are answered. */
void signer_handle(struct signer *s, struct slice frame, struct buf *ret_answer);
/* Answer frames on fd until it is closed. The caller entered its sandbox before. */
enum err_kind signer_run(struct signer *s, int fd, struct err *e) MUST_USE;

/* ---- asking it
 * ------------------------------------------------------------------------------------ */

/* A way to a signer: over a socket, or straight into signer_handle. */
struct signer_link {
	enum err_kind (*call)(
		void *context, struct slice frame, struct buf *ret_answer, struct err *e);
	void *context;
};
/* Over a connected stream socket; calls of several threads take turns. */
struct signer_socket;
enum err_kind signer_socket_new(int fd, struct signer_socket **ret_socket, struct err *e) MUST_USE;
void signer_socket_free(struct signer_socket *s); /* closes fd */
struct signer_link signer_link_of_socket(struct signer_socket *s);
struct signer_link signer_link_of(struct signer *s);

enum err_kind signer_public_get(
	const struct signer_link *l, struct signer_public *ret_public, struct err *e) MUST_USE;

/* The size that the signer last signed of its own log, 0 at first; the path handed to
 * signer_checkpoint starts there. */
enum err_kind signer_signed_size(
	const struct signer_link *l, uint64_t *ret_size, struct err *e) MUST_USE;
/*
 * Sign our own log's checkpoint: a signature line is appended to ret_line. ERR_DENIED: not enough
 * answers yet, or somebody has seen a larger log than this; ERR_INVALID: not consistent with what
 * was signed last; ERR_CONFLICT: another root at the same size. The high-water file is synced
 * before the signature leaves.
 */
enum err_kind signer_checkpoint(const struct signer_link *l, uint64_t size,
	const uint8_t root[LEDGER_HASH_LEN], const struct ledger_path *from_signed,
	struct buf *ret_line, struct err *e) MUST_USE;
/* Another member (its witness key's name) told what it last saw of our log: a note signed by our
 * own log key, or empty: nothing. Counted once per member since the start. */
enum err_kind signer_seen(const struct signer_link *l, struct slice member, struct slice note,
	struct err *e) MUST_USE;

/*
 * Cosign another's checkpoint as witness or as mirror. log_key must have signed the note; path
 * proves it consistent from old_size, which must be the size last cosigned with this key: else
 * ERR_CONFLICT and *ret_size is that size. Two roots of one size: ERR_INVALID.
 */
enum err_kind signer_cosign(const struct signer_link *l, enum signer_key as,
	const struct note_key *log_key, struct slice note, uint64_t old_size,
	const struct ledger_path *path, struct buf *ret_line, uint64_t *ret_size,
	struct err *e) MUST_USE;

/* Open a sealed box of exactly one 32-byte key, of a bundle addressed to us. */
enum err_kind signer_unseal(const struct signer_link *l, const uint8_t sealed[SIGNER_SEALED_LEN],
	uint8_t ret_key[32], struct err *e) MUST_USE;

#endif
