#!/bin/sh
# SPDX-License-Identifier: MIT
# advise: where the answer is known it comes first, with the bucket that says
# why; its figures are those of a sweep; the same from any number of jobs.
. "$(dirname "$0")/lib.sh"

# advises ARGS...: JSON in $work/json.
advises() {
    run 0 advise -q -j 2 --format json -o "$work/json" "$@"
}

# holds PYTHON: an expression over the document d, its points by their change p,
# and the order of the changes that save.
holds() {
    python3 - "$work/json" "$1" <<'END_OF_CHECK' || fail "$1"
import json, sys
d = json.load(open(sys.argv[1]))
name = lambda x: " ".join("=".join(c) for c in x["changes"].items())
p = {name(x): x for x in d["points"]}
saves = [name(x) for x in d["points"] if x["verdict"] == "saves"]
skipped = {name(x): x["reason"] for x in d["not_tried"]}
def moved(point, bucket):
    return p[point]["cycles"][bucket] - d["base"]["cycles"][bucket]
def most(point):
    busy = [b for b in d["base"]["cycles"] if b not in ("idle", "order")]
    return min(busy, key=lambda b: moved(point, b))
sys.exit(not eval(sys.argv[2]))
END_OF_CHECK
}

# a chase over more pages than any TLB holds: larger pages
small="-m skylake-sp -s topology.cores_per_socket=1 -s tlb.l2.0.entries=192"
# shellcheck disable=SC2086 # words
advises $small --only settings workload:chase,pages=1024,rounds=150
holds 'saves[0] == "os.thp=always" and most("os.thp=always") == "walk"'
holds 'p["os.thp=always"]["saved_percent"] > 50'

# a chase over fewer pages than the TLB would hold if it had twice the entries
# shellcheck disable=SC2086
advises $small --only hardware workload:chase,pages=300,rounds=20
holds 'saves[0] == "tlb.l2.0.entries=384" and most(saves[0]) == "walk"'
holds 'p["tlb.l2.0.entries=96"]["verdict"] != "saves"'
holds 'p["tlb.l1i.0.entries=256"]["verdict"] == "same"'

# a ceiling of one page where each full flush costs the 900 warm pages of the
# CPU that flushes: a higher one, and any higher one
low="-m skylake-sp -s topology.cores_per_socket=4 -s core.window=0
    -s os.flush_ceiling=1"
warm=workload:madvise,pages=2,threads=1,own=900,warm=64,reads=500,rounds=20,work=1
# shellcheck disable=SC2086
advises $low --only settings $warm
holds '"os.flush_ceiling=4" in saves and most("os.flush_ceiling=4") == "walk"'
holds 'p["os.flush_ceiling=4"]["work_cycles"] == p["os.flush_ceiling=64"]["work_cycles"]'
holds 'd["points"][0]["group"] == "together" and len(d["points"][0]["changes"]) == 2'
# shellcheck disable=SC2086
run 0 advise -q $low --only settings $warm
says '  os.flush_ceiling=4..1048576 '
says 'the best settings together:'
says 'tlb_single_page_flush_ceiling'

# the same figures as a sweep's, point by point
ceilings=0,4,8,16,33,64,128,512,4096,1048576
# shellcheck disable=SC2086
run 0 sweep -q $low -p os.flush_ceiling=$ceilings --format csv -o "$work/csv" $warm
python3 - "$work/json" "$work/csv" <<'END_OF_CHECK' || fail "not as the sweep"
import csv, json, sys
points = {x["changes"]["os.flush_ceiling"]: x
          for x in json.load(open(sys.argv[1]))["points"]
          if list(x["changes"]) == ["os.flush_ceiling"]}
rows = list(csv.DictReader(open(sys.argv[2])))
assert len(rows) == len(points) == 10
for row in rows:
    point = points[row["os.flush_ceiling"]]
    assert point["sim_cycles"] == int(row["sim.cycles"])
    for bucket, cycles in point["cycles"].items():
        assert cycles == int(row["cycles." + bucket]), (row, bucket)
    assert point["work_cycles"] == sum(
        c for b, c in point["cycles"].items() if b not in ("idle", "order"))
