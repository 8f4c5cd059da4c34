/* SPDX-License-Identifier: MIT */
/* The kinds of paging-structure caches, for the table alone (users find them by
 * name, psc.h), and what kinds share. */
#ifndef MMUSIM_TLB_PSC_TABLE_H
#define MMUSIM_TLB_PSC_TABLE_H

#include "tlb/psc.h"

extern const struct psc_ops mmusim__psc_per_level;
extern const struct psc_ops mmusim__psc_page_directory;
extern const struct psc_ops mmusim__psc_walk_cache;

/* Makes the next array of the cache's own and lays the levels [first, end)
 * into it. Nothing if the config has no entries or no level is left. */
mmusim_status_t mmusim__psc_add_array(struct psc *psc,
                                      const struct psc_setup *setup,
                                      const struct psc_config *config,
                                      uint32_t first, uint32_t end,
                                      struct arena *arena);

/* NULL if the array is possible (or absent), else what is wrong. */
const char *mmusim__psc_array_refuses(const struct psc_config *config);

#endif
