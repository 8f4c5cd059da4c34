/* SPDX-License-Identifier: MIT */
/*
 * Order stamps (contract, `sync N`): both rules by a replay of when each
 * record ran, stamps that name nothing, deadlocks, and the relaxed order.
 */
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_LOG = 4096 };

/* Thread `thread` is about to run its record number `record`. */
struct moment {
    uint32_t thread;
    uint64_t record;
};

struct fixture {
    struct machine_config config;
    struct program *program;
    struct machine_run run;
    struct moment log[MAX_LOG];
    uint32_t n_log;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    run_config(&f->config, 3);
    f->config.core.window = 0;
    f->program = program_create();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    run_fini(&f->run);
    program_destroy(f->program);
    free(f);
    return 0;
}

static void on_next(void *context, uint32_t thread, uint64_t record)
{
    struct fixture *f = context;

    assert_true(f->n_log < MAX_LOG);
    f->log[f->n_log++] = (struct moment){thread, record};
}

static void run(struct fixture *f)
{
    const struct program_view view = {1, on_next, f};

    run_program(&f->run, &f->config, f->program, &view);
    assert_int_equal(f->run.status, MMUSIM_OK);
    run_assert_laws(&f->run);
}

/* When the thread asked for that record: all before it are done. */
static uint32_t moment_of(const struct fixture *f, uint32_t thread,
                          uint64_t record)
{
    for (uint32_t i = 0; i < f->n_log; i++) {
        if (f->log[i].thread == thread && f->log[i].record == record)
            return i;
    }
    fail_msg("thread %u never came to record %u", (unsigned) thread,
             (unsigned) record);
    return 0;
}

static uint64_t broken(const struct fixture *f)
{
    return run_stat(&f->run, "sim.order_broken");
}

/* ---- rule 1 ---- */

static void nothing_after_sync_n_runs_before_operation_n(void **state)
{
    struct fixture *f = *state;

    program_say(f->program, "1 clone 2\n1 n 900000\n1 sync 1\n1 syscall\n"
                            "1 n 10\n2 sync 1\n2 n 10\n2 n 10\n");
    run(f);
    assert_true(moment_of(f, 1, 2) > moment_of(f, 0, 3));
    assert_int_equal(broken(f), 0);
    assert_true(run_core_stat(&f->run, 1, "cycles.order") > 300000);
}

static void regress_a_shrinking_mremap_takes_effect_as_a_whole(void **state)
{
    struct fixture *f = *state;

    program_say(f->program,
                "1 mmap 0x10000 0x2000 rw-\n1 w 0x10000\n1 w 0x11000\n"
                "1 clone 2\n1 sync 1\n1 mremap 0x10000 0x2000 0x80000 0x1000\n"
                "2 sync 1\n"
                "2 r 0x11000\n2 r 0x10000\n2 r 0x80000\n");
    run(f);
    assert_int_equal(run_stat(&f->run, "faults.invalid"), 2);
}

/* A first touch makes an area while mmap_lock is held for reading: after the
 * effect on all areas there were. */
static void regress_madvise_spares_areas_made_after_its_effect(void **state)
{
    struct fixture *f = *state;

    f->config.cost.page_free_cycles = 100000;
    program_say(f->program,
                "1 mmap 0x10000 0x1000 rw-\n1 w 0x10000\n1 clone 2\n"
                "1 sync 1\n1 madvise 0x10000 0x8000 dontneed\n"
                "2 sync 1\n2 w 0x12000\n2 n 900000\n2 r 0x12000\n");
    run(f);
    assert_int_equal(run_stat(&f->run, "sim.implicit_pages"), 1);
    assert_int_equal(run_stat(&f->run, "faults.minor"), 2);
}

/* ---- rule 2 ---- */

static void an_operation_waits_for_who_has_yet_to_reach_its_number(void **state)
{
    struct fixture *f = *state;

    program_say(f->program,
                "1 mmap 0x10000 0x1000 rw-\n1 w 0x10000\n"
                "1 clone 2\n1 sync 1\n1 munmap 0x10000 0x1000\n"
                "1 n 1\n2 n 900000\n2 r 0x10000\n2 sync 2\n2 n 1\n");
    run(f);
    assert_int_equal(run_stat(&f->run, "faults.invalid"), 0);
    assert_true(moment_of(f, 0, 5) > moment_of(f, 1, 2));
    assert_true(run_core_stat(&f->run, 0, "cycles.order") > 300000);
    assert_int_equal(broken(f), 1); /* there is no operation 2 */
}

static void operations_run_in_the_order_of_their_numbers(void **state)
{
    struct fixture *f = *state;
    enum { N = 60 };
    uint32_t last = 0;

    program_say(f->program, "1 clone 2\n1 clone 3\n");
    for (uint32_t n = 1; n <= N; n++)
        program_say(f->program, "%u n %u\n%u sync %u\n%u syscall\n",
                    1 + n * 7 % 3, 1 + n * 7919 % 4000, 1 + n * 7 % 3, n,
                    1 + n * 7 % 3);
    run(f);
    assert_int_equal(broken(f), 0);
    for (uint32_t n = 1; n <= N; n++) {
        uint32_t thread = n * 7 % 3;
        uint64_t record = (thread ? 0 : 2);
        uint32_t moment;

        for (uint32_t k = 1; k <= n; k++)
            record += k * 7 % 3 == thread ? 3 : 0;
        moment = moment_of(f, thread, record); /* the operation is over */
        assert_true(moment >= last);
        last = moment;
    }
}

