/* SPDX-License-Identifier: MIT */
/*
 * How much of which list (Linux 4.6 mm/vmscan.c get_scan_count,
 * inactive_anon_is_low, inactive_file_is_low; mm/page_alloc.c
 * calculate_zone_inactive_ratio). vm.swappiness is 60. Left out: memory
 * cgroups, and SCAN_FILE when the inactive file list is long compared with the
 * free memory.
 */
#include "os/reclaim.h"

enum { SCAN_SWAPPINESS = 60 }; /* vm_swappiness */

static uint64_t scan_size(const struct reclaim_node *node, enum lru_kind kind)
{
    return node->lru.lists[kind].n_pages;
}

/* int_sqrt() */
static uint64_t scan_sqrt(uint64_t n)
{
    uint64_t root = 0;

    while ((root + 1) * (root + 1) <= n)
        root++;
    return root;
}

/* zone->inactive_ratio: 1 up to 1 GiB, 3 at 1 GiB, 10 at 10 GiB, 31 at 100. */
static uint64_t scan_inactive_ratio(const struct reclaim_node *node)
{
    uint64_t gib = node->n_frames >> (30 - BASE_PAGE_SHIFT);

    return gib ? scan_sqrt(10 * gib) : 1;
}

bool mmusim__scan_inactive_is_low(const struct reclaim *reclaim, uint32_t node,
                                  enum lru_kind kind)
{
    const struct reclaim_node *at = &reclaim->nodes[node];
    uint64_t active = scan_size(at, kind | 1U);
    uint64_t inactive = scan_size(at, kind & ~1U);

    if (lru_is_file(kind))
        return active > inactive;
    return reclaim->swap.n_slots && inactive * scan_inactive_ratio(at) < active;
}

static bool scan_has_swap(const struct reclaim *reclaim)
{
    return reclaim->swap.n_used < reclaim->swap.n_slots;
}

/* ap and fp of get_scan_count(): how well scanning each kind has paid. */
static void scan_fractions(const struct lru *lru, uint64_t fraction[2])
{
    static const uint64_t prio[2] = {SCAN_SWAPPINESS, 200 - SCAN_SWAPPINESS};

    for (int file = 0; file < 2; file++)
        fraction[file] = prio[file] * (lru->n_scanned[file] + 1) /
                         (lru->n_rotated[file] + 1);
}

void mmusim__scan_targets(const struct reclaim *reclaim, uint32_t node,
                          uint32_t priority, uint64_t targets[LRU_KINDS])
{
    const struct reclaim_node *at = &reclaim->nodes[node];
    uint64_t fraction[2];
    uint64_t denominator;

    scan_fractions(&at->lru, fraction);
    denominator = fraction[0] + fraction[1] + 1;
    for (int kind = 0; kind < LRU_KINDS; kind++) {
        bool is_file = lru_is_file((enum lru_kind) kind);
        uint64_t scan = scan_size(at, (enum lru_kind) kind) >> priority;

        if (!scan_has_swap(reclaim))
            scan = is_file ? scan : 0; /* SCAN_FILE */
        else if (priority) /* SCAN_FRACT; SCAN_EQUAL at priority 0 */
            scan = scan * fraction[is_file] / denominator;
        targets[kind] = scan;
    }
}
