/* SPDX-License-Identifier: MIT */
/* A program whose costs are known by line: tests/cli/annotate.sh looks for the
 * comments. With -DLIBRARY: the part that is a shared object. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGES 4096

static volatile unsigned long sum;

void library_work(char *pages, int times);

#ifdef LIBRARY
static unsigned long library_random(unsigned long *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

void library_work(char *pages, int times)
{
    unsigned long state = 1;

    for (int i = 0; i < times; i++) {
        long page = (long) (library_random(&state) % PAGES);
        sum += (unsigned long) page;
        pages[page * 4096] += 1; /* hot in the library */
        sum += 3;
    }
}
#else
__attribute__((noinline)) static void cold_work(const char *pages)
{
    for (int i = 0; i < 100; i++)
        sum += (unsigned long) pages[i * 64]; /* cold */
}

__attribute__((noinline)) static void hot_work(char *pages, int times)
{
    unsigned long state = 1;

    for (int i = 0; i < times; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        long page = (long) ((state >> 33) % PAGES);
        sum += (unsigned long) page;
        pages[page * 4096] += 1; /* hot */
        sum += 3;
    }
}

__attribute__((noinline)) static void drop_pages(char *pages)
{
    madvise(pages, 64 * 4096, MADV_DONTNEED); /* drops */
    sum += 1;
}

int main(int argc, char **argv)
{
    char *pages = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED || argc < 2)
        return 1;
    cold_work(pages);
    if (!strcmp(argv[1], "hot"))
        hot_work(pages, 5000);
#ifdef WITH_LIBRARY
    if (!strcmp(argv[1], "library"))
        library_work(pages, 5000);
#endif
    for (int i = 0; i < 30; i++)
        drop_pages(pages);
    printf("%lu\n", sum);
    munmap(pages, PAGES * 4096);
    return 0;
}
#endif
