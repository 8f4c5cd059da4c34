/* SPDX-License-Identifier: MIT */
/* What the files of the TLB array share among themselves. */
#ifndef MMUSIM_TLB_TLB_ARRAY_PARTS_H
#define MMUSIM_TLB_TLB_ARRAY_PARTS_H

#include "tlb/tlb_array_inline.h"

enum {
    TLB_HASHED_MAX = 1 << 15, /* entries: slot + 1 fits 16 bits */
};

/* The place of an order among the array's; n_orders: it has none such. */
static inline uint32_t tlb_array_order_index(const struct tlb_array *array,
                                             uint32_t order)
{
    uint32_t i = 0;

    while (i < array->n_orders && array->orders[i] != order)
        i++;
    return i;
}

/* The slots a key may lie in, in order of their ways; returns how many, at
 * most n_ways. */
uint32_t mmusim__tlb_array_candidates(const struct tlb_array *array,
                                      uint64_t key, uint32_t *slots);

/* What a valid slot holds. */
static inline void tlb_array_tell(const struct tlb_array *array, uint32_t slot,
                                  struct tlb_removed *removed)
{
    const uint32_t *ids = tlb_array_ids(array, slot);

    *removed = (struct tlb_removed){
        .key = array->keys[slot],
        .data = array->data[slot],
        .id = ids[0],
        .n_more = array->ids_per_slot - 1,
        .more = array->ids_per_slot > 1 ? ids + 1 : NULL,
        .stamp = tlb_array_stamp_of(array, slot),
    };
}

/* The link, head or chain, that leads to a slot holding a key. */
static inline uint16_t *tlb_array_link_to(struct tlb_array *array,
                                          uint32_t slot)
{
    uint16_t *link = &array->hints[tlb_array_hash(array, array->keys[slot])];

    while (*link != slot + 1)
        link = &array->chain[*link - 1];
    return link;
}

/* Empties a valid slot and tells what it held; removed->more points into the
 * slot. */
static inline void tlb_array_remove(struct tlb_array *array, uint32_t slot,
                                    struct tlb_removed *removed)
{
    uint64_t key = array->keys[slot];
    uint32_t order_index = tlb_array_order_index(array, tlb_key_order(key));

    tlb_array_tell(array, slot, removed);
    if (array->hints)
        *tlb_array_link_to(array, slot) = array->chain[slot];
    array->keys[slot] = 0;
    array->n_valid--;
    array->n_valid_global -= tlb_key_is_global(key);
    array->n_valid_tables -= tlb_key_is_table(key);
    array->n_valid_by_order[order_index]--;
}

#endif
