/* SPDX-License-Identifier: MPL-2.0 */
/* serai rehearse: its processes, what they answer, and waiting for them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "verb_rehearse.h"

#define POLL_MS      50      /* between two questions to a node */
#define OUTPUT_MAX   MIB(32) /* of one verb */
#define WORDS_MAX    64      /* of one verb */
#define COPY_MAX     MIB(64) /* bytes of one file of a node that is copied */
#define STOP_SECONDS 15      /* after SIGTERM; then it is killed */

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
	stop_asked = number;
}

bool rehearse_asked_to_stop(void)
{
	return stop_asked != 0;
}

void rehearse_catch_signals(void)
{
	const struct sigaction catch = {.sa_handler = on_signal};

	sigaction(SIGINT, &catch, NULL);
	sigaction(SIGTERM, &catch, NULL);
	sigaction(SIGHUP, &catch, NULL);
}

const char *rehearse_path(struct rehearsal *r, const char *format, ...)
{
	struct slice path, name;
	va_list args;

	va_start(args, format);
	name = arena_vprintf(r->cli->arena, format, args);
	va_end(args);
	path = arena_printf(r->cli->arena, "%s/%.*s", r->dir, SLICE_ARG(name));
	return path.data == NULL ? "" : path.data;
}

bool rehearse_write(struct rehearsal *r, const char *path, struct slice text)
{
	struct err e;

	if (file_write_atomic(path, text, 0600, &e) != OK)
		return rehearse_fail(r, "%s", e.text);
	return true;
}

/* ---- verbs ----------------------------------------------------------------------------------- */

