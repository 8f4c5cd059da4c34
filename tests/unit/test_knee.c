/* SPDX-License-Identifier: MIT */
/* Knees of latency curves. */
#include "validate/knee.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { N = 10 };

/* A step after 256 pages, with some noise. */
static const struct knee_point stepped[N] = {
    {32, 0.2, false, 0},    {48, 0, false, 0},    {64, 0.4, false, 0},
    {96, 0, false, 0},      {128, 0.1, false, 0}, {256, 0, false, 0.1},
    {384, 8.2, false, 0.6}, {512, 8, false, 1},   {768, 8, false, 1},
    {1024, 7.6, false, 1},
};

static void a_step_is_found_between_its_points(void **state)
{
    mmusim_latency_knee_t knee = {0};

    (void) state;
    assert_true(mmusim__knee_measured(stepped, 0, N, 4, &knee));
    assert_int_equal(knee.measured_from, 256);
    assert_int_equal(knee.measured_to, 384);
    assert_true(mmusim__knee_simulated(stepped, N, &knee));
    assert_int_equal(knee.simulated_from, 256);
    assert_int_equal(knee.simulated_to, 384);
    mmusim__knee_judge(true, true, &knee);
    assert_int_equal(knee.verdict, MMUSIM_KNEE_RIGHT);
}

static void a_small_step_is_none(void **state)
{
    mmusim_latency_knee_t knee = {0};

    (void) state;
    assert_false(mmusim__knee_measured(stepped, 0, N, 9, &knee));
    assert_false(mmusim__knee_measured(stepped, 0, 5, 4, &knee));
    assert_false(mmusim__knee_measured(stepped, 3, 3, 4, &knee));
    mmusim__knee_judge(false, true, &knee);
    assert_int_equal(knee.verdict, MMUSIM_KNEE_UNSEEN);
}

static void masked_points_widen_the_interval(void **state)
{
    struct knee_point points[N];
    mmusim_latency_knee_t knee = {0};

    (void) state;
    for (size_t i = 0; i < N; i++)
        points[i] = stepped[i];
    points[5].is_masked = points[6].is_masked = true;
    points[6].residue = 80; /* what is masked may say anything */
    assert_true(mmusim__knee_measured(points, 0, N, 4, &knee));
    assert_int_equal(knee.measured_from, 128);
    assert_int_equal(knee.measured_to, 512);
}

/* Of two places that explain as much, the simulated one; not of a worse. */
static void a_tie_is_the_simulated_place(void **state)
{
    struct knee_point points[N];
    mmusim_latency_knee_t knee = {.simulated_from = 384, .simulated_to = 512};

    (void) state;
    for (size_t i = 0; i < N; i++)
        points[i] = stepped[i];
    points[6].residue = 4.2; /* halfway */
    assert_true(mmusim__knee_measured(points, 0, N, 4, &knee));
    assert_int_equal(knee.measured_to, 512);
    points[6].residue = 7;
    assert_true(mmusim__knee_measured(points, 0, N, 4, &knee));
    assert_int_equal(knee.measured_to, 384);
}

static void intervals_that_do_not_meet_are_wrong(void **state)
{
    mmusim_latency_knee_t knee = {.measured_from = 64,
                                  .measured_to = 96,
                                  .simulated_from = 96,
                                  .simulated_to = 128};

    (void) state;
    mmusim__knee_judge(true, true, &knee);
    assert_int_equal(knee.verdict, MMUSIM_KNEE_WRONG);
    knee.measured_to = 97;
    mmusim__knee_judge(true, true, &knee);
    assert_int_equal(knee.verdict, MMUSIM_KNEE_RIGHT);
}

static void a_tlb_that_never_misses_has_no_knee(void **state)
{
    mmusim_latency_knee_t knee = {0};

    (void) state;
    assert_false(mmusim__knee_simulated(stepped, 6, &knee));
    assert_false(mmusim__knee_simulated(stepped, 0, &knee));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_found_between_its_points),
        cmocka_unit_test(a_small_step_is_none),
        cmocka_unit_test(masked_points_widen_the_interval),
        cmocka_unit_test(a_tie_is_the_simulated_place),
        cmocka_unit_test(intervals_that_do_not_meet_are_wrong),
        cmocka_unit_test(a_tlb_that_never_misses_has_no_knee),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
