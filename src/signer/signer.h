/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The keys of a member's node, and the few things they are used for. The signer trusts nobody: it
 * verifies consistency itself against its own high-water files, so that a broken store or a
 * hijacked node cannot make it sign two histories; a restored disk is caught by what the others
 * saw, as far as the node hands it on. It opens no socket; it answers frames on a descriptor it was
 * given, or, in a simulation, in a function call. Files and frames are drawn in docs/notes.md.
 */
#ifndef SIGNER_H
#define SIGNER_H

#include "base/base.h"
#include "ledger/ledger.h"
#include "note/note.h"

#define SIGNER_FRAME_MAX    MIB(1) /* bytes of one request or answer */
#define SIGNER_ORIGINS_MAX  256    /* logs that it cosigns: members, old and new keys of each */
#define SIGNER_UNSEALED_LEN 32     /* the key of a bundle */
#define SIGNER_SEALED_LEN   80     /* such a key in a sealed box of libsodium */
#define SIGNER_BOX_LEN      32

/* Which of the member's keys. */
enum signer_key {
	SIGNER_LOG,     /* "member/log": checkpoints of the own log */
	SIGNER_WITNESS, /* "member/witness": saw it consistent */
	SIGNER_MIRROR,  /* "member/mirror": holds the leaves, and opened what it should */
	SIGNER_KEYS
};

/* ---- the keys on disk ------------------------------------------------------------------------ */

/* Everything secret of a node but its TLS key; one file, mode 0600, read by the signer alone. */
struct signer_secrets {
	struct note_secret notes[SIGNER_KEYS];
	uint8_t box_public[SIGNER_BOX_LEN];
	uint8_t box_secret[SIGNER_BOX_LEN];
};
/*
 * New keys "MEMBER/log", "MEMBER/witness", "MEMBER/mirror". A name of a log is never used twice:
 * witnesses hold a name to the key that it first came with. So after a rotation member is another
 * word, such as "kz.2". ERR_INVALID: no good name; ERR_IO: no good randomness.
 */
enum err_kind signer_secrets_new(const struct world *w, struct slice member,
	struct signer_secrets *ret_secrets, struct err *e) MUST_USE;
/* Whole or not at all, synced. ERR_CONFLICT: the file is there already, and stays as it is. */
enum err_kind signer_secrets_save(
	const char *path, const struct signer_secrets *s, struct err *e) MUST_USE;
/* ERR_DENIED: somebody but its owner may read or write the file, or it is not ours, or no file;
 * ERR_PARSE, ERR_INVALID: not as signer_secrets_save writes it. */
enum err_kind signer_secrets_load(
	const char *path, struct signer_secrets *ret_secrets, struct err *e) MUST_USE;
void signer_secrets_wipe(struct signer_secrets *s);

/* What may be told to anybody. */
struct signer_public {
	struct note_key keys[SIGNER_KEYS];
	uint8_t box[SIGNER_BOX_LEN];
};
void signer_secrets_public(const struct signer_secrets *s, struct signer_public *ret_public);

/* ---- the signer itself ----------------------------------------------------------------------- */

struct signer;

struct signer_options {
	const struct signer_secrets *secrets; /* copied into locked memory */
	const struct ledger_disk
		*disk;             /* its own folder: high-water files, nothing else; borrowed */
	const struct world *world; /* borrowed */
	/* Own checkpoints wait until that many other members told what they last saw of our log
	 * (signer_seen); 0 for a member alone. */
	unsigned answers_needed;
	/*
	 * A charter, as the node says: verified to follow the one that counted until now? Then how
	 * many answers it needs, and its version. ERR_CONFLICT: it does not follow; *ret_version is
	 * that of the one that counts. Called one at a time, with nothing but memory and clock at
	 * hand. NULL: the number stays. charter_free (may be NULL) when the signer is closed.
	 */
	enum err_kind (*charter)(void *context, struct slice note, unsigned *ret_needed,
		uint64_t *ret_version, struct err *e);
	void (*charter_free)(void *context);
	void *charter_context;
};
/*
 * Reads the high-water files, mends what a crash left of one of their two copies, and leaves all of
 * them open. ERR_CORRUPT names a file of which both copies of a mark are damaged; ERR_CONFLICT:
 * they belong to other keys.
 */
enum err_kind signer_open(
	const struct signer_options *options, struct signer **ret_signer, struct err *e) MUST_USE;
void signer_close(struct signer *s); /* wipes; accepts NULL */
/* One request frame in, one answer frame out (appended). Never fails: bad frames are answered.
 * Calls of several threads take turns. */
void signer_handle(struct signer *s, struct slice frame, struct buf *ret_answer);
/* Answer frames on fd, each behind its length as u32be, until it is closed: OK. ERR_IO, ERR_NOMEM;
 * ERR_LIMIT: a frame of more than SIGNER_FRAME_MAX was announced, and was answered with that. The
 * caller entered the sandbox before. */
enum err_kind signer_run(struct signer *s, int fd, struct err *e) MUST_USE;

/*
 * Give up everything that signer_run does not need, for good; between signer_open and signer_run.
 * Descriptors other than fd, standard error and those below folder (the disk's) are closed; no new
 * one can be made. System calls: receiving and sending on fd, reading, writing and syncing open
 * files, writing to standard error, memory that is not executable, clock, randomness, the end. No
 * path, no socket, no process, no signal; the process is killed at the attempt. Besides: Landlock
 * to the folder (*ret_files: the kernel has it), no capabilities, no core file. ERR_IO: no folder,
 * or no /proc to see the open descriptors in; then nothing was given up.
 */
