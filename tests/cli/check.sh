#!/bin/sh
# SPDX-License-Identifier: MIT
# --check: exit status, reports, statistics that are the same without.
. "$SOURCE_DIR/tests/cli/lib.sh"
small=workload:munmap,pages=4,threads=2,rounds=5,reads=50

# nothing found: silent, and the same statistics but for checker.*
run 0 replay --format csv "$small"
cp "$work/out" "$work/off"
run 0 replay --check --format csv "$small"
says "checker.allowed_stale_hits,"
says "checker.violations,0,"
[ ! -s "$work/err" ] || fail "--check speaks though it found nothing"
grep -v '^checker\.' "$work/out" | cmp -s - "$work/off" ||
    fail "--check changes statistics"

# Two threads give the same pages back again and again: the second finds them
# gone and returns without a flush while the first still flushes (Linux before
# 4.13: B06 of docs/checker.md).
b06_trace 100 >"$work/b06.txt"
run 1 replay --check -s os.protocol=linux-4.6 --format csv "$work/b06.txt"
cp "$work/out" "$work/run-ahead"
for text in "STALE_AFTER_COMPLETE: " "returned from madvise" \
    "unmapped the page" "writes of its table entry" \
    "flushes of the address space" "CPU 1 lately" "not told"; do
    grep -qF -e "$text" "$work/err" || fail "the report lacks '$text'"
done
if grep -q '^checker\.violations,0,' "$work/out"; then
    fail "found, and counted as 0"
fi
run 1 replay --check -s os.protocol=linux-4.6 -s engine=reference \
    --format csv "$work/b06.txt"
cmp -s "$work/out" "$work/run-ahead" || fail "the engines differ"
run 0 replay -s os.protocol=linux-4.6 --format csv "$work/b06.txt"
grep -v '^checker\.' "$work/run-ahead" | cmp -s - "$work/out" ||
    fail "--check changes statistics where it finds something"

# Reclaim has cleared entries and flushes later, for many at once; somebody else
# gives the same page back, finds nothing there, and returns (Linux before
# 4.13: B02).
awk 'BEGIN {
    print "1 mmap 0x10000000 0x20000 r-- file:/f"
    print "1 clone 2"
    print "1 clone 3"
    for (round = 0; round < 30; round++) {
        for (i = 0; i < 32; i++)
            printf "1 r 0x%x\n", 268435456 + 4096 * i
        printf "1 reclaim 0x10000000 0x20000\n1 n %d\n", round * 97 % 3000
        for (k = 0; k < 20; k++)
            printf "2 madvise 0x10000000 0x1000 dontneed\n2 n %d\n", \
                1 + (round * 7 + k * 131) % 1500
        for (k = 0; k < 300; k++)
            printf "3 n %d\n3 r 0x10000000\n", 1 + (round + k * 37) % 100
    }
}' >"$work/b02.txt"
for protocol in linux-4.6 linux-4.6-fixed linux-4.20-fixed linux-7.1 ideal; do
    status=0
    [ "$protocol" = linux-4.6 ] && status=1
    run "$status" replay --check -s os.protocol="$protocol" \
        -s topology.sockets=1 -s topology.cores_per_socket=4 \
        -s cost.major_fault_cycles=1000 -s os.fault_around_pages=16 \
        --format csv "$work/b02.txt"
done

# madvise(MADV_FREE) of a file is refused, and so promises nothing.
awk 'BEGIN {
    print "1 mmap 0x10000000 0x1000 rw- file:/f"
    print "1 clone 2"
    for (round = 0; round < 60; round++) {
        printf "1 w 0x10000000\n1 n %d\n", 1 + round * 53 % 900
        print "1 madvise 0x10000000 0x1000 dontneed"
        for (i = 0; i < 6; i++)
            printf "2 madvise 0x10000000 0x1000 free\n2 n %d\n%s\n", \
                1 + (round * 7 + i * 31) % 200, "2 w 0x10000000"
    }
}' >"$work/refused.txt"
run 0 replay --check -s os.protocol=linux-7.1 "$work/refused.txt"

# how many are told
run 1 replay --check -s os.protocol=linux-4.6 -s checker.reports=1 \
    "$work/b06.txt"
[ "$(grep -c '^violation ' "$work/err")" -eq 1 ] ||
    fail "checker.reports=1 tells more or less than one"

# sweeps
run 0 sweep -q --check -p os.flush_ceiling=1,33 --format csv "$small"
says "checker.violations"
run 1 sweep -q --check -s os.protocol=linux-4.6 -p os.flush_ceiling=1,33 \
    --format csv "$work/b06.txt"
finish
