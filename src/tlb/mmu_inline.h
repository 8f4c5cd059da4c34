/* SPDX-License-Identifier: MIT */
/* The L1 look-up: included by the core's access loop and by mmu.c only. */
#ifndef MMUSIM_TLB_MMU_INLINE_H
#define MMUSIM_TLB_MMU_INLINE_H

#include "core/check.h"
#include "tlb/mmu.h"
#include "tlb/tlb_array_inline.h"

static inline struct tlb_group *mmu_l1_of(struct mmu *mmu,
                                          enum access_kind kind)
{
    return kind == ACCESS_FETCH ? &mmu->l1i : &mmu->l1d;
}

static inline struct mmu_last *mmu_last_of(struct mmu *mmu,
                                           enum access_kind kind)
{
    return &mmu->last[kind == ACCESS_FETCH];
}

/* Looks a page up in one level; touches the entry it finds. */
static inline struct tlb_array *tlb_group_lookup(struct tlb_group *group,
                                                 vpn_t vpn, uint16_t asid,
                                                 uint32_t *slot)
{
    for (uint32_t i = 0; i < group->n_arrays; i++) {
        struct tlb_array *array = &group->arrays[i];

        if (!array->n_valid)
            continue;
        *slot = tlb_array_lookup(array, vpn, asid);
        if (*slot != TLB_NO_SLOT)
            return array;
    }
    return NULL;
}

/* Notes a hit as the last one; touches it. */
static inline void mmu_l1_note(struct tlb_array *array, uint32_t slot,
                               uint64_t vpn, struct mmu_last *last)
{
    uint64_t inside = (UINT64_C(1) << tlb_key_order(array->keys[slot])) - 1;

    last->vpn = vpn;
    last->data = array->data[slot];
    last->pfn = tlb_data_pfn(last->data).v + (vpn & inside);
}

/* Looks a page up in the L1 (counted by the caller); remembers a hit. */
static inline bool mmu_l1_lookup(struct mmu *mmu, struct tlb_group *group,
                                 struct mmu_last *last, uint64_t vpn)
{
    struct mmu_memo *memo = &mmu->memos[group == &mmu->l1i][vpn % MMU_MEMOS];
    uint32_t slot;
    struct tlb_array *array;

    if (MMUSIM_LIKELY(last->vpn == vpn))
        return true;
    if (memo->vpn == vpn && memo->asid == mmu->asid &&
        memo->array->keys[memo->slot] == memo->key) {
        array = memo->array;
        slot = memo->slot;
        tlb_array_touch(array, memo->set, slot - memo->set * array->n_ways);
        mmu_l1_note(array, slot, vpn, last);
        return true;
    }
    array = tlb_group_lookup(group, (vpn_t){vpn}, mmu->asid, &slot);
    if (!array)
        return false;
    *memo = (struct mmu_memo){vpn,  array->keys[slot],    array,
                              slot, slot / array->n_ways, mmu->asid};
    mmu_l1_note(array, slot, vpn, last);
    return true;
}

#endif
