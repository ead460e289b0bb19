#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The part of ./run bench live that runs inside a network namespace; see bench_live.sh.
set -eu
ip link add seen type veth peer name sent
for name in seen sent; do
	# No frames of the kernel's own, and none longer than the link: what is counted is what was sent.
	echo 1 >"/proc/sys/net/ipv6/conf/$name/disable_ipv6"
	ip link set "$name" up
done

sockets() { wc -l </proc/net/packet; }
taps=$(sockets)

# one NAME RATE HELD COMMAND...: the command captures while frames are sent, and is told to stop when all are read.
# HELD: it gets no processor meanwhile, so that its buffer must run over: what is lost has to be counted.
one() {
	name=$1
	rate=$2
	held=$3
	shift 3
	/usr/bin/time -q -o "$WORK/time" -f '%U %S' "$@" >"$WORK/out" 2>"$WORK/err" &
	timer=$!
	# Ready when its packet socket is there.
	for _ in $(seq 200); do
		[ "$(sockets)" -gt "$taps" ] && break
		sleep 0.05
	done
	sleep 0.3
	[ -z "$held" ] || pkill -STOP -P "$timer"
	"$SEND" sent "$CAPTURE" "$rate" "$SECONDS_EACH" >"$WORK/sent"
	[ -z "$held" ] || pkill -CONT -P "$timer"
	sleep 1
	pkill -TERM -P "$timer"
	wait "$timer" || true
	read -r sent pps mbit again cpu <"$WORK/sent"
	case $name in
	tcpdump*)
		seen=$(sed -n 's/^\([0-9]*\) packets captured.*/\1/p' "$WORK/err")
		lost=$(sed -n 's/^\([0-9]*\) packets dropped by kernel.*/\1/p' "$WORK/err")
		;;
	*)
		seen=$(sed -n 's/.*"frames":\([0-9]*\).*/\1/p' "$WORK/out" "$WORK/err" | head -n 1)
		lost=$(sed -n 's/.*"kernel_dropped":\([0-9]*\).*/\1/p' "$WORK/out" "$WORK/err" | head -n 1)
		;;
	esac
	tail -n 1 "$WORK/time" | awk -v name="$name" -v sent="$sent" -v pps="$pps" -v mbit="$mbit" -v seen="${seen:-0}" \
		-v lost="${lost:-0}" '{printf "| %s | %d | %d | %d | %d | %d | %.2f %% | %d | %.2f s |\n", name, pps, mbit, sent,
		seen, lost, (sent > 0 ? 100 * lost / sent : 0), sent - seen - lost, $1 + $2}'
}

printf '# Live capture over a veth pair, %s s each, %s\n\n' "$SECONDS_EACH" "$(basename "$CAPTURE")"
printf '| | frames/s | Mbit/s | sent | seen | lost, counted | | unaccounted | CPU |\n'
printf '| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n'
for rate in $RATES; do
	one serai "$rate" '' "$SERAI" watch --json -i "$WORK/site.sidx" --output /dev/null --interface seen
	one tcpdump "$rate" '' tcpdump -i seen -B 65536 -w /dev/null
done
one 'serai, held up' 0 yes "$SERAI" watch --json -i "$WORK/site.sidx" --output /dev/null --interface seen
one 'tcpdump, held up' 0 yes tcpdump -i seen -B 65536 -w /dev/null
