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
clang-tidy-14 --quiet -p build-lint $(git ls-files 'src/*.c') 2>/dev/null || status=1
exit $status
