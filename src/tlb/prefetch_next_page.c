/* SPDX-License-Identifier: MIT */
/* Sequential prefetching: the next page of each miss (SP in Kandiraju and
 * Sivasubramaniam, ISCA 2002, with degree 1). */
#include "tlb/prefetch.h"

static uint32_t next_page_predict(struct prefetch_state *state, uint64_t vpn,
                                  uint64_t *vpns)
{
    (void) state;
    vpns[0] = vpn + 1;
    return 1;
}

const struct prefetch_ops mmusim__prefetch_next_page = {
    .name = "next-page",
    .help = "the page after the one missed",
    .predict = next_page_predict,
};
