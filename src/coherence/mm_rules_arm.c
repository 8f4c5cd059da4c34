/* SPDX-License-Identifier: MIT */
/*
 * Rules of kernels that only Arm's protocols name: see mm_rules.h. Up to 2.6.37
 * arch/arm/include/asm/tlb.h frees pages and tables as they are
 * unhooked; 2.6.38 has a gather of its own, a structure per CPU with
 * FREE_PTE_NR (500) slots.
 */
#include "coherence/mm_rules.h"

#define RULES_ARM .moves_in_chunks = true
#define RULES_ARM_2_6_38                                                       \
    RULES_ARM, .gather_stack_pages = 500, .frees_pages_late = true,            \
               .frees_tables_late = true
#define RULES_ARM_FIXED                                                        \
    RULES_ARM_2_6_38, .knows_joint_tables = true, .flushes_dirty_early = true, \
                      .migrate_knows_pending = true, .knows_batched = true,    \
                      .gather_counts_nested = true,                            \
                      .nested_flush_is_full = true, .syncs_collapse = true,    \
                      .moves_under_lock = true,                                \
                      .batched_has_generations = true, .delays_rmap = true,    \
                      .flushes_before_unlink = true, .rechecks_batched = true, \
                      .merge_knows_pending = true

const struct mm_rules mmusim__mm_rules_arm_2_6_37 = {
    .version = "2.6.37",
    .gather_stack_pages = 1, /* nothing waits */
    RULES_ARM,
};

const struct mm_rules mmusim__mm_rules_arm_2_6_38 = {
    .version = "2.6.38",
    RULES_ARM_2_6_38,
};

const struct mm_rules mmusim__mm_rules_arm_2_6_37_fixed = {
    .version = "2.6.37",
    RULES_ARM_FIXED,
};

const struct mm_rules mmusim__mm_rules_arm_2_6_38_fixed = {
    .version = "2.6.38",
    RULES_ARM_FIXED,
};
