# SPDX-License-Identifier: MIT
# What the tests of the tool share. MMUSIM is the tool, SOURCE_DIR the tree.
set -u
: "${MMUSIM:?is the path of the tool}" "${SOURCE_DIR:?is the source tree}"
MMUSIM_DATADIR=$SOURCE_DIR
export MMUSIM_DATADIR
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# run STATUS ARGS...: runs the tool, keeps its output, checks its status.
run() {
    expected=$1
    shift
    "$MMUSIM" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    if [ "$status" -ne "$expected" ]; then
        fail "mmusim $*: status $status, not $expected"
        cat "$work/err"
    fi
}

# refuses STATUS TEXT ARGS...: nothing on standard output, one line of the
# form "mmusim: ..." with TEXT in it on standard error.
refuses() {
    expected=$1
    text=$2
    shift 2
    run "$expected" "$@"
    [ ! -s "$work/out" ] || fail "mmusim $*: wrote to standard output"
    [ "$(wc -l <"$work/err")" -eq 1 ] || fail "mmusim $*: not one line"
    grep -q '^mmusim: ' "$work/err" || fail "mmusim $*: no 'mmusim: '"
    grep -qF -e "$text" "$work/err" || {
        fail "mmusim $*: the message lacks '$text'"
        cat "$work/err"
    }
}

# says TEXT: the last run's standard output has it.
says() {
    grep -qF -e "$1" "$work/out" || fail "standard output lacks '$1'"
}

# Builds that check whole structures at each step, or every access to memory,
# take minutes for what others do in seconds: they run the short form.
is_slow_build() {
    [ "${MMUSIM_CHECK:-}" = 2 ] || [ -n "${MMUSIM_SANITIZE:-}" ]
}

# Ends the script, which has done its other checks, where nothing can be recorded.
needs_recorder() {
    command -v qemu-x86_64 >/dev/null || {
        echo "skipped the rest: no qemu-x86_64"
        finish
        exit 0
    }
    [ -e "${BUILD_DIR:?}/mmusim-recorder.so" ] ||
        [ -n "${MMUSIM_RECORDER:-}" ] || {
        echo "skipped the rest: the recorder is not built in this configuration"
        finish
        exit 0
    }
}

# b06_trace ROUNDS: three threads of which two drop pages that all store to. On
# Linux before 4.13 the second finds them gone and returns without a flush
# while the first still flushes (B06 of docs/checker.md).
b06_trace() {
    awk -v rounds="$1" 'BEGIN {
        print "1 mmap 0x10000000 0x40000 rw-\n1 clone 2\n1 clone 3"
        for (round = 0; round < rounds; round++)
            for (t = 1; t <= 3; t++) {
                for (i = 0; i < 20; i++) {
                    printf "%d i 0x400000 %d 12\n", t, 1 + (round * 7 + t * 3) % 9
                    printf "%d w 0x%x\n", t, 268435456 + 4096 * (i % 4)
                }
                if (t < 3)
                    printf "%d madvise 0x10000000 0x4000 dontneed\n", t
            }
    }'
}

# same_lru_misses REFERENCES SOURCE OPTIONS...: LRU misses of the lines
# "TID r|w VADDR BYTES" by stack distances are the tool's, for $sizes.
same_lru_misses() {
    references=$1
    file=$2
    shift 2
    # shellcheck disable=SC2086 # numbers
    python3 "$SOURCE_DIR/tests/model/stack_distance.py" ${sizes:?} \
        <"$references" >"$work/expected"
    for size in $sizes; do
        run 0 replay -m generic --format csv -s core.window=0 \
            -s tlb.l1d.0.entries="$size" -s tlb.l1d.0.ways=full \
            -s tlb.l1d.0.replacement=lru "$@" "$file"
        awk -F, -v size="$size" '
            $1 == "l1d.misses" { misses = $2 }
            $1 == "l1d.accesses" { accesses = $2 }
            END { print size, misses, accesses }' "$work/out"
    done >"$work/measured"
    cmp "$work/expected" "$work/measured" || {
        fail "$file: misses differ (expected, measured)"
        paste "$work/expected" "$work/measured"
    }
}

finish() {
    [ "$failures" -eq 0 ] || exit 1
}
