#!/bin/bash
# SPDX-License-Identifier: MIT
# mmusim scenario: tables, verdicts, replay files, statuses, messages.
. "$SOURCE_DIR/tests/cli/lib.sh"
b24=$SOURCE_DIR/scenarios/corpus/B24-buggy.scn
t=$work/t.scn
cd "$work" || exit 99

# ---- the failing order is found, printed, and replays ----
run 0 scenario explore "$b24"
says "STALE_AFTER_COMPLETE"
says "replay it: mmusim scenario run B24-buggy.failing.scn"
run 0 scenario run B24-buggy.failing.scn
says "STALE_AFTER_COMPLETE, as expected"
grep -q "^step CPU 0  *CPU 1$" "$work/out" || fail "no table"
run 0 scenario explore -q -o other.scn "$b24"
[ "$(wc -l <"$work/out")" -eq 2 ] || fail "-q is not quiet"
cmp -s other.scn B24-buggy.failing.scn || fail "two searches differ"
mkdir quiet && cd quiet || exit 99
run 0 scenario explore -q "$b24"
[ -z "$(ls)" ] || fail "-q wrote a file"
cd .. || exit 99

# ---- an expectation that is not met ----
cat >"$t" <<'END'
# expect: clean
mm M
page P
map M A -> P rw
start 0 M
start 1 M
0: read A
1: write A
0: pte[M][A] = none; flush_begin(M, A); invlpg A; flush_done
1: read A
END
run 1 scenario run "$t"
says "STALE_AFTER_COMPLETE, EXPECTED clean"
sed -i 's/clean/UAF_PAGE or STALE_AFTER_COMPLETE/' "$t"
run 0 scenario run "$t"

# ---- all orders of few ----
printf 'mm M\npage P\nmap M A -> P rw\nstart 0 M\nstart 1 M\n0: read A\n1: read A\n' >"$t"
run 0 scenario explore "$t"
says "clean (all orders:"

# ---- what is wrong, where, and what would be right ----
wrong() { # TEXT MESSAGE
    printf '%b' "$1" >"$t"
    refuses 3 "$2" scenario run "$t"
}
wrong 'mm M\npaeg P\n' ":2: expected a declaration"
wrong 'mm M\npaeg P\n' "nearest: page"
wrong 'mm M\npage P\nmap M A -> Q rw\n' ":3: page 'Q' is not declared above"
wrong 'mm M\n0: raed A\n' ":2: name 'raed' is not declared above (nearest: read)"
wrong '# expect: UAF_PGE\n0: pause\n' ":1: 'UAF_PGE' is no verdict (nearest: UAF_PAGE)"
wrong '# expcet\n# expected:\n0: pause\n' ":2: expected 'expect:'"
wrong 'cpus 9\n' ":1: expected a number of CPUs from 1 to 4"
wrong '7: pause\n' ":1: expected the number of a CPU"
wrong '0: x = (1 +\n' "expected a value, not the end"
wrong '0: if 1 {\n pause\n' "expected '}', not the end of the file"
wrong 'proc f(\n' ".scn:1: expected a parameter, not the end of the file"
wrong '0: mb(1)\n' "mb takes 0 arguments, not 1"
wrong 'include "nothing"\n' ":1: there is no file \"nothing\" to include"
wrong 'include "/etc/passwd"\n' "there is no file"
wrong '0: while 1 { x = 1 }\n' ":1: a loop without a step does not end"
wrong 'shared x[2]\n0: x[5] = 1\n' ":2: index 5 of x (0 to 1)"
wrong '# nothing\n' "no CPU does anything"
wrong '0: while 1 { pause }\n' "more than 5000 steps"
refuses 3 "no-such.scn" scenario run no-such.scn
refuses 2 "which scenario?" scenario explore
refuses 2 "one FILE" scenario explore -o x "$b24" "$b24"
printf 'shared l = 1\n0: lock l\n' >"$t"
run 1 scenario run "$t"
says "STUCK"
run 1 scenario explore -q "$t"
says "STUCK"
finish
