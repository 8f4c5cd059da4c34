/* SPDX-License-Identifier: MIT */
/*
 * TLB arrays against tests/model/list_tlb.c, step by step: over a million
 * seeded random look-ups, fills and invalidations of every kind, over all
 * policies and kinds of geometry. MMUSIM_TEST_SEED and MMUSIM_TEST_STEPS (per
 * geometry) repeat or lengthen a run.
 */
#include "core/arena.h"
#include "core/rng.h"
#include "model/list_tlb.h"
#include "tlb/tlb_array_inline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS_PER_CASE = 60000, FULL_COMPARE_EVERY = 64 };

struct geometry {
    const char *replacement;
    enum list_policy policy;
    uint32_t n_sets, n_ways;
    enum tlb_index index;
    uint32_t n_orders;
    uint8_t orders[TLB_MAX_ORDERS];
    uint16_t ways_by_size[3]; /* of the first orders; 0: all */
    uint16_t first_way[3];    /* + 1; 0: by page number */
    uint32_t max_contexts;
    uint32_t ids_per_slot;
};

static const struct geometry geometries[] = {
    {"lru", LIST_LRU, 1, 1, TLB_INDEX_BITS, 1, .orders = {0}},
    {"lru", LIST_LRU, 16, 4, TLB_INDEX_BITS, 1, .orders = {0}},
    {"lru", LIST_LRU, 8, 12, TLB_INDEX_BITS, 2, .orders = {0, 9}},
    {"lru", LIST_LRU, 8, 12, TLB_INDEX_XOR, 3, .orders = {0, 9, 18}},
    {"lru", LIST_LRU, 1, 72, TLB_INDEX_BITS, 3, .orders = {0, 9, 18}},
    {"lru", LIST_LRU, 2, 48, TLB_INDEX_XOR, 2, .orders = {0, 9}},
    {"lru", LIST_LRU, 1, 16, TLB_INDEX_BITS, 1, .orders = {18}},
    {"lru", LIST_LRU, 4, 8, TLB_INDEX_XOR, 4, .orders = {0, 9, 18, 27}},
    {"plru", LIST_PLRU, 16, 4, TLB_INDEX_BITS, 1, .orders = {0}},
    {"plru", LIST_PLRU, 8, 8, TLB_INDEX_XOR, 2, .orders = {0, 9}},
    {"plru", LIST_PLRU, 1, 64, TLB_INDEX_BITS, 3, .orders = {0, 9, 18}},
    {"plru", LIST_PLRU, 2, 32, TLB_INDEX_XOR, 2, .orders = {0, 18}},
    {"plru", LIST_PLRU, 4, 1, TLB_INDEX_BITS, 2, .orders = {0, 9}},
    {"plru12", LIST_PLRU12, 16, 12, TLB_INDEX_XOR, 2, .orders = {0, 9}},
    {"plru12", LIST_PLRU12, 1, 12, TLB_INDEX_BITS, 1, .orders = {0}},
    {"nru", LIST_NRU, 16, 4, TLB_INDEX_BITS, 1, .orders = {0}},
    {"nru", LIST_NRU, 4, 7, TLB_INDEX_XOR, 2, .orders = {0, 9}},
    {"nru", LIST_NRU, 1, 64, TLB_INDEX_BITS, 1, .orders = {0}},
    {"nru", LIST_NRU, 2, 72, TLB_INDEX_BITS, 3, .orders = {0, 9, 18}},
    {"nru", LIST_NRU, 8, 1, TLB_INDEX_BITS, 1, .orders = {0}},
    {"srrip", LIST_SRRIP, 16, 4, TLB_INDEX_BITS, 1, .orders = {0}},
    {"srrip", LIST_SRRIP, 8, 12, TLB_INDEX_XOR, 2, .orders = {0, 9}},
    {"srrip", LIST_SRRIP, 1, 96, TLB_INDEX_BITS, 3, .orders = {0, 9, 18}},
    {"srrip", LIST_SRRIP, 4, 1, TLB_INDEX_BITS, 1, .orders = {0}},
    {"fifo", LIST_FIFO, 16, 4, TLB_INDEX_BITS, 2, .orders = {0, 9}},
    {"fifo", LIST_FIFO, 4, 6, TLB_INDEX_XOR, 1, .orders = {0}},
    {"fifo", LIST_FIFO, 1, 96, TLB_INDEX_BITS, 2, .orders = {0, 9}},
    {"random", LIST_RANDOM, 8, 6, TLB_INDEX_BITS, 2, .orders = {0, 9}},
    {"random", LIST_RANDOM, 1, 40, TLB_INDEX_BITS, 3, .orders = {0, 9, 18}},
    {"random", LIST_RANDOM, 16, 4, TLB_INDEX_XOR, 1, .orders = {9}},
    {"lru", LIST_LRU, 64, 4, TLB_INDEX_BITS, 2, .orders = {0, 9}},
    {"plru", LIST_PLRU, 16, 4, TLB_INDEX_FOLD, 2, .orders = {0, 9}},
    {"lru", LIST_LRU, 128, 2, TLB_INDEX_FOLD, 3, .orders = {0, 9, 18}},
    {"lru", LIST_LRU, 2, 6, TLB_INDEX_FOLD, 2, .orders = {0, 2}},
    {"fifo", LIST_FIFO, 1, 6, TLB_INDEX_FOLD, 2, .orders = {0, 9}},
    {"lru", LIST_LRU, 16, 4, TLB_INDEX_SKEWED, 1, .orders = {0}},
    {"lru", LIST_LRU, 32, 12, TLB_INDEX_SKEWED, 2, .orders = {0, 9}},
    {"lru", LIST_LRU, 16, 15, TLB_INDEX_SKEWED, 1, .orders = {0}},
    {"nru", LIST_NRU, 16, 4, TLB_INDEX_SKEWED, 2, .orders = {0, 9}},
    {"nru", LIST_NRU, 16, 12, TLB_INDEX_SKEWED, 1, .orders = {0}},
    {"random", LIST_RANDOM, 4, 3, TLB_INDEX_SKEWED, 2, .orders = {0, 9}},
    {"random", LIST_RANDOM, 16, 2, TLB_INDEX_SKEWED, 3, .orders = {0, 2, 9}},
    {"lru", LIST_LRU, 16, 12, TLB_INDEX_BITS, 2, .orders = {0, 9},
     .ways_by_size = {6, 3}},
    {"lru", LIST_LRU, 8, 24, TLB_INDEX_XOR, 2, .orders = {0, 9},
     .ways_by_size = {8, 6}},
    {"nru", LIST_NRU, 8, 16, TLB_INDEX_FOLD, 3, .orders = {0, 2, 9},
     .ways_by_size = {8, 2, 4}},
    {"random", LIST_RANDOM, 8, 8, TLB_INDEX_BITS, 2, .orders = {0, 9},
     .ways_by_size = {4, 0}},
    {"lru", LIST_LRU, 1, 64, TLB_INDEX_BITS, 2, .orders = {0, 9},
     .ways_by_size = {32, 16}},
    {"lru", LIST_LRU, 4, 4, TLB_INDEX_BITS, 2, .orders = {0, 9},
     .ways_by_size = {1, 4}},
    {"lru", LIST_LRU, 32, 8, TLB_INDEX_SKEWED, 2, .orders = {0, 9},
     .ways_by_size = {4, 2}},
    {"plru", LIST_PLRU, 16, 4, TLB_INDEX_BITS, 2, .orders = {0, 9},
     .max_contexts = 2},
    {"lru", LIST_LRU, 8, 12, TLB_INDEX_XOR, 2, .orders = {0, 9},
     .max_contexts = 3},
    {"random", LIST_RANDOM, 16, 6, TLB_INDEX_SKEWED, 1, .orders = {0},
     .max_contexts = 1},
    {"lru", LIST_LRU, 16, 4, TLB_INDEX_BITS, 3, .orders = {0, 2, 9},
     .ids_per_slot = 4},
    {"plru12", LIST_PLRU12, 8, 12, TLB_INDEX_XOR, 2, .orders = {0, 4},
     .max_contexts = 2, .ids_per_slot = 16},
    {"lru", LIST_LRU, 4, 8, TLB_INDEX_BITS, 8,
     .orders = {0, 2, 4, 9, 13, 18, 22, 27}, .ids_per_slot = 2},
    {"lru", LIST_LRU, 8, 16, TLB_INDEX_BITS, 3, .orders = {0, 9, 18},
     .ways_by_size = {16, 8, 8}, .first_way = {1, 1, 9}},
    {"nru", LIST_NRU, 16, 7, TLB_INDEX_SKEWED, 2, .orders = {0, 9},
     .ways_by_size = {5, 3}, .first_way = {3, 1}},
    /* Sets reach the sign extension of the page number. */
    {"lru", LIST_LRU, 1024, 1, TLB_INDEX_XOR, 1, .orders = {27}},
};

