/* SPDX-License-Identifier: MIT */
/*
 * Page walkers: latencies to the cycle as formulas over the configuration, the
 * A and D bits, what is cached and what is not, merging and waiting. Poisoning
 * is in test_walker_poison.c.
 */
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define VADDR     UINT64_C(0x00007f1234567000)
#define OTHER_1G  (VADDR ^ UINT64_C(1) << 30)
#define OTHER_2M  (VADDR ^ UINT64_C(1) << 21)
#define NEXT_PAGE (VADDR + BASE_PAGE_BYTES)

enum {
    BIT_P = 1 << 0,
    BIT_W = 1 << 1,
    BIT_U = 1 << 2,
    BIT_A = 1 << 5,
    BIT_D = 1 << 6,
    BIT_PS = 1 << 7,
    BIT_RESERVED = 1 << 13, /* of a 2M or 1G leaf */
};

static int setup(void **state)
{
    struct small_options options;

    small_options_init(&options);
    *state = small_create(&options);
    return 0;
}

static int teardown(void **state)
{
    small_destroy(*state);
    return 0;
}

static struct small_system *remake(void **state,
                                   const struct small_options *options)
{
    struct small_options copy = *options; /* it may be the old machine's */

    small_destroy(*state);
    *state = small_create(&copy);
    return *state;
}

static struct mmu *mmu_of(struct small_system *small)
{
    return &small->system.cpus[0].mmu;
}

static pfn_t root_of(struct small_system *small)
{
    return mmu_of(small)->root;
}

static uint64_t word_at(struct small_system *small, uint64_t vaddr,
                        uint32_t level)
{
    return mmusim__pt_read(
        small->shared.tables,
        small_entry_paddr(small, root_of(small), vaddr, level));
}

static void edit(struct small_system *small, uint64_t vaddr, uint32_t level,
                 uint64_t clear, uint64_t set)
{
    uint64_t paddr = small_entry_paddr(small, root_of(small), vaddr, level);
    uint64_t word = mmusim__pt_read(small->shared.tables, paddr);

    mmusim__pt_write(small->shared.tables, paddr, (word & ~clear) | set);
}

static uint32_t n_cached(const struct mmu *mmu)
{
    return mmu->tlb[TLB_L1D].arrays[0]->n_valid +
           mmu->tlb[TLB_L1I].arrays[0]->n_valid +
           mmu->tlb[TLB_L2].arrays[0]->n_valid;
}

static bool find(struct mmu *mmu, uint64_t vaddr, tlb_data_t *data)
{
    return mmusim__mmu_probe(mmu, ACCESS_LOAD, vaddr, data);
}

/* ---- time ---- */

static void check_cold_walk(void **state, uint32_t n_levels, uint32_t leaf)
{
    struct small_options options = ((struct small_system *) *state)->options;
    uint32_t n_reads = n_levels - leaf;
    struct small_system *small;

    options.n_levels = n_levels;
    small = remake(state, &options);
    small_map_user(small, root_of(small), VADDR, leaf);
    assert_int_equal(small_walk(small, 0, ACCESS_LOAD, VADDR), WALK_FILLED);
    assert_int_equal(small_walk_cycles(small, 0),
                     options.walker.start_cycles +
                         n_reads * options.memory.fixed_cycles);
    assert_int_equal(mmu_of(small)->counters.pte_reads, n_reads);
    assert_int_equal(mmu_of(small)->counters.cycles,
                     small_walk_cycles(small, 0));
}

static void a_cold_walk_reads_one_entry_a_level(void **state)
{
    for (uint32_t n_levels = 4; n_levels <= 5; n_levels++) {
        for (uint32_t leaf = 0; leaf < 3; leaf++)
            check_cold_walk(state, n_levels, leaf);
    }
}

