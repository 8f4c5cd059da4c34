/* SPDX-License-Identifier: MIT */
/* Runs of pages that one entry stands for: what becomes a run, what a run
 * serves, and what takes it away. Tables are written by hand. */
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { BASE = 0x40000000, N_PAGES = 4, RUN_ORDER = 2, FIRST_PFN = 0x200000 };

static const uint32_t rights = TLB_READ | TLB_WRITE | TLB_USER;

struct runs {
    struct small_system *small;
    struct mmu *mmu;
    struct address_space mm;
};

static uint64_t page(uint32_t i)
{
    return BASE + (uint64_t) i * BASE_PAGE_BYTES;
}

static void map(struct runs *runs, uint32_t i, uint64_t pfn, uint32_t flags)
{
    const struct pt_format *format = runs->small->shared.format;

    small_map(runs->small, runs->mm.root, page(i), 0,
              format->make_leaf(format, (pfn_t){pfn}, 0, flags, true));
}

/* L1s of 4K alone; an L2 of 4K and 16K. */
static int setup(void **state)
{
    static struct runs runs;
    struct small_options options;

    small_options_init(&options);
    options.n_sockets = options.cores_per_socket = 1;
    options.threads_per_core = 1;
    options.walker.coalesce_pages = N_PAGES;
    small_options_tlb(&options, TLB_L1D, 16, 1);
    small_options_tlb(&options, TLB_L2, 64, 1);
    options.tlb[TLB_L2].arrays[0].n_orders = 2;
    options.tlb[TLB_L2].arrays[0].orders[1] = RUN_ORDER;
    runs.small = small_create(&options);
    runs.mmu = &runs.small->system.cpus[0].mmu;
    small_space_init(runs.small, &runs.mm, 1);
    small_run_mm(&runs.small->system.cpus[0], &runs.mm);
    for (uint32_t i = 0; i < 2 * N_PAGES; i++)
        map(&runs, i, FIRST_PFN + i, rights | TLB_DIRTY);
    *state = &runs;
    return 0;
}

static int teardown(void **state)
{
    struct runs *runs = *state;

    small_destroy(runs->small);
    return 0;
}

static void walk(struct runs *runs, uint32_t i)
{
    assert_int_equal(small_walk(runs->small, 0, ACCESS_LOAD, page(i)),
                     WALK_FILLED);
}

static bool l2_has(const struct runs *runs, uint32_t i)
{
    return mmusim__tlb_array_probe(runs->mmu->tlb[TLB_L2].arrays[0],
                                   vpn_of(page(i)),
                                   runs->mmu->tags) != TLB_NO_SLOT;
}

static bool l1_has(const struct runs *runs, uint32_t i)
{
    return mmusim__tlb_array_probe(runs->mmu->tlb[TLB_L1D].arrays[0],
                                   vpn_of(page(i)),
                                   runs->mmu->tags) != TLB_NO_SLOT;
}

static void drop(struct runs *runs, uint32_t i)
{
    struct inval inval = mmusim__mmu_scope(runs->mmu);

    inval.has_range = true;
    inval.vpn = vpn_of(page(i));
    inval.n_pages = 1;
    inval.hits_globals = inval.hits_nonglobals = true;
    mmusim__mmu_invalidate(runs->mmu, &inval, MISS_PAGE_FLUSH);
}

static void one_walk_brings_four_pages(void **state)
{
    struct runs *runs = *state;

    walk(runs, 1);
    for (uint32_t i = 0; i < N_PAGES; i++)
        assert_true(l2_has(runs, i));
    assert_false(l2_has(runs, N_PAGES));
    assert_int_equal(runs->mmu->tlb[TLB_L2].arrays[0]->n_valid, 1);
}

static void a_level_without_the_size_takes_the_page_alone(void **state)
{
    struct runs *runs = *state;

    walk(runs, 1);
    assert_true(l1_has(runs, 1));
    assert_false(l1_has(runs, 0));
}

static void each_page_of_a_run_has_its_own_frame(void **state)
{
    struct runs *runs = *state;

    walk(runs, 1);
    for (uint32_t i = 0; i < N_PAGES; i++) {
        tlb_data_t data;
        uint32_t hit_cycles;

        if (!mmusim__mmu_l2_lookup(runs->mmu, ACCESS_LOAD, page(i), &data,
                                   &hit_cycles))
            fail();
        assert_int_equal(runs->mmu->l1_of[ACCESS_LOAD]->last.pfn,
                         FIRST_PFN + i);
    }
}

