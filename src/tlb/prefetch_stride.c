/* SPDX-License-Identifier: MIT */
/* Arbitrary strides: a distance seen twice in a row is expected a third time
 * (ASP in Kandiraju and Sivasubramaniam, ISCA 2002, after Chen and Baer; theirs
 * has a row per program counter, which traces lack: one row here). */
#include "tlb/prefetch.h"

static uint32_t stride_predict(struct prefetch_state *state, uint64_t vpn,
                               uint64_t *vpns)
{
    int64_t distance = (int64_t) (vpn - state->last_vpn);
    bool is_steady =
        state->has_last && distance && distance == state->last_distance;

    state->last_distance = state->has_last ? distance : 0;
    state->has_last = true;
    state->last_vpn = vpn;
    vpns[0] = vpn + (uint64_t) distance;
    return is_steady;
}

const struct prefetch_ops mmusim__prefetch_stride = {
    .name = "stride",
    .help = "the distance of the last two misses again, if it was that twice",
    .predict = stride_predict,
};