/* The page, and a second one that shares the table of the level alone. */
static void check_start_level(void **state, uint32_t n_levels, uint32_t level)
{
    struct small_options options = ((struct small_system *) *state)->options;
    uint64_t second = VADDR ^ UINT64_C(1) << (12 + 9 * level);
    struct small_system *small;

    small_options_init(&options);
    options.n_levels = n_levels;
    small = remake(state, &options);
    small_map_user(small, root_of(small), VADDR, 0);
    small_map_user(small, root_of(small), second, 0);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    assert_int_equal(small_walk(small, 0, ACCESS_LOAD, second), WALK_FILLED);
    assert_int_equal(small_walk_cycles(small, 0),
                     options.walker.start_cycles +
                         options.psc.levels[level].hit_cycles +
                         (level + 1) * options.memory.fixed_cycles);
    for (uint32_t i = 0; i < n_levels - 1; i++) {
        assert_int_equal(mmu_of(small)->psc.hits[i], i == level);
        assert_int_equal(mmu_of(small)->psc.misses[i],
                         1 + (i < level)); /* deeper ones are asked first */
    }
}

static void a_walk_starts_at_the_deepest_cached_table(void **state)
{
    for (uint32_t n_levels = 4; n_levels <= 5; n_levels++) {
        for (uint32_t level = 0; level < n_levels - 1; level++)
            check_start_level(state, n_levels, level);
    }
}

static void without_caches_every_walk_starts_at_the_root(void **state)
{
    struct small_options options = ((struct small_system *) *state)->options;
    struct small_system *small;

    for (uint32_t i = 0; i < CONFIG_PSC_LEVELS; i++)
        options.psc.levels[i].n_entries = 0;
    small = remake(state, &options);
    small_map_user(small, root_of(small), VADDR, 0);
    small_map_user(small, root_of(small), NEXT_PAGE, 0);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    small_walk(small, 0, ACCESS_LOAD, NEXT_PAGE);
    assert_int_equal(mmu_of(small)->counters.pte_reads, 8);
}

static void assert_nothing_cached(struct cpu *cpu, void *context)
{
    struct small_system *small = context;

    (void) cpu;
    assert_int_equal(n_cached(mmu_of(small)), 0);
    assert_int_equal(small->cpus[0].n_answers, 0);
    small->cpus[1].n_acts++;
}

static void nothing_is_filled_a_cycle_before_the_walk_ends(void **state)
{
    struct small_system *small = *state;
    struct walk_request request = {.vaddr = VADDR};
    uint64_t end = small->options.walker.start_cycles +
                   4 * (uint64_t) small->options.memory.fixed_cycles;

    small_map_user(small, root_of(small), VADDR, 0);
    small_busy(small, 1, end - 1, BUCKET_BASE);
    small_do(small, 1, assert_nothing_cached, small);
    mmusim__walk_ask(mmu_of(small), &request, 0);
    small_run(small);
    assert_int_equal(small->cpus[1].n_acts, 1);
    assert_int_equal(small->cpus[0].answered_cycle, end);
    assert_int_equal(n_cached(mmu_of(small)), 2); /* L1 and L2 */
}

static void setting_a_at_each_level_takes_its_time(void **state)
{
    struct small_system *small = *state;
    const struct small_options *options = &small->options;

    small_map_user(small, root_of(small), VADDR, 0);
    for (uint32_t level = 0; level < 4; level++)
        edit(small, VADDR, level, BIT_A, 0);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    assert_int_equal(small_walk_cycles(small, 0),
                     options->walker.start_cycles +
                         4 * options->memory.fixed_cycles +
                         4 * options->walker.dirty_cycles);
}

/* ---- A and D ---- */

static void a_load_sets_a_at_every_level_and_d_nowhere(void **state)
{
    struct small_system *small = *state;
    uint64_t before[4];

    small_map_user(small, root_of(small), VADDR, 0);
    for (uint32_t level = 0; level < 4; level++) {
        edit(small, VADDR, level, BIT_A | BIT_D, 0);
        before[level] = word_at(small, VADDR, level);
    }
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    for (uint32_t level = 0; level < 4; level++)
        assert_int_equal(word_at(small, VADDR, level), before[level] | BIT_A);
}

static void a_store_sets_d_in_the_leaf_alone(void **state)
{
    for (uint32_t leaf = 0; leaf < 3; leaf++) {
        struct small_system *small = *state;
        uint64_t vaddr = VADDR + ((uint64_t) leaf << 40);
        tlb_data_t data;

        small_map_user(small, root_of(small), vaddr, leaf);
        for (uint32_t level = leaf; level < 4; level++)
            edit(small, vaddr, level, BIT_A | BIT_D, 0);
        small_walk(small, 0, ACCESS_STORE, vaddr);
        for (uint32_t level = leaf; level < 4; level++)
            assert_int_equal(word_at(small, vaddr, level) & (BIT_A | BIT_D),
                             level == leaf ? BIT_A | BIT_D : BIT_A);
        assert_true(find(mmu_of(small), vaddr, &data));
        assert_true(data & TLB_DIRTY);
    }
}

