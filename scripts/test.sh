#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing, builds every test configuration and runs the tests.
#
#   scripts/test.sh [CONFIGURATION...]     (default: debug clang asan tsan)
#
#   debug   gcc, Debug, every internal check
#   clang   clang, Release; also the rules of the tree, the installed tree, Slurm
#   asan    gcc, AddressSanitizer and UndefinedBehaviorSanitizer
#   tsan    gcc, ThreadSanitizer, on the tests that use several threads
#
# Each is a preset of CMakePresets.json, built in build/NAME with warnings as
# errors; what was said there is in build/NAME/test.log. A second run
# compiles nothing. JOBS=N: how many at a time (default: all processors).
set -u
cd "$(dirname "$0")/.." || exit 1
jobs=${JOBS:-$(nproc)}
configurations=("$@")
[ ${#configurations[@]} -gt 0 ] || configurations=(debug clang asan tsan)

scripts/install-deps.sh build test record || exit 1
# Slurm has daemons, which are not for every desk; without it, tests skip.
[ -z "${CI:-}" ] || scripts/install-deps.sh slurm

configure_options=()
command -v ninja >/dev/null && configure_options+=(-G Ninja)
command -v ccache >/dev/null &&
    configure_options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)

# ThreadSanitizer of these compilers fails where addresses are random in more
# bits than it knows; without randomness it works everywhere.
fixed_addresses=()
setarch -R true 2>/dev/null && fixed_addresses=(setarch -R)

# Which tests a configuration runs, as options of ctest.
tests_of() {
    case $1 in
    clang) ;;
    tsan) echo "-L threads" ;;
    debug) echo "-LE tree|slurm|unchecked" ;;
    *) echo "-LE tree|slurm" ;;
    esac
}

# Output goes to the log; the screen shows its end if the step fails.
step() { # name log command...
    local name=$1 log=$2 begin=$SECONDS status
    shift 2
    printf '%-18s' "$name"
    "$@" >"$log.step" 2>&1
    status=$?
    cat "$log.step" >>"$log"
    if [ $status -eq 0 ]; then
        printf 'ok      %4d s\n' $((SECONDS - begin))
    else
        printf 'FAILED  %4d s, the end of %s:\n' $((SECONDS - begin)) "$log"
        tail -n 100 "$log.step"
    fi
    rm -f "$log.step"
    return $status
}

check() { # configuration
    local build=build/$1 log=build/$1/test.log prefix=()
    mkdir -p "$build"
    : >"$log"
    if [ ! -e "$build/build.ninja" ] && [ ! -e "$build/Makefile" ]; then
        step "$1: configure" "$log" \
            cmake --preset "$1" "${configure_options[@]}" || return 1
    fi
    step "$1: build" "$log" cmake --build "$build" -j "$jobs" || return 1
    [ "$1" != tsan ] || prefix=("${fixed_addresses[@]}")
    # shellcheck disable=SC2046 # options
    step "$1: tests" "$log" "${prefix[@]}" ctest --test-dir "$build" \
        -j "$jobs" --output-on-failure --no-tests=error $(tests_of "$1") ||
        return 1
    # how many passed, which were skipped
    sed -n '/tests passed/,$p' "$log" |
        grep -Ev '^$|^Label Time|sec\*proc' | sed 's/^/    /'
}

# The same statistics from gcc, Debug, and clang, Release.
same_statistics() { # trace
    local build
    for build in debug clang; do
        MMUSIM_DATADIR=$PWD build/$build/mmusim replay -q -m zen4 \
            --format json -o "build/$build/statistics.json" "$1" || return 1
    done
    cmp build/debug/statistics.json build/clang/statistics.json
}

failed=()
for configuration in "${configurations[@]}"; do
    check "$configuration" || failed+=("$configuration")
done

case " ${configurations[*]} " in
*" debug "*"clang "*)
    step "compilers agree" build/clang/test.log \
        same_statistics traces/churn.mmt || failed+=("compilers agree")
    ;;
esac

if [ ${#failed[@]} -gt 0 ]; then
    echo "FAILED: ${failed[*]} (of ${configurations[*]}), $SECONDS s"
    exit 1
fi
echo "all passed: ${configurations[*]}, $SECONDS s"
