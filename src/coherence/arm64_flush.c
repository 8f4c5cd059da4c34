/* SPDX-License-Identifier: MIT */
/*
 * Flushes of arm64: see arm64_flush.h. Linux 7.1.3 unless another version is
 * named.
 *
 * Left out: KPTI's second ASID, LPA2's alignment of range operations,
 * contiguous runs, secondary TLBs, SME's erratum 4193714.
 */
#include "coherence/arm64_flush.h"

#include "coherence/arm64_switch.h"
#include "coherence/arm_flush.h"
#include "coherence/ipi.h"

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

/* ARM64_WORKAROUND_REPEAT_TLBI: each operation twice with a barrier between, or
 * from 7.0 on an operation on nothing and a barrier at the end. Before a flush
 * is pushed ... */
static void arm64_follow_errata(struct cpu *cpu)
{
    const struct arm64_state *state = arm64_state(cpu);

    if (cpu->system->arm_errata.repeats_tlbi && state->version->repeats_at_end)
        mmusim__arm_flush_dummy(cpu, state->rows[TLBI_VALE1IS]);
}

/* ... and after it. */
static struct arm_flush *arm64_repeat(const struct cpu *cpu,
                                      struct arm_flush *flush)
{
    flush->cut.is_single = cpu->system->arm_errata.repeats_tlbi &&
                           !arm64_state(cpu)->version->repeats_at_end;
    return flush;
}

static struct arm_flush *arm64_whole(struct cpu *cpu, enum arm64_tlbi tlbi,
                                     uint16_t asid)
{
    arm64_follow_errata(cpu);
    return arm64_repeat(
        cpu, mmusim__arm_flush_whole(cpu, arm64_state(cpu)->rows[tlbi], asid));
}

static struct arm_flush *arm64_pages(struct cpu *cpu, enum arm64_tlbi tlbi,
                                     uint16_t asid,
                                     const struct arm_range *range)
{
    arm64_follow_errata(cpu);
    return arm64_repeat(
        cpu, mmusim__arm_flush_pages(cpu, arm64_state(cpu)->rows[tlbi], asid,
                                     range));
}

/* The last thing done to a flush of a space's entries. */
static void arm64_for_user(const struct cpu *cpu, struct arm_flush *flush)
{
    if (arm64_state(cpu)->has_user_asids)
        mmusim__arm_flush_both(flush,
                               (uint16_t) (flush->asid | ARM64_USER_ASID));
}

/* __flush_tlb_range() */
struct arm64_span {
    struct arm_range range;
    uint8_t level;
    bool is_leaf_only;
};

/* flush_tlb_mm() */
static void arm64_whole_space(struct cpu *cpu, const struct address_space *mm)
{
    arm64_for_user(cpu,
                   arm64_whole(cpu, TLBI_ASIDE1IS, asid_of(mm->context_id)));
}

