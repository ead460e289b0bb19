/* SPDX-License-Identifier: MPL-2.0 */
/* A stream: what an index has, as serials in descending order, with jumps. */
#ifndef STORE_STREAM_H
#define STORE_STREAM_H

#include "inside.h"

#define RANGE_BYTES   16
#define ADDRESS_BYTES (1 + 2 * RANGE_BYTES) /* of the key under which an address is kept */

struct stream {
	enum { STREAM_SQL, STREAM_LIST, STREAM_WALK, STREAM_CHUNKS, STREAM_ANY } what;
	int64_t at; /* where it stands; -1: nowhere yet; 0: at its end */
	/* SQL and WALK */
	struct conn *conn;
	enum sql_id id;
	sqlite3_stmt *st;
	int bound; /* the parameter for the highest serial */
	int steps_max;
	/* LIST, descending */
	int64_t *list;
	size_t count, next;
	/* CHUNKS of references; next: how many of the one at hand may still come */
	struct chunk *chunk;
	/* ANY: the highest of these */
	struct stream *parts;
	size_t parts_count;
	/* WALK: which keys are hits */
	bool (*hit)(const struct stream *t, struct slice key);
	char key[VALUE_KEY_MAX]; /* bound to the statement of SQL too */
	size_t key_len;
};

/* Go to the highest serial at or below upto; t->at is 0 when there is none. upto never grows. */
enum err_kind stream_seek(struct stream *t, int64_t upto, struct err *e) MUST_USE;
void stream_fini(struct stream *t); /* also half-made ones */

/* These make one; it must be stream_fini'd also when they fail. */

/* A statement that gives serials; its parameter `bound` is the highest. The caller binds the rest.
 */
enum err_kind stream_sql(
	struct stream *t, struct conn *c, enum sql_id id, int bound, struct err *e) MUST_USE;
/* Room for so many parts, which the caller makes; what is in any of them. */
enum err_kind stream_any(struct stream *t, size_t parts, struct err *e) MUST_USE;
/* Objects with exactly this value; or with one that the key stands for: of an address all that
 * overlap, of a name all below. key: as stored_key gives it. */
enum err_kind stream_exact(struct store_reader *r, struct stream *any, int kind_of_value,
	struct slice key, struct err *e) MUST_USE;
enum err_kind stream_many(struct store_reader *r, struct stream *any, int kind_of_value,
	struct slice key, struct err *e) MUST_USE;
/* Those who refer to the target by the property. */
enum err_kind stream_references(struct store_reader *r, struct stream *t, int64_t target,
	int64_t property, struct err *e) MUST_USE;

#endif
