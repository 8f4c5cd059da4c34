/* SPDX-License-Identifier: MIT */
/*
 * An Arm walk cache: one array for pointers of every level, or for those to
 * the last tables alone, as in Cortex-A35 and A53: "the result of a stage 1
 * translation up to but not including the last level", and nothing for a
 * larger mapping (Arm 100236 A6.2, Cortex-A35 TRM).
 */
#include "tlb/psc_table.h"

static const char *walk_cache_refuses(const struct psc_options *options,
                                      const char **key)
{
    *key = "cache";
    return mmusim__psc_array_refuses(&options->cache);
}

static mmusim_status_t walk_cache_init(struct psc *psc,
                                       const struct psc_setup *setup,
                                       struct arena *arena)
{
    uint32_t end = setup->options->holds_last_only ? 1 : psc->n_levels;

    return mmusim__psc_add_array(psc, setup, &setup->options->cache, 0, end,
                                 arena);
}

const struct psc_ops mmusim__psc_walk_cache = {
    .name = "walk-cache",
    .help = "one cache for pointers of every level (Arm)",
    .init = walk_cache_init,
    .refuses = walk_cache_refuses,
};
