/* SPDX-License-Identifier: MIT */
/* One behaviour of a TLB array, or of a replacement policy, at a time; long
 * random runs are in tests/property/test_tlb_vs_list.c. */
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
};

static int setup(void **state)
{
    static struct fixture fixture;

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

static struct tlb_array_config config_of(uint32_t n_entries, uint32_t n_ways,
                                         const char *replacement)
{
    struct tlb_array_config config = {
        .n_entries = n_entries,
        .n_ways = n_ways,
        .n_orders = 2,
        .orders = {PAGE_ORDER_4K, PAGE_ORDER_2M},
        .hit_cycles = 7,
    };

    snprintf(config.replacement, sizeof(config.replacement), "%s", replacement);
    return config;
}

static struct tlb_array *build(struct fixture *f, uint32_t n_entries,
                               uint32_t n_ways, const char *replacement)
{
    struct tlb_array_config config = config_of(n_entries, n_ways, replacement);

    assert_int_equal(
        mmusim__tlb_array_init(&f->array, &config, &f->rng, &f->arena),
        MMUSIM_OK);
    return &f->array;
}

static struct tlb_removed insert(struct tlb_array *array, uint64_t vpn,
                                 uint32_t order)
{
    struct tlb_removed removed;

    mmusim__tlb_array_insert(array, tlb_key((vpn_t){vpn}, order, 1, false),
                             vpn << 12, (uint32_t) vpn, &removed);
    return removed;
}

static bool holds(const struct tlb_array *array, uint64_t vpn)
{
    return mmusim__tlb_array_probe(array, (vpn_t){vpn}, 1) != TLB_NO_SLOT;
}

static void impossible_geometry_is_refused_with_a_reason(void **state)
{
    static const struct {
        uint32_t n_entries, n_ways;
        const char *replacement, *reason;
    } cases[] = {
        {0, 1, "lru", "entries must be 1 to"},
        {1U << 31, 1, "lru", "entries must be 1 to"},
        {64, 0, "lru", "ways must be"},
        {65536, 65536, "lru", "ways must be"},
        {65, 4, "lru", "multiple of ways"},
        {48, 4, "lru", "power of two"},
        {72, 72, "plru", "plru needs"},
        {128, 128, "plru", "plru needs"},
        {64, 8, "plru12", "plru12 needs 12 ways"},
        {24, 24, "plru12", "plru12 needs 12 ways"},
        {64, 4, "mru", "no such policy"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tlb_array_config config = config_of(
            cases[i].n_entries, cases[i].n_ways, cases[i].replacement);
        const char *reason = mmusim__tlb_array_refuses(&config);

        assert_non_null(reason);
        assert_non_null(strstr(reason, cases[i].reason));
        assert_int_equal(
            mmusim__tlb_array_init(&f->array, &config, &f->rng, &f->arena),
            MMUSIM_CONFIG);
    }
}

static const char *refusal(const struct tlb_array_config *config)
{
    const char *reason = mmusim__tlb_array_refuses(config);

    return reason ? reason : "nothing";
}

static void skewed_arrays_need_a_hash_for_each_way(void **state)
{
    static const struct {
        uint32_t n_sets, n_ways;
        const char *reason;
    } cases[] = {{4, 3, "nothing"},         {4, 4, "hash of its own"},
                 {16, 15, "nothing"},       {16, 16, "hash of its own"},
                 {32, 21, "nothing"},       {32, 22, "hash of its own"},
                 {64, 1, "2 ways or more"}, {2, 2, "hash of its own"},
                 {1, 8, "hash of its own"}, {128, 24, "nothing"},
                 {4096, 16, "32768"}};

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tlb_array_config config = config_of(
            cases[i].n_sets * cases[i].n_ways, cases[i].n_ways, "lru");

        config.index = TLB_INDEX_SKEWED;
        assert_non_null(strstr(refusal(&config), cases[i].reason));
    }
}

/* Their state belongs to whole sets. */
static void some_policies_cannot_be_skewed_nor_split(void **state)
{
    const struct repl_ops *ops;

    (void) state;
    for (size_t i = 0; (ops = mmusim__repl_at(i)); i++) {
        bool is_possible = !strcmp(ops->name, "lru") ||
                           !strcmp(ops->name, "nru") ||
                           !strcmp(ops->name, "random");
        const char *reason = is_possible ? "nothing" : "lru, nru or random";
        struct tlb_array_config config = config_of(64 * 12, 12, ops->name);

        config.index = TLB_INDEX_SKEWED;
        assert_non_null(strstr(refusal(&config), reason));
        config.index = TLB_INDEX_BITS;
        config.n_size_ways = 1;
        config.size_ways[0] = 4;
        config.size_first_way[0] = TLB_ANY_RUN;
        assert_non_null(strstr(refusal(&config), reason));
    }
}

static void impossible_ways_by_size_are_refused(void **state)
{
    static const struct {
        uint32_t n;
        uint8_t orders[2];
        uint16_t ways[2];
        uint16_t first_way; /* of the first size; 0: any */
        const char *reason;
    } cases[] = {{2, {0, 9}, {8, 6}, 0, "nothing"},
                 {1, {0}, {7}, 17, "nothing"},
                 {1, {0}, {8}, 17, "must lie within"},
                 {1, {9}, {24}, 0, "nothing"},
                 {1, {18}, {8}, 0, "page_sizes does not"},
                 {2, {9, 0}, {8, 6}, 0, "ascend"},
                 {2, {0, 0}, {8, 6}, 0, "ascend"},
                 {1, {0}, {0}, 0, "1 way to all"},
                 {1, {0}, {48}, 0, "1 way to all"},
                 {1, {0}, {7}, 0, "must divide ways"},
                 {9, {0}, {8}, 0, "at most 8"}};

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tlb_array_config config = config_of(3072, 24, "lru");

        config.n_size_ways = cases[i].n;
        memcpy(config.size_orders, cases[i].orders, 2);
        memcpy(config.size_ways, cases[i].ways, sizeof(cases[i].ways));
        config.size_first_way[1] = TLB_ANY_RUN;
        config.size_first_way[0] =
            cases[i].first_way ? cases[i].first_way : TLB_ANY_RUN;
        assert_non_null(strstr(refusal(&config), cases[i].reason));
    }
}

