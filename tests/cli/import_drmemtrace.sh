#!/bin/sh
# SPDX-License-Identifier: MIT
# DynamoRIO's drmemtrace: folders, zip and gzip files give the references and
# the system calls that a writer of the format put in, these in the order of
# their times; what is damaged, cut short or of another kind is told.
. "$SOURCE_DIR/tests/cli/lib.sh"
command -v python3 >/dev/null || exit 77
model=$SOURCE_DIR/tests/model
folder=$work/app

python3 "$model/drmemtrace_writer.py" 1 3000 "$folder" ||
    fail "the writer fails"

# references SOURCE: its references, thread by thread
references() {
    run 0 trace cat "$@"
    awk '$2 == "i" { print $1, $2, $3, $5 } $2 == "r" || $2 == "w"' \
        "$work/out" | sort -s -k 1,1n >"$work/references"
}

references "$folder"
cmp "$work/references" "$folder/references" || fail "not the same references"
# an operation's number is the stamp before it
awk '$2 == "sync" { number[$1] = $3 }
    $2 ~ /^(mmap|munmap|mprotect|madvise)$/ { print number[$1], $0 }' \
    "$work/out" | sort -n >"$work/numbered"
cut -d ' ' -f 2- "$work/numbered" | diff - "$folder/operations" ||
    fail "not the same operations"
awk '$1 != NR { exit 1 }' "$work/numbered" || fail "numbers have gaps"
grep -q '3 pages of 2097152 bytes' "$work/err" || fail "v2p.textproto is not told"

# the same from one file, from a pipe, plain, and by name
for thread in 71 72; do
    file=$(echo "$folder"/trace/drmemtrace.app.$thread.*)
    grep "^$thread " "$folder/references" >"$work/expected"
    references "$file"
    cmp "$work/references" "$work/expected" || fail "$file: other references"
    "$MMUSIM" trace cat --from drmemtrace - <"$file" 2>"$work/err" >"$work/pipe"
    cmp "$work/out" "$work/pipe" || fail "$file: another trace from a pipe"
done
gzip -dc "$folder"/trace/*72*.gz >"$work/plain"
references "$work/plain"
cmp "$work/references" "$work/expected" || fail "plain: other references"

# nothing is lost or waits for ever
run 0 replay -q -m generic --format csv "$folder"
grep -q '^sim.order_broken,0,' "$work/out" || fail "the order was broken"
n=$(grep -c ' [rw] ' "$folder/references")
grep -q "^sim.accesses,$n," "$work/out" || fail "not $n accesses"

# options
run 0 trace cat --from drmemtrace,order=0,cpus=0 "$folder"
grep -Eq ' (sync|on) ' "$work/out" && fail "order=0,cpus=0: stamps or CPUs"
run 0 trace info --from drmemtrace,process=5 "$folder"
grep -q 'of other processes than 5' "$work/err" || fail "process=5 is not told"

# damage: the file and the place; --salvage keeps the rest
refuses() { # pattern source...
    pattern=$1
    shift
    run 3 trace info "$@"
    grep -q "$pattern" "$work/err" || {
        fail "$*: no '$pattern' in:"
        cat "$work/err"
    }
}
head -c 1000 "$work/plain" >"$work/cut"
refuses 'record 83, offset 996: the file ends inside a record' "$work/cut"
head -c 996 "$work/plain" >"$work/cut"
refuses 'without its footer' "$work/cut"
run 0 trace info --salvage "$work/cut"
printf '\310' | dd of="$work/plain" bs=1 seek=960 conv=notrunc 2>/dev/null
refuses 'record 80, offset 960: there is no record of type 200' "$work/plain"
zip=$(echo "$folder"/trace/*71*.zip)
head -c 3000 "$zip" >"$work/short"
mv "$work/short" "$zip"
refuses '71.*zip: the zip data end too early' "$folder"
run 0 trace info --salvage "$folder"
grep -q '^thread 72' "$work/out" || fail "the other thread is lost"
mkdir "$work/none"
refuses 'no trace of a known format' "$work/none"
refuses 'a folder without drmemtrace files' --from drmemtrace "$work/none"

# of another kind
python3 - "$work" "$work/plain" <<'PYTHON'
import struct
import sys
with open(sys.argv[2], "rb") as file:
    records = [r for r in struct.iter_unpack("<HHQ", file.read(960))]
def write(name, layout, mask):
    with open(f"{sys.argv[1]}/{name}", "wb") as file:
        for kind, size, value in records:
            file.write(struct.pack(layout, kind, size, value & mask))
write("swapped", ">HHQ", (1 << 64) - 1)
write("narrow", "<HHI", (1 << 32) - 1)
records[0] = (25, 0, 8)
write("newer", "<HHQ", (1 << 64) - 1)
PYTHON
refuses 'of another byte order' "$work/swapped"
run 2 trace info "$work/narrow"
grep -q '32-bit build' "$work/err" || fail "8-byte records are not told"
refuses 'record 0, offset 0: drmemtrace of version 8 (up to 7' "$work/newer"
touch "$work/none/a.memtrace.sz"
run 2 trace info "$work/none"
grep -q 'packing is not read' "$work/err" || fail ".sz is not told"

finish
