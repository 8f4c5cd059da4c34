#!/bin/sh
# SPDX-License-Identifier: MIT
# Every generated program runs to its end as it is meant: no stamp is given up,
# no access lies outside the mappings, both engines and two runs give the same
# statistics.
. "$SOURCE_DIR/tests/cli/lib.sh"

# stat NAME: of the last run, in CSV
stat() {
    awk -F, -v name="$1" '$1 == name { print $2 }' "$work/out"
}

# check SPEC REPLAY-OPTIONS...
check() {
    source=workload:$1
    shift
    for engine in run-ahead reference run-ahead; do
        run 0 replay -q -s topology.cores_per_socket=4 -s engine=$engine \
            --format csv "$@" "$source"
        for none in sim.order_broken sim.implicit_pages faults.invalid; do
            [ "$(stat $none)" = 0 ] ||
                fail "$source $*: $none is $(stat $none)"
        done
        [ "$engine" = run-ahead ] && [ -s "$work/first" ] &&
            ! cmp -s "$work/out" "$work/first" && fail "$source: two runs differ"
        cp "$work/out" "$work/$engine"
        [ "$engine" = reference ] || cp "$work/out" "$work/first"
    done
    cmp -s "$work/run-ahead" "$work/reference" ||
        fail "$source $*: the engines differ"
    rm "$work/first"
}

check mmap-micro,threads=4,rounds=20 -m haswell-ep
# three CPUs other than the main thread's each time, and the flush is of a page
[ "$(stat shootdown.targets)" -ge 60 ] || fail "mmap-micro: whom does it flush?"
check mmap-micro,threads=6,rounds=20,sleep=0,madvise=1,pages=3 -m zen4
check madvise-threads,threads=3,pages=16 -m haswell-ep
[ "$(stat shootdown.count)" -ge 192 ] || fail "madvise-threads: no flushes"
check context-switch,processes=3,pages=40,rounds=20 -m haswell-ep
check context-switch,processes=5,pages=8,rounds=20,cpus=2 -m neoverse-n1
check fork-cow,rounds=5,reads=500 -m haswell-ep
# 32 pages of each side, for each of 5 children
[ "$(stat faults.cow)" -eq 320 ] || fail "fork-cow: $(stat faults.cow) copies"
check exec-stack,rounds=5 -m haswell-ep -s os.exec_arg_pages=7
# the range that moves, page by page, in each of 5 children
[ "$(stat flush.local_pages)" -eq 35 ] || fail "exec-stack: whose pages?"
check apache-like,threads=3,requests=20 -m haswell-ep
[ "$(stat shootdown.count)" -ge 60 ] || fail "apache-like: no flushes"
check lru-file-mmap-read,readers=4,scale=2M,times=4 -m haswell-ep \
    -s os.memory=2M -s os.readahead_pages=8 -s os.fault_around_pages=4
[ "$(stat vmstat.pgsteal_direct)" -gt 500 ] || fail "lru: nothing is reclaimed"
check numa-balance,threads=4,pages=16,accesses=20000 -m haswell-ep-2s \
    -s topology.cores_per_socket=2 -s os.numa_balancing=true \
    -s os.numa_scan_period_cycles=300000
[ "$(stat vmstat.numa_pages_migrated)" -gt 30 ] || fail "numa-balance: no moves"
check ksm,processes=3,pages=32,writes=8,reads=8000 -m haswell-ep \
    -s os.ksm.run=true -s os.ksm.sleep_cycles=20000 \
    -s os.ksm.duplicate_ppm=1000000
# two of three equal pages each; every process writes 8 of its own again
[ "$(stat ksm.merged)" -eq 64 ] || fail "ksm: $(stat ksm.merged) merged"
[ "$(stat vmstat.cow_ksm)" -eq 24 ] || fail "ksm: $(stat vmstat.cow_ksm) copies"
check kernel-map,rounds=10 -m haswell-ep
[ "$(stat shootdown.count)" -eq 0 ] || fail "kernel-map: vfree flushes"
check kernel-map,rounds=10 -m haswell-ep -s os.vmap_lazy_pages=0
[ "$(stat shootdown.count)" -eq 10 ] || fail "kernel-map: no flushes"
[ "$(stat shootdown.targets)" -eq 30 ] || fail "kernel-map: not everybody"
finish
