/* SPDX-License-Identifier: MIT */
/* Predictors, the prefetch buffer, and walks ahead of time. */
#include "support/machine_run.h"
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { BASE = 0x40000000 };

static uint64_t page(uint32_t i)
{
    return BASE + (uint64_t) i * BASE_PAGE_BYTES;
}

/* ---- predictors ---- */

static void stride_expects_a_distance_seen_twice(void **state)
{
    struct prefetch_state stride = {.has_last = false};
    uint64_t vpns[PREFETCH_MAX];
    const struct prefetch_ops *ops = mmusim__prefetch_find("stride");

    (void) state;
    assert_int_equal(ops->predict(&stride, 100, vpns), 0);
    assert_int_equal(ops->predict(&stride, 103, vpns), 0);
    assert_int_equal(ops->predict(&stride, 106, vpns), 1);
    assert_int_equal(vpns[0], 109);
    assert_int_equal(ops->predict(&stride, 104, vpns), 0);
    assert_int_equal(ops->predict(&stride, 102, vpns), 1);
    assert_int_equal(vpns[0], 100);
}

/* The paper's example: 1, 2, 4, 5, 7, 8: after a distance of 1 comes 2, after 2
 * comes 1. */
static void distance_learns_what_follows_a_distance(void **state)
{
    struct prefetch_row rows[PREFETCH_ROWS] = {{0}};
    struct prefetch_state distance = {.rows = rows};
    uint64_t vpns[PREFETCH_MAX];
    const struct prefetch_ops *ops = mmusim__prefetch_find("distance");
    static const uint64_t misses[] = {1, 2, 4, 5, 7, 8};
    static const uint64_t expected[] = {0, 0, 0, 7, 8, 10};

    (void) state;
    for (uint32_t i = 0; i < 6; i++) {
        uint32_t n = ops->predict(&distance, misses[i], vpns);

        assert_int_equal(n, expected[i] ? 1 : 0);
        if (n)
            assert_int_equal(vpns[0], expected[i]);
    }
}

static void distance_keeps_the_two_that_followed_last(void **state)
{
    struct prefetch_row rows[PREFETCH_ROWS] = {{0}};
    struct prefetch_state distance = {.rows = rows};
    uint64_t vpns[PREFETCH_MAX];
    const struct prefetch_ops *ops = mmusim__prefetch_find("distance");
    static const uint64_t misses[] = {10, 11, 14, 15, 20, 21, 28, 29};
    uint32_t n = 0;

    (void) state;
    for (uint32_t i = 0; i < 8; i++)
        n = ops->predict(&distance, misses[i], vpns);
    assert_int_equal(n, 2); /* 1 was followed by 3, 5, 7 */
    assert_int_equal(vpns[0], 29 + 7);
    assert_int_equal(vpns[1], 29 + 5);
}

/* ---- walks ahead of time ---- */

struct ahead {
    struct small_system *small;
    struct mmu *mmu;
    struct address_space mm;
    struct prefetch_config config;
};

static int setup(void **state)
{
    static struct ahead ahead;
    struct small_options options;

    small_options_init(&options);
    options.n_sockets = options.cores_per_socket = 1;
    options.threads_per_core = 1;
    options.walker.count = 2;
    ahead.config = (struct prefetch_config){"next-page", 8, 3};
    options.prefetch = &ahead.config;
    ahead.small = small_create(&options);
    ahead.mmu = &ahead.small->system.cpus[0].mmu;
    small_space_init(ahead.small, &ahead.mm, 1);
    small_run_mm(&ahead.small->system.cpus[0], &ahead.mm);
    for (uint32_t i = 0; i < 8; i++)
        small_map_user(ahead.small, ahead.mm.root, page(i), 0);
    *state = &ahead;
    return 0;
}

static int teardown(void **state)
{
    struct ahead *ahead = *state;

    small_destroy(ahead->small);
    return 0;
}

static bool is_buffered(const struct ahead *ahead, uint32_t i)
{
    return mmusim__tlb_array_probe(&ahead->mmu->prefetcher.buffer,
                                   vpn_of(page(i)),
                                   ahead->mmu->tags) != TLB_NO_SLOT;
}

