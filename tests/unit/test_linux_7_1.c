/* SPDX-License-Identifier: MIT */
/*
 * linux-7.1: INVLPGB, TLBSYNC and global ASIDs, by the rules of
 * docs/protocols/linux-7.1.md. CPUs 0 to 3 run one mm unless a test says
 * otherwise.
 */
#include "support/tlbgen_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FIRST_GLOBAL = 6 };

static struct gen_world *create(const char *protocol, const char *fabric,
                                uint32_t n_active)
{
    struct small_options options;
    struct gen_world *world;

    small_options_init(&options);
    options.has_pcid = true;
    options.fabric = fabric;
    world = gen_create_with(&options, protocol);
    for (uint32_t id = 1; id < 8; id++)
        gen_run(world, id,
                id < n_active ? &world->mm[0] : &world->small->init_mm);
    /* All that a test does is in one tick, unless it waits. */
    world->small->system.jiffy_cycles = 1000000;
    gen_forget(world);
    return world;
}

static const struct tlbgen_global *allocator(struct gen_world *world)
{
    return &tlbgen_of(gen_cpu(world, 0))->global;
}

/* Puts mm[0] under a global ASID and ends the transition. */
static struct gen_world *create_global(void)
{
    struct gen_world *world = create("linux-7.1", "invlpgb", 4);

    gen_page(world, &world->mm[0]); /* earns it */
    gen_page(world, &world->mm[0]); /* finds stragglers, calls them */
    gen_page(world, &world->mm[0]); /* finds none */
    assert_false(world->mm[0].x86.is_in_transition);
    gen_forget(world);
    return world;
}

/* ---- who gets one ---- */

static void four_active_cpus_earn_a_global_asid(void **state)
{
    (void) state;
    for (uint32_t n_active = 2; n_active <= 5; n_active++) {
        struct gen_world *world = create("linux-7.1", "invlpgb", n_active);

        gen_page(world, &world->mm[0]);
        assert_int_equal(world->mm[0].x86.global_asid,
                         n_active >= 4 ? FIRST_GLOBAL : 0);
        assert_int_equal(world->mm[0].x86.is_in_transition, n_active >= 4);
        gen_expect_vmstat(world, 1, n_active - 1, 0, 1);
        gen_destroy(world);
    }
}

static void lazy_cpus_are_not_active(void **state)
{
    struct gen_world *world = create("linux-7.1", "invlpgb", 4);

    (void) state;
    gen_idle(world, 3);
    gen_page(world, &world->mm[0]);
    assert_int_equal(world->mm[0].x86.global_asid, 0);
    gen_destroy(world);
}

/* (pid & 31) == (jiffies & 31) */
static void only_one_tick_in_32_counts(void **state)
{
    (void) state;
    for (uint32_t pid = 0; pid < 64; pid++) {
        struct gen_world *world = create("linux-7.1", "invlpgb", 4);

        gen_cpu(world, 0)->task_id = pid;
        small_busy(world->small, 0, 37 * world->small->system.jiffy_cycles,
                   BUCKET_BASE);
        gen_page(world, &world->mm[0]);
        assert_int_equal(world->mm[0].x86.global_asid,
                         pid % 32 == 37 % 32 ? FIRST_GLOBAL : 0);
        gen_destroy(world);
    }
}

static void without_invlpgb_or_pcids_nobody_gets_one(void **state)
{
    struct gen_world *world = create("linux-7.1", "ipi", 4);

    (void) state;
    gen_page(world, &world->mm[0]);
    assert_int_equal(world->mm[0].x86.global_asid, 0);
    gen_destroy(world);
    world = create("linux-6.14", "invlpgb", 4);
    gen_page(world, &world->mm[0]);
    assert_int_equal(world->mm[0].x86.global_asid, 0);
    assert_int_equal(world->small->system.shootdowns.broadcasts, 0);
    gen_destroy(world);
}

/* ---- the transition ---- */

static void stragglers_are_called_until_there_are_none(void **state)
{
    struct gen_world *world = create("linux-7.1", "invlpgb", 4);
    const struct shootdown_counters *counters =
        &world->small->system.shootdowns;

    (void) state;
    gen_page(world, &world->mm[0]);
    assert_int_equal(counters->ipis_sent, 3);
    gen_page(world, &world->mm[0]);
    assert_int_equal(counters->ipis_sent, 6);
    for (uint32_t id = 0; id < 4; id++)
        assert_int_equal(gen_state(world, id)->loaded_asid, FIRST_GLOBAL);
    assert_true(world->mm[0].x86.is_in_transition);
    gen_page(world, &world->mm[0]);
    assert_int_equal(counters->ipis_sent, 6);
    assert_false(world->mm[0].x86.is_in_transition);
    gen_destroy(world);
}

