/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The control socket: how a command reaches the node that serves. Only its owner may connect.
 *
 *   to the node    "SRC1" | u8 json | u8 input | u16 count | count x (u16 len, word)
 *                  input 1: then frames u32 len (1..64 KiB) and bytes, ended by a len of 0
 *   from the node  frames 'D' u32 len and bytes: of the answer;
 *                  then one 'E' u32 len, of which the first byte is the kind of error (0: none)
 *                  and the rest its text
 *
 * Numbers are big-endian. The node reads the whole input before it begins.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "parts.h"

#define MAGIC    "SRC1"
#define HEAD_LEN 8   /* bytes */
#define IDLE_MS  500 /* between two looks whether to stop */
#define WAITING  16  /* connections that wait to be taken */

struct control {
	int fd, folder_fd;
	char folder[4096];
	struct seat *seat;
	pthread_t threads[CONTROL_THREADS];
	size_t threads_count;
	bool stop;
};

/* ---- bytes ----------------------------------------------------------------------------------- */

static bool send_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool receive_all(int fd, void *bytes, size_t len)
{
	char *at = bytes;

	while (len > 0) {
		ssize_t n = recv(fd, at, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool receive_number(int fd, size_t bytes, uint32_t *ret_number)
{
	uint8_t b[4] = {0};

	if (!receive_all(fd, b + 4 - bytes, bytes))
		return false;
	*ret_number = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	return true;
}

static bool send_frame(int fd, char what, const void *bytes, size_t len)
{
	uint8_t head[5] = {(uint8_t)what};

	put_u32(head + 1, (uint32_t)len);
	return send_all(fd, head, sizeof(head)) && send_all(fd, bytes, len);
}

static void deadlines_set(int fd)
{
	const struct timeval wait = {.tv_sec = CONTROL_SECONDS};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
}

/* A name below a folder that may have a longer path than a socket's may be. */
static bool address_make(int folder_fd, struct sockaddr_un *ret_address)
{
	*ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
	return snprintf(ret_address->sun_path, sizeof(ret_address->sun_path),
		       "/proc/self/fd/%d/" CONTROL_NAME,
		       folder_fd) < (int)sizeof(ret_address->sun_path);
}

/* ---- the node's side ------------------------------------------------------------------------- */

static enum err_kind answer_write(void *context, struct slice bytes, struct err *e)
{
	int fd = *(int *)context;

	while (bytes.len > 0) {
		size_t len = bytes.len < CONTROL_FRAME ? bytes.len : CONTROL_FRAME;

		if (!send_frame(fd, 'D', bytes.data, len))
			return err_set(e, ERR_IO, "who asked is gone");
		bytes = slice_cut(bytes, len, bytes.len);
	}
	return OK;
}

/* Into a file without a name. */
static enum err_kind input_take(struct control *c, int fd, int *ret_fd, struct err *e)
{
	char path[4200], bytes[4096];
	uint64_t all = 0;
	uint32_t len = 0;
	int file;

	snprintf(path, sizeof(path), "%s/spool/control-XXXXXX", c->folder);
	file = mkstemp(path);
	if (file < 0)
		return err_set(e, err_kind_of_errno(errno), "could not make \"%s\": %s", path,
			strerror(errno));
	(void)unlink(path);
	*ret_fd = file;
	for (;;) {
		if (!receive_number(fd, 4, &len) || len > CONTROL_FRAME)
			return err_set(e, ERR_PARSE, "the input is cut off");
		all += len;
		if (all > COMMAND_INPUT_MAX)
			return err_set(
				e, ERR_LIMIT, "an input of more than %zu bytes", COMMAND_INPUT_MAX);
		if (len == 0)
			break;
		while (len > 0) {
			size_t some = len < sizeof(bytes) ? len : sizeof(bytes);

			if (!receive_all(fd, bytes, some))
				return err_set(e, ERR_PARSE, "the input is cut off");
			if (write(file, bytes, some) != (ssize_t)some)
				return err_set(e, err_kind_of_errno(errno),
					"could not keep the input: %s", strerror(errno));
			len -= (uint32_t)some;
		}
	}
	return lseek(file, 0, SEEK_SET) == 0 ? OK : err_set(e, ERR_IO, "could not rewind");
}

static enum err_kind words_take(int fd, struct arena *a, struct node_request *q,
	const char *words[COMMAND_WORDS_MAX], bool *ret_input, struct err *e)
{
	uint8_t head[HEAD_LEN];
	uint32_t count, len;

	if (!receive_all(fd, head, sizeof(head)) || memcmp(head, MAGIC, 4) != 0 || head[4] > 1 ||
		head[5] > 1)
		return err_set(e, ERR_PARSE, "this is no command");
	count = (uint32_t)head[6] << 8 | head[7];
	if (count > COMMAND_WORDS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d words", COMMAND_WORDS_MAX);
	for (uint32_t i = 0; i < count; i++) {
		char *word;

		if (!receive_number(fd, 2, &len) || len > COMMAND_WORD_MAX)
			return err_set(
				e, ERR_LIMIT, "a word of more than %zu bytes", COMMAND_WORD_MAX);
		word = arena_zalloc(a, len + 1);
		if (word == NULL || !receive_all(fd, word, len))
			return err_set(e, ERR_PARSE, "the command is cut off");
		words[i] = word;
	}
	q->words = words;
	q->words_count = count;
	q->json = head[4] == 1;
	*ret_input = head[5] == 1;
	return OK;
}

static void serve_one(struct control *c, int fd)
{
	const char *words[COMMAND_WORDS_MAX] = {0};
	struct node_request q = {.input_fd = -1, .write = answer_write, .context = &fd};
	struct arena *a = arena_new(MIB(1));
	struct buf end = BUF_INIT;
	bool input = false;
	struct err e = {0};
	enum err_kind kind = a == NULL ? err_set(&e, ERR_NOMEM, "out of memory")
				       : words_take(fd, a, &q, words, &input, &e);

	if (kind == OK && input)
		kind = input_take(c, fd, &q.input_fd, &e);
	if (kind == OK)
		kind = command_run(c->seat, &q, &e);
	if (q.input_fd >= 0)
		close(q.input_fd);
	buf_char(&end, (char)kind);
	if (kind != OK)
		buf_text(&end, e.text);
	if (!end.bad)
		(void)send_frame(fd, 'E', end.data, end.len);
	buf_fini(&end);
	arena_free(a);
}

static void *control_run(void *context)
{
	struct control *c = context;

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED)) {
		struct pollfd p = {.fd = c->fd, .events = POLLIN};
		int fd;

		if (poll(&p, 1, IDLE_MS) <= 0)
			continue;
		fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue; /* another thread was faster */
		deadlines_set(fd);
		serve_one(c, fd);
		close(fd);
	}
	return NULL;
}

static enum err_kind vacant_now(const char *folder, struct err *e)
{
	int folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	bool taken = folder_fd >= 0 && fd >= 0 && address_make(folder_fd, &address) &&
		     connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;

	if (folder_fd >= 0)
		close(folder_fd);
	if (fd >= 0)
		close(fd);
	return taken ? err_set(e, ERR_BUSY, "\"%s\" is being served already", folder) : OK;
}

/* What was left by one that was killed refuses to connect. */
enum err_kind control_vacant(const char *folder, const struct world *world, struct err *e)
{
	int64_t since = 0;
	enum err_kind kind;

	do
		kind = vacant_now(folder, e);
	while (busy_again(world, kind, &since));
	return kind;
}

enum err_kind control_open(const char *folder, struct control **ret_control, struct err *e)
{
	struct control *c = calloc(1, sizeof(*c));
	struct sockaddr_un address;
	enum err_kind kind;
	mode_t mask;
	int rc;

	if (c == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	snprintf(c->folder, sizeof(c->folder), "%s", folder);
	c->folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->folder_fd < 0 || c->fd < 0 || !address_make(c->folder_fd, &address)) {
		err_set(e, ERR_IO, "could not open \"%s\": %s", folder, strerror(errno));
		control_free(c);
		return ERR_IO;
	}
	mask = umask(0177);
	(void)unlinkat(c->folder_fd, CONTROL_NAME, 0); /* of one that was killed */
	rc = bind(c->fd, (const struct sockaddr *)&address, sizeof(address));
	(void)umask(mask);
	if (rc == 0)
		rc = listen(c->fd, WAITING); /* inside the sandbox nobody may */
	if (rc != 0) {
		kind = err_set(e, err_kind_of_errno(errno),
			"could not make \"%s/" CONTROL_NAME "\": %s", folder, strerror(errno));

		control_free(c);
		return kind;
	}
	*ret_control = c;
	return OK;
}

enum err_kind control_start(struct control *c, struct seat *s, struct err *e)
{
	c->seat = s;
	while (c->threads_count < CONTROL_THREADS) {
		if (pthread_create(&c->threads[c->threads_count], NULL, control_run, c) != 0)
			return err_set(e, ERR_NOMEM, "could not start a thread");
		c->threads_count++;
	}
	return OK;
}

void control_free(struct control *c)
{
	if (c == NULL)
		return;
	__atomic_store_n(&c->stop, true, __ATOMIC_RELAXED);
	for (size_t i = 0; i < c->threads_count; i++)
		pthread_join(c->threads[i], NULL);
	if (c->seat != NULL)
		(void)unlinkat(c->folder_fd, CONTROL_NAME, 0);
	if (c->fd >= 0)
		close(c->fd);
	if (c->folder_fd >= 0)
		close(c->folder_fd);
	free(c);
}

/* ---- who asks -------------------------------------------------------------------------------- */

static enum err_kind request_send(int fd, const struct node_request *q, struct err *e)
{
	struct buf out = BUF_INIT;
	uint8_t head[HEAD_LEN] = MAGIC;
	bool sent;

	head[4] = q->json;
	head[5] = q->input_fd >= 0;
	put_u16(head + 6, (uint16_t)q->words_count);
	buf_append(&out, head, sizeof(head));
	for (size_t i = 0; i < q->words_count; i++) {
		uint8_t len[2];
		size_t bytes = strlen(q->words[i]);

		if (bytes > COMMAND_WORD_MAX) {
			buf_fini(&out);
			return err_set(
				e, ERR_LIMIT, "a word of more than %zu bytes", COMMAND_WORD_MAX);
		}
		put_u16(len, (uint16_t)bytes);
		buf_append(&out, len, 2);
		buf_text(&out, q->words[i]);
	}
	sent = !out.bad && send_all(fd, out.data, out.len);
	buf_fini(&out);
	return sent ? OK : err_set(e, ERR_IO, "the node does not listen");
}

static enum err_kind input_send(int fd, const struct node_request *q, struct err *e)
{
	static const size_t most = 32768;
	char *bytes = malloc(most + 4);
	ssize_t got = 1;

	if (bytes == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	while (got > 0) {
		got = read(q->input_fd, bytes + 4, most);
		if (got < 0 && errno == EINTR) {
			got = 1;
			continue;
		}
		if (got < 0)
			break;
		put_u32(bytes, (uint32_t)got);
		if (!send_all(fd, bytes, (size_t)got + 4))
			break; /* its answer says why */
	}
	free(bytes);
	return got < 0 ? err_set(e, ERR_IO, "could not read the input: %s", strerror(errno)) : OK;
}

static enum err_kind answer_take(int fd, const struct node_request *q, struct err *e)
{
	char *bytes = malloc(CONTROL_FRAME + 1);
	enum err_kind kind = bytes == NULL ? err_set(e, ERR_NOMEM, "out of memory") : OK;

	while (kind == OK) {
		uint8_t what;
		uint32_t len;

		if (!receive_all(fd, &what, 1) || !receive_number(fd, 4, &len) ||
			len > CONTROL_FRAME || !receive_all(fd, bytes, len)) {
			kind = err_set(e, ERR_IO, "the node went away while it answered");
		} else if (what == 'D') {
			kind = q->write(q->context, (struct slice){bytes, len}, e);
		} else {
			if (what != 'E' || len == 0 || (uint8_t)bytes[0] >= ERR_KINDS ||
				(bytes[0] != OK && (len == 1 || bytes[1] == '\0')))
				kind = err_set(e, ERR_PARSE, "the node's answer is none");
			else if (bytes[0] != OK)
				kind = err_set(e, (enum err_kind)bytes[0], "%.*s", (int)len - 1,
					bytes + 1);
			break;
		}
	}
	free(bytes);
	return kind;
}

enum err_kind control_ask(const char *folder, const struct node_request *request, struct err *e)
{
	int folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	enum err_kind kind = OK;

	if (folder_fd < 0 || fd < 0 || !address_make(folder_fd, &address))
		kind = err_set(e, ERR_BUSY, "could not open \"%s\": %s", folder, strerror(errno));
	else if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		kind = err_set(e, errno == EACCES ? ERR_DENIED : ERR_BUSY,
			"could not reach \"%s/" CONTROL_NAME "\": %s", folder, strerror(errno));
	if (kind == OK) {
		deadlines_set(fd);
		kind = request_send(fd, request, e);
		if (kind == OK && request->input_fd >= 0)
			kind = input_send(fd, request, e);
		if (kind == OK)
			kind = answer_take(fd, request, e);
		/* Once it took our words, trouble is no reason to open the folder as well. */
		if (kind == ERR_BUSY)
			kind = e == NULL ? ERR_IO : (e->kind = ERR_IO);
	}
	if (folder_fd >= 0)
		close(folder_fd);
	if (fd >= 0)
		close(fd);
	return kind;
}

/* ---- one door for both ----------------------------------------------------------------------- */

static enum err_kind run_here(const char *folder, const struct world *world,
	const struct node_request *request, struct err *e)
{
	const struct log log = {world, stderr, LOG_WARN};
	struct node node = {0};
	struct seat *seat = NULL;
	enum err_kind kind = node_open(folder, STORE_WRITE, world, &node, e);

	if (kind != OK)
		return kind;
	if (!keys_there(&node.config))
		kind = err_set(e, ERR_USAGE, "\"%s\" has no keys in \"%s\": it is no member",
			folder, node.config.keys);
	if (kind == OK)
		kind = seat_open(&node, world, &log, -1, &seat, e);
	if (kind == OK)
		kind = command_run(seat, request, e);
	seat_close(seat);
	node_close(&node);
	return kind;
}

enum err_kind node_command(const char *folder, const struct world *world,
	const struct node_request *request, struct err *e)
{
	enum err_kind kind = control_ask(folder, request, e);

	return kind == ERR_BUSY ? run_here(folder, world, request, e) : kind;
}
