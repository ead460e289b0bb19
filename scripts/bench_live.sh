# SPDX-License-Identifier: MPL-2.0
# ./run bench live: frames sent over a veth pair at growing rates beside `tcpdump -w /dev/null` with as large a
# buffer, one after the other; sent, seen, lost by the kernel's count, CPU. In a network namespace of its own, so
# nothing leaves the machine and nothing has to be undone. Sourced.
#
# SERAI_BENCH_CAPTURE (an Ethernet pcap file; else the captures beside the checkout), SERAI_BENCH_SECONDS (5),
# SERAI_BENCH_RATES (frames a second; 0: as fast as it goes).

configure build gcc -Dbuildtype=debugoptimized -Doptimization=2
ninja -C build serai bench/live_send bench/sensor_generate >build/ninja.log || {
	tail -n 20 build/ninja.log >&2
	exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
capture=${SERAI_BENCH_CAPTURE:-}
data=${SERAI_DATA:-../shared/data}
if [ -z "$capture" ] && [ -d "$data/sensor/ot" ]; then
	capture=$work/all.pcap
	mergecap -F pcap -w "$capture" "$data"/sensor/ot/iti-*.pcap "$data"/sensor/ot/s7_*.pcap \
		"$data"/sensor/ot/Modbus*.pcap
fi
[ -f "$capture" ] || {
	say "no capture: name one with SERAI_BENCH_CAPTURE"
	exit 2
}
build/bench/sensor_generate indicators 1000000 "$work/ind.txt" >/dev/null
build/serai index --quiet -o "$work/site.sidx" "$work/ind.txt"
# Root needs no user namespace (tcpdump could not change its user in one); others keep their rights inside theirs.
apart='unshare -n'
[ "$(id -u)" -eq 0 ] || apart='unshare -Un --map-current-user --keep-caps'
$apart true 2>/dev/null || {
	say "this kernel gives no network namespace: live capture is not measured"
	exit 2
}
SERAI=$PWD/build/serai SEND=$PWD/build/bench/live_send WORK=$work CAPTURE=$capture \
	SECONDS_EACH=${SERAI_BENCH_SECONDS:-5} RATES=${SERAI_BENCH_RATES:-50000 100000 200000 400000 0} \
	$apart sh scripts/bench_live_inside.sh