static void other_impossible_arrays_are_refused(void **state)
{
    struct tlb_array_config config = config_of(64, 4, "lru");

    (void) state;
    config.index = TLB_INDEX_COUNT;
    assert_non_null(strstr(refusal(&config), "index"));
    config = config_of(64, 4, "lru");
    config.max_contexts = TLB_MAX_HELD + 1;
    assert_non_null(strstr(refusal(&config), "max_contexts"));
    config = config_of(64, 4, "lru");
    config.ids_per_slot = TLB_MAX_IDS + 1;
    assert_non_null(strstr(refusal(&config), "at most 16"));
    config = config_of(64, 4, "lru");
    config.probe_cycles = 1;
    assert_string_equal(refusal(&config), "nothing");
    config.n_orders = 1;
    assert_non_null(strstr(refusal(&config), "several page_sizes"));
}

static void page_sizes_must_ascend_and_be_one_to_eight(void **state)
{
    struct tlb_array_config config = config_of(64, 4, "lru");

    (void) state;
    assert_null(mmusim__tlb_array_refuses(&config));
    config.orders[1] = config.orders[0];
    assert_non_null(mmusim__tlb_array_refuses(&config));
    config.orders[1] = 37;
    assert_non_null(mmusim__tlb_array_refuses(&config));
    config.n_orders = 9;
    assert_non_null(mmusim__tlb_array_refuses(&config));
    config.n_orders = 0;
    assert_non_null(mmusim__tlb_array_refuses(&config));
}

