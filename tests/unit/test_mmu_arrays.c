/* SPDX-License-Identifier: MIT */
/* What the MMU makes of arrays that probe page sizes in turn and of arrays that
 * hold few contexts (test_tlb_organisation.c has the arrays alone). */
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define VADDR UINT64_C(0x00007f1234567000)

enum { PROBE_CYCLES = 19 };

static int teardown(void **state)
{
    small_destroy(*state);
    return 0;
}

static int setup_serial(void **state)
{
    struct small_options options;

    small_options_init(&options);
    options.tlb[TLB_L2].arrays[0].probe_cycles = PROBE_CYCLES;
    *state = small_create(&options);
    return 0;
}

static int setup_bounded(void **state)
{
    struct small_options options;

    small_options_init(&options);
    options.tlb[TLB_L1D].arrays[0].max_contexts = 1;
    options.tlb[TLB_L1I].arrays[0].max_contexts = 1;
    options.tlb[TLB_L2].arrays[0].max_contexts = 2;
    *state = small_create(&options);
    return 0;
}

static struct mmu *mmu_of(struct small_system *small)
{
    return &small->system.cpus[0].mmu;
}

static void a_miss_has_probed_every_size_before_it_walks(void **state)
{
    struct small_system *small = *state;
    const struct small_options *options = &small->options;

    small_map_user(small, mmu_of(small)->root, VADDR, 0);
    assert_int_equal(small_walk(small, 0, ACCESS_LOAD, VADDR), WALK_FILLED);
    assert_int_equal(small_walk_cycles(small, 0),
                     options->walker.start_cycles + 2 * PROBE_CYCLES +
                         4 * options->memory.fixed_cycles);
}

static void a_hit_has_probed_the_smaller_sizes_before(void **state)
{
    struct small_system *small = *state;
    struct mmu *mmu = mmu_of(small);

    for (uint32_t level = 0; level < 3; level++) {
        uint64_t vaddr = VADDR + ((uint64_t) level << 39);
        uint32_t cycles = 0;
        tlb_data_t data;

        small_map_user(small, mmu->root, vaddr, level);
        small_walk(small, 0, ACCESS_LOAD, vaddr);
        assert_true(
            mmusim__mmu_l2_lookup(mmu, ACCESS_LOAD, vaddr, &data, &cycles));
        assert_int_equal(cycles,
                         small->options.tlb[TLB_L2].arrays[0].hit_cycles +
                             level * PROBE_CYCLES);
    }
}

static uint32_t fill(struct small_system *small, uint16_t asid)
{
    struct mmu_fill fill = {
        .vaddr = VADDR,
        .tags = asid,
        .data = tlb_data((pfn_t){7}, TLB_READ),
        .translation_id = mmusim__translation_begin(small->translations),
        .kinds = 1 << ACCESS_LOAD,
    };

    mmusim__mmu_set_asid(mmu_of(small), asid);
    mmusim__mmu_fill(mmu_of(small), &fill);
    return fill.translation_id;
}

static uint32_t n_held(struct small_system *small, enum tlb_level level)
{
    return mmu_of(small)->tlb[level].arrays[0]->n_valid;
}

static void a_context_load_takes_the_oldest_ones_place(void **state)
{
    struct small_system *small = *state;
    struct mmu *mmu = mmu_of(small);
    uint32_t first = fill(small, 1), second = fill(small, 2);

    /* Loading the second emptied the L1 of the first, the L2 takes both. */
    assert_int_equal(n_held(small, TLB_L1D), 1);
    assert_int_equal(n_held(small, TLB_L2), 2);
    mmusim__mmu_set_asid(mmu, 3);
    assert_int_equal(n_held(small, TLB_L1D), 0);
    assert_int_equal(n_held(small, TLB_L2), 1);
    assert_int_equal(mmusim__miss_log_cause(mmu->log, first), MISS_ASID);
    mmusim__mmu_set_asid(mmu, 1);
    assert_int_equal(n_held(small, TLB_L2), 0);
    assert_int_equal(mmusim__miss_log_cause(mmu->log, second), MISS_ASID);
}

static void loading_the_same_context_again_keeps_its_entries(void **state)
{
    struct small_system *small = *state;

    fill(small, 1);
    mmusim__mmu_set_asid(mmu_of(small), 1);
    assert_int_equal(n_held(small, TLB_L1D), 1);
    assert_int_equal(n_held(small, TLB_L2), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_miss_has_probed_every_size_before_it_walks, setup_serial,
            teardown),
        cmocka_unit_test_setup_teardown(
            a_hit_has_probed_the_smaller_sizes_before, setup_serial, teardown),
        cmocka_unit_test_setup_teardown(
            a_context_load_takes_the_oldest_ones_place, setup_bounded,
            teardown),
        cmocka_unit_test_setup_teardown(
            loading_the_same_context_again_keeps_its_entries, setup_bounded,
            teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
