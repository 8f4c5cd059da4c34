/* SPDX-License-Identifier: MIT */
/* The memory hierarchy: who serves a read, at what cost, and who sees it. */
#include "core/arena.h"
#include "tlb/mem_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct memory_config hierarchy = {
    .model = MEMORY_HIERARCHY,
    .fixed_cycles = 999,
    .l1d = {.size_bytes = 4096, .n_ways = 4, .hit_cycles = 5},
    .l2 = {.size_bytes = 16384, .n_ways = 8, .hit_cycles = 14},
    .llc = {.size_bytes = 65536, .n_ways = 16, .hit_cycles = 50},
    .dram_cycles = 300,
    .remote_dram_cycles = 120,
};
/* CPUs 0 1 | 2 3, and their second threads 4 5 | 6 7. */
static const struct mem_topology topology = {2, 2, 2};

static struct arena arena;
static struct mem_model model;

static int setup(void **state)
{
    (void) state;
    mmusim__arena_init(&arena);
    return mmusim__mem_init(&model, &hierarchy, &topology, &arena);
}

static int teardown(void **state)
{
    (void) state;
    mmusim__arena_fini(&arena);
    return 0;
}

static uint32_t read_cycles(uint32_t cpu, uint64_t paddr)
{
    return mmusim__mem_read_cycles(&model, cpu, paddr, 0);
}

static void read_costs_what_the_level_that_has_the_line_costs(void **state)
{
    (void) state;
    assert_int_equal(read_cycles(0, 0x10000), hierarchy.dram_cycles);
    assert_int_equal(read_cycles(0, 0x10038), hierarchy.l1d.hit_cycles);
    assert_int_equal(read_cycles(0, 0x10040), hierarchy.dram_cycles);
    /* 16 sets of 4: four more lines of the set push the first out. */
    for (uint64_t i = 1; i <= 4; i++)
        read_cycles(0, 0x10000 + i * 16 * 64);
    assert_int_equal(read_cycles(0, 0x10000), hierarchy.l2.hit_cycles);
    assert_int_equal(read_cycles(0, 0x10000), hierarchy.l1d.hit_cycles);
    assert_int_equal(read_cycles(1, 0x10000), hierarchy.llc.hit_cycles);
    assert_int_equal(read_cycles(1, 0x10000), hierarchy.l1d.hit_cycles);
}

static void frame_of_another_socket_costs_more(void **state)
{
    (void) state;
    assert_int_equal(mmusim__mem_read_cycles(&model, 0, 0x5000, 1),
                     hierarchy.dram_cycles + hierarchy.remote_dram_cycles);
    assert_int_equal(mmusim__mem_read_cycles(&model, 2, 0x5000, 1),
                     hierarchy.dram_cycles);
    assert_int_equal(mmusim__mem_counters(&model, 0).remote_dram_reads, 1);
    assert_int_equal(mmusim__mem_counters(&model, 2).remote_dram_reads, 0);
}

static void second_threads_belong_to_the_socket_of_their_core(void **state)
{
    static const uint32_t sockets[] = {0, 0, 1, 1, 0, 0, 1, 1};

    (void) state;
    for (uint32_t cpu = 0; cpu < 8; cpu++)
        assert_int_equal(model.cpus[cpu].socket, sockets[cpu]);
    read_cycles(0, 0x5000);
    assert_int_equal(read_cycles(5, 0x5000), hierarchy.llc.hit_cycles);
    assert_int_equal(mmusim__mem_read_cycles(&model, 6, 0x5000, 1),
                     hierarchy.dram_cycles);
}

static void pair_prefetch_brings_the_other_line_of_128_bytes(void **state)
{
    (void) state;
    model.config.has_pair_prefetch = true;
    assert_int_equal(read_cycles(0, 0x6040), hierarchy.dram_cycles);
    assert_int_equal(read_cycles(1, 0x6000), hierarchy.llc.hit_cycles);
    assert_int_equal(read_cycles(0, 0x6000), hierarchy.l2.hit_cycles);
    assert_int_equal(read_cycles(0, 0x6080), hierarchy.dram_cycles);
    model.config.has_pair_prefetch = false;
    assert_int_equal(read_cycles(0, 0x8040), hierarchy.dram_cycles);
    assert_int_equal(read_cycles(0, 0x8000), hierarchy.dram_cycles);
}

