#!/bin/sh
# SPDX-License-Identifier: MIT
# mmusim sweep of a shipped trace: the same bytes for any -j; Ctrl-C leaves a
# whole table of the rows that were finished.
. "$SOURCE_DIR/tests/cli/lib.sh"
trace=$SOURCE_DIR/traces/sort.mmt

for jobs in 1 2 3; do
    run 0 sweep -j $jobs -m zen4 -p os.flush_ceiling=1,33 -p seed=1,2 \
        --format csv "$trace"
    cp "$work/out" "$work/jobs$jobs.csv"
    cmp -s "$work/jobs1.csv" "$work/jobs$jobs.csv" ||
        fail "-j $jobs gives other rows than -j 1"
done
[ "$(wc -l <"$work/jobs1.csv")" -eq 5 ] || fail "not a head and four rows"

"$MMUSIM" sweep -j 2 -m zen4 -p seed=1..2000 --format csv -o "$work/rows" \
    "$trace" 2>"$work/err" &
tool=$!
sleep 2
kill -INT $tool
wait $tool
[ $? -eq 130 ] || fail "an interrupted sweep is not status 130"
[ ! -e "$work/rows.part" ] || fail "FILE.part is left over"
# Sanitizers are slow: not one row may be finished, then the head stands alone.
awk -F, 'NR == 1 { n = NF } NF != n || (NR > 1 && n < 2) { bad = 1 }
    END { exit bad || NR < 1 || NR > 2000 }' "$work/rows" ||
    fail "an interrupted sweep has no whole table"
finish
