/* SPDX-License-Identifier: MIT */
/*
 * AMD's page-directory cache: one array for the pointers above the last table
 * (PML4E, PDPE; PML5E on 5 levels). Pointers to the last tables, PDEs, are
 * entries of the second-level TLB among those of 2M pages, and compete with
 * them. 64 entries on Zen 2 (hardware.md 1.3, quoting AMD's optimisation guide
 * for family 17h).
 */
#include "tlb/psc_table.h"

static const char *directory_refuses(const struct psc_options *options,
                                     const char **key)
{
    *key = "cache";
    return mmusim__psc_array_refuses(&options->cache);
}

static mmusim_status_t directory_init(struct psc *psc,
                                      const struct psc_setup *setup,
                                      struct arena *arena)
{
    struct tlb_array *tlb = setup->large_pages;

    if (tlb && psc->n_levels &&
        mmusim__tlb_array_holds_order(tlb, psc->orders[0])) {
        psc->at[0] = tlb;
        psc->hit_cycles[0] = setup->options->cache.hit_cycles;
    }
    return mmusim__psc_add_array(psc, setup, &setup->options->cache, 1,
                                 psc->n_levels, arena);
}

const struct psc_ops mmusim__psc_page_directory = {
    .name = "page-directory",
    .help = "one cache of upper pointers; PDEs in the second-level TLB (AMD)",
    .init = directory_init,
    .refuses = directory_refuses,
};
