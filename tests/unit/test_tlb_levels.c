/* SPDX-License-Identifier: MIT */
/* Which TLB level serves which access: closed forms on whole runs. */
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { BASE = 0x10000000 };

static int setup(void **state)
{
    *state = run_fixture_create(1);
    return 0;
}

/* One fully associative LRU array of 4K pages. */
static void one_array(struct machine_config *config, enum tlb_level level,
                      uint32_t n_entries, uint32_t hit_cycles)
{
    struct tlb_array_config *array = &config->tlb[level].arrays[0];

    config->tlb[level].n_arrays = 1;
    array->n_entries = array->n_ways = n_entries;
    array->n_orders = 1;
    array->orders[0] = 0;
    array->hit_cycles = hit_cycles;
}

static void split_l2(struct machine_config *config)
{
    config->tlb[TLB_L2].n_arrays = 0;
    one_array(config, TLB_L2I, 64, 0);
    one_array(config, TLB_L2D, 64, 0);
}

static void map(struct run_fixture *fixture)
{
    program_say(fixture->program, "1 mmap 0x%x 0x40000 rwx\n", BASE);
}

/* Pages in turn, some rounds. */
static void touch(struct run_fixture *fixture, char kind, uint32_t n_pages,
                  uint32_t n_rounds)
{
    for (uint32_t i = 0; i < n_pages * n_rounds; i++)
        program_say(fixture->program, "1 %c 0x%x\n", kind,
                    BASE + i % n_pages * BASE_PAGE_BYTES);
}

static void stores_and_loads_miss_each_in_their_own_l1(void **state)
{
    struct run_fixture *fixture = *state;

    one_array(&fixture->config, TLB_L1D, 16, 0);
    one_array(&fixture->config, TLB_L1S, 8, 0);
    map(fixture);
    touch(fixture, 'w', 8, 3);
    touch(fixture, 'r', 8, 3);
    run_fixture_run(fixture);
    assert_int_equal(run_stat(&fixture->run, "l1s.accesses"), 24);
    assert_int_equal(run_stat(&fixture->run, "l1s.misses"), 8);
    assert_int_equal(run_stat(&fixture->run, "l1d.accesses"), 24);
    assert_int_equal(run_stat(&fixture->run, "l1d.misses"), 8);
    assert_int_equal(run_stat(&fixture->run, "l2.hits"), 8); /* the loads */
}

/* LRU and a cycle of one page more than there is room for. */
static void one_page_too_many_for_stores_leaves_loads_alone(void **state)
{
    struct run_fixture *fixture = *state;

    one_array(&fixture->config, TLB_L1D, 16, 0);
    one_array(&fixture->config, TLB_L1S, 8, 0);
    map(fixture);
    touch(fixture, 'w', 9, 3);
    touch(fixture, 'r', 9, 3);
    run_fixture_run(fixture);
    assert_int_equal(run_stat(&fixture->run, "l1s.misses"), 27);
    assert_int_equal(run_stat(&fixture->run, "l1s.evictions"), 27 - 8);
    assert_int_equal(run_stat(&fixture->run, "l1d.misses"), 9);
}

static void an_l1s_hit_takes_its_own_time(void **state)
{
    struct run_fixture *fixture = *state;

    one_array(&fixture->config, TLB_L1D, 16, 0);
    one_array(&fixture->config, TLB_L1S, 8, 3);
    map(fixture);
    touch(fixture, 'w', 8, 3);
    touch(fixture, 'r', 8, 3);
    run_fixture_run(fixture);
    assert_int_equal(run_stat(&fixture->run, "cycles.l1_tlb"), 24 * 3);
}

