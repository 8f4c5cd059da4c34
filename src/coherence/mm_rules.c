/* SPDX-License-Identifier: MIT */
/*
 * Rules by version: see mm_rules.h. A set holds what came up to its version;
 * the numbers of sources are versions of mm/memory.c, mm/mmu_gather.c,
 * mm/mremap.c, mm/mprotect.c and include/asm-generic/tlb.h.
 */
#include "coherence/mm_rules.h"

/* MMU_GATHER_BUNDLE; MAX_GATHER_BATCH_COUNT is 10000 pages' worth: 3.0. */
#define GATHER_SIZES .gather_stack_pages = 8, .gather_total_pages = 10000

#define RULES_3_15                                                             \
    .frees_pages_late = true, .frees_tables_late = true,                       \
    .knows_joint_tables = true, .flushes_dirty_early = true,                   \
    .migrate_knows_pending = true
#define RULES_4_13                                                             \
    RULES_3_15, .knows_batched = true, .gather_counts_nested = true,           \
                .merge_knows_pending = true
#define RULES_4_20                                                             \
    RULES_4_13, .migrates_huge = true, .gather_tracks_levels = true,           \
                .merge_is_limited = true, .moves_under_lock = true
#define RULES_5_10                                                             \
    RULES_4_20, .nested_flush_is_full = true, .knows_cold = true,              \
                .splits_huge_on_write = true
#define RULES_6_2                                                              \
    RULES_5_10, .batched_has_generations = true, .delays_rmap = true,          \
                .flushes_before_unlink = true, .protect_gathers = true,        \
                .delays_hinted_map = true, .syncs_collapse = true,             \
                .merge_flushes_exclusive = true, .clear_refs_excludes = true
#define RULES_6_8  RULES_6_2, .migrates_in_batches = true
#define RULES_6_14 RULES_6_8, .gather_leaves_one_slot = true
#define RULES_7_1                                                              \
    RULES_6_14, .rechecks_batched = true, .batches_tables = true,              \
                .table_waits_for_rcu = true
/* What can be repaired without another gather. */
#define RULES_FIXED                                                            \
    RULES_4_13, .moves_under_lock = true, .batched_has_generations = true,     \
                .delays_rmap = true, .flushes_before_unlink = true,            \
                .rechecks_batched = true, .nested_flush_is_full = true,        \
                .syncs_collapse = true

/* x86 of 4.6 queues tables like pages: nothing is freed too early. */
const struct mm_rules mmusim__mm_rules_4_6 = {
    .version = "4.6",
    GATHER_SIZES,
    .moves_in_chunks = true,
    RULES_3_15,
};

const struct mm_rules mmusim__mm_rules_4_20 = {
    .version = "4.20",
    GATHER_SIZES,
    RULES_4_20,
};

const struct mm_rules mmusim__mm_rules_5_10 = {
    .version = "5.10",
    GATHER_SIZES,
    .splits_huge_zero_page = true,
    RULES_5_10,
};

const struct mm_rules mmusim__mm_rules_6_2 = {
    .version = "6.2",
    GATHER_SIZES,
    .splits_huge_zero_page = true,
    RULES_6_2,
};

const struct mm_rules mmusim__mm_rules_6_8 = {
    .version = "6.8",
    GATHER_SIZES,
    .splits_huge_zero_page = true,
    RULES_6_8,
};

const struct mm_rules mmusim__mm_rules_6_14 = {
    .version = "6.14",
    GATHER_SIZES,
    RULES_6_14,
};

const struct mm_rules mmusim__mm_rules_7_1 = {
    .version = "7.1",
    GATHER_SIZES,
    RULES_7_1,
};

const struct mm_rules mmusim__mm_rules_4_6_fixed = {
    .version = "4.6",
    GATHER_SIZES,
    .moves_in_chunks = true,
    RULES_FIXED,
};

const struct mm_rules mmusim__mm_rules_4_20_fixed = {
    .version = "4.20",
    GATHER_SIZES,
    RULES_FIXED,
    .migrates_huge = true,
    .gather_tracks_levels = true,
    .merge_is_limited = true,
};

const struct mm_rules mmusim__mm_rules_5_10_fixed = {
    .version = "5.10",
    GATHER_SIZES,
    .splits_huge_zero_page = true,
    RULES_5_10,
    .batched_has_generations = true,
    .delays_rmap = true,
    .flushes_before_unlink = true,
    .rechecks_batched = true,
};

const struct mm_rules mmusim__mm_rules_6_2_fixed = {
    .version = "6.2",
    GATHER_SIZES,
    .splits_huge_zero_page = true,
    RULES_6_2,
    .rechecks_batched = true,
};

const struct mm_rules mmusim__mm_rules_6_8_fixed = {
    .version = "6.8",
    GATHER_SIZES,
    .splits_huge_zero_page = true,
    RULES_6_8,
    .rechecks_batched = true,
};

const struct mm_rules mmusim__mm_rules_6_14_fixed = {
    .version = "6.14",
    GATHER_SIZES,
    RULES_6_14,
    .rechecks_batched = true,
};

const struct mm_rules mmusim__mm_rules_7_1_fixed = {
    .version = "7.1",
    GATHER_SIZES,
    RULES_7_1,
};
