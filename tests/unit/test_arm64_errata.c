/* SPDX-License-Identifier: MIT */
/* Operations of arm64's kernels that are done twice: for cores whose DSB is too
 * early (ARM64_WORKAROUND_REPEAT_TLBI), and for two ASIDs (KPTI). Rules of
 * docs/protocols/linux-arm64.md. */
#include "coherence/asid_alloc.h"
#include "support/arm_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PAGE = 4096 };

static struct arm_world *world_of(const char *kernel, uint32_t features)
{
    const struct arm_world_options options = {
        .kernel = kernel, .features = features, .granule_bytes = PAGE};

    return arm_world_create(&options);
}

struct look {
    struct arm_world *world;
    bool is_there;
};

static void look(struct cpu *cpu, void *context)
{
    struct look *at = context;

    (void) cpu;
    at->is_there = arm_holds(at->world, 1, ARM_VADDR, 0);
}

struct flaw {
    const char *kernel;
    bool is_flawed, repeats;
    uint32_t n_pages;
    uint64_t n_ops;
    bool is_stale; /* CPU 1 when CPU 0 has done */
};

/* A DSB that waits for nothing, and what REPEAT_TLBI does about it: each
 * operation twice, from 7.0 on one more at the end. */
static void b44_repeating_catches_a_dsb_that_is_too_early(void **state)
{
    static const struct flaw flaws[] = {
        {"linux-arm64-6.8", false, false, 3, 3, false},
        {"linux-arm64-6.8", true, false, 3, 3, true},
        {"linux-arm64-6.8", true, true, 3, 6, false},
        {"linux-arm64-6.8", false, true, 1, 2, false},
        {"linux-arm64-7.1", true, false, 3, 3, true},
        {"linux-arm64-7.1", true, true, 3, 4, false},
        {"linux-arm64-7.1", false, true, 1, 2, false},
    };

    (void) state;
    for (size_t i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++) {
        const struct flaw *flaw = &flaws[i];
        struct arm_world *world = world_of(flaw->kernel, 0);
        struct system *system = &world->small->system;
        struct look at = {world, false};
        struct arm_order flush = {
            world, ARM_FLUSH_RANGE,
            flush_span_of(ARM_VADDR, ARM_VADDR + flaw->n_pages * PAGE), 0};

        system->broadcast.early_syncs_per_million =
            flaw->is_flawed ? 1000000 : 0;
        system->broadcast.latency_socket_cycles = 5000;
        system->arm_errata.repeats_tlbi = flaw->repeats;
        arm_fill(world, 1, ARM_VADDR, 0);
        arm_do(&flush, 0);
        small_do(world->small, 0, look, &at);
        small_run(world->small);
        assert_int_equal(arm_n_ops(world), flaw->n_ops);
        assert_int_equal(at.is_there, flaw->is_stale);
        assert_false(arm_holds(world, 1, ARM_VADDR, 0));
        arm_world_destroy(world);
    }
}

static void repeating_kernels_batch_from_7_0_on(void **state)
{
    static const char *const kernels[] = {"linux-arm64-6.8", "linux-arm64-7.1"};

    (void) state;
    for (uint32_t i = 0; i < 4; i++) {
        struct arm_world *world = world_of(kernels[i / 2], 0);
        const struct cpu *cpu = arm_cpu(world, 0);

        world->small->system.arm_errata.repeats_tlbi = i % 2;
        assert_int_equal(cpu->system->protocol->batch_defers(cpu, &world->mm),
                         i != 1);
        arm_world_destroy(world);
    }
}

/* KPTI: every operation on a space's entries for the kernel's ASID and for the
 * user's; not those that name no ASID. */
static void pti_doubles_the_operations_of_a_space(void **state)
{
    static const struct {
        enum arm_deed deed;
        uint64_t n_ops;
    } cases[] = {{ARM_FLUSH_RANGE, 6},  {ARM_FLUSH_GATHER, 6},
                 {ARM_FLUSH_PAGE, 2},   {ARM_BATCH_ADD, 2},
                 {ARM_FLUSH_KERNEL, 3}, {ARM_FLUSH_ALL, 1}};

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct arm_world_options options = {.kernel = "linux-arm64-7.1",
                                                  .granule_bytes = PAGE,
                                                  .has_pti = true};
        struct arm_world *world = arm_world_create(&options);
        struct flush_span span = flush_span_of(ARM_VADDR, ARM_VADDR + 3 * PAGE);

        assert_int_equal(asid_of(world->mm.context_id) % 2, 0);
        assert_int_equal(arm_cpu(world, 1)->mmu.context.asid % 2, 1);
        arm_fill(world, 1, ARM_VADDR, 0);
        arm_run(world, cases[i].deed, &span);
        assert_int_equal(arm_n_ops(world), cases[i].n_ops);
        assert_false(arm_holds(world, 1, ARM_VADDR, 0));
        arm_world_destroy(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(b44_repeating_catches_a_dsb_that_is_too_early),
        cmocka_unit_test(repeating_kernels_batch_from_7_0_on),
        cmocka_unit_test(pti_doubles_the_operations_of_a_space),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
