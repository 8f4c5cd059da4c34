/* SPDX-License-Identifier: MIT */
/* What the two halves of reclaiming some pages share: reclaim_shrink.c looks at
 * them, reclaim_lists.c takes them off the lists and puts them back. */
#ifndef MMUSIM_OS_RECLAIM_PARTS_H
#define MMUSIM_OS_RECLAIM_PARTS_H

#include "os/page_table.h"
#include "os/reclaim.h"

enum shrink_verdict {
    VERDICT_KEEP,       /* to the head of its list */
    VERDICT_ACTIVATE,   /* to the active one */
    VERDICT_DEACTIVATE, /* to the inactive one */
    VERDICT_FREE,
};

struct shrink_frame {
    struct kframe frame;
    struct kernel *kernel;
    struct shrink_request request;
    struct page *pages[RECLAIM_CLUSTER];
    uint8_t verdicts[RECLAIM_CLUSTER];
    uint32_t n, at; /* pages; the one in hand */
    bool is_forced; /* whatever has been referenced */
    bool has_batch; /* entries cleared and not flushed yet */
    bool has_writable;
    /* Of the page in hand. */
    uint32_t map_index;
    uint32_t n_referenced;
    bool is_executable;
    bool has_slot; /* swap_slot is the page's */
    bool is_lazy;  /* an entry has gone without being written */
    uint32_t swap_slot;
    /* Of the mapping in hand. */
    struct page_map map;
    struct pte_slot slot;
    struct lock_waiter waiter;
    struct lock_waiter table_waiter;
};

/* The caller holds the lists' lock: up to request.n_to_scan pages come off the
 * tail. */
void mmusim__shrink_take(struct cpu *cpu, struct shrink_frame *shrink);
/* Those that are not to be freed go back; the lock is held. */
void mmusim__shrink_put(struct cpu *cpu, struct shrink_frame *shrink);
bool mmusim__shrink_has_kept(const struct shrink_frame *shrink);
/* Gives those up that are, and counts them. */
void mmusim__shrink_free(struct cpu *cpu, struct shrink_frame *shrink);

static inline struct reclaim *shrink_reclaim(const struct shrink_frame *shrink)
{
    return shrink->kernel->reclaim;
}

static inline struct lru *shrink_lru(const struct shrink_frame *shrink)
{
    return &shrink_reclaim(shrink)->nodes[shrink->request.node].lru;
}

#endif
