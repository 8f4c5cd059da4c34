/* SPDX-License-Identifier: MIT */
/* The grid of a sweep: values, product, and what is refused. */
#include "cli/sweep_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    static struct sweep_plan plan;

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

    if (!sweep_plan_add(plan, text, error))
        fail_msg("%s: %s", text, error);
}

/* The values of the only axis, with spaces between. */
static void assert_values(struct sweep_plan *plan, const char *text,
                          const char *expected)
{
    char all[512] = "";

    add(plan, text);
    for (size_t i = 0; i < plan->n_points; i++) {
        strcat(all, i ? " " : "");
        strcat(all, sweep_plan_value(plan, i, 0));
    }
    assert_string_equal(all, expected);
    sweep_plan_fini(plan);
}

static void values_are_lists_ranges_steps_and_factors(void **state)
{
    assert_values(*state, "k=1,2,4", "1 2 4");
    assert_values(*state, "k=3..7", "3 4 5 6 7");
    assert_values(*state, "k=5..5", "5");
    assert_values(*state, "k=0..20/8", "0 8 16");
    assert_values(*state, "k=1..16*2", "1 2 4 8 16");
    assert_values(*state, "k=1..17*4", "1 4 16");
    assert_values(*state, "k=1K..4K*2,7", "1024 2048 4096 7");
    assert_values(*state, "k=linux-4.6,linux-6.14", "linux-4.6 linux-6.14");
    assert_values(*state, "k=0.5,../x=y,4K", "0.5 ../x=y 4K");
    assert_values(*state, "k=18446744073709551614..18446744073709551615",
                  "18446744073709551614 18446744073709551615");
}

static void only_whole_numbers_make_a_numeric_axis(void **state)
{
    struct sweep_plan *plan = *state;

    add(plan, "a=1,2..4");
    add(plan, "b=1,full");
    assert_true(plan->axes[0].is_numeric);
    assert_false(plan->axes[1].is_numeric);
}

static void the_last_axis_runs_fastest(void **state)
{
    static const char *const expected[] = {"a=1 b=x", "a=1 b=y", "a=1 b=z",
                                           "a=2 b=x", "a=2 b=y", "a=2 b=z"};
    char text[64];

    add(*state, "a=1,2");
    add(*state, "b=x,y,z");
    assert_int_equal(((struct sweep_plan *) *state)->n_points, 6);
    for (size_t i = 0; i < 6; i++) {
        sweep_plan_describe(*state, i, text, sizeof(text));
        assert_string_equal(text, expected[i]);
    }
}

static void a_description_is_cut_to_its_buffer(void **state)
{
    char text[6];

    add(*state, "abc=1");
    add(*state, "def=2");
    sweep_plan_describe(*state, 0, text, sizeof(text));
    assert_string_equal(text, "abc=1");
}

static void a_point_is_found_by_its_values(void **state)
{
    static const char *const there[] = {"2", "4096"};
    static const char *const missing[] = {"3", "4096"};

    add(*state, "a=1,2");
    add(*state, "b=x,4K");
    assert_int_equal(sweep_plan_find(*state, there), 3);
    assert_int_equal(sweep_plan_find(*state, missing), 4);
}

static void what_is_wrong_is_said_and_changes_nothing(void **state)
{
    static const char *const rows[][2] = {
        {"k", "not KEY=VALUES"},
        {"=1", "not KEY=VALUES"},
        {"k=", "empty value"},
        {"k=1,,2", "empty value"},
        {"k=7..3", "downwards"},
        {"k=1..9/0", "never ends"},
        {"k=1..9*1", "never ends"},
        {"k=0..9*2", "never ends"},
        {"k=1..", "no range"},
        {"k=1..x", "no range"},
        {"k=1..9/", "no range"},
        {"k=1..9+2", "no range"},
        {"k=0.5..2", "no range"},
        {"k=1..2/3/4", "no range"},
        {"k=0..99999999", "more than 1000000 values"},
        {"k=0..99999999999999999999", "no range"},
        {"k=0..18446744073709551615*2", "never ends"},
        {"old=3", "swept twice"},
        {"k=0..999999", "product"}};
    struct sweep_plan *plan = *state;
    char error[SWEEP_ERROR_BYTES];

    add(plan, "old=1,2");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        error[0] = '\0';
        assert_false(sweep_plan_add(plan, rows[i][0], error));
        if (!strstr(error, rows[i][1]))
            fail_msg("%s: '%s' lacks '%s'", rows[i][0], error, rows[i][1]);
        assert_int_equal(plan->n_axes, 1);
        assert_int_equal(plan->n_points, 2);
    }
}

static void more_axes_than_there_is_room_for_are_refused(void **state)
{
    char error[SWEEP_ERROR_BYTES] = "";
    char text[] = "a=1";

    for (int i = 0; i < SWEEP_AXES_MAX; i++, text[0]++)
        add(*state, text);
    assert_false(sweep_plan_add(*state, text, error));
    assert_non_null(strstr(error, "more than 16 keys"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_are_lists_ranges_steps_and_factors),
        TEST(only_whole_numbers_make_a_numeric_axis),
        TEST(the_last_axis_runs_fastest),
        TEST(a_description_is_cut_to_its_buffer),
        TEST(a_point_is_found_by_its_values),
        TEST(what_is_wrong_is_said_and_changes_nothing),
        TEST(more_axes_than_there_is_room_for_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
