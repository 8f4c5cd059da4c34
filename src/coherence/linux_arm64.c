/* SPDX-License-Identifier: MIT */
/*
 * arm64 protocols: see linux_arm64.h. Linux 7.1.3 unless another version is
 * named.
 *
 * Left out: KPTI's second ASID, the errata that repeat TLBIs, LPA2's alignment
 * of range operations, contiguous runs, secondary TLBs.
 */
#include "coherence/linux_arm64.h"

#include "coherence/arm64_switch.h"
#include "coherence/arm_flush.h"
#include "coherence/ipi.h"
#include "coherence/mm_rules.h"
#include "coherence/protocol_steps.h"

enum { MAX_RANGE_PAGES = 1 << 21 }; /* one range operation: NUM 31, SCALE 3 */

/* ---- flush_tlb_*() ---- */

static uint32_t arm64_granule_order(const struct cpu *cpu)
{
    return cpu->mmu.shared->format->granule_order;
}

/* Strides that are too many without range operations. */
static uint64_t arm64_limit(const struct cpu *cpu)
{
    const struct system *system = cpu->system;

    if (system->has_flush_ceiling ||
        !arm64_state(cpu)->version->is_limit_of_table)
        return system->flush_ceiling_pages;
    return system->flush_ceiling_pages << arm64_granule_order(cpu);
}

static bool arm64_exceeds(enum ceiling_rule rule, uint64_t n, uint64_t limit)
{
    return rule == CEILING_ABOVE ? n > limit : n >= limit;
}

/* Is the range left to one operation on everything? */
static bool arm64_is_too_large(const struct cpu *cpu,
                               const struct arm_range *range)
{
    const struct system *system = cpu->system;
    const struct arm64_state *state = arm64_state(cpu);
    const struct arm64_version *version = state->version;
    bool has_ranges = state->order != ARM64_NO_RANGES;
    uint64_t n_strides, n_pages;

    if (range->end == FLUSH_END_ALL)
        return true;
    n_strides = mmusim__arm_range_strides(range);
    n_pages = n_strides << (range->stride_order - arm64_granule_order(cpu));
    if (!system->has_flush_ceiling &&
        (has_ranges || version->checks_range_always) &&
        arm64_exceeds(version->range_rule, n_pages, MAX_RANGE_PAGES))
        return true;
    if (has_ranges && !system->has_flush_ceiling)
        return false;
    return arm64_exceeds(system->protocol->ceiling_rule, n_strides,
                         arm64_limit(cpu));
}

/* __flush_tlb_range() */
struct arm64_span {
    struct arm_range range;
    uint8_t level;
    bool is_leaf_only;
};

static struct arm_flush *arm64_flush_span(struct cpu *cpu,
                                          struct address_space *mm,
                                          const struct arm64_span *span)
{
    const struct arm64_state *state = arm64_state(cpu);
    uint16_t asid = asid_of(mm->context_id);
    struct arm_flush *flush;

    if (arm64_is_too_large(cpu, &span->range))
        return mmusim__arm_flush_whole(cpu, state->rows[TLBI_ASIDE1IS], asid);
    flush = mmusim__arm_flush_pages(
        cpu, state->rows[span->is_leaf_only ? TLBI_VALE1IS : TLBI_VAE1IS], asid,
        &span->range);
    flush->range_row =
        state->rows[span->is_leaf_only ? TLBI_RVALE1IS : TLBI_RVAE1IS];
    flush->level = span->level;
    mmusim__arm_flush_in(flush, state->order);
    return flush;
}

/* Of leaves of an order: the manual's level, 3 for a page. */
static uint8_t arm64_level_of(const struct cpu *cpu, uint32_t order)
{
    const struct pt_format *format = cpu->mmu.shared->format;

    for (uint32_t level = 0; level < 4 && level < format->n_levels; level++) {
        if (pt_level_order(format, level) == order)
            return (uint8_t) (3 - level);
    }
    return ARM_LEVEL_UNKNOWN; /* a contiguous run */
}

/* flush_tlb_range(): tables may be going, too. Huge pages of hugetlbfs and
 * transparent ones have their own strides from 6.6 on. */
static void arm64_flush_mm_range(struct cpu *cpu, struct address_space *mm,
                                 const struct flush_span *span)
{
    uint32_t granule = arm64_granule_order(cpu);
    struct arm64_span of = {
        .range = {span->start, span->end, granule},
        .level = ARM_LEVEL_UNKNOWN,
    };

    if (arm64_state(cpu)->version->has_huge_strides &&
        span->stride_order > granule) {
        uint8_t level = arm64_level_of(cpu, span->stride_order);

        if (level != ARM_LEVEL_UNKNOWN) {
            of.range.stride_order = span->stride_order;
            of.level = level;
        }
    }
    arm64_flush_span(cpu, mm, &of);
}

