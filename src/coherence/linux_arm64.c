/* SPDX-License-Identifier: MIT */
/* The arm64 protocols, version by version: see linux_arm64.h. */
#include "coherence/linux_arm64.h"

#include "coherence/arm64_flush.h"
#include "coherence/arm64_switch.h"
#include "coherence/mm_rules.h"
#include "coherence/protocol_steps.h"

static const struct arm64_version arm64_4_4 = {
    .order = ARM64_NO_RANGES,
    .reserves_first = true,
    .ignores_strides = true,
};

static const struct arm64_version arm64_4_4_fixed = {
    .order = ARM64_NO_RANGES,
    .ignores_strides = true,
};

static const struct arm64_version arm64_4_20 = {
    .order = ARM64_NO_RANGES,
    .always_pairs = true,
};

static const struct arm64_version arm64_5_10 = {
    .order = ARM64_SCALES_ASCENDING,
    .range_rule = CEILING_AT_LEAST,
    .checks_range_always = true,
    .is_limit_of_table = true,
    .gives_levels = true,
    .hints_tables = true,
    .is_kernel_leaf = true,
};

static const struct arm64_version arm64_5_10_fixed = {
    .order = ARM64_SCALES_DESCENDING,
    .range_rule = CEILING_ABOVE,
    .checks_range_always = true,
    .is_limit_of_table = true,
    .gives_levels = true,
    .is_kernel_leaf = true,
};

static const struct arm64_version arm64_6_8 = {
    .order = ARM64_SCALES_ASCENDING,
    .range_rule = CEILING_AT_LEAST,
    .checks_range_always = true,
    .is_limit_of_table = true,
    .gives_levels = true,
    .has_huge_strides = true,
    .is_kernel_leaf = true,
};

static const struct arm64_version arm64_6_8_fixed = {
    .order = ARM64_SCALES_DESCENDING,
    .range_rule = CEILING_ABOVE,
    .checks_range_always = true,
    .is_limit_of_table = true,
    .gives_levels = true,
    .has_huge_strides = true,
    .is_kernel_leaf = true,
};

static const struct arm64_version arm64_7_1 = {
    .order = ARM64_SCALES_DESCENDING,
    .range_rule = CEILING_ABOVE,
    .is_limit_of_table = true,
    .gives_levels = true,
    .gives_page_level = true,
    .has_huge_strides = true,
    .is_kernel_leaf = true,
    .upgrades_here = true,
    .repeats_at_end = true,
};

