/* SPDX-License-Identifier: MIT */
/* TLB arrays: building, filling. See tlb_array.h. */
#include "tlb/tlb_array_parts.h"

#include "core/arena.h"

#include <string.h>

enum {
    /* Beyond, hashing beats comparing (bench_tlb): a random hit in 8 or 12
     * ways takes 2.9 ns instead of 7.4 or 9.3. */
    TLB_LINEAR_WAYS = 4,
};

/* Gives an array of many ways its hash chains: 2 to 4 heads per entry. */
static bool tlb_array_alloc_chains(struct tlb_array *array, uint32_t n_entries,
                                   struct arena *arena)
{
    uint32_t bits = 1;

    if (n_entries > TLB_HASHED_MAX ||
        (array->n_ways <= TLB_LINEAR_WAYS && !array->is_skewed))
        return true;
    while (UINT32_C(1) << bits < 2 * n_entries)
        bits++;
    array->hint_shift = 64 - bits;
    array->hints =
        mmusim__arena_alloc(arena, (size_t) 1 << bits, sizeof(*array->hints));
    array->chain = mmusim__arena_alloc(arena, n_entries, sizeof(*array->chain));
    return array->hints && array->chain;
}

static bool tlb_array_is_whole_sets(const struct tlb_array *array)
{
    for (uint32_t i = 0; i < array->n_orders; i++) {
        if (array->ways_by_order[i] < array->n_ways)
            return false;
    }
    return !array->is_skewed;
}

/* What only some arrays have. */
static bool tlb_array_alloc_extras(struct tlb_array *array, uint32_t n_entries,
                                   struct arena *arena)
{
    bool has_candidates = !tlb_array_is_whole_sets(array);

    if (has_candidates)
        array->candidates = mmusim__arena_alloc(arena, array->n_ways,
                                                sizeof(*array->candidates));
    if (array->ids_per_slot > 1)
        array->removed_ids = mmusim__arena_alloc(arena, array->ids_per_slot,
                                                 sizeof(*array->removed_ids));
    if (array->max_held)
        array->held =
            mmusim__arena_alloc(arena, array->max_held, sizeof(*array->held));
    return !has_candidates == !array->candidates &&
           (array->ids_per_slot > 1) == !!array->removed_ids &&
           !array->max_held == !array->held &&
           tlb_array_alloc_chains(array, n_entries, arena);
}

static bool tlb_array_alloc(struct tlb_array *array, uint32_t n_entries,
                            struct arena *arena)
{
    size_t n_words = (size_t) array->repl_ops->words_per_set(array->n_ways) *
                     (array->set_mask + 1);

    array->keys = mmusim__arena_alloc(arena, n_entries, sizeof(*array->keys));
    array->data = mmusim__arena_alloc(arena, n_entries, sizeof(*array->data));
    array->ids = mmusim__arena_alloc(
        arena, (size_t) n_entries * array->ids_per_slot, sizeof(*array->ids));
    array->repl.words =
        mmusim__arena_alloc(arena, n_words, sizeof(*array->repl.words));
    return array->keys && array->data && array->ids && array->repl.words &&
           tlb_array_alloc_extras(array, n_entries, arena);
}

/* The ways that pages of the array's index-th size may lie in. */
static void tlb_array_describe_ways(struct tlb_array *array, uint32_t index,
                                    const struct tlb_array_config *config)
{
    array->ways_by_order[index] = (uint16_t) config->n_ways;
    array->first_way_by_order[index] = 0;
    for (uint32_t i = 0; i < config->n_size_ways; i++) {
        if (config->size_orders[i] != config->orders[index])
            continue;
        array->ways_by_order[index] = config->size_ways[i];
        array->first_way_by_order[index] = config->size_first_way[i];
    }
}

static void tlb_array_describe(struct tlb_array *array,
                               const struct tlb_array_config *config)
{
    uint32_t n_sets = config->n_entries / config->n_ways;

    array->n_ways = config->n_ways;
    array->set_mask = n_sets - 1;
    array->set_bits = (uint32_t) __builtin_ctz(n_sets);
    array->n_folds =
        tlb_index_n_folds(config->index, array->set_bits, TLB_KEY_VPN_BITS);
    array->is_skewed = config->index == TLB_INDEX_SKEWED;
    array->n_orders = config->n_orders;
    for (uint32_t i = 0; i < config->n_orders; i++) {
        array->orders[i] = config->orders[i];
        tlb_array_describe_ways(array, i, config);
    }
    array->ids_per_slot = config->ids_per_slot ? config->ids_per_slot : 1;
    array->max_held = config->max_contexts;
    array->hit_cycles = config->hit_cycles;
    array->probe_cycles = config->probe_cycles;
}

mmusim_status_t mmusim__tlb_array_init(struct tlb_array *array,
                                       const struct tlb_array_config *config,
                                       struct rng *rng, struct arena *arena)
{
    struct tlb_array built = {0};