END_OF_CHECK

if is_slow_build; then
    finish
    exit 0
fi

# 400 pages flushed one by one: everything at once
advises -m skylake-sp -s topology.cores_per_socket=4 -s os.flush_ceiling=1000 \
    --only settings workload:madvise,pages=400,threads=3,rounds=3,reads=100
holds 'saves[0].startswith("os.flush_ceiling=") and int(saves[0][17:]) < 400'
holds 'most(saves[0]) == "flush_local"'
holds 'p["os.flush_ceiling=512"]["verdict"] == "same"'

# threads on two sockets that flush each other's TLBs: on one
advises -m haswell-ep-2s --only placement -s os.thread_placement=spread \
    -s topology.cores_per_socket=3 workload:madvise,rounds=10,reads=500
holds 'saves == ["os.thread_placement=cores"] and most(saves[0]) == "ipi_send"'
holds '"os.thread_placement=pairs" in skipped'

# the other kernels of the instruction set, and the bound; what is not there
arm="-m neoverse-n1 -s topology.cores_per_socket=4 --only kernels"
munmap=workload:munmap,rounds=10,reads=500
# shellcheck disable=SC2086
advises $arm $munmap
holds '"os.protocol=linux-arm64-4.4" in p and "os.protocol=linux-4.6" not in p'
holds 'p["os.protocol=ideal"]["group"] == "bound"'
holds 'p["os.protocol=ideal"]["verdict"] == "saves"'
holds 'min(x["work_cycles"] for x in p.values() if x["group"] == "kernel") >= p["os.protocol=ideal"]["work_cycles"]'
cp "$work/json" "$work/two"
# shellcheck disable=SC2086
run 0 advise -q -j 1 --format json -o "$work/json" $arm $munmap
cmp -s "$work/json" "$work/two" || fail "-j 1 says something else than -j 2"
advises -m cortex-a9 --only settings workload:chase,pages=64
holds '[k for k in skipped if k.startswith("os.flush_ceiling")]'

# a kernel whose lack of flushes shows (B06 of docs/checker.md)
# says so, with the number that replay tells
b06_trace 40 >"$work/b06.txt"
run 1 replay --check -s os.protocol=linux-4.6 --format csv "$work/b06.txt"
n=$(sed -n 's/^checker.violations,\([0-9]*\).*/\1/p' "$work/out")
run 1 advise -q --check -j 2 --only kernels -s os.protocol=linux-7.1 \
    --format json -o "$work/json" "$work/b06.txt"
holds "p['os.protocol=linux-4.6']['violations'] == $n > 0"
holds 'p["os.protocol=linux-7.1-fixed"]["violations"] == 0'
holds 'p["os.protocol=linux-4.6"]["bugs"].startswith("B0")'

# any name of a file, as long as names get, is told whole
name=$(printf 'bad\377"q\nx%.0s' $(seq 25)).txt
cp "$work/b06.txt" "$work/$name"
run 1 advise -q -j 2 --check --only kernels -s os.protocol=linux-7.1 \
    --format json -o "$work/json" "$work/$name"
python3 - "$work/json" <<'END' || fail "the source's name in JSON"
import json, sys
source = json.load(open(sys.argv[1]))["source"]
sys.exit(not source.endswith("/" + 25 * "bad\ufffd\"q\nx" + ".txt"))
END

# one change that cannot run does not end the others; the run as it is does
advises -s os.memory=20M -s topology.cores_per_socket=2 --only settings \
    workload:chase,pages=3000,rounds=3
holds 'd["base"]["work_cycles"] > 0'
refuses 4 "memory" advise -q -s os.memory=1M workload:chase,pages=8000,rounds=2
refuses 2 "nearest: settings" advise --only setings workload:chase
refuses 2 "" advise --only settings, workload:chase
refuses 2 "" advise
refuses 3 "" advise "$work/no.mmt"
refuses 4 "cannot write" advise -o "$work/no/where" workload:chase
finish
