#!/bin/sh
# SPDX-License-Identifier: MIT
# The whole property of damaged traces: N (10000) seeded damages of each
# shipped trace under AddressSanitizer and UBSan; no report, no hang.
#
#     tests/campaigns/corruptions.sh [N] [BUILD-FOLDER]
set -eu
cd "$(dirname "$0")/../.."
runs=${1:-10000}
build=${2:-build/asan}
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DMMUSIM_CHECK=1 \
    -DMMUSIM_SANITIZE=address,undefined >/dev/null
cmake --build "$build" -j2 --target test_trace_corruptions >/dev/null
SOURCE_DIR=$PWD MMUSIM_CORRUPTIONS=$runs \
    timeout 3600 "$build/tests/test_trace_corruptions"
