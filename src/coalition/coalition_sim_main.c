/* SPDX-License-Identifier: MPL-2.0 */
/* Runs seeds: coalition_sim MEMBERS COLLUDERS FROM COUNT [EVENTS] [-v]. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "coalition_sim.h"

int main(int argc, char **argv)
{
	struct sim_result total = {0};
	unsigned failed = 0;

	if (argc < 5 || sodium_init() < 0) {
		fprintf(stderr, "usage: %s MEMBERS COLLUDERS FROM COUNT [EVENTS] [-v]\n", argv[0]);
		return 2;
	}
	for (uint64_t i = 0; i < strtoull(argv[4], NULL, 10); i++) {
		struct sim_options options = {
			.seed = strtoull(argv[3], NULL, 10) + i,
			.members = (unsigned)strtoul(argv[1], NULL, 10),
			.colluders = (unsigned)strtoul(argv[2], NULL, 10),
			.events = argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 400,
			.crashes = true,
			.restores = true,
			.partitions = true,
			.skews = true,
			.verbose = argc > 6,
		};
		struct sim_result r;
		struct err e;

		if (sim_run(&options, &r, &e) != OK) {
			printf("FAILED %s\n", e.text);
			failed++;
		}
		total.events += r.events;
		total.requests += r.requests;
		total.lost += r.lost;
		total.crashes += r.crashes;
		total.restores += r.restores;
		total.decisions += r.decisions;
		total.withdrawals += r.withdrawals;
		total.entries += r.entries;
		total.openings += r.openings;
		total.equivocations += r.equivocations;
	}
	printf("%u failed; events %llu, requests %llu, lost %llu, crashes %llu, restores %llu, "
	       "decisions %llu, withdrawals %llu, entries %llu, openings %llu, equivocations "
	       "%llu\n",
		failed, (unsigned long long)total.events, (unsigned long long)total.requests,
		(unsigned long long)total.lost, (unsigned long long)total.crashes,
		(unsigned long long)total.restores, (unsigned long long)total.decisions,
		(unsigned long long)total.withdrawals, (unsigned long long)total.entries,
		(unsigned long long)total.openings, (unsigned long long)total.equivocations);
	return failed == 0 ? 0 : 1;
}
