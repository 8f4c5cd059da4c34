/* SPDX-License-Identifier: MIT */
/* Tag-only caches, alone and against a list of lines per set. */
#include "core/arena.h"
#include "core/rng.h"
#include "tlb/mem_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

static int setup(void **state)
{
    (void) state;
    mmusim__arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    mmusim__arena_fini(&arena);
    return 0;
}

static struct mem_cache build(uint64_t n_lines, uint32_t n_ways)
{
    struct cache_config config = {.size_bytes = n_lines << CACHE_LINE_SHIFT,
                                  .n_ways = n_ways};
    struct mem_cache cache;

    assert_int_equal(mmusim__mem_cache_init(&cache, &config, &arena),
                     MMUSIM_OK);
    return cache;
}

static void impossible_sizes_are_refused(void **state)
{
    struct mem_cache cache = {.n_ways = 77};
    struct cache_config small = {.size_bytes = 100, .n_ways = 1};
    struct cache_config config = {.size_bytes = 32768, .n_ways = 8};

    (void) state;
    assert_non_null(mmusim__mem_cache_refuses(32768, 0));
    assert_non_null(mmusim__mem_cache_refuses(32768, 65));
    assert_non_null(mmusim__mem_cache_refuses(32769, 8));
    assert_non_null(mmusim__mem_cache_refuses(64 * 9, 8));
    assert_non_null(mmusim__mem_cache_refuses(UINT64_C(1) << 31, 8));
    assert_non_null(mmusim__mem_cache_refuses(UINT64_MAX, 8));
    assert_null(mmusim__mem_cache_refuses(32768, 8));
    assert_null(mmusim__mem_cache_refuses(0, 0));
    assert_int_equal(mmusim__mem_cache_init(&cache, &small, &arena),
                     MMUSIM_CONFIG);
    arena.fail_after = 0;
    assert_int_equal(mmusim__mem_cache_init(&cache, &config, &arena),
                     MMUSIM_NOMEM);
    assert_int_equal(cache.n_ways, 77);
}

static void cache_of_size_zero_always_misses(void **state)
{
    struct mem_cache cache = build(0, 0);

    (void) state;
    mmusim__mem_cache_fill(&cache, 5, 0);
    assert_false(mmusim__mem_cache_touch(&cache, 5, 0));
    assert_false(mmusim__mem_cache_drop(&cache, 5, 0));
}

static void other_version_of_a_line_is_a_miss(void **state)
{
    struct mem_cache cache = build(64, 4);

    (void) state;
    mmusim__mem_cache_fill(&cache, 5, 3);
    assert_true(mmusim__mem_cache_touch(&cache, 5, 3));
    assert_false(mmusim__mem_cache_touch(&cache, 5, 4));
    assert_false(mmusim__mem_cache_touch(&cache, 5, 2));
}

static void dropped_way_is_filled_next(void **state)
{
    struct mem_cache cache = build(4, 4);

    (void) state;
    for (uint64_t line = 0; line < 4; line++)
        mmusim__mem_cache_fill(&cache, line, 0);
    assert_true(mmusim__mem_cache_drop(&cache, 2, 0));
    assert_false(mmusim__mem_cache_drop(&cache, 2, 0));
    mmusim__mem_cache_fill(&cache, 9, 0);
    for (uint64_t line = 0; line < 4; line++)
        assert_int_equal(mmusim__mem_cache_touch(&cache, line, 0), line != 2);
    assert_true(mmusim__mem_cache_touch(&cache, 9, 0));
}

static void oldest_line_can_be_dropped(void **state)
{
    struct mem_cache cache = build(4, 4);

    (void) state;
    for (uint64_t line = 0; line < 4; line++)
        mmusim__mem_cache_fill(&cache, line, 0);
    assert_true(mmusim__mem_cache_drop(&cache, 0, 0));
    assert_false(mmusim__mem_cache_touch(&cache, 0, 0));
    assert_true(mmusim__mem_cache_touch(&cache, 1, 0));
}

enum { MODEL_SETS = 8, MODEL_WAYS = 12, STEPS = 200000 };

/* Lines oldest first: lists are appended to and closed up. */
static bool model_access(uint64_t lists[MODEL_SETS][MODEL_WAYS],
                         uint32_t n[MODEL_SETS], uint64_t line)
{
    uint32_t set = (uint32_t) (line % MODEL_SETS);
    uint64_t *list = lists[set];
    uint32_t at = 0;
    bool is_hit;

    while (at < n[set] && list[at] != line)
        at++;
    is_hit = at < n[set];
    if (!is_hit && n[set] < MODEL_WAYS) {
        list[n[set]++] = line;
        return false;
    }
    at = is_hit ? at : 0;
    for (; at + 1 < n[set]; at++)
        list[at] = list[at + 1];
    list[at] = line;
    return is_hit;
}

static void hits_and_misses_are_those_of_a_list(void **state)
{
    uint64_t lists[MODEL_SETS][MODEL_WAYS];
    uint32_t n[MODEL_SETS] = {0};
    struct mem_cache cache = build(MODEL_SETS * MODEL_WAYS, MODEL_WAYS);
    uint32_t n_hits = 0;
    struct rng rng;

    (void) state;
    mmusim__rng_init(&rng, 5, 5);
    for (uint32_t step = 0; step < STEPS; step++) {
        uint64_t line = mmusim__rng_below(&rng, 200);
        bool is_hit = mmusim__mem_cache_touch(&cache, line, 0);

        if (!is_hit)
            mmusim__mem_cache_fill(&cache, line, 0);
        if (is_hit != model_access(lists, n, line))
            fail_msg("step %u, seed 5", step);
        n_hits += is_hit;
    }
    assert_in_range(n_hits, STEPS / 4, STEPS * 3 / 4);
}

