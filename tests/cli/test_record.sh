#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# mmusim record: what is recorded, how it ends, what it refuses. The probe
# program (record_probe.c) does known things; record_check.awk knows the laws
# that every recorded trace keeps.
set -u
mmusim=${MMUSIM:?}
here=${SOURCE_DIR:?}/tests/cli
command -v qemu-x86_64 >/dev/null || {
    echo "skipped: no qemu-x86_64"
    exit 77
}
[ -e "${BUILD_DIR:?}/mmusim-recorder.so" ] || [ -n "${MMUSIM_RECORDER:-}" ] || {
    echo "skipped: the recorder is not built in this configuration"
    exit 77
}
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0
n_checks=0
check() { # what, command...
    local what=$1
    shift
    n_checks=$((n_checks + 1))
    if ! "$@" >check.out 2>&1; then
        echo "FAILED: $what"
        sed 's/^/    /' check.out | head -20
        failed=1
    fi
}
fails_with() { # status, text, command...
    local status=$1 text=$2
    shift 2
    "$@" >message 2>&1
    local got=$?
    cat message
    [ $got -eq "$status" ] && grep -q -- "$text" message &&
        [ "$(wc -l <message)" -eq 1 ]
}
lawful() { # trace
    "$mmusim" trace cat "$1" >"$1.txt" && awk -f "$here/record_check.awk" "$1.txt"
}
count_marked() { # trace, r or w, size
    grep -cE "^[0-9]+ $2 0x7e0000[0-9a-f]{3} $3\$" "$1.txt"
}
has() { # text trace, pattern, number of lines
    local n
    n=$(grep -cE -- "$2" "$1")
    echo "$n lines match $2"
    [ "$n" -eq "$3" ]
}

"${CC:-cc}" -O2 -w -o probe "$here/record_probe.c" -pthread || exit 1

check_counts() { # name, command...
    local name=$1
    shift
    check "$name: recorded" "$mmusim" record -o "$name.mmt" -- "$@"
    check "$name: lawful" lawful "$name.mmt"
    check "$name: 1000 loads" [ "$(count_marked "$name.mmt" r 8)" = 1000 ]
    check "$name: 300 stores" [ "$(count_marked "$name.mmt" w 4)" = 300 ]
    check "$name: undamaged" "$mmusim" trace verify "$name.mmt"
    check "$name: no part left" [ ! -e "$name.mmt.part" ]
}
check_counts count ./probe count

# a device is written in place, and what it does not take is told
full_device() {
    "$mmusim" record -o full -- ./probe count >message 2>&1
    local got=$?
    cat message
    [ $got -eq 4 ] && grep -q "No space left" message && [ -c full ]
}
mknod null c 1 3 2>/dev/null && mknod full c 1 7
if { : >null; } 2>/dev/null; then # root, and a folder that has devices
    check "a device takes the trace" "$mmusim" record -o null -- ./probe count
    check "a full device is status 4" full_device
fi
check_counts closing ./probe close
if command -v qemu-aarch64 >/dev/null &&
    command -v aarch64-linux-gnu-gcc >/dev/null; then
    aarch64-linux-gnu-gcc -O2 -w -o probe-arm "$here/record_probe.c" -pthread
    check_counts arm ./probe-arm count
    check "AArch64 threads recorded" \
        "$mmusim" record -o arm-threads.mmt -- ./probe-arm threads
    check "AArch64 threads lawful" lawful arm-threads.mmt
fi

