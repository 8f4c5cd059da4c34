/* SPDX-License-Identifier: MIT */
/*
 * An observer of what the translation hardware reads, keeps and drops. Each
 * word that a walk reads gets a *stamp* from the observer, an opaque number
 * other than 0; whatever is cached from the word carries it (tlb_array.stamps),
 * so that a use can be judged by when its translation was read. With nobody
 * watching, arrays have no stamps and nothing of this is looked at on a hit.
 */
#ifndef MMUSIM_TLB_MMU_WATCH_H
#define MMUSIM_TLB_MMU_WATCH_H

#include "tlb/inval.h"

/* A word of the first stage's tables that a walk reads. */
struct walk_seen {
    uint64_t cycle;
    uint64_t vaddr;
    uint64_t table; /* its address; a guest's own */
    uint32_t level; /* of the table */
    bool is_root;
    uint64_t owner; /* as begin() said */
    uint64_t stamp; /* of the pointer to the table */
};

struct mmu_watch {
    void *context;
    /* A walk begins: whose tables map the address while what the CPU has
     * loaded is loaded (*owner), and the stamp of the pointer to the root. */
    uint64_t (*begin)(void *context, uint32_t cpu, uint64_t vaddr,
                      uint64_t *owner);
    /* Returns the stamp of the word read. */
    uint64_t (*read)(void *context, uint32_t cpu, const struct walk_seen *seen);
    /* Two entries of different sizes for an address; the older one's stamp. */
    void (*two_sizes)(void *context, uint32_t cpu, uint64_t vaddr,
                      uint64_t stamp);
    void (*invalidated)(void *context, uint32_t cpu, const struct inval *inval);
};

#endif
