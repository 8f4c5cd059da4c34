#!/bin/sh
# SPDX-License-Identifier: MIT
# Help, versions, unknown words, wrong options: statuses and messages.
. "$SOURCE_DIR/tests/cli/lib.sh"

run 0 --help
for word in replay annotate advise sweep record run trace config workload scenario litmus validate 130 --version; do
    says "$word"
done
run 0 --version
version=$(sed -n 's/^#define MMUSIM_VERSION_[A-Z]* //p' \
    "$SOURCE_DIR/include/mmusim/mmusim.h" | paste -sd.)
says "mmusim $version"

for command in replay annotate advise sweep record run trace config workload scenario litmus validate \
    "workload list" "workload show" "scenario run" \
    "scenario explore" "validate latency"; do
    # shellcheck disable=SC2086 # two words are two arguments
    run 0 $command --help
    says "Usage: mmusim $command"
    [ ! -s "$work/err" ] || fail "$command --help wrote to standard error"
done
run 0 help sweep
says "Usage: mmusim sweep"
run 0 replay --help
for option in --machine --set --seed --from --salvage --format --per-core \
    --output --check --quiet --help; do
    says "$option"
done
run 0 sweep --help
for option in --machine --set --param --jobs --cache --metric --format \
    --per-core --ascii --output --quiet; do
    says "$option"
done

refuses 2 "which command?"
refuses 2 "nearest: replay" relpay
refuses 2 "see mmusim --help" xyzzy
refuses 2 "nearest: --format" replay --fromat text workload:chase
refuses 2 "unknown option -Z" replay -Z workload:chase
refuses 2 "needs an argument" replay -m
refuses 2 "needs an argument" replay workload:chase --format
refuses 2 "takes no argument" replay --salvage=yes workload:chase
refuses 2 "which source?" replay
refuses 2 "one source only" replay workload:chase workload:munmap
refuses 2 "text, json, csv" replay --format xml workload:chase
refuses 2 "nearest: csv" replay --format cvs workload:chase

refuses 2 "not KEY=VALUE" replay -s seed workload:chase
refuses 2 "not KEY=VALUE" replay -s =1 workload:chase
refuses 2 "nearest: os.flush_ceiling" replay -s os.flush_celing=1 \
    workload:chase
refuses 2 "os.flush_ceiling" replay -s os.flush_ceiling=many workload:chase
run 2 replay -m no-such-machine workload:chase
refuses 3 "no-such-file.mmt" replay no-such-file.mmt
printf 'a newline\nin a name' >"$work/odd" # the message stays one line
refuses 3 "no?such" replay "no
such"

run 0 workload list
for name in chase madvise munmap; do
    says "$name"
done
run 0 workload show chase
for parameter in pages rounds accesses stride huge random seed; do
    says "$parameter"
done
run 0 workload show workload:madvise
says "threads"
refuses 2 "nearest: chase" workload show chaise
refuses 2 "which one?" workload
refuses 2 "nearest: list" workload lsit
refuses 2 "names one workload" workload show
refuses 2 "takes no operand" workload list chase
refuses 2 "nearest: munmap" replay workload:mumap
refuses 2 "nearest: pages" replay workload:munmap,page=1
refuses 2 "from 1 to" replay workload:munmap,pages=0
refuses 2 "key=value" replay workload:munmap,pages
finish