static void split_second_levels_share_nothing(void **state)
{
    struct run_fixture *fixture = *state;

    split_l2(&fixture->config);
    one_array(&fixture->config, TLB_L1D, 4, 0);
    one_array(&fixture->config, TLB_L1I, 4, 0);
    map(fixture);
    touch(fixture, 'r', 8, 2);
    touch(fixture, 'i', 8, 2);
    run_fixture_run(fixture);
    assert_int_equal(run_stat(&fixture->run, "l2d.accesses"), 16);
    assert_int_equal(run_stat(&fixture->run, "l2d.misses"), 8);
    assert_int_equal(run_stat(&fixture->run, "l2i.accesses"), 16);
    assert_int_equal(run_stat(&fixture->run, "l2i.misses"), 8);
}

/* peers.md, V4: only the L1's time was charged on an L2 hit. */
static void pitfall_v4_an_l2_hit_costs_its_time(void **state)
{
    struct run_fixture *fixture = *state;

    split_l2(&fixture->config);
    fixture->config.tlb[TLB_L2D].arrays[0].hit_cycles = 7;
    one_array(&fixture->config, TLB_L1D, 4, 0);
    map(fixture);
    touch(fixture, 'r', 8, 3);
    run_fixture_run(fixture);
    assert_int_equal(run_stat(&fixture->run, "l2d.hits"), 16);
    assert_int_equal(run_stat(&fixture->run, "cycles.l2_tlb"), 16 * 7);
}

/* ---- what the second level holds ---- */

/* Fully associative LRU arrays of 8 and 16 entries. */
static void two_levels(struct run_fixture *fixture, const char *fill)
{
    one_array(&fixture->config, TLB_L1D, 8, 0);
    one_array(&fixture->config, TLB_L2, 16, 0);
    strcpy(fixture->config.tlb_fill.l2, fill);
    map(fixture);
}

/* Pages in turn: an LRU list of n entries hits all of n pages, none of n + 1.
 * Levels that hold different entries are one list of both lengths. */
static void exclusive_levels_hold_the_sum_of_their_entries(void **state)
{
    struct run_fixture *fixture = *state;

    two_levels(fixture, "exclusive");
    touch(fixture, 'w', 24, 4);
    run_fixture_run(fixture);
    assert_int_equal(run_stat(&fixture->run, "llt.misses"), 24);
    assert_int_equal(run_stat(&fixture->run, "l2.hits"), 3 * 24);
}

static void exclusive_levels_hold_no_more_than_their_sum(void **state)
{
    struct run_fixture *fixture = *state;

    two_levels(fixture, "exclusive");
    touch(fixture, 'w', 25, 4);
    run_fixture_run(fixture);
    assert_int_equal(run_stat(&fixture->run, "llt.misses"), 4 * 25);
}

static void an_inclusive_level_holds_all(void **state)
{
    struct run_fixture *fixture = *state;

    two_levels(fixture, "inclusive");
    touch(fixture, 'w', 16, 4);
    run_fixture_run(fixture);
    assert_int_equal(run_stat(&fixture->run, "llt.misses"), 16);
}

/* The page of the first access stays in the L1 by its hits, which the L2 does
 * not see: 16 others push it out of the L2, and so out of the L1. */
static void what_an_inclusive_level_loses_is_lost_above(void **state)
{
    struct run_fixture *fixture = *state;

    two_levels(fixture, "inclusive");
    for (uint32_t i = 0; i < 16; i++)
        program_say(fixture->program, "1 w 0x%x\n1 w 0x%x\n", BASE,
                    BASE + (1 + i) * BASE_PAGE_BYTES);
    program_say(fixture->program, "1 w 0x%x\n", BASE);
    run_fixture_run(fixture);
    assert_int_equal(run_stat(&fixture->run, "llt.misses"), 18);
    assert_int_equal(run_stat(&fixture->run, "miss.other"), 1);
}

static void on_intel_it_stays_above(void **state)
{
    struct run_fixture *fixture = *state;

    two_levels(fixture, "intel");
    for (uint32_t i = 0; i < 16; i++)
        program_say(fixture->program, "1 w 0x%x\n1 w 0x%x\n", BASE,
                    BASE + (1 + i) * BASE_PAGE_BYTES);
    program_say(fixture->program, "1 w 0x%x\n", BASE);
    run_fixture_run(fixture);
    assert_int_equal(run_stat(&fixture->run, "llt.misses"), 17);
}