static void name_without_an_end_is_no_policy(void **state)
{
    struct tlb_array_config config = config_of(64, 4, "lru");

    (void) state;
    memset(config.replacement, 'l', sizeof(config.replacement));
    assert_non_null(mmusim__tlb_array_refuses(&config));
}

static void geometries_of_real_machines_are_accepted(void **state)
{
    static const struct {
        uint32_t n_entries, n_ways;
        const char *replacement;
    } cases[] = {{64, 4, "plru"},  {1536, 12, "lru"}, {72, 72, "lru"},
                 {64, 64, "plru"}, {16, 4, "lru"},    {96, 96, "fifo"},
                 {1, 1, "random"}};

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tlb_array_config config = config_of(
            cases[i].n_entries, cases[i].n_ways, cases[i].replacement);

        assert_null(mmusim__tlb_array_refuses(&config));
    }
}

/* An array of few ways and one that hashes, each allocation in turn. */
static void init_without_memory_leaves_the_array_untouched(void **state)
{
    static const struct tlb_array untouched = {.n_ways = 99};
    struct fixture *f = *state;

    for (uint32_t ways = 4; ways <= 64; ways *= 16) {
        struct tlb_array_config config = config_of(64, ways, "lru");
        mmusim_status_t status = MMUSIM_NOMEM;
        int64_t n_allowed = 0;

        for (; status; n_allowed++) {
            f->array = untouched;
            f->arena.fail_after = n_allowed;
            status =
                mmusim__tlb_array_init(&f->array, &config, &f->rng, &f->arena);
            if (!status)
                break;
            assert_int_equal(status, MMUSIM_NOMEM);
            assert_memory_equal(&f->array, &untouched, sizeof(untouched));
        }
        assert_int_equal(n_allowed, ways == 4 ? 4 : 6);
        assert_int_equal(f->array.n_ways, ways);
    }
}

static void lowest_invalid_way_is_filled_before_any_entry_goes(void **state)
{
    struct tlb_array *array = build(*state, 4, 4, "lru");
    struct inval inval = {
        .has_range = true, .vpn = {11}, .n_pages = 2, .hits_nonglobals = true};

    for (uint64_t vpn = 10; vpn < 14; vpn++)
        assert_int_equal(insert(array, vpn, 0).key, 0);
    assert_int_equal(
        mmusim__tlb_array_invalidate(array, &inval, false, NULL, NULL), 2);
    assert_int_equal(insert(array, 20, 0).key, 0);
    assert_int_equal(tlb_key_vpn(array->keys[1]), 20);
    assert_int_equal(insert(array, 21, 0).key, 0);
    assert_int_equal(tlb_key_vpn(array->keys[2]), 21);
    assert_int_equal(insert(array, 22, 0).id, 10);
    assert_int_equal(array->evictions, 1);
}

static void same_key_again_is_an_update_not_an_eviction(void **state)
{
    struct tlb_array *array = build(*state, 4, 4, "lru");
    struct tlb_removed removed;
    uint64_t key = tlb_key((vpn_t){5}, 0, 1, false);

    mmusim__tlb_array_insert(array, key, 0x1000, 31, &removed);
    mmusim__tlb_array_insert(array, key, 0x2000, 32, &removed);
    assert_int_equal(removed.key, key);
    assert_int_equal(removed.data, 0x1000);
    assert_int_equal(removed.id, 31);
    assert_int_equal(array->n_valid, 1);
    assert_int_equal(array->evictions, 0);
    assert_int_equal(array->data[mmusim__tlb_array_probe(array, (vpn_t){5}, 1)],
                     0x2000);
}

static void small_page_is_found_before_the_large_one_around_it(void **state)
{
    struct tlb_array *array = build(*state, 16, 4, "lru");

    insert(array, 512, PAGE_ORDER_2M);
    insert(array, 515, PAGE_ORDER_4K);
    assert_int_equal(array->ids[tlb_array_lookup(array, (vpn_t){515}, 1)], 515);
    assert_int_equal(array->ids[tlb_array_lookup(array, (vpn_t){516}, 1)], 512);
    assert_int_equal(tlb_array_lookup(array, (vpn_t){511}, 1), TLB_NO_SLOT);
}