static void invalidating_any_page_takes_the_run(void **state)
{
    struct runs *runs = *state;

    for (uint32_t i = 0; i < N_PAGES; i++) {
        walk(runs, 1);
        drop(runs, i);
        for (uint32_t j = 0; j < N_PAGES; j++)
            assert_false(l2_has(runs, j));
    }
}

static void invalidating_a_neighbour_of_the_run_leaves_it(void **state)
{
    struct runs *runs = *state;

    walk(runs, 1);
    drop(runs, N_PAGES);
    assert_true(l2_has(runs, 0));
}

static void assert_no_run(struct runs *runs)
{
    walk(runs, 1);
    assert_true(l2_has(runs, 1));
    assert_false(l2_has(runs, 0));
}

static void a_hole_makes_no_run(void **state)
{
    struct runs *runs = *state;

    small_map(runs->small, runs->mm.root, page(3), 0, 0);
    assert_no_run(runs);
}

static void another_right_makes_no_run(void **state)
{
    struct runs *runs = *state;

    map(runs, 2, FIRST_PFN + 2, (rights | TLB_DIRTY) & ~(uint32_t) TLB_WRITE);
    assert_no_run(runs);
}

static void a_clean_page_makes_no_run_of_dirty_ones(void **state)
{
    struct runs *runs = *state;

    map(runs, 2, FIRST_PFN + 2, rights);
    assert_no_run(runs);
}

static void a_page_not_accessed_makes_no_run(void **state)
{
    struct runs *runs = *state;
    const struct pt_format *format = runs->small->shared.format;

    small_map(runs->small, runs->mm.root, page(0), 0,
              format->make_leaf(format, (pfn_t){FIRST_PFN}, 0,
                                rights | TLB_DIRTY, false));
    assert_no_run(runs);
}

static void frames_out_of_turn_make_no_run(void **state)
{
    struct runs *runs = *state;

    map(runs, 3, FIRST_PFN + 9, rights | TLB_DIRTY);
    assert_no_run(runs);
}

static void frames_aligned_otherwise_make_no_run(void **state)
{
    struct runs *runs = *state;

    for (uint32_t i = 0; i < N_PAGES; i++)
        map(runs, i, FIRST_PFN + 1 + i, rights | TLB_DIRTY);
    assert_no_run(runs);
}

/* D is set page by page: the run's clean entry must not be found any more, or
 * the store would ask for D forever. */
static void a_store_to_a_clean_run_ends_it(void **state)
{
    struct runs *runs = *state;
    tlb_data_t data;

    for (uint32_t i = 0; i < N_PAGES; i++)
        map(runs, i, FIRST_PFN + i, rights);
    walk(runs, 0);
    assert_true(l2_has(runs, 2));
    assert_int_equal(small_walk(runs->small, 0, ACCESS_STORE, page(2)),
                     WALK_FILLED);
    assert_true(mmusim__mmu_probe(runs->mmu, ACCESS_STORE, page(2), &data));
    assert_true(data & TLB_DIRTY);
    assert_false(l2_has(runs, 0));
}

/* An invalidation of any page of the run that comes while the leaf has been
 * read and nothing is entered yet. */
static void a_walk_to_a_run_is_poisoned_by_any_of_its_pages(void **state)
{
    struct runs *runs = *state;
    struct walk_request request = {
        .vaddr = page(1), .kind = ACCESS_LOAD, .need = WALK_FOR_MISS};

    mmusim__walk_ask(runs->mmu, &request, 0);
    while (!runs->mmu->walks[0].run_order) {
        struct event *event = mmusim__event_pop(&runs->small->system.queue);

        assert_non_null(event);
        event->fire(event->context, event);
        if (!runs->mmu->walks[0].is_active)
            return; /* the event ended it: no time between */
    }
    drop(runs, 3);
    small_drain(runs->small);
    assert_int_equal(runs->small->cpus[0].outcome, WALK_POISONED);
    assert_false(l2_has(runs, 1));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(one_walk_brings_four_pages),
        TEST(a_level_without_the_size_takes_the_page_alone),
        TEST(each_page_of_a_run_has_its_own_frame),
        TEST(invalidating_any_page_takes_the_run),
        TEST(invalidating_a_neighbour_of_the_run_leaves_it),
        TEST(a_hole_makes_no_run),
        TEST(another_right_makes_no_run),
        TEST(a_clean_page_makes_no_run_of_dirty_ones),
        TEST(a_page_not_accessed_makes_no_run),
        TEST(frames_out_of_turn_make_no_run),
        TEST(frames_aligned_otherwise_make_no_run),
        TEST(a_store_to_a_clean_run_ends_it),
        TEST(a_walk_to_a_run_is_poisoned_by_any_of_its_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
