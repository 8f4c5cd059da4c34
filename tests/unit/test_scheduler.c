/* SPDX-License-Identifier: MIT */
/*
 * Threads on CPUs: placement, time slices, sleep, address-space switches and
 * lazy TLB mode (Linux 4.6 arch/x86/include/asm/mmu_context.h).
 */
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static int setup(void **state)
{
    *state = run_fixture_create(2);
    return 0;
}

static uint64_t switches(const struct run_fixture *f)
{
    return run_stat(&f->run, "tlb_flush.flush_on_task_switch.full");
}

static void threads_take_cpus_in_turn_until_on_says_otherwise(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 n 100\n2 n 10\n3 n 1000\n3 on 1\n3 n 5\n"
                            "4 on 7\n4 n 20000\n");
    run_fixture_run(f);
    assert_int_equal(run_core_stat(&f->run, 0, "instructions"), 1100);
    assert_int_equal(run_core_stat(&f->run, 1, "instructions"), 20015);
}

static void
processes_that_share_a_cpu_lose_their_tlb_at_each_switch(void **state)
{
    struct run_fixture *f = *state;
    uint64_t n_switches;

    run_config(&f->config, 1);
    f->config.core.window = 0;
    f->config.os.timeslice_cycles = 20000;
    for (uint32_t tid = 1; tid <= 2; tid++) {
        for (uint32_t i = 0; i < 200; i++)
            program_say(f->program, "%u r 0x10000\n%u n 4000\n", tid, tid);
    }
    run_fixture_run(f);
    n_switches = switches(f);
    assert_true(n_switches >= 30);
    assert_int_equal(run_stat(&f->run, "miss.cold"), 2);
    /* All but the two first loads find the page gone. */
    assert_in_range(run_stat(&f->run, "miss.switch"), n_switches - 6,
                    n_switches);
    assert_int_equal(run_stat(&f->run, "miss.full_flush"), 0);
}

static void threads_of_one_process_switch_without_a_flush(void **state)
{
    struct run_fixture *f = *state;

    run_config(&f->config, 1);
    f->config.os.timeslice_cycles = 20000;
    program_say(f->program, "1 clone 2\n");
    for (uint32_t tid = 1; tid <= 2; tid++) {
        for (uint32_t i = 0; i < 200; i++)
            program_say(f->program, "%u r 0x10000\n%u n 4000\n", tid, tid);
    }
    run_fixture_run(f);
    assert_int_equal(run_stat(&f->run, "miss.switch"), 0);
    assert_true(run_stat(&f->run, "cycles.switch") >=
                30 * (uint64_t) f->config.cost.context_switch_cycles);
    /* The first load of the process; its last exit lets go of it. */
    assert_int_equal(switches(f), 2);
}

static void a_thread_alone_is_not_switched(void **state)
{
    struct run_fixture *f = *state;

    run_config(&f->config, 1);
    f->config.os.timeslice_cycles = 1000;
    program_say(f->program, "1 n 900000\n");
    run_fixture_run(f);
    /* Onto the CPU and off it: the second only if something follows. */
    assert_in_range(run_stat(&f->run, "cycles.switch"),
                    f->config.cost.context_switch_cycles,
                    2 * (f->config.cost.context_switch_cycles +
                         f->config.cost.cr3_write_cycles));
}

static void more_threads_than_cpus_all_end(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.timeslice_cycles = 5000;
    for (uint32_t tid = 1; tid <= 64; tid++) {
        if (tid > 1)
            program_say(f->program, "1 clone %u\n", tid);
        for (uint32_t i = 0; i < 20; i++)
            program_say(f->program, "%u w %#x\n%u n 1000\n", tid,
                        0x100000 + tid * 0x3000 + i * 0x1000, tid);
    }
    run_fixture_run(f);
    assert_int_equal(run_stat(&f->run, "sim.instructions"), 64 * 20 * 1001);
}

static void idle_sleeps_for_its_time(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 idle 1000000\n"); /* 1 ms at 3 GHz */
    run_fixture_run(f);
    assert_in_range(run_stat(&f->run, "sim.cycles"), 3000000, 3000000 + 50000);
    assert_in_range(run_core_stat(&f->run, 0, "cycles.idle"), 3000000 - 50000,
                    3000000 + 50000);
}

