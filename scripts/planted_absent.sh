#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A planted bug (fuzz/planted.h) is in no program but fuzz targets: planted_absent.sh PROGRAM SOURCE CC
set -eu
program=$1
source=$2
cc=$3
scene=$(mktemp -d)
trap 'rm -rf "$scene"' EXIT INT TERM

fail() {
	echo "planted_absent: $*" >&2
	exit 1
}

# What is looked for is what the header leaves in a program.
printf '#include "planted.h"\nint main(int argc, char **argv)\n{\n\t(void)argv;\n\tPLANTED(argc > 1);\n\treturn 0;\n}\n' >"$scene/bug.c"
"$cc" -I"$source/fuzz" -DSERAI_PLANTED -o "$scene/with" "$scene/bug.c"
"$cc" -I"$source/fuzz" -o "$scene/without" "$scene/bug.c"
grep -q planted_overrun "$scene/with" || fail "the mark of a planted bug is not to be seen"
! grep -q planted_overrun "$scene/without" || fail "a bug is there that the option did not ask for"
! grep -q planted_overrun "$program" || fail "$program has a planted bug"

others=$(grep -rlE 'planted\.h|PLANTED\(|SERAI_PLANTED' "$source/src" "$source/tests" "$source/bench" | grep -v '_fuzz\.c$' || true)
[ -z "$others" ] || fail "planted bugs outside of fuzz targets: $others"

if meson setup "$scene/build" "$source" -Dplanted=true >"$scene/log" 2>&1; then
	fail "a build that is none of fuzz targets takes -Dplanted=true"
fi
grep -q 'only a build of fuzz targets' "$scene/log" || fail "refused for another reason: $(tail -n 3 "$scene/log")"
echo "planted_absent: good"
