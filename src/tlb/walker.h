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
 * Of a guest, every table of the first stage, and the page at last, lies at a
 * guest-physical address that the second stage translates first: n * m + n + m
 * reads if nothing is cached.
 *
 * Sources: Intel SDM vol. 3A 4.10.2-4.10.3 (what may be cached), 4.8 (A and D);
 * RISC-V privileged manual, "Virtual Address Translation Process" (an entry
 * that has changed when A or D is to be set is read again); AMD APM vol. 2,
 * 15.25.5 (the guest's tables are written, as the second stage sees it).
 */
#ifndef MMUSIM_TLB_WALKER_H
#define MMUSIM_TLB_WALKER_H

#include "tlb/mmu.h"

/* Walks ahead of time end without a word if an entry is absent or lacks A. */
enum walk_purpose {
    WALK_ON_DEMAND,
    WALK_TO_PREFETCH,  /* into the prefetch buffer */
    WALK_TO_SPECULATE, /* into the TLBs, on a path not taken */
};

enum walk_phase {              /* what the next event does */
                  WALK_READ,   /* read an entry of the first stage */
                  WALK_SET,    /* set its A or D, if it has not changed */
                  WALK_ENTER,  /* keep the pointer it gave; go to that table */
                  WALK_LEAF,   /* the first stage has a page */
                  WALK_READ_2, /* the same of the second stage */
                  WALK_SET_2,
                  WALK_ENTER_2,
                  WALK_LEAF_2,
                  WALK_DONE, /* end */
};

/* Where a walk stands in one stage. */
struct walk_cursor {
    uint64_t address; /* being translated */
    uint32_t level;   /* of the entry read next */
    uint64_t table;   /* address of the table that holds it: guest-physical in
                         a guest's first stage */
    uint64_t host_table; /* where that lies in the host's memory */
    uint32_t rights;     /* of all levels so far */
    uint64_t word;       /* as read: what is to be changed */
};

/* Tables of the first stage and the page. */
enum { WALK_MAX_GUEST = PT_MAX_LEVELS + 1 };

/* What a walk of a guest has used of the second stage. */
struct walk_used {
    uint64_t gfn;
    uint32_t order; /* of the page in the second stage; 0 until known */
};

struct walk {
    struct event event;
    struct mmu *mmu;
    bool is_active;
    bool is_poisoned;
    bool fills_no_psc; /* a fault has dropped a table pointer it may hold */
    enum walk_purpose purpose;
    bool has_given_up; /* ahead of time, and an entry lacked P or A */
    bool wants_store;  /* a store waits: set D if the leaf permits */
    uint32_t kinds;    /* that wait: 1 << enum access_kind, or-ed */
    bool is_user;
    bool is_at_root; /* the table of the first stage is the root */
    tlb_tags_t tags;
    uint64_t vaddr;
    uint64_t started_cycle;
    uint32_t n_pte_reads;
    enum walk_phase phase;
    struct walk_fault fault; /* why it answers WALK_FAULTED */
    struct walk_cursor one, two;
    uint32_t leaf_order; /* of the first stage's page; 0 until known */
    tlb_data_t leaf;
    /* Of the second stage: its page, and for what it was asked. */
    bool is_for_page; /* else for a table */
    bool is_from_tlb; /* found in the nested TLB */
    tlb_tags_t tags_2;
    uint32_t n_used;
    struct walk_used used[WALK_MAX_GUEST];
    uint32_t order; /* of the result */
    /* The run of pages of the first stage that the result may stand for. */
    uint32_t run_order; /* 0: none */
    uint32_t run_ids[TLB_MAX_IDS];
    tlb_data_t data;
    uint32_t translation_id;
    enum miss_cause poison_cause;
    /* mmu_watch.h: whose tables; of the pointer to the table read, and of the
     * word read last. */
    uint64_t owner;
    uint64_t pointer_stamp, stamp;
    struct walk_request *requests;
};

/* One event's work on a walk (walk_step.c); returns the cycles until the next,
 * or leaves it WALK_DONE. */
uint32_t mmusim__walk_step(struct walk *walk);
/* Where the walk begins; returns what finding it took. */
uint32_t mmusim__walk_begin(struct walk *walk);
/* Notes the run that the leaf just read at paddr is of (walk_run.c). */
void mmusim__walk_note_run(struct walk *walk, const struct pt_info *table,
                           const struct pt_entry *leaf, uint64_t paddr);
/* Does an invalidation drop what the walk has read of the second stage? */
bool mmusim__walk_stage2_is_hit(const struct walk *walk,
                                const struct inval *inval);

mmusim_status_t mmusim__walkers_init(struct mmu *mmu, uint32_t n_walkers,
                                     struct arena *arena);

/* Asks for a translation; mmu->on_answer is called when it is there. The
 * request stays the caller's and must live until then. */
void mmusim__walk_ask(struct mmu *mmu, struct walk_request *request,
                      uint64_t now);

/* Walks for a page that nobody has asked for yet. False: a walk for it is under
 * way, or no walker is free. */
bool mmusim__walk_ahead(struct mmu *mmu, uint64_t vaddr,
                        enum walk_purpose purpose, uint64_t now);

/* Poisons the walks in flight that an invalidation hits. */
void mmusim__walks_poison(struct mmu *mmu, const struct inval *inval,
                          enum miss_cause cause);

#endif
