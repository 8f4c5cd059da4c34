#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# mmusim annotate: sums equal the statistics; places equal those that binutils
# finds; a program whose hot function and line are known has both first.
. "${SOURCE_DIR:?}/tests/cli/lib.sh"
here=$SOURCE_DIR/tests/cli
cd "$work" || exit 99
checks() { # command and arguments of annotate_check.py
    python3 "$here/annotate_check.py" "$@" >checked || {
        fail "annotate_check.py $*"
        head -5 checked
    }
}

# ---- sums ----

for source in workload:madvise workload:fork-cow 'workload:munmap,pages=8'; do
    checks laws "$MMUSIM" "$source"
done
checks laws "$MMUSIM" -m neoverse-v2 workload:madvise
checks laws "$MMUSIM" workload:apache-like
run 0 annotate --by thread workload:madvise
says 'thread'
says '100.00 %'

# ---- what a trace says is mapped ----

cat >mapped.txt <<'END'
1 image 0x7ffff0000000 8192 rw- [stack]
1 mmap 0x10000000 8192 rw- file:/data/a%20file@4096
1 mmap 0x20000000 16777216 rw- anon
1 brk 0x30000000
1 brk 0x30010000
1 i 0x400000 1 4
1 r 0x10000000
1 r 0x20000000
1 r 0x20100000
1 r 0x30000000
1 r 0x7ffff0000000
1 mremap 0x20000000 16777216 0x40000000 33554432
1 r 0x40000000
1 munmap 0x10000000 4096
1 r 0x10001000
1 r 0x50000000
1 fork 2
2 r 0x40001000
1 exit
2 exit
END
run 0 annotate --by mapping mapped.txt
for row in '3 .*\[anon\] 16M' '2 .*/data/a file' '1 .*\[heap\]' '1 .*\[stack\]' \
    '[12] .*\[anon\] 32M' '2 .*\[no mapping known\]'; do
    grep -qE "^ +${row/3 /2 }$" "$work/out" || {
        fail "by mapping: no row '$row'"
        cat "$work/out"
    }
done

# ---- what it refuses ----

refuses 2 'nearest: line' annotate --by lin workload:madvise
refuses 2 'nearest: walks' annotate --sort walk workload:madvise
refuses 2 'which source' annotate
refuses 2 "no source file nor function" annotate --source nothing mapped.txt
refuses 2 '--source is text' annotate --source x --format json mapped.txt
refuses 4 'cannot write' annotate -o "$work/no/file" mapped.txt
refuses 3 'No such file' annotate nothing.mmt

# ---- functions and lines, against binutils ----

has_libdw() {
    ! grep -q 'knows no functions' "$work/out"
}
run 0 annotate mapped.txt
if ! has_libdw || ! command -v addr2line >/dev/null; then
    echo "skipped the rest: no libdw in this build, or no binutils"
    finish
    exit 0
fi
cat >inline.cc <<'END'
namespace space {
template <class T> struct Box {
    T value;
    [[gnu::always_inline]] inline T twice(T by) { return value * by * 2; }
    [[gnu::noinline]] T sum(int n)
    {
        T all = 0;
        for (int i = 0; i < n; i++)
            all += twice(static_cast<T>(i)) / (i + 1);
        return all;
    }
};
}
static volatile int out;
int main(int argc, char **)
{
    space::Box<int> a = {argc};
    space::Box<double> b = {3.5};
    out = a.sum(argc) + static_cast<int>(b.sum(7));
    return a.twice(2) > 5;
}
END
places() { # name, compiler and options...
    name=$1
    shift
    "$@" -o "$name" || fail "$*"
    python3 "$here/annotate_check.py" trace "$PWD/$name" 1 >"$name.txt"
    run 0 annotate --format json -o "$name.json" "$name.txt"
    [ ! -s "$work/err" ] || fail "$name: $(cat "$work/err")"
    checks places "$name" "$name.txt" "$name.json"
}
cc=${CC:-cc}
places fixed "$cc" -g -O1 -no-pie "$here/annotate_probe.c"
places moved "$cc" -g -O2 -fPIE -pie "$here/annotate_probe.c"
if command -v c++ >/dev/null; then
    places cxx c++ -g -O2 inline.cc
    grep -q '"function": "space::Box<int>::sum(int)"' cxx.json ||
        fail "a C++ name is not demangled"
fi
if command -v clang >/dev/null; then # has no .debug_aranges
    places clanged clang -g -O1 "$here/annotate_probe.c"
fi

# stripped: the symbol table, then nothing
strip -g -o symbols fixed
strip -o bare fixed
for name in symbols bare; do
    sed "s|/fixed@|/$name@|" fixed.txt >$name.txt
    run 0 annotate --by line --top 0 $name.txt
