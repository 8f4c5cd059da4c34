/* SPDX-License-Identifier: MIT */
/* No prefetching: there is no buffer, either. */
#include "tlb/prefetch.h"

const struct prefetch_ops mmusim__prefetch_none = {
    .name = "none",
    .help = "no prefetching",
};
