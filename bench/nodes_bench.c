/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Two members' nodes as real processes on loopback, mutual TLS, stores on the disk: what exchanging
 * costs. Bytes are those of the loopback device, so run it in a network namespace of its own.
 *
 *   nodes_bench FILE COUNT EXTRA POSTS WITHDRAWALS
 *
 * FILE holds COUNT objects (store_bench --generate). One member imports it, the other gets it; then
 * EXTRA objects of a kind that only the second policy permits; then POSTS objects one by one, of
 * which WITHDRAWALS are taken back. The folders are made below /tmp and removed.
 */
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../tests/members.h"

#define NAP_US        2000 /* between two looks at whether it is there */
#define STALL_SECONDS 120  /* nothing new for so long: give up */
#define IDLE_SECONDS  30
#define IDLE_ROUNDS   21
#define POST_FROM     1000000 /* number of the first object that is posted */
#define EXTRA_FROM    2000000
#define SECONDS       "\"seconds\":" /* in what an import tells */

enum { FROM, TO };

/* Everything of one kind more in the second. */
#define RULE(kinds)                                                                                \
	"{'id':'all','family':'exchange','effect':'permit','when':{'act':['share'],"               \
	"'to':['@members'],'kind':{'not':[" kinds "]},"                                            \
	"'pii':['none','pseudonymous','personal','unknown'],"                                      \
	"'tlp':['none','clear','green','amber'],'pap':['none']}}"
#define RULES_FIRST  RULE("'opinion','vulnerability'")
#define RULES_SECOND RULE("'opinion'")

/* ---- clocks and counters --------------------------------------------------------------------- */

static double now_s(void)
{
	return (double)world_monotonic(world_real()) / 1e6;
}

static void nap(void)
{
	const struct timespec t = {.tv_nsec = NAP_US * 1000};

	nanosleep(&t, NULL);
}

/* Bytes over the loopback device, all layers. */
static double wire_bytes(void)
{
	struct buf text = BUF_INIT;
	struct slice rest, line;
	double bytes = 0;

	MUST(file_read("/proc/net/dev", KIB(64), &text, e));
	rest = buf_slice(&text);
	while (slice_next(&rest, '\n', &line)) {
		char copy[256];
		double got;

		snprintf(copy, sizeof(copy), "%.*s", SLICE_ARG(line));
		if (sscanf(copy, " lo: %lf", &got) == 1)
			bytes = got;
	}
	buf_fini(&text);
	return bytes;
}

/* Seconds of CPU that a member's node and signer took so far. */
static double cpu_s(const struct member *m)
{
	static const char *const names[] = {"serai-node", "serai-signer"};
	double ticks = 0;

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char path[64], stat[1024];
		struct buf text = BUF_INIT;
		double user, system;

		snprintf(path, sizeof(path), "/proc/%d/stat", member_process(m, names[i]));
		MUST(file_read(path, KIB(4), &text, e));
		snprintf(stat, sizeof(stat), "%.*s", SLICE_ARG(buf_slice(&text)));
		if (sscanf(stat, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lf %lf",
			    &user, &system) == 2)
			ticks += user + system;
		buf_fini(&text);
	}
	return ticks / (double)sysconf(_SC_CLK_TCK);
}

static int by_size(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return a < b ? -1 : a > b;
}

static double percentile(double *list, size_t count, unsigned percent)
{
	size_t at = (count * percent + 99) / 100;

	qsort(list, count, sizeof(*list), by_size);
	return list[at == 0 ? 0 : at - 1];
}

/* Until a number of the status is at least that; fails when it stands still. */
static double await(struct member *m, const char *what, int64_t least)
{
	int64_t last = -1, value;
	double moved = now_s();

	while ((value = member_status(m, what)) < least) {
		if (value != last)
			moved = now_s();
		last = value;
		if (now_s() - moved > STALL_SECONDS)
			fail_msg("%s: %s stands at %lld, not %lld", m->name, what, (long long)value,
				(long long)least);
		nap();
	}
	return now_s();
}

/* ---- objects --------------------------------------------------------------------------------- */

/* Imported while the node does not serve: seconds of the whole process, and until all was kept. */
static double import_run(struct members *m, struct member *to, const char *path, double *ret_kept)
{
	struct buf out = BUF_INIT;
	char command[600], told[128];
	const char *at = NULL;
	double begin, whole;

	member_stop(to, SIGTERM, NULL);
	snprintf(told, sizeof(told), "%s/import.out", m->base);
	snprintf(command, sizeof(command), "'%s' import --json --node '%s' '%s' >'%s'",
		SERAI_PROGRAM, to->folder, path, told);
	begin = now_s();
	if (system(command) != 0)
		fail_msg("%s failed", command);
	whole = now_s() - begin;
	MUST(file_read(told, MIB(1), &out, e));
	buf_char(&out, '\0');
	for (const char *next = out.data; (next = strstr(next, SECONDS)) != NULL;)
		at = next += sizeof(SECONDS) - 1;
	assert_non_null(at);
	*ret_kept = strtod(at, NULL);
	buf_fini(&out);
	return whole;
}

