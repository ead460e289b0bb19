#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The quality gate on real traffic: what of a feed's wrong hits it holds back, and whether what was
# planted survives. docs/quality.md says what is measured and what it does not show.
# Status 0: at least 95 % held where the gate had to do with other producers' lists, none planted
# lost. 1: not so. 2: the data cannot be had.
set -eu

serai=${SERAI:-$PWD/build/serai}
data=${SERAI_DATA:-../shared/data}
warn=$data/guard/misp-warninglists
cache=${SERAI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/serai}
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- traffic: every capture of Debian's source package ndpi, and the real logs and captures here

captures() {
	find "$1" -path '*tests/pcap*' -name '*.pcap*' 2>/dev/null | head -n 1 | grep -q .
}

# Kept in the user's cache, never in the tree. Sources are asked for in a list of our own, so that
# the machine's stay as they are.
fetch_ndpi() {
	captures "$cache/ndpi" && return 0
	mkdir -p "$cache/ndpi" "$here/lists/partial"
	sed 's/^Types:.*/Types: deb-src/' /etc/apt/sources.list.d/debian.sources >"$here/src.sources" 2>/dev/null ||
		sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$here/src.list"
	list=$(ls "$here"/src.sources "$here"/src.list 2>/dev/null | head -n 1)
	set -- -o "Dir::Etc::sourcelist=$list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$here/lists" -qq
	# Of the package only its upstream part is wanted: some mirrors have no more.
	apt-get "$@" update >/dev/null 2>&1 &&
		(cd "$cache/ndpi" && { apt-get "$@" source --download-only ndpi >/dev/null 2>&1 || true; } &&
			tar -xf ndpi_*.orig.tar.* && rm -f ndpi_*) && captures "$cache/ndpi"
}

npm_list() { # PACKAGE@VERSION FILE: its file of values, one a line
	mkdir -p "$cache/npm"
	[ -s "$cache/npm/$1.txt" ] && return 0
	(cd "$here" && npm pack --silent "$1" >"$here/packed" 2>/dev/null && tar -xzf "$(tail -n 1 "$here/packed")" &&
		tr ',{}[]' '\n\n\n\n\n' <"package/$2" | sed -n 's/^[[:space:]]*"\(rootDomain" *: *"\)\{0,1\}\([a-z0-9.-]*\.[a-z0-9-]*\)"[[:space:]]*$/\2/p' |
		sort -u >"$cache/npm/$1.txt" && rm -rf package)
	[ -s "$cache/npm/$1.txt" ]
}

[ -d "$warn" ] || {
	echo "no warninglists in $warn" >&2
	exit 2
}
ndpi=${SERAI_NDPI:-}
if [ -z "$ndpi" ]; then
	fetch_ndpi || {
		echo "could not fetch Debian's source package ndpi (apt needs a deb-src line it can reach)" >&2
		exit 2
	}
	ndpi=$(find "$cache/ndpi" -type d -path '*tests/pcap' | head -n 1)
fi
traffic="$ndpi"
for folder in "$data/sensor/ot" "$data/sensor/zeek"; do
	[ ! -d "$folder" ] || traffic="$traffic $folder"
done
npm=yes
{ npm_list top-sites@1.1.222 top-sites.json && npm_list disposable-email-domains@1.0.62 index.json; } || npm=no

# ---- planted: true hits, most of them where noise is near: customers of clouds and publishers,
# pages below names that everybody visits, one mailbox of a large provider. No confidence is given.

plant() { # VALUE EVE-members
	printf '%s\n' "$1" >>"$here/planted"
	printf '{"timestamp":"2024-05-06T07:08:%02d.000000+0000","src_ip":"192.0.2.%d","src_port":40000,"dest_ip":"%s","dest_port":443,"proto":"TCP",%s}\n' \
		"$planted" "$((10 + planted))" "${3:-198.51.100.7}" "$2" >>"$here/planted.json"
	planted=$((planted + 1))
}
planted=0
for name in k7xq2.duckdns.org bucket-7f31.s3.amazonaws.com login-verify-4.github.io x91qz.blogspot.com \
	portal-77ab.azurewebsites.net shop-31x.myshopify.com ab12.ngrok.io update-check.secure-cdn.example; do
	plant "$name" "\"event_type\":\"dns\",\"dns\":{\"type\":\"query\",\"rrname\":\"$name\",\"rrtype\":\"A\"}"
