/* SPDX-License-Identifier: MIT */
/*
 * Pages that move: by the record, and after NUMA hints (Linux mm/migrate.c,
 * kernel/sched/fair.c).
 */
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct run_fixture *f = run_fixture_create(2);

    f->config.n_sockets = 2;
    f->config.cores_per_socket = 1;
    *state = f;
    return 0;
}

static void use_arm(struct run_fixture *f, const char *protocol)
{
    f->config.isa = ISA_ARMV8;
    f->config.page_table.n_levels = 4;
    f->config.has_fabric = f->config.os.has_protocol = true;
    f->config.dvm.reaches_others = true;
    strcpy(f->config.fabric, "dvm");
    strcpy(f->config.os.protocol, protocol);
}

/* ---- the record ---- */

static void every_private_page_moves_and_is_flushed_by_itself(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x4000 rw-\n"
                            "1 w 0x10000\n1 w 0x11000\n1 w 0x13000\n"
                            "1 migrate 0x10000 0x4000\n"
                            "1 w 0x10000\n1 w 0x13000\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgmigrate_success"), 3);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgmigrate_fail"), 0);
    assert_int_equal(run_fixture_stat(f, "vmstat.nr_tlb_local_flush_one"), 3);
    assert_int_equal(run_fixture_stat(f, "faults.minor"), 3);
    assert_int_equal(run_fixture_stat(f, "faults.spurious"), 0);
}

static void the_zero_page_and_holes_stay(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x4000 rw-\n1 r 0x10000\n"
                            "1 migrate 0x10000 0x4000\n"
                            "1 migrate 0x90000 0x4000\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgmigrate_success"), 0);
    assert_int_equal(run_fixture_stat(f, "vmstat.nr_tlb_local_flush_one"), 0);
}

static void pages_of_two_processes_and_of_files_stay(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program,
                "1 mmap 0x10000 0x2000 rw-\n1 w 0x10000\n1 fork 2\n"
                "1 mmap 0x20000 0x1000 r-- file:a\n1 r 0x20000\n"
                "1 migrate 0x10000 0x1000\n1 migrate 0x20000 0x1000\n"
                "1 exit\n2 n 1000000\n2 exit\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgmigrate_success"), 0);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgmigrate_fail"), 2);
}

static void who_meets_a_moving_page_waits_for_it(void **state)
{
    struct run_fixture *f = *state;

    f->config.cost.page_copy_cycles = 100000;
    program_say(f->program,
                "1 mmap 0x10000 0x1000 rw-\n1 w 0x10000\n1 clone 2\n"
                "1 sync 1\n1 migrate 0x10000 0x1000\n1 exit\n"
                "2 r 0x10000\n");
    for (uint32_t i = 0; i < 400; i++)
        program_say(f->program, "2 n 1000\n2 r 0x10000\n");
    program_say(f->program, "2 exit\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgmigrate_success"), 1);
    assert_int_equal(run_fixture_stat(f, "faults.spurious"), 1);
    assert_true(run_fixture_stat(f, "core1.cycles.lock") > 50000);
}

static void assert_huge_move(struct run_fixture *f, uint64_t n_splits)
{
    f->config.os.thp = THP_ALWAYS;
    program_say(f->program, "1 mmap 0x40000000 0x200000 rw-\n1 w 0x40000000\n"
                            "1 migrate 0x40000000 0x200000\n"
                            "1 w 0x40001000\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgmigrate_success"), 512);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_split_pmd"), n_splits);
    assert_int_equal(run_fixture_stat(f, "faults.minor"), 1);
}

/* The store faulted on an entry that was still there, and had to wait for its
 * table's lock: what it finds then is on its way, and is neither given rights
 * nor copied. */
static void regress_a_fault_that_was_planned_before_the_move_waits(void **state)
{
    struct run_fixture *f = *state;
    enum { ROUNDS = 60 };

    program_say(f->program, "1 mmap 0x10000 0x1000 rw-\n1 w 0x10000\n"
                            "1 clone 2\n");
    for (uint32_t i = 0; i < ROUNDS; i++) {
        program_say(f->program, "1 mprotect 0x10000 0x1000 r--\n"
                                "1 mprotect 0x10000 0x1000 rw-\n"
                                "1 migrate 0x10000 0x1000\n");
        for (uint32_t k = 0; k < 30; k++)
            program_say(f->program, "2 n %u\n2 w 0x10000\n", i * 29 % 400 + 1);
    }
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgmigrate_success"), ROUNDS);
    assert_int_equal(run_fixture_stat(f, "faults.cow"), 0);
}

