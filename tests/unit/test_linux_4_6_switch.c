/* SPDX-License-Identifier: MIT */
/*
 * The linux-4.6 protocol, switching and lazy mode, miss causes, and what
 * flushes cost: the steps of docs/protocols/linux-4.6.md.
 */
#include "coherence/ipi.h"
#include "support/linux_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- switch_mm, enter_lazy, leave_mm ---- */

static void switching_loads_the_next_mm_and_moves_the_mask_bit(void **state)
{
    struct world *world = *state;
    struct cpu *cpu = world_cpu(world, 0);
    uint32_t cycles;

    world_fill_all(world, 8);
    cycles = cpu->system->protocol->switch_mm(cpu, &world->other);
    assert_int_equal(cycles, cpu->system->cost.cr3_write_cycles);
    assert_ptr_equal(cpu->active_mm, &world->other);
    assert_ptr_equal(cpu->loaded, &world->other);
    assert_int_equal(cpu->mmu.root.v, world->other.root.v);
    assert_int_equal(cpu->tlb_state, TLB_STATE_OK);
    assert_true(cpu_mask_has(&world->other.cpus, 0));
    assert_false(cpu_mask_has(&world->mm.cpus, 0));
    world_expect_reason(world, FLUSH_ON_TASK_SWITCH, 1, 1, 0);
    world_expect_reasons(world, 1);
    assert_int_equal(world_held(world, 0, 9), 1); /* the global one stays */
}

static void back_from_lazy_to_the_same_mm_costs_nothing(void **state)
{
    struct world *world = *state;
    struct cpu *cpu = world_cpu(world, 0);

    world_fill_all(world, 8);
    world_make_lazy(world, 0);
    assert_int_equal(cpu->tlb_state, TLB_STATE_LAZY);
    assert_true(cpu_mask_has(&world->mm.cpus, 0));
    assert_int_equal(world_held(world, 0, 8), 8);
    assert_int_equal(cpu->system->protocol->switch_mm(cpu, &world->mm), 0);
    assert_int_equal(cpu->tlb_state, TLB_STATE_OK);
    assert_int_equal(world_held(world, 0, 8), 8);
    world_expect_reasons(world, 0);
}

static void back_to_an_mm_that_was_left_loads_it_again(void **state)
{
    struct world *world = *state;
    struct cpu *cpu = world_cpu(world, 0);

    world_make_lazy(world, 0);
    assert_int_equal(mmusim__linux_4_6_leave_mm(cpu),
                     cpu->system->cost.cr3_write_cycles);
    assert_int_equal(cpu->mmu.root.v, world->small->init_mm.root.v);
    assert_int_equal(cpu->system->protocol->switch_mm(cpu, &world->mm),
                     cpu->system->cost.cr3_write_cycles);
    assert_true(cpu_mask_has(&world->mm.cpus, 0));
    assert_int_equal(cpu->mmu.root.v, world->mm.root.v);
    world_expect_reason(world, FLUSH_ON_TASK_SWITCH, 2, 2, 0);
}

static void leaving_twice_does_nothing_the_second_time(void **state)
{
    struct world *world = *state;

    world_make_lazy(world, 0);
    mmusim__linux_4_6_leave_mm(world_cpu(world, 0));
    assert_int_equal(mmusim__linux_4_6_leave_mm(world_cpu(world, 0)), 0);
    world_expect_reason(world, FLUSH_ON_TASK_SWITCH, 1, 1, 0);
}

/* From lazy in one mm to a user thread of another. */
static void from_lazy_to_another_mm_clears_the_bit_in_the_first(void **state)
{
    struct world *world = *state;
    struct cpu *cpu = world_cpu(world, 0);

    world_make_lazy(world, 0);
    cpu->system->protocol->switch_mm(cpu, &world->other);
    assert_false(cpu_mask_has(&world->mm.cpus, 0));
    assert_true(cpu_mask_has(&world->other.cpus, 0));
    assert_int_equal(cpu->tlb_state, TLB_STATE_OK);
}