/* tlb_get_level(): the hint is of leaves. */
static uint8_t arm64_gather_level(const struct cpu *cpu,
                                  const struct flush_span *span)
{
    const struct arm64_version *version = arm64_state(cpu)->version;

    if (!version->gives_levels || span->frees_tables)
        return ARM_LEVEL_UNKNOWN;
    for (uint8_t level = 0; level < 3; level++) {
        if (span->cleared_levels == UINT32_C(1) << level)
            return (uint8_t) (3 - level);
    }
    return ARM_LEVEL_UNKNOWN; /* 0, or several */
}

static uint32_t arm64_gather_stride(const struct cpu *cpu,
                                    const struct flush_span *span)
{
    uint32_t granule = arm64_granule_order(cpu);

    return span->stride_order > granule ? span->stride_order : granule;
}

/* tlb_flush(): an address space that is going away keeps its stale entries,
 * since its ASID is not given again without a flush of everything. */
static void arm64_flush_gather(struct cpu *cpu, struct address_space *mm,
                               const struct flush_span *span)
{
    const struct arm64_state *state = arm64_state(cpu);
    struct arm64_span of = {
        .range = {span->start, span->end, arm64_gather_stride(cpu, span)},
        .level = arm64_gather_level(cpu, span),
        .is_leaf_only = !span->frees_tables,
    };

    if (!span->is_full_mm)
        arm64_flush_span(cpu, mm, &of);
    else if (span->frees_tables)
        mmusim__arm_flush_whole(cpu, state->rows[TLBI_ASIDE1IS],
                                asid_of(mm->context_id));
}

/* One page's operation, without the barrier behind it. */
static struct arm_flush *arm64_one_page(struct cpu *cpu,
                                        const struct address_space *mm,
                                        uint64_t vaddr, uint32_t order)
{
    const struct arm64_state *state = arm64_state(cpu);
    uint32_t granule = arm64_granule_order(cpu);
    const struct arm_range range = {vaddr, vaddr + 1, granule};
    struct arm_flush *flush = mmusim__arm_flush_pages(
        cpu, state->rows[TLBI_VALE1IS], asid_of(mm->context_id), &range);

    if (state->version->gives_page_level && order == granule)
        flush->level = 3;
    return flush;
}

static void arm64_flush_page(struct cpu *cpu, struct address_space *mm,
                             uint64_t vaddr, uint32_t order)
{
    arm64_one_page(cpu, mm, vaddr, order);
}

/* local_flush_tlb_page_nonotify() */
static void arm64_flush_page_here(struct cpu *cpu, struct address_space *mm,
                                  uint64_t vaddr, uint32_t order)
{
    const struct inval_instruction *row = arm64_state(cpu)->rows[TLBI_VALE1];
    uint64_t operand =
        mmusim__arm_va_operand(row, vaddr, asid_of(mm->context_id));

    (void) order;
    cpu->flushes.local_pages++;
    mmusim__cpu_busy(cpu,
                     mmusim__arm_flush_here(cpu, row, operand, MISS_PAGE_FLUSH),
                     BUCKET_FLUSH_LOCAL);
}

/* ptep_set_access_flags() */
static void arm64_after_upgrade(struct cpu *cpu, struct address_space *mm,
                                uint64_t vaddr, uint32_t order)
{
    if (arm64_state(cpu)->version->upgrades_here)
        arm64_flush_page_here(cpu, mm, vaddr, order);
    else
        arm64_flush_page(cpu, mm, vaddr, order);
}

static void arm64_flush_all(struct cpu *cpu)
{
    const struct arm64_state *state = arm64_state(cpu);

    mmusim__arm_flush_whole(cpu, state->rows[TLBI_VMALLE1IS], 0)->has_isb =
        true;
}

static void arm64_flush_kernel_range(struct cpu *cpu, uint64_t start,
                                     uint64_t end)
{
    const struct arm64_state *state = arm64_state(cpu);
    const struct arm_range range = {start, end, arm64_granule_order(cpu)};
    bool is_leaf = state->version->is_kernel_leaf;
    struct arm_flush *flush;

    if (arm64_is_too_large(cpu, &range)) {
        arm64_flush_all(cpu);
        return;
    }
    flush = mmusim__arm_flush_pages(
        cpu, state->rows[is_leaf ? TLBI_VAALE1IS : TLBI_VAAE1IS], 0, &range);
    flush->range_row = state->rows[is_leaf ? TLBI_RVAALE1IS : TLBI_RVAAE1IS];
    flush->has_isb = true;
    mmusim__arm_flush_in(flush, state->order);
}

/* ---- batched unmapping: 6.6 on ---- */

static bool arm64_batch_defers(const struct cpu *cpu,
                               const struct address_space *mm)
{
    (void) cpu;
    (void) mm;
    return true;
}

