/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Two members in one process, logs on real files: what publishing, catching up and saying "nothing
 * new" cost without store and network. coalition_bench FOLDER COUNT: COUNT entries of 600 bytes.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "coalition/coalition.h"

#define CONTENT_BYTES 600
#define MEMBERS       2

struct side {
	char name[8];
	uint64_t count;    /* own objects */
	uint64_t accepted; /* of the other */
	uint64_t bytes_in, bytes_out, requests;
	struct coalition_sink sink;
	struct ledger_disk disk, keys_disk;
	struct note_secret root;
	struct signer_secrets secrets;
	struct signer *signer;
	struct signer_link link;
	struct coalition *coalition;
	struct side *other;
};

static void fail(const char *what, const struct err *e)
{
	fprintf(stderr, "%s: %s\n", what, e->text);
	exit(1);
}

static size_t content_write(uint64_t serial, char to[CONTENT_BYTES])
{
	size_t len = (size_t)snprintf(to, CONTENT_BYTES,
		"{\"type\":\"x\",\"serial\":%llu,\"pad\":\"", (unsigned long long)serial);

	memset(to + len, 'p', CONTENT_BYTES - len - 2);
	memcpy(to + CONTENT_BYTES - 2, "\"}", 2);
	return CONTENT_BYTES;
}

static enum err_kind own_after(void *context, uint64_t after, size_t max, struct arena *a,
	struct coalition_own **ret_own, size_t *ret_count, struct err *e)
{
	struct side *s = context;
	struct coalition_own *own = ARENA_ARRAY(a, struct coalition_own, max);
	size_t count = 0;

