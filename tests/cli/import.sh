#!/bin/sh
# SPDX-License-Identifier: MIT
# Traces in other formats: the records are those that a second reader finds in
# the foreign file, LRU misses those of a stack-distance computation over them,
# however the file is packed and wherever it comes from; what cannot be is told.
. "$SOURCE_DIR/tests/cli/lib.sh"
command -v python3 >/dev/null || exit 77
data=$SOURCE_DIR/tests/data/traces
model=$SOURCE_DIR/tests/model
sizes="1 4 16"

# reference FORMAT FILE: its records, by the second reader
reference() {
    python3 "$model/foreign_reader.py" "$1" "$2" >"$work/reference" ||
        fail "$2: the second reader fails"
    [ -s "$work/reference" ] || fail "$2: no records"
}

# same_records FILE OPTIONS...: mmusim finds the same
same_records() {
    file=$1
    shift
    run 0 trace cat "$@" "$file"
    awk '$2 == "i" { print $1, $2, $3, $5; next } { print }' "$work/out" |
        cmp -s - "$work/reference" || fail "$file: not the same records"
}

# same_misses FILE OPTIONS...: LRU misses of its loads and stores
same_misses() {
    awk '$2 != "i"' "$work/reference" >"$work/accesses"
    same_lru_misses "$work/accesses" "$@"
}

for sample in lackey:tiny_sort.lackey.gz champsim:loop.champsim.xz \
    din:loop.din gem5:loop.ptrc.gz; do
    format=${sample%%:*}
    file=$data/${sample#*:}
    reference "$format" "$file"
    same_records "$file"
    same_records "$file" --from "$format"
    same_misses "$file"
    run 0 trace info "$file"
    says "format            $format"
    says "bytes             $(wc -c <"$file" | tr -d ' ')"
    ! grep -q "^blocks\|^bytes per\|native" "$work/out" ||
        fail "info of $file: what it became"
    cp "$work/out" "$work/info"
    "$MMUSIM" trace info - <"$file" >"$work/out" 2>/dev/null
    cmp -s "$work/info" "$work/out" || fail "$file: not the same from a pipe"
done
reference champsim-cloudsuite "$data/loop.cloudsuite.gz"
same_records "$data/loop.cloudsuite.gz" --from champsim-cloudsuite
same_misses "$data/loop.cloudsuite.gz" --from champsim-cloudsuite

# ---- the sample was written as README.md says ----
for sample in "champsim 1 3000:loop.champsim.xz" "din 3 500:loop.din"; do
    # shellcheck disable=SC2086
    python3 "$model/foreign_writer.py" ${sample%%:*} >"$work/written"
    case $sample in *.xz) xz -dc "$data/${sample#*:}" ;; *)
        cat "$data/${sample#*:}" ;;
    esac | cmp -s - "$work/written" || fail "$sample: another file"
done

run 0 trace info "$data/tiny_sort.lackey.gz"
says "format            lackey, gzip"
run 0 trace info --format json "$data/tiny_sort.lackey.gz"
says '"codec": "gzip"'
says "\"packed_bytes\": $(wc -c <"$data/tiny_sort.lackey.gz" | tr -d ' ')"
! grep -q '"blocks"' "$work/out" || fail "json: blocks of a foreign trace"

# ---- packings ----
gzip -dc "$data/tiny_sort.lackey.gz" >"$work/plain"
reference lackey "$work/plain"
same_records "$work/plain"
for tool in gzip xz bzip2 zstd; do
    command -v $tool >/dev/null || continue
    head -c 20000 "$work/plain" | $tool -c >"$work/packed"
    tail -c +20001 "$work/plain" | $tool -c >>"$work/packed" # two members
    case $("$MMUSIM" trace info "$work/packed" 2>&1) in
    *"this build cannot unpack"*) ;;
    *) same_records "$work/packed" ;;
    esac
done

# ---- options behind the format's name ----
run 0 trace cat --from lackey,thread=7 "$work/plain"
says '7 i 0x401000'
run 0 trace info --from champsim,fetch-bytes=4,access-bytes=8 \
    "$data/loop.champsim.xz"
refuses 2 "nearest: thread" trace info --from lackey,thred=1 "$work/plain"
refuses 2 "a number from 1 to 64" replay --from champsim,fetch-bytes=0 \
    "$data/loop.champsim.xz"
refuses 2 "is not option=value" replay --from din,x "$data/loop.din"
refuses 2 "nearest: lackey" trace info --from lakey "$work/plain"
run 0 trace info --from gem5,release=22 "$data/loop.ptrc.gz"
says '424 (' # 10 swaps more: a load and a store each

# ---- what cannot be ----
text_ends() { # FORMAT TEXT MESSAGE: the last line is wrong
    printf '%s\n' "$2" >"$work/wrong"
    refuses 3 "$3" trace info --from "$1" "$work/wrong"
}
good='I  00401000,7'
# a message is text, whatever the bytes: UTF-8 stays, all else is a "?"
printf ' L 10,8\nh\303\251\300\257\355\240\200\302\233\360\237\230\200\377\033o\n' \
    >"$work/bytes"
