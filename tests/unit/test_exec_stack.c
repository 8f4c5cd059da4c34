/* SPDX-License-Identifier: MIT */
/* exec moves its argument pages (shift_arg_pages): what is flushed, what is
 * freed, what is left. The order is that of linux-4.6 unless another is named.
 */
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int setup(void **state)
{
    *state = run_fixture_create(2);
    return 0;
}

static void exec_with(struct run_fixture *fixture, uint32_t n_pages)
{
    fixture->config.os.n_exec_arg_pages = n_pages;
    program_say(fixture->program, "1 exec\n1 exit\n");
    run_fixture_run(fixture);
}

static void without_arguments_nothing_is_flushed(void **state)
{
    struct run_fixture *fixture = *state;

    exec_with(fixture, 0);
    assert_int_equal(
        run_stat(&fixture->run, "tlb_flush.local_mm_shootdown.count"), 0);
}

/* The old range by move_page_tables(), then the tables by the gather. The hole
 * goes from the table of the old top down to the 1 GiB that the table above it
 * translates, unless the shift was small: one page then. */
static void the_old_range_and_then_the_tables_are_flushed(void **state)
{
    struct run_fixture *fixture = *state;

    exec_with(fixture, 3);
    assert_int_equal(
        run_stat(&fixture->run, "tlb_flush.local_mm_shootdown.count"), 2);
    assert_true(run_stat(&fixture->run, "vmstat.nr_tlb_local_flush_one") >= 3);
    /* And the exit's full gather of the new stack, lazily: no count here. */
    assert_int_equal(run_stat(&fixture->run, "gather.flushes"), 2);
}

/* 34 pages are above the ceiling of 33. */
static void the_ceiling_holds_for_the_old_range(void **state)
{
    struct run_fixture *fixture = *state;

    exec_with(fixture, 34);
    assert_true(run_stat(&fixture->run, "vmstat.nr_tlb_local_flush_all") >= 1);
    assert_true(run_stat(&fixture->run, "vmstat.nr_tlb_local_flush_one") <= 1);
}

static void the_distance_comes_from_the_seed(void **state)
{
    struct run_fixture *fixture = *state;
    struct machine_run again;

    fixture->config.os.n_exec_arg_pages = 2;
    program_say(fixture->program, "1 exec\n1 w 0x1000\n1 exec\n1 exit\n");
    run_fixture_run(fixture);
    run_well(&again, &fixture->config, fixture->program);
    run_assert_equal(&fixture->run, &again);
    run_fini(&again);
}

#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, setup, run_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(without_arguments_nothing_is_flushed),
        T(the_old_range_and_then_the_tables_are_flushed),
        T(the_ceiling_holds_for_the_old_range),
        T(the_distance_comes_from_the_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
