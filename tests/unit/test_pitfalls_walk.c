/* SPDX-License-Identifier: MIT */
/*
 * Mistakes found in other simulators' walkers, by their numbers in the list of
 * peers' pitfalls: G of gem5, V of Virtuoso, S of SST, TLBSim. Each test fails
 * if ours makes the mistake. (TLBSim's lost compare-and-exchange is in
 * test_walker_flags.c.)
 */
#include "coherence/x86_ops.h"
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VADDR     UINT64_C(0x00007f1234567000)
#define NEXT_PAGE (VADDR + BASE_PAGE_BYTES)
#define FAR_AWAY  (VADDR ^ UINT64_C(1) << 40)
#define BIT_A     (UINT64_C(1) << 5)
#define BIT_D     (UINT64_C(1) << 6)

static struct small_system *make(void)
{
    struct small_options options;

    small_options_init(&options);
    options.has_pcid = true;
    return small_create(&options);
}

static struct small_system *make_without_psc(void)
{
    struct small_options options;

    small_options_init(&options);
    memset(&options.psc, 0, sizeof(options.psc));
    return small_create(&options);
}

static struct small_system *make_guest(uint32_t page_order)
{
    struct small_options options;

    small_options_init(&options);
    options.stage2 = (struct pt_options){.isa = "x86-64"};
    options.nested.is_populated = true;
    options.nested.page_order = page_order;
    return small_create(&options);
}

static struct mmu *mmu_of(struct small_system *small)
{
    return &small->system.cpus[0].mmu;
}

static void map(struct small_system *small, uint64_t vaddr, uint32_t level)
{
    small_map_user(small, mmu_of(small)->root, vaddr, level);
}

static uint64_t leaf_of(const struct small_system *small, uint32_t level)
{
    return small_entry_paddr(small, small->system.cpus[0].mmu.root, VADDR,
                             level);
}

static uint64_t cold_walk(const struct small_system *small)
{
    return small->options.walker.start_cycles +
           4 * (uint64_t) small->options.memory.fixed_cycles;
}

static const struct tlb_array *l2_of(struct small_system *small)
{
    return mmu_of(small)->tlb[TLB_L2].arrays[0];
}

/* The only entry of the second level. */
static uint64_t only_key(struct small_system *small)
{
    const struct tlb_array *l2 = l2_of(small);
    uint32_t n_slots = (l2->set_mask + 1) * l2->n_ways;

    assert_int_equal(l2->n_valid, 1);
    for (uint32_t slot = 0; slot < n_slots; slot++) {
        if (l2->keys[slot])
            return l2->keys[slot];
    }
    return 0;
}

static void load_pcid_1(struct cpu *cpu, void *context)
{
    (void) context;
    mmusim__x86_mov_cr3(&cpu->mmu, cpu->mmu.root, 1, CR3_NOFLUSH, MISS_SWITCH);
}

static void g1_the_pcid_of_a_fill_is_that_of_the_walks_start(void **state)
{
    struct small_system *small = make();
    struct walk_request request = {.vaddr = VADDR};

    (void) state;
    map(small, VADDR, 0);
    mmusim__walk_ask(mmu_of(small), &request, 0);
    small_busy(small, 0, 1, BUCKET_BASE);
    small_do(small, 0, load_pcid_1, NULL);
    small_run(small);
    assert_int_equal(mmu_of(small)->context.asid, 1);
    assert_int_equal(tlb_key_tag(only_key(small)), 0);
    small_destroy(small);
}

static void g4_accessed_and_dirty_of_a_leaf_are_written(void **state)
{
    struct small_system *small = make();
    uint64_t word;

    (void) state;
    map(small, VADDR, 0);
    word = mmusim__pt_read(small->shared.tables, leaf_of(small, 0));
    mmusim__pt_write(small->shared.tables, leaf_of(small, 0),
                     word & ~(BIT_A | BIT_D));
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    assert_int_equal(mmusim__pt_read(small->shared.tables, leaf_of(small, 0)),
                     (word & ~BIT_D) | BIT_A);
    small_walk(small, 0, ACCESS_STORE, VADDR);
    assert_int_equal(mmusim__pt_read(small->shared.tables, leaf_of(small, 0)),
                     word);
    small_destroy(small);
}

