/* SPDX-License-Identifier: MIT */
/*
 * Reclaim as programs see it: what is taken, what comes back, and how many
 * flushes it costs (linux-protocols: batched unmapping of 4.3 to 4.6; Linux 4.6
 * mm/vmscan.c, mm/rmap.c, mm/memory.c).
 */
#include "os/reclaim.h"
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct run_fixture *f = run_fixture_create(2);

    f->config.os.memory_bytes = 4 << 20;
    *state = f;
    return 0;
}

/* Loads or stores of pages [0, n) from vaddr on. */
static void say_pages(struct run_fixture *f, uint32_t tid, char op,
                      uint64_t vaddr, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        program_say(f->program, "%u %c 0x%llx\n", tid, op,
                    (unsigned long long) vaddr + i * 4096ULL);
}

/* ---- what goes and what comes back ---- */

static void a_file_larger_than_memory_is_read_and_evicted(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000000 0x800000 r-- file:a\n");
    say_pages(f, 1, 'r', 0x10000000, 2048);
    run_fixture_run(f);
    assert_true(run_fixture_stat(f, "vmstat.pgsteal_kswapd") +
                    run_fixture_stat(f, "vmstat.pgsteal_direct") >
                1024);
    /* Each page is seen accessed once, and goes the second time. */
    assert_true(run_fixture_stat(f, "vmstat.pgscan_kswapd") +
                    run_fixture_stat(f, "vmstat.pgscan_direct") >=
                2048);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgactivate"), 0);
}

static void what_was_evicted_is_a_major_fault_again(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000000 0x800000 r-- file:a\n");
    say_pages(f, 1, 'r', 0x10000000, 2048);
    program_say(f->program, "1 r 0x10000000\n");
    run_fixture_run(f);
    assert_true(run_fixture_stat(f, "faults.major") >
                0); /* the cache was warm at first */
    assert_int_equal(run_fixture_stat(f, "faults.major"),
                     run_fixture_stat(f, "vmstat.pgmajfault"));
}

static void kswapd_works_on_the_idle_cpu_before_anybody_has_to(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000000 0x800000 r-- file:a\n");
    for (uint32_t i = 0; i < 2048; i++)
        program_say(f->program, "1 r 0x%x\n1 n 20000\n", 0x10000000 + i * 4096);
    run_fixture_run(f);
    assert_true(run_fixture_stat(f, "vmstat.pgsteal_kswapd") > 1000);
    /* Once it has fallen behind, while the first pass only clears A. */
    assert_true(run_fixture_stat(f, "vmstat.allocstall") <= 1);
    assert_true(run_core_stat(&f->run, 1, "cycles.kernel") > 0);
}

static void without_swap_anonymous_memory_ends_the_run(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000000 0x800000 rw-\n");
    say_pages(f, 1, 'w', 0x10000000, 2048);
    run_program(&f->run, &f->config, f->program, NULL);
    assert_int_equal(f->run.status, MMUSIM_EXHAUSTED);
    assert_int_equal(run_fixture_stat(f, "vmstat.pswpout"), 0);
}

static void with_swap_it_goes_and_comes_back(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.swap_bytes = 16 << 20;
    program_say(f->program, "1 mmap 0x10000000 0x800000 rw-\n");
    say_pages(f, 1, 'w', 0x10000000, 2048);
    program_say(f->program, "1 r 0x10000000\n1 w 0x10000000\n");
    run_fixture_run(f);
    assert_true(run_fixture_stat(f, "vmstat.pswpout") > 1024);
    assert_int_equal(run_fixture_stat(f, "vmstat.pswpin"), 1);
    assert_int_equal(run_fixture_stat(f, "faults.major"), 1);
    /* read back for a load: the store then takes the right to write */
    assert_int_equal(run_fixture_stat(f, "faults.protection"), 1);
    assert_int_equal(f->run.machine->kernel.reclaim->swap.n_used, 0);
}

static void full_swap_ends_the_run(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.swap_bytes = 1 << 20;
    program_say(f->program, "1 mmap 0x10000000 0x800000 rw-\n");
    say_pages(f, 1, 'w', 0x10000000, 2048);
    run_program(&f->run, &f->config, f->program, NULL);
    assert_int_equal(f->run.status, MMUSIM_EXHAUSTED);
    assert_int_equal(run_fixture_stat(f, "vmstat.pswpout"), 256);
}

