/* SPDX-License-Identifier: MIT */
/*
 * The linux-4.6 protocol, ranges and single pages of an mm: the steps of
 * docs/protocols/linux-4.6.md, what is counted and what is traced.
 */
#include "coherence/ipi.h"
#include "support/linux_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- the ceiling ---- */

static void thirty_three_pages_are_flushed_one_by_one(void **state)
{
    struct world *world = *state;

    world_fill_all(world, 40);
    world_flush_own(world, 33);
    world_expect_vmstat(world, 1, 2, 0, 33);
    world_expect_reason(world, FLUSH_LOCAL_MM_SHOOTDOWN, 1, 0, 33);
    world_expect_reason(world, FLUSH_REMOTE_SEND_IPI, 1, 0, 33);
    world_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 2, 0, 66);
    world_expect_reasons(world, 4);
    for (uint32_t id = 0; id < 3; id++)
        assert_int_equal(world_held(world, id, 40), 7);
    assert_int_equal(world_held(world, 3, 40), 40);
}

static void thirty_four_pages_flush_everything_but_globals(void **state)
{
    struct world *world = *state;

    world_fill_all(world, 40);
    world_flush_own(world, 34);
    world_expect_vmstat(world, 1, 2, 1, 0);
    world_expect_reason(world, FLUSH_LOCAL_MM_SHOOTDOWN, 1, 1, 0);
    world_expect_reason(world, FLUSH_REMOTE_SEND_IPI, 1, 1, 0);
    world_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 2, 2, 0);
    world_expect_reasons(world, 4);
    for (uint32_t id = 0; id < 3; id++) {
        assert_int_equal(world_held(world, id, 40), 0);
        assert_true(world_holds(world, id, LINUX_VADDR + 40 * BASE_PAGE_BYTES));
    }
}

static void ceiling_0_flushes_one_page_in_full(void **state)
{
    struct world *world = *state;

    world->small->system.flush_ceiling_pages = 0;
    world_flush_own(world, 1);
    world_expect_vmstat(world, 1, 2, 1, 0);
    world_expect_reason(world, FLUSH_REMOTE_SEND_IPI, 1, 1, 0);
}

static void ceiling_1_flushes_one_page_alone(void **state)
{
    struct world *world = *state;

    world->small->system.flush_ceiling_pages = 1;
    world_flush_own(world, 1);
    world_expect_vmstat(world, 1, 2, 0, 1);
    world_expect_reason(world, FLUSH_REMOTE_SEND_IPI, 1, 0, 1);
}

static void ceiling_1_flushes_two_pages_in_full(void **state)
{
    struct world *world = *state;

    world->small->system.flush_ceiling_pages = 1;
    world_flush_own(world, 2);
    world_expect_vmstat(world, 1, 2, 1, 0);
    world_expect_reason(world, FLUSH_REMOTE_SEND_IPI, 1, 1, 0);
}

/* 4.6: nr_tlb_remote_flush_received and the INVLPGs do not ask the target's
 * ceiling; it is lowered here between the sending and the handling. */
static void set_ceiling_0(struct cpu *cpu, void *context)
{
    (void) context;
    cpu->system->flush_ceiling_pages = 0;
}

static void the_receiver_has_no_ceiling(void **state)
{
    struct world *world = *state;
    struct flush flush = {
        .mm = &world->mm, .start = LINUX_VADDR, .n_pages = 20};

    world_fill_all(world, 40);
    small_do(world->small, 0, world_mm_range, &flush);
    small_busy(world->small, 4, 1, BUCKET_BASE);
    small_do(world->small, 4, set_ceiling_0, NULL);
    small_run(world->small);
    assert_int_equal(world->small->system.flush_ceiling_pages, 0);
    world_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 2, 0, 40);
    assert_int_equal(world_held(world, 1, 40), 20);
}

static void the_hugetlb_flag_forces_a_full_flush(void **state)
{
    struct world *world = *state;
    struct flush flush = {.mm = &world->mm,
                          .start = LINUX_VADDR,
                          .n_pages = 1,
                          .is_hugetlb = true};

    world_run(world, world_mm_range, &flush);
    world_expect_vmstat(world, 1, 2, 1, 0);
    world_expect_reason(world, FLUSH_LOCAL_MM_SHOOTDOWN, 1, 1, 0);
    world_expect_reason(world, FLUSH_REMOTE_SEND_IPI, 1, 1, 0);
    world_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 2, 2, 0);
}

static void the_largest_ceiling_leaves_full_flushes_full(void **state)
{
    struct world *world = *state;

    world->small->system.flush_ceiling_pages = UINT64_C(1) << 40;
    world_fill_all(world, 4);
    world_flush_own(world, FLUSH_ALL_PAGES);
    world_expect_vmstat(world, 1, 2, 1, 0);
    assert_int_equal(world_held(world, 0, 4), 0);
}

/* ---- flush_tlb_mm_range ---- */

static void with_nobody_else_in_the_mask_nothing_is_sent(void **state)
{
    struct world *world = *state;

    cpu_mask_clear(&world->mm.cpus, 1);
    cpu_mask_clear(&world->mm.cpus, 2);
    world_flush_own(world, 5);
    world_expect_vmstat(world, 0, 0, 0, 5);
    world_expect_reason(world, FLUSH_LOCAL_MM_SHOOTDOWN, 1, 0, 5);
    world_expect_reasons(world, 1);
    assert_int_equal(world->small->system.shootdowns.count, 0);
}

