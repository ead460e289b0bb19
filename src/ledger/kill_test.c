/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A process that appends from several threads, erases and mirrors on a real disk is killed at
 * random points, opened again, and goes on from there: nothing acknowledged is lost, no root
 * changes.
 *
 *   kill_test [POINTS]
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log_testing.h"

#define WRITERS     4
#define LEAVES_MAX  2000000
#define ACKS_MAX    40 /* appends that a process may acknowledge before it dies */
#define SPINS_MAX   200000
#define BATCH       8
#define ERASE_EVERY 7

/* Written by the process that dies, read by the one that lives. */
struct acked {
	_Atomic uint64_t count;
	_Atomic uint64_t mirrored;
	_Atomic unsigned char writer[LEAVES_MAX]; /* 1.. */
	_Atomic unsigned char erased[LEAVES_MAX];
};

static unsigned points = 100;

/* ---- the process that dies ------------------------------------------------------------------- */

struct writer {
	struct ledger *log;
	struct acked *acked;
	unsigned number; /* 1.. */
};

static void *write_for_ever(void *context)
{
	struct writer *w = context;
	struct ledger_entry entries[BATCH];
	char rooms[BATCH][256];

	for (uint64_t round = 0;; round++) {
		size_t count = 1 + round % BATCH;
		uint64_t first;

		for (size_t i = 0; i < count; i++)
			entries[i] = (struct ledger_entry){.class = LEDGER_COALITION,
				.time_us = w->number,
				.content = content_of(round, rooms[i]),
				.serial = round % 2};
		if (ledger_append(w->log, entries, count, NULL, &first, NULL) != OK)
			_exit(3);
		for (size_t i = 0; i < count; i++)
			w->acked->writer[first + i] = (unsigned char)w->number;
		w->acked->count++;
		if (round % ERASE_EVERY == 0) {
			if (ledger_erase(w->log, first, NULL) != OK)
				_exit(4);
			w->acked->erased[first] = 1;
		}
	}
}

static struct ledger *log_of(const struct ledger_disk *d, const char *folder)
{
	struct ledger_options o = {
		.disk = d, .folder = folder, .origin = SLICE(ORIGIN), .world = world_real()};
	struct err e = {0};
	struct ledger *l;

	if (ledger_open(&o, &l, &e) != OK) {
		fprintf(stderr, "%s\n", e.text);
		return NULL;
	}
	return l;
}

/* The mirror follows the log in the same process. */
static void mirror_for_ever(struct ledger *from, struct ledger *to, struct acked *acked)
{
	struct ledger_path none = {.count = 0};

	for (;;) {
		uint64_t at = ledger_size(to), size = ledger_size(from);
		struct note_checkpoint c = {.origin = SLICE(ORIGIN), .size = size};
		struct buf leaves = BUF_INIT;

		if (size == at)
			continue;
		if (ledger_root(from, size, c.root, NULL) != OK ||
			ledger_leaves(from, at, size - at, &leaves, NULL) != OK ||
			ledger_mirror(to, at, buf_slice(&leaves), &none, &c, NULL) != OK)
			_exit(5);
		acked->mirrored = size;
		buf_fini(&leaves);
	}
}

static void die_here(const char *folder, struct acked *acked)
{
	struct writer writers[WRITERS];
	struct ledger *log, *mirror;
	struct ledger_disk d;
	pthread_t thread;

	if (ledger_disk_open(folder, false, &d, NULL) != OK || (log = log_of(&d, "own")) == NULL ||
		(mirror = log_of(&d, "mirror")) == NULL)
		_exit(2);
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){log, acked, i + 1};
		if (pthread_create(&thread, NULL, write_for_ever, &writers[i]) != 0)
			_exit(2);
	}
	mirror_for_ever(log, mirror, acked);
}

/* ---- the one that lives ---------------------------------------------------------------------- */

struct seen {
	uint64_t size;
	uint8_t root[HASH_LEN];
};

