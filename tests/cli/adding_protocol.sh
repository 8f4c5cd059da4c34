#!/bin/bash
# SPDX-License-Identifier: MIT
# docs/adding-a-protocol.md: the toy is built from the page's text, linked with
# the tool's own libraries, and run; replay --check finds nothing wrong.
. "$SOURCE_DIR/tests/cli/lib.sh"
. "$SOURCE_DIR/tests/cli/lib_toy.sh"

toy_page "$SOURCE_DIR/docs/adding-a-protocol.md"
mkdir -p "$work/coherence"
toy_blocks file=src/coherence/toy_everyone.h >"$work/coherence/toy_everyone.h"
toy_blocks file=src/coherence/toy_everyone.c >"$work/coherence/toy_everyone.c"
line=$(toy_blocks line)
[ -n "$line" ] || fail "the page has no line for the table"
awk -v line="$line" '
    /^static const struct protocol_ops \*const protocols/ { print; print line; next }
    /^#include "coherence\/protocol.h"/ { print "#include \"coherence/toy_everyone.h\"" }
    { print }' "$SOURCE_DIR/src/coherence/protocol_table.c" \
    >"$work/coherence/protocol_table.c"

refuses 2 "os.protocol" replay -s os.protocol=toy-everyone \
    "$SOURCE_DIR/traces/sort.mmt"
toy_build "$work/coherence/toy_everyone.c" "$work/coherence/protocol_table.c"
value() {
    sed -n "s/^$1,\([0-9]*\),.*/\1/p" "$work/out"
}
run 0 replay -q --check -m haswell-ep -s topology.cores_per_socket=4 \
    -s os.protocol=toy-everyone --format csv "$SOURCE_DIR/traces/sort.mmt"
[ "$(value flush.local_full)" -gt 0 ] || fail "the toy flushes nothing"
[ "$(value flush.local_pages)" = 0 ] || fail "the toy flushes single pages"
[ "$(value flush.received_full)" -gt 0 ] || fail "nobody else flushes"

finish
