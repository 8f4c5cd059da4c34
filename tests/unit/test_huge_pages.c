/* SPDX-License-Identifier: MIT */
/*
 * Transparent huge pages: where they come from, what is flushed when one is
 * cut, and what the pieces are (Linux mm/huge_memory.c).
 */
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A 2 MiB page, and what is around it. */
#define AREA "1 mmap 0x40000000 0x400000 rw-\n"

static int setup(void **state)
{
    struct run_fixture *f = run_fixture_create(2);

    f->config.os.thp = THP_ALWAYS;
    f->config.os.has_flush_ceiling = true;
    f->config.os.flush_ceiling_pages = 33;
    *state = f;
    return 0;
}

/* ---- faults ---- */

static void one_fault_maps_two_megabytes(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, AREA "1 w 0x40000000\n1 w 0x401ff000\n"
                                 "1 r 0x40123000\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "faults.minor"), 1);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_fault_alloc"), 1);
    assert_int_equal(run_fixture_stat(f, "l1d.misses"), 1);
}

static void a_read_maps_the_huge_zero_page_and_a_write_replaces_it(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, AREA "1 r 0x40000000\n1 r 0x401ff000\n"
                                 "1 r 0x40200000\n1 w 0x40001000\n"
                                 "1 r 0x40002000\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "faults.minor"), 2);
    assert_int_equal(run_fixture_stat(f, "faults.cow"), 1);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_zero_page_alloc"), 1);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_fault_alloc"), 1);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_split_pmd"), 0);
}

static void only_what_lies_whole_in_an_area_is_huge(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x40001000 0x3ff000 rw-\n"
                            "1 w 0x40001000\n1 w 0x40002000\n"
                            "1 w 0x40200000\n1 w 0x40300000\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "faults.minor"), 3);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_fault_alloc"), 1);
}

static void files_shared_memory_and_the_kernel_have_none(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x40000000 0x200000 rw- file:a\n"
                            "1 mmap 0x50000000 0x200000 rw- shared\n"
                            "1 w 0x40000000\n1 w 0x50000000\n"
                            "2 kthread\n"
                            "2 mmap 0xffff900000000000 0x200000 rw-\n"
                            "2 w 0xffff900000000000\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_fault_alloc"), 0);
}

static void advice_decides_where_the_mode_says_so(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.thp = THP_MADVISE;
    program_say(f->program, "1 mmap 0x40000000 0x800000 rw-\n"
                            "1 madvise 0x40200000 0x400000 hugepage\n"
                            "1 madvise 0x40400000 0x200000 nohugepage\n"
                            "1 w 0x40000000\n1 w 0x40200000\n1 w 0x40400000\n"
                            "1 w 0x40600000\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "faults.minor"), 4);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_fault_alloc"), 1);
}

static void nohugepage_keeps_huge_pages_away(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, AREA "1 madvise 0x40000000 0x200000 nohugepage\n"
                                 "1 w 0x40000000\n1 w 0x40200000\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_fault_alloc"), 1);
}

static void memory_in_pieces_gives_small_pages(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.memory_bytes = 3 << 20; /* 1M to 3M: no room for two */
    program_say(f->program, AREA "1 w 0x40000000\n1 w 0x40200000\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_fault_alloc") +
                         run_fixture_stat(f, "vmstat.thp_fault_fallback"),
                     2);
    assert_true(run_fixture_stat(f, "vmstat.thp_fault_fallback") >= 1);
    assert_int_equal(run_fixture_stat(f, "faults.minor"), 2);
}

/* ---- split ---- */

static void cutting_a_page_flushes_it_and_keeps_the_rest(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, AREA "1 w 0x40000000\n"
                                 "1 munmap 0x40010000 0x1000\n"
                                 "1 w 0x40000000\n1 w 0x40011000\n"
                                 "1 w 0x40010000\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_split_pmd"), 1);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_split_page"), 1);
    assert_int_equal(run_fixture_stat(f, "faults.minor"), 1);
    assert_int_equal(run_fixture_stat(f, "faults.invalid"), 1);
    /* 512 pages are more than the ceiling: 4.6 flushes all for the split, then
     * one page for the unmapping */
    assert_int_equal(run_fixture_stat(f, "vmstat.nr_tlb_local_flush_all"), 1);
    assert_int_equal(run_fixture_stat(f, "vmstat.nr_tlb_local_flush_one"), 1);
}

static void taking_whole_pages_splits_nothing(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, AREA "1 w 0x40000000\n1 w 0x40200000\n"
                                 "1 mprotect 0x40000000 0x200000 r--\n"
                                 "1 madvise 0x40200000 0x200000 dontneed\n"
                                 "1 mremap 0x40000000 0x200000 0x60000000 "
                                 "0x200000\n1 r 0x60001000\n"
                                 "1 munmap 0x60000000 0x200000\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_split_pmd"), 0);
    assert_int_equal(run_fixture_stat(f, "faults.minor"), 2);
}

