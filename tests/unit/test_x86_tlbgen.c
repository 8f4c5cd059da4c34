/* SPDX-License-Identifier: MIT */
/*
 * linux-4.20 and linux-6.14: generations, PCID slots, lazy CPUs, masks,
 * counters. Expectations are the rules of arch/x86/mm/tlb.c of those versions
 * (docs/protocols/linux-4.20.md, linux-6.14.md), worked out by hand.
 */
#include "support/tlbgen_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const versions[] = {"linux-4.20", "linux-4.20-fixed",
                                       "linux-6.14", "linux-6.14-fixed"};

enum { N_VERSIONS = 4, FIRST_6_14 = 2 };

static bool is_6_14(uint32_t version)
{
    return version >= FIRST_6_14;
}

/* ---- flush_tlb_func: what a request does by generations ---- */

enum outcome { NOTHING, TRACED_ZERO, PARTIAL, FULL };

static const struct {
    uint64_t local, new, mm;
    bool is_all;
    enum outcome in_4_20, in_6_14;
    uint64_t after; /* the slot's generation; in 6.14, too */
} generations[] = {
    {1, 2, 2, false, PARTIAL, PARTIAL, 2},
    {1, 3, 3, false, FULL, FULL, 3},
    {3, 2, 3, false, TRACED_ZERO, NOTHING, 3},
    {1, 2, 3, false, FULL, FULL, 3},
    {2, 2, 3, false, FULL, NOTHING, 3}, /* 6.0: stays at 2 */
    {1, 0, 2, true, FULL, FULL, 2},     /* B27 swallowed this one */
    {5, 6, 6, true, FULL, FULL, 6},
    {6, 6, 6, false, TRACED_ZERO, NOTHING, 6},
    {6, 0, 6, true, TRACED_ZERO, TRACED_ZERO, 6},
};

static void expect_outcome(struct gen_world *world, enum outcome outcome)
{
    switch (outcome) {
    case NOTHING:
        gen_expect_events(world, 0);
        assert_int_equal(gen_held(world, 1, 4), 4);
        break;
    case TRACED_ZERO:
        gen_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 1, 0, 0);
        assert_int_equal(gen_held(world, 1, 4), 4);
        break;
    case PARTIAL:
        gen_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 1, 0, 2);
        assert_int_equal(gen_held(world, 1, 4), 2);
        break;
    case FULL:
        gen_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 1, 1, 0);
        assert_int_equal(gen_held(world, 1, 4), 0);
        break;
    }
}

static void try_generations(uint32_t version, size_t row)
{
    struct gen_world *world = gen_create(versions[version], true);
    struct address_space *mm = &world->mm[0];
    struct tlbgen_cpu *state = gen_state(world, 1);
    enum outcome outcome =
        is_6_14(version) ? generations[row].in_6_14 : generations[row].in_4_20;
    bool stays = outcome == NOTHING;
    uint64_t local = generations[row].local;
    const struct flush_request request = {
        .mm = generations[row].new ? mm : NULL,
        .start = GEN_VADDR,
        .end = generations[row].is_all ? FLUSH_END_ALL
                                       : GEN_VADDR + 2 * BASE_PAGE_BYTES,
        .new_gen = generations[row].new};

    gen_fill(world, 1, 4);
    mm->x86.tlb_gen = generations[row].mm;
    state->ctxs[state->loaded_asid].tlb_gen = local;
    mmusim__tlbgen_flush_func(gen_cpu(world, 1), &request);
    expect_outcome(world, outcome);
    assert_int_equal(state->ctxs[state->loaded_asid].tlb_gen,
                     stays ? local : generations[row].after);
    gen_destroy(world);
}

static void requests_do_what_their_generation_asks_for(void **state)
{
    (void) state;
    for (uint32_t version = 0; version < N_VERSIONS; version++) {
        for (size_t i = 0; i < sizeof(generations) / sizeof(generations[0]);
             i++)
            try_generations(version, i);
    }
}

/* ---- choose_new_asid ---- */

