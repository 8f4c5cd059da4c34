/* SPDX-License-Identifier: MIT */
/* TLB arrays that are no plain sets of ways: folded and skewed indices, ways by
 * page size, bounded contexts, coalesced entries, serial probing. */
#include "core/arena.h"
#include "core/rng.h"
#include "tlb/tlb_array_inline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct arena arena;
    struct rng rng;
    struct tlb_array array;
    uint32_t lost[64]; /* ids of entries that went with their context */
    uint32_t n_lost;
};

static int setup(void **state)
{
    static struct fixture fixture;

    fixture.n_lost = 0;
    mmusim__arena_init(&fixture.arena);
    mmusim__rng_init(&fixture.rng, 1, 1);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    mmusim__arena_fini(&f->arena);
    return 0;
}

static struct tlb_array *build(struct fixture *f,
                               struct tlb_array_config config)
{
    if (!config.replacement[0])
        snprintf(config.replacement, sizeof(config.replacement), "lru");
    if (!config.n_orders)
        config.n_orders = 1;
    assert_int_equal(
        mmusim__tlb_array_init(&f->array, &config, &f->rng, &f->arena),
        MMUSIM_OK);
    return &f->array;
}

static struct tlb_removed insert(struct tlb_array *array, uint64_t vpn,
                                 uint32_t order, uint16_t asid)
{
    struct tlb_removed removed;

    mmusim__tlb_array_insert(array, tlb_key((vpn_t){vpn}, order, asid, false),
                             vpn << 12, (uint32_t) vpn, &removed);
    return removed;
}

static bool holds(const struct tlb_array *array, uint64_t vpn, uint16_t asid)
{
    return mmusim__tlb_array_probe(array, (vpn_t){vpn}, asid) != TLB_NO_SLOT;
}

/* Bits a to b of a number. */
static uint64_t bits(uint64_t number, uint32_t a, uint32_t b)
{
    return number >> a & ((UINT64_C(1) << (b - a + 1)) - 1);
}

static void xor_takes_two_groups_and_xor_fold_all(void **state)
{
    struct fixture *f = *state;

    for (uint32_t i = 0; i < 1000; i++) {
        uint64_t page = mmusim__rng_next(&f->rng) >> 19; /* 45 bits */
        uint64_t two = bits(page, 0, 6) ^ bits(page, 7, 13);
        uint64_t all = two ^ bits(page, 14, 20) ^ bits(page, 21, 27) ^
                       bits(page, 28, 34) ^ bits(page, 35, 41) ^
                       bits(page, 42, 44);
        struct tlb_array_config config = {.n_entries = 256, .n_ways = 2};

        config.index = TLB_INDEX_XOR; /* Skylake's "XOR-7" */
        assert_int_equal(tlb_array_set_of(build(f, config), page), two);
        config.index = TLB_INDEX_FOLD;
        assert_int_equal(tlb_array_set_of(build(f, config), page), all);
    }
}

/* 32 pages at a stride that leaves the low bits alone: too many for the ways of
 * one set, few enough for two ways of 64 hashed ones each. */
static uint32_t kept_of_a_stride(struct fixture *f, enum tlb_index index)
{
    struct tlb_array_config config = {
        .n_entries = 128, .n_ways = 2, .index = index};
    struct tlb_array *array = build(f, config);
    uint32_t n_kept = 0;

    for (uint64_t i = 0; i < 32; i++)
        insert(array, i * 64, 0, 1);
    for (uint64_t i = 0; i < 32; i++)
        n_kept += holds(array, i * 64, 1);
    return n_kept;
}

static void a_power_of_two_stride_conflicts_only_where_bits_index(void **state)
{
    assert_int_equal(kept_of_a_stride(*state, TLB_INDEX_BITS), 2);
    assert_int_equal(kept_of_a_stride(*state, TLB_INDEX_XOR), 32);
    assert_int_equal(kept_of_a_stride(*state, TLB_INDEX_FOLD), 32);
    assert_int_equal(kept_of_a_stride(*state, TLB_INDEX_SKEWED), 32);
}

