/* SPDX-License-Identifier: MIT */
/*
 * One TLB array (or paging-structure cache): set-associative or fully
 * associative, holding one or several page sizes.
 *
 * A look-up probes each page size present, smallest first; within a set an
 * equal key is unique (insert() replaces the way that has it). The lowest
 * invalid way is filled first, then the policy's victim.
 *
 * Invariants (mmusim__tlb_array_is_valid):
 *   n_valid = number of non-zero keys = sum of n_valid_by_order[]
 *   n_valid_tables, n_valid_global = number of keys with that flag
 *   no key occurs twice; every key lies in the set its vpn selects
 *   where keys are hashed, every valid slot is on its key's chain, once
 *
 * The look-up that hits is in tlb_array_inline.h.
 */
#ifndef MMUSIM_TLB_TLB_ARRAY_H
#define MMUSIM_TLB_TLB_ARRAY_H

#include "mmusim/status.h"
#include "tlb/inval.h"
#include "tlb/repl.h"

struct arena;

enum {
    TLB_MAX_ORDERS = 4, /* page sizes in one array */
    /* Bounds of what a file may ask for; the largest known TLBs have some
     * thousand entries, so this leaves room for "what if". */
    TLB_MAX_ENTRIES = 1 << 18,
    TLB_MAX_WAYS = 1 << 12,
};
#define TLB_NO_SLOT UINT32_MAX

enum tlb_index {
    TLB_INDEX_BITS, /* set = low bits of the page number at its size */
    TLB_INDEX_XOR,  /* xor-fold of two neighbouring groups of set bits:
                       (vpn ^ vpn >> k) & (sets - 1), k = log2 sets */
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
};

/* An entry that insert() or invalidate() has removed. */
struct tlb_removed {
    uint64_t key; /* 0: nothing was removed */
    tlb_data_t data;
    uint32_t id; /* the translation number given to insert() */
};

struct tlb_array {
    /* Hot: the look-up reads these. */
    uint64_t *keys; /* [n_sets * n_ways], 0 = invalid */
    tlb_data_t *data;
    uint32_t n_ways;
    uint32_t set_mask; /* n_sets - 1 */
    uint32_t set_bits;
    enum tlb_index index;
    uint32_t n_orders;
    uint8_t orders[TLB_MAX_ORDERS];
    uint32_t n_valid_by_order[TLB_MAX_ORDERS];
    uint32_t n_valid_global;
    uint32_t n_valid_tables; /* keys with TLB_KEY_TABLE */
    /* Arrays of many ways are looked up by hash, exactly; else both NULL.
     * hints[hash of key] and chain[slot] give the next slot + 1, 0: none. */
    uint16_t *hints;
    uint16_t *chain;
    uint32_t hint_shift;
    struct repl_state repl;
    const struct repl_ops *repl_ops;
    /* Cold. */
    const struct tlb_contexts *contexts; /* behind the tags; NULL: native */
    uint32_t *ids;
    uint32_t n_valid;
    uint64_t evictions; /* valid entries replaced by insert() */
    uint32_t hit_cycles;
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
 * place; not counted as an eviction).
 */
void mmusim__tlb_array_insert(struct tlb_array *array, uint64_t key,
                              tlb_data_t data, uint32_t id,
                              struct tlb_removed *removed);

/* Called for each entry that an invalidation removes. */
typedef void (*tlb_removed_fn)(void *context, const struct tlb_removed *entry);

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
