/* SPDX-License-Identifier: MIT */
/* Flushes by TLBI: see arm_flush.h. Operand layouts: Linux 7.1
 * arch/arm64/include/asm/tlbflush.h, arch/arm/include/asm/tlbflush.h; Arm ARM
 * C5.5, TLBI VAE1IS and RVAE1IS; Armv7 ARM B4.2.2. */
#include "coherence/arm_flush.h"

#include "coherence/arm_bbm.h"
#include "coherence/broadcast.h"
#include "coherence/system.h"
#include "core/check.h"

enum {
    FLUSH_PUBLISH,
    FLUSH_ISSUE,
    FLUSH_BETWEEN, /* is_repeated: a barrier */
    FLUSH_AGAIN,   /* the same operation */
    FLUSH_COMPLETE,
    FLUSH_ISB,
    FLUSH_END
};

static uint32_t flush_granule_order(const struct cpu *cpu)
{
    return cpu->mmu.shared->format->granule_order;
}

struct inval mmusim__arm_inval(const struct cpu *cpu,
                               const struct inval_instruction *row,
                               uint64_t operand)
{
    struct inval_operands operands = {.reg = {operand}};
    struct inval_issuer issuer = {.context = cpu->mmu.context,
                                  .arm = cpu->system->arm};
    struct inval_request request;
    enum inval_outcome outcome =
        mmusim__inval_decode(row, &operands, &issuer, &request);

    mmusim_assert(outcome == INVAL_LEGAL);
    (void) outcome;
    /* A wrong granule or level: an operation like others, without effect. */
    if (!request.n_invals)
        request.invals[0] = (struct inval){.has_range = true, .n_pages = 1};
    return request.invals[0];
}

uint64_t mmusim__arm_va_operand(const struct inval_instruction *row,
                                uint64_t vaddr, uint16_t asid)
{
    if (row->isa == INVAL_ARMV7)
        return (vaddr & ~(uint64_t) (BASE_PAGE_BYTES - 1)) | asid;
    return (uint64_t) asid << 48 |
           (vaddr >> BASE_PAGE_SHIFT & ((UINT64_C(1) << 44) - 1));
}

/* TG: 1: 4K, 2: 16K, 3: 64K. */
static uint64_t flush_granule_field(const struct cpu *cpu)
{
    return flush_granule_order(cpu) / 2 + 1;
}

/* TTL, bits 47:44: the granule and the level, where the machine looks at it. */
static uint64_t flush_level_hint(const struct cpu *cpu, uint8_t level)
{
    if (level == ARM_LEVEL_UNKNOWN || !(cpu->system->arm.features & ARM_TTL))
        return 0;
    return (flush_granule_field(cpu) << 2 | level) << 44;
}

/* __TLBI_VADDR_RANGE; its hint has two bits, 0: none. */
static uint64_t flush_range_operand(const struct cpu *cpu,
                                    const struct arm_flush *flush,
                                    const struct arm64_op *op)
{
    uint32_t granule = flush_granule_order(cpu);
    uint64_t level = flush->level == ARM_LEVEL_UNKNOWN ? 0 : flush->level;

    return (uint64_t) flush->asid << 48 | flush_granule_field(cpu) << 46 |
           (uint64_t) op->scale << 44 | (uint64_t) op->num << 39 | level << 37 |
           (flush->vaddr >> (BASE_PAGE_SHIFT + granule) &
            ((UINT64_C(1) << 37) - 1));
}

/* An operand without an address: the ASID where its form has it. */
static uint64_t flush_asid_operand(const struct arm_flush *flush)
{
    return flush->row->isa == INVAL_ARMV7 ? flush->asid
                                          : (uint64_t) flush->asid << 48;
}

/* ---- what the observer of break-before-make is told ---- */

static void flush_watch_tlbi(const struct cpu *cpu,
                             const struct broadcast_request *request)
{
    struct inval_request told = {.invals = {request->inval},
                                 .n_invals = 1,
                                 .reach = request->reach,
                                 .completion = COMPLETE_AT_DSB};

    if (request->n_ops > 1)
        told.invals[0].n_pages += (request->n_ops - 1) * request->step_pages;
    if (cpu->system->bbm)
        mmusim__bbm_tlbi(cpu->system->bbm, cpu->id, &told);
}

