/* SPDX-License-Identifier: MIT */
/* TLB arrays: geometry, fill and invalidation. See tlb_array.h. */
#include "tlb/tlb_array.h"

#include "core/arena.h"
#include "tlb/tlb_array_inline.h"

#include <string.h>

enum {
    TLB_MAX_ORDER = 36, /* a PML5E spans 2^48 bytes = order 36 */
    /* Beyond, hashing beats comparing (bench_tlb): a random hit in 8 or 12
     * ways takes 2.9 ns instead of 7.4 or 9.3. */
    TLB_LINEAR_WAYS = 4,
    TLB_HASHED_MAX = 1 << 15, /* slot + 1 fits 16 bits */
};

static bool tlb_is_power_of_two(uint32_t value)
{
    return value && !(value & (value - 1));
}

static const char *tlb_orders_refuse(const struct tlb_array_config *config)
{
    if (!config->n_orders || config->n_orders > TLB_MAX_ORDERS)
        return "page_sizes must name 1 to 4 sizes";
    for (uint32_t i = 0; i < config->n_orders; i++) {
        if (config->orders[i] > TLB_MAX_ORDER)
            return "page_sizes: a page is at most 2^48 bytes";
        if (i && config->orders[i] <= config->orders[i - 1])
            return "page_sizes must ascend, each size once";
    }
    return NULL;
}

static const char *tlb_geometry_refuses(const struct tlb_array_config *config)
{
    if (!config->n_entries || config->n_entries > TLB_MAX_ENTRIES)
        return "entries must be 1 to 262144";
    if (!config->n_ways || config->n_ways > TLB_MAX_WAYS)
        return "ways must be 1 to 4096";
    if (config->n_entries % config->n_ways)
        return "entries must be a multiple of ways";
    if (!tlb_is_power_of_two(config->n_entries / config->n_ways))
        return "entries / ways (the number of sets) must be a power of two";
    if (config->index != TLB_INDEX_BITS && config->index != TLB_INDEX_XOR)
        return "index must be bits or xor";
    return NULL;
}

const char *mmusim__tlb_array_refuses(const struct tlb_array_config *config)
{
    const char *reason = tlb_geometry_refuses(config);
    const struct repl_ops *ops;

    if (!reason)
        reason = tlb_orders_refuse(config);
    if (reason)
        return reason;
    if (!memchr(config->replacement, 0, sizeof(config->replacement)))
        return "replacement: no such policy";
    ops = mmusim__repl_find(config->replacement);
    if (!ops)
        return "replacement: no such policy";
    return ops->refuses ? ops->refuses(config->n_ways) : NULL;
}

/* Gives an array of many ways its hash chains: 2 to 4 heads per entry. */
static bool tlb_array_alloc_chains(struct tlb_array *array, uint32_t n_entries,
                                   struct arena *arena)
{
    uint32_t bits = 1;

    if (array->n_ways <= TLB_LINEAR_WAYS || n_entries > TLB_HASHED_MAX)
        return true;
    while (UINT32_C(1) << bits < 2 * n_entries)
        bits++;
    array->hint_shift = 64 - bits;
    array->hints =
        mmusim__arena_alloc(arena, (size_t) 1 << bits, sizeof(*array->hints));
    array->chain = mmusim__arena_alloc(arena, n_entries, sizeof(*array->chain));
    return array->hints && array->chain;
}

static bool tlb_array_alloc(struct tlb_array *array, uint32_t n_entries,
                            struct arena *arena)
{
    size_t n_words = (size_t) array->repl_ops->words_per_set(array->n_ways) *
                     (array->set_mask + 1);

    array->keys = mmusim__arena_alloc(arena, n_entries, sizeof(*array->keys));
    array->data = mmusim__arena_alloc(arena, n_entries, sizeof(*array->data));
    array->ids = mmusim__arena_alloc(arena, n_entries, sizeof(*array->ids));
    array->repl.words =
        mmusim__arena_alloc(arena, n_words, sizeof(*array->repl.words));
    return array->keys && array->data && array->ids && array->repl.words &&
           tlb_array_alloc_chains(array, n_entries, arena);
}

mmusim_status_t mmusim__tlb_array_init(struct tlb_array *array,
                                       const struct tlb_array_config *config,
                                       struct rng *rng, struct arena *arena)
{
    struct tlb_array built = {0};
    uint32_t n_sets;

    if (mmusim__tlb_array_refuses(config))
        return MMUSIM_CONFIG;
    n_sets = config->n_entries / config->n_ways;
    built.n_ways = config->n_ways;
    built.set_mask = n_sets - 1;
    built.set_bits = (uint32_t) __builtin_ctz(n_sets);
    built.index = config->index;
    built.n_orders = config->n_orders;
    memcpy(built.orders, config->orders, sizeof(built.orders));
    built.hit_cycles = config->hit_cycles;
    built.repl_ops = mmusim__repl_find(config->replacement);
    built.repl.rng = rng;
    built.repl.n_ways = config->n_ways;
    built.repl.n_sets = config->n_entries / config->n_ways;
    if (!tlb_array_alloc(&built, config->n_entries, arena))
        return MMUSIM_NOMEM;
    *array = built;
    return MMUSIM_OK;
}