static void extra_write(const char *path, uint64_t count)
{
	FILE *to = fopen(path, "w");

	assert_non_null(to);
	for (uint64_t i = 0; i < count; i++) {
		char id[UUID_TEXT_LEN + 1];
		struct uuid uuid;

		scenario_object_id(EXTRA_FROM + i, &uuid);
		uuid_format(&uuid, id);
		fprintf(to,
			"{\"type\":\"vulnerability\",\"spec_version\":\"2.1\",\"id\":"
			"\"vulnerability--%s\",\"created\":\"2026-01-01T00:00:00.000Z\","
			"\"modified\":\"2026-01-01T00:00:00.000Z\",\"name\":\"made up %llu\","
			"\"description\":\"%.400s\",\"object_marking_refs\":["
			"\"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb\"]}\n",
			id, (unsigned long long)i,
			"A length that an attacker sends is believed before it is compared with "
			"what "
			"arrived, so that a request of one datagram makes the service read, and "
			"send "
			"back, memory that belongs to other connections. Affected are all versions "
			"before the one in which the length is checked first; there is no "
			"workaround but to take the service off networks that others reach.");
	}
	assert_int_equal(fclose(to), 0);
}

/* ---- what is measured ------------------------------------------------------------------------ */

static void sync_measure(struct members *m, const char *file, uint64_t count)
{
	struct member *from = &m->list[FROM], *to = &m->list[TO];
	double kept, import = import_run(m, from, file, &kept);
	double begin, logged, cosigned, leaves, all, wire, cpu[2];
	int64_t entries = member_status(from, "logged") + (int64_t)count;
	int64_t before = member_status(to, "log.a.opened");

	printf("local import: all kept after %.1f s, %.0f objects/s; whole process with text index "
	       "%.1f s, %.0f objects/s\n",
		kept, (double)count / kept, import, (double)count / import);
	cpu[TO] = cpu_s(to);
	wire = wire_bytes();
	begin = now_s();
	member_serve(from);
	logged = await(from, "signed", entries);
	leaves = await(to, "log.a.size", entries);
	cosigned = await(from, "log.a.cosigned", entries);
	all = await(to, "log.a.opened", before + (int64_t)count);
	cpu[FROM] = cpu_s(from);
	cpu[TO] = cpu_s(to) - cpu[TO];
	wire = wire_bytes() - wire;
	printf("into the log and signed: %.1f s, %.0f entries/s; leaves at the other %.1f s, "
	       "cosigned %.1f s after the start\n",
		logged - begin, (double)count / (logged - begin), leaves - begin, cosigned - begin);
	printf("sync of %llu objects, from the start of the node that has them: %.1f s, %.0f "
	       "objects/s (goal 8000), %.2f of import with text index; CPU %.1f s giving, %.1f s "
	       "taking; %.0f bytes "
	       "an object on the wire\n",
		(unsigned long long)count, all - begin, (double)count / (all - begin),
		import / (all - begin), cpu[FROM], cpu[TO], wire / (double)count);
}

static void idle_measure(struct members *m)
{
	struct member *to = &m->list[TO];
	const struct timespec minute = {.tv_sec = IDLE_SECONDS};
	double took[IDLE_ROUNDS], bytes[IDLE_ROUNDS], wire, cpu[2];

	for (unsigned i = 0; i < IDLE_ROUNDS; i++) {
		double begin = now_s();

		wire = wire_bytes();
		MUST(member_ask(to, "sync", false, (struct slice){0}, NULL, e));
		took[i] = (now_s() - begin) * 1e3;
		bytes[i] = wire_bytes() - wire;
	}
	printf("a round with nothing new: median %.1f ms, most %.1f ms (goal 100); median %.0f "
	       "bytes, "
	       "most %.0f (goal 10000)\n",
		percentile(took, IDLE_ROUNDS, 50), percentile(took, IDLE_ROUNDS, 100),
		percentile(bytes, IDLE_ROUNDS, 50), percentile(bytes, IDLE_ROUNDS, 100));
	wire = wire_bytes();
	cpu[FROM] = cpu_s(&m->list[FROM]);
	cpu[TO] = cpu_s(to);
	nanosleep(&minute, NULL);
	printf("idle for %d s: %.0f bytes a minute both ways, CPU %.2f s and %.2f s a minute\n",
		IDLE_SECONDS, (wire_bytes() - wire) * 60 / IDLE_SECONDS,
		(cpu_s(&m->list[FROM]) - cpu[FROM]) * 60 / IDLE_SECONDS,
		(cpu_s(to) - cpu[TO]) * 60 / IDLE_SECONDS);
}

