#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# What delegates and operators do with files and closed nodes: keys, cards, charters, decisions,
# quorum files, bundles. Exit statuses, and errors that say what. What members do with each other
# is rehearsed: serai rehearse. usage: cli_coalition.sh PROGRAM SOURCE
. "$2/tests/cli_testing.sh"
cd "$here" || exit 1

# ---- keys
expect 0 "an offline key" "$serai" member root uz.key --name uz
mv out uz.vkey
says uz.vkey "uz/root+" "the public key is named after the member"
[ "$(stat -c %a uz.key)" = 600 ] && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAILED: the key's mode"; }
cp uz.key before
expect 3 "a key is never written over" "$serai" member root uz.key --name uz
cmp -s uz.key before && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAILED: the key was written over"; }
expect 2 "a name that no charter takes" "$serai" member root x.key --name "U Z"
expect 2 "no name" "$serai" member root x.key
[ ! -e x.key ] && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAILED: a file was left"; }
for n in kz kg tj; do "$serai" member root $n.key --name $n >$n.vkey; done

# ---- cards
for n in uz kz kg tj; do "$serai" init --json "$here/$n" >/dev/null; done
for n in uz kz kg tj; do
	expect 0 "a card" "$serai" member card "$here/$n" --root "$(cat $n.vkey)" --title "State $n" --address https://127.0.0.1:1 -o $n.card
done
says uz.card '"name":"uz"' "the card names the member"
expect 2 "a card without a root key" "$serai" member card "$here/uz"
expect 2 "another member's root key" "$serai" member card "$here/uz" --root "$(cat kz.vkey)"
expect 3 "what is no key" "$serai" member card "$here/uz" --root uz/root+00000000+AAAA

# ---- a charter
expect 2 "a first charter without a threshold" "$serai" member charter --name X --expires 2090-01-01T00:00:00Z uz.card
expect 2 "no such day" "$serai" member charter --name X --threshold 2 --expires 2090-13-01T00:00:00Z uz.card kz.card kg.card
expect 3 "a threshold that is no majority" "$serai" member charter --name X --threshold 1 --expires 2090-01-01T00:00:00Z uz.card kz.card kg.card
says err "expected more than half" "it says what is enough"
expect 0 "a charter" "$serai" member charter --name Road --threshold 2 --expires 2090-01-01T00:00:00Z uz.card kz.card kg.card -o c1
expect 1 "nobody signed" "$serai" member show c1
says out "0 of 3" "and it says so"
expect 3 "an unsigned charter is not taken" "$serai" member found "$here/uz" c1
expect 0 "the first signature" "$serai" member sign --key uz.key c1
says err "digest" "what is signed is told"
expect 1 "one is not enough" "$serai" member show c1
expect 3 "nor is it for a node" "$serai" member found "$here/uz" c1
expect 0 "the second, through a pipe" sh -c "'$serai' member sign -q --key kz.key - <c1 >c1.new && mv c1.new c1"
expect 0 "two are" "$serai" member show c1
says out "enough: uz kz" "they are named"
cp c1 c1.kept
expect 0 "signing again" "$serai" member sign --key kz.key c1
says err "already signed" "it is told"
cmp -s c1 c1.kept && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAILED: signing again changed the note"; }
sed 's/State kz/Ctate kz/' c1 >bad
expect 1 "a changed letter" "$serai" member show bad
expect 3 "is not signed over either" "$serai" member sign --key kg.key bad.none
echo "pay the bearer" >cheque
expect 3 "nothing but charters and decisions is signed" "$serai" member sign --key uz.key cheque
printf 'serai/charter/v1\n{}' >cut
expect 3 "nor a cut-off text" "$serai" member sign --key uz.key cut
for n in uz kz kg; do expect 0 "it is taken" "$serai" member found "$here/$n" c1; done
expect 0 "status" "$serai" status "$here/uz"
says out "Road, charter 1, 3 members, quorum 2" "it is in force"
expect 0 "status as JSON" "$serai" status --json "$here/uz"
says out '"charter":1' "with the charter's number"
expect 1 "nobody can be reached" "$serai" peer "$here/uz"

