#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Sweeps in a store: points that fail do not stop the others, interruptions
# keep what is finished, one run at a time; and two seeds of the campaign.
. "$SOURCE_DIR/tests/cli/lib.sh"
small=workload:madvise,pages=4,threads=1,rounds=5,reads=50
endless=workload:chase,rounds=1000000000
key=os.flush_ceiling
cd "$work" || exit 99
helper=
trap 'kill -9 $helper 2>/dev/null; rm -rf "$work"' EXIT

wait_for() { # until a command succeeds, 20 s at most
    for _ in $(seq 400); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.05
    done
    fail "never: $*"
    return 1
}
children() {
    cat "/proc/$1/task/$1/children"
}

# --time fails the endless points, and only them; retry opens them again
run 4 sweep --store slow -j 2 --time 1 -p $key=1,2 "$endless" "$small"
grep -q '2 of 4 points failed' err || fail "failed points are not counted"
run 0 sweep status slow
says "done        2 (50.0 %)"
says "took longer than --time 1"
refuses 3 "2 of 4 points are missing, 2 of them failed" sweep merge slow
run 0 sweep merge --partial slow
[ "$(wc -l <out)" -eq 3 ] || fail "a partial merge has not 2 rows"
run 0 sweep retry slow
says "2 points are open again"
run 0 sweep status slow
says "failed      0"
run 4 sweep work --time 1 --points 0 slow
run 0 sweep status --format json slow
says '"failed": 1,'
says '"open": 1,'

# --memory: a machine with more CPUs than fit
if [ -z "${MMUSIM_SANITIZE:-}" ]; then # their shadow is data, too
    run 4 sweep --store fat -j 1 --memory 32M -p topology.cores_per_socket=1,256 \
        "workload:madvise,pages=4,threads=2,rounds=2,reads=5"
    run 0 sweep status fat
    says "more than --memory 33554432 bytes"
    says "done        1 "
fi

# a worker that is killed fails its point; the others are computed
"$MMUSIM" sweep --store killed -q -j 1 -p $key=1,2 "$endless" "$small" \
    >/dev/null 2>helper.err &
helper=$!
endless_runs() {
    "$MMUSIM" sweep status --format json killed | grep -q '"workers": [1-9]' &&
        [ -n "$(children $helper)" ]
}
wait_for endless_runs && sleep 0.3 && kill -9 $(children $helper)
failed_one() {
    "$MMUSIM" sweep status killed | grep -q 'killed by signal 9'
}
wait_for failed_one
# somebody else is told who is at it
refuses 4 "(process $helper)" sweep --store killed -p $key=1,2 "$endless" "$small"
run 0 sweep status killed
says "running "
# Ctrl-C: status 130, workers end, what is finished is kept
workers=$(children $helper)
kill -INT $helper
wait $helper
[ $? -eq 130 ] || fail "an interrupted run is not status 130"
for pid in $workers; do
    kill -0 "$pid" 2>/dev/null && fail "a worker outlives its engine"
done
[ -z "$(ls killed/leases)" ] || fail "an interrupted run leaves leases"
failed_one || fail "an interrupted run forgets"

# kill -9 of the whole: the workers end, and the next run takes over at once
"$MMUSIM" sweep --store dead -q -j 2 -p $key=1,2 "$small" "$endless" \
    >/dev/null 2>helper.err &
helper=$!
done_two() {
    "$MMUSIM" sweep status dead | grep -q '^done  *2 '
}
wait_for done_two
cat dead/leases/run >dead.lease
workers=$(children $helper)
kill -9 $helper
wait $helper 2>/dev/null
gone() { # or no more than their entry in the process table
    for pid in $workers; do
        ! grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$pid/status" || return 1
    done
}
wait_for gone
run 0 sweep status dead
says "gone "
run 4 sweep --store dead --time 1 -p $key=1,2 "$small" "$endless"
run 0 sweep merge --partial dead
[ "$(wc -l <out)" -eq 3 ] || fail "finished points are lost"

# a lease whose owner is gone and whose points are done goes, too
sed 's/^pid .*/pid 999999/; s/^started .*/started 1/' dead.lease >dead/leases/2-2
run 4 sweep work dead
[ -z "$(ls dead/leases)" ] || fail "a stale lease is left"

# a disk that takes nothing: status 4, and nothing is lost but time
run 0 sweep --store full --plan-only -p $key=0..9 "$small"
(
    trap '' XFSZ
    ulimit -f 1
    exec "$MMUSIM" sweep work --patience 0 full >out 2>err
)
[ $? -eq 4 ] || fail "a full disk is not status 4"
grep -q 'cannot write' err || fail "a full disk is not told"
[ -z "$(find full/results -name '*.part*')" ] || fail "a part of a file is left"
run 0 sweep --store full -p $key=0..9 --format csv -o full.csv "$small"
run 0 sweep -p $key=0..9 --format csv -o plain.csv "$small"
cmp full.csv plain.csv || fail "other bytes after a full disk"

seeds=2
if is_slow_build; then seeds=1; fi
FAULT_ROUNDS=10 bash "$SOURCE_DIR/tests/campaigns/sweep_faults.sh" 1 $seeds >campaign 2>&1 || {
    fail "the campaign:"
    cat campaign
}
finish
