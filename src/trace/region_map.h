/* SPDX-License-Identifier: MIT */
/* Counts of accesses and touched pages by MiB of addresses: 64 bytes a MiB, up
 * to REGION_MAP_MAX of them. */
#ifndef MMUSIM_TRACE_REGION_MAP_H
#define MMUSIM_TRACE_REGION_MAP_H

#include "core/op.h"

enum {
    REGION_SHIFT = 20,
    REGION_PAGE_SHIFT = 12,
    REGION_MAP_MAX = 1 << 18, /* with slots: 32 MiB, 48 while it grows */
};

struct region {
    uint64_t key;         /* number of the MiB + 1; 0: an empty slot */
    uint64_t n_of[3];     /* by enum op_kind, up to OP_STORE */
    uint64_t is_paged[4]; /* bit i: page i is touched */
};

struct region_map {
    struct region *slots;
    uint64_t n_slots;
    uint64_t n_regions;
    uint64_t n_left_out; /* accesses that found no room */
};

/* Counts a fetch, load or store. map: zeroes at first. false: out of memory. */
bool mmusim__region_map_add(struct region_map *map,
                            const struct op_record *record);
/* Puts the regions first, most accesses first: nothing can be added then. */
void mmusim__region_map_sort(struct region_map *map);
void mmusim__region_map_fini(struct region_map *map);

static inline uint64_t region_pages(const struct region *region)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < 4; i++)
        n += (uint64_t) __builtin_popcountll(region->is_paged[i]);
    return n;
}

#endif
