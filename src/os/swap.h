/* SPDX-License-Identifier: MIT */
/*
 * Swap: slots of one page each, with a count of the entries that name them. A
 * word that is not present and carries PT_SWAP_MARK names a slot; the bits are
 * clear of every format's present and hidden ones.
 *
 * The device is synchronous and there is no swap cache: a page written is free,
 * a page read back is the reader's own.
 */
#ifndef MMUSIM_OS_SWAP_H
#define MMUSIM_OS_SWAP_H

#include "core/types.h"

enum { SWAP_WORD_SHIFT = 12, SWAP_MARK = 1 << 6 };

struct swap {
    uint64_t n_slots; /* of the device */
    uint64_t n_used;
    uint32_t *refs;   /* by slot; of a free one: the next free + 1 */
    uint32_t n_known; /* slots ever used */
    uint32_t capacity;
    uint32_t free_head; /* slot + 1; 0: none */
};

/* A slot with one reference; false: the device or memory is full. */
bool mmusim__swap_get(struct swap *swap, uint32_t *slot);
void mmusim__swap_ref(struct swap *swap, uint32_t slot);
/* Drops one; the last frees the slot. */
void mmusim__swap_unref(struct swap *swap, uint32_t slot);
void mmusim__swap_fini(struct swap *swap);

static inline uint64_t swap_word(uint32_t slot)
{
    return (uint64_t) slot << SWAP_WORD_SHIFT | SWAP_MARK;
}

static inline uint32_t swap_word_slot(uint64_t word)
{
    return (uint32_t) (word >> SWAP_WORD_SHIFT);
}

#endif
