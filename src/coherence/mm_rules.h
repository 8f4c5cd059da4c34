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

    /* mmu_gather. Pages wait in slots on the stack first, then in pages of
     * pointers while all together hold at most gather_total_pages (0: there
     * are none; the stack's slots are all). */
    uint16_t gather_stack_pages, gather_total_pages;
    bool gather_takes_page;      /* Arm up to 4.x: one page of pointers in place
                                    of the stack's slots */
    bool gather_leaves_one_slot; /* a folio may take two: 6.9 */
    bool gather_tracks_levels;   /* 4.19: strides and level hints */
    bool gather_counts_nested;   /* 4.13: another gather in flight: all that was
                                    asked for goes [B06, B07] */
    bool nested_flush_is_full;   /* then the whole space: 5.2 */
    bool frees_pages_late;    /* after the flush; not Arm's of 2.6.37 [B20] */
    bool frees_tables_late;   /* tables wait for the flush, whatever the
                                 number of users [B18, B19] */
    bool knows_joint_tables;  /* Armv7: a freed table is reached through two
                                 entries [B21] */
    bool batches_tables;      /* tlb_remove_table() also on x86: 7.1 */
    bool table_waits_for_rcu; /* one without a batch: no empty interrupt */

    bool moves_under_lock; /* mremap flushes before it drops the tables' locks:
                              4.19 [B01] */
    bool moves_in_chunks;  /* of 64 pages a lock: before 4.19 */
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
    bool merge_knows_pending;     /* KSM flushes an entry that is read-only and
                                     clean while a flush is pending; clear_refs
                                     announces its own: 4.13 [B08] */
    bool merge_is_limited;        /* os.ksm.max_page_sharing: 4.13 */
    bool merge_flushes_exclusive; /* KSM: a page of one mapping always: 5.19 */
    bool clear_refs_excludes; /* clear_refs takes mmap_lock for writing: 5.11 */
    bool knows_cold;          /* MADV_COLD, MADV_PAGEOUT: 5.4 */
    bool delays_hinted_map;   /* a page that a NUMA hint moves is mapped only
                                 then: 5.13 */
    bool migrates_huge;       /* without splitting them: 4.14 */
    bool migrates_in_batches; /* unmap many, flush, copy: 6.3 */
    bool syncs_collapse;      /* no walker is left in a table that khugepaged
                                 frees: 6.1 [B17] */
    bool splits_huge_on_write;  /* a shared huge page, instead of copying it:
                                   5.8 */
    bool splits_huge_zero_page; /* the same of the huge zero page: 5.8 to 6.12
                                 */
    bool protect_gathers; /* mprotect collects the entries that need it, by
                             pte_needs_flush(): 5.19 */
};

extern const struct mm_rules mmusim__mm_rules_4_6, mmusim__mm_rules_4_20,
    mmusim__mm_rules_5_10, mmusim__mm_rules_6_2, mmusim__mm_rules_6_8,
    mmusim__mm_rules_6_14, mmusim__mm_rules_7_1;
/* Every repair, with the gather of each. */
extern const struct mm_rules mmusim__mm_rules_4_6_fixed,
    mmusim__mm_rules_4_20_fixed, mmusim__mm_rules_5_10_fixed,
    mmusim__mm_rules_6_2_fixed, mmusim__mm_rules_6_8_fixed,
    mmusim__mm_rules_6_14_fixed, mmusim__mm_rules_7_1_fixed;
/* Of 32-bit Arm (mm_rules_arm.c). */
extern const struct mm_rules mmusim__mm_rules_arm_2_6_37,
    mmusim__mm_rules_arm_2_6_38, mmusim__mm_rules_arm_2_6_37_fixed,
    mmusim__mm_rules_arm_2_6_38_fixed;

#endif
