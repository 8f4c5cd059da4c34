/* SPDX-License-Identifier: MIT */
/*
 * Page-table isolation on x86: PCIDs in pairs, CR3 at every entry and return,
 * what a flush does to the user's half. The rules are those of Linux
 * arch/x86/entry/calling.h and arch/x86/mm/tlb.c, worked out by hand.
 */
#include "coherence/pti.h"
#include "support/machine_run.h"
#include "support/tlbgen_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WHO = 1, N_PAGES = 4 }; /* the CPU looked at, what it holds */

static struct gen_world *create(bool has_pcid, bool has_invpcid)
{
    struct gen_world *world = gen_create("linux-6.14", has_pcid);

    world->small->system.has_pti = world->small->system.swaps_cr3 = true;
    world->small->system.has_invpcid = has_invpcid;
    assert_true(mmusim__pti_settle(gen_cpu(world, WHO)));
    gen_fill(world, WHO, N_PAGES);
    return world;
}

static uint16_t pcid(struct gen_world *world)
{
    return gen_cpu(world, WHO)->mmu.context.asid;
}

static void enter(struct gen_world *world)
{
    gen_cpu(world, WHO)->entry_cycles = 0;
    mmusim__pti_enter(gen_cpu(world, WHO));
}

/* Returns; how many pages does user code find? */
static uint32_t held_after_return(struct gen_world *world)
{
    assert_true(mmusim__pti_settle(gen_cpu(world, WHO)));
    return gen_held(world, WHO, N_PAGES);
}

/* flush_tlb_func() of the next generation; all: of the whole mm. */
static uint32_t flush(struct gen_world *world, bool is_all)
{
    struct address_space *mm = &world->mm[0];
    const struct flush_request request = {
        .mm = mm,
        .start = GEN_VADDR,
        .end = is_all ? FLUSH_END_ALL : GEN_VADDR + 2 * BASE_PAGE_BYTES,
        .new_gen = ++mm->x86.tlb_gen};

    return mmusim__tlbgen_flush_func(gen_cpu(world, WHO), &request);
}

static void each_slot_is_two_pcids_and_both_are_kept(void **state)
{
    struct gen_world *world = create(true, true);
    uint16_t slot = gen_state(world, WHO)->loaded_asid;

    (void) state;
    assert_int_equal(pcid(world), (slot + 1) | 2048);
    enter(world);
    assert_int_equal(pcid(world), slot + 1);
    assert_int_equal(gen_held(world, WHO, N_PAGES), 0);
    assert_int_equal(gen_cpu(world, WHO)->entry_cycles,
                     world->small->system.cost.cr3_noflush_cycles);
    enter(world); /* it is there */
    assert_int_equal(gen_cpu(world, WHO)->entry_cycles, 0);
    assert_int_equal(held_after_return(world), N_PAGES);
    assert_false(mmusim__pti_settle(gen_cpu(world, WHO)));
    gen_destroy(world);
}

static void without_pcids_every_write_of_cr3_flushes(void **state)
{
    struct gen_world *world = create(false, false);

    (void) state;
    enter(world);
    assert_int_equal(gen_cpu(world, WHO)->entry_cycles,
                     world->small->system.cost.cr3_write_cycles);
    assert_int_equal(held_after_return(world), 0);
    gen_destroy(world);
}

static void invpcid_drops_a_users_pages_at_once(void **state)
{
    struct gen_world *world = create(true, true);
    const struct cost_config *cost = &world->small->system.cost;

    (void) state;
    enter(world);
    assert_int_equal(flush(world, false),
                     2 * (cost->invlpg_cycles + cost->invpcid_cycles));
    assert_int_equal(gen_state(world, WHO)->user_flush_mask, 0);
    assert_int_equal(held_after_return(world), N_PAGES - 2);
    gen_destroy(world);
}

static void without_it_the_users_pcid_goes_at_the_return_once(void **state)
{
    struct gen_world *world = create(true, false);
    uint16_t slot = gen_state(world, WHO)->loaded_asid;

    (void) state;
    enter(world);
    assert_int_equal(flush(world, false),
                     2 * world->small->system.cost.invlpg_cycles);
    assert_int_equal(gen_state(world, WHO)->user_flush_mask, 1U << slot);
    assert_int_equal(held_after_return(world), 0);
    assert_int_equal(gen_state(world, WHO)->user_flush_mask, 0);
    gen_fill(world, WHO, N_PAGES);
    enter(world);
    assert_int_equal(held_after_return(world), N_PAGES);
    gen_destroy(world);
}

static void a_full_flush_reaches_the_user_at_the_return(void **state)
{
    struct gen_world *world = create(true, true);
    uint16_t slot = gen_state(world, WHO)->loaded_asid;

    (void) state;
    enter(world);
    assert_int_equal(flush(world, true),
                     world->small->system.cost.cr3_write_cycles);
    assert_int_equal(gen_state(world, WHO)->user_flush_mask, 1U << slot);
    assert_int_equal(held_after_return(world), 0);
    gen_destroy(world);
}

