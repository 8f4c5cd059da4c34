#!/bin/sh
# SPDX-License-Identifier: MIT
# LRU misses of the tool equal a stack-distance computation over the same
# trace: one thread of a shipped trace, its memory references only, through
# fully associative L1Ds of an in-order core (behind an unresolved walk, further
# accesses to its page would be misses, too).
. "$SOURCE_DIR/tests/cli/lib.sh"
command -v python3 >/dev/null || exit 77
sizes="4 16 64 200"

for trace in sort churn; do
    tid=$("$MMUSIM" trace info "$SOURCE_DIR/traces/$trace.mmt" |
        awk '$1 == "thread" { tid = $2 } END { print tid }')
    "$MMUSIM" trace cat --thread "$tid" "$SOURCE_DIR/traces/$trace.mmt" |
        awk '$2 == "r" || $2 == "w"' | head -n 300000 >"$work/refs.txt"
    [ -s "$work/refs.txt" ] || fail "$trace: no references"
    # shellcheck disable=SC2086
    python3 "$SOURCE_DIR/tests/model/stack_distance.py" $sizes \
        <"$work/refs.txt" >"$work/expected"
    for size in $sizes; do
        run 0 replay -m generic --format csv -s core.window=0 \
            -s tlb.l1d.0.entries="$size" \
            -s tlb.l1d.0.ways=full -s tlb.l1d.0.replacement=lru \
            "$work/refs.txt"
        awk -F, -v size="$size" '
            $1 == "l1d.misses" { misses = $2 }
            $1 == "l1d.accesses" { accesses = $2 }
            END { print size, misses, accesses }' "$work/out"
    done >"$work/measured"
    cmp "$work/expected" "$work/measured" || {
        fail "$trace: misses differ (expected, measured)"
        paste "$work/expected" "$work/measured"
    }
done
finish
