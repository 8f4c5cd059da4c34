# SPDX-License-Identifier: MIT
# Builds the tool with what a page of docs/ adds to it. To be read after lib.sh.

[ -z "${MMUSIM_SANITIZE:-}" ] || exit 77
for library in libmmusim.a libmmusim_cli.a; do
    [ -f "$BUILD_DIR/$library" ] || exit 77
done

toy_page() {
    page=$1
}

# toy_blocks NAME: what the page's blocks of that name say, one after another
toy_blocks() {
    awk -v mark="\`\`\`c $1" '
        $0 == "```" { if (inside) print ""; inside = 0 }
        inside { print }
        $0 == mark { inside = 1 }' "$page"
}

# toy_build FILE.c...: from then on MMUSIM is the tool with these files, whose
# headers stand in $work, in place of the library's own of their names.
toy_build() {
    # what the archives want besides, as the tool itself was linked
    wanted="-lz -lyaml -lpthread -lm -ldl"
    for library in zstd lzma bz2 dw elf sqlite3; do
        if ldd "$MMUSIM" 2>/dev/null | grep -q "lib$library\."; then
            wanted="$wanted -l$library"
        fi
    done
    # shellcheck disable=SC2086 # flags are words
    "${CC:-cc}" -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I"$work" \
        -I"$SOURCE_DIR/src" -I"$SOURCE_DIR/include" \
        "-DMMUSIM_CHECK=${MMUSIM_CHECK:-0}" -o "$work/mmusim" "$@" \
        "$SOURCE_DIR/src/cli/main.c" "$BUILD_DIR/libmmusim_cli.a" \
        "$BUILD_DIR/libmmusim.a" $wanted >"$work/err" 2>&1 || {
        cat "$work/err"
        fail "the toy does not build"
        exit 1
    }
    MMUSIM=$work/mmusim
}