uint32_t mmusim__tlb_array_probe(const struct tlb_array *array, vpn_t vpn,
                                 tlb_tags_t tags)
{
    for (uint32_t i = 0; i < array->n_orders; i++) {
        uint32_t slot, set;

        if (!array->n_valid_by_order[i])
            continue;
        slot = tlb_array_find_page(array, vpn, array->orders[i], tags, &set);
        if (slot != TLB_NO_SLOT)
            return slot;
    }
    return TLB_NO_SLOT;
}

static uint32_t tlb_array_order_index(const struct tlb_array *array,
                                      uint32_t order)
{
    uint32_t i = 0;

    while (i < array->n_orders && array->orders[i] != order)
        i++;
    return i;
}

static uint32_t tlb_array_set_of_key(const struct tlb_array *array,
                                     uint64_t key)
{
    return tlb_array_set_of(array, tlb_key_vpn(key) >> tlb_key_order(key));
}

/* The link, head or chain, that leads to a slot holding a key. */
static uint16_t *tlb_array_link_to(struct tlb_array *array, uint32_t slot)
{
    uint16_t *link = &array->hints[tlb_array_hash(array, array->keys[slot])];

    while (*link != slot + 1)
        link = &array->chain[*link - 1];
    return link;
}

/* Empties a valid slot and tells what it held. */
static void tlb_array_clear(struct tlb_array *array, uint32_t slot,
                            struct tlb_removed *removed)
{
    uint64_t key = array->keys[slot];

    removed->key = key;
    removed->data = array->data[slot];
    removed->id = array->ids[slot];
    if (array->hints)
        *tlb_array_link_to(array, slot) = array->chain[slot];
    array->keys[slot] = 0;
    array->n_valid--;
    array->n_valid_global -= tlb_key_is_global(key);
    array->n_valid_tables -= tlb_key_is_table(key);
    array->n_valid_by_order[tlb_array_order_index(array, tlb_key_order(key))]--;
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

void mmusim__tlb_array_insert(struct tlb_array *array, uint64_t key,
                              tlb_data_t data, uint32_t id,
                              struct tlb_removed *removed)
{
    uint32_t order_index = tlb_array_order_index(array, tlb_key_order(key));
    uint32_t set = tlb_array_set_of_key(array, key);
    uint32_t slot = tlb_array_find(array, set, key);

    mmusim_assert(order_index < array->n_orders);
    *removed = (struct tlb_removed){0};
    if (slot != TLB_NO_SLOT) {
        *removed =
            (struct tlb_removed){key, array->data[slot], array->ids[slot]};
        tlb_array_touch(array, set, slot - set * array->n_ways);
    } else {
        uint32_t way = tlb_array_way_to_fill(array, set);

        slot = set * array->n_ways + way;
        if (array->keys[slot]) {
            tlb_array_clear(array, slot, removed);
            array->evictions++;
        }
        tlb_array_set(array, slot, key, order_index);
        array->repl_ops->fill(&array->repl, set, way);
    }
    array->data[slot] = data;
    array->ids[slot] = id;
    mmusim_assert_valid(mmusim__tlb_array_is_valid(array));
}

/* One invalidation under way. */
struct tlb_sweep {
    struct tlb_array *array;
    const struct inval *inval;
    tlb_removed_fn on_removed;
    void *context;
    uint32_t n_removed;
    tlb_tags_t tags; /* of a request for one context */
};

/* What tags a request is for, where that is one pair: TAGS_NONE means that the
 * context has never cached anything. */
enum sweep_tags { TAGS_ONE, TAGS_SEVERAL, TAGS_NONE };

static enum sweep_tags tlb_sweep_resolve(struct tlb_sweep *sweep)
{
    const struct inval *inval = sweep->inval;
    struct tlb_context context = {
        .regime = REGIME_EL1,
        .thread = inval->thread,
        .vmid = inval->vmid,
        .stage2_root = inval->stage2_root,
    };
    uint16_t own = 0, of_globals = 0;

