/* SPDX-License-Identifier: MIT */
/*
 * 32-bit Arm: see linux_arm.h. There is no ceiling at all: 1 GiB is flushed by
 * 262,144 operations.
 *
 * mm_cpumask: set at a switch, emptied when the address space gets another
 * ASID; never cleared at a switch away (PIPT and VIPT caches).
 *
 * Left out: erratum 720789, VIVT caches, 2.6's way of a rollover (which
 * interrupts the other CPUs: here generations of ASIDs, as from 3.7 on).
 */
#include "coherence/linux_arm.h"

#include "coherence/arm_flush.h"
#include "coherence/flush.h"
#include "coherence/ipi.h"
#include "coherence/mm_rules.h"
#include "coherence/protocol_steps.h"
#include "core/arena.h"

#define ARM_TLBI_MAP(X)                                                        \
    X(TLBIALL)                                                                 \
    X(TLBIMVA)                                                                 \
    X(TLBIASID)                                                                \
    X(TLBIALLIS)                                                               \
    X(TLBIMVAIS)                                                               \
    X(TLBIASIDIS)

enum arm_tlbi {
#define ARM_TLBI_ENUM(name) ARM_##name,
    ARM_TLBI_MAP(ARM_TLBI_ENUM)
#undef ARM_TLBI_ENUM
        ARM_TLBI_COUNT
};

/* What tlb_flush() does for a gather of tables alone: shift_arg_pages(). */
enum arm_no_area {
    NO_AREA_NOTHING, /* to 2.6.37 [B20] */
    NO_AREA_MM,      /* its own gather, 2.6.38 on */
    NO_AREA_RANGE,   /* the generic one, 5.2 */
};

struct arm_state {
    enum arm_no_area no_area;
    bool knows_errata;
    struct asid_alloc asids;
    const struct inval_instruction *rows[ARM_TLBI_COUNT];
};

static struct arm_state *arm_state(const struct cpu *cpu)
{
    return cpu->system->protocol_state;
}

/* tlb_ops_need_broadcast(): ID_MMFR3[15:12] < 2. */
static bool arm_has_broadcast(const struct cpu *cpu)
{
    return !cpu->system->arm.cannot_broadcast;
}

/* ---- by interrupts: the local operations on every CPU of the mask ---- */

static uint32_t arm_act(struct cpu *cpu, const struct flush_request *request)
{
    const struct arm_state *state = arm_state(cpu);
    uint16_t asid = request->mm ? asid_of(request->mm->context_id) : 0;
    uint64_t vaddr = align_down(request->start, BASE_PAGE_BYTES);
    uint32_t cycles = 0;

    if (request->end == FLUSH_END_ALL) {
        enum arm_tlbi tlbi = request->mm ? ARM_TLBIASID : ARM_TLBIALL;

        mmusim__protocol_count_flush(cpu, FLUSH_ALL_PAGES);
        return mmusim__arm_flush_here(cpu, state->rows[tlbi], asid,
                                      MISS_FULL_FLUSH);
    }
    for (; vaddr < request->end; vaddr += BASE_PAGE_BYTES) {
        const struct inval_instruction *row = state->rows[ARM_TLBIMVA];
        struct inval inval = mmusim__arm_inval(
            cpu, row, mmusim__arm_va_operand(row, vaddr, asid));

        mmusim__protocol_count_flush(cpu, 1);
        mmusim__mmu_invalidate(&cpu->mmu, &inval, MISS_PAGE_FLUSH);
        cycles += cpu->system->broadcast.local_cycles;
    }
    return cycles + cpu->system->cost.barrier_cycles +
           cpu->system->broadcast.sync_local_cycles;
}

/* on_each_cpu_mask() */
static void arm_flush_by_call(struct cpu *cpu, const struct cpu_mask *mask,
                              struct address_space *mm, uint64_t start,
                              uint64_t end)
{
    struct flush_request request = {
        .mm = mm, .start = start, .end = end, .act = arm_act};
    uint64_t cycles = cpu->system->cost.flush_call_cycles;

    if (cpu_mask_has_other(mask, cpu->id))
        mmusim__ipi_call_many(cpu, mask, &request);
    if (cpu_mask_has(mask, cpu->id))
        cycles += arm_act(cpu, &request);
    mmusim__cpu_busy(cpu, cycles, BUCKET_FLUSH_LOCAL);
}

static void arm_flush_everywhere_by_call(struct cpu *cpu, uint64_t start,
                                         uint64_t end)
{
    struct cpu_mask all = mmusim__protocol_all_cpus(cpu->system);

    arm_flush_by_call(cpu, &all, NULL, start, end);
}

/* ---- erratum 798181: after every broadcast ---- */

struct arm_erratum_frame {
    struct kframe frame;
    const struct address_space *mm; /* NULL: whatever is run */
};

/* ipi_flush_tlb_a15_erratum(): a DMB. */
static uint32_t arm_erratum_act(struct cpu *cpu,
                                const struct flush_request *request)
{
    (void) request;
    return cpu->system->cost.barrier_cycles;
}