/* One function a version: init() is not told whose it is. */
#define ARM64_INIT(name)                                                       \
    static mmusim_status_t arm64_init_##name(struct system *system)            \
    {                                                                          \
        return mmusim__arm64_init(system, &arm64_##name);                      \
    }

ARM64_INIT(4_4)
ARM64_INIT(4_4_fixed)
ARM64_INIT(4_20)
ARM64_INIT(5_10)
ARM64_INIT(5_10_fixed)
ARM64_INIT(6_8)
ARM64_INIT(6_8_fixed)
ARM64_INIT(7_1)

#define ARM64_OPS                                                              \
    .isas = 1 << ISA_ARMV8, .flush_mm_range = mmusim__arm64_flush_mm_range,    \
    .flush_gather = mmusim__arm64_flush_gather,                                \
    .flush_page = mmusim__arm64_flush_page,                                    \
    .after_upgrade = mmusim__arm64_after_upgrade,                              \
    .flush_kernel_range = mmusim__arm64_flush_kernel_range,                    \
    .flush_all = mmusim__arm64_flush_all,                                      \
    .switch_mm = mmusim__arm64_switch_mm,                                      \
    .enter_lazy = mmusim__protocol_enter_lazy

#define ARM64_BATCH                                                            \
    .batch_defers = mmusim__arm64_batch_defers,                                \
    .batch_add = mmusim__arm64_batch_add,                                      \
    .batch_flush = mmusim__arm64_batch_flush

/* flush_tlb_fix_spurious_fault() is flush_tlb_page() before 5.10; nothing is
 * done from there to 6.18, since whoever changed the entry has broadcast. */
#define ARM64_OLD                                                              \
    .ceiling_rule = CEILING_ABOVE, .default_ceiling_pages = 1024,              \
    .fix_spurious = mmusim__arm64_flush_page, ARM64_OPS

#define ARM64_NEW                                                              \
    .ceiling_rule = CEILING_AT_LEAST, .default_ceiling_pages = 512, ARM64_OPS

const struct protocol_ops mmusim__protocol_linux_arm64_4_4 = {
    .name = "linux-arm64-4.4",
    .help = "Linux 4.4 on arm64: a rollover reserves an ASID for one CPU",
    .mm_rules = &mmusim__mm_rules_4_6,
    .bugs = "B01 B06 B07 B12 B13 B15 B16 B17 B39 B43",
    .init = arm64_init_4_4,
    ARM64_OLD,
};

const struct protocol_ops mmusim__protocol_linux_arm64_4_4_fixed = {
    .name = "linux-arm64-4.4-fixed",
    .help = "linux-arm64-4.4 with the corpus's bugs repaired",
    .mm_rules = &mmusim__mm_rules_4_6_fixed,
    .is_fixed = true,
    .init = arm64_init_4_4_fixed,
    ARM64_OLD,
};

const struct protocol_ops mmusim__protocol_linux_arm64_4_20 = {
    .name = "linux-arm64-4.20",
    .help = "Linux 4.20 on arm64: a TLBI a page up to 1024 pages",
    .mm_rules = &mmusim__mm_rules_4_20,
    .bugs = "B12 B13 B14 B15 B16 B17 B43",
    .init = arm64_init_4_20,
    ARM64_OLD,
};

const struct protocol_ops mmusim__protocol_linux_arm64_4_20_fixed = {
    .name = "linux-arm64-4.20-fixed",
    .help = "linux-arm64-4.20 with the corpus's bugs repaired",
    .mm_rules = &mmusim__mm_rules_4_20_fixed,
    .is_fixed = true,
    .init = arm64_init_4_20,
    ARM64_OLD,
};

const struct protocol_ops mmusim__protocol_linux_arm64_5_10 = {
    .name = "linux-arm64-5.10",
    .help = "Linux 5.10 on arm64: range operations and level hints",
    .mm_rules = &mmusim__mm_rules_5_10,
    .bugs = "B12 B13 B14 B15 B16 B17 B41 B42",
    .init = arm64_init_5_10,
    ARM64_NEW,
};

const struct protocol_ops mmusim__protocol_linux_arm64_5_10_fixed = {
    .name = "linux-arm64-5.10-fixed",
    .help = "linux-arm64-5.10 with the corpus's bugs repaired",
    .mm_rules = &mmusim__mm_rules_5_10_fixed,
    .is_fixed = true,
    .init = arm64_init_5_10_fixed,
    ARM64_NEW,
};

const struct protocol_ops mmusim__protocol_linux_arm64_6_8 = {
    .name = "linux-arm64-6.8",
    .help = "Linux 6.8 on arm64: range operations, odd page first",
    .mm_rules = &mmusim__mm_rules_6_8,
    .bugs = "B04 B05 B16 B42",
    .init = arm64_init_6_8,
    .batch_pending = mmusim__arm64_batch_barrier_only,
    ARM64_BATCH,
    ARM64_NEW,
};

const struct protocol_ops mmusim__protocol_linux_arm64_6_8_fixed = {
    .name = "linux-arm64-6.8-fixed",
    .help = "linux-arm64-6.8 with the corpus's bugs repaired",
    .mm_rules = &mmusim__mm_rules_6_8_fixed,
    .is_fixed = true,
    .init = arm64_init_6_8_fixed,
    ARM64_BATCH,
    ARM64_NEW,
};

const struct protocol_ops mmusim__protocol_linux_arm64_7_1 = {
    .name = "linux-arm64-7.1",
    .help = "Linux 7.1 on arm64: range operations, largest scale first",
    .mm_rules = &mmusim__mm_rules_7_1,
    .init = arm64_init_7_1,
    .fix_spurious = mmusim__arm64_flush_page_here,
    ARM64_BATCH,
    ARM64_NEW,
};