static void drop(struct ahead *ahead, uint32_t i)
{
    struct inval inval = mmusim__mmu_scope(ahead->mmu);

    inval.has_range = true;
    inval.vpn = vpn_of(page(i));
    inval.n_pages = 1;
    inval.hits_globals = inval.hits_nonglobals = true;
    mmusim__mmu_invalidate(ahead->mmu, &inval, MISS_PAGE_FLUSH);
}

static void unmap(struct ahead *ahead, uint32_t i, uint64_t word)
{
    small_map(ahead->small, ahead->mm.root, page(i), 0, word);
}

static void train(struct ahead *ahead, uint32_t i)
{
    mmusim__prefetch_train(ahead->mmu, page(i), 0);
}

static void the_next_page_goes_to_the_buffer(void **state)
{
    struct ahead *ahead = *state;

    train(ahead, 0);
    small_drain(ahead->small);
    assert_true(is_buffered(ahead, 1));
    assert_int_equal(ahead->mmu->tlb[TLB_L2].arrays[0]->n_valid, 0);
    assert_int_equal(ahead->mmu->counters.prefetches, 1);
}

static void a_hit_moves_the_entry_into_the_tlbs(void **state)
{
    struct ahead *ahead = *state;
    tlb_data_t data;

    train(ahead, 0);
    small_drain(ahead->small);
    assert_true(mmusim__prefetch_look_up(ahead->mmu, page(1), false));
    assert_false(is_buffered(ahead, 1));
    assert_true(mmusim__mmu_probe(ahead->mmu, ACCESS_LOAD, page(1), &data));
}

/* peers.md, V2: entries of the prefetch queue survived an invalidation. */
static void pitfall_v2_an_invalidation_drops_buffered_entries(void **state)
{
    struct ahead *ahead = *state;

    train(ahead, 0);
    small_drain(ahead->small);
    drop(ahead, 1);
    assert_false(is_buffered(ahead, 1));
}

static void pitfall_v2_an_invalidation_poisons_a_prefetch_walk(void **state)
{
    struct ahead *ahead = *state;

    train(ahead, 0);
    drop(ahead, 1);
    small_drain(ahead->small);
    assert_false(is_buffered(ahead, 1));
    assert_int_equal(ahead->mmu->counters.poisoned, 1);
}

static void a_page_that_is_absent_is_given_up_without_a_fault(void **state)
{
    struct ahead *ahead = *state;

    unmap(ahead, 1, 0);
    train(ahead, 0);
    small_drain(ahead->small);
    assert_int_equal(ahead->mmu->prefetcher.buffer.n_valid, 0);
    assert_int_equal(ahead->small->cpus[0].n_answers, 0);
}

/* SDM vol. 3A 4.10.2.3: not cached, and A stays clear. */
static void a_page_never_accessed_stays_so(void **state)
{
    struct ahead *ahead = *state;
    const struct pt_format *format = ahead->small->shared.format;
    uint64_t word =
        format->make_leaf(format, (pfn_t){0x77}, 0, TLB_READ | TLB_USER, false);

    unmap(ahead, 1, word);
    train(ahead, 0);
    small_drain(ahead->small);
    assert_int_equal(ahead->mmu->prefetcher.buffer.n_valid, 0);
    assert_int_equal(
        mmusim__pt_read(
            ahead->small->shared.tables,
            small_entry_paddr(ahead->small, ahead->mm.root, page(1), 0)),
        word);
}

static void without_a_free_walker_nothing_is_prefetched(void **state)
{
    struct ahead *ahead = *state;
    struct walk_request requests[2] = {
        {.vaddr = page(4), .kind = ACCESS_LOAD},
        {.vaddr = page(6), .kind = ACCESS_LOAD},
    };

    for (uint32_t i = 0; i < 2; i++)
        mmusim__walk_ask(ahead->mmu, &requests[i], 0);
    train(ahead, 0);
    assert_int_equal(ahead->mmu->counters.prefetches, 0);
    small_drain(ahead->small);
}

/* The access comes while its page is being walked for: it joins the walk, which
 * then sets A and faults as any. */
