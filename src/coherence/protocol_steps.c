/* SPDX-License-Identifier: MIT */
/* What several protocols do alike: see protocol_steps.h. */
#include "coherence/protocol_steps.h"

void mmusim__protocol_count_flush(struct cpu *cpu, uint64_t n_pages)
{
    struct flush_counters *flushes = &cpu->flushes;
    bool is_full = n_pages == FLUSH_ALL_PAGES;

    if (cpu->is_in_handler && is_full)
        flushes->received_full++;
    else if (cpu->is_in_handler)
        flushes->received_pages += n_pages;
    else if (is_full)
        flushes->local_full++;
    else
        flushes->local_pages += n_pages;
}

void mmusim__protocol_enter_lazy(struct cpu *cpu)
{
    if (cpu->tlb_state == TLB_STATE_OK)
        cpu->tlb_state = TLB_STATE_LAZY;
}

struct protocol_call_frame {
    struct kframe frame;
    struct flush_request request;
    struct cpu_mask mask;
    protocol_call call;
};

enum { CALL_OTHERS, CALL_HERE, CALL_DONE };

static bool protocol_acts_here(const struct cpu *cpu,
                               const struct protocol_call_frame *call)
{
    const struct flush_request *request = &call->request;

    return cpu_mask_has(&call->mask, cpu->id) &&
           (!request->selects || request->selects(cpu, request));
}

static enum kstep protocol_call_step(struct cpu *cpu, struct kframe *frame)
{
    struct protocol_call_frame *call = (struct protocol_call_frame *) frame;
    uint32_t cycles;

    switch (frame->pc++) {
    case CALL_OTHERS:
        if (!protocol_acts_here(cpu, call))
            cpu_mask_clear(&call->mask, cpu->id);
        if (cpu_mask_has_other(&call->mask, cpu->id))
            call->call(cpu, &call->mask, &call->request);
        return KSTEP_NEXT;
    case CALL_HERE:
        if (!cpu_mask_has(&call->mask, cpu->id))
            return KSTEP_DONE;
        cpu->masks_interrupts = true;
        cycles = call->request.act(cpu, &call->request);
        mmusim__cpu_busy(cpu, cycles, BUCKET_FLUSH_LOCAL);
        return KSTEP_NEXT;
    default:
        cpu->masks_interrupts = false;
        return KSTEP_DONE;
    }
}

void mmusim__protocol_call(struct cpu *cpu, const struct cpu_mask *mask,
                           const struct flush_request *request,
                           protocol_call call)
{
    struct protocol_call_frame *frame =
        mmusim__cpu_push(cpu, protocol_call_step, sizeof(*frame));

    frame->request = *request;
    frame->mask = *mask;
    frame->call = call;
}

void mmusim__protocol_run_here(struct cpu *cpu,
                               const struct flush_request *request)
{
    struct cpu_mask own = {{0}};

    cpu_mask_set(&own, cpu->id);
    mmusim__protocol_call(cpu, &own, request, NULL);
}

struct cpu_mask mmusim__protocol_all_cpus(const struct system *system)
{
    struct cpu_mask all = {{0}};

    for (uint32_t i = 0; i < system->n_cpus; i++)
        cpu_mask_set(&all, i);
    return all;
}

enum asid_switch mmusim__protocol_load(struct cpu *cpu,
                                       struct asid_alloc *asids,
                                       struct address_space *next)
{
    enum asid_switch how =
        mmusim__asid_switch(asids, cpu->id, &next->context_id);

    cpu->mmu.root = next->root;
    mmusim__mmu_set_asid(&cpu->mmu, asid_of(next->context_id));
    cpu->loaded = next;
    return how;
}
