#!/bin/sh
# SPDX-License-Identifier: MIT
# Racing programs over every protocol with the checker on, many of them: a
# million records and more for each protocol, half a minute each.
#
# usage: checker-model.sh BUILD_DIR [PROGRAMS [PROTOCOL]]
set -eu
build=${1:?usage: checker-model.sh BUILD_DIR [PROGRAMS [PROTOCOL]]}
programs=${2:-50}
SOURCE_DIR=${SOURCE_DIR:-$(cd "$(dirname "$0")/.." && pwd)}
export SOURCE_DIR
if [ $# -gt 2 ]; then
    MMUSIM_TEST_PROTOCOL=$3
    export MMUSIM_TEST_PROTOCOL
fi
exec "$build/tests/test_checker_model" long "$programs"