/* Seznec's point: pages that fight for a slot in one way do not in another.
 * Five pages with one fold of all their groups overflow four ways where the
 * fold indexes them, and find room where each way has its own hash. */
static void
pages_that_collide_in_one_way_of_a_skewed_array_part_in_others(void **state)
{
    static const enum tlb_index indices[] = {TLB_INDEX_FOLD, TLB_INDEX_SKEWED};

    for (size_t i = 0; i < 2; i++) {
        struct tlb_array_config config = {
            .n_entries = 64, .n_ways = 4, .index = indices[i]};
        struct tlb_array *array = build(*state, config);

        for (uint64_t page = 0; page < 5; page++)
            insert(array, page << 4 | page, 0, 1);
        assert_int_equal(array->evictions, indices[i] == TLB_INDEX_FOLD);
    }
}

static void skewed_array_takes_less_than_its_size_only_by_chance(void **state)
{
    struct tlb_array_config config = {
        .n_entries = 1024, .n_ways = 8, .index = TLB_INDEX_SKEWED};
    struct tlb_array *array = build(*state, config);

    for (uint64_t page = 0; page < 512; page++)
        insert(array, page * 4099, 0, 1);
    assert_true(array->evictions < 8);
}

/* Zen 4's L2 DTLB: CPUID says 3072 entries, 8 ways, for 4K, and 3072, 6 ways,
 * for 2M (InstLatx64, Genoa 9654): either size alone fills all entries, and no
 * more of its pages than its ways fight for one place. */
static void each_size_of_ways_by_size_can_fill_the_array(void **state)
{
    static const uint32_t orders[] = {PAGE_ORDER_4K, PAGE_ORDER_2M};
    static const uint16_t ways[] = {8, 6};

    for (size_t i = 0; i < 2; i++) {
        struct tlb_array_config config = {
            .n_entries = 3072,
            .n_ways = 24,
            .n_orders = 2,
            .orders = {PAGE_ORDER_4K, PAGE_ORDER_2M},
            .n_size_ways = 2,
            .size_orders = {PAGE_ORDER_4K, PAGE_ORDER_2M},
            .size_ways = {8, 6},
            .size_first_way = {TLB_ANY_RUN, TLB_ANY_RUN},
        };
        struct tlb_array *array = build(*state, config);
        uint32_t n_places = 3072 / ways[i];

        for (uint64_t page = 0; page < 3072; page++)
            insert(array, page << orders[i], orders[i], 1);
        assert_int_equal(array->evictions, 0);
        assert_int_equal(array->n_valid, 3072);

        array = build(*state, config);
        for (uint64_t page = 0; page <= ways[i]; page++)
            insert(array, page * n_places << orders[i], orders[i], 1);
        assert_int_equal(array->evictions, 1);
        assert_int_equal(array->n_valid, ways[i]);
    }
}

/* Sizes share the ways: neither keeps the other out. */
static void sizes_compete_for_the_ways_they_share(void **state)
{
    struct tlb_array_config config = {
        .n_entries = 12,
        .n_ways = 12,
        .n_orders = 2,
        .orders = {PAGE_ORDER_4K, PAGE_ORDER_2M},
        .n_size_ways = 2,
        .size_orders = {PAGE_ORDER_4K, PAGE_ORDER_2M},
        .size_ways = {6, 3},
        .size_first_way = {TLB_ANY_RUN, TLB_ANY_RUN},
    };
    struct tlb_array *array = build(*state, config);

    for (uint64_t page = 0; page < 12; page++)
        insert(array, page, PAGE_ORDER_4K, 1);
    assert_int_equal(insert(array, 4 * 512, PAGE_ORDER_2M, 1).id, 0);
    assert_int_equal(array->n_valid, 12);
}

/* Ice Lake's second level: 1024 entries of 8 ways for 4K and 2M, as many for 4K
 * and 1G (CPUID leaf 18H): 2048 for 4K, 1024 for each other size. */