done
grep -qE '  \[bare\]  \[.*/bare\+0x[0-9a-f]+\]' "$work/out" || fail "no [file+offset]"
run 0 annotate --by function symbols.txt
grep -qE '  (hot_work|main|cold_work)  ' "$work/out" || fail "no symbol"

# another file than the recorded one, none, a damaged one
sed 's/\(image .*\)/\1 build=0123456789abcdef/' fixed.txt >changed.txt
run 0 annotate changed.txt
grep -q 'build id differs' "$work/err" || fail "a changed program is not told"
sed 's|/fixed@|/missing@|' fixed.txt >missing.txt
run 0 annotate missing.txt
grep -q 'missing: No such file' "$work/err" || fail "a missing file is not told"
[ "$(wc -l <"$work/err")" -eq 1 ] || fail "a missing file is told often"
n_damaged=20
is_slow_build && n_damaged=10
for seed in $(seq "${DAMAGED:-$n_damaged}"); do
    cp fixed damaged
    python3 "$here/annotate_check.py" damage damaged "$seed"
    sed 's|/fixed@|/damaged@|' fixed.txt >damaged.txt
    timeout 60 "$MMUSIM" annotate damaged.txt >"$work/out" 2>"$work/err" ||
        fail "damage $seed: status $?"
done

# ---- a recorded program ----

needs_recorder
line_of() { # comment
    grep -n "/\* $1 \*/" "$here/annotate_probe.c" | cut -d: -f1
}
first() { # view, texts: of the last run
    checks first first.json "$@"
}
annotate() { # options, trace
    run 0 annotate -q --format json -o first.json "$@"
}
"$cc" -g -O1 -shared -fPIC -DLIBRARY -o libprobe.so "$here/annotate_probe.c"
"$cc" -g -O1 -fPIE -pie -DWITH_LIBRARY -o with "$here/annotate_probe.c" \
    -L. -lprobe -Wl,-rpath,"$PWD"
"$cc" -g -O1 -static -no-pie -o static "$here/annotate_probe.c"
hot="\"line\": $(line_of hot),"
for name in fixed moved with static; do
    run 0 record --lines -o $name.mmt -- ./$name hot
    annotate $name.mmt
    first function '"hot_work"' "$PWD/$name"
    first line '"hot_work"' "$hot" annotate_probe.c
    first mapping '[anon] 16M'
done
annotate --sort operations with.mmt
first site '"madvise"' '"drop_pages"' "\"line\": $(line_of drops),"
first function '"drop_pages"'
first line "\"line\": $(line_of drops),"
annotate --sort fault_cycles with.mmt
first line "$hot"
checks laws "$MMUSIM" moved.mmt
run 0 run -q --lines --record live.mmt -- ./moved hot
annotate live.mmt
first line '"hot_work"' "$hot"
run 0 annotate --source hot_work moved.mmt
grep -qE "^ +[0-9,]+ +[0-9.]+ % +$(line_of hot) .*hot \*/" "$work/out" ||
    fail "--source: the hot line has no cost"
run 0 record --lines -o library.mmt -- ./with library
annotate library.mmt
first function '"library_work"' libprobe.so
first line "\"line\": $(line_of 'hot in the library'),"
run 0 record -o blocks.mmt -- ./moved hot
run 0 annotate --by function --top 1 blocks.mmt
says ' hot_work '
says 'record --lines'
cat >fork.c <<'END'
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
__attribute__((noinline)) static void child_work(char *pages)
{
    for (int i = 0; i < 2000; i++)
        pages[i * 37 % 512 * 4096] += 1;
}
int main(void)
{
    char *pages = mmap(NULL, 512 * 4096, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return 1;
    if (fork() == 0) {
        child_work(pages);
        _exit(0);
    }
    wait(NULL);
    return 0;
}
END
"$cc" -g -O1 -o fork fork.c
run 0 record --lines -o fork.mmt -- ./fork
annotate fork.mmt.[0-9]*
first function '"child_work"' "$PWD/fork"
first mapping '[anon] '
if command -v qemu-aarch64 >/dev/null &&
    command -v aarch64-linux-gnu-gcc >/dev/null; then
    aarch64-linux-gnu-gcc -g -O1 -o arm "$here/annotate_probe.c"
    run 0 record --lines -o arm.mmt -- ./arm hot
    annotate -m neoverse-n1 arm.mmt
    first line '"hot_work"' "$hot"
    annotate -m neoverse-n1 --sort operations arm.mmt
    first site '"drop_pages"'
fi
finish
