#!/bin/bash
# SPDX-License-Identifier: MIT
# Native traces with right checksums and wrong contents: bombs, newer versions,
# records that cannot be; and what --salvage gets out of them.
. "${SOURCE_DIR:?is the source tree}/tests/cli/lib.sh" || exit 99
f=$work/forged.mmt

forge() {
    python3 "$SOURCE_DIR/tests/cli/forge_trace.py" "$1" "$f" ||
        fail "forge_trace.py $1"
}

# The bound of a damaged trace is 64 MiB; sanitizers need more, and so does a
# second thread (glibc's arena and its stack).
limit=65536
(ulimit -v $limit && "$MMUSIM" --version) >/dev/null 2>&1 || limit=unlimited

# refused TEXT COMMAND...: exit 3 within the limit, one line with block,
# offset and TEXT.
refused() {
    text=$1
    shift
    (ulimit -v $limit && exec "$MMUSIM" "$@" "$f") >"$work/out" 2>"$work/err"
    [ $? -eq 3 ] || fail "$*: not status 3: $(cat "$work/err")"
    [ "$(wc -l <"$work/err")" -eq 1 ] || fail "$*: not one line"
    grep -qF -e "$text" "$work/err" ||
        fail "$*: lacks '$text': $(cat "$work/err")"
    grep -q "^mmusim: $f: .*block [0-9]*.* offset [0-9]*" "$work/err" ||
        fail "$*: no place: $(cat "$work/err")"
}

# ---- the forger's good trace is good ----
forge good
gzip -t <"$f" || fail "gzip -t refuses the forged trace"
run 0 trace verify "$f"
run 0 trace info "$f"
[ ! -s "$work/err" ] || fail "the forged trace is not complete"
grep -qE '^records +30$' "$work/out" || fail "the forged trace has no 30 records"

# ---- bombs ----
for kind in bomb bomb-1M; do
    forge $kind
    [ "$(stat -c %s "$f")" -lt 1100000 ] || fail "$kind is no bomb"
    refused "does not unpack to what its header says" trace info
    refused "does not unpack to what its header says" trace cat
    [ "$kind" = bomb-1M ] || run 3 replay "$f"
    run 1 trace verify "$f"
    grep -qF "does not unpack" "$work/out" || fail "$kind: verify is silent"
    run 0 trace info --salvage "$f"
done
for kind in claims-more claims-4G; do
    forge $kind
    refused "" trace info
    refused "" replay
    run 1 trace verify "$f"
done

# ---- a newer version ----
forge newer
refused "newer" trace info
run 3 replay "$f"

# ---- records that cannot be: number 20 of thread 7, in block 1 ----
# bad_record KIND TEXT
bad_record() {
    forge "$1"
    refused "$2" trace info
    refused "(record 20 of thread 7)" trace info
    run 3 replay "$f"
    grep -qF "(record 20 of thread 7)" "$work/err" || fail "$1: no place"
    run 1 trace verify "$f"
    [ "$(grep -c 'block' "$work/out")" -eq 1 ] || fail "$1: not one damage"
    grep -qF "block 1" "$work/out" || fail "$1: not block 1"
    # the intact blocks: one of each thread
    run 0 trace cat --salvage "$f"
    [ "$(grep -c '^7 n 1$' "$work/out")" -eq 10 ] ||
        fail "$1: --salvage has not the intact block of thread 7"
    [ "$(grep -c '^8 n 1$' "$work/out")" -eq 10 ] ||
        fail "$1: --salvage has not the intact block of thread 8"
    [ "$(wc -l <"$work/out")" -eq 20 ] || fail "$1: --salvage gives more"
    run 0 replay --salvage "$f"
}
bad_record non-canonical "a non-canonical address"
bad_record wrap "a non-canonical address"
bad_record zero-access "an access of no or too many bytes"
bad_record zero-munmap "a length of zero"
bad_record zero-mremap "a length of zero"
bad_record far-munmap "an address range that cannot be"
bad_record unknown "an operation of unknown kind"

# ---- all intact blocks of a real trace with one damaged ----
run 0 trace cut --end 200000 -o "$work/part.mmt" "$SOURCE_DIR/traces/sort.mmt"
run 0 trace verify "$work/part.mmt"
run 0 trace info "$work/part.mmt"
total=$(awk '$1 == "records" { print $2 }' "$work/out")
cp "$work/part.mmt" "$f"
size=$(stat -c %s "$f")
printf '\125\252\125' | dd of="$f" bs=1 seek=$((size / 2)) conv=notrunc \
    2>/dev/null
run 1 trace verify "$f"
[ "$(wc -l <"$work/out")" -ge 1 ] || fail "verify names no damage"
run 0 trace cat "$work/part.mmt"
LC_ALL=C sort "$work/out" >"$work/all"
run 0 trace cat --salvage "$f"
LC_ALL=C sort "$work/out" >"$work/some"
[ "$(wc -l <"$work/some")" -lt "$total" ] || fail "nothing was damaged"
[ -z "$(LC_ALL=C comm -13 "$work/all" "$work/some")" ] ||
    fail "--salvage gives records that are not there"
finish
