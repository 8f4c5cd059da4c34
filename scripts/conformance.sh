#!/bin/bash
# The whole conformance matrix (tests/conformance): every instruction on every
# kind of cached translation. ctest runs one case in five of it.
# Usage: scripts/conformance.sh [BUILD_FOLDER]
set -eu
cd "$(dirname "$0")/.."
MMUSIM_CONFORMANCE_STRIDE=1 exec "${1:-build}/tests/test_conformance"