struct pair {
    const struct geometry *geometry;
    struct tlb_array array;
    struct list_tlb *list;
    struct arena arena;
    struct rng array_rng; /* the policy's own; the list's is its equal */
    struct rng rng;       /* what to do */
    uint32_t next_id;
    uint64_t evictions;
    uint64_t hits, removals;
    uint64_t lost_ids; /* sum over entries lost with their context */
    uint64_t step;
    uint64_t seed; /* of the whole run */
};

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 0) : otherwise;
}

#define AGREE(pair, condition)                                                 \
    do {                                                                       \
        if (!(condition))                                                      \
            disagree(pair, #condition, __LINE__);                              \
    } while (0)

static void disagree(const struct pair *pair, const char *what, int line)
{
    const struct geometry *g = pair->geometry;

    fail_msg("line %d: %s; %s %u sets %u ways, step %llu, "
             "MMUSIM_TEST_SEED=%llu",
             line, what, g->replacement, g->n_sets, g->n_ways,
             (unsigned long long) pair->step, (unsigned long long) pair->seed);
}

static void add_id(void *context, const struct tlb_removed *removed)
{
    *(uint64_t *) context += removed->id;
}

static enum list_index list_index_of(enum tlb_index index)
{
    return index == TLB_INDEX_BITS   ? LIST_BITS
           : index == TLB_INDEX_XOR  ? LIST_XOR
           : index == TLB_INDEX_FOLD ? LIST_FOLD
                                     : LIST_SKEWED;
}

static void configure(struct tlb_array_config *config,
                      const struct geometry *geometry)
{
    *config = (struct tlb_array_config){
        .n_entries = geometry->n_sets * geometry->n_ways,
        .n_ways = geometry->n_ways,
        .n_orders = geometry->n_orders,
        .index = geometry->index,
        .max_contexts = geometry->max_contexts,
        .ids_per_slot = geometry->ids_per_slot,
    };
    memcpy(config->orders, geometry->orders, sizeof(config->orders));
    for (uint32_t i = 0; i < 3; i++) {
        if (!geometry->ways_by_size[i])
            continue;
        config->size_orders[config->n_size_ways] = geometry->orders[i];
        config->size_first_way[config->n_size_ways] =
            (uint16_t) (geometry->first_way[i] - 1); /* or TLB_ANY_RUN */
        config->size_ways[config->n_size_ways++] = geometry->ways_by_size[i];
    }
    snprintf(config->replacement, sizeof(config->replacement), "%s",
             geometry->replacement);
}

static struct list_tlb *model_of(const struct geometry *geometry)
{
    struct list_tlb *list =
        list_tlb_create(geometry->policy, geometry->n_sets, geometry->n_ways,
                        list_index_of(geometry->index));

    for (uint32_t i = 0; i < 3 && i < geometry->n_orders; i++) {
        list->ways_by_order[geometry->orders[i]] = geometry->ways_by_size[i];
        list->first_by_order[geometry->orders[i]] = geometry->first_way[i];
    }
    list->max_held = geometry->max_contexts;
    return list;
}

static void pair_init(struct pair *pair, const struct geometry *geometry,
                      uint64_t seed)
{
    struct tlb_array_config config;

    *pair = (struct pair){.geometry = geometry, .seed = seed, .next_id = 1};
    configure(&config, geometry);
    seed += (uint64_t) (geometry - geometries);
    mmusim__rng_init(&pair->rng, seed, 1);
    mmusim__rng_init(&pair->array_rng, seed, 2);
    mmusim__arena_init(&pair->arena);
    assert_int_equal(mmusim__tlb_array_init(&pair->array, &config,
                                            &pair->array_rng, &pair->arena),
                     MMUSIM_OK);
    mmusim__tlb_array_on_context_lost(&pair->array, add_id, &pair->lost_ids);
    pair->list = model_of(geometry);
    mmusim__rng_init(&pair->list->rng, seed, 2);
}

static void pair_fini(struct pair *pair)
{
    list_tlb_destroy(pair->list);
    mmusim__arena_fini(&pair->arena);
}

static uint32_t draw(struct pair *pair, uint32_t bound)
{
    return mmusim__rng_below(&pair->rng, bound);
}

/* Pages near each other, far apart, in both halves, at both ends. */
static uint64_t draw_vpn(struct pair *pair)
{
    uint32_t span = 2 * pair->array.n_ways * (pair->array.set_mask + 1);
    uint64_t page = draw(pair, span + 1);

    switch (draw(pair, 8)) {
    case 0:
        return page << 9 | draw(pair, 512);
    case 1:
        return page << 18 | draw(pair, 1 << 18);
    case 2: /* the kernel's half, sign extended */
        return (UINT64_C(1) << 52) - 1 - page;
    case 3:
        return page << 27 | draw(pair, 1 << 27);
    default:
        return page;
    }
}

static uint16_t draw_asid(struct pair *pair)
{
    static const uint16_t asids[] = {0, 0, 0, 1, 2, UINT16_MAX};

    return asids[draw(pair, 6)];
}

static uint64_t list_entry_key(const struct list_entry *entry)
{
    return tlb_key((vpn_t){entry->vpn}, entry->order, entry->asid,
                   entry->is_global);
}

static void step_lookup(struct pair *pair)
{
    vpn_t vpn = {draw_vpn(pair)};
    uint16_t asid = draw_asid(pair);
    uint32_t probed = mmusim__tlb_array_probe(&pair->array, vpn, asid);
    uint32_t slot = tlb_array_lookup(&pair->array, vpn, asid);
    const struct list_entry *entry = list_tlb_lookup(pair->list, vpn.v, asid);

    AGREE(pair, probed == slot);
    AGREE(pair, (slot == TLB_NO_SLOT) == !entry);
    if (!entry)
        return;
    AGREE(pair, pair->array.keys[slot] == list_entry_key(entry));
    AGREE(pair, pair->array.data[slot] == entry->data);
    AGREE(pair, tlb_array_ids(&pair->array, slot)[0] == entry->id);
    pair->hits++;
    /* What a caller that remembers its last hit leaves out. */
    if (draw(pair, 4) == 0)
        (void) tlb_array_lookup(&pair->array, vpn, asid);
}

/* The numbers of an entry's parts follow from its first, as does how many it
 * has. */
static uint32_t part_id(const struct pair *pair, uint32_t id, uint32_t part)
{
    uint32_t n_slots = pair->array.ids_per_slot;

    return !part ? id : part < 1 + id % n_slots ? 7 * id + part : 0;
}

static void insert_run(struct pair *pair, const struct list_entry *entry,
                       struct tlb_removed *removed)
{
    uint64_t key = tlb_key((vpn_t){entry->vpn}, entry->order, entry->asid,
                           entry->is_global);
    uint32_t ids[TLB_MAX_IDS];
    struct tlb_coalesced run = {
        .key = key,
        .data = entry->data,
        .ids = ids,
        .n_ids = 1 + entry->id % pair->array.ids_per_slot,
    };

    if (pair->array.ids_per_slot == 1) {
        mmusim__tlb_array_insert(&pair->array, key, entry->data, entry->id,
                                 removed);
        return;
    }
    for (uint32_t i = 0; i < run.n_ids; i++)
        ids[i] = part_id(pair, entry->id, i);
    mmusim__tlb_array_insert_run(&pair->array, &run, removed);
}

static bool tells_all_parts(const struct pair *pair,
                            const struct tlb_removed *removed)
{
    if (removed->n_more != pair->array.ids_per_slot - 1)
        return false;
    for (uint32_t i = 0; i < removed->n_more; i++) {
        if (removed->more[i] != part_id(pair, removed->id, i + 1))
            return false;
    }
    return true;
}

static void step_insert(struct pair *pair)
{
    uint32_t order =
        pair->geometry->orders[draw(pair, pair->geometry->n_orders)];
    vpn_t vpn = {draw_vpn(pair)};
    struct list_entry entry = {
        .vpn = (vpn.v & ((UINT64_C(1) << 45) - 1)) >> order << order,
        .order = order,
        .asid = draw_asid(pair),
        .is_global = draw(pair, 8) == 0,
        .data = mmusim__rng_next(&pair->rng),
        .id = pair->next_id++,
    };
    struct tlb_removed removed;
    bool is_update;
    struct list_entry old = list_tlb_insert(pair->list, entry, &is_update);

    insert_run(pair, &entry, &removed);
    AGREE(pair, !removed.key == !old.is_valid);
    pair->evictions += old.is_valid && !is_update;
    AGREE(pair, pair->array.evictions == pair->evictions);
    if (!old.is_valid)
        return;
    AGREE(pair, removed.key == list_entry_key(&old));
    AGREE(pair, removed.data == old.data && removed.id == old.id);
    AGREE(pair, tells_all_parts(pair, &removed));
}

static void step_use_context(struct pair *pair)
{
    uint16_t asid = draw_asid(pair);

    mmusim__tlb_array_use_context(&pair->array, asid);
    list_tlb_use_context(pair->list, asid);
    AGREE(pair, pair->lost_ids == pair->list->lost_ids);
}

static uint64_t draw_n_pages(struct pair *pair)
{
    switch (draw(pair, 8)) {
    case 0:
        return 1 + draw(pair, 40);
    case 1:
        return 512 * (1 + (uint64_t) draw(pair, 20));
    case 2:
        return UINT64_C(1) << draw(pair, 53);
    default:
        return 1;
    }
}

static void step_invalidate(struct pair *pair)
{
    struct inval inval = {
        .has_range = draw(pair, 32) != 0,
        .vpn = {draw_vpn(pair)},
        .n_pages = draw_n_pages(pair),
        .has_asid = draw(pair, 4) != 0,
        .asid = draw_asid(pair),
        .hits_globals = draw(pair, 2),
        .hits_nonglobals = draw(pair, 8) != 0,
    };
    struct list_request request = {
        .has_range = inval.has_range,
        .has_asid = inval.has_asid,
        .hits_globals = inval.hits_globals,
        .hits_nonglobals = inval.hits_nonglobals,
        .vpn = inval.vpn.v & ((UINT64_C(1) << 45) - 1),
        .n_pages = inval.n_pages,
        .asid = inval.asid,
    };
    uint64_t id_sum = 0, expected_id_sum;
    uint32_t n_expected =
        list_tlb_invalidate(pair->list, &request, &expected_id_sum);
    uint32_t n_removed = mmusim__tlb_array_invalidate(&pair->array, &inval,
                                                      false, add_id, &id_sum);

    AGREE(pair, n_removed == n_expected);
    AGREE(pair, id_sum == expected_id_sum);
    pair->removals += n_removed;
}

static void compare_all(struct pair *pair)
{
    const struct geometry *g = pair->geometry;

    for (uint32_t slot = 0; slot < g->n_sets * g->n_ways; slot++) {
        const struct list_entry *entry =
            &pair->list->sets[slot / g->n_ways].ways[slot % g->n_ways];

        if (!entry->is_valid) {
            AGREE(pair, !pair->array.keys[slot]);
            continue;
        }
        AGREE(pair, pair->array.keys[slot] == list_entry_key(entry));
        AGREE(pair, pair->array.data[slot] == entry->data);
    }
    AGREE(pair, mmusim__tlb_array_is_valid(&pair->array));
}

static void run_case(const struct geometry *geometry, uint64_t seed,
                     uint64_t n_steps)
{
    struct pair pair;

    pair_init(&pair, geometry, seed);
    for (pair.step = 0; pair.step < n_steps; pair.step++) {
        uint32_t dice = draw(&pair, 100);

        if (dice < 60)
            step_lookup(&pair);
        else if (dice < 98)
            step_insert(&pair);
        else if (!geometry->max_contexts || draw(&pair, 3))
            step_invalidate(&pair);
        else
            step_use_context(&pair);
        if (pair.step % FULL_COMPARE_EVERY == 0)
            compare_all(&pair);
    }
    compare_all(&pair);
    /* The run has been about something. */
    AGREE(&pair, pair.hits > n_steps / 200);
    AGREE(&pair, pair.evictions > n_steps / 50 || pair.lost_ids);
    AGREE(&pair, pair.removals > n_steps / 1000);
    AGREE(&pair, !geometry->max_contexts || pair.lost_ids);
    pair_fini(&pair);
}

static void every_geometry_agrees_with_a_list_at_every_step(void **state)
{
    uint64_t seed = number_from_environment("MMUSIM_TEST_SEED", 20240611);
    uint64_t n_steps =
        number_from_environment("MMUSIM_TEST_STEPS", STEPS_PER_CASE);

    (void) state;
    for (size_t i = 0; i < sizeof(geometries) / sizeof(geometries[0]); i++)
        run_case(&geometries[i], seed, n_steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_geometry_agrees_with_a_list_at_every_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
