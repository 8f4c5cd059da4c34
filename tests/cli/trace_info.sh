#!/bin/bash
# SPDX-License-Identifier: MIT
# mmusim trace info: regions, working set, marks and images against a count over
# the text of the trace that knows nothing of mmusim's.
. "$SOURCE_DIR/tests/cli/lib.sh"
command -v python3 >/dev/null || exit 77

cat >"$work/count.py" <<'EOF'
import json, sys
from urllib.parse import unquote
info = json.load(open(sys.argv[1]))
regions, pages, marks, images = {}, {}, {}, 0
kinds, records, accesses = {}, 0, 0
for line in open(sys.argv[2]):
    words = line.split()
    records += 1
    if words[1] in ("i", "r", "w"):
        va = int(words[2], 0)
        size = int(words[4 if words[1] == "i" else 3], 0)
        region = regions.setdefault(va >> 20, {"i": 0, "r": 0, "w": 0})
        region[words[1]] += 1
        accesses += 1
        for page in range(va >> 12, (va + size - 1 >> 12) + 1):
            pages.setdefault(page >> 8, set()).add(page)
            regions.setdefault(page >> 8, {"i": 0, "r": 0, "w": 0})
    elif words[1] != "n":
        kinds[words[1]] = kinds.get(words[1], 0) + 1
    if words[1] == "mark":
        name = unquote(words[2])
        marks[name] = marks.get(name, 0) + 1
    images += words[1] == "image"

def check(what, is_, should):
    if is_ != should:
        print(what, is_, "should be", should)
        sys.exit(1)

check("records", info["records"], records)
check("kinds", {o["kind"]: o["count"] for o in info["operations"]}, kinds)
check("regions", {int(r["address"], 0) >> 20:
                  (r["pages"], r["fetches"], r["loads"], r["stores"])
                  for r in info["regions"]},
      {key: (len(pages[key]), r["i"], r["r"], r["w"])
       for key, r in regions.items()})
busy = [r["fetches"] + r["loads"] + r["stores"] for r in info["regions"]]
check("order", busy, sorted(busy, reverse=True))
check("pages", info["pages"], sum(map(len, pages.values())))
check("marks", {m["name"]: m["count"] for m in info["marks"]}, marks)
check("images", len(info["images"]), images)
windows = info["working_set"]
check("window accesses", sum(w["accesses"] for w in windows), accesses)
check("new pages", sum(w["new_pages"] for w in windows), info["pages"])
at = 0
for window in windows:
    check("first access", window["first_access"], at)
    at += window["accesses"]
EOF

# compare TRACE: info against the count.
compare() {
    run 0 trace info --format json "$1"
    cp "$work/out" "$work/info.json"
    run 0 trace cat "$1"
    python3 "$work/count.py" "$work/info.json" "$work/out" ||
        fail "info of $1 is not what its records say"
}

run 0 trace cut --end 60000 -o "$work/sort.mmt" "$SOURCE_DIR/traces/sort.mmt"
compare "$work/sort.mmt"
{
    echo '1 image 0x400000 8192 r-x file:/bin/app build=00112233aabbccdd'
    echo '1 image 0x7ffff000 4096 rw- [stack]'
    echo '1 mark begin'
    echo '1 clone 2'
    for i in 1 2 3; do
        printf '%s\n' '1 mark round' '1 i 0x400ff8 4 16' '1 r 0x1fffff8 16' \
            "2 w 0x${i}00ffc 8" '2 mark round' '1 munmap 0x400000 8192'
    done
    echo '1 mark a%20b'
} >"$work/small.txt"
compare "$work/small.txt"
run 0 trace info --format json "$work/small.txt"
says '"build_id": "00112233aabbccdd"'
says '"name": "[stack]", "is_file": false'
run 0 trace info --regions 2 "$work/small.txt"
says "more (--regions N lists N)"
says "round           6, thread 1 at 4"
grep -q ' 8 KiB /bin/app$' "$work/out" || fail "the image is not in the text"

# windows are joined: never more than asked for, and the same pages in all
for n in 1 2 7 20; do
    run 0 trace info --format json --windows "$n" "$work/sort.mmt"
    python3 - "$work/out" "$n" <<'EOF' || fail "--windows $n"
import json, sys
info = json.load(open(sys.argv[1]))
windows = info["working_set"]
assert 1 <= len(windows) <= int(sys.argv[2])
assert sum(w["new_pages"] for w in windows) == info["pages"]
assert len(windows) > 1 or windows[0]["pages"] == info["pages"]
EOF
done

# more regions than are kept: said, and bounded
awk 'BEGIN { for (i = 0; i < 263000; i++) printf "1 r %.0f 1\n", i * 1048576 }' \
    >"$work/many.txt"
run 0 trace info --regions 1 "$work/many.txt"
says "262144 of 1 MiB touched"
says "856 more fetches, loads and stores elsewhere"

refuses 2 "nearest: json" trace info --format jsn "$work/small.txt"
refuses 2 "--windows" trace info --windows 0 "$work/small.txt"
refuses 3 "No such file" trace info --format json "$work/none"
refuses 2 "takes a trace, not a generated program" trace info workload:madvise
finish
