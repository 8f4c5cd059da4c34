#!/bin/sh
# SPDX-License-Identifier: MIT
# replay --timeline: read as a viewer reads it (check_timeline.py): all pairs,
# nests, adds up to the statistics; windows; packing; the same from both
# engines; wrong uses.
. "$(dirname "$0")/lib.sh"

reads() {
    python3 "$SOURCE_DIR/tests/cli/check_timeline.py" "$@" >"$work/read" ||
        fail "$(cat "$work/read")"
}

has() {
    grep -q "[ ,]$1" "$work/read" || fail "no $1: $(cat "$work/read")"
}

# draws ARGS...: the whole run; equal to the statistics.
draws() {
    run 0 replay --timeline "$work/t.json" --format json -o "$work/s.json" "$@"
    reads "$work/t.json" "$work/s.json"
    n=$(sed -n 's/.*: \([0-9]*\) events .*/\1/p' "$work/err")
    grep -q "^$n events," "$work/read" || fail "$*: not $n events"
}

# every fabric, and what else has tracks of its own
draws -s topology.cores_per_socket=4 workload:madvise,threads=4,rounds=20
has '[1-9][0-9]* arrows from ipi_send'
has '2 marks'
has '[1-9][0-9]* shootdown'
draws -m neoverse-v2 -s topology.cores_per_socket=4 workload:munmap,threads=4,rounds=20
has '[1-9][0-9]* arrows'
is_slow_build || {
draws -m zen5 -s os.protocol=linux-6.14 -s topology.cores_per_socket=4 \
    workload:madvise-threads,threads=4,pages=16,passes=2
draws -m sapphire-rapids -s topology.cores_per_socket=4 -s fabric=rar \
    workload:madvise,threads=4,rounds=20
has '[1-9][0-9]* arrows'
draws -s topology.cores_per_socket=2 -s virt.enabled=true \
    -s virt.preempt_period_cycles=200000 -s virt.preempt_cycles=20000 \
    -s virt.pv_flush=true workload:fork-cow,pages=64,rounds=4,threads=1
draws workload:context-switch,processes=3,pages=16,rounds=3
}

# the same bytes from both engines, and with a simulation that checks itself
draws -s topology.cores_per_socket=4 workload:madvise,threads=4,rounds=20
cp "$work/t.json" "$work/ahead.json"
run 0 replay -q --timeline "$work/t.json" -o "$work/s" --check \
    -s engine=reference -s topology.cores_per_socket=4 \
    workload:madvise,threads=4,rounds=20
cmp -s "$work/t.json" "$work/ahead.json" || fail "the engines draw differently"
[ ! -s "$work/err" ] || fail "-q is not quiet: $(cat "$work/err")"

# packed, by the name; standard output
run 0 replay -q --timeline "$work/t.json.gz" -o "$work/s" \
    -s topology.cores_per_socket=4 workload:madvise,threads=4,rounds=20
gzip -dc "$work/t.json.gz" | cmp -s - "$work/ahead.json" || fail "packed"
run 0 replay -q --timeline - -o "$work/s" \
    -s topology.cores_per_socket=4 workload:madvise,threads=4,rounds=20
cmp -s "$work/out" "$work/ahead.json" || fail "on standard output"

# windows
cat >"$work/trace.txt" <<'END_OF_TRACE'
1 mmap 0x10000000 0x100000 rw- file:a"b\c.so
1 clone 2
1 mark warm
1 w 0x10000000
1 madvise 0x10000000 0x1000 dontneed
1 mark a.b
1 w 0x10001000
1 madvise 0x10001000 0x1000 dontneed
1 mark warm
1 w 0x10002000
1 madvise 0x10002000 0x1000 dontneed
1 mark done
2 w 0x10080000
2 n 2000000
END_OF_TRACE
windowed() {
    run 0 replay --timeline "$work/t.json" --timeline-window "$1" \
        -o "$work/s" -s topology.cores_per_socket=2 --from text \
        "$work/trace.txt"
    reads "$work/t.json"
}
n_madvise() { grep -c '"ph":"B".*"name":"madvise"' "$work/t.json"; }
for window in ..:3 warm..:3 warm.0..a.b:1 a.b..warm.1:1 a.b.0..done:2 \
    warm.1..:1 ..a.b:1 done..:0 ..warm:0; do
    windowed "${window%:*}"
    [ "$(n_madvise)" -eq "${window##*:}" ] ||
        fail "window $window: $(n_madvise) madvise"
