#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What tlb_single_page_flush_ceiling does to a recorded program on a simulated
# AMD Zen 4: installs what is missing, builds, sweeps, says what to try next.
#
#   scripts/demo.sh [options of `mmusim sweep`]       such as --ascii, -j 1
set -eu
cd "$(dirname "$0")/.."
build=build/release

scripts/install-deps.sh build

if [ ! -e $build/build.ninja ] && [ ! -e $build/Makefile ]; then
    generator=()
    ! command -v ninja >/dev/null || generator=(-G Ninja)
    echo "Building mmusim into $build (once) ..."
    cmake --preset release "${generator[@]}" >/dev/null
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cmake --build $build -j "$(nproc)" >"$log" 2>&1 || {
    cat "$log"
    exit 1
}

machine=zen4
trace=traces/churn.mmt
ceilings="0,1,2,4,8,16,33,64,128,256,512"
sweep=(sweep -m "$machine" -p "os.flush_ceiling=$ceilings" "$trace")
printf '$ mmusim %s\n\n' "${sweep[*]}"
$build/mmusim "${sweep[@]}" "$@"

cat <<END

Try next:
  $build/mmusim replay -m $machine $trace
      every statistic of one run, with Linux's default ceiling of 33
  $build/mmusim sweep -m skylake-sp -p os.flush_ceiling=0..64/8 workload:munmap,pages=48
      the same question, for an Intel machine and a generated program
  $build/mmusim record -o sort.mmt -- sort --parallel=4 README.md
      your own program as a trace (scripts/install-deps.sh record)
END
