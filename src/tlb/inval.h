/* SPDX-License-Identifier: MIT */
/*
 * The one invalidate request that every translation structure understands.
 * Instructions (coherence/x86_ops.c, ...) are translated into it; TLB arrays,
 * paging-structure caches and walks in flight apply it.
 *
 * "No address" and "no asid" are flags, never the value 0. The scope is the
 * sender's: asid is the one captured when the request was made.
 */
#ifndef MMUSIM_TLB_INVAL_H
#define MMUSIM_TLB_INVAL_H

#include "tlb/tlb_entry.h"

/* What becomes of paging-structure-cache entries. */
enum inval_psc {
    INVAL_PSC_KEEP,    /* leaf entries only */
    INVAL_PSC_ASID,    /* all of the asid, whatever the address: INVLPG */
    INVAL_PSC_ADDRESS, /* those that cover the address: the #PF rule */
    INVAL_PSC_ALL,     /* of every asid */
};

struct inval {
    bool has_range;   /* else every address */
    vpn_t vpn;        /* first page; 4 KiB units */
    uint64_t n_pages; /* in 4 KiB units, >= 1 */
    bool has_asid;    /* else every asid */
    uint16_t asid;
    bool hits_globals; /* global entries match too, whatever has_asid */
    bool hits_nonglobals;
    enum inval_psc psc;
};

/* Does the request drop the leaf entry with this key? A page of any size that
 * overlaps the range is dropped as a whole (SDM vol. 3A 4.10.4.1). */
static inline bool tlb_entry_is_hit_by_inval(uint64_t key,
                                             const struct inval *inval)
{
    uint64_t vpn_mask = (UINT64_C(1) << TLB_KEY_VPN_BITS) - 1;
    uint64_t first = tlb_key_vpn(key);
    uint64_t pages = UINT64_C(1) << tlb_key_order(key);
    uint64_t wanted = inval->vpn.v & vpn_mask;

    if (tlb_key_is_global(key)) {
        if (!inval->hits_globals)
            return false;
    } else {
        if (!inval->hits_nonglobals)
            return false;
        if (inval->has_asid && tlb_key_asid(key) != inval->asid)
            return false;
    }
    if (!inval->has_range)
        return true;
    return first < wanted + inval->n_pages && wanted < first + pages;
}

/* Does the request drop the paging-structure-cache entry with this key? */
static inline bool psc_entry_is_hit_by_inval(uint64_t key,
                                             const struct inval *inval)
{
    struct inval cover = *inval;

    switch (inval->psc) {
    case INVAL_PSC_KEEP:
        return false;
    case INVAL_PSC_ALL:
        return true;
    case INVAL_PSC_ASID:
        return !inval->has_asid || tlb_key_asid(key) == inval->asid;
    case INVAL_PSC_ADDRESS:
        cover.hits_nonglobals = true;
        return tlb_entry_is_hit_by_inval(key, &cover);
    }
    return true;
}

#endif
