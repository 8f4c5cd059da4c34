/* SPDX-License-Identifier: MIT */
/*
 * arm64 protocols: see linux_arm64.h. Linux 7.1.3 unless another version is
 * named.
 *
 * Left out: KPTI's second ASID, the errata that repeat TLBIs, LPA2's alignment
 * of range operations, secondary TLBs; the level hint and the stride of
 * mmu_gather's flushes (every range is flushed as flush_tlb_range does it).
 */
#include "coherence/linux_arm64.h"

#include "coherence/arm_flush.h"
#include "coherence/ipi.h"
#include "coherence/mm_rules.h"
#include "coherence/protocol_steps.h"
#include "core/arena.h"

enum { MAX_RANGE_PAGES = 1 << 21 }; /* one range operation: NUM 31, SCALE 3 */

/* What differs between versions. */
struct arm64_version {
    enum arm64_range_order order; /* where the machine has range operations */
    enum ceiling_rule range_rule; /* of MAX_RANGE_PAGES */
    bool gives_level;             /* flush_tlb_page gives a TTL hint: 7.1 */
    bool is_kernel_leaf;          /* VAALE1IS; 4.x: VAAE1IS */
};

#define ARM64_TLBI_MAP(X)                                                      \
    X(VMALLE1)                                                                 \
    X(VMALLE1IS)                                                               \
    X(ASIDE1IS)                                                                \
    X(VAE1IS)                                                                  \
    X(VALE1IS)                                                                 \
    X(VAAE1IS)                                                                 \
    X(VAALE1IS)                                                                \
    X(RVAE1IS)                                                                 \
    X(RVAAE1IS)                                                                \
    X(RVAALE1IS)

enum arm64_tlbi {
#define ARM64_TLBI_ENUM(name) TLBI_##name,
    ARM64_TLBI_MAP(ARM64_TLBI_ENUM)
#undef ARM64_TLBI_ENUM
        TLBI_COUNT
};

/* system->protocol_state */
struct arm64_state {
    const struct arm64_version *version;
    struct asid_alloc asids;
    const struct inval_instruction *rows[TLBI_COUNT];
    enum arm64_range_order order;
};

static struct arm64_state *arm64_state(const struct cpu *cpu)
{
    return cpu->system->protocol_state;
}

/* ---- flush_tlb_*() ---- */

/* Is the range left to one operation on everything? */
static bool arm64_is_too_large(const struct cpu *cpu, uint64_t start,
                               uint64_t end)
{
    const struct system *system = cpu->system;
    const struct arm64_state *state = arm64_state(cpu);
    uint32_t granule_order = cpu->mmu.shared->format->granule_order;
    uint64_t n_pages = (end - start) >> (BASE_PAGE_SHIFT + granule_order);
    enum ceiling_rule rule = system->protocol->ceiling_rule;
    uint64_t limit = system->flush_ceiling_pages;

    if (end == FLUSH_END_ALL)
        return true;
    if (state->order != ARM64_NO_RANGES && !system->has_flush_ceiling) {
        rule = state->version->range_rule;
        limit = MAX_RANGE_PAGES;
    }
    return rule == CEILING_ABOVE ? n_pages > limit : n_pages >= limit;
}

static void arm64_flush_mm_range(struct cpu *cpu, struct address_space *mm,
                                 const struct flush_span *span)
{
    const struct arm64_state *state = arm64_state(cpu);
    uint16_t asid = asid_of(mm->context_id);
    struct arm_flush *flush;

    /* The stride is a page's for any area. */
    if (arm64_is_too_large(cpu, span->start, span->end)) {
        mmusim__arm_flush_whole(cpu, state->rows[TLBI_ASIDE1IS], asid);
        return;
    }
    /* Not the last level only: tables may be going, too. */
    flush = mmusim__arm_flush_pages(cpu, state->rows[TLBI_VAE1IS], asid,
                                    span->start, span->end);
    flush->range_row = state->rows[TLBI_RVAE1IS];
    mmusim__arm64_cut_begin(&flush->cut, state->order, flush->cut.pages_left,
                            1);
}

static void arm64_flush_page(struct cpu *cpu, struct address_space *mm,
                             uint64_t vaddr, uint32_t order)
{
    const struct arm64_state *state = arm64_state(cpu);
    struct arm_flush *flush =
        mmusim__arm_flush_pages(cpu, state->rows[TLBI_VALE1IS],
                                asid_of(mm->context_id), vaddr, vaddr + 1);

    /* A hint of the wrong level invalidates nothing. */
    flush->has_level_hint = state->version->gives_level &&
                            cpu->system->arm.features & ARM_TTL &&
                            order == cpu->mmu.shared->format->granule_order;
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
    bool is_leaf = state->version->is_kernel_leaf;
    struct arm_flush *flush;

    if (arm64_is_too_large(cpu, start, end)) {
        arm64_flush_all(cpu);
        return;
    }
    flush = mmusim__arm_flush_pages(
        cpu, state->rows[is_leaf ? TLBI_VAALE1IS : TLBI_VAAE1IS], 0, start,
        end);
    flush->range_row = state->rows[is_leaf ? TLBI_RVAALE1IS : TLBI_RVAAE1IS];
    flush->has_isb = true;
    mmusim__arm64_cut_begin(&flush->cut, state->order, flush->cut.pages_left,
                            1);
}