static void fixed_ways_are_a_pair_of_arrays(void **state)
{
    static const struct {
        uint32_t order, n_entries;
    } sizes[] = {{0, 2048}, {9, 1024}, {18, 1024}};

    for (size_t i = 0; i < 3; i++) {
        struct tlb_array_config config = {
            .n_entries = 2048,
            .n_ways = 16,
            .n_orders = 3,
            .orders = {0, 9, 18},
            .n_size_ways = 2,
            .size_orders = {9, 18},
            .size_ways = {8, 8},
            .size_first_way = {0, 8},
        };
        struct tlb_array *array = build(*state, config);

        for (uint64_t page = 0; page < 3000; page++)
            insert(array, page << sizes[i].order, sizes[i].order, 1);
        assert_int_equal(array->n_valid, sizes[i].n_entries);
        if (i) /* the other size finds its ways free */
            insert(array, 5 << 18, i == 1 ? 18 : 9, 1);
        assert_int_equal(array->n_valid, sizes[i].n_entries + !!i);
    }
}

static void lose(void *context, const struct tlb_removed *entry)
{
    struct fixture *f = context;

    assert_true(f->n_lost < 64);
    f->lost[f->n_lost++] = entry->id;
}

static struct tlb_array *build_bounded(struct fixture *f, uint32_t max)
{
    struct tlb_array_config config = {
        .n_entries = 64, .n_ways = 64, .max_contexts = max};
    struct tlb_array *array = build(f, config);

    mmusim__tlb_array_on_context_lost(array, lose, f);
    return array;
}

/*
 * The PCID slots of Skylake's STLB, TLB;DR artefact, TLB/README.md, sample
 * output 16 and 19. Four PCIDs are loaded, 3 first and 0 last, one is loaded
 * again, then fresh ones: vector [i] names, by age, who is the i-th youngest.
 * The oldest goes first.
 */
static void context_slots_are_those_measured_on_skylake(void **state)
{
    static const uint16_t vectors[4][4] = {
        {0, 1, 2, 3}, {1, 0, 2, 3}, {2, 0, 1, 3}, {3, 0, 1, 2}};
    struct fixture *f = *state;

    for (uint16_t again = 0; again < 4; again++) {
        struct tlb_array *array = build_bounded(f, 4);

        f->n_lost = 0;
        for (uint16_t pcid = 4; pcid-- > 0;) {
            mmusim__tlb_array_use_context(array, pcid);
            insert(array, pcid, 0, pcid);
        }
        assert_int_equal(f->n_lost, 0);
        mmusim__tlb_array_use_context(array, again);
        for (uint16_t fresh = 0; fresh < 4; fresh++) {
            mmusim__tlb_array_use_context(array, (uint16_t) (10 + fresh));
            assert_int_equal(f->n_lost, fresh + 1);
            assert_int_equal(f->lost[fresh], vectors[again][3 - fresh]);
        }
        assert_int_equal(array->n_valid, 0);
    }
}

static void one_context_means_that_a_switch_empties_the_array(void **state)
{
    struct fixture *f = *state;
    struct tlb_array *array = build_bounded(f, 1);
    struct tlb_removed removed;

    insert(array, 5, 0, 1);
    insert(array, 6, 0, 1);
    mmusim__tlb_array_insert(array, tlb_key((vpn_t){7}, 0, 1, true), 0, 7,
                             &removed);
    mmusim__tlb_array_use_context(array, 1);
    assert_int_equal(array->n_valid, 3);
    mmusim__tlb_array_use_context(array, 2);
    assert_int_equal(f->n_lost, 2);
    assert_true(holds(array, 7, 2)); /* a global entry is nobody's */
    assert_int_equal(array->n_valid, 1);
}

/* Also without notice of a switch the bound holds: a fill counts as use. */
static void fills_keep_the_bound_by_themselves(void **state)
{
    struct fixture *f = *state;
    struct tlb_array *array = build_bounded(f, 2);

    for (uint16_t asid = 0; asid < 50; asid++) {
        insert(array, asid, 0, asid);
        assert_int_equal(array->n_valid, asid ? 2 : 1);
    }
    assert_int_equal(f->n_lost, 48);
    assert_int_equal(array->evictions, 0);
}