static void global_entry_is_found_by_every_asid(void **state)
{
    struct tlb_array *array = build(*state, 16, 4, "lru");
    struct tlb_removed removed;

    mmusim__tlb_array_insert(array, tlb_key((vpn_t){3}, 0, 1, true), 0, 8,
                             &removed);
    assert_int_not_equal(tlb_array_lookup(array, (vpn_t){3}, 1), TLB_NO_SLOT);
    assert_int_not_equal(tlb_array_lookup(array, (vpn_t){3}, 9), TLB_NO_SLOT);
    insert(array, 4, 0);
    assert_int_equal(tlb_array_lookup(array, (vpn_t){4}, 9), TLB_NO_SLOT);
}

static void psc_rule_of_invlpg_empties_the_asid_alone(void **state)
{
    struct tlb_array *array = build(*state, 16, 4, "lru");
    struct inval inval = {.has_range = true,
                          .vpn = {7},
                          .n_pages = 1,
                          .has_asid = true,
                          .asid = 1,
                          .hits_nonglobals = true,
                          .psc = INVAL_PSC_ASID};
    struct tlb_removed removed;

    insert(array, 512, PAGE_ORDER_2M);
    insert(array, 1024, PAGE_ORDER_2M);
    mmusim__tlb_array_insert(
        array, tlb_key((vpn_t){512}, PAGE_ORDER_2M, 2, false), 0, 3, &removed);
    inval.psc = INVAL_PSC_KEEP;
    assert_int_equal(
        mmusim__tlb_array_invalidate(array, &inval, true, NULL, NULL), 0);
    inval.psc = INVAL_PSC_ASID;
    assert_int_equal(
        mmusim__tlb_array_invalidate(array, &inval, true, NULL, NULL), 2);
    assert_int_equal(array->n_valid, 1);
}

static void lru_victim_is_the_least_recently_used(void **state)
{
    struct tlb_array *array = build(*state, 4, 4, "lru");

    for (uint64_t vpn = 0; vpn < 4; vpn++)
        insert(array, vpn, 0);
    (void) tlb_array_lookup(array, (vpn_t){0}, 1);
    assert_int_equal(insert(array, 9, 0).id, 1);
}

static void fifo_victim_is_the_first_in_however_much_used(void **state)
{
    struct tlb_array *array = build(*state, 4, 4, "fifo");

    for (uint64_t vpn = 0; vpn < 4; vpn++)
        insert(array, vpn, 0);
    (void) tlb_array_lookup(array, (vpn_t){0}, 1);
    assert_int_equal(insert(array, 0, 0).id, 0); /* an update */
    insert(array, 9, 0);
    assert_false(holds(array, 0));
}

static void plru_victim_is_where_the_tree_points(void **state)
{
    struct tlb_array *array = build(*state, 4, 4, "plru");

    /* After uses 0 1 2 3 the root points left, and its left half at way 0;
     * after a use of 0 the root points right, and its right half at 2,
     * although 1 was used longer ago. */
    for (uint64_t vpn = 0; vpn < 4; vpn++)
        insert(array, vpn, 0);
    (void) tlb_array_lookup(array, (vpn_t){0}, 1);
    assert_int_equal(insert(array, 9, 0).id, 2);
}

static void nru_victim_is_the_lowest_way_not_used_since_all_were(void **state)
{
    struct tlb_array *array = build(*state, 4, 4, "nru");

    for (uint64_t vpn = 0; vpn < 4; vpn++)
        insert(array, vpn, 0);
    assert_int_equal(insert(array, 4, 0).id, 0); /* all used: all cleared */
    (void) tlb_array_lookup(array, (vpn_t){1}, 1);
    assert_int_equal(insert(array, 5, 0).id, 2);
    assert_int_equal(insert(array, 6, 0).id, 3);
    assert_int_equal(insert(array, 7, 0).id, 4); /* all used again */
}