/* ---- broken stamps ---- */

static void a_number_that_no_operation_has_is_counted_and_passed(void **state)
{
    struct fixture *f = *state;

    program_say(f->program, "1 sync 7\n1 n 5\n2 sync 7\n2 n 5\n");
    run(f);
    assert_true(broken(f) >= 1);
    assert_int_equal(run_stat(&f->run, "sim.instructions"), 10);
}

static void a_deadlock_is_broken_and_counted(void **state)
{
    struct fixture *f = *state;

    /* Each has the operation that the other waits for, behind its wait. */
    program_say(f->program, "1 sync 2\n1 n 5\n1 sync 1\n1 syscall\n"
                            "2 sync 1\n2 n 5\n2 sync 2\n2 syscall\n");
    run(f);
    assert_true(broken(f) >= 1);
    assert_int_equal(run_stat(&f->run, "sim.instructions"), 10);
}

static void stamps_that_fall_and_huge_ones_do_not_hang(void **state)
{
    struct fixture *f = *state;

    program_say(f->program,
                "1 sync 18446744073709551615\n1 syscall\n"
                "1 sync 3\n1 syscall\n1 sync 0\n1 syscall\n"
                "2 sync 5\n2 sync 5\n2 sync 1\n2 idle 10\n2 sync 9\n"
                "3 idle\n3 sync 4\n3 exit\n");
    run(f);
    assert_true(broken(f) >= 1);
}

static void a_waiting_thread_gives_up_a_shared_cpu(void **state)
{
    struct fixture *f = *state;

    run_config(&f->config, 1);
    program_say(f->program, "1 clone 2\n1 sync 2\n1 n 7\n"
                            "2 n 1000\n2 sync 1\n2 syscall\n2 sync 2\n"
                            "2 syscall\n2 n 9\n");
    run(f);
    assert_int_equal(broken(f), 0);
    assert_int_equal(run_stat(&f->run, "sim.instructions"), 1016);
    /* Far less than the time slice that thread 1 had left. */
    assert_true(run_stat(&f->run, "sim.cycles") <
                f->config.os.timeslice_cycles);
}

static void idle_lasts_until_its_sync_holds(void **state)
{
    struct fixture *f = *state;

    program_say(f->program, "1 clone 2\n1 n 900000\n1 sync 1\n1 syscall\n"
                            "2 idle 10\n2 sync 1\n2 n 3\n");
    run(f);
    assert_true(moment_of(f, 1, 3) > moment_of(f, 0, 3));
    assert_int_equal(broken(f), 0);
    assert_true(run_core_stat(&f->run, 1, "cycles.idle") > 300000);
    assert_int_equal(run_core_stat(&f->run, 1, "cycles.order"), 0);
}

static void the_relaxed_order_keeps_blocking_calls_alone(void **state)
{
    struct fixture *f = *state;

    f->config.order = ORDER_RELAXED;
    program_say(f->program, "1 clone 2\n1 clone 3\n1 n 900000\n1 sync 1\n"
                            "1 syscall\n1 n 1\n2 sync 1\n2 n 3\n2 n 3\n"
                            "3 idle 10\n3 sync 1\n3 n 3\n");
    run(f);
    assert_true(moment_of(f, 1, 2) < moment_of(f, 0, 3));
    assert_true(moment_of(f, 2, 3) > moment_of(f, 0, 4));
    assert_int_equal(run_stat(&f->run, "cycles.order"), 0);
}

static void a_chain_of_wakes_ends_in_both_engines_alike(void **state)
{
    struct fixture *f = *state;
    struct machine_run reference;

    for (uint32_t n = 1; n <= 200; n += 2)
        program_say(f->program,
                    "1 sync %u\n1 syscall\n1 idle\n1 sync %u\n"
                    "2 idle\n2 sync %u\n2 sync %u\n2 syscall\n",
                    n, n + 1, n, n + 1);
    run(f);
    assert_int_equal(broken(f), 0);
    f->config.engine = ENGINE_REFERENCE;
    run_well(&reference, &f->config, f->program);
    run_assert_equal(&f->run, &reference);
    run_fini(&reference);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_after_sync_n_runs_before_operation_n),
        TEST(regress_a_shrinking_mremap_takes_effect_as_a_whole),
        TEST(regress_madvise_spares_areas_made_after_its_effect),
        TEST(an_operation_waits_for_who_has_yet_to_reach_its_number),
        TEST(operations_run_in_the_order_of_their_numbers),
        TEST(a_number_that_no_operation_has_is_counted_and_passed),
        TEST(a_deadlock_is_broken_and_counted),
        TEST(stamps_that_fall_and_huge_ones_do_not_hang),
        TEST(a_waiting_thread_gives_up_a_shared_cpu),
        TEST(idle_lasts_until_its_sync_holds),
        TEST(the_relaxed_order_keeps_blocking_calls_alone),
        TEST(a_chain_of_wakes_ends_in_both_engines_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
