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

finish() {
    [ "$failures" -eq 0 ] || exit 1
}
