#!/bin/bash
# SPDX-License-Identifier: MIT
# docs/adding-a-protocol.md: the toy is built from the page's text, linked with
# the tool's own libraries, and run; replay --check finds nothing wrong.
. "$SOURCE_DIR/tests/cli/lib.sh"

[ -z "${MMUSIM_SANITIZE:-}" ] || exit 77
for library in libmmusim.a libmmusim_cli.a; do
    [ -f "$BUILD_DIR/$library" ] || exit 77
done

# blocks NAME: what the page says stands in that file, block after block
page=$SOURCE_DIR/docs/adding-a-protocol.md
blocks() {
    awk -v mark="\`\`\`c $1" '
        $0 == "```" { if (inside) print ""; inside = 0 }
        inside { print }
        $0 == mark { inside = 1 }' "$page"
}

mkdir -p "$work/coherence"
blocks file=src/coherence/toy_everyone.h >"$work/coherence/toy_everyone.h"
blocks file=src/coherence/toy_everyone.c >"$work/coherence/toy_everyone.c"
line=$(blocks line)
[ -n "$line" ] || fail "the page has no line for the table"
awk -v line="$line" '
    /^static const struct protocol_ops \*const protocols/ { print; print line; next }
    /^#include "coherence\/protocol.h"/ { print "#include \"coherence/toy_everyone.h\"" }
    { print }' "$SOURCE_DIR/src/coherence/protocol_table.c" \
    >"$work/coherence/protocol_table.c"

# what the archives want besides, as the tool itself was linked
wanted="-lz -lyaml -lpthread -lm -ldl"
if ldd "$MMUSIM" 2>/dev/null | grep -q libzstd; then
    wanted="$wanted -lzstd"
fi
# shellcheck disable=SC2086 # flags are words
"${CC:-cc}" -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I"$work" \
    -I"$SOURCE_DIR/src" -I"$SOURCE_DIR/include" \
    "-DMMUSIM_CHECK=${MMUSIM_CHECK:-0}" -o "$work/mmusim" \
    "$work/coherence/toy_everyone.c" "$work/coherence/protocol_table.c" \
    "$SOURCE_DIR/src/cli/main.c" "$BUILD_DIR/libmmusim_cli.a" \
    "$BUILD_DIR/libmmusim.a" $wanted >"$work/err" 2>&1 || {
    cat "$work/err"
    fail "the toy does not build"
    exit 1
}

refuses 2 "os.protocol" replay -s os.protocol=toy-everyone \
    "$SOURCE_DIR/traces/sort.mmt"
MMUSIM=$work/mmusim
value() {
    sed -n "s/^$1,\([0-9]*\),.*/\1/p" "$work/out"
}
run 0 replay -q --check -m haswell-ep -s topology.cores_per_socket=4 \
    -s os.protocol=toy-everyone --format csv "$SOURCE_DIR/traces/sort.mmt"
[ "$(value flush.local_full)" -gt 0 ] || fail "the toy flushes nothing"
[ "$(value flush.local_pages)" = 0 ] || fail "the toy flushes single pages"
[ "$(value flush.received_full)" -gt 0 ] || fail "nobody else flushes"

finish