static void fault_print(void *context, const char *text)
{
	unsigned *others = context;

	/* A slot of the state may be torn: the other holds. */
	if (!slice_starts(slice_of(text), SLICE("\"state\": slot")) &&
		strstr(text, "erasure was cut short") == NULL) {
		print_message("%s\n", text);
		++*others;
	}
}

static void log_holds(struct ledger *l, struct seen *before)
{
	uint8_t root[HASH_LEN];
	unsigned faults = 0;
	enum err_kind kind = ledger_verify(l, fault_print, &faults, NULL);

	assert_true(kind == OK || kind == ERR_CORRUPT);
	assert_int_equal(faults, 0);
	assert_true(ledger_size(l) >= before->size);
	MUST(ledger_root(l, before->size, root, &e));
	assert_memory_equal(root, before->root, HASH_LEN);
	before->size = ledger_size(l);
	MUST(ledger_root(l, before->size, before->root, &e));
}

static void all_that_was_acknowledged(struct ledger *l, const struct acked *acked)
{
	uint64_t size = ledger_size(l);

	for (uint64_t i = 0; i < LEAVES_MAX; i++) {
		struct ledger_leaf leaf;
		struct ledger_place place;
		uint8_t salt[LEDGER_SALT_LEN];

		if (acked->writer[i] == 0) {
			if (i >= size)
				break;
			continue;
		}
		assert_true(i < size);
		MUST(ledger_leaf_get(l, i, &leaf, &e));
		assert_int_equal(leaf.time_us, acked->writer[i]);
		if (acked->erased[i] == 0)
			continue;
		MUST(ledger_opening_get(l, i, salt, &place, NULL, &e));
		assert_int_equal(place.where, LEDGER_ERASED);
	}
}

static void one_death(const char *folder, struct acked *acked, const struct world *w,
	struct seen *own, struct seen *mirrored)
{
	uint32_t random[2];
	uint64_t until;
	struct ledger_disk d;
	struct ledger *log, *mirror;
	int status;
	pid_t child;

	w->random(w->context, random, sizeof(random));
	until = acked->count + random[0] % ACKS_MAX;
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		die_here(folder, acked);
	while (acked->count < until && waitpid(child, &status, WNOHANG) == 0)
		(void)sched_yield();
	for (volatile uint32_t i = 0; i < random[1] % SPINS_MAX; i++)
		;
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));

	MUST(ledger_disk_open(folder, false, &d, &e));
	log = log_of(&d, "own");
	mirror = log_of(&d, "mirror");
	assert_true(log != NULL && mirror != NULL);
	all_that_was_acknowledged(log, acked);
	log_holds(log, own);
	assert_true(ledger_size(mirror) >= acked->mirrored);
	log_holds(mirror, mirrored);
	if (mirrored->size > 0) { /* what a mirror holds is what the log holds */
		uint8_t root[HASH_LEN];

		MUST(ledger_root(log, mirrored->size, root, &e));
		assert_memory_equal(root, mirrored->root, HASH_LEN);
	}
	ledger_close(mirror);
	ledger_close(log);
	ledger_disk_close(&d);
}

static void nothing_acknowledged_is_lost(void **state)
{
	char folder[] = "/tmp/ledger_kill_test.XXXXXX", command[64];
	struct seen own = {0}, mirrored = {0};
	struct world_fake w;
	struct acked *acked = mmap(
		NULL, sizeof(*acked), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(acked != MAP_FAILED);
	assert_non_null(mkdtemp(folder));
	world_fake_init(&w, 1, 0);
	ledger_hash_empty(own.root);
	ledger_hash_empty(mirrored.root);
	for (unsigned i = 0; i < points; i++)
		one_death(folder, acked, &w.world, &own, &mirrored);
	print_message("killed %u times; %llu appends acknowledged, %llu leaves, %llu mirrored\n",
		points, (unsigned long long)acked->count, (unsigned long long)own.size,
		(unsigned long long)mirrored.size);
	assert_true(acked->count > points);
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
	(void)munmap(acked, sizeof(*acked));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_acknowledged_is_lost),
	};

	if (argc > 1)
		points = (unsigned)strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
