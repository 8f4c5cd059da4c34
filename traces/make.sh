#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Records the shipped traces again, into the folder given (default: this one).
# Needs: mmusim on $PATH or in $MMUSIM; qemu-user, gcc, gcc-aarch64-linux-gnu.
# Thread interleaving is real, so the bytes differ from run to run.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$(mkdir -p "${1:-$here}" && cd "${1:-$here}" && pwd)
mmusim=${MMUSIM:-mmusim}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# 12,000 lines of pseudo-random numbers, the same every time
awk 'BEGIN { x = 1; for (i = 0; i < 12000; i++) {
    x = (x * 16807) % 2147483647; print x } }' >numbers.txt
LC_ALL=C "$mmusim" record -q -o "$out/sort.mmt" -- \
    sort --parallel=4 -S 8M -o sorted.txt numbers.txt

gcc -O2 -o churn "$here/programs/churn.c" -pthread
"$mmusim" record -q -o "$out/churn.mmt" -- ./churn

aarch64-linux-gnu-gcc -O2 -o requests "$here/programs/requests.c" -pthread
"$mmusim" record -q -o "$out/requests-arm64.mmt" -- ./requests

ls -l "$out"/*.mmt
