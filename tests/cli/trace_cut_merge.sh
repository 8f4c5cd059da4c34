#!/bin/bash
# SPDX-License-Identifier: MIT
# mmusim trace cut and merge: parts are the whole, and what comes out runs in
# the recorded order with the same accesses.
. "$SOURCE_DIR/tests/cli/lib.sh"

# records TRACE: how many a text of it has, without those that a cut adds.
records() {
    "$MMUSIM" trace cat "$1" | wc -l
}
# added: how many records the last cut has added
added() {
    sed -n 's/.* added \([0-9]*\) that .*/\1/p' "$work/err"
}
# accesses TRACE: loads and stores, by the text alone.
accesses() {
    "$MMUSIM" trace cat "$1" | awk '$2 == "r" || $2 == "w"' | wc -l
}
# replays TRACE: in the recorded order, with all the accesses of its text.
replays() {
    run 0 replay --format json "$1"
    grep -q '"sim.order_broken": 0,' "$work/out" || fail "$1: order is broken"
    grep -q "\"sim.accesses\": $(accesses "$1")," "$work/out" ||
        fail "$1: not the accesses of the trace"
}

run 0 trace cut --end 30000 -o "$work/whole.mmt" "$SOURCE_DIR/traces/sort.mmt"
whole=$(records "$work/whole.mmt")
replays "$work/whole.mmt"

# halves BOUND FIRST-OPTION SECOND-OPTION: what is cut there is whole again.
halves() {
    run 0 trace cut "$2" "$1" -o "$work/a.mmt" "$work/whole.mmt"
    n_added=$(added)
    run 0 trace cut "$3" "$1" -o "$work/b.mmt" "$work/whole.mmt"
    n_added=$((n_added + $(added)))
    sum=$(($(records "$work/a.mmt") + $(records "$work/b.mmt") - n_added))
    [ "$sum" -eq "$whole" ] || fail "$2 $1: $sum records, not $whole"
    replays "$work/a.mmt"
    replays "$work/b.mmt"
}
for n in 1 777 12000 29999; do
    halves $n --end --begin
done
for n in 1 20000 40000; do
    halves $n --end-instructions --begin-instructions
done

# ---- what the stamps of a part become ----
cat >"$work/small.txt" <<'EOF'
1 sync 1
1 clone 2
2 sync 1
1 mark phase
1 i 0x1000 4 16
1 site 0x1010
1 sync 2
1 munmap 0x10000 4096
2 r 0x20000 8
2 sync 2
2 r 0x21000 8
2 sync 3
2 munmap 0x20000 8192
1 mark phase
1 sync 3
1 w 0x30000 8
1 exit
2 exit
EOF
# between the stamp and its operation: the bound moves before both
run 0 trace cut --begin 6 --to text -o "$work/part.txt" "$work/small.txt"
diff - "$work/part.txt" <<'EOF' || fail "the cut is not what it should be"
1 clone 2
2 exit
1 site 0x1010
1 sync 1
1 munmap 0x10000 4096
1 mark phase
1 sync 1
1 w 0x30000 8
1 exit
EOF
replays "$work/part.txt"

# ---- by marks: thread 2 where order stamps put it ----
run 0 trace cut --to-mark phase.0 --to text -o "$work/p0.txt" "$work/small.txt"
run 0 trace cut --from-mark phase --to-mark phase.1 --to text \
    -o "$work/p1.txt" "$work/small.txt"
run 0 trace cut --from-mark phase.1 --to text -o "$work/p2.txt" "$work/small.txt"
diff - "$work/p1.txt" <<'EOF' || fail "the part between marks"
1 clone 2
2 r 0x20000 8
1 mark phase
1 i 0x1000 4 16
1 site 0x1010
1 sync 1
1 munmap 0x10000 4096
2 sync 1
EOF
grep -v '^1 clone' "$work/p1.txt" | cat "$work/p0.txt" - >"$work/sum.txt"
grep -v '^1 clone' "$work/p2.txt" >>"$work/sum.txt"
[ "$(wc -l <"$work/sum.txt")" -eq 18 ] || fail "parts by marks are not the whole"
for part in p0 p1 p2; do
    replays "$work/$part.txt"
