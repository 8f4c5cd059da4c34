/* SPDX-License-Identifier: MIT */
/* Which CPUs share which TLBs: see machine_tlbs.h. */
#include "machine/machine_tlbs.h"

/* Do CPUs have TLB arrays in common? */
static bool machine_shares_tlbs(const struct machine_config *config)
{
    for (uint32_t level = 0; level < TLB_LEVEL_COUNT; level++) {
        for (uint32_t i = 0; i < config->tlb[level].n_arrays; i++) {
            if (level == TLB_L3 ||
                config->tlb[level].arrays[i].smt == TLB_SMT_SHARED)
                return true;
        }
    }
    return false;
}

mmusim_status_t mmusim__machine_init_sharing(struct mmusim_machine *machine)
{
    const struct machine_config *config = &machine->config;
    struct mmu_shared *shared = &machine->shared;

    if (!machine_shares_tlbs(config))
        return MMUSIM_OK;
    shared->has_cnp = config->tlb_sharing.has_cnp;
    shared->n_mmus = machine_config_cpus(config);
    shared->mmus = mmusim__arena_alloc(&machine->arena, shared->n_mmus,
                                       sizeof(struct mmu *));
    if (!shared->mmus)
        return MMUSIM_NOMEM;
    if (shared->has_cnp || shared->contexts)
        return MMUSIM_OK;
    shared->contexts = mmusim__tlb_contexts_create();
    return shared->contexts ? MMUSIM_OK : MMUSIM_NOMEM;
}

/* The CPU's translation hardware, and which of it others have built. */
struct mmu_setup mmusim__machine_mmu_setup(struct mmusim_machine *machine,
                                           const struct cpu *cpu)
{
    const struct machine_config *config = &machine->config;
    struct cpu *cpus = machine->system.cpus;
    uint32_t in_socket = cpu->core % config->cores_per_socket;
    uint32_t l3_first = cpu->core - in_socket % machine_config_l3_cores(config);

    return (struct mmu_setup){
        .tlb = config->tlb,
        .shared = &machine->shared,
        .rng = &machine->rngs[cpu->id],
        .cpu = cpu->id,
        .n_threads = config->threads_per_core,
        .sibling = cpu->id == cpu->core ? NULL : &cpus[cpu->core].mmu,
        .l3_sibling = cpu->id == l3_first ? NULL : &cpus[l3_first].mmu,
    };
}
