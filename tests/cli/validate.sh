#!/bin/sh
# SPDX-License-Identifier: MIT
# Measured latency curves: half the points of each CPU within a tenth, no TLB
# full at the wrong number of pages; and what a wrong file is told.
. "$SOURCE_DIR/tests/cli/lib.sh"

curves=$SOURCE_DIR/tests/cli/latency-curves.csv
if is_slow_build; then
    awk -F, '/^#|^tlb_of/ || /^zen3/ && $4 <= 3072 ||
        /^skylake/ && $4 <= 2048' "$curves" \
        >"$work/few.csv"
    curves=$work/few.csv
fi

# The report's figures, judged here and not by the report's own verdict.
run 0 validate latency -q --format csv "$curves"
cp "$work/out" "$work/first"
for cpu in "zen4 72 3072" "zen3 64 2048" "sandy-bridge-ep 64 512" \
    "haswell-ep 64 1024" "skylake-sp 64 1536"; do
    # shellcheck disable=SC2086 # three words
    set -- $cpu
    grep -q "^$1," "$curves" || continue
    grep "^$1," "$work/first" >"$work/points" || fail "no points of $1"
    median=$(awk -F, '{ e = 100 * ($5 - $4) / $4; print e < 0 ? -e : e }' \
        "$work/points" | sort -n | awk '{ all[NR] = $1 }
        END { print (all[int((NR + 1) / 2)] + all[int(NR / 2) + 1]) / 2 }')
    awk -v median="$median" 'BEGIN { exit !(median <= 10) }' ||
        fail "$1: median error $median %"
    # every point up to the number of entries hits, every later one misses
    awk -F, -v entries="$2" '($7 >= 50) != ($3 > entries) { bad = 1 }
        END { exit bad }' "$work/points" || fail "$1: not $2 pages in the L1"
    awk -F, -v entries="$3" '($8 >= 50) != ($3 > entries) { bad = 1 }
        END { exit bad }' "$work/points" || fail "$1: not $3 pages in the L2"
done

# The same again, in the other forms.
run 0 validate latency -q --cpu 7900X "$curves"
grep -q "i9-7900X.*TLBs of skylake-sp" "$work/out" || fail "no head line"
grep -q "skylake-sp  *median error .* 0 wrong knees: agrees" "$work/out" ||
    fail "no verdict: $(tail -1 "$work/out")"
grep -q "knee of the l2 TLB: measured 1536 to 2048 pages, simulated 1536 to" \
    "$work/out" || fail "no knee"
run 0 validate latency -q --cpu 7900X --format csv -o "$work/csv" "$curves"
grep skylake-sp "$work/first" >"$work/points"
tail -n +2 "$work/csv" | cmp - "$work/points" || fail "not the same twice"
run 0 validate latency -q --cpu 7900X --format json "$curves"
python3 - "$work/out" <<'PYTHON' || fail "JSON"
import json, sys
report = json.load(open(sys.argv[1]))
cpu, = report["cpus"]
assert report["schema"] == "mmusim-latency-1"
assert [c["level"] for c in cpu["caches"]] == ["l1d", "l2", "llc", "dram"]
assert cpu["median_error_percent"] < 10
assert [k["verdict"] for k in cpu["knees"]] == ["right", "right"]
assert len(cpu["points"]) >= 17 and cpu["points"][0]["pages"] == 8
PYTHON
# a TLB of half the size is seen: the test above can fail
run 0 validate latency -q --cpu 7900X -s tlb.l2.0.entries=768 "$curves"
grep -q "knee of the l2 TLB: .* WRONG" "$work/out" || fail "any knee is right"

# Wrong files.
refuses 3 "cannot be opened" validate latency "$work/none.csv"
head -2 "$curves" >"$work/short.csv"
refuses 3 "short.csv:2: no row" validate latency "$work/short.csv"
head -4 "$curves" >"$work/short.csv"
refuses 3 "short.csv:3: 'AMD" validate latency "$work/short.csv"
sed 's/^zen3,/zen33,/' "$curves" >"$work/wrong.csv"
refuses 3 "tlb_of 'zen33'" validate latency "$work/wrong.csv"
sed 's/^zen3,/..\/zen3.yaml,/' "$curves" >"$work/wrong.csv"
refuses 3 "not a path" validate latency "$work/wrong.csv"
sed '10s/,[0-9]*$/,many/' "$curves" >"$work/wrong.csv"
refuses 3 "wrong.csv:10: cycles_stride_4K: 'many'" validate latency \
    "$work/wrong.csv"
sed 's/cycles_stride_64B/cycles/' "$curves" >"$work/wrong.csv"
refuses 3 "wrong.csv:2: column cycles_stride_64B is missing" \
    validate latency "$work/wrong.csv"
refuses 3 "zero:1: a zero byte" validate latency /dev/zero
refuses 2 "one file of curves" validate latency
refuses 2 "one file of curves" validate latency a b
refuses 2 "no CPU" validate latency --cpu 6502 "$curves"
refuses 2 "text, csv, json" validate latency --format xml "$curves"
refuses 2 "not KEY=VALUE" validate latency -s seed "$curves"
refuses 2 "nearest: latency" validate latencies
finish