/* In the child: nothing of ours but the three descriptors. */
static void become(struct rehearsal *r, const char *const *words, int out, int err)
{
	const char *argv[WORDS_MAX + 2] = {"serai"};
	size_t count = 1;

	while (words[count - 1] != NULL && count <= WORDS_MAX) {
		argv[count] = words[count - 1];
		count++;
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
		_exit(127);
	unsetenv("SERAI_NODE");
	execv(r->program, (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* Both pipes until they end. */
static void gather(struct rehearsal *r, int out, int err)
{
	struct pollfd fds[] = {
		{out, POLLIN, 0},
                {err, POLLIN, 0}
        };
	struct buf *bufs[] = {&r->out, &r->err};
	int open_fds = 2;

	while (open_fds > 0) {
		if (poll(fds, COUNT_OF(fds), -1) < 0 && errno != EINTR)
			return;
		for (size_t i = 0; i < COUNT_OF(fds); i++) {
			char bytes[KIB(16)];
			ssize_t got;

			if (fds[i].fd < 0 || fds[i].revents == 0)
				continue;
			got = read(fds[i].fd, bytes, sizeof(bytes));
			if (got > 0)
				buf_append(bufs[i], bytes, (size_t)got);
			if (got == 0 || (got < 0 && errno != EINTR)) {
				fds[i].fd = -1;
				open_fds--;
			}
		}
	}
}

static void line_of(const char *const *words, char *to, size_t size)
{
	size_t at = (size_t)snprintf(to, size, "serai");

	for (size_t i = 0; words[i] != NULL && at < size; i++)
		at += (size_t)snprintf(to + at, size - at, " %s", words[i]);
}

static int status_of(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int rehearse_run(struct rehearsal *r, const char *const *words)
{
	int out[2] = {-1, -1}, err[2] = {-1, -1}, got = -1;
	pid_t pid;

	if (rehearse_asked_to_stop()) {
		rehearse_fail(r, "stopped");
		return -1;
	}
	buf_fini(&r->out);
	buf_fini(&r->err);
	r->out = r->err = BUF_MAX(OUTPUT_MAX);
	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
		rehearse_fail(r, "no pipe: %s", strerror(errno));
		return -1;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become(r, words, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	if (pid > 0) {
		gather(r, out[0], err[0]);
		got = status_of(pid);
	} else {
		rehearse_fail(r, "no process: %s", strerror(errno));
	}
	close(out[0]);
	close(err[0]);
	buf_char(&r->out, '\0');
	buf_char(&r->err, '\0');
	if (r->out.bad || r->err.bad) {
		rehearse_fail(r, "out of memory");
		return -1;
	}
	r->out.len--;
	r->err.len--;
	return got;
}

bool rehearse_verb(struct rehearsal *r, int status, const char *const *words)
{
	int got = rehearse_run(r, words);
	char line[300];

	if (got == status)
		return true;
	line_of(words, line, sizeof(line));
	return rehearse_fail(r, "%s: exit status %d, expected %d: %s", line, got, status,
		r->err.data == NULL ? "" : r->err.data);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

bool rehearse_ports(struct rehearsal *r)
{
	struct err e;

	return http_ports_find(r->cli->world, r->ports, REHEARSE_MEMBERS, &e) == OK ||
	       rehearse_fail(r, "%s", e.text);
}

struct serving {
	pid_t pid;
	const char *out, *log;
};

static bool serves(struct rehearsal *r, const void *context)
{
	const struct serving *s = context;
	struct buf text = BUF_INIT;
	bool yes = file_read(s->out, KIB(4), &text, NULL) == OK &&
		   slice_starts(buf_slice(&text), SLICE("serving on port "));

	buf_fini(&text);
	if (!yes && waitpid(s->pid, NULL, WNOHANG) == s->pid) {
		struct slice line = {0}, rest;

		if (file_read(s->log, MIB(1), &text, NULL) == OK) {
			rest = slice_trim(buf_slice(&text));
			while (slice_next(&rest, '\n', &line))
				;
		}
		rehearse_fail(r, "a node ended at its start: %.*s", SLICE_ARG(line));
		buf_fini(&text);
	}
	return yes;
}

bool rehearse_serve(struct rehearsal *r, const char *folder, pid_t *ret_pid)
{
	/* Told relative to the folder of all, as a person would. */
	const char *words[] = {"serve", "--node", folder + strlen(r->dir) + 1, NULL};
	struct serving s = {.out = arena_printf(r->cli->arena, "%s.serve", folder).data,
		.log = arena_printf(r->cli->arena, "%s.log", folder).data};
	int out = open(s.out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int log = open(s.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	fflush(NULL);
	s.pid = out < 0 || log < 0 ? -1 : fork();
	if (s.pid == 0 && chdir(r->dir) == 0)
		become(r, words, out, log);
	if (s.pid == 0)
		_exit(127);
	if (out >= 0)
		close(out);
	if (log >= 0)
		close(log);
	if (s.pid < 0)
		return rehearse_fail(r, "could not start a node: %s", strerror(errno));
	*ret_pid = s.pid;
	return rehearse_until(r, "a node to serve", serves, &s);
}

static void nap(void)
{
	const struct timespec t = {.tv_nsec = POLL_MS * 1000000};

	nanosleep(&t, NULL);
}

void rehearse_stop(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGTERM);
	for (int i = 0; i < STOP_SECONDS * 1000 / POLL_MS; i++) {
		if (waitpid(*pid, NULL, WNOHANG) != 0) {
			*pid = 0;
			return;
		}
		nap();
	}
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

static bool file_copy(struct rehearsal *r, const char *from, const char *to)
{
	struct buf bytes = BUF_INIT;
	struct err e;
	bool good = file_read(from, COPY_MAX, &bytes, &e) == OK || rehearse_fail(r, "%s", e.text);

	good = good && rehearse_write(r, to, buf_slice(&bytes));
	buf_fini(&bytes);
	return good;
}

bool rehearse_copy(struct rehearsal *r, const char *from, const char *to)
{
	DIR *folder = opendir(from);
	struct dirent *one;
	struct err e;
	bool good = folder != NULL || rehearse_fail(r, "no folder %s: %s", from, strerror(errno));

	if (good && folder_make(to, 0700, &e) != OK)
		good = rehearse_fail(r, "%s", e.text);
	while (good && (one = readdir(folder)) != NULL) {
		const char *a, *b;

		if (strcmp(one->d_name, ".") == 0 || strcmp(one->d_name, "..") == 0)
			continue;
		a = arena_printf(r->cli->arena, "%s/%s", from, one->d_name).data;
		b = arena_printf(r->cli->arena, "%s/%s", to, one->d_name).data;
		if (one->d_type == DT_DIR)
			good = rehearse_copy(r, a, b);
		else if (one->d_type == DT_REG)
			good = file_copy(r, a, b);
	}
	if (folder != NULL)
		closedir(folder);
	return good;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)at;
	return kind == FTW_DP ? rmdir(path) : unlink(path);
}

void rehearse_clean(struct rehearsal *r)
{
	for (size_t i = 0; i < REHEARSE_MEMBERS; i++) {
		if (r->nodes[i] > 0)
			kill(r->nodes[i], SIGTERM); /* all at once, then one by one */
	}
	rehearse_stop(&r->copy);
	for (size_t i = 0; i < REHEARSE_MEMBERS; i++)
		rehearse_stop(&r->nodes[i]);
	if (!cli_flag(r->cli, "keep"))
		nftw(r->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	buf_fini(&r->out);
	buf_fini(&r->err);
	json_parser_free(r->parser);
}

/* ---- what they say --------------------------------------------------------------------------- */

/* On a terminal: one line that is drawn over, while something takes longer. */
static void waiting_show(struct rehearsal *r, const char *what, int64_t began, bool *drawn)
{
	int64_t took = (world_monotonic(r->cli->world) - began) / US_PER_SECOND;

	if (!r->cli->terminal || r->cli->quiet || took < 1)
		return;
	fprintf(stderr, "\r\033[K       waiting for %s: %lld s", what, (long long)took);
	fflush(stderr);
	*drawn = true;
}

static bool until(struct rehearsal *r, const char *what,
	bool (*yes)(struct rehearsal *r, const void *context), const void *context, bool *drawn)
{
	int64_t began = world_monotonic(r->cli->world);

	for (;;) {
		if (yes(r, context))
			return true;
		if (r->broken)
			return false;
		if (rehearse_asked_to_stop())
			return rehearse_fail(r, "stopped");
		if (world_monotonic(r->cli->world) - began > REHEARSE_SECONDS * US_PER_SECOND)
			return rehearse_fail(
				r, "waited %d seconds in vain for %s", REHEARSE_SECONDS, what);
		waiting_show(r, what, began, drawn);
		nap();
	}
}

bool rehearse_until(struct rehearsal *r, const char *what,
	bool (*yes)(struct rehearsal *r, const void *context), const void *context)
{
	bool drawn = false, good = until(r, what, yes, context, &drawn);

	if (drawn)
		fputs("\r\033[K", stderr);
	return good;
}

bool rehearse_json(struct rehearsal *r, struct json_value *ret_root)
{
	struct slice text = buf_slice(&r->out), first;
	struct err e;

	if (!slice_next(&text, '\n', &first))
		return rehearse_fail(r, "an answer was expected, and there is none");
	if (json_parse(r->parser, first, &r->doc, &e) != OK)
		return rehearse_fail(r, "an answer is no JSON: %s", e.text);
	*ret_root = json_root(&r->doc);
	return true;
}

int64_t rehearse_number(struct json_value v, const char *name)
{
	struct json_value number;
	int64_t value;

	return json_get(v, name, &number) && json_to_i64(number, &value) ? value : -1;
}

static bool is_set(struct json_value v, const char *name)
{
	struct json_value flag;

	return json_get(v, name, &flag) && json_is_true(flag);
}

static int member_number(struct slice name)
{
	for (int i = 0; i < REHEARSE_MEMBERS; i++) {
		if (slice_is(name, rehearse_names[i]))
			return i;
	}
	return -1;
}

static void status_fill(struct json_value root, struct rehearse_status *s)
{
	struct json_value list, one;

	*s = (struct rehearse_status){
		.waiting = is_set(root, "waiting"),
		.forked = is_set(root, "forked"),
		.policy = (uint64_t)rehearse_number(root, "policy"),
		.logged = (uint64_t)rehearse_number(root, "logged"),
		.signed_size = (uint64_t)rehearse_number(root, "signed"),
	};
	if (json_get(root, "logs", &list)) {
		for (struct json_iter it = json_iter(list); json_array_next(&it, &one);) {
			int m = member_number(json_get_string(one, "member"));

			if (m >= 0)
				s->logs[m] = (struct rehearse_log){
					.size = (uint64_t)rehearse_number(one, "size"),
					.opened = (uint64_t)rehearse_number(one, "opened"),
					.cosigned = (uint64_t)rehearse_number(one, "cosigned"),
					.good = slice_is(json_get_string(one, "trust"), "good"),
				};
		}
	}
	if (json_get(root, "peers", &list)) {
		for (struct json_iter it = json_iter(list); json_array_next(&it, &one);) {
			int m = member_number(json_get_string(one, "member"));
			struct slice problem = json_get_string(one, "problem");

			if (m >= 0)
				s->reachable[m] = is_set(one, "reachable");
			if (s->problem[0] == '\0' && problem.len > 0)
				snprintf(
					s->problem, sizeof(s->problem), "%.*s", SLICE_ARG(problem));
		}
	}
}

static enum err_kind answer_take(void *context, struct slice bytes, struct err *e)
{
	struct buf *out = context;

	buf_slice_append(out, bytes);
	return out->bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

/* Through the same door as the verbs, without a process for each look. */
bool rehearse_status(struct rehearsal *r, const char *folder, struct rehearse_status *ret_status)
{
	static const char *const words[] = {"status"};
	struct json_value root;
	struct err e;
	struct node_request request = {.words = words,
		.words_count = 1,
		.json = true,
		.input_fd = -1,
		.write = answer_take,
		.context = &r->out};

	buf_fini(&r->out);
	if (node_command(folder, r->cli->world, &request, &e) != OK)
		return rehearse_fail(r, "%s: %s", folder, e.text);
	if (!rehearse_json(r, &root))
		return false;
	status_fill(root, ret_status);
	return true;
}