/* A page hit once outlives a scan of pages that are not, however long: for
 * LRU, as many pages as ways are enough. */
static void srrip_keeps_a_page_that_is_hit_between_scans(void **state)
{
    struct tlb_array *array = build(*state, 4, 4, "srrip");

    insert(array, 0, 0);
    for (uint64_t vpn = 1; vpn < 100; vpn++) {
        insert(array, vpn, 0);
        (void) tlb_array_lookup(array, (vpn_t){vpn}, 1); /* the same use */
        if (vpn % 6 == 1)
            (void) tlb_array_lookup(array, (vpn_t){0}, 1);
    }
    assert_true(holds(array, 0));
}

/* By hand: intervals after four fills 2 2 2 2, after a hit on the second
 * 2 0 2 2; a victim is wanted, all grow by one: 3 1 3 3. */
static void srrip_victims_are_those_of_the_paper(void **state)
{
    struct tlb_array *array = build(*state, 4, 4, "srrip");

    for (uint64_t vpn = 0; vpn < 4; vpn++)
        insert(array, vpn, 0);
    (void) tlb_array_lookup(array, (vpn_t){1}, 1);
    assert_int_equal(insert(array, 4, 0).id, 0);
    assert_int_equal(insert(array, 5, 0).id, 2);
    assert_int_equal(insert(array, 6, 0).id, 3);
    /* 2 1 2 2 -> 3 2 3 3 */
    assert_int_equal(insert(array, 7, 0).id, 4);
    assert_int_equal(insert(array, 8, 0).id, 5);
    assert_int_equal(insert(array, 9, 0).id, 6);
    /* 2 2 2 2 -> 3 3 3 3 */
    assert_int_equal(insert(array, 10, 0).id, 7);
    assert_int_equal(insert(array, 11, 0).id, 1);
}

static void plru12_victim_is_in_the_group_after_the_one_used_last(void **state)
{
    struct tlb_array *array = build(*state, 12, 12, "plru12");

    for (uint64_t vpn = 0; vpn < 12; vpn++)
        insert(array, vpn, 0);
    (void) tlb_array_lookup(array, (vpn_t){0}, 1); /* group 0, way 0 */
    assert_int_equal(insert(array, 12, 0).id, 4);
    assert_int_equal(insert(array, 13, 0).id, 8);
    assert_int_equal(insert(array, 14, 0).id, 2); /* the other half */
}

static void random_victims_repeat_with_the_seed_and_reach_all_ways(void **state)
{
    struct fixture *f = *state;
    uint32_t victims[2][200];
    uint32_t reached = 0;

    for (int run = 0; run < 2; run++) {
        struct tlb_array *array;

        mmusim__rng_init(&f->rng, 42, 7);
        array = build(f, 6, 6, "random");
        for (uint64_t vpn = 0; vpn < 206; vpn++) {
            uint64_t slot;

            insert(array, vpn, 0);
            slot = mmusim__tlb_array_probe(array, (vpn_t){vpn}, 1);
            if (vpn >= 6)
                victims[run][vpn - 6] = (uint32_t) slot;
            reached |= vpn >= 6 ? 1U << slot : 0;
        }
    }
    assert_memory_equal(victims[0], victims[1], sizeof(victims[0]));
    assert_int_equal(reached, 0x3f);
}