# what is mapped, against what readelf says of the file
build_of() {
    readelf -n "$1" 2>/dev/null | sed -n 's/.*Build ID: \(.\{16\}\).*/\1/p'
}
images_name() { # text trace, program
    local build
    build=$(build_of "$2")
    echo "build id $build"
    [ "$(grep -c "image .*file:$PWD/${2#./}@[0-9]*${build:+ build=$build}$" \
        "$1")" = "$(readelf -lW "$2" | grep -c '^  LOAD')" ]
}
if command -v readelf >/dev/null; then
    check "the program's segments are told" images_name count.mmt.txt ./probe
fi
check "one stack is told" has count.mmt.txt 'image .* rw- \[stack\]$' 1
check "the interpreter is told" has count.mmt.txt 'image .* r-x file:.*/ld-' 1
check "libc is told again, with its build id" \
    has count.mmt.txt 'image .* r-x file:.*/libc[.-].* build=' 1

# with lines: the same but for fetches, whose instructions are as many
"$mmusim" record --lines -o lines.mmt -- ./probe count
check "lines: lawful" lawful lines.mmt
same_but_fetches() {
    for trace in count lines; do
        grep -vE '^[0-9]+ (i|site|image) ' $trace.mmt.txt |
            sed 's/^[0-9]* //' | grep -E '^(r|w) 0x7e0000|^[a-z]{3}' >$trace.rest
        awk '$2 == "i" { n += $4 } END { print n }' $trace.mmt.txt >>$trace.rest
    done
    diff count.rest lines.rest
}
check "lines: nothing else changes" same_but_fetches
check "lines: images say so" has lines.mmt.txt 'image .* rw- \[stack\] lines$' 1
check "lines: callers are told" [ "$(grep -c ' site ' lines.mmt.txt)" -gt 10 ]
without_notes() {
    grep -vE '^[0-9]+ (site|image) ' lines.mmt.txt >bare.txt
    "$mmusim" replay -q --format csv lines.mmt >with.csv &&
        "$mmusim" replay -q --format csv bare.txt >without.csv &&
        cmp with.csv without.csv
}
check "images and sites change no statistic" without_notes

check "true recorded" "$mmusim" record -o true.mmt -- true
check "true lawful" lawful true.mmt
check "true has an index and information" "$mmusim" trace info true.mmt

check "threads recorded" "$mmusim" record -o threads.mmt -- ./probe threads
check "addresses used again keep their order" lawful threads.mmt
check "four clones" has threads.mmt.txt '^[0-9]+ clone ' 4
check "five exits" has threads.mmt.txt '^[0-9]+ exit$' 5

check "fork recorded" "$mmusim" record -o fork.mmt -- ./probe fork
check "fork lawful" lawful fork.mmt
children_know_images() {
    for child in fork.mmt.[0-9]*; do
        "$mmusim" trace cat "$child" | grep -E ' image ' >images
        grep -q 'r-x file:.*/probe@' images && grep -q 'r-x file:.*/libc' images &&
            grep -q '\[stack\]' images || return 1
    done
}
check "three forks" has fork.mmt.txt '^[0-9]+ fork ' 3
check "three children" [ "$(find . -name 'fork.mmt.[0-9]*' | wc -l)" = 3 ]
check "no part of a child left" [ -z "$(find . -name '*.part')" ]
for child in fork.mmt.[0-9]*; do
    check "$child undamaged" "$mmusim" trace verify "$child"
    check "$child lawful" lawful "$child"
    cat "$child.txt" >>children
done
check "children know what is mapped" children_know_images
check "one child became another program" has children '^[0-9]+ exec$' 1
check "two ended" has children '^[0-9]+ exit$' 2

check "exec recorded" "$mmusim" record -o exec.mmt -- ./probe exec
check "exec lawful" lawful exec.mmt
check "exec is the last record" \
    [ "$(tail -n 1 exec.mmt.txt | cut -d' ' -f2)" = exec ]

check "a crash is told" fails_with 0 'killed by signal 11' bash -c \
    "'$mmusim' record -o segv.mmt -- ./probe segv 2>&1 | grep ^mmusim"
check "a crash leaves a whole trace" "$mmusim" trace verify segv.mmt
check "a crash keeps the laws" lawful segv.mmt
check "a crash keeps every access" [ "$(count_marked segv.mmt r 8)" = 1000 ]

check "SIGKILL leaves a trace" "$mmusim" record -o kill.mmt -- ./probe kill
check "SIGKILL leaves readable blocks" "$mmusim" trace cat kill.mmt
check "what was written a second before is there" \
    [ "$("$mmusim" trace cat kill.mmt | grep -c 'r 0x7e0000')" = 1000 ]

"$mmusim" record -o stop.mmt -- ./probe wait >ready &
recorder=$!
for _ in $(seq 100); do
    grep -q ready ready && break
    sleep 0.1
done
kill -TERM $recorder # INT is ignored in background jobs
wait $recorder
check "an interrupted recording says 130" [ $? = 130 ]
check "an interrupted recording is a whole trace" "$mmusim" trace verify stop.mmt
check "an interrupted recording is lawful" lawful stop.mmt

check "the program's status is told, not returned" \
    fails_with 0 'ended with status 7' \
    "$mmusim" record -o status.mmt -- ./probe status

echo old >old.mmt
refuses() { # what, status, text, arguments...
    check "refuses $1" fails_with "$2" "$3" "$mmusim" record "${@:4}"
}
refuses 'a missing output' 2 'which file' -- true
refuses 'a missing program' 2 'which program' -o x.mmt
refuses 'an unknown program' 3 'No such file' -o old.mmt -- ./nothing
printf '#!/bin/sh\n' >script && chmod +x script
refuses 'a script' 3 'interpreter: /bin/sh' -o old.mmt -- ./script
printf 'MZ' >alien && chmod +x alien
refuses 'another kind of file' 3 'not a program' -o old.mmt -- ./alien
cp probe privileged && chmod u+s privileged
refuses 'set-user-ID' 3 'set-user-ID' -o old.mmt -- ./privileged
refuses 'a folder' 4 'directory' -o . -- ./probe count
refuses 'the program as output' 4 'is the program' -o probe -- ./probe count
refuses 'a folder that is not there' 4 'No such file' -o no/x.mmt -- ./probe count
check "QEMU is missing" fails_with 4 'apt install qemu-user' \
    env PATH=/nonexistent "$mmusim" record -o old.mmt -- ./probe count
check "the plugin is missing" fails_with 4 'MMUSIM_RECORDER' \
    env MMUSIM_RECORDER=/nonexistent "$mmusim" record -o old.mmt -- ./probe count
check "a refused recording leaves the old file" [ "$(cat old.mmt)" = old ]
check "a program may be called with a comma in the path" \
    "$mmusim" record -o a,b=c.mmt -- ./probe count
check "the trace with a comma is there" "$mmusim" trace verify a,b=c.mmt
check "no temporary file is left" [ -z "$(find . -name '*.part')" ]

echo "$n_checks checks"
exit $failed
