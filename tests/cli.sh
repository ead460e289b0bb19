#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The program as a person or a script meets it: exit statuses, errors that say what and where,
# standard input, JSON everywhere, two processes on one store. usage: cli.sh PROGRAM SOURCE
. "$2/tests/cli_testing.sh"
data=${SERAI_DATA:-$source/../shared/data}
skipped=0

# ---- itself
expect 0 "help" "$serai" help
says out "import" "help names the verbs"
expect 2 "a word that verbs begin with" "$serai" policy
says out "policy diff" "the verbs that begin so"
expect 0 "the same, asked for" "$serai" policy --help
expect 2 "no such verb of several words" "$serai" policy nonsense
says err 'no verb "policy nonsense"' "the words are named"
expect 2 "no verb" "$serai"
expect 2 "an unknown verb" "$serai" frobnicate
says err "frobnicate" "the unknown verb is named"
expect 0 "help of a verb" "$serai" help user add
expect 0 "--help of a verb" "$serai" import --help
expect 2 "an unknown option" "$serai" check --frobnicate x
expect 2 "an option without its value" "$serai" export --output
expect 0 "version" "$serai" version
expect 0 "man page" "$serai" man
cmp "$here/out" "$source/docs/serai.1" >/dev/null && passed=$((passed + 1)) || {
	failed=$((failed + 1))
	echo "FAILED: docs/serai.1 is not what the program says; run: build/serai man >docs/serai.1"
}
for shell in bash zsh fish; do expect 0 "completion for $shell" "$serai" completion $shell; done
"$serai" completion bash >"$here/completion" && expect 0 "bash takes the completion" bash -n "$here/completion"

# ---- policies
p=$source/tests/samples/policy
cat >"$here/bad.json" <<'EOT'
{"type":"policy","name":"bad","version":1,"expires":"2030-01-01T00:00:00Z","rules":[
 {"id":"a","family":"exchange","effect":"permit","when":{"to":["nobody"],"tlp":{"le":"pink"}}}]}
EOT
sed 's/"pii": \["none"\]/"pii": ["none","personal"]/' "$p/p4-public.json" >"$here/breach.json"
sed 's/2030-01-01/2020-01-01/' "$p/p1-indicators.json" >"$here/past.json"
green='{"act":"share","from":"north","to":"south","kind":"indicator","tlp":"green","pii":"none","content":"technical","confidence":80,"age_days":3,"origin":"own","pap":"none"}'
red=$(echo "$green" | sed s/green/red/)
expect 0 "the example policies" "$serai" policy check -m "$p/members" "$p/unified.json" "$p/reservation-south.json"
says out "troubles 0" "no trouble is counted"
expect 1 "a policy with mistakes" "$serai" policy check -m "$p/members" "$here/bad.json"
says out 'rules[0].when.to[0] (rule a): no member "nobody"' "a stranger is named with his place"
says out "rules[0].when.tlp.le" "the second mistake is told too"
expect 1 "a permit that meets a never" "$serai" policy check -m north,south --json "$here/breach.json"
says out '"trouble":"breach"' "the breach is named"
expect 1 "a policy that ended" "$serai" policy check -m "$p/members" "$here/past.json"
expect 3 "no such policy" "$serai" policy check "$here/none.json"
expect 0 "an allowed case" "$serai" policy explain -m "$p/members" "$p/unified.json" "$green"
says out "allowed by X1 (clause 3.1)" "the rule is named"
expect 1 "a denied case" "$serai" policy explain -m "$p/members" "$p/unified.json" "$red"
says out "tlp is red, permitted: clear, green, amber" "what failed is named"
expect 1 "nobody receives RED" "$serai" policy who -m "$p/members" "$p/unified.json" '{"tlp":["red"]}'
expect 0 "who receives observations" "$serai" policy who -m "$p/members" "$p/unified.json" '{"kind":["observed-data"]}'
expect 0 "a reservation is laid over" "$serai" policy who --json -m "$p/members" -l "$p/reservation-south.json" "$p/unified.json" '{"from":["south"]}'
expect 1 "what South reshares, with its reservation" "$serai" policy who -m "$p/members" -l "$p/reservation-south.json" "$p/unified.json" '{"from":["south"],"act":["reshare"]}'
expect 1 "an amendment" "$serai" policy diff -m "$p/members" "$p/unified.json" "$p/unified-2.json"
says out "loosened   north is bound less strictly by retain_days: was 180, is 270" "a loosened obligation"
expect 0 "no amendment" "$serai" policy diff -m "$p/members" "$p/unified.json" "$p/unified.json"