    if (mmusim__tlb_array_refuses(config))
        return MMUSIM_CONFIG;
    tlb_array_describe(&built, config);
    built.repl_ops = mmusim__repl_find(config->replacement);
    built.repl.rng = rng;
    built.repl.n_ways = built.n_ways;
    built.repl.n_sets = built.set_mask + 1;
    if (!tlb_array_alloc(&built, config->n_entries, arena))
        return MMUSIM_NOMEM;
    *array = built;
    return MMUSIM_OK;
}

uint32_t mmusim__tlb_array_probe(const struct tlb_array *array, vpn_t vpn,
                                 tlb_tags_t tags)
{
    for (uint32_t i = 0; i < array->n_orders; i++) {
        uint32_t slot;

        if (!array->n_valid_by_order[i])
            continue;
        slot = tlb_array_find_page(array, vpn, array->orders[i], tags);
        if (slot != TLB_NO_SLOT)
            return slot;
    }
    return TLB_NO_SLOT;
}

uint32_t mmusim__tlb_array_probe_time(const struct tlb_array *array,
                                      uint32_t slot)
{
    uint32_t n_further = array->n_orders - 1;

    if (!array->probe_cycles)
        return 0;
    if (slot != TLB_NO_SLOT)
        n_further =
            tlb_array_order_index(array, tlb_key_order(array->keys[slot]));
    return n_further * array->probe_cycles;
}

/* The number of a key's page at its own size. */
static uint64_t tlb_key_page(uint64_t key)
{
    return tlb_key_vpn(key) >> tlb_key_order(key);
}

static void tlb_array_set(struct tlb_array *array, uint32_t slot, uint64_t key,
                          uint32_t order_index)
{
    array->keys[slot] = key;
    array->n_valid++;
    array->n_valid_global += tlb_key_is_global(key);
    array->n_valid_tables += tlb_key_is_table(key);
    array->n_valid_by_order[order_index]++;
    if (array->hints) {
        uint16_t *head = &array->hints[tlb_array_hash(array, key)];

        array->chain[slot] = *head;
        *head = (uint16_t) (slot + 1);
    }
}

/* The lowest invalid way of a set, else the policy's victim. */
static uint32_t tlb_array_way_to_fill(struct tlb_array *array, uint32_t set)
{
    const uint64_t *keys = &array->keys[set * array->n_ways];

    if (array->n_valid < (array->set_mask + 1) * array->n_ways) {
        for (uint32_t way = 0; way < array->n_ways; way++) {
            if (!keys[way])
                return way;
        }
    }
    return array->repl_ops->victim(&array->repl, set);
}

/* The same where a page's slots are no whole set. */
static uint32_t tlb_array_slot_to_fill(struct tlb_array *array, uint64_t key)
{
    uint32_t *slots = array->candidates;
    uint32_t n_slots = mmusim__tlb_array_candidates(array, key, slots);

    for (uint32_t i = 0; i < n_slots; i++) {
        if (!array->keys[slots[i]])
            return slots[i];
    }
    return array->repl_ops->victim_among(&array->repl, slots, n_slots);
}

/* Makes room for a key and puts it there. */
static uint32_t tlb_array_place(struct tlb_array *array, uint64_t page,
                                uint64_t key, struct tlb_removed *removed)
{
    uint32_t order_index = tlb_array_order_index(array, tlb_key_order(key));
    uint32_t slot, set, way;

    mmusim_assert(order_index < array->n_orders);
    if (MMUSIM_UNLIKELY(array->candidates)) {
        slot = tlb_array_slot_to_fill(array, key);
        set = slot / array->n_ways;
        way = slot % array->n_ways;
    } else {
        set = tlb_array_set_of(array, page);
        way = tlb_array_way_to_fill(array, set);
        slot = set * array->n_ways + way;
    }
    if (array->keys[slot]) {
        tlb_array_remove(array, slot, removed);
        array->evictions++;
    }
    tlb_array_set(array, slot, key, order_index);
    array->repl_ops->fill(&array->repl, set, way);
    return slot;
}

/* Takes a key in, all but its translations; returns its slot. */
static uint32_t tlb_array_take(struct tlb_array *array, uint64_t key,
                               tlb_data_t data, struct tlb_removed *removed)
{
    uint64_t page = tlb_key_page(key);
    uint32_t slot;

    if (MMUSIM_UNLIKELY(array->held) && !tlb_key_is_global(key))
        mmusim__tlb_array_use_context(array, tlb_key_tag(key));
    removed->key = 0;
    removed->n_more = 0;
    slot = tlb_array_find(array, page, key);
    if (slot != TLB_NO_SLOT) {
        tlb_array_tell(array, slot, removed);
        tlb_array_touch(array, page, slot);
    } else {
        slot = tlb_array_place(array, page, key, removed);
    }
    array->data[slot] = data;
    return slot;
}

void mmusim__tlb_array_drop(struct tlb_array *array, uint32_t slot)
{
    struct tlb_removed removed;

    tlb_array_remove(array, slot, &removed);
    mmusim_assert_valid(mmusim__tlb_array_is_valid(array));
}

