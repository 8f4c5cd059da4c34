#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# mmusim run: the statistics of a program that runs are those of replaying its
# trace; how it ends, what it refuses.
. "${SOURCE_DIR:?}/tests/cli/lib.sh"
command -v qemu-x86_64 >/dev/null || {
    echo "skipped: no qemu-x86_64"
    exit 77
}
[ -e "${BUILD_DIR:?}/mmusim-recorder.so" ] || [ -n "${MMUSIM_RECORDER:-}" ] || {
    echo "skipped: the recorder is not built in this configuration"
    exit 77
}
cd "$work" || exit 99
"${CC:-cc}" -O2 -w -o probe "$SOURCE_DIR/tests/cli/record_probe.c" -pthread ||
    exit 1
cat >pool.c <<'END'
/* Threads that map, touch and unmap, and a main thread that waits for them. */
#include <pthread.h>
#include <sys/mman.h>
static void *work(void *argument)
{
    unsigned random = 1;
    for (int round = 0; round < 20; round++) {
        char *p = mmap(0, 1 << 18, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (int i = 0; i < 16000; i++) /* as Numerical Recipes' ranqd1 */
            p[(random = random * 1664525 + 1013904223) >> 14]++;
        munmap(p, 1 << 18);
    }
    return argument;
}
int main(int argc, char **argv)
{
    pthread_t threads[3];
    for (int i = 0; i < *argv[1] - '0'; i++)
        pthread_create(&threads[i], 0, work, 0);
    for (int i = 0; i < *argv[1] - '0'; i++)
        pthread_join(threads[i], 0);
    return 0;
}
END
"${CC:-cc}" -O1 -o pool pool.c -pthread || exit 1

# same STATUS COMMAND...: run and replay of what it kept say the same.
same() {
    expected=$1
    shift
    rm -f live.mmt
    run "$expected" run -q --record live.mmt --format csv --per-core \
        -o live.csv "$@"
    run 0 replay --format csv --per-core -o replayed.csv live.mmt
    grep -q '^sim.accesses,[1-9]' live.csv || fail "$*: nothing happened"
    cmp live.csv replayed.csv || fail "$*: run and replay differ"
}
same 0 -- ./probe count
same 0 -- ./probe threads
same 0 -- ./probe close
same 7 -- ./probe status
same 139 -- ./probe segv
same 0 -- ./probe exec
same 0 -- ./probe fork
[ -z "$(find . -name '*.mmt.*')" ] || fail "a child left a trace"
same 0 -- ./pool 3
run 0 trace verify live.mmt
# The main thread sleeps longer than the buffer holds.
same 0 --buffer 256K -- ./pool 1
[ "$(stat -c %s live.mmt)" -gt 400000 ] || fail "the trace fits into the buffer"
grep -q '^sim.order_broken,0,' live.csv || fail "a sleeping thread broke stamps"
# Nearly no buffer: no equality, but an end, with all accesses.
run 0 run --buffer 64K --record live.mmt --format csv -o live.csv -- ./pool 3
run 0 replay --format csv -o replayed.csv live.mmt
[ "$(grep '^sim.accesses' live.csv)" = "$(grep '^sim.accesses' replayed.csv)" ] ||
    fail "a small buffer loses accesses"

run 7 run -- ./probe status
grep -q 'ended with status 7' "$work/err" || fail "the status is not told"
grep -q '^machine zen4, source ./probe status' "$work/err" ||
    fail "no report on standard error"
run 0 run -- ./probe fork
grep -q '3 forked children were not simulated' "$work/err" ||
    fail "children are not told"
run 0 run -- ./probe exec
says executed
grep -q 'became another program' "$work/err" || fail "exec is not told"
run 0 run -o - -- ./probe count
says 'simulated cycles'
echo words | "$MMUSIM" run -q -o report -- cat >copied
[ "$(cat copied)" = words ] || fail "standard input and output are not its own"

interrupt() { # program words...: TERM, since INT is ignored in background
    : >ready
    "$MMUSIM" run --format csv -o stopped.csv "$@" >ready 2>err &
    live=$!
    for _ in $(seq 100); do
        grep -q ready ready && break
        sleep 0.1
    done
    kill -TERM $live
    wait $live
    status=$?
}
interrupt -- ./probe wait
[ $status = 130 ] || fail "interrupted: status $status"
grep -q '^sim.accesses,[1-9]' stopped.csv || fail "interrupted: no statistics"

refuses 2 'which program' run
refuses 2 'nearest: --buffer' run --bufer 1M -- true
refuses 2 'from 65536' run --buffer 1 -- true
refuses 2 'needs a file' run --record - -- true
mknod full c 1 7 2>/dev/null
if { : >full; } 2>/dev/null; then # root, and a folder that has devices
    run 4 run -q -o full.csv --record full -- ./probe count
    grep -q '^mmusim: full: .*cannot be written: No space left' err ||
        fail "--record: which file is full?"
fi
refuses 2 'nearest' run -s os.flush_ceilin=1 -- true
refuses 3 'No such file' run -- ./nothing
refuses 3 './PROGRAM' run -- probe-not-there
printf '#!/bin/sh\n' >script && chmod +x script
refuses 3 'run its interpreter: /bin/sh' run -- ./script
printf '\177ELF\001\001' >small && chmod +x small
refuses 3 'a 32-bit program' run -- ./small
printf 'MZ' >alien && chmod +x alien
refuses 3 'not a program' run -- ./alien
cp probe privileged && chmod u+s privileged
refuses 3 'set-user-ID' run -- ./privileged
cp probe closed && chmod 644 closed
refuses 3 'chmod +x' run -- ./closed
refuses 4 'No such file' run -o no/x.json -- ./probe count
env PATH=/nonexistent "$MMUSIM" run -- ./probe count 2>err
[ $? = 4 ] || fail "without QEMU: another status than 4"
grep -q 'apt install qemu-user' err || fail "without QEMU: not what to install"
MMUSIM_RECORDER=/nonexistent refuses 4 'MMUSIM_RECORDER' run -- ./probe count
finish