static void every_kind_of_cut_splits(void **state)
{
    static const char *const cuts[] = {
        "1 mprotect 0x40010000 0x1000 r--\n",
        "1 madvise 0x40010000 0x1000 dontneed\n",
        "1 madvise 0x40010000 0x1000 free\n",
        "1 mremap 0x40010000 0x1000 0x60000000 0x1000\n",
        "1 mmap 0x40010000 0x1000 rw-\n",
        "1 mremap 0x40000000 0x200000 0x60001000 0x200000\n",
    };

    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct run_fixture *f = *state;

        program_say(f->program, AREA "1 w 0x40000000\n%s1 r 0x40011000\n",
                    cuts[i]);
        run_fixture_run(f);
        assert_int_equal(run_fixture_stat(f, "vmstat.thp_split_pmd"), 1);
        run_fixture_teardown(state);
        setup(state);
    }
}

/* It was copied once for each of the two areas, and one reference stayed. */
static void regress_advice_for_half_a_page_splits_it(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, AREA "1 w 0x40000000\n"
                                 "1 madvise 0x40100000 0x300000 nohugepage\n"
                                 "1 fork 2\n2 w 0x40000000\n1 exit\n"
                                 "2 exit\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_split_pmd"), 1);
    assert_int_equal(run_fixture_stat(f, "faults.cow"), 1);
}

static void pieces_are_copied_one_by_one_after_a_fork(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, AREA "1 w 0x40000000\n1 fork 2\n"
                                 "1 munmap 0x40010000 0x1000\n"
                                 "1 w 0x40000000\n1 w 0x40001000\n1 exit\n"
                                 "2 n 1000000\n2 w 0x40000000\n2 exit\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_split_pmd"), 1);
    assert_int_equal(run_fixture_stat(f, "faults.cow"),
                     2); /* the child is last */
    assert_int_equal(run_fixture_stat(f, "faults.protection"), 1);
}

static void a_shared_page_is_copied_whole_before_5_8(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, AREA "1 w 0x40000000\n1 fork 2\n"
                                 "1 w 0x40000000\n1 exit\n2 exit\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "faults.cow"), 1);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_fault_alloc"), 2);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_split_pmd"), 0);
}

static void a_page_hidden_by_mprotect_is_split_hidden(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, AREA "1 w 0x40000000\n"
                                 "1 mprotect 0x40000000 0x200000 ---\n"
                                 "1 mprotect 0x40010000 0x1000 rw-\n"
                                 "1 w 0x40010000\n1 w 0x40011000\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_split_pmd"), 1);
    assert_int_equal(run_fixture_stat(f, "faults.minor"), 1);
    assert_int_equal(run_fixture_stat(f, "faults.invalid"), 1);
}

static void khugepaged_makes_small_pages_huge_and_flushes_once(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.thp = THP_MADVISE;
    f->config.os.khugepaged_sleep_cycles = 100000;
    program_say(f->program,
                "1 mmap 0x40000000 0x200000 rw-\n1 w 0x40000000\n"
                "1 w 0x40001000\n1 madvise 0x40000000 0x200000 hugepage\n");
    for (uint32_t i = 0; i < 1000; i++)
        program_say(f->program, "1 n 1000\n");
    program_say(f->program, "1 w 0x40001000\n1 w 0x40100000\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_collapse_alloc"), 1);
    assert_int_equal(run_fixture_stat(f, "faults.minor"), 2);
    assert_int_equal(run_fixture_stat(f, "shootdown.count"), 1);
}

static void khugepaged_leaves_pages_with_other_owners(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.thp = THP_MADVISE;
    f->config.os.khugepaged_sleep_cycles = 100000;
    program_say(f->program,
                "1 mmap 0x40000000 0x200000 rw-\n1 w 0x40000000\n1 fork 2\n"
                "1 madvise 0x40000000 0x200000 hugepage\n1 w 0x40001000\n");
    for (uint32_t i = 0; i < 1000; i++)
        program_say(f->program, "1 n 1000\n2 n 1000\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_collapse_alloc"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, setup, run_fixture_teardown)
        TEST(one_fault_maps_two_megabytes),
        TEST(a_read_maps_the_huge_zero_page_and_a_write_replaces_it),
        TEST(only_what_lies_whole_in_an_area_is_huge),
        TEST(files_shared_memory_and_the_kernel_have_none),
        TEST(advice_decides_where_the_mode_says_so),
        TEST(nohugepage_keeps_huge_pages_away),
        TEST(memory_in_pieces_gives_small_pages),
        TEST(cutting_a_page_flushes_it_and_keeps_the_rest),
        TEST(taking_whole_pages_splits_nothing),
        TEST(every_kind_of_cut_splits),
        TEST(regress_advice_for_half_a_page_splits_it),
        TEST(pieces_are_copied_one_by_one_after_a_fork),
        TEST(a_shared_page_is_copied_whole_before_5_8),
        TEST(a_page_hidden_by_mprotect_is_split_hidden),
        TEST(khugepaged_makes_small_pages_huge_and_flushes_once),
        TEST(khugepaged_leaves_pages_with_other_owners),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
