#!/bin/bash
# SPDX-License-Identifier: MIT
# docs/adding-a-replacement-policy.md: the toy is built from the page's text,
# linked with the tool's own libraries, and beats LRU where the page says.
. "$SOURCE_DIR/tests/cli/lib.sh"
. "$SOURCE_DIR/tests/cli/lib_toy.sh"

toy_page "$SOURCE_DIR/docs/adding-a-replacement-policy.md"
mkdir -p "$work/tlb"
toy_blocks file=src/tlb/repl_toy_mru.c >"$work/tlb/repl_toy_mru.c"
declaration=$(toy_blocks declaration)
line=$(toy_blocks line)
[ -n "$declaration" ] && [ -n "$line" ] || fail "the page lacks a line"
awk -v line="$declaration" '
    { print }
    /^extern const struct repl_ops mmusim__repl_random;/ { print line }' \
    "$SOURCE_DIR/src/tlb/repl_table.h" >"$work/tlb/repl_table.h"
awk -v line="$line" '
    { print }
    /^static const struct repl_ops \*const repl_policies/ { print line }' \
    "$SOURCE_DIR/src/tlb/repl_table.c" >"$work/tlb/repl_table.c"

chase=(-m skylake-sp -s topology.cores_per_socket=1 workload:chase,pages=2000)
refuses 2 "replacement" replay -s tlb.l2.0.replacement=toy-mru "${chase[@]}"
toy_build "$work/tlb/repl_toy_mru.c" "$work/tlb/repl_table.c"

misses() { # POLICY
    run 0 replay -q --format csv -s "tlb.l2.0.replacement=$1" "${chase[@]}"
    sed -n 's/^llt.misses,\([0-9]*\),.*/\1/p' "$work/out"
}
lru=$(misses lru)
toy=$(misses toy-mru)
[ "${lru:-0}" -gt 0 ] || fail "LRU misses nothing"
[ $((2 * ${toy:-$lru})) -lt "$lru" ] ||
    fail "toy-mru misses ${toy:-?} times, LRU $lru: it must be less than half"

run 0 config keys -m generic
grep -q '^tlb.l2.0.replacement .*toy-mru' "$work/out" ||
    fail "config keys does not list the toy"

finish
