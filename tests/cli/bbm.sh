#!/bin/sh
# SPDX-License-Identifier: MIT
# arm.watch_bbm: Linux on arm64 breaks before it makes, in every run of the
# shipped traces; only an Armv8 machine has the key.
. "$SOURCE_DIR/tests/cli/lib.sh"

value() {
    sed -n "s/^$1,\([0-9]*\),.*/\1/p" "$work/out"
}

for protocol in linux-arm64-4.20 linux-arm64-6.8; do
    for trace in requests-arm64 $(is_slow_build || echo churn); do
        run 0 replay -q -m generic -s isa=armv8 -s fabric=dvm \
            -s os.protocol=$protocol -s topology.cores_per_socket=4 \
            -s arm.watch_bbm=true --format csv \
            "$SOURCE_DIR/traces/$trace.mmt"
        [ "$(value bbm.violations)" = 0 ] ||
            fail "$protocol $trace: $(value bbm.violations) violations"
        [ "$(value bbm.observed)" -gt 5000 ] ||
            fail "$protocol $trace: only $(value bbm.observed) breaks seen"
    done
done
# watching changes nothing, and both engines see the same
for engine in run-ahead reference; do
    run 0 replay -q -m generic -s isa=armv8 -s fabric=dvm \
        -s os.protocol=linux-arm64-6.8 -s topology.cores_per_socket=4 \
        -s arm.watch_bbm=true -s engine=$engine --format csv "$SOURCE_DIR/traces/sort.mmt"
    cp "$work/out" "$work/$engine"
done
cmp -s "$work/run-ahead" "$work/reference" || fail "the engines differ"
run 0 replay -q -m generic -s isa=armv8 -s fabric=dvm \
    -s os.protocol=linux-arm64-6.8 -s topology.cores_per_socket=4 \
    --format csv "$SOURCE_DIR/traces/sort.mmt"
grep -v '^bbm\.' "$work/run-ahead" | cmp -s - "$work/out" ||
    fail "watching changes statistics"
refuses 2 "arm.watch_bbm" replay -m generic -s arm.watch_bbm=true \
    workload:munmap
run 0 replay -q --format csv workload:munmap,rounds=2
[ -z "$(value bbm.violations)" ] || fail "bbm.* without arm.watch_bbm"

finish
