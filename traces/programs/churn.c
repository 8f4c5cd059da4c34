/* SPDX-License-Identifier: MIT */
/*
 * churn [ROUNDS]: four threads return memory in pieces of 1 to 200 pages while
 * the others keep reading a shared table, so that every return is a TLB
 * shootdown among warm TLBs. Recorded as traces/churn.mmt.
 *
 * A round: a walk over the table, then one of
 *   mmap, touch, munmap            a buffer of its own
 *   touch, madvise(DONTNEED)       part of a long-lived pool
 *   malloc, touch, free            large blocks are mapped by malloc itself
 * Sizes: a third 1..16 pages, a third 17..64 (around Linux's ceiling of 33),
 * a third 65..200.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    N_THREADS = 4,
    DEFAULT_ROUNDS = 240,
    PAGE = 4096,
    TABLE_PAGES = 192,
    POOL_PAGES = 256,
    SMALL_BLOCKS = 64,
    WALK_READS = 3072,
};

struct worker {
    pthread_t thread;
    uint64_t random;
    int rounds;
    char *pool;
    uint64_t sum;
};

static const char *table;

static uint32_t draw(struct worker *w, uint32_t limit)
{
    w->random = w->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t) (w->random >> 33) % limit;
}

static size_t draw_pages(struct worker *w)
{
    switch (draw(w, 3)) {
    case 0:
        return 1 + draw(w, 16);
    case 1:
        return 17 + draw(w, 48);
    default:
        return 65 + draw(w, 136);
    }
}

static char *map(size_t n_pages)
{
    char *start = mmap(NULL, n_pages * PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return start;
}

static void touch(volatile char *start, size_t n_pages)
{
    for (size_t page = 0; page < n_pages; page++)
        start[page * PAGE] = 1;
}

/* The pages in a fixed scattered order, another line of them each time. */
static void walk_table(struct worker *w, size_t line)
{
    size_t page = line % TABLE_PAGES;
    uint64_t sum = 0;
    for (int i = 0; i < WALK_READS; i++) {
        const volatile uint64_t *word =
            (const volatile uint64_t *) (table + page * PAGE + line % 64 * 64);
        sum += *word;
        page = (page + 67) % TABLE_PAGES;
    }
    w->sum += sum;
}

static void churn_mapping(struct worker *w)
{
    size_t n_pages = draw_pages(w);
    char *start = map(n_pages);
    touch(start, n_pages);
    munmap(start, n_pages * PAGE);
}

static void churn_pool(struct worker *w)
{
    size_t n_pages = draw_pages(w);
    char *start = w->pool + draw(w, (uint32_t) (POOL_PAGES - n_pages)) * PAGE;
    touch(start, n_pages);
    madvise(start, n_pages * PAGE, MADV_DONTNEED);
}

static void churn_heap(struct worker *w)
{
    char *small[SMALL_BLOCKS];
    for (int i = 0; i < SMALL_BLOCKS; i++) {
        small[i] = malloc(16 + draw(w, 2000));
        *(volatile char *) small[i] = 1;
    }
    size_t n_pages = draw_pages(w);
    char *large = malloc(n_pages * PAGE);
    touch(large, n_pages);
    free(large);
    for (int i = 0; i < SMALL_BLOCKS; i++)
        free(small[i]);
}

static void *run(void *argument)
{
    static void (*const actions[])(struct worker *) = {churn_mapping,
                                                       churn_pool, churn_heap};
    struct worker *w = argument;
    w->pool = map(POOL_PAGES);
    for (int round = 0; round < w->rounds; round++) {
        walk_table(w, (size_t) round);
        actions[draw(w, 3)](w);
    }
    munmap(w->pool, POOL_PAGES * PAGE);
    return NULL;
}

int main(int argc, char **argv)
{
    static struct worker workers[N_THREADS];
    int rounds = argc > 1 ? atoi(argv[1]) : DEFAULT_ROUNDS;
    /* Fixed, as malloc otherwise raises it at every free of a mapped block. */
    mallopt(M_MMAP_THRESHOLD, 64 * 1024);
    char *pages = map(TABLE_PAGES);
    touch(pages, TABLE_PAGES);
    table = pages;
    for (int i = 0; i < N_THREADS; i++) {
        workers[i].random = (uint64_t) i + 1;
        workers[i].rounds = rounds;
        if (pthread_create(&workers[i].thread, NULL, run, &workers[i]) != 0)
            return 1;
    }
    uint64_t sum = 0;
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        sum += workers[i].sum;
    }
    return sum > 0 ? 0 : 1; /* touch() wrote ones into line 0 */
}
