/* SPDX-License-Identifier: MIT */
/*
 * Host time of TLB array operations: fastest of many runs, in ns, and as a
 * ratio to the same operation on the 64-entry 4-way LRU array. Random pages,
 * so that no caller's filter of repeated pages could help.
 */
#include "core/arena.h"
#include "core/rng.h"
#include "tlb/tlb_array_inline.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    N_RUNS = 40,
    N_OPERATIONS = 1 << 14, /* in a run: a tenth of a millisecond */
};

static const struct {
    const char *name;
    uint32_t n_entries, n_ways, n_orders;
    const char *replacement;
    enum tlb_index index;
    uint32_t ways_4k; /* 0: all */
} organisations[] = {
    {"64 x 4w lru", 64, 4, 1, "lru", TLB_INDEX_BITS, 0},
    {"64 x 4w plru", 64, 4, 1, "plru", TLB_INDEX_BITS, 0},
    {"64 x 4w nru", 64, 4, 1, "nru", TLB_INDEX_BITS, 0},
    {"64 x 4w srrip", 64, 4, 1, "srrip", TLB_INDEX_BITS, 0},
    {"64 x 8w lru", 64, 8, 1, "lru", TLB_INDEX_BITS, 0},
    {"16 fa lru", 16, 16, 1, "lru", TLB_INDEX_BITS, 0},
    {"24 fa lru", 24, 24, 1, "lru", TLB_INDEX_BITS, 0},
    {"72 fa lru 4K+2M+1G", 72, 72, 3, "lru", TLB_INDEX_BITS, 0},
    {"64 fa plru", 64, 64, 1, "plru", TLB_INDEX_BITS, 0},
    {"96 fa fifo", 96, 96, 1, "fifo", TLB_INDEX_BITS, 0},
    {"1536 x 12w lru 4K+2M", 1536, 12, 2, "lru", TLB_INDEX_BITS, 0},
    {"1536 x 12w plru12", 1536, 12, 2, "plru12", TLB_INDEX_BITS, 0},
    {"1536 x 12w nru", 1536, 12, 2, "nru", TLB_INDEX_BITS, 0},
    {"1536 x 12w srrip", 1536, 12, 2, "srrip", TLB_INDEX_BITS, 0},
    {"3072 x 24w lru 4K+2M", 3072, 24, 2, "lru", TLB_INDEX_BITS, 0},
    {"1536 x 12w lru xor", 1536, 12, 2, "lru", TLB_INDEX_XOR, 0},
    {"1536 x 12w lru fold", 1536, 12, 2, "lru", TLB_INDEX_FOLD, 0},
    {"1536 x 12w lru skewed", 1536, 12, 2, "lru", TLB_INDEX_SKEWED, 0},
    {"64 x 4w lru skewed", 64, 4, 1, "lru", TLB_INDEX_SKEWED, 0},
    {"3072 x 24w lru 4K:8", 3072, 24, 2, "lru", TLB_INDEX_BITS, 8},
};

enum { N_ORGANISATIONS = sizeof(organisations) / sizeof(organisations[0]) };

struct bench {
    struct tlb_array array;
    uint32_t n_entries;
    uint64_t pages[N_OPERATIONS]; /* within what the array holds */
    uint64_t sum;                 /* keeps the work from being removed */
};

typedef void (*bench_fn)(struct bench *bench);

static double now_ns(void)
{
    struct timespec time;

    timespec_get(&time, TIME_UTC);
    return (double) time.tv_sec * 1e9 + (double) time.tv_nsec;
}

static void put(struct bench *bench, uint64_t page)
{
    struct tlb_removed removed;

    mmusim__tlb_array_insert(&bench->array, tlb_key((vpn_t){page}, 0, 1, false),
                             page << 12, 0, &removed);
    bench->sum += removed.key;
}

static void fill_up(struct bench *bench)
{
    for (uint64_t page = 0; page < bench->n_entries; page++)
        put(bench, page);
}

static void run_hits(struct bench *bench)
{
    for (uint32_t i = 0; i < N_OPERATIONS; i++)
        bench->sum +=
            tlb_array_lookup(&bench->array, (vpn_t){bench->pages[i]}, 1);
}

static void run_misses(struct bench *bench)
{
    for (uint32_t i = 0; i < N_OPERATIONS; i++)
        bench->sum += tlb_array_lookup(
            &bench->array, (vpn_t){bench->pages[i] + bench->n_entries}, 1);
}

static void run_inserts(struct bench *bench)
{
    for (uint32_t i = 0; i < N_OPERATIONS; i++)
        put(bench, bench->pages[i] + i % 8 * bench->n_entries);
}

static void run_invlpgs(struct bench *bench)
{
    struct inval inval = {.has_range = true,
                          .n_pages = 1,
                          .has_asid = true,
                          .asid = 1,
                          .hits_globals = true,
                          .hits_nonglobals = true};

    for (uint32_t i = 0; i < N_OPERATIONS; i++) {
        inval.vpn.v = bench->pages[i] + bench->n_entries * (i & 1);
        bench->sum += mmusim__tlb_array_invalidate(&bench->array, &inval, false,
                                                   NULL, NULL);
        if (i % 8 == 0)
            put(bench, inval.vpn.v);
    }
}

static double fastest_ns(struct bench *bench, bench_fn run)
{
    double fastest = 1e30;

    for (int i = 0; i < N_RUNS; i++) {
        double start, ns;

        fill_up(bench);
        start = now_ns();
        run(bench);
        ns = (now_ns() - start) / N_OPERATIONS;
        fastest = ns < fastest ? ns : fastest;
    }
    return fastest;
}

static int bench_build(struct bench *bench, uint32_t index, struct arena *arena)
{
    struct tlb_array_config config = {
        .n_entries = organisations[index].n_entries,
        .n_ways = organisations[index].n_ways,
        .n_orders = organisations[index].n_orders,
        .orders = {0, 9, 18},
        .index = organisations[index].index,
        .n_size_ways = organisations[index].ways_4k > 0,
        .size_ways = {(uint16_t) organisations[index].ways_4k},
        .size_first_way = {TLB_ANY_RUN},
    };
    struct rng rng;

    snprintf(config.replacement, sizeof(config.replacement), "%s",
             organisations[index].replacement);
    if (mmusim__tlb_array_init(&bench->array, &config, NULL, arena))
        return -1;
    bench->n_entries = config.n_entries;
    mmusim__rng_init(&rng, 1, index);
    for (uint32_t i = 0; i < N_OPERATIONS; i++)
        bench->pages[i] = mmusim__rng_below(&rng, config.n_entries);
    return 0;
}

int main(void)
{
    static const bench_fn operations[] = {run_hits, run_misses, run_inserts,
                                          run_invlpgs};
    static struct bench bench;
    double first[4] = {0};

    printf("%-22s %14s %14s %14s %14s\n", "ns (ratio)", "hit", "miss", "insert",
           "invlpg");
    for (uint32_t i = 0; i < N_ORGANISATIONS; i++) {
        struct arena arena;

        mmusim__arena_init(&arena);
        if (bench_build(&bench, i, &arena)) {
            fprintf(stderr, "bench_tlb: cannot build %s\n",
                    organisations[i].name);
            return 1;
        }
        printf("%-22s", organisations[i].name);
        for (uint32_t k = 0; k < 4; k++) {
            double ns = fastest_ns(&bench, operations[k]);

            first[k] = i ? first[k] : ns;
            printf(" %7.2f (%4.2f)", ns, ns / first[k]);
        }
        printf("\n");
        mmusim__arena_fini(&arena);
    }
    return bench.sum == 1; /* never: the sum is used */
}
