/* SPDX-License-Identifier: MIT */
/* A victim TLB: holds what the levels above have displaced, and keeps it when
 * it is hit. */
#include "tlb/fill_policy.h"

const struct tlb_fill_ops mmusim__fill_victim = {
    .name = "victim",
    .help = "holds what the levels above displaced; a hit copies it up",
    .takes_victims = true,
};
