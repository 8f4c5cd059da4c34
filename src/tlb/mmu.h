/* SPDX-License-Identifier: MIT */
/*
 * The translation hardware of one logical CPU: its TLBs, paging-structure
 * caches, and the page walkers.
 *
 * Levels: a first level for fetches (l1i) and one for data (l1d); machines that
 * split the latter have loads in l1d and stores in l1s. Behind them one second
 * level for all (l2), or one for fetches (l2i) and one for data (l2d); behind
 * that, perhaps, a last level that several cores share (l3).
 *
 * Sharing: an array may be several CPUs' (mmu_sharing.h). Entries are then of
 * one hardware thread (tlb_context.thread = the CPU), or, with CnP, of whoever
 * has the ASID. Look-ups, fills and invalidations of CPUs that share an array
 * must come in the one global order.
 *
 * Relations of the levels are policies (fill_policy.h); a walk always fills the
 * L1 that asked.
 *
 * A page larger than any an array of a level can hold is entered as a
 * fragment of the largest size it can; from then on invalidations by address
 * are widened to the page's size, so that every fragment goes (SDM vol. 3A
 * 4.10.4.1).
 *
 * The access path's own part is mmu_inline.h.
 */
#ifndef MMUSIM_TLB_MMU_H
#define MMUSIM_TLB_MMU_H

#include "core/event_queue.h"
#include "tlb/fill_policy.h"
#include "tlb/miss_cause.h"
#include "tlb/mmu_config.h"
#include "tlb/mmu_watch.h"
#include "tlb/nested.h"
#include "tlb/prefetch.h"
#include "tlb/psc.h"
#include "tlb/pt_format.h"

struct arena;
struct mem_model;
struct walk;

enum access_kind { ACCESS_LOAD, ACCESS_STORE, ACCESS_FETCH };

enum { ACCESS_KINDS = 3 };

enum { MMU_MAX_WALKERS = 32 };

/* One TLB level as one logical CPU sees it: arrays probed together. The
 * counters are the CPU's own. hits = accesses - misses. */
struct tlb_group {
    struct tlb_array *arrays[CONFIG_MAX_ARRAYS];
    uint32_t n_arrays;
    uint64_t accesses;
    uint64_t misses;
    uint64_t evictions; /* valid entries that its fills replaced */
    const struct tlb_fill_ops *policy;
    struct tlb_group *below;    /* the level that this one's misses look into */
    uint32_t miss_probe_cycles; /* to find that no page size is there */
};

/* The most recent hit of an L1: the same page again needs no look-up, and no
 * touch, since touching the most recently touched entry changes nothing. */
struct mmu_last {
    uint64_t vpn; /* UINT64_MAX: none */
    tlb_data_t data;
    uint64_t pfn; /* of this 4 KiB page, inside a larger one too */
};

enum walk_need { /* why a translation is asked of the walkers */
                 WALK_FOR_MISS,
                 WALK_FOR_DIRTY,  /* a store hit a clean entry */
                 WALK_FOR_REPLAY, /* again: after a poisoned walk or a fault */
};

enum walk_outcome {
    WALK_FILLED,
    WALK_FAULTED,  /* walk_request.fault says why */
    WALK_POISONED, /* an invalidation came in between; ask again */
};

/* Why a walk faults. That the entry it found forbids the access, or wants D
 * set by software, is the asker's to see: such entries are cached. */
enum walk_fault_kind {
    WALK_FAULT_NONE,
    WALK_FAULT_ABSENT,   /* translation fault: an entry is not present */
    WALK_FAULT_RESERVED, /* a reserved bit; an address that is too large */
    WALK_FAULT_ACCESS,   /* A is clear, and software is to set it */
    WALK_FAULT_STAGE2,   /* the second stage: an EPT violation, stage-2 fault */
    WALK_FAULT_HOST,     /* pt_host refused to give an entry */
};

struct walk_fault {
    enum walk_fault_kind kind;
    uint32_t level;  /* of the entry, in its stage */
    uint64_t gpaddr; /* STAGE2: the guest-physical address */
    bool is_refused; /* STAGE2: mapped, but without the right */
};

/* An access that waits for a walk. Owned by the core; linked by the walker. */
struct walk_request {
    uint64_t vaddr;
    enum access_kind kind;
    enum walk_need need;
    bool counts_cause;       /* a demand miss whose cause is not counted yet */
    struct walk_fault fault; /* of the last answer */
    uint64_t pc;             /* the asker's, for observers */
    uint64_t asked_cycle;    /* set by the walkers */
    struct walk_request *next;
};

struct walker_counters {
    uint64_t walks, pte_reads, cycles, merged, poisoned, waits;
    uint64_t dirty_walks, prefetches, replays;
};

