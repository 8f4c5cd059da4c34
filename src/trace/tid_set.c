/* SPDX-License-Identifier: MIT */
#include "trace/tid_set.h"

#include <stdlib.h>

bool mmusim__tid_set_add(struct tid_set *set, uint32_t tid)
{
    if (set->n == set->room) {
        uint32_t room = 2 * set->room + 16;
        uint32_t *tids = realloc(set->tids, room * sizeof(*tids));

        if (!tids)
            return false;
        set->tids = tids;
        set->room = room;
    }
    set->tids[set->n++] = tid;
    return true;
}

bool mmusim__tid_set_has(const struct tid_set *set, uint32_t tid)
{
    for (uint32_t i = 0; i < set->n; i++) {
        if (set->tids[i] == tid)
            return true;
    }
    return false;
}

void mmusim__tid_set_fini(struct tid_set *set)
{
    free(set->tids);
}