static void slots_are_given_in_turn_from_1_on(void **state)
{
    static const uint16_t slots[] = {1, 2, 3, 4, 5, 0, 1, 2};
    struct gen_world *world = gen_create("linux-6.14", true);
    struct cpu *cpu = gen_cpu(world, 4);

    (void) state;
    for (uint32_t i = 0; i < 8; i++) {
        gen_run(world, 4, &world->mm[i]);
        assert_int_equal(gen_state(world, 4)->loaded_asid, slots[i]);
        assert_int_equal(cpu->mmu.context.asid, slots[i] + 1);
        assert_int_equal(cpu->mmu.root.v, world->mm[i].root.v);
    }
    gen_expect_reason(world, FLUSH_ON_TASK_SWITCH, 8, 8, 0);
    gen_destroy(world);
}

static void an_mm_comes_back_to_its_slot_and_entries(void **state)
{
    struct gen_world *world = gen_create("linux-6.14", true);
    struct cpu *cpu = gen_cpu(world, 4);
    const struct cost_config *cost = &world->small->system.cost;

    (void) state;
    for (uint32_t i = 2; i < 5; i++)
        gen_run(world, 4, &world->mm[i]);
    gen_fill(world, 4, 3);
    gen_run(world, 4, &world->mm[2]);
    assert_int_equal(gen_held(world, 4, 3), 0);
    gen_forget(world);
    assert_int_equal(cpu->system->protocol->switch_mm(cpu, &world->mm[4]),
                     cost->cr3_noflush_cycles);
    assert_int_equal(gen_state(world, 4)->loaded_asid, 3);
    assert_int_equal(gen_held(world, 4, 3), 3);
    gen_expect_reason(world, FLUSH_ON_TASK_SWITCH, 1, 0, 0);
    gen_run(world, 4, &world->mm[2]);
    world->mm[4].x86.tlb_gen++; /* a flush elsewhere */
    assert_int_equal(cpu->system->protocol->switch_mm(cpu, &world->mm[4]),
                     cost->cr3_write_cycles);
    assert_int_equal(gen_held(world, 4, 3), 0);
    gen_destroy(world);
}

static void without_pcids_every_switch_flushes(void **state)
{
    struct gen_world *world = gen_create("linux-4.20", false);

    (void) state;
    gen_run(world, 4, &world->mm[2]);
    gen_run(world, 4, &world->mm[3]);
    gen_fill(world, 4, 3);
    gen_run(world, 4, &world->mm[2]);
    gen_run(world, 4, &world->mm[3]);
    assert_int_equal(gen_held(world, 4, 3), 0);
    assert_int_equal(gen_cpu(world, 4)->mmu.context.asid, 0);
    gen_expect_reason(world, FLUSH_ON_TASK_SWITCH, 4, 4, 0);
    gen_destroy(world);
}

static void a_thread_of_the_same_process_costs_nothing(void **state)
{
    struct gen_world *world = gen_create("linux-6.14", true);
    struct cpu *cpu = gen_cpu(world, 0);

    (void) state;
    world->mm[0].x86.tlb_gen++;
    assert_int_equal(cpu->system->protocol->switch_mm(cpu, &world->mm[0]), 0);
    gen_expect_events(world, 0);
    gen_destroy(world);
}

/* ---- masks ---- */

static void the_mask_is_left_at_the_switch_or_later(void **state)
{
    (void) state;
    for (uint32_t version = 0; version < N_VERSIONS; version++) {
        struct gen_world *world = gen_create(versions[version], true);

        gen_run(world, 1, &world->mm[1]);
        assert_int_equal(cpu_mask_has(&world->mm[0].cpus, 1), is_6_14(version));
        assert_true(cpu_mask_has(&world->mm[1].cpus, 1));
        gen_run(world, 1, &world->small->init_mm);
        assert_false(cpu_mask_has(&world->small->init_mm.cpus, 1));
        gen_destroy(world);
    }
}

/* 6.14: with page tables everybody in the mask is called; who has another mm
 * takes itself out. */