# ---- files
good='{"type":"malware","spec_version":"2.1","id":"malware--31b940d4-6f7f-459a-80ea-9c1f17b5891b","created":"2016-04-06T20:07:09.000Z","modified":"2016-04-06T20:07:09.000Z","is_family":true,"malware_types":["trojan"],"name":"Poison Ivy"}'
printf '%s' "$good" >"$here/good.json"
expect 0 "a valid object" "$serai" check --json "$here/good.json"
says out '"valid":true' "its verdict"
expect 0 "standard input" sh -c "\"$serai\" check --json - <\"$here/good.json\""
printf '%s' "$good" | sed 's/"is_family":true,//' >"$here/bad.json"
expect 1 "an object without a required property" "$serai" check --json "$here/bad.json"
says out '"valid":false' "its verdict"
says out 'is_family' "the property is named"
printf '%s\n%s\n' "$good" '{"type":"malware"' >"$here/cut.json"
expect 1 "a file that ends inside an object" "$serai" check "$here/cut.json"
says out 'line 3' "the line is named"
expect 3 "a file that is not there" "$serai" check "$here/nothing.json"
says err 'nothing.json' "the file is named"
gzip -c "$here/good.json" >"$here/good.json.gz"
expect 0 "gzip" "$serai" check "$here/good.json.gz"
head -c 60 "$here/good.json.gz" >"$here/half.json.gz"
expect 1 "half a gzip file" "$serai" check "$here/half.json.gz"
printf '{"type":"url","spec_version":"2.1","id":"url--47c3cf9a-5027-5bf0-997a-017c7edc7c55","value":"https://example.com/research/index.html"}' >"$here/url.json"
expect 0 "deterministic id" "$serai" id "$here/url.json"
says out "url--47c3cf9a-5027-5bf0-997a-017c7edc7c55" "the id that RFC 4122 gives for {"value":…}"
expect 1 "an id for what has none" "$serai" id "$here/good.json"
printf '{"b":1.0,"a":[1e21,"\\u20ac"]}' >"$here/canon.json"
expect 0 "canonical form" "$serai" canon "$here/canon.json"
says out '{"a":[1e+21,"€"],"b":1}' "sorted, numbers as ECMAScript writes them"
printf '{"a":1,"a":2}' >"$here/twice.json"
expect 1 "a duplicate name" "$serai" canon "$here/twice.json"
expect 0 "a good pattern" "$serai" pattern check "[ipv4-addr:value = '198.51.100.1']"
expect 1 "a bad pattern" "$serai" pattern check "[ipv4-addr:value = ]"
says out "column" "where it is bad"
expect 1 "a bad pattern, as JSON" "$serai" pattern check --json "[x"
says out '"offset"' "where it is bad"

# ---- a node
node=$here/node
expect 3 "no node" "$serai" stats --node "$node"
says err "serai init" "what to do about it"
expect 0 "init" "$serai" init --host 127.0.0.1 "$node"
expect 3 "init twice" "$serai" init "$node"
says err "already" "left as it is"
expect 0 "import" "$serai" import --node "$node" "$here/good.json"
says out "1 new" "counted"
expect 0 "import again" "$serai" import --node "$node" "$here/good.json"
says out "1 known" "nothing twice"
sed 's/Poison Ivy/Poison Oak/' "$here/good.json" >"$here/other.json"
expect 1 "the same version with other content" "$serai" import --node "$node" "$here/other.json"
says out "conflict" "told"
expect 0 "evidence" "$serai" evidence --node "$node"
says out "malware--31b940d4" "kept as evidence"
expect 0 "evidence, as JSON" "$serai" evidence --json --node "$node"
sed 's/"tlp": {[^}]*}/"tlp": {"le":"green"}/' "$p/p1-indicators.json" >"$here/before.json"
cat >"$here/after.json" <<'EOT'
{"type":"policy","name":"after","version":1,"expires":"2030-01-01T00:00:00Z","rules":[
 {"id":"m","family":"exchange","effect":"permit","when":{"to":["south"],"kind":["malware"],"tlp":["none"]}}]}
