/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Inside serai member: what delegates do with files and their offline keys. Charters and decisions
 * are written, shown and signed without a node and without a network.
 */
#ifndef VERB_MEMBER_H
#define VERB_MEMBER_H

#include "cli.h"
#include "coalition/coalition.h"
#include "json/json.h"

#define PAPER_FILE_MAX (POLICY_BYTES_MAX + NOTE_BYTES_MAX)

/* A charter or a decision, signed or about to be. Everything in it lives in the arena. */
struct paper {
	bool is_charter;
	struct charter charter;
	struct decision decision;
	struct note note;
};

/* A file of at most PAPER_FILE_MAX bytes, in the arena. */
enum err_kind paper_file(
	struct cli *cli, const char *path, struct slice *ret_bytes, struct err *e) MUST_USE;
/* ERR_PARSE: neither a charter nor a decision. Signatures are not looked at. */
enum err_kind paper_parse(
	struct cli *cli, struct slice bytes, struct paper *ret_paper, struct err *e) MUST_USE;
enum err_kind paper_charter(
	struct cli *cli, const char *path, struct charter *ret_charter, struct err *e) MUST_USE;
const uint8_t *paper_digest(const struct paper *p);   /* [SHA256_LEN] */
const uint8_t *paper_previous(const struct paper *p); /* [SHA256_LEN] */
/* Lines for people: what it is, its digest, and the digest that it follows. */
void paper_text(struct cli *cli, const struct paper *p, struct buf *out);

/* A text that nobody signed, as a note that it can be read as: under a key of the moment. */
enum err_kind paper_note(
	struct cli *cli, struct slice text, struct slice *ret_note, struct err *e) MUST_USE;
/* Behind an empty line a signature: what is not a good note is then no text to be signed either. */
bool paper_signed(struct slice bytes);
/* To --output, else to standard output. */
enum err_kind paper_put(struct cli *cli, struct slice text, struct err *e) MUST_USE;

/* "name": base64; "name": the key as a line of C2SP's signed-note. */
void paper_json_hash(struct json_writer *w, const char *name, const uint8_t hash[SHA256_LEN]);
void paper_json_key(struct json_writer *w, const char *name, const struct note_key *k);

#endif