static void the_wrong_cpu_takes_itself_out_of_the_mask(void **state)
{
    struct gen_world *world = gen_create("linux-6.14", true);

    (void) state;
    gen_run(world, 1, &world->mm[1]);
    gen_forget(world);
    gen_gather(world, &world->mm[0], 2, true);
    gen_expect_reason(world, FLUSH_REMOTE_WRONG_CPU, 1, 0, 0);
    gen_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 1, 0, 2);
    gen_expect_vmstat(world, 1, 2, 0, 2); /* counted before the test */
    assert_false(cpu_mask_has(&world->mm[0].cpus, 1));
    assert_true(cpu_mask_has(&world->mm[0].cpus, 2));
    gen_destroy(world);
}

/* Without page tables it is not called, but once in a second. */
static void the_mask_is_trimmed_once_a_second(void **state)
{
    struct gen_world *world = gen_create("linux-6.14", true);
    const struct system *system = &world->small->system;
    uint64_t second = system->jiffy_cycles * system->jiffies_per_second;

    (void) state;
    gen_run(world, 1, &world->mm[1]);
    gen_forget(world);
    gen_page(world, &world->mm[0]);
    assert_true(cpu_mask_has(&world->mm[0].cpus, 1));
    gen_expect_reason(world, FLUSH_REMOTE_WRONG_CPU, 0, 0, 0);
    assert_int_equal(system->shootdowns.targets, 1);
    small_busy(world->small, 0, 2 * second, BUCKET_BASE);
    gen_page(world, &world->mm[0]);
    assert_false(cpu_mask_has(&world->mm[0].cpus, 1));
    gen_expect_reason(world, FLUSH_REMOTE_WRONG_CPU, 1, 0, 0);
    gen_destroy(world);
}

/* ---- lazy CPUs ---- */

static void lazy_cpus_are_called_only_if_tables_go(void **state)
{
    (void) state;
    for (uint32_t version = 0; version < N_VERSIONS; version++) {
        struct gen_world *world = gen_create(versions[version], true);

        gen_idle(world, 1);
        gen_fill(world, 1, 4);
        gen_page(world, &world->mm[0]);
        assert_int_equal(world->small->system.shootdowns.targets, 1);
        assert_int_equal(gen_held(world, 1, 4), 4);
        gen_gather(world, &world->mm[0], 1, true);
        assert_int_equal(world->small->system.shootdowns.targets, 3);
        assert_ptr_equal(gen_cpu(world, 1)->loaded, &world->small->init_mm);
        gen_destroy(world);
    }
}

/* flush_tlb_range() and flush_tlb_mm() say that tables may go. */
static void act_range(struct cpu *cpu, void *context)
{
    struct flush_span span =
        flush_span_of(GEN_VADDR, GEN_VADDR + BASE_PAGE_BYTES);

    mmusim__flush_range(cpu, context, &span);
}

static void a_range_wakes_lazy_cpus(void **state)
{
    struct gen_world *world = gen_create("linux-6.14", true);

    (void) state;
    gen_idle(world, 1);
    gen_do(world, act_range, &world->mm[0]);
    assert_int_equal(world->small->system.shootdowns.targets, 2);
    gen_expect_reason(world, FLUSH_ON_TASK_SWITCH, 1, 0, 0); /* to init_mm */
    gen_destroy(world);
}

static void back_from_lazy_flushes_if_a_flush_was_missed(void **state)
{
    (void) state;
    for (uint32_t version = 0; version < N_VERSIONS; version++) {
        struct gen_world *world = gen_create(versions[version], true);

        gen_fill(world, 1, 4);
        gen_idle(world, 1);
        gen_run(world, 1, &world->mm[0]);
        assert_int_equal(gen_held(world, 1, 4), 4);
        gen_expect_events(world, 0);
        gen_idle(world, 1);
        gen_page(world, &world->mm[0]);
        gen_forget(world);
        gen_run(world, 1, &world->mm[0]);
        assert_int_equal(gen_held(world, 1, 4), 0);
        gen_expect_reason(world, FLUSH_ON_TASK_SWITCH, 1, 1, 0);
        gen_expect_events(world, 1);
        gen_destroy(world);
    }
}