	for (uint64_t i = after + 1; own != NULL && i <= s->count && count < max; i++) {
		char *content = arena_alloc(a, CONTENT_BYTES);

		if (content == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		own[count++] = (struct coalition_own){
			i, {content, content_write(i, content)},
                         true
                };
	}
	*ret_own = own;
	*ret_count = count;
	return own == NULL ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

static enum err_kind accept_all(void *context, struct slice origin, const uint64_t *indices,
	const struct slice *contents, size_t count, uint64_t *ret_serials, struct err *e)
{
	struct side *s = context;

	(void)origin;
	(void)indices;
	(void)contents;
	(void)e;
	for (size_t i = 0; i < count; i++)
		ret_serials[i] = ++s->accepted;
	return OK;
}

static enum err_kind accepted_none(void *context, struct slice origin, struct arena *a,
	uint64_t **ret_indices, uint64_t **ret_serials, size_t *ret_count, struct err *e)
{
	(void)context;
	(void)origin;
	(void)a;
	(void)e;
	*ret_indices = *ret_serials = NULL;
	*ret_count = 0;
	return OK;
}

static enum err_kind content_get(
	void *context, uint64_t serial, struct buf *out, bool *ret_found, struct err *e)
{
	char content[CONTENT_BYTES];

	(void)context;
	(void)e;
	buf_append(out, content, content_write(serial, content));
	*ret_found = true;
	return OK;
}

static enum err_kind may_all(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, bool *ret_may, struct err *e)
{
	(void)context;
	(void)member;
	(void)origin;
	(void)serials;
	(void)e;
	for (size_t i = 0; i < count; i++)
		ret_may[i] = true;
	return OK;
}

static enum err_kind released(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, struct err *e)
{
	(void)context;
	(void)member;
	(void)origin;
	(void)serials;
	(void)count;
	(void)e;
	return OK;
}

static enum err_kind forget(void *context, uint64_t serial, struct err *e)
{
	(void)context;
	(void)serial;
	(void)e;
	return OK;
}

static enum err_kind in_force(void *context, const struct charter *charter,
	const struct decision *decision, struct err *e)
{
	(void)context;
	(void)charter;
	(void)decision;
	(void)e;
	return OK;
}

static uint64_t epoch(void *context)
{
	(void)context;
	return 1;
}

static enum err_kind way_call(void *context, enum coalition_ask ask, struct slice request,
	struct buf *ret_answer, struct err *e)
{
	struct side *s = context;
	enum err_kind kind = coalition_answer(
		s->other->coalition, slice_of(s->name), ask, request, ret_answer, e);

	s->requests++;
	s->bytes_out += request.len;
	s->bytes_in += ret_answer->len;
	return kind;
}

static double cpu_now(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
	       ((double)u.ru_utime.tv_usec + (double)u.ru_stime.tv_usec) / 1e6;
}

static double wall_now(void)
{
	return (double)world_monotonic(world_real()) / 1e6;
}

static void side_open(struct side *s, const char *folder)
{
	const struct log *silent = &(const struct log){world_real(), NULL, LOG_ERROR};
	static struct log log;
	char path[512];
	struct err e;

	log = *silent;
	snprintf(path, sizeof(path), "%s/%s", folder, s->name);
	if (folder_make(path, 0700, &e) != OK || ledger_disk_open(path, false, &s->disk, &e) != OK)
		fail("disk", &e);
	snprintf(path, sizeof(path), "%s/%s-keys", folder, s->name);
	if (folder_make(path, 0700, &e) != OK ||
		ledger_disk_open(path, false, &s->keys_disk, &e) != OK)
		fail("disk", &e);
	if (signer_open(&(struct signer_options){&s->secrets, &s->keys_disk, world_real(), 1},
		    &s->signer, &e) != OK)
		fail("signer", &e);
	s->link = signer_link_of(s->signer);
	s->sink = (struct coalition_sink){own_after, accept_all, accepted_none, content_get,
		may_all, released, forget, in_force, epoch, s};
	if (coalition_open(&(struct coalition_options){&s->disk, "c", slice_of(s->name),
				   world_real(), &s->link, &s->sink, &log},
		    &s->coalition, &e) != OK)
		fail("coalition", &e);
}

static void charter_take_all(struct side sides[MEMBERS])
{
	struct charter_member members[MEMBERS] = {0};
	struct charter c = {.name = SLICE("bench"),
		.version = 1,
		.expires_us = world_now(world_real()) + 86400 * US_PER_SECOND,
		.threshold = 2,
		.members = members,
		.members_count = MEMBERS};
	struct buf text = BUF_INIT, lines = BUF_INIT, note = BUF_INIT;
	struct err e;

	for (size_t i = 0; i < MEMBERS; i++) {
		struct signer_public keys;

		signer_secrets_public(&sides[i].secrets, &keys);
		memcpy(members[i].name, sides[i].name, sizeof(sides[i].name));
		members[i].title = slice_of(sides[i].name);
		members[i].root = sides[i].root.key;
		members[i].log = keys.keys[SIGNER_LOG];
		members[i].witness = keys.keys[SIGNER_WITNESS];
		members[i].mirror = keys.keys[SIGNER_MIRROR];
		memcpy(members[i].box, keys.box, SIGNER_BOX_LEN);
		hash_sha256(slice_of(sides[i].name), members[i].pin);
	}
	charter_write(&c, &text);
	for (size_t i = 0; i < MEMBERS; i++)
		note_sign(&sides[i].root, buf_slice(&text), &lines);
	note_write(buf_slice(&text), buf_slice(&lines), &note);
	for (size_t i = 0; i < MEMBERS; i++) {
		if (coalition_charter_take(sides[i].coalition, buf_slice(&note), &e) != OK)
			fail("charter", &e);
	}
	buf_fini(&text);
	buf_fini(&lines);
	buf_fini(&note);
}

/* Rounds until there is nothing more to ask. */
static void meet(struct side *s)
{
	const struct coalition_way way = {way_call, s};
	bool more = true;
	struct err e;

	while (more) {
		if (coalition_step(s->coalition, slice_of(s->other->name), &way, &more, &e) != OK)
			fail("step", &e);
	}
}

static void publish(struct side *s)
{
	bool more = true;
	uint64_t logged;
	struct err e;

	while (more) {
		if (coalition_publish(s->coalition, &logged, &more, &e) != OK)
			fail("publish", &e);
	}
}

static void tell(const char *what, uint64_t count, double cpu, double wall)
{
	printf("%-28s %9llu in %7.2f s (%6.2f s CPU): %9.0f a second\n", what,
		(unsigned long long)count, wall, cpu, (double)count / wall);
}

int main(int argc, char **argv)
{
	static struct side sides[MEMBERS] = {{.name = "a"}, {.name = "b"}};
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	double cpu, wall;
	struct err e;

	if (count == 0 || sodium_init() < 0) {
		fprintf(stderr, "usage: %s FOLDER COUNT\n", argv[0]);
		return 2;
	}
	for (size_t i = 0; i < MEMBERS; i++) {
		char name[NOTE_NAME_MAX];

		snprintf(name, sizeof(name), "%.7s/root", sides[i].name);
		sides[i].other = &sides[1 - i];
		if (note_secret_new(
			    world_real(), slice_of(name), NOTE_ED25519, &sides[i].root, &e) != OK ||
			signer_secrets_new(
				world_real(), slice_of(sides[i].name), &sides[i].secrets, &e) != OK)
			fail("keys", &e);
		side_open(&sides[i], argv[1]);
	}
	charter_take_all(sides);
	meet(&sides[0]);
	meet(&sides[1]);

	sides[0].count = count;
	cpu = cpu_now(), wall = wall_now();
	publish(&sides[0]);
	tell("published, synced, signed", count, cpu_now() - cpu, wall_now() - wall);

	cpu = cpu_now(), wall = wall_now();
	meet(&sides[1]);
	tell("caught up and opened", sides[1].accepted, cpu_now() - cpu, wall_now() - wall);
	printf("%-28s %9llu requests, %llu bytes\n", "  in", (unsigned long long)sides[1].requests,
		(unsigned long long)(sides[1].bytes_in + sides[1].bytes_out));

	meet(&sides[0]);
	meet(&sides[1]);
	sides[1].bytes_in = sides[1].bytes_out = sides[1].requests = 0;
	cpu = cpu_now(), wall = wall_now();
	meet(&sides[1]);
	printf("%-28s %9llu bytes, %llu requests, %.2f ms\n", "nothing new",
		(unsigned long long)(sides[1].bytes_in + sides[1].bytes_out),
		(unsigned long long)sides[1].requests, (wall_now() - wall) * 1e3);
	for (size_t i = 0; i < MEMBERS; i++) {
		coalition_close(sides[i].coalition);
		signer_close(sides[i].signer);
		ledger_disk_close(&sides[i].disk);
		ledger_disk_close(&sides[i].keys_disk);
	}
	return sides[1].accepted == count ? 0 : 1;
}
