#!/bin/bash
# SPDX-License-Identifier: MIT
# The historical bugs: each buggy file gets its verdict, executed as written
# and found by a search; each fixed one stays clean in both. scenarios/explore
# has the operations alone: as written they are clean, the search finds the bug.
# scenarios/protocols has protocols that are right, in all orders.
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
alone=("$SOURCE_DIR"/scenarios/explore/*.scn)
[ "${#alone[@]}" -ge 8 ] || fail "fewer than 8 bugs are found unshown"
grep -lE '(until|continue|hold|drain|defer|deliver)$| until ' "${alone[@]}" &&
    fail "an order is shown"
protocols=("$SOURCE_DIR"/scenarios/protocols/*.scn)
run 0 scenario run -q "$corpus"/*.scn "${alone[@]}" "${protocols[@]}"
grep "EXPECTED" "$work/out"
run 0 scenario explore -q --schedules $schedules "$corpus"/*.scn \
    "${alone[@]}" "${protocols[@]}"
grep -E "EXPECTED|CONFIRMED" "$work/out"
if [ $schedules -ge 10000 ]; then
    grep "clean (not all" "$work/out" && fail "not all orders of a fixed one"
fi
finish