done

# ---- what was before a part is repeated ----
printf '%s\n' '1 image 0x1000 4096 r-x file:/bin/a' '1 on 3' '1 r 0x1000' \
    '2 kthread' '2 r 0x2000' '1 r 0x5000' '2 r 0x6000' >"$work/state.txt"
run 0 trace cut --begin 2 --to text -o "$work/part.txt" "$work/state.txt"
printf '%s\n' '1 image 0x1000 4096 r-x file:/bin/a@0' '2 kthread' '1 on 3' \
    '1 r 0x1000 8' '1 r 0x5000 8' '2 r 0x6000 8' | cmp -s - "$work/part.txt" || {
    fail "image, on and kthread are not repeated"
    cat "$work/part.txt"
}

# ---- merge ----
run 0 trace cut --end-instructions 60000 -o "$work/a.mmt" "$work/whole.mmt"
run 0 trace cut --begin-instructions 40000 -o "$work/b.mmt" "$work/whole.mmt"
for process in '' --same-process; do
    run 0 trace merge $process -o "$work/m.mmt" "$work/a.mmt" "$work/b.mmt" \
        "$work/small.txt"
    [ "$(wc -l <"$work/err")" -eq 3 ] || fail "merge: not a line a trace"
    sum=$(($(records "$work/a.mmt") + $(records "$work/b.mmt") + 18))
    [ -z "$process" ] || sum=$((sum + 2)) # clones of the two others' firsts
    [ "$(records "$work/m.mmt")" -eq "$sum" ] || fail "merge $process: records"
    replays "$work/m.mmt"
    run 0 trace verify "$work/m.mmt"
done
run 0 trace merge --to text -o "$work/m.txt" "$work/small.txt" "$work/small.txt"
[ "$(awk '/sync/ { print $3 }' "$work/m.txt" | sort -un | tr '\n' ' ')" = \
    "1 2 3 4 5 6 " ] || fail "merge: the stamps are not 1 to 6"
grep -q '^3 clone 4$' "$work/m.txt" || fail "merge: numbers are not replaced"
grep -q '18 records of 2 threads, 2 renumbered, 3 operations' "$work/err" ||
    fail "merge: the line of the second trace"
run 0 trace merge -o "$work/m1.mmt" "$work/a.mmt"
"$MMUSIM" trace cat "$work/m1.mmt" | cmp -s - <("$MMUSIM" trace cat \
    "$work/a.mmt") || fail "one trace merged is not itself"

# ---- bad input ----
s=$work/small.txt
refuses 2 "there is no mark 'phse'" trace cut --from-mark phse -o "$work/x" "$s"
refuses 2 "there is no such thread as 9" trace cut --thread 9 -o "$work/x" "$s"
refuses 2 "there is no such thread as 9" trace convert --thread 9 \
    -o "$work/x" "$s"
refuses 2 "there is no such thread as 9" trace cat --thread 9 "$s"
refuses 2 "from 10 on, up to before 5" trace cut --begin 10 --end 5 \
    -o "$work/x" "$s"
refuses 2 "from 10 on, up to before 5" trace cat --begin 10 --end 5 "$s"
[ ! -e "$work/x" ] || fail "a selection of nothing leaves a file"
refuses 2 "no record" trace cut --from-mark phase.1 --to-mark phase \
    -o "$work/x" "$s"
refuses 2 "-o FILE is missing" trace cut --begin 1 "$s"
refuses 2 "-o FILE is missing" trace merge "$s" "$s"
refuses 2 "takes traces" trace merge -o "$work/x"
refuses 3 "No such file" trace merge -o "$work/x" "$s" "$work/none"
refuses 4 "the output is the input" trace merge -o "$work/b.mmt" "$s" \
    "$work/b.mmt"
[ ! -e "$work/x" ] && [ ! -e "$work/x.part" ] || fail "a failure left output"
finish
