/* SPDX-License-Identifier: MIT */
/* See scenario_seen.h; open addressing, at most half full. */
#include "scenario/scenario_seen.h"

#include <stdlib.h>
#include <string.h>

enum { SEEN_FIRST_SLOTS = 1 << 12 };

void mmusim__scenario_seen_fini(struct scenario_seen *seen)
{
    free(seen->slots);
    memset(seen, 0, sizeof(*seen));
}

void mmusim__scenario_seen_clear(struct scenario_seen *seen)
{
    if (seen->slots)
        memset(seen->slots, 0, seen->n_slots * sizeof(*seen->slots));
    seen->n_held = 0;
}

/* The slot of the hash, or the empty one where it belongs. */
static uint64_t *seen_slot(uint64_t *slots, uint64_t n_slots, uint64_t hash)
{
    uint64_t at = hash & (n_slots - 1);

    while (slots[at] && slots[at] != hash)
        at = (at + 1) & (n_slots - 1);
    return &slots[at];
}

static bool seen_grow(struct scenario_seen *seen)
{
    uint64_t n_slots = seen->n_slots ? seen->n_slots * 2 : SEEN_FIRST_SLOTS;
    uint64_t *slots = calloc(n_slots, sizeof(*slots));

    if (!slots)
        return false;
    for (uint64_t i = 0; i < seen->n_slots; i++) {
        if (seen->slots[i])
            *seen_slot(slots, n_slots, seen->slots[i]) = seen->slots[i];
    }
    free(seen->slots);
    seen->slots = slots;
    seen->n_slots = n_slots;
    return true;
}

enum scenario_seen_answer mmusim__scenario_seen_add(struct scenario_seen *seen,
                                                    uint64_t hash)
{
    uint64_t *slot;

    hash |= !hash; /* 0 marks an empty slot */
    if (seen->n_held * 2 >= seen->n_slots && !seen_grow(seen))
        return SEEN_NO_MEMORY;
    slot = seen_slot(seen->slots, seen->n_slots, hash);
    if (*slot)
        return SEEN_BEFORE;
    *slot = hash;
    seen->n_held++;
    return SEEN_NEW;
}
