# SPDX-License-Identifier: MPL-2.0
# ./run lint. Sourced.
status=0
leaks=$(grep -rnE '#include "[a-z]+/' src | grep -vE '"([a-z]+)/\1\.h"' || true)
[ -z "$leaks" ] || { say "includes that go past a folder's door:"; say "$leaks"; status=1; }
files=$(git ls-files 'src/*.c' 'src/*.h' 'src/*.cpp' 'bench/*.c' 'fuzz/*.c' 'tests/*.c')
# Tables of structures that clang-format 14 breaks up, "clang-format off" or not.
hand_set=' src/coalition/charter_test.c src/event/event.c src/index/index_test.c src/plant/goose_test.c
  src/sensor/finding_test.c src/sensor/gate_test.c tests/sensor_forms.c tests/sensor_hostile_test.c '
# one by one: clang-format 14 may crash on several
unformatted=$(for f in $files; do
	case $hand_set in *[[:space:]]"$f"[[:space:]]*) continue ;; esac
	clang-format-14 --dry-run "$f" 2>&1 || true
done | sed -n 's/^\([^:]*\):.*clang-format-violations.*/\1/p' | sort -u)
[ -z "$unformatted" ] || { say "not as .clang-format says:"; say "$unformatted"; status=1; }
configure build-lint clang -Doptimization=0
ninja -C build-lint >build-lint/ninja.log
# one by one: what crashes must not hide the others. err.c defines what analyzer.h speaks of.
git ls-files 'src/*.c' | xargs -P "$(nproc)" -n 1 sh -c '
	[ "$1" = src/base/err.c ] || set -- "$1" --extra-arg-before=-include \
		--extra-arg-before="$PWD/scripts/analyzer.h"
	out=$(clang-tidy-14 --quiet -p build-lint "$@" 2>/dev/null) && exit 0
	case $out in
	*": error: "*) printf "%s\n" "$out" ;;
	*) printf "%s:1:1: error: clang-tidy failed [crash]\n\n" "$1" ;;
	esac' sh >build-lint/tidy.log
awk -v known=scripts/lint_known.txt -f scripts/lint_new.awk build-lint/tidy.log || status=1
exit $status
