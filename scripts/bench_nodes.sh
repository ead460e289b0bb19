# SPDX-License-Identifier: MPL-2.0
# Two members' nodes as real processes on loopback (also alone: ./run bench nodes): sync beside the local import,
# rounds with nothing new, a policy changed, from POST to visible, withdrawals. In a network namespace of its own
# where the kernel gives one, so that the bytes on the wire are theirs alone. Sourced by bench.sh.
#
# SERAI_BENCH_SYNC (200000), SERAI_BENCH_EXTRA (50000), SERAI_BENCH_POSTS (200), SERAI_BENCH_WITHDRAWALS (50).

sync_objects=${SERAI_BENCH_SYNC:-200000}
apart='unshare -n'
[ "$(id -u)" -eq 0 ] || apart='unshare -Un --map-current-user --keep-caps'
$apart true 2>/dev/null || apart=
build/bench/store_bench --generate "$sync_objects" "$work/sync.ndjson" >/dev/null
printf '## nodes\n\nTwo nodes on loopback, mutual TLS, stores on %s; %s objects of %s bytes on average%s. Load before: %s.\n\n' \
	"$(df -T /tmp | awk 'NR == 2 {print $2}')" "$sync_objects" \
	"$(($(wc -c <"$work/sync.ndjson") / sync_objects))" \
	"$([ -n "$apart" ] || printf '; no network namespace: bytes are of everything on loopback')" \
	"$(cut -d ' ' -f 1-3 /proc/loadavg)"
set -- build/bench/nodes_bench "$work/sync.ndjson" "$sync_objects" "${SERAI_BENCH_EXTRA:-50000}" \
	"${SERAI_BENCH_POSTS:-200}" "${SERAI_BENCH_WITHDRAWALS:-50}"
if [ -n "$apart" ]; then
	$apart sh -c 'ip link set lo up && exec "$@"' sh "$@" >"$work/nodes.out"
else
	"$@" >"$work/nodes.out"
fi
sed 's/^/- /' "$work/nodes.out"
printf '\nLoad after: %s.\n\n' "$(cut -d ' ' -f 1-3 /proc/loadavg)"
rm -f "$work/sync.ndjson"
