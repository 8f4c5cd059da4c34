/* SPDX-License-Identifier: MIT */
/*
 * Page walkers of one logical CPU.
 *
 * A walk captures its address-space tag and root when it starts, begins at the
 * deepest paging-structure-cache entry that matches, and reads one entry per
 * event, so that it interleaves with other CPUs' page-table writes. Requests
 * for the page of a walk in flight merge with it; when no walker is free they
 * wait, in order. An invalidation that hits poisons the walk: nothing is
 * filled, and its requests are answered WALK_POISONED at its end.
 *
 * Sources: Intel SDM vol. 3A 4.10.2-4.10.3 (what may be cached), 4.8 (A and D).
 */
#ifndef MMUSIM_TLB_WALKER_H
#define MMUSIM_TLB_WALKER_H

#include "tlb/mmu.h"

struct walk {
    struct event event;
    struct mmu *mmu;
    bool is_active;
    bool is_poisoned;
    bool fills_no_psc; /* a #PF has dropped a table pointer it may hold */
    bool is_done;      /* the next event ends the walk */
    bool has_faulted;
    bool wants_store; /* a store waits: set D if the leaf permits */
    uint32_t kinds;   /* that wait: 1 << enum access_kind, or-ed */
    bool is_user;
    tlb_tags_t tags;
    uint64_t vaddr;
    uint64_t started_cycle;
    uint32_t level;     /* of the entry read next */
    uint64_t table;     /* address of the table that holds it */
    uint32_t rights;    /* of all levels so far */
    uint32_t psc_level; /* > 0: enter `table` for this level at the next
                           event, when its entry has been read */
    uint32_t order;
    tlb_data_t data;
    uint32_t translation_id;
    enum miss_cause poison_cause;
    struct walk_request *requests;
};

mmusim_status_t mmusim__walkers_init(struct mmu *mmu, uint32_t n_walkers,
                                     struct arena *arena);

/* Asks for a translation; mmu->on_answer is called when it is there. The
 * request stays the caller's and must live until then. */
void mmusim__walk_ask(struct mmu *mmu, struct walk_request *request,
                      uint64_t now);

/* Poisons the walks in flight that an invalidation hits. */
void mmusim__walks_poison(struct mmu *mmu, const struct inval *inval,
                          enum miss_cause cause);

#endif