static void flush_watch_dsb(const struct cpu *cpu, enum arm_access_types types)
{
    const struct arm_dsb dsb = {REACH_INNER, types, false};

    if (cpu->system->bbm)
        mmusim__bbm_dsb(cpu->system->bbm, cpu->id, &dsb);
}

static uint64_t flush_operand(const struct cpu *cpu,
                              const struct arm_flush *flush,
                              const struct arm64_op *op)
{
    if (flush->row->pages == EVERY_PAGE)
        return flush_asid_operand(flush);
    if (op->is_range)
        return flush_range_operand(cpu, flush, op);
    return mmusim__arm_va_operand(flush->row, flush->vaddr, flush->asid) |
           flush_level_hint(cpu, flush->level);
}

/* Issues the operations of flush->op. */
static void flush_issue(struct cpu *cpu, const struct arm_flush *flush)
{
    const struct arm64_op *op = &flush->op;
    uint32_t granule = flush_granule_order(cpu);
    struct broadcast_request request = {
        .inval =
            mmusim__arm_inval(cpu, op->is_range ? flush->range_row : flush->row,
                              flush_operand(cpu, flush, op)),
        .cause = flush->cause,
        .reach = flush->row->reach,
        .n_ops = op->n_ops,
    };

    if (flush->row->pages != EVERY_PAGE && !op->is_range) {
        request.inval.n_pages = UINT64_C(1) << granule;
        request.step_pages = flush->cut.stride_pages << granule;
    }
    flush_watch_tlbi(cpu, &request);
    mmusim__broadcast_issue(cpu, &request);
}

static void flush_pass_over(const struct cpu *cpu, struct arm_flush *flush)
{
    flush->vaddr += flush->op.n_pages
                    << (BASE_PAGE_SHIFT + flush_granule_order(cpu));
}

/* __tlbi_user(): here all of one ASID's, then all of the other's; the kernel
 * issues them in turns. */
static void flush_turn_to_other(struct arm_flush *flush)
{
    flush->asid = flush->other_asid;
    flush->other_asid = 0;
    flush->cut = flush->whole_cut;
    flush->vaddr = flush->first_vaddr;
}

/* The next operations, if any are left. */
static void flush_go_on(struct cpu *cpu, struct arm_flush *flush)
{
    if (!mmusim__arm64_cut_next(&flush->cut, &flush->op)) {
        if (!flush->other_asid)
            flush->frame.pc = FLUSH_COMPLETE;
        else
            flush_turn_to_other(flush);
        return;
    }
    flush_issue(cpu, flush);
    if (flush->cut.is_single)
        flush->frame.pc = FLUSH_BETWEEN;
    else
        flush_pass_over(cpu, flush);
}

static enum kstep arm_flush_step(struct cpu *cpu, struct kframe *frame)
{
    struct arm_flush *flush = (struct arm_flush *) frame;
    const struct cost_config *cost = &cpu->system->cost;

    switch (frame->pc) {
    case FLUSH_PUBLISH:
        frame->pc = FLUSH_ISSUE;
        flush_watch_dsb(cpu, ARM_STORES); /* dsb(ishst) */
        mmusim__cpu_busy(
            cpu, (uint64_t) cost->flush_call_cycles + cost->barrier_cycles,
            BUCKET_FLUSH_LOCAL);
        return KSTEP_NEXT;
    case FLUSH_ISSUE:
        flush_go_on(cpu, flush);
        return KSTEP_NEXT;
    case FLUSH_BETWEEN:
        frame->pc = FLUSH_AGAIN;
        mmusim__broadcast_sync(cpu, flush->row->reach);
        return KSTEP_NEXT;
    case FLUSH_AGAIN:
        frame->pc = FLUSH_ISSUE;
        flush_issue(cpu, flush);
        flush_pass_over(cpu, flush);
        return KSTEP_NEXT;
    case FLUSH_COMPLETE:
        if (flush->is_posted)
            return KSTEP_DONE;
        frame->pc = flush->has_isb ? FLUSH_ISB : FLUSH_END;
        mmusim__broadcast_sync(cpu, flush->row->reach);
        return KSTEP_NEXT;
    case FLUSH_ISB:
        frame->pc = FLUSH_END;
        flush_watch_dsb(cpu, ARM_LOADS_AND_STORES);
        mmusim__cpu_busy(cpu, cost->barrier_cycles, BUCKET_FLUSH_LOCAL);
        return KSTEP_NEXT;
    default:
        flush_watch_dsb(cpu, ARM_LOADS_AND_STORES);
        return KSTEP_DONE;
    }
}

