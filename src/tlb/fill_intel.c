/* SPDX-License-Identifier: MIT */
/* As measured on Intel (TLB;DR, USENIX Security 2022: Ivy Bridge, Haswell, Kaby
 * Lake): a walk fills this level and those above; a hit fills those above; what
 * they displace is not written here; what is displaced here stays there. */
#include "tlb/fill_policy.h"

const struct tlb_fill_ops mmusim__fill_intel = {
    .name = "intel",
    .help = "as measured on Intel: walks and hits fill the levels above, a "
            "victim of them is not written here",
    .is_filled_by_walks = true,
};
