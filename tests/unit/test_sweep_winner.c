/* SPDX-License-Identifier: MIT */
/* Best point, plateau, flat curves, and how they are named. */
#include "cli/sweep_winner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum {
    POINTS_MAX = 16,
};

static bool all_done[POINTS_MAX];

static int setup(void **state)
{
    static struct sweep_plan plan;

    for (size_t i = 0; i < POINTS_MAX; i++)
        all_done[i] = true;
    sweep_plan_init(&plan);
    *state = &plan;
    return 0;
}

static int teardown(void **state)
{
    sweep_plan_fini(*state);
    return 0;
}

static void add(struct sweep_plan *plan, const char *text)
{
    char error[SWEEP_ERROR_BYTES];

    assert_true(sweep_plan_add(plan, text, error));
}

static void assert_named(const struct sweep_plan *plan, const uint64_t *metric,
                         const char *expected)
{
    struct sweep_curve curve = {metric, all_done, plan->n_points};
    struct sweep_verdict verdict = sweep_judge(&curve);
    char name[128];

    sweep_name_plateau(plan, &curve, &verdict, name, sizeof(name));
    assert_string_equal(name, expected);
}

static void a_thousandth_is_within_the_plateau_and_one_more_is_not(void **state)
{
    (void) state;
    assert_true(sweep_is_plateau(5000, 5005));
    assert_false(sweep_is_plateau(5000, 5006));
    assert_true(sweep_is_plateau(0, 0));
    assert_false(sweep_is_plateau(0, 1));
    assert_true(sweep_is_plateau(UINT64_MAX - 1, UINT64_MAX));
}

static void the_first_of_equal_points_is_best(void **state)
{
    static const uint64_t metric[] = {9000, 5000, 5000, 5005, 9000, 9001};
    struct sweep_curve curve = {metric, all_done, 6};
    struct sweep_verdict verdict = sweep_judge(&curve);

    (void) state;
    assert_int_equal(verdict.best, 1);
    assert_int_equal(verdict.worst, 5);
    assert_int_equal(verdict.n_plateau, 3);
    assert_false(verdict.is_flat);
}

static void a_curve_within_a_thousandth_is_flat(void **state)
{
    static const uint64_t metric[] = {5005, 5000, 5003};
    struct sweep_curve curve = {metric, all_done, 3};

    (void) state;
    assert_true(sweep_judge(&curve).is_flat);
}

static void unfinished_points_take_no_part(void **state)
{
    static const uint64_t metric[] = {1, 5000, 99999, 7000};
    static const bool done[] = {false, true, false, true};
    static const bool none[] = {false, false, false, false};
    struct sweep_curve curve = {metric, done, 4};
    struct sweep_verdict verdict = sweep_judge(&curve);

    (void) state;
    assert_int_equal(verdict.best, 1);
    assert_int_equal(verdict.worst, 3);
    assert_int_equal(verdict.n_done, 2);
    curve.is_done = none;
    assert_int_equal(sweep_judge(&curve).best, 4);
    assert_false(sweep_judge(&curve).is_flat);
}

static void one_axis_is_named_by_its_runs(void **state)
{
    static const uint64_t run[] = {9000, 5000, 5001, 5002, 8000};
    static const uint64_t gaps[] = {5000, 9000, 5001, 5002, 8000};
    static const uint64_t one[] = {9000, 9000, 9000, 9000, 5000};

    add(*state, "x=10..14");
    assert_named(*state, run, "x 11..13");
    assert_named(*state, gaps, "x 10, 12..13");
    assert_named(*state, one, "x 14");
}

static void words_are_listed_not_ranged(void **state)
{
    static const uint64_t metric[] = {5000, 5000, 9000};

    add(*state, "p=old,new,none");
    assert_named(*state, metric, "p old, new");
}

static void a_product_plateau_is_named_axis_by_axis(void **state)
{
    static const uint64_t box[] = {9000, 5000, 5000, 9000, 5000, 5000};
    static const uint64_t odd[] = {9000, 5000, 9000, 9000, 9000, 5001};

    add(*state, "a=1,2");
    add(*state, "b=7..9");
    assert_named(*state, box, "a 1..2 with b 8..9");
    assert_named(*state, odd, "a 1 with b 8 and 1 other points");
}

static void a_long_name_is_cut_to_its_buffer(void **state)
{
    static const uint64_t metric[] = {5000, 5000};
    struct sweep_curve curve = {metric, all_done, 2};
    struct sweep_verdict verdict = sweep_judge(&curve);
    char name[8];

    add(*state, "a_long_key=1,2");
    sweep_name_plateau(*state, &curve, &verdict, name, sizeof(name));
    assert_string_equal(name, "a_long_");
}

static void percentages_are_relative_to_the_reference(void **state)
{
    (void) state;
    assert_true(sweep_percent_below(75, 100) == 25.0);
    assert_true(sweep_percent_below(150, 100) == -50.0);
    assert_true(sweep_percent_below(1, 0) == 0.0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_thousandth_is_within_the_plateau_and_one_more_is_not),
        TEST(the_first_of_equal_points_is_best),
        TEST(a_curve_within_a_thousandth_is_flat),
        TEST(unfinished_points_take_no_part),
        TEST(one_axis_is_named_by_its_runs),
        TEST(words_are_listed_not_ranged),
        TEST(a_product_plateau_is_named_axis_by_axis),
        TEST(a_long_name_is_cut_to_its_buffer),
        TEST(percentages_are_relative_to_the_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