static void a_demand_joins_the_walk_ahead_of_it(void **state)
{
    struct ahead *ahead = *state;
    const struct pt_format *format = ahead->small->shared.format;
    struct walk_request request = {.vaddr = page(1), .kind = ACCESS_LOAD};

    unmap(ahead, 1,
          format->make_leaf(format, (pfn_t){0x77}, 0, TLB_READ | TLB_USER,
                            false));
    train(ahead, 0);
    mmusim__walk_ask(ahead->mmu, &request, 0);
    small_drain(ahead->small);
    assert_int_equal(ahead->small->cpus[0].outcome, WALK_FILLED);
    assert_int_equal(ahead->mmu->counters.walks, 1);
    assert_int_equal(ahead->mmu->counters.merged, 1);
    assert_false(is_buffered(ahead, 1));
}

static void a_speculative_walk_fills_the_tlbs(void **state)
{
    struct ahead *ahead = *state;
    tlb_data_t data;

    assert_true(mmusim__speculate(ahead->mmu, page(3), 0));
    small_drain(ahead->small);
    assert_true(mmusim__mmu_probe(ahead->mmu, ACCESS_LOAD, page(3), &data));
    assert_false(mmusim__speculate(ahead->mmu, page(3), 0));
}

/* ---- whole runs ---- */

/* Two rounds over more pages than the TLBs hold: on the second, each page but
 * the first has been fetched by the one before. */
static void a_round_in_sequence_misses_once(void **state)
{
    struct run_fixture *fixture = run_fixture_create(1);
    struct machine_config *config = &fixture->config;

    (void) state;
    config->tlb[TLB_L1D].n_arrays = config->tlb[TLB_L2].n_arrays = 1;
    config->tlb[TLB_L1D].arrays[0].n_entries = 4;
    config->tlb[TLB_L1D].arrays[0].n_ways = 4;
    config->tlb[TLB_L2].arrays[0].n_entries = 8;
    config->tlb[TLB_L2].arrays[0].n_ways = 8;
    strcpy(config->prefetch.policy, "next-page");
    program_say(fixture->program, "1 mmap 0x%x 0x40000 rw-\n", BASE);
    for (uint32_t i = 0; i < 128; i++)
        program_say(fixture->program, "1 w 0x%llx\n1 n 2000\n",
                    (unsigned long long) page(i % 64));
    run_fixture_run(fixture);
    assert_int_equal(run_stat(&fixture->run, "llt.misses"), 64 + 1);
    assert_int_equal(run_stat(&fixture->run, "prefetch.hits"), 63);
    assert_int_equal(run_stat(&fixture->run, "cycles.l2_tlb"),
                     63 * config->prefetch.hit_cycles);
    run_fixture_destroy(fixture);
}

static void speculation_is_seen_in_its_statistic(void **state)
{
    struct run_fixture *fixture = run_fixture_create(1);

    (void) state;
    fixture->config.speculation.fills_per_million = 10000;
    program_say(fixture->program, "1 mmap 0x%x 0x40000 rw-\n", BASE);
    for (uint32_t i = 0; i < 128; i++)
        program_say(fixture->program, "1 w 0x%llx\n1 n 100\n",
                    (unsigned long long) page(i % 2 ? i % 64 : 0));
    run_fixture_run(fixture);
    assert_true(run_stat(&fixture->run, "walker.speculative") > 10);
    assert_true(run_stat(&fixture->run, "walker.speculative") < 300);
    run_fixture_destroy(fixture);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stride_expects_a_distance_seen_twice),
        cmocka_unit_test(distance_learns_what_follows_a_distance),
        cmocka_unit_test(distance_keeps_the_two_that_followed_last),
        TEST(the_next_page_goes_to_the_buffer),
        TEST(a_hit_moves_the_entry_into_the_tlbs),
        TEST(pitfall_v2_an_invalidation_drops_buffered_entries),
        TEST(pitfall_v2_an_invalidation_poisons_a_prefetch_walk),
        TEST(a_page_that_is_absent_is_given_up_without_a_fault),
        TEST(a_page_never_accessed_stays_so),
        TEST(without_a_free_walker_nothing_is_prefetched),
        TEST(a_demand_joins_the_walk_ahead_of_it),
        TEST(a_speculative_walk_fills_the_tlbs),
        cmocka_unit_test(a_round_in_sequence_misses_once),
        cmocka_unit_test(speculation_is_seen_in_its_statistic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
