/* SPDX-License-Identifier: MIT */
/*
 * The one invalidate request that every translation structure understands.
 * Instructions (coherence/x86_ops.c, ...) are translated into it; TLB arrays,
 * paging-structure caches and walks in flight apply it.
 *
 * "No address", "no asid" and "no vmid" are flags, never the value 0. The
 * scope is the sender's, captured when the request was made: a broadcast takes
 * its asid, vmid and regime along (gem5 once used the receiver's). Only the
 * hardware thread is the receiver's (mmu.c fills it in).
 */
#ifndef MMUSIM_TLB_INVAL_H
#define MMUSIM_TLB_INVAL_H

#include "tlb/tlb_entry.h"

/* What becomes of paging-structure-cache entries. */
enum inval_psc {
    INVAL_PSC_KEEP,    /* leaf entries only */
    INVAL_PSC_ASID,    /* all of the asid, whatever the address: INVLPG */
    INVAL_PSC_ADDRESS, /* those that cover the address: the #PF rule, Arm VAE1
                        */
    INVAL_PSC_ALL,     /* of every asid in scope */
};

struct inval {
    bool has_range;   /* else every address */
    vpn_t vpn;        /* first page; 4 KiB units; a gfn in REGIME_STAGE2 */
    uint64_t n_pages; /* 4 KiB pages named, >= 1 */
    /* Distance from one page named to the next, as a power of two: 0 means
     * consecutive ones. INVLPGB counts in strides of 2 MiB, too. */
    uint8_t stride_order;
    bool has_order;    /* a level hint: leaves of another size, and pointers at
                          that level and below, need not go, and do not */
    uint8_t order;     /* the least size of that level's leaves */
    uint8_t max_order; /* contiguous runs of them are larger; below order:
                          order alone */
    bool has_asid;     /* else every asid */
    uint16_t asid;
    bool hits_globals; /* global entries match too, whatever has_asid */
    bool hits_nonglobals;
    enum inval_psc psc;
    /* A fault drops what its own access used (SDM vol. 3A 4.10.4.1); walks of
     * other pages under way go on, but enter no pointer it has dropped. */
    bool is_fault;

    /* Whose: ignored on a native machine, which has one context per ASID. */
    uint8_t regimes; /* 1 << enum tlb_regime, or-ed; 0: REGIME_EL1 */
    bool has_vmid;   /* else every VM */
    uint16_t vmid;
    bool has_stage2_root; /* x86 INVEPT: of these nested tables only */
    uint64_t stage2_root;
    bool only_nested; /* x86 INVEPT: only what came from nested tables */
    bool only_guests; /* x86 INVVPID 2: every VM but 0, the host */
    uint8_t thread;   /* whose entries of a shared array; see tlb_context.h */
};

/* Does the request reach a native machine's entries? They belong to VM 0 of
 * REGIME_EL1, without nested tables. */
static inline bool inval_reaches_native(const struct inval *inval)
{
    return (!inval->regimes || inval->regimes & 1U << REGIME_EL1) &&
           (!inval->has_vmid || !inval->vmid) &&
           (!inval->has_stage2_root || !inval->stage2_root) &&
           !inval->only_nested && !inval->only_guests;
}

/* Does a level hint, if there is one, allow leaves of the size? */
static inline bool inval_hint_allows(const struct inval *inval, uint32_t order)
{
    return !inval->has_order || order == inval->order ||
           (order > inval->order && order <= inval->max_order);
}

/* Does it spare a pointer to a table that spans pages of the order? The hint
 * says where the leaf is: pointers above that level go, others are not used to
 * reach it (Arm ARM DDI 0487 D8, "TTL field"). */
static inline bool inval_hint_spares_pointer(const struct inval *inval,
                                             uint32_t order)
{
    return inval->has_order &&
           (order <= inval->order || order <= inval->max_order);
}

/* EL2's own translations are no VM's; x86's guest-physical mappings are of
 * their tables, not of a VPID (SDM vol. 3C 28.3.2). */
static inline bool inval_context_has_vmid(const struct tlb_context *context)
{
    return context->regime != REGIME_EL2 &&
           !(context->regime == REGIME_STAGE2 && context->stage2_root);
}

