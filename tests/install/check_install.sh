#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs the build into a folder of its own, then builds and runs a program
# against it, in C and C++, shared and static, with find_package and
# pkg-config; checks that the tool, the pages and the data are there.
set -eu
: "${SOURCE_DIR:?}" "${BUILD_DIR:?}"
cmake=${CMAKE:-cmake}
here=$SOURCE_DIR/tests/install

if grep -q '^MMUSIM_SANITIZE:[A-Z]*=.' "$BUILD_DIR/CMakeCache.txt"; then
    echo "skipped: a program outside would have to be sanitized, too"
    exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
"$cmake" --install "$BUILD_DIR" --prefix "$root" >/dev/null
libdir=$(dirname "$(find "$root" -name libmmusim.a)")
export LD_LIBRARY_PATH=$libdir

must_exist() {
    [ -e "$1" ] || {
        echo "not installed: ${1#"$root"/}"
        exit 1
    }
}

run() {
    printf '%-20s' "$(basename "$1")"
    "$1"
}

echo "find_package:"
"$cmake" -S "$here" -B "$work/build" -DCMAKE_PREFIX_PATH="$root" >/dev/null
"$cmake" --build "$work/build" >/dev/null
for program in c_mmusim cxx_mmusim c_mmusim_static cxx_mmusim_static; do
    run "$work/build/$program"
done

echo "pkg-config:"
export PKG_CONFIG_PATH=$libdir/pkgconfig
flags="-Wall -Wextra -Wpedantic -Werror -Wno-missing-field-initializers"
shared=$(pkg-config --cflags --libs mmusim)
# --static lists what libmmusim.a needs
static="$(pkg-config --cflags mmusim) $libdir/libmmusim.a
    $(pkg-config --static --libs-only-l mmusim | sed 's/-lmmusim//')
    $(pkg-config --static --libs-only-other mmusim)"
# shellcheck disable=SC2086 # lists of flags
{
    ${CC:-cc} -std=c11 $flags "$here/outside.c" $shared -o "$work/c_shared"
    ${CC:-cc} -std=c11 $flags "$here/outside.c" $static -o "$work/c_static"
    ${CXX:-c++} -std=c++11 $flags -x c++ "$here/outside.c" -x none $shared \
        -o "$work/cxx_shared"
}
for program in c_shared c_static cxx_shared; do
    run "$work/$program"
done

echo "examples/embed.c:"
# shellcheck disable=SC2086 # lists of flags
{
    ${CC:-cc} -std=c11 $flags "$SOURCE_DIR/examples/embed.c" $shared \
        -o "$work/embed"
    ${CXX:-c++} -std=c++11 $flags -x c++ "$SOURCE_DIR/examples/embed.c" \
        -x none $shared -o "$work/embed_cxx"
}
for program in embed embed_cxx; do
    "$work/$program" >"$work/out"
    tail -n 1 "$work/out"
done

echo "installed tool:"
must_exist "$root/bin/mmusim"
must_exist "$root/include/mmusim/mmusim.h"
for page in "$SOURCE_DIR"/man/*.[1-9]; do
    must_exist "$root/share/man/man${page##*.}/$(basename "$page")"
done
for file in "$SOURCE_DIR"/configs/*.yaml "$SOURCE_DIR"/traces/*.mmt; do
    must_exist "$root/share/mmusim/${file#"$SOURCE_DIR"/}"
done
cd "$work"
"$root/bin/mmusim" config list
"$root/bin/mmusim" replay -q --report "$work/report.html" \
    workload:chase,pages=64 >/dev/null
grep -q '^<script type="application/json" id="report-data">{' \
    "$work/report.html" || {
    echo "the installed tool writes no page"
    exit 1
}
