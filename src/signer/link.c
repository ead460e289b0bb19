/* SPDX-License-Identifier: MPL-2.0 */
/* The asking side: requests written, answers read as carefully as a stranger's. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "parts.h"

/* ---- ways to a signer ------------------------------------------------------------------------ */

struct signer_socket {
	pthread_mutex_t mutex; /* over what follows: one asks at a time */
	int fd;
	bool broken;
	struct buf frame;
};

enum err_kind signer_socket_new(int fd, struct signer_socket **ret_socket, struct err *e)
{
	struct signer_socket *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	(void)pthread_mutex_init(&s->mutex, NULL);
	s->fd = fd;
	*ret_socket = s;
	return OK;
}

void signer_socket_free(struct signer_socket *s)
{
	if (s == NULL)
		return;
	(void)close(s->fd);
	(void)pthread_mutex_destroy(&s->mutex);
	buf_fini(&s->frame);
	free(s);
}

static enum err_kind answer_receive(int fd, struct buf *ret_answer, struct err *e)
{
	char length[FRAME_LENGTH];
	struct reader r = {
		{length, sizeof(length)},
                false
        };
	size_t len;
	enum err_kind kind = stream_read(fd, length, sizeof(length), NULL, e);
	char *to;

	if (kind != OK)
		return kind;
	len = read_u32(&r);
	if (len > SIGNER_FRAME_MAX)
		return err_set(e, ERR_LIMIT, "signer: an answer of %zu bytes, at most %zu", len,
			SIGNER_FRAME_MAX);
	to = buf_reserve(ret_answer, len + 1);
	if (to == NULL)
		return err_set(e, ERR_NOMEM, "signer: out of memory");
	kind = stream_read(fd, to, len, NULL, e);
	if (kind == OK)
		ret_answer->len += len;
	return kind;
}

static enum err_kind socket_exchange(
	struct signer_socket *s, struct slice frame, struct buf *ret_answer, struct err *e)
{
	char length[FRAME_LENGTH];
	enum err_kind kind;

	if (s->broken)
		return err_set(e, ERR_IO, "signer: it is gone");
	put_u32(length, (uint32_t)frame.len);
	buf_clear(&s->frame);
	buf_append(&s->frame, length, sizeof(length));
	buf_slice_append(&s->frame, frame);
	if (s->frame.bad)
		return err_set(e, ERR_NOMEM, "signer: out of memory");
	kind = stream_write(s->fd, buf_slice(&s->frame), e);
	if (kind == OK)
		kind = answer_receive(s->fd, ret_answer, e);
	/* Half of something may stand in the stream: nobody could tell whose answer comes next. */
	s->broken = kind != OK;
	return kind;
}

static enum err_kind socket_call(
	void *context, struct slice frame, struct buf *ret_answer, struct err *e)
{
	struct signer_socket *s = context;
	enum err_kind kind;

	if (frame.len > SIGNER_FRAME_MAX)
		return err_set(e, ERR_LIMIT, "signer: a request of %zu bytes, at most %zu",
			frame.len, SIGNER_FRAME_MAX);
	(void)pthread_mutex_lock(&s->mutex);
	kind = socket_exchange(s, frame, ret_answer, e);
	(void)pthread_mutex_unlock(&s->mutex);
	return kind;
}

struct signer_link signer_link_of_socket(struct signer_socket *s)
{
	return (struct signer_link){socket_call, s};
}

static enum err_kind direct_call(
	void *context, struct slice frame, struct buf *ret_answer, struct err *e)
{
	signer_handle(context, frame, ret_answer);
	return ret_answer->bad ? err_set(e, ERR_NOMEM, "signer: out of memory") : OK;
}

struct signer_link signer_link_of(struct signer *s)
{
	return (struct signer_link){direct_call, s};
}

/* ---- one question ---------------------------------------------------------------------------- */

