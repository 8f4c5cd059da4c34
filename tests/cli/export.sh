#!/bin/sh
# SPDX-License-Identifier: MIT
# trace convert into other formats: what comes back is what went, as far as the
# format can hold it, and what it cannot hold is counted.
. "$SOURCE_DIR/tests/cli/lib.sh"
command -v python3 >/dev/null || exit 77
data=$SOURCE_DIR/tests/data/traces
model=$SOURCE_DIR/tests/model
churn=$SOURCE_DIR/traces/churn.mmt

# ---- native -> text -> native, packed in between ----
run 0 trace convert -o "$work/a.mmt" "$data/tiny_sort.lackey.gz"
for suffix in "" .gz .xz .zst; do
    run 0 trace convert --to text -o "$work/a.txt$suffix" "$work/a.mmt"
    run 0 trace convert -o "$work/b.mmt" "$work/a.txt$suffix"
    cmp -s "$work/a.mmt" "$work/b.mmt" || fail "native, text$suffix, native"
done

# ---- lackey: every byte but valgrind's own lines ----
run 0 trace convert --to lackey -o "$work/a.lackey" "$work/a.mmt"
[ ! -s "$work/err" ] || fail "a lackey trace has lost something"
gzip -dc "$data/tiny_sort.lackey.gz" | grep -v '^==' |
    cmp -s - "$work/a.lackey" || fail "lackey, native, lackey"
for suffix in gz xz zst; do
    run 0 trace convert --to lackey -o "$work/a.lackey.$suffix" "$work/a.mmt"
    run 0 trace convert -o "$work/b.mmt" "$work/a.lackey.$suffix"
    cmp -s "$work/a.mmt" "$work/b.mmt" || fail "native, lackey.$suffix, native"
done

# ---- ChampSim: all but branches and registers ----
run 0 trace convert -o "$work/c.mmt" "$data/loop.champsim.xz"
run 0 trace convert --to champsim -o "$work/c.champsim.gz" "$work/c.mmt"
python3 - "$data/loop.champsim.xz" "$work/c.champsim.gz" <<'END' ||
import gzip, lzma, struct, sys
def addresses(data):
    return [r[:1] + r[9:] for r in struct.iter_unpack("<QBB2B4B2Q4Q", data)]
def taken(data):
    return [r[1:3] for r in struct.iter_unpack("<QBB2B4B2Q4Q", data)]
old = lzma.open(sys.argv[1]).read()
new = gzip.open(sys.argv[2]).read()
assert addresses(old) == addresses(new)
assert taken(old)[:-1] == taken(new)[:-1] and sum(b[0] for b in taken(new)) > 9
END
    fail "champsim, native, champsim"
run 0 trace convert -o "$work/d.mmt" "$work/c.champsim.gz"
cmp -s "$work/c.mmt" "$work/d.mmt" || fail "native, champsim, native"

# ---- a recorded program: as many instructions and addresses, and the rest is
# counted ----
refuses 2 "holds one thread, not" trace convert --to lackey "$churn"
refuses 2 "there is no such thread" trace convert --to lackey -T 7 "$churn"
tid=$("$MMUSIM" trace info "$churn" |
    awk '$1 == "thread" { tid = $2 } END { print tid }')
run 0 trace cut --thread "$tid" --end 5000 -o "$work/thread.mmt" "$churn"
"$MMUSIM" trace cat "$work/thread.mmt" >"$work/thread.txt"
sum() { # records of a file, by kind; instructions, loads, stores
    awk '$2 == "i" { n += $4 } $2 == "r" { r++ } $2 == "w" { w++ }
        END { print n, r, w }' "$1"
}
for format in lackey champsim; do
    run 0 trace cut --to $format --thread "$tid" --end 5000 -o "$work/x.gz" \
        "$churn"
    cp "$work/err" "$work/note"
    for kind in mmap munmap clone sync; do
        n=$(awk -v kind=$kind '$2 == kind' "$work/thread.txt" | wc -l)
        [ "$n" -eq 0 ] || grep -q "[ ,]$n $kind" "$work/note" ||
            fail "$format: $n $kind are not counted"
    done
    python3 "$model/foreign_reader.py" $format "$work/x.gz" |
        awk '{ $2 == "i" ? n++ : $2 == "r" ? r++ : w++ } END { print n, r, w }' \
            >"$work/read"
    case $format in lackey) sum "$work/thread.txt" >"$work/counted" ;; *)
        repeated=$(grep -o '[0-9]* instructions are written again' \
            "$work/note" | cut -d' ' -f1)
        sum "$work/thread.txt" |
            awk -v n="${repeated:-0}" '{ print $1 + n, $2, $3 }' \
                >"$work/counted" ;;
    esac
    cmp -s "$work/read" "$work/counted" || {
        fail "$format: not the records (read, counted)"
        paste "$work/read" "$work/counted"
    }
done
awk '$2 == "r" || $2 == "w" { print $3 }' "$work/thread.txt" | sort \
    >"$work/counted"
python3 "$model/foreign_reader.py" champsim "$work/x.gz" |
    awk '$2 != "i" { print $3 }' | sort | cmp -s - "$work/counted" ||
    fail "champsim: not the addresses"

# ---- links are followed; what is no regular file is written in place ----
echo old >"$work/target.mmt"
ln -s target.mmt "$work/link.mmt"
run 0 trace convert -o "$work/link.mmt" "$work/a.lackey"
[ -L "$work/link.mmt" ] || fail "a link was replaced by a trace"
cmp -s "$work/a.mmt" "$work/target.mmt" || fail "the trace behind a link is old"
mkfifo "$work/pipe"
timeout 20 cat "$work/pipe" >"$work/piped.mmt" &
run 0 trace convert -o "$work/pipe" "$work/a.lackey"
wait
[ -p "$work/pipe" ] || fail "a pipe was replaced by a trace"
cmp -s "$work/a.mmt" "$work/piped.mmt" || fail "a pipe got another trace"
mknod "$work/null" c 1 3 2>/dev/null && mknod "$work/full" c 1 7
if (: >"$work/null") 2>/dev/null; then # root, and a folder that has devices
    run 0 trace convert -o "$work/null" "$work/a.lackey"
    run 0 trace cut --end 100 -o "$work/null" "$work/a.mmt"
    for format in native text lackey champsim; do
        refuses 4 "$work/full: cannot write" \
            trace convert --to $format -o "$work/full" "$work/a.mmt"
        grep -q "No space left" "$work/err" || fail "$format: why is it full?"
    done
    [ -c "$work/null" ] && [ -c "$work/full" ] || fail "a device was replaced"
fi

# ---- failures leave no file ----
refuses 2 "nearest: champsim" trace convert --to champsm "$work/a.mmt"
refuses 2 "-o FILE is missing" trace convert "$work/a.lackey"
refuses 4 "the output is the input" trace convert -o "$work/a.lackey" \
    "$work/a.lackey"
head -c 500 "$work/a.lackey.gz" >"$work/cut.gz"
run 3 trace convert -o "$work/cut.mmt" "$work/cut.gz"
[ ! -e "$work/cut.mmt" ] && [ ! -e "$work/cut.mmt.part" ] ||
    fail "a failed conversion leaves a file"
run 0 trace convert --salvage -o "$work/cut.mmt" "$work/cut.gz"
grep -q "what comes before is used" "$work/err" || fail "salvage is silent"
finish