/* Is the context within the request's regimes, VMs and thread? */
static inline bool inval_is_for(const struct inval *inval,
                                const struct tlb_context *context)
{
    unsigned regimes = inval->regimes ? inval->regimes : 1U << REGIME_EL1;

    if (!(regimes >> context->regime & 1U))
        return false;
    if (inval->has_vmid && context->vmid != inval->vmid &&
        inval_context_has_vmid(context))
        return false;
    if (inval->has_stage2_root && context->stage2_root != inval->stage2_root)
        return false;
    if (inval->only_nested && context->regime == REGIME_EL1 &&
        !context->stage2_root)
        return false;
    if (inval->only_guests && !context->vmid)
        return false;
    return context->thread == inval->thread;
}

/* Does the request reach the context that an entry's tag stands for? contexts
 * is NULL on a native machine. names_asid: the entry is one of an ASID, and the
 * request's asid counts. */
static inline bool inval_hits_tag(const struct inval *inval, uint16_t tag,
                                  bool names_asid,
                                  const struct tlb_contexts *contexts)
{
    const struct tlb_context *context;

    if (!contexts)
        return !names_asid || !inval->has_asid || tag == inval->asid;
    context = mmusim__tlb_context_at(contexts, tag);
    if (!inval_is_for(inval, context))
        return false;
    /* A regime without ASIDs has none that could differ. */
    return !names_asid || !inval->has_asid || !context->has_asid ||
           context->asid == inval->asid;
}

/* Is one of the pages named inside [first, first + pages)? */
static inline bool inval_names_page_in(const struct inval *inval,
                                       uint64_t first, uint64_t pages)
{
    uint64_t vpn_mask = (UINT64_C(1) << TLB_KEY_VPN_BITS) - 1;
    uint64_t named = inval->vpn.v & vpn_mask;
    uint64_t skipped;

    if (named >= first)
        return named < first + pages;
    skipped = (first - named + (UINT64_C(1) << inval->stride_order) - 1) >>
              inval->stride_order;
    return skipped < inval->n_pages &&
           named + (skipped << inval->stride_order) < first + pages;
}

static inline bool inval_hits_address(uint64_t key, const struct inval *inval)
{
    return !inval->has_range ||
           inval_names_page_in(inval, tlb_key_vpn(key),
                               UINT64_C(1) << tlb_key_order(key));
}

/* Does the request drop the paging-structure-cache entry with this key? */
static inline bool
psc_entry_is_hit_by_inval(uint64_t key, const struct inval *inval,
                          const struct tlb_contexts *contexts)
{
    switch (inval->psc) {
    case INVAL_PSC_KEEP:
        return false;
    case INVAL_PSC_ALL:
        return inval_hits_tag(inval, tlb_key_tag(key), false, contexts);
    case INVAL_PSC_ASID:
        return inval_hits_tag(inval, tlb_key_tag(key), true, contexts);
    case INVAL_PSC_ADDRESS:
        return inval_hits_tag(inval, tlb_key_tag(key), true, contexts) &&
               !inval_hint_spares_pointer(inval, tlb_key_order(key)) &&
               inval_hits_address(key, inval);
    }
    return true;
}

/* Does the request drop the entry with this key? A page of any size that has a
 * page named in it is dropped as a whole (SDM vol. 3A 4.10.4.1). A table
 * pointer held in a TLB array follows the paging-structure caches' rule. */
static inline bool
tlb_entry_is_hit_by_inval(uint64_t key, const struct inval *inval,
                          const struct tlb_contexts *contexts)
{
    bool is_global = tlb_key_is_global(key);

    if (tlb_key_is_table(key))
        return psc_entry_is_hit_by_inval(key, inval, contexts);
    if (is_global ? !inval->hits_globals : !inval->hits_nonglobals)
        return false;
    if (!inval_hint_allows(inval, tlb_key_order(key)))
        return false;
    return inval_hits_tag(inval, tlb_key_tag(key), !is_global, contexts) &&
           inval_hits_address(key, inval);
}

#endif