/* ---- counters of whole flushes ---- */

/* Two others and here. 4.20 runs the remote function here, too, unless tables
 * go (on_each_cpu_cond_mask), and finds nothing to do. */
static void a_page_is_counted_as_each_version_does(void **state)
{
    (void) state;
    for (uint32_t version = 0; version < N_VERSIONS; version++) {
        struct gen_world *world = gen_create(versions[version], true);
        uint64_t extra = !is_6_14(version);

        for (uint32_t id = 0; id < 3; id++)
            gen_fill(world, id, 3);
        gen_page(world, &world->mm[0]);
        gen_expect_vmstat(world, 1, 2 + extra, 0, 1);
        gen_expect_reason(world, FLUSH_REMOTE_SEND_IPI, 1, 0, 1);
        gen_expect_reason(world, FLUSH_LOCAL_MM_SHOOTDOWN, 1, 0, 1);
        gen_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 2 + extra, 0, 2);
        for (uint32_t id = 0; id < 3; id++)
            assert_int_equal(gen_held(world, id, 3), 2);
        gen_gather(world, &world->mm[0], 1, true);
        gen_expect_vmstat(world, 2, 4 + extra, 0, 2);
        gen_destroy(world);
    }
}

static void the_ceiling_is_strict(void **state)
{
    static const uint64_t cases[][3] = {
        {33, 33, 33}, {33, 34, FLUSH_ALL_PAGES}, {0, 1, FLUSH_ALL_PAGES},
        {1, 1, 1},    {1, 2, FLUSH_ALL_PAGES},
    };

    (void) state;
    for (uint32_t i = 0; i < 5 * N_VERSIONS; i++) {
        struct gen_world *world = gen_create(versions[i / 5], true);
        const uint64_t *at = cases[i % 5];
        bool is_full = at[2] == FLUSH_ALL_PAGES;

        world->small->system.flush_ceiling_pages = at[0];
        gen_gather(world, &world->mm[0], at[1], true);
        gen_expect_reason(world, FLUSH_LOCAL_MM_SHOOTDOWN, 1, is_full,
                          is_full ? 0 : at[2]);
        gen_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 2, 2 * is_full,
                          is_full ? 0 : 2 * at[2]);
        gen_destroy(world);
    }
}

static void act_huge(struct cpu *cpu, void *context)
{
    struct flush_span span =
        flush_span_of(GEN_VADDR, GEN_VADDR + (UINT64_C(33) << 21));

    span.stride_order = PAGE_ORDER_2M;
    span.is_hugetlb = true;
    mmusim__flush_range(cpu, context, &span);
}

static void huge_pages_are_counted_in_their_own_size(void **state)
{
    struct gen_world *world = gen_create("linux-4.20", true);

    (void) state;
    gen_do(world, act_huge, &world->mm[0]);
    gen_expect_reason(world, FLUSH_LOCAL_MM_SHOOTDOWN, 1, 0, 33);
    gen_expect_vmstat(world, 1, 2, 0, 33);
    /* The sender's event counts in 4 KiB. */
    gen_expect_reason(world, FLUSH_REMOTE_SEND_IPI, 1, 0, 33 * 512);
    gen_destroy(world);
}

/* An mm that is not loaded here: the range stays a range. */
static void a_foreign_mm_is_flushed_by_range(void **state)
{
    struct gen_world *world = gen_create("linux-4.20", true);

    (void) state;
    gen_gather(world, &world->mm[1], 2, false);
    gen_expect_vmstat(world, 1, 1, 0, 0);
    gen_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 1, 0, 2);
    gen_expect_reason(world, FLUSH_LOCAL_MM_SHOOTDOWN, 0, 0, 0);
    gen_destroy(world);
}

static void act_kernel(struct cpu *cpu, void *context)
{
    const uint64_t *bytes = context;

    mmusim__flush_kernel_range(cpu, GEN_VADDR, GEN_VADDR + *bytes);
}

