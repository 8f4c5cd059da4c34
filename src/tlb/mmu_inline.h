/* SPDX-License-Identifier: MIT */
/* The L1 look-up: included by the core's access loop and by mmu*.c only. */
#ifndef MMUSIM_TLB_MMU_INLINE_H
#define MMUSIM_TLB_MMU_INLINE_H

#include "core/check.h"
#include "tlb/mmu.h"
#include "tlb/tlb_array_inline.h"

static inline void mmu_forget_last(struct mmu *mmu)
{
    for (uint32_t i = 0; i < mmu->n_l1s; i++)
        mmu->l1[i].last.vpn = UINT64_MAX;
}

/* Before the CPU uses arrays that other threads of its core may have used:
 * a shortcut may no longer leave out the touch. */
static inline void mmu_take_turn(struct mmu *mmu)
{
    if (MMUSIM_LIKELY(!mmu->share || mmu->share->user == mmu))
        return;
    mmu_forget_last(mmu);
    mmu->share->user = mmu;
}

/* Looks a page up in one level; touches the entry it finds. */
static inline struct tlb_array *tlb_group_lookup(struct tlb_group *group,
                                                 vpn_t vpn, tlb_tags_t tags,
                                                 uint32_t *slot)
{
    for (uint32_t i = 0; i < group->n_arrays; i++) {
        struct tlb_array *array = group->arrays[i];

        if (!array->n_valid)
            continue;
        *slot = tlb_array_lookup(array, vpn, tags);
        if (*slot != TLB_NO_SLOT)
            return array;
    }
    return NULL;
}

/* The entry a memo names has been hit: touches it, notes it as the last. */
static inline void mmu_memo_hit(const struct mmu_memo *memo,
                                struct mmu_last *last)
{
    struct tlb_array *array = memo->array;

    if (memo->stamp_at)
        *memo->stamp_at = ++array->repl.clock;
    else
        array->repl_ops->touch(&array->repl, memo->set, memo->way);
    last->vpn = memo->vpn;
    last->data = *memo->data_at;
    last->pfn = tlb_data_pfn(last->data).v + memo->inside;
}

/* Looks a page up in the L1 (counted by the caller); l1->last is the hit. */
static inline bool mmu_l1_lookup(struct mmu *mmu, struct mmu_l1 *l1,
                                 uint64_t vpn)
{
    struct mmu_memo *memo = &l1->memos[vpn % MMU_MEMOS];

    if (MMUSIM_LIKELY(l1->last.vpn == vpn))
        return true;
    if (MMUSIM_LIKELY(memo->vpn == vpn && memo->tags == mmu->tags &&
                      *memo->key_at == memo->key)) {
        mmu_memo_hit(memo, &l1->last);
        return true;
    }
    return mmusim__mmu_l1_search(mmu, l1, vpn);
}

#endif
