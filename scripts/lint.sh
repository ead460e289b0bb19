# SPDX-License-Identifier: MPL-2.0
# ./run lint. Sourced.
status=0
leaks=$(grep -rnE '#include "[a-z]+/' src | grep -vE '"([a-z]+)/\1\.h"' || true)
[ -z "$leaks" ] || { say "includes that go past a folder's door:"; say "$leaks"; status=1; }
files=$(git ls-files 'src/*.c' 'src/*.h' 'src/*.cpp' 'bench/*.c' 'fuzz/*.c' 'tests/*.c')
unformatted=$(clang-format-14 --dry-run $files 2>&1 | sed -n 's/^\([^:]*\):.*clang-format-violations.*/\1/p' | sort -u)
[ -z "$unformatted" ] || { say "not as .clang-format says:"; say "$unformatted"; status=1; }
configure build-lint clang -Doptimization=0
ninja -C build-lint >build-lint/ninja.log
clang-tidy-14 --quiet -p build-lint $(git ls-files 'src/*.c') 2>/dev/null || status=1
exit $status
