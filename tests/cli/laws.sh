#!/bin/sh
# SPDX-License-Identifier: MIT
# Conservation laws in the statistics of every shipped trace.
. "$SOURCE_DIR/tests/cli/lib.sh"
command -v python3 >/dev/null || exit 77

for machine in zen4 skylake-sp-2s; do
    for trace in "$SOURCE_DIR"/traces/*.mmt; do
        if is_slow_build; then
            run 0 trace cut --end 300000 -o "$work/part.mmt" "$trace"
            trace=$work/part.mmt
        fi
        run 0 replay -m $machine --format json "$trace"
        python3 "$SOURCE_DIR/tests/model/statistics_laws.py" "$work/out" ||
            fail "$trace on $machine"
    done
done
# statistics that break a law are found out
sed 's/"core0.miss.cold": /&9/' "$work/out" >"$work/bad"
if python3 "$SOURCE_DIR/tests/model/statistics_laws.py" "$work/bad" \
    >"$work/said"; then
    fail "a broken law goes unnoticed"
fi
finish
