/* SPDX-License-Identifier: MIT */
/*
 * Which address spaces' translations a CPU's structures may hold: one bit for
 * each of the first ASIDs, one for all others, two for global entries. A bit
 * rises when a context is loaded or a global entry filled, and falls with the
 * invalidation of everything it stands for, unless the context is still loaded;
 * so it may be up for nothing, never down wrongly. VMs are not told apart. It
 * is what a snoop filter in front of the core could know.
 */
#ifndef MMUSIM_TLB_HELD_TAGS_H
#define MMUSIM_TLB_HELD_TAGS_H

#include "tlb/inval.h"

enum {
    HELD_OTHER_ASIDS = 61,
    HELD_GLOBAL_LOW = 62,  /* global, lower half of the addresses */
    HELD_GLOBAL_HIGH = 63, /* upper half */
};

static inline uint64_t held_tag_asid(uint16_t asid)
{
    return UINT64_C(1) << (asid < HELD_OTHER_ASIDS ? asid : HELD_OTHER_ASIDS);
}

static inline uint64_t held_tag_of(const struct tlb_context *context)
{
    return held_tag_asid(context->has_asid ? context->asid : UINT16_MAX);
}

static inline uint64_t held_tag_global(uint64_t vaddr)
{
    return UINT64_C(1) << (vaddr >> 63 ? HELD_GLOBAL_HIGH : HELD_GLOBAL_LOW);
}

#define HELD_GLOBALS                                                           \
    (UINT64_C(1) << HELD_GLOBAL_LOW | UINT64_C(1) << HELD_GLOBAL_HIGH)

/* Does the request concern something other than virtual addresses of one
 * regime EL1? Then the bits know nothing of it. */
static inline bool held_tags_are_foreign(const struct inval *inval)
{
    return inval->regimes && inval->regimes != 1U << REGIME_EL1;
}

/* The bits of what a request may find. */
static inline uint64_t held_tags_asked(const struct inval *inval)
{
    uint64_t last =
        inval->vpn.v + ((inval->n_pages - 1) << inval->stride_order);
    uint64_t asked = ~HELD_GLOBALS;

    if (held_tags_are_foreign(inval))
        return UINT64_MAX;
    if (inval->has_asid && inval->psc != INVAL_PSC_ALL)
        asked = held_tag_asid(inval->asid);
    if (!inval->hits_globals)
        return asked;
    if (!inval->has_range)
        return asked | HELD_GLOBALS;
    return asked | held_tag_global(inval->vpn.v << BASE_PAGE_SHIFT) |
           held_tag_global(last << BASE_PAGE_SHIFT);
}

/* The bits that fall when a request has been applied; contexts is NULL on a
 * native machine. */
static inline uint64_t held_tags_dropped(const struct inval *inval,
                                         const struct tlb_contexts *contexts)
{
    bool is_partial =
        inval->has_range || inval->has_order || inval->psc == INVAL_PSC_KEEP ||
        inval->psc == INVAL_PSC_ADDRESS || !inval->hits_nonglobals;
    bool is_of_a_vm = contexts && (inval->has_vmid || inval->has_stage2_root);
    uint64_t dropped = ~HELD_GLOBALS;

    if (is_partial || is_of_a_vm || held_tags_are_foreign(inval))
        return 0;
    if (inval->has_asid && inval->asid >= HELD_OTHER_ASIDS)
        dropped = 0;
    else if (inval->has_asid)
        dropped = held_tag_asid(inval->asid);
    return inval->hits_globals ? dropped | HELD_GLOBALS : dropped;
}

#endif