struct question {
	enum signer_op op;
	struct buf frame;
	struct buf answer;
	struct reader body; /* of a good answer; borrowed from answer */
	uint64_t size;      /* of a refusal */
};

static void question_begin(struct question *q, enum signer_op op)
{
	char head[FRAME_HEAD] = ASK_MAGIC;

	head[4] = (char)op;
	*q = (struct question){.op = op};
	buf_append(&q->frame, head, sizeof(head));
}

static void question_end(struct question *q)
{
	buf_fini(&q->frame);
	if (q->answer.len != 0)
		secret_wipe(q->answer.data, q->answer.len); /* it may hold a key of a bundle */
	buf_fini(&q->answer);
}

static enum err_kind answer_bad(struct err *e)
{
	return err_set(e, ERR_PARSE, "signer: no answer to what was asked");
}

/* A refusal becomes the caller's error. */
static enum err_kind answer_parse(struct question *q, struct err *e)
{
	struct reader r = {buf_slice(&q->answer), false};
	struct slice magic = read_bytes(&r, 4), filling, text;
	uint8_t op = read_u8(&r), kind = read_u8(&r);

	filling = read_bytes(&r, FRAME_HEAD - 6);
	if (r.bad || !slice_is(magic, TELL_MAGIC) || op != q->op || kind >= ERR_KINDS ||
		!slice_equal(filling, (struct slice){"\0\0", FRAME_HEAD - 6}))
		return answer_bad(e);
	q->body = r;
	if (kind == OK)
		return OK;
	q->size = read_u64(&r);
	text = slice16_read(&r);
	if (r.bad || r.rest.len != 0)
		return answer_bad(e);
	return err_set(e, (enum err_kind)kind, "%.*s", SLICE_ARG(text));
}

static enum err_kind question_ask(struct question *q, const struct signer_link *l, struct err *e)
{
	enum err_kind kind;

	if (q->frame.bad || q->frame.len > SIGNER_FRAME_MAX)
		return err_set(
			e, ERR_LIMIT, "signer: a request of more than %zu bytes", SIGNER_FRAME_MAX);
	kind = l->call(l->context, buf_slice(&q->frame), &q->answer, e);
	return kind == OK ? answer_parse(q, e) : kind;
}

/* The rest of a good answer is one signature line. */
static enum err_kind line_get(const struct question *q, struct buf *ret_line, struct err *e)
{
	struct slice line = q->body.rest;

	if (!slice_ends(line, SLICE("\n")) || slice_find(line, '\n', 0) != line.len - 1)
		return answer_bad(e);
	buf_slice_append(ret_line, line);
	return ret_line->bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

/* ---- the questions --------------------------------------------------------------------------- */

static enum err_kind public_read(struct reader *r, struct signer_public *ret_public, struct err *e)
{
	struct signer_public p;

	for (size_t i = 0; i < SIGNER_KEYS; i++) {
		enum err_kind kind = note_key_parse(slice16_read(r), &p.keys[i], e);

		if (kind != OK)
			return kind;
	}
	hash_read(r, p.box, sizeof(p.box));
	if (r->bad || r->rest.len != 0)
		return answer_bad(e);
	*ret_public = p;
	return OK;
}

enum err_kind signer_public_get(
	const struct signer_link *l, struct signer_public *ret_public, struct err *e)
{
	struct question q;
	enum err_kind kind;

	question_begin(&q, OP_PUBLIC);
	kind = question_ask(&q, l, e);
	if (kind == OK)
		kind = public_read(&q.body, ret_public, e);
	question_end(&q);
	return kind;
}

enum err_kind signer_signed_size(const struct signer_link *l, uint64_t *ret_size, struct err *e)
{
	struct question q;
	uint64_t size = 0;
	enum err_kind kind;

