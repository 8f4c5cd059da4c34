/* SPDX-License-Identifier: MIT */
/*
 * Paging-structure caches of one logical CPU: pointers to tables, so that a
 * walk begins as deep as one is known. Level i stands for pointers to tables
 * of level i; a walk asks the deepest first (Intel SDM vol. 3A 4.10.3.2).
 *
 * An entry is the table's address and the rights of all levels above together
 * (4.10.3.1). The walker enters one when it has read the entry that points to
 * the table, found it present and without reserved bits, and set its A bit
 * (I2); what the table holds does not matter (I8). Entries are never global.
 *
 * Where the pointers lie is the kind's choice: psc_<kind>.c and a line in
 * psc_table.c. Left out: caches that hold entries by the address of the word
 * read (page-walk caches as AMD had them before family 15h).
 */
#ifndef MMUSIM_TLB_PSC_H
#define MMUSIM_TLB_PSC_H

#include "tlb/mmu_config.h"
#include "tlb/pt_format.h"

struct arena;

/* Where a walk begins. */
struct psc_hit {
    uint32_t level; /* of the table */
    uint64_t table; /* its address */
    uint32_t rights;
    uint32_t cycles; /* the look-up's */
    uint64_t stamp;  /* of the pointer (mmu_watch.h) */
};

struct psc_setup {
    const struct psc_options *options;
    const struct pt_format *format;
    const struct tlb_contexts *contexts; /* behind the tags; NULL: native */
    /* The last private TLB array that holds pages as large as a level-1 entry
     * maps, where pointers may lie too; NULL: there is none. */
    struct tlb_array *large_pages;
    struct rng *rng;
};

struct psc {
    struct tlb_array own[CONFIG_PSC_LEVELS];
    /* The array that holds pointers to tables of a level: one of own[], or a
     * TLB's (then flagged TLB_KEY_TABLE there); NULL: none does. */
    struct tlb_array *at[CONFIG_PSC_LEVELS];
    uint32_t n_own;
    uint32_t n_levels; /* of tables that are pointed to */
    uint32_t hit_cycles[CONFIG_PSC_LEVELS];
    uint8_t orders[CONFIG_PSC_LEVELS]; /* of what a level's pointer covers */
    uint64_t hits[CONFIG_PSC_LEVELS];
    uint64_t misses[CONFIG_PSC_LEVELS];
};

struct psc_ops {
    const char *name;
    const char *help;
    /* Says in at[], hit_cycles[] and own[] where pointers lie; psc->n_levels
     * and orders[] are set. */
    mmusim_status_t (*init)(struct psc *psc, const struct psc_setup *setup,
                            struct arena *arena);
    /* NULL if the options make sense; else what is wrong, and in *key which. */
    const char *(*refuses)(const struct psc_options *options, const char **key);
};

/* NULL if there is no kind of that name. */
const struct psc_ops *mmusim__psc_find(const char *name);
/* The index-th kind, NULL past the end. */
const struct psc_ops *mmusim__psc_at(size_t index);

/* NULL if the caches are possible, else what is wrong; *key: "pde", ... */
const char *mmusim__psc_refuses(const struct psc_options *options,
                                const char **key);

mmusim_status_t mmusim__psc_init(struct psc *psc, const struct psc_setup *setup,
                                 struct arena *arena);

/* The deepest pointer known for the address; counts. False: there is none. */
bool mmusim__psc_look_up(struct psc *psc, uint64_t vaddr, tlb_tags_t tags,
                         struct psc_hit *hit);

/* Enters the pointer to a table of hit->level. *removed: what had to go; in a
 * TLB's array it may be a page's entry. */
void mmusim__psc_enter(struct psc *psc, uint64_t vaddr, tlb_tags_t tags,
                       const struct psc_hit *hit, struct tlb_removed *removed);

/* Of the arrays of its own; a TLB's hears of it as a TLB. */
void mmusim__psc_invalidate(struct psc *psc, const struct inval *inval);

/* The key of a pointer to a table of a level, as inval.h judges it. */
static inline uint64_t psc_key(const struct psc *psc, uint64_t vaddr,
                               uint32_t level, tlb_tags_t tags)
{
    return tlb_key(vpn_of(vaddr), psc->orders[level], tags, false);
}

#endif
