# SPDX-License-Identifier: MPL-2.0
# The coalition's part of ./run bench (also alone: ./run bench coalition): publishing, catching up, an idle
# round, and how long a decision takes among ten members over slow links. Sourced by bench.sh.
#
# SERAI_BENCH_ENTRIES (1000000), SERAI_BENCH_DECISIONS (100).

printf '## coalition\n\nTwo members in one process, logs on %s, %s entries of 600 bytes; goals: 1,000,000 entries caught up with in 30 s, an idle round under 10 kB and 100 ms.\n\n```\n' \
	"$(df -T "$work" | awk 'NR == 2 {print $2}')" "${SERAI_BENCH_ENTRIES:-1000000}"
rm -rf "$work/coalition"
build/bench/coalition_bench "$work/coalition" "${SERAI_BENCH_ENTRIES:-1000000}"
rm -rf "$work/coalition"
printf '```\n\nTen members, 50 ms each way between any two (goal: cosigned by a quorum within 3 s, p99).\n\n```\n'
build/bench/coalition_latency "$work/coalition" 10 50 "${SERAI_BENCH_DECISIONS:-100}"
printf '```\n\n'
rm -rf "$work/coalition"