static void a_child_has_its_share_of_swapped_pages(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.swap_bytes = 1 << 20;
    program_say(f->program, "1 mmap 0x10000000 0x4000 rw-\n");
    say_pages(f, 1, 'w', 0x10000000, 4);
    program_say(f->program, "1 reclaim 0x10000000 0x4000\n1 fork 2\n");
    say_pages(f, 1, 'r', 0x10000000, 4);
    say_pages(f, 2, 'r', 0x10000000, 4);
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.pswpout"), 4);
    assert_int_equal(run_fixture_stat(f, "vmstat.pswpin"),
                     8); /* no swap cache */
    assert_int_equal(f->run.machine->kernel.reclaim->swap.n_used, 0);
}

static void lazily_freed_pages_need_no_swap_space_each(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.swap_bytes = 1 << 20;
    program_say(f->program, "1 mmap 0x10000000 0x4000 rw-\n");
    say_pages(f, 1, 'w', 0x10000000, 4);
    program_say(f->program, "1 madvise 0x10000000 0x3000 free\n"
                            "1 reclaim 0x10000000 0x4000\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.pglazyfreed"), 3);
    assert_int_equal(run_fixture_stat(f, "vmstat.pswpout"), 1);
}

/* ---- windows of files ---- */

static void fault_around_maps_what_readahead_has_read(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.readahead_pages = 32;
    f->config.os.fault_around_pages = 16;
    program_say(f->program, "1 mmap 0x10000000 0x20000 r-- file:a\n");
    say_pages(f, 1, 'r', 0x10000000, 32);
    run_fixture_run(f);
    /* the page that is missing; the rest of its window; the second window */
    assert_int_equal(run_fixture_stat(f, "faults.minor"), 3);
}

static void fault_around_stays_in_the_area_and_off_stores(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.readahead_pages = 32;
    f->config.os.fault_around_pages = 16;
    /* pages 3 to 9 of the file, at an address that is no multiple of 64K */
    program_say(f->program, "1 mmap 0x10003000 0x7000 r-- file:a@0x3000\n"
                            "1 mmap 0x20000000 0x4000 rw- file:b shared\n");
    say_pages(f, 1, 'r', 0x10003000, 7);
    say_pages(f, 1, 'w', 0x20000000, 4);
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "faults.minor"), 2 + 4);
    assert_int_equal(run_fixture_stat(f, "faults.invalid"), 0);
}

/* ---- flushes ---- */

/* Ten pages that both CPUs have used, then reclaimed by CPU 0. exit_mmap() is
 * one more flush, full, for the other CPU: it is lazy. */
enum { EXIT_FLUSHES = 1 };

static void say_shared_pages(struct run_fixture *f, char op)
{
    program_say(f->program, "1 clone 2\n1 mmap 0x10000000 0xa000 rw- %s\n",
                op == 'r' ? "file:a" : "anon");
    say_pages(f, 1, op, 0x10000000, 10);
    program_say(f->program, "2 idle 100000\n");
    say_pages(f, 2, 'r', 0x10000000, 10);
    program_say(f->program, "2 n 2000000\n1 idle 200000\n"
                            "1 reclaim 0x10000000 0xa000\n");
}

static void without_batches_each_page_is_an_interrupt(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.batched_unmap = BATCHED_OFF;
    say_shared_pages(f, 'r');
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgsteal_direct"), 10);
    assert_int_equal(run_fixture_stat(f, "shootdown.ipis_sent"),
                     10 + EXIT_FLUSHES);
    assert_int_equal(run_fixture_stat(f, "vmstat.nr_tlb_local_flush_one"), 10);
    assert_int_equal(run_fixture_stat(f, "tlb_flush.remote_shootdown.pages"),
                     10);
}

static void a_batch_is_one_interrupt_and_a_full_flush(void **state)
{
    struct run_fixture *f = *state;

    say_shared_pages(f, 'r');
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgsteal_direct"), 10);
    assert_int_equal(run_fixture_stat(f, "shootdown.ipis_sent"),
                     1 + EXIT_FLUSHES);
    assert_int_equal(run_fixture_stat(f, "vmstat.nr_tlb_remote_flush"),
                     1 + EXIT_FLUSHES);
    assert_int_equal(run_fixture_stat(f, "vmstat.nr_tlb_local_flush_one"), 0);
    assert_int_equal(run_fixture_stat(f, "vmstat.nr_tlb_local_flush_all"), 1);
    assert_int_equal(run_fixture_stat(f, "tlb_flush.local_shootdown.full"), 1);
    assert_int_equal(run_fixture_stat(f, "tlb_flush.remote_shootdown.full"), 1);
    assert_int_equal(run_fixture_stat(f, "tlb_flush.remote_send_ipi.full"),
                     1 + EXIT_FLUSHES);
}

