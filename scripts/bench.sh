# SPDX-License-Identifier: MPL-2.0
# ./run bench [NAME...]: each measure beside its yardstick, in turn, several rounds, medians and the
# ratio; printed as Markdown. Names: check import page pull memory search ledger policy coalition nodes. Sourced.
#
# SERAI_BENCH_OBJECTS (1000000), SERAI_BENCH_ROUNDS (5), SERAI_BENCH_FOLDER (a temporary one).

configure build gcc -Dbuildtype=debugoptimized -Doptimization=2
ninja -C build >build/ninja.log || {
	tail -n 20 build/ninja.log >&2
	exit 1
}
serai=$PWD/build/serai
objects=${SERAI_BENCH_OBJECTS:-1000000}
rounds=${SERAI_BENCH_ROUNDS:-5}
data=${SERAI_DATA:-../shared/data}
mine=
work=${SERAI_BENCH_FOLDER:-}
if [ -z "$work" ]; then
	work=$(mktemp -d)
	mine=yes
fi
mkdir -p "$work"
servers=
bench_end() {
	for pid in $servers; do kill "$pid" 2>/dev/null || true; done
	[ -z "$mine" ] || rm -rf "$work"
}
trap bench_end EXIT
trap 'exit 130' INT TERM
names=${*:-check import page release pull memory search ledger policy coalition nodes}
wants() { case " $names " in *" $1 "*) return 0 ;; esac; return 1; }