static struct arm_flush *arm_flush_push(struct cpu *cpu,
                                        const struct inval_instruction *row,
                                        uint16_t asid)
{
    struct arm_flush *flush =
        mmusim__cpu_push(cpu, arm_flush_step, sizeof(*flush));

    flush->row = row;
    flush->asid = asid;
    flush->level = ARM_LEVEL_UNKNOWN;
    return flush;
}

struct arm_flush *mmusim__arm_flush_whole(struct cpu *cpu,
                                          const struct inval_instruction *row,
                                          uint16_t asid)
{
    struct arm_flush *flush = arm_flush_push(cpu, row, asid);

    cpu->flushes.local_full++;
    flush->cause = MISS_FULL_FLUSH;
    mmusim__arm64_cut_begin(&flush->cut, ARM64_NO_RANGES, 1, 1);
    return flush;
}

uint64_t mmusim__arm_range_strides(const struct arm_range *range)
{
    uint32_t shift = BASE_PAGE_SHIFT + range->stride_order;
    uint64_t stride = UINT64_C(1) << shift;

    return (align_up(range->end, stride) - align_down(range->start, stride)) >>
           shift;
}

struct arm_flush *mmusim__arm_flush_pages(struct cpu *cpu,
                                          const struct inval_instruction *row,
                                          uint16_t asid,
                                          const struct arm_range *range)
{
    uint32_t per_stride_log2 = range->stride_order - flush_granule_order(cpu);
    uint64_t n_strides = mmusim__arm_range_strides(range);
    struct arm_flush *flush = arm_flush_push(cpu, row, asid);

    mmusim_assert(range->stride_order >= flush_granule_order(cpu));
    cpu->flushes.local_pages += n_strides;
    flush->cause = MISS_PAGE_FLUSH;
    flush->vaddr = align_down(
        range->start, UINT64_C(1) << (BASE_PAGE_SHIFT + range->stride_order));
    mmusim__arm64_cut_begin(&flush->cut, ARM64_NO_RANGES,
                            n_strides << per_stride_log2,
                            UINT64_C(1) << per_stride_log2);
    return flush;
}

void mmusim__arm_flush_in(struct arm_flush *flush, enum arm64_range_order order)
{
    bool is_single = flush->cut.is_single;

    mmusim__arm64_cut_begin(&flush->cut, order, flush->cut.pages_left,
                            flush->cut.stride_pages);
    flush->cut.is_single = is_single;
}

void mmusim__arm_flush_both(struct arm_flush *flush, uint16_t other_asid)
{
    flush->other_asid = other_asid;
    flush->whole_cut = flush->cut;
    flush->first_vaddr = flush->vaddr;
}

void mmusim__arm_flush_dummy(struct cpu *cpu,
                             const struct inval_instruction *row)
{
    struct arm_flush *flush = arm_flush_push(cpu, row, 0);

    flush->frame.pc = FLUSH_ISSUE;
    flush->cause = MISS_PAGE_FLUSH;
    mmusim__arm64_cut_begin(&flush->cut, ARM64_NO_RANGES, 1, 1);
}

enum { COMPLETE_WAIT, COMPLETE_END };

static enum kstep arm_complete_step(struct cpu *cpu, struct kframe *frame)
{
    if (frame->pc == COMPLETE_END) {
        flush_watch_dsb(cpu, ARM_LOADS_AND_STORES);
        return KSTEP_DONE;
    }
    frame->pc = COMPLETE_END;
    mmusim__broadcast_sync(cpu, REACH_INNER);
    return KSTEP_NEXT;
}

void mmusim__arm_flush_complete(struct cpu *cpu)
{
    mmusim__cpu_push(cpu, arm_complete_step, sizeof(struct kframe));
}

uint32_t mmusim__arm_flush_here(struct cpu *cpu,
                                const struct inval_instruction *row,
                                uint64_t operand, enum miss_cause cause)
{
    const struct system *system = cpu->system;
    struct inval inval = mmusim__arm_inval(cpu, row, operand);

    mmusim__mmu_invalidate(&cpu->mmu, &inval, cause);
    return 2 * system->cost.barrier_cycles + system->broadcast.local_cycles +
           system->broadcast.sync_local_cycles;
}