    if (!inval->has_asid)
        return TAGS_SEVERAL;
    if (!sweep->array->contexts) {
        sweep->tags = tlb_tags(inval->asid, 0);
        return TAGS_ONE;
    }
    if (inval->regimes & ~(1U << REGIME_EL1) || !inval->has_vmid ||
        !inval->has_stage2_root)
        return TAGS_SEVERAL;
    /* A global entry is made in a context that has the global tag, too. */
    if (!mmusim__tlb_context_find(sweep->array->contexts, &context,
                                  &of_globals))
        return TAGS_NONE;
    context.has_asid = true;
    context.asid = inval->asid;
    if (!mmusim__tlb_context_find(sweep->array->contexts, &context, &own))
        return TAGS_SEVERAL; /* globals alone, if any */
    sweep->tags = tlb_tags(own, of_globals);
    return TAGS_ONE;
}

static void tlb_sweep_remove(struct tlb_sweep *sweep, uint32_t slot)
{
    struct tlb_removed removed;

    tlb_array_clear(sweep->array, slot, &removed);
    sweep->n_removed++;
    if (sweep->on_removed)
        sweep->on_removed(sweep->context, &removed);
}

static void tlb_sweep_key(struct tlb_sweep *sweep, uint32_t set, uint64_t key)
{
    uint32_t slot = tlb_array_find(sweep->array, set, key);

    if (slot != TLB_NO_SLOT)
        tlb_sweep_remove(sweep, slot);
}

/* How many pages of an order, aligned to it, a range overlaps. */
static uint64_t tlb_range_pages(const struct inval *inval, uint32_t order)
{
    uint64_t first = tlb_array_vpn_bits(inval->vpn);

    return ((first + inval->n_pages - 1) >> order) - (first >> order) + 1;
}

/* Is looking for each page and tag cheaper than reading every slot? */
static bool tlb_sweep_is_short(const struct tlb_sweep *sweep)
{
    const struct tlb_array *array = sweep->array;
    const struct inval *inval = sweep->inval;
    uint64_t budget = (array->set_mask + 1) * (uint64_t) array->n_ways / 4;

    if (!inval->has_range || inval->stride_order || inval->n_pages > budget)
        return false;
    if (array->n_valid_tables && inval->psc != INVAL_PSC_KEEP)
        return false;
    for (uint32_t i = 0; i < array->n_orders; i++) {
        uint64_t n_pages = tlb_range_pages(inval, array->orders[i]);

        if (!array->n_valid_by_order[i])
            continue;
        if (n_pages > budget)
            return false;
        budget -= n_pages;
    }
    return true;
}

static void tlb_sweep_pages(struct tlb_sweep *sweep, uint32_t order)
{
    const struct inval *inval = sweep->inval;
    uint64_t first = tlb_array_vpn_bits(inval->vpn) >> order;
    uint64_t n_pages = tlb_range_pages(inval, order);

    for (uint64_t page = first; page < first + n_pages; page++) {
        uint32_t set = tlb_array_set_of(sweep->array, page);
        vpn_t vpn = {page << order};

        if (page << order >> TLB_KEY_VPN_BITS)
            return; /* keys have no address beyond */
        if (inval->hits_nonglobals)
            tlb_sweep_key(sweep, set, tlb_key(vpn, order, sweep->tags, false));
        if (inval->hits_globals && sweep->array->n_valid_global)
            tlb_sweep_key(sweep, set, tlb_key(vpn, order, sweep->tags, true));
    }
}

static void tlb_sweep_slots(struct tlb_sweep *sweep, bool is_psc)
{
    const struct tlb_array *array = sweep->array;
    uint32_t n_slots = (array->set_mask + 1) * array->n_ways;

    for (uint32_t slot = 0; slot < n_slots && array->n_valid; slot++) {
        uint64_t key = array->keys[slot];

        if (key && (is_psc ? psc_entry_is_hit_by_inval(key, sweep->inval,
                                                       array->contexts)
                           : tlb_entry_is_hit_by_inval(key, sweep->inval,
                                                       array->contexts)))
            tlb_sweep_remove(sweep, slot);
    }
}

uint32_t mmusim__tlb_array_invalidate(struct tlb_array *array,
                                      const struct inval *inval, bool is_psc,
                                      tlb_removed_fn on_removed, void *context)
{
    struct tlb_sweep sweep = {array, inval, on_removed, context, 0, 0};
    enum sweep_tags tags;

    if (!array->n_valid || (is_psc && inval->psc == INVAL_PSC_KEEP))
        return 0;
    tags = tlb_sweep_resolve(&sweep);
    if (tags == TAGS_NONE)
        return 0;
    if (!is_psc && tags == TAGS_ONE && tlb_sweep_is_short(&sweep)) {
        for (uint32_t i = 0; i < array->n_orders; i++) {
            bool is_named = inval_hint_allows(inval, array->orders[i]);

            if (is_named && array->n_valid_by_order[i])
                tlb_sweep_pages(&sweep, array->orders[i]);
        }
    } else {
        tlb_sweep_slots(&sweep, is_psc);
    }
    mmusim_assert_valid(mmusim__tlb_array_is_valid(array));
    return sweep.n_removed;
}

bool mmusim__tlb_array_holds_order(const struct tlb_array *array,
                                   uint32_t order)
{
    return tlb_array_order_index(array, order) < array->n_orders;
}

/* A valid slot: right set, known size, and found where it lies, which a second
 * entry with its key, or a broken chain, would prevent. */
static bool tlb_slot_is_valid(const struct tlb_array *array, uint32_t slot)
{
    uint64_t key = array->keys[slot];
    uint32_t set = tlb_array_set_of_key(array, key);

    return slot >= set * array->n_ways && slot < (set + 1) * array->n_ways &&
           mmusim__tlb_array_holds_order(array, tlb_key_order(key)) &&
           tlb_array_find(array, set, key) == slot;
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