static void g5_a_1g_leaf_is_no_table(void **state)
{
    struct small_system *small = make();

    (void) state;
    map(small, VADDR, 2);
    assert_int_equal(small_walk(small, 0, ACCESS_LOAD, VADDR), WALK_FILLED);
    assert_int_equal(mmu_of(small)->counters.pte_reads, 2);
    assert_int_equal(tlb_key_order(only_key(small)), PAGE_ORDER_1G);
    assert_int_equal(mmu_of(small)->psc.at[1]->n_valid, 0);
    small_destroy(small);
}

static void g6_walks_to_one_page_merge_and_others_run_at_once(void **state)
{
    struct small_system *small = make();
    struct walk_request requests[3] = {
        {.vaddr = VADDR}, {.vaddr = VADDR + 8}, {.vaddr = FAR_AWAY}};

    (void) state;
    map(small, VADDR, 0);
    map(small, FAR_AWAY, 0);
    for (uint32_t i = 0; i < 3; i++)
        mmusim__walk_ask(mmu_of(small), &requests[i], 0);
    small_drain(small);
    assert_int_equal(mmu_of(small)->counters.walks, 2);
    assert_int_equal(mmu_of(small)->counters.merged, 1);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(small->cpus[0].answer_cycles[i], cold_walk(small));
    small_destroy(small);
}

static void invlpg_now(struct cpu *cpu, void *context)
{
    (void) context;
    mmusim__x86_invlpg(&cpu->mmu, VADDR, MISS_PAGE_FLUSH);
}

static void g9_no_stale_fill_follows_a_flush(void **state)
{
    for (uint64_t cycle = 1; cycle < 417; cycle += 13) {
        struct small_system *small = make();
        struct walk_request request = {.vaddr = VADDR};

        map(small, VADDR, 0);
        mmusim__walk_ask(mmu_of(small), &request, 0);
        small_busy(small, 0, cycle, BUCKET_BASE);
        small_do(small, 0, invlpg_now, NULL);
        small_run(small);
        assert_true(cycle < cold_walk(small));
        assert_int_equal(small->cpus[0].outcome, WALK_POISONED);
        assert_int_equal(l2_of(small)->n_valid, 0);
        small_destroy(small);
    }
    (void) state;
}

/* G11: sizes from 2^31 bytes on; S5: addresses beyond 32 bits. */
static void g11_s5_frames_and_sizes_beyond_32_bits_are_whole(void **state)
{
    struct small_system *small = make();
    const struct pt_format *format = small->shared.format;
    pfn_t pfn = {UINT64_C(0xabcdef) << 16};
    tlb_data_t data;

    (void) state;
    small_map(small, mmu_of(small)->root, VADDR, 2,
              format->make_leaf(format, (pfn_t){UINT64_C(0x3fc) << 18}, 2,
                                TLB_READ | TLB_USER, true));
    small_map(small, mmu_of(small)->root, FAR_AWAY, 0,
              format->make_leaf(format, pfn, 0, TLB_READ | TLB_USER, true));
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    small_walk(small, 0, ACCESS_LOAD, FAR_AWAY);
    assert_true(mmusim__mmu_probe(mmu_of(small), ACCESS_LOAD, FAR_AWAY, &data));
    assert_int_equal(tlb_data_pfn(data).v, pfn.v);
    assert_true(mmusim__mmu_probe(mmu_of(small), ACCESS_LOAD, VADDR, &data));
    assert_int_equal(tlb_data_pfn(data).v, UINT64_C(0x3fc) << 18);
    small_destroy(small);
}

static void v1_invlpg_drops_the_walk_caches(void **state)
{
    struct small_system *small = make();

    (void) state;
    map(small, VADDR, 0);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    mmusim__x86_invlpg(mmu_of(small), FAR_AWAY, MISS_PAGE_FLUSH);
    for (uint32_t level = 0; level < 3; level++)
        assert_int_equal(mmu_of(small)->psc.at[level]->n_valid, 0);
    small_destroy(small);
}

