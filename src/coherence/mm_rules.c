/* SPDX-License-Identifier: MIT */
/* Rules by version: see mm_rules.h. */
#include "coherence/mm_rules.h"

/* (4096 - 16) / 8 pointers a page, 10000 of them in all. */
#define GATHER_SIZES                                                           \
    .gather_stack_pages = 8, .gather_batch_pages = 510, .gather_max_batches = 19

#define RULES_3_15 .flushes_dirty_early = true, .migrate_knows_pending = true
#define RULES_4_13                                                             \
    RULES_3_15, .knows_batched = true, .gather_counts_nested = true,           \
                .merge_knows_pending = true
#define RULES_4_20                                                             \
    RULES_4_13, .frees_tables_late = true, .gather_tracks_levels = true,       \
                .moves_under_lock = true
#define RULES_6_8                                                              \
    RULES_4_20, .batched_has_generations = true, .delays_rmap = true,          \
                .flushes_before_unlink = true, .protect_gathers = true
#define RULES_7_1 RULES_6_8, .rechecks_batched = true
/* What can be repaired without another gather. */
#define RULES_FIXED                                                            \
    RULES_4_13, .frees_tables_late = true, .moves_under_lock = true,           \
                .batched_has_generations = true, .delays_rmap = true,          \
                .flushes_before_unlink = true, .rechecks_batched = true

const struct mm_rules mmusim__mm_rules_4_6 = {
    .version = "4.6",
    GATHER_SIZES,
    RULES_3_15,
};

const struct mm_rules mmusim__mm_rules_4_20 = {
    .version = "4.20",
    GATHER_SIZES,
    RULES_4_20,
};

/* The folio's second slot came with delayed_rmap: 6.8. */
const struct mm_rules mmusim__mm_rules_6_8 = {
    .version = "6.8",
    GATHER_SIZES,
    .gather_leaves_one_slot = true,
    RULES_6_8,
};

const struct mm_rules mmusim__mm_rules_6_14 = {
    .version = "6.14",
    GATHER_SIZES,
    .gather_leaves_one_slot = true,
    RULES_6_8,
};

const struct mm_rules mmusim__mm_rules_7_1 = {
    .version = "7.1",
    GATHER_SIZES,
    .gather_leaves_one_slot = true,
    RULES_7_1,
};

const struct mm_rules mmusim__mm_rules_4_6_fixed = {
    .version = "4.6",
    GATHER_SIZES,
    RULES_FIXED,
};

const struct mm_rules mmusim__mm_rules_4_20_fixed = {
    .version = "4.20",
    GATHER_SIZES,
    RULES_FIXED,
    .gather_tracks_levels = true,
};

const struct mm_rules mmusim__mm_rules_6_8_fixed = {
    .version = "6.8",
    GATHER_SIZES,
    .gather_leaves_one_slot = true,
    RULES_7_1,
};

const struct mm_rules mmusim__mm_rules_6_14_fixed = {
    .version = "6.14",
    GATHER_SIZES,
    .gather_leaves_one_slot = true,
    RULES_7_1,
};

const struct mm_rules mmusim__mm_rules_7_1_fixed = {
    .version = "7.1",
    GATHER_SIZES,
    .gather_leaves_one_slot = true,
    RULES_7_1,
};
