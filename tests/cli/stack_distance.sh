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
    same_lru_misses "$work/refs.txt" "$work/refs.txt"
done
finish