static void v5_without_walk_caches_no_read_is_free(void **state)
{
    struct small_system *small = make_without_psc();

    (void) state;
    map(small, VADDR, 0);
    map(small, NEXT_PAGE, 0);
    for (uint32_t i = 0; i < 2; i++) {
        small_walk(small, 0, ACCESS_LOAD, i ? NEXT_PAGE : VADDR);
        assert_int_equal(small_walk_cycles(small, 0), cold_walk(small));
        assert_int_equal(mmu_of(small)->counters.pte_reads, 4 * (i + 1));
    }
    small_destroy(small);
}

static void v6_who_finds_no_free_walker_waits_and_it_counts(void **state)
{
    struct small_system *small = make_without_psc();
    struct walk_request requests[3] = {
        {.vaddr = VADDR}, {.vaddr = NEXT_PAGE}, {.vaddr = FAR_AWAY}};

    (void) state;
    for (uint32_t i = 0; i < 3; i++) {
        map(small, requests[i].vaddr, 0);
        mmusim__walk_ask(mmu_of(small), &requests[i], 0);
    }
    small_drain(small);
    assert_int_equal(mmu_of(small)->counters.waits, 1);
    assert_int_equal(small->cpus[0].answer_cycles[2], 2 * cold_walk(small));
    small_destroy(small);
}

static void v7_a_hit_in_a_walk_cache_costs_and_is_by_address(void **state)
{
    struct small_system *small = make();

    (void) state;
    map(small, VADDR, 0);
    map(small, NEXT_PAGE, 0);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    small_walk(small, 0, ACCESS_LOAD, NEXT_PAGE);
    assert_true(small->options.psc.levels[0].hit_cycles);
    assert_int_equal(small_walk_cycles(small, 0),
                     small->options.walker.start_cycles +
                         small->options.psc.levels[0].hit_cycles +
                         small->options.memory.fixed_cycles);
    /* The levels above are not asked, nor their hits counted. */
    assert_int_equal(mmu_of(small)->psc.hits[1], 0);
    small_destroy(small);
}

static void look_for_it(struct cpu *cpu, void *context)
{
    tlb_data_t data;

    *(bool *) context = mmusim__mmu_probe(&cpu->mmu, ACCESS_LOAD, VADDR, &data);
}

static void v8_a_fill_is_there_when_the_walk_ends(void **state)
{
    for (uint32_t late = 0; late < 2; late++) {
        struct small_system *small = make();
        struct walk_request request = {.vaddr = VADDR};
        bool is_there = !late;

        map(small, VADDR, 0);
        mmusim__walk_ask(mmu_of(small), &request, 0);
        small_busy(small, 0, cold_walk(small) - !late, BUCKET_BASE);
        small_do(small, 0, look_for_it, &is_there);
        small_run(small);
        assert_int_equal(is_there, late);
        small_destroy(small);
    }
    (void) state;
}

static void v9_two_addresses_may_share_a_frame(void **state)
{
    struct small_system *small = make();
    tlb_data_t first, second;

    (void) state;
    map(small, VADDR, 0);
    small_map(small, mmu_of(small)->root, FAR_AWAY, 0,
              mmusim__pt_read(small->shared.tables, leaf_of(small, 0)));
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    small_walk(small, 0, ACCESS_LOAD, FAR_AWAY);
    assert_true(mmusim__mmu_probe(mmu_of(small), ACCESS_LOAD, VADDR, &first));
    assert_true(
        mmusim__mmu_probe(mmu_of(small), ACCESS_LOAD, FAR_AWAY, &second));
    assert_int_equal(tlb_data_pfn(first).v, tlb_data_pfn(second).v);
    small_destroy(small);
}

static void v10_a_guests_walk_is_in_the_statistics(void **state)
{
    struct small_system *small = make_guest(PAGE_ORDER_4K);
    uint64_t cycles;

    (void) state;
    map(small, VADDR, 0);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    cycles = small_walk_cycles(small, 0);
    assert_int_equal(cycles,
                     small->options.walker.start_cycles +
                         24 * (uint64_t) small->options.memory.fixed_cycles);
    assert_int_equal(mmu_of(small)->counters.cycles, cycles);
    small_destroy(small);
}

