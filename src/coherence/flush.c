/* SPDX-License-Identifier: MIT */
/* The door to the protocol: see flush.h. */
#include "coherence/flush.h"

void mmusim__flush_range(struct cpu *cpu, struct address_space *mm,
                         const struct flush_span *span)
{
    cpu->system->protocol->flush_mm_range(cpu, mm, span);
}

void mmusim__flush_mm(struct cpu *cpu, struct address_space *mm)
{
    struct flush_span all = flush_span_all();

    mmusim__flush_range(cpu, mm, &all);
}

void mmusim__flush_gather(struct cpu *cpu, struct address_space *mm,
                          const struct flush_span *span)
{
    const struct protocol_ops *protocol = cpu->system->protocol;

    if (protocol->flush_gather)
        protocol->flush_gather(cpu, mm, span);
    else
        protocol->flush_mm_range(cpu, mm, span);
}

void mmusim__flush_page(struct cpu *cpu, struct address_space *mm,
                        uint64_t vaddr, uint32_t order)
{
    cpu->system->protocol->flush_page(cpu, mm, vaddr, order);
}

void mmusim__flush_kernel_range(struct cpu *cpu, uint64_t start, uint64_t end)
{
    cpu->system->protocol->flush_kernel_range(cpu, start, end);
}

void mmusim__flush_all(struct cpu *cpu)
{
    cpu->system->protocol->flush_all(cpu);
}

bool mmusim__flush_batch_defers(const struct cpu *cpu,
                                const struct address_space *mm)
{
    const struct protocol_ops *protocol = cpu->system->protocol;

    return cpu->system->has_batched_unmap && protocol->batch_defers &&
           protocol->batch_defers(cpu, mm);
}

uint32_t mmusim__flush_batch_add(struct cpu *cpu, struct address_space *mm,
                                 uint64_t vaddr, uint32_t order)
{
    return cpu->system->protocol->batch_add(cpu, mm, vaddr, order);
}

void mmusim__flush_batch(struct cpu *cpu)
{
    cpu->system->protocol->batch_flush(cpu);
}

void mmusim__flush_batch_pending(struct cpu *cpu, struct address_space *mm)
{
    const struct protocol_ops *protocol = cpu->system->protocol;

    if (protocol->batch_pending)
        protocol->batch_pending(cpu, mm);
    else
        mmusim__flush_mm(cpu, mm);
}