static void kernel_ranges_are_measured_in_bytes(void **state)
{
    static const uint64_t fits = 33 * BASE_PAGE_BYTES;
    static const uint64_t more = 33 * BASE_PAGE_BYTES + 1;

    (void) state;
    for (uint32_t version = 0; version < N_VERSIONS; version++) {
        struct gen_world *world = gen_create(versions[version], true);

        gen_do(world, act_kernel, (void *) &fits);
        gen_expect_vmstat(world, 0, 0, 0, 33 * 8); /* on each of 8 CPUs */
        gen_do(world, act_kernel, (void *) &more);
        gen_expect_vmstat(world, 0, 8, 0, 33 * 8);
        gen_expect_events(world, 0);
        gen_destroy(world);
    }
}

static void act_all(struct cpu *cpu, void *context)
{
    (void) context;
    mmusim__flush_all(cpu);
}

static void flush_all_leaves_lazy_cpus_their_mm(void **state)
{
    struct gen_world *world = gen_create("linux-4.20", true);

    (void) state;
    gen_idle(world, 1);
    gen_fill(world, 1, 2);
    gen_do(world, act_all, NULL);
    gen_expect_vmstat(world, 1, 8, 0, 0);
    assert_int_equal(gen_held(world, 1, 2), 0);
    assert_ptr_equal(gen_cpu(world, 1)->loaded, &world->mm[0]);
    gen_destroy(world);
}

/* ---- batched unmapping ---- */

static void act_batch(struct cpu *cpu, void *context)
{
    struct gen_world *world = context;

    assert_true(mmusim__flush_batch_defers(cpu, &world->mm[0]));
    assert_true(mmusim__flush_batch_defers(cpu, &world->mm[1]));
    assert_false(mmusim__flush_batch_defers(cpu, &world->mm[2]));
    mmusim__flush_batch_add(cpu, &world->mm[0], GEN_VADDR, 0);
    mmusim__flush_batch_add(cpu, &world->mm[1], GEN_VADDR, 0);
    mmusim__flush_batch(cpu);
}

static void a_batch_is_one_full_flush_of_all_its_cpus(void **state)
{
    (void) state;
    for (uint32_t version = 0; version < N_VERSIONS; version++) {
        struct gen_world *world = gen_create(versions[version], true);
        uint64_t extra = !is_6_14(version);

        world->small->system.has_batched_unmap = true;
        for (uint32_t id = 0; id < 4; id++)
            gen_fill(world, id, 2);
        gen_do(world, act_batch, world);
        gen_expect_vmstat(world, 1, 3 + extra, 1, 0);
        gen_expect_reason(world, FLUSH_LOCAL_SHOOTDOWN, 1, 1, 0);
        gen_expect_reason(world, FLUSH_REMOTE_SHOOTDOWN, 3 + extra, 3, 0);
        for (uint32_t id = 0; id < 4; id++)
            assert_int_equal(gen_held(world, id, 2), 0);
        assert_int_equal(world->mm[0].x86.tlb_gen, 1);
        gen_destroy(world);
    }
}

/* ---- time: here and there at once, or one after the other ---- */

static uint64_t cycles_of_page(const char *protocol)
{
    struct gen_world *world = gen_create(protocol, true);
    uint64_t cycles;

    gen_page(world, &world->mm[0]);
    assert_int_equal(world->small->system.shootdowns.completed, 1);
    cycles = gen_cpu(world, 0)->cycles[BUCKET_IPI_WAIT];
    gen_destroy(world);
    return cycles;
}

/* From 5.13 on the INVLPG here runs while the interrupts travel. */
static void from_5_13_on_the_local_flush_hides_in_the_wait(void **state)
{
    struct small_options options;

    (void) state;
    small_options_init(&options);
    assert_int_equal(cycles_of_page("linux-4.20") -
                         cycles_of_page("linux-6.14"),
                     options.cost.invlpg_cycles);
}

/* ---- B25: the window between the generation and CR3 ---- */

