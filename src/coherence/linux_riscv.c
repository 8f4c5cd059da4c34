/* SPDX-License-Identifier: MIT */
/*
 * RISC-V: see linux_riscv.h. A flush acts here first, then asks for the others:
 * the SBI call makes the firmware interrupt each hart, which fences and
 * acknowledges; the caller waits in the call.
 *
 * The ASID allocator is used only where there are more than twice as many ASIDs
 * as CPUs. With it a CPU's bit in mm_cpumask is never cleared (up to 6.2 it is,
 * and the entries stay [B37]); without it the whole TLB goes at every switch
 * and the bit with it (context.c).
 *
 * Left out: Svinval, Svnapot, S-mode IPIs (AIA), Svvptc, the vmalloc
 * work-around.
 */
#include "coherence/linux_riscv.h"

#include "coherence/inval_instruction.h"
#include "coherence/ipi.h"
#include "coherence/mm_rules.h"
#include "coherence/protocol_steps.h"
#include "core/arena.h"
#include "core/check.h"

struct riscv_state {
    bool forgets_cpus; /* a CPU that runs another space leaves the mask: 6.2 */
    struct cpu_mask *batches; /* by CPU: those of its batched entries */
    struct asid_alloc asids;
    const struct inval_instruction *sfence;
};

static struct riscv_state *riscv_state(const struct cpu *cpu)
{
    return cpu->system->protocol_state;
}

/* A range and the distance of its fences, a power of two of 4 KiB pages. */
struct riscv_range {
    uint64_t start, end;
    uint32_t stride_order;
};

static uint64_t riscv_strides(uint64_t start, uint64_t end,
                              uint32_t stride_order)
{
    uint64_t stride = UINT64_C(1) << (BASE_PAGE_SHIFT + stride_order);

    return (end - start + stride - 1) >> (BASE_PAGE_SHIFT + stride_order);
}

/* ---- SFENCE.VMA ---- */

/* One fence on this hart; has_vaddr and has_asid: whether rs1 and rs2 are other
 * registers than x0. */
struct riscv_fence {
    bool has_vaddr, has_asid;
    uint64_t vaddr;
    uint16_t asid;
};

static void riscv_fence(struct cpu *cpu, const struct riscv_fence *fence,
                        enum miss_cause cause)
{
    struct inval_operands operands = {
        .reg = {fence->vaddr, fence->asid},
        .is_x0 = {!fence->has_vaddr, !fence->has_asid},
    };
    struct inval_issuer issuer = {.context = cpu->mmu.context,
                                  .riscv = cpu->system->riscv};
    struct inval_request request;
    enum inval_outcome outcome = mmusim__inval_decode(
        riscv_state(cpu)->sfence, &operands, &issuer, &request);

    mmusim_assert(outcome == INVAL_LEGAL);
    if (outcome == INVAL_LEGAL)
        mmusim__inval_apply(&cpu->mmu, &request, cause);
}

/* local_flush_tlb_range_asid() and its kin; returns the cycles. */
static uint32_t riscv_flush_here(struct cpu *cpu, struct riscv_fence fence,
                                 const struct riscv_range *range)
{
    uint64_t n_fences = 1;

    if (range->end == FLUSH_END_ALL) {
        riscv_fence(cpu, &fence, MISS_FULL_FLUSH);
        return cpu->system->cost.sfence_cycles;
    }
    fence.has_vaddr = true;
    n_fences = riscv_strides(range->start, range->end, range->stride_order);
    for (uint64_t i = 0; i < n_fences; i++) {
        fence.vaddr =
            range->start + (i << (BASE_PAGE_SHIFT + range->stride_order));
        riscv_fence(cpu, &fence, MISS_PAGE_FLUSH);
    }
    return (uint32_t) min_u64(n_fences * cpu->system->cost.sfence_cycles,
                              UINT32_MAX / 2);
}

/* ---- remote ---- */

/* sbi_remote_sfence_vma_asid() on its target: an address space's, or every
 * one's (mm NULL). The hart need not run it now. */
static uint32_t riscv_act(struct cpu *cpu, const struct flush_request *request)
{
    struct riscv_fence fence = {
        .has_asid = request->mm && riscv_state(cpu)->asids.n_asids,
        .asid = request->mm ? asid_of(request->mm->context_id) : 0,
    };
    const struct riscv_range range = {request->start, request->end,
                                      request->stride_order};

    mmusim__protocol_count_flush(
        cpu, range.end == FLUSH_END_ALL
                 ? FLUSH_ALL_PAGES
                 : riscv_strides(range.start, range.end, range.stride_order));
    return riscv_flush_here(cpu, fence, &range);
}

