/* SPDX-License-Identifier: MIT */
/* Tells the observer of break-before-make (coherence/arm_bbm.h) of writes to
 * leaf descriptors. Pointers to tables are not watched: this kernel never
 * puts a page in the place of a table. */
#ifndef MMUSIM_OS_BBM_WATCH_H
#define MMUSIM_OS_BBM_WATCH_H

#include "os/page_table.h"

/* Before the word is written; system->bbm is there. */
void mmusim__bbm_watch_leaf(struct kernel *kernel, const struct pte_slot *slot,
                            uint64_t word);
/* Before the table goes. */
void mmusim__bbm_watch_free(struct kernel *kernel, const struct pt_info *table);

#endif
