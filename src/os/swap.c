/* SPDX-License-Identifier: MIT */
/* Swap slots: see swap.h. Freed slots are used again last in, first out. */
#include "os/swap.h"

#include "core/check.h"

#include <stdlib.h>

static bool swap_grow(struct swap *swap)
{
    uint32_t capacity = swap->capacity ? swap->capacity * 2 : 64;
    uint32_t *refs = realloc(swap->refs, capacity * sizeof(*refs));

    if (!refs)
        return false;
    swap->refs = refs;
    swap->capacity = capacity;
    return true;
}

bool mmusim__swap_get(struct swap *swap, uint32_t *slot)
{
    if (swap->n_used >= swap->n_slots)
        return false;
    if (swap->free_head) {
        *slot = swap->free_head - 1;
        swap->free_head = swap->refs[*slot];
    } else {
        if (swap->n_known == swap->capacity && !swap_grow(swap))
            return false;
        *slot = swap->n_known++;
    }
    swap->refs[*slot] = 1;
    swap->n_used++;
    return true;
}

void mmusim__swap_ref(struct swap *swap, uint32_t slot)
{
    mmusim_assert(slot < swap->n_known);
    swap->refs[slot]++;
}

void mmusim__swap_unref(struct swap *swap, uint32_t slot)
{
    mmusim_assert(slot < swap->n_known && swap->refs[slot]);
    if (--swap->refs[slot])
        return;
    swap->refs[slot] = swap->free_head;
    swap->free_head = slot + 1;
    swap->n_used--;
}

void mmusim__swap_fini(struct swap *swap)
{
    free(swap->refs);
    swap->refs = NULL;
}