/* B29: a request in a transition makes a lazy CPU an active one. */
static void a_lazy_cpu_in_a_transition_stays_lazy_if_fixed(void **state)
{
    (void) state;
    for (uint32_t is_fixed = 0; is_fixed < 2; is_fixed++) {
        struct gen_world *world =
            create(is_fixed ? "linux-7.1-fixed" : "linux-7.1", "invlpgb", 5);
        const struct cpu *lazy = gen_cpu(world, 1);

        gen_idle(world, 1);
        gen_page(world, &world->mm[0]);
        gen_page(world, &world->mm[0]);
        assert_ptr_equal(lazy->loaded,
                         is_fixed ? &world->small->init_mm : &world->mm[0]);
        gen_destroy(world);
    }
}

static void a_thread_switch_moves_on_to_the_global_asid(void **state)
{
    struct gen_world *world = create("linux-7.1", "invlpgb", 4);

    (void) state;
    gen_page(world, &world->mm[0]);
    gen_forget(world);
    gen_run(world, 2, &world->mm[0]); /* another thread of the process */
    assert_int_equal(gen_state(world, 2)->loaded_asid, FIRST_GLOBAL);
    gen_expect_reason(world, FLUSH_ON_TASK_SWITCH, 1, 0, 0);
    gen_run(world, 2, &world->mm[0]);
    gen_expect_events(world, 1);
    gen_destroy(world);
}

/* ---- flushes ---- */

static void a_global_mm_is_flushed_without_interrupts(void **state)
{
    struct gen_world *world = create_global();
    const struct system *system = &world->small->system;

    (void) state;
    for (uint32_t id = 0; id < 4; id++)
        gen_fill(world, id, 20);
    gen_run(world, 3, &world->mm[1]);
    gen_forget(world);
    /* 17 pages: three INVLPGBs of at most 8. */
    gen_gather(world, &world->mm[0], 17, true);
    assert_int_equal(system->shootdowns.broadcasts, 3);
    assert_int_equal(system->shootdowns.ipis_sent, 0);
    gen_run(world, 3, &world->mm[0]); /* never stale: NOFLUSH */
    for (uint32_t id = 0; id < 4; id++)
        assert_int_equal(gen_held(world, id, 20), 3);
    gen_expect_vmstat(world, 0, 0, 0, 0);
    gen_gather(world, &world->mm[0], 34, false); /* over the ceiling: one */
    assert_int_equal(system->shootdowns.broadcasts, 4);
    assert_int_equal(gen_held(world, 2, 20), 0);
    gen_destroy(world);
}

static void other_pcids_keep_their_entries(void **state)
{
    struct gen_world *world = create_global();

    (void) state;
    gen_run(world, 5, &world->mm[1]);
    gen_fill(world, 5, 4);
    gen_gather(world, &world->mm[0], FLUSH_ALL_PAGES, true);
    assert_int_equal(gen_held(world, 5, 4), 4);
    gen_destroy(world);
}

static void act_kernel(struct cpu *cpu, void *context)
{
    const uint64_t *bytes = context;

    mmusim__flush_kernel_range(cpu, GEN_VADDR, GEN_VADDR + *bytes);
}

static void act_all(struct cpu *cpu, void *context)
{
    (void) context;
    mmusim__flush_all(cpu);
}

/* Measured in pages: 33 and a byte are 34 INVLPGs, not everything. */
static void kernel_ranges_are_measured_in_pages(void **state)
{
    static const uint64_t fits = 33 * BASE_PAGE_BYTES + 1;
    static const uint64_t more = 34 * BASE_PAGE_BYTES;
    struct gen_world *world = create("linux-7.1", "ipi", 4);

    (void) state;
    gen_do(world, act_kernel, (void *) &fits);
    gen_expect_vmstat(world, 0, 0, 0, 34 * 8);
    gen_do(world, act_kernel, (void *) &more);
    gen_expect_vmstat(world, 0, 8, 0, 34 * 8);
    gen_destroy(world);
}