/* Six lines of one set of the L1D, which has four ways, one of another: the
 * first of both are in L2 alone. */
static void l2_hits_in_a_set_being_filled_wait_their_turn(void **state)
{
    enum { FILL = 3, SET_BYTES = 1024, NOW = 1000 };
    uint64_t now = NOW;
    uint32_t cycles;

    (void) state;
    model.config.l1d_fill_cycles = FILL;
    for (uint64_t i = 0; i < 6; i++)
        mmusim__mem_shared_read(&model, 0, 0x100000 + i * SET_BYTES, 0);
    for (uint64_t i = 0; i < 5; i++)
        mmusim__mem_shared_read(&model, 0, 0x100040 + i * SET_BYTES, 0);
    assert_true(mmusim__mem_private_hit(&model, 0, 0x100000, now, &cycles));
    assert_int_equal(cycles, hierarchy.l2.hit_cycles);
    now += cycles;
    assert_true(mmusim__mem_private_hit(&model, 0, 0x100400, now, &cycles));
    assert_int_equal(cycles, hierarchy.l2.hit_cycles + FILL);
    now += cycles + FILL - 1;
    assert_true(mmusim__mem_private_hit(&model, 0, 0x100800, now, &cycles));
    assert_int_equal(cycles, hierarchy.l2.hit_cycles + 1);
    now += cycles;
    assert_true(mmusim__mem_private_hit(&model, 0, 0x100040, now, &cycles));
    assert_int_equal(cycles, hierarchy.l2.hit_cycles);
}

static void write_makes_private_copies_of_other_cpus_stale(void **state)
{
    (void) state;
    read_cycles(0, 0x7000);
    read_cycles(1, 0x7000);
    read_cycles(2, 0x7000);
    mmusim__mem_write_line(&model, 0, 0x7008);
    assert_int_equal(read_cycles(0, 0x7000), hierarchy.l1d.hit_cycles);
    assert_int_equal(read_cycles(1, 0x7000), hierarchy.llc.hit_cycles);
    assert_int_equal(read_cycles(1, 0x7000), hierarchy.l1d.hit_cycles);
    assert_int_equal(mmusim__mem_read_cycles(&model, 2, 0x7000, 1),
                     hierarchy.dram_cycles);
}

static void write_leaves_other_lines_alone(void **state)
{
    (void) state;
    read_cycles(1, 0x7000);
    read_cycles(1, 0x7040);
    mmusim__mem_write_line(&model, 0, 0x7000);
    assert_int_equal(read_cycles(1, 0x7040), hierarchy.l1d.hit_cycles);
}

static void private_hit_that_misses_changes_and_counts_nothing(void **state)
{
    static const struct mem_counters zero;
    struct mem_counters counters;
    uint32_t cycles = 77;

    (void) state;
    for (int i = 0; i < 2; i++)
        assert_false(mmusim__mem_private_hit(&model, 3, 0x9000, 0, &cycles));
    counters = mmusim__mem_counters(&model, 3);
    assert_memory_equal(&counters, &zero, sizeof(zero));
    assert_int_equal(cycles, 77);
    assert_int_equal(mmusim__mem_shared_read(&model, 3, 0x9000, 1),
                     hierarchy.dram_cycles);
    assert_true(mmusim__mem_private_hit(&model, 3, 0x9000, 0, &cycles));
    assert_int_equal(cycles, hierarchy.l1d.hit_cycles);
}

/* Else private hits could not run ahead of other CPUs' page-table writes. */
static void private_hits_of_data_do_not_depend_on_other_cpus(void **state)
{
    uint32_t cycles;

    (void) state;
    mmusim__mem_shared_read(&model, 0, 0x9000, 0);
    mmusim__mem_write_line(&model, 1, 0x9000);
    assert_true(mmusim__mem_private_hit(&model, 0, 0x9000, 0, &cycles));
}