/* Where an L1 look-up found a page not long ago: the look-up again is one
 * compare with the key there. Direct mapped by page number. Dropped when an
 * entry comes that a look-up would prefer (a smaller page, or one of the
 * address space before a global one). */
struct mmu_memo {
    uint64_t vpn;           /* UINT64_MAX: none */
    uint64_t key;           /* the slot must still hold it */
    const uint64_t *key_at; /* the slot's key, data and stamp */
    const tlb_data_t *data_at;
    uint64_t *stamp_at; /* NULL: a policy that is not stamped */
    struct tlb_array *array;
    uint64_t inside; /* the page within a larger one, 4 KiB units */
    uint32_t set;
    uint16_t way;
    tlb_tags_t tags; /* looked up; a global entry serves others too */
};

enum { MMU_MEMOS = 64 };

/* A first level with its shortcuts. */
struct mmu_l1 {
    struct mmu_last last;
    struct tlb_group *group;
    struct mmu_memo memos[MMU_MEMOS];
};

enum { MMU_L1S = 3 }; /* at most: of fetches, loads, stores */

/* How long a walk's read takes, where another than mem_model.h says so. */
struct walk_memory {
    void *context;
    uint32_t (*read_cycles)(void *context, uint32_t cpu, uint64_t paddr,
                            uint64_t now);
};

struct mmu;
struct walk;

/* Hears of misses, when their cause is known, and of walks, at their end. */
struct mmu_observer {
    void *context;
    void (*on_miss)(void *context, const struct mmu *mmu,
                    const struct walk_request *request, enum miss_cause cause,
                    uint64_t now);
    void (*on_walk)(void *context, const struct walk *walk, uint64_t now);
};

/* What all CPUs of a machine share. Borrowed. */
struct mmu_shared {
    struct event_queue *queue;
    struct pt_memory *tables;
    const struct pt_format *format;
    struct mem_model *memory;
    const struct walk_memory *walk_memory; /* NULL: memory's times */
    const struct mmu_watch *watch;         /* NULL: nobody watches */
    const struct mmu_observer *observer;   /* NULL: nobody observes */
    const struct translation_table *translations;
    struct tlb_contexts *contexts; /* NULL: native, tag = ASID */
    struct nested *nested; /* NULL: no guest; else contexts are there, too */
    /* What lower levels hold; NULL: as measured on Intel. */
    const struct tlb_fill_ops *l2_policy, *l3_policy;
    struct mmu **mmus; /* by CPU, where arrays are shared; else NULL */
    uint32_t n_mmus;
    bool has_cnp; /* entries of shared arrays are of no thread */
    const struct walker_config *walker;
    const struct prefetch_config *prefetch; /* NULL: none */
    const struct psc_options *psc;
    /* Socket that owns a table's frame, for memory latency. */
    uint32_t (*home_socket)(const void *context, pfn_t pfn);
    const void *home_context;
};

/* Threads of a core that have arrays in common; or, where the last level's
 * policy lets a CPU's private fills reach others, all CPUs around it. */
struct mmu_share {
    const struct mmu *user; /* the last to use them: a shortcut that leaves a
                               touch out is only its */
};

struct mmu {
    struct mmu_l1 *l1_of[ACCESS_KINDS]; /* of loads, stores, fetches */
    struct tlb_group *l2_of[ACCESS_KINDS];
    struct mmu_l1 l1[MMU_L1S];
    uint32_t n_l1s;
    struct tlb_group tlb[TLB_LEVEL_COUNT];
    struct mmu_share *share;  /* NULL: hits are the CPU's own business */
    struct mmu *next_sibling; /* ring of the CPUs that share */
    /* The context loaded, and its tags; only mmusim__mmu_set_* change them. */
    struct tlb_context context;
    tlb_tags_t tags;
    bool has_asids; /* CR4.PCIDE */
    pfn_t root;
    pfn_t kernel_root; /* tables of the upper half, shared by all roots */
    uint32_t cpu;
    uint64_t held_tags;            /* held_tags.h */
    uint32_t run_ids[TLB_MAX_IDS]; /* of the entry that is on its way up */
    bool has_runs;                 /* an array may hold runs of pages */
    uint32_t fragment_order; /* largest page entered in fragments; 0: none */

    struct psc psc;
    struct nested_cpu nested; /* a guest's */

    const struct mmu_shared *shared;
    struct prefetcher prefetcher;
    struct miss_log *log;
    struct walk *walks;
    uint32_t n_walkers;
    uint64_t next_walk_cycle; /* earliest event of a walk in flight */
    uint64_t walk_event_count;
    struct walk_request *queue_head, *queue_tail; /* wait for a free walker */
    /* Called when a request is answered, in event order. */
    void (*on_answer)(void *context, struct walk_request *request,
                      enum walk_outcome outcome, uint64_t now);
    void *answer_context;

