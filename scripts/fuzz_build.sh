#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Builds every fuzz target with libFuzzer and both sanitizers in FOLDER and prints their paths in it.
#   fuzz_build.sh FOLDER [MESON OPTION...]
set -eu
folder=$1
shift
if [ ! -f "$folder/build.ninja" ]; then
	rm -rf "$folder"
	CC=clang-14 CXX=clang++-14 meson setup "$folder" -Dfuzz=true -Db_sanitize=address,undefined \
		-Db_lundef=false -Doptimization=1 "$@" >"$folder.log" 2>&1 || {
		cat "$folder.log" >&2
		rm -f "$folder.log"
		exit 1
	}
	rm -f "$folder.log"
fi
# made anew first when a meson.build changed: else a new target is not among them
ninja -C "$folder" build.ninja >"$folder/ninja.log" 2>&1 || {
	tail -n 20 "$folder/ninja.log" >&2
	exit 1
}
targets=$(ninja -C "$folder" -t targets all | sed -n 's/^\([^:]*_fuzz\): c_LINKER.*/\1/p; s/^\([^:]*_fuzz\): cpp_LINKER.*/\1/p' | sort -u)
[ -n "$targets" ] || {
	echo "no fuzz targets" >&2
	exit 1
}
ninja -C "$folder" $targets >"$folder/ninja.log" 2>&1 || {
	grep -E 'error|FAILED' "$folder/ninja.log" | head -n 20 >&2
	exit 1
}
echo "$targets"
