/* SPDX-License-Identifier: MPL-2.0 */
/* What a process gives up before it reads what strangers wrote. Knows neither node nor sensor. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "base/base.h"

enum sandbox_access {
	SANDBOX_READ,    /* files below it, or the file itself */
	SANDBOX_WRITE,   /* reading, writing, making and removing files below it */
	SANDBOX_FOLDERS, /* the same, and making folders */
};

struct sandbox_path {
	const char *path; /* a file's folder is taken with of_file */
	enum sandbox_access access;
	bool of_file;  /* the folder in which this file is: what replaces it has the same name */
	bool optional; /* not there: left out */
};

/* With which arguments a system call stays. */
enum sandbox_arguments {
	SANDBOX_ANY,     /* whatever they are */
	SANDBOX_ON,      /* the first is `fd` */
	SANDBOX_TO_PEER, /* sendto: on `fd`, and to nobody but who it is connected to */
	SANDBOX_NO_CODE, /* mmap, mprotect: memory that is not executable */
};

struct sandbox_call {
	const char *name; /* as in syscalls(2) */
	enum sandbox_arguments arguments;
	int fd;
};

struct sandbox_rules {
	const struct sandbox_path *paths;
	size_t paths_count;
	/* No system call that opens, binds or connects a socket, or sends on one that is open: for
	 * a sensor, which only ever receives. */
	bool no_sending;
	/* Not NULL: no system call but these; and no new descriptor, no capability, no core file.
	 * For a process that holds keys and does one thing. */
	const struct sandbox_call *only;
	size_t only_count;
	/* No new place to be reached at: listen(2) ends the process, bind(2) is refused with EACCES
	 * (looking names up makes the C library bind a netlink socket, and it can do without). What
	 * listens already goes on. */
	bool no_listening;
	bool no_capabilities; /* gives up those of root, or that systemd gave */
};

/*
 * From now on, for this thread and all it starts: only these files (Landlock; silently less on
 * kernels without it, *ret_files says), and no system call that starts programs, traces others,
 * loads code or changes the machine (seccomp: the process is killed). ERR_USAGE: a system call of
 * that name is not known.
 */
enum err_kind sandbox_enter(
	const struct sandbox_rules *rules, bool *ret_files, struct err *e) MUST_USE;

#endif
