#!/bin/bash
# SPDX-License-Identifier: MIT
# mmusim trace: shipped and text traces, other forms of them, bad input.
. "$SOURCE_DIR/tests/cli/lib.sh"
traces=$SOURCE_DIR/traces
sort=$traces/sort.mmt
t=$work/text

# warns ARGS...: succeeds, with one line about the missing index.
warns() {
    run 0 "$@"
    grep -q 'no index: the recording was cut short' "$work/err" ||
        fail "mmusim $*: no warning"
    [ "$(wc -l <"$work/err")" -eq 1 ] || fail "mmusim $*: not one warning"
}

# ---- shipped traces ----
for trace in "$traces"/*.mmt; do
    gzip -t <"$trace" || fail "gzip -t refuses $trace"
    run 0 trace verify "$trace"
    [ ! -s "$work/out" ] || fail "verify found damage in $trace"
    run 0 trace info "$trace"
    [ ! -s "$work/err" ] || fail "info warns about $trace"
    says "native, version 1, gzip"
    grep -qE '^accesses +[1-9]' "$work/out" || fail "info: no accesses"
done

# ---- native -> text -> native, gzip -> zstd -> gzip ----
run 0 trace cut --end 20000 -o "$work/part.mmt" "$sort"
run 0 trace convert -o "$work/a.mmt" "$work/part.mmt"
run 0 trace cat "$work/a.mmt"
cp "$work/out" "$t"
[ "$(wc -l <"$t")" -gt 20000 ] || fail "the cut is too short"
run 0 trace convert -o "$work/b.mmt" "$t"
cmp -s "$work/a.mmt" "$work/b.mmt" || fail "native, text, native: changed"
run 0 trace cat "$work/b.mmt"
cmp -s "$work/out" "$t" || fail "text, native, text: not the same text"
run 0 trace convert --to text -o "$work/b.txt" "$work/b.mmt"
cmp -s "$work/b.txt" "$t" || fail "convert --to text differs from cat"
run 0 trace convert -o "$work/c.mmt" "$work/b.txt"
cmp -s "$work/b.mmt" "$work/c.mmt" || fail "native, text, native: not the same"
if "$MMUSIM" trace convert --to zstd -o "$work/z.mmt" "$sort" 2>"$work/err"; then
    run 0 trace info "$work/z.mmt"
    says "native, version 1, zstd"
    run 0 trace convert -o "$work/g.mmt" "$work/z.mmt"
    run 0 trace convert -o "$work/h.mmt" "$sort"
    cmp -s "$work/g.mmt" "$work/h.mmt" || fail "gzip, zstd, gzip: not the same"
else
    grep -q 'no zstd' "$work/err" || fail "zstd fails without a reason"
fi

# ---- what info counts: pages by address, operations by size ----
printf '%s\n' '1 i 0x1000 2 8' '1 r 0x1ffc 8' '1 w 0x5000' '1 r 0x5008' \
    '1 munmap 0x1fff 2' '1 munmap 0x10000 40960' '1 n 7' '1 brk 0x9000' \
    >"$work/count.txt"
run 0 trace info "$work/count.txt"
grep -qE '^pages +3 of 4 KiB$' "$work/out" || fail "info: not 3 pages"
grep -qE '^ +munmap +2 \(12 pages, the largest 10\)$' "$work/out" ||
    fail "info: munmap is not 12 pages"
grep -qE '^ +brk +1$' "$work/out" || fail "info: brk has no pages"

# however many there are, the memory for them is bounded
awk 'BEGIN { for (i = 0; i < 150000; i++) printf "1 r %.0f 16777215\n", i * 16777216 }' \
    >"$work/many.txt"
run 0 trace info "$work/many.txt"
says " 2097152 of 4 KiB or more"

# ---- selections ----
run 0 trace cat --thread 3742 --end 10 "$t"
[ "$(grep -c "^3742 " "$work/out")" -eq 10 ] || fail "--end 10 of a thread"
refuses 2 "there is no such thread as 1 " trace cat --thread 1 "$t"
run 0 trace cat --end 1 "$sort"
[ "$(wc -l <"$work/out")" -eq "$(cut -d' ' -f1 "$work/out" | sort -u |
    wc -l)" ] || fail "--end 1 is not one record a thread"

# ---- bad input ----
refuses 3 "No such file" trace info "$work/none"
refuses 3 "is a directory" trace info "$work"
: >"$work/empty"
refuses 3 "is empty" trace info "$work/empty"
refuses 3 "is empty" replay "$work/empty"
head -c 1000 /dev/zero >"$work/zero"
refuses 3 "no trace of a known format" trace info "$work/zero"
refuses 3 "wrong magic" trace info --from native "$work/zero"
gzip -n <"$t" >"$work/plain.gz"
run 0 trace cat "$work/plain.gz"
cmp -s "$work/out" "$t" || fail "packed text is not the same trace"
refuses 3 "wrong magic" replay --from native "$work/plain.gz"

# a bomb: a gigabyte of zeros in a member that has our header's look
# (a sanitizer's shadow memory needs more addresses than any limit here leaves)
head -c 1073741824 /dev/zero | gzip -9n >"$work/bomb"
limit_kib=300000
(ulimit -v $limit_kib && "$MMUSIM" --version) >/dev/null 2>&1 ||
    limit_kib=unlimited
(ulimit -v $limit_kib && "$MMUSIM" trace info "$work/bomb") >/dev/null \
    2>"$work/err"
[ $? -eq 3 ] || fail "a gzip bomb is not status 3"

size=$(stat -c %s "$work/a.mmt")
for n in 1 2 16 17 75 76 77 100 1000 $((size / 2)) $((size - 1)); do
    head -c "$n" "$work/a.mmt" >"$work/cut.mmt"
    "$MMUSIM" trace info "$work/cut.mmt" >"$work/out" 2>"$work/err"
    [ $? -eq 3 ] || fail "cut to $n bytes: not status 3"
    grep -q "^mmusim: $work/cut.mmt: " "$work/err" ||
        fail "cut to $n bytes: the message does not name the file"
    run 1 trace verify "$work/cut.mmt"
done
head -c $((size - 1)) "$work/a.mmt" >"$work/cut.mmt"
warns trace info --salvage "$work/cut.mmt"
warns replay --salvage "$work/cut.mmt"

# patch FILE OFFSET OCTAL: overwrites a byte
patch_byte() {
    printf "\\$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
for at in 0 9 12 20 60 75 200 $((size / 2)); do
    cp "$work/a.mmt" "$work/flip.mmt"
    old=$(od -An -tu1 -j"$at" -N1 "$work/a.mmt" | tr -d ' ')
    patch_byte "$work/flip.mmt" "$at" "$(printf %03o $((old ^ 16)))"
    run 3 trace info "$work/flip.mmt"
    run 1 trace verify "$work/flip.mmt"
    grep -qE 'block [0-9]+' "$work/out" || fail "byte $at: verify names no block"
    run 0 trace info --salvage "$work/flip.mmt"
done

# ---- pipes ----
"$MMUSIM" trace info - <"$sort" >"$work/out" 2>"$work/err" ||
    fail "a trace on standard input cannot be read"
cat "$sort" | "$MMUSIM" trace info - >"$work/piped" 2>&1
cmp -s "$work/out" "$work/piped" || fail "a pipe gives something else"
(cat "$work/a.mmt"; head -c 70000000 /dev/zero) |
    "$MMUSIM" trace info - >"$work/out" 2>"$work/err"
[ $? -eq 3 ] || fail "70 MB through a pipe: not status 3"
grep -q "64 MiB" "$work/err" || fail "70 MB through a pipe: no limit named"

# ---- output = input ----
cp "$work/a.mmt" "$work/same.mmt"
refuses 4 "the output is the input" \
    trace convert -o "$work/same.mmt" "$work/same.mmt"
cmp -s "$work/a.mmt" "$work/same.mmt" || fail "the input was touched"
refuses 4 "cannot write" trace convert -o "$work/no/x.mmt" "$sort"
refuses 2 "-o FILE is missing" trace convert "$sort"

# ---- text that cannot be ----
# text_error 'LINE' 'MESSAGE': the second line is wrong.
text_error() {
    printf '1 r 0x1000\n%s\n' "$1" >"$work/bad.txt"
    refuses 3 "$2" replay "$work/bad.txt"
    grep -qF "$work/bad.txt:2: " "$work/err" || fail "'$1': no FILE:LINE"
}
text_error '1 r 0x8000000000000000' 'not canonical'
text_error '1 r 0x1000 0' 'length of zero'
text_error '1 mmap 0x1000 0 rw-' 'zero'
text_error '1 munmap 0x1000' 'the length is missing'
text_error '1 munmp 0x1000 4096' 'nearest: munmap'
text_error '1 madvise 0x1000 4096 dontned' 'nearest: dontneed'
text_error '1 mmap 0x1000 4096 rwz' "like rw- or r-x"
text_error 'x r 0x1000' "the thread is 'x'"
text_error '1 r 12q' "the address is '12q'"
text_error '1 exit now' "'now' is too much"
printf '# nothing\n' >"$work/bad.txt"
refuses 3 "there is no record" replay "$work/bad.txt"
printf '1 exit\n1 r 0x1000\n' >"$work/bad.txt"
refuses 3 "has exited" replay "$work/bad.txt"
refuses 2 "unknown format" trace info --from nonsense "$sort"
finish
