/* SPDX-License-Identifier: MIT */
/*
 * What the architecture-independent memory management of a kernel version does
 * about TLBs: the rules that the files of os/ ask for instead of knowing
 * versions. A protocol's row names one; numbers in brackets are entries of the
 * bug corpus that the rule repairs, so that NAME-fixed is the same version with
 * all of them on.
 *
 * Sources: the kernel's mm/ and include/asm-generic/tlb.h of each version.
 */
#ifndef MMUSIM_COHERENCE_MM_RULES_H
#define MMUSIM_COHERENCE_MM_RULES_H

#include "core/types.h"

struct mm_rules {
    const char *version;

    /* mmu_gather. A gather is full at stack + batches * batch_pages, or one
     * slot a batch earlier where a folio may take two (leaves_one_slot). */
    uint16_t gather_stack_pages, gather_batch_pages, gather_max_batches;
    bool gather_leaves_one_slot;
    bool gather_tracks_levels; /* 4.19: strides and level hints */
    bool gather_counts_nested; /* 4.13: another gather in flight: all goes
                                  [B06, B07] */
    bool frees_tables_late;    /* tables wait for the flush, whatever the number
                                  of users [B18, B19, B20] */

    bool moves_under_lock; /* mremap flushes before it drops the tables' locks:
                              4.19 [B01] */
    bool knows_batched;    /* who finds an entry already cleared waits for the
                              batch: 4.13 [B02] */
    bool batched_has_generations; /* 5.17 [B03] */
    bool rechecks_batched;        /* after a lock was dropped: 6.16 [B04] */
    bool flushes_dirty_early;     /* before the table's lock is dropped: 3.15
                                     [B11] */
    bool delays_rmap;             /* until after that flush: 6.2 [B12] */
    bool flushes_before_unlink;   /* PFN-mapped areas: 6.0 [B13] */
    bool migrate_knows_pending;   /* PROT_NONE entries count as accessible while
                                     a flush is pending: 3.13 [B09] */
    bool merge_knows_pending;     /* KSM: 4.13 [B08] */
    bool protect_gathers; /* mprotect collects the entries that need it, by
                             pte_needs_flush(): 5.19 */
};

extern const struct mm_rules mmusim__mm_rules_4_6, mmusim__mm_rules_4_20,
    mmusim__mm_rules_6_8, mmusim__mm_rules_6_14, mmusim__mm_rules_7_1;
/* Every repair, with the gather of each. */
extern const struct mm_rules mmusim__mm_rules_4_6_fixed,
    mmusim__mm_rules_4_20_fixed, mmusim__mm_rules_6_8_fixed,
    mmusim__mm_rules_6_14_fixed, mmusim__mm_rules_7_1_fixed;

#endif
