/* SPDX-License-Identifier: MIT */
/*
 * TLB arrays that several CPUs have in common: which they are, whose the
 * entries in them are, and who hears of an entry that goes.
 *
 * An entry belongs to the CPU that its context's thread names; with CnP (Arm
 * ARM D8.16, TTBR.CnP) to every CPU around the array that has ever used it.
 * "The same address space" of another CPU's entry (capacity or asid as the
 * cause of its loss): that CPU has the entry's ASID and the same tables loaded.
 *
 * Left out: paging-structure caches and walkers, which each thread has of its
 * own.
 */
#ifndef MMUSIM_TLB_MMU_SHARING_H
#define MMUSIM_TLB_MMU_SHARING_H

#include "tlb/mmu.h"

/* NULL if threads of a core can have the array so, else what is wrong. */
const char *mmusim__mmu_smt_refuses(const struct tlb_array_config *config,
                                    uint32_t n_threads);

/* The level's arrays: of the CPUs built before where they are shared, else
 * new ones. */
mmusim_status_t mmusim__mmu_group_init(struct mmu *mmu, enum tlb_level level,
                                       const struct mmu_setup *setup,
                                       struct arena *arena);
/* Joins the threads of the core; after all groups. */
mmusim_status_t mmusim__mmu_share_init(struct mmu *mmu,
                                       const struct mmu_setup *setup,
                                       struct arena *arena);

/* The CPU whose thread an entry is of; with CnP, the one that asks. */
struct mmu *mmusim__mmu_owner(struct mmu *mmu,
                              const struct tlb_removed *removed);

/* An entry of the array has gone: its holders' next miss has that cause. */
void mmusim__mmu_tell_lost(struct mmu *mmu, const struct tlb_array *array,
                           const struct tlb_removed *removed,
                           enum miss_cause cause);
/* A fill of the CPU's own, with these tags, has displaced an entry. */
void mmusim__mmu_tell_victim(struct mmu *mmu, const struct tlb_array *array,
                             const struct tlb_removed *removed,
                             tlb_tags_t tags);

/* The CPU holds fragments of pages of an order from now on; so do those that
 * share its entries. */
void mmusim__mmu_note_fragments(struct mmu *mmu, uint32_t order);

/* Is the array another CPU's, too? */
bool mmusim__mmu_has_array(const struct mmu *mmu,
                           const struct tlb_array *array);

#endif
