/* SPDX-License-Identifier: MIT */
/*
 * The linux-4.6 protocol, flushes of everything, kernel ranges and the handler:
 * the steps of docs/protocols/linux-4.6.md, what is counted and traced.
 */
#include "coherence/ipi.h"
#include "support/linux_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- flush_tlb, flush_tlb_all, flush_tlb_kernel_range ---- */

static void flush_tlb_is_full_and_has_its_own_reason(void **state)
{
    struct world *world = *state;

    world_fill_all(world, 8);
    world_run(world, world_flush_tlb, NULL);
    world_expect_vmstat(world, 1, 2, 1, 0);
    world_expect_reason(world, FLUSH_LOCAL_SHOOTDOWN, 1, 1, 0);
    world_expect_reason(world, FLUSH_REMOTE_SEND_IPI, 1, 1, 0);
    world_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 2, 2, 0);
    world_expect_reasons(world, 4);
    assert_int_equal(world_held(world, 1, 9), 1); /* the global one stays */
}

static void flush_all_drops_globals_on_every_cpu_and_counts_self(void **state)
{
    struct world *world = *state;

    for (uint32_t id = 4; id < 8; id++) /* neither lazy nor in a mask */
        world_cpu(world, id)->tlb_state = TLB_STATE_OK;
    world_fill_all(world, 8);
    world_run(world, world_flush_all, NULL);
    world_expect_vmstat(world, 1, 8, 0, 0);
    world_expect_reasons(world, 0);
    for (uint32_t id = 0; id < 4; id++)
        assert_int_equal(world_held(world, id, 9), 0);
    assert_int_equal(world->small->system.shootdowns.targets, 7);
}

static void flush_all_makes_lazy_cpus_leave(void **state)
{
    struct world *world = *state;

    world_make_lazy(world, 1);
    world_make_lazy(world, 0);
    world_run(world, world_flush_all, NULL);
    assert_false(cpu_mask_has(&world->mm.cpus, 0));
    assert_false(cpu_mask_has(&world->mm.cpus, 1));
    assert_true(cpu_mask_has(&world->mm.cpus, 2));
    world_expect_reason(world, FLUSH_ON_TASK_SWITCH, 2, 2, 0);
}

static void regress_flush_all_counts_the_caller_s_own_as_local(void **state)
{
    struct world *world = *state;

    world_run(world, world_flush_all, NULL);
    assert_int_equal(world_cpu(world, 0)->flushes.local_full, 1);
    assert_int_equal(world_cpu(world, 0)->flushes.received_full, 0);
    assert_int_equal(world_cpu(world, 1)->flushes.received_full, 1);
}

#define KERNEL_VADDR UINT64_C(0xffffc90000000000)

static void fill_kernel(struct world *world, uint32_t n_pages)
{
    for (uint32_t id = 0; id < 4; id++) {
        for (uint32_t i = 0; i < n_pages; i++)
            world_fill(world, id, KERNEL_VADDR + (uint64_t) i * BASE_PAGE_BYTES,
                       TLB_READ | TLB_GLOBAL);
    }
}

static uint32_t kernel_held(struct world *world, uint32_t id, uint32_t n_pages)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < n_pages; i++)
        count += world_holds(world, id,
                             KERNEL_VADDR + (uint64_t) i * BASE_PAGE_BYTES);
    return count;
}

static void a_kernel_range_up_to_the_ceiling_counts_nothing(void **state)
{
    struct world *world = *state;
    struct flush flush = {.start = KERNEL_VADDR, .n_pages = 33};

    fill_kernel(world, 40);
    world_run(world, world_kernel_range, &flush);
    world_expect_vmstat(world, 0, 0, 0, 0);
    world_expect_reasons(world, 0);
    for (uint32_t id = 0; id < 4; id++)
        assert_int_equal(kernel_held(world, id, 40), 7);
}

