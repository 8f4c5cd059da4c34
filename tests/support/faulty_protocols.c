/* SPDX-License-Identifier: MIT */
/* See faulty_protocols.h. */
#include "support/faulty_protocols.h"

#include "coherence/arm_flush.h"
#include "coherence/ipi.h"
#include "coherence/x86_tlbgen.h"

/* ---- B27: a request with generation 0 is taken for one that is done ---- */

static uint32_t swallow(struct cpu *cpu, const struct flush_request *request)
{
    return request->new_gen ? mmusim__tlbgen_flush_func(cpu, request) : 0;
}

static void swallow_batch_flush(struct cpu *cpu)
{
    struct tlbgen_cpu *own = tlbgen_cpu_of(cpu);
    const struct cpu_mask mask = own->batch;
    const struct flush_request request = {
        .end = FLUSH_END_ALL, .act = swallow, .initiator = cpu->id};

    own->batch = (struct cpu_mask){{0}};
    if (cpu_mask_has_other(&mask, cpu->id))
        mmusim__ipi_call_many(cpu, &mask, &request);
    mmusim__cpu_busy(cpu, 100, BUCKET_FLUSH_LOCAL);
}

static void spoil_generation(struct protocol_ops *ops)
{
    ops->batch_flush = swallow_batch_flush;
}

/* ---- B25: between the look at the generation and the bit in the mask ---- */

struct window_frame {
    struct kframe frame;
    struct address_space *next;
    enum bucket bucket;
};

static enum kstep window_step(struct cpu *cpu, struct kframe *frame)
{
    struct window_frame *window = (struct window_frame *) frame;
    uint32_t cycles;

    if (frame->pc++ == 0) {
        cycles = mmusim__tlbgen_switch_mm(cpu, window->next);
        cpu_mask_clear(&window->next->cpus, cpu->id);
        mmusim__cpu_busy(cpu, (uint64_t) cycles + 3000, window->bucket);
        return KSTEP_NEXT;
    }
    cpu_mask_set(&window->next->cpus, cpu->id);
    return KSTEP_DONE;
}

static void window_switch_steps(struct cpu *cpu, struct address_space *next,
                                enum bucket bucket)
{
    struct window_frame *window =
        mmusim__cpu_push(cpu, window_step, sizeof(*window));

    window->next = next;
    window->bucket = bucket;
}

static void spoil_window(struct protocol_ops *ops)
{
    ops->switch_steps = window_switch_steps;
}

/* ---- B05: the barrier is not executed where the TLBI was ---- */

static const struct protocol_ops *base_of(const char *name)
{
    return mmusim__protocol_find(name);
}

static void forget_barrier(struct cpu *cpu, const struct kframe *before)
{
    if (cpu->top != before)
        ((struct arm_flush *) cpu->top)->is_posted = true;
}

static void posted_range(struct cpu *cpu, struct address_space *mm,
                         const struct flush_span *span)
{
    const struct kframe *before = cpu->top;

    base_of("linux-arm64-7.1")->flush_mm_range(cpu, mm, span);
    forget_barrier(cpu, before);
}

static void posted_gather(struct cpu *cpu, struct address_space *mm,
                          const struct flush_span *span)
{
    const struct kframe *before = cpu->top;

    base_of("linux-arm64-7.1")->flush_gather(cpu, mm, span);
    forget_barrier(cpu, before);
}

static void spoil_barrier(struct protocol_ops *ops)
{
    ops->flush_mm_range = posted_range;
    ops->flush_gather = posted_gather;
}

/* ---- B18: lazy CPUs are left out when tables go ---- */

static void inverted_range(struct cpu *cpu, struct address_space *mm,
                           const struct flush_span *span)
{
    const struct cpu_mask all = mm->cpus;

    for (uint32_t i = 0; span->frees_tables && i < cpu->system->n_cpus; i++) {
        if (cpu->system->cpus[i].tlb_state == TLB_STATE_LAZY)
            cpu_mask_clear(&mm->cpus, i);
    }
    base_of("linux-4.6-fixed")->flush_mm_range(cpu, mm, span);
    mm->cpus = all;
}

static void spoil_lazy_mask(struct protocol_ops *ops)
{
    ops->flush_mm_range = inverted_range;
}

/* ---- B37: out of the mask, with the entries kept under the ASID ---- */

static uint32_t leaving_switch(struct cpu *cpu, struct address_space *next)
{
    struct address_space *previous = cpu->loaded;
    uint32_t cycles = base_of("linux-riscv")->switch_mm(cpu, next);

    if (previous != next)
        cpu_mask_clear(&previous->cpus, cpu->id);
    return cycles;
}

static void spoil_mask(struct protocol_ops *ops)
{
    ops->switch_mm = leaving_switch;
}

/* ---- B42: an exact number of pages becomes too small a range ---- */

static void short_range(struct cpu *cpu, struct address_space *mm,
                        const struct flush_span *span)
{
    struct flush_span less = *span;
    uint64_t n_pages = (span->end - span->start) >> BASE_PAGE_SHIFT;

    if (span->end != FLUSH_END_ALL && n_pages > 1 && !(n_pages & (n_pages - 1)))
        less.end = span->start + (n_pages / 2 << BASE_PAGE_SHIFT);
    base_of("linux-arm64-7.1")->flush_gather(cpu, mm, &less);
}

static void spoil_operand(struct protocol_ops *ops)
{
    ops->flush_gather = short_range;
    ops->flush_mm_range = short_range;
}

/* ---- the list ---- */

static const struct faulty_protocol faults[] = {
    {"generation 0 swallowed", "linux-6.14-fixed", ISA_X86_64, true, 11,
     spoil_generation},
    {"window in switch_mm", "linux-6.14-fixed", ISA_X86_64, false, 1,
     spoil_window},
    {"barrier of another CPU", "linux-arm64-7.1", ISA_ARMV8, false, 1,
     spoil_barrier},
    {"inverted lazy mask", "linux-4.6-fixed", ISA_X86_64, false, 7,
     spoil_lazy_mask},
    {"mask bit cleared, ASID kept", "linux-riscv", ISA_RISCV, false, 1,
     spoil_mask},
    {"range operand", "linux-arm64-7.1", ISA_ARMV8, false, 1, spoil_operand},
};

const struct faulty_protocol *faulty_protocol_at(size_t index)
{
    return index < sizeof(faults) / sizeof(*faults) ? &faults[index] : NULL;
}
