/* SPDX-License-Identifier: MIT */
/*
 * One TLB array (or paging-structure cache): set-associative, skewed or fully
 * associative, holding one or several page sizes.
 *
 * A look-up probes each page size present, smallest first; an equal key is
 * unique (insert() replaces the slot that has it). Of the slots where a page
 * may lie, the lowest invalid way is filled first, then the policy's victim.
 *
 * Words: slot = set * n_ways + way. In a skewed array a page has another set
 * in each way. Where ways_by_size gives a page size only some of the ways, they
 * are a run of neighbours: always the same, or one that the page number
 * chooses, so that pages of one size can fill the whole array. The latter is
 * what CPUID says of AMD's L2 TLBs: the entries in full for each size, the ways
 * of each size alone. The former is Ice Lake's pair of arrays for 4K and 2M and
 * for 4K and 1G.
 *
 * Invariants (mmusim__tlb_array_is_valid):
 *   n_valid = number of non-zero keys = sum of n_valid_by_order[]
 *   n_valid_tables, n_valid_global = number of keys with that flag
 *   no key occurs twice; every key lies in a slot its page may lie in
 *   where keys are hashed, every valid slot is on its key's chain, once
 *
 * The look-up that hits is in tlb_array_inline.h.
 */
#ifndef MMUSIM_TLB_TLB_ARRAY_H
#define MMUSIM_TLB_TLB_ARRAY_H

#include "mmusim/status.h"
#include "tlb/inval.h"
#include "tlb/repl.h"
#include "tlb/tlb_index.h"

struct arena;

enum {
    TLB_MAX_ORDERS = 8, /* page sizes in one array */
    TLB_MAX_IDS = 16,   /* translations behind one entry */
    TLB_MAX_HELD = 64,  /* contexts, where their number is bounded */
    /* Bounds of what a file may ask for; the largest known TLBs have some
     * thousand entries, so this leaves room for "what if". */
    TLB_MAX_ENTRIES = 1 << 18,
    TLB_MAX_WAYS = 1 << 12,
};
#define TLB_NO_SLOT UINT32_MAX
#define TLB_ANY_RUN UINT16_MAX

/* How the hardware threads of a core have an array. */
enum tlb_smt {
    TLB_SMT_PRIVATE,     /* one each */
    TLB_SMT_SHARED,      /* one for all, whoever needs it */
    TLB_SMT_PARTITIONED, /* an equal part of one each, taken or not */
};

/* What a machine file says of one array: keys tlb.LEVEL.INDEX.* */
struct tlb_array_config {
    uint32_t n_entries;
    uint32_t n_ways; /* = n_entries when fully associative */
    uint32_t n_orders;
    uint8_t orders[TLB_MAX_ORDERS]; /* ascending page orders */
    char replacement[16];
    enum tlb_index index;
    uint32_t hit_cycles;
    /* Ways that a page of the size may lie in, from size_first_way on or
     * TLB_ANY_RUN; sizes not named: any way. */
    uint32_t n_size_ways;
    uint8_t size_orders[TLB_MAX_ORDERS];
    uint16_t size_ways[TLB_MAX_ORDERS];
    uint16_t size_first_way[TLB_MAX_ORDERS];
    uint32_t max_contexts; /* that have entries at a time; 0: any number */
    uint32_t probe_cycles; /* per page size after the first; 0: all at once */
    enum tlb_smt smt;
    uint32_t ids_per_slot; /* no key: what coalescing needs; 0 means 1 */
};

/* An entry that insert() or invalidate() has removed. */
struct tlb_removed {
    uint64_t key; /* 0: nothing was removed */
    tlb_data_t data;
    uint32_t id; /* the translation number given to insert() */
    /* The others of a coalesced entry; 0: none there. Valid until the array is
     * called again. */
    uint32_t n_more;
    const uint32_t *more;
    uint64_t stamp; /* of tlb_array_stamp(); 0: none */
};

/* Called for each entry that an invalidation, or a bound, removes. */
typedef void (*tlb_removed_fn)(void *context, const struct tlb_removed *entry);

struct tlb_array {
    /* Hot: the look-up reads these. */
    uint64_t *keys; /* [n_sets * n_ways], 0 = invalid */
    tlb_data_t *data;
    uint32_t n_ways;
    uint32_t set_mask; /* n_sets - 1 */
    uint32_t set_bits;
    uint32_t n_folds; /* of the page number: tlb_index.h */
    uint32_t n_orders;
    uint8_t orders[TLB_MAX_ORDERS];
    uint32_t n_valid_by_order[TLB_MAX_ORDERS];
    uint32_t n_valid_global;
    uint32_t n_valid_tables; /* keys with TLB_KEY_TABLE */
    /* Arrays of many ways, and all skewed ones, are looked up by hash, exactly;
     * else both NULL. hints[hash of key] and chain[slot] give the next slot +
     * 1, 0: none. */
    uint16_t *hints;
    uint16_t *chain;
    uint32_t hint_shift;
    struct repl_state repl;
    const struct repl_ops *repl_ops;
    /* Cold. */
    const struct tlb_contexts *contexts; /* behind the tags; NULL: native */
    uint32_t *ids;                       /* [slot * ids_per_slot + i] */
    uint32_t ids_per_slot;
    uint64_t *stamps;      /* mmu_watch.h: of each slot; NULL: nobody watches */
    uint32_t *removed_ids; /* those that insert() tells of; NULL: one each */
    uint32_t n_valid;
    uint64_t evictions; /* valid entries replaced by insert() */
    uint32_t hit_cycles;
    uint32_t probe_cycles;
    /* Where a page's slots are no whole set; else candidates is NULL. */
    bool is_skewed;
    uint16_t ways_by_order[TLB_MAX_ORDERS];      /* n_ways: any */
    uint16_t first_way_by_order[TLB_MAX_ORDERS]; /* or TLB_ANY_RUN */
    uint32_t *candidates;                        /* [n_ways], scratch */
    /* The contexts held, last used first; NULL: no bound. */
    uint16_t *held;
    uint32_t n_held, max_held;
    tlb_removed_fn on_context_lost;
    void *lost_context;
};

