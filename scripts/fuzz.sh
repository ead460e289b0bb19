# SPDX-License-Identifier: MPL-2.0
# ./run fuzz [--planted] [SECONDS] [NAME...]. Sourced.
script=scripts/fuzz_each.sh
if [ "${1:-}" = --planted ]; then
	script=scripts/fuzz_planted.sh
	shift
fi
seconds=${1:-60}
[ $# -eq 0 ] || shift
exec sh "$script" "$seconds" "$@"