# ---- the next one
log=$(sed -n 's/.*"log":"\([^"]*\)".*/\1/p' kg.card)
root=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
expect 0 "its successor" "$serai" member charter --after c1 --expires 2091-01-01T00:00:00Z --leave kg --revoke "$log:0:$root" tj.card -o c2
for n in uz tj; do "$serai" member sign -q --key $n.key c2; done
expect 1 "enough of its own, not of those before" "$serai" member show c2 --after c1
says out "signed by 1 of 3 members of charter version 1" "both are counted"
says out "kg leaves" "what changes is told"
says out "tj joins" "what changes is told"
"$serai" member sign -q --key kz.key c2
expect 0 "enough of both" "$serai" member show c2 --after c1 --json
says out '"follows":true' "and it follows"
expect 1 "it does not follow itself" "$serai" member show c2 --after c2
expect 2 "a stranger cannot leave" "$serai" member charter --after c1 --expires 2091-01-01T00:00:00Z --leave xx
expect 2 "a revocation without its root" "$serai" member charter --after c1 --expires 2091-01-01T00:00:00Z --revoke "$log:0"

# ---- decisions
policy=$source/tests/samples/policy/p1-indicators.json
expect 0 "a decision" "$serai" member decision --charter c1 "$policy" -o d1
sed 's/@members/nobody/' "$policy" >strange.json
expect 3 "a policy with a stranger" "$serai" member decision --charter c1 strange.json
for n in uz kz; do "$serai" member sign -q --key $n.key d1; done
expect 0 "it is carried" "$serai" member show d1 --charter c1 --content content
cmp -s "$policy" content && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAILED: the content is not the policy's bytes"; }
expect 0 "the next decision" "$serai" member decision --after d1 "$policy" -o d2
"$serai" member sign -q --key uz.key d2
expect 1 "one signature" "$serai" member show d2 --charter c1 --after d1
says out "number 2" "it has the next number"
expect 2 "another kind does not follow" "$serai" member decision --kind other --after d1 "$policy"

# ---- proofs for outsiders
expect 0 "a quorum file" "$serai" member quorum c1 uz -o quorum
says quorum "log uz/log+" "with the log's key"
says quorum "group others 2 kz kg" "and how many others"
expect 2 "of a stranger" "$serai" member quorum c1 xx
"$serai" member charter --name X --threshold 2 --expires 2090-01-01T00:00:00Z uz.card kz.card kg.card -o unsigned
"$serai" member sign -q --key uz.key unsigned
expect 3 "of a charter that is not carried" "$serai" member quorum unsigned uz

# ---- files, and what needs others
expect 0 "a bundle" "$serai" bundle export "$here/uz" --to kz -o bundle
expect 0 "is taken" "$serai" bundle import "$here/kz" bundle
says out "number 1 of uz" "it says from whom"
expect 1 "by nobody else" "$serai" bundle import "$here/kg" bundle
says out 'for "kz"' "it says for whom"
expect 1 "among good ones a bad one" "$serai" bundle import "$here/kz" bundle cheque --json
says out '"taken":false' "each is told"
says out '"taken":true' "each is told"
expect 2 "to whom?" "$serai" bundle export "$here/uz" -o bundle
expect 2 "to a stranger" "$serai" bundle export "$here/uz" --to xx -o stranger
[ ! -e stranger ] && [ ! -e stranger.part ] && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAILED: half a file was left"; }
expect 2 "withdraw without a reason" "$serai" withdraw "$here/uz" 0 --code error
expect 2 "an unknown code" "$serai" withdraw "$here/uz" 0 --code because --reason x
expect 0 "no withdrawals" "$serai" withdrawals "$here/uz" --json
expect 0 "no releases" "$serai" releases "$here/uz" --to kz
expect 0 "no deletions" "$serai" deletions "$here/uz" --json
says out '{"deletions":[]}' "no deletions"
expect 2 "deletions, with no time" "$serai" deletions "$here/uz" --since yesterday
expect 0 "deletions of one time" "$serai" deletions "$here/uz" --since 2026-01-01T00:00:00Z
expect 0 "what retention did" "$serai" status "$here/uz"
says out 'retention  0 received objects go within 7 days, 0 went in the last 30' "what retention did"
expect 2 "explain to whom?" "$serai" explain "$here/uz" indicator--5dc08e4f-7096-4fc2-9b99-bd9fce807a07
expect 2 "no such object" "$serai" prove "$here/uz" indicator--5dc08e4f-7096-4fc2-9b99-bd9fce807a07 -o proof
expect 3 "no node" "$serai" status "$here/none"
expect 3 "rehearsing in a folder that is there" "$serai" rehearse --folder "$here"

# ---- completion knows the second words
expect 0 "completion" "$serai" completion bash
says out "'member '*) words=\" root card" "of member"
says out "'bundle '*) words=\" export import" "of bundle"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
