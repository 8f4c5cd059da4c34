#!/bin/sh
# SPDX-License-Identifier: MIT
# mmusim replay: the three formats, and the rules of output files.
. "$SOURCE_DIR/tests/cli/lib.sh"
small=workload:munmap,pages=4,threads=1,rounds=5,reads=50

run 0 replay "$small"
[ ! -s "$work/err" ] || fail "replay wrote to standard error"
for text in "machine zen4" "$small" "simulated cycles" "walk" "all"; do
    says "$text"
done
run 0 replay --per-core "$small"
says "core0"

run 0 replay --format json "$small"
cp "$work/out" "$work/first.json"
for text in '"schema": "mmusim-stats-1"' '"machine": "zen4"' \
    "\"source\": \"$small\"" '"os.flush_ceiling": 33' '"sim.cycles": ' \
    '"core0.cycles": '; do
    says "$text"
done
if command -v python3 >/dev/null; then
    python3 -m json.tool "$work/out" >/dev/null || fail "json is not JSON"
fi
run 0 replay --format json "$small"
cmp -s "$work/out" "$work/first.json" || fail "two runs differ"
run 0 replay --format json -s os.flush_ceiling=7 "$small"
says '"os.flush_ceiling": 7'
run 0 replay --format json --seed 99 "$small"
says '"seed": 99'

run 0 replay --format csv "$small"
says "name,value,unit"
says "sim.cycles,"
if grep -q '^core0\.' "$work/out"; then fail "csv has single CPUs"; fi
run 0 replay --format csv --per-core "$small"
says "core0.cycles,"

# a complete FILE appears, nothing else
run 0 replay --format json -o "$work/new" "$small"
cmp -s "$work/new" "$work/first.json" || fail "-o differs from the output"
[ ! -e "$work/new.part" ] || fail "FILE.part is left over"
run 0 replay --format json "$small" -o - -q
cmp -s "$work/out" "$work/first.json" || fail "-o - is not the output"

# an old FILE survives a failed run, and keeps its permissions in a good one
echo old >"$work/old"
chmod 640 "$work/old"
refuses 3 "no-such-file" replay -o "$work/old" no-such-file
[ "$(cat "$work/old")" = old ] || fail "a failed run touched the old file"
run 0 replay --format json -o "$work/old" "$small"
cmp -s "$work/old" "$work/first.json" || fail "the old file is not replaced"
[ "$(stat -c %a "$work/old")" = 640 ] || fail "permissions are lost"
ln -s old "$work/link"
run 0 replay --format csv -o "$work/link" "$small"
[ -L "$work/link" ] || fail "a link was replaced by a file"
grep -q '^name,value' "$work/old" || fail "the file behind a link is not new"

# a pipe by its name in /dev
"$MMUSIM" replay --format json -q -o /dev/stdout "$small" 2>"$work/err" |
    cat >"$work/piped"
cmp -s "$work/piped" "$work/first.json" || fail "-o /dev/stdout into a pipe"

# where nothing can be written
refuses 4 "cannot write" replay -o "$work/none/x" "$small"
refuses 4 "cannot write" replay -o "$work" "$small"
if [ -c /dev/full ]; then
    refuses 4 "No space" replay -o /dev/full "$small"
    "$MMUSIM" replay "$small" >/dev/full 2>"$work/err"
    [ $? -eq 4 ] || fail "a full standard output is not status 4"
    "$MMUSIM" --help >/dev/full 2>"$work/err"
    [ $? -eq 4 ] || fail "--help into a full disk is not status 4"
    [ -c /dev/full ] || fail "/dev/full was replaced"
fi
if [ "$(id -u)" -ne 0 ]; then
    mkdir "$work/locked"
    chmod 500 "$work/locked"
    refuses 4 "cannot write" replay -o "$work/locked/x" "$small"
    echo old >"$work/readonly"
    chmod 400 "$work/readonly"
    refuses 4 "cannot write" replay -o "$work/readonly" "$small"
    [ "$(cat "$work/readonly")" = old ] || fail "a read-only file changed"
fi

# the output is the input: by name, by a link, and by its FILE.part
echo '1 r 0x1000' >"$work/in.part"
ln "$work/in.part" "$work/hard"
cp "$work/in.part" "$work/saved"
for output in "$work/in.part" "$work/hard" "$work/in"; do
    refuses 4 "the output is the input" replay -o "$output" "$work/in.part"
    cmp -s "$work/in.part" "$work/saved" || fail "the input was touched"
done

# a pipe is written in place
mkfifo "$work/pipe"
"$MMUSIM" replay --format json -o "$work/pipe" "$small" &
cat "$work/pipe" >"$work/piped"
wait $! || fail "replay into a pipe failed"
cmp -s "$work/piped" "$work/first.json" || fail "the pipe got something else"
[ -p "$work/pipe" ] || fail "the pipe was replaced"

# Ctrl-C: 130, the old file untouched. The pipe's opening is the sign that
# the run has begun.
"$MMUSIM" replay -o "$work/pipe" workload:chase,rounds=1000000000 \
    2>"$work/err" &
tool=$!
exec 3<"$work/pipe"
kill -INT $tool
wait $tool
[ $? -eq 130 ] || fail "an interrupted replay is not status 130"
exec 3<&-

# Most accesses fail: the figures stand for nothing, and that is said
printf '1 mmap 0x7f0000000000 0x4000 rw-\n1 w 0x7f0000000000\n' >"$work/high.txt"
run 0 replay -s isa=riscv -s fabric=ipi -s os.protocol=linux-riscv \
    -s page_table.levels=3 "$work/high.txt"
grep -q "1 accesses failed (of 1 loads" "$work/err" || fail "no warning of failed accesses"
finish
