# SPDX-License-Identifier: MPL-2.0
# The ledger's part of ./run bench (also alone: ./run bench ledger): what a log costs on this disk, beside
# what the disk and the hash cost alone. Sourced by bench.sh.
#
# SERAI_BENCH_LEAVES (1000000), SERAI_BENCH_WRITERS (16).

printf '## ledger\n\nOne log on %s, %s leaves; goals: 50,000 entries/s durable in batches, 2,000/s one by one from concurrent writers, 1,000,000 leaves caught up with in 30 s.\n\n' \
	"$(df -T "$work" | awk 'NR == 2 {print $2}')" "${SERAI_BENCH_LEAVES:-1000000}"
rm -rf "$work/ledger"
build/bench/ledger_bench "$work/ledger" "${SERAI_BENCH_LEAVES:-1000000}" "${SERAI_BENCH_WRITERS:-16}"
printf '\nThe log takes %s bytes a leaf on the disk, without contents.\n\n' \
	"$(cat "$work/ledger/mirror/entries" "$work/ledger/mirror"/hashes.* | wc -c | awk -v n="${SERAI_BENCH_LEAVES:-1000000}" '{printf "%.1f", $1 / n}')"
rm -rf "$work/ledger"