static void the_kernel_s_own_is_broadcast(void **state)
{
    static const uint64_t fits = 9 * BASE_PAGE_BYTES;
    struct gen_world *world = create("linux-7.1", "invlpgb", 4);
    const struct shootdown_counters *counters =
        &world->small->system.shootdowns;

    (void) state;
    gen_do(world, act_kernel, (void *) &fits);
    assert_int_equal(counters->broadcasts, 2);
    gen_do(world, act_all, NULL);
    assert_int_equal(counters->broadcasts, 3);
    assert_int_equal(counters->ipis_sent, 0);
    gen_expect_vmstat(world, 1, 0, 0, 0);
    gen_destroy(world);
}

static void act_batch(struct cpu *cpu, void *context)
{
    struct gen_world *world = context;

    mmusim__flush_batch_add(cpu, &world->mm[0], GEN_VADDR, 0);
    mmusim__flush_batch(cpu);
}

static void a_batch_is_one_broadcast(void **state)
{
    struct gen_world *world = create("linux-7.1", "invlpgb", 4);

    (void) state;
    gen_fill(world, 2, 4);
    gen_do(world, act_batch, world);
    assert_int_equal(world->small->system.shootdowns.broadcasts, 1);
    assert_int_equal(world->small->system.shootdowns.ipis_sent, 0);
    assert_int_equal(gen_held(world, 2, 4), 0);
    gen_destroy(world);
}

/* ---- the allocator ---- */

/* Given mm[slot] as if it had earned one. */
static uint16_t earn(struct gen_world *world, uint32_t slot)
{
    struct address_space *mm = &world->mm[slot];

    mm->x86 = (struct x86_context){0};
    for (uint32_t id = 0; id < 4; id++)
        gen_run(world, id, mm);
    gen_page(world, mm);
    return mm->x86.global_asid;
}

static void numbers_rise_and_freed_ones_wait_for_the_reset(void **state)
{
    struct gen_world *world = create("linux-7.1", "invlpgb", 4);
    struct system *system = &world->small->system;

    (void) state;
    assert_int_equal(allocator(world)->n_available, 2039);
    assert_int_equal(earn(world, 0), FIRST_GLOBAL);
    assert_int_equal(earn(world, 1), FIRST_GLOBAL + 1);
    system->protocol->mm_ends(system, &world->mm[0]);
    assert_int_equal(allocator(world)->n_available, 2038);
    assert_int_equal(earn(world, 2), FIRST_GLOBAL + 2);
    gen_destroy(world);
}

static void at_the_end_everything_is_flushed_and_freed_ones_return(void **state)
{
    struct gen_world *world = create("linux-7.1", "invlpgb", 4);
    struct system *system = &world->small->system;
    struct tlbgen *tlbgen = system->protocol_state;

    (void) state;
    assert_int_equal(earn(world, 0), FIRST_GLOBAL);
    assert_int_equal(earn(world, 1), FIRST_GLOBAL + 1);
    system->protocol->mm_ends(system, &world->mm[0]);
    tlbgen->global.last = TLBGEN_ASIDS - 1;
    gen_run(world, 5, &world->mm[3]);
    gen_fill(world, 5, 4);
    gen_forget(world);
    assert_int_equal(earn(world, 2), FIRST_GLOBAL); /* 7 is still used */
    assert_int_equal(gen_held(world, 5, 4), 0);
    assert_int_equal(system->shootdowns.broadcasts, 1);
    gen_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_active_cpus_earn_a_global_asid),
        cmocka_unit_test(lazy_cpus_are_not_active),
        cmocka_unit_test(only_one_tick_in_32_counts),
        cmocka_unit_test(without_invlpgb_or_pcids_nobody_gets_one),
        cmocka_unit_test(stragglers_are_called_until_there_are_none),
        cmocka_unit_test(a_lazy_cpu_in_a_transition_stays_lazy_if_fixed),
        cmocka_unit_test(a_thread_switch_moves_on_to_the_global_asid),
        cmocka_unit_test(a_global_mm_is_flushed_without_interrupts),
        cmocka_unit_test(other_pcids_keep_their_entries),
        cmocka_unit_test(kernel_ranges_are_measured_in_pages),
        cmocka_unit_test(the_kernel_s_own_is_broadcast),
        cmocka_unit_test(a_batch_is_one_broadcast),
        cmocka_unit_test(numbers_rise_and_freed_ones_wait_for_the_reset),
        cmocka_unit_test(
            at_the_end_everything_is_flushed_and_freed_ones_return),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
