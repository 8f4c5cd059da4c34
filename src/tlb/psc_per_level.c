/* SPDX-License-Identifier: MIT */
/*
 * Paging-structure caches as Intel describes them: one cache for each kind of
 * table pointer, PDE, PDPTE, PML4E and PML5E (SDM vol. 3A 4.10.3.1).
 */
#include "tlb/psc_table.h"

static const char *per_level_refuses(const struct psc_options *options,
                                     const char **key)
{
    static const char *const keys[CONFIG_PSC_LEVELS] = {"pde", "pdpte", "pml4e",
                                                        "pml5e"};
    const char *reason = NULL;

    for (uint32_t i = 0; !reason && i < CONFIG_PSC_LEVELS; i++) {
        *key = keys[i];
        reason = mmusim__psc_array_refuses(&options->levels[i]);
    }
    return reason;
}

static mmusim_status_t per_level_init(struct psc *psc,
                                      const struct psc_setup *setup,
                                      struct arena *arena)
{
    mmusim_status_t status = MMUSIM_OK;

    for (uint32_t i = 0; !status && i < CONFIG_PSC_LEVELS; i++)
        status = mmusim__psc_add_array(psc, setup, &setup->options->levels[i],
                                       i, i + 1, arena);
    return status;
}

const struct psc_ops mmusim__psc_per_level = {
    .name = "per-level",
    .help = "a cache for each level of table pointers (Intel)",
    .init = per_level_init,
    .refuses = per_level_refuses,
};
