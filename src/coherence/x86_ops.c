/* SPDX-License-Identifier: MIT */
/* x86 invalidations: see x86_ops.h. Intel SDM vol. 3A, section 4.10.4. */
#include "coherence/x86_ops.h"

void mmusim__x86_invlpg_range(struct mmu *mmu, uint64_t vaddr, uint64_t n_pages,
                              enum miss_cause cause)
{
    const struct inval inval = {
        .has_range = true,
        .vpn = vpn_of(vaddr),
        .n_pages = n_pages,
        .has_asid = true,
        .asid = mmu->asid,
        .hits_globals = true,
        .hits_nonglobals = true,
        .psc = INVAL_PSC_ASID,
    };

    if (n_pages)
        mmusim__mmu_invalidate(mmu, &inval, cause);
}

void mmusim__x86_invlpg(struct mmu *mmu, uint64_t vaddr, enum miss_cause cause)
{
    mmusim__x86_invlpg_range(mmu, vaddr, 1, cause);
}

bool mmusim__x86_invpcid(struct mmu *mmu, enum invpcid_type type, uint16_t pcid,
                         uint64_t vaddr, enum miss_cause cause)
{
    struct inval inval = {.hits_nonglobals = true, .psc = INVAL_PSC_ASID};
    bool names_pcid = type == INVPCID_ADDRESS || type == INVPCID_CONTEXT;

    if (names_pcid && pcid && !mmu->has_asids)
        return false;
    if (names_pcid) {
        inval.has_asid = true;
        inval.asid = pcid;
    } else {
        inval.psc = INVAL_PSC_ALL;
        inval.hits_globals = type == INVPCID_ALL;
    }
    if (type == INVPCID_ADDRESS) {
        inval.has_range = true;
        inval.vpn = vpn_of(vaddr);
        inval.n_pages = 1;
    }
    mmusim__mmu_invalidate(mmu, &inval, cause);
    return true;
}

void mmusim__x86_mov_cr3(struct mmu *mmu, pfn_t root, uint16_t pcid,
                         enum cr3_flush flush, enum miss_cause cause)
{
    const struct inval inval = {
        .has_asid = true,
        .asid = pcid,
        .hits_nonglobals = true,
        .psc = INVAL_PSC_ASID,
    };

    if (!mmu->has_asids || flush == CR3_FLUSH)
        mmusim__mmu_invalidate(mmu, &inval, cause);
    if (mmu->asid != pcid) {
        mmu->last[0].vpn = UINT64_MAX;
        mmu->last[1].vpn = UINT64_MAX;
    }
    mmu->root = root;
    mmu->asid = pcid;
}

void mmusim__x86_flush_everything(struct mmu *mmu, enum miss_cause cause)
{
    const struct inval inval = {
        .hits_globals = true,
        .hits_nonglobals = true,
        .psc = INVAL_PSC_ALL,
    };

    mmusim__mmu_invalidate(mmu, &inval, cause);
}

void mmusim__x86_page_fault(struct mmu *mmu, uint64_t vaddr)
{
    const struct inval inval = {
        .has_range = true,
        .vpn = vpn_of(vaddr),
        .n_pages = 1,
        .has_asid = true,
        .asid = mmu->asid,
        /* Or a stale global entry would fault for ever: "will not recur". */
        .hits_globals = true,
        .hits_nonglobals = true,
        .psc = INVAL_PSC_ADDRESS,
    };

    mmusim__mmu_invalidate(mmu, &inval, MISS_OTHER);
}
