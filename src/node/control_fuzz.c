/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The control socket from both ends. The first byte says which:
 *   'n'  what follows comes to the node: words reach the command as they were sent, its input as a
 *        file with all of its bytes, and the answer is one that the asker understands
 *   else what follows comes to the asker
 */
#define command_run command_seen /* what would do the command */
#include "control.c"
#undef command_run

#include "mutate_frames.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX KIB(32) /* bytes of an input: what a socket holds while nobody reads */

static void must(bool good)
{
	if (!good)
		abort();
}

/* The command: says its words and its input again. */
enum err_kind command_seen(struct seat *s, const struct node_request *q, struct err *e)
{
	char bytes[4096];
	size_t all = 0;
	ssize_t got;

	must(s == NULL && q->words_count <= COMMAND_WORDS_MAX);
	for (size_t i = 0; i < q->words_count; i++) {
		size_t len = strlen(q->words[i]);

		must(len <= COMMAND_WORD_MAX);
		if (q->write(q->context, (struct slice){q->words[i], len}, e) != OK)
			return e->kind;
	}
	while (q->input_fd >= 0 && (got = read(q->input_fd, bytes, sizeof(bytes))) > 0) {
		all += (size_t)got;
		if (q->write(q->context, (struct slice){bytes, (size_t)got}, e) != OK)
			return e->kind;
	}
	PLANTED(q->json && q->words_count > 2 && q->words[1][0] != '\0' && all > 3);
	return q->json ? OK : err_set(e, ERR_DENIED, "no");
}

static enum err_kind answer_count(void *context, struct slice bytes, struct err *e)
{
	(void)e;
	must(bytes.len <= CONTROL_FRAME);
	*(size_t *)context += bytes.len;
	return OK;
}

/* What the asker makes of what stands in the socket. */
static enum err_kind asker_hear(int fd, size_t *ret_bytes, struct err *e)
{
	struct node_request q = {.input_fd = -1, .write = answer_count, .context = ret_bytes};

	return answer_take(fd, &q, e);
}

static void node_hear(struct control *c, int pair[2])
{
	struct err e = {0};
	size_t bytes = 0;
	enum err_kind kind;

	serve_one(c, pair[1]);
	(void)shutdown(pair[1], SHUT_WR);
	kind = asker_hear(pair[0], &bytes, &e);
	must(kind == OK || kind == ERR_PARSE || kind == ERR_LIMIT || kind == ERR_DENIED);
	must(kind == OK || e.text[0] != '\0');
	must(bytes <= 2 * INPUT_MAX);
}

#ifdef SERAI_FUZZING
#define WORDS_COUNT 7 /* where a request says how many words it has, as u16be */
#define WORDS       9

/* A request: its words, which it counts; the pieces of the input behind them; its two flags. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	struct mutate_frames words = {.at = WORDS, .width = 2};
	struct mutate_frames input = {.width = 4, .most = MUTATE_FRAMES_MAX};
	uint64_t state = seed;
	size_t now;
	int more;

	if (size < WORDS + 2 || data[0] != 'n' || mutate_random(&state, 2) == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	words.most = (size_t)data[WORDS_COUNT] << 8 | data[WORDS_COUNT + 1];
	switch (mutate_random(&state, 4)) {
	case 0:
		data[WORDS_COUNT - 2 + mutate_random(&state, 2)] ^= 1;
		return size;
	case 1:
		mutate_frames_find(&words, data, size);
		input.at = words.starts[words.count];
		return mutate_frames(&input, data, size, max_size, &state, &more);
	default:
		now = mutate_frames(&words, data, size, max_size, &state, &more);
		words.most = (size_t)((int)words.most + more);
		data[WORDS_COUNT] = (uint8_t)(words.most >> 8);
		data[WORDS_COUNT + 1] = (uint8_t)words.most;
		return now;
	}
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct control c = {.fd = -1, .folder_fd = -1};
	char spool[sizeof(c.folder) + 8];
	int pair[2];
	size_t bytes = 0;
	struct err e = {0};

	if (size < 1 || size > INPUT_MAX)
		return 0;
	snprintf(c.folder, sizeof(c.folder), "/dev/shm/serai-control-fuzz-%d", (int)getpid());
	snprintf(spool, sizeof(spool), "%s/spool", c.folder);
	must(folder_make(c.folder, 0700, NULL) == OK && folder_make(spool, 0700, NULL) == OK);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	must(send_all(pair[0], data + 1, size - 1) && shutdown(pair[0], SHUT_WR) == 0);
	if (data[0] == 'n')
		node_hear(&c, pair);
	else if (asker_hear(pair[1], &bytes, &e) != OK)
		must(e.text[0] != '\0');
	close(pair[0]);
	close(pair[1]);
	must(rmdir(spool) == 0 && rmdir(c.folder) == 0);
	return 0;
}
