#!/bin/bash
# SPDX-License-Identifier: MIT
# mmusim litmus: the tests of tests/litmus, verdicts, statuses, messages. With
# MMUSIM_LITMUS_DATA, a folder of more tests with a kinds.tsv, those too.
. "$SOURCE_DIR/tests/cli/lib.sh"
tests=$SOURCE_DIR/tests/litmus
t=$work/t.litmus

run 0 litmus --schedules 300 "$tests"/*.litmus
says "Observation shootdown-remote Never 0 300  Forbidden: ok"
grep -q "Observation store-buffering Sometimes .* Allowed: ok" "$work/out" ||
    fail "store buffering was not seen"
grep -qE "^Forbidden +[1-9][0-9]*   seen: 0$" "$work/out" || fail "no table"
[ ! -s "$work/err" ] || fail "litmus wrote to standard error"

# ---- the same counts whatever the threads, others with another seed ----
run 0 litmus --schedules 300 -j 1 --states "$tests"/*.litmus
cp "$work/out" "$work/one"
run 0 litmus --schedules 300 -j 3 --states "$tests"/*.litmus
cmp -s "$work/out" "$work/one" || fail "-j 1 and -j 3 differ"
run 0 litmus --schedules 300 -j 3 --states --seed 7 "$tests"/*.litmus
cmp -s "$work/out" "$work/one" && fail "the seed changes nothing"

# ---- verdicts from a list: both forms, the file's name first ----
printf 'file\tname\tverdict\tthreads\n' >"$work/kinds.tsv"
printf 'store-buffering.litmus\tother\tForbidden\t2\n' >>"$work/kinds.tsv"
run 1 litmus --schedules 300 --kinds "$work/kinds.tsv" \
    "$tests/store-buffering.litmus"
says "FORBIDDEN OUTCOME"
says "Forbidden         1   seen: 1"
printf '# comment\nstore-buffering   Require # why\n' >"$work/kinds.txt"
run 1 litmus --schedules 300 --kinds "$work/kinds.txt" \
    "$tests/store-buffering.litmus"
says "REQUIRED OUTCOME MISSED"
echo "coherence-read-readAllow" >"$work/kinds.txt"
run 0 litmus --schedules 30 --kinds "$work/kinds.txt" \
    "$tests"/coherence-read-read.litmus "$tests"/store-buffering.litmus
says "Never 0 30  Allowed: not seen"
says "no verdict        1"
echo "one" >"$work/kinds.txt"
refuses 3 "kinds.txt:1: 'one': expected a name and a verdict" \
    litmus --kinds "$work/kinds.txt" "$tests/store-buffering.litmus"
refuses 3 "No such file" litmus --kinds "$work/none" "$t"

# ---- what is not supported or no test is named; the others run ----
printf 'AArch64 a\n{ }\n P0 ;\n SVC #0 ;\nexists (0:X0=0)\n' >"$t"
run 0 litmus --schedules 30 "$t" "$tests/store-buffering.litmus"
grep -q "^mmusim: $t:4: not supported: SVC #0$" "$work/err" ||
    fail "SVC is not named"
says "unsupported       1"
printf 'AArch64 a\n{ x=; }\n P0 ;\n NOP ;\nexists (0:X0=0)\n' >"$t"
run 3 litmus --schedules 30 "$t" "$tests/store-buffering.litmus"
grep -q "^mmusim: $t:2: .*expected a number" "$work/err" ||
    fail "a broken test is not named"
says "unreadable        1"
run 3 litmus "$work/none.litmus"
refuses 2 "which test" litmus
refuses 2 "--schedules" litmus --schedules 0 "$t"

if [ -n "${MMUSIM_LITMUS_DATA-}" ]; then
    run 0 litmus --schedules 300 --kinds "$MMUSIM_LITMUS_DATA/kinds.tsv" \
        "$MMUSIM_LITMUS_DATA"/*.litmus
    sed -n '/^tests run/,$p' "$work/out"
fi
finish
