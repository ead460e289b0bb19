#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Builds every fuzz target with libFuzzer and both sanitizers and runs each for so many seconds,
# two at a time. What is found is kept in build-fuzz/found/ and makes the exit status 1.
set -eu
seconds=$1
shift
targets=$(sh scripts/fuzz_build.sh build-fuzz)
mkdir -p build-fuzz/found

one() {
	target=$1
	name=$(basename "$target" _fuzz)
	mkdir -p "build-fuzz/corpus/$name"
	seed=
	[ -d "fuzz/corpus/$name" ] && seed=fuzz/corpus/$name
	dictionary=
	[ -f "fuzz/dict/$name" ] && dictionary=-dict=fuzz/dict/$name
	if ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		"build-fuzz/$target" "build-fuzz/corpus/$name" $seed $dictionary -max_total_time="$seconds" \
		-timeout=20 -rss_limit_mb=3000 -print_final_stats=1 \
		-artifact_prefix="build-fuzz/found/$name-" >"build-fuzz/$name.log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build-fuzz/$name.log")
		echo "fuzz $name: ${runs:-?} runs in $seconds s, nothing found"
	else
		echo "fuzz $name: FOUND something, see build-fuzz/$name.log"
		tail -n 30 "build-fuzz/$name.log" | sed "s/^/  /"
		return 1
	fi
}

status=0
first=
for target in $targets; do
	if [ $# -gt 0 ]; then
		wanted=no
		for n in "$@"; do [ "$(basename "$target" _fuzz)" = "$n" ] && wanted=yes; done
		[ "$wanted" = yes ] || continue
	fi
	one "$target" &
	if [ -n "$first" ]; then
		wait "$first" || status=1
	fi
	first=$!
done
[ -z "$first" ] || wait "$first" || status=1
exit $status
