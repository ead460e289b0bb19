/* SPDX-License-Identifier: MPL-2.0 */
/* What the serving process gives up before it talks to anybody. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "node.h"

/*
 * From now on, for this thread and all it starts: files only below the node's folder, certificate
 * and key only for reading (Landlock; silently less on kernels without it, *ret_files says), and no
 * system call that starts programs, traces others, loads code or changes the machine (seccomp).
 */
enum err_kind sandbox_enter(
	const struct node_config *config, bool *ret_files, struct err *e) MUST_USE;

#endif
