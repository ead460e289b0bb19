# SPDX-License-Identifier: MPL-2.0
# ./run bench sensor: the sensor beside wc, grep, ripgrep, mawk and tcpdump; CPU seconds (user and
# system), rounds in turn, medians [least-most] and the ratio to the yardstick of the same round. Sourced.
#
# SERAI_BENCH_LINES (5000000 of dns and of conn), SERAI_BENCH_ROUNDS (5), SERAI_BENCH_FOLDER,
# SERAI_BENCH_CAPTURE (a pcap file; else the captures beside the checkout, repeated),
# SERAI_BENCH_PEERS (yes: grep, ripgrep, mawk and Vectorscan, as Debian's libhyperscan, on a tenth of the lines).

configure build gcc -Dbuildtype=debugoptimized -Doptimization=2
ninja -C build >build/ninja.log || {
	tail -n 20 build/ninja.log >&2
	exit 1
}
serai=$PWD/build/serai
generate=$PWD/build/bench/sensor_generate
lines=${SERAI_BENCH_LINES:-5000000}
rounds=${SERAI_BENCH_ROUNDS:-5}
data=${SERAI_DATA:-../shared/data}
mine=
work=${SERAI_BENCH_FOLDER:-}
if [ -z "$work" ]; then
	work=$(mktemp -d)
	mine=yes
