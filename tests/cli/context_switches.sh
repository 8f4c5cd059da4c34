#!/bin/sh
# SPDX-License-Identifier: MIT
# docs/context-switches.md: what it says of numbers, entries, processes and
# addresses; and its figure is one.
. "$SOURCE_DIR/tests/cli/lib.sh"

rounds=6

# missing MACHINE PROTOCOL PROCESSES PAGES [REPLAY-OPTIONS...]: per cent of the
# loads
missing() {
    machine=$1 protocol=$2 processes=$3 pages=$4
    shift 4
    run 0 replay -q -m "$machine" -s topology.cores_per_socket=1 \
        -s os.protocol="$protocol" --format csv "$@" \
        "workload:context-switch,processes=$processes,pages=$pages,rounds=$rounds$same"
    awk -F, -v loads=$((processes * ${pages%%,*} * rounds)) '
        $1 == "llt.misses" { misses = $2 } $1 == "miss.cold" { cold = $2 }
        END { printf "%d\n", 100 * (misses - cold) / loads + 0.5 }' "$work/out"
}

# expect MIN MAX MISSING-ARGUMENTS...
expect() {
    min=$1 max=$2
    shift 2
    is=$(missing "$@")
    [ "$is" -ge "$min" ] && [ "$is" -le "$max" ] ||
        fail "$*: $is % miss, not $min to $max"
}

same=
expect 99 100 skylake-sp linux-4.6 2 16
awk -F, '$1 == "miss.switch" { exit !($2 > 100) }' "$work/out" ||
    fail "linux-4.6: not the switches' doing"
expect 0 0 skylake-sp linux-4.20 2 16
expect 0 0 skylake-sp linux-4.20 4 384
expect 90 100 skylake-sp linux-4.20 4 512
expect 0 0 skylake-sp linux-4.20 4 192 -s tlb.l2.0.entries=768
expect 90 100 skylake-sp linux-4.20 4 256 -s tlb.l2.0.entries=768
expect 0 0 skylake-sp linux-4.20 6 16
expect 99 100 skylake-sp linux-4.20 8 16
expect 0 0 neoverse-n1 linux-arm64-6.8 8 16
same=,same=1
expect 80 100 neoverse-n1 linux-arm64-6.8 6 16
expect 0 0 neoverse-n1 linux-arm64-6.8 5 16
# threads of one process: no switch of the address space
same=,threads=1
expect 0 0 skylake-sp linux-4.6 8 16

command -v python3 >/dev/null &&
    { python3 - "$SOURCE_DIR/docs/context-switches.svg" <<'PYTHON' || fail "figure"; }
import sys, xml.dom.minidom
picture = xml.dom.minidom.parse(sys.argv[1])
lines = picture.getElementsByTagName("polyline")
assert len(lines) == 16, len(lines)
assert all(len(l.getAttribute("points").split()) == 10 for l in lines)
PYTHON
finish