static void misses_after_each_kind_of_flush_are_told_apart(void **state)
{
    struct world *world = *state;
    struct mmu *mmu = &world_cpu(world, 0)->mmu;
    uint32_t id = mmusim__translation_begin(world->small->translations);
    const struct mmu_fill fill = {.vaddr = LINUX_VADDR,
                                  .data = tlb_data((pfn_t){7}, TLB_READ),
                                  .translation_id = id,
                                  .kinds = 1U << ACCESS_LOAD};

    mmusim__mmu_fill(mmu, &fill);
    world_flush_own(world, 1);
    assert_int_equal(mmusim__miss_log_cause(mmu->log, id), MISS_PAGE_FLUSH);
    mmusim__mmu_fill(mmu, &fill);
    mmusim__linux_4_6_flush_tlb_mm(world_cpu(world, 0), &world->mm);
    assert_int_equal(mmusim__miss_log_cause(mmu->log, id), MISS_FULL_FLUSH);
    mmusim__mmu_fill(mmu, &fill);
    world_cpu(world, 0)->system->protocol->switch_mm(world_cpu(world, 0),
                                                     &world->other);
    assert_int_equal(mmusim__miss_log_cause(mmu->log, id), MISS_SWITCH);
}

/* ---- what it costs ---- */

static void the_sender_s_time_adds_up_from_the_configured_costs(void **state)
{
    struct world *world = *state;
    const struct system *system = &world->small->system;
    const struct cpu *cpu = world_cpu(world, 0);

    cpu_mask_clear(&world->mm.cpus, 2);
    world_flush_own(world, 3);
    assert_int_equal(cpu->cycles[BUCKET_FLUSH_LOCAL],
                     system->cost.flush_call_cycles +
                         3 * system->cost.invlpg_cycles);
    assert_int_equal(cpu->cycles[BUCKET_IPI_SEND],
                     system->ipi.enqueue_cycles + system->ipi.send_cycles);
    assert_int_equal(cpu->cycles[BUCKET_IPI_WAIT],
                     system->ipi.latency_socket_cycles +
                         system->ipi.entry_cycles + system->ipi.handler_cycles +
                         3 * system->cost.invlpg_cycles +
                         system->ipi.ack_socket_cycles);
}

static void a_full_flush_costs_one_cr3_write_here_and_there(void **state)
{
    struct world *world = *state;
    const struct system *system = &world->small->system;

    world_flush_own(world, 34);
    assert_int_equal(world_cpu(world, 0)->cycles[BUCKET_FLUSH_LOCAL],
                     system->cost.flush_call_cycles +
                         system->cost.cr3_write_cycles);
    assert_int_equal(world_cpu(world, 1)->cycles[BUCKET_IPI_HANDLER],
                     system->ipi.entry_cycles + system->ipi.handler_cycles +
                         system->cost.cr3_write_cycles +
                         system->ipi.exit_cycles);
}

static void flush_all_uses_invpcid_where_the_machine_has_it(void **state)
{
    struct world *world = *state;
    struct system *system = &world->small->system;

    world_run(world, world_flush_all, NULL);
    assert_int_equal(world_cpu(world, 0)->cycles[BUCKET_FLUSH_LOCAL],
                     system->cost.flush_call_cycles +
                         system->cost.invpcid_cycles);
}

static void flush_all_toggles_pge_where_it_does_not(void **state)
{
    struct world *world = *state;
    struct system *system = &world->small->system;

    system->has_invpcid = false;
    world_run(world, world_flush_all, NULL);
    assert_int_equal(world_cpu(world, 0)->cycles[BUCKET_FLUSH_LOCAL],
                     system->cost.flush_call_cycles +
                         system->cost.global_flush_cycles);
}

#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(switching_loads_the_next_mm_and_moves_the_mask_bit),
        T(back_from_lazy_to_the_same_mm_costs_nothing),
        T(back_to_an_mm_that_was_left_loads_it_again),
        T(leaving_twice_does_nothing_the_second_time),
        T(from_lazy_to_another_mm_clears_the_bit_in_the_first),
        T(misses_after_each_kind_of_flush_are_told_apart),
        T(the_sender_s_time_adds_up_from_the_configured_costs),
        T(a_full_flush_costs_one_cr3_write_here_and_there),
        T(flush_all_uses_invpcid_where_the_machine_has_it),
        T(flush_all_toggles_pge_where_it_does_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
