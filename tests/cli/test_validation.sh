#!/bin/sh
# SPDX-License-Identifier: MIT
# The simulated figures of the first table of docs/validation.md are what the
# tool gives now, within half a per cent.
. "$SOURCE_DIR/tests/cli/lib.sh"

rounds=2000
sed -n 's/^| \([124]\) | [0-9]* | \([0-9.]*\) |.*/\1 \2/p' \
    "$SOURCE_DIR/docs/validation.md" >"$work/table"
[ "$(wc -l <"$work/table")" -eq 3 ] || fail "the table is not there"
while read -r threads printed; do
    source=workload:madvise,pages=1,threads=$((threads - 1)),warm=1
    run 0 replay -q -m skylake-sp --per-core --format csv \
        "$source,reads=1000,rounds=$rounds"
    # busy cycles of CPU 0 at 3 GHz
    simulated=$(awk -F, -v rounds=$rounds '
        /^core0\.cycles\./ && $1 !~ /\.(idle|order)$/ { sum += $2 }
        END { printf "%.1f", sum / rounds / 3 }' "$work/out")
    awk -v a="$simulated" -v b="$printed" \
        'BEGIN { exit !(a / b < 1.005 && b / a < 1.005) }' ||
        fail "$threads threads: $simulated ns, in the table $printed"
done <"$work/table"
finish
