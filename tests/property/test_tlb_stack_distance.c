/* SPDX-License-Identifier: MIT */
/*
 * Laws of LRU arrays: misses equal those computed from stack distances
 * (Mattson, Gecsei, Slutz, Traiger, IBM Systems Journal 9(2), 1970); cyclic
 * walks miss never or always; more ways never add misses.
 */
#include "core/arena.h"
#include "core/rng.h"
#include "tlb/tlb_array_inline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    N_REFERENCES = 40000,
    N_STREAM_PAGES = 400,
    MAX_DISTANCE = N_STREAM_PAGES,
    SEED = 4711,
};

static uint64_t count_misses(const uint64_t *pages, uint32_t n, uint32_t n_sets,
                             uint32_t n_ways)
{
    struct tlb_array_config config = {.n_entries = n_sets * n_ways,
                                      .n_ways = n_ways,
                                      .n_orders = 1,
                                      .replacement = "lru"};
    struct tlb_array array;
    struct arena arena;
    uint64_t n_misses = 0;

    mmusim__arena_init(&arena);
    assert_int_equal(mmusim__tlb_array_init(&array, &config, NULL, &arena),
                     MMUSIM_OK);
    for (uint32_t i = 0; i < n; i++) {
        vpn_t vpn = {pages[i]};
        struct tlb_removed removed;

        if (tlb_array_lookup(&array, vpn, 0) != TLB_NO_SLOT)
            continue;
        n_misses++;
        mmusim__tlb_array_insert(&array, tlb_key(vpn, 0, 0, false), 0, 0,
                                 &removed);
    }
    mmusim__arena_fini(&arena);
    return n_misses;
}

/* Adds the distances of one set's references to a histogram; a first use
 * counts at MAX_DISTANCE, which is out of reach. */
static void add_distances(const uint64_t *pages, uint32_t n, uint32_t n_sets,
                          uint32_t set, uint64_t *histogram)
{
    uint64_t stack[N_STREAM_PAGES];
    uint32_t depth = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = 0;

        if (pages[i] % n_sets != set)
            continue;
        while (at < depth && stack[at] != pages[i])
            at++;
        histogram[at < depth ? at : MAX_DISTANCE]++;
        depth += at == depth;
        memmove(stack + 1, stack, at * sizeof(*stack));
        stack[0] = pages[i];
    }
}

/* A distance of d or more misses in d ways. */
static void compare_with_distances(const uint64_t *pages, uint32_t n_sets)
{
    static const uint32_t ways[] = {1, 2, 3, 4, 8, 12, 16, 17, 64, 72, 96};
    uint64_t histogram[MAX_DISTANCE + 1] = {0};

    for (uint32_t set = 0; set < n_sets; set++)
        add_distances(pages, N_REFERENCES, n_sets, set, histogram);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        uint64_t n_expected = 0;

        for (uint32_t d = ways[i]; d <= MAX_DISTANCE; d++)
            n_expected += histogram[d];
        assert_int_equal(count_misses(pages, N_REFERENCES, n_sets, ways[i]),
                         n_expected);
    }
}

static void draw_uniform(uint64_t *pages)
{
    struct rng rng;

    mmusim__rng_init(&rng, SEED, 1);
    for (uint32_t i = 0; i < N_REFERENCES; i++)
        pages[i] = mmusim__rng_below(&rng, N_STREAM_PAGES);
}

/* Page k with a probability as 1 / (k + 1). */
static void draw_zipf(uint64_t *pages)
{
    double sums[N_STREAM_PAGES], sum = 0;
    struct rng rng;

    mmusim__rng_init(&rng, SEED, 2);
    for (uint32_t k = 0; k < N_STREAM_PAGES; k++)
        sums[k] = sum += 1.0 / (k + 1);
    for (uint32_t i = 0; i < N_REFERENCES; i++) {
        double at = mmusim__rng_below(&rng, UINT32_MAX) / 4294967295.0 * sum;

        pages[i] = 0;
        while (pages[i] < N_STREAM_PAGES - 1 && sums[pages[i]] < at)
            pages[i]++;
    }
}

static uint64_t stream[N_REFERENCES];

static void
lru_misses_of_a_uniform_stream_follow_from_its_distances(void **state)
{
    (void) state;
    draw_uniform(stream);
    for (uint32_t n_sets = 1; n_sets <= 16; n_sets *= 4)
        compare_with_distances(stream, n_sets);
}

static void lru_misses_of_a_zipf_stream_follow_from_its_distances(void **state)
{
    (void) state;
    draw_zipf(stream);
    for (uint32_t n_sets = 1; n_sets <= 16; n_sets *= 4)
        compare_with_distances(stream, n_sets);
}

static void more_ways_never_add_misses(void **state)
{
    (void) state;
    draw_zipf(stream);
    for (uint32_t n_sets = 1; n_sets <= 8; n_sets *= 2) {
        uint64_t n_before = UINT64_MAX;

        for (uint32_t n_ways = 1; n_ways <= 24; n_ways++) {
            uint64_t n = count_misses(stream, N_REFERENCES, n_sets, n_ways);

            assert_true(n <= n_before);
            n_before = n;
        }
    }
}

static void cyclic_walk_misses_never_if_it_fits_and_always_if_not(void **state)
{
    static const uint32_t entries[] = {1, 2, 4, 12, 16, 17, 64, 72, 96};

    (void) state;
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        uint32_t n_entries = entries[i];

        for (uint32_t n_pages = 1; n_pages <= 2 * n_entries; n_pages++) {
            uint32_t n_accesses = 5 * n_pages;

            for (uint32_t k = 0; k < n_accesses; k++)
                stream[k] = k % n_pages;
            assert_int_equal(count_misses(stream, n_accesses, 1, n_entries),
                             n_pages <= n_entries ? n_pages : n_accesses);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            lru_misses_of_a_uniform_stream_follow_from_its_distances),
        cmocka_unit_test(lru_misses_of_a_zipf_stream_follow_from_its_distances),
        cmocka_unit_test(more_ways_never_add_misses),
        cmocka_unit_test(cyclic_walk_misses_never_if_it_fits_and_always_if_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