now() { date +%s%N; }
# seconds COMMAND...: wall seconds of a command whose output goes away
seconds() {
	from=$(now)
	"$@" >/dev/null 2>"$work/stderr" || {
		status=$?
		[ "$status" -le 1 ] || { cat "$work/stderr" >&2; exit 1; }
	}
	awk -v a="$from" -v b="$(now)" 'BEGIN {printf "%.4f\n", (b - a) / 1e9}'
}
# median of the numbers in a file, one a line
median() { sort -g "$1" | awk '{v[NR] = $1} END {print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }
spread() { sort -g "$1" | awk '{v[NR] = $1} END {printf "%.4g-%.4g", v[1], v[NR]}'; }
# median of b/a line by line: the ratio pair by pair
ratio() { paste "$1" "$2" | awk '{print $1 / $2}' >"$work/ratios"; median "$work/ratios"; }

printf '# Benchmarks, %s\n\n%s; %s processors; %s; %s rounds, medians [least-most].\n\n' "$(date -u +%F)" \
	"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -sr)" "$rounds"

if wants ledger; then
	. scripts/bench_ledger.sh
fi

if wants coalition; then
	. scripts/bench_coalition.sh
fi
if wants nodes; then
	. scripts/bench_nodes.sh
fi
if wants policy; then
	. scripts/bench_policy.sh
fi

attack=$work/attack.json
if [ -f "$data/stix/enterprise-attack.json.gz" ]; then
	[ -f "$attack" ] || zcat "$data/stix/enterprise-attack.json.gz" >"$attack"
else
	say "no ATT&CK bundle in $data: using 25,000 made-up objects in its place"
	[ -f "$attack" ] || build/bench/store_bench --generate 25000 "$attack"
fi

node_make() { # FOLDER LISTEN CERTIFICATE
	rm -rf "$1"
	"$serai" init --json --host 127.0.0.1 --listen "$2" "$1" |
		sed -n 's/.*"password":"\([^"]*\)".*/\1/p' >"$1.password"
	[ "$3" = tls ] || printf 'certificate = none\nkey = none\n' >>"$1/serai.conf"
	"$serai" user token --node "$1" admin | sed -n 's/^token //p' >"$1.token"
}

if wants check; then
	: >"$work/a" && : >"$work/b" && : >"$work/c" && : >"$work/d"
	"$serai" check --json "$attack" >/dev/null 2>&1 || true
	: >"$work/e" && : >"$work/f" && : >"$work/ten"
	for i in 1 2 3 4 5 6 7 8 9 10; do cat "$attack" >>"$work/ten" && echo >>"$work/ten"; done
	i=0
	while [ $i -lt "$rounds" ]; do
		seconds "$serai" check --json "$work/ten" >>"$work/e"
		build/bench/parse_bench warm "$attack" | awk '{print 10 * $1}' >>"$work/f"
		seconds build/bench/parse_bench whole "$attack" >>"$work/a"
		seconds "$serai" check --json "$attack" >>"$work/b"
		build/bench/parse_bench warm "$attack" >>"$work/d"
		seconds taskset -c 0 "$serai" check --json "$attack" >>"$work/c"
		i=$((i + 1))
	done
	bytes=$(wc -c <"$attack")
	printf '## check\n\n`serai check --json attack.json` against simdjson parsing the same file once, whole processes.\n\n'
	printf '| | seconds | MB/s |\n| --- | --- | --- |\n'
	for row in "simdjson, the parse alone in warm memory:d" "simdjson, whole process:a" "serai check:b" "serai check on one processor:c"; do
		f=$work/${row##*:}
		printf '| %s | %s [%s] | %s |\n' "${row%:*}" "$(median "$f")" "$(spread "$f")" \
			"$(awk -v n="$bytes" -v s="$(median "$f")" 'BEGIN {printf "%.0f", n / s / 1e6}')"
	done
	printf '\nRate as a ratio of simdjson, process by process: **%s** (goal 0.5), on one processor %s.\n\nTen copies in one file (%s bytes), against ten times the parse alone in warm memory: %s s [%s] and %s s [%s], **%s**.\n\n' \
		"$(ratio "$work/a" "$work/b")" "$(ratio "$work/a" "$work/c")" "$(wc -c <"$work/ten")" \
		"$(median "$work/e")" "$(spread "$work/e")" "$(median "$work/f")" "$(spread "$work/f")" \
		"$(ratio "$work/f" "$work/e")"
fi

if wants import; then
	: >"$work/a" && : >"$work/b" && : >"$work/c"
	i=0
	while [ $i -lt "$rounds" ]; do
		rm -rf "$work/bare"
		build/bench/store_bench bare "$attack" "$work/bare" >"$work/bare.out"
		sed -n 's/^seconds \([0-9.]*\).*/\1/p' "$work/bare.out" >>"$work/a"
		node_make "$work/import" 127.0.0.1:0 tls
		from=$(now)
		"$serai" import --tolerant --json --node "$work/import" "$attack" >"$work/import.out" || true
		awk -v a="$from" -v b="$(now)" 'BEGIN {printf "%.4f\n", (b - a) / 1e9}' >>"$work/c"
		sed -n 's/.*"seconds":\([0-9.e+-]*\).*/\1/p' "$work/import.out" | tail -n 1 >>"$work/b"
		i=$((i + 1))
	done
	count=$(sed -n 's/.*"event":"imported".*"objects":\([0-9]*\).*/\1/p' "$work/import.out" | tail -n 1)
	bytes=$(sed -n 's/.*"event":"imported".*"bytes":\([0-9]*\).*/\1/p' "$work/import.out" | tail -n 1)
	printf '## import\n\n`serai import attack.json` (checked, indexed, synced) against a bare SQLite program that inserts the same rows unchecked.\n\n'
	printf '| | seconds | objects/s | MB/s |\n| --- | --- | --- | --- |\n'
	for row in "bare SQLite, with text index:a" "serai import, until all is acknowledged:b" \
		"serai import, whole process, with text index:c"; do
		f=$work/${row##*:}
		printf '| %s | %s [%s] | %s | %s |\n' "${row%:*}" "$(median "$f")" "$(spread "$f")" \
			"$(awk -v n="$count" -v s="$(median "$f")" 'BEGIN {printf "%.0f", n / s}')" \
			"$(awk -v n="$bytes" -v s="$(median "$f")" 'BEGIN {printf "%.1f", n / s / 1e6}')"
	done
	printf '\nRate as a ratio of the bare program: **%s** with the text index (goal 0.6); until all is acknowledged, the text index coming after, %s\n\n' \
		"$(ratio "$work/a" "$work/c")" "$(ratio "$work/a" "$work/b")"
fi

million=$work/objects-$objects.ndjson
big=$work/big-$objects
big_make() {
	[ -f "$million" ] || build/bench/store_bench --generate "$objects" "$million" >/dev/null
	if [ ! -f "$big.seconds" ]; then
		node_make "$big" 127.0.0.1:0 tls
		"$serai" import --json --node "$big" "$million" >"$work/big.out"
		sed -n 's/.*"seconds":\([0-9.e+-]*\).*/\1/p' "$work/big.out" | tail -n 1 >"$big.seconds"
	fi
}

serve() { # FOLDER -> sets port and server_pid
	rm -f "$work/serve.out"
	: >"$work/serve.out"
	"$serai" serve --node "$1" >"$work/serve.out" 2>"$work/serve.log" &
	server_pid=$!
	servers="$servers $server_pid"
	until grep -q '^serving on port' "$work/serve.out"; do
		kill -0 "$server_pid" || { cat "$work/serve.log" >&2; exit 1; }
		sleep 0.05
	done
	port=$(sed -n 's/^serving on port //p' "$work/serve.out")
}
stop() {
	kill "$1"
	wait "$1" 2>/dev/null || true
}
resident() { awk '/^VmRSS/ {print $2}' "/proc/$1/status"; }
peak() { awk '/^VmHWM/ {print $2}' "/proc/$1/status"; }

nginx_start() { # FOLDER FILE: serves FILE as /page on 18080 and, over TLS, 18443
	mkdir -p "$1/www" "$1/tmp"
	cp "$2" "$1/www/page"
	cat >"$1/nginx.conf" <<EOT
worker_processes $(nproc);
pid $1/nginx.pid;
error_log $1/error.log;
daemon off;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  open_file_cache max=10;
  default_type "application/taxii+json;version=2.1";
  client_body_temp_path $1/tmp; proxy_temp_path $1/tmp; fastcgi_temp_path $1/tmp;
  uwsgi_temp_path $1/tmp; scgi_temp_path $1/tmp;
  server { listen 127.0.0.1:18080; root $1/www; }
  server { listen 127.0.0.1:18443 ssl; root $1/www; ssl_certificate $big/tls.crt;
    ssl_certificate_key $big/tls.key; ssl_protocols TLSv1.2 TLSv1.3; }
}
EOT
	/usr/sbin/nginx -c "$1/nginx.conf" &
	nginx_pid=$!
	servers="$servers $nginx_pid"
	until curl -sf -o /dev/null http://127.0.0.1:18080/page; do sleep 0.05; done
}
requests() { # CONNECTIONS URL: requests per second
	wrk -t1 -c"$1" -d2s -H 'Accept: application/taxii+json;version=2.1' -H "$bearer" "$2" >"$work/wrk.out"
	! grep -q 'Non-2xx' "$work/wrk.out" || { cat "$work/wrk.out" >&2; exit 1; }
	sed -n 's/^Requests\/sec: *//p' "$work/wrk.out"
}

if wants page; then
	big_make
	printf '## page\n\nA page of 100 objects at %s stored ones, `wrk -t1 -c32 -d2s`, keep-alive, against nginx with the same bytes as a static file.\n\n' "$objects"
	printf '| | nginx requests/s | serai requests/s | ratio | goal |\n| --- | --- | --- | --- | --- |\n'
	for scheme in http https; do
		certificate=$([ $scheme = https ] && echo tls || echo plain)
		sed -i '/^certificate = none$/d; /^key = none$/d' "$big/serai.conf"
		[ $certificate = tls ] || printf 'certificate = none\nkey = none\n' >>"$big/serai.conf"
		serve "$big"
		id=$("$serai" collection list --node "$big" | awk -F '\t' '{print $6; exit}')
		base=$scheme://127.0.0.1:$port/api/collections/$id/objects/
		bearer="Authorization: Bearer $(cat "$big.token")"
		curl -sk -H "$bearer" -H 'Accept: application/taxii+json;version=2.1' "$base?limit=100" >"$work/page"
		[ $scheme = https ] || nginx_start "$work/nginx" "$work/page"
		nginx_url=$([ $scheme = https ] && echo https://127.0.0.1:18443/page || echo http://127.0.0.1:18080/page)
		: >"$work/a" && : >"$work/b" && : >"$work/c"
		i=0
		while [ $i -lt "$rounds" ]; do
			requests 32 "$nginx_url" >>"$work/a"
			requests 32 "$base?limit=100" >>"$work/b"
			i=$((i + 1))
		done
		printf '| %s, the same page (%s bytes) | %s [%s] | %s [%s] | **%s** | 0.5 |\n' $scheme "$(wc -c <"$work/page")" \
			"$(median "$work/a")" "$(spread "$work/a")" "$(median "$work/b")" "$(spread "$work/b")" \
			"$(ratio "$work/b" "$work/a")"
		build/bench/store_bench --places "$objects" 2000 "$big/store" "$work/places.lua" >/dev/null
		i=0
		while [ $i -lt "$rounds" ]; do
			wrk -t1 -c32 -d2s -H "$bearer" -s "$work/places.lua" "$base" >"$work/wrk.out"
			sed -n 's/^Requests\/sec: *//p' "$work/wrk.out" >>"$work/c"
			i=$((i + 1))
		done
		printf '| %s, 2,000 places in turn | %s | %s [%s] | **%s** | 0.5 |\n' $scheme "$(median "$work/a")" \
			"$(median "$work/c")" "$(spread "$work/c")" "$(ratio "$work/c" "$work/a")"
		wrk -t1 -c1 -d4s --latency -H "$bearer" -s "$work/places.lua" "$base" >"$work/wrk.out"
		printf '| %s, one client, 2,000 places: p99 | | %s | | 5 ms |\n' $scheme "$(awk '$1 == "99%" {print $2}' "$work/wrk.out")"
		printf '| %s, resident after it (peak) | | %s kB (%s kB) | | 64 MB |\n' $scheme "$(resident "$server_pid")" "$(peak "$server_pid")"
		stop "$server_pid"
	done
	stop "$nginx_pid"
	printf '\n'
fi

if wants release; then
	big_make
	printf '## release\n\nThe policy asked on the way out (goal: pages at least 0.9 of those without; a change within 1 s).\n\n'
	build/bench/release_bench "$big/store" main 1 | sed 's/^/- /'
	printf '\n'
fi

if wants pull; then
	big_make
	sed -i '/^certificate = none$/d; /^key = none$/d' "$big/serai.conf"
	serve "$big"
	node_make "$work/second" 127.0.0.1:0 tls
	id=$("$serai" collection list --node "$big" | awk -F '\t' '{print $6; exit}')
	SERAI_TOKEN=$(cat "$big.token") "$serai" pull --json --node "$work/second" --to main --ca "$big/tls.crt" \
		"https://127.0.0.1:$port/api/collections/$id/" >"$work/pull.out"
	took=$(sed -n 's/.*"seconds":\([0-9.]*\).*/\1/p' "$work/pull.out")
	pulled=$(sed -n 's/.*"new":\([0-9]*\).*/\1/p' "$work/pull.out")
	stop "$server_pid"
	printf '## pull\n\n`serai pull` of %s objects over TLS into a new store, server and client on this machine, against `serai import` of the same objects.\n\n' "$pulled"
	printf '| | seconds | objects/s |\n| --- | --- | --- |\n| import | %s | %s |\n| pull | %s | %s |\n' \
		"$(cat "$big.seconds")" "$(awk -v n="$objects" -v s="$(cat "$big.seconds")" 'BEGIN {printf "%.0f", n / s}')" \
		"$took" "$(awk -v n="$pulled" -v s="$took" 'BEGIN {printf "%.0f", n / s}')"
	printf '\nRate as a ratio of import: **%s** (goal 0.5)\n\n' \
		"$(awk -v a="$(cat "$big.seconds")" -v b="$took" 'BEGIN {printf "%.2f", a / b}')"
	rm -rf "$work/second"
fi

if wants memory; then
	[ -f "$million" ] || build/bench/store_bench --generate "$objects" "$million" >/dev/null
	node_make "$work/memory" 127.0.0.1:0 tls
	/usr/bin/time -f '%M' -o "$work/peak" "$serai" import --quiet --node "$work/memory" "$million" >/dev/null
	printf '## memory\n\nPeak of `serai import` of one file of %s bytes: **%s kB** (goal 128 MB).\n\n' \
		"$(wc -c <"$million")" "$(tail -n 1 "$work/peak")"
	rm -rf "$work/memory"
fi

if wants search; then
	big_make
	printf '## search\n\nAt %s objects, in one process, over many different questions.\n\n' "$objects"
	build/bench/store_bench --search "$big/store"
	printf '\n'
fi
