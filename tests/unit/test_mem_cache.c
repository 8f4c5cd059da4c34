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
    struct mem_cache cache;

    assert_int_equal(mmusim__mem_cache_init(&cache, n_lines << CACHE_LINE_SHIFT,
                                            n_ways, &arena),
                     MMUSIM_OK);
    return cache;
}

static void impossible_sizes_are_refused(void **state)
{
    struct mem_cache cache = {.n_ways = 77};

    (void) state;
    assert_non_null(mmusim__mem_cache_refuses(32768, 0));
    assert_non_null(mmusim__mem_cache_refuses(32768, 65));
    assert_non_null(mmusim__mem_cache_refuses(32769, 8));
    assert_non_null(mmusim__mem_cache_refuses(64 * 9, 8));
    assert_non_null(mmusim__mem_cache_refuses(UINT64_C(1) << 31, 8));
    assert_non_null(mmusim__mem_cache_refuses(UINT64_MAX, 8));
    assert_null(mmusim__mem_cache_refuses(32768, 8));
    assert_null(mmusim__mem_cache_refuses(0, 0));
    assert_int_equal(mmusim__mem_cache_init(&cache, 100, 1, &arena),
                     MMUSIM_CONFIG);
    arena.fail_after = 0;
    assert_int_equal(mmusim__mem_cache_init(&cache, 32768, 8, &arena),
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
