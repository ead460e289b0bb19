#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# ./run fuzz --planted [SECONDS] [NAME...]: does each fuzz target find the bug that is planted behind
# its decoder (fuzz/planted.h)? From the seeds alone, which must not have it, each within SECONDS of
# one processor (so that a busy machine changes nothing), one after another. Prints for each how
# much it took and after how many inputs.
set -eu
seconds=$1
shift
folder=build-planted
targets=$(sh scripts/fuzz_build.sh "$folder" -Dplanted=true)
export ASAN_OPTIONS=allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

bad() {
	echo "planted $1: $2, see $folder/$1.log"
	tail -n 15 "$folder/$1.log" | sed "s/^/  /"
	return 1
}

one() {
	name=$(basename "$1" _fuzz)
	log=$folder/$name.log
	grown=$folder/grown/$name
	rm -rf "$grown" "$folder/found/$name-"*
	mkdir -p "$grown" "$folder/found"
	seed=
	[ -d "fuzz/corpus/$name" ] && seed=fuzz/corpus/$name
	if ! "$folder/$1" $seed -runs=0 -artifact_prefix="$folder/found/$name-" >"$log" 2>&1; then
		bad "$name" "a seed has it already"
		return 1
	fi
	dictionary=
	[ -f "fuzz/dict/$name" ] && dictionary=-dict=fuzz/dict/$name
	# bash for its clock of processor time; the wall's is only there for a target that sleeps
	took=$(bash -c 'ulimit -t "$1"; log=$2; shift 2; TIMEFORMAT="%U %S %R"
		time "$@" >"$log" 2>&1' fuzz "$seconds" "$log" \
		"$folder/$1" "$grown" $seed $dictionary -max_total_time=$((seconds * 60)) -timeout=60 \
		-rss_limit_mb=3000 -print_final_stats=1 -artifact_prefix="$folder/found/$name-" 2>&1)
	took=$(echo "$took" | awk 'END {printf "%.1f s of processor, %.1f s", $1 + $2, $3}')
	if ! grep -q '^SUMMARY: ' "$log"; then
		bad "$name" "NOT FOUND in $took"
		return 1
	fi
	if ! grep -q 'heap-buffer-overflow' "$log" || ! grep -q ' in planted_overrun ' "$log"; then
		bad "$name" "FOUND something that nobody planted"
		return 1
	fi
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	echo "planted $name: found in $took, ${runs:-?} inputs"
}

status=0
for target in $targets; do
	if [ $# -gt 0 ]; then
		wanted=no
		for n in "$@"; do [ "$(basename "$target" _fuzz)" = "$n" ] && wanted=yes; done
		[ "$wanted" = yes ] || continue
	fi
	one "$target" || status=1
done
exit $status