static void coalesced_entry_gives_all_its_translations_back(void **state)
{
    struct tlb_array_config config = {.n_entries = 1,
                                      .n_ways = 1,
                                      .n_orders = 2,
                                      .orders = {0, 2},
                                      .ids_per_slot = 4};
    struct tlb_array *array = build(*state, config);
    uint32_t ids[] = {11, 12, 13};
    struct tlb_coalesced run = {tlb_key((vpn_t){4}, 2, 1, false), 0, ids, 3};
    struct tlb_removed removed;

    mmusim__tlb_array_insert_run(array, &run, &removed);
    assert_int_equal(removed.key, 0);
    assert_true(holds(array, 7, 1));
    assert_int_equal(tlb_array_ids(array, 0)[2], 13);
    removed = insert(array, 9, 0, 1);
    assert_int_equal(removed.id, 11);
    assert_int_equal(removed.n_more, 3);
    assert_int_equal(removed.more[0], 12);
    assert_int_equal(removed.more[1], 13);
    assert_int_equal(removed.more[2], 0);
    assert_int_equal(tlb_array_ids(array, 0)[1], 0);
}

static void serial_probing_costs_per_size_before_the_hit(void **state)
{
    struct tlb_array_config config = {.n_entries = 16,
                                      .n_ways = 4,
                                      .n_orders = 3,
                                      .orders = {0, 9, 18},
                                      .probe_cycles = 5};
    struct tlb_array *array = build(*state, config);

    for (uint32_t i = 0; i < 3; i++) {
        uint64_t vpn = (uint64_t) (i + 1) << 30;

        insert(array, vpn, config.orders[i], 1);
        assert_int_equal(
            mmusim__tlb_array_probe_time(
                array, mmusim__tlb_array_probe(array, (vpn_t){vpn}, 1)),
            5 * i);
    }
    assert_int_equal(mmusim__tlb_array_probe_time(array, TLB_NO_SLOT), 10);
    config.probe_cycles = 0;
    array = build(*state, config);
    assert_int_equal(mmusim__tlb_array_probe_time(array, TLB_NO_SLOT), 0);
}

static bool use(struct tlb_array *array, uint64_t page)
{
    if (tlb_array_lookup(array, (vpn_t){page}, 1) != TLB_NO_SLOT)
        return true;
    insert(array, page, 0, 1);
    return false;
}

/* The mixed access pattern of Jaleel et al., ISCA 2010, figure 2: two pages in
 * use, a scan of as many as there are ways, the two pages again. LRU and NRU
 * have lost them, SRRIP has not. (The paper's pattern a1 a2 a2 a1 would be one
 * use less here: repl_srrip.c.) */
static void only_srrip_keeps_what_is_in_use_over_a_scan(void **state)
{
    static const char *const names[] = {"lru", "nru", "srrip"};
    static const uint64_t pattern[] = {1, 2, 1, 2, 11, 12, 13, 14};

    for (size_t i = 0; i < 3; i++) {
        struct tlb_array_config config = {.n_entries = 4, .n_ways = 4};
        bool is_srrip = i == 2;
        struct tlb_array *array;

        snprintf(config.replacement, sizeof(config.replacement), "%s",
                 names[i]);
        array = build(*state, config);
        for (size_t k = 0; k < 8; k++)
            assert_int_equal(use(array, pattern[k]), k == 2 || k == 3);
        assert_int_equal(use(array, 1), is_srrip);
        assert_int_equal(use(array, 2), is_srrip);
    }
}

static void invalidate_page(struct tlb_array *array, uint64_t vpn)
{
    struct inval inval = {.has_range = true,
                          .vpn = {vpn},
                          .n_pages = 1,
                          .has_asid = true,
                          .asid = 1,
                          .hits_nonglobals = true};

    assert_int_equal(
        mmusim__tlb_array_invalidate(array, &inval, false, NULL, NULL), 1);
}

