/* SPDX-License-Identifier: MIT */
/*
 * flush_tlb_func() and should_flush_tlb() of the x86 protocols with
 * generations: what a CPU does with a request, and whether it gets one. Step
 * numbers are those of docs/protocols/linux-6.14.md.
 */
#include "coherence/protocol_steps.h"
#include "coherence/pti.h"
#include "coherence/x86_ops.h"
#include "coherence/x86_tlbgen.h"

static bool tlbgen_is_local(const struct cpu *cpu,
                            const struct flush_request *request)
{
    return request->initiator == cpu->id;
}

/* Step 7, partial. */
static uint32_t tlbgen_flush_pages(struct cpu *cpu,
                                   const struct flush_request *request)
{
    uint32_t shift = BASE_PAGE_SHIFT + request->stride_order;
    uint64_t bytes = request->end - request->start;
    uint64_t n_steps = align_up(bytes, UINT64_C(1) << shift) >> shift;

    mmusim__x86_invlpg_strides(&cpu->mmu, request->start, n_steps,
                               request->stride_order, MISS_PAGE_FLUSH);
    mmusim__protocol_count_flush(cpu, n_steps);
    if (tlbgen_is_local(cpu, request))
        cpu->system->vmstat.nr_tlb_local_flush_one += bytes >> shift;
    return mmusim__pti_drop_pages(cpu, request->start, n_steps,
                                  request->stride_order) +
           (uint32_t) min_u64(n_steps * cpu->system->cost.invlpg_cycles,
                              UINT32_MAX / 2);
}

/* Step 7, full. */
static uint32_t tlbgen_flush_pcid(struct cpu *cpu,
                                  const struct flush_request *request)
{
    mmusim__x86_mov_cr3(&cpu->mmu, cpu->mmu.root,
                        tlbgen_pcid(cpu, tlbgen_cpu_of(cpu)->loaded_asid),
                        CR3_FLUSH, MISS_FULL_FLUSH);
    mmusim__pti_drop_slot(cpu, tlbgen_cpu_of(cpu)->loaded_asid,
                          MISS_FULL_FLUSH);
    mmusim__protocol_count_flush(cpu, FLUSH_ALL_PAGES);
    if (tlbgen_is_local(cpu, request))
        cpu->system->vmstat.nr_tlb_local_flush_all++;
    return cpu->system->cost.cr3_write_cycles;
}

/* Step 9. */
static void tlbgen_trace(const struct cpu *cpu,
                         const struct flush_request *request, uint64_t n_pages)
{
    enum flush_reason reason = FLUSH_REMOTE_SHOOTDOWN;

    if (tlbgen_is_local(cpu, request))
        reason = request->mm ? FLUSH_LOCAL_MM_SHOOTDOWN : FLUSH_LOCAL_SHOOTDOWN;
    system_trace_flush(cpu->system, reason, n_pages);
}

/* Steps 5 to 9 of a CPU that runs the mm. */
static uint32_t tlbgen_catch_up(struct cpu *cpu,
                                const struct flush_request *request)
{
    struct tlbgen_cpu *own = tlbgen_cpu_of(cpu);
    uint64_t *local_gen = &own->ctxs[own->loaded_asid].tlb_gen;
    uint64_t mm_gen = cpu->loaded->x86.tlb_gen;
    uint64_t n_pages = 0;
    uint32_t cycles = 0;

    if (tlbgen_rules_of(cpu)->has_early_out && request->new_gen &&
        request->new_gen <= *local_gen)
        return 0; /* not traced */
    if (*local_gen == mm_gen) {
        /* Step 6: somebody else's request has done it. */
    } else if (request->end != FLUSH_END_ALL &&
               request->new_gen == *local_gen + 1 &&
               request->new_gen == mm_gen) {
        n_pages = (request->end - request->start) >>
                  (BASE_PAGE_SHIFT + request->stride_order);
        cycles = tlbgen_flush_pages(cpu, request);
    } else {
        n_pages = FLUSH_ALL_PAGES;
        cycles = tlbgen_flush_pcid(cpu, request);
    }
    *local_gen = mm_gen;
    tlbgen_trace(cpu, request, n_pages);
    return cycles;
}

/* The mm has got a global ASID meanwhile: step 3a of 7.1. A lazy CPU is lazy no
 * more (B29). */
static uint32_t tlbgen_reload_asid(struct cpu *cpu)
{
    if (!tlbgen_needs_global(cpu, cpu->loaded))
        return 0;
    return mmusim__tlbgen_switch_to(cpu, cpu->loaded);
}

uint32_t mmusim__tlbgen_flush_func(struct cpu *cpu,
                                   const struct flush_request *request)
{
    const struct tlbgen_rules *rules = tlbgen_rules_of(cpu);
    struct system *system = cpu->system;
    struct tlbgen_cpu *own = tlbgen_cpu_of(cpu);
    uint32_t cycles = 0;
    bool is_local = tlbgen_is_local(cpu, request);
    bool is_wrong = request->mm && request->mm != tlbgen_loaded_mm(cpu);

    /* Steps 1 and 2; 4.20 counts after the test. */
    if (!is_local && (rules->keeps_mask || !is_wrong))
        system->vmstat.nr_tlb_remote_flush_received++;
    if (is_wrong && rules->keeps_mask) {
        cpu_mask_clear(&request->mm->cpus, cpu->id);
        system_trace_flush(system, FLUSH_REMOTE_WRONG_CPU, 0);
    }
    if (is_wrong || cpu->loaded == system->init_mm)
        return 0;
    if (!rules->asks_lazy_first)
        cycles += tlbgen_reload_asid(cpu);
    if (tlbgen_is_lazy(cpu) && !tlbgen_is_global(own->loaded_asid))
        return cycles + mmusim__tlbgen_switch_to(cpu, system->init_mm);
    cycles += tlbgen_reload_asid(cpu);
    if (tlbgen_is_global(own->loaded_asid))
        return cycles;
    return cycles + tlbgen_catch_up(cpu, request);
}

/* should_flush_tlb(); before 6.14 tlb_is_not_lazy(). */
bool mmusim__tlbgen_selects(const struct cpu *target,
                            const struct flush_request *request)
{
    const struct tlbgen_rules *rules = tlbgen_rules_of(target);
    const struct address_space *loaded = tlbgen_loaded_mm(target);

    if (tlbgen_is_lazy(target))
        return false;
    if (!rules->keeps_mask || !request->mm)
        return true;
    if (!loaded && rules->marks_switch_early)
        return true;
    return loaded == request->mm || request->trims_mask;
}
