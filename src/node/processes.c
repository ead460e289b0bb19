/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The three processes of `serai serve`. The parent reads our own configuration, opens the port, starts
 * a signer, which has the keys, and a node, which has everything else, hands on signals, and waits.
 * When one of them ends the other does: nothing is started again in silence.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "parts.h"

#define SIGNER_SECONDS 5 /* it has to end after the node did */

/* How a process tells what went wrong: one write of a pipe, which is whole or not at all. */
struct report {
	bool of_signer;
	struct err e;
};

struct processes {
	const struct node_config *config;
	const struct world *world;
	pid_t parent, signer, node; /* 0: not running */
	int listen_fd;              /* the node's; -1 */
	int report[2];
	sigset_t before;
	bool failed;
	struct err why;
};

static void report_write(const struct processes *p, bool of_signer, const struct err *e)
{
	struct report r = {of_signer, *e};

	if (write(p->report[1], &r, sizeof(r)) != sizeof(r))
		fprintf(stderr, "%s\n", e->text);
}

/* It does not outlive the parent, whatever happens to that. */
static void child_begin(const struct processes *p)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != p->parent)
		_exit(1);
	close(p->report[0]);
}

static pid_t process_start(struct processes *p, struct err *e)
{
	pid_t pid;

	fflush(NULL); /* what is buffered here is printed here */
	pid = fork();
	if (pid < 0)
		err_set(e, ERR_NOMEM, "could not start a process: %s", strerror(errno));
	if (pid == 0)
		child_begin(p);
	return pid;
}

/* ---- the signer ------------------------------------------------------------------------------ */

static void signer_process(struct processes *p, int fd)
{
	struct ledger_disk disk = {0};
	struct signer *signer = NULL;
	char marks[4096];
	bool files;
	struct err e = {0};
	enum err_kind kind = keys_signer(p->config, p->world, &disk, &signer, &e);

	prctl(PR_SET_NAME, "serai-signer");
	snprintf(marks, sizeof(marks), "%s/" KEYS_MARKS, p->config->keys);
	if (kind == OK)
		kind = signer_sandbox(fd, marks, &files, &e);
	if (kind != OK) {
		report_write(p, true, &e);
		_exit(1);
	}
	/* From here on there is neither file nor pipe to tell anything by. */
	_exit(signer_run(signer, fd, &e) == OK ? 0 : 1);
}

/* ---- the parent ------------------------------------------------------------------------------ */

static void fail(struct processes *p, enum err_kind kind, const char *text)
{
	if (!p->failed)
		err_set(&p->why, kind, "%s", text);
	p->failed = true;
}

static void ended(struct processes *p, pid_t pid, int status)
{
	bool of_signer = pid == p->signer;
	bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	char text[128];

	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "the %s was killed by signal %d",
			of_signer ? "signer" : "node", WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "the %s ended", of_signer ? "signer" : "node");
	if (of_signer) {
		p->signer = 0;
		/* Without keys a member can publish nothing: stop, rather than seem to work. Clean is
		 * only its end after the node closed their socket. */
		if (p->node != 0 && !clean) {
			fail(p, ERR_IO, text);
			kill(p->node, SIGTERM);
		}
	} else {
		p->node = 0;
		if (!clean)
			fail(p, ERR_IO, text);
	}
}

static void children_look(struct processes *p)
{
	const pid_t all[] = {p->signer, p->node};
	int status;

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		if (all[i] != 0 && waitpid(all[i], &status, WNOHANG) == all[i])
			ended(p, all[i], status);
	}
}

/* Until the node has ended. */
static void wait_node(struct processes *p, const sigset_t *signals)
{
	while (p->node != 0) {
		int number = sigwaitinfo(signals, NULL);

		if (number == SIGCHLD)
			children_look(p);
		else if (number > 0)
			kill(p->node, number);
	}
}

/* It ends by itself when its socket is closed. */
static void wait_signer(struct processes *p)
{
	const struct timespec wait = {.tv_sec = SIGNER_SECONDS};
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	children_look(p);
	while (p->signer != 0) {
		if (sigtimedwait(&child, NULL, &wait) < 0 && errno == EAGAIN) {
			int status;

			kill(p->signer, SIGKILL);
			waitpid(p->signer, &status, 0);
			p->signer = 0;
			break;
		}
		children_look(p);
	}
}

