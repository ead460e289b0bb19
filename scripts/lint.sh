# SPDX-License-Identifier: MPL-2.0
# ./run lint. Sourced.
status=0
leaks=$(grep -rnE '#include "[a-z]+/' src | grep -vE '"([a-z]+)/\1\.h"' || true)
[ -z "$leaks" ] || { say "includes that go past a folder's door:"; say "$leaks"; status=1; }
files=$(git ls-files 'src/*.c' 'src/*.h' 'src/*.cpp' 'bench/*.c' 'fuzz/*.c' 'tests/*.c')
# one by one: clang-format 14 may crash on several
unformatted=$(for f in $files; do clang-format-14 --dry-run "$f" 2>&1; done |
	sed -n 's/^\([^:]*\):.*clang-format-violations.*/\1/p' | sort -u)
[ -z "$unformatted" ] || { say "not as .clang-format says:"; say "$unformatted"; status=1; }
configure build-lint clang -Doptimization=0
ninja -C build-lint >build-lint/ninja.log
# one by one: what crashes must not hide the others. err.c defines what analyzer.h speaks of.
for f in $(git ls-files 'src/*.c'); do
	set -- --extra-arg-before=-include --extra-arg-before="$(pwd)/scripts/analyzer.h"
	[ "$f" != src/base/err.c ] || set --
	clang-tidy-14 --quiet "$@" -p build-lint "$f" 2>/dev/null || status=1
done
exit $status
