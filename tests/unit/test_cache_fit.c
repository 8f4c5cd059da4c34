/* SPDX-License-Identifier: MIT */
/* The fit of data caches: curves made from known caches give those back, and
 * curves written down by hand give what anyone would read from them. */
#include "validate/cache_curve.h"
#include "validate/cache_fit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { N_POINTS = 29, WINDOW_PAGES = 512, L1_PAGES = 64, L2_TLB_CYCLES = 8 };

static const struct fit_machine machine = {
    .caches =
        {
            {32 << 10, 8, 0, false, 0, 4},
            {512 << 10, 8, 0, false, 0, 13},
            {UINT64_C(16) << 20, 16, 17, false, 0, 50},
            {.cycles = 200},
        },
    .l1_pages = L1_PAGES,
    .l2_pages = 2 * WINDOW_PAGES,
    .window_pages = WINDOW_PAGES,
    .l2_tlb_cycles = L2_TLB_CYCLES,
    .walk_cycles = 17,
};

static uint64_t kib_at(size_t point)
{
    return (uint64_t) (point % 2 ? 48 : 32) << point / 2;
}

static double misses_of(const struct fit_cache *cache, uint64_t n_lines)
{
    struct cache_shape shape = {
        .n_sets = cache->size_bytes / 64 / cache->n_ways,
        .n_ways = cache->n_ways,
        .plain_bits = cache->hash_from_bit ? 11 : 20,
        .colour_bits = 12,
        .is_random = cache->is_random,
        .bypass_percent = cache->bypass_percent,
    };
    struct cache_crowding crowding;

    while (shape.n_sets >> shape.plain_bits << shape.plain_bits != shape.n_sets)
        shape.plain_bits--;
    mmusim__cache_crowding_init(&crowding, &shape);
    return mmusim__cache_misses(&shape, &crowding, (double) n_lines);
}

/* Translation as the header says, written once more. */
static double translation_of(uint64_t n_pages)
{
    uint64_t window = n_pages < WINDOW_PAGES ? n_pages : WINDOW_PAGES;
    double l1_misses =
        window > L1_PAGES ? 1 - (double) L1_PAGES / (double) window : 0;

    return l1_misses * L2_TLB_CYCLES +
           (n_pages > 2 * WINDOW_PAGES ? 17.0 / 64 : 0);
}

static void make_curve(const struct fit_cache caches[FIT_LEVELS],
                       struct fit_point points[N_POINTS])
{
    for (size_t i = 0; i < N_POINTS; i++) {
        uint64_t n_lines = kib_at(i) * 16;
        double reach = 1, cycles = translation_of(kib_at(i) / 4);

        for (uint32_t level = 0; level < FIT_DRAM; level++) {
            double misses = misses_of(&caches[level], n_lines);

            misses = misses < reach ? misses : reach;
            cycles += (reach - misses) * caches[level].cycles;
            reach = misses;
        }
        points[i] = (struct fit_point){
            n_lines, cycles + reach * caches[FIT_DRAM].cycles, 0};
    }
}

static void caches_that_made_a_curve_are_found(void **state)
{
    static const struct fit_cache made[][FIT_LEVELS] = {
        {{32 << 10, 8, 0, false, 0, 4},
         {256 << 10, 8, 0, false, 0, 12},
         {UINT64_C(8) << 20, 16, 17, true, 75, 36},
         {.cycles = 220}},
        {{48 << 10, 12, 0, false, 0, 5},
         {UINT64_C(2) << 20, 16, 0, false, 0, 15},
         {UINT64_C(30) << 20, 15, 17, false, 0, 70},
         {.cycles = 350}},
        {{32 << 10, 8, 0, false, 0, 4},
         {1 << 20, 8, 0, false, 0, 14},
         {UINT64_C(12) << 20, 12, 17, true, 50, 66},
         {.cycles = 266}},
    };

    (void) state;
    for (size_t m = 0; m < sizeof(made) / sizeof(made[0]); m++) {
        struct fit_point points[N_POINTS];
        struct fit_result result;

        make_curve(made[m], points);
        assert_true(mmusim__cache_fit(&machine, points, N_POINTS, &result));
        for (uint32_t level = 0; level < FIT_LEVELS; level++) {
            assert_int_equal(result.caches[level].size_bytes,
                             made[m][level].size_bytes);
            assert_int_equal(result.caches[level].cycles,
                             made[m][level].cycles);
            assert_int_equal(result.caches[level].bypass_percent,
                             made[m][level].bypass_percent);
        }
        assert_true(result.error < 0.005); /* other ways, same sets */
    }
}

/* Whole cycles, as listings print them, cost no size. */
static void rounding_to_cycles_changes_little(void **state)
{
    struct fit_cache caches[FIT_LEVELS];
    struct fit_point points[N_POINTS];
    struct fit_result result;

    (void) state;
    memcpy(caches, machine.caches, sizeof(caches));
    make_curve(caches, points);
    for (size_t i = 0; i < N_POINTS; i++)
        points[i].measured = (double) (uint64_t) (points[i].measured + 0.5);
    assert_true(mmusim__cache_fit(&machine, points, N_POINTS, &result));
    for (uint32_t level = 0; level < FIT_DRAM; level++)
        assert_int_equal(result.caches[level].size_bytes,
                         caches[level].size_bytes);
    assert_in_range(result.caches[FIT_DRAM].cycles, 198, 202);
    assert_true(result.error < 0.02);
}

static void random_replacement_that_the_machine_knows_is_kept(void **state)
{
    struct fit_machine known = machine;
    struct fit_point points[N_POINTS];
    struct fit_result result;

    (void) state;
    known.caches[FIT_LLC].is_random = true;
    known.caches[FIT_LLC].bypass_percent = 30;
    make_curve(machine.caches, points);
    assert_true(mmusim__cache_fit(&known, points, N_POINTS, &result));
    assert_true(result.caches[FIT_LLC].is_random);
    assert_int_equal(result.caches[FIT_LLC].bypass_percent, 30);
}

/* One line a page: 64 pages in an L1 of 64 plain sets meet in one of them, and
 * in 1/64 of the L2. */
static void one_line_a_page_fills_a_64th_of_a_cache_of_plain_bits(void **state)
{
    struct fit_result result = {.error = 0};

    (void) state;
    memcpy(result.caches, machine.caches, sizeof(result.caches));
    assert_true(mmusim__cache_fit_page_stride(&result, 8) == 4);
    assert_true(mmusim__cache_fit_page_stride(&result, 9) == 13);
    assert_true(mmusim__cache_fit_page_stride(&result, 128) == 13);
    assert_true(mmusim__cache_fit_page_stride(&result, 256) == 50);
    assert_true(mmusim__cache_fit_page_stride(&result, 100000) > 199);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(caches_that_made_a_curve_are_found),
        cmocka_unit_test(rounding_to_cycles_changes_little),
        cmocka_unit_test(random_replacement_that_the_machine_knows_is_kept),
        cmocka_unit_test(one_line_a_page_fills_a_64th_of_a_cache_of_plain_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