/* Walks do not fill it, so that it is empty until the L1 loses an entry. */
static void a_victim_level_holds_victims_alone(void **state)
{
    struct run_fixture *fixture = *state;

    two_levels(fixture, "victim");
    touch(fixture, 'w', 8, 4);
    run_fixture_run(fixture);
    assert_int_equal(
        fixture->run.machine->system.cpus[0].mmu.tlb[TLB_L2].arrays[0]->n_valid,
        0);
}

static void a_victim_level_catches_what_the_first_loses(void **state)
{
    struct run_fixture *fixture = *state;

    two_levels(fixture, "victim");
    touch(fixture, 'w', 16, 4);
    run_fixture_run(fixture);
    assert_int_equal(run_stat(&fixture->run, "llt.misses"), 16);
    assert_int_equal(run_stat(&fixture->run, "l2.hits"), 3 * 16);
}

/* ---- ports and miss registers ---- */

/* Two loads a cycle and one port: of eight, four wait; four rounds, the first
 * of which begins with a miss. */
static void accesses_beyond_the_ports_wait_a_cycle(void **state)
{
    struct run_fixture *fixture = *state;

    fixture->config.tlb_limits[TLB_L1D].n_ports = 1;
    map(fixture);
    for (uint32_t round = 0; round < 4; round++) {
        for (uint32_t i = 0; i < 8; i++)
            program_say(fixture->program, "1 r 0x%x\n", BASE);
        program_say(fixture->program, "1 n 2000\n");
    }
    run_fixture_run(fixture);
    assert_in_range(run_stat(&fixture->run, "cycles.l1_tlb"), 4 * 4 - 1, 4 * 4);
}

static uint64_t walk_cycles_of(uint32_t n_mshrs, enum tlb_level level)
{
    struct run_fixture *fixture = run_fixture_create(1);
    uint64_t cycles;

    fixture->config.core.window = 64;
    fixture->config.walker.count = 4;
    fixture->config.tlb_limits[level].n_mshrs = n_mshrs;
    one_array(&fixture->config, TLB_L1D, 4, 0);
    one_array(&fixture->config, TLB_L2, 4, 0);
    map(fixture);
    touch(fixture, 'w', 32, 8);
    run_fixture_run(fixture);
    cycles = run_stat(&fixture->run, "cycles.walk");
    run_fixture_destroy(fixture);
    return cycles;
}

static void one_miss_register_lets_no_misses_overlap(void **state)
{
    (void) state;
    assert_true(walk_cycles_of(1, TLB_L1D) > walk_cycles_of(2, TLB_L1D));
    assert_true(walk_cycles_of(2, TLB_L1D) > walk_cycles_of(0, TLB_L1D));
    assert_true(walk_cycles_of(1, TLB_L2) > walk_cycles_of(0, TLB_L2));
    assert_int_equal(walk_cycles_of(64, TLB_L1D), walk_cycles_of(0, TLB_L1D));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, run_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(stores_and_loads_miss_each_in_their_own_l1),
        TEST(one_page_too_many_for_stores_leaves_loads_alone),
        TEST(an_l1s_hit_takes_its_own_time),
        TEST(split_second_levels_share_nothing),
        TEST(pitfall_v4_an_l2_hit_costs_its_time),
        TEST(accesses_beyond_the_ports_wait_a_cycle),
        cmocka_unit_test(one_miss_register_lets_no_misses_overlap),
        TEST(exclusive_levels_hold_the_sum_of_their_entries),
        TEST(exclusive_levels_hold_no_more_than_their_sum),
        TEST(an_inclusive_level_holds_all),
        TEST(what_an_inclusive_level_loses_is_lost_above),
        TEST(on_intel_it_stays_above),
        TEST(a_victim_level_holds_victims_alone),
        TEST(a_victim_level_catches_what_the_first_loses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