static void v10_a_guests_large_page_is_entered_as_one(void **state)
{
    struct small_system *small = make_guest(PAGE_ORDER_2M);

    (void) state;
    map(small, VADDR, 1);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    assert_int_equal(tlb_key_order(only_key(small)), PAGE_ORDER_2M);
    small_destroy(small);
}

/* S2: entries next to each other in a table share its lines. */
static void s2_a_walk_reads_where_the_tables_lie(void **state)
{
    struct small_options options;
    struct small_system *small;

    (void) state;
    small_options_init(&options);
    options.memory = (struct memory_config){
        .model = MEMORY_HIERARCHY,
        .l1d = {.size_bytes = 32768, .n_ways = 8, .hit_cycles = 4},
        .dram_cycles = 250,
    };
    small = small_create(&options);
    map(small, VADDR, 0);
    map(small, VADDR ^ BASE_PAGE_BYTES, 0); /* the other of a pair: one line */
    map(small, VADDR + 8 * BASE_PAGE_BYTES, 0);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    small_walk(small, 0, ACCESS_LOAD, VADDR ^ BASE_PAGE_BYTES);
    assert_int_equal(small_walk_cycles(small, 0),
                     options.walker.start_cycles +
                         options.psc.levels[0].hit_cycles + 4);
    small_walk(small, 0, ACCESS_LOAD, VADDR + 8 * BASE_PAGE_BYTES);
    assert_int_equal(small_walk_cycles(small, 0),
                     options.walker.start_cycles +
                         options.psc.levels[0].hit_cycles + 250);
    small_destroy(small);
}

/* TLBSim: a large page in small pieces, and a flush by address leaves the
 * others. The second level here holds 4K alone. */
static void tlbsim_a_flush_finds_every_piece_of_a_page(void **state)
{
    struct small_options options;
    struct small_system *small;

    (void) state;
    small_options_init(&options);
    small_options_tlb(&options, TLB_L1D, 16, 1);
    small_options_tlb(&options, TLB_L2, 64, 1);
    small = small_create(&options);
    map(small, VADDR, 1);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    small_walk(small, 0, ACCESS_LOAD, VADDR ^ 0x80000);
    assert_int_equal(l2_of(small)->n_valid, 2);
    mmusim__x86_invlpg(mmu_of(small), VADDR ^ 0x3000, MISS_PAGE_FLUSH);
    assert_int_equal(l2_of(small)->n_valid, 0);
    small_destroy(small);
}

static void tlbsim_page_0_is_a_page(void **state)
{
    struct small_system *small = make();

    (void) state;
    map(small, 0, 0);
    map(small, VADDR, 0);
    small_walk(small, 0, ACCESS_LOAD, 0);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    mmusim__x86_invlpg(mmu_of(small), 0, MISS_PAGE_FLUSH);
    assert_int_equal(l2_of(small)->n_valid, 1);
    small_destroy(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(g1_the_pcid_of_a_fill_is_that_of_the_walks_start),
        cmocka_unit_test(g4_accessed_and_dirty_of_a_leaf_are_written),
        cmocka_unit_test(g5_a_1g_leaf_is_no_table),
        cmocka_unit_test(g6_walks_to_one_page_merge_and_others_run_at_once),
        cmocka_unit_test(g9_no_stale_fill_follows_a_flush),
        cmocka_unit_test(g11_s5_frames_and_sizes_beyond_32_bits_are_whole),
        cmocka_unit_test(v1_invlpg_drops_the_walk_caches),
        cmocka_unit_test(v5_without_walk_caches_no_read_is_free),
        cmocka_unit_test(v6_who_finds_no_free_walker_waits_and_it_counts),
        cmocka_unit_test(v7_a_hit_in_a_walk_cache_costs_and_is_by_address),
        cmocka_unit_test(v8_a_fill_is_there_when_the_walk_ends),
        cmocka_unit_test(v9_two_addresses_may_share_a_frame),
        cmocka_unit_test(v10_a_guests_walk_is_in_the_statistics),
        cmocka_unit_test(v10_a_guests_large_page_is_entered_as_one),
        cmocka_unit_test(s2_a_walk_reads_where_the_tables_lie),
        cmocka_unit_test(tlbsim_a_flush_finds_every_piece_of_a_page),
        cmocka_unit_test(tlbsim_page_0_is_a_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
