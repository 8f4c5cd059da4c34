#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The figures of docs/scaling.md: what a store and the local engine cost a
# point, planning and merging many points, two workers beside one. Ratios are
# of runs one after the other; of several runs the fastest counts.
#
#   MMUSIM=build/mmusim scripts/sweep-scaling.sh [POINTS [RUNS]]
#
# A Release build on an otherwise idle machine, or under nice -n -10.
set -eu
: "${MMUSIM:?is the path of the tool}"
points=${1:-100000} runs=${2:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
tiny=workload:madvise,pages=1,threads=1,rounds=1,reads=1
small=workload:madvise,pages=16,threads=2,rounds=150,reads=100
export TIMEFORMAT='%R %U %S'

# seconds FILE COMMAND...: its wall time, the fastest of $runs
fastest() {
    local best=
    for ((run = 0; run < runs; run++)); do
        rm -rf store
        local s
        s=$({ time "$@" >/dev/null 2>&1; } 2>&1 | cut -d' ' -f1)
        best=$(printf '%s\n%s\n' "$s" "${best:-$s}" | sort -g | head -1)
    done
    echo "$best"
}

# once COMMAND...: "wall s, CPU s, MiB at most"
once() {
    /usr/bin/time -o cost -f '%e %U %S %M' "$@" >/dev/null
    awk '{ printf "%.2f s, %.2f s of CPU, %.0f MiB", $1, $2 + $3, $4 / 1024 }' cost
}

echo "== plan"
echo "$points points, one key: $(once "$MMUSIM" sweep --store one --plan-only -p "seed=1..$points" $tiny)"
echo "$points points, two keys: $(once "$MMUSIM" sweep --store big --plan-only -p seed=1..$((points / 100)) -p os.flush_ceiling=1..100 $tiny)"

echo "== merge (one computed point's record, $points times)"
"$MMUSIM" sweep work -q -j 1 --points 0 big
python3 - big <<'END'
import glob, json, sys, zlib
store = sys.argv[1]
plan = json.load(open(f"{store}/plan.json"))
lines = open(glob.glob(f"{store}/results/*.res")[0]).read().splitlines()
values = next(x for x in lines if x.startswith("done")).split(" ", 4)[4]
names = next(x for x in lines if x.startswith("names"))
step = 2000
for first in range(1, plan["points"], step):
    end = min(first + step, plan["points"])
    body = (f"mmusim-sweep-results-1 plan={plan['id']} "
            f"points={first:09}..{end - 1:09} by=copy\n{names}\n")
    body += "".join(f"done {p} 0 1000 {values}\n" for p in range(first, end))
    body += f"end {end - first} {zlib.crc32(body.encode()):08x}\n"
    open(f"{store}/results/copy-{first}.res", "w").write(body)
END
echo "results: $(du -sk big/results | cut -f1) KiB in $(find big/results -name '*.res' | wc -l) files, $(head -1 <(sed -n 's/^names 0 //p' big/results/copy-1.res) | tr , '\n' | wc -l) statistics a point"
for format in csv json sqlite; do
    echo "$format: $(once "$MMUSIM" sweep merge --format $format -o all.$format big), $(($(stat -c %s all.$format) / 1024)) KiB"
done
echo "status: $(once "$MMUSIM" sweep status big)"

echo "== store and engine, a point"
n=1000
plain=$(fastest "$MMUSIM" sweep -q -j 1 -p seed=1..$n --format csv $tiny)
# workers keep their memory from point to point; the same without a store
kept=$(GLIBC_TUNABLES=glibc.malloc.trim_threshold=1073741824:glibc.malloc.mmap_threshold=33554432:glibc.malloc.arena_max=1 \
    fastest "$MMUSIM" sweep -q -j 1 -p seed=1..$n --format csv $tiny)
stored=$(fastest "$MMUSIM" sweep -q --store store -j 1 -p seed=1..$n --format csv $tiny)
awk -v a="$plain" -v k="$kept" -v b="$stored" -v n=$n 'BEGIN {
    printf "%d points: %.2f s without, %.2f s with a store: %.2f ms a point\n",
        n, a, b, (b - a) * 1000 / n
    printf "%.2f s without, memory kept as workers do: %.2f ms a point\n",
        k, (b - k) * 1000 / n }'

echo "== two workers"
n=1000
one=$(fastest "$MMUSIM" sweep -q --store store -j 1 -p seed=1..$n --format csv $small)
two=$(fastest "$MMUSIM" sweep -q --store store -j 2 -p seed=1..$n --format csv $small)
awk -v a="$one" -v b="$two" -v n=$n 'BEGIN {
    printf "%d points: %.2f s with one, %.2f s with two: %.2f times\n",
        n, a, b, a / b }'
