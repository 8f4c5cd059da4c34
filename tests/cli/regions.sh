#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# --attach-marks: regions share out what is counted, whichever the engine, and
# change nothing else; the table; many marks.
. "${SOURCE_DIR:?}/tests/cli/lib.sh"
cd "$work" || exit 99

# Three threads that share pages, unmap them, and mark what they do.
awk 'BEGIN {
    srand(7)
    print "1 mmap 0x10000000 0x100000 rw-\n1 i 0x400000\n1 clone 2\n1 clone 3"
    for (i = 0; i < 6000; i++) {
        tid = 1 + i % 3
        page = int(rand() * 256)
        print tid, "i", 4194304 + 64 * (i % 100), 20
        print tid, (rand() < 0.5 ? "r" : "w"), 268435456 + 4096 * page
        if (i % 97 == 0)
            print tid, "mark", substr("abc", 1 + int(rand() * 3), 1)
        if (i % 211 == 0)
            print tid, "madvise", 268435456 + 4096 * page, 8192, "dontneed"
    }
}' >threads.txt

# Sums over regions; nothing is printed if all are right.
sums() { # csv
    awk -F, '
    NR > 1 { value[$1] = $2 }
    /^region\./ {
        name = $1
        sub(/^region\.[^.]*\.[^.]*\./, "", name)
        sum[name] += $2
    }
    END {
        for (name in sum) {
            n++
            if (sum[name] != value[name])
                print name, sum[name], "in regions,", value[name], "in all"
        }
        if (n < 100)
            print "only", n, "statistics"
    }' "$1"
}
for machine in zen4 neoverse-n1; do
    run 0 replay -m $machine --format csv --per-core -o plain.csv threads.txt
    for engine in run-ahead reference; do
        run 0 replay -m $machine -s engine=$engine --attach-marks \
            --format csv --per-core -o $engine.csv threads.txt
    done
    cmp run-ahead.csv reference.csv ||
        fail "$machine: regions depend on the engine"
    grep -v '^region\.' run-ahead.csv | cmp - plain.csv ||
        fail "$machine: regions change other statistics"
    wrong=$(sums run-ahead.csv)
    [ -z "$wrong" ] || fail "$machine: $wrong"
    [ "$(grep -c '^region\..*sim\.cycles' run-ahead.csv)" = 63 ] ||
        fail "$machine: not a region for each of 62 marks and the start"
    grep -q '^region\.a\.0\.shootdown\.count,' run-ahead.csv ||
        fail "$machine: regions have no shootdowns"
done

# A thread alone: a mark parts exactly what comes before and after it.
cat >exact.txt <<'END'
1 mmap 0x10000000 0x10000 rw-
1 i 0x400000
1 w 0x10000000
1 mark one
1 w 0x10001000
1 w 0x10002000
1 mark two
1 w 0x10000000
1 w 0x10003000
END
run 0 replay --attach-marks --format csv -o exact.csv exact.txt
for row in '(start).0.sim.accesses,1' 'one.0.sim.accesses,2' \
    'one.0.faults.minor,2' 'two.0.faults.minor,1' 'two.0.sim.accesses,2'; do
    grep -qF "region.$row," exact.csv || fail "exact: no $row"
done
run 0 replay --attach-marks exact.txt
says 'Regions, from one mark to the next'
run 0 replay exact.txt
! grep -q Regions "$work/out" || fail "a table that nobody asked for"

# A long name moves no column of the table.
sed 's/mark one/mark a.name.as.long.as.marks.may.have/' exact.txt >long.txt
run 0 replay --attach-marks long.txt
sed -n '/^Regions/,/^$/p' "$work/out" | awk 'NR > 1 && NF { print length($0) }' |
    sort -u >lengths
[ "$(wc -l <lengths)" = 1 ] || fail "the table of regions is not aligned"
says 'a.name.as.long.as.marks.may.have '

# More marks than regions are kept apart.
awk 'BEGIN {
    print "1 i 0x400000"
    for (i = 0; i < 300; i++)
        print "1 mark loop\n1 n 10"
    for (i = 0; i < 400; i++)
        print "1 mark m" i "\n1 n 10"
}' >many.txt
run 0 replay --attach-marks --format csv -o many.csv many.txt
wrong=$(sums many.csv)
[ -z "$wrong" ] || fail "many marks: $wrong"
grep -q '^region.loop.rest.sim.instructions,440,' many.csv ||
    fail "the rest of a name has not 44 marks"
grep -q '^region.(other).rest.sim.instructions,1460,' many.csv ||
    fail "the rest of all has not 146 marks"

refuses 2 'nearest: --attach-marks' replay --attach-mraks exact.txt
finish