static void a_store_that_may_not_write_leaves_d_clear(void **state)
{
    for (uint32_t level = 0; level < 4; level++) {
        struct small_system *small = *state;
        tlb_data_t data;

        small_map_user(small, root_of(small), VADDR, 0);
        edit(small, VADDR, 0, BIT_D, 0);
        edit(small, VADDR, level, BIT_W, 0); /* at one level is enough */
        small_walk(small, 0, ACCESS_STORE, VADDR);
        assert_false(word_at(small, VADDR, 0) & BIT_D);
        assert_true(find(mmu_of(small), VADDR, &data));
        assert_false(data & (TLB_DIRTY | TLB_WRITE));
        remake(state, &((struct small_system *) *state)->options);
    }
}

static void
a_store_to_a_clean_entry_walks_again_and_makes_it_dirty(void **state)
{
    struct small_system *small = *state;
    struct mmu *mmu = mmu_of(small);
    struct walk_request again = {
        .vaddr = VADDR, .kind = ACCESS_STORE, .need = WALK_FOR_DIRTY};
    tlb_data_t data;

    small_map_user(small, root_of(small), VADDR, 0);
    edit(small, VADDR, 0, BIT_D, 0);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    assert_true(find(mmu, VADDR, &data));
    assert_false(data & TLB_DIRTY);
    assert_false(word_at(small, VADDR, 0) & BIT_D);
    mmusim__walk_ask(mmu, &again, 0);
    small_drain(small);
    assert_true(find(mmu, VADDR, &data));
    assert_true(data & TLB_DIRTY);
    assert_true(word_at(small, VADDR, 0) & BIT_D);
    assert_int_equal(mmu->counters.dirty_walks, 1);
    assert_int_equal(mmu->counters.walks, mmu->llt_misses + 1);
}

/* ---- what is cached ---- */

static uint32_t n_psc(const struct mmu *mmu, uint32_t level)
{
    return mmu->psc.at[level]->n_valid;
}

static void check_refused(void **state, uint32_t level, uint64_t clear,
                          uint64_t set)
{
    struct small_system *small =
        remake(state, &((struct small_system *) *state)->options);
    struct mmu *mmu = mmu_of(small);

    small_map_user(small, root_of(small), VADDR, 0);
    edit(small, VADDR, level, clear, set);
    assert_int_equal(small_walk(small, 0, ACCESS_LOAD, VADDR), WALK_FAULTED);
    assert_int_equal(n_cached(mmu), 0);
    /* The entry's own cache and all deeper ones stay empty (I2); those above
     * it are filled although the page is not there (I8). */
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(n_psc(mmu, i), i >= level);
    assert_int_equal(small_walk_cycles(small, 0),
                     small->options.walker.start_cycles +
                         (4 - level) * small->options.memory.fixed_cycles);
    assert_false(level && word_at(small, VADDR, level) & BIT_D);
}

static void nothing_is_cached_from_an_absent_entry(void **state)
{
    for (uint32_t level = 0; level < 4; level++)
        check_refused(state, level, BIT_P | BIT_D, 0);
}

static void nothing_is_cached_from_a_reserved_bit(void **state)
{
    check_refused(state, 3, BIT_D, BIT_PS);
    check_refused(state, 2, BIT_D, BIT_PS | BIT_RESERVED);
    check_refused(state, 1, BIT_D, BIT_PS | BIT_RESERVED);
}

static void a_refused_entry_keeps_its_a_bit_clear(void **state)
{
    struct small_system *small = *state;

    small_map_user(small, root_of(small), VADDR, 0);
    edit(small, VADDR, 0, BIT_P | BIT_A, 0);
    edit(small, VADDR, 1, BIT_A, 0);
    small_walk(small, 0, ACCESS_STORE, VADDR);
    assert_int_equal(word_at(small, VADDR, 0) & (BIT_A | BIT_P), 0);
    assert_true(word_at(small, VADDR, 1) & BIT_A); /* it was used */
}

