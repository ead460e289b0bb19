/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A whole coalition in one process, under a seed: members with real logs on disks that forget, real
 * signers, clocks that differ, and a network that loses, doubles, delays and parts. Some members
 * may collude to show two histories.
 */
#ifndef COALITION_SIM_H
#define COALITION_SIM_H

#include "coalition.h"

#define SIM_MEMBERS_MAX 30
#define SIM_FACES       2 /* what a colluder shows: one history to one half, another to the rest */

struct sim_options {
	uint64_t seed;
	unsigned members;
	unsigned colluders; /* the last ones */
	unsigned events;
	bool crashes, restores, partitions, skews;
	bool verbose;
	/* A planted fault, to see that the checks find it: a node that gives what its policy does not
	 * allow; one that loses what it acknowledged; more colluders than a quorum bears. */
	enum { SIM_SOUND, SIM_LEAKS, SIM_FORGETS, SIM_WEAK_QUORUM } fault;
};

struct sim_result {
	uint64_t events, requests, lost, doubled, crashes, restores, decisions, withdrawals,
		entries, openings, equivocations, found_rounds;
};

/* Runs, heals everything, and checks. ERR_INVALID says which promise was broken, and when. */
enum err_kind sim_run(
	const struct sim_options *options, struct sim_result *ret_result, struct err *e) MUST_USE;

#endif