done
plant deep.evil-parent.example '"event_type":"dns","dns":{"type":"query","rrname":"a.b.deep.evil-parent.example","rrtype":"A"}'
plant 203.0.113.66 '"event_type":"flow"' 203.0.113.66
plant 52.95.110.77 '"event_type":"flow"' 52.95.110.77
plant 20.42.73.29 '"event_type":"flow"' 20.42.73.29
plant 2a02:2f0e::bad:1 '"event_type":"flow"' 2a02:2f0e::bad:1
plant 185.220.101.0/24 '"event_type":"flow"' 185.220.101.34
plant https://raw.githubusercontent.com/q8z/w/main/a.ps1 '"event_type":"http","http":{"hostname":"raw.githubusercontent.com","url":"/q8z/w/main/a.ps1"}'
plant http://bit.ly/3qZz7Ev '"event_type":"http","http":{"hostname":"bit.ly","url":"/3qZz7Ev"}'
plant http://drive.google.com/uc?id=1x9Evil '"event_type":"http","http":{"hostname":"drive.google.com","url":"/uc?id=1x9Evil"}'
plant 5a8f1e0c2b7d49638f0e1d2c3b4a59687f6e5d4c3b2a190817263544536271aa '"event_type":"fileinfo","fileinfo":{"filename":"/a","sha256":"5a8f1e0c2b7d49638f0e1d2c3b4a59687f6e5d4c3b2a190817263544536271aa"}'
plant 0c1d2e3f405162738495a6b7c8d9eafb '"event_type":"fileinfo","fileinfo":{"filename":"/b","md5":"0c1d2e3f405162738495a6b7c8d9eafb"}'
plant invoice.7731@gmail.com '"event_type":"smtp","email":{"from":"invoice.7731@gmail.com"}'
printf '#fields\tindicator\tindicator_type\tmeta.source\n6734f37431670b3ab4292b8f60f29984\tIntel::JA3\tplanted\n' >"$here/ja3.intel"
printf '{"timestamp":"2024-05-06T07:09:00.000000+0000","src_ip":"192.0.2.99","dest_ip":"198.51.100.7","dest_port":443,"proto":"TCP","event_type":"tls","tls":{"ja3":{"hash":"6734f37431670b3ab4292b8f60f29984"}}}\n' >>"$here/planted.json"
planted=$((planted + 1))

# ---- lists

# What MISP's warninglists hold, one a line.
values() {
	for list in $1; do
		gzip -dc "$warn/$list/list.json.gz" | awk '/^ *"list": *\[/ {on = 1; next} on && /^ *\]/ {on = 0}
			on {gsub(/^ *"|",? *$/, ""); print}'
	done | sort -u
}
noise_of() { for list in $1; do printf '%s/%s/list.json.gz,' "$warn" "$list"; done | sed 's/,$//'; }

popular='tranco10k cisco_top20k cloudflare-top10k majestic_million alexa moz-top500'
vendors='microsoft microsoft-office365 microsoft-win10-connection-endpoints google captive-portals crl-hostname crl-ip'
ranges='amazon-aws microsoft-azure google-gcp microsoft-office365-ip akamai cloudflare fastly apple wikimedia googlebot'
others='public-dns-v4 public-dns-v6 public-dns-hostname common-ioc-false-positive ti-falsepositives university_domains bank-website whats-my-ip second-level-tlds empty-hashes'
special='rfc1918 rfc5735 rfc6598 rfc6761 multicast ipv6-linklocal'
every="$popular $vendors $ranges $others $special"

without() { # ALL LEFT-OUT
	for list in $1; do
		case " $2 " in *" $list "*) ;; *) printf '%s ' "$list" ;; esac
	done
}

# ---- one run: NAME FEED-FILE NOISE-LISTS; a line for each different match: kind, held, class, key

run() {
	"$serai" index --quiet -o "$here/x.sidx" "$2" "$here/planted" "$here/ja3.intel" >/dev/null 2>&1 || [ $? -eq 1 ]
	set -- "$1" "$2" "$(noise_of "$3")"
	rm -f "$here/found"
	# shellcheck disable=SC2086
	"$serai" watch --index "$here/x.sidx" ${3:+--noise "$3"} --once --all --form ecs --quiet --output "$here/found" \
		$traffic "$here/planted.json" >/dev/null 2>&1 || [ $? -eq 1 ]
	awk -v planted="$here/planted" -v base="planted.json" '
		function member(name,   at, rest) {
			at = index($0, "\"" name "\":")
			if (at == 0) return ""
			rest = substr($0, at + length(name) + 3)
			if (substr(rest, 1, 1) == "\"") { rest = substr(rest, 2); return substr(rest, 1, index(rest, "\"") - 1) }
			match(rest, /^[a-z0-9]+/)
			return substr(rest, 1, RLENGTH)
		}
		member("type") == "indicator" {
			class = index($0, "\"gate\":{") ? member("class") : "-"
			print (index(member("file"), base) ? "planted" : "real"), member("indicator_type"), member("held"), class,
				member("file") "|" member("frame") member("line") "|" member("field") "|" member("value") "|" member("indicator")
		}' "$here/found" | sort -u >"$here/matches.$1"
}

