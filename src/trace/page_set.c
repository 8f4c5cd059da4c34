/* SPDX-License-Identifier: MIT */
/* Open addressing with linear probing; at most three quarters are taken. */
#include "trace/page_set.h"

#include <stdlib.h>
#include <string.h>

enum { SET_FIRST_SLOTS = 1024 };

/* Where the key is, or the empty slot where it belongs. */
static uint64_t *set_find(uint64_t *slots, uint64_t n_slots, uint64_t key)
{
    /* 2^64 / golden ratio; the high bits mix best */
    uint64_t i = (key * 0x9e3779b97f4a7c15 >> 32) & (n_slots - 1);

    while (slots[i] && slots[i] != key)
        i = (i + 1) & (n_slots - 1);
    return &slots[i];
}

static bool set_grow(struct page_set *set)
{
    uint64_t n_slots = set->n_slots ? 2 * set->n_slots : SET_FIRST_SLOTS;
    uint64_t *slots = calloc(n_slots, sizeof(*slots));

    if (!slots)
        return false;
    for (uint64_t i = 0; i < set->n_slots; i++) {
        if (set->slots[i])
            *set_find(slots, n_slots, set->slots[i]) = set->slots[i];
    }
    free(set->slots);
    set->slots = slots;
    set->n_slots = n_slots;
    return true;
}

bool mmusim__page_set_add(struct page_set *set, uint64_t page)
{
    uint64_t key = page + 1;
    uint64_t *slot;

    if (key == set->last)
        return true;
    if (set->n_pages >= set->n_slots - set->n_slots / 4 && !set_grow(set))
        return false;
    slot = set_find(set->slots, set->n_slots, key);
    set->n_pages += *slot == 0;
    *slot = key;
    set->last = key;
    return true;
}

void mmusim__page_set_fini(struct page_set *set)
{
    free(set->slots);
    memset(set, 0, sizeof(*set));
}
