#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# ./run reproduce: the commit that is checked out, built twice by ./run build in two folders with
# paths of different length, in another time zone, in another language and with other
# rights for new files. The program must have the same bytes, debugging information included.
set -eu
commit=$(git rev-parse --short HEAD)
scene=$(mktemp -d)
trap 'rm -rf "$scene"' EXIT INT TERM

for folder in "$scene/a" "$scene/another/and-much-longer/folder"; do
	mkdir -p "$folder"
	git archive "$commit" | tar -x -C "$folder"
done
(umask 022 && cd "$scene/a" && TZ=Asia/Bishkek LC_ALL=C.UTF-8 ./run build) >&2
(umask 077 && cd "$scene/another/and-much-longer/folder" && TZ=America/Lima LC_ALL=C ./run build) >&2

one=$(sha256sum <"$scene/a/build/serai")
two=$(sha256sum <"$scene/another/and-much-longer/folder/build/serai")
echo "${one%% *}  a/build/serai"
echo "${two%% *}  another/and-much-longer/folder/build/serai"
if [ "$one" != "$two" ]; then
	cmp "$scene/a/build/serai" "$scene/another/and-much-longer/folder/build/serai" || true
	echo "reproduce: the bytes differ" >&2
	exit 1
fi
echo "reproduce: the same $(wc -c <"$scene/a/build/serai") bytes twice, of commit $commit"