EOT
expect 0 "a dry run" "$serai" policy dry-run --json --node "$node" -m "$p/members" -b "$here/before.json" -a "$here/after.json"
says out '{"to":"south","has":"0","would_have":"<5","gains":"<5","loses":"0"}' "few are not counted out"
expect 0 "a dry run from none" "$serai" policy dry-run --node "$node" -m north,south -a "$here/after.json"
says out "south	0	<5	<5	0" "as a table"
expect 2 "a dry run as a stranger" "$serai" policy dry-run --node "$node" -m north,south -s west -a "$here/after.json"
expect 2 "a dry run of nothing" "$serai" policy dry-run --node "$node" -m north,south
expect 0 "nothing was given to anybody" "$serai" releases "$node"
says_not out member "nothing was given to anybody"
expect 0 "a file for anybody" "$serai" export --node "$node" --for public --format ndjson --output "$here/public.ndjson"
expect 2 "releases, with no time" "$serai" releases "$node" --since yesterday
expect 0 "the file for the public is remembered" "$serai" releases "$node" --to public --since 2020-01-01T00:00:00Z
expect 0 "nothing to the public before" "$serai" releases "$node" --to public --until 2020-01-01T00:00:00Z
says_not out public "nothing to the public before"
expect 1 "import of a bad object beside a good one" "$serai" import --json --node "$node" "$here/bad.json" "$here/url.json"
says out '"refused":1' "one refused"
says out '"new":1' "one taken"
expect 2 "import into a collection that is not there" "$serai" import --node "$node" --to nowhere "$here/good.json"
expect 0 "search by word" "$serai" search --node "$node" poison
says out "malware--31b940d4" "found"
expect 1 "search for nothing" "$serai" search --node "$node" nosuchword
expect 0 "search by value" "$serai" search --node "$node" 'value:https://example.com/research/index.html'
expect 2 "search not understood" "$serai" search --node "$node" since:never
expect 0 "search, as JSON" "$serai" search --json --node "$node" type:malware
cmp -s "$here/out" - <<EOT && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAILED: exact bytes"; }
$good
EOT
expect 0 "show" "$serai" show --node "$node" malware--31b940d4-6f7f-459a-80ea-9c1f17b5891b
says out "referred to by" "relations are shown"
expect 0 "show, as JSON" "$serai" show --json --node "$node" malware--31b940d4-6f7f-459a-80ea-9c1f17b5891b
expect 1 "show what is not here" "$serai" show --node "$node" malware--31b940d4-6f7f-459a-80ea-9c1f17b5891c
expect 2 "show what is no id" "$serai" show --node "$node" poison
expect 0 "stats" "$serai" stats --node "$node"
expect 0 "stats, as JSON" "$serai" stats --json --node "$node"
expect 0 "verify" "$serai" verify --node "$node"
expect 0 "export" "$serai" export --node "$node" --format ndjson
says out '"Poison Ivy"' "the exact object"
expect 2 "export in no format" "$serai" export --node "$node" --format frob
for format in stix ndjson csv zeek list misp; do
	expect 0 "export as $format" "$serai" export --node "$node" --format $format --output "$here/x.$format"
done
for format in suricata misp-feed; do
	expect 0 "export as $format" "$serai" export --node "$node" --format $format --output "$here/x.$format.d"
done
expect 0 "export as rpz" "$serai" export --node "$node" --format rpz --zone rpz.example --output "$here/x.rpz"