/* 11 ways of 3 * 2^k sets: hashed, and every line has a place. */
static void cache_of_any_number_of_sets_uses_all_of_them(void **state)
{
    struct mem_cache cache = build(96 * 11, 11);
    uint32_t n_used = 0, n_kept = 0;

    (void) state;
    for (uint64_t line = 0; line < 96 * 11; line++)
        mmusim__mem_cache_fill(&cache, line, 0);
    for (uint32_t set = 0; set < 96; set++)
        n_used += cache.tags[set * 11] != 0;
    for (uint64_t line = 0; line < 96 * 11; line++)
        n_kept += mmusim__mem_cache_touch(&cache, line, 0);
    assert_int_equal(n_used, 96);
    assert_in_range(n_kept, 96 * 11 * 3 / 4, 96 * 11);
}

/* One line a page of a cache of 1024 sets: bits 6 to 11 of the address are
 * all one set needs to be chosen among 16, unless bits from 9 up are hashed. */
static void lines_of_one_offset_use_the_sets_that_plain_bits_leave(void **state)
{
    struct cache_config config = {.size_bytes = 1024 * 8 * 64, .n_ways = 8};
    static const uint32_t hash_from[] = {0, 9, 6};
    static const uint32_t n_usable[] = {16, 128, 1024};

    (void) state;
    for (uint32_t i = 0; i < 3; i++) {
        struct mem_cache cache;
        uint32_t n_used = 0;

        config.hash_from_bit = hash_from[i];
        assert_int_equal(mmusim__mem_cache_init(&cache, &config, &arena), 0);
        for (uint64_t page = 0; page < 100000; page++)
            mmusim__mem_cache_fill(&cache, page * 64, 0);
        for (uint32_t set = 0; set < 1024; set++)
            n_used += cache.tags[set * 8] != 0;
        assert_int_equal(n_used, n_usable[i]);
    }
}

/* The share of hits of a cyclic run of n_lines, after some rounds. */
static double cyclic_hits(const struct cache_config *config, uint64_t n_lines)
{
    enum { ROUNDS = 30, COLD_ROUNDS = 10 };
    struct mem_cache cache;
    uint64_t n_hits = 0;

    assert_int_equal(mmusim__mem_cache_init(&cache, config, &arena), 0);
    for (uint64_t i = 0; i < ROUNDS * n_lines; i++) {
        bool is_hit = mmusim__mem_cache_touch(&cache, i % n_lines, 0);

        if (!is_hit)
            mmusim__mem_cache_fill(&cache, i % n_lines, 0);
        n_hits += is_hit && i >= COLD_ROUNDS * n_lines;
    }
    return (double) n_hits / (double) ((ROUNDS - COLD_ROUNDS) * n_lines);
}

/* Twice what fits, round and round. LRU never hits. At random, a line stays
 * x of the time with x = exp(-2(1 - x)): 0.203; where three misses in four
 * are not kept, x = (x + (1 - x)/4) exp(-(1 - x)/2): 0.432. */
static void replacement_decides_what_an_overflowing_run_hits(void **state)
{
    struct cache_config config = {.size_bytes = 64 * 64 * 64, .n_ways = 64};

    (void) state;
    assert_true(cyclic_hits(&config, 8192) < 0.0001);
    config.replacement = CACHE_RANDOM;
    assert_in_range(1000 * cyclic_hits(&config, 8192), 185, 220);
    config.bypass_percent = 75;
    assert_in_range(1000 * cyclic_hits(&config, 8192), 415, 450);
}

static void bypassed_lines_of_an_lru_set_are_the_next_to_go(void **state)
{
    struct cache_config config = {
        .size_bytes = 4 * 64, .n_ways = 4, .bypass_percent = 99};
    struct mem_cache cache;
    uint32_t n_kept = 0;

    (void) state;
    assert_int_equal(mmusim__mem_cache_init(&cache, &config, &arena), 0);
    for (uint64_t line = 0; line < 20; line++)
        mmusim__mem_cache_fill(&cache, line, 0);
    for (uint64_t line = 0; line < 3; line++)
        n_kept += mmusim__mem_cache_touch(&cache, line, 0);
    assert_in_range(n_kept, 1, 3); /* LRU proper: none */
    assert_true(mmusim__mem_cache_touch(&cache, 19, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(impossible_sizes_are_refused),
        TEST(cache_of_size_zero_always_misses),
        TEST(other_version_of_a_line_is_a_miss),
        TEST(dropped_way_is_filled_next),
        TEST(oldest_line_can_be_dropped),
        TEST(hits_and_misses_are_those_of_a_list),
        TEST(cache_of_any_number_of_sets_uses_all_of_them),
        TEST(lines_of_one_offset_use_the_sets_that_plain_bits_leave),
        TEST(replacement_decides_what_an_overflowing_run_hits),
        TEST(bypassed_lines_of_an_lru_set_are_the_next_to_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
