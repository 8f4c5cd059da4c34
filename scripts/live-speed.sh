#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How much slower `mmusim run` makes a program than `mmusim record`: three small
# programs, each alone, recorded and run in turn; the least of some repetitions.
# CPU seconds do not depend on what else the host does; wall seconds do.
# usage: scripts/live-speed.sh [BUILD-FOLDER [REPETITIONS]]   (a Release build)
set -u
build=$(realpath "${1:-build}")
repetitions=${2:-3}
mmusim=$build/mmusim
MMUSIM_DATADIR=$(realpath "$(dirname "$0")/..")
export MMUSIM_DATADIR
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

cat >sort.c <<'END' # mostly hits
#include <stdlib.h>
static int compare(const void *a, const void *b)
{
    return *(int *) a < *(int *) b ? -1 : *(int *) a > *(int *) b;
}
int main(void)
{
    int n = 300000, *x = malloc(n * sizeof(*x));
    unsigned random = 1;
    for (int i = 0; i < n; i++)
        x[i] = (random = random * 1664525 + 1013904223) >> 8;
    qsort(x, n, sizeof(*x), compare);
    return x[n / 2] < 0;
}
END
cat >threads.c <<'END' # two threads that map, touch and unmap
#include <pthread.h>
#include <sys/mman.h>
static void *work(void *argument)
{
    for (int round = 0; round < 20; round++) {
        char *p = mmap(0, 1 << 18, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (int i = 0; i < 160 << 18; i += 64)
            p[i % (1 << 18)]++;
        munmap(p, 1 << 18);
    }
    return argument;
}
int main(void)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], 0, work, 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], 0);
    return 0;
}
END
cat >random.c <<'END' # every access misses the TLBs
#include <stdlib.h>
int main(void)
{
    unsigned *x = malloc(1 << 28), random = 1;
    for (int i = 0; i < 1 << 26; i += 1024)
        x[i] = i;
    for (int i = 0; i < 1000000; i++)
        x[(random = random * 1664525 + 1013904223) >> 6]++;
    return x[5] == 1;
}
END

# least FILE COMMAND...: least CPU and wall seconds of the command into FILE
least() {
    local file=$1 TIMEFORMAT='%U %S %R'
    shift
    for _ in $(seq "$repetitions"); do
        { time "$@" >/dev/null 2>&1; } 2>&1
    done | awk 'NR == 1 || $1 + $2 < cpu { cpu = $1 + $2 }
        NR == 1 || $3 < wall { wall = $3 } END { print cpu, wall }' >"$file"
}

printf '%-10s %10s %10s %8s   %10s %10s %8s\n' '' record run ratio record run \
    ratio
printf '%-10s %30s   %30s\n' '' 'CPU s' 'wall s'
for name in sort threads random; do
    "${CC:-cc}" -O2 -w -o $name $name.c -pthread || exit 1
    least record "$mmusim" record -q -o trace.mmt -- ./$name
    least run "$mmusim" run -q -o report -- ./$name
    paste record run | awk -v name=$name '{
        printf "%-10s %10.2f %10.2f %8.2f   %10.2f %10.2f %8.2f\n", name, $1,
               $3, $3 / $1, $2, $4, $4 / $2 }'
done
