/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Members of a coalition in one process, for benchmarks: keys of the moment, logs on real files,
 * a signer each, and a charter that all of them signed. Ends the program when something fails.
 */
#ifndef FOUNDING_H
#define FOUNDING_H

#include "coalition/coalition.h"
#include "sink_none.h"

#define FOUNDING_MEMBERS_MAX 30

struct member {
	char name[8];
	struct coalition_sink sink;
	struct ledger_disk disk, keys_disk;
	struct note_secret root;
	struct signer_secrets secrets;
	struct signer *signer;
	struct signer_link link;
	struct coalition *coalition;
};

/* `what: e` on standard error, and status 1. */
_Noreturn void founding_fail(const char *what, const struct err *e);

/* With m->name and m->sink set (sink_none, and over it what is measured): folder/NAME and
 * folder/NAME-keys, opened. */
void founding_open(struct member *m, const char *folder);
/* A first charter of these, which all of them sign and take. */
void founding_charter(struct member *const *members, size_t count);
void founding_close(struct member *m);

#endif
