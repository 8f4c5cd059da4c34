#!/bin/sh
# SPDX-License-Identifier: MIT
# Batched flushes of reclaim: a small form of the comparison. The direction of
# every figure is what was measured; the figures themselves are those of
# docs/validation.md, at a larger scale (here a node's lists are so short that
# reclaim takes a few pages at a time).
. "$SOURCE_DIR/tests/cli/lib.sh"

# Each page is read once and misses whatever the TLBs hold.
small=
! is_slow_build || small="-s tlb.l1d.0.entries=16 -s tlb.l2.0.entries=64"

# shellcheck disable=SC2086 # options
run 0 validate lru-file-mmap-read -q --scale 32M --format csv $small
[ "$(grep -c CPUs "$work/out")" -eq 2 ] || fail "two machines are expected"
awk -F, '/CPUs/ && !($3 > 0 && $2 > 2 * $3 && $5 > 2 && $8 < -10) { exit 1 }' \
    "$work/out" || fail "batches do not help: $(cat "$work/out")"
# the key is heard: without batches in both there is no difference
# shellcheck disable=SC2086 # options
run 0 validate lru-file-mmap-read -q --scale 32M --format json \
    -s os.batched_unmap=false $small
[ "$(grep -o '"ratio": 1.00,' "$work/out" | wc -l)" -eq 2 ] ||
    fail "-s os.batched_unmap=false: $(cat "$work/out")"
run 2 validate lru-file-mmap-read --scale 1
run 2 validate lru-file-mmap-read extra
run 2 validate lru-file-mmap-read -s os.no_such_key=1
finish
