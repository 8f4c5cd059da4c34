/* SPDX-License-Identifier: MIT */
/*
 * RISC-V: see linux_riscv.h. A flush acts here first, then asks for the others:
 * the SBI call makes the firmware interrupt each hart, which fences and
 * acknowledges; the caller waits in the call.
 *
 * The ASID allocator is used only where there are more than twice as many ASIDs
 * as CPUs. With it a CPU's bit in mm_cpumask is never cleared; without it the
 * whole TLB goes at every switch and the bit with it (context.c).
 *
 * Left out: Svinval, S-mode IPIs (AIA), Svvptc, the vmalloc work-around.
 */
#include "coherence/linux_riscv.h"

#include "coherence/inval_instruction.h"
#include "coherence/ipi.h"
#include "coherence/mm_rules.h"
#include "coherence/protocol_steps.h"
#include "core/arena.h"
#include "core/check.h"

struct riscv_state {
    struct asid_alloc asids;
    const struct inval_instruction *sfence;
};

static struct riscv_state *riscv_state(const struct cpu *cpu)
{
    return cpu->system->protocol_state;
}

static uint64_t riscv_page_bytes(void)
{
    return BASE_PAGE_BYTES; /* Sv39 to Sv57 */
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
static uint32_t riscv_flush_here(struct cpu *cpu, bool has_asid, uint16_t asid,
                                 uint64_t start, uint64_t end)
{
    struct riscv_fence fence = {.has_asid = has_asid, .asid = asid};
    uint64_t n_pages = 1;

    if (end == FLUSH_END_ALL) {
        riscv_fence(cpu, &fence, MISS_FULL_FLUSH);
        return cpu->system->cost.sfence_cycles;
    }
    fence.has_vaddr = true;
    n_pages = (end - start) / riscv_page_bytes();
    for (uint64_t i = 0; i < n_pages; i++) {
        fence.vaddr = start + i * riscv_page_bytes();
        riscv_fence(cpu, &fence, MISS_PAGE_FLUSH);
    }
    return (uint32_t) min_u64(n_pages * cpu->system->cost.sfence_cycles,
                              UINT32_MAX / 2);
}

/* ---- remote ---- */

/* sbi_remote_sfence_vma_asid() on its target: an address space's, or every
 * one's (mm NULL). The hart need not run it now. */
static uint32_t riscv_act(struct cpu *cpu, const struct flush_request *request)
{
    bool has_asid = request->mm && riscv_state(cpu)->asids.n_asids;
    uint16_t asid = request->mm ? asid_of(request->mm->context_id) : 0;

    mmusim__protocol_count_flush(cpu, request->end == FLUSH_END_ALL
                                          ? FLUSH_ALL_PAGES
                                          : (request->end - request->start) /
                                                riscv_page_bytes());
    return riscv_flush_here(cpu, has_asid, asid, request->start, request->end);
}

static void riscv_flush(struct cpu *cpu, const struct cpu_mask *mask,
                        struct address_space *mm, uint64_t start, uint64_t end)
{
    const struct cost_config *cost = &cpu->system->cost;
    struct flush_request request = {
        .mm = mm, .start = start, .end = end, .act = riscv_act};
    bool is_here = cpu_mask_has(mask, cpu->id);
    uint64_t cycles = cost->flush_call_cycles;

    if (end != FLUSH_END_ALL &&
        (end - start + riscv_page_bytes() - 1) / riscv_page_bytes() >
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

static void riscv_flush_mm_range(struct cpu *cpu, struct address_space *mm,
                                 const struct flush_span *span)
{
    uint64_t start = span->start;
    uint64_t end = span->end;

    /* A fence of an address keeps pointers to tables (RISC-V privileged manual,
     * SFENCE.VMA); tlb_flush() fences the whole space before it frees any. */
    if (span->frees_tables) {
        start = 0;
        end = FLUSH_END_ALL;
    }
    riscv_flush(cpu, &mm->cpus, mm, start, end);
}

static void riscv_flush_page(struct cpu *cpu, struct address_space *mm,
                             uint64_t vaddr, uint32_t order)
{
    uint64_t start = align_down(vaddr, riscv_page_bytes());

    (void) order; /* any address of a page will do */
    riscv_flush(cpu, &mm->cpus, mm, start, start + riscv_page_bytes());
}

/* update_mmu_cache(): local_flush_tlb_page() of the address only. */
static void riscv_after_upgrade(struct cpu *cpu, struct address_space *mm,
                                uint64_t vaddr, uint32_t order)
{
    uint64_t start = align_down(vaddr, riscv_page_bytes());
    uint32_t cycles;

    (void) mm;
    (void) order;
    cpu->flushes.local_pages++;
    cycles = riscv_flush_here(cpu, false, 0, start, start + riscv_page_bytes());
    mmusim__cpu_busy(cpu, cycles, BUCKET_FLUSH_LOCAL);
}

static void riscv_flush_everywhere(struct cpu *cpu, uint64_t start,
                                   uint64_t end)
{
    struct cpu_mask all = mmusim__protocol_all_cpus(cpu->system);

    riscv_flush(cpu, &all, NULL, start, end);
}

static void riscv_flush_all(struct cpu *cpu)
{
    riscv_flush_everywhere(cpu, 0, FLUSH_END_ALL);
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
    if (!state->asids.n_asids)
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
    state->sfence = mmusim__inval_find(INVAL_RISCV, "SFENCE.VMA");
    /* asids_init(): use_asid_allocator */
    if (1U << bits <= 2 * system->n_cpus)
        bits = 0;
    return mmusim__asid_init(&state->asids, bits, system->n_cpus,
                             system->arena);
}

const struct protocol_ops mmusim__protocol_linux_riscv = {
    .name = "linux-riscv",
    .help = "Linux 7.1 on RISC-V: SFENCE.VMA, remote fences by the SBI",
    .isas = 1 << ISA_RISCV,
    .mm_rules = &mmusim__mm_rules_7_1,
    .ceiling_rule = CEILING_ABOVE,
    .default_ceiling_pages = 64,
    .init = riscv_init,
    .flush_mm_range = riscv_flush_mm_range,
    .flush_page = riscv_flush_page,
    .after_upgrade = riscv_after_upgrade,
    .fix_spurious = riscv_after_upgrade,
    .flush_kernel_range = riscv_flush_everywhere,
    .flush_all = riscv_flush_all,
    .switch_mm = riscv_switch_mm,
    .enter_lazy = mmusim__protocol_enter_lazy,
};