enum err_kind signer_sandbox(int fd, const char *folder, bool *ret_files, struct err *e) MUST_USE;

/* ---- asking it ------------------------------------------------------------------------------- */

/* A way to a signer: over a socket, or straight into signer_handle. call appends one answer. */
struct signer_link {
	enum err_kind (*call)(
		void *context, struct slice frame, struct buf *ret_answer, struct err *e);
	void *context;
};
/* Over a connected stream socket, which is closed with it; calls of several threads take turns.
 * After one that failed (ERR_IO: the signer is gone) every other fails. */
struct signer_socket;
enum err_kind signer_socket_new(int fd, struct signer_socket **ret_socket, struct err *e) MUST_USE;
void signer_socket_free(struct signer_socket *s); /* closes fd; accepts NULL */
struct signer_link signer_link_of_socket(struct signer_socket *s);
struct signer_link signer_link_of(struct signer *s);

/* All calls: also ERR_PARSE when the answer is none, and the kinds of the link; ERR_IO when the
 * signer could not sync, after which it must be started anew. Outputs change only on success. */

enum err_kind signer_public_get(
	const struct signer_link *l, struct signer_public *ret_public, struct err *e) MUST_USE;

/* The size that the signer last signed of its own log, or that another has seen signed; 0 at first.
 * The path handed to signer_checkpoint starts there. */
enum err_kind signer_signed_size(
	const struct signer_link *l, uint64_t *ret_size, struct err *e) MUST_USE;
/*
 * Sign our own log's checkpoint: a signature line is appended to ret_line. ERR_DENIED: not enough
 * answers yet, or a larger log than this was signed, or seen by somebody; ERR_INVALID: path does
 * not prove that it continues what was signed last; ERR_CONFLICT: another root at the same size, or
 * our key has signed two histories before, after which it signs none; ERR_LIMIT: more than
 * LEDGER_SIZE_MAX leaves. The high-water file is synced before the signature leaves.
 */
enum err_kind signer_checkpoint(const struct signer_link *l, uint64_t size,
	const uint8_t root[LEDGER_HASH_LEN], const struct ledger_path *from_signed,
	struct buf *ret_line, struct err *e) MUST_USE;
/*
 * Another member (its witness key's name) told what it last saw of our log: a note signed by our
 * own log key, or empty: nothing. Counted once per member since the start. A larger log than was
 * signed by this folder's account becomes what the next checkpoint must continue: the folder is an
 * old copy. ERR_INVALID: not signed by our log key, or of ourselves; not counted. ERR_CONFLICT: our
 * key signed another root of this size; this signer never signs its own log again. ERR_LIMIT: more
 * than SIGNER_ORIGINS_MAX members.
 */
enum err_kind signer_seen(const struct signer_link *l, struct slice member, struct slice note,
	struct err *e) MUST_USE;

/*
 * Cosign another's checkpoint as witness or as mirror (else ERR_USAGE). log_key must have signed
 * the note, and its name is the origin; the origin keeps the key that it first came with: else
 * ERR_INVALID. path proves it consistent from old_size, which must be the size last cosigned with
 * this key, 0 at first: else ERR_CONFLICT and *ret_size is that size. A smaller size, two roots of
 * one size, a path that proves nothing: ERR_INVALID. Our own log: ERR_DENIED. The mark is synced
 * before the signature leaves. The same checkpoint again is cosigned anew, with the new time.
 */
enum err_kind signer_cosign(const struct signer_link *l, enum signer_key as,
	const struct note_key *log_key, struct slice note, uint64_t old_size,
	const struct ledger_path *path, struct buf *ret_line, uint64_t *ret_size,
	struct err *e) MUST_USE;

/*
 * Sign the manifest of a file for another member with the log key. The text must begin with
 * SIGNER_MANIFEST_HEAD, a line that no checkpoint begins with, since that is no name of a log: else
 * ERR_DENIED. At most SIGNER_MANIFEST_MAX bytes (ERR_LIMIT), lines without control bytes
 * (ERR_PARSE).
 */
#define SIGNER_MANIFEST_HEAD "serai bundle v1\n"
#define SIGNER_MANIFEST_MAX  KIB(64)
enum err_kind signer_manifest(const struct signer_link *l, struct slice text, struct buf *ret_line,
	struct err *e) MUST_USE;

/*
 * The node took a charter: signer_options.charter verifies it, and from then on as many answers are
 * needed as it says, more or fewer; those that were given since the start count. ERR_CONFLICT: it
 * does not follow the one that counts, whose version is *ret_version (0: there is none);
 * ERR_INVALID: it is none of ours; ERR_USAGE: this signer asks no charter. The number stays as it
 * was.
 */
enum err_kind signer_charter(const struct signer_link *l, struct slice note, uint64_t *ret_version,
	struct err *e) MUST_USE;

/* Open a sealed box of exactly one key, of a bundle addressed to us. ERR_INVALID: it is not
 * addressed to us, or damaged. */
enum err_kind signer_unseal(const struct signer_link *l, const uint8_t sealed[SIGNER_SEALED_LEN],
	uint8_t ret_key[SIGNER_UNSEALED_LEN], struct err *e) MUST_USE;

#endif
