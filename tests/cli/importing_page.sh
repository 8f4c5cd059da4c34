#!/bin/sh
# SPDX-License-Identifier: MIT
# docs/importing.md: its commands work as they stand there, on the samples (of
# DynamoRIO's and perf's files other tests have some).
. "$SOURCE_DIR/tests/cli/lib.sh"
command -v xz >/dev/null || exit 77
data=$SOURCE_DIR/tests/data/traces
mkdir "$work/bin"
ln -s "$(command -v "$MMUSIM")" "$work/bin/mmusim"
PATH=$work/bin:$PATH
export PATH
cd "$work" || exit 99

cp "$data/loop.champsim.xz" app.champsim.xz
cp "$data/loop.champsim.xz" 600.perlbench_s-210B.champsimtrace.xz
cp "$data/tiny_sort.lackey.gz" app.lackey.gz
gzip -dc app.lackey.gz >app.lackey
printf 'R 1000\nW 2000\n' >my-own.log

sed -n 's/^    \(.*mmusim .*\)/\1/p' "$SOURCE_DIR/docs/importing.md" |
    grep -v -e drmemtrace -e 'perf script' >commands
[ "$(wc -l <commands)" -ge 8 ] || fail "the page has lost its commands"
while read -r command; do
    sh -c "$command" >out 2>err </dev/null ||
        fail "$command: status $?: $(cat err)"
    case $command in
    *" -o "*) ;;
    *) [ -s out ] || fail "$command: printed nothing" ;;
    esac
done <commands
[ -s app.mmt ] && [ -s app.txt ] || fail "convert wrote nothing"
finish
