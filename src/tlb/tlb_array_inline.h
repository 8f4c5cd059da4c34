/* SPDX-License-Identifier: MIT */
/* The look-up of a TLB array: included by the access path only. */
#ifndef MMUSIM_TLB_TLB_ARRAY_INLINE_H
#define MMUSIM_TLB_TLB_ARRAY_INLINE_H

#include "core/check.h"
#include "tlb/tlb_array.h"

/* The set of a page number at its own size: in a skewed array, of way 0. */
static inline uint32_t tlb_array_set_of(const struct tlb_array *array,
                                        uint64_t page)
{
    if (MMUSIM_UNLIKELY(array->n_folds))
        page = tlb_index_fold(page, array->set_bits, array->n_folds);
    return (uint32_t) page & array->set_mask;
}

/* The bits of a vpn that keys keep. */
static inline uint64_t tlb_array_vpn_bits(vpn_t vpn)
{
    return vpn.v & ((UINT64_C(1) << TLB_KEY_VPN_BITS) - 1);
}

/* Marks a slot that holds this page as just used. Repeating it for the slot
 * touched last changes no later victim, whatever the policy. */
static inline void tlb_array_touch(struct tlb_array *array, uint64_t page,
                                   uint32_t slot)
{
    uint32_t set;

    if (array->repl_ops->is_stamped) {
        array->repl.words[slot] = ++array->repl.clock;
        return;
    }
    set = MMUSIM_UNLIKELY(array->is_skewed) ? slot / array->n_ways
                                            : tlb_array_set_of(array, page);
    array->repl_ops->touch(&array->repl, set, slot - set * array->n_ways);
}

/* Fibonacci hashing: the top bits of a product with 2^64 / golden ratio. */
static inline uint32_t tlb_array_hash(const struct tlb_array *array,
                                      uint64_t key)
{
    return (uint32_t) (key * UINT64_C(0x9e3779b97f4a7c15) >> array->hint_shift);
}

/* The slot of a key, whose page has that number at its size; or TLB_NO_SLOT. */
static inline uint32_t tlb_array_find(const struct tlb_array *array,
                                      uint64_t page, uint64_t key)
{
    const uint64_t *keys = array->keys;
    uint32_t slot, end;

    if (array->hints) {
        uint32_t link = array->hints[tlb_array_hash(array, key)];

        while (link && keys[link - 1] != key)
            link = array->chain[link - 1];
        return link - 1; /* 0 - 1 is TLB_NO_SLOT */
    }
    slot = tlb_array_set_of(array, page) * array->n_ways;
    for (end = slot + array->n_ways; slot < end; slot++) {
        if (keys[slot] == key)
            return slot;
    }
    return TLB_NO_SLOT;
}

/* The slot that holds the page at one of the array's sizes. */
static inline uint32_t tlb_array_find_page(const struct tlb_array *array,
                                           vpn_t vpn, uint32_t order,
                                           tlb_tags_t tags)
{
    uint64_t page = tlb_array_vpn_bits(vpn) >> order;
    uint32_t slot =
        tlb_array_find(array, page, tlb_key(vpn, order, tags, false));

    if (slot == TLB_NO_SLOT && array->n_valid_global)
        slot = tlb_array_find(array, page, tlb_key(vpn, order, tags, true));
    return slot;
}

/* The slot that holds the page, touched, or TLB_NO_SLOT. Smallest page size
 * first; of one size, the entry of the asid before a global one. */
static inline uint32_t tlb_array_lookup(struct tlb_array *array, vpn_t vpn,
                                        tlb_tags_t tags)
{
    for (uint32_t i = 0; i < array->n_orders; i++) {
        uint32_t order = array->orders[i];
        uint32_t slot;

        if (!array->n_valid_by_order[i])
            continue;
        slot = tlb_array_find_page(array, vpn, order, tags);
        if (slot == TLB_NO_SLOT)
            continue;
        tlb_array_touch(array, tlb_array_vpn_bits(vpn) >> order, slot);
        return slot;
    }
    return TLB_NO_SLOT;
}

#endif
