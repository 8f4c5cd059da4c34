/* SPDX-License-Identifier: MIT */
/* TLB arrays: where a page may lie, and which geometries no hardware could
 * have. See tlb_array.h. */
#include "tlb/tlb_array_parts.h"

#include <string.h>

enum { TLB_MAX_ORDER = 36 /* a PML5E spans 2^48 bytes = order 36 */ };

/* The first of a page's run of ways. */
static uint32_t tlb_array_first_way(const struct tlb_array *array,
                                    uint32_t order_index, uint64_t page)
{
    uint32_t n_ways = array->ways_by_order[order_index];

    if (array->first_way_by_order[order_index] != TLB_ANY_RUN)
        return array->first_way_by_order[order_index];
    return (uint32_t) ((page >> array->set_bits) % (array->n_ways / n_ways)) *
           n_ways;
}

uint32_t mmusim__tlb_array_candidates(const struct tlb_array *array,
                                      uint64_t key, uint32_t *slots)
{
    uint32_t order_index = tlb_array_order_index(array, tlb_key_order(key));
    uint64_t page = tlb_key_vpn(key) >> tlb_key_order(key);
    uint32_t n_ways = array->ways_by_order[order_index];
    uint32_t first_way = tlb_array_first_way(array, order_index, page);
    uint32_t set = tlb_array_set_of(array, page);
    uint32_t group = (uint32_t) page & array->set_mask; /* A1 of tlb_index.h */
    uint32_t others = set ^ group;

    for (uint32_t way = 0; way < first_way + n_ways; way++) {
        if (way >= first_way)
            slots[way - first_way] = set * array->n_ways + way;
        if (array->is_skewed) {
            group = tlb_index_shuffle(group, array->set_bits);
            set = group ^ others;
        }
    }
    return n_ways;
}

static bool tlb_is_power_of_two(uint32_t value)
{
    return value && !(value & (value - 1));
}

static const char *tlb_orders_refuse(const struct tlb_array_config *config)
{
    if (!config->n_orders || config->n_orders > TLB_MAX_ORDERS)
        return "page_sizes must name 1 to 8 sizes";
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
    return NULL;
}

static const char *tlb_index_refuses(const struct tlb_array_config *config)
{
    uint32_t n_sets = config->n_entries / config->n_ways;
    uint32_t n_hashes;

    if (config->index >= TLB_INDEX_COUNT)
        return "index: no such function";
    if (config->index != TLB_INDEX_SKEWED)
        return NULL;
    if (config->n_ways < 2)
        return "index skewed needs 2 ways or more";
    if (config->n_entries > TLB_HASHED_MAX)
        return "index skewed takes up to 32768 entries";
    n_hashes =
        tlb_index_n_hashes((uint32_t) __builtin_ctz(n_sets), config->n_ways);
    if (n_hashes < config->n_ways)
        return "index skewed: so few sets have no hash of its own for each "
               "way (3 ways take 4 sets, 7 take 8, 15 take 16, 21 take 32, 63 "
               "take 64)";
    return NULL;
}

static bool tlb_config_has_order(const struct tlb_array_config *config,
                                 uint32_t order)
{
    uint32_t i = 0;

    while (i < config->n_orders && config->orders[i] != order)
        i++;
    return i < config->n_orders;
}

static const char *tlb_size_ways_refuse(const struct tlb_array_config *config)
{
    if (config->n_size_ways > TLB_MAX_ORDERS)
        return "ways_by_size must name at most 8 sizes";
    for (uint32_t i = 0; i < config->n_size_ways; i++) {
        if (!tlb_config_has_order(config, config->size_orders[i]))
            return "ways_by_size names a size that page_sizes does not";
        if (i && config->size_orders[i] <= config->size_orders[i - 1])
            return "ways_by_size must ascend, each size once";
        if (!config->size_ways[i] || config->size_ways[i] > config->n_ways)
            return "ways_by_size: a size has 1 way to all of them";
        if (config->size_first_way[i] == TLB_ANY_RUN
                ? config->n_ways % config->size_ways[i]
                : config->size_first_way[i] + config->size_ways[i] >
                      (int) config->n_ways)
            return "ways_by_size: N must divide ways, its runs fill the array; "
                   "FIRST-LAST must lie within 0 and ways - 1";
    }
    return NULL;
}

static const char *tlb_extras_refuse(const struct tlb_array_config *config)
{
    if (config->max_contexts > TLB_MAX_HELD)
        return "max_contexts must be 0 (any number) to 64";
    if (config->ids_per_slot > TLB_MAX_IDS)
        return "an entry stands for at most 16 translations";
    if (config->probe_cycles && config->n_orders == 1)
        return "probe_cycles needs several page_sizes: it is the time from "
               "one to the next";
    return NULL;
}

static bool tlb_config_is_whole_sets(const struct tlb_array_config *config)
{
    for (uint32_t i = 0; i < config->n_size_ways; i++) {
        if (config->size_ways[i] < config->n_ways)
            return false;
    }
    return config->index != TLB_INDEX_SKEWED;
}

static const char *
tlb_replacement_refuses(const struct tlb_array_config *config)
{
    const struct repl_ops *ops;

    if (!memchr(config->replacement, 0, sizeof(config->replacement)))
        return "replacement: no such policy";
    ops = mmusim__repl_find(config->replacement);
    if (!ops)
        return "replacement: no such policy";
    if (!tlb_config_is_whole_sets(config))
        return ops->victim_among
                   ? NULL
                   : "index skewed and ways_by_size need replacement lru, nru "
                     "or random: a page's ways are no whole set";
    return ops->refuses ? ops->refuses(config->n_ways) : NULL;
}

const char *mmusim__tlb_array_refuses(const struct tlb_array_config *config)
{
    static const char *(*const rules[])(const struct tlb_array_config *) = {
        tlb_geometry_refuses, tlb_orders_refuse, tlb_index_refuses,
        tlb_size_ways_refuse, tlb_extras_refuse, tlb_replacement_refuses,
    };

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const char *reason = rules[i](config);

        if (reason)
            return reason;
    }
    return NULL;
}
