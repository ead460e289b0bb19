# SPDX-License-Identifier: MPL-2.0
# ./run test: gcc with hardening, clang with sanitizers, short fuzz runs, the include rule. Sourced.

began=$(date +%s)
failed=0
passed=0
skipped=0

step() { say "== $* ($(($(date +%s) - began)) s)"; }

# Tests that cmocka counted, from meson's log of one build folder.
count() {
	log=$1/meson-logs/testlog.txt
	[ -f "$log" ] || return 0
	p=$(sed -n 's/.*\[  PASSED  \] \([0-9]*\) test(s).*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
	f=$(sed -n 's/.*\[  FAILED  \] \([0-9]*\) test(s).*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
	s=$(sed -n 's/.*\[  SKIPPED \] \([0-9]*\) test(s).*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
	passed=$((passed + p))
	failed=$((failed + f))
	skipped=$((skipped + s))
}

# Tests that are whole programs (scripts, corpus replays) count one each.
run_tests() {
	folder=$1
	shift
	ninja -C "$folder" >"$folder/ninja.log" 2>&1 || {
		grep -E 'error|warning|FAILED' "$folder/ninja.log" | head -n 40 >&2
		say "could not build $folder"
		exit 1
	}
	if grep -q 'warning:' "$folder/ninja.log"; then
		grep 'warning:' "$folder/ninja.log" | head >&2
		say "warnings in $folder"
		failed=$((failed + 1))
	fi
	# one more than there are processors: many wait for a disk or for each other
	if ! meson test -C "$folder" --no-rebuild --print-errorlogs --num-processes "$(($(nproc) + 1))" \
		"$@" >"$folder/test.log" 2>&1; then
		tail -n 120 "$folder/test.log" >&2
		f=$(sed -n 's/^Fail: *//p' "$folder/test.log" | tail -n 1)
		t=$(sed -n 's/^Timeout: *//p' "$folder/test.log" | tail -n 1)
		[ "$((${f:-0} + ${t:-0}))" -gt 0 ] || f=1
		programs_failed=$((programs_failed + ${f:-0} + ${t:-0}))
	fi
	count "$folder"
	grep -E '^(Ok|Fail|Timeout|Skipped):' "$folder/test.log" | tr -s ' \n' ' ' >&2
	say ""
}
programs_failed=0

step "gcc, hardened"
configure build gcc -Dbuildtype=debugoptimized -Doptimization=2
run_tests build

step "clang, address and undefined-behaviour sanitizers"
# with the instruments of the fuzz targets, which are of the same build: one is made, not two
configure build-fuzz clang -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false \
	-Doptimization=1
run_tests build-fuzz --no-suite slow --timeout-multiplier 4

step "include rule"
leaks=$(grep -rnE '#include "[a-z]+/' src | grep -vE '"([a-z]+)/\1\.h"' || true)
if [ -n "$leaks" ]; then
	say "includes that go past a folder's door:"
	say "$leaks"
	failed=$((failed + 1))
else
	passed=$((passed + 1))
fi

step "fuzz targets, ${SERAI_FUZZ_SECONDS:-1} seconds each"
if sh scripts/fuzz_each.sh "${SERAI_FUZZ_SECONDS:-1}"; then
	passed=$((passed + 1))
else
	failed=$((failed + 1))
fi

if [ "$failed" -eq 0 ] && [ "$programs_failed" -gt 0 ]; then
	failed=$programs_failed
fi
step "done"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