done
# a part of a slice is drawn as that
windowed 20000..21000
python3 - "$work/t.json" <<'END_OF_CHECK' || fail "cut at the window"
import json, sys
cut = [e for e in json.load(open(sys.argv[1]))["traceEvents"] if e["ph"] in "BE"]
begun = [e["args"]["cycle"] for e in cut if e["ph"] == "E"]
assert begun and min(begun) == 20000 and max(begun) < 21000, begun
assert max(e["args"]["cycles"] for e in cut if e["ph"] == "E") == 1000
END_OF_CHECK
# what the program is called, and its files, is quoted
windowed ..
python3 - "$work/t.json" <<'END_OF_CHECK' || fail "names"
import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
assert [e for e in events if e.get("args", {}).get("file") == 'a"b\\c.so']
END_OF_CHECK

echo '1 r 0x1000' >"$work/plain.txt"
refuses 2 "no mark 'wram' has come (there is 'warm', 2 times)" replay -o "$work/x" \
    --timeline "$work/x.json" --timeline-window wram.. --from text "$work/trace.txt"
refuses 2 "no mark 'a.b' has come after" replay -o "$work/x" \
    --timeline "$work/x.json" --timeline-window done..a.b --from text "$work/trace.txt"
refuses 2 "the source has no marks" replay -o "$work/x" \
    --timeline "$work/x.json" --timeline-window a.. --from text "$work/plain.txt"
refuses 2 "has no '..'" replay --timeline "$work/x.json" --timeline-window 7 workload:chase
refuses 2 "the run ended at cycle" replay -o "$work/x" --timeline "$work/x.json" --timeline-window 99999999999.. workload:chase
refuses 2 "is empty" replay --timeline "$work/x.json" --timeline-window 7..7 workload:chase
refuses 2 "is not a number" replay --timeline "$work/x.json" --timeline-window 7..8x workload:chase
refuses 2 "without --timeline" replay --timeline-window 7.. workload:chase
refuses 2 "name the same file" replay --timeline "$work/x" -o "$work/x" workload:chase
refuses 4 "cannot write" replay --timeline "$work/no/where" workload:chase,pages=4
[ ! -e "$work/x.json" ] && [ ! -e "$work/x.json.part" ] || fail "a refused output"
if [ -e /dev/full ]; then
    refuses 4 "cannot write" replay -q -o "$work/s" --timeline /dev/full \
        workload:madvise
fi

# this check can fail: an end too many, an arrow without its tail, a walk longer
# than it was
run 0 replay -q --format json -o "$work/s.json" \
    -s topology.cores_per_socket=4 workload:madvise,threads=4,rounds=20
for edit in '0,/"ph":"E"/s//"ph":"B","cat":"fault","name":"x"/' \
    '0,/"ph":"s"/s//"ph":"i","s":"p"/' \
    '/"reads"/{s/"cycles":/&9/;:rest;n;b rest}'; do
    sed "$edit" "$work/ahead.json" >"$work/bad.json"
    cmp -s "$work/bad.json" "$work/ahead.json" && fail "$edit changes nothing"
    if python3 "$SOURCE_DIR/tests/cli/check_timeline.py" "$work/bad.json" \
        "$work/s.json" >/dev/null; then
        fail "not noticed: $edit"
    fi
done
finish
