/* SPDX-License-Identifier: MIT */
/* Walks fill the levels above alone; what those displace comes here; a hit
 * takes the entry out again. With several first levels, one's victim may come
 * here while another still has its copy. */
#include "tlb/fill_policy.h"

const struct tlb_fill_ops mmusim__fill_exclusive = {
    .name = "exclusive",
    .help = "an entry is here or above: a hit moves it up, what it displaces "
            "comes down",
    .takes_victims = true,
    .is_left_by_hits = true,
};