/* __flush_tlb_range(): more strides than the threshold are one fence of all. */
static void riscv_flush(struct cpu *cpu, const struct cpu_mask *mask,
                        struct address_space *mm,
                        const struct riscv_range *range)
{
    const struct cost_config *cost = &cpu->system->cost;
    struct flush_request request = {
        .mm = mm,
        .start = range->start,
        .end = range->end,
        .act = riscv_act,
        .stride_order = range->stride_order,
    };
    bool is_here = cpu_mask_has(mask, cpu->id);
    uint64_t cycles = cost->flush_call_cycles;

    if (range->end != FLUSH_END_ALL &&
        riscv_strides(range->start, range->end, range->stride_order) >
            cpu->system->flush_ceiling_pages) {
        request.start = 0;
        request.end = FLUSH_END_ALL;
    }
    if (cpu_mask_has_other(mask, cpu->id)) {
        cycles += cost->sbi_call_cycles;
        mmusim__ipi_call_many(cpu, mask, &request);
    }
    if (is_here)
        cycles += riscv_act(cpu, &request);
    /* Charged first: the frame that sends waits until this is over. */
    mmusim__cpu_busy(cpu, cycles, BUCKET_FLUSH_LOCAL);
}

/* flush_tlb_range() and its kin for huge pages: the stride is theirs. */
static void riscv_flush_mm_range(struct cpu *cpu, struct address_space *mm,
                                 const struct flush_span *span)
{
    struct riscv_range range = {span->start, span->end, span->stride_order};

    riscv_flush(cpu, &mm->cpus, mm, &range);
}

/* tlb_flush(). A fence of an address keeps pointers to tables (RISC-V
 * privileged manual, SFENCE.VMA): the whole space is fenced before any is
 * freed. */
static void riscv_flush_gather(struct cpu *cpu, struct address_space *mm,
                               const struct flush_span *span)
{
    struct riscv_range range = {span->start, span->end, span->stride_order};

    if (span->is_full_mm || span->frees_tables)
        range = (struct riscv_range){.end = FLUSH_END_ALL};
    riscv_flush(cpu, &mm->cpus, mm, &range);
}

static struct riscv_range riscv_page(uint64_t vaddr, uint32_t order)
{
    uint64_t bytes = UINT64_C(1) << (BASE_PAGE_SHIFT + order);
    uint64_t start = align_down(vaddr, bytes);

    return (struct riscv_range){start, start + bytes, order};
}

static void riscv_flush_page(struct cpu *cpu, struct address_space *mm,
                             uint64_t vaddr, uint32_t order)
{
    struct riscv_range range = riscv_page(vaddr, order);

    riscv_flush(cpu, &mm->cpus, mm, &range);
}

/* update_mmu_cache(): local_flush_tlb_page() of the address only. */
static void riscv_after_upgrade(struct cpu *cpu, struct address_space *mm,
                                uint64_t vaddr, uint32_t order)
{
    const struct riscv_fence every_asid = {.has_vaddr = true};
    struct riscv_range range = riscv_page(vaddr, 0);

    (void) mm;
    (void) order;
    cpu->flushes.local_pages++;
    mmusim__cpu_busy(cpu, riscv_flush_here(cpu, every_asid, &range),
                     BUCKET_FLUSH_LOCAL);
}

static void riscv_flush_everywhere(struct cpu *cpu, uint64_t start,
                                   uint64_t end)
{
    struct cpu_mask all = mmusim__protocol_all_cpus(cpu->system);
    const struct riscv_range range = {start, end, 0};

    riscv_flush(cpu, &all, NULL, &range);
}

static void riscv_flush_all(struct cpu *cpu)
{
    riscv_flush_everywhere(cpu, 0, FLUSH_END_ALL);
}

/* ---- batched unmapping: 6.9 on ---- */

static bool riscv_batch_defers(const struct cpu *cpu,
                               const struct address_space *mm)
{
    (void) cpu;
    (void) mm;
    return true;
}

static uint32_t riscv_batch_add(struct cpu *cpu, struct address_space *mm,
                                uint64_t vaddr, uint32_t order)
{
    struct cpu_mask *batch = &riscv_state(cpu)->batches[cpu->id];

    (void) vaddr;
    (void) order;
    for (uint32_t i = 0; i < MAX_CPUS / 64; i++)
        batch->words[i] |= mm->cpus.words[i];
    return 0;
}