	question_begin(&q, OP_SIZE);
	kind = question_ask(&q, l, e);
	if (kind == OK)
		size = read_u64(&q.body);
	if (kind == OK && (q.body.bad || q.body.rest.len != 0))
		kind = answer_bad(e);
	if (kind == OK)
		*ret_size = size;
	question_end(&q);
	return kind;
}

enum err_kind signer_checkpoint(const struct signer_link *l, uint64_t size,
	const uint8_t root[LEDGER_HASH_LEN], const struct ledger_path *from_signed,
	struct buf *ret_line, struct err *e)
{
	struct question q;
	enum err_kind kind;

	question_begin(&q, OP_CHECKPOINT);
	u64_put(&q.frame, size);
	buf_append(&q.frame, root, LEDGER_HASH_LEN);
	path_put(&q.frame, from_signed);
	kind = question_ask(&q, l, e);
	if (kind == OK)
		kind = line_get(&q, ret_line, e);
	question_end(&q);
	return kind;
}

enum err_kind signer_seen(
	const struct signer_link *l, struct slice member, struct slice note, struct err *e)
{
	struct question q;
	enum err_kind kind;

	question_begin(&q, OP_SEEN);
	slice16_put(&q.frame, member);
	slice32_put(&q.frame, note);
	kind = question_ask(&q, l, e);
	if (kind == OK && q.body.rest.len != 0)
		kind = answer_bad(e);
	question_end(&q);
	return kind;
}

enum err_kind signer_cosign(const struct signer_link *l, enum signer_key as,
	const struct note_key *log_key, struct slice note, uint64_t old_size,
	const struct ledger_path *path, struct buf *ret_line, uint64_t *ret_size, struct err *e)
{
	struct question q;
	enum err_kind kind;

	question_begin(&q, OP_COSIGN);
	buf_char(&q.frame, (char)as);
	slice16_put(&q.frame, (struct slice){log_key->name, strlen(log_key->name)});
	buf_append(&q.frame, log_key->public, NOTE_PUBLIC_LEN);
	u64_put(&q.frame, old_size);
	path_put(&q.frame, path);
	slice32_put(&q.frame, note);
	kind = question_ask(&q, l, e);
	if (kind == OK)
		kind = line_get(&q, ret_line, e);
	else if (kind == ERR_CONFLICT)
		*ret_size = q.size;
	question_end(&q);
	return kind;
}

enum err_kind signer_manifest(
	const struct signer_link *l, struct slice text, struct buf *ret_line, struct err *e)
{
	struct question q;
	enum err_kind kind;

	question_begin(&q, OP_MANIFEST);
	slice32_put(&q.frame, text);
	kind = question_ask(&q, l, e);
	if (kind == OK)
		kind = line_get(&q, ret_line, e);
	question_end(&q);
	return kind;
}

enum err_kind signer_charter(
	const struct signer_link *l, struct slice note, uint64_t *ret_version, struct err *e)
{
	struct question q;
	enum err_kind kind;

	question_begin(&q, OP_CHARTER);
	slice32_put(&q.frame, note);
	kind = question_ask(&q, l, e);
	if (kind == OK && q.body.rest.len != 0)
		kind = answer_bad(e);
	if (kind == ERR_CONFLICT)
		*ret_version = q.size;
	question_end(&q);
	return kind;
}

enum err_kind signer_unseal(const struct signer_link *l, const uint8_t sealed[SIGNER_SEALED_LEN],
	uint8_t ret_key[SIGNER_UNSEALED_LEN], struct err *e)
{
	struct question q;
	enum err_kind kind;

	question_begin(&q, OP_UNSEAL);
	buf_append(&q.frame, sealed, SIGNER_SEALED_LEN);
	kind = question_ask(&q, l, e);
	if (kind == OK && q.body.rest.len != SIGNER_UNSEALED_LEN)
		kind = answer_bad(e);
	if (kind == OK)
		hash_read(&q.body, ret_key, SIGNER_UNSEALED_LEN);
	question_end(&q);
	return kind;
}
