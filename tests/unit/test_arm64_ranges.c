/* SPDX-License-Identifier: MIT */
/* How arm64 cuts ranges: decompositions computed by hand from the rule of
 * FEAT_TLBIRANGE, pages = (NUM + 1) << (5 * SCALE + 1), and the kernel's
 * loops. */
#include "coherence/arm64_ranges.h"

#include "core/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* "(1,6)(0,30)+page" */
static void cut_print(enum arm64_range_order order, uint64_t n_pages,
                      char *text, size_t size)
{
    struct arm64_cut cut;
    struct arm64_op op;
    size_t used = 0;

    text[0] = '\0';
    mmusim__arm64_cut_begin(&cut, order, n_pages, 1);
    while (mmusim__arm64_cut_next(&cut, &op)) {
        int n = op.is_range
                    ? snprintf(text + used, size - used, "(%u,%u)",
                               (unsigned) op.scale, (unsigned) op.num)
                    : snprintf(text + used, size - used, "+%u", op.n_ops);

        assert_true(n > 0 && used + (size_t) n < size);
        used += (size_t) n;
    }
}

static void largest_scale_first_an_odd_page_last(void **state)
{
    static const struct {
        uint64_t n_pages;
        const char *ops;
    } cases[] = {
        {1, "+1"},
        {2, "(0,0)"},
        {3, "(0,0)+1"},
        {33, "(0,15)+1"},
        {63, "(0,30)+1"},
        {64, "(1,0)"},
        {65, "(1,0)+1"},
        {511, "(1,6)(0,30)+1"},
        {512, "(1,7)"},
        {2048, "(2,0)"},
        {65536, "(3,0)"},
        {262144, "(3,3)"},
        {2097151, "(3,30)(2,30)(1,30)(0,30)+1"},
        {2097152, "(3,31)"},
    };
    char text[256];

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cut_print(ARM64_SCALES_DESCENDING, cases[i].n_pages, text,
                  sizeof(text));
        assert_string_equal(text, cases[i].ops);
    }
}

static void an_odd_page_first_then_scales_ascending(void **state)
{
    static const struct {
        uint64_t n_pages;
        const char *ops;
    } cases[] = {
        {1, "+1"},
        {2, "(0,0)"},
        {3, "+1(0,0)"},
        {63, "+1(0,30)"},
        {64, "(1,0)"}, /* NUM of scale 0 would be 31: masked away */
        {511, "+1(0,30)(1,6)"},
        {2048, "(2,0)"},
        {65536, "(3,0)"},
        {262144, "(3,3)"},
        {2097151, "+1(0,30)(1,30)(2,30)(3,30)"},
        {2097152, "(4,0)"}, /* B42: one scale too many */
    };
    char text[256];

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cut_print(ARM64_SCALES_ASCENDING, cases[i].n_pages, text, sizeof(text));
        assert_string_equal(text, cases[i].ops);
    }
}

static void without_ranges_there_is_an_operation_a_page(void **state)
{
    char text[256];

    (void) state;
    cut_print(ARM64_NO_RANGES, 511, text, sizeof(text));
    assert_string_equal(text, "+511");
}

static void every_cut_covers_the_range_exactly(void **state)
{
    struct rng rng;

    (void) state;
    mmusim__rng_init(&rng, 1, 0);
    for (uint32_t i = 0; i < 100000; i++) {
        bool is_ascending = i % 2;
        uint64_t n_pages =
            1 + mmusim__rng_below(&rng, (1U << 21) - (is_ascending ? 1 : 0));
        struct arm64_cut cut;
        struct arm64_op op;
        uint64_t covered = 0;
        uint32_t n_ops = 0;

        mmusim__arm64_cut_begin(&cut,
                                is_ascending ? ARM64_SCALES_ASCENDING
                                             : ARM64_SCALES_DESCENDING,
                                n_pages, 1);
        while (mmusim__arm64_cut_next(&cut, &op)) {
            uint64_t pages = op.is_range
                                 ? (op.num + UINT64_C(1)) << (5 * op.scale + 1)
                                 : op.n_ops;

            assert_int_equal(pages, op.n_pages);
            assert_true(op.num < 32 && op.scale < 4);
            covered += pages;
            n_ops += op.n_ops;
        }
        assert_int_equal(covered, n_pages);
        assert_true(n_pages == 1 << 21 || n_ops <= 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(largest_scale_first_an_odd_page_last),
        cmocka_unit_test(an_odd_page_first_then_scales_ascending),
        cmocka_unit_test(without_ranges_there_is_an_operation_a_page),
        cmocka_unit_test(every_cut_covers_the_range_exactly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