/* ---- switching ---- */

/* check_and_switch_context(): TTBR0 and the ASID; the kernel's half stays. */
static uint32_t arm64_switch_mm(struct cpu *cpu, struct address_space *next)
{
    struct arm64_state *state = arm64_state(cpu);
    uint32_t cycles = cpu->system->cost.ttbr_write_cycles;
    enum asid_switch how;

    cpu->tlb_state = TLB_STATE_OK;
    cpu->active_mm = next;
    if (cpu->loaded == next)
        return 0;
    how = mmusim__protocol_load(cpu, &state->asids, next);
    if (how != ASID_SWITCH_FAST)
        cycles += cpu->system->cost.lock_cycles;
    if (how == ASID_SWITCH_FLUSH) {
        cpu->flushes.local_full++; /* local_flush_tlb_all() */
        cycles += mmusim__arm_flush_here(cpu, state->rows[TLBI_VMALLE1], 0,
                                         MISS_ASID);
    }
    return cycles;
}

/* ---- the versions ---- */

static mmusim_status_t arm64_init(struct system *system,
                                  const struct arm64_version *version)
{
    static const char *const names[TLBI_COUNT] = {
#define ARM64_TLBI_NAME(name) #name,
        ARM64_TLBI_MAP(ARM64_TLBI_NAME)
#undef ARM64_TLBI_NAME
    };
    struct arm64_state *state =
        mmusim__arena_alloc(system->arena, 1, sizeof(*state));

    if (!state)
        return MMUSIM_NOMEM;
    system->protocol_state = state;
    state->version = version;
    state->order =
        system->arm.features & ARM_RANGE ? version->order : ARM64_NO_RANGES;
    for (uint32_t i = 0; i < TLBI_COUNT; i++)
        state->rows[i] = mmusim__inval_find(INVAL_ARMV8, names[i]);
    return mmusim__asid_init(&state->asids, system->arm.asid_bits,
                             system->n_cpus, system->arena);
}

static const struct arm64_version arm64_4_20 = {
    .order = ARM64_NO_RANGES,
};

static const struct arm64_version arm64_6_8 = {
    .order = ARM64_SCALES_ASCENDING,
    .range_rule = CEILING_AT_LEAST,
    .is_kernel_leaf = true,
};

static const struct arm64_version arm64_7_1 = {
    .order = ARM64_SCALES_DESCENDING,
    .range_rule = CEILING_ABOVE,
    .gives_level = true,
    .is_kernel_leaf = true,
};

static mmusim_status_t arm64_init_4_20(struct system *system)
{
    return arm64_init(system, &arm64_4_20);
}

static mmusim_status_t arm64_init_6_8(struct system *system)
{
    return arm64_init(system, &arm64_6_8);
}

static mmusim_status_t arm64_init_7_1(struct system *system)
{
    return arm64_init(system, &arm64_7_1);
}

#define ARM64_OPS                                                              \
    .isas = 1 << ISA_ARMV8, .flush_mm_range = arm64_flush_mm_range,            \
    .flush_page = arm64_flush_page,                                            \
    .flush_kernel_range = arm64_flush_kernel_range,                            \
    .flush_all = arm64_flush_all, .switch_mm = arm64_switch_mm,                \
    .enter_lazy = mmusim__protocol_enter_lazy

const struct protocol_ops mmusim__protocol_linux_arm64_4_20 = {
    .name = "linux-arm64-4.20",
    .help = "Linux 4.20 on arm64: a TLBI a page up to 1024 pages",
    .ceiling_rule = CEILING_ABOVE,
    .default_ceiling_pages = 1024,
    .init = arm64_init_4_20,
    .mm_rules = &mmusim__mm_rules_4_20,
    /* ptep_set_access_flags() flushes read-only entries from 5.10 on. */
    .relies_on_rewalk = true,
    ARM64_OPS,
};

const struct protocol_ops mmusim__protocol_linux_arm64_6_8 = {
    .name = "linux-arm64-6.8",
    .help = "Linux 6.8 on arm64: range operations, odd page first",
    .ceiling_rule = CEILING_AT_LEAST,
    .default_ceiling_pages = 512,
    .init = arm64_init_6_8,
    .mm_rules = &mmusim__mm_rules_6_8,
    .after_upgrade = arm64_flush_page,
    ARM64_OPS,
};

const struct protocol_ops mmusim__protocol_linux_arm64_7_1 = {
    .name = "linux-arm64-7.1",
    .help = "Linux 7.1 on arm64: range operations, largest scale first",
    .ceiling_rule = CEILING_AT_LEAST,
    .default_ceiling_pages = 512,
    .init = arm64_init_7_1,
    .mm_rules = &mmusim__mm_rules_7_1,
    .after_upgrade = arm64_flush_page,
    ARM64_OPS,
};
