/* SPDX-License-Identifier: MIT */
/*
 * A TLB written for clearness, to compare the fast one with: entries are plain
 * structs, sets are found by division, recency is the order of a list, the
 * PLRU tree is walked by recursion, nothing is packed or hashed.
 */
#ifndef MMUSIM_TESTS_MODEL_LIST_TLB_H
#define MMUSIM_TESTS_MODEL_LIST_TLB_H

#include "core/rng.h"

#include <stdbool.h>
#include <stdint.h>

enum list_policy {
    LIST_LRU,
    LIST_PLRU,
    LIST_PLRU12,
    LIST_NRU,
    LIST_SRRIP,
    LIST_FIFO,
    LIST_RANDOM,
};

enum list_index { LIST_BITS, LIST_XOR, LIST_FOLD, LIST_SKEWED };

struct list_entry {
    bool is_valid;
    uint64_t vpn; /* first page, 45 bits */
    uint32_t order;
    uint16_t asid;
    bool is_global;
    uint64_t data;
    uint32_t id;
};

struct list_set {
    struct list_entry *ways;
    uint32_t *turns; /* ways by use (LRU) or by fill (FIFO), oldest first */
    uint32_t n_turns;
    bool *points_right;  /* PLRU: by the number of nodes met in preorder */
    uint32_t last_group; /* PLRU12: of four ways */
    bool *is_used;       /* NRU */
    int *distance;       /* SRRIP: 0 near to 3 distant */
    uint64_t *used_at;   /* LRU where a page's ways are no whole set */
};

struct list_tlb {
    enum list_policy policy;
    enum list_index index;
    uint32_t n_sets, n_ways;
    uint32_t ways_by_order[64];  /* 0: all */
    uint32_t first_by_order[64]; /* of those ways; 0: the page says, + 1 */
    uint64_t now;
    uint32_t max_held; /* 0: any number */
    uint32_t n_held;
    uint16_t held[16]; /* contexts, last used first */
    uint64_t lost_ids; /* sum over entries lost with their context */
    struct list_set *sets;
    struct list_set *last_set; /* SRRIP: the entry used last of all */
    uint32_t last_way;
    struct rng rng;
};

/* What to drop; pages [vpn, vpn + n_pages) if has_range. */
struct list_request {
    bool has_range, has_asid, hits_globals, hits_nonglobals;
    uint64_t vpn, n_pages;
    uint16_t asid;
};

struct list_tlb *list_tlb_create(enum list_policy policy, uint32_t n_sets,
                                 uint32_t n_ways, enum list_index index);
void list_tlb_destroy(struct list_tlb *tlb);

/* The entry that translates a page, used; NULL if none. */
const struct list_entry *list_tlb_lookup(struct list_tlb *tlb, uint64_t vpn,
                                         uint16_t asid);
/* Returns what had to go (is_valid: something); *is_update: the same page. */
struct list_entry list_tlb_insert(struct list_tlb *tlb, struct list_entry entry,
                                  bool *is_update);
void list_tlb_use_context(struct list_tlb *tlb, uint16_t asid);
/* Returns how many went; *id_sum is the sum of their ids. */
uint32_t list_tlb_invalidate(struct list_tlb *tlb,
                             const struct list_request *request,
                             uint64_t *id_sum);

#endif
