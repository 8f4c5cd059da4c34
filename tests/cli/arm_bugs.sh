#!/bin/sh
# SPDX-License-Identifier: MIT
# Bugs of Arm's and RISC-V's kernels on whole machines: the version that has one
# is told of, the repaired one is not, in either engine.
. "$SOURCE_DIR/tests/cli/lib.sh"

# finds VERDICT MACHINE TRACE OPTIONS...: violations, of that verdict among them
finds() {
    verdict=$1
    machine=$2
    trace=$3
    shift 3
    run 1 replay --check --format csv -m "$machine" "$@" "$work/$trace"
    grep -q "^checker\.violations\.$verdict,[1-9]" "$work/out" ||
        fail "$machine $*: no $verdict"
    cp "$work/out" "$work/run-ahead"
    run 1 replay --check --format csv -m "$machine" "$@" -s engine=reference \
        "$work/$trace"
    cmp -s "$work/out" "$work/run-ahead" || fail "$machine $*: engines differ"
}

clean() {
    machine=$1
    trace=$2
    shift 2
    run 0 replay --check --format csv -m "$machine" "$@" "$work/$trace"
}

# Thread 2 looks at a page without rights: its CPU keeps the pointer to the
# upper half of the table, which thread 1 then frees and has again.
cat >"$work/table.txt" <<'END'
1 clone 2
1 mmap 0x10000000 0x1000 rw-
1 mmap 0x10100000 0x1000 ---
1 w 0x10000000
1 n 400000
1 munmap 0x10000000 0x1000
1 munmap 0x10100000 0x1000
1 mmap 0x20000000 0x100000 rw-
1 w 0x20000000
1 w 0x20010000
1 n 400000
2 n 200000
2 r 0x10100000
2 n 500000
2 r 0x10100000
2 n 100000
2 r 0x10100000
END

# threads COUNT ROUNDS: they use, drop and protect the same pages; with more
# than 4 the upper half is of another process. Numbers from a generator, since
# every awk has another rand().
threads() {
    awk -v n="$1" -v rounds="$2" '
    function draw(bound) {
        state = (state * 1103515245 + 12345) % 2147483648
        return int(state / 65536) % bound
    }
    BEGIN {
        print "1 mmap 0x10000000 0x20000 rw-"
        half = n > 4 ? n / 2 : n
        if (n > 4)
            printf "1 fork %d\n", half + 1
        for (t = 2; t <= half; t++)
            printf "1 clone %d\n", t
        for (t = half + 2; t <= n; t++)
            printf "%d clone %d\n", half + 1, t
        for (i = 0; i < rounds; i++) {
            t = 1 + draw(n)
            for (k = 0; k < 6; k++)
                printf "%d %s 0x%x\n", t, draw(2) ? "r" : "w",
                    268435456 + 4096 * draw(24)
            if (i % 6 == 0)
                printf "%d n 3000\n", t
            page = 268435456 + 4096 * draw(24)
            if (i % 7 == 0)
                printf "%d madvise 0x%x 0x1000 dontneed\n", t, page
            if (i % 9 == 0)
                printf "%d mprotect 0x%x 0x1000 r--\n" \
                    "%d mprotect 0x%x 0x1000 rw-\n", t, page, t, page
        }
    }'
}
threads 4 400 >"$work/four.txt"
threads 8 1000 >"$work/eight.txt"

# B20: tables, and pages, are freed before the flush. B21: one of two pointers.
finds UAF_TABLE cortex-a15 table.txt -s os.protocol=linux-arm-2.6.37
finds UAF_PAGE cortex-a15 four.txt -s os.protocol=linux-arm-2.6.37 \
    -s order=relaxed
finds UAF_TABLE cortex-a15 table.txt -s os.protocol=linux-arm-2.6.38
for kernel in linux-arm-2.6.37-fixed linux-arm-2.6.38-fixed linux-arm; do
    clean cortex-a15 table.txt -s os.protocol=$kernel
    clean cortex-a15 four.txt -s os.protocol=$kernel -s order=relaxed
done

# B37: who leaves the mask keeps its entries.
short="-s order=relaxed -s os.timeslice_cycles=20000 -s riscv.asid_bits=16"
# shellcheck disable=SC2086 # options are words
finds STALE_AFTER_COMPLETE sifive-u74 eight.txt $short \
    -s os.protocol=linux-riscv-6.2
for kernel in linux-riscv-6.2-fixed linux-riscv; do
    # shellcheck disable=SC2086
    clean sifive-u74 eight.txt $short -s os.protocol=$kernel
done

# B44: a DSB that does not wait; repeating the operation makes up for it.
slow="-s order=relaxed -s dvm.latency_socket_ns=10000"
for kernel in linux-arm64-6.8 linux-arm64-7.1; do
    # shellcheck disable=SC2086
    finds STALE_AFTER_COMPLETE neoverse-n1 four.txt $slow \
        -s os.protocol=$kernel -s dvm.early_syncs=1000000
    # shellcheck disable=SC2086
    clean neoverse-n1 four.txt $slow -s os.protocol=$kernel \
        -s dvm.early_syncs=1000000 -s arm.repeat_tlbi=true
    # shellcheck disable=SC2086
    clean neoverse-n1 four.txt $slow -s os.protocol=$kernel
done
finish