static void a_huge_page_is_split_before_4_14(void **state)
{
    assert_huge_move(*state, 1);
}

static void a_huge_page_moves_whole_from_4_14_on(void **state)
{
    use_arm(*state, "linux-arm64-4.20");
    assert_huge_move(*state, 0);
}

/* ---- NUMA hints ---- */

/* CPU 0 makes the pages; CPU 1 uses them, round after round. */
static void say_user_elsewhere(struct run_fixture *f, uint32_t n_rounds)
{
    program_say(f->program, "1 mmap 0x10000 0x8000 rw-\n");
    for (uint32_t page = 0; page < 8; page++)
        program_say(f->program, "1 w 0x%x\n", 0x10000 + page * 4096);
    program_say(f->program, "1 clone 2\n1 n 10\n");
    for (uint32_t round = 0; round < n_rounds; round++) {
        for (uint32_t page = 0; page < 8; page++)
            program_say(f->program, "2 w 0x%x\n2 n 500\n",
                        0x10000 + page * 4096);
    }
}

static void pages_follow_the_cpu_that_uses_them(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.has_numa_balancing = true;
    f->config.os.numa_scan_period_cycles = 50000;
    say_user_elsewhere(f, 200);
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.numa_pages_migrated"), 8);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgmigrate_success"), 8);
    assert_true(run_fixture_stat(f, "vmstat.numa_hint_faults") >= 8);
    assert_int_equal(run_fixture_stat(f, "faults.hint"),
                     run_fixture_stat(f, "vmstat.numa_hint_faults"));
    /* once they are there, hints are local */
    assert_int_equal(run_fixture_stat(f, "vmstat.numa_hint_faults") -
                         run_fixture_stat(f, "vmstat.numa_hint_faults_local"),
                     8);
}

/* A page that was not present needs no flush before it is moved; one that is
 * made present first does. */
static void since_5_13_a_hint_moves_the_page_without_a_flush(void **state)
{
    static const char *const kernels[] = {"linux-arm64-4.20",
                                          "linux-arm64-6.8"};
    uint64_t flushes[2];

    for (size_t i = 0; i < 2; i++) {
        struct run_fixture *f = *state;

        use_arm(f, kernels[i]);
        f->config.os.has_numa_balancing = true;
        f->config.os.numa_scan_period_cycles = 50000;
        say_user_elsewhere(f, 200);
        run_fixture_run(f);
        assert_int_equal(run_fixture_stat(f, "vmstat.numa_pages_migrated"), 8);
        flushes[i] = run_fixture_stat(f, "shootdown.broadcasts");
        run_fixture_teardown(state);
        setup(state);
    }
    assert_true(flushes[1] + 8 <= flushes[0]);
}

static void one_scan_is_one_flush_of_the_area(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.has_numa_balancing = true;
    f->config.os.numa_scan_period_cycles = 100000;
    program_say(f->program, "1 mmap 0x10000 0x8000 rw-\n");
    for (uint32_t page = 0; page < 8; page++)
        program_say(f->program, "1 w 0x%x\n", 0x10000 + page * 4096);
    program_say(f->program, "1 n 240000\n1 n 10\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.numa_pte_updates"), 8);
    assert_int_equal(run_fixture_stat(f, "vmstat.nr_tlb_local_flush_one"), 8);
    assert_int_equal(run_fixture_stat(f, "tlb_flush.local_mm_shootdown.count"),
                     1);
    assert_int_equal(run_fixture_stat(f, "vmstat.numa_hint_faults"), 0);
}

static void without_the_key_nothing_is_scanned(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.numa_scan_period_cycles = 50000;
    say_user_elsewhere(f, 200);
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.numa_pte_updates"), 0);
    assert_int_equal(run_fixture_stat(f, "faults.hint"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, setup, run_fixture_teardown)
        TEST(every_private_page_moves_and_is_flushed_by_itself),
        TEST(the_zero_page_and_holes_stay),
        TEST(pages_of_two_processes_and_of_files_stay),
        TEST(who_meets_a_moving_page_waits_for_it),
        TEST(regress_a_fault_that_was_planned_before_the_move_waits),
        TEST(a_huge_page_is_split_before_4_14),
        TEST(a_huge_page_moves_whole_from_4_14_on),
        TEST(pages_follow_the_cpu_that_uses_them),
        TEST(since_5_13_a_hint_moves_the_page_without_a_flush),
        TEST(one_scan_is_one_flush_of_the_area),
        TEST(without_the_key_nothing_is_scanned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
