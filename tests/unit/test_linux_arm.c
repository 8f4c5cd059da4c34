/* SPDX-License-Identifier: MIT */
/*
 * 32-bit Arm's kernels: no ceiling, what a gather of tables alone does by
 * version, interrupts where nothing is broadcast, erratum 798181. Rules of
 * arch/arm/include/asm/tlb.h, tlbflush.h and kernel/smp_tlb.c.
 */
#include "support/arm_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PAGE = 4096, N_CPUS = 8 };

static struct arm_world *world_of(const char *kernel)
{
    const struct arm_world_options options = {.kernel = kernel};

    return arm_world_create(&options);
}

static void there_is_no_ceiling(void **state)
{
    enum { N = 5000 };
    struct arm_world *world = world_of("linux-arm");
    struct flush_span span = flush_span_of(ARM_VADDR, ARM_VADDR + N * PAGE);

    (void) state;
    arm_run(world, ARM_FLUSH_RANGE, &span);
    assert_int_equal(arm_n_ops(world), N);
    assert_int_equal(arm_cpu(world, 1)->flushes.received_pages, N);
    arm_world_destroy(world);
}

/* shift_arg_pages(): a gather that has seen no area. */
static void a_gather_without_an_area(void **state)
{
    static const struct {
        const char *kernel;
        uint64_t n_ops, n_full, n_pages; /* the last two at another CPU */
    } cases[] = {
        {"linux-arm-2.6.37", 0, 0, 0},       /* B20 */
        {"linux-arm-2.6.37-fixed", 1, 1, 0}, /* flush_tlb_mm() */
        {"linux-arm-2.6.38", 1, 1, 0},
        {"linux-arm-2.6.38-fixed", 1, 1, 0},
        {"linux-arm", 2, 0, 2}, /* the generic gather: its range */
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arm_world *world = world_of(cases[i].kernel);
        struct flush_span span = flush_span_of(ARM_VADDR, ARM_VADDR + 2 * PAGE);

        span.has_no_area = true;
        span.frees_tables = true;
        arm_fill_pointer(world, 1, ARM_VADDR, 0);
        arm_run(world, ARM_FLUSH_GATHER, &span);
        assert_int_equal(arm_n_ops(world), cases[i].n_ops);
        assert_int_equal(arm_cpu(world, 1)->flushes.received_full,
                         cases[i].n_full);
        assert_int_equal(arm_cpu(world, 1)->flushes.received_pages,
                         cases[i].n_pages);
        assert_int_equal(arm_holds_pointer(world, 1, ARM_VADDR, 0), i == 0);
        arm_world_destroy(world);
    }
}

static void without_broadcasts_the_mask_is_interrupted(void **state)
{
    const struct arm_world_options options = {.kernel = "linux-arm",
                                              .cannot_broadcast = true};
    struct arm_world *world = arm_world_create(&options);
    struct flush_span span = flush_span_of(ARM_VADDR, ARM_VADDR + 2 * PAGE);

    (void) state;
    for (uint32_t id = 0; id < 3; id++)
        arm_fill(world, id, ARM_VADDR, 0);
    arm_run(world, ARM_FLUSH_RANGE, &span);
    assert_int_equal(arm_n_ops(world), 0);
    assert_int_equal(world->small->system.shootdowns.ipis_sent, 2);
    for (uint32_t id = 0; id < 3; id++)
        assert_false(arm_holds(world, id, ARM_VADDR, 0));
    arm_world_destroy(world);
}

/* ---- erratum 798181 ---- */

struct erratum_case {
    const char *kernel;
    enum arm_a15 a15;
    enum arm_deed deed;
    uint64_t n_ops, n_interrupts;
};

/* One page, and after it a dummy; CPUs 1 and 2 run the ASID, 3 another, the
 * rest none. */
static void a15_repeats_and_interrupts_who_runs_the_asid(void **state)
{
    static const struct erratum_case cases[] = {
        {"linux-arm", A15_NONE, ARM_FLUSH_PAGE, 1, 0},
        {"linux-arm", A15_PARTIAL, ARM_FLUSH_PAGE, 2, 0},
        {"linux-arm", A15_FULL, ARM_FLUSH_PAGE, 2, 2},
        {"linux-arm", A15_FULL, ARM_FLUSH_KERNEL, 2, N_CPUS - 1},
        {"linux-arm", A15_FULL, ARM_FLUSH_ALL, 2, N_CPUS - 1},
        {"linux-arm-2.6.38", A15_FULL, ARM_FLUSH_PAGE, 1, 0},
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arm_world *world = world_of(cases[i].kernel);
        struct flush_span span = flush_span_of(ARM_VADDR, ARM_VADDR + PAGE);

        world->small->system.arm_errata.a15 = cases[i].a15;
        arm_run(world, cases[i].deed, &span);
        assert_int_equal(arm_n_ops(world), cases[i].n_ops);
        assert_int_equal(world->small->system.shootdowns.ipis_sent,
                         cases[i].n_interrupts);
        arm_world_destroy(world);
    }
}

/* a15_erratum_get_cpumask(): after a rollover a CPU that has not switched
 * since is known by what was reserved for it. */
static void a15_counts_who_ran_the_asid_at_a_rollover(void **state)
{
    enum { N_SPACES = 300 };
    struct arm_world *world = world_of("linux-arm");
    struct flush_span span = flush_span_of(ARM_VADDR, ARM_VADDR + PAGE);
    struct address_space *spaces = calloc(N_SPACES, sizeof(*spaces));
    struct cpu *switcher = arm_cpu(world, 3);

    (void) state;
    assert_non_null(spaces);
    world->small->system.arm_errata.a15 = A15_FULL;
    for (uint32_t i = 0; i < N_SPACES; i++) {
        small_space_init(world->small, &spaces[i], 10 + i);
        switcher->system->protocol->switch_mm(switcher, &spaces[i]);
    }
    arm_run(world, ARM_FLUSH_PAGE, &span);
    assert_int_equal(world->small->system.shootdowns.ipis_sent, 2);
    arm_world_destroy(world);
    free(spaces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_no_ceiling),
        cmocka_unit_test(a_gather_without_an_area),
        cmocka_unit_test(without_broadcasts_the_mask_is_interrupted),
        cmocka_unit_test(a15_repeats_and_interrupts_who_runs_the_asid),
        cmocka_unit_test(a15_counts_who_ran_the_asid_at_a_rollover),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