static void a_large_leaf_gives_no_pointer_to_a_table(void **state)
{
    struct small_system *small = *state;

    small_map_user(small, root_of(small), VADDR, 1);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    assert_int_equal(n_psc(mmu_of(small), 0), 0);
    assert_int_equal(n_psc(mmu_of(small), 1), 1);
    assert_int_equal(n_psc(mmu_of(small), 2), 1);
}

/* Rights of a cached pointer are those of all levels above together. */
static void a_cached_pointer_carries_the_rights_of_all_levels(void **state)
{
    static const struct {
        uint32_t level;
        uint64_t clear, set;
        uint32_t lost;
    } cases[] = {
        {3, BIT_W, 0, TLB_WRITE},
        {2, BIT_U, 0, TLB_USER},
        {1, 0, UINT64_C(1) << 63, TLB_EXEC},
        {3, 0, UINT64_C(1) << 63, TLB_EXEC},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct small_system *small =
            remake(state, &((struct small_system *) *state)->options);
        struct mmu *mmu = mmu_of(small);
        tlb_data_t data;

        small_map_user(small, root_of(small), VADDR, 0);
        small_map_user(small, root_of(small), NEXT_PAGE, 0);
        edit(small, NEXT_PAGE, 0, UINT64_C(1) << 63, 0);
        edit(small, VADDR, cases[i].level, cases[i].clear, cases[i].set);
        small_walk(small, 0, ACCESS_LOAD, VADDR);
        /* The tables give the right back; the cached pointer does not know. */
        edit(small, VADDR, cases[i].level, cases[i].set, cases[i].clear);
        small_walk(small, 0, ACCESS_LOAD, NEXT_PAGE);
        assert_int_equal(mmu->psc.hits[0], 1);
        assert_true(find(mmu, NEXT_PAGE, &data));
        assert_int_equal((TLB_WRITE | TLB_USER | TLB_EXEC) & ~data,
                         cases[i].lost);
    }
}

static void rights_of_the_leaf_and_of_all_tables_are_combined(void **state)
{
    struct small_system *small = *state;
    tlb_data_t data;

    small_map_user(small, root_of(small), VADDR, 0);
    edit(small, VADDR, 0, UINT64_C(1) << 63, 0);
    edit(small, VADDR, 2, BIT_W, 0);
    edit(small, VADDR, 1, BIT_U, 0);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    assert_true(find(mmu_of(small), VADDR, &data));
    assert_int_equal(data & (TLB_READ | TLB_WRITE | TLB_USER | TLB_EXEC),
                     TLB_READ | TLB_EXEC);
}

/* ---- several at a time ---- */

static void equal_requests_share_one_walk(void **state)
{
    struct small_system *small = *state;
    struct mmu *mmu = mmu_of(small);
    struct walk_request load = {.vaddr = VADDR};
    struct walk_request fetch = {.vaddr = VADDR + 8, .kind = ACCESS_FETCH};

    small_map_user(small, root_of(small), VADDR, 0);
    mmusim__walk_ask(mmu, &load, 0);
    mmusim__walk_ask(mmu, &fetch, 5);
    small_drain(small);
    assert_int_equal(small->cpus[0].n_answers, 2);
    assert_int_equal(small->cpus[0].answered_cycle,
                     small->options.walker.start_cycles +
                         4 * (uint64_t) small->options.memory.fixed_cycles);
    assert_int_equal(mmu->counters.walks, 1);
    assert_int_equal(mmu->counters.merged, 1);
    assert_int_equal(mmu->llt_misses, 2);
    assert_int_equal(n_cached(mmu), 3); /* both L1s and the L2 */
}

static void a_store_that_joins_before_the_leaf_is_read_sets_d(void **state)
{
    struct small_system *small = *state;
    struct walk_request load = {.vaddr = VADDR};
    struct walk_request store = {.vaddr = VADDR, .kind = ACCESS_STORE};

    small_map_user(small, root_of(small), VADDR, 0);
    edit(small, VADDR, 0, BIT_D, 0);
    mmusim__walk_ask(mmu_of(small), &load, 0);
    mmusim__walk_ask(mmu_of(small), &store, 1);
    small_drain(small);
    assert_true(word_at(small, VADDR, 0) & BIT_D);
}