static void arm64_flush_span(struct cpu *cpu, struct address_space *mm,
                             const struct arm64_span *span)
{
    const struct arm64_state *state = arm64_state(cpu);
    uint16_t asid = asid_of(mm->context_id);
    struct arm_flush *flush;

    if (arm64_is_too_large(cpu, &span->range)) {
        arm64_whole_space(cpu, mm);
        return;
    }
    flush = arm64_pages(cpu, span->is_leaf_only ? TLBI_VALE1IS : TLBI_VAE1IS,
                        asid, &span->range);
    flush->range_row =
        state->rows[span->is_leaf_only ? TLBI_RVALE1IS : TLBI_RVAE1IS];
    flush->level = span->level;
    mmusim__arm_flush_in(flush, state->order);
    arm64_for_user(cpu, flush);
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
void mmusim__arm64_flush_mm_range(struct cpu *cpu, struct address_space *mm,
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

    if (!version->gives_levels ||
        (span->frees_tables && !version->hints_tables))
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

    if (arm64_state(cpu)->version->ignores_strides)
        return granule;
    return span->stride_order > granule ? span->stride_order : granule;
}

/* tlb_flush(): an address space that is going away keeps its stale entries,
 * since its ASID is not given again without a flush of everything. */
void mmusim__arm64_flush_gather(struct cpu *cpu, struct address_space *mm,
                                const struct flush_span *span)
{
    struct arm64_span of = {
        .range = {span->start, span->end, arm64_gather_stride(cpu, span)},
        .level = arm64_gather_level(cpu, span),
        .is_leaf_only = !span->frees_tables,
    };

    if (!span->is_full_mm)
        arm64_flush_span(cpu, mm, &of);
    else if (span->frees_tables)
        arm64_whole_space(cpu, mm);
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
    arm64_repeat(cpu, flush);
    arm64_for_user(cpu, flush);
    return flush;
}

void mmusim__arm64_flush_page(struct cpu *cpu, struct address_space *mm,
                              uint64_t vaddr, uint32_t order)
{
    arm64_follow_errata(cpu);
    arm64_one_page(cpu, mm, vaddr, order);
}

void mmusim__arm64_flush_page_here(struct cpu *cpu, struct address_space *mm,
                                   uint64_t vaddr, uint32_t order)
{
    const struct arm64_state *state = arm64_state(cpu);
    const struct inval_instruction *row = state->rows[TLBI_VALE1];
    uint16_t asid = asid_of(mm->context_id);
    uint64_t operand = mmusim__arm_va_operand(row, vaddr, asid);
    uint32_t cycles =
        mmusim__arm_flush_here(cpu, row, operand, MISS_PAGE_FLUSH);

    (void) order;
    cpu->flushes.local_pages++;
    if (state->has_user_asids) {
        operand = mmusim__arm_va_operand(row, vaddr,
                                         (uint16_t) (asid | ARM64_USER_ASID));
        cycles += mmusim__arm_flush_here(cpu, row, operand, MISS_PAGE_FLUSH);
    }
    mmusim__cpu_busy(cpu, cycles, BUCKET_FLUSH_LOCAL);
}

void mmusim__arm64_after_upgrade(struct cpu *cpu, struct address_space *mm,
                                 uint64_t vaddr, uint32_t order)
{
    if (arm64_state(cpu)->version->upgrades_here)
        mmusim__arm64_flush_page_here(cpu, mm, vaddr, order);
    else
        mmusim__arm64_flush_page(cpu, mm, vaddr, order);
}

void mmusim__arm64_flush_all(struct cpu *cpu)
{
    arm64_whole(cpu, TLBI_VMALLE1IS, 0)->has_isb = true;
}

void mmusim__arm64_flush_kernel_range(struct cpu *cpu, uint64_t start,
                                      uint64_t end)
{
    const struct arm64_state *state = arm64_state(cpu);
    const struct arm_range range = {start, end, arm64_granule_order(cpu)};
    bool is_leaf = state->version->is_kernel_leaf;
    struct arm_flush *flush;

    if (arm64_is_too_large(cpu, &range)) {
        mmusim__arm64_flush_all(cpu);
        return;
    }
    flush = arm64_pages(cpu, is_leaf ? TLBI_VAALE1IS : TLBI_VAAE1IS, 0, &range);
    flush->range_row = state->rows[is_leaf ? TLBI_RVAALE1IS : TLBI_RVAAE1IS];
    flush->has_isb = true;
    mmusim__arm_flush_in(flush, state->order);
}

/* ---- batched unmapping: 6.6 on ---- */

bool mmusim__arm64_batch_defers(const struct cpu *cpu,
                                const struct address_space *mm)
{
    (void) mm;
    return !cpu->system->arm_errata.repeats_tlbi ||
           arm64_state(cpu)->version->repeats_at_end;
}

/* arch_tlbbatch_add_pending(): the operation goes out; nobody waits. */
uint32_t mmusim__arm64_batch_add(struct cpu *cpu, struct address_space *mm,
                                 uint64_t vaddr, uint32_t order)
{
    arm64_one_page(cpu, mm, vaddr, order)->is_posted = true;
    return 0;
}

void mmusim__arm64_batch_flush(struct cpu *cpu)
{
    arm64_follow_errata(cpu);
    mmusim__arm_flush_complete(cpu);
}

void mmusim__arm64_batch_barrier_only(struct cpu *cpu, struct address_space *mm)
{
    (void) mm;
    mmusim__arm_flush_complete(cpu);
}