# ---- accounts and collections
echo "a long enough password" >"$here/password"
expect 0 "user add" "$serai" user add --node "$node" --password-file "$here/password" partner
expect 0 "user list" "$serai" user list --node "$node"
says out "partner" "listed"
expect 0 "user list, as JSON" "$serai" user list --json --node "$node"
if grep -q 'argon2' "$here/out"; then failed=$((failed + 1)); echo "FAILED: a hash was shown"; else passed=$((passed + 1)); fi
echo short >"$here/short"
expect 3 "a short password" "$serai" user add --node "$node" --password-file "$here/short" other
expect 0 "collection add" "$serai" collection add --node "$node" feeds
expect 2 "collection add twice" "$serai" collection add --node "$node" feeds
expect 2 "a collection for RED" "$serai" collection add --node "$node" --tlp-max red reds
expect 0 "grant" "$serai" user grant --node "$node" partner feeds read
expect 2 "grant on nothing" "$serai" user grant --node "$node" partner nowhere read
expect 0 "collection list" "$serai" collection list --node "$node"
expect 0 "user token" "$serai" user token --node "$node" partner
expect 0 "user remove" "$serai" user remove --node "$node" partner
expect 1 "user remove twice" "$serai" user remove --node "$node" partner
expect 0 "collection remove" "$serai" collection remove --node "$node" feeds

# ---- two processes on one store
"$serai" init --json --host 127.0.0.1 --listen 127.0.0.1:0 "$here/served" >"$here/init.json"
"$serai" serve --node "$here/served" >"$here/serve.out" 2>"$here/serve.log" &
server=$!
tries=0
until grep -q '^serving on port' "$here/serve.out" || [ $tries -ge 200 ]; do
	tries=$((tries + 1))
	sleep 0.05
done
expect 3 "a second writer" "$serai" import --node "$here/served" "$here/good.json"
says err "$(pgrep -P "$server" -x serai-node)" "the holder's process is named"
expect 0 "a reader beside the writer" "$serai" stats --node "$here/served"
expect 0 "an account is added while the node serves" \
	"$serai" user add --node "$here/served" --password-file "$here/password" guest
port=$(sed -n 's/^serving on port //p' "$here/serve.out")
expect 0 "and it may sign in at once" "$serai" remote "https://127.0.0.1:$port" --ca "$here/served/tls.crt" \
	--user admin --password-file /dev/stdin <<EOT
$(sed -n 's/.*"password":"\([^"]*\)".*/\1/p' "$here/init.json")
EOT
expect 3 "a wrong password" "$serai" remote "https://127.0.0.1:$port" --ca "$here/served/tls.crt" \
	--user admin --password-file "$here/password"
says err "401" "the status is told"
expect 3 "a server nobody vouches for" "$serai" remote "https://127.0.0.1:$port" --user admin \
	--password-file "$here/password"
kill -HUP "$server"
kill -TERM "$server"
wait "$server"
[ $? -eq 0 ] && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAILED: clean stop"; }
if grep -qF "$(cat "$here/password")" "$here/serve.log"; then
	failed=$((failed + 1))
	echo "FAILED: a password stands in the log"
else
	passed=$((passed + 1))
fi

# ---- the sensor
site=$source/tests/samples/sensor
printf 'evil.example\n198.51.100.7\nno indicator at all\n' >"$here/iocs.txt"
expect 1 "an index of a list with a bad line" "$serai" index -o "$here/list.sidx" "$here/iocs.txt"
says err "line 3" "the bad line is told"
expect 0 "an index of STIX and a feed, signed" "$serai" index --sign "$here/key" -o "$here/site.sidx" \
	--from "$site/indicators.json" "$site/feed.txt"
expect 0 "it is whole" "$serai" index --check --trust "$here/key.pub" "$here/site.sidx"
expect 1 "a stranger's signature" "$serai" index --check --trust "$here/key.pub" "$here/list.sidx"
cp "$here/site.sidx" "$here/bad.sidx"
printf 'x' | dd of="$here/bad.sidx" bs=1 seek=9000 conv=notrunc 2>/dev/null
expect 1 "an altered index" "$serai" index --check "$here/bad.sidx"
expect 2 "STIX on standard input, which is read twice" sh -c "'$serai' index -o '$here/none.sidx' - <'$site/indicators.json'"
expect 2 "an index of nothing" "$serai" index -o "$here/none.sidx"
expect 3 "an index of what is not there" "$serai" index -o "$here/none.sidx" "$here/nowhere"
expect 0 "logs with findings" "$serai" watch --once --form text --index "$here/site.sidx" "$site/dns.log" "$site/eve.json"
says out "update.tidewater.example" "the planted name is found"
says out "FOLLOWEDBY" "the temporal pattern is found"
says err "held back" "what was held back is counted"
if grep -qF "old.harbour.example" "$here/out" || grep -qF "googleapis" "$here/out"; then
	failed=$((failed + 1))
	echo "FAILED: an expired or a noisy indicator was told"
