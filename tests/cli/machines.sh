#!/bin/sh
# SPDX-License-Identifier: MIT
# The shipped machines: their TLBs are those of machine-facts.tsv; a chase over
# as many pages as the first level, or the last, has entries misses none of
# them again and one page more does, on every machine; the laws hold. (On Zen
# PDEs are in the last level, too, and put out a few pages.)
. "$SOURCE_DIR/tests/cli/lib.sh"
command -v python3 >/dev/null || exit 77
facts=$SOURCE_DIR/tests/cli/machine-facts.tsv

run 0 config list
awk '/^[a-z0-9]/ { print $1 }' "$work/out" >"$work/names"
[ "$(wc -l <"$work/names")" -ge 20 ] || fail "fewer than 20 machines"

# machine array entries ways pages source
grep -v '^#' "$facts" >"$work/facts"
cut -f1 "$work/facts" | uniq >"$work/machines"
[ "$(wc -l <"$work/machines")" -ge 18 ] || fail "facts of fewer machines"
while read -r machine; do
    run 0 config show "$machine"
    awk -F'\t' -v machine="$machine" '
        NR == FNR { split($0, at, " *"); value[at[1]] = at[2]
                    sizes[at[1]] = $0; next }
        $1 == machine {
            key = "tlb." $2
            n_ways = $4 == "full" ? $3 : $4
            if (value[key ".entries"] != $3 ||
                value[key ".ways"] != $4 && value[key ".ways"] != n_ways)
                print key, value[key ".entries"], value[key ".ways"]
            n = split($5, pages, " ")
            for (i = 1; i <= n; i++)
                if (sizes[key ".page_sizes"] !~ "[[ ]" pages[i] "[],]")
                    print key, "lacks", pages[i]
        }' "$work/out" "$work/facts" >"$work/wrong"
    [ ! -s "$work/wrong" ] || fail "$machine: $(cat "$work/wrong")"
done <"$work/machines"

# entries MACHINE ARRAYS: of the first fact of one of these arrays
entries() {
    awk -F'\t' -v machine="$1" -v arrays="^($2)[.]0$" \
        '$1 == machine && $2 ~ arrays { print $3; exit }' "$work/facts"
}

# misses MACHINE STATISTIC PAGES ROUNDS
misses() {
    run 0 replay -q --format csv -m "$1" -s os.frame_colours=1 \
        -s topology.cores_per_socket=1 "workload:chase,pages=$3,rounds=$4,warm=3"
    awk -F, -v name="$2" '$1 == name { print $2 }' "$work/out"
}

# knee MACHINE STATISTIC ENTRIES SLACK MORE: a round more over as many pages
# misses at most SLACK of them, and more than that over MORE pages more.
knee() {
    again=$(($(misses "$1" "$2" "$3" 2) - $(misses "$1" "$2" "$3" 1)))
    [ "$again" -le "$4" ] || fail "$1: $3 pages do not fit: $again ($2)"
    pages=$(($3 + $5))
    again=$(($(misses "$1" "$2" "$pages" 2) - $(misses "$1" "$2" "$pages" 1)))
    [ "$again" -gt "$4" ] || fail "$1: $pages pages fit ($2)"
}

while read -r machine; do
    [ "$machine" = i486 ] || knee "$machine" l1d.misses \
        "$(entries "$machine" l1d)" 0 1
    last=$(entries "$machine" 'l2d?')
    ! is_slow_build || [ "$last" -le 1024 ] || continue
    case $machine in
    zen*) knee "$machine" llt.misses "$last" $((last / 20)) $((last / 8)) ;;
    *) knee "$machine" llt.misses "$last" 0 1 ;;
    esac
done <"$work/machines"

# every machine: what each key rests on, the chase, the start of a trace
while read -r machine; do
    run 0 config show "$machine"
    awk '!/^#/ && /^[a-z]/ && !/\(default\)$/ && !/^(name|extends) / &&
        !/  [^ ].*\(.*:[0-9]+\)$/ { print }' "$work/out" >"$work/bare"
    [ ! -s "$work/bare" ] || fail "$machine: no source: $(cat "$work/bare")"
    run 0 replay -q --format json -m "$machine" \
        workload:chase,pages=300,rounds=3
    python3 "$SOURCE_DIR/tests/model/statistics_laws.py" "$work/out" ||
        fail "laws of the chase on $machine"
    grep -q '"faults.invalid": 0,*$' "$work/out" ||
        fail "invalid accesses on $machine"
done <"$work/names"

# the table of docs/machines.md is of these machines
python3 "$SOURCE_DIR/scripts/machines-table.py" "$MMUSIM" \
    "$SOURCE_DIR/docs/machines.md" || fail "docs/machines.md: an old table"
finish