static void policy_measure(struct members *m, uint64_t extra)
{
	struct member *from = &m->list[FROM], *to = &m->list[TO];
	char path[128];
	double begin, told, first, all, kept;
	int64_t entries, opened;

	snprintf(path, sizeof(path), "%s/extra.ndjson", m->base);
	extra_write(path, extra);
	import_run(m, from, path, &kept);
	entries = member_status(from, "logged") + (int64_t)extra;
	member_serve(from);
	await(from, "signed", entries);
	await(to, "log.a.size", entries);
	MUST(member_ask(to, "sync", false, (struct slice){0}, NULL, e));
	opened = member_status(to, "log.a.opened");
	begin = now_s();
	members_decide(m, FROM, RULES_SECOND);
	told = now_s();
	first = await(to, "log.a.opened", opened + 2); /* the decision is an entry, too */
	all = await(to, "log.a.opened", opened + 1 + (int64_t)extra);
	printf("policy changed at %lld entries, %llu newly allowed: decided in %.0f ms, the first "
	       "arrive after %.0f ms, all after %.1f s, %.0f objects/s\n",
		(long long)entries, (unsigned long long)extra, (told - begin) * 1e3,
		(first - begin) * 1e3, all - begin, (double)extra / (all - begin));
}

/* How long each took, in milliseconds. */
static void took_print(const char *what, double *took, unsigned count, unsigned goal_ms)
{
	double p50 = percentile(took, count, 50), p99 = percentile(took, count, 99);

	printf("%s, %u one by one: p50 %.0f ms, p99 %.0f ms, most %.0f ms (goal: p99 %u)\n", what,
		count, p50, p99, took[count - 1], goal_ms);
}

static void posts_measure(struct members *m, unsigned posts)
{
	struct http_client *clients[2];
	double *took = calloc(posts, sizeof(*took));

	assert_non_null(took);
	for (size_t i = 0; i < 2; i++)
		scenario_client(m->list[i].folder, &clients[i]);
	for (unsigned i = 0; i < posts; i++) {
		double begin = now_s();

		assert_int_equal(
			member_post(&m->list[FROM], clients[FROM], POST_FROM + i, 1, "green"), 202);
		while (!member_has(&m->list[TO], clients[TO], POST_FROM + i)) {
			if (now_s() - begin > STALL_SECONDS)
				fail_msg("object %u never came", i);
			nap();
		}
		took[i] = (now_s() - begin) * 1e3;
	}
	took_print("from POST at one to TAXII at the other", took, posts, 1000);
	free(took);
	for (size_t i = 0; i < 2; i++)
		http_client_free(clients[i]);
}

static unsigned acknowledged(struct member *m)
{
	struct buf out = BUF_INIT;
	struct slice rest;
	const struct slice by = SLICE("\"b\":true");
	unsigned count = 0;
	size_t at;

	MUST(member_ask(m, "withdrawals", true, (struct slice){0}, &out, e));
	rest = buf_slice(&out);
	while ((at = slice_find_text(rest, by)) < rest.len) {
		count++;
		rest = slice_cut(rest, at + by.len, rest.len);
	}
	buf_fini(&out);
	return count;
}

static void withdrawals_measure(struct members *m, unsigned withdrawals)
{
	struct member *from = &m->list[FROM];
	double *took = calloc(withdrawals, sizeof(*took));

	assert_non_null(took);
	for (unsigned i = 0; i < withdrawals; i++) {
		char words[200], id[UUID_TEXT_LEN + 1];
		struct uuid uuid;
		double begin = now_s();

		scenario_object_id(POST_FROM + i, &uuid);
		uuid_format(&uuid, id);
		snprintf(words, sizeof(words), "withdraw indicator--%s error measured", id);
		MUST(member_ask(from, words, false, (struct slice){0}, NULL, e));
		while (acknowledged(from) <= i) {
			if (now_s() - begin > STALL_SECONDS)
				fail_msg("withdrawal %u was never acknowledged", i);
			nap();
		}
		took[i] = (now_s() - begin) * 1e3;
	}
	took_print("from withdraw to acknowledged", took, withdrawals, 5000);
	free(took);
}

int main(int count, char **args)
{
	static const char *const names[] = {"a", "b"};
	static struct members m;

	if (count != 6) {
		fprintf(stderr, "expected: nodes_bench FILE COUNT EXTRA POSTS WITHDRAWALS\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	setlinebuf(stdout);
	members_make(&m, names, COUNT_OF(names));
	members_found(&m);
	members_decide(&m, FROM, RULES_FIRST);
	await(&m.list[TO], "policy", 1);
	sync_measure(&m, args[1], strtoull(args[2], NULL, 10));
	idle_measure(&m);
	policy_measure(&m, strtoull(args[3], NULL, 10));
	posts_measure(&m, (unsigned)strtoul(args[4], NULL, 10));
	withdrawals_measure(&m, (unsigned)strtoul(args[5], NULL, 10));
	members_end(&m);
	return 0;
}