/* NULL if the geometry is possible, else a text saying what is wrong and what
 * would be right, e.g. "entries must be a multiple of ways". */
const char *mmusim__tlb_array_refuses(const struct tlb_array_config *config);

/* Builds an array in the caller's storage; memory comes from the arena and is
 * released with it. rng is borrowed (only the random policy draws from it). */
mmusim_status_t mmusim__tlb_array_init(struct tlb_array *array,
                                       const struct tlb_array_config *config,
                                       struct rng *rng, struct arena *arena);

/* The slot that holds the page for a context, or TLB_NO_SLOT; touches nothing.
 * tags: of tlb_context.h; the ASID on a native machine. */
uint32_t mmusim__tlb_array_probe(const struct tlb_array *array, vpn_t vpn,
                                 tlb_tags_t tags);

/*
 * Puts an entry in (order must be one of the array's orders). removed says what
 * had to go: the victim, or an older entry with the same key (an update in
 * place; not counted as an eviction). Where contexts are bounded, the key's
 * counts as used, as by mmusim__tlb_array_use_context().
 */
uint32_t mmusim__tlb_array_insert(struct tlb_array *array, uint64_t key,
                                  tlb_data_t data, uint32_t id,
                                  struct tlb_removed *removed);

/*
 * The same for an entry that stands for several translations: a coalesced run,
 * Arm's contiguous bit, Svnapot. Its order (2 for 16K) is one of the array's
 * like any other; ids[i] is the number of the i-th part, 0 where there is none,
 * and n_ids at most ids_per_slot. All of them come back in struct tlb_removed:
 * id is ids[0], more[0] is ids[1] and so on.
 */
struct tlb_coalesced {
    uint64_t key;
    tlb_data_t data;
    const uint32_t *ids;
    uint32_t n_ids;
};
uint32_t mmusim__tlb_array_insert_run(struct tlb_array *array,
                                      const struct tlb_coalesced *entry,
                                      struct tlb_removed *removed);

/* Empties a valid slot; nobody is told. */
void mmusim__tlb_array_drop(struct tlb_array *array, uint32_t slot);

/* From now on slots have stamps. */
mmusim_status_t mmusim__tlb_array_watch(struct tlb_array *array,
                                        struct arena *arena);

/* When what a slot holds was read from the tables (mmu_watch.h). */
static inline void tlb_array_stamp(struct tlb_array *array, uint32_t slot,
                                   uint64_t stamp)
{
    if (array->stamps)
        array->stamps[slot] = stamp;
}

static inline uint64_t tlb_array_stamp_of(const struct tlb_array *array,
                                          uint32_t slot)
{
    return array->stamps ? array->stamps[slot] : 0;
}

/* The translation numbers of a slot, ids_per_slot of them. */
static inline const uint32_t *tlb_array_ids(const struct tlb_array *array,
                                            uint32_t slot)
{
    return &array->ids[(size_t) slot * array->ids_per_slot];
}

/*
 * The CPU has loaded a context (its own tag). In an array of max_contexts it
 * is now the one used last; a context more than that, and all entries of the
 * one used longest ago are dropped and told to on_context_lost. Global entries
 * belong to none. Measured so by TLB;DR (USENIX Security 2022): 4 PCIDs in
 * Skylake's STLB, least recently loaded first, whether it was used or not.
 */
void mmusim__tlb_array_use_context(struct tlb_array *array, uint16_t tag);
/* Whom to tell; without it the entries just go. */
void mmusim__tlb_array_on_context_lost(struct tlb_array *array,
                                       tlb_removed_fn on_lost, void *context);

/* What probing one page size after the other adds to the time of a look-up that
 * ended at this slot, or, TLB_NO_SLOT, nowhere. */
uint32_t mmusim__tlb_array_probe_time(const struct tlb_array *array,
                                      uint32_t slot);

/*
 * Applies an invalidation by the leaf rule (is_psc false) or by the rule for
 * paging-structure caches; returns how many entries went. on_removed may be
 * NULL. Cost on the host: O(1) if the array is empty, O(ways) per page for
 * short ranges, else O(entries).
 */
uint32_t mmusim__tlb_array_invalidate(struct tlb_array *array,
                                      const struct inval *inval, bool is_psc,
                                      tlb_removed_fn on_removed, void *context);

bool mmusim__tlb_array_holds_order(const struct tlb_array *array,
                                   uint32_t order);
bool mmusim__tlb_array_is_valid(const struct tlb_array *array);

#endif
