# SPDX-License-Identifier: MPL-2.0
# The policy's part of ./run bench (also alone: ./run bench policy): what a decision costs that nobody
# remembered, and every question about all cases. Sourced by bench.sh.
#
# SERAI_BENCH_PERMITS (200), SERAI_BENCH_FORBIDS (80), SERAI_BENCH_POLICIES (20).

printf '## policy\n\nProcessor time; goals at 200 permits and 80 forbids: a decision under 1,000 ns, every analysis under 100 ms.\n\n'
build/bench/policy_bench "${SERAI_BENCH_PERMITS:-200}" "${SERAI_BENCH_FORBIDS:-80}" "${SERAI_BENCH_POLICIES:-20}"
printf '\n'