fi
mkdir -p "$work"
trap '[ -z "$mine" ] || rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# cpu NAME COMMAND...: user and system seconds of a command, appended to NAME's figures. Its output goes to a
# file: grep stops at its first match when it is /dev/null.
cpu() {
	name=$1
	shift
	/usr/bin/time -q -o "$work/time" -f '%U %S %M %e' "$@" >"$work/stdout" 2>"$work/stderr" || {
		status=$?
		[ "$status" -le 1 ] || { cat "$work/stderr" >&2; exit 1; }
	}
	awk '{print $1 + $2}' "$work/time" >>"$work/cpu.$name"
	awk '{print $3}' "$work/time" >>"$work/memory.$name"
	awk '{print $4}' "$work/time" >>"$work/wall.$name"
}
median() { sort -g "$1" | awk '{v[NR] = $1} END {print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }
spread() { sort -g "$1" | awk '{v[NR] = $1} END {printf "%.3g-%.3g", v[1], v[NR]}'; }
row() { # TITLE NAME YARDSTICK
	paste "$work/cpu.$2" "$work/cpu.$3" | awk '{print ($2 > 0 ? $1 / $2 : 0)}' >"$work/ratios"
	printf '| %s | %.2f s [%s] | %.2f | %.0f MB |\n' "$1" "$(median "$work/cpu.$2")" "$(spread "$work/cpu.$2")" \
		"$(median "$work/ratios")" "$(awk -v k="$(median "$work/memory.$2")" 'BEGIN {print k / 1024}')"
}
head_of() { printf '\n## %s\n\n| | CPU, median | of the yardstick | memory |\n| --- | --- | --- | --- |\n' "$1"; }
made() { [ -f "$work/$1" ] || "$generate" "$2" "$3" "$work/$1" >/dev/null; }

printf '# The sensor, %s\n\n%s; %s processors; %s; %s rounds in turn, CPU seconds, medians [least-most].\n' \
	"$(date -u +%F)" "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -sr)" \
	"$rounds"

made dns.log dns "$lines"
made conn.log conn "$lines"
made dns.json dns-json "$((lines / 2))"
made flood.log dns-flood "$lines"
for n in 1000 1000000 10000000; do
	made "ind$n.txt" indicators "$n"
done

head_of "Index"
rm -f "$work"/cpu.* "$work"/memory.* "$work"/wall.*
for _ in $(seq "$rounds"); do
	cpu wc wc -l "$work/ind10000000.txt"
	cpu compile "$serai" index --quiet -o "$work/i10000000.sidx" "$work/ind10000000.txt"
	: >"$work/empty.log"
	cpu open "$serai" watch --once --quiet -i "$work/i10000000.sidx" "$work/empty.log"
done
row "wc -l of the list of 10,000,000" wc wc
row "serai index, 10,000,000 values" compile wc
row "serai watch of an empty log: opening the index" open wc
printf '\n%s bytes a value; opening takes %.0f ms of wall time with the process.\n' \
	"$(wc -c <"$work/i10000000.sidx" | awk '{printf "%.1f", $1 / 10000000}')" \
	"$(median "$work/wall.open" | awk '{print $1 * 1000}')"
for n in 1000 1000000; do
	"$serai" index --quiet -o "$work/i$n.sidx" "$work/ind$n.txt" || true
done

head_of "Zeek logs, $lines lines of dns and $lines of conn"
rm -f "$work"/cpu.* "$work"/memory.* "$work"/wall.*
cat "$work/dns.log" "$work/conn.log" "$work/flood.log" >/dev/null
for _ in $(seq "$rounds"); do
	cpu wc wc -l "$work/dns.log" "$work/conn.log"
	for n in 1000 1000000 10000000; do
		cpu "tsv$n" "$serai" watch --once --quiet -i "$work/i$n.sidx" --output /dev/null "$work/dns.log" "$work/conn.log"
	done
done
row "wc -l" wc wc
for n in 1000 1000000 10000000; do row "serai watch, $n indicators" "tsv$n" wc; done
printf '\nFrom 1,000 to 10,000,000 indicators: %.2f times.\n' \
	"$(paste "$work/cpu.tsv10000000" "$work/cpu.tsv1000" | awk '{print $1 / $2}' >"$work/ratios"; median "$work/ratios")"

head_of "Every name new, and names that collide under DJB2; 1,000,000 indicators"
"$generate" dns-collide "$lines" "$work/collide.log" >/dev/null
"$generate" collide-djb2 125000 "$work/collide.txt" >/dev/null
"$serai" index --quiet -o "$work/collide.sidx" "$work/collide.txt" "$work/ind1000000.txt" || true
rm -f "$work"/cpu.*
cat "$work/dns.log" "$work/flood.log" "$work/collide.log" >/dev/null
for _ in $(seq "$rounds"); do
	cpu dns "$serai" watch --once --quiet -i "$work/i1000000.sidx" --output /dev/null "$work/dns.log"
	cpu flood "$serai" watch --once --quiet -i "$work/i1000000.sidx" --output /dev/null "$work/flood.log"
	cpu collide "$serai" watch --once --quiet -i "$work/collide.sidx" --output /dev/null "$work/dns.log"
done
row "dns.log as above" dns dns
row "as many lines, every name new" flood dns
row "dns.log with 125,000 colliding names more in the index" collide dns

head_of "JSON, $((lines / 2)) lines of dns; 1,000,000 indicators"
rm -f "$work"/cpu.*
cat "$work/dns.json" >/dev/null
for _ in $(seq "$rounds"); do
	cpu wc wc -l "$work/dns.json"
	cpu json "$serai" watch --once --quiet -i "$work/i1000000.sidx" --output /dev/null "$work/dns.json"
done
row "wc -l" wc wc
row "serai watch" json wc

capture=${SERAI_BENCH_CAPTURE:-}
if [ -z "$capture" ] && [ -d "$data/sensor/ot" ] && command -v mergecap >/dev/null; then
	capture=$work/all.pcap
	if [ ! -f "$capture" ]; then
		# all of them Ethernet, as the old capture format wants it
		mergecap -F pcap -w "$work/one.pcap" "$data"/sensor/ot/iti-*.pcap "$data"/sensor/ot/s7_*.pcap \
			"$data"/sensor/ot/Modbus*.pcap "$data"/sensor/ot/MELSEC_melsoft_UDP*.pcap "$data"/sensor/ot/C37*.pcap
		set --
		# long enough that starting and opening the index, 17 ms, are not what is measured
		for _ in $(seq 60); do set -- "$@" "$work/one.pcap"; done
		mergecap -a -F pcap -w "$capture" "$@"
	fi
fi
if [ -n "$capture" ] && [ -f "$capture" ]; then
	head_of "Packets: $(basename "$capture"), $(wc -c <"$capture") bytes"
	rm -f "$work"/cpu.*
	cat "$capture" >/dev/null
	for _ in $(seq "$rounds"); do
		cpu tcpdump tcpdump -r "$capture" -w /dev/null
		cpu watch "$serai" watch --once --quiet -i "$work/i1000000.sidx" --output /dev/null "$capture"
		cpu plant "$serai" watch --once --quiet --plant -i "$work/i1000000.sidx" --output /dev/null "$capture"
		cpu reader build/bench/packet_bench "$capture"
	done
	row "tcpdump -r -w /dev/null" tcpdump tcpdump
	row "serai watch, 1,000,000 indicators" watch tcpdump
	row "and plant protocols" plant tcpdump
	row "reading alone: addresses, DNS, TLS names, JA3, JA4 (packet_bench)" reader tcpdump
fi

if [ -n "${SERAI_BENCH_PEERS:-}" ]; then
	head_of "What people reach for, a tenth of the lines; the yardstick is serai"
	rm -f "$work"/cpu.* "$work"/memory.*
	head -n $((lines / 10)) "$work/dns.log" >"$work/tenth.log"
	head -n $((lines / 10)) "$work/conn.log" >>"$work/tenth.log"
	made ind100000.txt indicators 100000
	"$serai" index --quiet -o "$work/i100000.sidx" "$work/ind100000.txt" || true
	for n in 1000 100000; do
		cpu "serai$n" "$serai" watch --once --quiet -i "$work/i$n.sidx" --output /dev/null "$work/tenth.log"
		cpu "grep$n" env LC_ALL=C grep -c -F -f "$work/ind$n.txt" "$work/tenth.log"
		cpu "rg$n" rg -j1 -c -F -f "$work/ind$n.txt" "$work/tenth.log"
		cpu "mawk$n" mawk -F '\t' 'NR == FNR {set[$0]; next}
			{for (i = 1; i <= NF; i++) {v = $i
				if (v in set) {n++; break}
				while ((d = index(v, ".")) > 0) {v = substr(v, d + 1); if (v in set) {n++; i = NF; break}}}}
			END {print n}' "$work/ind$n.txt" "$work/tenth.log"
		for tool in serai grep rg mawk; do row "$tool, $n indicators" "$tool$n" "serai$n"; done
	done
	# Strings in bytes with the quickest library for that; a million take minutes to compile and are asked for by
	# SERAI_BENCH_PEERS=all.
	need libhyperscan-dev
	cc -O2 -o "$work/literals" bench/literals_bench.c $(pkg-config --cflags --libs libhs)
	counts='1000 10000 100000'
	[ "$SERAI_BENCH_PEERS" != all ] || counts="$counts 1000000"
	printf '\nVectorscan, the same files:\n\n'
	for n in $counts; do
		made "ind$n.txt" indicators "$n"
		"$work/literals" "$work/ind$n.txt" "$work/tenth.log"
	done
fi

printf '\n## Patterns\n\n```\n'
build/bench/pattern_bench 300000
printf '```\n'
if [ -x build/bench/hunt_bench ]; then
	printf '\n## Hunts\n\n```\n'
	head -n 1000000 "$work/dns.log" >"$work/hunt.dns.log"
	head -n 1000000 "$work/conn.log" >"$work/hunt.conn.log"
	rm -rf "$work/history"
	build/bench/hunt_bench "$work/history" 3 1000 "$work/hunt.dns.log" "$work/hunt.conn.log"
	rm -rf "$work/history"
	printf '```\n'
fi
