/* SPDX-License-Identifier: MIT */
/* Holds all that the levels above hold: an entry displaced here is taken from
 * them, too (back-invalidation; the cause of the miss is `other`). */
#include "tlb/fill_policy.h"

const struct tlb_fill_ops mmusim__fill_inclusive = {
    .name = "inclusive",
    .help = "what goes here goes from the levels above",
    .is_filled_by_walks = true,
    .is_back_invalidating = true,
};
