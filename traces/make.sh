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

gcc -O2 -o psort "$here/programs/psort.c" -pthread
"$mmusim" record -q -o "$out/sort.mmt" -- ./psort

gcc -O2 -o churn "$here/programs/churn.c" -pthread
"$mmusim" record -q -o "$out/churn.mmt" -- ./churn

aarch64-linux-gnu-gcc -O2 -o requests "$here/programs/requests.c" -pthread
"$mmusim" record -q -o "$out/requests-arm64.mmt" -- ./requests

ls -l "$out"/*.mmt