# ROWS: hits held percent, by kind; special-purpose values apart
table() { # NAME WHAT
	awk -v what="$2" '
		$1 == "real" { kind = $4 == "special" ? "special-purpose" : $2; all[kind]++; held[kind] += $3 == "true"
			if ($4 != "special") { a++; h += $3 == "true" } }
		END { for (k in all) printf "  %-44s %-16s %8d %8d %6.1f %%\n", what, k, all[k], held[k], 100 * held[k] / all[k]
			if (a) printf "  %-44s %-16s %8d %8d %6.1f %%\n", what, "ALL but special", a, h, 100 * h / a }' "$here/matches.$1" | sort
}

# A planted hit counts when at least one match of it was let through.
lost() { # NAME
	awk '$1 == "planted" && $3 == "false" {n = split($0, part, "|"); seen[part[n]] = 1} END {for (i in seen) print i}' \
		"$here/matches.$1" | sort >"$here/survived"
	{ cat "$here/planted" && echo 6734f37431670b3ab4292b8f60f29984; } | sed 's,^https*://,,' | sort >"$here/wanted"
	sed 's,^https*://,,' "$here/survived" | sort | comm -13 - "$here/wanted"
}

echo "traffic: $(find $traffic -type f | wc -l) files of $traffic, and $planted planted hits"
printf '  %-44s %-16s %8s %8s %8s\n' "gate, and feed" kind before held ''
bad=0
check_planted() {
	lost "$1" >"$here/lost"
	[ ! -s "$here/lost" ] || {
		echo "  PLANTED AND LOST ($1): $(tr '\n' ' ' <"$here/lost")"
		bad=1
	}
}

values "$every" >"$here/feed"
run builtin "$here/feed" ""
table builtin "built-in lists; all of MISP's"
check_planted builtin
run circular "$here/feed" "$every"
table circular "the same lists (circular: 100 % expected)"
check_planted circular

# Leave one producer out: its values are the feed, the gate has the others' lists.
: >"$here/matches.left"
leave() { # NAME FEED-LISTS LEFT-OUT
	values "$2" >"$here/feed"
	run "$1" "$here/feed" "$(without "$every" "$3")"
	table "$1" "others' lists; $1" | grep 'ALL but' || true
	check_planted "$1"
	cat "$here/matches.$1" >>"$here/matches.left"
}
leave tranco tranco10k tranco10k
leave umbrella cisco_top20k cisco_top20k
leave cloudflare-radar cloudflare-top10k cloudflare-top10k
leave majestic majestic_million majestic_million
leave alexa alexa alexa
leave moz moz-top500 moz-top500
leave microsoft 'microsoft microsoft-office365 microsoft-win10-connection-endpoints' \
	'microsoft microsoft-office365 microsoft-win10-connection-endpoints'
leave google 'google captive-portals' 'google captive-portals'
leave certificates 'crl-hostname crl-ip' 'crl-hostname crl-ip'
leave resolvers 'public-dns-v4 public-dns-v6 public-dns-hostname' 'public-dns-v4 public-dns-v6 public-dns-hostname'
leave documented 'common-ioc-false-positive ti-falsepositives' 'common-ioc-false-positive ti-falsepositives'
if [ "$npm" = yes ]; then
	# Its names are Moz's: that list is left out too.
	run top-sites "$cache/npm/top-sites@1.1.222.txt" "$(without "$every" moz-top500)"
	table top-sites "others' lists; npm top-sites" | grep 'ALL but' || true
	check_planted top-sites
	cat "$here/matches.top-sites" >>"$here/matches.left"
	# Not noise: what is found of it should be told. Only counted.
	run disposable "$cache/npm/disposable-email-domains@1.0.62.txt" "$every"
	table disposable "all lists; npm disposable mail (not noise)" | grep 'ALL but' || true
	check_planted disposable
else
	echo "  (npm's lists cannot be had: left out)"
fi
table left "LEFT OUT, TOGETHER"
percent=$(awk '$1 == "real" && $4 != "special" {a++; h += $3 == "true"} END {printf "%.2f", a ? 100 * h / a : 0}' "$here/matches.left")
echo "held back of what no list of its own producer told the gate: $percent % (wanted: 95)"
awk -v p="$percent" 'BEGIN {exit !(p >= 95)}' || bad=1
[ "$bad" -eq 0 ] && echo "planted: all $planted survived in every run"
exit "$bad"
