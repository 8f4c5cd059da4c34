/* SPDX-License-Identifier: MIT */
/* Distance prefetching (DP, Kandiraju and Sivasubramaniam, ISCA 2002): a table,
 * by the distance between two misses, of the two distances that last followed
 * it. Direct mapped, with the distance as tag. */
#include "tlb/prefetch.h"

static struct prefetch_row *distance_row(struct prefetch_state *state,
                                         int64_t distance)
{
    return &state->rows[(uint64_t) distance % PREFETCH_ROWS];
}

/* Distance `next` has followed `distance`. */
static void distance_learn(struct prefetch_state *state, int64_t distance,
                           int64_t next)
{
    struct prefetch_row *row = distance_row(state, distance);

    if (row->distance != distance)
        *row = (struct prefetch_row){.distance = distance};
    if (row->next[0] == next)
        return;
    row->next[1] = row->next[0];
    row->next[0] = next;
}

static uint32_t distance_predict(struct prefetch_state *state, uint64_t vpn,
                                 uint64_t *vpns)
{
    int64_t distance = (int64_t) (vpn - state->last_vpn);
    const struct prefetch_row *row;
    uint32_t n = 0;

    if (!state->has_last)
        distance = 0;
    state->has_last = true;
    state->last_vpn = vpn;
    if (!distance)
        return 0;
    if (state->last_distance)
        distance_learn(state, state->last_distance, distance);
    state->last_distance = distance;
    row = distance_row(state, distance);
    for (uint32_t i = 0; i < PREFETCH_MAX && row->distance == distance; i++) {
        if (row->next[i])
            vpns[n++] = vpn + (uint64_t) row->next[i];
    }
    return n;
}

const struct prefetch_ops mmusim__prefetch_distance = {
    .name = "distance",
    .help = "the two distances that last followed the present one",
    .has_rows = true,
    .predict = distance_predict,
};
