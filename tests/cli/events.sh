#!/bin/sh
# SPDX-License-Identifier: MIT
# replay --events: lines as perf script prints them, in the order of their
# times, that sum to the statistics; the same from both engines.
. "$(dirname "$0")/lib.sh"

stat_of() { sed -n "s/^ *\"$1\": \\([0-9]*\\),*\$/\\1/p" "$work/stats"; }

replay_events() {
    run 0 replay -q --events "$work/events" --format json -o "$work/stats" "$@"
}

check() {
    name=$1
    # every line has perf script's columns
    if grep -Evq '^ +[^ ]+ +[0-9]+ \[[0-9]{3}\] +[0-9]+\.[0-9]{6}: tlb:tlb_flush: pages:-?[0-9]+ reason:[a-zA-Z0-9 ]+ \([0-5]\)$' \
        "$work/events"; then
        fail "$name: a line of another layout"
    fi
    awk '{ sub(":", "", $4); if ($4 + 0 < last) exit 1; last = $4 + 0 }' \
        "$work/events" || fail "$name: times go back"
    number=0
    for reason in flush_on_task_switch remote_shootdown local_shootdown \
        local_mm_shootdown remote_send_ipi remote_wrong_cpu; do
        sums=$(awk -v end="($number)" '
            $NF == end { n++; split($6, part, ":")
                         if (part[2] < 0) full++; else pages += part[2] }
            END { printf "%d %d %d", n, pages, full }' "$work/events")
        wanted="$(stat_of "tlb_flush.$reason.count") \
$(stat_of "tlb_flush.$reason.pages") $(stat_of "tlb_flush.$reason.full")"
        [ "$sums" = "$wanted" ] ||
            fail "$name: $reason: events say $sums, statistics $wanted"
        number=$((number + 1))
    done
}

replay_events -s topology.cores_per_socket=4 workload:madvise,threads=4
check madvise
[ -s "$work/events" ] || fail "no events of a workload that flushes"
grep -q 'reason:local mm shootdown (3)$' "$work/events" || fail "words of 4.6"
cp "$work/events" "$work/ahead"
replay_events -s topology.cores_per_socket=4 -s engine=reference \
    workload:madvise,threads=4
cmp -s "$work/events" "$work/ahead" || fail "the engines tell other events"

cat >"$work/trace.txt" <<'END'
1 mmap 0x10000 0x4000 rw-
1 w 0x10000
2 kthread
1 clone 3
3 r 0x10000
1 munmap 0x10000 0x4000
3 n 100000
END
replay_events -s topology.cores_per_socket=2 --from text "$work/trace.txt"
check "two processes on two CPUs"

refuses 2 "--events" replay --events "$work/x" -o "$work/x" workload:chase
refuses 4 "the output is the input" replay --events "$work/trace.txt" --from text "$work/trace.txt"
refuses 4 "" replay --events "$work/no/where" workload:chase,pages=4
[ ! -e "$work/x" ] || fail "an output of a refused run"
finish
