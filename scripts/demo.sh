#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The main job, shown: a whole coalition rehearsed; then intelligence in, served over TAXII and TLS,
# pulled into a second store, compared byte for byte, searched. Everything is in temporary folders
# that go at the end.
set -eu

once=no
[ -t 1 ] || once=yes
files=
for argument in "$@"; do
	case $argument in
	--once) once=yes ;;
	-*)
		echo "usage: ./run demo [--once] [FILE...]" >&2
		exit 2
		;;
	*) files="$files $argument" ;;
	esac
done

serai=$PWD/build/serai
here=$(mktemp -d)
server=
cleanup() {
	[ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || true
	rm -rf "$here"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

title() { printf '\n== %s\n' "$*"; }
# seconds with two digits since a moment of `date +%s%N`
since() { awk -v a="$1" -v b="$(date +%s%N)" 'BEGIN {printf "%.2f", (b - a) / 1e9}'; }

# What to take in, if no files were named: the real data beside the checkout, else a package of
# names from npm, and always our own samples when there is nothing else.
data=${SERAI_DATA:-../shared/data}
if [ -z "$files" ] && [ -d "$data/stix" ]; then
	files="$(ls $data/stix/*attack*.json.gz) $(ls $data/misp/eset-*.json.gz)"
	say_where="real intelligence: MITRE ATT&CK for enterprise and ICS, and published incidents as MISP events"
elif [ -z "$files" ]; then
	files="$(ls tests/samples/*.json tests/samples/*.intel tests/samples/*.txt 2>/dev/null)"
	say_where="the project's own samples"
	if command -v npm >/dev/null && (cd "$here" && npm pack --silent disposable-email-domains@1.0.62 >/dev/null 2>&1); then
		tar -xzf "$here"/disposable-email-domains-*.tgz -C "$here"
		tr -d '[]" \n' <"$here/package/index.json" | tr ',' '\n' >"$here/disposable-mail-domains.txt"
		files="$files $here/disposable-mail-domains.txt"
		say_where="the project's own samples and 121,570 disposable mail domains (npm, MIT)"
	fi
else
	say_where="the files you named"
fi

title "A coalition of four, rehearsed: every line was checked by asking the nodes (serai rehearse)"
SERAI_DATA=$data "$serai" rehearse

title "Two nodes that know nothing of coalitions: TAXII alone"
"$serai" init --json --title "Member A" --listen 127.0.0.1:0 --host 127.0.0.1 "$here/a" >"$here/a.json"
"$serai" init --json --title "Member B" --host 127.0.0.1 "$here/b" >"$here/b.json"
password=$(sed -n 's/.*"password":"\([^"]*\)".*/\1/p' "$here/a.json")
(umask 077 && printf '%s\n' "$password" >"$here/password")
echo "A: $here/a    B: $here/b"

title "A takes in $say_where"
start=$(date +%s%N)
status=0
"$serai" import --tolerant --node "$here/a" $files >"$here/import.txt" || status=$?
[ "$status" -le 1 ] || {
	tail -n 20 "$here/import.txt"
	exit 1
}
for told in tolerated refused conflict; do
	n=$(grep -c "^$told: " "$here/import.txt" || true)
	[ "$n" -eq 0 ] || echo "$n $told and told one by one, such as:
  $(grep -m 1 "^$told: " "$here/import.txt" | cut -c1-170)"
done
grep -vE '^(tolerated|refused|conflict|lost): ' "$here/import.txt" >"$here/summary.txt" || true
if [ "$(wc -l <"$here/summary.txt")" -gt 12 ]; then
	head -n 4 "$here/summary.txt"
	echo "... $(($(wc -l <"$here/summary.txt") - 6)) files more ..."
	tail -n 2 "$here/summary.txt"
else
	cat "$here/summary.txt"
fi
echo "all of it in $(since "$start") s"
"$serai" stats --node "$here/a" | head -n 6

title "A serves it over TAXII 2.1 and TLS"
"$serai" serve --node "$here/a" >"$here/serve.out" 2>"$here/serve.log" &
server=$!
tries=0
until grep -q '^serving on port' "$here/serve.out" 2>/dev/null; do
	kill -0 "$server" 2>/dev/null || {
		cat "$here/serve.log"
		exit 1
	}
	tries=$((tries + 1))
	[ "$tries" -lt 200 ] || exit 1
	sleep 0.05
done
port=$(sed -n 's/^serving on port //p' "$here/serve.out")
url=https://127.0.0.1:$port
"$serai" remote "$url" --user admin --password-file "$here/password" --ca "$here/a/tls.crt"

title "B pulls everything"
start=$(date +%s%N)
status=0
"$serai" pull "$url" --tolerant --node "$here/b" --to main --from member-a --user admin \
	--password-file "$here/password" --ca "$here/a/tls.crt" >"$here/pull.txt" 2>"$here/pull.err" || status=$?
[ "$status" -le 1 ] || {
	tail -n 20 "$here/pull.err"
	exit 1
}
cat "$here/pull.txt"
echo "(with TLS, checking and syncing, in $(since "$start") s)"
echo "and once more, to show that nothing comes twice:"
"$serai" pull "$url" --node "$here/b" --to main --from member-a --user admin \
	--password-file "$here/password" --ca "$here/a/tls.crt"

title "Byte for byte the same?"
# what A may hand to a member, and all that B has; but for the bundles' own ids in the first line
"$serai" export --node "$here/a" --versions --for member --output "$here/a.bundle"
"$serai" export --quiet --node "$here/b" --versions --for self --output "$here/b.bundle"
tail -n +2 "$here/a.bundle" >"$here/a.objects"
tail -n +2 "$here/b.bundle" >"$here/b.objects"
if cmp "$here/a.objects" "$here/b.objects"; then
	echo "yes: $(wc -c <"$here/b.objects") bytes, sha256 $(sha256sum <"$here/b.objects" | cut -c1-16)…"
else
	echo "NO"
	exit 1
fi
"$serai" verify --node "$here/b"

title "A search, and what an object is related to"
word=$("$serai" search --node "$here/b" --ids --limit 1 type:malware 2>/dev/null || true)
query='sandworm'
[ -n "$("$serai" search --node "$here/b" --ids --limit 1 $query 2>/dev/null || true)" ] || query='type:indicator'
echo "\$ serai search $query --limit 5"
"$serai" search --node "$here/b" --limit 5 $query | cut -c1-150 || true
id=$("$serai" search --node "$here/b" --ids --limit 1 "type:intrusion-set,malware,report,grouping,indicator $query" 2>/dev/null || true)
[ -n "$id" ] || id=$word
if [ -n "$id" ]; then
	echo
	echo "\$ serai show $id --limit 5"
	"$serai" show --node "$here/b" --limit 5 "$id" | sed -n '/^versions/,$p' | cut -c1-150
fi

title "A sensor at a power plant: the same intelligence against its logs and packets"
samples=$PWD/tests/samples/sensor
"$serai" index --sign "$here/index.key" --from "$here/a" -o "$here/site.sidx" "$samples/indicators.json" \
	"$samples/feed.txt" 2>"$here/index.err" || true
[ ! -s "$here/index.err" ] || tail -n 3 "$here/index.err" | cut -c1-170
echo "(signed; the sensor takes no other: --trust index.key.pub)"
real=
if [ -d "$data/sensor/zeek" ]; then
	real="$(ls $data/sensor/zeek/*.log.gz) $(ls $data/sensor/ot/*EIP-RemoteMode*.pcap | head -n 1)"
	echo "Logs: the samples of a made-up site, and $(echo $real | wc -w) real ones (Zeek's, and a capture of a controller)."
fi
"$serai" watch --index "$here/site.sidx" --trust "$here/index.key.pub" --once --plant --form ecs --state "$here/state" \
	--history --output "$here/findings.ndjson" "$samples/dns.log" "$samples/eve.json" "$samples/plant.pcap" $real || true
"$serai" watch --index "$here/site.sidx" --once --plant --form text --quiet "$samples/dns.log" "$samples/eve.json" \
	"$samples/plant.pcap" $real | cut -c1-160 || true
echo
echo "Held back, and why (serai watch --all shows them):"
"$serai" watch --index "$here/site.sidx" --once --all --form text --quiet "$samples/dns.log" "$samples/eve.json" |
	sed -n 's/^    held back: //p' | sort | uniq -c | sort -rn | head -n 8

title "Was it ever seen? Asked of the filters, proved in the log"
"$serai" hunt --history "$here/state/history" --form text drop.lantern.example 203.0.113.66 | cut -c1-160 || true

title "What goes back to the coalition: sightings, counts and times only"
"$serai" sightings --identity identity--3a5d2f7e-8f0c-4d1b-9a52-0f6c7e1d2b3a --name "Harbour power plant (sample)" \
	-o "$here/sightings.json" "$here/findings.ndjson"
"$serai" check --quiet "$here/sightings.json" >/dev/null && echo "a valid bundle of $(wc -c <"$here/sightings.json") bytes"
"$serai" import --node "$here/b" "$here/sightings.json" | tail -n 1

title "Still serving"
id=$("$serai" collection list --node "$here/a" | head -n 1 | awk -F '\t' '{print $6}')
line="curl --cacert $here/a/tls.crt -u admin:\$(cat $here/password) -H 'Accept: application/taxii+json;version=2.1' '$url/api/collections/$id/objects/?limit=2'"
echo "$line"
curl -sS --cacert "$here/a/tls.crt" -u "admin:$password" -H 'Accept: application/taxii+json;version=2.1' \
	"$url/api/collections/$id/objects/?limit=2" | cut -c1-200
echo
if [ "$once" = yes ]; then
	echo "(--once: the node ends now)"
else
	echo "The node runs until Ctrl-C."
	wait "$server"
fi