uint32_t mmusim__tlb_array_insert(struct tlb_array *array, uint64_t key,
                                  tlb_data_t data, uint32_t id,
                                  struct tlb_removed *removed)
{
    uint32_t slot;

    if (MMUSIM_UNLIKELY(array->ids_per_slot > 1)) {
        struct tlb_coalesced entry = {key, data, &id, 1};

        return mmusim__tlb_array_insert_run(array, &entry, removed);
    }
    slot = tlb_array_take(array, key, data, removed);
    array->ids[slot] = id;
    mmusim_assert_valid(mmusim__tlb_array_is_valid(array));
    return slot;
}

uint32_t mmusim__tlb_array_insert_run(struct tlb_array *array,
                                      const struct tlb_coalesced *entry,
                                      struct tlb_removed *removed)
{
    uint32_t slot = tlb_array_take(array, entry->key, entry->data, removed);
    uint32_t *ids = &array->ids[(size_t) slot * array->ids_per_slot];

    mmusim_assert(entry->n_ids && entry->n_ids <= array->ids_per_slot);
    if (removed->n_more) { /* they are about to be written over */
        memcpy(array->removed_ids, removed->more,
               removed->n_more * sizeof(*removed->more));
        removed->more = array->removed_ids;
    }
    for (uint32_t i = 0; i < array->ids_per_slot; i++)
        ids[i] = i < entry->n_ids ? entry->ids[i] : 0;
    mmusim_assert_valid(mmusim__tlb_array_is_valid(array));
    return slot;
}

mmusim_status_t mmusim__tlb_array_watch(struct tlb_array *array,
                                        struct arena *arena)
{
    size_t n_slots = ((size_t) array->set_mask + 1) * array->n_ways;

    if (!array->stamps)
        array->stamps =
            mmusim__arena_alloc(arena, n_slots, sizeof(*array->stamps));
    return array->stamps ? MMUSIM_OK : MMUSIM_NOMEM;
}

bool mmusim__tlb_array_holds_order(const struct tlb_array *array,
                                   uint32_t order)
{
    return tlb_array_order_index(array, order) < array->n_orders;
}

/* May the key lie in that slot? */
static bool tlb_slot_is_home(const struct tlb_array *array, uint32_t slot,
                             uint64_t key)
{
    uint32_t *slots = array->candidates;
    uint32_t n_slots, i = 0;

    if (!slots)
        return slot / array->n_ways ==
               tlb_array_set_of(array, tlb_key_page(key));
    n_slots = mmusim__tlb_array_candidates(array, key, slots);
    while (i < n_slots && slots[i] != slot)
        i++;
    return i < n_slots;
}

static bool tlb_tag_is_held(const struct tlb_array *array, uint16_t tag)
{
    uint32_t i = 0;

    while (i < array->n_held && array->held[i] != tag)
        i++;
    return i < array->n_held;
}

/* A valid slot: known size, of a context held, lies where it may, and is found
 * there, which a second entry with its key, or a broken chain, would prevent.
 */
static bool tlb_slot_is_valid(const struct tlb_array *array, uint32_t slot)
{
    uint64_t key = array->keys[slot];

    return mmusim__tlb_array_holds_order(array, tlb_key_order(key)) &&
           tlb_slot_is_home(array, slot, key) &&
           (!array->held || tlb_key_is_global(key) ||
            tlb_tag_is_held(array, tlb_key_tag(key))) &&
           tlb_array_find(array, tlb_key_page(key), key) == slot;
}

static bool tlb_chains_are_valid(const struct tlb_array *array)
{
    uint32_t n_heads = array->hints ? 1U << (64 - array->hint_shift) : 0;
    uint32_t n_linked = 0;

    for (uint32_t i = 0; i < n_heads; i++) {
        for (uint32_t link = array->hints[i]; link;
             link = array->chain[link - 1]) {
            if (!array->keys[link - 1] || ++n_linked > array->n_valid)
                return false;
        }
    }
    return !array->hints || n_linked == array->n_valid;
}

bool mmusim__tlb_array_is_valid(const struct tlb_array *array)
{
    uint32_t n_slots = (array->set_mask + 1) * array->n_ways;
    uint32_t n_by_order[TLB_MAX_ORDERS + 1] = {0};
    uint32_t n_valid = 0, n_global = 0, n_tables = 0;

    for (uint32_t slot = 0; slot < n_slots; slot++) {
        uint64_t key = array->keys[slot];

        if (!key)
            continue;
        if (!tlb_slot_is_valid(array, slot))
            return false;
        n_valid++;
        n_global += tlb_key_is_global(key);
        n_tables += tlb_key_is_table(key);
        n_by_order[tlb_array_order_index(array, tlb_key_order(key))]++;
    }
    if (n_valid != array->n_valid || n_global != array->n_valid_global ||
        n_tables != array->n_valid_tables)
        return false;
    return !memcmp(n_by_order, array->n_valid_by_order,
                   sizeof(array->n_valid_by_order)) &&
           tlb_chains_are_valid(array);
}
