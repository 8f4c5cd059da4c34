#!/bin/sh
# SPDX-License-Identifier: MIT
# Kernel events as perf script and trace-cmd report print them: the calls that
# succeeded are operations in the order of the file, pages that a flush spoke
# of are touched before, and replay flushes them; what is no event is told.
. "$SOURCE_DIR/tests/cli/lib.sh"
sample=$SOURCE_DIR/tests/data/traces/unmapper.perf.gz
gzip -dc "$sample" >"$work/perf"

# kinds FILE: how many calls returned, by kind
kinds() {
    sed -n 's/.*sys_exit_\([a-z]*\): .*/\1/p' "$1" | sort | uniq -c
}
kinds "$work/perf" >"$work/expected"
run 0 trace cat "$sample"
awk '$2 ~ /^(mmap|munmap|mprotect|madvise|brk)$/ { print $2 }' "$work/out" |
    sort | uniq -c | diff - "$work/expected" || fail "not the same calls"

# every stamp before an operation is another number, none is missing
awk '$2 == "sync" { number[$1] = $3 }
    $2 ~ /^(mmap|munmap|mprotect|madvise|brk|syscall)$/ { print number[$1] }' \
    "$work/out" | sort -n | awk '$1 != NR { exit 1 }' ||
    fail "operations are not numbered one by one"

# before 21 pages are unmapped, those are touched that a flush spoke of
awk '$2 == "r" { n[$1]++ } $2 == "munmap" && $4 == 86016 { print n[$1] + 0 }
    $2 == "munmap" || $2 == "madvise" || $2 == "mprotect" { n[$1] = 0 }' \
    "$work/out" | sort >"$work/touched"
awk '/sys_enter_munmap.*len: 0x00015000/ { is_in[$2] = 1; n[$2] = 0 }
    /tlb_flush/ && is_in[$2] && !/remote shootdown/ {
        split($0, half, "pages:"); split(half[2], word, " ")
        n[$2] = word[1] < 0 ? 21 : word[1] }
    /sys_exit_munmap/ && is_in[$2] { print n[$2] + 0; is_in[$2] = 0 }' \
    "$work/perf" | sort >"$work/expected"
cmp "$work/expected" "$work/touched" || fail "not the pages of the flushes"

# the recorded flushes are told; counted here
n=$(grep -c 'reason:local MM shootdown' "$work/perf")
full=$(grep -c 'pages:-1 reason:local MM shootdown' "$work/perf")
grep -q "local mm shootdown $n ($full full)" "$work/err" ||
    fail "recorded flushes are not told"

run 0 replay -q -m skylake-sp -s os.protocol=linux-6.14 --format csv "$sample"
cp "$work/out" "$work/statistics"
for law in '^sim.order_broken,0,' '^faults.invalid,0,' '^shootdown.count,[1-9]'; do
    grep -q "$law" "$work/statistics" || fail "statistics: no $law"
done

# trace-cmd's form of the same lines gives the same trace
sed 's/ \([0-9]*\) \[\([0-9]*\)\]/-\1 [\2] d..1 /; s/[a-z_]*:\([a-z_]*\): /\1: /
    1i cpus=2' "$work/perf" >"$work/trace-cmd"
"$MMUSIM" trace cat "$sample" >"$work/first" 2>/dev/null
run 0 trace cat "$work/trace-cmd"
cmp "$work/out" "$work/first" || fail "trace-cmd: another trace"
run 0 trace cat --from trace-cmd "$work/trace-cmd"

# call chains and comments are passed over; PID/TID chooses the process
awk 'NR == 1 { print "# captured" } { print } /munmap/ {
    print "\t    7f1dde25ce22 munmap+0x22 (/usr/lib/libc.so.6)"; print "" }' \
    "$work/perf" >"$work/chains"
run 0 trace cat "$work/chains"
cmp "$work/out" "$work/first" || fail "with call chains: another trace"
sed 's/unmapper \([0-9]*\) /unmapper 29169\/\1 /' "$work/perf" >"$work/both"
run 0 trace cat "$work/both"
cmp "$work/out" "$work/first" || fail "PID/TID: another trace"
run 3 trace cat --from perf,process=7 "$work/both"
grep -q 'no event of a program' "$work/err" || fail "process=7 is not told"

# damage
refuses() { # pattern
    run 3 trace info "$work/bad"
    grep -q "$1" "$work/err" || {
        fail "no '$1' in:"
        cat "$work/err"
    }
}
sed '40s/.*/what is this/' "$work/perf" >"$work/bad"
refuses 'bad:40: .*no line of perf script'
sed '1s/reason.*/reason:unheard of (9)/' "$work/perf" >"$work/bad"
refuses 'bad:1: .*no tlb_flush'
sed 's/sys_exit_brk: .*/sys_exit_brk: nothing/' "$work/perf" >"$work/bad"
refuses "'nothing' is no result"
sed 's/len: 0x/len: 0y/' "$work/perf" >"$work/bad"
refuses 'len of sys_enter_[a-z]* is no number'
tac "$work/perf" >"$work/bad"
refuses 'goes backwards'
n=$(wc -c <"$work/perf")
head -c $((n - 3)) "$work/perf" >"$work/bad"
refuses 'the last line has no end'
sed 's/, flags:.*//' "$work/perf" >"$work/bad"
run 0 trace info "$work/bad"
grep -q '29 calls lack arguments' "$work/err" || fail "bare calls are not told"
sed 's/sys_exit_brk: .*/sys_exit_brk: nothing/' "$work/perf" >"$work/bad"
run 0 trace info --salvage "$work/bad"
finish
