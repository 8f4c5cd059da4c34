/* SPDX-License-Identifier: MIT */
/* Open addressing with linear probing; at most half of the slots are taken. */
#include "trace/region_map.h"

#include <stdlib.h>
#include <string.h>

enum {
    REGION_FIRST_SLOTS = 256, /* a power of two */
    /* Of one record, as mmusim_trace_info_t counts. */
    REGION_RECORD_PAGES_MAX = 16,
};

static struct region *region_find(struct region *slots, uint64_t n_slots,
                                  uint64_t key)
{
    /* 2^64 / golden ratio; the high bits mix best */
    uint64_t i = (key * 0x9e3779b97f4a7c15 >> 32) & (n_slots - 1);

    while (slots[i].key && slots[i].key != key)
        i = (i + 1) & (n_slots - 1);
    return &slots[i];
}

static bool region_grow(struct region_map *map)
{
    uint64_t n_slots = map->n_slots ? 2 * map->n_slots : REGION_FIRST_SLOTS;
    struct region *slots = calloc(n_slots, sizeof(*slots));

    if (!slots)
        return false;
    for (uint64_t i = 0; i < map->n_slots; i++) {
        if (map->slots[i].key)
            *region_find(slots, n_slots, map->slots[i].key) = map->slots[i];
    }
    free(map->slots);
    map->slots = slots;
    map->n_slots = n_slots;
    return true;
}

/* The region of a MiB; NULL: there is no room for it. */
static struct region *region_take(struct region_map *map, uint64_t key)
{
    struct region *region = region_find(map->slots, map->n_slots, key);

    if (region->key)
        return region;
    if (map->n_regions == REGION_MAP_MAX)
        return NULL;
    region->key = key;
    map->n_regions++;
    return region;
}

bool mmusim__region_map_add(struct region_map *map,
                            const struct op_record *record)
{
    uint64_t first = record->vaddr >> REGION_PAGE_SHIFT;
    uint64_t last = record->vaddr + (op_bytes_of(record) - 1);
    uint32_t page_bits = REGION_SHIFT - REGION_PAGE_SHIFT;
    struct region *region = NULL;

    last =
        min_u64(last >> REGION_PAGE_SHIFT, first + REGION_RECORD_PAGES_MAX - 1);
    for (uint64_t page = first; page <= last; page++) {
        uint32_t bit = (uint32_t) (page & ((1u << page_bits) - 1));

        /* Before each region, of which a record touches two at most. */
        if (map->n_regions >= map->n_slots / 2 && !region_grow(map))
            return false;
        region = region_take(map, (page >> page_bits) + 1);
        if (region)
            region->is_paged[bit / 64] |= UINT64_C(1) << bit % 64;
        if (region && page == first)
            region->n_of[op_kind_of(record)]++;
        else if (page == first)
            map->n_left_out++;
    }
    return true;
}

static uint64_t region_accesses(const struct region *region)
{
    return region->n_of[OP_FETCH] + region->n_of[OP_LOAD] +
           region->n_of[OP_STORE];
}

static int region_compare(const void *left, const void *right)
{
    const struct region *a = left;
    const struct region *b = right;
    uint64_t n_a = region_accesses(a);
    uint64_t n_b = region_accesses(b);

    if (n_a != n_b)
        return n_a < n_b ? 1 : -1;
    return a->key < b->key ? -1 : a->key > b->key;
}

void mmusim__region_map_sort(struct region_map *map)
{
    uint64_t n = 0;

    for (uint64_t i = 0; i < map->n_slots; i++) {
        if (map->slots[i].key)
            map->slots[n++] = map->slots[i];
    }
    if (n)
        qsort(map->slots, n, sizeof(*map->slots), region_compare);
}

void mmusim__region_map_fini(struct region_map *map)
{
    free(map->slots);
    memset(map, 0, sizeof(*map));
}
