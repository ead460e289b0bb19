/* SPDX-License-Identifier: MPL-2.0 */
/* For tests and simulators of whoever keeps logs: a disk in memory that loses, tears and fails. */
#ifndef LEDGER_TESTING_H
#define LEDGER_TESTING_H

#include "ledger/ledger.h"

/* Held in memory; what was not synced is lost at a crash, in part or whole, as the seed says. */
struct ledger_disk_fake;
struct ledger_disk_fake *ledger_disk_fake_new(uint64_t seed) MUST_USE;
void ledger_disk_fake_free(struct ledger_disk_fake *f);
struct ledger_disk ledger_disk_of_fake(struct ledger_disk_fake *f);
/* From the n-th changing call on (write, truncate, sync, replace, make_folder; counted from here;
 * 0: never) every call fails with ERR_IO. The n-th may do part of its work. */
void ledger_disk_fake_fail_at(struct ledger_disk_fake *f, uint64_t n);
uint64_t ledger_disk_fake_calls(const struct ledger_disk_fake *f);
/* Power lost: of what was not synced each 512-byte block is there or not; files may be shorter. */
void ledger_disk_fake_crash(struct ledger_disk_fake *f);
/* A copy of everything as it is now, to restore later like a backup; and a bit to flip. */
struct ledger_disk_fake *ledger_disk_fake_copy(const struct ledger_disk_fake *f) MUST_USE;
bool ledger_disk_fake_flip(struct ledger_disk_fake *f, const char *path, uint64_t bit);

#endif