static void a_kernel_range_of_33_pages_and_a_byte_is_full(void **state)
{
    struct world *world = *state;
    struct flush flush = {
        .start = KERNEL_VADDR, .n_pages = 33, .extra_bytes = 1};

    fill_kernel(world, 40);
    for (uint32_t id = 4; id < 8; id++)
        world_cpu(world, id)->tlb_state = TLB_STATE_OK;
    world_run(world, world_kernel_range, &flush);
    world_expect_vmstat(world, 0, 8, 0, 0); /* remote_flush is not counted */
    for (uint32_t id = 0; id < 4; id++)
        assert_int_equal(kernel_held(world, id, 40), 0);
}

static void a_kernel_range_to_the_end_of_all_is_full(void **state)
{
    struct world *world = *state;
    struct flush flush = {.start = KERNEL_VADDR, .n_pages = FLUSH_ALL_PAGES};

    fill_kernel(world, 40);
    world_run(world, world_kernel_range, &flush);
    assert_int_equal(kernel_held(world, 3, 40), 0);
}

/* The kernel's loop goes on while the address is below the end. */
static void regress_a_kernel_range_s_last_part_of_a_page_goes_too(void **state)
{
    struct world *world = *state;
    struct flush flush = {
        .start = KERNEL_VADDR, .n_pages = 2, .extra_bytes = 1};

    fill_kernel(world, 8);
    world_run(world, world_kernel_range, &flush);
    for (uint32_t id = 0; id < 4; id++)
        assert_int_equal(kernel_held(world, id, 8), 5);
}

/* ---- the handler ---- */

/* CPU 1 has gone to another mm after the sender read the mask. */
static void a_target_that_runs_another_mm_counts_nothing(void **state)
{
    struct world *world = *state;

    small_run_mm(world_cpu(world, 1), &world->other);
    world_fill_all(world, 8);
    world_flush_own(world, 4);
    world_expect_vmstat(world, 1, 1, 0, 4);
    world_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 1, 0, 4);
    assert_int_equal(world_held(world, 1, 8), 8);
}

static void a_lazy_target_leaves_the_mm_without_a_remote_trace(void **state)
{
    struct world *world = *state;

    world_make_lazy(world, 1);
    world_fill_all(world, 8);
    world_flush_own(world, 4);
    world_expect_vmstat(world, 1, 2, 0, 4);
    world_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 1, 0, 4);
    world_expect_reason(world, FLUSH_ON_TASK_SWITCH, 1, 1, 0);
    assert_false(cpu_mask_has(&world->mm.cpus, 1));
    assert_ptr_equal(world_cpu(world, 1)->active_mm, &world->mm);
    assert_int_equal(world_held(world, 1, 8), 0);
}

static void a_cpu_that_has_left_gets_no_more_requests(void **state)
{
    struct world *world = *state;
    struct flush flush = {.mm = &world->mm, .start = LINUX_VADDR, .n_pages = 1};

    world_make_lazy(world, 1);
    small_do(world->small, 0, world_mm_range, &flush);
    small_do(world->small, 0, world_mm_range, &flush);
    small_run(world->small);
    assert_int_equal(world->small->system.shootdowns.targets, 2 + 1);
}

#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(flush_tlb_is_full_and_has_its_own_reason),
        T(flush_all_drops_globals_on_every_cpu_and_counts_self),
        T(flush_all_makes_lazy_cpus_leave),
        T(regress_flush_all_counts_the_caller_s_own_as_local),
        T(a_kernel_range_up_to_the_ceiling_counts_nothing),
        T(a_kernel_range_of_33_pages_and_a_byte_is_full),
        T(a_kernel_range_to_the_end_of_all_is_full),
        T(regress_a_kernel_range_s_last_part_of_a_page_goes_too),
        T(a_target_that_runs_another_mm_counts_nothing),
        T(a_lazy_target_leaves_the_mm_without_a_remote_trace),
        T(a_cpu_that_has_left_gets_no_more_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