static void counters_of_each_level_add_up(void **state)
{
    struct mem_counters c;

    (void) state;
    for (uint64_t i = 0; i < 3000; i++)
        read_cycles(0, i * i % 1777 * 64);
    c = mmusim__mem_counters(&model, 0);
    assert_true(c.l1d_hits && c.l2_hits && c.llc_hits && c.llc_misses);
    assert_int_equal(c.l1d_hits + c.l1d_misses, 3000);
    assert_int_equal(c.l2_hits + c.l2_misses, c.l1d_misses);
    assert_int_equal(c.llc_hits + c.llc_misses, c.l2_misses);
    assert_int_equal(c.dram_reads, c.llc_misses);
}

static void fixed_model_takes_its_time_and_no_memory(void **state)
{
    struct memory_config config = hierarchy;
    struct mem_model fixed;
    uint32_t cycles;

    (void) state;
    config.model = MEMORY_FIXED;
    arena.fail_after = 0;
    assert_int_equal(mmusim__mem_init(&fixed, &config, &topology, &arena),
                     MMUSIM_OK);
    mmusim__mem_write_line(&fixed, 0, 0);
    assert_int_equal(mmusim__mem_read_cycles(&fixed, 7, 64, 1), 999);
    assert_true(mmusim__mem_private_hit(&fixed, 7, 64, 0, &cycles));
    assert_int_equal(cycles, 0);
    assert_int_equal(mmusim__mem_shared_read(&fixed, 7, 64, 1), 0);
    assert_int_equal(mmusim__mem_counters(&fixed, 7).dram_reads, 0);
}

static void absent_levels_are_passed_and_count_nothing(void **state)
{
    struct memory_config config = hierarchy;
    struct mem_counters c;

    (void) state;
    config.l2 = config.llc = (struct cache_config){0};
    assert_int_equal(mmusim__mem_init(&model, &config, &topology, &arena),
                     MMUSIM_OK);
    assert_int_equal(read_cycles(0, 0x4000), config.dram_cycles);
    assert_int_equal(read_cycles(0, 0x4000), config.l1d.hit_cycles);
    c = mmusim__mem_counters(&model, 0);
    assert_int_equal(c.l2_misses + c.llc_misses, 0);
    assert_int_equal(c.dram_reads, 1);
}

static void impossible_cache_is_named(void **state)
{
    struct memory_config config = hierarchy;
    const char *key = NULL;

    (void) state;
    assert_null(mmusim__mem_refuses(&config, &key));
    config.l2.n_ways = 7;
    assert_non_null(mmusim__mem_refuses(&config, &key));
    assert_string_equal(key, "l2");
    assert_int_equal(mmusim__mem_init(&model, &config, &topology, &arena),
                     MMUSIM_CONFIG);
}

static void init_without_memory_leaves_the_model_untouched(void **state)
{
    struct mem_model before = {.n_cpus = 1234};
    mmusim_status_t status = MMUSIM_NOMEM;
    int64_t n_allowed = 0;

    (void) state;
    for (; status; n_allowed++) {
        model = before;
        arena.fail_after = n_allowed;
        status = mmusim__mem_init(&model, &hierarchy, &topology, &arena);
        if (!status)
            break;
        assert_int_equal(status, MMUSIM_NOMEM);
        assert_memory_equal(&model, &before, sizeof(before));
    }
    assert_int_equal(n_allowed, 3 + 2 + 2 * 8); /* LLCs, L1D and L2 of CPUs */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(read_costs_what_the_level_that_has_the_line_costs),
        TEST(frame_of_another_socket_costs_more),
        TEST(second_threads_belong_to_the_socket_of_their_core),
        TEST(l2_hits_in_a_set_being_filled_wait_their_turn),
        TEST(pair_prefetch_brings_the_other_line_of_128_bytes),
        TEST(write_makes_private_copies_of_other_cpus_stale),
        TEST(write_leaves_other_lines_alone),
        TEST(private_hit_that_misses_changes_and_counts_nothing),
        TEST(private_hits_of_data_do_not_depend_on_other_cpus),
        TEST(counters_of_each_level_add_up),
        TEST(fixed_model_takes_its_time_and_no_memory),
        TEST(absent_levels_are_passed_and_count_nothing),
        TEST(impossible_cache_is_named),
        TEST(init_without_memory_leaves_the_model_untouched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