else
	passed=$((passed + 1))
fi
expect 1 "logs without findings" "$serai" watch --once --index "$here/list.sidx" "$site/eve.json"
expect 0 "a log on standard input" sh -c "cat '$site/dns.log' | '$serai' watch --once --index '$here/site.sidx' -"
expect 0 "a plant's capture" "$serai" watch --once --plant --form text "$site/plant.pcap"
says out "write single register" "the one write stands out"
expect 3 "an index that is altered" "$serai" watch --once --index "$here/nowhere" "$site/dns.log"
expect 2 "nothing to read" "$serai" watch --index "$here/site.sidx"
expect 2 "following standard input" "$serai" watch --index "$here/site.sidx" -
expect 0 "history is kept" "$serai" watch --once --history --state "$here/watch" --index "$here/site.sidx" \
	--form ecs --output "$here/findings.ndjson" "$site/dns.log" "$site/eve.json"
expect 0 "what was seen is found again" "$serai" hunt --history "$here/watch/history" --form text drop.lantern.example
says out "dns.log line" "the hunt proves it"
expect 1 "what was never seen" "$serai" hunt --history "$here/watch/history" never.seen.example
expect 2 "a hunt for nothing" "$serai" hunt --history "$here/watch/history"
expect 0 "sightings" "$serai" sightings --identity identity--3a5d2f7e-8f0c-4d1b-9a52-0f6c7e1d2b3a --name Site \
	-o "$here/sightings.json" "$here/findings.ndjson"
expect 0 "they are valid STIX" "$serai" check "$here/sightings.json"
grep -q '192.168.1' "$here/sightings.json" && {
	failed=$((failed + 1))
	echo "FAILED: a host of the site stands in the sightings"
} || passed=$((passed + 1))
expect 0 "the self-test" "$serai" watch --self-test --index "$here/site.sidx"
cat >"$here/observed.json" <<'EOT'
{"type":"bundle","id":"bundle--1c0c2f7e-8f0c-4d1b-9a52-0f6c7e1d2b3a","objects":[
{"type":"observed-data","spec_version":"2.1","id":"observed-data--2c0c2f7e-8f0c-4d1b-9a52-0f6c7e1d2b3a",
"created":"2026-11-01T00:00:00Z","modified":"2026-11-01T00:00:00Z","first_observed":"2026-11-01T00:00:00Z",
"last_observed":"2026-11-01T00:00:00Z","number_observed":1,
"object_refs":["domain-name--3c1640ac-5e4d-5ab1-9d3a-2f5b1b6f4d11"]},
{"type":"domain-name","spec_version":"2.1","id":"domain-name--3c1640ac-5e4d-5ab1-9d3a-2f5b1b6f4d11","value":"evil.example"}]}
EOT
expect 0 "a pattern that matches" "$serai" pattern match --observed "$here/observed.json" \
	--pattern "[domain-name:value = 'evil.example']"
expect 1 "a pattern that does not" "$serai" pattern match --observed "$here/observed.json" \
	--pattern "[domain-name:value = 'good.example']"
expect 2 "a pattern that is none" "$serai" pattern match --observed "$here/observed.json" --pattern "[domain-name"

# ---- the truth of the standards, through the program
if [ -d "$data/stix/jcs" ]; then
	for input in "$data"/stix/jcs/*.input.json; do
		expect 0 "canonical form of $(basename "$input")" "$serai" canon "$input"
		cmp -s "$here/out" "${input%.input.json}.output.json" && passed=$((passed + 1)) || {
			failed=$((failed + 1))
			echo "FAILED: canonical form of $(basename "$input") differs"
		}
	done
else
	skipped=$((skipped + 1))
	echo "skipped: no $data/stix/jcs"
fi

echo "[  PASSED  ] $passed test(s)."
[ "$skipped" -eq 0 ] || echo "[  SKIPPED ] $skipped test(s)."
if [ "$failed" -gt 0 ]; then
	echo "[  FAILED  ] $failed test(s)."
	exit 1
fi