/* arch_tlbbatch_add_pending(): the operation goes out; nobody waits. */
static uint32_t arm64_batch_add(struct cpu *cpu, struct address_space *mm,
                                uint64_t vaddr, uint32_t order)
{
    arm64_one_page(cpu, mm, vaddr, order)->is_posted = true;
    return 0;
}

/* [B05], 6.6 to 6.15: a barrier of this CPU, which waits for this CPU's
 * operations and not for those of the one that unmapped. */
static void arm64_batch_barrier_only(struct cpu *cpu, struct address_space *mm)
{
    (void) mm;
    mmusim__arm_flush_complete(cpu);
}

/* ---- the versions ---- */

static const struct arm64_version arm64_4_20 = {
    .order = ARM64_NO_RANGES,
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
};

static mmusim_status_t arm64_init_4_20(struct system *system)
{
    return mmusim__arm64_init(system, &arm64_4_20);
}

static mmusim_status_t arm64_init_6_8(struct system *system)
{
    return mmusim__arm64_init(system, &arm64_6_8);
}

static mmusim_status_t arm64_init_6_8_fixed(struct system *system)
{
    return mmusim__arm64_init(system, &arm64_6_8_fixed);
}

static mmusim_status_t arm64_init_7_1(struct system *system)
{
    return mmusim__arm64_init(system, &arm64_7_1);
}

#define ARM64_OPS                                                              \
    .isas = 1 << ISA_ARMV8, .flush_mm_range = arm64_flush_mm_range,            \
    .flush_gather = arm64_flush_gather, .flush_page = arm64_flush_page,        \
    .after_upgrade = arm64_after_upgrade,                                      \
    .flush_kernel_range = arm64_flush_kernel_range,                            \
    .flush_all = arm64_flush_all, .switch_mm = mmusim__arm64_switch_mm,        \
    .enter_lazy = mmusim__protocol_enter_lazy

#define ARM64_BATCH                                                            \
    .batch_defers = arm64_batch_defers, .batch_add = arm64_batch_add,          \
    .batch_flush = mmusim__arm_flush_complete

/* flush_tlb_fix_spurious_fault() is flush_tlb_page() before 5.10; nothing is
 * done from there to 6.18, since whoever changed the entry has broadcast. */
#define ARM64_4_20                                                             \
    .ceiling_rule = CEILING_ABOVE, .default_ceiling_pages = 1024,              \
    .init = arm64_init_4_20, .fix_spurious = arm64_flush_page

#define ARM64_6_8                                                              \
    .ceiling_rule = CEILING_AT_LEAST, .default_ceiling_pages = 512, ARM64_BATCH

const struct protocol_ops mmusim__protocol_linux_arm64_4_20 = {
    .name = "linux-arm64-4.20",
    .help = "Linux 4.20 on arm64: a TLBI a page up to 1024 pages",
    .mm_rules = &mmusim__mm_rules_4_20,
    .bugs = "B12 B13 B14 B15 B16 B17 B43",
    ARM64_4_20,
    ARM64_OPS,
};

const struct protocol_ops mmusim__protocol_linux_arm64_4_20_fixed = {
    .name = "linux-arm64-4.20-fixed",
    .help = "linux-arm64-4.20 with the corpus's bugs repaired",
    .mm_rules = &mmusim__mm_rules_4_20_fixed,
    .is_fixed = true,
    ARM64_4_20,
    ARM64_OPS,
};

const struct protocol_ops mmusim__protocol_linux_arm64_6_8 = {
    .name = "linux-arm64-6.8",
    .help = "Linux 6.8 on arm64: range operations, odd page first",
    .mm_rules = &mmusim__mm_rules_6_8,
    .bugs = "B04 B05 B16 B42",
    .init = arm64_init_6_8,
    .batch_pending = arm64_batch_barrier_only,
    ARM64_6_8,
    ARM64_OPS,
};

const struct protocol_ops mmusim__protocol_linux_arm64_6_8_fixed = {
    .name = "linux-arm64-6.8-fixed",
    .help = "linux-arm64-6.8 with the corpus's bugs repaired",
    .mm_rules = &mmusim__mm_rules_6_8_fixed,
    .is_fixed = true,
    .init = arm64_init_6_8_fixed,
    ARM64_6_8,
    ARM64_OPS,
};

const struct protocol_ops mmusim__protocol_linux_arm64_7_1 = {
    .name = "linux-arm64-7.1",
    .help = "Linux 7.1 on arm64: range operations, largest scale first",
    .mm_rules = &mmusim__mm_rules_7_1,
    .init = arm64_init_7_1,
    .fix_spurious = arm64_flush_page_here,
    ARM64_6_8,
    ARM64_OPS,
};
