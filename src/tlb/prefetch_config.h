/* SPDX-License-Identifier: MIT */
/* What a machine file says of prefetching into TLBs. */
#ifndef MMUSIM_TLB_PREFETCH_CONFIG_H
#define MMUSIM_TLB_PREFETCH_CONFIG_H

#include <stdint.h>

enum { PREFETCH_NAME_BYTES = 16, PREFETCH_MAX_ENTRIES = 4096 };

struct prefetch_config {
    char policy[PREFETCH_NAME_BYTES];
    uint32_t n_entries; /* of the buffer, fully associative */
    uint32_t hit_cycles;
};

#endif
