# SPDX-License-Identifier: MPL-2.0
# ./run fuzz [SECONDS] [NAME...]. Sourced.
seconds=${1:-60}
[ $# -eq 0 ] || shift
exec sh scripts/fuzz_each.sh "$seconds" "$@"