/* SST samba stops at the first way with the tag even if it is invalid: the page
 * is entered twice and never found. */
static void
pitfall_s3_an_invalid_way_that_had_the_page_does_not_hide_it(void **state)
{
    struct tlb_array_config config = {.n_entries = 4, .n_ways = 4};
    struct tlb_array *array = build(*state, config);

    for (uint64_t vpn = 1; vpn <= 4; vpn++)
        insert(array, vpn, 0, 1);
    invalidate_page(array, 2);
    assert_false(holds(array, 2, 1));
    invalidate_page(array, 1);
    insert(array, 2, 0, 1); /* into way 0; way 1 had it */
    assert_true(holds(array, 2, 1));
    insert(array, 2, 0, 1);
    assert_int_equal(array->n_valid, 3);
}

/* SST vanadis draws its victim from all ways, though some are empty. */
static void pitfall_s5_random_victims_wait_for_the_last_empty_way(void **state)
{
    static const enum tlb_index indices[] = {TLB_INDEX_BITS, TLB_INDEX_SKEWED};

    for (size_t i = 0; i < 2; i++) {
        struct tlb_array_config config = {.n_entries = 256,
                                          .n_ways = 4,
                                          .replacement = "random",
                                          .index = indices[i]};
        struct tlb_array *array = build(*state, config);

        for (uint64_t n = 0; n < 4; n++)
            insert(array, n * 64, 0, 1);
        assert_int_equal(array->n_valid, 4);
        for (uint64_t n = 0; n < 100; n++) {
            invalidate_page(array, n % 4 * 64);
            insert(array, n % 4 * 64, 0, 1);
        }
        assert_int_equal(array->evictions, 0);
    }
}

/* Everything optional at once, each allocation in turn. */
static void init_without_memory_leaves_the_array_untouched(void **state)
{
    static const struct tlb_array untouched = {.n_ways = 99};
    struct tlb_array_config config = {.n_entries = 64,
                                      .n_ways = 4,
                                      .n_orders = 1,
                                      .replacement = "lru",
                                      .index = TLB_INDEX_SKEWED,
                                      .max_contexts = 4,
                                      .ids_per_slot = 4};
    struct fixture *f = *state;
    mmusim_status_t status = MMUSIM_NOMEM;
    int64_t n_allowed = 0;

    for (;; n_allowed++) {
        f->array = untouched;
        f->arena.fail_after = n_allowed;
        status = mmusim__tlb_array_init(&f->array, &config, &f->rng, &f->arena);
        if (!status)
            break;
        assert_int_equal(status, MMUSIM_NOMEM);
        assert_memory_equal(&f->array, &untouched, sizeof(untouched));
    }
    assert_int_equal(n_allowed, 9);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(xor_takes_two_groups_and_xor_fold_all),
        TEST(a_power_of_two_stride_conflicts_only_where_bits_index),
        TEST(pages_that_collide_in_one_way_of_a_skewed_array_part_in_others),
        TEST(skewed_array_takes_less_than_its_size_only_by_chance),
        TEST(each_size_of_ways_by_size_can_fill_the_array),
        TEST(sizes_compete_for_the_ways_they_share),
        TEST(fixed_ways_are_a_pair_of_arrays),
        TEST(context_slots_are_those_measured_on_skylake),
        TEST(one_context_means_that_a_switch_empties_the_array),
        TEST(fills_keep_the_bound_by_themselves),
        TEST(coalesced_entry_gives_all_its_translations_back),
        TEST(serial_probing_costs_per_size_before_the_hit),
        TEST(only_srrip_keeps_what_is_in_use_over_a_scan),
        TEST(pitfall_s3_an_invalid_way_that_had_the_page_does_not_hide_it),
        TEST(pitfall_s5_random_victims_wait_for_the_last_empty_way),
        TEST(init_without_memory_leaves_the_array_untouched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