static void
a_lazy_cpu_leaves_at_the_first_flush_and_is_skipped_then(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 clone 2\n1 mmap 0x10000 0x4000 rw-\n1 n 200000\n"
                            "1 w 0x10000\n1 w 0x11000\n1 w 0x12000\n"
                            "1 madvise 0x10000 0x1000 dontneed\n"
                            "1 madvise 0x11000 0x1000 dontneed\n"
                            "1 madvise 0x12000 0x1000 dontneed\n"
                            "2 r 0x80000\n2 idle 10000000\n2 r 0x80000\n");
    run_fixture_run(f);
    /* The first madvise, and the last exit. */
    assert_int_equal(run_stat(&f->run, "shootdown.count"), 2);
    assert_int_equal(run_core_stat(&f->run, 1, "flush.received_pages"), 0);
    /* It comes back to an empty TLB, by the load of its address space. */
    assert_int_equal(run_core_stat(&f->run, 1, "miss.switch"), 1);
}

static void a_lazy_cpu_that_nobody_flushes_comes_back_for_free(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 r 0x80000\n1 idle 10000\n1 r 0x80000\n");
    run_fixture_run(f);
    assert_int_equal(run_stat(&f->run, "l1d.misses"), 1);
    assert_int_equal(run_stat(&f->run, "miss.switch"), 0);
}

static void a_kernel_thread_borrows_the_address_space(void **state)
{
    struct run_fixture *f = *state;

    run_config(&f->config, 1);
    program_say(f->program, "1 r 0x80000\n1 idle 20000\n1 r 0x80000\n"
                            "2 kthread\n2 w 0xffffc90000000000\n2 n 1000\n");
    run_fixture_run(f);
    assert_int_equal(run_stat(&f->run, "miss.cold"), 2);
    assert_int_equal(run_stat(&f->run, "faults.invalid"), 0);
}

static void an_exit_leaves_the_others_their_memory(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x1000 rw-\n1 w 0x10000\n"
                            "1 clone 2\n1 clone 3\n1 exit\n"
                            "2 n 90000\n2 w 0x10000\n2 exit\n"
                            "3 n 200000\n3 w 0x10000\n");
    run_fixture_run(f);
    assert_int_equal(run_stat(&f->run, "faults.minor"), 1);
}

static void two_cpus_that_flush_each_other_both_finish(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x2000 rw-\n1 clone 2\n");
    for (uint32_t i = 0; i < 300; i++)
        program_say(f->program,
                    "1 w 0x10000\n1 madvise 0x10000 0x1000 dontneed\n"
                    "2 w 0x11000\n2 madvise 0x11000 0x1000 dontneed\n");
    run_fixture_run(f);
    assert_true(run_core_stat(&f->run, 0, "cycles.ipi_handler") > 0);
    assert_true(run_core_stat(&f->run, 1, "cycles.ipi_handler") > 0);
    assert_int_equal(run_stat(&f->run, "faults.minor"), 600);
}

/* Thread 2 wakes CPU 0 by one stamp and lets its thread go on by the next, at
 * the same cycle: CPU 0 comes between, however far thread 2 has looked ahead.
 */
static void regress_looking_ahead_does_not_overtake_at_one_cycle(void **state)
{
    struct run_fixture *f = *state;
    const struct program_view one_by_one = {.piece_records = 1};
    struct machine_run reference, sliced;

    program_say(f->program,
                "1 sync 4\n2 r 0x10000\n1 n 1000\n3 sync 6\n3 n 9000\n"
                "2 n 20000\n2 r 0x10000\n"
                "2 sync 4\n2 r 0x10000\n2 sync 6\n2 n 10\n");
    run_fixture_run(f);
    run_program(&sliced, &f->config, f->program, &one_by_one);
    run_assert_equal(&f->run, &sliced);
    f->config.engine = ENGINE_REFERENCE;
    run_well(&reference, &f->config, f->program);
    run_assert_equal(&f->run, &reference);
    run_fini(&sliced);
    run_fini(&reference);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, setup, run_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(threads_take_cpus_in_turn_until_on_says_otherwise),
        TEST(processes_that_share_a_cpu_lose_their_tlb_at_each_switch),
        TEST(threads_of_one_process_switch_without_a_flush),
        TEST(a_thread_alone_is_not_switched),
        TEST(more_threads_than_cpus_all_end),
        TEST(idle_sleeps_for_its_time),
        TEST(a_lazy_cpu_leaves_at_the_first_flush_and_is_skipped_then),
        TEST(a_lazy_cpu_that_nobody_flushes_comes_back_for_free),
        TEST(a_kernel_thread_borrows_the_address_space),
        TEST(an_exit_leaves_the_others_their_memory),
        TEST(two_cpus_that_flush_each_other_both_finish),
        TEST(regress_looking_ahead_does_not_overtake_at_one_cycle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
