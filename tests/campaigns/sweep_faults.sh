#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Sweeps in a store under seeded faults: after whatever happens, the same
# command ends with the bytes of an uninterrupted run, and no point is lost or
# counted twice.
#
#   MMUSIM=build/mmusim SOURCE_DIR=. tests/campaigns/sweep_faults.sh [FIRST [LAST]]
#
# runs the seeds FIRST..LAST (default 1..50) and prints a line for each.
set -u
: "${MMUSIM:?is the path of the tool}" "${SOURCE_DIR:?is the source tree}"
MMUSIM_DATADIR=$SOURCE_DIR
export MMUSIM_DATADIR
first=${1:-1} last=${2:-50}
work=$(mktemp -d) || exit 99
pids=()
trap 'kill -9 ${pids[@]+"${pids[@]}"} 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 99

# about 10 to 30 ms a point: a fault hits some of them half way
rounds=${FAULT_ROUNDS:-60}
{
    echo "1 mmap 0x100000 262144 rw- anon"
    for ((i = 0; i < 1500; i++)); do
        printf '1 w 0x%x\n' $((0x100000 + i * 7919 % 262144))
    done
} >a.txt
sed 's/ w / r /' a.txt >b.txt
cp a.txt a.txt.planned
grid=(-p os.flush_ceiling=0..9 -p seed=1,2)
sources=(a.txt b.txt "workload:madvise,pages=8,threads=2,rounds=$rounds,reads=50")
sweep=(sweep -q -j 2 -m zen4 -m skylake-sp "${grid[@]}" --format csv)
points=120

"$MMUSIM" "${sweep[@]}" --store whole -o whole.csv "${sources[@]}" || exit 1

pause() { # up to $1 hundredths of a second
    sleep "$(printf '0.%02d' $((RANDOM % $1)))"
}

# Starts a run, or one or two processes that share its points.
start() {
    pids=()
    local kind=$((RANDOM % 3)) limit=()
    if [ $((RANDOM % 4)) = 0 ]; then # files of 2 to 9 KiB at most: disk full
        limit=($((RANDOM % 8 + 2)))
    fi
    for ((n = 0; n < (kind == 2 ? 2 : 1); n++)); do
        (
            if [ ${#limit[@]} = 1 ]; then
                trap '' XFSZ
                ulimit -f "${limit[0]}"
            fi
            if [ $kind = 0 ]; then
                exec "$MMUSIM" "${sweep[@]}" --patience 0 --store "$store" \
                    -o "$store.csv" "${sources[@]}"
            else
                exec "$MMUSIM" sweep work -q -j $((kind == 2 ? 1 : 2)) \
                    --patience 0 "$store"
            fi
        ) >"$store.out" 2>>"$store.err" &
        pids+=($!)
    done
}

hit() { # a fault for what runs
    local victim=${pids[RANDOM % ${#pids[@]}]} workers
    case $((RANDOM % 5)) in
    0) kill -9 "$victim" ;;
    1) kill -INT "$victim" ;;
    2) kill -TERM "$victim" ;;
    3) # one of its workers
        mapfile -t workers < <(cat "/proc/$victim/task/$victim/children" |
            tr ' ' '\n' | grep .)
        [ ${#workers[@]} = 0 ] ||
            kill -9 "${workers[RANDOM % ${#workers[@]}]}"
        ;;
    4) # nothing: it goes on, and perhaps ends
        ;;
    esac 2>/dev/null
}

# What may happen to the store while nobody is at it.
harm() {
    local files=("$store"/results/*.res)
    [ -e "${files[0]}" ] || return 0
    local file=${files[RANDOM % ${#files[@]}]}
    case $((RANDOM % 6)) in
    0) # a byte changes
        printf X | dd of="$file" bs=1 conv=notrunc status=none \
            seek=$((RANDOM % $(stat -c %s "$file")))
        ;;
    1) truncate -s $((RANDOM % $(stat -c %s "$file"))) "$file" ;;
    2) rm "$file" ;;
    3) # the trace changes: nobody may compute with it
        sed 's/0x1/0x2/' a.txt.planned >a.txt
        "$MMUSIM" sweep work -q "$store" >/dev/null 2>changed.err
        case $? in
        0 | 3 | 4) ;; # nothing open, or refused, or failed before
        *) return 1 ;;
        esac
        if "$MMUSIM" "${sweep[@]}" --store "$store" "${sources[@]}" \
            >/dev/null 2>changed.err; then
            return 1
        fi
        grep -q 'the trace is another' changed.err || return 1
        cp a.txt.planned a.txt
        ;;
    *) ;;
    esac
}

failures=0
for ((seed = first; seed <= last; seed++)); do
    RANDOM=$seed
    store=s$seed
    : >"$store.err"
    wrong=
    "$MMUSIM" "${sweep[@]}" --plan-only --store "$store" "${sources[@]}" \
        >/dev/null || wrong="no plan"
    faults=$((RANDOM % 4 + 2)) before=0
    for ((fault = 0; fault < faults; fault++)); do
        start
        pause 80
        hit
        if [ $((RANDOM % 2)) = 0 ]; then
            pause 30
            kill -9 "${pids[@]}" 2>/dev/null
        fi
        for pid in "${pids[@]}"; do
            wait "$pid" 2>/dev/null
            case $? in
            0 | 3 | 4 | 130 | 137 | 143) ;;
            *) wrong="a run ended with status $?" ;;
            esac
        done
        before=$(cat "$store"/results/*.res 2>/dev/null | grep -c '^done')
        harm || wrong="a changed trace is not refused"
    done
    # two at once: the second leaves or waits
    "$MMUSIM" sweep retry "$store" >/dev/null 2>>"$store.err"
    "$MMUSIM" "${sweep[@]}" --store "$store" -o "$store.csv" "${sources[@]}" \
        >/dev/null 2>>"$store.err" &
    one=$!
    "$MMUSIM" "${sweep[@]}" --store "$store" --wait -o "$store.2.csv" \
        "${sources[@]}" >/dev/null 2>>"$store.err" || wrong="the second failed"
    wait $one
    case $? in
    0) cmp -s "$store.csv" whole.csv || wrong="other bytes" ;;
    4) ;; # it came second, and left
    *) wrong="the last run failed" ;;
    esac
    cmp -s "$store.2.csv" whole.csv || wrong="other bytes for who waited"
    "$MMUSIM" sweep merge -o "$store.3.csv" "$store" 2>>"$store.err" &&
        cmp -s "$store.3.csv" whole.csv || wrong="merge gives other bytes"
    done=$("$MMUSIM" sweep status "$store" 2>/dev/null |
        sed -n 's/^done  *\([0-9]*\) .*/\1/p')
    [ "$done" = $points ] || wrong="$done of $points points"
    [ -z "$(find "$store/leases" -type f)" ] || wrong="leases are left"
    echo "seed $seed: ${wrong:-as uninterrupted} ($faults faults," \
        "$before of $points before the last run," \
        "$(cat "$store"/results/*.res | grep -c '^done') records," \
        "$(grep -c 'checksum is wrong' "$store.err") damaged," \
        "$(cat "$store"/results/*.res | grep -c '^failed') failed)"
    if [ -n "$wrong" ]; then
        failures=$((failures + 1))
        tail -5 "$store.err"
    fi
    rm -rf "$store" "$store".*
done
[ $failures = 0 ]
