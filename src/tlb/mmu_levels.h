/* SPDX-License-Identifier: MIT */
/*
 * Entering translations into a TLB level, and what becomes of the entry that
 * had to make room: taken by the level below, taken from the levels above
 * (fill_policy.h), or lost, which its holder's next miss remembers.
 */
#ifndef MMUSIM_TLB_MMU_LEVELS_H
#define MMUSIM_TLB_MMU_LEVELS_H

#include "tlb/mmu.h"

/* Sets each group's policy and the group below it; arrays are there. */
void mmusim__mmu_link_levels(struct mmu *mmu);

/* False: no array of the level takes pages of that size. */
bool mmusim__mmu_enter(struct mmu *mmu, struct tlb_group *group,
                       const struct mmu_fill *fill);

/* Before a walk's result is entered: takes away what arrays of runs hold of its
 * page. */
void mmusim__mmu_drop_runs(struct mmu *mmu, const struct mmu_fill *fill);

/* Does an array of the level hold pages of exactly that size? */
bool mmusim__mmu_holds_order(const struct tlb_group *group, uint32_t order);

#endif
