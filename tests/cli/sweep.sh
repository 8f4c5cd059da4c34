#!/bin/sh
# SPDX-License-Identifier: MIT
# mmusim sweep: order of rows, formats, verdict, failures, interruption.
. "$SOURCE_DIR/tests/cli/lib.sh"
small=workload:madvise,pages=4,threads=1,rounds=5,reads=50
key=os.flush_ceiling

refuses 2 "what to sweep?" sweep "$small"
refuses 2 "not KEY=VALUES" sweep -p $key "$small"
refuses 2 "downwards" sweep -p $key=9..1 "$small"
refuses 2 "swept twice" sweep -p $key=1 -p $key=2 "$small"
refuses 2 "product" sweep -p $key=0..9999 -p seed=0..9999 "$small"
refuses 2 "nearest: $key" sweep -p os.flush_celing=1,2 "$small"
refuses 2 "$key" sweep -p $key=1,many "$small"
refuses 2 "from 1 to" sweep -j 0 -p $key=1 "$small"
refuses 2 "K, M, G" sweep --cache 3X -p $key=1 "$small"
refuses 2 "nearest: csv" sweep --format cvs -p $key=1 "$small"
refuses 2 "nearest: llt.misses" sweep --metric llt.mises -p $key=1,2 "$small"
refuses 3 "no-such-file" sweep -p $key=1,2 no-such-file

# rows in the product's order, the same bytes for any number of jobs
run 0 sweep -j 1 -p $key=1,33,4 -p seed=7,5 --format csv "$small"
cp "$work/out" "$work/one.csv"
cut -d, -f1,2 "$work/out" | tr '\n' ' ' >"$work/keys"
[ "$(cat "$work/keys")" = "$key,seed 1,7 1,5 33,7 33,5 4,7 4,5 " ] ||
    fail "rows are: $(cat "$work/keys")"
for jobs in 2 5; do
    run 0 sweep -j $jobs -p $key=1,33,4 -p seed=7,5 --format csv "$small"
    cmp -s "$work/out" "$work/one.csv" || fail "-j $jobs gives other bytes"
done
if head -1 "$work/out" | grep -q ',core0\.'; then
    fail "csv has single CPUs"
fi
columns=$(head -1 "$work/out" | tr -cd , | wc -c)
while read -r line; do
    [ "$(printf '%s' "$line" | tr -cd , | wc -c)" -eq "$columns" ] ||
        fail "a row has another number of fields"
done <"$work/out"
run 0 sweep -p $key=1,2 --per-core --format csv "$small"
says ",core0.cycles,"

# a point of a sweep is that replay
run 0 replay -s $key=4 --format csv "$small"
cycles=$(sed -n 's/^sim\.cycles,\([0-9]*\),.*/\1/p' "$work/out")
run 0 sweep -p $key=4 --format json "$small"
says "\"sim.cycles\": $cycles,"
says '"schema": "mmusim-sweep-1"'
says "\"parameters\": {\"$key\": \"4\"}"
if command -v python3 >/dev/null; then
    python3 -m json.tool "$work/out" >/dev/null || fail "json is not JSON"
fi

# text: table, plot, verdict
run 0 sweep -p $key=0..8/2 --ascii "$small"
says "5 of 5 points"
says "busy cycles"
says "sim.cycles"
says "* within 0.1 % of the best"
grep -qE '^(best|flat): ' "$work/out" || fail "there is no verdict"
grep -q '| *\*' "$work/out" || fail "there is no plot"
if LC_ALL=C grep -q '[^ -~]' "$work/out"; then fail "--ascii is not ASCII"; fi
run 0 sweep -p seed=1,2 --metric sim.accesses --ascii "$small"
grep -q '^flat: all 2 points' "$work/out" || fail "equal points are not flat"
run 0 sweep -p $key=4 "$small"

# Ctrl-C: status 130 and a whole table of the rows that were finished
mkfifo "$work/pipe"
"$MMUSIM" sweep -j 2 -p $key=1,2,3 --format csv -o "$work/pipe" \
    workload:chase,rounds=1000000000 2>"$work/err" &
tool=$!
exec 3<"$work/pipe"
kill -INT $tool
wait $tool
[ $? -eq 130 ] || fail "an interrupted sweep is not status 130"
head -1 <&3 | grep -q "^$key" || fail "an interrupted sweep has no table"
exec 3<&-
finish