struct race {
    struct gen_world *world;
    uint32_t held_after; /* of CPU 1, when the flush is complete */
};

static void act_switch(struct cpu *cpu, void *context)
{
    struct race *race = context;

    cpu->masks_interrupts = true;
    cpu->is_kernel_thread = false;
    mmusim__flush_switch_mm(cpu, &race->world->mm[0], BUCKET_SWITCH);
}

static void act_unmask(struct cpu *cpu, void *context)
{
    (void) context;
    cpu->masks_interrupts = false;
    mmusim__cpu_busy(cpu, 1, BUCKET_BASE);
}

static void act_flush(struct cpu *cpu, void *context)
{
    struct race *race = context;

    mmusim__flush_page(cpu, &race->world->mm[0], GEN_VADDR, 0);
}

static void act_look(struct cpu *cpu, void *context)
{
    struct race *race = context;

    race->held_after = gen_held(race->world, 1, 1);
    mmusim__cpu_busy(cpu, 1, BUCKET_BASE);
}

/* CPU 1 comes back to mm[0], whose entries it has kept, at cycle 1000; CPU 0
 * flushes a page of it `after` cycles later. What does CPU 1 have at the end of
 * that flush? */
static uint32_t stale_entries(const char *protocol, uint64_t after)
{
    struct gen_world *world = gen_create(protocol, true);
    struct race race = {.world = world};
    struct small_system *small = world->small;
    const struct cost_config *cost = &small->system.cost;

    gen_fill(world, 1, 1);
    gen_run(world, 1, &world->mm[1]);
    small_busy(small, 1, 1000, BUCKET_BASE);
    small_do(small, 1, act_switch, &race);
    small_do(small, 1, act_unmask, NULL);
    small_busy(small, 0, 1000 + after - cost->flush_call_cycles, BUCKET_BASE);
    small_do(small, 0, act_flush, &race);
    small_do(small, 0, act_look, &race);
    small_run(small);
    gen_destroy(world);
    return race.held_after;
}

static void b25_a_switching_cpu_misses_the_flush_in_6_14(void **state)
{
    struct small_options options;
    uint32_t n_stale = 0;

    (void) state;
    small_options_init(&options);
    for (uint64_t after = 0; after < 400; after += 7) {
        n_stale += stale_entries("linux-6.14", after);
        assert_int_equal(stale_entries("linux-6.14-fixed", after), 0);
        assert_int_equal(stale_entries("linux-4.20", after), 0);
    }
    assert_true(n_stale > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_do_what_their_generation_asks_for),
        cmocka_unit_test(slots_are_given_in_turn_from_1_on),
        cmocka_unit_test(an_mm_comes_back_to_its_slot_and_entries),
        cmocka_unit_test(without_pcids_every_switch_flushes),
        cmocka_unit_test(a_thread_of_the_same_process_costs_nothing),
        cmocka_unit_test(the_mask_is_left_at_the_switch_or_later),
        cmocka_unit_test(the_wrong_cpu_takes_itself_out_of_the_mask),
        cmocka_unit_test(the_mask_is_trimmed_once_a_second),
        cmocka_unit_test(lazy_cpus_are_called_only_if_tables_go),
        cmocka_unit_test(a_range_wakes_lazy_cpus),
        cmocka_unit_test(back_from_lazy_flushes_if_a_flush_was_missed),
        cmocka_unit_test(a_page_is_counted_as_each_version_does),
        cmocka_unit_test(the_ceiling_is_strict),
        cmocka_unit_test(huge_pages_are_counted_in_their_own_size),
        cmocka_unit_test(a_foreign_mm_is_flushed_by_range),
        cmocka_unit_test(kernel_ranges_are_measured_in_bytes),
        cmocka_unit_test(flush_all_leaves_lazy_cpus_their_mm),
        cmocka_unit_test(a_batch_is_one_full_flush_of_all_its_cpus),
        cmocka_unit_test(from_5_13_on_the_local_flush_hides_in_the_wait),
        cmocka_unit_test(b25_a_switching_cpu_misses_the_flush_in_6_14),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