/* a15_erratum_get_cpumask(): who runs the ASID, or ran it at the last
 * rollover. */
static struct cpu_mask arm_erratum_mask(const struct cpu *cpu,
                                        const struct address_space *mm)
{
    struct cpu_mask mask = mmusim__protocol_all_cpus(cpu->system);

    cpu_mask_clear(&mask, cpu->id);
    for (uint32_t id = 0; mm && id < cpu->system->n_cpus; id++) {
        const struct asid_alloc *asids = &arm_state(cpu)->asids;
        uint64_t active = asids->active[id];

        if ((active ? active : asids->reserved[id]) != mm->context_id)
            cpu_mask_clear(&mask, id);
    }
    return mask;
}

enum { ERRATUM_DUMMY, ERRATUM_CALL, ERRATUM_END };

static enum kstep arm_erratum_step(struct cpu *cpu, struct kframe *frame)
{
    const struct arm_erratum_frame *erratum =
        (const struct arm_erratum_frame *) frame;
    const struct flush_request request = {.act = arm_erratum_act};
    struct cpu_mask mask;

    if (frame->pc == ERRATUM_DUMMY) {
        frame->pc = cpu->system->arm_errata.a15 == A15_FULL ? ERRATUM_CALL
                                                            : ERRATUM_END;
        mmusim__arm_flush_dummy(cpu, arm_state(cpu)->rows[ARM_TLBIMVAIS]);
        return KSTEP_NEXT;
    }
    if (frame->pc == ERRATUM_END)
        return KSTEP_DONE;
    frame->pc = ERRATUM_END;
    mask = arm_erratum_mask(cpu, erratum->mm);
    if (cpu_mask_has_other(&mask, cpu->id))
        mmusim__ipi_call_many(cpu, &mask, &request);
    return KSTEP_NEXT;
}

/* To be called before the flush is pushed, which it follows. */
static void arm_follow_erratum(struct cpu *cpu, const struct address_space *mm)
{
    struct arm_erratum_frame *erratum;

    if (!arm_state(cpu)->knows_errata ||
        cpu->system->arm_errata.a15 == A15_NONE)
        return;
    erratum = mmusim__cpu_push(cpu, arm_erratum_step, sizeof(*erratum));
    erratum->mm = mm;
}

/* ---- flush_tlb_*() ---- */

static void arm_flush_mm_range(struct cpu *cpu, struct address_space *mm,
                               const struct flush_span *span)
{
    const struct arm_state *state = arm_state(cpu);
    const struct arm_range range = {span->start, span->end, 0};
    uint16_t asid = asid_of(mm->context_id);

    if (!arm_has_broadcast(cpu)) {
        arm_flush_by_call(cpu, &mm->cpus, mm, span->start, span->end);
        return;
    }
    arm_follow_erratum(cpu, mm);
    if (span->end == FLUSH_END_ALL)
        mmusim__arm_flush_whole(cpu, state->rows[ARM_TLBIASIDIS], asid);
    else
        mmusim__arm_flush_pages(cpu, state->rows[ARM_TLBIMVAIS], asid, &range);
}

/* tlb_flush() */
static void arm_flush_gather(struct cpu *cpu, struct address_space *mm,
                             const struct flush_span *span)
{
    enum arm_no_area no_area = arm_state(cpu)->no_area;
    struct flush_span all = flush_span_all();

    if (!span->has_no_area || no_area == NO_AREA_RANGE)
        arm_flush_mm_range(cpu, mm, span);
    else if (no_area == NO_AREA_MM)
        arm_flush_mm_range(cpu, mm, &all);
}

static void arm_flush_page(struct cpu *cpu, struct address_space *mm,
                           uint64_t vaddr, uint32_t order)
{
    struct flush_span span = flush_span_of(vaddr, vaddr + 1);

    (void) order; /* any address of a page will do */
    arm_flush_mm_range(cpu, mm, &span);
}

static void arm_flush_all(struct cpu *cpu)
{
    if (!arm_has_broadcast(cpu)) {
        arm_flush_everywhere_by_call(cpu, 0, FLUSH_END_ALL);
        return;
    }
    arm_follow_erratum(cpu, NULL);
    mmusim__arm_flush_whole(cpu, arm_state(cpu)->rows[ARM_TLBIALLIS], 0)
        ->has_isb = true;
}

static void arm_flush_kernel_range(struct cpu *cpu, uint64_t start,
                                   uint64_t end)
{
    const struct arm_range range = {start, end, 0};

    if (!arm_has_broadcast(cpu)) {
        arm_flush_everywhere_by_call(cpu, start, end);
        return;
    }
    if (end == FLUSH_END_ALL) {
        arm_flush_all(cpu);
        return;
    }
    arm_follow_erratum(cpu, NULL);
    mmusim__arm_flush_pages(cpu, arm_state(cpu)->rows[ARM_TLBIMVAIS], 0, &range)
        ->has_isb = true;
}

/* ---- switching ---- */