static void a_slot_that_is_given_away_is_flushed_for_the_user(void **state)
{
    struct gen_world *world = create(true, true);

    (void) state;
    for (uint32_t i = 1; i <= TLBGEN_SLOTS; i++) { /* all slots, then this */
        enter(world);
        gen_run(world, WHO, &world->mm[i]);
        assert_int_equal(held_after_return(world), 0);
    }
    gen_destroy(world);
}

/* invalidate_other, clear_asid_other() */
static void a_kernel_page_makes_other_slots_start_anew(void **state)
{
    struct gen_world *world = create(true, true);
    struct cpu *cpu = gen_cpu(world, WHO);

    (void) state;
    enter(world);
    gen_run(world, WHO, &world->mm[1]);
    gen_run(world, WHO, &world->mm[0]); /* still there */
    assert_int_equal(held_after_return(world), N_PAGES);
    enter(world);
    gen_run(world, WHO, &world->mm[1]);
    mmusim__pti_drop_others(cpu);
    gen_run(world, WHO, &world->mm[0]);
    assert_int_equal(held_after_return(world), 0);
    gen_destroy(world);
}

static void a_fault_drops_the_users_entry(void **state)
{
    struct gen_world *world = create(true, true);
    uint16_t kernel;

    (void) state;
    enter(world);
    kernel = pcid(world);
    mmusim__pti_page_fault(gen_cpu(world, WHO), GEN_VADDR);
    assert_int_equal(pcid(world), kernel);
    assert_int_equal(held_after_return(world), N_PAGES - 1);
    gen_destroy(world);
}

/* ---- whole machines ---- */

static uint64_t cycles_of(uint32_t n_calls, bool has_pti)
{
    struct run_fixture *f = run_fixture_create(1);
    uint64_t cycles;

    f->config.os.has_protocol = true;
    strcpy(f->config.os.protocol, "linux-6.14");
    f->config.os.has_pti = has_pti;
    f->config.cost.cr3_noflush_cycles = 1000;
    program_say(f->program, "1 mmap 0x10000 0x1000 rw-\n1 w 0x10000\n");
    for (uint32_t i = 0; i < n_calls; i++)
        program_say(f->program, "1 syscall\n1 w 0x10000\n");
    run_fixture_run(f);
    cycles = run_stat(&f->run, "sim.cycles");
    run_fixture_destroy(f);
    return cycles;
}

static void each_call_costs_two_writes_of_cr3_more(void **state)
{
    uint64_t with = cycles_of(30, true) - cycles_of(10, true);
    uint64_t without = cycles_of(30, false) - cycles_of(10, false);

    (void) state;
    assert_int_equal(with - without, 20 * 2 * 1000);
}

static uint64_t broadcasts(bool has_pti)
{
    struct run_fixture *f = run_fixture_create(5);
    uint64_t n;

    f->config.os.has_protocol = f->config.os.has_pcid = true;
    strcpy(f->config.os.protocol, "linux-7.1");
    strcpy(f->config.fabric, "invlpgb");
    f->config.os.global_asid_samples_log2 = 0;
    f->config.os.has_pti = has_pti;
    program_say(f->program, "1 mmap 0x10000 0x9000 rw-\n1 clone 2\n1 clone 3\n"
                            "1 clone 4\n1 clone 5\n");
    for (uint32_t tid = 2; tid <= 5; tid++)
        program_say(f->program, "%u r 0x10000\n%u n 9000000\n%u r 0x10000\n",
                    tid, tid, tid);
    program_say(f->program, "1 n 900000\n");
    for (uint32_t i = 1; i < 9; i++)
        program_say(f->program, "1 w 0x%x000\n1 munmap 0x%x000 0x1000\n",
                    0x10 + i, 0x10 + i);
    run_fixture_run(f);
    n = run_stat(&f->run, "shootdown.broadcasts");
    run_fixture_destroy(f);
    return n;
}

/* B29: user_flush_mask has no bit for a global ASID. */
static void nobody_gets_a_global_asid(void **state)
{
    (void) state;
    assert_true(broadcasts(false) > 0);
    assert_int_equal(broadcasts(true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_slot_is_two_pcids_and_both_are_kept),
        cmocka_unit_test(without_pcids_every_write_of_cr3_flushes),
        cmocka_unit_test(invpcid_drops_a_users_pages_at_once),
        cmocka_unit_test(without_it_the_users_pcid_goes_at_the_return_once),
        cmocka_unit_test(a_full_flush_reaches_the_user_at_the_return),
        cmocka_unit_test(a_slot_that_is_given_away_is_flushed_for_the_user),
        cmocka_unit_test(a_kernel_page_makes_other_slots_start_anew),
        cmocka_unit_test(a_fault_drops_the_users_entry),
        cmocka_unit_test(each_call_costs_two_writes_of_cr3_more),
        cmocka_unit_test(nobody_gets_a_global_asid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
