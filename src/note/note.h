/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Signed notes, keys, checkpoints and cosignatures, to the byte as C2SP writes them (c2sp.org:
 * signed-note, tlog-checkpoint, tlog-cosignature). libsodium is the only verifier. Knows no log.
 */
#ifndef NOTE_H
#define NOTE_H

#include "base/base.h"

/* ---- limits ---------------------------------------------------------------------------------- */

#define NOTE_BYTES_MAX KIB(128) /* of a whole note: 30 lines of ML-DSA-44, 3.3 kB each, fit */
/* Lines, as Go takes: the log, and of 50 members a witness and a mirror. */
#define NOTE_SIGNATURES_MAX 100
#define NOTE_SIGNATURE_MAX  5120 /* bytes of one, without key id: ML-DSA-44 fits */
#define NOTE_NAME_MAX       255  /* bytes of a key's name */

#define NOTE_PUBLIC_LEN 32 /* Ed25519 */
#define NOTE_SEED_LEN   32
#define NOTE_ED_LEN     64 /* bytes of a signature */
#define NOTE_KEY_ID_LEN 4
#define NOTE_HASH_LEN   32

/* ---- keys ------------------------------------------------------------------------------------ */

/* signed-note, "Signature types". */
enum note_type {
	NOTE_ED25519 = 0x01,
	NOTE_COSIGNATURE = 0x04, /* cosignature/v1 */
};

/* Somebody's public key: "name+hex8+base64(type || public)". */
struct note_key {
	char name[NOTE_NAME_MAX + 1]; /* NUL-terminated; non-empty, no Unicode space, no '+' */
	enum note_type type;
	uint8_t id[NOTE_KEY_ID_LEN]; /* SHA-256(name || 0A || type || public)[0:4] */
	uint8_t public[NOTE_PUBLIC_LEN];
};

/*
 * Strict: lower-case digits, canonical base64, nothing around it, so that formatting gives the same
 * bytes. ERR_PARSE says what is wrong; ERR_INVALID for a key that any message would verify under,
 * or that verifiers disagree on (small or mixed order, not canonical: RFC 8032 section 5.1.3 and
 * Wycheproof), and for types that we cannot verify.
 */
enum err_kind note_key_parse(struct slice vkey, struct note_key *ret_key, struct err *e) MUST_USE;
void note_key_format(const struct note_key *k, struct buf *out); /* the vkey, without a newline */
/* ERR_INVALID: bad name, type or public key. */
enum err_kind note_key_make(struct slice name, enum note_type type,
	const uint8_t public[NOTE_PUBLIC_LEN], struct note_key *ret_key, struct err *e) MUST_USE;
/* 1..NOTE_NAME_MAX bytes of UTF-8 without control bytes, Unicode spaces and '+'. */
bool note_name_valid(struct slice name);
/* The same name, type and public key. */
bool note_key_equal(const struct note_key *a, const struct note_key *b);

/* A signing key. Lives in the signer and in an operator's offline file; wipe it. */
struct note_secret {
	struct note_key key;
	uint8_t seed[NOTE_SEED_LEN];
};

/* ERR_INVALID: bad name or type; ERR_IO: randomness that is all one byte. */
enum err_kind note_secret_new(const struct world *w, struct slice name, enum note_type type,
	struct note_secret *ret_secret, struct err *e) MUST_USE;
/* "PRIVATE+KEY+name+hex8+base64(type || seed)", as Go's note package writes it. The public key is
 * always made from the seed. ERR_PARSE, ERR_INVALID as note_key_parse; no text quotes a secret. */
enum err_kind note_secret_parse(
	struct slice text, struct note_secret *ret_secret, struct err *e) MUST_USE;
void note_secret_format(const struct note_secret *s, struct buf *out);
void note_secret_wipe(struct note_secret *s);

/* Ed25519 (RFC 8032 section 5.1) over any bytes, by libsodium, which refuses public keys and R of
 * small order, public keys that are not canonical, and S that is not reduced. */
void note_sign_raw(const struct note_secret *s, struct slice message, uint8_t ret[NOTE_ED_LEN]);
bool note_verify_raw(const uint8_t public[NOTE_PUBLIC_LEN], struct slice message,
	const uint8_t signature[NOTE_ED_LEN]);

/* ---- notes ----------------------------------------------------------------------------------- */

/* One signature line, as it stands: not verified. Slices are borrowed from the note. */
struct note_signature {
	struct slice name;
	uint8_t id[NOTE_KEY_ID_LEN];
	struct slice line;    /* whole, with its newline */
	const uint8_t *bytes; /* in the arena; at most NOTE_SIGNATURE_MAX */
	size_t bytes_len;     /* behind the key id, 1 or more */
};

struct note {
	struct slice text; /* ends in a newline; what is signed */
	struct note_signature *signatures;
	size_t signatures_count;
};

/*
 * Take a note apart at its last empty line: UTF-8 without control bytes but newlines, then one to
 * NOTE_SIGNATURES_MAX lines "— name base64(id || signature)". Everything lives in `a` or is
 * borrowed from bytes. ERR_PARSE names what broke which rule of signed-note; ERR_LIMIT; ERR_NOMEM:
 * the arena is full. Verifies nothing.
 */
enum err_kind note_parse(
	struct slice bytes, struct arena *a, struct note *ret_note, struct err *e) MUST_USE;

/* What the signature lines of a note are worth under these keys. */
struct note_verdict {
	bool *signed_by;     /* [keys_count], in the arena */
	int64_t *time_s;     /* [keys_count]; of cosignatures, else 0 */
	size_t signed_count; /* different keys with a good signature */
};
/*
 * Lines of unknown (name, id) are ignored; a line of a known key that does not verify makes the
 * whole note ERR_INVALID, as does a line that two of the keys claim. Several keys may share a name.
 * Cosignature keys are verified over "cosignature/v1\ntime T\n" and the text; of several lines of
 * one key the newest time counts. OK does not mean that anybody signed: look at signed_by.
 */
enum err_kind note_verify(const struct note *n, const struct note_key *keys, size_t keys_count,
	struct arena *a, struct note_verdict *ret_verdict, struct err *e) MUST_USE;

/* Writers set out->bad when there is no room. */

/* One signature line for text, which ends in a newline. Type NOTE_ED25519. */
void note_sign(const struct note_secret *s, struct slice text, struct buf *out);
/* Type NOTE_COSIGNATURE; time in seconds since 1970. */
void note_cosign(const struct note_secret *s, struct slice text, uint64_t time_s, struct buf *out);
/* Such a line from a raw signature (of a cosignature with its 8 bytes of time in front): for
 * whoever does not hold the key. */
void note_line(const struct note_key *k, struct slice signature, struct buf *out);
/* text, an empty line, lines. */
void note_write(struct slice text, struct slice lines, struct buf *out);

/* ---- checkpoints ----------------------------------------------------------------------------- */

struct note_checkpoint {
	struct slice origin; /* one line, not empty; borrowed */
	uint64_t size;
	uint8_t root[NOTE_HASH_LEN];
};

/* "origin\nsize\nbase64(root)\n" (tlog-checkpoint); extension lines, leading zeros, loose base64
 * and control bytes are refused: ERR_PARSE. */
enum err_kind note_checkpoint_parse(
	struct slice text, struct note_checkpoint *ret_checkpoint, struct err *e) MUST_USE;
void note_checkpoint_format(const struct note_checkpoint *c, struct buf *out);

#endif
