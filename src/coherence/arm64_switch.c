/* SPDX-License-Identifier: MIT */
/* Context switches of arm64: see arm64_switch.h. Linux 4.20 to 7.1
 * arch/arm64/mm/context.c. */
#include "coherence/arm64_switch.h"

#include "coherence/arm_flush.h"
#include "coherence/protocol_steps.h"
#include "core/arena.h"

uint32_t mmusim__arm64_switch_mm(struct cpu *cpu, struct address_space *next)
{
    struct arm64_state *state = arm64_state(cpu);
    uint32_t cycles = cpu->system->cost.ttbr_write_cycles;
    enum asid_switch how;

    cpu->tlb_state = TLB_STATE_OK;
    cpu->active_mm = next;
    if (cpu->loaded == next)
        return 0;
    /* With shared entries the tables are never another ASID's: the reserved
     * ones come in between. */
    if (cpu->mmu.shared->has_cnp)
        cycles *= 2;
    how = mmusim__protocol_load(cpu, &state->asids, next);
    if (state->has_user_asids)
        mmusim__mmu_set_asid(&cpu->mmu, (uint16_t) (asid_of(next->context_id) |
                                                    ARM64_USER_ASID));
    if (how != ASID_SWITCH_FAST)
        cycles += cpu->system->cost.lock_cycles;
    if (how == ASID_SWITCH_FLUSH) {
        cpu->flushes.local_full++; /* local_flush_tlb_all() */
        cycles += mmusim__arm_flush_here(cpu, state->rows[TLBI_VMALLE1], 0,
                                         MISS_ASID);
    }
    return cycles;
}

mmusim_status_t mmusim__arm64_init(struct system *system,
                                   const struct arm64_version *version)
{
    static const char *const names[TLBI_COUNT] = {
#define ARM64_TLBI_NAME(name) #name,
        ARM64_TLBI_MAP(ARM64_TLBI_NAME)
#undef ARM64_TLBI_NAME
    };
    struct arm64_state *state =
        mmusim__arena_alloc(system->arena, 1, sizeof(*state));
    mmusim_status_t status;

    if (!state)
        return MMUSIM_NOMEM;
    system->protocol_state = state;
    state->version = version;
    state->order =
        system->arm.features & ARM_RANGE ? version->order : ARM64_NO_RANGES;
    for (uint32_t i = 0; i < TLBI_COUNT; i++)
        state->rows[i] = mmusim__inval_find(INVAL_ARMV8, names[i]);
    status = mmusim__asid_init(&state->asids, system->arm.asid_bits,
                               system->n_cpus, system->arena);
    state->has_user_asids = system->has_pti;
    if (!status && (system->has_pti || version->always_pairs))
        mmusim__asid_pair(&state->asids);
    state->asids.reserves_first = version->reserves_first;
    return status;
}