refuses 3 "$(printf "'h\303\251???????\360\237\230\200??o'")" \
    trace info --from lackey "$work/bytes"

text_ends lackey "$good
hello" "wrong:2: offset 14: 'hello' is no lackey record"
text_ends lackey "$good
 L 1fff,0" "wrong:2: offset 14: an access of 0 bytes"
text_ends lackey "$good
 L 8000000000000000,4" "bits 63 to 56 are equal"
text_ends lackey "$good
 L 1fff;8" "is no lackey record"
text_ends lackey "==1== x" "there is no record"
text_ends din "2 1000
7" "wrong:2: offset 7: '7' is no din record"
text_ends din "2 1000
0 100000000000000" "is not canonical"
run 0 trace info --from lackey,skip-lines=1 "$work/plain"
printf '%s\nhello\n L 1000,8\n' "$good" >"$work/mixed"
refuses 3 "is no lackey record" trace info "$work/mixed"
run 0 trace cat --from lackey,skip-lines=1 "$work/mixed"
grep -q "1 lines that are no records" "$work/err" || fail "lines passed over"
run 0 trace cat --salvage "$work/mixed"
[ "$(cat "$work/out")" = "1 i 0x401000 1 7" ] || fail "salvage: before damage"
grep -q "what comes before is used" "$work/err" || fail "salvage is silent"

xz -dc "$data/loop.champsim.xz" >"$work/c"
head -c 6000 "$work/c" >"$work/cut"
run 3 trace info "$work/cut"
grep -q "record 93, offset 5952: the file ends inside a record, after 48 of 64" \
    "$work/err" || fail "a cut record is not told"
run 0 trace info --salvage "$work/cut"
(head -c 640 "$work/c"; cat "$data/loop.din") >"$work/mix"
run 3 trace info "$work/mix"
grep -q "record 10, offset 640: " "$work/err" || fail "mixed: no place"
python3 -c '
import struct, sys
data = open(sys.argv[1], "rb").read()
for record in struct.iter_unpack("<Q8s6Q", data):
    sys.stdout.buffer.write(struct.pack(">Q8s6Q", *record))' "$work/c" >"$work/be"
refuses 3 "big-endian" trace info "$work/be"
refuses 3 "are these records of 96 bytes" trace info \
    --from champsim-cloudsuite "$work/c"

zcat "$data/loop.ptrc.gz" | head -c 5000 >"$work/cut"
run 3 trace info "$work/cut"
grep -q "the file ends inside a message (a packet" "$work/err" ||
    fail "gem5: a cut message is not told"
head -c 1000 "$data/loop.champsim.xz" >"$work/cut"
run 3 trace info "$work/cut"
grep -q "the xz data end too early" "$work/err" || fail "cut xz is not told"

# ---- verify reads to the first damage ----
run 0 trace verify "$data/loop.champsim.xz"
run 1 trace verify "$work/mixed"
says "mixed:2: offset 14: 'hello' is no lackey record"
run 0 trace verify --from champsim-cloudsuite "$data/loop.cloudsuite.gz"
run 1 trace verify "$data/loop.cloudsuite.gz"
says "--from FORMAT forces one"
[ "$(wc -l <"$work/out")" -eq 1 ] || fail "verify: more than one line"

# ---- a pipe that stays open: the message does not wait for its end ----
mkfifo "$work/pipe"
(
    printf '%s\nhello\n' "$good"
    head -c 200000 "$work/plain"
    exec sleep 20
) >"$work/pipe" &
writer=$!
timeout 10 "$MMUSIM" replay "$work/pipe" >"$work/out" 2>"$work/err"
[ $? -eq 3 ] || fail "damage in an open pipe: not status 3"
kill $writer 2>/dev/null

# ---- Ctrl-C leaves no file ----
mkfifo "$work/slow"
(
    cat "$work/plain" "$work/plain" "$work/plain"
    exec sleep 20
) >"$work/slow" &
writer=$!
"$MMUSIM" trace convert -o "$work/slow.mmt" "$work/slow" 2>"$work/err" &
converter=$!
n=0
until [ -e "$work/slow.mmt.part" ] || [ $n -gt 100 ]; do
    sleep 0.05
    n=$((n + 1))
done
kill -TERM $converter
wait $converter
status=$?
[ $status -eq 130 ] || fail "interrupted: status $status, not 130"
[ ! -e "$work/slow.mmt" ] && [ ! -e "$work/slow.mmt.part" ] ||
    fail "interrupted: a file is left"
kill $writer 2>/dev/null

printf 'nothing\nof the kind\n' >"$work/other"
refuses 3 "it begins with 'nothing' (known: native, text, lackey" \
    trace info "$work/other"
finish
