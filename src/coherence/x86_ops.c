/* SPDX-License-Identifier: MIT */
/* x86 invalidations: see x86_ops.h. Intel SDM vol. 3A, section 4.10.4. */
#include "coherence/x86_ops.h"

void mmusim__x86_invlpg_range(struct mmu *mmu, uint64_t vaddr, uint64_t n_pages,
                              enum miss_cause cause)
{
    struct inval inval = mmusim__mmu_scope(mmu);

    inval.has_range = true;
    inval.vpn = vpn_of(vaddr);
    inval.n_pages = n_pages;
    inval.has_asid = true;
    inval.asid = mmu->context.asid;
    inval.hits_globals = true;
    inval.hits_nonglobals = true;
    inval.psc = INVAL_PSC_ASID;
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
    struct inval inval = mmusim__mmu_scope(mmu);
    bool names_pcid = type == INVPCID_ADDRESS || type == INVPCID_CONTEXT;

    inval.hits_nonglobals = true;
    inval.psc = INVAL_PSC_ASID;
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
    struct inval inval = mmusim__mmu_scope(mmu);

    inval.has_asid = true;
    inval.asid = pcid;
    inval.hits_nonglobals = true;
    inval.psc = INVAL_PSC_ASID;
    if (!mmu->has_asids || flush == CR3_FLUSH)
        mmusim__mmu_invalidate(mmu, &inval, cause);
    mmu->root = root;
    mmusim__mmu_set_asid(mmu, pcid);
}

void mmusim__x86_flush_everything(struct mmu *mmu, enum miss_cause cause)
{
    struct inval inval = mmusim__mmu_scope(mmu);

    inval.hits_globals = true;
    inval.hits_nonglobals = true;
    inval.psc = INVAL_PSC_ALL;
    mmusim__mmu_invalidate(mmu, &inval, cause);
}

void mmusim__x86_page_fault(struct mmu *mmu, uint64_t vaddr)
{
    struct inval inval = mmusim__mmu_scope(mmu);

    inval.has_range = true;
    inval.vpn = vpn_of(vaddr);
    inval.n_pages = 1;
    inval.has_asid = true;
    inval.asid = mmu->context.asid;
    /* Or a stale global entry would fault for ever: "will not recur". */
    inval.hits_globals = true;
    inval.hits_nonglobals = true;
    inval.psc = INVAL_PSC_ADDRESS;
    mmusim__mmu_invalidate(mmu, &inval, MISS_OTHER);
}