/* What a process says of its end is better than what the parent saw; the signer's more than the
 * node's, which fails when it finds no signer. */
static void reports_read(struct processes *p)
{
	struct report r;
	bool any = false;

	while (read(p->report[0], &r, sizeof(r)) == sizeof(r)) {
		r.e.text[sizeof(r.e.text) - 1] = '\0';
		if (!any || r.of_signer)
			p->why = r.e;
		p->failed = any = true;
	}
}

static enum err_kind pair_make(struct processes *p, int pair[2], struct err *e)
{
	pair[0] = pair[1] = -1;
	if (keys_there(p->config) && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return err_set(e, err_kind_of_errno(errno), "could not make a socket pair: %s",
			strerror(errno));
	return OK;
}

static enum err_kind children_start(struct processes *p, int pair[2],
	void (*ready)(void *context, unsigned port), void *context, struct err *e)
{
	if (pair[1] >= 0) {
		p->signer = process_start(p, e);
		if (p->signer < 0)
			return ERR_NOMEM;
		if (p->signer == 0) {
			close(pair[0]);
			close(p->listen_fd);
			signer_process(p, pair[1]);
		}
		close(pair[1]);
		pair[1] = -1;
	}
	p->node = process_start(p, e);
	if (p->node < 0)
		return ERR_NOMEM;
	if (p->node == 0) {
		enum err_kind kind;

		prctl(PR_SET_NAME, "serai-node");
		pthread_sigmask(SIG_SETMASK, &p->before, NULL);
		kind = node_run(
			p->config->folder, p->world, p->listen_fd, pair[0], ready, context, e);
		if (kind != OK)
			report_write(p, false, e);
		fflush(NULL);
		_exit(kind != OK);
	}
	return OK;
}

static enum err_kind processes_run(struct processes *p, void (*ready)(void *context, unsigned port),
	void *context, struct err *e)
{
	sigset_t signals;
	int pair[2];
	struct err mine = {0};
	enum err_kind kind = pair_make(p, pair, e);

	if (kind != OK)
		return kind;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &signals, &p->before);
	p->parent = getpid();
	kind = children_start(p, pair, ready, context, &mine);
	for (size_t i = 0; i < 2; i++) {
		if (pair[i] >= 0)
			close(pair[i]);
	}
	close(p->listen_fd); /* who connects finds the node or nobody */
	p->listen_fd = -1;
	close(p->report[1]);
	p->report[1] = -1;
	if (kind == OK) {
		wait_node(p, &signals);
		wait_signer(p);
		reports_read(p);
		kind = p->failed ? p->why.kind : OK;
		mine = p->why;
	} else {
		p->node = 0;
		wait_signer(p);
	}
	pthread_sigmask(SIG_SETMASK, &p->before, NULL);
	return kind == OK ? OK : err_set(e, kind, "%s", mine.text);
}

enum err_kind node_serve(const char *folder, const struct world *world,
	void (*ready)(void *context, unsigned port), void *context, struct err *e)
{
	struct node_config config;
	struct processes p = {
		.config = &config, .world = world, .listen_fd = -1, .report = {-1, -1}
        };
	enum err_kind kind = node_config_load(folder, &config, e);

	if (kind != OK)
		return kind;
	kind = keys_apart(&config, e);
	if (kind == OK)
		kind = control_vacant(folder, world, e);
	if (kind == OK && pipe2(p.report, O_CLOEXEC) != 0)
		kind = err_set(
			e, err_kind_of_errno(errno), "could not make a pipe: %s", strerror(errno));
	if (kind == OK)
		kind = http_listen_open(config.listen, &p.listen_fd, e);
	if (kind == OK)
		kind = processes_run(&p, ready, context, e);
	if (p.listen_fd >= 0)
		close(p.listen_fd);
	for (size_t i = 0; i < 2; i++) {
		if (p.report[i] >= 0)
			close(p.report[i]);
	}
	node_config_fini(&config);
	return kind;
}
