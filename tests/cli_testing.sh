# SPDX-License-Identifier: MPL-2.0
# What the tests of the command line share, read by them with PROGRAM and SOURCE as arguments: a
# folder that goes away, and counted expectations.
set -u
serai=$1
source=$2
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
passed=0
failed=0
unset SERAI_NODE

# expect STATUS WHY COMMAND...: run it; its output is in $here/out and $here/err
expect() {
	want=$1
	why=$2
	shift 2
	"$@" >"$here/out" 2>"$here/err"
	got=$?
	if [ "$got" -eq "$want" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $why: exit status $got, expected $want"
		sed 's/^/  /' "$here/out" "$here/err" | head -n 10
	fi
}
# says FILE WHAT WHY: the file holds this text
says() {
	if grep -qF -- "$2" "$here/$1"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $3: \"$2\" is not in:"
		sed 's/^/  /' "$here/$1" | head -n 10
	fi
}
# says_not FILE WHAT WHY: the file does not hold this text
says_not() {
	if grep -qF -- "$2" "$here/$1"; then
		failed=$((failed + 1))
		echo "FAILED: $3: \"$2\" is in:"
		sed 's/^/  /' "$here/$1" | head -n 10
	else
		passed=$((passed + 1))
	fi
}
