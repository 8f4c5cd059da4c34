/* SPDX-License-Identifier: MIT */
/*
 * Edits of an address space's radix tables: what os/ does to the words that
 * walkers read. Timing, locks and flushes are the callers'.
 */
#ifndef MMUSIM_OS_PAGE_TABLE_H
#define MMUSIM_OS_PAGE_TABLE_H

#include "os/kernel.h"

/* One leaf position: a table and an index in it. */
struct pte_slot {
    struct pt_info *table; /* NULL: there is no table down there */
    uint32_t index;
    const struct mm *mm; /* whose; NULL: not said */
    uint64_t vaddr;      /* an address that the table translates */
};

/* The slot of vaddr at a level, making the tables that miss; *n_new counts
 * them. Fails with MMUSIM_EXHAUSTED or MMUSIM_NOMEM. */
mmusim_status_t mmusim__pte_make(struct kernel *kernel, struct mm *mm,
                                 uint64_t vaddr, uint32_t level,
                                 struct pte_slot *slot, uint32_t *n_new);

/* The leaf that maps vaddr, at whatever level; table == NULL if none. */
struct pte_slot mmusim__pte_leaf(struct kernel *kernel, const struct mm *mm,
                                 uint64_t vaddr, struct pt_entry *entry);

/* The slot of vaddr among the smallest pages, whatever it holds; table == NULL
 * if there is no table. */
struct pte_slot mmusim__pte_slot(struct kernel *kernel, const struct mm *mm,
                                 uint64_t vaddr);

/* The slot of vaddr in the lowest table there is: a leaf, present or not, or
 * an empty entry. */
struct pte_slot mmusim__pte_deepest(struct kernel *kernel, const struct mm *mm,
                                    uint64_t vaddr, struct pt_entry *entry);

/* The first leaf table (or large leaf's table) at or after vaddr that has an
 * entry in [vaddr, end); *table_start is the address its first relevant entry
 * maps. False: there is none. */
bool mmusim__pte_next_table(struct kernel *kernel, const struct mm *mm,
                            uint64_t vaddr, uint64_t end, struct pte_slot *slot,
                            uint64_t *entry_vaddr);

uint64_t mmusim__pte_word(const struct pte_slot *slot);
/* Bytes that the slot's entry maps; slots of a table step by 1 at level 0. */
uint64_t mmusim__pte_bytes(const struct pte_slot *slot,
                           const struct pt_format *format);
/* Does the slot map a page: present, or hidden by PROT_NONE? entry is decoded
 * as if it were present. */
bool mmusim__pte_maps(const struct kernel *kernel, const struct pte_slot *slot,
                      struct pt_entry *entry);
/* Installs a leaf: a new translation begins (an old one ends). */
mmusim_status_t mmusim__pte_install(struct kernel *kernel,
                                    const struct pte_slot *slot, pfn_t pfn,
                                    uint32_t rights);
/* Changes a leaf's rights or flags; the translation stays the same. */
void mmusim__pte_rewrite(struct kernel *kernel, const struct pte_slot *slot,
                         uint64_t word);
/* Clears a leaf: its translation ends. */
void mmusim__pte_clear(struct kernel *kernel, const struct pte_slot *slot);
/* The same, but the reverse map goes on naming the entry until the caller says
 * otherwise (mmusim__reclaim_on_entry). */
void mmusim__pte_clear_mapped(struct kernel *kernel,
                              const struct pte_slot *slot);
/* Ends a leaf's translation and leaves the name of its swap slot. */
void mmusim__pte_set_swap(struct kernel *kernel, const struct pte_slot *slot,
                          uint32_t swap_slot);
/* Does the slot name a swap slot? */
bool mmusim__pte_is_swap(const struct kernel *kernel,
                         const struct pte_slot *slot, uint32_t *swap_slot);
/* Moves a leaf to another slot; the translation at the old address ends. */
mmusim_status_t mmusim__pte_move(struct kernel *kernel,
                                 const struct pte_slot *from,
                                 const struct pte_slot *to);

/* Clears the pointer to a table at a level; the table stays, pointed to by
 * nothing. The pointer's slot. */
struct pte_slot mmusim__pte_detach(struct kernel *kernel, const struct mm *mm,
                                   uint64_t vaddr, uint32_t level);
/* A large leaf that is not present becomes a pointer to a table of smaller
 * ones with its rights. */
struct pte_pieces {
    pfn_t first;
    bool is_one_frame; /* all map `first`: the zero page */
    bool is_hidden;    /* PROT_NONE, all of them */
};
mmusim_status_t mmusim__pte_split(struct kernel *kernel,
                                  const struct pte_slot *slot,
                                  const struct pte_pieces *pieces);

/* Order of the frames that a table of a level takes. */
uint32_t mmusim__pt_table_order(const struct pt_format *format, uint32_t level);

/* The lock of a table; NULL: memory is short. */
struct klock *mmusim__pte_lock(struct pt_info *table);

/* A top-level table. */
mmusim_status_t mmusim__pt_root_create(struct kernel *kernel, pfn_t *root);
/* Unlinks every table that lies wholly in [floor, ceiling) and has an entry in
 * [start, end), bottom up; calls visit for each with the address of the first
 * page it mapped. visit returns false to stop; what has been visited is
 * unlinked, and another call goes on with the rest. */
bool mmusim__pt_unlink_tables(
    struct kernel *kernel, struct mm *mm, uint64_t start, uint64_t end,
    uint64_t floor, uint64_t ceiling,
    bool (*visit)(void *context, pfn_t table, uint64_t vaddr), void *context);
/* Frees a table that nothing points to any more. */
void mmusim__pt_table_free(struct kernel *kernel, pfn_t table);
/* Frees the host memory that hangs on every table of an address space; the
 * simulated machine is being torn down. */
void mmusim__pt_release(struct kernel *kernel, pfn_t root);

#endif
