#!/bin/sh
# SPDX-License-Identifier: MIT
# The run-ahead engine and the reference engine, one event at a time, give the
# same statistics: on the shipped traces, on each machine, in recorded and in
# relaxed order, with a window, without one, and with a narrow one.
# The reference engine takes seconds a run; under sanitizers or a Debug build
# up to a minute, so only a plain build compares all of it.
. "$SOURCE_DIR/tests/cli/lib.sh"

# agree TRACE REPLAY-OPTIONS...
agree() {
    trace=$1
    shift
    for engine in run-ahead reference; do
        run 0 replay --format json -s engine=$engine "$@" \
            "$SOURCE_DIR/traces/$trace.mmt"
        grep -v '^ *"engine": ' "$work/out" >"$work/$engine.json"
    done
    grep -q '"sim.cycles": [1-9]' "$work/reference.json" ||
        fail "$trace $*: nothing was simulated"
    cmp -s "$work/run-ahead.json" "$work/reference.json" || {
        fail "$trace $*: the engines differ (< run-ahead, > reference)"
        diff "$work/run-ahead.json" "$work/reference.json" | head -n 12
    }
}

agree sort -m zen4
agree requests-arm64 -m zen4 -s core.window=1 -s order=relaxed
if is_slow_build; then
    finish && exit 0
fi
agree sort -m generic -s tlb.l1d.0.replacement=srrip -s tlb.l1i.0.replacement=nru \
    -s tlb.l2.0.index=skewed -s tlb.l2.0.replacement=nru
agree sort -m generic -s 'tlb.l2.0.ways_by_size=[4K:4, 2M:0-3]' \
    -s tlb.l2.0.probe_cycles=3 -s tlb.l1d.0.index=xor-fold
agree requests-arm64 -m cortex-a53
agree requests-arm64 -m sifive-p550
for machine in zen4 skylake-sp-2s westmere-ex-4s; do
    agree churn -m $machine
    agree sort -m $machine -s order=relaxed
    agree sort -m $machine -s core.window=0
    agree requests-arm64 -m $machine
done
finish