static void a_third_page_waits_for_one_of_two_walkers(void **state)
{
    struct small_options options = ((struct small_system *) *state)->options;
    uint64_t walk = options.walker.start_cycles +
                    4 * (uint64_t) options.memory.fixed_cycles;
    struct walk_request requests[4] = {{.vaddr = VADDR},
                                       {.vaddr = OTHER_2M},
                                       {.vaddr = OTHER_1G},
                                       {.vaddr = OTHER_1G}};
    struct small_system *small;
    struct mmu *mmu;

    for (uint32_t i = 0; i < CONFIG_PSC_LEVELS; i++)
        options.psc.levels[i].n_entries = 0;
    small = remake(state, &options);
    mmu = mmu_of(small);
    for (uint32_t i = 0; i < 4; i++) {
        small_map_user(small, root_of(small), requests[i].vaddr, 0);
        mmusim__walk_ask(mmu, &requests[i], 0);
    }
    small_drain(small);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(small->cpus[0].answer_cycles[i],
                         i < 2 ? walk : 2 * walk);
    assert_int_equal(mmu->counters.walks, 3);
    assert_int_equal(mmu->counters.merged, 1); /* in the waiting line */
    assert_int_equal(mmu->counters.waits, 2);
    assert_int_equal(mmu->llt_misses,
                     mmu->counters.walks + mmu->counters.merged);
}

static void the_tag_and_the_root_are_those_when_the_walk_began(void **state)
{
    struct small_options options = ((struct small_system *) *state)->options;
    struct address_space other;
    struct walk_request request = {.vaddr = VADDR};
    struct small_system *small;
    struct mmu *mmu;
    tlb_data_t data;

    options.has_pcid = true;
    small = remake(state, &options);
    mmu = mmu_of(small);
    small_space_init(small, &other, 1);
    small_map_user(small, root_of(small), VADDR, 0);
    mmusim__mmu_set_asid(mmu, 3);
    mmusim__walk_ask(mmu, &request, 0);
    mmusim__mmu_set_asid(mmu, 4); /* MOV CR3, no flush, of another tree */
    mmu->root = other.root;
    small_drain(small);
    assert_int_equal(small->cpus[0].outcome, WALK_FILLED);
    assert_false(find(mmu, VADDR, &data));
    mmusim__mmu_set_asid(mmu, 3);
    assert_true(find(mmu, VADDR, &data));
}

static void kernel_addresses_are_walked_from_the_kernel_s_root(void **state)
{
    struct small_system *small = *state;
    struct mmu *mmu = mmu_of(small);
    struct address_space user;
    uint64_t kernel_vaddr = UINT64_C(0xffff888000000000);

    small_space_init(small, &user, 1);
    small_map_user(small, mmu->kernel_root, kernel_vaddr, 0);
    mmu->root = user.root;
    assert_int_equal(small_walk(small, 0, ACCESS_LOAD, kernel_vaddr),
                     WALK_FILLED);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_cold_walk_reads_one_entry_a_level),
        T(a_walk_starts_at_the_deepest_cached_table),
        T(without_caches_every_walk_starts_at_the_root),
        T(nothing_is_filled_a_cycle_before_the_walk_ends),
        T(setting_a_at_each_level_takes_its_time),
        T(a_load_sets_a_at_every_level_and_d_nowhere),
        T(a_store_sets_d_in_the_leaf_alone),
        T(a_store_that_may_not_write_leaves_d_clear),
        T(a_store_to_a_clean_entry_walks_again_and_makes_it_dirty),
        T(nothing_is_cached_from_an_absent_entry),
        T(nothing_is_cached_from_a_reserved_bit),
        T(a_refused_entry_keeps_its_a_bit_clear),
        T(a_large_leaf_gives_no_pointer_to_a_table),
        T(a_cached_pointer_carries_the_rights_of_all_levels),
        T(rights_of_the_leaf_and_of_all_tables_are_combined),
        T(equal_requests_share_one_walk),
        T(a_store_that_joins_before_the_leaf_is_read_sets_d),
        T(a_third_page_waits_for_one_of_two_walkers),
        T(the_tag_and_the_root_are_those_when_the_walk_began),
        T(kernel_addresses_are_walked_from_the_kernel_s_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
