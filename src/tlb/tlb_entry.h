/* SPDX-License-Identifier: MIT */
/*
 * A cached translation, as two words, and the two predicates on it:
 * tlb_key() equality is the look-up rule, tlb_entry_is_hit_by_inval() (see
 * inval.h) the invalidation rule.
 *
 * The key packs address, page size, context tag and the global rule into one
 * 64-bit word, so that a probe is one compare. 0 is "no entry".
 *
 *   63     62      17 16     15        0
 *   [table][vpn+size][global][tag      ]   tag: of the context (tlb_context.h);
 *                                          on a native machine the ASID, and 0
 *                                          in a global entry: G makes an entry
 *                                          usable under any PCID (Intel SDM
 *                                          vol. 3A 4.10.2.4), so it is no tag.
 *
 * vpn+size: (((vpn >> order) << 1) | 1) << order, i.e. the lowest set bit
 * marks the page size. 46 bits hold the 45-bit vpn of a 57-bit address, and
 * the word is never 0.
 *
 * The same entry type serves the paging-structure caches, where order is the
 * span of one entry of that level (9, 18, 27, 36) and pfn the next table. Where
 * such entries lie in a TLB array (AMD keeps PDEs in the L2 TLB), bit 63 tells
 * them from a large page's.
 */
#ifndef MMUSIM_TLB_TLB_ENTRY_H
#define MMUSIM_TLB_TLB_ENTRY_H

#include "tlb/tlb_context.h"

enum {
    TLB_KEY_VPN_BITS = 45,
    TLB_KEY_GLOBAL = 1 << 16,
    TLB_KEY_TAG_BITS = 17,
};
#define TLB_KEY_TABLE (UINT64_C(1) << 63)

/* Rights and state in the low bits of tlb_data, over all levels combined. */
enum {
    TLB_READ = 1 << 0,
    TLB_WRITE = 1 << 1,
    TLB_EXEC = 1 << 2,
    TLB_USER = 1 << 3,
    TLB_DIRTY = 1 << 4,
    TLB_GLOBAL = 1 << 5,
};

/* pfn << 12 | rights: the frame of the page's first 4 KiB. */
typedef uint64_t tlb_data_t;

static inline tlb_data_t tlb_data(pfn_t pfn, uint32_t rights)
{
    return pfn.v << BASE_PAGE_SHIFT | rights;
}

static inline pfn_t tlb_data_pfn(tlb_data_t data)
{
    return (pfn_t){data >> BASE_PAGE_SHIFT};
}

/* tags: both of the context, or simply the ASID on a native machine. */
static inline uint64_t tlb_key(vpn_t vpn, uint32_t order, tlb_tags_t tags,
                               bool is_global)
{
    uint64_t masked = vpn.v & ((UINT64_C(1) << TLB_KEY_VPN_BITS) - 1);
    uint64_t sized = ((masked >> order) << 1 | 1) << order;

    return sized << TLB_KEY_TAG_BITS |
           (is_global ? (uint64_t) TLB_KEY_GLOBAL | tags >> 16
                      : (uint64_t) (tags & UINT16_MAX));
}

static inline uint32_t tlb_key_order(uint64_t key)
{
    return (uint32_t) __builtin_ctzll(key >> TLB_KEY_TAG_BITS);
}

/* The vpn of the page's start, without the sign extension above bit 44. */
static inline uint64_t tlb_key_vpn(uint64_t key)
{
    uint64_t sized = (key & ~TLB_KEY_TABLE) >> TLB_KEY_TAG_BITS;

    return (sized & (sized - 1)) >> 1;
}

static inline bool tlb_key_is_global(uint64_t key)
{
    return key & TLB_KEY_GLOBAL;
}

/* The tag of the context: of its globals in a global entry. */
static inline uint16_t tlb_key_tag(uint64_t key)
{
    return (uint16_t) key;
}

/* A pointer to a table, not a page. */
static inline bool tlb_key_is_table(uint64_t key)
{
    return key & TLB_KEY_TABLE;
}

#endif
