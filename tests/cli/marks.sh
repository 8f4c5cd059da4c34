#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# mmusim/mark.h: nothing outside, `mark` records when recorded; the header in
# every language it promises.
. "${SOURCE_DIR:?}/tests/cli/lib.sh"
include=$SOURCE_DIR/include
cd "$work" || exit 99

cat >probe.c <<'END'
#include "mmusim/mark.h"
#include <errno.h>
int main(void)
{
    errno = 77;
    mmusim_mark("plain");
    mmusim_mark("a name with blanks, and longer than 32 bytes");
    mmusim_mark("");
    mmusim_mark("12345678901234567890123456789012");
    return errno == 77 ? 0 : 1;
}
END
cp probe.c probe.cc
for compiler in "${CC:-cc} -std=c11" "${CC:-cc} -std=c89 -pedantic" \
    "c++ -x c++ -std=c++98" "c++ -x c++ -std=c++17"; do
    command -v ${compiler%% *} >/dev/null || continue
    $compiler -O2 -Wall -Wextra -Wconversion -Wshadow -Werror \
        -I"$include" -c -o probe.o probe.c || fail "$compiler"
done
"${CC:-cc}" -O2 -I"$include" -o probe probe.c || fail "the probe"
./probe >out 2>&1 || fail "outside, errno changed"
[ ! -s out ] || fail "outside, something was printed"

needs_recorder
printf 'plain\na_name_with_blanks__and_longer_t\nunnamed\n%s\n' \
    12345678901234567890123456789012 >expected
marks_of() { # trace
    "$MMUSIM" trace cat "$1" | awk '$2 == "mark" { print $3 }'
}
run 0 record -o probe.mmt -- ./probe
marks_of probe.mmt >got
cmp expected got || fail "x86-64: other marks than the program's"
if command -v qemu-aarch64 >/dev/null &&
    command -v aarch64-linux-gnu-gcc >/dev/null; then
    aarch64-linux-gnu-gcc -O2 -I"$include" -o probe-arm probe.c
    run 0 record -o probe-arm.mmt -- ./probe-arm
    marks_of probe-arm.mmt >got
    cmp expected got || fail "AArch64: other marks than the program's"
fi

"${CC:-cc}" -O2 -I"$include" -o marks "$SOURCE_DIR/examples/marks.c" ||
    fail "the example"
run 0 record -o marks.mmt -- ./marks
[ "$(marks_of marks.mmt | tr '\n' ' ')" = \
    "fill in-order jumping give-back end " ] || fail "the example's marks"
finish