static void a_foreign_mm_is_not_flushed_here_and_in_full_elsewhere(void **state)
{
    struct world *world = *state;
    struct flush flush = {
        .mm = &world->other, .start = LINUX_VADDR, .n_pages = 1};

    world_fill_all(world, 8);
    world_run(world, world_mm_range, &flush);
    world_expect_vmstat(world, 1, 1, 0, 0);
    world_expect_reason(world, FLUSH_REMOTE_SEND_IPI, 1, 1, 0);
    world_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 1, 1, 0);
    world_expect_reasons(world, 2);
    assert_int_equal(world_held(world, 0, 8), 8);
    assert_int_equal(world_held(world, 3, 8), 0);
}

static void a_lazy_kernel_thread_leaves_the_mm_and_sends_in_full(void **state)
{
    struct world *world = *state;

    world_fill_all(world, 8);
    world_make_lazy(world, 0);
    world_flush_own(world, 1);
    world_expect_vmstat(world, 1, 2, 0, 0);
    world_expect_reason(world, FLUSH_ON_TASK_SWITCH, 1, 1, 0);
    world_expect_reason(world, FLUSH_REMOTE_SEND_IPI, 1, 1, 0);
    world_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 2, 2, 0);
    world_expect_reasons(world, 4);
    assert_false(cpu_mask_has(&world->mm.cpus, 0));
    assert_ptr_equal(world_cpu(world, 0)->active_mm, &world->mm);
    assert_ptr_equal(world_cpu(world, 0)->loaded, world->small->system.init_mm);
    assert_int_equal(world_held(world, 0, 8), 0);
}

static void a_kernel_thread_that_has_left_leaves_no_second_time(void **state)
{
    struct world *world = *state;

    world_make_lazy(world, 0);
    cpu_mask_clear(&world->mm.cpus, 0);
    world_flush_own(world, 1);
    world_expect_reason(world, FLUSH_ON_TASK_SWITCH, 0, 0, 0);
    world_expect_reason(world, FLUSH_REMOTE_SEND_IPI, 1, 1, 0);
}

static void flush_tlb_mm_flushes_in_full_here_and_elsewhere(void **state)
{
    struct world *world = *state;
    struct flush flush = {.mm = &world->mm};

    world_fill_all(world, 8);
    world_run(world, world_flush_tlb_mm, &flush);
    world_expect_vmstat(world, 1, 2, 1, 0);
    world_expect_reason(world, FLUSH_LOCAL_MM_SHOOTDOWN, 1, 1, 0);
    world_expect_reason(world, FLUSH_REMOTE_SEND_IPI, 1, 1, 0);
    world_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 2, 2, 0);
    world_expect_reasons(world, 4);
    for (uint32_t id = 0; id < 3; id++)
        assert_int_equal(world_held(world, id, 8), 0);
}

/* ---- flush_tlb_page ---- */

static void flush_page_of_the_own_mm_has_no_local_trace(void **state)
{
    struct world *world = *state;
    struct flush flush = {.mm = &world->mm, .start = LINUX_VADDR};

    world_fill_all(world, 8);
    world_run(world, world_page, &flush);
    world_expect_vmstat(world, 1, 2, 0, 1);
    world_expect_reason(world, FLUSH_REMOTE_SEND_IPI, 1, 0, 1);
    world_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 2, 0, 2);
    world_expect_reasons(world, 3);
    for (uint32_t id = 0; id < 3; id++) {
        assert_false(world_holds(world, id, LINUX_VADDR));
        assert_int_equal(world_held(world, id, 8), 7);
    }
}

static void flush_page_of_a_foreign_mm_stays_one_page(void **state)
{
    struct world *world = *state;
    struct flush flush = {.mm = &world->other, .start = LINUX_VADDR};

    world_fill_all(world, 8);
    world_run(world, world_page, &flush);
    world_expect_vmstat(world, 1, 1, 0, 0);
    world_expect_reason(world, FLUSH_REMOTE_SEND_IPI, 1, 0, 1);
    world_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 1, 0, 1);
    world_expect_reasons(world, 2);
    assert_int_equal(world_held(world, 3, 8), 7);
    assert_int_equal(world_held(world, 0, 8), 8);
}

static void flush_page_by_a_lazy_kernel_thread_leaves_the_mm(void **state)
{
    struct world *world = *state;
    struct flush flush = {.mm = &world->mm, .start = LINUX_VADDR};

    world_make_lazy(world, 0);
    world_run(world, world_page, &flush);
    world_expect_vmstat(world, 1, 2, 0, 0);
    world_expect_reason(world, FLUSH_ON_TASK_SWITCH, 1, 1, 0);
    world_expect_reason(world, FLUSH_REMOTE_SEND_IPI, 1, 0, 1);
    world_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 2, 0, 2);
    assert_false(cpu_mask_has(&world->mm.cpus, 0));
}

#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(thirty_three_pages_are_flushed_one_by_one),
        T(thirty_four_pages_flush_everything_but_globals),
        T(ceiling_0_flushes_one_page_in_full),
        T(ceiling_1_flushes_one_page_alone),
        T(ceiling_1_flushes_two_pages_in_full),
        T(the_receiver_has_no_ceiling),
        T(the_hugetlb_flag_forces_a_full_flush),
        T(the_largest_ceiling_leaves_full_flushes_full),
        T(with_nobody_else_in_the_mask_nothing_is_sent),
        T(a_foreign_mm_is_not_flushed_here_and_in_full_elsewhere),
        T(a_lazy_kernel_thread_leaves_the_mm_and_sends_in_full),
        T(a_kernel_thread_that_has_left_leaves_no_second_time),
        T(flush_tlb_mm_flushes_in_full_here_and_elsewhere),
        T(flush_page_of_the_own_mm_has_no_local_trace),
        T(flush_page_of_a_foreign_mm_stays_one_page),
        T(flush_page_by_a_lazy_kernel_thread_leaves_the_mm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
