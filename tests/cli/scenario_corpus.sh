#!/bin/bash
# SPDX-License-Identifier: MIT
# The historical bugs: each buggy file gets its verdict, executed as written
# and found by a search; each fixed one stays clean in both.
. "$SOURCE_DIR/tests/cli/lib.sh"
corpus=$SOURCE_DIR/scenarios/corpus
schedules=10000
[ -z "${MMUSIM_SANITIZE:-}" ] || [ "$MMUSIM_SANITIZE" = OFF ] || schedules=500

for buggy in "$corpus"/*-buggy.scn; do
    fixed=${buggy%-buggy.scn}-fixed.scn
    [ -e "$fixed" ] || fail "$buggy has no fixed one"
    grep -q '^# expect.*clean' "$buggy" && fail "$buggy expects clean"
done
for fixed in "$corpus"/*-fixed.scn; do
    [ -e "${fixed%-fixed.scn}-buggy.scn" ] || fail "$fixed has no buggy one"
    grep -qx '# expect: clean' "$fixed" || fail "$fixed does not expect clean"
done
run 0 scenario run -q "$corpus"/*.scn
grep "EXPECTED" "$work/out"
run 0 scenario explore -q --schedules $schedules "$corpus"/*.scn
grep -E "EXPECTED|not all" "$work/out"
finish
