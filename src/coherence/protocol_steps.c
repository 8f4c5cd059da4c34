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