static void dirty_entries_are_flushed_before_their_page_is_written(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.swap_bytes = 1 << 20;
    say_shared_pages(f, 'w');
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.pswpout"), 10);
    assert_int_equal(run_fixture_stat(f, "shootdown.ipis_sent"),
                     10 + EXIT_FLUSHES);
    assert_int_equal(run_fixture_stat(f, "tlb_flush.remote_shootdown.full"),
                     10);
}

static void nobody_else_nothing_to_defer(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000000 0xa000 r-- file:a\n");
    say_pages(f, 1, 'r', 0x10000000, 10);
    program_say(f->program, "1 reclaim 0x10000000 0xa000\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgsteal_direct"), 10);
    assert_int_equal(run_fixture_stat(f, "shootdown.count"), 0);
    assert_int_equal(run_fixture_stat(f, "vmstat.nr_tlb_local_flush_one"), 10);
    assert_int_equal(run_fixture_stat(f, "tlb_flush.local_shootdown.count"), 0);
}

static void written_back_pages_are_write_protected_and_flushed(void **state)
{
    struct run_fixture *f = *state;

    /* 10 % of 1024 frames is 102 */
    program_say(f->program, "1 mmap 0x10000000 0x80000 rw- file:a shared\n");
    say_pages(f, 1, 'w', 0x10000000, 128);
    program_say(f->program, "1 n 4000000\n");
    say_pages(f, 1, 'w', 0x10000000, 8);
    run_fixture_run(f);
    assert_true(run_fixture_stat(f, "vmstat.nr_written") >= 128);
    assert_int_equal(run_fixture_stat(f, "vmstat.nr_dirtied"), 128 + 8);
    assert_int_equal(run_fixture_stat(f, "faults.protection"), 8);
    assert_true(run_fixture_stat(f, "vmstat.nr_tlb_remote_flush") >= 100);
}

/* ---- advice ---- */

static void run_cold(struct run_fixture *f, const char *protocol)
{
    snprintf(f->config.os.protocol, sizeof(f->config.os.protocol), "%s",
             protocol);
    program_say(f->program, "1 mmap 0x10000000 0x4000 r-- file:a\n");
    say_pages(f, 1, 'r', 0x10000000, 4);
    program_say(f->program, "1 madvise 0x10000000 0x2000 cold\n"
                            "1 madvise 0x10002000 0x2000 pageout\n");
    say_pages(f, 1, 'r', 0x10000000, 4);
    run_fixture_run(f);
}

static void old_kernels_do_not_know_cold_and_pageout(void **state)
{
    struct run_fixture *f = *state;

    run_cold(f, "linux-4.6");
    assert_int_equal(run_fixture_stat(f, "faults.minor"), 4);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgsteal_direct"), 0);
}

static void pageout_takes_the_pages_and_cold_leaves_them(void **state)
{
    struct run_fixture *f = *state;

    run_cold(f, "linux-6.14");
    assert_int_equal(run_fixture_stat(f, "vmstat.pgsteal_direct"), 2);
    assert_int_equal(run_fixture_stat(f, "faults.minor"), 4);
    assert_int_equal(run_fixture_stat(f, "faults.major"), 2);
}

#define RECLAIM_TEST(name)                                                     \
    cmocka_unit_test_setup_teardown(name, setup, run_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECLAIM_TEST(a_file_larger_than_memory_is_read_and_evicted),
        RECLAIM_TEST(what_was_evicted_is_a_major_fault_again),
        RECLAIM_TEST(kswapd_works_on_the_idle_cpu_before_anybody_has_to),
        RECLAIM_TEST(without_swap_anonymous_memory_ends_the_run),
        RECLAIM_TEST(with_swap_it_goes_and_comes_back),
        RECLAIM_TEST(full_swap_ends_the_run),
        RECLAIM_TEST(a_child_has_its_share_of_swapped_pages),
        RECLAIM_TEST(lazily_freed_pages_need_no_swap_space_each),
        RECLAIM_TEST(fault_around_maps_what_readahead_has_read),
        RECLAIM_TEST(fault_around_stays_in_the_area_and_off_stores),
        RECLAIM_TEST(without_batches_each_page_is_an_interrupt),
        RECLAIM_TEST(a_batch_is_one_interrupt_and_a_full_flush),
        RECLAIM_TEST(dirty_entries_are_flushed_before_their_page_is_written),
        RECLAIM_TEST(nobody_else_nothing_to_defer),
        RECLAIM_TEST(written_back_pages_are_write_protected_and_flushed),
        RECLAIM_TEST(old_kernels_do_not_know_cold_and_pageout),
        RECLAIM_TEST(pageout_takes_the_pages_and_cold_leaves_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