    struct walker_counters counters;
    uint64_t llt_misses;
    uint64_t causes[MISS_CAUSE_COUNT];
    bool has_failed; /* memory was short: the run must stop */
};

struct mmu_setup {
    const struct tlb_level_config *tlb; /* TLB_LEVEL_COUNT of them */
    const struct mmu_shared *shared;
    struct rng *rng;
    uint32_t cpu;
    uint32_t n_threads; /* of the core; 0 means 1 */
    /* A CPU built before, whose shared arrays are this one's, too: another
     * thread of the core, and one that has the same last level. NULL: this
     * CPU's are built. */
    struct mmu *sibling;
    struct mmu *l3_sibling;
};

mmusim_status_t mmusim__mmu_init(struct mmu *mmu, const struct mmu_setup *setup,
                                 struct arena *arena);
void mmusim__mmu_fini(struct mmu *mmu);

/* Loads an address space's ASID (PCID), within the regime and VM loaded. */
void mmusim__mmu_set_asid(struct mmu *mmu, uint16_t asid);
/* Loads a regime, VM and ASID (context->thread stays the CPU's own). On a
 * native machine only REGIME_EL1 of VM 0 with an ASID. Tags that cannot be had
 * set has_failed. */
void mmusim__mmu_set_context(struct mmu *mmu,
                             const struct tlb_context *context);

/* A request with the CPU's present scope: regime, VM and nested tables; what
 * it matches is the caller's to add. */
struct inval mmusim__mmu_scope(const struct mmu *mmu);

/* The L1 look-up in full, where the shortcuts of mmu_inline.h do not know. */
bool mmusim__mmu_l1_search(struct mmu *mmu, struct mmu_l1 *l1, uint64_t vpn);

/* Looks a page up in the L2 after an L1 miss (counted) and fills the L1. */
bool mmusim__mmu_l2_lookup(struct mmu *mmu, enum access_kind kind,
                           uint64_t vaddr, tlb_data_t *data,
                           uint32_t *hit_cycles);
/* The same for the last level after an L2 miss; fills L2 and L1. */
bool mmusim__mmu_l3_lookup(struct mmu *mmu, enum access_kind kind,
                           uint64_t vaddr, uint32_t *hit_cycles);
/* All arrays have stamps from now on (mmu_watch.h). */
mmusim_status_t mmusim__mmu_watch(struct mmu *mmu, struct arena *arena);
/* The stamp of the entry that the last hit of a kind was; 0: unknown. */
uint64_t mmusim__mmu_hit_stamp(const struct mmu *mmu, enum access_kind kind,
                               uint64_t vaddr);

/* Is the page in a TLB now? Counts nothing; a hit fills the levels above. */
bool mmusim__mmu_probe(struct mmu *mmu, enum access_kind kind, uint64_t vaddr,
                       tlb_data_t *data);

/* Puts a finished translation into the L1 and L2 of the kinds that asked. */
struct mmu_fill {
    uint64_t vaddr;
    uint32_t order;
    tlb_tags_t tags; /* captured when the walk started */
    tlb_data_t data;
    uint32_t translation_id;
    uint64_t stamp; /* of the leaf (mmu_watch.h) */
    uint32_t kinds; /* 1 << enum access_kind, or-ed */
    /* Of a run of pages that may be one entry (walk_run.c): its order, at least
     * the page's, and the translations of its pages from the first; else 0. */
    uint32_t run_order;
    const uint32_t *run_ids;
    bool runs_ahead; /* not at an event: of a private level, into another */
    /* Of the page in the guest's tables, where it is larger than order; else
     * 0. Its parts are fragments. */
    uint32_t page_order;
};
void mmusim__mmu_fill(struct mmu *mmu, const struct mmu_fill *fill);

/* A table pointer of a context has taken a page's place in the second level
 * (psc_page_directory.c). */
void mmusim__mmu_lost_page(struct mmu *mmu, const struct tlb_removed *removed,
                           tlb_tags_t tags);

/* Applies an invalidation to every structure and every walk in flight; cause
 * is what later misses on the removed translations are attributed to. Returns
 * the number of TLB entries removed. */
uint32_t mmusim__mmu_invalidate(struct mmu *mmu, const struct inval *inval,
                                enum miss_cause cause);

/* The rights an access of a kind needs in a user or supervisor context. */
static inline uint32_t mmu_rights_needed(enum access_kind kind, bool is_user)
{
    uint32_t rights = kind == ACCESS_LOAD    ? TLB_READ
                      : kind == ACCESS_STORE ? TLB_WRITE
                                             : TLB_EXEC;

    return rights | (is_user ? TLB_USER : 0);
}

#endif
