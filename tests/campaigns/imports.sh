#!/bin/sh
# SPDX-License-Identifier: MIT
# Importers on damaged input, under AddressSanitizer and UBSan: N (10000) seeded
# mutations of small traces in each format, and every sample cut at every
# offset; no report, no hang.
#
#     tests/campaigns/imports.sh [N] [BUILD-FOLDER]
set -eu
cd "$(dirname "$0")/../.."
runs=${1:-10000}
build=${2:-build/asan}
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DMMUSIM_CHECK=1 \
    -DMMUSIM_SANITIZE=address,undefined >/dev/null
cmake --build "$build" -j2 --target fuzz_import test_import_truncation \
    >/dev/null
timeout 3600 "$build/tests/fuzz_import" -runs="$runs" -seed=7 \
    tests/fuzz/corpus_import
SOURCE_DIR=$PWD IMPORT_FULL=1 \
    timeout 3600 "$build/tests/test_import_truncation"