/* The same run twice, once with every hit repeated: the same victims. */
static void touching_the_entry_touched_last_changes_no_victim(void **state)
{
    struct fixture *f = *state;
    const struct repl_ops *ops;

    for (size_t i = 0; (ops = mmusim__repl_at(i)); i++) {
        uint64_t keys[2][32];

        for (int run = 0; run < 2; run++) {
            struct rng stream;
            struct tlb_array *array;

            mmusim__rng_init(&f->rng, 1, 1);
            mmusim__rng_init(&stream, 2, 2);
            array = !strcmp(ops->name, "plru12") ? build(f, 24, 12, ops->name)
                                                 : build(f, 32, 8, ops->name);
            for (uint32_t step = 0; step < 5000; step++) {
                vpn_t vpn = {mmusim__rng_below(&stream, 64)};

                if (tlb_array_lookup(array, vpn, 1) == TLB_NO_SLOT)
                    insert(array, vpn.v, 0);
                for (int again = 0; again < 3 * run; again++)
                    (void) tlb_array_lookup(array, vpn, 1);
            }
            memset(keys[run], 0, sizeof(keys[run]));
            memcpy(keys[run], array->keys,
                   array->repl.n_sets * array->n_ways * sizeof(uint64_t));
        }
        assert_memory_equal(keys[0], keys[1], sizeof(keys[0]));
    }
}

static void every_policy_is_found_by_its_name(void **state)
{
    static const char *const names[] = {"lru",   "plru", "plru12", "nru",
                                        "srrip", "fifo", "random"};
    size_t n = sizeof(names) / sizeof(names[0]);

    (void) state;
    for (size_t i = 0; i < n; i++) {
        assert_non_null(mmusim__repl_find(names[i]));
        assert_string_equal(mmusim__repl_find(names[i])->name, names[i]);
        assert_non_null(mmusim__repl_at(i)->help);
    }
    assert_null(mmusim__repl_at(n));
    assert_null(mmusim__repl_find("LRU"));
    assert_null(mmusim__repl_find(""));
}

static void validity_check_sees_broken_state(void **state)
{
    struct tlb_array *array = build(*state, 64, 64, "lru");

    insert(array, 1, 0);
    insert(array, 2, 0);
    assert_true(mmusim__tlb_array_is_valid(array));
    array->n_valid++;
    assert_false(mmusim__tlb_array_is_valid(array));
    array->n_valid--;
    array->keys[5] = array->keys[0]; /* the same key twice */
    assert_false(mmusim__tlb_array_is_valid(array));
    array->keys[5] = 0;
    array->hints[tlb_array_hash(array, array->keys[0])] = 0;
    assert_false(mmusim__tlb_array_is_valid(array));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(impossible_geometry_is_refused_with_a_reason),
        TEST(page_sizes_must_ascend_and_be_one_to_eight),
        TEST(skewed_arrays_need_a_hash_for_each_way),
        TEST(some_policies_cannot_be_skewed_nor_split),
        TEST(impossible_ways_by_size_are_refused),
        TEST(other_impossible_arrays_are_refused),
        TEST(name_without_an_end_is_no_policy),
        TEST(geometries_of_real_machines_are_accepted),
        TEST(init_without_memory_leaves_the_array_untouched),
        TEST(lowest_invalid_way_is_filled_before_any_entry_goes),
        TEST(same_key_again_is_an_update_not_an_eviction),
        TEST(small_page_is_found_before_the_large_one_around_it),
        TEST(global_entry_is_found_by_every_asid),
        TEST(psc_rule_of_invlpg_empties_the_asid_alone),
        TEST(lru_victim_is_the_least_recently_used),
        TEST(fifo_victim_is_the_first_in_however_much_used),
        TEST(plru_victim_is_where_the_tree_points),
        TEST(nru_victim_is_the_lowest_way_not_used_since_all_were),
        TEST(srrip_keeps_a_page_that_is_hit_between_scans),
        TEST(srrip_victims_are_those_of_the_paper),
        TEST(plru12_victim_is_in_the_group_after_the_one_used_last),
        TEST(random_victims_repeat_with_the_seed_and_reach_all_ways),
        TEST(touching_the_entry_touched_last_changes_no_victim),
        TEST(every_policy_is_found_by_its_name),
        TEST(validity_check_sees_broken_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