/* Everything of everybody, where any of the address spaces has run. */
static void riscv_batch_flush(struct cpu *cpu)
{
    struct cpu_mask *batch = &riscv_state(cpu)->batches[cpu->id];
    const struct riscv_range all = {.end = FLUSH_END_ALL};

    riscv_flush(cpu, batch, NULL, &all);
    *batch = (struct cpu_mask){{0}};
}

/* ---- switching ---- */

/* switch_mm(): satp, and what the allocator asks for. */
static uint32_t riscv_switch_mm(struct cpu *cpu, struct address_space *next)
{
    struct riscv_state *state = riscv_state(cpu);
    const struct cost_config *cost = &cpu->system->cost;
    struct address_space *previous = cpu->loaded;
    uint32_t cycles = cost->satp_write_cycles;
    enum asid_switch how;

    cpu->tlb_state = TLB_STATE_OK;
    cpu->active_mm = next;
    if (previous == next)
        return 0;
    cpu_mask_set(&next->cpus, cpu->id);
    how = mmusim__protocol_load(cpu, &state->asids, next);
    if (how != ASID_SWITCH_FAST)
        cycles += cost->lock_cycles;
    if (how == ASID_SWITCH_FLUSH || !state->asids.n_asids) {
        struct riscv_fence all = {.has_vaddr = false};

        cpu->flushes.local_full++;
        riscv_fence(cpu, &all,
                    how == ASID_SWITCH_FLUSH ? MISS_ASID : MISS_SWITCH);
        cycles += cost->sfence_cycles;
    }
    if (!state->asids.n_asids || state->forgets_cpus)
        cpu_mask_clear(&previous->cpus, cpu->id);
    return cycles;
}

static mmusim_status_t riscv_init(struct system *system)
{
    uint32_t bits = system->riscv.asid_bits;
    struct riscv_state *state =
        mmusim__arena_alloc(system->arena, 1, sizeof(*state));

    if (!state)
        return MMUSIM_NOMEM;
    system->protocol_state = state;
    state->batches = mmusim__arena_alloc(system->arena, system->n_cpus,
                                         sizeof(*state->batches));
    if (!state->batches)
        return MMUSIM_NOMEM;
    state->sfence = mmusim__inval_find(INVAL_RISCV, "SFENCE.VMA");
    /* asids_init(): use_asid_allocator */
    if (1U << bits <= 2 * system->n_cpus)
        bits = 0;
    return mmusim__asid_init(&state->asids, bits, system->n_cpus,
                             system->arena);
}

static mmusim_status_t riscv_init_6_2(struct system *system)
{
    mmusim_status_t status = riscv_init(system);

    if (!status)
        ((struct riscv_state *) system->protocol_state)->forgets_cpus = true;
    return status;
}

#define RISCV_OPS                                                              \
    .isas = 1 << ISA_RISCV, .ceiling_rule = CEILING_ABOVE,                     \
    .flush_mm_range = riscv_flush_mm_range,                                    \
    .flush_gather = riscv_flush_gather, .flush_page = riscv_flush_page,        \
    .after_upgrade = riscv_after_upgrade, .fix_spurious = riscv_after_upgrade, \
    .flush_kernel_range = riscv_flush_everywhere,                              \
    .flush_all = riscv_flush_all, .switch_mm = riscv_switch_mm,                \
    .enter_lazy = mmusim__protocol_enter_lazy

const struct protocol_ops mmusim__protocol_linux_riscv_6_2 = {
    .name = "linux-riscv-6.2",
    .help = "Linux 6.2 on RISC-V: a CPU leaves the mask and keeps its entries",
    .mm_rules = &mmusim__mm_rules_6_2,
    .bugs = "B16 B37",
    .default_ceiling_pages = 1,
    .init = riscv_init_6_2,
    RISCV_OPS,
};

const struct protocol_ops mmusim__protocol_linux_riscv_6_2_fixed = {
    .name = "linux-riscv-6.2-fixed",
    .help = "linux-riscv-6.2 with the corpus's bugs repaired",
    .mm_rules = &mmusim__mm_rules_6_2_fixed,
    .is_fixed = true,
    .default_ceiling_pages = 1,
    .init = riscv_init,
    RISCV_OPS,
};

const struct protocol_ops mmusim__protocol_linux_riscv = {
    .name = "linux-riscv",
    .help = "Linux 7.1 on RISC-V: SFENCE.VMA, remote fences by the SBI",
    .mm_rules = &mmusim__mm_rules_7_1,
    .default_ceiling_pages = 64,
    .init = riscv_init,
    .batch_defers = riscv_batch_defers,
    .batch_add = riscv_batch_add,
    .batch_flush = riscv_batch_flush,
    RISCV_OPS,
};