static uint32_t arm_switch_mm(struct cpu *cpu, struct address_space *next)
{
    struct arm_state *state = arm_state(cpu);
    uint64_t old_id = next->context_id;
    uint32_t cycles = cpu->system->cost.ttbr_write_cycles;
    enum asid_switch how;

    cpu->tlb_state = TLB_STATE_OK;
    cpu->active_mm = next;
    if (cpu->loaded == next)
        return 0;
    how = mmusim__protocol_load(cpu, &state->asids, next);
    if (asid_of(next->context_id) != asid_of(old_id))
        next->cpus = (struct cpu_mask){{0}};
    cpu_mask_set(&next->cpus, cpu->id);
    if (how != ASID_SWITCH_FAST)
        cycles += cpu->system->cost.lock_cycles;
    if (how == ASID_SWITCH_FLUSH) {
        cpu->flushes.local_full++;
        cycles +=
            mmusim__arm_flush_here(cpu, state->rows[ARM_TLBIALL], 0, MISS_ASID);
    }
    return cycles;
}

static mmusim_status_t arm_init(struct system *system, enum arm_no_area no_area,
                                bool knows_errata)
{
    static const char *const names[ARM_TLBI_COUNT] = {
#define ARM_TLBI_NAME(name) #name,
        ARM_TLBI_MAP(ARM_TLBI_NAME)
#undef ARM_TLBI_NAME
    };
    struct arm_state *state =
        mmusim__arena_alloc(system->arena, 1, sizeof(*state));

    if (!state)
        return MMUSIM_NOMEM;
    system->protocol_state = state;
    state->no_area = no_area;
    state->knows_errata = knows_errata;
    for (uint32_t i = 0; i < ARM_TLBI_COUNT; i++)
        state->rows[i] = mmusim__inval_find(INVAL_ARMV7, names[i]);
    return mmusim__asid_init(&state->asids, system->arm.asid_bits,
                             system->n_cpus, system->arena);
}

static mmusim_status_t arm_init_2_6_37(struct system *system)
{
    return arm_init(system, NO_AREA_NOTHING, false);
}

static mmusim_status_t arm_init_2_6_38(struct system *system)
{
    return arm_init(system, NO_AREA_MM, false);
}

static mmusim_status_t arm_init_modern(struct system *system)
{
    return arm_init(system, NO_AREA_RANGE, true);
}

#define ARM_OPS                                                                \
    .isas = 1 << ISA_ARMV7, .ceiling_rule = CEILING_NONE,                      \
    .default_ceiling_pages = UINT64_C(1) << 40,                                \
    .flush_mm_range = arm_flush_mm_range, .flush_gather = arm_flush_gather,    \
    .flush_page = arm_flush_page, .after_upgrade = arm_flush_page,             \
    .fix_spurious = arm_flush_page,                                            \
    .flush_kernel_range = arm_flush_kernel_range, .flush_all = arm_flush_all,  \
    .switch_mm = arm_switch_mm, .enter_lazy = mmusim__protocol_enter_lazy

const struct protocol_ops mmusim__protocol_linux_arm_2_6_37 = {
    .name = "linux-arm-2.6.37",
    .help = "Linux 2.6.37 on Armv7: pages and tables are freed before the "
            "flush",
    .mm_rules = &mmusim__mm_rules_arm_2_6_37,
    .bugs = "B01 B06 B11 B12 B13 B20 B21",
    .init = arm_init_2_6_37,
    ARM_OPS,
};

const struct protocol_ops mmusim__protocol_linux_arm_2_6_37_fixed = {
    .name = "linux-arm-2.6.37-fixed",
    .help = "linux-arm-2.6.37 with the corpus's bugs repaired",
    .mm_rules = &mmusim__mm_rules_arm_2_6_37_fixed,
    .is_fixed = true,
    .init = arm_init_2_6_38,
    ARM_OPS,
};

const struct protocol_ops mmusim__protocol_linux_arm_2_6_38 = {
    .name = "linux-arm-2.6.38",
    .help = "Linux 2.6.38 on Armv7: a gather of 500 pages",
    .mm_rules = &mmusim__mm_rules_arm_2_6_38,
    .bugs = "B01 B06 B11 B12 B13 B21",
    .init = arm_init_2_6_38,
    ARM_OPS,
};

const struct protocol_ops mmusim__protocol_linux_arm_2_6_38_fixed = {
    .name = "linux-arm-2.6.38-fixed",
    .help = "linux-arm-2.6.38 with the corpus's bugs repaired",
    .mm_rules = &mmusim__mm_rules_arm_2_6_38_fixed,
    .is_fixed = true,
    .init = arm_init_2_6_38,
    ARM_OPS,
};

const struct protocol_ops mmusim__protocol_linux_arm = {
    .name = "linux-arm",
    .help = "Linux on Armv7: a TLBI a page, broadcast or by interrupts",
    .mm_rules = &mmusim__mm_rules_6_8,
    .init = arm_init_modern,
    ARM_OPS,
};
