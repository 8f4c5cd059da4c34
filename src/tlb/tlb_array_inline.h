/* SPDX-License-Identifier: MIT */
/* The look-up of a TLB array: included by the access path only. */
#ifndef MMUSIM_TLB_TLB_ARRAY_INLINE_H
#define MMUSIM_TLB_TLB_ARRAY_INLINE_H

#include "tlb/tlb_array.h"

/* The set of a page number at its own size. */
static inline uint32_t tlb_array_set_of(const struct tlb_array *array,
                                        uint64_t page_number)
{
    if (array->index == TLB_INDEX_XOR)
        page_number ^= page_number >> array->set_bits;
    return (uint32_t) page_number & array->set_mask;
}

/* Marks a slot as just used. */
static inline void tlb_array_touch(struct tlb_array *array, uint32_t slot)
{
    if (array->repl_ops->is_stamped) {
        array->repl.words[slot] = ++array->repl.clock;
        return;
    }
    array->repl_ops->touch(&array->repl, slot / array->n_ways,
                           slot % array->n_ways);
}

#endif
